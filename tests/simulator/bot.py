"""A bot for tests: ``requests`` on one side, ``websockets`` on the other, nothing of ours."""

import contextlib
import inspect
import json

import requests
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

APPID = "102000001"
INTENTS = 1 << 24 | 1 << 25 | 1 << 26
TIMEOUT = 5


class Bot:
    """REST calls with a token, and gateway connections that are closed at the end."""

    def __init__(self, sim, appid=APPID, secret="secret"):
        self.sim = sim
        self.appid, self.secret = appid, secret
        self._stack = contextlib.ExitStack()
        self.http = self._stack.enter_context(requests.Session())
        self.token = self.ask_token()["access_token"]

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self._stack.close()

    def ask_token(self):
        body = {"appId": self.appid, "clientSecret": self.secret}
        url = f"{self.sim.url}/app/getAppAccessToken"
        answer = self.http.post(url, json=body, timeout=TIMEOUT).json()
        if "access_token" in answer:
            self.token = answer["access_token"]
            self.http.headers["Authorization"] = f"QQBot {self.token}"
        return answer

    def call(self, method, path, body=None, *, timeout=TIMEOUT, **options):
        url = f"{self.sim.url}{path}"
        return self.http.request(method, url, json=body, timeout=timeout, **options)

    def get(self, path):
        return self.call("GET", path)

    def post(self, path, body, **options):
        return self.call("POST", path, body, **options)

    def say(self, chat, content="hi", *, timeout=TIMEOUT, **fields):
        where = "users" if hasattr(chat, "befriend") else "groups"
        path = f"/v2/{where}/{chat.openid}/messages"
        return self.post(path, {"msg_type": 0, "content": content, **fields}, timeout=timeout)

    def connect(self, *, identify=False, **options):
        """Open a gateway connection and read HELLO, and READY when identified."""
        websocket = Wire(self._stack.enter_context(open_websocket(self.sim.gateway_url)))
        websocket.hello = websocket.read()
        if identify:
            websocket.ready = websocket.identify(self.token, **options)
        return websocket


def open_websocket(url, **options):
    """Connect without compression, pings or proxies; pings and proxies came in websockets 15."""
    plain = {"compression": None, "close_timeout": 1, "ping_interval": None, "proxy": None}
    known = inspect.signature(connect).parameters
    plain = {name: value for name, value in plain.items() if name in known}
    return connect(url, **plain, **options)


class Wire:
    """One gateway connection that speaks JSON."""

    def __init__(self, websocket):
        self.websocket = websocket

    def read(self, timeout=TIMEOUT):
        return json.loads(self.websocket.recv(timeout=timeout))

    def write(self, op, d=None):
        self.websocket.send(json.dumps({"op": op, "d": d}))

    def identify(self, token, *, intents=INTENTS, shard=(0, 1)):
        d = {"token": f"QQBot {token}", "intents": intents, "shard": list(shard)}
        self.write(2, d)
        return self.read()

    def resume(self, token, session_id, seq):
        self.write(6, {"token": f"QQBot {token}", "session_id": session_id, "seq": seq})

    def read_until(self, name):
        """Return the frames up to and including the first of that name."""
        frames = [self.read()]
        while frames[-1].get("t") != name:
            frames.append(self.read())
        return frames

    def close_code(self, timeout=TIMEOUT):
        """Read to the end and return the close code, None without a close frame."""
        try:
            while True:
                self.websocket.recv(timeout=timeout)
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else None
