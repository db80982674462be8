"""The inspector: what went between bots and platform, and why the platform did what it did."""

import json

import pytest

from qqgroup_sync.simulator.inspector import Inspector
from qqgroup_sync.simulator.records import WebhookPost
from tests.waiting import eventually

from ..bot import APPID, INTENTS
from .paging import Live, get


def inspect(sim, after=0):
    """What the inspector shows."""
    return get(sim, "/simulator/inspect", params={"after": after}).json()


def entries(sim, **wanted):
    """The entries that have these values."""
    found = inspect(sim)["entries"]
    return [one for one in found if all(one.get(key) == value for key, value in wanted.items())]


def words(entry):
    """The notes of an entry by their word."""
    return dict(entry["notes"])


def test_a_whole_conversation_is_there_in_order(sim, bot, group):
    """Token, gateway, Identify, READY, the event, the answer: with times, directions, results."""
    bot.get("/gateway/bot")
    wire = bot.connect(identify=True)
    asked = group.member("Lan").say("hello")
    wire.read()
    bot.say(group, "hi", msg_id=asked.id, msg_seq=1)

    found = inspect(sim)["entries"]
    titles = [(one["direction"], one["title"]) for one in found]
    assert [title for title in titles if "heartbeat" not in title[1].lower()] == [
        ("in", "POST /app/getAppAccessToken"),
        ("in", "GET /gateway/bot"),
        ("in", "opened"),
        ("out", "HELLO"),
        ("in", "IDENTIFY"),
        ("out", "READY"),
        ("out", "GROUP_AT_MESSAGE_CREATE"),
        ("in", f"POST /v2/groups/{group.openid}/messages"),
    ]
    assert [one["seq"] for one in found] == list(range(1, len(found) + 1))
    assert [one["time"] for one in found] == sorted(one["time"] for one in found)
    identify = next(one for one in found if one["title"] == "IDENTIFY")
    assert words(identify)["identify"]["intents"] == [
        "GROUP_MEMBER_EVENT",
        "GROUP_AND_C2C_EVENT",
        "INTERACTION",
    ]
    sent = found[-1]
    assert (sent["status"], sent["appid"], sent["failed"]) == (200, APPID, False)
    assert sent["ms"] > 0
    assert sent["request"]["content"] == "hi"
    assert sent["response"]["id"]
    note = words(sent)["window"]
    assert (note["used"], note["limit"]) == (1, 5)
    assert 290 < note["left"] <= 300


def test_secrets_do_not_leave_the_process(sim, bot, group):
    """Neither the token nor the secret is in what the page is given."""
    wire = bot.connect(identify=True)
    session = wire.ready["d"]["session_id"]
    wire.websocket.close()
    again = bot.connect()
    again.resume(bot.token, session, 1)
    again.read()
    text = get(sim, "/simulator/inspect").text

    assert bot.token not in text
    assert '"secret"' not in text
    assert text.count("QQBot ***") == 2


def test_why_a_send_was_refused(sim, bot, group):
    """Window, budget, repetition, quota and the code's meaning in both languages."""
    asked = group.member("Lan").say("hello")
    bot.say(group, "hi", msg_id=asked.id, msg_seq=1)
    bot.say(group, "hi", msg_id=asked.id, msg_seq=1)
    twice = entries(sim, kind="api")[-1]
    assert (twice["code"], twice["failed"]) == (40054005, True)
    assert words(twice)["dedupe"] == {"msg_seq": 1}
    assert words(twice)["window"]["used"] == 1
    for language in ("en", "zh"):
        assert set(twice["explained"][language]) == {"cause", "remedy"}
    assert twice["explained"]["en"] != twice["explained"]["zh"]

    bot.say(group, "hi", msg_id="ROBOT1.0_unknown")
    assert "no_window" in words(entries(sim, kind="api")[-1])
    bot.say(group, "unasked")
    assert words(entries(sim, kind="api")[-1])["proactive"]["used"] == 1


def test_answers_of_faults_say_so(sim, bot, group):
    """A request that met an armed fault is marked."""
    sim.faults.fail("/messages$", status=500)
    bot.say(group, "hi")

    failed = entries(sim, kind="api", status=500)[-1]
    assert words(failed)["fault"] == {"kinds": ["fail"]}


def test_events_that_nobody_got_say_why(sim, bot, group):
    """No session at all, or intents that do not include the event."""
    group.member("Lan").say("hello")
    (lost,) = entries(sim, kind="event")
    assert (lost["title"], words(lost)) == ("GROUP_AT_MESSAGE_CREATE", {"no_session": {}})

    bot.connect(identify=True, intents=1 << 26)
    group.member("Lan").say("hello")
    assert [words(one) for one in entries(sim, kind="event")][1:] == [{"filtered": {}}]


@pytest.mark.parametrize("ours", [True, False])
def test_ends_of_connections_tell_code_and_side(sim, bot, ours):
    """Who closed, and with which code."""
    wire = bot.connect(identify=True)
    if ours:
        sim.gateway.close(4009, "too old")
        wire.close_code()
    else:
        wire.websocket.close(1000)

    eventually(lambda: entries(sim, title="closed"))
    (closed,) = entries(sim, title="closed")
    assert (closed["code"], closed["failed"]) == ((4009, True) if ours else (1000, False))
    assert words(closed)["closed"]["ours"] is ours
    assert closed["appid"] == APPID
    assert closed["payload"] == ({"reason": "too old"} if ours else None)


def test_heartbeats_are_marked_quiet_and_nonsense_is_shown(sim, bot):
    """What is filtered by default, and frames that are no JSON."""
    wire = bot.connect(identify=True)
    wire.write(1, 1)
    wire.read()
    sim.gateway.send_raw("what? token=abcdef")
    wire.websocket.recv(timeout=5)

    eventually(lambda: entries(sim, op=None, kind="frame"))
    assert [one["title"] for one in entries(sim, quiet=True)] == ["HEARTBEAT", "HEARTBEAT_ACK"]
    (odd,) = entries(sim, op=None, kind="frame")
    assert "what?" in odd["payload"]


def test_only_what_is_new_is_answered(sim, bot, group):
    """A page asks for what came after the last entry it has."""
    first = inspect(sim)
    bot.say(group, "hi")
    new = inspect(sim, first["last"])

    assert [one["seq"] for one in new["entries"]] == [first["last"] + 1]
    assert inspect(sim, new["last"])["entries"] == []
    assert get(sim, "/simulator/inspect?after=x").status_code == 400


def test_memory_is_bounded_and_gaps_are_told(platform):
    """The oldest entries go, and who asks late is told how many he missed."""
    inspector = Inspector(platform, kept=10)
    platform.subscribe(inspector)
    group = platform.group("g")
    for number in range(25):  # no session: each is an event that nobody got
        group.member("Lan").say(str(number))

    found = inspector.after(5)
    assert [one["seq"] for one in found["entries"]] == list(range(16, 26))
    assert (found["last"], found["skipped"]) == (25, 10)
    assert [one["seq"] for one in inspector.after(20, limit=2)["entries"]] == [24, 25]
    json.dumps(found)


def test_feed_tells_that_there_is_something_new(sim, bot, group):
    """The page asks when it is told to, and not all the time."""
    with Live(sim) as live:
        live.next("hello")
        bot.say(group, "hi")
        eventually(lambda: live.next("traffic")["last"] == inspect(sim)["last"])


def test_intents_have_their_names(sim, bot):
    """All bits that are asked for are named."""
    bot.connect(identify=True, intents=INTENTS | 1 << 27)
    assert "MESSAGE_AUDIT" in words(entries(sim, title="IDENTIFY")[0])["identify"]["intents"]


def test_webhook_posts_are_shown(platform):
    """Each attempt with its result."""
    inspector = Inspector(platform)
    platform.subscribe(inspector)
    post = WebhookPost(
        APPID,
        "https://127.0.0.1/hook?token=abcdefgh",
        "C2C_MESSAGE_CREATE",
        "C2C_MESSAGE_CREATE:x",
        2,
        None,
        "no answer",
        0.25,
        "later",
    )
    platform.report("webhook", post)

    (shown,) = inspector.after(0)["entries"]
    assert (shown["title"], shown["failed"], shown["ms"]) == ("C2C_MESSAGE_CREATE", True, 250)
    assert words(shown)["webhook"] == {"attempt": 2, "outcome": "later"}
    assert "abcdefgh" not in json.dumps(shown)


def test_sessions_are_told(sim, bot, group):
    """Live ones with their number, and those that wait to be resumed."""
    assert inspect(sim)["sessions"] == []
    wire = bot.connect(identify=True)
    group.member("Lan").say("hello")
    (session,) = inspect(sim)["sessions"]
    assert session.pop("session") == wire.ready["d"]["session_id"]
    assert session == {"appid": APPID, "shard": [0, 1], "s": 2, "live": True, "away": 0}

    wire.websocket.close(1001)
    sim.gateway.wait_gone()
    sim.clock.advance(30)
    (session,) = inspect(sim)["sessions"]
    assert session["live"] is False
    assert 30 <= session["away"] < 60


@pytest.mark.parametrize("fault", [None, "/no/such/path"])
def test_half_a_character_does_not_break_the_page(sim, bot, group, fault):
    """Whether a bot sends it, which is refused, or Python code; nor do numbers that are none."""
    if fault:
        sim.faults.fail(fault)  # then sends go by way of Flask
    wire = bot.connect(identify=True)
    url = f"{sim.url}/v2/groups/{group.openid}/messages"
    for data in (b'{"msg_type":0,"content":"x\\ud800"}', b'{"msg_type":0,"content":NaN}'):
        headers = {"Content-Type": "application/json"}
        assert bot.http.post(url, data=data, headers=headers, timeout=5).status_code == 400
    group.member("Lan").say("half \ud800")
    assert wire.read()["d"]["content"] == " half ?"

    assert get(sim, "/simulator/state").status_code == 200
    assert [one["code"] for one in entries(sim, status=400)] == [11255, 11255]
