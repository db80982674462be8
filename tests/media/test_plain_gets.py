"""Plain GETs are answered by a short way: the same answers, and nothing but plain GETs."""

from __future__ import annotations

import http.client
import os
import socket

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qqgroup_sync.media import plain_gets
from qqgroup_sync.media.resource_app import Published
from qqgroup_sync.media.resource_server import acquire
from qqgroup_sync.runtime.clock import Clock, Deadline
from qqgroup_sync.settings import QQGroupChainBuilderOptions
from tests.waiting import eventually

PNG = b"\x89PNG\r\n\x1a\n" + b"picture" * 100
NAME = "0123456789abcdef" * 2


def _plain(name):
    """Return a request."""
    return b"GET /resource/%b HTTP/1.1\r\nHost: x\r\n\r\n" % name.encode()


@pytest.fixture
def lease(tmp_path):
    """Return a lease on a free port."""
    lease = acquire(
        QQGroupChainBuilderOptions("127.0.0.1", 0, str(tmp_path / "resource")), clock=Clock()
    )
    yield lease
    assert lease.release(Deadline(Clock(), 5.0)) == []


@pytest.fixture
def short_way(monkeypatch):
    """Return a list that grows by each answer of the short way."""
    answers = []
    answer = plain_gets._answer

    def counted(request, look):
        found = answer(request, look)
        if found is not None:
            answers.append(request)
        return found

    monkeypatch.setattr(plain_gets, "_answer", counted)
    return answers


@pytest.fixture
def ask(lease):
    """Return a function that sends a request by one kept connection."""
    connection = http.client.HTTPConnection("127.0.0.1", lease.port, timeout=10)

    def ask(name, **headers):
        connection.request("GET", f"/resource/{name}", headers=headers)
        response = connection.getresponse()
        return response.status, dict(response.headers), response.read()

    yield ask
    connection.close()


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".mp4", ".silk"])
def test_both_ways_answer_alike(lease, ask, short_way, suffix):
    """A client cannot tell which way its answer came."""
    name = lease.publish(PNG, suffix=suffix)
    status, headers, body = ask(name)
    assert len(short_way) == 1
    usual = ask(name, Connection="keep-alive")  # which it does not understand
    assert len(short_way) == 1
    headers.pop("Date")
    assert usual[1].pop("Date")
    assert (status, headers, body) == usual
    assert body == PNG
    assert lease.requests == 2


def test_a_known_version_of_the_short_way_is_not_sent_again(lease, ask):
    """Its entity tag and its date are those of the usual way."""
    name = lease.publish(PNG, suffix=".png")
    _, headers, _ = ask(name)
    assert ask(name, **{"If-None-Match": headers["Etag"]})[0] == 304
    assert ask(name, **{"If-Modified-Since": headers["Last-Modified"]})[0] == 304


@pytest.mark.parametrize("suffix", [".html", ".svg", ".pdf", ""])
def test_what_a_browser_may_not_show_goes_the_usual_way(lease, ask, short_way, suffix):
    """It is only ever saved."""
    _, headers, body = ask(lease.publish(PNG, suffix=suffix))
    assert headers["Content-Disposition"].startswith("attachment")
    assert (short_way, body) == ([], PNG)
    assert lease.requests == 1


def test_many_answers_on_one_connection(lease, ask, short_way):
    """Each one is whole, whichever way it went."""
    large = os.urandom(3_000_000)
    small, other = lease.publish(PNG, suffix=".png"), lease.publish(large, suffix=".mp4")
    for number in range(10):
        assert ask(small)[2] == PNG
        assert ask(other)[2] == large
        assert ask(other, Range="bytes=5-9")[2] == large[5:10]
        assert ask("f" * 32)[0] == 404
        assert len(short_way) == 2 * (number + 1)


def test_requests_that_come_together_are_answered_in_order(lease, short_way):
    """Pipelining goes the usual way."""
    names = [lease.publish(bytes([number]) * 50_000, suffix=".png") for number in b"ab"]
    requests = b"".join(map(_plain, names))
    with socket.create_connection(("127.0.0.1", lease.port), 10) as sock:
        sock.sendall(requests)
        answers = sock.makefile("rb")
        for number in b"ab":
            while (line := answers.readline()) != b"\r\n":
                assert line
            assert answers.read(50_000) == bytes([number]) * 50_000
    assert short_way == []


def test_a_file_that_becomes_shorter_ends_the_connection(lease):
    """The client notices, and the service goes on."""
    path = lease.files.create(bytes(30_000_000), ".mp4")
    name = lease.publish(path, suffix=".mp4")
    with socket.create_connection(("127.0.0.1", lease.port), 10) as sock:
        sock.sendall(_plain(name))
        assert sock.recv(15) == b"HTTP/1.1 200 OK"
        os.truncate(path, 1000)
        received = 15
        while part := sock.recv(1 << 20):
            received += len(part)
    assert received < 30_000_000
    other = lease.publish(PNG, suffix=".png")
    with socket.create_connection(("127.0.0.1", lease.port), 10) as sock:
        sock.sendall(_plain(other))
        assert sock.recv(15) == b"HTTP/1.1 200 OK"


def test_a_client_that_leaves_in_the_middle_leaves_no_file_open(lease):
    """Its file is closed with the connection."""
    path = lease.files.create(bytes(30_000_000), ".mp4")
    name = lease.publish(path, suffix=".mp4")
    with socket.create_connection(("127.0.0.1", lease.port), 10) as sock:
        sock.sendall(_plain(name))
        assert sock.recv(15) == b"HTTP/1.1 200 OK"
        assert _is_open(path)
    eventually(lambda: not _is_open(path))


def _is_open(path):
    return str(path) in [file.path for file in psutil.Process().open_files()]


def test_files_are_sent_where_the_system_cannot_do_it(lease, ask, monkeypatch, short_way):
    """Then they are read in pieces."""
    monkeypatch.setattr(plain_gets, "_send_file", plain_gets._by_reading)
    large = os.urandom(3_000_000)
    assert ask(lease.publish(large, suffix=".mp4"))[2] == large
    assert len(short_way) == 1


def test_no_pipe_is_opened(tmp_path):
    """Whoever opens a pipe may wait for ever; the loop must not."""
    os.mkfifo(tmp_path / "pipe")
    published = Published(tmp_path / "pipe", "image/png")
    request = _plain(NAME)
    assert plain_gets._answer(request, lambda _name: published) is None


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /resource/%b HTTP/1.1\r\nHost: x\r\nRange: bytes=0-1\r\n\r\n",
        b"GET /resource/%b HTTP/1.1\r\nHost: x\r\nIf-None-Match: *\r\n\r\n",
        b"GET /resource/%b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET /resource/%b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n",
        b"GET /resource/%b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET /resource/%b HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n",
        b"GET /resource/%b HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n",
        b"GET /resource/%b HTTP/1.1\r\nHost : x\r\n\r\n",
        b"GET /resource/%b HTTP/1.1\nHost: x\n\n",
        b"GET /resource/%b HTTP/1.1\r\nHost: x\nRange: bytes=0-1\r\n\r\n",
        b"GET /resource/%b HTTP/1.1\r\nHost: x\r\n",
        b"GET /resource/%b HTTP/1.1\r\nHost: x\r\n\r\nG",
        b"GET /resource/%b HTTP/1.0\r\nHost: x\r\n\r\n",
        b"GET /resource/%b?a=1 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /resource/../%b HTTP/1.1\r\nHost: x\r\n\r\n",
        b"HEAD /resource/%b HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /resource/%b HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
def test_what_is_not_plain_goes_the_usual_way(tmp_path, request_):
    """Ranges, conditions, bodies, other methods and anything malformed are not for the loop."""
    path = tmp_path / "picture.png"
    path.write_bytes(PNG)
    published = Published(path, "image/png")
    assert plain_gets._answer(request_ % NAME.encode(), lambda _name: published) is None


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    begin=st.sampled_from([b"GET /resource/", b"GET /resource/%b" % NAME.encode(), b"GET //", b""]),
    middle=st.binary(max_size=60),
    end=st.sampled_from([b" HTTP/1.1\r\n\r\n", b" HTTP/1.1\r\nHost: x\r\n\r\n", b"\r\n\r\n", b""]),
)
def test_only_published_names_are_looked_up(begin, middle, end):
    """Whatever a client writes, no other name reaches the shelf."""
    asked = []
    plain_gets._answer(begin + middle + end, asked.append)
    for name in asked:
        digits, dot, suffix = name.partition(".")
        assert len(digits) == 32
        assert set(digits) <= set("0123456789abcdef")
        assert bool(dot) == bool(suffix)
        assert suffix.isidentifier() or suffix.isalnum() or not suffix
