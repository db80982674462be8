"""The open loop: messages leave at their planned times, whether or not answers came."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from qqgroup_sync.simulator.load.referee import percentile

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from qqgroup_sync.simulator.load.plan import Plan, Planned, Scene
    from qqgroup_sync.simulator.load.referee import Referee
    from qqgroup_sync.simulator.platform import Platform

logger = logging.getLogger(__name__)


class Traffic:
    """Says all messages of a plan in a thread of its own.

    Args:
        platform: Where they are said; its clock counts.
        plan: How heavy the traffic is.
        messages: What is said.
        expected: How many answers each text gets in each scene.
        referee: Told of every message.
    """

    def __init__(
        self,
        platform: Platform,
        plan: Plan,
        messages: Iterable[Planned],
        expected: Mapping[Scene, Mapping[str, int]],
        referee: Referee,
    ) -> None:
        self._platform = platform
        self._plan = plan
        self._messages = messages
        self._expected = expected
        self._referee = referee
        self._late: list[float] = []
        self._stopping = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._live, name="simulator-load", daemon=True)
        self.began = 0.0
        self.last_planned = 0.0
        self.said = 0
        self._last_said = 0.0

    def start(self) -> None:
        """Say the first message now."""
        self.began = self.last_planned = self._platform.clock.now()
        self._thread.start()

    def wait(self, seconds: float) -> bool:
        """Wait for so many real seconds; return whether all was said before."""
        return self._ended.wait(seconds)

    def stop(self, timeout: float = 5.0) -> None:
        """Say nothing more. Idempotent."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(timeout)

    @property
    def lateness(self) -> tuple[float, float]:
        """Seconds that messages left after their planned times: the 99th percentile, the most."""
        ordered = sorted(self._late)
        return (percentile(ordered, 0.99), ordered[-1]) if ordered else (0.0, 0.0)

    @property
    def rate(self) -> float:
        """Messages a second that were said indeed."""
        lasted = self._last_said - self.began + 1 / self._plan.rate
        return self.said / lasted if self.said else 0.0

    def _live(self) -> None:
        try:
            for message in self._messages:
                planned = self.began + message.at
                ahead = planned - self._platform.clock.now()
                if self._stopping.wait(ahead) if ahead > 0 else self._stopping.is_set():
                    break
                self._say(message, planned)
        except Exception:  # told by the missing messages, and in the log
            logger.exception("simulator: the load ended early")
        finally:
            self._ended.set()

    def _say(self, message: Planned, planned: float) -> None:
        if message.scene == "group":
            said = self._platform.group(message.group).member(message.person).say(message.words)
        else:
            said = self._platform.user(message.person).say(message.words)
        self._referee.sent(
            said.id,
            number=message.number,
            person=(message.group, message.person),
            planned=planned,
            expected=self._expected[message.scene].get(message.text, 1),
            counted=message.at >= self._plan.warm_up,
        )
        self._late.append(said.timestamp - planned)
        self.last_planned, self._last_said = planned, said.timestamp
        self.said += 1
