"""Which cell of a notebook runs; knows IPython only when the program has loaded it.

A front-end that gives its cells ids (JupyterLab, Notebook 7, VS Code) sends the id with every
execution. Others, nbclient among them, send only the source: there a cell is known by its source,
so that running it again unchanged is noticed, and running it after an edit is not. Two cells with
the same source are one cell then.
"""

from __future__ import annotations

import hashlib
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

_IMPORTING = "<frozen importlib._bootstrap>"
_here = threading.local()


class Cell(NamedTuple):
    """One run of a cell.

    Attributes:
        key: Of the cell; the same each time it is run.
        run: Of this run.
    """

    key: str
    run: str


def running() -> Cell | None:
    """Return the cell whose code called this.

    None in a script, in another thread, and in a module that the cell imports: what a module
    does belongs to the module, which runs once however often it is imported.
    """
    shell = _shell()
    if shell is None or getattr(_here, "nowhere", False) or not _runs_here(shell):
        return None
    return _asked(shell) or _typed(shell)


def in_notebook() -> bool:
    """Tell whether cells are run here: in a notebook's kernel, or by a person in IPython."""
    shell = _shell()
    return shell is not None and (in_kernel() or _runs_here(shell))


def in_kernel() -> bool:
    """Tell whether this process is a notebook's kernel, which can change what it has shown."""
    return getattr(_shell(), "kernel", None) is not None


@contextmanager
def nowhere() -> Iterator[None]:
    """Do something on the package's own account, not on the running cell's."""
    before = getattr(_here, "nowhere", False)
    _here.nowhere = True
    try:
        yield
    finally:
        _here.nowhere = before


def when_done(call: Callable[[Cell, bool], None]) -> None:
    """Have a function called after each cell.

    Args:
        call: Told the cell and whether it ended without an exception, in the thread of the cells;
            the same one is registered once.
    """
    shell = _shell()
    if shell is None or any(
        isinstance(one, _Done) and one.call is call
        for one in shell.events.callbacks["post_run_cell"]
    ):
        return
    shell.events.register("post_run_cell", _Done(shell, call))


class _Done:
    """What IPython calls after a cell."""

    def __init__(self, shell: Any, call: Callable[[Cell, bool], None]) -> None:
        self._shell = shell
        self.call = call
        self.__name__ = self.__qualname__ = "qqgroup_sync.after_cell"  # IPython's error texts

    def __call__(self, result: Any) -> None:
        if _runs_here(self._shell):  # a run inside of the cell's
            return
        self.call(_asked(self._shell) or _typed(self._shell), result.success)


def code_name(filename: str) -> str | None:
    """Return ``Cell In[3]`` for the file name of a cell's code; None for any other."""
    shell = _shell()
    name = getattr(getattr(shell, "compile", None), "format_code_name", lambda _name: None)
    told = name(filename)
    return " ".join(told) if told else None


def _shell() -> Any:
    """Return IPython's shell, if there is one."""
    module = sys.modules.get("IPython")
    find = getattr(module, "get_ipython", None)  # None while IPython is being imported
    return find() if find is not None else None


def _runs_here(shell: Any) -> bool:
    """Tell whether the code of a cell stands on this thread's stack, with no import above it."""
    runs_code = getattr(type(shell).run_code, "__code__", None)
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - the documented way
    while frame is not None:
        if frame.f_code is runs_code:
            return True
        if frame.f_code.co_filename == _IMPORTING:
            return False
        frame = frame.f_back
    return False


def _asked(shell: Any) -> Cell | None:
    """Return the cell that the kernel was asked to run; None without a kernel."""
    request: dict[str, Any] = getattr(shell, "get_parent", dict)() or {}
    run = (request.get("header") or {}).get("msg_id")
    key = (request.get("metadata") or {}).get("cellId")
    source = (request.get("content") or {}).get("code")
    if not run or not (key or source):
        return None
    return Cell(str(key) if key else _by_source(str(source)), str(run))


def _typed(shell: Any) -> Cell:
    """Return the cell that was typed into IPython in a terminal."""
    inputs = shell.history_manager.input_hist_raw
    return Cell(_by_source(str(inputs[-1])), f"input {len(inputs)}")


def _by_source(source: str) -> str:
    return "source " + hashlib.sha256(source.encode("utf-8", "replace")).hexdigest()[:32]
