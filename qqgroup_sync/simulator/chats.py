"""One conversation: its history, and waiting for what a bot says in it."""

from __future__ import annotations

import threading
import time
from collections import deque
from itertools import islice
from typing import TYPE_CHECKING

from qqgroup_sync.simulator import transcript

if TYPE_CHECKING:
    from collections.abc import Callable

    from qqgroup_sync.simulator.platform import Platform
    from qqgroup_sync.simulator.records import ChatMessage

_TRANSCRIPT = 30


class ConversationError(AssertionError):
    """A bot did not say what a test waits for; the text shows what was said instead."""


class Chat:
    """What a group and a user have in common.

    Args:
        platform: The platform it is part of.
        name: The name people know it by.
        openid: The id bots know it by.
    """

    def __init__(self, platform: Platform, name: str, openid: str) -> None:
        self.platform = platform
        self.name = name
        self.openid = openid
        self._history: deque[ChatMessage] = deque()
        self._by_id: dict[str, ChatMessage] = {}
        self._by_reference: dict[str, ChatMessage] = {}
        self._replies: deque[ChatMessage] = deque(maxlen=platform.message_history)
        self._count = 0
        self._arrived = threading.Condition(platform.lock)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r} {self.openid}>"

    @property
    def messages(self) -> list[ChatMessage]:
        """Everything said here that is still remembered, oldest first."""
        with self.platform.changing():
            self.platform.streams.sweep()
            return list(self._history)

    @property
    def transcript(self) -> str:
        """The last lines of the conversation as text."""
        if self.platform.narrator is not None:
            return self.platform.narrator(self)
        lines = [transcript.line(message) for message in self.messages[-_TRANSCRIPT:]]
        return "\n".join(lines) or "(nothing was said)"

    def next_reply(self, timeout: float = 5.0) -> ChatMessage:
        """Wait for the next message of a bot that this method has not returned before.

        Args:
            timeout: Real seconds to wait.

        Raises:
            AssertionError: None came; the text is the conversation.
        """
        __tracebackhide__ = True  # pytest shows the line of the test
        with self.platform.lock:
            self._arrived.wait_for(lambda: self._replies, timeout)
            if self._replies:
                return self._replies.popleft()
        raise ConversationError(
            f"no bot said anything new in {self.name!r} within {timeout:g} s:\n{self.transcript}"
        )

    def no_reply(self, timeout: float = 5.0) -> None:
        """Assert that the bots have nothing left to do and said nothing new here.

        It waits until the last handler has ended, not for a time. Only the testing kit knows
        when that is: it needs the ``qq`` fixture, or ``SimulatedQQ``.

        Args:
            timeout: Real seconds that the handlers may take.

        Raises:
            AssertionError: Something was said, or a handler still runs; the text is the
                conversation.
        """
        __tracebackhide__ = True
        wait_idle = self.platform.wait_idle
        if wait_idle is None:
            raise RuntimeError("no_reply() needs the testing kit: the qq fixture, or SimulatedQQ")
        wait_idle(timeout)
        with self.platform.lock:
            said = list(self._replies)
        if said:
            raise ConversationError(
                f"{len(said)} message(s) of a bot in {self.name!r} that nobody asked for: "
                f"{said[0]!r}\n{self.transcript}"
            )

    def wait_for(
        self, predicate: Callable[[ChatMessage], object], timeout: float = 5.0
    ) -> ChatMessage:
        """Wait for a message, by whomever and whenever said, that ``predicate`` accepts.

        Args:
            predicate: Called once per message, oldest first, outside the platform's lock.
            timeout: Real seconds to wait.

        Raises:
            AssertionError: None came; the text is the conversation.
        """
        deadline = time.monotonic() + timeout
        seen = 0
        while True:
            with self.platform.lock:
                while self._count == seen and (left := deadline - time.monotonic()) > 0:
                    self._arrived.wait(left)
                new = min(self._count - seen, len(self._history))
                fresh = list(islice(reversed(self._history), new))[::-1]
                seen = self._count
            for message in fresh:
                if predicate(message):
                    return message
            if not fresh and time.monotonic() >= deadline:
                raise ConversationError(
                    f"no such message in {self.name!r} within {timeout} s:\n{self.transcript}"
                )

    def wait_finished(self, message: ChatMessage, timeout: float = 5.0) -> ChatMessage:
        """Wait until a streamed message is complete, or has fallen back to its first frame.

        Args:
            message: One of this chat.
            timeout: Real seconds to wait.

        Raises:
            AssertionError: It is neither; or it is no streamed message.
        """

        def finished() -> bool:
            self.platform.streams.sweep()
            return message.stream is None or message.stream.state != "generating"

        with self.platform.changing():
            ended = self._arrived.wait_for(finished, timeout)
        if message.stream is None or not ended:
            raise ConversationError(f"{message!r} was not finished: {message.stream!r}")
        return message

    def changed(self) -> None:
        """Wake those who wait for a message to change; the platform's lock must be held."""
        self._arrived.notify_all()

    def add(self, message: ChatMessage) -> None:
        """Append a message; the platform's lock must be held."""
        self._history.append(message)
        self._by_id[message.id] = message
        self._by_reference[message.ref_idx] = message
        if message.from_bot:
            self._replies.append(message)
        if len(self._history) > self.platform.message_history:
            old = self._history.popleft()
            self._by_id.pop(old.id, None)
            self._by_reference.pop(old.ref_idx, None)
        self._count += 1
        self._arrived.notify_all()

    @property
    def newest(self) -> ChatMessage | None:
        """The last message, None when there is none; the platform's lock must be held."""
        return self._history[-1] if self._history else None

    def find(self, message_id: str) -> ChatMessage | None:
        """Return a remembered message; the platform's lock must be held."""
        return self._by_id.get(message_id)

    def find_reference(self, ref_idx: str) -> ChatMessage | None:
        """Return the message with that REFIDX; the platform's lock must be held."""
        return self._by_reference.get(ref_idx)
