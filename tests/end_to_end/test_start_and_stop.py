"""A client can be started and stopped at any moment, as often as wanted, and leaves no thread."""

from __future__ import annotations

import threading
import time

import pytest

from qqgroup_sync import NotConnected, StateError


def bot_threads():
    """Names of the client's threads."""
    return {t.name for t in threading.enumerate() if t.name.startswith("qqgroup-")}


def hello(sim, text="hi"):
    """Let Ming say something in the group."""
    sim.platform.group("g").member("Ming").say(text)


def test_a_hundred_quick_starts(sim, echo):
    """start() and stop() at every moment of connecting, each within its deadline."""
    for round_ in range(100):
        echo.start()
        if round_ % 4 == 1:
            assert echo.wait_ready(10)
        elif round_ % 4 == 2:
            echo.wait(0.005 * (round_ % 7))
        began = time.monotonic()
        assert echo.stop(timeout=5)
        assert time.monotonic() - began < 5
        assert echo.status.state == "offline"
    assert not bot_threads()


def test_thirty_stops_during_back_off(sim, make_client):
    """A client that waits for its next try wakes at once."""
    from qqgroup_sync.runtime.clock import Clock

    client = make_client(clock=Clock())
    sim.gateway.refuse_connections(10_000)
    for _ in range(30):
        client.start()
        while client.status.shards[0].why in ("", "not connected yet"):
            client.wait(0.01)
        assert client.stop(timeout=2)
    assert not bot_threads()


def test_thirty_stops_during_the_handshake(make_client):
    """A gateway that accepts and then says nothing holds nobody."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        client = make_client(gateway_url=f"ws://127.0.0.1:{port}")
        for _ in range(30):
            client.start()
            accepted, _ = mute.accept()
            assert client.stop(timeout=2)
            accepted.close()
    assert not bot_threads()


def test_forty_stops_from_inside_a_handler(sim, make_client):
    """A handler can only ask for the stop; it ends, and so does the client."""
    client = make_client()
    answers = []

    @client.on_group_message
    def leave(message):
        answers.append(client.stop())

    for _ in range(40):
        client.start()
        assert client.wait_ready(10)
        hello(sim)
        assert client.wait(10)
    assert answers == [False] * 40
    assert not bot_threads()


@pytest.mark.expected_errors
def test_a_stuck_handler_is_named_and_nothing_else_is_left(sim, make_client, caplog):
    """stop() tells the truth about what did not end, within its deadline."""
    client = make_client()
    entered, go_on = threading.Event(), threading.Event()

    @client.on_group_message
    def stuck(message):
        entered.set()
        go_on.wait(30)

    client.start()
    assert client.wait_ready(10)
    hello(sim)
    assert entered.wait(10)
    began = time.monotonic()
    assert client.stop(timeout=0.5) is False
    assert time.monotonic() - began < 3
    names = bot_threads()
    assert len(names) == 1
    assert names.pop().startswith("qqgroup-worker-")
    assert "qqgroup-worker-1" in caplog.text
    assert client.stop() is False
    go_on.set()


def test_queued_messages_are_left_for_the_next_start(sim, make_client):
    """What was received but not handled comes again, and only that."""
    client = make_client(workers=1, max_workers=1)
    heard, go_on = [], threading.Event()
    entered = threading.Event()

    @client.on_group_message
    def slow(message):
        heard.append(message.text)
        entered.set()
        go_on.wait(30)

    client.start()
    assert client.wait_ready(10)
    for number in range(20):
        hello(sim, str(number))
    assert entered.wait(10)
    stopping = threading.Thread(target=client.stop)
    stopping.start()
    while client.status.state != "stopping":
        client.wait(0.01)
    go_on.set()
    stopping.join(10)
    assert len(heard) < 20
    client.start()
    while len(heard) < 20:
        assert not client.wait(0.01)
    client.stop()
    assert sorted(heard, key=int) == [str(number) for number in range(20)]


def test_starting_twice_is_refused(echo):
    """A second start() would make two bots of one."""
    echo.start()
    with pytest.raises(StateError, match="started already"):
        echo.start()


def test_constructing_and_stopping_do_nothing(make_client):
    """No thread, no connection; stop() without start() is fine."""
    client = make_client()
    assert not bot_threads()
    assert client.stop() is True
    with pytest.raises(StateError, match="not started"):
        client.wait_ready()


def test_a_context_manager_starts_and_stops(sim, echo):
    """The with statement is start() and stop()."""
    with echo:
        assert echo.wait_ready(10)
        assert echo.status.state == "online"
    assert echo.status.state == "offline"


@pytest.mark.expected_errors
@pytest.mark.parametrize("ending", [SystemExit(3), KeyboardInterrupt(), RuntimeError("oops")])
def test_a_handler_that_raises_or_exits_ends_only_itself(sim, make_client, ending):
    """The next message is handled as if nothing had happened."""
    client = make_client(workers=1, max_workers=1)

    @client.on_group_message
    def fragile(message):
        if message.text == "break":
            raise ending
        return "fine"

    client.start()
    assert client.wait_ready(10)
    hello(sim, "break")
    hello(sim, "go on")
    assert sim.platform.group("g").next_reply().text == "fine"


@pytest.mark.expected_errors
def test_a_reply_while_the_gateway_is_away_waits_for_it(sim, make_client):
    """Nothing is sent into the gap in which the platform swallows messages."""
    client = make_client()
    entered, go_on = threading.Event(), threading.Event()

    @client.on_group_message
    def patient(message):
        entered.set()
        go_on.wait(10)
        return "after the gap"

    client.start()
    assert client.wait_ready(10)
    hello(sim)
    assert entered.wait(10)
    sim.gateway.refuse_connections(3)
    sim.gateway.close(4009)
    while client.status.state == "online":
        client.wait(0.01)
    go_on.set()
    assert sim.platform.group("g").next_reply(timeout=10).text == "after the gap"
    assert client.status.state == "online"


@pytest.mark.expected_errors
def test_a_proactive_message_gives_up_when_the_gateway_stays_away(sim, make_client, monkeypatch):
    """NotConnected says that nothing was sent."""
    from qqgroup_sync.sending import presence

    monkeypatch.setattr(presence, "PROACTIVE_PATIENCE", 0.2)
    client = make_client()
    client.start()
    assert client.wait_ready(10)
    group = sim.platform.group("g")
    sim.gateway.refuse_connections(10_000)
    sim.gateway.close(4009)
    while client.status.state == "online":
        client.wait(0.01)
    with pytest.raises(NotConnected):
        client.send_group(group.openid, "hello?")
    assert not group.messages


def test_order_is_kept_per_person_and_others_run_beside(sim, make_client):
    """One person's messages are handled one at a time; another's do not wait for them."""
    client = make_client()
    go_on, seen = threading.Event(), []

    @client.on_group_message
    def handle(message):
        if message.author.username == "Slow" and message.text == "0":
            go_on.wait(10)
        seen.append((message.author.username, message.text))
        if message.author.username == "Quick":
            go_on.set()

    client.start()
    assert client.wait_ready(10)
    group = sim.platform.group("g")
    for number in range(5):
        group.member("Slow").say(str(number))
    group.member("Quick").say("hi")
    while len(seen) < 6:
        assert not client.wait(0.01)
    assert seen == [("Quick", "hi"), *(("Slow", str(number)) for number in range(5))]
