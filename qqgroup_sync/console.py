"""What only a program in a terminal wants: readable logs, and Ctrl-C that stops cleanly."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FORMAT = "%(asctime)s %(levelname)-7s %(message)s"


def show_logs() -> None:
    """Write the package's logs to stderr, unless the program has set logging up itself."""
    package = logging.getLogger("qqgroup_sync")
    if package.handlers or logging.getLogger().handlers:
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(FORMAT, datefmt="%H:%M:%S"))
    package.addHandler(handler)
    package.setLevel(logging.INFO)
    package.propagate = False


@contextmanager
def signals_to(request_stop: Callable[[], None]) -> Iterator[None]:
    """Let the first Ctrl-C or SIGTERM ask for a stop; the second one does what it always did.

    Only in the main thread; elsewhere nothing is changed. The handlers are put back at the end.

    Args:
        request_stop: Called inside the signal handler, which may interrupt code that holds any
            lock: it must do no more than set a plain attribute.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before: dict[int, Any] = {}

    def on_signal(_number: int, _frame: object) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        request_stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        before[number] = signal.signal(number, on_signal)
    try:
        yield
    finally:
        for caught, handler in before.items():
            signal.signal(caught, handler if handler is not None else signal.SIG_DFL)
