"""People, chats, bots and observers, without sockets."""

import threading

import pytest

from qqgroup_sync.simulator.clock import SimulatedClock
from qqgroup_sync.simulator.platform import Platform
from qqgroup_sync.simulator.refusals import TokenRefusalError
from qqgroup_sync.simulator.rules import Rules

from .bot import APPID


def reply(platform, message, content="hi", **fields):
    """Answer a message as the registered bot."""
    bot = platform.bots[0]
    payload = {"content": content, "msg_id": message.id, **fields}
    return platform.messaging.send(bot, message.chat.openid, payload, c2c=_is_user(message.chat))


def _is_user(chat):
    return hasattr(chat, "befriend")


def test_names_and_openids_lead_to_the_same_group_and_person(platform):
    """Names and openids lead to the same group and person."""
    group = platform.group("g")
    assert platform.group("g") is platform.group(group.openid) is group
    member = group.member("Ming")
    assert group.member(member.openid) is member
    assert platform.user("Ming") is member.user
    assert platform.user("Ming").openid == member.openid
    assert platform.groups == [group]
    assert platform.users == [member.user]


def test_bot_joins_existing_groups_silently(platform):
    """Bot joins existing groups silently."""
    seen = []
    platform.subscribe(lambda kind, _: seen.append(kind))
    group = platform.group("g")
    platform.register_bot("2")
    assert set(group.bots) == {APPID, "2"}
    assert not seen


def test_registering_again_changes_the_bot(platform):
    """Registering again changes the bot."""
    bot = platform.register_bot(APPID, "other", certified=True)
    assert bot is platform.bots[0]
    assert (bot.secret, bot.username, bot.certified) == ("other", "Robot", True)


def test_next_reply_hands_out_each_message_once(platform):
    """Next_reply hands out each message once."""
    group = platform.group("g")
    question = group.member("Ming").say("hello")
    reply(platform, question, "one", msg_seq=1)
    reply(platform, question, "two", msg_seq=2)
    assert group.next_reply().text == "one"
    assert group.next_reply().text == "two"
    with pytest.raises(AssertionError, match="Ming: hello\nRobot: one\nRobot: two"):
        group.next_reply(timeout=0)


def test_next_reply_waits(platform):
    """next_reply waits for a message that comes later."""
    group = platform.group("g")
    question = group.member("Ming").say("hello")
    thread = threading.Timer(0.01, reply, (platform, question))
    thread.start()
    assert group.next_reply(timeout=5).from_bot
    thread.join()


def test_wait_for_sees_old_and_new_messages(platform):
    """Wait_for sees old and new messages."""
    user = platform.user("Ming")
    question = user.say("hello")
    assert user.wait_for(lambda message: message.text == "hello", timeout=0) is question
    thread = threading.Timer(0.01, reply, (platform, question, "later"))
    thread.start()
    assert user.wait_for(lambda message: message.text == "later").reply_to == question.id
    thread.join()
    with pytest.raises(AssertionError, match="Ming: hello"):
        user.wait_for(lambda message: message.text == "never", timeout=0)


def test_messages_are_bounded():
    """Only the newest messages of a chat are remembered."""
    platform = Platform(SimulatedClock(), message_history=3)
    member = platform.group("g").member("Ming")
    said = [member.say(str(number)) for number in range(5)]
    group = member.group
    assert [message.text for message in group.messages] == ["2", "3", "4"]
    assert group.find(said[0].id) is None
    assert group.find_reference(said[0].ref_idx) is None
    assert group.find(said[4].id) is said[4]


def test_muted_member_cannot_speak(platform, clock):
    """Muted member cannot speak."""
    member = platform.group("g").member("Ming")
    member.muted_until = clock.now() + 60
    with pytest.raises(PermissionError, match="muted"):
        member.say("x")
    clock.advance(61)
    member.say("x")


def test_owner_is_made_when_nobody_is(platform):
    """Owner is made when nobody is."""
    group = platform.group("g")
    assert group.owner.name == "Owner"
    other = platform.group("h")
    hong = other.member("Hong", role="owner")
    assert other.owner is hong


def test_stranger_writes_to_nobody(platform):
    """What a stranger writes reaches no bot."""
    member = platform.group("g").member("Ming")
    seen = []
    platform.subscribe(lambda kind, _: seen.append(kind))
    member.user.say("hi")
    assert seen == ["message"]


def test_dropped_friend_stays_dropped(platform):
    """Dropped friend stays dropped."""
    user = platform.user("Ming")
    user.remove_friend()
    seen = []
    platform.subscribe(lambda kind, _: seen.append(kind))
    platform.user("Ming").say("hi")
    assert "event" not in seen


def test_unknown_bot_is_named(platform):
    """Emitting to an unknown bot names it."""
    with pytest.raises(LookupError, match="404"):
        platform.emit("404", "X", {})


def test_emit_returns_the_outer_id(platform):
    """Emit returns the outer id."""
    assert platform.emit(None, "ENTER_AIO", {"user_openid": "U"}).startswith("ENTER_AIO:")
    assert platform.emit(APPID, "ENTER_AIO", {}, outer_id="mine") == "mine"


@pytest.mark.parametrize(
    ("appid", "secret", "code"),
    [("nobody", "x", 100007), ("", "", 100007), (APPID, "wrong", 100016)],
)
def test_token_refusals(platform, appid, secret, code):
    """Unknown bots and wrong secrets have the token endpoint's codes."""
    platform.accept_any = False
    with pytest.raises(TokenRefusalError) as caught:
        platform.token_for(appid, secret)
    assert caught.value.code == code


def test_banned_bot_gets_no_token(platform):
    """Banned bot gets no token."""
    platform.register_bot(APPID, "secret", banned=True)
    with pytest.raises(TokenRefusalError) as caught:
        platform.token_for(APPID, "secret")
    assert caught.value.code == 100007


def test_any_bot_is_accepted_and_token_names_it(platform):
    """Any bot is accepted and token names it."""
    token, life = platform.token_for("new", "whatever")
    assert life == 7200
    assert platform.owner_of(token).appid == "new"
    assert platform.token_for("new", "something else")[0] == token
    assert platform.expire_tokens() == 1
    assert platform.owner_of(token) is None


def test_token_burst(platform):
    """Asking too often gets 100017, where that is limited."""
    platform.change_rules(token_burst=1)
    platform.token_for(APPID, "secret")
    with pytest.raises(TokenRefusalError) as caught:
        platform.token_for(APPID, "secret")
    assert caught.value.code == 100017


def test_change_rules_replaces_some(platform):
    """change_rules replaces the switches that are named."""
    before = platform.rules
    after = platform.change_rules(max_text=10)
    assert (before.max_text, after.max_text) == (4000, 10)
    assert platform.rules is after
    with pytest.raises(TypeError):
        platform.change_rules(no_such_rule=1)


def test_observers_are_called_in_order_without_the_lock(platform):
    """Observers are called in order without the lock."""
    seen = []

    def observer(kind, record):
        assert not platform.lock.locked()
        seen.append(kind)
        if kind == "message" and not record.from_bot:
            reply(platform, record)

    unsubscribe = platform.subscribe(observer)
    platform.group("g").member("Ming").say("hello")
    assert seen == ["message", "event", "message"]
    unsubscribe()
    platform.group("g").member("Ming").say("hello")
    assert len(seen) == 3


def test_observers_mistake_is_logged_and_harms_nobody(platform, expected_errors):
    """Observers mistake is logged and harms nobody."""
    seen = []
    platform.subscribe(lambda *_: 1 / 0)
    platform.subscribe(lambda kind, _: seen.append(kind))
    platform.group("g").member("Ming").say("hello")
    assert seen == ["message", "event"]
    assert [one.exc_info[0] for one in expected_errors] == [ZeroDivisionError] * 2


def test_notices_of_many_threads_are_all_told(platform):
    """Notices of many threads are all told."""
    seen = []
    platform.subscribe(lambda kind, record: seen.append(record.content))
    members = [platform.group("g").member(f"m{number}") for number in range(4)]
    platform.change_rules(mention_self=False)

    def talk(member):
        for number in range(200):
            member.say(str(number), at=False)

    threads = [threading.Thread(target=talk, args=(member,)) for member in members]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    platform.report("api", members[0].say("end", at=False))
    assert len(seen) == 802


def test_many_messages_stay_bounded():
    """Windows, histories and replay are bounded under many messages."""
    clock = SimulatedClock(speed=0, start=0.0)
    platform = Platform(clock, rules=Rules(quotas=False), message_history=100, replay_limit=50)
    platform.register_bot(APPID)
    member = platform.group("g").member("Ming")
    for _ in range(2_000):
        reply(platform, member.say("x"))
        clock.advance(1)
    assert len(platform.windows) <= 302
    assert len(member.group.messages) == 100
    assert platform.stats["messages_said"] == platform.stats["replies_accepted"] == 2_000
    assert platform.stats["events_dropped"] == 2_000
