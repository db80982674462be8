"""Ends a bot whose ``try`` or ``load`` has gone without ending it, such as one that was killed.

Such a bot runs in a session of its own, so that Ctrl-C reaches it once and in order. The price is
that nothing tells it when its command is killed: it would look for a platform that is no more,
unseen and for ever. So the command listens at a port, and the bot holds a connection to it that
carries nothing. The system cuts it, whatever the command died of.
"""

from __future__ import annotations

import _thread
import logging
import os
import signal
import socket
import threading
from contextlib import suppress

from qqgroup_sync.runtime.service import Service

STARTED_BY = "QQ_STARTED_BY"
"""Environment variable: the port at which the command listens that started this process."""

GRACE = 12.0  # seconds for the script to end as after Ctrl-C, more than stop() may take

logger = logging.getLogger(__name__)
_lock = threading.Lock()


def watch() -> None:
    """Hold on to the command that started this process, if one did; once, for its whole life."""
    with _lock:
        port = os.environ.pop(STARTED_BY, "")  # what the script starts itself is its own affair
    if port:
        Service("qqgroup-orphans", lambda: _hold(int(port))).start()


def _hold(port: int) -> None:
    """Wait until the command has gone, and end this process; a daemon thread without an end."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port)) as line:
        line.recv(1)
    logger.warning("the command that started this bot has gone: stopping")
    if hasattr(signal, "pthread_kill"):  # it wakes the main thread, too
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    else:
        _thread.interrupt_main()
    threading.Event().wait(GRACE)
    os._exit(1)
