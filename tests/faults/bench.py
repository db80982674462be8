"""A bot in a process of its own, on the simulator, with the network between them in our hands."""

from __future__ import annotations

import itertools
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qqgroup_sync.simulator import Simulator
from tests.faults.records import Records
from tests.faults.referee import judge, read
from tests.faults.wire import Wire
from tests.faults.world import World

if TYPE_CHECKING:
    from typing_extensions import Self

    from tests.faults.referee import Verdict

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
APPID, SECRET = "102000001", "the-secret-of-the-bench-0123456789"
ONLINE_WITHIN = 60.0  # seconds; who needs them is deaf
ANSWER_WITHIN = 60.0
TOKENS_LIVE = 3.0  # seconds between two ends of all tokens


class Bot:
    """One life of the bot's process.

    Args:
        environment: Its environment variables.
        log: Where its output goes.
    """

    def __init__(self, environment: dict[str, str], log: Path, **popen: Any) -> None:
        self.log = log
        with log.open("ab") as file:
            self.process = subprocess.Popen(
                [sys.executable, str(HERE / "bot.py")],
                env=environment,
                stdout=file,
                stderr=file,
                cwd=log.parent,
                **popen,
            )
        self.pid = self.process.pid

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self.process.poll() is None

    def signal(self, number: int) -> None:
        """Send a signal, if the process is still there."""
        self.process.send_signal(number)

    def kill(self) -> None:
        """End the process at once: kill -9."""
        self.process.kill()
        self.process.wait()

    def stop(self, timeout: float = 30.0) -> int:
        """Ask it to end, as Ctrl-C does; return its exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout)

    def tail(self, characters: int = 3000) -> str:
        """Return the end of what it has written."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-characters:]


class Bench:
    """A platform, a bot on it, the people who talk to the bot, and what happened.

    Args:
        home: An empty folder.
        seed: Of everything that is random.
        people: Who talk in groups.
        groups: In so many.
        friends: Who talk to the bot alone.
        wired: Whether the bot's connections go through wires; what is not wired is faster.
        ask_again: Seconds after which a closing message is said again: it may have fallen into
            the gap between two sessions.
        bot: Options of ``bot.py``.
        client: Options of the bot's ``Client``.
        simulator: Options of the ``Simulator``.
    """

    def __init__(
        self,
        home: Path,
        *,
        seed: int = 0,
        people: int = 12,
        groups: int = 3,
        friends: int = 3,
        wired: bool = True,
        ask_again: float = 2.0,
        bot: dict[str, Any] | None = None,
        client: dict[str, Any] | None = None,
        **simulator: Any,
    ) -> None:
        self.home = home
        self.draw = random.Random(seed)
        self.lives = 0
        self.sleep_seconds = 1.5
        self.ask_again = ask_again
        self._known: set[str] = set()
        self._expired_at = float("-inf")
        self._before = 0  # times on line before this life
        self._wired = wired
        self._options = {"client": {"language": "en", **(client or {})}, **(bot or {})}
        self._sizes = people, groups, friends
        self._numbers = itertools.count(1)
        self.simulator = Simulator(**{"max_concurrency": 100, **simulator})
        self.state = home / "state"
        self.bot: Bot | None = None

    def __enter__(self) -> Self:
        self.home.mkdir(parents=True, exist_ok=True)
        self.world = World(self.home / "world")
        self.simulator.start()
        self.epoch = self._epoch()
        self.wires: list[Wire] = []
        if self._wired:
            for url in (self.simulator.url, self.simulator.gateway_url):
                port = int(url.partition("://")[2].partition("/")[0].rpartition(":")[2])
                self.wires.append(Wire(("127.0.0.1", port)))
        platform = self.simulator.platform
        platform.register_bot(APPID, SECRET)
        people, groups, friends = self._sizes
        self.people = [
            platform.group(f"group {number % groups}").member(f"person {number}")
            for number in range(people)
        ]
        self.people += [platform.user(f"friend {number}") for number in range(friends)]
        self.records = Records(self.simulator, self.home, _expected)
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if self.bot is not None and self.bot.alive:
                self.bot.kill()
        finally:
            for wire in self.wires:
                wire.close()
            self.simulator.stop()
            self.records.close()

    def _epoch(self) -> float:
        """Return since when the platform's clock runs faster than this machine's."""
        clock = self.simulator.clock
        if clock.speed == 1.0:
            return time.time()
        return (time.time() * clock.speed - clock.now()) / (clock.speed - 1.0)

    @property
    def api(self) -> Wire:
        """The way to the REST interface."""
        return self.wires[0]

    @property
    def gateway(self) -> Wire:
        """The way to the gateway."""
        return self.wires[1]

    # ------------------------------------------------------------------ the bot

    def environment(self, appid: str = APPID) -> dict[str, str]:
        """Return the environment of a bot's process."""
        found = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("QQ_") and not name.lower().endswith("_proxy")
        }
        api, gateway = self.simulator.url, self.simulator.gateway_url
        if self.wires:
            api = f"http://127.0.0.1:{self.api.port}"
            gateway = f"ws://127.0.0.1:{self.gateway.port}/websocket/"
        options = {
            "world": str(self.home / "world"),
            "epoch": self.epoch,
            "speed": self.simulator.clock.speed,
            **self._options,
        }
        paths = filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])
        return {
            **found,
            "QQ_APPID": appid,
            "QQ_CLIENT_SECRET": SECRET,
            "QQ_API_BASE": api,
            "QQ_GATEWAY_URL": gateway,
            "QQ_STATE": str(self.state),
            "PYTHONPATH": os.pathsep.join(paths),
            "FAULT_BENCH": json.dumps(options),
        }

    def start_bot(self, *, wait: bool = True, state: str | None = None, **popen: Any) -> Bot:
        """Start the bot, or start it again; wait until it is on line."""
        before = self._before = self.records.connections
        self.lives += 1
        environment = self.environment()
        if state is not None:
            environment["QQ_STATE"] = state
        self.bot = Bot(environment, self.home / f"bot-{self.lives}.log", **popen)
        if wait:
            self.wait_back(before)
        return self.bot

    def kill_bot(self) -> None:
        """Kill the bot's process: kill -9."""
        assert self.bot is not None
        self.records.note("killed")
        self.bot.kill()

    def wait_back(self, before: int, timeout: float = ONLINE_WITHIN) -> None:
        """Wait until the bot has come on line more often than ``before``."""
        with self.records.changed:
            ends = time.monotonic() + timeout
            while self.records.connections <= before:
                assert self.bot is not None
                assert self.bot.alive, f"the bot ended:\n{self.bot.tail()}"
                assert time.monotonic() < ends, f"not back in {timeout:g} s:\n{self.bot.tail()}"
                self.records.changed.wait(0.1)

    def wait_online(self, timeout: float = ONLINE_WITHIN) -> None:
        """Wait until the platform has this life of the bot on a connection."""
        ends = time.monotonic() + timeout
        while not self.live or self.records.connections <= self._before:
            assert self.bot is not None
            assert self.bot.alive, f"the bot ended:\n{self.bot.tail()}"
            assert time.monotonic() < ends, f"not back in {timeout:g} s:\n{self.bot.tail()}"
            with self.records.changed:
                self.records.changed.wait(0.02)

    # ------------------------------------------------------------------ what is said

    def say(self, word: str = "say", person: int | None = None) -> str:
        """Let somebody say something that begins with ``word``; return the message's id."""
        who = self.people[self.draw.randrange(len(self.people)) if person is None else person]
        return str(who.say(f"{word} {next(self._numbers):06d}").id)

    def answered(self, *ids: str, timeout: float = ANSWER_WITHIN) -> bool:
        """Wait until these messages have an answer; return whether they have."""
        wanted, records = set(ids), self.records
        with records.changed:
            return records.changed.wait_for(lambda: wanted <= records.answered, timeout)

    def wait_answered(self, load: Load, behind: int, timeout: float = 300.0) -> None:
        """Wait until so many of the messages of a load at most have no answer."""
        records = self.records
        with records.changed:
            assert records.changed.wait_for(
                lambda: len(records.answered) + behind >= load.said, timeout
            ), f"{load.said - len(records.answered)} messages have no answer"

    def settle(self, timeout: float = ANSWER_WITHIN) -> None:
        """Wait until everything that was said has been answered, or never will be.

        Everybody says one more thing; the messages of one person are answered in order, so that
        with its answer all that he said before is decided.
        """
        ends = time.monotonic() + timeout
        left = list(range(len(self.people)))
        while left:
            ids = {person: self.say(person=person) for person in left}
            self.answered(*ids.values(), timeout=min(self.ask_again, ends - time.monotonic()))
            left = [person for person in left if ids[person] not in self.records.answered]
            if left and time.monotonic() >= ends:
                assert self.bot is not None
                raise AssertionError(f"{len(left)} people get no answer:\n{self.bot.tail()}")

    def judge(self, *, late: float = 10.0) -> Verdict:
        """Let the referee look at both records."""
        self.records.flush()
        return judge(read(self.records.sent_path), read(self.records.shown_path), late=late)

    def check(self) -> Verdict:
        """Fail when the referee complains about something that he has not complained of before."""
        verdict = self.judge()
        wrong = {loss.id: f"lost {loss}" for loss in verdict.lost}
        for kind in ("doubled", "disordered", "strange"):
            wrong |= {what: f"{kind} {what}" for what in getattr(verdict, kind)}
        new = [wrong[what] for what in wrong if what not in self._known]
        self._known |= set(wrong)
        assert not new, "\n".join([*new[:10], self.bot.tail() if self.bot is not None else ""])
        return verdict

    # ------------------------------------------------------------------ what the platform does

    @property
    def live(self) -> bool:
        """Whether the platform has the bot on a connection."""
        with self.simulator.platform.lock:
            return self.simulator.platform.sessions.is_live(APPID)

    def expire_tokens(self) -> None:
        """Let every token die, unless that has just happened: tokens live for minutes."""
        now = time.monotonic()
        if now - self._expired_at > TOKENS_LIVE:
            self._expired_at = now
            self.simulator.platform.expire_tokens()

    def close_gateway(self, code: int) -> None:
        """Let the platform close the gateway connection with a code."""
        if self.simulator.gateway.links(APPID):
            self.records.note("closed", code=code)
            self.simulator.gateway.close(code, appid=APPID)


class Load:
    """People who talk at a fixed rate, in a thread, while the ``with`` block runs.

    Args:
        bench: Where.
        rate: Messages per real second, all together.
        words: What they begin with; one is drawn for each.

    Attributes:
        said: How many messages so far.
    """

    def __init__(self, bench: Bench, rate: float, words: tuple[str, ...] = ("say",)) -> None:
        self._bench = bench
        self._rate = rate
        self._words = words
        self._draw = random.Random(bench.draw.random())
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._talk, name="bench-load")
        self._began, self._stopped = time.monotonic(), 0.0
        self.failure: BaseException | None = None
        self.said = 0

    @property
    def seconds(self) -> float:
        """For how long they have talked."""
        return (self._stopped or time.monotonic()) - self._began

    def __enter__(self) -> Self:
        self._began = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped = time.monotonic()
        self._ended.set()
        self._thread.join(30)
        if self.failure is not None:
            raise self.failure

    def _talk(self) -> None:
        try:
            began, count = time.monotonic(), 0
            while True:
                due = began + count / self._rate - time.monotonic()
                if self._ended.wait(max(0.0, due)):
                    return
                if due < -1.0:  # this machine is too slow: go on from here, not all at once
                    began, count = time.monotonic(), 0
                person = self._draw.randrange(len(self._bench.people))
                self._bench.say(self._draw.choice(self._words), person)
                count += 1
                self.said += 1
        except BaseException as error:
            self.failure = error


def _expected(text: str) -> str | None:
    """Return the answer of ``bot.py`` to a text."""
    return f"re {text}"
