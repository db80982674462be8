"""After everything that cannot be come back from, run() raises with reason and remedy."""

from __future__ import annotations

import threading

import pytest

from qqgroup_sync import AuthError, ConfigError, GatewayRejected, IPNotAllowed

pytestmark = pytest.mark.expected_errors


@pytest.mark.parametrize("code", [4001, 4002, 4010, 4011, 4012, 4914, 4915])
def test_a_fatal_close_ends_run(sim, echo, code):
    """The close code's meaning is raised, and no thread is left."""

    def refuse():
        sim.gateway.wait_live(timeout=10)
        sim.gateway.close(code)

    threading.Thread(target=refuse).start()
    with pytest.raises(GatewayRejected) as caught:
        echo.run()
    assert caught.value.code == code
    assert caught.value.remedy
    assert echo.status.state == "offline"


def test_no_permitted_intent_at_all_ends_run(sim, echo):
    """When even the intents that a bot needs are refused there is nothing to wait for."""
    sim.gateway.forbid_intents(0xFFFFFFF)
    with pytest.raises(GatewayRejected, match="4014"):
        echo.run()


def test_a_wrong_secret_ends_run(sim, make_client):
    """The remedy names the secret."""
    sim.platform.register_bot("1", "right")
    with pytest.raises(AuthError, match="100016") as caught:
        make_client(client_secret="wrong-secret").run()
    assert "client_secret" in caught.value.remedy
    assert "wrong-secret" not in str(caught.value) + repr(caught.value)


def test_a_banned_bot_ends_run(sim, make_client):
    """A bot that the platform has banned gets no token."""
    sim.platform.register_bot("1", "s", banned=True)
    with pytest.raises(AuthError, match="100007"):
        make_client(client_secret="s").run()


def test_an_address_that_is_not_allowed_ends_run(sim, echo):
    """The IP whitelist is named, and the token is not asked for in a loop."""
    sim.platform.change_rules(ip_whitelist=frozenset({"203.0.113.1"}))
    with pytest.raises(IPNotAllowed) as caught:
        echo.run()
    assert "whitelist" in caught.value.remedy
    assert caught.value.trace_id


def test_a_shard_that_does_not_exist_is_refused_in_the_callers_line(make_client):
    """shard_index has to be below shards."""
    with pytest.raises(ConfigError, match="shard_index"):
        make_client(shard_index=2, shards=2)


def test_wait_ready_raises_the_reason(sim, make_client):
    """A program that only starts hears the reason, too."""
    sim.platform.register_bot("1", "right")
    client = make_client(client_secret="wrong")
    client.start()
    with pytest.raises(AuthError):
        client.wait_ready(10)
    with pytest.raises(AuthError):
        client.wait(10)
