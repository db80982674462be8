"""Clicks: acknowledged at once, beside everything else, and without a thread until the first."""

from __future__ import annotations

import logging
import threading

import pytest

from qqgroup_sync.errors import ApiError, TransportTimeout
from qqgroup_sync.runtime.clock import Clock, Deadline
from qqgroup_sync.sending.clicks import Clicks
from tests.waiting import LIMIT, eventually


class Platform:
    """Notes acknowledgements; can hold them up, or refuse them."""

    def __init__(self):
        self.calls = []
        self.threads = set()
        self.refuse = None
        self.entered = threading.Semaphore(0)
        self.go_on = threading.Event()
        self.go_on.set()

    def acknowledge_interaction(self, interaction_id, code, *, timeout):
        self.entered.release()
        assert self.go_on.wait(LIMIT)
        self.threads.add(threading.current_thread().name)
        self.calls.append((interaction_id, code, timeout))
        if self.refuse is not None:
            raise self.refuse


def click_threads():
    """The names of those that live."""
    return [one.name for one in threading.enumerate() if one.name.startswith("qqgroup-click")]


@pytest.fixture
def platform():
    """A platform that answers at once."""
    return Platform()


@pytest.fixture
def clicks(platform):
    """Clicks on that platform; closed at the end."""
    clicks = Clicks(platform, Clock())
    yield clicks
    platform.go_on.set()
    assert clicks.close(Deadline(Clock(), LIMIT)) == []


def test_a_click_is_acknowledged_in_the_background(clicks, platform):
    """With code 0, and no longer than a person waits."""
    clicks.acknowledge("c1")
    eventually(lambda: platform.calls)
    assert platform.calls == [("c1", 0, 3.0)]
    (name,) = platform.threads
    assert name.startswith("qqgroup-click-")


def test_no_thread_before_the_first_click(clicks):
    """A bot without buttons pays nothing."""
    assert click_threads() == []
    clicks.acknowledge("c1")
    assert click_threads() != []


def test_a_slow_acknowledgement_holds_up_neither_caller_nor_others(clicks, platform):
    """The gateway's thread goes on, and so do other people's clicks."""
    platform.go_on.clear()
    for number in range(4):
        clicks.acknowledge(f"c{number}")
    for _ in range(4):
        assert platform.entered.acquire(timeout=LIMIT)
    assert platform.calls == []
    platform.go_on.set()
    eventually(lambda: len(platform.calls) == 4)


@pytest.mark.parametrize("error", [ApiError(code=630004, message="no"), TransportTimeout("late")])
def test_a_refused_click_is_logged_and_the_next_one_goes_on(clicks, platform, caplog, error):
    """It is too late to do anything else."""
    caplog.set_level(logging.WARNING, "qqgroup_sync")
    platform.refuse = error
    clicks.acknowledge("c1")
    eventually(lambda: caplog.records)
    platform.refuse = None
    clicks.acknowledge("c2")
    eventually(lambda: len(platform.calls) == 2)
    (record,) = caplog.records
    assert "could not be acknowledged" in record.getMessage()
    assert error.summary in record.getMessage()


def test_many_threads_may_click_first(platform):
    """Several shards bring the first clicks at once."""
    clicks = Clicks(platform, Clock())
    begin = threading.Barrier(8)

    def click(number):
        begin.wait(LIMIT)
        clicks.acknowledge(f"c{number}")

    threads = [threading.Thread(target=click, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT)
    eventually(lambda: len(platform.calls) == 8)
    assert clicks.close(Deadline(Clock(), LIMIT)) == []


def test_closing_ends_every_thread(platform):
    """What is under way is finished first."""
    clicks = Clicks(platform, Clock())
    platform.go_on.clear()
    clicks.acknowledge("c1")
    assert platform.entered.acquire(timeout=LIMIT)
    assert clicks.close(Deadline(Clock(), 0.0)) != []  # named, because it does not end in no time
    platform.go_on.set()
    assert clicks.close(Deadline(Clock(), LIMIT)) == []
    assert platform.calls == [("c1", 0, 3.0)]
    assert click_threads() == []


def test_closing_without_a_click_is_nothing(platform):
    """There is nobody to wait for."""
    assert Clicks(platform, Clock()).close(Deadline(Clock(), 0.0)) == []


@pytest.mark.parametrize("clicked_before", [False, True])
def test_a_click_after_the_end_starts_nothing(platform, monkeypatch, clicked_before):
    """A late event of an old life leaves no thread behind."""
    clicks = Clicks(platform, Clock())
    if clicked_before:
        clicks.acknowledge("c1")
        eventually(lambda: platform.calls)
    assert clicks.close(Deadline(Clock(), LIMIT)) == []
    begun = []
    monkeypatch.setattr(threading.Thread, "start", begun.append)
    clicks.acknowledge("late")
    assert begun == []
    assert "late" not in [call[0] for call in platform.calls]
