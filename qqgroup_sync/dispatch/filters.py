"""Which texts a handler is for: ``keywords=``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from qqgroup_sync.errors import ConfigError, Text

if TYPE_CHECKING:
    from collections.abc import Callable

    from qqgroup_sync.events.models import Message


class Equal:
    """A keyword that must be the whole text."""

    __slots__ = ("content",)

    def __init__(self, content: str) -> None:
        self.content = content

    def __repr__(self) -> str:
        return f"Equal({self.content!r})"


def text_filter(keywords: Any) -> Callable[[Message], bool]:
    """Return the test for ``keywords``.

    Args:
        keywords: A str (contained in the text), :class:`Equal` (the whole text), a compiled
            pattern (found in the text), or a list or tuple of these (any of them).

    Raises:
        ConfigError: It is something else.
    """
    if isinstance(keywords, str) and keywords:
        return lambda message: keywords in message.text
    if isinstance(keywords, Equal):
        content = keywords.content
        return lambda message: message.text == content
    if isinstance(keywords, re.Pattern) and isinstance(keywords.pattern, str):
        search = keywords.search
        return lambda message: search(message.text) is not None
    if isinstance(keywords, list | tuple) and keywords:
        tests = [text_filter(keyword) for keyword in keywords]
        return lambda message: any(test(message) for test in tests)
    raise ConfigError(
        f"keywords={keywords!r} is no filter",
        remedy=Text(
            "Pass a non-empty str, Equal('...'), re.compile('...'), or a list of these.",
            "请传入非空 str、Equal('...')、re.compile('...')，或它们的列表。",
        ),
    )
