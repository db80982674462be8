"""The figures of a load as a table for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qqgroup_sync.cli.refusals import meaning
from qqgroup_sync.simulator.load.report import MEGABYTE, milliseconds

if TYPE_CHECKING:
    from qqgroup_sync.simulator.load.report import Report


def table(report: Report, name: str) -> str:
    """Return the figures for people."""
    plan, verdict = report.plan, report.verdict
    latency, seconds = verdict.latency, plan.seconds
    if report.ended:  # the warm-up does not count
        seconds = round(min(seconds, max(0.0, report.lasted - plan.warm_up)), 1)
    rows = [
        ("messages", f"{verdict.sent} said in {seconds:g} s, {report.rate:.0f} a second"),
        ("answered", f"{verdict.answered}"),
        ("lost", f"{verdict.lost}, without an answer {plan.grace:g} s later"),
        ("doubled", f"{verdict.doubled}"),
        ("disorder", f"{verdict.disorder}, answered after a later one of the same person"),
    ]
    if verdict.silent:
        rows.append(("not to answer", f"{verdict.silent}, as the probe showed"))
    if verdict.unasked:
        rows.append(("unasked", f"{verdict.unasked} messages of the bot that answer none"))
    if latency is not None:
        shown = "  ".join(
            f"{key} {milliseconds(value):g}" for key, value in latency._asdict().items()
        )
        rows.append(("latency, ms", shown))
    rows += [
        (f"refused {code}", f"{count}  {meaning(code)}".rstrip())
        for code, count in report.refused.items()
    ]
    first, most, last = (value / MEGABYTE for value in report.memory)
    rows += [
        (
            "CPU of the bot",
            f"{report.cpu:.2f} s, {milliseconds(report.cpu_per_message):g} ms per message",
        ),
        ("memory of the bot", f"{first:.0f} MB at first, {most:.0f} at most, {last:.0f} at last"),
        ("the platform", f"{100 * report.platform_cpu:.0f} % of a core"),
    ]
    head = (
        f"{name}: {plan.rate:g} messages a second, {plan.groups} groups"
        f" of {plan.persons}, {100 * plan.private:g} % private"
    )
    lines = [head, "", *(f"  {label:<18}{value}" for label, value in rows), *_warnings(report)]
    return "\n".join(lines)


def _warnings(report: Report) -> list[str]:
    found, plan = [], report.plan
    if report.ended:
        found.append(f"It ended early: {report.ended}.")
    if report.behind:
        usual, worst = map(milliseconds, report.late)
        found.append(
            f"Messages left late: 1 % of them more than {usual:g} ms, up to {worst:g} ms"
            f" ({report.rate:.0f} of {plan.rate:g} a second). The latencies include that. The"
            " machine is busy, or --rate is more than it can send."
        )
    if report.platform_is_busy:
        found.append(
            f"The platform itself used {100 * report.platform_cpu:.0f} % of a core: it, and not the"
            " bot, may be what is slow."
        )
    return [f"\nNote: {text}" for text in found]
