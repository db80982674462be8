"""Who is told what happens."""

from __future__ import annotations

import pytest

from qqgroup_sync.simulator.observers import Observers


@pytest.fixture
def observers():
    """Nobody is told yet."""
    return Observers()


def tell(observers, *kinds):
    """Let things happen, each numbered."""
    for number, kind in enumerate(kinds):
        observers.add(kind, number)
    observers.tell()


def test_some_kinds_or_everything(observers):
    """Each gets what he asked for, in order."""
    every, some = [], []
    observers.subscribe(lambda kind, record: every.append((kind, record)))
    observers.subscribe(lambda kind, record: some.append((kind, record)), ("a", "c"))
    tell(observers, "a", "b", "c")
    assert every == [("a", 0), ("b", 1), ("c", 2)]
    assert some == [("a", 0), ("c", 2)]


def test_what_nobody_wants_needs_no_record(observers):
    """That is what makes a watched platform as quick as an unwatched one."""
    assert not observers.wants("a", "b")
    end = observers.subscribe(lambda *_: None, ["a"])
    assert observers.wants("a")
    assert observers.wants("b", "a")
    assert not observers.wants("b")
    end_all = observers.subscribe(lambda *_: None)
    assert observers.wants("b")
    end_all()
    end()
    assert not observers.wants("a")


def test_one_callback_can_be_told_twice_and_ended_once(observers):
    """Two subscriptions are two."""
    told = []

    def callback(kind, _record):
        told.append(kind)

    end = observers.subscribe(callback)
    observers.subscribe(callback, ("a",))
    tell(observers, "a")
    end()
    tell(observers, "a", "b")
    assert told == ["a", "a", "a"]
