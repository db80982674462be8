"""The decorators of the bot's own life: ready, states, exceptions, hooks, timed tasks."""

from __future__ import annotations

from inspect import isclass
from typing import TYPE_CHECKING, Any, TypeVar, overload

from qqgroup_sync.dispatch.handlers import check_callable, parameters
from qqgroup_sync.dispatch.hooks import MIDDLEWARE, ordered
from qqgroup_sync.dispatch.registry import Registry, flat
from qqgroup_sync.errors import ConfigError, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from qqgroup_sync.dispatch.hooks import Name
    from qqgroup_sync.dispatch.timed_tasks import Task
    from qqgroup_sync.events.models import Event, Message
    from qqgroup_sync.message.chain import Chain
    from qqgroup_sync.status import Status

    Kinds = type[BaseException] | Iterable[type[BaseException]]

    # What functions may take, the last ones left out as they like.
    Client = Callable[[], Any] | Callable[[Any], Any]
    Error = Client | Callable[[Any, Any], Any] | Callable[[Any, Any, Any], Any]
    Watching = (
        Callable[[], Any]
        | Callable[[Status], Any]
        | Callable[[Status, Status], Any]
        | Callable[[Status, Status, Any], Any]
    )
    Created = Callable[[], Any] | Callable[[Message], Any] | Callable[[Message, Any], Any]
    Waiting = Created | Callable[[Message, Any, Any], Any]
    Handling = (
        Callable[[], Any]
        | Callable[[Message], Any]
        | Callable[[Message, str], Any]
        | Callable[[Message, str, Any], Any]
    )
    Sending = (
        Callable[[], Any]
        | Callable[[Chain], Any]
        | Callable[[Chain, str], Any]
        | Callable[[Chain, str, Any], Any]
    )
    Handled = (
        Callable[[], Any]
        | Callable[[Chain | None], Any]
        | Callable[[Chain | None, str], Any]
        | Callable[[Chain | None, str, Any], Any]
    )
    Seen = Callable[[], Any] | Callable[[Event], Any] | Callable[[Event, Any], Any]
    Middleware = Callable[[Event, Callable[[Event], Any]], Any]

F = TypeVar("F", bound="Callable[..., Any]")
ClientF = TypeVar("ClientF", bound="Client")
WatchingF = TypeVar("WatchingF", bound="Watching")
ErrorF = TypeVar("ErrorF", bound="Error")
CreatedF = TypeVar("CreatedF", bound="Created")
WaitingF = TypeVar("WaitingF", bound="Waiting")
HandlingF = TypeVar("HandlingF", bound="Handling")
SendingF = TypeVar("SendingF", bound="Sending")
HandledF = TypeVar("HandledF", bound="Handled")
SeenF = TypeVar("SeenF", bound="Seen")
MiddlewareF = TypeVar("MiddlewareF", bound="Middleware")


class LifeDecorators(Registry):
    """What runs when no message decides it; decorators return the function unchanged."""

    @overload
    def on_ready(self, function: ClientF, /) -> ClientF: ...
    @overload
    def on_ready(self) -> Callable[[ClientF], ClientF]: ...
    def on_ready(self, function: Any = None) -> Any:
        """Run a function each time the bot has come on line with a new session.

        It takes nothing, or the client.
        """
        if function is None:
            return self.on_ready
        self.add_ready(function)
        return function

    @overload
    def on_state_change(self, function: WatchingF, /) -> WatchingF: ...
    @overload
    def on_state_change(self) -> Callable[[WatchingF], WatchingF]: ...
    def on_state_change(self, function: Any = None) -> Any:
        """Run a function each time ``client.status.state`` changes: ``function(old, new, client)``.

        It takes the status before, the status now, and the client, as many of these as it has
        parameters. The states are ``offline``, ``connecting``, ``online``, ``degraded`` and
        ``stopping``; ``new.why`` says what led to it, ``new.remedy`` what to do about it. Figures
        such as ``queued`` are those of ``client.status`` alone.

        Changes are told one at a time and in order, in a thread of their own, so a function that
        blocks holds up nothing but the next change. It may have been followed by others when the
        function runs: ``client.status`` tells what is now. The last ones, ``stopping`` and
        ``offline``, are told inside :meth:`stop`, which waits for the function within its
        time-out; calling ``stop()`` here only asks for it. What the function raises is logged and
        goes to :meth:`on_exception`.
        """
        if function is None:
            return self.on_state_change
        self.add_watcher(function)
        return function

    @overload
    def on_exception(
        self, *types: Kinds | None, type: Kinds | None = None
    ) -> Callable[[ErrorF], ErrorF]: ...
    @overload
    def on_exception(self, function: ErrorF, /) -> ErrorF: ...
    def on_exception(self, *types: Any, type: Any = None) -> Any:  # noqa: A002 - the seed's word
        """Handle exceptions of handlers; used bare it takes all.

        The function takes the exception, then the client, then the event, as many of these as
        it has parameters. The exception has been logged before.

        Args:
            types: Exception classes, or a list of them; subclasses count.
            type: The same; the seed family's word.
        """
        if len(types) == 1 and callable(types[0]) and not isclass(types[0]) and type is None:
            self.add_guard((Exception, SystemExit), types[0])
            return types[0]
        wanted = flat([*types, *flat([type])])
        for kind in wanted:
            if not (isclass(kind) and issubclass(kind, BaseException)):
                raise ConfigError(
                    f"{kind!r} is no class of exceptions",
                    remedy=Text(
                        "Pass classes such as ValueError, or nothing for all exceptions.",
                        "请传入 ValueError 这样的异常类；不传则处理所有异常。",
                    ),
                )

        def register(function: F) -> F:
            self.add_guard(tuple(wanted) or (Exception, SystemExit), function)
            return function

        return register

    # ------------------------------------------------------------------ hooks

    def middleware(self, function: MiddlewareF) -> MiddlewareF:
        """Wrap a function around the handling of every event.

        It takes the event and ``call_next``, and decides whether and with what event to call it:
        ``return call_next(event)``. It runs in the worker of the event. When it raises before
        that, the event goes no further, and ``on_exception`` is told; what handlers raise does
        not reach it.
        """
        if parameters(function, 2) < 2:
            raise ConfigError(
                f"{getattr(function, '__qualname__', repr(function))} cannot be a middleware",
                remedy=Text(
                    "Take the event and call_next: def wrap(event, call_next): ...",
                    "请接收事件和 call_next 两个参数：def wrap(event, call_next): ...",
                ),
            )
        self.keep(("hooks", MIDDLEWARE), ordered(function))
        return function

    def message_created(self, function: CreatedF) -> CreatedF:
        """See every message first: ``function(message, client)``.

        A message that it returns takes the place of the first one, such as
        ``dataclasses.replace(message, text=...)``; False ends its way here, and so does an
        exception.
        """
        return self._hook("message_created", function, 2)

    def message_before_waiter_set(self, function: WaitingF) -> WaitingF:
        """See messages that go to who waits for them: ``function(message, waiter, client)``."""
        return self._hook("message_before_waiter_set", function, 3)

    def message_before_handle(self, function: HandlingF) -> HandlingF:
        """Decide whether a handler may run: ``function(message, handler_name, client)``.

        Any False among all of them stops it, and so does an exception.
        """
        return self._hook("message_before_handle", function, 3)

    def message_before_send(self, function: SendingF) -> SendingF:
        """See what handlers returned before it is sent: ``function(chain, handler_name, client)``.

        A chain that it returns is sent instead; after an exception nothing is sent. What is sent
        by ``message.reply`` does not come here.
        """
        return self._hook("message_before_send", function, 3)

    def message_after_send(self, function: SendingF) -> SendingF:
        """See answers that were sent: ``function(chain, handler_name, client)``."""
        return self._hook("message_after_send", function, 3)

    def message_after_handle(self, function: HandledF) -> HandledF:
        """See that a handler is done: ``function(chain_or_None, handler_name, client)``."""
        return self._hook("message_after_handle", function, 3)

    def event_created(self, function: SeenF) -> SeenF:
        """See every event that is no message first: ``function(event, client)``."""
        return self._hook("event_created", function, 2)

    def _hook(self, name: Name, function: F, most: int) -> F:
        takes = parameters(function, most)

        def call(*arguments: Any) -> Any:
            return function(*arguments[:takes])

        call.stands_for = function  # type: ignore[attr-defined]  # for logs
        self.keep(("hooks", name), ordered(call))
        return function

    # ------------------------------------------------------------------ timed tasks

    def timed_task(
        self,
        each: float | None = None,
        sub_tag: str = "default_tag",
        run_when_added: bool = False,
        **trigger: Any,
    ) -> Callable[[ClientF], ClientF]:
        """Run a function at times; it may take the client.

        It runs in a worker, never twice at once, and stops with the client. ``each`` needs no
        extra, triggers need ``schedule``.

        Args:
            each: Seconds from one start to the next.
            sub_tag: Name by which :meth:`remove_timed_task` finds it; also ``tag=``.
            run_when_added: Run it at the start, too.
            **trigger: Instead of ``each``: ``trigger="cron", hour=8``, ``trigger="date",
                run_date=...``, or any trigger object of APScheduler; ``timezone=``.
        """
        from qqgroup_sync.dispatch.timed_tasks import Task  # noqa: PLC0415 - only when used

        if callable(each):
            raise ConfigError(
                "timed_task() needs to be told when",
                remedy=Text(
                    "Write @client.timed_task(each=60).", "请写 @client.timed_task(each=60)。"
                ),
            )
        tag = trigger.pop("tag", sub_tag)
        kind = trigger.pop("trigger", None)

        def register(function: ClientF) -> ClientF:
            check_callable(function)
            task = Task.of(
                function, each, tag, run_when_added=run_when_added, trigger=kind, **trigger
            )
            self.keep(("tasks", ""), task)
            self._task_added(task)
            return function

        return register

    def remove_timed_task(self, sub_tag: str = "default_tag") -> int:
        """Remove all timed tasks of a tag that were registered here; return how many.

        Those of included routers are removed by the router, for all who include it.
        """
        with self._registering:
            gone = [task for task in self.own.tasks if task.tag == sub_tag]
            self.own.tasks = tuple(task for task in self.own.tasks if task not in gone)
        for task in gone:
            self._task_removed(task)
        return len(gone)

    def _task_added(self, task: Task) -> None:
        """Tell the running clients of a new task: whoever includes this."""
        for one in self._includers():
            one._task_added(task)  # noqa: SLF001 - of the same class

    def _task_removed(self, task: Task) -> None:
        """Tell the running clients that a task is gone."""
        for one in self._includers():
            one._task_removed(task)  # noqa: SLF001 - of the same class

    def _includers(self) -> list[LifeDecorators]:
        return [one for one in list(self.included_in) if isinstance(one, LifeDecorators)]
