"""Tell whoever wants to know what happens, in order and with no lock held."""

from __future__ import annotations

import logging
import threading
from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)


class Observers:
    """A queue of notices and those who are told.

    ``add`` only queues and may be called with any lock held; ``tell`` calls the observers and
    must be called with none.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._observers: tuple[Callable[[str, Any], object], ...] = ()
        self._notices: deque[tuple[str, Any]] = deque()
        self._telling = False

    def __bool__(self) -> bool:
        return bool(self._observers)

    def subscribe(self, callback: Callable[[str, Any], object]) -> Callable[[], None]:
        """Call ``callback(kind, record)`` from now on; return what ends that."""
        with self._lock:
            self._observers = (*self._observers, callback)

        def unsubscribe() -> None:
            with self._lock:
                self._observers = tuple(one for one in self._observers if one is not callback)

        return unsubscribe

    def add(self, kind: str, record: Any) -> None:
        """Queue a notice; it is dropped when nobody is subscribed."""
        if self._observers:
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
                for observer in self._observers:
                    _call(observer, kind, record)
            finally:
                with self._lock:
                    self._telling = False


def _call(observer: Callable[[str, Any], object], kind: str, record: Any) -> None:
    try:
        observer(kind, record)
    except Exception:  # an observer's mistake must not break the platform
        logger.exception("simulator: an observer of %r failed", kind)
