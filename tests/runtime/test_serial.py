"""Jobs one after the other, in a thread that starts with the first."""

from __future__ import annotations

import threading

import pytest

from qqgroup_sync.runtime.clock import Clock, Deadline
from qqgroup_sync.runtime.serial import Serial
from tests.waiting import LIMIT


@pytest.fixture
def serial():
    """Return a queue that is closed in the end."""
    serial = Serial("qqgroup-serial", most=3)
    yield serial
    serial.close(Deadline(Clock(), LIMIT))


def names():
    """Return the names of all threads."""
    return [one.name for one in threading.enumerate()]


def test_without_a_job_there_is_no_thread(serial):
    """What is not used costs nothing."""
    assert "qqgroup-serial" not in names()
    assert serial.close(Deadline(Clock(), LIMIT)) == []


def test_jobs_run_in_order_and_elsewhere(serial):
    """One at a time; whoever hands them in goes on."""
    ran, done = [], threading.Event()
    for number in range(2):
        serial.submit(lambda number=number: ran.append((number, threading.current_thread().name)))
    assert serial.submit(done.set)
    assert done.wait(LIMIT)
    assert ran == [(0, "qqgroup-serial"), (1, "qqgroup-serial")]


def test_what_waits_is_run_before_the_end(serial):
    """And nothing is taken afterwards."""
    go, ran = threading.Event(), []
    serial.submit(lambda: go.wait(LIMIT))
    serial.submit(lambda: ran.append("last"))
    threading.Timer(0.05, go.set).start()
    assert serial.close(Deadline(Clock(), LIMIT)) == []
    assert ran == ["last"]
    assert serial.submit(lambda: ran.append("late")) is False


def test_a_job_that_hangs_is_named_and_fills_no_memory(serial, caplog):
    """The close does not wait for ever; one warning tells what is dropped."""
    go, began = threading.Event(), threading.Event()
    serial.submit(lambda: (began.set(), go.wait(LIMIT)))
    assert began.wait(LIMIT)
    taken = [serial.submit(lambda: None) for _ in range(5)]
    assert taken == [True, True, True, False, False]
    assert [record.getMessage() for record in caplog.records] == [
        "qqgroup-serial hangs: what comes now is dropped"
    ]
    assert serial.close(Deadline(Clock(), 0.05)) == ["qqgroup-serial"]
    go.set()


@pytest.mark.expected_errors
def test_a_job_that_raises_ends_nothing(serial):
    """Not even with SystemExit."""
    done = threading.Event()

    def leave():
        raise SystemExit

    serial.submit(leave)
    serial.submit(done.set)
    assert done.wait(LIMIT)
