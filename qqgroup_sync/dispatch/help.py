"""What ``/help`` says, and how a command is written."""

from __future__ import annotations

import difflib
import re
from enum import Enum
from typing import TYPE_CHECKING

from qqgroup_sync.dispatch.words import folded, quote
from qqgroup_sync.errors import Text
from qqgroup_sync.events.models import Member

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from qqgroup_sync.dispatch.commands import Command
    from qqgroup_sync.dispatch.signature import Parameter


LONGEST_ECHO = 30  # characters


def echo(text: str) -> str:
    """Return what a person wrote, to be shown to him: short, on one line, mentioning nobody."""
    line = re.sub(r"<(?=[@a-zA-Z])", "‹", " ".join(text.split()))
    return line if len(line) <= LONGEST_ECHO else line[:LONGEST_ECHO] + "…"


def usage_of(one: Parameter, language: str | None) -> str:
    """Return how a parameter is written in the usage of its command."""
    assert one.shape is not None
    kind, name = one.shape.kind, one.spelled
    more = "..." if one.many or one.is_line else ""
    if not one.takes_words:
        if Member in kind.sources:  # never <@name>: that is how the platform writes a mention
            return f"@{name}{more}" if one.required else f"[@{name}{more}]"
        form = Text(f"{name}: attachment{more}", f"{name}：附件{more}").in_language(language)
        return f"<{form}>" if one.required else f"[{form}]"
    if one.shape.is_flag and one.has_name and not one.required:
        return f"[--no-{name}]" if one.default is True else f"[--{name}]"
    choices = "|".join(kind.choices)
    if not 0 < len(choices) <= LONGEST_ECHO:
        choices = ""
    if one.required:
        return (
            f"{name}=<{choices or name}{more}>" if one.is_option else f"<{choices or name}{more}>"
        )
    shown = choices or _shown_default(one, language)
    if one.has_name and (shown or one.is_option):
        return f"[{name}={shown or f'<{name}>'}{more}]"
    return f"[{choices or name}{more}]"


def _shown_default(one: Parameter, language: str | None) -> str:
    """Return the default as people would write it; empty when it says nothing to them."""
    default = one.default
    if isinstance(default, Enum):
        default = default.value if isinstance(default.value, str) else default.name
    if isinstance(default, bool):
        return (Text("yes", "是") if default else Text("no", "否")).in_language(language)
    if isinstance(default, str):
        return quote(default) if default else ""
    return str(default) if isinstance(default, int | float) else ""


def help_text(commands: Iterable[Command], language: str | None = None, *, topic: str = "") -> str:
    """Return the answer to ``/help``.

    Args:
        commands: What there is, in the order in which it is to be shown.
        language: ``zh`` or ``en``; by default the environment's.
        topic: The name of a command, with or without its prefix, to tell more about it.
    """
    listed = list(commands)
    wanted = folded(" ".join(topic.split()))
    if not wanted:
        return _list(listed, Text("Commands:", "指令："), language)
    named = [(folded(form), one) for one in listed for form in _forms(one)]
    for form, one in named:
        if form == wanted:
            return _details(one, language)
    below = [one for one in listed if any(folded(f).startswith(wanted + " ") for f in _forms(one))]
    if below:
        return _list(below, Text("Commands:", "指令："), language)
    shown = [form for form, one in named if not one.hidden]
    near = [
        one for form in difflib.get_close_matches(wanted, shown) for f, one in named if f == form
    ]
    unknown = Text(f"There is no command “{echo(topic)}”.", f"没有指令“{echo(topic)}”。")
    if not near:
        return unknown.in_language(language)
    similar = _list(list(dict.fromkeys(near)), Text("Similar ones:", "相近的指令："), language)
    return f"{unknown.in_language(language)}\n{similar}"


def _forms(command: Command) -> list[str]:
    """Return what people may call a command, with and without its prefix."""
    prefix = command.call.removesuffix(command.name)
    names = (command.name, *command.aliases)
    return [*names, *(f"{prefix}{name}" for name in names if prefix)]


def _list(commands: Sequence[Command], title: Text, language: str | None) -> str:
    lines = [
        f"{one.usage_text(language)}  {one.help}".rstrip() for one in commands if not one.hidden
    ]
    if not lines:
        return Text("There are no commands.", "没有可用的指令。").in_language(language)
    return "\n".join([title.in_language(language), *lines])


def _details(command: Command, language: str | None) -> str:
    lines = [command.usage_text(language), command.help]
    if command.aliases:
        label = Text("Also: ", "也可以写作：").in_language(language)
        lines.append(label + Text(", ", "、").in_language(language).join(command.aliases))
    for one in command.parameters:
        if one.shape is not None:
            what, default = one.shape.kind.what.in_language(language), _shown_default(one, language)
            if default:
                what += Text(f", by default {default}", f"，默认 {default}").in_language(language)
            about = one.about.rstrip(" .。")
            form = (
                Text("  {}: {} ({})", "  {}：{}（{}）") if about else Text("  {}: {}", "  {}：{}")
            )
            told = (one.spelled, about, what) if about else (one.spelled, what)
            lines.append(form.in_language(language).format(*told))
    return "\n".join(filter(None, lines))
