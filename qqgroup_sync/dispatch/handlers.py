"""One registered function, and how many arguments it wants."""

from __future__ import annotations

import inspect
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from qqgroup_sync.dispatch.filters import Filter, any_text
from qqgroup_sync.errors import ConfigError, Text

if TYPE_CHECKING:
    from collections.abc import Callable

    from qqgroup_sync.dispatch.rate_limits import Limiter

EVERY = Filter(any_text)
LEAVING = -math.inf  # level of handlers that a notebook cell is just replacing


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
        cell: The notebook cell that registered it; "" in scripts.
    """

    function: Callable[..., Any]
    takes: int
    order: int
    level: float = 0
    filter: Filter = EVERY
    block: bool = True
    limiter: Limiter | None = None
    cell: str = field(default="", compare=False)

    @property
    def name(self) -> str:
        """The function's name, for logs and hooks."""
        return getattr(self.function, "__qualname__", repr(self.function))

    def call(self, *arguments: Any) -> Any:
        """Call the function with as many of the arguments as it takes."""
        return self.function(*arguments[: self.takes])


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
        ConfigError: It is not callable, or async.
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
    code = (function, type(function).__call__)  # an object may have an async __call__
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
