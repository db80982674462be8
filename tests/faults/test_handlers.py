"""Handlers that do what handlers should not: the bot goes on for everybody else."""

from __future__ import annotations

import pytest

from tests.faults.bench import Load


@pytest.fixture(scope="module")
def bench(make_bench):
    """A bench with a bot on line."""
    bench = make_bench(people=8, friends=2, wired=False)
    bench.start_bot()
    return bench


@pytest.mark.parametrize("word", ["raise", "exit", "threads", "fork", "keep"])
def test_a_handler_that_misbehaves_harms_nobody(bench, word):
    """It raises, calls exit(), answers from a thread of its own, forks: everybody is answered."""
    with Load(bench, 60):
        ids = [bench.say(word) for _ in range(12)]
        assert bench.answered(*ids, timeout=20)
    bench.settle()
    bench.check()
    assert bench.bot.alive
    assert bench.simulator.platform.stats["identifies"] == 1
    assert bench.simulator.platform.stats["resumes"] == 0


def test_a_handler_that_calls_stop_ends_the_process(bench):
    """What was not handled then is handled by the next start."""
    with Load(bench, 200):
        before = bench.simulator.platform.stats["messages_said"]
        bench.say("stop")
        code = bench.bot.process.wait(30)
        bench.start_bot()
    assert code == 0
    assert bench.simulator.platform.stats["messages_said"] > before + 1
    bench.settle()
    bench.check()


def test_handlers_that_hang_keep_only_their_own_people_waiting(bench):
    """As many hang as there are workers at rest; who talks to others is answered.

    Runs last: they would hold up the end of the bot.
    """
    hanging = [bench.people[0].group.member(f"hangs {number}") for number in range(20)]
    ids = [person.say(f"hang {number}").id for number, person in enumerate(hanging)]
    assert bench.answered(*ids, timeout=20)
    bench.settle()
    bench.check()
