"""Messages: one type for groups, one for C2C, with the same attributes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from qqgroup_sync.events.base import Replyable, bound, shown
from qqgroup_sync.events.parts import NOBODY
from qqgroup_sync.events.seed_names import SeedNames
from qqgroup_sync.events.text import readable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from qqgroup_sync.events.parts import Ark, Attachment, Face, Member, Mention, QuotedMessage


@dataclass(frozen=True, slots=True, repr=False)
class Message(Replyable, SeedNames):
    """A message of a person or a bot; either a ``GroupMessage`` or a ``C2CMessage``.

    Source: C2C message, group @ message and group message event pages, 2026-08.

    Attributes:
        id: The platform's id: ``msg_id`` of a reply, and what is recalled. The same id may be
            delivered more than once. Empty when it was missing.
        content: The text as it came.
        text: The text to match commands against: without mentions (see ``mentions``) and faces
            (see ``faces``), unescaped, without space at both ends. Of a chat record only its
            title, so that a command inside a record triggers nothing. ``readable`` has it all.
        author: Who wrote it; an empty ``Member`` when the platform did not say.
        message_type: 0 text, 3 card, 101 parallel, 102 chat record, 103 quote.
        attachments: Pictures, videos, voices and files, in order.
        mentions: Who was mentioned with @, without the bot itself; those that only the text names
            come last.
        faces: QQ faces in the text, in order.
        scene: ``key=value`` pairs of ``message_scene.ext``, without ``auth_token``.
        quoted: The message that this one quotes; None when it quotes none.
        forwarded: The messages of the chat record that was sent.
        ark: The card that was sent.
        group_openid: The group; empty in C2C.
        is_at: Whether the bot itself was mentioned (not by @everyone); False in C2C, where every
            message is for the bot.
        is_own: Whether the bot itself wrote it, as far as its openids are known.
        bot_openid: The bot's own openid in this group, when the message mentions it.
    """

    id: str = ""
    content: str = ""
    text: str = ""
    author: Member = NOBODY
    message_type: int = 0
    attachments: tuple[Attachment, ...] = ()
    mentions: tuple[Mention, ...] = ()
    faces: tuple[Face, ...] = ()
    scene: Mapping[str, str] = field(default_factory=dict, hash=False)
    quoted: QuotedMessage | None = field(default=None, hash=False)
    forwarded: tuple[QuotedMessage, ...] = field(default=(), hash=False)
    ark: Ark | None = None
    group_openid: str = ""
    is_at: bool = False
    is_own: bool = False
    bot_openid: str = ""

    is_direct: ClassVar[bool] = False

    @property
    def sender(self) -> str:
        """Return the openid of the author."""
        return self.author.openid

    @property
    def is_admin(self) -> bool:
        """Tell whether the author is an administrator or the owner of the group."""
        return self.author.is_admin

    @property
    def is_from_bot(self) -> bool:
        """Tell whether a bot wrote it: this one (see ``is_own``) or another."""
        return self.is_own or self.author.is_bot

    @property
    def ref_idx(self) -> str:
        """Return the ``REFIDX_...`` by which this message can be quoted; may be empty.

        Source: ordinary message ids cannot be quoted (live payloads, 2026-08).
        """
        return self.scene.get("msg_idx", "")

    @property
    def readable(self) -> str:
        """Return the text as people see it: ``@name`` for mentions, ``[name]`` for faces."""
        names = {item.openid: item.username or item.openid for item in self.mentions}
        return readable(self.content, names)

    def typing(self, seconds: int = 60) -> bool:
        """Show the user that an answer is being written; private chats only.

        Blocks until the platform has answered. It uses up one of the message's replies, and does
        nothing when only one is left. It ends when a message is sent.
        Source: send-message page, 2026-08.

        Args:
            seconds: How long at most; the platform takes up to 60.

        Returns:
            Whether it is shown; False in groups, and when the platform refused.

        Raises:
            StateError: There is no client behind this message.
        """
        return bound(self.actions, self).show_typing(self, seconds)

    def recall(self) -> None:
        """Take this message back.

        Blocks until the platform has answered. Safe to call from any thread.
        Members' messages need a bot that is administrator of the group.
        Source: recall page, 2026-08; own messages only within 2 minutes.

        Raises:
            StateError: There is no client behind this message.
            Forbidden: The bot may not recall it.
            ApiError: QQ refused, for instance because it is too old.
        """
        bound(self.actions, self).recall(self)

    def __repr__(self) -> str:
        author = self.author
        told = [
            f"text={shown(self.text)}",
            f"author={shown(author.username or author.openid)}",
            f"group_openid={shown(self.group_openid)}" if self.group_openid else "",
            f"id={shown(self.id)}",
            f"attachments={shown(self.attachments)}" if self.attachments else "",
            f"quoted={shown(self.quoted.text)}" if self.quoted else "",
            f"forwarded={shown(self.forwarded)}" if self.forwarded else "",
            f"ark={self.ark.ark_type!r}" if self.ark else "",
            "is_at=True" if self.is_at else "",
        ]
        return f"{type(self).__name__}({', '.join(filter(None, told))})"


class GroupMessage(Message):
    """A message in a group, whether it mentions the bot or came because the bot receives all.

    Source: in a group that sends everything, a message with @ comes as ``GROUP_MESSAGE_CREATE``
    instead of ``GROUP_AT_MESSAGE_CREATE`` (live payloads, 2026-05), hence one type.
    """

    __slots__ = ()

    @property
    def conversation(self) -> tuple[str, str]:
        """Return ``("group", group_openid)``."""
        return ("group", self.group_openid)

    @property
    def member_openid(self) -> str:
        """Return the openid of the author."""
        return self.author.openid


class C2CMessage(Message):
    """A message from a user to the bot alone."""

    __slots__ = ()
    is_direct: ClassVar[bool] = True

    @property
    def conversation(self) -> tuple[str, str]:
        """Return ``("c2c", user_openid)``."""
        return ("c2c", self.author.openid)
