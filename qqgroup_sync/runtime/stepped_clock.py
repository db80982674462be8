"""A clock that tests move forward: what would take minutes is due at once."""

from __future__ import annotations

import threading
import time

from qqgroup_sync.runtime.clock import Clock

RESTING = 0.01  # seconds between two looks of a wait at the time
HURRYING = 0.0005  # the same while the time is being moved


class SteppedClock(Clock):
    """The machine's clocks, moved forward by ``advance``; between that, time passes as usual.

    A wait looks at the time again and again, because a thread cannot wait for its event and for
    the clock at once. Waits without a limit do not: only their event ends them.
    """

    may_jump = False

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._steady = 0.0
        self._wall = 0.0
        self._slice = RESTING
        self._waits: dict[object, float] = {}  # when each wait under way is over

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        return time.monotonic() + self._steady

    def time(self) -> float:
        """Return Unix seconds."""
        return time.time() + self._wall

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass at once."""
        with self._lock:
            self._steady += seconds
            self._wall += seconds

    def begin_anew(self, apart: float) -> None:
        """Show the machine's date again, ``apart`` seconds after all that was measured before.

        Tests that share objects, such as a client with rate limits, do not meet in time then.
        """
        with self._lock:
            self._steady += apart
            self._wall = 0.0

    def wait(self, event: threading.Event, seconds: float | None) -> bool:
        """Wait until ``event`` is set, at most ``seconds``; return whether it is set."""
        if seconds is None:
            return event.wait()
        key, due = object(), self.monotonic() + seconds
        with self._lock:
            self._waits[key] = due
        try:
            while not event.is_set() and (left := due - self.monotonic()) > 0:
                event.wait(min(left, self._slice))
        finally:
            with self._lock:
                del self._waits[key]
        return event.is_set()

    @property
    def due_in(self) -> float | None:
        """Seconds until the first wait is over; not above 0 while one is, but did not notice yet.

        None when nobody waits.
        """
        with self._lock:
            first = min(self._waits.values(), default=None)
        return None if first is None else first - self.monotonic()

    def hurry(self, on: bool) -> None:
        """Let waits look at the time more often, or as often as usual again."""
        self._slice = HURRYING if on else RESTING
