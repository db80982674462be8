"""Streamed messages over real HTTP: frames, order, prefixes, throttle, roll back (2.11)."""

import threading

import pytest

from tests.waiting import eventually

from .bot import APPID, Bot


@pytest.fixture
def sim(sim):
    """A simulator whose time stands still."""
    sim.clock.speed = 0
    return sim


@pytest.fixture
def user(sim):
    """A friend of the bot."""
    return sim.platform.user("Ming")


class Writer:
    """Sends the frames of one stream, each 0.3 s after the one before."""

    def __init__(self, bot, user, **fields):
        self.bot, self.user = bot, user
        self.fields = {"input_mode": "append", "content_type": "text", "msg_seq": 7, **fields}
        if not {"msg_id", "event_id", "is_wakeup"} & set(fields):
            self.fields["msg_id"] = user.say("tell me").id
        self.index = 0
        self.id = None

    def __call__(self, text, *, state=1, wait=0.3, **changed):
        """Send one frame and return the response."""
        self.bot.sim.clock.advance(wait)
        body = {**self.fields, "input_state": state, "index": self.index, "content_raw": text}
        if self.id is not None:
            body["stream_msg_id"] = self.id
        body = {key: value for key, value in {**body, **changed}.items() if value is not None}
        response = self.bot.post(f"/v2/users/{self.user.openid}/stream_messages", body)
        if response.ok:
            self.index = body["index"] + 1
            self.id = response.json()["id"]
        return response


@pytest.fixture
def write(bot, user):
    """The frames of one stream."""
    return Writer(bot, user)


def codes(response, status=400):
    """Return both codes of a refusal."""
    assert response.status_code == status, response.text
    return response.json()["code"], response.json()["err_code"]


def test_frames_make_one_message(sim, write, user):
    """Appended frames grow one message, which counts as one reply."""
    seen = []
    sim.platform.subscribe(lambda kind, one: seen.append(kind) if kind != "api" else None)
    first = write("Hel").json()
    message = user.next_reply()
    assert (message.content, message.stream.state) == ("Hel", "generating")
    assert first["id"] == message.id
    assert first["ext_info"] == {"ref_idx": message.ref_idx}
    assert first["remain_msg_len"] == 4000 - 3
    write("lo")
    assert message.content == "Hello"
    last = write("!", state=10).json()
    assert last["remain_msg_len"] == 4000 - 6
    assert (message.content, message.stream.state) == ("Hello!", "finished")
    assert message.msg_seq == 7
    assert len(user.messages) == 2
    assert seen == ["message", "stream", "stream"]
    stats = sim.platform.stats.snapshot()
    assert (stats["streams"], stats["stream_frames"], stats["replies_accepted"]) == (1, 3, 1)


def test_replace_must_keep_what_was_delivered(write, user):
    """The whole text so far must begin with what people have read: 404, 40007, 40113003."""
    write("one", input_mode="replace")
    write("one two", input_mode="replace")
    for text in ("one", "two", "One two three", ""):
        assert codes(write(text, input_mode="replace"), 404) == (40007, 40113003)
    assert write("one two three", input_mode="replace", state=10).ok
    assert user.messages[-1].content == "one two three"


def test_markdown(bot, user):
    """A markdown stream is a markdown message at every moment."""
    write = Writer(bot, user, content_type="markdown")
    write("# T")
    write("itle", state=10)
    message = user.messages[-1]
    assert (message.msg_type, message.markdown) == (2, {"content": "# Title"})


def test_one_frame_is_enough(write, user):
    """A stream may begin and end in one frame."""
    write("all", state=10)
    assert user.messages[-1].wait_finished(1).stream.state == "finished"


@pytest.mark.parametrize(
    "changed",
    [
        {"index": 0},
        {"index": 1},
        {"index": None},
        {"index": "2"},
        {"msg_seq": 8},
        {"msg_seq": None},
        {"content_type": "markdown"},
        {"content_type": "html"},
        {"input_mode": "prepend"},
        {"input_state": 2},
        {"input_state": None},
        {"content_raw": 5},
        {"stream_msg_id": "nothing"},
        {"stream_msg_id": 5},
    ],
)
def test_frames_out_of_order_or_shape(write, user, changed):
    """Index, msg_seq, stream id and the rest must fit: 11255, and nothing changes."""
    write("one")
    write(" two")
    assert codes(write(" three", **changed)) == (11255, 11255)
    assert user.messages[-1].content == "one two"
    assert write(" three").ok


def test_gaps_in_the_order(sim, write, user):
    """A client that retries under a new index leaves gaps; by rule they are refused."""
    write("one")
    assert write(" two", index=4).ok
    assert codes(write(" three", index=4))[1] == 11255
    sim.platform.change_rules(stream_gaps=False)
    assert codes(write(" three", index=6))[1] == 11255
    assert write(" three", index=5).ok
    assert user.messages[-1].content == "one two three"


def test_first_frame_has_index_0(write):
    """A stream begins at 0."""
    assert codes(write("x", index=1)) == (11255, 11255)


def test_neither_msg_id_nor_event_id(write):
    """Nothing to answer is a server's error: HTTP 500."""
    assert codes(write("x", msg_id=None), 500) == (50001, 50001)


def test_what_may_be_answered(sim, bot, user):
    """``msg_id``, ``event_id``, both when they are the same, or a wake-up."""
    said = user.say("x").id
    outer = user.add_friend()
    assert Writer(bot, user, msg_id=said, event_id=said)("a").ok
    assert Writer(bot, user, event_id=outer)("b").ok
    assert codes(Writer(bot, user, msg_id=said, event_id=outer, msg_seq=9)("c"))[1] == 40034025
    assert Writer(bot, user, is_wakeup=True, msg_id="old")("d").ok
    assert user.messages[-1].wakeup


def test_windows_and_budgets_hold(sim, bot, user):
    """A stream is one of four replies, with its own msg_seq, within an hour."""
    said = user.say("x").id
    for number in range(4):
        assert Writer(bot, user, msg_id=said, msg_seq=number)("x", state=10).ok
    assert codes(Writer(bot, user, msg_id=said, msg_seq=3)("x"))[1] == 40054005
    assert codes(Writer(bot, user, msg_id=said, msg_seq=4)("x"))[1] == 40034128
    sim.clock.advance(3601)
    bot.ask_token()
    assert codes(Writer(bot, user, msg_id=said, msg_seq=5)("x"))[1] == 40034005
    user.remove_friend()
    assert codes(Writer(bot, user, msg_id=said)("x"))[1] == 40054004


def test_throttle(sim, write, user):
    """Frames closer than 300 ms get 50002; the retry comes under the next index."""
    write("one")
    assert codes(write(" two", wait=0.2)) == (50002, 50002)
    assert write(" two", wait=0.1, index=2).ok
    assert codes(write(" three", wait=0)) == (50002, 50002)
    assert write(" three", wait=0.3).ok
    assert user.messages[-1].content == "one two three"
    sim.platform.change_rules(stream_interval=0.0)
    assert write(".", wait=0).ok
    assert sim.platform.stats["stream_frames_refused"] == 2


def test_length(sim, write, user):
    """``remain_msg_len`` counts down; beyond it is 40054007."""
    sim.platform.change_rules(max_stream=10)
    assert write("12345").json()["remain_msg_len"] == 5
    assert codes(write("678901"))[1] == 40054007
    assert write("67890", state=10).json()["remain_msg_len"] == 0
    assert codes(Writer(write.bot, user)("x" * 11))[1] == 40054007


@pytest.mark.parametrize("kind", ["text", "markdown"])
def test_length_beyond_that_of_a_message(sim, bot, user, kind):
    """The limit of streams holds from the first frame on, not that of messages."""
    sim.platform.change_rules(max_stream=6000)
    write = Writer(bot, user, content_type=kind)
    assert write("x" * 5000).json()["remain_msg_len"] == 1000
    assert codes(write("x" * 1001))[1] == 40054007
    assert write("x" * 1000, state=10).json()["remain_msg_len"] == 0


@pytest.mark.parametrize("kind", ["text", "markdown"])
def test_every_frame_is_reviewed(sim, bot, user, kind):
    """A banned word is refused also when it comes in pieces."""
    sim.platform.change_rules(banned_words=frozenset({"casino"}))
    assert codes(Writer(bot, user, content_type=kind)("a casino"))[1] == 40034006
    write = Writer(bot, user, content_type=kind)
    assert write("a cas").ok
    assert codes(write("ino"))[1] == 40034006
    assert write("tle").ok
    assert user.messages[-1].content == "a castle"


def test_frames_of_a_bot_that_may_not_speak_any_more(sim, write, user):
    """Dropped or delisted meanwhile: as for any message."""
    write("one")
    user.remove_friend()
    assert codes(write(" two"))[1] == 40054004
    user.add_friend()
    sim.platform.register_bot(APPID, delisted=True)
    assert codes(write(" two"))[1] == 40054016
    sim.platform.register_bot(APPID, delisted=False)
    assert write(" two").ok


def test_a_stream_that_was_recalled_takes_nothing_more(bot, write, user):
    """What is not there cannot grow."""
    write("one")
    path = f"/v2/users/{user.openid}/messages/{write.id}"
    assert bot.call("DELETE", path).ok
    assert codes(write(" two")) == (11255, 11255)
    assert user.messages[-1].content == "one"


def test_escapes_are_decoded_in_every_frame(sim, bot, user):
    """As in messages, in text alone."""
    sim.platform.change_rules(unescape_sent=True)
    for kind, shown in (("text", "1 < 2 < 3"), ("markdown", "1 &lt; 2 &lt; 3")):
        write = Writer(bot, user, content_type=kind)
        write("1 &lt; 2")
        write(" &lt; 3", state=10)
        assert user.messages[-1].content == shown


def test_addresses_in_text(write):
    """Plain text may hold no URL, even when it comes in pieces; empty text is no beginning."""
    assert codes(write(""))[1] == 304061
    write("see exam")
    assert codes(write("ple.com"))[1] == 40054010


def test_unfinished_stream_falls_back(sim, write, user):
    """Without a last frame, people see the first one again after a while."""
    told = []
    sim.platform.subscribe(lambda kind, one: told.append(kind))
    write("one")
    write(" two")
    message = user.messages[-1]
    sim.clock.advance(60)
    assert user.messages[-1].content == "one two"
    sim.clock.advance(1)
    assert user.messages[-1].content == "one"
    assert message.stream.state == "rolled back"
    assert told.count("stream") == 2
    assert codes(write(" three"))[1] == 11255
    assert sim.platform.stats["streams_rolled_back"] == 1


def test_finished_stream_takes_nothing_more(sim, write, user):
    """After state 10 the message stays as it is, for ever."""
    write("one")
    write(" two", state=10)
    assert codes(write(" three"))[1] == 11255
    sim.clock.advance(1000)
    assert user.messages[-1].content == "one two"


def test_streams_belong_to_one_bot_and_user(sim, write, user):
    """A stream id is nothing to others."""
    write("one")
    other = sim.platform.user("Lan")
    write.user = other
    assert codes(write("x", msg_id=other.say("x").id))[1] == 11255
    with Bot(sim, "102000002") as stranger:
        write.user, write.bot = user, stranger
        assert codes(write("x"))[1] == 11255


def test_waiting_for_the_end(write, user):
    """A test can wait until a stream is finished; a plain message never is."""
    write("one")
    message = user.messages[-1]
    with pytest.raises(AssertionError, match="not finished"):
        message.wait_finished(0.01)
    found = []
    waiter = threading.Thread(target=lambda: found.append(message.wait_finished(5)))
    waiter.start()
    write(" two", state=10)
    waiter.join(5)
    assert found == [message]
    with pytest.raises(AssertionError):
        user.messages[0].wait_finished(0.01)


def test_many_streams_are_not_remembered_for_ever(sim, bot, user):
    """What is forgotten is unknown, and does no harm."""
    sim.platform.change_rules(c2c_replies=5000)
    from qqgroup_sync.simulator import streams

    said = user.say("x").id
    first = Writer(bot, user, msg_id=said, msg_seq=0)
    first("x")
    limit = streams._OPEN
    streams._OPEN = 3
    try:
        for number in range(1, 4):
            assert Writer(bot, user, msg_id=said, msg_seq=number)("x").ok
    finally:
        streams._OPEN = limit
    assert codes(first("y"))[1] == 11255
    sim.clock.advance(1000)
    eventually(lambda: all(message.content == "x" for message in user.messages))
