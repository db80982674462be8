"""What runs around the handlers: middleware, and the seed family's seven hooks.

Source of the names, arguments and meanings: AmiyaBot's documentation of its life cycle.

Who may stop a message stops it by raising, too; who may only look on cannot: what he raises is
reported, and the message goes on.
"""

from __future__ import annotations

import functools
import itertools
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Literal

from qqgroup_sync.dispatch.handlers import tell_dropped
from qqgroup_sync.errors import ConfigError
from qqgroup_sync.events.models import Message
from qqgroup_sync.message.chain import Chain, chain_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from qqgroup_sync.events.models import Event

    Ordered = tuple[int, Callable[..., Any]]

Name = Literal[
    "message_created",
    "message_before_waiter_set",
    "message_before_handle",
    "message_before_send",
    "message_after_send",
    "message_after_handle",
    "event_created",
]

MIDDLEWARE = "middleware"
_MISSING: Any = object()
_order = itertools.count()  # over all registries, as that of handlers


class Hooks:
    """The hooks of one registry, in order of registration.

    Args:
        named: By name, and ``MIDDLEWARE``; each takes all arguments of that hook.
    """

    def __init__(self, named: dict[str, tuple[Ordered, ...]]) -> None:
        self._named = named

    def of(self, name: str) -> tuple[Ordered, ...]:
        """Return the hooks of a name, each with its place in the order of registration."""
        return self._named.get(name, ())

    def __bool__(self) -> bool:
        return any(self._named.values())


def ordered(call: Callable[..., Any]) -> Ordered:
    """Return a hook with its place in the order of registration."""
    return next(_order), call


class HookChain:
    """Runs the hooks of several registries as one chain, in order of registration.

    Args:
        hooks: Of each registry.
        instance: The client, which every hook gets last.
        complain: Told what a hook raised that may only look on, about which event, and who it is.

    Attributes:
        raised: The last exception of a hook that has a say, and who it is.
    """

    def __init__(
        self,
        hooks: tuple[Hooks, ...],
        instance: Any,
        complain: Callable[[BaseException, Event | None, Callable[..., Any]], None],
    ) -> None:
        self.raised: tuple[BaseException, Callable[..., Any]] | None = None
        self._hooks = hooks
        self._instance = instance
        self._complain = complain

    def _all(self, name: str) -> list[Callable[..., Any]]:
        found = [item for one in self._hooks for item in one.of(name)]
        if len(self._hooks) > 1:
            found.sort(key=itemgetter(0))
        return [call for _, call in found]

    def _tell(self, name: Name, event: Event | None, *arguments: Any) -> None:
        """Call hooks that have no say."""
        for call in self._all(name):
            try:
                call(*arguments, self._instance)
            except BaseException as error:  # a hook that calls exit() ends itself
                self._complain(error, event, call)

    def _ask(self, call: Callable[..., Any], *arguments: Any) -> Any:
        """Call a hook that has a say; what it raises goes on, with a note of who it was."""
        try:
            return call(*arguments, self._instance)
        except BaseException as error:
            self.raised = error, call
            raise

    def culprit(self, error: BaseException) -> Callable[..., Any] | None:
        """Return the hook that raised an exception; None when it was no hook."""
        return self.raised[1] if self.raised is not None and self.raised[0] is error else None

    def around(self, handle: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """Return ``handle`` with every middleware around it, the first one outermost."""
        for one in reversed(self._all(MIDDLEWARE)):
            handle = functools.partial(self._call_middleware, one, _wants_event(handle))
        return handle

    def _call_middleware(
        self, middleware: Callable[..., Any], call_next: Callable[..., Any], event: Event
    ) -> Any:
        try:
            said = middleware(event, call_next)
        except BaseException as error:
            if self.culprit(error) is None:  # else it comes from one further inside
                self.raised = error, middleware
            raise
        if said is not None and not isinstance(said, bool):
            tell_dropped(
                middleware,
                said,
                "a middleware hands the event on by call_next(event), and answers by event.reply()",
            )
        return None

    def created(self, event: Event) -> Event | None:
        """Tell that an event came in; return it, changed perhaps, or None to end here."""
        if not isinstance(event, Message):
            self._tell("event_created", event, event)
            return event
        for call in self._all("message_created"):
            said = self._ask(call, event)
            if said is False:
                return None
            if isinstance(said, Message):
                event = said
            elif said is not None and said is not True:
                tell_dropped(
                    call,
                    said,
                    "message_created may return another message, or False; answer by "
                    "message.reply()",
                )
        return event

    def before_waiter_set(self, message: Message, waiter: Any) -> None:
        """Tell that a message goes to somebody who waits for it."""
        self._tell("message_before_waiter_set", message, message, waiter)

    def before_handle(self, message: Message, handler: str) -> bool:
        """Ask whether a handler may run; all are asked."""
        said = [self._ask(call, message, handler) for call in self._all("message_before_handle")]
        return not any(one is False for one in said)

    def before_send(self, answer: Any, handler: str) -> Chain:
        """Return what is sent: the answer as a chain of its own, or what a hook made of it."""
        chain = chain_of(answer) + Chain()  # the handler may keep his own, and return it again
        for call in self._all("message_before_send"):
            said = self._ask(call, chain, handler)
            try:
                chain = chain if said is None else chain_of(said)
            except ConfigError as error:
                self.raised = error, call
                raise
        return chain

    def after_send(self, message: Message, chain: Chain, handler: str) -> None:
        """Tell that something was sent."""
        self._tell("message_after_send", message, chain, handler)

    def after_handle(self, message: Message, chain: Chain | None, handler: str) -> None:
        """Tell that a handler is done, and what it returned."""
        self._tell("message_after_handle", message, chain, handler)


def _wants_event(handle: Callable[[Any], Any]) -> Callable[..., Any]:
    """Return ``call_next`` as a middleware gets it."""

    def call_next(event: Any = _MISSING) -> Any:
        if event is _MISSING:
            raise TypeError("call_next() needs the event: write call_next(event)")
        return handle(event)

    return call_next
