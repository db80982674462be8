"""Close codes after which no bot may come back: its process ends and says why."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.faults.bench import HERE
from tests.waiting import eventually

FATAL = {
    4001: "invalid opcode",
    4002: "invalid payload",
    4010: "invalid shard",
    4011: "too many groups",
    4012: "the gateway no longer speaks this version",
    4914: "the bot is delisted",
    4915: "the bot is banned",
}
INTENTS = {4013: "invalid intent", 4014: "an intent is not permitted"}
MEANINGS = {**FATAL, **INTENTS}
WRONG = "102000002"  # an AppID whose secret is another one


def note_ready(seen, kind, record):
    """Keep the ids of each bot's sessions."""
    if kind == "frame" and '"READY"' in record.text:
        seen.setdefault(record.appid, set()).add(record.session_id)


@pytest.fixture(scope="module")
def ends(make_bench):
    """What a bot's process says after each of the codes, and how it ended; all at once."""
    bench = make_bench(wired=False)
    seen = {}
    bench.simulator.platform.subscribe(lambda kind, record: note_ready(seen, kind, record))
    bench.simulator.platform.register_bot(WRONG, "another-secret")
    processes = {
        code: subprocess.Popen(
            [sys.executable, str(HERE / "bot.py")],
            env=bench.environment(f"{code}"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for code in (*FATAL, *INTENTS, WRONG)
    }
    found = {}
    try:
        for code in FATAL:
            bench.simulator.gateway.wait_live(1, 50.0, appid=f"{code}")
            bench.simulator.gateway.close(code, appid=f"{code}")
        for code in INTENTS:  # the first time it goes on without the intent it can spare
            for session in (1, 2):
                eventually(lambda c=code, s=session: len(seen.get(f"{c}", ())) == s, 50)
                bench.simulator.gateway.close(code, appid=f"{code}")
        for code, process in processes.items():
            _, said = process.communicate(timeout=30)
            found[code] = process.returncode, said
    finally:
        for process in processes.values():
            process.kill()
            process.wait(10)
    return found


@pytest.mark.parametrize("code", [*FATAL, *INTENTS])
def test_a_fatal_code_ends_the_process(ends, code):
    """``run()`` raises; the last lines name the code, what it means and what to do."""
    status, said = ends[code]
    assert status == 1
    assert f"GatewayRejected: the gateway refuses this bot: {MEANINGS[code]}" in said.replace(
        "qqgroup_sync.errors.", ""
    )
    assert f"close code {code}" in said
    assert "remedy:" in said


def test_a_wrong_secret_ends_the_process(ends):
    """So does a refusal of the credentials."""
    status, said = ends[WRONG]
    assert status == 1
    assert "AuthError" in said
    assert "remedy:" in said
