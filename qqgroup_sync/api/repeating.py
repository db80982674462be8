"""Whether a failed request goes out again, and when."""

from __future__ import annotations

import enum

from qqgroup_sync.errors import (
    ApiError,
    BadResponse,
    QQGroupError,
    RateLimited,
    ReplyExpired,
    ReplyLimitReached,
    TransportError,
)

WAITS = (0.3, 1.0, 2.0, 4.0)  # seconds before the second, third ... attempt
OUTAGE_WAIT = 5.0  # seconds between the attempts after those, while there is patience
LONGEST_WAIT = 30.0  # a longer Retry-After is the caller's to handle
# Failures of an attempt that tell nothing about the attempts before it.
NO_NEWS = (ReplyExpired, ReplyLimitReached, RateLimited, TransportError)


class Repeat(enum.Enum):
    """When a request may be sent again."""

    SAFE = "after any failure: doing it twice is the same as once"
    UNSENT = "only when it certainly was not carried out"
    NEVER = "never: the caller repeats it himself, changed"


def wait_after(
    error: QQGroupError, attempt: int, repeat: Repeat, *, asked: bool, left: float
) -> float | None:
    """Return the seconds to wait before another attempt, or None when there is to be none.

    Args:
        error: What this attempt met.
        attempt: Its number.
        repeat: When the request may be sent again.
        asked: Whether the request was sent; else it was the token that could not be had.
        left: Seconds for which an answer is waited for; less than 0 gives up soon.
    """
    if repeat is Repeat.NEVER:
        return None
    if isinstance(error, ApiError):
        return _after_refusal(error, attempt, repeat) if asked else _after_no_token(error, attempt)
    if not isinstance(error, TransportError | BadResponse):
        return None
    never_sent = isinstance(error, TransportError) and error.never_sent
    if repeat is not Repeat.SAFE and asked and not never_sent:
        return None
    wait = _wait_before(attempt)
    lasting = repeat is Repeat.SAFE and left > OUTAGE_WAIT
    return OUTAGE_WAIT if wait is None and lasting else wait


def _after_no_token(error: ApiError, attempt: int) -> float | None:
    """Only a refusal for good is none to wait for: nothing was sent."""
    may_pass = _is_transient(error) is not False
    return _wait_as_asked(error, _wait_before(attempt)) if may_pass else None


def _after_refusal(error: ApiError, attempt: int, repeat: Repeat) -> float | None:
    transient = _is_transient(error)
    if isinstance(error, RateLimited):
        if transient is False:
            return None  # the remedy is to send something else, or much later
        wait = error.retry_after if error.retry_after is not None else _wait_before(attempt, 1)
        return wait if wait is not None and wait <= LONGEST_WAIT and attempt < 3 else None
    if transient is None:  # a code that nobody knows, or none: the status decides
        transient = error.status >= 500 and repeat is Repeat.SAFE
    return _wait_as_asked(error, _wait_before(attempt)) if transient else None


def outcome(failure: QQGroupError, doubt: QQGroupError | None, *, asked: bool) -> QQGroupError:
    """Return what to tell when no attempt succeeded.

    Args:
        failure: What the last attempt met.
        doubt: What the last one met that may have been carried out all the same.
        asked: Whether the last one was sent.
    """
    if doubt is None or doubt is failure or (asked and not isinstance(failure, NO_NEWS)):
        return failure
    doubt.__cause__ = failure
    return doubt


def _wait_before(attempt: int, first: int = 0) -> float | None:
    """Return the seconds before the attempt after ``attempt``; None after the last one."""
    place = attempt + first
    return WAITS[place] if attempt < 3 and place < len(WAITS) else None


def _wait_as_asked(error: ApiError, wait: float | None) -> float | None:
    """Return the wait, or what ``Retry-After`` asks for when that is longer; None for too long."""
    asked = error.retry_after or 0.0
    return None if wait is None or asked > LONGEST_WAIT else max(wait, asked)


def is_stale_token(error: QQGroupError) -> bool:
    """Return whether a request was refused for a token that has to be renewed."""
    if not isinstance(error, ApiError) or error.status != 401:
        return False
    from qqgroup_sync.error_codes import TOKEN_CODES  # noqa: PLC0415 - only after a refusal

    return not error.codes or bool(error.codes & TOKEN_CODES)


def _is_transient(error: ApiError) -> bool | None:
    """Return whether the same request may succeed soon; None when no code is known."""
    from qqgroup_sync.error_codes import lookup  # noqa: PLC0415 - only after a refusal

    info = lookup(error.err_code, error.code)
    return info.transient if info is not None else None
