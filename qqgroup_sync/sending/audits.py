"""What became of messages that the platform holds back for review.

Source: send-message page, 2026-08, and audit event page, 2025-04: such a message is answered with
HTTP 202 and an ``audit_id`` instead of an id, and an event brings the verdict.
"""

from __future__ import annotations

import contextlib
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from qqgroup_sync.errors import StateError, Text

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from qqgroup_sync.events.models import AuditResult
    from qqgroup_sync.runtime.clock import Clock

MOST = 1_000  # verdicts that are kept
LOOK = 0.2  # seconds between two looks of who waits


class Audits:
    """The verdicts of one client; safe from any thread.

    Args:
        clock: Where time comes from.
        stop: Ends every wait.
        heard: Whether verdicts come at all: the client runs, and asks for these events.
        aside: Entered around a wait, so that a handler's worker is free meanwhile.
        language: Language of cause and remedy in errors.
    """

    def __init__(
        self,
        clock: Clock,
        stop: threading.Event,
        *,
        heard: bool,
        aside: Callable[[], AbstractContextManager[object]] = contextlib.nullcontext,
        language: str | None = None,
    ) -> None:
        self._clock = clock
        self._stop = stop
        self._heard = heard
        self._aside = aside
        self._language = language
        self._lock = threading.Lock()
        self._verdicts: OrderedDict[str, AuditResult] = OrderedDict()

    def note(self, verdict: AuditResult) -> None:
        """Keep a verdict; it may come before the answer to the send does."""
        with self._lock:
            self._verdicts[verdict.audit_id] = verdict
            while len(self._verdicts) > MOST:
                self._verdicts.popitem(last=False)

    def of(self, audit_id: str) -> AuditResult | None:
        """Return the verdict; None while there is none."""
        with self._lock:
            return self._verdicts.get(audit_id)

    def wait(self, audit_id: str, timeout: float | None) -> AuditResult | None:
        """Wait for a verdict; None when none came in time, or the client stopped.

        Raises:
            StateError: None can come: the client does not run, or does not ask for such events.
        """
        found = self.of(audit_id)
        if found is not None or timeout == 0:
            return found
        if not self._heard:
            raise StateError(
                "the verdict on the message will not be heard",
                cause=Text(
                    "It comes as an event, to a running client that asks for MESSAGE_AUDIT.",
                    "审核结果以事件形式下发，只有运行中且订阅了 MESSAGE_AUDIT 的 client 才能收到。",
                ),
                remedy=Text(
                    "Start the client with intents=Intents.GROUP_MEMBER | Intents.GROUP_AND_C2C | "
                    "Intents.INTERACTION | Intents.MESSAGE_AUDIT.",
                    "启动 client 时请设置 intents=Intents.GROUP_MEMBER | Intents.GROUP_AND_C2C | "
                    "Intents.INTERACTION | Intents.MESSAGE_AUDIT。",
                ),
                language=self._language,
            )
        ends = None if timeout is None else self._clock.monotonic() + timeout
        with self._aside():
            while (found := self.of(audit_id)) is None:
                left = LOOK if ends is None else min(LOOK, ends - self._clock.monotonic())
                if left <= 0 or self._clock.wait(self._stop, left):
                    return None
        return found
