"""What the script writes, line by line, for a terminal that is used for a chat at the same time."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from qqgroup_sync.runtime.clock import Clock, Deadline
from qqgroup_sync.runtime.service import Service

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from typing_extensions import Self

_END = b"\0end of output\n"  # nobody writes this by chance
_PATIENCE = 2.0


class BotOutput:
    """A pipe that processes write into, one after the other, and the thread that reads it.

    Args:
        show: Called for each line.
    """

    def __init__(self, show: Callable[[str], None]) -> None:
        self._show = show
        self._reading = self.descriptor = -1
        self._reader = Service("qqgroup-output", self._read, wake=self._finish)

    def __enter__(self) -> Self:
        self._reading, self.descriptor = os.pipe()
        self._reader.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._reader.stop(Deadline(Clock(), _PATIENCE))
        os.close(self.descriptor)

    def _finish(self) -> None:
        # A child of the script may hold the pipe open for ever: its end is written, not closed.
        with suppress(OSError):  # it has been read already
            os.write(self.descriptor, b"\n" + _END)

    def _read(self) -> None:
        with open(self._reading, "rb") as lines:  # noqa: PTH123 - a descriptor
            for line in lines:
                if line == _END:
                    return
                if text := line.decode("utf-8", "replace").rstrip():
                    self._show(text)
