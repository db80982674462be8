"""Sessions: what one process leaves to the next, and that only one runs at a time."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import sys
import threading

import pytest

from qqgroup_sync.errors import StateError
from qqgroup_sync.state import file as file_module
from qqgroup_sync.state.file import MIGRATIONS
from qqgroup_sync.state.sessions import (
    CAREFUL,
    LIFE,
    MOST_TRIES,
    PAGE_IDS,
    PAGE_SECONDS,
    PATIENCE,
    Known,
    Place,
    Sessions,
)
from qqgroup_sync.state.sqlite import SqliteStore
from tests.clocks import ManualClock
from tests.state import HandClock, soon

NOTHING = Known({}, set())

OTHER = """
import sys, threading
from pathlib import Path
from qqgroup_sync.runtime.clock import Clock, Deadline
from qqgroup_sync.state.sessions import Sessions
from qqgroup_sync.state.sqlite import SqliteStore
sessions = Sessions(Path(sys.argv[1]), SqliteStore, Clock())
assert sessions.claim(threading.Event())
print("claimed", flush=True)
sys.stdin.read()
sessions.close(Deadline(Clock(), 5.0))
"""


@pytest.fixture
def path(tmp_path):
    """Return where the file will be; neither it nor its folder is there."""
    return tmp_path / "102" / "session-127.0.0.1_1-0.sqlite"


@pytest.fixture
def make(path):
    """Return what makes the sessions of one process; all are closed at the end."""
    made = []

    def make(clock=None):
        clock = clock or HandClock()
        sessions = Sessions(
            path, lambda file: SqliteStore(file, clock, language="en"), clock, language="en"
        )
        made.append(sessions)
        return sessions

    yield make
    for one in made:
        with contextlib.suppress(StateError):
            one.close(soon())


@pytest.fixture
def other(path):
    """Return another process that runs the same bot, until its input ends."""
    command = [sys.executable, "-c", OTHER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline().strip() == b"claimed"
        yield process
        process.stdin.close()


def next_one(make, sessions, clock=None):
    """End a process; return the sessions of the next."""
    assert sessions.close(soon())
    return make(clock)


def killed(make, sessions, clock):
    """Let a process die; return the sessions of the next, which has read what there is."""
    after = next_one(make, sessions, clock)
    after.load()
    after.begin()
    return after


# --- what is left to the next process ---


def test_nothing_is_known_at_first(make):
    """The first process begins a new session."""
    assert make().load() == NOTHING


def test_places_come_back(make):
    """Of each shard the newest, whether it came with an event or without one."""
    sessions = make()
    sessions.load()
    sessions.note(0, Place("zero", 1), 11)
    sessions.note(1, Place("one", 7), 12)
    sessions.note(0, Place("zero", 2), 13)
    sessions.settle(1, Place("one again", None))
    sessions = next_one(make, sessions)
    assert sessions.load().places == {0: Place("zero", 2), 1: Place("one again", None)}
    sessions.note(1, Place("one again", 1), 14)  # newer than all of the process before
    assert next_one(make, sessions).load().places[1] == Place("one again", 1)


def test_handled_ids_come_back(make):
    """For as long as the platform may send an event again; a place outlives them."""
    clock = HandClock()
    sessions = make(clock)
    sessions.load()
    sessions.note(0, Place("s", 1), -(2**63))
    clock.advance(LIFE / 2)
    sessions.note(0, Place("s", 2), 2**63 - 1)
    sessions.settle(0, Place("s", 3))
    sessions = next_one(make, sessions, clock)
    assert sessions.load() == Known({0: Place("s", 3)}, {-(2**63), 2**63 - 1})
    clock.advance(LIFE)
    sessions.note(0, Place("s", 4), 4, 4)
    sessions = next_one(make, sessions, clock)
    assert sessions.load() == Known({0: Place("s", 4)}, {4})


def test_a_second_attempt_needs_no_second_claim(make):
    """What comes after the claim may fail, and is tried again."""
    sessions = make()
    assert sessions.claim(threading.Event())
    assert sessions.claim(threading.Event())


def test_the_thread_that_ends_a_bot_lets_the_next_one_in(make):
    """It is not the one that has claimed."""
    sessions = make()
    claiming = threading.Thread(target=sessions.claim, args=(threading.Event(),))
    claiming.start()
    claiming.join(10)
    lock = sessions._lock  # as a traceback may keep it
    assert sessions.close(soon())
    assert not lock.is_locked
    assert make().claim(threading.Event())


def test_a_handler_that_ends_late_brings_no_old_session_back(make):
    """It began in the session before, which the platform has ended: that one replays nothing."""
    sessions = make()
    sessions.load()
    sessions.settle(0, Place("old", 1))
    sessions.note(0, Place("old", 2), 11, 2)
    sessions.settle(0, Place("new", 1), "1 5")
    sessions.note(0, Place("old", 3), 12, 3)
    sessions.note(0, Place("old", 4), None, 4)  # an event without an id
    sessions = next_one(make, sessions)
    assert sessions.load() == Known({0: Place("new", 1)}, {11, 12}, {0: "1 5"})
    sessions.note(0, Place("old", 5), 13, 5)  # of an earlier start in this process
    sessions.note(0, Place("new", 2), 14, 2)
    assert next_one(make, sessions).load().places == {0: Place("new", 2)}


def test_ids_of_an_ended_session_are_forgotten(make):
    """Also when it had come to higher numbers than the present one."""
    clock = HandClock()
    sessions = make(clock)
    sessions.load()
    sessions.settle(0, Place("long", 1))
    sessions.note(0, Place("long", 500_000), 1, 500_000)
    sessions.settle(0, Place("new", 1))
    for key in range(2, 10):
        sessions.note(0, Place("new", key), key, key)
        clock.advance(LIFE)
    known = next_one(make, sessions, clock).load()
    assert known.places == {0: Place("new", 9)}
    assert len(known.handled) <= 2


def test_ids_above_the_mark_are_kept_for_as_long_as_it_stands(make):
    """The platform replays them when the session is resumed: also hours, or clocks, later."""
    clock = HandClock()
    sessions = make(clock)
    sessions.load()
    for key in range(5, 10):
        sessions.note(0, Place("s", 3), key, key)  # 4 is not handled
        clock.advance(LIFE)
    sessions = next_one(make, sessions, clock)
    assert sessions.load() == Known({0: Place("s", 3)}, set(range(5, 10)))
    sessions.note(0, Place("s", 9), 4, 4)
    for key in range(10, 20):
        clock.advance(LIFE)
        sessions.note(0, Place("s", key), key, key)
    assert next_one(make, sessions, clock).load() == Known({0: Place("s", 19)}, {18, 19})


def test_ids_that_follow_each_other_share_rows(make, path):
    """Of one session, and for a second: a row each would cost more than the answer may."""
    clock = HandClock()
    sessions = make(clock)
    sessions.load()
    for number in range(PAGE_IDS + 1):
        sessions.note(0, Place("s", number), number)
    sessions.settle(0, Place("other", 0))
    sessions.note(0, Place("other", 1), 1001)
    sessions.note(1, Place("other", 1), 1002)
    clock.advance(PAGE_SECONDS)
    sessions.note(0, Place("other", 2), 1003)
    next_process = next_one(make, sessions, clock)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM entries").fetchone() == (6,)
    places = {0: Place("other", 2), 1: Place("other", 1)}
    assert next_process.load() == Known(places, {*range(PAGE_IDS + 1), 1001, 1002, 1003})


def test_no_id_is_lost_where_several_workers_end_at_once(make):
    """The row is written anew by each of them."""
    sessions = make()
    sessions.load()
    together = threading.Barrier(8)

    def work(first):
        together.wait(10)
        for key in range(first, 2000, 8):
            sessions.note(0, Place("s", key), key)

    threads = [threading.Thread(target=work, args=(first,)) for first in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert next_one(make, sessions).load().handled == {*range(2000)}


def test_nobody_waits_for_a_disk_that_another_thread_waits_for(make):
    """What is noted meanwhile is written by who writes already, the longest row last."""
    sessions = make()
    sessions.load()
    go, writing = threading.Event(), threading.Event()
    store, write = sessions._store, sessions._store.write

    def slow(changes):
        writing.set()
        assert go.wait(10)
        return write(changes)

    store.write = slow
    first = threading.Thread(target=lambda: sessions.note(0, Place("s", 1), 1))
    first.start()
    assert writing.wait(10)
    for key in range(2, 50):
        sessions.note(0, Place("s", key), key)  # would hang here
    go.set()
    first.join(10)
    store.write = write
    known = next_one(make, sessions).load()
    assert known == Known({0: Place("s", 49)}, {*range(1, 50)})


# --- files that will never be readable ---


def set_aside(path, trouble):
    """Return the one file that was set aside."""
    (aside,) = path.parent.glob(f"{path.stem}.{trouble}-*[0-9]")
    return aside


def test_a_damaged_file_is_set_aside(make, path, caplog):
    """As it is; what is noted from then on is in a new file."""
    path.parent.mkdir()
    path.write_bytes(b"no database at all" * 500)
    sessions = make()
    assert sessions.load() == NOTHING
    aside = set_aside(path, "damaged")
    assert aside.read_bytes() == b"no database at all" * 500
    assert "is damaged" in caplog.text
    assert aside.name in caplog.text
    sessions.note(0, Place("new", 1), 11)
    assert next_one(make, sessions).load() == Known({0: Place("new", 1)}, {11})


@pytest.mark.parametrize(
    "text", ["", "5", "[1, 2]", '["1", 0, 1, "s"]', '[1, [], 1, "s"]'], ids=repr
)
def test_rows_that_say_nothing_are_damage_too(make, path, text):
    """The database is whole, what stands in it is not; no thread stays with the old file."""
    sessions = make()
    sessions.settle(0, Place("s", 1))
    assert sessions.close(soon())
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("INSERT INTO entries VALUES ('handled', '1', ?, NULL)", (text,))
        connection.commit()
    sessions = make()
    assert sessions.load() == NOTHING
    assert set_aside(path, "damaged").exists()
    assert [one.name for one in threading.enumerate() if one.name == "qqgroup-state"] == []
    sessions.settle(0, Place("new", 1))
    assert next_one(make, sessions).load().places == {0: Place("new", 1)}


@pytest.mark.skipif(os.name == "nt", reason="Windows moves no open file")
def test_a_newer_file_is_set_aside_whole(make, path, caplog):
    """With its log, where somebody still has it open: the newer version finds everything in it."""
    add = (*MIGRATIONS, lambda connection: connection.execute("CREATE TABLE more (a)"))
    newer = Sessions(path, lambda file: SqliteStore(file, migrations=add), HandClock())
    newer.settle(0, Place("of the newer one", 5))
    assert newer.close(soon())
    with contextlib.closing(sqlite3.connect(path)) as viewer:
        viewer.execute("INSERT INTO more VALUES (1)")
        viewer.commit()  # into the log
        assert make().load() == NOTHING
        assert "has format 2" in caplog.text
        aside = set_aside(path, "newer")
        assert not path.with_name(path.name + "-wal").exists()
        with contextlib.closing(sqlite3.connect(aside)) as connection:
            assert connection.execute("SELECT a FROM more").fetchall() == [(1,)]


def test_a_database_of_another_program_is_set_aside_whole(make, path):
    """Nothing of it is lost."""
    path.parent.mkdir()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE theirs (a)")
        connection.commit()
    before = path.read_bytes()
    assert make().load() == NOTHING
    assert set_aside(path, "foreign").read_bytes() == before


# --- files that cannot be used now ---


def goes_on_without(sessions, caplog):
    """Return whether the bot goes on, is warned once, and keeps nothing."""
    assert sessions.load() == NOTHING
    for number in range(3):
        sessions.note(0, Place("s", number), number)
    warnings = [one for one in caplog.records if one.levelname == "WARNING"]
    return len(warnings) == 1 and "a restart will lose" in warnings[0].getMessage()


def test_a_file_that_another_program_holds_stays(make, path, caplog, monkeypatch):
    """What it knows is there again when the other program has ended."""
    monkeypatch.setattr(file_module, "BUSY_SECONDS", 0.02)
    sessions = make()
    sessions.note(0, Place("s", 1), 11)
    assert sessions.close(soon())
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as viewer:
        viewer.execute("PRAGMA locking_mode=EXCLUSIVE")
        viewer.execute("BEGIN EXCLUSIVE")
        sessions = make()
        assert goes_on_without(sessions, caplog)
        assert "is in use" in caplog.text
        viewer.execute("ROLLBACK")
    assert next_one(make, sessions).load() == Known({0: Place("s", 1)}, {11})


def test_what_is_in_the_way_of_the_file_stays(make, path, caplog):
    """A folder of that name is nobody's to move."""
    path.mkdir(parents=True)
    sessions = make()
    assert sessions.claim(threading.Event())
    assert goes_on_without(sessions, caplog)
    assert path.is_dir()
    assert list(path.parent.glob("*.barred-*")) == []


@pytest.mark.parametrize("there", [False, True])
def test_a_read_only_folder(make, path, caplog, there):
    """The bot goes on, whether or not there is a file; what is there stays."""
    path.parent.mkdir()
    if not mounted(path.parent, "-t", "tmpfs", "-o", "size=512k", "tmpfs"):
        pytest.skip("this user may not mount")
    try:
        if there:
            sessions = make()
            sessions.note(0, Place("s", 1), 11)
            assert sessions.close(soon())
        assert mounted(path.parent, "-o", "remount,ro")
        sessions = make()
        assert sessions.claim(threading.Event())
        assert goes_on_without(sessions, caplog)
        assert "cannot be used" in caplog.text
        assert path.exists() == there
    finally:
        subprocess.run(["umount", "-l", str(path.parent)], check=True)


def mounted(folder, *options):
    """Return whether a folder could be mounted."""
    if sys.platform != "linux":
        return False
    command = ["mount", *options, str(folder)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


# --- one process at a time ---


def test_a_process_that_ends_in_time_is_waited_for(make, other, caplog):
    """As when a bot is restarted: the old process still finishes its answers."""
    clock = ManualClock()

    def end_it_after_a_while(_seconds):
        if len(clock.waits) == 6:
            other.stdin.close()
            other.wait(10)

    clock.on_wait = end_it_after_a_while
    sessions = make(clock)
    assert sessions.claim(threading.Event())
    assert 0 < sum(clock.waits) < PATIENCE
    assert caplog.text.count("another process runs this bot") == 1


def test_a_process_that_goes_on_is_an_error(make, other):
    """It names the process; when that one has ended, the next attempt succeeds."""
    clock = ManualClock()
    sessions = make(clock)
    with pytest.raises(StateError, match=rf"pid {other.pid}\b") as caught:
        sessions.claim(threading.Event())
    assert sum(clock.waits) == PATIENCE
    assert "shard_index" in caught.value.remedy
    other.stdin.close()
    other.wait(10)
    assert sessions.claim(threading.Event())


def test_waiting_ends_with_the_client(make, other):
    """stop() is not held up by another process."""
    clock = ManualClock()
    stop = threading.Event()
    clock.on_wait = lambda _seconds: stop.set()
    assert not make(clock).claim(stop)
    assert len(clock.waits) == 1


def test_closing_lets_the_next_one_in(make):
    """In the same process, too."""
    first = make()
    assert first.claim(threading.Event())
    second = next_one(make, first, ManualClock())
    assert second.claim(threading.Event())


# --- events that a process died of ---


def test_after_a_good_end_everything_is_admitted(make):
    """Nobody is suspected, and nothing is written for it."""
    sessions = make()
    sessions.claim(threading.Event())
    sessions.begin()
    sessions.end_well()
    after = next_one(make, sessions)
    after.load()
    for _ in range(MOST_TRIES + 1):
        assert after.admits(5)
        assert not after.suspects(5)


def test_an_event_that_was_in_hand_at_every_death_is_given_up(make):
    """First beside others, then alone, at last not at all; others are not suspected."""
    clock = HandClock()
    sessions = make(clock)
    sessions.begin()
    for number in range(MOST_TRIES):
        sessions = killed(make, sessions, clock)
        assert sessions.suspects(5) == (number > 0)
        assert sessions.admits(5)
        assert not sessions.suspects(6)
    sessions = killed(make, sessions, clock)
    assert sessions.suspects(5)
    assert not sessions.admits(5)
    assert sessions.admits(6)


def test_what_is_admitted_outlives_the_process_at_once(make, path):
    """Another connection sees it, although nobody has closed anything."""
    clock = HandClock()
    sessions = killed(make, make(clock), clock)
    killed(make, sessions, clock).admits(7)
    with contextlib.closing(sqlite3.connect(path)) as other:
        rows = other.execute("SELECT key, value FROM entries WHERE namespace = 'tried'").fetchall()
    assert rows == [("7", "1")]


def test_care_ends_after_a_while(make):
    """A program that has run well for so long is not dying of what it has in hand."""
    clock = HandClock()
    sessions = make(clock)
    sessions.begin()
    for _ in range(MOST_TRIES):
        sessions = killed(make, sessions, clock)
        assert sessions.admits(5)
    sessions = killed(make, sessions, clock)
    clock.advance(CAREFUL)
    assert not sessions.suspects(5)
    assert sessions.admits(5)
