"""Heartbeats of one connection, in a thread of their own.

They have their own thread so that the session lives while the reader is held back by a full
queue, and so that a silent peer is noticed although the reader is blocked.

In between the thread looks every two seconds whether time has jumped (the machine slept, the
program was halted, a clock was set) or the network is another one. Both may have ended the
connection without a word, so it is checked at once: a heartbeat that is not answered within three
seconds ends it, and the runner resumes.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from qqgroup_sync.errors import GatewayClosed
from qqgroup_sync.runtime.clock import Clock, Deadline
from qqgroup_sync.runtime.service import Service
from qqgroup_sync.runtime.vigil import Vigil, Waking

if TYPE_CHECKING:
    from collections.abc import Callable

    from qqgroup_sync.gateway.connection import Connection
    from qqgroup_sync.gateway.session import GatewaySession

logger = logging.getLogger(__name__)

ANSWER_WITHIN = 3.0  # seconds; live gateways take a tenth of one
ANSWER_LOOKS = 12
CALM = 10.0  # seconds between two checks because of the network


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
        self._route = ""
        self._calm_until = float("-inf")
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
        vigil = Vigil(self._clock)
        look = self._network_changed if self._clock.may_jump else None
        self._route = self._connection.route()
        while True:
            woke = vigil.wait(self._ended, self._session.interval, look)
            if woke is Waking.SET:
                return
            doubtful = woke is not Waking.PASSED
            if doubtful:
                reason = (
                    f"time jumped by {vigil.leap:.0f} s (the machine slept, or a clock was set)"
                    if woke is Waking.LEAPT
                    else "the network has changed"
                )
                logger.info("%s: looking whether the gateway is still there", reason)
            if doubtful or self._paused():
                self._session.excuse()
            if not self._beat() or (doubtful and not self._answered()):
                return

    def _network_changed(self) -> bool:
        """Return whether the way to the gateway is another one, at most every ten seconds."""
        now = self._clock.monotonic()
        if now < self._calm_until:
            return False
        before, self._route = self._route, self._connection.route()
        if self._route == before:
            return False
        self._calm_until = now + CALM
        return True

    def _beat(self) -> bool:
        """Send a heartbeat; return whether the connection seems to live."""
        text = self._session.beat()
        if text is None:
            self._give_up()
            return False
        try:
            self._connection.send(text)
        except GatewayClosed:
            self._connection.abort()  # the reader shall see it, too, and reconnect
            return False
        return True

    def _answered(self) -> bool:
        """Wait a moment for the answer; return whether the connection may live on."""
        for _ in range(ANSWER_LOOKS):
            if self._clock.wait(self._ended, ANSWER_WITHIN / ANSWER_LOOKS):
                return False
            if self._session.answered or self._paused():
                return True
        self._give_up()
        return False

    def _give_up(self) -> None:
        self.found_dead = True
        self._connection.abort()
