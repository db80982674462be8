"""Whether a file ends before its format says it does."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, BinaryIO

from qqgroup_sync.media.formats import AVI, AVIF, GIF, HEIC, JPEG, M4A, MOV, MP4, PNG, WEBP

if TYPE_CHECKING:
    from collections.abc import Callable

    from qqgroup_sync.media.formats import Format


def is_cut_off(file: BinaryIO, size: int, found: Format) -> bool:
    """Tell whether a file ends before its format says it does; False where that is not known.

    What stands behind the end does not matter. Reads little, of a JPEG all of it, in pieces.

    Args:
        file: Seekable; its position afterwards is anywhere.
        size: Bytes of the file.
        found: Its format.
    """
    is_whole = _WHOLE.get(found)
    return is_whole is not None and not is_whole(file, size)


_MOST_STEPS = 200_000  # then a file made of the tiniest pieces is taken for whole
_BLOCK = 256 * 1024


def _at(file: BinaryIO, place: int, count: int) -> bytes:
    file.seek(place)
    return file.read(count)


def _png_whole(file: BinaryIO, size: int) -> bool:
    """Walk the chunks of a PNG; tell whether IEND comes."""
    place = 8
    for _ in range(_MOST_STEPS):
        head = _at(file, place, 8)
        if len(head) < 8:
            return False
        length, name = struct.unpack(">I4s", head)
        place += int(length) + 12
        if name == b"IEND":
            return place <= size
    return True


def _jpeg_whole(file: BinaryIO, _size: int) -> bool:
    """Look for the end behind the metadata, whose thumbnail has an end of its own."""
    place = 2
    for _ in range(_MOST_STEPS):
        head = _at(file, place, 4)
        if len(head) < 4 or head[0] != 0xFF:
            break
        if head[1] == 0xFF:  # filling
            place += 1
            continue
        place += 2
        if head[1] == 0xD9:
            return True
        if head[1] not in (0x01, *range(0xD0, 0xD9)):
            place += int.from_bytes(head[2:], "big")
        if head[1] == 0xDA:  # the picture's data, in which no marker can occur by chance
            break
    file.seek(place)
    last = b""
    while block := file.read(_BLOCK):
        if b"\xff\xd9" in block or (last == b"\xff" and block[0] == 0xD9):
            return True
        last = block[-1:]
    return False


def _gif_whole(file: BinaryIO, size: int) -> bool:
    """Walk the blocks of a GIF. Many programs leave the very last byte out, nobody minds."""
    place = 13 + _colours(_at(file, 10, 1))
    inside = shows = False  # inside a block, which is a chain of pieces; there is a frame
    for _ in range(_MOST_STEPS):
        byte = _at(file, place, 1)
        if not byte:
            return shows and not inside and place == size
        if inside:
            place += 1 + byte[0]
            inside = byte[0] > 0
        elif byte == b"!":
            place, inside = place + 2, True
        elif byte == b",":
            place += 11 + _colours(_at(file, place + 9, 1))
            inside = shows = True
        else:
            return True
    return True


def _colours(flags: bytes) -> int:
    """Return the bytes of the colour table that the flags announce."""
    return 3 << (flags[0] & 7) + 1 if flags and flags[0] & 0x80 else 0


def _riff_whole(file: BinaryIO, size: int) -> bool:
    length = int.from_bytes(_at(file, 4, 4), "little")
    return length in (0, 0xFFFFFFFF) or length + 8 <= size  # the first two: written to a pipe


_BOXES = frozenset(
    (b"ftyp", b"moov", b"mdat", b"moof", b"mfra", b"meta", b"free", b"skip", b"wide", b"uuid")
)


def _boxes_whole(file: BinaryIO, size: int) -> bool:
    """Walk the outermost boxes of an MP4; tell whether all are there, up to their ends."""
    place, seen = 0, set()
    for _ in range(_MOST_STEPS):
        head = _at(file, place, 16)
        if len(head) < 8:
            break
        length, name = struct.unpack_from(">I4s", head)
        if length == 1:
            length = int.from_bytes(head[8:], "big") if len(head) == 16 else size
        elif length == 0:  # up to the end, by definition
            length = size - place
        if length < 8 or (place + length > size and name not in _BOXES):
            break  # no box: something behind the last one
        place += int(length)
        if place > size:
            return False
        seen.add(name)
    else:
        return True
    return b"meta" in seen or {b"moov", b"mdat"} <= seen


_WHOLE: dict[Format, Callable[[BinaryIO, int], bool]] = {
    PNG: _png_whole,
    JPEG: _jpeg_whole,
    GIF: _gif_whole,
    **dict.fromkeys((WEBP, AVI), _riff_whole),
    **dict.fromkeys((MP4, MOV, M4A, AVIF, HEIC), _boxes_whole),
}
