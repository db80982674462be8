"""The chat page: its HTTP side over a real sim, and the page itself in a real browser."""

import contextlib
import json
import re
import shutil
import threading
import time
from importlib.resources import files

import pytest
import requests

from qqgroup_sync.simulator import Simulator
from qqgroup_sync.simulator import chat_feed as module
from qqgroup_sync.simulator.chat_page import MAX_NAME, MAX_TEXT, chat_page, ensure_demo
from tests.waiting import eventually

from . import samples
from .bot import APPID
from .test_media import send, upload

BUTTONS = {
    "content": {
        "rows": [
            {
                "buttons": [
                    {
                        "id": "ok",
                        "render_data": {"label": "OK", "style": 1},
                        "action": {"type": 1, "data": "yes", "permission": {"type": 2}},
                    },
                    {
                        "id": "nobody",
                        "render_data": {"label": "No", "style": 0},
                        "action": {"type": 1, "data": "no", "permission": {"type": 0}},
                    },
                    {
                        "id": "command",
                        "render_data": {"label": "Help", "style": 0},
                        "action": {"type": 2, "data": "/help"},
                    },
                ]
            }
        ]
    }
}


@pytest.fixture
def sim():
    """A running simulator with the chat page."""
    with Simulator(blueprints=[chat_page()]) as running:
        yield running


@pytest.fixture
def group(sim):
    """The demo group: Ming and Lan."""
    ensure_demo(sim.platform)
    return sim.platform.groups[0]


@pytest.fixture
def events(sim):
    """(name, data) of every event that is sent to a bot."""
    found = []

    def observe(kind, record):
        if kind == "event":
            found.append((record.name, record.data))

    sim.platform.subscribe(observe)
    return found


def get(sim, path, **options):
    """Ask the page's server."""
    return requests.get(f"{sim.url}{path}", timeout=5, **options)


def post(sim, action, body, **options):
    """Act as the page does."""
    return requests.post(f"{sim.url}/simulator/{action}", json=body, timeout=5, **options)


def state(sim, chat=""):
    """What the page shows."""
    return get(sim, "/simulator/state", params={"chat": chat}).json()


def offer(bot, group, text, **fields):
    """Let a bot send markdown with buttons."""
    body = {"msg_type": 2, "markdown": {"content": text}, "keyboard": BUTTONS, **fields}
    return bot.post(f"/v2/groups/{group.openid}/messages", body)


def connections():
    """Threads of HTTP connections."""
    return [one for one in threading.enumerate() if one.name.startswith("simulator-http-")]


class Live:
    """The live feed as the page reads it."""

    def __init__(self, sim):
        self._response = get(sim, "/simulator/live", stream=True)
        self._lines = self._response.iter_lines(chunk_size=1, decode_unicode=True)
        self.headers = self._response.headers

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._response.close()

    def line(self, beginning):
        """The next line that begins so."""
        return next(line for line in self._lines if line.startswith(beginning))

    def next(self, kind):
        """The next event of that kind."""
        while True:
            found = json.loads(self.line("data: ").removeprefix("data: "))
            if found["kind"] == kind:
                return found

    def rest(self):
        """Every event until the feed ends."""
        return [line for line in self._lines if line.startswith("data: ")]


# ------------------------------------------------------------------ the page


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html"),
        ("/simulator/page/page.css", "text/css"),
        ("/simulator/page/page.js", "text/javascript"),
        ("/simulator/page/markdown.js", "text/javascript"),
        ("/simulator/page/media.js", "text/javascript"),
        ("/simulator/page/texts.js", "text/javascript"),
        ("/simulator/page/icon.svg", "image/svg+xml"),
        ("/simulator/state", "application/json"),
    ],
)
def test_served_with_the_headers_that_make_it_safe(sim, path, kind):
    """Served with the headers that make it safe."""
    response = get(sim, path)

    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith(kind)
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert not [name for name in response.headers if name.startswith("Access-Control-")]


@pytest.mark.parametrize(
    "name", ["index.html", "nothing.js", "..%2Fchat_page.py", "%2Fetc%2Fpasswd"]
)
def test_serves_no_other_file(sim, name):
    """Serves no other file."""
    assert get(sim, f"/simulator/page/{name}").status_code == 404


def test_every_file_of_the_page_is_served(sim):
    """Every file of the page is served."""
    folder = files("qqgroup_sync.simulator") / "page"
    names = {one.name for one in folder.iterdir()} - {"index.html"}

    assert all(get(sim, f"/simulator/page/{name}").ok for name in names)


def test_page_keeps_to_its_own_policy():
    """Nothing from elsewhere, nothing inline, and no text that becomes HTML."""
    folder = files("qqgroup_sync.simulator") / "page"
    html = (folder / "index.html").read_text("utf-8")
    code = "".join(one.read_text("utf-8") for one in folder.iterdir() if one.name.endswith(".js"))

    assert not re.search(r"https?:|<style|style=|<script(?! type=\"module\" src)|\son\w+=", html)
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", code)
    assert "url(" not in (folder / "page.css").read_text("utf-8")


def test_both_languages_say_the_same_things():
    """Both languages say the same things."""
    text = (files("qqgroup_sync.simulator") / "page" / "texts.js").read_text("utf-8")
    zh, en = (re.findall(r"(\w+): \"", part) for part in text.split("const en =")[:2])

    assert sorted(zh) == sorted(en)
    assert len(zh) == len(set(zh)) > 40


# ------------------------------------------------------------------ the state


def test_empty_platform_is_given_a_group_and_a_private_chat(sim):
    """Empty platform is given a group and a private chat."""
    found = state(sim)

    group, private = found["chats"]
    assert (group["name"], group["group"]) == ("测试群 / Test group", True)
    assert [(one["name"], one["role"]) for one in group["members"]] == [
        ("Ming", "owner"),
        ("Lan", "member"),
    ]
    assert (private["name"], private["group"]) == ("Ming", False)
    assert found["chat"] == group["id"]
    assert found["bots"] == found["messages"] == []


def test_platform_in_use_is_left_as_it_is(sim):
    """Platform in use is left as it is."""
    sim.platform.user("Only friend")

    ensure_demo(sim.platform)

    assert [chat["name"] for chat in state(sim)["chats"]] == ["Only friend"]


def test_state_holds_the_newest_messages_of_the_chosen_chat(sim, group):
    """State holds the newest messages of the chosen chat."""
    for number in range(205):
        group.member("Lan").say(f"number {number}", at=False)
    friend = sim.platform.user("Ming")
    friend.say("in private")

    messages = state(sim, group.openid)["messages"]
    assert len(messages) == 200
    assert [messages[0]["text"], messages[-1]["text"]] == ["number 5", "number 204"]
    assert [one["text"] for one in state(sim, friend.openid)["messages"]] == ["in private"]
    assert state(sim, "unknown")["chat"] == group.openid


def test_state_tells_what_a_bot_sent(sim, bot, group):
    """State tells what a bot sent."""
    asked = group.member("Lan").say("hello")
    quote = {"message_id": asked.ref_idx}

    assert offer(bot, group, "**bold**", message_reference=quote).ok

    message = state(sim)["messages"][-1]
    assert message["name"] == f"bot-{APPID}"
    assert (message["bot"], message["markdown"], message["proactive"]) == (True, True, True)
    assert message["text"] == "**bold**"
    assert message["quote"] == {"name": "Lan", "text": "hello"}
    assert [one["id"] for one in message["keyboard"][0]["buttons"]] == ["ok", "nobody", "command"]


def test_state_remembers_what_was_refused(sim, bot, group):
    """State remembers what was refused."""
    bot.say(group, "see example.com")

    (refused,) = state(sim, group.openid)["refused"]
    assert refused["code"] == 40054010
    assert "example.com" in refused["message"]
    assert refused["call"] == "POST /v2/groups/…/messages"
    assert state(sim, sim.platform.user("Ming").openid)["refused"] == []


# ------------------------------------------------------------------ actions


def test_member_speaks_to_the_bot_only_with_at(sim, group, events):
    """Member speaks to the bot only with at."""
    sim.platform.register_bot(APPID)
    lan = group.member("Lan")
    body = {"chat": group.openid, "sender": lan.openid, "text": "hi\n 你好"}

    spoken = post(sim, "say", {**body, "at": False}).json()
    assert (spoken["text"], spoken["name"], spoken["at"]) == ("hi\n 你好", "Lan", [])
    assert events == []

    assert post(sim, "say", body).json()["at"] == [f"bot-{APPID}"]
    ((name, data),) = events
    assert name == "GROUP_AT_MESSAGE_CREATE"
    assert data["author"]["member_openid"] == lan.openid


def test_friend_speaks_in_private(sim, events):
    """Friend speaks in private."""
    sim.platform.register_bot(APPID)
    friend = sim.platform.user("Ming")

    assert post(sim, "say", {"chat": friend.openid, "text": "hi"}).ok

    assert [name for name, _ in events] == ["C2C_MESSAGE_CREATE"]


def test_longest_text_is_taken(sim, group):
    """Longest text is taken."""
    body = {"chat": group.openid, "sender": group.owner.openid, "text": "🙂" * MAX_TEXT}

    assert post(sim, "say", body).status_code == 200


def test_new_people_and_groups_are_events_for_the_bot(sim, group, events):
    """New people and groups are events for the bot."""
    sim.platform.register_bot(APPID)

    for _ in range(2):  # the second time, all of them are known
        chat = post(sim, "group", {"name": " Friends "}).json()["chat"]
        member = {"chat": chat, "name": "小红", "role": "admin"}
        openid = post(sim, "member", member).json()["member"]
        friend = post(sim, "user", {"name": "小红"}).json()["chat"]

    assert [name for name, _ in events] == ["GROUP_ADD_ROBOT", "GROUP_MEMBER_ADD", "FRIEND_ADD"]
    assert openid == friend
    made = next(one for one in state(sim, chat)["chats"] if one["id"] == chat)
    assert made["name"] == "Friends"
    assert [(one["name"], one["role"]) for one in made["members"]] == [
        ("Ming", "owner"),
        ("Lan", "member"),
        ("小红", "admin"),
    ]


def test_click_reaches_the_bot(sim, bot, group, events):
    """Click reaches the bot."""
    sent = offer(bot, group, "choose").json()
    lan = group.member("Lan")
    click = {"message": sent["id"], "button": "ok", "sender": lan.openid}

    interaction = post(sim, "click", click).json()["interaction"]

    ((name, data),) = events
    assert (name, data["id"]) == ("INTERACTION_CREATE", interaction)
    assert data["data"]["resolved"] == {"button_data": "yes", "button_id": "ok"}
    for changed, status in [
        ({"button": "nobody"}, 403),
        ({"button": "command"}, 400),
        ({"button": "unknown"}, 400),
        ({"message": "unknown"}, 404),
        ({"sender": "unknown"}, 404),
    ]:
        assert post(sim, "click", {**click, **changed}).status_code == status
    assert len(events) == 1


@pytest.mark.parametrize(
    ("action", "changed", "answer"),
    [
        ("say", {"text": ""}, (400, "empty")),
        ("say", {"text": " \n"}, (400, "empty")),
        ("say", {"text": ["hi"]}, (400, "empty")),
        ("say", {"text": "x" * (MAX_TEXT + 1)}, (400, "too_long")),
        ("say", {"text": "x" * 300_000}, (413, "too_long")),
        ("say", {"text": "half \ud83d"}, (400, "not_json")),
        ("say", {"chat": "unknown"}, (404, "unknown_chat")),
        ("say", {"chat": ["unknown"]}, (404, "unknown_chat")),
        ("say", {"sender": "unknown"}, (404, "unknown_sender")),
        ("member", {"name": ""}, (400, "bad_name")),
        ("member", {"name": "x" * (MAX_NAME + 1)}, (400, "bad_name")),
        ("member", {"name": "a\nb"}, (400, "bad_name")),
        ("member", {"name": "x", "role": "king"}, (400, "bad_role")),
        ("member", {"name": "x", "role": []}, (400, "bad_role")),
        ("member", {"name": "x", "chat": "unknown"}, (404, "unknown_chat")),
        ("group", {"name": "\u202e"}, (400, "bad_name")),
        ("user", {"name": " "}, (400, "bad_name")),
    ],
)
def test_nonsense_is_refused_and_changes_nothing(sim, group, action, changed, answer):
    """Nonsense is refused and changes nothing."""
    before = state(sim)
    body = {"chat": group.openid, "sender": group.owner.openid, "text": "hi", **changed}

    response = post(sim, action, body)

    assert (response.status_code, response.json()["error"]) == answer
    assert response.json()["message"]
    assert state(sim) == before


def test_member_of_a_private_chat_is_refused(sim):
    """Member of a private chat is refused."""
    friend = sim.platform.user("Ming")

    response = post(sim, "member", {"chat": friend.openid, "name": "Lan"})

    assert (response.status_code, response.json()["error"]) == (404, "unknown_chat")


def test_muted_member_cannot_speak(sim, group):
    """Muted member cannot speak."""
    lan = group.member("Lan")
    lan.muted_until = sim.clock.now() + 60

    body = {"chat": group.openid, "sender": lan.openid, "text": "hi"}
    response = post(sim, "say", body)

    assert (response.status_code, response.json()["error"]) == (403, "muted")


# ------------------------------------------------------------------ other sites


@pytest.mark.parametrize("action", ["say", "click", "group", "member", "user"])
@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("application/x-www-form-urlencoded", "name=x"),
        ("text/plain", '{"name": "x"}'),
        ("multipart/form-data", '{"name": "x"}'),
        (None, '{"name": "x"}'),
    ],
)
def test_forms_of_other_sites_are_refused(sim, action, kind, data):
    """Forms of other sites are refused."""
    response = requests.post(
        f"{sim.url}/simulator/{action}",
        data=data.encode(),
        headers={"Content-Type": kind},
        timeout=5,
    )

    assert response.status_code == 415


@pytest.mark.parametrize("data", ["", "[]", "null", "{", "[" * 100_000, b"\xff"])
def test_body_must_be_a_json_object(sim, data):
    """Body must be a JSON object."""
    response = requests.post(
        f"{sim.url}/simulator/group",
        data=data,
        headers={"Content-Type": "application/json"},
        timeout=5,
    )

    assert (response.status_code, response.json()["error"]) == (400, "not_json")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://example.org"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Host": "example.org"},
    ],
)
def test_other_origins_learn_and_do_nothing(sim, headers):
    """Other origins learn and do nothing."""
    for path in ("/simulator/state", "/simulator/live", "/simulator/page/page.js"):
        assert get(sim, path, headers=headers).status_code in (403, 421)
    response = post(sim, "group", {"name": "x"}, headers=headers)
    assert response.status_code in (403, 421)
    preflight = requests.options(f"{sim.url}/simulator/say", headers=headers, timeout=5)
    assert "Access-Control-Allow-Origin" not in preflight.headers
    assert sim.platform.groups == []


def test_own_page_is_welcome_and_links_to_it_work(sim):
    """Own page is welcome and links to it work."""
    own = {"Origin": sim.url, "Sec-Fetch-Site": "same-origin"}
    assert post(sim, "group", {"name": "x"}, headers=own).ok
    assert get(sim, "/", headers={"Sec-Fetch-Site": "cross-site"}).ok


# ------------------------------------------------------------------ the live feed


def test_live_tells_messages_recalls_and_refusals(sim, bot, group):
    """Live tells messages recalls and refusals."""
    with Live(sim) as live:
        assert live.headers["Content-Type"].startswith("text/event-stream")
        live.next("hello")
        group.member("Lan").say("line one\nline two")
        assert live.next("message")["message"]["text"] == "line one\nline two"

        sent = bot.say(group, "good morning").json()
        message = live.next("message")["message"]
        assert (message["id"], message["proactive"]) == (sent["id"], True)

        bot.say(group, "")
        assert live.next("refused")["code"] == 304061

        bot.call("DELETE", f"/v2/groups/{group.openid}/messages/{sent['id']}")
        assert live.next("recall") == {
            "kind": "recall",
            "chat": group.openid,
            "id": sent["id"],
        }
    assert state(sim)["messages"][-1]["recalled"] is True


def test_live_tells_acknowledgements(sim, bot, group):
    """Live tells acknowledgements."""
    offer(bot, group, "choose")
    with Live(sim) as live:
        live.next("hello")
        interaction = group.member("Lan").click(group.messages[-1], "ok")
        bot.call("PUT", f"/interactions/{interaction.id}", {"code": 3})

        assert live.next("ack") == {"kind": "ack", "id": interaction.id, "code": 3}


def test_live_tells_new_members_and_bots_on_and_off_line(sim, bot, group):
    """Live tells new members and bots on and off line."""
    robot = {"appid": APPID, "name": f"bot-{APPID}"}
    with Live(sim) as live:
        live.next("hello")
        group.join("小红")
        members = live.next("overview")["chats"][0]["members"]
        assert [one["name"] for one in members] == ["Ming", "Lan", "小红"]

        wire = bot.connect(identify=True)
        assert live.next("overview")["bots"] == [{**robot, "online": True}]

        wire.websocket.close()
        assert live.next("overview")["bots"] == [{**robot, "online": False}]


def test_every_page_hears_everything(sim, group):
    """Every page hears everything."""
    with Live(sim) as one, Live(sim) as other:
        one.next("hello")
        other.next("hello")
        group.member("Lan").say("to all")
        assert one.next("message") == other.next("message")


def test_reader_who_does_not_keep_up_is_told_to_start_anew(sim, group, monkeypatch):
    """Reader who does not keep up is told to start anew."""
    monkeypatch.setattr(module, "_QUEUE", 3)
    observer = module._Observer(sim.platform)
    sim.platform.subscribe(observer)

    for number in range(5):
        group.member("Lan").say(str(number))

    assert [one["kind"] for one in observer.take()] == ["message"] * 3 + ["hello"]
    assert observer.take() == []


def test_reader_who_has_gone_is_noticed(sim, monkeypatch):
    """Reader who has gone is noticed."""
    monkeypatch.setattr(module, "HEARTBEAT", 0.05)
    before = set(connections())
    with Live(sim) as live:
        live.next("hello")
        assert live.line(":")
        (thread,) = set(connections()) - before
    thread.join(5)
    assert not thread.is_alive()


def test_stop_ends_live_feeds_at_once(sim):
    """Stop ends live feeds at once."""
    with Live(sim) as one, Live(sim) as other:
        one.next("hello")
        other.next("hello")
        started = time.monotonic()

        assert sim.stop()

        assert time.monotonic() - started < 2
        eventually(
            lambda: not any(one.name.startswith("simulator") for one in threading.enumerate())
        )
        for live in (one, other):
            with contextlib.suppress(requests.RequestException):  # cut off: that is an end, too
                assert live.rest() == []


# ------------------------------------------------------------------ media and streams


def add_file(sim, data, name="a.png", **headers):
    """Upload a file from the page."""
    headers = {"Content-Type": "application/octet-stream", **headers}
    options = {"params": {"name": name}, "headers": headers, "timeout": 10}
    return requests.post(f"{sim.url}/simulator/file", data=data, **options)


def say_files(sim, chat, files, text=""):
    """Send what was uploaded."""
    sender = next(iter(getattr(chat, "members", {"": None})))
    body = {"chat": chat.openid, "sender": sender, "text": text, "files": files}
    return post(sim, "say", body)


@pytest.mark.parametrize("private", [False, True])
def test_files_from_the_page_reach_the_bot(sim, group, events, private):
    """Pictures, voices and files are uploaded, then said, with or without words."""
    sim.platform.register_bot(APPID)
    chat = sim.platform.user("Ming") if private else group
    things = [samples.png(), samples.wav(0.2), samples.HTML]
    kept = [add_file(sim, data, name).json() for data, name in zip(things, "abc", strict=True)]
    assert [one["type"] for one in kept] == [1, 3, 4]
    shown = say_files(sim, chat, [one["file"] for one in kept]).json()
    assert [one["type"] for one in shown["files"]] == [1, 3, 4]
    assert [one["decoded"] for one in shown["files"]] == [False, True, False]
    kinds = [one["content_type"] for one in events[-1][1]["attachments"]]
    assert kinds == ["image/png", "voice", "file"]
    again = say_files(sim, chat, [kept[0]["file"]])
    assert (again.status_code, again.json()["error"]) == (404, "unknown_file")


@pytest.mark.parametrize(
    ("data", "headers", "answer"),
    [
        (b"", {}, (400, "empty_file")),
        (b"x", {"Content-Type": "text/plain"}, (415, "not_bytes")),
        (b"x", {"Origin": "http://evil.example"}, (403, "foreign")),
        (bytes(33 * 1024 * 1024), {}, (413, "too_large")),
    ],
)
def test_files_that_are_refused(sim, data, headers, answer):
    """Empty and large ones, what forms of other sites can send, and other origins."""
    response = add_file(sim, data, **headers)
    assert (response.status_code, response.json()["error"]) == answer


@pytest.mark.parametrize(
    ("files", "answer"),
    [
        (["x"], (404, "unknown_file")),
        ("x", (400, "too_many_files")),
        (["x"] * 10, (400, "too_many_files")),
        ([], (400, "empty")),
    ],
)
def test_messages_with_wrong_files_are_refused(sim, group, files, answer):
    """Unknown files, too many, and nothing at all."""
    response = say_files(sim, group, files)
    assert (response.status_code, response.json()["error"]) == answer
    assert group.messages == []


def test_what_a_bot_uploads_can_be_looked_at(sim, bot, group):
    """Pictures are shown, voices decoded, and nothing that a browser would run."""
    silk = samples.wav(0.2)
    for data, kind in ((samples.png(), 1), (silk, 3), (samples.HTML, 4)):
        send(bot, group, upload(bot, group, data, kind, file_name="x.html")["file_info"])
    picture, voice, page = (one["files"][0] for one in state(sim)["messages"])
    assert (picture["type"], picture["size"]) == (1, len(samples.png()))
    response = get(sim, f"/simulator/media/{picture['id']}")
    assert response.content == samples.png()
    assert response.headers["Content-Type"] == "image/png"
    assert "filename" in response.headers["Content-Disposition"]
    assert get(sim, f"/simulator/media/{voice['id']}?wav=1").content == silk
    response = get(sim, f"/simulator/media/{page['id']}")
    assert response.content == samples.HTML
    assert response.headers["Content-Type"] == "application/octet-stream"
    assert response.headers["Content-Disposition"].startswith("attachment")
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in response.headers["Content-Security-Policy"]
    assert get(sim, f"/simulator/media/{picture['id']}?wav=1").status_code == 404
    assert get(sim, "/simulator/media/nothing").status_code == 404
    foreign = {"Sec-Fetch-Site": "cross-site"}
    assert get(sim, f"/simulator/media/{picture['id']}", headers=foreign).status_code == 403


def test_state_tells_pictures_of_markdown(sim, bot, group):
    """Where to find those that were fetched, and which were dropped."""
    with samples.Served() as web:
        web.answers["/a.png"] = samples.png()
        text = f"![a]({web.url}/a.png) ![b]({web.url}/b.png)"
        bot.say(group, None, msg_type=2, markdown={"content": text})
    (message,) = state(sim)["messages"]
    assert message["dropped"] == [f"{web.url}/b.png"]
    (address,) = message["pictures"].values()
    assert get(sim, f"/simulator/media/{address}").content == samples.png()


def test_live_tells_streams_and_typing(sim, bot):
    """Each frame is told with the text so far, and who is typing for how long."""
    sim.clock.speed = 0
    user = sim.platform.user("Ming")
    frame = {"input_state": 1, "msg_id": user.say("x").id, "msg_seq": 1}
    path = f"/v2/users/{user.openid}"
    with Live(sim) as live:
        live.next("hello")
        typing = {"msg_type": 6, "input_notify": {"input_type": 1, "input_second": 9}}
        bot.say(user, None, **typing, msg_id=frame["msg_id"], msg_seq=9)
        told = live.next("typing")
        assert (told["chat"], told["name"], told["for"]) == (user.openid, f"bot-{APPID}", 9)
        first = bot.post(f"{path}/stream_messages", {**frame, "index": 0, "content_raw": "one"})
        told = live.next("message")["message"]
        assert (told["text"], told["streaming"]) == ("one", True)
        sim.clock.advance(1)
        frame["stream_msg_id"] = first.json()["id"]
        bot.post(f"{path}/stream_messages", {**frame, "index": 1, "content_raw": " two"})
        told = live.next("stream")["message"]
        assert (told["text"], told["streaming"]) == ("one two", True)
        sim.clock.advance(61)
        told = live.next("stream")["message"]
        assert (told["text"], told["streaming"]) == ("one", False)


# ------------------------------------------------------------------ in a browser


@pytest.fixture
def browser_page(sim):
    """The page in Chromium, without mistakes in its scripts."""
    api = pytest.importorskip("playwright.sync_api")
    options = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
    options += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=options)
        try:
            page = browser.new_page(locale="en-US")
            page.mistakes = []
            page.on("pageerror", lambda error: page.mistakes.append(str(error)))
            page.goto(f"{sim.url}/")
            yield page
            assert page.mistakes == []
        finally:
            browser.close()


@pytest.mark.browser
def test_conversation_with_a_bot(sim, browser_page):
    """Conversation with a bot."""
    from qqgroup_sync import Chain, Client

    client = Client(APPID, "secret", api_base=sim.url)

    @client.on_group_message
    def answer(message):
        return Chain().markdown(
            f"**echo** {message.text} [bad](javascript:alert(1)) [good](https://qq.com/a_(b))"
        )

    page = browser_page
    page.get_by_text("No bot is connected yet.").wait_for()
    client.start()
    try:
        page.locator("#bots .online").wait_for()
        page.locator("#offline").wait_for(state="hidden")
        page.locator("#text").fill("<img src=x onerror=\"document.title='broken'\">")
        page.locator("#text").press("Enter")
        page.locator(".from-bot strong", has_text="echo").wait_for()
    finally:
        client.stop()
    assert page.locator("#text").input_value() == ""
    assert page.locator("#messages .message").count() == 2
    assert page.locator("#messages img").count() == 0
    links = page.locator("#messages a").evaluate_all("all => all.map((one) => one.href)")
    assert links == ["https://qq.com/a_(b)"]
    assert page.locator(".from-bot .bubble").inner_text().endswith("bad good")
    assert page.title() != "broken"
    page.get_by_text("is off line").wait_for()


@pytest.mark.browser
def test_media_can_be_seen_heard_and_sent(sim, bot, group, browser_page, tmp_path):
    """Pictures are drawn and enlarged, voices and files are there, and the page sends its own."""
    page = browser_page
    page.locator("#messages").wait_for()
    with samples.Served() as web:
        web.answers["/a.png"] = samples.png(60, 40)
        text = f"![a #60px #40px]({web.url}/a.png) ![b]({web.url}/b.png)"
        bot.say(group, None, msg_type=2, markdown={"content": text})
    uploads = ((samples.png(50, 30), 1), (samples.wav(0.5), 3), (samples.HTML, 4))
    for data, kind in uploads:
        send(bot, group, upload(bot, group, data, kind, file_name="x.html")["file_info"])
    page.locator("a.file").wait_for()
    widths = "all => all.map((one) => one.naturalWidth)"
    images = page.locator("#messages img")
    eventually(lambda: images.evaluate_all(widths) == [60, 50])
    assert "could not be fetched" in page.locator(".markdown").inner_text()
    voice = page.locator("#messages audio")
    eventually(lambda: voice.evaluate("one => one.duration > 0.4"))
    assert page.locator("a.file").get_attribute("download") == "x.html"
    page.locator(".picture").last.click()
    eventually(lambda: page.locator("#viewed").evaluate("one => one.naturalWidth === 50"))
    page.locator("#viewer").click()
    page.locator("#viewer").wait_for(state="hidden")

    for name, data in (("mine.png", samples.png(20, 10)), ("mine.wav", samples.wav(0.4))):
        (tmp_path / name).write_bytes(data)
    page.locator("#files").set_input_files([tmp_path / "mine.png", tmp_path / "mine.wav"])
    page.locator("#pending li").nth(1).wait_for()
    page.locator("#text").fill("see")
    page.locator("#text").press("Enter")
    own = page.locator(".message:not(.from-bot) audio")
    own.wait_for()
    eventually(lambda: own.evaluate("one => one.duration > 0.3"))
    assert page.locator("#pending li").count() == 0
    said = group.messages[-1]
    assert (said.content, [one.file_type for one in said.files]) == ("see", [1, 3])


@pytest.mark.browser
def test_text_grows_while_it_is_streamed(sim, bot, browser_page):
    """A streamed message changes where it stands, and its mark goes at the end."""
    page = browser_page
    user = sim.platform.user("Ming")
    page.locator("#privates .entry").click()
    page.locator("body.private").wait_for()
    frame = {"input_state": 1, "msg_id": user.say("x").id, "msg_seq": 1, "content_type": "markdown"}
    path = f"/v2/users/{user.openid}/stream_messages"
    sim.platform.change_rules(stream_interval=0)
    first = bot.post(path, {**frame, "index": 0, "content_raw": "**on"}).json()
    page.locator(".from-bot.streaming", has_text="**on").wait_for()
    last = {"index": 1, "content_raw": "e**", "stream_msg_id": first["id"], "input_state": 10}
    bot.post(path, {**frame, **last})
    page.locator(".from-bot:not(.streaming) strong", has_text="one").wait_for()
    assert page.locator(".from-bot").count() == 1
