"""Clocks for tests: one that never makes anybody wait, one that runs fast."""

from __future__ import annotations

import time

from qqgroup_sync.runtime.clock import Clock

START = 1_784_599_200.0  # 2026-07-21T10:00:00+08:00


class ManualClock(Clock):
    """Time that passes only by :meth:`advance` or by a wait, which returns at once.

    Attributes:
        waits: The seconds of every wait so far.
        on_wait: Called with the seconds of each wait, before they pass.
    """

    def __init__(self, start=START):
        self.now = start
        self.waits = []
        self.on_wait = lambda _seconds: None

    def monotonic(self):
        return self.now - START + 1000.0

    def time(self):
        return self.now

    def advance(self, seconds):
        self.now += seconds

    def wait(self, event, seconds):
        self.waits.append(seconds)
        self.on_wait(seconds)
        if not event.is_set():
            self.advance(seconds)
        return event.is_set()


class ScaledClock(Clock):
    """The machine's clock, so many times faster: what takes ``speed`` seconds takes one."""

    def __init__(self, speed):
        self.speed = speed
        self.skipped = 0.0
        self._began = time.time() - time.monotonic() * speed

    def advance(self, seconds):
        """Let time jump forward; waits under way do not notice."""
        self.skipped += seconds

    def monotonic(self):
        return time.monotonic() * self.speed + self.skipped

    def time(self):
        return self._began + self.monotonic()

    def wait(self, event, seconds):
        return event.wait(None if seconds is None else seconds / self.speed)
