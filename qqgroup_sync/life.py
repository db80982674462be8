"""One start of a client: its rooms, its threads, its end.

Every start has a life of its own, so that a thread of an earlier one can touch nothing of a
later one.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from qqgroup_sync.dispatch.dialogue import Dialogues
from qqgroup_sync.dispatch.dispatcher import Dispatcher
from qqgroup_sync.dispatch.intake import Intake, Key, Position
from qqgroup_sync.dispatch.waiters import Waiters
from qqgroup_sync.events.models import Interaction, Message
from qqgroup_sync.events.parse import parse
from qqgroup_sync.gateway.discovery import Discovery
from qqgroup_sync.gateway.frames import DEFAULT_INTENTS, Frame, Intents
from qqgroup_sync.gateway.runner import GatewayRunner
from qqgroup_sync.gateway.session import GatewaySession
from qqgroup_sync.masking import mask
from qqgroup_sync.runtime.clock import Deadline
from qqgroup_sync.runtime.lanes import LanePool
from qqgroup_sync.runtime.service import Service
from qqgroup_sync.sending.outgoing import Outgoing
from qqgroup_sync.state.sessions import Place
from qqgroup_sync.status import StatusBoard

if TYPE_CHECKING:
    from collections.abc import Callable

    from qqgroup_sync.dispatch.registry import Registry
    from qqgroup_sync.dispatch.schedule import Schedule
    from qqgroup_sync.dispatch.timed_tasks import Task
    from qqgroup_sync.events.models import Event
    from qqgroup_sync.lasting import Lasting
    from qqgroup_sync.runtime.clock import Clock
    from qqgroup_sync.settings import Settings
    from qqgroup_sync.status import Status

logger = logging.getLogger(__name__)

SHARD_PATIENCE = 10.0  # seconds a send waits for all shards before one that is live will do


@dataclass(frozen=True, slots=True)
class Remembered:
    """What one life leaves to the next: where each shard stands, and what was handled."""

    positions: dict[int, Position] = field(default_factory=dict)
    handled: set[Key] = field(default_factory=set)


class Life:
    """Wires the rooms of one start together, and takes them apart in order.

    Args:
        settings: The client's settings.
        registry: The client's handlers.
        client: Passed to handlers that want it.
        clock: Where time comes from.
        remembered: What the life before left.
        lasting: What outlives a start.
        on_failure: Told once when the bot cannot go on.
    """

    def __init__(
        self,
        settings: Settings,
        registry: Registry,
        client: Any,
        clock: Clock,
        *,
        remembered: Remembered,
        lasting: Lasting,
        on_failure: Callable[[BaseException], None],
    ) -> None:
        self._settings = settings
        self._registry = registry
        self._lasting = lasting
        self._client = client
        self._clock = clock
        self._remembered = remembered
        self._on_failure = on_failure
        self._failing = threading.Lock()
        self._failed = False
        self._disconnect = threading.Event()  # ends the gateway threads and the token's
        self._own_ids: set[str] = set()
        self._last_events: dict[int, float] = {}
        self._runners: list[GatewayRunner] = []
        self.board = StatusBoard(clock)
        self._pool = LanePool(
            clock,
            resting=settings.workers,
            working=settings.max_workers,
            capacity=settings.queue_size,
        )
        self.waiters = Waiters(clock, self._pool.park)
        dialogues = Dialogues(self.waiters, clock, settings.language)
        self.outgoing = Outgoing(
            settings,
            clock,
            memory=lasting.media,
            dialogue=dialogues.of,
            session=lasting.session,
            note_button=lasting.buttons.remember,
            await_gateway=self._await_gateway,
            aside=lambda: self._pool.park(keep_lane=True),
            report=self.board.note_resources,
            on_death=self.failed,
        )
        self._dispatcher = Dispatcher(
            registry,
            client,
            clock=clock,
            waiters=self.waiters,
            buttons=lasting.buttons,
            share_budget=self.outgoing.sender.budgets.share,
            language=settings.language,
        )
        self._sessions = lasting.sessions(self.outgoing.host)
        self._schedule: Schedule | None = None
        self._scheduling = threading.Lock()
        self._intake = Intake(
            self._pool,
            self._dispatcher.handle,
            clock,
            ordering=settings.ordering,
            ignore_bots=settings.ignore_bots,
            handled=remembered.handled,
            admit=self._admit if self._sessions is not None else None,
            note=self._note if self._sessions is not None else None,
        )
        self._discovery = Discovery(
            self.outgoing.endpoints,
            clock,
            key=(settings.appid, self.outgoing.host),
            url=settings.gateway_url,
        )
        self._token_service = Service(
            "qqgroup-token",
            lambda: self.outgoing.token.keep_fresh(self._disconnect),
            on_death=self.failed,
        )

    # ------------------------------------------------------------------ beginning

    def start(self) -> None:
        """Start the threads; returns at once.

        Raises:
            MediaError: The resource service cannot listen, and ``media="serve"`` needs it.
        """
        self.outgoing.media.open()
        self._pool.start()
        self._token_service.start()
        for task in self._registry.tasks:
            self.add_task(task)
        if self._settings.shards == "auto":
            self._run_shard(0, 1, prepare=self._spread)
        else:
            self._run_shard(
                self._settings.shard_index, self._settings.shards, prepare=self._take_over
            )

    def _run_shard(
        self, index: int, count: int, *, prepare: Callable[[], None] | None = None
    ) -> None:
        position = self._remembered.positions.get(index, Position("", None))
        wanted = self._settings.intents
        session = GatewaySession(
            (index, count),
            intents=DEFAULT_INTENTS if wanted is None else Intents(wanted),
            session_id=position.session_id,
            received=position.s,
            language=self._settings.language,
        )
        if position.session_id:
            self._intake.begin_session(index, position.session_id, position.s)
        self.board.expect(range(index, index + 1))
        runner = GatewayRunner(
            session,
            token=self.outgoing.token,
            discovery=self._discovery,
            listener=self,
            paused=lambda: self._pool.paused,
            clock=self._clock,
            stop=self._disconnect,
            ca_bundle=self._settings.ca_bundle,
            direct=self._settings.direct,
            prepare=prepare,
        )
        self._runners.append(runner)
        runner.service.start()

    def _take_over(self) -> None:
        """Go on where an earlier process ended; runs in the first shard's thread.

        Raises:
            StateError: Another process runs this bot and shard.
        """
        if self._sessions is None or not self._sessions.claim(self._disconnect):
            return
        known = self._sessions.load()
        self._sessions.begin()
        if self._remembered.positions:
            return  # an earlier start in this process knows better
        self._intake.remember(known.handled)
        self._remembered = Remembered(
            {shard: Position(*place) for shard, place in known.places.items()}
        )
        for runner in self._runners:
            self._go_on(runner.session)

    def _go_on(self, session: GatewaySession) -> None:
        """Let a session that has not begun resume the one before."""
        index = session.shard[0]
        position = self._remembered.positions.get(index)
        if position is not None and position.session_id and not session.session_id:
            session.session_id, session.received = position
            self._intake.begin_session(index, position.session_id, position.s)

    def _admit(self, event: Event, key: Key) -> bool:
        """Tell whether an event may be handled; said once of one that kills the process."""
        assert self._sessions is not None
        if self._sessions.admits(key):
            return True
        logger.error(
            "%s %s is dropped: the program ended again and again while handling it: %.60r",
            event.name, getattr(event, "id", ""), mask(getattr(event, "text", "")),
        )  # fmt: skip
        return False

    def _note(self, shard: int, position: Position, key: Key | None) -> None:
        """Keep for the next process that an event was handled."""
        assert self._sessions is not None
        self._sessions.note(shard, Place(*position), key)

    def _spread(self) -> None:
        """Start as many shards as the platform recommends; runs in the first one's thread."""
        self._take_over()
        count = max(1, self._discovery.info().shards)
        first = self._runners[0].session
        first.shard = (0, count)
        for index in range(1, count):
            self._run_shard(index, count)

    # ------------------------------------------------------------------ timed tasks

    def add_task(self, task: Task) -> None:
        """Run a task at its times from now on."""
        from qqgroup_sync.dispatch.schedule import Schedule  # noqa: PLC0415 - an extra

        with self._scheduling:
            if self.board.ending:
                return
            new = self._schedule is None
            if self._schedule is None:
                self._schedule = Schedule(
                    self._clock,
                    submit=lambda run: self._pool.submit(None, run),
                    on_error=lambda error, task: self._dispatcher.failed(
                        error, None, task.function, kind="timed task"
                    ),
                    arguments=(self._client,),
                    on_death=self.failed,
                    language=self._settings.language,
                )
            schedule = self._schedule
        schedule.add(task)
        if new:
            schedule.start()

    def remove_task(self, task: Task) -> None:
        """Run a task no more."""
        schedule = self._schedule
        if schedule is not None:
            schedule.remove(task)

    # ------------------------------------------------------------------ what the shards tell

    def deliver(self, session: GatewaySession, frame: Frame) -> None:
        """Take an event from a shard; blocks while the queue is full."""
        now = self._clock.time()
        shard = session.shard[0]
        self._last_events[shard] = now
        event = parse(
            frame.t,
            frame.d,
            event_id=frame.id,
            now=now,
            appid=self._settings.appid,
            bot_id=self._own_ids,
            actions=self.outgoing,
        )
        if isinstance(event, Message):
            if event.bot_openid:
                self._own_ids.add(event.bot_openid)
        elif (
            isinstance(event, Interaction)
            and event.needs_acknowledgement
            and self._settings.acknowledge_clicks
            and self._intake.is_new(event)
        ):
            self.outgoing.clicks.acknowledge(event.interaction_id)
        self._intake.accept(shard, frame.s, event)

    def shard_live(self, session: GatewaySession, *, resumed: bool, user: dict[str, Any]) -> None:
        """Note that a shard is on line."""
        index, count = session.shard
        if not resumed:
            self._intake.begin_session(index, session.session_id, session.received)
            if self._sessions is not None:
                self._sessions.settle(index, Place(session.session_id, session.received))
            self._own_ids.add(str(user.get("id") or ""))
            self.board.bot_name = str(user.get("username") or "")
        name = self.board.bot_name
        all_live = self.board.shard_live(index, resumed=resumed)
        where = f" (shard {index} of {count})" if count > 1 else ""
        logger.info(
            "%s%s%s", "back on line, session resumed" if resumed else "on line", where,
            f" as {name}" if name and not resumed else "",
        )  # fmt: skip
        if all_live and not resumed and self._registry.ready_handlers:
            self._pool.submit(None, self._dispatcher.announce_ready)

    def shard_away(self, session: GatewaySession, why: str, retry_in: float) -> None:
        """Note that a shard is not connected."""
        self.board.shard_away(session.shard[0], why)
        logger.warning("not connected: %s; next try in %.1f s", why, retry_in)

    def shard_heard(self, session: GatewaySession) -> None:
        """Note that a heartbeat was answered."""
        self.board.heard(session.shard[0])

    def failed(self, error: BaseException) -> None:
        """Note that the bot cannot go on; the first reason counts."""
        with self._failing:
            first, self._failed = not self._failed, True
        if first:
            self.board.end("stopping", str(error).partition("\n")[0])
            self._on_failure(error)

    # ------------------------------------------------------------------ sending meanwhile

    def _await_gateway(self, patience: float) -> bool:
        """Wait for the gateway inside a send; during the end nobody waits.

        Which shard a group belongs to is not known: all are waited for a little, then one is
        enough, so that one broken shard does not silence the others.
        """
        board = self.board
        if board.online or board.ending:
            return True
        with self._pool.park(keep_lane=True):
            if board.wait_live(min(patience, SHARD_PATIENCE)) or board.ending:
                return True
            left = max(0.0, patience - SHARD_PATIENCE)
            return board.wait_live(left, any_shard=True) or board.ending

    # ------------------------------------------------------------------ the end

    def stop(self, timeout: float) -> list[str]:
        """Take everything apart; return the names of the threads that did not end.

        Order: no more events (heartbeats go on, so that answers under way still count), workers,
        gateway, HTTP. Handlers may use all of the time but a reserve for the others.
        """
        deadline = Deadline(self._clock, timeout)
        for_handlers = Deadline(self._clock, timeout - min(1.0, timeout * 0.2))
        self.board.end("stopping", "stop() was called")
        self.outgoing.halt.set()
        left = self._pool.close()
        stuck = self._schedule.stop(deadline) if self._schedule is not None else []
        self.waiters.close()  # handlers in a dialogue end quietly
        if left:
            who = "the next start" if self._sessions is not None else "a start in this process"
            logger.warning("%d messages were not handled; %s gets them again", left, who)
        stuck += self._pool.join(for_handlers)
        self._disconnect.set()
        # Not a snapshot: until it ends, the first shard may start others (shards="auto").
        for runner in self._runners:
            runner.service.wake()
        gateway = (runner.service for runner in self._runners)
        stuck += [service.name for service in gateway if not service.stop(deadline)]
        if not self._token_service.stop(deadline):
            stuck.append(self._token_service.name)
        stuck += self.outgoing.close(deadline)
        if self._sessions is not None:
            for shard, position in self._intake.positions().items():
                self._sessions.settle(shard, Place(*position))
            if not stuck:
                self._sessions.end_well()
        stuck += self._lasting.close(deadline)
        self.board.end("offline", "stopped")
        return stuck

    def remembered(self) -> Remembered:
        """Return what the next life needs; called after :meth:`stop`."""
        return Remembered(self._intake.positions(), self._intake.handled())

    def status(self) -> Status:
        """Return one look at everything."""
        return self.board.look(
            overloaded=self._pool.paused,
            last_events=self._last_events,
            token_age=self.outgoing.token.age,
            queued=self._pool.queued,
            workers=self._pool.size,
            counters=self._intake.counters(),
        )
