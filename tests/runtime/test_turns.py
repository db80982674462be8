"""Turns: many beside each other, or one alone."""

from __future__ import annotations

import threading

import pytest

from qqgroup_sync.runtime.clock import Clock
from qqgroup_sync.runtime.turns import Turns
from tests.waiting import LIMIT, eventually


class Worker:
    """A thread that works until it is let go."""

    def __init__(self, turn):
        self.works, self.go = threading.Event(), threading.Event()
        self._turn = turn
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def _work(self):
        with self._turn as self.begins:
            self.works.set()
            self.go.wait(LIMIT)

    def end(self):
        self.go.set()
        self._thread.join(LIMIT)


@pytest.fixture
def turns():
    """Turns of patient people."""
    return Turns(Clock(), LIMIT)


def test_many_work_beside_each_other(turns):
    """Nobody waits for anybody."""
    workers = [Worker(turns.beside_others()) for _ in range(5)]
    assert all(one.works.wait(LIMIT) for one in workers)
    for one in workers:
        one.end()


def test_who_is_alone_waits_and_is_waited_for(turns):
    """He begins after those who were there, and before those who come while he waits."""
    first = Worker(turns.beside_others())
    assert first.works.wait(LIMIT)
    alone = Worker(turns.alone())
    eventually(lambda: turns._wanting == 1)
    late = Worker(turns.beside_others())
    assert not alone.works.wait(0.05)
    assert not late.works.is_set()
    first.end()
    assert alone.works.wait(LIMIT)
    assert not late.works.wait(0.05)
    alone.end()
    assert late.works.wait(LIMIT)
    late.end()


def test_two_who_want_to_be_alone_take_turns(turns):
    """One after the other."""
    workers = [Worker(turns.alone()) for _ in range(2)]
    eventually(lambda: any(one.works.is_set() for one in workers))
    first, second = sorted(workers, key=lambda one: not one.works.is_set())
    assert not second.works.wait(0.05)
    first.end()
    assert second.works.wait(LIMIT)
    second.end()
    with turns.beside_others():
        pass


def test_nobody_waits_for_ever():
    """A handler that hangs holds up nobody for longer than the patience."""
    turns = Turns(Clock(), 0.05)
    stuck = Worker(turns.beside_others())
    assert stuck.works.wait(LIMIT)
    alone = Worker(turns.alone())
    assert alone.works.wait(LIMIT)
    beside = Worker(turns.beside_others())
    assert beside.works.wait(LIMIT)
    for one in (alone, beside, stuck):
        one.end()
    with turns.alone(), turns.beside_others():
        pass


def test_the_end_wakes_who_waits_and_nobody_begins():
    """Whoever works goes on; whoever waited is told that his turn has not come."""
    turns = Turns(Clock(), 4 * LIMIT)
    first = Worker(turns.beside_others())
    assert first.works.wait(LIMIT)
    waiting = [Worker(turns.alone()), Worker(turns.alone())]
    eventually(lambda: turns._wanting == 2)
    waiting.append(Worker(turns.beside_others()))
    turns.close()
    assert all(one.works.wait(LIMIT) for one in waiting)
    assert [one.begins for one in (first, *waiting)] == [True, False, False, False]
    for one in (first, *waiting):
        one.end()
    with turns.beside_others() as begins:
        assert not begins
