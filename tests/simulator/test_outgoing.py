"""Connections to others end when they are told to, whatever they wait for."""

import http.client
import socket
import threading
from urllib.parse import urlsplit

import pytest

from qqgroup_sync.simulator.outgoing import OutgoingConnection


@pytest.fixture
def server():
    """Somebody who accepts connections when the test does."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(5)
        yield listening


def address(server, scheme="http"):
    """Where it listens."""
    return urlsplit(f"{scheme}://127.0.0.1:{server.getsockname()[1]}/x")


def test_a_cut_ends_a_read(server):
    """The thread that reads sees the end of the connection; it is not made anew."""
    outgoing = OutgoingConnection()
    connection = outgoing.open(address(server), timeout=30)
    outgoing.cut()
    assert connection.sock.recv(1) == b""
    connection.close()
    with pytest.raises(http.client.NotConnected):
        connection.request("GET", "/")


def test_a_cut_ends_a_handshake(server):
    """Somebody who accepts and never speaks TLS holds nobody up."""
    outgoing, failed = OutgoingConnection(), []

    def run():
        try:
            outgoing.open(address(server, "https"), timeout=30)
        except OSError as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    peer, _ = server.accept()
    with peer:
        assert peer.recv(1) == b"\x16"  # the handshake has begun
        outgoing.cut()
        thread.join(5)
    assert len(failed) == 1


def test_after_a_cut_nothing_is_opened(server):
    """A cut that comes first is not forgotten."""
    outgoing = OutgoingConnection()
    outgoing.cut()
    with pytest.raises(ConnectionAbortedError):
        outgoing.open(address(server), timeout=5)


def test_nobody_listens(server):
    """The reason is told."""
    place = address(server)
    server.close()
    with pytest.raises(ConnectionRefusedError):
        OutgoingConnection().open(place, timeout=5)
