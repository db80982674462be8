"""The user's script as a process: how it is ended."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
from contextlib import suppress

import psutil
import pytest

from qqgroup_sync.cli.script import Script
from tests.waiting import LIMIT

STUBBORN = """
import os, signal, threading
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(f"pid {os.getpid()}", flush=True)  # in one piece
threading.Event().wait()
"""
ATTEMPTS = 0.5  # seconds between two of them


@pytest.mark.skipif(os.name == "nt", reason="Windows processes get no SIGINT")
def test_ctrl_c_twice_while_a_restart_waits_leaves_nobody_behind(tmp_path):
    """The process before does not end by itself; none takes its place."""
    script = tmp_path / "bot.py"
    script.write_text(STUBBORN, encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "qqgroup_sync", "try", script, "--reload", "--no-browser"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )

    def until(text, meanwhile=lambda: None):
        shown = b""
        while text not in shown:
            if select.select([process.stdout], [], [], ATTEMPTS)[0]:
                piece = os.read(process.stdout.fileno(), 4096)
                assert piece, shown
                shown += piece
            else:
                meanwhile()
        return shown

    bot = None
    try:
        bot = psutil.Process(int(until(b"pid ").split(b"pid ")[1].split()[0]))
        # Nothing tells when the folder is being watched.
        until(b"starting bot.py again", lambda: script.write_text(f"{STUBBORN}\n", "utf-8"))
        process.send_signal(signal.SIGINT)
        until(b"stopping")
        while process.poll() is None:  # the second one may come before the end has begun
            process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(1)
        bot.wait(5)
        assert b"pid" not in process.stdout.read()  # until whoever could write has ended
    finally:
        process.kill()
        process.wait(10)
        process.stdout.close()
        with suppress(psutil.NoSuchProcess):
            if bot is not None:
                bot.kill()


def test_a_restart_under_way_starts_nothing_after_the_end(tmp_path):
    """It had begun to end the process before."""
    path = tmp_path / "bot.py"
    path.write_text("import threading\nthreading.Event().wait()\n", encoding="utf-8")
    restarting, asked = threading.Event(), threading.Event()

    def arrivals():
        if restarting.is_set():
            asked.set()
            script._unwatch.wait(LIMIT)  # which the end sets
        return 0

    script = Script(path, arrivals=arrivals)
    script.start()
    restarting.set()
    restart = threading.Thread(target=script.restart)
    restart.start()
    assert asked.wait(LIMIT)
    script.end()
    restart.join()
    assert script.starts == 1
    assert script.poll() is not None
