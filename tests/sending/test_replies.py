"""ReplyBudget: how many replies are left, until when, and which number each carries."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qqgroup_sync.sending.replies import C2C, GROUP, ReplyBudget, expiry


@pytest.mark.parametrize(("allowance", "replies", "window"), [(GROUP, 5, 300), (C2C, 4, 3600)])
def test_numbers_rise_from_1_until_nothing_is_left(allowance, replies, window):
    """5 in 5 minutes in groups, 4 in 60 minutes in private."""
    budget = ReplyBudget(allowance, expires_at=1000.0 + window)
    told = []
    while budget.left(1000.0):
        told.append((budget.left(1000.0), budget.take()))
    assert told == [(replies - number, number + 1) for number in range(replies)]


def test_after_the_window_nothing_is_left():
    """From the very second on."""
    budget = ReplyBudget(GROUP, expires_at=1000.0)
    assert budget.left(999.999) == 5
    assert budget.left(1000.0) == 0
    assert budget.left(2000.0) == 0


def test_left_is_never_negative():
    """Threads may have drawn more than there was."""
    budget = ReplyBudget(C2C, expires_at=1000.0)
    assert [budget.take() for _ in range(6)] == [1, 2, 3, 4, 5, 6]
    assert budget.left(0.0) == 0


@pytest.mark.parametrize(
    ("timestamp", "skew", "arrived", "began"),
    [
        (1000.0, 0.0, 1002.0, 1000.0),  # it took two seconds to come
        (None, 0.0, 1002.0, 1002.0),  # the platform did not say when
        (None, 50.0, 1002.0, 1002.0),
        (1060.0, 60.0, 1002.0, 1000.0),  # the platform's clock is a minute ahead
        (940.0, -60.0, 1002.0, 1000.0),  # or behind
        (1060.0, 0.0, 1002.0, 1002.0),  # ahead, and nobody knows by how much
        (700.0, 0.0, 1002.0, 700.0),  # replayed after an outage
    ],
)
def test_when_the_window_begins(timestamp, skew, arrived, began):
    """At the platform's timestamp in this machine's time, never after the arrival."""
    ends = expiry(GROUP, timestamp=timestamp, skew=skew, arrived=arrived)
    assert ends == began + 300.0


@given(
    timestamp=st.none() | st.floats(0, 2e9),
    skew=st.floats(-1e6, 1e6),
    arrived=st.floats(0, 2e9),
    allowance=st.sampled_from([GROUP, C2C]),
)
def test_a_window_never_ends_later_than_counted_from_the_arrival(
    timestamp, skew, arrived, allowance
):
    """Whatever the clocks say: a reply that is too late would be lost silently."""
    ends = expiry(allowance, timestamp=timestamp, skew=skew, arrived=arrived)
    assert ends <= arrived + allowance.window
