"""Every decorator, once. Client inherits it; so will whatever else can hold handlers."""

from __future__ import annotations

import inspect
import itertools
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, overload

from qqgroup_sync.dispatch.filters import text_filter
from qqgroup_sync.errors import ConfigError, Text

if TYPE_CHECKING:
    from collections.abc import Callable

    from qqgroup_sync.events.models import (
        AuditResult,
        C2CMessage,
        C2CProactiveAllowed,
        C2CProactiveRefused,
        EnterAio,
        FriendAdded,
        FriendRemoved,
        GroupAdded,
        GroupMessage,
        GroupProactiveAllowed,
        GroupProactiveRefused,
        GroupRemoved,
        Interaction,
        JoinRequest,
        MemberJoined,
        MemberLeft,
        Message,
        SubscribeStatus,
    )

F = TypeVar("F", bound="Callable[..., Any]")
GH = TypeVar("GH", bound="Callable[[GroupMessage], Any]")
CH = TypeVar("CH", bound="Callable[[C2CMessage], Any]")
MH = TypeVar("MH", bound="Callable[[Message], Any]")

GROUP, C2C = "group message", "c2c message"


@dataclass(frozen=True, slots=True)
class Handler:
    """One registered function.

    Attributes:
        function: The user's function, unchanged.
        takes: How many positional arguments it wants.
        level: Higher is asked first.
        order: Of registration; decides between equal levels.
        test: Whether a message is for it; None takes every message.
    """

    function: Callable[..., Any]
    takes: int
    level: int
    order: int
    test: Callable[[Message], bool] | None = None

    @property
    def name(self) -> str:
        """The function's name, for logs."""
        return getattr(self.function, "__qualname__", repr(self.function))

    def call(self, *arguments: Any) -> Any:
        """Call the function with as many of the arguments as it takes."""
        return self.function(*arguments[: self.takes])


class Registry:
    """Holds handlers and offers the decorators; decorators return the function unchanged."""

    def __init__(self) -> None:
        self._order = itertools.count()
        self._registering = threading.Lock()
        self._handlers: dict[str, tuple[Handler, ...]] = {}
        self._observers: dict[str, tuple[Handler, ...]] = {}  # "" observes every event
        self._ready: tuple[Handler, ...] = ()
        self._exception: tuple[tuple[tuple[type[BaseException], ...], Handler], ...] = ()

    # ------------------------------------------------------------------ messages

    @overload
    def on_group_message(self, function: GH, /) -> GH: ...
    @overload
    def on_group_message(self, /, *, keywords: Any = None, level: int = 0) -> Callable[[F], F]: ...
    def on_group_message(
        self, function: Any = None, /, *, keywords: Any = None, level: int = 0
    ) -> Any:
        """Handle messages in groups, whether or not they mention the bot (``message.is_at``).

        Args:
            function: The handler, when the decorator is used bare.
            keywords: A str (contained), ``Equal`` (the whole text), a compiled pattern, or a
                list of these; by default every message.
            level: Higher ones are asked first; equal ones in order of registration. The first
                that matches runs, alone.
        """
        return self._message(function, (GROUP,), keywords, level)

    @overload
    def on_c2c_message(self, function: CH, /) -> CH: ...
    @overload
    def on_c2c_message(self, /, *, keywords: Any = None, level: int = 0) -> Callable[[F], F]: ...
    def on_c2c_message(
        self, function: Any = None, /, *, keywords: Any = None, level: int = 0
    ) -> Any:
        """Handle private messages; arguments as for :meth:`on_group_message`."""
        return self._message(function, (C2C,), keywords, level)

    @overload
    def on_message(self, function: MH, /) -> MH: ...
    @overload
    def on_message(self, /, *, keywords: Any = None, level: int = 0) -> Callable[[F], F]: ...
    def on_message(self, function: Any = None, /, *, keywords: Any = None, level: int = 0) -> Any:
        """Handle messages in groups and private ones; see :meth:`on_group_message`."""
        return self._message(function, (GROUP, C2C), keywords, level)

    def _message(self, function: Any, kinds: tuple[str, ...], keywords: Any, level: int) -> Any:
        test = text_filter(keywords) if keywords is not None else None

        def register(function: F) -> F:
            self._add(kinds, function, level=level, test=test, most=1)
            return function

        return register(function) if function is not None else register

    # ------------------------------------------------------------------ other events

    def on_event(self, *names: Any) -> Any:
        """Observe events without competing for them.

        Used bare or without names it sees every event. The function takes the event, and the
        client when it has a second parameter; what it returns is ignored.

        Args:
            names: The platform's names, ``GROUP_ADD_ROBOT`` and so on, or a list of them.
        """
        if len(names) == 1 and callable(names[0]):
            return self._observe(("",), names[0])
        wanted = _flat(names)
        for name in wanted:
            if not (isinstance(name, str) and name):
                raise ConfigError(
                    f"{name!r} is no name of an event",
                    remedy=Text(
                        "Pass names such as 'GROUP_ADD_ROBOT', or nothing for all events.",
                        "请传入 'GROUP_ADD_ROBOT' 这样的事件名；不传则接收所有事件。",
                    ),
                )
        return lambda function: self._observe(tuple(dict.fromkeys(wanted)) or ("",), function)

    def _observe(self, names: tuple[str, ...], function: F) -> F:
        handler = self._handler(function, most=2)
        with self._registering:
            for name in names:
                self._observers[name] = (*self._observers.get(name, ()), handler)
        return function

    def _on(self, function: Any, *names: str) -> Any:
        """Register a handler for events, bare or with parentheses."""
        if function is None:
            return lambda function: self._on(function, *names)
        self._add(names, function, most=2)
        return function

    def on_group_added(self, function: Callable[[GroupAdded], Any] | None = None) -> Any:
        """Handle that the bot was added to a group; the return value is the greeting."""
        return self._on(function, "GROUP_ADD_ROBOT")

    def on_group_removed(self, function: Callable[[GroupRemoved], Any] | None = None) -> Any:
        """Handle that the bot was removed from a group."""
        return self._on(function, "GROUP_DEL_ROBOT")

    def on_group_proactive_allowed(
        self, function: Callable[[GroupProactiveAllowed], Any] | None = None
    ) -> Any:
        """Handle that a group switched proactive messages on."""
        return self._on(function, "GROUP_MSG_RECEIVE")

    def on_group_proactive_refused(
        self, function: Callable[[GroupProactiveRefused], Any] | None = None
    ) -> Any:
        """Handle that a group switched proactive messages off."""
        return self._on(function, "GROUP_MSG_REJECT")

    def on_member_joined(self, function: Callable[[MemberJoined], Any] | None = None) -> Any:
        """Handle that somebody joined a group; the return value is the welcome."""
        return self._on(function, "GROUP_MEMBER_ADD")

    def on_member_left(self, function: Callable[[MemberLeft], Any] | None = None) -> Any:
        """Handle that somebody left a group or was removed."""
        return self._on(function, "GROUP_MEMBER_REMOVE")

    def on_join_request(self, function: Callable[[JoinRequest], Any] | None = None) -> Any:
        """Handle that somebody asks to join a group of which the bot is administrator."""
        return self._on(function, "GROUP_JOIN_REQUEST")

    def on_friend_added(self, function: Callable[[FriendAdded], Any] | None = None) -> Any:
        """Handle that a user added the bot; the return value is the greeting."""
        return self._on(function, "FRIEND_ADD")

    def on_friend_removed(self, function: Callable[[FriendRemoved], Any] | None = None) -> Any:
        """Handle that a user removed the bot."""
        return self._on(function, "FRIEND_DEL")

    def on_c2c_proactive_allowed(
        self, function: Callable[[C2CProactiveAllowed], Any] | None = None
    ) -> Any:
        """Handle that a user switched proactive messages on."""
        return self._on(function, "C2C_MSG_RECEIVE")

    def on_c2c_proactive_refused(
        self, function: Callable[[C2CProactiveRefused], Any] | None = None
    ) -> Any:
        """Handle that a user switched proactive messages off."""
        return self._on(function, "C2C_MSG_REJECT")

    def on_interaction(self, function: Callable[[Interaction], Any] | None = None) -> Any:
        """Handle a click on a button or another interaction.

        The click is acknowledged before the handler runs; the return value is the answer.
        """
        return self._on(function, "INTERACTION_CREATE")

    def on_subscribe_status(self, function: Callable[[SubscribeStatus], Any] | None = None) -> Any:
        """Handle that somebody agreed to or refused subscribed messages."""
        return self._on(function, "SUBSCRIBE_MESSAGE_STATUS")

    def on_audit_result(self, function: Callable[[AuditResult], Any] | None = None) -> Any:
        """Handle that a message passed or failed the platform's review."""
        return self._on(function, "MESSAGE_AUDIT_PASS", "MESSAGE_AUDIT_REJECT")

    def on_enter_aio(self, function: Callable[[EnterAio], Any] | None = None) -> Any:
        """Handle that a user opened the chat with the bot; needs ``Intents.ENTER_AIO``."""
        return self._on(function, "ENTER_AIO")

    # ------------------------------------------------------------------ the bot itself

    def on_ready(self, function: Callable[..., Any] | None = None) -> Any:
        """Run a function each time the bot has come on line with a new session.

        It takes nothing, or the client.
        """
        if function is None:
            return self.on_ready
        handler = self._handler(function, most=1)
        with self._registering:
            self._ready = (*self._ready, handler)
        return function

    def on_exception(self, *types: Any) -> Any:
        """Handle exceptions of handlers; used bare it takes all.

        The function takes the exception, then the client, then the event, as many of these as
        it has parameters. The exception has been logged before.

        Args:
            types: Exception classes, or a list of them; subclasses count.
        """
        if len(types) == 1 and callable(types[0]) and not isinstance(types[0], type):
            return self._guard((Exception, SystemExit), types[0])
        wanted = _flat(types)
        for kind in wanted:
            if not (isinstance(kind, type) and issubclass(kind, BaseException)):
                raise ConfigError(
                    f"{kind!r} is no class of exceptions",
                    remedy=Text(
                        "Pass classes such as ValueError, or nothing for all exceptions.",
                        "请传入 ValueError 这样的异常类；不传则处理所有异常。",
                    ),
                )
        return lambda function: self._guard(tuple(wanted) or (Exception, SystemExit), function)

    def _guard(self, types: tuple[type[BaseException], ...], function: F) -> F:
        handler = self._handler(function, most=3)
        with self._registering:
            self._exception = (*self._exception, (types, handler))
        return function

    # ------------------------------------------------------------------ looking up

    def handlers_for(self, kind: str) -> tuple[Handler, ...]:
        """Return the handlers of a message kind or event name, the first to ask first."""
        return self._handlers.get(kind, ())

    def observers_of(self, name: str) -> tuple[Handler, ...]:
        """Return who observes an event."""
        if not self._observers:
            return ()
        return (*self._observers.get(name, ()), *self._observers.get("", ()))

    def guards_for(self, error: BaseException) -> list[Handler]:
        """Return who handles an exception."""
        return [handler for types, handler in self._exception if isinstance(error, types)]

    @property
    def ready_handlers(self) -> tuple[Handler, ...]:
        """Who is told that the bot came on line."""
        return self._ready

    # ------------------------------------------------------------------ adding

    def _add(
        self,
        kinds: tuple[str, ...],
        function: Callable[..., Any],
        *,
        level: int = 0,
        test: Callable[[Message], bool] | None = None,
        most: int,
    ) -> None:
        handler = self._handler(function, level=level, test=test, most=most)
        with self._registering:
            for kind in kinds:
                found = (*self._handlers.get(kind, ()), handler)
                self._handlers[kind] = tuple(
                    sorted(found, key=lambda handler: (-handler.level, handler.order))
                )

    def _handler(
        self,
        function: Callable[..., Any],
        *,
        level: int = 0,
        test: Callable[[Message], bool] | None = None,
        most: int,
    ) -> Handler:
        return Handler(function, _parameters(function, most), level, next(self._order), test)


def _flat(values: tuple[Any, ...]) -> list[Any]:
    """Return the values, and what lists among them hold; None is nothing."""
    flat: list[Any] = []
    for value in values:
        flat.extend(value if isinstance(value, list | tuple | set | frozenset) else [value])
    return [value for value in flat if value is not None]


def _parameters(function: Callable[..., Any], most: int) -> int:
    """Return how many arguments to pass, at most ``most``; refuse what cannot be a handler."""
    name = getattr(function, "__qualname__", repr(function))
    if not callable(function):
        raise ConfigError(
            f"{function!r} is no function",
            remedy=Text(
                "Put the decorator above a def; options go by name, as in keywords='hi'.",
                "请把装饰器放在 def 上方；选项要写名字，例如 keywords='hi'。",
            ),
        )
    code = (function, type(function).__call__)  # an object may have an async __call__
    if any(inspect.iscoroutinefunction(one) or inspect.isasyncgenfunction(one) for one in code):
        raise ConfigError(
            f"{name} is async, but handlers are plain functions",
            remedy=Text(
                "Drop async and await: message.reply(...) and requests.get(...) just block, "
                "other people's messages are handled in other threads.",
                "去掉 async 和 await：message.reply(...) 和 requests.get(...) 直接阻塞即可，"
                "其他人的消息会在别的线程里处理。",
            ),
        )
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return most  # a builtin without a signature
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    required = [p.name for p in positional if p.default is p.empty]
    named = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY and p.default is p.empty]
    if len(required) > most or named:
        wanted = ", ".join(required + [f"{one}=" for one in named])
        raise ConfigError(
            f"{name} wants ({wanted}), but gets {most} by position",
            remedy=Text(
                "Take fewer parameters, or give the others a default.",
                "请减少参数，或给多余的参数设默认值。",
            ),
        )
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return most
    return min(most, len(positional))
