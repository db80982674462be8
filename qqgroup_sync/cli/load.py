"""``python -m qqgroup_sync load BOT.py``: heavy traffic for an unchanged script, and figures."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import webbrowser
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from qqgroup_sync.cli.display import is_terminal
from qqgroup_sync.cli.load_table import table
from qqgroup_sync.cli.refusals import in_both_languages
from qqgroup_sync.cli.script import Script, arrivals_at, wait_for_bot
from qqgroup_sync.simulator import Simulator
from qqgroup_sync.simulator.load.probe import GUESSES, probe
from qqgroup_sync.simulator.load.report import MEGABYTE
from qqgroup_sync.simulator.load.run import Load
from qqgroup_sync.simulator.load.usage import Meter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qqgroup_sync.simulator.load.plan import Plan, Scene
    from qqgroup_sync.simulator.load.report import Report, Tick

FAILED, NOTHING_TO_MEASURE = 1, 2
_TAIL = 3000  # bytes of the script's output that are shown when it fails
_COLUMNS = 80  # of a terminal that does not tell its width
_PICTURES = (".png", ".svg", ".pdf", ".jpg")


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user wants besides the traffic."""

    texts: Sequence[str] = ()
    timeout: float = 15.0
    json_to: str | None = None
    plot_to: Path | None = None
    output: Path | None = None
    max_p99: float | None = None
    max_lost: int | None = None
    page: bool = False
    open_browser: bool = True
    port: int = 0


def measure(script: Path, arguments: Sequence[str], plan: Plan, wishes: Wishes) -> int:
    """Run a script under load, tell the figures, and return an exit code."""
    Script(script).check_syntax()
    _check_places(wishes)
    with ExitStack() as stack:
        folder = Path(
            stack.enter_context(
                tempfile.TemporaryDirectory(prefix="qqgroup-load-", ignore_cleanup_errors=True)
            )
        )
        simulator = _start_platform(stack, wishes)
        log = wishes.output or folder / "output.txt"
        output = stack.enter_context(log.open("wb"))
        bot = Script(
            script,
            arguments,
            {"QQ_SIMULATOR": simulator.url, "QQ_STATE": str(folder / "state")},
            output=output.fileno(),
            arrivals=lambda: arrivals_at(simulator),
        )
        bot.start()
        stack.callback(bot.end)
        if not wait_for_bot(simulator, bot, wishes.timeout):
            _show_tail(log)
            return FAILED
        expected = _ask(simulator, plan, wishes)
        if expected is None:
            return NOTHING_TO_MEASURE
        if wishes.page:
            _show_page(simulator, open_browser=wishes.open_browser)
        report = _run(simulator, bot, plan, expected)
        code = bot.poll()
        if code is not None:
            click.secho(f"{script.name}: {report.ended}", fg="red", err=True)
            _show_tail(log)
    _write(report, script, wishes)
    if code is not None:
        return code if code > 0 else FAILED
    return _judge(report, wishes)


def _check_places(wishes: Wishes) -> None:
    """Refuse what cannot be written before anything is measured."""
    paths = [wishes.plot_to, wishes.output]
    if wishes.json_to not in (None, "-"):
        paths.append(Path(str(wishes.json_to)))
    for path in filter(None, paths):
        if not path.absolute().parent.is_dir():
            raise click.ClickException(f"there is no folder for {path}: make it first")
        if path.is_dir():
            raise click.ClickException(f"{path} is a folder: name a file in it")
    if wishes.plot_to is not None and wishes.plot_to.suffix.lower() not in _PICTURES:
        raise click.ClickException(
            f"--plot {wishes.plot_to} must end with one of {', '.join(_PICTURES)}"
        )


def _start_platform(stack: ExitStack, wishes: Wishes) -> Simulator:
    simulator = Simulator(port=wishes.port, blueprints=_pages() if wishes.page else ())
    try:
        simulator.start()
    except OSError as error:
        raise click.ClickException(
            f"the simulator's port cannot be used ({error.strerror}); choose another --port"
        ) from error
    stack.callback(simulator.stop)
    return simulator


def _run(
    simulator: Simulator, bot: Script, plan: Plan, expected: dict[Scene, dict[str, int]]
) -> Report:
    line = _ProgressLine(plan)
    load = Load(
        simulator,
        plan,
        expected,
        bot=Meter(bot.pid),
        own=Meter(),
        end_of_bot=lambda: _end_of(bot),
    )
    try:
        return load.run(line.show)
    finally:
        line.clear()


def _pages() -> list[Any]:
    from qqgroup_sync.simulator.chat_page import chat_page  # noqa: PLC0415 - only with --page

    return [chat_page(in_both_languages)]


def _show_page(simulator: Simulator, *, open_browser: bool) -> None:
    click.echo(f"chat page: {simulator.url}/", err=True)
    if open_browser and not webbrowser.open(f"{simulator.url}/"):
        click.echo("No browser could be opened: open the address above yourself.", err=True)


def _end_of(bot: Script) -> str | None:
    code = bot.poll()
    return None if code is None else f"the script ended under the load (exit code {code})"


def _show_tail(log: Path) -> None:
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _TAIL))
        text = file.read().decode("utf-8", "replace").strip()
    if text:
        click.echo(f"The last that it wrote:\n{text}", err=True)


# ---------------------------------------------------------------------- before


def _ask(simulator: Simulator, plan: Plan, wishes: Wishes) -> dict[Scene, dict[str, int]] | None:
    """Find out which texts are answered; None, after telling why, when none is."""
    platform, expected = simulator.platform, {}
    for scene in plan.scenes:
        found = probe(
            platform,
            wishes.texts or GUESSES,
            scene,
            timeout=wishes.timeout,
            one_is_enough=not wishes.texts,
        )
        if not wishes.texts:
            found = dict([(text, count) for text, count in found.items() if count][:1])
        if not any(found.values()):
            tried = ", ".join(repr(text) for text in wishes.texts or GUESSES)
            where = "in private" if scene == "private" else "in a group"
            click.echo(
                f"The bot answered nothing {where} to {tried}: there would be nothing to measure."
                " Name a text that it answers: --say TEXT.",
                err=True,
            )
            return None
        expected[scene] = found
        for text, count in found.items():
            if not count:
                click.echo(
                    f"{text!r} gets no answer ({scene}): it is sent, and not counted as lost.",
                    err=True,
                )
    return expected


# ---------------------------------------------------------------------- while it runs


class _ProgressLine:
    """One line on stderr that is written over, on a terminal only."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._on = is_terminal(sys.stderr)

    def show(self, tick: Tick) -> None:
        """Write the line of a second."""
        if not self._on:
            return
        found = tick.to_json()
        text = f"{tick.t:5.0f} of {self._plan.length:g} s  {tick.rate:.0f}/s"
        if tick.latency is not None:
            text += "  " + " ".join(f"{name} {found[name]:.1f}" for name in ("p50", "p95", "p99"))
            text += " ms"
        text += f"  lost {tick.lost} doubled {tick.doubled}"
        text += f"  bot {found['cpu']:.0f} % {tick.rss / MEGABYTE:.0f} MB"
        text += f"  platform {found['platform_cpu']:.0f} %"
        click.echo(f"\r\x1b[K{text[: _columns() - 1]}", nl=False, err=True)

    def clear(self) -> None:
        """Take it away."""
        if self._on:
            click.echo("\r\x1b[K", nl=False, err=True)


def _columns() -> int:
    """Return the width of the terminal at stderr: a longer line would leave rows behind."""
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or _COLUMNS
    except (OSError, ValueError):
        return _COLUMNS


# ---------------------------------------------------------------------- after


def _write(report: Report, script: Path, wishes: Wishes) -> None:
    """Give the figures out as table, JSON and picture."""
    if wishes.json_to == "-":
        click.echo(json.dumps({"script": script.name, **report.to_json()}, ensure_ascii=False))
    else:
        click.echo(table(report, script.name))
        if wishes.json_to:
            text = json.dumps({"script": script.name, **report.to_json()}, ensure_ascii=False)
            Path(wishes.json_to).write_text(text + "\n", encoding="utf-8", errors="replace")
    if wishes.plot_to is not None:
        from qqgroup_sync.simulator.load.plot import draw  # noqa: PLC0415 - matplotlib is slow

        draw(report, wishes.plot_to, script.name)
        click.echo(f"plot: {wishes.plot_to}", err=wishes.json_to == "-")


def _judge(report: Report, wishes: Wishes) -> int:
    """Compare with the limits; return the exit code."""
    failures = []
    latency, lost = report.verdict.latency, report.verdict.lost
    if wishes.max_p99 is not None and (latency is None or 1000 * latency.p99 > wishes.max_p99):
        found = "no message was answered" if latency is None else f"{1000 * latency.p99:.1f} ms"
        failures.append(f"p99: {found}, allowed are {wishes.max_p99:g} ms (--max-p99)")
    if wishes.max_lost is not None and lost > wishes.max_lost:
        failures.append(f"lost: {lost}, allowed are {wishes.max_lost} (--max-lost)")
    for failure in failures:
        click.secho(failure, fg="red", err=True)
    if report.ended:
        return 130
    return FAILED if failures else 0
