"""What every kind of waiting is given, checked in the line of whoever waits."""

from __future__ import annotations

import threading
from numbers import Real
from typing import Any

from qqgroup_sync.errors import ConfigError, Text


def seconds(name: str, value: Any, language: str | None) -> float | None:
    """Return how long to wait; None without a limit.

    Raises:
        ConfigError: It is no number of seconds.
    """
    if value is None:
        return None
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if not is_number or not value >= 0:
        raise ConfigError(
            f"{name}={value!r} is no number of seconds",
            remedy=Text(
                f"Pass {name} a number that is not negative, or None to wait without limit.",
                f"{name} 请传入非负的秒数；不限时请传 None。",
            ),
            language=language,
        )
    limit = float(value)
    return limit if limit < threading.TIMEOUT_MAX else None


def retries(value: Any, language: str | None) -> None:
    """Refuse what is no number of further tries.

    Raises:
        ConfigError: It is none.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ConfigError(
            f"retries={value!r} is no number of further tries",
            remedy=Text(
                "Pass a whole number; 0 lets the person try once.",
                "请传入非负整数；0 表示只能回答一次。",
            ),
            language=language,
        )


def function(name: str, value: Any, language: str | None) -> None:
    """Refuse what cannot be called with what came.

    Raises:
        ConfigError: It cannot.
    """
    if value is not None and not callable(value):
        raise ConfigError(
            f"{name}= is a {type(value).__name__}, which cannot be called",
            remedy=Text(
                f"Pass a function: {name}=lambda answer: answer.text.isdecimal()",
                f"请传入函数：{name}=lambda answer: answer.text.isdecimal()",
            ),
            language=language,
        )
