"""The network between a bot and the platform: TCP proxies whose lines can be cut, held or slowed.

Packets themselves cannot be dropped from here: a wire that is held leaves everything in the
kernel's buffers, as lost packets that TCP sends again later; a wire that is lost forgets a
connection without a word to either end, as a NAT does that was switched off and on.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_PIECE = 64 * 1024
_BACKLOG = 256
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER of no seconds: closing sends RST


@dataclass(eq=False)
class _Link:
    bot: asyncio.StreamWriter
    platform: asyncio.StreamWriter
    pumps: list[asyncio.Task[None]] = field(default_factory=list)


class Wire:
    """One port of the platform, seen through the network; safe from any thread.

    Args:
        target: Address of the platform's port.

    Attributes:
        port: Where the bot connects.
        attempts: ``time.monotonic()`` of each connection that the bot has opened.
    """

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"wire-{target[1]}")
        self._tasks: set[asyncio.Task[None]] = set()
        self._links: set[_Link] = set()
        self._lost: list[_Link] = []
        self._open = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._piece, self._pause = _PIECE, 0.0
        self._cut_after: int | None = None
        self.attempts: list[float] = []
        self.port = 0
        self._thread.start()
        self._call(self._listen)

    def close(self) -> None:
        """End everything."""
        self._call(self._end)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    # ------------------------------------------------------------------ what can be done to it

    def hold(self) -> None:
        """Let nothing through, in no direction; new connections hang."""
        self._call(self._open.clear)

    def flow(self) -> None:
        """Let everything through again, at full speed; what was held comes first."""
        self._call(self._restore)

    def lose(self) -> None:
        """Forget the connections of now: both ends believe in them, and hear nothing."""
        self._call(self._forget)

    def cut(self) -> None:
        """Reset every connection."""
        self._call(self._reset_all)

    def refuse(self) -> None:
        """Reset every connection and refuse new ones."""
        self._call(self._close_port)

    def slow(self, piece: int, pause: float) -> None:
        """Let ``piece`` bytes through at a time, ``pause`` seconds apart."""
        self._piece, self._pause = piece, pause

    def cut_after(self, count: int) -> None:
        """Reset a connection when so many more bytes have gone to the bot: amid a frame."""
        self._cut_after = count

    # ------------------------------------------------------------------ in the loop's thread

    def _call(self, function: Callable[[], Any]) -> None:
        async def work() -> None:
            done = function()
            if asyncio.iscoroutine(done):
                await done

        asyncio.run_coroutine_threadsafe(work(), self._loop).result(10)

    async def _listen(self) -> None:
        self._open.set()
        self._server = await asyncio.start_server(
            self._accept, "127.0.0.1", self.port, backlog=_BACKLOG, limit=_PIECE
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def _restore(self) -> None:
        self._piece, self._pause, self._cut_after = _PIECE, 0.0, None
        self._open.set()
        if self._server is None:
            await self._listen()

    def _close_port(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        self._reset_all()

    def _reset_all(self) -> None:
        for link in [*self._links, *self._lost]:
            self._reset(link)

    def _reset(self, link: _Link) -> None:
        self._links.discard(link)
        if link in self._lost:
            self._lost.remove(link)
        for pump in link.pumps:
            pump.cancel()
        for writer in (link.bot, link.platform):
            with contextlib.suppress(OSError):
                sock = writer.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            writer.transport.abort()

    def _forget(self) -> None:
        for link in self._links:
            for pump in link.pumps:
                pump.cancel()
        self._lost += self._links
        self._links.clear()

    async def _end(self) -> None:
        self._close_port()
        tasks = [one for one in asyncio.all_tasks() if one is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = self._loop.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.attempts.append(time.monotonic())
        try:
            await self._open.wait()
            up_reader, up_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        link = _Link(writer, up_writer)
        self._links.add(link)
        link.pumps += [
            asyncio.create_task(self._pump(reader, up_writer, None)),
            asyncio.create_task(self._pump(up_reader, writer, link)),
        ]
        done, _ = await asyncio.wait(link.pumps, return_when=asyncio.FIRST_EXCEPTION)
        if link in self._lost:
            return
        if any(pump.cancelled() or pump.exception() is not None for pump in done):
            self._reset(link)
        else:
            self._links.discard(link)
            writer.close()
            up_writer.close()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, down: _Link | None
    ) -> None:
        """Carry bytes one way; ``down`` is given on the way to the bot."""
        while data := await reader.read(_PIECE):
            at = 0
            while at < len(data):
                await self._open.wait()
                piece = data[at : at + self._piece]
                at += len(piece)
                if down is not None and self._cut_after is not None:
                    self._cut_after -= len(piece)
                    if self._cut_after <= 0:
                        writer.write(piece[: len(piece) // 2])
                        await writer.drain()
                        self._cut_after = None
                        raise ConnectionResetError
                writer.write(piece)
                await writer.drain()
                if self._pause:
                    await asyncio.sleep(self._pause)
        writer.write_eof()
