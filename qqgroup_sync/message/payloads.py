"""From a chain to the request bodies that carry it: pure, no network, no clock.

Source: send-message pages, 2026-08: ``msg_type`` 0 is text, 2 markdown; ``content`` is empty when
``markdown`` is given; absent fields are left out, never null.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal

from qqgroup_sync.errors import ContentRejected
from qqgroup_sync.errors import Text as Sentence
from qqgroup_sync.message.elements import At, Element, Markdown, Quote, Text
from qqgroup_sync.message.urls import as_markdown, escape_markdown, has_url, with_dots

if TYPE_CHECKING:
    from collections.abc import Iterable

    from qqgroup_sync.message.chain import Chain
    from qqgroup_sync.settings import Urls

Scene = Literal["group", "c2c"]

TEXT, MARKDOWN = 0, 2
MAX_TEXT = 4000  # characters; no official number, more was refused in the field
_VISIBLE = re.compile("[^\\s\u200b-\u200f\u2060\ufeff]")
# What a cut must not part in markdown: an escape, a mention, a link or picture.
_WHOLE = re.compile(
    r"\\.|<qqbot-[^<>]{0,300}>|!?\[(?:\\.|[^\\\]]){0,300}\]\([^()\s]{0,2000}\)", re.DOTALL
)


def build(
    chain: Chain, *, scene: Scene, urls: Urls = "error", max_text: int = MAX_TEXT
) -> list[dict[str, Any]]:
    """Return the fewest request bodies that carry the chain in order.

    Args:
        chain: What to say.
        scene: ``group`` or ``c2c``.
        urls: What to do with URLs in plain text: leave them to the platform's judgement
            (``error``), replace their dots (``dots``), or send markdown links (``markdown``).
        max_text: Characters per message; longer texts are split, best at line breaks.

    Raises:
        ContentRejected: There is nothing to send.
    """
    quote = ""
    parts: list[Element] = []
    for element in chain:
        if isinstance(element, Quote):
            quote = element.ref_idx
        elif isinstance(element, At) and scene == "c2c":
            continue
        elif isinstance(element, Text) and parts and isinstance(parts[-1], Text):
            parts[-1] = Text(f"{parts[-1]}{element}")  # what is markup shows only in the whole
        else:
            parts.append(element)
    bodies = _bodies(parts, urls, max_text)
    if not bodies:
        raise ContentRejected(
            "the message is empty",
            reason="empty",
            cause=Sentence(
                "The platform takes no message without visible content.",
                "平台不接受没有可见内容的消息。",
            ),
            remedy=Sentence(
                "Send some text, or return None when there is nothing to say.",
                "请发送一些文字；没有要说的就返回 None。",
            ),
        )
    if quote:
        bodies[0]["message_reference"] = {"message_id": quote}
    return bodies


def _bodies(parts: list[Element], urls: Urls, max_text: int) -> list[dict[str, Any]]:
    if all(isinstance(part, Text) for part in parts):
        text = "".join(str(part) for part in parts)
        if urls != "markdown" or not has_url(text):
            text = with_dots(text) if urls == "dots" else text
            pieces = split(text, max_text, markdown=False)
            return [{"msg_type": TEXT, "content": piece} for piece in pieces]
        content = as_markdown(text)
    else:
        content = _as_markdown(parts, urls)
    pieces = split(content, max_text, markdown=True)
    return [{"msg_type": MARKDOWN, "markdown": {"content": piece}} for piece in pieces]


def _as_markdown(parts: Iterable[Element], urls: Urls) -> str:
    """Return one markdown text for mixed parts: text is escaped, blocks stand apart."""
    content = ""
    after_block = False
    for part in parts:
        if isinstance(part, Markdown):
            content = f"{content.rstrip()}\n\n{part.content}" if content.strip() else part.content
        else:
            if after_block:
                content = content.rstrip() + "\n\n"
            content += _inline(part, urls)
        after_block = isinstance(part, Markdown)
    return content


def _inline(part: Element, urls: Urls) -> str:
    if isinstance(part, At):
        return f'<qqbot-at-user id="{part.openid}" />'
    text = str(part)
    if urls == "dots":
        return escape_markdown(with_dots(text))
    return as_markdown(text) if has_url(text) else escape_markdown(text)


def split(text: str, limit: int, *, markdown: bool) -> list[str]:
    """Cut a text into pieces of at most ``limit`` characters; [] when nothing is visible.

    A cut is made at the last blank line, line break or space in the later half of a piece; in
    markdown not inside a mention, a link or an escape that fits into a piece.
    """
    pieces: list[str] = []
    while len(text) > limit:
        head = text[:limit]
        cut = limit
        for mark in ("\n\n", "\n", "。", " "):
            place = head.rfind(mark)
            if place >= limit // 2:
                cut = place + len(mark)
                break
        if markdown:
            cut = _before_the_whole(text, cut)
        pieces.append(text[:cut].rstrip())
        text = text[cut:].lstrip("\n")
    pieces.append(text)
    return [piece for piece in pieces if _VISIBLE.search(piece)]


def _before_the_whole(text: str, cut: int) -> int:
    """Return where to cut so that nothing is parted that belongs together."""
    for whole in _WHOLE.finditer(text, 0, cut + 3000):
        if whole.start() < cut < whole.end():
            return whole.start() or cut
    return cut
