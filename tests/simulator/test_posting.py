"""On what ground a bot's message stands: one test per code of the send endpoints."""

import pytest

from qqgroup_sync.simulator.messaging import Messaging
from qqgroup_sync.simulator.records import MediaFile
from qqgroup_sync.simulator.refusals import RefusalError
from qqgroup_sync.simulator.rules import DAY

TYPING = {"msg_type": 6, "input_notify": {"input_type": 1, "input_second": 10}}


class Sender:
    """Sends as the registered bot."""

    def __init__(self, platform):
        self.platform = platform
        self.messaging = Messaging(platform)

    def __call__(self, chat, content="hi", **fields):
        payload = {"content": content, **fields} if content is not None else fields
        c2c = hasattr(chat, "befriend")
        return self.messaging.send(self.platform.bots[0], chat.openid, payload, c2c=c2c)

    def code(self, *args, **fields):
        with pytest.raises(RefusalError) as caught:
            self(*args, **fields)
        return caught.value.err_code


@pytest.fixture
def send(platform):
    return Sender(platform)


@pytest.fixture
def group(platform):
    return platform.group("g")


@pytest.fixture
def ming(group):
    return group.member("Ming")


@pytest.fixture
def user(platform):
    return platform.user("Ming")


def test_reply_is_in_the_chat(send, group, ming):
    question = ming.say("hello")
    answer = send(group, msg_id=question.id, msg_seq=7)
    message = group.messages[-1]
    assert answer == {
        "id": message.id,
        "timestamp": "2026-07-21T02:00:00+08:00",
        "ext_info": {"ref_idx": message.ref_idx},
    }
    assert message.ref_idx.startswith("REFIDX_")
    assert message.ref_idx.endswith("==")
    assert (message.reply_to, message.msg_seq, message.proactive) == (question.id, 7, False)
    assert message.sender.name == "Robot"
    assert message.raw["msg_seq"] == 7


def test_markdown_and_keyboard_are_kept(send, group, ming):
    button = {"id": "b", "render_data": {"label": "OK"}, "action": {"type": 1, "data": "x"}}
    keyboard = {"content": {"rows": [{"buttons": [button]}]}}
    fields = {"msg_type": 2, "markdown": {"content": "# hi"}, "keyboard": keyboard}
    send(group, None, msg_id=ming.say("x").id, **fields)
    message = group.messages[-1]
    assert (message.msg_type, message.content) == (2, "# hi")
    assert message.button("b") == button
    assert message.button("c") is None


def test_unknown_chats(send, platform, group):
    class Nowhere:
        openid = "F" * 32

    assert send.code(Nowhere()) == 11255
    with pytest.raises(RefusalError) as caught:
        send.messaging.send(platform.bots[0], group.openid, {"content": "x"}, c2c=True)
    assert caught.value.err_code == 11255


def test_refused_post_uses_nothing_up(send, group, ming):
    question = ming.say("hello")
    for _ in range(10):
        assert send.code(group, "", msg_id=question.id, msg_seq=1) == 304061
    send(group, msg_id=question.id, msg_seq=1)


@pytest.mark.parametrize(("scene", "limit"), [("group", 5), ("c2c", 4)])
def test_reply_count(send, group, ming, user, scene, limit):
    chat, question = (group, ming.say("x")) if scene == "group" else (user, user.say("x"))
    for sequence in range(limit):
        send(chat, msg_id=question.id, msg_seq=sequence)
    assert send.code(chat, msg_id=question.id, msg_seq=99) == 40034128


@pytest.mark.parametrize(("scene", "seconds"), [("group", 300), ("c2c", 3600)])
def test_reply_window(send, clock, group, ming, user, scene, seconds):
    chat, question = (group, ming.say("x")) if scene == "group" else (user, user.say("x"))
    clock.advance(seconds)
    send(chat, msg_id=question.id)
    clock.advance(1)
    assert send.code(chat, msg_id=question.id, msg_seq=2) == 40034005


def test_expired_is_still_told_when_the_window_is_forgotten(send, clock, group, ming):
    question = ming.say("x")
    clock.advance(1000)
    ming.say("y")
    assert send.code(group, msg_id=question.id) == 40034005


def test_window_rules_can_be_changed(send, platform, clock, user):
    platform.change_rules(c2c_window=300, c2c_replies=5)
    question = user.say("x")
    for sequence in range(5):
        send(user, msg_id=question.id, msg_seq=sequence)
    clock.advance(301)
    assert send.code(user, msg_id=question.id, msg_seq=9) == 40034005


def test_deduplication(send, platform, group, ming):
    question = ming.say("x")
    send(group, msg_id=question.id)
    assert send.code(group, msg_id=question.id) == 40054005
    assert send.code(group, msg_id=question.id, msg_seq=1) == 40054005
    send(group, msg_id=question.id, msg_seq=2)
    assert platform.stats["duplicates_refused"] == 2


@pytest.mark.parametrize("sequence", ["1", 1.5, True])
def test_msg_seq_must_be_an_integer(send, group, ming, sequence):
    assert send.code(group, msg_id=ming.say("x").id, msg_seq=sequence) == 11255


def test_msg_id_of_elsewhere(send, platform, group, ming, user):
    assert send.code(group, msg_id="ROBOT1.0_nope") == 40034024
    assert send.code(group, msg_id=user.say("x").id) == 40034024
    assert send.code(user, msg_id=ming.say("x").id) == 40034024
    assert send.code(platform.group("h"), msg_id=ming.say("x").id) == 40034024


def test_msg_id_that_was_never_delivered(send, group, ming):
    assert send.code(group, msg_id=ming.say("x", at=False).id) == 40034024


def test_own_message_cannot_be_answered(send, group, ming):
    own = send(group, msg_id=ming.say("x").id)["id"]
    assert send.code(group, msg_id=own) == 50045


def test_bot_outside_muted_or_dropped(send, clock, group, ming, user):
    question = ming.say("x")
    group.mute_bot(60)
    assert send.code(group, msg_id=question.id) == 40054002
    clock.advance(61)
    send(group, msg_id=question.id)
    group.remove_bot()
    assert send.code(group, msg_id=question.id) == 40054003
    user.remove_friend()
    assert send.code(user) == 40054004
    user.add_friend()
    send(user)


def test_group_member_is_no_friend(send, platform, group):
    stranger = group.member("Stranger")
    assert send.code(stranger.user) == 40054004


# -- event_id


def test_event_id(send, group):
    event_id = group.add_bot()
    send(group, event_id=event_id)
    assert group.messages[-1].reply_to == event_id
    assert not group.messages[-1].proactive


def test_events_that_can_be_answered(send, platform, group, user):
    group.set_bot_role("admin")
    found = {}
    platform.subscribe(
        lambda kind, record: found.update({record.name: record.id}) if kind == "event" else None
    )
    hong = group.join("Hong")
    group.allow_push(True)
    group.remove(hong)
    group.member("Ming").say("x")
    user.allow_push(True)
    user.add_friend()
    for name in ("GROUP_MEMBER_ADD", "GROUP_MSG_RECEIVE"):
        send(group, event_id=found[name])
    for name in ("GROUP_MEMBER_REMOVE", "GROUP_AT_MESSAGE_CREATE"):
        assert send.code(group, event_id=found[name]) == 40034027
    for name in ("C2C_MSG_RECEIVE", "FRIEND_ADD"):
        send(user, event_id=found[name])
    assert send.code(user, event_id=found["GROUP_MSG_RECEIVE"]) == 40034025
    assert send.code(group, event_id=found["FRIEND_ADD"]) == 40034025


def test_unknown_event_ids(send, group):
    assert send.code(group, event_id="1b13d569-bare-uuid") == 40034025
    assert send.code(group, event_id="GROUP_ADD_ROBOT:unknown") == 40034025


def test_event_window_and_count(send, clock, group):
    event_id = group.add_bot()
    for _ in range(5):
        send(group, event_id=event_id)
    assert send.code(group, event_id=event_id) == 40034128
    event_id = group.allow_push(True)
    clock.advance(301)
    assert send.code(group, event_id=event_id) == 40034026


def test_event_deduplication(send, platform, group):
    event_id = group.add_bot()
    send(group, event_id=event_id, msg_seq=3)
    assert send.code(group, event_id=event_id, msg_seq=3) == 40054005
    platform.change_rules(event_dedupe=False)
    send(group, event_id=event_id, msg_seq=3)


def test_event_id_beside_msg_id(send, group, ming):
    event_id = group.add_bot()
    assert send.code(group, event_id=event_id, msg_id=ming.say("x").id) == 40034025


# -- unasked


def test_proactive_switch(send, platform, group, user):
    send(group)
    assert group.messages[-1].proactive
    group.allow_push(False)
    assert send.code(group) == 40034105
    user.allow_push(False)
    assert send.code(user) == 40034105
    platform.change_rules(push_refused=40034102)
    assert send.code(group) == 40034102
    group.allow_push(True)
    send(group)


def test_proactive_default_is_a_rule(send, platform):
    platform.change_rules(group_push=False)
    assert send.code(platform.group("closed")) == 40034105


def test_proactive_quota(send, platform, clock, group):
    for _ in range(20):
        send(group)
    assert send.code(group) == 40034100
    clock.advance(61)
    send(group)


def test_replies_do_not_use_quotas(send, group, ming):
    for _ in range(20):
        send(group)
    send(group, msg_id=ming.say("x").id)


@pytest.mark.parametrize("how", ["sandbox", "rule"])
def test_quotas_can_be_lifted(send, platform, record, group, how):
    if how == "sandbox":
        record.sandbox = True
    else:
        platform.change_rules(quotas=False)
    for _ in range(50):
        send(group)


# -- wake-up


def test_wakeup_once_per_period(send, clock, user):
    user.say("x")
    for days in (0.5, 1, 4, 20):
        clock.advance(days * DAY)
        send(user, is_wakeup=True)
        assert user.messages[-1].wakeup
        assert send.code(user, is_wakeup=True) == 40034122
    clock.advance(10 * DAY)
    assert send.code(user, is_wakeup=True) == 40034123
    user.say("y")
    send(user, is_wakeup=True)


def test_wakeup_refusals(send, platform, group, user):
    assert send.code(user, is_wakeup=True) == 40034123
    assert send.code(group, is_wakeup=True) == 40034123
    question = user.say("x")
    assert send.code(user, is_wakeup=True, msg_id=question.id) == 11255
    user.allow_push(False)
    assert send.code(user, is_wakeup=True) == 40034105
    platform.change_rules(group_wakeup=True)
    send(group, is_wakeup=True)


# -- typing


def test_typing_uses_one_reply_and_is_no_message(send, platform, record, user, clock):
    question = user.say("x")
    send(user, None, msg_id=question.id, msg_seq=1, **TYPING)
    assert user.contact(record).typing_until == clock.now() + 10
    for sequence in (2, 3, 4):
        send(user, msg_id=question.id, msg_seq=sequence)
    assert send.code(user, msg_id=question.id, msg_seq=5) == 40034128
    assert user.contact(record).typing_until == 0
    assert [message.from_bot for message in user.messages] == [False, True, True, True]


def test_typing_is_free_on_demand(send, platform, user):
    platform.change_rules(typing_counts=False)
    question = user.say("x")
    send(user, None, msg_id=question.id, msg_seq=9, **TYPING)
    for sequence in range(4):
        send(user, msg_id=question.id, msg_seq=sequence)


def test_typing_is_reported(send, platform, user):
    seen = []
    platform.subscribe(lambda kind, record: seen.append((kind, record)))
    send(user, None, **TYPING)
    ((kind, typing),) = seen
    assert kind == "typing"
    assert typing.user is user


# -- media and quotes


def test_media(send, platform, clock, group, user):
    later = clock.now() + 60
    platform.media["G"] = MediaFile("G", "group", 1, expires_at=later)
    platform.media["U"] = MediaFile("U", "c2c", 1)
    send(group, None, msg_type=7, media={"file_info": "G"})
    send(user, None, msg_type=7, media={"file_info": "U"})
    assert send.code(group, None, msg_type=7, media={"file_info": "U"}) == 304080
    assert send.code(group, None, msg_type=7, media={"file_info": "nope"}) == 304080
    clock.advance(61)
    assert send.code(group, None, msg_type=7, media={"file_info": "G"}) == 304080


def test_quote(send, platform, group, ming):
    question = ming.say("x")
    for_question = {"message_reference": {"message_id": question.ref_idx}}
    unknown = {"message_reference": {"message_id": question.id}}
    send(group, **for_question)
    assert group.messages[-1].quote_ref == question.ref_idx
    send(group, **unknown)
    assert group.messages[-1].quote_ref is None
    platform.change_rules(unknown_reference="refuse")
    send(group, **for_question)
    assert send.code(group, **unknown) == 304026


# -- bots hear bots


def test_full_mode_delivers_other_bots_and_own_on_demand(send, platform, group):
    seen = []
    platform.subscribe(
        lambda kind, record: (
            seen.append((record.appid, record.data)) if kind == "event" else None
        )
    )
    platform.register_bot("2")
    send(group)
    assert not seen
    group.full_mode = True
    send(group)
    ((appid, d),) = seen
    assert appid == "2"
    assert d["author"]["bot"] is True
    platform.change_rules(echo_own=True, deliver_bots=False)
    send(group)
    assert seen[1][0] == platform.bots[0].appid
