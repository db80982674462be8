"""The lists in which a registry keeps things, and which notebook cell put them there."""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING, Any

from qqgroup_sync.dispatch.ledger import Ledger, without
from qqgroup_sync.runtime import cells

if TYPE_CHECKING:
    from qqgroup_sync.dispatch.ledger import Place
    from qqgroup_sync.runtime.cells import Cell

MESSAGE = "message"

_in_cells: weakref.WeakSet[Keeping] = weakref.WeakSet()  # those that cells have put things into


class Keeping:
    """Keeps things in lists; safe from any thread.

    Args:
        own: Its attributes are the lists: tuples, or dicts of tuples, replaced and never changed.
    """

    def __init__(self, own: Any) -> None:
        self.own = own
        self._registering = threading.Lock()
        self._ledger = Ledger()

    def keep(self, place: Place, thing: Any, *, once: bool = False) -> bool:
        """Put a thing into a list; every registration comes by here.

        In a notebook it takes the place of what the same cell put there when it ran before. A
        script never replaces anything.

        Args:
            place: Which list.
            thing: What is put there.
            once: Whether a thing that is there already is not put there a second time.

        Returns:
            Whether it was put there.
        """
        cell = cells.running()
        taken = None
        with self._registering:
            things = self._things(place)
            known = once and thing in things
            if cell is not None:
                last = place == ("handlers", MESSAGE)
                things, taken = self._ledger.put(place, things, thing, cell, asked_last=last)
            elif not known:
                things = (*things, thing)
            self._set_things(place, things)
        if taken is not None:
            self._dropped(place, taken)
        if cell is not None:
            _in_cells.add(self)
            cells.when_done(_settle_all)
        return not known

    def settle(self, cell: Cell | None = None) -> None:
        """Drop what earlier runs of a cell registered and this run has not replaced.

        Args:
            cell: By default the running one; outside of cells nothing happens.
        """
        cell = cell or cells.running()
        if cell is None:
            return
        with self._registering:
            gone = self._ledger.settle(cell)
            for place, thing in gone:
                self._set_things(place, without(self._things(place), thing))
        for place, thing in gone:
            self._dropped(place, thing)

    def order_of(self, cell: Cell) -> int | None:
        """Return the order of a cell's handlers; None when it has none so far."""
        with self._registering:
            return self._ledger.order(cell)

    def _things(self, place: Place) -> tuple[Any, ...]:
        name, key = place
        held = getattr(self.own, name)
        things: tuple[Any, ...] = held.get(key, ()) if isinstance(held, dict) else held
        return things

    def _set_things(self, place: Place, things: tuple[Any, ...]) -> None:
        name, key = place
        held = getattr(self.own, name)
        if isinstance(held, dict):
            held[key] = things
        else:
            setattr(self.own, name, things)
        self._changed()

    def _changed(self) -> None:
        """Note that a list was replaced; the lock is held."""

    def _dropped(self, place: Place, thing: Any) -> None:
        """Tell who has to know that a thing is in its list no more."""


def _settle_all(cell: Cell, succeeded: bool) -> None:
    for one in list(_in_cells) if succeeded else ():
        one.settle(cell)
