"""One registered function: how many arguments it wants, and what logs call it."""

from __future__ import annotations

import inspect
import logging
import math
import os
import sysconfig
import weakref
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qqgroup_sync.dispatch.filters import Filter, any_text
from qqgroup_sync.errors import ConfigError, Text
from qqgroup_sync.runtime.forked import end_child

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType

    from qqgroup_sync.dispatch.rate_limits import Limiter
    from qqgroup_sync.events.models import Message

logger = logging.getLogger(__name__)

EVERY = Filter(any_text)
LEAVING = -math.inf  # level of handlers that a notebook cell is just replacing

# Where no code of the user lies: this package, Python's library, what is installed.
_LIBRARY = (
    str(Path(__file__).absolute().parents[1]) + os.sep,
    sysconfig.get_path("stdlib") + os.sep,
    "<frozen",
)
_INSTALLED = ("site-packages", "dist-packages")


@dataclass(frozen=True, slots=True)
class Handler:
    """One registered function.

    Attributes:
        function: The user's function, unchanged.
        takes: How many positional arguments it wants.
        order: Of registration; decides between equals.
        level: Higher is asked first.
        filter: Which messages it wants.
        block: Whether nobody is asked after it.
        limiter: How often it may be used.
        fits: Whether a message is a use that the limiter counts; None for every message.
        cell: The notebook cell that registered it; "" in scripts.
    """

    function: Callable[..., Any]
    takes: int
    order: int
    level: float = 0
    filter: Filter = EVERY
    block: bool = True
    limiter: Limiter | None = None
    fits: Callable[[Message], bool] | None = None
    cell: str = field(default="", compare=False)

    @property
    def name(self) -> str:
        """The function's name, for logs and hooks."""
        return getattr(self.function, "__qualname__", repr(self.function))

    def call(self, *arguments: Any) -> Any:
        """Call the function with as many of the arguments as it takes."""
        process = os.getpid()
        try:
            return self.function(*arguments[: self.takes])
        finally:
            end_child(process, self.name)


def parameters(function: Callable[..., Any], most: int) -> int:
    """Return how many arguments to pass, at most ``most``; refuse what cannot be a handler."""
    name = getattr(function, "__qualname__", repr(function))
    check_callable(function)
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return most  # a builtin without a signature
    positional = [p for p in found if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    required = [p.name for p in positional if p.default is p.empty]
    named = [p.name for p in found if p.kind is p.KEYWORD_ONLY and p.default is p.empty]
    if len(required) > most or named:
        wanted = ", ".join(required + [f"{one}=" for one in named])
        raise ConfigError(
            f"{name} wants ({wanted}), but gets {most} by position",
            remedy=Text(
                "Take fewer parameters, or give the others a default.",
                "请减少参数，或给多余的参数设默认值。",
            ),
        )
    if any(p.kind is p.VAR_POSITIONAL for p in found):
        return most
    return min(most, len(positional))


def check_callable(function: Any) -> None:
    """Refuse what is no plain function.

    Raises:
        ConfigError: It is not callable, a class, async, or a generator.
    """
    name = getattr(function, "__qualname__", repr(function))
    if not callable(function):
        raise ConfigError(
            f"{function!r} is no function",
            remedy=Text(
                "Put the decorator above a def; options go by name, as in keywords='hi'.",
                "请把装饰器放在 def 上方；选项要写名字，例如 keywords='hi'。",
            ),
        )
    if isinstance(function, type):
        raise ConfigError(
            f"{name} is a class, but handlers are functions",
            remedy=Text(
                "Decorate a def, or pass a method of an object: on_message(Game().play).",
                "请装饰一个 def，或传入对象的方法：on_message(Game().play)。",
            ),
        )
    code = (function, type(function).__call__)  # an object may have an async __call__
    if any(inspect.isgeneratorfunction(one) for one in code):
        raise ConfigError(
            f"{name} is a generator, but handlers are plain functions",
            remedy=Text(
                "Use return instead of yield; to send several messages call message.reply(...) "
                "for each.",
                "请用 return 代替 yield；要发送多条消息，请逐条调用 message.reply(...)。",
            ),
        )
    if any(inspect.iscoroutinefunction(one) or inspect.isasyncgenfunction(one) for one in code):
        raise ConfigError(
            f"{name} is async, but handlers are plain functions",
            remedy=Text(
                "Drop async and await: message.reply(...) and requests.get(...) just block, "
                "other people's messages are handled in other threads.",
                "去掉 async 和 await：message.reply(...) 和 requests.get(...) 直接阻塞即可，"
                "其他人的消息会在别的线程里处理。",
            ),
        )


# ---------------------------------------------------------------------- for logs


def code_of(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function that somebody wrote behind partials, wrappers and callable objects."""
    code = function
    while isinstance(code, partial):
        code = code.func
    code = inspect.unwrap(code)
    while isinstance(code, partial):
        code = code.func
    return code if inspect.isroutine(code) or not callable(code) else type(code).__call__


def described(function: Any) -> str:
    """Return the name of a function and where it stands: ``answer (bot.py:4)``."""
    written = code_of(getattr(function, "stands_for", function))
    name = str(getattr(written, "__qualname__", None) or type(written).__name__)
    code = getattr(written, "__code__", None)
    return name if code is None else f"{name} ({_place(code)})"


def culprit(error: BaseException) -> str:
    """Return the first function of the user that an exception went through; empty for none."""
    step = error.__traceback__
    while step is not None:
        code = step.tb_frame.f_code
        file = code.co_filename
        if not (file.startswith(_LIBRARY) or any(part in file for part in _INSTALLED)):
            return f"{getattr(code, 'co_qualname', code.co_name)} ({_place(code)})"
        step = step.tb_next
    return ""


def _place(code: CodeType) -> str:
    return f"{Path(code.co_filename).name}:{code.co_firstlineno}"


def shown(value: object) -> str:
    """Return a value for logs: ``5 (int)``; of what may hold secrets or files its type alone."""
    kind = type(value).__name__
    if type(value) not in (bool, int, float):
        return kind
    if isinstance(value, int) and value.bit_length() > 128:
        return kind  # too long to read
    return f"{value!r} ({kind})"


_told_dropped: weakref.WeakSet[Any] = weakref.WeakSet()  # functions


def tell_dropped(function: Any, value: object, why: str) -> None:
    """Warn that nobody gets what a function returned; once for each function.

    Args:
        function: The user's.
        value: What it returned.
        why: What its kind of function does with values, and what to write instead.
    """
    written = getattr(function, "stands_for", function)
    try:
        told = written in _told_dropped
        _told_dropped.add(written)
    except TypeError:  # an object without a hash, or without weak references
        told = type(written) in _told_dropped
        _told_dropped.add(type(written))
    if not told:
        name, what = described(function), shown(value)
        logger.warning("%s returned %s, which is dropped: %s", name, what, why)
