"""The attribute names that a message has in the seed family, beside the platform's own."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from qqgroup_sync.events.base import Event
from qqgroup_sync.events.numerals import with_digits
from qqgroup_sync.events.parts import HasAttachments

if TYPE_CHECKING:
    from typing import Any

    from qqgroup_sync.events.parts import Face, Member, Mention

_AVATAR = "https://q.qlogo.cn/qqapp/{}/{}/640"


class SeedNames(Event, HasAttachments):
    """Second names for what a message has anyway."""

    __slots__ = ()

    # Fields of Message.
    id: str
    content: str
    author: Member
    mentions: tuple[Mention, ...]
    faces: tuple[Face, ...]
    group_openid: str
    text: str

    @property
    def message_id(self) -> str:
        """Return ``id``."""
        return self.id

    @property
    def message(self) -> dict[str, Any]:
        """Return ``raw``."""
        return self.raw

    @property
    def user_id(self) -> str:
        """Return the openid of the author."""
        return self.author.openid

    @property
    def user_openid(self) -> str:
        """Return the openid of the author."""
        return self.author.openid

    @property
    def channel_id(self) -> str:
        """Return ``group_openid``."""
        return self.group_openid

    @property
    def channel_openid(self) -> str:
        """Return ``group_openid``."""
        return self.group_openid

    @property
    def nickname(self) -> str:
        """Return the nickname of the author; empty in C2C."""
        return self.author.username

    @property
    def avatar(self) -> str:
        """Return where the picture of the author is; empty without appid or openid.

        Source: used by several adapters, in no page of the platform.
        """
        openid = self.author.openid
        return _AVATAR.format(self.appid, openid) if self.appid and openid else ""

    @property
    def text_original(self) -> str:
        """Return ``content``."""
        return self.content

    @property
    def text_digits(self) -> str:
        """Return the text with Chinese numerals as digits: 二十三 becomes 23."""
        return with_digits(self.text)

    @property
    def text_unsigned(self) -> str:
        """Return the text without punctuation."""
        return "".join(char for char in self.text if not unicodedata.category(char).startswith("P"))

    @property
    def text_words(self) -> list[str]:
        """Return the words of the text; Chinese is parted with jieba, where that is installed."""
        try:
            import jieba  # noqa: PLC0415 - optional
        except ImportError:
            return self.text.split()
        return [word for word in jieba.lcut(self.text) if word.strip()]

    @property
    def face(self) -> list[str]:
        """Return the ids of the faces; those without an id are in ``faces`` only."""
        return [item.id for item in self.faces if item.id and not item.is_picture]

    @property
    def image(self) -> list[str]:
        """Return the URLs of the pictures."""
        return [item.url for item in self.images]

    @property
    def at_target(self) -> list[str]:
        """Return the openids of those mentioned, without the bot and @everyone."""
        return [item.openid for item in self.mentions if item.openid]

    @property
    def time(self) -> float:
        """Return when it was sent, else when it arrived (Unix seconds)."""
        return self.received_at if self.timestamp is None else self.timestamp
