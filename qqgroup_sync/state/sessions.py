"""Where a bot stands in its gateway sessions, and what it has handled: for the next process.

One row for each handled event says both, so that a process which is killed loses at most the last
batch of rows. It may be thrown away: a damaged file is set aside, and the bot begins anew.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import logging
import os
from typing import TYPE_CHECKING, Any, NamedTuple

from qqgroup_sync.errors import StateError, Text
from qqgroup_sync.state.places import make_file
from qqgroup_sync.state.store import Change, Entry, MemoryStore

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from pathlib import Path

    from qqgroup_sync.runtime.clock import Clock, Deadline
    from qqgroup_sync.state.store import Store

logger = logging.getLogger(__name__)

LIFE = 900.0  # seconds for which the id of a handled event is kept
PATIENCE = 15.0  # seconds for another process with the same bot to end
_HANDLED, _PLACES = "handled", "places"


class Place(NamedTuple):
    """Up to where one shard has handled everything."""

    session_id: str
    s: int | None


class Known(NamedTuple):
    """What an earlier process left."""

    places: dict[int, Place]
    handled: set[int]


class Sessions:
    """The file of one bot, shard and host; safe from any thread.

    Args:
        path: The file.
        open_store: Opens a store at a path.
        clock: Where time comes from.
        language: Language of cause and remedy in errors.
    """

    def __init__(
        self,
        path: Path,
        open_store: Callable[[Path], Store],
        clock: Clock,
        *,
        language: str | None = None,
    ) -> None:
        self._path = path
        self._open_store = open_store
        self._store = open_store(path)
        self._clock = clock
        self._language = language
        self._count = itertools.count()
        self._lock: Any = None
        self._broken = False

    # ------------------------------------------------------------------ one process at a time

    def claim(self, stop: threading.Event) -> bool:
        """Make this process the only one with this bot and shard; blocks while another one ends.

        Where nothing can be written, a warning says so and the bot goes on without memory.

        Returns:
            False when ``stop`` was set meanwhile.

        Raises:
            StateError: Another process goes on.
        """
        from filelock import FileLock, Timeout  # noqa: PLC0415 - when first needed

        try:
            make_file(self._path.with_suffix(".lock"), self._language)
        except StateError as error:
            logger.warning("a restart will lose what comes meanwhile: %s", error)
            self._store = MemoryStore(self._clock)
            return True
        lock = FileLock(self._path.with_suffix(".lock"))
        waited = 0.0
        while not stop.is_set():
            try:
                lock.acquire(timeout=0)
            except Timeout:
                if waited >= PATIENCE:
                    raise self._taken() from None
                if not waited:
                    logger.warning("another process runs this bot; waiting for it to end")
                waited += 0.5
                self._clock.wait(stop, 0.5)
                continue
            self._lock = lock
            with contextlib.suppress(OSError):
                self._path.with_suffix(".pid").write_text(str(os.getpid()), encoding="ascii")
            return True
        return False

    def _taken(self) -> StateError:
        try:
            pid = self._path.with_suffix(".pid").read_text(encoding="ascii").strip()
        except OSError:
            pid = "?"
        return StateError(
            f"another process (pid {pid}) runs this bot",
            cause=Text(
                "Two processes of one bot and shard take each other's messages away.",
                "同一机器人、同一分片的两个进程会互相抢走消息。",
            ),
            remedy=Text(
                "End the other one; for several shards give each its shard_index.",
                "请结束另一个进程；多个分片请分别设置 shard_index。",
            ),
            language=self._language,
        )

    # ------------------------------------------------------------------ reading and writing

    def load(self) -> Known:
        """Return what an earlier process left; a damaged file is set aside."""
        try:
            return self._read()
        except (StateError, ValueError) as error:
            self._set_aside(error)
            return Known({}, set())

    def _read(self) -> Known:
        places: dict[int, tuple[int, Place]] = {}
        rows = self._store.entries(_HANDLED)
        for entry in [*rows.values(), *self._store.entries(_PLACES).values()]:
            number, shard, s, session_id = json.loads(entry.text)
            if shard not in places or places[shard][0] < number:
                places[shard] = (number, Place(session_id, s))
        last = max((number for number, _ in places.values()), default=0)
        self._count = itertools.count(last + 1)
        handled = {int(key) for key in rows if key}
        return Known({shard: place for shard, (_, place) in places.items()}, handled)

    def note(self, shard: int, place: Place, key: int | None) -> None:
        """Keep that an event was handled; quick, it is written in the background."""
        text = json.dumps((next(self._count), shard, place.s, place.session_id))
        if key is None:
            change = Change(_PLACES, str(shard), Entry(text))
        else:
            change = Change(_HANDLED, str(key), Entry(text, self._clock.time() + LIFE))
        self._write(change)

    def settle(self, shard: int, place: Place) -> None:
        """Keep a place for as long as it takes."""
        self.note(shard, place, None)

    def _write(self, change: Change) -> None:
        try:
            self._store.write([change])
            self._broken = False
        except StateError as error:
            if not self._broken:  # once; a bot that cannot remember still answers
                self._broken = True
                logger.warning("a restart may repeat messages: %s", error)

    def _set_aside(self, error: Exception) -> None:
        aside = self._path.with_suffix(f".damaged-{int(self._clock.time())}")
        with contextlib.suppress(OSError):
            self._path.replace(aside)
        for companion in ("-wal", "-shm"):
            with contextlib.suppress(OSError):
                self._path.with_name(self._path.name + companion).unlink()
        logger.warning(
            "%s is damaged (%s) and was set aside as %s; a new session begins",
            self._path, str(error).partition("\n")[0], aside.name,
        )  # fmt: skip
        self._store = self._open_store(self._path)

    def close(self, deadline: Deadline) -> bool:
        """Put everything on disk and let other processes in; return whether that was done."""
        try:
            return self._store.close(deadline)
        finally:
            if self._lock is not None:
                self._lock.release()
                self._lock = None
