"""A small threaded HTTP/1.1 server for one WSGI application, with keep-alive.

werkzeug's own server closes the connection after every answer and waits 10 ms for left-over
input, which no load test survives. Knows nothing about QQ.
"""

from __future__ import annotations

import contextlib
import io
import logging
import re
import sys
import tempfile
from http import HTTPStatus
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from qqgroup_sync.simulator.listener import Listener, reset

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterable

    from _typeshed.wsgi import WSGIApplication

logger = logging.getLogger(__name__)

MAX_BODY = 64 * 1024 * 1024
"""Bytes of a body that reaches the application; a larger one is thrown away unread."""
_MAX_LINE = 64 * 1024
_MAX_HEADERS = 100
_DISCARD_LIMIT = 256 * 1024 * 1024
_CHUNK = 64 * 1024
_IN_MEMORY = 1024 * 1024  # of a body, or of an answer sent in one piece; the rest is on disk
_NO_BODY = frozenset({"204", "304"})
# Plain digits, few enough for a number: int() and isdigit() know many more.
_DECIMAL = re.compile(r"[0-9]{1,18}")
_HEXADECIMAL = re.compile(rb"[0-9a-fA-F]{1,16}")

CONNECTION = "simulator.connection"
"""Key of the ``HttpConnection`` in the WSGI environment."""

LENGTHS = "simulator.lengths"
"""Key of the number of Content-Length headers, which should be 1 and is sometimes 2."""


class _BadRequestError(Exception):
    """What arrived is not HTTP."""


class HttpServer:
    """Serves ``app`` on one port until stopped.

    Args:
        app: Any WSGI application. An answer without Content-Length is sent in chunks as it is
            produced.
        name: Prefix of the thread names.
    """

    def __init__(self, app: WSGIApplication, name: str) -> None:
        self._app = app
        self._listener = Listener(name, self._serve)
        self._host = ""
        self._port = 0

    def start(self, host: str, port: int) -> int:
        """Bind and serve; return the port."""
        self._host = host
        self._port = self._listener.start(host, port)
        return self._port

    def shut(self) -> None:
        """Accept no more, and shut every connection down; never blocks."""
        self._listener.close()
        self._listener.hang_up()

    def join(self, timeout: float) -> bool:
        """Wait after ``shut``; return whether all threads ended in time."""
        return self._listener.join(timeout)

    def _serve(self, sock: socket.socket) -> None:
        server = (self._host, str(self._port))
        try:
            with contextlib.closing(HttpConnection(sock, self._app, server)) as connection:
                while connection.serve_one():
                    pass
        except (OSError, EOFError):
            # The client went away, or shut() was called: the connection is all there was.
            pass


class HttpConnection:
    """One connection: reads a request, answers it, and so on.

    The application finds it in its environment under ``CONNECTION`` and may call ``drop``.
    """

    def __init__(self, sock: socket.socket, app: WSGIApplication, server: tuple[str, str]) -> None:
        self._socket = sock
        self._reader = sock.makefile("rb", buffering=_CHUNK)
        self._app = app
        self._server = server
        self._peer = str(sock.getpeername()[0])
        self._dropped: str | None = None

    def close(self) -> None:
        """Let go of the socket, which its owner then really closes."""
        self._reader.close()

    def drop(self, *, abruptly: bool = False) -> None:
        """Close the connection instead of answering the request that is being handled.

        Args:
            abruptly: With a TCP reset.
        """
        self._dropped = "reset" if abruptly else "close"

    def serve_one(self) -> bool:
        """Serve one request; return whether the connection can serve another."""
        line = self._reader.readline(_MAX_LINE)
        if not line.strip():
            return bool(line)  # a stray blank line before a request is allowed
        try:
            environ, keep = self._read_request(line)
        except _BadRequestError as error:
            self._send_plain(HTTPStatus.BAD_REQUEST, str(error))
            return False
        with environ["wsgi.input"]:
            return self._answer(environ, line, keep=keep)

    def _answer(self, environ: dict[str, Any], line: bytes, *, keep: bool) -> bool:
        """Let the application answer; return whether the connection can serve another request."""
        head = environ["REQUEST_METHOD"] == "HEAD"
        response = _Response(self._socket, keep=keep, head=head)
        try:
            body = self._app(environ, response.start)
            try:
                if self._dropped is None:
                    response.send(body)
            finally:
                getattr(body, "close", lambda: None)()
        except OSError:
            raise
        except Exception:
            logger.exception("simulator: %s %s failed", environ["REQUEST_METHOD"], line)
            if response.begun:
                return False
            self._send_plain(HTTPStatus.INTERNAL_SERVER_ERROR, "see the log")
            return False
        if self._dropped == "reset":
            reset(self._socket)
        return keep and response.complete and self._dropped is None

    def _read_request(self, line: bytes) -> tuple[dict[str, Any], bool]:
        """Return the WSGI environment, body included, and whether to keep the connection."""
        parts = line.decode("latin-1").split()
        if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
            raise _BadRequestError("malformed request line")
        method, target, version = parts
        if "://" in target.partition("?")[0]:  # the absolute form that proxies use
            target = "/" + target.split("://", 1)[1].partition("/")[2]
        path, _, query = target.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query,
            "REQUEST_URI": target,
            "RAW_URI": target,
            "SERVER_NAME": self._server[0],
            "SERVER_PORT": self._server[1],
            "SERVER_PROTOCOL": version,
            "REMOTE_ADDR": self._peer,
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            CONNECTION: self,
        }
        self._read_headers(environ)
        if environ.get("HTTP_EXPECT", "").lower() == "100-continue":
            self._socket.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._read_body(environ)
        wish = environ.get("HTTP_CONNECTION", "").lower()
        keep = "close" not in wish if version == "HTTP/1.1" else "keep-alive" in wish
        return environ, keep

    def _read_headers(self, environ: dict[str, Any]) -> None:
        for _ in range(_MAX_HEADERS):
            line = self._reader.readline(_MAX_LINE)
            if not line:
                raise EOFError("connection closed inside the headers")
            if line in (b"\r\n", b"\n"):
                return
            name, colon, value = line.decode("latin-1").partition(":")
            if not colon:
                raise _BadRequestError("malformed header")
            key = name.upper().replace("-", "_")
            if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
                key = f"HTTP_{key}"
            value = value.strip()
            if key == "CONTENT_LENGTH":
                if environ.get(key, value) != value:
                    raise _BadRequestError("conflicting Content-Length")
                environ[LENGTHS] = environ.get(LENGTHS, 0) + 1
            environ[key] = (
                f"{environ[key]},{value}" if key in environ and key.startswith("HTTP_") else value
            )
        raise _BadRequestError("too many headers")

    def _read_body(self, environ: dict[str, Any]) -> None:
        """Put the body into the environment; one over the limit is thrown away unread."""
        body: IO[bytes] = io.BytesIO()
        try:
            if "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower():
                body = tempfile.TemporaryFile()  # noqa: SIM115 - closed by serve_one
                size = self._read_chunks(body)
            else:
                declared = environ.get("CONTENT_LENGTH") or "0"
                if not _DECIMAL.fullmatch(declared):
                    raise _BadRequestError("malformed Content-Length")
                size = int(declared)
                if size > MAX_BODY:
                    self._discard(size)
                else:
                    if size > _IN_MEMORY:
                        body = tempfile.TemporaryFile()  # noqa: SIM115 - closed by serve_one
                    self._copy(size, body)
        except BaseException:
            body.close()
            raise
        body.seek(0)
        # The declared length stays, so that the application can tell that the body was too large.
        environ["CONTENT_LENGTH"] = str(size)
        environ["wsgi.input"] = body

    def _read_chunks(self, body: IO[bytes]) -> int:
        total = 0
        while True:
            line = self._reader.readline(_MAX_LINE)
            length = line.partition(b";")[0].strip()
            if not _HEXADECIMAL.fullmatch(length):
                raise _BadRequestError("malformed chunk")
            size = int(length, 16)
            if size == 0:
                while self._reader.readline(_MAX_LINE) not in (b"\r\n", b"\n", b""):
                    pass  # trailers
                return total
            total += size
            if total > MAX_BODY:
                body.seek(0)
                body.truncate()
                self._discard(size)
            else:
                self._copy(size, body)
            self._reader.readline(_MAX_LINE)

    def _copy(self, size: int, body: IO[bytes]) -> None:
        while size > 0:
            piece = self._reader.read(min(size, _CHUNK))
            if not piece:
                raise EOFError("connection closed inside the body")
            body.write(piece)
            size -= len(piece)

    def _discard(self, size: int) -> None:
        """Read past a body that is too large, so that the client sees the answer, not a reset."""
        if size > _DISCARD_LIMIT:
            raise _BadRequestError("body too large")
        while size > 0:
            piece = self._reader.read(min(size, _CHUNK))
            if not piece:
                raise EOFError("connection closed inside the body")
            size -= len(piece)

    def _send_plain(self, status: HTTPStatus, text: str) -> None:
        body = text.encode()
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: text/plain\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        self._socket.sendall(head.encode("latin-1") + body)


class _Response:
    """Turns what a WSGI application answers into bytes on a socket."""

    def __init__(self, sock: socket.socket, *, keep: bool, head: bool) -> None:
        self._socket = sock
        self._keep = keep
        self._head = head
        self._status = ""
        self._headers: list[tuple[str, str]] = []
        self.begun = False
        self.complete = False

    def start(
        self, status: str, headers: list[tuple[str, str]], exc_info: Any = None
    ) -> Callable[[bytes], object]:
        """Take status and headers: the ``start_response`` of WSGI."""
        if exc_info is not None and self.begun:
            raise exc_info[1]
        self._status, self._headers = status, headers
        return self._write_refused

    @staticmethod
    def _write_refused(_data: bytes) -> None:
        raise NotImplementedError("the write() callable of WSGI is not offered")

    def send(self, body: Iterable[bytes]) -> None:
        """Send the whole answer; one without a length goes out in chunks as it is made."""
        names = {name.lower() for name, _ in self._headers}
        empty = self._head or self._status[:3] in _NO_BODY
        if "content-length" in names or empty:
            # One write, one packet: the answer must not wait for the next delayed ACK.
            pieces: list[bytes] = []
            held = 0
            for piece in () if empty else body:
                pieces.append(piece)
                held += len(piece)
                if held > _IN_MEMORY:
                    self._write(b"".join(pieces))
                    pieces, held = [], 0
            self._write(b"".join(pieces))
        else:
            self._headers.append(("Transfer-Encoding", "chunked"))
            self._write(b"")
            for piece in body:
                if piece:
                    self._socket.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))
            self._socket.sendall(b"0\r\n\r\n")
        self.complete = True

    def _write(self, body: bytes) -> None:
        if self.begun:
            self._socket.sendall(body)
            return
        lines = [f"HTTP/1.1 {self._status}"]
        lines += [f"{name}: {value}" for name, value in self._headers]
        if not self._keep:
            lines.append("Connection: close")
        lines.append("\r\n")
        self.begun = True
        self._socket.sendall("\r\n".join(lines).encode("latin-1") + body)
