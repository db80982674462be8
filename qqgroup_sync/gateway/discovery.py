"""Where the gateway is and when a session may be started; shared by a bot's clients in a process.

Source: gateway URL page, 2026-08: two calls a minute with a burst of ten; sessions that are
started count against a daily total, and only ``max_concurrency`` may start within 5 seconds.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from typing import TYPE_CHECKING

from qqgroup_sync.errors import (
    ApiError,
    AuthError,
    BadResponse,
    Forbidden,
    QQGroupError,
    TransportError,
)
from qqgroup_sync.runtime.shared import Shared

if TYPE_CHECKING:
    from qqgroup_sync.api.endpoints import Endpoints
    from qqgroup_sync.api.records import GatewayInfo
    from qqgroup_sync.runtime.clock import Clock

logger = logging.getLogger(__name__)

FRESH = 600.0  # seconds for which the URL is used without asking again
SPARING = 30.0  # seconds between two questions
START_WINDOW = 5.0  # seconds in which max_concurrency sessions may start
FEW = 0.1  # share of a day's sessions below which they are used sparingly
FEW_PAUSE = 60.0  # seconds between two starts then
WARN_AGAIN = 3600.0
SLICE = 0.2  # seconds; a wait for somebody else's question looks this often whether to stop


class _Cell:
    """What the clients of one bot and host in this process share."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.answered = threading.Condition(self.lock)
        self.asking = False
        self.failure: QQGroupError | None = None  # of the last question
        self.warned_at = float("-inf")
        self.info: GatewayInfo | None = None
        self.asked_at = float("-inf")
        self.told_at = float("-inf")  # when the last answer came
        self.starts: deque[float] = deque(maxlen=64)
        self.spent = 0


_cells = Shared(_Cell)


class Discovery:
    """Knows the gateway's URL and paces identifies; safe from any thread.

    Args:
        endpoints: Asks the platform.
        clock: Where time comes from.
        key: ``(appid, host)``; clients with the same key share URL and pace.
        url: A fixed gateway URL; then only the session limits are asked for.
        stop: Ends the wait for a question that somebody else has asked.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        clock: Clock,
        *,
        key: tuple[str, str],
        url: str = "",
        stop: threading.Event | None = None,
    ) -> None:
        self._endpoints = endpoints
        self._clock = clock
        self._fixed_url = url
        self._stop = stop or threading.Event()
        self._asked = False
        self._cell = _cells.of(key)

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

        Of several threads that want to know at once one asks, and the others wait for it.

        Raises:
            ApiError: The platform refuses, and no earlier answer is known.
            TransportError: Nobody answers, and no earlier answer is known.
        """
        cell = self._cell
        with cell.lock:
            waited = cell.asking
            while cell.asking:
                if self._stop.is_set():
                    raise TransportError("the client stops")
                cell.answered.wait(SLICE)
            if waited and cell.failure is not None:
                raise cell.failure
            fresh = self._clock.monotonic() - cell.asked_at < FRESH
            if cell.info is not None and (waited or fresh):
                return cell.info
            cell.asking, cell.failure = True, None
        self._asked = True
        failure: QQGroupError | None = None
        try:
            return self._ask()
        except QQGroupError as error:
            failure = error
            raise
        finally:
            with cell.lock:
                cell.asking, cell.failure = False, failure
                cell.answered.notify_all()

    def _ask(self) -> GatewayInfo:
        cell, now = self._cell, self._clock.monotonic()
        try:
            info = self._endpoints.gateway_bot()
        except (TransportError, ApiError, BadResponse) as error:
            if cell.info is None or isinstance(error, AuthError | Forbidden):
                raise
            logger.debug("%s; going on with the gateway URL known so far", error.summary)
            info = cell.info
        with cell.lock:
            if info is not cell.info:
                cell.info, cell.told_at, cell.spent = info, now, 0
            cell.asked_at = now
        return info

    def doubt(self) -> None:
        """Ask again before the next connection, if the last question is half a minute old.

        An address that another client, or an earlier start, was told is asked about at once.
        """
        if not self._asked or self._clock.monotonic() - self._cell.asked_at > SPARING:
            self._cell.asked_at = float("-inf")

    @property
    def used_up(self) -> bool:
        """Whether, by what is known, no more sessions may be started today."""
        with self._cell.lock:
            few = self._few()
        return few is not None and not few[0]

    def reserve_start(self) -> float:
        """Return the seconds to wait before an Identify; 0 takes the place at once.

        When few of the day's sessions are left, a warning says so, and they are started no faster
        than one a minute: a bot that is thrown out again and again shall not use them up, for then
        it would be deaf for hours.
        """
        cell, now = self._cell, self._clock.monotonic()
        with cell.lock:
            wait = max(self._until_renewed(now), self._until_next(now))
            if wait > 0:
                return wait
            cell.starts.append(now)
            cell.spent += 1
            few = self._few()
            told = few is not None and now - cell.warned_at < WARN_AGAIN
            if few is not None and not told:
                cell.warned_at = now
        if few is not None and not told:
            left, info = few
            logger.warning(
                "only %d of %d session starts are left for the next %.1f h; something ends the "
                "bot's sessions too often, such as a second program with the same bot",
                left, info.total, max(0.0, cell.told_at + info.reset_after - now) / 3600,
            )  # fmt: skip
        return 0.0

    def _until_renewed(self, now: float) -> float:
        """Return the seconds until sessions may be started again, where they are used up."""
        cell, info = self._cell, self._cell.info
        if info is None or not info.total or cell.spent < info.remaining:
            return 0.0
        wait = cell.told_at + info.reset_after - now
        if wait <= 0:
            cell.asked_at = float("-inf")
        return wait

    def _until_next(self, now: float) -> float:
        """Return the seconds until the next session may start."""
        cell, info = self._cell, self._cell.info
        concurrency = max(1, info.max_concurrency) if info is not None else 1
        wait = 0.0
        if len(cell.starts) >= concurrency:
            wait = cell.starts[-concurrency] + START_WINDOW - now
        if cell.starts and self._few() is not None:
            wait = max(wait, cell.starts[-1] + FEW_PAUSE - now)
        return wait

    def _few(self) -> tuple[int, GatewayInfo] | None:
        """Return how many sessions are left, when these are few."""
        info = self._cell.info
        if info is None or not info.total:
            return None
        left = max(0, info.remaining - self._cell.spent)
        return (left, info) if left < info.total * FEW else None
