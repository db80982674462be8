"""QQGroupChainBuilder: lets QQ fetch media from this machine, as in the seed."""

from __future__ import annotations

import logging
import secrets
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from qqgroup_sync.errors import ConfigError, QQGroupError, StateError, Text
from qqgroup_sync.media.builder import ChainBuilder
from qqgroup_sync.media.resource_app import ROUTE
from qqgroup_sync.media.sources import Source, load
from qqgroup_sync.runtime.clock import Deadline
from qqgroup_sync.runtime.service import Service
from qqgroup_sync.settings import QQGroupChainBuilderOptions

if TYPE_CHECKING:
    from qqgroup_sync.media.builder import Handed, Surroundings
    from qqgroup_sync.media.resource_server import Lease

logger = logging.getLogger(__name__)

LIFETIME = 600.0  # seconds that a published file stays when nobody says that it was taken
_PROBE_NAME = "qqgroup-probe"


class QQGroupChainBuilder(ChainBuilder):
    """Lets QQ fetch media from the resource service of this machine.

    The service listens on one port, shared by all builders of the process with the same options.
    It must be reachable from the internet: on a server by itself, at home through a tunnel whose
    address ``public_url`` or an overridden :attr:`domain` tells.

    Args:
        options: Where the service listens.
        public_url: Address under which QQ reaches the service, such as a tunnel's.
    """

    def __init__(
        self,
        options: QQGroupChainBuilderOptions | None = None,
        *,
        public_url: str | None = None,
    ) -> None:
        self.options = options or QQGroupChainBuilderOptions()
        self._public_url = _checked_url(public_url)
        self._lock = threading.Lock()
        self._users: dict[int, Surroundings] = {}
        self._lease: Lease | None = None
        self._probe: Service | None = None
        self._probed = ""

    @property
    def domain(self) -> str:
        """The address below which QQ finds the files, ``/resource`` included.

        Override it for a tunnel. Blocks when the public address has to be found first.

        Raises:
            HostingError: The public address cannot be found out.
        """
        if self._public_url:
            return self._public_url
        port = self._lease.port if self._lease is not None else self.options.port
        if self._surroundings.local:
            return f"http://127.0.0.1:{port}{ROUTE}"
        from qqgroup_sync.media.public_address import find  # noqa: PLC0415 - when first needed

        around = self._surroundings
        host = find(clock=around.clock, ca_bundle=around.ca_bundle, language=around.language)
        return f"http://[{host}]:{port}{ROUTE}" if ":" in host else f"http://{host}:{port}{ROUTE}"

    @property
    def port(self) -> int:
        """The port on which the service listens; 0 while it does not."""
        return self._lease.port if self._lease is not None else 0

    def get_image(self, image: str | bytes) -> Handed:
        """Publish a picture; return its URL."""
        return self.publish(load(image, "image"))

    def get_voice(self, voice_file: str) -> Handed:
        """Publish a voice; return its URL."""
        return self.publish(load(voice_file, "voice"))

    def get_video(self, video_file: str) -> Handed:
        """Publish a video; return its URL."""
        return self.publish(load(video_file, "video"))

    def get_file(self, file: str) -> Handed:
        """Publish a file; return its URL."""
        return self.publish(load(file, "file"))

    def hand_over(self, source: Source) -> Source:
        """Return the URL of a source, unless a subclass makes something else of it."""
        own = getattr(QQGroupChainBuilder, f"get_{source.kind}")
        if source.url or getattr(type(self), f"get_{source.kind}") is not own:
            return super().hand_over(source)
        return Source(source.kind, source.name, url=self.publish(source))

    def publish(self, source: Source) -> str:
        """Make a source reachable; return its URL.

        Raises:
            MediaError: The service cannot listen, or the file cannot be written.
            HostingError: The public address cannot be found out.
        """
        lease = self._lend()
        domain = self.domain.rstrip("/")
        self._probe_once(lease, domain)
        content = source.path if source.path is not None else source.read()
        name = lease.publish(
            content,
            suffix=source.format.suffix or Path(source.name).suffix,
            content_type=source.format.content_type,
            lifetime=LIFETIME,
        )
        return f"{domain}/{name}"

    def uploaded(self, url: str) -> None:
        """Withdraw what QQ has taken."""
        lease = self._lease
        if lease is not None:
            lease.withdraw(url.rpartition("/")[2])

    # ------------------------------------------------------------------ its client's life

    @property
    def _surroundings(self) -> Surroundings:
        with self._lock:
            around = next(iter(self._users.values()), None)
        if around is None:
            raise StateError(
                "the chain builder has no running client",
                remedy=Text(
                    "Give it to Client(default_chain_builder=...).",
                    "请传给 Client(default_chain_builder=...)。",
                ),
            )
        return around

    def attach(self, user: object, surroundings: Surroundings) -> None:
        """Note that a client uses this builder; its service starts with :meth:`open`."""
        with self._lock:
            self._users[id(user)] = surroundings

    def open(self, user: object) -> None:
        """Let the service listen.

        Raises:
            ConfigError: Another builder of this process serves the port with other options.
            HostingError: It cannot, and the client cannot do without it.
        """
        with self._lock:
            surroundings = self._users[id(user)]
        try:
            lease = self._lend()
        except QQGroupError as error:
            surroundings.report(f"off: {error.summary}")
            if surroundings.required or isinstance(error, ConfigError):
                raise
            logger.info(
                "the resource service is off (%s); media are uploaded directly", error.summary
            )
            return
        surroundings.report(f"listening on port {lease.port}")

    def detach(self, user: object, deadline: Deadline) -> list[str]:
        """Stop the service when its last client is done."""
        with self._lock:
            self._users.pop(id(user), None)
            if self._users:
                return []
            lease, self._lease = self._lease, None
            probe, self._probe = self._probe, None
            self._probed = ""
        stuck = lease.release(deadline) if lease is not None else []
        if probe is not None and not probe.stop(deadline):
            stuck = [*stuck, probe.name]
        return stuck

    def _lend(self) -> Lease:
        """Return the lease of the service, which listens from now on."""
        from qqgroup_sync.media.resource_server import acquire  # noqa: PLC0415 - when first needed

        if (lease := self._lease) is not None:
            return lease
        around = self._surroundings
        lease = acquire(
            self.options,
            clock=around.clock,
            language=around.language,
            on_death=around.on_death,
        )
        with self._lock:
            if self._lease is None and self._users:
                self._lease = lease
                return lease
            kept = self._lease
        lease.release(Deadline(around.clock, 1.0))  # another thread was quicker, or stop() came
        if kept is None:
            raise StateError("the client was stopped: nothing is published any more")
        return kept

    # ------------------------------------------------------------------ can QQ reach it?

    def _probe_once(self, lease: Lease, domain: str) -> None:
        """Look in the background whether the public address leads to this service."""
        with self._lock:
            if self._probed == domain or (self._probe is not None and self._probe.alive):
                return
            around = next(iter(self._users.values()), None)
            if around is None:
                return
            self._probed = domain
            self._probe = Service(_PROBE_NAME, lambda: _probe(lease, domain, around))
            self._probe.start()


def _probe(lease: Lease, domain: str, around: Surroundings) -> None:
    from qqgroup_sync.media.probe import probe  # noqa: PLC0415 - when first needed

    nonce = secrets.token_hex(16).encode()
    try:
        name = lease.publish(nonce, suffix=".txt", content_type="text/plain", lifetime=60.0)
    except QQGroupError:  # it was stopped meanwhile
        return
    found = probe(
        domain,
        path_name=name,
        expected=nonce,
        direct=around.local,
        ca_bundle=around.ca_bundle,
        clock=around.clock,
    )
    lease.withdraw(name)
    text = found.text.in_language(around.language)
    around.report(f"{domain}: {text}")
    if found.ok:
        logger.info("resource service at %s: %s", domain, text)
    else:
        logger.warning("resource service at %s: %s", domain, text)


def _checked_url(url: str | None) -> str:
    """Return a public address with the fixed route at its end."""
    if not url:
        return ""
    if not url.startswith(("http://", "https://")):
        raise ConfigError(
            f"public_url={url!r} is no address",
            remedy=Text(
                "Write it in full: https://host[:port].", "请写完整：https://host[:port]。"
            ),
        )
    url = url.rstrip("/")
    return url if url.endswith(ROUTE) else url + ROUTE
