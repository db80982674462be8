"""SqliteStore: nothing that was confirmed is lost, nothing that was there is damaged."""

from __future__ import annotations

import contextlib
import logging
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading

import psutil
import pytest

from qqgroup_sync.errors import StateError
from qqgroup_sync.runtime.clock import Clock, Deadline
from qqgroup_sync.state import file as file_module
from qqgroup_sync.state import sqlite as module
from qqgroup_sync.state import store as store_module
from qqgroup_sync.state.file import MIGRATIONS
from qqgroup_sync.state.places import Place
from qqgroup_sync.state.sqlite import SqliteStore, store_at
from qqgroup_sync.state.store import Change, Entry, MemoryStore
from tests.state import HandClock, soon
from tests.waiting import eventually

BEGIN = """
import os, sys, threading
from pathlib import Path
from qqgroup_sync.state.sqlite import SqliteStore
from qqgroup_sync.state.storage import BotStorage
store = SqliteStore(Path(sys.argv[1]))
storage = BotStorage(store)
"""


@pytest.fixture
def path(tmp_path):
    """Return where the file will be; neither it nor its folder is there."""
    return tmp_path / "state" / "102" / "data.sqlite"


@pytest.fixture
def store(path):
    """Return a store that is closed at the end, whatever it thinks of that."""
    store = SqliteStore(path, language="en")
    yield store
    with contextlib.suppress(StateError):
        store.close(soon())


@pytest.fixture
def impatient(monkeypatch):
    """Let nobody wait long for another process."""
    monkeypatch.setattr(file_module, "BUSY_SECONDS", 0.02)


def put(store, key="a", text="1", expires=None):
    """Write one entry."""
    return store.write([Change("n", key, Entry(text, expires))])


def on_disk(path):
    """Return what another process would read, after it looked at the whole file."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return dict(connection.execute("SELECT key, value FROM entries").fetchall())


def run(script, path, **options):
    """Start a script with a store in another process."""
    command = [sys.executable, "-W", "error::ResourceWarning", "-c", BEGIN + script, str(path)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **options)


def our_threads():
    """Return the names of threads that write."""
    return [one.name for one in threading.enumerate() if one.name == "qqgroup-state"]


# --- life ---


def test_nothing_is_there_before_the_first_use(path, store):
    """Neither file nor folder nor thread; closing what was not used is nothing, too."""
    assert store.flush()
    assert store.close(soon())
    assert not path.parent.exists()
    assert our_threads() == []
    put(store)
    assert path.exists()
    assert our_threads() == ["qqgroup-state"]


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_all_files_are_for_this_user_alone(path, store):
    """The log beside the file holds the same words as the file."""
    put(store)
    store.flush()
    files = list(path.parent.iterdir())
    assert len(files) == 3
    assert {one.stat().st_mode & 0o777 for one in files} == {0o600}
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_closing_leaves_nothing_open(path, store):
    """No thread, no descriptor, and one file that holds everything."""
    for number in range(100):
        put(store, str(number))
        store.get("n", "none")
    assert store.close(soon())
    assert our_threads() == []
    open_files = [one.path for one in psutil.Process().open_files()]
    assert [one for one in open_files if str(path) in one] == []
    assert [one.name for one in path.parent.iterdir()] == ["data.sqlite"]
    assert len(on_disk(path)) == 100


def test_it_opens_again(path, store):
    """A client starts again, and a notebook reads after the stop."""
    for number in range(3):
        put(store, str(number))
        assert store.close(soon())
        assert store.close(soon())
        assert store.get("n", str(number)) == Entry("1")
    assert len(store.keys("n")) == 3


def test_many_threads_open_it_once(path):
    """They wait for the first of them."""
    for _ in range(5):
        store = SqliteStore(path)
        start = threading.Barrier(16)
        failures = []

        def use(number, store=store, start=start, failures=failures):
            start.wait()
            try:
                put(store, str(number))
                assert store.get("n", str(number))
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=use, args=(number,)) for number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert failures == []
        assert our_threads() == ["qqgroup-state"]
        assert store.close(soon())
        assert len(on_disk(path)) == 16


def test_writing_while_it_is_closed_again_and_again(path, store):
    """Each write goes in before or after; none is lost."""
    written = [0] * 4

    def write(number):
        for count in range(200):
            put(store, f"{number}/{count}", str(count))
            written[number] += 1
            assert store.get("n", f"{number}/{count}") == Entry(str(count))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        assert store.close(soon())
    assert written == [200] * 4
    assert store.close(soon())
    assert len(on_disk(path)) == 800


def test_clients_of_one_bot_share_a_store(tmp_path):
    """Two shards in a process see at once what the other one writes; other bots do not."""
    place = Place(tmp_path, "102")
    one, same, other = (
        store_at(place),
        store_at(Place(tmp_path, "102")),
        store_at(Place(tmp_path, "3")),
    )
    assert one is same
    assert one is not other
    assert one.path == tmp_path / "102" / "data.sqlite"
    assert isinstance(store_at(None), MemoryStore)
    assert store_at(None) is not store_at(None)


# --- batches ---


def test_a_write_reaches_the_disk_by_itself(path, store):
    """A moment later, without flush or close."""
    put(store)
    eventually(lambda: on_disk(path) == {"a": "1"})


def test_writes_share_a_commit(path, store):
    """A thousand of them are a handful of transactions."""
    put(store)
    store.flush()
    commits = []
    write = store._file.write

    def counted(batch):
        commits.append(len(batch))
        write(batch)

    store._file.write = counted
    for number in range(1000):
        put(store, str(number))
    store.flush()
    assert sum(commits) == 1000
    assert len(commits) <= 50


def test_many_writes_do_not_wait_for_time_to_pass(path, monkeypatch):
    """500 of them are committed at once."""
    monkeypatch.setattr(module, "BATCH_SECONDS", 3600.0)
    store = SqliteStore(path)
    put(store)
    store.flush()
    for number in range(module.BATCH_WRITES):
        put(store, str(number))
    eventually(lambda: len(on_disk(path)) == 501)
    put(store, "more")
    assert "more" not in on_disk(path)
    assert store.flush()
    assert "more" in on_disk(path)
    put(store, "last")
    assert store.close(soon())
    assert "last" in on_disk(path)


def test_writers_wait_for_a_disk_that_cannot_keep_up(path, store, monkeypatch):
    """Memory is bounded; nothing is dropped, and nobody waits longer than needed."""
    monkeypatch.setattr(store_module, "MOST_WAITING", 10)
    put(store)
    store.flush()
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        count = 0

        def write():
            nonlocal count
            for number in range(50):
                put(store, str(number))
                count += 1

        thread = threading.Thread(target=write)
        thread.start()
        eventually(lambda: count == 10)
        assert store.get("n", "9") == Entry("1")
        other.execute("ROLLBACK")
    thread.join(10)
    assert count == 50
    assert store.flush()
    assert len(on_disk(path)) == 51


def test_what_is_written_while_a_batch_is_under_way(path, store):
    """It is newer than the batch, for every method, and in the end on disk."""
    put(store)
    store.flush()
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        put(store, "a", "2")
        put(store, "b", "2")
        eventually(lambda: store._waiting._taken)
        put(store, "a", "3")
        store.write([Change("n", "b", None)])
        assert store.get("n", "a") == Entry("3")
        assert store.get("n", "b") is None
        assert store.entries("n") == {"a": Entry("3")}
        assert store.keys("n") == ["a"]
        other.execute("ROLLBACK")
    assert store.flush()
    assert on_disk(path) == {"a": "3"}


def test_what_is_written_together_is_seen_together(path, store):
    """Other processes, or a crash, never meet a half of it."""
    done = threading.Event()

    def write():
        for number in range(40):
            store.write([Change("n", f"k{key}", Entry(str(number))) for key in range(300)])
            store.flush()
        done.set()

    put(store, "k0", "0")
    store.flush()
    thread = threading.Thread(target=write)
    thread.start()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        while not done.is_set():
            rows = connection.execute("SELECT DISTINCT value FROM entries").fetchall()
            assert len(rows) == 1
    thread.join()


def test_expired_entries_are_swept_up(path):
    """By the writer, a while later, so that the file does not grow for ever."""
    clock = HandClock()
    store = SqliteStore(path, clock)
    for number in range(2500):
        put(store, str(number), expires=clock.time() + 30)
    put(store, "stays", expires=clock.time() + 500)
    store.flush()
    assert len(on_disk(path)) == 2501
    clock.advance(61)
    for number in range(3):  # a thousand each time, so that no write waits long behind them
        put(store, "new", str(number))
        store.flush()
    assert on_disk(path) == {"stays": "1", "new": "2"}
    assert store.close(soon())


# --- death ---


def test_a_script_that_just_ends_loses_nothing(path):
    """Without close(), and without a wait for the next batch."""
    process = run("storage['a'] = 1; storage['b'] = '小明'", path)
    assert process.communicate(timeout=30)[0] == ""
    assert process.returncode == 0
    assert on_disk(path) == {"a": "1", "b": '"小明"'}


def test_killing_it_damages_nothing(path):
    """What flush() confirmed is there, and of what was written together all or nothing."""
    script = """
start = storage.get("x", 0)
for number in range(start + 1, start + 10**6):
    storage.update({"x": number, "y": number, f"k{number % 1000}": "z" * (number % 5000)})
    if number % 50 == 0:
        storage.flush()
        print(number, flush=True)
"""
    for seed in range(4):
        process = run(script, path)
        confirmed = [process.stdout.readline() for _ in range(random.Random(seed).randint(1, 15))][
            -1
        ]
        os.kill(process.pid, signal.SIGKILL) if os.name == "posix" else process.kill()
        lines = [confirmed, *process.communicate(timeout=30)[0].split()]
        values = on_disk(path)
        assert int(values["x"]) >= int(lines[-1])
        assert values["x"] == values["y"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_neither_hangs_nor_disturbs(path):
    """It reads and writes with a store of its own; what waited in the parent is written once."""
    script = """
storage["parent"] = 1
storage.flush()
storage["waiting"] = 1
pid = os.fork()
if pid == 0:
    assert storage["parent"] == 1
    storage["child"] = 1
    assert storage.flush()
    assert [one.name for one in threading.enumerate()] == ["MainThread", "qqgroup-state"]
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
storage["after"] = 1
assert storage["child"] == 1
"""
    process = run(script, path)
    process.communicate(timeout=30)
    assert process.returncode == 0
    assert on_disk(path) == {"parent": "1", "waiting": "1", "child": "1", "after": "1"}


def test_two_processes_do_not_damage_the_file(path):
    """Though that is not supported: keys that only one of them writes are all there."""
    script = """
for number in range(2000):
    storage[f"{os.getpid()}/{number}"] = number
    if number % 100 == 0:
        storage.flush()
"""
    processes = [run(script, path) for _ in range(3)]
    for process in processes:
        process.communicate(timeout=50)
        assert process.returncode == 0
    assert len(on_disk(path)) == 6000


# --- files that cannot be used ---


def filled(path):
    """Write a file of many pages; return its bytes."""
    store = SqliteStore(path)
    for number in range(500):
        put(store, f"key{number}", "x" * 500)
    assert store.close(soon())
    return path.read_bytes()


def damage(path, content, kind):
    """Spoil a file."""
    noise = random.Random(kind).randbytes
    path.write_bytes(
        {
            "cut at a page": content[: len(content) // 8192 * 4096],
            "cut anywhere": content[: len(content) // 2 + 77],
            "cut short": content[:50],
            "noise": noise(10_000),
            "noise in the head": noise(200) + content[200:],
            "noise behind the head": content[:100] + noise(4000) + content[4100:],
            "noise in the middle": content[:100_000] + noise(50_000) + content[150_000:],
            "text": b"these are my notes\n" * 100,
        }[kind]
    )


@pytest.mark.parametrize(
    "kind",
    [
        *("cut at a page", "cut anywhere", "cut short", "text"),
        *("noise", "noise in the head", "noise behind the head", "noise in the middle"),
    ],
)
def test_a_damaged_file_is_an_error(path, kind):
    """With every use, with the path and what to do; the file stays as it is."""
    damage(path, filled(path), kind)
    before = path.read_bytes()
    store = SqliteStore(path, language="en")
    for action in (
        lambda: store.get("n", "key1"),
        lambda: store.keys("n"),
        lambda: put(store),
    ):
        with pytest.raises(StateError, match="is damaged") as caught:
            action()
        assert caught.value.summary.startswith(str(path))
        assert "Nothing was deleted" in caught.value.cause
        assert ".recover" in caught.value.remedy
    assert store.flush()
    assert store.close(soon())
    assert path.read_bytes() == before
    assert our_threads() == []


def test_a_file_that_is_damaged_later(path, store, monkeypatch):
    """One too large to be checked as a whole tells when the bad part is read."""
    monkeypatch.setattr(file_module, "CHECKED_BYTES", 0)
    damage(path, filled(path), "noise in the middle")
    with pytest.raises(StateError, match="is damaged"):
        store.entries("n")


def test_an_empty_file_is_a_new_one(path, store):
    """As a touch, or a disk that was full, leaves it."""
    path.parent.mkdir(parents=True)
    path.touch()
    put(store)
    store.flush()
    assert on_disk(path) == {"a": "1"}


def test_a_database_of_another_program_is_left_alone(path, store):
    """No table of ours is put into it."""
    path.parent.mkdir(parents=True)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE theirs (a)")
        connection.commit()
    before = path.read_bytes()
    with pytest.raises(StateError, match="is a database of another program") as caught:
        put(store)
    assert "Client(state=" in caught.value.remedy
    assert path.read_bytes() == before


def test_a_file_in_the_way_of_the_folder(path, store):
    """And a folder in the way of the file."""
    path.parent.parent.mkdir()
    path.parent.write_text("a file")
    with pytest.raises(StateError, match=r"data\.sqlite cannot be used"):
        store.get("n", "a")
    path.parent.unlink()
    path.mkdir(parents=True)
    with pytest.raises(StateError, match=r"data\.sqlite cannot be used"):
        store.get("n", "a")
    path.rmdir()
    assert store.get("n", "a") is None


@contextlib.contextmanager
def a_disk(folder, *options):
    """Mount a disk that gets full."""
    folder.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(folder)]
    if (
        sys.platform != "linux"
        or subprocess.run(mount, capture_output=True, check=False).returncode
    ):
        pytest.skip("this user may not mount")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize("there", [False, True])
def test_a_read_only_folder(path, there):
    """Whether or not the file is there; the remedy names both ways out."""
    with a_disk(path.parent):
        if there:
            filled_store = SqliteStore(path)
            put(filled_store)
            filled_store.close(soon())
        subprocess.run(["mount", "-o", "remount,ro", str(path.parent)], check=True)
        store = SqliteStore(path, language="en")
        with pytest.raises(StateError, match="cannot be used") as caught:
            put(store)
        assert "Client(state=" in caught.value.remedy
        assert "state=None" in caught.value.remedy
        assert our_threads() == []


def test_a_full_disk(path, store, expected_errors):
    """It is logged once and told to everybody; with space again nothing is missing."""
    with a_disk(path.parent):
        put(store, "small")
        store.flush()
        ballast = path.parent / "ballast"
        with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * 4096)
        put(store, "large", "x" * 50_000)
        for _ in range(2):
            with pytest.raises(StateError, match="cannot be written") as caught:
                store.flush()
            assert "full" in caught.value.cause
            with pytest.raises(StateError, match="cannot be written"):
                put(store, "refused")
        with pytest.raises(StateError, match="cannot be written"):
            store.close(soon())
        assert our_threads() == []
        with pytest.raises(StateError):
            store.flush()
        assert store.get("n", "large") == Entry("x" * 50_000)
        ballast.unlink()
        eventually(lambda: flushes(store))
        put(store, "more")
        assert store.close(soon())
        assert set(on_disk(path)) >= {"small", "large", "more"}
    assert len({record.getMessage() for record in expected_errors}) <= 2


def flushes(store):
    """Return whether a flush succeeds."""
    try:
        return store.flush()
    except StateError:
        return False


@pytest.mark.usefixtures("impatient")
def test_a_file_that_another_program_holds(path, store, expected_errors, caplog):
    """One ERROR, however long; writes are refused, reads go on; afterwards all is well."""
    put(store, "before")
    store.flush()
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        put(store, "kept")
        for _ in range(3):
            with pytest.raises(StateError, match="is in use") as caught:
                store.flush()
            assert caught.value.remedy
        with pytest.raises(StateError, match="is in use"):
            put(store, "refused")
        assert store.get("n", "before") == store.get("n", "kept") == Entry("1")
        assert store.keys("n") == ["before", "kept"]
        assert len(expected_errors) == 1
        assert str(path) in expected_errors[0].getMessage()
        other.execute("ROLLBACK")
    caplog.set_level(logging.INFO)
    assert store.flush()
    assert put(store, "after")
    assert store.close(soon())
    assert set(on_disk(path)) == {"before", "kept", "after"}
    assert "is written again" in caplog.text


def test_what_could_not_be_written_is_tried_again(path, store, expected_errors, monkeypatch):
    """By itself: the bot may have nothing to store for hours."""
    monkeypatch.setattr(file_module, "BUSY_SECONDS", 0.02)
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.01)
    put(store, "before")
    store.flush()
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        put(store, "kept")
        eventually(lambda: expected_errors)
        other.execute("ROLLBACK")
    eventually(lambda: "kept" in on_disk(path))


def test_a_close_that_takes_too_long(path, store):
    """It says so in time, and the thread finishes alone."""
    put(store, "before")
    store.flush()
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        put(store, "late")
        assert not store.flush(Deadline(Clock(), 0.05))
        assert not store.close(Deadline(Clock(), 0.05))
        assert our_threads() == ["qqgroup-state"]
        other.execute("ROLLBACK")
    eventually(lambda: our_threads() == [])
    assert on_disk(path) == {"before": "1", "late": "1"}
    assert store.get("n", "late") == Entry("1")


@pytest.mark.skipif(os.name == "nt", reason="Windows moves no open file")
@pytest.mark.parametrize("how", ["deleted", "moved", "replaced"])
def test_a_file_that_is_moved_while_in_use(path, store, expected_errors, how):
    """What would be written into nowhere is kept, and goes into the file of the next start."""
    put(store, "before")
    assert store.flush()
    kept_elsewhere = path.with_name("elsewhere")
    path.rename(kept_elsewhere)
    for beside in path.parent.glob("data.sqlite-*"):
        beside.unlink()
    if how == "deleted":
        kept_elsewhere.unlink()
    if how == "replaced":
        path.write_bytes(b"")
    put(store, "after")
    with pytest.raises(StateError, match="was moved or deleted while in use"):
        store.flush()
    with pytest.raises(StateError, match="was moved"):
        store.close(soon())
    assert store.get("n", "none") is None
    eventually(lambda: on_disk(path) == {"after": "1"})
    assert len(expected_errors) == 1


def test_half_a_character_is_refused_at_once(path, store):
    """In the writer it would hold up everything behind it."""
    for change in (
        Change("n", "\ud800", Entry("1")),
        Change("n", "a", Entry("\ud800")),
        Change("\ud800", "a", None),
    ):
        with pytest.raises(UnicodeEncodeError):
            store.write([Change("n", "b", Entry("1")), change])
    assert store.keys("n") == []


def test_a_writer_that_dies_of_a_bug_is_not_silent(path, store, expected_errors):
    """Whoever waits is told, what was written is kept, and the next use starts anew."""
    put(store, "before")
    store.flush()

    def die(batch):
        raise SystemExit("a bug")

    store._file.write = die
    put(store, "kept")
    with pytest.raises(StateError, match="the writer died"):
        store.flush()
    eventually(lambda: our_threads() == [])
    assert put(store, "after")
    assert store.close(soon())
    assert set(on_disk(path)) == {"before", "kept", "after"}
    assert len(expected_errors) == 1


# --- formats ---


def add_notes(connection):
    """Bring a file to a format that there is not yet."""
    connection.execute("ALTER TABLE entries ADD COLUMN note TEXT")
    connection.execute("UPDATE entries SET note = 'of old'")


def fail(connection):
    """Break off in the middle."""
    connection.execute("DELETE FROM entries")
    connection.execute("INSERT INTO nowhere VALUES (1)")


def version_of(path):
    """Return the format of a file."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return connection.execute("PRAGMA user_version").fetchone()[0]


def test_an_older_file_is_brought_up_to_date(path):
    """With everything in it, once."""
    filled(path)
    assert version_of(path) == len(MIGRATIONS) == 1
    for keys in (500, 501):
        store = SqliteStore(path, migrations=(*MIGRATIONS, add_notes))
        assert len(store.keys("n")) == keys
        put(store, "new")
        assert store.close(soon())
    assert version_of(path) == 2
    with contextlib.closing(sqlite3.connect(path)) as connection:
        notes = connection.execute("SELECT count(*) FROM entries WHERE note = 'of old'")
        assert notes.fetchone() == (500,)


def test_a_migration_that_fails_changes_nothing(path):
    """Not even the ones before it."""
    filled(path)
    store = SqliteStore(path, migrations=(*MIGRATIONS, add_notes, fail))
    with pytest.raises(StateError, match="no such table"):
        store.keys("n")
    assert version_of(path) == 1
    assert len(on_disk(path)) == 500
    assert our_threads() == []


def test_a_newer_file_is_not_touched(path, store):
    """The error says to upgrade."""
    newer = SqliteStore(path, migrations=(*MIGRATIONS, add_notes))
    put(newer)
    newer.close(soon())
    before = path.read_bytes()
    with pytest.raises(StateError, match=r"has format 2, .* knows up to 1") as caught:
        store.get("n", "a")
    assert "pip install -U" in caught.value.remedy
    assert path.read_bytes() == before
