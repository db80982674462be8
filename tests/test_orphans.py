"""Bots whose command was killed: they end by themselves, in real processes."""

from __future__ import annotations

import subprocess
import sys

import psutil
import pytest

from qqgroup_sync import orphans

BOT = """
import os, signal, subprocess, sys, threading
from qqgroup_sync import Client, orphans
client = Client()
client.on_message(lambda message: "ok")
@client.on_ready
def ready():
    see = "import os; print('handed on:', os.environ.get('QQ_STARTED_BY'), flush=True)"
    subprocess.run([sys.executable, "-c", see])
    print("pid", os.getpid(), flush=True)
"""
RUN = "client.run()\nprint('after run', flush=True)\n"
WAIT = "client.start()\nthreading.Event().wait()\n"
STUBBORN = "signal.signal(signal.SIGINT, signal.SIG_IGN)\norphans.GRACE = 0.2\n"


@pytest.fixture
def command(tmp_path):
    """Return a function that gives a script to a command, and the process of that."""
    processes = []

    def run(name, source, *options):
        script = tmp_path / "bot.py"
        script.write_text(BOT + source, encoding="utf-8")
        process = subprocess.Popen(
            [sys.executable, "-m", "qqgroup_sync", name, script, "--no-browser", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )
        processes.append(process)
        return process

    yield run
    for process in processes:
        process.kill()
        process.wait(10)
        process.stdout.close()


def shown_until(process, text):
    """Read what a process and its script write until a text stands there."""
    shown = ""
    while text not in shown:
        line = process.stdout.readline()
        assert line, shown
        shown += line
    return shown


def wait_for_end(bot):
    """Wait until a bot has ended; end one that does not."""
    try:
        bot.wait(20)
    except psutil.TimeoutExpired:
        bot.kill()
        raise


@pytest.mark.parametrize(
    ("source", "last_words"),
    [(RUN, "after run"), (WAIT, "KeyboardInterrupt"), (STUBBORN + WAIT, "stopping")],
)
def test_a_bot_ends_when_its_command_is_killed(command, source, last_words):
    """As after Ctrl-C: also one that waits for itself, and at last one that does not want to."""
    process = command("try", source)
    bot = psutil.Process(int(shown_until(process, "pid ").split("pid ")[1]))
    process.kill()
    wait_for_end(bot)
    rest = process.stdout.read()
    assert "the command that started this bot has gone" in rest
    assert last_words in rest


def test_what_the_script_starts_is_not_held(command):
    """The variable is for the script alone."""
    assert "handed on: None" in shown_until(command("try", WAIT), "handed on:")


def test_a_bot_under_load_ends_when_its_command_is_killed(command):
    """The same holder."""
    process = command("load", WAIT, "--page", "--rate", "10", "--seconds", "60", "--groups", "2")
    shown_until(process, "chat page:")
    (bot,) = psutil.Process(process.pid).children()
    process.kill()
    wait_for_end(bot)


def test_a_bot_that_nobody_holds_starts_nothing(monkeypatch):
    """Neither a thread nor a connection."""
    started = []
    monkeypatch.setattr(orphans, "Service", lambda *options: started.append(options))
    orphans.watch()
    assert started == []
