"""Streamed answers: a message that grows while it is written.

Source: stream-message page, 2026-08: private chats only; every frame holds the whole text so far;
``index`` counts frames, ``msg_seq`` stays; without a last frame the client rolls the message back.
At least 0.3 s between frames, and a refused frame is repeated under a new index (official Node SDK,
2026). In groups, which have no streams, the text is collected and sent at the end.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from qqgroup_sync.errors import (
    ApiError,
    ConfigError,
    DuplicateMessage,
    QQGroupError,
    RateLimited,
    StateError,
    Text,
    TransportError,
)
from qqgroup_sync.events.models import Message
from qqgroup_sync.message import elements
from qqgroup_sync.message.chain import Chain
from qqgroup_sync.message.elements import Element, Markdown
from qqgroup_sync.message.markup import split
from qqgroup_sync.sending.addresses import address_of, source_of
from qqgroup_sync.sending.sender import LAST_CALL
from qqgroup_sync.sending.sent import Sent, SentPart

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from types import TracebackType

    from typing_extensions import Self

    from qqgroup_sync.api.endpoints import Endpoints
    from qqgroup_sync.api.records import SentMessage
    from qqgroup_sync.events.models import Event
    from qqgroup_sync.runtime.clock import Clock
    from qqgroup_sync.sending.sender import Sender

logger = logging.getLogger(__name__)

INTERVAL = 0.5  # seconds between two frames
RETRIES = (1.0, 2.0, 4.0)  # seconds before a frame that came too fast is repeated
FIRST_ROOM = 1500  # characters of a message, until the platform tells how many there may be
LEAST_LEFT = 50  # characters of them that stay free


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
    """A stream to a user.

    Args:
        endpoints: The platform's REST methods.
        clock: Where time comes from.
        stop: Ends every wait.
        openid: Of the user.
        source: ``msg_id`` or ``event_id`` of what is answered.
        draw: Uses one reply up and returns its ``msg_seq``.
        recall: Takes a message back.
        markdown: Whether the text is markdown.
        interval: Seconds between two frames.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        clock: Clock,
        stop: threading.Event,
        *,
        openid: str,
        source: dict[str, str],
        draw: Callable[[], int],
        recall: Callable[[str], None],
        markdown: bool = True,
        interval: float = INTERVAL,
    ) -> None:
        super().__init__()
        self._endpoints = endpoints
        self._clock = clock
        self._stop = stop
        self._openid = openid
        self._source = source
        self._draw = draw
        self._recall = recall
        self._content_type = "markdown" if markdown else "text"
        self._interval = interval
        self._parts: list[SentPart] = []
        self._room = FIRST_ROOM
        self._begin(0)
        self._next_at = float("-inf")

    def _begin(self, place: int) -> None:
        """Begin a message with the text from ``place`` on."""
        self._place = place
        self._shown = ""
        self._index = 0
        self._msg_seq = 0
        self._lost = False  # whether a frame may or may not have arrived
        self._first: SentMessage | None = None

    @property
    def _pending(self) -> str:
        return self.text[self._place :]

    def _show(self) -> None:
        if self._clock.monotonic() < self._next_at or not self._pending.strip():
            return
        try:
            self._send_pending()
        except TransportError as error:
            if self._first is None:
                raise  # nothing tells what the message that may have begun is called
            logger.info("%s; the next frame brings it", error.summary)

    def _finish(self) -> None:
        if self._pending.strip():
            self._send_pending()
            self._end(self._pending)
        elif self._first is not None:
            self._end(self._shown)
        if self._parts:
            self.sent = Sent(tuple(self._parts), False, self._recall)

    def _send_pending(self) -> None:
        """Show what is pending; in further messages where one cannot hold it."""
        while len(self._pending) > self._room:
            head = split(self._pending, self._room, markdown=True)[0]
            if not head.startswith(self._shown):  # a cut may strip what was shown already
                head = self._shown
            self._end(head)
            rest = self._pending[len(head) :].lstrip("\n")
            self._begin(len(self.text) - len(rest))
        if self._pending.strip() and self._pending != self._shown:
            self._frame(self._pending, 1)

    def _end(self, content: str) -> None:
        """Send the last frame of a message."""
        first = self._frame(content, 10)
        self._parts.append(SentPart(first.id, first.timestamp, first.ref_idx))

    def _frame(self, content: str, state: Any) -> SentMessage:
        """Send a frame; again when it came too fast, and the last one also when it got lost."""
        if not self._msg_seq:
            self._msg_seq = self._draw()
        last, resent = state == 10 and self._first is not None, False
        for wait in (*RETRIES, None):
            try:
                return self._post(content, state)
            except (RateLimited, TransportError) as error:
                resent = resent or isinstance(error, TransportError)
                again = last or isinstance(error, RateLimited)
                if not again or wait is None or self._clock.wait(self._stop, wait):
                    raise
            except DuplicateMessage as error:
                if self._first is not None or self._lost:
                    raise
                # The process died in the middle of this answer: what was shown rolls back, and
                # nothing tells how that message was called. A whole one takes its place.
                logger.info("%s; the answer begins again", error.summary)
                self._msg_seq, self._index = self._draw(), 0
            except ApiError as error:
                if self._lost:  # a frame that got lost had arrived after all: its index is taken
                    self._lost = False
                    self._index += 1
                elif last and resent and self._first is not None:
                    logger.info("%s; the last frame had arrived", error.summary)
                    return self._first
                else:
                    raise
        raise AssertionError  # unreachable: the last turn returns or raises

    def _post(self, content: str, state: Any) -> SentMessage:
        early = self._next_at - self._clock.monotonic()
        if early > 0:  # the last frame of one message, and the first of the next
            self._clock.wait(self._stop, early)
        try:
            taken = self._endpoints.send_stream_frame(
                self._openid,
                content,
                index=self._index,
                msg_seq=self._msg_seq,
                msg_id=self._source.get("msg_id"),
                event_id=self._source.get("event_id"),
                stream_msg_id=self._first.id if self._first is not None else None,
                input_state=state,
                content_type=self._content_type,  # type: ignore[arg-type]  # one of the two
            )
        except TransportError:
            self._lost = True
            raise
        except RateLimited:
            self._index += 1
            raise
        finally:
            self._next_at = self._clock.monotonic() + self._interval
        self._index += 1
        self._lost = False
        self._first = self._first or taken
        self._shown = content
        if taken.remain_msg_len is not None:
            room = len(content) + taken.remain_msg_len
            self._room = max(LEAST_LEFT, room - LEAST_LEFT)
        return self._first


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
        self._sender.wait_for_gateway(self._budgets.time_left(budget) - LAST_CALL)
        return C2CStream(
            self._endpoints,
            self._clock,
            self._stop,
            openid=openid,
            source=source_of(event),
            draw=lambda: self._budgets.draw(budget),
            recall=lambda msg_id: self._sender.recall(scene, openid, msg_id),
            markdown=markdown,
            interval=INTERVAL if interval is None else interval,
        )

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
            logger.info("typing could not be shown: %s", error.summary)
            return False
        return True
