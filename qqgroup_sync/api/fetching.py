"""Connections for what strangers offer: to public addresses only, and with an end for the whole.

A server that sends a byte now and then satisfies every time-out there is, and would hold a thread
for days. Whoever owns a name may answer one look-up with a public address and the next with a
private one.
"""

from __future__ import annotations

import http.client
import io
from functools import partial
from typing import TYPE_CHECKING, Any

import requests.adapters

from qqgroup_sync.api.reach import refuse_addresses

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

SHORTEST = 0.001  # seconds; 0 would mean not to wait at all


class Adapter(requests.adapters.HTTPAdapter):
    """Makes connections for one download.

    Args:
        left: Returns the seconds that are left for all of it.
        guarded: Say nothing to a private address: each connection is looked at before it is used.
        language: Language of cause and remedy in errors.
    """

    def __init__(
        self, left: Callable[[], float], *, guarded: bool, language: str | None = None
    ) -> None:
        self._made = {
            "response_class": staticmethod(partial(_Response, left)),
            "guarded": guarded,
            "language": language,
        }
        super().__init__()

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        """Return a pool of such connections."""
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        if not issubclass(pool.ConnectionCls, _Connection):
            bases = (_Connection, pool.ConnectionCls)
            pool.ConnectionCls = type("Connection", bases, self._made)
        return pool


class _Connection:
    """Mixed into a connection of urllib3."""

    guarded: bool
    language: str | None
    host: str

    def _new_conn(self) -> socket.socket:
        sock: socket.socket = super()._new_conn()  # type: ignore[misc]
        if self.guarded:
            try:
                refuse_addresses([str(sock.getpeername()[0])], self.host, language=self.language)
            except BaseException:
                sock.close()
                raise
        return sock


class _Response(http.client.HTTPResponse):
    """An answer whose head and body have to come while time is left."""

    def __init__(
        self, left: Callable[[], float], sock: socket.socket, *args: Any, **kwargs: Any
    ) -> None:
        super().__init__(sock, *args, **kwargs)
        raw: Any = self.fp
        self.fp = io.BufferedReader(_InTime(raw.detach(), sock, left))


class _InTime(io.RawIOBase):
    """What a socket receives, while time is left."""

    def __init__(self, raw: Any, sock: socket.socket, left: Callable[[], float]) -> None:
        self._raw = raw
        self._sock = sock
        self._stall = sock.gettimeout()
        self._left = left

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._left()
        if left <= 0:
            raise TimeoutError("it takes too long")
        self._sock.settimeout(
            max(SHORTEST, left if self._stall is None else min(self._stall, left))
        )
        got: int | None = self._raw.readinto(buffer)
        return got

    def close(self) -> None:
        self._raw.close()
        super().close()
