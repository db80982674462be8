"""What answers HTTP in the resource service: a small Flask application.

It does not know who published a file, nor for how long. Flask and werkzeug are loaded inside the
functions: a bot that publishes nothing never pays for them.
"""

from __future__ import annotations

import logging
import mimetypes
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flask import Response


logger = logging.getLogger(__name__)

ROUTE = "/resource"

# What a browser may show in place. Anything else (HTML, SVG, PDF) is only ever saved, so that a
# published file cannot act as a page of the user's domain.
_SHOWN = ("image/", "audio/", "video/")
_NEVER_SHOWN = ("image/svg+xml",)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
}
_TYPES = {  # which the machine's own table often lacks
    ".silk": "audio/silk",
    ".slk": "audio/silk",
    ".amr": "audio/amr",
    ".flac": "audio/flac",
    ".m4a": "audio/mp4",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".webp": "image/webp",
    ".mp4": "video/mp4",
}
_LONGEST_RANGE = 200  # characters; a number of thousands of digits raises in int()


@dataclass(frozen=True, slots=True)
class Published:
    """A file that may be fetched.

    Attributes:
        path: Where it lies.
        content_type: What it is, a MIME type.
    """

    path: Path
    content_type: str


def is_shown(content_type: str) -> bool:
    """Tell whether a browser may show something in place."""
    return content_type.startswith(_SHOWN) and not content_type.startswith(_NEVER_SHOWN)


def entity_tag(size: int, changed: float) -> str:
    """Return what tells one version of a file from another; its name says which file it is."""
    return f"{changed}-{size}"


def content_type_of(suffix: str) -> str:
    """Return the MIME type for the suffix of a file name."""
    known = _TYPES.get(suffix.lower())
    return known or mimetypes.guess_type(f"file{suffix}")[0] or "application/octet-stream"


def build(find: Callable[[str], Published | None]) -> Callable[..., Any]:
    """Return the WSGI application.

    Args:
        find: Returns what was published under a name, None when nothing was. It is the only way
            from a URL to a file: no path is ever made from what a client sent.
    """
    from flask import Flask, Response, abort  # noqa: PLC0415 - heavy
    from werkzeug.exceptions import HTTPException  # noqa: PLC0415 - heavy

    app = Flask(__name__, static_folder=None, template_folder=None)
    app.url_map.merge_slashes = False  # it would answer // with a redirect

    def resource(name: str) -> Response:
        published = find(name)
        if published is None:
            abort(404)
        try:
            return _respond(name, published)
        except OSError:
            abort(404)  # withdrawn between the look and the opening

    def health() -> Response:
        return Response("ok\n", content_type="text/plain; charset=utf-8")

    @app.errorhandler(HTTPException)
    def refuse(error: HTTPException) -> Any:
        response = error.get_response()
        response.set_data(f"{error.name.lower()}\n")
        response.headers["Content-Type"] = "text/plain; charset=utf-8"
        return response

    @app.after_request
    def protect(response: Response) -> Response:
        response.headers.update(HEADERS)
        return response

    for rule, function in ((f"{ROUTE}/<name>", resource), ("/healthz", health)):
        app.add_url_rule(rule, view_func=function, methods=["GET"], provide_automatic_options=False)

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        environ["HTTP_HOST"] = "resource"  # nothing depends on what the client writes there
        if len(environ.get("HTTP_RANGE", "")) > _LONGEST_RANGE:
            del environ["HTTP_RANGE"]
        return app(environ, start_response)

    return application


def _respond(name: str, published: Published) -> Response:
    """Return the answer to a request for a file: all of it, a range, or "not modified"."""
    from flask import request, send_file  # noqa: PLC0415 - loaded by now
    from werkzeug.wsgi import wrap_file  # noqa: PLC0415 - loaded by now

    found, kind = published.path.stat(), published.content_type
    response = send_file(
        published.path,
        kind,
        as_attachment=not is_shown(kind),
        download_name=name,
        etag=entity_tag(found.st_size, found.st_mtime),
    )
    if response.status_code == 206 and response.content_range.start is not None:
        # Flask's own way copies a range through memory and holds one of few threads until the
        # client has taken it; a file that stands at its start leaves like any other.
        response.close()
        file = published.path.open("rb")
        file.seek(response.content_range.start)
        response.response = wrap_file(request.environ, file)
    return response
