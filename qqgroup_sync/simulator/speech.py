"""What people do: say something, send media, quote, click a button."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from qqgroup_sync.simulator import attachments, events, identifiers
from qqgroup_sync.simulator.chats import Chat
from qqgroup_sync.simulator.records import Bot, ChatMessage, Interaction
from qqgroup_sync.simulator.shelf import MediaFile

if TYPE_CHECKING:
    from qqgroup_sync.simulator.groups import Group, Member
    from qqgroup_sync.simulator.users import User

Quote = ChatMessage | Sequence[ChatMessage]
"""One quoted message, or several: a forwarded chat record that is quoted (4.2)."""

Attached = Sequence[Mapping[str, Any] | MediaFile]
"""What is attached, when nothing that takes a while is left to do."""

_CALLBACK = 1
_CARD = 3
_LISTED, _ADMINS = 0, 1


class Speaker:
    """Somebody who sends media: each method says one thing, with the options of ``say``."""

    def say(self, *args: Any, **options: Any) -> ChatMessage:
        """Say something."""
        raise NotImplementedError

    def send_picture(
        self, source: attachments.Source, name: str = "", *, text: str = "", **options: Any
    ) -> ChatMessage:
        """Send a picture, with what the event tells of it: address, name, size, width, height.

        Args:
            source: The bytes, or a path.
            name: The file name; that of the path, or one like a hash, when empty.
            text: What is said with it.
            **options: Those of ``say``.

        Raises:
            ValueError: It is no picture.
        """
        return self.say(text, attachments=[attachments.picture(source, name)], **options)

    def send_voice(
        self, source: attachments.Source, transcript: str = "", **options: Any
    ) -> ChatMessage:
        """Send a voice: SILK called ``.amr``, a WAV beside it, and what was recognised.

        Args:
            source: SILK, or a 16 bit mono WAV of 8, 12, 16 or 24 kHz: bytes, or a path.
            transcript: What the platform recognises in it.
            **options: Those of ``say``.

        Raises:
            ValueError: It is something else.
        """
        return self.say(attachments=[attachments.voice(source, transcript)], **options)

    def send_video(self, source: attachments.Source, name: str = "", **options: Any) -> ChatMessage:
        """Send a video, an MP4; see ``send_picture``."""
        return self.say(attachments=[attachments.video(source, name)], **options)

    def send_card(
        self, title: str, ark_type: str = "miniapp", *, at: bool | None = None, **fields: str
    ) -> ChatMessage:
        """Share a card: ``message_type`` 3 with ``ark_data`` (4.1).

        Args:
            title: Its title.
            ark_type: tuwen, feed, miniapp, map, contact_card, video_share or music_together.
            at: Whether bots are addressed, in groups; those of ``say`` when None.
            **fields: More of its fields, such as ``desc``, ``jump_url`` and ``preview``.
        """
        extra = compose_card(ark_type, title, fields)
        options = {} if at is None else {"at": at}
        return self.say(extra["content"], extra=extra, **options)

    def interact(self, kind: int, resolved: Mapping[str, Any], *, appid: str) -> Interaction:
        """Do something that is no button: INTERACTION_CREATE of another type (4.8).

        Args:
            kind: 12 quick menu, 13 feedback, 14 clear session, 15 story, 16 switch model, 18 user
                authorise, 19 group authorise, 20 group authorise status.
            resolved: The ``resolved`` of its data, such as ``{"feature_id": "f1"}``.
            appid: The bot it is meant for.
        """
        return interact(self, kind, resolved, appid)  # type: ignore[arg-type]

    def send_file(self, source: attachments.Source, name: str = "", **options: Any) -> ChatMessage:
        """Send any file; see ``send_picture``."""
        return self.say(attachments=[attachments.file(source, name)], **options)


def compose_card(ark_type: str, title: str, fields: Mapping[str, str]) -> dict[str, Any]:
    """Return what an ark card adds to the event of a message (4.1, 4.2)."""
    summary = "\n".join(f"{name}: {value}" for name, value in fields.items() if value)
    data = {"prompt": f"[{title}]", "ark_type": ark_type, "ark_name": ark_type}
    return {
        "message_type": _CARD,
        "content": f"[card] {ark_type}\ntitle: {title}\n{summary}".rstrip(),
        "ark_data": {**data, "fields": {"title": title, **fields}},
    }


def compose(
    chat: Group | User,
    sender: Member | User,
    text: str,
    *,
    quote: Quote | None,
    attached: Attached,
    at: Collection[str] = (),
    mentions: Sequence[Member | Literal["all"]] = (),
) -> tuple[ChatMessage, dict[str, Any]]:
    """Make a person's message, and what its quote adds to the event.

    The platform's lock must be held.
    """
    scene: Literal["group", "c2c"] = "c2c" if chat is sender else "group"
    files, described = attachments.attach(chat.platform, list(attached), scene)
    message = ChatMessage(
        id=identifiers.message_id(),
        chat=chat,
        sender=sender,
        content=text,
        timestamp=chat.platform.clock.now(),
        ref_idx=identifiers.reference_index(),
        at=frozenset(at),
        mentions=tuple(mentions),
        attachments=tuple(described),
        files=tuple(files),
    )
    if quote is None:
        return message, {}
    message.msg_type = events.QUOTE
    for one in [quote] if isinstance(quote, ChatMessage) else quote:
        attachments.fill(one)
    if isinstance(quote, ChatMessage):
        message.quote_ref = quote.ref_idx
        return message, {"msg_elements": [events.quoted(quote, chat.platform.rules)]}
    message.quote_ref = f"TMP_{identifiers.unique()}"
    return message, {"msg_elements": [events.forwarded(quote)]}


def click(person: Member | User, message: ChatMessage, button_id: str) -> Interaction:
    """Click a callback button: INTERACTION_CREATE goes to the bot that sent it (4.8).

    The platform's lock must be held.

    Args:
        person: Who clicks.
        message: The bot's message.
        button_id: The id of the button, or its label.

    Raises:
        LookupError: The message has no such button.
        ValueError: The button is not a callback button.
        PermissionError: The button is not for this person (5.4).
    """
    button, bot = message.button(button_id), message.sender
    if button is None or not isinstance(bot, Bot):
        there = ", ".join(f"{one!r} (id {one.id!r})" for one in message.buttons) or "none"
        raise LookupError(f"{message!r} has no button {button_id!r}; there are: {there}")
    button_id = str(button.get("id"))
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


def interact(
    person: Member | User, kind: int, resolved: Mapping[str, Any], appid: str
) -> Interaction:
    """Send an interaction that no button of a message causes; see ``Speaker.interact``."""
    platform = person.platform if isinstance(person, Chat) else person.group.platform
    with platform.changing():
        (bot,) = platform.bots_of(appid)
        now = platform.clock.now()
        identifier = identifiers.unique()
        interaction = Interaction(
            id=identifier,
            event_id=f"INTERACTION_CREATE:{identifier}",
            appid=appid,
            message=None,
            person=person,
            button_id="",
            clicked_at=now,
            deadline=now + platform.rules.interaction_window,
        )
        platform.keep_interaction(interaction)
        d = events.interaction(interaction, person, "", kind=kind, resolved=resolved)
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
