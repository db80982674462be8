"""Limits on messages nobody asked for (2.5). Pure: the caller gives the time."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from qqgroup_sync.simulator.refusals import RefusalError
from qqgroup_sync.simulator.rules import DAY

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

MINUTE = 60.0


class Quota(NamedTuple):
    """At most ``limit`` messages in any ``seconds``, counted under ``key``."""

    key: Hashable
    limit: int
    seconds: float


def group_quotas(appid: str, group: str, *, certified: bool) -> list[Quota]:
    """Return what limits an unasked message to a group: bot per minute, group per minute, day."""
    return [
        Quota((appid, "groups"), 60 if certified else 30, MINUTE),
        Quota((appid, group), 20, MINUTE),
        Quota((appid, group), 1000, DAY),
    ]


def user_quotas(appid: str, user: str, *, certified: bool) -> list[Quota]:
    """Return what limits an unasked message to a user."""
    whole = (
        [Quota((appid, "users"), 10, 1.0)]
        if certified
        else [Quota((appid, "users"), 5, 1.0), Quota((appid, "users"), 30, MINUTE)]
    )
    return [*whole, Quota((appid, user), 20, MINUTE), Quota((appid, user), 1000, DAY)]


class QuotaBook:
    """What was sent lately under each quota, in sliding windows."""

    def __init__(self) -> None:
        self._sent: dict[Quota, deque[float]] = {}

    def check(self, quotas: Iterable[Quota], now: float) -> None:
        """Refuse with 40034100 when one of ``quotas`` is used up; change nothing else."""
        for quota in quotas:
            sent = self._sent.get(quota)
            if sent is None:
                continue
            while sent and sent[0] <= now - quota.seconds:
                sent.popleft()
            if len(sent) >= quota.limit:
                raise RefusalError(40034100, f"{quota.limit} in {quota.seconds:.0f} s")

    def used(self, quota: Quota, now: float) -> int:
        """Return how much of a quota is used up; change nothing."""
        return sum(moment > now - quota.seconds for moment in self._sent.get(quota, ()))

    def spend(self, quotas: Iterable[Quota], now: float) -> None:
        """Note an accepted message; call ``check`` before."""
        for quota in quotas:
            self._sent.setdefault(quota, deque(maxlen=quota.limit)).append(now)


def wakeup_period(silent: float) -> int | None:
    """Return which of the four wake-up periods ``silent`` seconds fall in, None after 30 days."""
    for period, days in enumerate((1, 3, 7, 30)):
        if silent < days * DAY:
            return period
    return None
