"""Gives one event to its handlers and sends what they return. Runs in a worker thread."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from qqgroup_sync.dispatch.registry import C2C, GROUP
from qqgroup_sync.errors import QQGroupError, WaitCancelled
from qqgroup_sync.events.models import Message, Replyable

if TYPE_CHECKING:
    from collections.abc import Callable

    from qqgroup_sync.dispatch.registry import Handler, Registry
    from qqgroup_sync.events.models import Event

logger = logging.getLogger(__name__)


class Dispatcher:
    """Chooses handlers: observers see everything, one handler gets a message.

    Args:
        registry: Where the handlers are.
        client: Passed to handlers that want it.
    """

    def __init__(self, registry: Registry, client: Any) -> None:
        self._registry = registry
        self._client = client

    def handle(self, event: Event) -> None:
        """Run the handlers of an event; never raises."""
        if isinstance(event, Message):
            kind = GROUP if event.group_openid else C2C
            for handler in self._registry.handlers_for(kind):
                if self._matches(handler, event):
                    self._run(handler, event)
                    break
        else:
            for handler in self._registry.handlers_for(event.name):
                self._run(handler, event, self._client)
        for observer in self._registry.observers_of(event.name):
            self._guarded(observer.call, event, event, self._client)

    def announce_ready(self) -> None:
        """Tell who wants to know that the bot is on line."""
        for handler in self._registry.ready_handlers:
            self._guarded(handler.call, None, self._client)

    def _matches(self, handler: Handler, message: Message) -> bool:
        if handler.test is None:
            return True
        try:
            return handler.test(message)
        except Exception as error:
            self._failed(error, message)
            return False

    def _run(self, handler: Handler, event: Event, *more: Any) -> None:
        try:
            answer = handler.call(event, *more)
            if answer is not None and isinstance(event, Replyable):
                event.reply(answer)
        except BaseException as error:  # a handler that calls exit() ends itself, not its worker
            self._failed(error, event)

    def _guarded(self, call: Callable[..., Any], event: Event | None, *arguments: Any) -> None:
        try:
            call(*arguments)
        except BaseException as error:  # see _run
            self._failed(error, event)

    def _failed(self, error: BaseException, event: Event | None) -> None:
        """Log an exception of user code and pass it on; never raises."""
        if isinstance(error, WaitCancelled):
            return  # the person was asked something else: this handler ends quietly
        if isinstance(error, QQGroupError):
            logger.error("a handler failed: %s", error, exc_info=error)
        else:
            logger.error("a handler failed: %r", error, exc_info=error)
        for guard in self._registry.guards_for(error):
            try:
                guard.call(error, self._client, event)
            except BaseException:  # see _run
                logger.exception("on_exception handler %s failed itself", guard.name)
