"""Options that cannot be meant: one line says so, before anything is started."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from qqgroup_sync.cli import main

HELLO = str(Path(__file__).parents[2] / "examples" / "hello.py")


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("try", [HELLO, "--port", "99999"]),
        ("try", [HELLO, "--say", "hello", "--timeout", "-1"]),
        ("load", [HELLO, "--port", "-1"]),
        ("load", [HELLO, "--timeout", "-1"]),
        ("simulator", ["--port", "65536"]),
        ("simulator", ["--gateway-port", "99999"]),
        ("simulator", ["--speed", "-3"]),
    ],
)
def test_figures_out_of_range(command, options):
    """The option and its range are named."""
    done = CliRunner().invoke(main.commands[command], options)
    assert done.exit_code == 2
    assert options[-2] in done.output
    assert "not in the range" in done.output


@pytest.mark.parametrize("command", ["try", "load"])
def test_bytes_that_are_no_text(command):
    """A terminal of another encoding: the bot would get something else than was typed."""
    typed = "你好".encode("gb18030").decode("utf-8", "surrogateescape")  # as Python hands it over
    done = CliRunner().invoke(main.commands[command], [HELLO, "--say", "hello", "--say", typed])
    assert done.exit_code == 2
    assert "--say" in done.output
    assert "no UTF-8" in done.output
