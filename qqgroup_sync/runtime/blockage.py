"""Whether jobs wait because the workers block, and not because much is computed.

Only then do more workers help: with one interpreter lock, more threads that compute are slower.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qqgroup_sync.runtime.clock import Clock

TICK = 0.005  # how often a waiting queue looks whether its workers are blocked
SHARE = 0.7  # below this share of a core, waiting jobs mean that workers block
DELAY = 0.002  # a tick later than this means that threads wait for each other, not for I/O
LATE_PATIENCE = 0.1  # where every tick is late (Windows, a busy machine), waiting this long will do


class Blockage:
    """Looks at the clock and the processor, tick after tick. For one thread.

    Args:
        clock: Where time comes from.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._then, self._burnt = clock.monotonic(), time.process_time()
        self._waited = 0.0  # how long jobs have waited although little was computed

    def seen(self, *, waiting: bool) -> bool:
        """Return whether the workers are blocked.

        Args:
            waiting: Whether jobs have waited since the last look.
        """
        now, cpu = self._clock.monotonic(), time.process_time()
        passed = now - self._then
        asleep = cpu - self._burnt < passed * SHARE
        self._waited = self._waited + passed if waiting and asleep else 0.0
        self._then, self._burnt = now, cpu
        on_time = passed < TICK + DELAY
        return bool(self._waited) and (on_time or self._waited >= LATE_PATIENCE)
