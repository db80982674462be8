"""The ``d`` objects of events, as a bot without sockets sees them."""

import pytest

from qqgroup_sync.simulator import events

from .bot import APPID


@pytest.fixture
def seen(platform):
    """Every event on its way to a bot."""
    found = []
    platform.subscribe(lambda kind, record: found.append(record) if kind == "event" else None)
    return found


@pytest.fixture
def group(platform):
    """A group the bot is a member of."""
    return platform.group("g")


def test_group_message(platform, group, seen):
    """The fields of 4.1 are there."""
    ming = group.member("Ming", role="admin")
    message = ming.say("hello")
    (event,) = seen
    d = event.data
    assert event.name == "GROUP_AT_MESSAGE_CREATE"
    assert event.id.startswith("GROUP_AT_MESSAGE_CREATE:")
    assert d["id"] == message.id
    assert d["id"].startswith("ROBOT1.0_")
    assert d["content"] == " hello"
    assert d["group_openid"] == d["group_id"] == group.openid
    assert d["author"]["member_openid"] == d["author"]["id"] == ming.openid
    assert d["author"]["member_role"] == "admin"
    assert d["author"]["username"] == "Ming"
    assert d["author"]["bot"] is False
    assert d["message_type"] == 0
    assert d["timestamp"] == "2026-07-21T02:00:00+08:00"
    assert f"msg_idx={message.ref_idx}" in d["message_scene"]["ext"]
    assert [one["is_you"] for one in d["mentions"]] == [True]


def test_openids_are_32_upper_hex(group):
    """Openids are 32 upper-case hex digits."""
    for openid in (group.openid, group.member("Ming").openid):
        assert len(openid) == 32
        assert set(openid) <= set("0123456789ABCDEF")


def test_only_at_arrives_outside_full_mode(group, seen):
    """Only at arrives outside full mode."""
    ming = group.member("Ming")
    ming.say("x", at=False)
    assert not seen
    group.full_mode = True
    ming.say("x", at=False)
    ming.say("x")
    assert [event.name for event in seen] == ["GROUP_MESSAGE_CREATE"] * 2
    assert "mentions" not in seen[0].data
    assert seen[0].data["content"] == "x"
    assert seen[1].data["mentions"][0]["is_you"] is True


def test_both_events_carry_one_message_id(platform, group, seen):
    """Both events carry one message id."""
    platform.change_rules(both_events=True)
    group.full_mode = True
    group.member("Ming").say("x")
    assert [event.name for event in seen] == ["GROUP_AT_MESSAGE_CREATE", "GROUP_MESSAGE_CREATE"]
    assert seen[0].data["id"] == seen[1].data["id"]


def test_mentions_of_others_stay_in_the_content(group, seen):
    """Mentions of others stay in the content."""
    hong = group.member("Hong")
    group.member("Ming").say("look", mentions=[hong, "all"])
    d = seen[0].data
    assert d["content"] == f" <@{hong.openid}> <qqbot-at-everyone /> look"
    assert [one["scope"] for one in d["mentions"]] == ["single", "single", "all"]
    group.member("Ming").say(f"hi {hong.mention}!", mentions=[hong])
    assert seen[1].data["content"] == f" hi <@{hong.openid}>!"


def test_at_is_stripped_for_its_bot_only(platform, group, seen):
    """At is stripped for its bot only."""
    other = platform.register_bot("2", username="Other")
    group.member("Ming").say("hi")
    contents = {event.appid: event.data["content"] for event in seen}
    assert contents[APPID] == f" <@{other.openid}> hi"
    assert contents["2"] == f"<@{platform.bots[0].openid}>  hi"
    seen.clear()
    group.member("Ming").say("hi", at=["2"])
    assert [(event.appid, event.data["content"]) for event in seen] == [("2", " hi")]


def test_at_is_left_in_on_demand(platform, group, seen, record):
    """The @ of the bot can be left in, and its mention out (4.3)."""
    platform.change_rules(strip_at=False, mention_self=False)
    group.member("Ming").say("hi")
    assert seen[0].data["content"] == f"<@{record.openid}> hi"
    assert "mentions" not in seen[0].data


def test_full_mode_always_mentions_the_bot(platform, group, seen):
    """``is_you`` is the only sign there; the page of @ events alone leaves it out (4.1, 4.4)."""
    platform.change_rules(mention_self=False, both_events=True)
    group.full_mode = True
    group.member("Ming").say("hi")
    at, full = seen
    assert (at.name, "mentions" in at.data) == ("GROUP_AT_MESSAGE_CREATE", False)
    assert full.name == "GROUP_MESSAGE_CREATE"
    assert [one["is_you"] for one in full.data["mentions"]] == [True]


def test_only_an_at_is_a_space(group, seen):
    """A bare @ arrives as a space (4.3)."""
    group.member("Ming").say()
    assert seen[0].data["content"] == " "


def test_quote(group, seen):
    """A quote carries the quoted element and both REFIDX (4.2)."""
    first = group.member("Hong").say("original", at=False)
    group.member("Ming").say("thanks", quote=first)
    d = seen[0].data
    assert d["message_type"] == 103
    assert f"ref_msg_idx={first.ref_idx}" in d["message_scene"]["ext"]
    (element,) = d["msg_elements"]
    assert element["msg_idx"] == first.ref_idx
    assert element["content"] == "original"
    assert element["author"] == {"username": "Hong", "bot": False}


def test_forwarded_record(group, seen):
    """A quoted chat record is one flattened text under a TMP id (4.2)."""
    hong, ming = group.member("Hong"), group.member("Ming")
    ming.say("what?", quote=[hong.say("a", at=False), ming.say("b", at=False)])
    d = seen[0].data
    assert d["message_type"] == 103
    assert d["message_scene"]["ext"][0].startswith("ref_msg_idx=TMP_")
    assert d["msg_elements"][0]["content"] == "Hong: a\nMing: b"


VOICE = {
    "content_type": "voice",
    "filename": "x.amr",
    "size": 3210,
    "url": "https://multimedia.nt.qq.com.cn/download?x=1",
    "voice_wav_url": "https://multimedia.nt.qq.com.cn/wav",
    "asr_refer_text": "recognised",
}


@pytest.mark.parametrize(
    ("style", "prefix"), [("full", "https://"), ("bare", ""), ("slashes", "//")]
)
def test_attachments(platform, seen, style, prefix):
    """Voice fields are kept; URLs may come without scheme (4.3)."""
    platform.change_rules(attachment_urls=style)
    message = platform.user("Ming").say(attachments=[VOICE])
    (attachment,) = seen[0].data["attachments"]
    assert attachment["url"] == f"{prefix}multimedia.nt.qq.com.cn/download?x=1"
    assert attachment["voice_wav_url"] == f"{prefix}multimedia.nt.qq.com.cn/wav"
    assert attachment["asr_refer_text"] == "recognised"
    assert message.attachments == (VOICE,)


def test_quoted_attachments(group, seen):
    """A quoted message keeps its attachments."""
    first = group.member("Hong").say(at=False, attachments=[VOICE])
    group.member("Ming").say("what does he say?", quote=first)
    assert seen[0].data["msg_elements"][0]["attachments"] == [VOICE]


def test_addresses_in_quotes_look_like_others(platform, group, seen):
    """Without a scheme where others have none (4.3)."""
    platform.change_rules(attachment_urls="bare")
    first = group.member("Hong").say(at=False, attachments=[VOICE])
    group.member("Ming").say("what does he say?", quote=first)
    (quoted,) = seen[0].data["msg_elements"][0]["attachments"]
    assert quoted["url"] == "multimedia.nt.qq.com.cn/download?x=1"


def test_extra_fields_win(group, seen):
    """Extra fields are merged over the event's."""
    group.member("Ming").say("x", extra={"message_type": 3, "ark_data": {"prompt": "p"}})
    assert seen[0].data["message_type"] == 3
    assert seen[0].data["ark_data"] == {"prompt": "p"}


def test_c2c_message_has_no_nickname(platform, seen):
    """C2C message has no nickname."""
    user = platform.user("Ming")
    message = user.say("hi")
    d = seen[0].data
    assert seen[0].name == "C2C_MESSAGE_CREATE"
    assert (d["id"], d["content"]) == (message.id, "hi")
    assert d["author"]["user_openid"] == d["author"]["id"] == user.openid
    assert d["author"]["username"] == ""


def test_minimal_and_integer_forms(platform, group, seen):
    """Historic payloads can be produced (4.1, 4.2)."""
    platform.change_rules(minimal_events=True, int_timestamps=True)
    group.member("Ming").say("x")
    platform.user("Ming").say("y")
    required = {"id", "author", "content", "timestamp"}
    assert set(seen[0].data) == required | {"group_openid"}
    assert set(seen[1].data) == required
    assert seen[0].data["timestamp"] == 1_784_570_400
    assert set(seen[1].data["author"]) == {"user_openid"}


def test_group_lifecycle(platform, group, seen):
    """Coming, going and the switch are told with integer seconds (4.5)."""
    hong = group.member("Hong", role="owner")
    group.remove_bot()
    group.add_bot(by=hong)
    group.allow_push(False)
    group.allow_push(True)
    assert [event.name for event in seen] == [
        "GROUP_DEL_ROBOT",
        "GROUP_ADD_ROBOT",
        "GROUP_MSG_REJECT",
        "GROUP_MSG_RECEIVE",
    ]
    for event in seen:
        assert event.data == {
            "timestamp": 1_784_570_400,
            "group_openid": group.openid,
            "op_member_openid": hong.openid,
        }


def test_member_events(group, seen):
    """Members that come and go are told once (4.6)."""
    hong = group.join("Hong")
    group.remove(hong)
    group.remove(hong)
    assert [event.name for event in seen] == ["GROUP_MEMBER_ADD", "GROUP_MEMBER_REMOVE"]
    assert seen[0].data["member_openid"] == seen[0].data["user_openid"] == hong.openid


def test_friend_events(platform, seen):
    """Friends that come and go, and their switch, are told (4.5)."""
    user = platform.user("Ming")
    user.add_friend(scene=2003, scene_param="cb")
    user.allow_push(False)
    user.allow_push(True)
    user.remove_friend()
    names = ["FRIEND_ADD", "C2C_MSG_REJECT", "C2C_MSG_RECEIVE", "FRIEND_DEL"]
    assert [event.name for event in seen] == names
    assert {event.data["openid"] for event in seen} == {user.openid}
    assert (seen[0].data["scene"], seen[0].data["scene_param"]) == (2003, "cb")


def test_join_request_reaches_administrators_only(group, seen):
    """Join request reaches administrators only."""
    group.join_request("Hong", "let me in")
    assert not seen
    group.set_bot_role("admin")
    inviter = group.member("Ming")
    request = group.join_request("Hong", invited_by=inviter, answers={"who?": "me"})
    d = seen[0].data
    assert seen[0].name == "GROUP_JOIN_REQUEST"
    assert (d["join_request_id"], d["username"]) == (request.id, "Hong")
    assert d["invited_by"] == inviter.openid
    assert d["verify_info"]["review_qa_list"] == [{"question": "who?", "answer": "me"}]


@pytest.mark.parametrize(
    ("d", "route"),
    [
        ({"group_openid": "G", "user_openid": "U"}, "G"),
        ({"user_openid": "U"}, "U"),
        ({"openid": "U"}, "U"),
        ({"author": {"user_openid": "U"}}, "U"),
        ({"author": "x"}, ""),
        ("", ""),
    ],
)
def test_route(d, route):
    """An event's group comes before its user."""
    assert events.route_of(d) == route
