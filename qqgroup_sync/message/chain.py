"""Chain: what a bot says, written from left to right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qqgroup_sync.errors import ConfigError
from qqgroup_sync.errors import Text as Sentence
from qqgroup_sync.message.elements import At, Element, Markdown, Quote, Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qqgroup_sync.events.models import Message


class Chain:
    """A message under construction; every method returns the chain.

    Args:
        message: The message that will be answered; ``at()`` without a user mentions its author.

    Example:
        ``Chain().text("hello ").at(openid).text("!")``
    """

    __slots__ = ("_elements", "_message")

    def __init__(self, message: Message | None = None) -> None:
        self._message = message
        self._elements: list[Element] = []

    def text(self, text: object) -> Chain:
        """Append text; anything else than a str is turned into one."""
        return self.append(Text(str(text)))

    def markdown(self, content: str) -> Chain:
        """Append native markdown."""
        return self.append(Markdown(content))

    def at(self, user: Any = None, *, enter: bool = False) -> Chain:
        """Mention a member of the group.

        Args:
            user: ``member_openid``, or anything with ``openid`` (a message's author); by
                default the author of the message that this chain answers.
            enter: Start a new line after the mention.
        """
        target = user if user is not None else getattr(self._message, "author", None)
        openid = target if isinstance(target, str) else getattr(target, "openid", "")
        if not openid:
            raise ConfigError(
                "at() knows nobody to mention",
                remedy=Sentence(
                    "Pass a member_openid, or begin with Chain(message).",
                    "请传入 member_openid，或用 Chain(message) 开头。",
                ),
            )
        self.append(At(openid, getattr(target, "username", "") or ""))
        return self.text("\n") if enter else self

    def quote(self, message: Any = None) -> Chain:
        """Quote a message.

        Args:
            message: A message or ``Sent`` with a ``ref_idx``, or a ``REFIDX_...`` itself; by
                default the message that this chain answers. Nothing is quoted when it has none.
        """
        target = message if message is not None else self._message
        ref_idx = target if isinstance(target, str) else getattr(target, "ref_idx", "")
        if ref_idx:
            self.append(Quote(ref_idx))
        return self

    def append(self, element: Any) -> Chain:
        """Append an element; also what :func:`chain_of` takes."""
        if not isinstance(element, Element):
            return self.extend(element)
        self._elements.append(element)
        return self

    def extend(self, content: Any) -> Chain:
        """Append what :func:`chain_of` takes."""
        self._elements.extend(chain_of(content).elements)
        return self

    @property
    def elements(self) -> tuple[Element, ...]:
        """The elements in order."""
        return tuple(self._elements)

    def __iter__(self) -> Iterator[Element]:
        return iter(self._elements)

    def __len__(self) -> int:
        return len(self._elements)

    def __add__(self, other: Any) -> Chain:
        total = Chain(self._message)
        total._elements = [*self._elements, *chain_of(other)]
        return total

    def __radd__(self, other: Any) -> Chain:
        total = Chain(self._message)
        total._elements = [*chain_of(other), *self._elements]
        return total

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Chain) and self._elements == other._elements

    __hash__ = None  # type: ignore[assignment]  # a chain can change

    def __str__(self) -> str:
        return "".join(str(element) for element in self._elements)

    def __repr__(self) -> str:
        return f"Chain({', '.join(repr(element) for element in self._elements)})"


def chain_of(content: Any) -> Chain:
    """Return a chain of what a handler may return or ``reply`` may be given.

    Args:
        content: A str, an element, a chain, or a list or tuple of these.

    Raises:
        ConfigError: It is something else.
    """
    if isinstance(content, Chain):
        return content
    chain = Chain()
    if isinstance(content, str):
        return chain.text(content)
    if isinstance(content, Element):
        return chain.append(content)
    if isinstance(content, list | tuple):
        for part in content:
            chain.extend(part)
        return chain
    raise ConfigError(
        f"{type(content).__name__} cannot be sent",
        remedy=Sentence(
            "Send or return a str, a Chain, an element, a list of these, or None for no answer.",
            "请发送或返回 str、Chain、消息元素、它们的列表；不回复则返回 None。",
        ),
    )
