"""Read what requests carry beside messages: openids, moments, pages; refuse the rest with 10003.

Pure.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from qqgroup_sync.simulator.refusals import RefusalError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

T = TypeVar("T")

_PAGE = 20
_PAGE_LIMIT = 100
_NUMBER = re.compile(r"[0-9]{1,9}")


def page(
    items: Sequence[T], cursor: str, limit: str = "", *, usual: int = _PAGE
) -> tuple[Sequence[T], str]:
    """Return one page and the cursor of the next, empty at the end.

    Args:
        items: Everything there is.
        cursor: As the request has it; "" for the first page.
        limit: Entries per page, as the request has it.
        usual: Entries per page when it has none.
    """
    begin = _number(cursor or "0", "cursor", 0, 10**9)
    end = begin + _number(limit or str(usual), "limit", 1, _PAGE_LIMIT)
    return items[begin:end], str(end) if end < len(items) else ""


def _number(text: str, field: str, least: int, most: int) -> int:
    # Not isdigit(): that also takes what int() does not.
    number = int(text) if _NUMBER.fullmatch(text) else -1
    if not least <= number <= most:
        raise RefusalError(10003, f"{field} must be a number from {least} to {most}")
    return number


def strings(payload: Mapping[str, Any], field: str, most: int) -> list[str]:
    """Return a list of strings with at least one and at most ``most`` entries."""
    found = payload.get(field)
    if not isinstance(found, list) or not 0 < len(found) <= most:
        raise RefusalError(10003, f"{field} must have 1 to {most} entries")
    if not all(isinstance(one, str) for one in found):
        raise RefusalError(10003, f"{field} must be strings")
    return found


def moment(text: Any, field: str) -> float:
    """Return the seconds since the epoch of an RFC3339 time."""
    found = None
    if isinstance(text, str):
        with suppress(ValueError):
            found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if found is None or found.tzinfo is None:
        raise RefusalError(10003, f"{field} is not RFC3339")
    return found.timestamp()
