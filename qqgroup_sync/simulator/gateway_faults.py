"""What can go wrong at the gateway, on demand."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from qqgroup_sync.simulator.gateway_link import (
    HEARTBEAT,
    IDENTIFY,
    INVALID_SESSION,
    RECONNECT,
    TIMED_OUT,
)
from qqgroup_sync.simulator.listener import reset
from qqgroup_sync.simulator.sessions import GatewayRefusalError
from qqgroup_sync.simulator.websocket import check_close_code

if TYPE_CHECKING:
    import socket

    from qqgroup_sync.simulator.gateway_link import GatewayLink
    from qqgroup_sync.simulator.platform import Platform


T = TypeVar("T")

RESET = 0
"""Stands among HTTP statuses for "no answer but a TCP reset"."""
_NO_FRAME = 1006


class GatewayFaults:
    """Faults of live connections and of the next ones. Nothing here blocks.

    Methods with ``appid`` and ``shard`` act on every live connection unless these choose; they
    return how many they acted on.
    """

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self._links: set[GatewayLink] = set()
        self._refused_resumes: list[Literal["op9"] | int] = []
        self._refused_identifies: list[int] = []
        self._refused_connections: list[int] = []
        self._lock = threading.Lock()

    def links(self, appid: str | None = None, shard: int | None = None) -> list[GatewayLink]:
        """Return the connections, of one bot or shard if asked; also those not identified yet."""
        found = list(self._links.copy())
        if appid is not None:
            found = [link for link in found if link.appid == appid]
        if shard is not None:
            found = [link for link in found if (one := link.session) and one.shard[0] == shard]
        return found

    # -- connections that live

    def close(
        self, code: int, reason: str = "", *, appid: str | None = None, shard: int | None = None
    ) -> int:
        """Close with a code (3.6); after 4006, 4007 and 4900 on the session is forgotten.

        Args:
            code: Any that a close frame may carry, or 1006, which is what ``drop`` looks like.
            reason: Cut to 123 bytes.
            appid: Only this bot.
            shard: Only this shard.

        Raises:
            ValueError: The code cannot be sent.
        """
        if code == _NO_FRAME:
            return self.drop(appid=appid, shard=shard)
        check_close_code(code)
        links = self.links(appid, shard)
        for link in links:
            link.end(code, reason)
        return len(links)

    def drop(self, *, appid: str | None = None, shard: int | None = None) -> int:
        """End without a close frame: the client sees the connection end."""
        links = self.links(appid, shard)
        for link in links:
            link.abort()
        return len(links)

    def reset(self, *, appid: str | None = None, shard: int | None = None) -> int:
        """End with a TCP reset: the client sees an error instead of a close frame."""
        links = self.links(appid, shard)
        for link in links:
            link.reset()
        return len(links)

    def silence(self, *, appid: str | None = None, shard: int | None = None) -> int:
        """Stop reading, acknowledging and sending while the connection stays: half open."""
        links = self.links(appid, shard)
        for link in links:
            link.silence()
        return len(links)

    def unsilence(self, *, appid: str | None = None, shard: int | None = None) -> int:
        """Go on where ``silence`` stopped; what has piled up comes first."""
        links = self.links(appid, shard)
        for link in links:
            link.unsilence()
        return len(links)

    def send_reconnect(
        self, *, close: bool = False, appid: str | None = None, shard: int | None = None
    ) -> int:
        """Send op 7, and with ``close`` then close with 4009, as happens about every 30 min (3.7).

        Args:
            close: Whether the server closes too, rather than leaving that to the client.
            appid: Only this bot.
            shard: Only this shard.
        """
        links = self.links(appid, shard)
        for link in links:
            link.say(RECONNECT)
            if close:
                link.end(*TIMED_OUT)
        return len(links)

    def invalid_session(
        self, resumable: bool, *, appid: str | None = None, shard: int | None = None
    ) -> int:
        """Send op 9: the session ends, and can be resumed, here or elsewhere, if ``resumable``."""
        links = self.links(appid, shard)
        for link in links:
            if (session := link.session) is not None:
                if resumable:
                    self.platform.leave(session, link, None)
                    link.session = None  # so that the Resume may come on this connection
                else:
                    self.platform.forget(session)
            link.say(INVALID_SESSION, resumable)
        return len(links)

    def server_heartbeat(self, *, appid: str | None = None, shard: int | None = None) -> int:
        """Send op 1, which the client answers with a heartbeat at once (3.2)."""
        links = self.links(appid, shard)
        for link in links:
            link.say(HEARTBEAT)
        return len(links)

    def send_raw(
        self, data: str | bytes, *, appid: str | None = None, shard: int | None = None
    ) -> int:
        """Send any text or binary message, sense or nonsense."""
        links = self.links(appid, shard)
        for link in links:
            link.send_raw(data)
        return len(links)

    # -- what comes next

    def refuse_resumes(self, times: int = 1, how: Literal["op9"] | int = "op9") -> None:
        """Refuse the next Resumes, with op 9 ``d:false`` or with a close code.

        Raises:
            ValueError: The code cannot be sent.
        """
        if how != "op9":
            check_close_code(how)
        self._refused_resumes += [how] * times

    def refuse_identifies(self, times: int = 1, code: int = 4903) -> None:
        """Close with ``code`` instead of answering the next Identifies with READY.

        Raises:
            ValueError: The code cannot be sent.
        """
        check_close_code(code)
        self._refused_identifies += [code] * times

    def refuse_connections(self, times: int = 1, status: int | None = 503) -> None:
        """Refuse the next connections: with an HTTP status, or by a TCP reset for None."""
        self._refused_connections += [RESET if status is None else status] * times

    def forbid_intents(self, mask: int) -> None:
        """Refuse Identifies that ask for any bit of ``mask`` with 4014; 0 lifts that."""
        with self.platform.lock:
            self.platform.sessions.forbidden = mask

    def duplicate_events(self, count: int = 1) -> None:
        """Deliver each of the next ``count`` events twice: same ids, two numbers (4.13)."""
        with self.platform.lock:
            self.platform.sessions.duplicates += count

    def reorder_events(self, count: int = 1) -> None:
        """Let each of the next ``count`` events change places with the one after it (4.13).

        An event waits for the one after it, however long that takes to come.
        """
        with self.platform.lock:
            self.platform.sessions.reorders += count

    def armed(self) -> dict[str, list[Any]]:
        """Return what the next resumes, identifies and connections will meet."""
        with self._lock:
            return {
                "resumes": list(self._refused_resumes),
                "identifies": list(self._refused_identifies),
                "connections": list(self._refused_connections),
            }

    def clear(self) -> None:
        """Let nothing go wrong any more, and silent connections speak again."""
        with self._lock:
            self._refused_resumes.clear()
            self._refused_identifies.clear()
            self._refused_connections.clear()
        with self.platform.lock:
            self.platform.sessions.forbidden = 0
            self.platform.sessions.duplicates = 0
            self.platform.sessions.end_reordering()
        for link in self.links():
            if link.silent:
                link.unsilence()

    # -- asked by the connections

    def check_faults(self, op: int) -> None:
        """Refuse an Identify or Resume if that was asked for.

        Raises:
            GatewayRefusalError: It was.
        """
        if op == IDENTIFY:
            if (code := self._take(self._refused_identifies)) is not None:
                raise GatewayRefusalError(code, "refused on demand")
        elif (how := self._take(self._refused_resumes)) == "op9":
            raise GatewayRefusalError(None, "refused on demand", op9=True)
        elif isinstance(how, int):
            raise GatewayRefusalError(how, "refused on demand")

    def _take(self, waiting: list[T]) -> T | None:
        with self._lock:
            return waiting.pop(0) if waiting else None

    def connection_refusal(self, sock: socket.socket) -> int | None:
        """Return the HTTP status a new connection is refused with, if that was asked for.

        Raises:
            ConnectionError: It was to be a TCP reset; closing the socket sends it.
        """
        status = self._take(self._refused_connections)
        if status == RESET:
            reset(sock)
            raise ConnectionError("refused on demand")
        return status
