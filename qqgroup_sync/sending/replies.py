"""How often and how long a message can be answered, and the number each answer carries.

Source: message overview and send-message pages, 2026-08: 5 replies within 5 minutes in groups,
4 within 60 minutes in private chats; the pair (msg_id, msg_seq) must be unique.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, NamedTuple

from qqgroup_sync.errors import QQGroupError, ReplyExpired, ReplyLimitReached, Text
from qqgroup_sync.events.models import attach_budget
from qqgroup_sync.sending.addresses import address_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from qqgroup_sync.events.models import Event
    from qqgroup_sync.runtime.clock import Clock


class Allowance(NamedTuple):
    """How an event may be answered."""

    replies: int
    window: float  # seconds


GROUP = Allowance(5, 300.0)
C2C = Allowance(4, 3600.0)


class ReplyBudget:
    """The replies that one event still allows. Not thread-safe: its Budgets hold a lock.

    The k-th reply to a message carries ``msg_seq`` k. A handler that runs again after a crash
    therefore draws the same numbers, and the platform drops what had arrived before.

    Args:
        allowance: Count and window of the scene.
        ends: When the window ends, by the monotonic clock: nobody sets that one.
    """

    __slots__ = ("allowance", "drawn", "ends", "used")

    def __init__(self, allowance: Allowance, ends: float) -> None:
        self.allowance = allowance
        self.ends = ends
        self.drawn = 0  # the last msg_seq
        self.used = 0

    def left(self, now: float) -> int:
        """Return how many replies are left at ``now``."""
        return 0 if now >= self.ends else max(0, self.allowance.replies - self.used)

    def take(self) -> int:
        """Use one reply up and return its ``msg_seq``."""
        self.used += 1
        self.drawn += 1
        return self.drawn

    def give_back(self) -> None:
        """Note that the platform refused a reply: it costs no place, but its number is gone."""
        self.used -= 1


def age_of(
    *, timestamp: float | None, arrived: float, now: float, platform_now: float | None
) -> float:
    """Return how many seconds ago an event happened, which is when its window began.

    The platform's own clock decides where it is known. Else it is never less than the time since
    the arrival, whatever this machine's clock says.

    Args:
        timestamp: When the platform says it happened; None when it did not say.
        arrived: When it arrived, by this machine's clock.
        now: By the same clock.
        platform_now: What the platform's clock shows now; None when nobody knows.
    """
    since = max(0.0, now - arrived)
    if timestamp is None:
        return since
    if platform_now is not None and platform_now >= timestamp:
        return platform_now - timestamp
    return max(now - timestamp, since)


class Budgets:
    """The budgets of all events; safe from any thread.

    Args:
        clock: Where time comes from.
        platform_time: Returns the platform's Unix time; None while nobody knows it.
        language: Language of cause and remedy in errors.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        platform_time: Callable[[], float | None],
        language: str | None = None,
    ) -> None:
        self._clock = clock
        self._platform_time = platform_time
        self._language = language
        self._lock = threading.Lock()

    def left(self, event: Event) -> int:
        """Return how many replies an event still allows."""
        budget = self.of(event)
        return budget.left(self._clock.monotonic())

    def expires_at(self, event: Event) -> float:
        """Return when an event can be answered no more, in Unix seconds of this machine."""
        return self._clock.time() + self.time_left(self.of(event))

    def time_left(self, budget: ReplyBudget) -> float:
        """Return the seconds until a window ends; negative when it has."""
        return budget.ends - self._clock.monotonic()

    def share(self, event: Event) -> None:
        """Let the copies of an event that are made from now on have one budget."""
        if event.conversation is not None:
            self.of(event)

    def of(self, event: Event) -> ReplyBudget:
        """Return the budget of an event, which begins with the first question for it.

        Raises:
            ConfigError: It comes from no group and no user.
        """
        budget = event.budget
        if budget is not None:
            return budget  # type: ignore[no-any-return]  # the slot is this room's
        with self._lock:
            if event.budget is None:
                scene, _ = address_of(event)
                allowance = GROUP if scene == "group" else C2C
                age = age_of(
                    timestamp=event.timestamp,
                    arrived=event.received_at,
                    now=self._clock.time(),
                    platform_now=self._platform_time(),
                )
                ends = self._clock.monotonic() + allowance.window - age
                attach_budget(event, ReplyBudget(allowance, ends))
            return event.budget  # type: ignore[no-any-return]

    def refusal(self, budget: ReplyBudget, wanted: int) -> QQGroupError | None:
        """Return why a budget does not allow so many replies; None when it does."""
        now = self._clock.monotonic()
        if wanted <= budget.left(now):
            return None
        count, window = budget.allowance
        rule = Text(
            f"A message can be answered {count} times within {window / 60:g} minutes.",
            f"一条消息在 {window / 60:g} 分钟内最多可回复 {count} 次。",
        )
        if now >= budget.ends:
            return ReplyExpired(
                f"the message can be answered no more: its window ended"
                f" {now - budget.ends:.0f} s ago",
                cause=rule,
                remedy=Text(
                    "Answer sooner, or use Client(proactive_fallback=True).",
                    "请尽快回复，或使用 Client(proactive_fallback=True) 转为主动消息。",
                ),
                language=self._language,
            )
        return ReplyLimitReached(
            f"{wanted} messages are needed, but only {budget.left(now)} replies are left",
            cause=rule,
            remedy=Text(
                "Put the texts into fewer replies, or use Client(proactive_fallback=True).",
                "请把内容合并成更少的回复，或使用 Client(proactive_fallback=True)。",
            ),
            language=self._language,
        )

    def draw(self, budget: ReplyBudget) -> int:
        """Use one reply up; return its ``msg_seq``, which a retry of the same send carries again.

        Raises:
            ReplyExpired: The event is too old to be answered.
            ReplyLimitReached: No reply is left.
        """
        with self._lock:
            refusal = self.refusal(budget, 1)  # others may have answered meanwhile
            if refusal is None:
                return budget.take()
        raise refusal

    def give_back(self, budget: ReplyBudget) -> None:
        """Note that the platform refused a reply."""
        with self._lock:
            budget.give_back()
