"""Who waits for which message: handlers in the middle of a dialogue. Knows no words of it."""

from __future__ import annotations

import contextlib
import math
import threading
from typing import TYPE_CHECKING, Any

from qqgroup_sync.dispatch import in_hand
from qqgroup_sync.dispatch.waiter import Handing, Waiter, anything, judging
from qqgroup_sync.errors import WaitCancelled

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator
    from contextlib import AbstractContextManager

    from qqgroup_sync.dispatch.in_hand import InHand
    from qqgroup_sync.dispatch.waiter import Accept
    from qqgroup_sync.events.models import Event
    from qqgroup_sync.runtime.clock import Clock

__all__ = ["Waiter", "Waiters"]

OVERTAKEN = 600.0  # seconds in which a handler may find out that its channel was overtaken


class Waiters:
    """Everybody who waits in one start of a client; safe from any thread.

    Args:
        clock: Where time comes from.
        park: Gives a handler's lane and place back while it waits. It may yield a function that
            books the lane for the handler's return: then what a person says next comes after
            what the handler does with his answer, however slowly its thread wakes.
    """

    def __init__(self, clock: Clock, park: Callable[[], AbstractContextManager[Any]]) -> None:
        self._clock = clock
        self._park = park
        self._lock = threading.Lock()
        self._waiting: dict[Hashable, Waiter] = {}
        self._channels: list[Waiter] = []  # of handlers that may ask for more of them
        self._watching: list[Waiter] = []  # for wait_for: they take nothing away
        self._ended = False

    # ------------------------------------------------------------------ waiting

    @contextlib.contextmanager
    def waiting(
        self, key: Hashable, accept: Accept = anything, *, level: int = 0, force: bool = False
    ) -> Iterator[Waiter]:
        """Catch events for a key inside the block; whoever waited for it before is cancelled."""
        waiter = Waiter(key, accept, level=level, force=force)
        self._enter(waiter)
        try:
            yield waiter
        finally:
            self.leave(waiter)

    @contextlib.contextmanager
    def watching(self, accept: Accept) -> Iterator[Waiter]:
        """See events inside the block, without taking them away from anybody."""
        waiter = Waiter(None, accept)
        with self._lock:
            self._refuse_after_the_end()
            self._watching.append(waiter)
        try:
            yield waiter
        finally:
            self.leave(waiter)

    def channel(
        self,
        key: Hashable,
        accept: Accept = anything,
        *,
        owner: object,
        level: int = 0,
        force: bool = False,
        clean: bool = True,
    ) -> Waiter:
        """Return who catches for a key until it is closed, lapses or is overtaken.

        Args:
            key: For whose events.
            accept: Which of them.
            owner: The message for whose handler it catches, or one that it has caught last: with
                the same owner it is the same one as before.
            level: See :class:`Waiter`.
            force: See :class:`Waiter`.
            clean: Drop what came and was not fetched.

        Raises:
            WaitCancelled: Another one took the place of the owner's, or the client stops.
        """
        with self._lock:
            self._sweep()
            known = [one for one in self._channels if any(item is owner for item in one.owner)]
            waiter = known[0] if known else None
            if waiter is not None and waiter.cancelled:
                self._channels.remove(waiter)
                raise _overtaken()
            if waiter is not None:
                waiter.change(accept, level=level, force=force)
                waiter.lapses_at = math.inf
                if clean:
                    waiter.caught.clear()
                    waiter.arrived.clear()
        if waiter is None:
            waiter = Waiter(key, accept, level=level, force=force, keeps=True, owner=(owner,))
            self._enter(waiter)
        return waiter

    def also(self, waiter: Waiter, key: Hashable, accept: Accept) -> None:
        """Let a waiter catch the events of a second key, too, as long as it waits."""
        with self._lock:
            if not waiter.closed:
                self._waiting[key] = waiter
                waiter.more[key] = accept

    def go_on(self, waiter: Waiter) -> None:
        """Let a waiter take another event: what it got did not fit."""
        with self._lock:
            waiter.takes = True

    def leave(self, waiter: Waiter) -> None:
        """Catch no more; idempotent. An event that nobody fetched goes to the handlers."""
        with self._lock:
            self._remove(waiter)
            if waiter.handing is not None:
                waiter.handing.decide(taken=False)
                waiter.handing = None
                waiter.caught.clear()
            outer = waiter.outer
            if outer is not None and not outer.closed and outer.key not in self._waiting:
                self._waiting[outer.key] = outer

    def close_channels_of(self, holder: InHand | None) -> None:
        """Close what a handler left open that has ended: nobody fetches what they catch.

        Args:
            holder: What it had in hand. Who waits for one in another thread goes on.
        """
        if holder is None:
            return
        with self._lock:
            for one in [one for one in self._channels if one.taker is holder and not one.waits]:
                self._forget(one)

    def wait(self, waiter: Waiter, timeout: float | None) -> Any:
        """Return the next event that a waiter caught; None when none came in time.

        Who waited in vain has left in the same moment: a message either came before, and is
        returned, or finds nobody waiting.

        Raises:
            WaitCancelled: Another question took its place, or the client stops.
            Exception: What the filter of a watcher raised.
        """
        with self._lock:
            waiter.takes = True
            if waiter.caught or waiter.closed:
                return self._outcome(waiter, timeout)
        with self._park() as book:
            with self._lock:
                waiter.waits, waiter.book = True, book
                waiter.wakes_at = math.inf if timeout is None else self._clock.monotonic() + timeout
            self._clock.wait(waiter.arrived, timeout)
            with self._lock:
                waiter.waits, waiter.book = False, None
                return self._outcome(waiter, timeout)

    def _outcome(self, waiter: Waiter, timeout: float | None) -> Any:
        """Return what a wait came to; under the lock."""
        if waiter.caught:  # also one that came in the last moment
            event = waiter.caught.popleft()
            waiter.takes = waiter.keeps
            if not waiter.caught and not waiter.closed:
                waiter.arrived.clear()
            if waiter.handing is not None:
                waiter.handing.decide(taken=True)
                waiter.handing = None
            if waiter.keeps:
                waiter.owner = (waiter.owner[0], event)
                life = math.inf if timeout is None else timeout
                waiter.lapses_at = self._clock.monotonic() + life
            return event
        self._remove(waiter)
        if waiter.problem is not None:
            raise waiter.problem
        if waiter.cancelled:
            with contextlib.suppress(ValueError):
                self._channels.remove(waiter)
            raise _overtaken()
        return None

    # ------------------------------------------------------------------ what comes in

    def of(self, *keys: Hashable) -> list[Waiter]:
        """Return who waits for one of the keys."""
        if not self._waiting:
            return []
        with self._lock:
            found = [waiter for key in keys if (waiter := self._waiting.get(key)) is not None]
            for waiter in found:
                self._let_lapse(waiter)
            return [waiter for waiter in found if not waiter.closed]

    def hand_over(self, waiter: Waiter, event: Event) -> bool:
        """Give an event to a waiter; False when it is too late for it.

        Blocks while the waiter still sends its question: only then it is known whether the event
        is the answer, or goes to the handlers because the question failed.
        """
        with self._lock:
            if not self._give(waiter, event):
                return False
            mine = in_hand.here()
            if mine is not None and waiter.taker is not None:
                waiter.taker.take(mine)
            if waiter.book is not None:
                waiter.book()
            if waiter.keeps or waiter.waits:
                return True
            handing = waiter.handing = Handing()
        handing.decided.wait()  # by its wait() or its leave(); one of them always comes
        return handing.taken

    def _give(self, waiter: Waiter, event: Event) -> bool:
        if waiter.closed or not waiter.takes:
            return False
        waiter.takes = waiter.keeps
        waiter.caught.append(event)
        waiter.arrived.set()
        return True

    def show(self, event: Event) -> None:
        """Let everybody see an event who only watches; a filter that raises ends its own watch."""
        for waiter in list(self._watching):
            try:
                wanted = waiter.problem is None and waiter.accepts(event)
            except BaseException as error:  # raised where its user waits
                waiter.problem, wanted = error, False
                waiter.arrived.set()
            if wanted:
                with self._lock:
                    self._give(waiter, event)

    @property
    def resting(self) -> int:
        """How many handlers sit and wait; one that has something to look at does not count."""
        now = self._clock.monotonic()
        with self._lock:
            return sum(
                one.waits
                and one.book is not None
                and not one.arrived.is_set()
                and now < one.wakes_at
                for one in {*self._waiting.values(), *self._channels, *self._watching}
            )

    @property
    def watched(self) -> bool:
        """Whether anybody watches."""
        return bool(self._watching)

    @property
    def has_channels(self) -> bool:
        """Whether a channel is open, of whatever handler."""
        return bool(self._channels)

    # ------------------------------------------------------------------ ending

    def cancel(self, waiter: Waiter) -> None:
        """Let a waiter end because something else was said."""
        with self._lock:
            self._cancel(waiter)

    def close(self) -> None:
        """Cancel everybody; nobody waits any more."""
        with self._lock:
            self._ended = True
            for waiter in [*self._waiting.values(), *self._channels, *self._watching]:
                self._cancel(waiter)
            self._channels.clear()

    def __len__(self) -> int:
        return len(self._waiting) + len(self._channels) + len(self._watching)

    # ------------------------------------------------------------------ under the lock

    def _enter(self, waiter: Waiter) -> None:
        with self._lock:
            self._refuse_after_the_end()
            before = self._waiting.get(waiter.key)
            if before is not None and before is judging():
                waiter.outer = before  # its filter asks something: it goes on afterwards
            elif before is not None:
                self._cancel(before)
            self._waiting[waiter.key] = waiter
            if waiter.keeps:
                self._channels.append(waiter)

    def _cancel(self, waiter: Waiter) -> None:
        if not waiter.closed:
            waiter.cancelled = True
            waiter.lapses_at = min(waiter.lapses_at, self._clock.monotonic() + OVERTAKEN)
            self._remove(waiter)
        if waiter.outer is not None:
            self._cancel(waiter.outer)

    def _remove(self, waiter: Waiter) -> None:
        waiter.closed = True
        for key in (waiter.key, *waiter.more):
            if self._waiting.get(key) is waiter:
                del self._waiting[key]
        if waiter.keeps and not waiter.cancelled and waiter in self._channels:
            self._channels.remove(waiter)
        if waiter in self._watching:
            self._watching.remove(waiter)
        waiter.arrived.set()

    def _let_lapse(self, waiter: Waiter) -> None:
        if not waiter.waits and self._clock.monotonic() >= waiter.lapses_at:
            self._remove(waiter)

    def _sweep(self) -> None:
        now = self._clock.monotonic()
        for waiter in [one for one in self._channels if not one.waits and now >= one.lapses_at]:
            self._forget(waiter)

    def _forget(self, waiter: Waiter) -> None:
        """Remove a channel, also one that was overtaken and whose handler does not know it."""
        self._remove(waiter)
        if waiter in self._channels:
            self._channels.remove(waiter)

    def _refuse_after_the_end(self) -> None:
        if self._ended:
            raise WaitCancelled("the client stops: nobody waits any more")


def _overtaken() -> WaitCancelled:
    return WaitCancelled("another question took the place of this one, or the client stops")
