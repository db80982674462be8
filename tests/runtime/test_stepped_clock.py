"""A clock that tests move forward."""

from __future__ import annotations

import threading
import time

import pytest

from qqgroup_sync.runtime.service import Service
from qqgroup_sync.runtime.stepped_clock import SteppedClock
from tests.waiting import eventually


@pytest.fixture
def stepped():
    """A clock that was not moved yet."""
    return SteppedClock()


@pytest.fixture
def waiting(stepped):
    """Return a function that lets a thread wait; it returns its event and what came out."""
    services = []

    def begin(seconds):
        event, ended = threading.Event(), []
        service = Service("qqgroup-wait", lambda: ended.append(stepped.wait(event, seconds)))
        services.append((service, event))
        service.start()
        eventually(lambda: seconds is None or stepped.due_in is not None)
        return event, ended

    yield begin
    for service, event in services:
        event.set()
        service.join(5)


def test_time_passes_as_usual_until_it_is_moved(stepped):
    """Both clocks go on, and jump together."""
    assert stepped.time() == pytest.approx(time.time(), abs=1)
    steady, wall = stepped.monotonic(), stepped.time()
    stepped.advance(1000)
    assert stepped.monotonic() - steady == pytest.approx(1000, abs=1)
    assert stepped.time() - wall == pytest.approx(1000, abs=1)


def test_a_wait_ends_when_its_time_was_passed(stepped, waiting):
    """Not a moment before."""
    _, ended = waiting(60)
    assert stepped.due_in == pytest.approx(60, abs=1)
    stepped.advance(50)
    assert stepped.due_in == pytest.approx(10, abs=1)
    assert ended == []
    stepped.advance(10)
    eventually(lambda: ended == [False])
    assert stepped.due_in is None


def test_the_first_wait_counts(stepped, waiting):
    """Of several that are under way."""
    waiting(60)
    waiting(30)
    eventually(lambda: stepped.due_in < 31)
    stepped.advance(30)
    eventually(lambda: stepped.due_in > 1)


def test_an_event_ends_a_wait_at_once(stepped, waiting):
    """Whatever the time is; without a limit nothing else does."""
    for seconds in (60, None):
        event, ended = waiting(seconds)
        event.set()
        eventually(lambda ended=ended: ended == [True])
    event, ended = waiting(None)
    assert stepped.due_in is None
    stepped.advance(1e6)
    assert ended == []


def test_a_test_begins_with_todays_date_and_long_after_the_last_one(stepped):
    """What was measured before is far away, and never in the future."""
    stepped.advance(1000)
    before = stepped.monotonic()
    stepped.begin_anew(1e6)
    assert stepped.time() == pytest.approx(time.time(), abs=1)
    assert stepped.monotonic() - before == pytest.approx(1e6, abs=1)


def test_hurrying_changes_nothing_but_the_haste(stepped, waiting):
    """Waits notice sooner that time was moved."""
    stepped.hurry(True)
    _, ended = waiting(60)
    stepped.advance(60)
    eventually(lambda: ended == [False])
    stepped.hurry(False)
