"""Echo bots of other SDKs, unchanged, against our platform."""

from __future__ import annotations

import socket

import pytest

from qqgroup_sync.simulator.webhooks import WebhookCheckError
from tests.waiting import eventually

from .sdks import APPID, BOTPY, NONEBOT, QG, SDKS, TOKEN

LIMIT = 20.0  # seconds, for an interpreter and its imports on a busy machine

pytestmark = [pytest.mark.compat, pytest.mark.timeout(400)]
each_sdk = pytest.mark.parametrize("sdk", SDKS, ids=str)


def reply_to(person, text):
    """Say something and return what the bot answers."""
    chat = getattr(person, "group", person)
    person.say(text)
    return chat.next_reply(LIMIT)


@each_sdk
def test_it_answers_in_groups_and_in_private(sim, start, sdk):
    """Connect, receive, answer; both answers are replies, not messages out of the blue."""
    start(sdk)
    sim.gateway.wait_live(timeout=LIMIT)
    in_group = reply_to(sim.platform.group("g").member("Ming"), "hello group")
    in_private = reply_to(sim.platform.user("Hong"), "hello you")
    assert (in_group.text, in_private.text) == ("echo: hello group", "echo: hello you")
    assert not in_group.proactive
    assert not in_private.proactive


@each_sdk
@pytest.mark.parametrize("how", ["close 4009", "reset"])
def test_it_comes_back(sim, start, sdk, how):
    """With its session, and what was said meanwhile is answered; or with a new one, and it is not.

    The platform replays after a resume only (2026-08, websocket page).
    """
    start(sdk)
    sim.gateway.wait_live(timeout=LIMIT)
    ming = sim.platform.group("g").member("Ming")
    assert reply_to(ming, "before").text == "echo: before"
    (session,) = sim.platform.sessions.live()
    if how == "reset":
        sim.gateway.reset()
    else:
        sim.gateway.close(4009, "Session timed out")
    sim.gateway.wait_gone()
    ming.say("meanwhile")
    if sdk.resumes:
        assert ming.group.next_reply(LIMIT).text == "echo: meanwhile"
    sim.gateway.wait_live(timeout=LIMIT)
    ming.say("after")
    ming.group.wait_for(lambda message: message.text == "echo: after", LIMIT)
    (now,) = sim.platform.sessions.live()
    assert (now.id == session.id) is sdk.resumes
    stats = sim.platform.stats
    assert (stats["identifies"], stats["resumes"]) == ((1, 1) if sdk.resumes else (2, 0))


@each_sdk
def test_full_mode(sim, start, sdk):
    """A message without @ is answered by those SDKs that know GROUP_MESSAGE_CREATE."""
    bot = start(sdk)
    sim.gateway.wait_live(timeout=LIMIT)
    group = sim.platform.group("g")
    group.full_mode = True
    group.member("Ming").say("among us", at=False)
    if sdk.full_mode:
        assert group.next_reply(LIMIT).text == "echo: among us"
    else:
        eventually(lambda: "unknown event group_message_create" in bot.output, LIMIT)


def test_the_sandbox_host(sim, start):
    """Old SDKs send sandbox traffic to a host of its own."""
    start(BOTPY, BOT_SANDBOX="1")
    sim.gateway.wait_live(timeout=LIMIT)
    assert reply_to(sim.platform.user("Hong"), "sand").text == "echo: sand"


def test_webhooks(sim, start):
    """The adapter of nonebot passes the address check, verifies our signatures and answers."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    start(NONEBOT, PORT=str(port))

    def accepted():
        try:
            sim.webhooks.add(APPID, f"http://127.0.0.1:{port}/qq/webhook")
        except WebhookCheckError as error:
            assert error.retcode == 10020  # noqa: PT017 - it does not listen yet
            return False
        return True

    eventually(accepted, LIMIT)
    ming = sim.platform.group("g").member("Ming")
    assert reply_to(ming, "by webhook").text == "echo: by webhook"
    sim.webhooks.forge()
    ming.say("forged")
    eventually(lambda: sim.platform.stats["webhooks_given_up"] == 1)
    assert reply_to(ming, "genuine").text == "echo: genuine"
    assert sim.platform.stats["identifies"] == 0


@pytest.mark.parametrize("taken", [False, True])
def test_fixed_tokens(sim, start, taken):
    """``Bot appid.token`` is refused since 2026-01, or taken as before when the switch says so."""
    sim.platform.change_rules(fixed_tokens=taken)
    bot = start(QG, BOT_SECRET=None, BOT_TOKEN=TOKEN)
    if taken:
        sim.gateway.wait_live(timeout=LIMIT)
        assert reply_to(sim.platform.user("Hong"), "old").text == "echo: old"
    else:
        eventually(lambda: "11245" in bot.output, LIMIT)
        assert sim.platform.stats["identifies"] == 0
