"""A platform that drops what is sent while the bot is away, and says that it was taken."""

from __future__ import annotations

import contextlib

import pytest

from qqgroup_sync import NotConnected, life
from qqgroup_sync.sending import presence
from tests.end_to_end.conftest import Interrupted, leave
from tests.waiting import eventually


@pytest.fixture
def clock():
    """Return the client's clock."""
    return Interrupted()


@pytest.fixture
def start(sim, make_client, clock):
    """Return a function that starts a client; in the end nothing was dropped."""
    sim.platform.change_rules(swallow_offline=True)

    def start(answer=None, **options):
        client = make_client(clock=clock, **options)
        if answer is not None:
            client.on_group_message(answer)
        client.start()
        assert client.wait_ready(10)
        return client

    yield start
    assert clock.happens is None
    assert sim.platform.stats["messages_swallowed"] == 0


@pytest.fixture
def away_in_the_next_wait(sim, clock):
    """Return a function to call in the thread whose next wait it is."""

    def arm(client):
        clock.interrupt(lambda: leave(sim, client))

    return arm


def texts(group):
    """What the bot has said, in short."""
    return [message.text[:3] for message in group.messages if message.text[:2] != "hi"]


def test_a_reply_that_is_sent_again_waits_for_the_gateway(sim, start, away_in_the_next_wait):
    """An outage takes both; the REST interface is back first."""
    sent = []

    def answer(message):
        sim.faults.fail("/messages$", times=1, status=503, body="")
        away_in_the_next_wait(client)
        sent.append(message.reply("the answer"))

    client = start(answer)
    group = sim.platform.group("g")
    group.member("Ming").say("hi")
    assert group.next_reply(15).text == "the answer"
    eventually(lambda: sent)
    assert sent[0].id == group.messages[-1].id


def test_the_later_parts_of_a_long_reply_wait_for_the_gateway(sim, start, away_in_the_next_wait):
    """Also those that have waited for their turn, and got it while the bot was away."""
    sent = []

    def answer(message):
        away_in_the_next_wait(client)
        sent.append(message.reply("a" * 100 + "b" * 100 + "c" * 100))

    client = start(answer, max_text=100, send_limits={"messages": "1/s"})
    group = sim.platform.group("g")
    group.member("Ming").say("hi")
    eventually(lambda: sent, within=20)
    assert texts(group) == ["aaa", "bbb", "ccc"]
    assert [part.id for part in sent[0].parts] == [one.id for one in group.messages[-3:]]


def test_a_message_nobody_asked_for_waits_for_the_gateway(sim, start, away_in_the_next_wait):
    """Its turn came while the bot was away."""
    client = start(send_limits={"group": "1/s"})
    group = sim.platform.group("g")
    group.allow_push(True)
    client.send_group(group.openid, "one")
    away_in_the_next_wait(client)
    client.send_group(group.openid, "two")
    assert texts(group) == ["one", "two"]


def test_a_shard_that_stays_away_is_waited_for_once(sim, make_client, monkeypatch):
    """Not anew by every message, and every attempt: what the others send goes out at once."""
    monkeypatch.setattr(life, "SHARD_PATIENCE", 0.3)
    monkeypatch.setattr(presence, "PROACTIVE_PATIENCE", 0.0)
    sim.platform.change_rules(shards=2)
    client = make_client(shards="auto")
    client.start()
    assert client.wait_ready(10)
    group = sim.platform.group("g")
    group.allow_push(True)
    leave(sim, client, refusals=10_000, shard=1)

    def sends():
        with contextlib.suppress(NotConnected):
            return client.send_group(group.openid, "news").id

    eventually(sends)
    assert client.status.state == "degraded"
    assert client.send_group(group.openid, "more news").id
