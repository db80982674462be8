"""How a chain looks in a notebook: an HTML fragment, with small pictures inside."""

from __future__ import annotations

import base64
from html import escape
from typing import TYPE_CHECKING

from qqgroup_sync.errors import MediaError
from qqgroup_sync.message.elements import At, Html, Image, Link, Markdown, Medium, Quote
from qqgroup_sync.message.keyboard import Keyboard

if TYPE_CHECKING:
    from qqgroup_sync.message.chain import Chain
    from qqgroup_sync.message.elements import Element

LARGEST_SHOWN = 2 * 1024 * 1024  # bytes of a picture that stands in the notebook file

_BUBBLE = (
    "display:inline-block;max-width:32em;padding:.6em .9em;border-radius:.6em;"
    "background:#e9f2ff;color:#111;white-space:pre-wrap"
)
_BUTTON = (
    "display:inline-block;margin:.2em;padding:.2em .8em;border:1px solid #7aa7e0;"
    "border-radius:.4em;background:#fff;color:#2166b8"
)


def as_html(chain: Chain) -> str:
    """Return the chain as an HTML fragment; nothing in it is loaded from elsewhere."""
    inside = "".join(_shown(element) for element in chain) or "<i>(empty)</i>"
    return f'<div style="{_BUBBLE}">{inside}</div>'


def _shown(element: Element) -> str:
    if isinstance(element, Image):
        return _picture(element)
    if isinstance(element, Keyboard):
        rows = (
            "".join(f'<span style="{_BUTTON}">{escape(one.label)}</span>' for one in row)
            for row in element.rows
        )
        return "".join(f"<div>{row}</div>" for row in rows)
    if isinstance(element, At | Link):
        return f'<span style="color:#2166b8">{escape(str(element))}</span>'
    if isinstance(element, Markdown):
        return f"<div>{escape(element.content)}</div>"
    if isinstance(element, Quote):
        return "<div><small>↪ quote</small></div>"
    if isinstance(element, Medium | Html):
        return f"<div><code>{escape(str(element))}</code></div>"
    return escape(str(element))


def _picture(image: Image) -> str:
    source = image.content
    if source.url or source.size > LARGEST_SHOWN:
        return f"<div><code>{escape(str(image))}</code></div>"
    try:
        data = base64.b64encode(source.read()).decode()
    except MediaError as error:
        return f"<div><code>{escape(error.summary)}</code></div>"
    kind = source.format.content_type
    return f'<div><img style="max-width:20em" src="data:{kind};base64,{data}"></div>'
