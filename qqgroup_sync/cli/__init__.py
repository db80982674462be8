"""The command line: try a bot without QQ, or run the simulated platform alone."""

from __future__ import annotations

import importlib.util
import signal
import sys
from pathlib import Path

import click

SIMULATOR_EXTRA = 'The simulator needs more packages: pip install "qqgroup_sync[simulator]"'
LOAD_EXTRA = 'Measuring a load needs more packages: pip install "qqgroup_sync[load]"'
SCRIPT = click.Path(exists=True, dir_okay=False, path_type=Path)
PORT = click.IntRange(0, 65535)
NOT_NEGATIVE = click.FloatRange(min=0)


def _check_texts(
    _context: click.Context, _option: click.Parameter, texts: tuple[str, ...]
) -> tuple[str, ...]:
    """Refuse bytes that are no text: they would reach no bot as they were typed."""
    for text in texts:
        shown = text.encode("utf-8", "replace").decode()
        if shown != text:
            raise click.BadParameter(f"{shown!r} is no UTF-8: let the terminal or script send that")
    return texts


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="qqgroup_sync")
def main() -> None:
    """QQ group bots as plain Python scripts."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # also where a shell ignores it
    signal.signal(signal.SIGTERM, _interrupt)  # so that a script under trial is ended, too
    hung_up = getattr(signal, "SIGHUP", None)  # the terminal was closed; there is none on Windows
    if hung_up is not None and signal.getsignal(hung_up) is not signal.SIG_IGN:  # as nohup does
        signal.signal(hung_up, _interrupt)
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")  # nothing ever fails on a terminal's encoding


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


@main.command("try")
@click.argument("script", type=SCRIPT)
@click.argument("arguments", nargs=-1)
@click.option(
    "--say",
    multiple=True,
    callback=_check_texts,
    metavar="TEXT",
    help="Say this to the bot; repeatable.",
)
@click.option("--console", is_flag=True, help="Chat in this terminal instead of the browser.")
@click.option(
    "--script",
    "script_file",
    type=SCRIPT,
    metavar="CHAT.TXT",
    help="Play a conversation from a file, and check the answers that it names.",
)
@click.option("--json", "as_json", is_flag=True, help="Write what happens as JSON, line by line.")
@click.option("--direct", is_flag=True, help="Talk to the bot in private instead of in a group.")
@click.option("--port", type=PORT, default=0, help="Port of the chat page; 0 chooses a free one.")
@click.option("--timeout", type=NOT_NEGATIVE, default=15.0, help="Seconds to wait for each reply.")
@click.option("--reload", is_flag=True, help="Start the script anew when its files change.")
@click.option("--no-browser", is_flag=True, help="Only print the address of the chat page.")
def try_bot(
    script: Path,
    arguments: tuple[str, ...],
    *,
    say: tuple[str, ...],
    console: bool,
    script_file: Path | None,
    as_json: bool,
    direct: bool,
    port: int,
    timeout: float,
    reload: bool,
    no_browser: bool,
) -> None:
    """Run SCRIPT unchanged against a simulated QQ platform on this machine.

    Opens a chat page in the browser. With --say, prints the replies and ends: exit code 0 when
    every text was answered, 1 otherwise. With --script it is 0 when all answers were as expected.
    """
    if sum(map(bool, (say, console, script_file))) > 1:
        raise click.UsageError("only one of --say, --console and --script can be used at a time")
    if as_json and not (say or console or script_file):
        raise click.UsageError("--json goes with --say, --console or --script")
    try:
        from qqgroup_sync.cli.trial import Trial  # noqa: PLC0415 - needs the extra
    except ModuleNotFoundError as error:
        raise click.ClickException(f"{SIMULATOR_EXTRA} ({error.name} is missing)") from error
    if reload and importlib.util.find_spec("watchfiles") is None:
        raise click.ClickException(f"{SIMULATOR_EXTRA} (watchfiles is missing)")
    trial = Trial(
        script,
        arguments,
        port=port,
        timeout=timeout,
        direct=direct,
        reload=reload,
        as_json=as_json,
    )
    if say:
        sys.exit(trial.say(say))
    if script_file is not None:
        sys.exit(trial.play(script_file))
    if console:
        sys.exit(trial.chat_in_terminal())
    sys.exit(trial.chat_in_browser(open_browser=not no_browser))


@main.command()
@click.argument("script", type=SCRIPT)
@click.argument("arguments", nargs=-1)
@click.option("--rate", default=500.0, show_default=True, help="Messages a second.")
@click.option("--seconds", default=30.0, show_default=True, help="How long.")
@click.option("--warm-up", default=2.0, show_default=True, help="Seconds before that do not count.")
@click.option("--groups", default=100, show_default=True, help="How many groups.")
@click.option("--persons", default=10, show_default=True, help="People in each group.")
@click.option("--private", default=0.0, show_default=True, help="Share of private chats, 0 to 1.")
@click.option(
    "--say",
    multiple=True,
    callback=_check_texts,
    metavar="TEXT",
    help="What is said, in turn when repeated; {n}, {person} and {group} are filled in."
    " Without it: something that the bot answers.",
)
@click.option("--grace", default=10.0, show_default=True, help="Seconds until a message is lost.")
@click.option(
    "--timeout", type=NOT_NEGATIVE, default=15.0, help="Seconds the probe waits for answers."
)
@click.option("--json", "json_to", metavar="FILE", help="Write the figures as JSON; - is stdout.")
@click.option(
    "--plot", type=click.Path(dir_okay=False, path_type=Path), help="Draw them, such as load.png."
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Keep what the script writes in this file.",
)
@click.option("--max-p99", type=float, metavar="MS", help="Fail when the 99th percentile is more.")
@click.option("--max-lost", type=int, metavar="N", help="Fail when more messages are lost.")
@click.option("--page", is_flag=True, help="Open the chat page, which shows the figures live.")
@click.option("--port", type=PORT, default=0, help="Port of the chat page; 0 chooses a free one.")
@click.option("--no-browser", is_flag=True, help="With --page: only print its address.")
def load(
    script: Path,
    arguments: tuple[str, ...],
    *,
    rate: float,
    seconds: float,
    warm_up: float,
    groups: int,
    persons: int,
    private: float,
    say: tuple[str, ...],
    grace: float,
    timeout: float,
    json_to: str | None,
    plot: Path | None,
    output: Path | None,
    max_p99: float | None,
    max_lost: int | None,
    page: bool,
    port: int,
    no_browser: bool,
) -> None:
    """Send SCRIPT many messages and measure its answers.

    The script runs unchanged, against a simulated QQ platform on this machine. Messages leave at
    their planned times whether or not answers came; latency counts from the planned time until
    the answer stands in the chat. Exit code 1: a limit was exceeded; 2: the bot answers nothing of
    what is said to it; that of the script where it ended under the load.
    """
    if plot is not None and importlib.util.find_spec("matplotlib") is None:
        raise click.ClickException(f"{LOAD_EXTRA} (--plot needs matplotlib)")
    try:
        from qqgroup_sync.cli.load import Wishes, measure  # noqa: PLC0415 - needs the extras
        from qqgroup_sync.simulator.load.plan import Plan  # noqa: PLC0415
    except ModuleNotFoundError as error:
        extra = LOAD_EXTRA if error.name == "psutil" else SIMULATOR_EXTRA
        raise click.ClickException(f"{extra} ({error.name} is missing)") from error
    try:
        plan = Plan(groups, persons, rate, seconds, warm_up, private, grace)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    wishes = Wishes(
        texts=say,
        timeout=timeout,
        json_to=json_to,
        plot_to=plot,
        output=output,
        max_p99=max_p99,
        max_lost=max_lost,
        page=page,
        open_browser=not no_browser,
        port=port,
    )
    sys.exit(measure(script, arguments, plan, wishes))


@main.command()
@click.option("--port", type=PORT, default=8765, show_default=True, help="Port of the platform.")
@click.option(
    "--gateway-port", type=PORT, default=0, help="Port of the gateway; 0 chooses a free one."
)
@click.option("--speed", type=NOT_NEGATIVE, default=1.0, help="Simulated seconds per real second.")
def simulator(port: int, gateway_port: int, speed: float) -> None:
    """Run the simulated platform alone, for bots that you start yourself."""
    try:
        from qqgroup_sync.cli.platform import serve  # noqa: PLC0415 - needs the extra
    except ModuleNotFoundError as error:
        raise click.ClickException(f"{SIMULATOR_EXTRA} ({error.name} is missing)") from error
    serve(port=port, gateway_port=gateway_port, speed=speed)
