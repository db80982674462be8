"""Waits that notice when time jumps: the machine slept, the program was halted, a clock was set.

Most systems stop the monotonic clock while the machine sleeps, so a wait of a minute may end hours
later and still seem to have taken a minute. Therefore every wait is cut into slices, and after
each both clocks are looked at.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from qqgroup_sync.runtime.clock import Clock

SLICE = 2.0  # seconds between two looks at the clocks
LEAP = 5.0  # seconds that a busy machine is not late


class Waking(enum.Enum):
    """Why a wait ended."""

    SET = "the event was set"
    PASSED = "the time has passed"
    LEAPT = "time has jumped"
    NOTICED = "something else was noticed"


class Vigil:
    """Waits for one thread.

    Args:
        clock: Where time comes from.
        slice_: Seconds between two looks.

    Attributes:
        leap: Seconds of the last jump; negative when the wall clock was set back.
    """

    def __init__(self, clock: Clock, *, slice_: float = SLICE) -> None:
        self._clock = clock
        self._slice = slice_
        self._offset = clock.time() - clock.monotonic()
        self.leap = 0.0

    def wait(
        self,
        event: threading.Event,
        seconds: float,
        noticed: Callable[[], bool] | None = None,
    ) -> Waking:
        """Wait until the event is set, the time has passed, or something is noticed.

        Args:
            event: Ends the wait.
            seconds: How long, at most.
            noticed: Asked after each slice but the last one.
        """
        left = seconds
        sliced = noticed is not None or self._clock.may_jump
        while True:
            piece = min(left, self._slice) if sliced else left
            began = self._clock.monotonic()
            if self._clock.wait(event, piece):
                return Waking.SET
            late = self._clock.monotonic() - began - piece
            offset = self._clock.time() - self._clock.monotonic()
            # Also what happened since the wait before.
            drift, self._offset = offset - self._offset, offset
            self.leap = leap(late, drift)
            if self.leap and self._clock.may_jump:
                return Waking.LEAPT
            left -= piece  # what was asked for, so that a clock of a test may shorten waits
            if left <= 0:
                return Waking.PASSED
            if noticed is not None and noticed():
                return Waking.NOTICED


def leap(late: float, drift: float) -> float:
    """Return by how many seconds time has jumped; 0 when it has not.

    Args:
        late: How much longer a wait took than it was meant to, by the monotonic clock: the
            program was halted, or the machine slept and this clock went on.
        drift: By how much the wall clock went further: the machine slept and the monotonic clock
            stood still, or the wall clock was set.
    """
    found = drift if abs(drift) > late else late
    return found if abs(found) > LEAP else 0.0
