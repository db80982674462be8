"""Streamed answers: a message that grows while it is written.

Source: stream-message page, 2026-08: private chats only. In groups, which have no streams, the text
is collected and sent at the end.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from qqgroup_sync.errors import (
    ConfigError,
    QQGroupError,
    RateLimited,
    StateError,
    Text,
    may_have_acted,
)
from qqgroup_sync.events.models import Message
from qqgroup_sync.message import elements
from qqgroup_sync.message.chain import Chain
from qqgroup_sync.message.elements import Element, Markdown
from qqgroup_sync.message.markup import split
from qqgroup_sync.sending.addresses import address_of, source_of
from qqgroup_sync.sending.frames import FAILED, Frames
from qqgroup_sync.sending.presence import LAST_CALL
from qqgroup_sync.sending.sent import Sent

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from types import TracebackType

    from typing_extensions import Self

    from qqgroup_sync.api.endpoints import Endpoints
    from qqgroup_sync.events.models import Event
    from qqgroup_sync.runtime.clock import Clock
    from qqgroup_sync.sending.sender import Sender
    from qqgroup_sync.sending.sent import SentPart

logger = logging.getLogger(__name__)

INTERVAL = 0.5  # seconds between two frames


class Stream:
    """A message under way: ``with message.stream() as stream: stream.write("...")``.

    Used by one thread. Leaving the block sends what is left, also after an exception.

    Attributes:
        text: Everything written so far.
        sent: What the platform accepted; None before the block was left.
    """

    def __init__(self) -> None:
        self.text = ""
        self.sent: Sent | None = None
        self._closed = False

    def write(self, text: object) -> None:
        """Append text; blocks while a frame is sent, which is not at every call.

        Args:
            text: A str, a chain of nothing but text, or what ``str()`` makes text of, such as a
                number.

        Raises:
            ConfigError: It is no text: a picture, another element, bytes, None.
            StateError: The stream was closed.
            ReplyExpired: The message is too old to be answered.
            ApiError: The platform refuses.
        """
        if self._closed:
            raise StateError(
                "the stream was closed",
                remedy=Text("Write inside the with block.", "请在 with 代码块内写入。"),
            )
        self.text += _text_of(text)
        self._show()

    def close(self) -> None:
        """Send what is left and end the message; idempotent."""
        if not self._closed:
            self._closed = True
            self._finish()

    def _show(self) -> None:
        """Show what was written, if it is time."""

    def _finish(self) -> None:
        """Show everything, for good."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self.close()
        except QQGroupError as failure:
            if error is None:
                raise
            logger.warning("the streamed message could not be ended: %s", failure.summary)


def _text_of(content: object) -> str:
    """Return what can be streamed as text; nothing else may silently become text."""
    parts = list(content) if isinstance(content, Chain) else [content]
    for part in parts:
        medium = hasattr(part, "save") or hasattr(part, "savefig")  # a PIL image, a figure
        if medium or (
            isinstance(part, Element | bytes | bytearray | memoryview | list | tuple | None)
            and not isinstance(part, elements.Text)
        ):
            raise ConfigError(
                f"a stream takes text only, not {type(part).__name__}",
                remedy=Text(
                    "Send everything else with message.reply(), before or after the stream; of a"
                    ' piece that may be None write `piece or ""`.',
                    "其他内容请在流式消息之前或之后用 message.reply() 发送；"
                    '片段可能为 None 时请写 `piece or ""`。',
                ),
            )
    return "".join(str(part) for part in parts)


class CollectedStream(Stream):
    """What a stream is where there are none: one message at the end.

    Args:
        reply: Sends it.
    """

    def __init__(self, reply: Callable[[str], Sent]) -> None:
        super().__init__()
        self._reply = reply

    def _finish(self) -> None:
        if self.text.strip():
            self.sent = self._reply(self.text)


class C2CStream(Stream):
    """A stream to a user: messages that grow, one after the other where one cannot hold it.

    Args:
        frames: Sends what a message shows.
        recall: Takes a message back.
    """

    def __init__(self, frames: Frames, recall: Callable[[str], None]) -> None:
        super().__init__()
        self._frames = frames
        self._recall = recall
        self._parts: list[SentPart] = []
        self._place = 0  # where in the text the message begins

    @property
    def _pending(self) -> str:
        return self.text[self._place :]

    def _show(self) -> None:
        if not self._frames.due or not self._pending.strip():
            return
        try:
            self._part()
            if self._pending.strip() and self._pending != self._frames.shown:
                self._frames.show(self._pending)
        except (RateLimited, *FAILED) as error:
            if not self._frames.began:
                raise
            logger.info("%s; the next frame brings it", error.summary)

    def _finish(self) -> None:
        if self._pending.strip():
            self._part()
        if self._pending.strip():
            if not self._frames.began:
                self._frames.show(self._pending)
            self._parts.append(self._frames.end(self._pending))
        elif self._frames.began:
            self._parts.append(self._frames.end(self._frames.shown))
        if self._parts:
            self.sent = Sent(tuple(self._parts), False, self._recall)

    def _part(self) -> None:
        """End messages until one can hold what is pending."""
        frames = self._frames
        while len(self._pending) > frames.room:
            head = split(self._pending, frames.room, markdown=True)[0]
            if not head.startswith(frames.shown):  # a cut may strip what was shown already
                head = frames.shown
            self._parts.append(frames.end(head))
            rest = self._pending[len(head) :].lstrip("\n")
            self._place = len(self.text) - len(rest)
            frames.begin()


class Streams:
    """Begins streams and shows typing; safe from any thread.

    Args:
        endpoints: The platform's REST methods.
        sender: Sends what cannot be streamed.
        clock: Where time comes from.
        stop: Ends every wait.
    """

    def __init__(
        self, endpoints: Endpoints, sender: Sender, clock: Clock, stop: threading.Event
    ) -> None:
        self._endpoints = endpoints
        self._sender = sender
        self._budgets = sender.budgets
        self._clock = clock
        self._stop = stop

    def begin(self, event: Event, *, markdown: bool, interval: float | None) -> Stream:
        """Begin an answer that grows while it is written; in groups it is sent at the end."""
        scene, openid = address_of(event)
        if scene == "group":
            return CollectedStream(
                lambda text: self._sender.reply(event, Markdown(text) if markdown else text)
            )
        budget = self._budgets.of(event)
        self._sender.presence.wait(budget.ends - LAST_CALL)
        source = source_of(event)
        frames = Frames(
            partial(
                self._endpoints.send_stream_frame,
                openid,
                msg_id=source.get("msg_id"),
                event_id=source.get("event_id"),
                content_type="markdown" if markdown else "text",
            ),
            self._clock,
            self._stop,
            draw=lambda: self._budgets.draw(budget),
            patience=lambda: self._budgets.time_left(budget) - LAST_CALL,
            interval=INTERVAL if interval is None else interval,
        )
        return C2CStream(frames, lambda msg_id: self._sender.recall(scene, openid, msg_id))

    def show_typing(self, event: Event, seconds: int) -> bool:
        """Show a user that an answer is being written; return whether he is shown.

        The notice uses up one reply, so the last one is kept for the answer.
        """
        scene, openid = address_of(event)
        budget = self._budgets.of(event)
        if scene == "group" or self._budgets.left(event) < 2 or not isinstance(event, Message):
            return False
        try:
            self._endpoints.send_typing(
                openid, msg_id=event.id, msg_seq=self._budgets.draw(budget), seconds=seconds
            )
        except QQGroupError as error:
            if not may_have_acted(error):
                self._budgets.give_back(budget)
            logger.info("typing could not be shown: %s", error.summary)
            return False
        return True
