"""The process is killed, its disk is full, it is flooded: what was said is answered once."""

from __future__ import annotations

import os
import resource
import threading

import pytest

from tests.faults.bench import Load
from tests.waiting import eventually

KILLS = 4
BURST = 2000
BACKLOG = 2500  # more than 2000, which is how many handlers may be parked at once
LITTLE = 96 * 1024  # bytes of a file on a disk that is full


@pytest.fixture
def bench(make_bench):
    """A bench without a bot yet."""
    return make_bench(wired=False, bot={"handler_ms": 5})


def test_kill_9_at_random_moments(bench):
    """Each life goes on where the one before ended."""
    bench.start_bot()
    with Load(bench, 100):
        for _ in range(KILLS):
            wanted = len(bench.records.answered) + bench.draw.randrange(1, 60)
            eventually(lambda wanted=wanted: len(bench.records.answered) >= wanted, 20)
            bench.kill_bot()
            bench.start_bot()
    bench.settle()
    verdict = bench.check()
    assert verdict.said > KILLS
    assert not verdict.excused
    assert bench.simulator.platform.stats["identifies"] == 1
    assert bench.bot.stop() == 0


@pytest.mark.load
def test_a_backlog_of_more_people_than_handlers_may_wait(make_bench):
    """Replayed before RESUMED, when nothing may be answered yet: it waits in the queue."""
    bench = make_bench(wired=False, people=BACKLOG, groups=20, friends=0)
    bench.start_bot()
    assert bench.answered(bench.say(person=0))
    assert bench.bot.stop() == 0
    ids = [bench.say(person=person) for person in range(BACKLOG)]
    bench.start_bot()
    assert bench.answered(*ids)
    bench.check()
    assert bench.bot.stop() == 0


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="limits of another process: Linux")
def test_a_full_disk_costs_no_answer(bench):
    """The bot says once that it cannot write, answers everybody, and writes again later."""
    bot = bench.start_bot()
    _, most = resource.prlimit(bot.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(bot.pid, resource.RLIMIT_FSIZE, (LITTLE, most))
    for _ in range(40):
        bench.say()
        threading.Event().wait(0.02)
    bench.settle()
    bench.check()
    eventually(lambda: "cannot be written" in bot.tail() or "full" in bot.tail(), 10)
    resource.prlimit(bot.pid, resource.RLIMIT_FSIZE, (most, most))
    bench.settle()
    eventually(lambda: "is written again" in bot.tail(100_000), 15)
    resource.prlimit(bot.pid, resource.RLIMIT_FSIZE, (LITTLE, most))
    bench.settle()
    bench.kill_bot()  # what it has handled is not on disk: it comes again, and is not shown twice
    bench.say()
    bench.start_bot()
    bench.settle()
    bench.check()
    assert bench.simulator.platform.stats["duplicates_refused"] > 0
    assert bench.bot.stop() == 0


def test_a_folder_that_cannot_be_written_costs_no_answer(bench, tmp_path):
    """A warning says what a restart will cost; the bot answers, and says so."""
    folder = tmp_path / "read-only"
    folder.mkdir()
    folder.chmod(0o555)
    state = str(folder / "state")
    if os.access(folder, os.W_OK):  # root may write everywhere but where there is no folder
        (folder / "file").write_text("no folder")
        state = str(folder / "file" / "state")
    bot = bench.start_bot(state=state)
    bench.settle()
    bench.check()
    assert "a restart will lose what comes meanwhile" in bot.tail(100_000)
    assert bot.stop() == 0


@pytest.mark.load
def test_a_burst_is_answered_while_heartbeats_go_on(make_bench):
    """Handlers take 50 ms; the platform hears a heartbeat each second all the while."""
    bench = make_bench(
        wired=False, people=200, bot={"handler_ms": 50}, heartbeat_interval=1.0, ask_again=20.0
    )
    bench.start_bot()
    for number in range(BURST):
        bench.say(person=number % 200)
    bench.settle()
    verdict = bench.check()
    assert verdict.answered == verdict.said
    stats = bench.simulator.platform.stats
    assert stats["identifies"] == 1
    assert stats["resumes"] == 0
    assert stats["heartbeats"] >= 2
    assert bench.bot.stop() == 0


def test_a_token_that_expires_amid_a_burst(make_bench):
    """32 threads answer while every token dies, four times: one new one is fetched each time."""
    bench = make_bench(
        wired=False, people=64, bot={"handler_ms": 20}, client={"workers": 32, "max_workers": 32}
    )
    bench.start_bot()
    stats = bench.simulator.platform.stats
    for _ in range(4):
        ids = [bench.say(person=person) for person in range(64)]
        bench.simulator.platform.expire_tokens()
        assert bench.answered(*ids)
    bench.settle()
    verdict = bench.check()
    assert verdict.answered == verdict.said
    assert stats["tokens_issued"] == 5
    assert bench.bot.stop() == 0
