"""The time of a test: of the platform and of its bots, moved forward together."""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from qqgroup_sync.simulator.clock import SimulatedClock
    from qqgroup_sync.testing.harness import Look

STEPS = 10_000  # of one move, at most: what is due more often is then due a little late
PATIENCE = 2.0  # real seconds of one move that may be spent in vain, such as on hanging handlers
HEARING = 0.25  # real seconds in which the gateway delivers and answers, unless it is silent
_LOOK = 0.0005


class Side(Protocol):
    """The bots of one process."""

    def advance(self, seconds: float) -> None:
        """Let time pass at once."""

    def hurry(self, on: bool) -> None:
        """Let waits notice soon that time has passed."""

    def look(self) -> Look:
        """Return how far its bots are."""

    def stacks(self) -> str:
        """Return what its handlers do that run."""


class SteppedTime:
    """``qq.clock``: time that passes as usual, until a test moves it forward.

    Args:
        clock: The platform's.
        sides: Where the bots are.
        received_all: Tells whether the bots that are on line have got what they were sent.
    """

    def __init__(
        self,
        clock: SimulatedClock,
        sides: Sequence[Side],
        received_all: Callable[[], bool],
    ) -> None:
        self._clock = clock
        self._sides = sides
        self._received_all = received_all

    def now(self) -> datetime:
        """Return the time of platform and bots, in the time zone of this machine."""
        return datetime.fromtimestamp(self._clock.now()).astimezone()

    def step(
        self, seconds: float | timedelta = 0.0, *, minutes: float = 0, hours: float = 0
    ) -> None:
        """Let time pass, without waiting for it.

        What is due on the way happens at its time, one after the other: timed tasks run as often
        as they would, questions and windows expire. It returns when the bots have done what was
        due.

        Args:
            seconds: How long; added to the rest.
            minutes: The same in minutes.
            hours: The same in hours.
        """
        if isinstance(seconds, timedelta):
            seconds = seconds.total_seconds()
        left = seconds + minutes * 60 + hours * 3600
        if left < 0:
            raise ValueError("time cannot go back")
        for side in self._sides:
            side.hurry(True)
        try:
            self._move(left)
        finally:
            for side in self._sides:
                side.hurry(False)

    def step_to(self, moment: datetime) -> None:
        """Let time pass until a moment.

        Args:
            moment: Without a time zone it is one of this machine's.
        """
        self.step(moment.timestamp() - self._clock.now())

    def _move(self, seconds: float) -> None:
        # Until a moment, for while the bots do what is due, time passes by itself as well.
        ends, least, patience = self._clock.now() + seconds, seconds / STEPS, PATIENCE
        patience -= self._settle(patience)
        while (left := ends - self._clock.now()) > 0:
            due = [look.due_in for side in self._sides if (look := side.look()).due_in is not None]
            part = min(left, max(least, min(due, default=left), 0.001))
            self._clock.advance(part)
            for side in self._sides:
                side.advance(part)
            patience -= self._settle(patience)

    def _settle(self, patience: float) -> float:
        """Wait until what is due was done; return how many seconds were spent in vain.

        Neither a handler that does not end nor a gateway that is silent is waited for for long.
        Work that gets done takes the time that it needs: whatever is due later waits for it.
        """
        began = time.monotonic()
        pause = threading.Event()
        while (taken := time.monotonic() - began) < patience:
            looks = [side.look() for side in self._sides]
            clients = [client for look in looks for client in look.clients]
            due = any(look.due_in is not None and look.due_in <= 0 for look in looks)
            if not due and not any(client.busy for client in clients):
                if all(client.heard for client in clients) and self._received_all():
                    return 0.0
                if taken > HEARING:
                    break
            pause.wait(_LOOK)
        return time.monotonic() - began
