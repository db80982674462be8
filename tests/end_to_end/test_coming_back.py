"""After everything that can be come back from, the bot answers again without a restart."""

from __future__ import annotations

import pytest

from tests.waiting import eventually

RESUMABLE = [1000, 1001, 1011, 4008, 4009]
IDENTIFY = [4000, 4003, 4004, 4005, 4006, 4007, *range(4900, 4914), 4999]


@pytest.fixture
def online(sim, echo):
    """The echo bot, on line, with a group to talk in."""
    echo.start()
    assert echo.wait_ready(10)
    group = sim.platform.group("g")
    ming = group.member("Ming")

    def answers(text):
        ming.say(text)
        return group.next_reply(timeout=15).text == f"echo {text}"

    assert answers("before")
    return answers


def connections(client):
    """How often the client came on line."""
    return client.status.shards[0].connections


def back_on_line(client):
    """Wait until the client is on line for the second time."""
    eventually(lambda: connections(client) == 2 and client.status.state == "online", within=15)


@pytest.mark.parametrize("code", RESUMABLE)
def test_resumes_after_a_close_that_keeps_the_session(sim, online, echo, code):
    """What was said while the bot was away is replayed and answered once."""
    sim.gateway.refuse_connections(1)
    sim.gateway.close(code)
    assert online("while away")
    assert connections(echo) == 2
    assert sim.platform.stats["resumes"] >= 1


@pytest.mark.parametrize("code", IDENTIFY)
def test_identifies_after_a_close_that_ends_the_session(sim, online, echo, code):
    """A new session begins by itself."""
    sim.gateway.close(code)
    back_on_line(echo)
    assert online("after")


def test_comes_back_after_a_tcp_reset(sim, online):
    """A reset connection is resumed."""
    sim.gateway.reset()
    assert online("after the reset")


def test_op_7_resumes(sim, online):
    """The platform's regular request to reconnect loses nothing."""
    sim.gateway.send_reconnect()
    assert online("after op 7")


@pytest.mark.parametrize("resumable", [True, False])
def test_op_9(sim, online, echo, resumable):
    """An invalid session is resumed or identified again, as the platform says."""
    sim.gateway.invalid_session(resumable)
    back_on_line(echo)
    assert online("after op 9")


def test_a_heartbeat_of_the_server_is_answered(sim, online):
    """Op 1 from the platform disturbs nothing."""
    sim.gateway.server_heartbeat()
    assert online("after op 1")


@pytest.mark.parametrize("how", ["op9", 4006, 4900, 4902])
def test_a_refused_resume_ends_in_a_new_session(sim, online, echo, how):
    """A session that the platform no longer knows is not asked for again and again."""
    sim.gateway.refuse_resumes(1, how)
    sim.gateway.close(4009)
    back_on_line(echo)
    assert online("after the refusal")


def test_an_expired_token_is_renewed(sim, online):
    """A token that ends during the session costs nobody an answer."""
    sim.platform.expire_tokens()
    assert online("with a new token")


def test_an_expired_token_does_not_hinder_the_next_identify(sim, online, echo):
    """The gateway gets a fresh token, too."""
    sim.platform.expire_tokens()
    sim.gateway.close(4006)
    back_on_line(echo)
    assert online("after all")


def test_http_500_on_gateway_is_survived(sim, echo):
    """The bot comes on line although the gateway's address cannot be had at first."""
    sim.faults.fail("/gateway", times=6, status=500)
    echo.start()
    assert echo.wait_ready(20)


def test_refused_connections_are_tried_again(sim, echo):
    """A gateway that is down for a while is waited for."""
    sim.gateway.refuse_connections(5)
    echo.start()
    assert echo.wait_ready(20)


def test_an_intent_without_permission_is_dropped(sim, make_client):
    """Without the right to member events the bot goes on with the others."""
    sim.gateway.forbid_intents(1 << 24)
    client = make_client()
    client.on_group_message(lambda message: "yes")
    client.start()
    assert client.wait_ready(15)
    group = sim.platform.group("g")
    group.member("Ming").say("there?")
    assert group.next_reply().text == "yes"


def test_half_open_silence_is_noticed():
    """A connection that only looks alive is replaced when heartbeats stay unanswered."""
    from qqgroup_sync import Client
    from qqgroup_sync.simulator import Simulator

    with Simulator(heartbeat_interval=0.15) as sim:
        client = Client("1", "s", api_base=sim.url)
        client.on_group_message(lambda message: "awake")
        client.start()
        try:
            assert client.wait_ready(10)
            sim.gateway.silence()
            group = sim.platform.group("g")
            group.member("Ming").say("still there?")
            assert group.next_reply(timeout=15).text == "awake"
        finally:
            client.stop()


def test_the_return_of_the_network_is_noticed_at_once():
    """Within two seconds, although the next try would come much later; and nobody is told twice."""
    import socket

    from qqgroup_sync import Client
    from qqgroup_sync.runtime.backoff import Backoff
    from qqgroup_sync.simulator import Simulator

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    client = Client("1", "s", api_base=f"http://127.0.0.1:{port}")
    client.start()
    try:
        (runner,) = client._life._shards._runners
        runner._backoff = Backoff((600.0,))
        eventually(lambda: runner._backoff.failures and runner._outage.missing, within=15)
        with Simulator(port=port):
            assert client.wait_ready(2.0)
            client.stop()
    finally:
        client.stop()
