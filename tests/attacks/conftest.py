"""A platform, and bots in processes of their own that can be killed at any moment."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.end_to_end.conftest import make_client, sim
from tests.waiting import eventually

__all__ = ["make_client", "sim"]  # fixtures

APPID = "simulated"
PREAMBLE = """
import os, signal, sys, threading
from qqgroup_sync import Accounts, Button, Chain, Client, Keyboard
def die_once(mark):
    if not os.path.exists(mark):
        open(mark, "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
def pause(seconds):
    threading.Event().wait(seconds)
"""


@pytest.fixture
def group(sim):
    """A group in which the bot may also speak unasked."""
    group = sim.platform.group("g")
    group.allow_push(True)
    return group


@pytest.fixture
def run(sim, tmp_path):
    """Return a function that starts a bot in a process and waits until it is on line."""
    processes = []

    def start(code, *, online=True, **environment):
        log = (tmp_path / f"bot-{len(processes)}.log").open("wb")
        with log:
            process = subprocess.Popen(
                [sys.executable, "-c", PREAMBLE + code],
                env={**os.environ, "QQ_SIMULATOR": sim.url, "QQ_STATE": str(tmp_path / "state")}
                | environment,
                cwd=tmp_path,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        process.log = log.name
        processes.append(process)
        if online:
            eventually(lambda: sim.platform.sessions.live() or process.poll() is not None, 20)
            assert process.poll() is None, Path(log.name).read_text()
        return process

    yield start
    for process in processes:
        process.kill()
        process.wait(10)


@pytest.fixture
def gone(sim):
    """Return a function that waits until a process has died and the platform has noticed."""

    def wait(process):
        process.wait(15)
        eventually(lambda: not sim.platform.sessions.live(), 20)

    return wait


def said(chat):
    """Return what bots said in a chat."""
    return [message.content for message in chat.messages if message.from_bot]
