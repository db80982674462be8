"""What the inspector never shows: tokens, secrets, presigned addresses, base64. Pure."""

from __future__ import annotations

import re
from typing import Any

HIDDEN = "***"

_DEPTH = 30
_LONGEST = 4000  # characters of one string
_KEYS = re.compile(
    r"(?i)(?:authorization|(?:client|app)_?secret|secret|(?:access|refresh|auth)_?token|token"
    r"|password|file_data|presigned_url|rkey|signature)\Z"
)
_SCHEME = re.compile(r"\b(QQBot|Bot|Bearer)\s+[^\s\"',}\]]+")
_PAIR = re.compile(
    r"(?i)\b((?:client_?secret|(?:access|refresh|auth)_?token|password|rkey|signature|file_data)"
    r"\\?[\"']?\s*[=:]\s*\\?[\"']?)[^\s\"'&,}\]]+"
)
_QUERY = re.compile(
    r"(?i)(\?)[^\s\"'<>)]*\b(?:rkey|sign|signature|q-sign[a-z-]*|q-signature|q-ak|token|secret"
    r"|x-amz-[a-z-]+|ossaccesskeyid)=[^\s\"'<>)]*"
)
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{300,}={0,2}")


def mask(value: Any, depth: int = 0) -> Any:
    """Return a copy of a JSON value without what must not be seen; long texts are cut."""
    if isinstance(value, str):
        return mask_text(value)
    if depth > _DEPTH:
        return "…"
    if isinstance(value, dict):
        return {key: _member(str(key), one, depth) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [mask(one, depth + 1) for one in value]
    return value


def _member(key: str, value: Any, depth: int) -> Any:
    if not isinstance(value, str) or not value or not _KEYS.match(key):
        return mask(value, depth + 1)
    scheme, space, _ = value.partition(" ")
    return f"{scheme} {HIDDEN}" if space and scheme in ("QQBot", "Bot", "Bearer") else HIDDEN


def mask_text(text: str) -> str:
    """Return a text without what must not be seen, and not too long."""
    text = _BASE64.sub(_length, text)
    text = _SCHEME.sub(rf"\1 {HIDDEN}", text)
    text = _QUERY.sub(rf"\1{HIDDEN}", text)
    text = _PAIR.sub(rf"\1{HIDDEN}", text)
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST]}… ({len(text)} characters)"
    return text


def _length(found: re.Match[str]) -> str:
    return f"{HIDDEN} ({len(found[0])} characters)"
