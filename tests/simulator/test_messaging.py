"""Recalls, clicks and their acknowledgement, audits."""

import pytest

from qqgroup_sync.simulator.refusals import RefusalError


@pytest.fixture
def messaging(platform):
    """The rules under test."""
    return platform.messaging


@pytest.fixture
def group(platform):
    """A group the bot is a member of."""
    return platform.group("g")


def refusal(call, *args, **kwargs):
    """Return the code a call is refused with."""
    with pytest.raises(RefusalError) as caught:
        call(*args, **kwargs)
    return caught.value.err_code


def keyboard(**action):
    """Build a keyboard with one callback button."""
    button = {"id": "b", "render_data": {"label": "OK"}, "action": {"type": 1, **action}}
    return {"content": {"rows": [{"buttons": [button]}]}}


def send_button(messaging, bot, chat, **action):
    """Let the bot send a button and return the message."""
    payload = {"msg_type": 2, "markdown": {"content": "?"}, "keyboard": keyboard(**action)}
    messaging.send(bot, chat.openid, payload, c2c=hasattr(chat, "befriend"))
    return chat.messages[-1]


# -- recall


def test_own_message_for_two_minutes(messaging, platform, clock, record, group):
    """A bot takes back its own message for 120 s, then gets 40064004."""
    seen = []
    for _ in range(2):
        messaging.send(record, group.openid, {"content": "x"}, c2c=False)
    first, second = group.messages
    platform.subscribe(lambda kind, message: seen.append((kind, message)))
    clock.advance(120)
    messaging.recall(record, group.openid, first.id, c2c=False)
    assert first.recalled
    assert seen == [("recall", first)]
    assert "(recalled)" in group.transcript
    clock.advance(1)
    assert refusal(messaging.recall, record, group.openid, second.id, c2c=False) == 40064004


def test_recall_refusals(messaging, record, group, platform):
    """Foreign and unknown messages are not recalled, except by an administrator."""
    foreign = group.member("Ming").say("x")
    args = record, group.openid, foreign.id
    assert refusal(messaging.recall, *args, c2c=False) == 40062003
    assert refusal(messaging.recall, record, group.openid, "nope", c2c=False) == 40061002
    group.set_bot_role("admin")
    messaging.recall(*args, c2c=False)
    assert refusal(messaging.recall, *args, c2c=False) == 40061002
    user = platform.user("Ming")
    said = user.say("x")
    assert refusal(messaging.recall, record, user.openid, said.id, c2c=True) == 40062003
    assert refusal(messaging.recall, record, group.openid, said.id, c2c=True) == 306009


# -- clicks


@pytest.mark.parametrize("scene", ["group", "c2c"])
def test_click(messaging, platform, record, group, scene):
    """A click is an INTERACTION_CREATE whose outer id can be answered, not its ``d.id``."""
    seen = []
    platform.subscribe(lambda kind, one: seen.append(one) if kind == "event" else None)
    person = group.member("Ming") if scene == "group" else platform.user("Ming")
    chat = group if scene == "group" else person
    message = send_button(messaging, record, chat, data="payload")
    interaction = person.click(message, "b")
    (event,) = seen
    assert event.id == interaction.event_id == f"INTERACTION_CREATE:{interaction.id}"
    d = event.data
    assert d["id"] == interaction.id
    assert d["data"]["resolved"] == {"button_data": "payload", "button_id": "b"}
    assert (d["scene"], d["chat_type"]) == (scene, 1 if scene == "group" else 2)
    if scene == "group":
        assert d["group_openid"] == group.openid
        assert d["group_member_openid"] == person.openid
    else:
        assert d["user_openid"] == person.openid
    answer = {"content": "done", "event_id": event.id}
    messaging.send(record, chat.openid, answer, c2c=scene == "c2c")
    wrong = {"content": "done", "event_id": d["id"]}
    args = record, chat.openid, wrong
    assert refusal(messaging.send, *args, c2c=scene == "c2c") == 40034025


def test_acknowledgement(messaging, platform, clock, record, group):
    """The acknowledgement, its code and its delay are seen by the person who clicked."""
    seen = []
    message = send_button(messaging, record, group)
    interaction = group.member("Ming").click(message, "b")
    platform.subscribe(lambda kind, one: seen.append((kind, one)))
    assert not interaction.acknowledged
    assert interaction.ack_seconds is None
    clock.advance(2)
    messaging.acknowledge(record, interaction.id, 3, {"x": 1})
    assert interaction.wait_acknowledged(0) is interaction
    assert (interaction.ack_code, interaction.ack_data) == (3, {"x": 1})
    assert interaction.ack_seconds == 2
    assert not interaction.timed_out
    assert seen == [("ack", interaction)]


def test_late_acknowledgement(messaging, clock, platform, record, group):
    """After 3 s the click has timed out, and the acknowledgement is only noted."""
    interaction = group.member("Ming").click(send_button(messaging, record, group), "b")
    with pytest.raises(AssertionError, match="not acknowledged"):
        interaction.wait_acknowledged(0)
    clock.advance(3.1)
    messaging.acknowledge(record, interaction.id, 0)
    assert interaction.timed_out
    assert platform.stats["acks_late"] == 1


def test_acknowledgement_refusals(messaging, platform, record, group):
    """Unknown, foreign and repeated acknowledgements have their codes (2.8)."""
    interaction = group.member("Ming").click(send_button(messaging, record, group), "b")
    assert refusal(messaging.acknowledge, record, "nope", 0) == 630001
    other = platform.register_bot("2")
    assert refusal(messaging.acknowledge, other, interaction.id, 0) == 630003
    messaging.acknowledge(record, interaction.id, 0)
    assert refusal(messaging.acknowledge, record, interaction.id, 1) == 630005
    platform.change_rules(second_ack="ignore")
    messaging.acknowledge(record, interaction.id, 1)
    assert interaction.ack_code == 0


def test_emitted_interactions_can_be_acknowledged(messaging, platform, record):
    """Menu clicks and the like, emitted by hand, expect their acknowledgement too (4.8)."""
    d = {"id": "i-1", "type": 14, "scene": "c2c", "user_openid": platform.user("Ming").openid}
    platform.emit(None, "INTERACTION_CREATE", d)
    messaging.acknowledge(record, "i-1", 0)
    assert platform.interaction("i-1").ack_code == 0
    assert platform.interaction("i-2") is None


@pytest.mark.parametrize(
    ("permission", "role", "allowed"),
    [
        (None, "member", True),
        ({"type": 2}, "member", True),
        ({"type": 1}, "member", False),
        ({"type": 1}, "admin", True),
        ({"type": 0, "specify_user_ids": []}, "owner", False),
        ({"type": 0}, "member", False),
    ],
)
def test_button_permissions(messaging, group, permission, role, allowed):
    """Listed people, administrators, everybody (5.4)."""
    action = {} if permission is None else {"permission": permission}
    record = group.platform.bots[0]
    message = send_button(messaging, record, group, **action)
    ming = group.member("Ming", role=role)
    if allowed:
        ming.click(message, "b")
    else:
        with pytest.raises(PermissionError, match="not for Ming"):
            ming.click(message, "b")


def test_listed_person_may_click(messaging, record, group):
    """A listed person may click."""
    ming = group.member("Ming")
    permission = {"type": 0, "specify_user_ids": [ming.openid]}
    ming.click(send_button(messaging, record, group, permission=permission), "b")


def test_impossible_clicks(messaging, record, group):
    """A test that clicks what is not there is told so."""
    ming = group.member("Ming")
    with pytest.raises(LookupError, match="no button 'x'"):
        ming.click(send_button(messaging, record, group), "x")
    with pytest.raises(LookupError, match="no button"):
        ming.click(ming.say("x"), "b")
    with pytest.raises(ValueError, match="action type 2"):
        ming.click(send_button(messaging, record, group, type=2), "b")


# -- audit


def test_audit_marks_the_message(messaging, record, group):
    """An audit marks the message until its verdict comes."""
    sent = messaging.send(record, group.openid, {"content": "x"}, c2c=False)
    message = messaging.find(sent["id"])
    assert message is group.messages[0]
    audit_id = messaging.audit(message)
    assert message.audit_id == audit_id
    assert messaging.decide_audit(audit_id, passed=True).startswith("MESSAGE_AUDIT_PASS:")
    assert messaging.find("nope") is None
