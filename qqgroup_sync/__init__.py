"""QQ group bots as plain Python scripts: synchronous, threaded, no async.

Names are loaded when first used: importing the package costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qqgroup_sync.client import Client as Client
    from qqgroup_sync.dispatch.filters import Equal as Equal
    from qqgroup_sync.errors import ApiError as ApiError
    from qqgroup_sync.errors import AuthError as AuthError
    from qqgroup_sync.errors import BadResponse as BadResponse
    from qqgroup_sync.errors import ConfigError as ConfigError
    from qqgroup_sync.errors import ContentRejected as ContentRejected
    from qqgroup_sync.errors import DuplicateMessage as DuplicateMessage
    from qqgroup_sync.errors import Forbidden as Forbidden
    from qqgroup_sync.errors import GatewayError as GatewayError
    from qqgroup_sync.errors import GatewayRejected as GatewayRejected
    from qqgroup_sync.errors import IPNotAllowed as IPNotAllowed
    from qqgroup_sync.errors import MediaError as MediaError
    from qqgroup_sync.errors import MediaRejected as MediaRejected
    from qqgroup_sync.errors import MediaTooLarge as MediaTooLarge
    from qqgroup_sync.errors import NotConnected as NotConnected
    from qqgroup_sync.errors import NotFound as NotFound
    from qqgroup_sync.errors import PartialSendError as PartialSendError
    from qqgroup_sync.errors import ProactiveNotAllowed as ProactiveNotAllowed
    from qqgroup_sync.errors import QQGroupError as QQGroupError
    from qqgroup_sync.errors import RateLimited as RateLimited
    from qqgroup_sync.errors import ReplyExpired as ReplyExpired
    from qqgroup_sync.errors import ReplyLimitReached as ReplyLimitReached
    from qqgroup_sync.errors import ServerError as ServerError
    from qqgroup_sync.errors import StateError as StateError
    from qqgroup_sync.errors import TransportError as TransportError
    from qqgroup_sync.errors import TransportTimeout as TransportTimeout
    from qqgroup_sync.events.models import Attachment as Attachment
    from qqgroup_sync.events.models import AuditResult as AuditResult
    from qqgroup_sync.events.models import C2CMessage as C2CMessage
    from qqgroup_sync.events.models import C2CProactiveAllowed as C2CProactiveAllowed
    from qqgroup_sync.events.models import C2CProactiveRefused as C2CProactiveRefused
    from qqgroup_sync.events.models import EnterAio as EnterAio
    from qqgroup_sync.events.models import Event as Event
    from qqgroup_sync.events.models import FriendAdded as FriendAdded
    from qqgroup_sync.events.models import FriendRemoved as FriendRemoved
    from qqgroup_sync.events.models import GroupAdded as GroupAdded
    from qqgroup_sync.events.models import GroupMessage as GroupMessage
    from qqgroup_sync.events.models import GroupProactiveAllowed as GroupProactiveAllowed
    from qqgroup_sync.events.models import GroupProactiveRefused as GroupProactiveRefused
    from qqgroup_sync.events.models import GroupRemoved as GroupRemoved
    from qqgroup_sync.events.models import Interaction as Interaction
    from qqgroup_sync.events.models import JoinRequest as JoinRequest
    from qqgroup_sync.events.models import Member as Member
    from qqgroup_sync.events.models import MemberJoined as MemberJoined
    from qqgroup_sync.events.models import MemberLeft as MemberLeft
    from qqgroup_sync.events.models import Message as Message
    from qqgroup_sync.events.models import SubscribeStatus as SubscribeStatus
    from qqgroup_sync.gateway.frames import Intents as Intents
    from qqgroup_sync.message.chain import Chain as Chain
    from qqgroup_sync.message.elements import At as At
    from qqgroup_sync.message.elements import Markdown as Markdown
    from qqgroup_sync.message.elements import Quote as Quote
    from qqgroup_sync.message.elements import Text as Text
    from qqgroup_sync.sending.sent import Sent as Sent
    from qqgroup_sync.settings import QQGroupChainBuilderOptions as QQGroupChainBuilderOptions
    from qqgroup_sync.status import Status as Status

_HOMES = {
    "client": "Client",
    "dispatch.filters": "Equal",
    "errors": (
        "ApiError AuthError BadResponse ConfigError ContentRejected DuplicateMessage Forbidden "
        "GatewayError GatewayRejected IPNotAllowed MediaError MediaRejected MediaTooLarge "
        "NotConnected NotFound PartialSendError ProactiveNotAllowed QQGroupError RateLimited "
        "ReplyExpired ReplyLimitReached ServerError StateError TransportError TransportTimeout"
    ),
    "events.models": (
        "Attachment AuditResult C2CMessage C2CProactiveAllowed C2CProactiveRefused EnterAio Event "
        "FriendAdded FriendRemoved GroupAdded GroupMessage GroupProactiveAllowed "
        "GroupProactiveRefused GroupRemoved Interaction JoinRequest Member MemberJoined "
        "MemberLeft Message SubscribeStatus"
    ),
    "gateway.frames": "Intents",
    "message.chain": "Chain",
    "message.elements": "At Markdown Quote Text",
    "sending.sent": "Sent",
    "settings": "QQGroupChainBuilderOptions",
    "status": "Status",
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}

__all__ = sorted(_HOME_OF)  # noqa: PLE0605 - one list of names is enough


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME_OF})
