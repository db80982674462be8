"""A tiny HTTP server on this machine that answers, fails and trickles as a test tells it."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from typing import NamedTuple

REASONS = {200: "OK", 204: "No Content", 302: "Found", 429: "Too Many Requests"}


class Request(NamedTuple):
    """What came in; header names are lower-case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


def answer(status=200, body=b"", **headers):
    """Return an HTTP answer; a dict or list as body is JSON, ``Retry_After`` is a header."""
    if isinstance(body, (dict, list)):
        body = json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Whatever')}"]
    headers.setdefault("Content_Length", len(body))
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def closed_after_reading(_server, _connection):
    """Take the request and close the connection without an answer."""
    return False


def closed_unread(_server, _connection):
    """Close the connection with the request still in its buffer."""
    return False


def cut_off(_server, connection):
    """Announce a hundred bytes and close after four."""
    connection.sendall(answer(200, b'{"a"', Content_Length=100))
    return False


def silence(server, _connection):
    """Never answer."""
    server.ended.wait(30)
    return False


def trickle(server, connection):
    """Send a byte now and then, for ever."""
    connection.sendall(answer(200, Content_Length=1000))
    with contextlib.suppress(OSError):
        while not server.ended.wait(0.01):
            connection.sendall(b".")
    return False


def slow_head(server, connection):
    """Send a byte of the head now and then, for ever."""
    with contextlib.suppress(OSError):
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not server.ended.wait(0.01):
            connection.sendall(b"x")
    return False


class ScriptedServer:
    """Takes one step of its script per request; the last step holds for all that follow.

    A step is the bytes of an answer, or a function of server and connection that returns whether
    the connection stays open.

    Attributes:
        requests: What came in so far.
        connections: How many connections were opened.
        closed: How many the other side closed.
        dropped: How many this side closed.
        ended: Set at the end of the test.
    """

    def __init__(self, *script, tls=None):
        self.script = list(script) or [answer(200, {})]
        self.requests = []
        self.connections = 0
        self.closed = 0
        self.dropped = 0
        self.ended = threading.Event()
        self._lock = threading.Lock()
        self._tls = tls
        self._open = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self.url = f"{'https' if tls else 'http'}://{self.address}"
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ended.set()
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port)).close()  # wakes accept()
        self._listener.close()
        with self._lock:
            for one in self._open:  # a closed one, or one that TLS took over, just raises
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
            assert not thread.is_alive()

    def shown(self, connection):
        """Note a socket, so that the end of the test closes it; return it."""
        with self._lock:
            self._open.add(connection)
        return connection

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            if self.ended.is_set():
                connection.close()
                return
            self.connections += 1
            self.shown(connection)
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection):
        try:
            if self._tls is not None:
                connection = self.shown(self._tls.wrap_socket(connection, server_side=True))
            while self._tls or connection.recv(1, socket.MSG_PEEK):  # TLS cannot peek
                if not self._one(connection):
                    connection.close()
                    self.dropped += 1
                    return
            self.closed += 1
        except OSError:
            pass
        finally:
            connection.close()

    def _one(self, connection):
        with self._lock:
            step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if step is closed_unread:
            self.requests.append(None)
            return False
        self.requests.append(read_request(connection))
        if callable(step):
            return step(self, connection)
        connection.sendall(step)
        return True


def read_request(connection):
    """Read one request; raise OSError when there is none."""
    head = b""
    while b"\r\n\r\n" not in head:
        more = connection.recv(65536)
        if not more:
            raise OSError("the client went away")
        head += more
    head, _, body = head.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    while len(body) < int(headers.get("content-length", 0)):
        body += connection.recv(65536)  # tests send whole bodies
    return Request(method, target, headers, body)


def refusing_port():
    """Return a port of this machine on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]
