"""Attempts to make a bot deaf."""

from __future__ import annotations

import re
import resource
import threading
import time
from pathlib import Path

import pytest

from qqgroup_sync import Button, Chain, Keyboard
from qqgroup_sync.runtime import lanes
from qqgroup_sync.runtime.clock import Clock
from tests.attacks.conftest import APPID, said
from tests.waiting import eventually


def test_thousands_of_clicks_that_nobody_can_acknowledge(sim, make_client, group):
    """They are given up after three seconds, for people have seen them fail; messages go on."""
    client = make_client(clock=Clock())

    @client.on_group_message(keywords="menu")
    def menu(message):
        return Chain().text("menu").keyboard(Keyboard([[Button("go", on_click=lambda _: None)]]))

    @client.on_message
    def answer(message):
        return f"re {message.text}"

    client.start()
    assert client.wait_ready(10)
    ming = group.member("Ming")
    ming.say("menu")
    shown = group.next_reply(10)
    sim.faults.delay(r"/interactions/", 3.5, times=10_000)
    for _ in range(1500):
        ming.click(shown, "go")
    group.member("Bob").say("hello")
    assert group.next_reply(10).text == "re hello"
    sim.faults.clear()


def test_as_many_handlers_hang_as_there_may_be_workers(make_client, group, monkeypatch):
    """After half a minute, here a moment, they no longer count: others are hired instead."""
    monkeypatch.setattr(lanes, "SLOW_TICK", 0.05)
    monkeypatch.setitem(lanes.LanePool.__init__.__kwdefaults__, "slow_after", 0.2)
    release = threading.Event()
    client = make_client(clock=Clock(), workers=4, max_workers=8)

    @client.on_message(keywords="hang")
    def hang(message):
        release.wait(30)

    @client.on_message
    def answer(message):
        return f"re {message.text}"

    client.start()
    assert client.wait_ready(10)
    try:
        for number in range(20):
            group.member(f"p{number}").say("hang")
        group.member("Ming").say("hello")
        assert group.next_reply(10).text == "re hello"
    finally:
        release.set()


REFUSED = """
real, refused = threading.Thread.start, []
def start(self):
    if refused:
        raise RuntimeError("can't start new thread")
    real(self)
threading.Thread.start = start
"""

NO_THREADS = """
def give():
    while not os.path.exists("give"):
        pause(0.01)
    refused.clear()
threading.Thread(target=give, daemon=True).start()
client = Client(workers=2)
@client.on_message
def answer(message):
    if message.text == "take":
        refused.append(True)
    return f"re {message.text}"
client.run()
"""


def test_no_threads_are_left_when_the_connection_breaks(sim, run, group, tmp_path):
    """It is tried again until there are some: the bot neither ends nor lives on deaf."""
    ming = group.member("Ming")
    bot = run(REFUSED + NO_THREADS)
    log = Path(bot.log)
    ming.say("take")
    assert group.next_reply(10).text == "re take"
    sim.gateway.close(4009, appid=APPID)
    eventually(lambda: "no thread for the heartbeats" in log.read_text(), 10)
    (tmp_path / "give").touch()
    eventually(lambda: "back on line" in log.read_text(), 20)
    ming.say("hello")
    assert group.next_reply(10).text == "re hello"
    assert bot.poll() is None


NO_THREADS_AT_ALL = """
client = Client()
@client.on_message
def answer(message):
    refused.append(True)
    return f"re {message.text}"
client.run()
"""


def test_a_fatal_end_needs_no_thread(sim, run, group):
    """A bot that may not come back ends, also when nothing can be started to end it."""
    bot = run(REFUSED + NO_THREADS_AT_ALL)
    group.member("Ming").say("hello")
    assert group.next_reply(10).text == "re hello"
    sim.gateway.close(4914, appid=APPID)
    assert bot.wait(20) not in (0, None)


ECHO = """
client = Client()
@client.on_message
def answer(message):
    return f"re {message.text}"
client.run()
"""


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="limits of another process: Linux")
def test_no_descriptors_are_left_when_the_connection_breaks(sim, run, group):
    """Neither a socket nor a file can be opened for a while; then the bot is back."""
    ming = group.member("Ming")
    bot = run(ECHO)
    ming.say("a")
    assert group.next_reply(10).text == "re a"
    _, most = limits = resource.prlimit(bot.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(bot.pid, resource.RLIMIT_NOFILE, (3, most))
    sim.gateway.close(4009, appid=APPID)
    ming.say("b")
    eventually(lambda: "Too many open files" in Path(bot.log).read_text(), 10)
    resource.prlimit(bot.pid, resource.RLIMIT_NOFILE, limits)
    assert group.next_reply(20).text == "re b"


HOSTILE = {
    "mentions": "<@!abcdefgh> " * 20_000,
    "faces": '<faceType=1,faceId="13",ext="eyJ0ZXh0IjoiIn0=">' * 4_000,
    "open tags": '<faceType=1,faceId="' * 20_000,
    "quotes": "\"'" * 50_000,
    "spaces": " " * 200_000 + "x",
    "right to left": "\u202e\u200b\u2066" * 30_000 + "x",
    "digits": "9" * 200_000,
    "slashes": "/" * 100_000,
    "brackets": "[" * 100_000,
    "markdown": "![x](" * 20_000,
}


def test_texts_that_cost_time(make_client, group):
    """What the bot does by itself with each of them is over soon: reading, binding, answering."""
    client = make_client(clock=Clock())

    @client.on_message(keywords=re.compile("^never$"))
    def never(message):
        return "never"

    @client.on_command("add", aliases=["sum"], prefix=["/", ""])
    def add(message, first: int, second: float = 0.0):
        return f"{first}"

    @client.on_message
    def answer(message):
        return f"got {message.text[:50]}"

    client.start()
    assert client.wait_ready(10)
    for name, text in HOSTILE.items():
        person = group.member(name)
        for said_so in (text, f"/add {text}", f"add {text}"):
            person.say(said_so)
        began = time.monotonic()
        group.member("Bob").say(f"bye {name}")
        eventually(lambda bye=f"got bye {name}": bye in said(group), 10)
        assert time.monotonic() - began < 5
    eventually(lambda: client.status.counters["handled"] == 4 * len(HOSTILE), 20)
