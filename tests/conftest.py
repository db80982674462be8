"""What holds for every test: no thread stays, nothing leaves this machine, no error goes unseen."""

from __future__ import annotations

import logging
import os
import socket
import threading

import pytest

from tests.clocks import ManualClock

OURS = ("qqgroup-", "simulator-")
LOOPBACK = {"127.0.0.1", "::1", "localhost", "0.0.0.0", "::", "", None}
OTHER_VARIABLES = {"REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "NETRC"}
GRACE = 5.0  # seconds in which a thread of an ended test may come to its end


@pytest.fixture(autouse=True)
def _no_thread_stays():
    """Fail when a test leaves a thread of the package behind."""
    before = set(threading.enumerate())
    yield
    ours = [one for one in threading.enumerate() if one.name.startswith(OURS)]
    left = [one for one in ours if one not in before]
    for thread in left:
        thread.join(GRACE)
    assert [one.name for one in left if one.is_alive()] == []


@pytest.fixture(autouse=True)
def _nothing_leaves_this_machine(monkeypatch):
    """Fail when a test talks to, or looks up, anything but this machine."""
    tried = []

    def only_loopback(function, host_of):
        def guarded(*arguments, **options):
            host = host_of(*arguments)
            if host not in LOOPBACK:
                tried.append(host)
                raise OSError(f"tests talk to this machine only, not to {host}")
            return function(*arguments, **options)

        return guarded

    def host_of_address(_sock, address, *_more):
        return address[0] if isinstance(address, tuple) else None  # else a Unix socket

    for name in ("connect", "connect_ex"):
        real = getattr(socket.socket, name)
        monkeypatch.setattr(socket.socket, name, only_loopback(real, host_of_address))
    look_up = only_loopback(socket.getaddrinfo, lambda host, *_: host)
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    yield
    assert tried == []


@pytest.fixture(autouse=True)
def expected_errors(request):
    """Return the ERROR records of the package so far.

    A test that neither asks for this fixture nor bears the mark ``expected_errors`` fails when
    there are any at its end.
    """
    records = []
    handler = logging.Handler(logging.ERROR)
    handler.emit = records.append
    package = logging.getLogger("qqgroup_sync")
    package.addHandler(handler)
    yield records
    package.removeHandler(handler)
    asked = "expected_errors" in request.node._fixtureinfo.argnames
    if not asked and request.node.get_closest_marker("expected_errors") is None:
        assert [record.getMessage() for record in records] == []


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch):
    """Take away what this machine's environment would change: bots, proxies, certificates.

    Nothing is kept on disk unless a test says so.
    """
    for name in os.environ:
        if name.startswith("QQ_") or name.lower().endswith("_proxy") or name in OTHER_VARIABLES:
            monkeypatch.delenv(name)
    monkeypatch.setenv("QQ_STATE", "none")


@pytest.fixture
def clock():
    """Return a clock that moves only when it is told, or when somebody waits."""
    return ManualClock()
