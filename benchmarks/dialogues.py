"""Measure what 1 000 open dialogues cost: memory, and the time in which others are answered.

python benchmarks/dialogues.py [--quick] [--open 1000]

Two equal bots on two simulated platforms, each bot in a process of its own: in one nobody is in a
dialogue, in the other so many people were asked something and have not answered. Both are asked
in turn. Takes a minute, half of that with --quick.
"""

import argparse
import gc
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import psutil
from run import describe, write_readme

from qqgroup_sync.simulator import Simulator

MARKS = ("<!-- dialogues table begins -->", "<!-- dialogues table ends -->")
BOT = """
import signal
from qqgroup_sync import Client

client = Client(state=None)


@client.on_c2c_message(keywords="quiz")
def quiz(message):
    return message.ask("your name?", timeout=None).text + "!"


@client.on_c2c_message
def echo(message):
    return message.text


if hasattr(signal, "alarm"):
    signal.alarm(600)
client.run()
"""
MIB = 1024 * 1024
LONGEST = 60.0  # seconds that any single answer may take
WINDOW = 64  # people who speak at once
SETTLE = 1.0  # seconds before memory is looked at


class Bot:
    """A bot in its process, and its platform in this one.

    Args:
        home: Where the bot may write.
    """

    def __init__(self, home):
        self.sim = Simulator(max_concurrency=100).start()
        names = [name for name in os.environ if name.startswith("QQ_")]
        environment = {name: value for name, value in os.environ.items() if name not in names}
        self.process = subprocess.Popen(
            [sys.executable, "-c", BOT],
            cwd=home,
            env={**environment, "QQ_SIMULATOR": self.sim.url},
            stderr=subprocess.DEVNULL,
        )
        self.watched = psutil.Process(self.process.pid)
        self.sim.gateway.wait_live(timeout=LONGEST)
        self.chatting = [self.sim.platform.user(f"C{number}") for number in range(WINDOW)]
        self.talking = []

    def resident(self):
        """Return the bot's resident memory when it has come to rest."""
        threading.Event().wait(SETTLE)
        return self.watched.memory_info().rss

    def latencies(self, count):
        """Return the seconds of so many answers, one after the other."""
        user, found = self.chatting[0], []
        for number in range(count):
            begun = time.perf_counter()
            user.say(f"{number}")
            user.next_reply(LONGEST)
            found.append(time.perf_counter() - begun)
        return found

    def rate(self, count):
        """Return the answers per second while many people speak at once."""
        begun = time.perf_counter()
        for _ in range(count // WINDOW):
            for user in self.chatting:
                user.say("hello")
            for user in self.chatting:
                user.next_reply(LONGEST)
        return count // WINDOW * WINDOW / (time.perf_counter() - begun)

    def begin(self, count):
        """Let so many people begin a dialogue and be asked."""
        self.talking = [self.sim.platform.user(f"T{number}") for number in range(count)]
        for user in self.talking:
            user.say("quiz")
        for user in self.talking:
            user.next_reply(LONGEST)

    def finish(self):
        """Let them answer; return the seconds until everybody has his reply."""
        begun = time.perf_counter()
        for user in self.talking:
            user.say(user.name)
        for user in self.talking:
            assert user.next_reply(LONGEST).text == f"{user.name}!"
        return time.perf_counter() - begun

    def stop(self):
        """End the bot; return the seconds that it took."""
        begun = time.perf_counter()
        self.process.terminate()
        try:
            self.process.wait(20)
        finally:
            self.process.kill()
            self.sim.stop()
        return time.perf_counter() - begun


def percentile(values, share):
    """Return the value below which ``share`` of the values lie."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def measure(bots, rounds, pings):
    """Ask both in turn; return per bot the latencies of all rounds and the rates of each."""
    found = {name: ([], []) for name in bots}
    for number in range(rounds):
        order = list(bots.items())
        for name, bot in order if number % 2 else order[::-1]:
            found[name][0].extend(bot.latencies(pings))
            found[name][1].append(bot.rate(pings * 2))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--open", type=int, default=1000, help="dialogues")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    gc.disable()  # a collection would show as latency of the bots
    options.rounds, pings = (3, 300) if options.quick else (7, 600)
    with tempfile.TemporaryDirectory() as home:
        bots = {}
        try:
            bots = {"none": Bot(home), "open": Bot(home)}
            for bot in bots.values():  # warm up: all workers, all connections
                bot.latencies(pings)
                bot.rate(pings * 4)
            before = {name: bot.resident() for name, bot in bots.items()}
            bots["open"].begin(options.open)
            during = {name: bot.resident() for name, bot in bots.items()}
            threads = {name: bot.watched.num_threads() for name, bot in bots.items()}
            found = measure(bots, options.rounds, pings)
            answered = bots["open"].finish()
            after = {name: bot.resident() for name, bot in bots.items()}
            bots["open"].begin(options.open)
            ended = {name: bot.stop() for name, bot in bots.items()}
        finally:
            for bot in bots.values():
                if bot.process.poll() is None:
                    bot.stop()

    lines = [
        f"{describe(options)}.",
        "",
        f"| figure | no dialogue | {options.open} open dialogues |",
        "| --- | --- | --- |",
    ]

    def row(figure, value, digits=1):
        none, many = (value(name) for name in ("none", "open"))
        lines.append(f"| {figure} | {none:.{digits}f} | {many:.{digits}f} |")

    row("resident memory before, MiB", lambda name: before[name] / MIB)
    row("more resident memory while they are open, MiB", lambda n: (during[n] - before[n]) / MIB)
    row("more resident memory after they ended, MiB", lambda n: (after[n] - before[n]) / MIB)
    row("threads", threads.get, 0)
    row("answer, p50, ms", lambda name: percentile(found[name][0], 0.5) * 1000, 2)
    row("answer, p99, ms", lambda name: percentile(found[name][0], 0.99) * 1000, 2)
    row(f"answers per second, {WINDOW} at once", lambda n: statistics.median(found[n][1]), 0)
    row("SIGTERM to end, s", ended.get, 2)
    lines += ["", f"- Everybody answered, and was answered, within {answered:.2f} s."]
    text = "\n".join(lines)
    write_readme(text, MARKS)
    print(text)


if __name__ == "__main__":
    main()
