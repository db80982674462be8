"""Frames: whatever comes is a frame or a FrameError; every close code has its meaning."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qqgroup_sync.gateway.frames import (
    CLOSE_RULES,
    DEFAULT_INTENTS,
    NETWORK,
    OPTIONAL_INTENTS,
    Frame,
    FrameError,
    Intents,
    Op,
    Reaction,
    close_rule,
    decode,
    encode,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(st.binary() | st.text())
@example(b"")
@example(b"\xff\xfe\x00")
@example("[" * 5_000)
@example('{"op": 0, "s": ' + "9" * 5000 + "}")
@example('{"op": NaN}')
@example("null")
@example('"op"')
@example("[0]")
@example('{"OP": 0}')
def test_no_text_raises_anything_else(text):
    """Garbage from the wire never ends the bot."""
    with suppress(FrameError):
        assert isinstance(decode(text), Frame)


@given(st.fixed_dictionaries({"op": JSON}, optional={"s": JSON, "t": JSON, "d": JSON, "id": JSON}))
def test_any_shape_becomes_a_frame_with_the_right_types(raw):
    """Whoever takes a frame can rely on the types of its fields."""
    try:
        frame = decode(json.dumps(raw))
    except FrameError:
        assert not isinstance(raw["op"], int) or isinstance(raw["op"], bool)
        return
    assert isinstance(frame.op, int)
    assert frame.s is None or isinstance(frame.s, int)
    assert isinstance(frame.t, str)
    assert isinstance(frame.id, str)


def test_a_dispatch_is_read_as_it_came():
    """All fields of an event, Chinese text included, from bytes as from text."""
    text = '{"id":"E:1","op":0,"s":42,"t":"GROUP_AT_MESSAGE_CREATE","d":{"content":"你好"}}'
    expected = Frame(0, 42, "GROUP_AT_MESSAGE_CREATE", {"content": "你好"}, "E:1")
    assert decode(text) == decode(text.encode()) == expected


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (rb"\ud83d\ude00", "\U0001f600"),
        (b"\xf0\x9f\x98\x80", "\U0001f600"),
        (rb"a\ud83db", "a\ufffdb"),
        (rb"\uDE00", "\ufffd"),
        (b"\xed\xa0\xbd", "\ufffd"),
        (rb"\\ud83d", r"\ud83d"),
    ],
)
def test_halves_of_characters_are_replaced(written, kept):
    """What can neither be printed nor stored must not reach a handler; emoji must."""
    data = b'{"op":0,"t":"%b","id":"%b","d":{"%b":["%b"]}}' % ((written,) * 4)
    assert (
        decode(data)
        == decode(data.decode("utf-8", "surrogatepass"))
        == Frame(0, None, kept, {kept: [kept]}, kept)
    )


@pytest.mark.parametrize("s", ["-1", "true", "1.5", "9223372036854775808", "1e999", '"7"'])
def test_a_number_that_no_gateway_counts_to_is_none(s):
    """It would go back in heartbeats, and to disk."""
    assert decode(f'{{"op":0,"s":{s},"t":"X"}}').s is None


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 200_000,
        b'{"op":0,"d":' + b"[" * 200_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b'{"op":0,"s":' + b"9" * 5000 + b"}",
        b'{"op":' + b"9" * 5000 + b"}",
        b'{"op":true}',
        b'{"op":NaN}',
        b'{"op":0',
        b"\xff\xfe\x00",
    ],
)
def test_hostile_texts_are_no_frames(data):
    """Nesting that would overrun the stack, numbers of thousands of digits, broken texts."""
    with pytest.raises(FrameError):
        decode(data)


def test_an_error_quotes_nothing():
    """A frame may hold a token; what cannot be read is not shown."""
    with pytest.raises(FrameError) as caught:
        decode(b'{"op": "secret-token"')
    assert "secret-token" not in str(caught.value)
    with pytest.raises(FrameError, match="opcode str"):
        decode(b'{"op": "secret-token"}')


@pytest.mark.parametrize(
    ("op", "data", "text"),
    [
        (Op.HEARTBEAT, 251, '{"op":1,"d":251}'),
        (Op.HEARTBEAT, None, '{"op":1,"d":null}'),
        (Op.IDENTIFY, {"shard": [0, 1]}, '{"op":2,"d":{"shard":[0,1]}}'),
    ],
)
def test_what_is_sent(op, data, text):
    """The gateway's own notation."""
    assert encode(op, data) == text


def test_intents_are_those_of_the_documentation():
    """24 + 25 + 26 is what a group bot needs; members are asked for, but not insisted upon."""
    assert int(DEFAULT_INTENTS) == 117440512
    assert int(Intents.GROUP_AND_C2C | Intents.INTERACTION) == 100663296
    assert Intents.GROUP_MEMBER in OPTIONAL_INTENTS
    assert not {Intents.GROUP_AND_C2C, Intents.INTERACTION} & set(OPTIONAL_INTENTS)


@pytest.mark.parametrize("code", [None, 1000, 1001, 1006, 1011, 1012, 3000])
def test_transport_codes_leave_the_session_alive(code):
    """A server that drains, or a proxy, does not end a session."""
    assert close_rule(code) is NETWORK


@pytest.mark.parametrize("code", [4000, 4003, 4005, 4500, 4999, 9001, 9005])
def test_unknown_codes_start_a_new_session(code):
    """The official short rule: anything else identifies again."""
    assert close_rule(code).reaction is Reaction.IDENTIFY


def test_every_fatal_code_says_what_to_do():
    """Who has to act is told how, in both languages."""
    for code, rule in CLOSE_RULES.items():
        assert rule.meaning.en, code
        assert rule.meaning.zh, code
        if rule.reaction in (Reaction.STOP, Reaction.DROP_INTENTS):
            assert rule.remedy is not None, code
            assert rule.remedy.en, code
            assert rule.remedy.zh, code
