"""Accounts: several bots in one process, with the same handlers and one ``run()``."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from qqgroup_sync import foreground, running
from qqgroup_sync.client import Client
from qqgroup_sync.dispatch.router import Router
from qqgroup_sync.errors import ConfigError, QQGroupError, Text
from qqgroup_sync.starts import STOP_TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Self

    from qqgroup_sync.dispatch.timed_tasks import Task
    from qqgroup_sync.status import Status

logger = logging.getLogger(__name__)


class Accounts(Router):
    """Several clients as one: what is registered here holds for all of them.

    A client keeps the handlers of its own beside them; all are asked in one order. The clients
    share the resource service of a port. Named after AmiyaBot's ``MultipleAccounts``.

    Args:
        *clients: There may be none at first; :meth:`append` adds some, also while running.

    Raises:
        ConfigError: Two have the same appid and shard.
    """

    has_life = True

    def __init__(self, *clients: Client) -> None:
        super().__init__()
        self._clients: dict[str, Client] = {}
        self._changing = threading.Lock()
        self._running = False
        self._starting = 0  # accounts that are there already, and do not run yet
        for client in clients:
            self.append(client)

    def append(self, client: Client, start_up: bool = True) -> None:
        """Add a client.

        Args:
            client: With an appid that is not there yet.
            start_up: Start it at once, when the others run.

        Raises:
            ConfigError: Its appid is there already.
            QQGroupError: It cannot start; it has not been added then.
        """
        if not isinstance(client, Client):
            raise ConfigError(
                f"{client!r} is no client",
                remedy=Text("Pass Client(appid, client_secret).", "请传入 Client(...)。"),
            )
        appid = client.settings.appid
        with self._changing:
            if appid in self._clients:
                raise ConfigError(
                    f"there is an account {appid} already",
                    remedy=Text(
                        "Give each account once; shards of one bot run in processes of their own, "
                        "or with shards='auto'.",
                        "每个账号只需添加一次；同一机器人的分片请分进程运行，"
                        "或使用 shards='auto'。",
                    ),
                )
            self._clients[appid] = client
            start = self._running and start_up and not client.running
            self._starting += start
        try:
            client.include(self)
            if self.prefixes and not client.prefixes:
                client.set_prefix(*self.prefixes)
            if start:
                client.start()
        except QQGroupError:
            self._take_out(client)
            raise
        finally:
            with self._changing:
                self._starting -= start

    def _take_out(self, client: Client) -> None:
        with self._changing:
            self._clients.pop(client.settings.appid, None)
        client.exclude(self)

    def __delitem__(self, appid: str) -> None:
        """Stop an account and take it out; blocks until it has ended."""
        with self._changing:
            client = self._clients.pop(str(appid))
        client.stop()
        client.exclude(self)

    def __getitem__(self, appid: str) -> Client:
        return self._clients[str(appid)]

    def __contains__(self, appid: object) -> bool:
        return str(appid) in self._clients

    def __iter__(self) -> Iterator[Client]:
        return iter(list(self._clients.values()))

    def __len__(self) -> int:
        return len(self._clients)

    def __repr__(self) -> str:
        return f"Accounts({', '.join(map(repr, self))})"

    # ------------------------------------------------------------------ life

    def start(self) -> None:
        """Start all clients in the background; returns at once. Those that run already go on.

        Raises:
            QQGroupError: One cannot start; those that this call had started are stopped.
        """
        with self._changing:
            before, self._running = self._running, True
            clients = [client for client in self._clients.values() if not client.running]
        started: list[Client] = []
        for client in clients:
            try:
                client.start()
            except QQGroupError:
                self._running = before
                for one in started:
                    one.stop()
                raise
            started.append(client)

    def wait_ready(self, timeout: float | None = 30.0) -> bool:
        """Wait until all clients are on line; return whether they are.

        Raises:
            QQGroupError: One cannot come on line; says why.
        """
        ready = [client.wait_ready(timeout) for client in self]
        return all(ready)

    def stop(self, timeout: float = STOP_TIMEOUT) -> bool:
        """Stop all clients at the same time; return whether every thread ended."""
        with self._changing:
            self._running = False
            clients = list(self._clients.values())
        for client in clients:
            client.request_stop(timeout)
        ended = [client.stop(timeout) for client in clients]  # all of them, whatever one says
        return all(ended)

    def run(self, *, stop_timeout: float = STOP_TIMEOUT) -> None:
        """Start all, wait, and stop at Ctrl-C or SIGTERM; blocks.

        An account that cannot go on is logged, the others go on. It ends by itself when every
        account that was started has ended; while there is none, it waits for one.

        Raises:
            QQGroupError: The last one could not go on; says why.
        """
        if running.harness is not None and running.harness.runs(self):
            return
        pause = threading.Event()

        def ended(seconds: float) -> bool:
            pause.wait(seconds)
            return self._have_ended()

        foreground.run(self.start, ended, lambda: self.stop(stop_timeout))
        for client in self:
            client.wait(0.0)  # raises why it ended

    def _have_ended(self) -> bool:
        with self._changing:
            clients = list(self._clients.values())
            if self._starting or any(client.running for client in clients):
                return False
        return any(client.has_ended for client in clients)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    @property
    def status(self) -> dict[str, Status]:
        """What each account is doing now, by appid."""
        return {client.settings.appid: client.status for client in self}

    # ------------------------------------------------------------------ shared by all

    def _task_added(self, task: Task) -> None:
        for client in self:
            client._task_added(task)  # noqa: SLF001 - the same class hierarchy

    def _task_removed(self, task: Task) -> None:
        for client in self:
            client._task_removed(task)  # noqa: SLF001 - as above

    def set_prefix(self, *words: str) -> None:
        """Set the prefix words of all accounts, also of those to come; see ``Client.set_prefix``.

        An account with words of its own keeps them.
        """
        before = self.prefixes
        super().set_prefix(*words)
        for client in self:
            if client.prefixes == before:
                client.set_prefix(*words)
