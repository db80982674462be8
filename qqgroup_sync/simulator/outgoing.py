"""An HTTP connection to somebody else that any thread can end at any moment.

The socket is known before it is connected, so that neither a connect nor a TLS handshake that
hangs can outlive its owner. Knows nothing about QQ.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from typing import TYPE_CHECKING

from qqgroup_sync.simulator.listener import shut_down

if TYPE_CHECKING:
    from urllib.parse import SplitResult


class OutgoingConnection:
    """One connection, opened once. One thread uses it; any thread may cut it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._is_cut = False

    def open(
        self, address: SplitResult, *, timeout: float, cafile: str | None = None
    ) -> http.client.HTTPConnection:
        """Connect to the host of an http or https address.

        Args:
            address: Where to, as ``urlsplit`` returns it.
            timeout: Real seconds of silence, while connecting and afterwards.
            cafile: Certificates to trust for https.

        Returns:
            The connection, which the caller closes; it never connects anew by itself.

        Raises:
            OSError: Nobody is there, the certificate is wrong, or it was cut.
            ValueError: The host's name or the port cannot be one.
        """
        host = address.hostname or ""
        context = None
        connection: http.client.HTTPConnection
        if address.scheme == "https":
            context = ssl.create_default_context(cafile=cafile)
            connection = http.client.HTTPSConnection(host, address.port, context=context)
        else:
            connection = http.client.HTTPConnection(host, address.port)
        connection.auto_open = 0
        connection.sock = self._connect(host, connection.port, timeout, context)
        try:
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if isinstance(connection.sock, ssl.SSLSocket):
                connection.sock.do_handshake()
        except BaseException:
            connection.close()
            raise
        return connection

    def _connect(
        self, host: str, port: int, timeout: float, context: ssl.SSLContext | None
    ) -> socket.socket:
        """Return a socket that is connected to one of the host's addresses."""
        problem: Exception = OSError(f"{host} has no address")
        for family, kind, protocol, _, place in socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM
        ):
            sock = socket.socket(family, kind, protocol)
            try:
                if context is not None:  # before the connect: it puts another object in its place
                    sock = context.wrap_socket(
                        sock, server_hostname=host, do_handshake_on_connect=False
                    )
                sock.settimeout(timeout)
                self._expose(sock)
                sock.connect(place)
            except (OSError, ValueError) as error:  # the latter for names that TLS does not take
                sock.close()
                problem = error
            else:
                return sock
        raise problem

    def _expose(self, sock: socket.socket) -> None:
        with self._lock:
            if self._is_cut:
                raise ConnectionAbortedError("the connection was cut")
            self._socket = sock

    def cut(self) -> None:
        """End it, and whatever its thread waits for; never blocks."""
        with self._lock:
            self._is_cut = True
            sock = self._socket
        if sock is not None:
            shut_down(sock)
