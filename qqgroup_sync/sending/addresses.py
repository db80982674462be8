"""Where an answer to an event goes, and what makes it an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qqgroup_sync.errors import ConfigError, Text
from qqgroup_sync.events.models import Message

if TYPE_CHECKING:
    from qqgroup_sync.events.models import Event
    from qqgroup_sync.message.payloads import Scene

_SEND = Text(
    "Use client.send_group(...) or client.send_user(...).",
    "请使用 client.send_group(...) 或 client.send_user(...)。",
)


def address_of(event: Event) -> tuple[Scene, str]:
    """Return where an answer to an event goes."""
    group = getattr(event, "group_openid", "")
    if group:
        return "group", group
    user = getattr(event, "user_openid", "")
    if user:
        return "c2c", user
    raise ConfigError(
        f"{event.name} comes from no group and no user, so it cannot be answered", remedy=_SEND
    )


def source_of(event: Event) -> dict[str, str]:
    """Return what makes a message an answer: ``msg_id``, or the outer id as ``event_id``."""
    if isinstance(event, Message) and event.id:
        return {"msg_id": event.id}
    if not event.event_id:  # an empty one would make it a proactive message
        raise ConfigError(f"{event.name} came without an id to answer", remedy=_SEND)
    return {"event_id": event.event_id}
