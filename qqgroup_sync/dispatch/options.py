"""The options that decorators of message handlers take."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypedDict

from qqgroup_sync.dispatch.filters import (
    Filter,
    GroupConfig,
    any_text,
    check_of,
    function_test,
    needles_of,
    text_test,
)
from qqgroup_sync.dispatch.handlers import parameters
from qqgroup_sync.dispatch.rate_limits import RateLimit, rate_limit_of
from qqgroup_sync.errors import ConfigError, Text

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterable, Sequence

    from qqgroup_sync.dispatch.filters import Equal, Match

    Keyword = str | Equal | re.Pattern[str]


class HandlerOptions(TypedDict, total=False):
    """Options of all handlers of messages, and of ``on_command``.

    Attributes:
        level: Handlers of a higher level are asked first. Of the same level the heaviest
            ``verify`` wins, then the one registered first.
        block: Whether the first handler that matches is the last one (the default).
        check_prefix: Whether a prefix word must wake the bot, when there are any
            (``client.set_prefix``); or the words for this handler alone.
        allow_direct: Handle private messages, too.
        direct_only: Handle private messages only.
        at_only: In groups, only messages that mention the bot.
        group_id: Name of a ``GroupConfig``, or the config itself.
        from_role: ``member``, ``admin`` (the owner included) or ``owner``, or a list of these.
        users: Openids of those who may use it.
        groups: Openids of the groups in which it works.
        rate_limit: ``(3, 60)``, three uses a minute for each person, or a ``RateLimit``.
        cooldown: Seconds between two uses by the same person.
    """

    level: float
    block: bool
    check_prefix: bool | Sequence[str] | None
    allow_direct: bool | None
    direct_only: bool | None
    at_only: bool
    group_id: str | GroupConfig | None
    from_role: str | Iterable[str] | None
    users: Iterable[str] | None
    groups: Iterable[str] | None
    rate_limit: RateLimit | tuple[int, float] | None
    cooldown: float | None


class MessageOptions(HandlerOptions, total=False):
    """Options of ``on_group_message``, ``on_c2c_message`` and ``on_message``.

    Attributes:
        keywords: A str (contained in the text), ``Equal`` (the whole text), a compiled pattern
            (``message.verify.keypoint`` is then its ``re.Match``), or a list of these.
        verify: Instead of keywords: a function of the message that returns a bool, or ``(bool,
            weight)``, or ``(bool, weight, keypoint)``; kept as ``message.verify``.
    """

    keywords: Keyword | Sequence[Keyword] | None
    verify: Callable[[Any], Any] | None


_HANDLER = frozenset(HandlerOptions.__optional_keys__)
_MESSAGE = frozenset(MessageOptions.__optional_keys__)
_ROLES = {"member": ("member",), "admin": ("admin", "owner"), "owner": ("owner",)}


def check_names(options: Iterable[str], *, command: Iterable[str] = ()) -> None:
    """Refuse options that do not exist, with the name that was meant perhaps.

    Args:
        options: What a decorator was given.
        command: What a command takes itself; it has no keywords.
    """
    known = sorted(_HANDLER.union(command) if command else _MESSAGE)
    for name in options:
        if name not in known:
            import difflib  # noqa: PLC0415 - only for a typo

            near = difflib.get_close_matches(name, known, 1)
            possible = ", ".join(known)
            raise ConfigError(
                f"{name}= is no option of this decorator",
                remedy=Text(f"Did you mean {near[0]}=?", f"是不是想写 {near[0]}=？")
                if near
                else Text(f"Possible: {possible}.", f"可选：{possible}。"),
            )


def limit_of(options: HandlerOptions) -> RateLimit | None:
    """Return how often the handler may be used.

    Raises:
        ConfigError: It cannot be; names the option that was written.
    """
    cooldown: object = options.get("cooldown")
    if cooldown is not None and not (
        isinstance(cooldown, int | float)
        and not isinstance(cooldown, bool)
        and 0 < cooldown < math.inf
    ):
        raise ConfigError(
            f"cooldown={cooldown!r} is not possible",
            remedy=Text(
                "Pass a number of seconds above 0, or None for no cooldown.",
                "请传入大于 0 的秒数；不限制则传 None。",
            ),
        )
    return rate_limit_of(options.get("rate_limit"), options.get("cooldown"))


def level_of(options: HandlerOptions) -> float:
    """Return the level of the handler."""
    level = options.get("level", 0)
    if not isinstance(level, int | float) or level != level:  # noqa: PLR0124 - that is NaN
        raise ConfigError(
            f"level={level!r} is no number",
            remedy=Text("Pass a number; 0 is the default.", "请传入数字；默认为 0。"),
        )
    return level


def filter_of(options: HandlerOptions | MessageOptions, *, in_group: bool, in_c2c: bool) -> Filter:
    """Return which messages the options ask for.

    Args:
        options: Of the decorator.
        in_group: Whether the decorator is for groups.
        in_c2c: Whether it is for private chats.

    Raises:
        ConfigError: Something is not possible.
    """
    if not in_group or options.get("direct_only"):
        _refuse_what_groups_have(options, in_group=in_group)
    group_id = options.get("group_id")
    name = group_id.group_id if isinstance(group_id, GroupConfig) else group_id
    if name is not None and not isinstance(name, str):
        raise ConfigError(
            f"group_id={group_id!r} is no name",
            remedy=Text(
                "Pass the name of a GroupConfig, or the config itself.",
                "请传入 GroupConfig 的名称，或该对象本身。",
            ),
        )
    return Filter(
        _test_of(options),
        needles=needles_of(options.get("keywords")),
        weighs=options.get("verify") is not None,
        check_prefix=check_of(options.get("check_prefix")),
        in_group=in_group,
        in_c2c=in_c2c,
        allow_direct=options.get("allow_direct"),
        direct_only=options.get("direct_only"),
        at_only=bool(options.get("at_only", False)),
        group_id=name or "",
        roles=_roles(options.get("from_role")),
        users=_openids("users", options.get("users")),
        groups=_openids("groups", options.get("groups")),
    )


def _test_of(options: HandlerOptions | MessageOptions) -> Match:
    keywords, verify = options.get("keywords"), options.get("verify")
    if keywords is not None and verify is not None:
        raise ConfigError(
            "give either keywords or verify",
            remedy=Text("verify= replaces keywords=.", "verify= 会取代 keywords=，二选一。"),
        )
    if keywords is not None:
        return text_test(keywords)
    if verify is None:
        return any_text
    if not callable(verify):
        raise ConfigError(
            f"verify={verify!r} is no function",
            remedy=Text(
                "Pass a function of the message that returns a bool.",
                "请传入以消息为参数、返回 bool 的函数。",
            ),
        )
    if parameters(verify, 1) == 0:
        raise ConfigError(
            f"verify={verify!r} takes no message",
            remedy=Text("Let it take the message.", "请让它接收一个参数：消息。"),
        )
    return function_test(verify)


def _refuse_what_groups_have(options: HandlerOptions | MessageOptions, *, in_group: bool) -> None:
    """Refuse options with which a handler of private messages would never be asked."""
    dead = [name for name in ("from_role", "groups") if options.get(name) is not None]
    if options.get("allow_direct") is False and not in_group:
        dead.append("allow_direct")
    if dead:
        raise ConfigError(
            f"{dead[0]}= leaves no private message",
            remedy=Text("Leave direct_only= out.", "请去掉 direct_only=。")
            if in_group
            else Text(
                "Use on_group_message or on_message.", "请使用 on_group_message 或 on_message。"
            ),
        )


def _several(wanted: Any) -> list[Any]:
    """Return what may have been given alone; empty when it is nothing of the kind."""
    if isinstance(wanted, str):
        return [wanted]
    try:
        return list(wanted)
    except TypeError:
        return []


def _roles(wanted: str | Iterable[str] | None) -> frozenset[str] | None:
    if wanted is None:
        return None
    found = _several(wanted)
    if not found or not all(isinstance(role, str) and role in _ROLES for role in found):
        raise ConfigError(
            f"from_role={wanted!r} does not exist",
            remedy=Text("Possible: member, admin, owner.", "可选：member、admin、owner。"),
        )
    return frozenset(role for one in found for role in _ROLES[one])


def _openids(option: str, wanted: Iterable[str] | None) -> frozenset[str] | None:
    if wanted is None:
        return None
    found = _several(wanted)
    if not found or not all(isinstance(name, str) and name for name in found):
        raise ConfigError(
            f"{option}={wanted!r} is not possible",
            remedy=Text("Pass a list of openids.", "请传入 openid 列表。"),
        )
    return frozenset(found)
