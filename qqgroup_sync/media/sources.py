"""What a user hands over to be sent, checked in his line: path, bytes, file, URL, PIL, figure.

Nothing is fetched, converted or uploaded here.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import io
import os
import re
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple
from urllib.parse import quote, unquote, unquote_to_bytes, urlsplit

from qqgroup_sync.errors import ConfigError, MediaError, MediaTooLarge, Text, UnsupportedMedia
from qqgroup_sync.masking import mask
from qqgroup_sync.media import formats
from qqgroup_sync.media.checks import LIMITS, A, check
from qqgroup_sync.media.names import harmless_name
from qqgroup_sync.media.paths import absolute, opened, unreadable
from qqgroup_sync.media.pictured import drawn

if TYPE_CHECKING:
    from collections.abc import Callable

    from qqgroup_sync.media.formats import Format, Kind

    Progress = Callable[[int, int | None], None]

FILE_TYPES: dict[Kind, int] = {"image": 1, "video": 2, "voice": 3, "file": 4}

_CHUNK = 256 * 1024
_JPEG_HEAD = 512 * 1024  # a JPEG's size stands behind its metadata


@dataclass(frozen=True, slots=True)
class Digests:
    """What the platform wants to know of a file before it comes (upload-prepare page, 2026-08).

    Attributes:
        md5: Hex digest.
        sha1: Hex digest.
        md5_10m: Hex MD5 of the first 10 002 432 bytes.
    """

    md5: str
    sha1: str
    md5_10m: str


FIRST_10M = 10_002_432


class Stamp(NamedTuple):
    """The state of a file on disk.

    Attributes:
        changed: When it was last written, in nanoseconds.
        size: Bytes.
        number: The file itself, which another one may have replaced.
    """

    changed: int
    size: int
    number: int

    def grew(self, later: Stamp | None) -> bool:
        """Tell whether something was only added at the end, as to a log."""
        return later is not None and later.number == self.number and later.size > self.size


@dataclass(frozen=True, slots=True)
class Source:
    """Something to send: bytes in memory, a file on disk, or a URL that somebody fetches later.

    Attributes:
        kind: What it is sent as.
        name: File name.
        format: What it is, by content; ``UNKNOWN`` for a URL.
        size: Bytes; 0 for a URL.
        data: The bytes, when they are in memory.
        path: The file, when it is on disk.
        url: The address, when it is a URL.
    """

    kind: Kind
    name: str
    format: Format = formats.UNKNOWN
    size: int = 0
    data: bytes | None = field(default=None, repr=False)
    path: Path | None = None
    url: str = field(default="", repr=False)

    def __str__(self) -> str:
        return mask(self.url) if self.url else self.name

    def open(self) -> BinaryIO:
        """Open the content for reading, from its beginning.

        Raises:
            MediaError: The file cannot be read any more, or it is a URL.
        """
        if self.data is not None:
            return io.BytesIO(self.data)
        if self.path is None:
            raise MediaError(f"{self} was not fetched yet")
        try:
            return opened(self.path)
        except OSError as error:
            raise unreadable(self.path, error, gone=True) from error

    def read(self) -> bytes:
        """Return the content; of a file what stands there now.

        Raises:
            MediaError: The file cannot be read any more, or there is nothing to send left in it.
        """
        if self.data is not None:
            return self.data
        with self.open() as file:
            data = file.read(LIMITS["file"] + 1)
        if not data or len(data) > LIMITS["file"]:
            raise self.changed()
        return data

    def at_hand(self, most: int) -> Source:
        """Return the same thing with its bytes in memory, read now, when it is no larger.

        Args:
            most: Bytes.

        Raises:
            MediaError: As :meth:`read`.
        """
        if self.path is None or self.data is not None or self.size > most:
            return self
        data = self.read()
        return replace(self, data=data, size=len(data))

    def stamp(self) -> Stamp | None:
        """Return what tells one state of the file from another; None when there is no file."""
        if self.path is None:
            return None
        try:
            found = self.path.stat()
        except (OSError, ValueError):
            return None
        return Stamp(found.st_mtime_ns, found.st_size, found.st_ino)

    def digests(self) -> Digests:
        """Return the digests of the content, read in pieces.

        Raises:
            MediaError: The file cannot be read any more, or changed since it was checked. What was
                added at the end of a file of any kind, such as a log, does not matter.
        """
        md5, sha1 = hashlib.md5(usedforsecurity=False), hashlib.sha1(usedforsecurity=False)
        first = hashlib.md5(usedforsecurity=False)
        done = 0
        with self.open() as file:
            while chunk := file.read(min(_CHUNK, self.size - done)):
                md5.update(chunk)
                sha1.update(chunk)
                first.update(chunk[: max(0, FIRST_10M - done)])
                done += len(chunk)
            if done < self.size or (self.kind != "file" and file.read(1)):
                raise self.changed()
        return Digests(md5.hexdigest(), sha1.hexdigest(), first.hexdigest())

    def changed(self) -> MediaError:
        """Return the error for a file that is not what it was."""
        return MediaError(
            f"{self} changed after the chain was made",
            remedy=Text(
                "Write each picture to a file of its own, or pass the bytes.",
                "请为每次发送使用独立的文件，或直接传入 bytes。",
            ),
        )

    def picture_size(self) -> tuple[int, int] | None:
        """Return width and height in pixels; None when they cannot be told."""
        if self.url:
            return None
        with self.open() as file:
            return formats.picture_size(file.read(_JPEG_HEAD))

    def replaced(self, data: bytes, found: Format) -> Source:
        """Return the same thing with other content, such as a converted picture."""
        name = f"{PurePosixPath(self.name).stem or self.kind}{found.suffix}"
        return Source(self.kind, name, found, len(data), data)


def load(content: Any, kind: Kind, *, name: str | None = None) -> Source:
    """Check what a user wants to send.

    Args:
        content: A path, bytes, a file opened in binary mode (read to its end now), an
            ``http(s)`` URL, a ``data:`` URL, a PIL image or a matplotlib figure.
        kind: What it is to be sent as.
        name: File name; by default that of the file.

    Raises:
        UnsupportedMedia: It is empty, of another kind, cut off, or of a format that cannot be sent.
        MediaTooLarge: The platform takes no file of this size.
        MediaError: The file does not exist or cannot be read.
        ConfigError: The name is no text.
    """
    if name is not None and not isinstance(name, str):
        raise ConfigError(
            f"name= is {type(name).__name__}, not text",
            remedy=Text(
                'Pass the file name as text: name="report.pdf".',
                '请以字符串传入文件名：name="report.pdf"。',
            ),
        )
    if isinstance(content, Source):
        return _as_kind(content, kind, name)
    if isinstance(content, str):
        return _from_text(content, kind, name)
    if isinstance(content, os.PathLike):
        return _from_path(Path(os.fsdecode(content)), kind, name)
    if isinstance(content, bytes | bytearray | memoryview):
        return _from_bytes(bytes(content), kind, name)
    picture = drawn(content)
    if picture is not None:
        return _from_bytes(picture, kind, name)
    if hasattr(content, "read"):
        return _from_file(content, kind, name)
    raise UnsupportedMedia(
        f"{type(content).__name__} cannot be sent as {A[kind]}",
        remedy=Text(
            "Make a picture of the array first: PIL.Image.fromarray(array).",
            "请先把数组转成图片：PIL.Image.fromarray(array)。",
        )
        if hasattr(content, "__array_interface__")
        else Text(
            "Pass a path, bytes, a file opened with 'rb', a URL, a PIL image or a matplotlib "
            "figure.",
            "请传入路径、bytes、以 'rb' 打开的文件、URL、PIL 图片或 matplotlib 图表。",
        ),
    )


# ---------------------------------------------------------------------- from where


def _as_kind(source: Source, kind: Kind, name: str | None) -> Source:
    """Return something checked before; checked again when it is to be sent as something else."""
    if source.kind != kind:
        content = source.url or (source.path if source.data is None else source.data)
        return load(content, kind, name=name or source.name)
    return replace(source, name=harmless_name(name)) if name else source


_SCHEME = re.compile(r"\s*([A-Za-z][A-Za-z0-9+.-]{1,20}):(//)?")  # not the C: of Windows


def _from_text(text: str, kind: Kind, name: str | None) -> Source:
    if not text.strip():
        raise UnsupportedMedia(
            "the path is empty", remedy=Text("Say which file.", "请写明是哪个文件。")
        )
    found = _SCHEME.match(text)
    scheme = found[1].lower() if found else ""
    if scheme in ("http", "https"):
        return _from_url(text.strip(), kind, name)
    if scheme == "data":
        return _from_bytes(_data_url(text), kind, name)
    if scheme == "file":
        return _from_path(_file_url(text), kind, name)
    if found and found[2]:
        raise UnsupportedMedia(
            f"{scheme}:// is not supported",
            remedy=Text(
                "Pass a path, or an address with https://.", "请传入路径，或 https:// 地址。"
            ),
        )
    return _from_path(Path(text), kind, name)


_ORIGIN = re.compile(r"(?i)https?://[^\s/?#\\]+(?=[/?#]|\Z)")
_SAFE_IN_URLS = "%:/?#[]@!$&'()*+,;=~"


def _from_url(url: str, kind: Kind, name: str | None) -> Source:
    origin = _ORIGIN.match(url)
    try:
        parts = urlsplit(url)
        good = bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if origin is None or not good or not url.isprintable():
        raise _no_address(url)
    rest = quote(url[origin.end() :], safe=_SAFE_IN_URLS)  # spaces and Chinese, as a browser does
    found = unquote(PurePosixPath(parts.path).name)
    scheme, colon, host = origin[0].partition(":")
    address = scheme.lower() + colon + host + rest
    return Source(kind, harmless_name(name or found or kind), url=address)


def _no_address(url: str) -> UnsupportedMedia:
    return UnsupportedMedia(
        f"{mask(url)!r} is no address",
        remedy=Text("Write it in full: https://host/path.", "请写完整地址：https://host/path。"),
    )


def _data_url(url: str) -> bytes:
    head, comma, body = url.partition(",")
    if not comma:
        raise UnsupportedMedia("the data: URL has no content", remedy=_DATA_URL)
    try:
        if not head.lower().endswith(";base64"):
            return unquote_to_bytes(body)
        return base64.b64decode("".join(unquote(body).split()), validate=True)
    except (binascii.Error, ValueError) as error:  # ValueError: what is no text
        raise UnsupportedMedia("the data: URL cannot be decoded", remedy=_DATA_URL) from error


_DATA_URL = Text(
    "Write it as data:image/png;base64,iVBOR...", "请写成 data:image/png;base64,iVBOR... 的形式。"
)


def _file_url(url: str) -> Path:
    from urllib.request import url2pathname  # noqa: PLC0415 - slow to import, rarely needed

    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise _no_address(url) from error
    # A host is a share of Windows'; elsewhere it is what file:// instead of file:/// makes of home.
    host = "" if parts.netloc.lower() in ("", "localhost") else f"//{parts.netloc}"
    return Path(url2pathname(host + parts.path))


def _from_path(path: Path, kind: Kind, name: str | None) -> Source:
    with contextlib.suppress(RuntimeError, ValueError):  # nobody's home: a file such as ~$a.docx
        path = path.expanduser()
    try:
        with opened(path) as file:
            size = os.fstat(file.fileno()).st_size
            name = harmless_name(name or path.name)
            found = check(file, size, kind, name)
    except MediaError:
        raise
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise unreadable(path, error) from error
    return Source(kind, name, found, size, path=absolute(path))


def _from_bytes(data: bytes, kind: Kind, name: str | None) -> Source:
    name = harmless_name(name) if name else ""
    found = check(io.BytesIO(data), len(data), kind, name or "the content")
    return Source(kind, name or f"{kind}{found.suffix}", found, len(data), data)


def _from_file(file: Any, kind: Kind, name: str | None) -> Source:
    if isinstance(file, io.TextIOBase):
        raise UnsupportedMedia(
            "the file was opened in text mode",
            remedy=Text(
                "Open it with open(path, 'rb'); of a StringIO pass .getvalue().encode().",
                "请用 open(path, 'rb') 打开；StringIO 请传入 .getvalue().encode()。",
            ),
        )
    own = getattr(file, "name", None)
    if name is None and isinstance(own, str) and not own.startswith("<"):
        name = Path(own).name
    try:
        data = _rest_of(file)
    except MediaError:
        raise
    except Exception as error:  # closed, cut off, or somebody's own class: it may raise anything
        why = " ".join(str(error).split()) or type(error).__name__
        raise MediaError(
            f"the {type(file).__name__} cannot be read: {why}",
            remedy=Text(
                "Pass it while it is open for reading.", "请在文件以读取方式打开期间传入。"
            ),
        ) from error
    return _from_bytes(data, kind, name)


def _rest_of(file: Any) -> bytes:
    """Return what a file object still holds; no more than tells that it is too much."""
    limit = LIMITS["file"]
    data = io.BytesIO()
    while (left := limit + 1 - data.tell()) > 0:
        piece = file.read(min(_CHUNK * 16, left))
        if not isinstance(piece, bytes | bytearray | memoryview):
            raise UnsupportedMedia(
                f"read() of {type(file).__name__} returned {type(piece).__name__}, not bytes",
                remedy=Text("Open it in binary mode ('rb').", "请以二进制方式（'rb'）打开。"),
            )
        if not piece:
            return data.getvalue()
        data.write(piece)
    raise MediaTooLarge(
        f"the {type(file).__name__} holds more than {limit >> 20} MB, the limit of the platform",
        remedy=Text("Put it on a server and send the link.", "请放到服务器上再发送链接。"),
    )
