"""The files of the chat page: plain HTML, CSS and ES modules, served as they lie in the package."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from flask import Response, abort

if TYPE_CHECKING:
    from importlib.abc import Traversable

_TYPES = {
    "css": "text/css",
    "js": "text/javascript",
    "mjs": "text/javascript",
    "svg": "image/svg+xml",
}


def index() -> Response:
    """Answer with the page itself."""
    return Response((_folder() / "index.html").read_bytes(), mimetype="text/html")


def static(name: str) -> Response:
    """Answer with one file of the page; only names that are there are ever opened."""
    file = _known().get(name)
    if file is None:
        abort(404)
    return Response(file.read_bytes(), mimetype=_TYPES[name.rpartition(".")[2]])


def _folder() -> Traversable:
    return files("qqgroup_sync.simulator") / "page"


@cache
def _known() -> dict[str, Traversable]:
    found: dict[str, Traversable] = {}
    folders = [("", _folder())]
    for prefix, folder in folders:
        for one in folder.iterdir():
            if one.is_dir():
                folders.append((f"{prefix}{one.name}/", one))
            elif one.name.rpartition(".")[2] in _TYPES:
                found[f"{prefix}{one.name}"] = one
    return found
