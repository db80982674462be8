"""keywords=: which texts a handler is for, and what is refused when it is decorated."""

from __future__ import annotations

import re

import pytest

from qqgroup_sync.dispatch.filters import Equal, text_filter
from qqgroup_sync.errors import ConfigError
from qqgroup_sync.events.models import GroupMessage


def says(text):
    """A message of that text."""
    return GroupMessage("GROUP_AT_MESSAGE_CREATE", text=text)


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
    assert text_filter(keywords)(says(text)) is taken


@pytest.mark.parametrize(
    "keywords",
    ["", [], (), 5, object(), b"bytes", re.compile(b"bytes"), {"a"}, ["a", 5], ["a", ""]],
)
def test_what_is_no_keyword_is_refused_with_the_remedy(keywords):
    """A filter that could never work, or would take everything, is an error in the user's line."""
    with pytest.raises(ConfigError, match="keywords") as caught:
        text_filter(keywords)
    assert "Equal" in caught.value.remedy


def test_a_list_changed_later_changes_nothing():
    """What counts is the list at the decorator."""
    keywords = ["one"]
    test = text_filter(keywords)
    keywords.append("two")
    assert not test(says("two"))


def test_equal_shows_its_text():
    """So that a log line or an error says which keyword it was."""
    assert repr(Equal("你好")) == "Equal('你好')"
