"""``python -m qqgroup_sync simulator``: the platform alone."""

from __future__ import annotations

import threading

import click

from qqgroup_sync.cli.refusals import in_both_languages
from qqgroup_sync.simulator import Simulator
from qqgroup_sync.simulator.chat_page import chat_page, ensure_demo

_SLICE = 0.5  # seconds; Ctrl-C gets through between two waits on every system


def serve(*, port: int, gateway_port: int, speed: float) -> None:
    """Run the platform until Ctrl-C."""
    simulator = Simulator(
        port=port, gateway_port=gateway_port, speed=speed, blueprints=[chat_page(in_both_languages)]
    )
    try:
        simulator.start()
    except OSError as error:
        raise click.ClickException(
            f"port {port} cannot be used ({error.strerror}); choose another with --port, or 0"
        ) from error
    ensure_demo(simulator.platform)
    click.echo(f"chat page: {simulator.url}/\n")
    click.echo("Point a bot at it by one of these:\n")
    click.echo(f"  export QQ_SIMULATOR={simulator.url}          # Linux, macOS")
    click.echo(f"  set QQ_SIMULATOR={simulator.url}             # Windows cmd")
    click.echo(f'  $env:QQ_SIMULATOR = "{simulator.url}"        # PowerShell\n')
    click.echo("and for other SDKs:\n")
    click.echo(f"  QQ_API_BASE={simulator.url}")
    click.echo(f"  QQ_TOKEN_URL={simulator.url}/app/getAppAccessToken")
    click.echo(f"  QQ_GATEWAY_URL={simulator.gateway_url}\n")
    click.echo("Ctrl-C ends it.")
    for_ever = threading.Event()
    try:
        while not for_ever.wait(_SLICE):
            pass
    except KeyboardInterrupt:
        click.echo("stopping")
    finally:
        simulator.stop()
