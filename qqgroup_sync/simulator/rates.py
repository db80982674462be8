"""How often an endpoint may be called (2.3). Pure: the caller gives the time."""

from __future__ import annotations

import math
import re
from typing import NamedTuple

from qqgroup_sync.simulator.refusals import RefusalError

SECOND, MINUTE = 1.0, 60.0


class Rate(NamedTuple):
    """``calls`` per ``seconds``, of which ``burst`` may come at once."""

    calls: int
    seconds: float
    burst: int


def _qps(calls: int) -> Rate:
    return Rate(calls, SECOND, calls)


def _qpm(calls: int, burst: int | None = None) -> Rate:
    return Rate(calls, MINUTE, burst or calls)


# Looked through in this order; a group stands for any id.
_TABLE: list[tuple[str, str, Rate]] = [
    ("GET", "/gateway(/bot)?", _qpm(2, burst=10)),
    ("GET", "/users/@me", _qps(50)),
    ("POST", "/v2/(groups|users)/[^/]+/messages", _qps(100)),
    ("DELETE", "/v2/(groups|users)/[^/]+/messages/[^/]+", _qps(10)),
    ("POST", "/v2/users/[^/]+/stream_messages", _qps(50)),
    ("POST", "/v2/(groups|users)/[^/]+/files", _qps(50)),
    ("POST", "/v2/(groups|users)/[^/]+/upload_(prepare|part_finish)", _qps(10)),
    ("PUT", "/interactions/[^/]+", _qps(50)),
    ("POST", "/v2/generate_url_link", _qps(50)),
    ("*", "/v2/groups/join_approval_strategy(/.*)?", _qpm(60)),
    ("GET", "/v2/groups/[^/]+/members", _qpm(60)),
    ("POST", "/v2/groups/[^/]+/(member_blacklist|restrict_chat_setting)", _qpm(60)),
    ("POST", "/v2/groups/[^/]+/approval_join_request/[^/]+", _qpm(60)),
    ("*", "/v2/groups/[^/]+/.*", _qpm(30)),
    ("PUT", "/v2/menu", _qpm(5)),
    ("POST", "/v2/panels", _qpm(10)),
    ("PUT", "/v2/panels/.*", _qpm(60)),
    ("*", "/v2/(menu|panels)(/.*)?", _qpm(30)),
]
_COMPILED = [(method, re.compile(pattern), rate) for method, pattern, rate in _TABLE]


class RateBook:
    """A bucket of calls per bot and endpoint, which fills up again steadily."""

    def __init__(self) -> None:
        self._buckets: dict[tuple[str, int], tuple[float, float]] = {}

    def take(self, appid: str, method: str, path: str, now: float) -> None:
        """Count a call, or refuse it.

        Raises:
            RefusalError: 429 with 22009; ``retry_after`` tells when there is room again.
        """
        for number, (wanted, pattern, rate) in enumerate(_COMPILED):
            if wanted in ("*", method) and pattern.fullmatch(path):
                self._take((appid, number), rate, now)
                return

    def _take(self, key: tuple[str, int], rate: Rate, now: float) -> None:
        left, since = self._buckets.get(key, (float(rate.burst), now))
        pace = rate.calls / rate.seconds
        left = min(float(rate.burst), left + (now - since) * pace)
        if left < 1.0:
            self._buckets[key] = left, now
            wait = math.ceil(round((1.0 - left) / pace, 6))
            raise RefusalError(22009, "too many calls", status=429, retry_after=wait)
        self._buckets[key] = left - 1.0, now
