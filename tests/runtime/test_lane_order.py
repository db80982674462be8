"""Lanes: one after the other, and whoever comes back goes first."""

from __future__ import annotations

from qqgroup_sync.runtime.lane_order import Job, LaneOrder, Return


def job(lane):
    """Return a job of a lane."""
    return Job(lane, lambda: None)


def test_jobs_of_a_lane_wait_for_each_other():
    """Those of others, and of none, do not."""
    order = LaneOrder()
    first, second, third = job("a"), job("a"), job("a")
    assert [order.enter(one) for one in (first, second, third)] == [True, False, False]
    assert order.enter(job("b"))
    assert order.enter(job(None))
    assert order.behind == 2
    assert order.leave("a") is second
    assert order.leave("a") is third
    assert order.leave("a") is None
    assert order.behind == 0
    assert order.enter(job("a"))


def test_nobody_hands_over_what_is_nobodys():
    """A job without a lane, or one whose lane was given away already."""
    order = LaneOrder()
    assert order.leave(None) is None
    assert order.leave("never entered") is None


def test_who_comes_back_goes_before_new_jobs():
    """In the order of coming back."""
    order = LaneOrder()
    order.enter(job("a"))
    order.leave("a")  # the handler waits for an answer
    order.enter(job("a"))
    waiting = job("a")
    order.enter(waiting)
    turns = [order.book(Return("a")) for _ in range(2)]
    assert [turn.is_set() for turn in turns] == [False, False]
    assert order.leave("a") is None
    assert [turn.is_set() for turn in turns] == [True, False]
    assert order.leave("a") is None
    assert turns[1].is_set()
    assert order.leave("a") is waiting


def test_a_free_lane_is_taken_at_once():
    """And once: to book it again gives the same turn."""
    order = LaneOrder()
    coming = Return("a")
    turn = order.book(coming)
    assert turn.is_set()
    assert order.book(coming) is turn
    assert order.enter(job("a")) is False


def test_who_kept_his_lane_comes_back_at_once():
    """There is none to wait for."""
    assert LaneOrder().book(Return(None)).is_set()


def test_closing_frees_everybody_and_counts_what_is_left():
    """Handlers come back, jobs do not run."""
    order = LaneOrder()
    for _ in range(4):
        order.enter(job("a"))
    turn = order.book(Return("a"))
    assert order.close() == 3
    assert turn.is_set()
    assert order.behind == 0
    assert order.book(Return("a")).is_set()
    assert order.leave("a") is None
