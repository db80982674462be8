"""Worker threads that keep order: jobs of one lane run one after the other, lanes in parallel.

Knows nothing about QQ. A lane is any hashable key; ``None`` means "in no particular order".
"""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from qqgroup_sync.errors import StateError, Text
from qqgroup_sync.runtime.service import Service

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

    from qqgroup_sync.runtime.clock import Clock, Deadline

logger = logging.getLogger(__name__)

GROWTH_TICK = 0.005  # how often a waiting queue looks whether its workers are blocked
SLOW_TICK = 5.0  # how often running jobs are looked at for slowness
BLOCKED_SHARE = 0.7  # below this share of a core, waiting jobs mean that workers block
BLOCKED_DELAY = 0.002  # a tick later than this means that threads wait for each other, not for I/O
LATE_PATIENCE = 0.1  # where every tick is late (Windows, a busy machine), waiting this long will do
IDLE_LIFE = 10.0  # how long a worker above the resting number stays without work
OVERLOAD_QUIET = 60.0  # one warning of a full queue, or of no more threads, speaks for this long
ROOM = 0.9  # a full queue takes jobs again below this share of its capacity


class _Job(NamedTuple):
    lane: Hashable | None
    run: Callable[[], object]


class _Lane:
    """What waits behind a busy lane: handlers that come back first, then new jobs."""

    __slots__ = ("returning", "waiting")

    def __init__(self) -> None:
        self.waiting: deque[_Job] = deque()
        self.returning: deque[threading.Event] = deque()


class _Return:
    """How a waiting handler comes back into its lane.

    Attributes:
        lane: Which one; None when it kept it, or had none.
        turn: Set when the lane is its own again; None until it stands in line.
    """

    __slots__ = ("lane", "turn")

    def __init__(self, lane: Hashable | None) -> None:
        self.lane = lane
        self.turn: threading.Event | None = None


class _Worker:
    """One worker thread and what it does at the moment."""

    __slots__ = ("job", "parked", "service", "since", "warned")

    def __init__(self) -> None:
        self.job: _Job | None = None
        self.since = 0.0
        self.parked = False
        self.warned = False
        self.service: Service


class LanePool:
    """A pool of workers with ordered lanes, a bounded queue and room for waiting handlers.

    Args:
        clock: Where time comes from.
        name: Begin of the thread names.
        resting: Workers kept when there is little to do; started when first needed.
        working: Most workers that run at once; reached when jobs block while others wait.
        capacity: Most jobs that wait; then :meth:`submit` blocks.
        parking: Most handlers that may wait in :meth:`park` at once.
        slow_after: Seconds after which a running job is logged, once, with its stack.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        name: str = "qqgroup-worker",
        resting: int = 16,
        working: int = 64,
        capacity: int = 10_000,
        parking: int = 2_000,
        slow_after: float = 30.0,
    ) -> None:
        self._clock = clock
        self._name = name
        self._resting = min(resting, working)
        self._working = working
        self._capacity = capacity
        self._parking = parking
        self._slow_after = slow_after
        self._lock = threading.Lock()
        # Workers wait in this queue, which is written in C: waking one through a Condition made a
        # busy bot a third slower.
        self._ready: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._room = threading.Condition(self._lock)  # submitters wait here
        self._attention = threading.Condition(self._lock)  # the watch waits here
        self._lanes: dict[Hashable, _Lane | None] = {}  # a lane stands here while it is busy
        self._workers: list[_Worker] = []
        self._behind = 0  # jobs that wait for their lane
        self._open = 0  # jobs that were made ready and neither ended nor wait in park()
        self._parked = 0
        self._named = 0
        self._refused: RuntimeError | None = None  # why there is no further worker; for the watch
        self._held_back = 0  # submitters that wait for room
        self._quiet_until = 0.0
        self._stopping = False
        self._watch_rests = True  # the watch sleeps until somebody calls it
        self._watch_hurries = False  # the watch already ticks fast
        self._here = threading.local()
        self._watch = Service(f"{name}-watch", self._watch_over)

    def start(self) -> None:
        """Start the watch; workers start when there is work."""
        self._watch.start()

    # ------------------------------------------------------------------ taking work

    def submit(self, lane: Hashable | None, run: Callable[[], object]) -> bool:
        """Queue a job; block while the queue is full.

        Returns:
            False when the pool is stopping and did not take the job.
        """
        job = _Job(lane, run)
        if self.queued >= self._capacity:
            self._wait_for_room()
        with self._lock:
            if self._stopping:
                return False
            if lane is None:
                self._make_ready(job)
            elif lane not in self._lanes:
                self._lanes[lane] = None
                self._make_ready(job)
            else:
                self._queue_behind(lane).waiting.append(job)
                self._behind += 1
        return True

    def _wait_for_room(self) -> None:
        now = self._clock.monotonic()
        if now >= self._quiet_until:
            self._quiet_until = now + OVERLOAD_QUIET
            logger.warning(
                "%d messages wait for handlers: reading is paused until some are done (nothing is "
                "lost); make handlers faster or run more shards",
                self.queued,
            )
        with self._lock:
            self._held_back += 1
            while self.queued > self._capacity * ROOM and not self._stopping:
                self._room.wait()
            self._held_back -= 1

    def _queue_behind(self, lane: Hashable) -> _Lane:
        entry = self._lanes[lane]
        if entry is None:
            entry = self._lanes[lane] = _Lane()
        return entry

    def _make_ready(self, job: _Job) -> None:
        """Let a job run as soon as a worker is free."""
        self._open += 1
        self._ready.put(job)
        if self._short_of_workers:
            if self._unparked < self._resting:
                self._hire()
            elif not self._watch_hurries and self._unparked < self._working:
                self._attention.notify()
        if self._watch_rests:
            self._attention.notify()

    # ------------------------------------------------------------------ workers

    @property
    def _unparked(self) -> int:
        return len(self._workers) - self._parked

    @property
    def _idle(self) -> int:
        return max(0, self._unparked - self._open)

    @property
    def _short_of_workers(self) -> bool:
        return self._open > self._unparked

    def _hire(self) -> None:
        """Start a worker; under the lock, so that a stop never misses one."""
        self._named += 1
        worker = _Worker()
        worker.service = Service(f"{self._name}-{self._named}", lambda: self._serve(worker))
        self._workers.append(worker)
        try:
            worker.service.start()
        except RuntimeError as error:  # the system gives no more threads
            self._workers.pop()
            if not self._workers:
                raise
            self._refused = error

    def _serve(self, worker: _Worker) -> None:
        self._here.worker = worker
        while self._take(worker):
            job = worker.job
            assert job is not None
            try:
                job.run()
            except BaseException:  # a SystemExit must not silently shrink the pool
                logger.exception("a job raised")
            del job  # an idle worker keeps nothing of its last message alive
            if not self._finish(worker):
                return

    def _take(self, worker: _Worker) -> bool:
        """Wait for the next job; False when the worker has left the pool."""
        while True:
            try:
                surplus = self._unparked > self._resting
                job = self._ready.get(timeout=IDLE_LIFE if surplus else None)
            except queue.Empty:
                if self._leave(worker):
                    return False
                continue
            if job is None or self._stopping:
                with self._lock:
                    self._workers.remove(worker)
                return False
            worker.since = self._clock.monotonic()
            worker.job = job
            if self._held_back:
                with self._lock:
                    self._let_in()
            return True

    def _let_in(self) -> None:
        """Let submitters go on when there is room again."""
        if self._held_back and self.queued <= self._capacity * ROOM:
            self._room.notify_all()

    def _leave(self, worker: _Worker) -> bool:
        """Let a worker go that had nothing to do, unless it is needed after all."""
        with self._lock:
            if self._unparked <= self._resting or self._open >= self._unparked:
                return False
            self._workers.remove(worker)
            return True

    def _finish(self, worker: _Worker) -> bool:
        """Give the lane back; False when the worker has left the pool."""
        with self._lock:
            assert worker.job is not None
            self._open -= 1
            lane, worker.job, worker.warned = worker.job.lane, None, False
            if not self._stopping:
                self._leave_lane(lane)
                self._let_in()
            if self._stopping or self._unparked > self._working:  # waiting handlers came back
                self._workers.remove(worker)
                return False
        return True

    def _leave_lane(self, lane: Hashable | None) -> None:
        """Hand the lane to who waits for it."""
        if lane is None or lane not in self._lanes:
            return
        entry = self._lanes[lane]
        if entry is not None and entry.returning:
            entry.returning.popleft().set()
        elif entry is not None and entry.waiting:
            self._behind -= 1
            self._make_ready(entry.waiting.popleft())
        else:
            del self._lanes[lane]

    # ------------------------------------------------------------------ waiting handlers

    @contextlib.contextmanager
    def park(self, *, keep_lane: bool = False) -> Iterator[Callable[[], object] | None]:
        """Give lane and place in the pool back while the calling handler waits.

        On leaving, the lane is taken again before new messages of it. Outside a worker this
        does nothing.

        Args:
            keep_lane: Keep the order of the lane strictly; only the place is given back.

        Yields:
            A function that books the lane for the return. Who wakes the handler calls it first,
            in a job of that lane: then the lane's next job waits for the handler, however long
            its thread takes to wake. None when there is nothing to give back.

        Raises:
            StateError: Too many handlers wait at once.
        """
        worker: _Worker | None = getattr(self._here, "worker", None)
        if worker is None or worker.parked or worker.job is None:
            yield None
            return
        coming = _Return(None if keep_lane else worker.job.lane)
        self._leave_place(worker, coming.lane)
        try:
            yield lambda: self._book(coming)
        finally:
            self._come_back(worker, coming)

    def _leave_place(self, worker: _Worker, lane: Hashable | None) -> None:
        with self._lock:
            if self._parked >= self._parking:
                raise StateError(
                    f"{self._parked} handlers wait for answers already",
                    remedy=Text(
                        "Let waits end earlier (timeout=), or ask fewer people at once.",
                        "缩短等待时间（timeout=），或减少同时等待回答的人数。",
                    ),
                )
            self._parked += 1
            self._open -= 1
            worker.parked = True
            self._leave_lane(lane)
            if self._short_of_workers:
                if self._unparked < self._resting:
                    self._hire()
                else:
                    self._attention.notify()  # there is a place to grow into again

    def _book(self, coming: _Return) -> threading.Event:
        """Let a handler stand in line for its lane, if it does not yet; return its turn."""
        with self._lock:
            turn = coming.turn
            if turn is None:
                turn = coming.turn = threading.Event()
                lane = coming.lane
                if lane is None or self._stopping:
                    turn.set()
                elif lane in self._lanes:
                    self._queue_behind(lane).returning.append(turn)
                else:
                    self._lanes[lane] = None
                    turn.set()
        return turn

    def _come_back(self, worker: _Worker, coming: _Return) -> None:
        self._book(coming).wait()  # set by whoever leaves the lane, or by stop()
        with self._lock:
            self._parked -= 1
            self._open += 1
            worker.parked = False
            worker.since = self._clock.monotonic()

    # ------------------------------------------------------------------ the watch

    def _watch_over(self) -> None:
        """Grow the pool while handlers block, and tell about handlers that never end."""
        then, burnt = self._clock.monotonic(), time.process_time()
        silent_until = then
        waited = 0.0  # how long jobs have waited although little was computed
        while True:
            with self._lock:
                if self._stopping:
                    return
                waiting = self._short_of_workers
                hurry = waiting and self._unparked < self._working
                busy = self._open > 0 or self._parked > 0
                self._watch_hurries, self._watch_rests = hurry, not busy
                self._attention.wait(GROWTH_TICK if hurry else SLOW_TICK if busy else None)
            now, cpu = self._clock.monotonic(), time.process_time()
            asleep = cpu - burnt < (now - then) * BLOCKED_SHARE
            waited = waited + now - then if hurry and asleep else 0.0
            on_time = now - then < GROWTH_TICK + BLOCKED_DELAY
            if waited and (on_time or waited >= LATE_PATIENCE):
                self._grow()
            then, burnt = now, cpu
            self._warn_about_slow(now)
            if self._refused is not None and now >= silent_until:
                logger.warning("no more than %d workers can be had: %s", self.size, self._refused)
                self._refused, silent_until = None, now + OVERLOAD_QUIET

    def _grow(self) -> None:
        with self._lock:
            if self._stopping:
                return
            wanted = min(self._open, self._working) - self._unparked
            for _ in range(wanted):
                self._hire()

    def _warn_about_slow(self, now: float) -> None:
        with self._lock:
            slow = [
                worker
                for worker in self._workers
                if worker.job is not None
                and not worker.parked
                and not worker.warned
                and now - worker.since >= self._slow_after
            ]
            for worker in slow:
                worker.warned = True
        for worker in slow:
            logger.warning(
                "a handler has been running for %.0f s in %s:\n%s",
                now - worker.since,
                worker.service.name,
                worker.service.stack(),
            )

    # ------------------------------------------------------------------ facts and the end

    @property
    def queued(self) -> int:
        """How many jobs wait."""
        return self._behind + max(0, self._open - self._unparked)

    @property
    def paused(self) -> bool:
        """Whether a submitter is held back because the queue is full."""
        return self._held_back > 0

    @property
    def size(self) -> int:
        """How many worker threads exist, parked ones included."""
        return len(self._workers)

    def close(self) -> int:
        """Take and begin no more jobs; return how many were left undone. Running ones go on."""
        with self._lock:
            if self._stopping:
                return 0
            self._stopping = True
            left = self._behind
            with contextlib.suppress(queue.Empty):
                while True:
                    self._ready.get_nowait()
                    self._open -= 1
                    left += 1
            self._behind = 0
            for entry in self._lanes.values():
                if entry is not None:
                    entry.waiting.clear()
                    for turn in entry.returning:
                        turn.set()
            for _ in self._workers:
                self._ready.put(None)
            self._room.notify_all()
            self._attention.notify_all()
        return left

    def join(self, deadline: Deadline) -> list[str]:
        """Wait for running jobs; return the names of the threads that did not end."""
        with self._lock:
            services = [worker.service for worker in self._workers]
        services.append(self._watch)
        return [service.name for service in services if not service.join(deadline.left())]
