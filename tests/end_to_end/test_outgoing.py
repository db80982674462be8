"""Nothing that can still be sent is given up: rates, failures of the platform, clocks, reviews."""

from __future__ import annotations

import threading

import pytest

from qqgroup_sync import (
    Intents,
    QQGroupError,
    RateLimited,
    ReplyExpired,
    StateError,
    TransportError,
)
from qqgroup_sync.gateway.frames import DEFAULT_INTENTS
from qqgroup_sync.runtime.clock import Clock
from tests.end_to_end.conftest import Interrupted
from tests.waiting import LIMIT, eventually


@pytest.fixture
def ming(sim):
    """Somebody in the group."""
    return sim.platform.group("g").member("Ming")


# ---------------------------------------------------------------------- failures of the platform

FAILURES = {
    "500 with a code nobody knows": {"status": 500},
    "504 with a code nobody knows": {"status": 504},
    "503 with Retry-After": {"status": 503, "headers": {"Retry-After": "1"}},
    "200 without anything": {"status": 200, "body": ""},
    "200 with a page": {"status": 200, "body": "<html>log in</html>"},
    "502 with a page": {"status": 502, "body": "<html>stgw</html>"},
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_reply_survives_a_failure_of_the_platform(sim, echo, ming, failure):
    """It carries its number, so sending it again is safe; the person reads it once."""
    echo.start()
    assert echo.wait_ready(10)
    sim.faults.fail(r"/messages$", times=2, **FAILURES[failure])
    ming.say("hi")
    group = sim.platform.group("g")
    assert group.next_reply(timeout=15).text == "echo hi"
    assert sim.platform.stats["replies_accepted"] == 1


@pytest.mark.parametrize("fallback", [True, False])
def test_a_repetition_that_comes_too_late_is_not_shown_as_well(sim, make_client, ming, fallback):
    """The reply was taken, its answer got lost, and its window ended before the next attempt."""
    clock = Interrupted()
    client = make_client(clock=clock, proactive_fallback=fallback)
    outcomes = []

    @client.on_group_message
    def answer(message):
        sim.faults.drop("/messages$", after_accept=True, times=1)
        clock.interrupt(lambda: sim.clock.advance(400.0))
        try:
            outcomes.append(message.reply("the result"))
        except QQGroupError as error:
            outcomes.append(error)

    group = sim.platform.group("g")
    group.allow_push(True)
    client.start()
    assert client.wait_ready(10)
    ming.say("hi")
    eventually(lambda: outcomes, within=15)
    assert type(outcomes[0]) is TransportError
    assert isinstance(outcomes[0].__cause__, ReplyExpired)
    assert [message.text for message in group.messages] == ["hi", "the result"]


@pytest.mark.parametrize("failure", FAILURES)
def test_a_message_nobody_asked_for_is_not_sent_twice(sim, make_client, failure):
    """Who knows whether it went out; the error says so."""
    client = make_client()
    group = sim.platform.group("g")
    group.allow_push(True)
    sim.faults.fail(r"/messages$", **FAILURES[failure])
    with pytest.raises(Exception):  # noqa: B017 - of several kinds
        client.send_group(group.openid, "news")
    assert client.send_group(group.openid, "other news").id
    assert group.next_reply().text == "other news"


@pytest.mark.parametrize("failure", FAILURES)
def test_a_token_that_comes_late_loses_no_message(sim, make_client, failure):
    """Nothing was sent before it came, so also a message nobody asked for may wait."""
    client = make_client()
    group = sim.platform.group("g")
    group.allow_push(True)
    sim.platform.expire_tokens()
    sim.faults.fail("getAppAccessToken", times=2, **FAILURES[failure])
    assert client.send_group(group.openid, "news").id
    assert group.next_reply().text == "news"


# ---------------------------------------------------------------------- clocks


class SetClock(Clock):
    """The machine's clock, which somebody sets."""

    ahead = 0.0

    def time(self):
        return super().time() + self.ahead


@pytest.mark.parametrize("seconds", [86_400.0, -86_400.0])
def test_a_clock_that_is_set_loses_no_reply(sim, make_client, ming, seconds):
    """Neither to what was asked before, nor to what is asked after; the connection is checked."""
    clock = SetClock()
    client = make_client(clock=clock)
    go = threading.Event()

    @client.on_group_message
    def answer(message):
        if message.text == "slow":
            go.wait(15)
        return f"{message.text}: {message.replies_left} left"

    client.start()
    assert client.wait_ready(10)
    group = sim.platform.group("g")
    ming.say("first")
    assert group.next_reply(timeout=15).text == "first: 5 left"
    group.member("Hua").say("slow")
    eventually(lambda: client.status.counters["received"] == 2)
    clock.ahead = seconds
    ming.say("second")
    assert group.next_reply(timeout=15).text == "second: 5 left"
    go.set()
    assert group.next_reply(timeout=15).text == "slow: 5 left"


# ---------------------------------------------------------------------- rates


def test_what_comes_too_fast_waits_and_is_not_refused(sim, make_client):
    """The platform sees no more than it takes; the status shows what waits."""
    client = make_client(clock=Clock(), send_limits={"group": "2/s"})
    group = sim.platform.group("g")
    group.allow_push(True)
    seen, sent = set(), []

    def send():
        sent.append(client.send_group(group.openid, "news"))

    client.start()
    assert client.wait_ready(10)
    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()

    def all_sent():
        seen.add(client.status.sends_waiting)
        return len(sent) == 6

    eventually(all_sent, within=15)
    for thread in threads:
        thread.join(LIMIT)
    assert max(seen) == 4
    assert client.status.sends_waiting == 0
    moments = sorted(message.timestamp for message in group.messages)
    for early, late in zip(moments, moments[2:], strict=False):
        assert late - early > 0.9


def test_waiting_for_a_turn_ends_with_the_client(sim, make_client):
    """stop() waits for nobody's minute."""
    client = make_client(clock=Clock(), send_limits={"group": "1/min"})
    group = sim.platform.group("g")
    group.allow_push(True)
    client.start()
    assert client.wait_ready(10)
    assert client.send_group(group.openid, "first").id
    errors = []

    def send():
        try:
            client.send_group(group.openid, "second")
        except StateError as error:
            errors.append(error)

    thread = threading.Thread(target=send)
    thread.start()
    eventually(lambda: client.status.sends_waiting == 1)
    assert client.stop(timeout=5)
    thread.join(LIMIT)
    assert "stopped" in errors[0].summary


def test_a_day_that_is_used_up_is_an_error_at_once(sim, make_client):
    """It says how long, and what to do."""
    client = make_client(send_limits={"group": "1/day"})
    group = sim.platform.group("g")
    group.allow_push(True)
    client.send_group(group.openid, "first")
    with pytest.raises(RateLimited, match="group: 1/day") as caught:
        client.send_group(group.openid, "second")
    assert caught.value.retry_after > 80_000
    assert "send_limits" in caught.value.remedy


# ---------------------------------------------------------------------- reviews


@pytest.mark.parametrize(("name", "passed"), [("PASS", True), ("REJECT", False)])
def test_a_review_is_waited_for(sim, make_client, ming, name, passed):
    """Answered with 202; the verdict comes as an event."""
    client = make_client(intents=DEFAULT_INTENTS | Intents.MESSAGE_AUDIT)
    found = []

    @client.on_group_message
    def answer(message):
        sent = message.reply("to be looked at")
        found.append((sent.pending, sent.wait_audit(timeout=15)))

    client.start()
    assert client.wait_ready(10)
    sim.faults.audit()
    ming.say("hi")
    audit_id = sim.platform.group("g").next_reply(timeout=15).audit_id
    assert audit_id
    assert found == []
    event = {"audit_id": audit_id, "message_id": "M1" if passed else ""}
    sim.platform.emit("1", f"MESSAGE_AUDIT_{name}", event)
    eventually(lambda: found == [(True, passed)], within=15)


def test_who_does_not_hear_verdicts_is_told(sim, make_client):
    """Rather than wait for nothing."""
    client = make_client()
    group = sim.platform.group("g")
    group.allow_push(True)
    sim.faults.audit()
    sent = client.send_group(group.openid, "news")
    assert sent.pending
    with pytest.raises(StateError, match="will not be heard"):
        sent.wait_audit()
