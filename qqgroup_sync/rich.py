"""Pieces of HTML for rich displays: everything is escaped and masked, nothing is loaded."""

from __future__ import annotations

import time
from html import escape
from typing import TYPE_CHECKING

from qqgroup_sync.masking import mask

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LONGEST = 200  # characters of a cell of a table
_CELL = "text-align:left"


def text(value: object, longest: int = LONGEST) -> str:
    """Return a value as HTML text, shortened, its secrets hidden."""
    told = mask(value)
    return escape(told if len(told) <= longest else told[:longest] + "…")


def moment(seconds: float | None) -> str:
    """Return a Unix time as the time of day here; "" for none."""
    return time.strftime("%H:%M:%S", time.localtime(seconds)) if seconds else ""


def table(head: Sequence[object], rows: Iterable[Sequence[object]]) -> str:
    """Return a table with a head."""
    body = "".join(_row("td", row) for row in rows)
    return f"<table><thead>{_row('th', head)}</thead><tbody>{body}</tbody></table>"


def facts(title: object, pairs: Iterable[tuple[str, object]]) -> str:
    """Return a title and a table of names and values; empty values are left out."""
    rows = "".join(
        f'<tr><th style="{_CELL}">{text(name)}</th><td style="{_CELL}">{text(value)}</td></tr>'
        for name, value in pairs
        if value not in (None, "", (), 0)
    )
    return f"<div><b>{text(title)}</b></div><table><tbody>{rows}</tbody></table>"


def _row(tag: str, values: Sequence[object]) -> str:
    cells = "".join(f'<{tag} style="{_CELL}">{text(value)}</{tag}>' for value in values)
    return f"<tr>{cells}</tr>"
