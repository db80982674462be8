"""The types of everything that comes in, in one place to import them from."""

from qqgroup_sync.events.base import Event, Replyable, attach_budget
from qqgroup_sync.events.interaction import Interaction
from qqgroup_sync.events.messages import C2CMessage, GroupMessage, Message
from qqgroup_sync.events.notices import (
    AuditResult,
    C2CProactiveAllowed,
    C2CProactiveRefused,
    EnterAio,
    FriendAdded,
    FriendNotice,
    FriendRemoved,
    GroupAdded,
    GroupProactiveAllowed,
    GroupProactiveRefused,
    GroupRemoved,
    JoinRequest,
    MemberJoined,
    MemberLeft,
    Notice,
    SubscribeStatus,
    Subscription,
)
from qqgroup_sync.events.parts import Ark, Attachment, Face, Member, Mention, QuotedMessage

__all__ = [
    "Ark",
    "Attachment",
    "AuditResult",
    "C2CMessage",
    "C2CProactiveAllowed",
    "C2CProactiveRefused",
    "EnterAio",
    "Event",
    "Face",
    "FriendAdded",
    "FriendNotice",
    "FriendRemoved",
    "GroupAdded",
    "GroupMessage",
    "GroupProactiveAllowed",
    "GroupProactiveRefused",
    "GroupRemoved",
    "Interaction",
    "JoinRequest",
    "Member",
    "MemberJoined",
    "MemberLeft",
    "Mention",
    "Message",
    "Notice",
    "QuotedMessage",
    "Replyable",
    "SubscribeStatus",
    "Subscription",
    "attach_budget",
]
