"""The clients of one process while a bot is tested: where they go, and how far they are."""

from __future__ import annotations

import re
import sys
import threading
import traceback
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from qqgroup_sync import running
from qqgroup_sync.notebook.simulated import PrivatePlatform
from qqgroup_sync.settings import TOKEN_PATH
from qqgroup_sync.testing.errors import BotError

if TYPE_CHECKING:
    from pathlib import Path

    from qqgroup_sync.accounts import Accounts
    from qqgroup_sync.client import Client
    from qqgroup_sync.runtime.stepped_clock import SteppedClock
    from qqgroup_sync.settings import Settings

_FRAMES = 4  # of a handler that does not end
_WORKER = re.compile(r"qqgroup-worker-\d+")  # not the one that watches the others
_IDLE = "_take"  # the function in which a worker waits for work


class ClientLook(NamedTuple):
    """How far one running client is.

    Attributes:
        appid: Whose it is.
        taken: Session and number of the last event that was queued, by shard.
        busy: See ``life.Progress``.
        heard: See ``life.Progress``.
    """

    appid: str
    taken: dict[int, tuple[str, int | None]]
    busy: bool
    heard: bool


class Look(NamedTuple):
    """How far the bots of one process are.

    Attributes:
        due_in: Seconds until the first wait is over; not above 0 for one that is about to end.
        clients: Those that run.
    """

    due_in: float | None
    clients: list[ClientLook]


class Harness:
    """Takes every client that starts in this process while it is open.

    Args:
        platform: Where they go.
        clock: Where their time comes from.
        state: Folder for what outlives a start, None for none.
        takes_over: Whether ``client.run()`` returns at once, because the test runs the bot.

    Attributes:
        loading: Whether a script is being loaded, whose bots the test starts afterwards.
        wanted: What called ``run()`` meanwhile, in order.
    """

    def __init__(
        self,
        platform: PrivatePlatform,
        clock: SteppedClock,
        *,
        state: Path | None = None,
        takes_over: bool = True,
    ) -> None:
        self._platform = platform
        self._clock = clock
        self._takes_over = takes_over
        self._clients: list[Client] = []
        self.state = state
        self.loading = False
        self.wanted: list[Client | Accounts] = []

    def open(self) -> None:
        """Take the clients of this process from now on.

        Raises:
            BotError: Another harness does.
        """
        if isinstance(running.harness, Harness):
            raise BotError("another SimulatedQQ is open in this process: stop it first")
        running.harness = self

    def close(self) -> None:
        """Take no more clients."""
        running.harness = collection if collection.open else None

    def adopt(self, client: Any) -> None:
        """Bring a client here, the first time that it starts; later it goes on as it was."""
        if not any(client is one for one in self._clients):
            client.move_to(self._platform, self._clock, state=self.state)
            self._clients.append(client)

    def runs(self, bot: Any) -> bool:
        """Tell whether a bot that wants to run does so without its ``run()``.

        A script's bots are started when it was loaded. A test that calls a function which ends in
        ``run()`` goes on with the bot on line. A thread of its own may be blocked as usual.
        """
        if not self._takes_over:
            return False
        if self.loading:
            self.wanted.append(bot)
            return True
        if threading.current_thread() is not threading.main_thread():
            return False
        bot.start()
        return True

    @property
    def clients(self) -> list[Client]:
        """Every client that was started."""
        return list(self._clients)

    # ------------------------------------------------------------------ what a test asks for

    def advance(self, seconds: float) -> None:
        """Let time pass at once."""
        self._clock.advance(seconds)

    def hurry(self, on: bool) -> None:
        """Let waits notice soon that time has passed."""
        self._clock.hurry(on)

    def look(self) -> Look:
        """Return how far the clients are that run."""
        looks = []
        for client in self._clients:
            progress = client.progress()
            if progress is not None:
                taken = {
                    shard: (place.session_id, place.s) for shard, place in progress.taken.items()
                }
                looks.append(
                    ClientLook(client.settings.appid, taken, progress.busy, progress.heard)
                )
        return Look(self._clock.due_in, looks)

    def stacks(self) -> str:
        """Return what the handlers do that run."""
        frames = sys._current_frames()  # noqa: SLF001 - the documented way
        told = []
        for thread in threading.enumerate():
            frame = frames.get(thread.ident or 0)
            if frame is None or _WORKER.fullmatch(thread.name) is None:
                continue
            stack = traceback.extract_stack(frame)
            if any(one.name == _IDLE for one in stack[-2:]):
                continue
            told.append("".join(traceback.format_list(stack[-_FRAMES:])))
        return "".join(told)


class Collection:
    """Stands in for a harness while no test runs, such as while tests are collected.

    ``import bot`` in a test file must neither run the bot nor start a client.
    """

    def __init__(self) -> None:
        self.open = False
        self.wanted: list[Any] = []

    def begin(self) -> None:
        """Keep bots from running until a test does that."""
        self.open = True
        if running.harness is None:
            running.harness = self

    def end(self) -> None:
        """Let bots run again."""
        self.open = False
        if running.harness is self:
            running.harness = None

    def adopt(self, client: Any) -> None:
        """Refuse to start a client."""
        raise BotError(
            f"{client!r} was started outside of a test: that is what the qq fixture does"
        )

    def runs(self, bot: Any) -> bool:
        """Note that a bot wants to run; a test may run it later."""
        self.wanted.append(bot)
        return True


collection = Collection()


class Elsewhere(PrivatePlatform):
    """A platform of which this process knows nothing but the address.

    Args:
        url: Its address.
    """

    def __init__(self, url: str) -> None:
        self._url = url

    @property
    def name(self) -> str:
        """What tells platforms apart."""
        return self._url

    def open(self, settings: Settings) -> Settings:
        """Return settings that lead to it."""
        return replace(
            settings,
            api_bases=(self._url,),
            token_urls=(self._url + TOKEN_PATH,),
            gateway_url="",
            simulator=self._url,
        )

    def close(self) -> bool:
        """Do nothing: it is somebody else's."""
        return True
