"""The bare reference: the least code that answers group messages in threads.

A websocket-client reader, json, one SimpleQueue, plain worker threads with a connection each, and
heartbeats. It reconnects never, remembers nothing, checks nothing and keeps no order.

    python benchmarks/bare.py --api http://127.0.0.1:PORT [--threads 64] [--requests]
"""

import argparse
import contextlib
import http.client
import json
import queue
import signal
import threading
import time
from urllib.parse import urlsplit

import websocket

SLEEP = 0.05  # seconds that the answer to "/sleep" takes
LIFE = 3600  # seconds after which the process ends by itself


def call(connection, method, path, body, headers):
    """Send one request and return the parsed answer."""
    connection.request(method, path, body, headers)
    return json.loads(connection.getresponse().read())


def answer(content):
    """Return what the bot says; the user's part."""
    if content.startswith("/sleep"):
        time.sleep(SLEEP)  # noqa: TID251 - stands for a handler that blocks
    return f"You said: {content}"


def work(jobs, post):
    """Answer messages for ever."""
    while True:
        d = jobs.get()
        content = answer(d["content"].strip())
        reply = {"msg_type": 0, "content": content, "msg_id": d["id"], "msg_seq": 1}
        post(f"/v2/groups/{d['group_openid']}/messages", json.dumps(reply).encode())


def beat(gateway, interval, seen):
    """Send heartbeats for ever."""
    while True:
        time.sleep(interval)  # noqa: TID251 - the reference is meant to be plain
        gateway.send(json.dumps({"op": 1, "d": seen[0]}))


def read(gateway, token, jobs):
    """Read frames until the connection ends."""
    seen = [None]
    interval = 0.0
    while True:
        _, data = gateway.recv_data()
        frame = json.loads(data)
        op = frame["op"]
        if op == 0:
            seen[0] = frame["s"]
            if frame["t"] == "GROUP_AT_MESSAGE_CREATE":
                jobs.put(frame["d"])
            elif frame["t"] == "READY":
                arguments = (gateway, interval, seen)
                threading.Thread(target=beat, args=arguments, daemon=True).start()
        elif op == 10:
            interval = frame["d"]["heartbeat_interval"] / 1000
            identify = {"token": token, "intents": 1 << 25, "shard": [0, 1]}
            gateway.send(json.dumps({"op": 2, "d": identify}))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--api", required=True)
    # 64 measured best of 16 and 64: more replies/s at window 256, and 64 handlers may block.
    parser.add_argument("--threads", type=int, default=64)
    parser.add_argument("--requests", action="store_true", help="one shared requests.Session")
    options = parser.parse_args()
    if hasattr(signal, "alarm"):
        signal.alarm(LIFE)
    address = urlsplit(options.api).netloc
    kind = {"Content-Type": "application/json"}
    connection = http.client.HTTPConnection(address)
    login = json.dumps({"appId": "1024", "clientSecret": "secret"}).encode()
    told = call(connection, "POST", "/app/getAppAccessToken", login, kind)
    token = f"QQBot {told['access_token']}"
    headers = {"Authorization": token, **kind}
    url = call(connection, "GET", "/gateway/bot", None, headers)["url"]
    connection.close()
    jobs = queue.SimpleQueue()
    session = None
    if options.requests:
        import requests

        session = requests.Session()
        session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=options.threads))

    def worker():
        if session is not None:
            work(
                jobs,
                lambda path, body: session.post(options.api + path, body, headers=headers).json(),
            )
            return
        own = http.client.HTTPConnection(address)
        work(jobs, lambda path, body: call(own, "POST", path, body, headers))

    for _ in range(options.threads):
        threading.Thread(target=worker, daemon=True).start()
    gateway = websocket.create_connection(url, skip_utf8_validation=True)
    with contextlib.suppress(KeyboardInterrupt, websocket.WebSocketConnectionClosedException):
        read(gateway, token, jobs)


if __name__ == "__main__":
    main()
