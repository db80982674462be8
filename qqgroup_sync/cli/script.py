"""The user's script as a process of its own: started, restarted when its files change, ended."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import traceback
from typing import TYPE_CHECKING

import click

from qqgroup_sync.orphans import STARTED_BY
from qqgroup_sync.runtime.clock import Clock, Deadline
from qqgroup_sync.runtime.service import Service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from qqgroup_sync.simulator import Simulator

PATIENCE = 12.0  # seconds for the script to end by itself
SETTLE = 100  # milliseconds without a further change before the script is started again
START = 15.0  # seconds until a script is on line at the latest
SLICE = 0.2  # seconds between two looks at the script


class Script:
    """One script and its process.

    Args:
        path: The script.
        arguments: Passed to it.
        environment: Of the process, beside this one's.
        output: Descriptor that gets what it writes; this process's streams when None.
        arrivals: Returns how often a bot has come on line so far. A process that has not yet is
            ended by SIGTERM: Ctrl-C while it still imports would only print a traceback.
        tell: Called with what people should know about a new start.
    """

    def __init__(
        self,
        path: Path,
        arguments: Sequence[str] = (),
        environment: Mapping[str, str] = {},
        *,
        output: int | None = None,
        arrivals: Callable[[], int] | None = None,
        tell: Callable[[str], object] = click.echo,
    ) -> None:
        self.path = path
        self._output = output
        self._arrivals = arrivals
        self._arrivals_before = 0
        self._tell = tell
        self.starts = 0
        self._arguments = arguments
        self._environment = {**os.environ, **environment, "PYTHONUNBUFFERED": "1"}
        self._process: subprocess.Popen[bytes] | None = None
        self._hold: socket.socket | None = None  # the process ends itself when this one has gone
        self._changing = threading.Lock()  # held while one process takes the place of another
        self._ended = False
        self._unwatch = threading.Event()
        self._watch = Service("qqgroup-reload", self._restart_on_change, wake=self._unwatch.set)

    def check_syntax(self) -> None:
        """Refuse a script that is no Python, before anything is started.

        Raises:
            ClickException: Shows where.
        """
        problem = _syntax_problem(self.path)
        if problem:
            raise click.ClickException(f"{self.path} is no valid Python:\n{problem}")

    def start(self, *, reload: bool = False) -> None:
        """Start the process; with ``reload`` start it anew whenever a file beside it changes."""
        self._start()
        if reload:
            self._watch.start()

    def _start(self) -> None:
        self.starts += 1
        self._arrivals_before = self._arrivals() if self._arrivals is not None else 0
        self._let_go()
        self._hold = socket.create_server(("127.0.0.1", 0))
        # In a session of its own, so that Ctrl-C reaches it once, from here.
        self._process = subprocess.Popen(  # noqa: S603 - the user's own script
            [sys.executable, str(self.path), *self._arguments],
            env={**self._environment, STARTED_BY: str(self._hold.getsockname()[1])},
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=self._output,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """The process that runs, or ran last."""
        assert self._process is not None, "it was not started"
        return self._process.pid

    def poll(self) -> int | None:
        """Return the exit code; None while it runs, or is started anew."""
        if not self._changing.acquire(blocking=False):
            return None
        try:
            return None if self._process is None else self._process.poll()
        finally:
            self._changing.release()

    def restart(self) -> None:
        """Let the process end as Ctrl-C would, and start the next one.

        It resumes the session of the one before, so that nothing is lost or doubled.
        """
        with self._changing:
            if not self._ended and self._process is not None:
                self._end_process(self._process)
                if not self._ended:
                    self._start()

    def end(self) -> None:
        """End the process as Ctrl-C would; a second Ctrl-C here ends it at once."""
        self._ended = True  # a restart under way starts nothing any more
        try:
            self._watch.stop(Deadline(Clock(), PATIENCE))
        except KeyboardInterrupt:  # a restart still waits for the process before
            if self._process is not None:
                self._process.kill()
        with self._changing:
            if self._process is not None:
                self._end_process(self._process)
            self._let_go()

    def _let_go(self) -> None:
        if self._hold is not None:
            self._hold.close()
            self._hold = None

    def _end_process(self, process: subprocess.Popen[bytes]) -> None:
        young = self._arrivals is not None and self._arrivals() == self._arrivals_before
        try:
            if process.poll() is None:
                if young or os.name == "nt":
                    process.terminate()
                else:
                    process.send_signal(signal.SIGINT)
            process.wait(PATIENCE)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            process.kill()
            process.wait(PATIENCE)

    # ------------------------------------------------------------------ watching

    def _restart_on_change(self) -> None:
        from watchfiles import PythonFilter, watch  # noqa: PLC0415 - only with --reload

        folder = self.path.absolute().parent
        changes = watch(
            folder,
            watch_filter=PythonFilter(),
            stop_event=self._unwatch,
            step=SETTLE,
            rust_timeout=500,
            raise_interrupt=False,
        )
        for changed in changes:
            self._take_in({os.path.relpath(path, folder) for _, path in changed}, folder)

    def _take_in(self, names: Iterable[str], folder: Path) -> None:
        """Start anew, unless what was written is no Python yet."""
        for name in sorted(names):
            problem = _syntax_problem(folder / name)
            if problem:
                self._tell(f"{name} is no valid Python; the bot goes on as it is:\n{problem}")
                return
        self._tell(f"{', '.join(sorted(names))} changed: starting {self.path.name} again")
        self.restart()


def _syntax_problem(path: Path) -> str:
    """Return why a file is no Python; empty when it is, or is gone."""
    try:
        compile(path.read_bytes(), str(path), "exec")
    except OSError:
        return ""
    except (SyntaxError, ValueError) as error:
        return "".join(traceback.format_exception_only(type(error), error))
    return ""


def wait_for_bot(simulator: Simulator, script: Script, timeout: float) -> bool:
    """Wait until a script is on line; tell why when it does not come.

    Args:
        simulator: Where it should come on line.
        script: It was started.
        timeout: Seconds to wait, but never fewer than a start can take.
    """
    timeout = max(timeout, START)
    waited = 0.0
    while waited < timeout:
        try:
            simulator.gateway.wait_live(timeout=SLICE)
        except AssertionError:
            waited += SLICE
        else:
            return True
        code = script.poll()
        if code is not None:
            click.echo(
                f"{script.path.name} ended before it was on line (exit code {code})."
                + ("" if code else " Does it call client.run()?"),
                err=True,
            )
            return False
    click.echo(
        f"{script.path.name} was not on line within {timeout:g} s."
        " Does it call client.run(), on a Client() and not on Client.simulated()?",
        err=True,
    )
    return False


def arrivals_at(simulator: Simulator) -> int:
    """Return how often a bot has come on line at a platform so far."""
    stats = simulator.platform.stats
    return stats["identifies"] + stats["resumes"]
