"""One server-side WebSocket connection: a thin shell over websockets' protocol without I/O.

It can do what a polite server never does: stop reading and writing while the connection stays,
and end with a TCP reset. Knows nothing about QQ.
"""

from __future__ import annotations

import logging
import socket
import threading
from typing import TYPE_CHECKING

from websockets.exceptions import InvalidState, ProtocolError
from websockets.frames import Close, Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol

from qqgroup_sync.simulator.listener import reset, shut_down

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

logger = logging.getLogger(__name__)

_READ = 64 * 1024
_MAX_MESSAGE = 1024 * 1024
_MAX_REASON = 123  # bytes that a close frame has room for


def check_close_code(code: int) -> None:
    """Refuse a close code that no frame may carry, such as 1005, 1015 or 5000.

    Raises:
        ValueError: It cannot be sent.
    """
    try:
        Close(code, "").check()
    except ProtocolError:
        raise ValueError(
            f"no close frame may carry {code}: use 3000 to 4999, or 1000 to 1003, 1007 to 1014"
        ) from None


class WebSocket:
    """One connection. One thread reads; any thread may send, close, silence or reset.

    Args:
        sock: A connected socket; its owner closes it.
    """

    def __init__(self, sock: socket.socket) -> None:
        self.peer = str(sock.getpeername()[0])
        self._socket = sock
        self._protocol = ServerProtocol(max_size=_MAX_MESSAGE, logger=logger)
        # Guards the protocol and the order of writes. It is held while writing, so abort() and
        # reset() must not take it.
        self._lock = threading.Lock()
        self._awake = threading.Event()
        self._awake.set()
        self._ended = threading.Event()
        self._incoming = self._events()

    @property
    def close_code(self) -> int | None:
        """The close code that was sent or received, None while open, 1006 without one."""
        if self._protocol.close_sent is not None:
            return int(self._protocol.close_sent.code)
        if self._protocol.close_rcvd is not None:
            return int(self._protocol.close_rcvd.code)
        return 1006 if self._ended.is_set() else None

    @property
    def silent(self) -> bool:
        """Whether nothing is read or sent at the moment."""
        return not self._awake.is_set()

    def open(self, check: Callable[[Request], tuple[int, str] | None]) -> bool:
        """Do the opening handshake.

        Args:
            check: Returns status and text of a refusal, or None to accept.

        Returns:
            Whether the connection is open.
        """
        for event in self._incoming:
            if isinstance(event, Request):
                refusal = check(event)
                with self._lock:
                    if refusal is None:
                        response = self._protocol.accept(event)
                    else:
                        response = self._protocol.reject(*refusal)
                    self._protocol.send_response(response)
                    self._flush()
                return self._protocol.state is State.OPEN
        return False

    def messages(self) -> Iterator[str | bytes]:
        """Yield what the client sends until the connection ends."""
        pieces: list[bytes] = []
        text = True
        for event in self._incoming:
            if not isinstance(event, Frame):
                continue
            if event.opcode in (Opcode.TEXT, Opcode.BINARY):
                text, pieces = event.opcode is Opcode.TEXT, [bytes(event.data)]
            elif event.opcode is Opcode.CONT:
                pieces.append(bytes(event.data))
            else:
                continue
            if event.fin:
                data = b"".join(pieces)
                yield data.decode(errors="replace") if text else data

    def _events(self) -> Iterator[object]:
        while not self._ended.is_set():
            data = self._read()
            if self._ended.is_set():  # by abort() or reset(): not another byte may go out
                return
            with self._lock:
                if data:
                    self._protocol.receive_data(data)
                else:
                    self._protocol.receive_eof()
                    self._ended.set()
                events = self._protocol.events_received()
                self._flush()
            yield from events

    def _read(self) -> bytes:
        try:
            data = self._socket.recv(_READ)
        except OSError:
            return b""
        self._awake.wait()
        return data

    def send(self, messages: Iterable[str | bytes]) -> bool:
        """Send messages in as few writes as possible; blocks while silent or the peer is slow.

        Returns:
            Whether they were handed to the network; False once the connection is closing.
        """
        self._awake.wait()
        with self._lock:
            try:
                for message in messages:
                    if isinstance(message, str):
                        self._protocol.send_text(message.encode(errors="replace"))
                    else:
                        self._protocol.send_binary(message)
                self._flush()
            except (InvalidState, OSError):
                return False
        return True

    def close(self, code: int, reason: str = "") -> None:
        """Send a close frame; ``messages`` ends when the client has answered or gone.

        Args:
            code: One that ``check_close_code`` lets pass.
            reason: Cut to what fits in.
        """
        reason = reason.encode(errors="replace")[:_MAX_REASON].decode(errors="ignore")
        self._awake.wait()
        with self._lock:
            try:
                self._protocol.send_close(code, reason)
                self._flush()
            except (InvalidState, OSError):
                return

    def _flush(self) -> None:
        """Write what the protocol wants written; the lock must be held."""
        writes = self._protocol.data_to_send()
        try:
            data = b"".join(writes)
            if data:
                self._socket.sendall(data)
            if writes and writes[-1] == b"":
                self._half_close()
        except OSError:
            self._ended.set()

    def _half_close(self) -> None:
        # An empty write is the protocol's sign that nothing more will be sent.
        self._socket.shutdown(socket.SHUT_WR)

    def silence(self) -> None:
        """Read and send nothing from now on; the connection stays."""
        self._awake.clear()

    def unsilence(self) -> None:
        """Read and send again, what has piled up first."""
        self._awake.set()

    def abort(self) -> None:
        """Shut the TCP connection down, which wakes the reader and a blocked sender."""
        self._ended.set()
        shut_down(self._socket)
        self._awake.set()

    def reset(self) -> None:
        """End with a TCP reset as soon as the owner closes the socket, which this causes."""
        self._ended.set()
        reset(self._socket)
        self._awake.set()
