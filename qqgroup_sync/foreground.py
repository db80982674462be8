"""What ``run()`` does with the main thread: wait, and stop at Ctrl-C or SIGTERM."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

from qqgroup_sync import console
from qqgroup_sync.runtime import cells

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

SLICE = 0.1  # the main thread waits in slices: a signal handler may only set a plain flag


def run(
    start: Callable[[], object],
    ended: Callable[[float], bool],
    stop: Callable[[], object],
) -> None:
    """Start something, wait until it ends or the user wants it to, and stop it.

    The first Ctrl-C stops gracefully, the second leaves at once: a script with exit code 130, a
    notebook's cell with KeyboardInterrupt.

    Args:
        start: Returns at once.
        ended: Waits for so many seconds; returns whether it has ended by itself.
        stop: Blocks until it has ended.
    """
    interrupted = False

    def interrupt() -> None:
        nonlocal interrupted
        interrupted = True

    console.show_logs()
    with console.signals_to(interrupt):
        try:
            start()
            while not interrupted and not ended(SLICE):
                pass
            if interrupted:
                logger.info("stopping; press Ctrl-C again to leave at once")
            stop()
        except KeyboardInterrupt:
            logger.warning("left at once")
            if cells.in_notebook():
                raise
            sys.exit(130)
