"""Storage: what users keep, as a dict of JSON values.

It does not know where the values lie, nor whether that outlives the process.
"""

from __future__ import annotations

import math
import threading
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload
from urllib.parse import quote

from qqgroup_sync.errors import ConfigError, QQGroupError, StateError, Text
from qqgroup_sync.masking import mask
from qqgroup_sync.runtime.clock import Deadline
from qqgroup_sync.state.json_values import JSON, decoded, encoded, kind, short, size
from qqgroup_sync.state.store import Change, Entry

if TYPE_CHECKING:
    from collections.abc import Callable, ItemsView, Iterator, KeysView, ValuesView

    from qqgroup_sync.state.store import Store

Default = TypeVar("Default")

KEY_LIMIT = 1024  # bytes
SHOWN_KEYS = 10

_MISSING: Any = object()


class Storage(MutableMapping[str, JSON]):
    """A dict that lies in a store: keys are str, values are JSON; safe from any thread.

    What is read is a fresh copy: changing it changes nothing here until it is assigned::

        scores = storage.get("scores", [])
        scores.append(3)
        storage["scores"] = scores

    Between the reading and the assignment another thread may change the value; :meth:`change`
    and :meth:`increment` leave no such gap. Tuples come back as lists.

    All methods may block for a moment when the disk cannot keep up, and raise StateError when the
    store cannot be used. ``keys``, ``values``, ``items`` and iteration show one moment.

    Args:
        store: Where the values lie.
        scope: Whose they are, such as ``("group", openid)``.
        language: Language of cause and remedy in errors.
    """

    def __init__(self, store: Store, scope: tuple[str, ...], language: str | None = None) -> None:
        self._store = store
        self._scope = scope
        self._namespace = "/".join(quote(part, "", errors="surrogatepass") for part in scope)
        self._language = language

    def __getitem__(self, key: str) -> JSON:
        entry = self._store.get(self._namespace, self._key(key))
        if entry is None:
            raise KeyError(key)
        return self._decoded(entry.text)

    def __setitem__(self, key: str, value: JSON) -> None:
        self.set(key, value)

    def __delitem__(self, key: str) -> None:
        self.pop(key)

    def __contains__(self, key: object) -> bool:
        return self._store.get(self._namespace, self._key(key)) is not None

    def __iter__(self) -> Iterator[str]:
        return iter(self._store.keys(self._namespace))

    def __len__(self) -> int:
        return len(self._store.keys(self._namespace))

    def __repr__(self) -> str:
        whose = " ".join(self._scope[:1] + tuple(map(short, self._scope[1:])))
        try:
            keys = list(self)
        except QQGroupError as error:
            return mask(f"<Storage of {whose}: {error.summary}>")
        shown = [short(key) for key in keys[:SHOWN_KEYS]] + ["..."] * (len(keys) > SHOWN_KEYS)
        count = f"{len(keys)} key{'' if len(keys) == 1 else 's'}"
        return mask(f"<Storage of {whose}: {count}{': ' * bool(keys)}{', '.join(shown)}>")

    def keys(self) -> KeysView[str]:
        """Return the keys of this moment."""
        return dict.fromkeys(self).keys()

    def values(self) -> ValuesView[JSON]:
        """Return copies of the values of this moment."""
        return self.copy().values()

    def items(self) -> ItemsView[str, JSON]:
        """Return the keys, with copies of the values, of this moment."""
        return self.copy().items()

    def copy(self) -> dict[str, JSON]:
        """Return everything as a dict of its own."""
        entries = self._store.entries(self._namespace)
        return {key: self._decoded(entry.text) for key, entry in entries.items()}

    def set(self, key: str, value: JSON, *, expires: float | None = None) -> None:
        """Put a value under a key; the same as ``storage[key] = value``, but it may expire.

        Args:
            key: At most 1024 bytes of UTF-8.
            value: At most 1 MiB of JSON.
            expires: Seconds from now after which the key is gone; None means never, also when
                the value that stood there before would have expired.

        Raises:
            ConfigError: The key is no str, or the value no JSON.
        """
        ends = self._ends(expires)
        self._write((self._change(key, value, ends),))

    def change(
        self,
        key: str,
        function: Callable[[JSON], JSON],
        default: JSON = None,
        expires: float | None = None,
    ) -> JSON:
        """Replace a value by what a function makes of it; nobody comes in between.

        ``function`` is called without any lock. When another thread changed the key meanwhile it
        is called again with the new value. So it must be quick, and do nothing but compute. It
        may use other keys, but not change this one.

        Args:
            key: What to change.
            function: Gets a copy of the value, or of ``default``; returns the new value. When it
                raises, nothing is changed.
            default: What it gets when there is no value.
            expires: Seconds from now after which the key is gone; None leaves that as it is.

        Returns:
            The new value.

        Raises:
            ConfigError: The key is no str, or the new value no JSON.
            StateError: ``function`` itself changed this key.
        """
        key = self._key(key)
        start, ends = self._encoded(key, default), self._ends(expires)

        def changed(entry: Entry | None) -> Entry:
            value = function(self._decoded(entry.text if entry is not None else start))
            kept = entry.expires if entry is not None else None
            return Entry(self._encoded(key, value), kept if ends is None else ends)

        return self._decoded(self._exchange(key, changed)[1].text)

    def increment(self, key: str, by: int = 1) -> int:
        """Add to a number, which is 0 while there is none; nobody comes in between.

        Returns:
            The new number. When the key expires does not change.

        Raises:
            ConfigError: What stands under the key, or ``by``, is no int.
        """
        key = self._key(key)
        self._integer(key, by)
        return int(self.change(key, lambda value: self._integer(key, value) + by, default=0))

    @overload
    def pop(self, key: str, /) -> JSON: ...
    @overload
    def pop(self, key: str, /, default: JSON | Default) -> JSON | Default: ...
    def pop(self, key: str, /, default: Any = _MISSING) -> Any:
        """Delete a key and return its value; of several threads only one gets it.

        Raises:
            KeyError: There is no such key, and no default was given.
        """
        before = self._exchange(key, lambda _: None)[0]
        if before is None and default is _MISSING:
            raise KeyError(key)
        return default if before is None else self._decoded(before.text)

    def popitem(self) -> tuple[str, JSON]:
        """Delete some key and return it with its value; of several threads only one gets it.

        Raises:
            KeyError: There is nothing.
        """
        for key in self:
            value = self.pop(key, _MISSING)
            if value is not _MISSING:
                return key, value
        raise KeyError("the storage is empty")

    def setdefault(self, key: str, default: JSON = None) -> JSON:
        """Return a copy of the value; when there is none, put ``default`` there before."""
        key = self._key(key)
        fresh = Entry(self._encoded(key, default))
        entry = self._exchange(key, lambda entry: entry if entry is not None else fresh)[1]
        return self._decoded(entry.text)

    def update(self, *values: Any, **more: JSON) -> None:
        """Put all of these values there, or none of them; takes what ``dict()`` takes."""
        self._write([self._change(key, value) for key, value in dict(*values, **more).items()])

    def clear(self) -> None:
        """Delete everything that is there at this moment, in one step."""
        keys = self._store.keys(self._namespace)
        self._write([Change(self._namespace, key, None) for key in keys])

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until everything written before is on disk, of all storages of the bot.

        Args:
            timeout: Seconds; None waits for as long as it takes.

        Returns:
            Whether it is.

        Raises:
            StateError: It cannot be written.
        """
        return self._store.flush(Deadline(self._store.clock, timeout))

    def _write(self, changes: Any) -> None:
        self._store.write(changes)

    def _exchange(
        self, key: str, function: Callable[[Entry | None], Any]
    ) -> tuple[Entry | None, Any]:
        """Replace an entry by what the function makes of it; return both.

        Compare and retry: somebody always succeeds, and nobody waits for a lock that the user's
        function could hold, or want.
        """
        key = self._key(key)
        while True:
            with self._store.watch(self._namespace, key) as watch:
                before = self._store.get(self._namespace, key)
                after = function(before)
                if after == before and watch.changed_by is None:
                    return before, after
                change = Change(self._namespace, key, after)
                if self._store.write((change,), unless=watch):
                    return before, after
            if watch.changed_by == threading.get_ident():
                raise StateError(
                    f"the function that changes {short(key)} changed it on its own as well",
                    remedy=Text(
                        "Let it return the new value; it may use other keys only.",
                        "请让函数返回新值；函数内只能使用其他键。",
                    ),
                    language=self._language,
                )

    def _change(self, key: str, value: JSON, ends: float | None = None) -> Change:
        key = self._key(key)
        return Change(self._namespace, key, Entry(self._encoded(key, value), ends))

    def _key(self, key: object) -> str:
        if not isinstance(key, str):
            raise self._refused(
                f"a key must be a str, not {kind(key)}",
                Text("Use str(key).", "请使用 str(key)。"),
            )
        length = size(key)
        if length is None or length > KEY_LIMIT:
            reason = "no valid text" if length is None else f"{length} bytes long"
            raise self._refused(
                f"the key {short(key)} is {reason}",
                Text(
                    f"Keys have at most {KEY_LIMIT} bytes of UTF-8.",
                    f"键的 UTF-8 长度不能超过 {KEY_LIMIT} 字节。",
                ),
            )
        return key if type(key) is str else str.__str__(key)  # an enum's member, say

    def _encoded(self, key: str, value: JSON) -> str:
        return encoded(value, f"the value of {short(key)}", self._language)

    def _decoded(self, text: str) -> JSON:
        return decoded(text, f"the storage of {self._scope[0]}", self._language)

    def _ends(self, expires: float | None) -> float | None:
        if expires is None:
            return None
        good = isinstance(expires, int | float) and not isinstance(expires, bool)
        if not good or not 0 < expires < math.inf:
            raise self._refused(
                f"expires={expires!r} is not possible",
                Text("Pass seconds above 0.", "请传入大于 0 的秒数。"),
            )
        return self._store.clock.time() + expires

    def _integer(self, key: str, value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise self._refused(
                f"{short(key)} cannot be incremented: {kind(value)} is no int",
                Text("Use change() for other values.", "其他类型的值请使用 change()。"),
            )
        return value

    def _refused(self, summary: str, remedy: Text) -> ConfigError:
        return ConfigError(summary, remedy=remedy, language=self._language)


class BotStorage(Storage):
    """The storage of a bot, and the way to those of users and groups.

    Args:
        store: Where the values lie.
        language: Language of cause and remedy in errors.
    """

    def __init__(self, store: Store, language: str | None = None) -> None:
        super().__init__(store, ("bot",), language)

    def user(self, openid: str) -> Storage:
        """Return what is kept of a person, wherever he writes under this openid."""
        return self._part("user", openid)

    def group(self, openid: str) -> Storage:
        """Return what is kept of a group."""
        return self._part("group", openid)

    def conversation(self, scene: Literal["group", "c2c"], openid: str) -> Storage:
        """Return what is kept of a conversation: a group's is that of :meth:`group`.

        Args:
            scene: ``group``, or ``c2c`` for a private chat.
            openid: Of the group, or of the other person.
        """
        return self._part(self._scene(scene), openid)

    def session(self, scene: Literal["group", "c2c"], openid: str, member: str) -> Storage:
        """Return what is kept of one person in one conversation.

        Args:
            scene: ``group``, or ``c2c`` for a private chat.
            openid: Of the group, or of the other person.
            member: The person.
        """
        return self._part("session", self._scene(scene), openid, member)

    def _part(self, kind: str, *names: str) -> Storage:
        for name in names:
            if not isinstance(name, str) or not name:
                raise self._refused(
                    f"{name!r} is no openid",
                    Text("Pass an openid from a message.", "请传入消息里的 openid。"),
                )
        return Storage(self._store, (kind, *names), self._language)

    def _scene(self, scene: str) -> str:
        if scene not in ("group", "c2c"):
            raise self._refused(
                f"scene={scene!r} does not exist",
                Text("Use 'group' or 'c2c'.", "请使用 'group' 或 'c2c'。"),
            )
        return scene
