"""A bot that runs in the process of its test."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from qqgroup_sync.accounts import Accounts
from qqgroup_sync.testing.errors import BotError

if TYPE_CHECKING:
    from types import ModuleType

    from qqgroup_sync.client import Client
    from qqgroup_sync.testing.loading import Bot


class LocalBot:
    """Clients of this process, started and stopped as one.

    Args:
        bots: What to start.
        module: Where they were found, None for those that the test made.
        ready_within: Seconds to come on line.
        stop_within: Seconds to stop.

    Attributes:
        module: The module of the bot, whose functions and globals a test may look at or patch.
    """

    def __init__(
        self,
        bots: list[Bot],
        module: ModuleType | None = None,
        *,
        ready_within: float = 10.0,
        stop_within: float = 10.0,
    ) -> None:
        self.module = module
        self._bots = bots
        self._ready_within = ready_within
        self._stop_within = stop_within

    @property
    def clients(self) -> list[Client]:
        """Every client."""
        return [
            client
            for bot in self._bots
            for client in (list(bot) if isinstance(bot, Accounts) else [bot])
        ]

    @property
    def client(self) -> Client:
        """The client, of a bot that has just one.

        Raises:
            BotError: It has several.
        """
        if len(self.clients) != 1:
            raise BotError(f"this bot has {len(self.clients)} clients: choose one of .clients")
        return self.clients[0]

    @property
    def output(self) -> str:
        """Nothing: pytest captures what is written in its own process."""
        return ""

    def start(self) -> None:
        """Start every client that does not run, and wait until all are on line.

        Raises:
            BotError: One is not on line in time.
            QQGroupError: One cannot come on line; says why.
        """
        __tracebackhide__ = True
        for bot in self._bots:
            if isinstance(bot, Accounts) or not bot.running:
                bot.start()
        for client in self.clients:
            if not client.wait_ready(self._ready_within):
                raise BotError(
                    f"{client!r} is not on line after {self._ready_within:g} s: {client.status}"
                )

    def stop(self) -> None:
        """Stop every client.

        Raises:
            BotError: Threads of it did not end.
        """
        __tracebackhide__ = True
        for client in self.clients:
            client.request_stop(self._stop_within)
        ended = [client.stop(self._stop_within) for client in self.clients]
        if not all(ended):
            names = [one.name for one in threading.enumerate() if one.name.startswith("qqgroup-")]
            raise BotError(
                f"the bot did not stop within {self._stop_within:g} s: a handler still runs "
                f"({', '.join(names)})"
            )

    def restart(self) -> None:
        """Stop and start: what comes in between is replayed by the platform."""
        __tracebackhide__ = True
        self.stop()
        self.start()
