"""One load from the first message to the figures."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from qqgroup_sync.simulator.load.referee import Referee
from qqgroup_sync.simulator.load.report import Report, Tick
from qqgroup_sync.simulator.load.traffic import Traffic

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from qqgroup_sync.simulator.load.plan import Plan, Scene
    from qqgroup_sync.simulator.load.usage import Meter
    from qqgroup_sync.simulator.simulator import Simulator

INTERRUPTED = "interrupted"
SECOND = 1.0  # between two ticks
SETTLE = 0.5  # seconds after the last answer in which a double would still come
_REFUSED = "refused_"  # how the platform names what it counts
_SLICE = 0.1  # seconds; how fast the end is noticed


class Load:
    """Sends the traffic and watches what comes back.

    Args:
        simulator: The platform; the bot is on line already.
        plan: How heavy the traffic is.
        expected: How many answers each text gets, by scene: what ``probe`` found. Texts of a
            scene are said in turn.
        bot: Looks at the bot's process.
        own: Looks at this process.
        end_of_bot: Returns why the bot has ended; None while it lives.
    """

    def __init__(
        self,
        simulator: Simulator,
        plan: Plan,
        expected: Mapping[Scene, Mapping[str, int]],
        *,
        bot: Meter,
        own: Meter,
        end_of_bot: Callable[[], str | None] = lambda: None,
    ) -> None:
        self._simulator = simulator
        self._platform = simulator.platform
        self._plan = plan
        self._expected = expected
        self._bot, self._own = bot, own
        self._end_of_bot = end_of_bot
        self._referee = Referee()
        texts = {scene: list(found) for scene, found in expected.items()}
        self._traffic = Traffic(self._platform, plan, plan.messages(texts), expected, self._referee)
        self._ticks: list[Tick] = []
        self._ended = ""
        self._seen = (0.0, 0, bot.read(), own.read())

    def run(self, on_tick: Callable[[Tick], object] = lambda _tick: None) -> Report:
        """Send everything, wait for the answers, and judge; blocks.

        Ctrl-C ends the sending; what was sent until then is judged, except for messages that may
        still be answered within the grace time.

        Args:
            on_tick: Called about once a second, from this thread.
        """
        refused_before = self._refused()
        unsubscribe = self._platform.subscribe(self._observe, kinds=("message",))
        first_bot, first_own = self._bot.read(), self._own.read()
        traffic = self._traffic
        traffic.start()
        self._seen = (traffic.began, 0, first_bot, first_own)
        try:
            self._watch(on_tick)
        except KeyboardInterrupt:
            self._ended = INTERRUPTED
        finally:
            traffic.stop()
            unsubscribe()
        now = self._platform.clock.now()
        lasted = max(1e-9, now - traffic.began)
        before = now - self._plan.grace if self._ended == INTERRUPTED else None
        bot, own = self._bot.read(), self._own.read()
        memory = [tick.rss for tick in self._ticks] or [bot.rss]
        return Report(
            plan=self._plan,
            expected=self._expected,
            verdict=self._referee.verdict(before),
            said=traffic.said,
            planned=round(self._plan.rate * self._plan.length),
            rate=traffic.rate,
            late=traffic.lateness,
            refused=dict((self._refused() - refused_before).most_common()),
            ticks=self._ticks,
            seconds=self._referee.by_second(traffic.began),
            cpu=bot.cpu - first_bot.cpu,
            platform_cpu=(own.cpu - first_own.cpu) / lasted,
            lasted=lasted,
            ended=self._ended,
            memory=(first_bot.rss, max(memory), bot.rss),
        )

    def _watch(self, on_tick: Callable[[Tick], object]) -> None:
        """Tick until every answer has come, or the grace time of the last message is over."""
        traffic, clock = self._traffic, self._platform.clock
        due = traffic.began + SECOND
        settled_at: float | None = None
        while True:
            if traffic.wait(_SLICE):
                self._simulator.stopping.wait(_SLICE)
            now = clock.now()
            if now >= due:
                due = max(due + SECOND, now)
                on_tick(self._tick(now))
            if (reason := self._end_of_bot()) is not None:
                self._ended = reason
                return
            if not traffic.wait(0):
                continue
            if self._referee.waiting and now < traffic.last_planned + self._plan.grace:
                settled_at = None
            elif settled_at is None:
                settled_at = now + SETTLE
            elif now >= settled_at:
                if due - now < SECOND / 2:  # a shorter rest tells nothing of a second
                    on_tick(self._tick(now))
                return

    def _tick(self, now: float) -> Tick:
        then, said_then, bot_then, own_then = self._seen
        bot, own, said = self._bot.read(), self._own.read(), self._traffic.said
        self._seen = (now, said, bot, own)
        passed = max(1e-9, now - then)
        tick = Tick(
            t=now - self._traffic.began,
            rate=(said - said_then) / passed,
            latency=self._referee.take_recent(),
            lost=self._referee.overdue(now - self._plan.grace),
            doubled=self._referee.doubled,
            cpu=(bot.cpu - bot_then.cpu) / passed,
            rss=bot.rss,
            platform_cpu=(own.cpu - own_then.cpu) / passed,
        )
        self._ticks.append(tick)
        self._platform.report("load", tick.to_json())
        return tick

    def _observe(self, _kind: str, record: Any) -> None:
        if record.from_bot:
            self._referee.answered(record.reply_to, record.timestamp)

    def _refused(self) -> Counter[int]:
        """Return how many requests were refused so far, by code."""
        counts = self._platform.stats.snapshot()
        return Counter(
            {
                int(name.removeprefix(_REFUSED)): count
                for name, count in counts.items()
                if name.startswith(_REFUSED) and name.removeprefix(_REFUSED).isdecimal()
            }
        )
