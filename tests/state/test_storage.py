"""Storage: a dict of JSON values with expiry, the same in memory and in a file."""

from __future__ import annotations

import collections
import datetime as dt
import decimal
import enum
import json
import shutil
import tempfile
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from qqgroup_sync.errors import ConfigError, StateError
from qqgroup_sync.state.sqlite import SqliteStore
from qqgroup_sync.state.storage import BotStorage
from qqgroup_sync.state.store import Change, Entry, MemoryStore
from tests.state import HandClock, soon


@pytest.fixture
def clock():
    """Return a clock that a waiting thread does not move."""
    return HandClock()


@pytest.fixture(params=["memory", "sqlite"])
def bot(request, tmp_path, clock):
    """Return the storage of a bot in each kind of store."""
    memory = request.param == "memory"
    store = MemoryStore(clock) if memory else SqliteStore(tmp_path / "data.sqlite", clock)
    yield BotStorage(store, "en")
    store.close(soon())


@pytest.fixture
def storage(bot):
    """Return the storage of a group."""
    return bot.group("G")


def test_it_is_a_dict(storage):
    """All that people do with a dict."""
    storage["score"] = 3
    storage["name"] = "小明"
    assert storage["score"] == 3
    assert "score" in storage
    assert "none" not in storage
    assert len(storage) == 2
    assert sorted(storage) == sorted(storage.keys()) == ["name", "score"]
    assert dict(storage) == storage.copy() == {"score": 3, "name": "小明"}
    assert storage == {"score": 3, "name": "小明"}
    assert sorted(map(str, storage.values())) == ["3", "小明"]
    assert ("score", 3) in storage.items()
    assert storage.get("none") is None
    assert storage.get("none", 5) == 5
    del storage["score"]
    assert storage.pop("name") == "小明"
    assert not storage
    assert storage.pop("name", None) is None
    assert storage.setdefault("list", []) == []
    assert storage.setdefault("list", [1]) == []
    storage.update({"a": 1}, b=2)
    storage.update([("c", 3)])
    assert storage.popitem()[0] in {"a", "b", "c", "list"}
    assert len(storage) == 3
    storage.clear()
    storage.clear()
    assert storage == {}


def test_missing_keys(storage):
    """They raise KeyError, as in any dict."""
    for action in (
        lambda: storage["none"],
        lambda: storage.pop("none"),
        lambda: storage.__delitem__("none"),
        storage.popitem,
    ):
        with pytest.raises(KeyError):
            action()


@pytest.mark.parametrize(
    ("value", "back"),
    [
        *(
            (one, one)
            for one in (None, True, False, 0, -5, 2**2000, 0.1, 1e300, "", "小明\0\ud800")
        ),
        ([1, [2.5, None]], [1, [2.5, None]]),
        ({"": {"a": []}}, {"": {"a": []}}),
        ((1, (2,)), [1, [2]]),
        (collections.OrderedDict(a=1), {"a": 1}),
        (enum.IntEnum("Level", "LOW HIGH").HIGH, 2),
        ("x" * (1024 * 1024 - 2), "x" * (1024 * 1024 - 2)),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_json_values_come_back(storage, value, back):
    """Equal, of the same type; tuples as lists."""
    storage["k"] = value
    assert storage["k"] == back
    assert type(storage["k"]) is type(back)


ITSELF = []
ITSELF.append(ITSELF)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({1, 2}, r"the value of 'k' is a set, which is no JSON"),
        ({"items": [0, dt.date(2026, 1, 1)]}, r"of 'k'\['items'\]\[1\] is a date, which is"),
        ([b"x"], r"'k'\[0\] is a bytes"),
        (float("nan"), "is nan, a number that JSON has not"),
        ([float("inf")], r"\[0\] is inf"),
        ({"a": {1: 2}}, r"'k'\['a'\] is a dict with an int as a key"),
        ({None: 2}, "is a dict with None as a key"),
        (decimal.Decimal(1), "is a Decimal"),
        (SimpleNamespace(), "is a SimpleNamespace"),
        (2**5000, "an int too long"),
        (ITSELF, "nested deeper than 100 levels, or contains itself"),
        ("小" * (350 * 1024), "has 1075202 bytes, the limit is 1048576"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_anything_else_is_refused(storage, value, said):
    """In the caller's line, with the type and where it is; nothing is changed."""
    storage["k"] = "before"
    for action in (
        lambda: storage.__setitem__("k", value),
        lambda: storage.set("k", value, expires=5),
        lambda: storage.setdefault("k", value),
        lambda: storage.update(k=value, other=1),
        lambda: storage.change("k", lambda _: value),
        lambda: storage.change("k", lambda old: old, value),
    ):
        with pytest.raises(ConfigError, match=said) as caught:
            action()
        assert caught.value.remedy
    assert storage == {"k": "before"}


@pytest.mark.parametrize("key", [5, None, b"k", ("k",), "x" * 1025, "小" * 342, "\ud800"])
def test_keys_are_short_texts(storage, key):
    """With every method, so that an int is not looked for in vain."""
    for action in (
        lambda: storage[key],
        lambda: storage.__setitem__(key, 1),
        lambda: storage.__delitem__(key),
        lambda: key in storage,
        lambda: storage.get(key),
        lambda: storage.set(key, 1),
        lambda: storage.pop(key, None),
        lambda: storage.setdefault(key, 1),
        lambda: storage.update({"a": 1, key: 1}),
        lambda: storage.change(key, str),
        lambda: storage.increment(key),
    ):
        with pytest.raises(ConfigError, match="key"):
            action()
    assert storage == {}


def test_what_is_read_is_a_copy(storage):
    """Changing it, or what was written, changes nothing that is stored."""
    given_away = {"list": [1]}
    storage["k"] = given_away
    given_away["list"].append(2)
    storage["k"]["list"].append(3)
    storage.setdefault("k", None)["list"].append(4)
    next(iter(storage.values()))["list"].append(5)
    storage.change("k", lambda value: value)["list"].append(6)
    assert storage["k"] == {"list": [1]}


def test_an_expired_key_is_gone(storage, clock):
    """For every method; a new value has a life of its own."""
    storage.set("k", 1, expires=10)
    clock.advance(9.9)
    assert storage["k"] == 1
    clock.advance(0.1)
    assert "k" not in storage
    assert storage.get("k") is None
    assert storage == {}
    assert len(storage) == 0
    assert storage.pop("k", "gone") == "gone"
    with pytest.raises(KeyError):
        storage.popitem()
    storage.set("k", 1, expires=10)
    clock.advance(10)
    assert storage.setdefault("k", 2) == 2
    clock.advance(1000)
    assert storage["k"] == 2
    storage.set("k", 3, expires=10)
    storage["k"] = 4
    clock.advance(1000)
    assert storage["k"] == 4


def test_a_change_leaves_the_expiry_as_it_is(storage, clock):
    """A counter of tries within a minute is such a key."""
    storage.set("tries", 0, expires=60)
    assert storage.increment("tries") == 1
    clock.advance(59)
    assert storage.increment("tries", 5) == 6
    clock.advance(1)
    assert storage.increment("tries") == 1
    assert storage.change("tries", lambda tries: tries + 1, expires=60) == 2
    clock.advance(60)
    assert "tries" not in storage


@pytest.mark.parametrize("expires", [0, -1, float("nan"), float("inf"), "60", True])
def test_an_expiry_is_seconds_from_now(storage, expires):
    """Anything else is refused, not taken for never."""
    for action in (
        lambda: storage.set("k", 1, expires=expires),
        lambda: storage.change("k", lambda _: 1, expires=expires),
    ):
        with pytest.raises(ConfigError, match=r"expires=.* is not possible"):
            action()
    assert storage == {}


def test_changing_a_value(storage):
    """The function gets the value, or a fresh default; what it returns stands there."""
    default = []
    for number in range(3):
        storage.change("list", lambda value, n=number: [*value, n], default)
    assert storage["list"] == [0, 1, 2]
    assert storage.change("new", lambda value: value, (1, 2)) == [1, 2]
    assert storage.change("none", lambda value: value) is None

    def fail(value):
        value.append(5)
        raise OSError("no")

    with pytest.raises(OSError, match="no"):
        storage.change("list", fail)
    with pytest.raises(OSError, match="no"):
        storage.change("fresh", fail, default)
    assert default == []
    assert storage == {"list": [0, 1, 2], "new": [1, 2], "none": None}


def test_a_function_may_use_other_keys(storage, bot):
    """Also to change them; nobody holds a lock that it would wait for."""

    def take(coins):
        bot.change("given", lambda given: given + 1, 0)
        storage["last"] = coins
        return coins - 1

    storage["coins"] = 3
    assert storage.change("coins", take) == 2
    assert storage == {"coins": 2, "last": 3}
    assert bot["given"] == 1


def test_two_functions_that_want_each_others_key(storage):
    """They would wait for each other for ever if there were locks."""
    meet = threading.Barrier(2)

    def cross(first, second):
        def function(value):
            if value == 0:
                meet.wait(5)
            storage.change(second, lambda other: other + 100, 0)
            return value + 1

        storage.change(first, function, 0)

    threads = [
        threading.Thread(target=cross, args=pair, daemon=True) for pair in (("a", "b"), ("b", "a"))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    assert storage["a"] % 100 == 1
    assert storage["b"] % 100 == 1


@pytest.mark.parametrize("left", [5, 1])
def test_a_function_must_not_change_its_own_key(storage, left):
    """It would be called for ever; the error says what to do. What it wrote itself stays."""

    def function(value):
        storage["k"] = left
        return value

    storage["k"] = 1
    with pytest.raises(StateError, match="'k' changed it on its own") as caught:
        storage.change("k", function)
    assert "return the new value" in caught.value.remedy
    assert storage["k"] == left


def test_a_function_is_called_again_when_somebody_was_faster(storage):
    """With the new value, so that neither change is lost."""
    seen = []

    def function(value):
        seen.append(value)
        if len(seen) == 1:
            thread = threading.Thread(target=storage.increment, args=("k",))
            thread.start()
            thread.join()
        return value * 10

    storage["k"] = 1
    assert storage.change("k", function) == 20
    assert seen == [1, 2]


@pytest.mark.parametrize("change", ["set", "delete", "expire and set"])
def test_every_kind_of_write_is_noticed(storage, clock, change):
    """A change is never based on what is no more."""
    calls = []

    def meddle():
        if change == "delete":
            del storage["k"]
            return
        if change == "expire and set":
            clock.advance(100)
        storage["k"] = 5

    def function(value):
        calls.append(value)
        if len(calls) == 1:
            thread = threading.Thread(target=meddle)
            thread.start()
            thread.join()
        return value + 1

    storage.set("k", 1, expires=50)
    assert storage.change("k", function, 100) == (101 if change == "delete" else 6)


def test_incrementing(storage):
    """From 0 on; what is no int is not touched."""
    assert storage.increment("n") == 1
    assert storage.increment("n", -5) == -4
    for value in ("5", 1.5, True, None, [1]):
        storage["k"] = value
        with pytest.raises(ConfigError, match=r"'k' cannot be incremented: .* is no int"):
            storage.increment("k")
        assert storage["k"] == value
    with pytest.raises(ConfigError, match="cannot be incremented"):
        storage.increment("n", 1.5)


def test_32_threads_increment(storage):
    """None of 3200 steps is lost, and every thread sees its own."""
    start = threading.Barrier(32)
    seen = []

    def count():
        start.wait()
        seen.extend(storage.increment("n") for _ in range(100))

    threads = [threading.Thread(target=count) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert storage["n"] == 3200
    assert sorted(seen) == list(range(1, 3201))


def test_one_value_goes_to_one_thread(storage):
    """Of 16 threads that pop from the same storage none gets what another got."""
    storage.update({str(number): number for number in range(200)})
    got = []

    def take():
        while True:
            try:
                got.append(storage.popitem()[1])
            except KeyError:
                return

    threads = [threading.Thread(target=take) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(got) == list(range(200))
    assert storage == {}


def test_iterating_while_others_write(storage):
    """It neither raises nor ends early; what was there all the time is seen."""
    storage.update({f"stays{number}": number for number in range(20)})
    done = threading.Event()

    def meddle():
        number = 0
        while not done.is_set():
            number += 1
            storage[f"comes{number % 50}"] = number
            storage.pop(f"comes{(number + 25) % 50}", None)

    thread = threading.Thread(target=meddle)
    thread.start()
    try:
        for _ in range(100):
            assert sum(key.startswith("stays") for key in storage) == 20
            assert sum(key.startswith("stays") for key, _ in storage.items()) == 20
    finally:
        done.set()
        thread.join()


def test_scopes_are_apart(bot):
    """The same key means something else to everybody; a group is its conversation."""
    parts = {
        "bot": bot,
        "user": bot.user("X"),
        "group": bot.group("X"),
        "other group": bot.group("X/Y"),
        "c2c": bot.conversation("c2c", "X"),
        "session": bot.session("group", "X", "Y/Z"),
        "other session": bot.session("group", "X/Y", "Z"),
        "private session": bot.session("c2c", "X", "Y/Z"),
        "odd": bot.group("%2F/\ud800"),
    }
    for name, part in parts.items():
        part["k"] = name
    assert {name: part["k"] for name, part in parts.items()} == {name: name for name in parts}
    assert bot.conversation("group", "X")["k"] == "group"
    assert bot.session("group", "X", "Y/Z") == {"k": "session"}
    assert not hasattr(bot.group("X"), "group")


def test_scopes_must_be_named(bot):
    """An openid that is missing would make all people one."""
    for action in (
        lambda: bot.user(""),
        lambda: bot.group(None),
        lambda: bot.session("group", "G", ""),
        lambda: bot.conversation("guild", "G"),
        lambda: bot.session("private", "U", "U"),
    ):
        with pytest.raises(ConfigError) as caught:
            action()
        assert caught.value.remedy


def test_the_repr_shows_whose_it_is_and_the_keys(bot, storage):
    """On one short line, without values."""
    assert repr(bot) == "<Storage of bot: 0 keys>"
    storage["a\nb"] = "a value that nobody should see" * 50
    assert repr(storage) == r"<Storage of group 'G': 1 key: 'a\nb'>"
    storage.update({f"{number}" * 200: number for number in range(30)})
    assert "nobody should see" not in repr(storage)
    assert "31 keys" in repr(storage)
    assert len(repr(storage)) < 700
    assert "secret-of-mine" not in repr(bot.user("client_secret=secret-of-mine"))


def test_flushing(storage):
    """It returns at once where there is no disk, and when all is there."""
    storage["k"] = 1
    assert storage.flush()
    assert storage.flush(timeout=5)


def test_a_value_that_is_no_json_any_more(bot, storage):
    """What somebody else wrote into the file is an error with a remedy; it can be deleted."""
    storage._store.write([Change("group/G", "k", Entry('{"half":'))])
    with pytest.raises(StateError, match="storage of group is damaged") as caught:
        storage["k"]
    assert caught.value.remedy
    storage["k"] = 1
    assert storage["k"] == 1


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**2000), 2**2000)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@given(json_values)
@settings(max_examples=100, deadline=None)
def test_what_json_can_hold_comes_back(value):
    """Exactly, sign of zero included."""
    storage = BotStorage(MemoryStore())
    storage["k"] = value
    assert json.dumps(storage["k"]) == json.dumps(value)


KEYS = st.sampled_from(["a", "b", "c", "小", ""])


class AgainstADict(RuleBasedStateMachine):
    """Whatever is done, in whatever order, the storage holds what a dict with expiry would."""

    def make_store(self):
        """Return the store to test."""
        return MemoryStore(self.clock)

    @initialize()
    def begin(self):
        self.clock = HandClock()
        self.store = self.make_store()
        self.storage = BotStorage(self.store).group("G")
        self.neighbour = BotStorage(self.store).group("H")
        self.neighbour["a"] = "untouched"
        self.model = {}  # key -> (value, when it is gone)

    def alive(self):
        now = self.clock.time()
        self.model = {key: one for key, one in self.model.items() if one[1] > now}
        return self.model

    @rule(key=KEYS, value=json_values, expires=st.none() | st.integers(1, 100))
    def set(self, key, value, expires):
        self.storage.set(key, value, expires=expires)
        self.model[key] = value, self.clock.time() + (expires or 9e9)

    @rule(key=KEYS)
    def delete(self, key):
        there = self.alive().pop(key, None)
        try:
            del self.storage[key]
        except KeyError:
            assert there is None
        else:
            assert there is not None

    @rule(key=KEYS, default=json_values)
    def pop(self, key, default):
        assert self.storage.pop(key, default) == self.alive().pop(key, (default, 0))[0]

    @rule(key=KEYS, default=json_values)
    def setdefault(self, key, default):
        expected = self.alive().setdefault(key, (default, 9e9 * 2))[0]
        assert self.storage.setdefault(key, default) == expected

    @rule(values=st.dictionaries(KEYS, json_values))
    def update(self, values):
        self.storage.update(values)
        self.model.update({key: (value, 9e9 * 2) for key, value in values.items()})

    @rule(key=KEYS, expires=st.none() | st.integers(1, 100))
    def change(self, key, expires):
        value, ends = self.alive().get(key, ("new", 9e9 * 2))
        ends = self.clock.time() + expires if expires else ends
        assert self.storage.change(key, lambda old: [old], "new", expires) == [value]
        self.model[key] = [value], ends

    @rule(key=KEYS)
    def increment(self, key):
        value, ends = self.alive().get(key, (0, 9e9 * 2))
        if type(value) is int:
            by = -3 if value > 0 else 3
            assert self.storage.increment(key, by) == value + by
            self.model[key] = value + by, ends
        else:
            with pytest.raises(ConfigError):
                self.storage.increment(key)

    @rule()
    def clear(self):
        self.storage.clear()
        self.model = {}

    @rule(seconds=st.sampled_from([0.5, 1, 10, 50, 100]))
    def time_passes(self, seconds):
        self.clock.advance(seconds)

    @rule()
    def flush(self):
        assert self.store.flush()

    @rule()
    def close(self):
        assert self.store.close(soon())

    @invariant()
    def the_same_stands_there(self):
        if not hasattr(self, "model"):
            return
        expected = {key: value for key, (value, _) in self.alive().items()}
        assert self.storage.copy() == expected
        assert sorted(self.storage) == sorted(expected)
        assert len(self.storage) == len(expected)
        assert all(self.storage[key] == value for key, value in expected.items())
        assert all((key in self.storage) == (key in expected) for key in ("a", "b", "c"))
        assert self.neighbour == {"a": "untouched"}

    def teardown(self):
        if hasattr(self, "store"):
            self.store.close(soon())


class AgainstADictInAFile(AgainstADict):
    """The same with a file, which is closed and opened in between."""

    def make_store(self):
        self.folder = Path(tempfile.mkdtemp())
        return SqliteStore(self.folder / "data.sqlite", self.clock)

    @rule()
    def another_process_takes_over(self):
        self.store.close(soon())
        self.store = SqliteStore(self.store.path, self.clock)
        self.storage = BotStorage(self.store).group("G")
        self.neighbour = BotStorage(self.store).group("H")

    def teardown(self):
        super().teardown()
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder)


TestAgainstADict = AgainstADict.TestCase
TestAgainstADict.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)
TestAgainstADictInAFile = AgainstADictInAFile.TestCase
TestAgainstADictInAFile.settings = settings(max_examples=20, stateful_step_count=25, deadline=None)
