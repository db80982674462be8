"""A bot's markdown for a terminal: what QQ adds to it is written in plain words. Needs rich."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import unquote

from rich.markdown import Heading, Markdown

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

_COMMAND = re.compile(r"<qqbot-cmd-(?:input|enter)\b([^>]*?)/?>")
_EVERYONE = re.compile(r"<qqbot-at-everyone\b[^>]*>|<@everyone>")
_PICTURE = re.compile(r"!\[([^\]\n]*)\]\([^)\s]*\)")
_SIZE = re.compile(r"\s*#\d+px")
_ATTRIBUTE = r'\b{}="([^"]*)"'


class _LeftHeading(Heading):
    """A heading that begins where the text does, as QQ shows it."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        self.text.justify = "left"
        yield self.text


class _ChatMarkdown(Markdown):
    elements: ClassVar = {**Markdown.elements, "heading_open": _LeftHeading}


def render(text: str) -> RenderableType:
    """Return markdown as it is shown."""
    return _ChatMarkdown(plain(text), hyperlinks=False, code_theme="ansi_dark")


def plain(text: str) -> str:
    """Return markdown that any renderer understands, and that keeps the line breaks."""
    text = _COMMAND.sub(lambda found: f"`{_shown(found[1])}`", text)
    text = _EVERYONE.sub("@all", text)
    text = _PICTURE.sub(lambda found: f"\\[{_SIZE.sub('', found[1]) or 'picture'}\\]", text)
    lines: list[str] = []
    fenced = False
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif lines and lines[-1].startswith(">") and not line.startswith(">"):
            lines.append("")  # a quote ends with its last line
        lines.append(line if fenced or not line.strip() else f"{line}  ")  # a hard break
    return "\n".join(lines)


def _shown(attributes: str) -> str:
    for name in ("show", "text"):
        found = re.search(_ATTRIBUTE.format(name), attributes)
        if found is not None and found[1]:
            return unquote(found[1]).replace("`", "'")
    return ""
