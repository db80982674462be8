"""All time of the client comes from one Clock; tests supply their own."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import threading


class Clock:
    """The machine's clocks, and the one way to wait."""

    def monotonic(self) -> float:
        """Return seconds that never jump; for durations."""
        return time.monotonic()

    def time(self) -> float:
        """Return Unix seconds; for what the platform and people see."""
        return time.time()

    def wait(self, event: threading.Event, seconds: float | None) -> bool:
        """Wait until ``event`` is set, at most ``seconds``; return whether it is set."""
        return event.wait(seconds)


class Deadline:
    """One amount of time that several steps share.

    Args:
        clock: Where time comes from.
        seconds: How long from now; None means no limit.
    """

    __slots__ = ("_clock", "_end")

    def __init__(self, clock: Clock, seconds: float | None) -> None:
        self._clock = clock
        self._end = None if seconds is None else clock.monotonic() + seconds

    def left(self) -> float | None:
        """Return the seconds left, never negative; None means no limit."""
        if self._end is None:
            return None
        return max(0.0, self._end - self._clock.monotonic())

    @property
    def passed(self) -> bool:
        """Whether nothing is left."""
        return self.left() == 0.0
