"""Gateway sessions: numbering, replay, intents, shards (3.3 to 3.7). Pure: no socket, no clock.

The platform's lock must be held around every call.
"""

from __future__ import annotations

import json
import zlib
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from qqgroup_sync.simulator import identifiers, intents
from qqgroup_sync.simulator.rules import DAY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qqgroup_sync.simulator.records import Bot
    from qqgroup_sync.simulator.rules import Rules
    from qqgroup_sync.simulator.stats import Stats

IDENTIFY_WINDOW = 5.0
NOT_RESUMABLE = frozenset({4001, 4002, 4006, 4007, *range(4010, 4015), *range(4900, 4916)})
"""Close codes after which a session cannot be resumed (3.6)."""


class Link(Protocol):
    """The connection a session is live on; none of its methods may block."""

    session: Session | None

    def send(self, text: str) -> None:
        """Queue one frame."""

    def end(self, code: int, reason: str) -> None:
        """Queue a close frame."""


class GatewayRefusalError(Exception):
    """Identify or Resume is refused.

    Args:
        code: Close code; None leaves the connection open after op 9.
        reason: Text of the close frame.
        op9: Whether op 9 with ``d:false`` is sent first.
    """

    def __init__(self, code: int | None, reason: str, *, op9: bool = False) -> None:
        self.code = code
        self.reason = reason
        self.op9 = op9
        super().__init__(f"{code} {reason}")


@dataclass(slots=True, eq=False)
class Session:
    """One session of one bot on one shard.

    Attributes:
        id: The session id of READY.
        appid: Whose it is.
        shard: ``(index, count)`` as identified.
        intents: Which events it gets.
        s: Number of the last dispatch.
        link: The connection it is live on, None while it is away.
        away_since: When it was left.
        heartbeat: The ``d`` of the client's last heartbeat.
        frames: The newest dispatches, for replay.
        forgotten: Number of the newest dispatch that can no longer be replayed.
    """

    id: str
    appid: str
    shard: tuple[int, int]
    intents: int
    link: Link | None
    s: int = 0
    away_since: float = 0.0
    heartbeat: int | None = None
    frames: deque[tuple[int, str]] = field(default_factory=deque)
    forgotten: int = 0

    def wants(self, mask: int | None, route: str) -> bool:
        """Tell whether an event about ``route`` (a group or user) belongs to this session.

        ``mask`` holds the bits that let it through, None when it is unknown and always passes.

        How groups are spread over shards is not documented (3.5): by a stable hash here.
        """
        index, count = self.shard
        if count > 1 and zlib.crc32(route.encode()) % count != index:
            return False
        return mask is None or bool(self.intents & mask)


class SessionTable:
    """Every session, live or away.

    Args:
        replay_seconds: How long a session that was left can be resumed.
        replay_limit: How many dispatches of a session can be replayed.
        session_total: Identifies per bot in 24 hours (3.1).
        max_concurrency: Identifies per bot in 5 s.
        stats: Counters to keep.
    """

    def __init__(
        self,
        *,
        replay_seconds: float,
        replay_limit: int,
        session_total: int,
        max_concurrency: int,
        stats: Stats,
    ) -> None:
        self.replay_seconds = replay_seconds
        self.replay_limit = replay_limit
        self.session_total = session_total
        self.max_concurrency = max_concurrency
        self.forbidden = 0
        self.duplicates = 0
        self.reorders = 0
        self._held: dict[
            str, tuple[str, str, str, int | None, str]
        ] = {}  # events that let another one pass
        self._stats = stats
        self._sessions: dict[str, list[Session]] = {}
        self._identified: dict[str, deque[float]] = {}

    def all(self) -> Iterator[Session]:
        """Yield every session."""
        for sessions in self._sessions.values():
            yield from sessions

    def live(self) -> list[Session]:
        """Return the sessions that are on a connection now."""
        return [session for session in self.all() if session.link is not None]

    def is_live(self, appid: str) -> bool:
        """Tell whether a bot has a session that is on a connection now."""
        return any(session.link is not None for session in self._sessions.get(appid, ()))

    def start_limit(self, appid: str, now: float) -> dict[str, int]:
        """Return the ``session_start_limit`` object of ``GET /gateway/bot`` (3.1)."""
        started = self._started(appid, now)
        reset = started[0] + DAY - now if started else DAY
        return {
            "total": self.session_total,
            "remaining": max(0, self.session_total - len(started)),
            "reset_after": int(reset * 1000),
            "max_concurrency": self.max_concurrency,
        }

    def _started(self, appid: str, now: float) -> deque[float]:
        started = self._identified.setdefault(appid, deque(maxlen=self.session_total))
        while started and started[0] <= now - DAY:
            started.popleft()
        return started

    def identify(
        self, bot: Bot, d: dict[str, Any], link: Link, now: float, rules: Rules
    ) -> Session:
        """Start a session on ``link`` and queue its READY.

        Args:
            bot: Whose token was given.
            d: The ``d`` of the Identify frame.
            link: The connection.
            now: The time.
            rules: The switches in force.

        Raises:
            GatewayRefusalError: 4002, 4010, 4013, 4014, 4914, 4915, or op 9 and 4903 when no
                session start is left.
        """
        _check_standing(bot)
        wanted, shard = d.get("intents"), d.get("shard", [0, 1])
        if not isinstance(wanted, int) or isinstance(wanted, bool):
            raise GatewayRefusalError(4002, "intents is not a number")
        if wanted & ~intents.ALL or wanted < 0:
            raise GatewayRefusalError(4013, "invalid intents")
        if wanted & (self.forbidden | rules.forbidden_intents):
            code = rules.intents_refused
            raise GatewayRefusalError(code, "intents without permission", op9=code == 4903)
        index, count = _parse_shard(shard)
        self._count_identify(bot.appid, now, rules)
        sessions = self._sessions.setdefault(bot.appid, [])
        for old in [old for old in sessions if old.shard == (index, count)]:
            sessions.remove(old)
            if old.link is not None:
                old.link.end(rules.kick_code, "session taken over by a new identify")
        session = Session(identifiers.unique(), bot.appid, (index, count), wanted, link)
        sessions.append(session)
        link.session = session
        self._stats.add("identifies")
        session.s = 1
        user = {"id": bot.number, "username": bot.username, "bot": True}
        ready = {"version": 1, "session_id": session.id, "user": user, "shard": [index, count]}
        if rules.ready_shard == "zero":
            ready["shard"] = [0, 0]
        link.send(json.dumps({"op": 0, "s": 1, "t": "READY", "d": ready}))
        return session

    def _count_identify(self, appid: str, now: float, rules: Rules) -> None:
        started = self._started(appid, now)
        if len(started) >= self.session_total:
            raise GatewayRefusalError(4903, "session start limit reached", op9=True)
        lately = sum(moment > now - IDENTIFY_WINDOW for moment in started)
        if lately >= self.max_concurrency:
            self._stats.add("identifies_too_fast")
            if rules.enforce_concurrency:
                raise GatewayRefusalError(4903, "too many identifies in 5 s", op9=True)
        started.append(now)

    def resume(self, bot: Bot, d: dict[str, Any], link: Link, now: float, rules: Rules) -> Session:
        """Take a session up again on ``link``: queue what it missed, then RESUMED.

        Raises:
            GatewayRefusalError: op 9 (or 4006) for a session that is unknown, too long away or
                too far behind; 4007 for a ``seq`` it never reached; 4002 for nonsense; 4914 or
                4915 for a bot that may not connect.
        """
        _check_standing(bot)
        seq = d.get("seq")
        if not isinstance(seq, int) or isinstance(seq, bool):
            raise GatewayRefusalError(4002, "seq is not a number")
        self._forget_old(bot.appid, now)
        sessions = self._sessions.get(bot.appid, ())
        session = next((one for one in sessions if one.id == d.get("session_id")), None)
        if session is not None and not 0 <= seq <= session.s:
            raise GatewayRefusalError(4007, f"seq {seq}, last is {session.s}")
        if session is None or seq < session.forgotten:
            self._stats.add("resumes_refused")
            if rules.unknown_session == 4006:
                raise GatewayRefusalError(4006, "invalid session id")
            raise GatewayRefusalError(None, "session cannot be resumed", op9=True)
        if session.link is not None and session.link is not link:
            session.link.end(rules.kick_code, "reset by resume")
        session.link = link
        link.session = session
        missed = [text for s, text in session.frames if s > seq]
        for text in missed:
            link.send(text)
        session.s += 1
        link.send(f'{{"op":0,"s":{session.s},"t":"RESUMED","d":""}}')
        self._stats.add("resumes")
        self._stats.add("events_replayed", len(missed))
        return session

    def _forget_old(self, appid: str, now: float) -> None:
        sessions = self._sessions.get(appid, [])
        for old in [one for one in sessions if one.link is None]:
            if now - old.away_since > self.replay_seconds:
                sessions.remove(old)

    def leave(self, session: Session, link: Link, code: int | None, now: float) -> None:
        """Note that ``link`` is gone; the session stays resumable unless ``code`` forbids it."""
        if session.link is not link:
            return
        session.link = None
        session.away_since = now
        if code in NOT_RESUMABLE:
            self.forget(session)

    def forget(self, session: Session) -> None:
        """Make a session impossible to resume; its connection may identify anew."""
        if session.link is not None:
            session.link.session = None
            session.link = None
        sessions = self._sessions.get(session.appid, [])
        if session in sessions:
            sessions.remove(session)

    def deliver(
        self,
        appid: str,
        event: str,
        *,
        outer_id: str,
        data: str,
        mask: int | None,
        route: str,
        now: float,
    ) -> int:
        """Number an event, keep it for replay and queue it on every session that wants it.

        Args:
            appid: Whose event it is.
            event: Its name.
            outer_id: The outermost ``id``.
            data: Its ``d`` as JSON.
            mask: Which intent bits let it through.
            route: The group or user it is about, which decides on the shard; "" for shard 0.
            now: The time.

        Returns:
            How many frames that made, for sessions live or away.
        """
        sessions = self._sessions.get(appid)
        if not sessions:
            return 0
        if any(session.link is None for session in sessions):
            self._forget_old(appid, now)
        times = 1
        if self.duplicates > 0:
            self.duplicates -= 1
            times = 2
        wanting = [session for session in sessions if session.wants(mask, route)]
        if self.reorders > 0 and appid not in self._held:
            self.reorders -= 1
            self._held[appid] = event, outer_id, data, mask, route
            return len(wanting)
        for session in wanting:
            for _ in range(times):
                self._append(session, event, outer_id, data)
        self._deliver_held(appid)
        return len(wanting) * times

    def _deliver_held(self, appid: str) -> None:
        """Deliver the event that let another one pass."""
        if (held := self._held.pop(appid, None)) is None:
            return
        event, outer_id, data, mask, route = held
        for session in self._sessions.get(appid, ()):
            if session.wants(mask, route):
                self._append(session, event, outer_id, data)

    def end_reordering(self) -> None:
        """Let no event pass another one any more, and deliver those that wait for one."""
        self.reorders = 0
        for appid in list(self._held):
            self._deliver_held(appid)

    def _append(self, session: Session, event: str, outer_id: str, data: str) -> None:
        session.s += 1
        text = f'{{"op":0,"s":{session.s},"t":"{event}","id":{json.dumps(outer_id)},"d":{data}}}'
        session.frames.append((session.s, text))
        if len(session.frames) > self.replay_limit:
            session.forgotten, _ = session.frames.popleft()
        if session.link is not None:
            session.link.send(text)


def _check_standing(bot: Bot) -> None:
    """Refuse a bot that may not connect at all (3.6)."""
    if bot.banned:
        raise GatewayRefusalError(4915, "bot is banned")
    if bot.delisted and not bot.sandbox:
        raise GatewayRefusalError(4914, "bot is delisted, only the sandbox is allowed")


def _parse_shard(shard: Any) -> tuple[int, int]:
    match shard:
        case [int(index), int(count)] if 0 <= index < count:
            return index, count
        case _:
            raise GatewayRefusalError(4010, f"invalid shard {shard!r}")
