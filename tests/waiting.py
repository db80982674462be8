"""How tests wait: for a condition, with a limit that fails loudly."""

from __future__ import annotations

import threading
import time

LIMIT = 5.0  # seconds; a test that needs them has failed


def eventually(condition, within=LIMIT):
    """Wait until the condition holds; fail when it does not in time."""
    ends = time.monotonic() + within
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < ends, f"not within {within:g} s"
        pause.wait(0.002)
