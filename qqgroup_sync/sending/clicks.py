"""Acknowledges clicks from threads of its own, so that no busy worker lets one time out.

Source: interaction page, 2026-08: a button must be acknowledged once, within about 3 seconds, or
the person sees it fail.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from qqgroup_sync.errors import QQGroupError
from qqgroup_sync.runtime.lanes import LanePool

if TYPE_CHECKING:
    from qqgroup_sync.api.endpoints import Endpoints
    from qqgroup_sync.runtime.clock import Clock, Deadline

logger = logging.getLogger(__name__)

TIMEOUT = 3.0  # seconds; later the person has seen the failure already
MOST_WAITING = 1_000  # clicks
QUIET = 60.0  # seconds between two warnings


class Clicks:
    """Acknowledges clicks in the background; its threads start with the first one.

    Args:
        endpoints: The platform's REST methods.
        clock: Where time comes from.
    """

    def __init__(self, endpoints: Endpoints, clock: Clock) -> None:
        self._endpoints = endpoints
        self._clock = clock
        self._quiet_until = float("-inf")
        self._pool = LanePool(
            clock, name="qqgroup-click", resting=4, working=16, capacity=2 * MOST_WAITING
        )
        self._starting = threading.Lock()
        self._started = False
        self._under_way = 0
        self._done = threading.Condition()

    def acknowledge(self, interaction_id: str) -> None:
        """Acknowledge a click soon; returns at once.

        It never waits: it is the reader of the gateway that calls. Where clicks come faster than
        they can be acknowledged, the people behind the others have seen theirs fail already.
        """
        if self._pool.queued >= MOST_WAITING:
            self._tell_of_many()
            return
        with self._starting:
            first, self._started = not self._started, True
        if first:
            self._pool.start()
        with self._done:
            self._under_way += 1
        ends = self._clock.monotonic() + TIMEOUT
        if not self._pool.submit(None, lambda: self._acknowledge(interaction_id, ends)):
            self._count_down()

    def _acknowledge(self, interaction_id: str, ends: float) -> None:
        try:
            if self._clock.monotonic() < ends:
                self._endpoints.acknowledge_interaction(interaction_id, 0, timeout=TIMEOUT)
        except QQGroupError as error:
            logger.warning("a click could not be acknowledged: %s", error)
        finally:
            self._count_down()

    def _tell_of_many(self) -> None:
        now = self._clock.monotonic()
        if now >= self._quiet_until:
            self._quiet_until = now + QUIET
            logger.warning(
                "%d clicks wait for their acknowledgement: further ones get none", MOST_WAITING
            )

    def _count_down(self) -> None:
        with self._done:
            self._under_way -= 1
            self._done.notify_all()

    @property
    def rests(self) -> bool:
        """Whether every click was acknowledged."""
        return not self._under_way

    def close(self, deadline: Deadline) -> list[str]:
        """Finish what is under way; return the names of the threads that did not end."""
        with self._starting:
            self._started = True  # a click that comes late starts nothing
        left = deadline.left()
        with self._done:
            patience = TIMEOUT if left is None else min(TIMEOUT, left)
            self._done.wait_for(lambda: not self._under_way, patience)
        self._pool.close()
        return self._pool.join(deadline)
