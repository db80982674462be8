"""The probe: does the public address lead to the resource service, and if not, what is there?"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from qqgroup_sync.media import probe as module
from qqgroup_sync.media.probe import probe
from qqgroup_sync.media.resource_server import acquire
from qqgroup_sync.runtime.clock import Clock, Deadline
from qqgroup_sync.settings import QQGroupChainBuilderOptions

NONCE = b"0123456789abcdef"
CERTIFICATE = Path(__file__).parent.parent / "localhost.pem"


@pytest.fixture
def site():
    """Return a function that starts a server which answers by a function of the handler."""
    running, stopped = [], threading.Event()

    def start(answer, certificate=None):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                with contextlib.suppress(OSError):
                    answer(self, stopped)

            def log_message(self, *_):
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_):
                pass  # clients that do not trust the certificate hang up

        server = Server(("127.0.0.1", 0), Handler)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        running.append((server, thread))
        return f"{'https' if certificate else 'http'}://localhost:{server.server_address[1]}"

    yield start
    stopped.set()
    for server, thread in running:
        server.shutdown()
        thread.join()
        server.server_close()


def answering(status, body=b"", **headers):
    """Return an answer for :func:`site`."""

    def answer(handler, _stopped):
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def look(url, **options):
    """Probe with a time limit for tests."""
    options = {"timeout": 2.0, "direct": True, **options}
    return probe(f"{url}/resource", path_name="abc.txt", expected=NONCE, **options)


def test_a_service_that_is_reached_is_fine(tmp_path):
    """The real one, through its own address."""
    options = QQGroupChainBuilderOptions("127.0.0.1", 0, str(tmp_path / "resource"))
    lease = acquire(options, clock=Clock())
    name = lease.publish(NONCE, suffix=".txt")
    url = f"http://127.0.0.1:{lease.port}/resource"
    found = probe(url, path_name=name, expected=NONCE, timeout=5, direct=True)
    assert (found.ok, found.kind) == (True, "fine")
    assert "127.0.0.1" in found.text.en
    lease.withdraw(name)
    found = probe(url, path_name=name, expected=NONCE, timeout=5, direct=True)
    assert (found.ok, found.kind) == (False, "wrong_host")
    assert lease.release(Deadline(Clock(), 5)) == []


@pytest.mark.parametrize(
    ("answer", "kind", "word"),
    [
        (answering(200, NONCE), "fine", "leads to"),
        (answering(200, NONCE, Content_Type="text/html"), "fine", "leads to"),
        (answering(200, b"It works!"), "wrong_host", "HTTP 200"),
        (answering(200, NONCE + b"x"), "wrong_host", "HTTP 200"),
        (answering(200, b""), "wrong_host", "HTTP 200"),
        (answering(404, b"not found"), "wrong_host", "HTTP 404"),
        (answering(405), "wrong_host", "HTTP 405"),
        (answering(200, b" <!DOCTYPE html><title>Visit site"), "in_front", "web page"),
        (answering(200, b"Visit?", Content_Type="text/html"), "in_front", "web page"),
        (answering(401), "in_front", "HTTP 401"),
        (answering(403, b"<html>"), "in_front", "HTTP 403"),
        (answering(502, b"<html>bad gateway"), "in_front", "right port"),
        (answering(503), "in_front", "HTTP 503"),
        (answering(530), "in_front", "HTTP 530"),
    ],
)
def test_what_stands_there_is_said(site, answer, kind, word):
    """In both languages, and what to do."""
    found = look(site(answer))
    assert (found.ok, found.kind) == (kind == "fine", kind)
    assert word in found.text.en
    assert found.text.zh != found.text.en


def test_a_redirect_to_the_file_is_followed(site):
    """From http to https, for example."""
    target = site(answering(200, NONCE))
    found = look(site(answering(302, Location=f"{target}/resource/abc.txt")))
    assert found.kind == "fine"


def test_a_redirect_to_a_login_page_is_named(site):
    """With the host, without what may be secret in the address."""
    target = site(answering(200, b"<html>password?"))
    found = look(site(answering(302, Location=f"{target}/login?token=s3cret")))
    assert found.kind == "in_front"
    assert target.removeprefix("http://") in found.text.en
    assert "s3cret" not in str(found)


def test_redirects_in_a_loop_end(site):
    """After three."""
    asked = []

    def answer(handler, stopped):
        asked.append(handler.path)
        answering(302, Location=f"{handler.path}x")(handler, stopped)

    found = look(site(answer))
    assert found.kind == "in_front"
    assert "redirects again" in found.text.en
    assert len(asked) == module.MAX_REDIRECTS + 1


def test_a_port_where_nobody_listens(clock):
    """The usual one: the firewall or the forwarding is missing."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    found = look(f"http://127.0.0.1:{port}", clock=clock)
    assert (found.ok, found.kind) == (False, "not_reachable")
    assert "refused" in found.text.en
    assert "NAT" in found.text.en
    assert "NAT" in found.text.zh
    assert f"127.0.0.1:{port}" in found.text.en


def test_silence_ends(site):
    """Nothing is waited for longer than allowed."""
    found = look(site(lambda _handler, stopped: stopped.wait(20)), timeout=0.3)
    assert found.kind == "not_reachable"
    assert "in time" in found.text.en


def test_an_answer_that_never_ends_is_left(site):
    """Neither by size nor by trickling."""

    def pour(handler, stopped):
        answering(200)(handler, stopped)
        while not stopped.is_set():
            handler.wfile.write(b"x" * 1000)

    def trickle(handler, stopped):
        answering(200)(handler, stopped)
        while not stopped.wait(0.05):
            handler.wfile.write(b"x")

    assert look(site(pour)).kind == "wrong_host"
    assert look(site(trickle), timeout=0.4).kind == "not_reachable"


@pytest.mark.parametrize("reply", [b"", b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 abc\r\n\r\n"])
def test_something_that_speaks_no_http(reply):
    """Another service has the port, or hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            sock, _ = listener.accept()
            sock.recv(4096)
            sock.sendall(reply)
            sock.close()

        thread = threading.Thread(target=serve)
        thread.start()
        found = look(f"http://127.0.0.1:{listener.getsockname()[1]}")
        thread.join()
    assert (found.ok, found.kind) == (False, "not_reachable")


def test_certificates_are_checked(site):
    """One that QQ would not trust is named; one that is trusted is fine."""
    url = site(answering(200, NONCE), certificate=CERTIFICATE)
    found = look(url)
    assert found.kind == "not_reachable"
    assert "TLS" in found.text.en
    assert look(url, ca_bundle=str(CERTIFICATE)).kind == "fine"


@pytest.mark.parametrize("url", ["", "localhost:80", "ftp://x", "http://[::1", "http://a:99999"])
def test_an_address_that_is_none(url):
    """It is said, not raised."""
    found = probe(url, path_name="a", expected=NONCE, timeout=1, direct=True)
    assert (found.ok, found.kind) == (False, "not_reachable")


def test_a_name_that_cannot_be_looked_up(monkeypatch):
    """A typing error in public_url."""

    def fail(*_arguments, **_options):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    found = look("http://typing-error.invalid")
    assert "DNS" in found.text.en
    assert "DNS" in found.text.zh


def test_a_proxy_is_used_unless_told_otherwise(site, monkeypatch):
    """The look from outside is the better one; a simulator here is never asked that way."""
    url = site(answering(200, b"the service"))
    monkeypatch.setenv("http_proxy", site(answering(200, NONCE)))
    assert look(url, direct=True).kind == "wrong_host"
    assert look(url, direct=False).kind == "fine"
