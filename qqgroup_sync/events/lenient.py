"""Read values of a payload that may be missing, null or of another type, without ever raising.

The platform's own pages contradict its payloads (int or RFC3339 for a time, null for a string),
and an event must not be lost over that.
"""

from __future__ import annotations

import math
import re
from datetime import datetime, timedelta, timezone
from typing import Any

_CHINA = timezone(timedelta(hours=8))
# For what datetime.fromisoformat of Python 3.10 refuses: "Z", a fraction of 1 or of 9 digits.
# Not compiled here: it is rarely needed, and compiling would slow every import.
_RFC3339 = r"\s*(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(\.\d+)?\s*(?:[Zz]|([+-]\d\d):?(\d\d))?\s*"
# Later than this many seconds is the year 5138: such a number counts in a smaller unit.
_LATEST_SECONDS = 1e11


def string(value: object) -> str:
    """Return a string; a number as its digits, anything else as an empty string."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return ""


def integer(value: object) -> int:
    """Return an integer, also from digits in a string; 0 for anything else."""
    if isinstance(value, int):
        return int(value)
    try:
        return int(value) if isinstance(value, (str, float)) else 0
    except (ValueError, OverflowError):
        return 0


def flag(value: object) -> bool:
    """Return whether the value says yes: true, 1, "true" or "1"."""
    return value is True or value == 1 or value in ("true", "1")


def mapping(value: object) -> dict[str, Any]:
    """Return an object of JSON; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def mappings(value: object) -> list[dict[str, Any]]:
    """Return the objects in a list of JSON; an empty list for anything else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def pairs(scene: object) -> dict[str, str]:
    """Return the ``key=value`` pairs in the ``ext`` of a ``message_scene``.

    Without ``auth_token``: what it is for is unknown, and logs would keep it.
    """
    ext = scene.get("ext") if isinstance(scene, dict) else None
    found: dict[str, str] = {}
    for item in ext if isinstance(ext, list) else ():
        if isinstance(item, str):
            key, equals, value = item.partition("=")
            if equals and "token" not in key:
                found[key.strip()] = value
    return found


def link(value: object) -> str:
    """Return a URL with a scheme.

    Source: attachments come without one, or with ``//`` only, at times (live payloads, 2026-05).
    """
    url = string(value).strip()
    if not url or "://" in url.partition("?")[0]:
        return url
    return "https://" + url.lstrip("/")


def seconds(value: object) -> float | None:
    """Return a point in time as Unix seconds; None when there is none to read.

    Args:
        value: Seconds, milliseconds or finer as a number or as digits, or an RFC3339 string.
            A string without an offset is in China's time, where the platform is.
    """
    if isinstance(value, str):
        # Python 3.11 reads "1712070511230" as a day of the year 1712, hence the look at the dash.
        if value[4:5] != "-":
            return _written_otherwise(value)
        try:
            moment = datetime.fromisoformat(value)
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=_CHINA)
            since_1970 = moment.timestamp()
        except (ValueError, OverflowError):
            return _written_otherwise(value)
        return since_1970 if since_1970 > 0 else None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _scaled(value)
    return None


def _written_otherwise(text: str) -> float | None:
    found = re.fullmatch(_RFC3339, text)
    try:
        if found is None:
            return _scaled(float(text))
        day, clock, fraction, hours, minutes = found.groups()
        if hours:
            offset = f"{hours}:{minutes}"
        else:
            offset = "+00:00" if text.rstrip()[-1] in "Zz" else "+08:00"
        whole = datetime.fromisoformat(f"{day}T{clock}{offset}").timestamp()
        return _scaled(whole + float(fraction or 0))
    except (ValueError, OverflowError):
        return None


def _scaled(number: float) -> float | None:
    try:
        moment = float(number)
    except OverflowError:
        return None
    if not math.isfinite(moment) or moment <= 0:
        return None
    while moment > _LATEST_SECONDS:
        moment /= 1000
    return moment
