"""What may be stored: JSON values, written as text and read again.

It does not know where the text lies.
"""

from __future__ import annotations

import json
import math
from typing import Any, TypeAlias

from qqgroup_sync.errors import ConfigError, StateError, Text

# None, bool, int, float, str, and lists and dicts of them. Any to a type checker: a list[int] is
# no list[JSON] to it, and each use of a value would need a cast.
JSON: TypeAlias = Any

VALUE_LIMIT = 1024 * 1024  # bytes of JSON
DEPTH_LIMIT = 100
INTEGER_BITS = 2048  # Python itself refuses to write much longer ones in decimal
SHOWN_CHARACTERS = 40

_ALLOWED = Text(
    "Store None, bool, int, float, str, and lists and dicts of them: sorted(a_set), "
    "a_datetime.isoformat(), dataclasses.asdict(an_object).",
    "只能保存 None、bool、int、float、str 以及由它们组成的 list 和 dict："
    "sorted(集合)、时间.isoformat()、dataclasses.asdict(对象)。",
)


def encoded(value: JSON, what: str, language: str | None) -> str:
    """Return a value as text.

    Args:
        value: What is to be stored.
        what: What it is, for errors.
        language: Language of cause and remedy in errors.

    Raises:
        ConfigError: It is no JSON, or too long.
    """
    if flaw := _flaw(value):
        where = flaw[0] if len(flaw[0]) <= 200 else f"{flaw[0][:100]}...{flaw[0][-97:]}"
        raise ConfigError(f"{what}{where} is {flaw[1]}", remedy=_ALLOWED, language=language)
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    length = size(text)
    if length is None:  # half a character: JSON has a way to write it, UTF-8 has none
        text = json.dumps(value, separators=(",", ":"))
        length = len(text)
    if length > VALUE_LIMIT:
        raise ConfigError(
            f"{what} has {length} bytes, the limit is {VALUE_LIMIT}",
            remedy=Text(
                "Part it over several keys, or keep it in a file and store its path.",
                "请拆分到多个键，或保存到文件并只存路径。",
            ),
            language=language,
        )
    return text


def decoded(text: str, where: str, language: str | None) -> JSON:
    """Return the value that a text holds.

    Args:
        text: What :func:`encoded` made.
        where: Where it stood, for errors.
        language: Language of cause and remedy in errors.

    Raises:
        StateError: It holds none.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise StateError(
            f"a value of {where} is damaged",
            remedy=Text(
                "Delete the key, or put a backup of data.sqlite in place.",
                "请删除该键，或用备份恢复 data.sqlite。",
            ),
            language=language,
        ) from error


def _flaw(value: object, depth: int = 0) -> tuple[str, str] | None:
    """Return where in a value something is no JSON, and what it is; None when all is JSON."""
    if not isinstance(value, list | tuple | dict):
        return ("", flaw) if (flaw := _flaw_of_one(value)) else None
    if depth == DEPTH_LIMIT:
        return "", f"nested deeper than {DEPTH_LIMIT} levels, or contains itself"
    for at, part in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(value, dict) and not isinstance(at, str):
            return "", f"a dict with {kind(at)} as a key, where JSON has str only"
        if type(part) is not str and (flaws := _flaw(part, depth + 1)):
            return f"[{short(at) if isinstance(at, str) else at}]{flaws[0]}", flaws[1]
    return None


def _flaw_of_one(value: object) -> str:
    if value is None or isinstance(value, str | bool):
        return ""
    if isinstance(value, int):
        return "an int too long" if value.bit_length() > INTEGER_BITS else ""
    if isinstance(value, float):
        return "" if math.isfinite(value) else f"{value!r}, a number that JSON has not"
    return f"{kind(value)}, which is no JSON"


def kind(value: object) -> str:
    """Return what a value is, in words: "an int"."""
    if value is None:
        return "None"
    name = type(value).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"


def size(text: str) -> int | None:
    """Return the bytes of a text in UTF-8; None when it holds half a character."""
    if text.isascii():
        return len(text)
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        return None


def short(text: str) -> str:
    """Return a text in quotes, cut off when it is long."""
    return repr(text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "...")
