"""Whether a host can be reached, seen on this machine, and what people are told when it cannot."""

from __future__ import annotations

import socket
import ssl

import pytest

from qqgroup_sync import network
from qqgroup_sync.network import Outage, can_reach, diagnose


@pytest.fixture
def port():
    """Return a port on which somebody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def dead_port():
    """Return a port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@pytest.mark.parametrize("scheme", ["http", "https", "ws", "wss"])
def test_a_host_that_takes_connections_can_be_reached(port, dead_port, scheme):
    """Whatever it speaks: nothing is said to it."""
    assert can_reach(f"{scheme}://127.0.0.1:{port}/websocket/")
    assert not can_reach(f"{scheme}://127.0.0.1:{dead_port}/websocket/")


def test_a_name_that_cannot_be_looked_up_cannot_be_reached(monkeypatch):
    """DNS is what fails first in an outage."""

    def fail(*_arguments, **_options):
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    assert not can_reach("https://api.bot.qq.com")


@pytest.mark.parametrize("url", ["", "https://", "http://[", "https://127.0.0.1:99999"])
def test_nonsense_cannot_be_reached(url):
    """And raises nothing."""
    assert not can_reach(url)


@pytest.mark.parametrize("url", ["https://example.com", "wss://example.com/websocket"])
def test_behind_a_proxy_it_is_the_proxy_that_is_reached(port, dead_port, monkeypatch, url):
    """Nothing else is let through."""
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
    assert can_reach(url)
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{dead_port}")
    assert not can_reach(url)


def test_a_proxy_is_left_aside_where_none_is_wanted(port, dead_port, monkeypatch):
    """A simulator on this machine, or NO_PROXY."""
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{dead_port}")
    url = f"ws://127.0.0.1:{port}"
    assert not can_reach(url)
    assert can_reach(url, direct=True)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert can_reach(url)


def test_an_outage_is_over_once(monkeypatch):
    """When the host answers and did not before; a host that always answers ended nothing."""
    answers = [True, True, False, False, True, True, False, True]
    monkeypatch.setattr(network, "can_reach", lambda _url, direct: answers.pop(0))
    outage = Outage()
    found = [(outage.over("https://x"), outage.missing) for _ in range(8)]
    assert [over for over, _ in found] == [False, False, False, False, True, False, False, True]
    assert [missing for _, missing in found] == [
        *(False, False, True, True, False, False, True, False)
    ]


def test_slow_looks_leave_room_for_a_stop(monkeypatch):
    """A look that takes ten seconds is followed by ten seconds without one."""
    now, looks = [100.0], []

    def slow(_url, direct):
        looks.append(now[0])
        now[0] += 10.0
        return False

    monkeypatch.setattr(network, "can_reach", slow)
    monkeypatch.setattr(network.time, "monotonic", lambda: now[0])
    outage = Outage()
    for _ in range(40):
        assert outage.over("https://x") is False
        now[0] += 1.0
    assert looks[:3] == [100.0, 120.0, 140.0]


class ProxyError(Exception):
    """Stands for those of several libraries."""


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (socket.gaierror(socket.EAI_NONAME, "unknown"), "looked up (DNS)"),
        (ConnectionRefusedError(111, "refused"), "refused or broke"),
        (OSError(101, "Network is unreachable"), "refused or broke"),
        (ssl.SSLError(1, "bad certificate"), "TLS failed"),
        (ProxyError("no"), "proxy"),
    ],
)
def test_everything_has_a_cause_and_a_remedy(error, cause):
    """Also when it is wrapped by others."""
    outer = RuntimeError("outer")
    outer.__cause__ = error
    for one in (error, outer):
        why, remedy = diagnose(one)
        assert cause in why.en
        assert all((why.zh, remedy.en, remedy.zh))
