"""The hosts of the platform's REST interface, of which the first is preferred."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qqgroup_sync.runtime.clock import Clock

logger = logging.getLogger(__name__)

PREFER_FIRST_AFTER = 600.0  # seconds on a fall-back host before the first is tried again


class Hosts:
    """Which host is asked; safe from any thread.

    Args:
        bases: The hosts, the first one preferred.
        clock: Where time comes from.
    """

    def __init__(self, bases: Sequence[str], clock: Clock) -> None:
        self._bases = tuple(base.rstrip("/") for base in bases)
        self._clock = clock
        self._base = 0
        self._left_first_at = 0.0
        self._fell_over_at = float("-inf")

    def current(self) -> str:
        """Return the host to ask now."""
        if self._base and self._clock.monotonic() - self._left_first_at > PREFER_FIRST_AFTER:
            self._base = 0
        return self._bases[self._base]

    def leave(self, base: str) -> None:
        """Take the next host, unless another thread did so already."""
        if len(self._bases) > 1 and self._bases[self._base] == base:
            # From base, not from _base: two threads at once must come to the same host.
            self._base = (self._bases.index(base) + 1) % len(self._bases)
            now, before = self._clock.monotonic(), self._fell_over_at
            self._left_first_at = self._fell_over_at = now
            news = now - before > PREFER_FIRST_AFTER  # in an outage it goes to and fro
            logger.log(
                logging.INFO if news else logging.DEBUG,
                "%s does not answer; trying %s", base, self._bases[self._base],
            )  # fmt: skip
