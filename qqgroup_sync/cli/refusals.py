"""What the platform refused, in words for the person at the terminal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from qqgroup_sync.error_codes import lookup
from qqgroup_sync.errors import Text, default_language

_SENDS = ("/messages", "/stream_messages")
_TOO_FAST = 50002  # a frame of a stream that is sent again a little later
_EXPIRED = 11244  # a token that is renewed at once: the request follows again


def meaning(code: int) -> str:
    """Return what a code means, "" when that is not known."""
    info = lookup(code)
    return "" if info is None else Text(*info.cause).in_language(default_language())


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the platform did not take from the bot, and why; texts in the user's language."""

    call: str
    status: int
    code: int
    message: str
    cause: str = ""
    remedy: str = ""

    @classmethod
    def of(cls, kind: str, record: Any) -> Refusal | None:
        """Return why a message of the bot was refused, None when the record is something else.

        Args:
            kind: What the simulator reports.
            record: An ``ApiCall`` when ``kind`` is ``api``.
        """
        if kind != "api" or record.status < 400 or not record.path.endswith(_SENDS):
            return None
        body = record.response if isinstance(record.response, dict) else {}
        err_code, code = body.get("err_code") or 0, body.get("code") or 0
        if err_code == _TOO_FAST or _EXPIRED in (err_code, code):
            return None
        info, language = lookup(err_code, code), default_language()
        return cls(
            call=f"{record.method} {record.path}",
            status=record.status,
            code=err_code or code,
            message=str(body.get("message") or ""),
            cause="" if info is None else Text(*info.cause).in_language(language),
            remedy="" if info is None else Text(*info.remedy).in_language(language),
        )

    def __str__(self) -> str:
        said = f"{self.message} (HTTP {self.status}, code {self.code})".lstrip()
        return "\n  ".join(text for text in (said, self.cause, self.remedy) if text)


def in_both_languages(*codes: int) -> dict[str, dict[str, str]] | None:
    """Return what is known about the first known error code, for the page's inspector.

    Returns:
        Language to ``cause`` and ``remedy``; None when no code is known.
    """
    info = lookup(*codes)
    if info is None:
        return None
    return {
        language: {"cause": info.cause[number], "remedy": info.remedy[number]}
        for number, language in enumerate(("en", "zh"))
    }
