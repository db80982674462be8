"""Answers plain GETs of published files in waitress' own loop: no worker, no Flask, no copies.

It takes only what it wholly understands: one request that came at once, with headers that change
nothing about the answer, for a file that a browser may show. Everything else (ranges, conditions,
HEAD, refusals, pipelining) goes the usual way, which answers the same request alike.
"""

from __future__ import annotations

import functools
import os
import re
import socket
import stat
import time
from email.utils import formatdate
from typing import TYPE_CHECKING, Any, BinaryIO

from qqgroup_sync.media.resource_app import HEADERS, ROUTE, entity_tag, is_shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from qqgroup_sync.media.resource_app import Published

_PLAIN = re.compile(
    rb"GET " + ROUTE.encode() + rb"/([0-9a-f]{32}(?:\.\w{1,20})?) HTTP/1\.1\r\n"
    rb"(?:(?i:accept(?:-charset|-encoding|-language)?|authorization|cache-control|cdn-loop"
    rb"|cf-[a-z-]+|cookie|dnt|forwarded|from|host|origin|pragma|priority|referer|sec-[a-z-]+"
    rb"|upgrade-insecure-requests|user-agent|via|x-[a-z-]+):[\t\x20-\x7e]*\r\n)*\r\n"
)
_BLOCK = 256 * 1024  # bytes read at once where the system cannot send a file itself
_MORE = getattr(socket, "MSG_MORE", 0)


def channel_class(look: Callable[[str], Published | None], count: Callable[[], None]) -> type:
    """Return the class of connections that answer plain GETs themselves.

    Args:
        look: Returns what was published under a name, None when nothing was.
        count: Called for each answer.
    """
    from waitress.buffers import OverflowableBuffer  # noqa: PLC0415 - heavy
    from waitress.channel import HTTPChannel  # noqa: PLC0415 - heavy

    class FileChannel(HTTPChannel):
        """One connection of a client."""

        def received(self, data: bytes) -> bool:
            """Take what came: answer it, or let waitress do so."""
            busy = self.request is not None or self.requests or self.total_outbufs_len
            ends = self.will_close or self.close_when_flushed
            if not busy and not ends and len(data) <= self.adj.max_request_header_size:
                answer = _answer(data, look)
                if answer is not None:
                    count()
                    self._begin(*answer)
                    return True
            return super().received(data)

        def _begin(self, head: bytes, file: _FileOnItsWay) -> None:
            """Send what the client takes at once; the loop sends the rest."""
            this: Any = self  # the stubs of waitress' inner parts are wrong
            with this.outbuf_lock:
                this.outbufs[-1].append(head)
                this.outbufs.append(file)
                this.outbufs.append(OverflowableBuffer(this.adj.outbuf_overflow))
                this.current_outbuf_count = 0
                this.total_outbufs_len += len(head) + len(file)
            self.handle_write()

        def send(self, data: Any, do_close: bool = True) -> int:
            """Send a piece of an answer; return how many bytes the client took."""
            sock: Any = self.socket
            try:
                if isinstance(data, _Piece):
                    return data.send(sock)
                if len(self.outbufs) > 2:  # a head: its file follows at once, in the same packet
                    sent: int = sock.send(data, _MORE)
                    return sent
            except BlockingIOError:
                return 0
            return super().send(data, do_close)

    return FileChannel


def _answer(
    request: bytes, look: Callable[[str], Published | None]
) -> tuple[bytes, _FileOnItsWay] | None:
    """Return the head and the file that answer a request; None when it is no plain one."""
    plain = _PLAIN.fullmatch(request)
    if plain is None:
        return None
    name = plain[1].decode("ascii")
    published = look(name)
    if published is None or not is_shown(published.content_type):
        return None
    try:
        found = published.path.stat()
        if not stat.S_ISREG(found.st_mode) or not found.st_size:
            return None  # to open what is no ordinary file may take for ever
        file = published.path.open("rb", buffering=0)
    except OSError:
        return None
    head = _head(name, published.content_type, found.st_size, found.st_mtime)
    return head + _date(int(time.time())), _FileOnItsWay(file, found.st_size)


@functools.lru_cache(maxsize=256)
def _head(name: str, content_type: str, size: int, changed: float) -> bytes:
    """Return the status line and the headers; those that Flask sends, but for the date."""
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": "no-cache",
        "Content-Disposition": f"inline; filename={name}",
        "Content-Length": str(size),
        "Content-Type": content_type,
        "Etag": f'"{entity_tag(size, changed)}"',
        "Last-Modified": formatdate(changed, usegmt=True),
        **HEADERS,
    }
    lines = (f"{key}: {value}\r\n" for key, value in headers.items())
    return "".join(("HTTP/1.1 200 OK\r\n", *lines)).encode("ascii")


@functools.lru_cache(maxsize=1)
def _date(second: int) -> bytes:
    """Return the last header, and the end of them all."""
    return f"Date: {formatdate(second, usegmt=True)}\r\n\r\n".encode("ascii")


class _FileOnItsWay:
    """The rest of a file that a client is to get; a buffer in the eyes of waitress."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._at = 0
        self._left = size

    def __len__(self) -> int:
        return self._left

    def get(self, count: int) -> _Piece:
        """Return the next piece; it stays the next one until it is skipped."""
        return _Piece(self._file, self._at, min(count, self._left))

    def skip(self, count: int, allow_prune: bool = False) -> None:
        """Leave out what was sent."""
        self._at += count
        self._left -= count

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class _Piece:
    """A piece of a file, not read yet."""

    __slots__ = ("_at", "_count", "_file")

    def __init__(self, file: BinaryIO, at: int, count: int) -> None:
        self._file = file
        self._at = at
        self._count = count

    def send(self, sock: socket.socket) -> int:
        """Send as much of it as the client takes now; return how many bytes that was."""
        sent = _send_file(sock, self._file, self._at, self._count)
        if not sent:
            raise OSError("the file became shorter while it was sent")  # waitress closes then
        return sent


def _by_reading(sock: socket.socket, file: BinaryIO, at: int, count: int) -> int:
    file.seek(at)
    block = file.read(min(count, _BLOCK))
    return sock.send(block) if block else 0


def _by_the_system(sock: socket.socket, file: BinaryIO, at: int, count: int) -> int:
    return os.sendfile(sock.fileno(), file.fileno(), at, count)


_send_file = _by_the_system if hasattr(os, "sendfile") else _by_reading
