"""What goes wrong before a test can begin, or after it."""

from __future__ import annotations


class BotError(RuntimeError):
    """The bot under test cannot be found, started or stopped; says why and what to do."""
