"""Messages: one type for groups, one for C2C, with the same attributes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from qqgroup_sync.events.asking import Asking
from qqgroup_sync.events.base import bound, shown
from qqgroup_sync.events.parts import NOBODY
from qqgroup_sync.events.seed_names import SeedNames
from qqgroup_sync.events.text import readable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from qqgroup_sync.dispatch.dialogue import ChannelItem
    from qqgroup_sync.events.parts import Ark, Attachment, Face, Member, Mention, QuotedMessage
    from qqgroup_sync.events.verify import Verify
    from qqgroup_sync.sending.sent import Sent
    from qqgroup_sync.state.storage import Storage


@dataclass(frozen=True, slots=True, repr=False)
class Message(Asking, SeedNames):
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
        text_prefix: The prefix word that woke the bot; it is not part of ``text``.
        verify: Why this handler was chosen; None outside of one.
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
    text_prefix: str = ""
    verify: Verify | None = field(default=None, repr=False, compare=False)

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

    def send(self, content: Any) -> Sent:
        """Answer this message at once; the seed family's name of :meth:`reply`."""
        return self.reply(content)

    # ------------------------------------------------------------------ dialogue

    def wait(
        self,
        reply: Any = None,
        force: bool = False,
        max_time: float | None = 30.0,
        data_filter: Callable[[Message], Any] | None = None,
        level: int = 0,
    ) -> Message | None:
        """Wait for the same person's next message in the same place.

        Without ``force``, a message that a handler of this level or a higher one is for goes to
        that handler, and ends the waiting. Names and defaults are the seed family's.

        Args:
            reply: Said before.
            force: Take the message in any case.
            max_time: Seconds.
            data_filter: Returns whether to take a message.
            level: Of the waiting; handlers have 0 by default.

        Returns:
            The message; None when none came in time.

        Raises:
            WaitCancelled: As for :meth:`ask`.
            ConfigError: ``max_time`` is no number of seconds, or ``data_filter`` no function.
        """
        dialogue = bound(self.actions, self).dialogue(self)
        return dialogue.wait(
            reply, force=force, max_time=max_time, data_filter=data_filter, level=level
        )

    def wait_channel(  # noqa: PLR0917 - the seed's order
        self,
        reply: Any = None,
        force: bool = False,
        clean: bool = True,
        max_time: float | None = 30.0,
        data_filter: Callable[[Message], Any] | None = None,
        level: int = 0,
    ) -> ChannelItem | None:
        """Wait for a message of anybody in the group; goes on catching until it is closed.

        A channel that nobody closes ends with the handler that opened it. Outside of handlers it
        lapses ``max_time`` after its last item; without ``max_time`` it lasts until it is closed,
        another one takes its place, or the client stops.

        Args:
            reply: Said before.
            force: As for :meth:`wait`.
            clean: Drop what came since the call before; False keeps it in a queue.
            max_time: Seconds.
            data_filter: As for :meth:`wait`.
            level: As for :meth:`wait`.

        Returns:
            ``item.message``, and ``item.event.close_event()`` to end; None when none came in time.

        Raises:
            StateError: In a private chat.
            WaitCancelled: As for :meth:`ask`.
            ConfigError: As for :meth:`wait`.
        """
        dialogue = bound(self.actions, self).dialogue(self)
        return dialogue.wait_channel(
            reply,
            force=force,
            clean=clean,
            max_time=max_time,
            data_filter=data_filter,
            level=level,
        )

    @property
    def session(self) -> Storage:
        """Return what is kept for this person in this conversation, like a dict.

        Raises:
            StateError: There is no client behind this message.
        """
        return bound(self.actions, self).session(self)

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

    def _repr_html_(self) -> str:
        from qqgroup_sync import rich  # noqa: PLC0415 - only in notebooks

        author = self.author
        quoted = self.quoted
        return rich.facts(
            type(self).__name__,
            [
                ("text", self.readable),
                ("author", author.username or author.openid),
                ("group", self.group_openid),
                ("time", rich.moment(self.timestamp or self.received_at)),
                ("mentions the bot", "yes" if self.is_at else ""),
                *((one.kind, f"{one.filename} {one.size or ''}") for one in self.attachments),
                ("quotes", quoted.text if quoted is not None else ""),
                ("card", self.ark.ark_type if self.ark else ""),
                ("forwarded", f"{len(self.forwarded)} messages" if self.forwarded else ""),
                ("id", self.id),
            ],
        )

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
