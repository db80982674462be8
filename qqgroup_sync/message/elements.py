"""What a chain is made of: small values that know how they read, not how they are sent."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Element:
    """Base of everything that a chain can hold."""


@dataclass(frozen=True, slots=True)
class Text(Element):
    """Plain text; shown exactly as it is."""

    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Markdown(Element):
    """Native markdown, open to every bot since 2026-04-23.

    Source: markdown page, 2026-08. Pictures need a public URL and a size hint:
    ``![alt #208px #320px](https://...)``.
    """

    content: str

    def __str__(self) -> str:
        return self.content


@dataclass(frozen=True, slots=True)
class At(Element):
    """Mention a member of the group; has no effect in private chats.

    The platform shows mentions only in markdown messages (field reports, 2026), so a chain with
    one is sent as markdown.
    """

    openid: str
    name: str = ""

    def __str__(self) -> str:
        return f"@{self.name or self.openid}"


@dataclass(frozen=True, slots=True)
class Quote(Element):
    """Quote a message by its ``REFIDX_...``; ordinary message ids do not resolve."""

    ref_idx: str

    def __str__(self) -> str:
        return "[quote]"
