"""How the parts of an upload travel to the platform's storage: PUTs to presigned addresses."""

from __future__ import annotations

import contextlib
import hashlib
import socket
import weakref
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

import requests
import requests.adapters
import urllib3.exceptions

from qqgroup_sync.errors import MediaError, Text, TransportError, TransportTimeout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

CONNECT_TIMEOUT = 30.0  # also for each block that is sent: urllib3 knows no other time-out there
BLOCK = 64 * 1024
_CONNECTIONS = 4  # kept: as many as parts are under way at once


class Part:
    """A piece of a file that ``requests`` sends as it reads it, with its length and its MD5.

    It has a length, so that there is exactly one Content-Length: the storage refuses two.

    Attributes:
        done: Bytes read so far.
        watch: Called with the size of each block before it is sent; may raise.
    """

    def __init__(self, file: BinaryIO, start: int, size: int, *, name: str) -> None:
        file.seek(start)
        self._file = file
        self._size = size
        self._name = name
        self._md5 = hashlib.md5(usedforsecurity=False)
        self.done = 0
        self.watch: Callable[[int], None] = lambda _count: None

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        while block := self.read(BLOCK):
            yield block

    def read(self, amount: int = -1) -> bytes:
        """Return the next bytes.

        Raises:
            MediaError: The file has become shorter.
        """
        left = self._size - self.done
        wanted = left if amount < 0 else min(amount, left)
        if not wanted:
            return b""
        block = self._file.read(wanted)
        if len(block) < wanted:
            raise MediaError(
                f"{self._name} became shorter while it was uploaded",
                remedy=Text(
                    "Send it when nothing writes to it any more.", "请在文件写完之后再发送。"
                ),
            )
        self.watch(len(block))
        self.done += len(block)
        self._md5.update(block)
        return block

    @property
    def md5(self) -> str:
        """Hex digest of what was read."""
        return self._md5.hexdigest()


class Put(Protocol):
    """Sends bytes to a presigned address and returns the HTTP status."""

    def __call__(self, url: str, body: Part, timeout: float) -> int:
        """Raise TransportError when no answer comes."""


class Puts:
    """PUTs to presigned addresses by ``requests``; safe from any thread.

    Args:
        ca_bundle: File with the certificates to trust; None takes the environment's or certifi's.
        direct: Never use a proxy (for a simulator on this machine).
    """

    def __init__(self, *, ca_bundle: str | None = None, direct: bool = False) -> None:
        self._ca_bundle = ca_bundle
        self._closed = False
        # Connections that end() has to wake; a WeakSet, as the pool lets go of them by itself.
        self._open: weakref.WeakSet[Any] = weakref.WeakSet()
        self._session = requests.Session()
        self._session.trust_env = not direct
        self._session.auth = lambda request: request  # nor one from ~/.netrc: the link says it all
        adapter = _Adapter(self._note)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)

    def put(self, url: str, body: Part, timeout: float) -> int:
        """Send a part; return the HTTP status. Redirects are not followed.

        Raises:
            TransportError: No answer came.
        """
        host = urlsplit(url).hostname
        if self._closed:
            raise TransportError(f"PUT to {host}: stopping")
        try:
            response = self._session.put(
                url,
                data=body,
                timeout=(min(CONNECT_TIMEOUT, timeout), timeout),
                verify=self._ca_bundle,
                allow_redirects=False,
            )
        except (requests.Timeout, urllib3.exceptions.TimeoutError, TimeoutError):
            raise TransportTimeout(f"PUT to {host}: timed out") from None  # see below
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            # from None: the cause's text holds the presigned link
            raise TransportError(f"PUT to {host}: {type(error).__name__}") from None
        return response.status_code

    def close(self) -> None:
        """Break off what is under way, and send nothing more."""
        self._closed = True
        for connection in list(self._open):
            _break_off(connection)
        self._session.close()

    def _note(self, connection: Any) -> None:
        self._open.add(connection)
        if self._closed:  # close() did not see it any more
            _break_off(connection)


def _break_off(connection: Any) -> None:
    sock = getattr(connection, "sock", None)
    if isinstance(sock, socket.socket):
        with contextlib.suppress(OSError):  # it is closed already
            # Not SSLSocket's own, which takes the TLS away from under the thread that reads.
            socket.socket.shutdown(sock, socket.SHUT_RDWR)


class _Adapter(requests.adapters.HTTPAdapter):
    """Sends in larger blocks, and tells about each connection that is opened."""

    def __init__(self, opened: Callable[[Any], None]) -> None:
        self._opened = opened
        super().__init__(pool_maxsize=_CONNECTIONS)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, blocksize=BLOCK, **kwargs)

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        if not issubclass(pool.ConnectionCls, _Telling):
            bases = (_Telling, pool.ConnectionCls)
            pool.ConnectionCls = type("Telling", bases, {"opened": staticmethod(self._opened)})
        return pool


class _Telling:
    """Mixed into a connection of urllib3."""

    opened: Callable[[Any], None]

    def connect(self) -> None:
        """Connect, and tell so."""
        super().connect()  # type: ignore[misc]
        self.opened(self)
