"""When a task is due: by the steady clock or by a calendar, whatever the clocks do."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from qqgroup_sync.dispatch.timed_tasks import Trigger
    from qqgroup_sync.runtime.clock import Clock

JUMP = 2.0  # seconds between wall clock and steady clock that nobody calls drift
PAST = 1.0  # a date that lies this many seconds back still counts as "now" when a task is added
STEPS = 5_000  # missed times that are stepped over one by one, so that a trigger keeps its rhythm


class Moment(NamedTuple):
    """One look at both clocks.

    Attributes:
        elapsed: Seconds that only grow, the machine's sleep included.
        wall: Unix time.
    """

    elapsed: float
    wall: float


class Time:
    """Both clocks, and what happened between them since the look before."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._apart: float | None = None
        self._slept = 0.0
        self._set_back = 0.0

    def now(self) -> Moment:
        """Look at both clocks."""
        with self._lock:
            steady, wall = self._clock.monotonic(), self._clock.time()
            apart = wall - steady
            jump = 0.0 if self._apart is None else apart - self._apart
            self._apart = apart
            if jump > JUMP:  # the steady clock stands still in the sleep of most machines
                self._slept += jump
            elif jump < -JUMP:
                self._set_back -= jump
            return Moment(steady + self._slept, wall)

    def take_set_back(self) -> float:
        """Return by how many seconds the wall clock was set back since this was last asked."""
        with self._lock:
            seconds, self._set_back = self._set_back, 0.0
        return seconds


class Every:
    """Due again and again by the steady clock, from start to start."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def first(self, now: Moment) -> float | None:
        """Return when the first run is due."""
        return now.elapsed + self._seconds

    def after(self, due: float, now: Moment) -> float | None:
        """Return when the run after the one that was due is due."""
        following = due + self._seconds
        return following if following > now.elapsed else now.elapsed + self._seconds


class Calendar:
    """Due when a trigger says so, by the wall clock.

    All comparisons are of Unix times: those of datetimes take the two hours that a clock repeats
    in autumn for one.
    """

    def __init__(self, trigger: Trigger) -> None:
        self._trigger = trigger
        self._planned: datetime | None = None
        self._ran = False
        # Told the time before, an AndTrigger of cron triggers never ends (APScheduler 3.11.3).
        self._forgets = type(trigger).__name__ == "AndTrigger"

    def first(self, now: Moment) -> float | None:
        """Return when the first run is due."""
        moment = datetime.fromtimestamp(now.wall, timezone.utc)
        found = self._trigger.get_next_fire_time(None, moment)
        if found is not None and found.timestamp() < now.wall - PAST:
            found = self._step(found, moment)
        return self._plan(found)

    def after(self, due: float, now: Moment) -> float | None:
        """Return when the run after the one that was due is due."""
        if self._planned is None:  # what ran was the run at the start
            return self.first(now)
        self._ran = True
        return self._plan(self._step(self._planned, datetime.fromtimestamp(now.wall, timezone.utc)))

    def set_back(self, due: float, seconds: float, now: Moment) -> float | None:
        """Return the next time after the wall clock was set back.

        What comes round within the seconds that are lived through again is not kept waiting so
        long; what is rarer, such as a daily task, is not repeated for having been done already.
        """
        if self._planned is None:
            return now.wall
        moment = datetime.fromtimestamp(now.wall, timezone.utc)
        if not self._ran:
            return self._plan(self._trigger.get_next_fire_time(None, moment))
        fresh = self._next(moment, moment)
        if fresh is None or fresh.timestamp() <= now.wall:
            return due
        then = self._next(fresh, fresh)
        if then is None or then.timestamp() - fresh.timestamp() > seconds:
            return due
        return self._plan(fresh)

    def _plan(self, found: datetime | None) -> float | None:
        self._planned = found
        return None if found is None else found.timestamp()

    def _next(self, previous: datetime, now: datetime) -> datetime | None:
        if self._forgets:
            latest = max(previous, now, key=datetime.timestamp)
            return self._trigger.get_next_fire_time(None, latest + timedelta(microseconds=1))
        return self._trigger.get_next_fire_time(previous, now)

    def _step(self, planned: datetime, now: datetime) -> datetime | None:
        """Return the first time after now; all that was missed before counts as one."""
        found: datetime | None = planned
        for _ in range(STEPS):
            assert found is not None
            found = self._next(found, now)
            if found is None or found.timestamp() > now.timestamp():
                return found
        found = self._next(now, now)
        if found is not None and found.timestamp() <= now.timestamp():
            raise ValueError(f"{self._trigger!r} names no time after {now.isoformat()}")
        return found
