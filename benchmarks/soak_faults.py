"""Long runs that do faults: kill -9, any of them, no network, a machine that sleeps.

Each takes its options, a report to fill, and a folder.
"""

import contextlib
import itertools
import statistics
import sys
import time

import psutil
from soak_report import HERE, tell

sys.path.insert(0, str(HERE.parent))  # the bench lies with the tests

from tests.faults.bench import Bench, Load
from tests.faults.registry import wait
from tests.faults.table import FAULTS

# kills
BEHIND = 1000  # messages without an answer, at most, when the next kill is thought of
EARLY = 0.2  # share of the kills that do not wait until the bot is on line
# mixed
# Not "keep": what a handler stores fails loudly where the disk is full, and so does the handler.
WORDS = ("say", "say", "threads")
HURRY = 100.0  # waits between two tries are so many times shorter, or 200 faults would take hours
# Hurried like that, an upload is given up after 33 ms without network: without pictures.
MIXED = [name for name in FAULTS if not name.startswith("upload ")]
# outage
LENGTHS = (1.0, 3.0, 10.0, 20.0, 45.0, 90.0)
LONGEST_WAIT = 60.0 * 1.25  # seconds between two tries: a minute and its jitter
BACK_WITHIN = 2.0
IDLE_SHARE = 0.01  # of a core


# ---------------------------------------------------------------------- kill -9


def kills(options, report, home):
    """Kill the bot at random moments while people talk, and start it again."""
    with Bench(
        home,
        seed=options.seed,
        people=48,
        groups=8,
        friends=12,
        wired=False,
        bot={"handler_ms": 5},
        message_history=1000,
        replay_limit=100_000,
    ) as bench:
        bench.start_bot()
        with Load(bench, options.rate) as load:
            for number in range(options.count):
                bench.wait_answered(load, BEHIND)  # a slow machine would fall behind for ever
                early = bench.draw.random() < EARLY
                if not early:
                    bench.wait_online()
                wait(bench.draw.uniform(0.0, 0.6 if early else 1.5))
                bench.kill_bot()
                bench.start_bot(wait=False)
                if (number + 1) % 10 == 0:
                    tell(f"kills: {number + 1} of {options.count}, {load.said} messages")
            bench.wait_online()
        bench.settle(240.0)
        report.add("restarts", options.count)
        report.add("messages a second", f"{load.said / load.seconds:.0f}")
        report.add_verdict(bench)
        stats = bench.simulator.platform.stats
        report.add("sessions begun", stats["identifies"], "1", stats["identifies"] == 1)
        report.add("second answers that the platform dropped", stats["duplicates_refused"])
        report.add("exit code at the end", bench.bot.stop(), "0", bench.bot.process.poll() == 0)


# ---------------------------------------------------------------------- any faults


def mixed(options, report, home):
    """Do faults in random order, one to three at a time, while people talk."""
    with Bench(
        home,
        seed=options.seed,
        people=24,
        groups=6,
        friends=6,
        bot={"hurry": HURRY, "handler_ms": 5},
        client={"timeout": 2.0},
        heartbeat_interval=40.0,
        message_history=1000,
        replay_limit=100_000,
    ) as bench:
        bench.start_bot()
        done = 0
        with Load(bench, options.rate, WORDS) as load:
            names = _endless(bench.draw, MIXED)
            while done < options.count:
                chosen = list(itertools.islice(names, bench.draw.choice((1, 1, 2, 3))))
                with contextlib.ExitStack() as stack:
                    for name in chosen:
                        stack.enter_context(FAULTS[name](bench))
                        wait(bench.draw.uniform(0.0, 0.3))
                done += len(chosen)
                bench.wait_online()
                if bench.draw.random() < 0.3:
                    bench.settle(120.0)
                tell(f"mixed: {done} of {options.count}: {', '.join(chosen)}")
        bench.settle(240.0)
        report.add("faults", done)
        report.add("messages a second", f"{load.said / load.seconds:.0f}")
        report.add_verdict(bench)
        stats = bench.simulator.platform.stats
        report.raw["platform"] = stats.snapshot()
        report.add("times on line", bench.records.connections)
        report.add("exit code at the end", bench.bot.stop(), "0", bench.bot.process.poll() == 0)


def _endless(draw, names):
    """Yield all names in a random order, again and again."""
    while True:
        order = list(names)
        draw.shuffle(order)
        yield from order


# ---------------------------------------------------------------------- the network is gone


def outage(options, report, home):
    """Take the network away for a while, again and again; see how soon the bot is back."""
    found = []
    with Bench(home, seed=options.seed, heartbeat_interval=10.0) as bench:
        bench.start_bot()
        with Load(bench, 5.0):
            for number in range(options.count):
                kind = bench.draw.choice(("refused", "held", "no names"))
                length = LENGTHS[number % len(LENGTHS)] * bench.draw.uniform(0.8, 1.2)
                wait(6.0)  # a session that lasts begins the back-off anew
                found.append(_one_outage(bench, kind, length))
                tell(f"outage: {number + 1} of {options.count}: {found[-1]}")
        bench.settle(120.0)
        report.raw["outages"] = found
        waits = [one["first try after"] for one in found]
        handshakes = [one["on line after first try"] for one in found]
        totals = [one["on line after"] for one in found]
        cpu = max(one["cpu share"] for one in found if one["seconds"] >= 9.0)
        report.add("outages", len(found))
        report.add(
            "from the first try to being on line, longest",
            f"{max(handshakes):.2f} s",
            f"<= {BACK_WITHIN:g} s",
            max(handshakes) <= BACK_WITHIN,
        )
        report.add(
            "from the network's return to being on line",
            f"median {statistics.median(totals):.2f} s, longest {max(totals):.2f} s",
            f"<= {BACK_WITHIN:g} s",
            max(totals) <= BACK_WITHIN,
        )
        report.add(
            "from the network's return to the first try, longest",
            f"{max(waits):.2f} s",
            f"<= {LONGEST_WAIT:g} s",
            max(waits) <= LONGEST_WAIT,
        )
        text = f"<= {IDLE_SHARE:.0%} of a core"
        report.add("CPU while waiting, most", f"{cpu:.2%} of a core", text, cpu <= IDLE_SHARE)
        report.add_verdict(bench, late=300.0)


def _one_outage(bench, kind, length):
    """Take the network away, give it back, and measure."""
    wires = (bench.gateway, bench.api)
    process = psutil.Process(bench.bot.pid)
    if kind == "no names":
        bench.world.dns_fails = True
        for wire in wires:
            wire.cut()
    else:
        for wire in wires:
            wire.refuse() if kind == "refused" else wire.hold()
    began, cpu = time.monotonic(), sum(process.cpu_times()[:2])
    wait(length)
    share = (sum(process.cpu_times()[:2]) - cpu) / (time.monotonic() - began)
    before = bench.records.connections
    if kind == "held":
        for wire in wires:
            wire.cut()  # they are dead after so long: nothing of before is delivered
    back = time.monotonic()
    bench.world.dns_fails = False
    for wire in wires:
        wire.flow()
    bench.wait_back(before, 120.0)
    online = time.monotonic()
    tries = [at for wire in wires for at in wire.attempts if at >= back]
    first = min(tries, default=back)
    return {
        "kind": kind,
        "seconds": round(length, 1),
        "first try after": round(first - back, 2),
        "on line after first try": round(online - first, 2),
        "on line after": round(online - back, 2),
        "cpu share": round(share, 4),
    }


# ---------------------------------------------------------------------- a long sleep


def sleep(options, report, home):
    """Stop the process for two minutes, as a laptop does that is closed."""
    with Bench(home, seed=options.seed, wired=False) as bench:
        bench.sleep_seconds = options.seconds
        bench.start_bot()
        with Load(bench, options.rate):
            wait(2.0)
            with FAULTS["stopped for a while"](bench):
                before = bench.records.connections
            woke = time.monotonic()
            if not bench.live:
                bench.wait_back(before)
            report.add("asleep", f"{options.seconds:g} s")
            report.add("on line after waking", f"{time.monotonic() - woke:.2f} s", "<= 2 s",
                       time.monotonic() - woke <= BACK_WITHIN)  # fmt: skip
        bench.settle(240.0)
        report.add_verdict(bench, late=options.seconds + 10.0)
