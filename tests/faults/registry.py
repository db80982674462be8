"""The table that faults are put into, by name."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.faults.bench import Bench

    Fault = Callable[[Bench], AbstractContextManager[None]]

FAULTS: dict[str, Fault] = {}


def fault(name: str) -> Callable[[Callable[[Bench], Iterator[None]]], Fault]:
    """Put a fault into the table."""

    def put(function: Callable[[Bench], Iterator[None]]) -> Fault:
        FAULTS[name] = contextmanager(function)
        return FAULTS[name]

    return put


def wait(seconds: float) -> None:
    """Let time pass."""
    threading.Event().wait(seconds)
