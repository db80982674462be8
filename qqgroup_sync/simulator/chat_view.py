"""What the chat page is told about bots, chats, messages and news: JSON objects."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from qqgroup_sync.simulator import formats
from qqgroup_sync.simulator.groups import Group
from qqgroup_sync.simulator.page_guard import chats

if TYPE_CHECKING:
    from qqgroup_sync.simulator.platform import Platform
    from qqgroup_sync.simulator.records import ApiCall, ChatMessage, Interaction
    from qqgroup_sync.simulator.shelf import MediaFile
    from qqgroup_sync.simulator.users import User

_PREVIEW = 80
_QUOTED = 200
_IMAGE = 1
_TOKEN_PATH = "/app/getAppAccessToken"  # noqa: S105 - a path
_CHAT_PATH = re.compile(r"/v2/(?:groups|users)/([^/]+)/")


def overview(platform: Platform) -> dict[str, Any]:
    """Describe bots and chats."""
    bots, known = platform.bots, chats(platform)
    with platform.lock:
        now = platform.clock.now()
        return {
            "bots": [
                {
                    "appid": bot.appid,
                    "id": bot.openid,
                    "name": bot.name,
                    "online": platform.is_online(bot.appid),
                }
                for bot in bots
            ],
            "chats": [_chat(chat, platform, now) for chat in known],
        }


def _chat(chat: Group | User, platform: Platform, now: float) -> dict[str, Any]:
    shown: dict[str, Any] = {"id": chat.openid, "name": chat.name, "group": False, "members": []}
    if not isinstance(chat, Group):
        known = [(bot, chat.contact(bot)) for bot in platform.bots_of(None)]
        shown["bots"] = [
            {"appid": bot.appid, "friend": one.friend, "push": one.allow_push} for bot, one in known
        ]
        return shown
    shown |= {"group": True, "full_mode": chat.full_mode}
    shown["bots"] = [
        {
            "appid": one.bot.appid,
            "role": one.role,
            "push": one.allow_push,
            "muted": one.muted_until > now,
        }
        for one in chat.bots.values()
    ]
    for member in chat.members.values():
        shown["members"].append(
            {
                "id": member.openid,
                "name": member.name,
                "role": member.role,
                "muted": member.muted_until > now,
            }
        )
    return shown


def last_words(platform: Platform) -> dict[str, Any]:
    """Return the newest message of every chat, shortened."""
    found: dict[str, Any] = {}
    for chat in chats(platform):
        with platform.lock:
            message = chat.newest
        if message is not None:
            found[chat.openid] = preview(message)
    return found


def preview(message: ChatMessage) -> dict[str, Any]:
    """Describe a message in one line."""
    kinds = [file.file_type for file in message.files]
    return {
        "id": message.id,
        "name": message.sender.name,
        "text": message.content[:_PREVIEW],
        "markdown": message.markdown is not None,
        "kinds": kinds,
        "card": bool(message.raw.get("ark")),
        "recalled": message.recalled,
        "time": message.timestamp,
    }


def shown_message(message: ChatMessage) -> dict[str, Any]:
    """Describe a message."""
    chat, platform = message.chat, message.chat.platform
    with platform.lock:
        quoted = chat.find_reference(message.quote_ref) if message.quote_ref else None
        asked = chat.find(message.reply_to) if message.reply_to and message.msg_type == 0 else None
    templated = message.markdown if message.markdown and not message.content else None
    keyboard = message.keyboard or {}
    return {
        "id": message.id,
        "chat": chat.openid,
        "sender": message.sender.openid,
        "name": message.sender.name,
        "bot": message.from_bot,
        "text": message.content,
        "markdown": message.markdown is not None,
        "time": message.timestamp,
        "at": sorted(message.at),
        "everyone": "all" in message.mentions,
        "heard": message.from_bot or not isinstance(chat, Group) or _heard(message, chat),
        "proactive": message.proactive,
        "answers": asked.sender.name if asked is not None and isinstance(chat, Group) else None,
        "recalled": message.recalled,
        "audit": message.audit_id is not None,
        "quote": quoted and _quote(quoted),
        "files": [_file(file) for file in message.files],
        "pictures": {file.url: file.id for file in message.pictures},
        "dropped": list(message.dropped),
        "streaming": message.stream is not None and message.stream.state == "generating",
        "card": message.raw.get("ark") or templated,
        "keyboard": (keyboard.get("content") or {}).get("rows", []),
        "template": keyboard.get("id"),
    }


def _heard(message: ChatMessage, group: Group) -> bool:
    return bool(message.at) or group.full_mode


def _quote(message: ChatMessage) -> dict[str, Any]:
    return {
        "id": message.id,
        "name": message.sender.name,
        "text": message.content[:_QUOTED],
        "markdown": message.markdown is not None,
        "kinds": [file.file_type for file in message.files],
        "recalled": message.recalled,
    }


def _file(file: MediaFile) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": file.id,
        "type": file.file_type,
        "name": file.name,
        "size": file.size,
        "decoded": file.content_type == formats.SILK.content_type,
    }
    if file.file_type == _IMAGE and file.blob is not None:
        shown["width"], shown["height"] = file.picture_size or (0, 0)
    return shown


def notice_of(kind: str, record: Any, now: float) -> dict[str, Any] | None:
    """Describe something that happened; None when the page does not show it."""
    if kind in ("message", "stream"):
        return {"kind": kind, "message": shown_message(record)}
    if kind == "typing":
        seconds = max(0.0, record.until - now)
        return {"kind": kind, "chat": record.user.openid, "name": record.bot.name, "for": seconds}
    if kind == "recall":
        return {"kind": kind, "chat": record.chat.openid, "id": record.id}
    if kind in ("click", "ack"):
        return {"kind": kind, **_click(record)}
    if kind == "load":
        return {"kind": kind, "point": record}
    return _refusal(record, now) if kind == "api" else None


def _click(click: Interaction) -> dict[str, Any]:
    return {
        "id": click.id,
        "message": click.message and click.message.id,
        "button": click.button_id,
        "person": click.person and click.person.openid,
        "code": click.ack_code,
        "late": click.timed_out,
    }


def _refusal(call: ApiCall, now: float) -> dict[str, Any] | None:
    """Describe an API call that was refused; the chat it was for says so."""
    body = call.response if isinstance(call.response, dict) else {}
    if call.status < 400 and (call.path != _TOKEN_PATH or "access_token" in body):
        return None
    found = _CHAT_PATH.match(call.path)
    return {
        "kind": "refused",
        "id": call.trace_id,
        "time": now,
        "chat": found and found[1],
        "call": f"{call.method} {call.path.replace(found[1], '…') if found else call.path}",
        "code": body.get("err_code") or body.get("code") or call.status,
        "message": str(body.get("message") or f"HTTP {call.status}"),
    }
