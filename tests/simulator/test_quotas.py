"""Quotas of unasked messages, and wake-up periods."""

import contextlib

import pytest

from qqgroup_sync.simulator.quotas import QuotaBook, group_quotas, user_quotas, wakeup_period
from qqgroup_sync.simulator.refusals import RefusalError
from qqgroup_sync.simulator.rules import DAY


def send_until_refused(quotas_of, *, step):
    """Return how many messages go through, ``step`` seconds apart."""
    book = QuotaBook()
    count = 0
    while _allowed(book, quotas_of(count), count * step):
        book.spend(quotas_of(count), count * step)
        count += 1
    return count


def _allowed(book, quotas, now):
    with contextlib.suppress(RefusalError):
        book.check(quotas, now)
        return True
    with pytest.raises(RefusalError) as caught:
        book.check(quotas, now)
    assert caught.value.err_code == 40034100
    return False


@pytest.mark.parametrize(
    ("certified", "same_group", "step", "limit"),
    [
        (False, True, 0.0, 20),
        (False, False, 0.0, 30),
        (True, False, 0.0, 60),
        (True, True, 0.0, 20),
        (False, True, 3.0, 1000),
        (False, True, 2.9, 20),
    ],
)
def test_group_quotas(certified, same_group, step, limit):
    """Bot per minute, group per minute, group per day (2.5)."""

    def quotas(count):
        return group_quotas("a", "G" if same_group else f"G{count}", certified=certified)

    assert send_until_refused(quotas, step=step) == limit


@pytest.mark.parametrize(
    ("certified", "same_user", "step", "limit"),
    [
        (False, False, 0.0, 5),
        (False, False, 0.25, 30),
        (True, False, 0.0, 10),
        (True, True, 0.2, 20),
        (False, True, 3.0, 1000),
    ],
)
def test_user_quotas(certified, same_user, step, limit):
    """Bot per second and minute, user per minute and day (2.5)."""

    def quotas(count):
        return user_quotas("a", "U" if same_user else f"U{count}", certified=certified)

    assert send_until_refused(quotas, step=step) == limit


def test_bots_have_their_own_quotas():
    """Bots have their own quotas."""
    book = QuotaBook()
    for _ in range(20):
        book.spend(group_quotas("a", "G", certified=False), 0.0)
    book.check(group_quotas("b", "G", certified=False), 0.0)
    with pytest.raises(RefusalError):
        book.check(group_quotas("a", "G", certified=False), 0.0)


@pytest.mark.parametrize(
    ("days", "period"), [(0, 0), (0.99, 0), (1, 1), (3, 2), (6.9, 2), (7, 3), (29.9, 3), (30, None)]
)
def test_wakeup_periods(days, period):
    """Same day, 1-3, 3-7 and 7-30 days are four periods (2.5)."""
    assert wakeup_period(days * DAY) == period
