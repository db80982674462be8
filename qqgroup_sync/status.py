"""What a client is doing, as far as a person or a program asks."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from qqgroup_sync.runtime.clock import Clock

REMIND = 600.0  # seconds after which an outage that goes on is told again
OVERLOADED = "more messages wait for handlers than the queue takes; reading pauses"

State = Literal["offline", "connecting", "online", "degraded", "stopping"]


@dataclass(frozen=True, slots=True)
class ShardStatus:
    """One shard. Times are Unix seconds, None when it has not happened.

    Attributes:
        index: Of the shard.
        live: Whether events flow.
        why: Why not, when not.
        remedy: What to do about that; may be empty.
        live_since: When it last came on line.
        session_since: When its session began; a resumed session keeps its age.
        last_event: When the last event came.
        last_ack: When the last heartbeat was answered.
        connections: How often it came on line.
    """

    index: int
    live: bool = False
    why: str = ""
    remedy: str = ""
    live_since: float | None = None
    session_since: float | None = None
    last_event: float | None = None
    last_ack: float | None = None
    connections: int = 0


@dataclass(frozen=True, slots=True)
class Status:
    """One look at a client. Times are Unix seconds, ages seconds.

    Attributes:
        state: ``offline``, ``connecting`` (never on line since the start), ``online``,
            ``degraded`` (was on line, and a shard is away or messages pile up), ``stopping``.
        since: Since when.
        why: What led to it.
        remedy: What to do about it, in the client's language; may be empty.
        shards: Each shard.
        bot_name: The bot's nickname, when the gateway told it.
        token_age: Of the access token; None without one.
        queued: Messages that wait for a handler.
        workers: Worker threads.
        sends_waiting: Calls that wait because the platform takes only so many a second, a minute
            or a day.
        resources: How the resource service stands, in one line; empty when there is none.
        counters: Events received, repeated, ignored and handled since the start.
    """

    state: State = "offline"
    since: float = 0.0
    why: str = ""
    remedy: str = ""
    shards: tuple[ShardStatus, ...] = ()
    bot_name: str = ""
    token_age: float | None = None
    queued: int = 0
    workers: int = 0
    sends_waiting: int = 0
    resources: str = ""
    counters: Mapping[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        away = "; ".join(f"shard {one.index}: {one.why}" for one in self.shards if not one.live)
        why = f" ({self.why})" if self.why else ""
        return f"{self.state}{why}" + (f" - {away}" if away and self.state != "offline" else "")

    def _repr_html_(self) -> str:
        from qqgroup_sync import rich  # noqa: PLC0415 - only in notebooks

        told = rich.facts(
            self.state,
            [
                ("why", self.why),
                ("remedy", self.remedy),
                ("since", rich.moment(self.since)),
                ("bot", self.bot_name),
                ("waiting messages", self.queued),
                ("workers", self.workers),
                ("sends that wait", self.sends_waiting),
                ("resource service", self.resources),
                *((name.replace("_", " "), count) for name, count in self.counters.items()),
            ],
        )
        if not self.shards:
            return told
        head = ("shard", "state", "since", "last event", "last heartbeat", "connections")
        return told + rich.table(
            head,
            [
                (
                    shard.index,
                    "on line" if shard.live else shard.why,
                    rich.moment(shard.live_since),
                    rich.moment(shard.last_event),
                    rich.moment(shard.last_ack),
                    shard.connections,
                )
                for shard in self.shards
            ],
        )


class StatusBoard:
    """Keeps the status of one start; written by its threads, read by anyone.

    Args:
        clock: Where time comes from.
        tell: Told the old and the new status at each change of ``state``, one after the other and
            in order. Called under the lock: it has to be quick, and must not call back.
    """

    def __init__(
        self, clock: Clock, tell: Callable[[Status, Status], object] = lambda _old, _new: None
    ) -> None:
        self._clock = clock
        self._tell = tell
        self._changed = threading.Condition()
        self._shards: dict[int, ShardStatus] = {}
        self._ending: tuple[State, str, str] | None = None
        self._was_live = False
        self._online = False
        self._overloaded = False
        self._told = Status(since=clock.time(), why="not started")
        self._away_since: dict[int, float] = {}
        self._began = clock.monotonic()
        self._said: dict[int, tuple[str, float]] = {}
        self._resources = ""
        self.bot_name = ""

    def note_resources(self, line: str) -> None:
        """Note how the resource service stands."""
        self._resources = line

    def note_overload(self, overloaded: bool) -> None:
        """Note whether more messages wait for handlers than the queue takes."""
        with self._changed:
            self._overloaded = overloaded
            self._settle("messages are handled as they come again", good=True)

    def expect(self, indexes: range) -> None:
        """Note which shards there are."""
        with self._changed:
            for index in indexes:
                self._shards.setdefault(index, ShardStatus(index, why="not connected yet"))
            self._settle("starting")

    def shard_live(self, index: int, *, resumed: bool) -> tuple[bool, float]:
        """Note that a shard is on line.

        Returns:
            Whether now all are, and for how many seconds this one was away.
        """
        now = self._clock.time()
        with self._changed:
            old = self._shards[index]
            self._shards[index] = replace(
                old,
                live=True,
                why="",
                remedy="",
                live_since=now,
                session_since=old.session_since if resumed and old.session_since else now,
                last_ack=now,
                connections=old.connections + 1,
            )
            self._said.pop(index, None)
            away = self._clock.monotonic() - self._away_since.pop(index, self._clock.monotonic())
            return self._settle("resumed" if resumed else "connected", good=True), away

    def shard_away(self, index: int, why: str, remedy: str = "") -> bool:
        """Note that a shard is not connected.

        Returns:
            Whether that is news: it was on line, the reason is another one, or nothing has been
            said for ten minutes. An outage of hours is not told at every try.
        """
        now = self._clock.monotonic()
        with self._changed:
            self._shards[index] = replace(self._shards[index], live=False, why=why, remedy=remedy)
            self._away_since.setdefault(index, now)
            said, when = self._said.get(index, ("", now))
            news = why != said or now - when >= REMIND
            if news:
                self._said[index] = why, now
            self._settle(why, remedy)
            return news

    def heard(self, index: int) -> None:
        """Note that a heartbeat was answered."""
        self._shards[index] = replace(self._shards[index], last_ack=self._clock.time())

    def end(self, state: State, why: str, remedy: str = "") -> None:
        """Note that the start comes to its end; waiters wake."""
        with self._changed:
            if self._ending is not None and state == "stopping":
                return  # the first reason counts
            if state == "offline":
                for index, shard in self._shards.items():
                    self._shards[index] = replace(shard, live=False, why=why)
            self._ending = (state, why, remedy)
            self._settle(why)

    def _settle(self, why: str, remedy: str = "", *, good: bool = False) -> bool:
        """Derive the state; return whether all shards are live.

        Args:
            why: What happened.
            remedy: What to do about it.
            good: It is no reason for a shard to be away.
        """
        away = next((shard for _, shard in sorted(self._shards.items()) if not shard.live), None)
        live = bool(self._shards) and away is None
        self._was_live = self._was_live or live
        state: State = "online" if live else "degraded" if self._was_live else "connecting"
        if live and self._overloaded:
            state, why = "degraded", OVERLOADED
        elif good and away is not None:
            why, remedy = away.why, away.remedy
        if self._ending is not None:
            state, why, remedy = self._ending
        self._online = live and self._ending is None
        old = self._told
        self._told = Status(
            state,
            self._clock.time() if state != old.state else old.since,
            why,
            remedy,
            tuple(shard for _, shard in sorted(self._shards.items())),
            self.bot_name,
            resources=self._resources,
        )
        if state != old.state:
            self._tell(old, self._told)
        self._changed.notify_all()
        return live

    def wait_live(self, seconds: float | None, *, any_shard: bool = False) -> bool:
        """Wait until every shard (or one) is live or the end comes; return whether it is so."""

        def live() -> bool:
            return any(shard.live for shard in self._shards.values()) if any_shard else self.online

        with self._changed:
            self._changed.wait_for(lambda: live() or self._ending is not None, seconds)
            return live()

    @property
    def away_for(self) -> float:
        """Seconds since the latest of the shards that are away went; 0 when none is."""
        with self._changed:
            away = [
                self._away_since.get(index, self._began)
                for index, shard in self._shards.items()
                if not shard.live
            ]
        return self._clock.monotonic() - max(away) if away else 0.0

    @property
    def ending(self) -> bool:
        """Whether the end has begun."""
        return self._ending is not None

    @property
    def online(self) -> bool:
        """Whether every shard is live, and the end has not begun."""
        return self._online

    def look(self, *, last_events: Mapping[int, float], **facts: Any) -> Status:
        """Return the status, completed with what other rooms know."""
        with self._changed:
            told = self._told
            shards = tuple(
                replace(shard, last_event=last_events.get(index))
                for index, shard in sorted(self._shards.items())
            )
        return replace(
            told, shards=shards, bot_name=self.bot_name, resources=self._resources, **facts
        )
