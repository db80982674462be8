"""Worker threads that keep order: jobs of one lane run one after the other, lanes in parallel.

Knows nothing about QQ. A lane is any hashable key; ``None`` means "in no particular order".
"""

from __future__ import annotations

import contextlib
import os
import queue
import threading
from typing import TYPE_CHECKING

from qqgroup_sync.errors import StateError, Text
from qqgroup_sync.masking import masked_logger
from qqgroup_sync.runtime.blockage import TICK, Blockage
from qqgroup_sync.runtime.forked import end_child
from qqgroup_sync.runtime.lane_order import Job, LaneOrder, Return
from qqgroup_sync.runtime.service import Service

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

    from qqgroup_sync.runtime.clock import Clock, Deadline

logger = masked_logger(__name__)

SLOW_TICK = 5.0  # how often running jobs are looked at for slowness
IDLE_LIFE = 10.0  # how long a worker above the resting number stays without work
OVERLOAD_QUIET = 60.0  # one warning of a full queue, or of no more threads, speaks for this long
RELIEF = 0.5  # share of its capacity below which a queue that was full counts as relieved
ROOM = 0.9  # a full queue takes jobs again below this share of its capacity


class _Worker:
    """One worker thread and what it does at the moment."""

    __slots__ = ("job", "parked", "service", "since", "warned")

    def __init__(self) -> None:
        self.job: Job | None = None
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
        on_overload: Told True when the queue has become full, and False when half of it is free
            again; it has to be quick.
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
        on_overload: Callable[[bool], object] = lambda _overloaded: None,
    ) -> None:
        self._clock = clock
        self._name = name
        self._resting = min(resting, working)
        self._working = working
        self._capacity = capacity
        self._parking = parking
        self._slow_after = slow_after
        self._on_overload = on_overload
        self._overloaded = False
        self._pause_told = False
        self._lock = threading.Lock()
        # Workers wait in this queue, which is written in C: waking one through a Condition made a
        # busy bot a third slower.
        self._ready: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._room = threading.Condition(self._lock)  # submitters wait here
        self._attention = threading.Condition(self._lock)  # the watch waits here
        self._order = LaneOrder()
        self._workers: list[_Worker] = []
        self._open = 0  # jobs that were made ready and neither ended nor wait in park()
        self._parked = 0
        self._slow = 0  # of the others: who has been told to run for long
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
        job = Job(lane, run)
        if self.queued >= self._capacity:
            self._wait_for_room()
        with self._lock:
            if self._stopping:
                return False
            if self._order.enter(job):
                self._make_ready(job)
        return True

    def _wait_for_room(self) -> None:
        now = self._clock.monotonic()
        if now >= self._quiet_until:
            self._quiet_until = now + OVERLOAD_QUIET
            self._pause_told = True
            logger.warning(
                "%d messages wait for handlers: reading is paused until some are done (nothing is "
                "lost); make handlers faster or run more shards",
                self.queued,
            )
        with self._lock:
            news, self._overloaded = not self._overloaded, True
        if news:
            self._on_overload(True)
        with self._lock:
            self._held_back += 1
            while self.queued > self._capacity * ROOM and not self._stopping:
                self._room.wait()
            self._held_back -= 1

    def _make_ready(self, job: Job) -> None:
        """Let a job run as soon as a worker is free."""
        self._open += 1
        self._ready.put(job)
        if self._short_of_workers:
            if self._unparked < self._resting:
                self._hire()
            elif not self._watch_hurries and self._unparked < self._most:
                self._attention.notify()
        if self._watch_rests:
            self._attention.notify()

    # ------------------------------------------------------------------ workers

    @property
    def _unparked(self) -> int:
        return len(self._workers) - self._parked

    @property
    def _most(self) -> int:
        """How many may work at once: a handler that never ends takes no place from the others."""
        return self._working + min(self._slow, self._parking)

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
        process = os.getpid()
        while self._take(worker):
            job = worker.job
            assert job is not None
            try:
                job.run()
            except BaseException:  # a SystemExit must not silently shrink the pool
                logger.exception("a job raised")
            end_child(process, "a job")
            del job  # an idle worker keeps nothing of its last message alive
            if self._overloaded:
                self._look_for_relief()
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

    def _look_for_relief(self) -> None:
        """Tell when the queue is far from full again; not at once, or it would be told all day."""
        with self._lock:
            relieved = self._overloaded and self.queued <= self._capacity * RELIEF
            if relieved:
                self._overloaded = False
        if relieved:
            self._on_overload(False)
            if self._pause_told:
                self._pause_told = False
                logger.info("messages are handled as they come again")

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
            self._slow -= worker.warned
            lane, worker.job, worker.warned = worker.job.lane, None, False
            if not self._stopping:
                self._leave_lane(lane)
                self._let_in()
            if self._stopping or self._unparked > self._most:  # waiting handlers came back
                self._workers.remove(worker)
                return False
        return True

    def _leave_lane(self, lane: Hashable | None) -> None:
        """Hand the lane to who waits for it."""
        following = self._order.leave(lane)
        if following is not None:
            self._make_ready(following)

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
        coming = Return(None if keep_lane else worker.job.lane)
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

    def _book(self, coming: Return) -> threading.Event:
        """Let a handler stand in line for its lane, if it does not yet; return its turn."""
        with self._lock:
            return self._order.book(coming)

    def _come_back(self, worker: _Worker, coming: Return) -> None:
        self._book(coming).wait()  # set by whoever leaves the lane, or by stop()
        with self._lock:
            self._parked -= 1
            self._open += 1
            worker.parked = False
            worker.since = self._clock.monotonic()

    # ------------------------------------------------------------------ the watch

    def _watch_over(self) -> None:
        """Grow the pool while handlers block, and tell about handlers that never end."""
        blockage = Blockage(self._clock)
        silent_until = self._clock.monotonic()
        while True:
            with self._lock:
                if self._stopping:
                    return
                waiting = self._short_of_workers
                hurry = waiting and self._unparked < self._most
                busy = self._open > 0 or self._parked > 0
                self._watch_hurries, self._watch_rests = hurry, not busy
                self._attention.wait(TICK if hurry else SLOW_TICK if busy else None)
            if blockage.seen(waiting=hurry):
                self._grow()
            now = self._clock.monotonic()
            self._warn_about_slow(now)
            if self._refused is not None and now >= silent_until:
                logger.warning("no more than %d workers can be had: %s", self.size, self._refused)
                self._refused, silent_until = None, now + OVERLOAD_QUIET

    def _grow(self) -> None:
        with self._lock:
            if self._stopping:
                return
            wanted = min(self._open, self._most) - self._unparked
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
                self._slow += 1
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
        return self._order.behind + max(0, self._open - self._unparked)

    @property
    def parked(self) -> int:
        """How many handlers wait in :meth:`park`."""
        return self._parked

    def rests(self, waiting: int) -> bool:
        """Tell whether no job runs or could run, except ``waiting`` ones that sit in ``park``."""
        with self._lock:
            return not self._open and not self._order.behind and self._parked == waiting

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
            left = self._order.close()
            with contextlib.suppress(queue.Empty):
                while True:
                    self._ready.get_nowait()
                    self._open -= 1
                    left += 1
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
