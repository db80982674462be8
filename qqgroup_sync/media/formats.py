"""What bytes are, told by the bytes themselves: format, and size of a picture.

Knows nothing about QQ, and never looks at a file's name.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

Kind = Literal["image", "voice", "video", "file"]

HEAD = 4096  # bytes that are enough to tell a format


class Format(NamedTuple):
    """A file format.

    Attributes:
        name: Short name, as people write it.
        kind: What it can be sent as; ``file`` when as nothing else.
        content_type: MIME type.
        suffix: File suffix with dot; may be empty.
    """

    name: str
    kind: Kind
    content_type: str
    suffix: str


PNG = Format("png", "image", "image/png", ".png")
JPEG = Format("jpeg", "image", "image/jpeg", ".jpg")
GIF = Format("gif", "image", "image/gif", ".gif")
WEBP = Format("webp", "image", "image/webp", ".webp")
BMP = Format("bmp", "image", "image/bmp", ".bmp")
TIFF = Format("tiff", "image", "image/tiff", ".tiff")
ICO = Format("ico", "image", "image/x-icon", ".ico")
AVIF = Format("avif", "image", "image/avif", ".avif")
HEIC = Format("heic", "image", "image/heic", ".heic")
SVG = Format("svg", "file", "image/svg+xml", ".svg")
SILK = Format("silk", "voice", "audio/silk", ".silk")
WAV = Format("wav", "voice", "audio/wav", ".wav")
RF64 = Format("rf64", "voice", "audio/wav", ".rf64")  # a WAV that may have more than 4 GB
MP3 = Format("mp3", "voice", "audio/mpeg", ".mp3")
OGG = Format("ogg", "voice", "audio/ogg", ".ogg")
FLAC = Format("flac", "voice", "audio/flac", ".flac")
AMR = Format("amr", "voice", "audio/amr", ".amr")
AAC = Format("aac", "voice", "audio/aac", ".aac")
M4A = Format("m4a", "voice", "audio/mp4", ".m4a")
WMA = Format("wma", "voice", "audio/x-ms-wma", ".wma")
WMV = Format("wmv", "video", "video/x-ms-wmv", ".wmv")
MP4 = Format("mp4", "video", "video/mp4", ".mp4")
MOV = Format("mov", "video", "video/quicktime", ".mov")
WEBM = Format("webm", "video", "video/webm", ".webm")
MKV = Format("mkv", "video", "video/x-matroska", ".mkv")
AVI = Format("avi", "video", "video/x-msvideo", ".avi")
FLV = Format("flv", "video", "video/x-flv", ".flv")
PDF = Format("pdf", "file", "application/pdf", ".pdf")
ZIP = Format("zip", "file", "application/zip", ".zip")
TEXT = Format("text", "file", "text/plain", ".txt")
HTML = Format("html", "file", "text/html", ".html")
UNKNOWN = Format("unknown", "file", "application/octet-stream", "")

_MAGIC: tuple[tuple[bytes, Format], ...] = (
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"\xff\xd8\xff", JPEG),
    (b"GIF87a", GIF),
    (b"GIF89a", GIF),
    (b"II*\x00", TIFF),
    (b"MM\x00*", TIFF),
    (b"\x00\x00\x01\x00", ICO),
    (b"\x02#!SILK", SILK),
    (b"#!SILK", SILK),
    (b"OggS", OGG),
    (b"fLaC", FLAC),
    (b"#!AMR", AMR),
    (b"FLV\x01", FLV),
    (b"%PDF-", PDF),
    (b"PK\x03\x04", ZIP),
)
_ASF = b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"
_ASF_VIDEO = b"\xc0\xef\x19\xbc\x4d\x5b\xcf\x11"  # begins the identifier of a stream of pictures
_EBML = b"\x1aE\xdf\xa3"
_RIFF = {b"WEBP": WEBP, b"WAVE": WAV, b"AVI ": AVI}
_BRANDS = {b"qt  ": MOV, b"avif": AVIF, b"avis": AVIF, b"M4A ": M4A, b"M4B ": M4A} | dict.fromkeys(
    (b"heic", b"heix", b"hevc", b"mif1", b"msf1"), HEIC
)


# Before there was ftyp, QuickTime files began with one of these boxes.
_OLD_MOV = (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")


def sniff(head: bytes) -> Format:
    """Return the format of what begins with ``head``; ``UNKNOWN`` when nothing fits.

    Args:
        head: The first bytes, best ``HEAD`` of them.
    """
    for magic, found in _MAGIC:
        if head.startswith(magic):
            return found
    if head[:4] == b"RIFF" and head[8:12] in _RIFF:
        return _RIFF[head[8:12]]
    if head[:4] == b"RF64" and head[8:12] == b"WAVE":
        return RF64
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], MP4)
    if head[4:8] in _OLD_MOV and head[0] < 0x20:
        return MOV
    if head[:2] == b"BM" and head[14:18] in _BMP_HEADERS:
        return BMP
    return _stream(head) or _text(head)


_BMP_HEADERS = tuple(struct.pack("<I", size) for size in (12, 16, 40, 52, 56, 64, 108, 124))


def _stream(head: bytes) -> Format | None:
    """Tell apart what needs a second look; None when it is none of that."""
    if head.startswith(_EBML):
        return WEBM if b"webm" in head[:128] else MKV
    if head.startswith(_ASF):
        return WMV if _ASF_VIDEO in head else WMA
    if head.startswith(b"ID3") and len(head) >= 10:
        size = sum(
            (byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True)
        )
        behind = head[10 + size :]
        return FLAC if behind.startswith(b"fLaC") else _sync_word(behind) or MP3
    return _sync_word(head)


def _sync_word(head: bytes) -> Format | None:
    """Tell MPEG layer 3 and AAC in ADTS apart, which begin with the same eleven bits."""
    if len(head) < 4 or head[0] != 0xFF:
        return None
    if head[1] & 0xF6 == 0xF0:
        return AAC
    layer_3, version = head[1] & 0xE6 == 0xE2, head[1] & 0x18
    rate, bits = head[2] & 0x0C, head[2] & 0xF0
    return MP3 if layer_3 and version != 0x08 and rate != 0x0C and bits not in (0, 0xF0) else None


# Looked for in bytes: error pages of Chinese servers may be in GBK. What stands before the first
# element is skipped; each way to skip it is the only one, so that it takes linear time.
_MARKUP = re.compile(
    rb"(?is)(?:\xef\xbb\xbf)?(?:\s|<\?(?:(?!\?>).)*\?>|<!--(?:(?!-->).)*-->)*"
    rb"<(?:(?P<svg>svg|!doctype\s+svg)|html|!doctype\s+html|head|body)[\s>]"
)
_CONTROLS = bytes({*range(32)} - {*b"\b\t\n\f\r\x1b"}) + b"\x7f"


def _text(head: bytes) -> Format:
    """Tell texts apart from what is none."""
    if not head or b"\x00" in head:
        return UNKNOWN
    if markup := _MARKUP.match(head[:HEAD]):
        return SVG if markup["svg"] else HTML
    try:
        head.decode()
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:  # else a character that the head cuts in two
            return UNKNOWN
    return UNKNOWN if head.translate(None, _CONTROLS) != head else TEXT


# ---------------------------------------------------------------------- pictures


def picture_size(head: bytes) -> tuple[int, int] | None:
    """Return width and height of a picture in pixels; None when the head does not tell.

    Of png, jpeg, gif, webp and bmp; a jpeg as it is shown, turned as its EXIF asks.

    Args:
        head: The first bytes; of a JPEG with large metadata some 100 KB.
    """
    reader = _SIZES.get(sniff(head))
    try:
        size = reader(head) if reader is not None else None
    except (struct.error, IndexError):
        return None
    return size if size and all(0 < side < 1_000_000 for side in size) else None


def _png_size(head: bytes) -> tuple[int, int]:
    width, height = struct.unpack_from(">II", head, 16)
    return width, height


def _gif_size(head: bytes) -> tuple[int, int]:
    width, height = struct.unpack_from("<HH", head, 6)
    return width, height


def _bmp_size(head: bytes) -> tuple[int, int]:
    if head[14] == 12:
        width, height = struct.unpack_from("<HH", head, 18)
    else:
        width, height = struct.unpack_from("<ii", head, 18)
    return width, abs(height)


def _webp_size(head: bytes) -> tuple[int, int] | None:
    kind = head[12:16]
    if kind == b"VP8X":
        return (
            int.from_bytes(head[24:27], "little") + 1,
            int.from_bytes(head[27:30], "little") + 1,
        )
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", head, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", head, 26)
        return width & 0x3FFF, height & 0x3FFF
    return None


def _jpeg_size(head: bytes) -> tuple[int, int] | None:
    place, turned = 2, False
    while True:
        while head[place] != 0xFF:
            place += 1
        while head[place] == 0xFF:
            place += 1
        marker = head[place]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", head, place + 4)
            return (height, width) if turned else (width, height)
        place += 1
        if marker == 0xE1 and head[place + 2 : place + 8] == b"Exif\0\0":
            turned = _is_turned(head[place + 8 :])
        if marker not in (0x01, *range(0xD0, 0xDA)):
            place += struct.unpack_from(">H", head, place)[0]


_ORIENTATION = 0x0112


def _is_turned(exif: bytes) -> bool:
    """Tell whether EXIF asks to show a picture on its side, as of a telephone held upright."""
    order = "<" if exif[:2] == b"II" else ">"
    try:
        (start,) = struct.unpack_from(order + "I", exif, 4)
        (count,) = struct.unpack_from(order + "H", exif, start)
        tags = [struct.unpack_from(order + "H6xH", exif, start + 2 + 12 * n) for n in range(count)]
    except struct.error:
        return False  # damaged: viewers show the picture as it is stored
    return any(tag == _ORIENTATION and 5 <= value <= 8 for tag, value in tags)


_SIZES: dict[Format, Callable[[bytes], tuple[int, int] | None]] = {
    PNG: _png_size,
    GIF: _gif_size,
    BMP: _bmp_size,
    WEBP: _webp_size,
    JPEG: _jpeg_size,
}


def is_animated_webp(head: bytes) -> bool:
    """Tell whether a WebP picture moves."""
    return head[12:16] == b"VP8X" and len(head) > 20 and bool(head[20] & 0x02)
