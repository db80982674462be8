"""Benches that live as long as a module, because a process per fault would take minutes."""

from __future__ import annotations

import sys
import threading

import pytest

from tests.conftest import GRACE, OURS
from tests.faults.bench import Bench

# Signals, limits of other processes and forks are what the bench is made of.
collect_ignore_glob = ["test_[!r]*.py"] if sys.platform == "win32" else []

HURRY = 200.0  # waits of the bot are so many times shorter, what it measures is not


@pytest.fixture(autouse=True)
def _no_thread_stays():
    """Leave the threads of a module's bench alone; ``make_bench`` looks after them."""


@pytest.fixture(scope="module")
def make_bench(tmp_path_factory):
    """Return a function that makes benches; at the end of the module no thread is left."""
    before = set(threading.enumerate())
    benches = []

    def make(**options):
        options.setdefault("ask_again", 0.3)
        bench = Bench(tmp_path_factory.mktemp("bench"), **options)
        benches.append(bench)
        return bench.__enter__()

    yield make
    for bench in benches:
        bench.__exit__(None, None, None)
    names = (*OURS, "wire-", "bench-")
    left = [one for one in threading.enumerate() if one.name.startswith(names)]
    left = [one for one in left if one not in before]
    for thread in left:
        thread.join(GRACE)
    assert [one.name for one in left if one.is_alive()] == []


@pytest.fixture(scope="module")
def hurried(make_bench):
    """A bench with a bot on line that does not wait long before it tries again."""
    bench = make_bench(bot={"hurry": HURRY}, client={"timeout": 1.0}, heartbeat_interval=40.0)
    bench.start_bot()
    return bench
