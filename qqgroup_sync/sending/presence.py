"""Waits for the gateway before something is sent: the platform drops what comes meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qqgroup_sync.errors import NotConnected, Text

if TYPE_CHECKING:
    from collections.abc import Callable

    from qqgroup_sync.runtime.clock import Clock

PROACTIVE_PATIENCE = 15.0  # seconds a proactive message waits for the gateway
LAST_CALL = 5.0  # a reply waits for the gateway until this many seconds before its window ends


class Presence:
    """Whether the bot is on line, so that what it sends is shown; safe from any thread.

    Args:
        clock: Where time comes from.
        await_gateway: Waits until the gateway is back, at most so many seconds, and tells
            whether it is; None when there is no gateway to wait for.
        language: Language of cause and remedy in errors.
    """

    def __init__(
        self,
        clock: Clock,
        await_gateway: Callable[[float], bool] | None = None,
        *,
        language: str | None = None,
    ) -> None:
        self._clock = clock
        self._await_gateway = await_gateway
        self._language = language

    def wait(self, until: float | None = None) -> bool:
        """Wait until the bot is on line; return whether it was so at once.

        Args:
            until: When to give up, by the monotonic clock; None takes 15 seconds.

        Raises:
            NotConnected: The gateway did not come back in time.
        """
        if self._await_gateway is None or self._await_gateway(0.0):
            return True
        patience = PROACTIVE_PATIENCE if until is None else until - self._clock.monotonic()
        if patience > 0.0 and self._await_gateway(patience):
            return False
        raise NotConnected(
            "the gateway did not come back in time; the message was not sent",
            cause=Text(
                "The platform drops messages that are sent while the bot is away.",
                "机器人离线期间发送的消息会被平台吞掉。",
            ),
            remedy=Text(
                "Look at client.status, then send it again.", "查看 client.status 后再次发送。"
            ),
            language=self._language,
        )
