"""Who says what, where and when."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest

from qqgroup_sync.simulator.load.plan import Plan, fill

TEXTS = {"group": ["a {n}", "b"], "private": ["p"]}


def test_messages_are_evenly_spaced_and_as_many_as_asked_for():
    """An open loop: the times are known beforehand, warm-up included."""
    plan = Plan(rate=50, seconds=2, warm_up=1)
    messages = list(plan.messages(TEXTS))
    assert len(messages) == 150
    gaps = {round(b.at - a.at, 9) for a, b in itertools.pairwise(messages)}
    assert gaps == {0.02}
    assert [one.number for one in messages] == list(range(150))


def test_groups_and_people_are_those_of_the_plan():
    """Each of them speaks; a person is at home in one group."""
    plan = Plan(groups=3, persons=2, rate=100, seconds=3, warm_up=0)
    places = {(one.group, one.person) for one in plan.messages(TEXTS)}
    assert len(places) == 6
    assert ("group 1", "person 1-2") in places


def test_the_share_of_private_messages():
    """About as many as asked for, and none or all at the ends."""
    scenes = Counter(one.scene for one in Plan(private=0.25, rate=1000, seconds=4).messages(TEXTS))
    assert 0.2 < scenes["private"] / scenes.total() < 0.3
    assert Plan().scenes == ("group",)
    assert Plan(private=1).scenes == ("private",)
    assert {one.scene for one in Plan(private=1, seconds=1).messages(TEXTS)} == {"private"}


def test_texts_take_turns():
    """The first one again after the last one."""
    messages = list(Plan(rate=4, seconds=1, warm_up=0).messages(TEXTS))
    assert [one.text for one in messages] == ["a {n}", "b", "a {n}", "b"]
    assert messages[2].words == "a 2"


def test_a_plan_can_be_repeated():
    """The same seed says the same."""
    plan = Plan(rate=20, seconds=1, seed=7)
    assert list(plan.messages(TEXTS)) == list(plan.messages(TEXTS))
    assert list(Plan(rate=20, seconds=1, seed=8).messages(TEXTS)) != list(plan.messages(TEXTS))


def test_placeholders_are_filled_and_other_braces_stay():
    """Texts may be JSON."""
    assert fill('{"n": {n}, "who": "{person}@{group}"}', 3, "Ming", "g") == (
        '{"n": 3, "who": "Ming@g"}'
    )


@pytest.mark.parametrize(
    "wrong",
    [{"rate": 0}, {"seconds": -1}, {"groups": 0}, {"private": 1.5}, {"grace": -1}, {"warm_up": -1}],
)
def test_nonsense_is_refused(wrong):
    """With the name of the figure."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Plan(**wrong)
