"""Waiters: an event is taken by one waiter or left to the handlers; nobody waits in vain."""

from __future__ import annotations

import contextlib
import random
import threading

import pytest

from qqgroup_sync.dispatch.in_hand import InHand
from qqgroup_sync.dispatch.waiters import OVERTAKEN, Waiter, Waiters
from qqgroup_sync.errors import WaitCancelled
from qqgroup_sync.events.models import Event
from qqgroup_sync.runtime.clock import Clock, Deadline
from qqgroup_sync.runtime.lanes import LanePool
from tests.waiting import LIMIT, eventually

ME = (("group", "G"), "me")
PLACE = ("group", "G")


def event(name="said"):
    """Something that happened."""
    return Event(name)


@pytest.fixture
def waiters():
    """Waiters of threads that are no workers, in real time."""
    return Waiters(Clock(), contextlib.nullcontext)


@pytest.fixture
def timed(clock):
    """Waiters whose waits pass at once."""
    return Waiters(clock, contextlib.nullcontext)


@pytest.fixture
def pool():
    """A pool of real workers."""
    pool = LanePool(Clock(), name="qqgroup-tested")
    pool.start()
    yield pool
    pool.close()
    assert pool.join(Deadline(Clock(), LIMIT)) == []


@pytest.fixture
def aside():
    """Return a function that runs another one in a thread, and a later call returns its outcome."""
    threads = []

    def run(function):
        outcome = []

        def body():
            try:
                outcome.append(function())
            except BaseException as error:
                outcome.append(error)

        thread = threading.Thread(target=body)
        thread.start()
        threads.append(thread)

        def result():
            thread.join(LIMIT)
            assert outcome, "still running"
            return outcome[0]

        return result

    yield run
    for thread in threads:
        thread.join(LIMIT)
        assert not thread.is_alive()


def ask(waiters, key=ME, timeout=LIMIT, **options):
    """Wait for one event, as a handler does."""
    with waiters.waiting(key, **options) as waiter:
        return waiters.wait(waiter, timeout)


def waiting(waiters, key=ME):
    """Wait until somebody waits; return the waiter."""
    eventually(lambda: any(one.waits for one in waiters.of(key)))
    return waiters.of(key)[0]


# ---------------------------------------------------------------------- taking and leaving


def test_who_waits_gets_the_event(waiters, aside):
    """The very object, and nobody waits afterwards."""
    answer = aside(lambda: ask(waiters))
    said = event()
    assert waiters.hand_over(waiting(waiters), said)
    assert answer() is said
    assert len(waiters) == 0


def test_only_one_event_is_taken(waiters, aside):
    """The second one is left to the handlers, however late the handler wakes."""
    answer = aside(lambda: ask(waiters))
    waiter = waiting(waiters)
    first, second = event(), event()
    assert [waiters.hand_over(waiter, one) for one in (first, second)] == [True, False]
    assert answer() is first


def test_nothing_comes_in_time(timed, clock):
    """None after the seconds that were asked for, and nobody waits any more."""
    begun = clock.monotonic()
    assert ask(timed, timeout=7) is None
    assert clock.monotonic() - begun == 7
    assert len(timed) == 0


def test_who_has_waited_in_vain_takes_nothing(timed):
    """Inside the block, too: after its time-out a waiter is closed."""
    with timed.waiting(ME) as waiter:
        assert timed.wait(waiter, 5) is None
        assert timed.of(ME) == []
        assert not timed.hand_over(waiter, event())


def test_an_event_of_the_last_moment_is_taken(timed, clock):
    """It comes while the time runs out."""
    said = event()
    with timed.waiting(ME) as waiter:
        clock.on_wait = lambda _seconds: timed.hand_over(waiter, said)
        assert timed.wait(waiter, 5) is said


def test_a_time_out_and_an_event_race(aside):
    """Over many tries: what was taken is returned, what was not finds nobody. Never both."""
    waiters = Waiters(Clock(), contextlib.nullcontext)
    chance = random.Random(4)
    seen = set()
    for _ in range(300):
        said = event()
        ready = threading.Event()

        def wait(ready=ready):
            with waiters.waiting(ME) as waiter:
                ready.waiter = waiter
                ready.set()
                return waiters.wait(waiter, 0.001)

        answer = aside(wait)
        assert ready.wait(LIMIT)
        threading.Event().wait(chance.uniform(0, 0.002))
        taken = waiters.hand_over(ready.waiter, said)
        assert (answer() is said) == taken
        seen.add(taken)
    assert len(waiters) == 0
    assert seen == {True, False}  # both happened


def test_between_two_answers_nothing_is_taken(waiters, aside):
    """While a handler judges an answer the next one is left alone, until it goes on."""
    judging, judged = threading.Event(), threading.Event()

    def handler():
        with waiters.waiting(ME) as waiter:
            first = waiters.wait(waiter, LIMIT)
            judging.set()
            assert judged.wait(LIMIT)
            waiters.go_on(waiter)
            return first, waiters.wait(waiter, LIMIT)

    answers = aside(handler)
    waiter = waiting(waiters)
    first, second, third = event("1"), event("2"), event("3")
    assert waiters.hand_over(waiter, first)
    assert judging.wait(LIMIT)
    assert not waiters.hand_over(waiter, second)
    judged.set()
    waiting(waiters)
    assert waiters.hand_over(waiter, third)
    assert answers() == (first, third)


def test_an_answer_may_come_before_the_question_is_through(waiters, aside):
    """Who hands it over waits until the handler has it."""
    with waiters.waiting(ME) as waiter:
        said = event()
        taken = aside(lambda: waiters.hand_over(waiter, said))
        eventually(lambda: waiter.caught)
        assert waiters.wait(waiter, LIMIT) is said
    assert taken() is True


def test_an_answer_to_a_question_that_fails_goes_to_the_handlers(waiters, aside):
    """Nothing is lost when the question could not be sent."""
    with contextlib.suppress(ValueError), waiters.waiting(ME) as waiter:
        taken = aside(lambda: waiters.hand_over(waiter, event()))
        eventually(lambda: waiter.caught)
        raise ValueError("the platform refuses the question")
    assert taken() is False


# ---------------------------------------------------------------------- cancelling


def test_a_new_question_cancels_the_old_one(waiters, aside):
    """At once; and the end of the old one does not end the new one."""
    old = aside(lambda: ask(waiters))
    waiting(waiters)
    with waiters.waiting(ME) as waiter:
        assert isinstance(old(), WaitCancelled)
        assert waiters.of(ME) == [waiter]


def test_what_was_taken_before_is_not_cancelled(waiters):
    """An answer counts also when another question comes before its handler wakes."""
    said = event()
    with waiters.waiting(ME) as waiter:
        waiter.waits = True  # its thread is on its way to wake
        assert waiters.hand_over(waiter, said)
        with waiters.waiting(ME):
            assert not waiters.hand_over(waiter, event())
            assert waiters.wait(waiter, 1) is said


def test_cancelled_by_a_message_for_somebody_else(waiters, aside):
    """The dispatcher says that the person has turned to something else."""
    answer = aside(lambda: ask(waiters))
    waiters.cancel(waiting(waiters))
    assert isinstance(answer(), WaitCancelled)
    assert len(waiters) == 0


def test_people_and_places_do_not_meet(waiters, aside):
    """Two people of a group, and one of them in private."""
    keys = [ME, (PLACE, "you"), (("c2c", "me"), "me")]
    answers = [aside(lambda key=key: ask(waiters, key)) for key in keys]
    said = [event(str(number)) for number in range(3)]
    for key, one in zip(keys, said, strict=True):
        assert waiters.hand_over(waiting(waiters, key), one)
    assert [answer() for answer in answers] == said


def test_the_end_cancels_everybody(waiters, aside):
    """Handlers, watchers, channels; and who comes later is cancelled as well."""

    def watch():
        with waiters.watching(lambda _event: True) as waiter:
            return waiters.wait(waiter, None)

    def listen():
        return waiters.wait(waiters.channel(PLACE, owner=object()), None)

    answers = [aside(lambda: ask(waiters, timeout=None)), aside(watch), aside(listen)]
    waiting(waiters)
    waiting(waiters, PLACE)
    eventually(lambda: waiters.watched)
    waiters.close()
    assert [type(answer()) for answer in answers] == [WaitCancelled] * 3
    assert len(waiters) == 0
    with pytest.raises(WaitCancelled), waiters.waiting(ME):
        pass
    with pytest.raises(WaitCancelled):
        waiters.channel(PLACE, owner=object())


def test_who_judges_at_the_end_is_cancelled_when_he_goes_on(waiters):
    """Between two answers a handler learns of the end by its next wait."""
    with waiters.waiting(ME) as waiter:
        waiters.close()
        with pytest.raises(WaitCancelled):
            waiters.wait(waiter, LIMIT)
    assert len(waiters) == 0


# ---------------------------------------------------------------------- filters


def test_a_question_inside_of_a_question(waiters):
    """A filter that asks the same person something: the outer question goes on afterwards."""
    with waiters.waiting(ME, lambda one: ask(waiters, timeout=0) is None) as outer:
        assert outer.accepts(event())
        assert waiters.of(ME) == [outer]
        assert not outer.cancelled


def test_cancelling_the_inner_question_cancels_the_outer(waiters):
    """Both belong to one handler."""

    def inner(_event):
        with waiters.waiting(ME) as waiter:
            waiters.cancel(waiter)
            with pytest.raises(WaitCancelled):
                waiters.wait(waiter, LIMIT)
        return True

    with waiters.waiting(ME, inner) as outer:
        assert outer.accepts(event())
        with pytest.raises(WaitCancelled):
            waiters.wait(outer, LIMIT)
    assert len(waiters) == 0


def test_more_keys_with_filters_of_their_own(waiters, aside):
    """Clicks on the buttons of a question."""
    with waiters.waiting(ME, lambda _event: False) as waiter:
        waiters.also(waiter, "click", lambda one: one.name == "mine")
        assert waiters.of("click") == [waiter]
        assert not waiter.accepts(event("mine"))
        assert waiter.accepts(event("mine"), "click")
        assert not waiter.accepts(event("another's"), "click")
    assert len(waiters) == 0
    waiters.also(waiter, "click", lambda _one: True)  # too late
    assert waiters.of("click") == []


def test_the_filter_of_a_watcher_raises_where_it_waits(waiters, aside, expected_errors):
    """And the others see the event all the same."""

    def watch(accept):
        with waiters.watching(accept) as waiter:
            return waiters.wait(waiter, LIMIT)

    def broken(_event):
        raise ValueError("broken check")

    bad = aside(lambda: watch(broken))
    eventually(lambda: len(waiters) == 1)
    good = aside(lambda: watch(lambda one: one.name == "second"))
    eventually(lambda: len(waiters) == 2)
    waiters.show(event("first"))
    assert isinstance(bad(), ValueError)
    second = event("second")
    waiters.show(second)
    assert good() is second
    assert not waiters.watched
    assert expected_errors == []


# ---------------------------------------------------------------------- channels


def test_a_channel_catches_until_it_is_closed(timed):
    """Also between two waits; events keep their order."""
    owner, said = object(), [event(str(number)) for number in range(3)]
    waiter = timed.channel(PLACE, owner=owner)
    for one in said:
        assert timed.hand_over(waiter, one)
    assert timed.wait(waiter, 5) is said[0]
    assert timed.channel(PLACE, owner=owner, clean=False) is waiter
    assert timed.wait(waiter, 5) is said[1]
    assert timed.channel(PLACE, owner=said[1], clean=True) is waiter  # the last one answers, too
    assert timed.wait(waiter, 5) is None
    assert timed.channel(PLACE, owner=owner) is not waiter
    timed.leave(timed.channel(PLACE, owner=owner))
    assert len(timed) == 0


def test_a_forgotten_channel_lapses(timed, clock):
    """The handler ended without closing it: after its time the group is free again."""
    waiter = timed.channel(PLACE, owner=object())
    timed.hand_over(waiter, event())
    assert timed.wait(waiter, 30) is not None
    clock.advance(29)
    assert timed.of(PLACE) == [waiter]
    clock.advance(1)
    assert timed.of(PLACE) == []
    assert len(timed) == 0


def test_a_channel_that_waits_does_not_lapse(waiters, aside):
    """It is closed by its own time-out only."""
    waiter = waiters.channel(PLACE, owner=object())
    waiters.hand_over(waiter, event())
    assert waiters.wait(waiter, 0) is not None
    answer = aside(lambda: waiters.wait(waiter, LIMIT))
    assert waiting(waiters, PLACE) is waiter
    last = event()
    assert waiters.hand_over(waiter, last)
    assert answer() is last


def test_who_was_overtaken_between_two_waits_learns_it(timed, clock):
    """Its next wait is cancelled and does not overtake the new one in turn."""
    mine, other = object(), object()
    timed.hand_over(timed.channel(PLACE, owner=mine), event())
    new = timed.channel(PLACE, owner=other)
    with pytest.raises(WaitCancelled):
        timed.channel(PLACE, owner=mine)
    assert timed.of(PLACE) == [new]


def test_who_was_overtaken_and_never_looks_is_forgotten(timed, clock):
    """Nothing stays of handlers that ended."""
    for _ in range(10):
        waiter = timed.channel(PLACE, owner=object())
    timed.leave(waiter)
    assert len(timed) == 9
    clock.advance(OVERTAKEN)
    timed.leave(timed.channel(PLACE, owner=object()))
    assert len(timed) == 0


def test_closing_a_channel_wakes_who_waits_for_it(waiters, aside):
    """close_event() from another thread is the end of the wait, and no error."""
    answer = aside(lambda: waiters.wait(waiters.channel(PLACE, owner=object()), None))
    waiters.leave(waiting(waiters, PLACE))
    assert answer() is None


def test_what_a_handler_left_open_is_closed_and_nothing_else(timed):
    """Neither those of other handlers nor those of no handler; an overtaken one is forgotten."""
    with InHand(lambda: None) as other:
        theirs = timed.channel(("group", "H"), owner=object())
    with InHand(lambda: None) as mine:
        timed.channel(PLACE, owner=object())
    nobodys = timed.channel(PLACE, owner=object())
    timed.close_channels_of(mine)
    assert timed.of(PLACE, theirs.key) == [nobodys, theirs]
    assert len(timed) == 4  # both channels, each with its key
    timed.close_channels_of(None)
    timed.close_channels_of(other)
    assert timed.of(PLACE, theirs.key) == [nobodys]
    timed.leave(nobodys)
    assert not timed.has_channels


def test_a_channel_for_which_another_thread_waits_outlives_its_handler(waiters, aside):
    """The handler has handed it on."""
    with InHand(lambda: None) as mine:
        waiter = waiters.channel(PLACE, owner=object())
        answer = aside(lambda: waiters.wait(waiter, LIMIT))
        assert waiting(waiters, PLACE) is waiter
        waiters.close_channels_of(mine)
    said = event()
    assert waiters.hand_over(waiter, said)
    assert answer() is said
    waiters.leave(waiter)


# ---------------------------------------------------------------------- lanes


@pytest.mark.parametrize("rounds", [200])
def test_the_next_message_waits_for_what_is_done_with_the_answer(pool, rounds):
    """Lane and place are given back, and yet order is kept: one person says everything at once."""
    waiters = Waiters(Clock(), pool.park)
    heard, left_over, done = [], [], threading.Event()

    def handler():
        for _ in range(rounds):
            with waiters.waiting(ME) as waiter:
                heard.append(waiters.wait(waiter, LIMIT))
        done.set()

    def dispatch(said):
        for waiter in waiters.of(ME):
            if waiters.hand_over(waiter, said):
                return
        left_over.append(said)

    assert pool.submit(ME, handler)
    waiting(waiters)
    everything = [event(str(number)) for number in range(rounds)]
    for said in everything:
        assert pool.submit(ME, lambda said=said: dispatch(said))
    assert done.wait(LIMIT)
    assert left_over == []
    assert heard == everything
    eventually(lambda: pool._parked == 0)


def test_too_many_waiters_are_refused_and_leave_nothing(pool):
    """The waiter of the refused one is gone."""
    pool._parking = 0
    waiters = Waiters(Clock(), pool.park)
    refused = []

    def handler():
        try:
            ask(waiters)
        except RuntimeError as error:
            refused.append(error)

    pool.submit(ME, handler)
    eventually(lambda: refused)
    assert "0 handlers wait for answers already" in str(refused[0])
    assert refused[0].remedy
    assert len(waiters) == 0


def test_a_waiter_shows_what_hooks_may_want_to_know():
    """What ``message_before_waiter_set`` gets."""
    waiter = Waiter(ME, level=2, force=True)
    assert (waiter.key, waiter.level, waiter.force, waiter.keeps) == (ME, 2, True, False)
