"""All time of the client comes from one Clock; tests supply their own."""

from __future__ import annotations

import sys
import time
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable


def _choose() -> Callable[[], float]:
    """Return a clock that never jumps and goes on while the machine sleeps, where there is one.

    On Linux and macOS ``time.monotonic`` stands still meanwhile: tokens and reply windows would
    seem to live on.
    """
    name = {"linux": "CLOCK_BOOTTIME", "darwin": "CLOCK_MONOTONIC"}.get(sys.platform, "")
    number = getattr(time, name, None)
    if number is None:
        return time.monotonic
    try:
        time.clock_gettime(number)
    except OSError:  # an old kernel, or a sandbox
        return time.monotonic
    return partial(time.clock_gettime, number)


_steady = _choose()


class Clock:
    """The machine's clocks, and the one way to wait.

    Attributes:
        may_jump: Whether the time may change and nobody tells: the machine sleeps, or somebody
            sets its clock.
    """

    may_jump = True

    def monotonic(self) -> float:
        """Return seconds that never jump, and go on while the machine sleeps; for durations."""
        return _steady()

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
