"""On what ground a bot's message stands: one test per code of the send endpoints."""

import pytest

from qqgroup_sync.simulator.refusals import RefusalError
from qqgroup_sync.simulator.rules import DAY
from qqgroup_sync.simulator.shelf import MediaFile

TYPING = {"msg_type": 6, "input_notify": {"input_type": 1, "input_second": 10}}


class FakeLink:
    """A gateway connection that goes nowhere."""

    session = None

    def send(self, text):
        pass


class Sender:
    """Sends as the registered bot."""

    def __init__(self, platform):
        self.platform = platform
        self.messaging = platform.messaging

    def __call__(self, chat, content="hi", **fields):
        payload = {"content": content, **fields} if content is not None else fields
        c2c = hasattr(chat, "befriend")
        return self.messaging.send(self.platform.bots[0], chat.openid, payload, c2c=c2c)

    def code(self, *args, **fields):
        with pytest.raises(RefusalError) as caught:
            self(*args, **fields)
        return caught.value.err_code


@pytest.fixture(params=["group", "c2c"])
def asked(request, group, ming, user):
    """A chat and a message in it, for both scenes."""
    return (group, ming.say("x")) if request.param == "group" else (user, user.say("x"))


@pytest.fixture
def send(platform):
    """Sends as the registered bot."""
    return Sender(platform)


@pytest.fixture
def group(platform):
    """A group the bot is a member of."""
    return platform.group("g")


@pytest.fixture
def ming(group):
    """A member of the group."""
    return group.member("Ming")


@pytest.fixture
def user(platform):
    """A friend of the bot."""
    return platform.user("Ming")


def test_reply_is_in_the_chat(send, group, ming):
    """An accepted reply is answered as documented and remembered with all it carried."""
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
    """Markdown and keyboard are kept."""
    button = {"id": "b", "render_data": {"label": "OK"}, "action": {"type": 1, "data": "x"}}
    keyboard = {"content": {"rows": [{"buttons": [button]}]}}
    fields = {"msg_type": 2, "markdown": {"content": "# hi"}, "keyboard": keyboard}
    send(group, None, msg_id=ming.say("x").id, **fields)
    message = group.messages[-1]
    assert (message.msg_type, message.content) == (2, "# hi")
    assert message.button("b") == button
    assert message.button("c") is None


def test_unknown_chats(send, platform, group):
    """An openid of nobody, or of the other scene, gets 11255."""

    class Nowhere:
        openid = "F" * 32

    assert send.code(Nowhere()) == 11255
    with pytest.raises(RefusalError) as caught:
        send.messaging.send(platform.bots[0], group.openid, {"content": "x"}, c2c=True)
    assert caught.value.err_code == 11255


def test_refused_post_uses_nothing_up(send, group, ming):
    """A refused message uses up neither msg_seq nor budget."""
    question = ming.say("hello")
    for _ in range(10):
        assert send.code(group, "", msg_id=question.id, msg_seq=1) == 304061
    send(group, msg_id=question.id, msg_seq=1)


def test_reply_count(send, group, asked):
    """Five answers in a group, four in C2C, then 40034128."""
    chat, question = asked
    for sequence in range(5 if chat is group else 4):
        send(chat, msg_id=question.id, msg_seq=sequence)
    assert send.code(chat, msg_id=question.id, msg_seq=99) == 40034128


def test_reply_window(send, clock, group, asked):
    """Five minutes in a group, sixty in C2C, then 40034005."""
    chat, question = asked
    clock.advance(300 if chat is group else 3600)
    send(chat, msg_id=question.id)
    clock.advance(1)
    assert send.code(chat, msg_id=question.id, msg_seq=2) == 40034005


def test_expired_is_still_told_when_the_window_is_forgotten(send, clock, group, ming):
    """Expired is still told when the window is forgotten."""
    question = ming.say("x")
    clock.advance(1000)
    ming.say("y")
    assert send.code(group, msg_id=question.id) == 40034005


def test_window_rules_can_be_changed(send, platform, clock, user):
    """Window rules can be changed."""
    platform.change_rules(c2c_window=300, c2c_replies=5)
    question = user.say("x")
    for sequence in range(5):
        send(user, msg_id=question.id, msg_seq=sequence)
    clock.advance(301)
    assert send.code(user, msg_id=question.id, msg_seq=9) == 40034005


def test_deduplication(send, platform, group, ming):
    """The same (msg_id, msg_seq) twice is 40054005; the default msg_seq is 1."""
    question = ming.say("x")
    send(group, msg_id=question.id)
    assert send.code(group, msg_id=question.id) == 40054005
    assert send.code(group, msg_id=question.id, msg_seq=1) == 40054005
    send(group, msg_id=question.id, msg_seq=2)
    assert platform.stats["duplicates_refused"] == 2


@pytest.mark.parametrize("sequence", ["1", 1.5, True])
def test_msg_seq_must_be_an_integer(send, group, ming, sequence):
    """msg_seq must be an integer."""
    assert send.code(group, msg_id=ming.say("x").id, msg_seq=sequence) == 11255


def test_msg_id_of_elsewhere(send, platform, group, ming, user):
    """Unknown ids and ids of another chat get 40034024."""
    assert send.code(group, msg_id="ROBOT1.0_nope") == 40034024
    assert send.code(group, msg_id=user.say("x").id) == 40034024
    assert send.code(user, msg_id=ming.say("x").id) == 40034024
    assert send.code(platform.group("h"), msg_id=ming.say("x").id) == 40034024


def test_msg_id_that_was_never_delivered(send, group, ming):
    """Msg_id that was never delivered."""
    assert send.code(group, msg_id=ming.say("x", at=False).id) == 40034024


def test_own_message_cannot_be_answered(send, group, ming):
    """Own message cannot be answered."""
    own = send(group, msg_id=ming.say("x").id)["id"]
    assert send.code(group, msg_id=own) == 50045


def test_bot_outside_muted_or_dropped(send, clock, group, ming, user):
    """40054002 while muted, 40054003 outside, 40054004 when no friend."""
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
    """A member of a common group is no friend: 40054004."""
    stranger = group.member("Stranger")
    assert send.code(stranger.user) == 40054004


# -- event_id


def test_event_id(send, group):
    """The outer id of an event is a ground for a reply."""
    event_id = group.add_bot()
    send(group, event_id=event_id)
    assert group.messages[-1].reply_to == event_id
    assert not group.messages[-1].proactive


def test_events_that_can_be_answered(send, platform, group, user):
    """Only the events of 2.4 can be answered, each in its own chat."""
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
    """A bare interaction id, or a made-up one, gets 40034025."""
    assert send.code(group, event_id="1b13d569-bare-uuid") == 40034025
    assert send.code(group, event_id="GROUP_ADD_ROBOT:unknown") == 40034025


def test_event_window_and_count(send, clock, group):
    """40034128 after five answers, 40034026 after five minutes."""
    event_id = group.add_bot()
    for _ in range(5):
        send(group, event_id=event_id)
    assert send.code(group, event_id=event_id) == 40034128
    event_id = group.allow_push(True)
    clock.advance(301)
    assert send.code(group, event_id=event_id) == 40034026


def test_event_deduplication(send, platform, group):
    """A repeated explicit msg_seq is refused, unless the rule is off (section 10.7)."""
    event_id = group.add_bot()
    send(group, event_id=event_id, msg_seq=3)
    assert send.code(group, event_id=event_id, msg_seq=3) == 40054005
    platform.change_rules(event_dedupe=False)
    send(group, event_id=event_id, msg_seq=3)


def test_event_id_beside_msg_id(send, group, ming):
    """msg_id and event_id exclude each other."""
    event_id = group.add_bot()
    assert send.code(group, event_id=event_id, msg_id=ming.say("x").id) == 40034025


# -- unasked


def test_proactive_switch(send, platform, group, user):
    """Where unasked messages are switched off they get 40034105."""
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
    """Whether new groups allow unasked messages is a rule."""
    platform.change_rules(group_push=False)
    assert send.code(platform.group("closed")) == 40034105


def test_proactive_quota(send, platform, clock, group):
    """Twenty a minute in one group, then 40034100."""
    for _ in range(20):
        send(group)
    assert send.code(group) == 40034100
    clock.advance(61)
    send(group)


def test_replies_do_not_use_quotas(send, group, ming):
    """Replies are accepted when the quota of unasked messages is used up."""
    for _ in range(20):
        send(group)
    send(group, msg_id=ming.say("x").id)


@pytest.mark.parametrize("how", ["sandbox", "rule"])
def test_quotas_can_be_lifted(send, platform, record, group, how):
    """Sandbox bots have no quotas (2.5), nor has anybody without the rule."""
    if how == "sandbox":
        record.sandbox = True
    else:
        platform.change_rules(quotas=False)
    for _ in range(50):
        send(group)


# -- wake-up


def test_wakeup_once_per_period(send, clock, user):
    """One wake-up message per period; speaking starts afresh (2.5)."""
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
    """Groups, strangers and other grounds do not go with is_wakeup."""
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
    """Typing uses one reply and is no message."""
    question = user.say("x")
    send(user, None, msg_id=question.id, msg_seq=1, **TYPING)
    assert user.contact(record).typing_until == clock.now() + 10
    for sequence in (2, 3, 4):
        send(user, msg_id=question.id, msg_seq=sequence)
    assert send.code(user, msg_id=question.id, msg_seq=5) == 40034128
    assert user.contact(record).typing_until == 0
    assert [message.from_bot for message in user.messages] == [False, True, True, True]


def test_typing_is_free_on_demand(send, platform, user):
    """Typing uses nothing up where the rule says so (section 10.5)."""
    platform.change_rules(typing_counts=False)
    question = user.say("x")
    send(user, None, msg_id=question.id, msg_seq=9, **TYPING)
    for sequence in range(4):
        send(user, msg_id=question.id, msg_seq=sequence)


def test_typing_is_reported(send, platform, user):
    """Observers see a bot typing."""
    seen = []
    platform.subscribe(lambda kind, record: seen.append((kind, record)))
    send(user, None, **TYPING)
    ((kind, typing),) = seen
    assert kind == "typing"
    assert typing.user is user


# -- media and quotes


def test_media(send, platform, clock, group, user):
    """A file_info is good for its scene and its life only: 304080."""
    later = clock.now() + 60
    platform.media.shelf.keep(MediaFile("G", "group", 1, expires_at=later))
    platform.media.shelf.keep(MediaFile("U", "c2c", 1))
    send(group, None, msg_type=7, media={"file_info": "G"})
    send(user, None, msg_type=7, media={"file_info": "U"})
    assert send.code(group, None, msg_type=7, media={"file_info": "U"}) == 304080
    assert send.code(group, None, msg_type=7, media={"file_info": "nope"}) == 304080
    clock.advance(61)
    assert send.code(group, None, msg_type=7, media={"file_info": "G"}) == 304080


def test_quote(send, platform, group, ming):
    """A REFIDX is resolved; what happens to anything else is a rule (5.8)."""
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


def test_what_is_sent_offline_can_be_swallowed(send, platform, record, group):
    """Between two gateway connections sends are accepted and never shown, on demand (3.7)."""
    platform.change_rules(swallow_offline=True)
    assert send(group)["id"].startswith("ROBOT1.0_")
    assert group.messages == []
    assert platform.stats["messages_swallowed"] == 1
    platform.identify(record, {"intents": 1 << 25, "shard": [0, 1]}, FakeLink())
    send(group)
    assert len(group.messages) == 1


# -- bots hear bots


def test_full_mode_delivers_other_bots_and_own_on_demand(send, platform, group):
    """Full mode delivers other bots and own on demand."""
    seen = []
    platform.subscribe(
        lambda kind, record: seen.append((record.appid, record.data)) if kind == "event" else None
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
    own = send(group)["id"]
    assert (seen[1][0], seen[1][1]["id"]) == (platform.bots[0].appid, own)
    assert send.code(group, msg_id=own) == 50045
