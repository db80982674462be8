"""What is told and is no message: comings and goings, switches, requests, results.

What only some events carry, or what comes rarely, is read from ``raw`` when asked for: a class with
fields of its own costs a millisecond at import.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from qqgroup_sync.events.base import Event, Replyable
from qqgroup_sync.events.lenient import integer, mapping, mappings, seconds, string


@dataclass(frozen=True, slots=True, repr=False)
class Notice(Event):
    """Something that one person did, in a group or in C2C; its class says what.

    Source: event pages of groups, members and friends, 2026-08.

    Attributes:
        group_openid: The group; empty in C2C.
        member_openid: Who came, left, asked or pressed, in a group.
        op_member_openid: Who did it to the bot: in ``GroupAdded``, ``GroupRemoved``,
            ``GroupProactiveAllowed`` and ``GroupProactiveRefused``.
        user_openid: The user in C2C; in a group that of the member, often empty.
    """

    group_openid: str = ""
    member_openid: str = ""
    op_member_openid: str = ""
    user_openid: str = ""

    @property
    def conversation(self) -> tuple[str, str] | None:
        """Return ``("group", group_openid)`` or ``("c2c", user_openid)``; None without either."""
        if self.group_openid:
            return ("group", self.group_openid)
        return ("c2c", self.user_openid) if self.user_openid else None

    @property
    def sender(self) -> str:
        """Return the openid of the person behind it; empty when it names nobody."""
        return self.member_openid or self.op_member_openid or self.user_openid

    @property
    def is_direct(self) -> bool:
        """Tell whether it happened in C2C."""
        return not self.group_openid and bool(self.user_openid)


class GroupAdded(Notice, Replyable):
    """The bot was added to a group (``GROUP_ADD_ROBOT``)."""

    __slots__ = ()


class GroupRemoved(Notice):
    """The bot was removed from a group (``GROUP_DEL_ROBOT``)."""

    __slots__ = ()


class GroupProactiveAllowed(Notice, Replyable):
    """A group switched proactive messages on (``GROUP_MSG_RECEIVE``)."""

    __slots__ = ()


class GroupProactiveRefused(Notice):
    """A group switched proactive messages off (``GROUP_MSG_REJECT``)."""

    __slots__ = ()


class MemberJoined(Notice, Replyable):
    """Somebody joined a group (``GROUP_MEMBER_ADD``)."""

    __slots__ = ()


class MemberLeft(Notice):
    """Somebody left a group or was removed; the platform does not say which.

    ``GROUP_MEMBER_REMOVE``
    """

    __slots__ = ()


class C2CProactiveAllowed(Notice, Replyable):
    """A user switched proactive messages on (``C2C_MSG_RECEIVE``)."""

    __slots__ = ()


class C2CProactiveRefused(Notice):
    """A user switched proactive messages off (``C2C_MSG_REJECT``)."""

    __slots__ = ()


class FriendNotice(Notice):
    """A user added or removed the bot."""

    __slots__ = ()

    @property
    def union_openid(self) -> str:
        """Return the user's id across the bots of one developer; often empty."""
        return string(mapping(self.raw.get("author")).get("union_openid"))


class FriendRemoved(FriendNotice):
    """A user removed the bot (``FRIEND_DEL``)."""

    __slots__ = ()


class FriendAdded(FriendNotice, Replyable):
    """A user added the bot (``FRIEND_ADD``)."""

    __slots__ = ()

    @property
    def scene(self) -> int:
        """Return where the user found the bot; 0 when the platform did not say.

        1000 default, 1001 and 1002 search (all, bots), 1003 group, 1004 space, 2001 and 2002
        shared card (in, out of QQ), 2003 and 2004 developer's link (in, out of QQ).
        Source: friend-added event page, 2026-08.
        """
        return integer(self.raw.get("scene"))

    @property
    def scene_param(self) -> str:
        """Return what the developer's link carried."""
        return string(self.raw.get("scene_param"))

    @property
    def short_code(self) -> str:
        """Return the short code of the developer's link."""
        return string(self.raw.get("short_code"))


class EnterAio(Notice):
    """A user opened the chat with the bot (``ENTER_AIO``).

    Source: an official SDK only (botgo, 2025); no live sample is known.
    """

    __slots__ = ()

    @property
    def from_source(self) -> str:
        """Return where he came from."""
        return string(self.raw.get("from_source"))


@dataclass(frozen=True, slots=True, repr=False)
class JoinRequest(Notice):
    """Somebody asks to join a group of which the bot is administrator (``GROUP_JOIN_REQUEST``).

    Source: group join request event page, 2026-08. ``timestamp`` is ``apply_at``.

    Attributes:
        join_request_id: What an approval needs.
        username: Nickname.
        apply_source: ``self_apply`` or ``invited``.
        invited_by: Openid of the one who invited; empty otherwise.
        verify_method: ``verify_message`` or ``admin_review_qa``.
        verify_message: What the person wrote.
        answers: Pairs of question and answer.
        risk_tips: The platform's warning.
        union_openid: Id across the bots of one developer; often empty.
        is_bot: Whether it is a bot that asks.
        auto_approved: Whether a strategy has approved it already; nothing is left to do then.
        strategy_id: That strategy.
    """

    join_request_id: str = ""
    username: str = ""
    apply_source: str = ""
    invited_by: str = ""
    verify_method: str = ""
    verify_message: str = ""
    answers: tuple[tuple[str, str], ...] = ()
    risk_tips: str = ""
    union_openid: str = field(default="", repr=False)
    is_bot: bool = False
    auto_approved: bool = False
    strategy_id: str = ""


class Subscription(NamedTuple):
    """One answer in a ``SubscribeStatus``.

    Attributes:
        template_id: Number of the platform's template.
        custom_template_id: Id of the developer's template.
        subscribe_id: What a message that uses the subscription carries.
        allowed: Whether the person agreed.
        updated_at: When it changed (Unix seconds); None when the platform did not say.
    """

    template_id: int
    custom_template_id: str
    subscribe_id: str
    allowed: bool
    updated_at: float | None


class SubscribeStatus(Notice):
    """A user or a group agreed to, or refused, subscribed messages.

    ``SUBSCRIBE_MESSAGE_STATUS``. Source: subscription event page, 2026-09; no live sample is known.
    """

    __slots__ = ()

    @property
    def result(self) -> tuple[Subscription, ...]:
        """Return one entry for each template."""
        return tuple(
            Subscription(
                integer(item.get("template_id")),
                string(item.get("custom_template_id")),
                string(item.get("subscribe_id")),
                integer(item.get("op")) == 1,
                seconds(item.get("update_ts")),
            )
            for item in mappings(self.raw.get("result"))
        )


class AuditResult(Event):
    """A message that was held back for review was let through or refused; guilds in practice.

    ``MESSAGE_AUDIT_PASS`` and ``MESSAGE_AUDIT_REJECT``. Source: audit event page, 2025-04.
    ``timestamp`` is ``audit_time``.
    """

    __slots__ = ()

    @property
    def passed(self) -> bool:
        """Tell whether the message was let through."""
        return self.name == "MESSAGE_AUDIT_PASS"

    @property
    def audit_id(self) -> str:
        """Return what the send call gave instead of a message id."""
        return string(self.raw.get("audit_id"))

    @property
    def message_id(self) -> str:
        """Return the id of the message; empty when it was refused."""
        return string(self.raw.get("message_id"))

    @property
    def created_at(self) -> float | None:
        """Return when the message was sent (Unix seconds); None when the platform did not say."""
        return seconds(self.raw.get("create_time"))

    @property
    def guild_id(self) -> str:
        """Return the guild."""
        return string(self.raw.get("guild_id"))

    @property
    def channel_id(self) -> str:
        """Return the channel of the guild."""
        return string(self.raw.get("channel_id"))

    @property
    def seq_in_channel(self) -> str:
        """Return the number of the message in the channel."""
        return string(self.raw.get("seq_in_channel"))
