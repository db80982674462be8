"""Requests to the platform: authorised, judged by status and code, repeated where that is safe."""

from __future__ import annotations

import enum
import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlencode

from qqgroup_sync.api.failures import api_error, number, trace_id
from qqgroup_sync.api.transport import Exchange, Transport, json_body
from qqgroup_sync.errors import (
    ApiError,
    BadResponse,
    QQGroupError,
    RateLimited,
    TransportError,
)

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping, Sequence

    from qqgroup_sync.runtime.clock import Clock

logger = logging.getLogger(__name__)

WAITS = (0.3, 1.0, 2.0, 4.0)  # seconds before the second, third ... attempt
OUTAGE_WAIT = 5.0  # seconds between the attempts after those, while there is patience
LONGEST_WAIT = 30.0  # a longer Retry-After is the caller's to handle
PREFER_FIRST_AFTER = 600.0  # seconds on a fall-back host before the first is tried again


class Repeat(enum.Enum):
    """When a request may be sent again."""

    SAFE = "after any failure: doing it twice is the same as once"
    UNSENT = "only when it certainly was not carried out"
    NEVER = "never: the caller repeats it himself, changed"


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
        language: Language of cause and remedy in errors.
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
        language: str | None = None,
    ) -> None:
        self._transport = transport
        self._bases = tuple(base.rstrip("/") for base in bases)
        self._base = 0
        self._left_first_at = 0.0
        self._fell_over_at = float("-inf")
        self._authorize = authorize
        self._refused = refused
        self._appid = appid
        self._clock = clock
        self._stop = stop
        self._timeout = timeout
        self._pacer = pacer
        self._language = language
        self._headers: dict[str, str] = {}
        self._lead: float | None = None  # the platform's time minus our monotonic clock
        self._skew_known_until = float("-inf")

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
        if params:
            path = f"{path}?{urlencode(params)}"
        attempt, until = 0, self._clock.monotonic() + (patience or 0.0)
        reauthorised = False
        while True:
            base, header = self._current_base(), ""
            if self._pacer is not None:
                self._pacer.admit(method, path, unasked=unasked, patience=patience)
            try:
                header = self._authorize()
                exchange = self._exchange(
                    method, base, path, content, header, lean=lean, timeout=timeout
                )
                return self._judge(exchange, method, path, expects)
            except (TransportError, BadResponse) as error:
                # Without a header it was the token that could not be had: nothing was sent.
                failure: QQGroupError = error
                wait = self._wait_after_silence(
                    error, attempt, repeat, base if header else "", until
                )
            except ApiError as error:
                failure = error
                if header and _is_stale_token(error) and not reauthorised:
                    reauthorised = True
                    self._refused(header)
                    continue
                wait = self._wait_after_refusal(
                    error, attempt, repeat, base if header else "", path
                )
                if header:
                    self._hold(error, wait, method, path, unasked=unasked)
            if wait is None:
                raise failure
            attempt += 1
            # On the way to the gateway the runner tells what is wrong: once, not for hours.
            level = logging.DEBUG if path.startswith("/gateway") else logging.INFO
            logger.log(level, "%s; trying again in %.1f s", failure.summary, wait)
            if self._clock.wait(self._stop, wait):
                raise failure

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
        if self._clock.monotonic() >= self._skew_known_until:
            self._learn_skew(exchange)
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

    # ------------------------------------------------------------------ trying again

    def _wait_after_silence(
        self,
        error: TransportError | BadResponse,
        attempt: int,
        repeat: Repeat,
        base: str,
        until: float,
    ) -> float | None:
        """Return the seconds to wait before another attempt, or None when that is not safe.

        Args:
            error: No answer, or one that says nothing.
            attempt: Number of this one.
            repeat: When the request may be sent again.
            base: Host that did not answer; empty when nothing was sent to it.
            until: When the clock says that, there is no sense in it any more.
        """
        never_sent = isinstance(error, TransportError) and error.never_sent
        if base and never_sent:
            self._fall_over(base)
        unsafe = repeat is not Repeat.SAFE and base and not never_sent
        if unsafe or repeat is Repeat.NEVER:
            return None
        wait = _wait_before(attempt)
        lasting = repeat is Repeat.SAFE and self._clock.monotonic() + OUTAGE_WAIT < until
        return OUTAGE_WAIT if wait is None and lasting else wait

    def _wait_after_refusal(
        self, error: ApiError, attempt: int, repeat: Repeat, base: str, path: str
    ) -> float | None:
        """Return the seconds to wait before another attempt, or None when there is no sense.

        Args:
            error: What was refused, and how.
            attempt: Number of this one.
            repeat: When the request may be sent again.
            base: Host that refused it; empty for the token endpoint.
            path: Of the request.
        """
        if repeat is Repeat.NEVER:
            return None
        if not base:  # nothing was sent: only a refusal for good is none to wait for
            may_pass = _is_transient(error) is not False
            return _wait_as_asked(error, _wait_before(attempt)) if may_pass else None
        if error.status >= 500 and path.startswith("/gateway"):
            self._fall_over(base)  # the old host failed for some bots since 2026-07-28
        transient = _is_transient(error)
        if isinstance(error, RateLimited):
            if transient is False:
                return None  # the remedy is to send something else, or much later
            wait = error.retry_after if error.retry_after is not None else _wait_before(attempt, 1)
            return wait if wait is not None and wait <= LONGEST_WAIT and attempt < 3 else None
        if transient is None:  # a code that nobody knows, or none: the status decides
            transient = error.status >= 500 and repeat is Repeat.SAFE
        return _wait_as_asked(error, _wait_before(attempt)) if transient else None

    def _hold(
        self, error: ApiError, wait: float | None, method: str, path: str, *, unasked: bool
    ) -> None:
        """Let others wait, too, whom the platform would refuse for the same rate."""
        if isinstance(error, RateLimited) and self._pacer is not None:
            pause = error.retry_after or wait or 0.0
            self._pacer.hold(method, path, pause, unasked=unasked, all_=error.status == 429)

    def _current_base(self) -> str:
        if self._base and self._clock.monotonic() - self._left_first_at > PREFER_FIRST_AFTER:
            self._base = 0
        return self._bases[self._base]

    def _fall_over(self, base: str) -> None:
        """Take the next host, unless another thread did so already."""
        if len(self._bases) > 1 and self._bases[self._base] == base:
            # From base, not from _base: two threads at once must come to the same host.
            self._base = (self._bases.index(base) + 1) % len(self._bases)
            now, before = self._clock.monotonic(), self._fell_over_at
            self._left_first_at = self._fell_over_at = now
            news = now - before > PREFER_FIRST_AFTER  # in an outage it goes to and fro
            logger.log(
                logging.INFO if news else logging.DEBUG,
                "%s does not answer; trying %s", base, self._bases[self._base],
            )  # fmt: skip

    # ------------------------------------------------------------------ the platform's clock

    def _learn_skew(self, exchange: Exchange) -> None:
        from datetime import timezone  # noqa: PLC0415 - once a minute
        from email.utils import parsedate_to_datetime  # noqa: PLC0415 - once a minute

        self._skew_known_until = self._clock.monotonic() + 60.0
        try:
            date = parsedate_to_datetime(exchange.headers["Date"])
            theirs = (date if date.tzinfo else date.replace(tzinfo=timezone.utc)).timestamp()
        except (KeyError, TypeError, ValueError, OverflowError):
            return
        skew = theirs + 0.5 - self._clock.time()  # the header has whole seconds
        skew = skew if abs(skew) > 1.5 else 0.0
        self._lead = self._clock.time() + skew - self._clock.monotonic()

    def platform_time(self) -> float | None:
        """Return the platform's Unix time; None while no answer has told it.

        It goes on by the monotonic clock, whatever somebody sets the machine's clock to.
        """
        return None if self._lead is None else self._clock.monotonic() + self._lead


def _wait_before(attempt: int, first: int = 0) -> float | None:
    """Return the seconds before the attempt after ``attempt``; None after the last one."""
    place = attempt + first
    return WAITS[place] if attempt < 3 and place < len(WAITS) else None


def _wait_as_asked(error: ApiError, wait: float | None) -> float | None:
    """Return the wait, or what ``Retry-After`` asks for when that is longer; None for too long."""
    asked = error.retry_after or 0.0
    return None if wait is None or asked > LONGEST_WAIT else max(wait, asked)


def _is_stale_token(error: ApiError) -> bool:
    from qqgroup_sync.error_codes import TOKEN_CODES  # noqa: PLC0415 - only after a refusal

    return error.status == 401 and (bool(error.codes & TOKEN_CODES) or not error.codes)


def _is_transient(error: ApiError) -> bool | None:
    """Return whether the same request may succeed soon; None when no code is known."""
    from qqgroup_sync.error_codes import lookup  # noqa: PLC0415 - only after a refusal

    info = lookup(error.err_code, error.code)
    return info.transient if info is not None else None


def _audit_id(data: dict[str, Any]) -> str:
    inner = data.get("data")
    audit = inner.get("message_audit") if isinstance(inner, dict) else None
    audit_id = audit.get("audit_id") if isinstance(audit, dict) else None
    return str(audit_id or "pending")
