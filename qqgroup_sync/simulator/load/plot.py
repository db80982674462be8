"""The figures of a load as a picture. Needs matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib import font_manager, rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from qqgroup_sync.simulator.load.report import MEGABYTE, milliseconds

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes

    from qqgroup_sync.simulator.load.report import Report

_CJK_FONTS = (
    *("Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Microsoft YaHei", "SimHei"),
    *("PingFang SC", "Hiragino Sans GB", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei"),
    *("Droid Sans Fallback", "Noto Sans CJK JP", "Arial Unicode MS"),
)
_COLOURS = {"p50": "#2a9d8f", "p90": "#8ab17d", "p95": "#e9a23b", "p99": "#d1495b"}
_BOT, _PLATFORM, _GREY = "#3b6fb6", "#a0a4ab", "#5f6570"


def draw(report: Report, path: Path, title: str) -> None:
    """Draw latency, rate, CPU and memory over time, as PNG or whatever the name ends with.

    Raises:
        OSError: It cannot be written.
        ValueError: The name's ending is no format of pictures.
    """
    with rc_context(_style()):
        figure = Figure(figsize=(10, 9), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots(4, 1, sharex=True, height_ratios=[2.2, 1, 1, 1])
        figure.suptitle(f"{title}\n{_summary(report)}", fontsize=11, x=0.01, ha="left")
        _draw_latency(axes[0], report)
        _draw_rate(axes[1], report)
        _draw_cpu(axes[2], report)
        _draw_memory(axes[3], report)
        for one in axes:
            one.grid(visible=True, alpha=0.25)
            one.spines[["top", "right"]].set_visible(False)
            if report.plan.warm_up:
                one.axvspan(0, report.plan.warm_up, color="#000000", alpha=0.06, lw=0)
        if report.plan.warm_up:
            axes[0].text(
                report.plan.warm_up / 2,
                1.01,
                "warm-up",
                transform=axes[0].get_xaxis_transform(),
                ha="center",
                color=_GREY,
                fontsize=8,
            )
        axes[-1].set_xlabel("seconds since the first message")
        axes[-1].set_xlim(0, max([report.plan.length, *(tick.t for tick in report.ticks)]))
        figure.savefig(path, dpi=130)


def _style() -> dict[Any, Any]:
    installed = {font.name for font in font_manager.fontManager.ttflist}
    families = ["DejaVu Sans", *(name for name in _CJK_FONTS if name in installed)]
    return {"font.family": families, "font.size": 9, "axes.unicode_minus": False}


def _above(columns: int) -> dict[str, Any]:
    """Put a legend where it covers no line."""
    return {
        "loc": "lower right",
        "bbox_to_anchor": (1.0, 0.98),
        "ncols": columns,
        "frameon": False,
        "borderaxespad": 0.0,
    }


def _summary(report: Report) -> str:
    verdict, plan = report.verdict, report.plan
    latency = verdict.latency
    found = "no answers" if latency is None else f"p99 {milliseconds(latency.p99):g} ms"
    return (
        f"{plan.rate:g} messages/s for {plan.seconds:g} s in {plan.groups} groups: {found}, "
        f"{verdict.lost} lost, {verdict.doubled} doubled, {verdict.disorder} out of order"
    )


def _draw_latency(axes: Axes, report: Report) -> None:
    for name, colour in _COLOURS.items():
        points = [
            (second + 0.5, 1000 * getattr(latency, name))
            for second, latency in report.seconds.items()
        ]
        if points:
            axes.plot(*zip(*points, strict=True), color=colour, label=name, lw=1.6, marker=".")
    if report.seconds:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _place: f"{value:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.legend(**_above(len(_COLOURS)))
    axes.set_ylabel("latency, ms")


def _draw_rate(axes: Axes, report: Report) -> None:
    ticks = report.ticks
    axes.step([tick.t for tick in ticks], [tick.rate for tick in ticks], color=_BOT, where="pre")
    axes.axhline(report.plan.rate, color=_GREY, lw=0.8, ls="--")
    axes.set_ylabel("messages/s")
    axes.set_ylim(bottom=0)


def _draw_cpu(axes: Axes, report: Report) -> None:
    times = [tick.t for tick in report.ticks]
    axes.plot(times, [100 * tick.cpu for tick in report.ticks], color=_BOT, label="bot")
    axes.plot(
        times, [100 * tick.platform_cpu for tick in report.ticks], color=_PLATFORM, label="platform"
    )
    axes.set_ylabel("CPU, % of a core")
    axes.set_ylim(bottom=0)
    axes.legend(**_above(2))


def _draw_memory(axes: Axes, report: Report) -> None:
    axes.plot(
        [tick.t for tick in report.ticks],
        [tick.rss / MEGABYTE for tick in report.ticks],
        color=_BOT,
    )
    axes.set_ylabel("memory of the bot, MB")
    axes.set_ylim(bottom=0)
