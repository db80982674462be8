"""A bot in a process of its own that ends and comes back: what it missed, it gets; once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from qqgroup_sync import Intents, StateError
from qqgroup_sync.gateway.frames import DEFAULT_INTENTS
from tests.waiting import eventually

BOT = """
import os, sys, threading
from qqgroup_sync import Client
client = Client()
@client.on_group_message
def answer(message):
    if message.text == "die":
        threading.Event().wait(0.3)  # for others to come
        os._exit(3)
    if message.text == "slow":
        threading.Event().wait(1)
    if message.text == "slower":
        message.reply("begun")
        threading.Event().wait(3)
    client.storage.increment("handled")
    return f"{message.text} by {sys.argv[1]}, number {client.storage['handled']}"
client.run()
"""


@pytest.fixture
def run(sim, tmp_path):
    """Return a function that starts the bot and waits until it is on line."""
    processes = []

    def start(name, *, lives=True):
        process = subprocess.Popen(
            [sys.executable, "-c", BOT, name],
            env={**os.environ, "QQ_SIMULATOR": sim.url, "QQ_STATE": str(tmp_path)},
        )
        processes.append(process)
        if lives:
            eventually(lambda: sim.platform.sessions.live() or process.poll() is not None, 20)
            assert process.poll() is None
        return process

    yield start
    for process in processes:
        process.kill()
        process.wait(10)


def away(sim):
    """Wait until the bot's connection is gone."""
    eventually(lambda: not sim.platform.sessions.live(), 20)


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_what_was_said_meanwhile_is_answered_and_nothing_twice(sim, run, end):
    """The next process resumes the session of the one before."""
    group = sim.platform.group("g")
    ming = group.member("Ming")
    first = run("first")
    ming.say("a")
    assert group.next_reply(10).content == "a by first, number 1"
    if end is signal.SIGKILL:
        threading.Event().wait(0.5)  # a kill may lose the last batch, 50 ms
    first.send_signal(end)
    first.wait(15)
    away(sim)
    ming.say("b")
    ming.say("c")
    run("second")
    assert group.next_reply(10).content == "b by second, number 2"
    assert group.next_reply(10).content == "c by second, number 3"
    ming.say("d")
    assert group.next_reply(10).content == "d by second, number 4"
    assert sim.platform.stats["resumes"] == 1
    assert sim.platform.stats["identifies"] == 1


@pytest.mark.expected_errors
def test_a_second_process_waits_and_is_told(sim, make_client, run, tmp_path, monkeypatch):
    """Two processes would take each other's messages away."""
    first = run("first")
    monkeypatch.setenv("QQ_SIMULATOR", sim.url)
    monkeypatch.setenv("QQ_STATE", str(tmp_path))
    client = make_client(appid="simulated")
    client.start()
    with pytest.raises(StateError, match=f"pid {first.pid}") as caught:
        client.wait_ready(20)
    assert caught.value.remedy
    assert len(sim.platform.sessions.live()) == 1


def test_a_message_that_kills_the_program_is_given_up(sim, run):
    """It is tried five times; then the bot says so, and answers everybody else.

    Those who were in hand beside it each time are not given up with it.
    """
    group = sim.platform.group("g")
    first = run("first")
    group.member("Ming").say("die")
    for number in range(5):
        group.member(f"neighbour {number}").say("slow")
    assert first.wait(15) == 3
    for name in ("second", "third", "fourth", "fifth"):
        process = run(name, lives=False)
        assert process.wait(15) == 3
    run("sixth")
    answers = [group.next_reply(15).content for _ in range(5)]
    assert {one.partition(" ")[0] for one in answers} == {"slow"}
    group.member("Ming").say("y")
    assert group.next_reply(10).content.startswith("y by sixth")


def test_a_program_that_is_killed_now_and_then_gives_up_nothing(sim, run):
    """Only what was in hand each time counts."""
    group = sim.platform.group("g")
    for number in range(5):
        process = run(str(number))
        group.member("Ming").say(f"x{number}")
        assert group.next_reply(10).content.startswith(f"x{number} by {number}")
        process.kill()
        process.wait(10)
        away(sim)


def test_what_ends_in_an_old_session_does_not_bring_it_back(sim, run):
    """The platform ended that session while a handler ran; the next process needs the new one."""
    group = sim.platform.group("g")
    first = run("first")
    group.member("Ming").say("slower")
    assert group.next_reply(10).content == "begun"
    sim.gateway.invalid_session(resumable=False)
    away(sim)
    eventually(sim.platform.sessions.live, 20)
    group.member("Lan").say("a")
    assert group.next_reply(10).content == "a by first, number 1"
    assert group.next_reply(10).content == "slower by first, number 2"
    threading.Event().wait(0.5)  # a kill may lose the last batch, 50 ms
    first.kill()
    first.wait(10)
    away(sim)
    group.member("Lan").say("b")
    run("second")
    assert group.next_reply(10).content == "b by second, number 3"
    assert sim.platform.stats["resumes"] == 1


HALF = {"shards": 2, "shard_index": 0}


@pytest.mark.parametrize(
    ("before", "after"),
    [({}, HALF), (HALF, {}), ({"intents": Intents.GROUP_AND_C2C}, {})],
    ids=["more shards", "fewer shards", "more intents"],
)
def test_other_shards_or_intents_begin_a_new_session(
    sim, make_client, tmp_path, monkeypatch, before, after
):
    """When what waits in the old one has come: a session keeps what it was begun with."""
    monkeypatch.setenv("QQ_SIMULATOR", sim.url)
    monkeypatch.setenv("QQ_STATE", str(tmp_path))
    groups = [sim.platform.group(f"g{number}") for number in range(8)]

    def bot(options):
        client = make_client(appid="simulated", **options)
        client.on_message(lambda message: f"re {message.text}")
        client.start()
        assert client.wait_ready(20)
        return client

    first = bot(before)
    (session,) = sim.platform.sessions.live()
    heard = [group for group in groups if session.wants(None, group.openid)]
    first.stop()
    for group in heard:
        group.member("Ming").say("meanwhile")
    bot(after)
    for group in heard:
        assert group.next_reply(10).content == "re meanwhile"
    (session,) = sim.platform.sessions.live()
    assert session.shard == ((0, 2) if after else (0, 1))
    assert session.intents == DEFAULT_INTENTS
    assert (sim.platform.stats["resumes"], sim.platform.stats["identifies"]) == (1, 2)


def test_a_damaged_file_is_set_aside(sim, run, tmp_path):
    """A new session begins, and the bot answers."""
    group = sim.platform.group("g")
    first = run("first")
    first.terminate()
    first.wait(15)
    away(sim)
    (path,) = tmp_path.rglob("session-*.sqlite")
    path.write_bytes(b"no database at all" * 500)
    run("second")
    group.member("Ming").say("x")
    assert group.next_reply(10).content.startswith("x by second")
    assert list(tmp_path.rglob("*.damaged-*"))
    assert sim.platform.stats["identifies"] == 2


def test_a_bot_that_may_write_nowhere_answers_nevertheless(
    sim, make_client, tmp_path, monkeypatch, caplog, expected_errors
):
    """A warning says what it costs; only what asks for storage fails."""
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("QQ_STATE", str(tmp_path / "file" / "below"))
    client = make_client()

    @client.on_message(keywords="x")
    def answer(message):
        return message.text

    @client.on_message(keywords="keep")
    def keep(message):
        message.session["a"] = 1

    refused = []
    client.on_exception(StateError)(refused.append)
    client.start()
    assert client.wait_ready(10)
    ming = sim.platform.group("g").member("Ming")
    ming.say("x")
    assert ming.group.next_reply(10).content == "x"
    assert "a restart will lose what comes meanwhile" in caplog.text
    ming.say("keep")
    eventually(lambda: refused)
    assert client.stop()
