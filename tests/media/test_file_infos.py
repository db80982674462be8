"""What the platform holds: kept until it expires; one upload for many threads."""

from __future__ import annotations

import threading

import pytest

from qqgroup_sync.api.file_records import Upload
from qqgroup_sync.errors import MediaRejected, NotFound, StateError
from qqgroup_sync.media.file_infos import FileInfos, Flights, Held, Key, MediaMemory, digest
from qqgroup_sync.media.sources import load
from tests.waiting import eventually

NOW = 1000.0


def key(number=0, **changed):
    """Return a key; each number is another content."""
    fields = {"digest": b"%d" % number, "scene": "group", "file_type": 1, "name": "", "variant": ""}
    return Key(**{**fields, **changed})


def held(file_info="info", expires=NOW + 100, raw_url=""):
    """Return something that the platform holds."""
    return Held(file_info, raw_url, expires)


@pytest.mark.parametrize(
    ("ttl", "life"), [(300, 240), (61, 1), (60, 0), (1, -59), (0, 86400), (-5, 86400)]
)
def test_how_long_an_upload_is_kept(ttl, life):
    """A minute less than the platform says; a day when it says "long term"."""
    upload = Upload.read({"file_info": "i", "ttl": ttl, "raw_url": "https://cos/x?sign=1"})
    assert Held.of(upload, NOW) == ("i", "https://cos/x?sign=1", NOW + life)


def test_it_is_found_until_it_expires():
    """And not a moment longer."""
    infos = FileInfos()
    infos.put(key(), held())
    assert infos.get(key(), NOW + 99.9) == held()
    assert infos.get(key(), NOW + 100) is None
    assert len(infos) == 0


@pytest.mark.parametrize(
    "other",
    [{"scene": "c2c"}, {"file_type": 4}, {"name": "a"}, {"variant": "v"}, {"digest": b"x"}],
    ids=str,
)
def test_only_the_same_thing_is_the_same(other):
    """Content, scene, type, name and what conversion made of it."""
    infos = FileInfos()
    infos.put(key(), held())
    assert infos.get(key(**other), NOW) is None


def test_the_least_used_is_forgotten_first():
    """There is an upper bound."""
    infos = FileInfos(3)
    for number in range(3):
        infos.put(key(number), held(str(number)))
    infos.get(key(0), NOW)
    infos.put(key(3), held("3"))
    assert [infos.get(key(number), NOW) is not None for number in range(4)] == [
        True,
        False,
        True,
        True,
    ]


def test_what_the_platform_does_not_know_is_forgotten():
    """Under every key."""
    infos = FileInfos()
    infos.put(key(1), held("a"))
    infos.put(key(2), held("a"))
    infos.put(key(3), held("b"))
    infos.forget("a")
    infos.forget("never seen")
    assert (infos.get(key(1), NOW), infos.get(key(2), NOW)) == (None, None)
    assert infos.get(key(3), NOW) == held("b")


def test_a_presigned_link_stays_out_of_repr():
    """Neither link nor file_info is shown."""
    assert repr(held("secret", raw_url="https://cos/x?sign=hush")) == "<Held until 1100>"


def test_the_digest_is_of_the_content(tmp_path):
    """Bytes and a file of the same content are the same."""
    path = tmp_path / "x.bin"
    path.write_bytes(b"x" * 1_000_000)
    assert digest(load(path, "file")) == digest(load(b"x" * 1_000_000, "file"))
    assert digest(load(b"x", "file")) != digest(load(b"y", "file"))


def test_what_is_added_to_a_log_does_not_count(tmp_path):
    """Nor is it sent."""
    path = tmp_path / "x.log"
    path.write_bytes(b"first")
    source = load(path, "file")
    path.write_bytes(b"first and second")
    assert digest(source) == digest(load(b"first", "file"))


# ---------------------------------------------------------------------- one for many


class Many:
    """Threads that want the same at the same time."""

    def __init__(self, count, action):
        self.results, self.errors = [], []
        self.threads = [
            threading.Thread(target=self._run, args=(action,), daemon=True) for _ in range(count)
        ]
        for thread in self.threads:
            thread.start()

    def _run(self, action):
        try:
            self.results.append(action())
        except Exception as error:
            self.errors.append(error)

    def join(self):
        for thread in self.threads:
            thread.join(5)
            assert not thread.is_alive()


class Work:
    """Something that takes until it is let go; counts how often it is done."""

    def __init__(self, error=None):
        self.go = threading.Event()
        self.begun = []
        self.error = error

    def __call__(self):
        self.begun.append(threading.current_thread())
        assert self.go.wait(5)
        if self.error is not None and len(self.begun) == 1:
            raise self.error
        return "done"


def waiting_for(flights, work, count):
    """Start threads and wait until one works and the others wait for it."""
    entered, lock = [], threading.Lock()

    def action():
        with lock:
            entered.append(1)
        return flights.run("k", work)

    many = Many(count, action)
    eventually(lambda: len(entered) == count and len(work.begun) == 1)
    return many


def test_many_threads_do_it_once():
    """All get what the one brought."""
    flights, work = Flights(threading.Event()), Work()
    many = waiting_for(flights, work, 32)
    eventually(lambda: sum(map(is_waiting, many.threads)) == 31)
    work.go.set()
    many.join()
    assert many.results == ["done"] * 32
    assert len(work.begun) == 1


def test_different_things_do_not_wait_for_each_other():
    """A key of its own is an upload of its own."""
    flights, work = Flights(threading.Event()), Work()
    many = waiting_for(flights, work, 2)
    assert flights.run("other", lambda: 1) == 1
    work.go.set()
    many.join()


def test_a_refused_content_is_refused_for_all():
    """Nobody tries again what the platform does not take."""
    flights, work = Flights(threading.Event()), Work(MediaRejected(status=400, err_code=850019))
    started = threading.Event()
    begun = threading.Event()

    def first():
        begun.set()
        return work()

    leader = Many(1, lambda: flights.run("k", first))
    assert begun.wait(5)

    def follow():
        started.set()
        return flights.run("k", lambda: pytest.fail("tried again"))

    follower = Many(1, follow)
    assert started.wait(5)
    eventually(lambda: is_waiting(follower.threads[0]))
    work.go.set()
    for many in (leader, follower):
        many.join()
        assert [type(error) for error in many.errors] == [MediaRejected]


def is_waiting(thread):
    """Tell whether a thread waits inside a flight."""
    import sys

    frame = sys._current_frames().get(thread.ident)
    while frame is not None:
        if frame.f_code.co_name == "_wait":
            return True
        frame = frame.f_back
    return False


def test_another_failure_is_not_shared():
    """It may be about the first one's chat: each of the others tries for itself."""
    flights, work = Flights(threading.Event()), Work(NotFound(status=400, err_code=11255))
    many = waiting_for(flights, work, 3)
    eventually(lambda: sum(map(is_waiting, many.threads)) == 2)
    work.go.set()
    many.join()
    assert many.results == ["done"] * 2
    assert [type(error) for error in many.errors] == [NotFound]


def test_waiting_ends_with_the_client():
    """Even when the one that works does not."""
    stop = threading.Event()
    flights, work = Flights(stop), Work()
    many = waiting_for(flights, work, 3)
    stop.set()
    eventually(lambda: len(many.errors) == 2)
    assert {type(error) for error in many.errors} == {StateError}
    work.go.set()
    many.join()


def test_nothing_stays_behind():
    """After the end, the next one does it again."""
    flights = Flights(threading.Event())
    assert [flights.run("k", lambda n=n: n) for n in (1, 2)] == [1, 2]
    assert flights._under_way == {}


def test_each_start_has_its_own_flights():
    """A new start never waits for a thread that an earlier one left behind."""
    memory, old, new = MediaMemory(), threading.Event(), threading.Event()
    assert memory.flights(old) is memory.flights(old)
    work = Work()
    many = waiting_for(memory.flights(old), work, 1)
    assert memory.flights(new).run("k", lambda: "fresh") == "fresh"
    work.go.set()
    many.join()
