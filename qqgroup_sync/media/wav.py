"""Reads WAV files of any shape as mono 16 bit samples, and writes plain ones."""

from __future__ import annotations

import os
import struct
import sys
from array import array
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from qqgroup_sync.errors import Text, UnsupportedMedia
from qqgroup_sync.media.pcm import RATE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_RATES = range(1000, 384_001)
_MAX_CHANNELS = 64
_MAX_CHUNKS = 1000
# Read at once: little, because nothing else of this process runs while it is computed with.
_BLOCK_SECONDS = 0.01
_BLOCK_SAMPLES = 8192
_AFTER_SOUND = (b"LIST", b"id3 ", b"ID3 ", b"fact", b"cue ", b"bext", b"JUNK")
_SAVE_AGAIN = Text(
    "Was it written to its end? Save it again as wav (PCM, 16 bit) or as mp3.",
    "文件是否已完整写入？请重新另存为 wav（PCM，16 位）或 mp3。",
)


class Layout(NamedTuple):
    """How the samples lie in a WAV file.

    Attributes:
        rate: Frames per second.
        channels: Samples per frame.
        width: Bytes per sample.
        floating: Whether the samples are floating point numbers.
        start: Where the first frame begins.
        frames: How many whole frames there are.
    """

    rate: int
    channels: int
    width: int
    floating: bool
    start: int
    frames: int

    @property
    def seconds(self) -> float:
        """How long the sound lasts."""
        return self.frames / self.rate


def is_wav(head: bytes) -> bool:
    """Return whether a file that begins so is a WAV file."""
    return head[:4] == b"RIFF" and head[8:12] == b"WAVE"


def read_layout(file: BinaryIO) -> Layout | None:
    """Return how the samples lie in a WAV file; None when they are compressed.

    Sizes that the header states are not trusted: streams state none or the largest possible,
    and files get cut off.

    Raises:
        UnsupportedMedia: The header makes no sense, or no sound follows it.
    """
    end = file.seek(0, os.SEEK_END)
    header = b""
    for name, start, size in _chunks(file, end):
        if name == b"fmt ":
            file.seek(start)
            header = file.read(min(size, 40))
        elif name == b"data":
            return _layout(header, start, _true_size(file, start, size, end))
    raise _unreadable("the WAV file has no sound in it: its data chunk is missing")


def _unreadable(summary: str) -> UnsupportedMedia:
    return UnsupportedMedia(summary, remedy=_SAVE_AGAIN)


def _chunks(file: BinaryIO, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, start and stated size of each chunk."""
    position = 12
    for _ in range(_MAX_CHUNKS):
        if position + 8 > end:
            return
        file.seek(position)
        name, size = struct.unpack("<4sI", file.read(8))
        yield name, position + 8, size
        position += 8 + size + size % 2


def _true_size(file: BinaryIO, start: int, stated: int, end: int) -> int:
    if stated == 0:  # either nothing, or a stream whose writer did not know
        file.seek(start)
        return 0 if file.read(4) in _AFTER_SOUND else end - start
    return min(stated, end - start)


def _layout(header: bytes, start: int, size: int) -> Layout | None:
    if len(header) < 16:
        raise _unreadable("the WAV file does not say what its samples look like")
    codec, channels, rate, _, frame, bits = struct.unpack("<HHIIHH", header[:16])
    if codec == _EXTENSIBLE and len(header) >= 26:
        codec = int.from_bytes(header[24:26], "little")
    if codec not in (_PCM, _FLOAT):
        return None
    if not 1 <= channels <= _MAX_CHANNELS or rate not in _RATES:
        raise _unreadable(f"a WAV file with {channels} channels at {rate} Hz cannot be read")
    # The size of a frame decides: samples of 20 bits lie in 3 bytes, those of 24 also in 4.
    width = frame // channels if frame and frame % channels == 0 else (bits + 7) // 8
    if width not in ((4, 8) if codec == _FLOAT else (1, 2, 3, 4)):
        raise _unreadable(f"a WAV file with samples of {bits} bits cannot be read")
    frames = size // (width * channels)
    if not frames:
        raise _unreadable("the WAV file has no sound in it")
    return Layout(rate, channels, width, codec == _FLOAT, start, frames)


def blocks(file: BinaryIO, layout: Layout) -> Iterator[Sequence[int]]:
    """Yield the sound as mono 16 bit samples, at most 10 ms at a time."""
    file.seek(layout.start)
    frame = layout.width * layout.channels
    most = max(1, min(int(layout.rate * _BLOCK_SECONDS), _BLOCK_SAMPLES // layout.channels))
    left = layout.frames
    while left > 0:
        wanted = min(left, most)
        raw = file.read(wanted * frame)
        raw = raw[: len(raw) // frame * frame]
        if not raw:  # the file was cut while we read
            return
        left -= wanted
        yield _mono(_samples(raw, layout), layout.channels)


def _samples(raw: bytes, layout: Layout) -> Sequence[int]:
    """Return the samples as 16 bit numbers, channels still interleaved."""
    width = layout.width
    if layout.floating:
        numbers = _native(array("f" if width == 4 else "d", raw))
        return [int(one * 32767.0) if -1.0 <= one <= 1.0 else _clipped(one) for one in numbers]
    if width == 1:
        return [(one - 128) << 8 for one in raw]
    if width > 2:  # the two highest bytes of each
        high = bytearray(len(raw) // width * 2)
        high[0::2] = raw[width - 2 :: width]
        high[1::2] = raw[width - 1 :: width]
        raw = bytes(high)
    return _native(array("h", raw))


def _native(numbers: array) -> array:  # type: ignore[type-arg]  # of int or of float
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def _clipped(number: float) -> int:
    if number != number:  # noqa: PLR0124 - not a number
        return 0
    return 32767 if number > 0 else -32767


def _mono(samples: Sequence[int], channels: int) -> Sequence[int]:
    if channels == 1:
        return samples
    if channels == 2:
        return [
            (left + right) >> 1 for left, right in zip(samples[::2], samples[1::2], strict=True)
        ]
    each = [samples[number::channels] for number in range(channels)]
    return [sum(frame) // channels for frame in zip(*each, strict=True)]


def wav_file(pcm: bytes) -> bytes:
    """Return a WAV file with this sound.

    Args:
        pcm: 24 kHz, mono, 16 bit, little-endian.
    """
    header = struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", 36 + len(pcm), b"WAVE"),
        *(b"fmt ", 16, _PCM, 1, RATE, 2 * RATE, 2, 16),
        *(b"data", len(pcm)),
    )
    return header + pcm
