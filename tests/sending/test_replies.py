"""ReplyBudget: how many replies are left, until when, and which number each carries."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qqgroup_sync.sending.replies import C2C, GROUP, ReplyBudget, age_of


@pytest.mark.parametrize(("allowance", "replies", "window"), [(GROUP, 5, 300), (C2C, 4, 3600)])
def test_numbers_rise_from_1_until_nothing_is_left(allowance, replies, window):
    """5 in 5 minutes in groups, 4 in 60 minutes in private."""
    budget = ReplyBudget(allowance, ends=1000.0 + window)
    told = []
    while budget.left(1000.0):
        told.append((budget.left(1000.0), budget.take()))
    assert told == [(replies - number, number + 1) for number in range(replies)]


def test_after_the_window_nothing_is_left():
    """From the very second on."""
    budget = ReplyBudget(GROUP, ends=1000.0)
    assert budget.left(999.999) == 5
    assert budget.left(1000.0) == 0
    assert budget.left(2000.0) == 0


def test_left_is_never_negative():
    """Threads may have drawn more than there was."""
    budget = ReplyBudget(C2C, ends=1000.0)
    assert [budget.take() for _ in range(6)] == [1, 2, 3, 4, 5, 6]
    assert budget.left(0.0) == 0


@pytest.mark.parametrize(
    ("timestamp", "arrived", "now", "platform_now", "age"),
    [
        (1000.0, 1002.0, 1003.0, 1003.0, 3.0),  # it took two seconds to come
        (1000.0, 1002.0, 1003.0, None, 3.0),
        (None, 1002.0, 1003.0, 5000.0, 1.0),  # the platform did not say when
        (1060.0, 1002.0, 1003.0, 1063.0, 3.0),  # the platform's clock is a minute ahead
        (940.0, 1002.0, 1003.0, 943.0, 3.0),  # or behind
        (1060.0, 1002.0, 1003.0, None, 1.0),  # ahead, and nobody knows by how much
        (700.0, 1002.0, 1003.0, 1003.0, 303.0),  # replayed after an outage
        (1000.0, 1002.0, 87_403.0, 1003.0, 3.0),  # somebody has set this clock a day ahead
        (1000.0, 1002.0, -85_397.0, 1003.0, 3.0),  # or back
        (1000.0, 1002.0, 1001.0, None, 1.0),
    ],
)
def test_when_the_window_begins(timestamp, arrived, now, platform_now, age):
    """At the platform's timestamp, by the platform's clock where it is known."""
    found = age_of(timestamp=timestamp, arrived=arrived, now=now, platform_now=platform_now)
    assert found == age


@given(
    timestamp=st.none() | st.floats(0, 2e9),
    arrived=st.floats(0, 2e9),
    waited=st.floats(0, 1e5),
)
def test_a_window_never_ends_later_than_counted_from_the_arrival(timestamp, arrived, waited):
    """Whatever the clocks say: a reply that is too late would be lost silently."""
    now = arrived + waited
    age = age_of(timestamp=timestamp, arrived=arrived, now=now, platform_now=None)
    assert age >= now - arrived
