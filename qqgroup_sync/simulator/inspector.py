"""The inspector: the newest frames and requests between bots and platform, kept and described.

What is noted is the record itself and what the platform had decided; it becomes JSON, without
secrets, only when a page asks. ``GET /simulator/inspect?after=SEQ`` answers with what came after
that number (the newest of it, 500 at once without ``limit``): ``{"entries": [...], "last": SEQ,
"skipped": COUNT, "sessions": [...]}``.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from flask import current_app, request

from qqgroup_sync.simulator import inspect_decisions as decisions
from qqgroup_sync.simulator.inspect_masking import mask, mask_text
from qqgroup_sync.simulator.page_guard import PageError, answer, platform

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flask import Blueprint, Response
    from flask.sansio.blueprints import BlueprintSetupState

    from qqgroup_sync.simulator.platform import Platform
    from qqgroup_sync.simulator.records import (
        ApiCall,
        Connection,
        Event,
        Frame,
        WebhookPost,
    )
    from qqgroup_sync.simulator.rules import Rules

    Explain = Callable[..., Mapping[str, Mapping[str, str]] | None]
    """Codes -> language -> "cause" and "remedy"; None when none of the codes is known."""

KEPT = 5000
"""Entries that are remembered; the oldest are forgotten."""

_AT_ONCE = 500
_EXTENSION = "qq_inspector"
_OPS = {1: "HEARTBEAT", 2: "IDENTIFY", 6: "RESUME", 7: "RECONNECT", 9: "INVALID_SESSION"}
_OPS |= {10: "HELLO", 11: "HEARTBEAT_ACK", 12: "CALLBACK_ACK", 13: "CALLBACK_CHECK"}
_QUIET = (1, 11)


class _Noted(NamedTuple):
    seq: int
    at: float
    kind: str
    record: Any
    notes: list[decisions.Note]


class Inspector:
    """The newest entries; an observer of the platform, safe from any thread.

    Args:
        where: The platform.
        explain: Explains error codes; none are when None.
        kept: How many entries are remembered.
    """

    def __init__(self, where: Platform, explain: Explain | None = None, kept: int = KEPT) -> None:
        self._platform = where
        self._explain = explain
        self._lock = threading.Lock()
        self._noted: deque[_Noted] = deque(maxlen=kept)
        self._last = 0

    @property
    def last(self) -> int:
        """Number of the newest entry, 0 when there is none."""
        return self._last

    def __call__(self, kind: str, record: Any) -> None:
        """Note a frame, a call, a connection, or an event that nobody got."""
        notes: list[decisions.Note] = []
        if kind == "api":
            notes = decisions.about_call(record, self._platform)
        elif kind == "event" and not record.frames:
            notes = decisions.about_event(record, self._platform)
        elif kind not in ("frame", "connection", "webhook"):
            return
        now = self._platform.clock.now()
        with self._lock:
            self._last += 1
            self._noted.append(_Noted(self._last, now, kind, record, notes))

    def after(self, seq: int, limit: int = _AT_ONCE) -> dict[str, Any]:
        """Describe what came after an entry: the newest of it, and how much was left out."""
        with self._lock:
            last = self._last
            wanted = min(last - seq, len(self._noted), limit)
            newest = list(islice(reversed(self._noted), max(0, wanted)))[::-1]
        entries = [self._describe(one) for one in newest]
        first = entries[0]["seq"] if entries else last + 1
        return {"entries": entries, "last": last, "skipped": max(0, first - seq - 1)}

    def _describe(self, noted: _Noted) -> dict[str, Any]:
        shown: dict[str, Any] = {"seq": noted.seq, "time": noted.at, "kind": noted.kind}
        if noted.kind == "api":
            return shown | self._call(noted.record, noted.notes)
        if noted.kind == "frame":
            return shown | _frame(noted.record, self._platform.rules)
        if noted.kind == "event":
            return shown | _undelivered(noted.record, noted.notes)
        if noted.kind == "webhook":
            return shown | _webhook(noted.record)
        return shown | _connection(noted.record)

    def _call(self, call: ApiCall, notes: list[decisions.Note]) -> dict[str, Any]:
        body = call.response if isinstance(call.response, dict) else {}
        codes = [code for key in ("err_code", "code") if isinstance(code := body.get(key), int)]
        failed = call.status >= 400 or (any(codes) and call.status != 202)
        found = self._explain(*codes) if self._explain and codes else None
        return {
            "direction": "in",
            "appid": call.appid,
            "title": f"{call.method} {call.path}",
            "method": call.method,
            "path": call.path,
            "status": call.status,
            "code": next((code for code in codes if code), None),
            "ms": round(call.seconds * 1000, 1),
            "failed": failed,
            "trace": call.trace_id,
            "notes": notes,
            "explained": found,
            "request": mask(call.request),
            "response": mask(call.response),
        }


def _frame(frame: Frame, rules: Rules) -> dict[str, Any]:
    try:
        payload = json.loads(frame.text)
        op, name, d = payload["op"], payload.get("t"), payload.get("d")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        payload, op, name, d = None, None, None, None
    shown = payload if payload is not None else frame.text
    return {
        "direction": frame.direction,
        "appid": frame.appid,
        "session": frame.session_id,
        "op": op,
        "title": str(name or _OPS.get(op, "?" if op is None else f"op {op}")),
        "quiet": op in _QUIET,
        "failed": op == 9,
        "notes": decisions.about_frame(op, name, d, rules),
        "payload": mask(shown) if payload is not None else mask_text(frame.text),
    }


def _undelivered(event: Event, notes: list[decisions.Note]) -> dict[str, Any]:
    return {
        "direction": "out",
        "appid": event.appid,
        "title": event.name,
        "failed": True,
        "notes": notes,
        "payload": mask({"t": event.name, "id": event.id, "d": event.data}),
    }


def _webhook(post: WebhookPost) -> dict[str, Any]:
    return {
        "direction": "out",
        "appid": post.appid,
        "title": post.name,
        "status": post.status,
        "ms": round(post.seconds * 1000, 1),
        "failed": post.status is None or post.status >= 400,
        "notes": [["webhook", {"attempt": post.attempt, "outcome": post.outcome}]],
        "payload": mask({"url": post.url, "id": post.id, "answer": post.answer}),
    }


def _connection(change: Connection) -> dict[str, Any]:
    closed = change.state == "closed"
    return {
        "direction": "out" if change.ours else "in",
        "appid": change.appid,
        "session": change.session_id,
        "title": change.state,
        "code": change.code,
        "failed": closed and change.code not in (1000, 1001),
        "notes": [["closed", {"code": change.code, "ours": change.ours}]] if closed else [],
        "payload": {"reason": change.reason} if change.reason else None,
    }


def add_inspector(blueprint: Blueprint, explain: Explain | None) -> None:
    """Let a blueprint observe the platform, and answer what it saw."""

    def begin(setup: BlueprintSetupState) -> None:
        where: Platform = setup.app.extensions["qq_simulator"].platform
        inspector = Inspector(where, explain)
        setup.app.extensions[_EXTENSION] = inspector
        where.subscribe(inspector)

    blueprint.record(begin)
    blueprint.get("/simulator/inspect")(_entries)


def current() -> Inspector:
    """Return the inspector of the app that handles a request."""
    return cast("Inspector", current_app.extensions[_EXTENSION])


def _entries() -> Response:
    try:
        seq, limit = int(request.args.get("after", "0")), int(request.args.get("limit", _AT_ONCE))
    except ValueError:
        raise PageError(400, "bad_number", "after and limit must be numbers") from None
    return answer({**current().after(seq, limit), "sessions": sessions(platform())})


def sessions(where: Platform) -> list[dict[str, Any]]:
    """Describe every gateway session, live or away and still to be resumed."""
    with where.lock:
        now = where.clock.now()
        return [
            {
                "appid": one.appid,
                "session": one.id,
                "shard": list(one.shard),
                "s": one.s,
                "live": one.link is not None,
                "away": 0 if one.link is not None else round(now - one.away_since),
            }
            for one in where.sessions.all()
        ]
