"""Service: a thread with a name, an owner, a way to be woken and a bounded join."""

from __future__ import annotations

import threading

import pytest

from qqgroup_sync.errors import StateError
from qqgroup_sync.runtime.clock import Clock, Deadline
from qqgroup_sync.runtime.service import Service


@pytest.fixture
def end():
    """Return an event that is set at the end, so that no thread outlives its test."""
    event = threading.Event()
    yield event
    event.set()


def within(seconds):
    """Return a deadline on the machine's clock."""
    return Deadline(Clock(), seconds)


def test_it_runs_under_its_name_as_a_daemon(end):
    """A stuck call shows in a list of threads and cannot hold the process."""
    service = Service("qqgroup-test", lambda: end.wait(10), wake=end.set)
    assert not service.alive
    service.start()
    (thread,) = [one for one in threading.enumerate() if one.name == "qqgroup-test"]
    assert thread.daemon
    assert service.alive
    assert service.stop(within(5)) is True
    assert not service.alive


def test_a_service_lives_once(end):
    """A thread of an earlier life can touch nothing of a later one."""
    service = Service("qqgroup-test", lambda: None)
    service.start()
    assert service.join(5)
    with pytest.raises(StateError, match="qqgroup-test"):
        service.start()


def test_joining_has_its_limit_and_is_honest(end):
    """A thread that does not end is reported, not waited for."""
    service = Service("qqgroup-test", lambda: end.wait(10))
    service.start()
    assert service.stop(within(0.01)) is False
    end.set()
    assert service.join(5) is True


def test_what_never_started_has_ended():
    """A stop before the start is no error."""
    service = Service("qqgroup-test", lambda: None)
    service.wake()
    assert service.stop(within(None)) is True


def test_a_start_that_fails_leaves_nothing_to_wait_for(end, monkeypatch):
    """The system gives no thread; perhaps it does later."""

    def refuse(thread):
        raise RuntimeError("can't start new thread")

    service = Service("qqgroup-test", lambda: end.wait(10), wake=end.set)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError, match="new thread"):
            service.start()
    assert not service.alive
    assert service.stop(within(None)) is True
    end.clear()
    service.start()
    assert service.alive
    assert service.stop(within(5)) is True


def test_joining_oneself_does_not_hang(end):
    """A stop from a service's own thread returns at once and says that it still runs."""
    answers = []
    service = Service("qqgroup-test", lambda: answers.append(service.join(None)))
    service.start()
    assert service.join(5)
    assert answers == [False]


def test_a_wake_that_came_too_early_is_repeated(end):
    """A stop reaches a thread that has not yet got what would be woken."""
    wakes = threading.Semaphore(0)

    def sleep_through_the_first():
        wakes.acquire(timeout=10)
        wakes.acquire(timeout=10)

    service = Service("qqgroup-test", sleep_through_the_first, wake=wakes.release)
    service.start()
    assert service.stop(within(None)) is True


def test_stopping_oneself_does_not_hang(end):
    """A service may ask for its own end."""
    answers = []
    service = Service("qqgroup-test", lambda: answers.append(service.stop(within(None))))
    service.start()
    assert service.join(5)
    assert answers == [False]


@pytest.mark.parametrize("error", [ValueError("a defect"), SystemExit(3), KeyboardInterrupt()])
def test_a_thread_that_dies_tells_its_owner(expected_errors, error):
    """The process never lives on deaf: also an exit() in a thread is told and logged."""
    deaths = []

    def die():
        raise error

    service = Service("qqgroup-test", die, on_death=deaths.append)
    service.start()
    assert service.join(5)
    assert deaths == [error]
    assert [record.getMessage() for record in expected_errors] == ["qqgroup-test died"]
    assert expected_errors[0].exc_info[1] is error


def test_a_death_without_an_owner_to_tell_is_logged(expected_errors):
    """It does not go unseen."""
    service = Service("qqgroup-test", lambda: 1 / 0)
    service.start()
    assert service.join(5)
    assert len(expected_errors) == 1


def test_the_stack_tells_what_a_thread_does(end):
    """A slow handler can be found."""
    entered = threading.Event()

    def wait_for_the_moon():
        entered.set()
        end.wait(10)

    service = Service("qqgroup-test", wait_for_the_moon)
    assert service.stack() == "(not running)"
    service.start()
    assert entered.wait(5)
    assert "wait_for_the_moon" in service.stack()
    end.set()
    assert service.join(5)
    assert service.stack() == "(not running)"
