"""Waitress, run and stopped inside one thread; it knows nothing of what it serves.

Waitress is loaded inside the functions: a bot that publishes nothing never pays for it.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from qqgroup_sync.runtime.clock import Deadline
from qqgroup_sync.runtime.service import Service

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping

    from qqgroup_sync.runtime.clock import Clock

HALF_REQUEST = 10.0  # seconds within which a request must have come
CROWDED = 0.9  # of the connections that are allowed: from here on idle ones must go
CROWDED_IDLE = 2.0  # seconds
CROWDED_STALL = 10.0  # seconds
LOOK = 1.0  # seconds between two looks at the connections and the files' lifetimes
DRAIN = 1.0  # seconds for the requests that run when the service stops
ROUND = 0.05  # seconds
# For what waitress warns of again and again: that requests wait for a thread or for a place.
_QUIET = logging.getLogger(f"{__name__}.waiting")
_QUIET.disabled = True


def server_options(own: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what waitress is told; the user's options win."""
    return {
        "threads": 4,  # files leave by the loop, so that no slow client holds a thread
        "connection_limit": _connection_limit(),
        "asyncore_use_poll": True,  # select() dies at file number 1024
        "channel_timeout": 30,
        "cleanup_interval": 5,
        "max_request_header_size": 8192,
        "max_request_body_size": 1,
        "ident": None,
        "log_socket_errors": False,  # clients that leave are no errors of ours
        **(own or {}),
    }


def _connection_limit() -> int:
    """Return how many connections the process has file numbers for; each may need two."""
    if sys.platform == "win32":
        return 500  # select() takes 512 there
    import resource  # noqa: PLC0415 - not on Windows

    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed == resource.RLIM_INFINITY:
        return 1000
    return max(20, min(1000, (allowed - 100) // 2))


class HttpLoop:
    """Waitress on a bound socket, run and stopped inside one thread.

    ``server.close()`` from outside raises now and then and leaves threads behind, so the loop is
    ours: it ends when it is told, and takes everything apart itself, in the order that was found
    to leave nothing behind.

    Args:
        listener: Bound and listening; closed by the end.
        wake: Readable when there is something to look at.
        ring: Makes it readable, from any thread.
        application: WSGI.
        channel: Returns the class of connections, when they do more than hand requests to it.
        options: For waitress, see :func:`server_options`.
        name: Of the thread; the workers' names begin with it.
        clock: Where time comes from.
    """

    def __init__(
        self,
        listener: socket.socket,
        wake: socket.socket,
        ring: Callable[[], None],
        application: Callable[..., Any],
        options: Mapping[str, Any],
        *,
        channel: Callable[[], type] | None = None,
        name: str,
        clock: Clock,
    ) -> None:
        self._listener = listener
        self._wake = wake
        self._ring = ring
        self._application = application
        self._options = options
        self._channel = channel
        self._name = name
        self._clock = clock
        self._map: dict[int, Any] = {}  # what waitress looks at, by file number
        self._server: Any = None  # Any: the stubs of waitress' inner parts are wrong
        self._dispatcher: Any = None
        self._half: dict[Any, float] = {}  # requests that began to come, and when
        self._next_look = 0.0
        self.workers: list[Service] = []
        self._lock = threading.Lock()
        self._working = 0  # workers that have not ended
        self._abandoned = False  # the loop ended, a worker did not

    def run(
        self,
        stopping: threading.Event,
        deadline: Callable[[], Deadline],
        busy: Callable[[], bool],
    ) -> None:
        """Serve until ``stopping`` is set and the bell was rung.

        Args:
            stopping: Ends the loop.
            deadline: Until when the end may take, asked for when it comes.
            busy: Called each second and when the bell rings; whether it must be called again.
        """
        try:
            self._open()
            while not stopping.is_set():
                again = busy() or bool(self._server.active_channels)
                self._turn(LOOK if again else None)
                self._drop_the_slow()
        finally:
            self._close(deadline())

    def _open(self) -> None:
        from waitress.server import create_server  # noqa: PLC0415 - heavy
        from waitress.task import ThreadedTaskDispatcher  # noqa: PLC0415 - heavy

        dispatcher: Any = ThreadedTaskDispatcher()
        dispatcher.start_new_thread = self._start_worker  # so that they have names and an owner
        dispatcher.queue_logger = _QUIET
        self._dispatcher = dispatcher
        self._server = create_server(
            self._application,
            map=self._map,
            _dispatcher=dispatcher,
            sockets=[self._listener],
            **self._options,
        )
        self._server.logger = _QUIET
        plain = not (self._server.adj.url_prefix or self._server.adj.ident)
        if self._channel is not None and plain:
            self._server.channel_class = self._channel()
        _watch(self._wake, self._map)
        dispatcher.set_thread_count(self._server.adj.threads)

    def _start_worker(self, target: Callable[[int], None], number: int) -> None:
        def work() -> None:
            try:
                target(number)
            finally:
                self._worker_ended()

        worker = Service(f"{self._name}-{number}", work)
        self.workers.append(worker)
        with self._lock:
            self._working += 1
        worker.start()

    def _worker_ended(self) -> None:
        with self._lock:
            self._working -= 1
            last_of_abandoned = self._abandoned and not self._working
        if last_of_abandoned:
            self._server.trigger.close()
        self._ring()

    def _turn(self, timeout: float | None) -> None:
        from waitress import wasyncore  # noqa: PLC0415 - loaded by now

        wasyncore.loop(
            timeout,  # type: ignore[arg-type]  # None waits without limit
            use_poll=self._server.adj.asyncore_use_poll,
            map=self._map,
            count=1,
        )

    def _drop_the_slow(self) -> None:
        """Close connections that hold a place without use; waitress knows idle ones only.

        A client that sends a byte now and then never counts as idle there, and a thousand idle
        ones would shut everybody else out until their time is over.
        """
        now = self._clock.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + LOOK
        crowded = len(self._map) >= CROWDED * self._server.adj.connection_limit
        half: dict[Any, float] = {}
        for connection in list(self._server.active_channels.values()):
            request = connection.request
            if connection.requests:
                continue  # a worker has it
            if request is not None:
                half[request] = self._half.get(request, now)
                late = now - half[request] >= (CROWDED_IDLE if crowded else HALF_REQUEST)
            else:
                idle = time.time() - connection.last_activity  # waitress' own stamp
                stalled = connection.total_outbufs_len > 0
                late = crowded and idle >= (CROWDED_STALL if stalled else CROWDED_IDLE)
            if late:
                connection.handle_close()
        self._half = half

    def _close(self, deadline: Deadline) -> None:
        """Take everything apart; the order matters.

        No new connections, then no new requests, then the connections; at last the trigger, with
        which workers wake the loop: one that still ran would write to a number that may be
        another file's by then, so it is left open for the last of them to close.
        """
        if self._server is not None:
            self._server.accepting = False
            self._server.del_channel()
        self._listener.close()
        if self._server is None:
            for leftover in list(self._map.values()):
                leftover.close()
            return
        self._dispatcher.set_thread_count(0)
        self._drain(deadline)
        with self._dispatcher.lock:
            self._dispatcher.queue.clear()
        self._map.pop(self._wake.fileno(), None)
        for connection in list(self._server.active_channels.values()):
            connection.handle_close()  # closes the files, too, and lets waiting workers go
        limit = self._limit(deadline, ROUND)
        for worker in self.workers:
            worker.join(limit.left())
        with self._lock:
            self._abandoned = bool(self._working)
        if self._abandoned:
            self._server.trigger.del_channel()
        else:
            self._server.trigger.close()

    def _drain(self, deadline: Deadline) -> None:
        """Let the requests that run come to their end, and what is on its way leave."""
        limit = self._limit(deadline, DRAIN)
        unsent, without_progress = -1, 0
        while not limit.passed:
            connections = list(self._server.active_channels.values())
            before, unsent = unsent, sum(one.total_outbufs_len for one in connections)
            without_progress = without_progress + 1 if unsent == before else 0
            if not self._working and (not unsent or without_progress >= 2):
                return
            self._turn(ROUND)

    def _limit(self, deadline: Deadline, seconds: float) -> Deadline:
        """Return a share of a deadline that leaves time for the rest."""
        left = deadline.left()
        return Deadline(self._clock, seconds if left is None else min(seconds, left / 2))


def _watch(wake: socket.socket, watched: dict[int, Any]) -> None:
    """Let the loop turn when somebody rings."""
    from waitress.wasyncore import dispatcher  # noqa: PLC0415 - loaded by now

    class Bell(dispatcher):
        def writable(self) -> bool:
            return False

        def handle_read(self) -> None:
            self.recv(4096)

        def handle_close(self) -> None:
            self.del_channel()  # whose socket it is, closes it

    Bell(wake, watched)
