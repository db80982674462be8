"""URLs in plain text, which groups refuse (code 40054010).

Source: error table and product page, 2026-08/09. The platform's detection is fuzzy: anything that
looks like a host name counts, also ``crawler.py``, because ``.py`` is a top-level domain.
"""

from __future__ import annotations

import re

_URL = re.compile(
    r"(?ix) (?<![\w@.-])"
    r"(?: https?://[^\s<>\"']+"
    r"  | (?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+ [a-z]{2,24} (?![\w.-]*\w@) (?::\d+)?"
    r"    (?:/[^\s<>\"']*)? )"
)
_SCHEME = re.compile(r"(?i)^https?://")
_TRAILING = ".,;:!?)]}'\"，。；：！？）】」』"


def has_url(text: str) -> bool:
    """Return whether the platform may take part of the text for a URL."""
    return "." in text and _URL.search(text) is not None


def with_dots(text: str) -> str:
    """Return the text with every URL as ``example。com/x``: readable, but not clickable.

    The scheme goes, too: ``https://`` alone is taken for a URL.
    """
    return _URL.sub(lambda match: _SCHEME.sub("", match.group()).replace(".", "。"), text)


def as_markdown(text: str) -> str:
    """Return the text as markdown in which every URL is a link."""
    parts: list[str] = []
    end = 0
    for match in _URL.finditer(text):
        url = match.group().rstrip(_TRAILING)
        parts.append(escape_markdown(text[end : match.start()]))
        target = url if url.lower().startswith(("http://", "https://")) else f"https://{url}"
        parts.append(f"[{escape_markdown(url)}]({target})")
        end = match.start() + len(url)
    parts.append(escape_markdown(text[end:]))
    return "".join(parts)


_MARKUP = re.compile(r"([\\`*_~\[\]<>])|^([ \t]*)([#>+-]|\d+\.)(?=\s)", re.MULTILINE)


def escape_markdown(text: str) -> str:
    """Return markdown that shows the text as it is."""
    return _MARKUP.sub(
        lambda match: (
            f"\\{match.group(1)}" if match.group(1) else f"{match.group(2)}\\{match.group(3)}"
        ),
        text,
    )
