"""What goes wrong at a word does go wrong at the platform."""

from __future__ import annotations

import pytest

from qqgroup_sync.cli.faults import USAGES, FaultError, duration, read_fault
from qqgroup_sync.simulator import Simulator


@pytest.fixture
def sim():
    """A platform that was not started: nothing here needs a socket."""
    return Simulator()


def carry_out(sim, text):
    """Do it in a group with a bot, and return the group."""
    sim.platform.register_bot("1")
    group = sim.platform.group("g")
    read_fault(text).act(sim, group)
    return group


@pytest.mark.parametrize(
    ("text", "seconds"), [("2s", 2), ("2", 2), ("500ms", 0.5), ("1.5 min", 90), ("1h", 3600)]
)
def test_times(text, seconds):
    """Units that people write."""
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "s", "-1s", "two", "3 weeks"])
def test_what_is_no_time(text):
    """It is refused with an example."""
    with pytest.raises(FaultError, match="5m"):
        duration(text)


@pytest.mark.parametrize("usage", USAGES.values())
def test_everything_in_the_list_can_be_written_and_done(sim, usage):
    """The list in the error message holds no untruth."""
    for written in usage.split(", "):
        carry_out(sim, written.replace("[TIMES]", "2"))


def test_a_failure_of_sends_waits_for_the_next_ones(sim):
    """Status and count; other requests are left alone."""
    carry_out(sim, "fail 429 2")
    assert sim.faults.take("GET", "/gateway/bot") == {}
    path = "/v2/groups/x/messages"
    statuses = [sim.faults.take("POST", path).get("fail") for _ in range(3)]
    assert [fault and fault.status for fault in statuses] == [429, 429, None]


def test_time_is_stepped(sim):
    """The platform's clock jumps."""
    before = sim.clock.now()
    carry_out(sim, "step 5m")
    assert 300 <= sim.clock.now() - before < 310


def test_a_bot_is_muted_and_unmuted(sim):
    """In the group where it was said."""
    group = carry_out(sim, "mute")
    assert group.bots["1"].muted_until > sim.clock.now()
    carry_out(sim, "mute off")
    assert group.bots["1"].muted_until <= sim.clock.now()


def test_full_mode_is_switched(sim):
    """Every message of the group reaches the bot."""
    assert carry_out(sim, "full on").full_mode
    assert not carry_out(sim, "full off").full_mode


def test_a_bot_is_thrown_out_and_comes_back(sim):
    """As a person of the group would do it."""
    group = carry_out(sim, "kick")
    assert group.bots == {}
    assert "1" in carry_out(sim, "invite").bots
