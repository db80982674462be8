"""Connections that keep to their time; for what strangers offer, to public addresses only.

Whoever owns a name may answer one look-up with a public address and the next with a private one,
or name dozens of addresses that do not answer.
"""

from __future__ import annotations

import socket
from functools import partial
from typing import TYPE_CHECKING, Any

import requests.adapters
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError
from urllib3.util.connection import allowed_gai_family

from qqgroup_sync.api.in_time import SHORTEST, Response
from qqgroup_sync.api.reach import refuse_addresses

if TYPE_CHECKING:
    from collections.abc import Callable


class _Connection:
    """Mixed into a connection of urllib3: its answers come in time."""

    response_class: Any = Response


class Adapter(requests.adapters.HTTPAdapter):
    """Makes connections whose answers have to come within the read time-out, head and body."""

    mixed_in: type[_Connection] = _Connection

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        """Return a pool of such connections."""
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        usual = pool.ConnectionCls  # looked at once: another thread may be here, too
        if not issubclass(usual, self.mixed_in):
            pool.ConnectionCls = type("Connection", (self.mixed_in, usual), {})
        return pool


class StrangersAdapter(Adapter):
    """Makes connections for one download.

    Args:
        left: Returns the seconds that are left for all of it.
        direct: No proxy is between: names are looked up here.
        guarded: Say nothing to a private address: each connection is looked at before it is used.
        language: Language of cause and remedy in errors.
    """

    def __init__(
        self,
        left: Callable[[], float],
        *,
        direct: bool,
        guarded: bool,
        language: str | None = None,
    ) -> None:
        of_this_download = {
            "response_class": staticmethod(partial(Response, left=left)),
            "left": staticmethod(left),
            "guarded": guarded,
            "language": language,
        }
        base = _DirectConnection if direct else _Connection
        self.mixed_in = type("_OfOneDownload", (base,), of_this_download)
        super().__init__()


class _DirectConnection(_Connection):
    """Mixed into a connection to a stranger's host."""

    left: Callable[[], float]
    guarded: bool
    language: str | None
    host: str
    port: int
    timeout: float
    _dns_host: str  # urllib3's: what is looked up; ``host`` follows it

    def _new_conn(self) -> socket.socket:
        """Connect to the first of the host's addresses that answers while time is left."""
        name, failed = self._dns_host, None
        for address in self._addresses():
            self.timeout = min(self.timeout, self.left())
            if self.timeout < SHORTEST:
                break
            try:
                self._dns_host = address
                sock: socket.socket = super()._new_conn()  # type: ignore[misc]
            except (ConnectTimeoutError, NewConnectionError) as error:
                failed = error
                continue
            finally:
                self._dns_host = name
            return self._looked_at(sock)
        raise failed or ConnectTimeoutError(self, "it takes too long")

    def _addresses(self) -> list[str]:
        try:
            found = socket.getaddrinfo(
                self._dns_host, self.port, allowed_gai_family(), socket.SOCK_STREAM
            )
        except (OSError, ValueError):
            return [self._dns_host]  # urllib3 says it in its own way
        return [str(entry[4][0]) for entry in found]

    def _looked_at(self, sock: socket.socket) -> socket.socket:
        if self.guarded:
            try:
                refuse_addresses([str(sock.getpeername()[0])], self.host, language=self.language)
            except BaseException:
                sock.close()
                raise
        return sock
