"""The fault panel's endpoints: what they do to bots, and what they tell is armed."""

import pytest
import requests

from tests.waiting import eventually

from ..bot import APPID
from .paging import Live, get, post, state


def act(sim, action, **fields):
    """Do something; return what is armed then."""
    answer = post(sim, "control", {"action": action, **fields})
    assert answer.status_code == 200, answer.text
    return answer.json()["armed"]


def armed(sim):
    """What the panel shows."""
    return get(sim, "/simulator/control").json()["armed"]


def test_nothing_is_armed_at_first(sim):
    """A new platform behaves."""
    assert armed(sim) == []


@pytest.mark.parametrize(
    ("action", "fields", "code"),
    [
        ("drop", {}, None),
        ("reset", {}, None),
        ("close", {"code": 4915}, 4915),
        ("close", {}, 4009),
        ("close", {"code": 1006}, None),
        ("reconnect", {"close": True}, 4009),
    ],
)
def test_connections_end_as_asked(sim, bot, action, fields, code):
    """Drop, RST and any close code reach the bot."""
    wire = bot.connect(identify=True)

    act(sim, action, appid=APPID, **fields)

    try:
        assert wire.close_code() == code
    except ConnectionResetError:
        assert action == "reset"


@pytest.mark.parametrize(
    ("action", "fields", "frame"),
    [
        ("reconnect", {}, {"op": 7}),
        ("invalid", {"resumable": True}, {"op": 9, "d": True}),
        ("invalid", {}, {"op": 9, "d": False}),
        ("heartbeat", {}, {"op": 1}),
    ],
)
def test_frames_are_sent_as_asked(sim, bot, action, fields, frame):
    """Op 7, op 9 and op 1 reach the bot."""
    wire = bot.connect(identify=True)

    act(sim, action, **fields)

    assert wire.read() == frame


def test_silence_is_armed_until_it_ends(sim, bot, group):
    """A half-open connection says nothing; what piled up comes when it speaks again."""
    wire = bot.connect(identify=True)
    assert act(sim, "silence") == [{"what": "silence", "left": 1}]
    group.member("Lan").say("hello")
    with pytest.raises(TimeoutError):
        wire.read(timeout=0.2)

    assert act(sim, "unsilence") == []
    assert wire.read()["t"] == "GROUP_AT_MESSAGE_CREATE"


@pytest.mark.parametrize(
    ("action", "fields", "status", "shown"),
    [
        ("fail", {"status": 401}, 401, {"what": "fail", "status": 401}),
        ("fail", {"status": 429}, 429, {"what": "fail", "status": 429}),
        ("fail", {}, 500, {"what": "fail", "status": 500}),
        ("audit", {}, 202, {"what": "audit"}),
    ],
)
def test_the_next_requests_fail(sim, bot, group, action, fields, status, shown):
    """So many times as was asked, counting down; the page's own requests are never hit."""
    assert act(sim, action, times=2, **fields) == [{**shown, "left": 2}]
    state(sim)
    first = bot.say(group, "hi")
    assert (first.status_code, armed(sim)) == (status, [{**shown, "left": 1}])
    assert (first.headers.get("Retry-After") == "1") is (status == 429)
    if status == 401:
        assert first.json()["err_code"] == 11244
    bot.say(group, "hi")

    assert armed(sim) == []
    assert bot.say(group, "hi").status_code == 200


def test_expired_tokens_look_as_all_refusals_do(sim, bot, group):
    """In the shape that the rules ask for."""
    sim.platform.change_rules(error_shape="code")
    act(sim, "fail", status=401)
    assert set(bot.say(group, "hi").json()) == {"message", "code"}


def test_path_chooses_requests(sim, bot, group):
    """Only paths that fit are hit, and nonsense is refused."""
    act(sim, "fail", path="/messages$")

    assert bot.get("/gateway").ok
    assert bot.say(group, "hi").status_code == 500
    for path in ("(", ")|(", "(?i)messages"):  # flags stand only at the beginning
        bad = post(sim, "control", {"action": "fail", "path": path})
        assert (bad.status_code, bad.json()["error"]) == (400, "bad_path")


def test_paths_are_those_of_the_platform(sim, bot, group):
    """An alternative does not reach to the page itself."""
    act(sim, "fail", path="users|messages")

    assert get(sim, "/simulator/page/messages.js").ok
    assert bot.say(group, "hi").status_code == 500


@pytest.mark.parametrize("after", [False, True])
def test_answers_are_cut_off(sim, bot, group, after):
    """No answer comes, before or after the request was carried out."""
    act(sim, "cut", after=after)

    with pytest.raises(requests.ConnectionError):
        bot.say(group, "hi")
    assert len(group.messages) == after


def test_answers_are_slow_in_simulated_time(sim, bot, group):
    """A delay is told, and passes when time does."""
    sim.clock.speed = 1000
    assert act(sim, "slow", seconds=30)[0] == {"what": "slow", "left": 1, "seconds": 30}
    before = sim.clock.now()
    assert bot.say(group, "hi").ok
    assert sim.clock.now() - before >= 30


def test_tokens_expire(sim, bot, group):
    """Every token is dead at once."""
    act(sim, "expire")

    assert bot.say(group, "hi").json()["err_code"] == 11244


def test_whitelist_shuts_this_machine_out(sim, bot, group):
    """11298 with 40023002, until it is lifted."""
    assert act(sim, "whitelist") == [{"what": "whitelist"}]
    assert bot.say(group, "hi").json()["err_code"] == 40023002
    assert act(sim, "whitelist", on=False) == []
    assert bot.say(group, "hi").ok


def test_next_connections_are_refused(sim, bot):
    """Identify, resume and the connection itself."""
    act(sim, "refuse_identifies", code=4914)
    assert act(sim, "refuse_resumes", times=2) == [
        {"what": "refuse_resumes", "left": 2, "how": "op9"},
        {"what": "refuse_identifies", "left": 1, "how": 4914},
    ]
    wire = bot.connect()
    wire.write(2, {"token": f"QQBot {bot.token}", "intents": 1 << 25, "shard": [0, 1]})
    assert wire.close_code() == 4914
    assert {"what": "refuse_connections", "left": 1, "how": 503} in act(sim, "refuse_connections")
    with pytest.raises(Exception, match="503"):
        bot.connect()


def test_events_come_twice_and_out_of_order(sim, bot, group):
    """Duplicates have the same id; reordered events change places."""
    wire = bot.connect(identify=True)
    lan = group.member("Lan")
    assert act(sim, "duplicate") == [{"what": "duplicate", "left": 1}]
    lan.say("one")
    first, second = wire.read(), wire.read()
    assert (first["id"], first["s"] + 1) == (second["id"], second["s"])

    assert act(sim, "reorder") == [{"what": "reorder", "left": 1}]
    for text in ("two", "three", "four"):
        lan.say(text)
    frames = [wire.read() for _ in range(3)]
    assert [one["d"]["content"].strip() for one in frames] == ["three", "two", "four"]
    assert [one["s"] for one in frames] == [4, 5, 6]


def test_event_that_waits_for_another_comes_when_all_is_cleared(sim, bot, group):
    """Clearing loses nothing."""
    wire = bot.connect(identify=True)
    act(sim, "reorder")
    group.member("Lan").say("alone")
    act(sim, "clear")

    assert wire.read()["d"]["content"].strip() == "alone"


def test_groups_can_be_set_and_are_told(sim, bot, group):
    """Full mode, muting and proactive messages are armed by chat, and cleared together."""
    about = {"chat": group.openid, "name": group.name}
    act(sim, "full_mode", chat=group.openid)
    lan = group.member("Lan")
    post(sim, "mute", {"chat": group.openid, "member": lan.openid, "seconds": 60})
    post(sim, "bot", {"chat": group.openid, "push": False, "muted": True})

    assert group.full_mode
    assert armed(sim) == [
        {"what": "full_mode", **about},
        {"what": "no_push", **about},
        {"what": "muted_bot", **about},
        {"what": "muted", **about, "member": "Lan"},
    ]
    assert bot.say(group, "hi").json()["err_code"] == 40054002
    assert act(sim, "clear") == []
    assert bot.say(group, "hi").ok
    assert lan.say("hi")


def test_time_travels(sim, bot, group):
    """Windows pass when time is moved, and speed is shown."""
    asked = group.member("Lan").say("hello")
    found = post(sim, "control", {"action": "advance", "seconds": 301}).json()
    assert 300 <= found["clock"]["ahead"] <= 302
    assert bot.say(group, "late", msg_id=asked.id).json()["err_code"] == 40034005
    assert act(sim, "speed", speed=60) == [{"what": "speed", "speed": 60}]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, "unknown_action"),
        ({"action": "explode"}, "unknown_action"),
        ({"action": "close", "code": 99}, "bad_number"),
        ({"action": "close", "code": "4009"}, "bad_number"),
        ({"action": "close", "code": 1005}, "bad_code"),
        ({"action": "close", "code": 2000}, "bad_code"),
        ({"action": "fail", "times": 0}, "bad_number"),
        ({"action": "fail", "status": True}, "bad_number"),
        ({"action": "speed", "speed": -1}, "bad_number"),
        ({"action": "invalid", "resumable": 1}, "bad_switch"),
        ({"action": "drop", "appid": "unknown"}, "unknown_bot"),
        ({"action": "drop", "appid": []}, "unknown_bot"),
        ({"action": "full_mode", "chat": "unknown"}, "unknown_chat"),
    ],
)
def test_nonsense_arms_nothing(sim, body, error):
    """Wrong actions and values are refused with a reason."""
    answer = post(sim, "control", body)

    assert answer.status_code in (400, 404)
    assert answer.json()["error"] == error
    assert armed(sim) == []


def test_other_sites_cannot_arm_anything(sim):
    """The same checks as for everything of the page."""
    foreign = post(sim, "control", {"action": "whitelist"}, headers={"Origin": "http://evil.test"})
    assert foreign.status_code == 403
    form = requests.post(f"{sim.url}/simulator/control", data={"action": "whitelist"}, timeout=5)
    assert form.status_code == 415
    assert armed(sim) == []


def test_feed_tells_what_is_armed(sim):
    """Other pages see it, too."""
    with Live(sim) as live:
        live.next("control")
        act(sim, "fail", status=429)
        eventually(lambda: live.next("control")["armed"] != [])
