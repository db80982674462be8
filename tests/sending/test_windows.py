"""Windows: turns in any order of asking, and never more of them than the rate allows."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qqgroup_sync.rates import Rate
from qqgroup_sync.sending.windows import MARGIN, Window, free_in_all

RATES = st.builds(Rate, st.integers(1, 8), st.sampled_from([1.0, 10.0, 60.0]))


def overrun(turns, rate, seconds=0.0):
    """Return whether some span holds more turns than the rate."""
    turns = sorted(turns)
    pairs = zip(turns, turns[rate.most :], strict=False)
    return any(late - early < (seconds or rate.seconds * 1.01) for early, late in pairs)


@given(
    st.integers(1, 20),
    st.sampled_from([1.0, 60.0]),
    st.lists(st.floats(0, 30), min_size=1, max_size=80),
)
def test_no_window_ever_holds_more_than_its_rate(most, seconds, pauses):
    """Wherever it begins, however calls come; and the first ones never wait."""
    rate = Rate(most, seconds)
    window, now, turns = Window("x", rate), 0.0, []
    for pause in pauses:
        now += pause
        turns.append(window.free_at(now))
        window.take(turns[-1], now)
    assert turns == sorted(turns)
    assert not overrun(turns, rate)
    assert turns[: min(most, len(turns))] == list(itertools.accumulate(pauses))[:most]


@given(
    st.lists(RATES, min_size=2, max_size=3),
    st.lists(
        st.tuples(st.floats(0, 20), st.sets(st.integers(0, 2), min_size=1)),
        min_size=1,
        max_size=60,
    ),
)
def test_turns_lie_in_any_order(rates, calls):
    """A call that waits for one rate goes later than others that came behind it."""
    windows = [Window("x", rate) for rate in rates]
    taken = [[] for _ in rates]
    now = 0.0
    for pause, chosen in calls:
        now += pause
        places = [place for place in sorted(chosen) if place < len(rates)] or [0]
        turn = free_in_all([windows[place] for place in places], now)
        assert turn >= now
        for place in places:
            windows[place].take(turn, now)
            taken[place].append(turn)
    for rate, turns in zip(rates, taken, strict=True):
        assert not overrun(turns, rate)


@given(RATES, st.lists(st.floats(0, 100), max_size=30), st.floats(0, 100))
def test_the_next_turn_is_the_first_that_is_free(rate, wanted, now):
    """None is given away: a moment before it would overrun the rate."""
    window, turns = Window("x", rate), []
    for moment in wanted:
        turns.append(window.free_at(moment))
        window.take(turns[-1], 0.0)
    turn = window.free_at(now)
    assert not overrun([*turns, turn], rate)
    span = rate.seconds + min(MARGIN, rate.seconds / 20)
    for earlier in [now, *turns, *(one + span for one in turns)]:
        assert not now <= earlier < turn - 0.001 or overrun([*turns, earlier], rate, span)


def test_a_turn_ahead_leaves_the_moments_before_it_free():
    """It counts where it is, and not before."""
    window = Window("x", Rate(2, 10.0))
    window.take(50.0, 0.0)
    window.take(51.0, 0.0)
    assert [window.free_at(moment) for moment in (0.0, 39.0, 45.0)] == [0.0, 39.0, 60.5]
    window.give_back(51.0)
    assert window.free_at(45.0) == 45.0


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_turn_is_free_in_every_window_at_the_same_moment(order):
    """Where one is free now, it may not be when the other one is."""
    windows = [Window("x", Rate(1, 10.0)) for _ in range(2)]
    windows[0].take(20.0, 0.0)
    windows[1].take(5.0, 0.0)
    assert free_in_all([windows[place] for place in order], 0.0) == 30.5


def test_what_was_never_taken_is_not_given_back():
    """It may have been forgotten meanwhile."""
    window = Window("x", Rate(1, 10.0))
    window.take(5.0, 0.0)
    window.give_back(4.0)
    window.give_back(6.0)
    assert window.free_at(5.0) == pytest.approx(15.5)


def test_old_turns_are_forgotten():
    """A window grows no further than what counts."""
    window = Window("x", Rate(100, 1.0))
    for moment in range(1000):
        window.take(float(moment), float(moment))
    assert len(window._turns) < 3
    assert not window.is_idle(999.5)
    assert window.is_idle(1001.0)
