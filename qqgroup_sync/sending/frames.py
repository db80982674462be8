"""The frames of a streamed message: sent at a pace, again where they got lost, in order.

Source: stream-message page, 2026-08: every frame holds the whole text so far; ``index`` counts
frames from 0, ``msg_seq`` stays; without a last frame the client rolls the message back. At least
0.3 s between frames, and a refused frame is repeated under a new index (official Node SDK, 2026).
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from qqgroup_sync.api.repeating import OUTAGE_WAIT
from qqgroup_sync.errors import (
    ApiError,
    BadResponse,
    DuplicateMessage,
    NotConnected,
    NotFound,
    QQGroupError,
    RateLimited,
    ServerError,
    TransportError,
    may_have_acted,
)
from qqgroup_sync.sending.sent import SentPart

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from qqgroup_sync.api.records import SentMessage
    from qqgroup_sync.runtime.clock import Clock

logger = logging.getLogger(__name__)

RETRIES = (1.0, 2.0, 4.0)  # seconds before a frame that came too fast or got lost is repeated
ROLLED_BACK_AFTER = 60.0  # seconds without a frame after which the client may roll a message back
FIRST_ROOM = 1500  # characters of a message, until the platform tells how many there may be
LEAST_LEFT = 50  # characters of them that stay free
FAILED = (TransportError, BadResponse, ServerError)  # the same may succeed soon


class Frames:
    """The frames of one message after the other. Used by one thread.

    Args:
        post: Sends a frame; ``MessageCalls.send_stream_frame`` for one user and question.
        clock: Where time comes from.
        stop: Ends every wait.
        draw: Uses one reply up and returns its ``msg_seq``.
        patience: Returns the seconds for which frames may wait until they can be sent.
        interval: Seconds between two frames.

    Attributes:
        room: Characters that a message can hold.
        shown: What the message shows.
    """

    def __init__(
        self,
        post: Callable[..., SentMessage],
        clock: Clock,
        stop: threading.Event,
        *,
        draw: Callable[[], int],
        patience: Callable[[], float],
        interval: float,
    ) -> None:
        self._send = post
        self._clock = clock
        self._stop = stop
        self._draw = draw
        self._patience = patience
        self._interval = interval
        self._next_at = self._taken_at = float("-inf")
        self.room = FIRST_ROOM
        self.begin()

    def begin(self) -> None:
        """Begin another message with the next frame."""
        self.shown = ""
        self._index = 0
        self._msg_seq = 0
        self._lost = False  # whether a frame may or may not have arrived
        self._ending: str | None = None  # what the last frame says that may or may not have
        self._first: SentMessage | None = None

    @property
    def began(self) -> bool:
        """Whether the message has a frame."""
        return self._first is not None

    @property
    def due(self) -> bool:
        """Whether the next frame can go out at once."""
        return self._clock.monotonic() >= self._next_at

    def show(self, content: str) -> None:
        """Send a frame; raises when that fails, and the next one may bring what it did not."""
        self._frame(content, last=False)

    def end(self, content: str) -> SentPart:
        """Send the last frame of the message."""
        first = self._frame(content, last=True)
        if first is None:
            return SentPart(deduplicated=True)
        return SentPart(first.id, first.timestamp, first.ref_idx)

    def _frame(self, content: str, *, last: bool) -> SentMessage | None:
        """Send a frame; the first and the last of a message until they are taken.

        Returns:
            The first frame; None when the whole message arrived and nothing tells what it is
            called.
        """
        if not self._msg_seq:
            self._msg_seq = self._draw()
        attempt = 0
        while True:
            try:
                return self._post(content, last=last)
            except (RateLimited, *FAILED) as error:
                if last and may_have_acted(error):
                    self._ending = content
                self._wait_after(error, attempt, last=last)
                attempt += 1
            except DuplicateMessage as error:
                if self._first is not None:
                    raise
                if self._lost and last:
                    return None
                # It began, in this process or in one that died, and nothing tells what it is
                # called: what was shown rolls back. A whole one takes its place.
                logger.info("%s; the answer begins again", error.summary)
                self._msg_seq, self._index, self._lost = self._draw(), 0, False
            except ApiError as error:
                if self._has_arrived(error, content if last else None):
                    return self._first

    def _wait_after(self, error: QQGroupError, attempt: int, *, last: bool) -> None:
        """Wait before a frame is sent again; raise its error when it is not to be."""
        wait = None
        if last or self._first is None or isinstance(error, RateLimited):
            if attempt < len(RETRIES):
                wait = RETRIES[attempt]
            elif isinstance(error, TransportError | BadResponse) and self._patience() > OUTAGE_WAIT:
                wait = OUTAGE_WAIT
        # One that has waited for the gateway in vain has waited long enough.
        if wait is None or isinstance(error, NotConnected) or self._clock.wait(self._stop, wait):
            raise error

    def _has_arrived(self, error: ApiError, ending: str | None) -> bool:
        """Return whether a refusal means that the last frame is there already.

        If not, another is to be sent under the next index; or the error is raised.
        """
        if self._first is None or type(error) not in (ApiError, NotFound):
            raise error
        if self._lost:  # a frame that got lost had arrived after all: its index is taken
            self._lost = False
            self._index += 1
            return False
        rolled_back = self._clock.monotonic() - self._taken_at >= ROLLED_BACK_AFTER
        if ending is None or ending != self._ending or rolled_back:
            raise error
        logger.info("%s; the last frame had arrived", error.summary)
        return True

    def _post(self, content: str, *, last: bool) -> SentMessage:
        early = self._next_at - self._clock.monotonic()
        if early > 0:  # the last frame of one message, and the first of the next
            self._clock.wait(self._stop, early)
        try:
            taken = self._send(
                content,
                index=self._index,
                msg_seq=self._msg_seq,
                stream_msg_id=self._first.id if self._first is not None else None,
                input_state=10 if last else 1,
                patience=self._patience(),
            )
        except RateLimited:
            self._index += self._first is not None  # the first frame has number 0
            raise
        except QQGroupError as error:
            self._lost = self._lost or may_have_acted(error)
            raise
        finally:
            self._next_at = self._clock.monotonic() + self._interval
        self._taken_at = self._clock.monotonic()
        self._index += 1
        self._lost = False
        self._first = self._first or taken
        self.shown = content
        if taken.remain_msg_len is not None:
            room = len(content) + taken.remain_msg_len
            self.room = max(LEAST_LEFT, room - LEAST_LEFT)
        return self._first
