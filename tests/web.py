"""The web on this machine: a server that answers what a test says, and a tunnel to a port."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote


def free_port():
    """Return a port that is free now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class Web:
    """Answers ``pages[path]``: bytes, or a function that is given the handler.

    Attributes:
        pages: What stands at each path; everything else is 404.
        asked: The paths that were asked for.
    """

    def __init__(self, port):
        self.url = f"http://127.0.0.1:{port}"
        self.pages = {}
        self.asked = []

    def put(self, path, content):
        """Let something stand at a path; return its URL."""
        self.pages[path] = content
        return self.url + path


@contextlib.contextmanager
def serving():
    """Run a server."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            web.asked.append(self.path)
            page = web.pages.get(unquote(self.path.partition("?")[0]))
            if callable(page):
                page(self)
                return
            self.send_response(404 if page is None else 200)
            self.send_header("Content-Length", str(len(page or b"")))
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(page or b"")

        def do_PUT(self):
            web.pages[self.path] = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    web = Web(server.server_port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield web
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


@contextlib.contextmanager
def tunnel_to(port):
    """Open a tunnel to a port of this machine; yield its address."""
    loop = asyncio.new_event_loop()
    ready, address, stopped = threading.Event(), [], loop.create_future()

    async def pump(reader, writer):
        try:
            with contextlib.suppress(OSError):
                while data := await reader.read(65536):
                    writer.write(data)
                    await writer.drain()
        finally:
            writer.close()

    async def forward(reader, writer):
        try:
            inside = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.gather(pump(reader, inside[1]), pump(inside[0], writer))
        except asyncio.CancelledError:
            pass  # the tunnel closes
        finally:
            writer.close()

    async def run():
        async with await asyncio.start_server(forward, "127.0.0.1", 0) as server:
            address.append(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
            ready.set()
            await stopped
        under_way = asyncio.all_tasks() - {asyncio.current_task()}
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
        await asyncio.sleep(0)  # closed sockets are let go of in the loop's next turn

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()))
    thread.start()
    assert ready.wait(5)
    try:
        yield address[0]
    finally:
        loop.call_soon_threadsafe(stopped.set_result, None)
        thread.join(5)
        loop.close()
