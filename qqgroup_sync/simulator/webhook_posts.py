"""One callback address: a queue, the thread that posts it, and what is tried again (6.1, 6.4)."""

from __future__ import annotations

import contextlib
import heapq
import http.client
import itertools
import json
import threading
import time
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from qqgroup_sync.simulator import identifiers
from qqgroup_sync.simulator.outgoing import OutgoingConnection
from qqgroup_sync.simulator.records import WebhookPost
from qqgroup_sync.simulator.signing import Signer

if TYPE_CHECKING:
    from collections.abc import Collection

    from qqgroup_sync.simulator.platform import Platform

_MAX_ANSWER = 64 * 1024
_numbers = itertools.count(1)


class PostError(Exception):
    """No answer came: the text says why."""


class _Waiting(NamedTuple):
    """One event that is to be posted; the earliest comes first, then the oldest."""

    due: float
    number: int
    name: str
    outer_id: str
    body: bytes
    attempt: int


class Callback:
    """One address of one bot.

    Args:
        platform: Its clock, rules and observers are used.
        appid: Whose address it is.
        secret: What posts are signed with.
        url: The address.
        events: The names that are posted; None for all.
        cafile: Certificates to trust for https.
    """

    def __init__(
        self,
        platform: Platform,
        appid: str,
        *,
        secret: str,
        url: str,
        events: Collection[str] | None,
        cafile: str | None,
    ) -> None:
        self.signer = Signer(secret)
        self._forger = Signer(f"not {secret}")
        self._platform = platform
        self._appid = appid
        self._url = url
        self._parts = urlsplit(url)
        self._events = None if events is None else frozenset(events)
        self._cafile = cafile
        self._changed = threading.Condition()
        self._waiting: list[_Waiting] = []
        self._order = itertools.count()
        self._forged = 0
        self._stopped = False
        self._thread: threading.Thread | None = None
        self._outgoing: OutgoingConnection | None = None  # what ``stop`` cuts
        self._connection: http.client.HTTPConnection | None = None

    def wants(self, name: str) -> bool:
        """Tell whether an event is posted here."""
        return self._events is None or name in self._events

    def put(self, name: str, outer_id: str, body: bytes) -> None:
        """Queue an event; never blocks."""
        self._put(_Waiting(0.0, next(self._order), name, outer_id, body, 1))

    def _put(self, waiting: _Waiting) -> None:
        with self._changed:
            heapq.heappush(self._waiting, waiting)
            self._changed.notify_all()

    def forge(self, count: int) -> None:
        """Sign the next ``count`` posts with another key."""
        with self._changed:
            self._forged += count

    def start(self) -> None:
        """Post from now on."""
        with self._changed:
            self._stopped = False
        name = f"simulator-webhook-{next(_numbers)}"
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Post no more, and end a post that is under way."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
            outgoing = self._outgoing
        if outgoing is not None:
            outgoing.cut()

    def join(self, timeout: float) -> bool:
        """Wait for the thread; return whether it has ended."""
        if self._thread is None:
            return True
        self._thread.join(max(0.0, timeout))
        return not self._thread.is_alive()

    def _run(self) -> None:
        """Post what is due: the body of the thread."""
        try:
            while (waiting := self._next()) is not None:
                self._attempt(waiting)
        finally:
            self._hang_up()

    def _next(self) -> _Waiting | None:
        """Return what is due next, None when it is time to stop."""
        with self._changed:
            while not self._stopped:
                left = self._waiting[0].due - time.monotonic() if self._waiting else None
                if left is not None and left <= 0:
                    return heapq.heappop(self._waiting)
                self._changed.wait(left)
            return None

    def _attempt(self, waiting: _Waiting) -> None:
        """Post one event once, and see to what follows from the answer."""
        rules, started = self._platform.rules, time.perf_counter()
        with self._changed:
            forged = self._forged > 0
            self._forged -= forged
        status: int | None = None
        try:
            status, answer = self._post(waiting.body, self._forger if forged else self.signer)
            accepted = status == 200 and _acknowledged(
                answer, required=rules.webhook_ack == "op12", failures=rules.webhook_failures
            )
        except PostError as error:
            answer, accepted = str(error).encode(), False
        if self._stopped:
            return
        again = not accepted and not forged and waiting.attempt <= rules.webhook_retries
        outcome = "accepted" if accepted else "tried again" if again else "given up"
        self._platform.stats.add(f"webhooks_{outcome.replace(' ', '_')}")
        self._platform.report(
            "webhook",
            WebhookPost(
                appid=self._appid,
                url=self._url,
                name=waiting.name,
                id=waiting.outer_id,
                attempt=waiting.attempt,
                status=status,
                answer=answer.decode(errors="replace"),
                seconds=time.perf_counter() - started,
                outcome=outcome,
            ),
        )
        if again:
            due = time.monotonic() + rules.webhook_retry_delay
            self._put(waiting._replace(due=due, attempt=waiting.attempt + 1))

    # -- HTTP

    def post_once(self, body: bytes) -> tuple[int, bytes]:
        """Post something outside the queue, before ``start``; return status and answer.

        Raises:
            PostError: None came.
        """
        try:
            return self._post(body, self.signer)
        finally:
            self._hang_up()

    def _post(self, body: bytes, signer: Signer) -> tuple[int, bytes]:
        """Post and return status and answer; a connection that was kept may have been closed.

        Raises:
            PostError: No answer came within ``webhook_timeout`` real seconds of silence.
        """
        timestamp = str(int(self._platform.clock.now()))
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "QQBot-Callback",
            "X-Bot-Appid": self._appid,
            "X-Signature-Ed25519": signer.sign(timestamp, body),
            "X-Signature-Timestamp": timestamp,
            "X-Signature-Method": "Ed25519",
            "X-Tps-trace-ID": identifiers.token(),
        }
        kept = self._connection is not None
        try:
            return self._exchange(body, headers)
        except (OSError, http.client.HTTPException) as error:
            self._hang_up()
            if not kept or self._stopped or isinstance(error, TimeoutError):
                raise PostError(f"{type(error).__name__}: {error}") from error
        try:
            return self._exchange(body, headers)
        except (OSError, http.client.HTTPException) as error:
            self._hang_up()
            raise PostError(f"{type(error).__name__}: {error}") from error

    def _exchange(self, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        connection = self._connect()
        target = self._parts._replace(scheme="", netloc="", fragment="").geturl() or "/"
        connection.request("POST", target, body, headers)
        response = connection.getresponse()
        answer = response.read(_MAX_ANSWER)
        if not response.isclosed() or response.will_close:
            self._hang_up()
        return response.status, answer

    def _connect(self) -> http.client.HTTPConnection:
        if self._connection is not None:
            return self._connection
        outgoing = OutgoingConnection()
        with self._changed:
            if self._stopped:
                raise ConnectionAbortedError("the simulator stops")
            self._outgoing = outgoing
        timeout = self._platform.rules.webhook_timeout
        self._connection = outgoing.open(self._parts, timeout=timeout, cafile=self._cafile)
        return self._connection

    def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        with self._changed:
            self._outgoing = None
        if connection is not None:
            with contextlib.suppress(OSError):  # it may have been shut down by ``stop``
                connection.close()


def _acknowledged(answer: bytes, *, required: bool, failures: bool) -> bool:
    """Tell whether a 200 is an acknowledgement: ``{"op":12}``, or anything that is not a no."""
    try:
        found = json.loads(answer)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or found.get("op") != 12:
        return not required
    return not (failures and found.get("d") == 1)
