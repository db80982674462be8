"""What is published on one port: by whom, under which name, for how long."""

from __future__ import annotations

import math
import secrets
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qqgroup_sync.errors import StateError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from qqgroup_sync.media.resource_app import Published
    from qqgroup_sync.media.temp_files import TempFiles
    from qqgroup_sync.runtime.clock import Clock


@dataclass(frozen=True, slots=True)
class Entry:
    """One published file."""

    published: Published
    ends: float
    lease: Hashable


class Shelf:
    """What is published on one port; safe from any thread."""

    def __init__(self, files: TempFiles, clock: Clock) -> None:
        self._files = files
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: dict[str, Entry] = {}
        self._leases: set[Hashable] = set()
        self._next_end = math.inf  # when the first of them must go, or earlier
        self.requests = 0

    @property
    def leases(self) -> list[Any]:
        """Those who may publish."""
        with self._lock:
            return list(self._leases)

    def enter(self, lease: Hashable) -> None:
        """Let a lease publish."""
        with self._lock:
            self._leases.add(lease)

    def leave(self, lease: Hashable) -> None:
        """Withdraw everything of a lease, which publishes nothing any more."""
        with self._lock:
            self._leases.discard(lease)
        self.withdraw(lambda _name, entry: entry.lease is lease)

    def publish(self, lease: Hashable, published: Published, suffix: str, lifetime: float) -> str:
        """Enter a file in the list; return its name."""
        self.expire()
        name = secrets.token_hex(16) + suffix
        entry = Entry(published, self._clock.monotonic() + lifetime, lease)
        with self._lock:
            present = lease in self._leases
            if present:
                self._entries[name] = entry
                self._next_end = min(self._next_end, entry.ends)
        if not present:
            self._delete([entry])
            raise StateError("the resource service was stopped while something was published")
        return name

    def find(self, name: str) -> Published | None:
        """Return what a client may have under this name, and count that it was asked for."""
        published = self.look(name)
        if published is not None:
            self.count()
        return published

    def look(self, name: str) -> Published | None:
        """Return what a client may have under this name."""
        now = self._clock.monotonic()
        with self._lock:
            entry = self._entries.get(name)
        return entry.published if entry is not None and entry.ends > now else None

    def count(self) -> None:
        """Count that something was asked for."""
        with self._lock:
            self.requests += 1

    def withdraw(self, which: Callable[[str, Entry], bool]) -> None:
        """Strike entries from the list and delete their files."""
        with self._lock:
            gone = {name: entry for name, entry in self._entries.items() if which(name, entry)}
            for name in gone:
                del self._entries[name]
        self._delete(list(gone.values()))

    def expire(self) -> bool:
        """Withdraw what has lived its time; return whether anything is left."""
        now = self._clock.monotonic()
        if now >= self._next_end:
            self.withdraw(lambda _name, entry: entry.ends <= now)
            with self._lock:
                ends = [entry.ends for entry in self._entries.values()]
                self._next_end = min(ends, default=math.inf)
        return bool(self._entries)

    def _delete(self, entries: list[Entry]) -> None:
        with self._lock:
            needed = {entry.published.path for entry in self._entries.values()}
        for entry in entries:
            if entry.published.path not in needed:
                self._files.remove(entry.published.path)
