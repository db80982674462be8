"""Text into coloured lines: markup, line breaks by script, tabs; one column per Latin letter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qqgroup_sync.message.text_layout import clusters, coloured_runs, is_wide, lines, plain


def columns(cluster):
    """Return 2 for what is wide in a terminal, too, else 1."""
    return 2.0 if is_wide(cluster) else 1.0


def wrapped(text, width, tab=4):
    """Return the lines as plain text."""
    found = lines(text, columns, width=width, tab=tab)
    return ["".join(glyph.text for glyph in line) for line in found]


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("a [cl b@#ff0000 cle] c", [("a ", None), ("b", "#ff0000"), (" c", None)]),
        ("[cl 红@#F00 cle][cl 绿@#0f0 cle]", [("红", "#F00"), ("绿", "#0f0")]),
        ("[cl two\nlines@#ff0000 cle]", [("two\nlines", "#ff0000")]),
        ("[cl a@b@#ff0000 cle]", [("a@b", "#ff0000")]),
        ("[cl out [cl in@#ff0000 cle]", [("[cl out ", None), ("in", "#ff0000")]),
        ("[cl open@#ff0000", [("[cl open@#ff0000", None)]),
        ("[cl x@#ff00 cle]", [("[cl x@#ff00 cle]", None)]),
        ("[cl x@#gg0000 cle]", [("[cl x@#gg0000 cle]", None)]),
        ("[clx@#ff0000 cle]", [("[clx@#ff0000 cle]", None)]),
        ("[cl @#ff0000 cle]", []),
        ("", []),
    ],
)
def test_markup(text, runs):
    """Whole markup colours its text; anything else is shown as it is written."""
    assert list(coloured_runs(text)) == runs


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("one two three", 8, ["one two", "three"]),
        ("one two", 7, ["one two"]),
        ("今天天气很好", 4, ["今天", "天气", "很好"]),
        ("今天Python很好", 8, ["今天", "Python很", "好"]),
        ("a abcdefghij b", 4, ["a", "abcd", "efgh", "ij b"]),
        ("a\nb\r\nc\rd", 9, ["a", "b", "c", "d"]),
        ("a\n\nb", 9, ["a", "", "b"]),
        ("  in", 9, ["  in"]),
        ("\u3000\u3000段落", 20, ["\u3000\u3000段落"]),
        ("a      b", 3, ["a", "b"]),
        ("10 000\u00a0EUR", 8, ["10", "000\u00a0EUR"]),
        ("中", 1, ["中"]),
        ("", 9, [""]),
    ],
)
def test_where_lines_end(text, width, expected):
    """CJK text breaks anywhere, Latin text at spaces, words that are too long within."""
    assert wrapped(text, width) == expected


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("你好吗，我好", 6, ["你好", "吗，我", "好"]),
        ("他说：“好！”", 7, ["他说：", "“好！”"]),
        ("看这里（括号）", 8, ["看这里", "（括号）"]),
        ("省略号……", 7, ["省略", "号……"]),
        ("ファイルー", 8, ["ファイ", "ルー"]),
        ("abcdefgh，", 8, ["abcdefg", "h，"]),
    ],
)
def test_marks_stay_with_their_words(text, width, expected):
    """No closing mark begins a line, no opening bracket ends one."""
    assert wrapped(text, width) == expected


def test_nothing_but_marks_still_wraps():
    """A line of marks that is too long is cut all the same."""
    assert wrapped("！" * 5, 4) == ["！！", "！！", "！"]


def test_tabs_go_to_the_next_stop():
    """What follows a tab stands at the same place in every line."""
    table = list(lines("a\tb\nabc\tb\nabcd\tb", columns, width=40, tab=4))
    before = [sum(glyph.width for glyph in line[:-1]) for line in table]
    assert before == [4, 4, 8]


def test_colour_does_not_part_a_word():
    """A word of two colours goes to the next line as a whole."""
    assert wrapped("ab c[cl d@#ff0000 cle]e", 5) == ["ab", "cde"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("e\u0301a", ["e\u0301", "a"]),
        ("👍🏽!", ["👍🏽", "!"]),
        ("👨‍👩‍👧x", ["👨‍👩‍👧", "x"]),
        ("🇨🇳🇯🇵", ["🇨🇳", "🇯🇵"]),
        ("1\ufe0f\u20e3", ["1\ufe0f\u20e3"]),
        ("a\u202eb\x00c\ufeff", ["a", "b", "c"]),
        ("\ud83d", ["\ufffd"]),
    ],
)
def test_what_counts_as_one_character(text, expected):
    """Marks, skin tones, families and flags stay whole; invisible controls go."""
    assert list(clusters(text)) == expected


@given(
    st.text(
        alphabet=st.sampled_from("ab [cl@#f00 cle]\n\t，。（中文！\u3000e\u0301😀"), max_size=80
    ),
    st.integers(1, 12),
)
def test_no_character_is_lost_and_no_line_too_long(text, width):
    """All but blanks is in the lines, in order, and a line is too long only when it has to."""
    found = list(lines(text, columns, width=width, tab=4))
    drawn = "".join(glyph.text for line in found for glyph in line)
    assert "".join(drawn.split()) == "".join("".join(clusters(plain(text))).split())
    for line in found:
        solid = [glyph for glyph in line if not glyph.text.isspace()]
        assert sum(glyph.width for glyph in solid) <= max(width, 2) or len(solid) == 1
