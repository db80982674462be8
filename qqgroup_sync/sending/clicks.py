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


class Clicks:
    """Acknowledges clicks in the background; its threads start with the first one.

    Args:
        endpoints: The platform's REST methods.
        clock: Where time comes from.
    """

    def __init__(self, endpoints: Endpoints, clock: Clock) -> None:
        self._endpoints = endpoints
        self._pool = LanePool(clock, name="qqgroup-click", resting=4, working=16, capacity=1_000)
        self._starting = threading.Lock()
        self._started = False
        self._under_way = 0
        self._done = threading.Condition()

    def acknowledge(self, interaction_id: str) -> None:
        """Acknowledge a click soon; returns at once."""
        with self._starting:
            first, self._started = not self._started, True
        if first:
            self._pool.start()
        with self._done:
            self._under_way += 1
        if not self._pool.submit(None, lambda: self._acknowledge(interaction_id)):
            self._count_down()

    def _acknowledge(self, interaction_id: str) -> None:
        try:
            self._endpoints.acknowledge_interaction(interaction_id, 0, timeout=TIMEOUT)
        except QQGroupError as error:
            logger.warning("a click could not be acknowledged: %s", error)
        finally:
            self._count_down()

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
