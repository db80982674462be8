"""keywords=: which texts a handler is for, and what is refused when it is decorated."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qqgroup_sync.dispatch.filters import (
    UNCHECKED,
    Equal,
    Filter,
    GroupConfig,
    any_text,
    copy_of,
    function_test,
    needles_of,
    prefix_words,
    text_test,
    wake,
)
from qqgroup_sync.errors import ConfigError
from qqgroup_sync.events.models import C2CMessage, GroupMessage, Member
from qqgroup_sync.events.verify import Verify


def says(text):
    """A message of that text."""
    return GroupMessage("GROUP_AT_MESSAGE_CREATE", text=text)


def hit(test, text, *prefixes):
    """What a test says about a text, where these prefixes are set."""
    return test(says(text), wake(text, prefix_words(prefixes)))


@pytest.mark.parametrize(
    ("keywords", "text", "taken"),
    [
        ("hello", "oh hello there", True),
        ("hello", "Hello", False),
        ("天气", "今天天气如何", True),
        ("a.c", "abc", False),
        (Equal("hello"), "hello", True),
        (Equal("hello"), "hello there", False),
        (Equal(""), "", True),
        (Equal(""), "x", False),
        (re.compile("h.llo"), "say hallo", True),
        (re.compile("^h.llo$", re.IGNORECASE), "HELLO", True),
        (re.compile("^h.llo$"), "hello there", False),
        (["one", Equal("two"), re.compile("thr..$")], "twenty one", True),
        (["one", Equal("two"), re.compile("thr..$")], "two", True),
        (("one", Equal("two"), re.compile("thr..$")), "three", True),
        (["one", Equal("two"), re.compile("thr..$")], "two and three apples", False),
        ([["deep"], ("down",)], "deep", True),
    ],
)
def test_what_a_keyword_takes(keywords, text, taken):
    """A str is contained, Equal is everything, a pattern is found, a list is any of them."""
    assert bool(hit(text_test(keywords), text)) is taken


@pytest.mark.parametrize(
    "keywords",
    ["", [], (), 5, object(), b"bytes", re.compile(b"bytes"), {"a"}, ["a", 5], ["a", ""]],
)
def test_what_is_no_keyword_is_refused_with_the_remedy(keywords):
    """A filter that could never work, or would take everything, is an error in the user's line."""
    with pytest.raises(ConfigError, match="keywords") as caught:
        text_test(keywords)
    assert "Equal" in caught.value.remedy


def test_a_list_changed_later_changes_nothing():
    """What counts is the list at the decorator."""
    keywords = ["one"]
    test = text_test(keywords)
    keywords.append("two")
    assert not hit(test, "two")


def test_equal_shows_its_text():
    """So that a log line or an error says which keyword it was."""
    assert repr(Equal("你好")) == "Equal('你好')"


# ---------------------------------------------------------------------- what was found


@pytest.mark.parametrize(
    ("keywords", "text", "keypoint"),
    [
        ("hello", "oh hello", "hello"),
        (Equal("hello"), "hello", "hello"),
        (["one", "two"], "two and one", "one"),
        ([re.compile("x"), Equal("two")], "two", "two"),
    ],
)
def test_the_keypoint_is_the_keyword_that_was_found(keywords, text, keypoint):
    """Of a list the first one that fits."""
    found = hit(text_test(keywords), text)
    assert (found.result, found.weight, found.keypoint) == (True, 1, keypoint)


def test_the_keypoint_of_a_pattern_is_its_match():
    """Its groups reach the handler, also out of a list."""
    for keywords in (
        re.compile(r"(\d+)d(?P<sides>\d+)"),
        ["x", re.compile(r"(\d+)d(?P<sides>\d+)")],
    ):
        match = hit(text_test(keywords), "roll 2d6").keypoint
        assert (match[1], match["sides"]) == ("2", "6")


# ---------------------------------------------------------------------- prefix words


@pytest.mark.parametrize(
    ("text", "prefixes", "seen"),
    [
        ("hi", (), ("hi", True, "")),
        ("hi", ("bot",), ("hi", False, "")),
        ("bot hi", ("bot",), ("hi", True, "bot")),
        ("bothi", ("bot",), ("hi", True, "bot")),
        ("bot", ("bot",), ("", True, "bot")),
        ("say bot", ("bot",), ("say bot", False, "")),
        ("Bot hi", ("bot",), ("Bot hi", False, "")),
        ("小助手天气", ("小助手", "助手"), ("天气", True, "小助手")),
        ("botty hi", ("bot", "botty"), ("hi", True, "botty")),
        ("／天气", ("/",), ("天气", True, "／")),
        ("!go", ("！",), ("go", True, "!")),
        ("ｂｏｔ　hi", ("bot",), ("hi", True, "ｂｏｔ")),
        ("", ("bot",), ("", False, "")),
        ("bo", ("bot",), ("bo", False, "")),
    ],
)
def test_what_wakes_the_bot(text, prefixes, seen):
    """The longest word at the beginning, of any width; it is taken off with the space after it."""
    found = wake(text, prefix_words(prefixes))
    assert (found.text, found.woken, found.prefix) == seen
    assert found.whole == text


@given(st.text(), st.lists(st.text().filter(str.strip), max_size=3))
def test_nothing_of_the_text_is_lost_to_a_prefix(text, prefixes):
    """Prefix, space and rest are the whole."""
    found = wake(text, prefix_words(prefixes))
    assert text == found.prefix + text[len(found.prefix) : len(text) - len(found.text)] + found.text
    assert not text[len(found.prefix) : len(text) - len(found.text)].strip()


@pytest.mark.parametrize(
    ("keywords", "text", "taken"),
    [
        ("hi", "hi", False),
        ("hi", "bot hi", True),
        ("bot", "bot hi", False),
        (re.compile("^hi"), "bot hi", True),
        (re.compile("hi"), "hi", False),
        (Equal("hi"), "hi", True),
        (Equal("hi"), "bot hi", True),
        (Equal("bot hi"), "bot hi", True),
        (Equal("hi"), "hi there", False),
        (["hey", Equal("hi")], "hi", True),
        (["hey", Equal("hi")], "hey", False),
        ([["hey", Equal("hi")]], "hi", True),
    ],
)
def test_equal_needs_no_prefix_not_even_inside_a_list(keywords, text, taken):
    """The others of the list do need it."""
    assert bool(hit(text_test(keywords), text, "bot")) is taken


def test_a_handler_that_needs_no_prefix_gets_the_text_without_one_all_the_same():
    """check_prefix=False: with or without, the keywords see the same."""
    for text in ("hi", "bot hi"):
        found = wake(text, ("bot",)).anyhow()
        assert (found.text, found.woken) == ("hi", True)


@pytest.mark.parametrize(
    ("check", "config", "prefixes"),
    [
        (None, None, None),
        (True, None, None),
        (False, None, UNCHECKED),
        (("x",), None, ("x",)),
        (None, GroupConfig("g"), None),
        (None, GroupConfig("g", check_prefix=False), UNCHECKED),
        (None, GroupConfig("g", check_prefix=["a", "abc"]), ("abc", "a")),
        (None, GroupConfig("g", check_prefix=[]), UNCHECKED),
        (True, GroupConfig("g", check_prefix=False), None),
        (False, GroupConfig("g", check_prefix=["a"]), UNCHECKED),
        (("x",), GroupConfig("g", check_prefix=False), ("x",)),
    ],
)
def test_a_handlers_own_prefix_comes_before_that_of_its_group(check, config, prefixes):
    """None of its own leaves it to the group, and that to the bot."""
    assert Filter(any_text, check_prefix=check).prefixes(config) == prefixes


@pytest.mark.parametrize(
    "options",
    [
        {"group_id": ""},
        {"group_id": None},
        {"group_id": 5},
        {"group_id": "g", "check_prefix": 5},
        {"group_id": "g", "check_prefix": [""]},
        {"group_id": "g", "check_prefix": [None]},
    ],
)
def test_a_group_config_is_checked_in_its_line(options):
    """Not at the first message."""
    with pytest.raises(ConfigError):
        GroupConfig(**options)


words = st.text("abc ", min_size=1, max_size=3)
word_or_equal = st.one_of(words, words.map(Equal))


@given(
    st.one_of(word_or_equal, st.lists(word_or_equal, min_size=1, max_size=3)),
    st.text("abc ", max_size=8),
    st.sampled_from(["", "a"]),
)
def test_the_quick_no_is_never_wrong(keywords, text, prefix):
    """What contains no needle is not taken, with or without a prefix."""
    if hit(text_test(keywords), text, *filter(None, [prefix])):
        assert any(needle in text for needle in needles_of(keywords))


@pytest.mark.parametrize("content", [5, None, re.compile("a"), ["a"]])
def test_a_whole_text_that_is_none_is_refused_in_its_line(content):
    """No message would ever be it; an empty one may come, as an @ alone."""
    with pytest.raises(ConfigError, match="would never be a text") as caught:
        Equal(content)
    assert caught.value.remedy
    assert hit(text_test(Equal("")), "")


def test_some_keywords_have_no_quick_no():
    """Patterns have to be asked, also those in a list."""
    assert needles_of("a") == needles_of(Equal("a")) == ("a",)
    assert needles_of(["a", (Equal("b"), re.compile("c"))]) == ("a", "b", "")
    assert [needles_of(one) for one in (None, re.compile("a"))] == [("",)] * 2


# ---------------------------------------------------------------------- scenes


@pytest.mark.parametrize(
    ("options", "config", "in_group", "in_c2c"),
    [
        ({}, None, True, False),
        ({"in_c2c": True}, None, True, True),
        ({"in_group": False, "in_c2c": True}, None, False, True),
        ({"allow_direct": True}, None, True, True),
        ({"direct_only": True}, None, False, True),
        ({"in_c2c": True, "allow_direct": False}, None, True, False),
        ({"in_c2c": True, "direct_only": True}, None, False, True),
        ({"in_group": False, "in_c2c": True}, GroupConfig("g"), False, True),
        ({}, GroupConfig("g", allow_direct=True), True, True),
        ({}, GroupConfig("g", direct_only=True), False, True),
        ({"allow_direct": False}, GroupConfig("g", allow_direct=True), True, False),
        ({"direct_only": False}, GroupConfig("g", direct_only=True), True, False),
        ({"in_c2c": True, "groups": frozenset("G")}, None, True, False),
        ({"in_c2c": True, "roles": frozenset(["admin"])}, None, True, False),
    ],
)
def test_in_which_scene_a_handler_is_asked(options, config, in_group, in_c2c):
    """The decorator's own options first, then those of its group."""
    wanted = Filter(any_text, **options)
    assert wanted.applies(config, direct=False) is in_group
    assert wanted.applies(config, direct=True) is in_c2c


@pytest.mark.parametrize(
    ("options", "message", "taken"),
    [
        ({"at_only": True}, GroupMessage(is_at=True), True),
        ({"at_only": True}, GroupMessage(), False),
        ({"at_only": True}, C2CMessage(), True),
        ({"users": frozenset(["U"])}, GroupMessage(author=Member("U")), True),
        ({"users": frozenset(["U"])}, GroupMessage(author=Member("V")), False),
        ({"groups": frozenset(["G"])}, GroupMessage(group_openid="G"), True),
        ({"groups": frozenset(["G"])}, GroupMessage(group_openid="H"), False),
        ({"roles": frozenset(["owner"])}, GroupMessage(author=Member("U", role="owner")), True),
        ({"roles": frozenset(["owner"])}, GroupMessage(author=Member("U", role="admin")), False),
        ({"roles": frozenset(["owner"])}, GroupMessage(author=Member("U")), False),
        (
            {"users": frozenset(["U"]), "at_only": True},
            GroupMessage(author=Member("U")),
            False,
        ),
    ],
)
def test_conditions_come_before_the_text(options, message, taken):
    """All of them have to hold."""
    assert bool(Filter(any_text, **options).match()(message, wake("", ()))) is taken


# ---------------------------------------------------------------------- verify=


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (True, Verify()),
        (False, None),
        (None, None),
        (0, None),
        ("", None),
        ((), None),
        ((True,), Verify()),
        ((True, 5), Verify(weight=5)),
        ((True, 0.5, "x"), Verify(weight=0.5, keypoint="x")),
        ((False, 5, "x"), None),
        ((None, 5), None),
        (Verify(True, 3, "k"), Verify(True, 3, "k")),
        (Verify(False, 3, "k"), None),
        ("word", Verify(keypoint="word")),
        ([1, 2], Verify(keypoint=[1, 2])),
        (("picture", "picture"), Verify(keypoint=("picture", "picture"))),
    ],
)
def test_what_verify_may_say(said, found):
    """bool, (bool, weight), (bool, weight, keypoint), or whatever it found."""
    assert hit(function_test(lambda message: said), "hi") == found


@pytest.mark.parametrize("said", [(True, "x"), (True, None), (True, True), (True, 1, 2, 3)])
def test_what_verify_may_not_say_is_told_with_the_remedy(said):
    """Else the handlers could not be sorted, and the message would be lost for all of them."""
    with pytest.raises(ConfigError, match="verify= returned") as caught:
        hit(function_test(lambda message: said), "hi")
    assert caught.value.remedy


def test_verify_sees_the_message_as_its_handler_would():
    """Without the prefix; and it is not asked about messages that do not wake the bot."""
    seen = []
    test = function_test(lambda message: seen.append((message.text, message.text_prefix)))
    hit(test, "hi", "bot")
    hit(test, "bot hi", "bot")
    hit(test, "hi")
    assert seen == [("hi", "bot"), ("hi", "")]


def test_one_copy_without_the_prefix_serves_all_tests():
    """With a hundred handlers there are not a hundred copies."""
    message, words = says("bot hi"), wake("bot hi", ("bot",))
    assert words.shown(message) is words.shown(message)
    assert message.text == "bot hi"


def test_a_copy_has_everything_and_leaves_the_original_alone():
    """Whatever fields a message has."""
    message = GroupMessage(
        *("N", "E", {"raw": 1}, 1.0, 2.0, object(), "A", object(), "id", "content", "text"),
        author=Member("U"),
    )
    copied = copy_of(message, text="other")
    assert type(copied) is GroupMessage
    for one in fields(GroupMessage):
        wanted = "other" if one.name == "text" else getattr(message, one.name)
        assert getattr(copied, one.name) is wanted or getattr(copied, one.name) == wanted
    assert message.text == "text"
