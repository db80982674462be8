"""One gateway connection: the conversation from HELLO on (3.2, 3.3), and its sender thread."""

from __future__ import annotations

import json
import queue
import threading
import time
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from qqgroup_sync.simulator import json_bodies
from qqgroup_sync.simulator.records import Connection, Frame
from qqgroup_sync.simulator.sessions import GatewayRefusalError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from qqgroup_sync.simulator.gateway import Gateway
    from qqgroup_sync.simulator.records import Bot
    from qqgroup_sync.simulator.sessions import Session
    from qqgroup_sync.simulator.websocket import WebSocket

HEARTBEAT, IDENTIFY, RESUME, RECONNECT, INVALID_SESSION, HELLO, ACK = 1, 2, 6, 7, 9, 10, 11
TIMED_OUT = 4009, "Session timed out"

_BATCH = 256
_CLOSE_TIMEOUT = 5.0
_SENDER_TIMEOUT = 0.5


class _Close(NamedTuple):
    code: int
    reason: str


class GatewayLink:
    """One connection. Its own thread reads, a second one sends; everybody else only queues.

    Args:
        gateway: The face it belongs to.
        websocket: The open connection.
        name: Of the thread that serves it.

    Attributes:
        session: The session that is live on it.
        deadline: ``time.monotonic()`` by which a heartbeat (or Identify) must have come.
    """

    def __init__(self, gateway: Gateway, websocket: WebSocket, name: str) -> None:
        self._gateway = gateway
        self._platform = gateway.platform
        self._websocket = websocket
        self._outbox: queue.SimpleQueue[str | bytes | _Close | None] = queue.SimpleQueue()
        self._sender = threading.Thread(target=self._send_all, name=f"{name}-sender", daemon=True)
        self._goodbye: tuple[int, str, bool] | None = None  # the close frame that was sent
        self._ending = False  # a close frame is queued: nothing is received any more
        self._closing = False  # it was sent, or never will be: nothing is sent any more
        self.session: Session | None = None
        self.deadline = time.monotonic() + 2 * gateway.heartbeat_interval
        self._recycle_at = float("inf")

    @property
    def due(self) -> float:
        """``time.monotonic()`` of the next thing that happens to it by itself."""
        return min(self.deadline, self._recycle_at)

    @property
    def appid(self) -> str | None:
        """Whose connection it is, once known."""
        session = self.session
        return session.appid if session is not None else None

    def run(self) -> None:
        """Serve the connection until it ends; called once, in its own thread."""
        self._sender.start()
        try:
            milliseconds = int(self._gateway.heartbeat_interval * 1000)
            self._tell(Connection("opened", None, None))
            self.say(HELLO, {"heartbeat_interval": milliseconds})
            for message in self._websocket.messages():
                if not self._ending:
                    self._receive(message)
        finally:
            self._finish()

    def _finish(self) -> None:
        session = self.session
        session_id = session.id if session is not None else None
        code, reason, ours = self._goodbye or (self._websocket.close_code, "", self._ending)
        appid = self.appid
        if session is not None:
            self._platform.leave(session, self, self._websocket.close_code)
        self._tell(Connection("closed", appid, session_id, code, reason, ours))
        self._closing = True
        self._outbox.put(None)
        self._sender.join(_SENDER_TIMEOUT)
        if self._sender.is_alive():  # the client does not read and the network is full
            self._websocket.abort()
            self._sender.join(_SENDER_TIMEOUT)

    # -- sending: nothing here blocks

    def send(self, text: str) -> None:
        """Queue one frame; a connection with too many waiting is given up."""
        if self._closing:
            return
        if self._outbox.qsize() >= self._gateway.outbox_limit:
            self._platform.stats.add("slow_connections")
            self.abort()
            return
        self._outbox.put(text)

    def send_raw(self, data: str | bytes) -> None:
        """Queue a message as it is: text or binary, sense or nonsense."""
        self._outbox.put(data)

    def say(self, op: int, d: Any = None) -> None:
        """Queue a frame of the gateway itself, without a number."""
        self.send(json.dumps({"op": op} if d is None else {"op": op, "d": d}))

    def end(self, code: int, reason: str = "") -> None:
        """Queue a close frame, behind everything that waits; a silent connection is cut."""
        self._ending = True
        self.deadline = time.monotonic() + _CLOSE_TIMEOUT
        self._gateway.watch()
        if self._websocket.silent:
            self.abort()
        else:
            self._outbox.put(_Close(code, reason))

    def join_sender(self, timeout: float) -> None:
        """Wait until everything is sent, a close frame included; for stopping."""
        if self._sender.ident is not None:  # else ``run`` has only just been called
            self._sender.join(timeout)

    def _send_all(self) -> None:
        """Send what is queued, in batches: the body of the sender thread."""
        while True:
            batch: list[str | bytes] = []
            item = self._outbox.get()
            while isinstance(item, (str, bytes)):
                batch.append(item)
                if len(batch) >= _BATCH or self._outbox.empty():
                    break
                item = self._outbox.get()
            if batch and not self._websocket.send(batch):
                return
            self._report("out", batch)
            if item is None:
                return
            if isinstance(item, _Close):
                self._closing = True
                self._goodbye = (item.code, item.reason, True)
                self._websocket.close(item.code, item.reason)
                return

    # -- receiving: in the connection's own thread

    def _receive(self, message: str | bytes) -> None:
        try:
            match json_bodies.read(message):
                case {"op": int(op), **rest}:
                    d = rest.get("d")
                case _:
                    raise ValueError("not a frame")
        except ValueError:
            self.end(4002, "invalid payload")
            return
        self._report("in", [message])
        if op == HEARTBEAT:
            self._beat(d)
        elif op in (IDENTIFY, RESUME) and self.session is None:
            self._start(op, d)
        elif op != ACK:
            self.end(4001, f"invalid opcode {op!r}")

    def _beat(self, d: Any) -> None:
        """Acknowledge a heartbeat; one before READY is never acknowledged live (3.3)."""
        self._platform.stats.add("heartbeats")
        session = self.session  # another thread may take it away
        if session is None:
            if self._platform.rules.ack_early:
                self.say(ACK)
            return
        self.deadline = time.monotonic() + 2 * self._gateway.heartbeat_interval
        if isinstance(d, int):
            session.heartbeat = d
        self.say(ACK)

    def _start(self, op: int, d: Any) -> None:
        if not isinstance(d, dict):
            self.end(4002, "d is not an object")
            return
        try:
            self._gateway.check_faults(op)
            bot = self._bot_of(d.get("token"), bare=op == RESUME)
            start = self._platform.identify if op == IDENTIFY else self._platform.resume
            start(bot, d, self)
            self.deadline = time.monotonic() + 2 * self._gateway.heartbeat_interval
            recycle = self._platform.rules.recycle_seconds
            if recycle is not None:
                self._recycle_at = time.monotonic() + recycle
            self._gateway.watch()
        except GatewayRefusalError as refusal:
            if refusal.op9:
                self.say(INVALID_SESSION, False)
            if refusal.code is not None:
                self.end(refusal.code, refusal.reason)

    def _bot_of(self, token: Any, *, bare: bool) -> Bot:
        """Return the bot of ``QQBot <token>``; a Resume may carry the bare token (3.3)."""
        rules = self._platform.rules
        whitelist = rules.ip_whitelist
        if whitelist is not None and self._websocket.peer not in whitelist:
            raise GatewayRefusalError(4903, "source ip is not in the whitelist", op9=True)
        if isinstance(token, str) and token.startswith("Bot "):
            fixed = self._platform.owner_of_fixed(token[4:])
            if fixed is not None:
                return fixed
        scheme, _, text = token.rpartition(" ") if isinstance(token, str) else ("", "", "")
        if scheme == "QQBot" or (bare and not scheme):
            bot = self._platform.owner_of(text)
            if bot is not None:
                return bot
        code = rules.wrong_token
        raise GatewayRefusalError(code, "authentication failed", op9=code != 4004)

    # -- what a test does to it

    @property
    def silent(self) -> bool:
        """Whether nothing is read or sent at the moment."""
        return self._websocket.silent

    def silence(self) -> None:
        """Read, acknowledge and send nothing from now on; the connection stays."""
        self._websocket.silence()

    def unsilence(self) -> None:
        """Go on where ``silence`` stopped."""
        self.deadline = time.monotonic() + 2 * self._gateway.heartbeat_interval
        self._gateway.watch()
        self._websocket.unsilence()

    def abort(self) -> None:
        """Shut the TCP connection down without a close frame."""
        self._ending = self._closing = True
        self._websocket.abort()

    def reset(self) -> None:
        """End with a TCP reset."""
        self._ending = self._closing = True
        self._websocket.reset()

    def expire(self) -> None:
        """Act on a deadline that has passed: cut a connection that is closing, close another."""
        if self._ending:
            self.abort()
            return
        if self._recycle_at <= time.monotonic() < self.deadline:
            self.say(RECONNECT)
        self._recycle_at = float("inf")
        self.end(*TIMED_OUT)

    def _tell(self, change: Connection) -> None:
        if self._platform.observed:
            self._platform.report("connection", change)

    def _report(self, direction: Literal["in", "out"], messages: Iterable[str | bytes]) -> None:
        if not self._platform.observed:
            return
        session = self.session
        session_id = session.id if session is not None else None
        for message in messages:
            text = message if isinstance(message, str) else message.decode(errors="replace")
            self._platform.report("frame", Frame(direction, self.appid, session_id, text))
