"""Timed tasks of a running client, in time that the tests move."""

from __future__ import annotations

import pytest

from qqgroup_sync import Client, Router


@pytest.fixture
def client():
    """A client; not started."""
    return Client.simulated(language="en")


def counting(client, **options):
    """Register a task that counts; return its runs."""
    runs = []

    @client.timed_task(**options)
    def tick(client):
        runs.append(client)

    return runs


def test_a_task_runs_with_the_client_again_and_again(qq, client):
    """From the start on, until the stop."""
    runs = counting(client, each=60)
    qq.run(client)
    qq.clock.step(180)
    assert runs == [client] * 3
    client.stop()
    qq.clock.step(180)
    assert len(runs) == 3


def test_tasks_come_and_go_while_it_runs(qq, client):
    """A later cell may add one, and remove it by its tag."""
    qq.run(client)
    runs = counting(client, each=60, sub_tag="mine")
    other = counting(client, each=60, tag="other")
    qq.clock.step(120)
    assert client.remove_timed_task("mine") == 1
    qq.clock.step(180)
    assert (len(runs), len(other)) == (2, 5)
    assert client.remove_timed_task("nobody") == 0


def test_a_task_with_two_ways_to_it_runs_once_until_the_last_way_is_gone(qq, client):
    """Two routers include a third."""
    inner, one, other = Router(), Router(), Router()
    runs = counting(inner, each=60)
    one.include(inner)
    other.include(inner)
    qq.run(client)
    client.include(one, other)
    qq.clock.step(60)
    assert len(runs) == 1
    later = counting(inner, each=60)
    client.exclude(one)
    qq.clock.step(60)
    assert (len(runs), len(later)) == (2, 1)
    client.exclude(other)
    qq.clock.step(60)
    assert (len(runs), len(later)) == (2, 1)


def test_it_runs_at_the_start_and_after_a_restart(qq, client):
    """run_when_added counts for every start."""
    runs = counting(client, each=3600, run_when_added=True)
    bot = qq.run(client)
    qq.clock.step()
    assert len(runs) == 1
    bot.restart()
    qq.clock.step()
    assert len(runs) == 2


@pytest.mark.expected_errors
def test_a_task_that_fails_is_reported_and_goes_on(qq, client):
    """As with handlers."""
    errors = []
    client.on_exception(lambda error: errors.append(error))

    @client.timed_task(each=60)
    def fail():
        raise ValueError("oops")

    qq.run(client)
    qq.clock.step(120)
    assert [str(error) for error in errors] == ["oops", "oops"]
    assert qq.errors == errors


def test_a_task_may_send(qq, client):
    """A good-morning bot."""
    group = qq.group("g")

    @client.timed_task(each=3600, run_when_added=True)
    def greet(client):
        client.send_group(group.openid, "good morning")

    qq.run(client)
    assert group.next_reply(10).text == "good morning"
    group.no_reply()


def test_cron_is_taken(qq, client):
    """A task whose time does not come does nothing; when it comes, it runs once a day."""
    runs = counting(client, trigger="cron", hour=3, minute=59, timezone="Asia/Shanghai")
    qq.run(client)
    qq.clock.step(1)
    assert runs == []
    qq.clock.step(hours=24)
    assert len(runs) == 1
