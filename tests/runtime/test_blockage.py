"""When more workers help: jobs wait, and next to nothing is computed."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from qqgroup_sync.runtime import blockage
from qqgroup_sync.runtime.blockage import LATE_PATIENCE, TICK, Blockage


@pytest.fixture
def look(clock, monkeypatch):
    """Return a function that lets time pass, with so much of it computed, and looks."""
    burnt = SimpleNamespace(seconds=0.0)
    monkeypatch.setattr(blockage, "time", SimpleNamespace(process_time=lambda: burnt.seconds))
    watch = Blockage(clock)

    def look(passed=TICK, computed=0.0, *, waiting=True):
        clock.advance(passed)
        burnt.seconds += computed
        return watch.seen(waiting=waiting)

    return look


def test_waiting_jobs_and_an_idle_processor_are_a_blockage(look):
    """After one tick."""
    assert look() is True


def test_nobody_waits(look):
    """Then nothing is missing, however idle everything is."""
    assert look(waiting=False) is False


def test_who_computes_is_not_blocked(look):
    """More threads would only wait for the interpreter."""
    assert look(computed=TICK) is False


def test_late_ticks_need_patience(look):
    """A thread that wakes late has waited for the interpreter, or the machine is always late."""
    ticks = [look(LATE_PATIENCE / 4) for _ in range(4)]
    assert ticks[:3] == [False] * 3
    assert ticks[3] is True or look(LATE_PATIENCE / 4)
    assert look(LATE_PATIENCE / 4, computed=1.0) is False
    assert look(LATE_PATIENCE / 4) is False
