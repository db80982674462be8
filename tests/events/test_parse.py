"""Every event of the protocol sheet becomes the object its page promises; none is ever lost."""

from __future__ import annotations

import copy
import json
import pickle
from dataclasses import FrozenInstanceError, replace
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qqgroup_sync.events import models
from qqgroup_sync.events.models import Event, GroupMessage, Message, Replyable, attach_budget
from qqgroup_sync.events.parse import dedupe_key, parse

SAMPLES = json.loads(Path(__file__).with_name("samples.json").read_text(encoding="utf-8"))

GROUP = ("group", "G1")
C2C = ("c2c", "U1")
TABLE = {
    "c2c_plain": (
        "C2CMessage",
        {
            "id": "ROBOT1.0_Abc",
            "text": "hello",
            "is_direct": True,
            "is_at": False,
            "conversation": ("c2c", "0A81EAA929FEE62EB9CB3A40EFF195CC"),
            "user_openid": "0A81EAA929FEE62EB9CB3A40EFF195CC",
            "ref_idx": "REFIDX_CKcB==",
            "timestamp": datetime.fromisoformat("2026-07-21T02:00:00+00:00").timestamp(),
            "group_openid": "",
        },
    ),
    "c2c_historic": (
        "C2CMessage",
        {"text": "hi", "conversation": C2C, "ref_idx": "", "attachments": (), "quoted": None},
    ),
    "c2c_voice": ("C2CMessage", {"text": "", "images": (), "files": (), "video": None}),
    "group_at": (
        "GroupMessage",
        {
            "id": "ROBOT1.0_G",
            "event_id": "GROUP_AT_MESSAGE_CREATE:1",
            "text": "/weather",
            "content": " /weather ",
            "is_at": True,
            "is_direct": False,
            "is_admin": False,
            "message_type": 0,
            "group_openid": "B2C3D4E5F6A1B2C3D4E5F6A1B2C3D4E5",
            "conversation": ("group", "B2C3D4E5F6A1B2C3D4E5F6A1B2C3D4E5"),
            "member_openid": "A1B2C3D4E5F6A1B2C3D4E5F6A1B2C3D4",
            "sender": "A1B2C3D4E5F6A1B2C3D4E5F6A1B2C3D4",
            "scene": {"msg_idx": "REFIDX_own==", "disable_net_search": "1"},
            "forwarded": (),
            "ark": None,
        },
    ),
    "group_full": (
        "GroupMessage",
        {"text": "status", "is_at": True, "bot_openid": "BOT", "mentions": (), "is_admin": True},
    ),
    "group_quote": ("GroupMessage", {"text": "thanks", "message_type": 103, "is_admin": True}),
    "group_record_quoted": ("GroupMessage", {"text": "", "ref_idx": "REFIDX_zzz=="}),
    "group_ark": ("GroupMessage", {"message_type": 3, "text": "[card] miniapp\nsummary: .."}),
    "group_added": (
        "GroupAdded",
        {
            "group_openid": "G1",
            "op_member_openid": "M1",
            "conversation": GROUP,
            "sender": "M1",
            "timestamp": 1784570534.0,
            "event_id": "GROUP_ADD_ROBOT:7f",
            "is_direct": False,
        },
    ),
    "group_removed": ("GroupRemoved", {"conversation": GROUP, "op_member_openid": "M1"}),
    "group_proactive_allowed": ("GroupProactiveAllowed", {"conversation": GROUP, "sender": "M1"}),
    "group_proactive_refused": ("GroupProactiveRefused", {"conversation": GROUP, "sender": "M1"}),
    "member_joined": (
        "MemberJoined",
        {"conversation": GROUP, "sender": "M2", "member_openid": "M2", "user_openid": "U2"},
    ),
    "member_left": ("MemberLeft", {"conversation": GROUP, "sender": "M2", "user_openid": ""}),
    "friend_added": (
        "FriendAdded",
        {
            "conversation": C2C,
            "sender": "U1",
            "user_openid": "U1",
            "scene": 2003,
            "scene_param": "cb_1",
            "short_code": "sc",
            "union_openid": "X1",
            "is_direct": True,
        },
    ),
    "friend_removed": ("FriendRemoved", {"conversation": C2C, "union_openid": ""}),
    "c2c_proactive_allowed": ("C2CProactiveAllowed", {"conversation": C2C, "sender": "U1"}),
    "c2c_proactive_refused": ("C2CProactiveRefused", {"conversation": C2C, "sender": "U1"}),
    "join_request": (
        "JoinRequest",
        {
            "conversation": GROUP,
            "sender": "M3",
            "join_request_id": "AVK",
            "username": "n",
            "apply_source": "self_apply",
            "verify_method": "verify_message",
            "verify_message": "hi",
            "answers": (),
            "auto_approved": False,
            "timestamp": datetime.fromisoformat("2026-08-05T08:21:40+00:00").timestamp(),
        },
    ),
    "join_request_answers": (
        "JoinRequest",
        {
            "invited_by": "M1",
            "risk_tips": "careful",
            "is_bot": True,
            "union_openid": "X",
            "verify_method": "admin_review_qa",
            "answers": (("1+1?", "2"),),
            "auto_approved": True,
            "strategy_id": "st_7c",
        },
    ),
    "button_group": (
        "Interaction",
        {
            "interaction_id": "1b13",
            "event_id": "INTERACTION_CREATE:1b13",
            "kind": "button",
            "type": 11,
            "scene": "group",
            "chat_type": 1,
            "conversation": GROUP,
            "member_openid": "M1",
            "sender": "M1",
            "button_id": "allow-once",
            "button_data": "confirm:once",
            "needs_acknowledgement": True,
        },
    ),
    "button_c2c": (
        "Interaction",
        {"conversation": C2C, "sender": "U1", "chat_type": 2, "is_direct": True},
    ),
    "button_guild": (
        "Interaction",
        {"conversation": None, "chat_type": 0, "guild_id": "GU", "channel_id": "CH"},
    ),
    "menu": ("Interaction", {"kind": "menu", "feature_id": "feat", "needs_acknowledgement": True}),
    "feedback": (
        "Interaction",
        {
            "kind": "feedback",
            "feedback": "LIKE",
            "checked": True,
            "message_id": "ROBOT1.0_own",
            "message_scene": {"disable_net_search": "1"},
            "needs_acknowledgement": False,
        },
    ),
    "clear_session": ("Interaction", {"kind": "clear_session"}),
    "story": ("Interaction", {"kind": "story", "action": "ENTER_STORY"}),
    "authorize": (
        "Interaction",
        {
            "kind": "user_authorize",
            "chat_type": None,
            "authorize_scope": "c2c_push",
            "authorize_scene": "setting",
        },
    ),
    "subscribe": (
        "SubscribeStatus",
        {
            "conversation": C2C,
            "result": (
                (10001, "tpl_1", "sub_1", True, 1784276820.0),
                (10002, "", "", False, None),
            ),
        },
    ),
    "audit_pass": (
        "AuditResult",
        {
            "passed": True,
            "audit_id": "a-1",
            "message_id": "3",
            "guild_id": "2",
            "channel_id": "1",
            "seq_in_channel": "4",
            "created_at": datetime.fromisoformat("2026-01-04T10:05:40+00:00").timestamp(),
            "timestamp": datetime.fromisoformat("2026-01-04T10:05:42+00:00").timestamp(),
        },
    ),
    "audit_reject": ("AuditResult", {"passed": False, "audit_id": "a-2", "message_id": ""}),
    "enter_aio": ("EnterAio", {"conversation": C2C, "from_source": "card"}),
    "resumed": ("Event", {"raw": {}, "conversation": None, "sender": "", "timestamp": None}),
}
REPLYABLE = {
    "C2CMessage",
    "GroupMessage",
    "GroupAdded",
    "GroupProactiveAllowed",
    "MemberJoined",
    "C2CProactiveAllowed",
    "FriendAdded",
    "Interaction",
}


@pytest.mark.parametrize("sample", SAMPLES)
def test_sample_becomes_its_object(sample, receive):
    """Class and attributes of every event of the protocol sheet."""
    frame = SAMPLES[sample]
    kind, expected = TABLE[sample]
    event = receive(sample, appid="102")
    assert type(event).__name__ == kind
    assert {name: getattr(event, name) for name in expected} == expected
    assert event.name == event.event_name == frame["t"]
    assert event.event_id == frame["id"]
    assert event.received_at == 1784599200.5
    assert isinstance(event, Replyable) == (kind in REPLYABLE)
    if frame["d"]:
        assert event.raw == frame["d"]
        assert event.raw is event.data


@pytest.mark.parametrize("sample", SAMPLES)
def test_event_is_a_frozen_hashable_value_that_hides_secrets(sample, receive):
    """Two deliveries are equal; a copy is, too."""
    event = receive(sample)
    assert event == receive(sample)
    assert hash(event) == hash(receive(sample))
    assert pickle.loads(pickle.dumps(event)) == copy.deepcopy(event) == event
    assert "SECRETKEY" not in repr(event)
    assert type(event).__name__ in repr(event)
    with pytest.raises(FrozenInstanceError):
        event.name = "other"
    assert not hasattr(event, "__dict__")


def test_every_public_type_of_event_is_in_the_table():
    """So that no type goes untested."""
    classes = [value for value in vars(models).values() if isinstance(value, type)]
    leaves = {cls for cls in classes if issubclass(cls, Event) and not cls.__subclasses__()}
    assert {cls.__name__ for cls in leaves} == {kind for kind, _ in TABLE.values()} - {"Event"}


@pytest.mark.parametrize("data", [{"a": 1}, [1, 2], "text", 7, None, True])
def test_unknown_event_keeps_its_payload(data):
    """Whatever JSON it is."""
    event = parse("SOMETHING_NEW", data, event_id="SOMETHING_NEW:1", now=1.0)
    assert type(event) is Event
    assert event.name == "SOMETHING_NEW"
    assert event.raw == (data if isinstance(data, dict) else {"d": data} if data else {})
    assert repr(event) == "Event(name='SOMETHING_NEW', event_id='SOMETHING_NEW:1')"


WHEN = datetime.fromisoformat("2026-07-21T10:00:00+08:00").timestamp()


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("2026-07-21T10:00:00+08:00", WHEN),
        ("2026-07-21T02:00:00Z", WHEN),
        ("2026-07-21t02:00:00z", WHEN),
        ("2026-07-21T10:00:00.5+08:00", WHEN + 0.5),
        ("2026-07-21T02:00:00.500000000z", WHEN + 0.5),
        ("2026-07-21T02:00:00.5000000001234 z", WHEN + 0.5),
        (" 2026-07-21T10:00:00.5+0800 ", WHEN + 0.5),
        ("2026-07-21T10:00:00", WHEN),
        (" 2026-07-21T10:00:00.500", WHEN + 0.5),
        (int(WHEN), WHEN),
        (WHEN + 0.25, WHEN + 0.25),
        (int(WHEN * 1000) + 500, WHEN + 0.5),
        (int(WHEN * 1e6), WHEN),
        (str(int(WHEN)), WHEN),
        (str(int(WHEN) * 1000), WHEN),
        ("1712070511230", 1712070511.23),
        (0, None),
        ("0", None),
        (-5, None),
        (True, None),
        (None, None),
        ("", None),
        ("yesterday", None),
        ("2026-13-45T99:00:00Z", None),
        ("2026-13-45T10:00:00.1z", None),
        ("0001-01-01T00:00:00Z", None),
        ("0001-01-01T00:00:00+23:59", None),
        ("9999-12-31T23:59:59-23:59", 253402387139.0),
        (float("inf"), None),
        (float("nan"), None),
        (10**400, None),
        ("1e999", None),
        ([1], None),
    ],
)
def test_times_in_every_form(written, seconds):
    """Seconds, finer units, RFC3339 in every dialect; nonsense is None."""
    event = parse("FRIEND_DEL", {"timestamp": written, "openid": "U1"}, now=5.0)
    assert event.timestamp == pytest.approx(seconds, abs=1e-3)
    message = parse("C2C_MESSAGE_CREATE", {"timestamp": written}, now=5.0)
    assert message.time == pytest.approx(5.0 if seconds is None else seconds, abs=1e-3)


def test_a_message_is_the_same_under_both_names():
    """A group may deliver both."""
    data = SAMPLES["group_at"]["d"]
    keys = {
        dedupe_key(parse(name, data, event_id=name, now=1.0))
        for name in ("GROUP_AT_MESSAGE_CREATE", "GROUP_MESSAGE_CREATE")
    }
    assert keys == {("group_message", "ROBOT1.0_G")}


@pytest.mark.parametrize(
    ("name", "data", "event_id", "key"),
    [
        ("C2C_MESSAGE_CREATE", {"id": "R"}, "C:1", ("c2c_message", "R")),
        ("INTERACTION_CREATE", {"id": "I"}, "I:1", ("interaction", "I")),
        ("GROUP_ADD_ROBOT", {"id": "no"}, "G:1", ("GROUP_ADD_ROBOT", "G:1")),
        ("NEW", {}, "NEW:1", ("NEW", "NEW:1")),
        ("GROUP_MESSAGE_CREATE", {}, "G:1", ("GROUP_MESSAGE_CREATE", "G:1")),
        ("GROUP_MESSAGE_CREATE", {"id": None}, "", None),
        ("C2C_MESSAGE_CREATE", {}, "", None),
        ("INTERACTION_CREATE", {}, "", None),
        ("GROUP_ADD_ROBOT", {"id": "no"}, "", None),
    ],
)
def test_dedupe_key(name, data, event_id, key):
    """The id of the thing, else of the frame, else nothing."""
    assert dedupe_key(parse(name, data, event_id=event_id, now=1.0)) == key


def test_budget_travels_with_the_event_and_its_changed_copies(receive):
    """Without counting in comparison or repr."""
    event = receive("group_at")
    assert event.budget is None
    budget = object()
    attach_budget(event, budget)
    assert event.budget is budget
    assert replace(event, text="weather").budget is budget
    assert event == receive("group_at")
    assert "object" not in repr(event)


def test_odd_types_are_read_as_far_as_possible(receive):
    """A message stays a message."""
    message = receive(
        "group_at",
        {
            "id": 42,
            "content": None,
            "message_type": "103",
            "author": [],
            "group_openid": None,
            "group_id": 77,
            "attachments": {"0": "x"},
            "mentions": "nobody",
            "message_scene": {"ext": [None, 3, "no pair", "msg_idx=R=="]},
            "ark_data": [],
            "msg_elements": None,
            "timestamp": {},
        },
    )
    assert isinstance(message, GroupMessage)
    assert (message.id, message.content, message.text) == ("42", "", "")
    assert (message.group_openid, message.author.openid, message.ref_idx) == ("77", "", "R==")
    assert (message.attachments, message.mentions, message.ark) == ((), (), None)
    assert message.message_type == 103
    assert message.quoted is not None
    assert message.timestamp is None


@pytest.mark.parametrize(
    ("value", "number"), [(7, 7), ("7", 7), (7.9, 7), ("x", 0), (None, 0), (1e400, 0), ([7], 0)]
)
def test_numbers_in_every_form(receive, value, number):
    """Or zero."""
    assert receive("friend_added", {"scene": value}).scene == number


@pytest.mark.expected_errors
def test_a_bug_in_a_parser_costs_no_event(receive, monkeypatch, caplog):
    """It is logged, and observers of all events still get it."""

    def broken(delivery):
        raise KeyError(delivery.name)

    monkeypatch.setitem(parse.__globals__["_READERS"], "GROUP_AT_MESSAGE_CREATE", broken)
    event = receive("group_at")
    assert type(event) is Event
    assert event.raw == SAMPLES["group_at"]["d"]
    assert "GROUP_AT_MESSAGE_CREATE could not be parsed" in caplog.text


# --- whatever comes -------------------------------------------------------------------------

NAMES = sorted({frame["t"] for frame in SAMPLES.values()})


def keys(value):
    """Yield every key that a sample uses."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(key, str):
            yield key
        if isinstance(inner, (dict, list)):
            yield from keys(inner)


KEYS = sorted({*keys(SAMPLES), "parallel_message", "msg_nodes", "review_qa_list"})
TEXTS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        [
            "<@ABCD> hi &lt;",
            '<faceType=1,faceId="9",ext="eyJ0ZXh0Ijoi5aSn5ZOtIn0=">',
            '<faceType=1,faceId="9",ext="!!">',
            "[题]\n=== 消息 1 ===\n[消息内容] a\n[关联消息]\n--- 第1条 ---\n    [附件1] 大小:1KB",
            "--- 第1条 ---\n=== 消息 1 ===\n            --- 第9条 ---",
            "msg_idx=REFIDX_1",
            "ref_msg_idx=TMP_1",
            "2026-07-21T10:00:00+08:00",
            "103",
        ]
    ),
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.sampled_from([3, 101, 102, 103]))
    | st.floats()
    | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=3), inner, max_size=5)
    ),
    max_leaves=12,
)


def touch(event):
    """Use everything that a handler could look at."""
    for name in dir(type(event)):
        if isinstance(getattr(type(event), name), property) and name not in (
            "replies_left",
            "expires_at",
            "session",
        ):
            getattr(event, name)
    repr(event)
    hash(event)
    dedupe_key(event)


@settings(
    max_examples=150, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
@given(name=st.sampled_from([*NAMES, "NEW"]), data=JSON)
def test_no_payload_is_refused(name, data):
    """And the type depends on the name alone."""
    event = parse(name, data, event_id="X:1", now=1.0, bot_id=["BOT"])
    assert event.name == name
    expected = parse(name, {}, now=1.0)
    assert type(event) is type(expected)
    touch(event)


def places(value, path=()):
    """Yield the path of every value."""
    yield path
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, inner in items:
        yield from places(inner, (*path, key))


SPOTS = [(sample, path) for sample, frame in SAMPLES.items() for path in places(frame["d"]) if path]


@settings(
    max_examples=200, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
@given(spot=st.sampled_from(SPOTS), value=JSON)
def test_one_wrong_value_spoils_no_sample(spot, value):
    """Any value anywhere in a sample may be replaced by any other."""
    sample, path = spot
    frame = SAMPLES[sample]
    data = copy.deepcopy(frame["d"])
    place = data
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    event = parse(frame["t"], data, event_id=frame["id"], now=1.0)
    assert type(event).__name__ == TABLE[sample][0]
    touch(event)


def test_deeply_nested_elements_do_not_exhaust_python():
    """In either form of a chat record."""
    inner = {"content": "end"}
    for _ in range(900):
        inner = {"content": "level", "msg_elements": [inner]}
    message = parse(
        "C2C_MESSAGE_CREATE", {"id": "1", "message_type": 102, "msg_elements": [inner]}, now=1.0
    )
    assert isinstance(message, Message)
    assert message.forwarded[0].text == "level"
    deep = "\n".join(f"{' ' * 4 * n}--- 第1条 ---" for n in range(2000))
    message = parse(
        "C2C_MESSAGE_CREATE",
        {"id": "1", "message_type": 102, "content": f"=== 消息 1 ===\n{deep}"},
        now=1.0,
    )
    assert isinstance(message, Message)
    assert message.forwarded
    touch(message)
