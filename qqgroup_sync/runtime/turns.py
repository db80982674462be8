"""Who works beside others, and who works alone."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

from qqgroup_sync.runtime.clock import Deadline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from qqgroup_sync.runtime.clock import Clock

SLICE = 0.5  # seconds; somebody who leaves wakes those who wait, but not one that a clock hurries


class Turns:
    """Lets many threads work at once, or one alone; who wants to be alone comes first.

    Nobody waits longer than ``patience`` seconds: then he works beside whoever takes so long. After
    :meth:`close` nobody waits, and whose turn comes is told to begin nothing.

    Args:
        clock: Where time comes from.
        patience: Seconds.
    """

    def __init__(self, clock: Clock, patience: float) -> None:
        self._clock = clock
        self._patience = patience
        self._changed = threading.Condition()
        self._working = 0
        self._alone = False
        self._closed = False
        self._wanting = 0  # who wants to be alone
        self._here = threading.local()  # how this thread leaves

    @contextlib.contextmanager
    def beside_others(self) -> Iterator[bool]:
        """Work as long as nobody is alone, or wants to be; yield whether to begin."""
        with self._changed:
            if self._alone or self._wanting:
                self._wait_while(lambda: self._alone or self._wanting > 0)
            self._working += 1
            begins = not self._closed
        with self._leaving(self._work_no_more):
            yield begins

    @contextlib.contextmanager
    def alone(self) -> Iterator[bool]:
        """Work while nobody else does; yield whether to begin."""
        with self._changed:
            self._wanting += 1
            try:
                self._wait_while(lambda: self._alone or self._working > 0)
            finally:
                self._wanting -= 1
            mine, self._alone = not self._alone, True
            begins = not self._closed
        with self._leaving(self._be_alone_no_more if mine else self._changed.notify_all):
            yield begins

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        """Let others work, and be alone, while the calling thread waits for somebody.

        It comes back without waiting, beside whoever works then.
        """
        leave: Callable[[], object] | None = getattr(self._here, "leave", None)
        if leave is None:
            yield
            return
        with self._changed:
            leave()
        try:
            yield
        finally:
            with self._changed:
                self._working += 1
            self._here.leave = self._work_no_more

    def close(self) -> None:
        """Let nobody begin any more; who waits for his turn wakes."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @contextlib.contextmanager
    def _leaving(self, leave: Callable[[], object]) -> Iterator[None]:
        """Leave when the block ends: in this way, or in that of who has come back."""
        before = getattr(self._here, "leave", None)
        self._here.leave = leave
        try:
            yield
        finally:
            leave, self._here.leave = self._here.leave, before
            with self._changed:
                leave()

    def _work_no_more(self) -> None:
        self._working -= 1
        if self._wanting:
            self._changed.notify_all()

    def _be_alone_no_more(self) -> None:
        self._alone = False
        self._changed.notify_all()

    def _wait_while(self, taken: Callable[[], bool]) -> None:
        deadline = Deadline(self._clock, self._patience)
        while taken() and not self._closed and not deadline.passed:
            self._changed.wait(min(SLICE, deadline.left() or 0.0))
