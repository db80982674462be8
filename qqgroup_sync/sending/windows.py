"""The turns under one rate: moments that calls have reserved, in order of time.

A call may reserve a moment far ahead, because another rate lets it go no sooner. The moments
before it stay free for the others.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from qqgroup_sync.rates import Rate

MARGIN = 1.0  # second by which windows are longer, and at most a twentieth: the way varies


class Window:
    """The turns under one rate. Not thread-safe: its owner holds a lock.

    Args:
        name: What is limited, for people.
        rate: How much.

    Attributes:
        held_until: No new turn begins before; the platform asked for a pause.
    """

    __slots__ = ("_most", "_span", "_turns", "held_until", "name", "rate")

    def __init__(self, name: str, rate: Rate) -> None:
        self.name = name
        self.rate = rate
        self.held_until = float("-inf")
        self._most = rate.most
        self._span = rate.seconds + min(MARGIN, rate.seconds / 20)
        self._turns: list[float] = []

    def free_at(self, moment: float) -> float:
        """Return when the next turn can be; ``moment`` when it is free itself."""
        moment = max(moment, self.held_until)
        if len(self._turns) < self._most:
            return moment
        while (later := self._blocked_until(moment)) > moment:
            moment = later
        return moment

    def _blocked_until(self, moment: float) -> float:
        """Return the end of what keeps a turn from being at a moment; the moment if nothing."""
        turns, most, span = self._turns, self._most, self._span
        place = bisect_right(turns, moment)
        # With the new turn no run of one turn more than the rate may lie within the span.
        for last in range(max(place, most), min(place + most, len(turns)) + 1):
            first = last - most
            begins = moment if first == place else turns[first]
            ends = moment if last == place else turns[last - 1]
            if ends < begins + span:
                return turns[first] + span
        return moment

    def take(self, moment: float, now: float) -> None:
        """Reserve a turn, and forget those that count no more."""
        turns = self._turns
        if turns and turns[0] < now - self._span:
            del turns[: bisect_left(turns, now - self._span)]
        if not turns or turns[-1] <= moment:
            turns.append(moment)
        else:
            insort(turns, moment)

    def give_back(self, moment: float) -> None:
        """Free a turn that is not used."""
        place = bisect_left(self._turns, moment)
        if self._turns[place : place + 1] == [moment]:
            del self._turns[place]

    def is_idle(self, now: float) -> bool:
        """Return whether no turn counts any more."""
        return not self._turns or now - self._turns[-1] > self._span


def free_in_all(windows: Iterable[Window], moment: float) -> float:
    """Return when the next turn can be that fits into each of some windows."""
    while True:  # a later moment may be taken where an earlier one was free
        asked = moment
        for window in windows:
            moment = window.free_at(moment)
        if moment == asked:
            return moment
