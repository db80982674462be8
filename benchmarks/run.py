"""Measure qqgroup_sync against a bare reference, interleaved, and write the table.

python benchmarks/run.py [--quick] [--only NAME ...]
"""

import argparse
import contextlib
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from datetime import datetime, timezone
from pathlib import Path

import psutil

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results.json"
README = HERE / "README.md"
MARKS = ("<!-- table begins -->", "<!-- table ends -->")
LONGEST = 60.0  # seconds that any single answer may take
SETTLE = 1.5  # seconds after READY before memory is looked at
BARE, OURS, REQUESTS = "bare", "qqgroup_sync", "requests"
STATELESS, CROWDED = "qqgroup_sync, state=None", "qqgroup_sync, 100 more handlers"
COMMANDS = {
    BARE: ["bare.py"],
    OURS: ["bot.py"],
    REQUESTS: ["bare.py", "--requests"],
    STATELESS: ["bot.py", "--no-state"],
    CROWDED: ["bot.py", "--handlers", "100"],
}
LOADS = {  # name -> command of the platform
    "window 1": {"do": "closed", "window": 1},
    "window 16": {"do": "closed", "window": 16},
    "window 256": {"do": "closed", "window": 256},
    "window 256, API 50 ms": {"do": "closed", "window": 256, "delay": 0.05},
}
RATES = {"100/s": 100, "500/s": 500}
FORBIDDEN = ("flask", "waitress", "pilk", "sqlite3", "qqgroup_sync.simulator")


class Bot:
    """A bot and a platform of its own, each in its process.

    Args:
        kind: One of COMMANDS.
        home: Where the bot may write files.
    """

    def __init__(self, kind, home):
        self.kind = kind
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("QQ_") and not name.lower().endswith("_proxy")
        }
        places = ("HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME")
        environment.update(dict.fromkeys(places, home))
        self.log = Path(home) / "log.txt"
        self.platform = self.process = None
        try:
            self.platform = subprocess.Popen(
                [sys.executable, str(HERE / "qq_platform.py")],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            api = self._answer()["api"]
            script, *options = COMMANDS[kind]
            began = time.monotonic()
            with self.log.open("w") as log:
                self.process = subprocess.Popen(
                    [sys.executable, str(HERE / script), "--api", api, *options],
                    stderr=log,
                    cwd=home,
                    env=environment,
                )
            self.start = self.tell(do="ready")["ready_at"] - began
        except BaseException:
            self.kill()
            raise
        self.watched = psutil.Process(self.process.pid)

    def tell(self, **command):
        """Send a command to the platform and return its answer."""
        self.platform.stdin.write(json.dumps(command) + "\n")
        self.platform.stdin.flush()
        return self._answer()

    def _answer(self):
        timer = threading.Timer(LONGEST, self.platform.kill)
        timer.start()
        line = self.platform.stdout.readline()
        timer.cancel()
        if not line:
            told = self.log.read_text() if self.log.exists() else ""
            raise SystemExit(f"{self.kind}: no answer from the platform\n{told[-2000:]}")
        return json.loads(line)

    def load(self, **command):
        """Run a load; return what the platform measured, and the CPU time of the bot."""
        before = self.cpu()
        result = self.tell(**command)
        result["cpu_per_1000"] = (self.cpu() - before) / result["events"] * 1000
        return result

    def cpu(self):
        """Return the CPU seconds that the bot has used, ended threads included."""
        try:  # Linux: the clock of another process, in nanoseconds instead of ticks
            return time.clock_gettime((~self.process.pid << 3) | 2)
        except (AttributeError, OSError):
            times = self.watched.cpu_times()
            return times.user + times.system

    def interrupt(self):
        """Press Ctrl-C; return the seconds until the process has ended."""
        timer = threading.Timer(LONGEST, self.process.kill)
        timer.start()
        began = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        self.process.wait()
        took = time.monotonic() - began
        timer.cancel()
        return took

    def kill(self):
        """End both processes."""
        for process in (self.process, self.platform):
            if process is not None:
                process.kill()
                process.wait()
        if self.platform is not None:
            self.platform.stdin.close()
            self.platform.stdout.close()


@contextlib.contextmanager
def bots(*kinds):
    """Start bots, one after the other; end them afterwards."""
    with contextlib.ExitStack() as stack:
        found = {}
        for kind in kinds:
            home = stack.enter_context(tempfile.TemporaryDirectory())
            found[kind] = Bot(kind, home)
            stack.callback(found[kind].kill)
        yield found


class Measured:
    """Raw numbers: figure -> who -> one number per round."""

    def __init__(self):
        self.figures = {}

    def add(self, figure, kind, value):
        self.figures.setdefault(figure, {}).setdefault(kind, []).append(value)

    def add_load(self, name, kind, result):
        """Note a load; complain about replies that went wrong."""
        for figure in ("replies_per_second", "p50", "p99", "cpu_per_1000", "platform_share"):
            self.add(f"{name}: {figure}", kind, result[figure])
        wrong = {key: result[key] for key in ("lost", "doubled", "strange") if result[key]}
        self.add(f"{name}: wrong", kind, sum(wrong.values()))
        if wrong:
            print(f"    {kind}: {wrong} of {result['events']} events", flush=True)


def turns(kinds, rounds):
    """Yield the kinds of each round; every other round begins with the other end."""
    for number in range(rounds):
        yield list(kinds)[:: 1 if number % 2 == 0 else -1]


# ---------------------------------------------------------------------- what is measured


def throughput(measured, options):
    """Closed loops: replies per second and CPU time per event."""
    with bots(BARE, OURS, REQUESTS) as running:
        for bot in running.values():
            bot.load(do="closed", window=16, seconds=0.7)  # threads and connections come up
        for name, command in LOADS.items():
            kinds = [BARE, OURS, REQUESTS] if name == "window 16" else [BARE, OURS]
            for turn in turns(kinds, options.rounds):
                for kind in turn:
                    result = running[kind].load(**command, seconds=options.seconds)
                    measured.add_load(name, kind, result)
            tell(measured, f"{name}: replies_per_second")
            tell(measured, f"{name}: cpu_per_1000")
        for kind, bot in running.items():
            measured.add("resident MiB after the closed loops", kind, resident(bot))


def latency(measured, options):
    """Open loops: seconds from the frame to the reply."""
    with bots(BARE, OURS) as running:
        for bot in running.values():
            bot.load(do="closed", window=16, seconds=0.7)
        for name, rate in RATES.items():
            for turn in turns(running, options.rounds):
                for kind in turn:
                    result = running[kind].load(do="open", rate=rate, seconds=2 * options.seconds)
                    measured.add_load(name, kind, result)
            tell(measured, f"{name}: p99")


def life(measured, options):
    """Fresh processes: start, memory, blocking handlers, end."""
    for turn in turns((BARE, OURS), options.rounds):
        for kind in turn:
            with bots(kind) as running:
                bot = running[kind]
                measured.add("start to READY", kind, bot.start)
                wait(SETTLE)
                measured.add("resident MiB at rest", kind, resident(bot))
                measured.add("threads at rest", kind, bot.watched.num_threads())
                for name in ("64 sleeping handlers, first time", "64 sleeping handlers, again"):
                    result = bot.load(do="burst", count=64, content="/sleep")
                    measured.add_load(name, kind, result)
                    measured.add(f"{name}: last", kind, result["last"])
                measured.add("SIGINT to end", kind, bot.interrupt())
    for figure in ("start to READY", "64 sleeping handlers, first time: last", "SIGINT to end"):
        tell(measured, figure)


def idle(measured, options):
    """Nothing to do: share of a core."""
    with bots(BARE, OURS) as running:
        wait(2 * SETTLE)
        before = {kind: (bot.cpu(), time.monotonic()) for kind, bot in running.items()}
        wait(options.idle)
        for kind, bot in running.items():
            cpu, then = before[kind]
            share = (bot.cpu() - cpu) / (time.monotonic() - then)
            measured.add("idle share of a core", kind, share)
    tell(measured, "idle share of a core")


def imports(measured, options):
    """Import time, of the package and of requests."""
    statements = {"requests": "import requests", OURS: "from qqgroup_sync import Client, Chain"}
    for statement in statements.values():
        import_once(statement)  # writes the bytecode
    for turn in turns(statements, options.imports):
        for kind in turn:
            told = import_once(statements[kind])
            measured.add("import, wall", kind, told["wall"])
            measured.add("import, CPU", kind, told["cpu"])
            if kind == OURS:
                measured.add("forbidden modules", kind, told["forbidden"])
    tell(measured, "import, CPU")


def import_once(statement):
    """Import in a fresh interpreter; return the seconds and the forbidden modules found."""
    code = (
        "import sys, time; cpu, wall = time.process_time(), time.perf_counter()\n"
        f"{statement}\n"
        "cpu, wall = time.process_time() - cpu, time.perf_counter() - wall\n"
        f"found = [name for name in {FORBIDDEN!r} if name in sys.modules]\n"
        "import json; print(json.dumps({'cpu': cpu, 'wall': wall, 'forbidden': found}))"
    )
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def resident(bot):
    """Return the resident memory of a bot in MiB."""
    return bot.watched.memory_info().rss / 2**20


def wait(seconds):
    threading.Event().wait(seconds)


def tell(measured, figure):
    """Print the medians of a figure."""
    medians = {
        kind: round(statistics.median(values), 5)
        for kind, values in measured.figures[figure].items()
    }
    print(f"  {figure}: {medians}", flush=True)


# ---------------------------------------------------------------------- the table


class Row:
    """One line of the table.

    Args:
        text: What the figure is.
        figure: Its key in the raw numbers.
        unit: How a value is written, and by what it is multiplied before.
        aim: What the last column holds against, as text.
        reached: Whether (bare, ours, ratio) reach the aim; None when there is none.
        reference: Whose numbers stand in the column of the reference.
    """

    def __init__(self, text, figure, unit, aim="", reached=None, *, reference=BARE):
        self.text = text
        self.figure = figure
        self.pattern, self.factor = unit
        self.aim = aim
        self.reached = reached
        self.reference = reference

    def line(self, figures):
        """Return the line, or None when the figure was not measured."""
        values = figures.get(self.figure, {})
        if OURS not in values or self.reference not in values:
            return None
        bare, ours = values[self.reference], values[OURS]
        ratios = [b / a for a, b in zip(bare, ours, strict=True) if a]  # of neighbouring runs
        ratio = statistics.median(ratios) if ratios else float("nan")
        bare, ours = statistics.median(bare), statistics.median(ours)
        verdict = ""
        if self.reached is not None:
            verdict = "yes" if self.reached(bare, ours, ratio) else "**no**"
        shown_ratio = f"{ratio:.2f}" if ratios else "-"
        shown = [self.pattern.format(value * self.factor) for value in (bare, ours)]
        return f"| {self.text} | {shown[0]} | {shown[1]} | {shown_ratio} | {self.aim} | {verdict} |"


COUNT, MS, MIB = ("{:.0f}", 1), ("{:.1f} ms", 1000), ("{:.1f} MiB", 1)
PERCENT = ("{:.3f} %", 100)
SECONDS = ("{:.2f} s", 1)


def rows():
    """Yield the lines of the table in order."""
    for name in LOADS:
        text = f"replies per second, {name}"
        yield Row(
            text, f"{name}: replies_per_second", COUNT, "ratio >= 0.6", lambda _b, _o, r: r >= 0.6
        )
    for name in [*LOADS, *RATES]:
        text = f"CPU of the bot per 1000 events, {name}"
        yield Row(text, f"{name}: cpu_per_1000", MS, "ratio <= 1.8", lambda _b, _o, r: r <= 1.8)
    yield Row("latency p50 at 100/s", "100/s: p50", MS)
    yield Row("latency p99 at 100/s", "100/s: p99", MS, "ratio <= 2.5", lambda _b, _o, r: r <= 2.5)
    yield Row("latency p50 at 500/s", "500/s: p50", MS)
    yield Row("latency p99 at 500/s", "500/s: p99", MS)
    for when in ("first time", "again"):
        yield Row(
            f"64 handlers that sleep 50 ms, {when}: last reply after",
            f"64 sleeping handlers, {when}: last",
            MS,
            "< 120 ms",
            lambda _b, o, _r: o < 0.12,
        )
    yield Row(
        "resident memory at rest",
        "resident MiB at rest",
        MIB,
        "<= bare + 16 MiB",
        lambda b, o, _r: o <= b + 16,
    )
    yield Row("threads at rest", "threads at rest", COUNT)
    yield Row("resident memory after the closed loops", "resident MiB after the closed loops", MIB)
    yield Row(
        "idle CPU, share of a core",
        "idle share of a core",
        PERCENT,
        "<= 0.2 %",
        lambda _b, o, _r: o <= 0.002,
    )
    yield Row(
        "start to READY",
        "start to READY",
        SECONDS,
        "<= bare + 0.25 s",
        lambda b, o, _r: o <= b + 0.25,
    )
    yield Row("SIGINT to end", "SIGINT to end", SECONDS, "< 0.3 s", lambda _b, o, _r: o < 0.3)
    yield Row(
        "import, CPU (reference: `import requests`)",
        "import, CPU",
        MS,
        "ratio <= 1.6",
        lambda _b, _o, r: r <= 1.6,
        reference="requests",
    )
    yield Row(
        "import, wall (reference: `import requests`)", "import, wall", MS, reference="requests"
    )
    name = "window 16"
    yield Row(
        "for comparison: replies per second, window 16 (reference: a `requests.Session`)",
        f"{name}: replies_per_second",
        COUNT,
        reference=REQUESTS,
    )
    yield Row(
        "for comparison: CPU per 1000 events, window 16 (reference: a `requests.Session`)",
        f"{name}: cpu_per_1000",
        MS,
        reference=REQUESTS,
    )


def table(figures, notes):
    """Return the table as Markdown."""
    lines = [
        *(
            f"{' / '.join(name for name in notes if notes[name] == note)}: {note}."
            for note in sorted(set(notes.values()))
        ),
        "",
        "| figure | reference | qqgroup_sync | ratio | aim | reached |",
        "| --- | --- | --- | --- | --- | --- |",
        *(line for row in rows() if (line := row.line(figures))),
        "",
        *remarks(figures),
    ]
    return "\n".join(lines)


def remarks(figures):
    """Yield what is no number: modules, lost replies, the platform's own share."""
    found = {name for names in figures.get("forbidden modules", {}).get(OURS, []) for name in names}
    if "forbidden modules" in figures:
        told = ", ".join(sorted(found)) or "none"
        yield f"- Of {', '.join(FORBIDDEN)} in `sys.modules` after the import: {told}."
    wrong = {
        kind: sum(
            sum(values[kind])
            for figure, values in figures.items()
            if figure.endswith(": wrong") and kind in values
        )
        for kind in (BARE, OURS)
    }
    yield f"- Replies lost, doubled or strange: bare {wrong[BARE]}, qqgroup_sync {wrong[OURS]}."
    shares = [
        f"{name} {statistics.median(values):.0%}"
        for name in LOADS
        for values in [figures.get(f"{name}: platform_share", {}).get(BARE)]
        if values
    ]
    if shares:
        yield f"- Share of a core that the platform itself took beside bare: {', '.join(shares)}."


def write_readme(text, marks=MARKS):
    """Put a table between its marks."""
    before, _, rest = README.read_text().partition(marks[0])
    _, _, after = rest.partition(marks[1])
    README.write_text(f"{before}{marks[0]}\n\n{text}\n\n{marks[1]}{after}")


PARTS = {
    "throughput": throughput,
    "latency": latency,
    "life": life,
    "idle": idle,
    "imports": imports,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    options = parser.parse_args()
    options.rounds, options.seconds = (3, 1.0) if options.quick else (5, 2.0)
    options.idle, options.imports = (10.0, 7) if options.quick else (60.0, 15)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    measured = Measured()
    for name in options.only:
        print(name, flush=True)
        PARTS[name](measured, options)
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    figures = {**kept.get("figures", {}), **measured.figures}
    notes = {**kept.get("notes", {}), **dict.fromkeys(options.only, describe(options))}
    RESULTS.write_text(json.dumps({"notes": notes, "figures": figures}, indent=1) + "\n")
    text = table(figures, notes)
    write_readme(text)
    print(text)


def describe(options):
    """Return when, where and how a part was measured."""
    machine = f"{os.cpu_count()} cores, {platform.system()}, CPython {platform.python_version()}"
    rounds = f"medians of {options.rounds} interleaved rounds"
    today = datetime.now(timezone.utc).date()
    return f"{today}, {machine}, {rounds}{', --quick' if options.quick else ''}"


if __name__ == "__main__":
    main()
