"""Timed tasks of a running client."""

from __future__ import annotations

import threading

import pytest

from qqgroup_sync.runtime.clock import Clock
from tests.waiting import eventually


@pytest.fixture
def client(make_client):
    """A client on the machine's own clock; not started."""
    return make_client(clock=Clock())


def counting(client, **options):
    """Register a task that counts; return its runs."""
    runs = []

    @client.timed_task(**options)
    def tick(client):
        runs.append(client)

    return runs


def test_a_task_runs_with_the_client_again_and_again(client):
    """From the start on, until the stop."""
    runs = counting(client, each=0.05)
    client.start()
    eventually(lambda: len(runs) >= 3)
    assert runs[0] is client
    client.stop()
    before = len(runs)
    threading.Event().wait(0.2)
    assert len(runs) == before


def test_tasks_come_and_go_while_it_runs(client):
    """A later cell may add one, and remove it by its tag."""
    client.start()
    runs = counting(client, each=0.05, sub_tag="mine")
    other = counting(client, each=0.05, tag="other")
    eventually(lambda: len(runs) >= 2 and len(other) >= 2)
    assert client.remove_timed_task("mine") == 1
    seen, others = len(runs), len(other)
    eventually(lambda: len(other) >= others + 3)
    assert len(runs) <= seen + 1
    assert client.remove_timed_task("nobody") == 0


def test_it_runs_at_the_start_and_after_a_restart(client):
    """run_when_added counts for every start."""
    runs = counting(client, each=3600, run_when_added=True)
    client.start()
    eventually(lambda: len(runs) == 1)
    client.stop()
    client.start()
    eventually(lambda: len(runs) == 2)


@pytest.mark.expected_errors
def test_a_task_that_fails_is_reported_and_goes_on(client):
    """As with handlers."""
    errors = []
    client.on_exception(lambda error: errors.append(error))

    @client.timed_task(each=0.05)
    def fail():
        raise ValueError("oops")

    client.start()
    eventually(lambda: len(errors) >= 2)
    assert str(errors[0]) == "oops"


def test_a_task_may_send(sim, client):
    """A good-morning bot."""
    group = sim.platform.group("g")

    @client.timed_task(each=3600, run_when_added=True)
    def greet(client):
        client.send_group(group.openid, "good morning")

    client.start()
    assert group.next_reply(10).content == "good morning"


def test_cron_is_taken(client):
    """A task whose time does not come does nothing."""
    runs = counting(client, trigger="cron", hour=3, minute=59, timezone="Asia/Shanghai")
    client.start()
    assert client.wait_ready(10)
    assert client.stop()
    assert runs == []
