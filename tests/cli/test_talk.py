"""What a person at the console does, on a platform without sockets."""

import pytest

from qqgroup_sync.cli.talk import Talk, TalkError
from qqgroup_sync.simulator.clock import SimulatedClock
from qqgroup_sync.simulator.platform import Platform


def test_people_on_the_blacklist_cannot_join():
    """It is told, and nothing ends."""
    platform = Platform(SimulatedClock())
    group, eve = platform.group("g"), platform.user("Eve")
    group.blacklist[eve.openid] = eve
    with pytest.raises(TalkError, match="Eve is on the blacklist of 'g'"):
        Talk(platform).join("Eve", "g")
    assert group.members == {}
