"""The public address of this machine: its own when it has one, else what others see."""

from __future__ import annotations

import contextlib
import http.server
import os
import socket
import subprocess
import sys
import threading

import pytest

from qqgroup_sync.errors import HostingError
from qqgroup_sync.media import public_address
from qqgroup_sync.media.public_address import find, forget, public

HOME = ((socket.AF_INET, "127.0.0.1"),)  # the outgoing interface has no public address


@pytest.fixture(autouse=True)
def _nothing_is_known():
    """Let no test profit from another one."""
    forget()
    yield
    forget()


class Echo(http.server.ThreadingHTTPServer):
    """Answers every GET with ``answer``; counts them."""

    def __init__(self, answer, status=200):
        echo = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                echo.asked += 1
                self.send_response(status)
                self.send_header("Location", "http://other.example/")
                self.end_headers()
                with contextlib.suppress(OSError):
                    echo.respond(self.wfile)

            def log_message(self, *_):
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        self.answer, self.asked = answer, 0
        self.url = f"http://127.0.0.1:{self.server_address[1]}/"
        self.hold = threading.Event()

    def respond(self, file):
        if self.answer is None:
            self.hold.wait(20)
        elif self.answer == "endless":
            while True:
                file.write(b"8.8.8.8 " * 1000)
        else:
            file.write(self.answer)


@pytest.fixture
def echo():
    """Return a function that starts an echo service and returns it."""
    servers = []

    def start(answer, status=200):
        server = Echo(answer, status)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        servers.append((server, thread))
        return server

    yield start
    for server, thread in servers:
        server.hold.set()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("8.8.8.8", "8.8.8.8"),
        (" 8.8.8.8\r\n", "8.8.8.8"),
        ("2400:3200::1", "2400:3200::1"),
        ("2400:3200:0:0:0:0:0:1", "2400:3200::1"),
        ("::ffff:8.8.8.8", "8.8.8.8"),
        ("::ffff:10.0.0.1", ""),
        ("10.1.2.3", ""),
        ("172.16.0.1", ""),
        ("192.168.1.2", ""),
        ("100.64.0.1", ""),  # shared by the customers of a provider
        ("169.254.1.1", ""),
        ("127.0.0.1", ""),
        ("0.0.0.0", ""),
        ("224.0.1.1", ""),
        ("fe80::1", ""),
        ("fd00::1", ""),
        ("::1", ""),
        ("8.8.8.8, 9.9.9.9", ""),
        ("8.8.8.8:80", ""),
        ("<html>8.8.8.8</html>", ""),
        ("", ""),
    ],
)
def test_which_addresses_the_internet_reaches(text, expected):
    """Private, shared, local and multicast ones are none."""
    assert public(text) == expected


def test_an_echo_service_tells(echo, clock):
    """Behind a router its answer is the address."""
    service = echo(b"8.8.8.8\n")
    assert find(clock=clock, echo_services=(service.url,), routes=HOME) == "8.8.8.8"


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (b"<html>log in first</html>", 200),
        (b"192.168.1.2", 200),
        (b"", 200),
        (b"\xff\xfe", 200),
        (b"9.9.9.9", 503),
        (b"9.9.9.9", 302),
        ("endless", 200),
    ],
)
def test_a_service_that_makes_no_sense_is_passed_over(echo, clock, answer, status):
    """The next one is asked."""
    first, second = echo(answer, status), echo(b"8.8.8.8")
    services = (first.url, second.url)
    assert find(clock=clock, echo_services=services, routes=HOME) == "8.8.8.8"
    assert first.asked == second.asked == 1


def test_a_service_that_does_not_answer_is_passed_over(echo, clock):
    """Neither refusing nor hanging ones hold the picture back for long."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        refusing = f"http://127.0.0.1:{closed.getsockname()[1]}/"
    hanging, good = echo(None), echo(b"8.8.8.8")
    services = (refusing, "http://[bad/", hanging.url, good.url)
    found = find(clock=clock, echo_services=services, routes=HOME, timeout=0.3)
    assert found == "8.8.8.8"


def test_no_proxy_is_asked(echo, clock, monkeypatch):
    """Its address would be the answer."""
    service, proxy = echo(b"8.8.8.8"), echo(b"9.9.9.9")
    for name in ("http_proxy", "all_proxy"):
        monkeypatch.setenv(name, proxy.url)
    assert find(clock=clock, echo_services=(service.url,), routes=HOME) == "8.8.8.8"
    assert proxy.asked == 0


def test_it_is_kept_for_ten_minutes(echo, clock):
    """A bot that sends many pictures asks once; a new address is noticed all the same."""
    service = echo(b"8.8.8.8")

    def found():
        return find(clock=clock, echo_services=(service.url,), routes=HOME)

    assert found() == found() == "8.8.8.8"
    service.answer = b"9.9.9.9"
    clock.advance(590)
    assert found() == "8.8.8.8"
    assert service.asked == 1
    clock.advance(11)
    assert found() == "9.9.9.9"
    service.answer = b"1.1.1.1"
    forget()
    assert found() == "1.1.1.1"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_without_any_answer_the_error_says_what_to_do(echo, clock, language):
    """It is not sought again for every picture, but soon enough."""
    service = echo(b"10.0.0.1")

    def found():
        return find(clock=clock, echo_services=(service.url,), routes=HOME, language=language)

    for _ in range(2):
        with pytest.raises(HostingError) as caught:
            found()
        assert "public_url=" in caught.value.remedy
        assert "S3ChainBuilder" in caught.value.remedy
    assert service.asked == 1
    service.answer = b"8.8.8.8"
    clock.advance(31)
    assert found() == "8.8.8.8"


def test_the_services_that_are_asked_encrypt():
    """Nobody on the way can make QQ fetch from elsewhere."""
    assert len(public_address.ECHO_SERVICES) >= 3
    assert all(url.startswith("https://") for url in public_address.ECHO_SERVICES)


def test_a_machine_with_a_public_address_asks_nobody():
    """In a network of its own, where the interface has one."""
    code = (
        "from qqgroup_sync.media.public_address import find\n"
        "from qqgroup_sync.runtime.clock import Clock\n"
        "print(find(clock=Clock(), echo_services=()))"
    )
    network = "ip link set lo up && ip addr add 8.8.4.4/32 dev lo && ip route add default dev lo"
    command = ["unshare", "-n", "sh", "-c", f'{network} src 8.8.4.4 && exec "$0" -c "$1"']
    ended = subprocess.run(
        [*command, sys.executable, code],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
    )
    if "Operation not permitted" in ended.stderr or "not found" in ended.stderr:
        pytest.skip("this user may not make networks")
    assert ended.stdout == "8.8.4.4\n", ended.stderr
