"""Voices: anything audible arrives as SILK that sounds like it, or the error says why not."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qqgroup_sync.errors import (
    ConfigError,
    MediaError,
    MediaTooLarge,
    QQGroupError,
    UnsupportedMedia,
    VoiceEncodeError,
)
from qqgroup_sync.media import voice
from tests.media import sounds

SOUND = sounds.speech(2.0)
MANY = {
    "wav-8k-8bit": (8000, {"width": 1}),
    "wav-11k": (11025, {}),
    "wav-16k": (16000, {}),
    "wav-22k-float": (22050, {"width": 4, "floating": True}),
    "wav-24k": (24000, {}),
    "wav-24k-stereo": (24000, {"channels": 2}),
    "wav-44k-stereo": (44100, {"channels": 2}),
    "wav-48k-5.1": (48000, {"channels": 6, "extensible": True}),
    "wav-96k-stereo-24bit": (96000, {"channels": 2, "width": 3, "extensible": True}),
}
FORMATS = {
    "mp3": ("mp3", "libmp3lame", 44100, "stereo"),
    "m4a": ("ipod", "aac", 44100, "mono"),
    "opus": ("ogg", "libopus", 48000, "mono"),
    "flac": ("flac", "flac", 48000, "stereo"),
    "amr": ("amr", "libopencore_amrnb", 8000, "mono"),
    "mp4": ("mp4", "aac", 48000, "stereo"),
}


@pytest.fixture(autouse=True)
def _clean(tmp_path, monkeypatch):
    """Fail when a process or a temporary file is left."""
    with sounds.nothing_left(tmp_path / "temporary", monkeypatch):
        yield


@pytest.fixture(params=["silk-python", "pilk"])
def encoder(request, monkeypatch):
    """Leave only one of the encoders."""
    hidden = "pilk" if request.param == "silk-python" else "pysilk"
    monkeypatch.setitem(sys.modules, hidden, None)
    return request.param


@pytest.fixture(scope="module")
def silk():
    """Return a voice as SILK."""
    return voice.to_silk(sounds.wav(SOUND))


def check(silk, *, below=8000):
    """Fail unless this is SILK for QQ and sounds like ``SOUND``."""
    assert silk.startswith(b"\x02#!SILK_V3")
    assert not silk.endswith(b"\xff\xff")
    assert voice.seconds(silk) == pytest.approx(2.0, abs=0.12)
    heard = sounds.of_wav(voice.to_wav(silk))
    assert len(heard) == voice.seconds(silk) * sounds.RATE
    assert sounds.likeness(SOUND, heard, below) > 0.9


@pytest.mark.parametrize("extra", [True, False], ids=["with-av", "without-av"])
@pytest.mark.parametrize("name", MANY)
def test_wav_of_every_kind(name, extra, monkeypatch):
    """Any rate, depth and number of channels, without any extra."""
    rate, shape = MANY[name]
    if not extra:
        monkeypatch.setitem(sys.modules, "av", None)
    check(
        voice.to_silk(sounds.wav(sounds.speech(2.0, rate), rate, **shape)),
        below=min(8000, int(rate * 0.4)),
    )


@pytest.mark.parametrize("name", FORMATS)
def test_other_formats(name, encoder):
    """Decoded by PyAV, encoded by either encoder."""
    container, codec, rate, layout = FORMATS[name]
    content = sounds.encoded(
        SOUND, container, codec, rate=rate, layout=layout, picture=name == "mp4"
    )
    check(voice.to_silk(content), below=min(8000, int(rate * 0.4)))


@pytest.mark.parametrize("kind", [str, Path, bytes, bytearray])
def test_where_it_comes_from(kind, tmp_path):
    """A path as text or object, or the content."""
    path = tmp_path / "声音.wav"
    path.write_bytes(sounds.wav(SOUND))
    source = kind(path.read_bytes() if kind in (bytes, bytearray) else path)
    silk = voice.to_silk(source)
    check(silk)
    path.write_bytes(silk)
    source = kind(path.read_bytes() if kind in (bytes, bytearray) else path)
    assert voice.to_wav(source) == voice.to_wav(silk)


def test_silk_is_not_encoded_again(silk, tmp_path, encoder):
    """It only takes the form that QQ wants; and either form can be listened to."""
    told = []
    standard = silk[1:] + b"\xff\xff"
    (tmp_path / "voice.silk").write_bytes(standard)
    for source in (silk, standard, tmp_path / "voice.silk"):
        assert voice.to_silk(source, progress=lambda *now: told.append(now)) == silk
        assert voice.to_wav(source) == voice.to_wav(silk)
    assert told == [(2000, 2000)] * 3


def test_progress_and_stop(encoder):
    """Progress counts milliseconds of sound; a stop ends everything."""
    told = []
    voice.to_silk(sounds.wav(SOUND), progress=lambda *now: told.append(now))
    assert told[-1] == (2000, 2000)
    stop = threading.Event()
    long = sounds.wav(np.tile(SOUND, 30))
    with pytest.raises(VoiceEncodeError, match="stopped"):
        voice.to_silk(long, progress=lambda *_: stop.set(), stop=stop)
    with pytest.raises(VoiceEncodeError, match="stopped"):
        voice.to_silk(sounds.wav(SOUND), stop=stop)


def rate_of(silk):
    """Return the bits per second."""
    return len(silk) * 8 / voice.seconds(silk)


def test_bits_per_second():
    """By default what iOS plays, on wish up to the best, or exactly as told."""
    noise = sounds.wav(np.random.default_rng(1).uniform(-1, 1, sounds.RATE * 4))
    assert 20_000 < rate_of(voice.to_silk(noise)) < 26_000
    assert rate_of(voice.to_silk(noise, ios_adaptive=False)) > 45_000
    assert 8_000 < rate_of(voice.to_silk(noise, bitrate=10_000)) < 12_000
    assert 8_000 < rate_of(voice.to_silk(noise, bitrate=10_000, ios_adaptive=False)) < 12_000


@pytest.mark.parametrize("bitrate", [0, -1, 4_999, 100_001, 24_000.0, True, "24000"])
def test_bits_per_second_that_no_encoder_knows(bitrate):
    """Encoders would silently use others."""
    with pytest.raises(ConfigError, match="bitrate"):
        voice.to_silk(sounds.wav(SOUND), bitrate=bitrate)


def test_what_comes_out_too_large_is_encoded_again(monkeypatch):
    """A pure tone comes out 30 % above the rate that was asked for."""
    monkeypatch.setattr(voice, "_MOST_BYTES", 13_380 // 8 * 10)  # as 980 KiB for ten minutes
    tone = 0.9 * np.sin(2 * np.pi * 1000 * np.arange(sounds.RATE * 10) / sounds.RATE)
    asked = []
    encode = voice.silk_format.encode

    def noted(pcm, *, bitrate, **options):
        asked.append(bitrate)
        return encode(pcm, bitrate=bitrate, **options)

    monkeypatch.setattr(voice.silk_format, "encode", noted)
    assert len(voice.to_silk(sounds.wav(tone))) <= voice._MOST_BYTES
    assert len(asked) > 1
    assert asked == sorted(asked, reverse=True)


def test_ios_plays_even_loud_noise():
    """Nothing above 25 kbit/s."""
    noise = sounds.wav(np.sign(np.random.default_rng(1).uniform(-1, 1, sounds.RATE * 3)))
    assert rate_of(voice.to_silk(noise)) <= 25_000


@pytest.mark.load
@pytest.mark.parametrize(("seconds", "ios_adaptive"), [(330, True), (600, True), (165, False)])
def test_long_voices_stay_small(seconds, ios_adaptive):
    """Loud noise, which needs most, stays below 980 KiB up to the limit."""
    noise = np.random.default_rng(1).uniform(-1, 1, sounds.RATE * seconds)
    silk = voice.to_silk(sounds.wav(noise), ios_adaptive=ios_adaptive)
    assert voice.seconds(silk) == seconds
    assert 700 * 1024 < len(silk) < 980 * 1024


def test_too_long():
    """The limit is told before anything is encoded or even decoded."""
    long = sounds.wav(np.zeros(8000 * 601), 8000, width=1)
    with pytest.raises(MediaTooLarge, match="lasts 601 s, the limit is 600 s") as caught:
        voice.to_silk(long)
    assert "Chain().file" in caught.value.remedy
    for use in (voice.to_silk, voice.to_wav, voice.seconds):
        with pytest.raises(MediaTooLarge):
            use(b"\x02#!SILK_V3" + 30_001 * b"\x01\x00x")
    assert voice.MAX_SECONDS == 600


def test_silence_is_a_voice():
    """Nothing to hear is not nothing: a pause can be sent."""
    silk = voice.to_silk(sounds.wav(np.zeros(sounds.RATE)))
    assert voice.seconds(silk) == 1.0
    assert np.abs(sounds.of_wav(voice.to_wav(silk))).max() < 0.001


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00",
        b"RIFF",
        sounds.riff(),
        sounds.wav(np.zeros(0)),
        sounds.wav(SOUND)[:44],
        b"\x89PNG\r\n\x1a\n" + bytes(50),
        b"<html><body>404</body></html>",
        "你好，这不是声音".encode(),
        np.random.default_rng(2).bytes(3000),
        b"\x02#!SILK_V3",
        b"\x02#!SILK_V3\xff\xff",
        b"#!SILK_V3\x05\x00abc",
    ],
)
def test_what_is_no_sound(content, tmp_path):
    """Empty, cut off, a picture, a page, noise: one kind of error, from bytes and from a file."""
    path = tmp_path / "voice.mp3"
    path.write_bytes(content)
    for source in (content, path):
        for use in (voice.to_silk, voice.to_wav):
            with pytest.raises(UnsupportedMedia) as caught:
                use(source)
            assert caught.value.remedy
            assert source is content or "voice.mp3" in caught.value.summary


def test_files_that_cannot_be_read(tmp_path):
    """Missing, a folder, an impossible name: an error of ours that names the path."""
    for path in (tmp_path / "gone.wav", tmp_path, "a\x00b", tmp_path / ("x" * 300)):
        for use in (voice.to_silk, voice.to_wav):
            with pytest.raises(MediaError, match="the voice") as caught:
                use(path)
            assert caught.value.remedy
    for address in ("https://example.com/a.mp3?sign=abc", "data:audio/wav;base64," + "A" * 5000):
        with pytest.raises(MediaError, match=r"is an address, not a file") as caught:
            voice.to_silk(address)
        assert "Chain().voice(url)" in caught.value.remedy
        assert len(caught.value.summary) < 80
    for source in (None, 3):
        with pytest.raises(TypeError):
            voice.to_silk(source)


def test_only_silk_becomes_wav():
    """Other sounds need no way back."""
    with pytest.raises(UnsupportedMedia, match="not a SILK voice") as caught:
        voice.to_wav(sounds.wav(SOUND))
    assert "to_silk()" in caught.value.remedy


@settings(max_examples=60, deadline=None)
@given(
    changes=st.lists(st.tuples(st.integers(0, 6000), st.integers(0, 255)), max_size=6),
    cut=st.integers(0, 6000),
    more=st.binary(max_size=20),
)
def test_no_voice_breaks_the_decoder(changes, cut, more):
    """What strangers send gives sound or an error of ours."""
    file = bytearray(VOICE[: len(VOICE) - cut] + more)
    for position, value in changes:
        if position < len(file):
            file[position] = value
    try:
        heard = voice.to_wav(bytes(file))
    except QQGroupError:
        return
    assert len(sounds.of_wav(heard)) == pytest.approx(voice.seconds(bytes(file)) * sounds.RATE)


VOICE = voice.to_silk(sounds.wav(SOUND))
