"""Judges the answers of a load: how late, lost, doubled, out of order. No clock, no platform."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

_EARLY = 10_000  # answers kept for messages that the sender has not told of yet


class Latency(NamedTuple):
    """Seconds from the planned time of a message until its (first) answer stood in the chat."""

    p50: float
    p90: float
    p95: float
    p99: float
    max: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Latency | None:
        """Summarise; None when there are no values."""
        ordered = sorted(values)
        if not ordered:
            return None
        return cls(*(percentile(ordered, share) for share in (0.5, 0.9, 0.95, 0.99, 1.0)))


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return the smallest value that at least this share of all values does not exceed."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


@dataclass(slots=True)
class _Sent:
    number: int
    person: Hashable
    planned: float
    expected: int
    counted: bool
    latency: float | None = None
    answers: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of the messages that count.

    Attributes:
        sent: How many were said.
        answered: How many got an answer.
        lost: How many that should have been answered were not.
        silent: How many got none and were not expected to: the bot answers nothing to such a
            text.
        doubled: Answers beyond those that the text should get.
        disorder: Messages answered after a later one of the same person in the same chat.
        unasked: Messages of the bot that answer none of these.
        latency: From the planned time to the first answer.
    """

    sent: int
    answered: int
    lost: int
    silent: int
    doubled: int
    disorder: int
    unasked: int
    latency: Latency | None


class Referee:
    """Hears of every message and of every answer, from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sent: dict[str, _Sent] = {}
        self._early: dict[str, list[float]] = {}
        self._latest: dict[Hashable, int] = {}
        self._recent: list[float] = []
        self._waiting: dict[int, _Sent] = {}  # by number, and so in the order of their times
        self._doubled = 0
        self._disorder = 0
        self._unasked = 0

    def sent(
        self,
        message_id: str,
        *,
        number: int,
        person: Hashable,
        planned: float,
        expected: int,
        counted: bool = True,
    ) -> None:
        """Take a message that was said, maybe after its answer.

        Args:
            message_id: What answers refer to.
            number: Its place in the load.
            person: Who said it in which chat: answers to him come in order.
            planned: When it should have been said.
            expected: How many answers it should get.
            counted: Whether it is part of the verdict, unlike those of the warm-up.
        """
        with self._lock:
            message = _Sent(number, person, planned, expected, counted)
            self._sent[message_id] = message
            if expected > 0:
                self._waiting[number] = message
            for at in self._early.pop(message_id, ()):
                self._answer(message, at)

    def answered(self, message_id: str | None, at: float) -> None:
        """Take an answer; None when the bot spoke unasked."""
        with self._lock:
            if message_id is None:
                self._unasked += 1
            elif (message := self._sent.get(message_id)) is not None:
                self._answer(message, at)
            else:
                self._early.setdefault(message_id, []).append(at)
                if len(self._early) > _EARLY:
                    self._early.pop(next(iter(self._early)))

    def _answer(self, message: _Sent, at: float) -> None:
        message.answers += 1
        if message.answers > 1:
            self._doubled += message.counted and message.answers > max(1, message.expected)
            return
        message.latency = at - message.planned
        self._waiting.pop(message.number, None)
        latest = self._latest.get(message.person, -1)
        if message.number < latest:
            self._disorder += message.counted
        else:
            self._latest[message.person] = message.number
        if message.counted:
            self._recent.append(message.latency)

    @property
    def waiting(self) -> int:
        """How many messages wait for their first answer."""
        return len(self._waiting)

    def take_recent(self) -> Latency | None:
        """Summarise the answers since the last call."""
        with self._lock:
            recent, self._recent = self._recent, []
        return Latency.of(recent)

    def overdue(self, before: float) -> int:
        """Count those planned before a time that still wait for an answer."""
        with self._lock:
            old = takewhile(lambda one: one.planned < before, self._waiting.values())
            return sum(message.counted for message in old)

    @property
    def doubled(self) -> int:
        """Answers too many so far."""
        return self._doubled

    def verdict(self, before: float | None = None) -> Verdict:
        """Judge.

        Args:
            before: Leave out messages without an answer that were planned later than this: they
                may still get one.
        """
        with self._lock:
            counted = [
                one
                for one in self._counted()
                if one.latency is not None or before is None or one.planned < before
            ]
            latencies = [one.latency for one in counted if one.latency is not None]
            unanswered = [one for one in counted if one.latency is None]
            lost = sum(one.expected > 0 for one in unanswered)
            return Verdict(
                sent=len(counted),
                answered=len(latencies),
                lost=lost,
                silent=len(unanswered) - lost,
                doubled=self._doubled,
                disorder=self._disorder,
                unasked=self._unasked,
                latency=Latency.of(latencies),
            )

    def by_second(self, began: float) -> dict[int, Latency]:
        """Summarise the latencies of each second in which messages were planned, from 0."""
        found: dict[int, list[float]] = {}
        with self._lock:
            for message in self._sent.values():
                if message.latency is not None:
                    second = math.floor(message.planned - began)
                    found.setdefault(second, []).append(message.latency)
        summaries = {second: Latency.of(values) for second, values in sorted(found.items())}
        return {second: one for second, one in summaries.items() if one is not None}

    def _counted(self) -> list[_Sent]:
        return [message for message in self._sent.values() if message.counted]
