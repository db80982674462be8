"""The user's script as a process of its own: started, restarted when its files change, ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import traceback
from typing import TYPE_CHECKING

import click

from qqgroup_sync.runtime.clock import Clock, Deadline
from qqgroup_sync.runtime.service import Service

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

PATIENCE = 12.0  # seconds for the script to end by itself
SETTLE = 100  # milliseconds without a further change before the script is started again


class Script:
    """One script and its process.

    Args:
        path: The script.
        arguments: Passed to it.
        environment: Of the process, beside this one's.
    """

    def __init__(
        self, path: Path, arguments: Sequence[str] = (), environment: Mapping[str, str] = {}
    ) -> None:
        self.path = path
        self.starts = 0
        self._arguments = arguments
        self._environment = {**os.environ, **environment, "PYTHONUNBUFFERED": "1"}
        self._process: subprocess.Popen[bytes] | None = None
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
        # In a session of its own, so that Ctrl-C reaches it once, from here.
        self._process = subprocess.Popen(  # noqa: S603 - the user's own script
            [sys.executable, str(self.path), *self._arguments],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )

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
                _end(self._process)
                self._start()

    def end(self) -> None:
        """End the process as Ctrl-C would; a second Ctrl-C here ends it at once."""
        self._watch.stop(Deadline(Clock(), PATIENCE))
        with self._changing:
            self._ended = True
            if self._process is not None:
                _end(self._process)

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
                click.echo(f"{name} is no valid Python; the bot goes on as it is:\n{problem}")
                return
        click.echo(f"{', '.join(sorted(names))} changed: starting {self.path.name} again")
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


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        if process.poll() is None:
            if os.name == "nt":
                process.terminate()
            else:
                process.send_signal(signal.SIGINT)
        process.wait(PATIENCE)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        process.kill()
        process.wait(PATIENCE)
