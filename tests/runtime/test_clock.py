"""Time: one clock, deadlines that several steps share."""

from __future__ import annotations

import threading
import time

from qqgroup_sync.runtime.clock import Clock, Deadline


def test_the_clock_is_the_machines():
    """Monotonic for durations, Unix time for people."""
    clock = Clock()
    assert abs(clock.time() - time.time()) < 5
    first = clock.monotonic()
    assert 0 <= clock.monotonic() - first < 5


def test_a_wait_ends_when_the_event_is_set():
    """The one way to wait can always be ended."""
    event = threading.Event()
    threading.Timer(0.01, event.set).start()
    assert Clock().wait(event, 30) is True
    assert Clock().wait(threading.Event(), 0.001) is False


def test_a_deadline_runs_out_and_stays_out(clock):
    """What is left is never negative, so that it can be passed to any wait."""
    deadline = Deadline(clock, 10)
    assert (deadline.left(), deadline.passed) == (10, False)
    clock.advance(4)
    assert deadline.left() == 6
    clock.advance(100)
    assert (deadline.left(), deadline.passed) == (0, True)


def test_no_limit_never_passes(clock):
    """None means as long as it takes."""
    deadline = Deadline(clock, None)
    clock.advance(1e9)
    assert (deadline.left(), deadline.passed) == (None, False)


def test_no_time_at_all_has_passed_at_once(clock):
    """``stop(0)`` does not wait."""
    assert Deadline(clock, 0).passed
