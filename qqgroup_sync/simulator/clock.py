"""The simulator's time: one clock that can be sped up and stepped. Knows nothing about QQ."""

from __future__ import annotations

import threading
import time


class SimulatedClock:
    """Wall-clock seconds that run at a chosen speed and can be moved forward.

    Windows, expiries and quotas of the simulated platform are all counted on it. Heartbeats are
    not: the client at the other end of a socket counts them in real seconds.

    Args:
        speed: Simulated seconds per real second; 60 makes a minute pass in a second, 0 stands
            still until ``advance``.
        start: The first reading, seconds since the epoch; now when None.
    """

    def __init__(self, speed: float = 1.0, start: float | None = None) -> None:
        if speed < 0:
            raise ValueError(f"speed must not be negative, got {speed}")
        self._changed = threading.Condition()
        # Base, real time of the base, speed: one tuple, so that it is read whole without the lock.
        self._reading = (time.time() if start is None else start, time.monotonic(), speed)
        self._closed = False

    @property
    def speed(self) -> float:
        """Simulated seconds per real second."""
        return self._reading[2]

    @speed.setter
    def speed(self, speed: float) -> None:
        if speed < 0:
            raise ValueError(f"speed must not be negative, got {speed}")
        with self._changed:
            self._rebase(0.0, speed)
            self._changed.notify_all()

    def now(self) -> float:
        """Return the simulated time in seconds since the epoch."""
        return self._read()  # asked several times per message: one look at one tuple, no lock

    @property
    def ahead(self) -> float:
        """Seconds by which it is ahead of the real time."""
        return self.now() - time.time()

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass at once; waits that are due by then end.

        Args:
            seconds: How far to move; time never goes back.
        """
        if seconds < 0:
            raise ValueError(f"time cannot go back by {-seconds} s")
        with self._changed:
            self._rebase(seconds, self.speed)
            self._changed.notify_all()

    def wait(self, seconds: float) -> bool:
        """Block until ``seconds`` of simulated time have passed.

        Args:
            seconds: May be ``math.inf``: then only ``close`` ends the wait.

        Returns:
            True when the time has passed, False when the clock was closed before.
        """
        with self._changed:
            due = self._read() + seconds
            while not self._closed:
                left = due - self._read()
                if left <= 0:
                    return True
                real = left / self.speed if self.speed else threading.TIMEOUT_MAX
                self._changed.wait(min(real, threading.TIMEOUT_MAX))
            return False

    def open(self) -> None:
        """Allow waits again after ``close``."""
        with self._changed:
            self._closed = False

    def close(self) -> None:
        """End every wait, present and future; the time can still be read."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _read(self) -> float:
        base, since, speed = self._reading
        return base + (time.monotonic() - since) * speed

    def _rebase(self, forward: float, speed: float) -> None:
        self._reading = (self._read() + forward, time.monotonic(), speed)
