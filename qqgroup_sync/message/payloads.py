"""From a chain to the request bodies that carry it: pure, no network, no clock, no files.

Source: send-message pages, 2026-08: ``msg_type`` 0 is text, 2 markdown, 3 ark, 7 media;
``content`` is empty when ``markdown`` is given, and the caption beside ``media``; a keyboard goes
with markdown only; absent fields are left out, never null.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from qqgroup_sync.errors import ContentRejected
from qqgroup_sync.errors import Text as Sentence
from qqgroup_sync.message.elements import (
    Ark,
    At,
    AtAll,
    Element,
    Face,
    Image,
    Link,
    Markdown,
    MarkdownTemplate,
    Medium,
    Quote,
    Raw,
    Text,
    Video,
)
from qqgroup_sync.message.keyboard import Keyboard
from qqgroup_sync.message.markup import (
    at_markup,
    link_markup,
    picture_mark,
    pictures_in,
    split,
    without_marks,
)
from qqgroup_sync.message.urls import as_markdown, escape_markdown, has_url, with_dots

if TYPE_CHECKING:
    from collections.abc import Iterable

    from qqgroup_sync.message.chain import Chain
    from qqgroup_sync.settings import Urls

Scene = Literal["group", "c2c"]

TEXT, MARKDOWN, ARK, MEDIA = 0, 2, 3, 7
MAX_TEXT = 4000  # characters; no official number, more was refused in the field
URL_ROOM = 300  # characters that are kept free for the address of a picture in markdown
INVISIBLE = "\u200b"  # a keyboard needs markdown, and markdown needs content


@dataclass(slots=True)
class Payload:
    """One message to be posted.

    Attributes:
        body: The request body. ``media`` is missing until ``medium`` was uploaded, and the
            markdown holds marks until the addresses of ``pictures`` are known.
        medium: What the message carries.
        pictures: What is shown inside the markdown, by the number of its mark.
        builder: The chain's own builder; None for the client's.
    """

    body: dict[str, Any]
    medium: Medium | None = None
    pictures: dict[int, Image] | None = None
    builder: Any = None


def build(
    chain: Chain, *, scene: Scene, urls: Urls = "error", max_text: int = MAX_TEXT
) -> list[Payload]:
    """Return the fewest messages that carry the chain in order.

    Text before a picture or video becomes its caption; text with mentions, links, markdown or
    inline pictures becomes markdown; a keyboard hangs below the text before it, else below the
    text after it.

    Args:
        chain: What to say; pages to draw must have become pictures already.
        scene: ``group`` or ``c2c``.
        urls: What to do with URLs in plain text: leave them to the platform's judgement
            (``error``), replace their dots (``dots``), or send markdown links (``markdown``).
        max_text: Characters per message; longer texts are split, best at line breaks.

    Raises:
        ContentRejected: There is nothing to send.
    """
    builder = _Builder(scene, urls, max_text)
    quote = ""
    for element in chain:
        if isinstance(element, Quote):
            quote = element.ref_idx
        else:
            builder.add(element)
    payloads = builder.finish()
    if not payloads:
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
    for payload in payloads:
        payload.builder = chain.builder
    if quote:
        payloads[0].body["message_reference"] = {"message_id": quote}
    return payloads


class _Builder:
    """Gathers what can share a message, and closes the message when something cannot."""

    def __init__(self, scene: Scene, urls: Urls, max_text: int) -> None:
        self._scene = scene
        self._urls = urls
        self._max_text = max_text
        self._payloads: list[Payload] = []
        self._run: list[Element] = []  # text under construction
        self._keyboard: Keyboard | None = None  # waits for a text to hang below

    def add(self, element: Element) -> None:
        if isinstance(element, Keyboard):
            self._add_keyboard(element)
        elif isinstance(element, Medium) and not (isinstance(element, Image) and element.inline):
            self._add_medium(element)
        elif isinstance(element, MarkdownTemplate):
            self._close()
            self._append({"msg_type": MARKDOWN, "markdown": _template(element)})
        elif isinstance(element, Ark):
            self._close()
            self._append({"msg_type": ARK, "ark": _ark(element)})
        elif isinstance(element, Raw):
            self._close()
            self._append(dict(element.payload))
        elif not (isinstance(element, At) and self._scene == "c2c"):
            self._run.append(element)

    def _append(self, body: dict[str, Any], **media: Any) -> None:
        self._payloads.append(Payload(body, **media))

    def _add_keyboard(self, keyboard: Keyboard) -> None:
        last = self._payloads[-1].body if self._payloads else {}
        if not self._run and last.get("msg_type") == MARKDOWN and "keyboard" not in last:
            last["keyboard"] = keyboard.payload  # below a template
            return
        if self._keyboard is not None:
            self._close()
        keyboard.payload  # noqa: B018 - complain about an empty one before anything is sent
        self._keyboard = keyboard
        if self._run:
            self._close()

    def _add_medium(self, medium: Medium) -> None:
        caption = ""
        if isinstance(medium, Image | Video) and self._keyboard is None:
            *pieces, caption = self._plain_pieces() or [""]
            if caption:
                self._run = []
                for piece in pieces:
                    self._append({"msg_type": TEXT, "content": piece})
        self._close_text()
        body: dict[str, Any] = {"msg_type": MEDIA}
        if caption:
            body["content"] = caption
        self._append(body, medium=medium)

    def finish(self) -> list[Payload]:
        self._close()
        return self._payloads

    def _close(self) -> None:
        """End the text under construction, and with it what hangs below."""
        self._close_text()
        if self._keyboard is not None:
            keyboard, self._keyboard = self._keyboard, None
            body = {"msg_type": MARKDOWN, "markdown": {"content": INVISIBLE}}
            self._append({**body, "keyboard": keyboard.payload})

    def _close_text(self) -> None:
        """End the text under construction; a keyboard without text goes on waiting."""
        pieces = self._plain_pieces() if self._keyboard is None else None
        if pieces is not None:
            for piece in pieces:
                self._append({"msg_type": TEXT, "content": piece})
        else:
            self._append_markdown()
        self._run = []

    def _plain_pieces(self) -> list[str] | None:
        """Return the text as plain messages; None when only markdown can carry it."""
        if not all(isinstance(part, Text | AtAll | Face) for part in self._run):
            return None
        text = "".join(str(part) for part in self._run)
        if self._urls == "markdown" and has_url(text):
            return None
        text = with_dots(text) if self._urls == "dots" else text
        return split(text, self._max_text, markdown=False)

    def _append_markdown(self) -> None:
        pictures = [part for part in self._run if isinstance(part, Image)]
        content = _as_markdown(_merged(self._run), pictures, self._urls)
        limit = max(self._max_text // 2, self._max_text - URL_ROOM * len(pictures))
        pieces = split(content, limit, markdown=True)
        for piece in pieces:
            shown = {number: pictures[number] for number in pictures_in(piece)}
            self._append(
                {"msg_type": MARKDOWN, "markdown": {"content": piece}}, pictures=shown or None
            )
        if pieces and self._keyboard is not None:
            self._payloads[-1].body["keyboard"] = self._keyboard.payload
            self._keyboard = None


def _merged(run: Iterable[Element]) -> list[Element]:
    """Join neighbouring texts: what is markup shows only in the whole."""
    parts: list[Element] = []
    for part in run:
        if isinstance(part, AtAll | Face):
            part = Text(str(part))  # noqa: PLW2901 - they read as text
        if isinstance(part, Text) and parts and isinstance(parts[-1], Text):
            parts[-1] = Text(f"{parts[-1]}{part}")
        else:
            parts.append(part)
    return parts


def _as_markdown(parts: Iterable[Element], pictures: list[Image], urls: Urls) -> str:
    """Return one markdown text for mixed parts: text is escaped, blocks stand apart."""
    content = ""
    after_block = False
    marks = iter(range(len(pictures)))
    for part in parts:
        if isinstance(part, Markdown):
            block = without_marks(part.content)
            content = f"{content.rstrip()}\n\n{block}" if content.strip() else block
        else:
            if after_block:
                content = content.rstrip() + "\n\n"
            content += picture_mark(next(marks)) if isinstance(part, Image) else _inline(part, urls)
        after_block = isinstance(part, Markdown)
    return content


def _inline(part: Element, urls: Urls) -> str:
    if isinstance(part, At):
        return at_markup(part)
    if isinstance(part, Link):
        return link_markup(part)
    text = without_marks(str(part))
    if urls == "dots":
        return escape_markdown(with_dots(text))
    return as_markdown(text) if has_url(text) else escape_markdown(text)


def _template(template: MarkdownTemplate) -> dict[str, Any]:
    params = [
        {"key": key, "values": [value] if isinstance(value, str) else list(value)}
        for key, value in template.params.items()
    ]
    return {"custom_template_id": template.template_id} | ({"params": params} if params else {})


def _ark(ark: Ark) -> dict[str, Any]:
    if not hasattr(ark.kv, "items"):
        return {"template_id": ark.template_id, "kv": list(ark.kv)}
    kv: list[dict[str, Any]] = []
    for key, value in ark.kv.items():
        if isinstance(value, str):
            kv.append({"key": key, "value": value})
        else:
            rows = [
                {"obj_kv": [{"key": name, "value": text} for name, text in row.items()]}
                for row in value
            ]
            kv.append({"key": key, "obj": rows})
    return {"template_id": ark.template_id, "kv": kv}
