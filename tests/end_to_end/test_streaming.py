"""Answers that grow while they are written, and typing notices, on the real platform's rules."""

from __future__ import annotations

import pytest
from PIL import Image as PictureImage

from qqgroup_sync import Chain, ConfigError, ReplyLimitReached, StateError
from qqgroup_sync.message.elements import Face
from qqgroup_sync.runtime.clock import Clock
from tests.end_to_end.conftest import HurriedClock, leave
from tests.waiting import eventually


@pytest.fixture
def talk(sim, make_client):
    """Return a function that lets Ming ask something and a handler answer; returns the chat."""

    def ask(handler, *, group=False, **options):
        client = make_client(**{"clock": Clock(), **options})
        failures = []
        client.on_message(handler)
        client.on_exception(lambda error, client, event: failures.append(error))
        client.start()
        assert client.wait_ready(10)
        chat = sim.platform.group("g") if group else sim.platform.user("Ming")
        (chat.member("Ming") if group else chat).say("go")
        chat.failures = failures
        return chat

    return ask


def test_a_stream_grows_and_ends(sim, talk):
    """The user sees one message with everything; it took one reply."""
    done = []

    def handler(message):
        with message.stream(interval=0.31) as stream:
            for word in ("one ", "two ", "three ", "four"):
                stream.write(word)
        done.append((stream.text, stream.sent, message.replies_left))

    message = talk(handler).next_reply()
    message.wait_finished(10)
    assert message.content == "one two three four"
    assert message.stream.state == "finished"
    eventually(lambda: done)
    text, sent, left = done[0]
    assert (text, left) == ("one two three four", 3)
    assert sent.id == message.id
    assert sim.platform.stats["streams"] == 1
    assert sim.platform.stats["stream_frames_refused"] == 0


@pytest.mark.expected_errors
def test_a_handler_that_fails_leaves_a_finished_message(talk):
    """What was written stays; otherwise the client would roll it back."""

    def handler(message):
        with message.stream() as stream:
            stream.write("so far")
            raise RuntimeError("oops")

    message = talk(handler).next_reply()
    message.wait_finished(10)
    assert message.content == "so far"


def test_nothing_written_is_nothing_sent(sim, talk):
    """An empty stream costs no reply."""

    def handler(message):
        with message.stream() as stream:
            stream.write("  ")
        assert stream.sent is None
        return f"left: {message.replies_left}"

    assert talk(handler).next_reply().content == "left: 4"


def test_in_groups_the_text_comes_at_the_end(talk):
    """The same handler works in both places."""

    def handler(message):
        with message.stream(markdown=False) as stream:
            stream.write("a")
            stream.write("b")
        assert stream.sent.id

    assert talk(handler, group=True).next_reply().content == "ab"


def test_longer_than_one_message(sim, talk):
    """What does not fit goes on in the next message; nothing is lost, nothing doubled."""
    sim.platform.change_rules(max_stream=200)
    words = [f"word{number} " for number in range(60)]

    def handler(message):
        with message.stream(interval=0.31) as stream:
            for start in range(0, 60, 15):
                stream.write("".join(words[start : start + 15]))
        assert len(stream.sent.parts) >= 3

    chat = talk(handler)
    text, messages = "", []
    while len(text.split()) < 60:
        message = chat.next_reply(10)
        message.wait_finished(10)
        text += message.content + " "
        messages.append(message)
    assert text.split() == "".join(words).split()
    assert chat.failures == []


def test_too_fast_for_the_platform(sim, talk):
    """A refused frame is repeated under a new index until it is taken."""
    sim.platform.change_rules(stream_interval=1.2)

    def handler(message):
        with message.stream(interval=0.05) as stream:
            stream.write("a")
            message.replies_left  # noqa: B018 - no time passes
            stream.write("b")

    message = talk(handler).next_reply()
    message.wait_finished(15)
    assert message.content == "ab"
    assert sim.platform.stats["stream_frames_refused"] > 0


def test_a_lost_answer_in_the_middle_and_at_the_end(sim, talk):
    """The next frame brings what the lost one said; the last one is sent again."""

    def handler(message):
        with message.stream(interval=0.0) as stream:
            stream.write("a")
            sim.faults.drop("stream_messages", after_accept=True, times=1)
            stream.write("b")
            stream.write("c")
            sim.faults.drop("stream_messages", after_accept=False, times=1)

    sim.platform.change_rules(stream_interval=0.0)
    message = talk(handler).next_reply()
    message.wait_finished(15)
    assert message.content == "abc"


ONE_FAULT = {
    "dropped before it is taken": lambda faults: faults.drop(FRAMES, times=1),
    "its answer is lost": lambda faults: faults.drop(FRAMES, times=1, after_accept=True),
    "503": lambda faults: faults.fail(FRAMES, times=1, status=503, body=""),
    "200 with a page": lambda faults: faults.fail(FRAMES, times=1, status=200, body="<html>"),
    "429": lambda faults: faults.fail(FRAMES, times=1, status=429, headers={"Retry-After": "1"}),
}
FRAMES = "stream_messages"


@pytest.mark.parametrize("moment", ["first", "between", "end"])
@pytest.mark.parametrize("fault", ONE_FAULT)
def test_one_failure_loses_no_streamed_answer(sim, talk, fault, moment):
    """A reply survives it, too; the whole text is there, and finished."""
    sim.platform.change_rules(stream_interval=0.0)
    done = []

    def handler(message):
        with message.stream(interval=0.0) as stream:
            if moment == "first":
                ONE_FAULT[fault](sim.faults)
            stream.write("one ")
            if moment == "between":
                ONE_FAULT[fault](sim.faults)
            stream.write("two ")
            if moment == "end":
                ONE_FAULT[fault](sim.faults)
        done.append((stream.sent, message.replies_left))

    chat = talk(handler, clock=HurriedClock())
    eventually(lambda: done or chat.failures, within=15)
    assert chat.failures == []
    sent, left = done[0]
    begun = [message for message in chat.messages if message.stream is not None]
    *orphans, whole = begun
    assert (whole.content, whole.stream.state) == ("one two ", "finished")
    assert sent.id == whole.id
    begun_twice = (moment, fault) == ("first", "its answer is lost")
    assert [orphan.content for orphan in orphans] == ["one "] * begun_twice
    assert left == 4 - len(begun)


def test_a_stream_waits_for_the_gateway_between_its_frames(sim, make_client):
    """The platform drops what is sent while the bot is away, also its first frame."""
    sim.platform.change_rules(swallow_offline=True, stream_interval=0.0)
    client = make_client()
    failures, away = [], []

    @client.on_message
    def answer(message):
        with message.stream(interval=0.0) as stream:
            leave(sim, client)
            away.append(client.status.state)
            stream.write("all of it")

    client.on_exception(lambda error, client, event: failures.append(error))
    client.start()
    assert client.wait_ready(10)
    user = sim.platform.user("Ming")
    user.say("go")
    message = user.next_reply(15)
    message.wait_finished(10)
    assert (message.content, failures) == ("all of it", [])
    assert away != ["online"]
    assert sim.platform.stats["messages_swallowed"] == 0


@pytest.mark.expected_errors
def test_a_stream_counts_as_one_reply(talk):
    """The fifth answer is refused before it is sent, like any other."""

    def handler(message):
        for number in range(4):
            message.reply(str(number))
        with message.stream() as stream:
            stream.write("one too many")

    chat = talk(handler)
    for _ in range(4):
        chat.next_reply()
    eventually(lambda: chat.failures)
    assert isinstance(chat.failures[0], ReplyLimitReached)


def test_writing_after_the_end_is_a_mistake(talk):
    """It says where to write."""
    seen = []

    def handler(message):
        with message.stream() as stream:
            stream.write("x")
        try:
            stream.write("y")
        except StateError as error:
            seen.append(error)
        return "done"

    chat = talk(handler)
    chat.next_reply()
    assert chat.next_reply().content == "done"
    assert "with block" in str(seen[0]) or "with" in str(seen[0])


# ---------------------------------------------------------------------- typing


def test_typing_is_shown_and_costs_one_reply(sim, talk):
    """It ends with the answer."""

    def handler(message):
        shown = message.typing(30)
        return f"{shown} {message.replies_left}"

    assert talk(handler).next_reply().content == "True 3"
    assert sim.platform.stats["typing_accepted"] == 1


def test_typing_leaves_the_last_reply_for_the_answer(talk):
    """Decoration never costs the answer."""

    def handler(message):
        for number in range(3):
            message.reply(str(number))
        return f"typing: {message.typing()}"

    chat = talk(handler)
    for _ in range(3):
        chat.next_reply()
    assert chat.next_reply().content == "typing: False"


def test_groups_have_no_typing(talk):
    """It does nothing there, and says so."""
    assert talk(lambda message: str(message.typing()), group=True).next_reply().content == "False"


def test_a_refused_notice_is_no_error(sim, talk):
    """The answer goes out all the same."""

    def handler(message):
        sim.faults.fail("/messages", status=400, body={"code": 50059, "err_code": 50059})
        return str(message.typing())

    assert talk(handler).next_reply().content == "False"


@pytest.mark.parametrize("group", [False, True])
def test_a_stream_refuses_what_is_no_text(talk, group):
    """A picture would arrive as the words that name it; a chain of text is text."""
    picture = PictureImage.new("RGB", (3, 3))
    things = [Chain().image(picture), Chain().elements, b"bytes", None, picture, Face(14)]
    refused = []

    def handler(message):
        with message.stream() as stream:
            stream.write(Chain().text("one ").text("two "))
            for thing in things:
                with pytest.raises(ConfigError, match="a stream takes text only") as caught:
                    stream.write(thing)
                refused.append(caught.value)
            stream.write(3)

    message = talk(handler, group=group).next_reply()
    if not group:
        message.wait_finished(10)
    assert message.content == "one two 3"
    assert len(refused) == len(things)
    assert all("message.reply()" in error.remedy for error in refused)
    refused[0].language = "zh"
    assert "message.reply()" in refused[0].remedy
