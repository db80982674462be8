"""What all endpoints share: checked paths and bodies, required fields, pages."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from qqgroup_sync.errors import BadResponse, ConfigError, Text
from qqgroup_sync.events.lenient import mappings, string

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from qqgroup_sync.api.group_records import Page
    from qqgroup_sync.api.http import Answer, Http

ItemT = TypeVar("ItemT")

_CHINA = timezone(timedelta(hours=8))
_OPENID_REMEDY = Text(
    "openids come only from events (message.group_openid and the like); there is no list of the "
    "bot's groups or friends.",
    "openid 只能从事件里拿（例如 message.group_openid）；平台没有列出机器人群或好友的接口。",
)
_ID_REMEDY = Text(
    "Pass the id exactly as an event or an earlier answer brought it.",
    "id 要原样使用事件里收到的，或者之前接口返回的那个。",
)


class Calls:
    """Base of the groups of endpoints.

    Args:
        http: Carries the requests.
    """

    def __init__(self, http: Http) -> None:
        self._http = http

    def _page(
        self,
        path: str,
        key: str,
        read: Callable[[dict[str, Any]], ItemT],
        *,
        cursor: str,
        limit: int | None = None,
        **query: str,
    ) -> Page[ItemT]:
        """Fetch one page; ``key`` names the list in the answer, ``read`` types its entries."""
        from qqgroup_sync.api.group_records import Page  # noqa: PLC0415 - few bots list anything

        if cursor:
            query["cursor"] = cursor
        if limit is not None:
            query["limit"] = str(limit)
        data = self._http.call("GET", path, params=query or None).data
        # An empty list of panels comes as {"is_end": true} and nothing else.
        last = data.get("is_end") is True
        return Page(
            tuple(read(item) for item in mappings(data.get(key))),
            "" if last else string(data.get("next_cursor")),
            data,
        )


def each(fetch: Callable[[str], Page[ItemT]]) -> Iterator[ItemT]:
    """Yield the entries of all pages; a page is fetched when its first entry is asked for."""
    cursor = ""
    while True:
        page = fetch(cursor)
        yield from page.items
        # A cursor that stands still, or pages that stay empty, would go on for ever.
        if not page.items or page.next_cursor in ("", cursor):
            return
        cursor = page.next_cursor


def segment(value: str, name: str) -> str:
    """Return an id as one segment of a path, percent-encoded.

    Raises:
        ConfigError: The id is empty, or would change the path.
    """
    if isinstance(value, str):
        if value.isalnum() and value.isascii():  # every openid; quote() costs ten times that
            return value
        if value.strip(" ."):
            return quote(value, safe="")
    raise ConfigError(
        f"{name} must be a non-empty string, not {value!r}",
        remedy=_OPENID_REMEDY if name.endswith("openid") else _ID_REMEDY,
    )


def openids(values: Sequence[str], name: str) -> list[str]:
    """Return the ids of a list for a body.

    Raises:
        ConfigError: It is a single string, or it or one of its entries is empty.
    """
    ids = [] if isinstance(values, str) else list(values)
    if not ids or not all(isinstance(one, str) and one.strip() for one in ids):
        raise ConfigError(
            f"{name} must be a list of non-empty strings, not {values!r}", remedy=_OPENID_REMEDY
        )
    return ids


def given(**fields: Any) -> dict[str, Any]:
    """Return the fields that are not None: the platform may refuse a null."""
    return {name: value for name, value in fields.items() if value is not None}


def required(answer: Answer, key: str, call: str) -> str:
    """Return a field without which an answer is of no use.

    Raises:
        BadResponse: It is missing or empty.
    """
    value = string(answer.data.get(key))
    if not value:
        trace = f" [trace {answer.trace_id}]" if answer.trace_id else ""
        raise BadResponse(f"{call}: the answer (HTTP {answer.status}) has no {key!r}{trace}")
    return value


def rfc3339(moment: float) -> str:
    """Return Unix seconds as the platform writes times, in China's time zone."""
    return datetime.fromtimestamp(moment, _CHINA).isoformat(timespec="seconds")
