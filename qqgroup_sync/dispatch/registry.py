"""Where handlers are kept and looked up. The decorators stand on top of it, by kind."""

from __future__ import annotations

import itertools
import weakref
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from qqgroup_sync.dispatch.filters import GroupConfig, prefix_words
from qqgroup_sync.dispatch.handlers import Handler, parameters
from qqgroup_sync.dispatch.hooks import Hooks
from qqgroup_sync.dispatch.keeping import MESSAGE, Keeping
from qqgroup_sync.dispatch.routes import Entry, Routes
from qqgroup_sync.errors import ConfigError, Text
from qqgroup_sync.runtime import cells

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from qqgroup_sync.dispatch.commands import Command
    from qqgroup_sync.dispatch.hooks import Ordered
    from qqgroup_sync.dispatch.ledger import Place
    from qqgroup_sync.dispatch.timed_tasks import Task

_order = itertools.count()  # over all registries: handlers of several are asked in one order
_changes = itertools.count(1)


@dataclass(slots=True)
class Own:
    """What one registry holds itself; the tuples are replaced, never changed."""

    handlers: dict[str, tuple[Handler, ...]] = field(default_factory=dict)
    observers: dict[str, tuple[Handler, ...]] = field(default_factory=dict)  # "" sees every event
    ready: tuple[Handler, ...] = ()
    watchers: tuple[Handler, ...] = ()
    exception: tuple[tuple[tuple[type[BaseException], ...], Handler], ...] = ()
    configs: dict[str, GroupConfig] = field(default_factory=dict)
    included: tuple[Registry, ...] = ()
    commands: tuple[Command, ...] = ()
    command_prefixes: tuple[str, ...] = ()
    tasks: tuple[Task, ...] = ()
    hooks: dict[str, tuple[Ordered, ...]] = field(default_factory=dict)
    version: int = 0


class Registry(Keeping):
    """Holds handlers; safe from any thread."""

    def __init__(self) -> None:
        self.own: Own
        super().__init__(Own())
        self._prefixes: tuple[str, ...] = ()
        self._routes: dict[bool, tuple[int, Routes]] = {}
        # Weakly: a router in a module outlives the clients that include it.
        self.included_in: weakref.WeakSet[Registry] = weakref.WeakSet()
        self.hooks = Hooks(self.own.hooks)

    # ------------------------------------------------------------------ adding

    def add(
        self, kinds: Iterable[str], function: Callable[..., Any], *, most: int, **details: Any
    ) -> Handler:
        """Register a handler.

        Args:
            kinds: ``MESSAGE``, or names of events.
            function: The user's function.
            most: How many arguments it may get.
            **details: Further attributes of the handler.
        """
        handler = self._handler(function, most, **details)
        for kind in kinds:
            self.keep(("handlers", kind), handler)
        return handler

    def add_observer(self, names: Iterable[str], function: Callable[..., Any]) -> None:
        """Register who sees events without handling them."""
        handler = self._handler(function, 2)
        for name in names:
            self.keep(("observers", name), handler)

    def add_guard(
        self, types: tuple[type[BaseException], ...], function: Callable[..., Any]
    ) -> None:
        """Register who handles exceptions of handlers."""
        self.keep(("exception", ""), (types, self._handler(function, 3)))

    def add_ready(self, function: Callable[..., Any]) -> None:
        """Register who is told that the bot came on line."""
        self.keep(("ready", ""), self._handler(function, 1))

    def add_watcher(self, function: Callable[..., Any]) -> None:
        """Register who is told when the bot's state changes."""
        self.keep(("watchers", ""), self._handler(function, 3))

    def _handler(self, function: Callable[..., Any], most: int, **details: Any) -> Handler:
        takes = parameters(function, most)
        cell = cells.running()
        if cell is None:
            return Handler(function, takes, next(_order), **details)
        order = self.order_of(cell)  # running a cell again does not move its handlers back
        order = next(_order) if order is None else order
        return Handler(function, takes, order, cell=cell.key, **details)

    def settle_family(self) -> None:
        """Settle the running notebook cell, here and in what is included."""
        for one in self.family():
            one.settle()

    def _dropped(self, place: Place, thing: Any) -> None:
        if place[0] == "tasks":
            self._task_removed(thing)
        elif place[0] == "included":
            thing.included_in.discard(self)
            for task in thing.tasks:
                self._task_removed(task)

    def _task_removed(self, task: Task) -> None:
        """Tell a running client that a task is gone."""

    def _changed(self) -> None:
        self.own.version = next(_changes)

    # ------------------------------------------------------------------ settings of handlers

    def set_prefix(self, *words: str) -> None:
        """Set the words of which one must begin a message to wake handlers; none switches it off.

        What woke the bot is taken off ``message.text`` and kept as ``message.text_prefix``.
        Handlers with ``check_prefix=False``, commands, and ``Equal`` keywords need no prefix.
        Letters and signs of full width are equal to those of half width. Words of a router are
        for its own handlers, and for those of routers that it includes.
        """
        prefixes = prefix_words(flat(words))
        with self._registering:
            self._prefixes = prefixes
            self._changed()

    def set_prefix_keywords(self, keywords: str | list[str]) -> None:
        """Set the prefix words; the seed family's name of :meth:`set_prefix`."""
        self.set_prefix(*flat([keywords]))

    def set_group_config(self, config: GroupConfig) -> None:
        """Register settings that handlers share by ``group_id=``."""
        if not isinstance(config, GroupConfig):
            raise ConfigError(
                f"{config!r} is no GroupConfig",
                remedy=Text("Pass GroupConfig('name', ...).", "请传入 GroupConfig('name', ...)。"),
            )
        with self._registering:
            self.own.configs = {**self.own.configs, config.group_id: config}
            self._changed()

    # ------------------------------------------------------------------ looking up

    def family(self) -> list[Registry]:
        """Return this registry and all that it includes, each once."""
        found: list[Registry] = [self]
        for one in found:
            found.extend(other for other in one.own.included if other not in found)
        return found

    @property
    def prefixes(self) -> tuple[str, ...]:
        """The prefix words, the longest first."""
        return self._prefixes

    def routes(self, *, direct: bool) -> Routes:
        """Return the plan for messages of a scene; made anew after changes."""
        family = self.family() if self.own.included else [self]
        version = max(one.own.version for one in family)
        known = self._routes.get(direct)
        if known is None or known[0] != version:  # read before what it stands for
            entries = list(self._entries(family))
            self._planned(entries)
            plan = Routes(entries, direct=direct, helper=self._helper())
            known = self._routes[direct] = (version, plan)
        return known[1]

    def _entries(self, family: list[Registry]) -> Iterator[Entry]:
        """Yield the handlers of messages; what their own registry says comes before the others."""
        shared: dict[str, GroupConfig] = {}
        prefixes: dict[Registry, tuple[str, ...] | None] = {self: None}
        for one in family:
            shared = {**one.own.configs, **shared}
            for other in one.own.included:
                prefixes.setdefault(other, other.prefixes or prefixes[one])
        for one in family:
            own = one.own.configs
            for handler in one.own.handlers.get(MESSAGE, ()):
                name = handler.filter.group_id
                yield Entry(handler, own.get(name) or shared.get(name), prefixes[one])

    def _planned(self, entries: Sequence[Entry]) -> None:
        """Look at the handlers of messages when a plan is made of them."""

    def _helper(self) -> Handler | None:
        """Return what answers ``/help``."""
        return None

    def handlers_for(self, name: str) -> tuple[Handler, ...]:
        """Return the handlers of an event, in order of registration."""
        if not self.own.included:
            return self.own.handlers.get(name, ())
        found = [handler for one in self.family() for handler in one.own.handlers.get(name, ())]
        return tuple(sorted(found, key=lambda handler: handler.order))

    def observers_of(self, name: str) -> tuple[Handler, ...]:
        """Return who observes an event."""
        return tuple(
            handler
            for one in (self.family() if self.own.included else (self,))
            if one.own.observers
            for handler in (*one.own.observers.get(name, ()), *one.own.observers.get("", ()))
        )

    def guards_for(self, error: BaseException) -> list[Handler]:
        """Return who handles an exception."""
        return [
            handler
            for one in self.family()
            for types, handler in one.own.exception
            if isinstance(error, types)
        ]

    @property
    def ready_handlers(self) -> tuple[Handler, ...]:
        """Who is told that the bot came on line."""
        return tuple(handler for one in self.family() for handler in one.own.ready)

    @property
    def state_watchers(self) -> tuple[Handler, ...]:
        """Who is told when the bot's state changes."""
        return tuple(handler for one in self.family() for handler in one.own.watchers)

    @property
    def commands(self) -> tuple[Command, ...]:
        """All commands, in order of registration."""
        return tuple(command for one in self.family() for command in one.own.commands)

    @property
    def tasks(self) -> tuple[Task, ...]:
        """All timed tasks."""
        return tuple(task for one in self.family() for task in one.own.tasks)

    @property
    def all_hooks(self) -> tuple[Hooks, ...]:
        """The hooks of this registry and of all that it includes."""
        return tuple(one.hooks for one in self.family() if one.hooks)


def flat(values: Iterable[Any]) -> list[Any]:
    """Return the values, and what lists among them hold; None is nothing."""
    found: list[Any] = []
    for value in values:
        found.extend(value if isinstance(value, list | tuple | set | frozenset) else [value])
    return [value for value in found if value is not None]
