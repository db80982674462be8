"""What a forked child begins anew: it has neither its parent's threads nor a right to its files.

It does not know what is begun anew.
"""

from __future__ import annotations

import os
import weakref
from typing import Protocol


class Forkable(Protocol):
    """What a child cannot go on with."""

    def begin_anew(self) -> object:
        """Forget everything, in the child; return what only the parent may close."""
        ...


_of_this_process: weakref.WeakSet[Forkable] = weakref.WeakSet()
_inherited: list[object] = []  # never collected: SQLite forbids to close a parent's connections
_watching = False


def begin_anew_in_child(one: Forkable) -> None:
    """Let every child that is forked from now on begin anew with this."""
    global _watching  # noqa: PLW0603 - a hook cannot be taken back, so it is set once
    _of_this_process.add(one)
    if not _watching and hasattr(os, "register_at_fork"):
        _watching = True
        os.register_at_fork(after_in_child=_begin_anew)


def _begin_anew() -> None:
    _inherited.extend(one.begin_anew() for one in list(_of_this_process))
