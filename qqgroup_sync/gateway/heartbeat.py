"""Heartbeats of one connection, in a thread of their own.

They have their own thread so that the session lives while the reader is held back by a full
queue, and so that a silent peer is noticed although the reader is blocked.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from qqgroup_sync.errors import GatewayClosed
from qqgroup_sync.runtime.clock import Clock, Deadline
from qqgroup_sync.runtime.service import Service

if TYPE_CHECKING:
    from collections.abc import Callable

    from qqgroup_sync.gateway.connection import Connection
    from qqgroup_sync.gateway.session import GatewaySession

logger = logging.getLogger(__name__)


class Heartbeat:
    """Sends a heartbeat each interval and aborts the connection when two went unanswered.

    Args:
        name: Thread name.
        connection: Carries the heartbeats.
        session: Knows what to send and what was answered.
        paused: Whether the reader is held back; then missing answers prove nothing.
        clock: Where time comes from.
        on_death: Told when the thread dies of a defect.
    """

    def __init__(
        self,
        name: str,
        connection: Connection,
        session: GatewaySession,
        *,
        paused: Callable[[], bool],
        clock: Clock,
        on_death: Callable[[BaseException], None],
    ) -> None:
        self._connection = connection
        self._session = session
        self._paused = paused
        self._clock = clock
        self._ended = threading.Event()
        self._service = Service(name, self._run, wake=self._ended.set, on_death=on_death)
        self._started = False
        self.found_dead = False

    def start(self) -> None:
        """Start the thread, once; called when READY or RESUMED came."""
        if not self._started:
            self._started = True
            self._service.start()

    def stop(self) -> None:
        """End the thread; the connection has been aborted or closed before."""
        self._service.stop(Deadline(self._clock, 1.0))

    def _run(self) -> None:
        while not self._clock.wait(self._ended, self._session.interval):
            if self._paused():
                self._session.excuse()
            text = self._session.beat()
            if text is None:
                logger.warning("the gateway answers no heartbeats: connecting again")
                self.found_dead = True
                self._connection.abort()
                return
            try:
                self._connection.send(text)
            except GatewayClosed:
                self._connection.abort()  # the reader shall see it, too, and reconnect
                return
