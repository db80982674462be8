"""A log that grows under the cell that asked for it; without widgets, fed from any thread."""

from __future__ import annotations

import importlib
import logging
import threading
import traceback
from collections import deque
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import qqgroup_sync
from qqgroup_sync.console import FORMAT
from qqgroup_sync.masking import mask
from qqgroup_sync.runtime import cells
from qqgroup_sync.runtime.service import Service

if TYPE_CHECKING:
    from collections.abc import Callable

REFRESH = 0.1  # seconds between two updates of a display
FRAMES = 5  # of a traceback: the last ones
_PACKAGE = logging.getLogger("qqgroup_sync")
_INSIDE = str(Path(qqgroup_sync.__file__).parent)
_COLOURS = {logging.WARNING: "#b8860b", logging.ERROR: "#d03030", logging.CRITICAL: "#d03030"}
_BOX = "display:flex;flex-direction:column-reverse;max-height:24em;overflow:auto"  # shows the end

_views: dict[str, LiveLog] = {}  # by cell
_registering = threading.Lock()


class LiveLog(logging.Handler):
    """Shows the package's log records in a display that is updated.

    Args:
        level: The least important level that is shown.
        lines: How many records are kept.
        show: Shows HTML and plain text under the running cell, and returns what updates it.
    """

    def __init__(
        self, level: int | str, lines: int, show: Callable[[str, str], Callable[[str, str], Any]]
    ) -> None:
        super().__init__(level)
        self.setFormatter(logging.Formatter(FORMAT, datefmt="%H:%M:%S"))
        self._lines: deque[tuple[int, str]] = deque(maxlen=lines)
        self._changing = threading.Lock()
        self._updating = threading.Lock()  # what is shown last has to be the newest
        self._changed = False
        self._unsaved = False
        self._pump: Service | None = None  # lives as long as there is something new
        self._done = threading.Event()
        self._update = show(*self._pages())

    def __repr__(self) -> str:
        return "\n".join(line for _, line in list(self._lines))

    def _ipython_display_(self) -> None:
        """Show nothing more when the view is a cell's result: it is shown already."""

    def close(self) -> None:
        """Show no more records; what is shown stays."""
        self._done.set()
        _PACKAGE.removeHandler(self)
        super().close()

    def emit(self, record: logging.LogRecord) -> None:
        """Take a record; it is shown a moment later."""
        try:
            line = _told(self.formatter or logging.Formatter(), record)
        except Exception:  # a wrong log call is no reason to fail
            self.handleError(record)
            return
        with self._changing:
            self._lines.append((record.levelno, line))
            self._changed = self._unsaved = True
            if self._pump is not None or self._done.is_set():
                return
            self._pump = pump = Service("qqgroup-log", self._show_changes)
        try:
            pump.start()
        except RuntimeError:  # the interpreter is ending
            self._done.set()

    def _show_changes(self) -> None:
        while self._show_change():
            self._done.wait(REFRESH)

    def _show_change(self) -> bool:
        """Show what is new; False when nothing is, which ends the pump."""
        with self._updating:
            with self._changing:
                if self._done.is_set() or not self._changed:
                    self._pump = None
                    return False
                self._changed = False
                pages = self._pages()
            try:
                self._update(*pages)
            except Exception:  # nobody is there any more who could be told
                self._done.set()
        return True

    def refresh(self) -> None:
        """Show what came since the last refresh, as part of the cell that ends now.

        Tools that execute notebooks drop what comes between two cells.
        """
        with self._updating:
            with self._changing:
                if not self._unsaved or self._done.is_set():
                    return
                self._changed = self._unsaved = False
                pages = self._pages()
            self._update(*pages)

    def _pages(self) -> tuple[str, str]:
        """Return all lines as HTML and as text; their lock is held, or they are empty."""
        html = "\n".join(_coloured(level, escape(line)) for level, line in self._lines)
        text = "\n".join(line for _, line in self._lines)
        empty = "(the log of the bot appears here)"
        pre = f'<pre style="margin:0;white-space:pre-wrap">{html or empty}</pre>'
        return f'<div style="{_BOX}">{pre}</div>', text or empty


def show(level: int | str, lines: int) -> LiveLog:
    """Open a log under the running cell, instead of the one that the cell had before."""
    cell = cells.running()
    with _registering:
        before = _views.pop(cell.key, None) if cell is not None else None
        if before is not None:
            before.close()
        view = LiveLog(level, lines, _in_display)
        if cell is not None:
            _views[cell.key] = view
        if not 0 < _PACKAGE.level <= view.level:
            _PACKAGE.setLevel(view.level)
        _PACKAGE.addHandler(view)
    cells.when_done(_refresh_all)
    return view


def _refresh_all(_cell: cells.Cell, _succeeded: bool) -> None:
    for view in list(_views.values()):
        view.refresh()


def _in_display(html: str, text: str) -> Callable[[str, str], Any]:
    display = importlib.import_module("IPython.display").display  # loaded: this is a notebook

    def page(html: str, text: str) -> dict[str, str]:
        return {"text/html": html, "text/plain": text}

    handle = display(page(html, text), raw=True, display_id=True)
    return lambda html, text: handle.update(page(html, text), raw=True)


def _coloured(level: int, line: str) -> str:
    colour = _COLOURS.get(level)
    return f'<span style="color:{colour}">{line}</span>' if colour else line


def _told(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    """Return a record as lines, with a short traceback."""
    record.message = record.getMessage()
    record.asctime = formatter.formatTime(record, formatter.datefmt)
    lines = [formatter.formatMessage(record)]
    error = record.exc_info[1] if record.exc_info else None
    if error is not None:
        lines += short_traceback(error)
    return mask("\n".join(lines))


def short_traceback(error: BaseException) -> list[str]:
    """Return where the user's own code was when an exception rose, without the package's part."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not frame.filename.startswith((_INSIDE, "<frozen"))]
    lines = []
    for frame in (own or frames)[-FRAMES:]:
        place = cells.code_name(frame.filename) or frame.filename
        lines.append(f"    {place}, line {frame.lineno}, in {frame.name}: {frame.line}")
    cause = error.__cause__
    if cause is not None:
        lines.append(f"    because of {type(cause).__name__}: {cause}".partition("\n")[0])
    return lines
