"""Tell from its first bytes what a file is (section 7), and how large a picture is. Pure."""

from __future__ import annotations

import struct
from typing import NamedTuple

HEAD = 64
"""How many first bytes ``sniff`` looks at."""

PICTURE_HEAD = 512 * 1024
"""How many first bytes hold the size: a JPEG may carry a large thumbnail before it."""


class Format(NamedTuple):
    """One format: its usual extension, its MIME type, and what kind of thing it is."""

    name: str
    content_type: str
    kind: str


PNG = Format("png", "image/png", "image")
JPG = Format("jpg", "image/jpeg", "image")
GIF = Format("gif", "image/gif", "image")
WEBP = Format("webp", "image/webp", "image")
BMP = Format("bmp", "image/bmp", "image")
MP4 = Format("mp4", "video/mp4", "video")
SILK = Format("silk", "audio/silk", "voice")
WAV = Format("wav", "audio/wav", "voice")
MP3 = Format("mp3", "audio/mpeg", "voice")
OGG = Format("ogg", "audio/ogg", "voice")
FLAC = Format("flac", "audio/flac", "voice")
AMR = Format("amr", "audio/amr", "voice")
M4A = Format("m4a", "audio/mp4", "voice")
PDF = Format("pdf", "application/pdf", "file")
ZIP = Format("zip", "application/zip", "file")
UNKNOWN = Format("bin", "application/octet-stream", "file")

SILK_HEAD = b"#!SILK_V3"
_STARTS = (
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"\xff\xd8\xff", JPG),
    (b"GIF87a", GIF),
    (b"GIF89a", GIF),
    (b"BM", BMP),
    (b"\x02" + SILK_HEAD, SILK),
    (SILK_HEAD, SILK),
    (b"ID3", MP3),
    (b"OggS", OGG),
    (b"fLaC", FLAC),
    (b"#!AMR", AMR),
    (b"%PDF-", PDF),
    (b"PK\x03\x04", ZIP),
)
_RIFF = {b"WEBP": WEBP, b"WAVE": WAV}
_AUDIO_BRANDS = (b"M4A ", b"M4B ")
_OTHER_BRANDS = (b"qt  ", b"heic", b"heix", b"mif1", b"avif")


def sniff(head: bytes) -> Format:
    """Return the format of a file that starts with ``head``, ``UNKNOWN`` when there is no telling.

    Args:
        head: Its first ``HEAD`` bytes.
    """
    for start, found in _STARTS:
        if head.startswith(start):
            return UNKNOWN if found is BMP and not _is_bmp(head) else found
    if head[:4] == b"RIFF":
        return _RIFF.get(head[8:12], UNKNOWN)
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        if brand in _AUDIO_BRANDS:
            return M4A
        return UNKNOWN if brand in _OTHER_BRANDS else MP4
    return MP3 if _is_mp3_frame(head) else UNKNOWN


def _is_bmp(head: bytes) -> bool:
    """Tell a bitmap from a text that happens to begin with BM."""
    return len(head) >= 18 and head[6:10] == b"\0\0\0\0" and head[14] in (12, 40, 52, 56, 108, 124)


def _is_mp3_frame(head: bytes) -> bool:
    """Look for the header of an MPEG audio frame of layer III, whose values are all legal."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return False
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    bit_rate, rate = head[2] >> 4, head[2] >> 2 & 3
    return version != 1 and layer == 1 and bit_rate not in (0, 15) and rate != 3


def picture_size(data: bytes) -> tuple[int, int] | None:
    """Return width and height of a picture, None when they cannot be read."""
    found = sniff(data[:HEAD])
    try:
        if found is PNG:
            size = struct.unpack_from(">II", data, 16) if data[12:16] == b"IHDR" else None
        elif found is GIF:
            size = struct.unpack_from("<HH", data, 6)
        elif found is BMP:
            size = _bmp_size(data)
        elif found is WEBP:
            size = _webp_size(data)
        elif found is JPG:
            size = _jpg_size(data[:PICTURE_HEAD])
        else:
            size = None
    except (struct.error, IndexError):  # cut off
        return None
    return (size[0], size[1]) if size is not None and all(size) else None


def _bmp_size(data: bytes) -> tuple[int, ...]:
    if data[14] == 12:
        return struct.unpack_from("<HH", data, 18)
    width, height = struct.unpack_from("<ii", data, 18)
    return abs(width), abs(height)  # a negative height only says "top first"


def _webp_size(data: bytes) -> tuple[int, int] | None:
    kind = data[12:16]
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8X":
        low_w, high_w, low_h, high_h = struct.unpack_from("<HBHB", data, 24)
        return low_w + (high_w << 16) + 1, low_h + (high_h << 16) + 1
    return None


def _jpg_size(data: bytes) -> tuple[int, int] | None:
    """Walk the segments to the start of frame."""
    at = 2
    while True:
        if data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker == 0xFF:  # padding
            at += 1
            continue
        if marker in range(0xC0, 0xD0) and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        alone = marker == 0x01 or marker in range(0xD0, 0xD8)
        at += 2 if alone else 2 + struct.unpack_from(">H", data, at + 2)[0]
