"""Splitting lines as people type them: widths, quotes, escapes, commas."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qqgroup_sync.dispatch.words import (
    HEAD,
    UnclosedQuote,
    folded,
    folded_head,
    half_width,
    loosely,
    next_word,
    quote,
    split,
)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", []),
        (" \n\t　", []),
        ("one two", ["one", "two"]),
        ("北京　上海\n广州", ["北京", "上海", "广州"]),
        ('"New York" 3', ["New York", "3"]),
        ("'New York' “San José” ‘a b’ 「c d」 『e f』 ＂g h＂", None),
        ("don't 'don't do it' rock'n'roll", ["don't", "don't do it", "rock'n'roll"]),
        ("‘don’t’ x", ["don’t", "x"]),
        ("”New York”", ["New York"]),
        ("「北京」明天", ["北京", "明天"]),
        ("'北京'明天", ["北京", "明天"]),
        ('"a"b', ["a", "b"]),
        ('""', [""]),
        ('say "" now', ["say", "", "now"]),
        ('a"b c"', ['a"b', 'c"']),
        (r"\"hi\" \“x", ['"hi"', "“x"]),
        (r"C:\new\dir \\host a\ b", [r"C:\new\dir", r"\\host", "a\\", "b"]),
        (r'"C:\\new \"x\" \n"', [r'C:\new "x" \n']),
        ('--name="a b" c', ["--name=a b", "c"]),
        ("name＝「a b」", ["name＝a b"]),
    ],
)
def test_words_of_a_line(line, words):
    """Quotes open at the beginning of a word or after its =, and close where one would expect."""
    words = ["New York", "San José", "a b", "c d", "e f", "g h"] if words is None else words
    assert [word.text for word in split(line)] == words


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("a,b，c、d", ("a", "b", "c", "d")),
        (",a,,b,", ("a", "b")),
        ('"a,b"', ("a,b",)),
        ('"New York","Rio, Brazil",x', ("New York", "Rio, Brazil", "x")),
        ('a,""', ("a", "")),
        (",", ()),
    ],
)
def test_parts_between_commas(line, parts):
    """A list is written with commas of any kind; a comma in quotes parts nothing."""
    (word,) = split(line)
    assert word.parts == parts


@pytest.mark.parametrize(
    ("line", "equals", "quoted"),
    [
        ("a=b=c", 1, False),
        ("--days＝3", 6, False),
        ('"a=b"', -1, True),
        ('"a" x', -1, True),
        ('"a",b', -1, False),
        ('x="a=b"', 1, False),
        ("plain", -1, False),
    ],
)
def test_what_stands_in_quotes_is_no_name(line, equals, quoted):
    """An equals sign in quotes gives nothing a value."""
    word = split(line)[0]
    assert (word.equals, word.quoted) == (equals, quoted)


@pytest.mark.parametrize(
    ("line", "mark", "wanted"),
    [
        ('say "hi', '"', '"'),
        ("“北京", "“", "”"),
        ("「x」 「y", "「", "」"),
        ("'tis", "'", "'"),
        ("n='x", "'", "'"),
    ],
)
def test_a_quote_that_never_closes(line, mark, wanted):
    """It is told, with the mark that was expected; or it is an ordinary character."""
    with pytest.raises(UnclosedQuote) as caught:
        split(line)
    assert (caught.value.mark, caught.value.wanted) == (mark, wanted)
    unclosed = set()
    position, words = 0, []
    while word := next_word(line, position, unclosed=unclosed):
        words.append(word)
        position = word.end
    assert mark in "".join(word.text for word in words)
    assert unclosed == {mark}


def test_positions_lead_back_to_the_line():
    """So that the rest of a line can be taken as it was written."""
    line = "  /x 「a b」  c"
    assert [line[word.start : word.end] for word in split(line)] == ["/x", "「a b」", "c"]


def test_a_line_full_of_unclosed_quotes_is_read_in_one_go():
    """Nobody can keep a worker busy: looking for each one's end would outlast the time-out."""
    line = "'a " * 20_000
    unclosed, position, count = set(), 0, 0
    while word := next_word(line, position, unclosed=unclosed):
        position, count = word.end, count + 1
    assert count == 20_000


def test_widths():
    """Full-width forms of ASCII become ASCII, one for one; anything else stays."""
    assert half_width("／Ａｂ　１２！～−３ 北京。") == "/Ab 12!~-3 北京。"
    assert folded("ＷＥＡther") == "weather"


@pytest.mark.parametrize("text", ["／ＷＥＡｔｈｅｒ　１", "/weather   1", "/Weather\t1"])
def test_a_loose_pattern_takes_every_width_case_and_spacing(text):
    """What one person types on a phone and another on a keyboard is the same command."""
    assert re.fullmatch(loosely("/weather 1"), text, re.IGNORECASE)


def test_a_loose_pattern_takes_signs_for_themselves():
    """A dot in a name is no wildcard."""
    sign = "".join(map(chr, range(0x21, 0x7F)))
    assert re.fullmatch(loosely(sign), sign, re.IGNORECASE)
    assert not re.fullmatch(loosely("a.b"), "axb", re.IGNORECASE)


chatter = st.text(
    st.sampled_from([*"ab北,，=\\ \n\t　-/", *"\"'“”‘’「」『』＂＇", "é", "１", "<", "\x00"]),
    max_size=20,
)


@given(st.lists(st.one_of(chatter, st.text(max_size=8)), max_size=6))
@settings(max_examples=400, deadline=None)
def test_quoting_then_splitting_gives_the_words_back(words):
    """Whatever the words are."""
    assert [word.text for word in split(" ".join(map(quote, words)))] == words


@given(chatter)
@settings(max_examples=400, deadline=None)
def test_any_line_is_read_to_its_end(line):
    """A reader that takes quotes for characters loses nothing but quotes, escapes and space."""
    unclosed, position, ends = set(), 0, [0]
    while word := next_word(line, position, unclosed=unclosed):
        assert line[ends[-1] : word.start].strip() == ""
        assert word.start < word.end
        position = word.end
        ends.append(position)
    assert line[ends[-1] :].strip() == ""


def test_only_what_needs_quotes_gets_them():
    """A usage text stays readable."""
    assert [quote(one) for one in ("北京", "1.5", "a b", "", 'x"', "--x")] == [
        "北京",
        "1.5",
        '"a b"',
        '""',
        '"x\\""',
        '"--x"',
    ]


odd = st.text("aAiIİıſsSkK\u212aßẞﬅﬆµμ//／ａＡ−-  \t\u3000天", max_size=HEAD + 4)


@given(odd.filter(str.strip), odd, st.integers(0, 3))
def test_what_a_loose_pattern_matches_begins_like_it(name, text, spaces):
    """In every width and case that ``re.IGNORECASE`` knows: it is how commands are left out."""
    for other in (text, half_width(name).swapcase(), name.upper(), name.lower()):
        written = " " * spaces + other
        if re.match(rf"\s*{loosely(name.strip())}(?!\S)", written, re.IGNORECASE):
            assert folded_head(written) == folded_head(name)


def test_every_character_folds_as_it_matches():
    """Also those that have several forms in the other case."""
    for code in [
        *range(0x250),
        *range(0x370, 0x590),
        *range(0x1E00, 0x2000),
        0x212A,
        0xFB05,
        0xFB06,
    ]:
        char = chr(code)
        for other in {char.lower(), char.upper(), char.swapcase(), "i", "s", "k", "ß"}:
            if not char.isspace() and re.fullmatch(re.escape(char), other, re.IGNORECASE):
                assert folded(char) == folded(other)
