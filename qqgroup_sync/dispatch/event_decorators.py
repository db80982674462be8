"""The decorators of events that are no messages."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, TypeVar, overload

from qqgroup_sync.dispatch.registry import Registry, flat
from qqgroup_sync.errors import ConfigError, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from qqgroup_sync.events.models import (
        AuditResult,
        C2CProactiveAllowed,
        C2CProactiveRefused,
        EnterAio,
        Event,
        FriendAdded,
        FriendRemoved,
        GroupAdded,
        GroupProactiveAllowed,
        GroupProactiveRefused,
        GroupRemoved,
        Interaction,
        JoinRequest,
        MemberJoined,
        MemberLeft,
        SubscribeStatus,
    )

    E = TypeVar("E")
    Handles = Callable[[E], Any] | Callable[[E, Any], Any] | Callable[[], Any]  # the client second

logger = logging.getLogger(__name__)

KNOWN_EVENTS = (
    *("GROUP_AT_MESSAGE_CREATE", "GROUP_MESSAGE_CREATE", "C2C_MESSAGE_CREATE"),
    *("GROUP_ADD_ROBOT", "GROUP_DEL_ROBOT", "GROUP_MSG_RECEIVE", "GROUP_MSG_REJECT"),
    *("GROUP_MEMBER_ADD", "GROUP_MEMBER_REMOVE", "GROUP_JOIN_REQUEST"),
    *("FRIEND_ADD", "FRIEND_DEL", "C2C_MSG_RECEIVE", "C2C_MSG_REJECT", "ENTER_AIO"),
    *("INTERACTION_CREATE", "SUBSCRIBE_MESSAGE_STATUS"),
    *("MESSAGE_AUDIT_PASS", "MESSAGE_AUDIT_REJECT"),
)

F = TypeVar("F", bound="Callable[..., Any]")
AnyH = TypeVar("AnyH", bound="Handles[Any]")
EventH = TypeVar("EventH", bound="Handles[Event]")
GroupAddedH = TypeVar("GroupAddedH", bound="Handles[GroupAdded]")
GroupRemovedH = TypeVar("GroupRemovedH", bound="Handles[GroupRemoved]")
GroupProactiveAllowedH = TypeVar("GroupProactiveAllowedH", bound="Handles[GroupProactiveAllowed]")
GroupProactiveRefusedH = TypeVar("GroupProactiveRefusedH", bound="Handles[GroupProactiveRefused]")
MemberJoinedH = TypeVar("MemberJoinedH", bound="Handles[MemberJoined]")
MemberLeftH = TypeVar("MemberLeftH", bound="Handles[MemberLeft]")
JoinRequestH = TypeVar("JoinRequestH", bound="Handles[JoinRequest]")
FriendAddedH = TypeVar("FriendAddedH", bound="Handles[FriendAdded]")
FriendRemovedH = TypeVar("FriendRemovedH", bound="Handles[FriendRemoved]")
C2CProactiveAllowedH = TypeVar("C2CProactiveAllowedH", bound="Handles[C2CProactiveAllowed]")
C2CProactiveRefusedH = TypeVar("C2CProactiveRefusedH", bound="Handles[C2CProactiveRefused]")
InteractionH = TypeVar("InteractionH", bound="Handles[Interaction]")
SubscribeStatusH = TypeVar("SubscribeStatusH", bound="Handles[SubscribeStatus]")
AuditResultH = TypeVar("AuditResultH", bound="Handles[AuditResult]")
EnterAioH = TypeVar("EnterAioH", bound="Handles[EnterAio]")


class EventDecorators(Registry):
    """Handlers of what is no message; decorators return the function unchanged."""

    @overload
    def on_event(self, function: EventH, /) -> EventH: ...
    @overload
    def on_event(
        self, *names: str | Iterable[str] | None, name: str | Iterable[str] | None = None
    ) -> Callable[[AnyH], AnyH]: ...
    def on_event(self, *names: Any, name: Any = None) -> Any:
        """Observe events without competing for them.

        Used bare or without names it sees every event. The function takes the event, and the
        client when it has a second parameter; what it returns is ignored. It sees an event when
        the handlers are done with it, also one that waited for an answer; who wants to see it
        before them uses the hooks ``message_created`` and ``event_created``.

        Args:
            names: The platform's names, ``GROUP_ADD_ROBOT`` and so on, or a list of them.
            name: The same; the seed family's word.
        """
        if len(names) == 1 and callable(names[0]) and name is None:
            return self._observe(("",), names[0])
        wanted = flat([*names, *flat([name])])
        for one in wanted:
            if not (isinstance(one, str) and one):
                raise ConfigError(
                    f"{one!r} is no name of an event",
                    remedy=Text(
                        "Pass names such as 'GROUP_ADD_ROBOT', or nothing for all events.",
                        "请传入 'GROUP_ADD_ROBOT' 这样的事件名；不传则接收所有事件。",
                    ),
                )
        _warn_of_typos(wanted)
        return lambda function: self._observe(tuple(dict.fromkeys(wanted)) or ("",), function)

    def _observe(self, names: tuple[str, ...], function: F) -> F:
        self.add_observer(names, function)
        return function

    def _on(self, function: Any, *names: str) -> Any:
        """Register a handler for events, bare or with parentheses."""
        if function is None:
            return lambda function: self._on(function, *names)
        self.add(names, function, most=2)
        return function

    @overload
    def on_group_added(self, function: GroupAddedH, /) -> GroupAddedH: ...
    @overload
    def on_group_added(self) -> Callable[[GroupAddedH], GroupAddedH]: ...
    def on_group_added(self, function: Any = None) -> Any:
        """Handle that the bot was added to a group; the return value is the greeting."""
        return self._on(function, "GROUP_ADD_ROBOT")

    @overload
    def on_group_removed(self, function: GroupRemovedH, /) -> GroupRemovedH: ...
    @overload
    def on_group_removed(self) -> Callable[[GroupRemovedH], GroupRemovedH]: ...
    def on_group_removed(self, function: Any = None) -> Any:
        """Handle that the bot was removed from a group."""
        return self._on(function, "GROUP_DEL_ROBOT")

    @overload
    def on_group_proactive_allowed(
        self, function: GroupProactiveAllowedH, /
    ) -> GroupProactiveAllowedH: ...
    @overload
    def on_group_proactive_allowed(
        self,
    ) -> Callable[[GroupProactiveAllowedH], GroupProactiveAllowedH]: ...
    def on_group_proactive_allowed(self, function: Any = None) -> Any:
        """Handle that a group switched proactive messages on."""
        return self._on(function, "GROUP_MSG_RECEIVE")

    @overload
    def on_group_proactive_refused(
        self, function: GroupProactiveRefusedH, /
    ) -> GroupProactiveRefusedH: ...
    @overload
    def on_group_proactive_refused(
        self,
    ) -> Callable[[GroupProactiveRefusedH], GroupProactiveRefusedH]: ...
    def on_group_proactive_refused(self, function: Any = None) -> Any:
        """Handle that a group switched proactive messages off."""
        return self._on(function, "GROUP_MSG_REJECT")

    @overload
    def on_member_joined(self, function: MemberJoinedH, /) -> MemberJoinedH: ...
    @overload
    def on_member_joined(self) -> Callable[[MemberJoinedH], MemberJoinedH]: ...
    def on_member_joined(self, function: Any = None) -> Any:
        """Handle that somebody joined a group; the return value is the welcome."""
        return self._on(function, "GROUP_MEMBER_ADD")

    @overload
    def on_member_left(self, function: MemberLeftH, /) -> MemberLeftH: ...
    @overload
    def on_member_left(self) -> Callable[[MemberLeftH], MemberLeftH]: ...
    def on_member_left(self, function: Any = None) -> Any:
        """Handle that somebody left a group or was removed."""
        return self._on(function, "GROUP_MEMBER_REMOVE")

    @overload
    def on_join_request(self, function: JoinRequestH, /) -> JoinRequestH: ...
    @overload
    def on_join_request(self) -> Callable[[JoinRequestH], JoinRequestH]: ...
    def on_join_request(self, function: Any = None) -> Any:
        """Handle that somebody asks to join a group of which the bot is administrator."""
        return self._on(function, "GROUP_JOIN_REQUEST")

    @overload
    def on_friend_added(self, function: FriendAddedH, /) -> FriendAddedH: ...
    @overload
    def on_friend_added(self) -> Callable[[FriendAddedH], FriendAddedH]: ...
    def on_friend_added(self, function: Any = None) -> Any:
        """Handle that a user added the bot; the return value is the greeting."""
        return self._on(function, "FRIEND_ADD")

    @overload
    def on_friend_removed(self, function: FriendRemovedH, /) -> FriendRemovedH: ...
    @overload
    def on_friend_removed(self) -> Callable[[FriendRemovedH], FriendRemovedH]: ...
    def on_friend_removed(self, function: Any = None) -> Any:
        """Handle that a user removed the bot."""
        return self._on(function, "FRIEND_DEL")

    @overload
    def on_c2c_proactive_allowed(
        self, function: C2CProactiveAllowedH, /
    ) -> C2CProactiveAllowedH: ...
    @overload
    def on_c2c_proactive_allowed(
        self,
    ) -> Callable[[C2CProactiveAllowedH], C2CProactiveAllowedH]: ...
    def on_c2c_proactive_allowed(self, function: Any = None) -> Any:
        """Handle that a user switched proactive messages on."""
        return self._on(function, "C2C_MSG_RECEIVE")

    @overload
    def on_c2c_proactive_refused(
        self, function: C2CProactiveRefusedH, /
    ) -> C2CProactiveRefusedH: ...
    @overload
    def on_c2c_proactive_refused(
        self,
    ) -> Callable[[C2CProactiveRefusedH], C2CProactiveRefusedH]: ...
    def on_c2c_proactive_refused(self, function: Any = None) -> Any:
        """Handle that a user switched proactive messages off."""
        return self._on(function, "C2C_MSG_REJECT")

    @overload
    def on_interaction(self, function: InteractionH, /) -> InteractionH: ...
    @overload
    def on_interaction(self) -> Callable[[InteractionH], InteractionH]: ...
    def on_interaction(self, function: Any = None) -> Any:
        """Handle a click on a button or another interaction.

        The click is acknowledged before the handler runs; the return value is the answer.
        """
        return self._on(function, "INTERACTION_CREATE")

    @overload
    def on_subscribe_status(self, function: SubscribeStatusH, /) -> SubscribeStatusH: ...
    @overload
    def on_subscribe_status(self) -> Callable[[SubscribeStatusH], SubscribeStatusH]: ...
    def on_subscribe_status(self, function: Any = None) -> Any:
        """Handle that somebody agreed to or refused subscribed messages."""
        return self._on(function, "SUBSCRIBE_MESSAGE_STATUS")

    @overload
    def on_audit_result(self, function: AuditResultH, /) -> AuditResultH: ...
    @overload
    def on_audit_result(self) -> Callable[[AuditResultH], AuditResultH]: ...
    def on_audit_result(self, function: Any = None) -> Any:
        """Handle that a message passed or failed the platform's review."""
        return self._on(function, "MESSAGE_AUDIT_PASS", "MESSAGE_AUDIT_REJECT")

    @overload
    def on_enter_aio(self, function: EnterAioH, /) -> EnterAioH: ...
    @overload
    def on_enter_aio(self) -> Callable[[EnterAioH], EnterAioH]: ...
    def on_enter_aio(self, function: Any = None) -> Any:
        """Handle that a user opened the chat with the bot; needs ``Intents.ENTER_AIO``."""
        return self._on(function, "ENTER_AIO")


def _warn_of_typos(names: Iterable[str]) -> None:
    """Warn of names that are nearly those of events; the platform may have any others."""
    for name in names:
        if name not in KNOWN_EVENTS:
            import difflib  # noqa: PLC0415 - only for an unknown name

            near = difflib.get_close_matches(name.upper(), KNOWN_EVENTS, 1, 0.8)
            if near:
                logger.warning(
                    "on_event(%r): no event of that name is known; did you mean %r?", name, near[0]
                )
