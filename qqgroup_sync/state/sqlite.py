"""A store in an SQLite file: read by everybody, written by one thread, in batches.

What is not on disk yet is read from memory, so that nobody waits for the disk. It does not know
what the texts mean.

SQLite, write-ahead log with ``synchronous=NORMAL``: a process that dies loses at most the batch
that was not committed; a machine that loses power at most what was written since the last flush
(or the last checkpoint), and the file stays whole in both cases.
"""

from __future__ import annotations

import atexit
import logging
import threading
import weakref
from enum import Enum
from typing import TYPE_CHECKING, Any

from qqgroup_sync.errors import StateError
from qqgroup_sync.runtime.clock import Clock, Deadline
from qqgroup_sync.runtime.service import Service
from qqgroup_sync.state import forks
from qqgroup_sync.state.file import BUSY_SECONDS, MIGRATIONS, SWEPT_AT_ONCE, StateFile
from qqgroup_sync.state.places import make_file, trouble_of, unusable
from qqgroup_sync.state.store import (
    SWEEP_SECONDS,
    Change,
    Entry,
    MemoryStore,
    Waiting,
    Watch,
    Watches,
    is_alive,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from qqgroup_sync.state.file import Migration
    from qqgroup_sync.state.places import Place
    from qqgroup_sync.state.store import Store

logger = logging.getLogger(__name__)

BATCH_SECONDS = 0.05  # how long a write may wait for others to share its commit
BATCH_WRITES = 500  # so many do not wait
RETRY_SECONDS = 5.0  # after a batch that could not be written, when nobody asks before
EXIT_SECONDS = 5.0  # for the last batch when the process ends without close()
SLICE = 0.2  # seconds; on Windows Ctrl-C is seen between two of them only


class _Phase(Enum):
    CLOSED = "closed"
    OPENING = "opening"
    OPEN = "open"
    CLOSING = "closing"


class SqliteStore:
    """A store in a file. It is opened by its first use, and again by the first after a close.

    A batch that cannot be written is logged once and kept; every write is refused with the reason
    until a later attempt succeeds.

    One process at a time: a second one reads old values and may undo the changes of the first,
    though it never damages the file.

    Args:
        path: The file; made, with its folder, when it is not there.
        clock: Where time comes from.
        language: Language of cause and remedy in errors.
        migrations: What leads from format 0, the empty file, to that of this version.
    """

    def __init__(
        self,
        path: Path,
        clock: Clock | None = None,
        *,
        language: str | None = None,
        migrations: Sequence[Migration] = MIGRATIONS,
    ) -> None:
        self.path = path
        self.clock = clock or Clock()
        self._language = language
        self._migrations = migrations
        self._begin()

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)  # the phase, or what is on disk
        self._watches = Watches(self._lock)
        self._waiting = Waiting()
        self._phase = _Phase.CLOSED
        self._file: StateFile | None = None
        self._writer: Service | None = None
        self._work = threading.Event()  # there is something to write
        self._hurry = threading.Event()  # now
        self._flush_wanted = False
        self._failure: Exception | None = None  # of the last attempt
        self._attempts = 0
        self._written = 0  # how many writes were accepted
        self._committed = 0  # how many of them outlive this process
        self._flushed = 0  # how many of them a power cut cannot take back
        self._swept = self.clock.monotonic()

    def begin_anew(self) -> StateFile | None:
        """Forget everything, in a forked child: the parent writes what is waiting."""
        inherited = self._file
        atexit.unregister(self._at_exit)
        self._begin()
        return inherited

    def get(self, namespace: str, key: str) -> Entry | None:
        """Return what stands under a key; None when nothing does.

        Raises:
            StateError: The file cannot be used.
        """
        with self._lock:
            change = self._waiting.get(namespace, key)
        if change is None:
            # What is not waiting was committed before, so the file has it, or something newer.
            rows = self._fetch(
                "SELECT value, expires FROM entries WHERE namespace = ? AND key = ?",
                (namespace, key),
            )
            entry = Entry(*rows[0]) if rows else None
        else:
            entry = change.entry
        return entry if entry is not None and is_alive(entry, self.clock.time()) else None

    def entries(self, namespace: str) -> dict[str, Entry]:
        """Return everything in a namespace.

        Raises:
            StateError: The file cannot be used.
        """
        rows, waiting = self._rows(namespace, "key, value, expires")
        found = {key: Entry(text, expires) for key, text, expires in rows}
        for key, entry in waiting.items():
            found.pop(key, None)
            if entry is not None:
                found[key] = entry
        return found

    def keys(self, namespace: str) -> list[str]:
        """Return the keys of a namespace without reading the values.

        Raises:
            StateError: The file cannot be used.
        """
        rows, waiting = self._rows(namespace, "key")
        found = [key for (key,) in rows if key not in waiting]
        return found + [key for key, entry in waiting.items() if entry is not None]

    def _rows(self, namespace: str, columns: str) -> tuple[list[Any], dict[str, Entry | None]]:
        """Return what lives in a namespace: the rows on disk, and what is waiting to go there."""
        # First what is waiting: the other way round, what is committed in between would be missed.
        with self._lock:
            waiting = self._waiting.of(namespace)
        now = self.clock.time()
        rows = self._fetch(
            f"SELECT {columns} FROM entries"  # noqa: S608 - one of two texts of ours
            " WHERE namespace = ? AND (expires IS NULL OR expires > ?)",
            (namespace, now),
        )
        return rows, {
            key: change.entry if change.entry is not None and is_alive(change.entry, now) else None
            for key, change in waiting.items()
        }

    def _fetch(self, query: str, arguments: tuple[str | float, ...]) -> list[Any]:
        import sqlite3  # noqa: PLC0415 - only when used

        file = self._open()
        try:
            return file.fetch(query, arguments)
        except sqlite3.Error as error:
            raise self._explained(error) from error

    def write(self, changes: Iterable[Change], *, unless: Watch | None = None) -> bool:
        """Make all changes, or none of them; they are on disk a moment later.

        It waits only when the disk cannot keep up with very many writes.

        Raises:
            StateError: The file cannot be used, or the last batch could not be written. The
                changes were not made; those of before are kept and tried again.
        """
        changes = list(changes)
        for change in changes:
            _check(change)
        while True:
            self._open()
            with self._changed:
                if self._phase is not _Phase.OPEN:
                    continue
                if self._failure is not None:
                    self._work.set()
                    raise self._explained(self._failure) from self._failure
                if unless is not None and unless.changed_by is not None:
                    return False
                if self._waiting.is_full:
                    self._hurry_up()
                    self._changed.wait(SLICE)
                    continue
                self._written += 1
                for change in changes:
                    self._watches.saw(change)
                    self._waiting.add(change)
                if self._waiting.count >= BATCH_WRITES:
                    self._hurry_up()
                elif not self._work.is_set():
                    self._work.set()
                return True

    def watch(self, namespace: str, key: str) -> Watch:
        """Return a watch on changes of this key from now on."""
        return self._watches.add(namespace, key)

    def flush(self, deadline: Deadline | None = None, *, power_cut: bool = True) -> bool:
        """Wait until everything written before is on disk.

        Args:
            deadline: When to give up.
            power_cut: Whether it has to be safe from a power cut, too. What only has to outlive
                this process costs a commit, some ten times less.

        Returns:
            Whether it is; False when the deadline passed before.

        Raises:
            StateError: It cannot be written.
        """
        with self._lock:
            if self._phase is _Phase.CLOSED and not self._waiting.count:
                return True
        self._open()
        deadline = deadline or Deadline(self.clock, None)
        with self._changed:
            written, tried = self._written, self._attempts
            if self._safe(power_cut=power_cut) < written:
                self._flush_wanted |= power_cut
                self._hurry_up()
            while self._safe(power_cut=power_cut) < written:
                # Closed: somebody did that meanwhile, and could not write all.
                over = self._attempts > tried or self._phase is _Phase.CLOSED
                if self._failure is not None and over:
                    raise self._explained(self._failure) from self._failure
                if deadline.passed:
                    return False
                self._changed.wait(_slice(deadline))
        return True

    def _safe(self, *, power_cut: bool) -> int:
        return self._flushed if power_cut else self._committed

    def close(self, deadline: Deadline) -> bool:
        """Write what is left and let go of the file; the next use opens it again.

        Returns:
            Whether that was done in time. If not, the thread goes on with it alone.

        Raises:
            StateError: What is left cannot be written. It is kept, and tried again by the next
                use.
        """
        with self._changed:
            while self._phase is _Phase.OPENING and not deadline.passed:
                self._changed.wait(_slice(deadline))
            writer = self._writer
            if self._phase is _Phase.OPEN:
                self._phase = _Phase.CLOSING
            opening = self._phase is _Phase.OPENING
        ended = writer.stop(deadline) if writer is not None else not opening
        with self._lock:
            failure = self._failure if self._waiting.count else None
        if failure is not None:
            raise self._explained(failure) from failure
        return ended

    def _open(self) -> StateFile:
        """Return the open file; the first that needs it opens it, the others wait for him.

        A file that is being closed is waited for: two threads that write would overtake each
        other.
        """
        if self._phase is _Phase.OPEN and (file := self._file) is not None:
            return file
        patience = Deadline(self.clock, 2 * BUSY_SECONDS)
        with self._changed:
            while self._phase in (_Phase.OPENING, _Phase.CLOSING):
                if patience.passed:
                    raise unusable(self.path, self._phase.value, "busy", self._language)
                self._changed.wait(SLICE)
            if self._file is not None:
                return self._file
            self._phase = _Phase.OPENING
        try:
            file = self._start()
        except BaseException:
            with self._changed:
                self._phase = _Phase.CLOSED
                self._changed.notify_all()
            raise
        return file

    def _start(self) -> StateFile:
        import sqlite3  # noqa: PLC0415 - only when used

        make_file(self.path, self._language)
        try:
            file = StateFile(self.path, self._migrations, self._language)
        except sqlite3.Error as error:
            raise self._explained(error) from error
        writer = Service("qqgroup-state", lambda: self._run(file), wake=self._hurry_up)
        try:
            writer.start()
        except BaseException:  # no more threads, or the process is ending
            file.close()
            raise
        with self._changed:
            self._file, self._writer, self._failure = file, writer, None
            self._phase = _Phase.OPEN
            self._changed.notify_all()
            if self._waiting.count:  # what could not be written the last time
                self._work.set()
        atexit.register(self._at_exit)
        forks.begin_anew_in_child(self)
        return file

    def _run(self, file: StateFile) -> None:
        try:
            ending = False
            while not ending:
                self.clock.wait(self._work, RETRY_SECONDS if self._failure else None)
                self.clock.wait(self._hurry, BATCH_SECONDS)
                ending = self._write_batch(file)
        except BaseException as error:
            with self._lock:
                self._failure = RuntimeError(f"the writer died: {error!r}")
                self._attempts += 1
            raise
        finally:
            file.close()
            atexit.unregister(self._at_exit)
            with self._changed:
                self._file = self._writer = None
                self._phase = _Phase.CLOSED
                self._changed.notify_all()

    def _write_batch(self, file: StateFile) -> bool:
        """Write what is waiting; return whether it was the last time."""
        with self._lock:
            self._work.clear()  # before the look, so that nothing which comes after it is missed
            self._hurry.clear()
            ending = self._phase is _Phase.CLOSING
            flushing, self._flush_wanted = self._flush_wanted or ending, False
            batch, written = self._waiting.take(), self._written
        failure = self._attempt(file, batch, flushing=flushing)
        with self._changed:
            before, self._failure = self._failure, failure
            self._attempts += 1
            if failure is None:
                self._waiting.done()
                self._committed = written
                self._flushed = written if flushing else self._flushed
            else:
                self._flush_wanted |= flushing  # who waits may not have seen that it failed
            self._changed.notify_all()
        if failure is not None and before is None:
            logger.error("%s", self._explained(failure))
        elif failure is None and before is not None:
            logger.info("%s is written again", self.path)
        return ending

    def _attempt(self, file: StateFile, batch: list[Change], *, flushing: bool) -> Exception | None:
        try:
            file.write(batch)
            due = self.clock.monotonic() - self._swept >= SWEEP_SECONDS
            if due and file.sweep(self.clock.time()) < SWEPT_AT_ONCE:
                self._swept = self.clock.monotonic()
            if flushing:
                file.flush()
        except Exception as error:  # whatever it was: the thread lives on and tries again
            return error
        return None

    def _hurry_up(self) -> None:
        self._hurry.set()
        self._work.set()

    def _explained(self, error: Exception) -> StateError:
        """Return an error of its own for everybody that it is raised to."""
        return unusable(self.path, str(error), trouble_of(error), self._language)

    def _at_exit(self) -> None:
        """Write the last batch of a script that ends without close()."""
        try:
            if not self.close(Deadline(self.clock, EXIT_SECONDS)):
                logger.error("%s: the last writes did not reach the disk in time", self.path)
        except StateError as error:
            logger.error("the last writes are lost: %s", error)


def _check(change: Change) -> None:
    """Refuse half a character here: in the writer it would block every write behind it."""
    for text in (change.namespace, change.key, change.entry.text if change.entry else ""):
        if not text.isascii():
            text.encode()


def _slice(deadline: Deadline) -> float:
    left = deadline.left()
    return SLICE if left is None else min(SLICE, left)


_shared: weakref.WeakValueDictionary[str, SqliteStore] = weakref.WeakValueDictionary()
_sharing = threading.Lock()


def store_at(
    place: Place | None, clock: Clock | None = None, *, language: str | None = None
) -> Store:
    """Return the store for what a bot's user keeps; it is not opened yet.

    Clients of one bot in this process (its shards, or the earlier client of a notebook) get the
    same one, so that each sees at once what the others write.

    Args:
        place: Where it lies; None means in memory, and for this caller alone.
        clock: Where time comes from.
        language: Language of cause and remedy in errors.
    """
    if place is None:
        return MemoryStore(clock)
    path = place.data
    with _sharing:
        store = _shared.get(str(path))
        if store is None:
            store = _shared[str(path)] = SqliteStore(path, clock, language=language)
    return store
