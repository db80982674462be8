"""The chat page's HTTP side over a real simulator: files, state, actions, other sites."""

import posixpath
import re
from importlib.resources import files

import pytest
import requests

from qqgroup_sync.simulator.chat_page import MAX_NAME, MAX_TEXT, ensure_demo

from .. import samples
from ..bot import APPID
from ..test_media import send, upload
from .paging import add_file, get, offer, post, say_files, state

# ------------------------------------------------------------------ the page


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html"),
        ("/simulator/page/base.css", "text/css"),
        ("/simulator/page/main.js", "text/javascript"),
        ("/simulator/page/texts/zh.js", "text/javascript"),
        ("/simulator/page/vendor/preact.mjs", "text/javascript"),
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


def page_files(*endings):
    """Every file of the page below its folder, by its name there; libraries included."""
    folder = files("qqgroup_sync.simulator") / "page"
    return {
        f"{prefix}{one.name}": one
        for prefix in ("", "texts/", "vendor/")
        for one in (folder / prefix).iterdir()
        if one.name.rpartition(".")[2] in endings
    }


def test_every_file_of_the_page_is_served(sim):
    """Every file of the page is served."""
    names = page_files("js", "mjs", "css", "svg")

    assert len(names) > 40
    assert [name for name in names if not get(sim, f"/simulator/page/{name}").ok] == []


def test_everything_a_module_imports_is_there():
    """No module asks for a file that is missing, or for one from elsewhere."""
    known = page_files("js", "mjs")
    wanted = set()
    for name, file in known.items():
        folder = name.rpartition("/")[0]
        for found in re.findall(r"""\bfrom ?"([^"]+)";""", file.read_text("utf-8")):
            wanted.add(posixpath.normpath(posixpath.join(folder, found)))

    assert len(wanted) > 30
    assert wanted <= set(known)


def test_page_keeps_to_its_own_policy():
    """Nothing from elsewhere, nothing inline, and no text that becomes HTML or code."""
    folder = files("qqgroup_sync.simulator") / "page"
    html = (folder / "index.html").read_text("utf-8")
    code = "".join(file.read_text("utf-8") for file in page_files("js").values())
    libraries = "".join(file.read_text("utf-8") for file in page_files("mjs").values())

    assert not re.search(r"https?:|<style|style=|<script(?! type=\"module\" src)|\son\w+=", html)
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write", code)
    assert not re.search(r"\beval\(|new Function", code + libraries)
    assert not re.search(
        r"url\(|@import", "".join(one.read_text() for one in page_files("css").values())
    )


def test_libraries_are_listed_with_version_and_licence():
    """Each vendored file has its line, and each package its licence text."""
    folder = files("qqgroup_sync.simulator") / "page" / "vendor"
    readme = (folder / "README.md").read_text("utf-8")
    licences = (folder / "LICENSES.txt").read_text("utf-8")

    for name in page_files("mjs"):
        file = name.rpartition("/")[2]
        (package, version) = re.search(rf"\| `{file}` \| (\S+) \| ([\d.]+) \|", readme).groups()
        assert version
        assert f"\n{package}\n====" in licences


def keys_of(language):
    """Every key of a language, in order."""
    text = (files("qqgroup_sync.simulator") / "page" / "texts" / f"{language}.js").read_text(
        "utf-8"
    )
    return re.findall(r"(?:^|[ ,{])(\w+): \"", text, re.MULTILINE)


def test_both_languages_say_the_same_things():
    """Both languages say the same things, each of them once, with the same gaps."""
    assert sorted(keys_of("zh")) == sorted(keys_of("en"))
    assert len(keys_of("zh")) == len(set(keys_of("zh"))) > 200


def test_every_text_that_is_asked_for_is_there():
    """Keys that the page names are in the texts."""
    code = "".join(
        file.read_text("utf-8") for name, file in page_files("js").items() if "/" not in name
    )
    asked = set(re.findall(r"""\bt\("(\w+)\"""", code)) | set(
        re.findall(r"""\blive\("(\w+)\"""", code)
    )

    assert len(asked) > 80
    assert asked - set(keys_of("en")) == set()


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
    assert message["quote"]["name"] == "Lan"
    assert message["quote"]["text"] == "hello"
    assert message["quote"]["id"] == asked.id
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
    assert spoken["heard"] is False
    assert events == []

    assert post(sim, "say", body).json()["at"] == [APPID]
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


def test_what_a_muted_member_could_not_send_is_not_used_up(sim, group):
    """The picture can be sent later, and then only once."""
    file = add_file(sim, samples.png()).json()["file"]
    ming = next(iter(group.members.values()))  # who sends it
    ming.muted_until = sim.clock.now() + 60
    assert say_files(sim, group, [file]).status_code == 403

    ming.muted_until = 0.0

    assert say_files(sim, group, [file]).json()["files"][0]["id"] == file
    assert say_files(sim, group, [file]).json()["error"] == "unknown_file"


def test_people_on_the_blacklist_cannot_join(sim, group):
    """They are no members afterwards, and the page says why."""
    group.blacklist[sim.platform.user("Eve").openid] = sim.platform.user("Eve")

    response = post(sim, "member", {"chat": group.openid, "name": "Eve", "role": "admin"})

    assert (response.status_code, response.json()["error"]) == (403, "blacklisted")
    assert "Eve" not in [member.name for member in group.members.values()]


def test_quote_reaches_the_bot(sim, bot, group, events):
    """What a person quotes comes with the event, and stands in the message."""
    sent = bot.say(group, "the original").json()
    body = {"chat": group.openid, "sender": group.owner.openid, "text": "why?"}

    said = post(sim, "say", {**body, "quote": sent["id"]}).json()

    assert said["quote"]["id"] == sent["id"]
    ((_, data),) = events
    assert data["message_type"] == 103
    assert data["msg_elements"][0]["content"] == "the original"
    gone = post(sim, "say", {**body, "quote": "unknown"})
    assert (gone.status_code, gone.json()["error"]) == (404, "unknown_message")


def test_some_bots_and_members_are_mentioned(sim, group, events):
    """Only the bots that are named get the message; an @ alone is a message, too."""
    for appid in ("1", "2"):
        sim.platform.register_bot(appid)
    lan = group.member("Lan")
    body = {"chat": group.openid, "sender": lan.openid, "text": f"hi <@{lan.openid}>"}

    said = post(sim, "say", {**body, "at": ["2"], "mentions": [lan.openid]}).json()
    assert said["at"] == ["2"]
    ((_, data),) = events
    assert [one["username"] for one in data["mentions"]] == ["bot-2", "Lan"]
    assert post(sim, "say", {**body, "text": "", "at": ["1"]}).ok
    assert post(sim, "say", {**body, "text": "", "at": []}).status_code == 400


def test_people_recall_their_own_and_those_of_lower_rank(sim, bot, group):
    """The owner everybody's, a member only his own, and no event tells the bot."""
    ming, lan = group.member("Ming"), group.member("Lan")
    of_lan, of_ming = lan.say("one"), ming.say("two")
    of_bot = bot.say(group, "three").json()["id"]
    frames = bot.connect(identify=True)

    def recall(message, person):
        return post(sim, "recall", {"message": message, "sender": person.openid})

    refused = recall(of_ming.id, lan)
    assert (refused.status_code, refused.json()["error"]) == (403, "no_recall")
    assert recall(of_bot, lan).status_code == 403
    assert recall(of_lan.id, lan).ok
    assert recall(of_bot, ming).ok
    assert [one["recalled"] for one in state(sim)["messages"]] == [True, False, True]
    assert recall("unknown", lan).status_code == 404
    with pytest.raises(TimeoutError):
        frames.read(timeout=0.1)


def test_people_go_and_are_muted(sim, group, events):
    """A member who is removed is an event, one who is muted cannot speak until that ends."""
    sim.platform.register_bot(APPID)
    lan = group.member("Lan")
    about = {"chat": group.openid, "member": lan.openid}
    assert post(sim, "mute", {**about, "seconds": 60}).ok
    assert state(sim)["chats"][0]["members"][1]["muted"] is True
    with pytest.raises(PermissionError):
        lan.say("hi")
    assert post(sim, "mute", {**about, "seconds": 0}).ok
    assert lan.say("hi", at=False)

    assert post(sim, "remove", about).ok
    friend = sim.platform.user("Ming")
    assert post(sim, "remove", {"chat": friend.openid}).ok
    assert [name for name, _ in events] == ["GROUP_MEMBER_REMOVE", "FRIEND_DEL"]
    assert post(sim, "remove", about).status_code == 404
    assert post(sim, "mute", {**about, "seconds": -1}).status_code == 404


def test_what_a_bot_may_do_is_changed(sim, bot, group, events):
    """Unasked messages, muting, rank, coming and going: with the platform's events."""
    about = {"chat": group.openid, "appid": APPID}
    assert post(sim, "bot", {**about, "push": False, "muted": True, "role": "admin"}).ok
    (shown,) = state(sim)["chats"][0]["bots"]
    assert shown == {"appid": APPID, "role": "admin", "push": False, "muted": True}
    assert bot.say(group, "hi").json()["err_code"] == 40054002
    assert post(sim, "bot", {**about, "muted": False}).ok
    assert bot.say(group, "hi").json()["err_code"] == 40034105
    assert post(sim, "bot", {**about, "inside": False}).ok
    assert bot.say(group, "hi").json()["err_code"] == 40054003
    assert post(sim, "bot", {**about, "inside": True, "push": True}).ok
    assert [name for name, _ in events][:2] == ["GROUP_MSG_REJECT", "GROUP_DEL_ROBOT"]
    friend = sim.platform.user("Ming")
    assert post(sim, "bot", {"chat": friend.openid, "push": False}).ok
    assert bot.say(friend, "hi").json()["err_code"] == 40034105
    assert post(sim, "bot", {**about, "role": "owner"}).json()["error"] == "bad_role"
    assert post(sim, "bot", {**about, "push": "no"}).json()["error"] == "bad_switch"
    assert post(sim, "bot", {**about, "appid": "x"}).json()["error"] == "unknown_bot"


def test_earlier_messages_come_when_asked_for(sim, group):
    """In pages, from the newest backwards, until there are no more."""
    for number in range(450):
        group.member("Lan").say(str(number), at=False)
    found = state(sim, group.openid)
    seen = [one["text"] for one in found["messages"]]
    pages = 0
    while found["earlier"]:
        before = {"chat": group.openid, "before": found["messages"][0]["id"]}
        found = get(sim, "/simulator/history", params=before).json()
        seen = [one["text"] for one in found["messages"]] + seen
        pages += 1

    assert seen == [str(number) for number in range(450)]
    assert pages == 2
    unknown = get(sim, "/simulator/history", params={"chat": group.openid, "before": "unknown"})
    assert unknown.json() == {"messages": [], "earlier": False}
    assert get(sim, "/simulator/history?chat=unknown").status_code == 404


def test_state_tells_the_last_words_of_every_chat(sim, bot, group):
    """For the list on the left, also of chats that are not shown."""
    assert state(sim)["last"] == {}
    friend = sim.platform.user("Ming")
    friend.say("in private " + "x" * 100)
    send(bot, group, upload(bot, group, samples.png(), 1)["file_info"])

    found = state(sim)["last"]
    assert found[friend.openid]["text"].startswith("in private xxx")
    assert len(found[friend.openid]["text"]) == 80
    assert (found[group.openid]["text"], found[group.openid]["kinds"]) == ("", [1])


# ------------------------------------------------------------------ media


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
    for path in ("/simulator/state", "/simulator/live", "/simulator/page/main.js"):
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
