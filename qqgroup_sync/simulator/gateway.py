"""The WebSocket face: accepts connections and watches over them (section 3)."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from qqgroup_sync.simulator import hosts
from qqgroup_sync.simulator.gateway_faults import GatewayFaults
from qqgroup_sync.simulator.gateway_link import GatewayLink
from qqgroup_sync.simulator.listener import Listener
from qqgroup_sync.simulator.websocket import WebSocket

if TYPE_CHECKING:
    import socket

    from websockets.http11 import Request

    from qqgroup_sync.simulator.platform import Platform

_PATH = "/websocket"
_GOODBYE_TIMEOUT = 0.3


class Gateway(GatewayFaults):
    """Serves the gateway on one port; what can go wrong on demand is in ``GatewayFaults``.

    Heartbeats are counted in real seconds, as the client counts them, whatever the speed of the
    simulated clock.

    Args:
        platform: The rules.
        heartbeat_interval: Seconds, told to clients in HELLO; without a heartbeat for two of
            them a connection is closed with 4009.
        outbox_limit: Frames that may wait for a client that does not read; beyond, the
            connection is cut, and what is kept for replay is what is left.
        allow_remote: Whether Host headers other than loopback ones are accepted.
    """

    def __init__(
        self,
        platform: Platform,
        *,
        heartbeat_interval: float = 41.25,
        outbox_limit: int = 50_000,
        allow_remote: bool = False,
    ) -> None:
        super().__init__(platform)
        self.heartbeat_interval = heartbeat_interval
        self.outbox_limit = outbox_limit
        self._allow_remote = allow_remote
        self._host = ""
        self._listener = Listener("simulator-gateway", self._serve)
        self._watch_changed = threading.Condition()
        self._watcher: threading.Thread | None = None
        self._stopping = False

    def start(self, host: str, port: int) -> int:
        """Bind and serve; return the port."""
        self._host = host
        self._stopping = False
        bound = self._listener.start(host, port)
        self._watcher = threading.Thread(
            target=self._watch_deadlines, name="simulator-gateway-watch", daemon=True
        )
        self._watcher.start()
        return bound

    def shut(self) -> None:
        """Accept no more, and close every connection with 1001; never blocks."""
        with self._watch_changed:
            self._stopping = True
            self._watch_changed.notify_all()
        self._listener.close()
        for link in self.links():
            link.end(1001, "going away")

    def join(self, timeout: float) -> bool:
        """Wait after ``shut``: a moment for the goodbyes, then for the threads.

        Returns:
            Whether all of them ended in time.
        """
        deadline = time.monotonic() + timeout
        goodbye = min(deadline, time.monotonic() + _GOODBYE_TIMEOUT)
        for link in self.links():
            link.join_sender(max(0.0, goodbye - time.monotonic()))
            link.abort()
        self._listener.hang_up()
        ended = self._listener.join(max(0.0, deadline - time.monotonic()))
        if self._watcher is not None:
            self._watcher.join(max(0.0, deadline - time.monotonic()))
            ended = ended and not self._watcher.is_alive()
        return ended

    def wait_live(self, count: int = 1, timeout: float = 10.0, *, appid: str | None = None) -> None:
        """Wait until that many sessions are on a connection, READY or RESUMED.

        Args:
            count: How many; more are fine.
            timeout: Real seconds to wait.
            appid: Count the sessions of this bot only.

        Raises:
            AssertionError: There are fewer.
        """

        def live() -> int:
            sessions = self.platform.sessions.live()
            return sum(appid in (None, session.appid) for session in sessions)

        with self.platform.lock:
            if self.platform.live_changed.wait_for(lambda: live() >= count, timeout):
                return
            found = live()
        raise AssertionError(f"{found} of {count} gateway sessions live after {timeout} s")

    def wait_gone(self, timeout: float = 10.0) -> None:
        """Wait until no session is on a connection.

        Raises:
            AssertionError: One still is.
        """
        sessions = self.platform.sessions
        with self.platform.lock:
            if not self.platform.live_changed.wait_for(lambda: not sessions.live(), timeout):
                raise AssertionError(f"a gateway session is still live after {timeout} s")

    # -- one connection

    def _serve(self, sock: socket.socket) -> None:
        try:
            status = self.connection_refusal(sock)
            websocket = WebSocket(sock)
        except OSError:  # a reset on demand, or the client has gone already
            return
        if not websocket.open(lambda request: self._check_request(request, status)):
            return
        link = GatewayLink(self, websocket, threading.current_thread().name)
        self._links.add(link)
        self.watch()
        try:
            link.run()
        finally:
            self._links.discard(link)

    def _check_request(self, request: Request, refusal: int | None) -> tuple[int, str] | None:
        if refusal is not None:
            return refusal, "refused on demand\n"
        host = request.headers.get("Host", "")
        if not hosts.is_allowed(host, self._host, remote=self._allow_remote):
            return 421, "This host name is not served here.\n"
        if not request.path.partition("?")[0].rstrip("/").endswith(_PATH):
            return 404, f"The gateway is at {_PATH}/.\n"
        return None

    # -- deadlines

    def watch(self) -> None:
        """Look at the deadlines again: there is a new or an earlier one."""
        with self._watch_changed:
            self._watch_changed.notify_all()

    def _watch_deadlines(self) -> None:
        """Close connections whose deadline has passed: the body of the watching thread."""
        while True:
            with self._watch_changed:
                if self._stopping:
                    return
                due = min((link.due for link in self.links() if not link.silent), default=None)
                if due is None or due > time.monotonic():
                    self._watch_changed.wait(None if due is None else due - time.monotonic())
                    continue
            for link in self.links():
                if not link.silent and link.due <= time.monotonic():
                    link.expire()
