"""A web server that does what a test tells it, answer by answer."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

HANG = "say nothing until the end of the test"
DROP = "break the connection"
NOISE = "answer with bytes that are no TLS"


class Request(NamedTuple):
    """What came in. ``headers`` is case-insensitive."""

    method: str
    target: str
    headers: Any
    body: bytes

    @property
    def json(self):
        """The body, read as JSON."""
        return json.loads(self.body)


class Reply(NamedTuple):
    """What goes out; a body that is not bytes is sent as JSON."""

    status: int = 200
    body: Any = {}  # noqa: RUF012 - never changed
    headers: Any = {}  # noqa: RUF012 - never changed


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self):
        super().setup()
        self.server.open.add(self.connection)

    def handle(self):
        with contextlib.suppress(OSError):
            super().handle()

    def __getattr__(self, name):
        if name.startswith("do_"):
            return self._answer
        raise AttributeError(name)

    def _answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        request = Request(self.command, self.path, self.headers, self.rfile.read(length))
        with self.server.lock:
            self.server.requests.append(request)
            self.server.clients.add(self.client_address)
            reply = self.server.replies.popleft() if self.server.replies else Reply()
        self.close_connection = reply in (HANG, DROP, NOISE)
        if reply is HANG:
            self.server.over.wait(10)
        elif reply is NOISE:
            os.write(self.connection.fileno(), b"this is no TLS record at all\n" * 4)
        elif callable(reply):
            reply(self)
        elif isinstance(reply, Reply):
            self._send(reply)

    def _send(self, reply):
        body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        body = b"" if reply.status == 204 else body
        self.send_response_only(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Server(ThreadingHTTPServer):
    """Answers on a free port of this machine, ``{}`` when ``replies`` holds nothing else.

    ``replies`` takes a Reply, one of the words above, or a function of the handler.
    """

    daemon_threads = False

    def __init__(self, tls=None):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.server_address[1]}"
        if tls:
            options = {"server_side": True, "do_handshake_on_connect": False}
            self.socket = tls.wrap_socket(self.socket, **options)
        self.replies = deque()
        self.requests = []
        self.clients = set()
        self.open = set()
        self.lock = threading.Lock()
        self.over = threading.Event()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,))
        self._thread.start()

    def handle_error(self, *_):
        """Keep quiet about clients that went away."""

    def stop(self):
        """End every connection and stop listening."""
        self.over.set()
        self.shutdown()
        for sock in self.open:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
        self.server_close()
        self._thread.join()
