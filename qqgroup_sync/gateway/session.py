"""The protocol of one shard as a pure state machine: no socket, no clock, no thread.

A connection goes through ``opened`` -> ``receive``... -> ``closed``. ``receive`` says what to
do about each frame, ``closed`` what to do next. The session outlives its connections.
"""

from __future__ import annotations

import enum
from typing import Any, NamedTuple

from qqgroup_sync.errors import GatewayRejected, QQGroupError
from qqgroup_sync.gateway.frames import (
    DEFAULT_INTENTS,
    NETWORK,
    OPTIONAL_INTENTS,
    UNKNOWN,
    CloseRule,
    Frame,
    Intents,
    Op,
    Reaction,
    close_rule,
    encode,
)
from qqgroup_sync.masking import Secret

RESUME_TRIES = 3  # refused resumes in a row before the session is given up
# As many may break without a word of the gateway: that is the network, which must not cost a
# session, or else a gateway that drops those who resume, which must not make the bot deaf.
BROKEN_RESUMES = 10
ASK_AGAIN = 3600.0  # seconds; then intents that a refusal may not have meant are asked for again
CREATE_SESSION_ERROR = 4903  # undocumented; follows a refused Identify in the field
SILENT_BEATS = 2  # heartbeats without an answer before the connection counts as dead
INTERVALS = (10, 3_600_000)  # milliseconds between heartbeats that can be meant
USUAL_INTERVAL = 41_250  # what live gateways send


class Phase(enum.Enum):
    """How far a connection has come."""

    CLOSED = "closed"
    HELLO = "waiting for HELLO"
    IDENTIFYING = "identifying"
    RESUMING = "resuming"
    LIVE = "live"


class Send(NamedTuple):
    """Send this text now."""

    text: str


class Live(NamedTuple):
    """READY or RESUMED came: events flow, heartbeats begin."""

    resumed: bool
    user: dict[str, Any]


class Heard(NamedTuple):
    """A heartbeat was answered."""


class Leave(NamedTuple):
    """End this connection; ``closed`` then says how to come back."""

    why: str


Step = Send | Live | Heard | Leave


class Verdict(NamedTuple):
    """What to do after a connection ended."""

    why: str
    resume: bool
    delay: float = 0.0
    refresh_token: bool = False
    error: QQGroupError | None = None  # it is of no use to come back
    trouble: QQGroupError | None = None  # what the way to the gateway failed of
    unreached: str = ""  # the address that did not answer


class GatewaySession:
    """One shard's session, from its first Identify to the last reconnect.

    Args:
        shard: ``(index, count)``.
        intents: What to ask for.
        session_id: A session to resume, from an earlier life.
        received: The last ``s`` of that session that counts as received.

    Attributes:
        outdated: The session was begun on other terms than are wanted: it is resumed for what
            waits in it, and then a new one begins.
    """

    def __init__(
        self,
        shard: tuple[int, int] = (0, 1),
        *,
        intents: Intents = DEFAULT_INTENTS,
        session_id: str = "",
        received: int | None = None,
        language: str | None = None,
    ) -> None:
        self.shard = shard
        self.intents = intents
        self.session_id = session_id
        self.received = received
        self.phase = Phase.CLOSED
        self.interval = 0.0
        self.outdated = False
        self._wanted = intents  # less what the gateway has named as not permitted
        self._reduced_at = 0.0
        self._opened_at = 0.0
        self._resumed_from = received
        self._language = language
        self._token = ""
        self._silent_beats = 0
        self._refused_resumes = 0
        self._broken_resumes = 0
        self._failed_identifies = 0
        self._leaving: CloseRule | None = None

    @property
    def resumable(self) -> bool:
        """Whether the next connection resumes instead of identifying."""
        return bool(self.session_id)

    # ------------------------------------------------------------------ one connection

    def opened(self, token: str, now: float = 0.0) -> None:
        """Begin a connection.

        Args:
            token: What Identify and Resume carry: ``QQBot ...``.
            now: Seconds, by a clock that nobody sets.
        """
        self.phase = Phase.HELLO
        self._opened_at = now
        reduced = self.intents != self._wanted
        if reduced and not self.resumable and now - self._reduced_at > ASK_AGAIN:
            self.intents, self._failed_identifies = self._wanted, 0
        self._token = token
        self._silent_beats = 0
        self._leaving = None

    def receive(self, frame: Frame) -> Frame | Step | None:
        """Take one frame; return the event to deliver, what to do, or None."""
        op = frame.op
        if op == Op.DISPATCH:
            return self._dispatched(frame)
        if op == Op.HEARTBEAT_ACK:
            self._silent_beats = 0
            return Heard()
        if op == Op.HEARTBEAT:
            return Send(encode(Op.HEARTBEAT, self.received))
        if op == Op.HELLO:
            return self._greeted(frame.d)
        if op == Op.RECONNECT:
            return self._leave(NETWORK, "the gateway asked to reconnect (op 7)")
        if op == Op.INVALID_SESSION:
            if frame.d is True and self.resumable:
                return self._leave(NETWORK, "the gateway asked to resume again (op 9)")
            return self._leave(UNKNOWN, "the gateway refused the session (op 9)")
        return None  # an opcode of tomorrow

    def _greeted(self, data: Any) -> Send | None:
        if self.phase is not Phase.HELLO:
            return None  # a second greeting must not begin the session anew
        interval = data.get("heartbeat_interval") if isinstance(data, dict) else None
        if not isinstance(interval, int | float) or not INTERVALS[0] <= interval <= INTERVALS[1]:
            interval = USUAL_INTERVAL
        self.interval = interval / 1000
        if self.resumable:
            self.phase = Phase.RESUMING
            self._resumed_from = self.received
            resume = {"token": self._token, "session_id": self.session_id, "seq": self.received}
            return Send(Secret(encode(Op.RESUME, resume)))
        self.phase = Phase.IDENTIFYING
        identify = {"token": self._token, "intents": int(self.intents), "shard": [*self.shard]}
        return Send(Secret(encode(Op.IDENTIFY, identify)))

    def _dispatched(self, frame: Frame) -> Frame | Live | Leave | None:
        if frame.t == "READY":
            session_id = frame.d.get("session_id") if isinstance(frame.d, dict) else None
            if not isinstance(session_id, str) or not session_id:
                return self._leave(UNKNOWN, "READY came without a session_id")
            self.session_id, self.received, self.outdated = session_id, frame.s, False
            user = frame.d.get("user")
            return self._came_alive(resumed=False, user=user if isinstance(user, dict) else {})
        if frame.s is not None and (self.received is None or frame.s > self.received):
            self.received = frame.s
        if frame.t != "RESUMED":
            return frame
        if self.phase is Phase.LIVE:
            return None
        if self.outdated:
            return self._leave(UNKNOWN, "a new session with other shards or intents begins")
        return self._came_alive(resumed=True, user={})

    def _came_alive(self, *, resumed: bool, user: dict[str, Any]) -> Live:
        self.phase = Phase.LIVE
        self._refused_resumes = self._broken_resumes = self._failed_identifies = 0
        return Live(resumed, user)

    def _leave(self, rule: CloseRule, why: str) -> Leave:
        self._leaving = rule
        return Leave(why)

    def beat(self) -> str | None:
        """Return the heartbeat to send, or None when two went unanswered: the peer is dead."""
        if self._silent_beats >= SILENT_BEATS:
            return None
        self._silent_beats += 1
        return encode(Op.HEARTBEAT, self.received)

    @property
    def answered(self) -> bool:
        """Whether every heartbeat was answered."""
        return not self._silent_beats

    def excuse(self) -> None:
        """Forget unanswered heartbeats: nobody was reading."""
        self._silent_beats = 0

    # ------------------------------------------------------------------ and the next one

    def closed(self, code: int | None = None, why: str = "", *, used_up: bool = False) -> Verdict:
        """End the connection and decide what comes next.

        Args:
            code: WebSocket close code, when one came.
            why: What is known beyond the code.
            used_up: No more sessions may be started today, so a refused Identify tells nothing.
        """
        rule = close_rule(code)
        spoken = rule is not NETWORK or self._leaving is not None
        if rule is NETWORK and self._leaving is not None:
            rule = self._leaving  # we left by ourselves; the code says nothing new
        phase, self.phase = self.phase, Phase.CLOSED
        why = why or (f"{rule.meaning.en} ({code})" if code is not None else rule.meaning.en)
        if rule.reaction is Reaction.STOP:
            return self._stop(rule, code)
        if rule.reaction is Reaction.DROP_INTENTS:
            return self._with_fewer_intents(rule, code, why)
        if rule.reaction is Reaction.IDENTIFY:
            self.forget()
        if phase is Phase.RESUMING:
            self._resume_failed(refused=spoken)
        if phase is Phase.IDENTIFYING and (rule is UNKNOWN or code == CREATE_SESSION_ERROR):
            if used_up:
                return Verdict(why, resume=False, delay=rule.delay)
            return self._identify_refused(rule, code, why)
        return Verdict(why, self.resumable, rule.delay, rule.refresh_token)

    def forget(self) -> None:
        """Give the session up: what the platform still holds for it is lost."""
        self.session_id, self.received = "", None
        self._refused_resumes = self._broken_resumes = 0

    def _resume_failed(self, *, refused: bool) -> None:
        """Count a Resume that was not answered by RESUMED; give the session up after some.

        One that brought events was accepted: the next one goes on behind them.
        """
        if self.received != self._resumed_from:
            self._refused_resumes = self._broken_resumes = 0
            return
        self._refused_resumes += refused
        self._broken_resumes += not refused
        if self._refused_resumes >= RESUME_TRIES or self._broken_resumes >= BROKEN_RESUMES:
            self.forget()

    def _identify_refused(self, rule: CloseRule, code: int | None, why: str) -> Verdict:
        """React to a refused Identify: a stale token first, then an intent without permission.

        Invalid intents show as op 9 and close 4903, not only as 4014 (field reports, 2026).
        """
        self._failed_identifies += 1
        if self._failed_identifies >= 2 and any(self.intents & one for one in OPTIONAL_INTENTS):
            return self._with_fewer_intents(rule, code, why)
        return Verdict(why, resume=False, delay=rule.delay, refresh_token=True)

    def _with_fewer_intents(self, rule: CloseRule, code: int | None, why: str) -> Verdict:
        self.forget()
        self._failed_identifies = 0
        self._reduced_at = self._opened_at
        for intent in OPTIONAL_INTENTS:
            if self.intents & intent and self.intents != intent:  # without any it would be deaf
                self.intents &= ~intent
                if rule.reaction is Reaction.DROP_INTENTS:
                    self._wanted &= ~intent
                return Verdict(f"{why}; going on without intent {intent.name}", resume=False)
        return self._stop(rule, code)

    def _stop(self, rule: CloseRule, code: int | None) -> Verdict:
        self.forget()
        error = GatewayRejected(
            f"the gateway refuses this bot: {rule.meaning.en} (close code {code})",
            code=code or 0,
            cause=rule.meaning,
            remedy=rule.remedy,
            language=self._language,
        )
        return Verdict(error.summary, resume=False, error=error)
