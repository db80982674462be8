"""The only loop that reconnects: one shard from its first connection to the last.

Between two tries it waits longer and longer, at most a minute and a quarter, for ever. While the
host that the last try failed at cannot be reached at all, a connection that is closed at once,
every second, finds out when it can: then the next try is made at once. So the bot is back within
two seconds of the network's return, and a platform that answers, if only by refusals, is not
hammered on. A wait also ends when time jumps, for the machine may have slept.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Protocol

from qqgroup_sync.errors import (
    AuthError,
    Forbidden,
    GatewayClosed,
    QQGroupError,
    RateLimited,
    StateError,
    TransportError,
)
from qqgroup_sync.gateway.connection import Connection
from qqgroup_sync.gateway.discovery import FRESH
from qqgroup_sync.gateway.frames import Frame, FrameError, decode
from qqgroup_sync.gateway.heartbeat import Heartbeat
from qqgroup_sync.gateway.session import (
    GatewaySession,
    Heard,
    Leave,
    Live,
    Phase,
    Send,
    Step,
    Verdict,
)
from qqgroup_sync.network import Outage
from qqgroup_sync.runtime.backoff import Backoff
from qqgroup_sync.runtime.service import Service
from qqgroup_sync.runtime.vigil import Vigil, Waking

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from qqgroup_sync.api.token import AccessToken
    from qqgroup_sync.gateway.discovery import Discovery
    from qqgroup_sync.runtime.clock import Clock

logger = logging.getLogger(__name__)

READ_SLICE = 60.0  # the reader wakes this often without need; abort() wakes it at once
HANDSHAKE = 30.0  # seconds from the open socket, or what came last, to READY or RESUMED
STABLE = 5.0  # a session that was live this long resets the back-off
HASTY = 3  # sessions shorter than that, in a row, before a long wait
LONG_WAIT = 60.0
LOOK_EVERY = 1.0  # seconds between two looks whether the network is back


class Listener(Protocol):
    """Who is told about the shard; called from its gateway thread."""

    def shard_away(
        self,
        session: GatewaySession,
        why: str,
        retry_in: float,
        trouble: QQGroupError | None = None,
    ) -> None:
        """The shard is not connected; ``why`` says since what, ``trouble`` what to do about it."""
        ...

    def shard_live(self, session: GatewaySession, *, resumed: bool, user: dict[str, Any]) -> None:
        """READY or RESUMED came."""
        ...

    def shard_heard(self, session: GatewaySession) -> None:
        """A heartbeat was answered."""
        ...

    def deliver(self, session: GatewaySession, frame: Frame) -> None:
        """An event came; may block to hold the reader back."""
        ...

    def failed(self, error: BaseException) -> None:
        """The shard cannot come back; the bot has to end."""
        ...


class GatewayRunner:
    """Keeps one shard connected until :meth:`wake`, or until the platform refuses for good.

    Args:
        session: The shard's protocol state.
        token: Credential for Identify and Resume.
        discovery: Knows the URL and paces identifies.
        listener: Hears events and states.
        paused: Whether the reader is held back by a full queue.
        clock: Where time comes from.
        stop: Ends the loop.
        ca_bundle: Certificates to trust.
        direct: Never use a proxy.
        api: Address of the platform's REST side, which is asked before the gateway.
        prepare: Called once with the gateway reachable, before the first Identify; it may set
            ``session.shard`` (automatic shards).
    """

    def __init__(
        self,
        session: GatewaySession,
        *,
        token: AccessToken,
        discovery: Discovery,
        listener: Listener,
        paused: Callable[[], bool],
        clock: Clock,
        stop: threading.Event,
        ca_bundle: str | None = None,
        direct: bool = False,
        api: str = "",
        prepare: Callable[[], None] | None = None,
    ) -> None:
        self.session = session
        self._token = token
        self._discovery = discovery
        self._listener = listener
        self._paused = paused
        self._clock = clock
        self._stop = stop
        self._ca_bundle = ca_bundle
        self._direct = direct
        self._prepare = prepare
        self._api = self._towards = api
        self._vigil = Vigil(clock, slice_=LOOK_EVERY)
        self._backoff = Backoff()
        self._outage = Outage(direct=direct)
        self._hasty = 0
        self._connection: Connection | None = None
        self._credential = ""
        self._live_since: float | None = None
        self.service = Service(
            f"qqgroup-gateway-{session.shard[0]}",
            self._run,
            wake=self._wake,
            on_death=listener.failed,
        )

    def _wake(self) -> None:
        """Make the loop end; ``stop`` is set before."""
        connection = self._connection
        if connection is not None:
            connection.abort()

    # ------------------------------------------------------------------ the loop

    def _run(self) -> None:
        while not self._stop.is_set():
            self._live_since = None
            try:
                verdict = self._live_once()
            except OSError as error:  # no file can be opened, not even a module: perhaps later
                verdict = Verdict(f"{type(error).__name__}: {error}", self.session.resumable)
            if self._stop.is_set():
                return
            if verdict.error is not None:
                self._listener.failed(verdict.error)
                return
            if verdict.refresh_token:
                self._token.refuse(self._credential)
                self._discovery.doubt()  # it may be that today's session starts are used up
            wait = max(verdict.delay, self._pause())
            self._listener.shard_away(self.session, verdict.why, wait, verdict.trouble)
            self._rest(wait, verdict.unreached)

    def _pause(self) -> float:
        """Return how long to wait after a connection, by how long it was live."""
        if self._live_since is not None:
            stable = self._clock.monotonic() - self._live_since >= STABLE
            self._hasty = 0 if stable else self._hasty + 1
            if stable:
                self._backoff.reset()
        if self._hasty >= HASTY:
            self._hasty = 0
            return LONG_WAIT
        return self._backoff.next()

    def _rest(self, seconds: float, unreached: str) -> None:
        """Wait for the next try; less when the network comes back or time jumps."""
        look = None
        if unreached:
            if self._outage.over(unreached):  # it came back during the try
                return
            if self._outage.missing:
                look = lambda: self._outage.over(unreached)  # noqa: E731 - or nothing to look at
        woke = self._vigil.wait(self._stop, seconds, look)
        if woke is Waking.LEAPT:
            self._backoff.reset()

    def _live_once(self) -> Verdict:
        """Connect, talk until the end, and decide what comes next."""
        try:
            connection = self._connect()
        except QQGroupError as error:
            if _is_final(error):
                return Verdict(error.summary, resume=False, error=error)
            self._discovery.doubt()
            wait = (error.retry_after or LONG_WAIT) if isinstance(error, RateLimited) else 0.0
            unreached = self._towards if isinstance(error, TransportError) else ""
            return Verdict(
                error.summary, self.session.resumable, wait, trouble=error, unreached=unreached
            )
        if connection is None:
            return Verdict("stopping", resume=True)
        code: int | None = None
        why = ""
        try:
            why = self._talk(connection)
        except GatewayClosed as closed:
            code, why = closed.code, closed.summary
        finally:
            self._connection = None
            connection.close()
        return self.session.closed(code, why, used_up=self._discovery.used_up)

    def _connect(self) -> Connection | None:
        """Open a connection; None when the stop came meanwhile."""
        self._towards = self._api
        url = self._ask_the_way()
        while not self.session.resumable and (wait := self._discovery.reserve_start()):
            if wait > LONG_WAIT:
                why = "the session starts of today are used up"
                self._listener.shard_away(self.session, why, wait)
            if self._clock.wait(self._stop, min(wait, FRESH)):
                return None
            url = self._ask_the_way()  # hours may pass, or the limit be raised
        self._towards = url
        connection = Connection(url, ca_bundle=self._ca_bundle, direct=self._direct)
        self._connection = connection
        if self._stop.is_set():  # the wake-up may have come before there was what to wake
            return None
        try:
            connection.open()
        except TransportError:
            self._connection = None
            connection.close()
            raise
        self._outage.missing = False
        self.session.opened(self._credential, self._clock.monotonic())
        return connection

    def _ask_the_way(self) -> str:
        """Return where the gateway is, with a token at hand that is valid there."""
        self._credential = self._token.header()
        url = self._discovery.url()
        if self._prepare is not None:
            self._prepare()
            self._prepare = None
        return url

    # ------------------------------------------------------------------ one connection

    def _talk(self, connection: Connection) -> str:
        """Read until the connection is left; return why, or raise GatewayClosed."""
        session, deliver = self.session, self._listener.deliver
        give_up_at = self._clock.monotonic() + HANDSHAKE
        heartbeat = Heartbeat(
            f"qqgroup-heartbeat-{session.shard[0]}",
            connection,
            session,
            paused=self._paused,
            clock=self._clock,
            on_death=self._listener.failed,
        )
        try:
            while True:
                live = session.phase is Phase.LIVE
                patience = max(0.01, give_up_at - self._clock.monotonic())
                data = connection.receive(READ_SLICE if live else patience)
                if data is None:  # a ping, or the end of patience
                    if live or self._clock.monotonic() < give_up_at:
                        continue
                    return f"no READY within {HANDSHAKE:g} s ({session.phase.value})"
                step = self._step(data)
                if isinstance(step, Frame):
                    deliver(session, step)
                    if not live:  # a replay takes as long as the handlers
                        give_up_at = self._clock.monotonic() + HANDSHAKE
                elif isinstance(step, Leave):
                    return step.why
                else:
                    self._obey(step, connection, heartbeat)
        except GatewayClosed as closed:
            if heartbeat.found_dead:
                raise GatewayClosed("the gateway answered no heartbeats") from closed
            raise
        finally:
            connection.abort()  # frees a heartbeat that is stuck in a send
            heartbeat.stop()

    def _obey(self, step: Step | None, connection: Connection, heartbeat: Heartbeat) -> None:
        if isinstance(step, Send):
            connection.send(step.text)
        elif isinstance(step, Live):
            self._live_since = self._clock.monotonic()
            try:
                heartbeat.start()
            except RuntimeError as error:  # the system gives no more threads: perhaps later
                raise GatewayClosed(f"no thread for the heartbeats: {error}") from error
            self._listener.shard_live(self.session, resumed=step.resumed, user=step.user)
        elif isinstance(step, Heard):
            self._listener.shard_heard(self.session)

    def _step(self, data: bytes) -> Frame | Step | None:
        try:
            return self.session.receive(decode(data))
        except FrameError as error:
            logger.warning("ignored: %s", error.summary)
            return None


def _is_final(error: QQGroupError) -> bool:
    """Return whether trying again is useless: the platform refuses this bot, or another runs it.

    Not when it is just a token, or a proxy that refuses.
    """
    from qqgroup_sync.error_codes import TOKEN_CODES  # noqa: PLC0415 - only after a refusal

    if isinstance(error, StateError):
        return True
    return isinstance(error, AuthError | Forbidden) and bool(error.codes - TOKEN_CODES)
