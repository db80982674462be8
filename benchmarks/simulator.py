"""How many events with replies per second does the simulator sustain?

    python benchmarks/simulator.py [--quick] [--write]

The simulator runs in a process of its own and makes the events itself: members of groups say
something as soon as fewer than a window of messages are unanswered. The driver is the leanest bot
there can be, so that it is the simulator that is measured: one thread, one selector, raw sockets,
no library, frames searched for the id of the message rather than parsed. Everything happens on
127.0.0.1 and is bounded in time. ``--write`` puts the table into docs/simulator.md and its twin.
"""

import argparse
import base64
import json
import os
import platform as machine
import re
import selectors
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
import urllib.request
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import psutil

APPID = "102000001"
GROUPS, MEMBERS = 20, 10
TEXT = "x" * 100
CONNECTIONS = 16
LIFE = 600  # seconds after which a process ends by itself
IDS = re.compile(rb'"id":"(ROBOT1\.0_[^"]+)".*?"group_openid":"([0-9A-F]+)"')
DOCS = Path(__file__).parents[1] / "docs"
WINDOWS = ((1, False), (16, False), (256, False), (256, True))  # and whether an observer watches
WATCHED = {False: "", True: " (👁)"}
MARKS = ("<!-- limit begins -->", "<!-- limit ends -->")
PAGES = {  # how the rounds are told, and the head of the table
    "simulator.md": (
        "medians of {} rounds.",
        (
            "| unanswered at once | events with replies per second | simulator, of a core | driver "
            "| CPU of the simulator per event | that is, with a core of its own | lost |"
        ),
    ),
    "simulator.zh-CN.md": (
        "{} 轮的中位数。",
        (
            "| 同时未回复 | 每秒事件数（含回复） | 模拟器占一个核 | 驱动 "
            "| 每个事件模拟器的 CPU | 即独占一个核时 | 丢失 |"
        ),
    ),
}


# -- the simulator's process


def serve():
    """Run a simulator; obey commands, one JSON object per line."""
    from qqgroup_sync.simulator import Rules, Simulator

    with Simulator(rules=Rules(recycle_seconds=None)) as sim:
        print(json.dumps({"url": sim.url}), flush=True)
        for line in sys.stdin:
            command = json.loads(line)
            print(json.dumps(load(sim, **command)), flush=True)


def load(sim, seconds, window, watched):
    """Let members talk for a while; return the rate of answers and how busy this process was."""
    unsubscribe = sim.platform.subscribe(lambda *_: None) if watched else str
    stats, process = sim.platform.stats, psutil.Process()
    members = [
        sim.platform.group(f"g{group}").member(f"m{member}")
        for member in range(MEMBERS)
        for group in range(GROUPS)
    ]
    sim.gateway.wait_live()
    pause = threading.Event()
    said = answered = stats["replies_accepted"]
    begun, cpu = time.perf_counter(), sum(process.cpu_times()[:2])
    first = said
    while (now := time.perf_counter()) < begun + seconds:
        answered = stats["replies_accepted"]
        if said - answered >= window:
            pause.wait(0.0002)
            continue
        for _ in range(min(window - (said - answered), 64)):
            members[said % len(members)].say(TEXT)
            said += 1
    busy = sum(process.cpu_times()[:2]) - cpu
    taken, done = now - begun, stats["replies_accepted"] - first
    ends = time.perf_counter() + 10
    while stats["replies_accepted"] < said and time.perf_counter() < ends:
        pause.wait(0.01)
    unsubscribe()
    lost = said - stats["replies_accepted"]
    return {"rate": done / taken, "busy": busy / taken, "lost": lost, "cpu": busy / max(done, 1)}


# -- the driver's process


class Wire:
    """A socket that keeps an API connection or the gateway's."""

    def __init__(self, address):
        self.socket = socket.create_connection(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""


def drive(url):
    """Answer every group message of the bot until the process is ended."""
    address = (urlsplit(url).hostname, urlsplit(url).port)
    login = json.dumps({"appId": APPID, "clientSecret": "secret"}).encode()
    request = urllib.request.Request(f"{url}/app/getAppAccessToken", login)
    token = json.load(urllib.request.urlopen(request))["access_token"]
    head = {"Authorization": f"QQBot {token}"}
    request = urllib.request.Request(f"{url}/gateway/bot", headers=head)
    gateway_url = urlsplit(json.load(urllib.request.urlopen(request))["url"])
    gateway = Wire((gateway_url.hostname, gateway_url.port))
    key = base64.b64encode(os.urandom(16)).decode()
    handshake = [
        f"GET {gateway_url.path} HTTP/1.1",
        f"Host: {gateway_url.netloc}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
        "\r\n",
    ]
    gateway.socket.sendall("\r\n".join(handshake).encode())
    while b"\r\n\r\n" not in gateway.buffer:
        gateway.buffer += gateway.socket.recv(65536)
    gateway.buffer = gateway.buffer.partition(b"\r\n\r\n")[2]
    identify = {"token": f"QQBot {token}", "intents": 1 << 25, "shard": [0, 1]}
    send_frame(gateway, {"op": 2, "d": identify})
    common = (
        f" HTTP/1.1\r\nHost: {address[0]}\r\nAuthorization: QQBot {token}\r\n"
        "Content-Type: application/json\r\nContent-Length: "
    )
    with selectors.DefaultSelector() as selector:
        selector.register(gateway.socket, selectors.EVENT_READ, gateway)
        idle = [Wire(address) for _ in range(CONNECTIONS)]
        for wire in idle:
            selector.register(wire.socket, selectors.EVENT_READ, wire)
        waiting = []
        beat = time.monotonic()
        while True:
            for key, _ in selector.select(5):
                wire = key.data
                data = wire.socket.recv(262144)
                if not data:
                    return
                wire.buffer += data
                if wire is gateway:
                    waiting += frames(wire)
                elif answered(wire):
                    idle.append(wire)
            while waiting and idle:
                message_id, group = waiting.pop()
                body = b'{"msg_type":0,"content":"ok","msg_seq":1,"msg_id":"%b"}' % message_id
                line = b"POST /v2/groups/%b/messages%b%d\r\n\r\n%b"
                idle.pop().socket.sendall(line % (group, common.encode(), len(body), body))
            if time.monotonic() > beat + 20:
                beat = time.monotonic()
                send_frame(gateway, {"op": 1, "d": None})


def send_frame(wire, payload):
    """Send a masked text frame; a mask of zeros changes nothing."""
    data = json.dumps(payload).encode()
    size = bytes([0x80 | len(data)]) if len(data) < 126 else b"\xfe" + len(data).to_bytes(2, "big")
    wire.socket.sendall(b"\x81" + size + b"\0\0\0\0" + data)


def frames(wire):
    """Return (msg_id, group_openid) of the complete frames, and leave the rest in the buffer."""
    buffer, start, found = wire.buffer, 0, []
    while len(buffer) - start >= 4:
        size, skip = buffer[start + 1], 2
        if size == 126:
            size, skip = int.from_bytes(buffer[start + 2 : start + 4], "big"), 4
        if len(buffer) - start < skip + size:
            break
        if match := IDS.search(buffer, start + skip, start + skip + size):
            found.append(match.groups())
        start += skip + size
    wire.buffer = buffer[start:]
    return found


def answered(wire):
    """Tell whether a whole answer has come, and forget it."""
    head, separator, body = wire.buffer.partition(b"\r\n\r\n")
    if not separator:
        return False
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
    if len(body) < length:
        return False
    if not head.startswith(b"HTTP/1.1 200"):
        sys.exit(f"refused: {wire.buffer!r}")
    wire.buffer = b""
    return True


# -- the measurement


def child(*arguments, **options):
    command = [sys.executable, __file__, *arguments]
    return subprocess.Popen(
        command, text=True, stdout=subprocess.PIPE, stdin=subprocess.PIPE, **options
    )


def measure(windows, seconds, rounds):
    """Return the rounds of each window, measured in turn."""
    server = child("--serve")
    url = json.loads(server.stdout.readline())["url"]
    driver = child("--drive", url)
    found = {window: [] for window in windows}
    try:
        for number in range(rounds + 1):
            for window in windows:
                watched = psutil.Process(driver.pid)
                cpu, begun = sum(watched.cpu_times()[:2]), time.perf_counter()
                size, seen = window
                command = {"seconds": seconds if number else 1, "window": size, "watched": seen}
                server.stdin.write(json.dumps(command) + "\n")
                server.stdin.flush()
                result = json.loads(server.stdout.readline())
                taken = time.perf_counter() - begun
                result["driver"] = (sum(watched.cpu_times()[:2]) - cpu) / taken
                if number:  # the first round only warms up
                    found[window].append(result)
    finally:
        for one in (driver, server):
            one.kill()
            one.wait(5)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--write", action="store_true", help="put the table into the documentation")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--drive", metavar="URL", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve or options.drive:
        if hasattr(signal, "alarm"):
            signal.alarm(LIFE)
        serve() if options.serve else drive(options.drive)
        return
    found = measure(WINDOWS, 4 if options.quick else 10, 2 if options.quick else 5)
    rows = []
    for window, results in found.items():
        middle = {key: statistics.median(one[key] for one in results) for key in results[0]}
        lost = sum(one["lost"] for one in results)
        size = f"{window[0]}{WATCHED[window[1]]}"
        rows.append(
            f"| {size} | {middle['rate']:.0f} | {middle['busy']:.0%} | {middle['driver']:.0%} "
            f"| {middle['cpu'] * 1e6:.0f} µs | {1 / middle['cpu']:.0f}/s | {lost} |"
        )
    busy = f"{os.getloadavg()[0]:.0f}" if hasattr(os, "getloadavg") else "?"
    made = (
        f"{datetime.now().astimezone():%Y-%m-%d}, {os.cpu_count()} cores, {machine.system()}, "
        f"{machine.python_implementation()} {machine.python_version()}, "
        f"load average {busy}"
    )
    for page, (rounds, head) in PAGES.items():
        told = f"{made}, {rounds.format(len(found[WINDOWS[0]]))}"
        lines = [told, "", head, "| --- " * 7 + "|", *rows]
        if page == "simulator.md":
            print("\n".join(lines))
        if options.write:
            write(DOCS / page, lines)


def write(page, lines):
    """Put the table between its marks."""
    begins, ends = MARKS
    text = page.read_text("utf-8")
    before, rest = text.split(begins)
    table = "\n".join(["", "", *lines, "", ""])
    page.write_text(f"{before}{begins}{table}{ends}{rest.split(ends)[1]}", "utf-8")


if __name__ == "__main__":
    main()
