"""The thin platform of qq_platform.py, which takes uploads, too; for the media benchmarks.

Commands as there, and: {"do": "count"} tells what came since it was last asked.

Pictures come as base64 or in chunks whose bytes are counted and thrown away as they come, so that
this process is not what is measured. {"do": "chunks", "concurrency": 4} says how many parts of a
chunked upload may be on their way at once.
"""

import asyncio
import gc
import json
import sys
import time

from qq_platform import CONTENT_LENGTH, LIFE, Connection, Platform
from websockets.asyncio.server import serve

BLOCK = 10_000_000  # bytes of a part, as the platform does; the last one is shorter


class MediaPlatform(Platform):
    """Counts what is uploaded and sent."""

    def __init__(self):
        super().__init__()
        self.concurrency = 1
        self.number = 0
        self.reset()

    def reset(self):
        """Forget what was counted."""
        self.contents = set()
        self.given = set()
        self.uploads = self.messages = self.wrong = self.parts = self.part_bytes = 0
        self.cpu = time.process_time()

    def answer(self, method, path, authorised, body):
        """Return status, body and delay for a request."""
        if path.endswith("/files"):
            return self.ok(self.file(json.loads(body)))
        if path.endswith("/upload_prepare"):
            return self.ok(self.prepare(json.loads(body)))
        if path.endswith("/upload_part_finish"):
            return self.ok({})
        return super().answer(method, path, authorised, body)

    def ok(self, found):
        return "200 OK", json.dumps(found), 0.0

    def file(self, body):
        """Take an upload."""
        self.uploads += 1
        if (data := body.get("file_data")) is not None:
            self.contents.add(hash(data))  # it must be new each time
        self.number += 1
        info = f"file-info-{self.number}"
        self.given.add(info)
        return {"file_uuid": f"uuid-{self.number}", "file_info": info, "ttl": 3600}

    def prepare(self, body):
        """Say where the parts go."""
        count = -(-int(body["file_size"]) // BLOCK)
        parts = [
            {"index": index, "presigned_url": f"{self.store}/part/{index}"}
            for index in range(1, count + 1)
        ]
        self.number += 1
        return {
            "upload_id": f"upload-{self.number}",
            "block_size": BLOCK,
            "parts": parts,
            "concurrency": self.concurrency,
        }

    def replied(self, reply):
        """Count a message."""
        self.messages += 1
        if (media := reply.get("media")) is not None:
            if media["file_info"] not in self.given:
                self.wrong += 1
            self.given.discard(media["file_info"])
        self.wake.set()

    async def command(self, do, **options):
        """Carry out one command and return its answer."""
        if do == "count":
            found = {name: getattr(self, name) for name in ("uploads", "messages", "wrong")}
            found |= {"parts": self.parts, "part_bytes": self.part_bytes}
            found |= {"contents": len(self.contents), "cpu": time.process_time() - self.cpu}
            gc.collect()
            self.reset()
            return found
        if do == "chunks":
            self.concurrency = options["concurrency"]
            return {}
        return await super().command(do, **options)


class MediaConnection(Connection):
    """A connection on which the bodies of PUTs are counted, not kept."""

    left = 0  # bytes that are still to come of a PUT

    def data_received(self, data):
        if not self.left and not self.buffer and data.startswith(b"PUT "):
            end = data.find(b"\r\n\r\n") + 4
            if end > 3:
                self.left = int(CONTENT_LENGTH.search(data[:end])[1])
                data = data[end:]
        if self.left:
            self.left -= len(data)  # nobody sends on before the answer
            self.platform.part_bytes += len(data)
            if not self.left:
                self.platform.parts += 1
                self.transport.write(b'HTTP/1.1 200 OK\r\nETag: "1"\r\nContent-Length: 0\r\n\r\n')
            return
        super().data_received(data)


async def main():
    gc.disable()
    platform = MediaPlatform()
    http = await platform.loop.create_server(lambda: MediaConnection(platform), "127.0.0.1", 0)
    gateway = await serve(
        platform.gateway, "127.0.0.1", 0, compression=None, ping_interval=None, max_queue=None
    )
    port = gateway.sockets[0].getsockname()[1]
    platform.gateway_url = f"ws://127.0.0.1:{port}/websocket/"
    platform.store = address = "http://{}:{}".format(*http.sockets[0].getsockname())
    platform.loop.call_later(LIFE, sys.exit, 1)
    print(json.dumps({"api": address}), flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps(await platform.command(**json.loads(line))), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
