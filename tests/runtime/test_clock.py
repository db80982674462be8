"""Time: one clock, deadlines that several steps share."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace

import pytest

from qqgroup_sync.runtime import clock as clock_module
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


@pytest.mark.parametrize(
    ("platform", "name"), [("linux", "CLOCK_BOOTTIME"), ("darwin", "CLOCK_MONOTONIC")]
)
def test_durations_go_on_while_the_machine_sleeps(monkeypatch, platform, name):
    """By the clock of the system that does; elsewhere Python's own does already."""
    asked = []
    fake = SimpleNamespace(
        **{name: 7}, monotonic=lambda: 1.0, clock_gettime=lambda number: asked.append(number) or 2.0
    )
    monkeypatch.setattr(clock_module, "time", fake)
    monkeypatch.setattr(clock_module.sys, "platform", platform)
    assert clock_module._choose()() == 2.0
    assert set(asked) == {7}
    monkeypatch.setattr(clock_module.sys, "platform", "win32")
    assert clock_module._choose()() == 1.0


def test_a_system_without_such_a_clock_has_the_usual_one(monkeypatch):
    """An old kernel, or a sandbox that lets nobody ask."""

    def refuse(_number):
        raise OSError(22, "Invalid argument")

    fake = SimpleNamespace(CLOCK_BOOTTIME=7, monotonic=lambda: 1.0, clock_gettime=refuse)
    monkeypatch.setattr(clock_module, "time", fake)
    monkeypatch.setattr(clock_module.sys, "platform", "linux")
    assert clock_module._choose()() == 1.0
