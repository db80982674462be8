"""Wait for what the bot says, chat by chat and in order."""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from typing import TYPE_CHECKING, Any

from qqgroup_sync.cli.happenings import is_complete
from qqgroup_sync.runtime.clock import Clock, Deadline

if TYPE_CHECKING:
    from collections.abc import Callable

    from qqgroup_sync.simulator.chats import Chat
    from qqgroup_sync.simulator.platform import Platform
    from qqgroup_sync.simulator.records import ChatMessage

QUIET = 0.4  # seconds without another answer before a text counts as answered
_SLICE = 0.2  # seconds between two looks whether the bot is still there


class Answers:
    """The answers that nobody has asked for yet.

    Args:
        platform: Where they are given.
        alive: Tells whether the bot can still answer: nobody waits for one that has ended.
    """

    def __init__(self, platform: Platform, alive: Callable[[], bool]) -> None:
        self.alive = alive
        self._changed = threading.Condition()
        self._waiting: defaultdict[str, deque[ChatMessage]] = defaultdict(deque)
        self._growing: set[str] = set()
        self._count = 0
        self._heard = 0
        platform.subscribe(self._observe)

    def _observe(self, kind: str, record: Any) -> None:
        if kind != "stream" and not (kind == "message" and record.from_bot):
            return
        with self._changed:
            if kind == "message":
                self._waiting[record.chat.openid].append(record)
            if is_complete(record):
                self._growing.discard(record.id)
            else:
                self._growing.add(record.id)
            self._count += 1
            self._changed.notify_all()

    def forget(self) -> None:
        """Let what was answered so far be nobody's."""
        with self._changed:
            self._waiting.clear()
            self._heard = self._count

    def next(self, chat: Chat, timeout: float) -> ChatMessage | None:
        """Return the next answer in a chat, complete; None when none came in time."""
        deadline = Deadline(Clock(), timeout)
        with self._changed:
            waiting = self._waiting[chat.openid]
            if not self._wait_for(lambda: bool(waiting), deadline):
                return None
            answer = waiting.popleft()
            self._wait_for(lambda: is_complete(answer), deadline)
        return answer

    def settle(self, timeout: float) -> bool:
        """Wait for anything since ``forget``, and then until nothing more comes.

        Returns:
            Whether there was anything.
        """
        with self._changed:
            if not self._wait_for(lambda: self._count > self._heard, Deadline(Clock(), timeout)):
                return False
            deadline = Deadline(Clock(), timeout)
            while self._changed.wait(QUIET) or (
                self._growing and self.alive() and not deadline.passed
            ):
                pass
            return True

    def _wait_for(self, condition: Callable[[], bool], deadline: Deadline) -> bool:
        """Wait with the lock held until a condition holds; return whether it does."""
        while not condition():
            left = deadline.left()
            if not left or not self.alive():
                return condition()
            self._changed.wait(min(_SLICE, left))
        return True
