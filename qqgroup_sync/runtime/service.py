"""A thread with one owner: named, started once, woken by its owner, joined within a bound."""

from __future__ import annotations

import sys
import threading
import traceback
from typing import TYPE_CHECKING

from qqgroup_sync.errors import StateError
from qqgroup_sync.masking import masked_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from qqgroup_sync.runtime.clock import Deadline

logger = masked_logger(__name__)

WAKE_AGAIN = 0.2  # seconds


class Service:
    """One background thread.

    It is a daemon *and* joined: a daemon so that a stuck call cannot hold the process, joined
    so that a normal stop is clean. A Service is used once; every start has its own.

    Args:
        name: Thread name, ``qqgroup-...``.
        run: The whole life of the thread. It must end soon after ``wake``.
        wake: Makes ``run`` end; called by :meth:`stop` from any thread.
        on_death: Told when ``run`` ends by an exception, so that nobody lives on deaf.
    """

    def __init__(
        self,
        name: str,
        run: Callable[[], None],
        *,
        wake: Callable[[], None] | None = None,
        on_death: Callable[[BaseException], None] | None = None,
    ) -> None:
        self.name = name
        self._run = run
        self._wake = wake
        self._on_death = on_death
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread.

        Raises:
            RuntimeError: The system gives no more threads; then nothing was started.
        """
        if self._thread is not None:
            raise StateError(f"{self.name} was started before")
        self._thread = threading.Thread(target=self._live, name=self.name, daemon=True)
        try:
            self._thread.start()
        except BaseException:
            self._thread = None  # there is nobody to wait for
            raise

    def _live(self) -> None:
        try:
            self._run()
        except BaseException as error:  # a SystemExit, too, would end the thread unnoticed
            logger.exception("%s died", self.name)
            if self._on_death is not None:
                self._on_death(error)

    def wake(self) -> None:
        """Ask the thread to end; returns at once."""
        if self._wake is not None:
            self._wake()

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread is not None and self._thread.is_alive()

    def join(self, timeout: float | None) -> bool:
        """Wait for the end; return whether it came. From its own thread: False at once."""
        thread = self._thread
        if thread is None:
            return True
        if thread is threading.current_thread():
            return False
        thread.join(timeout)
        return not thread.is_alive()

    def stack(self) -> str:
        """Return what the thread is doing, as text."""
        ident = self._thread.ident if self._thread is not None else None
        frame = sys._current_frames().get(ident or 0)  # noqa: SLF001 - the documented way
        return "".join(traceback.format_stack(frame)) if frame is not None else "(not running)"

    def stop(self, deadline: Deadline) -> bool:
        """Wake and join; return whether the thread ended.

        It is woken again and again: the first time may fall into the moment just before there
        is something to wake, such as a socket that is being connected.
        """
        while True:
            self.wake()
            left = deadline.left()
            if self.join(WAKE_AGAIN if left is None else min(WAKE_AGAIN, left)):
                return True
            if deadline.passed or self._thread is threading.current_thread():
                return False
