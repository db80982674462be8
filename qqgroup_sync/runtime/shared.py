"""What all clients of one bot and host in this process share, such as a token or a rate."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_all: list[Shared[Any]] = []


class Shared(Generic[T]):
    """One thing for each key, for the process's life; safe from any thread.

    Args:
        make: Makes one.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._found: dict[tuple[str, ...], T] = {}
        self._lock = threading.Lock()
        _all.append(self)

    def of(self, key: tuple[str, ...]) -> T:
        """Return what belongs to a key, which names the bot and where its platform is."""
        with self._lock:
            if key not in self._found:
                self._found[key] = self._make()
            return self._found[key]

    def forget(self, place: str) -> None:
        """Let those who come share nothing with those who were at a place before."""
        with self._lock:
            for key in [key for key in self._found if any(place in part for part in key)]:
                del self._found[key]


def forget(place: str) -> None:
    """Forget all that is shared about a platform: a simulated one may get a port of an earlier one.

    Args:
        place: Its host and port.
    """
    for shared in _all:
        shared.forget(place)
