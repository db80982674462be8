"""From a refusal of the platform to the error that names its cause and remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from qqgroup_sync import errors
from qqgroup_sync.errors import ApiError, Text

if TYPE_CHECKING:
    from qqgroup_sync.api.transport import Exchange

_BY_STATUS: dict[int, type[ApiError]] = {
    401: errors.AuthError,
    403: errors.Forbidden,
    404: errors.NotFound,
    413: errors.MediaRejected,
    429: errors.RateLimited,
}


def api_error(
    exchange: Exchange,
    data: dict[str, Any],
    method: str,
    url: str,
    *,
    language: str | None = None,
) -> ApiError:
    """Return the error for an answer that is a refusal; ``data`` is its body, {} if not JSON."""
    from qqgroup_sync import error_codes  # noqa: PLC0415 - the table is read when first needed

    code, err_code = number(data.get("code")), number(data.get("err_code"))
    info = error_codes.lookup(err_code, code)
    kind: type[ApiError]
    cause: Text | None = None
    remedy: Text | None = None
    if info is not None:
        kind = getattr(errors, info.error)
        cause, remedy = Text(*info.cause), Text(*info.remedy)
    elif exchange.status >= 500:
        kind = errors.ServerError
    else:
        kind = _BY_STATUS.get(exchange.status, ApiError)
    extra = {"reason": info.reason} if info is not None and info.reason else {}
    message = data.get("message")
    return kind(
        status=exchange.status,
        code=code,
        err_code=err_code,
        message=message if isinstance(message, str) else "",
        trace_id=trace_id(exchange, data),
        method=method,
        path=urlsplit(url).path,
        retry_after=retry_after(exchange),
        cause=cause,
        remedy=remedy,
        language=language,
        **extra,
    )


def trace_id(exchange: Exchange, data: dict[str, Any]) -> str:
    """Return what Tencent's support asks for, from the body or the header."""
    return str(data.get("trace_id") or exchange.headers.get("X-Tps-trace-ID") or "")


def retry_after(exchange: Exchange) -> float | None:
    """Return the seconds of ``Retry-After``; None when absent or a date."""
    try:
        return max(0.0, float(exchange.headers.get("Retry-After", "")))
    except ValueError:
        return None


def number(value: Any) -> int:
    """Return a code of a body, sent as number or string; 0 when it is none."""
    try:
        return int(value or 0)
    except (TypeError, ValueError, OverflowError):
        return 0
