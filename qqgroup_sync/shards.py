"""The shards of one start: how they begin, what they tell, and where they go on after a restart."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from qqgroup_sync.dispatch.intake import Key, Position
from qqgroup_sync.gateway.frames import DEFAULT_INTENTS, Frame, Intents
from qqgroup_sync.gateway.runner import GatewayRunner
from qqgroup_sync.gateway.session import GatewaySession
from qqgroup_sync.state.sessions import Place

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from qqgroup_sync.api.token import AccessToken
    from qqgroup_sync.dispatch.intake import Intake
    from qqgroup_sync.errors import QQGroupError
    from qqgroup_sync.gateway.discovery import Discovery
    from qqgroup_sync.runtime.clock import Clock, Deadline
    from qqgroup_sync.settings import Settings
    from qqgroup_sync.state.sessions import Sessions
    from qqgroup_sync.status import StatusBoard

logger = logging.getLogger(__name__)

BRIEF = 10.0  # seconds away that are not worth telling


@dataclass(frozen=True, slots=True)
class Remembered:
    """What one life leaves to the next.

    Attributes:
        positions: Where each shard stands.
        handled: What was handled.
        terms: On what the session of each shard was begun.
    """

    positions: dict[int, Position] = field(default_factory=dict)
    handled: set[Key] = field(default_factory=set)
    terms: dict[int, str] = field(default_factory=dict)


class Shards:
    """Runs the shards, and tells each change of theirs in one line and on the board.

    Args:
        settings: The client's settings.
        clock: Where time comes from.
        token: Credential of the gateway.
        discovery: Knows where the gateway is.
        board: Keeps the status.
        intake: Knows what was handled.
        sessions: What an earlier process left; None when nothing is kept on disk.
        remembered: What the life before left.
        stop: Ends the shards.
        paused: Whether reading is held back.
        deliver: Takes an event of a shard.
        began: Told what the gateway says of the bot when a new session has begun.
        ready: Told when all shards have come on line, the last one with a new session.
        failed: Told when the bot cannot go on.

    Attributes:
        taken: The last event of each shard that was handed on.
        terms: On what the session of each shard was begun: how many shards, and the intents.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        *,
        token: AccessToken,
        discovery: Discovery,
        board: StatusBoard,
        intake: Intake,
        sessions: Sessions | None,
        remembered: Remembered,
        stop: threading.Event,
        paused: Callable[[], bool],
        deliver: Callable[[int, Frame], None],
        began: Callable[[dict[str, Any]], None],
        ready: Callable[[], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._token = token
        self._discovery = discovery
        self._board = board
        self._intake = intake
        self._sessions = sessions
        self._remembered = remembered
        self._stop = stop
        self._paused = paused
        self._deliver = deliver
        self._began = began
        self._ready = ready
        self.failed = failed
        self._runners: list[GatewayRunner] = []
        self.taken: dict[int, Position] = {}
        self.terms = dict(remembered.terms)

    # ------------------------------------------------------------------ beginning

    def start(self) -> None:
        """Start the shards of the settings; returns at once."""
        settings = self._settings
        if settings.shards == "auto":
            self._run(0, 1, prepare=self._spread)
        else:
            self._run(settings.shard_index, settings.shards, prepare=self._take_over)

    def _run(self, index: int, count: int, *, prepare: Callable[[], None] | None = None) -> None:
        settings = self._settings
        position = self._remembered.positions.get(index, Position("", None))
        session = GatewaySession(
            (index, count),
            intents=self._intents,
            session_id=position.session_id,
            received=position.s,
            language=settings.language,
        )
        if position.session_id:
            self._intake.begin_session(index, position.session_id, position.s)
        self._compare_terms(session)
        self._board.expect(range(index, index + 1))
        runner = GatewayRunner(
            session,
            token=self._token,
            discovery=self._discovery,
            listener=self,
            paused=self._paused,
            clock=self._clock,
            stop=self._stop,
            ca_bundle=settings.ca_bundle,
            direct=settings.direct,
            api=settings.api_bases[0],
            prepare=prepare,
        )
        self._runners.append(runner)
        runner.service.start()

    def _spread(self) -> None:
        """Start as many shards as the platform recommends; runs in the first one's thread."""
        self._take_over()
        count = max(1, self._discovery.info().shards)
        first = self._runners[0].session
        first.shard = (0, count)
        self._compare_terms(first)
        for index in range(1, count):
            self._run(index, count)

    def _take_over(self) -> None:
        """Go on where an earlier process ended; runs in the first shard's thread.

        Raises:
            StateError: Another process runs this bot and shard.
        """
        if self._sessions is None or not self._sessions.claim(self._stop):
            return
        known = self._sessions.load()
        self._sessions.begin()
        if self._remembered.positions:
            return  # an earlier start in this process knows better
        self._intake.remember(known.handled)
        self._remembered = Remembered(
            {shard: Position(*place) for shard, place in known.places.items()}
        )
        self.terms.update(known.terms)
        for runner in self._runners:
            self._go_on(runner.session)

    def _go_on(self, session: GatewaySession) -> None:
        """Let a session that has not begun resume the one before."""
        index = session.shard[0]
        position = self._remembered.positions.get(index)
        if position is not None and position.session_id and not session.session_id:
            session.session_id, session.received = position
            self._intake.begin_session(index, position.session_id, position.s)
        self._compare_terms(session)

    # A session keeps the shards and intents that it was begun with, for as long as it is resumed.

    @property
    def _intents(self) -> Intents:
        wanted = self._settings.intents
        return DEFAULT_INTENTS if wanted is None else Intents(wanted)

    def _terms(self, session: GatewaySession) -> str:
        return f"{session.shard[1]} {int(self._intents)}"

    def _compare_terms(self, session: GatewaySession) -> None:
        """Let a session that was begun on other terms end when all that waits in it has come."""
        begun = self.terms.get(session.shard[0])
        session.outdated = begun is not None and begun != self._terms(session)

    # ------------------------------------------------------------------ what they tell

    def deliver(self, session: GatewaySession, frame: Frame) -> None:
        """Take an event; blocks while the queue is full."""
        index = session.shard[0]
        self._deliver(index, frame)
        self.taken[index] = Position(session.session_id, frame.s)

    def shard_live(self, session: GatewaySession, *, resumed: bool, user: dict[str, Any]) -> None:
        """Note that a shard is on line."""
        index, count = session.shard
        if not resumed:
            self._intake.begin_session(index, session.session_id, session.received)
            self.terms[index] = self._terms(session)
            if self._sessions is not None:
                place = Place(session.session_id, session.received)
                self._sessions.settle(index, place, self.terms[index])
            self._began(user)
        name = self._board.bot_name
        all_live, away = self._board.shard_live(index, resumed=resumed)
        logger.info(
            "%s%s%s%s",
            "back on line, session resumed" if resumed else "on line",
            f" (shard {index} of {count})" if count > 1 else "",
            f" as {name}" if name and not resumed else "",
            f", after {away:.0f} s" if away >= BRIEF else "",
        )
        if all_live and not resumed:
            self._ready()
        self.taken[index] = Position(session.session_id, session.received)

    def shard_away(
        self,
        session: GatewaySession,
        why: str,
        retry_in: float,
        trouble: QQGroupError | None = None,
    ) -> None:
        """Note that a shard is not connected; it is told once, and every ten minutes."""
        index, count = session.shard
        news = self._board.shard_away(index, why, trouble.remedy if trouble is not None else "")
        where = f" (shard {index} of {count})" if count > 1 else ""
        _, _, advice = str(trouble or "").partition("\n")
        logger.log(
            logging.WARNING if news else logging.DEBUG,
            "not connected%s: %s; next try in %.1f s%s",
            where, why, retry_in, f"\n{advice}" if advice else "",
        )  # fmt: skip

    def shard_heard(self, session: GatewaySession) -> None:
        """Note that a heartbeat was answered."""
        self._board.heard(session.shard[0])

    @property
    def answered(self) -> bool:
        """Whether the gateway answered every heartbeat."""
        return all(runner.session.answered for runner in self._runners)

    # ------------------------------------------------------------------ the end

    def stop(self, deadline: Deadline) -> list[str]:
        """End the shards; return the names of the threads that did not end."""
        self._stop.set()
        # Not a snapshot: until it ends, the first shard may start others (shards="auto").
        for runner in self._runners:
            runner.service.wake()
        gateway = (runner.service for runner in self._runners)
        return [service.name for service in gateway if not service.stop(deadline)]

    def settle(self) -> None:
        """Keep on disk where each shard stands."""
        if self._sessions is not None:
            for shard, position in self._intake.positions().items():
                self._sessions.settle(shard, Place(*position), self.terms.get(shard, ""))
