"""Annotations: what can be written for each, and what is refused when a function is decorated."""

# ruff: noqa: UP006, UP007, UP045, PYI061 - the old spellings of types are read, too
# ruff: noqa: D103, D415, D417 - functions without docstring, and docstrings that are data

from __future__ import annotations

import contextlib
import enum
import functools
from datetime import timedelta
from typing import TYPE_CHECKING, Any, List, Literal, NewType, Optional, Union  # noqa: UP035

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qqgroup_sync.dispatch.arguments import UnknownType, shape_of
from qqgroup_sync.dispatch.signature import parameters_of
from qqgroup_sync.errors import ConfigError
from qqgroup_sync.events.models import Attachment, Event, GroupMessage, Member

if TYPE_CHECKING:
    from decimal import Decimal

    from qqgroup_sync.events.models import C2CMessage

Score = NewType("Score", int)


class Color(enum.Enum):
    RED = 1
    DARK_GREEN = 2
    GREEN = 2  # noqa: PIE796 - an alias


class City(enum.Enum):
    BEIJING = "北京"
    NEW_YORK = "New York"


class Empty(enum.Enum):
    pass


READ = [
    (str, "１２ 「x」", "１２ 「x」"),
    (int, "12", 12),
    (int, "-12", -12),
    (int, "＋１２", 12),
    (int, "－３", -3),
    (int, "−3", -3),
    (int, " 7 ", 7),
    (int, "三十", 30),
    (int, "十", 10),
    (int, "十二", 12),
    (int, "二十五", 25),
    (int, "一百", 100),
    (int, "一百零五", 105),
    (int, "一百五", 150),
    (int, "两千零二十", 2020),
    (int, "三万五", 35000),
    (int, "二〇二六", 2026),
    (int, "零", 0),
    (float, "1.5", 1.5),
    (float, "１．５", 1.5),
    (float, "-2", -2.0),
    (float, "1e3", 1000.0),
    (float, "三十", 30.0),
    (bool, "yes", True),
    (bool, "ON", True),
    (bool, "１", True),
    (bool, "是", True),
    (bool, "开", True),
    (bool, "False", False),
    (bool, "0", False),
    (bool, "否", False),
    (bool, "关", False),
    (Literal["C", "F"], "f", "F"),
    (Literal["a", "A"], "A", "A"),
    (Literal["New York", 3], "３", 3),
    (Literal["New York", 3], "new-york", "New York"),
    (Literal[True, None], "none", None),
    (Color, "red", Color.RED),
    (Color, "ＲＥＤ", Color.RED),
    (Color, "2", Color.DARK_GREEN),
    (Color, "dark-green", Color.DARK_GREEN),
    (Color, "green", Color.DARK_GREEN),
    (City, "北京", City.BEIJING),
    (City, "beijing", City.BEIJING),
    (City, "new york", City.NEW_YORK),
    (timedelta, "10m", timedelta(minutes=10)),
    (timedelta, "2h30m", timedelta(hours=2, minutes=30)),
    (timedelta, "2 hours 30 min", timedelta(hours=2, minutes=30)),
    (timedelta, "１天", timedelta(days=1)),
    (timedelta, "1天12小时", timedelta(days=1, hours=12)),
    (timedelta, "三十分钟", timedelta(minutes=30)),
    (timedelta, "半小时", timedelta(minutes=30)),
    (timedelta, "1.5H", timedelta(minutes=90)),
    (Optional[int], "5", 5),
    (Union[int, str], "5", 5),
    (Union[int, str], "five", "five"),
    (int | str | None, "five", "five"),
    (float | int, "5", 5.0),
    (Literal["all"] | int, "ALL", "all"),
    (Score, "5", 5),
]


@pytest.mark.parametrize(("annotation", "word", "value"), READ)
def test_what_a_word_is_read_as(annotation, word, value):
    """In any width, case and, where it is a number, in Chinese."""
    read = shape_of(annotation).kind.read(word)
    assert (type(read), read) == (type(value), value)


REFUSED = [
    *[
        (int, word)
        for word in ("", "1.5", "abc", "1_000", "五五十", "十百", "百", "零百", "一百零")
    ],
    *[(int, word) for word in ("²", "9" * 5000)],
    *[(float, word) for word in ("", "nan", "inf", "1e999", "1_0", "x", "9" * 400)],
    *[(bool, word) for word in ("", "maybe", "2", "是的吗")],
    *[(timedelta, word) for word in ("", "10", "m", "10x", "10m!", "999999999999w", "半半小时")],
    *[(timedelta, "999999999w"), (Literal["C", "F"], "K"), (Color, "blue"), (Color, "3")],
    (Union[int, bool], "maybe"),
]


@pytest.mark.parametrize(("annotation", "word"), REFUSED)
def test_what_a_word_cannot_be(annotation, word):
    """It is refused, and never read as something that was not meant."""
    with pytest.raises((ValueError, OverflowError)):
        shape_of(annotation).kind.read(word)


@pytest.mark.parametrize(
    "annotation", [int, float, bool, timedelta, Literal["a", 1], Color, Union[int, timedelta]]
)
@given(
    word=st.one_of(
        st.text(max_size=12), st.text("0123456789.-+e_十百千万零一两半分天mh ", max_size=9)
    )
)
@settings(max_examples=120, deadline=None)
def test_any_word_is_read_or_refused(annotation, word):
    """Nothing else comes out."""
    kind = shape_of(annotation).kind
    with contextlib.suppress(ValueError, OverflowError):
        kind.read(word)


def chinese(number):
    """Write a number below 100 000, as schools teach it."""
    digits, text, gap = "零一二三四五六七八九", "", False
    for unit, name in ((10_000, "万"), (1_000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit, number = divmod(number, unit)
        if digit:
            text += ("零" if gap and text else "") + digits[digit] + name
        gap = not digit
    return text.removeprefix("一") if text.startswith("一十") else text or "零"


@given(st.integers(0, 99_999))
@settings(max_examples=500, deadline=None)
def test_chinese_numerals_are_read_as_they_are_written(number):
    """Every number of the range."""
    assert shape_of(int).kind.read(chinese(number)) == number


@pytest.mark.parametrize(
    ("annotation", "many", "optional"),
    [
        (int, False, False),
        (Optional[int], False, True),
        (Union[None, int, str], False, True),
        (list[int], True, False),
        (list, True, False),
        (List[int], True, False),
        (list[int] | None, True, True),
        (list[Literal["a"] | int], True, False),
    ],
)
def test_lists_and_none(annotation, many, optional):
    """Around whatever one item is."""
    shape = shape_of(annotation)
    assert (shape.many, shape.optional) == (many, optional)


def test_what_comes_with_the_message_is_no_word():
    """A mention and an attachment; together with a word they are either."""
    assert shape_of(Member).kind.read is None
    assert shape_of(Attachment | None).kind.sources == (Attachment,)
    either = shape_of(Member | int).kind
    assert either.sources == (Member,)
    assert either.read("5") == 5


@pytest.mark.parametrize(
    "annotation",
    [
        *(bytes, dict, dict[str, int], tuple[int, ...], list[list[int]], set[int], Any, object),
        *(None, 5, Empty, GroupMessage, Union[int, bytes], Union[list[int], str]),
    ],
)
def test_what_nobody_can_write(annotation):
    """It is told when the function is decorated."""
    with pytest.raises(UnknownType):
        shape_of(annotation)


@pytest.mark.parametrize(
    ("annotation", "en", "zh"),
    [
        (int, "a whole number", "整数"),
        (Literal["C", "F"], "one of C, F", "以下之一：C、F"),
        (Color, "one of RED, DARK_GREEN, GREEN", "以下之一：RED、DARK_GREEN、GREEN"),
        (City, "one of 北京, New York", "以下之一：北京、New York"),
        (Union[int, timedelta, None], "a whole number or a time span such as 10m or 2h30m", None),
        (Member | str, "somebody, mentioned with @ or a text", "一个人（用 @ 指定）或文字"),
    ],
)
def test_what_people_call_it(annotation, en, zh):
    """In both languages, with the choices they have."""
    what = shape_of(annotation).kind.what
    assert what.en == en
    assert zh is None or what.zh == zh


def test_many_choices_are_not_all_listed():
    """An answer fits a chat."""
    many = enum.Enum("Many", [f"M{number}" for number in range(50)])
    assert shape_of(many).kind.what.en.endswith("M11, …")


# ---------------------------------------------------------------------- signatures


def summary(function):
    """What each parameter takes, in one word."""
    told = {}
    for one in parameters_of(function):
        if one.shape is None:
            told[one.name] = "message"
        else:
            told[one.name] = "line" if one.is_line else one.shape.kind.what.en.split(",")[0]
    return told


def bare(message):
    """One parameter."""


def nothing():
    """No parameter."""


def first_is_the_message(msg, city):
    """As in every handler."""


def by_type(city: str, event: GroupMessage, either: GroupMessage | C2CMessage, days: int):
    """Where it is annotated."""


def base(event: Event, days: int):
    """A base class of messages."""


def anything(message: Any, days: int):
    """A type that says nothing."""


def named_but_a_text(message: str):
    """The name alone does not decide."""


def only_for_the_checker(message: C2CMessage, days: int):
    """Imported under TYPE_CHECKING, as linters ask."""


def returns_the_unknown(message, days: int) -> Decimal:
    """What it returns is nobody's business here."""


def from_defaults(message, a=1, b=1.5, c=False, d=Color.RED, e=None, f="x"):
    """Without annotations."""


def words_only(*words):
    """No message."""


def text_then_rest(message, text: str, *rest: int):
    """The str is not the last."""


def text_then_option(message, text: str, *, days: int = 3):
    """The str is the last that has a place."""


def text_then_member(message, text: str, who: Member):
    """A member needs no words."""


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (bare, {"message": "message"}),
        (nothing, {}),
        (first_is_the_message, {"msg": "message", "city": "line"}),
        (
            by_type,
            {"city": "a text", "event": "message", "either": "message", "days": "a whole number"},
        ),
        (base, {"event": "message", "days": "a whole number"}),
        (anything, {"message": "message", "days": "a whole number"}),
        (named_but_a_text, {"message": "line"}),
        (only_for_the_checker, {"message": "message", "days": "a whole number"}),
        (returns_the_unknown, {"message": "message", "days": "a whole number"}),
        (
            from_defaults,
            {
                "message": "message",
                "a": "a whole number",
                "b": "a number",
                "c": "yes or no",
                "d": "one of RED",
                "e": "a text",
                "f": "line",
            },
        ),
        (words_only, {"words": "a text"}),
        (text_then_rest, {"message": "message", "text": "a text", "rest": "a whole number"}),
        (text_then_option, {"message": "message", "text": "line", "days": "a whole number"}),
        (text_then_member, {"message": "message", "text": "line", "who": "somebody"}),
        (
            functools.partial(by_type, "北京"),
            {"event": "message", "either": "message", "days": "a whole number"},
        ),
    ],
)
def test_how_a_signature_is_read(function, expected):
    """Who gets the message, who the words, and who the rest of the line."""
    assert summary(function) == expected


def test_methods_wrapped_functions_and_callable_objects():
    """Whatever can be called can be a command."""

    class Plugin:
        def method(self, message: GroupMessage, days: int):
            """Bound."""

        def __call__(self, message, days: int):
            """Called."""

    @functools.wraps(by_type)
    def wrapper(*args, **kwargs):
        return by_type(*args, **kwargs)

    assert summary(Plugin().method) == {"message": "message", "days": "a whole number"}
    assert summary(Plugin()) == {"message": "message", "days": "a whole number"}
    assert summary(wrapper) == summary(by_type)


def test_the_docstring_tells_what_a_parameter_is():
    """Google style; in Chinese, too."""

    def weather(message, city: str, max_days: int = 3, *more: int):
        """Tell the weather.

        Args:
            city: 城市名
            max_days (int): How many days,
                today included: not more than 7.
            *more: Others.

        Returns:
            city: no.
        """

    def tianqi(message, city: str):
        """查天气。

        参数：
            city：城市名
        """

    assert [one.about for one in parameters_of(weather)] == [
        "",
        "城市名",
        "How many days,",
        "Others.",
    ]
    assert [one.about for one in parameters_of(tianqi)] == ["", "城市名"]


def unresolved(message, price: Decimal): ...
def impossible(message, data: bytes): ...
def impossible_default(message, data=b""): ...
def impossible_message(message: dict): ...
def open_ended(message, **options): ...
def list_first(message, names: list[str], days: int): ...
def list_then_rest(message, names: list[str], *rest: int): ...
def rest_of_lists(message, *rest: list[int]): ...
def written_alike(message, type_: int, type: int): ...  # noqa: A002
def broken(message, x: int[str]): ...


@pytest.mark.parametrize(
    ("function", "named", "remedy"),
    [
        (unresolved, "'price' of unresolved", "TYPE_CHECKING"),
        (impossible, "'data' of impossible", "datetime.timedelta"),
        (impossible_default, "'data' of impossible_default", "Literal"),
        (impossible_message, "'message' of impossible_message", "Attachment"),
        (open_ended, "'options' of open_ended", "days: int"),
        (list_first, "'names' of list_first", "last"),
        (list_then_rest, "'names' of list_then_rest", "last"),
        (rest_of_lists, "'rest' of rest_of_lists", "list"),
        (written_alike, "'type_' and 'type' of written_alike", "Rename"),
        (broken, "'x' of broken", "top of the module"),
        (5, "5", "def"),
    ],
)
def test_what_cannot_be_a_command(function, named, remedy):
    """The error names function and parameter, and says what to do."""
    with pytest.raises(ConfigError) as caught:
        parameters_of(function)
    assert named in caught.value.summary
    assert remedy in caught.value.remedy


@pytest.mark.parametrize("name", ["message", "msg", "event", "m", "ctx", "_", "_unused"])
def test_the_first_parameter_is_the_message_by_its_name(name):
    """No annotation is needed then."""
    (one,) = parameters_of(eval(f"lambda {name}: None"))
    assert one.shape is None


@pytest.mark.parametrize("source", ["lambda text: None", "lambda self, message: None"])
def test_another_first_parameter_without_annotation_is_refused(source):
    """It would be the message, and the words of people would be too many."""
    with pytest.raises(ConfigError, match="is it the message") as caught:
        parameters_of(eval(source))
    assert ": str" in caught.value.remedy
    assert "message" in caught.value.remedy


def test_a_default_or_a_star_says_that_it_is_no_message():
    """These need no annotation, either."""

    def first(count=3): ...

    def rest(*words): ...

    def option(*, days): ...

    for function in (first, rest, option):
        (one,) = parameters_of(function)
        assert one.takes_words
