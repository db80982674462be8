r"""SILK, the format of QQ's voices: its container, encoding and decoding.

Tencent's form is ``\x02#!SILK_V3`` and then, for each 20 ms, a length (16 bit, little-endian) and
as many bytes. The standard form lacks the first byte and may end with the length FFFF.
"""

from __future__ import annotations

import importlib
import importlib.util
import io
import json
import sys
from typing import TYPE_CHECKING, Any

from qqgroup_sync.errors import Text, UnsupportedMedia, VoiceEncodeError
from qqgroup_sync.media import child
from qqgroup_sync.media.pcm import (
    BYTES_PER_SECOND,
    MAX_SECONDS,
    RATE,
    end_if_stopped,
    too_long,
)

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from pathlib import Path

    Progress = Callable[[int, int | None], None]

_STANDARD = b"#!SILK_V3"
_TENCENT = b"\x02" + _STANDARD
_MAX_PACKET = 1250  # bytes; the encoder's own limit, and more overruns decoders
_PACKET_MS = 20
_PACKET_PCM = BYTES_PER_SECOND * _PACKET_MS // 1000
_MAX_PACKETS = MAX_SECONDS * 1000 // _PACKET_MS
_TELL_EVERY = 50  # packets
MAX_BYTES = len(_TENCENT) + _MAX_PACKETS * (2 + _MAX_PACKET) + 2

_NO_CODEC = Text(
    "Install an encoder: pip install silk-python (or pilk).",
    "请安装编码器：pip install silk-python（或 pilk）。",
)

# Runs pilk in a process of its own: it holds the interpreter's lock for the whole clip, and bad
# data can crash it. File names are relative, since it cannot open every name on Windows.
_PILK = """
import json, sys
task = json.loads(sys.argv[1])
sys.path[:] = task["path"]
import pilk
getattr(pilk, task["call"])(*task["files"], **task["options"])
"""


def is_silk(head: bytes) -> bool:
    """Return whether a file that begins so is SILK, in either form."""
    return head.startswith((_STANDARD, _TENCENT))


def packets(silk: bytes) -> int:
    """Return how many packets of 20 ms there are.

    Raises:
        UnsupportedMedia: It is no SILK, or damaged.
        MediaTooLarge: There are more than :data:`~qqgroup_sync.media.pcm.MAX_SECONDS` of them.
    """
    return _walk(silk)[0]


def tencent_form(silk: bytes) -> bytes:
    """Return SILK of either form as QQ takes it: with the first byte, without an end marker.

    Raises:
        UnsupportedMedia: It is no SILK, or damaged.
        MediaTooLarge: It lasts too long.
    """
    _, start, end = _walk(silk)
    return _TENCENT + silk[start:end]


def _walk(silk: bytes) -> tuple[int, int, int]:
    """Follow the lengths; return the number of packets, and where they begin and end."""
    if not is_silk(silk):
        raise UnsupportedMedia("this is not a SILK voice")
    position = start = silk.index(_STANDARD) + len(_STANDARD)
    count = 0
    while position < len(silk):
        length = int.from_bytes(silk[position : position + 2], "little")
        if length == 0xFFFF and position + 2 == len(silk):
            break
        after = position + 2 + length
        if not 1 <= length <= _MAX_PACKET or after > len(silk):
            raise UnsupportedMedia(f"the SILK voice is damaged or cut off at byte {position}")
        count += 1
        if count > _MAX_PACKETS:
            raise too_long()
        position = after
    if not count:
        raise UnsupportedMedia("the SILK voice has no sound in it")
    return count, start, position


def encode(
    pcm: bytes,
    *,
    bitrate: int,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> bytes:
    """Return sound as SILK in Tencent's form.

    Blocks, 20 to 60 times faster than real time; other threads run on.

    Args:
        pcm: 24 kHz, mono, 16 bit, little-endian. A last part of 20 ms is filled with silence.
        bitrate: Bits per second, on average.
        progress: Called with the milliseconds of sound done, and all of them.
        stop: Ends it early.

    Raises:
        VoiceEncodeError: No encoder, it failed, or ``stop`` was set.
    """
    pcm += bytes(-len(pcm) % _PACKET_PCM)
    pysilk = _silk_python()
    if pysilk is not None:
        silk = _encode_here(pysilk, pcm, bitrate, progress, stop)
    else:
        silk = _encode_with_pilk(pcm, bitrate, progress, stop)
    expected = len(pcm) // _PACKET_PCM
    try:
        complete = packets(silk) == expected
    except UnsupportedMedia:
        complete = False
    if not complete:  # both libraries keep silent about some failures
        raise VoiceEncodeError("the encoder left out a part of the voice", remedy=_NO_CODEC)
    if progress is not None:
        progress(expected * _PACKET_MS, expected * _PACKET_MS)
    return silk


def decode(silk: bytes) -> bytes:
    """Return the sound of a SILK voice: 24 kHz, mono, 16 bit, little-endian.

    What people send is not trusted: the lengths are checked before a decoder sees them.

    Raises:
        UnsupportedMedia: It is no SILK, or damaged.
        MediaTooLarge: It lasts too long.
        VoiceEncodeError: There is no decoder.
    """
    silk = tencent_form(silk)
    pysilk = _silk_python()
    if pysilk is None:
        return _decode_with_pilk(silk)
    pcm = io.BytesIO()
    try:
        pysilk.decode(io.BytesIO(silk), pcm, RATE)
    except pysilk.SilkError as error:
        raise UnsupportedMedia(f"the SILK voice is damaged: {error}") from error
    return pcm.getvalue()


def _silk_python() -> Any | None:
    """Return silk-python; None when it is not there.

    Other packages install a ``pysilk``, too; their functions crash on arguments like ours.
    """
    try:
        pysilk = importlib.import_module("pysilk")
    except (ImportError, OSError):  # OSError: its library does not fit this machine
        return None
    home = getattr(getattr(pysilk, "encode", None), "__module__", None) or ""
    return pysilk if home.startswith("pysilk.backends.") else None


class _Feed(io.RawIOBase):
    """Hands out sound packet by packet, tells how far it came, and can end it."""

    def __init__(self, pcm: bytes, progress: Progress | None, stop: threading.Event | None) -> None:
        self._pcm = memoryview(pcm)
        self._progress = progress
        self._stop = stop
        self._packet = 0

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes."""
        end_if_stopped(self._stop)
        if self._progress is not None and self._packet and self._packet % _TELL_EVERY == 0:
            total = len(self._pcm) // _PACKET_PCM * _PACKET_MS
            self._progress(min(self._packet * _PACKET_MS, total), total)
        start = self._packet * size
        self._packet += 1
        return bytes(self._pcm[start : start + size])


def _encode_here(
    pysilk: Any,
    pcm: bytes,
    bitrate: int,
    progress: Progress | None,
    stop: threading.Event | None,
) -> bytes:
    silk = io.BytesIO()
    try:
        pysilk.encode(_Feed(pcm, progress, stop), silk, RATE, bitrate, tencent=True)
    except pysilk.SilkError as error:
        raise VoiceEncodeError(f"the voice could not be encoded: {error}") from error
    return silk.getvalue()


def _encode_with_pilk(
    pcm: bytes, bitrate: int, progress: Progress | None, stop: threading.Event | None
) -> bytes:
    seconds = len(pcm) / BYTES_PER_SECOND
    with child.private_folder() as folder:
        source, result = folder / "voice.pcm", folder / "voice.silk"

        def tell() -> None:
            if progress is not None and result.exists():
                total = round(seconds * 1000)
                progress(min(result.stat().st_size * 8000 // bitrate, total), total)

        source.write_bytes(pcm)
        command = _pilk("encode", source, result, silk_rate=bitrate, tencent=True)
        limit = 30 + seconds  # slower than real time is no encoder, but a hang
        problem = child.run(command, folder, seconds=limit, stop=stop, watch=tell)
        if problem is not None or not result.exists():
            raise VoiceEncodeError(
                f"the voice could not be encoded, pilk failed: {problem or 'no result'}",
                remedy=_NO_CODEC,
            )
        return result.read_bytes()


def _decode_with_pilk(silk: bytes) -> bytes:
    with child.private_folder() as folder:
        source, result = folder / "voice.silk", folder / "voice.pcm"
        source.write_bytes(silk)
        command = _pilk("decode", source, result)
        problem = child.run(command, folder, seconds=30 + packets(silk) * _PACKET_MS / 1000)
        if problem is not None or not result.exists() or not result.stat().st_size:
            raise UnsupportedMedia(
                f"the SILK voice cannot be decoded, pilk failed: {problem or 'no result'}"
            )
        return result.read_bytes()


def _pilk(call: str, source: Path, result: Path, **options: Any) -> list[str]:
    """Return the command that runs one function of pilk."""
    # In a frozen program the executable is the bot itself: it must not be started again.
    usable = sys.executable and not getattr(sys, "frozen", False)
    if not usable or importlib.util.find_spec("pilk") is None:
        raise VoiceEncodeError("there is no SILK encoder on this machine", remedy=_NO_CODEC)
    task = {
        "path": sys.path,  # nothing else of this environment reaches an isolated interpreter
        "call": call,
        "files": [source.name, result.name],
        "options": {"pcm_rate": RATE, **options},
    }
    return [sys.executable, "-I", "-S", "-c", _PILK, json.dumps(task)]
