"""JSON as the platform takes and gives it: strict about what comes, unbreakable in what goes.

Python's own reader is too kind: it takes NaN, Infinity and halves of characters (lone surrogates),
which could then be neither shown nor sent on.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

from qqgroup_sync.simulator.refusals import RefusalError

_HALF = re.compile(r"\\u[dD][89a-fA-F]")  # only escapes can bring one into what was UTF-8
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def read(data: bytes | str) -> Any:
    """Return what is said in JSON.

    Raises:
        ValueError: It is not JSON in UTF-8, has brackets without end, or cannot be written again.
    """
    try:
        text = data if isinstance(data, str) else data.decode()
        found = _decode(text)
        if _HALF.search(text):
            _encode(found).encode()
    except RecursionError:
        raise ValueError("too many brackets") from None
    return found


def read_object(data: bytes) -> dict[str, Any]:
    """Return the object that a request carries; an empty body is an empty one.

    Raises:
        RefusalError: 11255, it is something else.
    """
    try:
        found = read(data or b"{}")
    except ValueError:
        raise RefusalError(11255, "the body is not JSON") from None
    if not isinstance(found, dict):
        raise RefusalError(11255, "the body is not an object")
    return found


def write(found: Any) -> bytes:
    """Return JSON; half a character, which only Python code can bring in, becomes a "?"."""
    return _encode(found).encode(errors="replace")


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    return _refuse(text) if math.isinf(number) else number


_decode = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite).decode
