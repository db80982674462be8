"""What may happen to the machine that the bot runs on, and to its process."""

from __future__ import annotations

import contextlib
import resource
import signal
import sqlite3
from typing import TYPE_CHECKING, Any

from tests.faults.registry import fault, wait

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.bench import Bench

A_DAY = 86_400.0


def _state_files(bench: Bench) -> list[Any]:
    return [*bench.state.rglob("session*.sqlite")]


@fault("state file locked")
def locked(bench: Bench) -> Iterator[None]:
    """Another process holds the lock of the state file; nothing can be written meanwhile."""
    with contextlib.ExitStack() as stack:
        for path in _state_files(bench):
            connection = sqlite3.connect(path, timeout=5.0, isolation_level=None)
            stack.callback(connection.close)
            connection.execute("BEGIN IMMEDIATE")
        wait(0.5)
        yield


if hasattr(resource, "prlimit"):

    @fault("disk full")
    def disk_full(bench: Bench) -> Iterator[None]:
        """Not a byte can be written to any file, the bot's log included."""
        assert bench.bot is not None
        bot = bench.bot
        _, most = resource.prlimit(bot.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(bot.pid, resource.RLIMIT_FSIZE, (0, most))
        try:
            wait(0.3)
            yield
        finally:
            with contextlib.suppress(ProcessLookupError):
                resource.prlimit(bot.pid, resource.RLIMIT_FSIZE, (most, most))


@fault("stopped for a while")
def stopped(bench: Bench) -> Iterator[None]:
    """SIGSTOP: a laptop sleeps, a virtual machine is moved."""
    assert bench.bot is not None
    bot = bench.bot
    bot.signal(signal.SIGSTOP)
    try:
        wait(bench.sleep_seconds)
        yield
    finally:
        bot.signal(signal.SIGCONT)


def _setting_clock(name: str, seconds: float) -> None:
    @fault(name)
    def set_clock(bench: Bench) -> Iterator[None]:
        bench.world.clock_offset += seconds
        bench.say()
        try:
            wait(0.3)
            yield
        finally:
            bench.world.clock_offset -= seconds
            bench.say()


_setting_clock("clock a day ahead", A_DAY)
_setting_clock("clock a day behind", -A_DAY)


@fault("kill -9")
def killed(bench: Bench) -> Iterator[None]:
    """The process is gone from one moment to the next, and comes back."""
    bench.kill_bot()
    bench.say()
    bench.start_bot()
    yield
