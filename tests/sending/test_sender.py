"""Sender: budgets, numbers, second attempts and waits, as the platform sees them."""

from __future__ import annotations

import logging
import threading

import pytest

from qqgroup_sync.api.records import SentMessage
from qqgroup_sync.errors import (
    ApiError,
    BadResponse,
    ConfigError,
    ContentRejected,
    DuplicateMessage,
    Forbidden,
    NotConnected,
    NotFound,
    PartialSendError,
    QQGroupError,
    RateLimited,
    ReplyExpired,
    ReplyLimitReached,
    ServerError,
    StateError,
    TransportTimeout,
)
from qqgroup_sync.events.models import (
    AuditResult,
    C2CMessage,
    FriendAdded,
    GroupAdded,
    GroupMessage,
    Interaction,
    Member,
)
from qqgroup_sync.message.chain import Chain
from qqgroup_sync.sending.presence import Presence
from qqgroup_sync.sending.replies import Budgets
from qqgroup_sync.sending.sender import Sender
from tests.clocks import START


class Platform:
    """Stands for endpoints and http: notes what is posted, answers or refuses as scripted.

    Attributes:
        posts: (scene, openid, body) of every message.
        script: What the next posts meet: an error to raise, or None for success.
        skew: The platform's clock minus this machine's.
    """

    def __init__(self, clock):
        self.clock = clock
        self.posts = []
        self.timeouts = []
        self.patience = []
        self.recalled = []
        self.script = []
        self.skew = 0.0
        self.on_post = lambda: None

    @property
    def bodies(self):
        return [body for _, _, body in self.posts]

    def platform_time(self):
        return self.clock.time() + self.skew

    def send_group_message(self, openid, payload, *, timeout=None, patience=None):
        return self._take("group", openid, payload, timeout, patience)

    def send_c2c_message(self, openid, payload, *, timeout=None, patience=None):
        return self._take("c2c", openid, payload, timeout, patience)

    def _take(self, scene, openid, payload, timeout, patience):
        self.on_post()
        self.patience.append(patience)
        self.posts.append((scene, openid, dict(payload)))
        self.timeouts.append(timeout)
        number = len(self.posts)
        error = self.script.pop(0) if self.script else None
        if isinstance(error, BaseException):
            raise error
        audit_id = error or ""
        return SentMessage(f"id{number}", START, f"REFIDX_{number}", audit_id, None, {})

    def recall_group_message(self, openid, msg_id):
        self.recalled.append(("group", openid, msg_id))

    def recall_c2c_message(self, openid, msg_id):
        self.recalled.append(("c2c", openid, msg_id))


class NoMedia:
    """What brings media, for messages that have none."""

    def drawn(self, chain):
        return chain

    def fill(self, payloads, scene, openid):
        assert not any(payload.medium or payload.pictures for payload in payloads)


@pytest.fixture(autouse=True)
def _english(monkeypatch):
    """Let remedies be English, whatever this machine speaks."""
    monkeypatch.setenv("QQ_LANGUAGE", "en")


@pytest.fixture
def platform(clock):
    """A platform that takes everything."""
    return Platform(clock)


@pytest.fixture
def make_sender(platform, clock):
    """Return a function that makes senders to the platform."""

    def make(await_gateway=None, **options):
        budgets = Budgets(clock, platform_time=platform.platform_time, language="en")
        presence = Presence(clock, await_gateway, language="en")
        return Sender(
            platform, budgets, NoMedia(), clock, presence=presence, language="en", **options
        )

    return make


@pytest.fixture
def sender(make_sender):
    """A sender with default settings, without a gateway."""
    return make_sender()


def question(**fields):
    """A message in a group, of now."""
    fields.setdefault("timestamp", START)
    return GroupMessage(
        "GROUP_AT_MESSAGE_CREATE",
        "GROUP_AT_MESSAGE_CREATE:x",
        received_at=START,
        id="m1",
        group_openid="G",
        author=Member("M"),
        scene={"msg_idx": "REFIDX_q"},
        **fields,
    )


def private_question(**fields):
    """A message in private, of now."""
    fields.setdefault("timestamp", START)
    return C2CMessage(
        "C2C_MESSAGE_CREATE", "e1", received_at=START, id="m1", author=Member("U"), **fields
    )


def numbers(platform):
    """The msg_seq of every message."""
    return [body.get("msg_seq") for body in platform.bodies]


# ---------------------------------------------------------------------- where and by what


@pytest.mark.parametrize(
    ("event", "where", "source"),
    [
        (question(), ("group", "G"), {"msg_id": "m1"}),
        (private_question(), ("c2c", "U"), {"msg_id": "m1"}),
        (
            GroupAdded("GROUP_ADD_ROBOT", "E:1", group_openid="G"),
            ("group", "G"),
            {"event_id": "E:1"},
        ),
        (FriendAdded("FRIEND_ADD", "E:2", user_openid="U"), ("c2c", "U"), {"event_id": "E:2"}),
        (
            Interaction(
                "INTERACTION_CREATE", "E:3", group_openid="G", user_openid="U", interaction_id="3"
            ),
            ("group", "G"),
            {"event_id": "E:3"},
        ),
        (
            Interaction("INTERACTION_CREATE", "E:4", user_openid="U", interaction_id="4"),
            ("c2c", "U"),
            {"event_id": "E:4"},
        ),
    ],
)
def test_where_an_answer_goes_and_what_makes_it_one(
    make_sender, platform, clock, *, event, where, source
):
    """msg_id for messages, the outer id for everything else; never both, never an empty one."""
    object.__setattr__(event, "received_at", clock.time())
    object.__setattr__(event, "budget", None)
    sent = make_sender().reply(event, "hi", timeout=7.0)
    assert platform.posts == [(*where, {"msg_type": 0, "content": "hi", "msg_seq": 1, **source})]
    assert platform.timeouts == [7.0]
    assert not sent.proactive


@pytest.mark.parametrize(
    "event",
    [
        Interaction("INTERACTION_CREATE", "E:5", guild_id="9", interaction_id="5"),
        AuditResult("MESSAGE_AUDIT_PASS", "E:6"),
    ],
)
def test_an_event_from_nowhere_cannot_be_answered(sender, platform, event):
    """The error names the event, and what to use instead."""
    with pytest.raises(ConfigError, match=event.name) as caught:
        sender.reply(event, "hi")
    assert "send_group" in caught.value.remedy
    assert platform.posts == []


def test_an_event_without_an_id_cannot_be_answered(sender, platform):
    """An empty event_id would silently be a proactive message, from the bot's quota."""
    event = GroupAdded("GROUP_ADD_ROBOT", "", group_openid="G", received_at=START)
    with pytest.raises(ConfigError, match="without an id"):
        sender.reply(event, "hi")
    assert platform.posts == []


def test_proactive_messages_carry_neither_id_nor_number(sender, platform):
    """To a group, to a user."""
    first = sender.send_group("G", "a", timeout=3.0)
    second = sender.send_user("U", ["b", "c"])
    assert platform.posts == [
        ("group", "G", {"msg_type": 0, "content": "a"}),
        ("c2c", "U", {"msg_type": 0, "content": "bc"}),
    ]
    assert first.proactive
    assert second.proactive
    assert platform.timeouts == [3.0, None]


def test_what_is_sent_is_told(sender, platform):
    """Ids, indices and a review under way."""
    platform.script = [None, "audit-1"]
    sent = sender.reply(question(), "a" * 4000 + "b")
    assert [(part.id, part.ref_idx, part.audit_id) for part in sent.parts] == [
        ("id1", "REFIDX_1", ""),
        ("id2", "REFIDX_2", "audit-1"),
    ]
    assert sent.pending


@pytest.mark.parametrize(("event", "where"), [(question(), "G"), (private_question(), "U")])
def test_recall_goes_where_the_message_went(make_sender, platform, event, where):
    """Every part, in its scene."""
    object.__setattr__(event, "budget", None)
    make_sender(max_text=1).reply(event, "ab").recall()
    scene = "group" if where == "G" else "c2c"
    assert platform.recalled == [(scene, where, "id1"), (scene, where, "id2")]


@pytest.mark.parametrize("content", ["", None, 5])
def test_what_cannot_be_sent_costs_no_reply(sender, platform, content):
    """It is refused before a number is drawn."""
    message = question()
    with pytest.raises(QQGroupError):
        sender.reply(message, content)
    assert sender.budgets.left(message) == 5
    assert platform.posts == []


def test_settings_reach_the_payload(make_sender, platform):
    """urls= and max_text=, for replies and proactive messages."""
    sender = make_sender(urls="dots", max_text=4)
    sender.reply(question(), "a.cn/xy")
    sender.send_user("U", "a.cn/xy")
    assert [body["content"] for body in platform.bodies] == ["a。cn", "/xy"] * 2


# ---------------------------------------------------------------------- numbers and limits


@pytest.mark.parametrize(("make", "limit"), [(question, 5), (private_question, 4)])
def test_replies_are_numbered_and_limited(sender, platform, make, limit):
    """Also in several calls; the one too many is never posted."""
    message = make()
    left = []
    for _ in range(limit):
        left.append(sender.budgets.left(message))
        sender.reply(message, "x")
    with pytest.raises(ReplyLimitReached, match="0 replies are left") as caught:
        sender.reply(message, "x")
    assert numbers(platform) == list(range(1, limit + 1))
    assert left == list(range(limit, 0, -1))
    assert f"{limit} times" in caught.value.cause


def test_each_message_has_its_own_numbers(sender, platform):
    """They are counted per event."""
    for message in (question(), question()):
        sender.reply(message, "a")
        sender.reply(message, "b")
    assert numbers(platform) == [1, 2, 1, 2]


def test_a_long_answer_is_refused_before_its_first_part(make_sender, platform):
    """Half an answer is worse than none, when one can know."""
    sender = make_sender(max_text=1)
    message = question()
    sender.reply(message, "abc")
    with pytest.raises(ReplyLimitReached, match="3 messages are needed, but only 2") as caught:
        sender.reply(message, "def")
    assert "fewer replies" in caught.value.remedy
    sender.reply(message, "de")
    assert numbers(platform) == [1, 2, 3, 4, 5]
    assert [body["content"] for body in platform.bodies] == list("abcde")


def test_many_threads_draw_distinct_numbers(sender, platform):
    """A handler may reply from threads of its own; budget and numbers are one for all."""
    message = question()
    begin = threading.Barrier(8)
    outcomes = []

    def reply():
        begin.wait(5)
        try:
            outcomes.append(sender.reply(message, "x"))
        except ReplyLimitReached as error:
            outcomes.append(error)

    threads = [threading.Thread(target=reply) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert len(outcomes) == 8
    drawn = sorted(numbers(platform))
    assert drawn == list(range(1, len(drawn) + 1))
    assert len(drawn) >= 5
    assert sender.budgets.left(message) == 0


# ---------------------------------------------------------------------- the window


@pytest.mark.parametrize(
    ("make", "fields", "skew", "ends"),
    [
        (question, {}, 0.0, START + 300),
        (private_question, {}, 0.0, START + 3600),
        (question, {"timestamp": START - 100}, 0.0, START + 200),
        (question, {"timestamp": None}, 0.0, START + 300),
        (question, {"timestamp": START + 60}, 60.0, START + 300),
        (question, {"timestamp": START + 60}, 0.0, START + 300),
    ],
)
def test_the_window_is_known(sender, platform, clock, *, make, fields, skew, ends):
    """From the platform's timestamp, its clock and the arrival."""
    platform.skew = skew
    message = make(**fields)
    assert sender.budgets.expires_at(message) == ends
    clock.now = ends - 0.01
    assert sender.budgets.left(message) > 0
    clock.now = ends
    assert sender.budgets.left(message) == 0


def test_a_late_reply_is_refused_and_never_posted(sender, platform, clock):
    """The error says how late it is, the rule, and the remedy."""
    message = question()
    clock.advance(312)
    with pytest.raises(ReplyExpired, match="12 s ago") as caught:
        sender.reply(message, "x")
    assert "within 5 minutes" in caught.value.cause
    assert "proactive_fallback" in caught.value.remedy
    assert platform.posts == []


def test_the_window_does_not_move_with_a_later_look(sender, platform):
    """The first look decides; a clock that is corrected later opens no closed window."""
    message = question()
    ends = sender.budgets.expires_at(message)
    platform.skew = -1000.0
    assert sender.budgets.expires_at(message) == ends


# ---------------------------------------------------------------------- refusals


def test_what_did_go_out_is_told_when_a_part_fails(make_sender, platform):
    """With its ids, so that only the rest is sent again; the cause is kept."""
    refusal = ContentRejected("sensitive words", reason="sensitive")
    platform.script = [None, None, refusal]
    with pytest.raises(PartialSendError, match="part 3 of 4") as caught:
        make_sender(max_text=1).reply(question(), "abcd")
    assert [part.id for part in caught.value.sent] == ["id1", "id2"]
    assert caught.value.__cause__ is refusal
    assert "sensitive words" in caught.value.summary
    assert len(platform.posts) == 3


@pytest.mark.parametrize(
    "error", [ContentRejected("no", reason="url"), RateLimited("slow"), TransportTimeout("late")]
)
def test_a_first_part_that_fails_raises_its_own_error(make_sender, platform, error):
    """Nothing went out, so nothing is partial; and nothing is tried again here."""
    platform.script = [error]
    with pytest.raises(type(error)) as caught:
        make_sender(max_text=1, proactive_fallback=True).reply(question(), "ab")
    assert caught.value is error
    assert len(platform.posts) == 1


def test_a_proactive_message_can_fail_half_way_too(make_sender, platform):
    """It is told in the same way."""
    platform.script = [None, ServerError("boom")]
    with pytest.raises(PartialSendError) as caught:
        make_sender(max_text=1).send_group("G", "ab")
    assert [part.id for part in caught.value.sent] == ["id1"]


@pytest.mark.parametrize(
    "error", [TransportTimeout("late"), BadResponse("no id"), ServerError("boom", status=502)]
)
@pytest.mark.parametrize("send", ["reply", "proactive"])
def test_a_part_that_may_have_gone_out_is_told_as_such(make_sender, platform, error, send):
    """Who sent "only the rest again" would show it twice."""
    platform.script = [None, error]
    sender = make_sender(max_text=1)
    with pytest.raises(PartialSendError, match=r"part 2 of 3 may or may not have been") as caught:
        sender.reply(question(), "abc") if send == "reply" else sender.send_group("G", "abc")
    assert caught.value.unclear
    assert "Look into the chat" in caught.value.remedy
    caught.value.language = "zh"
    assert "请先在聊天中确认" in caught.value.remedy


def test_a_part_that_certainly_did_not_go_out_is_told_as_such(make_sender, platform):
    """The rest can be sent again."""
    platform.script = [None, NotConnected("away")]
    with pytest.raises(PartialSendError, match="part 2 of 2 was not sent") as caught:
        make_sender(max_text=1).reply(question(), "ab")
    assert not caught.value.unclear
    assert "send only the rest again" in caught.value.remedy


def test_a_duplicate_counts_as_sent(make_sender, platform):
    """The platform had it before the crash, or before the answer got lost; the rest goes on."""
    platform.script = [DuplicateMessage("seen before")]
    sent = make_sender(max_text=1).reply(question(), "ab")
    assert [part.deduplicated for part in sent.parts] == [True, False]
    assert [part.id for part in sent.parts] == ["", "id2"]
    assert numbers(platform) == [1, 2]


# ---------------------------------------------------------------------- proactive fall-back


@pytest.mark.parametrize("too", ["late", "many"])
def test_what_can_be_no_reply_becomes_a_proactive_message(
    make_sender, platform, clock, caplog, too
):
    """When this side knows already; without id and number, and with a line in the log."""
    caplog.set_level(logging.INFO, "qqgroup_sync")
    sender = make_sender(proactive_fallback=True)
    message = question()
    if too == "late":
        clock.advance(301)
    else:
        for _ in range(5):
            sender.reply(message, "x")
    sent = sender.reply(message, "after all")
    assert platform.posts[-1] == ("group", "G", {"msg_type": 0, "content": "after all"})
    assert sent.proactive
    assert "proactive" in caplog.text


@pytest.mark.parametrize("error", [ReplyExpired("expired"), ReplyLimitReached("too many")])
def test_what_the_platform_takes_for_no_reply_becomes_a_proactive_message(
    make_sender, platform, error
):
    """When only the platform knew; the caller sees that it was proactive."""
    platform.script = [error]
    sent = make_sender(proactive_fallback=True).reply(question(), "x", quote=True)
    first, second = platform.bodies
    assert (first["msg_id"], first["msg_seq"]) == ("m1", 1)
    reference = {"message_id": "REFIDX_q"}
    assert second == {"msg_type": 0, "content": "x", "message_reference": reference}
    assert sent.proactive
    assert sent.id == "id2"


def test_an_event_falls_back_without_its_event_id(make_sender, platform):
    """The same for what is no message."""
    platform.script = [ReplyExpired("expired")]
    event = GroupAdded("GROUP_ADD_ROBOT", "E:1", group_openid="G", received_at=START)
    make_sender(proactive_fallback=True).reply(event, "x")
    assert platform.bodies[1] == {"msg_type": 0, "content": "x"}


@pytest.mark.parametrize("error", [ReplyExpired("expired"), ReplyLimitReached("too many")])
def test_without_the_setting_nothing_becomes_proactive(sender, platform, error):
    """The quota is the user's to spend."""
    platform.script = [error]
    with pytest.raises(type(error)):
        sender.reply(question(), "x")
    assert len(platform.posts) == 1


def test_a_refused_fall_back_raises_its_own_error(make_sender, platform):
    """The last refusal is the one to act upon."""
    platform.script = [ReplyExpired("expired"), Forbidden("switched off")]
    with pytest.raises(Forbidden):
        make_sender(proactive_fallback=True).reply(question(), "x")


# ---------------------------------------------------------------------- quotes


@pytest.mark.parametrize("quoting", [True, False])
def test_quote_is_a_shortcut(sender, platform, quoting):
    """reply(quote=True) quotes the answered message; the chain is not changed by it."""
    chain = Chain().text("x")
    sender.reply(question(), chain, quote=quoting)
    expected = {"message_id": "REFIDX_q"} if quoting else None
    assert platform.bodies[0].get("message_reference") == expected
    assert chain == Chain().text("x")


def test_what_has_no_index_is_answered_without_a_quote(sender, platform):
    """An old client, or an event."""
    sender.reply(private_question(), "x", quote=True)
    event = GroupAdded("GROUP_ADD_ROBOT", "E:1", group_openid="G", received_at=START)
    sender.reply(event, "x", quote=True)
    assert not any("message_reference" in body for body in platform.bodies)


@pytest.mark.parametrize("error", [ApiError("bad reference"), NotFound("no such message")])
def test_a_quote_that_is_refused_is_dropped(sender, platform, error):
    """The answer matters more; it is sent once more, with the same number."""
    platform.script = [error]
    sent = sender.reply(question(), "x", quote=True)
    assert [("message_reference" in body, body["msg_seq"]) for body in platform.bodies] == [
        (True, 1),
        (False, 1),
    ]
    assert sent.id == "id2"


def test_a_quote_is_dropped_once(sender, platform):
    """What is refused without it, too, is refused."""
    platform.script = [ApiError("bad reference"), ApiError("bad anyhow")]
    with pytest.raises(ApiError, match="bad anyhow"):
        sender.reply(question(), "x", quote=True)
    assert len(platform.posts) == 2


@pytest.mark.parametrize(
    ("error", "quote"),
    [
        (ContentRejected("no", reason="url"), True),
        (RateLimited("slow"), True),
        (ServerError("boom"), True),
        (Forbidden("no"), True),
        (ApiError("no"), False),
    ],
)
def test_other_refusals_have_nothing_to_do_with_the_quote(sender, platform, error, quote):
    """They are raised at once."""
    platform.script = [error]
    with pytest.raises(type(error)):
        sender.reply(question(), "x", quote=quote)
    assert len(platform.posts) == 1


def test_proactive_messages_can_quote(sender, platform):
    """And lose a refused quote in the same way."""
    platform.script = [ApiError("bad reference")]
    sender.send_group("G", Chain().quote("REFIDX_x").text("x"))
    assert ["message_reference" in body for body in platform.bodies] == [True, False]


# ---------------------------------------------------------------------- the gateway


@pytest.mark.parametrize(
    ("send", "patience"),
    [
        (lambda sender, clock: sender.reply(question(), "x"), 295.0),
        (lambda sender, clock: sender.reply(private_question(), "x"), 3595.0),
        (lambda sender, clock: sender.reply(question(timestamp=START - 100), "x"), 195.0),
        (lambda sender, clock: sender.send_group("G", "x"), 15.0),
        (lambda sender, clock: sender.send_user("U", "x"), 15.0),
    ],
)
def test_how_long_a_message_waits_for_the_gateway(make_sender, platform, clock, send, patience):
    """A reply until 5 s before its window ends, a proactive message 15 s; then it goes out."""
    asked = []
    platform.on_post = lambda: asked.append("posted")
    sender = make_sender(await_gateway=lambda seconds: asked.append(seconds) or seconds > 0)
    send(sender, clock)
    assert asked == [0.0, pytest.approx(patience), "posted"]


def test_a_gateway_that_is_there_is_not_waited_for(make_sender, platform):
    """Also in the last seconds of a window."""
    asked = []
    sender = make_sender(await_gateway=lambda seconds: asked.append(seconds) or True)
    sender.reply(question(timestamp=START - 297), "x")
    assert asked == [0.0]
    assert len(platform.posts) == 1


@pytest.mark.parametrize(
    "send",
    [
        lambda sender: sender.reply(question(), "x"),
        lambda sender: sender.send_group("G", "x"),
        lambda sender: sender.send_user("U", "x"),
    ],
)
def test_a_gateway_that_stays_away_is_an_error(make_sender, platform, send):
    """The platform would swallow the message; the error says so."""
    with pytest.raises(NotConnected) as caught:
        send(make_sender(await_gateway=lambda seconds: False))
    assert "away" in caught.value.cause
    assert platform.posts == []


def test_a_reply_that_never_left_costs_none(make_sender, platform):
    """Numbers are drawn at the last moment."""
    message = question()
    back = iter([False, False, True])
    sender = make_sender(await_gateway=lambda seconds: next(back))
    with pytest.raises(NotConnected):
        sender.reply(message, "x")
    sender.reply(message, "x")
    assert numbers(platform) == [1]


def test_a_late_reply_does_not_wait_in_vain(make_sender, clock):
    """What is too late already is refused at once."""
    asked = []
    message = question()
    clock.advance(400)
    with pytest.raises(ReplyExpired):
        make_sender(await_gateway=asked.append).reply(message, "x")
    assert asked == []


# ---------------------------------------------------------------------- the end


@pytest.mark.parametrize(
    "send",
    [
        lambda sender: sender.reply(question(), "x"),
        lambda sender: sender.send_group("G", "x"),
        lambda sender: sender.send_user("U", "x"),
    ],
)
def test_after_close_nothing_is_sent(sender, platform, send):
    """A handler of an earlier start cannot speak in a later one."""
    sender.close()
    with pytest.raises(StateError, match="stopped"):
        send(sender)
    assert platform.posts == []


def test_close_ends_a_message_between_its_parts(make_sender, platform):
    """And tells what did go out."""
    sender = make_sender(max_text=1)
    platform.on_post = sender.close
    with pytest.raises(PartialSendError) as caught:
        sender.reply(question(), "abc")
    assert [part.id for part in caught.value.sent] == ["id1"]
    assert isinstance(caught.value.__cause__, StateError)
    assert len(platform.posts) == 1


def test_errors_speak_the_clients_language(platform, clock):
    """Cause and remedy in Chinese for a Chinese client."""
    budgets = Budgets(clock, platform_time=platform.platform_time, language="zh")
    sender = Sender(platform, budgets, NoMedia(), clock, language="zh")
    message = question()
    clock.advance(301)
    with pytest.raises(ReplyExpired) as caught:
        sender.reply(message, "x")
    assert "5 分钟内最多可回复 5 次" in caught.value.cause
    assert "主动消息" in caught.value.remedy


def test_a_refused_reply_costs_no_place_but_its_number(sender, platform):
    """Five refusals leave all five replies; no number is used twice."""
    message = question()
    platform.script = [ContentRejected("no", status=400, reason="url")] * 5
    for _ in range(5):
        with pytest.raises(ContentRejected):
            sender.reply(message, "see example.com")
    assert sender.budgets.left(message) == 5
    sender.reply(message, "all right")
    assert platform.bodies[-1]["msg_seq"] == 6


@pytest.mark.parametrize(
    ("error", "left"),
    [
        (ServerError("oops", status=500), 4),
        (TransportTimeout("late"), 4),
        (BadResponse("no id"), 4),
        (NotConnected("away"), 5),
        (StateError("stopped"), 5),
        (RateLimited("its turn comes too late"), 5),
    ],
)
def test_only_what_may_have_gone_through_costs_a_place(sender, platform, error, left):
    """What the platform may have accepted counts."""
    message = question()
    platform.script = [error]
    with pytest.raises(type(error)):
        sender.reply(message, "hm")
    assert sender.budgets.left(message) == left


def test_replies_of_several_threads_never_exceed_the_budget(sender, platform):
    """The place is taken where the number is drawn, not where it was looked at."""
    message = question()
    gate = threading.Barrier(8, timeout=10)
    platform.on_post = lambda: None
    refused = []

    def answer():
        gate.wait()
        try:
            sender.reply(message, "me too")
        except ReplyLimitReached as error:
            refused.append(error)

    threads = [threading.Thread(target=answer) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sorted(body["msg_seq"] for body in platform.bodies) == [1, 2, 3, 4, 5]
    assert len(refused) == 3
