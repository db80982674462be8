"""A listening socket with a thread per connection, which stops at once. Knows no protocol."""

from __future__ import annotations

import contextlib
import itertools
import os
import selectors
import socket
import struct
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_BACKLOG = 512
_LINGER_ZERO = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)


class Listener:
    """Accepts TCP connections and hands each to a handler in its own thread.

    Threads are daemons, so that a stuck handler cannot hold the process. They end after ``close``
    and ``hang_up``, and ``join`` waits for that, so that a normal end is clean.

    Args:
        name: Prefix of every thread's name.
        handler: Called with each new connection in its own thread; the connection is closed when
            it returns.
    """

    def __init__(self, name: str, handler: Callable[[socket.socket], None]) -> None:
        self._name = name
        self._handler = handler
        self._lock = threading.Lock()
        self._threads: dict[threading.Thread, socket.socket] = {}
        self._numbers = itertools.count(1)
        self._acceptor: threading.Thread | None = None
        self._waker: socket.socket | None = None
        self._closed = False

    def start(self, host: str, port: int) -> int:
        """Bind, listen and accept from now on; return the port.

        Raises:
            OSError: The address cannot be bound.
        """
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        server = socket.create_server((host, port), family=family, backlog=_BACKLOG)
        bound = int(server.getsockname()[1])
        woken, self._waker = socket.socketpair()
        self._closed = False
        self._acceptor = threading.Thread(
            target=self._accept, args=(server, woken), name=self._name, daemon=True
        )
        self._acceptor.start()
        return bound

    def _accept(self, server: socket.socket, woken: socket.socket) -> None:
        """Accept until ``woken`` can be read: the body of the accepting thread.

        It owns both sockets: one that another thread closes drops out of the selector unnoticed.
        """
        with server, woken, selectors.DefaultSelector() as selector:
            selector.register(server, selectors.EVENT_READ)
            selector.register(woken, selectors.EVENT_READ)
            while all(key.fileobj is server for key, _ in selector.select()):
                # The client may have gone between select and accept: any OSError here is his.
                with contextlib.suppress(OSError):
                    connection, _ = server.accept()
                    self._serve(connection)

    def _serve(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        name = f"{self._name}-{next(self._numbers)}"
        thread = threading.Thread(target=self._run, args=(connection,), name=name, daemon=True)
        with self._lock:
            if self._closed:
                connection.close()
                return
            self._threads[thread] = connection
            thread.start()  # under the lock: ``join`` must not meet one that has not begun

    def _run(self, connection: socket.socket) -> None:
        try:
            self._handler(connection)
        finally:
            connection.close()
            with self._lock:
                self._threads.pop(threading.current_thread(), None)

    def close(self) -> None:
        """Accept no more; never blocks."""
        with self._lock:
            self._closed = True
            waker, self._waker = self._waker, None
        if waker is not None:
            waker.close()

    def hang_up(self) -> None:
        """Shut every connection down, which wakes its thread; never blocks."""
        with self._lock:
            connections = list(self._threads.values())
        for connection in connections:
            shut_down(connection)

    def join(self, timeout: float) -> bool:
        """Wait for the threads to end.

        Args:
            timeout: Seconds to wait altogether.

        Returns:
            Whether every thread has ended.
        """
        deadline = time.monotonic() + timeout
        with self._lock:
            threads = list(self._threads)
        if self._acceptor is not None:
            threads.append(self._acceptor)
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in threads)


def shut_down(connection: socket.socket) -> None:
    """End both directions, which wakes a thread that is blocked on the connection."""
    with contextlib.suppress(OSError):  # already closed, or never connected
        # TLS sockets have a shutdown of their own, which pulls TLS away from under their thread.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


def reset(connection: socket.socket) -> None:
    """Arrange that closing the connection sends a TCP RST instead of a FIN, and wake its reader.

    The thread that owns the connection must close it: a descriptor that another thread is still
    reading from is not really closed.
    """
    with contextlib.suppress(OSError):  # already closed
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
        connection.shutdown(socket.SHUT_RD)
