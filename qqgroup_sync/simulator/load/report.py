"""The figures of a load: while it runs, and at its end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from qqgroup_sync.simulator.load.plan import Plan, Scene
    from qqgroup_sync.simulator.load.referee import Latency, Verdict

MEGABYTE = 1024 * 1024
_BEHIND = 0.05  # seconds; later than this the sender, and not the bot, shapes the latencies
_BUSY = 0.85  # of a core: the platform's interpreter can do no more than one


@dataclass(frozen=True, slots=True)
class Tick:
    """What one second of a load was like.

    Attributes:
        t: Seconds since the first message.
        rate: Messages said a second.
        latency: Of the answers that came in it.
        lost: Messages so far that are without an answer after the grace time.
        doubled: Answers too many so far.
        cpu: Share of a core that the bot used.
        rss: Bytes of memory of the bot.
        platform_cpu: Share of a core that the platform and the sender used.
    """

    t: float
    rate: float
    latency: Latency | None
    lost: int
    doubled: int
    cpu: float
    rss: int
    platform_cpu: float

    def to_json(self) -> dict[str, Any]:
        """Return it as the chat page takes it: milliseconds, percent, bytes."""
        latency = self.latency
        found = {
            "t": round(self.t, 1),
            "rate": round(self.rate, 1),
            "p50": milliseconds(latency.p50 if latency else None),
            "p95": milliseconds(latency.p95 if latency else None),
            "p99": milliseconds(latency.p99 if latency else None),
            "lost": self.lost,
            "doubled": self.doubled,
            "cpu": round(100 * self.cpu, 1),
            "rss": self.rss,
            "platform_cpu": round(100 * self.platform_cpu, 1),
        }
        return {name: value for name, value in found.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Report:
    """All figures of a load.

    Attributes:
        plan: What was asked for.
        expected: How many answers the probe got, by scene and text.
        verdict: What became of the messages.
        said: How many were said, warm-up included.
        planned: How many should have been.
        rate: Messages a second that were said indeed.
        late: Seconds that 99 % of them were late at most; the latest one.
        refused: How many requests of the bot the platform refused, by code.
        ticks: Each second.
        seconds: Latency by the second in which messages were planned.
        cpu: CPU seconds of the bot from the first message to the last answer.
        platform_cpu: Share of a core that the platform used.
        lasted: Seconds of the above.
        ended: Why it ended early; "" when it did not.
    """

    plan: Plan
    expected: Mapping[Scene, Mapping[str, int]]
    verdict: Verdict
    said: int
    planned: int
    rate: float
    late: tuple[float, float]
    refused: Mapping[int, int]
    ticks: list[Tick]
    seconds: Mapping[int, Latency]
    cpu: float
    platform_cpu: float
    lasted: float
    ended: str = ""
    memory: tuple[int, int, int] = field(default=(0, 0, 0))  # first, highest, last

    @property
    def behind(self) -> bool:
        """Whether this machine could not say the messages at their times."""
        return self.late[0] > _BEHIND or (not self.ended and self.rate < 0.98 * self.plan.rate)

    @property
    def platform_is_busy(self) -> bool:
        """Whether the platform itself may be what is slow."""
        return self.platform_cpu > _BUSY

    @property
    def cpu_per_message(self) -> float:
        """CPU seconds of the bot for one message."""
        return self.cpu / self.said if self.said else 0.0

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON can hold it."""
        plan, verdict, latency = self.plan, self.verdict, self.verdict.latency
        return {
            "plan": {name: getattr(plan, name) for name in plan.__slots__},
            "probe": {scene: dict(texts) for scene, texts in self.expected.items()},
            "messages": {
                "planned": self.planned,
                "said": self.said,
                "rate": round(self.rate, 1),
                **{name: getattr(verdict, name) for name in verdict.__slots__ if name != "latency"},
            },
            "latency_ms": latency
            and {name: milliseconds(value) for name, value in latency._asdict().items()},
            "late_ms": {"p99": milliseconds(self.late[0]), "max": milliseconds(self.late[1])},
            "refused": {str(code): count for code, count in self.refused.items()},
            "bot": {
                "cpu_seconds": round(self.cpu, 3),
                "cpu_share": round(self.cpu / self.lasted, 3) if self.lasted else 0.0,
                "cpu_ms_per_message": milliseconds(self.cpu_per_message),
                "rss_mb": {
                    name: round(value / MEGABYTE, 1)
                    for name, value in zip(("first", "max", "last"), self.memory, strict=True)
                },
            },
            "platform": {
                "cpu_share": round(self.platform_cpu, 3),
                "busy": self.platform_is_busy,
                "behind": self.behind,
            },
            "ended": self.ended,
            "ticks": [tick.to_json() for tick in self.ticks],
            "seconds": {
                second: {name: milliseconds(value) for name, value in latency._asdict().items()}
                for second, latency in self.seconds.items()
            },
        }


def milliseconds(seconds: float | None) -> float | None:
    """Return seconds as milliseconds, with two digits."""
    return None if seconds is None else round(1000 * seconds, 2)
