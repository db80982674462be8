"""``SimulatedQQ``: a platform with people and a bot on it, for the length of a test."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qqgroup_sync.accounts import Accounts
from qqgroup_sync.client import Client
from qqgroup_sync.notebook.simulated import PrivatePlatform
from qqgroup_sync.runtime.shared import forget
from qqgroup_sync.runtime.stepped_clock import SteppedClock
from qqgroup_sync.simulator import Simulator
from qqgroup_sync.simulator.chats import ConversationError
from qqgroup_sync.testing.conversation import Conversation
from qqgroup_sync.testing.errors import BotError
from qqgroup_sync.testing.faults import AllFaults
from qqgroup_sync.testing.harness import Harness
from qqgroup_sync.testing.loading import bots_of, find_file, load
from qqgroup_sync.testing.local_bot import LocalBot
from qqgroup_sync.testing.process import BotProcess
from qqgroup_sync.testing.stepping import Side, SteppedTime

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

    from typing_extensions import Self

    from qqgroup_sync.simulator.chats import Chat
    from qqgroup_sync.simulator.groups import Group
    from qqgroup_sync.simulator.users import User
    from qqgroup_sync.testing.harness import ClientLook, Look
    from qqgroup_sync.testing.loading import Bot

Latest = dict[tuple[str, int], tuple[str, int | None]]
"""Session and number of the last event, by appid and shard."""

BETWEEN_TESTS = 3e7  # seconds, a year: no rate limit of one test lasts until the next
_LOOK = 0.001

_clock = SteppedClock()  # of this process: what measures time across tests never goes back


class SimulatedQQ:
    """A QQ platform on this machine, for one test: people talk, a bot answers, time is moved.

    Use it as a context manager, or call ``start`` and ``stop``. With pytest, the fixture ``qq``
    is one.

    While it is open, every client that starts in this process comes here, whatever it was made
    for: no test reaches QQ. Nothing that clients keep is written to disk, unless ``state`` says
    where.

    Args:
        bot: What to run from the start: see ``run``; None for nothing yet.
        subprocess: Run it in a process of its own.
        adopt: Whether all clients come here. False leaves clients, their time and the environment
            as they are: the test itself points them at ``simulator.url``.
        state: Folder for what outlives a start of a bot (``client.storage``, its session).
        folders: Where scripts are looked for; the working directory when there are none.
        simulator_options: Those of ``Simulator``, such as ``rules``.

    Attributes:
        simulator: The platform with its ports, counters and pages.
        platform: Its people and rules; ``platform.change_rules(...)`` flips a switch.
        faults: What can go wrong on demand.
        clock: The time of platform and bots.
        bot: What was run last.
    """

    def __init__(
        self,
        bot: str | Path | Bot | None = None,
        *,
        subprocess: bool = False,
        adopt: bool = True,
        state: str | os.PathLike[str] | None = None,
        folders: Sequence[Path] = (),
        **simulator_options: Any,
    ) -> None:
        self.simulator = Simulator(**{"max_concurrency": 1000, **simulator_options})
        self.platform = self.simulator.platform
        self.faults = AllFaults(self.simulator)
        self.bot: LocalBot | BotProcess | None = None
        self._first = (bot, subprocess)
        self._adopt = adopt
        self._folders = [*folders, Path()]
        self._state = None if state is None else Path(state).absolute()
        self._harness = Harness(PrivatePlatform(self.simulator), _clock, state=self._state)
        self._conversation = Conversation(self.platform)
        self._bots: list[LocalBot | BotProcess] = []
        self._sides: list[Side] = [self._harness]
        self._environment: dict[str, str | None] = {}
        self._running = False
        self.clock = SteppedTime(self.simulator.clock, self._sides, self._received_all)

    # ------------------------------------------------------------------ life

    def start(self) -> Self:
        """Start the platform, and the bot that was given to the constructor.

        Raises:
            BotError: The bot cannot be found or started; or another SimulatedQQ is open.
        """
        __tracebackhide__ = True
        if self._adopt:
            self._harness.open()
        self._running = True
        try:
            _clock.begin_anew(BETWEEN_TESTS)
            self.simulator.start()
            forget(self.simulator.url.partition("://")[2])  # of another one at the same port
            self.platform.narrator = self._tell
            self.platform.wait_idle = self.wait_idle
            self._conversation.begin()
            if self._adopt:
                self._set_environment()
            bot, subprocess = self._first
            if bot is not None:
                self.run(bot, subprocess=subprocess)
        except BaseException:
            self.stop()
            raise
        return self

    def _set_environment(self) -> None:
        """Let clients that are made from now on, and programs that are started, come here."""
        wanted = {
            "QQ_SIMULATOR": self.simulator.url,
            "QQ_STATE": str(self._state) if self._state is not None else "none",
        }
        for name, value in wanted.items():
            self._environment[name] = os.environ.get(name)
            os.environ[name] = value

    def stop(self) -> None:
        """Stop bots and platform; idempotent.

        Raises:
            BotError: A bot did not stop, or ended with an error.
        """
        __tracebackhide__ = True
        if not self._running:
            return
        self._running = False
        problems = []
        for bot in [*self._bots, LocalBot(list(self._harness.clients))]:
            try:
                bot.stop()
            except BotError as error:
                problems.append(str(error))
        self._conversation.end()
        if self._adopt:
            self._harness.close()
        for name, value in self._environment.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        if not self.simulator.stop():
            problems.append("the simulator did not stop")
        if problems:
            raise BotError("\n".join(dict.fromkeys(problems)))

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        told = isinstance(error, ConversationError)
        if isinstance(error, AssertionError) and not told and sys.version_info >= (3, 11):
            error.add_note(f"QQ conversation:\n{self.conversation}")
        self.stop()

    def run(
        self,
        bot: str | Path | Bot,
        *,
        subprocess: bool = False,
        arguments: Sequence[str] = (),
        environment: Mapping[str, str] = {},
        state: str | os.PathLike[str] | None = None,
        timeout: float = 20.0,
    ) -> LocalBot | BotProcess:
        """Run a bot until the test ends, and wait until it is on line.

        Args:
            bot: The path of a script such as ``"bot.py"``, the dotted name of a module, a
                ``Client``, or ``Accounts``. Of a script in this process every client at its top
                level is started; its ``client.run()`` does nothing.
            subprocess: Run the script as ``python bot.py`` does, in a process of its own.
            arguments: Passed to a script in a process of its own.
            environment: Of that process, beside this one's.
            state: Folder for what outlives a start; by default that of the constructor.
            timeout: Seconds to come on line.

        Raises:
            BotError: It cannot be found or started; the text shows what it wrote.
        """
        __tracebackhide__ = True
        if not self._running:
            raise BotError("this SimulatedQQ is not open: use it as a context manager")
        if state is not None:
            self._harness.state = Path(state).absolute()
            environment = {"QQ_STATE": str(self._harness.state), **environment}
        made: LocalBot | BotProcess
        if subprocess:
            made = self._process(bot, arguments, environment, timeout)
        elif isinstance(bot, str | Path):
            module = load(bot, self._folders, self._harness)
            made = LocalBot(bots_of(module, bot), module, ready_within=timeout)
        elif isinstance(bot, Client | Accounts):
            made = LocalBot([bot], ready_within=timeout)
            if any(one.running and one not in self._harness.clients for one in made.clients):
                raise BotError(f"{bot!r} runs already, elsewhere: qq.run() starts it here")
        else:
            raise BotError(
                f"{bot!r} is no bot: give the path of a script, the name of a module, a Client or "
                "Accounts"
            )
        self._bots.append(made)
        self.bot = made
        made.start()
        return made

    def _process(
        self, bot: object, arguments: Sequence[str], environment: Mapping[str, str], timeout: float
    ) -> BotProcess:
        if not isinstance(bot, str | Path):
            raise BotError(f"only a script runs in a process of its own, not {bot!r}")
        made = BotProcess(
            find_file(bot, self._folders),
            arguments,
            environment,
            on_line=self._on_line,
            ready_within=timeout,
        )
        self._sides.append(made)
        return made

    # ------------------------------------------------------------------ people

    def group(self, name: str) -> Group:
        """Return the group of that name, which is made on demand with the bot in it."""
        return self.platform.group(name)

    def user(self, name: str) -> User:
        """Return the person of that name, a friend of the bot, for private chats."""
        return self.platform.user(name)

    # ------------------------------------------------------------------ what happened

    @property
    def conversation(self) -> str:
        """What was said in all chats, what was refused and why, what handlers raised."""
        return self._tell(None)

    @property
    def errors(self) -> list[BaseException]:
        """What handlers raised, and other exceptions that the bots of this process logged."""
        return list(self._conversation.errors)

    def _tell(self, chat: Chat | None) -> str:
        told = [self._conversation.of(chat)]
        if self._running:
            why = self._unfinished()
            told.append(f"({why or 'the bot has nothing left to do'})")
        told += [f"Output of the bot:\n{bot.output}" for bot in self._bots if bot.output]
        return "\n".join(told)

    # ------------------------------------------------------------------ waiting

    def wait_idle(self, timeout: float = 5.0) -> None:
        """Wait until every bot is on line, has handled what came, and runs no handler.

        A handler that waits for a person's answer does not count; what threads of the bot's own
        do is not known.

        Args:
            timeout: Real seconds.

        Raises:
            AssertionError: A bot is not; the text shows what it does.
        """
        __tracebackhide__ = True
        ends = time.monotonic() + timeout
        pause = threading.Event()
        while (why := self._unfinished()) is not None:
            if time.monotonic() > ends:
                stacks = "".join(side.stacks() for side in self._sides)
                raise ConversationError(
                    f"after {timeout:g} s {why}:\n{stacks}{self._conversation.of()}"
                )
            pause.wait(_LOOK)

    def _received_all(self) -> bool:
        """Tell whether every bot that is on line has what it was sent."""
        latest = self._latest()
        return all(
            _has_all(client, latest)
            for side in self._sides
            for client in side.look().clients
            if _is_on_line(client, latest)
        )

    def _unfinished(self) -> str | None:
        """Return what the bots still have to do, None for nothing."""
        latest = self._latest()
        clients = [client for side in self._sides for client in side.look().clients]
        if not clients:
            return "no bot runs: set qq_bot in pytest's configuration, or call qq.run()"
        for client in clients:
            if not _is_on_line(client, latest):
                return f"bot {client.appid} is not on line"
            if not _has_all(client, latest):
                return f"bot {client.appid} has not received everything yet"
            if client.busy:
                return f"a handler of bot {client.appid} is still running"
        return None

    def _latest(self) -> Latest:
        """Return which event each live session was sent last."""
        with self.platform.lock:
            return {
                (session.appid, session.shard[0]): (session.id, session.s)
                for session in self.platform.sessions.live()
            }

    def _on_line(self, look: Look) -> bool:
        latest = self._latest()
        return bool(look.clients) and all(_is_on_line(one, latest) for one in look.clients)


def _is_on_line(client: ClientLook, latest: Latest) -> bool:
    """Tell whether a client knows all of its shards to be live."""
    return bool(client.taken) and all(
        latest.get((client.appid, shard), ("", None))[0] == session
        for shard, (session, _) in client.taken.items()
    )


def _has_all(client: ClientLook, latest: Latest) -> bool:
    """Tell whether a client has taken in everything that it was sent."""
    return all(latest.get((client.appid, shard)) == place for shard, place in client.taken.items())
