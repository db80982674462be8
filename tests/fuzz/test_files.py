"""What people send as files, and what strangers ask the resource service for."""

from __future__ import annotations

import io
import socket
import struct

import pytest

from qqgroup_sync.errors import MediaError
from qqgroup_sync.media import formats, silk, wav
from qqgroup_sync.media.endings import is_cut_off
from qqgroup_sync.media.formats import (
    SILK,
    UNKNOWN,
    WAV,
    Format,
    is_animated_webp,
    picture_size,
    sniff,
)
from qqgroup_sync.media.resource_server import acquire
from qqgroup_sync.runtime.clock import Clock, Deadline
from qqgroup_sync.settings import QQGroupChainBuilderOptions
from tests.fuzz.fuzzed import check_told, fuzzed
from tests.media import samples

HEADS = (
    *(samples.picture(form=form) for form in ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF")),
    samples.wav(0.05),
    b"\x02#!SILK_V3" + b"\x05\0abcde" * 4,
    b"#!SILK_V3" + b"\x05\0abcde" * 4 + b"\xff\xff",
    b"ID3\x04\0\0\0\0\0\x0a" + b"\0" * 10 + b"\xff\xfb\x90\x44" + b"\0" * 200,
    b"OggS\0\x02" + b"\0" * 60,
    b"fLaC\0\0\0\x22" + b"\0" * 60,
    b"\0\0\0\x20ftypisom\0\0\2\0isomiso2" + b"\0\0\0\x08moov" * 3,
    b"\x1aE\xdf\xa3\x93B\x82\x84webm" + b"\0" * 40,
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11" + b"\0" * 60,
    b"RIFF\x24\0\0\0WEBPVP8X\x0a\0\0\0\x10\0\0\0\x63\0\0\x63\0\0",
    b"<!-- x --><svg xmlns='http://www.w3.org/2000/svg'></svg>",
    b"<?xml version='1.0'?><html><body>",
    b"just a text",
    b"%PDF-1.7\n",
    (b"\xff\xd8\xff\xe1\0\x20Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0"
    b"\xff\xc0\0\x11\x08\0\x10\0\x20"),
)  # fmt: skip
TOKENS = (
    *(b"\0", b"\xff", b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\x80\0\0\0"),
    *(b"\x01",),
    *(b"RIFF", b"data", b"fmt ", b"LIST", b"moov", b"ftyp", b"Exif\0\0", b"\xff\xd8"),
    *(b"\xff\xe1\xff\xff",),
    *(b"<!--", b"-->", b"<?", b"?>", b"<svg ", b" " * 300, b"<!--" * 100, b"\xff" * 300, b"ID3"),
)  # fmt: skip


@fuzzed
def test_media(dice):
    """Any bytes have a format, and measuring them ends with numbers or with nothing."""
    data = dice.damaged(dice.one_of(HEADS), TOKENS)
    found = sniff(data)
    assert isinstance(found, Format)
    size = picture_size(data)
    assert size is None or all(0 < side < 1_000_000 for side in size)
    is_animated_webp(data)
    assert is_cut_off(io.BytesIO(data), len(data), found) in (True, False)
    assert sniff(data[: dice.below(64)]) is not None
    assert sniff(dice.take(20)) in ALL or found is UNKNOWN


ALL = {value for value in vars(formats).values() if isinstance(value, Format)}


@fuzzed
def test_voices(dice):
    """A header of WAV or SILK is read, or refused as damaged; nothing is made room for on trust."""
    if dice.odds(2):
        data = dice.damaged(HEADS[7 + dice.below(2)], TOKENS)
        try:
            count = silk.packets(data)
            assert count <= len(data)
            assert sniff(silk.tencent_form(data)) is SILK
        except MediaError as error:
            check_told(error)
        return
    data = dice.damaged(HEADS[6][: 44 + dice.below(400)], TOKENS)
    file = io.BytesIO(data)
    try:
        layout = wav.read_layout(file)
    except MediaError as error:
        check_told(error)
        return
    if layout is None:
        return
    assert layout.frames * layout.width * layout.channels <= len(data)
    count = 0
    for block in wav.blocks(file, layout):
        assert all(-32768 <= one <= 32767 for one in block)
        count += len(block)
    assert count <= layout.frames
    assert sniff(wav.wav_file(b"\0\0")) is WAV


INNER = b"kept to this machine: " + b"s" * 100
PUBLIC = b"published: " + b"p" * 100


@pytest.fixture
def service(tmp_path_factory):
    """Return port, published names, and names of what lies beside and must not be had."""
    folder = tmp_path_factory.mktemp("served")
    inner = folder / "inner.txt"
    inner.write_bytes(INNER)
    (folder.parent / "outer.txt").write_bytes(INNER)
    lease = acquire(
        QQGroupChainBuilderOptions("127.0.0.1", 0, str(folder / "resource")), clock=Clock()
    )
    published = [lease.publish(PUBLIC, suffix=suffix) for suffix in (".png", ".html", "")]
    withdrawn = lease.publish(INNER, suffix=".png")
    unpublished = lease.files.create(INNER, ".png")
    lease.withdraw(withdrawn)
    (folder / "resource" / "users.txt").write_bytes(INNER)
    paths = [
        *(f"/resource/{name}" for name in published),
        f"/resource/{withdrawn}",
        f"/resource/{unpublished.name}",
        f"/resource/{unpublished.parent.name}/{unpublished.name}",
        "/resource/users.txt",
        "/resource/../inner.txt",
        "/resource/%2e%2e/inner.txt",
        "/resource/..%2finner.txt",
        f"/resource/{inner}",
        "/resource//etc/passwd",
        "/resource/",
        "/healthz",
        "/",
        "*",
        f"http://x/resource/{published[0]}",
    ]
    yield lease, [path.encode() for path in paths]
    assert lease.release(Deadline(Clock(), 5.0)) == []


PATH_TOKENS = (
    *(b"/", b"//", b"..", b"../", b"%2e%2e%2f", b"%2f", b"%5c", b"\\", b"%00", b"\0", b"%", b"?"),
    *(b"#",),
    *(b";", b" ", b"\t", b"\xff", b"%ff", b"a" * 300, b"a" * 9000, b".png", b"~", b"file://"),
    *(b"\r\n",),
)  # fmt: skip
METHODS = (
    b"GET",
    b"GET",
    b"GET",
    b"GET",
    b"HEAD",
    b"POST",
    b"OPTIONS",
    b"PUT",
    b"TRACE",
    b"get",
    b"G\0T",
)
HEADERS = (
    b"Host: x", b"Host: evil.example", b"Host:", b"Range: bytes=0-4", b"Range: bytes=-5",
    b"Range: bytes=999-", b"Range: bytes=0-0,2-3", b"Range: bytes=" + b"9" * 300, b"Range: x",
    b"Content-Length: 0", b"Content-Length: 5", b"Content-Length: -1", b"Content-Length: 0x5",
    b"Content-Length: 99999999999", b"Transfer-Encoding: chunked", b"Transfer-Encoding: x, chunked",
    b"Transfer-Encoding : chunked", b"Connection: close", b"Connection: keep-alive",
    b"Expect: 100-continue",
    b"If-None-Match: *", b"If-Modified-Since: x", b"If-Range: x", b"Upgrade: websocket", b" folded",
    b"X: " + b"y" * 9000, b"no colon", b"\xff: \xff", b"X: a\rb", b"X: a\0b",
    b"Origin: http://evil.example",
    b"X-Forwarded-Host: evil", b"Cookie: a=b", b"Accept: */*", b"User-Agent: curl/8",
)  # fmt: skip
STATUSES = {100, 200, 206, 304, 400, 404, 405, 411, 412, 413, 414, 416, 431, 501, 505}


@fuzzed
def test_resource_paths(dice, service):
    """No request fetches what was not published; each is answered in HTTP, or not at all."""
    lease, paths = service
    request = b""
    for _ in range(1 + dice.odds(4)):
        path = dice.damaged(dice.one_of(paths), PATH_TOKENS) if dice.odds(2) else dice.one_of(paths)
        version = (
            b"HTTP/1.1" if dice.below(12) else dice.one_of((b"HTTP/1.0", b"HTTP/9.9", b"", b"X"))
        )
        lines = [dice.one_of(METHODS) + b" " + path + b" " + version]
        lines += [dice.one_of(HEADERS) for _ in range(dice.below(4))]
        request += dice.one_of((b"\r\n", b"\r\n", b"\r\n", b"\n")).join([*lines, b"", b""])
        request += dice.take(5) if dice.odds(6) else b""
    if dice.odds(10):
        request = request[: dice.below(len(request) + 1)]
    answer = asked(lease.port, request)
    assert b"kept to this machine" not in answer
    if answer:
        assert answer.startswith(b"HTTP/1.")
        assert int(answer.split(b" ", 2)[1]) in STATUSES, request
    assert b"Access-Control-" not in answer
    assert b"Traceback" not in answer
    assert lease.alive


def asked(port, request):
    """Send bytes and no more; return what comes back."""
    with socket.create_connection(("127.0.0.1", port), 5) as sock:
        # No goodbye at the end: a hundred thousand connections would use up the ports.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        parts = []
        try:
            sock.sendall(request)
            sock.shutdown(socket.SHUT_WR)
            while part := sock.recv(65536):
                parts.append(part)
        except OSError:  # it was reset
            pass
    return b"".join(parts)
