"""The resource service: what is published can be fetched by anybody, and nothing else."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import selectors
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qqgroup_sync.errors import ConfigError, HostingError, StateError
from qqgroup_sync.media.resource_server import acquire
from qqgroup_sync.runtime.clock import Clock, Deadline
from qqgroup_sync.settings import QQGroupChainBuilderOptions
from tests.clocks import ManualClock, ScaledClock
from tests.waiting import eventually

PNG = b"\x89PNG\r\n\x1a\n" + b"picture" * 100


def options(folder, port=0, **more):
    """Return options for loopback."""
    return QQGroupChainBuilderOptions("127.0.0.1", port, str(folder), **more)


def release(lease, seconds=5.0):
    """Release; nothing may be left."""
    assert lease.release(Deadline(Clock(), seconds)) == []


@pytest.fixture
def folder(tmp_path):
    """Return the resource_path."""
    return tmp_path / "resource"


@pytest.fixture
def lease(folder):
    """Return a lease on a free port."""
    lease = acquire(options(folder), clock=Clock())
    yield lease
    release(lease)


def fetch(port, path, method="GET", headers=None, body=None):
    """Return status, headers and body of one request."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


def raw(port, request):
    """Send bytes; return everything that comes back until the server closes."""
    with socket.create_connection(("127.0.0.1", port), 10) as sock:
        sock.sendall(request)
        sock.shutdown(socket.SHUT_WR)
        parts = []
        while part := sock.recv(65536):
            parts.append(part)
    return b"".join(parts)


def get(path, *headers):
    """Return a request in bytes, whatever the path is made of."""
    lines = [b"GET " + path + b" HTTP/1.1", b"Host: x", b"Connection: close", *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def status_of(answer):
    """Return the status of an answer in bytes, None when it is none."""
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.") else None


# ---------------------------------------------------------------------------- what is answered


def test_what_is_published_is_fetched(lease):
    """Bytes, type and length come as they are, with nothing said about the server."""
    name = lease.publish(PNG, suffix=".png")
    status, headers, body = fetch(lease.port, f"/resource/{name}")
    assert (status, body) == (200, PNG)
    assert headers["Content-Type"] == "image/png"
    assert headers["Content-Length"] == str(len(PNG))
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Accept-Ranges"] == "bytes"
    assert headers["Server"] is None
    assert headers["Access-Control-Allow-Origin"] is None
    assert lease.requests == 1
    assert len(name) == 36


@pytest.mark.parametrize(
    ("suffix", "given", "expected"),
    [
        (".silk", "", "audio/silk"),
        (".amr", "", "audio/amr"),
        (".jpg", "", "image/jpeg"),
        (".gif", "", "image/gif"),
        (".webp", "", "image/webp"),
        (".mp4", "", "video/mp4"),
        (".mp3", "", "audio/mpeg"),
        (".pdf", "", "application/pdf"),
        (".unheard", "", "application/octet-stream"),
        ("", "", "application/octet-stream"),
        (".bin", "audio/silk", "audio/silk"),
    ],
)
def test_the_type_is_right(lease, suffix, given, expected):
    """By the suffix, unless it is given."""
    name = lease.publish(b"x", suffix=suffix, content_type=given)
    _, headers, _ = fetch(lease.port, f"/resource/{name}")
    assert headers["Content-Type"].partition(";")[0] == expected


@pytest.mark.parametrize("wrong", ["text", "a/b\r\nSet-Cookie: x", "image/png; x", "/", "ä/b"])
def test_a_type_that_is_none_is_refused(lease, wrong):
    """No header can be smuggled in."""
    with pytest.raises(ConfigError):
        lease.publish(b"x", suffix=".png", content_type=wrong)


@pytest.mark.parametrize("suffix", [".html", ".svg", ".xml", ".pdf", ".js", ".txt"])
def test_no_published_file_can_act_as_a_page(lease, suffix):
    """HTML and SVG from a stranger are saved, not run under the user's domain."""
    name = lease.publish(b"<script>alert(1)</script>", suffix=suffix)
    _, headers, _ = fetch(lease.port, f"/resource/{name}")
    assert headers["Content-Disposition"].startswith("attachment")
    assert "sandbox" in headers["Content-Security-Policy"]
    assert "default-src 'none'" in headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("asked", "status", "expected", "content_range"),
    [
        ("bytes=0-99", 206, slice(0, 100), "bytes 0-99/1000"),
        ("bytes=900-", 206, slice(900, None), "bytes 900-999/1000"),
        ("bytes=-10", 206, slice(990, None), "bytes 990-999/1000"),
        ("bytes=990-5000", 206, slice(990, None), "bytes 990-999/1000"),
        ("bytes=2000-", 416, None, "bytes */1000"),
        ("bytes=0-1,5-6", 416, None, "bytes */1000"),
        ("pages=1-2", 416, None, "bytes */1000"),
        (f"bytes=0-{'9' * 5000}", 200, slice(None), None),
    ],
)
def test_ranges(lease, asked, status, expected, content_range):
    """A part that is asked for comes alone; one that is not there is refused."""
    content = os.urandom(1000)
    name = lease.publish(content, suffix=".mp4")
    answer = fetch(lease.port, f"/resource/{name}", headers={"Range": asked})
    assert answer[0] == status
    assert answer[1]["Content-Range"] == content_range
    if expected is not None:
        assert answer[2] == content[expected]


def test_a_known_version_is_not_sent_again(lease):
    """If-None-Match and If-Range are honoured."""
    name = lease.publish(b"0123456789", suffix=".png")
    _, headers, _ = fetch(lease.port, f"/resource/{name}")
    path, tag = f"/resource/{name}", headers["ETag"]
    assert fetch(lease.port, path, headers={"If-None-Match": tag})[0] == 304
    part = fetch(lease.port, path, headers={"If-Range": tag, "Range": "bytes=2-3"})
    assert (part[0], part[2]) == (206, b"23")
    stale = fetch(lease.port, path, headers={"If-Range": '"old"', "Range": "bytes=2-3"})
    assert (stale[0], stale[2]) == (200, b"0123456789")


def test_head_tells_without_sending(lease):
    """The length, and no body; the next request on the connection works."""
    name = lease.publish(PNG, suffix=".png")
    connection = http.client.HTTPConnection("127.0.0.1", lease.port, timeout=10)
    for method, expected in (("HEAD", b""), ("GET", PNG), ("HEAD", b"")):
        connection.request(method, f"/resource/{name}")
        response = connection.getresponse()
        assert response.status == 200
        assert response.headers["Content-Length"] == str(len(PNG))
        assert response.read() == expected
    connection.close()


def test_an_empty_file_is_served(lease):
    """It is nobody's business here whether that makes sense."""
    name = lease.publish(b"", suffix=".txt")
    assert fetch(lease.port, f"/resource/{name}")[::2] == (200, b"")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"])
def test_other_methods_are_refused(lease, method):
    """Only what reads."""
    name = lease.publish(PNG, suffix=".png")
    status, headers, _ = fetch(lease.port, f"/resource/{name}", method)
    assert status == 405
    assert set(headers["Allow"].split(", ")) == {"GET", "HEAD"}


@pytest.mark.parametrize("chunked", [True, False])
def test_a_body_is_refused(lease, chunked):
    """Nobody stores anything on the user's disk."""
    content = iter([b"x" * 100_000]) if chunked else b"x" * 100_000
    try:
        status, _, _ = fetch(lease.port, "/healthz", "POST", body=content)
    except (BrokenPipeError, ConnectionResetError):
        return  # it hung up while we were still talking
    assert status == 413


def test_health_says_ok_and_nothing_else(lease):
    """A monitor or a tunnel may ask; nothing is learned from it."""
    status, headers, body = fetch(lease.port, "/healthz")
    assert (status, body) == (200, b"ok\n")
    assert headers["Server"] is None


@pytest.mark.parametrize("host", ["evil.example", "", "a b", "[::1", "x" * 300, "\xff", "a\tb"])
def test_the_host_that_a_client_names_changes_nothing(lease, host):
    """A tunnel sends its own name, a scanner anything."""
    name = lease.publish(PNG, suffix=".png")
    answer = raw(
        lease.port,
        f"GET /resource/{name} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode(
            "latin-1"
        ),
    )
    assert status_of(answer) == 200
    assert answer.endswith(PNG)
    assert b"evil" not in answer


# ------------------------------------------------------------------ what must not be answered


@pytest.fixture
def surrounded(folder, lease):
    """Return a lease that published one file, in a folder with others of the user's."""
    folder.mkdir()
    (folder / "his.png").write_bytes(b"SECRET")
    (folder.parent / "outside.txt").write_bytes(b"SECRET")
    return lease, lease.publish(PNG, suffix=".png")


@pytest.mark.parametrize(
    "path",
    [
        b"/",
        b"/resource",
        b"/resource/",
        b"//resource/his.png",
        b"/resource//his.png",
        b"/resource/his.png",
        b"/resource/./his.png",
        b"/resource/../outside.txt",
        b"/resource/../../etc/passwd",
        b"/resource/..%2foutside.txt",
        b"/resource/%2e%2e/outside.txt",
        b"/resource/%2e%2e%2foutside.txt",
        b"/resource/%252e%252e%252foutside.txt",
        b"/resource/..\\outside.txt",
        b"/resource/..%5coutside.txt",
        b"/resource/C:%5cWindows%5cwin.ini",
        b"/resource/%2fetc%2fpasswd",
        b"/resource//etc/passwd",
        b"/resource/%c0%ae%c0%ae/outside.txt",
        b"/resource/his.png%00",
        b"/resource/%00",
        b"/resource/\xff\xfe",
        b"/resource/%ff%fe",
        b"/resource/" + b"a" * 6000,
        b"/resource/" + b"../" * 1000,
        b"/resource?name=his.png",
        b"/static/his.png",
        b"/RESOURCE/his.png",
        b"/resource/;his.png",
        b"/healthz/",
        b"/healthz/..",
        b"http://other.example/resource/his.png",
    ],
)
def test_nothing_else_is_served(surrounded, path):
    """No way leads to a file that was not published, and no list of them is given."""
    lease, name = surrounded
    answer = raw(lease.port, get(path))
    assert status_of(answer) in (400, 404), answer[:200]
    assert b"SECRET" not in answer
    assert name.encode() not in answer
    assert PNG not in answer


def test_our_own_names_on_disk_are_no_urls(surrounded, folder):
    """What a file is called in the folder opens nothing."""
    lease, _ = surrounded
    paths = [path for path in folder.rglob("*") if path.name != "his.png"]
    assert len(paths) == 3
    for path in paths:
        for url in (path.name, str(path.relative_to(folder)), str(path)):
            assert fetch(lease.port, f"/resource/{url}")[0] == 404


PIECES = [b"..", b"/", b"\\", b"%2e", b"%2f", b"%00", b"%5c", b"resource", b"his.png", b"%"]
SEGMENTS = st.one_of(st.sampled_from(PIECES), st.binary(max_size=8))
HEADER_NAMES = st.sampled_from([b"Range", b"If-Range", b"If-None-Match", b"If-Modified-Since"])
HEADERS = st.tuples(HEADER_NAMES, st.binary(max_size=40))


@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(path=st.lists(SEGMENTS, max_size=12).map(b"".join), header=HEADERS, ours=st.booleans())
def test_no_request_finds_more_than_was_published(surrounded, path, header, ours):
    """Whatever bytes come: never an error of ours, never a file but the published one."""
    lease, name = surrounded
    line = b": ".join(header).replace(b"\r", b"").replace(b"\n", b"")
    target = b"/resource/" + (name.encode() if ours else path)
    answer = raw(lease.port, get(target, line))
    assert status_of(answer) != 500, answer
    assert b"SECRET" not in answer
    if not ours and status_of(answer) == 200:
        assert answer.endswith(b"\r\n\r\nok\n")  # some path that leads to /healthz


# ------------------------------------------------------------------------ how long it is there


def test_what_is_withdrawn_is_gone(lease, folder):
    """From the web and from the disk; other names stay."""
    name, other = (lease.publish(PNG, suffix=".png") for _ in range(2))
    lease.withdraw(name)
    lease.withdraw(name)
    lease.withdraw("never published")
    assert fetch(lease.port, f"/resource/{name}")[::2] == (404, b"not found\n")
    assert fetch(lease.port, f"/resource/{other}")[0] == 200
    assert len(list(folder.rglob("*.png"))) == 1


def test_a_download_under_way_is_finished(lease):
    """QQ gets all of it although the file is withdrawn meanwhile."""
    content = os.urandom(20_000_000)
    name = lease.publish(content, suffix=".mp4")
    connection = http.client.HTTPConnection("127.0.0.1", lease.port, timeout=10)
    connection.request("GET", f"/resource/{name}")
    response = connection.getresponse()
    begin = response.read(1000)
    lease.withdraw(name)
    assert begin + response.read() == content
    connection.close()


def test_a_file_goes_when_its_time_is_over(folder, clock):
    """At once for those who ask, and soon from the disk, though nobody asks."""
    lease = acquire(options(folder), clock=clock)
    short = lease.publish(PNG, suffix=".png", lifetime=10)
    long = lease.publish(PNG, suffix=".jpg", lifetime=100)
    assert fetch(lease.port, f"/resource/{short}")[0] == 200
    clock.advance(11)
    assert fetch(lease.port, f"/resource/{short}")[0] == 404
    assert fetch(lease.port, f"/resource/{long}")[0] == 200
    eventually(lambda: list(folder.rglob("*.png")) == [])
    clock.advance(100)
    eventually(lambda: list(folder.rglob("*.jpg")) == [])
    release(lease)


def test_a_file_is_copied_unless_it_is_one_of_ours(lease, tmp_path):
    """The user's file may change or vanish; one that we wrote is not written twice."""
    his = tmp_path / "his.png"
    his.write_bytes(b"before")
    name = lease.publish(his, suffix=".png")
    his.unlink()
    assert fetch(lease.port, f"/resource/{name}")[2] == b"before"
    ours = lease.files.create(b"ours", ".png")
    name, again = (lease.publish(ours, suffix=".png") for _ in range(2))
    lease.withdraw(name)
    assert fetch(lease.port, f"/resource/{again}")[2] == b"ours"
    lease.withdraw(again)
    assert not ours.exists()


def test_a_published_file_that_somebody_deleted_is_not_found(lease, folder):
    """No error of the server comes of it."""
    name = lease.publish(PNG, suffix=".png")
    next(folder.rglob("*.png")).unlink()
    assert fetch(lease.port, f"/resource/{name}")[0] == 404


# --------------------------------------------------------------------------- sharing a port


def test_equal_options_share_a_server(folder):
    """Two clients, one port; it is served until the last of them is done."""
    first = acquire(options(folder), clock=Clock())
    port = first.port
    release(first)
    first, second = (acquire(options(folder, port), clock=Clock()) for _ in range(2))
    name, others = first.publish(b"1", suffix=".png"), second.publish(b"2", suffix=".png")
    second.withdraw(name)  # is not its own
    assert fetch(port, f"/resource/{name}")[2] == b"1"
    release(first)
    assert fetch(port, f"/resource/{name}")[0] == 404
    assert fetch(port, f"/resource/{others}")[2] == b"2"
    release(first)  # once more changes nothing
    assert fetch(port, f"/resource/{others}")[2] == b"2"
    with pytest.raises(StateError):
        first.publish(b"3", suffix=".png")
    release(second)
    with pytest.raises(ConnectionRefusedError):
        fetch(port, "/healthz")
    assert not folder.exists()


@pytest.mark.parametrize(
    "other",
    [
        {"host": "0.0.0.0"},
        {"resource_path": "elsewhere"},
        {"http_server_options": {"threads": 9}},
    ],
)
def test_different_options_on_one_port_are_an_error(lease, folder, other):
    """It names both, in the line of the user."""
    first = acquire(options(folder), clock=Clock())
    port = first.port
    release(first)
    first = acquire(options(folder, port), clock=Clock())
    mine = {"host": "127.0.0.1", "port": port, "resource_path": str(folder)}
    with pytest.raises(ConfigError, match=f"port {port} is served with other") as caught:
        acquire(QQGroupChainBuilderOptions(**{**mine, **other}), clock=Clock())
    name, value = next(iter(other.items()))
    assert f"{name}=" in caught.value.summary
    assert str(value) in caught.value.summary
    assert caught.value.remedy
    release(first)


def test_each_free_port_is_one_of_its_own(folder):
    """Port 0 is never shared."""
    leases = [acquire(options(folder), clock=Clock()) for _ in range(3)]
    assert len({lease.port for lease in leases}) == 3
    for lease in leases:
        release(lease)


def test_many_threads_may_acquire_and_release_one_port(folder):
    """They share, or wait for the port that is just being left; nobody fails."""
    first = acquire(options(folder), clock=Clock())
    port = first.port
    release(first)
    failures, barrier = [], threading.Barrier(6)

    def live():
        barrier.wait()
        try:
            for _ in range(10):
                lease = acquire(options(folder, port), clock=Clock())
                name = lease.publish(PNG, suffix=".png")
                if fetch(port, f"/resource/{name}")[2] != PNG:
                    failures.append("not served")
                release(lease)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=live) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(50)
    assert failures == []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_port_that_is_taken_is_an_error_with_a_remedy(folder, language):
    """Another bot has it; nothing is left behind by the attempt."""
    before = psutil.Process().num_fds()
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        for _ in range(3):
            with pytest.raises(HostingError, match=f"127.0.0.1:{port}") as caught:
                acquire(options(folder, port), clock=Clock(), language=language)
            assert isinstance(caught.value.__cause__, OSError)
            assert "QQGroupChainBuilderOptions(port=" in caught.value.remedy
    assert psutil.Process().num_fds() <= before
    release(acquire(options(folder, port), clock=Clock()))


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1"])
def test_a_host_that_is_not_ours_is_an_error_with_a_remedy(folder, host):
    """A public address in front of a router is a usual mistake."""
    with pytest.raises(HostingError) as caught:
        acquire(QQGroupChainBuilderOptions(host, 0, str(folder)), clock=Clock(), language="en")
    assert "0.0.0.0" in caught.value.remedy


def test_a_host_that_cannot_be_a_name_is_an_error(folder):
    """In a process of its own, because tests look nothing up."""
    ended = run(START.replace('"127.0.0.1"', '"a..b"'), folder)
    assert "HostingError: the resource service cannot listen on a..b:0" in ended.stderr


@pytest.mark.parametrize("host", ["localhost", "0.0.0.0", "", "*", "::"])
def test_usual_hosts(folder, host):
    """Each of them is reached by IPv4."""
    lease = acquire(QQGroupChainBuilderOptions(host, 0, str(folder)), clock=Clock())
    assert fetch(lease.port, "/healthz")[0] == 200
    release(lease)


@pytest.mark.parametrize("name", ["host", "port", "listen", "unix_socket"])
def test_where_to_listen_is_no_server_option(folder, name):
    """It would be ignored or clash; the user is told where to say it."""
    told = {"host": "::1", "port": 1, "listen": "*:1", "unix_socket": "/x"}[name]
    with pytest.raises(ConfigError, match=name):
        acquire(options(folder, http_server_options={name: told}), clock=Clock())


def test_server_options_reach_waitress(folder):
    """What the user says wins over what we think best."""
    lease = acquire(options(folder, http_server_options={"ident": "mine"}), clock=Clock())
    assert fetch(lease.port, "/healthz")[1]["Server"] == "mine"
    release(lease)


# ------------------------------------------------------------------------------- under attack


def test_half_requests_do_not_stop_others(folder):
    """Many that never finish asking: everybody else is served, and they are hung up on."""
    clock = ScaledClock(1)
    lease = acquire(options(folder), clock=clock)
    name = lease.publish(PNG, suffix=".png")
    slow = [socket.create_connection(("127.0.0.1", lease.port), 10) for _ in range(200)]
    for sock in slow:
        sock.sendall(b"GET /resource/x HTTP/1.1\r\nX-")
    assert fetch(lease.port, f"/resource/{name}")[2] == PNG

    def all_closed():
        clock.advance(3)
        for sock in list(slow):
            sock.setblocking(False)
            try:
                sock.send(b"a")  # a byte now and then, which counts as activity
                if sock.recv(1) == b"":
                    raise ConnectionResetError
            except BlockingIOError:
                continue
            except OSError:
                sock.close()
                slow.remove(sock)
        return not slow

    eventually(all_closed, within=15)
    assert fetch(lease.port, f"/resource/{name}")[2] == PNG
    release(lease)


def test_idle_connections_make_room_when_it_is_crowded(folder):
    """As many as are allowed, and none of them says anything: a newcomer gets in soon."""
    lease = acquire(options(folder, http_server_options={"connection_limit": 30}), clock=Clock())
    name = lease.publish(PNG, suffix=".png")
    idle = [socket.create_connection(("127.0.0.1", lease.port), 10) for _ in range(35)]
    assert fetch(lease.port, f"/resource/{name}")[2] == PNG
    for sock in idle:
        sock.close()
    release(lease)


def stalled(port, name, count, headers=""):
    """Return connections that asked for a file and take nothing of it."""
    socks = []
    for _ in range(count):
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.settimeout(10)
        sock.connect(("127.0.0.1", port))
        sock.sendall(f"GET /resource/{name} HTTP/1.1\r\nHost: x\r\n{headers}\r\n".encode())
        assert sock.recv(5) == b"HTTP/"
        socks.append(sock)
    return socks


@pytest.mark.parametrize("headers", ["", "Range: bytes=1-\r\n"])
def test_stalled_downloads_hold_no_thread(lease, headers):
    """Ten times as many as there are threads, of the whole or of a range."""
    large = lease.publish([os.urandom(1_000_000)] * 40, suffix=".mp4")
    name = lease.publish(PNG, suffix=".png")
    socks = stalled(lease.port, large, 40, headers)
    for _ in range(10):
        assert fetch(lease.port, f"/resource/{name}")[2] == PNG
    for sock in socks:
        sock.close()


def test_sixteen_clients_get_a_large_file_whole(lease):
    """Nobody gets a byte of another one's."""
    content = os.urandom(5_000_000)
    name, right = lease.publish(content, suffix=".mp4"), hashlib.sha256(content).digest()
    got = []

    def download():
        got.append(hashlib.sha256(fetch(lease.port, f"/resource/{name}")[2]).digest())

    threads = [threading.Thread(target=download) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(50)
    assert got == [right] * 16


def test_a_thousand_downloads_at_once(lease):
    """All are answered, one after the other when there are more than file numbers."""
    content = os.urandom(20_000)
    name = lease.publish(content, suffix=".png")
    request = get(f"/resource/{name}".encode())
    selector, answers = selectors.DefaultSelector(), {}
    for _ in range(1000):
        sock = socket.create_connection(("127.0.0.1", lease.port), 30)
        sock.sendall(request)
        sock.setblocking(False)
        selector.register(sock, selectors.EVENT_READ)
        answers[sock] = bytearray()
    open_ones, ends = set(answers), time.monotonic() + 40
    while open_ones and time.monotonic() < ends:
        for key, _ in selector.select(1):
            part = key.fileobj.recv(65536)
            answers[key.fileobj] += part
            if not part:
                selector.unregister(key.fileobj)
                open_ones.discard(key.fileobj)
    selector.close()
    for sock in answers:
        sock.close()
    assert len(open_ones) == 0
    assert {bytes(answer).partition(b"\r\n\r\n")[2] for answer in answers.values()} == {content}


# --------------------------------------------------------------------------------- its end


def ours():
    """Return the names of the service's threads."""
    return [one.name for one in threading.enumerate() if one.name.startswith("qqgroup-media")]


def test_stop_before_anything_happened(folder):
    """Nothing was loaded, nothing was written."""
    lease = acquire(options(folder), clock=Clock())
    assert ours() == [f"qqgroup-media-{lease.port}"]
    release(lease)
    assert ours() == []
    assert not folder.exists()


def test_stop_with_idle_clients(folder, clock):
    """Connections that are kept alive are closed; no time has to pass for it."""
    lease = acquire(options(folder), clock=clock)
    name = lease.publish(PNG, suffix=".png")
    connections = []
    for _ in range(5):
        connection = http.client.HTTPConnection("127.0.0.1", lease.port, timeout=10)
        connection.request("GET", f"/resource/{name}")
        connection.getresponse().read()
        connections.append(connection)
    assert len(ours()) == 5
    release(lease)
    assert ours() == []
    for connection in connections:
        assert connection.sock.recv(1) == b""
        connection.close()


def test_stop_with_stalled_downloads(folder, clock):
    """Who takes nothing is not waited for; the files are closed and deleted."""
    lease = acquire(options(folder), clock=clock)
    name = lease.publish([b"x" * 1_000_000] * 20, suffix=".mp4")
    port, before = lease.port, psutil.Process().num_fds()
    socks = stalled(port, name, 8)
    release(lease)  # the clock stands still, so whoever waited would wait for ever
    assert ours() == []
    for sock in socks:
        sock.close()
    assert psutil.Process().num_fds() < before
    again = acquire(options(folder, port), clock=Clock())
    release(again)


class Pipe:
    """A named pipe in place of a file on a slow disk: whoever reads it waits for the end."""

    def __init__(self, path):
        os.mkfifo(path)
        self.path = path
        self._writer = os.open(path, os.O_RDWR)

    def is_read(self):
        """Return whether somebody else has it open."""
        inode, count = self.path.stat().st_ino, 0
        for entry in Path("/proc/self/fd").iterdir():
            with contextlib.suppress(OSError):
                count += entry.stat().st_ino == inode
        return count > 1

    def end(self):
        """Let the reader find the end."""
        if self._writer is not None:
            os.close(self._writer)
        self._writer = None


@pytest.fixture
def pipe(tmp_path):
    """Return a pipe that comes to its end with the test."""
    pipe = Pipe(tmp_path / "pipe")
    yield pipe
    pipe.end()


def slow_request(lease, folder, pipe):
    """Start a request that reads the pipe; return its socket."""
    name = lease.publish(b"x", suffix=".png")
    path = next(folder.rglob("*.png"))
    path.unlink()
    os.link(pipe.path, path)
    sock = socket.create_connection(("127.0.0.1", lease.port), 10)
    sock.sendall(get(f"/resource/{name}".encode()))
    eventually(pipe.is_read)
    return sock


def test_stop_waits_for_a_running_request(folder, pipe, clock):
    """One that ends in time is answered."""
    lease = acquire(options(folder), clock=clock)
    sock = slow_request(lease, folder, pipe)
    left = []
    stopping = threading.Thread(target=lambda: left.extend(lease.release(Deadline(clock, 5))))
    stopping.start()
    eventually(lambda: not can_connect(lease.port))
    pipe.end()
    stopping.join(10)
    assert left == []
    assert status_of(sock.recv(100)) == 200
    sock.close()


def can_connect(port):
    """Return whether somebody listens."""
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
    except OSError:
        return False
    return True


def test_stop_names_the_thread_of_a_request_that_hangs(folder, pipe):
    """It is abandoned, the port is free, and nothing breaks when it ends after all."""
    lease = acquire(options(folder), clock=Clock())
    port = lease.port
    sock = slow_request(lease, folder, pipe)
    left = lease.release(Deadline(Clock(), 0.5))
    assert len(left) == 1
    assert left[0].startswith(f"qqgroup-media-{port}-")
    assert ours() == left
    release(acquire(options(folder, port), clock=Clock()))
    before = psutil.Process().num_fds()  # with the pipe at both ends
    pipe.end()
    eventually(lambda: ours() == [])
    assert psutil.Process().num_fds() <= before - 4  # its way to wake the loop went with it
    sock.close()


def test_fifty_starts_on_one_port_leak_nothing(folder):
    """Neither threads nor file numbers; the port is free at once each time."""
    lease = acquire(options(folder), clock=Clock())
    port = lease.port
    release(lease)
    counts = []
    for round_number in range(50):
        lease = acquire(options(folder, port), clock=Clock())
        if round_number % 2 == 0:
            name = lease.publish(PNG, suffix=".png")
            assert fetch(port, f"/resource/{name}")[2] == PNG
        release(lease)
        counts.append(psutil.Process().num_fds())
    assert ours() == []
    assert counts[-1] <= counts[2]


# ------------------------------------------------------------------------- around the process


def run(code, *arguments):
    """Run code in another process."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


START = """
import os, signal, sys
from qqgroup_sync.media.resource_server import acquire
from qqgroup_sync.runtime.clock import Clock, Deadline
from qqgroup_sync.settings import QQGroupChainBuilderOptions
lease = acquire(QQGroupChainBuilderOptions("127.0.0.1", 0, sys.argv[1]), clock=Clock())
"""


def test_listening_loads_nothing_heavy(folder):
    """A text bot does not pay for the resource service that it never uses."""
    code = START + (
        "loaded = {'flask', 'werkzeug', 'waitress', 'filelock', 'requests'} & set(sys.modules)\n"
        "assert lease.release(Deadline(Clock(), 5)) == []\n"
        "print(sorted(loaded), os.path.exists(sys.argv[1]))"
    )
    ended = run(code, folder)
    assert ended.stdout == "[] False\n", ended.stderr


def test_nothing_of_a_killed_bot_survives_the_next_start(folder):
    """What it published is deleted; the user's own files are neither deleted nor served."""
    folder.mkdir()
    (folder / "his.png").write_bytes(b"his")
    (folder / "albums").mkdir()
    (folder / "albums" / "a.png").write_bytes(b"his")
    killed = run(
        START + "print(lease.publish(b'left', suffix='.png'), flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)",
        folder,
    )
    name = killed.stdout.strip()
    assert len(name) == 36, killed.stderr
    assert len(list(folder.rglob("*"))) == 6
    lease = acquire(options(folder), clock=Clock())
    left = sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
    assert left == ["albums", "albums/a.png", "his.png"]
    for path in (name, "his.png", "albums/a.png", "albums"):
        assert fetch(lease.port, f"/resource/{path}")[0] == 404
    release(lease)
    assert (folder / "his.png").read_bytes() == b"his"


def test_few_file_numbers_are_enough(folder):
    """With the usual 256 of some systems, more clients wait instead of failing."""
    code = (
        "import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))\n"
        + START
        + "print(lease.port, lease.publish(b'x' * 3_000_000, suffix='.mp4'), flush=True)\n"
        "sys.stdin.read()\nprint(lease.release(Deadline(Clock(), 5)))"
    )
    command = [sys.executable, "-c", code, str(folder)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as bot:
        port, name = bot.stdout.readline().split()
        request = get(f"/resource/{name}".encode())
        socks = [socket.create_connection(("127.0.0.1", int(port)), 30) for _ in range(300)]
        for sock in socks:
            sock.sendall(request)
        for sock in socks:
            size = 0
            while part := sock.recv(1 << 20):
                size += len(part)
            assert size > 3_000_000
            sock.close()
        stdout, stderr = bot.communicate()
    assert stdout == "[]\n"
    assert stderr == ""


def test_a_dead_thread_is_told_and_replaced(folder, expected_errors, monkeypatch):
    """The owner learns of it, and the next one gets a server that works."""
    first = acquire(options(folder), clock=Clock())
    port, told = first.port, []
    release(first)
    monkeypatch.setattr("qqgroup_sync.media.resource_server.server_options", lambda own: 1 / 0)
    lease = acquire(options(folder, port), clock=Clock(), on_death=told.append)
    can_connect(port)
    eventually(lambda: len(told) == 1)
    monkeypatch.undo()
    eventually(lambda: not lease.alive)
    with pytest.raises(StateError):
        lease.publish(b"x", suffix=".png")
    replacement = acquire(options(folder, port), clock=Clock())
    assert fetch(port, "/healthz")[0] == 200
    release(lease)
    assert fetch(port, "/healthz")[0] == 200
    release(replacement)
    assert len(expected_errors) == 1


def test_a_clock_that_stands_still_stops_nothing(folder):
    """Tests of others use one."""
    clock = ManualClock()
    lease = acquire(options(folder), clock=clock)
    name = lease.publish(PNG, suffix=".png")
    assert fetch(lease.port, f"/resource/{name}")[2] == PNG
    assert lease.release(Deadline(clock, 5)) == []
