"""A gateway that does what a test tells it, frame by frame."""

from __future__ import annotations

import json
import logging
import queue
import socket
import struct
import threading
from contextlib import suppress

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import serve

LIMIT = 5.0  # seconds for whatever has to happen
EVENT = "GROUP_AT_MESSAGE_CREATE"


class Peer:
    """One connection, seen from the gateway."""

    def __init__(self, connection):
        self._connection = connection
        self._frames = queue.Queue()
        self.heartbeats = queue.Queue()
        self.answers = True  # whether heartbeats are answered
        self.ended = threading.Event()

    def read(self):
        """Take what the bot sends, until the end."""
        with suppress(ConnectionClosed, OSError):
            for text in self._connection:
                frame = json.loads(text)
                if frame["op"] != 1:
                    self._frames.put(frame)
                    continue
                self.heartbeats.put(frame["d"])
                if self.answers:
                    self.send(11)
        self.ended.set()

    def expect(self, op, within=LIMIT):
        """Return ``d`` of the next frame, which has to be of that kind; heartbeats aside."""
        frame = self._frames.get(timeout=within)
        assert frame["op"] == op, frame
        return frame["d"]

    def say(self, text):
        """Send any text or bytes."""
        with suppress(ConnectionClosed, OSError):
            self._connection.send(text)

    def send(self, op, data=None, **fields):
        """Send a frame."""
        self.say(json.dumps({"op": op, "d": data, **fields}))

    def push(self, s, name=EVENT, data=None):
        """Send an event."""
        self.send(0, data or {"id": f"M{s}"}, s=s, t=name, id=f"{name}:{s}")

    def ready(self, session_id="S1", interval=45_000, s=1):
        """Greet, take the Identify and begin a session; return the Identify."""
        self.send(10, {"heartbeat_interval": interval})
        identify = self.expect(2)
        self.push(s, "READY", {"session_id": session_id, "user": {"id": "9", "username": "R"}})
        return identify

    def resumed(self, interval=45_000, s=1):
        """Greet, take the Resume and continue the session; return the Resume."""
        self.send(10, {"heartbeat_interval": interval})
        resume = self.expect(6)
        self.send(0, "", s=s, t="RESUMED")
        return resume

    @property
    def close_code(self):
        """The code of the bot's own close frame; 1006 when it said no goodbye."""
        return self._connection.close_code

    def ping(self):
        """Send a ping of the transport."""
        with suppress(ConnectionClosed, OSError):
            self._connection.ping()

    def close(self, code, reason=""):
        """End with a close frame."""
        self._connection.close(code, reason)

    def drop(self):
        """End without a close frame, as a process that is killed."""
        with suppress(OSError):
            self._connection.socket.shutdown(socket.SHUT_RDWR)

    def reset(self):
        """End with a TCP reset, as a router that has forgotten the connection."""
        sock = self._connection.socket
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with suppress(OSError):
            sock.shutdown(socket.SHUT_RD)  # wakes our own reader, tells the other side nothing
        sock.close()


class ScriptedGateway:
    """Listens on a free port of this machine."""

    def __init__(self, tls=None, port=0):
        self.status = None  # of HTTP, to refuse the upgrade with
        self.peers = []
        self._waiting = queue.Queue()
        self._server = serve(
            self._serve,
            "127.0.0.1",
            port,
            ssl=tls,
            compression=None,
            ping_interval=None,
            process_request=self._judge,
            logger=logging.getLogger("scripted-gateway"),
        )
        port = self._server.socket.getsockname()[1]
        self.url = f"{'wss' if tls else 'ws'}://127.0.0.1:{port}"
        self._thread = threading.Thread(target=self._server.serve_forever, name="scripted-gateway")
        self._thread.start()

    def _judge(self, connection, _request):
        return connection.respond(self.status, "no\n") if self.status else None

    def _serve(self, connection):
        peer = Peer(connection)
        self.peers.append(peer)
        self._waiting.put(peer)
        peer.read()

    def accept(self, within=LIMIT):
        """Return the next connection."""
        return self._waiting.get(timeout=within)

    @property
    def idle(self):
        """Whether nobody has connected since the last one that was accepted."""
        return self._waiting.empty()

    def stop(self):
        """End every connection and stop listening."""
        for peer in self.peers:
            peer.drop()
        self._server.shutdown()
        self._thread.join(LIMIT)
