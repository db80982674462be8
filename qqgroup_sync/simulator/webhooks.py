"""Delivery by webhook instead of WebSocket (section 6), bot by bot.

Only one of the two is in use for a bot, and the change takes effect at once (product page,
2026-09). Posts go to this machine only, by plain HTTP or HTTPS, to any port.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from qqgroup_sync.simulator import hosts, identifiers
from qqgroup_sync.simulator.webhook_posts import Callback, PostError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from qqgroup_sync.simulator.platform import Platform

_URLS = 10
_CHECK = 13


class WebhookCheckError(Exception):
    """The address did not pass the check that comes before the first event (6.3).

    Args:
        retcode: The console's: 10020 (unreachable) or 13007 (a wrong answer).
        message: What was wrong.
    """

    def __init__(self, retcode: int, message: str) -> None:
        self.retcode = retcode
        super().__init__(f"{retcode} {message}")


class Webhooks:
    """The callback addresses of all bots, and who posts to them.

    Args:
        platform: Whose events go out.
        allow_remote: Whether addresses on other machines are allowed.
    """

    def __init__(self, platform: Platform, *, allow_remote: bool = False) -> None:
        self._platform = platform
        self._allow_remote = allow_remote
        self._lock = threading.Lock()
        self._callbacks: dict[str, list[Callback]] = {}
        self._checking: set[Callback] = set()
        self._sequences: dict[str, int] = {}
        self._open = False
        self._duplicates = 0

    def add(
        self,
        appid: str,
        url: str,
        *,
        events: Collection[str] | None = None,
        cafile: str | None = None,
        check: bool = True,
    ) -> None:
        """Check an address and deliver the bot's events there, no longer by WebSocket.

        Blocks for the check, up to ``webhook_timeout`` real seconds. The simulator must run.

        Args:
            appid: A registered bot whose secret is known.
            url: Where to post; several addresses get every event each.
            events: Names of the events that are posted, as ticked in the console; None for all.
            cafile: Certificates to trust for https.
            check: Whether the address is checked first, as the console does.

        Raises:
            ValueError: No such bot, no secret, an address elsewhere, or too many of them.
            WebhookCheckError: The check failed; nothing has changed then.
        """
        secret = next((bot.secret for bot in self._platform.bots if bot.appid == appid), None)
        if secret is None:
            raise ValueError(
                f"posts are signed with the bot's secret: platform.register_bot({appid!r}, secret)"
            )
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url!r} is not an http address")
        if not self._allow_remote and not hosts.is_loopback(parts.hostname):
            raise ValueError(f"{parts.hostname!r} is not this machine: events stay on it")
        callback = Callback(
            self._platform, appid, secret=secret, url=url, events=events, cafile=cafile
        )
        if check:
            with self._under_check(callback):
                self._check(callback)
        with self._lock:
            self._require_open()
            mine = self._callbacks.setdefault(appid, [])
            if len(mine) >= _URLS:
                raise ValueError(f"a bot has at most {_URLS} callback addresses")
            mine.append(callback)
            callback.start()
        with self._platform.lock:
            self._platform.callbacks[appid] = self._deliver

    def _require_open(self) -> None:
        if not self._open:
            raise ValueError("the simulator is not running")

    @contextlib.contextmanager
    def _under_check(self, callback: Callback) -> Iterator[None]:
        """Let ``shut`` end a check, too."""
        with self._lock:
            self._require_open()
            self._checking.add(callback)
        try:
            yield
        finally:
            with self._lock:
                self._checking.discard(callback)

    def remove(self, appid: str, timeout: float = 5.0) -> None:
        """Deliver the bot's events by WebSocket again; what waits to be posted is dropped."""
        with self._platform.lock:
            self._platform.callbacks.pop(appid, None)
        with self._lock:
            gone = self._callbacks.pop(appid, [])
        for callback in gone:
            callback.stop()
        for callback in gone:
            callback.join(timeout)

    def duplicate_events(self, count: int = 1) -> None:
        """Post each of the next ``count`` events twice (6.4)."""
        with self._lock:
            self._duplicates += count

    def forge(self, count: int = 1) -> None:
        """Sign the next ``count`` posts of every address with another key: bots refuse them."""
        with self._lock:
            for callback in self._all():
                callback.forge(count)

    def open(self) -> None:
        """Post from now on, also to addresses that were added in an earlier start."""
        with self._lock:
            self._open = True
            for callback in self._all():
                callback.start()

    def shut(self) -> None:
        """Post no more, and end posts under way; never blocks."""
        with self._lock:
            self._open = False
            callbacks = [*self._all(), *self._checking]
        for callback in callbacks:
            callback.stop()

    def join(self, timeout: float) -> bool:
        """Wait after ``shut``; return whether every thread ended in time."""
        deadline = time.monotonic() + timeout
        with self._lock:
            callbacks = self._all()
        ended = [callback.join(deadline - time.monotonic()) for callback in callbacks]
        return all(ended)

    def _all(self) -> list[Callback]:
        return [callback for some in self._callbacks.values() for callback in some]

    def _deliver(self, appid: str, name: str, outer_id: str, data: str) -> int:
        """Queue an event for every address of the bot; called with the platform's lock held."""
        with self._lock:
            sequence = self._sequences[appid] = self._sequences.get(appid, 0) + 1
            head = f'"op":0,"s":{sequence},"t":"{name}","id":{json.dumps(outer_id)}'
            times = 1
            if self._duplicates > 0:
                self._duplicates -= 1
                times = 2
            body = f'{{{head},"d":{data}}}'.encode(errors="replace")
            wanting = [one for one in self._callbacks.get(appid, ()) if one.wants(name)]
            for callback in wanting:
                for _ in range(times):
                    callback.put(name, outer_id, body)
        return len(wanting) * times

    def _check(self, callback: Callback) -> None:
        """Ask the address to prove that it knows the secret (6.3).

        Raises:
            WebhookCheckError: It is not there, or does not.
        """
        plain = identifiers.token(10)
        event_ts = str(int(self._platform.clock.now()))
        d = {"plain_token": plain, "event_ts": event_ts}
        body = json.dumps({"d": d, "op": _CHECK}, separators=(",", ":")).encode()
        try:
            status, text = callback.post_once(body)
        except PostError as error:
            raise WebhookCheckError(10020, f"request third party failed: {error}") from error
        answer = _object(text)
        signed = callback.signer.proves(event_ts, plain, str(answer.get("signature", "")))
        if status != 200 or answer.get("plain_token") != plain or not signed:
            raise WebhookCheckError(13007, f"check endpoint error: HTTP {status} {text[:200]!r}")


def _object(text: bytes) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
