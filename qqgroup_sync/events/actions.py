"""What an event can ask its client to do; models know this Protocol and no sender."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from qqgroup_sync.dispatch.dialogue import Dialogue
    from qqgroup_sync.events.asking import Asking
    from qqgroup_sync.events.models import Attachment, Interaction, Message, Replyable
    from qqgroup_sync.sending.sent import Sent
    from qqgroup_sync.sending.streaming import Stream
    from qqgroup_sync.state.storage import Storage


class Actions(Protocol):
    """The verbs behind ``message.reply``, ``attachment.save`` and their like."""

    def reply(self, event: Replyable, content: Any, *, quote: bool, timeout: float | None) -> Sent:
        """Answer the event; returns a ``Sent``."""
        ...

    def stream(self, event: Replyable, *, markdown: bool, interval: float | None) -> Stream:
        """Begin an answer that grows while it is written."""
        ...

    def show_typing(self, event: Message, seconds: int) -> bool:
        """Show a user that an answer is being written; return whether he is shown."""
        ...

    def dialogue(self, origin: Asking) -> Dialogue:
        """Return what a handler can do in the middle of a message or after a click."""
        ...

    def session(self, message: Message) -> Storage:
        """Return what is kept for the author of a message in its conversation."""
        ...

    def replies_left(self, event: Replyable) -> int:
        """Return how many replies the event still allows; 0 when none or expired."""
        ...

    def expires_at(self, event: Replyable) -> float | None:
        """Return when the event can be answered no more (Unix seconds); None if it never can."""
        ...

    def acknowledge(self, event: Interaction, code: int) -> None:
        """Tell the platform that a click was received."""
        ...

    def recall(self, event: Message) -> None:
        """Take the message back that the event brought."""
        ...

    def read_attachment(
        self,
        attachment: Attachment,
        *,
        limit: int,
        timeout: float,
        progress: Callable[[int, int | None], None] | None,
    ) -> bytes:
        """Download an attachment into memory."""
        ...

    def save_attachment(
        self,
        attachment: Attachment,
        path: Path,
        *,
        limit: int,
        timeout: float,
        progress: Callable[[int, int | None], None] | None,
    ) -> Path:
        """Download an attachment to a file; ``path`` may be a folder."""
        ...
