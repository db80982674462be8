"""How long to wait before the next try."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

STEPS = (0.2, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)


class Backoff:
    """Growing delays with jitter.

    The first delay is short, so that one dropped connection is back at once; jitter keeps many
    bots from returning in the same moment after an outage.

    Args:
        steps: Seconds; the last one repeats for ever.
        jitter: Share of a step that is added at random.
        draw: Random number source, for tests.
    """

    def __init__(
        self,
        steps: Sequence[float] = STEPS,
        *,
        jitter: float = 0.25,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._steps = steps
        self._jitter = jitter
        self._draw = draw
        self.failures = 0

    def next(self) -> float:
        """Count one failure and return the seconds to wait."""
        step = self._steps[min(self.failures, len(self._steps) - 1)]
        self.failures += 1
        return step * (1.0 + self._jitter * self._draw())

    def reset(self) -> None:
        """Start over; called when a connection has proved stable, not when it opened."""
        self.failures = 0
