"""How often a handler may be used: by one person, or in one group."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from qqgroup_sync.errors import ConfigError, Text

if TYPE_CHECKING:
    from qqgroup_sync.events.models import Message

REMEMBERED = 10_000  # people or groups


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most ``count`` uses in any ``seconds``.

    Attributes:
        count: Uses.
        seconds: Of the sliding window.
        per: Whose uses are counted together: of one ``user`` in a conversation, or of a ``group``.
        answer: What is said to who comes too often, once per window; ``{seconds}`` is how long to
            wait. None says it in general words, "" says nothing.
    """

    count: int
    seconds: float
    per: Literal["user", "group"] = "user"
    answer: str | None = None

    def __post_init__(self) -> None:
        good = (
            isinstance(self.count, int)
            and self.count > 0
            and isinstance(self.seconds, int | float)
            and 0 < self.seconds < math.inf
            and isinstance(self.answer, str | None)
        )
        if not good or self.per not in ("user", "group"):
            raise ConfigError(
                f"{self!r} is not possible",
                remedy=Text(
                    "Write RateLimit(3, 60): three uses a minute; per='user' or per='group', "
                    "answer a text with {seconds} in it.",
                    "请写成 RateLimit(3, 60)，即每分钟三次；per 为 'user' 或 'group'，"
                    "answer 是文字，其中可含 {seconds}。",
                ),
            )


def rate_limit_of(rate_limit: object, cooldown: float | None) -> RateLimit | None:
    """Return the limit that a decorator was told: ``rate_limit=`` or ``cooldown=``."""
    if cooldown is not None:
        if rate_limit is not None:
            raise ConfigError(
                "give either rate_limit or cooldown",
                remedy=Text(
                    "cooldown=30 is RateLimit(1, 30).", "cooldown=30 即 RateLimit(1, 30)。"
                ),
            )
        return RateLimit(1, cooldown)
    if rate_limit is None or isinstance(rate_limit, RateLimit):
        return rate_limit
    if isinstance(rate_limit, tuple | list) and len(rate_limit) == 2:
        return RateLimit(*rate_limit)
    raise ConfigError(
        f"rate_limit={rate_limit!r} is not possible",
        remedy=Text(
            "Write rate_limit=(3, 60) or RateLimit(3, 60).",
            "请写成 rate_limit=(3, 60) 或 RateLimit(3, 60)。",
        ),
    )


class Limiter:
    """Counts the uses of one handler; safe from any thread.

    Args:
        limit: How many there may be.
    """

    def __init__(self, limit: RateLimit) -> None:
        self.limit = limit
        self._lock = threading.Lock()
        self._uses: OrderedDict[str, deque[float]] = OrderedDict()
        self._told: set[str] = set()

    def use(self, message: Message, now: float) -> float:
        """Count a use; return 0, or the seconds until the next one is allowed.

        Args:
            message: Of whom, and where.
            now: Seconds that never jump.
        """
        key = self._key(message)
        with self._lock:
            uses = self._uses.setdefault(key, deque(maxlen=self.limit.count))
            self._uses.move_to_end(key)
            while len(self._uses) > REMEMBERED:
                old, _ = self._uses.popitem(last=False)
                self._told.discard(old)
            if len(uses) == self.limit.count and now - uses[0] < self.limit.seconds:
                return self.limit.seconds - (now - uses[0])
            uses.append(now)
            self._told.discard(key)
            return 0.0

    def answer(self, message: Message, wait: float, language: str) -> str:
        """Return what to say to who comes too often; empty when he was told already."""
        key = self._key(message)
        with self._lock:
            first = key not in self._told
            self._told.add(key)
        if not first:
            return ""
        seconds = math.ceil(wait)  # who comes when he was told to is not too early
        if self.limit.answer is not None:
            return self.limit.answer.replace("{seconds}", str(seconds))
        return Text(
            f"Not so fast: please wait {seconds} s.", f"太快了，请 {seconds} 秒后再试。"
        ).in_language(language)

    def _key(self, message: Message) -> str:
        scene, place = message.conversation or ("", "")
        return f"{scene} {place}" if self.limit.per == "group" else f"{place} {message.sender}"
