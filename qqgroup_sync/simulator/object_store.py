"""What presigned addresses lead to: a store like COS for parts and files, and people's files.

It knows no access tokens: the address is all the permission there is, and an ``Authorization``
header beside it is a mistake that real stores refuse, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote
from xml.sax.saxutils import escape

from flask import Blueprint, Response, abort, g, request

from qqgroup_sync.simulator import formats
from qqgroup_sync.simulator.blobs import CHUNK, Blob
from qqgroup_sync.simulator.http_server import LENGTHS
from qqgroup_sync.simulator.images import KEY_PREFIX
from qqgroup_sync.simulator.links import DOWNLOAD_PATH, STORE_PATH
from qqgroup_sync.simulator.refusals import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qqgroup_sync.simulator.platform import Platform
    from qqgroup_sync.simulator.simulator import Simulator

_SHOWN = frozenset(
    {
        *(formats.PNG, formats.JPG, formats.GIF, formats.WEBP, formats.BMP, formats.MP4),
        *(formats.WAV, formats.MP3, formats.OGG, formats.FLAC, formats.M4A),
    }
)
_SHOWN_TYPES = frozenset(one.content_type for one in _SHOWN)
_SAFE = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
}


def create(simulator: Simulator) -> Blueprint:
    """Build the blueprint."""
    blueprint = Blueprint("object_store", __name__)
    platform = simulator.platform
    blueprint.register_error_handler(StoreError, _refuse)

    @blueprint.put(f"{STORE_PATH}<path:key>")
    def put(key: str) -> Response:
        """Take one part of a chunked upload."""
        _check_headers()
        platform.links.check("PUT", key, request.args, platform.clock.now())
        if key.startswith(KEY_PREFIX):
            content_type = request.headers.get("Content-Type", "")
            etag = platform.images.store(key, content_type, _arriving())
            return Response(status=200, headers={"ETag": f'"{etag}"'})
        uploads = platform.media.uploads
        upload, part = uploads.expect(key, request.content_length or 0)
        etag = uploads.store(upload, part, _arriving())
        return Response(status=200, headers={"ETag": f'"{etag}"'})

    @blueprint.get(f"{STORE_PATH}<path:key>")
    def get(key: str) -> Response:
        """Hand out a file by its ``raw_url``."""
        platform.links.check(request.method, key, request.args, platform.clock.now())
        with platform.lock:
            stored = _stored(platform, key)
        if stored is None:
            raise StoreError(404, "NoSuchKey", "The specified key does not exist.")
        return send(*stored)

    @blueprint.get(DOWNLOAD_PATH)
    def download() -> Response:
        """Hand out what a person sent, while its ``rkey`` is good (4.3)."""
        file_id = request.args.get("fileid", "")
        if not platform.links.admits(file_id, request.args.get("rkey", ""), platform.clock.now()):
            abort(403)
        with platform.lock:
            file = platform.media.shelf.find(file_id)
            blob = file.blob if file is not None else None
        if file is None or blob is None:
            abort(404)
        if request.args.get("format") != "wav":
            return send(blob, file.content_type, file.name)
        try:
            wav = file.wav
        except ValueError:
            abort(404)
        return send(Blob.of(wav), formats.WAV.content_type, f"{file.name}.wav")

    return blueprint


def _stored(platform: Platform, key: str) -> tuple[Blob, str, str] | None:
    """Return bytes, type and name of what a ``raw_url`` or a ``preview_url`` leads to."""
    if key.startswith(KEY_PREFIX):
        image = platform.images.find(key)
        if image is None or image.blob is None:
            return None
        return image.blob, image.content_type, image.id
    file = platform.media.shelf.find(key)
    if file is None or file.blob is None:
        return None
    return file.blob, file.content_type, file.name


def send(blob: Blob, content_type: str, name: str) -> Response:
    """Answer with bytes; what a browser might take for a page is a download."""
    shown = content_type in _SHOWN_TYPES
    response = Response(blob.pieces(), mimetype=content_type)
    response.content_length = blob.size
    response.headers.update(_SAFE)
    disposition = "inline" if shown else "attachment"
    response.headers["Content-Disposition"] = f"{disposition}; filename*=UTF-8''{quote(name)}"
    response.make_conditional(request, accept_ranges=True, complete_length=blob.size)
    return response


def _arriving() -> Iterator[bytes]:
    while piece := request.stream.read(CHUNK):
        yield piece


def _check_headers() -> None:
    """Refuse requests that real stores refuse, and that are easily sent by mistake."""
    if "chunked" in request.headers.get("Transfer-Encoding", "").lower():
        raise StoreError(411, "MissingContentLength", "You must provide a Content-Length header.")
    lengths = request.environ.get(LENGTHS, 0)
    if lengths == 0:
        raise StoreError(411, "MissingContentLength", "You must provide a Content-Length header.")
    if lengths > 1:
        raise StoreError(400, "InvalidRequest", "The Content-Length header is duplicated.")
    if "Authorization" in request.headers:
        raise StoreError(400, "InvalidArgument", "Only one authorization mechanism is allowed.")


def _refuse(error: StoreError) -> Response:
    text = (
        "<?xml version='1.0' encoding='utf-8' ?>\n<Error>\n"
        f"\t<Code>{error.code}</Code>\n\t<Message>{escape(error.message)}</Message>\n"
        f"\t<Resource>{escape(request.path)}</Resource>\n"
        f"\t<RequestId>{g.trace_id}</RequestId>\n</Error>\n"
    )
    return Response(text, error.status, mimetype="application/xml")
