"""Kept connections to one host for the hot calls: http.client with one packet per request.

A busy bot is bound by how often its threads hand the interpreter over, and every system call is
such a moment. urllib3 makes nine of them per request (two time-outs are set, head and body leave
apart, each with a poll), this makes five; measured in ``benchmarks/``. It knows no proxies: those
go through urllib3.
"""

from __future__ import annotations

import http.client
import ssl
import weakref
import zlib
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from urllib3.util import wait_for_read

from qqgroup_sync.api.in_time import Response

if TYPE_CHECKING:
    from collections.abc import Mapping


MOST = 16 * 1024 * 1024  # bytes of an answer; the platform's have a few KB
_PIECE = 64 * 1024


class ConnectError(OSError):
    """There was no connection, so nothing was sent; ``__cause__`` says why."""


class AnswerError(http.client.HTTPException):
    """The answer is larger than any that is meant, or cannot be unpacked."""


class _OnePacket(http.client.HTTPConnection):
    """Sends head and body together."""

    response_class = Response
    debuglevel = 0  # a program that turns it on for all would print the token

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._held: list[bytes] = []

    def send(self, data: Any) -> None:
        """Hold a piece of the request back."""
        self._held.append(data)

    def flush(self) -> None:
        """Send what was held back."""
        data, self._held = b"".join(self._held), []
        super().send(data)


class _OnePacketTls(_OnePacket, http.client.HTTPSConnection):
    """The same over TLS."""


class KeepAlive:
    """Connections to one host; the one used last is taken first. Safe from any thread.

    Args:
        base: ``http(s)://host[:port][/path]``.
        size: Connections kept while idle.
        connect_timeout: Seconds for TCP and TLS.
        certificates: File or folder with the certificates to trust.
    """

    def __init__(self, base: str, *, size: int, connect_timeout: float, certificates: str) -> None:
        parts = urlsplit(base)
        self._host, self._port = parts.hostname or "", parts.port
        self._prefix = parts.path.rstrip("/")
        self._connect_timeout = connect_timeout
        self._idle: deque[_OnePacket] = deque(maxlen=size)  # append and pop are atomic
        weakref.finalize(self, _close_all, self._idle)  # for a client that nobody stops
        self._context: ssl.SSLContext | None = None
        if parts.scheme == "https":
            place = Path(certificates)
            if not place.exists():
                raise ConnectError(f"there are no certificates at {certificates}")
            folder, file = (place, None) if place.is_dir() else (None, place)
            self._context = ssl.create_default_context(capath=folder, cafile=file)
            self._context.set_alpn_protocols(["http/1.1"])

    def exchange(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str], timeout: float
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        """Send a request; return status, headers and content.

        Raises:
            ConnectError: Nothing was sent.
            OSError, http.client.HTTPException: The connection broke or timed out meanwhile, or
                the answer is no usable one.
        """
        connection = self._take(timeout)
        try:
            connection.request(method, self._prefix + path, body, headers)
            connection.flush()
            response = connection.getresponse()
            content = _content(response)
        except BaseException:
            connection.close()
            raise
        if response.will_close:
            connection.close()
        else:
            self._give(connection)
        if response.headers.get("Content-Encoding") == "gzip":  # not asked for, but some proxy may
            content = _unpacked(content)
        return response.status, response.headers, content

    def _take(self, timeout: float) -> _OnePacket:
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:  # another thread was quicker
                break
            # All that can come on an idle connection is its end.
            if connection.sock is not None and not wait_for_read(connection.sock, timeout=0.0):
                if connection.timeout != timeout:
                    connection.timeout = timeout
                    connection.sock.settimeout(timeout)
                return connection
            connection.close()
        return self._connect(timeout)

    def _connect(self, timeout: float) -> _OnePacket:
        patience = min(self._connect_timeout, timeout)
        connection = (
            _OnePacket(self._host, self._port, timeout=patience)
            if self._context is None
            else _OnePacketTls(self._host, self._port, timeout=patience, context=self._context)
        )
        try:
            connection.connect()
        except OSError as error:  # ssl's errors are OSErrors, too
            connection.close()
            raise ConnectError(str(error)) from error
        connection.timeout = timeout
        connection.sock.settimeout(timeout)
        return connection

    def _give(self, connection: _OnePacket) -> None:
        if len(self._idle) == self._idle.maxlen:
            connection.close()
        else:
            self._idle.append(connection)

    def close(self) -> None:
        """Close the idle connections."""
        _close_all(self._idle)


def _content(response: http.client.HTTPResponse) -> bytes:
    """Return the body of an answer, unless it is too large to be one of the platform's."""
    if response.length is not None and not response.chunked:
        if response.length > MOST:
            raise AnswerError(f"an answer of {response.length} bytes")
        return response.read()
    pieces, size = [], 0
    while piece := _piece(response):
        pieces.append(piece)
        size += len(piece)
        if size > MOST:
            raise AnswerError(f"an answer of more than {MOST} bytes")
    return b"".join(pieces)


def _piece(response: http.client.HTTPResponse) -> bytes:
    try:
        return response.read(_PIECE)
    except ValueError as error:  # a length below zero, which http.client believes
        raise AnswerError(f"an answer in parts is damaged: {error}") from error


def _unpacked(content: bytes) -> bytes:
    unpacking = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        content = unpacking.decompress(content, MOST)
    except zlib.error as error:
        raise AnswerError(f"a packed answer is damaged: {error}") from error
    if not unpacking.eof:
        raise AnswerError(f"a packed answer is cut off, or has more than {MOST} bytes")
    return content


def _close_all(connections: deque[_OnePacket]) -> None:
    while connections:
        try:
            connections.pop().close()
        except IndexError:  # another thread was quicker
            return
