"""What a load shows while it runs, on terminals of any width."""

from __future__ import annotations

import os
import re
import struct
import sys

import pytest

pytest.importorskip("psutil")

from qqgroup_sync.cli.load import _ProgressLine
from qqgroup_sync.simulator.load.plan import Plan
from qqgroup_sync.simulator.load.referee import Latency
from qqgroup_sync.simulator.load.report import Tick

TICK = Tick(
    t=10.0,
    rate=500.0,
    latency=Latency(*[0.0123] * len(Latency._fields)),
    lost=0,
    doubled=0,
    cpu=0.5,
    rss=50 * 1024 * 1024,
    platform_cpu=0.4,
)


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_the_progress_line_is_one_row(monkeypatch, columns):
    """A longer one would leave its first row behind at each second."""
    fcntl, termios = pytest.importorskip("fcntl"), pytest.importorskip("termios")
    controller, line = os.openpty()
    fcntl.ioctl(line, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with (
        os.fdopen(line, "w", encoding="utf-8") as terminal,
        os.fdopen(controller, "rb", 0) as screen,
    ):
        monkeypatch.setattr(sys, "stderr", terminal)
        _ProgressLine(Plan(seconds=20, warm_up=2)).show(TICK)
        shown = re.sub(r"\x1b\[K|\r", "", screen.read(4096).decode())
    assert shown.startswith("   10 of 22 s  500/s")
    assert len(shown) < columns
    assert ("platform" in shown) is (columns == 200)
