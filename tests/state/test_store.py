"""Store: the same behaviour in memory and in a file."""

from __future__ import annotations

import sys
import threading

import pytest

from qqgroup_sync.state.sqlite import SqliteStore
from qqgroup_sync.state.store import Change, Entry, MemoryStore
from tests.state import HandClock, soon


@pytest.fixture
def clock():
    """Return a clock that a waiting thread does not move."""
    return HandClock()


@pytest.fixture(params=["memory", "sqlite", "sqlite, all on disk"])
def store(request, tmp_path, clock):
    """Return each kind of store; the last one reads everything from the file."""
    if request.param == "memory":
        yield MemoryStore(clock)
        return
    store = SqliteStore(tmp_path / "data.sqlite", clock)
    if request.param != "sqlite":
        write = store.write

        def write_and_close(changes, *, unless=None):
            done = write(changes, unless=unless)
            assert store.close(soon())
            return done

        store.write = write_and_close
    yield store
    store.close(soon())


def put(store, key, text, expires=None, namespace="n"):
    """Write one entry."""
    return store.write([Change(namespace, key, Entry(text, expires))])


def test_what_was_written_is_read(store):
    """The newest text counts, in its namespace alone."""
    assert store.get("n", "a") is None
    assert put(store, "a", "1")
    assert put(store, "a", "2")
    put(store, "a", "other", namespace="m")
    assert store.get("n", "a") == Entry("2")
    assert store.entries("n") == {"a": Entry("2")}
    assert store.keys("m") == ["a"]
    assert store.keys("nothing") == []


def test_deleting(store):
    """A deleted key is gone; deleting nothing is nothing."""
    put(store, "a", "1")
    put(store, "b", "1")
    store.write([Change("n", "a", None), Change("n", "none", None), Change("none", "a", None)])
    assert store.get("n", "a") is None
    assert store.keys("n") == ["b"]
    put(store, "a", "again")
    assert store.entries("n") == {"a": Entry("again"), "b": Entry("1")}


def test_several_changes_at_once(store):
    """Namespaces do not matter; of one key the last change counts."""
    put(store, "gone", "x")
    changes = [
        Change("n", "a", Entry("1")),
        Change("m", "b", Entry("2", 9e9)),
        Change("n", "a", Entry("3")),
        Change("n", "gone", None),
    ]
    assert store.write(changes)
    assert store.entries("n") == {"a": Entry("3")}
    assert store.entries("m") == {"b": Entry("2", 9e9)}
    assert store.write([])


@pytest.mark.parametrize("text", ["", "小明😀", "a\0b", "'; DROP TABLE entries; --", "x" * 100_000])
def test_any_text_is_kept(store, text):
    """As a value, and (but for the length) as a key and a namespace."""
    put(store, text, text, namespace=text)
    assert store.get(text, text) == Entry(text)
    assert store.entries(text) == {text: Entry(text)}


def test_an_expired_entry_is_gone_for_every_method(store, clock):
    """At its second, not after it; also before anything swept it up."""
    put(store, "a", "1", clock.time() + 10)
    put(store, "b", "2")
    clock.advance(9.9)
    assert store.keys("n") == ["a", "b"]
    assert store.get("n", "a").text == "1"
    clock.advance(0.1)
    assert store.get("n", "a") is None
    assert store.keys("n") == ["b"]
    assert store.entries("n") == {"b": Entry("2")}
    put(store, "a", "3")
    assert store.get("n", "a") == Entry("3")


def test_a_watch_sees_changes_of_its_key_alone(store):
    """A write that depends on it is left out, with all that it would have changed."""
    with store.watch("n", "a") as watch:
        put(store, "b", "1")
        put(store, "a", "1", namespace="m")
        assert watch.changed_by is None
        assert store.write([Change("n", "a", Entry("1"))], unless=watch)
    with store.watch("n", "a") as watch:
        put(store, "a", "2")
        assert watch.changed_by == threading.get_ident()
        changes = [Change("n", "a", Entry("3")), Change("n", "c", Entry("3"))]
        assert not store.write(changes, unless=watch)
    assert store.entries("n") == {"a": Entry("2"), "b": Entry("1")}


def test_watches_are_forgotten(store):
    """Nothing of them stays, whether or not they saw something."""
    for _ in range(3):
        with store.watch("n", "a"), store.watch("n", "a"), store.watch("n", "b"):
            put(store, "a", "1")
    assert store._watches._by_key == {}


@pytest.mark.parametrize("store", ["memory", "sqlite"], indirect=True)
def test_many_threads_compare_and_retry(store):
    """Of all that read the same text only one may replace it: no step is lost."""
    put(store, "a", "0")
    start = threading.Barrier(8)

    def count():
        start.wait()
        for _ in range(50):
            while True:
                with store.watch("n", "a") as watch:
                    entry = Entry(str(int(store.get("n", "a").text) + 1))
                    if store.write([Change("n", "a", entry)], unless=watch):
                        break

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=count) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    finally:
        sys.setswitchinterval(interval)
    assert store.get("n", "a") == Entry("400")


def test_expired_entries_are_swept_from_memory(clock):
    """They do not pile up where nobody asks for them."""
    store = MemoryStore(clock)
    for number in range(10):
        put(store, str(number), "x", clock.time() + 5, namespace=str(number))
    clock.advance(61)
    put(store, "a", "1")
    assert store._namespaces == {"n": {"a": Entry("1")}}


def test_a_memory_store_survives_a_close(store, clock):
    """A client that starts again finds what it stored."""
    put(store, "a", "1")
    assert store.flush()
    assert store.close(soon())
    assert store.get("n", "a") == Entry("1")
