"""The parameters of a command's function, and what each of them takes from the line."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import (
    TYPE_CHECKING,
    Any,
    NoReturn,
    get_args,
    get_origin,
    get_type_hints,
)

from qqgroup_sync.dispatch.arguments import POSSIBLE, UNIONS, Shape, UnknownType, shape_of
from qqgroup_sync.dispatch.handlers import code_of
from qqgroup_sync.dispatch.words import folded
from qqgroup_sync.errors import ConfigError, Text
from qqgroup_sync.events.models import (
    Attachment,
    C2CMessage,
    Event,
    GroupMessage,
    Member,
    Message,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


_EMPTY = inspect.Parameter.empty
_MESSAGES = ("message", "msg", "m", "event", "ctx")  # names that need no annotation
_KEYWORD, _REST = inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_POSITIONAL
# What an annotation may name though only a type checker imports it.
_KNOWN_NAMES: Mapping[str, Any] = {
    **{one.__name__: one for one in (Message, GroupMessage, C2CMessage, Member, Attachment)},
    "timedelta": timedelta,
}
_SECTION = re.compile(
    r"^(?:Args|Arguments|参数)[:：][ \t]*\n((?:[ \t]+\S.*\n?|[ \t]*\n)+)", re.MULTILINE
)
_ABOUT = re.compile(r"^[ \t]+\*?(\w+)[ \t]*(?:\([^)\n]*\))?[:：][ \t]*(\S.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a command's function.

    Attributes:
        name: In the function.
        shape: What it takes; None for the one that gets the message.
        default: Of the function; ``inspect.Parameter.empty`` when it has none.
        place: How the function takes it: a ``kind`` of ``inspect.Parameter``.
        is_line: Whether it takes the rest of the line as it is.
        about: What the docstring says of it; may be empty.
        in_group: Whether it can be a message in a group.
        in_c2c: Whether it can be a private message.
    """

    name: str
    shape: Shape | None
    default: Any
    place: Any
    is_line: bool = False
    about: str = ""
    in_group: bool = True
    in_c2c: bool = True

    @property
    def spelled(self) -> str:
        """Return the name as people write it: ``max-days`` for ``max_days``."""
        return self.name.strip("_").replace("_", "-") or self.name

    @property
    def is_rest(self) -> bool:
        """Tell whether it is ``*rest``."""
        return bool(self.place is _REST)

    @property
    def is_option(self) -> bool:
        """Tell whether the function takes it by name only."""
        return bool(self.place is _KEYWORD)

    @property
    def takes_words(self) -> bool:
        """Tell whether words of the line can be it."""
        return self.shape is not None and self.shape.kind.read is not None

    @property
    def has_name(self) -> bool:
        """Tell whether people can fill it by its name."""
        return self.takes_words and not (self.is_line or self.is_rest)

    @property
    def many(self) -> bool:
        """Tell whether it takes any number of values."""
        return self.is_rest or (self.shape is not None and self.shape.many)

    @property
    def required(self) -> bool:
        """Tell whether it cannot be left out."""
        if self.shape is None or self.is_rest:
            return False
        return self.default is _EMPTY and not self.shape.optional

    @property
    def fallback(self) -> Any:
        """Return what the function gets when it is left out."""
        return None if self.default is _EMPTY else self.default


def parameters_of(function: Callable[..., Any]) -> tuple[Parameter, ...]:
    """Read the signature of a command's function.

    The message goes to every parameter that is annotated as one, and to the first when it has
    neither annotation nor default and is called ``message``, ``msg``, ``m``, ``event``, ``ctx``,
    or begins with ``_``; under another name it has to be annotated. Another one without
    annotation is what its default is, or a ``str``. The last one that words fill by their place
    takes the rest of the line when it is a ``str``.

    Raises:
        ConfigError: Something in it cannot be written in a chat.
    """
    code = code_of(function)
    owner = str(getattr(function, "__qualname__", getattr(code, "__qualname__", function)))
    try:
        listed = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError) as error:
        raise ConfigError(
            f"{owner} has no signature that a command could read",
            remedy=Text("Put the decorator above a def.", "请把装饰器放在 def 上方。"),
        ) from error
    names = {**_KNOWN_NAMES, **getattr(code, "__globals__", {})}
    about = dict(_ABOUT.findall("".join(_SECTION.findall(inspect.getdoc(code) or ""))))
    found = [
        replace(_parameter(one, names, owner, first=not number), about=about.get(one.name, ""))
        for number, one in enumerate(listed)
    ]
    _check_order(found, owner)
    by_place = [one for one in found if one.takes_words and not one.is_option]
    if by_place and by_place[-1].shape and by_place[-1].shape.is_text and not by_place[-1].is_rest:
        found[found.index(by_place[-1])] = replace(by_place[-1], is_line=True)
    return tuple(found)


def _parameter(
    one: inspect.Parameter, names: Mapping[str, Any], owner: str, *, first: bool
) -> Parameter:
    where = f"parameter {one.name!r} of {owner}"
    if one.kind is one.VAR_KEYWORD:
        raise ConfigError(
            f"{where}: nobody can fill **{one.name}",
            remedy=Text(
                "Name the options as keyword-only parameters: def f(message, *, days: int = 3).",
                "请把选项逐个写成仅限关键字的参数：def f(message, *, days: int = 3)。",
            ),
        )
    annotation = _evaluated(one, names, where)
    if annotation is _EMPTY and one.default is not _EMPTY and one.default is not None:
        annotation = type(one.default)
    elif annotation is _EMPTY:
        alone = first and one.kind <= one.POSITIONAL_OR_KEYWORD and one.default is _EMPTY
        if alone and not (one.name in _MESSAGES or one.name.startswith("_")):
            raise ConfigError(
                f"{where}: is it the message, or what people write?",
                remedy=Text(
                    f"Annotate it: {one.name}: str, or call it message.",
                    f"请加上注解 {one.name}: str；如果它是消息，请改名为 message。",
                ),
            )
        annotation = Event if alone else str
    if _is_message(annotation) or (first and annotation in (Any, object)):
        in_group, in_c2c = (_may_be(annotation, kind) for kind in (GroupMessage, C2CMessage))
        return Parameter(one.name, None, one.default, one.kind, in_group=in_group, in_c2c=in_c2c)
    try:
        shape = shape_of(annotation)
    except UnknownType as error:
        _refuse_type(where, error)
    if shape.many and one.kind is one.VAR_POSITIONAL:
        _refuse_type(where, f"*{one.name}: {annotation!r} (each of many values)")
    return Parameter(one.name, shape, one.default, one.kind)


def _evaluated(one: inspect.Parameter, names: Mapping[str, Any], where: str) -> Any:
    """Return the annotation of a parameter, also of one that was written as a string."""
    if one.annotation is _EMPTY:
        return _EMPTY

    def holder() -> None: ...

    # Each for itself: what the function returns, or another parameter, may name anything.
    holder.__annotations__ = {one.name: one.annotation}
    try:
        return get_type_hints(holder, globalns=dict(names))[one.name]
    except Exception as error:  # evaluating runs the user's expression
        raise ConfigError(
            f"{where}: the annotation {one.annotation!r} cannot be evaluated: {error}",
            remedy=Text(
                "Import or define what it names at the top of the module, not under "
                "TYPE_CHECKING and not inside a function.",
                "请在模块顶层导入或定义它用到的名字，不要放在 TYPE_CHECKING 下或函数内部。",
            ),
        ) from error


def _is_message(annotation: Any) -> bool:
    if get_origin(annotation) in UNIONS:
        return all(_is_message(one) for one in get_args(annotation))
    if not (isinstance(annotation, type) and issubclass(annotation, Event)):
        return False
    return issubclass(annotation, Message) or issubclass(Message, annotation)


def _may_be(annotation: Any, kind: type[Message]) -> bool:
    """Tell whether a parameter for messages takes those of a scene."""
    if get_origin(annotation) in UNIONS:
        return any(_may_be(one, kind) for one in get_args(annotation))
    if annotation in (Any, object):
        return True
    return issubclass(kind, annotation) or issubclass(annotation, kind)


def _refuse_type(where: str, what: object) -> NoReturn:
    raise ConfigError(
        f"{where}: nobody can write {what} in a chat",
        remedy=Text(f"Annotate it as one of: {POSSIBLE}.", f"可用的注解：{POSSIBLE}。"),
    )


def _check_order(found: Sequence[Parameter], owner: str) -> None:
    """Refuse what people could not write: something after a list, two of one name."""
    by_place = [one for one in found if one.takes_words and not one.is_option]
    for one in by_place[:-1]:
        if one.many:
            raise ConfigError(
                f"parameter {one.name!r} of {owner}: a list takes all words that follow",
                remedy=Text(
                    "Put it last, or after a bare * in the signature.",
                    "请把它放在最后，或放到签名中单独的 * 之后。",
                ),
            )
    seen: dict[str, str] = {}
    for one in found:
        if one.has_name and (other := seen.setdefault(folded(one.spelled), one.name)) != one.name:
            raise ConfigError(
                f"parameters {other!r} and {one.name!r} of {owner} are written alike",
                remedy=Text("Rename one of them.", "请给其中一个改名。"),
            )
