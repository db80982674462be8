"""Answers that have an end: head and body have to come in the time that there is for both.

A server that sends a byte now and then satisfies every time-out of a socket, and would hold a
thread for days.
"""

from __future__ import annotations

import contextlib
import http.client
import math
import socket
from typing import TYPE_CHECKING, Any

from qqgroup_sync.runtime.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Callable

SHORTEST = 0.001  # seconds; 0 would mean not to wait at all
NEAR = 0.01  # seconds that a time-out may be too long: setting it is a system call

_monotonic = Clock().monotonic  # sockets wait by the machine's clock, whatever the client's is


class Response(http.client.HTTPResponse):
    """An answer that has to come as a whole within the time-out that its socket has.

    Args:
        sock: Where it comes from.
        debuglevel: See :mod:`http.client`.
        method: Of the request.
        url: Of the request.
        left: Returns the seconds that are left for all of it, where it is not that time-out.
    """

    def __init__(
        self,
        sock: socket.socket,
        debuglevel: int = 0,
        method: str | None = None,
        url: str | None = None,
        *,
        left: Callable[[], float] | None = None,
    ) -> None:
        super().__init__(sock, debuglevel, method, url)
        if type(self.fp.raw) is socket.SocketIO:  # what sockets and TLS sockets are read through
            raw: Any = self.fp.raw
            raw.__class__ = _InTime  # a layer around it costs more, and each message passes here
            raw.source, raw.left = sock, left


class _InTime(socket.SocketIO):
    """What a socket receives, while time is left. What comes at once costs no call more."""

    source: socket.socket
    left: Callable[[], float] | None
    _usual: float | None = None  # the socket's time-out, when it was changed

    def readinto(self, buffer: Any) -> int | None:
        """Receive something.

        Raises:
            TimeoutError: No time is left.
        """
        if self.left is None:  # the first piece has all of it
            self.left = _until(self.source.gettimeout() or math.inf)
        else:
            self._allow(self.left())
        return super().readinto(buffer)

    def _allow(self, seconds: float) -> None:
        time_out = self.source.gettimeout() or math.inf
        if time_out - seconds > NEAR:
            if seconds <= 0:
                raise TimeoutError("it takes too long")
            self._usual = self._usual or time_out
            self.source.settimeout(max(SHORTEST, seconds))

    def close(self) -> None:
        """Leave the socket as it was: it may carry another exchange."""
        if self._usual is not None:
            with contextlib.suppress(OSError):
                self.source.settimeout(None if self._usual == math.inf else self._usual)
            self._usual = None
        super().close()


def _until(seconds: float) -> Callable[[], float]:
    """Return what tells how many of the seconds from now are left."""
    ends = _monotonic() + seconds
    return lambda: ends - _monotonic()
