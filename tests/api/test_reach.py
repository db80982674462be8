"""Which hosts may be fetched from."""

from __future__ import annotations

import socket

import pytest

from qqgroup_sync.api.downloads import Downloads
from qqgroup_sync.api.reach import is_private, refuse_private
from qqgroup_sync.errors import MediaError
from tests.api.scripted_server import ScriptedServer, answer


@pytest.mark.parametrize(
    ("address", "private"),
    [
        ("127.0.0.1", True),
        ("10.1.2.3", True),
        ("172.16.0.1", True),
        ("192.168.1.1", True),
        ("169.254.169.254", True),
        ("100.64.0.1", True),
        ("0.0.0.0", True),
        ("::1", True),
        ("fe80::1%eth0", True),
        ("fd00::1", True),
        ("::ffff:192.168.1.1", True),
        ("no address", True),
        ("1.2.4.8", False),
        ("2400:3200::1", False),
        ("::ffff:1.2.4.8", False),
        ("198.18.0.5", False),  # what proxy programs answer for every name
    ],
)
def test_private_ranges(address, private):
    """Local, link-local, shared and reserved ranges of both families."""
    assert is_private(address) is private


def answering(monkeypatch, *addresses):
    """Let every name resolve to these addresses."""
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 443)) for one in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_options: found)


def test_one_private_address_is_enough(monkeypatch):
    """A name with a public and a private address is refused."""
    answering(monkeypatch, "1.2.4.8")
    refuse_private("https://x.test/a")
    answering(monkeypatch, "1.2.4.8", "192.168.1.1")
    with pytest.raises(MediaError, match="private network") as caught:
        refuse_private("https://x.test/a?rkey=secret", language="en")
    assert "private_urls" in caught.value.remedy
    assert "secret" not in str(caught.value)


def test_what_is_no_url_is_left_to_who_connects():
    """Nothing is raised for it here."""
    refuse_private("http://[")
    refuse_private("http://")


def test_nothing_is_fetched_from_this_machine(clock):
    """The server is not even asked."""
    with ScriptedServer(answer(200, b"inner secrets")) as server:
        with pytest.raises(MediaError, match="private network"):
            Downloads(clock).read(server.url, limit=100, timeout=5, progress=None)
        assert server.connections == 0


def test_a_redirect_leads_no_further_in(clock, monkeypatch):
    """The first host is public, the one behind it is not."""
    target = "http://169.254.169.254/meta-data"
    with ScriptedServer(answer(302, b"", Location=target)) as server:
        host = server.url.split("/")[2]
        monkeypatch.setattr(
            "qqgroup_sync.api.reach.is_private", lambda address: address != "127.0.0.1"
        )
        with pytest.raises(MediaError, match=r"169\.254\.169\.254 is on a private network"):
            Downloads(clock).read(f"http://{host}/", limit=100, timeout=5, progress=None)


def test_a_name_that_changes_its_address_is_caught_when_it_is_connected_to(clock, monkeypatch):
    """The look-up says public, the connection leads to this machine."""
    with ScriptedServer(answer(200, b"inner secrets")) as server:
        monkeypatch.setattr(
            "qqgroup_sync.api.downloads.refuse_private", lambda *_args, **_options: None
        )
        with pytest.raises(MediaError, match="private network"):
            Downloads(clock).read(server.url, limit=100, timeout=5, progress=None)
