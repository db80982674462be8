"""Every test here runs other people's code: ``pytest -m compat``."""

from __future__ import annotations

import pytest

from qqgroup_sync.simulator import Simulator

from .sdks import APPID, SECRET, EchoBot, install


@pytest.fixture(scope="session")
def pythons(request):
    """Return the interpreter of an SDK's environment, which stays in pytest's cache."""
    folder = request.config.cache.mkdir("compat")
    return lambda sdk: install(sdk, folder)


@pytest.fixture
def sim():
    """A simulator that knows the bot and lets it come back quickly."""
    with Simulator(accept_any=False, max_concurrency=5) as simulator:
        simulator.platform.register_bot(APPID, SECRET, username="Echo")
        yield simulator


@pytest.fixture
def start(sim, pythons, tmp_path, request):
    """Return a function that starts the echo bot of an SDK; a failed test shows its output."""
    running = []

    def run(sdk, **settings):
        running.append(EchoBot(sdk, pythons(sdk), tmp_path, sim, settings))
        return running[-1]

    yield run
    for bot in running:
        bot.stop()
        print(bot.output)  # noqa: T201 - shown by pytest when the test has failed
