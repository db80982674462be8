"""The decorators of messages: by scene, with options, and commands."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar, overload

from qqgroup_sync.dispatch.filters import Filter, GroupConfig
from qqgroup_sync.dispatch.handlers import Handler, check_callable, described
from qqgroup_sync.dispatch.keeping import MESSAGE
from qqgroup_sync.dispatch.options import check_names, filter_of, level_of, limit_of
from qqgroup_sync.dispatch.rate_limits import Limiter
from qqgroup_sync.dispatch.registry import Registry
from qqgroup_sync.dispatch.words import folded
from qqgroup_sync.errors import ConfigError, Text
from qqgroup_sync.events.verify import Verify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from typing_extensions import Unpack

    from qqgroup_sync.dispatch.commands import Command
    from qqgroup_sync.dispatch.filters import Match, Wake
    from qqgroup_sync.dispatch.options import HandlerOptions, MessageOptions
    from qqgroup_sync.dispatch.rate_limits import RateLimit
    from qqgroup_sync.dispatch.routes import Entry
    from qqgroup_sync.events.models import C2CMessage, GroupMessage, Message

logger = logging.getLogger(__name__)

F = TypeVar("F", bound="Callable[..., Any]")
GH = TypeVar("GH", bound="Callable[[GroupMessage], Any] | Callable[[], Any]")
CH = TypeVar("CH", bound="Callable[[C2CMessage], Any] | Callable[[], Any]")
MH = TypeVar("MH", bound="Callable[[Message], Any] | Callable[[], Any]")

_COMMAND_OPTIONS = ("aliases", "prefix", "help", "hidden", "usage")
_HELP = ("help", "帮助")


class MessageDecorators(Registry):
    """Handlers of messages; decorators return the function unchanged."""

    def __init__(self) -> None:
        super().__init__()
        self._told_hidden: set[tuple[int, int]] = set()  # commands of one name, by order
        self._told_unknown: set[str] = set()  # names of group configs

    @overload
    def on_group_message(self, function: GH, /) -> GH: ...
    @overload
    def on_group_message(self, /, **options: Unpack[MessageOptions]) -> Callable[[GH], GH]: ...
    def on_group_message(self, function: Any = None, /, **options: Any) -> Any:
        """Handle messages in groups, whether or not they mention the bot (``message.is_at``).

        Args:
            function: The handler, when the decorator is used bare.
            **options: See :class:`qqgroup_sync.dispatch.options.MessageOptions`: ``keywords``,
                ``verify``, ``level``, ``block``, ``check_prefix``, ``allow_direct``,
                ``direct_only``, ``at_only``, ``group_id``, ``from_role``, ``users``, ``groups``,
                ``rate_limit``, ``cooldown``.
        """
        return self._message(function, options, in_group=True, in_c2c=False)

    @overload
    def on_c2c_message(self, function: CH, /) -> CH: ...
    @overload
    def on_c2c_message(self, /, **options: Unpack[MessageOptions]) -> Callable[[CH], CH]: ...
    def on_c2c_message(self, function: Any = None, /, **options: Any) -> Any:
        """Handle private messages; arguments as for :meth:`on_group_message`."""
        return self._message(function, options, in_group=False, in_c2c=True)

    @overload
    def on_message(self, function: MH, /) -> MH: ...
    @overload
    def on_message(self, /, **options: Unpack[MessageOptions]) -> Callable[[MH], MH]: ...
    def on_message(self, function: Any = None, /, **options: Any) -> Any:
        """Handle messages in groups and private ones; see :meth:`on_group_message`."""
        return self._message(function, options, in_group=True, in_c2c=True)

    def _message(self, function: Any, options: Any, *, in_group: bool, in_c2c: bool) -> Any:
        check_names(options)
        wanted = filter_of(options, in_group=in_group, in_c2c=in_c2c)
        limit, level = limit_of(options), level_of(options)

        def register(function: F) -> F:
            self._add_message_handler(function, wanted, options, limit, level)
            return function

        return register(function) if function is not None else register

    def _add_message_handler(
        self,
        function: Callable[..., Any],
        wanted: Filter,
        options: HandlerOptions,
        limit: RateLimit | None,
        level: float,
        *,
        fits: Callable[[Message], bool] | None = None,
    ) -> None:
        config = options.get("group_id")
        if isinstance(config, GroupConfig):
            self.set_group_config(config)
        self.add(
            (MESSAGE,),
            function,
            most=1,
            level=level,
            block=bool(options.get("block", True)),
            filter=wanted,
            limiter=Limiter(limit) if limit is not None else None,
            fits=fits,
        )

    # ------------------------------------------------------------------ commands

    def on_command(
        self,
        name: str,
        *,
        aliases: Sequence[str] = (),
        prefix: str | Sequence[str] = "/",
        help: str = "",  # noqa: A002 - what it is
        hidden: bool = False,
        usage: str = "",
        **options: Unpack[HandlerOptions],
    ) -> Callable[[F], F]:
        """Handle a command: ``/name argument ...``, in groups and in private chats.

        The arguments come from the function's parameters and their annotations: str, int, float,
        bool, Literal, Enum, list, Optional, ``*rest``, options (keyword-only parameters), Member
        (a mention), Attachment. The first parameter may take the message; one that is annotated
        GroupMessage or C2CMessage keeps the command to that scene. Wrong input gets an answer
        that shows the usage; ``/help`` is generated, unless a command has that name. Of several
        commands the one with the longest name comes first; of a level, commands come before
        keywords.

        Args:
            name: Without prefix; may have several words.
            aliases: Further names.
            prefix: What stands before the name; several are possible, "" needs none.
            help: What it does; by default the first line of the docstring.
            hidden: Keep it out of ``/help``.
            usage: Shown instead of what is made from the signature.
            **options: Those of :meth:`on_group_message` but ``keywords`` and ``verify``. The
                bot's own prefix words (``set_prefix``) are not needed, but may stand before.
        """
        from qqgroup_sync.dispatch.commands import Command  # noqa: PLC0415 - only when used

        if not isinstance(name, str):
            raise ConfigError(
                f"on_command() needs the name of the command, not {name!r}",
                remedy=Text(
                    "Write @client.on_command('weather').", "请写 @client.on_command('天气')。"
                ),
            )
        check_names(options, command=_COMMAND_OPTIONS)
        options.setdefault("check_prefix", False)  # it has one of its own
        wanted = filter_of(options, in_group=True, in_c2c=True)
        limit, level = limit_of(options), level_of(options)

        def register(function: F) -> F:
            check_callable(function)
            command = Command(
                function,
                name,
                aliases=aliases,
                prefix=prefix,
                help=help,
                hidden=hidden,
                usage=usage,
            )
            own = _in_scene(command, wanted)
            test = _command_test(command)
            own = replace(own, test=test, heads=command.heads, weighs=True)
            run = _Run(command)
            self._add_message_handler(run, own, options, limit, level, fits=run.fits)
            prefixes = (prefix,) if isinstance(prefix, str) else tuple(prefix)
            with self._registering:
                known = self.own.command_prefixes
                self.own.command_prefixes = tuple(dict.fromkeys((*known, *prefixes)))
            self.keep(("commands", ""), command)
            return function

        return register

    def _helper(self) -> Handler | None:
        """Return what answers ``/help`` for the commands of the whole family.

        It is made for whoever is asked for routes, so that a router's commands and the client's
        stand in one list; a command of that name by the user takes its place.
        """
        commands = self.commands
        if not commands or any({*_HELP}.intersection((one.name, *one.aliases)) for one in commands):
            return None
        from qqgroup_sync.dispatch.commands import Command  # noqa: PLC0415 - loaded by now
        from qqgroup_sync.dispatch.help import help_text  # noqa: PLC0415 - loaded by now

        def show_help(topic: str = "") -> str:
            return help_text(_listed(self.commands), self._language, topic=topic)

        prefixes = dict.fromkeys(
            prefix for one in self.family() for prefix in one.own.command_prefixes
        )
        helper = Command(
            show_help,
            _HELP[0],
            aliases=_HELP[1:],
            prefix=[prefix for prefix in prefixes if prefix] or "",
            hidden=True,
            help="Show this.",
        )
        return Handler(_Run(helper), takes=1, order=-1, filter=Filter(_command_test(helper)))

    def _planned(self, entries: Sequence[Entry]) -> None:
        """Warn of what cannot be meant: unknown group configs, commands that never run."""
        for entry in entries:
            if entry.config is None:
                self._tell_unknown(entry.handler)
        runs = [one for one in entries if isinstance(one.handler.function, _Run)]
        runs.sort(key=lambda one: one.handler.order)
        names: dict[str, list[Entry]] = {}
        for entry in runs:
            assert isinstance(entry.handler.function, _Run)
            for name in entry.handler.function.command.forms():
                before = names.setdefault(name, [])
                hider = next((one for one in before if _hides(one, entry)), None)
                if hider is not None:
                    self._tell_hidden(name, hider.handler, entry.handler)
                before.append(entry)

    def _tell_unknown(self, handler: Handler) -> None:
        name = handler.filter.group_id
        if name and name not in self._told_unknown:
            self._told_unknown.add(name)
            logger.warning(
                "%s: group_id=%r is the name of no GroupConfig, so it changes nothing; call "
                "set_group_config(GroupConfig(%r, ...)), or leave it out",
                *(described(handler.function), name, name),
            )

    def _tell_hidden(self, name: str, first: Handler, second: Handler) -> None:
        pair = (first.order, second.order)
        if pair not in self._told_hidden:
            self._told_hidden.add(pair)
            logger.warning(
                "two commands are called %s: %s runs, %s never does; rename one of them",
                *(name, described(first.function), described(second.function)),
            )

    @property
    def _language(self) -> str | None:
        settings = getattr(self, "settings", None)
        return settings.language if settings is not None else None


def _in_scene(command: Command, wanted: Filter) -> Filter:
    """Return the filter of a command, kept to the scene that its function is annotated for."""
    if command.in_group and command.in_c2c:
        return wanted
    if command.in_group:
        if wanted.allow_direct or wanted.direct_only:
            raise _wrong_scene(command, "GroupMessage", "no private messages")
        return replace(wanted, in_c2c=False, allow_direct=False, direct_only=False)
    if wanted.allow_direct is False or wanted.roles is not None or wanted.groups is not None:
        raise _wrong_scene(command, "C2CMessage", "private messages only")
    return replace(wanted, in_group=False)


def _wrong_scene(command: Command, name: str, what: str) -> ConfigError:
    return ConfigError(
        f"{described(command.function)} wants a {name}: {what}, but an option says otherwise",
        remedy=Text(
            "Annotate it as Message, or leave the option out.",
            "请把注解写成 Message，或去掉该选项。",
        ),
    )


def _listed(commands: Iterable[Command]) -> list[Command]:
    """Return the commands that ``/help`` lists: of several of one name the first."""
    found: dict[str, Command] = {}
    for one in commands:
        found.setdefault(folded(one.call), one)
    return list(found.values())


def _hides(first: Entry, second: Entry) -> bool:
    """Tell whether the second of two commands of one name gets no message at all.

    Those of different levels, or prefix words, were put there on purpose.
    """
    one, other = first.handler, second.handler
    if not one.block or one.level != other.level:
        return False
    for direct in (False, True):
        wanted = other.filter.applies(second.config, direct=direct)
        if wanted and not one.filter.applies(first.config, direct=direct):
            return False
    return one.filter.covers(other.filter) and _prefixes(first) == _prefixes(second)


def _prefixes(entry: Entry) -> tuple[str, ...] | None:
    own = entry.handler.filter.prefixes(entry.config)
    return entry.prefixes if own is None else own


class _Run:
    """Calls the function of a command with what the message says.

    Attributes:
        command: The command.
        stands_for: Its function, for logs.
    """

    def __init__(self, command: Command) -> None:
        self.command = command
        self.stands_for = command.function
        self.__name__ = self.__qualname__ = f"command {command.name}"

    def __call__(self, message: Message) -> Any:
        from qqgroup_sync.dispatch.binding import WrongArguments  # noqa: PLC0415 - loaded by now

        assert message.verify is not None
        try:
            bound = self.command.bind(message.verify.keypoint, message)
        except WrongArguments as error:
            return error.answer(getattr(message.actions, "language", None))
        return self.command.function(*bound.args, **bound.kwargs)

    def fits(self, message: Message) -> bool:
        """Tell whether a message is a use of the command, and no slip of the pen."""
        from qqgroup_sync.dispatch.binding import WrongArguments  # noqa: PLC0415 - loaded by now

        assert message.verify is not None
        try:
            self.command.bind(message.verify.keypoint, message)
        except WrongArguments:
            return False
        return True


def _command_test(command: Command) -> Match:
    """Return the test for a command: what follows its name is the keypoint.

    The longer the name that was written, the more it weighs: ``/group add`` before ``/group``.
    """

    def test(_message: Message, wake: Wake) -> Verify | None:
        if not wake.woken:
            return None
        text, rest = wake.text, command.match(wake.text)
        if rest is None and wake.prefix:  # the prefix of the bot may be that of its commands
            text, rest = wake.whole, command.match(wake.whole)
        if rest is None:
            return None
        return Verify(weight=1 + len(text) - len(rest), keypoint=rest)

    return test
