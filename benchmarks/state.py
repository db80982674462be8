"""Measure what state on disk costs: throughput with it against state=None, interleaved.

python benchmarks/state.py [--quick]

About 3 minutes; one of them with --quick.
"""

import argparse
import signal
import statistics
import sys

from run import (
    COUNT,
    LOADS,
    MS,
    OURS,
    STATELESS,
    Measured,
    Row,
    bots,
    describe,
    tell,
    turns,
    write_readme,
)

MARKS = ("<!-- state table begins -->", "<!-- state table ends -->")
WINDOWS = ("window 1", "window 16", "window 256")
LEAST = 0.95  # of the throughput without state


def measure(measured, options):
    """Run closed loops with both bots in turn."""
    with bots(STATELESS, OURS) as running:
        for bot in running.values():
            bot.load(do="closed", window=16, seconds=0.7)  # threads and connections come up
        for name in WINDOWS:
            for turn in turns(running, options.rounds):
                for kind in turn:
                    result = running[kind].load(**LOADS[name], seconds=options.seconds)
                    measured.add_load(name, kind, result)
            tell(measured, f"{name}: replies_per_second")


def rows():
    """Yield the lines of the table in order."""
    for name in WINDOWS:
        yield Row(
            f"replies per second, {name}",
            f"{name}: replies_per_second",
            COUNT,
            f"ratio >= {LEAST}",
            lambda _b, _o, r: r >= LEAST,
            reference=STATELESS,
        )
    for name in WINDOWS:
        text = f"CPU of the bot per 1000 events, {name}"
        yield Row(text, f"{name}: cpu_per_1000", MS, reference=STATELESS)


def table(figures, note):
    """Return the table as Markdown."""
    wrong = sum(
        sum(figures[f"{name}: wrong"][kind]) for name in WINDOWS for kind in (OURS, STATELESS)
    )
    spread = ", ".join(f"{name} {spread_of(figures, name)}" for name in WINDOWS)
    return "\n".join(
        [
            f"{note}.",
            "",
            "| figure | `state=None` | state on disk | ratio | aim | reached |",
            "| --- | --- | --- | --- | --- | --- |",
            *(row.line(figures) for row in rows()),
            "",
            f"- Middle half of the ratios of replies per second: {spread}.",
            f"- Replies lost, doubled or strange: {wrong}.",
        ]
    )


def spread_of(figures, name):
    """Return between which ratios the middle half of the rounds lies."""
    found = figures[f"{name}: replies_per_second"]
    ratios = [b / a for a, b in zip(found[STATELESS], found[OURS], strict=True)]
    low, _, high = statistics.quantiles(ratios, n=4)
    return f"{low:.2f} to {high:.2f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    options = parser.parse_args()
    options.rounds, options.seconds = (6, 1.0) if options.quick else (12, 2.0)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    measured = Measured()
    measure(measured, options)
    text = table(measured.figures, describe(options))
    write_readme(text, MARKS)
    print(text)


if __name__ == "__main__":
    main()
