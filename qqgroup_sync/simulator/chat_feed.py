"""What the chat page is told: chats, messages and news as JSON, and the live feed of them."""

from __future__ import annotations

import json
import queue
import re
import time
from typing import TYPE_CHECKING, Any

from qqgroup_sync.simulator import formats
from qqgroup_sync.simulator.groups import Group

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qqgroup_sync.simulator.platform import Platform
    from qqgroup_sync.simulator.records import ChatMessage
    from qqgroup_sync.simulator.shelf import MediaFile
    from qqgroup_sync.simulator.simulator import Simulator
    from qqgroup_sync.simulator.users import User

HEARTBEAT = 15.0
"""Seconds after which a live feed says something, so that a reader who has gone is noticed."""

_QUEUE = 1000
_TICK = 0.2  # seconds; nothing wakes a feed when the simulator stops or a bot comes on line
_TOKEN_PATH = "/app/getAppAccessToken"  # noqa: S105 - a path
_CHAT_PATH = re.compile(r"/v2/(?:groups|users)/([^/]+)/")


def chats(platform: Platform) -> list[Group | User]:
    """Return the groups, and the users who know the bot."""
    return [*platform.groups, *(user for user in platform.users if user.known)]


def overview(platform: Platform) -> dict[str, Any]:
    """Describe bots and chats."""
    bots, known = platform.bots, chats(platform)
    with platform.lock:
        live = {session.appid for session in platform.sessions.live()}
        return {
            "bots": [
                {"appid": bot.appid, "name": bot.name, "online": bot.appid in live} for bot in bots
            ],
            "chats": [_chat(chat) for chat in known],
        }


def _chat(chat: Group | User) -> dict[str, Any]:
    shown: dict[str, Any] = {"id": chat.openid, "name": chat.name, "group": False, "members": []}
    if isinstance(chat, Group):
        shown |= {"group": True, "full_mode": chat.full_mode}
        for member in chat.members.values():
            shown["members"].append({"id": member.openid, "name": member.name, "role": member.role})
    return shown


def shown_message(message: ChatMessage) -> dict[str, Any]:
    """Describe a message."""
    chat, platform = message.chat, message.chat.platform
    bots = {bot.appid: bot.name for bot in platform.bots}
    with platform.lock:
        quoted = chat.find_reference(message.quote_ref) if message.quote_ref else None
    card = message.raw.get("ark") or (None if message.content else message.markdown)
    keyboard = (message.keyboard or {}).get("content") or {}
    return {
        "id": message.id,
        "chat": chat.openid,
        "sender": message.sender.openid,
        "name": message.sender.name,
        "bot": message.from_bot,
        "text": message.content,
        "markdown": message.markdown is not None,
        "time": message.timestamp,
        "at": sorted(bots.get(appid, appid) for appid in message.at),
        "proactive": message.proactive,
        "recalled": message.recalled,
        "quote": quoted and {"name": quoted.sender.name, "text": quoted.content[:200]},
        "files": [_file(file) for file in message.files],
        "pictures": {file.url: file.id for file in message.pictures},
        "dropped": list(message.dropped),
        "streaming": message.stream is not None and message.stream.state == "generating",
        "card": card and json.dumps(card, ensure_ascii=False, indent=1),
        "keyboard": keyboard.get("rows", []),
    }


def _file(file: MediaFile) -> dict[str, Any]:
    decoded = file.content_type == formats.SILK.content_type
    shown = {"id": file.id, "type": file.file_type, "name": file.name, "size": file.size}
    return {**shown, "decoded": decoded}


def notice_of(kind: str, record: Any, now: float) -> dict[str, Any] | None:
    """Describe something that happened; None when the page does not show it."""
    if kind in ("message", "stream"):
        return {"kind": kind, "message": shown_message(record)}
    if kind == "typing":
        seconds = max(0.0, record.until - now)
        return {"kind": kind, "chat": record.user.openid, "name": record.bot.name, "for": seconds}
    if kind == "recall":
        return {"kind": kind, "chat": record.chat.openid, "id": record.id}
    if kind == "ack":
        return {"kind": kind, "id": record.id, "code": record.ack_code}
    if kind != "api":
        return None
    body = record.response if isinstance(record.response, dict) else {}
    if record.status < 400 and (record.path != _TOKEN_PATH or "access_token" in body):
        return None
    found = _CHAT_PATH.match(record.path)
    return {
        "kind": "refused",
        "id": record.trace_id,
        "time": now,
        "chat": found and found[1],
        "call": f"{record.method} {record.path.replace(found[1], '…') if found else record.path}",
        "code": body.get("err_code") or body.get("code") or record.status,
        "message": str(body.get("message") or f"HTTP {record.status}"),
    }


class _Observer:
    """Keeps what the platform reports until its feed takes it, up to a limit."""

    def __init__(self, platform: Platform) -> None:
        self._clock = platform.clock
        self._queue: queue.Queue[dict[str, Any]] = queue.Queue(_QUEUE)
        self._overrun = False

    def __call__(self, kind: str, record: Any) -> None:
        notice = notice_of(kind, record, self._clock.now())
        try:
            if notice is not None:
                self._queue.put_nowait(notice)
        except queue.Full:
            self._overrun = True

    def take(self) -> list[dict[str, Any]]:
        """Wait a moment for something and return all there is."""
        taken: list[dict[str, Any]] = []
        try:
            taken.append(self._queue.get(timeout=_TICK))
            while len(taken) < _QUEUE:
                taken.append(self._queue.get_nowait())
        except queue.Empty:
            pass
        if self._overrun:
            self._overrun = False
            taken.append({"kind": "hello"})  # the page asks for the state again
        return taken


def feed(simulator: Simulator) -> Iterator[str]:
    """Yield Server-Sent Events until the reader goes or the simulator stops."""
    platform, observer = simulator.platform, _Observer(simulator.platform)
    unsubscribe = platform.subscribe(observer)
    try:
        shown, spoke_at = overview(platform), time.monotonic()
        # On "hello" the page asks for the state; what happens since waits here.
        yield f"retry: 1000\n\n{_event({'kind': 'hello'})}"
        while not simulator.stopping.is_set():
            found = observer.take()
            with platform.changing():
                platform.streams.sweep()
            if (now := overview(platform)) != shown:
                shown = now
                found.insert(0, {"kind": "overview", **now})
            if found or time.monotonic() - spoke_at >= HEARTBEAT:
                yield "".join(map(_event, found)) or ": still here\n\n"
                spoke_at = time.monotonic()
    finally:
        unsubscribe()


def _event(found: dict[str, Any]) -> str:
    return f"data: {json.dumps(found)}\n\n"
