"""What the platform holds already, by content; and one upload for many who want the same."""

from __future__ import annotations

import hashlib
import itertools
import threading
import weakref
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from qqgroup_sync.errors import ContentRejected, MediaError, MediaRejected, StateError
from qqgroup_sync.media.ways import Lessons

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from qqgroup_sync.api.file_records import Upload
    from qqgroup_sync.media.builder import ChainBuilder
    from qqgroup_sync.media.sources import Source

T = TypeVar("T")

MARGIN = 60.0  # seconds before its end at which a file_info is no longer used
LONG_TERM = 24 * 3600.0  # for ttl 0, which the platform calls long term
MOST = 1_000
_CHUNK = 256 * 1024
_LOOK = 0.2  # seconds between two looks at the stop event
_EVERYBODYS = (MediaError, MediaRejected, ContentRejected)  # failures that are about the content


class Key(NamedTuple):
    """What makes two uploads the same.

    Attributes:
        digest: SHA-256 of the content.
        scene: group or c2c: the platform takes no ``file_info`` of the other one.
        file_type: As the upload endpoint counts.
        name: File name, where it is shown.
        variant: How the content is changed on its way, such as a bit rate.
    """

    digest: bytes
    scene: str
    file_type: int
    name: str
    variant: str


class Held(NamedTuple):
    """Something that the platform holds.

    Attributes:
        file_info: What a message names it by.
        raw_url: Public link; empty when there is none. Never logged.
        expires: When it is no longer used, on the monotonic clock.
    """

    file_info: str
    raw_url: str
    expires: float

    @classmethod
    def of(cls, upload: Upload, now: float) -> Held:
        """Return what an upload brought."""
        life = upload.ttl - MARGIN if upload.ttl > 0 else LONG_TERM
        return cls(upload.file_info, upload.raw_url, now + life)

    def __repr__(self) -> str:
        return f"<Held until {self.expires:.0f}>"


def digest(source: Source) -> bytes:
    """Return the SHA-256 of what is to be sent, read in pieces.

    What was added at the end of a file since it was checked is not sent, so it does not count.
    """
    found, left = hashlib.sha256(), source.size
    with source.open() as file:
        while chunk := file.read(min(_CHUNK, left)):
            found.update(chunk)
            left -= len(chunk)
    return found.digest()


_numbers = itertools.count(1)
_numbered: dict[int, tuple[weakref.ref[ChainBuilder], int]] = {}


def named(builder: ChainBuilder) -> str:
    """Return what tells builders apart that may make something else of the same content.

    Those of this package never do; two of a user's class may. The numbers go by identity, because
    a user's class may define what equal means.
    """
    kind = type(builder)
    if kind.__module__.startswith("qqgroup_sync.") and not _is_changed(builder):
        return f"{kind.__module__} {kind.__qualname__}"
    place = id(builder)
    known = _numbered.get(place)
    if known is None or known[0]() is not builder:
        gone = weakref.ref(builder, lambda _: _numbered.pop(place, None))
        known = _numbered[place] = (gone, next(_numbers))
    return f"builder {known[1]}"


def _is_changed(builder: ChainBuilder) -> bool:
    """Tell whether a method was replaced in this very instance."""
    return any(name.startswith("get_") or name == "hand_over" for name in vars(builder))


class FileInfos:
    """The uploads of late, the least used forgotten first. Thread-safe.

    Args:
        most: How many are remembered.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._held: OrderedDict[Key, Held] = OrderedDict()

    def get(self, key: Key, now: float) -> Held | None:
        """Return what the platform holds under this key, unless it has expired."""
        with self._lock:
            held = self._held.get(key)
            if held is None:
                return None
            if held.expires <= now:
                del self._held[key]
                return None
            self._held.move_to_end(key)
            return held

    def put(self, key: Key, held: Held) -> None:
        """Remember an upload."""
        with self._lock:
            self._held[key] = held
            self._held.move_to_end(key)
            while len(self._held) > self._most:
                self._held.popitem(last=False)

    def forget(self, file_info: str) -> None:
        """Drop a ``file_info`` that the platform no longer takes."""
        with self._lock:
            gone = [key for key, held in self._held.items() if held.file_info == file_info]
            for key in gone:
                del self._held[key]

    def __len__(self) -> int:
        return len(self._held)


class _Flight(Generic[T]):
    """One upload under way."""

    __slots__ = ("done", "failure", "result")

    def __init__(self) -> None:
        self.done = threading.Event()
        self.result: list[T] = []
        self.failure: BaseException | None = None


class Flights(Generic[T]):
    """Lets one of many threads that want the same do it, while the others wait.

    A failure that is about the content is everybody's; after any other one (a group that is gone,
    a limit) each of those who waited tries by itself, since it may be about the first one's chat.

    Args:
        stop: Ends every wait.
    """

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._lock = threading.Lock()  # held for the look-up only, never during an upload
        self._under_way: dict[Hashable, _Flight[T]] = {}

    def run(self, key: Hashable, do: Callable[[], T]) -> T:
        """Return what ``do`` returns here or, for the same key, in another thread right now.

        Raises:
            StateError: The client stops.
        """
        with self._lock:
            flight = self._under_way.get(key)
            first = flight is None
            if flight is None:
                flight = self._under_way[key] = _Flight()
        if not first:
            self._wait(flight)
            if flight.result:
                return flight.result[0]
            if isinstance(flight.failure, _EVERYBODYS):
                raise flight.failure
            return do()
        try:
            flight.result.append(do())
        except BaseException as error:
            flight.failure = error
            raise
        finally:
            with self._lock:
                del self._under_way[key]
            flight.done.set()
        return flight.result[0]

    def _wait(self, flight: _Flight[T]) -> None:
        while not flight.done.wait(_LOOK):
            if self._stop.is_set():
                raise StateError("the upload was given up: the client stops")


@dataclass(frozen=True, slots=True)
class MediaMemory:
    """What outlives one start of a client: uploads, and what the platform does not take."""

    lessons: Lessons = field(default_factory=Lessons)
    file_infos: FileInfos = field(default_factory=FileInfos)
    _flights: weakref.WeakKeyDictionary[threading.Event, Flights[Held]] = field(
        default_factory=weakref.WeakKeyDictionary
    )

    def flights(self, stop: threading.Event) -> Flights[Held]:
        """Return the uploads under way of the start that ``stop`` ends.

        Each start has its own: nobody waits for a thread that an earlier one left behind.
        """
        flights = self._flights.get(stop)
        return flights or self._flights.setdefault(stop, Flights(stop))
