"""How users say how much is sent."""

from __future__ import annotations

import pytest

from qqgroup_sync.errors import ConfigError
from qqgroup_sync.rates import CERTIFIED, USUAL, Rate, rates_of


def test_the_documented_rates_hold_by_default():
    """Those of a bot that is not certified."""
    rates = rates_of("default", local=False)
    assert set(rates) == set(USUAL)
    assert rates["messages"] == (Rate(100, 1.0),)
    assert rates["group"] == (Rate(20, 60.0), Rate(1000, 86_400.0))
    assert rates["users"] == (Rate(5, 1.0), Rate(30, 60.0))


def test_a_certified_bot_may_more():
    """Send-message page, 2026-08."""
    rates = rates_of("certified", local=False)
    assert (rates["groups"], rates["users"]) == ((Rate(60, 60.0),), (Rate(10, 1.0),))
    assert set(CERTIFIED) == set(USUAL)


@pytest.mark.parametrize(
    ("limits", "local", "some"),
    [("default", True, False), (None, False, False), ("certified", True, True), ({}, True, True)],
)
def test_a_platform_at_home_is_not_spared_unless_it_is_said(limits, local, some):
    """A simulator that refuses shows what happens."""
    assert bool(rates_of(limits, local=local)) is some


def test_single_rates_can_be_changed_and_switched_off():
    """The others stay."""
    rates = rates_of({"group": "3/s 7/h", "groups": None, "others": None}, local=True)
    assert rates["group"] == (Rate(3, 1.0), Rate(7, 3600.0))
    assert "groups" not in rates
    assert "others" not in rates
    assert rates["user"] == (Rate(20, 60.0), Rate(1000, 86_400.0))


@pytest.mark.parametrize(
    "limits",
    [
        "fast",
        5,
        ["messages"],
        {"message": "1/s"},
        {"messages": "1"},
        {"messages": "0/s"},
        {"messages": "1/week"},
        {"messages": ""},
        {"messages": 5},
        {"others": "1/s"},
        {"messages": "-1/s"},
    ],
)
def test_what_is_wrong_is_refused_with_the_names(limits):
    """In the line of the constructor."""
    with pytest.raises(ConfigError) as caught:
        rates_of(limits, local=True, language="en")
    assert "prepares" in caught.value.remedy


def test_a_rate_reads_as_it_is_written():
    """In logs and errors."""
    assert str(Rate(1000, 86_400.0)) == "1000/day"
