"""Who has which lane, and who waits behind it. Not thread-safe: its pool holds a lock."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable


class Job(NamedTuple):
    """Something to run in a lane; None is in no particular order."""

    lane: Hashable | None
    run: Callable[[], object]


class Return:
    """How a waiting handler comes back into its lane.

    Attributes:
        lane: Which one; None when it kept it, or had none.
        turn: Set when the lane is its own again; None until it stands in line.
    """

    __slots__ = ("lane", "turn")

    def __init__(self, lane: Hashable | None) -> None:
        self.lane = lane
        self.turn: threading.Event | None = None


class _Lane:
    """What waits behind a busy lane: handlers that come back first, then new jobs."""

    __slots__ = ("returning", "waiting")

    def __init__(self) -> None:
        self.waiting: deque[Job] = deque()
        self.returning: deque[threading.Event] = deque()


class LaneOrder:
    """The busy lanes.

    Attributes:
        behind: How many jobs wait for their lane.
    """

    def __init__(self) -> None:
        self._lanes: dict[Hashable, _Lane | None] = {}  # a lane stands here while it is busy
        self.behind = 0
        self._closed = False

    def enter(self, job: Job) -> bool:
        """Take a job's lane, or let the job wait behind it; return whether it may run now."""
        lane = job.lane
        if lane is None:
            return True
        if lane not in self._lanes:
            self._lanes[lane] = None
            return True
        self._behind(lane).waiting.append(job)
        self.behind += 1
        return False

    def leave(self, lane: Hashable | None) -> Job | None:
        """Hand a lane to who waits for it; return the job that may run now, if it is one."""
        if lane is None or lane not in self._lanes:
            return None
        entry = self._lanes[lane]
        if entry is not None and entry.returning:
            entry.returning.popleft().set()
        elif entry is not None and entry.waiting:
            self.behind -= 1
            return entry.waiting.popleft()
        else:
            del self._lanes[lane]
        return None

    def book(self, coming: Return) -> threading.Event:
        """Let a handler stand in line for its lane, if it does not yet; return its turn."""
        turn = coming.turn
        if turn is None:
            turn = coming.turn = threading.Event()
            lane = coming.lane
            if lane is None or self._closed:
                turn.set()
            elif lane in self._lanes:
                self._behind(lane).returning.append(turn)
            else:
                self._lanes[lane] = None
                turn.set()
        return turn

    def _behind(self, lane: Hashable) -> _Lane:
        entry = self._lanes[lane]
        if entry is None:
            entry = self._lanes[lane] = _Lane()
        return entry

    def close(self) -> int:
        """Let no new job run, and every handler come back; return how many jobs waited."""
        self._closed = True
        left, self.behind = self.behind, 0
        for entry in self._lanes.values():
            if entry is not None:
                entry.waiting.clear()
                for turn in entry.returning:
                    turn.set()
        return left
