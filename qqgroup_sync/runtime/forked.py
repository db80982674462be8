"""A child that a handler forked and did not end: it must not go on as a second bot.

It has its parent's queue, connections and right to answer, and none of its threads.
"""

from __future__ import annotations

import logging
import os
import sys

logger = logging.getLogger(__name__)


def end_child(parent: int, what: str) -> None:
    """End this process at once when it is not ``parent``.

    Args:
        parent: The process in which user code was called.
        what: What was called, for the log.
    """
    if os.getpid() == parent:
        return
    logger.warning(
        "%s has forked, and its child came back: the child ends here; end it with os._exit(0)", what
    )
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    os._exit(0)
