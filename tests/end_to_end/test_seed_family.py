"""What AmiyaBot promises and no other test proves; ``docs/amiyabot.md`` has the whole table."""

from __future__ import annotations

import threading

import pytest

from qqgroup_sync import Chain, Equal, GroupAdded, QQGroupError
from qqgroup_sync.runtime.clock import Clock
from tests.media.samples import picture
from tests.waiting import eventually


@pytest.fixture
def client(make_client):
    """A client in real time; not started."""
    return make_client(clock=Clock(), state=None)


@pytest.fixture
def group(sim):
    """A group whose bot hears everything."""
    group = sim.platform.group("g")
    group.full_mode = True
    return group


def started(client):
    """Start a client and wait for it."""
    client.start()
    assert client.wait_ready(10)


def heard(client, say):
    """Return the message that a handler of the client gets when ``say`` is called."""
    kept, came = [], threading.Event()
    client.on_message(level=9, check_prefix=False)(lambda m: kept.append(m) or came.set())
    started(client)
    said = say()
    assert came.wait(10)
    return kept[0], said


# ---------------------------------------------------------------------- on_message


def test_private_messages_only_where_a_handler_wants_them(client, sim, group):
    """allow_direct and direct_only, both False by default as in the seed family."""
    client.on_group_message(keywords="a")(lambda m: "group only")
    client.on_group_message(keywords="b", allow_direct=True)(lambda m: "both")
    client.on_group_message(keywords="c", direct_only=True)(lambda m: "private only")
    client.on_message(keywords=Equal("end"))(lambda m: "end")
    started(client)
    answers = {}
    for name, speaker, chat in (
        ("group", group.member("Ming"), group),
        ("private", sim.platform.user("Ming"), sim.platform.user("Ming")),
    ):
        answers[name] = []
        for text in ("a", "b", "c", "end"):
            speaker.say(text)
        while (answer := chat.next_reply().content) != "end":
            answers[name].append(answer)
    assert answers == {"group": ["group only", "both"], "private": ["both", "private only"]}


def test_send_returns_what_can_be_recalled(client, group):
    """message.send sends at once; what it returns has recall()."""

    @client.on_group_message(keywords="go")
    def go(message):
        sent = message.send(Chain(message).text("at once"))
        sent.recall()
        return "done"

    started(client)
    group.member("Ming").say("go")
    first, second = group.next_reply(), group.next_reply()
    assert (first.content, first.recalled) == ("at once", True)
    assert (second.content, second.recalled) == ("done", False)


def test_the_callback_of_a_long_message_recalls_all_of_it(client, group):
    """Where the family returns a list of callbacks, ours is one for all parts."""

    @client.on_group_message(keywords="go")
    def go(message):
        sent = message.send(Chain().text("x" * 5000))
        assert len(sent.parts) == 2
        sent.recall()

    started(client)
    group.member("Ming").say("go")
    parts = [group.next_reply() for _ in range(2)]
    eventually(lambda: all(part.recalled for part in parts))


# ---------------------------------------------------------------------- attributes


def test_the_attributes_of_a_message(client, group):
    """All of them, of one message in a group."""
    client.set_prefix_keywords(["兔兔"])
    hong = group.member("Hong")
    ming = group.member("Ming", role="admin")
    face = '<faceType=1,faceId="9",ext="eyJ0ZXh0IjoiL+Wkp+WTrSJ9">'
    message, said = heard(
        client,
        lambda: ming.say(
            f"兔兔 抽卡，{face}二十 次！",
            at=True,
            mentions=[hong],
            attachments=[picture()],
        ),
    )
    assert message.message_id == said.id
    assert message.message["id"] == said.id
    assert message.message_type == 0
    assert message.face == ["9"]
    (image,) = message.image
    assert image.startswith("http")
    assert message.text == "抽卡，二十 次！"
    assert message.text_prefix == "兔兔"
    assert message.text_digits == "抽卡，20 次！"
    assert message.text_unsigned == "抽卡二十 次"
    assert "".join(message.text_words).replace(" ", "") == "抽卡，二十次！"
    assert message.text_original == message.content
    assert "兔兔" in message.text_original
    assert message.at_target == [hong.openid]
    assert (message.is_at, message.is_admin, message.is_direct) == (True, True, False)
    assert message.user_id == message.user_openid == message.member_openid == ming.openid
    assert message.channel_id == message.channel_openid == message.group_openid == group.openid
    assert message.nickname == "Ming"
    assert message.avatar == f"https://q.qlogo.cn/qqapp/{message.appid}/{ming.openid}/640"
    assert (message.verify.result, message.verify.weight) == (True, 1)
    assert message.time == message.timestamp == pytest.approx(said.timestamp, abs=1)


def test_the_attributes_of_a_private_message(client, sim):
    """The same names; there is no group and no nickname."""
    user = sim.platform.user("Hong")
    message, said = heard(client, lambda: user.say("hi"))
    assert message.message_id == said.id
    assert (message.is_at, message.is_admin, message.is_direct) == (False, False, True)
    assert message.user_id == message.user_openid == user.openid
    assert message.channel_id == message.channel_openid == ""
    assert message.nickname == ""


# ---------------------------------------------------------------------- dialogue


def test_wait_in_the_familys_order_of_arguments(client, group):
    """wait(reply, force, max_time, data_filter, level); None on time-out."""

    @client.on_group_message(keywords="go")
    def go(message):
        answer = message.wait("first?", True, 10, lambda m: m.text.isdigit(), 0)
        message.send(f"got {answer.text}")
        return f"then {message.wait(max_time=0.01)}"

    started(client)
    ming = group.member("Ming")
    ming.say("go")
    assert group.next_reply().content == "first?"
    ming.say("no number")
    ming.say("5")
    assert [group.next_reply().content for _ in range(2)] == ["got 5", "then None"]


def test_wait_channel_in_the_familys_order_of_arguments(client, group):
    """wait_channel(reply, force, clean, max_time, data_filter, level)."""

    @client.on_group_message(keywords="go")
    def go(message):
        said = []
        event = None
        while len(said) < 2:
            reply = "who?" if event is None else None
            item = message.wait_channel(reply, True, False, 10, lambda m: m.text != "no", 0)
            event = item.event
            said.append(f"{item.message.nickname} {item.message.text}")
        event.close_event()
        return ", ".join(said)

    started(client)
    ming, hong = group.member("Ming"), group.member("Hong")
    ming.say("go")
    assert group.next_reply().content == "who?"
    ming.say("no")
    hong.say("me")
    ming.say("and me")
    assert group.next_reply().content == "Hong me, Ming and me"


# ---------------------------------------------------------------------- events and exceptions


@pytest.mark.parametrize(
    "names", [(), ("GROUP_ADD_ROBOT",), (["GROUP_ADD_ROBOT", "GROUP_DEL_ROBOT"],)]
)
def test_on_event_tells_appid_name_and_data(client, group, names):
    """handler(event, instance); without a name for all events."""
    seen, came = [], threading.Event()

    @client.on_event(*names)
    def observe(event, instance):
        if isinstance(event, GroupAdded):
            assert instance is client
            seen.append((event.appid, event.event_name, event.data["group_openid"]))
            came.set()

    started(client)
    group.add_bot()
    assert came.wait(10)
    assert seen == [("1", "GROUP_ADD_ROBOT", group.openid)]


@pytest.mark.expected_errors
@pytest.mark.parametrize("types", [(), (ValueError,), ([KeyError, ValueError],), (Exception,)])
def test_on_exception_tells_error_instance_and_message(client, group, types):
    """handler(error, instance, message or event); subclasses count."""
    told, came = [], threading.Event()

    class Special(ValueError):
        pass

    @client.on_exception(*types)
    def note(error, instance, event):
        told.append((type(error), instance, event.text))
        came.set()

    @client.on_exception(QQGroupError)
    def other(error):
        told.append("never")

    @client.on_group_message
    def fail(message):
        raise Special

    started(client)
    group.member("Ming").say("hi")
    assert came.wait(10)
    assert told == [(Special, client, "hi")]


# ---------------------------------------------------------------------- chains


def test_a_plain_reply_mentions_nobody_unless_it_is_told_to(client, group):
    """Groups show whom a reply answers: Chain(at=...) is False here, True in the family."""
    client.on_group_message(keywords="plain")(lambda m: Chain(m).text("x"))
    client.on_group_message(keywords="at")(lambda m: Chain(m, at=True).text("x"))
    client.on_group_message(keywords="quote")(lambda m: Chain(m, reference=True).text("x"))
    started(client)
    ming = group.member("Ming")
    contents = []
    for text in ("plain", "at", "quote"):
        said = ming.say(text)
        contents.append(group.next_reply())
    assert contents[0].content == "x"
    assert contents[1].content == f'<qqbot-at-user id="{ming.openid}" />\nx'
    assert contents[2].quote_ref == said.ref_idx


def test_markdown_is_the_platforms_own(client, group):
    """Where the family draws a picture; markdown_image does that here."""
    client.on_group_message(lambda m: Chain().markdown("# title"))
    started(client)
    group.member("Ming").say("go")
    reply = group.next_reply()
    assert (reply.msg_type, reply.markdown) == (2, {"content": "# title"})


def test_faces_and_everybody_are_words_in_groups(client, group):
    """Bots can neither show QQ's faces nor notify everyone there."""
    client.on_group_message(lambda m: Chain().face(14).face([5, 9]).at_all())
    started(client)
    group.member("Ming").say("go")
    assert group.next_reply().content == "[微笑][流泪][大哭]@全体成员"
