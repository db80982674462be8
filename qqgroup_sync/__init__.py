"""QQ group bots as plain Python scripts: synchronous, threaded, no async.

Names are loaded when first used: importing the package costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qqgroup_sync.accounts import Accounts as Accounts
    from qqgroup_sync.client import Client as Client
    from qqgroup_sync.dispatch.filters import Equal as Equal
    from qqgroup_sync.dispatch.filters import GroupConfig as GroupConfig
    from qqgroup_sync.dispatch.rate_limits import RateLimit as RateLimit
    from qqgroup_sync.dispatch.router import Router as Router
    from qqgroup_sync.errors import ApiError as ApiError
    from qqgroup_sync.errors import AuthError as AuthError
    from qqgroup_sync.errors import BadResponse as BadResponse
    from qqgroup_sync.errors import ConfigError as ConfigError
    from qqgroup_sync.errors import ContentRejected as ContentRejected
    from qqgroup_sync.errors import DuplicateMessage as DuplicateMessage
    from qqgroup_sync.errors import Forbidden as Forbidden
    from qqgroup_sync.errors import GatewayError as GatewayError
    from qqgroup_sync.errors import GatewayRejected as GatewayRejected
    from qqgroup_sync.errors import HostingError as HostingError
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
    from qqgroup_sync.errors import UnsupportedMedia as UnsupportedMedia
    from qqgroup_sync.errors import VoiceEncodeError as VoiceEncodeError
    from qqgroup_sync.errors import WaitCancelled as WaitCancelled
    from qqgroup_sync.errors import WaitTimeout as WaitTimeout
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
    from qqgroup_sync.media import voice as voice
    from qqgroup_sync.media.builder import ChainBuilder as ChainBuilder
    from qqgroup_sync.media.hosting.s3 import S3ChainBuilder as S3ChainBuilder
    from qqgroup_sync.media.serving import QQGroupChainBuilder as QQGroupChainBuilder
    from qqgroup_sync.message.chain import Chain as Chain
    from qqgroup_sync.message.drawing import ImageElem as ImageElem
    from qqgroup_sync.message.elements import Ark as Ark
    from qqgroup_sync.message.elements import At as At
    from qqgroup_sync.message.elements import AtAll as AtAll
    from qqgroup_sync.message.elements import Face as Face
    from qqgroup_sync.message.elements import File as File
    from qqgroup_sync.message.elements import Image as Image
    from qqgroup_sync.message.elements import Link as Link
    from qqgroup_sync.message.elements import Markdown as Markdown
    from qqgroup_sync.message.elements import MarkdownTemplate as MarkdownTemplate
    from qqgroup_sync.message.elements import Quote as Quote
    from qqgroup_sync.message.elements import Raw as Raw
    from qqgroup_sync.message.elements import Text as Text
    from qqgroup_sync.message.elements import Video as Video
    from qqgroup_sync.message.elements import Voice as Voice
    from qqgroup_sync.message.keyboard import Button as Button
    from qqgroup_sync.message.keyboard import Keyboard as Keyboard
    from qqgroup_sync.message.keyboard import Modal as Modal
    from qqgroup_sync.sending.sent import Sent as Sent
    from qqgroup_sync.sending.streaming import Stream as Stream
    from qqgroup_sync.settings import QQGroupChainBuilderOptions as QQGroupChainBuilderOptions
    from qqgroup_sync.status import Status as Status

_HOMES = {
    "accounts": "Accounts",
    "client": "Client",
    "dispatch.filters": "Equal GroupConfig",
    "dispatch.rate_limits": "RateLimit",
    "dispatch.router": "Router",
    "errors": (
        "ApiError AuthError BadResponse ConfigError ContentRejected DuplicateMessage Forbidden "
        "GatewayError GatewayRejected HostingError IPNotAllowed MediaError MediaRejected "
        "MediaTooLarge NotConnected NotFound PartialSendError ProactiveNotAllowed QQGroupError "
        "RateLimited ReplyExpired ReplyLimitReached ServerError StateError TransportError "
        "TransportTimeout UnsupportedMedia VoiceEncodeError WaitCancelled WaitTimeout"
    ),
    "events.models": (
        "Attachment AuditResult C2CMessage C2CProactiveAllowed C2CProactiveRefused EnterAio Event "
        "FriendAdded FriendRemoved GroupAdded GroupMessage GroupProactiveAllowed "
        "GroupProactiveRefused GroupRemoved Interaction JoinRequest Member MemberJoined "
        "MemberLeft Message SubscribeStatus"
    ),
    "gateway.frames": "Intents",
    "media.builder": "ChainBuilder",
    "media.hosting.s3": "S3ChainBuilder",
    "media.serving": "QQGroupChainBuilder",
    "message.chain": "Chain",
    "message.drawing": "ImageElem",
    "message.elements": (
        "Ark At AtAll Face File Image Link Markdown MarkdownTemplate Quote Raw Text Video Voice"
    ),
    "message.keyboard": "Button Keyboard Modal",
    "sending.sent": "Sent",
    "sending.streaming": "Stream",
    "settings": "QQGroupChainBuilderOptions",
    "status": "Status",
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}
_MODULES = {"voice": "media.voice"}

__all__ = sorted({**_HOME_OF, **_MODULES})  # noqa: PLE0605 - one list of names is enough


def __getattr__(name: str) -> Any:
    value: Any
    if name in _MODULES:
        value = importlib.import_module(f"{__name__}.{_MODULES[name]}")
    elif name in _HOME_OF:
        value = getattr(importlib.import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
