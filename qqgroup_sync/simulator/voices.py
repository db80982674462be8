"""Voices as people hear them: SILK to WAV, and WAV to the SILK that a phone would send (section 7).

silk-python does it in this process when it is installed. pilk dies of crafted input and holds the
interpreter's lock, so it works in a process of its own.
"""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import tempfile
import wave
from pathlib import Path

from qqgroup_sync.simulator import formats

RATE = 24_000
"""Samples per second of what is decoded."""

_BIT_RATE = 24_000
_PACKET_LIMIT = 1250  # bytes; a longer one is crafted, and would overrun pilk's buffer
_HELPER_TIMEOUT = 60.0
_HEAD = b"\x02" + formats.SILK_HEAD
_PILK_DECODE = "import sys, pilk; pilk.decode(sys.argv[1], sys.argv[2], pcm_rate=int(sys.argv[3]))"
_PILK_ENCODE = (
    "import sys, pilk; pilk.encode(sys.argv[1], sys.argv[2], pcm_rate=int(sys.argv[3]), "
    "silk_rate=int(sys.argv[3]), tencent=True)"
)


def to_wav(data: bytes) -> bytes:
    """Return a voice as a WAV file; SILK, Tencent's or plain, is decoded to 24 kHz mono.

    Raises:
        ValueError: It is neither SILK nor WAV, it is damaged, or no decoder is installed.
    """
    found = formats.sniff(data[: formats.HEAD])
    if found is formats.WAV:
        return data
    if found is not formats.SILK:
        raise ValueError(f"only SILK and WAV can be heard, not {found.name}")
    return _wav_of(_decode(_packets(data)))


def to_silk(wav: bytes) -> bytes:
    """Return a 16 bit mono WAV file of 8, 12, 16 or 24 kHz as Tencent SILK.

    Raises:
        ValueError: It is something else, or no encoder is installed.
    """
    try:
        with wave.open(io.BytesIO(wav)) as reader:
            shape = (reader.getnchannels(), reader.getsampwidth())
            rate, pcm = reader.getframerate(), reader.readframes(reader.getnframes())
    except (wave.Error, EOFError) as error:
        raise ValueError(f"no WAV file: {error}") from error
    if shape != (1, 2) or rate not in (8000, 12_000, 16_000, 24_000):
        raise ValueError("a voice must be 16 bit mono of 8, 12, 16 or 24 kHz")
    frame = rate // 50 * 2  # 20 ms, below which both encoders drop what is left
    return _encode(pcm + bytes(-len(pcm) % frame), rate)


def _packets(silk: bytes) -> bytes:
    """Return Tencent SILK with a chain of packets that is known to be whole."""
    body = silk[len(_HEAD) :] if silk.startswith(_HEAD) else silk[len(formats.SILK_HEAD) :]
    if body.endswith(b"\xff\xff"):  # the end mark of plain SILK
        body = body[:-2]
    at = 0
    while at < len(body):
        size = struct.unpack_from("<h", body, at)[0] if at + 2 <= len(body) else 0
        if not 0 < size <= _PACKET_LIMIT or at + 2 + size > len(body):
            raise ValueError(f"damaged SILK: bad packet at byte {at}")
        at += 2 + size
    return _HEAD + body


def _wav_of(pcm: bytes) -> bytes:
    made = io.BytesIO()
    with wave.open(made, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(RATE)
        writer.writeframes(pcm)
    return made.getvalue()


def _decode(silk: bytes) -> bytes:
    try:
        import pysilk  # noqa: PLC0415 - optional, and only for voices
    except ImportError:
        return _by_pilk(_PILK_DECODE, silk, RATE)
    made = io.BytesIO()
    try:
        pysilk.decode(io.BytesIO(silk), made, RATE)
    except pysilk.SilkError as error:
        raise ValueError(f"damaged SILK: {error}") from error
    return made.getvalue()


def _encode(pcm: bytes, rate: int) -> bytes:
    try:
        import pysilk  # noqa: PLC0415 - optional, and only for voices
    except ImportError:
        return _by_pilk(_PILK_ENCODE, pcm, rate)
    made = io.BytesIO()
    pysilk.encode(io.BytesIO(pcm), made, rate, _BIT_RATE)
    return made.getvalue()


def _by_pilk(script: str, data: bytes, rate: int) -> bytes:
    with tempfile.TemporaryDirectory(prefix="qqgroup-simulator-") as folder:
        source, target = Path(folder, "in"), Path(folder, "out")
        source.write_bytes(data)
        command = [sys.executable, "-c", script, str(source), str(target), str(rate)]
        try:
            done = subprocess.run(  # noqa: S603 - our own interpreter and script
                command, capture_output=True, timeout=_HELPER_TIMEOUT, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise ValueError("the voice took too long") from error
        if done.returncode or not target.exists():
            reason = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
            raise ValueError(f"the voice could not be converted: {reason or done.returncode}")
        return target.read_bytes()
