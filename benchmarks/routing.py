"""Measure what choosing the handler of a message costs, against a plain loop and a whole event.

python benchmarks/routing.py [--quick]

About a minute; a third of that with --quick.
"""

import argparse
import re
import signal
import statistics
import sys
import time

from run import CROWDED, OURS, Measured, bots, describe, tell, turns, write_readme

from qqgroup_sync import Equal, Router
from qqgroup_sync.dispatch.filters import wake
from qqgroup_sync.events.models import GroupMessage, Member

MARKS = ("<!-- routing table begins -->", "<!-- routing table ends -->")
COUNTS = (1, 100, 1000)
LAST, NONE = "the last handler", "none"
LOOP = "plain loop"
BATCH = 2e6  # nanoseconds that are measured as one, about
SHARE = 0.05  # of an event's whole cost, at most
QUICK = 20.0  # microseconds with 100 keywords, at most
LINEAR = (COUNTS[2] - COUNTS[0]) / (COUNTS[1] - COUNTS[0])
TOLERANCE = 1.1  # for what 1 000 handlers cost because they no longer fit into the caches


def answer(message):
    """Handle a message."""


def topic(number):
    return f"topic{number:04d}"


class Kind:
    """Handlers of one kind.

    Args:
        name: In the table.
        options: Number of a handler -> what its decorator gets.
        plain: The same number -> what a plain loop asks about a message.
        text: What somebody writes whom the last handler is for; ``{}`` is its topic.
        register: Adds a handler to a router.
    """

    def __init__(self, name, options, plain, text="tell me about {} 12 please", register=None):
        self.name = name
        self.options = options
        self.plain = plain
        self.text = text
        self.register = register or (lambda router, told: router.on_group_message(**told)(answer))

    def ways(self, count, wanted):
        """Return how to choose one of so many: with qqgroup_sync, and with a plain loop."""
        router, tests = Router(), []
        # Roles know no topics: below 0 they are those of somebody else.
        first = 1 - count if self.options is roles else 0
        first -= self.options is roles and wanted == NONE
        for number in range(first, first + count):
            self.register(router, self.options(number))
            tests.append(self.plain(number))
        text = self.text.format(topic(count - 1))
        if wanted == NONE and self.options is not roles:
            text = text.replace(topic(count - 1), "the weather")
        message = GroupMessage(text=text, author=Member(role="member"), is_at=True)

        def ours():
            """Do what the dispatcher does before it calls the handler."""
            words = wake(message.text, router.prefixes)
            return next(router.routes(direct=False).find(message, words, print), None)

        def loop():
            for test in tests:
                if test(message):
                    return test
            return None

        for choose in (ours, loop):
            assert (choose() is not None) == (wanted == LAST), (self.name, count, wanted)
        return {LOOP: loop, OURS: ours}


def contains(number):
    word = topic(number)
    return lambda message: word in message.text


def equals(number):
    word = topic(number)
    return lambda message: word == message.text


def any_of(number):
    words = several(number)
    return lambda message: any(word in message.text for word in words)


def several(number):
    return [topic(number), f"theme {number:04d}", f"subject {number:04d}"]


def searches(number):
    search = pattern(number).search
    return lambda message: search(message.text)


def pattern(number):
    return re.compile(topic(number) + r" (\d+)")


def begins(number):
    word = f"/{topic(number)}"
    return lambda message: message.text.startswith(word)


def roles(number):
    return {"at_only": True, "from_role": "owner" if number < 0 else "member"}


def has_role(number):
    role = roles(number)["from_role"]
    return lambda message: message.is_at and message.author.role == role


def command(router, told):
    router.on_command(**told)(answer)


KINDS = [
    Kind("keyword", lambda n: {"keywords": topic(n)}, contains),
    Kind("`Equal`", lambda n: {"keywords": Equal(topic(n))}, equals, "{}"),
    Kind("list of three keywords", lambda n: {"keywords": several(n)}, any_of),
    Kind("compiled pattern", lambda n: {"keywords": pattern(n)}, searches),
    Kind("`verify=` function", lambda n: {"verify": contains(n)}, contains),
    Kind("command", lambda n: {"name": topic(n)}, begins, "/{} 12", command),
    Kind("`at_only`, `from_role`", roles, has_role),
]


def cost(choose, count):
    """Return the CPU time of one choice in microseconds."""
    times = max(3, int(BATCH / 1000 / count))
    began = time.thread_time_ns()
    for _ in range(times):
        choose()
    return (time.thread_time_ns() - began) / times / 1000


def measure(measured, options):
    """Choose, and handle whole events, in turn."""
    plans = {
        figure_of(kind, wanted, count): (kind.ways(count, wanted), count)
        for kind in KINDS
        for wanted in (LAST, NONE)
        for count in COUNTS
    }
    with bots(OURS, CROWDED) as running:
        for bot in running.values():
            bot.load(do="closed", window=16, seconds=0.7)  # threads and connections come up
        for turn in turns(running, options.rounds):
            for kind in turn:
                result = running[kind].load(do="closed", window=16, seconds=options.seconds)
                measured.add_load("event", kind, result)
                for figure, (ways, count) in plans.items():
                    for way, choose in ways.items():
                        measured.add(figure, way, cost(choose, count))
        tell(measured, "event: cpu_per_1000")


def figure_of(kind, wanted, count):
    return f"{kind.name}, {count}, {wanted}"


def line(figures, kind, wanted):
    """Return a line of the table, and whether each aim was reached."""
    ours, loop = (
        [statistics.median(figures[figure_of(kind, wanted, count)][way]) for count in COUNTS]
        for way in (OURS, LOOP)
    )
    one, some, many = ours
    share = some / whole(figures)
    growth = (many - one) / (some - one)
    reached = {
        "keywords": kind is not KINDS[0] or some < QUICK,
        "growth": growth <= LINEAR * TOLERANCE,
        "share": share < SHARE,
    }
    shown = [
        kind.name,
        wanted,
        *(f"{value:.1f} µs" for value in ours),
        f"{loop[1]:.1f} µs",
        f"{many / some:.1f}",
        f"{share:.1%}",
        "yes" if reached["share"] else "**no**",
    ]
    return f"| {' | '.join(shown)} |", reached


def whole(figures):
    """Return the microseconds of CPU that one event costs the bot."""
    return statistics.median(figures["event: cpu_per_1000"][OURS]) * 1000


HEAD = (
    "| handlers | the message is for | 1 | 100 | 1000 | plain loop over 100 | 1000 / 100"
    " | 100: share of an event | < 5 % |"
)


def table(figures, note):
    """Return the table as Markdown."""
    lines = [line(figures, kind, wanted) for kind in KINDS for wanted in (LAST, NONE)]
    reached = {aim: "yes" if all(one[aim] for _, one in lines) else "**no**" for aim in lines[0][1]}
    events = figures["event: cpu_per_1000"]
    ratios = [b / a for a, b in zip(events[OURS], events[CROWDED], strict=True)]
    crowded = f"with 100 more keyword handlers {statistics.median(ratios):.2f} times as much"
    return "\n".join(
        [
            f"{note}.",
            "",
            HEAD,
            f"| {' | '.join(['---'] * HEAD.count(' | '))} | --- |",
            *(text for text, _ in lines),
            "",
            f"- A whole event costs {whole(figures):.0f} µs of CPU; {crowded}.",
            f"- With 100 keywords below {QUICK:.0f} µs: {reached['keywords']}.",
            f"- Grows no faster than the number of handlers: {reached['growth']}.",
            f"- Up to 100 handlers of any kind below {SHARE:.0%} of an event: {reached['share']}.",
        ]
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    options = parser.parse_args()
    options.rounds, options.seconds = (5, 0.7) if options.quick else (11, 2.0)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    measured = Measured()
    measure(measured, options)
    text = table(measured.figures, describe(options))
    write_readme(text, MARKS)
    print(text)


if __name__ == "__main__":
    main()
