"""Turns annotations into what people may write for them; knows nothing of lines.

The :class:`Shape` of each parameter is made once, when a command is decorated; then it reads words.
"""

from __future__ import annotations

import math
import re
import types
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from functools import partial
from typing import (
    TYPE_CHECKING,
    Any,
    Literal,
    Union,
    get_args,
    get_origin,
)

from qqgroup_sync.dispatch.words import folded, half_width
from qqgroup_sync.errors import Text
from qqgroup_sync.events.models import Attachment, Member
from qqgroup_sync.events.numerals import number_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

POSSIBLE = (
    "str, int, float, bool, Literal, Enum, datetime.timedelta, Member, Attachment, "
    "list[...] of these, Optional[...] and Union[...] of these"
)
_MOST_CHOICES_SHOWN = 12


class UnknownType(TypeError):
    """An annotation says nothing that could be written in a chat."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What one argument can be.

    Attributes:
        what: How people call it, fitting after "please write" and 需要填写.
        read: Turns a word into it, or raises ValueError; None when no word can be it.
        sources: What comes with the message and not as a word: ``Member``, ``Attachment``.
        choices: The words to choose from; empty when it is not a choice.
    """

    what: Text
    read: Callable[[str], Any] | None
    sources: tuple[type, ...] = ()
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Shape:
    """What an annotation asks for.

    Attributes:
        kind: Of the argument, or of each item.
        many: Whether it is a list.
        optional: Whether None will do.
    """

    kind: Kind
    many: bool = False
    optional: bool = False

    @property
    def is_text(self) -> bool:
        """Tell whether it takes any text as it is."""
        return self.kind is TEXT and not self.many

    @property
    def is_flag(self) -> bool:
        """Tell whether it is a bool, which can be given by its name alone."""
        return self.kind is BOOL and not self.many


def shape_of(annotation: Any) -> Shape:
    """Return the shape of an evaluated annotation.

    Raises:
        UnknownType: It is none of ``POSSIBLE``.
    """
    optional = False
    if get_origin(annotation) in UNIONS:
        options = [one for one in get_args(annotation) if one is not type(None)]
        optional = len(options) < len(get_args(annotation))
        if len(options) != 1:
            return Shape(_union([_kind(one) for one in options]), optional=optional)
        annotation = options[0]
    if annotation is list:
        annotation = list[str]
    if get_origin(annotation) is list:
        return Shape(_kind(get_args(annotation)[0]), many=True, optional=optional)
    return Shape(_kind(annotation), optional=optional)


UNIONS = (Union, types.UnionType)


def _kind(annotation: Any) -> Kind:
    while hasattr(annotation, "__supertype__"):  # NewType
        annotation = annotation.__supertype__
    origin = get_origin(annotation)
    if origin in UNIONS:
        return _union([_kind(one) for one in get_args(annotation)])
    if origin is Literal:
        values = get_args(annotation)
        return _choice([(_name(value), value) for value in values])
    if isinstance(annotation, type) and issubclass(annotation, Enum) and len(annotation):
        return _choice(*_members(annotation))
    try:
        return _KINDS[annotation]
    except (KeyError, TypeError):  # a TypeError when it cannot be hashed
        raise UnknownType(repr(annotation)) from None


def _union(kinds: list[Kind]) -> Kind:
    """Return the kind that is the first of these that fits; what came with the message goes first.

    A mention is no word of the text, so that a person who mentions somebody means him.
    """
    readers = [kind.read for kind in kinds if kind.read is not None]
    return Kind(
        Text(
            " or ".join(dict.fromkeys(kind.what.en for kind in kinds)),
            "或".join(dict.fromkeys(kind.what.zh for kind in kinds)),
        ),
        partial(_first, readers) if readers else None,
        tuple(source for kind in kinds for source in kind.sources),
        tuple(choice for kind in kinds for choice in kind.choices)
        if all(kind.choices for kind in kinds)
        else (),
    )


def _first(readers: Iterable[Callable[[str], Any]], word: str) -> Any:
    for read in readers:
        try:
            return read(word)
        except (ValueError, OverflowError):
            continue
    raise ValueError(word)


# ---------------------------------------------------------------------- choices


def _name(value: Any) -> str:
    return str(value.value if isinstance(value, Enum) else value)


def _members(enum: type[Enum]) -> tuple[list[tuple[str, Any]], list[tuple[str, Any]]]:
    """Return the members by what people are shown, and by what they may write as well.

    Values that are words were chosen for people, ``BEIJING = "北京"``; numbers were not.
    """
    names = [(name, one) for name, one in enum.__members__.items()]  # aliases, too
    values = [(_name(one), one) for one in enum]
    return (values, names) if all(isinstance(one.value, str) for one in enum) else (names, values)


def _choice(named: list[tuple[str, Any]], also: Iterable[tuple[str, Any]] = ()) -> Kind:
    names = tuple(dict.fromkeys(name for name, _ in named))
    exact: dict[str, Any] = {}
    loose: dict[str, Any] = {}
    for name, value in (*named, *also):
        exact.setdefault(name, value)
        loose.setdefault(_loose(name), value)
    shown = list(names[:_MOST_CHOICES_SHOWN]) + ["…"] * (len(names) > _MOST_CHOICES_SHOWN)
    what = Text(f"one of {', '.join(shown)}", f"以下之一：{'、'.join(shown)}")
    return Kind(what, partial(_chosen, exact, loose), choices=names)


def _chosen(exact: Mapping[str, Any], loose: Mapping[str, Any], word: str) -> Any:
    if word in exact:
        return exact[word]
    try:
        return loose[_loose(word)]
    except KeyError:
        raise ValueError(word) from None


def _loose(name: str) -> str:
    return re.sub(r"[\s_-]+", "_", folded(name).strip())


# ---------------------------------------------------------------------- numbers


def read_int(word: str) -> int:
    """Read a whole number: ``-12``, ``１２``, 十二.

    Raises:
        ValueError: It is none.
    """
    plain = half_width(word).strip()
    if "_" in plain:  # Python's own way to write numbers, and nobody else's
        raise ValueError(word)
    try:
        return int(plain)
    except ValueError:
        return number_of(plain)


def read_float(word: str) -> float:
    """Read a finite number: ``1.5``, ``－３``, 十二.

    Raises:
        ValueError: It is none.
    """
    plain = half_width(word).strip()
    try:
        value = float(plain) if "_" not in plain else math.nan
    except ValueError:
        value = float(number_of(plain))
    if not math.isfinite(value):
        raise ValueError(word)
    return value


# ---------------------------------------------------------------------- yes and no, durations

_YES = frozenset(["yes", "y", "on", "true", "t", "1", "是", "开", "对", "真", "开启", "打开"])
_NO = frozenset(["no", "n", "off", "false", "f", "0", "否", "不", "关", "错", "假", "关闭"])


def read_bool(word: str) -> bool:
    """Read yes or no: ``yes``, ``off``, ``1``, 是, 关.

    Raises:
        ValueError: It is none.
    """
    plain = folded(word).strip()
    if plain in _YES or plain in _NO:
        return plain in _YES
    raise ValueError(word)


_SECONDS = {
    **dict.fromkeys(["s", "sec", "secs", "second", "seconds", "秒", "秒钟"], 1),
    **dict.fromkeys(["m", "min", "mins", "minute", "minutes", "分", "分钟"], 60),
    **dict.fromkeys(["h", "hr", "hrs", "hour", "hours"], 3_600),
    **dict.fromkeys(["时", "小时", "个小时", "钟头", "个钟头"], 3_600),
    **dict.fromkeys(["d", "day", "days", "天", "日"], 86_400),
    **dict.fromkeys(["w", "week", "weeks", "周", "星期", "个星期"], 604_800),
}
_UNIT = "|".join(sorted(_SECONDS, key=len, reverse=True))
_PERIOD = re.compile(
    rf"\s*(\d{{1,9}}(?:\.\d{{1,9}})?|[半零〇一二两三四五六七八九十百]+)\s*({_UNIT})\s*"
)


def read_duration(word: str) -> timedelta:
    """Read a time span with its units: ``10m``, ``2h30m``, ``1.5h``, ``1天``, 半小时.

    Raises:
        ValueError: It is none, or a number without unit.
        OverflowError: It is longer than a timedelta can be.
    """
    plain = folded(word).strip()
    seconds, position = 0.0, 0
    while found := _PERIOD.match(plain, position):
        amount = 0.5 if found[1] == "半" else read_float(found[1])
        seconds += amount * _SECONDS[found[2]]
        position = found.end()
    if not plain or position < len(plain):
        raise ValueError(word)
    return timedelta(seconds=seconds)


def _read_text(word: str) -> str:
    return word


TEXT = Kind(Text("a text", "文字"), _read_text)
BOOL = Kind(Text("yes or no", "是或否"), read_bool)
_KINDS: dict[Any, Kind] = {
    str: TEXT,
    bool: BOOL,
    int: Kind(Text("a whole number", "整数"), read_int),
    float: Kind(Text("a number", "数字"), read_float),
    timedelta: Kind(
        Text("a time span such as 10m or 2h30m", "时长（例如 10m、2小时）"), read_duration
    ),
    Member: Kind(Text("somebody, mentioned with @", "一个人（用 @ 指定）"), None, (Member,)),
    Attachment: Kind(
        Text("a picture, voice, video or file", "图片、语音、视频或文件"), None, (Attachment,)
    ),
}
