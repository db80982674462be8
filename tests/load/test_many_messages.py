"""A hundred thousand messages through a bot in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import defaultdict

import psutil
import pytest

from qqgroup_sync.simulator import Simulator

MESSAGES = 100_000
MEASURED_AFTER = 60_000
PEOPLE = 100
GROUPS = 10
OUTSTANDING = 256
MIB = 1024 * 1024

BOT = """
from qqgroup_sync import Client
client = Client()
client.on_group_message(lambda message: message.text)
client.run()
"""


@pytest.mark.load
@pytest.mark.timeout(1200)
def test_a_hundred_thousand_messages(tmp_path):
    """Every message is answered once, in order per sender, and memory stays where it was."""
    script = tmp_path / "bot.py"
    script.write_text(BOT, encoding="utf-8")
    with Simulator(message_history=100) as sim:
        environment = {**os.environ, "QQ_SIMULATOR": sim.url}
        process = subprocess.Popen([sys.executable, str(script)], env=environment)
        try:
            sim.gateway.wait_live(timeout=30)
            memory, answers = talk(sim, psutil.Process(process.pid))
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 0
        finally:
            process.kill()
            process.wait(10)
    assert sum(len(texts) for texts in answers.values()) == MESSAGES
    for texts in answers.values():
        assert texts == sorted(texts)
        assert len(set(texts)) == len(texts)
    growth = memory[1] - memory[0]
    print(  # noqa: T201 - the figure itself is wanted
        f"resident after {MEASURED_AFTER}: {memory[0] / MIB:.1f} MiB, growth {growth / MIB:.2f}"
    )
    assert growth <= 2 * MIB


def talk(sim, bot):
    """Say everything with a bounded number of open messages; return memory and answers."""
    room = threading.Semaphore(OUTSTANDING)
    answers = defaultdict(list)

    def listen(kind, record):
        if kind == "message" and record.from_bot:
            answers[int(record.content) % PEOPLE].append(int(record.content))
            room.release()

    sim.platform.subscribe(listen)
    people = [
        sim.platform.group(f"g{number % GROUPS}").member(f"p{number}") for number in range(PEOPLE)
    ]
    memory = []
    for number in range(MESSAGES):
        assert room.acquire(timeout=30), f"no answer for 30 s, {number} said"
        people[number % PEOPLE].say(str(number))
        if number == MEASURED_AFTER:
            memory.append(bot.memory_info().rss)
    for _ in range(OUTSTANDING):
        assert room.acquire(timeout=30)
    memory.append(bot.memory_info().rss)
    return memory, answers
