"""An SQLite file with entries in it: opened, brought up to date, read and written.

It does not know when something is written, nor what the entries mean.
"""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING, Any

from qqgroup_sync.state.places import MovedError, too_new, unusable

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from qqgroup_sync.state.store import Change

    Migration = Callable[[sqlite3.Connection], Any]

BUSY_SECONDS = 5.0  # how long another process may hold the file
CHECKED_BYTES = 64 * 1024 * 1024  # a file up to this size is checked as a whole when it is opened
SWEPT_AT_ONCE = 1000
IDLE_READERS = 4  # connections kept open


def _create(connection: sqlite3.Connection) -> None:
    connection.execute(
        "CREATE TABLE entries (namespace TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,"
        " expires REAL, PRIMARY KEY (namespace, key))"
    )
    connection.execute("CREATE INDEX expiring ON entries (expires) WHERE expires IS NOT NULL")


# The k-th brings a file from format k to k + 1; the format is the file's user_version. Never
# change one that was released: add the next.
MIGRATIONS: tuple[Migration, ...] = (_create,)


class StateFile:
    """One opening of the file: a connection to write with, and as many as needed to read.

    No connection is used by two threads at once.

    Raises:
        StateError: It belongs to another program, or to a newer version.
        sqlite3.Error: It is damaged, or cannot be opened.
    """

    def __init__(self, path: Path, migrations: Sequence[Migration], language: str | None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._closed = False
        self._connection = self._connect()
        try:
            self._prepare(migrations, language)
            self._identity = _identity(path)
        except BaseException:
            self._connection.close()
            raise

    def _connect(self) -> sqlite3.Connection:
        import sqlite3  # noqa: PLC0415 - only when used

        return sqlite3.connect(
            self._path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )

    def _prepare(self, migrations: Sequence[Migration], language: str | None) -> None:
        import sqlite3  # noqa: PLC0415 - only when used

        version = self._version()
        tables = {name for (name,) in self._all("SELECT name FROM sqlite_master")}
        if (version or tables) and "entries" not in tables:
            raise unusable(self._path, "it has other tables", "foreign", language)
        if version > len(migrations):
            raise too_new(self._path, version, len(migrations), language)
        if version and self._path.stat().st_size <= CHECKED_BYTES:
            ((verdict,),) = self._all("PRAGMA quick_check(1)")
            if verdict != "ok":
                raise sqlite3.DatabaseError(verdict.splitlines()[-1])
        self._write_ahead()
        self._all("PRAGMA synchronous=NORMAL")
        self._all("PRAGMA journal_size_limit=4194304")
        if version < len(migrations):
            with self._transaction():
                for migrate in migrations[self._version() :]:  # another process may have been first
                    migrate(self._connection)
                self._all(f"PRAGMA user_version={len(migrations)}")

    def _write_ahead(self) -> None:
        """Switch to a write-ahead log; SQLite itself does not wait here for another process."""
        import sqlite3  # noqa: PLC0415 - only when used

        ends = time.monotonic() + BUSY_SECONDS
        while True:
            try:
                self._all("PRAGMA journal_mode=WAL")
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > ends:
                    raise
                threading.Event().wait(0.02)
            else:
                return

    def _version(self) -> int:
        ((version,),) = self._all("PRAGMA user_version")
        return int(version)

    def _all(self, statement: str) -> list[Any]:
        return self._connection.execute(statement).fetchall()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:  # some failures roll back by themselves
                self._connection.execute("ROLLBACK")
            raise

    def fetch(self, query: str, arguments: tuple[str | float, ...]) -> list[Any]:
        """Return the rows of a query; from any thread, also while others read or write."""
        with self._lock:
            reader = self._idle.pop() if self._idle else None
        reader = reader or self._connect()
        try:
            return reader.execute(query, arguments).fetchall()
        finally:
            with self._lock:
                keep = not self._closed and len(self._idle) < IDLE_READERS
                if keep:
                    self._idle.append(reader)
            if not keep:
                reader.close()

    def write(self, batch: list[Change]) -> None:
        """Commit changes, each key at most once, in one transaction."""
        if _identity(self._path) != self._identity:
            raise MovedError("what is written there now is another file, or none")
        if not batch:
            return
        gone = [(one.namespace, one.key) for one in batch if one.entry is None]
        there = [(one.namespace, one.key, *one.entry) for one in batch if one.entry is not None]
        with self._transaction():
            self._connection.executemany(
                "DELETE FROM entries WHERE namespace = ? AND key = ?", gone
            )
            self._connection.executemany(
                "INSERT INTO entries (namespace, key, value, expires) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (namespace, key) DO UPDATE"
                " SET value = excluded.value, expires = excluded.expires",
                there,
            )

    def sweep(self, now: float) -> int:
        """Delete some of what has expired; return how many."""
        with self._transaction():
            return self._connection.execute(
                "DELETE FROM entries WHERE rowid IN"
                " (SELECT rowid FROM entries WHERE expires <= ? LIMIT ?)",
                (now, SWEPT_AT_ONCE),
            ).rowcount

    def flush(self) -> None:
        """Wait until a power cut cannot take back what was committed."""
        self._all("PRAGMA wal_checkpoint(PASSIVE)")  # it syncs the log before anything else

    def close(self) -> None:
        """Close the connections; one that is being read from is closed by its reader."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in (*idle, self._connection):
            connection.close()


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
