"""Rate limits: a sliding window per person or per group, and what is said to the hasty."""

from __future__ import annotations

import threading

import pytest

from qqgroup_sync.dispatch import rate_limits
from qqgroup_sync.dispatch.rate_limits import Limiter, RateLimit, rate_limit_of
from qqgroup_sync.events.models import C2CMessage, GroupMessage, Member


def by(user, group="G"):
    """A message of somebody in a group; in private without one."""
    if not group:
        return C2CMessage(author=Member(user))
    return GroupMessage(author=Member(user), group_openid=group)


def test_so_many_uses_in_any_window():
    """The window slides: each use comes back by itself."""
    limiter = Limiter(RateLimit(2, 10))
    waits = [limiter.use(by("U"), now) for now in (0, 4, 5, 9.5, 10, 10.5, 14)]
    assert waits == [0, 0, 5, 0.5, 0, 3.5, 0]


def test_who_is_refused_loses_no_use():
    """Asking again and again does not make it longer."""
    limiter = Limiter(RateLimit(1, 10))
    assert limiter.use(by("U"), 0) == 0
    for now in range(1, 10):
        assert limiter.use(by("U"), now) == 10 - now
    assert limiter.use(by("U"), 10) == 0


@pytest.mark.parametrize(
    ("per", "other", "together"),
    [
        ("user", by("U"), True),
        ("user", by("V"), False),
        ("user", by("U", "H"), False),
        ("user", by("U", ""), False),
        ("group", by("V"), True),
        ("group", by("U", "H"), False),
    ],
)
def test_whose_uses_are_counted_together(per, other, together):
    """A person's in one conversation, or everybody's in a group."""
    limiter = Limiter(RateLimit(1, 10, per=per))
    limiter.use(by("U"), 0)
    assert (limiter.use(other, 1) > 0) is together


def test_the_polite_answer_comes_once_per_window_and_person():
    """Who goes on gets silence, so that the bot cannot be made to spam."""
    limiter = Limiter(RateLimit(1, 10))
    said = []
    for now in (0, 1, 2, 3, 10, 11, 12):
        for user in "UV":
            wait = limiter.use(by(user), now)
            said.append(limiter.answer(by(user), wait, "en") if wait else None)
    polite = "Not so fast: please wait 9 s."
    each = [None, polite, "", "", None, polite, ""]
    assert said == [one for one in each for _ in "UV"]


@pytest.mark.parametrize(
    ("answer", "wait", "language", "said"),
    [
        (None, 8.2, "en", "Not so fast: please wait 9 s."),
        (None, 0.1, "zh", "太快了，请 1 秒后再试。"),
        ("Come back in {seconds}!", 30.0, "en", "Come back in 30!"),
        ("{braces} and {seconds}", 1.0, "en", "{braces} and 1"),
        ("", 5.0, "en", ""),
    ],
)
def test_what_is_said(answer, wait, language, said):
    """Whole seconds, never too few; "" says nothing."""
    limiter = Limiter(RateLimit(1, 60, answer=answer))
    assert limiter.answer(by("U"), wait, language) == said


@pytest.mark.parametrize(
    ("limit", "cooldown", "meant"),
    [
        (None, None, None),
        ((3, 60), None, RateLimit(3, 60)),
        (RateLimit(3, 60, answer="x"), None, RateLimit(3, 60, answer="x")),
        (None, 30, RateLimit(1, 30)),
    ],
)
def test_a_cooldown_is_a_limit_of_one(limit, cooldown, meant):
    """Two ways to write it."""
    assert rate_limit_of(limit, cooldown) == meant


def test_the_number_of_people_remembered_is_bounded(monkeypatch):
    """The one who was away longest is forgotten, with what he was told."""
    monkeypatch.setattr(rate_limits, "REMEMBERED", 3)
    limiter = Limiter(RateLimit(1, 1000))
    for user in "ABC":
        limiter.use(by(user), 0)
        limiter.answer(by(user), 1, "en")
    assert limiter.use(by("A"), 1) > 0  # A was here just now
    assert limiter.use(by("D"), 2) == 0
    assert limiter.use(by("A"), 3) > 0
    assert limiter.use(by("B"), 4) == 0
    assert len(limiter._uses) == 3
    assert limiter._told <= set(limiter._uses)


def test_of_many_at_once_only_so_many_get_through():
    """From any thread."""
    limiter = Limiter(RateLimit(5, 1000, per="group"))
    begin, passed = threading.Barrier(8), []

    def rush():
        begin.wait(5)
        passed.append(sum(limiter.use(by("U"), 1.0) == 0 for _ in range(50)))

    threads = [threading.Thread(target=rush) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sum(passed) == 5
