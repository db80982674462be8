"""Attempts to make a bot say something twice."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest

from tests.attacks.conftest import said
from tests.waiting import eventually

BETWEEN = """
client = Client()
@client.on_message
def answer(message):
    message.reply("one")
    die_once("between")
    message.reply("two")
    die_once("behind")  # all is said, and nothing noted
client.run()
"""


def test_killed_between_and_behind_two_replies(run, gone, group):
    """A handler that runs three times in all says everything once."""
    bot = run(BETWEEN)
    group.member("Ming").say("hi")
    gone(bot)
    gone(run(BETWEEN, online=False))
    run(BETWEEN)
    group.member("Bob").say("hi")
    eventually(lambda: said(group).count("two") == 2, 15)
    assert said(group) == ["one", "two", "one", "two"]


PARTS = """
client = Client(max_text=30)
@client.on_message
def answer(message):
    return "\\n".join(f"{number} " + "x" * 20 for number in range(4))
client.run()
"""


@pytest.mark.parametrize("part", [1, 3])
def test_killed_while_the_platform_takes_a_part(sim, run, gone, group, part):
    """The answer to the POST never arrives: one message in parts, cut at any of them."""
    posts = []

    def watch(kind, record):
        if kind == "api" and record.path.endswith("/messages") and record.method == "POST":
            posts.append(record)
            if len(posts) == part:
                os.kill(bot.pid, signal.SIGKILL)

    bot = run(PARTS)
    sim.platform.subscribe(watch)
    group.member("Ming").say("hi")
    gone(bot)
    run(PARTS)
    group.member("Bob").say("hi")
    eventually(lambda: len(said(group)) >= 8, 15)
    assert sorted(one[0] for one in said(group)) == sorted("01230123")


STREAM = """
client = Client()
@client.on_message
def answer(message):
    with message.stream(interval=0.05) as stream:
        for number in range(4):
            stream.write(f"{number} ")
            pause(0.1)
            if number == 2:
                die_once("in the stream")
client.run()
"""


def test_killed_in_a_stream(sim, run, gone):
    """The half message rolls back, for it has no end; a whole one comes."""
    ming = sim.platform.user("Ming")
    bot = run(STREAM)
    ming.say("hi")
    gone(bot)
    run(STREAM)
    eventually(lambda: [one for one in ming.messages if one.text == "0 1 2 3"], 10)
    whole = [one for one in ming.messages if one.from_bot and one.text == "0 1 2 3"]
    ming.wait_finished(whole[0], 10)
    assert len(whole) == 1


FORK = """
client = Client(workers=1, max_workers=1)
@client.on_message(keywords="fork")
def fork(message):
    pause(0.3)  # until others wait
    os.fork()
    return "forked"
@client.on_message
def answer(message):
    client.send_group(message.group_openid, f"news of {message.text}")
    return f"re {message.text}"
client.run()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="fork")
def test_a_child_that_returns_from_a_handler_is_no_second_bot(run, group):
    """``os.fork()`` without an exit in the child: it ends where the handler does."""
    bot = run(FORK)
    group.member("Ming").say("fork")
    for number in range(4):
        group.member(f"p{number}").say(f"m{number}")
    eventually(lambda: "re m3" in said(group), 10)
    eventually(lambda: not children_of(bot.pid), 10)
    expected = [f"{what} m{number}" for number in range(4) for what in ("news of", "re")]
    assert sorted(said(group)) == sorted(["forked", *expected])


def children_of(pid):
    """Return the living children of a process."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            stat = (folder / "stat").read_text()
            state, parent = stat.rpartition(")")[2].split()[:2]
        except OSError:  # it has just ended
            continue
        if int(parent) == pid and state != "Z":
            found.append(int(folder.name))
    return found


SHARDS = """
client = Client(shard_index=int(os.environ["SHARD"]), shards=2)
@client.on_message
def answer(message):
    pause(0.01)
    return f"re {message.text}"
client.run()
"""


def test_two_shards_of_which_one_is_killed(sim, run):
    """Each has its own memory; the other one goes on."""
    groups = [sim.platform.group(f"g{number}") for number in range(6)]
    bots = [run(SHARDS, SHARD="0"), run(SHARDS, SHARD="1")]
    eventually(lambda: len(sim.platform.sessions.live()) == 2, 20)
    for number in range(60):
        groups[number % 6].member(f"p{number % 3}").say(f"{number}")
    eventually(lambda: sum(len(said(one)) for one in groups) > 10, 20)
    bots[0].kill()
    eventually(lambda: len(sim.platform.sessions.live()) == 1, 20)
    for number in range(60, 90):
        groups[number % 6].member(f"p{number % 3}").say(f"{number}")
    run(SHARDS, SHARD="0")
    eventually(lambda: sum(len(said(one)) for one in groups) >= 90, 20)
    everything = [text for one in groups for text in said(one)]
    assert sorted(everything) == sorted(f"re {number}" for number in range(90))


ACCOUNTS = """
accounts = Accounts(Client("11", "secret-of-11"), Client("12", "secret-of-12"))
@accounts.on_message
def answer(message):
    die_once("one account answers")
    return f"re {message.text}"
accounts.run()
"""


def test_two_accounts_in_one_group(sim, run, gone, group):
    """Each answers once, also after a kill: their memories do not mix."""
    bot = run(ACCOUNTS)
    eventually(lambda: len(sim.platform.sessions.live()) == 2, 20)
    group.member("Ming").say("hi")
    gone(bot)
    run(ACCOUNTS)
    eventually(lambda: len(said(group)) >= 2, 15)
    group.member("Ming").say("ho")
    eventually(lambda: said(group).count("re ho") >= 2, 15)
    senders = [(one.sender.appid, one.text) for one in group.messages if one.from_bot]
    assert sorted(senders) == [("11", "re hi"), ("11", "re ho"), ("12", "re hi"), ("12", "re ho")]


HOLDING = """
from qqgroup_sync.state import sessions
from qqgroup_sync.runtime.clock import Clock
ahead = float(os.environ.get("AHEAD", "0"))
class Set(Clock):
    def time(self):
        return super().time() + ahead
sessions.LIFE = float(os.environ.get("LIFE", sessions.LIFE))
client = Client(clock=Set())
@client.on_message(keywords="hold")
def hold(message):
    pause(3600)
@client.on_message
def answer(message):
    client.send_group(message.group_openid, f"news of {message.text}")
    return f"re {message.text}"
client.run()
"""


@pytest.mark.parametrize(
    ("before", "after"), [({}, {"AHEAD": "90000"}), ({"LIFE": "1.5"}, {})], ids=["clock", "hours"]
)
def test_one_handler_that_never_ends_repeats_nobody_elses(run, gone, group, before, after):
    """The session resumes before it, for it is not handled; what was handled since is known.

    Also when the clock was set, or when the rest was handled so long ago that it would have been
    forgotten.
    """
    bot = run(HOLDING, **before)
    group.member("Ming").say("hold")
    for number in range(5):
        group.member("Bob").say(f"{number}")
    eventually(lambda: said(group).count("re 4") == 1, 10)
    threading.Event().wait(2.5)  # what is forgotten by then was handled
    bot.kill()
    gone(bot)
    run(HOLDING, **{**before, **after})
    group.member("Bob").say("last")
    eventually(lambda: "re last" in said(group), 10)
    assert [one for one in said(group) if said(group).count(one) > 1] == []


CLICK = """
client = Client()
@client.on_message(keywords="menu")
def menu(message):
    return Chain().text("menu").keyboard(Keyboard([[Button("go", data="go")]]))
@client.on_interaction
def clicked(event):
    event.reply("clicked")
    die_once("clicked")
client.run()
"""


def test_killed_in_a_click(run, gone, group):
    """The click comes again, and its answer carries the number that it had."""
    ming = group.member("Ming")
    bot = run(CLICK)
    ming.say("menu")
    ming.click(group.next_reply(10), "go")
    gone(bot)
    run(CLICK)
    ming.say("menu")
    eventually(lambda: said(group).count("menu") == 2, 10)
    assert said(group).count("clicked") == 1
