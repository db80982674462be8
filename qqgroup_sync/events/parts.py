"""What a message is made of: people, mentions, faces, attachments, cards, other messages."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from qqgroup_sync.events.base import Record, bound, shown
from qqgroup_sync.events.lenient import string
from qqgroup_sync.masking import HIDDEN

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping

    from qqgroup_sync.events.actions import Actions

    Progress = Callable[[int, int | None], None]

MIB: Final = 1024 * 1024

_KINDS = {"image": "image", "video": "video", "voice": "voice", "audio": "voice"}
_FAVOURITE_PICTURE = 6
_TOLD = ("filename", "size", "width", "height", "transcript")
_VOICE_TYPES = frozenset({"silk", "amr", "application/silk", "application/amr"})


@dataclass(frozen=True, slots=True, repr=False)
class Member(Record):
    """A person or a bot.

    Attributes:
        openid: ``member_openid`` in a group, ``user_openid`` in C2C; an id per AppID.
        username: Nickname; empty in C2C (Source: C2C message event page, 2026-08).
        role: ``member``, ``admin`` or ``owner`` in a group; empty in C2C.
        is_bot: Whether it is a bot.
        union_openid: Id across the bots of one developer; often empty.
    """

    openid: str = ""
    username: str = ""
    role: str = ""
    is_bot: bool = False
    union_openid: str = field(default="", repr=False)

    @property
    def is_admin(self) -> bool:
        """Tell whether he is an administrator or the owner of the group."""
        return self.role in ("admin", "owner")


NOBODY: Final = Member()


@dataclass(frozen=True, slots=True, repr=False)
class Mention(Record):
    """Somebody who was mentioned with @; the bot itself is not among the mentions of a message.

    Attributes:
        openid: ``member_openid``; empty for @everyone.
        username: Nickname; empty when only the text named him.
        is_bot: Whether it is a bot.
        scope: ``single``, or ``all`` for @everyone.
    """

    openid: str = ""
    username: str = ""
    is_bot: bool = False
    scope: str = "single"

    @property
    def is_everyone(self) -> bool:
        """Tell whether it is @everyone."""
        return self.scope == "all"


@dataclass(frozen=True, slots=True, repr=False)
class Face(Record):
    """A QQ face in a text.

    Attributes:
        id: The platform's number as a string; may be empty (type 4), or "0" (type 6).
        name: Chinese name without brackets, such as ``大哭``; empty when it came without.
        type: 1 built-in, 3 large and animated, 4 of a sticker pack, 6 a favourite picture, which
            comes as an attachment as well; 0 unknown. Source: live payloads, 2026-08.
    """

    id: str = ""
    name: str = ""
    type: int = 0

    @property
    def is_picture(self) -> bool:
        """Tell whether it is a favourite picture rather than a face."""
        return self.type == _FAVOURITE_PICTURE


@dataclass(frozen=True, slots=True, repr=False)
class Ark(Record):
    """A card.

    Attributes:
        ark_type: ``tuwen``, ``feed``, ``miniapp``, ``map``, ``contact_card``, ``video_share``,
            ``music_together``, or what comes next.
        ark_name: The same in Chinese.
        prompt: The line shown in the list of chats.
        fields: ``title``, ``desc``, ``jump_url``, ``preview``, ``picture``, ``source``, ``tag``,
            ``nickname``, ``address`` and more, as far as the card has them.
    """

    ark_type: str = ""
    ark_name: str = ""
    prompt: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict, repr=False, hash=False)

    @property
    def title(self) -> str:
        """Return the title; empty when there is none."""
        return string(self.fields.get("title"))


@dataclass(frozen=True, slots=True, repr=False)
class Attachment(Record):
    """A picture, video, voice or file of a message.

    Attributes:
        content_type: As the platform gives it: ``image/jpeg``, ``video/mp4``, ``voice``, ``file``.
        filename: Name; a voice is named ``.amr`` but its bytes are Tencent SILK.
        url: Where to download it, with a scheme. Its query is a key that expires: download soon,
            never log it.
        size: Bytes; 0 when unknown.
        width: Pixels of a picture; 0 for anything else.
        height: Pixels of a picture; 0 for anything else.
        transcript: What the platform understood of a voice (``asr_refer_text``).
        wav_url: A voice as WAV, with a scheme; empty when there is none.
        actions: The client behind ``read`` and ``save``.
    """

    content_type: str = ""
    filename: str = ""
    url: str = ""
    size: int = 0
    width: int = 0
    height: int = 0
    transcript: str = ""
    wav_url: str = ""
    actions: Actions | None = field(default=None, repr=False, compare=False)

    @property
    def kind(self) -> str:
        """Return ``image``, ``video``, ``voice`` or ``file``."""
        content_type = self.content_type.lower()
        if content_type in _VOICE_TYPES:
            return "voice"
        return _KINDS.get(content_type.partition("/")[0], "file")

    def read(
        self, *, limit: int = 32 * MIB, timeout: float = 60.0, progress: Progress | None = None
    ) -> bytes:
        """Download the attachment into memory.

        Blocks until everything is there. Safe to call from any thread.

        Args:
            limit: Bytes; a larger attachment is refused.
            timeout: Seconds for the whole download.
            progress: Called with the bytes so far and the total, None when that is unknown.

        Raises:
            StateError: There is no client behind this attachment.
            MediaTooLarge: It is larger than ``limit``.
            TransportError: It could not be downloaded.
        """
        return bound(self.actions, self).read_attachment(
            self, limit=limit, timeout=timeout, progress=progress
        )

    def save(
        self,
        path: str | os.PathLike[str],
        *,
        limit: int = 512 * MIB,
        timeout: float = 300.0,
        progress: Progress | None = None,
    ) -> Path:
        """Download the attachment to a file.

        Blocks until the file is complete. Safe to call from any thread.

        Args:
            path: The file, or a folder that takes it under its own name.
            limit: Bytes; a larger attachment is refused.
            timeout: Seconds for the whole download.
            progress: Called with the bytes so far and the total, None when that is unknown.

        Returns:
            The file that was written.

        Raises:
            StateError: There is no client behind this attachment.
            MediaTooLarge: It is larger than ``limit``.
            TransportError: It could not be downloaded.
        """
        return bound(self.actions, self).save_attachment(
            self, Path(path), limit=limit, timeout=timeout, progress=progress
        )

    def __repr__(self) -> str:
        told = [f"kind={self.kind!r}"]
        told += [f"{name}={shown(value)}" for name in _TOLD if (value := getattr(self, name))]
        if self.url:
            address, question_mark, _ = self.url.partition("?")
            told.append(f"url={shown(address + (question_mark and '?' + HIDDEN))}")
        return f"Attachment({', '.join(told)})"


class HasAttachments:
    """The attachments by kind."""

    __slots__ = ()
    attachments: tuple[Attachment, ...]

    @property
    def images(self) -> tuple[Attachment, ...]:
        """Return the pictures."""
        return tuple(item for item in self.attachments if item.kind == "image")

    @property
    def files(self) -> tuple[Attachment, ...]:
        """Return the files."""
        return tuple(item for item in self.attachments if item.kind == "file")

    @property
    def voice(self) -> Attachment | None:
        """Return the voice; None when there is none."""
        return next((item for item in self.attachments if item.kind == "voice"), None)

    @property
    def video(self) -> Attachment | None:
        """Return the first video; None when there is none."""
        return next((item for item in self.attachments if item.kind == "video"), None)


@dataclass(frozen=True, slots=True, repr=False)
class QuotedMessage(HasAttachments, Record):
    """A message inside a message: one that was quoted, or one of a forwarded chat record.

    Everything may be empty: the platform often tells only a part.

    Attributes:
        ref_idx: Its ``REFIDX_...``; empty inside a chat record.
        text: Cleaned like the text of a message; of a chat record its title.
        author: Who wrote it; None when the platform did not say. In a chat record only the
            nickname is known.
        attachments: Its pictures, videos, voices and files.
        content: The text as it came; of a chat record the whole record as plain text.
        message_type: 0 text, 3 card, 101 parallel, 102 chat record, 103 quote.
            Source: group message event page, 2026-08.
        ark: Its card.
        quoted: What it quotes in its turn.
        forwarded: The messages of a chat record, in order.
    """

    ref_idx: str = ""
    text: str = ""
    author: Member | None = None
    attachments: tuple[Attachment, ...] = ()
    content: str = field(default="", repr=False)
    message_type: int = 0
    ark: Ark | None = None
    quoted: QuotedMessage | None = field(default=None, repr=False)
    forwarded: tuple[QuotedMessage, ...] = ()

    @property
    def quotable(self) -> bool:
        """Tell whether a reply can quote it: not without an index, nor by a temporary one.

        Source: ``TMP_`` indices cannot be quoted (live payloads, 2026-08).
        """
        return bool(self.ref_idx) and not self.ref_idx.startswith("TMP_")
