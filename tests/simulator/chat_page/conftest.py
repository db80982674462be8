"""A simulator with the chat page, its demo group, and what its bots are sent."""

import pytest

from qqgroup_sync.cli.refusals import in_both_languages
from qqgroup_sync.simulator import Simulator
from qqgroup_sync.simulator.chat_page import chat_page, ensure_demo


@pytest.fixture
def sim():
    """A running simulator with the chat page."""
    with Simulator(blueprints=[chat_page(in_both_languages)]) as running:
        yield running


@pytest.fixture
def group(sim):
    """The demo group: Ming and Lan."""
    ensure_demo(sim.platform)
    return sim.platform.groups[0]


@pytest.fixture
def events(sim):
    """(name, data) of every event that is sent to a bot."""
    found = []

    def observe(kind, record):
        if kind == "event":
            found.append((record.name, record.data))

    sim.platform.subscribe(observe)
    return found
