"""Starting and stopping the whole."""

import ast
import contextlib
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import requests

import qqgroup_sync.simulator
from qqgroup_sync.simulator.simulator import Simulator
from tests.waiting import eventually

from .bot import Bot

PACKAGE = Path(qqgroup_sync.simulator.__file__).parent


def test_importing_loads_nothing():
    """Importing loads nothing."""
    code = (
        "import sys, qqgroup_sync.simulator as s; "
        "print(sorted({'flask', 'werkzeug', 'websockets'} & set(sys.modules))); "
        "print(s.Simulator.__name__, s.Rules.__name__)"
    )
    root = str(PACKAGE.parent.parent)
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert result.stdout.split("\n")[:2] == ["[]", "Simulator Rules"]
    with pytest.raises(AttributeError):
        _ = qqgroup_sync.simulator.nothing


def test_no_code_is_shared_with_the_client():
    """The plug-in of pytest excepted, which pytest finds here and which only hands over."""
    for path in set(PACKAGE.glob("**/*.py")) - {PACKAGE / "fixtures.py"}:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0
                names = [node.module]
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            for name in names:
                if name.partition(".")[0] == "qqgroup_sync":
                    assert name.startswith("qqgroup_sync.simulator"), (path, name)


def test_constructing_starts_nothing():
    """Constructing starts nothing."""
    before = threading.active_count()
    simulator = Simulator()
    assert threading.active_count() == before
    assert simulator.stop()


def test_start_is_idempotent_and_threads_are_named():
    """Start is idempotent and threads are named."""
    before = set(threading.enumerate())
    with Simulator() as sim, Bot(sim) as bot:
        assert sim.start() is sim
        bot.connect(identify=True)
        names = {one.name for one in set(threading.enumerate()) - before if one.daemon}
        served = [name for name in names if name.startswith("simulator-")]
        assert len(served) >= 5


def test_stop_is_prompt_with_idle_clients_everywhere():
    """Stop is prompt with idle clients everywhere."""
    sim = Simulator().start()
    host, port = sim.url.removeprefix("http://").split(":")
    with contextlib.ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(Bot(sim)).connect(identify=True, shard=(0, 1))
            stack.enter_context(socket.create_connection((host, int(port))))
            gateway_port = int(sim.gateway_url.split(":")[2].split("/")[0])
            stack.enter_context(socket.create_connection((host, gateway_port)))
        assert sim.stop(timeout=5)
        assert sim.stop()
        eventually(
            lambda: not any(one.name.startswith("simulator") for one in threading.enumerate())
        )


def test_threads_end_also_when_stop_does_not_wait():
    """Nothing stays, and another stop tells when all have gone."""
    started = [Simulator().start() for _ in range(5)]
    for sim in started:
        sim.stop(0.0)
    eventually(lambda: not any(one.name.startswith("simulator") for one in threading.enumerate()))
    assert all(sim.stop() for sim in started)


def test_a_start_right_after_a_stop_that_did_not_wait(sim, bot):
    """The ports are the same, and old threads do not get in the way."""
    urls = sim.url, sim.gateway_url
    for _ in range(5):
        sim.stop(0.0)
        sim.start()
    assert (sim.url, sim.gateway_url) == urls
    assert bot.connect(identify=True).ready["t"] == "READY"


def test_a_stop_in_vain_is_not_forgotten(sim, bot):
    """As long as somebody's observer hangs, each stop says that not all has ended."""
    hanging, end = threading.Event(), threading.Event()

    def hang(_kind, _record):
        hanging.set()
        end.wait(10)

    def send():
        with contextlib.suppress(requests.RequestException):  # nobody will answer
            bot.say(sim.platform.group("g"))

    sim.platform.subscribe(hang, ["message"])
    thread = threading.Thread(target=send)
    thread.start()
    assert hanging.wait(5)
    assert not sim.stop(0.05)
    assert not sim.stop(0.05)
    end.set()
    assert sim.stop()
    thread.join(5)


def test_clients_are_told_that_the_server_goes_away(sim, bot):
    """Clients are told that the server goes away."""
    wire = bot.connect(identify=True)
    sim.stop()
    assert wire.close_code() == 1001


def test_restart_keeps_ports_and_sessions(sim, bot):
    """Restart keeps ports and sessions."""
    wire = bot.connect(identify=True)
    urls = sim.url, sim.gateway_url
    assert sim.stop()
    sim.platform.group("g").member("Ming").say("while it was down")
    sim.start()
    assert (sim.url, sim.gateway_url) == urls
    again = bot.connect()
    again.resume(bot.token, wire.ready["d"]["session_id"], 1)
    assert [frame["s"] for frame in again.read_until("RESUMED")] == [2, 3]


def test_taken_port_leaves_nothing_running():
    """Taken port leaves nothing running."""
    with Simulator() as sim:
        port = int(sim.url.rsplit(":", 1)[1])
        with pytest.raises(OSError, match="in use"):
            Simulator(port=port).start()


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.1", "example.com", "::"])
def test_remote_hosts_need_a_word(host):
    """A host that others can reach is refused."""
    with pytest.raises(ValueError, match="allow_remote"):
        Simulator(host=host)


def test_all_interfaces_with_a_word():
    """A host that others can reach works with allow_remote."""
    with Simulator(host="0.0.0.0", allow_remote=True) as sim, Bot(sim) as bot:
        assert sim.url.startswith("http://127.0.0.1:")
        bot.connect(identify=True)


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6")
def test_ipv6_loopback():
    """IPv6 works where the machine has it."""
    sim = Simulator(host="::1")
    try:
        sim.start()
    except OSError:
        pytest.skip("no IPv6 loopback")
    with sim, Bot(sim) as bot:
        assert sim.url.startswith("http://[::1]:")
        bot.connect(identify=True)


def test_speed():
    """A token expires early on a fast clock."""
    with Simulator(speed=50_000.0, token_life=7200) as sim, Bot(sim) as bot:
        old = bot.token
        sim.clock.wait(7300)
        assert bot.ask_token()["access_token"] != old


def test_many_clients_at_once(sim):
    """Many clients are served at once."""
    group = sim.platform.group("g")
    sim.platform.change_rules(quotas=False)
    errors = []

    def run(number):
        try:
            with Bot(sim, f"bot{number}") as bot:
                bot.connect(identify=True)
                for _ in range(20):
                    assert bot.say(group).status_code == 200
        except (AssertionError, OSError, requests.RequestException) as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert not errors
    assert sim.platform.stats["proactive_accepted"] == 160
