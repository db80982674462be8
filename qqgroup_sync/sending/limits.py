"""Keeps calls below the rates that the platform allows: what comes too fast waits for its turn.

A turn is a moment that a call reserves for itself, so turns come in the order of asking, and
nobody holds anything while he waits. All clients of one bot in this process share the turns.
"""

from __future__ import annotations

import contextlib
import logging
import re
import threading
from typing import TYPE_CHECKING

from qqgroup_sync.errors import RateLimited, StateError, Text
from qqgroup_sync.rates import OTHERS, Rate
from qqgroup_sync.runtime.shared import Shared
from qqgroup_sync.sending.windows import Window, free_in_all

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from qqgroup_sync.rates import Rates
    from qqgroup_sync.runtime.clock import Clock

logger = logging.getLogger(__name__)

PATIENCE = 75.0  # seconds that a call waits at most: a minute's quota, and a little
ASIDE = 0.05  # seconds from which on a waiting handler gives its worker back
TOLD_FROM = 3.0  # seconds from which on a wait is told in the log
TOLD_AGAIN = 60.0
TICK = 0.001  # seconds that are not waited for
MOST_TARGETS = 4096  # groups and users whose quotas are kept, before old ones are looked for
LONGEST_HOLD = 60.0

_TAILS = {
    ("POST", "messages"): "messages",
    ("POST", "stream_messages"): "streams",
    ("POST", "files"): "uploads",
    ("POST", "upload_prepare"): "prepares",
    ("POST", "upload_part_finish"): "parts",
}
_BEGINNINGS = (
    ("PUT", re.compile(r"/interactions/"), "clicks"),
    ("DELETE", re.compile(r"/v2/(groups|users)/[^/]+/messages/"), "recalls"),
)
_STRATEGY = r"/v2/groups/join_approval_strategy"
# The pages of the endpoints, 2026-08; QPM where they say QPM. The longest path stands first.
_OTHERS = tuple(
    (method, re.compile(f"{path}$"), Rate(most, seconds))
    for method, path, most, seconds in (
        ("GET", r"/users/@me", 50, 1.0),
        ("POST", r"/v2/generate_url_link", 50, 1.0),
        ("GET", _STRATEGY, 60, 60.0),
        ("POST", _STRATEGY, 60, 60.0),
        ("PATCH", rf"{_STRATEGY}/[^/]+", 60, 60.0),
        ("DELETE", rf"{_STRATEGY}/[^/]+", 60, 60.0),
        ("POST", rf"{_STRATEGY}/[^/]+/execute", 60, 60.0),
        ("POST", rf"{_STRATEGY}/[^/]+/whitelist_users", 60, 60.0),
        ("GET", r"/v2/groups/[^/]+/info", 30, 60.0),
        ("GET", r"/v2/groups/[^/]+/bot_state", 30, 60.0),
        ("GET", r"/v2/groups/[^/]+/members", 60, 60.0),
        ("GET", r"/v2/groups/[^/]+/members/[^/]+", 30, 60.0),
        ("POST", r"/v2/groups/[^/]+/batch_remove_members", 30, 60.0),
        ("GET", r"/v2/groups/[^/]+/member_blacklist", 30, 60.0),
        ("POST", r"/v2/groups/[^/]+/member_blacklist", 60, 60.0),
        ("GET", r"/v2/groups/[^/]+/join_request_list", 30, 60.0),
        ("POST", r"/v2/groups/[^/]+/approval_join_request/[^/]+", 60, 60.0),
        ("GET", r"/v2/groups/[^/]+/restrict_chat_setting", 30, 60.0),
        ("POST", r"/v2/groups/[^/]+/restrict_chat_setting", 60, 60.0),
        ("GET", r"/v2/menu", 30, 60.0),
        ("PUT", r"/v2/menu", 5, 60.0),
        ("GET", r"/v2/panels", 30, 60.0),
        ("POST", r"/v2/panels", 10, 60.0),
        ("GET", r"/v2/panels/[^/]+", 30, 60.0),
        ("PUT", r"/v2/panels/[^/]+", 10, 60.0),
        ("DELETE", r"/v2/panels/[^/]+", 10, 60.0),
        ("PUT", r"/v2/panels/[^/]+/target", 60, 60.0),
    )
)


class _Cell:
    """What the clients of one bot and host in this process share."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.windows: dict[tuple[str, Rate], Window] = {}
        self.targets: dict[str, tuple[Window, ...]] = {}
        self.told_at: dict[str, float] = {}


_cells = Shared(_Cell)


class Limits:
    """The rates of one client; safe from any thread. Implements ``api.http.Pacer``.

    Args:
        rates: By name; see ``rates.USUAL``.
        clock: Where time comes from.
        key: ``(appid, host)``; clients with the same key share their turns.
        stop: Ends every wait.
        aside: Entered around a wait, so that a handler's worker is free meanwhile.
        language: Language of cause and remedy in errors.

    Attributes:
        waiting: Calls that wait now.
    """

    def __init__(
        self,
        rates: Rates,
        clock: Clock,
        *,
        key: tuple[str, str],
        stop: threading.Event,
        aside: Callable[[], AbstractContextManager[object]] = contextlib.nullcontext,
        language: str | None = None,
    ) -> None:
        self._rates = rates
        self._clock = clock
        self._stop = stop
        self._aside = aside
        self._language = language
        self.waiting = 0
        self._cell = _cells.of(key)
        self._routes: dict[tuple[str, str], tuple[Window, ...]] = {
            tail: self._windows(name) for tail, name in _TAILS.items()
        }
        self._together = {name: self._windows(f"{name}s") for name in ("group", "user")}

    def admit(
        self, method: str, path: str, *, unasked: bool = False, patience: float | None = None
    ) -> None:
        """Wait until a call may be made, and count it.

        Args:
            method: HTTP method.
            path: Path below the host.
            unasked: Whether it sends a proactive message.
            patience: Seconds to wait at most; None takes a minute and a quarter.

        Raises:
            RateLimited: It would have to wait for longer.
            StateError: The client stopped meanwhile.
        """
        windows = self._of(method, path, unasked=unasked)
        if not windows:
            return
        now = self._clock.monotonic()
        ends = now + (PATIENCE if patience is None else min(PATIENCE, max(0.0, patience)))
        turn = self._reserve(windows, now, ends, method, path)
        if turn > now:
            self._wait(windows, turn, ends, method, path)

    def _reserve(
        self, windows: tuple[Window, ...], now: float, ends: float, method: str, path: str
    ) -> float:
        """Take the next turn that fits; refuse when it would come too late."""
        with self._cell.lock:
            turn = free_in_all(windows, now)
            if turn <= ends:
                for window in windows:
                    window.take(turn, now)
                return turn
            slowest = max(windows, key=lambda window: window.free_at(now))
        raise self._too_fast(method, path, slowest, turn - now)

    def hold(self, method: str, path: str, seconds: float, *, unasked: bool, all_: bool) -> None:
        """Note that the platform refused a call for its rate, and asked for a pause.

        Args:
            method: HTTP method.
            path: Path below the host.
            seconds: Of the pause.
            unasked: Whether it was a proactive message.
            all_: Whether everything of its kind has to pause, or only proactive messages.
        """
        windows = self._of(method, path, unasked=False) if all_ else ()
        if unasked:
            windows += self._quotas(path)
        until = self._clock.monotonic() + min(seconds, LONGEST_HOLD)
        with self._cell.lock:
            for window in windows:
                window.held_until = max(window.held_until, until)

    # ------------------------------------------------------------------ which rates

    def _of(self, method: str, path: str, *, unasked: bool) -> tuple[Window, ...]:
        """Return the windows that a call has to fit into."""
        found = self._routes.get((method, path.rsplit("/", 1)[-1]))
        if found is None:
            found = self._rarer(method, path.partition("?")[0])
        return found + self._quotas(path) if unasked else found

    def _rarer(self, method: str, path: str) -> tuple[Window, ...]:
        for one, pattern, name in _BEGINNINGS:
            if method == one and pattern.match(path):
                return self._windows(name)
        if OTHERS in self._rates:
            for one, pattern, rate in _OTHERS:
                if method == one and pattern.match(path):
                    return (self._window(f"{method} {pattern.pattern[:-1]}", rate),)
        return ()

    def _quotas(self, path: str) -> tuple[Window, ...]:
        """Return what limits proactive messages: of the bot, and to this group or user."""
        target = path.rsplit("/", 1)[0]
        name = "group" if target.startswith("/v2/groups/") else "user"
        together = self._together[name]
        with self._cell.lock:
            own = self._cell.targets.get(target)
            if own is None:
                self._make_room()
                own = tuple(Window(name, rate) for rate in self._rates.get(name, ()))
                self._cell.targets[target] = own
        return together + own

    def _make_room(self) -> None:
        """Forget the targets that nothing was sent to for long; under the lock."""
        targets = self._cell.targets
        if len(targets) >= MOST_TARGETS and len(targets) % 256 == 0:
            now = self._clock.monotonic()
            for target, windows in list(targets.items()):
                if all(window.is_idle(now) for window in windows):
                    del targets[target]

    def _windows(self, name: str) -> tuple[Window, ...]:
        return tuple(self._window(name, rate) for rate in self._rates.get(name, ()))

    def _window(self, name: str, rate: Rate) -> Window:
        with self._cell.lock:
            window = self._cell.windows.get((name, rate))
            if window is None:
                window = self._cell.windows[name, rate] = Window(name, rate)
            return window

    # ------------------------------------------------------------------ waiting

    def _wait(
        self, windows: tuple[Window, ...], turn: float, ends: float, method: str, path: str
    ) -> None:
        """Wait for a turn, and for another one when it is put off."""
        seconds = turn - self._clock.monotonic()
        if seconds >= TOLD_FROM:
            self._tell(windows, seconds)
        with self._cell.lock:
            self.waiting += 1
        try:
            with self._aside() if seconds >= ASIDE else contextlib.nullcontext():
                while not self._comes(windows, turn):
                    turn = self._reserve(windows, self._clock.monotonic(), ends, method, path)
        finally:
            with self._cell.lock:
                self.waiting -= 1

    def _comes(self, windows: tuple[Window, ...], turn: float) -> bool:
        """Wait for a turn; return whether it may be used, or else give it back."""
        stopped = False
        while not stopped and (left := turn - self._clock.monotonic()) > TICK:
            stopped = self._clock.wait(self._stop, left)
        with self._cell.lock:
            # What the platform refused meanwhile may put it off.
            usable = not stopped and all(window.held_until <= turn for window in windows)
            if not usable:
                for window in windows:
                    window.give_back(turn)
        if stopped:
            raise StateError(
                "the client was stopped: nothing is sent any more", language=self._language
            )
        return usable

    def _tell(self, windows: tuple[Window, ...], seconds: float) -> None:
        now = self._clock.monotonic()
        with self._cell.lock:
            window = max(windows, key=lambda window: window.free_at(now))
            told = now - self._cell.told_at.get(window.name, float("-inf")) < TOLD_AGAIN
            if not told:
                self._cell.told_at[window.name] = now
        if not told:
            logger.warning(
                "a call waits %.0f s for its turn: the platform takes %s (%s); nothing is lost",
                seconds, window.rate, window.name,
            )  # fmt: skip

    def _too_fast(self, method: str, path: str, window: Window, seconds: float) -> RateLimited:
        return RateLimited(
            f"{method} {path.partition('?')[0]}: not sent, its turn would only come in"
            f" {seconds:.0f} s ({window.name}: {window.rate})",
            method=method,
            path=path.partition("?")[0],
            retry_after=seconds,
            cause=Text(
                "The platform takes only so many calls, and more are made.",
                "平台限制了调用频率，而调用超出了限制。",
            ),
            remedy=Text(
                "Send less, or later. A certified bot may write send_limits='certified'; "
                "send_limits=None lets the platform refuse by itself.",
                "请减少或推迟发送。已认证的机器人可设置 send_limits='certified'；"
                "send_limits=None 则由平台自行拒绝。",
            ),
            language=self._language,
        )
