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

    Threads are daemons, so that a stuck handler cannot hold the process, and are joined by
    ``stop``, so that a normal end is clean.

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
        self._socket: socket.socket | None = None
        self._acceptor: threading.Thread | None = None
        self._stopping = threading.Event()

    def start(self, host: str, port: int) -> int:
        """Bind, listen and accept from now on; return the port.

        Raises:
            OSError: The address cannot be bound.
        """
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, port), family=family, backlog=_BACKLOG)
        self._wake_reader, self._wake_writer = socket.socketpair()
        self._stopping.clear()
        self._acceptor = threading.Thread(target=self._accept, name=self._name, daemon=True)
        self._acceptor.start()
        return int(self._socket.getsockname()[1])

    def _accept(self) -> None:
        assert self._socket is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, selectors.EVENT_READ)
            selector.register(self._wake_reader, selectors.EVENT_READ)
            while not self._stopping.is_set():
                selector.select()
                if self._stopping.is_set():
                    break
                # The client may have gone between select and accept: any OSError here is his.
                with contextlib.suppress(OSError):
                    connection, _ = self._socket.accept()
                    self._serve(connection)

    def _serve(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        name = f"{self._name}-{next(self._numbers)}"
        thread = threading.Thread(target=self._run, args=(connection,), name=name, daemon=True)
        with self._lock:
            self._threads[thread] = connection
        thread.start()

    def _run(self, connection: socket.socket) -> None:
        try:
            self._handler(connection)
        finally:
            connection.close()
            with self._lock:
                self._threads.pop(threading.current_thread(), None)

    def stop(self, timeout: float) -> bool:
        """Accept no more, shut every connection down, and wait for the threads.

        Args:
            timeout: Seconds to wait altogether.

        Returns:
            Whether every thread has ended.
        """
        if self._acceptor is None or self._socket is None:
            return True
        deadline = time.monotonic() + timeout
        self._stopping.set()
        self._wake_writer.send(b"x")
        self._acceptor.join(max(0.0, deadline - time.monotonic()))
        for closing in (self._socket, self._wake_reader, self._wake_writer):
            closing.close()
        with self._lock:
            threads = dict(self._threads)
        for connection in threads.values():
            shut_down(connection)
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        ended = not self._acceptor.is_alive() and not any(one.is_alive() for one in threads)
        self._acceptor = self._socket = None
        return ended


def shut_down(connection: socket.socket) -> None:
    """End both directions, which wakes a thread that is blocked on the connection."""
    with contextlib.suppress(OSError):  # already closed, or never connected
        connection.shutdown(socket.SHUT_RDWR)


def reset(connection: socket.socket) -> None:
    """Arrange that closing the connection sends a TCP RST instead of a FIN, and wake its reader.

    The thread that owns the connection must close it: a descriptor that another thread is still
    reading from is not really closed.
    """
    with contextlib.suppress(OSError):  # already closed
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
        connection.shutdown(socket.SHUT_RD)
