"""``python -m qqgroup_sync try BOT.py``: an unchanged script against a simulated platform."""

from __future__ import annotations

import tempfile
import webbrowser
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from qqgroup_sync.cli.refusals import explain
from qqgroup_sync.cli.script import Script
from qqgroup_sync.simulator import Simulator
from qqgroup_sync.simulator.chat_page import chat_page, ensure_demo

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from qqgroup_sync.simulator.groups import Group
    from qqgroup_sync.simulator.records import ChatMessage
    from qqgroup_sync.simulator.shelf import MediaFile
    from qqgroup_sync.simulator.users import User

SLICE = 0.2  # seconds between two looks at the script
QUIET = 0.4  # seconds without another reply before a text counts as answered
PERSON = "Ming"


class Trial:
    """One run of a script against a platform of its own.

    Args:
        script: The bot.
        arguments: Passed to the script.
        port: Of the chat page.
        timeout: Seconds to wait for the bot, and for each reply.
        direct: Talk in private instead of in a group.
        reload: Start the script anew when a file beside it changes.
    """

    def __init__(
        self,
        script: Path,
        arguments: Sequence[str],
        *,
        port: int = 0,
        timeout: float = 15.0,
        direct: bool = False,
        reload: bool = False,
    ) -> None:
        self._path = script
        self._reload = reload
        self._arguments = arguments
        self._timeout = timeout
        self._direct = direct
        self._simulator = Simulator(port=port, blueprints=[chat_page()])
        self._script: Script | None = None

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
        with self._running() as script:
            ensure_demo(self._simulator.platform)
            address = f"{self._simulator.url}/"
            click.secho(f"chat page: {address}", bold=True)
            click.echo("Ctrl-C ends it.")
            if open_browser and not webbrowser.open(address):
                click.echo("No browser could be opened: open the address above yourself.")
            code: int | None = None
            try:
                while (code := script.poll()) is None:
                    self._pause(SLICE)
                click.echo(
                    f"{self._path.name} has ended (exit code {code});"
                    " the page stays open until Ctrl-C."
                )
                while True:
                    self._pause(SLICE)
            except KeyboardInterrupt:
                click.echo("stopping")
        return max(0, code or 0)

    # ------------------------------------------------------------------ the script

    @contextmanager
    def _running(self) -> Iterator[Script]:
        Script(self._path).check_syntax()
        try:
            self._simulator.start()
        except OSError as error:
            raise click.ClickException(
                f"the simulator's port cannot be used ({error.strerror}); choose another --port"
            ) from error
        with tempfile.TemporaryDirectory(
            prefix="qqgroup-try-", ignore_cleanup_errors=True
        ) as state:
            environment = {"QQ_SIMULATOR": self._simulator.url}
            if self._reload:
                environment["QQ_STATE"] = state  # what makes the next process resume the session
            script = self._script = Script(self._path, self._arguments, environment)
            script.start(reload=self._reload)
            try:
                yield script
            finally:
                script.end()
                self._simulator.stop()

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
            code = self._script.poll() if self._script is not None else None
            if code is not None:
                click.echo(
                    f"{self._path.name} ended before it was on line (exit code {code})."
                    + ("" if code else " Does it call client.run()?"),
                    err=True,
                )
                return False
        click.echo(
            f"{self._path.name} was not on line within {self._timeout:g} s."
            " Does it call client.run(), on a Client() and not on Client.simulated()?",
            err=True,
        )
        return False

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
    """Return a message as the terminal shows it: text, what it carries, its buttons."""
    parts = [
        message.text.strip("\u200b"),  # what stands above buttons without a text
        *(_medium(file) for file in (*message.files, *message.pictures)),
    ]
    if ark := message.raw.get("ark"):
        parts.append(f"[card {ark.get('template_id')}]")
    rows = ((message.keyboard or {}).get("content") or {}).get("rows", ())
    labels = [button["render_data"]["label"] for row in rows for button in row["buttons"]]
    if labels:
        parts.append(f"[buttons: {' | '.join(labels)}]")
    elif message.keyboard:
        parts.append(f"[buttons of template {message.keyboard.get('id')}]")
    return f"{message.sender.name}: {' '.join(part for part in parts if part)}"


def _medium(file: MediaFile) -> str:
    kind = {1: "picture", 2: "video", 3: "voice"}.get(file.file_type, "file")
    size = file.picture_size if kind == "picture" and file.blob is not None else None
    measure = f" {size[0]}x{size[1]}" if size else ""
    name = f" {file.name}" if kind == "file" and file.name else ""
    many = file.size
    weight = f"{many} B" if many < 1000 else f"{many / 1024:.1f} KB"
    if many >= 1000 * 1024:
        weight = f"{many / 1024**2:.1f} MB"
    return f"[{kind}{name} {file.content_type}{measure}, {weight}]"
