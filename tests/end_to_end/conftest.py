"""A simulated platform and bots on it, over real sockets."""

from __future__ import annotations

import threading

import pytest

from qqgroup_sync import Client
from qqgroup_sync.runtime.clock import Clock
from qqgroup_sync.simulator.fixtures import PLATFORM
from qqgroup_sync.testing import SimulatedQQ
from tests.waiting import eventually


class HurriedClock(Clock):
    """The machine's clock for what is measured, but waits are fifty times shorter."""

    speed = 50.0

    def wait(self, event, seconds):
        return event.wait(None if seconds is None else seconds / self.speed)


class Interrupted(HurriedClock):
    """A hurried clock, on which something happens at the end of the next wait of one thread.

    That wait is not hurried: at its end there is nothing left to wait for.

    Attributes:
        happens: What has not happened yet.
    """

    def __init__(self):
        self.happens = self._thread = None

    def interrupt(self, happens):
        """Let something happen in the next wait of this thread."""
        self.happens, self._thread = happens, threading.current_thread()

    def wait(self, event, seconds):
        if self.happens is None or threading.current_thread() is not self._thread:
            return super().wait(event, seconds)
        happens, self.happens = self.happens, None
        stopped = event.wait(seconds)
        happens()
        return stopped


@pytest.fixture
def sim(request):
    """A running platform that nobody uses yet, for clients with a clock or a state of their own.

    Tests of what users write take the fixture ``qq`` instead.
    """
    with SimulatedQQ(adopt=False) as platform:
        request.node.stash[PLATFORM] = platform
        yield platform.simulator


def leave(sim, client, refusals=3, shard=None):
    """Let the gateway go away and refuse the next connections; returns when the bot knows."""
    sim.gateway.refuse_connections(refusals)
    sim.gateway.drop(shard=shard)
    eventually(lambda: client.status.state != "online")


@pytest.fixture
def make_client(sim):
    """Return a function that makes clients for the platform; they are stopped at the end."""
    clients = []

    def make(**options):
        options.setdefault("clock", HurriedClock())
        options.setdefault("appid", "1")
        options.setdefault("client_secret", "secret-of-1")
        client = Client(api_base=sim.url, language="en", **options)
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.stop()


@pytest.fixture
def echo(make_client):
    """Return a client that says back what it hears; not started."""
    client = make_client()

    @client.on_message
    def say_back(message):
        return f"echo {message.text}"

    return client
