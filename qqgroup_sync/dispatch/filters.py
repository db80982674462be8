"""Which messages a handler is for: the options of the decorators, made into one quick test."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from qqgroup_sync.dispatch.words import half_width
from qqgroup_sync.errors import ConfigError, Text
from qqgroup_sync.events.models import Message
from qqgroup_sync.events.verify import Verify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    Match = Callable[[Message, "Wake"], Verify | None]

_FIELDS = tuple(one.name for one in fields(Message))


class Equal:
    """A keyword that must be the whole text; needs no prefix to wake the bot."""

    __slots__ = ("content",)

    def __init__(self, content: str) -> None:
        if not isinstance(content, str):
            raise ConfigError(
                f"Equal({content!r}) would never be a text",
                remedy=Text("Pass a str: Equal('5').", "请传入 str：Equal('5')。"),
            )
        self.content = content

    def __repr__(self) -> str:
        return f"Equal({self.content!r})"


# ---------------------------------------------------------------------- prefix words


@dataclass(slots=True)
class Wake:
    """What the prefix words say about a message.

    Attributes:
        text: Its text without the prefix.
        woken: Whether handlers that check the prefix may have it.
        prefix: The prefix that woke the bot, as it was written; empty without one.
        whole: Its text with the prefix.
    """

    text: str
    woken: bool
    prefix: str
    whole: str
    _shown: Message | None = field(default=None, repr=False, compare=False)

    def shown(self, message: Message) -> Message:
        """Return the message as handlers see it: without its prefix. One copy serves all tests."""
        if not self.prefix:
            return message
        if self._shown is None:
            self._shown = copy_of(message, text=self.text, text_prefix=self.prefix)
        return self._shown

    def anyhow(self) -> Wake:
        """Return the same for handlers that need no prefix; where one stands it still goes."""
        return self if self.woken else Wake(self.text, True, self.prefix, self.whole)


def copy_of(message: Message, **changes: Any) -> Message:
    """Return a copy; four times as quick as ``dataclasses.replace``, and it checks nothing."""
    copied: Message = object.__new__(type(message))
    change = object.__setattr__  # the class is frozen
    for name in _FIELDS:
        change(copied, name, getattr(message, name))
    for name, value in changes.items():
        change(copied, name, value)
    return copied


def wake(text: str, prefixes: Sequence[str]) -> Wake:
    """Return what prefix words say about a text; the longest one that fits counts.

    Args:
        text: Of a message.
        prefixes: As :func:`prefix_words` returns them.
    """
    if not prefixes:
        return Wake(text, True, "", text)
    begin = half_width(text[: len(prefixes[0])])  # keeps the length: ／ is / on many keyboards
    for prefix in prefixes:
        if begin.startswith(prefix):
            end = len(prefix)
            return Wake(text[end:].lstrip(), True, text[:end], text)
    return Wake(text, False, "", text)


def prefix_words(words: str | Iterable[str] | None) -> tuple[str, ...]:
    """Return prefix words in half width, the longest first.

    Raises:
        ConfigError: One is empty or no str.
    """
    if words is None:
        return ()
    if isinstance(words, str) or not isinstance(words, list | tuple | set | frozenset):
        words = [words]  # type: ignore[list-item]  # what is no str is refused below
    for word in words:
        if not isinstance(word, str) or not word.strip():
            raise ConfigError(
                f"{word!r} is no prefix",
                remedy=Text("Use words such as '小助手' or '/'.", "请使用“小助手”或“/”这样的词。"),
            )
    folded = dict.fromkeys(half_width(word).lstrip() for word in words)
    return tuple(sorted(folded, key=len, reverse=True))


def check_of(check: Any) -> bool | tuple[str, ...] | None:
    """Return ``check_prefix`` as it is kept: a list of words as they are compared.

    Raises:
        ConfigError: It is neither a bool nor words.
    """
    if check is None or isinstance(check, bool):
        return check
    return prefix_words(check) or False  # no words, nothing to check


@dataclass(frozen=True, slots=True)
class GroupConfig:
    """Settings that handlers share by ``group_id=``; a handler's own options win.

    Attributes:
        group_id: Name of the feature; nothing to do with QQ groups.
        check_prefix: As of the decorators.
        allow_direct: As of the decorators.
        direct_only: As of the decorators.
    """

    group_id: str
    check_prefix: bool | Sequence[str] = True
    allow_direct: bool = False
    direct_only: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.group_id, str) or not self.group_id:
            raise ConfigError(
                f"group_id={self.group_id!r} is no name",
                remedy=Text("Pass a non-empty str.", "请传入非空 str。"),
            )
        object.__setattr__(self, "check_prefix", check_of(self.check_prefix))


# ---------------------------------------------------------------------- the whole test

UNCHECKED: tuple[str, ...] = ()  # the prefix words of a handler that needs none


@dataclass(frozen=True, slots=True)
class Filter:
    """What a decorator was told about the messages it wants; None leaves it to the group config.

    Attributes:
        test: Of the text: the message and its wake -> Verify or None.
        needles: Of these one stands in every text that ``test`` takes; a quick way to say no.
        heads: The same, of how the text begins; as :func:`folded_head` returns it.
        weighs: Whether ``test`` may return another weight than 1.
        check_prefix: Whether a prefix must wake the bot, or which one.
        in_group: Whether the decorator is for groups.
        in_c2c: Whether the decorator is for private chats.
        allow_direct: Whether private messages are wanted, too.
        direct_only: Whether only private messages are wanted.
        at_only: Whether a message in a group must mention the bot.
        group_id: Name of the group config.
        roles: Of those who may use it.
        users: Openids of those who may use it.
        groups: Openids of the groups in which it works.
    """

    test: Match
    needles: tuple[str, ...] = ("",)
    heads: tuple[str, ...] = ()
    weighs: bool = False
    check_prefix: bool | tuple[str, ...] | None = None
    in_group: bool = True
    in_c2c: bool = False
    allow_direct: bool | None = None
    direct_only: bool | None = None
    at_only: bool = False
    group_id: str = ""
    roles: frozenset[str] | None = None
    users: frozenset[str] | None = None
    groups: frozenset[str] | None = None

    def applies(self, config: GroupConfig | None, *, direct: bool) -> bool:
        """Tell whether messages of a scene can be for it at all."""
        direct_only = _chosen(self.direct_only, config is not None and config.direct_only)
        if not direct:
            return self.in_group and not direct_only
        if self.roles is not None or self.groups is not None:
            return False  # private chats have neither
        allowed = self.in_c2c or (config is not None and config.allow_direct)
        return direct_only or _chosen(self.allow_direct, allowed)

    def covers(self, other: Filter) -> bool:
        """Tell whether it takes everybody whom another takes, whatever they say and where."""
        pairs = ((self.roles, other.roles), (self.users, other.users), (self.groups, other.groups))
        wider = all(a is None or (b is not None and a >= b) for a, b in pairs)
        return wider and (other.at_only or not self.at_only)

    def prefixes(self, config: GroupConfig | None) -> tuple[str, ...] | None:
        """Return its own prefix words; ``UNCHECKED`` when it needs none, None for the bot's."""
        check = self.check_prefix
        if check is None:
            check = True if config is None else check_of(config.check_prefix)
        if isinstance(check, tuple):
            return check
        return None if check else UNCHECKED

    def match(self) -> Match:
        """Return the whole test; whom the first condition keeps out costs one call."""
        test = self.test
        if self.at_only:
            test = _if_at(test)
        if self.groups is not None:
            test = _if_in(self.groups, test)
        if self.users is not None:
            test = _if_by(self.users, test)
        if self.roles is not None:
            test = _if_role(self.roles, test)
        return test


def _chosen(own: bool | None, other: bool) -> bool:
    return other if own is None else own


def _if_at(test: Match) -> Match:
    return lambda message, wake: test(message, wake) if message.is_at or message.is_direct else None


def _if_in(groups: frozenset[str], test: Match) -> Match:
    return lambda message, wake: test(message, wake) if message.group_openid in groups else None


def _if_by(users: frozenset[str], test: Match) -> Match:
    return lambda message, wake: test(message, wake) if message.author.openid in users else None


def _if_role(roles: frozenset[str], test: Match) -> Match:
    return lambda message, wake: test(message, wake) if message.author.role in roles else None


# ---------------------------------------------------------------------- tests of the text

HIT = Verify()


def any_text(_message: Message, wake: Wake) -> Verify | None:
    """Take every message that wakes the bot."""
    return HIT if wake.woken else None


def text_test(keywords: Any) -> Match:
    """Return the test for ``keywords``.

    Args:
        keywords: A str (contained in the text), :class:`Equal` (the whole text, prefix or not), a
            compiled pattern (found in the text), or a list or tuple of these (any of them).

    Raises:
        ConfigError: It is something else.
    """
    if isinstance(keywords, str) and keywords:
        hit = Verify(keypoint=keywords)
        return lambda _message, wake: hit if wake.woken and keywords in wake.text else None
    if isinstance(keywords, Equal):
        content, found = keywords.content, Verify(keypoint=keywords.content)
        return lambda _message, wake: found if content in (wake.text, wake.whole) else None
    if isinstance(keywords, re.Pattern) and isinstance(keywords.pattern, str):
        return _pattern_test(keywords)
    if isinstance(keywords, list | tuple) and keywords:
        return _first_of([text_test(keyword) for keyword in keywords])
    raise ConfigError(
        f"keywords={keywords!r} is no filter",
        remedy=Text(
            "Pass a non-empty str, Equal('...'), re.compile('...'), or a list of these.",
            "请传入非空 str、Equal('...')、re.compile('...')，或它们的列表。",
        ),
    )


def needles_of(keywords: Any) -> tuple[str, ...]:
    """Return of what every text contains one that ``keywords`` take; one is empty: of anything."""
    if isinstance(keywords, list | tuple):
        return tuple(needle for keyword in keywords for needle in needles_of(keyword))
    if isinstance(keywords, Equal):
        keywords = keywords.content
    return (keywords if isinstance(keywords, str) else "",)


def _pattern_test(pattern: re.Pattern[str]) -> Match:
    search = pattern.search

    def test(_message: Message, wake: Wake) -> Verify | None:
        found = search(wake.text) if wake.woken else None
        return Verify(keypoint=found) if found is not None else None

    return test


def _first_of(tests: list[Match]) -> Match:
    def test(message: Message, wake: Wake) -> Verify | None:
        for one in tests:
            found = one(message, wake)
            if found is not None:
                return found
        return None

    return test


def function_test(function: Callable[..., Any]) -> Match:
    """Return the test for ``verify=``: the function sees the message as a handler would.

    It returns a bool, or ``(bool, weight)``, or ``(bool, weight, keypoint)``. Anything else that
    is true, such as the match of a pattern, is a keypoint.
    """

    def test(message: Message, wake: Wake) -> Verify | None:
        if not wake.woken:
            return None
        said = function(wake.shown(message) if wake.prefix else message)
        return verdict(said) if said else None  # nearly all of them say no to nearly everything

    return test


def verdict(said: Any) -> Verify | None:
    """Return what a ``verify=`` function said; None when the message is not for the handler.

    Raises:
        ConfigError: It is a tuple that begins with a bool, but no ``(bool, weight, keypoint)``.
    """
    if said is True:
        return HIT
    if isinstance(said, Verify):
        return said if said.result else None
    if not isinstance(said, tuple) or not said or not isinstance(said[0], bool | None):
        return Verify(keypoint=said) if said else None
    if not said[0]:
        return None
    weight, keypoint = (*said[1:], *(1, None)[len(said) - 1 :])[:2]
    if len(said) > 3 or not isinstance(weight, int | float) or isinstance(weight, bool):
        raise ConfigError(
            f"verify= returned {said!r}",
            remedy=Text(
                "Return a bool, (bool, weight), or (bool, weight, keypoint); a weight is a number.",
                "请返回 bool、(bool, 权重) 或 (bool, 权重, 关键值)，其中权重是数字。",
            ),
        )
    return Verify(True, weight, keypoint)
