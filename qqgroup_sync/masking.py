"""The one place that hides secrets.

Everything that leaves the process as text (log lines, ``repr``, exceptions) and may carry a
secret, a token, a presigned URL or base64 goes through :func:`mask`.
"""

from __future__ import annotations

import re

HIDDEN = "***"

_HIDDEN_KEYS = (
    r"client_?secret|app_?secret|secret|access_?token|refresh_?token|auth_?token|token|"
    r"authorization|password|file_data|presigned_url|rkey|signature|sign|x-amz-[a-z-]+|"
    r"x-cos-security-token|q-signature|q-ak|ossaccesskeyid|awsaccesskeyid"
)
_PATTERNS = (
    # "QQBot <token>", "Bot <appid>.<token>", "Bearer <token>": what Authorization carries
    (re.compile(r"\b(QQBot|Bot|Bearer)\s+[A-Za-z0-9._~+/=-]{6,}"), r"\1 " + HIDDEN),
    # "key": "value", 'key': 'value', key=value; also auth_token=... inside a list of strings.
    # A quoted value may hold escaped quotes.
    (
        re.compile(
            rf"""(?ix) (?<![\w-]) (["']?(?:{_HIDDEN_KEYS})["']? \s*[:=]\s*)
            (?: "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*' | [^\s"',;&}}\])]+ )"""
        ),
        r"\1" + HIDDEN,
    ),
    # user:password@ in a URL
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^\s/@:]*:[^\s/@]+@"), r"\1" + HIDDEN + "@"),
    # the query of any download link: presigned links are secrets as a whole
    (re.compile(r"(?i)\b(https?://[^\s\"'<>?]+)\?[^\s\"'<>]+"), r"\1?" + HIDDEN),
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
