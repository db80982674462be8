"""Requests that two servers read differently: none smuggles a second one past a proxy."""

from __future__ import annotations

import re
import socket
from contextlib import suppress

import pytest

from qqgroup_sync.media.resource_server import acquire
from qqgroup_sync.runtime.clock import Clock, Deadline
from qqgroup_sync.settings import QQGroupChainBuilderOptions
from tests.media.samples import picture

HIDDEN = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
LENGTH = b"Content-Length: %d\r\n" % len(HIDDEN)


@pytest.fixture
def ask(tmp_path):
    """Return a function that sends bytes; it returns the statuses of all that comes back."""
    lease = acquire(QQGroupChainBuilderOptions("127.0.0.1", 0, str(tmp_path)), clock=Clock())
    name = lease.publish(picture(), suffix=".png").encode()

    def ask(headers, rest=b"", target=b"/resource/" + name):
        with socket.create_connection(("127.0.0.1", lease.port), 5) as sock:
            with suppress(OSError):  # it was refused before all was sent
                sock.sendall(
                    b"GET " + target + b" HTTP/1.1\r\nHost: x\r\n" + headers + b"\r\n" + rest
                )
                sock.shutdown(socket.SHUT_WR)
            answers = b""
            with suppress(ConnectionResetError):  # it did not read all of it
                while part := sock.recv(65536):
                    answers += part
        assert b"ok\n" not in answers
        return [int(one) for one in re.findall(rb"HTTP/1\.[01] (\d{3}) ", answers)]

    yield ask
    assert lease.release(Deadline(Clock(), 5.0)) == []


@pytest.mark.parametrize(
    ("headers", "rest", "status"),
    [
        (b"Content-Length: 0\r\n" + LENGTH, HIDDEN, 400),
        (LENGTH + b"Content-Length: 0\r\n", HIDDEN, 400),
        (b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n" + HIDDEN, 413),
        (b"Transfer-Encoding: chunked\r\n" + LENGTH, b"0\r\n\r\n" + HIDDEN, 413),
        (b"Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n" + HIDDEN, 501),
        (b"Transfer-Encoding: chunked, identity\r\n", b"0\r\n\r\n" + HIDDEN, 501),
        (b"Transfer-Encoding : chunked\r\n", b"0\r\n\r\n" + HIDDEN, 400),
        (b"Content-Length: +0\r\n", HIDDEN, 400),
        (b"Content-Length: 0, 0\r\n", HIDDEN, 400),
        (b"Content-Length: 0x0\r\n", HIDDEN, 400),
        (LENGTH, HIDDEN, 413),
        (b"Content-Length: " + b"9" * 30 + b"\r\n", HIDDEN, 413),
        (b"X: a\rb\r\n", b"", 400),
        (b"no colon\r\n", b"", 400),
    ],
)
def test_a_request_with_two_meanings_is_refused(ask, headers, rest, status):
    """And the connection ends: what stood behind it is no request."""
    assert ask(headers, rest) == [status]


def test_a_head_without_end_is_refused(ask):
    """Before it is read to its end; the refusal may be lost on the way."""
    assert ask(b"X: " + b"y" * 9000 + b"\r\n") in ([431], [])
    assert ask(b"X: y\r\n" * 200_000) in ([431], [])
    assert ask(b"") == [200]


@pytest.mark.parametrize(
    "target",
    [
        b"/resource/\0",
        b"/resource/%00",
        b"/resource/" + b"a" * 8000,
        b"//resource/x",
        b"/resource/\xff",
    ],
)
def test_targets_that_are_none_are_not_found(ask, target):
    """Nothing of them reaches the file system."""
    assert ask(b"", target=target) in ([400], [404], [431])
