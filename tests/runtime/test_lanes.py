"""LanePool: order per lane, as many workers as it takes, and an end that tells the truth."""

from __future__ import annotations

import gc
import logging
import threading
import weakref
from itertools import count
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qqgroup_sync.errors import StateError
from qqgroup_sync.runtime import blockage, lanes
from qqgroup_sync.runtime.clock import Clock, Deadline
from qqgroup_sync.runtime.lanes import LanePool
from tests.clocks import ScaledClock
from tests.waiting import LIMIT, eventually


class Crowd:
    """Jobs that are counted while they run, and that wait until they are let go."""

    def __init__(self):
        self.running = 0
        self.most = 0
        self.done = 0
        self._entered = threading.Semaphore(0)
        self._exits = threading.Semaphore(0)
        self._lock = threading.Lock()

    def job(self):
        """Enter, wait to be let go, leave."""
        with self._lock:
            self.running += 1
            self.most = max(self.most, self.running)
        self._entered.release()
        self._exits.acquire(timeout=LIMIT)
        with self._lock:
            self.running -= 1
            self.done += 1

    def wait_for(self, number, within=LIMIT):
        """Wait until so many more have entered; return whether they have."""
        return all(self._entered.acquire(timeout=within) for _ in range(number))

    def let_go(self, number):
        """Let so many leave."""
        self._exits.release(number)


@pytest.fixture
def crowd():
    """Return a crowd that disperses at the end."""
    crowd = Crowd()
    yield crowd
    crowd.let_go(10_000)


@pytest.fixture
def make_pool(crowd):
    """Return a function that starts pools; they are ended after the test."""
    pools = []

    def make(clock=None, **options):
        pool = LanePool(clock or Clock(), **options)
        pool.start()
        pools.append(pool)
        return pool

    yield make
    crowd.let_go(10_000)
    for pool in pools:
        pool.close()
        assert pool.join(Deadline(Clock(), LIMIT)) == []


def meeting(number):
    """Return a barrier that only so many jobs at the same time can pass."""
    return threading.Barrier(number, timeout=LIMIT)


# ---------------------------------------------------------------------- order


def test_a_lane_keeps_its_order_and_is_never_in_two_places(make_pool):
    """What one person writes is handled in order, one at a time, however many workers there are."""
    pool, finished = make_pool(resting=8), threading.Semaphore(0)
    seen, inside = {lane: [] for lane in range(20)}, dict.fromkeys(range(20), 0)

    def handle(lane, number):
        inside[lane] += 1
        assert inside[lane] == 1
        seen[lane].append(number)
        inside[lane] -= 1
        finished.release()

    for number in range(50):
        for lane in seen:
            pool.submit(lane, lambda lane=lane, number=number: handle(lane, number))
    assert all(finished.acquire(timeout=LIMIT) for _ in range(1000))
    assert all(numbers == list(range(50)) for numbers in seen.values())


@pytest.mark.parametrize("lane_of", [lambda number: number, lambda _number: None])
def test_different_lanes_run_side_by_side(make_pool, lane_of):
    """One person's slow answer holds nobody else back; jobs without a lane hold back nobody."""
    pool, together = make_pool(resting=4), meeting(5)
    for number in range(4):
        pool.submit(lane_of(number), together.wait)
    together.wait()


@settings(max_examples=25, deadline=None)
@given(
    st.integers(1, 4),
    st.lists(
        st.tuples(st.sampled_from(["a", "b", "c", None]), st.sampled_from(["run", "park", "keep"])),
        max_size=40,
    ),
)
def test_any_mixture_of_jobs_begins_in_order_and_ends(resting, jobs):
    """Also with handlers that wait in between, nothing is lost and no lane is overtaken."""
    pool, finished, begun = LanePool(Clock(), resting=resting), threading.Semaphore(0), {}

    def handle(lane, number, kind):
        begun.setdefault(lane, []).append(number)
        if kind != "run":
            with pool.park(keep_lane=kind == "keep"):
                pass
        finished.release()

    pool.start()
    for number, (lane, kind) in enumerate(jobs):
        pool.submit(lane, lambda lane=lane, n=number, kind=kind: handle(lane, n, kind))
    assert all(finished.acquire(timeout=LIMIT) for _ in jobs)
    pool.close()
    assert pool.join(Deadline(Clock(), LIMIT)) == []
    assert all(numbers == sorted(numbers) for lane, numbers in begun.items() if lane)


# ---------------------------------------------------------------------- how many workers


def test_a_pool_without_work_has_no_workers(make_pool):
    """Workers begin with the work."""
    pool = make_pool(resting=4)
    assert (pool.size, pool.queued, pool.paused) == (0, 0, False)
    ran = threading.Event()
    pool.submit(None, ran.set)
    assert ran.wait(LIMIT)
    assert pool.size == 1


def test_workers_bear_the_pools_name(make_pool):
    """A list of threads says whose they are."""
    pool, names = make_pool(name="qqgroup-test"), []
    pool.submit(None, lambda: names.append(threading.current_thread().name))
    eventually(lambda: names == ["qqgroup-test-1"])


def test_a_burst_after_a_rest_finds_a_worker_for_each(make_pool):
    """Two messages at once do not share the one worker that happens to be idle."""
    for _ in range(30):
        pool, together = make_pool(resting=4), meeting(3)
        idle = threading.Event()
        pool.submit(None, idle.set)
        assert idle.wait(LIMIT)
        eventually(lambda pool=pool: pool._idle == 1)
        pool.submit("a", together.wait)
        pool.submit("b", together.wait)
        together.wait()


def test_the_pool_grows_when_its_workers_are_blocked(make_pool):
    """Handlers that wait for the network do not make the bot deaf."""
    pool, together = make_pool(resting=2, working=6), meeting(7)
    for _ in range(6):
        pool.submit(None, together.wait)
    together.wait()
    assert pool.size == 6


def test_the_pool_grows_no_further_than_its_limit(make_pool, crowd):
    """However many messages wait, no more threads than allowed work."""
    pool = make_pool(resting=1, working=3)
    for _ in range(10):
        pool.submit(None, crowd.job)
    assert crowd.wait_for(3)
    assert not crowd.wait_for(1, within=0.05)
    crowd.let_go(10)
    eventually(lambda: crowd.done == 10)
    assert crowd.most == 3


def test_the_pool_grows_where_clocks_are_coarse(make_pool):
    """On Windows and on busy machines no tick is on time."""
    pool, together = make_pool(ScaledClock(10), resting=2, working=6), meeting(7)
    for _ in range(6):
        pool.submit(None, together.wait)
    together.wait()


def test_idle_workers_are_used_before_new_ones(make_pool):
    """A bot that handles one message after the other needs few threads."""
    pool, together = make_pool(resting=4), meeting(3)
    for _ in range(2):
        pool.submit(None, together.wait)
    together.wait()
    for _ in range(50):
        ran = threading.Event()
        eventually(lambda: pool._idle == 2)
        pool.submit(None, ran.set)
        assert ran.wait(LIMIT)
    assert pool.size == 2


def test_workers_above_the_resting_number_leave_after_a_while(make_pool, monkeypatch):
    """A burst does not leave threads behind for ever."""
    monkeypatch.setattr(lanes, "IDLE_LIFE", 0.02)
    pool, together = make_pool(resting=2, working=6), meeting(7)
    for _ in range(6):
        pool.submit(None, together.wait)
    together.wait()
    eventually(lambda: pool.size == 2)


def test_without_more_threads_the_pool_is_slow_but_works(make_pool, crowd, monkeypatch, caplog):
    """Where a container allows no further thread, the workers that there are do the work."""
    real, allowed = lanes.Service.start, [2]

    def start(service):
        if allowed[0] <= 0:
            raise RuntimeError("can't start new thread")
        allowed[0] -= 1
        real(service)

    monkeypatch.setattr(lanes.Service, "start", start)
    pool = make_pool(resting=4)  # a thread for the watch, one for a worker, no more
    for _ in range(5):
        pool.submit(None, crowd.job)
    eventually(lambda: "no more than 1 workers" in caplog.text)
    crowd.let_go(5)
    eventually(lambda: crowd.done == 5)
    assert (crowd.most, pool.size) == (1, 1)


def test_a_system_without_any_thread_says_so(monkeypatch):
    """A job that nobody will ever do is not taken."""
    pool = LanePool(Clock())

    def start(_service):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(lanes.Service, "start", start)
    with pytest.raises(RuntimeError, match="thread"):
        pool.submit(None, lambda: None)


# ---------------------------------------------------------------------- handlers that wait


@pytest.fixture
def parked():
    """Return a handler's wait: an event for its begin, and one that ends it."""
    wait = SimpleNamespace(begun=threading.Event(), over=threading.Event())
    yield wait
    wait.over.set()


def park(pool, wait, **options):
    """Wait in a handler as ``ask`` does."""
    with pool.park(**options):
        wait.begun.set()
        assert wait.over.wait(LIMIT)


@pytest.mark.parametrize("keep_lane", [False, True])
def test_a_waiting_handler_gives_its_place_back(make_pool, parked, keep_lane):
    """With one worker allowed, a question to one person does not silence the others."""
    pool, other = make_pool(resting=1, working=1), threading.Event()
    pool.submit("a", lambda: park(pool, parked, keep_lane=keep_lane))
    assert parked.begun.wait(LIMIT)
    pool.submit("b", other.set)
    assert other.wait(LIMIT)


def test_a_waiting_handler_lets_its_lane_go_on(make_pool, parked):
    """The answer to a question comes in the lane of who was asked."""
    pool, answer = make_pool(), threading.Event()
    pool.submit("a", lambda: park(pool, parked))
    pool.submit("a", answer.set)
    assert answer.wait(LIMIT)


def test_a_lane_that_is_kept_stands_still(make_pool, parked):
    """While a reply waits for the gateway, that person's next message waits, too."""
    pool, order = make_pool(), []

    def reply():
        park(pool, parked, keep_lane=True)
        order.append("reply")

    other, done = threading.Event(), threading.Event()
    pool.submit("a", reply)
    pool.submit("a", lambda: (order.append("next"), done.set()))
    assert parked.begun.wait(LIMIT)
    pool.submit("b", other.set)
    assert other.wait(LIMIT)
    assert order == []
    parked.over.set()
    assert done.wait(LIMIT)
    assert order == ["reply", "next"]


def test_who_comes_back_goes_before_new_messages(make_pool, parked, crowd):
    """The handler that got its answer goes on before the lane's next message begins."""
    pool, order, done = make_pool(), [], threading.Event()

    def ask():
        park(pool, parked)
        order.append("went on")

    pool.submit("a", ask)
    pool.submit("a", crowd.job)  # in the lane while the first one waits
    assert parked.begun.wait(LIMIT)
    assert crowd.wait_for(1)
    pool.submit("a", lambda: (order.append("new"), done.set()))
    parked.over.set()
    eventually(lambda: getattr(pool._order._lanes["a"], "returning", None))
    crowd.let_go(1)
    assert done.wait(LIMIT)
    assert order == ["went on", "new"]


def test_a_place_that_becomes_free_is_used_at_once(make_pool, parked, crowd, monkeypatch):
    """A pool at its limit takes the next message as soon as one of its handlers waits."""
    monkeypatch.setattr(lanes, "SLOW_TICK", 60.0)
    pool, go, ran = make_pool(resting=1, working=2), threading.Event(), threading.Event()

    def ask():
        go.wait(LIMIT)
        park(pool, parked)

    pool.submit(None, crowd.job)
    pool.submit(None, ask)
    assert crowd.wait_for(1)
    eventually(lambda: pool.size == 2 and not pool._watch_hurries)
    pool.submit(None, ran.set)
    go.set()
    assert ran.wait(LIMIT / 2)


def test_returning_handlers_do_not_swell_the_pool(make_pool, crowd):
    """Workers above the limit, come back from waiting, leave instead of taking new work."""
    pool, waits = make_pool(resting=2, working=2), threading.Semaphore(0)
    threads, begun = [], threading.Semaphore(0)

    def ask():
        threads.append(threading.current_thread())
        with pool.park():
            begun.release()
            waits.acquire(timeout=LIMIT)

    for number in range(6):
        pool.submit(number, ask)
    assert all(begun.acquire(timeout=LIMIT) for _ in range(6))
    for _ in range(12):
        pool.submit(None, crowd.job)
    assert crowd.wait_for(2)
    waits.release(6)
    for thread in threads:
        thread.join(LIMIT)
        assert not thread.is_alive()
    assert crowd.running == 2
    crowd.let_go(12)
    eventually(lambda: crowd.done == 12)
    assert crowd.most == 2


def test_too_many_waiting_handlers_are_refused(make_pool, parked):
    """The limit is an error in the handler that asks, with a remedy, and harms nobody else."""
    pool, refused = make_pool(parking=1), []

    def ask():
        try:
            park(pool, parked)
        except StateError as error:
            refused.append(error)

    pool.submit("a", ask)
    assert parked.begun.wait(LIMIT)
    pool.submit("b", ask)
    eventually(lambda: refused)
    assert refused[0].remedy
    parked.over.set()
    ran = threading.Event()
    pool.submit("b", ran.set)
    assert ran.wait(LIMIT)


def test_a_wait_that_fails_comes_back_like_any_other(make_pool):
    """WaitTimeout inside ``ask`` neither loses the lane nor the place."""
    pool, order = make_pool(resting=1, working=1), []

    def ask():
        try:
            with pool.park():
                raise TimeoutError
        except TimeoutError:
            order.append("timed out")

    done = threading.Event()
    pool.submit("a", ask)
    pool.submit("a", done.set)
    assert done.wait(LIMIT)
    eventually(lambda: order == ["timed out"])


def test_a_wait_within_a_wait_counts_once(make_pool):
    """A send inside ``ask`` may wait for the gateway."""
    pool, done = make_pool(parking=1), threading.Event()

    def ask():
        with pool.park(), pool.park(keep_lane=True):
            pass
        done.set()

    pool.submit("a", ask)
    assert done.wait(LIMIT)


def test_outside_a_worker_waiting_changes_nothing(make_pool):
    """The main thread may send, too."""
    pool = make_pool(parking=0)
    with pool.park():
        assert pool.size == 0


# ---------------------------------------------------------------------- a full queue


def fill(pool, crowd, capacity):
    """Occupy the only worker and every place in the queue."""
    pool.submit(None, crowd.job)
    assert crowd.wait_for(1)
    for _ in range(capacity):
        pool.submit(None, crowd.job)
    assert pool.queued == capacity


def submit_beside(pool, crowd):
    """Submit in a thread of its own; return the thread and where its answer will stand."""
    answers = []
    thread = threading.Thread(target=lambda: answers.append(pool.submit(None, crowd.job)))
    thread.start()
    return thread, answers


def test_a_full_queue_holds_the_submitter_back_until_there_is_room(make_pool, crowd):
    """Overload pauses reading; nothing is dropped."""
    pool = make_pool(resting=1, working=1, capacity=10)
    fill(pool, crowd, 10)
    submitter, answers = submit_beside(pool, crowd)
    eventually(lambda: pool.paused)
    assert answers == []
    crowd.let_go(2)
    submitter.join(LIMIT)
    assert (answers, pool.paused) == ([True], False)
    crowd.let_go(20)
    eventually(lambda: crowd.done == 12)


def test_every_submitter_that_was_held_back_goes_on(make_pool, crowd):
    """Two shards that paused both read on when the queue drains."""
    pool = make_pool(resting=1, working=1, capacity=2)
    fill(pool, crowd, 2)
    submitters = [submit_beside(pool, crowd) for _ in range(6)]
    eventually(lambda: pool._held_back == 6)
    for _ in range(9):
        crowd.let_go(1)
    for submitter, answers in submitters:
        submitter.join(LIMIT)
        assert answers == [True]
    eventually(lambda: crowd.done == 9)
    assert not pool.paused


def test_new_workers_make_room_in_the_queue(make_pool, crowd):
    """A reader that was held back goes on although no handler has ended."""
    pool = make_pool(resting=1, working=10, capacity=3)
    submitter = threading.Thread(target=lambda: [pool.submit(None, crowd.job) for _ in range(10)])
    submitter.start()
    submitter.join(LIMIT)
    assert not submitter.is_alive()
    assert crowd.wait_for(10)


def test_waiting_handlers_make_room_in_the_queue(make_pool):
    """When all handlers ask something at once, their answers are still read."""
    pool, answered = make_pool(resting=2, working=2, capacity=3), threading.Semaphore(0)
    told = threading.Event()

    def ask():
        with pool.park():
            told.wait(LIMIT)
        answered.release()

    def read():
        for number in range(20):
            pool.submit(number, ask)
        told.set()

    reader = threading.Thread(target=read)
    reader.start()
    assert told.wait(LIMIT / 2)
    reader.join(LIMIT)
    assert all(answered.acquire(timeout=LIMIT) for _ in range(20))


def test_a_pause_is_told_once_a_minute(make_pool, crowd, clock, caplog):
    """One warning speaks for a whole burst."""
    pool = make_pool(clock, resting=1, working=1, capacity=1)

    def overload():
        fill(pool, crowd, 1)
        submitter, _ = submit_beside(pool, crowd)
        eventually(lambda: pool.paused)
        crowd.let_go(3)
        submitter.join(LIMIT)
        assert crowd.wait_for(2)
        eventually(lambda: crowd.running == 0)

    overload()
    overload()
    clock.advance(lanes.OVERLOAD_QUIET)
    overload()
    assert caplog.text.count("reading is paused") == 2


def test_overload_is_told_once_and_so_is_its_end(make_pool, crowd, caplog):
    """Its end is far from the limit, so that a queue that stays nearly full does not flicker."""
    told = []
    caplog.set_level(logging.INFO)
    pool = make_pool(resting=1, working=1, capacity=4, on_overload=told.append)
    fill(pool, crowd, 4)
    assert told == []
    submitter, _ = submit_beside(pool, crowd)
    eventually(lambda: pool.paused)
    assert told == [True]
    crowd.let_go(2)
    submitter.join(LIMIT)
    assert crowd.wait_for(2)
    assert told == [True]
    crowd.let_go(3)
    eventually(lambda: told == [True, False])
    lines = [record.getMessage() for record in caplog.records]
    assert "reading is paused" in lines[0]
    assert lines[1:] == ["messages are handled as they come again"]


# ---------------------------------------------------------------------- mishaps


@pytest.mark.parametrize("error", [ValueError("a defect"), SystemExit(1), GeneratorExit()])
def test_no_exception_costs_a_worker(make_pool, expected_errors, error):
    """Also an exit() in a handler ends that handler only, and its lane goes on."""
    pool, ran = make_pool(resting=1, working=1), threading.Event()

    def fail():
        raise error

    pool.submit("a", fail)
    pool.submit("a", ran.set)
    assert ran.wait(LIMIT)
    assert pool.size == 1
    assert [record.exc_info[1] for record in expected_errors] == [error]


def test_a_slow_handler_is_told_once_with_its_stack(make_pool, parked, monkeypatch, caplog):
    """Somebody who wonders why a bot is silent reads where it hangs; already with the first job."""
    ticks = count()
    monkeypatch.setattr(lanes, "SLOW_TICK", 0.01)
    monkeypatch.setattr(blockage, "time", SimpleNamespace(process_time=lambda: next(ticks)))
    pool = make_pool(slow_after=0.02)

    def wait_for_the_moon():
        parked.over.wait(LIMIT)

    pool.submit(None, wait_for_the_moon)
    eventually(lambda: "a handler has been running" in caplog.text)
    then = next(ticks)
    eventually(lambda: next(ticks) > then + 20)
    (record,) = [one for one in caplog.records if "has been running" in one.getMessage()]
    assert record.levelno == logging.WARNING
    assert "wait_for_the_moon" in record.getMessage()
    assert "qqgroup-worker-1" in record.getMessage()


def test_a_handler_that_waits_is_not_slow(make_pool, parked, clock, monkeypatch, caplog):
    """Half an hour in ``ask`` is nothing to warn about, not even when it is over."""
    ticks, went_on = count(), threading.Event()
    monkeypatch.setattr(lanes, "SLOW_TICK", 0.01)
    monkeypatch.setattr(blockage, "time", SimpleNamespace(process_time=lambda: next(ticks)))
    pool = make_pool(clock)

    def ask():
        park(pool, parked)
        went_on.wait(LIMIT)

    def look_on():
        then = next(ticks)
        eventually(lambda: next(ticks) > then + 20)

    pool.submit(None, ask)
    assert parked.begun.wait(LIMIT)
    clock.advance(1800)
    look_on()
    parked.over.set()
    eventually(lambda: pool._parked == 0)
    look_on()
    went_on.set()
    assert "has been running" not in caplog.text


def test_nothing_keeps_the_last_message_alive(make_pool):
    """An idle bot holds no picture in memory because it was the last thing it handled."""

    class Message:
        pass

    pool, handled = make_pool(), threading.Event()

    def submit():
        message = Message()
        pool.submit("a", lambda: (message, handled.set()))
        return weakref.ref(message)

    message = submit()
    assert handled.wait(LIMIT)
    eventually(lambda: gc.collect() is not None and message() is None)
    assert pool.size == 1


# ---------------------------------------------------------------------- the end


def test_closing_counts_what_was_left_undone(make_pool, crowd):
    """What was received but not handled is left for the next start."""
    pool = make_pool(resting=1, working=1)
    fill(pool, crowd, 5)
    pool.submit("a", crowd.job)
    pool.submit("a", crowd.job)
    assert pool.close() == 7
    assert pool.close() == 0
    assert pool.submit(None, crowd.job) is False
    crowd.let_go(10)
    assert pool.join(Deadline(Clock(), LIMIT)) == []
    assert (crowd.done, pool.size, pool.queued) == (1, 0, 0)


def test_joining_names_what_does_not_end(make_pool, crowd):
    """A stuck handler is told by the name of its thread, and the limit holds."""
    pool = make_pool(resting=2)
    pool.submit(None, crowd.job)
    assert crowd.wait_for(1)
    pool.close()
    assert pool.join(Deadline(Clock(), 0.01)) == ["qqgroup-worker-1"]
    crowd.let_go(1)
    assert pool.join(Deadline(Clock(), LIMIT)) == []


def test_closing_frees_who_is_held_back(make_pool, crowd):
    """A reader that was paused learns that its event was not taken."""
    pool = make_pool(resting=1, working=1, capacity=1)
    fill(pool, crowd, 1)
    submitter, answers = submit_beside(pool, crowd)
    eventually(lambda: pool.paused)
    pool.close()
    submitter.join(LIMIT)
    assert (answers, pool.paused) == ([False], False)


def test_closing_frees_who_waits_for_his_lane(make_pool, parked, crowd):
    """A handler on its way back does not wait for a lane that will never be free."""
    pool, went_on = make_pool(), threading.Event()

    def ask():
        park(pool, parked)
        went_on.set()

    pool.submit("a", ask)
    pool.submit("a", crowd.job)
    assert crowd.wait_for(1)
    parked.over.set()
    eventually(lambda: getattr(pool._order._lanes["a"], "returning", None))
    pool.close()
    assert went_on.wait(LIMIT)


def test_a_handler_may_close_the_pool(make_pool):
    """``stop()`` in a handler asks for the end; a join from there does not hang."""
    pool, answers = make_pool(), []

    def stop():
        pool.close()
        answers.append(pool.join(Deadline(Clock(), 0.01)))

    pool.submit(None, stop)
    eventually(lambda: answers)
    assert answers == [["qqgroup-worker-1"]]
