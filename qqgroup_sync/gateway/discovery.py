"""Where the gateway is and when a session may be started; shared by a bot's clients in a process.

Source: gateway URL page, 2026-08: two calls a minute with a burst of ten; sessions that are
started count against a daily total, and only ``max_concurrency`` may start within 5 seconds.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from typing import TYPE_CHECKING

from qqgroup_sync.errors import ApiError, AuthError, BadResponse, Forbidden, TransportError

if TYPE_CHECKING:
    from qqgroup_sync.api.endpoints import Endpoints
    from qqgroup_sync.api.records import GatewayInfo
    from qqgroup_sync.runtime.clock import Clock

logger = logging.getLogger(__name__)

FRESH = 600.0  # seconds for which the URL is used without asking again
SPARING = 30.0  # seconds between two questions
START_WINDOW = 5.0  # seconds in which max_concurrency sessions may start


class _Cell:
    """What the clients of one bot and host in this process share."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.info: GatewayInfo | None = None
        self.asked_at = float("-inf")
        self.starts: deque[float] = deque(maxlen=64)
        self.spent = 0


_cells: dict[tuple[str, str], _Cell] = {}  # one per bot and host, for the process's life
_cells_lock = threading.Lock()


class Discovery:
    """Knows the gateway's URL and paces identifies; safe from any thread.

    Args:
        endpoints: Asks the platform.
        clock: Where time comes from.
        key: ``(appid, host)``; clients with the same key share URL and pace.
        url: A fixed gateway URL; then only the session limits are asked for.
    """

    def __init__(
        self, endpoints: Endpoints, clock: Clock, *, key: tuple[str, str], url: str = ""
    ) -> None:
        self._endpoints = endpoints
        self._clock = clock
        self._fixed_url = url
        self._asked = False
        with _cells_lock:
            cell = _cells.get(key)
            if cell is None:
                cell = _cells[key] = _Cell()
        self._cell = cell

    def url(self) -> str:
        """Return the gateway's URL; blocks when it has to be asked for."""
        if not self._fixed_url:
            return self.info().url
        try:
            self.info()  # for the session limits
        except (AuthError, Forbidden):
            raise
        except (TransportError, ApiError, BadResponse) as error:
            logger.info("%s; going on without knowing the session limits", error.summary)
        return self._fixed_url

    def info(self) -> GatewayInfo:
        """Return URL, shards and session limits, at most ten minutes old.

        Raises:
            ApiError: The platform refuses, and no earlier answer is known.
            TransportError: Nobody answers, and no earlier answer is known.
        """
        cell, now = self._cell, self._clock.monotonic()
        if cell.info is not None and now - cell.asked_at < FRESH:
            return cell.info
        self._asked = True
        try:
            info = self._endpoints.gateway_bot()
        except (TransportError, ApiError, BadResponse) as error:
            if cell.info is None or isinstance(error, AuthError | Forbidden):
                raise
            logger.info("%s; going on with the gateway URL known so far", error.summary)
            info = cell.info
        with cell.lock:
            if info is not cell.info:
                cell.info, cell.spent = info, 0
            cell.asked_at = now
        return info

    def doubt(self) -> None:
        """Ask again before the next connection, if the last question is half a minute old.

        An address that another client, or an earlier start, was told is asked about at once.
        """
        if not self._asked or self._clock.monotonic() - self._cell.asked_at > SPARING:
            self._cell.asked_at = float("-inf")

    def reserve_start(self) -> float:
        """Return the seconds to wait before an Identify; 0 takes the place at once."""
        cell, now = self._cell, self._clock.monotonic()
        info = cell.info
        with cell.lock:
            if info is not None and info.total and cell.spent >= info.remaining:
                wait: float = cell.asked_at + info.reset_after - now
                if wait > 0:
                    return wait
                cell.asked_at = float("-inf")
            concurrency = max(1, info.max_concurrency) if info is not None else 1
            if len(cell.starts) >= concurrency:
                wait = cell.starts[-concurrency] + START_WINDOW - now
                if wait > 0:
                    return wait
            cell.starts.append(now)
            cell.spent += 1
            return 0.0
