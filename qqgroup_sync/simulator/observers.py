"""Tell whoever wants to know what happens, in order and with no lock held."""

from __future__ import annotations

import logging
import threading
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

logger = logging.getLogger(__name__)


class _Observer(NamedTuple):
    callback: Callable[[str, Any], object]
    kinds: frozenset[str] | None


class Observers:
    """A queue of notices and those who are told.

    ``add`` only queues and may be called with any lock held; ``tell`` calls the observers and
    must be called with none.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._observers: tuple[_Observer, ...] = ()
        self._everything = False  # whether anybody wants all kinds
        self._kinds: frozenset[str] = frozenset()
        self._notices: deque[tuple[str, Any]] = deque()
        self._telling = False

    def subscribe(
        self, callback: Callable[[str, Any], object], kinds: Collection[str] | None = None
    ) -> Callable[[], None]:
        """Call ``callback(kind, record)`` from now on, for all kinds or for some.

        Returns:
            What ends that.
        """
        observer = _Observer(callback, None if kinds is None else frozenset(kinds))
        with self._lock:
            self._set((*self._observers, observer))

        def unsubscribe() -> None:
            with self._lock:
                self._set(tuple(one for one in self._observers if one is not observer))

        return unsubscribe

    def _set(self, observers: tuple[_Observer, ...]) -> None:
        self._observers = observers
        self._everything = any(one.kinds is None for one in observers)
        self._kinds = frozenset().union(*(one.kinds or () for one in observers))

    def wants(self, *kinds: str) -> bool:
        """Whether anybody is told of one of these kinds: records need not be made otherwise."""
        return self._everything or not self._kinds.isdisjoint(kinds)

    def add(self, kind: str, record: Any) -> None:
        """Queue a notice; it is dropped when nobody wants to know."""
        if self._everything or kind in self._kinds:
            self._notices.append((kind, record))

    def tell(self) -> None:
        """Empty the queue, one thread at a time so that the order holds.

        A thread that finds another one telling leaves its notices to it.
        """
        while self._notices:
            with self._lock:
                if self._telling or not self._notices:
                    return
                self._telling = True
                kind, record = self._notices.popleft()
            try:
                for callback, kinds in self._observers:
                    if kinds is None or kind in kinds:
                        _call(callback, kind, record)
            finally:
                with self._lock:
                    self._telling = False


def _call(observer: Callable[[str, Any], object], kind: str, record: Any) -> None:
    try:
        observer(kind, record)
    except Exception:  # an observer's mistake must not break the platform
        logger.exception("simulator: an observer of %r failed", kind)


class Changing:
    """Holds the lock, then tells the observers; one object serves all, as it remembers nothing.

    Args:
        lock: Guards what changes.
        observers: Are told when it is free again.
    """

    def __init__(self, lock: threading.Lock, observers: Observers) -> None:
        self._lock = lock
        self._observers = observers

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *exc_info: object) -> None:
        self._lock.release()
        self._observers.tell()
