"""A bot that runs as a program of its own, held by its test."""

from __future__ import annotations

import hmac
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from qqgroup_sync.testing.child import CONTROL
from qqgroup_sync.testing.errors import BotError
from qqgroup_sync.testing.harness import ClientLook, Look

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_CHILD = "qqgroup_sync.testing.child"
_SLICE = 0.05  # seconds between two looks at a process that is about to call
_LOOK = 0.005  # the same at one that is about to be on line
_ANSWER = 10.0  # seconds for an answer
_OUTPUT = 16_000  # bytes of output that are shown


class BotProcess:
    """A script in a process of its own.

    Args:
        script: The script.
        arguments: Passed to it.
        environment: Of the process, beside this one's.
        on_line: Tells whether the bots of such a look are on line.
        ready_within: Seconds to come on line.
        stop_within: Seconds to end after Ctrl-C.
    """

    def __init__(
        self,
        script: Path,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        *,
        on_line: Callable[[Look], bool],
        ready_within: float = 20.0,
        stop_within: float = 12.0,
    ) -> None:
        self._script = script
        self._arguments = arguments
        self._environment = environment
        self._on_line = on_line
        self._ready_within = ready_within
        self._stop_within = stop_within
        self._process: subprocess.Popen[bytes] | None = None
        self._line: socket.socket | None = None
        self._answers: Any = None
        self._asking = threading.Lock()
        self._stepped = 0.0
        self._log: Path | None = None  # while there is a process
        self._kept = b""  # what the last one wrote

    # ------------------------------------------------------------------ life

    def start(self) -> None:
        """Start the process, and wait until its bots are on line.

        Raises:
            BotError: It ended before, or is not on line in time; shows what it wrote.
        """
        __tracebackhide__ = True
        descriptor, name = tempfile.mkstemp(prefix="qqgroup-test-", suffix=".log")
        self._log = Path(name)
        try:
            with (
                os.fdopen(descriptor, "wb") as log,
                socket.create_server(("127.0.0.1", 0)) as server,
            ):
                word = secrets.token_hex(16)
                self._process = self._launch(log, f"{server.getsockname()[1]}:{word}")
                self._take_call(server, word)
            self._wait_ready()
        except BaseException:
            self.kill()
            raise

    def _launch(self, log: IO[bytes], control: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603 - the user's own script
            [sys.executable, "-m", _CHILD, str(self._script), *self._arguments],
            env={
                **os.environ,
                **self._environment,
                CONTROL: control,
                "PYTHONUNBUFFERED": "1",
                "PYTHONIOENCODING": "utf-8",
            },
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def _take_call(self, server: socket.socket, word: str) -> None:
        __tracebackhide__ = True
        server.settimeout(_SLICE)
        ends = time.monotonic() + self._ready_within
        while True:
            try:
                line, _ = server.accept()
            except TimeoutError:
                self._check(ends)
                continue
            line.settimeout(_ANSWER)
            answers = line.makefile("r", encoding="utf-8")
            if hmac.compare_digest(answers.readline().strip().encode(), word.encode()):
                self._line, self._answers = line, answers
                break
            line.close()
        if self._stepped:
            self._ask({"advance": self._stepped})

    def _wait_ready(self) -> None:
        __tracebackhide__ = True
        ends = time.monotonic() + self._ready_within
        pause = threading.Event()
        while not self._on_line(self.look()):
            self._check(ends)
            pause.wait(_LOOK)

    def _check(self, ends: float) -> None:
        __tracebackhide__ = True
        assert self._process is not None
        name = self._script.name
        code = self._process.poll()
        if code is not None:
            why = "" if code else " It must call client.run()."
            raise BotError(
                f"{name} ended before it was on line (exit code {code}).{why} It wrote:\n"
                f"{self.output}"
            )
        if time.monotonic() > ends:
            raise BotError(
                f"{name} is not on line after {self._ready_within:g} s. Does it call "
                f"client.run(), on a Client() and not on Client.simulated()? It wrote:\n"
                f"{self.output}"
            )

    def stop(self) -> None:
        """End the process as Ctrl-C does.

        Raises:
            BotError: It did not end in time, or ended with an error.
        """
        __tracebackhide__ = True
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            if os.name == "nt":
                process.terminate()
            else:
                process.send_signal(signal.SIGINT)
        try:
            code = process.wait(self._stop_within)
        except subprocess.TimeoutExpired:
            output = self.output
            self.kill()
            raise BotError(
                f"{self._script.name} did not end within {self._stop_within:g} s. It wrote:\n"
                f"{output}"
            ) from None
        output = self.output
        self._release()
        if code and os.name != "nt":
            raise BotError(f"{self._script.name} ended with exit code {code}:\n{output}")

    def kill(self) -> None:
        """End the process at once, as a crash or ``kill -9`` does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._release()

    def restart(self) -> None:
        """End the process, if it runs, and start the next one."""
        __tracebackhide__ = True
        self.stop()
        self.start()

    def _release(self) -> None:
        self._process = None
        if self._line is not None:
            self._answers.close()
            self._line.close()
            self._line = None
        if self._log is not None:
            self._kept = self._log.read_bytes()[-_OUTPUT:]
            self._log.unlink(missing_ok=True)
            self._log = None

    @property
    def output(self) -> str:
        """What it wrote so far, of a long text the end."""
        data = self._kept if self._log is None else self._log.read_bytes()[-_OUTPUT:]
        return data.decode("utf-8", "replace").strip()

    # ------------------------------------------------------------------ asked over the connection

    def advance(self, seconds: float) -> None:
        """Let time pass at once."""
        self._stepped += seconds
        self._ask({"advance": seconds})

    def hurry(self, on: bool) -> None:
        """Let waits notice soon that time has passed."""
        self._ask({"hurry": on})

    def look(self) -> Look:
        """Return how far its bots are; an ended process has none."""
        answer = self._ask({"ask": "look"})
        if answer is None:
            return Look(None, [])
        due_in, clients = answer
        return Look(
            due_in,
            [
                ClientLook(
                    appid,
                    {int(shard): (place[0], place[1]) for shard, place in taken.items()},
                    busy,
                    heard,
                )
                for appid, taken, busy, heard in clients
            ],
        )

    def stacks(self) -> str:
        """Return what its handlers do that run."""
        return self._ask({"ask": "stacks"}) or ""

    def _ask(self, question: dict[str, Any]) -> Any:
        with self._asking:
            if self._line is None:
                return None
            try:
                self._line.sendall(f"{json.dumps(question)}\n".encode())
                answer = self._answers.readline()
            except OSError:
                return None  # it has ended, or hangs: whoever waits for it says so
            return json.loads(answer) if answer else None
