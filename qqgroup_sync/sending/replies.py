"""How often and how long a message can be answered, and the number each answer carries.

Source: message overview and send-message pages, 2026-08: 5 replies within 5 minutes in groups,
4 within 60 minutes in private chats; the pair (msg_id, msg_seq) must be unique.
"""

from __future__ import annotations

from typing import NamedTuple


class Allowance(NamedTuple):
    """How an event may be answered."""

    replies: int
    window: float  # seconds


GROUP = Allowance(5, 300.0)
C2C = Allowance(4, 3600.0)


class ReplyBudget:
    """The replies that one event still allows. Not thread-safe: its Sender holds a lock.

    The k-th reply to a message carries ``msg_seq`` k. A handler that runs again after a crash
    therefore draws the same numbers, and the platform drops what had arrived before.

    Args:
        allowance: Count and window of the scene.
        expires_at: Unix seconds of this machine's clock.
    """

    __slots__ = ("allowance", "drawn", "expires_at", "used")

    def __init__(self, allowance: Allowance, expires_at: float) -> None:
        self.allowance = allowance
        self.expires_at = expires_at
        self.drawn = 0  # the last msg_seq
        self.used = 0

    def left(self, now: float) -> int:
        """Return how many replies are left at ``now``."""
        return 0 if now >= self.expires_at else max(0, self.allowance.replies - self.used)

    def take(self) -> int:
        """Use one reply up and return its ``msg_seq``."""
        self.used += 1
        self.drawn += 1
        return self.drawn

    def give_back(self) -> None:
        """Note that the platform refused a reply: it costs no place, but its number is gone."""
        self.used -= 1


def expiry(allowance: Allowance, *, timestamp: float | None, skew: float, arrived: float) -> float:
    """Return when the window of an event ends, in this machine's time.

    It counts from the platform's timestamp, and never ends later than counted from the arrival.

    Args:
        allowance: Count and window of the scene.
        timestamp: When the platform says it happened; None when it did not say.
        skew: The platform's clock minus this machine's, in seconds.
        arrived: When the event arrived here.
    """
    began = arrived if timestamp is None else min(timestamp - skew, arrived)
    return began + allowance.window
