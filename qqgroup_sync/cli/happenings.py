"""What happens in the chats as JSON can hold it: one object for each thing."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from qqgroup_sync.cli.refusals import Refusal
from qqgroup_sync.simulator import transcript
from qqgroup_sync.simulator.groups import Group

if TYPE_CHECKING:
    from qqgroup_sync.simulator.chats import Chat
    from qqgroup_sync.simulator.records import ChatMessage, Interaction
    from qqgroup_sync.simulator.shelf import MediaFile

_KINDS = {1: "picture", 2: "video", 3: "voice"}


def happening(kind: str, record: Any, now: float) -> dict[str, Any] | None:
    """Describe what the platform reports; None when nobody in a chat would notice it.

    Args:
        kind: What the simulator calls it.
        record: What it tells of it.
        now: The simulated time.
    """
    if kind == "message":
        return _message("answered" if record.from_bot else "said", record)
    if kind == "stream":
        return _message("answered" if is_complete(record) else "grown", record)
    if kind == "recall":
        return {**_head("recalled", record.timestamp, record.chat), "id": record.id}
    if kind == "click":
        return _click(record)
    if kind == "ack":
        head = _head("acknowledged", now, None if record.message is None else record.message.chat)
        return {**head, "id": record.id, "code": record.ack_code, "late": record.timed_out}
    if kind == "typing":
        return {**_head("typing", now, record.user), "name": record.bot.name}
    if (refusal := Refusal.of(kind, record)) is not None:
        return {
            **_head("refused", now, None),
            **{name: getattr(refusal, name) for name in refusal.__slots__},
        }
    return None


def is_complete(message: ChatMessage) -> bool:
    """Return whether a message grows no more."""
    return message.stream is None or message.stream.state != "generating"


def time_of(seconds: float) -> dt.datetime:
    """Return a simulated time as the local time that it stands for."""
    return dt.datetime.fromtimestamp(seconds, dt.timezone.utc).astimezone()


def _head(kind: str, at: float, chat: Chat | None) -> dict[str, Any]:
    found: dict[str, Any] = {"kind": kind, "time": time_of(at).isoformat(timespec="milliseconds")}
    if chat is not None:
        found |= {"chat": chat.name, "private": not isinstance(chat, Group)}
    return found


def _message(kind: str, message: ChatMessage) -> dict[str, Any]:
    found = _head(kind, message.timestamp, message.chat)
    found |= {
        "name": message.sender.name,
        "text": message.content.strip(transcript.EMPTY),
        "id": message.id,
    }
    quoted = message.quoted
    more = {
        "reply_to": message.reply_to,
        "markdown": message.markdown is not None or None,
        "quote": quoted and {"name": quoted.sender.name, "text": quoted.content},
        "files": [_file(file) for file in (*message.files, *message.pictures)],
        "buttons": list(map(str, message.buttons)),
        "card": message.raw.get("ark"),
        "streaming": None if is_complete(message) else True,
        "audit_id": message.audit_id,
    }
    return found | {name: value for name, value in more.items() if value}


def _file(file: MediaFile) -> dict[str, Any]:
    found = {
        "kind": _KINDS.get(file.file_type, "file"),
        "name": file.name,
        "content_type": file.content_type,
        "size": file.size,
    }
    return found | ({"transcript": file.transcript} if file.transcript else {})


def _click(click: Interaction) -> dict[str, Any]:
    message = click.message
    label = None
    if message is not None:
        label = next((str(one) for one in message.buttons if one.id == click.button_id), None)
    return {
        **_head("clicked", click.clicked_at, None if message is None else message.chat),
        "name": None if click.person is None else click.person.name,
        "button": label or click.button_id,
        "id": click.id,
        "message": None if message is None else message.id,
    }
