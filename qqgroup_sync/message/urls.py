"""URLs in plain text, which groups refuse (code 40054010).

Source: error table and product page, 2026-08/09. The platform's detection is fuzzy: anything that
looks like a host name counts, also ``crawler.py``, because ``.py`` is a top-level domain.
"""

from __future__ import annotations

import re

# ASCII only, but for hosts after a scheme: in Chinese text no space stands before or after a URL.
# A name without scheme begins neither within a word nor after the @ of an e-mail address. Its last
# part is taken whole or not at all, (?=(...))\1: else a long one would be tried in every length.
_URL = re.compile(
    r"(?ixa) https?://(?:[^\x00-\x7f]{1,63}\.)*[!#-&(-;=?-~]*"
    r" | (?<![a-z0-9@.])(?<![a-z0-9@.]-)"
    r"   [a-z0-9][a-z0-9-]{0,62}(?:\.[a-z0-9-]{1,63})*\.(?=([a-z]{2,}))\1 (?![\w.+-]{0,64}@ | ://)"
    r"   (?::\d+)? (?:[/?\#][!#-&(-;=?-~]*)?"
)
_SCHEME = re.compile(r"(?i)https?://")
_TRAILING = ".,;:!?)]}"


def has_url(text: str) -> bool:
    """Return whether the platform may take part of the text for a URL."""
    return ("." in text or "://" in text) and _URL.search(text) is not None


def with_dots(text: str) -> str:
    """Return the text with every URL as ``example。com/x``: readable, but not clickable.

    The scheme goes, too: ``https://`` alone is taken for a URL.
    """

    def dotted(match: re.Match[str]) -> str:
        url = _without_punctuation(match.group())
        return _SCHEME.sub("", url).replace(".", "。") + match.group()[len(url) :]

    while has_url(text):  # where a scheme stood, what is left may be a name again
        text = _URL.sub(dotted, text)
    return text


def as_markdown(text: str) -> str:
    """Return the text as markdown in which every URL is a link."""
    parts: list[str] = []
    end = 0
    for match in _URL.finditer(text):
        url = _without_punctuation(match.group())
        if _SCHEME.fullmatch(url):
            continue  # there is no host to link to
        before = escape_markdown(text[end : match.start()])
        parts.append(f"{before[:-1]}\\!" if before.endswith("!") else before)  # else a picture
        target = url if url.lower().startswith(("http://", "https://")) else f"https://{url}"
        target = target.replace("(", "%28").replace(")", "%29").replace("\\", "%5C")
        parts.append(f"[{escape_markdown(url)}]({target})")
        end = match.start() + len(url)
    parts.append(escape_markdown(text[end:]))
    return "".join(parts)


def _without_punctuation(url: str) -> str:
    """Return the URL without the end of the sentence around it."""
    while url[-1] in _TRAILING and not (url[-1] == ")" and url.count("(") >= url.count(")")):
        url = url[:-1]
    return url


# Characters that are markup anywhere; headings, lists, rules and tables at the start of a line.
_MARKUP = re.compile(
    r"(?m)([\\`*_~\[\]<>]|&(?=\#?\w{1,31};))"
    r"|^([ \t]*(?:\d{1,9}(?=[.)](?:\s|$)))?)"
    r"(\#|[+-](?=\s|$)|[-=|:](?=[-=|: \t\r]*$)|(?<=\d)[.)])"
)


def escape_markdown(text: str) -> str:
    """Return markdown that shows the text as it is."""
    return _MARKUP.sub(
        lambda match: (
            f"\\{match.group(1)}" if match.group(1) else f"{match.group(2)}\\{match.group(3)}"
        ),
        text,
    )
