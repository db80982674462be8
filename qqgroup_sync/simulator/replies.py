"""Reply windows, budgets and de-duplication (2.5). Pure: the caller gives the time.

Bounded: a window is forgotten once it has passed, and at most ``LIMIT`` of one length are
remembered.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qqgroup_sync.simulator.refusals import RefusalError

if TYPE_CHECKING:
    from collections.abc import Hashable

LIMIT = 100_000


@dataclass(slots=True)
class Window:
    """The right to answer one message or event, in one chat, for a while.

    Attributes:
        chat: Openid of the only chat it is good for.
        opened_at: When the message or event happened.
        seconds: How long it is good for.
        limit: How many answers it is good for.
        used: Answers accepted so far.
        sequences: Their ``msg_seq`` values; None while there are none, to stay small.
    """

    chat: str
    opened_at: float
    seconds: float
    limit: int
    used: int = 0
    sequences: set[int] | None = None


class ReplyBook:
    """Every open window, by the key under which it is answered."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        # One queue per length of window, so that the oldest entry is always the first to expire.
        self._queues: dict[float, OrderedDict[Hashable, Window]] = {}

    def __len__(self) -> int:
        return sum(len(queue) for queue in self._queues.values())

    def open(self, key: Hashable, *, chat: str, now: float, seconds: float, limit: int) -> None:
        """Remember that ``key`` may be answered from now on.

        Args:
            key: What answers refer to, such as ``(appid, msg_id)``.
            chat: Openid of the chat it belongs to.
            now: The time.
            seconds: Length of the window.
            limit: Number of answers.
        """
        queue = self._queues.setdefault(seconds, OrderedDict())
        queue[key] = Window(chat, now, seconds, limit)
        while queue and (len(queue) > self._limit or self._oldest(queue) + seconds < now):
            queue.popitem(last=False)

    @staticmethod
    def _oldest(queue: OrderedDict[Hashable, Window]) -> float:
        return next(iter(queue.values())).opened_at

    def find(self, key: Hashable) -> Window | None:
        """Return the window of ``key``, open or passed; None when it is not known (any more)."""
        return next((queue[key] for queue in self._queues.values() if key in queue), None)


def check(window: Window, *, now: float, sequence: int | None, expired: int) -> None:
    """Refuse an answer that ``window`` does not allow; change nothing.

    Args:
        window: What is answered.
        now: The time.
        sequence: The ``msg_seq``; None where it plays no part.
        expired: The code for a window that has passed.

    Raises:
        RefusalError: ``expired``, 40054005 (same ``msg_seq`` again) or 40034128 (too many).
    """
    if now > window.opened_at + window.seconds:
        raise RefusalError(expired, f"{now - window.opened_at:.0f} s old")
    if sequence is not None and window.sequences and sequence in window.sequences:
        raise RefusalError(40054005, f"msg_seq {sequence}")
    if window.used >= window.limit:
        raise RefusalError(40034128, f"{window.used} replies")


def spend(window: Window, *, sequence: int | None, counts: bool = True) -> None:
    """Note an accepted answer."""
    window.used += counts
    if sequence is not None:
        if window.sequences is None:
            window.sequences = set()
        window.sequences.add(sequence)
