"""Payloads: the request bodies that carry a chain, complete, in order, as the platform wants."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qqgroup_sync.errors import ContentRejected
from qqgroup_sync.message.chain import Chain, chain_of
from qqgroup_sync.message.elements import At, Markdown, Quote, Text
from qqgroup_sync.message.markup import split
from qqgroup_sync.message.payloads import build as build_payloads

scenes = st.sampled_from(["group", "c2c"])
modes = st.sampled_from(["error", "dots", "markdown"])
words = st.text(st.sampled_from("ab字。 \n\t\u200b*_[#1.-<"), max_size=12)
elements = st.one_of(
    st.builds(Text, words),
    st.builds(Markdown, words),
    st.builds(At, st.text("ABC", min_size=1, max_size=3)),
    st.builds(Quote, st.sampled_from(["REFIDX_1", "REFIDX_2"])),
)
chains = st.lists(elements, max_size=8).map(chain_of)


@pytest.fixture(autouse=True)
def _english(monkeypatch):
    """Let remedies be English, whatever this machine speaks."""
    monkeypatch.setenv("QQ_LANGUAGE", "en")


def build(chain, **options):
    """The request bodies of a chain without media."""
    payloads = build_payloads(chain, **options)
    assert not any(payload.medium or payload.pictures for payload in payloads)
    return [payload.body for payload in payloads]


def content_of(body):
    """What a body says."""
    return body["content"] if body["msg_type"] == 0 else body["markdown"]["content"]


def visible(text):
    """The text without what nobody sees."""
    return re.sub("[\\s\u200b-\u200f\u2060\ufeff]", "", text)


def try_build(chain, **options):
    """The bodies; none when the chain says nothing."""
    try:
        return build(chain, **options)
    except ContentRejected:
        return []


# ---------------------------------------------------------------------- the two kinds


@pytest.mark.parametrize(
    ("chain", "bodies"),
    [
        (Chain().text("hi"), [{"msg_type": 0, "content": "hi"}]),
        (Chain().text("a").text("b").text("c"), [{"msg_type": 0, "content": "abc"}]),
        (Chain().text("  kept \n"), [{"msg_type": 0, "content": "  kept \n"}]),
        (Chain().text("*as is* <b> &amp;"), [{"msg_type": 0, "content": "*as is* <b> &amp;"}]),
        (Chain().markdown("**b**"), [{"msg_type": 2, "markdown": {"content": "**b**"}}]),
        (
            Chain().at("M").text(" *hi*"),
            [{"msg_type": 2, "markdown": {"content": '<qqbot-at-user id="M" /> \\*hi\\*'}}],
        ),
        (
            Chain().text("# a").markdown("# b").text("# c"),
            [{"msg_type": 2, "markdown": {"content": "\\# a\n\n# b\n\n\\# c"}}],
        ),
        (
            Chain().markdown("a").markdown("b"),
            [{"msg_type": 2, "markdown": {"content": "a\n\nb"}}],
        ),
        (
            Chain().text("\n").markdown("# b"),
            [{"msg_type": 2, "markdown": {"content": "# b"}}],
        ),
        (
            Chain().at("M").text("\n").text(1).text(". no list"),
            [{"msg_type": 2, "markdown": {"content": '<qqbot-at-user id="M" />\n1\\. no list'}}],
        ),
    ],
)
def test_what_a_chain_becomes(chain, bodies):
    """Text alone is text; with a mention or markdown the whole is markdown, text escaped."""
    assert build(chain, scene="group") == bodies


def test_mentions_are_left_out_in_private():
    """They have no effect there; what is left may be plain text again."""
    chain = Chain().at("U").text("hi").at("U")
    assert build(chain, scene="c2c") == [{"msg_type": 0, "content": "hi"}]


@pytest.mark.parametrize(
    "chain",
    [Chain().at("U"), Chain().at("U", enter=True), Chain().at("U").quote("REFIDX_x").text(" ")],
)
def test_a_mention_alone_is_nothing_in_private(chain):
    """The platform would refuse the empty rest."""
    with pytest.raises(ContentRejected, match="empty"):
        build(chain, scene="c2c")
    assert len(build(chain, scene="group")) == 1


@pytest.mark.parametrize(
    "content",
    [[], "", " \n\t", "\u200b", "\u3000\ufeff", Markdown(""), Quote("REFIDX_x"), ["", " "]],
)
@pytest.mark.parametrize("scene", ["group", "c2c"])
def test_nothing_to_see_is_refused_with_the_remedy(content, scene):
    """Before the platform answers with a code."""
    with pytest.raises(ContentRejected, match="empty") as caught:
        build(chain_of(content), scene=scene)
    assert caught.value.reason == "empty"
    assert "return None" in caught.value.remedy


# ---------------------------------------------------------------------- quotes


def test_a_quote_goes_with_the_first_piece_only():
    """Wherever it stands in the chain."""
    first, *others = build(chain_of(["a" * 25, Quote("REFIDX_x")]), scene="group", max_text=10)
    assert first["message_reference"] == {"message_id": "REFIDX_x"}
    assert len(others) == 2
    assert not any("message_reference" in body for body in others)


def test_the_last_of_several_quotes_counts():
    """A message can quote one."""
    (body,) = build(Chain().quote("REFIDX_1").text("x").quote("REFIDX_2"), scene="c2c")
    assert body["message_reference"] == {"message_id": "REFIDX_2"}


# ---------------------------------------------------------------------- urls


@pytest.mark.parametrize(
    ("urls", "body"),
    [
        ("error", {"msg_type": 0, "content": "see a.cn/x_y"}),
        ("dots", {"msg_type": 0, "content": "see a。cn/x_y"}),
        (
            "markdown",
            {"msg_type": 2, "markdown": {"content": r"see [a.cn/x\_y](https://a.cn/x_y)"}},
        ),
    ],
)
def test_what_happens_to_urls_in_text(urls, body):
    """Left to the platform, made unclickable, or sent as links."""
    assert build(chain_of("see a.cn/x_y"), scene="group", urls=urls) == [body]


def test_text_without_urls_stays_text_in_every_mode():
    """Markdown only where it is needed."""
    for urls in ("error", "dots", "markdown"):
        assert build(chain_of("1.5 *x*"), scene="group", urls=urls)[0]["msg_type"] == 0


@pytest.mark.parametrize(
    ("urls", "shown"),
    [
        ("error", "[a.cn](https://a.cn)"),
        ("dots", "a。cn"),
        ("markdown", "[a.cn](https://a.cn)"),
    ],
)
def test_urls_in_text_beside_markdown(urls, shown):
    """There the text is markdown anyway; what the user wrote as markdown is left alone."""
    (body,) = build(Chain().text("a.cn").markdown("b.cn"), scene="group", urls=urls)
    assert content_of(body) == f"{shown}\n\nb.cn"


def test_a_url_in_two_texts_is_one():
    """Chains are often written in pieces."""
    chain = Chain().text("https://").text("a.cn/").text("x")
    assert content_of(build(chain, scene="group", urls="dots")[0]) == "a。cn/x"
    chain.at("M")
    link = '[https://a.cn/x](https://a.cn/x)<qqbot-at-user id="M" />'
    assert content_of(build(chain, scene="group", urls="markdown")[0]) == link


# ---------------------------------------------------------------------- any chain


@settings(max_examples=150, deadline=None)
@given(chain=chains, scene=scenes, urls=modes, max_text=st.integers(1, 40))
def test_every_body_is_one_that_the_platform_takes(chain, scene, urls, max_text):
    """Visible, short enough, one kind of content, no null; and the chain is as before."""
    before = list(chain)
    bodies = try_build(chain, scene=scene, urls=urls, max_text=max_text)
    assert list(chain) == before
    for number, body in enumerate(bodies):
        expected = {"msg_type", "content"} if body["msg_type"] == 0 else {"msg_type", "markdown"}
        assert set(body) - {"message_reference"} == expected
        assert visible(content_of(body))
        assert len(content_of(body)) <= max_text
        assert number == 0 or "message_reference" not in body
    if bodies:
        quotes = [element for element in before if isinstance(element, Quote)]
        assert ("message_reference" in bodies[0]) == bool(quotes)


@settings(max_examples=150, deadline=None)
@given(chain=chains, scene=scenes, max_text=st.integers(1, 40))
def test_what_can_be_seen_arrives_in_order(chain, scene, max_text):
    """Nothing is lost at a cut, nothing comes twice."""
    said = []
    plain = True
    for element in chain:
        if isinstance(element, At) and scene == "group":
            said.append(f'<qqbot-at-user id="{element.openid}" />')
            plain = False
        elif isinstance(element, Text | Markdown):
            said.append(str(element))
            plain = plain and isinstance(element, Text)
    bodies = try_build(chain, scene=scene, max_text=max_text)
    arrived = "".join(content_of(body) for body in bodies)
    if plain:
        assert visible(arrived) == visible("".join(said))
    else:  # escapes are not seen; that they are right is told in test_urls
        assert visible(arrived).replace("\\", "") == visible("".join(said)).replace("\\", "")


@settings(max_examples=100, deadline=None)
@given(texts=st.lists(words, min_size=1, max_size=6), scene=scenes, urls=modes)
def test_how_a_text_is_cut_into_elements_does_not_matter(texts, scene, urls):
    """Ten short texts are one long one, with and without markdown before them."""
    for begin in (Chain(), Chain().markdown("m")):
        apart = begin + chain_of(texts)
        together = begin + "".join(texts)
        assert try_build(apart, scene=scene, urls=urls) == try_build(
            together, scene=scene, urls=urls
        )


# ---------------------------------------------------------------------- splitting


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("short", ["short"]),
        ("0123456789", ["0123456789"]),
        ("0123456789x", ["0123456789", "x"]),
        ("01234\n\n567\n89", ["01234", "567\n89"]),
        ("012345\n6 89x", ["012345", "6 89x"]),
        ("01\n3456789x", ["01\n3456789", "x"]),  # a break too early is no good place
        ("今天天气很好。我们出去吧", ["今天天气很好。", "我们出去吧"]),
        ("0123456 89x", ["0123456", "89x"]),
        ("0123456789\n  indented", ["0123456789", "  indented"]),
        ("a" * 10 + "\n" * 30 + "b", ["a" * 10, "b"]),
        (" " * 30 + "b", ["b"]),
    ],
)
def test_where_a_long_text_is_cut(text, pieces):
    """At a blank line, a line, a sentence, a word; else wherever it must be."""
    assert split(text, 10, markdown=False) == pieces


@pytest.mark.parametrize(
    "whole",
    [
        '<qqbot-at-user id="ABC" />',
        "[link](https://example.com/a)",
        "![picture #20px #20px](https://example.com/a)",
        r"[a\]b\[c](https://example.com/)",
        r"\*",
    ],
)
def test_a_cut_parts_nothing_that_belongs_together(whole):
    """A mention, a link, a picture or an escape is moved to the next piece."""
    for length in range(20, 62):
        pieces = split("x" * length + whole + "y" * 50, 60, markdown=True)
        assert sum(piece.count(whole) for piece in pieces) == 1
        assert "".join(pieces) == "x" * length + whole + "y" * 50
        assert all(len(piece) <= 60 for piece in pieces)


def test_what_is_longer_than_a_piece_is_cut_all_the_same():
    """Better in two than not at all."""
    link = f"[a](https://example.com/{'x' * 100})"
    pieces = split(link, 50, markdown=True)
    assert "".join(pieces) == link
    assert all(0 < len(piece) <= 50 for piece in pieces)


@settings(max_examples=150, deadline=None)
@given(
    text=st.text(st.sampled_from("ab字。 \n\u200b[](!<>\\*"), max_size=120),
    limit=st.integers(1, 30),
    markdown=st.booleans(),
)
def test_no_split_loses_or_repeats_anything(text, limit, markdown):
    """Whatever is visible is in exactly one piece, in order, and every piece is short enough."""
    pieces = split(text, limit, markdown=markdown)
    assert visible("".join(pieces)) == visible(text)
    assert all(len(piece) <= limit and visible(piece) for piece in pieces)


@pytest.mark.parametrize(
    "text",
    ["[" * 8000, "![" * 4000, "\\" * 8001, "<qqbot-" * 1500, "a." * 4000, "a--" * 7000 + "."],
)
def test_a_strange_text_takes_no_long_time(text):
    """No pattern here has an exponential, or a cubic, surprise."""
    chain = Chain().text(text).markdown(text)
    bodies = build(chain, scene="group", urls="markdown")
    assert all(len(content_of(body)) <= 4000 for body in bodies)


def test_the_fewest_messages_that_hold_a_long_text():
    """A reply may have five parts; a text of two and a half pieces takes three."""
    text = "字" * 10_000
    assert [len(content_of(body)) for body in build(chain_of(text), scene="group")] == [
        4000,
        4000,
        2000,
    ]
