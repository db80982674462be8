"""Brings the media of a message to the platform before the message is posted.

Holds what that takes for one client: the builder, the uploader, the browser. Everything heavy is
loaded when a message first needs it, so that a bot that only writes stays small.
"""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

from qqgroup_sync.errors import StateError
from qqgroup_sync.media.builder import ChainBuilder, Surroundings
from qqgroup_sync.media.serving import QQGroupChainBuilder
from qqgroup_sync.message.chain import Chain
from qqgroup_sync.message.elements import Html, Image
from qqgroup_sync.message.markup import fill_in, picture_markup
from qqgroup_sync.settings import QQGroupChainBuilderOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager

    from qqgroup_sync.api.downloads import Downloads
    from qqgroup_sync.api.endpoints import Endpoints
    from qqgroup_sync.media.file_infos import MediaMemory
    from qqgroup_sync.media.puts import Puts
    from qqgroup_sync.media.upload import Uploader
    from qqgroup_sync.message.browser import Renderer
    from qqgroup_sync.message.payloads import Payload, Scene
    from qqgroup_sync.runtime.clock import Clock, Deadline
    from qqgroup_sync.settings import Settings

FETCH_LIMIT = 200 * 1024 * 1024  # bytes of something that QQ could not fetch itself
FETCH_TIMEOUT = 120.0  # seconds


class Media:
    """What one client sends beside text; safe from any thread.

    Args:
        settings: The client's settings.
        endpoints: The platform's REST methods.
        downloads: Fetches what QQ could not fetch itself.
        clock: Where time comes from.
        memory: What was learned about uploads; outlives one start of the client.
        stop: Ends every wait.
        aside: Entered around what takes long, so that a handler's worker is free meanwhile.
        report: Told in one line how the resource service stands.
        on_death: Told when the resource service's thread died of a bug.
    """

    def __init__(
        self,
        settings: Settings,
        endpoints: Endpoints,
        downloads: Downloads,
        clock: Clock,
        *,
        memory: MediaMemory,
        stop: threading.Event,
        aside: Callable[[], AbstractContextManager[object]] = contextlib.nullcontext,
        report: Callable[[str], None] = lambda _line: None,
        on_death: Callable[[BaseException], None] | None = None,
    ) -> None:
        self._settings = settings
        self._endpoints = endpoints
        self._downloads = downloads
        self._clock = clock
        self._memory = memory
        self._stop = stop
        self._aside = aside
        self._lock = threading.Lock()
        self._own_uploader: Uploader | None = None
        self._puts: Puts | None = None
        self._renderer: Renderer | None = None
        self._surroundings = Surroundings(
            clock,
            local=settings.local,
            ca_bundle=settings.ca_bundle,
            required=settings.media == "serve",
            report=report,
            on_death=on_death,
            language=settings.language,
        )
        self._builder, self._last_resort = self._choose()
        self._attached: list[ChainBuilder] = []
        self._closed = False
        for builder in (self._builder, self._last_resort):
            if builder is not None:
                self._attach(builder)

    def _choose(self) -> tuple[ChainBuilder, ChainBuilder | None]:
        """Return the builder of every medium, and the one that helps when all else is refused."""
        chosen, mode = self._settings.default_chain_builder, self._settings.media
        if chosen is not None:
            serves = isinstance(chosen, QQGroupChainBuilder) and mode == "auto"
            return chosen, chosen if serves else None
        options = self._settings.default_chain_builder_options
        if mode == "auto" and self._settings.local and options == QQGroupChainBuilderOptions():
            options = QQGroupChainBuilderOptions(host="127.0.0.1", port=0)  # tried at home only
        service = QQGroupChainBuilder(options, public_url=self._settings.public_url)
        if mode == "serve":
            return service, None
        return ChainBuilder(), service if mode == "auto" else None

    def _attach(self, builder: ChainBuilder) -> None:
        takes_part = type(builder).attach is not ChainBuilder.attach
        if takes_part and builder not in self._attached:
            self._attached.append(builder)
            builder.attach(self, self._surroundings)

    # ------------------------------------------------------------------ life

    def open(self) -> None:
        """Let the resource service listen, where the settings want one.

        Raises:
            MediaError: It cannot, and ``media="serve"`` cannot do without.
        """
        for builder in list(self._attached):
            builder.open(self)

    def close(self, deadline: Deadline) -> list[str]:
        """Stop what was started; return the names of the threads that did not end."""
        with self._lock:
            attached, self._attached, self._closed = self._attached, [], True
            renderer, puts = self._renderer, self._puts
        if puts is not None:
            puts.close()
        stuck = renderer.close(deadline) if renderer is not None else []
        for builder in attached:
            stuck += builder.detach(self, deadline)
        return stuck

    # ------------------------------------------------------------------ filling in

    def drawn(self, chain: Chain) -> Chain:
        """Return the chain with its pages as pictures; blocks while a browser draws them.

        Raises:
            MediaError: A page cannot be drawn.
        """
        if not any(isinstance(element, Html) for element in chain):
            return chain
        builder = chain.builder or self._builder
        whole = Chain(chain_builder=chain.builder)
        for element in chain:
            whole.append(self._draw(element, builder) if isinstance(element, Html) else element)
        return whole

    def _draw(self, element: Html, builder: ChainBuilder) -> Image:
        with self._lock:
            self._check_open()
            if self._renderer is None:
                from qqgroup_sync.message.browser import Renderer  # noqa: PLC0415 - an extra

                self._renderer = Renderer(
                    self._clock, fetch=self._fetch, language=self._settings.language
                )
        with self._aside():
            picture = self._renderer.render(element.page, on_page_rendered=builder.on_page_rendered)
        return Image(picture, "page.png", inline=element.inline)

    def fill(self, payloads: Iterable[Payload], scene: Scene, openid: str) -> None:
        """Upload what the payloads carry, and write into them how the platform calls it.

        Args:
            payloads: Of one message.
            scene: Where it goes; the two never share an upload.
            openid: Of the group or the user.

        Raises:
            MediaError: A file cannot be read, converted or hosted.
            MediaRejected: The platform takes it in no way.
        """
        for payload in payloads:
            if payload.medium is not None:
                uploader = self._uploader(payload.builder)
                info = uploader.file_info(payload.medium, scene=scene, openid=openid)
                payload.body["media"] = {"file_info": info}
            if payload.pictures:
                self._show_inline(payload, scene, openid)

    def fill_again(self, payload: Payload, scene: Scene, openid: str) -> None:
        """Upload a medium anew that the platform does not know any more."""
        self._uploader(payload.builder).forget(payload.body["media"]["file_info"])
        self.fill([payload], scene, openid)

    def _show_inline(self, payload: Payload, scene: Scene, openid: str) -> None:
        uploader, pictures = self._uploader(payload.builder), payload.pictures or {}
        markdown = payload.body["markdown"]

        def shown(number: int) -> str:
            picture = pictures[number]
            return picture_markup(picture, uploader.public_url(picture, scene=scene, openid=openid))

        markdown["content"] = fill_in(markdown["content"], shown)
        payload.pictures = None

    def _uploader(self, builder: ChainBuilder | None) -> Uploader:
        """Return what uploads through a builder: the message's own, or the client's."""
        with self._lock:
            self._check_open()
            if builder is not None and builder is not self._builder:
                self._attach(builder)
                return self._new_uploader(builder)
            if self._own_uploader is None:
                self._own_uploader = self._new_uploader(self._builder)
            return self._own_uploader

    def _check_open(self) -> None:
        """Begin nothing that :meth:`close` did not see: its threads would stay for good."""
        if self._closed:
            raise StateError(
                "the client was stopped: nothing is sent any more",
                language=self._settings.language,
            )

    def _new_uploader(self, builder: ChainBuilder) -> Uploader:
        from qqgroup_sync.media.puts import Puts  # noqa: PLC0415 - a text bot needs none
        from qqgroup_sync.media.upload import Uploader  # noqa: PLC0415 - see above

        settings = self._settings
        if self._puts is None:
            self._puts = Puts(ca_bundle=settings.ca_bundle, direct=settings.direct)
        return Uploader(
            self._endpoints,
            self._clock,
            mode=settings.media,
            builder=builder,
            last_resort=self._last_resort,
            memory=self._memory,
            stop=self._stop,
            aside=self._aside,
            fetch=self._fetch,
            put=self._puts.put,
            language=settings.language,
        )

    def _fetch(self, url: str, limit: int, timeout: float = FETCH_TIMEOUT) -> bytes:
        return self._downloads.read(
            url, limit=limit, timeout=timeout, progress=None, stop=self._stop
        )
