"""Fetching what people sent: bounded in size and time, and never half a file."""

from __future__ import annotations

import contextlib
import gzip
import os
import socket
import ssl
import threading
from pathlib import Path

import pytest

from qqgroup_sync.api.downloads import CHUNK, Downloads
from qqgroup_sync.errors import (
    ConfigError,
    MediaError,
    MediaTooLarge,
    QQGroupError,
    TransportError,
    TransportTimeout,
)
from qqgroup_sync.runtime.clock import Clock
from tests.api.scripted_server import (
    ScriptedServer,
    answer,
    closed_after_reading,
    cut_off,
    refusing_port,
    silence,
    trickle,
)

MIB = 1024 * 1024
CERTIFICATE = Path(__file__).parents[1] / "localhost.pem"


@pytest.fixture
def downloads(clock):
    """Return downloads with a clock that stands still."""
    return Downloads(clock, private=True, language="en")


@pytest.fixture(params=["read", "save"])
def fetch(request, tmp_path):
    """Return a function that downloads, into memory or a file, and what it must leave behind."""

    def get(downloads, url, *, limit=MIB, timeout=10.0, progress=None):
        options = {"limit": limit, "timeout": timeout, "progress": progress}
        if request.param == "read":
            return downloads.read(url, **options)
        try:
            return downloads.save(url, tmp_path / "file.bin", **options).read_bytes()
        except BaseException:
            assert list(tmp_path.iterdir()) == []
            raise

    return get


def chunked(*pieces, end=True):
    """Return an answer in chunks, which says no length beforehand."""
    body = b"".join(b"%x\r\n%s\r\n" % (len(one), one) for one in pieces)
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + body + (b"0\r\n\r\n" if end else b"")


def until_the_end(body):
    """Return a step that sends a body without a length and closes."""

    def step(_server, connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + body)
        return False

    return step


BIG = bytes(range(256)) * 1024  # 256 KiB


@pytest.mark.parametrize(
    ("step", "content"),
    [
        (answer(200, b"hello"), b"hello"),
        (answer(200, b""), b""),
        (answer(200, BIG), BIG),
        (chunked(b"he", b"l" * 3000, b"o"), b"he" + b"l" * 3000 + b"o"),
        (until_the_end(b"hello"), b"hello"),
        (answer(200, gzip.compress(BIG), Content_Encoding="gzip"), BIG),
        (answer(200, gzip.compress(b""), Content_Encoding="gzip"), b""),
    ],
    ids=["plain", "empty", "big", "chunked", "until the end", "gzip", "empty gzip"],
)
def test_the_content_arrives(fetch, downloads, step, content):
    """However the server sends it."""
    with ScriptedServer(step) as server:
        assert fetch(downloads, server.url + "/a?rkey=1") == content
    assert server.requests[0].target == "/a?rkey=1"
    assert server.requests[0].headers["accept-encoding"] == "identity"  # so lengths can be checked


def test_a_redirect_is_followed(fetch, downloads):
    """Attachments may live elsewhere; the token is not in these requests anyway."""
    with ScriptedServer(answer(302, Location="/b"), answer(200, b"hello")) as server:
        assert fetch(downloads, server.url + "/a") == b"hello"
    assert [one.target for one in server.requests] == ["/a", "/b"]
    assert all("authorization" not in one.headers for one in server.requests)


def test_redirects_in_a_circle_end(fetch, downloads):
    """A broken server does not keep a worker."""
    with ScriptedServer(answer(302, Location="/a")) as server, pytest.raises(TransportError):
        fetch(downloads, server.url + "/a")
    assert len(server.requests) == 6


# ---------------------------------------------------------------------- size


def test_exactly_the_limit_is_allowed(fetch, downloads):
    """The limit is the last size that passes."""
    with ScriptedServer(answer(200, b"12345")) as server:
        assert fetch(downloads, server.url, limit=5) == b"12345"


@pytest.mark.parametrize(
    "step",
    [
        answer(200, b"123456"),
        chunked(b"123", b"456"),
        until_the_end(b"123456"),
        answer(200, gzip.compress(b"1" * 100_000), Content_Encoding="gzip"),
        answer(200, b"123456", Content_Length="six"),
    ],
    ids=["announced", "chunked", "unsaid", "unpacks to more", "length is garbage"],
)
def test_more_than_the_limit_is_refused(fetch, downloads, step):
    """Announced or not, packed or not."""
    with ScriptedServer(step) as server, pytest.raises(MediaTooLarge) as caught:
        fetch(downloads, server.url, limit=5)
    assert "limit=" in caught.value.remedy
    assert "the limit is 5" in caught.value.summary


def test_what_is_announced_too_large_is_not_fetched(fetch, downloads):
    """A huge file costs no traffic: the refusal comes while the server has sent only the head."""

    def head_only(server, connection):
        connection.sendall(answer(200, Content_Length=10**12))
        return silence(server, connection)

    with ScriptedServer(head_only) as server, pytest.raises(MediaTooLarge, match=str(10**12)):
        fetch(downloads, server.url)


def test_progress_is_told(fetch, downloads):
    """Bytes so far and all of them, rising to the end."""
    told = []
    with ScriptedServer(answer(200, BIG)) as server:
        fetch(downloads, server.url, progress=lambda *one: told.append(one))
    assert told[-1] == (len(BIG), len(BIG))
    assert [done for done, _ in told] == sorted({done for done, _ in told})
    assert len(told) >= len(BIG) / CHUNK


@pytest.mark.parametrize(
    "step",
    [chunked(b"hello"), answer(200, gzip.compress(b"hello" * 99), Content_Encoding="gzip")],
    ids=["chunked", "gzip"],
)
def test_progress_without_a_total(fetch, downloads, step):
    """A length that is not that of the content is none: no bar runs past its end."""
    told = []
    with ScriptedServer(step) as server:
        content = fetch(downloads, server.url, progress=lambda *one: told.append(one))
    assert told[-1] == (len(content), None)


def test_progress_can_stop_it(fetch, downloads):
    """What the callback raises comes out, and no partial file stays."""

    def enough(_done, _total):
        raise KeyboardInterrupt

    with ScriptedServer(answer(200, BIG)) as server, pytest.raises(KeyboardInterrupt):
        fetch(downloads, server.url, progress=enough)


# ---------------------------------------------------------------------- failures


@pytest.mark.parametrize(
    ("step", "kind"),
    [
        (closed_after_reading, TransportError),
        (cut_off, TransportError),
        (chunked(b"hello", end=False), TransportTimeout),
        (silence, TransportTimeout),
        (b"nonsense\r\n\r\n", TransportError),
        (answer(200, b"hello", Content_Encoding="gzip"), TransportError),
    ],
    ids=["closed", "cut off", "no end", "silence", "nonsense", "not gzip"],
)
def test_half_a_file_is_a_failure(fetch, downloads, step, kind):
    """What did not come as a whole did not come."""
    with ScriptedServer(step) as server, pytest.raises(TransportError) as caught:
        fetch(downloads, server.url + "/x?rkey=s3cret", timeout=0.2)
    assert type(caught.value) is kind
    assert "s3cret" not in f"{caught.value} {caught.value!r}"


def test_a_chunked_answer_that_breaks_off_is_a_failure(fetch, downloads):
    """The end of the connection is not the end of the file."""

    def step(_server, connection):
        connection.sendall(chunked(b"hello", end=False))
        return False

    with ScriptedServer(step) as server, pytest.raises(TransportError):
        fetch(downloads, server.url)


def test_the_time_is_for_everything(fetch, clock, downloads):
    """A server that trickles keeps each read alive, and still comes to its end."""
    clock.monotonic = iter(range(0, 100_000, 60)).__next__  # each look is a minute later
    with ScriptedServer(trickle) as server, pytest.raises(TransportTimeout):
        fetch(downloads, server.url, timeout=150.0)


def test_the_time_is_for_everything_by_the_machines_clock(fetch):
    """The same without any help: a byte every 10 ms, an end after 200 ms."""
    with ScriptedServer(trickle) as server, pytest.raises(TransportTimeout):
        fetch(Downloads(Clock(), private=True), server.url, timeout=0.2)


@pytest.mark.parametrize("begin", [b"", b"HTTP/1.1 200 OK\r\nX-Slow: "])
def test_the_time_is_for_the_head_of_an_answer_too(fetch, begin):
    """Else whoever has a link fetched holds one worker with it, for days, and 64 with 64 links."""

    def slow_head(server, connection):
        with contextlib.suppress(OSError):
            connection.sendall(begin)
            while not server.ended.wait(0.01):
                connection.sendall(b"x")
        return False

    with ScriptedServer(slow_head) as server, pytest.raises(TransportTimeout):
        fetch(Downloads(Clock(), private=True), server.url, timeout=0.2)


def test_the_time_is_for_all_redirects_together(fetch):
    """Each of them may be slow, but not all of them."""

    def slow_redirect(server, connection):
        if not server.ended.wait(0.09):
            connection.sendall(answer(302, b"", Location="/again"))
        return True

    with ScriptedServer(slow_redirect) as server:
        with pytest.raises(TransportTimeout):
            fetch(Downloads(Clock(), private=True), server.url, timeout=0.2)
        assert len(server.requests) <= 3


class Deaf(socket.socket):
    """Connects for as long as its time-out is, and never comes through; a clock runs with it."""

    def connect(self, address):
        self.tried.append(address[0])
        self.clock.advance(self.gettimeout())
        raise TimeoutError("timed out")


def test_the_time_is_for_all_addresses_of_a_host_together(downloads, clock, monkeypatch):
    """Whoever owns a name may give it dozens that do not answer; each would have its own time."""
    tried = []

    def many(host, *_):
        found = [f"127.0.0.{one}" for one in range(1, 9)] if host == "many.test" else [host]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 80)) for one in found]

    monkeypatch.setattr(socket, "getaddrinfo", many)
    monkeypatch.setattr(socket, "socket", type("Deaf", (Deaf,), {"clock": clock, "tried": tried}))
    begun = clock.monotonic()
    with pytest.raises(TransportTimeout):
        downloads.read("http://many.test/", limit=MIB, timeout=15.0, progress=None)
    assert clock.monotonic() - begun == 15.0
    assert tried == ["127.0.0.1", "127.0.0.2"]  # 10 s for the first, what is left for the next


def test_the_next_address_of_a_host_helps(downloads, monkeypatch):
    """One that refuses is passed over; the server is told the name, not the address."""
    real = socket.getaddrinfo
    dead = (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", 80, 0, 0))

    def two(host, *arguments, **options):
        if host == "two.test":
            return [dead, *real("127.0.0.1", *arguments, **options)]
        return real(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", two)
    with ScriptedServer(answer(200, b"hello")) as server:
        url = f"http://two.test:{server.port}/"
        assert downloads.read(url, limit=MIB, timeout=10.0, progress=None) == b"hello"
    assert server.requests[0].headers["host"] == f"two.test:{server.port}"


def test_a_certificate_is_asked_for_by_the_hosts_name(clock):
    """Whichever of its addresses answers: many sites share one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    names = []
    context.sni_callback = lambda _sock, name, _context: names.append(name)
    downloads = Downloads(clock, private=True, ca_bundle=str(CERTIFICATE))
    with ScriptedServer(answer(200, b"hello"), tls=context) as server:
        url = server.url.replace("127.0.0.1", "localhost")
        assert downloads.read(url, limit=MIB, timeout=10.0, progress=None) == b"hello"
    assert names == ["localhost"]


def test_no_login_of_this_machine_goes_to_a_link(fetch, downloads, monkeypatch, tmp_path):
    """Only one that stands in the link itself: a default line in ~/.netrc is for all hosts."""
    netrc = tmp_path.parent / "netrc"
    netrc.write_text("machine 127.0.0.1 login a password b\ndefault login c password d\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with ScriptedServer(answer(302, Location="/b"), answer(200, b"hello")) as server:
        fetch(downloads, f"{server.url}/a")
        fetch(downloads, f"http://user:pass%21@{server.address}/c")
    told = [one.headers.get("authorization") for one in server.requests]
    assert told == [None, None, "Basic dXNlcjpwYXNzIQ=="]


@pytest.mark.parametrize("status", [204, 206, 304, 403, 404, 500])
def test_a_refusal_of_the_server(fetch, downloads, status):
    """Links expire: the error says so and what to do."""
    with ScriptedServer(answer(status, b"")) as server, pytest.raises(MediaError) as caught:
        fetch(downloads, server.url)
    assert f"HTTP {status}" in caught.value.summary
    assert "expire" in caught.value.remedy


def test_nobody_there(fetch, downloads):
    """An attachment that cannot be reached is a TransportError like any other."""
    with pytest.raises(TransportError):
        fetch(downloads, f"http://127.0.0.1:{refusing_port()}/x")


@pytest.mark.parametrize("url", ["", "file:///etc/passwd", "ftp://x/y", "/etc/passwd", "x"])
def test_only_web_addresses_are_fetched(fetch, downloads, url):
    """An attachment from the network cannot make the bot read its own disk."""
    with pytest.raises(ConfigError):
        fetch(downloads, url)


@pytest.mark.parametrize("url", ["http://", "http://[", "https://a b/", "http://x:99999/"])
def test_a_broken_address_is_an_error_of_ours(fetch, downloads, url):
    """Whatever stands in an event, the handler meets an error that it can catch."""
    with pytest.raises(QQGroupError):
        fetch(downloads, url)


def test_a_simulator_is_reached_directly(fetch, clock, monkeypatch):
    """With ``direct=True`` no proxy is asked, without it the environment's is."""
    servers = ScriptedServer(answer(200, b"proxy")), ScriptedServer(answer(200, b"x"))
    with servers[0] as proxy, servers[1] as server:
        monkeypatch.setenv("http_proxy", proxy.url)
        assert fetch(Downloads(clock, direct=True, private=True), server.url) == b"x"
        assert fetch(Downloads(clock), "http://multimedia.test/y") == b"proxy"


# ---------------------------------------------------------------------- files


def save(downloads, path, content=b"new", name=""):
    """Download some content to a path."""
    with ScriptedServer(answer(200, content)) as server:
        return downloads.save(server.url, path, name=name, limit=MIB, timeout=10.0, progress=None)


def test_a_file_is_replaced_only_when_all_is_there(downloads, tmp_path):
    """The old content stays until the new one is complete."""
    path = tmp_path / "file.bin"
    path.write_bytes(b"old")
    with ScriptedServer(cut_off) as server, pytest.raises(TransportError):
        downloads.save(server.url, path, limit=MIB, timeout=10.0, progress=None)
    assert path.read_bytes() == b"old"
    assert save(downloads, path) == path
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("photo.jpg", "photo.jpg"),
        ("会议记录.docx", "会议记录.docx"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("..\\..\\boot.ini", "_.._boot.ini"),
        ("/etc/passwd", "_etc_passwd"),
        ("C:\\x", "C__x"),
        ("a\0b\n.txt", "a_b_.txt"),
        ("half \ud83d.txt", "half _.txt"),
        (".bashrc", "bashrc"),
        ("..", "attachment"),
        ("", "attachment"),
        ("   ", "attachment"),
        ("x. . ", "x"),
        ("NUL", "_NUL"),
        ("con.txt", "_con.txt"),
        ("Com1.tar.gz", "_Com1.tar.gz"),
        ("con .txt", "_con .txt"),
        ("COM\u00b9.log", "_COM\u00b9.log"),
        ("CONIN$", "_CONIN$"),
        ("console.txt", "console.txt"),
        ("exe\u202egpj.exe", "exe_gpj.exe"),
        ("a.b c d e f g h i j k l m n ", "a.b c d e f g h i j k l m n"),
    ],
)
def test_a_name_from_the_network_stays_in_the_folder(downloads, tmp_path, name, kept):
    """Nobody can send a file that lands elsewhere, or one that Windows cannot keep."""
    assert save(downloads, tmp_path, name=name) == tmp_path / kept
    assert [one.name for one in tmp_path.iterdir()] == [kept]


@pytest.mark.parametrize("character", ["a", "会", "😀"])
@pytest.mark.parametrize("shape", ["{0}", "{0}.{0}", "{0}.txt", "x.{0}", "{0}.{0}.txt"])
def test_a_long_name_is_cut(downloads, tmp_path, character, shape):
    """File systems take 255 bytes; the ending that programs go by stays when it is one."""
    path = save(downloads, tmp_path, name=shape.format(character * 300))
    assert path.read_bytes() == b"new"
    assert len(os.fsencode(path.name)) <= 255
    if shape.endswith(".txt"):
        assert path.suffix == ".txt"


def test_a_folder_that_cannot_be_written_is_an_os_error(downloads, tmp_path):
    """As with any file of one's own."""
    with pytest.raises(OSError, match="missing"):
        save(downloads, tmp_path / "missing" / "file.bin")
    (tmp_path / "plain").write_bytes(b"")
    with pytest.raises(OSError, match="plain"):
        save(downloads, tmp_path / "plain" / "file.bin")
    assert [one.name for one in tmp_path.iterdir()] == ["plain"]


def test_many_downloads_to_one_file_leave_a_whole_one(downloads, tmp_path):
    """Two people answer at once: the last one wins, nothing is mixed."""
    contents = [bytes([one]) * 200_000 for one in range(4)]
    path = tmp_path / "file.bin"
    threads = [threading.Thread(target=save, args=(downloads, path, one)) for one in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert path.read_bytes() in contents
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_is_there_is_never_replaced_by_a_name_from_the_network(downloads, tmp_path):
    """Somebody who sends bot.py does not become the bot."""
    (tmp_path / "bot.py").write_bytes(b"mine")
    assert save(downloads, tmp_path, name="bot.py") == tmp_path / "bot (1).py"
    assert save(downloads, tmp_path, name="bot.py") == tmp_path / "bot (2).py"
    assert (tmp_path / "bot.py").read_bytes() == b"mine"
