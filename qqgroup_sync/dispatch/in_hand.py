"""What is in hand: an event is handled when nobody has anything left to do with it.

An answer in the middle of a dialogue is in hand for as long as the handler that asked. If the
process dies meanwhile, that handler runs again, and it has to get the answers again, too.
"""

from __future__ import annotations

import secrets
import threading
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self

_here = threading.local()  # what the job of this thread has in hand
_lock = threading.Lock()  # over who holds what; never held during anything else


def here() -> InHand | None:
    """Return the event that this thread handles."""
    return getattr(_here, "event", None)


def token() -> str:
    """Return a new token, the same one when the event in hand is handled again.

    So buttons that were sent before the process died still answer the question that the next one
    asks in their place. As with ``msg_seq``, it is the number of the question that decides.
    """
    event = here()
    if event is None or event.key is None:
        return secrets.token_hex(8)
    event.drawn += 1
    return blake2b(f"{event.key}\n{event.drawn}".encode(), digest_size=8).hexdigest()


class InHand:
    """An event, inside the block that handles it; the block may take others in hand with it.

    Args:
        done: Called once, when the block and those of all who took the event have ended.
        key: Stands for the event in every process; None when it has no id.

    Attributes:
        drawn: How many tokens were drawn for it.
    """

    __slots__ = ("_before", "_done", "_ended", "_holders", "_taken", "drawn", "key")

    def __init__(self, done: Callable[[], object], key: int | None = None) -> None:
        self.key = key
        self.drawn = 0
        self._done = done
        self._holders = 1
        self._taken: list[InHand] = []
        self._ended = False
        self._before: InHand | None = None

    def __enter__(self) -> Self:
        self._before, _here.event = here(), self
        return self

    def __exit__(self, *_: object) -> None:
        _here.event = self._before
        with _lock:
            self._ended = True
            taken, self._taken = self._taken, []
        for one in (self, *taken):
            one.let_go()

    def take(self, other: InHand) -> None:
        """Hold another event until this one's block has ended; nothing if it has."""
        with _lock:
            if not self._ended and other is not self:
                other._holders += 1
                self._taken.append(other)

    def let_go(self) -> None:
        """Note that one of those who hold it has ended."""
        with _lock:
            self._holders -= 1
            last = self._holders == 0
        if last:
            self._done()
