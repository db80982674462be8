"""Which notebook cell registered what, so that running the cell again replaces it.

What a run registers takes the place of what the run before had registered there, one for one, in
the same step: a cell that is run again unchanged leaves no moment without its handlers, and none
with two. What is left over goes when the cell ends, or as soon as it begins to wait for the bot;
when the cell fails, it stays until a run succeeds.

Handlers of messages need more care, for an edit may have changed their number and order: all of
the run before are asked last, and only for messages that nobody else wants, until they go.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from qqgroup_sync.dispatch.handlers import LEAVING, Handler

if TYPE_CHECKING:
    from collections.abc import Iterable

    from qqgroup_sync.runtime.cells import Cell

Place = tuple[str, str]  # which list: "handlers" of an event's name, "commands", ...
Things = tuple[Any, ...]


@dataclass(slots=True)
class _Entry:
    """A thing that a cell put somewhere."""

    place: Place
    thing: Any
    run: str


class Ledger:
    """What each cell has put into the lists of one registry; the registry's lock guards it."""

    def __init__(self) -> None:
        self._entries: dict[str, list[_Entry]] = {}

    def order(self, cell: Cell) -> int | None:
        """Return the order of a cell's handlers: running it again does not move them back."""
        things = (entry.thing for entry in self._entries.get(cell.key, ()))
        return next((thing.order for thing in things if isinstance(thing, Handler)), None)

    def put(
        self, place: Place, things: Things, new: Any, cell: Cell, *, asked_last: bool
    ) -> tuple[Things, Any]:
        """Put a thing into a list.

        Args:
            place: The list.
            things: What is in it.
            new: The thing; it may be in there already.
            cell: Who puts it there.
            asked_last: Whether the things of the run before stay until :meth:`settle`, to be
                asked last.

        Returns:
            The list as it is now, and the thing whose place was taken, if any.
        """
        entries = self._entries.setdefault(cell.key, [])
        old = [entry for entry in entries if entry.place == place and entry.run != cell.run]
        taken = None
        if any(one is new for one in things):
            entries[:] = [entry for entry in entries if entry.thing is not new]
        elif asked_last:
            things = (*_leaving(things, old), new)
        else:
            taken = next((one for one in old if _is_in(one.thing, things)), None)
            if taken is not None:
                entries.remove(taken)
            things = _swapped(things, taken, new)
        entries.append(_Entry(place, new, cell.run))
        return things, taken.thing if taken is not None else None

    def settle(self, cell: Cell) -> list[tuple[Place, Any]]:
        """Forget and return what the cell's earlier runs left."""
        entries = self._entries.get(cell.key, [])
        old = [entry for entry in entries if entry.run != cell.run]
        if old:
            self._entries[cell.key] = [entry for entry in entries if entry.run == cell.run]
        held = [entry.thing for entries in self._entries.values() for entry in entries]
        return [(entry.place, entry.thing) for entry in old if not _is_in(entry.thing, held)]


def without(things: Things, gone: Any) -> Things:
    """Return a list without one thing."""
    return tuple(one for one in things if one is not gone)


def _is_in(thing: Any, things: Iterable[Any]) -> bool:
    return any(one is thing for one in things)


def _swapped(things: Things, taken: _Entry | None, new: Any) -> Things:
    if taken is None:
        return (*things, new)
    index = next(index for index, one in enumerate(things) if one is taken.thing)
    return (*things[:index], new, *things[index + 1 :])


def _leaving(things: Things, old: list[_Entry]) -> Things:
    """Return the handlers with those of the run before asked last."""
    for entry in old:
        if entry.thing.level != LEAVING:
            last = replace(entry.thing, level=LEAVING)
            things = tuple(last if one is entry.thing else one for one in things)
            entry.thing = last
    return things
