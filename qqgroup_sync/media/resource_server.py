"""The resource service: one server per port and process, shared by all who need it.

It says what is published, by whom and for how long; how it is answered is ``resource_app``'s.
"""

from __future__ import annotations

import contextlib
import logging
import re
import selectors
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from qqgroup_sync.errors import ConfigError, HostingError, StateError, Text
from qqgroup_sync.media.http_loop import DRAIN, HttpLoop, server_options
from qqgroup_sync.media.listening import bind, check_options
from qqgroup_sync.media.plain_gets import channel_class
from qqgroup_sync.media.resource_app import Published, build, content_type_of
from qqgroup_sync.media.shelf import Shelf
from qqgroup_sync.media.temp_files import TempFiles, plain_suffix
from qqgroup_sync.runtime.clock import Deadline
from qqgroup_sync.runtime.service import Service

if TYPE_CHECKING:
    from collections.abc import Callable

    from qqgroup_sync.runtime.clock import Clock
    from qqgroup_sync.settings import QQGroupChainBuilderOptions

logger = logging.getLogger(__name__)

LIFETIME = 600.0  # seconds
ENDING = 5.0  # seconds that a newcomer waits for the port of a server that is ending
_CONTENT_TYPE = re.compile(r"(?a)[\w!#$&^.+-]+/[\w!#$&^.+-]+(?:; ?[\w-]+=[\w.-]+)*")

_lock = threading.Lock()
_servers: dict[int, _Server] = {}  # by port


def acquire(
    options: QQGroupChainBuilderOptions,
    *,
    clock: Clock,
    language: str | None = None,
    on_death: Callable[[BaseException], None] | None = None,
) -> Lease:
    """Return a share in the server of a port; the first one binds it and starts its thread.

    Blocks while the port is bound. Nothing heavy is loaded before something is published or
    somebody connects.

    Args:
        options: Where to listen and where files lie. Port 0 means a free one, never shared.
        clock: Where time comes from.
        language: Language of cause and remedy in errors.
        on_death: Told when the thread died of a bug.

    Raises:
        ConfigError: The port is served with other options in this process.
        HostingError: The port cannot be bound.
    """
    check_options(options, language)
    while True:
        with _lock:
            server = _servers.get(options.port) if options.port else None
            first = server is None
            if server is None:
                server = _Server(options, clock, language)
                if options.port:
                    _servers[options.port] = server
            elif not server.ending:
                server.check_same(options, language)
                server.users += 1
        if first:
            return Lease(_opened(server), on_death)
        if not server.ending:
            server.opened.wait()  # the first one binds the port; bounded by a name look-up
            if not server.failed:
                return Lease(server, on_death)
        elif not server.port_free.wait(ENDING):
            raise HostingError(
                f"the resource service on port {options.port} is still ending", language=language
            )


class Lease:
    """A share in a server; made by :func:`acquire`, safe from any thread.

    Attributes:
        port: The port that is bound.
        files: For content that is written before it is published.
    """

    def __init__(
        self, server: _Server, on_death: Callable[[BaseException], None] | None = None
    ) -> None:
        self._server = server
        self._released = threading.Event()
        self.on_death = on_death
        self.port = server.port
        self.files = server.files
        server.shelf.enter(self)

    @property
    def requests(self) -> int:
        """How often something published was asked for since the server started."""
        return self._server.shelf.requests

    @property
    def alive(self) -> bool:
        """Whether somebody answers at the port."""
        return not self._released.is_set() and self._server.alive

    def publish(
        self,
        content: bytes | Path,
        *,
        suffix: str,
        content_type: str = "",
        lifetime: float = LIFETIME,
    ) -> str:
        """Make content fetchable under ``/resource/<name>``; blocks while it is written.

        Args:
            content: Bytes or a file. A file is copied, so that what is served is what it was
                now; only one of :attr:`files` is served, and later deleted, as it is.
            suffix: Of the name, with its dot; left out when it is not a plain one.
            content_type: MIME type; "" finds it by the suffix.
            lifetime: Seconds after which it goes by itself.

        Returns:
            The name: 32 random hex digits and the suffix.

        Raises:
            MediaError: It cannot be read or written.
            StateError: The lease was released, or its server died.
        """
        if content_type and not _CONTENT_TYPE.fullmatch(content_type):
            raise ConfigError(
                f"content_type={content_type[:60]!r} is no MIME type",
                remedy=Text("Write it like image/png.", "请按 image/png 的格式填写。"),
            )
        if not self.alive:
            raise StateError(
                "the resource service is not running",
                remedy=Text("Start the client first.", "请先启动 client。"),
            )
        ours = isinstance(content, Path) and self.files.owns(content)
        path = content if ours else self.files.create(content, suffix)
        assert isinstance(path, Path)
        published = Published(path, content_type or content_type_of(plain_suffix(suffix)))
        name = self._server.shelf.publish(self, published, plain_suffix(suffix), lifetime)
        self._server.serve()
        return name

    def withdraw(self, name: str) -> None:
        """Take back what was published; a download under way is finished."""
        self._server.shelf.withdraw(lambda key, entry: key == name and entry.lease is self)

    def release(self, deadline: Deadline) -> list[str]:
        """Give the share back: withdraw what it published, and stop the server as its last user.

        Args:
            deadline: Until when the server's threads may take to end.

        Returns:
            The names of threads that did not end. Again: nothing.
        """
        with _lock:
            if self._released.is_set():
                return []
            self._released.set()
            self._server.users -= 1
            last = self._server.ending = self._server.users == 0
        self._server.shelf.leave(self)
        if not last:
            return []
        try:
            return self._server.stop(deadline)
        finally:
            _forget(self._server)


class _Server:
    """What the leases of one port share. Which of them there are is guarded by ``_lock``."""

    def __init__(
        self, options: QQGroupChainBuilderOptions, clock: Clock, language: str | None
    ) -> None:
        self.options = options
        self.folder = Path(options.resource_path).absolute()
        self.files = TempFiles(self.folder, language=language)
        self.shelf = Shelf(self.files, clock)
        self.port = options.port
        self.users = 1
        self.ending = False
        self.opened = threading.Event()
        self.failed = False
        self.port_free = threading.Event()
        self._clock = clock
        self._language = language
        self._stopping = threading.Event()
        self._deadline: Deadline | None = None
        self._used = False  # something was published
        self._loop: HttpLoop | None = None
        self._service: Service | None = None
        self._listener: socket.socket
        self._wake: socket.socket
        self._bell: socket.socket
        self._bell_lock = threading.Lock()

    def open(self) -> None:
        """Bind the port, sweep the folder, start the thread."""
        self._listener = bind(self.options, self._language)
        try:
            self.port = self._listener.getsockname()[1]
            self._wake, self._bell = socket.socketpair()
            self._wake.setblocking(False)
            self._bell.setblocking(False)
            self.files.sweep()
            self._service = Service(
                f"qqgroup-media-{self.port}", self._run, wake=self.ring, on_death=self._died
            )
            self._service.start()
        except BaseException:  # too many files or threads
            self._listener.close()
            raise

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._service is not None and self._service.alive

    def ring(self) -> None:
        """Make the thread look around."""
        # Under the lock, because a number that was just closed may be another file's. It does not
        # block: when nothing more goes in, it is rung already.
        with self._bell_lock, contextlib.suppress(OSError):
            self._bell.send(b"x")

    def serve(self) -> None:
        """Get ready to answer, and look when the next file must go."""
        self._used = True
        self.ring()

    def stop(self, deadline: Deadline) -> list[str]:
        """End the thread and what it started; return the names of those that did not end."""
        assert self._service is not None
        self._deadline = deadline
        self._stopping.set()
        self._service.stop(deadline)
        workers = self._loop.workers if self._loop is not None else []
        alive = [one.name for one in (self._service, *workers) if one.alive]
        self.files.close()
        return alive

    def _run(self) -> None:
        try:
            if not self._wait_until_used():
                return
            name = f"qqgroup-media-{self.port}"
            options = server_options(self.options.http_server_options)
            self._loop = HttpLoop(
                self._listener,
                self._wake,
                self.ring,
                build(self.shelf.find),
                options,
                channel=lambda: channel_class(self.shelf.look, self.shelf.count),
                name=name,
                clock=self._clock,
            )
            self._loop.run(self._stopping, self._until, self.shelf.expire)
        finally:
            self._listener.close()
            with self._bell_lock:
                self._bell.close()
            self._wake.close()
            _forget(self)  # the next one may have the port, however this thread came to its end

    def _until(self) -> Deadline:
        return self._deadline or Deadline(self._clock, DRAIN)

    def _wait_until_used(self) -> bool:
        """Wait for a connection or a publication; return whether there is one."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            selector.register(self._wake, selectors.EVENT_READ)
            while not self._stopping.is_set():
                ready = [key.fileobj for key, _ in selector.select()]
                with contextlib.suppress(OSError):
                    self._wake.recv(4096)
                if self._used or self._listener in ready:
                    return not self._stopping.is_set()
        return False

    def _died(self, error: BaseException) -> None:
        for lease in self.shelf.leases:
            if lease.on_death is not None:
                lease.on_death(error)

    def check_same(self, options: QQGroupChainBuilderOptions, language: str | None) -> None:
        """Raise unless the options are those of this server."""
        mine, other = self._told(self.options, self.folder), self._told(options)
        if mine != other:
            raise ConfigError(
                f"port {options.port} is served with other options: {_differences(mine, other)}",
                remedy=Text(
                    "One port has one resource service in a process: use the same options for all "
                    "clients, or give each its own port.",
                    "同一进程内一个端口只有一个资源服务：请使用相同的配置，"
                    "或为每个 client 指定不同端口。",
                ),
                language=language,
            )

    @staticmethod
    def _told(options: QQGroupChainBuilderOptions, folder: Path | None = None) -> dict[str, object]:
        return {
            "host": options.host,
            "resource_path": str(folder or Path(options.resource_path).absolute()),
            "http_server_options": dict(options.http_server_options or {}),
        }


def _differences(mine: dict[str, object], other: dict[str, object]) -> str:
    return ", ".join(
        f"{name}={mine[name]!r} and {name}={other[name]!r}"
        for name in mine
        if mine[name] != other[name]
    )


def _opened(server: _Server) -> _Server:
    """Open a new server; when that fails, nobody finds it any more."""
    try:
        server.open()
    except BaseException:
        server.failed = True
        _forget(server)
        raise
    finally:
        server.opened.set()
    return server


def _forget(server: _Server) -> None:
    with _lock:
        if _servers.get(server.options.port) is server:
            del _servers[server.options.port]
    server.port_free.set()
