"""Heartbeats: on time, in a thread of their own, and the end of a connection that is dead."""

from __future__ import annotations

import queue
import threading

import pytest

from qqgroup_sync.errors import GatewayClosed
from qqgroup_sync.gateway.frames import Frame, Op
from qqgroup_sync.gateway.heartbeat import Heartbeat
from qqgroup_sync.gateway.session import GatewaySession
from qqgroup_sync.runtime.clock import Clock
from tests.waiting import LIMIT

HELLO = Frame(Op.HELLO, None, "", {"heartbeat_interval": 10}, "")
READY = Frame(Op.DISPATCH, 1, "READY", {"session_id": "S"}, "")
ACK = Frame(Op.HEARTBEAT_ACK, None, "", None, "")


class FakeConnection:
    """Keeps what is sent; can break."""

    def __init__(self):
        self.sent = queue.Queue()
        self.aborted = threading.Event()
        self.broken = False

    def send(self, text):
        if self.broken:
            raise GatewayClosed("the gateway connection broke")
        self.sent.put(text)

    def abort(self):
        self.aborted.set()


class Scene:
    """A live session with heartbeats every 10 ms."""

    def __init__(self):
        self.connection = FakeConnection()
        self.deaths = []
        self.paused = False
        self.session = GatewaySession()
        self.session.opened("QQBot t")
        self.session.receive(HELLO)
        self.session.receive(READY)
        self.heartbeat = Heartbeat(
            "qqgroup-heartbeat-0",
            self.connection,
            self.session,
            paused=lambda: self.paused,
            clock=Clock(),
            on_death=self.deaths.append,
        )

    def next(self):
        """Return the next heartbeat."""
        return self.connection.sent.get(timeout=LIMIT)


@pytest.fixture
def scene():
    """Return a scene whose thread is ended afterwards."""
    scene = Scene()
    yield scene
    scene.heartbeat.stop()
    assert scene.deaths == []


def test_it_beats_as_long_as_it_is_answered(scene):
    """With the last number received, again and again."""
    scene.heartbeat.start()
    for number in range(2, 10):
        scene.session.receive(Frame(Op.DISPATCH, number, "X", {}, ""))
        scene.session.receive(ACK)
        assert scene.next().startswith('{"op":1,"d":')
    assert not scene.connection.aborted.is_set()
    assert not scene.heartbeat.found_dead


def test_two_silent_beats_end_the_connection(scene, caplog):
    """A peer that is gone without a word is noticed, and the reader is woken."""
    scene.heartbeat.start()
    assert scene.connection.aborted.wait(LIMIT)
    assert scene.heartbeat.found_dead
    assert scene.connection.sent.qsize() == 2
    assert "answers no heartbeats" in caplog.text


def test_a_paused_reader_excuses_silence(scene):
    """While a full queue holds the reader back, answers wait unread in the socket."""
    scene.paused = True
    scene.heartbeat.start()
    for _ in range(5):
        scene.next()
    assert not scene.connection.aborted.is_set()
    scene.paused = False
    assert scene.connection.aborted.wait(LIMIT)


def test_a_connection_that_breaks_under_a_beat_is_ended(scene):
    """The reader learns of it even where its own side still looks fine."""
    scene.connection.broken = True
    scene.heartbeat.start()
    assert scene.connection.aborted.wait(LIMIT)
    assert not scene.heartbeat.found_dead


def test_starting_again_is_no_error(scene):
    """READY may come twice on one connection."""
    scene.heartbeat.start()
    scene.heartbeat.start()
    names = [one.name for one in threading.enumerate()]
    assert names.count("qqgroup-heartbeat-0") == 1


def test_stopping_ends_it_at_once(scene):
    """Also with an interval of minutes, and also when it never began."""
    scene.heartbeat.stop()
    scene.session.interval = 600.0
    scene.heartbeat.start()
    scene.heartbeat.stop()
    assert "qqgroup-heartbeat-0" not in [one.name for one in threading.enumerate()]


@pytest.mark.expected_errors
def test_a_defect_is_told():
    """The process does not live on without heartbeats."""
    scene = Scene()
    scene.connection.send = None
    scene.heartbeat.start()
    scene.heartbeat._service.join(LIMIT)
    assert [type(error) for error in scene.deaths] == [TypeError]
