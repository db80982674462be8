"""One WebSocket connection: read, write, broken in every way, woken from anywhere."""

from __future__ import annotations

import logging
import re
import ssl
import threading
import time
from base64 import b64encode
from contextlib import closing, suppress
from hashlib import sha1
from pathlib import Path

import pytest
import websocket

from qqgroup_sync.errors import GatewayClosed, TransportError, TransportTimeout
from qqgroup_sync.gateway import connection as gateway_connection
from qqgroup_sync.gateway.connection import Connection
from tests.gateway.scripted import LIMIT, ScriptedGateway

CERTIFICATE = Path(__file__).parents[1] / "localhost.pem"
SOON = 1.0  # seconds in which a reader has to be awake


@pytest.fixture
def connect():
    """Return a function that opens connections; they are closed at the end."""
    opened = []

    def connect(url, **options):
        connection = Connection(url, **options)
        opened.append(connection)
        connection.open(LIMIT)
        return connection

    yield connect
    for connection in opened:
        connection.close()


def address(server, scheme="ws"):
    """Return the URL of a listening socket."""
    return f"{scheme}://127.0.0.1:{server.getsockname()[1]}"


def in_thread(function):
    """Run a function beside the test; return the thread and where its exception will stand."""
    raised = []

    def run():
        try:
            function()
        except Exception as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, raised


# ---------------------------------------------------------------------- opening


def test_messages_go_both_ways(gateway, connect):
    """Text as it is, also Chinese and large."""
    connection = connect(gateway.url)
    peer = gateway.accept()
    connection.send('{"op":2,"d":"你好"}')
    assert peer.expect(2) == "你好"
    for text in ("{}", "你好", "x" * 200_000):
        peer.say(text)
        assert connection.receive(LIMIT) == text.encode()


def test_a_port_on_which_nobody_listens_is_a_transport_error(dead_url):
    """With the host in the message and the reason behind it."""
    with pytest.raises(TransportError, match=r"gateway 127\.0\.0\.1") as caught:
        Connection(dead_url).open()
    assert isinstance(caught.value.__cause__, OSError)


@pytest.mark.parametrize("status", [301, 403, 404, 500, 503])
def test_a_refused_upgrade_names_the_status(gateway, status):
    """A load balancer without a gateway behind it, for example."""
    gateway.status = status
    with pytest.raises(TransportError, match="gateway"):
        Connection(gateway.url).open()


def test_a_peer_that_never_answers_the_upgrade_is_a_time_out(mute):
    """A silent peer holds nobody for ever."""
    with pytest.raises(TransportTimeout):
        Connection(address(mute)).open(0.05)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1", "wss://[bad", "ws://127.0.0.1:port", "ws://", "nonsense", ""]
)
def test_an_address_that_is_none_is_a_transport_error(url):
    """What the platform sends as URL does not end the bot."""
    for direct in (False, True):
        with pytest.raises(TransportError):
            Connection(url, direct=direct).open()


def test_a_peer_that_speaks_something_else_is_a_transport_error(mute):
    """Not every port is a gateway."""
    thread, raised = in_thread(Connection(address(mute)).open)
    with mute.accept()[0] as sock:
        sock.recv(4096)
        sock.sendall(b"220 smtp.example.com ESMTP\r\n\r\n")
    thread.join(LIMIT)
    assert [type(error) for error in raised] == [TransportError]


def test_a_proxy_of_the_environment_is_used_unless_direct(gateway, connect, dead_url, monkeypatch):
    """A simulator on this machine is reached although a proxy is set."""
    monkeypatch.setenv("http_proxy", dead_url.replace("ws:", "http:"))
    monkeypatch.setenv("no_proxy", "example.com")
    with pytest.raises(TransportError):
        Connection(gateway.url).open()
    connect(gateway.url, direct=True)
    gateway.accept()


def test_a_proxy_that_refuses_is_named(mute, monkeypatch):
    """The remedy names the variables to look at."""
    monkeypatch.setenv("http_proxy", address(mute, "http"))
    thread, raised = in_thread(Connection("ws://gateway.example").open)
    with mute.accept()[0] as sock:
        assert sock.recv(4096).startswith(b"CONNECT gateway.example:80 ")
        sock.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n")
        thread.join(LIMIT)
    assert "proxy" in raised[0].summary
    assert "HTTPS_PROXY" in raised[0].remedy


# ---------------------------------------------------------------------- TLS


@pytest.fixture
def tls_gateway():
    """Return a gateway with a certificate that only the tests trust."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    gateway = ScriptedGateway(context)
    yield gateway
    gateway.stop()


def test_a_stranger_is_not_trusted(tls_gateway):
    """Verification cannot be turned off."""
    with pytest.raises(TransportError, match=r"(?i)certificate"):
        Connection(tls_gateway.url).open()


def test_a_company_certificate_can_be_trusted(tls_gateway, connect):
    """``ca_bundle`` is for networks that rewrite TLS."""
    connection = connect(tls_gateway.url, ca_bundle=str(CERTIFICATE))
    tls_gateway.accept().say("hello")
    assert connection.receive(LIMIT) == b"hello"


def test_aborting_wakes_a_reader_behind_tls(tls_gateway, connect):
    """As without TLS, and what is sent afterwards never leaves as plain text."""
    connection = connect(tls_gateway.url, ca_bundle=str(CERTIFICATE))
    peer = tls_gateway.accept()
    thread, raised = in_thread(lambda: connection.receive(60))
    connection.abort()
    thread.join(SOON)
    assert [type(error) for error in raised] == [GatewayClosed]
    with pytest.raises(GatewayClosed):
        connection.send("secret")
    peer.drop()


# ---------------------------------------------------------------------- receiving


def test_nothing_within_the_time_is_none(gateway, connect):
    """And the connection goes on."""
    connection = connect(gateway.url)
    assert connection.receive(0.01) is None
    gateway.accept().say("later")
    assert connection.receive(LIMIT) == b"later"


@pytest.fixture
def raw(mute, connect):
    """Return a connection and the bare socket of its peer, for frames that no library sends."""

    def shake_hands():
        sock, _ = mute.accept()
        socks.append(sock)
        request = b""
        while not request.endswith(b"\r\n\r\n"):
            request += sock.recv(4096)
        key = re.search(rb"(?i)Sec-WebSocket-Key: (\S+)", request).group(1)
        proof = b64encode(sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        sock.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + proof + b"\r\n\r\n"
        )

    socks = []
    thread, raised = in_thread(shake_hands)
    connection = connect(address(mute))
    thread.join(LIMIT)
    assert raised == []
    with closing(socks[0]):
        yield connection, socks[0]


def frame(opcode, payload, *, end=True):
    """Return the bytes of a short frame."""
    return bytes([opcode | (0x80 if end else 0), len(payload)]) + payload


TEXT, BINARY, CONTINUED, CLOSE, PING, PONG = 1, 2, 0, 8, 9, 10


def test_a_time_out_within_a_message_loses_nothing(raw):
    """A slow line delivers in pieces."""
    connection, sock = raw
    message = frame(TEXT, b"a message in pieces")
    for piece in (message[:1], message[1:7], message[7:]):
        assert connection.receive(0.01) is None
        sock.sendall(piece)
    assert connection.receive(LIMIT) == b"a message in pieces"


def test_a_message_in_fragments_is_one_message(raw):
    """Also with a ping between; each part gives the caller a look at the clock."""
    connection, sock = raw
    parts = (frame(TEXT, b"one ", end=False), frame(CONTINUED, b"two ", end=False))
    sock.sendall(parts[0] + frame(PING, b"") + parts[1] + frame(CONTINUED, b"three"))
    assert [connection.receive(LIMIT) for _ in range(4)] == [None, None, None, b"one two three"]
    sock.sendall(frame(TEXT, b"next"))
    assert connection.receive(LIMIT) == b"next"


def stuff(sock, head, piece, repeats):
    """Send as much as the peer takes, in a thread; it ends when the peer hangs up."""

    def send():
        with suppress(OSError):
            sock.sendall(head)
            for _ in range(repeats):
                sock.sendall(piece)

    thread = threading.Thread(target=send)
    thread.start()
    return thread


def last_of(connection):
    """Return the first message, however many parts and slices of time it takes."""
    ends = time.monotonic() + 4 * LIMIT
    while time.monotonic() < ends:
        data = connection.receive(1.0)
        if data is not None:
            return data
    pytest.fail("no message came")


def test_a_message_of_five_megabytes_arrives(raw):
    """Nothing that a gateway may mean is too large."""
    connection, sock = raw
    size = 5 * 1024 * 1024
    sender = stuff(sock, bytes([0x80 | TEXT, 127]) + size.to_bytes(8, "big"), b"x" * size, 1)
    assert last_of(connection) == b"x" * size
    sender.join(LIMIT)


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (bytes([0x80 | TEXT, 127]) + (2**62).to_bytes(8, "big"), b"x" * 65536),
        (frame(TEXT, b"", end=False), frame(CONTINUED, b"x" * 100, end=False) * 600),
        (frame(TEXT, b"", end=False), frame(CONTINUED, b"", end=False) * 32768),
    ],
    ids=["a frame without end", "parts without end", "empty parts without end"],
)
def test_a_message_without_end_is_refused(raw, head, piece, monkeypatch):
    """It must not fill the memory, nor keep the bot from noticing."""
    monkeypatch.setattr(gateway_connection, "MOST", 256 * 1024)
    connection, sock = raw
    sender = stuff(sock, head, piece, 200)
    with pytest.raises(GatewayClosed, match="a message of more than 262144 bytes"):
        last_of(connection)
    connection.close()
    sender.join(LIMIT)
    assert not sender.is_alive()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(gateway, mute, status):
    """Else the token would go to whoever is named there, perhaps without TLS."""

    def redirect():
        sock, _ = mute.accept()
        with closing(sock):
            sock.recv(4096)
            head = f"HTTP/1.1 {status} Moved\r\nLocation: {gateway.url}\r\n\r\n"
            sock.sendall(head.encode())

    thread, raised = in_thread(redirect)
    connection = Connection(address(mute))
    with pytest.raises(TransportError):
        connection.open(LIMIT)
    connection.close()
    thread.join(LIMIT)
    assert raised == []
    assert gateway.idle


@pytest.mark.parametrize("length", ["99999999999999", "9" * 30, "-1", "x"])
def test_a_refusal_of_any_stated_size_is_a_transport_error(mute, length):
    """What an overloaded proxy states must not end the bot."""

    def refuse():
        sock, _ = mute.accept()
        with closing(sock):
            sock.recv(4096)
            head = f"HTTP/1.1 503 Busy\r\nContent-Length: {length}\r\n\r\n"
            sock.sendall(head.encode())

    thread, raised = in_thread(refuse)
    connection = Connection(address(mute))
    with pytest.raises(TransportError):
        connection.open(LIMIT)
    connection.close()
    thread.join(LIMIT)
    assert raised == []


def test_traces_of_the_library_hide_the_token(gateway, connect, caplog):
    """Whoever turns websocket-client's traces on may still show his log to others."""
    websocket.enableTrace(True, handler=logging.NullHandler())
    try:
        with caplog.at_level(logging.DEBUG, "websocket"):
            connection = connect(gateway.url)
            connection.send('{"op":2,"d":{"token":"QQBot hG7-kQ2_xW9.zR4","intents":1}}')
    finally:
        websocket.enableTrace(False)
        logging.getLogger("websocket").setLevel(logging.NOTSET)
    gateway.accept()
    assert "++Sent decoded" in caplog.text
    assert "hG7-kQ2_xW9.zR4" not in caplog.text
    assert re.findall(r"\+\+Sent raw: (.*)", caplog.text) == ["***"]


def test_bytes_that_are_no_text_are_left_to_the_decoder(raw):
    """Bad UTF-8 and binary messages do not break the connection."""
    connection, sock = raw
    sock.sendall(frame(TEXT, b"\xff\xfe") + frame(BINARY, b"\x00\x01"))
    assert connection.receive(LIMIT) == b"\xff\xfe"
    assert connection.receive(LIMIT) == b"\x00\x01"


def test_a_ping_is_answered_and_gives_the_caller_a_look_at_the_clock(raw):
    """A peer that only pings cannot keep a reader busy beyond its deadline."""
    connection, sock = raw
    sock.sendall(frame(PING, b"hi"))
    assert connection.receive(LIMIT) is None
    answer = sock.recv(64)
    assert answer[0] & 0x0F == PONG
    sock.sendall(frame(PONG, b""))
    assert connection.receive(LIMIT) is None


# ---------------------------------------------------------------------- the end


@pytest.mark.parametrize(
    ("payload", "code", "reason"),
    [
        (b"\x0f\xa9Session timed out", 4009, "Session timed out"),
        (b"\x0f\xa9" + "会话".encode(), 4009, "会话"),
        (b"\x13\x32", 4914, ""),
        (b"\x03\xe8\xff\xfe", 1000, "\ufffd\ufffd"),
        (b"", None, ""),
    ],
)
def test_a_close_frame_keeps_code_and_reason(raw, payload, code, reason):
    """They decide what to do next."""
    connection, sock = raw
    sock.sendall(frame(CLOSE, payload))
    with pytest.raises(GatewayClosed) as caught:
        connection.receive(LIMIT)
    assert (caught.value.code, caught.value.reason) == (code, reason)


@pytest.mark.parametrize(
    "nonsense",
    [
        frame(CLOSE, b"\x23\x29"),  # 9001 cannot stand in a close frame
        frame(CLOSE, b"\x03"),
        frame(TEXT | 0x40, b"compressed"),
        frame(3, b"reserved"),
    ],
)
def test_what_breaks_the_protocol_ends_the_connection_without_a_code(raw, nonsense):
    """It is treated as a network error: the session lives on."""
    connection, sock = raw
    sock.sendall(nonsense)
    with pytest.raises(GatewayClosed) as caught:
        connection.receive(LIMIT)
    assert caught.value.code is None


@pytest.mark.parametrize("way", ["drop", "reset"])
def test_a_broken_connection_is_closed_without_a_code(gateway, connect, way):
    """A FIN and a RST alike, for the reader and for who writes."""
    connection = connect(gateway.url)
    getattr(gateway.accept(), way)()
    with pytest.raises(GatewayClosed) as caught:
        connection.receive(LIMIT)
    assert caught.value.code is None
    connection.close()
    with pytest.raises(GatewayClosed):
        connection.send("x")


def test_aborting_wakes_a_reader_whose_peer_is_silent(raw):
    """``WebSocket.close()`` would block for as long as the peer says nothing."""
    connection, _ = raw
    thread, raised = in_thread(lambda: connection.receive(60))
    began = time.monotonic()
    connection.abort()
    thread.join(SOON)
    assert [str(error) for error in raised] == ["the gateway connection broke (aborted)"]
    assert time.monotonic() - began < SOON
    connection.abort()  # a second time is no harm


def test_aborting_wakes_a_handshake(mute):
    """A stop need not wait until a silent peer has used up its time."""
    connection = Connection(address(mute))
    thread, raised = in_thread(lambda: connection.open(60))
    with mute.accept()[0] as sock:
        sock.recv(4096)  # the request has come: from here on there is a socket to wake
        connection.abort()
        thread.join(SOON)
    assert [type(error) for error in raised] == [TransportError]


def test_aborting_before_opening_is_not_forgotten(gateway, connect):
    """The stop may come before there is a socket."""
    connection = Connection(gateway.url)
    connection.abort()
    connection.open(LIMIT)
    with pytest.raises(GatewayClosed):
        connection.receive(LIMIT)
    connection.close()


def test_closing_says_no_goodbye(raw):
    """After a close frame the platform would end the session that shall be resumed."""
    connection, sock = raw
    connection.close()
    sock.settimeout(LIMIT)
    assert sock.recv(64) == b""
    connection.close()  # a second time is no harm
