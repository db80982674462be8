"""The access token: fetched once for all who wait, refreshed ahead of its end.

Source: access-token page, 2026-08. The same token is handed out until its last 60 seconds, in
which a new one is given while the old one still works.
"""

from __future__ import annotations

import json
import logging
import threading
from typing import TYPE_CHECKING

from qqgroup_sync.api.failures import api_error
from qqgroup_sync.api.transport import json_body
from qqgroup_sync.errors import ApiError, BadResponse, QQGroupError, StateError, TransportError
from qqgroup_sync.masking import Secret, SecretBytes, know
from qqgroup_sync.runtime.shared import Shared
from qqgroup_sync.runtime.vigil import Vigil, Waking

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qqgroup_sync.api.transport import Transport
    from qqgroup_sync.runtime.clock import Clock

logger = logging.getLogger(__name__)

AHEAD = 300.0  # refreshed when less than this is left, or a third of its life
ALREADY_NEW = 60.0  # the platform hands out another token only in the last minute of one
TIMEOUT = 20.0
LOOK = 30.0  # seconds between two looks whether time has jumped
RETRY = 15.0  # between tries of the background refresh
SLICE = 0.2  # seconds between two looks whether the client stopped, while another thread fetches
UNSAID_LIFE = 60.0  # of a token that came without a life
LONGEST_LIFE = 1e6


class _Cell:
    """What the clients of one bot in this process share: the token and who is fetching it."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.value = ""
        self.fetched_at = 0.0
        self.expires_at = 0.0
        self.good_until = 0.0
        self.fetching = False
        self.failure: QQGroupError | None = None


_cells = Shared(_Cell)


class AccessToken:
    """The token of one bot; safe from any thread.

    Args:
        appid: The bot's AppID.
        client_secret: The bot's AppSecret.
        urls: Token endpoints, the first one preferred.
        transport: Carries the request.
        clock: Where time comes from.
        stop: Ends every wait for another thread that fetches.
        language: Language of cause and remedy in errors.
    """

    def __init__(
        self,
        appid: str,
        client_secret: str,
        *,
        urls: Sequence[str],
        transport: Transport,
        clock: Clock,
        stop: threading.Event | None = None,
        language: str | None = None,
    ) -> None:
        self._body = SecretBytes(json_body({"appId": appid, "clientSecret": client_secret}))
        know(client_secret, lasting=True)
        self._urls = tuple(urls)
        self._transport = transport
        self._clock = clock
        self._stop = stop or threading.Event()
        self._language = language
        self._cell = _cells.of((appid, client_secret, *self._urls))

    def header(self) -> str:
        """Return ``QQBot <token>``, fetching a token first when there is none that lasts.

        Blocks while a token is fetched; one thread fetches, the others wait for it.

        Raises:
            AuthError: AppID or secret is wrong, or the bot is banned.
            TransportError: No token endpoint answered.
            StateError: The client stopped while another thread fetched.
        """
        cell = self._cell
        # Read once, in this order: the end of a new token must not be taken for that of the old.
        good_until, value = cell.good_until, cell.value
        if value and self._clock.monotonic() < good_until:
            return value
        return self._fetch_once()

    def refuse(self, header: str) -> None:
        """Drop the token if it is still the one that the platform refused."""
        with self._cell.changed:
            if self._cell.value == header:
                self._cell.value, self._cell.good_until = "", 0.0

    @property
    def age(self) -> float | None:
        """Seconds since the token was fetched; None without one."""
        cell = self._cell
        return self._clock.monotonic() - cell.fetched_at if cell.value else None

    @property
    def fetching(self) -> bool:
        """Whether a thread of any client is fetching it."""
        return self._cell.fetching

    def due_in(self) -> float:
        """Return the seconds until the token should be refreshed; 0 when it is due."""
        cell = self._cell
        life = cell.expires_at - cell.fetched_at
        return max(0.0, cell.expires_at - min(AHEAD, life / 3) - self._clock.monotonic())

    def keep_fresh(self, stop: threading.Event) -> None:
        """Refresh the token ahead of its end until ``stop``; the body of a thread.

        Before the platform's last minute asking again returns the same token, so the wait after
        such an answer goes on into that minute.
        """
        troubled = False
        vigil = Vigil(self._clock, slice_=LOOK)
        while vigil.wait(stop, max(1.0, self.due_in())) is not Waking.SET:
            if self.due_in():
                continue  # whoever needed one first has fetched it meanwhile; or time jumped
            before = self._cell.value
            if not before or self._cell.fetching:
                continue  # nobody has asked for a token yet, or somebody is fetching it
            try:
                self._fetch_once(ahead=True)
            except QQGroupError as error:
                if not troubled:  # an outage of hours is told once
                    logger.warning("the access token could not be refreshed: %s", error.summary)
                troubled = True
                self._clock.wait(stop, RETRY)
                continue
            troubled = False
            if self._cell.value == before:
                left = self._cell.expires_at - self._clock.monotonic()
                self._clock.wait(stop, max(1.0, left - ALREADY_NEW * 0.9))

    # ------------------------------------------------------------------ single flight

    def _fetch_once(self, *, ahead: bool = False) -> str:
        cell = self._cell
        with cell.changed:
            if cell.fetching:
                self._await_other()
                if cell.failure is not None:
                    raise cell.failure
                if cell.value:
                    return cell.value
            if cell.value and not ahead and self._clock.monotonic() < cell.good_until:
                return cell.value  # another thread fetched it since header() looked
            cell.fetching, cell.failure = True, None
        try:
            value, life = self._fetch()
        except QQGroupError as error:
            self._finish(failure=error)
            raise
        except BaseException:
            self._finish()
            raise
        self._finish(value=value, life=life)
        return value

    def _await_other(self) -> None:
        cell = self._cell
        while cell.fetching:
            if self._stop.is_set():
                raise StateError(
                    "the client was stopped: nothing is sent any more", language=self._language
                )
            cell.changed.wait(SLICE)  # the one who fetches may be another client's thread

    def _finish(
        self, *, value: str = "", life: float = 0.0, failure: QQGroupError | None = None
    ) -> None:
        cell, now = self._cell, self._clock.monotonic()
        with cell.changed:
            if value:
                if value != cell.value:
                    cell.fetched_at = now
                cell.value, cell.expires_at = value, now + life
                cell.good_until = cell.expires_at - min(ALREADY_NEW / 2, life / 4)
            cell.fetching, cell.failure = False, failure
            cell.changed.notify_all()

    def _fetch(self) -> tuple[str, float]:
        """Ask the endpoints in turn; only a missing answer moves on to the next."""
        for url in self._urls[:-1]:
            try:
                return self._ask(url)
            except (TransportError, BadResponse) as error:
                logger.debug("%s; trying the next token endpoint", error.summary)
            except ApiError as error:
                if error.codes and error.status < 500:
                    raise  # the platform itself refuses; without a code something between did
                logger.debug("%s; trying the next token endpoint", error.summary)
        return self._ask(self._urls[-1])

    def _ask(self, url: str) -> tuple[str, float]:
        exchange = self._transport.request(
            "POST",
            url,
            body=self._body,
            headers={"Content-Type": "application/json"},
            timeout=TIMEOUT,
        )
        try:
            answer = json.loads(exchange.content)
            if not isinstance(answer, dict):
                raise TypeError
        except (ValueError, TypeError, RecursionError) as error:
            if exchange.status != 200:
                raise api_error(exchange, {}, "POST", url, language=self._language) from error
            raise BadResponse(
                f"the token endpoint sent no JSON object ({len(exchange.content)} bytes)",
                language=self._language,
            ) from error
        token = answer.get("access_token")
        if not isinstance(token, str) or not token:  # errors come as HTTP 200 here
            raise api_error(exchange, answer, "POST", url, language=self._language)
        try:
            life = float(answer.get("expires_in") or 0)  # documented number, sent as string
        except (TypeError, ValueError, OverflowError):
            life = 0.0
        know(token)
        return Secret(f"QQBot {token}"), life if 0.0 < life < LONGEST_LIFE else UNSAID_LIFE
