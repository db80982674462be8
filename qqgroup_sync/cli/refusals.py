"""What the platform refused, in words for the person at the terminal."""

from __future__ import annotations

from typing import Any

from qqgroup_sync.error_codes import lookup
from qqgroup_sync.errors import Text, default_language


def explain(kind: str, record: Any) -> str | None:
    """Return why a message of the bot was refused, or None when the record is something else.

    Args:
        kind: What the simulator reports.
        record: An ``ApiCall`` when ``kind`` is ``api``.
    """
    if kind != "api" or record.status < 400 or not record.path.endswith("/messages"):
        return None
    body = record.response if isinstance(record.response, dict) else {}
    err_code, code = body.get("err_code") or 0, body.get("code") or 0
    reason = f"{body.get('message', '')} (HTTP {record.status}, code {err_code or code})"
    info = lookup(err_code, code)
    if info is not None:
        reason += f"\n  {Text(*info.remedy).in_language(default_language())}"
    return reason
