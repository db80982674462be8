"""What answers the bot may be anybody: a broken proxy, a login page, somebody who means harm."""

from __future__ import annotations

import gzip
import http.client
import json
import logging
import threading
import traceback
import zlib

import pytest

from qqgroup_sync.api.downloads import Downloads
from qqgroup_sync.api.http import Http
from qqgroup_sync.api.keepalive import MOST
from qqgroup_sync.api.repeating import Repeat
from qqgroup_sync.api.token import AccessToken
from qqgroup_sync.api.transport import Transport
from qqgroup_sync.errors import ApiError, BadResponse, TransportError
from qqgroup_sync.gateway.connection import Connection
from tests.api.scripted_server import ScriptedServer, answer

SECRET = "hG7-kQ2_xW9.zR4"
DEEP = b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
WAYS = ("request", "lean")


@pytest.fixture
def transport():
    """Return a transport that is closed at the end."""
    made = Transport(language="en")
    yield made
    made.close()


@pytest.fixture
def exchange(transport):
    """Return a function that sends a request by one of the two ways."""

    def send(way, server):
        if way == "lean":
            return transport.lean("POST", server.url, "/x", body=b"{}", headers={}, timeout=10.0)
        return transport.request("POST", f"{server.url}/x", body=b"{}", timeout=10.0)

    return send


def bomb(size):
    """Return zeros, packed a thousand times smaller."""
    packing = zlib.compressobj(9, wbits=zlib.MAX_WBITS | 16)
    return packing.compress(bytes(size)) + packing.flush()


def without_end(server, connection):
    """Send chunks until the other side hangs up; return how many bytes went out."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    server.went_out = 0
    try:
        while server.went_out < 8 * MOST:
            connection.sendall(chunk)
            server.went_out += len(chunk)
    except OSError:
        pass
    return False


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "hostile",
    [
        answer(200, bomb(2 * MOST), Content_Encoding="gzip"),
        answer(200, b"", Content_Length=MOST + 1) + b"x" * (MOST + 1),
        answer(200, b"", Content_Length=10**12),
        answer(200, b"no gzip at all, but text", Content_Encoding="gzip"),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-10\r\nabc",
    ],
    ids=["a bomb", "too long", "without end", "damaged", "a length below zero"],
)
def test_what_is_no_answer_of_the_platform_is_a_transport_error(exchange, way, hostile):
    """It neither fills the memory nor escapes as an error that nobody expects."""
    with ScriptedServer(hostile) as server, pytest.raises(TransportError):
        exchange(way, server)


@pytest.mark.parametrize("way", WAYS)
def test_an_answer_in_parts_without_end_is_left(exchange, way):
    """Not when all of it is there: it never would be."""
    with ScriptedServer(without_end) as server:
        with pytest.raises(TransportError):
            exchange(way, server)
        assert server.went_out < 4 * MOST  # buffers of the system included


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("size", [0, 1, 100_000, MOST])
def test_answers_up_to_the_limit_arrive(exchange, way, size):
    """With a length, packed, and in chunks."""
    body = b"x" * size
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunked += (b"%x\r\n%b\r\n" % (size, body) if size else b"") + b"0\r\n\r\n"
    script = [
        answer(200, body),
        answer(200, gzip.compress(body), Content_Encoding="gzip"),
        chunked,
        answer(200, b"next"),
    ]
    with ScriptedServer(*script) as server:
        got = [exchange(way, server).content for _ in script]
        assert got == [body, body, body, b"next"]
        assert server.connections == 1


@pytest.mark.parametrize(
    "content", [DEEP, b'{"code":' + b"9" * 5000 + b"}", b"[" * 100_000, b"\xff"]
)
@pytest.mark.parametrize("status", [200, 500])
def test_bodies_that_no_parser_likes_are_errors_of_ours(transport, clock, content, status):
    """Nesting beyond the stack, numbers of thousands of digits."""
    with ScriptedServer(answer(status, content)) as server:
        http_ = Http(
            transport,
            bases=[server.url],
            authorize=lambda: "QQBot x",
            refused=lambda _header: None,
            appid="1",
            clock=clock,
            stop=threading.Event(),
        )
        expected = BadResponse if status == 200 else ApiError
        with pytest.raises(expected):
            http_.call("GET", "/x", repeat=Repeat.NEVER)
        token = AccessToken("1", SECRET, urls=[server.url], transport=transport, clock=clock)
        with pytest.raises(expected):
            token.header()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(transport, way, status):
    """Else the token would go to whoever is named there."""
    with ScriptedServer() as thief:
        with ScriptedServer(answer(status, {}, Location=f"{thief.url}/x")) as server:
            headers = {"Authorization": f"QQBot {SECRET}"}
            if way == "lean":
                got = transport.lean("POST", server.url, "/x", body=b"{}", headers=headers)
            else:
                got = transport.request("GET", f"{server.url}/x", headers=headers)
        assert got.status == status
        assert thief.requests == []


def test_logs_of_urllib3_hide_the_keys_of_links(transport, caplog):
    """At level DEBUG it logs the path of every request."""
    with ScriptedServer() as server, caplog.at_level(logging.DEBUG):
        transport.request("GET", f"{server.url}/download?fileid=1&rkey={SECRET}")
        transport.request("GET", f"{server.url}/part?sign={SECRET}")
    assert "/download?" in caplog.text
    assert SECRET not in caplog.text


def test_the_debug_switch_of_http_client_prints_no_token(transport, monkeypatch, capsys):
    """A program may turn it on for other reasons; what it prints cannot be masked."""
    monkeypatch.setattr(http.client.HTTPConnection, "debuglevel", 1)
    with ScriptedServer() as server:
        headers = {"Authorization": f"QQBot {SECRET}"}
        transport.lean("POST", server.url, "/x", body=b"{}", headers=headers)
        assert server.requests[0].headers["authorization"] == f"QQBot {SECRET}"
    assert SECRET not in capsys.readouterr().out


def test_secrets_do_not_show_themselves_in_local_variables(transport, clock):
    """Notebooks and error reports print ``repr`` of what a function holds when it fails."""
    with ScriptedServer(
        answer(200, {"access_token": SECRET, "expires_in": "7200"}), b"nonsense\r\n\r\n"
    ) as server:
        token = AccessToken("1", SECRET, urls=[server.url], transport=transport, clock=clock)
        header = token.header()
        assert header == f"QQBot {SECRET}"
        token.refuse(header)
        for call in (
            token.header,
            lambda: transport.lean(
                "POST", server.url, "/x", body=b"", headers={"Authorization": header}
            ),
        ):
            with pytest.raises(TransportError) as caught:
                call()
            told = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
            ours = [
                f"{name}={value}"
                for one in (told, told.__cause__, told.__context__)
                if one is not None
                for frame in one.stack
                if "qqgroup_sync" in frame.filename
                for name, value in (frame.locals or {}).items()
            ]
            assert ours
            assert [one for one in ours if SECRET in one] == []
    assert json.loads(server.requests[0].body)["clientSecret"] == SECRET


def ask_by_way_of(way, transport, clock):
    """Ask for something by one of the ways that honour proxies."""
    if way == "lean":
        transport.lean("POST", "https://localhost", "/x", body=b"", headers={})
    elif way == "request":
        transport.request("GET", "https://localhost/x")
    elif way == "gateway":
        Connection("wss://localhost/").open(1.0)
    else:
        downloads = Downloads(clock, private=True)
        downloads.read("http://localhost/x", limit=9, timeout=1.0, progress=None)


@pytest.mark.parametrize("proxy", ["127.0.0.1:9", "exa mple:bad", "127.0.0.1:99999", "[::1"])
@pytest.mark.parametrize("way", [*WAYS, "gateway", "download"])
def test_the_password_of_a_proxy_is_in_no_error(transport, clock, monkeypatch, way, proxy):
    """Neither in what is raised, nor in what that was raised from, as a log shows it."""
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, f"http://user:{SECRET}@{proxy}")
    with pytest.raises(TransportError) as caught:
        ask_by_way_of(way, transport, clock)
    told = "".join(traceback.format_exception(caught.value))
    assert SECRET not in told
