"""What the endpoints of every bot answer, as typed objects; read leniently, the answer kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from qqgroup_sync.events.lenient import integer, mapping, seconds, string

if TYPE_CHECKING:
    from qqgroup_sync.api.http import Answer


@dataclass(frozen=True, slots=True)
class SentMessage:
    """A message, or a frame of a streamed one, that the platform took.

    Attributes:
        id: What recall takes; empty while the message waits for review.
        timestamp: When the platform took it (Unix seconds); None when it did not say.
        ref_idx: What quoting takes; empty when the platform gave none.
        audit_id: Set when the message was taken for review only (HTTP 201 or 202).
        remain_msg_len: Characters that a streamed message may still have; None otherwise.
        raw: The answer as it came.
    """

    id: str
    timestamp: float | None
    ref_idx: str
    audit_id: str
    remain_msg_len: int | None
    raw: dict[str, Any] = field(repr=False)

    @classmethod
    def read(cls, answer: Answer) -> SentMessage:
        """Return the message that an answer tells of."""
        data = answer.data
        ext_info = data.get("ext_info")
        remaining = data.get("remain_msg_len")
        return cls(
            string(data.get("id")),
            seconds(data.get("timestamp")),
            string(ext_info.get("ref_idx")) if isinstance(ext_info, dict) else "",
            answer.audit_id,
            None if remaining is None else integer(remaining),
            data,
        )


@dataclass(frozen=True, slots=True)
class GatewayInfo:
    """Where the gateway is, and how many sessions may be started.

    Attributes:
        url: WebSocket address.
        shards: Shards that the platform suggests.
        total: Sessions per 24 hours; 0 when the platform did not say.
        remaining: Sessions left of them.
        reset_after: Seconds until they are ``total`` again.
        max_concurrency: Sessions that may be started within 5 seconds.
        raw: The answer as it came.
    """

    url: str
    shards: int
    total: int
    remaining: int
    reset_after: float
    max_concurrency: int
    raw: dict[str, Any] = field(repr=False)

    @classmethod
    def read(cls, url: str, data: dict[str, Any]) -> GatewayInfo:
        """Return what an answer says beside the address."""
        limit = mapping(data.get("session_start_limit"))
        return cls(
            url,
            max(1, integer(data.get("shards"))),
            integer(limit.get("total")),
            integer(limit.get("remaining")),
            integer(limit.get("reset_after")) / 1000,
            max(1, integer(limit.get("max_concurrency"))),
            data,
        )


@dataclass(frozen=True, slots=True)
class BotProfile:
    """The bot itself.

    Attributes:
        id: The bot's user id.
        username: Its name.
        avatar: Address of its picture.
        share_url: Link with which it is added to groups.
        welcome_msg: What it says when it comes into a group.
        union_openid: Id across the bots of one owner; empty without an application.
        raw: The answer as it came.
    """

    id: str
    username: str
    avatar: str
    share_url: str
    welcome_msg: str
    union_openid: str
    raw: dict[str, Any] = field(repr=False)

    @classmethod
    def read(cls, data: dict[str, Any]) -> BotProfile:
        """Return the profile that an answer holds."""
        return cls(
            string(data.get("id")),
            string(data.get("username")),
            string(data.get("avatar")),
            string(data.get("share_url")),
            string(data.get("welcome_msg")),
            string(data.get("union_openid")),
            data,
        )
