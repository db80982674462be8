"""What the platform's clock shows, learned from the ``Date`` of its answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from qqgroup_sync.runtime.clock import Clock

KNOWN_FOR = 60.0  # seconds until an answer's Date is looked at again


class PlatformClock:
    """The platform's clock, for one client; safe from any thread.

    Args:
        clock: This machine's.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lead: float | None = None  # the platform's time minus our monotonic clock
        self._known_until = float("-inf")

    def note(self, headers: Mapping[str, str]) -> None:
        """Learn from the headers of an answer, once a minute."""
        now = self._clock.monotonic()
        if now < self._known_until:
            return
        self._known_until = now + KNOWN_FOR
        from datetime import timezone  # noqa: PLC0415 - once a minute
        from email.utils import parsedate_to_datetime  # noqa: PLC0415 - once a minute

        try:
            date = parsedate_to_datetime(headers["Date"])
            theirs = (date if date.tzinfo else date.replace(tzinfo=timezone.utc)).timestamp()
        except (KeyError, TypeError, ValueError, OverflowError):
            return
        skew = theirs + 0.5 - self._clock.time()  # the header has whole seconds
        skew = skew if abs(skew) > 1.5 else 0.0
        self._lead = self._clock.time() + skew - self._clock.monotonic()

    def time(self) -> float | None:
        """Return the platform's Unix time; None while no answer has told it.

        It goes on by the monotonic clock, whatever somebody sets the machine's clock to.
        """
        return None if self._lead is None else self._clock.monotonic() + self._lead
