"""Where events enter: the repeated are dropped, the others get a lane, and what is done is known.

Source: event pages, 2026-08: the same event may be delivered more than once; a resumed session
replays what came after the ``s`` that Resume names.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from hashlib import blake2b
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any, NamedTuple

from qqgroup_sync.dispatch.in_hand import InHand
from qqgroup_sync.events.models import Message
from qqgroup_sync.events.parse import dedupe_key
from qqgroup_sync.runtime.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable
    from contextlib import AbstractContextManager

    from qqgroup_sync.events.models import Event
    from qqgroup_sync.runtime.clock import Clock
    from qqgroup_sync.runtime.lanes import LanePool
    from qqgroup_sync.settings import Ordering

logger = logging.getLogger(__name__)

Key = int  # what is remembered of an id, see fingerprint

REMEMBERED = 50_000  # ids of handled events, at most
MOST_ABOVE = 50_000  # handled events for which one that is not handled yet is waited for
GENERATIONS = 4
GENERATION_LIFE = 300.0  # seconds; an id is remembered for 15 to 20 minutes while there is room
ALONE_PATIENCE = 5.0  # seconds: how long an event that has to be handled alone waits for others


def fingerprint(event: Event) -> Key | None:
    """Return 64 bits that stand for the event's id, in every process; None without an id.

    50 000 ids then take 3 MB instead of 10, and do not keep scattered memory alive. A new
    message is taken for a remembered one about once in 10 ** 14 times.
    """
    key = dedupe_key(event)
    if key is None:
        return None
    text = f"{key[0]}\n{key[1]}".encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big", signed=True)


class Position(NamedTuple):
    """A place in a session's stream of events."""

    session_id: str
    s: int | None


class LowWaterMark:
    """The highest ``s`` of one session up to which every event was handled."""

    def __init__(self, session_id: str, s: int | None) -> None:
        self.session_id = session_id
        self.s = s
        self._keys: dict[int, Key | None] = {}
        self._open: list[int] = []  # a heap: events may come out of order
        self._done: set[int] = set()

    def begin(self, s: int | None, key: Key | None) -> bool:
        """Note an event that came in; return whether its ``s`` is not open already."""
        if s is None or s in self._keys:
            return False
        self._keys[s] = key
        heappush(self._open, s)
        return True

    @property
    def position(self) -> Position:
        """Where to resume: before what is unfinished, also when it came late."""
        s = self.s
        if s is not None and self._open:
            s = min(s, self._open[0] - 1)
        return Position(self.session_id, s)

    def finish(self, s: int | None) -> list[Key]:
        """Note an event that was handled; return the keys that the mark has passed.

        An event that is not handled while so many others are is passed as well, or memory would
        grow for as long as its handler runs.
        """
        passed: list[Key] = []
        if s is None or s not in self._keys:
            return passed
        self._done.add(s)
        if len(self._done) > MOST_ABOVE:  # a handler that never ends
            self._done.add(self._open[0])
        while self._open and self._open[0] in self._done:
            first = heappop(self._open)
            self._done.remove(first)
            key = self._keys.pop(first)
            self.s = max(self.s or 0, first)
            if key is not None:
                passed.append(key)
        return passed


class Seen:
    """Remembers events by id: those above the mark always, older ones for a while.

    Old ids lie in generations. When the youngest is full or old enough the oldest is dropped and
    a new one begun: memory stays flat, and nothing has to be sorted or swept. Not thread-safe:
    its Intake holds a lock.
    """

    def __init__(self, clock: Clock, handled: Collection[Key] = ()) -> None:
        self._clock = clock
        self._above: dict[Key, bool] = {}  # in flight (False) or handled above the mark (True)
        self._below: deque[set[Key]] = deque([set(handled), set()], maxlen=GENERATIONS)
        self._turns_at = clock.monotonic() + GENERATION_LIFE

    def claim(self, key: Key) -> bool:
        """Return whether the event is new, and remember it as in flight."""
        if self.knows(key):
            return False
        self._above[key] = False
        return True

    def knows(self, key: Key) -> bool:
        """Tell whether an event is remembered."""
        return key in self._above or any(key in generation for generation in self._below)

    def finish(self, key: Key | None, passed: list[Key]) -> None:
        """Note an event as handled, and those that the mark has passed as old."""
        if key is not None and key in self._above:
            self._above[key] = True
        for old in passed:
            if self._above.pop(old, None) is not None:
                self._below[-1].add(old)
        now = self._clock.monotonic()
        if len(self._below[-1]) >= REMEMBERED // GENERATIONS or now >= self._turns_at:
            self._below.append(set())
            self._turns_at = now + GENERATION_LIFE

    def recall(self, key: Key) -> bool:
        """Return whether an event that came again is an old one; then it counts as above the mark.

        Old ones are forgotten in time, but what lies above the mark may be replayed once more.
        """
        if key in self._above:
            return False
        self._above[key] = True
        return True

    def learn(self, keys: Collection[Key]) -> None:
        """Remember events that were handled before."""
        self._below[0].update(keys)

    def release(self, key: Key | None) -> None:
        """Forget an event that was not handled after all."""
        if key is not None and self._above.get(key) is False:
            del self._above[key]

    def handled(self) -> set[Key]:
        """Return what a next start has to know: everything that was handled."""
        above = {key for key, done in self._above.items() if done}
        return above.union(*self._below)


class Intake:
    """Takes events of all shards; called from their gateway threads.

    Args:
        pool: Runs the handlers.
        handle: Gives an event to its handlers; runs in a worker.
        clock: Where time comes from.
        ordering: ``sender`` keeps the order per person and conversation, ``group`` per
            conversation, None keeps none.
        ignore_bots: Drop messages that bots wrote.
        handled: Ids that an earlier start has handled.
        ready: Called before an event is taken in hand; blocks until it can be answered.
        suspects: Tells whether an event has to be handled with no other one in hand.
        admit: Asked before an event is handled, with its id; False drops it.
        note: Told about each event that was handled: its shard, up to where everything was
            handled there, its id, and its own ``s``.
    """

    def __init__(
        self,
        pool: LanePool,
        handle: Callable[[Event], None],
        clock: Clock,
        *,
        ordering: Ordering = "sender",
        ignore_bots: bool = True,
        handled: Collection[Key] = (),
        ready: Callable[[], object] | None = None,
        suspects: Callable[[Key], bool] = lambda _key: False,
        admit: Callable[[Event, Key], bool] | None = None,
        note: Callable[[int, Position, Key | None, int | None], object] | None = None,
    ) -> None:
        self._ready = ready
        self._suspects = suspects
        self._turns = Turns(clock, ALONE_PATIENCE)
        self._admit = admit
        self._note = note
        self._pool = pool
        self._handle = handle
        self._ordering = ordering
        self._ignore_bots = ignore_bots
        self._lock = threading.Lock()  # over marks, ids and counters: taken twice per event
        self._seen = Seen(clock, handled)
        self._marks: dict[int, LowWaterMark] = {}
        self._closed = False
        self._counted = {"received": 0, "repeated": 0, "ignored": 0, "handled": 0}

    def begin_session(self, shard: int, session_id: str, s: int | None) -> None:
        """Note which session a shard is in; ``s`` counts as handled."""
        with self._lock:
            mark = self._marks.get(shard)
            if mark is None or mark.session_id != session_id:
                self._marks[shard] = LowWaterMark(session_id, s)

    def is_new(self, event: Event) -> bool:
        """Tell whether an event has not come before."""
        key = fingerprint(event)
        with self._lock:
            return key is None or not self._seen.knows(key)

    def accept(self, shard: int, s: int | None, event: Event) -> None:
        """Queue an event for its handlers, or drop it; blocks while the queue is full."""
        key = fingerprint(event)
        with self._lock:
            self._counted["received"] += 1
            mark = self._marks.get(shard)
            if mark is None:  # an event before READY: no session to resume, but nothing is lost
                mark = self._marks[shard] = LowWaterMark("", None)
            repeated = key is not None and not self._seen.claim(key)
            if repeated and key is not None and not self._seen.recall(key):
                key = None  # whoever came first remembers it
            if not mark.begin(s, key):
                s = None  # the same number again: whoever has it open finishes it
        if repeated or (isinstance(event, Message) and self._unwanted(event)):
            self._finish(shard, mark, s, key, count="repeated" if repeated else "ignored")
            return

        def run() -> None:
            taken = InHand(lambda: self._finish(shard, mark, s, key, count="handled"), key)
            if self._admit is None or key is None:
                with taken:
                    self._handle(event)
            elif not self._handle_noted(event, key, self._admit, taken):
                self._leave(key)

        if not self._pool.submit(self._lane(event), run):
            self._leave(key)

    def _handle_noted(
        self, event: Event, key: Key, admit: Callable[[Event, Key], bool], taken: InHand
    ) -> bool:
        """Handle an event when its turn has come; what is in hand when the process dies is known.

        A suspect has its turn in the worker and not in the reader: handlers may wait for what
        the reader brings.

        Returns:
            False when the end came first: it was not begun.
        """
        if self._ready is not None:
            self._ready()
        turn = self._turns.alone() if self._suspects(key) else self._turns.beside_others()
        with turn as begins:
            if begins:
                with taken:
                    if admit(event, key):
                        self._handle(event)
        return begins

    def _leave(self, key: Key | None) -> None:
        """Leave an event to the next start, to which the platform replays it."""
        with self._lock:
            self._seen.release(key)

    def _finish(
        self, shard: int, mark: LowWaterMark, s: int | None, key: Key | None, *, count: str
    ) -> None:
        with self._lock:
            if self._closed:
                return
            self._counted[count] += 1
            passed = mark.finish(s)
            if s is None and key is not None:
                passed = [key]
            self._seen.finish(key, passed)
            position = mark.position
        if self._note is not None:
            self._note(shard, position, key, s)

    def aside(self) -> AbstractContextManager[None]:
        """Let suspects have their turn while the calling handler waits for an answer."""
        return self._turns.aside()

    def halt(self) -> None:
        """Begin nothing more of what waits; called before anything lets it go on."""
        self._turns.close()

    def close(self) -> None:
        """Take nothing more for handled: what a handler answers from now on is not sent."""
        with self._lock:
            self._closed = True

    def remember(self, handled: Collection[Key]) -> None:
        """Take over what an earlier process has handled."""
        with self._lock:
            self._seen.learn(handled)

    def _unwanted(self, message: Message) -> bool:
        return message.is_own or (self._ignore_bots and message.author.is_bot)

    def _lane(self, event: Event) -> Hashable | None:
        place = event.conversation
        if self._ordering is None or place is None:
            return None
        return place if self._ordering == "group" else (place, event.sender)

    # ------------------------------------------------------------------ for the next start

    def positions(self) -> dict[int, Position]:
        """Return per shard up to where everything was handled."""
        with self._lock:
            return {shard: mark.position for shard, mark in self._marks.items()}

    def handled(self) -> set[Key]:
        """Return the ids that were handled."""
        with self._lock:
            return self._seen.handled()

    def counters(self) -> dict[str, Any]:
        """Return how many events came, were repeated, ignored and handled."""
        return dict(self._counted)
