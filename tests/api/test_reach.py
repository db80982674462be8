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
        ("224.0.0.1", True),  # many hosts at once
        ("ff02::1", True),
        ("255.255.255.255", True),
        ("192.0.0.8", True),
        ("fec0::1", True),
        ("::127.0.0.1", True),  # IPv4 inside IPv6: compatible, translated, 6to4
        ("64:ff9b::7f00:1", True),
        ("64:ff9b::a9fe:a9fe", True),
        ("64:ff9b:1::a00:1", True),
        ("2002:7f00:1::", True),
        ("2002:a9fe:a9fe::1", True),
        ("64:ff9b::102:408", False),
        ("::ffff:198.18.0.5", False),
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


@pytest.mark.parametrize(
    "host",
    [
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "127.0.0.1.",
        "localhost",
        "LOCALHOST.",
        "a.localhost",
        "user@127.0.0.1",
        "example.com@127.0.0.1",
        "169.254.169.254",
        "10.0.0.1",
    ],
)
@pytest.mark.parametrize("look_up", [True, False])
def test_this_machine_is_known_in_every_spelling(host, look_up):
    """Also where the proxy looks names up, which may stand on this machine or beside it."""
    with pytest.raises(MediaError, match="private network"):
        refuse_private(f"http://{host}:8086/x", look_up=look_up)


def test_behind_a_proxy_names_are_the_proxys(monkeypatch):
    """What this machine finds for a name, if anything, says nothing about what the proxy finds."""
    answering(monkeypatch, "10.0.0.1")
    refuse_private("http://x.test/", look_up=False)
    refuse_private("http://1password.test/", look_up=False)


def test_a_proxy_is_not_asked_for_this_machine(clock, monkeypatch):
    """It may have a way to what this machine keeps to itself."""
    with ScriptedServer(answer(200, b"inner secrets")) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        with pytest.raises(MediaError, match="private network"):
            Downloads(clock).read("http://127.1:9/", limit=100, timeout=5, progress=None)
        assert proxy.connections == 0
        monkeypatch.setattr("qqgroup_sync.api.reach._look_up", None)  # nothing is looked up
        got = Downloads(clock).read("http://x.test/", limit=100, timeout=5, progress=None)
        assert got == b"inner secrets"


def test_a_name_that_changes_its_address_is_caught_when_it_is_connected_to(clock, monkeypatch):
    """The look-up says public, the connection leads to this machine; it is told nothing."""
    with ScriptedServer(answer(200, b"inner secrets")) as server:
        monkeypatch.setattr(
            "qqgroup_sync.api.downloads.refuse_private", lambda *_args, **_options: None
        )
        with pytest.raises(MediaError, match="private network"):
            Downloads(clock).read(server.url, limit=100, timeout=5, progress=None)
        assert server.requests == []


@pytest.mark.parametrize("exceptions", ["", "localhost,127.0.0.1"])
@pytest.mark.parametrize("first", [True, False])
def test_what_is_looked_at_is_what_is_fetched(clock, monkeypatch, exceptions, first):
    r"""Of ``http://a\@b/`` some parsers name b, others a: here it is the one that is asked."""
    with ScriptedServer(answer(200, b"inner secrets")) as server:
        tricky = f"http://{server.address}\\@public.test/meta-data"
        with ScriptedServer(answer(302, b"", Location=tricky)) as proxy:
            monkeypatch.setenv("http_proxy", proxy.url)
            monkeypatch.setenv("no_proxy", exceptions)
            url = tricky if first else "http://public.test/picture.png"
            with pytest.raises(MediaError, match=r"127\.0\.0\.1 is on a private network"):
                Downloads(clock, language="en").read(url, limit=100, timeout=5, progress=None)
            assert len(proxy.requests) == (not first)
        assert server.connections == 0
