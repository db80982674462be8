"""Which host names are this machine."""

import pytest

from qqgroup_sync.simulator import hosts


@pytest.mark.parametrize(
    ("header", "bound", "remote", "allowed"),
    [
        ("127.0.0.1:1", "127.0.0.1", False, True),
        ("localhost", "127.0.0.1", False, True),
        ("[::1]:80", "127.0.0.1", False, True),
        ("127.0.0.2", "127.0.0.1", False, True),
        ("192.168.1.2", "127.0.0.1", False, False),
        ("192.168.1.2:80", "0.0.0.0", True, True),
        ("evil.example", "0.0.0.0", True, False),
        ("localhost.evil.example", "127.0.0.1", False, False),
        ("api.bot.qq.com", "127.0.0.1", False, True),
        ("sandbox.api.sgroup.qq.com:443", "127.0.0.1", False, True),
        ("qq.com", "127.0.0.1", False, False),
        ("", "127.0.0.1", False, False),
    ],
)
def test_allowed_hosts(header, bound, remote, allowed):
    """Addresses, localhost and QQ's names are allowed, names that could be rebound are not."""
    assert hosts.is_allowed(header, bound, remote=remote) is allowed


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("::1", True), ("LOCALHOST", True), ("0.0.0.0", False), ("x.y", False)],
)
def test_loopback(host, loopback):
    """Loopback addresses and localhost are reachable from this machine only."""
    assert hosts.is_loopback(host) is loopback
