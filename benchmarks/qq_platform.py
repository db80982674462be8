"""A deliberately thin QQ platform in a process of its own; it drives the load and measures.

One HTTP port (token, gateway, sending) and one WebSocket port (the gateway). Commands come as
lines of JSON on stdin, answers go as lines of JSON to stdout; the end of stdin ends the process.

    {"do": "ready"}                                              wait for the bot
    {"do": "closed", "window": 16, "seconds": 2, "delay": 0.05}  N events outstanding all the time
    {"do": "open", "rate": 100, "seconds": 5}                    a fixed rate
    {"do": "burst", "count": 64, "content": "/sleep"}            all at once

Everything that is not needed for that is left out; the simulator of the package is the one that
behaves like QQ. The module is not called platform.py because that would hide the one of the
standard library from every script beside it.
"""

import asyncio
import contextlib
import email.utils
import gc
import json
import re
import sys
import time
import uuid
from datetime import datetime, timedelta, timezone

from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

GROUPS, MEMBERS = 20, 200
WARM_UP = 0.3  # seconds at the beginning of a load that do not count
DRAIN = 10.0  # seconds for the last replies
LIFE = 3600.0  # seconds after which the process ends by itself
TOKEN = "benchmark-token"
CHINA = timezone(timedelta(hours=8))
CONTENT_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)

FRAME = (
    '{"op":0,"s":%d,"t":"GROUP_AT_MESSAGE_CREATE","id":"GROUP_AT_MESSAGE_CREATE:%s","d":{'
    '"id":"%s","author":{"id":"%s","member_openid":"%s","member_role":"member",'
    '"username":"Ming","bot":false},"content":" %s ","group_openid":"%s","group_id":"%s",'
    '"message_type":0,"timestamp":"%s","message_scene":{"source":"default","ext":['
    '"msg_idx=REFIDX_CKcBEPX4lNEGGL7GxYwE%08d=="]}}}'
)
ANSWER = (
    '{"id":"ROBOT1.0_sent.%016d!","timestamp":"%s","ext_info":{"ref_idx":"REFIDX_COcBEPX4%012d=="}}'
)
HEAD = (
    "HTTP/1.1 %s\r\nDate: %s\r\nContent-Type: application/json; charset=utf-8\r\n"
    "Content-Length: %d\r\nConnection: keep-alive\r\nX-Tps-trace-ID: %032x\r\n\r\n"
)


class Platform:
    """The one bot's connection, the events outstanding, and what was measured."""

    def __init__(self):
        self.loop = asyncio.get_running_loop()
        self.websocket = None
        self.ready_at = 0.0
        self.ready = asyncio.Event()
        self.wake = asyncio.Event()
        self.s = 1
        self.delay = 0.0
        self.answered = 0
        self.second = 0
        self.waiting = {}  # msg_id -> when its frame was sent
        self.begin()

    def begin(self):
        """Forget what an earlier load has measured."""
        self.waiting.clear()
        self.done = {}  # msg_id -> (when its reply came, seconds from frame to reply)
        self.doubled = self.strange = 0

    # ------------------------------------------------------------------ the gateway

    async def gateway(self, websocket):
        """Greet the bot, let it in, acknowledge its heartbeats."""
        with contextlib.suppress(ConnectionClosed):  # bots leave without a goodbye
            await websocket.send('{"op":10,"d":{"heartbeat_interval":41250}}')
            async for text in websocket:
                frame = json.loads(text)
                if frame["op"] == 2:
                    await self.let_in(websocket, frame["d"]["shard"])
                elif frame["op"] == 1:
                    await websocket.send('{"op":11}')

    async def let_in(self, websocket, shard):
        """Answer an Identify."""
        self.s = 1
        user = {"id": "1024", "username": "bench", "bot": True}
        data = {"version": 1, "session_id": str(uuid.uuid4()), "user": user, "shard": shard}
        await websocket.send(json.dumps({"op": 0, "s": 1, "t": "READY", "d": data}))
        self.websocket, self.ready_at = websocket, time.monotonic()
        self.ready.set()

    def tick(self):
        """Write the time out anew when a second has passed."""
        now = time.time()
        if int(now) != self.second:
            self.second = int(now)
            self.date = email.utils.formatdate(now, usegmt=True)
            self.stamp = datetime.fromtimestamp(self.second, CHINA).isoformat()

    async def send_event(self, content="/weather Beijing"):
        """Send one message of one of the members."""
        self.tick()
        self.s = s = self.s + 1
        member = f"{s % MEMBERS:032X}"
        group = f"{s % GROUPS + 0xA0000:032X}"
        msg_id = f"ROBOT1.0_bench.{s:08d}.kq3X7pYdZ0vU2sLwT9mN5cRfHjKaEbGiOu!"
        frame = FRAME % (
            s,
            f"{s:020d}",
            msg_id,
            member,
            member,
            content,
            group,
            group,
            self.stamp,
            s,
        )
        self.waiting[msg_id] = time.perf_counter()
        await self.websocket.send(frame)

    # ------------------------------------------------------------------ the REST interface

    def answer(self, method, path, authorised, body):
        """Return status, body and delay for a request."""
        if path.endswith("/messages") and method == b"POST":
            if not authorised:
                return "401 Unauthorized", '{"code":11244,"err_code":11244,"message":"token"}', 0.0
            self.replied(json.loads(body))
            self.tick()
            self.answered += 1
            return "200 OK", ANSWER % (self.answered, self.stamp, self.answered), self.delay
        if path == "/app/getAppAccessToken":
            return "200 OK", json.dumps({"access_token": TOKEN, "expires_in": "7200"}), 0.0
        if path == "/gateway/bot":
            limit = {"total": 1000, "remaining": 999, "reset_after": 14400000, "max_concurrency": 1}
            found = {"url": self.gateway_url, "shards": 1, "session_start_limit": limit}
            return "200 OK", json.dumps(found), 0.0
        return "404 Not Found", '{"code":404,"message":"no such path"}', 0.0

    def replied(self, reply):
        """Count a reply and let the load go on."""
        now = time.perf_counter()
        msg_id = reply.get("msg_id")
        sent_at = self.waiting.pop(msg_id, None)
        if sent_at is not None:
            self.done[msg_id] = (now, now - sent_at)
        elif msg_id in self.done:
            self.doubled += 1
        else:
            self.strange += 1
        self.wake.set()

    # ------------------------------------------------------------------ loads

    async def closed(self, window, seconds, delay=0.0):
        """Keep ``window`` events outstanding: each reply releases the next event."""
        self.delay = delay
        began = time.perf_counter()
        end = began + WARM_UP + seconds
        timer = self.loop.call_later(WARM_UP + seconds, self.wake.set)
        while time.perf_counter() < end:
            self.wake.clear()
            while len(self.waiting) < window:
                await self.send_event()
            await self.wake.wait()
        timer.cancel()
        await self.drain()
        self.delay = 0.0
        return self.result(began + WARM_UP, end)

    async def open(self, rate, seconds):
        """Send events at a fixed rate, whether or not replies come."""
        began = time.perf_counter()
        end = began + WARM_UP + seconds
        for number in range(int(rate * (WARM_UP + seconds))):
            early = began + number / rate - time.perf_counter()
            if early > 0:
                await asyncio.sleep(early)
            await self.send_event()
        await self.drain()
        return self.result(began + WARM_UP, end)

    async def burst(self, count, content):
        """Send events all at once."""
        began = time.perf_counter()
        for _ in range(count):
            await self.send_event(content)
        await self.drain()
        last = max((at for at, _ in self.done.values()), default=began)
        return {**self.result(began, last + 1e-9), "last": last - began}

    async def drain(self):
        """Wait for the replies that are still to come."""
        end = self.loop.time() + DRAIN
        timer = self.loop.call_at(end, self.wake.set)
        while self.waiting and self.loop.time() < end:
            self.wake.clear()
            await self.wake.wait()
        timer.cancel()
        await asyncio.sleep(0.05)  # a doubled reply would come now

    def result(self, since, until):
        """Return what was measured between two moments, and the totals."""
        counted = sorted(took for at, took in self.done.values() if since <= at < until)
        total = len(self.done)
        return {
            "replies_per_second": len(counted) / (until - since),
            "p50": percentile(counted, 0.50),
            "p99": percentile(counted, 0.99),
            "events": total + len(self.waiting),
            "replies": total,
            "lost": len(self.waiting),
            "doubled": self.doubled,
            "strange": self.strange,
        }

    async def command(self, do, **options):
        """Carry out one command and return its answer."""
        if do == "ready":
            await self.ready.wait()
            return {"ready_at": self.ready_at}
        self.begin()
        gc.collect()
        cpu, wall = time.process_time(), time.perf_counter()
        result = await getattr(self, do)(**options)
        wall = time.perf_counter() - wall
        return {**result, "platform_share": (time.process_time() - cpu) / wall}


class Connection(asyncio.Protocol):
    """One keep-alive HTTP connection of the bot."""

    def __init__(self, platform):
        self.platform = platform
        self.buffer = b""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n") + 4) > 3:
            head = self.buffer[:end]
            found = CONTENT_LENGTH.search(head)
            whole = end + (int(found[1]) if found else 0)
            if len(self.buffer) < whole:
                return
            body, self.buffer = self.buffer[end:whole], self.buffer[whole:]
            self.request(head, body)

    def request(self, head, body):
        method, path, _ = head.split(b" ", 2)
        authorised = b"QQBot " + TOKEN.encode() in head
        platform = self.platform
        status, text, delay = platform.answer(method, path.decode(), authorised, body)
        platform.tick()
        content = text.encode()
        answer = (HEAD % (status, platform.date, len(content), platform.answered)).encode()
        if delay:
            platform.loop.call_later(delay, self.transport.write, answer + content)
        else:
            self.transport.write(answer + content)


def percentile(values, share):
    """Return the value below which ``share`` of the sorted values lie."""
    return values[min(len(values) - 1, int(len(values) * share))] if values else None


async def main():
    gc.disable()  # a collection would show as latency of the bot
    platform = Platform()
    http = await platform.loop.create_server(lambda: Connection(platform), "127.0.0.1", 0)
    gateway = await serve(
        platform.gateway, "127.0.0.1", 0, compression=None, ping_interval=None, max_queue=None
    )
    port = gateway.sockets[0].getsockname()[1]
    platform.gateway_url = f"ws://127.0.0.1:{port}/websocket/"
    platform.loop.call_later(LIFE, sys.exit, 1)
    address = "http://{}:{}".format(*http.sockets[0].getsockname())
    print(json.dumps({"api": address}), flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps(await platform.command(**json.loads(line))), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
