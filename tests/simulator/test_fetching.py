"""Fetching: limits hold for every part of an answer, and closing ends what is under way."""

import socket
import threading
import time

import pytest

from qqgroup_sync.simulator import fetching
from qqgroup_sync.simulator.blobs import IN_MEMORY, Blob, BlobTooLargeError
from qqgroup_sync.simulator.fetching import Fetcher, FetchError

from . import samples


@pytest.fixture
def web():
    """A web server."""
    with samples.Served() as served:
        yield served


def fetch(url, limit=10_000, timeout=2.0):
    """Fetch with a fresh fetcher."""
    return Fetcher()(url, limit=limit, timeout=timeout)


def test_addresses_as_people_write_them(web):
    """Chinese and spaces in an address are encoded, what is encoded stays."""
    web.answers["/%E7%8C%AB%20a.png"] = b"x"
    assert fetch(f"{web.url}/猫%20a.png?a=1&b=%2F").name == "猫 a.png"
    assert web.asked == ["/%E7%8C%AB%20a.png?a=1&b=%2F"]


def in_chunks(handler):
    """An answer without a length."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    handler.wfile.write(b"3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n")


def until_close(handler):
    """An answer that ends with the connection."""
    handler.wfile.write(b"HTTP/1.0 200 OK\r\n\r\nabcdef")


@pytest.mark.parametrize("answer", [b"abcdef", in_chunks, until_close])
def test_every_way_an_answer_ends(web, answer):
    """By length, by chunks, by the end of the connection."""
    web.answers["/a b.png"] = answer
    web.answers["/a%20b.png"] = answer
    found = fetch(f"{web.url}/a%20b.png?size=1#part")
    assert (found.blob.read(), found.name) == (b"abcdef", "a b.png")
    assert web.asked == ["/a%20b.png?size=1"]


@pytest.mark.parametrize("answer", [b"x" * 11, in_chunks, until_close])
def test_limit(web, answer):
    """Neither more is announced nor more is read than allowed."""
    web.answers["/x"] = answer
    with pytest.raises(BlobTooLargeError):
        fetch(f"{web.url}/x", limit=5)


def raw(data, pause=False):
    """An answer of these bytes, after which nothing comes."""

    def answer(handler):
        handler.wfile.write(data)
        if pause:
            handler.rfile.read(1)

    return answer


@pytest.mark.parametrize(
    "answer",
    [
        raw(b""),
        raw(b"nonsense\r\n\r\n"),
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"),
        raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc"),
        raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        raw(b"HTTP/1.1 302 Found\r\n\r\n"),
        raw(b"HTTP/1.1 302 Found\r\nLocation: ://\r\n\r\n"),
        raw(b"HTTP/1.1 302 Found\r\nLocation: http://[::1\r\n\r\n"),
        raw(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:99999/\r\n\r\n"),
        raw(b"", pause=True),
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", pause=True),
        raw(b"HTTP/1.1 200 OK\r\n\r\nabc", pause=True),
    ],
)
def test_broken_answers(web, answer):
    """Whatever is wrong is a FetchError within the time-out."""
    web.answers["/x"] = answer
    began = time.monotonic()
    with pytest.raises(FetchError):
        fetch(f"{web.url}/x", timeout=0.3)
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("url", ["", "x", "ftp://127.0.0.1/", "http://", "http:///x", "http://:1/"])
def test_what_is_no_address(url):
    """Nothing but http and https with a host."""
    with pytest.raises(FetchError):
        fetch(url)


def test_close_ends_fetches_and_allows_no_more(web):
    """After ``close`` fetches fail at once, until ``open``."""
    asked = threading.Event()

    def hangs(handler):
        asked.set()
        handler.rfile.read(1)

    web.answers.update({"/x": hangs, "/y": b"y"})
    fetcher, failed = Fetcher(), []

    def run():
        try:
            fetcher(f"{web.url}/x", limit=10, timeout=30)
        except FetchError as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    assert asked.wait(5)
    fetcher.close()
    thread.join(5)
    assert len(failed) == 1
    with pytest.raises(FetchError, match="stops"):
        fetcher(f"{web.url}/y", limit=10, timeout=5)
    fetcher.open()
    assert fetcher(f"{web.url}/y", limit=10, timeout=5).blob.read() == b"y"


def test_close_ends_a_handshake(monkeypatch):
    """Somebody who accepts and never speaks TLS holds nobody up."""
    monkeypatch.setattr(fetching, "_CONNECT_TIMEOUT", 30.0)
    fetcher, failed = Fetcher(), []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(5)
        url = f"https://127.0.0.1:{listening.getsockname()[1]}/"

        def run():
            try:
                fetcher(url, limit=10, timeout=30)
            except FetchError as error:
                failed.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        peer, _ = listening.accept()
        with peer:
            assert peer.recv(1) == b"\x16"  # the handshake has begun
            fetcher.close()
            thread.join(5)
    assert len(failed) == 1


def test_large_blobs_lie_on_disk_and_read_alike():
    """A blob reads the same from memory and from disk, whole and in part, in many threads."""
    small, large = Blob.of(b"0123456789"), Blob.copy([b"01234", b"56789"] * (IN_MEMORY // 8))
    assert (small.on_disk, large.on_disk) == (False, True)
    assert small.read(3, 4) == large.read(3, 4) == b"3456"
    assert small.read(8) == b"89"
    assert large.read(large.size - 2) == b"89"
    assert small.read(20) == b""
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(sum(map(len, large.pieces()))))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [large.size] * 4
    assert Blob.of(large.read()).hashes == large.hashes
