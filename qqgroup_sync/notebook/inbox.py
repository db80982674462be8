"""The messages that came in lately, as a table."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, overload

from qqgroup_sync import rich
from qqgroup_sync.masking import mask

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qqgroup_sync.events.models import Message

KEPT = 200  # messages
_HEAD = ("time", "where", "who", "message")
_WIDTH = 60  # characters of a message in a terminal


class Inbox:
    """Recent messages, the newest last; safe from any thread.

    ``inbox[-1]`` is the newest message, ``inbox[-5:]`` a list of five; ``for message in inbox``
    goes over what is there at that moment.

    Args:
        size: How many are kept.
    """

    def __init__(self, size: int = KEPT) -> None:
        self._lock = threading.Lock()
        self._messages: deque[Message] = deque(maxlen=size)

    def take(self, message: Message) -> None:
        """Keep a message."""
        with self._lock:
            self._messages.append(message)

    def clear(self) -> None:
        """Forget all messages."""
        with self._lock:
            self._messages.clear()

    def __len__(self) -> int:
        return len(self._messages)

    @overload
    def __getitem__(self, index: int) -> Message: ...
    @overload
    def __getitem__(self, index: slice) -> list[Message]: ...
    def __getitem__(self, index: int | slice) -> Message | list[Message]:
        return self._all()[index]

    def __iter__(self) -> Iterator[Message]:
        return iter(self._all())

    def __repr__(self) -> str:
        messages = self._all()
        if not messages:
            return "(no messages yet)"
        rows = [_HEAD, *(_row(message) for message in messages)]
        when, where, who = (max(len(row[column]) for row in rows) for column in range(3))
        return "\n".join(
            f"{row[0]:{when}}  {row[1]:{where}}  {row[2]:{who}}  {row[3]}".rstrip() for row in rows
        )

    def _repr_html_(self) -> str:
        messages = self._all()
        if not messages:
            return "<i>no messages yet</i>"
        shown = ((*_row(message)[:3], _said(message)) for message in messages)
        return rich.table(_HEAD, shown)

    def _all(self) -> list[Message]:
        with self._lock:
            return list(self._messages)


def _row(message: Message) -> tuple[str, str, str, str]:
    said = " ".join(mask(_said(message)).split())
    return (
        rich.moment(message.timestamp or message.received_at),
        "private" if message.is_direct else f"group {message.group_openid[:8]}",
        message.author.username or message.author.openid[:12],
        said if len(said) <= _WIDTH else said[:_WIDTH] + "…",
    )


def _said(message: Message) -> str:
    """Return the text as people see it, and what was attached."""
    attached = "".join(f" [{one.kind}]" for one in message.attachments)
    return (message.readable + attached).strip()
