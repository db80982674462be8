"""One handler that waits: for what, and what came. Its Waiters do the waiting."""

from __future__ import annotations

import math
import threading
from collections import deque
from typing import TYPE_CHECKING, Any

from qqgroup_sync.dispatch import in_hand

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from qqgroup_sync.events.models import Event

    Accept = Callable[[Any], Any]

_here = threading.local()  # the waiter whose filter runs in this thread


def anything(_event: Any) -> bool:
    """Accept every event."""
    return True


def judging() -> Waiter | None:
    """Return the waiter whose filter runs in this thread."""
    return getattr(_here, "waiter", None)


class Handing:
    """An event whose receiver still sends his question, and may yet fail."""

    __slots__ = ("decided", "taken")

    def __init__(self) -> None:
        self.decided = threading.Event()
        self.taken = False

    def decide(self, *, taken: bool) -> None:
        """Let who handed it over go on."""
        self.taken = taken
        self.decided.set()


class Waiter:
    """One handler that waits. Its Waiters change it, under their lock.

    Attributes:
        key: For whose events: one waiter per key.
        level: Handlers of this level or a higher one get an event first, unless ``force``.
        force: Whether it comes before every handler.
        keeps: Whether it goes on catching after the first event.
        owner: For whom it catches; later, what it caught last as well.
        closed: Whether it catches no more.
        cancelled: Whether another one took its place, or the client stops.
        lapses_at: When it is closed although nobody said so; while somebody waits, never.
        more: Further keys of which it catches events, and which of them.
        arrived: Set while there is something to look at.
        caught: What came and was not fetched.
        taker: What its handler has in hand; it holds what this one catches as well.
        waits: Whether its handler sits and waits.
        wakes_at: When it waits no longer.
    """

    __slots__ = (
        *("_accept", "arrived", "book", "cancelled", "caught", "closed", "force", "handing"),
        *("keeps", "key", "lapses_at", "level", "more", "outer", "owner", "problem", "taker"),
        *("takes", "waits", "wakes_at"),
    )

    def __init__(
        self,
        key: Hashable,
        accept: Accept = anything,
        *,
        level: int = 0,
        force: bool = False,
        keeps: bool = False,
        owner: tuple[object, ...] = (),
    ) -> None:
        self.key = key
        self.owner = owner
        self.level = level
        self.force = force
        self.keeps = keeps
        self.taker = in_hand.here()
        self.closed = False
        self.cancelled = False
        self.lapses_at = math.inf
        self.more: dict[Hashable, Accept] = {}
        self.arrived = threading.Event()
        self.caught: deque[Event] = deque()
        self.waits = False
        self.wakes_at = math.inf
        self.takes = True  # a single event; then it judges that before it takes another
        self.handing: Handing | None = None
        self.book: Callable[[], object] | None = None  # its handler's way back into the lane
        self.outer: Waiter | None = None  # asks in the middle of whose filter
        self.problem: BaseException | None = None
        self._accept = accept

    def accepts(self, event: Event, key: Hashable = None) -> bool:
        """Ask the filter of a key; whatever it raises is raised."""
        if self.closed:
            return False
        before = judging()
        _here.waiter = self
        try:
            return bool(self.more.get(key, self._accept)(event))
        finally:
            _here.waiter = before

    def change(self, accept: Accept, *, level: int, force: bool) -> None:
        """Wait for something else from now on."""
        self._accept, self.level, self.force = accept, level, force
