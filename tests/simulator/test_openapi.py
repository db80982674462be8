"""The REST face, asked by requests."""

from email.utils import parsedate_to_datetime

import pytest
from flask import Blueprint, current_app

from qqgroup_sync.simulator.simulator import Simulator

from .bot import APPID, Bot


@pytest.fixture
def group(sim):
    """A group the bot is a member of."""
    return sim.platform.group("g")


def error(response):
    """Return status and both codes of an error body."""
    body = response.json()
    assert body["trace_id"] == response.headers["X-Tps-trace-ID"]
    return response.status_code, body["code"], body["err_code"]


# -- token


def test_token_is_a_string_with_its_life_as_a_string(bot):
    """Token is a string with its life as a string."""
    answer = bot.ask_token()
    assert set(answer) == {"access_token", "expires_in"}
    assert answer["expires_in"] in ("7200", "7199")


def test_token_stays_until_the_last_minute(sim, bot):
    """Token stays until the last minute."""
    first = bot.token
    sim.clock.advance(7100)
    answer = bot.ask_token()
    assert answer["access_token"] == first
    assert int(answer["expires_in"]) <= 100
    sim.clock.advance(50)
    assert bot.ask_token()["access_token"] != first
    old = {"Authorization": f"QQBot {first}"}
    assert bot.call("GET", "/users/@me", headers=old).status_code == 200
    sim.clock.advance(60)
    assert bot.call("GET", "/users/@me", headers=old).status_code == 401
    assert bot.get("/users/@me").status_code == 200


def test_wrong_credentials_come_with_200(sim):
    """Wrong credentials come with 200."""
    sim.platform.register_bot("1", "right")
    with pytest.raises(KeyError):
        Bot(sim, "1", "wrong")
    with Bot(sim, "1", "right") as bot:
        bot.secret = "wrong"
        assert bot.ask_token()["code"] == 100016
    answer = bot.call("POST", "/app/getAppAccessToken", {})
    assert (answer.status_code, answer.json()["code"]) == (200, 100007)


def test_unknown_bots_can_be_refused():
    """Unknown bots can be refused."""
    with Simulator(accept_any=False) as sim:
        sim.platform.register_bot(APPID, "secret")
        with Bot(sim) as bot:
            bot.appid = "unknown"
            assert bot.ask_token()["code"] == 100007


# -- who may ask


@pytest.mark.parametrize(
    ("header", "code"),
    [("", 11241), ("QQBot", 11243), ("Basic x", 11243), ("Bot 1.2", 11245), ("QQBot x", 11244)],
)
def test_bad_authorization(bot, header, code):
    """Missing, malformed, legacy and unknown tokens have their codes (1.3)."""
    response = bot.call("GET", "/users/@me", headers={"Authorization": header})
    assert error(response) == (401, code, code)


def test_expired_tokens(sim, bot):
    """11244 after the tokens died; a new one works."""
    sim.platform.expire_tokens()
    assert error(bot.get("/gateway")) == (401, 11244, 11244)
    bot.ask_token()
    assert bot.get("/gateway").status_code == 200


def test_ip_whitelist(sim, bot):
    """A whitelist refusal carries two different codes (1.3)."""
    sim.platform.change_rules(ip_whitelist=frozenset({"10.0.0.1"}))
    assert error(bot.get("/gateway")) == (401, 11298, 40023002)
    sim.platform.change_rules(ip_whitelist=frozenset({"127.0.0.1"}))
    assert bot.get("/gateway").status_code == 200


def test_codes_and_statuses_can_differ(sim, bot, group):
    """Codes and statuses can differ."""
    sim.platform.change_rules(codes={40034024: 40007}, statuses={40034024: 500})
    assert error(bot.say(group, msg_id="x")) == (500, 40007, 40034024)


# -- what every answer has


def test_trace_id_and_simulated_date_on_every_answer(sim, bot):
    """Trace id and simulated date on every answer."""
    sim.clock.advance(365 * 86_400)
    for path in ("/gateway", "/nowhere", "/v2/nowhere"):
        response = bot.get(path)
        assert len(response.headers["X-Tps-trace-ID"]) == 32
        date = parsedate_to_datetime(response.headers["Date"]).timestamp()
        assert abs(date - sim.clock.now()) < 5


def test_unknown_routes_and_methods(bot):
    """Unknown routes and wrong methods get the platform's error body."""
    assert error(bot.get("/v2/nowhere")) == (404, 404, 404)
    assert error(bot.call("PATCH", "/gateway")) == (405, 405, 405)
    assert bot.get("/elsewhere").text == "404 Not Found\n"


def test_what_groups_do_not_have_says_so(bot, group):
    """Streamed messages are for C2C only (2.11)."""
    path = f"/v2/groups/{group.openid}/stream_messages"
    assert error(bot.post(path, {})) == (404, 10000, 10000)


@pytest.mark.parametrize("appid", [None, True, 1.5, ["1"], {}])
def test_what_is_no_appid(sim, bot, appid):
    """It registers nobody; a whole number is as good as its digits."""
    known = [one.appid for one in sim.platform.bots]
    body = {"appId": appid, "clientSecret": "secret"}
    answer = bot.call("POST", "/app/getAppAccessToken", body)
    assert (answer.status_code, answer.json()["code"]) == (200, 100007)
    answer = bot.call("POST", "/app/getAppAccessToken", {"appId": 7, "clientSecret": None})
    assert answer.json()["code"] == 100007
    assert [one.appid for one in sim.platform.bots] == known
    answer = bot.call("POST", "/app/getAppAccessToken", {"appId": 7, "clientSecret": "x"})
    assert "access_token" in answer.json()
    assert [one.appid for one in sim.platform.bots] == [*known, "7"]


@pytest.mark.parametrize("value", [b'"x\\ud800"', b"NaN", b"-Infinity", b"1e999"])
@pytest.mark.parametrize(
    ("method", "path", "key"),
    [
        ("POST", "/v2/groups/{}/messages", b"content"),
        ("PUT", "/v2/menu", b"menu"),
        ("POST", "/v2/generate_url_link", b"callback_data"),
        ("POST", "/v2/groups/{}/batch_remove_members", b"member_openids"),
    ],
)
def test_what_could_not_be_shown_is_refused(bot, group, method, path, key, value):
    """Halves of characters, and numbers that are none, like everything else that is not JSON."""
    before = bot.get("/v2/menu").json()
    url = f"{bot.sim.url}{path.format(group.openid)}"
    data = b'{"%b":%b}' % (key, value)
    answer = bot.http.request(method, url, data=data, timeout=5)
    assert error(answer) == (400, 11255, 11255)
    assert group.messages == []
    assert bot.get("/v2/menu").json() == before


@pytest.mark.parametrize("data", [b"not json", b"[]", b'"text"'])
def test_body_must_be_a_json_object(bot, group, data):
    """Body must be a json object."""
    url = f"{bot.sim.url}/v2/groups/{group.openid}/messages"
    assert error(bot.http.post(url, data=data, timeout=5)) == (400, 11255, 11255)


def test_too_large_body_gets_the_edges_html(bot, group):
    """Too large body gets the edges html."""
    response = bot.say(group, "x" * (16 * 1024 * 1024))
    assert response.status_code == 413
    assert "stgw" in response.text
    assert bot.say(group).status_code == 200


def test_foreign_host_names_are_refused(bot):
    """Foreign host names are refused."""
    response = bot.call("GET", "/gateway", headers={"Host": "evil.example"})
    assert response.status_code == 421
    assert bot.call("GET", "/gateway", headers={"Host": "localhost:80"}).status_code == 200


# -- endpoints


def test_gateway(sim, bot):
    """The gateway's address and the start limit are told."""
    assert bot.get("/gateway").json() == {"url": sim.gateway_url}
    answer = bot.get("/gateway/bot").json()
    assert (answer["url"], answer["shards"]) == (sim.gateway_url, 1)
    assert answer["session_start_limit"]["remaining"] == 1000


def test_me(sim, bot):
    """The bot is described."""
    sim.platform.register_bot(APPID, "secret", username="Robot")
    me = bot.get("/users/@me").json()
    assert (me["username"], me["bot"]) == ("Robot", True)
    assert me["id"].isdigit()


def test_link(bot):
    """A share link carries the callback data, up to 32 characters."""
    link = bot.post("/v2/generate_url_link", {"callback_data": "a b"}).json()["url_link"]
    assert link.endswith("&data=a%20b")
    assert error(bot.post("/v2/generate_url_link", {"callback_data": "x" * 33}))[2] == 10003


def test_send_and_recall(sim, bot, group):
    """Both scenes take messages and take them back."""
    for chat, where in ((group, "groups"), (sim.platform.user("Ming"), "users")):
        answer = bot.say(chat, "hi").json()
        assert answer["id"] == chat.messages[-1].id
        path = f"/v2/{where}/{chat.openid}/messages/{answer['id']}"
        recalled = bot.call("DELETE", path)
        assert (recalled.status_code, recalled.json()) == (200, {})
        assert chat.messages[-1].recalled
        assert error(bot.call("DELETE", path)) == (400, 40061002, 40061002)


def test_refusals_reach_the_bot(bot, group):
    """A refusal comes with 400, both codes and its text."""
    question = group.member("Ming").say("x")
    assert bot.say(group, msg_id=question.id, msg_seq=1).status_code == 200
    response = bot.say(group, msg_id=question.id, msg_seq=1)
    assert error(response) == (400, 40054005, 40054005)
    assert "deduplicated" in response.json()["message"]


def test_acknowledge(sim, bot, group):
    """PUT /interactions acknowledges once."""
    button = {"id": "b", "render_data": {"label": "OK"}, "action": {"type": 1}}
    keyboard = {"content": {"rows": [{"buttons": [button]}]}}
    markdown = {"msg_type": 2, "markdown": {"content": "?"}, "keyboard": keyboard}
    bot.post(f"/v2/groups/{group.openid}/messages", markdown)
    interaction = group.member("Ming").click(group.next_reply(), "b")
    path = f"/interactions/{interaction.id}"
    assert error(bot.call("PUT", path, {"code": 9})) == (400, 630001, 630001)
    assert bot.call("PUT", path, {"code": 0}).json() == {}
    assert interaction.wait_acknowledged().ack_code == 0
    assert error(bot.call("PUT", path, {"code": 0})) == (400, 630005, 630005)


def test_group_endpoints(sim, bot, group):
    """Every endpoint about groups is routed to its rule."""
    group.set_bot_role("admin")
    ming, lan = group.member("Ming"), group.member("Lan")
    hong = sim.platform.user("Hong")
    request = group.join_request("Wei")
    base = f"/v2/groups/{group.openid}"
    assert bot.get(f"{base}/info").json()["group_name"] == "g"
    assert bot.get(f"{base}/bot_state").json()["member_role"] == "admin"
    assert len(bot.get(f"{base}/members?cursor=").json()["members"]) == 3
    assert bot.get(f"{base}/members/{ming.openid}").json()["username"] == "Ming"
    removal = bot.post(f"{base}/batch_remove_members", {"member_openids": [lan.openid]})
    assert removal.json()["remove_members_result"][0]["success"]
    black = {"op": "add", "member_openids": [hong.openid]}
    assert bot.post(f"{base}/member_blacklist", black).json() == {"fail_openids": []}
    assert len(bot.get(f"{base}/member_blacklist?limit=5").json()["users"]) == 1
    assert len(bot.get(f"{base}/join_request_list").json()["list"]) == 1
    approval = f"{base}/approval_join_request/{request.user.openid}"
    assert bot.post(approval, {"op": "approve"}).json() == {}
    mute = {"op": "add", "member_openid": ming.openid, "mute_expire_at": "2020-01-01T00:00:00Z"}
    assert bot.post(f"{base}/restrict_chat_setting", {"members": [mute]}).json() == {}
    assert bot.get(f"{base}/restrict_chat_setting").json()["members"] == []


def test_menu_is_kept(bot):
    """The menu is given back as it was put."""
    assert bot.get("/v2/menu").json() == {"version": 0, "menu": {"items": []}}
    menu = {"items": [{"name": "x", "type": "send_message"}]}
    assert bot.call("PUT", "/v2/menu", {"menu": menu}).json() == {"version": 1}
    assert bot.get("/v2/menu").json()["menu"] == menu
    assert error(bot.call("PUT", "/v2/menu", {"menu": {"items": [{}] * 11}}))[2] == 10003


def test_panels_are_kept(sim, bot):
    """Panels are given back as they were put, per bot."""
    panel = {"items": [{"name": "x", "type": "command"}]}
    body = {"scope": "group", "target_type": "all", "panel": panel}
    path = f"/v2/panels/{bot.post('/v2/panels', body).json()['panel_id']}"
    assert bot.get(path).json()["panel"] == {**panel, "version": 1}
    assert bot.call("PUT", path, {"panel": {"items": []}}).json() == {}
    target = {"op": "add", "group_openids": ["G1", "G2"]}
    assert bot.call("PUT", f"{path}/target", target).json() == {}
    target = {"op": "del", "group_openids": ["G1"]}
    assert bot.call("PUT", f"{path}/target", target).json() == {}
    (found,) = bot.get("/v2/panels?scope=group").json()["records"]
    assert (found["version"], found["panel"]) == (2, {"items": [], "version": 2})
    assert found["group_openids"] == ["G2"]
    assert error(bot.call("PUT", f"{path}/target", {"op": "add"}))[2] == 10003
    assert bot.get("/v2/panels?scope=c2c").json()["records"] == []
    with Bot(sim, "2") as other:
        assert other.get("/v2/panels").json()["records"] == []
    assert bot.call("DELETE", path).json() == {}
    assert error(bot.call("DELETE", path))[2] == 10003
    for _ in range(20):
        bot.post("/v2/panels", body)
    first = bot.get("/v2/panels?limit=15").json()
    rest = bot.get(f"/v2/panels?limit=15&cursor={first['next_cursor']}").json()
    assert (len(first["records"]), len(rest["records"])) == (15, 5)
    assert (first["is_end"], rest["is_end"]) == (False, True)
    assert error(bot.post("/v2/panels", body))[2] == 40030021


def test_strategies_are_kept(bot):
    """Approval strategies are given back as they were put."""
    path = "/v2/groups/join_approval_strategy"
    body = {"group_openids": ["G"], "is_enable": "on"}
    made = bot.post(path, body).json()
    assert made["strategy_id"].startswith("st_")
    one = f"{path}/{made['strategy_id']}"
    assert bot.call("PATCH", one, {"is_enable": "off"}).json()["is_enable"] == "off"
    more = {"group_action": {"op": "add", "group_openids": ["H"]}}
    bot.call("PATCH", one, more)
    assert bot.get(path).json()["strategies"][0]["group_openids"] == ["G", "H"]
    users = {"op": "add", "whitelist_users": ["1", "2"]}
    assert bot.post(f"{one}/whitelist_users", users).json()["whitelist_user_count"] == 2
    users = {"op": "del", "whitelist_users": ["1"]}
    assert bot.post(f"{one}/whitelist_users", users).json()["whitelist_user_count"] == 1
    assert bot.post(f"{one}/execute", {}).json() == {}
    assert len(bot.get(path).json()["strategies"]) == 1
    assert bot.call("DELETE", one).json() == {}
    assert error(bot.post(path, {}))[2] == 10003
    for _ in range(20):
        bot.post(path, body)
    assert error(bot.post(path, body))[2] == 10003


# -- what others build on


def test_blueprints_find_the_simulator_and_need_no_token():
    """Blueprints find the simulator and need no token."""
    page = Blueprint("page", __name__)

    @page.get("/page")
    def show():
        return current_app.extensions["qq_simulator"].url

    with Simulator(blueprints=[page]) as sim, Bot(sim) as bot:
        response = bot.call("GET", "/page", headers={"Authorization": ""})
        assert response.text == sim.url


def test_calls_are_reported_without_secrets(sim, bot, group):
    """Calls are reported without secrets."""
    calls = []
    sim.platform.subscribe(lambda kind, record: calls.append(record) if kind == "api" else None)
    bot.ask_token()
    bot.say(group, "hi")
    bot.say(group, "")
    token, sent, refused = calls
    assert token.request == {"appId": APPID, "clientSecret": "***"}
    assert token.response["access_token"] == "***"
    assert (sent.method, sent.status, sent.appid) == ("POST", 200, APPID)
    assert sent.path == f"/v2/groups/{group.openid}/messages"
    assert sent.request["content"] == "hi"
    assert refused.response["err_code"] == 304061
    assert refused.trace_id == refused.response["trace_id"]
