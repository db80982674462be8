"""The simulator: a platform with its two faces, started and stopped as one."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from qqgroup_sync.simulator import hosts
from qqgroup_sync.simulator.clock import SimulatedClock
from qqgroup_sync.simulator.faults import Faults
from qqgroup_sync.simulator.fetching import Fetcher
from qqgroup_sync.simulator.gateway import Gateway
from qqgroup_sync.simulator.http_server import HttpServer
from qqgroup_sync.simulator.openapi import create_app
from qqgroup_sync.simulator.platform import Platform
from qqgroup_sync.simulator.short_way import ShortWay
from qqgroup_sync.simulator.webhooks import Webhooks

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from flask import Blueprint
    from typing_extensions import Self

    from qqgroup_sync.simulator.rules import Rules

_RESTART_TIMEOUT = 5.0


class Simulator:
    """A QQ platform on this machine: real HTTP, real WebSocket, no QQ.

    Nothing happens before ``start``; use it as a context manager or call ``stop``. After ``stop``
    it can be started again, with everything it knows; ports that were chosen stay the same.

    Memory is bounded by ``message_history`` per chat, ``replay_limit`` per session,
    ``outbox_limit`` per connection, 100 000 open reply windows per length of window, and 10 000
    interactions, and 256 MB of media in memory and 1 GB in temporary files, the oldest of which
    are forgotten; people, groups and bots live as long as the simulator.

    Args:
        host: The address to bind; anything but loopback needs ``allow_remote``.
        port: Port of the REST face; 0 chooses a free one.
        gateway_port: Port of the gateway; 0 chooses a free one.
        heartbeat_interval: Real seconds between heartbeats, told to clients.
        speed: Simulated seconds per real second.
        token_life: Simulated seconds an access token lives.
        accept_any: Whether any appid and secret are accepted; ``platform.register_bot`` makes
            those of one appid checked.
        replay_seconds: Simulated seconds a session that was left can be resumed.
        replay_limit: Events per session that can be replayed.
        max_concurrency: Identifies per bot in 5 s, told to clients (see ``Rules``).
        session_total: Identifies per bot in 24 hours.
        outbox_limit: Frames that may wait for a client that does not read, see ``Gateway``.
        message_history: Messages remembered per chat.
        rules: The switches to start with.
        blueprints: More pages and endpoints for the REST face.
        allow_remote: Whether other machines may reach it. It checks hardly anything: do not.

    Attributes:
        platform: The rules and the people.
        gateway: The WebSocket face and its faults.
        webhooks: Delivery by webhook, for the bots that have an address.
        faults: The faults of the REST face.
        clock: All time of the platform.
        fetcher: Fetches the URLs that bots give.
        app: The Flask app.
        stopping: Set as soon as ``stop`` begins; long-lived answers of blueprints end then.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        gateway_port: int = 0,
        heartbeat_interval: float = 41.25,
        speed: float = 1.0,
        token_life: float = 7200.0,
        accept_any: bool = True,
        replay_seconds: float = 300.0,
        replay_limit: int = 10_000,
        max_concurrency: int = 1,
        session_total: int = 1000,
        outbox_limit: int = 50_000,
        message_history: int = 10_000,
        rules: Rules | None = None,
        blueprints: Iterable[Blueprint] = (),
        allow_remote: bool = False,
    ) -> None:
        if not allow_remote and not hosts.is_loopback(host):
            raise ValueError(
                f"{host!r} is reachable from other machines, and the simulator accepts anybody; "
                "use 127.0.0.1, or allow_remote=True if you mean it"
            )
        self.host = host
        self.allow_remote = allow_remote
        self.stopping = threading.Event()
        self._ports = (port, gateway_port)
        self._running = False
        self.clock = SimulatedClock(speed)
        self.faults = Faults()
        self.platform = Platform(
            self.clock,
            rules=rules,
            accept_any=accept_any,
            token_life=token_life,
            message_history=message_history,
            replay_seconds=replay_seconds,
            replay_limit=replay_limit,
            session_total=session_total,
            max_concurrency=max_concurrency,
        )
        self.fetcher = Fetcher()
        self.platform.fetch = self.fetcher
        self.gateway = Gateway(
            self.platform,
            heartbeat_interval=heartbeat_interval,
            outbox_limit=outbox_limit,
            allow_remote=allow_remote,
        )
        self.webhooks = Webhooks(self.platform, allow_remote=allow_remote)
        self.app = create_app(self, blueprints)
        self._server = HttpServer(ShortWay(self, self.app), "simulator-http")
        self._parts = (self.gateway, self.webhooks, self._server)

    def start(self) -> Self:
        """Bind both ports and serve; return at once.

        Raises:
            OSError: A port cannot be bound.
        """
        if self._running:
            return self
        self._join(_RESTART_TIMEOUT)  # a stop that did not wait may still hold the ports
        self.stopping.clear()
        self.clock.open()
        self.fetcher.open()
        port, gateway_port = self._ports
        gateway_port = self.gateway.start(self.host, gateway_port)
        try:
            port = self._server.start(self.host, port)
        except OSError:
            self.gateway.shut()
            self.gateway.join(1.0)
            raise
        self._ports = (port, gateway_port)
        self.platform.links.base = self.url
        self._running = True
        self.webhooks.open()
        return self

    def stop(self, timeout: float = 5.0) -> bool:
        """End every connection and thread; return whether all ended in time.

        It can be called again to wait longer.
        """
        self._running = False
        self.stopping.set()
        self.clock.close()
        self.fetcher.close()
        for part in self._parts:
            part.shut()
        return self._join(timeout)

    def _join(self, timeout: float) -> bool:
        """Wait until every part has ended after ``shut``; return whether all did in time."""
        deadline = time.monotonic() + timeout
        ended = [part.join(max(0.0, deadline - time.monotonic())) for part in self._parts]
        return all(ended)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Everything REST hangs below it, ``/app/getAppAccessToken`` included."""
        return f"http://{self._address(0)}"

    @property
    def gateway_url(self) -> str:
        """What ``GET /gateway`` answers."""
        return f"ws://{self._address(1)}/websocket/"

    def _address(self, which: int) -> str:
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104
        return f"[{host}]:{self._ports[which]}" if ":" in host else f"{host}:{self._ports[which]}"
