"""Messages as lines of text: what was said, what came with it, what can be clicked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qqgroup_sync.simulator.records import ChatMessage
    from qqgroup_sync.simulator.shelf import MediaFile

EMPTY = "\u200b"
"""What a bot sends in place of a text when a message is nothing but buttons."""

_MENTION = re.compile(r"<@!?([0-9A-Za-z_-]+)>|<qqbot-at-user id=\"([^\"]+)\" ?/>")
_KINDS = {1: "picture", 2: "video", 3: "voice"}


def line(message: ChatMessage) -> str:
    """Return a message with its sender, as a transcript shows it."""
    return f"{message.sender.name}: {body(message)}"


def body(message: ChatMessage, *, quotes: bool = True) -> str:
    """Return what a message says and carries, and what it quotes unless ``quotes`` is off."""
    quoted = message.quoted if quotes else None
    parts = [
        f"(answers {_shorten(quoted.text)!r})" if quoted is not None else "",
        named(message).strip(f" {EMPTY}").replace("\n", "\n    "),
        *(medium(file) for file in (*message.files, *message.pictures)),
    ]
    if ark := message.raw.get("ark"):
        parts.append(f"[card {ark.get('template_id')}]")
    if message.buttons:
        parts.append(f"[buttons: {' | '.join(message.buttons)}]")
    elif message.keyboard:
        parts.append(f"[buttons of template {message.keyboard.get('id')}]")
    if message.stream is not None and message.stream.state == "generating":
        parts.append("(goes on)")
    if message.audit_id is not None:
        parts.append("(waits for audit)")
    if message.recalled:
        parts.append("(recalled)")
    return " ".join(part for part in parts if part)


def medium(file: MediaFile) -> str:
    """Return what a file is, how large, and what was recognised in a voice."""
    kind = _KINDS.get(file.file_type, "file")
    size = file.picture_size if kind == "picture" and file.blob is not None else None
    facts = [
        kind,
        file.name if kind == "file" else "",
        file.content_type,
        f"{size[0]}x{size[1]}" if size else "",
        repr(file.transcript) if file.transcript else "",
    ]
    return f"[{' '.join(fact for fact in facts if fact)}, {weight(file.size)}]"


def weight(size: int) -> str:
    """Return bytes as people write them."""
    if size < 1000:
        return f"{size} B"
    return f"{size / 1024:.1f} KB" if size < 1000 * 1024 else f"{size / 1024**2:.1f} MB"


def named(message: ChatMessage) -> str:
    """Return the text with names in place of openids."""
    platform = message.chat.platform

    def name(found: re.Match[str]) -> str:
        person = platform.find_person(found[1] or found[2])
        return found[0] if person is None else f"@{person.name}"

    mentioned = (
        "@all" if one == "all" else f"@{one.name}"
        for one in message.mentions
        if one == "all" or one.openid not in message.content
    )
    return " ".join((*mentioned, _MENTION.sub(name, message.content)))


def _shorten(text: str) -> str:
    return text if len(text) <= 20 else f"{text[:20]}…"
