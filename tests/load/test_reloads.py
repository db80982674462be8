"""A script that is edited again and again while people talk to it."""

from __future__ import annotations

import pytest

from qqgroup_sync.cli.script import Script
from qqgroup_sync.simulator import Simulator
from tests.waiting import eventually

pytestmark = [pytest.mark.load, pytest.mark.timeout(600)]

BOT = """
from qqgroup_sync import Client
client = Client()
client.on_group_message(lambda message: f"{{message.text}} by version {version}")
client.run()
"""
RELOADS = 50


@pytest.fixture
def sim():
    """A platform that nobody uses yet."""
    with Simulator(max_concurrency=100) as simulator:
        yield simulator


def test_nothing_is_lost_or_doubled_over_50_reloads(sim, tmp_path):
    """Every message is answered once, by whichever version."""
    script = Script(
        tmp_path / "bot.py", (), {"QQ_SIMULATOR": sim.url, "QQ_STATE": str(tmp_path / "state")}
    )
    script.path.write_text(BOT.format(version=0), encoding="utf-8")
    group = sim.platform.group("g")
    people = [group.member(f"person {number}") for number in range(10)]
    script.start(reload=True)
    said, number = [], 0
    try:
        eventually(lambda: sim.platform.sessions.live(), 20)
        for version in range(1, RELOADS + 1):
            script.path.write_text(BOT.format(version=version), encoding="utf-8")
            while script.starts < version + 1 or not sim.platform.sessions.live():
                number += 1
                said.append(f"message {number}")
                people[number % 10].say(said[-1])
                sim.clock.wait(0.02)
        eventually(lambda: len(answers(group)) >= len(said), 30)
        sim.clock.wait(0.5)  # a double would come now
    finally:
        script.end()
    heard = [answer.partition(" by ")[0] for answer in answers(group)]
    assert sorted(heard) == sorted(said)
    assert script.starts == RELOADS + 1
    assert len(said) > 500
    assert answers(group)[-1].endswith(f"version {RELOADS}")


def answers(group):
    """What the bot has said so far."""
    return [one.content for one in group.messages if one.from_bot]
