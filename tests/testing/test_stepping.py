"""Time that a test moves: what is due happens, in order, and nobody waits for it."""

from __future__ import annotations

import threading
import time
from collections import Counter
from datetime import datetime, timedelta

import pytest

from qqgroup_sync import Client, RateLimit, WaitTimeout
from tests.waiting import LIMIT


@pytest.fixture
def client():
    """A client whose handlers the test adds."""
    return Client.simulated(language="en")


@pytest.fixture
def group(qq):
    """A group."""
    return qq.group("g")


@pytest.fixture
def ming(group):
    """A member."""
    return group.member("Ming")


def test_a_question_lapses(qq, client, group, ming):
    """One second decides whether the answer still counts."""

    @client.on_message
    def ask(message):
        try:
            return f"thanks, {message.ask('name?', timeout=60).text}"
        except WaitTimeout:
            return "too late"

    qq.run(client)
    ming.say("x")
    assert group.next_reply().text == "name?"
    qq.clock.step(59)
    ming.say("Ming")
    assert group.next_reply().text == "thanks, Ming"
    ming.say("x")
    assert group.next_reply().text == "name?"
    qq.clock.step(minutes=1)
    assert group.next_reply().text == "too late"


def test_a_reply_window_passes(qq, client, group, ming):
    """Five minutes, on both sides."""
    heard = []
    client.on_message(heard.append)
    qq.run(client)
    ming.say("x")
    group.no_reply()
    qq.clock.step(298)
    heard[0].reply("in time")
    assert group.next_reply().text == "in time"
    assert heard[0].replies_left == 4
    qq.clock.step(3)
    assert heard[0].replies_left == 0


def test_timed_tasks_run_as_often_as_they_would(qq, client, group):
    """Not once for all that was missed."""
    runs = []

    @client.timed_task(each=60)
    def tick():
        runs.append(qq.clock.now())

    qq.run(client)
    began = qq.clock.now()
    qq.clock.step(300)
    assert len(runs) == 5
    apart = [(run - began).total_seconds() for run in runs]
    assert apart == pytest.approx([60, 120, 180, 240, 300], abs=2)


def test_a_long_move_leaves_out_nothing(qq, client):
    """A day of minutes takes longer than the patience with what hangs; every task runs in it."""
    runs = Counter()
    client.timed_task(each=60)(lambda: runs.update(["minute"]))
    client.timed_task(each=3600)(lambda: runs.update(["hour"]))
    client.timed_task(trigger="cron", hour=8)(lambda: runs.update(["day"]))
    qq.run(client)
    qq.clock.step(hours=24)
    assert runs == {"minute": 1440, "hour": 24, "day": 1}
    assert client.wait_ready(0)


def test_a_handler_that_hangs_holds_no_move_up(qq, client, ming):
    """The rest of the time passes without waiting for it."""
    hanging, go_on = threading.Event(), threading.Event()

    @client.on_message
    def hang(_message):
        hanging.set()
        go_on.wait(LIMIT * 10)

    qq.run(client)
    ming.say("x")
    assert hanging.wait(LIMIT)
    began = time.monotonic()
    qq.clock.step(hours=1)
    assert time.monotonic() - began < 20  # two seconds of patience: a limit against hanging
    go_on.set()


def test_a_daily_task(qq, client, group):
    """The next eight o'clock, whatever time it is, in a moment."""

    @client.timed_task(trigger="cron", hour=8)
    def morning():
        client.send_group(group.openid, "good morning")

    qq.run(client)
    eight = qq.clock.now().replace(hour=8, minute=0, second=0, microsecond=0)
    eight += timedelta(days=eight <= qq.clock.now())
    began = time.monotonic()
    qq.clock.step_to(eight - timedelta(seconds=2))
    group.no_reply()
    qq.clock.step_to(eight + timedelta(seconds=1))
    assert group.next_reply().text == "good morning"
    qq.clock.step(hours=24)
    assert group.next_reply().text == "good morning"
    group.no_reply()
    assert time.monotonic() - began < 20  # two days: a limit against hanging, no measurement


def test_the_date_is_the_platform_s(qq, client, ming, group):
    """Bot and platform agree about the time."""
    client.on_message(lambda message: str(message.timestamp - qq.clock.now().timestamp()))
    qq.run(client)
    qq.clock.step(timedelta(days=3))
    ming.say("x")
    assert abs(float(group.next_reply().text)) < 2


def test_rate_limits_of_one_test_do_not_last(qq, client, ming, group):
    """A cool-down passes when time does."""

    @client.on_message(rate_limit=RateLimit(1, 600, answer=""))
    def once(_message):
        return "here you are"

    qq.run(client)
    ming.say("x")
    assert group.next_reply().text == "here you are"
    ming.say("x")
    group.no_reply()
    qq.clock.step(minutes=10)
    ming.say("x")
    assert group.next_reply().text == "here you are"


def test_a_silent_gateway_is_noticed(qq, client, ming, group):
    """Heartbeats go unanswered, and the bot comes back."""
    client.on_message(lambda message: f"echo {message.text}")
    qq.run(client)
    qq.faults.silence()
    ming.say("lost?")
    qq.clock.step(150)
    assert group.next_reply().text == "echo lost?"


def test_a_token_lives_two_hours(qq, client, ming, group):
    """It is renewed on the way, without anybody noticing."""
    client.on_message(lambda message: f"echo {message.text}")
    qq.run(client)
    for hour in range(4):
        qq.clock.step(hours=1)
        ming.say(str(hour))
        assert group.next_reply().text == f"echo {hour}"
    assert qq.platform.stats["tokens_issued"] >= 3


def test_time_only_goes_on(qq):
    """And without a bot, too."""
    before = qq.clock.now()
    qq.clock.step(100)
    assert (qq.clock.now() - before).total_seconds() == pytest.approx(100, abs=2)
    with pytest.raises(ValueError, match="cannot go back"):
        qq.clock.step_to(datetime(2020, 1, 1))
