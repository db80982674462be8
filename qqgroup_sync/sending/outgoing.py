"""Everything that leaves: token, HTTP, endpoints, sender. Works with or without a gateway.

It is also what events act through: ``message.reply`` and its like end here.
"""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from qqgroup_sync.api.downloads import Downloads
from qqgroup_sync.api.endpoints import Endpoints
from qqgroup_sync.api.http import Http
from qqgroup_sync.api.token import AccessToken
from qqgroup_sync.api.transport import Transport
from qqgroup_sync.errors import StateError, Text
from qqgroup_sync.events.models import Interaction, Message
from qqgroup_sync.sending.audits import Audits
from qqgroup_sync.sending.clicks import Clicks
from qqgroup_sync.sending.limits import Limits
from qqgroup_sync.sending.media import Media
from qqgroup_sync.sending.presence import Presence
from qqgroup_sync.sending.replies import Budgets
from qqgroup_sync.sending.sender import Sender
from qqgroup_sync.sending.streaming import Streams

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from qqgroup_sync.dispatch.dialogue import Dialogue
    from qqgroup_sync.events.asking import Asking
    from qqgroup_sync.events.models import Attachment, Event
    from qqgroup_sync.media.file_infos import MediaMemory
    from qqgroup_sync.message.keyboard import Button
    from qqgroup_sync.runtime.clock import Clock, Deadline
    from qqgroup_sync.sending.sent import Sent
    from qqgroup_sync.sending.streaming import Stream
    from qqgroup_sync.settings import Settings
    from qqgroup_sync.state.storage import Storage


class Outgoing:
    """The way out of one client; safe from any thread. Implements ``events.actions.Actions``.

    Args:
        settings: The client's settings.
        clock: Where time comes from.
        memory: What was learned about uploads; outlives one start.
        dialogue: Returns what a handler can do in the middle of a message or after a click; None
            without a running client.
        session: Returns what is kept for the author of a message.
        note_button: Told about every button with a function that is sent.
        await_gateway: See :class:`Presence`; None when there is no gateway to wait for.
        hears_audits: Whether verdicts of reviews come in.
        aside: Entered around what takes long, so that a handler's worker is free meanwhile.
        report: Told in one line how the resource service stands.
        on_death: Told when the resource service's thread died of a bug.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        *,
        memory: MediaMemory,
        dialogue: Callable[[Asking], Dialogue] | None = None,
        session: Callable[[Message], Storage] | None = None,
        note_button: Callable[[Button], object] = lambda _button: None,
        await_gateway: Callable[[float], bool] | None = None,
        hears_audits: bool = False,
        aside: Callable[[], AbstractContextManager[object]] = contextlib.nullcontext,
        report: Callable[[str], None] = lambda _line: None,
        on_death: Callable[[BaseException], None] | None = None,
    ) -> None:
        self.halt = threading.Event()  # ends every wait between attempts
        self._settings = settings
        self._clock = clock
        self._dialogue = dialogue
        self._session = session
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
            stop=self.halt,
            language=language,
        )
        rates = settings.rates
        self.limits = Limits(
            rates,
            clock,
            key=(settings.appid, self.host),
            stop=self.halt,
            aside=aside,
            language=language,
        )
        presence = Presence(clock, await_gateway, language=language)
        self.http = Http(
            self._transport,
            bases=settings.api_bases,
            authorize=self.token.header,
            refused=self.token.refuse,
            appid=settings.appid,
            clock=clock,
            stop=self.halt,
            timeout=settings.timeout,
            pacer=self.limits if rates else None,
            ready=presence.wait if await_gateway is not None else None,
            language=language,
        )
        self.endpoints = Endpoints(self.http)
        self._downloads = self._new_downloads("the attachment")
        self.media = Media(
            settings,
            self.endpoints,
            self._new_downloads("the file"),
            clock,
            memory=memory,
            stop=self.halt,
            aside=aside,
            report=report,
            on_death=on_death,
        )
        self.audits = Audits(clock, self.halt, heard=hears_audits, aside=aside, language=language)
        budgets = Budgets(clock, platform_time=self.http.platform_time, language=language)
        self.sender = Sender(
            self.endpoints,
            budgets,
            self.media,
            clock,
            urls=settings.urls,
            max_text=settings.max_text,
            proactive_fallback=settings.proactive_fallback,
            note_button=note_button,
            presence=presence,
            verdict=self.audits.wait,
            language=language,
        )
        self._streams = Streams(self.endpoints, self.sender, clock, self.halt)
        self.clicks = Clicks(self.endpoints, clock)

    def _new_downloads(self, subject: str) -> Downloads:
        settings = self._settings
        return Downloads(
            self._clock,
            ca_bundle=settings.ca_bundle,
            direct=settings.direct,
            private=settings.private_urls or settings.local,
            subject=subject,
            language=settings.language,
        )

    def close(self, deadline: Deadline) -> list[str]:
        """Send nothing more; return the names of threads that did not end."""
        self.halt.set()
        self.sender.close()
        stuck = self.clicks.close(deadline)
        stuck += self.media.close(deadline)
        self._transport.close()
        return stuck

    # ------------------------------------------------------------------ Actions

    def reply(self, event: Event, content: Any, *, quote: bool, timeout: float | None) -> Sent:
        """Answer an event."""
        return self.sender.reply(event, content, quote=quote, timeout=timeout)

    def stream(self, event: Event, *, markdown: bool, interval: float | None) -> Stream:
        """Begin an answer that grows while it is written."""
        return self._streams.begin(event, markdown=markdown, interval=interval)

    def show_typing(self, event: Event, seconds: int) -> bool:
        """Show a user that an answer is being written."""
        return self._streams.show_typing(event, seconds)

    @property
    def language(self) -> str:
        """Language of what is said to people."""
        return self._settings.language

    def dialogue(self, origin: Asking) -> Dialogue:
        """Return what a handler can do in the middle of a message or after a click."""
        if self._dialogue is None:
            raise StateError(
                "the client does not run, so nobody can be waited for",
                remedy=Text("Call start() or run() first.", "请先调用 start() 或 run()。"),
                language=self._settings.language,
            )
        return self._dialogue(origin)

    def session(self, message: Message) -> Storage:
        """Return what is kept for the author of a message in its conversation."""
        assert self._session is not None
        return self._session(message)

    def replies_left(self, event: Event) -> int:
        """Return how many replies an event still allows."""
        return self.sender.budgets.left(event)

    def expires_at(self, event: Event) -> float | None:
        """Return when an event can be answered no more."""
        return self.sender.budgets.expires_at(event)

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
