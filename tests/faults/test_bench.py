"""The bench itself: its wires do what they say, and what a bot does wrong is noticed."""

from __future__ import annotations

import contextlib
import socket
import threading

import pytest

from tests.faults.wire import Wire

SOON = 0.2  # seconds in which nothing must come
LONG = 10.0


@pytest.fixture
def wire():
    """A wire to a server that says everything back."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve(connection):
        with contextlib.suppress(OSError), connection:
            while data := connection.recv(65536):
                connection.sendall(data)

    def accept():
        with contextlib.suppress(OSError):
            while True:
                connection, _ = server.accept()
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    wire = Wire(server.getsockname())
    yield wire
    wire.close()
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join(5)


@pytest.fixture
def connect(wire):
    """Return a function that connects through the wire."""
    with contextlib.ExitStack() as stack:
        yield lambda: stack.enter_context(
            socket.create_connection(("127.0.0.1", wire.port), timeout=LONG)
        )


def says_back(sock, data=b"hello"):
    """Send something and wait until it has come back."""
    sock.sendall(data)
    got = b""
    while len(got) < len(data):
        piece = sock.recv(65536)
        assert piece, f"the end after {len(got)} bytes"
        got += piece
    return got == data


def is_silent(sock):
    """Tell whether nothing comes back."""
    sock.sendall(b"x")
    sock.settimeout(SOON)
    try:
        return not sock.recv(1) and False
    except TimeoutError:
        return True
    finally:
        sock.settimeout(LONG)


def test_it_lets_everything_through(wire, connect):
    """A megabyte, in both directions; attempts are noted."""
    assert says_back(connect(), b"x" * 2**20)
    assert len(wire.attempts) == 1


def test_a_held_wire_delivers_later(wire, connect):
    """Nothing is lost, and new connections hang, too."""
    sock = connect()
    wire.hold()
    assert is_silent(sock)
    late = connect()
    assert is_silent(late)
    wire.flow()
    assert [sock.recv(1), late.recv(1)] == [b"x", b"x"]
    assert says_back(sock)


def test_a_lost_connection_stays_silent(wire, connect):
    """Only new ones work."""
    sock = connect()
    assert says_back(sock)
    wire.lose()
    assert is_silent(sock)
    wire.flow()
    assert is_silent(sock)
    assert says_back(connect())


@pytest.mark.parametrize("how", ["cut", "refuse"])
def test_a_cut_connection_is_reset(wire, connect, how):
    """A wire that refuses lets nobody in until it flows again."""
    sock = connect()
    assert says_back(sock)
    getattr(wire, how)()
    with pytest.raises(ConnectionResetError):
        sock.recv(1)
    if how == "refuse":
        with pytest.raises(ConnectionRefusedError):
            connect()
        wire.flow()
    assert says_back(connect())


def test_a_slow_wire_sends_in_pieces(wire, connect):
    """Nothing of it is lost."""
    sock = connect()
    wire.slow(7, 0.02)
    assert says_back(sock, bytes(range(100)))
    sock.sendall(b"y" * 50)
    assert len(sock.recv(65536)) < 50


def test_a_connection_is_cut_after_so_many_bytes(wire, connect):
    """The rest never comes."""
    sock = connect()
    wire.cut_after(1000)
    with pytest.raises(ConnectionResetError):
        says_back(sock, b"x" * 5000)
    assert says_back(connect(), b"x" * 5000)


def test_what_a_bot_does_wrong_is_noticed(make_bench):
    """One message is lost and one doubled on purpose, in a real process."""
    bench = make_bench(wired=False, people=4)
    bench.start_bot()
    lost, doubled = bench.say("mute"), bench.say("twice")
    bench.settle()
    with pytest.raises(AssertionError) as caught:
        bench.check()
    assert f"lost Loss(id='{lost}'" in str(caught.value)
    assert f"doubled {doubled}" in str(caught.value)
    verdict = bench.judge()
    assert (len(verdict.lost), len(verdict.doubled)) == (1, 1)
    assert bench.bot.stop() == 0
