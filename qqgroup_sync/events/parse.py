"""From the name and payload of a dispatch frame to an event. Lenient: no payload is refused."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from qqgroup_sync.events import notices
from qqgroup_sync.events.base import Delivery, Event
from qqgroup_sync.events.interaction import Interaction
from qqgroup_sync.events.lenient import seconds
from qqgroup_sync.events.messages import C2CMessage, GroupMessage
from qqgroup_sync.events.read_messages import read_c2c_message, read_group_message
from qqgroup_sync.events.read_notices import (
    read_audit_result,
    read_interaction,
    read_join_request,
    read_notice,
)
from qqgroup_sync.masking import masked_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from qqgroup_sync.events.actions import Actions

logger = masked_logger(__name__)

_NOTICES: dict[str, type[notices.Notice]] = {
    "GROUP_ADD_ROBOT": notices.GroupAdded,
    "GROUP_DEL_ROBOT": notices.GroupRemoved,
    "GROUP_MSG_RECEIVE": notices.GroupProactiveAllowed,
    "GROUP_MSG_REJECT": notices.GroupProactiveRefused,
    "GROUP_MEMBER_ADD": notices.MemberJoined,
    "GROUP_MEMBER_REMOVE": notices.MemberLeft,
    "FRIEND_ADD": notices.FriendAdded,
    "FRIEND_DEL": notices.FriendRemoved,
    "C2C_MSG_RECEIVE": notices.C2CProactiveAllowed,
    "C2C_MSG_REJECT": notices.C2CProactiveRefused,
    "ENTER_AIO": notices.EnterAio,
    "SUBSCRIBE_MESSAGE_STATUS": notices.SubscribeStatus,
}
_READERS: dict[str, Callable[[Delivery], Event]] = {
    "GROUP_AT_MESSAGE_CREATE": read_group_message,
    "GROUP_MESSAGE_CREATE": read_group_message,
    "C2C_MESSAGE_CREATE": read_c2c_message,
    "INTERACTION_CREATE": read_interaction,
    "GROUP_JOIN_REQUEST": read_join_request,
    "MESSAGE_AUDIT_PASS": read_audit_result,
    "MESSAGE_AUDIT_REJECT": read_audit_result,
    **{name: partial(read_notice, cls) for name, cls in _NOTICES.items()},
}


def parse(
    name: str,
    data: Any,
    *,
    event_id: str = "",
    now: float,
    appid: str = "",
    bot_id: str | Collection[str] | None = None,
    actions: Actions | None = None,
) -> Event:
    """Turn a dispatch frame into an event; never raises, whatever the payload is.

    Pure: no I/O, no clock, no state. Safe to call from any thread.

    Args:
        name: ``t`` of the frame. An unknown name gives a plain ``Event``.
        data: ``d`` of the frame, as decoded from JSON. Missing fields and such of another type
            become empty.
        event_id: ``id`` of the frame.
        now: When the frame arrived (Unix seconds).
        appid: Of the bot, for ``avatar``.
        bot_id: The bot's own openid, or all that are known: it has one per group. Decides
            ``is_own``, and ``is_at`` where the platform does not mark the mention.
        actions: What ``reply`` and its like call.
    """
    raw = data if isinstance(data, dict) else {"d": data} if data else {}
    reader = _READERS.get(name)
    if reader is not None:
        if bot_id is None:
            own: Collection[str] = ()
        else:
            own = (bot_id,) if isinstance(bot_id, str) else bot_id
        delivery = Delivery(name, event_id, raw, now, actions, appid, own)
        try:
            return reader(delivery)
        except Exception:
            # A payload that outwits the parser is a bug here, but no reason to go deaf.
            logger.exception("%s could not be parsed; it is passed on as a plain Event", name)
    return Event(name, event_id, raw, seconds(raw.get("timestamp")), now, actions, appid)


def dedupe_key(event: Event) -> tuple[str, str] | None:
    """Return what two deliveries of the same event have in common; None when it has no id.

    ``GROUP_AT_MESSAGE_CREATE`` and ``GROUP_MESSAGE_CREATE`` are one kind: a group that sends
    everything may bring a message under both names (reports differ, 2026-05).
    """
    if isinstance(event, GroupMessage) and event.id:
        return ("group_message", event.id)
    if isinstance(event, C2CMessage) and event.id:
        return ("c2c_message", event.id)
    if isinstance(event, Interaction) and event.interaction_id:
        return ("interaction", event.interaction_id)
    return (event.name, event.event_id) if event.event_id else None
