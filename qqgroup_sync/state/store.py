"""What every store can do, and the one that lives in memory.

A store holds texts under a key within a namespace. It does not know what the texts mean, nor
whose they are.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, NamedTuple, Protocol, final

from qqgroup_sync.runtime.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from qqgroup_sync.runtime.clock import Deadline

MOST_WAITING = 20_000  # writes in memory; a writer beyond that waits for the disk
MOST_WAITING_CHARACTERS = 32 * 1024 * 1024
MOST_RECENT = 2000  # entries kept in memory though they are on disk
MOST_RECENT_CHARACTERS = 1024 * 1024
SWEEP_SECONDS = 60.0  # at most once in so many is looked for what has expired


class Entry(NamedTuple):
    """What stands under a key.

    Attributes:
        text: The value.
        expires: Unix seconds from which on it is gone; None means never.
    """

    text: str
    expires: float | None = None


class Change(NamedTuple):
    """One write.

    Attributes:
        namespace: Where the key stands.
        key: Of the entry.
        entry: What stands there from now on; None deletes.
    """

    namespace: str
    key: str
    entry: Entry | None


class Store(Protocol):
    """Texts by namespace and key; safe from any thread.

    What one thread has written, every thread of the process reads from then on. An expired entry
    is gone for every method.
    """

    @property
    def clock(self) -> Clock:
        """Where time comes from."""
        ...

    def get(self, namespace: str, key: str) -> Entry | None:
        """Return what stands under a key; None when nothing does."""
        ...

    def entries(self, namespace: str) -> dict[str, Entry]:
        """Return everything in a namespace; in no promised order."""
        ...

    def keys(self, namespace: str) -> list[str]:
        """Return the keys of a namespace without reading the values; in no promised order."""
        ...

    def write(self, changes: Iterable[Change], *, unless: Watch | None = None) -> bool:
        """Make all changes, or none of them: also on disk, whenever the process dies.

        Args:
            changes: When a key comes twice, the last one counts.
            unless: When its key was changed meanwhile, nothing is written.

        Returns:
            Whether they were made; always True without ``unless``.
        """
        ...

    def watch(self, namespace: str, key: str) -> Watch:
        """Return a watch on changes of this key from now on; use it in ``with``.

        Reading under a watch and then writing ``unless`` it saw a change is one step that nobody
        comes in between of, without a lock that anybody could wait for.
        """
        ...

    def flush(self, deadline: Deadline | None = None, *, power_cut: bool = True) -> bool:
        """Wait until everything written before is on disk; return whether it is.

        Args:
            deadline: When to give up.
            power_cut: Whether it has to outlive the machine, too, and not only this process.
        """
        ...

    def close(self, deadline: Deadline) -> bool:
        """Write what is left and let go of the file; return whether that was done in time.

        The next use opens the store again.
        """
        ...


@final
class Watch:
    """Sees whether a key is changed while the ``with`` block runs.

    Attributes:
        changed_by: Identifier of the thread that changed the key first; None so far.
    """

    __slots__ = ("_watches", "changed_by", "key", "namespace")

    def __init__(self, watches: Watches, namespace: str, key: str) -> None:
        self._watches = watches
        self.namespace = namespace
        self.key = key
        self.changed_by: int | None = None

    def __enter__(self) -> Watch:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._watches.remove(self)


class Watches:
    """The watches of a store.

    Args:
        lock: The store's. Its owner calls :meth:`saw` while holding it, together with the change.
    """

    def __init__(self, lock: threading.Lock) -> None:
        self._lock = lock
        self._by_key: dict[tuple[str, str], list[Watch]] = {}

    def add(self, namespace: str, key: str) -> Watch:
        """Return a new watch."""
        watch = Watch(self, namespace, key)
        with self._lock:
            self._by_key.setdefault((namespace, key), []).append(watch)
        return watch

    def remove(self, watch: Watch) -> None:
        """Forget a watch, whether or not it saw a change."""
        name = (watch.namespace, watch.key)
        with self._lock:
            watching = self._by_key.get(name, [])
            if watch in watching:
                watching.remove(watch)
                if not watching:
                    del self._by_key[name]

    def saw(self, change: Change) -> None:
        """Tell the watches of a key that it is being changed by this thread."""
        if self._by_key:
            for watch in self._by_key.pop((change.namespace, change.key), ()):
                watch.changed_by = threading.get_ident()


class Waiting:
    """Writes that are not on disk yet; the store's lock guards it."""

    def __init__(self) -> None:
        self._fresh: dict[str, dict[str, Change]] = {}
        self._taken: dict[str, dict[str, Change]] = {}  # by the writer, perhaps not yet committed
        self._recent: dict[str, dict[str, Change]] = {}  # committed last: likely asked for again
        self.count = 0  # of all that may not be on disk
        self._characters = 0

    @property
    def is_full(self) -> bool:
        """Whether the disk must catch up first."""
        return self.count >= MOST_WAITING or self._characters >= MOST_WAITING_CHARACTERS

    def add(self, change: Change) -> None:
        """Put a change in the place of an earlier one of the same key."""
        self._fresh.setdefault(change.namespace, {})[change.key] = change
        self.count += 1
        self._characters += len(change.entry.text) if change.entry is not None else 0

    def get(self, namespace: str, key: str) -> Change | None:
        """Return the newest change of a key."""
        for waiting in (self._fresh, self._taken, self._recent):
            if (changes := waiting.get(namespace)) and (change := changes.get(key)):
                return change
        return None

    def of(self, namespace: str) -> dict[str, Change]:
        """Return the newest changes in a namespace."""
        return {**self._taken.get(namespace, {}), **self._fresh.get(namespace, {})}

    def take(self) -> list[Change]:
        """Return everything, with what was taken before and not done."""
        if self._taken:
            self._taken = {
                namespace: self.of(namespace) for namespace in {**self._taken, **self._fresh}
            }
        else:
            self._taken = self._fresh
        self._fresh = {}
        return [change for changes in self._taken.values() for change in changes.values()]

    def done(self) -> None:
        """Count what was taken as committed."""
        count, characters = _sizes(self._taken)
        fits = count <= MOST_RECENT and characters <= MOST_RECENT_CHARACTERS
        self._recent, self._taken = self._taken if fits else {}, {}
        self.count, self._characters = _sizes(self._fresh)


def _sizes(waiting: dict[str, dict[str, Change]]) -> tuple[int, int]:
    entries = [change.entry for changes in waiting.values() for change in changes.values()]
    return len(entries), sum(len(entry.text) for entry in entries if entry is not None)


class MemoryStore:
    """A store that ends with the process.

    Closing it changes nothing: what it holds is there when the client starts again.

    Args:
        clock: Where time comes from.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self._lock = threading.Lock()
        self._namespaces: dict[str, dict[str, Entry]] = {}
        self._watches = Watches(self._lock)
        self._swept = self.clock.monotonic()

    def get(self, namespace: str, key: str) -> Entry | None:
        """Return what stands under a key; None when nothing does."""
        now = self.clock.time()
        with self._lock:
            entry = self._namespaces.get(namespace, {}).get(key)
        return entry if entry is not None and is_alive(entry, now) else None

    def entries(self, namespace: str) -> dict[str, Entry]:
        """Return everything in a namespace."""
        now = self.clock.time()
        with self._lock:
            found = self._namespaces.get(namespace, {}).copy()
        return {key: entry for key, entry in found.items() if is_alive(entry, now)}

    def keys(self, namespace: str) -> list[str]:
        """Return the keys of a namespace."""
        return list(self.entries(namespace))

    def write(self, changes: Iterable[Change], *, unless: Watch | None = None) -> bool:
        """Make all changes, or none of them."""
        changes = list(changes)
        with self._lock:
            if unless is not None and unless.changed_by is not None:
                return False
            for change in changes:
                self._watches.saw(change)
                self._apply(change)
            if self.clock.monotonic() - self._swept >= SWEEP_SECONDS:
                self._sweep()
        return True

    def _apply(self, change: Change) -> None:
        if change.entry is not None:
            self._namespaces.setdefault(change.namespace, {})[change.key] = change.entry
        elif change.namespace in self._namespaces:
            entries = self._namespaces[change.namespace]
            entries.pop(change.key, None)
            if not entries:
                del self._namespaces[change.namespace]

    def _sweep(self) -> None:
        self._swept, now = self.clock.monotonic(), self.clock.time()
        for namespace, entries in list(self._namespaces.items()):
            for key in [key for key, entry in entries.items() if not is_alive(entry, now)]:
                self._apply(Change(namespace, key, None))

    def watch(self, namespace: str, key: str) -> Watch:
        """Return a watch on changes of this key from now on."""
        return self._watches.add(namespace, key)

    def flush(self, deadline: Deadline | None = None, *, power_cut: bool = True) -> bool:
        """Return True: there is no disk to wait for."""
        return True

    def close(self, deadline: Deadline) -> bool:
        """Return True: there is nothing to let go of."""
        return True


def is_alive(entry: Entry, now: float) -> bool:
    """Return whether an entry has not expired."""
    return entry.expires is None or entry.expires > now
