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


_SCENES = ("groups", "users")
_STRATEGIES = "/v2/groups/join_approval_strategy"
# One row per endpoint, each of which has a bucket of its own; a star stands for any id.
_TABLE: tuple[tuple[str, str, Rate], ...] = (
    ("GET", "/gateway", _qpm(2, burst=10)),
    ("GET", "/gateway/bot", _qpm(2, burst=10)),
    ("GET", "/users/@me", _qps(50)),
    *(("POST", f"/v2/{scene}/*/messages", _qps(100)) for scene in _SCENES),
    *(("DELETE", f"/v2/{scene}/*/messages/*", _qps(10)) for scene in _SCENES),
    ("POST", "/v2/users/*/stream_messages", _qps(50)),
    *(("POST", f"/v2/{scene}/*/files", _qps(50)) for scene in _SCENES),
    *(("POST", f"/v2/{scene}/*/upload_prepare", _qps(10)) for scene in _SCENES),
    *(("POST", f"/v2/{scene}/*/upload_part_finish", _qps(10)) for scene in _SCENES),
    ("PUT", "/interactions/*", _qps(50)),
    ("POST", "/v2/generate_url_link", _qps(50)),
    ("GET", _STRATEGIES, _qpm(60)),
    ("POST", _STRATEGIES, _qpm(60)),
    ("PATCH", f"{_STRATEGIES}/*", _qpm(60)),
    ("DELETE", f"{_STRATEGIES}/*", _qpm(60)),
    ("POST", f"{_STRATEGIES}/*/execute", _qpm(60)),
    ("POST", f"{_STRATEGIES}/*/whitelist_users", _qpm(60)),
    ("GET", "/v2/groups/*/info", _qpm(30)),
    ("GET", "/v2/groups/*/bot_state", _qpm(30)),
    ("GET", "/v2/groups/*/members", _qpm(60)),
    ("GET", "/v2/groups/*/members/*", _qpm(30)),
    ("POST", "/v2/groups/*/batch_remove_members", _qpm(30)),
    ("GET", "/v2/groups/*/member_blacklist", _qpm(30)),
    ("POST", "/v2/groups/*/member_blacklist", _qpm(60)),
    ("GET", "/v2/groups/*/join_request_list", _qpm(30)),
    ("POST", "/v2/groups/*/approval_join_request/*", _qpm(60)),
    ("GET", "/v2/groups/*/restrict_chat_setting", _qpm(30)),
    ("POST", "/v2/groups/*/restrict_chat_setting", _qpm(60)),
    ("GET", "/v2/menu", _qpm(30)),
    ("PUT", "/v2/menu", _qpm(5)),
    # "30 / 10 / 60": reading, writing, changing targets.
    ("GET", "/v2/panels", _qpm(30)),
    ("GET", "/v2/panels/*", _qpm(30)),
    ("POST", "/v2/panels", _qpm(10)),
    ("PUT", "/v2/panels/*", _qpm(10)),
    ("DELETE", "/v2/panels/*", _qpm(10)),
    ("PUT", "/v2/panels/*/target", _qpm(60)),
)
_COMPILED = [
    (method, re.compile(re.escape(path).replace(r"\*", "[^/]+")), rate)
    for method, path, rate in _TABLE
]


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
            if wanted == method and pattern.fullmatch(path):
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
