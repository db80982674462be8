"""``python -m qqgroup_sync try BOT.py``: an unchanged script against a simulated platform."""

from __future__ import annotations

import os
import sys
import tempfile
import webbrowser
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from qqgroup_sync.cli import play
from qqgroup_sync.cli.answers import Answers
from qqgroup_sync.cli.bot_output import BotOutput
from qqgroup_sync.cli.console_chat import ConsoleChat
from qqgroup_sync.cli.display import Display, JsonDisplay, is_terminal
from qqgroup_sync.cli.refusals import in_both_languages
from qqgroup_sync.cli.scenario import ScenarioError
from qqgroup_sync.cli.script import SLICE, Script, arrivals_at, wait_for_bot
from qqgroup_sync.cli.talk import GROUP, Talk
from qqgroup_sync.simulator import Simulator
from qqgroup_sync.simulator.chat_page import chat_page, ensure_demo
from qqgroup_sync.state.places import NOWHERE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from qqgroup_sync.cli.colours import ColourDisplay

_STDERR = 2


class Trial:
    """One run of a script against a platform of its own.

    Args:
        script: The bot.
        arguments: Passed to the script.
        port: Of the chat page.
        timeout: Seconds to wait for the bot, and for each reply.
        direct: Talk in private instead of in a group.
        reload: Start the script anew when a file beside it changes.
        as_json: Write what happens as JSON.
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
        as_json: bool = False,
    ) -> None:
        self._path = script
        self._reload = reload
        self._arguments = arguments
        self._timeout = timeout
        self._as_json = as_json
        self._simulator = Simulator(port=port, blueprints=[chat_page(in_both_languages)])
        self._talk = Talk(self._simulator.platform, group=None if direct else GROUP)
        self._display = Display()

    # ------------------------------------------------------------------ four ways to talk

    def say(self, texts: Sequence[str]) -> int:
        """Say the texts, show the replies; return 0 when each was answered."""
        with self._talking() as (script, answers):
            if not wait_for_bot(self._simulator, script, self._timeout):
                return 1
            answered = 0
            for text in texts:
                if not answers.alive():
                    break
                answered += self._ask(text, answers)
            if answered < len(texts):
                self._has_ended(script)
        return 0 if answered == len(texts) else 1

    def play(self, path: Path) -> int:
        """Play a script file; return 0 when everything was as expected."""
        try:
            steps = play.read_file(path)
        except OSError as error:
            raise click.ClickException(f"{path} cannot be read: {error.strerror}") from error
        except ScenarioError as error:
            raise click.ClickException(f"{path.name} cannot be played:\n{error}") from error
        with self._talking() as (script, answers):
            if not wait_for_bot(self._simulator, script, self._timeout):
                return 1
            player = play.Player(
                path, self._simulator, self._talk, answers, self._display, self._timeout
            )
            try:
                failures = player.play(steps)
            except KeyboardInterrupt:
                click.echo("stopping", err=True)
                return 130
            if self._has_ended(script):
                return 1
        if player.checked or failures:
            good = player.checked - failures
            self._display.note(f"{path.name}: {good} of {player.checked} answers as expected")
        return 1 if failures else 0

    def chat_in_terminal(self) -> int:
        """Chat until the end of input; return an exit code."""
        with self._talking() as (script, answers):
            if not wait_for_bot(self._simulator, script, self._timeout):
                return 1
            ConsoleChat(self._simulator, script, self._talk, answers, self._display).run()
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
        code = code or 0
        return code if code >= 0 else 128 - code  # a signal, as a shell tells it

    # ------------------------------------------------------------------ the script

    @contextmanager
    def _talking(self) -> Iterator[tuple[Script, Answers]]:
        """Run the script with a display of what is said."""
        with ExitStack() as stack:
            output: int | None = None
            if self._as_json:
                self._display = JsonDisplay(self._simulator.clock)
                output = _STDERR
            elif is_terminal(sys.stdout) and (colours := _load_colours()) is not None:
                self._display = colours(lambda: _temporary_folder(stack, "media"))
                output = stack.enter_context(BotOutput(self._display.output_of_bot)).descriptor
            self._display.attach(self._simulator.platform)
            script: Script | None = None
            answers = Answers(
                self._simulator.platform, alive=lambda: script is None or script.poll() is None
            )
            script = stack.enter_context(self._running(output, self._display.note))
            yield script, answers

    @contextmanager
    def _running(
        self, output: int | None = None, tell: Callable[[str], object] = click.echo
    ) -> Iterator[Script]:
        Script(self._path).check_syntax()
        try:
            self._simulator.start()
        except OSError as error:
            raise click.ClickException(
                f"the simulator's port cannot be used ({error.strerror}); choose another --port"
            ) from error
        with ExitStack() as stack:
            environment = {"QQ_SIMULATOR": self._simulator.url}
            if self._reload and _keeps_nothing():
                # What makes the next process resume the session.
                environment["QQ_STATE"] = str(_temporary_folder(stack, "try"))
            script = Script(
                self._path,
                self._arguments,
                environment,
                output=output,
                arrivals=lambda: arrivals_at(self._simulator),
                tell=tell,
            )
            script.start(reload=self._reload)
            try:
                yield script
            finally:
                script.end()
                self._simulator.stop()

    def _pause(self, seconds: float) -> None:
        self._simulator.stopping.wait(seconds)

    def _ask(self, text: str, answers: Answers) -> bool:
        """Say one text and wait for what comes back; return whether anything did."""
        answers.forget()
        self._talk.say(text)
        answered = answers.settle(self._timeout)
        if not answered and answers.alive():
            self._display.problem(f"no reply within {self._timeout:g} s")
        return answered

    def _has_ended(self, script: Script) -> bool:
        """Tell whether the script has ended, also to the user."""
        code = script.poll()
        if code is not None:
            self._display.problem(f"{self._path.name} has ended (exit code {code}).")
        return code is not None


def _keeps_nothing() -> bool:
    """Tell whether the user names no folder for what a bot keeps."""
    return os.environ.get("QQ_STATE", "").strip().lower() in ("", NOWHERE)


def _temporary_folder(stack: ExitStack, name: str) -> Path:
    """Make a folder that goes with the stack."""
    folder = tempfile.TemporaryDirectory(prefix=f"qqgroup-{name}-", ignore_cleanup_errors=True)
    return Path(stack.enter_context(folder))


def _load_colours() -> type[ColourDisplay] | None:
    """Return the display with colours, None where rich is not installed."""
    try:
        from qqgroup_sync.cli.colours import ColourDisplay  # noqa: PLC0415 - needs rich
    except ModuleNotFoundError:
        return None
    return ColourDisplay
