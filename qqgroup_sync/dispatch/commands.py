"""Commands: functions whose arguments people write after ``/name``; sends nothing itself.

What a command takes is read from its function once, when it is decorated, and everything wrong
with it is a :class:`ConfigError` there. What a person writes wrongly is :class:`WrongArguments`,
which holds the answer to him.
"""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any

from qqgroup_sync.dispatch.binding import Binding, Bound, WrongArguments
from qqgroup_sync.dispatch.handlers import code_of, described
from qqgroup_sync.dispatch.help import usage_of
from qqgroup_sync.dispatch.signature import parameters_of
from qqgroup_sync.dispatch.words import (
    folded,
    folded_head,
    half_width,
    key_of,
    loosely,
    option_name,
)
from qqgroup_sync.errors import ConfigError, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from qqgroup_sync.dispatch.signature import Parameter
    from qqgroup_sync.dispatch.words import Word
    from qqgroup_sync.events.models import Message


class Command:
    """A function that people call by writing its name and its arguments.

    Words fill the function's parameters by their place. Those with a default, and those after a
    bare ``*``, can be given by name as well, before or after the others: ``days=3``,
    ``--days=3``, ``--days 3``; a bool as ``--verbose`` or ``--no-verbose``. Quotes hold words
    together. ``--`` alone says that no names follow.

    When the last parameter that words fill is a plain ``str``, it takes the whole rest of the
    line as it was written, quotes and line breaks included: ``/remind 10m buy milk`` needs no
    quotes. Only quotes around all of it are taken off, and names at its beginning or end are
    still read as such; in quotes, or after ``--``, they are text. ``list[T]``, at the end, takes
    every word that is left, and commas part words for it, too.

    A ``Member`` is somebody whom the message mentions, in the order of the mentions, and an
    ``Attachment`` comes with the message, in order; neither is a word.

    Args:
        function: What is called; :func:`~qqgroup_sync.dispatch.arguments.parameters_of` says how
            its parameters are read.
        name: Without prefix; may be several words: ``group add``.
        aliases: Other names.
        prefix: What stands before the name, or several to choose from; may be empty.
        help: What it does, in one line; by default the first line of the docstring.
        hidden: Whether ``/help`` leaves it out of the list.
        usage: How its arguments are written; by default made from the signature.

    Raises:
        ConfigError: The function cannot be a command, or an option is wrong.

    Attributes:
        in_group: Whether the function takes messages in groups.
        in_c2c: Whether it takes private messages.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        name: str,
        *,
        aliases: Sequence[str] = (),
        prefix: str | Sequence[str] = "/",
        help: str = "",  # noqa: A002 - the word that everybody looks for
        hidden: bool = False,
        usage: str = "",
    ) -> None:
        self._prefixes = prefixes = _prefixes(prefix)
        self.function = function
        self.parameters = parameters_of(function)
        self.in_group = all(one.in_group for one in self.parameters)
        self.in_c2c = all(one.in_c2c for one in self.parameters)
        if not (self.in_group or self.in_c2c):
            raise ConfigError(
                f"{described(function)} wants a GroupMessage and a C2CMessage at once",
                remedy=Text("Annotate it as Message.", "请把注解写成 Message。"),
            )
        self.name = _checked_name(name, prefixes)
        if isinstance(aliases, str) or not _are_strings(aliases):
            raise ConfigError(
                f"aliases={aliases!r} is no list of names",
                remedy=Text("Pass a list: aliases=['w'].", "请传入列表：aliases=['w']。"),
            )
        self.aliases = tuple(_checked_name(alias, prefixes) for alias in aliases)
        if not (isinstance(help, str) and isinstance(usage, str)):
            raise ConfigError(
                f"help={help!r} and usage={usage!r} are not both text",
                remedy=Text("Pass a str for each.", "两者都请传入 str。"),
            )
        self.help = (
            help.strip() or (inspect.getdoc(code_of(function)) or "").strip().partition("\n")[0]
        )
        self.hidden = hidden
        self.call = f"{prefixes[0]}{self.name}"
        self._usage = usage.strip()
        names = sorted((self.name, *self.aliases), key=len, reverse=True)  # the longest first
        self._begins = re.compile(
            rf"\s*(?:{'|'.join(map(loosely, prefixes))})(?:{'|'.join(map(loosely, names))})(?!\S)",
            re.IGNORECASE,
        )
        self.heads = tuple({folded_head(prefix + name) for prefix in prefixes for name in names})
        self._named = {key_of(one.spelled): one for one in self.parameters if one.has_name}

    def forms(self) -> list[str]:
        """Return everything that people may call it, prefix included, as it is compared."""
        names = (self.name, *self.aliases)
        return list(
            dict.fromkeys(folded(f"{one}{name}") for one in self._prefixes for name in names)
        )

    def match(self, text: str) -> str | None:
        """Return what follows the name, without space around it; None for another command.

        Width and case do not matter; after the name stands space or nothing. Of two commands that
        match, as ``group`` and ``group add`` do, the one that leaves less has the longer name.
        """
        found = self._begins.match(text)
        return None if found is None else text[found.end() :].strip()

    def bind(self, rest: str, message: Message) -> Bound:
        """Return what to call the function with.

        Args:
            rest: What :meth:`match` returned.
            message: The message it stood in.

        Raises:
            WrongArguments: It does not fit the function.
        """
        return Binding(self, rest, message).bound()

    def usage_text(self, language: str | None = None) -> str:
        """Return how it is written: ``/weather <city> [days=3] [--verbose]``."""
        if self._usage.startswith(self.call):
            return self._usage
        written = self._usage or " ".join(
            usage_of(one, language) for one in self.parameters if one.shape is not None
        )
        return f"{self.call} {written}".strip()

    def option(self, word: Word) -> Parameter | None:
        """Return the parameter that a word names, as ``--name`` or ``name=``; None if it is text.

        ``--no-name`` names a bool.
        """
        name, dashed = option_name(word)
        if not name or word.quoted or not (dashed or word.equals > 0):
            return None
        named = self._named.get(key_of(name))
        if named is None and dashed and word.equals < 0:
            named = self._named.get(key_of(name).removeprefix("no-"))
            return named if named and named.shape and named.shape.is_flag else None
        return named

    def wrong(self, en: str, zh: str) -> WrongArguments:
        """Return the error with that problem."""
        usage = Text(self.usage_text("en"), self.usage_text("zh"))
        return WrongArguments(Text(en, zh), usage)

    def option_names(self) -> list[str]:
        """Return the names that people can give values by."""
        return list(self._named)

    def __repr__(self) -> str:
        return f"Command({self.usage_text('en')!r})"


def _prefixes(prefix: Any) -> tuple[str, ...]:
    prefixes = (prefix,) if isinstance(prefix, str) else prefix
    if not _are_strings(prefixes) or not prefixes:
        raise ConfigError(
            f"prefix={prefix!r} is no prefix",
            remedy=Text(
                "Pass a str such as '/', a list of them, or '' for none.",
                "请传入 '/' 这样的 str 或其列表；不要前缀就传 ''。",
            ),
        )
    return tuple(one.lstrip() for one in prefixes)


def _are_strings(values: Any) -> bool:
    return isinstance(values, list | tuple | set | frozenset) and all(
        isinstance(one, str) for one in values
    )


def _checked_name(name: Any, prefixes: Sequence[str]) -> str:
    if not isinstance(name, str) or not name.strip():
        raise ConfigError(
            f"{name!r} is no name of a command",
            remedy=Text(
                "Pass a non-empty str: on_command('weather').",
                "请传入非空 str：on_command('weather')。",
            ),
        )
    clean_name = " ".join(name.split())
    for prefix in filter(None, prefixes):
        if half_width(clean_name).startswith(half_width(prefix)):
            raise ConfigError(
                f"the name {name!r} begins with the prefix {prefix!r}, which is added anyway",
                remedy=Text(
                    f"Write {clean_name[len(prefix) :]!r}.",
                    f"请写 {clean_name[len(prefix) :]!r}。",
                ),
            )
    return clean_name
