"""One WebSocket connection to the gateway; the only client module that knows websocket-client."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from typing import Any
from urllib.parse import urlsplit

import requests.utils
import websocket

from qqgroup_sync.errors import GatewayClosed, Text, TransportError, TransportTimeout
from qqgroup_sync.masking import mask_library, presentable
from qqgroup_sync.network import SLOW, diagnose

AHEAD = 64 * 1024  # bytes
# Of one message. Events have a few KB; a peer that sends without end must not fill the memory.
MOST = 32 * 1024 * 1024
OPEN_TIMEOUT = 10.0  # for TCP, TLS and the upgrade, each
_DATA = (
    websocket.ABNF.OPCODE_TEXT,
    websocket.ABNF.OPCODE_BINARY,
    websocket.ABNF.OPCODE_CONT,
)
_BROKEN = (websocket.WebSocketException, OSError)
_CLOSE = websocket.ABNF.OPCODE_CLOSE
_SLOW_REMEDY = Text(
    "Check the network and the firewall: the gateway needs WebSocket (wss) to the outside.",
    "检查网络和防火墙：网关需要向外的 WebSocket（wss）连接。",
)


class ReadAhead:
    """A socket that reads as much as there is, so that one frame costs one call and not three.

    With many threads every call that lets others run is dear.
    """

    def __init__(self, sock: Any) -> None:
        self.raw = sock
        self.taken = 0  # bytes since the last whole message
        self._ahead = b""
        self._at = 0

    def recv(self, size: int) -> bytes:
        """Return at most ``size`` bytes, waiting only when none are left over."""
        if self._at == len(self._ahead):
            self._ahead, self._at = self.raw.recv(AHEAD), 0
            self.taken += len(self._ahead)
            if self.taken > MOST:
                raise websocket.WebSocketPayloadException(f"a message of more than {MOST} bytes")
        piece = self._ahead[self._at : self._at + size]
        self._at += len(piece)
        return piece

    def __getattr__(self, name: str) -> Any:
        return getattr(self.raw, name)


class Connection:
    """A connection that one thread reads, and any thread may write to or abort.

    ``WebSocket.close()`` is never called from another thread: with a silent peer it blocks for
    as long as the reader does. :meth:`abort` wakes the reader in milliseconds.

    Args:
        url: ``ws://`` or ``wss://``.
        ca_bundle: Certificates to trust; None takes certifi's.
        direct: Never use a proxy.
    """

    def __init__(self, url: str, *, ca_bundle: str | None = None, direct: bool = False) -> None:
        self.url = url
        self._aborted = threading.Event()
        sockopt = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            sockopt.append((socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 30_000))
        self._socket: Any = websocket.WebSocket(
            enable_multithread=True,
            skip_utf8_validation=True,  # its check costs 12 times the rest; the decoder does it
            fire_cont_frame=True,  # joined here: it would copy all again for each part
            sockopt=sockopt,
            sslopt={"ca_certs": ca_bundle or requests.utils.DEFAULT_CA_BUNDLE_PATH},
        )
        self._parts: list[bytes] = []  # of a message that comes in several frames
        self._peer: tuple[Any, ...] | None = None
        # No redirects: the token would go to whoever is named, perhaps without TLS.
        self._options: dict[str, Any] = {"suppress_origin": True, "redirect_limit": 0}
        try:
            self._host = urlsplit(url).hostname or ""
        except ValueError:  # open() tells
            self._host = ""
        if direct:  # websocket-client looks at http_no_proxy only when it is told a proxy
            self._options |= {"http_proxy_host": self._host, "http_no_proxy": ["*"]}

    def open(self, timeout: float = OPEN_TIMEOUT) -> None:
        """Connect and upgrade; blocks.

        Raises:
            TransportError: The gateway cannot be reached, or refused the upgrade.
        """
        self._socket.settimeout(timeout)
        mask_library("websocket")  # its traces show what is sent
        host = self._host
        try:
            self._socket.connect(self.url, timeout=timeout, **self._options)
            if self._socket.getstatus() != 101:  # before 1.9 a redirect passes for an upgrade
                raise websocket.WebSocketException("a redirect")
        except (websocket.WebSocketTimeoutException, TimeoutError) as error:
            raise TransportTimeout(
                f"gateway {host}: no answer within {timeout:g} s", cause=SLOW, remedy=_SLOW_REMEDY
            ) from error
        except websocket.WebSocketBadStatusException as error:
            raise TransportError(
                f"gateway {host}: HTTP {error.status_code} instead of a WebSocket"
            ) from error
        except websocket.WebSocketProxyException as error:
            raise TransportError(
                f"gateway {host}: the proxy refused the connection",
                remedy=Text(
                    "Check HTTPS_PROXY / NO_PROXY; SOCKS proxies need python-socks.",
                    "检查 HTTPS_PROXY / NO_PROXY；SOCKS 代理需要安装 python-socks。",
                ),
            ) from error
        # The last two: before 1.9 it makes room at once for as much as a refusal states.
        except (*_BROKEN, ValueError, OverflowError, MemoryError) as error:
            cause, remedy = diagnose(error)
            raise TransportError(
                f"gateway {host}: {type(error).__name__}: {error}", cause=cause, remedy=remedy
            ) from presentable(error)
        with contextlib.suppress(OSError):  # it is gone already
            self._peer = self._socket.sock.getpeername()
        self._socket.sock = ReadAhead(self._socket.sock)
        if self._aborted.is_set():
            self._wake_reader()

    def receive(self, timeout: float | None) -> bytes | None:
        """Return the next message, or None when ``timeout`` seconds passed without one.

        None comes earlier after a ping or a part of a message, so that a peer that only pings
        cannot outwit a caller's deadline. A time-out in the middle of a frame is safe: the frame
        goes on with the next call.

        Raises:
            GatewayClosed: The connection ended; carries the close code when one came.
        """
        if self._socket.sock is not None and self._socket.gettimeout() != timeout:
            self._socket.settimeout(timeout)
        try:
            opcode, frame = self._socket.recv_data_frame(True)
        except (websocket.WebSocketTimeoutException, TimeoutError):
            return None
        except (websocket.WebSocketException, OSError) as error:
            why = "aborted" if self._aborted.is_set() else f"{type(error).__name__}: {error}"
            raise GatewayClosed(f"the gateway connection broke ({why})") from error
        data: bytes = frame.data
        if opcode == _CLOSE:
            raise _closed(data)
        return self._whole(data, last=frame.fin) if opcode in _DATA else None

    def _whole(self, data: bytes, *, last: bool) -> bytes | None:
        """Return a message with the last of its parts; None before."""
        if self._parts or not last:
            self._parts.append(data)
            if not last:
                return None
            data, self._parts = b"".join(self._parts), []
        self._socket.sock.taken = 0
        return data

    def send(self, text: str) -> None:
        """Send one text message.

        Raises:
            GatewayClosed: The connection ended.
        """
        try:
            self._socket.send(text)
        except (websocket.WebSocketException, OSError) as error:
            raise GatewayClosed(f"the gateway connection broke ({error})") from error

    def route(self) -> str:
        """Return this machine's address on the way to the peer now; "" where no way leads there.

        Another one than before means that the network has changed, which the connection itself
        would notice minutes later. Sends nothing; from any thread.
        """
        peer = self._peer
        if peer is None:
            return ""
        family = socket.AF_INET6 if len(peer) > 2 else socket.AF_INET
        with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.connect(peer)  # of a datagram socket: only asks for the way
            return str(sock.getsockname()[0])
        return ""

    def abort(self) -> None:
        """End the connection at once, from any thread; a blocked reader wakes."""
        self._aborted.set()
        self._wake_reader()

    def _wake_reader(self) -> None:
        sock = self._socket.sock
        if sock is not None:
            # Not SSLSocket.shutdown: it first takes TLS off, and a thread that writes at this
            # moment would send plain text.
            with contextlib.suppress(OSError):  # it is gone already
                socket.socket.shutdown(getattr(sock, "raw", sock), socket.SHUT_RDWR)

    def close(self) -> None:
        """Free the socket; only from the reader's own thread.

        No goodbye is said: the platform would end the session that shall be resumed.
        """
        with contextlib.suppress(websocket.WebSocketException, OSError):
            self._socket.shutdown()


def _closed(data: bytes) -> GatewayClosed:
    code = struct.unpack("!H", data[:2])[0] if len(data) >= 2 else None
    reason = data[2:].decode("utf-8", "replace")
    return GatewayClosed(
        f"the gateway closed the connection: {code} {reason}", code=code, reason=reason
    )
