"""What the platform does differently when a switch is turned: uncertain points, old shapes."""

import pytest

from qqgroup_sync.simulator.rules import Rules
from qqgroup_sync.simulator.simulator import Simulator

from .bot import APPID, INTENTS, Bot
from .test_openapi import error


@pytest.fixture
def group(sim):
    """A group the bot is a member of."""
    return sim.platform.group("g")


def turn(sim, **switches):
    """Change rules of the running platform."""
    sim.platform.change_rules(**switches)


def send(bot, chat, content="hi", **fields):
    """Send and return status and both codes, None for what is not there."""
    answer = bot.say(chat, content, **fields)
    body = answer.json()
    return answer.status_code, body.get("code"), body.get("err_code")


# -- answers of the API


@pytest.mark.parametrize(
    ("shape", "fields"),
    [
        ("both", {"message", "code", "err_code", "trace_id"}),
        ("err_code", {"message", "err_code", "trace_id"}),
        ("code", {"message", "code"}),
    ],
)
def test_error_bodies(sim, bot, group, shape, fields):
    """As live, as in the page's sample, as in the old docs."""
    turn(sim, error_shape=shape)
    assert set(bot.say(group, "").json()) == fields


@pytest.mark.parametrize(
    ("way", "status", "body"), [("object", 200, "{}"), ("empty", 200, ""), ("204", 204, "")]
)
def test_answers_with_nothing_to_say(sim, bot, group, way, status, body):
    """A recall is answered in one of three ways."""
    turn(sim, empty_answers=way)
    sent = bot.say(group).json()
    answer = bot.call("DELETE", f"/v2/groups/{group.openid}/messages/{sent['id']}")
    assert (answer.status_code, answer.text) == (status, body)
    assert bot.get("/users/@me").json()["bot"] is True


def test_old_answers_to_sends(sim, bot, group):
    """An integer time stamp and no ext_info."""
    turn(sim, old_answers=True)
    answer = bot.say(group).json()
    assert set(answer) == {"id", "timestamp"}
    assert isinstance(answer["timestamp"], int)


def test_fixed_tokens(sim, bot, group):
    """Refused since 2026-01; taken before, at the gateway too."""
    old = {"Authorization": f"Bot {APPID}.some-token"}
    refused = bot.call("GET", "/users/@me", headers=old)
    assert error(refused) == (401, 11245, 11245)
    turn(sim, fixed_tokens=True)
    assert bot.call("GET", "/users/@me", headers=old).json()["username"] == f"bot-{APPID}"
    wire = bot.connect()
    identify = {"token": f"Bot {APPID}.some-token", "intents": INTENTS, "shard": [0, 1]}
    wire.write(2, identify)
    assert wire.read()["t"] == "READY"
    assert error(bot.call("GET", "/users/@me", headers={"Authorization": "Bot x"}))[1] == 11245


def test_the_code_of_a_token_burst(sim, bot):
    """The page says 100001, the field 100017."""
    turn(sim, token_burst=0)
    assert bot.ask_token()["code"] == 100017
    turn(sim, token_burst_code=100001)
    assert bot.ask_token()["code"] == 100001


def test_rates_of_endpoints(sim, bot):
    """429 with the seconds to wait, per bot; then there is room again."""
    turn(sim, rate_limits=True)
    sim.clock.speed = 0
    for _ in range(10):
        assert bot.get("/gateway").ok
    assert bot.get("/gateway/bot").ok
    refused = bot.get("/gateway")
    assert error(refused) == (429, 22009, 22009)
    assert refused.headers["Retry-After"] == "30"
    assert bot.get("/users/@me").ok
    with Bot(sim, "2") as other:
        assert other.get("/gateway").ok
    sim.clock.advance(30)
    assert bot.get("/gateway").ok
    assert bot.get("/gateway").status_code == 429


def test_banned_bots_are_told_so_by_rest(sim, bot, group):
    """11265 with a token that still lives."""
    sim.platform.register_bot(APPID, banned=True)
    assert error(bot.get("/users/@me")) == (403, 11265, 11265)


def test_delisted_bots_may_use_the_sandbox_only(sim, bot, group):
    """4914 at the gateway, 40054016 for sends."""
    sim.platform.register_bot(APPID, delisted=True)
    assert send(bot, group)[2] == 40054016
    wire = bot.connect()
    wire.write(2, {"token": f"QQBot {bot.token}", "intents": INTENTS, "shard": [0, 1]})
    assert wire.close_code() == 4914
    sim.platform.register_bot(APPID, sandbox=True)
    assert send(bot, group)[0] == 200
    assert bot.connect(identify=True).ready["t"] == "READY"


# -- messages


def test_long_texts_can_be_cut(sim, bot, group):
    """Silently, as was reported; refused by default."""
    turn(sim, max_text=5)
    assert send(bot, group, "123456")[2] == 40054007
    turn(sim, long_text="truncate")
    assert send(bot, group, "123456")[0] == 200
    assert group.next_reply().text == "12345"


def test_the_code_of_an_empty_text(sim, bot, group):
    """304061 or 50006."""
    assert send(bot, group, " ")[2] == 304061
    turn(sim, empty_text=50006)
    assert send(bot, group, " ")[2] == 50006


def test_media_may_need_a_text(sim, bot, group):
    """A blank will do."""
    turn(sim, media_needs_text=True, empty_text=50006)
    media = {"msg_type": 7, "media": {"file_info": "unknown"}}
    assert send(bot, group, "", **media)[2] == 50006
    assert send(bot, group, " ", **media)[2] == 304080


def test_banned_words(sim, bot, group):
    """40034006, in text and markdown."""
    turn(sim, banned_words=frozenset({"casino"}))
    assert send(bot, group, "a casino")[2] == 40034006
    markdown = {"msg_type": 2, "markdown": {"content": "a casino"}}
    assert send(bot, group, "", **markdown)[2] == 40034006
    assert send(bot, group, "a church")[0] == 200


def test_escapes_of_bots_can_be_decoded(sim, bot, group):
    """As guilds document it; groups show the text as it is."""
    send(bot, group, "1 &lt; 2")
    assert group.next_reply().text == "1 &lt; 2"
    turn(sim, unescape_sent=True)
    send(bot, group, "1 &lt; 2 &amp;amp; &quot;p=1&regional=2&quot;")
    assert group.next_reply().text == "1 < 2 &amp; &quot;p=1&regional=2&quot;"


def test_mentions_of_bots(sim, bot, group):
    """They work in markdown; in text, the docs say so and practice does not."""
    ming, hong = group.member("Ming"), group.member("Hong")
    both = f'{ming.mention} <qqbot-at-user id="{hong.openid}" /> <@unknown>'
    markdown = {"msg_type": 2, "markdown": {"content": both}}
    for fields in ({"content": both}, {"content": "", **markdown}):
        assert send(bot, group, **fields)[0] == 200
    assert [group.next_reply().mentions for _ in range(2)] == [(), (ming, hong)]
    turn(sim, text_mentions=True)
    send(bot, group, both)
    assert group.next_reply().mentions == (ming, hong)


def test_styles_of_buttons(sim, bot, group):
    """Which ones there are differs from page to page."""
    button = {"render_data": {"label": "x", "style": 3}, "action": {"type": 2, "data": "x"}}
    keyboard = {"content": {"rows": [{"buttons": [button]}]}}
    fields = {"msg_type": 2, "markdown": {"content": "x"}, "keyboard": keyboard}
    assert send(bot, group, "", **fields)[0] == 200
    turn(sim, button_styles=frozenset({0, 1}))
    assert send(bot, group, "", **fields)[2] == 305007


def test_there_may_be_no_image_library(sim, bot):
    """One SDK alone knows it."""
    assert bot.get("/v2/media-images").ok
    turn(sim, image_library=False)
    for method, path in (("GET", ""), ("POST", "/prepare"), ("POST", "/complete")):
        assert bot.call(method, f"/v2/media-images{path}", {}).status_code == 404
    assert bot.call("DELETE", "/v2/media-images/x/delete").status_code == 404


@pytest.mark.parametrize("code", [40034005, 304103])
def test_the_code_of_an_expired_msg_id(sim, bot, group, code):
    """Several were seen."""
    turn(sim, reply_expired=code)
    said = group.member("Ming").say("x")
    sim.clock.advance(301)
    assert send(bot, group, msg_id=said.id)[2] == code
    turn(sim, group_window=0.0)
    assert send(bot, group, msg_id=said.id)[2] == code


def test_new_members_may_not_be_answerable(sim, bot, group):
    """GROUP_MEMBER_ADD is in practice, not in the docs."""
    wire = bot.connect(identify=True)
    group.join("Ming")
    assert send(bot, group, event_id=wire.read()["id"])[0] == 200
    turn(sim, member_add_answerable=False)
    group.join("Hong")
    assert send(bot, group, event_id=wire.read()["id"])[2] == 40034027


# -- events


def test_events_can_be_escaped(sim, bot, group):
    """Text is, markup is not."""
    turn(sim, escape_events=True)
    wire = bot.connect(identify=True)
    ming = group.member("Ming")
    ming.say(f"1 < 2 & {ming.mention}")
    assert wire.read()["d"]["content"] == f" 1 &lt; 2 &amp; {ming.mention}"
    sim.platform.user("Hong").say("<b>")
    assert wire.read()["d"]["content"] == "&lt;b&gt;"


def test_a_space_can_stay_behind(sim, bot, group):
    """Where the @ was, both sides of the content."""
    turn(sim, trailing_space=True)
    wire = bot.connect(identify=True)
    group.member("Ming").say("/weather")
    assert wire.read()["d"]["content"] == " /weather "


@pytest.mark.parametrize("told", ["full", "empty", "absent"])
def test_user_openid_of_member_events(sim, bot, group, told):
    """May be empty or absent."""
    turn(sim, member_user_openid=told)
    wire = bot.connect(identify=True)
    ming = group.join("Ming")
    wanted = {"full": ming.openid, "empty": ""}.get(told)
    assert wire.read()["d"].get("user_openid") == wanted


# -- gateway


@pytest.mark.parametrize(("how", "op9"), [(4014, False), (4903, True)])
def test_how_intents_are_refused(sim, bot, how, op9):
    """A close, or op 9 and another close."""
    turn(sim, intents_refused=how)
    wire = bot.connect()
    wire.write(2, {"token": f"QQBot {bot.token}", "intents": 1 << 9, "shard": [0, 1]})
    if op9:
        assert wire.read() == {"op": 9, "d": False}
    assert wire.close_code() == how


@pytest.mark.parametrize(
    ("bit", "intents", "comes"),
    [
        ("either", 1 << 24, True),
        ("either", 1 << 25, True),
        (24, 1 << 24, True),
        (24, 1 << 25, False),
        (25, 1 << 25, True),
        (25, 1 << 24, False),
    ],
)
def test_the_intent_of_join_requests(sim, bot, group, bit, intents, comes):
    """The docs moved it from 25 to 24."""
    turn(sim, join_request_bit=bit)
    group.set_bot_role("admin")
    wire = bot.connect(identify=True, intents=intents)
    group.join_request("Ming")
    sim.platform.emit(APPID, "SOMETHING_NEW", {})
    assert (wire.read()["t"] == "GROUP_JOIN_REQUEST") is comes


def test_the_shard_of_ready(sim, bot):
    """The one asked for, or [0, 0] as in the sample."""
    assert bot.connect(identify=True, shard=(1, 3)).ready["d"]["shard"] == [1, 3]
    turn(sim, ready_shard="zero")
    assert bot.connect(identify=True, shard=(1, 3)).ready["d"]["shard"] == [0, 0]


def test_all_chats_can_go_to_the_first_shard(sim, bot):
    """How they are spread is not documented."""
    turn(sim, shard_routing="first")
    first = bot.connect(identify=True, shard=(0, 2))
    second = bot.connect(identify=True, shard=(1, 2))
    for name in "abcdefgh":
        sim.platform.user(name).say(name)
        assert first.read()["d"]["content"] == name
    sim.gateway.close(4009, shard=1)
    assert second.close_code() == 4009  # and nothing before it


@pytest.mark.parametrize("early", [False, True])
def test_a_heartbeat_before_ready(sim, bot, early):
    """Was not acknowledged in a live probe."""
    turn(sim, ack_early=early)
    wire = bot.connect()
    wire.write(1)
    if early:
        assert wire.read() == {"op": 11}
    assert wire.identify(bot.token)["t"] == "READY"


def test_connections_are_recycled():
    """Op 7 and 4009 after a while, and the session goes on."""
    with Simulator(rules=Rules(recycle_seconds=0.05)) as sim, Bot(sim) as bot:
        wire = bot.connect(identify=True)
        assert wire.read() == {"op": 7}
        assert wire.close_code() == 4009
        sim.platform.change_rules(recycle_seconds=None)
        again = bot.connect()
        again.resume(bot.token, wire.ready["d"]["session_id"], 1)
        assert again.read()["t"] == "RESUMED"


# -- verdicts and refusals on demand


@pytest.mark.parametrize("passed", [True, False])
def test_the_verdict_of_a_review(sim, bot, group, passed):
    """202 first, then the event; what is rejected disappears."""
    wire = bot.connect(identify=True, intents=INTENTS | 1 << 27)
    said = group.member("Ming").say("x")
    wire.read()
    sim.faults.audit()
    answer = bot.say(group, msg_id=said.id)
    body = answer.json()
    assert (answer.status_code, body["code"]) == (202, 304024)
    audit_id = body["data"]["message_audit"]["audit_id"]
    message = group.next_reply()
    sim.platform.messaging.decide_audit(audit_id, passed=passed)
    event = wire.read()
    assert event["t"] == ("MESSAGE_AUDIT_PASS" if passed else "MESSAGE_AUDIT_REJECT")
    assert event["d"]["audit_id"] == audit_id
    assert event["d"].get("message_id") == (message.id if passed else None)
    assert message.recalled is not passed
    with pytest.raises(LookupError, match=audit_id):
        sim.platform.messaging.decide_audit(audit_id, passed=True)


def test_any_code_on_demand(sim, bot, group):
    """Also those that nothing here leads to."""
    sim.faults.refuse(50055001)
    sim.faults.refuse(11242, "@me", status=500, message="system error")
    assert send(bot, group) == (400, 50055001, 50055001)
    assert send(bot, group)[0] == 200
    answer = bot.get("/users/@me")
    assert (answer.status_code, answer.json()["message"]) == (500, "system error")


@pytest.mark.parametrize(
    ("err_code", "status", "code"),
    [
        (11242, 401, 11242),
        (11251, 401, 11251),
        (11265, 403, 11265),
        (40023002, 401, 11298),
        (40113003, 404, 40007),
        (40034105, 400, 40034105),
    ],
)
def test_codes_on_demand_look_as_they_do_live(sim, bot, err_code, status, code):
    """Their status, and the other code of those that have two."""
    sim.faults.refuse(err_code, "@me")
    assert error(bot.get("/users/@me")) == (status, code, err_code)


def test_switches_of_error_bodies_reach_failures_on_demand(sim, bot, group):
    """And answers to unknown routes: one shape for all."""
    turn(sim, error_shape="code", codes={50001: 7}, statuses={50001: 503})
    sim.faults.refuse(50001)
    answer = bot.say(group)
    assert (answer.status_code, answer.json()["code"]) == (503, 7)
    sim.faults.fail("/messages$", status=504)
    answers = [answer, bot.say(group), bot.get("/v2/nowhere"), bot.call("PATCH", "/gateway")]
    assert [one.status_code for one in answers] == [503, 504, 404, 405]
    assert all(set(one.json()) == {"message", "code"} for one in answers)


# -- what people do besides talking


def test_cards(sim, bot, group):
    """message_type 3 with ark_data and a summary as content."""
    wire = bot.connect(identify=True)
    group.member("Ming").send_card("Some page", "tuwen", jump_url="https://example.com/")
    d = wire.read()["d"]
    assert (d["message_type"], d["ark_data"]["ark_type"]) == (3, "tuwen")
    assert d["ark_data"]["fields"] == {"title": "Some page", "jump_url": "https://example.com/"}
    assert "Some page" in d["content"]
    sim.platform.user("Hong").send_card("Other")
    assert wire.read()["d"]["ark_data"]["fields"]["title"] == "Other"


@pytest.mark.parametrize("kind", [12, 13, 14, 15, 16, 18, 19, 20])
def test_other_interactions(sim, bot, group, kind):
    """Authorisations have neither chat_type nor data.type; all can be acknowledged."""
    wire = bot.connect(identify=True)
    resolved = {"feature_id": "f1"}
    people = [sim.platform.user("Hong"), group.member("Ming")]
    for person, scene in zip(people, ("c2c", "group"), strict=True):
        made = person.interact(kind, resolved, appid=APPID)
        event = wire.read()
        d = event["d"]
        assert event["id"] == f"INTERACTION_CREATE:{d['id']}"
        assert (d["type"], d["scene"], d["data"]["resolved"]) == (kind, scene, resolved)
        assert ("chat_type" in d) is ("type" in d["data"]) is (kind < 18)
        assert bot.call("PUT", f"/interactions/{d['id']}", {"code": 0}).ok
        assert made.ack_code == 0


def test_subscriptions_and_entering(sim, bot, group):
    """SUBSCRIBE_MESSAGE_STATUS, and ENTER_AIO for those with bit 23."""
    wire = bot.connect(identify=True, intents=INTENTS | 1 << 23)
    hong = sim.platform.user("Hong")
    hong.subscribe("tpl_1")
    d = wire.read()["d"]
    assert (d["openid"], d["result"][0]["op"]) == (hong.openid, 1)
    group.subscribe("tpl_1", allowed=False)
    d = wire.read()["d"]
    assert (d["group_openid"], d["result"][0]["op"]) == (group.openid, 2)
    hong.enter_chat("search")
    assert wire.read()["d"] == {"user_openid": hong.openid, "from_source": "search"}


def test_the_obsolete_member_list(bot, group):
    """POST with limit and start_index."""
    for name in "abc":
        group.member(name)
    path = f"/v2/groups/{group.openid}/members"
    first = bot.post(path, {"limit": 2, "start_index": 0}).json()
    assert (len(first["members"]), first["next_index"]) == (2, 2)
    rest = bot.post(path, {"limit": 2, "start_index": 2}).json()
    assert (len(rest["members"]), rest["next_index"]) == (1, 0)
    assert set(rest["members"][0]) == {"member_openid", "join_timestamp"}
    assert error(bot.post(path, {"limit": 501}))[2] == 10003


def test_a_null_reference_is_none(sim, bot, group):
    """SDKs that send every field as null quote nothing."""
    turn(sim, unknown_reference="refuse")
    assert send(bot, group, message_reference=None)[0] == 200
    assert send(bot, group, message_reference={"message_id": "x"})[2] == 304026
