"""Runs timed tasks when they are due, never twice at once; knows neither client nor pool.

The triggers are APScheduler's, with their time zones. Its scheduler is not used: it keeps time by
the wall clock alone, collects every missed run in a list, and may spin for ever in the hour that
a clock repeats in autumn (APScheduler issue 1021).
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import math
import threading
import weakref
from functools import partial
from typing import TYPE_CHECKING, Any

from qqgroup_sync.dispatch.due import Calendar, Every, Moment, Time
from qqgroup_sync.dispatch.handlers import tell_dropped
from qqgroup_sync.errors import StateError
from qqgroup_sync.masking import masked_logger
from qqgroup_sync.message.chain import Chain
from qqgroup_sync.message.elements import Element
from qqgroup_sync.runtime.service import Service

if TYPE_CHECKING:
    from collections.abc import Callable

    from qqgroup_sync.dispatch.timed_tasks import Task
    from qqgroup_sync.runtime.clock import Clock, Deadline

logger = masked_logger(__name__)

TICK = 10.0  # longest wait in seconds: how soon a sleep of the machine or a set clock is noticed


# What may have been meant as an answer; what sending returns, as in a lambda, is not.
_ANSWERS = (str, int, float, list, tuple, Chain, Element)

# By which triggers functions have run, in any start of the program's clients.
_ran: weakref.WeakKeyDictionary[Callable[..., Any], set[str]] = weakref.WeakKeyDictionary()


def _note_run(task: Task) -> None:
    if task.each is None:
        with contextlib.suppress(TypeError):  # a callable object may be no key
            _ran.setdefault(task.function, set()).add(_times_of(task))


def _has_run(task: Task) -> bool:
    with contextlib.suppress(TypeError):
        return _times_of(task) in _ran.get(task.function, ())
    return False


def _times_of(task: Task) -> str:
    return repr((task.trigger, task.options, task.timezone))


class _Entry:
    """A task in the schedule."""

    __slots__ = ("due", "order", "removed", "running", "table", "task", "told", "wall")

    def __init__(self, task: Task, order: int) -> None:
        self.task = task
        self.order = order  # decides between equal times
        self.table: Every | Calendar | None = None
        self.wall = task.each is None  # whether ``due`` is Unix time
        self.due: float | None = None
        self.running = False
        self.removed = False
        self.told = False  # whether a skipped run was logged

    def begin(self, now: Moment) -> float | None:
        """Begin to count; return when the first run is due."""
        task = self.task
        if task.each is not None:
            self.table = Every(task.each)
        else:
            self.table = Calendar(task.build(now.wall))
        if task.run_when_added:
            return now.wall if self.wall else now.elapsed
        return self.table.first(now)

    def next_run(self, now: Moment) -> float | None:
        """Return the Unix time of the next run, as far as it is known."""
        if self.due is None or self.wall:
            return self.due
        return now.wall + self.due - now.elapsed


class Schedule:
    """The timed tasks of one start, and the thread that hands them to the pool.

    A run that is due while the one before is still going is left out. What was missed, because
    the machine slept or the pool was full, becomes one run. ``each`` follows the steady clock and
    triggers the wall clock; after either jumped, at most :data:`TICK` seconds pass until that is
    noticed.

    When the pool is full, ``submit`` blocks the schedule's thread, and only this: the tasks that
    become due meanwhile run once each when there is room again. Whoever owns both closes the pool
    before he stops the schedule, so that ``submit`` returns.

    Args:
        clock: Where time comes from.
        submit: Hands a job to the pool; returns False when the pool takes no more, and the run
            is dropped then.
        on_error: Told in the pool what a task raised; the task stays in the schedule.
        arguments: Offered to each task, which takes as many as it has parameters.
        on_death: Told when the thread ends by a bug.
        language: Of error texts.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        submit: Callable[[Callable[[], object]], bool],
        on_error: Callable[[BaseException, Task], None],
        arguments: tuple[Any, ...] = (),
        on_death: Callable[[BaseException], None] | None = None,
        language: str | None = None,
    ) -> None:
        self._clock = clock
        self._submit = submit
        self._on_error = on_error
        self._arguments = arguments
        self._on_death = on_death
        self._language = language
        self._time = Time(clock)
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._order = itertools.count()
        self._entries: dict[_Entry, None] = {}  # in order
        self._heaps: dict[bool, list[tuple[float, int, _Entry]]] = {False: [], True: []}  # by wall
        self._service: Service | None = None
        self._halt = threading.Event()  # set for good by stop()
        self._started = False
        self._handing_out = False

    # ------------------------------------------------------------------ from any thread

    def add(self, task: Task) -> None:
        """Take a task that is not there yet; it counts from now, or from the start.

        Ignored after :meth:`stop`.
        """
        entry = _Entry(task, next(self._order))
        with self._lock:
            if self._halt.is_set() or any(one.task is task for one in self._entries):
                return
            self._entries[entry] = None
            started = self._started
        if started:
            self._begin(entry)

    def remove(self, which: str | Task) -> int:
        """Remove every task of a tag, or one task; return how many.

        A run under way ends by itself, one that still waits for a worker does not begin.
        """
        with self._lock:
            gone = [one for one in self._entries if which == one.task.tag or which is one.task]
            for entry in gone:
                entry.removed = True
                del self._entries[entry]
            if gone:
                for heap in self._heaps.values():
                    heap[:] = [item for item in heap if not item[2].removed]
                    heapq.heapify(heap)
        return len(gone)

    @property
    def tasks(self) -> list[tuple[Task, float | None]]:
        """Every task and the Unix time of its next run; None before the start."""
        now = self._time.now()
        with self._lock:
            return [(one.task, one.next_run(now)) for one in self._entries]

    @property
    def rests(self) -> bool:
        """Whether no task is due that was not handed to the pool."""
        if self._halt.is_set() or self._service is None:
            return True
        pause = self._pause()
        return not self._handing_out and (pause is None or pause > 0)

    def start(self) -> None:
        """Begin to count; the thread starts when there is a task.

        Raises:
            StateError: It was started before; every start of the bot has its own schedule.
        """
        with self._lock:
            if self._started or self._halt.is_set():
                raise StateError("this schedule was started before", language=self._language)
            self._started = True
            waiting = list(self._entries)
        for entry in waiting:
            self._begin(entry)

    def stop(self, deadline: Deadline) -> list[str]:
        """Begin no more runs; return the name of the thread if it did not end."""
        with self._lock:
            self._halt.set()
            self._entries.clear()
            for heap in self._heaps.values():
                heap.clear()
            service = self._service
        self._wake.set()
        if service is None or service.stop(deadline):
            return []
        return [service.name]

    # ------------------------------------------------------------------ planning

    def _begin(self, entry: _Entry) -> None:
        now = self._time.now()
        self._plan(entry, partial(entry.begin, now))

    def _plan(self, entry: _Entry, find: Callable[[], float | None]) -> None:
        """Find out when a task is due next, without the lock, and note it."""
        try:
            due = find()
        except Exception as error:  # a trigger may be the user's own code
            self._drop(entry)
            self._submit(partial(self._report, error, entry.task))
            return
        if due is None:
            if entry.due is None and not _has_run(entry.task):
                logger.warning("timed task %s is never due: its time has passed", entry.task.name)
            self._drop(entry)
            return
        with self._lock:
            if entry.removed or self._halt.is_set():
                return
            heap = self._heaps[entry.wall]
            sooner = not heap or due < heap[0][0]
            entry.due = due
            heapq.heappush(heap, (due, entry.order, entry))
            if self._service is None:
                service = Service(
                    "qqgroup-schedule", self._live, wake=self._wake.set, on_death=self._on_death
                )
                service.start()
                self._service = service
        if sooner:
            self._wake.set()

    def _drop(self, entry: _Entry) -> None:
        with self._lock:
            self._entries.pop(entry, None)

    # ------------------------------------------------------------------ the thread

    def _live(self) -> None:
        while True:
            self._handing_out = True
            self._wake.clear()
            if self._halt.is_set():
                return
            now = self._time.now()
            if seconds := self._time.take_set_back():
                self._replan(seconds, now)
            for entry, due in self._take_due(now):
                if self._halt.is_set():
                    return
                self._run_due(entry, due)
            self._handing_out = False
            self._clock.wait(self._wake, self._pause())

    def _replan(self, seconds: float, now: Moment) -> None:
        """Look again at what follows the wall clock, which was set back."""
        with self._lock:
            taken = [(entry, due) for due, _, entry in self._heaps[True]]
            self._heaps[True].clear()
        if taken:
            logger.info("the clock was set back by %.0f s", seconds)
        for entry, due in taken:
            table = entry.table
            assert isinstance(table, Calendar)
            self._plan(entry, partial(table.set_back, due, seconds, now))

    def _take_due(self, now: Moment) -> list[tuple[_Entry, float]]:
        due: list[tuple[_Entry, float]] = []
        with self._lock:
            for wall, heap in self._heaps.items():
                limit = now.wall if wall else now.elapsed
                while heap and heap[0][0] <= limit:
                    moment, _, entry = heapq.heappop(heap)
                    due.append((entry, moment))
        return due

    def _pause(self) -> float | None:
        """Return how long to wait; for ever when nothing is planned."""
        now = self._time.now()
        with self._lock:
            left = [
                heap[0][0] - (now.wall if wall else now.elapsed)
                for wall, heap in self._heaps.items()
                if heap
            ]
        tick = TICK if self._clock.may_jump else math.inf
        return max(0.0, min(tick, *left)) if left else None

    def _run_due(self, entry: _Entry, due: float) -> None:
        now = self._time.now()
        task = entry.task
        late = (now.wall if entry.wall else now.elapsed) - due
        if entry.running:
            if not entry.told:
                entry.told = True
                logger.info(
                    "timed task %s still runs when the next run is due: left out", task.name
                )
        elif task.misfire_grace_time is not None and late > task.misfire_grace_time:
            logger.info("timed task %s: left out, %.0f s too late", task.name, late)
        else:
            entry.running = True
            if not self._submit(partial(self._run, entry)):
                entry.running = False
        table = entry.table
        assert table is not None
        now = self._time.now()  # submit may have blocked
        self._plan(entry, partial(table.after, due, now))

    # ------------------------------------------------------------------ in the pool

    def _run(self, entry: _Entry) -> None:
        try:
            if not (entry.removed or self._halt.is_set()):
                _note_run(entry.task)
                said = entry.task.call(*self._arguments)
                if isinstance(said, _ANSWERS) and not isinstance(said, bool):
                    tell_dropped(
                        entry.task.function,
                        said,
                        "a timed task answers nobody; take the client and send with it",
                    )
        except BaseException as error:  # a task that calls exit() ends itself, not its worker
            self._report(error, entry.task)
        finally:
            entry.running = False

    def _report(self, error: BaseException, task: Task) -> None:
        try:
            self._on_error(error, task)
        except BaseException:  # see _run
            logger.exception("telling about an error of timed task %s failed", task.name)
