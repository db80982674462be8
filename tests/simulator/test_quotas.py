"""Quotas of unasked messages, and wake-up periods."""

import pytest

from qqgroup_sync.simulator.quotas import QuotaBook, group_quotas, user_quotas, wakeup_period
from qqgroup_sync.simulator.refusals import RefusalError
from qqgroup_sync.simulator.rules import DAY


def send_until_refused(quotas_of, *, step, most=3000):
    """Return how many messages go through, ``step`` seconds apart."""
    book = QuotaBook()
    for count in range(most):
        try:
            book.check(quotas_of(count), count * step)
        except RefusalError as refusal:
            assert refusal.err_code == 40034100
            return count
        book.spend(quotas_of(count), count * step)
    return most


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
    def quotas(count):
        return user_quotas("a", "U" if same_user else f"U{count}", certified=certified)

    assert send_until_refused(quotas, step=step) == limit


def test_bots_have_their_own_quotas():
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
    assert wakeup_period(days * DAY) == period
