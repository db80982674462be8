"""The command line: try a bot without QQ, or run the simulated platform alone."""

from __future__ import annotations

import importlib.util
import signal
import sys
from pathlib import Path

import click

SIMULATOR_EXTRA = 'The simulator needs more packages: pip install "qqgroup_sync[simulator]"'


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="qqgroup_sync")
def main() -> None:
    """QQ group bots as plain Python scripts."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # also where a shell ignores it
    signal.signal(signal.SIGTERM, _interrupt)  # so that a script under trial is ended, too
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")  # output never fails on a terminal's encoding


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


@main.command("try")
@click.argument("script", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("arguments", nargs=-1)
@click.option("--say", multiple=True, metavar="TEXT", help="Say this to the bot; repeatable.")
@click.option("--console", is_flag=True, help="Chat in this terminal instead of the browser.")
@click.option("--direct", is_flag=True, help="Talk to the bot in private instead of in a group.")
@click.option("--port", default=0, help="Port of the chat page; 0 chooses a free one.")
@click.option("--timeout", default=15.0, help="Seconds to wait for the bot and for each reply.")
@click.option("--reload", is_flag=True, help="Start the script anew when its files change.")
@click.option("--no-browser", is_flag=True, help="Only print the address of the chat page.")
def try_bot(
    script: Path,
    arguments: tuple[str, ...],
    *,
    say: tuple[str, ...],
    console: bool,
    direct: bool,
    port: int,
    timeout: float,
    reload: bool,
    no_browser: bool,
) -> None:
    """Run SCRIPT unchanged against a simulated QQ platform on this machine.

    Opens a chat page in the browser. With --say, prints the replies and ends: exit code 0 when
    every text was answered, 1 otherwise.
    """
    try:
        from qqgroup_sync.cli.trial import Trial  # noqa: PLC0415 - needs the extra
    except ModuleNotFoundError as error:
        raise click.ClickException(f"{SIMULATOR_EXTRA} ({error.name} is missing)") from error
    if reload and importlib.util.find_spec("watchfiles") is None:
        raise click.ClickException(f"{SIMULATOR_EXTRA} (watchfiles is missing)")
    trial = Trial(script, arguments, port=port, timeout=timeout, direct=direct, reload=reload)
    if say:
        sys.exit(trial.say(say))
    if console:
        sys.exit(trial.chat_in_terminal())
    sys.exit(trial.chat_in_browser(open_browser=not no_browser))


@main.command()
@click.option("--port", default=8765, show_default=True, help="Port of the platform.")
@click.option("--gateway-port", default=0, help="Port of the gateway; 0 chooses a free one.")
@click.option("--speed", default=1.0, help="Simulated seconds per real second.")
def simulator(port: int, gateway_port: int, speed: float) -> None:
    """Run the simulated platform alone, for bots that you start yourself."""
    try:
        from qqgroup_sync.cli.platform import serve  # noqa: PLC0415 - needs the extra
    except ModuleNotFoundError as error:
        raise click.ClickException(f"{SIMULATOR_EXTRA} ({error.name} is missing)") from error
    serve(port=port, gateway_port=gateway_port, speed=speed)
