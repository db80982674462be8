"""Waits that notice when time jumps, by a clock that does what a test says."""

from __future__ import annotations

import threading

import pytest

from qqgroup_sync.runtime.vigil import LEAP, SLICE, Vigil, Waking, leap
from tests.clocks import ManualClock


class SleepyClock(ManualClock):
    """A clock whose machine sleeps: the wall clock goes on, the monotonic one does not.

    Attributes:
        slept: Seconds so far.
    """

    def __init__(self):
        super().__init__()
        self.slept = 0.0

    def time(self):
        return super().time() + self.slept


@pytest.fixture
def clock():
    """Return a clock that can sleep."""
    return SleepyClock()


@pytest.fixture
def event():
    """Return what would end the wait."""
    return threading.Event()


def test_a_wait_passes(clock, event):
    """In slices, which together are as long as asked for."""
    assert Vigil(clock).wait(event, 2.5 * SLICE) is Waking.PASSED
    assert clock.waits == [SLICE, SLICE, SLICE / 2]


def test_a_wait_ends_with_its_event(clock, event):
    """At once, in whatever slice."""
    clock.on_wait = lambda _: event.set() if len(clock.waits) == 2 else None
    assert Vigil(clock).wait(event, 100) is Waking.SET
    assert len(clock.waits) == 2


def test_a_sleep_of_the_machine_ends_a_wait(clock, event):
    """In the slice in which it wakes up."""

    def sleep(_):
        clock.slept += 3600.0 if len(clock.waits) == 3 else 0.0

    clock.on_wait = sleep
    vigil = Vigil(clock)
    assert vigil.wait(event, 1000) is Waking.LEAPT
    assert (len(clock.waits), vigil.leap) == (3, 3600.0)
    assert vigil.wait(event, 2 * SLICE) is Waking.PASSED


def test_a_halted_program_ends_a_wait(clock, event):
    """SIGSTOP, or a machine whose monotonic clock goes on while it sleeps: the wait is late."""
    clock.on_wait = lambda _: clock.advance(120.0)
    vigil = Vigil(clock)
    assert vigil.wait(event, 1000) is Waking.LEAPT
    assert vigil.leap == 120.0


def test_a_clock_that_is_set_back_ends_a_wait(clock, event):
    """By a day, for example; a second is what time servers correct all the time."""

    def set_back(_):
        clock.slept -= 86_400.0

    clock.on_wait = set_back
    vigil = Vigil(clock)
    assert vigil.wait(event, 1000) is Waking.LEAPT
    assert vigil.leap == -86_400.0


@pytest.mark.parametrize("ahead", [-LEAP, -1.0, 0.0, 1.0, LEAP])
def test_a_busy_machine_does_not_leap(clock, event, ahead):
    """A little late is late, not a jump."""

    def dawdle(_):
        clock.slept += ahead

    clock.on_wait = dawdle
    assert Vigil(clock).wait(event, SLICE) is Waking.PASSED


def test_something_else_is_looked_at_in_between(clock, event):
    """After each slice but the last one, whose end is the end of the wait."""
    looks = []

    def noticed():
        looks.append(clock.monotonic())
        return len(looks) == 3

    assert Vigil(clock, slice_=1.0).wait(event, 10.0, noticed) is Waking.NOTICED
    assert len(clock.waits) == 3
    assert Vigil(clock, slice_=1.0).wait(event, 1.0, noticed) is Waking.PASSED
    assert len(looks) == 3


def test_a_clock_of_a_test_is_waited_for_in_one_piece(clock, event):
    """It says when it jumps, and tells when the next wait is due."""
    clock.may_jump = False
    clock.on_wait = lambda _: clock.advance(3600.0)
    assert Vigil(clock).wait(event, 100) is Waking.PASSED
    assert clock.waits == [100]


def test_a_wait_of_no_time_passes(clock, event):
    """Without a look at anything."""
    assert Vigil(clock).wait(event, 0.0, lambda: True) is Waking.PASSED


def test_a_sleep_between_two_waits_is_noticed_in_the_next(clock, event):
    """Whatever the thread did meanwhile."""
    vigil = Vigil(clock)
    assert vigil.wait(event, SLICE) is Waking.PASSED
    clock.slept += 3600.0
    assert vigil.wait(event, SLICE) is Waking.LEAPT


@pytest.mark.parametrize(
    ("late", "drift", "jumped"),
    [
        (0, 0, 0),
        (0, 3600, 3600),
        (0, -86_400, -86_400),
        (120, 0, 120),
        (120, 4000, 4000),
        (-2, 0, 0),  # the event came early
        (LEAP, -LEAP, 0),
    ],
)
def test_a_leap(late, drift, jumped):
    """The larger one of being late and of clocks that differ."""
    assert leap(late, drift) == jumped
