"""Requests to the platform: authorised, judged by status and code, repeated where that is safe."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlencode

from qqgroup_sync.api.failures import api_error, number, trace_id
from qqgroup_sync.api.hosts import Hosts
from qqgroup_sync.api.platform_clock import PlatformClock
from qqgroup_sync.api.repeating import Repeat, is_stale_token, outcome, wait_after
from qqgroup_sync.api.transport import Exchange, Transport, json_body
from qqgroup_sync.errors import (
    BadResponse,
    QQGroupError,
    RateLimited,
    TransportError,
    may_have_acted,
)

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping, Sequence

    from qqgroup_sync.runtime.clock import Clock

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the platform answered.

    Attributes:
        status: HTTP status, 2xx.
        data: The JSON body; empty when there was none.
        trace_id: What Tencent's support asks for.
        audit_id: Set when the request was accepted for review only (HTTP 201 or 202).
    """

    status: int
    data: dict[str, Any]
    trace_id: str = ""
    audit_id: str = ""


class Pacer(Protocol):
    """Who keeps calls below the platform's rates."""

    def admit(self, method: str, path: str, *, unasked: bool, patience: float | None) -> None:
        """Wait until a call may be made, and count it; raises when that would take too long."""

    def hold(self, method: str, path: str, seconds: float, *, unasked: bool, all_: bool) -> None:
        """Note that the platform refused a call for its rate, and asked for a pause."""


class Http:
    """The platform's REST interface for one bot; safe from any thread.

    Args:
        transport: Carries the requests.
        bases: Hosts, the first one preferred; the next is taken when one does not answer.
        authorize: Returns the Authorization header.
        refused: Told about a header that the platform refused.
        appid: Sent as X-Union-Appid, as the official SDKs do.
        clock: Where time comes from.
        stop: Ends every wait between attempts.
        timeout: Seconds for one attempt.
        pacer: Keeps calls below the platform's rates; None lets the platform refuse.
        ready: Asked before each attempt to send a message, with the moment of the clock until
            which it may take (None: as long as usual). Returns as soon as the message would be
            shown, and tells whether that was at once; raises when it is not so in time.
        language: Language of cause and remedy in errors.

    Attributes:
        platform_time: Returns the platform's Unix time; None while no answer has told it.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        bases: Sequence[str],
        authorize: Callable[[], str],
        refused: Callable[[str], None],
        appid: str,
        clock: Clock,
        stop: threading.Event,
        timeout: float = 30.0,
        pacer: Pacer | None = None,
        ready: Callable[[float | None], bool] | None = None,
        language: str | None = None,
    ) -> None:
        self._transport = transport
        self._hosts = Hosts(bases, clock)
        self._authorize = authorize
        self._refused = refused
        self._appid = appid
        self._clock = clock
        self._stop = stop
        self._timeout = timeout
        self._pacer = pacer
        self._ready = ready
        self._language = language
        self._headers: dict[str, str] = {}
        self._platform_clock = PlatformClock(clock)
        self.platform_time = self._platform_clock.time

    def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | bytes | None = None,
        *,
        repeat: Repeat = Repeat.SAFE,
        params: Mapping[str, str] | None = None,
        lean: bool = False,
        timeout: float | None = None,
        expects: str = "",
        unasked: bool = False,
        patience: float | None = None,
    ) -> Answer:
        """Send a request and return its answer; blocks, from any thread.

        Args:
            method: HTTP method.
            path: Path below the host.
            body: JSON body; bytes are one already.
            repeat: When the request may be sent again.
            params: Query.
            lean: Take the short way through the connection pool; for the hot calls.
            timeout: Seconds for one attempt.
            expects: Field without which an answer is of no use, unless it waits for review.
            unasked: Whether this is a proactive message, which has a rate of its own.
            patience: Seconds to wait at most for what the platform's rates allow, and for an
                answer where none comes.

        Raises:
            ApiError: The platform said no; the subclass says what to do.
            TransportError: No answer came.
            BadResponse: A 2xx answer is not what the API promises.
        """
        content = body if body is None or isinstance(body, bytes) else json_body(body)
        sends = method == "POST" and path.endswith("messages")  # or stream_messages
        if params:
            path = f"{path}?{urlencode(params)}"
        until = None if patience is None else self._clock.monotonic() + patience
        attempt, reauthorised, admitted = 0, False, False
        doubt: QQGroupError | None = None  # the last failure of a message that may have gone out
        while True:
            base, header, turn = self._hosts.current(), "", False
            try:
                self._wait_for_turn(
                    method,
                    path,
                    admitted=admitted,
                    sends=sends,
                    unasked=unasked,
                    patience=patience,
                    until=until,
                )
                turn = True
                header = self._authorize()
                exchange = self._exchange(
                    method, base, path, content, header, lean=lean, timeout=timeout
                )
                return self._judge(exchange, method, path, expects)
            except QQGroupError as error:
                failure = error
            if header and is_stale_token(failure) and not reauthorised:
                reauthorised = admitted = True  # what nobody was let in with takes no other turn
                self._refused(header)
                continue
            if sends and header and may_have_acted(failure):
                doubt = failure
            left = -1.0 if until is None else until - self._clock.monotonic()
            wait = None
            if turn:
                wait = wait_after(failure, attempt, repeat, asked=bool(header), left=left)
            if header:
                self._learn(failure, wait, base, method, path, unasked=unasked)
            if wait is None:
                break
            attempt, admitted = attempt + 1, False
            # On the way to the gateway the runner tells what is wrong: once, not for hours.
            level = logging.DEBUG if path.startswith("/gateway") else logging.INFO
            logger.log(level, "%s; trying again in %.1f s", failure.summary, wait)
            if self._clock.wait(self._stop, wait):
                break
            patience = None if until is None else until - self._clock.monotonic()
        raise outcome(failure, doubt, asked=bool(header))

    def _wait_for_turn(
        self,
        method: str,
        path: str,
        *,
        admitted: bool,
        sends: bool,
        unasked: bool,
        patience: float | None,
        until: float | None,
    ) -> None:
        """Wait until a call may be made, and until a message will be shown."""
        while True:
            if self._pacer is not None and not admitted:
                self._pacer.admit(method, path, unasked=unasked, patience=patience)
            if not sends or self._ready is None or self._ready(until):
                return
            # All who have waited there would come at once: each takes another turn.
            patience = None if until is None else until - self._clock.monotonic()
            admitted = False

    def _exchange(
        self,
        method: str,
        base: str,
        path: str,
        content: bytes | None,
        header: str,
        *,
        lean: bool,
        timeout: float | None,
    ) -> Exchange:
        timeout = timeout or self._timeout
        headers = self._headers
        if headers.get("Authorization") != header:
            headers = self._headers = {
                "Authorization": header,
                "Content-Type": "application/json; charset=utf-8",
                "X-Union-Appid": self._appid,
                "User-Agent": "qqgroup_sync",
            }
        if lean and content is not None:
            return self._transport.lean(
                method, base, path, body=content, headers=headers, timeout=timeout
            )
        return self._transport.request(
            method, base + path, body=content, headers=headers, timeout=timeout
        )

    # ------------------------------------------------------------------ judging

    def _judge(self, exchange: Exchange, method: str, path: str, expects: str) -> Answer:
        self._platform_clock.note(exchange.headers)
        status = exchange.status
        data = self._body(exchange, method, path)
        if not 200 <= status < 300:
            raise api_error(exchange, data, method, path, language=self._language)
        code = number(data.get("err_code")) or number(data.get("code"))
        if status in (201, 202):
            return Answer(status, data, trace_id(exchange, data), _audit_id(data))
        if code and "id" not in data:
            raise api_error(exchange, data, method, path, language=self._language)
        if expects and not data.get(expects):
            raise BadResponse(
                f"{method} {path.partition('?')[0]}: the answer (HTTP {status}) has no {expects!r}",
                language=self._language,
            )
        return Answer(status, data, exchange.headers.get("X-Tps-trace-ID", ""))

    def _body(self, exchange: Exchange, method: str, path: str) -> dict[str, Any]:
        if not exchange.content:
            return {}
        try:
            data = json.loads(exchange.content)
        except (ValueError, RecursionError) as error:
            if not 200 <= exchange.status < 300:
                return {}  # an HTML page of something between: the status says enough
            raise BadResponse(
                f"{method} {path.partition('?')[0]}: HTTP {exchange.status} with a body that is"
                f" not JSON ({len(exchange.content)} bytes)",
                language=self._language,
            ) from error
        return data if isinstance(data, dict) else {"data": data}

    def _learn(
        self,
        error: QQGroupError,
        wait: float | None,
        base: str,
        method: str,
        path: str,
        *,
        unasked: bool,
    ) -> None:
        """Leave a host that fails; let others wait who would be refused for the same rate."""
        gateway_fails = path.startswith("/gateway") and getattr(error, "status", 0) >= 500
        if gateway_fails or (isinstance(error, TransportError) and error.never_sent):
            self._hosts.leave(base)  # the old one has no gateway for some bots since 2026-07-28
        if isinstance(error, RateLimited) and self._pacer is not None:
            pause = error.retry_after or wait or 0.0
            self._pacer.hold(method, path, pause, unasked=unasked, all_=error.status == 429)


def _audit_id(data: dict[str, Any]) -> str:
    inner = data.get("data")
    audit = inner.get("message_audit") if isinstance(inner, dict) else None
    audit_id = audit.get("audit_id") if isinstance(audit, dict) else None
    return str(audit_id or "pending")
