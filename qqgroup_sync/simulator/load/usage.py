"""What a process uses: CPU seconds and memory. Needs psutil."""

from __future__ import annotations

import os
from typing import NamedTuple

import psutil


class Usage(NamedTuple):
    """One look at a process.

    Attributes:
        cpu: CPU seconds since its start, those of its ended children included where the system
            tells.
        rss: Bytes of memory.
    """

    cpu: float
    rss: int


class Meter:
    """Looks at one process.

    Args:
        pid: Its id; this process when None.
    """

    def __init__(self, pid: int | None = None) -> None:
        self._process = psutil.Process(os.getpid() if pid is None else pid)
        self._last = Usage(0.0, 0)

    def read(self) -> Usage:
        """Look; what was seen last when the process has ended."""
        try:
            times = self._process.cpu_times()
            children = getattr(times, "children_user", 0) + getattr(times, "children_system", 0)
            rss = self._process.memory_info().rss
        except psutil.NoSuchProcess:
            return self._last
        self._last = Usage(times.user + times.system + children, rss)
        return self._last
