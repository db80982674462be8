"""URLs in plain text: found as fuzzily as the platform finds them, and still readable after."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from qqgroup_sync.message.urls import as_markdown, escape_markdown, has_url, with_dots
from qqgroup_sync.simulator.urls import find_url  # written apart, from the same facts

CASES = [  # text, with dots, as markdown; None where nothing is found
    ("crawler.py", "crawler。py", "[crawler.py](https://crawler.py)"),
    ("run my_crawler.py", "run my_crawler。py", r"run my\_[crawler.py](https://crawler.py)"),
    (
        "example.com:8080/x",
        "example。com:8080/x",
        "[example.com:8080/x](https://example.com:8080/x)",
    ),
    (
        "https://example.com/x?a=1&b=2#c",
        "example。com/x?a=1&b=2#c",
        "[https://example.com/x?a=1&b=2#c](https://example.com/x?a=1&b=2#c)",
    ),
    ("HTTP://A.CN", "A。CN", "[HTTP://A.CN](HTTP://A.CN)"),
    ("访问example.com吧", "访问example。com吧", "访问[example.com](https://example.com)吧"),
    ("见https://a.cn/x。谢谢", "见a。cn/x。谢谢", "见[https://a.cn/x](https://a.cn/x)。谢谢"),
    ("线路1https://a.cn/x", "线路1a。cn/x", "线路1[https://a.cn/x](https://a.cn/x)"),
    ("https://例子.com", "例子。com", "[https://例子.com](https://例子.com)"),
    ("-example.com", "-example。com", r"\-[example.com](https://example.com)"),
    ("see a.cn/x. Then", "see a。cn/x. Then", "see [a.cn/x](https://a.cn/x). Then"),
    ("(https://a.cn/x)", "(a。cn/x)", "([https://a.cn/x](https://a.cn/x))"),
    ("a.cn/x(y)!", "a。cn/x(y)!", "[a.cn/x(y)](https://a.cn/x%28y%29)!"),
    ("is it a.cn?", "is it a。cn?", "is it [a.cn](https://a.cn)?"),
    ("a.cn?x=1", "a。cn?x=1", "[a.cn?x=1](https://a.cn?x=1)"),
    ("https://a.cn\\", "a。cn\\", "[https://a.cn\\\\](https://a.cn%5C)"),
    ("http://127.0.0.1:80/", "127。0。0。1:80/", "[http://127.0.0.1:80/](http://127.0.0.1:80/)"),
    ("http://localhost", "localhost", "[http://localhost](http://localhost)"),
    (
        "web.archive.org/https://a.cn",
        "web。archive。org/a。cn",
        "[web.archive.org/https://a.cn](https://web.archive.org/https://a.cn)",
    ),
    ("look!https://a.cn", "look!a。cn", r"look\![https://a.cn](https://a.cn)"),
    ("look.https://a.cn", "look.a。cn", "look.[https://a.cn](https://a.cn)"),
    ("a.cn and b.cn", "a。cn and b。cn", "[a.cn](https://a.cn) and [b.cn](https://b.cn)"),
    ("a.b.c.d.e.f.g.h.i.j.k.l.cn", "a。b。c。d。e。f。g。h。i。j。k。l。cn", None),
    ("https://", "", None),
]
NO_URLS = [
    "version 1.2.3",
    "v1.2",
    "3.14",
    "1.5kg",
    "mail me@example.com",
    "first.last+spam@my-site.example.com",
    "e.g. this",
    "等等...",
    "你好。世界",
    "a . b",
    ".com",
    "http:/x",
    "@example.com",
    "",
]


@pytest.mark.parametrize(("text", "dots", "markdown"), CASES)
def test_what_looks_like_a_url(text, dots, markdown):
    """It is found, can be written with other dots, and can be sent as a link."""
    assert has_url(text)
    assert with_dots(text) == dots
    if markdown is not None:
        assert as_markdown(text) == markdown


@pytest.mark.parametrize("text", NO_URLS)
def test_what_does_not_look_like_a_url(text):
    """Numbers, e-mail addresses and sentences are left alone."""
    assert not has_url(text)
    assert with_dots(text) == text


tokens = st.sampled_from(
    [
        *("https://", "HTTP://", "a", "B9", "crawler", "my-site", "x_y", "例子", "com", "py", "cn"),
        *(
            ".",
            "..",
            "。",
            "/",
            ":8080",
            ":",
            "?q=1",
            "#f",
            "-",
            "--",
            "_",
            "@",
            "+",
            "1.2.3",
            "(x)",
        ),
        *(" ", "\n", "看", ",", "!", ")", "]", '"', "<", ">", "\\", "*"),
    ]
)
messages = st.lists(tokens, max_size=12).map("".join)


def refused(text):
    """What the simulator would refuse, but for names such as ``-.com`` that cannot be."""
    host = find_url(text) or ""
    return host if all(label.strip("-") for label in host.split(".")) else ""


@settings(max_examples=400, deadline=None)
@given(messages)
@example("看x_y.com/https://a.cn")
@example("done.https://cn.bing.com")
def test_no_url_is_left_that_the_platform_would_refuse(text):
    """By the simulator's own judgement; and it is calm where ours is."""
    assert refused(with_dots(text)) == ""
    if not has_url(text):
        assert refused(text) == ""


@settings(max_examples=400, deadline=None)
@given(messages)
def test_dots_change_nothing_but_schemes_and_dots(text):
    """What people read stays; a second time changes nothing."""
    bare = re.sub("(?i)https?://", "", text)
    result = with_dots(text)
    assert re.sub("(?i)https?://", "", result).replace("。", ".") == bare.replace("。", ".")
    assert with_dots(result) == result


# ---------------------------------------------------------------------- what markdown shows

# Indented code is left out: the platform's page does not know it, and it knows no escapes.
MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"]).disable("code")
BLOCKS = {"paragraph_open", "paragraph_close", "inline"}
SPANS = {"text", "text_special", "softbreak", "hardbreak", "link_open", "link_close"}


def shown(markdown):
    """What a reader of markdown shows as plain text; fails on any markup but links."""
    pieces = []
    for block in MARKDOWN.parse(markdown):
        assert block.type in BLOCKS, block.type
        for token in block.children or ():
            assert token.type in SPANS, token.type
            pieces.append(token.content)
    return words("".join(pieces))


def words(text):
    """Everything but space, which markdown is free to change."""
    return re.sub(r"[\s\x00\ufffd]+", "", text)


READABLE = [
    "# no heading",
    "#hashtag",
    "  ## either",
    "- no item",
    "+ no item",
    "* no item",
    "-5 degrees",
    "1. no item",
    "23) no item",
    "1.5 litres",
    "2026.",
    "> no quote",
    "title\n---",
    "title\r\n---\r\n",
    "title\n===",
    "***",
    "- - -",
    "| a | b |\n|---|---|\n| 1 | 2 |",
    "a | b\n:-- | --:\n1 | 2",
    "a|b\n-|-",
    "```\ncode\n```",
    "~~~\ncode\n~~~",
    "`code`",
    "**bold** __bold__ *i* _i_ ~~gone~~",
    "snake_case_name",
    "[text](https://x)",
    "![picture](x)",
    "[ref]: /url",
    "<b>no tag</b> <https://auto.link>",
    '<qqbot-at-user id="X" />',
    "AT&amp;T &lt; &#35; &copy;",
    "AT&T & co",
    "back\\slash \\* \\",
    "C:\\new\\_dir",
    "two  \nlines\\\nthree",
    "　全角 １．２ ＃",
]


@pytest.mark.parametrize("text", READABLE)
def test_markup_in_text_is_shown_as_it_is(text):
    """Headings, lists, rules, tables, tags, entities: a reader of markdown shows the text."""
    assert shown(escape_markdown(text)) == words(text)


def test_plain_text_is_not_disfigured():
    """Where a reader knows no escapes, most texts look right all the same."""
    for text in ("你好，世界！(1+1=2) 100% #1 a-b c.d 'x' \"y\" {z}; 3 - 2 = 1 | 5 & 6",):
        assert escape_markdown(text) == text


markup = st.lists(
    st.sampled_from([*"#-+*_~`=|:.)>[]()!<&;\\ \n\t1a字", "amp;", "10", "\r\n", "    "]),
    max_size=14,
).map("".join)


@settings(max_examples=400, deadline=None)
@given(markup)
@example("1\n-")
@example("a\r\n-\r\n")
def test_any_text_is_shown_as_it_is(text):
    """Escaping survives every mixture."""
    assert shown(escape_markdown(text)) == words(text)


@settings(max_examples=300, deadline=None)
@given(messages)
def test_text_with_links_is_shown_as_it_is(text):
    """Links show the URL as it was written."""
    assert shown(as_markdown(text)) == words(text)


@pytest.mark.parametrize(
    "text",
    [
        "a." + "b" * 40_000 + "://",
        "a." + "b" * 40_000 + "@c.de",
        "a." * 20_000 + "1",
        "a-" * 20_000,
        "http://" * 6_000,
        "https://" + "好" * 40_000,
        "a.b" * 13_000,
        "a.bc@" * 8_000,
        "a.bc:" * 8_000,
    ],
)
def test_long_texts_take_linear_time(text):
    """A pattern that takes minutes holds the whole process up, heartbeats included."""

    def seconds(text):
        began = time.process_time()
        has_url(text)
        with_dots(text)
        as_markdown(text)
        return time.process_time() - began

    short = min(seconds(text[: len(text) // 8]) for _ in range(3))
    assert seconds(text) < 30 * short + 0.1
