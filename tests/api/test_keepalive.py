"""KeepAlive: what goes out, what is kept, what is told. The rest stands in test_transport."""

from __future__ import annotations

import gzip
import http.client
import socket

import pytest

from qqgroup_sync.api.keepalive import ConnectError, KeepAlive
from tests.api.scripted_server import ScriptedServer, answer


@pytest.fixture
def keep():
    """Return a function that makes the connections to a host."""
    made = []

    def make(base, size=4):
        made.append(KeepAlive(base, size=size, connect_timeout=5.0, certificates="/nowhere/ca.pem"))
        return made[-1]

    yield make
    for one in made:
        one.close()


def post(connections, path="/x", body=b"{}"):
    """Send one request."""
    return connections.exchange("POST", path, body, {"X-One": "1"}, 5.0)


def test_requests_follow_each_other_on_one_connection(keep):
    """Nothing of one is left for the next."""
    with ScriptedServer() as server:
        connections = keep(server.url)
        for number in range(3):
            assert post(connections, f"/{number}", f'{{"n":{number}}}'.encode())[0] == 200
        assert [one.target for one in server.requests] == ["/0", "/1", "/2"]
        assert [one.body for one in server.requests] == [b'{"n":0}', b'{"n":1}', b'{"n":2}']
        assert server.connections == 1


def test_a_path_of_the_base_comes_first(keep):
    """An api_base behind a reverse proxy may have a path."""
    with ScriptedServer() as server:
        post(keep(f"{server.url}/qq/"))
        assert server.requests[0].target == "/qq/x"


def test_a_packed_answer_is_unpacked(keep):
    """Nobody asked for it, but something between may do it."""
    packed = gzip.compress(b'{"id":"1"}')
    raw = answer(200, packed, **{"Content-Encoding": "gzip"})
    with ScriptedServer(raw) as server:
        assert post(keep(server.url))[2] == b'{"id":"1"}'


def test_no_connection_is_no_request():
    """So the caller knows that nothing was sent."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    connections = KeepAlive(
        f"http://127.0.0.1:{port}", size=1, connect_timeout=5.0, certificates=""
    )
    with pytest.raises(ConnectError):
        post(connections)


def test_missing_certificates_are_named():
    """Not a bare OSError without the file."""
    with pytest.raises(ConnectError, match=r"/nowhere/ca\.pem"):
        KeepAlive("https://h", size=1, connect_timeout=5.0, certificates="/nowhere/ca.pem")


def test_a_broken_answer_is_not_kept(keep):
    """The next request gets a connection of its own."""
    with ScriptedServer(b"nonsense\r\n\r\n", answer()) as server:
        connections = keep(server.url)
        with pytest.raises((http.client.HTTPException, OSError)):
            post(connections)
        assert post(connections)[0] == 200
        assert server.connections == 2


def test_an_answer_in_one_piece_sets_no_time_out(keep, monkeypatch):
    """Each one is a system call, and a busy bot is bound by how many it makes."""
    with ScriptedServer() as server:
        connections = keep(server.url)
        post(connections)
        monkeypatch.setattr(socket.socket, "settimeout", None)  # whoever calls it fails
        assert post(connections)[0] == 200
        assert server.connections == 1
