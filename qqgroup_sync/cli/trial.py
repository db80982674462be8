"""``python -m qqgroup_sync try BOT.py``: an unchanged script against a simulated platform."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import traceback
import webbrowser
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from qqgroup_sync.cli.refusals import explain
from qqgroup_sync.simulator import Simulator
from qqgroup_sync.simulator.chat_page import chat_page, ensure_demo

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from qqgroup_sync.simulator.groups import Group
    from qqgroup_sync.simulator.records import ChatMessage
    from qqgroup_sync.simulator.users import User

SLICE = 0.2  # seconds between two looks at the script
QUIET = 0.4  # seconds without another reply before a text counts as answered
PATIENCE = 12.0  # seconds for the script to end by itself
PERSON = "Ming"


class Trial:
    """One run of a script against a platform of its own.

    Args:
        script: The bot.
        arguments: Passed to the script.
        port: Of the chat page.
        timeout: Seconds to wait for the bot, and for each reply.
        direct: Talk in private instead of in a group.
    """

    def __init__(
        self,
        script: Path,
        arguments: Sequence[str],
        *,
        port: int = 0,
        timeout: float = 15.0,
        direct: bool = False,
    ) -> None:
        self._script = script
        self._arguments = arguments
        self._timeout = timeout
        self._direct = direct
        self._simulator = Simulator(port=port, blueprints=[chat_page()])
        self._process: subprocess.Popen[bytes] | None = None

    # ------------------------------------------------------------------ three ways to talk

    def say(self, texts: Sequence[str]) -> int:
        """Say the texts, print the replies; return 0 when each was answered."""
        with self._running():
            if not self._wait_for_bot():
                return 1
            answers = [self._ask(text) for text in texts]
        return 0 if all(answers) else 1

    def chat_in_terminal(self) -> int:
        """Chat until the end of input; return an exit code."""
        with self._running():
            if not self._wait_for_bot():
                return 1
            click.echo("Type what you say to the bot. An empty line or Ctrl-D ends it.")
            self._simulator.platform.subscribe(self._show_reply)
            try:
                while line := click.prompt("", default="", prompt_suffix="> ", show_default=False):
                    self._speak(line)
            except (click.Abort, EOFError):
                click.echo()
        return 0

    def chat_in_browser(self, *, open_browser: bool) -> int:
        """Serve the chat page until Ctrl-C; return the script's exit code."""
        with self._running() as process:
            ensure_demo(self._simulator.platform)
            address = f"{self._simulator.url}/"
            click.secho(f"chat page: {address}", bold=True)
            click.echo("Ctrl-C ends it.")
            if open_browser and not webbrowser.open(address):
                click.echo("No browser could be opened: open the address above yourself.")
            try:
                while process.poll() is None:
                    self._pause(SLICE)
                click.echo(
                    f"{self._script.name} has ended (exit code {process.returncode});"
                    " the page stays open until Ctrl-C."
                )
                while True:
                    self._pause(SLICE)
            except KeyboardInterrupt:
                click.echo("stopping")
        return max(0, process.returncode or 0)

    # ------------------------------------------------------------------ the script

    @contextmanager
    def _running(self) -> Iterator[subprocess.Popen[bytes]]:
        self._check_syntax()
        try:
            self._simulator.start()
        except OSError as error:
            raise click.ClickException(
                f"the simulator's port cannot be used ({error.strerror}); choose another --port"
            ) from error
        environment = {
            **os.environ,
            "QQ_SIMULATOR": self._simulator.url,
            "PYTHONUNBUFFERED": "1",
        }
        command = [sys.executable, str(self._script), *self._arguments]
        # In a session of its own, so that Ctrl-C reaches it once, from here.
        process = self._process = subprocess.Popen(  # noqa: S603 - the user's own script
            command, env=environment, stdin=subprocess.DEVNULL, start_new_session=True
        )
        try:
            yield process
        finally:
            self._end(process)
            self._simulator.stop()

    def _check_syntax(self) -> None:
        try:
            compile(self._script.read_bytes(), str(self._script), "exec")
        except (SyntaxError, ValueError) as error:
            message = "".join(traceback.format_exception_only(type(error), error))
            raise click.ClickException(f"{self._script} is no valid Python:\n{message}") from error

    def _wait_for_bot(self) -> bool:
        """Wait until the script is on line; tell why when it does not come."""
        waited = 0.0
        while waited < self._timeout:
            try:
                self._simulator.gateway.wait_live(timeout=SLICE)
            except AssertionError:
                waited += SLICE
            else:
                return True
            if self._process is not None and self._process.poll() is not None:
                click.echo(
                    f"{self._script.name} ended before it was on line"
                    f" (exit code {self._process.returncode}).",
                    err=True,
                )
                return False
        click.echo(
            f"{self._script.name} was not on line within {self._timeout:g} s."
            " Does it call client.run()?",
            err=True,
        )
        return False

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        """End the script as Ctrl-C would; a second Ctrl-C here ends it at once."""
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

    def _pause(self, seconds: float) -> None:
        self._simulator.stopping.wait(seconds)

    # ------------------------------------------------------------------ the conversation

    @property
    def _chat(self) -> Group | User:
        platform = self._simulator.platform
        return platform.user(PERSON) if self._direct else platform.group("Test group")

    def _speak(self, text: str) -> None:
        if self._direct:
            self._simulator.platform.user(PERSON).say(text)
        else:
            self._simulator.platform.group("Test group").member(PERSON).say(text, at=True)

    def _ask(self, text: str) -> bool:
        """Say one text and print what comes back; return whether anything did."""
        refused: list[str] = []

        def listen(kind: str, record: Any) -> None:
            if (reason := explain(kind, record)) is not None:
                refused.append(reason)

        unsubscribe = self._simulator.platform.subscribe(listen)
        click.echo(f"{PERSON}: {text}")
        self._speak(text)
        answered = False
        wait = self._timeout
        try:
            while True:
                reply = self._chat.next_reply(timeout=wait)
                click.echo(_line(reply))
                answered, wait = True, QUIET
        except AssertionError:
            pass  # nothing more came
        finally:
            unsubscribe()
        for reason in refused:
            click.echo(f"refused: {reason}", err=True)
        if not answered:
            click.echo(f"no reply within {self._timeout:g} s", err=True)
        return answered

    def _show_reply(self, kind: str, record: Any) -> None:
        if kind == "message" and record.from_bot:
            click.echo(_line(record))
        elif (reason := explain(kind, record)) is not None:
            click.echo(f"refused: {reason}", err=True)


def _line(message: ChatMessage) -> str:
    return f"{message.sender.name}: {message.text}"
