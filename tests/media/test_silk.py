"""SILK: its container, two encoders that agree, and voices that nobody can trust."""

from __future__ import annotations

import sys
import threading

import numpy as np
import psutil
import pytest

from qqgroup_sync.errors import MediaTooLarge, UnsupportedMedia, VoiceEncodeError
from qqgroup_sync.media import silk
from tests.media import sounds

TENCENT, STANDARD, END = b"\x02#!SILK_V3", b"#!SILK_V3", b"\xff\xff"
PACKET = b"\x03\x00abc"
SOUND = sounds.speech(1.0)
PCM = sounds.as_pcm(SOUND)


@pytest.fixture(autouse=True)
def _clean(tmp_path, monkeypatch):
    """Fail when a process or a temporary file is left."""
    with sounds.nothing_left(tmp_path / "temporary", monkeypatch):
        yield


@pytest.fixture(params=["silk-python", "pilk"])
def encoder(request, monkeypatch):
    """Leave only one of the encoders."""
    hide(monkeypatch, "pilk" if request.param == "silk-python" else "pysilk")
    return request.param


def hide(monkeypatch, *names):
    """Make packages look as if they were not installed."""
    for name in names:
        monkeypatch.setitem(sys.modules, name, None)


@pytest.mark.parametrize(
    ("content", "count"),
    [
        (TENCENT + PACKET, 1),
        (STANDARD + PACKET, 1),
        (STANDARD + 3 * PACKET + END, 3),
        (TENCENT + 3 * PACKET + END, 3),
        (TENCENT + b"\xe2\x04" + bytes(1250), 1),
    ],
)
def test_both_forms_are_read(content, count):
    """The first byte and the end marker are optional; QQ gets the one and not the other."""
    assert silk.is_silk(content)
    assert silk.packets(content) == count
    normal = silk.tencent_form(content)
    assert normal.startswith(TENCENT)
    assert len(normal) == len(content) + content.startswith(STANDARD) - 2 * content.endswith(END)
    assert silk.packets(normal) == count
    assert silk.tencent_form(normal) == normal


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x02",
        b"#!AMR\n" + bytes(40),
        TENCENT,
        STANDARD + END,
        TENCENT + PACKET + b"\x00",
        TENCENT + PACKET[:-1],
        TENCENT + b"\x00\x00" + PACKET,
        TENCENT + PACKET + END + PACKET,
        TENCENT + b"\xe3\x04" + bytes(1251),
        TENCENT + b"\xff\x7f" + bytes(32767),
        TENCENT + b"\xff\x7f" + PACKET,
    ],
)
def test_broken_chains_reach_no_decoder(content):
    """Lengths out of range, or which do not meet the end, are refused."""
    for use in (silk.packets, silk.tencent_form, silk.decode):
        with pytest.raises(UnsupportedMedia, match="SILK"):
            use(content)


def test_ten_minutes_are_the_limit():
    """Counting stops there: one byte can stand for 20 ms."""
    packet = b"\x01\x00x"
    assert silk.packets(TENCENT + 30_000 * packet) == 30_000
    with pytest.raises(MediaTooLarge, match="limit is 600 s"):
        silk.packets(TENCENT + 30_001 * packet)


def test_a_round_trip_sounds_the_same(encoder):
    """Encoder and decoder of each library fit."""
    voice = silk.encode(PCM, bitrate=24000)
    assert voice.startswith(TENCENT)
    assert silk.packets(voice) == 50
    heard = np.frombuffer(silk.decode(voice), "<i2") / 32768
    assert len(heard) == len(SOUND)
    assert sounds.likeness(SOUND, heard) > 0.9


@pytest.mark.parametrize("bitrate", [8000, 24000, 60000])
def test_both_encoders_agree(bitrate, monkeypatch):
    """It makes no difference which one is installed, down to the last byte."""
    with monkeypatch.context() as without:
        hide(without, "pilk")
        here = silk.encode(PCM, bitrate=bitrate)
        decoded_here = silk.decode(here)
    hide(monkeypatch, "pysilk")
    assert silk.encode(PCM, bitrate=bitrate) == here
    assert silk.decode(here) == decoded_here


@pytest.mark.parametrize("samples", [1, 479, 480, 481])
def test_the_last_part_is_not_dropped(samples, encoder):
    """Encoders drop up to 20 ms at the end; silence fills it up."""
    voice = silk.encode(PCM[: 2 * samples], bitrate=24000)
    assert silk.packets(voice) == (2 if samples > 480 else 1)


def test_progress_is_milliseconds_of_sound(encoder):
    """It rises to the whole length."""
    told = []
    silk.encode(
        sounds.as_pcm(sounds.speech(12.0)),
        bitrate=24000,
        progress=lambda *told_now: told.append(told_now),
    )
    assert len(told) > 1
    assert told == sorted(told)
    assert {total for _, total in told} == {12000}
    assert told[-1][0] == 12000


def test_stop_ends_it(encoder):
    """A long voice is given up at once, and the helper process with it."""
    stop = threading.Event()
    helpers = []

    def stop_it(_done, _total):
        helpers.extend(psutil.Process().children())
        stop.set()

    with pytest.raises(VoiceEncodeError, match="stopped"):
        silk.encode(PCM * 60, bitrate=24000, progress=stop_it, stop=stop)
    assert bool(helpers) == (encoder == "pilk")
    assert not any(helper.is_running() for helper in helpers)


def test_an_error_of_the_progress_is_the_callers(encoder):
    """It comes out as it is, and leaves nothing behind."""

    def fail(_done, _total):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        silk.encode(PCM * 60, bitrate=24000, progress=fail)


def test_no_encoder_at_all(monkeypatch):
    """The error says what to install."""
    hide(monkeypatch, "pysilk", "pilk")
    for use in (lambda: silk.encode(PCM, bitrate=24000), lambda: silk.decode(TENCENT + PACKET)):
        with pytest.raises(VoiceEncodeError) as caught:
            use()
        assert "pip install silk-python" in caught.value.remedy


def test_a_frozen_program_is_not_started_again(monkeypatch):
    """There the executable is the bot, not Python."""
    hide(monkeypatch, "pysilk")
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    with pytest.raises(VoiceEncodeError, match="no SILK encoder"):
        silk.encode(PCM, bitrate=24000)


def test_another_package_of_the_same_name_is_not_used(tmp_path, monkeypatch):
    """Three packages call themselves pysilk, with other functions; pilk is used then."""
    (tmp_path / "pysilk.py").write_text("def encode(*args, **kwargs):\n    raise SystemExit\n")
    for name in [name for name in sys.modules if name.partition(".")[0] == "pysilk"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(tmp_path)
    assert silk.packets(silk.encode(PCM, bitrate=24000)) == 50
    monkeypatch.delitem(sys.modules, "pysilk")


def test_a_broken_pilk_is_told(tmp_path, monkeypatch):
    """It may have been built for another Python."""
    hide(monkeypatch, "pysilk")
    (tmp_path / "pilk.py").write_text("raise ImportError('no such symbol')\n")
    monkeypatch.delitem(sys.modules, "pilk", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(VoiceEncodeError, match="ImportError: no such symbol"):
        silk.encode(PCM, bitrate=24000)


@pytest.mark.parametrize(
    "what",
    [
        "pass",
        "open(result, 'wb').close()",
        "open(result, 'wb').write(b'\\x02#!SILK_V3')",
        "open(result, 'wb').write(b'\\x02#!SILK_V3' + b'\\x01\\x00x')",
    ],
)
def test_an_encoder_that_keeps_silent_about_a_failure(what, tmp_path, monkeypatch):
    """What comes out is looked at, not believed."""
    hide(monkeypatch, "pysilk")
    code = f"def encode(source, result, **options):\n    {what}\n"
    (tmp_path / "pilk.py").write_text(code)
    monkeypatch.delitem(sys.modules, "pilk", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(VoiceEncodeError, match=r"left out|no result"):
        silk.encode(PCM, bitrate=24000)


@pytest.mark.skipif(sys.platform == "win32", reason="a crash there is an exit code")
def test_a_decoder_that_crashes(tmp_path, monkeypatch):
    """The bot lives on, and says that the voice is at fault."""
    hide(monkeypatch, "pysilk")
    (tmp_path / "pilk.py").write_text("import os\ndef decode(*a, **k):\n    os.abort()\n")
    monkeypatch.delitem(sys.modules, "pilk", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UnsupportedMedia, match="crashed"):
        silk.decode(TENCENT + PACKET)


def test_noise_in_the_packets(encoder):
    """A chain that is right around nonsense gives sound or a refusal."""
    noise = np.random.default_rng(3)
    for _ in range(3):
        packets = [noise.bytes(noise.integers(1, 200)) for _ in range(20)]
        voice = TENCENT + b"".join(len(one).to_bytes(2, "little") + one for one in packets)
        try:
            pcm = silk.decode(voice)
        except UnsupportedMedia:
            continue
        assert len(pcm) % 2 == 0
