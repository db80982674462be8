"""How much the platform takes in a second, a minute, a day, and how a user changes that.

Source: endpoint pages and send-message page, 2026-08. What is not listed here by name has a limit
of its own on its page, and is kept to it as ``others``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from qqgroup_sync.errors import ConfigError, Text

SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0, "day": 86_400.0}
OTHERS = "others"
USUAL = {
    "messages": "100/s",  # every message, asked for or not
    "streams": "50/s",  # frames of streamed messages
    "recalls": "10/s",
    "uploads": "50/s",
    "prepares": "10/s",  # beginnings of chunked uploads
    "parts": "10/s",  # ends of their parts
    "clicks": "50/s",  # acknowledgements
    "groups": "30/min",  # proactive messages to all groups together
    "group": "20/min 1000/day",  # to one group
    "users": "5/s 30/min",  # to all users together
    "user": "20/min 1000/day",  # to one user
    OTHERS: "on",
}
CERTIFIED = {**USUAL, "groups": "60/min", "users": "10/s"}
_WORD = re.compile(r"([1-9][0-9]{0,6})/(s|min|h|day)")


class Rate(NamedTuple):
    """So many calls in so many seconds."""

    most: int
    seconds: float

    def __str__(self) -> str:
        unit = next(name for name, seconds in SECONDS.items() if seconds == self.seconds)
        return f"{self.most}/{unit}"


Rates = Mapping[str, tuple[Rate, ...]]
SendLimits = Mapping[str, "str | None"] | str | None


def rates_of(limits: SendLimits, *, local: bool, language: str | None = None) -> Rates:
    """Return the rates that a client keeps to, by name; empty when it keeps to none.

    Args:
        limits: As the user says it: ``"default"``, ``"certified"``, None, or changes by name.
        local: Whether the platform is on this machine: it limits nothing unless told so.
        language: Language of cause and remedy in errors.

    Raises:
        ConfigError: A name or a rate does not exist.
    """
    if limits is None or (limits == "default" and local):
        return {}
    if isinstance(limits, str):
        if limits not in ("default", "certified"):
            raise _wrong(f"send_limits={limits!r} is not possible", language)
        chosen: dict[str, Any] = dict(CERTIFIED if limits == "certified" else USUAL)
    else:
        if not isinstance(limits, Mapping) or not set(limits) <= set(USUAL):
            raise _wrong(f"send_limits={limits!r} is not possible", language)
        chosen = {**USUAL, **limits}
    return {
        name: _parsed(name, words, language) for name, words in chosen.items() if words is not None
    }


def _parsed(name: str, words: Any, language: str | None) -> tuple[Rate, ...]:
    if name == OTHERS and words == "on":
        return ()
    found = []
    for word in (words.split() or [""]) if isinstance(words, str) and name != OTHERS else [""]:
        match = _WORD.fullmatch(word)
        if match is None:
            raise _wrong(f"send_limits: {name}={words!r} is no rate", language)
        found.append(Rate(int(match[1]), SECONDS[match[2]]))
    return tuple(found)


def _wrong(summary: str, language: str | None) -> ConfigError:
    names = ", ".join(USUAL)
    return ConfigError(
        summary,
        remedy=Text(
            "Write 'default', 'certified', None (no limits), or what is different: "
            f"{{'group': '20/min 1000/day'}}. Names: {names}; others is 'on' or None.",
            "可填 'default'、'certified'、None（不限速），或只写要改的项："
            f"{{'group': '20/min 1000/day'}}。名称：{names}；others 只能是 'on' 或 None。",
        ),
        language=language,
    )
