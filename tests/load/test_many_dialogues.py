"""A thousand people in dialogue at once, while others chat."""

from __future__ import annotations

import random
import threading
import time

import pytest

from qqgroup_sync import Client, StateError, WaitCancelled, WaitTimeout
from qqgroup_sync.simulator import Simulator
from tests.waiting import eventually

pytestmark = [pytest.mark.load, pytest.mark.timeout(300)]

PEOPLE = 1000
GROUPS = 20
PINGS = 200
PATIENCE = 60.0


@pytest.fixture
def sim():
    """A platform where every bot hears everything."""
    with Simulator(max_concurrency=100) as simulator:
        for number in range(GROUPS):
            simulator.platform.group(f"g{number}").full_mode = True
        yield simulator


@pytest.fixture
def client(sim):
    """A client with 16 workers."""
    client = Client("1", "s", api_base=sim.url, state=None, language="en")
    yield client
    client.stop()


@pytest.fixture
def people(sim):
    """They are spread over the groups."""
    platform = sim.platform
    return [platform.group(f"g{one % GROUPS}").member(f"P{one:04}") for one in range(PEOPLE)]


def open_dialogues(client, count):
    """Wait until so many handlers are parked; return the life."""
    life = client._life
    eventually(lambda: life._pool._parked == count, PATIENCE)
    return life


def everything_said(sim, count):
    """Wait for so many messages of the bot; return the texts by group."""
    groups = sim.platform.groups
    heard = {group.name: [] for group in groups}

    def gathered():
        for group in groups:
            while group._replies:
                heard[group.name].append(group.next_reply().text)
        return sum(map(len, heard.values())) >= count

    eventually(gathered, PATIENCE)
    return heard


def test_a_thousand_dialogues(sim, client, people):
    """Nobody waits for anybody, everybody gets his own answer, and stop() leaves nothing."""
    errors, cancelled = [], []

    @client.on_group_message(keywords="quiz")
    def quiz(message):
        try:
            first = message.ask("a?", timeout=None).text
            second = message.ask("b?", timeout=None).text
        except WaitCancelled:
            cancelled.append(message.sender)
            raise
        return f"{message.nickname}: {first} {second}"

    client.on_group_message(keywords="ping")(lambda message: f"pong {message.text}")
    client.on_exception(lambda error: errors.append(error))
    client.start()
    assert client.wait_ready(10)
    for person in people:
        person.say("quiz")
    life = open_dialogues(client, PEOPLE)
    everything_said(sim, PEOPLE)

    other = sim.platform.group("g0").member("other")
    slowest = 0.0
    for number in range(PINGS):
        begun = time.monotonic()
        other.say(f"ping {number}")
        assert other.group.next_reply(5).text == f"pong ping {number}"
        slowest = max(slowest, time.monotonic() - begun)
    assert slowest < 2  # not a figure, but far below any time-out

    random.Random(1).shuffle(people)
    for person in people:  # both answers at once: the second waits in its lane
        person.say(f"{person.name}x")
        person.say(f"{person.name}y")
    heard = everything_said(sim, 2 * PEOPLE)
    open_dialogues(client, 0)
    for name, texts in heard.items():
        here = [one.name for one in people if one.group.name == name]
        wanted = sorted([f"{one}: {one}x {one}y" for one in here] + ["b?"] * len(here))
        assert sorted(texts) == wanted
    assert len(life.waiters) == 0

    for person in people:
        person.say("quiz")
    open_dialogues(client, PEOPLE)
    begun = time.monotonic()
    assert client.stop(10)
    assert time.monotonic() - begun < 8
    assert len(cancelled) == PEOPLE
    assert (len(life.waiters), life._pool._parked, life._pool.size) == (0, 0, 0)
    assert errors == []
    assert [one.name for one in threading.enumerate() if one.name.startswith("qqgroup-")] == []

    client.start()
    assert client.wait_ready(10)
    other.say("ping again")
    group = other.group
    eventually(lambda: any(one.text == "pong ping again" for one in group.messages), 10)


def test_answers_of_the_last_moment(sim, client, people):
    """Each is either the answer or the handlers', never both and never neither."""
    people = people[:400]

    @client.on_group_message(keywords="quiz")
    def quiz(message):
        try:
            message.ask("a?", timeout=3)
        except WaitTimeout:
            return f"{message.nickname} late"
        return f"{message.nickname} taken"

    client.on_group_message(lambda message: f"{message.nickname} heard")
    client.start()
    assert client.wait_ready(10)
    chance = random.Random(2)
    moments = []
    for person in people:
        person.say("quiz")
        moments.append((time.monotonic() + 3 + chance.uniform(-0.1, 0.1), person))
    for moment, person in sorted(moments, key=lambda one: one[0]):
        threading.Event().wait(max(0.0, moment - time.monotonic()))
        person.say("here I am")
    intake = client._life._intake
    eventually(lambda: intake.counters()["handled"] == 2 * len(people), PATIENCE)
    client.stop()
    outcomes = {"taken": 0, "late heard": 0}
    said = {person.name: [] for person in people}
    for group in sim.platform.groups:
        for message in group.messages:
            if message.from_bot and message.text != "a?":
                name, what = message.text.split()
                said[name].append(what)
    for what in said.values():
        outcomes[" ".join(sorted(what, reverse=True))] += 1
    assert sum(outcomes.values()) == len(people)
    assert all(outcomes.values()), outcomes


@pytest.mark.expected_errors
def test_more_dialogues_than_a_bot_can_hold(sim, client, people):
    """The 2001st is refused with a remedy; the others go on."""
    errors = []

    @client.on_message(keywords="quiz")
    def quiz(message):
        return f"{message.ask('a?', timeout=None).text}!"

    client.on_exception(lambda error: errors.append(error))
    client.start()
    assert client.wait_ready(10)
    users = [sim.platform.user(f"U{number}") for number in range(1010)]
    for person in [*people, *users]:
        person.say("quiz")
    eventually(lambda: len(errors) == 10, PATIENCE)
    life = open_dialogues(client, 2000)
    assert all(isinstance(error, StateError) and error.remedy for error in errors)
    people[0].say("still here")
    eventually(lambda: any(one.text == "still here!" for one in people[0].group.messages), 10)
    assert len(life.waiters) == 1999
    assert client.stop(20)
    assert len(life.waiters) == 0
