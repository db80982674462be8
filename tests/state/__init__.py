"""State: what outlives the process."""

from __future__ import annotations

from qqgroup_sync.runtime.clock import Clock, Deadline
from tests.clocks import ManualClock

LIMIT = 10.0  # seconds; a close that needs them has failed


class HandClock(ManualClock):
    """Time that passes only by :meth:`advance`: a waiting thread does not move it."""

    def wait(self, event, seconds):
        return event.wait(seconds)


def soon():
    """Return a deadline that only a failing test meets."""
    return Deadline(Clock(), LIMIT)
