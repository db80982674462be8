"""Where a bot stands in its gateway sessions, and what it has handled: for the next process.

A row says both, for some events that were handled shortly after each other. It is written anew
with each of them, so that a process which is killed loses at most the last batch. It may be thrown
away: a file that will never be readable is set aside, and the bot begins anew.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import logging
import math
import os
import threading
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

from qqgroup_sync.errors import StateError, Text
from qqgroup_sync.runtime.clock import Deadline
from qqgroup_sync.state.places import make_file, unusable
from qqgroup_sync.state.store import Change, Entry, MemoryStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from qqgroup_sync.runtime.clock import Clock
    from qqgroup_sync.state.store import Store

logger = logging.getLogger(__name__)

LIFE = 900.0  # seconds for which the id of a handled event is kept at least
LONGEST = 7 * 24 * 3600.0  # and while it may come again, because one before it is not handled
MOST_IDS = 50_000  # that an earlier process left
PATIENCE = 15.0  # seconds for another process with the same bot to end
CLOSE_SECONDS = 1.0  # for a file that could not be read, and for a row that matters now
FORGET_AT_ONCE = 8  # rows; each time that one is begun
PAGE_IDS = 100  # in one row
PAGE_SECONDS = 1.0  # between the first and the last of a row, which are forgotten together
MOST_TRIES = 4  # of an event that was in hand whenever the process died; all but the first alone
CAREFUL = 60.0  # seconds after such an end in which every event is noted before it is handled
_HANDLED, _PLACES, _TRIED, _RUNNING = "handled", "places", "tried", "running"
_HOPELESS = ("damaged", "foreign", "newer")  # troubles of a file that no waiting ends


class Place(NamedTuple):
    """Up to where one shard has handled everything."""

    session_id: str
    s: int | None


class Known(NamedTuple):
    """What an earlier process left.

    Attributes:
        places: Where each shard stands.
        handled: Events that were handled.
        terms: On what the session of each shard was begun, where that was told.
    """

    places: dict[int, Place]
    handled: set[int]
    terms: dict[int, str] = {}  # noqa: RUF012 - nobody changes it


class _Page:
    """The row that the events of a shard are noted in."""

    __slots__ = ("_began", "_count", "_ids", "_session", "name", "session_id")

    def __init__(self, number: int, session_id: str, now: float) -> None:
        self.name = str(number)
        self.session_id = session_id
        self._session = json.dumps(session_id)
        self._began = now
        self._count = 0
        self._ids = ""

    def takes(self, session_id: str, now: float) -> bool:
        """Tell whether an event that is handled now belongs here."""
        return (
            self._count < PAGE_IDS
            and 0 <= now - self._began < PAGE_SECONDS
            and self.session_id == session_id
        )

    def text(self, number: int, shard: int, s: int | None, key: int | None) -> str:
        """Return the row with another id; without one, of an event that has none."""
        self._count += 1
        if key is not None:
            self._ids += f", {key}"
        return f"[{number}, {shard}, {'null' if s is None else s}, {self._session}{self._ids}]"


class _Old(NamedTuple):
    """A row to which nothing is added any more.

    Attributes:
        name: Its key.
        shard: Of its events.
        session_id: Of its events.
        highest: No event in it has a higher ``s``; None while nobody knows.
        until: When it may be taken out, by the monotonic clock.
    """

    name: str
    shard: int
    session_id: str
    highest: int | None
    until: float


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
        self._pages: dict[int, _Page] = {}
        self._old: deque[_Old] = deque()
        self._places: dict[int, Place] = {}  # of each shard, in the session that it is in
        self._highest: dict[int, int] = {}  # s that was noted
        self._noting = threading.Lock()
        self._rows: dict[str, Change] = {}  # what is to be written of each row
        self._writing = False  # somebody writes what stands there
        self._lock: Any = None
        self._broken = False
        self._tries: dict[int, int] = {}
        self._careful_until = -math.inf

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

        if self._lock is not None:  # an attempt before this one came that far
            return True
        try:
            make_file(self._path.with_suffix(".lock"), self._language)
        except StateError as error:
            self._go_on_without(error)
            return True
        # Not the thread's: it is let go by the one that stops the bot.
        lock = FileLock(self._path.with_suffix(".lock"), thread_local=False)
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
        """Return what an earlier process left.

        A file that will never be readable is set aside. Where it only cannot be used now, a
        warning says so, the file stays, and the bot goes on without memory.
        """
        try:
            return self._read()
        except StateError as error:
            with contextlib.suppress(StateError):  # an open file can be moved nowhere on Windows
                self._store.close(Deadline(self._clock, CLOSE_SECONDS))
            if error.trouble in _HOPELESS:
                self._set_aside(error)
            else:
                self._go_on_without(error)
            return Known({}, set())

    def _go_on_without(self, error: StateError) -> None:
        logger.warning("a restart will lose what comes meanwhile: %s", error)
        self._store = MemoryStore(self._clock)

    def _read(self) -> Known:
        handled, settled = self._store.entries(_HANDLED), self._store.entries(_PLACES)
        try:
            return self._understood(handled, settled)
        except (ValueError, TypeError) as error:  # text that this class has not written
            raise unusable(self._path, str(error), "damaged", self._language) from error

    def _understood(self, rows: dict[str, Entry], settled: dict[str, Entry]) -> Known:
        places: dict[int, tuple[int, Place]] = {}
        handled: set[int] = set()
        newest = sorted(rows, key=int, reverse=True)
        for name in newest:
            number, shard, s, session_id, *ids = json.loads(rows[name].text)
            if len(handled) >= MOST_IDS:
                self._rows[name] = Change(_HANDLED, name, None)
                continue
            handled.update(ids)
            self._full(name, shard, session_id, None)
            if shard not in places or places[shard][0] < number:
                places[shard] = (number, Place(session_id, s))
        terms: dict[int, str] = {}
        for entry in settled.values():
            number, shard, s, session_id, *told = json.loads(entry.text)
            if shard not in places or places[shard][0] < number:
                places[shard] = (number, Place(session_id, s))
            if told and places[shard][1].session_id == session_id:
                terms[shard] = str(told[0])
        last = max((number for number, _ in places.values()), default=0)
        self._count = itertools.count(last + 1)
        self._tries = {int(key): int(one.text) for key, one in self._store.entries(_TRIED).items()}
        if self._store.get(_RUNNING, "") is not None:
            self._careful_until = self._clock.monotonic() + CAREFUL
        self._places = {shard: place for shard, (_, place) in places.items()}
        return Known(dict(self._places), handled, terms)

    def note(self, shard: int, place: Place, key: int | None, s: int | None = None) -> None:
        """Keep that an event was handled; quick, it is written in the background.

        Args:
            shard: Of the event.
            place: Up to where everything is handled in the session that it came in. If that is
                over, the place of the present one stays: the next process must not go back.
            key: Of the event; None when it has none.
            s: Its own number.
        """
        now = self._clock.time()
        with self._noting:
            number = next(self._count)
            here = self._places.setdefault(shard, place)
            if here.session_id != place.session_id:
                place, s = here, None
            self._places[shard] = place
            self._highest[shard] = max(self._highest.get(shard, 0), s or 0)
            page = self._pages.get(shard)
            if page is None or not page.takes(place.session_id, now):
                if page is not None:
                    self._full(page.name, shard, page.session_id, self._highest[shard])
                self._forget()
                page = self._pages[shard] = _Page(number, place.session_id, now)
            text = page.text(number, shard, place.s, key)
            self._rows[page.name] = Change(_HANDLED, page.name, Entry(text, now + LONGEST))
            if self._writing:
                return  # who writes now takes this one along
            self._writing = True
        self._write_rows()

    def _full(self, name: str, shard: int, session_id: str, highest: int | None) -> None:
        """Note a row to which nothing is added any more."""
        self._old.append(_Old(name, shard, session_id, highest, self._clock.monotonic() + LIFE))

    def _forget(self) -> None:
        """Take out rows that are old enough, unless what they say may still come again.

        That is what lies above the mark, which may stand for hours: a handler may take so long.
        Not by the time of day, which somebody may set. Under the lock.
        """
        now = self._clock.monotonic()
        for _ in range(min(len(self._old), FORGET_AT_ONCE)):
            if now < self._old[0].until:
                return
            old = self._old.popleft()
            place = self._places.get(old.shard)
            highest = self._highest.get(old.shard, 0) if old.highest is None else old.highest
            if place is None or place.session_id != old.session_id or (place.s or 0) >= highest:
                self._rows[old.name] = Change(_HANDLED, old.name, None)
            else:
                self._old.append(old._replace(highest=highest, until=now + LIFE))

    def _write_rows(self) -> None:
        """Write what is to be written until nothing is left; in one thread at a time.

        Of two texts of a row the longer one has to come last, and the lock is not held meanwhile:
        a store whose disk cannot keep up makes its writers wait.
        """
        while True:
            with self._noting:
                rows, self._rows = list(self._rows.values()), {}
                self._writing = bool(rows)
            if not rows:
                return
            try:
                self._write(*rows)
            except BaseException:
                with self._noting:
                    self._writing = False  # the next one tries it again
                raise

    @property
    def careful(self) -> bool:
        """Whether each event is noted before it is handled: the last process ended badly."""
        return self._clock.monotonic() < self._careful_until

    def suspects(self, key: int) -> bool:
        """Tell whether the process may have died of an event, which is then handled alone.

        So those that were in hand beside it are cleared, and not given up with it.
        """
        return self.careful and self._tries.get(key, 0) > 0

    def admits(self, key: int) -> bool:
        """Tell whether an event may be handled: not if the process has died of it too often.

        Blocks for the disk, but only in the first minute after a process that has not ended well.
        """
        if not self.careful:
            return True
        tries = self._tries.get(key, 0)
        if tries >= MOST_TRIES:
            return False
        self._write(Change(_TRIED, str(key), Entry(str(tries + 1), self._clock.time() + LIFE)))
        self._flush(power_cut=False)  # which is no event's fault
        return True

    def begin(self) -> None:
        """Note that this process has events in hand from now on; blocks for the disk."""
        self._write(Change(_RUNNING, "", Entry("")))
        self._flush()

    def end_well(self) -> None:
        """Note that nothing was in hand when the process ended."""
        if self._lock is not None:  # else it is another process that runs
            self._write(Change(_RUNNING, "", None))

    def settle(self, shard: int, place: Place, terms: str = "") -> None:
        """Keep a place for as long as it takes; blocks for the disk.

        Only so a shard comes into another session.

        Args:
            shard: Whose it is.
            place: Up to where everything is handled.
            terms: On what the session was begun; it is over when others are wanted.
        """
        with self._noting:
            here = self._places.get(shard)
            if here is None or here.session_id != place.session_id:
                self._highest[shard] = 0
            self._places[shard] = place
            told = (terms,) if terms else ()
            text = json.dumps((next(self._count), shard, place.s, place.session_id, *told))
        self._write(Change(_PLACES, str(shard), Entry(text)))
        self._flush()

    def _flush(self, *, power_cut: bool = True) -> None:
        with contextlib.suppress(StateError):  # _write says why
            self._store.flush(Deadline(self._clock, CLOSE_SECONDS), power_cut=power_cut)

    def _write(self, *changes: Change) -> None:
        try:
            self._store.write(changes)
            self._broken = False
        except StateError as error:
            if not self._broken:  # once; a bot that cannot remember still answers
                self._broken = True
                logger.warning("a restart may repeat messages: %s", error)

    def _set_aside(self, error: StateError) -> None:
        """Put a file out of the way, whole: with the log that SQLite has beside it."""
        aside = self._path.with_suffix(f".{error.trouble}-{int(self._clock.time())}")
        try:
            self._path.replace(aside)
        except OSError:  # on Windows: another program has it open
            self._go_on_without(error)
            return
        for ending in ("-wal", "-shm"):
            with contextlib.suppress(OSError):  # they are not always there
                beside = self._path.with_name(self._path.name + ending)
                beside.replace(aside.with_name(aside.name + ending))
        logger.warning(
            "%s; it was set aside as %s, and a new session begins", error.summary, aside.name
        )
        self._store = self._open_store(self._path)

    def close(self, deadline: Deadline) -> bool:
        """Put everything on disk and let other processes in; return whether that was done."""
        try:
            return self._store.close(deadline)
        finally:
            if self._lock is not None:
                self._lock.release()
                self._lock = None
