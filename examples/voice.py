"""Voices: any format in; what QQ does not play becomes SILK. Received voices become WAV."""

from pathlib import Path

from qqgroup_sync import Chain, Client, voice

HELLO = Path(__file__).with_name("assets") / "hello.wav"
client = Client()


@client.on_message(keywords="speak")
def speak(message):
    return Chain().voice(HELLO)  # wav goes as it is, or as SILK where QQ refuses wav


@client.on_message(keywords="silk")
def silk(message):
    return Chain().voice(HELLO, convert=True)  # always SILK


@client.on_message
def listen(message):
    if message.voice is None:
        return None
    wav = voice.to_wav(message.voice.read())  # SILK in, 24 kHz WAV out
    said = message.voice.transcript or "something"
    return f"You said {said!r}: {len(wav)} bytes of WAV"


if __name__ == "__main__":
    client.run()
