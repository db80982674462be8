"""Small real files of each format, a server that hands them out, and an upload in chunks."""

import contextlib
import hashlib
import io
import math
import struct
import threading
import wave
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests

FIRST_BYTES = 10_002_432


def png(width=3, height=2, padding=0):
    """A real picture, as long as asked by a chunk of nothing."""

    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    rows = b"".join(b"\0" + b"\x20\x80\xc0" * width for _ in range(height))
    parts = [chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))]
    parts += [chunk(b"IDAT", zlib.compress(rows))]
    if padding:
        parts.append(chunk(b"teXt", bytes(padding)))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts) + chunk(b"IEND", b"")


def wav(seconds=0.1, rate=24_000, pitch=440):
    """A tone."""
    made = io.BytesIO()
    with wave.open(made, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(rate)
        tone = (
            int(9000 * math.sin(2 * math.pi * pitch * n / rate)) for n in range(int(rate * seconds))
        )
        writer.writeframes(b"".join(struct.pack("<h", one) for one in tone))
    return made.getvalue()


JPG = b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0"
JPG += b"\xff\xc0\0\x0b\x08\0\x07\0\x09\x01\x01\x11\0"
GIF = b"GIF89a" + struct.pack("<HH", 5, 4) + b"\0\0\0;"
WEBP = b"RIFF\x1a\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + b"\x09\0\0" + b"\x04\0\0"
BMP = (
    b"BM" + struct.pack("<IHHI", 58, 0, 0, 54) + struct.pack("<IiiHH", 40, 1, -2, 1, 24) + bytes(28)
)
MP4 = b"\0\0\0\x18ftypisom\0\0\2\0isommp41" + bytes(16)
MP3 = b"\xff\xfb\x90\x64" + bytes(413)
OGG = b"OggS\0\2" + bytes(40)
AMR = b"#!AMR\n" + bytes(32)
HTML = b"<!doctype html><script>alert(1)</script>"


class Served:
    """An HTTP server: paths to answers; a callable is handed the request."""

    def __init__(self):
        self.answers = {}
        self.asked = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                outer.asked.append(self.path)
                found = outer.answers.get(self.path.partition("?")[0])
                if callable(found):
                    self.close_connection = True
                    with contextlib.suppress(OSError):
                        found(self)
                    return
                status = 404 if found is None else 200
                self.send_response(status)
                self.send_header("Content-Length", str(len(found or b"")))
                self.end_headers()
                self.wfile.write(found or b"")

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exc_info):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def redirect(place):
    """An answer that sends the client on."""

    def answer(handler):
        handler.send_response(302)
        handler.send_header("Location", place)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def announce(data, file_type=4, name="a.bin", **changed):
    """The body of ``upload_prepare`` for ``data``."""
    body = {
        "file_type": file_type,
        "file_size": str(len(data)),
        "file_name": name,
        "md5": hashlib.md5(data).hexdigest(),
        "sha1": hashlib.sha1(data).hexdigest(),
        "md5_10m": hashlib.md5(data[:FIRST_BYTES]).hexdigest(),
    }
    return {key: value for key, value in {**body, **changed}.items() if value is not None}


def put_parts(answer, data):
    """PUT every part and return what ``upload_part_finish`` is to be told of each."""
    told, at = [], 0
    for part in answer["parts"]:
        size = int(part["block_size"])
        piece = data[at : at + size]
        at += size
        response = requests.put(part["presigned_url"], data=piece, timeout=30)
        assert response.status_code == 200, response.text
        told.append(
            {
                "upload_id": answer["upload_id"],
                "part_index": part["index"],
                "block_size": len(piece),
                "md5": hashlib.md5(piece).hexdigest(),
            }
        )
    assert at == len(data)
    return told
