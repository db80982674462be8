"""Long runs under load: simulated hours, ten thousand messages at once, what state costs.

Each takes its options, a report to fill, and a folder.
"""

import argparse
import contextlib
import itertools
import statistics
import sys
import threading
import time

import psutil
import state
from run import OURS, STATELESS, Measured
from soak_report import HERE, tell

sys.path.insert(0, str(HERE.parent))  # the bench lies with the tests

from tests.faults.bench import APPID, Bench, Load
from tests.faults.registry import wait

MIB = 2**20
# hours
SPEED = 60.0  # simulated seconds per second
HALF_HOUR = 1800.0
WARM_UP, QUARTER = 0.25, 0.25  # shares of the time
WORDS = ("say", "say", "say", "keep", "picture", "many", "threads", "raise")
LOGS = 2 * 4400  # KiB: SQLite begins each of the two anew after 1000 pages, 4 MB
SAMPLE = 300.0  # simulated seconds between two looks


# ---------------------------------------------------------------------- eight hours


def hours(options, report, home):
    """Let simulated hours pass under mixed load; memory and all else has to stay flat."""
    with Bench(
        home,
        seed=options.seed,
        people=24,
        groups=6,
        friends=6,
        wired=False,
        speed=SPEED,
        replay_seconds=HALF_HOUR,
        message_history=200,
    ) as bench:
        bench.start_bot()
        for _ in range(20 * len(bench.people)):  # all workers and connections come up
            bench.say()
        bench.settle()
        samples = []
        real = options.hours * 3600.0 / SPEED
        with Load(bench, options.rate, WORDS) as load:
            began = bench.simulator.clock.now()
            rounds = itertools.cycle((_op_7, _op_7_and_close, _close_4009))
            turn = began + HALF_HOUR
            for number in range(int(options.hours * 3600.0 / SAMPLE)):
                wait(max(0.0, (number + 1) * SAMPLE / SPEED - load.seconds))
                if bench.simulator.clock.now() >= turn:
                    turn += HALF_HOUR
                    next(rounds)(bench)
                    bench.wait_online()
                samples.append(_sample(bench, number * SAMPLE / 3600.0))
                tell(f"hours: {samples[-1]}")
        bench.settle(60.0)
        report.add("simulated hours", f"{options.hours:g} in {real / 60:.1f} minutes")
        report.add("messages", load.said)
        report.add("reconnects", bench.records.connections - 1)
        report.raw["samples"] = samples
        for name, room in (("MiB", 2.0), ("threads", 1), ("files", 1), ("state KiB", 256.0)):
            _judge_flat(report, samples, name, room)
        most = max(sample["logs KiB"] for sample in samples)
        report.add("write-ahead logs of the state, most", f"{most:g} KiB", f"<= {LOGS} KiB",
                   most <= LOGS)  # fmt: skip
        report.add_verdict(bench, late=300.0)
        report.add("exit code at the end", bench.bot.stop(), "0", bench.bot.process.poll() == 0)


def _op_7(bench):
    bench.simulator.gateway.send_reconnect(appid=APPID)


def _op_7_and_close(bench):
    bench.simulator.gateway.send_reconnect(close=True, appid=APPID)


def _close_4009(bench):
    bench.close_gateway(4009)


def _sample(bench, hour):
    """Look at the bot's process."""
    process = psutil.Process(bench.bot.pid)
    with process.oneshot():
        files = process.num_fds() if hasattr(process, "num_fds") else process.num_handles()
        found = {
            "hour": round(hour, 2),
            "MiB": round(process.memory_info().rss / MIB, 2),
            "threads": process.num_threads(),
            "files": files,
        }
    sizes = {"state KiB": ".sqlite", "logs KiB": ".sqlite-wal"}
    for name, ending in sizes.items():
        paths = [path for path in bench.state.rglob("*") if path.name.endswith(ending)]
        found[name] = round(sum(path.stat().st_size for path in paths) / 1024, 1)
    return found


def _judge_flat(report, samples, name, room):
    """Compare the quarter after the warm-up with the last one."""
    count = len(samples)
    values = [sample[name] for sample in samples]
    early = values[int(count * WARM_UP) : int(count * (WARM_UP + QUARTER))]
    last = values[int(count * (1 - QUARTER)) :]
    before, after = statistics.median(early), statistics.median(last)
    report.add(
        f"{name}, second quarter and last",
        f"{before:g} -> {after:g} (highest {max(values):g})",
        f"at most {room:g} more",
        after - before <= room,
    )


# ---------------------------------------------------------------------- ten thousand at once


def burst(options, report, home):
    """Say everything at once to handlers that take 50 ms; then three times as much."""
    peaks = []
    for number, count in enumerate((options.messages, 3 * options.messages)):
        with Bench(
            home / str(number),
            seed=options.seed,
            people=400,
            groups=20,
            friends=0,
            wired=False,
            ask_again=60.0,
            bot={"handler_ms": 50},
            heartbeat_interval=1.0,
            outbox_limit=4 * count,
            replay_limit=4 * count,
            message_history=100,
        ) as bench:
            bench.start_bot()
            bench.settle()
            before = psutil.Process(bench.bot.pid).memory_info().rss
            with Highest(bench.bot.pid) as highest:
                began = time.monotonic()
                for one in range(count):
                    bench.say(person=one % 400)
                bench.settle(290.0)
                took = time.monotonic() - began
            peaks.append((highest.rss - before) / MIB)
            report.add(f"{count} messages: seconds until the last answer", f"{took:.1f}")
            report.add(f"{count} messages: resident memory grew by", f"{peaks[-1]:.1f} MiB")
            stats = bench.simulator.platform.stats
            beats, expected = stats["heartbeats"], int(took)
            report.add(
                f"{count} messages: heartbeats while it worked, one a second",
                f"{beats} in {took:.0f} s",
                "at least 0.8 a second, no reconnect",
                beats >= 0.8 * expected and bench.records.connections == 1,
            )
            report.add_verdict(bench, late=300.0)
            report.add("exit code", bench.bot.stop(), "0", bench.bot.process.poll() == 0)
    most = 64.0
    grown = peaks[1] - peaks[0]
    report.add("memory for a burst", f"{peaks[0]:.1f} MiB", f"<= {most:g} MiB", peaks[0] <= most)
    report.add("three times as much takes", f"{grown:.1f} MiB more", "<= 16 MiB", grown <= 16.0)


class Highest:
    """The highest resident memory of a process while the ``with`` block runs."""

    def __init__(self, pid):
        self._process = psutil.Process(pid)
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="soak-memory")
        self.rss = 0

    def _watch(self):
        while not self._done.wait(0.05):
            with contextlib.suppress(psutil.NoSuchProcess):
                self.rss = max(self.rss, self._process.memory_info().rss)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._done.set()
        self._thread.join()


# ---------------------------------------------------------------------- what state costs


def throughput(options, report, _home):
    """Compare the throughput with state on disk to that without: benchmarks/state.py."""
    measured = Measured()
    state.measure(measured, argparse.Namespace(rounds=options.rounds, seconds=2.0))
    report.raw["figures"] = measured.figures
    for name in state.WINDOWS:
        found = measured.figures[f"{name}: replies_per_second"]
        ratios = [b / a for a, b in zip(found[STATELESS], found[OURS], strict=True)]
        ratio = statistics.median(ratios)
        least = state.LEAST
        report.add(f"replies per second, {name}: with state / without", f"{ratio:.3f}",
                   f">= {least}", ratio >= least)  # fmt: skip
