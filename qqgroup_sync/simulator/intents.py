"""Which intent bit lets which event through (3.4). Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

_BITS: dict[int, tuple[str, ...]] = {
    0: (
        *("GUILD_CREATE", "GUILD_UPDATE", "GUILD_DELETE"),
        *("CHANNEL_CREATE", "CHANNEL_UPDATE", "CHANNEL_DELETE"),
    ),
    1: ("GUILD_MEMBER_ADD", "GUILD_MEMBER_UPDATE", "GUILD_MEMBER_REMOVE"),
    9: ("MESSAGE_CREATE", "MESSAGE_DELETE"),
    10: ("MESSAGE_REACTION_ADD", "MESSAGE_REACTION_REMOVE"),
    12: ("DIRECT_MESSAGE_CREATE", "DIRECT_MESSAGE_DELETE"),
    18: (
        *("OPEN_FORUM_THREAD_CREATE", "OPEN_FORUM_THREAD_UPDATE", "OPEN_FORUM_THREAD_DELETE"),
        *("OPEN_FORUM_POST_CREATE", "OPEN_FORUM_POST_DELETE"),
        *("OPEN_FORUM_REPLY_CREATE", "OPEN_FORUM_REPLY_DELETE"),
    ),
    19: ("AUDIO_OR_LIVE_CHANNEL_MEMBER_ENTER", "AUDIO_OR_LIVE_CHANNEL_MEMBER_EXIT"),
    23: ("ENTER_AIO",),
    24: ("GROUP_MEMBER_ADD", "GROUP_MEMBER_REMOVE", "GROUP_JOIN_REQUEST"),
    25: (
        *("C2C_MESSAGE_CREATE", "FRIEND_ADD", "FRIEND_DEL", "C2C_MSG_REJECT", "C2C_MSG_RECEIVE"),
        *("GROUP_AT_MESSAGE_CREATE", "GROUP_MESSAGE_CREATE", "GROUP_ADD_ROBOT"),
        *("GROUP_DEL_ROBOT", "GROUP_MSG_REJECT", "GROUP_MSG_RECEIVE"),
        # The docs moved GROUP_JOIN_REQUEST from 25 to 24 in September: either bit will do.
        *("SUBSCRIBE_MESSAGE_STATUS", "GROUP_JOIN_REQUEST"),
    ),
    26: ("INTERACTION_CREATE",),
    27: ("MESSAGE_AUDIT_PASS", "MESSAGE_AUDIT_REJECT"),
    28: (
        *("FORUM_THREAD_CREATE", "FORUM_THREAD_UPDATE", "FORUM_THREAD_DELETE"),
        *("FORUM_POST_CREATE", "FORUM_POST_DELETE", "FORUM_REPLY_CREATE", "FORUM_REPLY_DELETE"),
        "FORUM_PUBLISH_AUDIT_RESULT",
    ),
    29: ("AUDIO_START", "AUDIO_FINISH", "AUDIO_ON_MIC", "AUDIO_OFF_MIC"),
    30: ("AT_MESSAGE_CREATE", "PUBLIC_MESSAGE_DELETE"),
}

ALL = sum(1 << bit for bit in _BITS)
"""Every bit that exists; any other one is refused with 4013."""

_NAMES = {
    0: "GUILDS",
    1: "GUILD_MEMBERS",
    9: "GUILD_MESSAGES",
    10: "GUILD_MESSAGE_REACTIONS",
    12: "DIRECT_MESSAGE",
    18: "OPEN_FORUMS_EVENT",
    19: "AUDIO_OR_LIVE_CHANNEL_MEMBER",
    23: "ENTER_AIO",
    24: "GROUP_MEMBER_EVENT",
    25: "GROUP_AND_C2C_EVENT",
    26: "INTERACTION",
    27: "MESSAGE_AUDIT",
    28: "FORUMS_EVENT",
    29: "AUDIO_ACTION",
    30: "PUBLIC_GUILD_MESSAGES",
}

_MASKS: dict[str, int] = {}
for _bit, _names in _BITS.items():
    for _name in _names:
        _MASKS[_name] = _MASKS.get(_name, 0) | 1 << _bit


def mask_of(event: str, join_request_bit: int | Literal["either"] = "either") -> int | None:
    """Return the bits that let an event through; None for an unknown one, which always passes."""
    if event == "GROUP_JOIN_REQUEST" and join_request_bit != "either":
        return 1 << join_request_bit
    return _MASKS.get(event)


def names(bits: Iterable[int]) -> list[str]:
    """Return the names of intent bits, the number where there is none (3.4)."""
    return [_NAMES.get(bit, str(bit)) for bit in bits]


def is_known(event: str) -> bool:
    """Tell whether ``event`` is a name the platform uses."""
    return event in _MASKS
