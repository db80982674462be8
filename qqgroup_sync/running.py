"""Which clients run in this process, so that no bot answers twice.

A second client of the same bot and shard gets every message, too. In a program that is a mistake;
in a notebook it is what happens when the cell ``client = Client(...)`` is run again.
"""

from __future__ import annotations

import logging
import threading
import weakref
from typing import TYPE_CHECKING, Any, Protocol

from qqgroup_sync.errors import StateError, Text
from qqgroup_sync.runtime import cells

if TYPE_CHECKING:
    from qqgroup_sync.settings import Settings

logger = logging.getLogger(__name__)


class Running(Protocol):
    """What is known of a client here."""

    settings: Settings

    def stop(self, timeout: float = ...) -> bool:
        """Stop; return whether everything ended."""


class Harness(Protocol):
    """What holds the clients of this process while a bot is tested."""

    def adopt(self, client: Any) -> None:
        """Take a client that is about to start."""

    def runs(self, bot: Any) -> bool:
        """Tell whether it runs a bot itself, so that its ``run()`` has nothing to do."""


harness: Harness | None = None
"""Set while a bot is tested, else None."""

_Key = tuple[str, str, "int | str"]
_lock = threading.Lock()
_running: weakref.WeakValueDictionary[_Key, Running] = weakref.WeakValueDictionary()


def claim(client: Running, platform: str) -> None:
    """Note that a client starts; in a notebook an earlier one of the same bot is stopped.

    Args:
        client: Who starts.
        platform: Which platform it talks to.

    Raises:
        StateError: Another client of this bot and shard runs, and this is no notebook.
    """
    settings = client.settings
    key: _Key = (settings.appid, platform, settings.shard_index)
    if settings.shards == "auto":
        key = (settings.appid, platform, "auto")
    earlier = _put(key, client)
    if earlier is not None and cells.in_notebook():
        logger.warning(
            "another client of bot %s was still running in this notebook: it is stopped now",
            settings.appid,
        )
        earlier.stop()
        earlier = _put(key, client)
    if earlier is not None:
        raise StateError(
            f"another client of bot {settings.appid} runs in this process",
            cause=Text(
                "Both would get every message, and answer it twice.",
                "两者都会收到每条消息，并各回复一次。",
            ),
            remedy=Text(
                "Register all handlers on one client, or call stop() on the other one first.",
                "请把处理函数都注册到同一个 client 上，或先对另一个调用 stop()。",
            ),
            language=settings.language,
        )


def release(client: object) -> None:
    """Note that a client has ended."""
    with _lock:
        for key in [key for key, one in _running.items() if one is client]:
            del _running[key]


def _put(key: _Key, client: Running) -> Running | None:
    """Note a client, unless another one has its place: that one is returned."""
    appid, platform, shard = key
    with _lock:
        for (other_appid, other_platform, other_shard), one in _running.items():
            same_shard = other_shard == shard or "auto" in (other_shard, shard)
            same_bot = (other_appid, other_platform) == (appid, platform)
            if same_bot and same_shard and one is not client:
                return one
        _running[key] = client
        return None
