"""Script files: every kind of line, and what is said about wrong ones."""

from __future__ import annotations

import codecs

import pytest

from qqgroup_sync.cli import scenario
from qqgroup_sync.cli.scenario import (
    As,
    Attach,
    Click,
    Expect,
    GoWrong,
    Join,
    Leave,
    NoAnswer,
    Quote,
    Say,
    ScenarioError,
    Voice,
    Wait,
    read,
)


@pytest.mark.parametrize(
    ("line", "step"),
    [
        ("Ming@测试群: hello", Say(1, "Ming", "测试群", "hello")),
        ("Ming@测试群：你好", Say(1, "Ming", "测试群", "你好")),
        ("Ming＠group one : a: b", Say(1, "Ming", "group one", "a: b")),
        ("Old Wang: hi", Say(1, "Old Wang", None, "hi")),
        ("Lan: /help", Say(1, "Lan", None, "/help")),
        ("waiter: hi", Say(1, "waiter", None, "hi")),
        ("> hi, Ming!", Expect(1, "hi, Ming!")),
        (">", Expect(1, "*")),
        ("＞ 你好", Expect(1, "你好")),
        ("no answer", NoAnswer(1, 1.0)),
        ("no answer 3s", NoAnswer(1, 3.0)),
        ("click 签到", Click(1, "签到")),
        ("点击 say it", Click(1, "say it")),
        ("attach cat.png", Attach(1, "cat.png", "")),
        ("attach cat.png look at this", Attach(1, "cat.png", "look at this")),
        ('attach "my cat.png" look', Attach(1, "my cat.png", "look")),
        ("voice hello.wav good morning", Voice(1, "hello.wav", "good morning")),
        ("join Lan@g", Join(1, "Lan", "g")),
        ("leave Lan@g", Leave(1, "Lan", "g")),
        ("as Lan@g", As(1, "Lan", "g")),
        ("as Lan", As(1, "Lan", None)),
        ("quote", Quote(1)),
        ("wait", Wait(1, None)),
        ("wait 2s", Wait(1, 2.0)),
        ("wait 500ms", Wait(1, 0.5)),
        ("等待 5m", Wait(1, 300.0)),
        ("WAIT 1h", Wait(1, 3600.0)),
    ],
)
def test_each_kind_of_line(line, step):
    """A line is what a reader would guess."""
    assert read(f"{line}\nMing: end")[0] == step


def test_comments_and_empty_lines_are_nothing():
    """Numbers of lines count them all the same."""
    assert read("\ufeff# a comment\n\n  \n# more\nMing: hi\n") == [Say(5, "Ming", None, "hi")]


def test_an_indented_line_goes_on_with_the_text_above():
    """Texts of several lines, said and expected."""
    said, expected = read("Ming: one\n  two\n> three\n\tfour")
    assert (said.text, expected.text) == ("one\ntwo", "three\nfour")


def test_a_fault_keeps_its_words():
    """What goes wrong is read here, and done later."""
    (fault,) = read("! op 7")
    assert isinstance(fault, GoWrong)
    assert fault.fault.text == "op 7"


@pytest.mark.parametrize(
    ("expected", "answers", "accepted"),
    [
        ("hi", ["hi"], True),
        ("hi", ["hi there"], False),
        ("hi", ["Hi"], False),
        ("hi*", ["hi there"], True),
        ("*", ["anything\nat all"], True),
        ("a*c", ["a\nb\nc"], True),
        ("what? [yes]", ["what? [yes]"], True),
        ("what?", ["whatX"], False),
        ("/^h.$/", ["hi"], True),
        ("/^h.$/", ["hill"], False),
        ("/il/", ["hill"], True),
        ("/HIL/i", ["hill"], True),
        ("/ping", ["/ping"], True),
        ("[picture]", ["", "[picture image/png 1x1, 9 B]", "[picture]"], True),
    ],
)
def test_what_an_expectation_accepts(expected, answers, accepted):
    """Stars, regular expressions, and everything else as it stands."""
    assert Expect(1, expected).accepts(answers) is accepted


@pytest.mark.parametrize(
    ("line", "advice"),
    [
        ("hello", "Name@group: text"),
        ("clik 签到", "'click' meant"),
        ("click", "click 签到"),
        ("Ming@g:", "as Ming@g"),
        ("join Lan", "join Ming@group"),
        ("attach", "attach cat.png"),
        ('attach "cat.png', 'a " is missing'),
        ("wait long", "2s, 500ms"),
        ("quote this", "stands alone"),
        ("no idea", "no answer 3s"),
        ("> /(/", "regular expression is wrong"),
        ("! drp", "'drop' meant"),
        ("! op 8", "op 7, op 9"),
        ("! close now", "close 4009"),
        ("! close 1005", "close 4009"),
        ("! fail 200", "fail 500"),
        ("! step", "step 5m"),
        ("! full maybe", "full on, full off"),
        ("  indented", "Take the spaces"),
    ],
)
def test_a_wrong_line_is_told_with_its_remedy(line, advice):
    """The number of the line, the line, and what to write."""
    with pytest.raises(ScenarioError) as caught:
        read(f"# first\n{line}")
    (problem,) = caught.value.problems
    assert problem.line == 2
    assert line.strip() in str(problem)
    assert advice in problem.what


def test_all_wrong_lines_are_told_at_once():
    """Nobody mends a file one error at a time."""
    with pytest.raises(ScenarioError) as caught:
        read("what\nMing: fine\nwait never\n! nothing")
    assert [problem.line for problem in caught.value.problems] == [1, 3, 4]


def test_a_file_in_which_nothing_is_said_is_wrong():
    """It would succeed without having tried anything."""
    with pytest.raises(ScenarioError, match="Nothing is said"):
        read("# only this\n> hi")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_files_of_a_chinese_windows_are_understood(encoding):
    """Notepad's encodings, with and without a mark."""
    text = scenario.decode("Ming@测试群：你好".encode(encoding))
    assert read(text) == [Say(1, "Ming", "测试群", "你好")]


@pytest.mark.parametrize("mark", [codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE])
def test_halves_of_characters_do_not_come_through(mark):
    """A bot could neither be sent nor store them."""
    lone = "Ming: a\ud800b".encode(
        "utf-16-le" if mark == codecs.BOM_UTF16_LE else "utf-16-be", "surrogatepass"
    )
    (said,) = read(scenario.decode(mark + lone))
    assert said.text.encode()
    assert said.text[0] == "a"
