"""What the group endpoints answer, as typed objects; read leniently, the answer kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from qqgroup_sync.events.lenient import flag, integer, mapping, mappings, seconds, string

ItemT = TypeVar("ItemT")


@dataclass(frozen=True, slots=True)
class Page(Generic[ItemT]):
    """One page of a list.

    Attributes:
        items: The entries of this page.
        next_cursor: What brings the next page; empty on the last one.
        raw: The answer as it came.
    """

    items: tuple[ItemT, ...]
    next_cursor: str
    raw: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class GroupInfo:
    """A group.

    Attributes:
        group_openid: Its id for this bot.
        group_name: Its name.
        group_finger_memo: Its description.
        group_class_text: Its category.
        group_tags: Its tags.
        group_member_num: How many members it has.
        raw: The answer as it came.
    """

    group_openid: str
    group_name: str
    group_finger_memo: str
    group_class_text: str
    group_tags: tuple[str, ...]
    group_member_num: int
    raw: dict[str, Any] = field(repr=False)

    @classmethod
    def read(cls, data: dict[str, Any]) -> GroupInfo:
        """Return the group that an answer describes."""
        tags = data.get("group_tags")
        return cls(
            string(data.get("group_openid")),
            string(data.get("group_name")),
            string(data.get("group_finger_memo")),
            string(data.get("group_class_text")),
            tuple(string(tag) for tag in tags) if isinstance(tags, list) else (),
            integer(data.get("group_member_num")),
            data,
        )


@dataclass(frozen=True, slots=True)
class BotState:
    """The bot in one group.

    Attributes:
        member_openid: The bot's id in the group.
        joined_at: When it came (Unix seconds); None when the platform did not say.
        allow_proactive_msg: Whether it may speak without being asked.
        recv_msg_setting: all, only_mention or mention_and_context.
        member_role: member, admin or owner.
        raw: The answer as it came.
    """

    member_openid: str
    joined_at: float | None
    allow_proactive_msg: bool
    recv_msg_setting: str
    member_role: str
    raw: dict[str, Any] = field(repr=False)

    @classmethod
    def read(cls, data: dict[str, Any]) -> BotState:
        """Return the state that an answer holds."""
        return cls(
            string(data.get("member_openid")),
            seconds(data.get("joined_at")),
            flag(data.get("allow_proactive_msg")),
            string(data.get("recv_msg_setting")),
            string(data.get("member_role")),
            data,
        )


@dataclass(frozen=True, slots=True)
class GroupMember:
    """A member of a group.

    Attributes:
        member_openid: The member's id.
        username: Nickname.
        member_role: member, admin or owner.
        bot: Whether it is a bot.
        joined_at: When the member came (Unix seconds); None when the platform did not say.
        union_openid: Id across the bots of one owner; may be empty.
        raw: The answer as it came.
    """

    member_openid: str
    username: str
    member_role: str
    bot: bool
    joined_at: float | None
    union_openid: str
    raw: dict[str, Any] = field(repr=False)

    @classmethod
    def read(cls, data: dict[str, Any]) -> GroupMember:
        """Return the member that an answer describes."""
        return cls(
            string(data.get("member_openid")),
            string(data.get("username")),
            string(data.get("member_role")),
            flag(data.get("bot")),
            seconds(data.get("joined_at")),
            string(data.get("union_openid")),
            data,
        )


@dataclass(frozen=True, slots=True)
class JoinRequest:
    """Someone's request to join a group.

    Attributes:
        join_request_id: Names the request when it is answered.
        member_openid: Who asks.
        username: Nickname of who asks.
        apply_at: When (Unix seconds); None when the platform did not say.
        apply_source: self_apply or invited.
        invited_by: member_openid of who invited; empty otherwise.
        risk_tips: The platform's warning about the account; empty otherwise.
        union_openid: Id across the bots of one owner; may be empty.
        bot: Whether a bot asks.
        verify_message: What was written with the request.
        review_answers: Pairs of the group's question and the answer given.
        raw: The answer as it came.
    """

    join_request_id: str
    member_openid: str
    username: str
    apply_at: float | None
    apply_source: str
    invited_by: str
    risk_tips: str
    union_openid: str
    bot: bool
    verify_message: str
    review_answers: tuple[tuple[str, str], ...]
    raw: dict[str, Any] = field(repr=False)

    @classmethod
    def read(cls, data: dict[str, Any]) -> JoinRequest:
        """Return the request that an answer describes."""
        verify_info = mapping(data.get("verify_info"))
        return cls(
            string(data.get("join_request_id")),
            string(data.get("member_openid")),
            string(data.get("username")),
            seconds(data.get("apply_at")),
            string(data.get("apply_source")),
            string(data.get("invited_by")),
            string(data.get("risk_tips")),
            string(data.get("union_openid")),
            flag(data.get("bot")),
            string(verify_info.get("verify_message")),
            tuple(
                (string(pair.get("question")), string(pair.get("answer")))
                for pair in mappings(verify_info.get("review_qa_list"))
            ),
            data,
        )


@dataclass(frozen=True, slots=True)
class ChatRestrictions:
    """Who may not write in a group.

    Attributes:
        mode: For the whole group: none, always or schedule.
        schedule_rules: As the platform gives them: task_id, start_at, end_at, enabled.
        recurring_rules: As the platform gives them: task_id, weekdays (1 is Monday), start_time
            and end_time (HH:mm, China time), enabled.
        muted: member_openid of every muted member, and until when (Unix seconds; None when the
            platform did not say).
        raw: The answer as it came.
    """

    mode: str
    schedule_rules: tuple[dict[str, Any], ...]
    recurring_rules: tuple[dict[str, Any], ...]
    muted: dict[str, float | None]
    raw: dict[str, Any] = field(repr=False)

    @classmethod
    def read(cls, data: dict[str, Any]) -> ChatRestrictions:
        """Return the restrictions that an answer lists."""
        rule = mapping(data.get("global_rule"))
        return cls(
            string(rule.get("mode")) or "none",
            tuple(mappings(rule.get("schedule_rules"))),
            tuple(mappings(rule.get("recurring_rules"))),
            {
                string(member.get("member_openid")): seconds(member.get("mute_expire_at"))
                for member in mappings(data.get("members"))
            },
            data,
        )
