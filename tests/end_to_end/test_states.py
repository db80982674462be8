"""What the bot says of itself: the hook, the status and the log agree at each change."""

from __future__ import annotations

import logging
import queue
import threading

import pytest

from qqgroup_sync import Accounts, Router
from tests.waiting import LIMIT, eventually

LINES = ("on line", "back on line", "not connected", "stopped", "the bot cannot go on")


class Diary:
    """Keeps what a watcher was told, and from where."""

    def __init__(self):
        self.told = queue.Queue()

    def watch(self, old, new, client):
        """Be told of a change."""
        self.told.put((old, new, client, threading.current_thread().name))

    def next(self):
        """Return the next change."""
        return self.told.get(timeout=15)

    def states(self, count):
        """Return the next changes, as pairs of words."""
        return [(old.state, new.state) for old, new, *_ in (self.next() for _ in range(count))]


@pytest.fixture
def diary(echo):
    """Return the diary of the echo bot."""
    diary = Diary()
    echo.on_state_change(diary.watch)
    return diary


def lines(caplog):
    """Return the lines of the log that tell of the bot's state: level and text."""
    return [
        (record.levelname, record.getMessage())
        for record in caplog.records
        if record.getMessage().startswith(LINES)
    ]


def test_every_change_is_told_in_order_from_start_to_stop(sim, echo, diary, caplog):
    """One call, one line of the log and the status for each change; off the gateway's thread."""
    caplog.set_level(logging.INFO, "qqgroup_sync")
    assert str(echo.status) == "offline (not started)"
    echo.start()
    assert diary.states(2) == [("offline", "connecting"), ("connecting", "online")]
    assert echo.status.state == "online"
    sim.gateway.close(4009)
    old, new, client, thread = diary.next()
    assert (old.state, new.state, client, thread) == ("online", "degraded", echo, "qqgroup-watch")
    assert "4009" in new.why
    assert [shard.live for shard in new.shards] == [False]
    assert diary.states(1) == [("degraded", "online")]
    assert echo.stop()
    assert diary.states(2) == [("online", "stopping"), ("stopping", "offline")]
    assert diary.told.empty()
    assert str(echo.status) == "offline (stopped)"
    told = lines(caplog)
    assert [level for level, _ in told] == ["INFO", "WARNING", "INFO", "INFO"]
    assert [text.split(":")[0].split(" as ")[0] for _, text in told] == [
        *("on line", "not connected", "back on line, session resumed", "stopped"),
    ]


def test_a_second_start_is_told_anew(sim, echo, diary):
    """Each start has its own beginning and end."""
    for _ in range(2):
        echo.start()
        assert echo.wait_ready(10)
        assert echo.stop()
        assert diary.states(4) == [
            ("offline", "connecting"),
            ("connecting", "online"),
            ("online", "stopping"),
            ("stopping", "offline"),
        ]


@pytest.mark.expected_errors
def test_the_end_by_a_refusal_is_told_with_reason_and_remedy(sim, make_client):
    """Whoever watches learns why, also when nobody calls run()."""
    sim.platform.register_bot("1", "right")
    client, diary = make_client(client_secret="wrong"), Diary()
    client.on_state_change()(diary.watch)
    client.start()
    changes = [diary.next() for _ in range(3)]
    assert [new.state for _, new, *_ in changes] == ["connecting", "stopping", "offline"]
    for _, new, *_ in changes[1:]:
        assert "100016" in new.why
        assert "client_secret" in new.remedy
    eventually(lambda: not client.running)
    assert "100016" in str(client.status)
    assert "client_secret" in client.status.remedy


def test_no_network_is_one_warning_with_cause_and_remedy(make_client, caplog):
    """However often it is tried; the status says the same."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    caplog.set_level(logging.INFO, "qqgroup_sync")
    client = make_client(gateway_url=f"ws://127.0.0.1:{port}")
    client.start()
    runner = client._life._shards._runners[0]
    eventually(lambda: runner._backoff.failures >= 4, within=15)
    status = client.status
    assert status.state == "connecting"
    assert "ConnectionRefusedError" in status.why
    assert "Check the network connection" in status.remedy
    client.stop()
    (warning, _stopped) = lines(caplog)
    assert warning[0] == "WARNING"
    assert "cause: The connection was refused or broke." in warning[1]
    assert "remedy: Check the network connection" in warning[1]


def test_watchers_that_raise_are_told_to_on_exception(sim, echo, diary, expected_errors):
    """And keep nobody else from watching."""
    failures = queue.Queue()

    @echo.on_exception
    def note(error, client, event):
        failures.put((str(error), event))

    @echo.on_state_change
    def fail(old, new):
        raise ValueError(f"{new.state}!")

    echo.start()
    assert diary.states(2) == [("offline", "connecting"), ("connecting", "online")]
    assert [failures.get(timeout=LIMIT) for _ in range(2)] == [
        ("connecting!", None),
        ("online!", None),
    ]
    assert echo.stop()
    assert "fail" in expected_errors[0].getMessage()


def test_a_watcher_that_blocks_holds_up_nobody_but_the_next_change(sim, echo, caplog):
    """Messages are answered meanwhile; changes stay in order; stop() names it if it stays."""
    go, seen = threading.Event(), []

    @echo.on_state_change
    def block(old, new):
        seen.append(new.state)
        go.wait(15)

    echo.start()
    assert echo.wait_ready(10)
    group = sim.platform.group("g")
    group.member("Ming").say("hi")
    assert group.next_reply(timeout=15).text == "echo hi"
    assert seen == ["connecting"]
    assert echo.stop(timeout=1) is False
    assert "qqgroup-watch" in caplog.text
    go.set()
    eventually(lambda: seen == ["connecting", "online", "stopping", "offline"])


def test_a_watcher_can_stop_the_bot(sim, echo):
    """From its thread the stop is only asked for."""
    answers = queue.Queue()

    @echo.on_state_change
    def leave(old, new, client):
        if new.state == "online":
            answers.put(client.stop())

    echo.start()
    assert answers.get(timeout=15) is False
    assert echo.wait(10)
    assert echo.status.state == "offline"


def test_without_a_watcher_there_is_no_thread(sim, echo):
    """What nobody uses costs nothing."""
    echo.start()
    assert echo.wait_ready(10)
    assert "qqgroup-watch" not in [one.name for one in threading.enumerate()]


def test_routers_and_accounts_watch_too(sim, make_client):
    """One watcher for several bots is told which one it is."""
    router, diary = Router(), Diary()
    router.on_state_change(diary.watch)
    one, other = make_client(appid="1"), make_client(appid="2")
    accounts = Accounts(one, other)
    accounts.include(router)
    accounts.start()
    assert accounts.wait_ready(10)
    accounts.stop()
    changes = [diary.next() for _ in range(8)]
    for client in (one, other):
        assert [new.state for _, new, who, _ in changes if who is client] == [
            *("connecting", "online", "stopping", "offline"),
        ]


def test_overload_is_a_state_with_an_end(sim, make_client):
    """More messages than the queue takes: told once, and again when half of it is free."""
    go, diary = threading.Event(), Diary()
    client = make_client(queue_size=10, workers=1, max_workers=1)
    client.on_state_change(diary.watch)

    @client.on_group_message
    def slow(message):
        go.wait(15)

    client.start()
    assert diary.states(2) == [("offline", "connecting"), ("connecting", "online")]
    group = sim.platform.group("g")
    for number in range(30):
        group.member(f"member {number}").say("hi")
    old, new, *_ = diary.next()
    assert (old.state, new.state) == ("online", "degraded")
    assert "reading pauses" in new.why
    assert client.status.state == "degraded"
    go.set()
    assert diary.states(1) == [("degraded", "online")]
