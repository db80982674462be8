"""Wait for what the bot says, chat by chat and in order."""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from typing import TYPE_CHECKING, Any

from qqgroup_sync.cli.happenings import is_complete
from qqgroup_sync.runtime.clock import Clock, Deadline

if TYPE_CHECKING:
    from qqgroup_sync.simulator.chats import Chat
    from qqgroup_sync.simulator.platform import Platform
    from qqgroup_sync.simulator.records import ChatMessage

QUIET = 0.4  # seconds without another answer before a text counts as answered


class Answers:
    """The answers that nobody has asked for yet.

    Args:
        platform: Where they are given.
    """

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
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
            if not self._changed.wait_for(lambda: waiting, deadline.left()):
                return None
            answer = waiting.popleft()
            self._changed.wait_for(lambda: is_complete(answer), deadline.left())
        return answer

    def settle(self, timeout: float) -> bool:
        """Wait for anything since ``forget``, and then until nothing more comes.

        Returns:
            Whether there was anything.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._count > self._heard, timeout):
                return False
            deadline = Deadline(Clock(), timeout)
            while self._changed.wait(QUIET) or (self._growing and not deadline.passed):
                pass
            return True
