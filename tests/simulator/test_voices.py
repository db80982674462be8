"""Voices: SILK is heard, damaged SILK is refused, with either decoder."""

import contextlib
import io
import itertools
import struct
import subprocess
import sys
import wave

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qqgroup_sync.simulator import voices
from qqgroup_sync.simulator.shelf import MediaFile

from . import samples

TONE = samples.wav(0.5)
BACKENDS = ["pysilk", "pilk"]


@pytest.fixture(params=BACKENDS)
def backend(request, monkeypatch):
    """Each decoder in turn; silk-python goes first when it is there."""
    pytest.importorskip(request.param)
    if request.param == "pilk":
        monkeypatch.setitem(sys.modules, "pysilk", None)
    return request.param


def samples_of(wav):
    """Return the rate and the samples of a WAV file."""
    with wave.open(io.BytesIO(wav)) as reader:
        data = reader.readframes(reader.getnframes())
        return reader.getframerate(), struct.unpack(f"<{len(data) // 2}h", data)


def crossings(found):
    """Count how often the sign changes: twice the pitch per second."""
    return sum(a < 0 <= b or b < 0 <= a for a, b in itertools.pairwise(found))


@pytest.mark.parametrize("rate", [8000, 16_000, 24_000])
def test_silk_there_and_back(backend, rate):
    """A tone survives SILK: same length, same pitch, 24 kHz."""
    silk = voices.to_silk(samples.wav(0.5, rate))
    assert silk.startswith(b"\x02#!SILK_V3")
    got_rate, found = samples_of(voices.to_wav(silk))
    assert got_rate == voices.RATE
    assert abs(len(found) - 12_000) <= 480
    assert abs(crossings(found) - 440) < 15


def test_plain_silk_with_end_mark(backend):
    """SILK without Tencent's byte and with the end mark is heard, too."""
    silk = voices.to_silk(TONE)
    assert voices.to_wav(silk[1:] + b"\xff\xff") == voices.to_wav(silk)


def test_wav_is_heard_as_it_is():
    """WAV needs no decoder."""
    assert voices.to_wav(TONE) is TONE


@pytest.mark.parametrize("data", [b"", samples.png(), samples.MP3, b"RIFF"])
def test_what_is_no_voice(data):
    """Other formats say that they cannot be heard."""
    with pytest.raises(ValueError, match="only SILK and WAV"):
        voices.to_wav(data)


@pytest.mark.parametrize(
    "body", [b"\x05", b"\x05\x00abc", b"\xff\x7f" + bytes(40_000), b"\x00\x00"]
)
def test_damaged_silk_is_refused_before_any_decoder(body, monkeypatch):
    """A chain of packets that is cut off or crafted never reaches a decoder."""
    monkeypatch.setattr(voices, "_decode", lambda _: pytest.fail("it was decoded"))
    with pytest.raises(ValueError, match="damaged"):
        voices.to_wav(b"\x02#!SILK_V3" + body)


def test_crash_of_the_decoder_is_an_error(monkeypatch):
    """A decoder that dies takes only its own process with it."""
    monkeypatch.setitem(sys.modules, "pysilk", None)
    monkeypatch.setattr(voices, "_PILK_DECODE", "import os; os.abort()")
    with pytest.raises(ValueError, match="could not be converted"):
        voices.to_wav(voices_silk())


def voices_silk():
    """A voice made by whichever encoder there is."""
    return b"\x02#!SILK_V3" + struct.pack("<h", 3) + b"abc"


def test_slow_decoder_is_ended(monkeypatch):
    """A decoder that hangs is ended."""
    monkeypatch.setitem(sys.modules, "pysilk", None)

    def hangs(command, **options):
        raise subprocess.TimeoutExpired(command, options["timeout"])

    monkeypatch.setattr(subprocess, "run", hangs)
    with pytest.raises(ValueError, match="too long"):
        voices.to_wav(voices_silk())


@pytest.mark.parametrize("wav", [b"", b"RIFF1234WAVE", TONE[:20], samples.wav(0.1, 44_100)])
def test_wav_that_cannot_be_a_voice(wav):
    """Only whole 16 bit mono files of the usual rates are encoded."""
    with pytest.raises(ValueError, match=r"WAV|mono"):
        voices.to_silk(wav)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.binary(min_size=1, max_size=60), max_size=6))
def test_any_bytes_as_packets_do_no_harm(packets):
    """Nonsense in a well-formed chain is a WAV or a ValueError, never a crash."""
    pytest.importorskip("pysilk")
    body = b"".join(struct.pack("<h", len(one)) + one for one in packets)
    with contextlib.suppress(ValueError):
        assert voices.to_wav(b"\x02#!SILK_V3" + body).startswith(b"RIFF")


def test_file_without_bytes_says_so():
    """A medium whose bytes are gone cannot be heard."""
    with pytest.raises(LookupError, match="forgotten"):
        _ = MediaFile("x", "group", 3).wav
