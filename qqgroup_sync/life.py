"""One start of a client: its rooms, its threads, its end.

Every start has a life of its own, so that a thread of an earlier one can touch nothing of a
later one.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

from qqgroup_sync.dispatch.dialogue import Dialogues
from qqgroup_sync.dispatch.dispatcher import Dispatcher
from qqgroup_sync.dispatch.intake import Intake, Key, Position
from qqgroup_sync.dispatch.waiters import Waiters
from qqgroup_sync.events.models import AuditResult, Interaction, Message
from qqgroup_sync.events.parse import parse
from qqgroup_sync.gateway.discovery import Discovery
from qqgroup_sync.gateway.frames import Intents
from qqgroup_sync.masking import mask
from qqgroup_sync.runtime.clock import Deadline
from qqgroup_sync.runtime.lanes import LanePool
from qqgroup_sync.runtime.serial import Serial
from qqgroup_sync.runtime.service import Service
from qqgroup_sync.sending.outgoing import Outgoing
from qqgroup_sync.shards import Remembered, Shards
from qqgroup_sync.state.sessions import Place
from qqgroup_sync.status import StatusBoard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from qqgroup_sync.dispatch.registry import Registry
    from qqgroup_sync.dispatch.schedule import Schedule
    from qqgroup_sync.dispatch.timed_tasks import Task
    from qqgroup_sync.events.models import Event
    from qqgroup_sync.gateway.frames import Frame
    from qqgroup_sync.lasting import Lasting
    from qqgroup_sync.runtime.clock import Clock
    from qqgroup_sync.settings import Settings
    from qqgroup_sync.status import Status

logger = logging.getLogger(__name__)

GATEWAY_SLICE = 0.25  # seconds between two looks whether the queue is full meanwhile
GATEWAY_PATIENCE = 60.0  # seconds an event waits for the gateway before it is taken in hand
SHARD_PATIENCE = 10.0  # seconds sends wait for all shards before one that is live will do


class Progress(NamedTuple):
    """How far a bot is with its work, for a test that waits until nothing is left to do.

    Attributes:
        taken: The last event of each shard that reached the handlers' queue.
        busy: Whether a handler runs or waits for a worker, a click for its acknowledgement, a
            timed task for being started, or a token is fetched. Who sits in a dialogue is not
            busy.
        heard: Whether the gateway answered every heartbeat.
    """

    taken: dict[int, Position]
    busy: bool
    heard: bool


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
        self._on_failure = on_failure
        self._failing = threading.Lock()
        self._failed = False
        self._why = "stopped", ""  # it ends
        self._disconnect = threading.Event()  # ends the gateway threads and the token's
        self._own_ids: set[str] = set()
        self._last_events: dict[int, float] = {}
        self._watching = Serial("qqgroup-watch")
        self.board = StatusBoard(clock, self._state_changed)
        self._pool = LanePool(
            clock,
            resting=settings.workers,
            working=settings.max_workers,
            capacity=settings.queue_size,
            on_overload=self.board.note_overload,
        )
        self.waiters = Waiters(clock, self._park)
        dialogues = Dialogues(self.waiters, clock, settings.language)
        self.outgoing = Outgoing(
            settings,
            clock,
            memory=lasting.media,
            dialogue=dialogues.of,
            session=lasting.session,
            note_button=lasting.buttons.remember,
            await_gateway=self._await_gateway,
            hears_audits=bool((settings.intents or 0) & Intents.MESSAGE_AUDIT),
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
            ready=self._ready_to_handle if self._sessions is not None else None,
            suspects=self._sessions.suspects if self._sessions is not None else lambda _key: False,
            admit=self._admit if self._sessions is not None else None,
            note=self._note if self._sessions is not None else None,
        )
        discovery = Discovery(
            self.outgoing.endpoints,
            clock,
            key=(settings.appid, self.outgoing.host),
            url=settings.gateway_url,
            stop=self._disconnect,
        )
        self._shards = Shards(
            settings,
            clock,
            token=self.outgoing.token,
            discovery=discovery,
            board=self.board,
            intake=self._intake,
            sessions=self._sessions,
            remembered=remembered,
            stop=self._disconnect,
            paused=lambda: self._pool.paused,
            deliver=self._deliver,
            began=self._session_began,
            ready=self._ready,
            failed=self.failed,
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
        self._shards.start()

    def _ready_to_handle(self) -> None:
        """Wait until events can be answered, while it counts what is in hand."""
        assert self._sessions is not None
        if self._sessions.careful and not self.board.online:
            self._await_gateway(GATEWAY_PATIENCE)

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

    def _note(self, shard: int, position: Position, key: Key | None, s: int | None) -> None:
        """Keep for the next process that an event was handled."""
        assert self._sessions is not None
        self._sessions.note(shard, Place(*position), key, s)

    @contextlib.contextmanager
    def _park(self) -> Iterator[Callable[[], object] | None]:
        """Let others work while a handler waits for an answer."""
        with self._intake.aside(), self._pool.park() as book:
            yield book

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

    def _deliver(self, shard: int, frame: Frame) -> None:
        """Take an event from a shard; blocks while the queue is full."""
        now = self._clock.time()
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
        elif isinstance(event, AuditResult):
            self.outgoing.audits.note(event)
        self._intake.accept(shard, frame.s, event)

    def _session_began(self, user: dict[str, Any]) -> None:
        """Note what the gateway says of the bot."""
        self._own_ids.add(str(user.get("id") or ""))
        self.board.bot_name = str(user.get("username") or "")

    def _ready(self) -> None:
        """Tell who wants to know that the bot has come on line."""
        if self._registry.ready_handlers:
            self._pool.submit(None, self._dispatcher.announce_ready)

    def _state_changed(self, old: Status, new: Status) -> None:
        """Have it told, in a thread of its own; called under the board's lock."""
        if self._registry.state_watchers:
            self._watching.submit(lambda: self._dispatcher.announce_state(old, new))

    def failed(self, error: BaseException) -> None:
        """Note that the bot cannot go on; the first reason counts."""
        with self._failing:
            first, self._failed = not self._failed, True
        if first:
            self._why = str(error).partition("\n")[0], getattr(error, "remedy", "")
            self._intake.halt()
            self.board.end("stopping", *self._why)
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
        deadline = Deadline(self._clock, patience)
        for_all = Deadline(self._clock, max(0.0, SHARD_PATIENCE - board.away_for))
        # A long replay waits in the queue, not in thousands of threads: only some give their
        # places to others.
        some = self._pool.parked < self._settings.max_workers
        with self._pool.park(keep_lane=True) if some else contextlib.nullcontext():
            # RESUMED stands behind what waits for us in a full queue: then nobody waits for it.
            while not (board.ending or self._pool.paused):
                slice_ = min(GATEWAY_SLICE, deadline.left() or 0.0)
                if board.wait_live(slice_, any_shard=for_all.passed):
                    return True
                if deadline.passed:
                    return False
        return True

    # ------------------------------------------------------------------ the end

    def stop(self, timeout: float) -> list[str]:
        """Take everything apart; return the names of the threads that did not end.

        Order: no more events (heartbeats go on, so that answers under way still count), workers,
        gateway, HTTP. Handlers may use all of the time but a reserve for the others.
        """
        deadline = Deadline(self._clock, timeout)
        for_handlers = Deadline(self._clock, timeout - min(1.0, timeout * 0.2))
        self._intake.halt()  # before what waits for the gateway wakes
        self.board.end("stopping", "stop() was called")
        self.outgoing.halt.set()
        left = self._pool.close()
        stuck = self._schedule.stop(deadline) if self._schedule is not None else []
        self.waiters.close()  # handlers in a dialogue end quietly
        if left:
            who = "the next start" if self._sessions is not None else "a start in this process"
            logger.warning("%d messages were not handled; %s gets them again", left, who)
        stuck += self._pool.join(for_handlers)
        stuck += self._shards.stop(deadline)
        if not self._token_service.stop(deadline):
            stuck.append(self._token_service.name)
        self._intake.close()  # before: whose answer is refused is left to the next start
        stuck += self.outgoing.close(deadline)
        self._shards.settle()
        if self._sessions is not None and not stuck:
            self._sessions.end_well()
        stuck += self._lasting.close(deadline)
        self.board.end("offline", *self._why)
        return stuck + self._watching.close(deadline)

    def remembered(self) -> Remembered:
        """Return what the next life needs; called after :meth:`stop`."""
        return Remembered(self._intake.positions(), self._intake.handled(), self._shards.terms)

    def look(self) -> Progress:
        """Return how far the bot is: what came in, and whether anything is left to do."""
        taken = dict(self._shards.taken)  # first: what comes later is not in it
        schedule = self._schedule
        busy = (
            not self._pool.rests(self.waiters.resting)
            or not self.outgoing.clicks.rests
            or self.outgoing.token.fetching
            or (schedule is not None and not schedule.rests)
        )
        return Progress(taken, busy=busy, heard=self._shards.answered)

    def status(self) -> Status:
        """Return one look at everything."""
        return self.board.look(
            last_events=self._last_events,
            token_age=self.outgoing.token.age,
            queued=self._pool.queued,
            workers=self._pool.size,
            sends_waiting=self.outgoing.limits.waiting,
            counters=self._intake.counters(),
        )
