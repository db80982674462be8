"""What the media benchmarks send: pictures that all differ, and something like speech."""

import os
import struct
import wave
import zlib

PIXELS = 182  # on each side: 99 KB, since noise cannot be compressed
RATE = 24000


def _chunk(name, content):
    return (
        struct.pack(">I", len(content))
        + name
        + content
        + struct.pack(">I", zlib.crc32(name + content))
    )


class Pictures:
    """PNG pictures of 100 KB, each one different from every other of all processes."""

    def __init__(self):
        rows = b"".join(b"\x00" + os.urandom(3 * PIXELS) for _ in range(PIXELS))
        head = struct.pack(">IIBBBBB", PIXELS, PIXELS, 8, 2, 0, 0, 0)
        self._begin = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head)
        self._begin += _chunk(b"IDAT", zlib.compress(rows, 0))
        self._end = _chunk(b"IEND", b"")

    def next(self):
        """Return a picture; safe from any thread."""
        comment = b"Comment\x00" + os.urandom(8).hex().encode()
        return self._begin + _chunk(b"tEXt", comment) + self._end


def speech(seconds, rate):
    """Return something like speech as numpy array from -1 to 1: voiced syllables and noise."""
    import numpy as np

    noise = np.random.default_rng(1)
    time = np.arange(int(rate * seconds)) / rate
    phase = 2 * np.pi * np.cumsum(120 + 25 * np.sin(2 * np.pi * 1.3 * time)) / rate
    sound = np.zeros(len(time))
    for number in range(1, 30):
        loudness = 1 + np.sin(2 * np.pi * (0.5 + 0.23 * number) * time + number)
        sound += loudness * np.sin(number * phase) / number**0.7
    sound *= 0.15 + 0.85 * np.clip(np.sin(2 * np.pi * 3.1 * time), 0, 1)
    sound += 0.02 * noise.normal(size=len(time))
    return sound / np.abs(sound).max() * 0.6


def write_wav(path, sound, rate, channels):
    """Write a sound as a WAV file, the same in every channel."""
    import numpy as np

    with wave.open(str(path), "wb") as file:
        file.setparams((channels, 2, rate, 0, "NONE", ""))
        file.writeframes(np.repeat((sound * 32767).astype("<i2"), channels).tobytes())


def write_mp3(path, sound, rate):
    """Write a sound as an mp3 file."""
    import av
    import numpy as np

    with av.open(str(path), "w", format="mp3") as output:
        stream = output.add_stream("libmp3lame", rate=rate, layout="mono")
        samples = (sound * 32767).astype("<i2")[np.newaxis]
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate = rate
        context = stream.codec_context
        context.open()
        resampler = av.AudioResampler(
            format=context.format, layout="mono", rate=rate, frame_size=context.frame_size
        )
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            output.mux(stream.encode(part))
        output.mux(stream.encode(None))
