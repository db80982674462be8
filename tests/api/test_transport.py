"""Exchanges on the wire: both ways to the platform must behave the same."""

from __future__ import annotations

import contextlib
import shutil
import socket
import ssl
import subprocess
import threading
from importlib.util import find_spec

import pytest

from qqgroup_sync.api.transport import Transport, json_body
from qqgroup_sync.errors import TransportError, TransportTimeout
from tests.api.scripted_server import (
    ScriptedServer,
    answer,
    closed_after_reading,
    closed_unread,
    cut_off,
    read_request,
    refusing_port,
    silence,
    slow_head,
    trickle,
)
from tests.waiting import eventually

TOKEN = "QQBot s3cret-token-value"
BODY = b'{"content":"\xe4\xbd\xa0\xe5\xa5\xbd"}'
PATH = "/v2/groups/G/messages?trace=1"


@pytest.fixture(params=["requests", "lean"])
def send(request):
    """Return a function that sends one POST, by each of the two ways."""

    def post(transport, base, path=PATH, *, timeout=5.0):
        headers = {"Authorization": TOKEN, "Content-Type": "application/json"}
        if request.param == "lean":
            return transport.lean("POST", base, path, body=BODY, headers=headers, timeout=timeout)
        return transport.request("POST", base + path, body=BODY, headers=headers, timeout=timeout)

    return post


def slow_chunks(server, connection):
    """Send a chunk of one byte now and then, for ever."""
    with contextlib.suppress(OSError):
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while not server.ended.wait(0.01):
            connection.sendall(b"1\r\n.\r\n")
    return False


@pytest.fixture
def transport():
    """Return a transport with everything as it is by default."""
    transport = Transport(language="en")
    yield transport
    transport.close()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """Return paths of a self-signed certificate for 127.0.0.1 and of its key."""
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl here")
    folder = tmp_path_factory.mktemp("tls")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1"
        f" -addext subjectAltName=IP:127.0.0.1 -keyout {key.name} -out {certificate.name}".split(),
        cwd=folder,
        check=True,
        capture_output=True,
    )
    return str(certificate), str(key)


@pytest.fixture
def tls_server(certificate):
    """Return an HTTPS server that nobody has reason to trust."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    with ScriptedServer(answer(200, {"id": "1"}), tls=context) as server:
        yield server


def test_the_request_goes_out_as_it_is(send, transport):
    """Method, path with query, headers and body arrive untouched; the answer comes back."""
    with ScriptedServer(answer(201, {"id": "1"}, X_Tps_trace_ID="abc")) as server:
        exchange = send(transport, server.url)
    request = server.requests[0]
    assert (request.method, request.target, request.body) == ("POST", PATH, BODY)
    assert request.headers["authorization"] == TOKEN
    assert request.headers["content-type"] == "application/json"
    assert request.headers["content-length"] == str(len(BODY))
    assert (exchange.status, exchange.content) == (201, b'{"id": "1"}')
    assert exchange.headers["x-tps-TRACE-id"] == "abc"


def test_a_base_may_have_a_path(send, transport):
    """A reverse proxy may serve the platform below a folder."""
    with ScriptedServer() as server:
        send(transport, server.url + "/qq")
    assert server.requests[0].target == "/qq" + PATH


def test_calls_one_after_the_other_share_a_connection(transport):
    """Each way keeps one of its own."""
    with ScriptedServer() as server:
        for _ in range(2):
            transport.lean("POST", server.url, "/a", body=b"{}", headers={})
            transport.request("GET", server.url + "/b")
        assert [one.target for one in server.requests] == ["/a", "/b"] * 2
        assert server.connections == 2


def test_close_closes_idle_connections(send, transport):
    """After stop() no socket to the platform stays; a later call opens a new one."""
    with ScriptedServer() as server:
        send(transport, server.url)
        transport.close()
        eventually(lambda: server.closed == 1)
        assert send(transport, server.url).status == 200
        assert server.connections == 2


@pytest.mark.parametrize("location", ["/elsewhere", "http://192.0.2.1/steal", "x:y"])
def test_no_redirect_is_followed(send, transport, location):
    """The token never goes where a redirect points."""
    with ScriptedServer(answer(302, Location=location)) as server:
        assert send(transport, server.url).status == 302
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_not_the_transports_business(send, transport, status):
    """It comes back at once: whether to repeat is judged above."""
    with ScriptedServer(answer(status, Retry_After="20")) as server:
        assert send(transport, server.url).status == status
    assert len(server.requests) == 1


# ---------------------------------------------------------------------- no answer


@pytest.mark.parametrize(
    ("step", "kind", "never_sent"),
    [
        (silence, TransportTimeout, False),
        (closed_unread, TransportError, False),
        (closed_after_reading, TransportError, False),
        (cut_off, TransportError, False),
        (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", TransportError, False),
    ],
)
def test_a_request_that_may_have_arrived_is_not_never_sent(send, transport, step, kind, never_sent):
    """Only what certainly did not arrive may be repeated blindly."""
    with ScriptedServer(step) as server, pytest.raises(TransportError) as caught:
        send(transport, server.url, timeout=0.1)
    assert type(caught.value) is kind
    assert caught.value.never_sent is never_sent
    assert caught.value.summary.startswith("POST /v2/groups/G/messages: no answer from 127.0.0.1: ")
    assert caught.value.cause
    assert caught.value.remedy
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize("behind_a_proxy", [False, True])
@pytest.mark.parametrize("step", [trickle, slow_head, slow_chunks])
def test_the_time_is_for_the_whole_answer(send, transport, monkeypatch, step, behind_a_proxy):
    """A server that sends a byte now and then holds a worker, or the token, no longer than that."""
    with ScriptedServer(step) as server:
        if behind_a_proxy:
            monkeypatch.setenv("http_proxy", server.url)
        base = "http://platform.test" if behind_a_proxy else server.url
        with pytest.raises(TransportTimeout) as caught:
            send(transport, base, timeout=0.2)
    assert caught.value.never_sent is False


def test_a_slow_answer_leaves_no_short_time_out_behind(send, transport):
    """What is left of the time is for that answer only: the next has all of its own."""

    def in_pieces(server, connection):
        whole = answer(200, {"id": "1"})
        for begin in range(0, len(whole), 10):
            connection.sendall(whole[begin : begin + 10])
            server.ended.wait(0.01)
        return True

    def set_time_out(self, seconds, real=socket.socket.settimeout):
        time_outs.append(seconds)
        real(self, seconds)

    time_outs = []
    with (
        ScriptedServer(in_pieces, answer(200, {})) as server,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(socket.socket, "settimeout", set_time_out)
        send(transport, server.url, timeout=5.0)
        assert [one for one in time_outs if 0.1 < one < 4.99]
        assert time_outs[-1] == 5.0
        assert send(transport, server.url, timeout=5.0).status == 200
        assert server.connections == 1


def test_a_connection_that_died_while_idle_is_opened_anew(send, transport):
    """The platform closes idle connections; the next call must not notice."""

    def last_answer(_server, connection):
        connection.sendall(answer(200, {}))
        return False

    with ScriptedServer(last_answer, answer(200, {})) as server:
        send(transport, server.url)
        eventually(lambda: server.requests and server.dropped == 1)
        assert send(transport, server.url).status == 200


def test_a_refused_connection_was_never_sent(send, transport):
    """Nobody listens there: the same request may go to another host."""
    with pytest.raises(TransportError) as caught:
        send(transport, f"http://127.0.0.1:{refusing_port()}")
    assert type(caught.value) is TransportError
    assert caught.value.never_sent is True
    assert "refused" in caught.value.cause


def test_a_name_that_cannot_be_looked_up_says_so(send, transport, monkeypatch):
    """Somebody without network, or with a typo in api_base, reads about DNS."""

    def unknown(*_arguments, **_options):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(TransportError) as caught:
        send(transport, "http://api.bot.qq.example")
    assert type(caught.value) is TransportError
    assert caught.value.never_sent is True
    assert "DNS" in caught.value.cause
    assert "api_base" in caught.value.remedy


def test_a_connection_that_takes_too_long_was_never_sent(send, transport, monkeypatch):
    """A firewall that drops packets is a time-out in which nothing can have arrived."""

    def drop(*_arguments, **_options):
        raise TimeoutError("timed out")

    monkeypatch.setattr(socket.socket, "connect", drop)
    with pytest.raises(TransportTimeout) as caught:
        send(transport, "http://127.0.0.1:1")
    assert caught.value.never_sent is True
    assert "Client(timeout=" in caught.value.remedy


def test_errors_speak_the_users_language(send):
    """Cause and remedy are Chinese when the client is; the first line stays English."""
    with pytest.raises(TransportError) as caught:
        send(Transport(language="zh"), f"http://127.0.0.1:{refusing_port()}")
    first, *others = str(caught.value).splitlines()
    assert first.isascii()
    assert [line.split(":")[0].strip() for line in others] == ["原因", "办法"]


def test_no_secret_stands_in_an_error(send, transport):
    """Neither the token nor the query, which may be a presigned one."""
    with ScriptedServer(closed_after_reading) as server, pytest.raises(TransportError) as caught:
        send(transport, server.url, "/x?sign=s3cret-query")
    assert "s3cret" not in f"{caught.value} {caught.value!r} {caught.value.args}"


# ---------------------------------------------------------------------- certificates


def test_an_untrusted_certificate_is_refused(send, transport, tls_server):
    """The token is never shown to somebody in between, and the remedy names ca_bundle."""
    with pytest.raises(TransportError) as caught:
        send(transport, tls_server.url)
    assert caught.value.never_sent is True
    assert "certificate" in caught.value.cause
    assert "ca_bundle" in caught.value.remedy
    assert tls_server.requests == []


def test_a_ca_bundle_makes_it_trusted(send, tls_server, certificate):
    """A company proxy with its own certificates can be used."""
    transport = Transport(ca_bundle=certificate[0])
    assert send(transport, tls_server.url).status == 200
    transport.close()


def test_the_environments_ca_bundle_counts(send, transport, tls_server, certificate, monkeypatch):
    """REQUESTS_CA_BUNDLE works as everywhere."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certificate[0])
    assert send(transport, tls_server.url).status == 200


def test_both_ways_trust_the_same_authorities(
    send, transport, tls_server, certificate, monkeypatch
):
    """Certifi's, as requests does: the hot path must not fail where all else works."""
    monkeypatch.setenv("SSL_CERT_FILE", certificate[0])  # the machine's own store
    with pytest.raises(TransportError, match="SSL"):
        send(transport, tls_server.url)
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", certificate[0])
    monkeypatch.setattr("requests.utils.DEFAULT_CA_BUNDLE_PATH", certificate[0])
    assert send(Transport(), tls_server.url).status == 200


def test_the_wrong_host_name_is_refused(send, tls_server, certificate):
    """A valid certificate of somebody else is none."""
    transport = Transport(ca_bundle=certificate[0])
    with pytest.raises(TransportError) as caught:
        send(transport, tls_server.url.replace("127.0.0.1", "localhost"))
    assert "certificate" in caught.value.cause


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_ca_bundle_that_is_gone_is_an_error_of_ours(send, transport, monkeypatch, variable):
    """No bare OSError comes out of a send; the variable's file is named by the cause."""
    monkeypatch.setenv(variable, "/nowhere/ca.pem")
    with pytest.raises(TransportError) as caught:
        send(transport, "https://127.0.0.1:1")
    assert "/nowhere/ca.pem" in str(caught.value.__cause__)


# ---------------------------------------------------------------------- proxies


def test_a_proxy_of_the_environment_sees_the_request(send, transport, monkeypatch):
    """HTTP_PROXY carries it, with the proxy's own password in a header of its own."""
    with ScriptedServer() as proxy:
        monkeypatch.setenv("http_proxy", f"http://user:pass@{proxy.address}")
        assert send(transport, "http://platform.test:81/qq").status == 200
    request = proxy.requests[0]
    assert request.target == "http://platform.test:81/qq" + PATH
    assert request.headers["proxy-authorization"] == "Basic dXNlcjpwYXNz"
    assert request.body == BODY


def test_no_proxy_names_the_exceptions(send, transport, monkeypatch):
    """NO_PROXY hosts are reached directly."""
    with ScriptedServer() as server:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{refusing_port()}")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        assert send(transport, server.url).status == 200


def test_a_simulator_is_reached_directly(send, monkeypatch):
    """With ``direct=True`` no proxy sees what goes to this machine."""
    transport = Transport(direct=True)
    with ScriptedServer() as proxy, ScriptedServer() as server:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("all_proxy", proxy.url)
        assert send(transport, server.url).status == 200
        assert (len(server.requests), proxy.requests) == (1, [])
    transport.close()


def test_https_goes_through_a_tunnel(send, transport, tls_server, certificate, monkeypatch):
    """The proxy is asked for CONNECT and gets neither token nor body; its no is never-sent."""
    with ScriptedServer(answer(403)) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        with pytest.raises(TransportError) as caught:
            send(transport, "https://api.bot.qq.com")
    assert [one.method for one in proxy.requests] == ["CONNECT"]
    assert proxy.requests[0].target == "api.bot.qq.com:443"
    assert "authorization" not in proxy.requests[0].headers
    assert caught.value.never_sent is True
    assert "proxy" in caught.value.cause
    assert "HTTPS_PROXY" in caught.value.remedy


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_is_down_is_named(send, transport, monkeypatch, scheme):
    """Who forgot that a proxy is set reads about it, not about the platform."""
    monkeypatch.setenv(f"{scheme}_proxy", f"http://127.0.0.1:{refusing_port()}")
    with pytest.raises(TransportError) as caught:
        send(transport, f"{scheme}://api.bot.qq.com")
    assert caught.value.never_sent is True
    assert "HTTPS_PROXY" in caught.value.remedy


def test_a_proxy_whose_name_is_wrong_is_named(send, transport, monkeypatch):
    """A typo in HTTPS_PROXY is no trouble with the DNS or with api_base."""

    def unknown(*_arguments, **_options):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    with pytest.raises(TransportError) as caught:
        send(transport, "https://api.bot.qq.com")
    assert caught.value.never_sent is True
    assert "HTTPS_PROXY" in caught.value.remedy


@pytest.mark.skipif(find_spec("socks") is not None, reason="pysocks is here")
def test_a_socks_proxy_without_its_package_is_named(send, transport, monkeypatch):
    """ALL_PROXY=socks5://... is what many desktop proxies set."""
    monkeypatch.setenv("all_proxy", "socks5://127.0.0.1:1080")
    with pytest.raises(TransportError) as caught:
        send(transport, "https://api.bot.qq.com")
    assert caught.value.never_sent is True
    assert "pysocks" in caught.value.remedy


@pytest.mark.parametrize("step", [closed_after_reading, silence, cut_off])
def test_an_answer_lost_behind_a_proxy_may_have_arrived(send, transport, monkeypatch, step):
    """The proxy took it: from then on nobody knows."""
    with ScriptedServer(step) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        with pytest.raises(TransportError) as caught:
            send(transport, "http://platform.test", timeout=0.1)
    assert caught.value.never_sent is False


@pytest.mark.parametrize("ending", ["closed", "silent"])
def test_an_answer_lost_in_a_tunnel_may_have_arrived(send, certificate, monkeypatch, ending):
    """A proactive message that the platform got must not go out twice because of a proxy."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    arrived = []

    def tunnel(server, connection):
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        inner = server.shown(context.wrap_socket(connection, server_side=True))
        with inner:
            arrived.append(read_request(inner).body)
            return silence(server, inner) if ending == "silent" else False

    transport = Transport(ca_bundle=certificate[0])
    with ScriptedServer(tunnel) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        with pytest.raises(TransportError) as caught:
            send(transport, "https://127.0.0.1:1", timeout=0.2)
        transport.close()
    assert arrived == [BODY]
    assert caught.value.never_sent is False


def test_netrc_does_not_replace_the_token(send, transport, monkeypatch, tmp_path):
    """A line for the host in ~/.netrc is no business of the bot."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with ScriptedServer() as server:
        send(transport, server.url)
    assert server.requests[0].headers["authorization"] == TOKEN


# ---------------------------------------------------------------------- threads and bodies


def test_threads_share_the_transport(send, transport):
    """Eight threads at once: every request arrives once, each gets its own answer."""
    answers = []
    with ScriptedServer(answer(200, {})) as server:

        def work(number):
            answers.extend(send(transport, server.url, f"/{number}").status for _ in range(5))

        threads = [threading.Thread(target=work, args=(one,)) for one in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert answers == [200] * 40
        assert sorted(one.target for one in server.requests) == sorted(
            f"/{number}" for number in range(8) for _ in range(5)
        )
        assert server.connections <= 8


@pytest.mark.parametrize(
    ("body", "content"),
    [
        ({"content": "你好", "n": 1}, '{"content":"你好","n":1}'.encode()),
        ({"content": "half \ud83d"}, b'{"content":"half ?"}'),
        ({}, b"{}"),
    ],
)
def test_bodies_are_compact_utf8(body, content):
    """Chinese is not escaped, and half an emoji does not stop a message."""
    assert json_body(body) == content
