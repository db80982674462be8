"""The one place that hides secrets.

Everything that leaves the process as text (log lines, ``repr``, exceptions) and may carry a
secret, a token, a presigned URL or base64 goes through :func:`mask`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

HIDDEN = "***"

_HIDDEN_KEYS = (
    r"client_?secret|app_?secret|secret_?id|secret_?(?:access_?)?key|secret|access_?key|api_?key|"
    r"access_?token|refresh_?token|auth_?token|token|password|file_data|presigned_url|rkey|"
    r"signature|sign|x-amz-[a-z-]+|q-ak|ossaccesskeyid|awsaccesskeyid"
)
# A value in quotes, which may be escaped (JSON inside a string) or never closed (a text cut off).
_QUOTED = r"""\\+["'][^"']*["']? | b?"(?:\\.|[^"\\])*(?:"|\\?\Z) | b?'(?:\\.|[^'\\])*(?:'|\\?\Z)"""
_BARE = r"""[^\s"',;&}\])]+"""


def _without_query(url: re.Match[str]) -> str:
    address, question_mark, _ = url.group().partition("?")
    return address + (question_mark and question_mark + HIDDEN)


# Each pattern takes linear time: what is masked may be a whole body of megabytes.
_PATTERNS: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    # "QQBot <token>", "Bot <appid>.<token>", "Bearer <token>": what Authorization carries
    (
        re.compile(r"(?a)\b(QQBot|Bearer|Bot(?=\s+\d+\.))\s+[A-Za-z0-9._~+/=-]{6,}"),
        r"\1 " + HIDDEN,
    ),
    # Authorization: <scheme> <anything>
    (
        re.compile(
            rf"""(?isx) (?<![a-z0-9_]) (authorization \\*["']? \s*[:=：]\s*)
            (?: {_QUOTED} | (?:[a-z]+[ ]+)? {_BARE} )"""
        ),
        r"\1" + HIDDEN,
    ),
    # "key": "value", 'key': b'value', key=value; also auth_token=... inside a list of strings
    (
        re.compile(
            rf"""(?isx) (?<![a-z0-9_-])
            ((?:[a-z0-9_-]*[_-])? (?:{_HIDDEN_KEYS}) \\*["']? \s*[:=：]\s*)
            [\[({{\s]* (?: {_QUOTED} | {_BARE} )"""
        ),
        r"\1" + HIDDEN,
    ),
    # user:password@ in a URL
    (re.compile(r"(?ia)\b([a-z][a-z0-9+.-]{0,30}://)[^\s/@:]*:[^\s/@]+@"), r"\1" + HIDDEN + "@"),
    # the query of any download link: presigned links are secrets as a whole
    (re.compile(r"(?ia)\b(?:https?|wss?):\\?/\\?/[!#-&(-;=?-~]+"), _without_query),
    # long base64 or hex runs: file contents, not prose
    (re.compile(r"[A-Za-z0-9+/_-]{200,}={0,2}"), HIDDEN),
)


def mask(text: object, *secrets: str | None) -> str:
    """Return ``str(text)`` with everything hidden that looks like a secret.

    Args:
        text: Any object; its ``str`` is used.
        secrets: Values known to be secret; hidden wherever they stand, also outside a pattern.
    """
    masked = str(text)
    for secret in secrets:
        if secret and len(secret) >= 4:
            masked = masked.replace(secret, HIDDEN)
    for pattern, replacement in _PATTERNS:
        masked = pattern.sub(replacement, masked)
    return masked
