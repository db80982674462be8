"""A platform without sockets, a running simulator, and a bot made of plain requests and frames."""

import pytest

from qqgroup_sync.simulator.clock import SimulatedClock
from qqgroup_sync.simulator.platform import Platform
from qqgroup_sync.simulator.simulator import Simulator

from .bot import APPID, Bot


@pytest.fixture
def clock():
    """A clock that stands still until it is advanced."""
    return SimulatedClock(speed=0, start=1_784_570_400.0)


@pytest.fixture
def platform(clock):
    """A platform with one bot, no sockets, and time that stands still."""
    platform = Platform(clock)
    platform.register_bot(APPID, "secret", username="Robot")
    return platform


@pytest.fixture
def record(platform):
    """The registered bot's record."""
    return platform.bots[0]


@pytest.fixture
def sim():
    """A running simulator."""
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def bot(sim):
    """A bot with a token, not connected to the gateway."""
    with Bot(sim) as one:
        yield one
