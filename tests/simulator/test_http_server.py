"""The HTTP server, spoken to byte by byte."""

import contextlib
import socket
import threading

import pytest

from qqgroup_sync.simulator import http_server
from qqgroup_sync.simulator.http_server import CONNECTION, HttpServer


def app(environ, start):
    """Echo the request, or misbehave as the path says."""
    path = environ["PATH_INFO"]
    if path == "/boom":
        raise ValueError("boom")
    if path == "/drop":
        environ[CONNECTION].drop(abruptly=environ["QUERY_STRING"] == "hard")
    if path == "/stream":
        start("200 OK", [("Content-Type", "text/plain")])
        return iter([b"one", b"", b"two"])
    if path == "/none":
        start("204 NO CONTENT", [])
        return []
    body = environ["wsgi.input"].read()
    text = f"{environ['REQUEST_METHOD']} {path}?{environ['QUERY_STRING']} {len(body)}".encode()
    start("200 OK", [("Content-Length", str(len(text)))])
    return [text]


@pytest.fixture
def port():
    """The port of a running server."""
    server = HttpServer(app, "test-http")
    port = server.start("127.0.0.1", 0)
    yield port
    server.shut()
    assert server.join(5)


@pytest.fixture
def talk(port):
    """Send bytes on one connection and read what comes back until it pauses for an answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
        reader = sock.makefile("rb")

        def talk(data):
            sock.sendall(data)
            head = []
            while (line := reader.readline()) not in (b"\r\n", b""):
                head.append(line.decode().strip())
            length = next((int(one[15:]) for one in head if one.startswith("Content-Length")), 0)
            return head, reader.read(length)

        talk.reader = reader
        yield talk
        reader.close()


def test_keep_alive(talk):
    """One connection serves many requests."""
    for number in range(3):
        head, body = talk(b"GET /a%%20b?x=%d HTTP/1.1\r\nHost: x\r\n\r\n" % number)
        assert head[0] == "HTTP/1.1 200 OK"
        assert body == b"GET /a b?x=%d 0" % number


def test_connection_close_is_honoured(talk):
    """A client that asks for a close gets one."""
    head, _ = talk(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert "Connection: close" in head
    assert talk.reader.read() == b""


def test_http_1_0_closes(talk):
    """HTTP/1.0 has no keep-alive unless asked for."""
    talk(b"GET / HTTP/1.0\r\n\r\n")
    assert talk.reader.read() == b""


def test_body_by_length(talk):
    """A body of declared length is read to its end."""
    _, body = talk(b"POST /p HTTP/1.1\r\ncontent-length: 5\r\n\r\nhello")
    assert body == b"POST /p? 5"


def test_body_in_chunks(talk):
    """A chunked body is read, trailers included."""
    request = b"POST /p HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    _, body = talk(request + b"5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nTrailer: x\r\n\r\n")
    assert body == b"POST /p? 11"
    _, body = talk(b"GET /next HTTP/1.1\r\n\r\n")
    assert body == b"GET /next? 0"


def test_expect_continue(talk):
    """A client that waits for permission to send its body gets it."""
    head, _ = talk(b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    assert head == ["HTTP/1.1 100 Continue"]
    assert talk(b"ok")[1] == b"POST /? 2"


def test_absolute_form(talk):
    """The request form that proxies send is understood."""
    assert talk(b"GET http://x:1/path?q HTTP/1.1\r\n\r\n")[1] == b"GET /path?q 0"


def test_streamed_answer(talk):
    """An answer without length goes out in chunks, and the connection lives on."""
    head, _ = talk(b"GET /stream HTTP/1.1\r\n\r\n")
    assert "Transfer-Encoding: chunked" in head
    lines = [talk.reader.readline() for _ in range(6)]
    assert lines == [b"3\r\n", b"one\r\n", b"3\r\n", b"two\r\n", b"0\r\n", b"\r\n"]
    assert talk(b"GET / HTTP/1.1\r\n\r\n")[1] == b"GET /? 0"


def test_answers_without_body(talk):
    """204 and HEAD carry no body."""
    assert talk(b"GET /none HTTP/1.1\r\n\r\n")[0][0] == "HTTP/1.1 204 NO CONTENT"
    head, _ = talk(b"HEAD / HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert "Content-Length: 9" in head


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"nonsense\r\n\r\n",
        b"GET / SPDY/3\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: \xb2\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: +5\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n",
        b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 101 + b"\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 999999999999\r\n\r\n",
    ],
)
def test_what_is_not_http_gets_400(talk, request_bytes):
    """What is not HTTP gets 400 and is closed."""
    head, _ = talk(request_bytes)
    assert head[0] == "HTTP/1.1 400 Bad Request"
    assert talk.reader.read() == b""


def test_failing_application_gets_500(talk, expected_errors):
    """An application that raises is answered with 500 and logged."""
    head, _ = talk(b"GET /boom HTTP/1.1\r\n\r\n")
    assert head[0] == "HTTP/1.1 500 Internal Server Error"
    (logged,) = expected_errors
    assert logged.exc_info[0] is ValueError


def test_drop_closes_without_answer(talk):
    """A dropped request gets an orderly close and no answer."""
    assert talk(b"GET /drop HTTP/1.1\r\n\r\n") == ([], b"")


def test_hard_drop_resets(talk):
    """An abrupt drop is a TCP reset."""
    with pytest.raises(ConnectionResetError):
        talk(b"GET /drop?hard HTTP/1.1\r\n\r\n")


def test_too_large_body_is_read_past(talk, monkeypatch):
    """A body over the limit is discarded, and the connection goes on."""
    monkeypatch.setattr(http_server, "MAX_BODY", 4)
    assert talk(b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello")[1] == b"POST /? 0"
    chunked = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    assert talk(chunked)[1] == b"POST /? 0"


@pytest.mark.parametrize(
    "half",
    [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost", b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nx"],
)
def test_stop_ends_idle_and_half_read_connections(half):
    """Stop ends idle and half read connections."""
    server = HttpServer(app, "test-http")
    port = server.start("127.0.0.1", 0)
    with contextlib.ExitStack() as stack:
        for _ in range(5):
            sock = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            sock.sendall(half)
        server.shut()
        assert server.join(5)
    assert not [one for one in threading.enumerate() if one.name.startswith("test-http")]


def test_client_that_leaves_early_harms_nobody(port, talk):
    """Client that leaves early harms nobody."""
    for half in (b"", b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nx"):
        with socket.create_connection(("127.0.0.1", port)) as sock:
            sock.sendall(half)
    assert talk(b"GET / HTTP/1.1\r\n\r\n")[1] == b"GET /? 0"
