"""What people do: say something, quote, click a button. Called with the platform's lock held."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from qqgroup_sync.simulator import events, identifiers
from qqgroup_sync.simulator.records import Bot, ChatMessage, Interaction

if TYPE_CHECKING:
    from qqgroup_sync.simulator.groups import Group, Member
    from qqgroup_sync.simulator.users import User

Quote = ChatMessage | Sequence[ChatMessage]
"""One quoted message, or several: a forwarded chat record that is quoted (4.2)."""

_CALLBACK = 1
_LISTED, _ADMINS = 0, 1


def compose(
    chat: Group | User,
    sender: Member | User,
    text: str,
    *,
    quote: Quote | None,
    attachments: Sequence[Mapping[str, Any]],
    at: Collection[str] = (),
    mentions: Sequence[Member | Literal["all"]] = (),
) -> tuple[ChatMessage, dict[str, Any]]:
    """Make a person's message, and what its quote adds to the event."""
    message = ChatMessage(
        id=identifiers.message_id(),
        chat=chat,
        sender=sender,
        content=text,
        timestamp=chat.platform.clock.now(),
        ref_idx=identifiers.reference_index(),
        at=frozenset(at),
        mentions=tuple(mentions),
        attachments=tuple(dict(one) for one in attachments),
    )
    if quote is None:
        return message, {}
    message.msg_type = events.QUOTE
    if isinstance(quote, ChatMessage):
        message.quote_ref = quote.ref_idx
        return message, {"msg_elements": [events.quoted(quote)]}
    message.quote_ref = f"TMP_{identifiers.unique()}"
    return message, {"msg_elements": [events.forwarded(quote)]}


def click(person: Member | User, message: ChatMessage, button_id: str) -> Interaction:
    """Click a callback button: INTERACTION_CREATE goes to the bot that sent it (4.8).

    Raises:
        LookupError: The message has no such button.
        ValueError: The button is not a callback button.
        PermissionError: The button is not for this person (5.4).
    """
    button, bot = message.button(button_id), message.sender
    if button is None or not isinstance(bot, Bot):
        raise LookupError(f"{message!r} has no button {button_id!r}")
    action = button["action"]
    if action["type"] != _CALLBACK:
        raise ValueError(
            f"button {button_id!r} has action type {action['type']}: only type 1 calls the bot "
            "back; for a command button say its data"
        )
    _check_permission(person, button_id, action.get("permission") or {})
    platform = message.chat.platform
    now = platform.clock.now()
    identifier = identifiers.unique()
    interaction = Interaction(
        id=identifier,
        event_id=f"INTERACTION_CREATE:{identifier}",
        appid=bot.appid,
        message=message,
        person=person,
        button_id=button_id,
        clicked_at=now,
        deadline=now + platform.rules.interaction_window,
    )
    platform.keep_interaction(interaction)
    d = events.interaction(interaction, person, str(action.get("data", "")))
    platform.dispatch(bot, "INTERACTION_CREATE", d, interaction.event_id)
    return interaction


def _check_permission(person: Member | User, button_id: str, permission: dict[str, Any]) -> None:
    kind = permission.get("type", 2)
    role = getattr(person, "role", "member")
    refused = (kind == _ADMINS and role == "member") or (
        kind == _LISTED and person.openid not in (permission.get("specify_user_ids") or ())
    )
    if refused:
        raise PermissionError(f"button {button_id!r} is not for {person.name}")
