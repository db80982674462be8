"""Runs jobs one after the other in a thread of its own, which starts with the first one."""

from __future__ import annotations

import logging
import threading
from collections import deque
from typing import TYPE_CHECKING

from qqgroup_sync.runtime.service import Service

if TYPE_CHECKING:
    from collections.abc import Callable

    from qqgroup_sync.runtime.clock import Deadline

logger = logging.getLogger(__name__)

MOST_WAITING = 1_000


class Serial:
    """A queue with one thread; whoever hands in a job never waits for it.

    Args:
        name: Of the thread.
        most: Jobs that may wait; further ones are dropped with a warning, because somebody who
            hangs must not fill the memory.
    """

    def __init__(self, name: str, *, most: int = MOST_WAITING) -> None:
        self.name = name
        self._most = most
        self._jobs: deque[Callable[[], object]] = deque()
        self._changed = threading.Condition()
        self._closing = False
        self._full = False
        self._service: Service | None = None

    def submit(self, job: Callable[[], object]) -> bool:
        """Queue a job; return whether it was taken. Not after :meth:`close`."""
        with self._changed:
            if self._closing:
                return False
            news, self._full = not self._full, len(self._jobs) >= self._most
            if not self._full:
                self._jobs.append(job)
                if self._service is None:  # under the lock, so that a close never misses it
                    self._service = Service(self.name, self._run, wake=self._end)
                    self._service.start()
                self._changed.notify_all()
                return True
        if news:
            logger.warning("%s hangs: what comes now is dropped", self.name)
        return False

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._jobs or self._closing)
                if not self._jobs:
                    return
                job = self._jobs.popleft()
            try:
                job()
            except BaseException:  # a SystemExit must not end the thread
                logger.exception("a job of %s raised", self.name)
            del job  # an idle thread keeps nothing alive

    def _end(self) -> None:
        with self._changed:
            self._closing = True
            self._changed.notify_all()

    def close(self, deadline: Deadline) -> list[str]:
        """Run what waits, then end the thread; return its name if it did not end in time."""
        self._end()
        service = self._service
        if service is None or service.stop(deadline):
            return []
        return [self.name]
