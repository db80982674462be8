"""Fetch a URL as the platform does (2.10, 5.3): a real GET with every limit it needs.

It goes to the address itself, never through a proxy, and this machine is allowed: everything the
simulator deals with is here. Knows nothing about QQ.
"""

from __future__ import annotations

import contextlib
import http.client
import threading
import time
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, unquote, urljoin, urlsplit

from qqgroup_sync.simulator.blobs import Blob, BlobTooLargeError
from qqgroup_sync.simulator.outgoing import OutgoingConnection

if TYPE_CHECKING:
    from collections.abc import Iterator

_REDIRECTS = 5
_MOVED = frozenset({301, 302, 303, 307, 308})
_CHUNK = 64 * 1024
_CONNECT_TIMEOUT = 3.0
_AS_IT_IS = "%/?:@!$&'()*+,;=~[]"  # of an address; the rest, such as Chinese, is encoded


class FetchError(Exception):
    """The URL could not be fetched; the text says why."""


class Fetched(NamedTuple):
    """What a URL led to.

    Attributes:
        blob: The bytes.
        name: The last part of its path.
    """

    blob: Blob
    name: str


class Fetcher:
    """Fetches, until it is closed, which ends fetches that are under way."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connections: set[OutgoingConnection] = set()
        self._closed = False

    def __call__(self, url: str, *, limit: int, timeout: float) -> Fetched:
        """Get ``url``, following a few redirects.

        Args:
            url: An http or https address.
            limit: How many bytes are taken.
            timeout: Real seconds for all of it.

        Raises:
            FetchError: For whatever reason.
            BlobTooLargeError: There were more bytes.
        """
        deadline = time.monotonic() + timeout
        for _ in range(_REDIRECTS + 1):
            try:
                found = self._get(url, limit, deadline)
                if isinstance(found, Fetched):
                    return found
                url = urljoin(url, found)
            except (OSError, http.client.HTTPException, ValueError) as error:
                _left(deadline)
                raise FetchError(f"{type(error).__name__}: {error}") from error
        raise FetchError("too many redirects")

    def open(self) -> None:
        """Allow fetches again after ``close``."""
        with self._lock:
            self._closed = False

    def close(self) -> None:
        """Allow no more fetches and end those under way."""
        with self._lock:
            self._closed = True
            connections = list(self._connections)
        for one in connections:
            one.cut()

    def _get(self, url: str, limit: int, deadline: float) -> Fetched | str:
        """Return what lies at the address, or where it has moved to."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise FetchError("not an http address")
        target = parts._replace(scheme="", netloc="", fragment="").geturl() or "/"
        target = quote(target, safe=_AS_IT_IS)
        headers = {"User-Agent": "QQBot-Media/simulator", "Accept-Encoding": "identity"}
        timeout = min(_CONNECT_TIMEOUT, _left(deadline))
        with (
            self._watched(deadline) as outgoing,
            contextlib.closing(outgoing.open(parts, timeout=timeout)) as connection,
        ):
            connection.request("GET", target, headers=headers)
            with contextlib.closing(connection.getresponse()) as response:
                if response.status in _MOVED and (moved := response.headers.get("Location")):
                    return moved
                if response.status != 200:
                    raise FetchError(f"HTTP {response.status}")
                blob = Blob.copy(_pieces(response, limit), limit=limit)
        _left(deadline)  # a connection that was cut looks like the end of the file
        self._check_open()
        return Fetched(blob, unquote(parts.path.rpartition("/")[2]))

    @contextlib.contextmanager
    def _watched(self, deadline: float) -> Iterator[OutgoingConnection]:
        """Lend a connection that is cut at the deadline, however busy it is, and by ``close``.

        A time-out of the socket would begin anew with every byte that drips in.
        """
        outgoing = OutgoingConnection()
        timer = threading.Timer(_left(deadline), outgoing.cut)
        timer.name, timer.daemon = "simulator-fetch-deadline", True
        with self._lock:
            self._check_open()
            self._connections.add(outgoing)
        timer.start()
        try:
            yield outgoing
        finally:
            timer.cancel()
            timer.join()
            with self._lock:
                self._connections.discard(outgoing)

    def _check_open(self) -> None:
        if self._closed:
            raise FetchError("the simulator stops")


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise FetchError("timed out")
    return left


def _pieces(response: http.client.HTTPResponse, limit: int) -> Iterator[bytes]:
    declared = response.length
    if declared is not None and declared > limit:
        raise BlobTooLargeError(f"more than {limit} bytes")
    received = 0
    while piece := response.read1(_CHUNK):
        received += len(piece)
        yield piece
    if declared is not None and received < declared:
        raise FetchError("the answer broke off")
