"""Everything that leaves: token, HTTP, endpoints, sender. Works with or without a gateway.

It is also what events act through: ``message.reply`` and its like end here.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from qqgroup_sync.api.downloads import Downloads
from qqgroup_sync.api.endpoints import Endpoints
from qqgroup_sync.api.http import Http
from qqgroup_sync.api.token import AccessToken
from qqgroup_sync.api.transport import Transport
from qqgroup_sync.errors import StateError
from qqgroup_sync.events.models import Interaction, Message
from qqgroup_sync.sending.clicks import Clicks
from qqgroup_sync.sending.sender import Sender

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from qqgroup_sync.events.models import Attachment, Event
    from qqgroup_sync.runtime.clock import Clock, Deadline
    from qqgroup_sync.sending.sent import Sent
    from qqgroup_sync.settings import Settings


class Outgoing:
    """The way out of one client; safe from any thread. Implements ``events.actions.Actions``.

    Args:
        settings: The client's settings.
        clock: Where time comes from.
        await_gateway: See :class:`Sender`; None when there is no gateway to wait for.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        *,
        await_gateway: Callable[[float], bool] | None = None,
    ) -> None:
        self.halt = threading.Event()  # ends every wait between attempts
        self._settings = settings
        language = settings.language
        self._transport = Transport(
            pool_size=settings.max_workers,
            ca_bundle=settings.ca_bundle,
            direct=settings.direct,
            language=language,
        )
        self.token = AccessToken(
            settings.appid,
            settings.client_secret,
            urls=settings.token_urls,
            transport=self._transport,
            clock=clock,
            language=language,
        )
        self.http = Http(
            self._transport,
            bases=settings.api_bases,
            authorize=self.token.header,
            refused=self.token.refuse,
            appid=settings.appid,
            clock=clock,
            stop=self.halt,
            timeout=settings.timeout,
            language=language,
        )
        self.endpoints = Endpoints(self.http)
        self.sender = Sender(
            self.endpoints,
            self.http,
            clock,
            urls=settings.urls,
            max_text=settings.max_text,
            proactive_fallback=settings.proactive_fallback,
            await_gateway=await_gateway,
            language=language,
        )
        self.clicks = Clicks(self.endpoints, clock)
        self._downloads = Downloads(
            clock, ca_bundle=settings.ca_bundle, direct=settings.direct, language=language
        )

    def close(self, deadline: Deadline) -> list[str]:
        """Send nothing more; return the names of threads that did not end."""
        self.halt.set()
        self.sender.close()
        stuck = self.clicks.close(deadline)
        self._transport.close()
        return stuck

    # ------------------------------------------------------------------ Actions

    def reply(self, event: Event, content: Any, *, quote: bool, timeout: float | None) -> Sent:
        """Answer an event."""
        return self.sender.reply(event, content, quote=quote, timeout=timeout)

    def replies_left(self, event: Event) -> int:
        """Return how many replies an event still allows."""
        return self.sender.replies_left(event)

    def expires_at(self, event: Event) -> float | None:
        """Return when an event can be answered no more."""
        return self.sender.expires_at(event)

    def acknowledge(self, event: Event, code: int) -> None:
        """Acknowledge a click, unless the client does that by itself."""
        if not isinstance(event, Interaction):
            raise StateError(f"{event.name} needs no acknowledgement")
        if not (self._settings.acknowledge_clicks and event.needs_acknowledgement):
            self.endpoints.acknowledge_interaction(event.interaction_id, code)

    def recall(self, event: Event) -> None:
        """Take the message back that an event brought; the bot has to be administrator."""
        if not isinstance(event, Message):
            raise StateError(f"{event.name} is no message, so there is nothing to recall")
        scene, openid = event.conversation or ("c2c", event.sender)
        self.sender.recall("group" if scene == "group" else "c2c", openid, event.id)

    def read_attachment(
        self,
        attachment: Attachment,
        *,
        limit: int,
        timeout: float,
        progress: Callable[[int, int | None], None] | None,
    ) -> bytes:
        """Download an attachment into memory."""
        return self._downloads.read(attachment.url, limit=limit, timeout=timeout, progress=progress)

    def save_attachment(
        self,
        attachment: Attachment,
        path: Path,
        *,
        limit: int,
        timeout: float,
        progress: Callable[[int, int | None], None] | None,
    ) -> Path:
        """Download an attachment to a file, or into a folder."""
        return self._downloads.save(
            attachment.url,
            path,
            name=attachment.filename,
            limit=limit,
            timeout=timeout,
            progress=progress,
        )

    @property
    def host(self) -> str:
        """The host that the client talks to, for what is shared per host."""
        return urlsplit(self._settings.api_bases[0]).netloc
