"""Gives one event to its handlers and sends what they return. Runs in a worker thread."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from qqgroup_sync.dispatch import in_hand
from qqgroup_sync.dispatch.buttons import PICK
from qqgroup_sync.dispatch.filters import copy_of, wake
from qqgroup_sync.dispatch.handlers import culprit, described, shown
from qqgroup_sync.dispatch.hooks import HookChain
from qqgroup_sync.errors import ConfigError, QQGroupError, WaitCancelled, WaitTimeout
from qqgroup_sync.events.asking import Asking
from qqgroup_sync.events.models import Event, Interaction, Message, Replyable
from qqgroup_sync.masking import masked_logger
from qqgroup_sync.message.chain import chain_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from qqgroup_sync.dispatch.buttons import Buttons
    from qqgroup_sync.dispatch.handlers import Handler
    from qqgroup_sync.dispatch.registry import Registry
    from qqgroup_sync.dispatch.routes import Found
    from qqgroup_sync.dispatch.waiters import Waiter, Waiters
    from qqgroup_sync.runtime.clock import Clock
    from qqgroup_sync.status import Status

logger = masked_logger(__name__)


class Dispatcher:
    """Chooses handlers: observers see everything, one handler gets a message.

    Args:
        registry: Where the handlers are.
        client: Passed to handlers that want it.
        clock: Where time comes from.
        waiters: Who waits for what.
        buttons: What buttons do.
        share_budget: Lets all copies of an event share its reply budget; called before the
            first copy is made.
        language: Language of what is said to people.
    """

    def __init__(
        self,
        registry: Registry,
        client: Any,
        *,
        clock: Clock,
        waiters: Waiters,
        buttons: Buttons,
        share_budget: Callable[[Event], object] = lambda _event: None,
        language: str = "en",
    ) -> None:
        self._registry = registry
        self._client = client
        self._clock = clock
        self._waiters = waiters
        self._buttons = buttons
        self._share_budget = share_budget
        self._language = language

    def handle(self, event: Event) -> None:
        """Run the handlers of an event; never raises."""
        hooks = self._registry.all_hooks
        chain = None
        try:
            if hooks:
                chain = HookChain(hooks, self._client, self._hook_failed)
                self._share(event)  # a hook may answer the event and hand on a copy of it
                chain.around(lambda event: self._begin(event, chain))(event)
            else:
                self._begin(event, None)
        except BaseException as error:  # a hook that calls exit() ends itself, not its worker
            hook = chain.culprit(error) if chain is not None else None
            self.failed(error, event, hook, kind="hook")
        finally:
            if self._waiters.has_channels:
                self._waiters.close_channels_of(in_hand.here())

    def _begin(self, event: Event, hooks: HookChain | None) -> None:
        """Let the hooks see an event, then the handlers, then the observers."""
        if hooks is not None:
            if not isinstance(event, Event):
                raise TypeError(f"call_next wants the event, not {event!r}")
            changed = hooks.created(event)
            if changed is None:
                return
            event = changed
        if self._waiters.watched:
            self._show(event)
        if isinstance(event, Message):
            self._handle_message(event, hooks)
        elif not (isinstance(event, Interaction) and self._handle_click(event)):
            for handler in self._registry.handlers_for(event.name):
                self._run(handler, event, hooks, self._client)
        for observer in self._registry.observers_of(event.name):
            self._tell(observer, event, event, self._client)

    def _show(self, event: Event) -> None:
        """Show an event to those who wait for one."""
        try:
            self._waiters.show(event)
        except BaseException as error:  # see handle
            self.failed(error, event)

    def announce_ready(self) -> None:
        """Tell who wants to know that the bot is on line."""
        for handler in self._registry.ready_handlers:
            self._tell(handler, None, self._client)

    def announce_state(self, old: Status, new: Status) -> None:
        """Tell who wants to know that the bot's state has changed."""
        for handler in self._registry.state_watchers:
            self._tell(handler, None, old, new, self._client)

    # ------------------------------------------------------------------ messages

    def _handle_message(self, message: Message, hooks: HookChain | None) -> None:
        waiting = self._waiters.of((message.conversation, message.sender), message.conversation)
        if any(self._hand_over(one, message, hooks) for one in waiting if one.force):
            return
        words = wake(message.text, self._registry.prefixes)
        if words.prefix:
            self._share(message)  # verify= sees a copy
        chosen = self._registry.routes(direct=message.is_direct).find(message, words, self.failed)
        first = next(chosen, None)
        for one in waiting:
            if not one.force and (first is None or first.handler.level < one.level):
                if self._hand_over(one, message, hooks):
                    return
            elif not one.force and first is not None and not one.keeps:
                self._waiters.cancel(one)  # the person has turned to something else
        while first is not None:
            self._run_found(first, message, hooks)
            if first.handler.block:
                return
            first = next(chosen, None)

    def _hand_over(self, waiter: Waiter, message: Message, hooks: HookChain | None) -> bool:
        """Give a message to somebody who waits, if he accepts it."""
        try:
            if not waiter.accepts(message):
                return False
            if hooks is not None:
                hooks.before_waiter_set(message, waiter)
        except BaseException as error:  # see handle
            self.failed(error, message)
            return False
        return self._waiters.hand_over(waiter, message)

    def _run_found(self, found: Found, message: Message, hooks: HookChain | None) -> None:
        handler = found.handler
        own = self._own_copy(found, message)
        if handler.limiter is not None and (handler.fits is None or handler.fits(own)):
            wait = handler.limiter.use(own, self._clock.monotonic())
            if wait:
                answer = handler.limiter.answer(own, wait, self._language)
                if answer:
                    self._reply(handler, own, answer)
                return
        self._run(handler, own, hooks)

    def _own_copy(self, found: Found, message: Message) -> Message:
        """Return the message as this handler sees it: without its prefix, and with its verify."""
        self._share(message)
        words = found.wake
        if words.prefix:
            return copy_of(message, verify=found.verify, text=words.text, text_prefix=words.prefix)
        return copy_of(message, verify=found.verify)

    def _share(self, event: Event) -> None:
        """Let all copies of an event have one reply budget, and so numbers of their own."""
        if event.budget is None and isinstance(event, Replyable):
            with contextlib.suppress(QQGroupError):  # who tries to answer it is told why not
                self._share_budget(event)

    # ------------------------------------------------------------------ clicks

    def _handle_click(self, click: Interaction) -> bool:
        """Run what a button does; return whether the click needs nobody else."""
        if not click.button_data:
            return False
        key = ("click", click.button_data)
        for waiter in self._waiters.of(key):
            if waiter.accepts(click, key):
                self._waiters.hand_over(waiter, click)
            if click.button_data.startswith(PICK):
                return True  # a second click, or somebody whom nobody asked
        action = self._buttons.find(click, self._language)
        if action is None:
            return False
        self._guarded_answer(action, click)
        return True

    def _guarded_answer(self, action: Callable[..., Any], click: Interaction) -> None:
        try:
            answer = action(click, self._client)
        except BaseException as error:  # see handle
            self.failed(error, click, _function_of(action), kind="on_click")
            return
        try:
            if answer is not None:
                _answer(click, answer)
        except BaseException as error:  # see handle
            self.failed(error, click, _function_of(action), kind="on_click", returned=answer)

    # ------------------------------------------------------------------ running

    def _run(self, handler: Handler, event: Event, hooks: HookChain | None, *more: Any) -> None:
        if hooks is not None and isinstance(event, Message):
            self._run_hooked(handler, event, hooks)
            return
        answer = None
        try:
            answer = handler.call(event, *more)
            if answer is not None and isinstance(event, Replyable):
                _answer(event, answer)
        except BaseException as error:  # a handler that calls exit() ends itself, not its worker
            self.failed(error, event, handler.function, returned=answer)

    def _run_hooked(self, handler: Handler, message: Message, hooks: HookChain) -> None:
        name, answer = handler.name, None
        try:
            if not hooks.before_handle(message, name):
                return
            answer = handler.call(message)
            chain = None
            if answer is not None:
                chain = hooks.before_send(answer, name)
                _answer(message, chain)
                hooks.after_send(message, chain, name)
            hooks.after_handle(message, chain, name)
        except BaseException as error:  # see _run
            hook = hooks.culprit(error)
            if hook is not None:
                self.failed(error, message, hook, kind="hook")
            else:
                self.failed(error, message, handler.function, returned=answer)

    def _tell(self, handler: Handler, event: Event | None, *arguments: Any) -> None:
        """Call a handler that answers nothing."""
        try:
            handler.call(*arguments)
        except BaseException as error:  # see handle
            self.failed(error, event, handler.function)

    def _reply(self, handler: Handler, message: Message, answer: str) -> None:
        """Say what is said in place of a handler."""
        try:
            message.reply(answer)
        except BaseException as error:  # see handle
            self.failed(error, message, handler.function)

    def _hook_failed(
        self, error: BaseException, event: Event | None, hook: Callable[..., Any]
    ) -> None:
        self.failed(error, event, hook, kind="hook")

    def failed(
        self,
        error: BaseException,
        event: Event | None,
        function: Callable[..., Any] | None = None,
        *,
        kind: str = "handler",
        returned: Any = None,
    ) -> None:
        """Log an exception of user code and pass it on; never raises.

        Args:
            error: What was raised.
            event: What was handled; None outside of events.
            function: Who failed; by default the first function of the user in the traceback.
            kind: What the function is, for the log.
            returned: What it returned, when sending this failed.
        """
        if isinstance(error, WaitCancelled):
            return  # the person was asked something else: this handler ends quietly
        if isinstance(error, WaitTimeout):
            who = _who(error, function, "").strip()
            logger.info("a handler ended: %s%s", who and f"{who}: ", error.summary)  # no bug
        else:
            unknown = "a handler " if kind == "handler" else f"a handler ({kind}) "
            who = _who(error, function, kind) or unknown
            what = _unsendable(error, returned)
            told = str(error) if isinstance(error, QQGroupError) else repr(error)
            logger.error("%sfailed: %s%s", who, what, told, exc_info=error)
        for guard in self._registry.guards_for(error):
            try:
                guard.call(error, self._client, event)
            except BaseException:  # see handle
                name = described(guard.function)
                logger.exception("on_exception handler %s failed itself", name)


def _answer(event: Replyable, content: Any) -> None:
    """Say what a handler returned; after a long dialogue by a newer message than its own."""
    if isinstance(event, Asking) and event.actions is not None and not event.replies_left:
        event.actions.dialogue(event).say(content)
    else:
        event.reply(content)


def _function_of(action: Callable[..., Any]) -> Callable[..., Any] | None:
    """Return the user's function behind what a click does, where it says so."""
    found: Callable[..., Any] | None = getattr(action, "stands_for", None)
    return found


def _who(error: BaseException, function: Callable[..., Any] | None, kind: str) -> str:
    """Return who failed, with a space behind; empty when nobody knows."""
    if function is None:
        found = culprit(error)
        return f"{found} " if found else ""
    return f"{kind} {described(function)} ".lstrip()


def _unsendable(error: BaseException, returned: Any) -> str:
    """Return what a function returned, when that is nothing to send; empty when it is."""
    if returned is None or not isinstance(error, ConfigError):
        return ""
    try:
        chain_of(returned)
    except ConfigError:
        return f"it returned {shown(returned)}: "
    return ""
