"""The live feed of the chat page: Server-Sent Events, each of them a list of what happened.

Under load much happens between two looks of a person: what is reported is only noted, and made
into JSON by the thread of the feed, a few times a second and all at once.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from qqgroup_sync.simulator import json_bodies
from qqgroup_sync.simulator.chat_view import notice_of, overview

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from qqgroup_sync.simulator.platform import Platform
    from qqgroup_sync.simulator.simulator import Simulator

HEARTBEAT = 15.0
"""Seconds after which a live feed says something, so that a reader who has gone is noticed."""

_WAITING = 2000  # notices; beyond, the page starts anew
_TICK = 0.2  # seconds; nothing wakes a feed when the simulator stops or a bot comes on line
_PAUSE = 0.05  # seconds between two sends, in which more comes together
_CROWD = 5  # notices; after so many at once the pause is twice as long
_KINDS = frozenset({"message", "stream", "typing", "recall", "click", "ack", "api", "load"})
_HELLO = {"kind": "hello"}


class _Observer:
    """Keeps what the platform reports until its feed takes it, up to a limit."""

    def __init__(self, platform: Platform) -> None:
        self._clock = platform.clock
        self._lock = threading.Lock()
        self._waiting: deque[tuple[str, Any]] = deque()
        self._arrived = threading.Event()
        self._overrun = False

    def __call__(self, kind: str, record: Any) -> None:
        if kind not in _KINDS:
            return
        with self._lock:
            self._overrun = self._overrun or len(self._waiting) >= _WAITING
            if not self._overrun:
                self._waiting.append((kind, record))
        self._arrived.set()

    def wait(self) -> bool:
        """Wait a moment for something; return whether there is anything."""
        return self._arrived.wait(_TICK)

    def take(self) -> list[dict[str, Any]]:
        """Return all there is: of a message that changed several times, its last state."""
        self._arrived.clear()
        with self._lock:
            waiting, self._waiting = self._waiting, deque()
            overrun, self._overrun = self._overrun, False
        if overrun:
            return [_HELLO]  # the page asks for the state again
        last = {id(record): number for number, (_, record) in enumerate(waiting)}
        now = self._clock.now()
        found: list[dict[str, Any]] = []
        for number, (kind, record) in enumerate(waiting):
            if kind == "stream" and last[id(record)] != number:
                continue
            if (notice := notice_of(kind, record, now)) is not None:
                found.append(notice)
        return found


def feed(
    simulator: Simulator, more: Callable[[], dict[str, dict[str, Any]]] = dict
) -> Iterator[str]:
    """Yield Server-Sent Events until the reader goes or the simulator stops.

    Args:
        simulator: Whose platform is told of.
        more: Returns what else the page follows, by kind; each is told when it has changed.
    """
    platform, observer = simulator.platform, _Observer(simulator.platform)
    shown: dict[str, dict[str, Any]] = {}  # each connection is told everything once
    unsubscribe = platform.subscribe(observer)
    try:
        # On "hello" the page asks for the state; what happens since waits here.
        yield f"retry: 1000\n\n{_event([_HELLO])}"
        spoke_at = looked_at = time.monotonic()
        while not simulator.stopping.is_set():
            observer.wait()
            found: list[dict[str, Any]] = []
            if (moment := time.monotonic()) - looked_at >= _TICK:
                looked_at = moment
                with platform.changing():
                    platform.streams.sweep()
                for kind, state in {"overview": overview(platform), **more()}.items():
                    if shown.get(kind) != state:
                        shown[kind] = state
                        found.append({"kind": kind, **state})
            found += observer.take()
            if found or moment - spoke_at >= HEARTBEAT:
                yield _event(found) if found else ": still here\n\n"
                spoke_at = moment
                simulator.stopping.wait(_PAUSE if len(found) < _CROWD else 2 * _PAUSE)
    finally:
        unsubscribe()


def _event(found: list[dict[str, Any]]) -> str:
    return f"data: {json_bodies.write(found).decode()}\n\n"
