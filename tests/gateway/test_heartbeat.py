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
from qqgroup_sync.runtime.vigil import SLICE
from tests.waiting import LIMIT, eventually

HELLO = Frame(Op.HELLO, None, "", {"heartbeat_interval": 10}, "")
READY = Frame(Op.DISPATCH, 1, "READY", {"session_id": "S"}, "")
ACK = Frame(Op.HEARTBEAT_ACK, None, "", None, "")


class FakeConnection:
    """Keeps what is sent; can break."""

    def __init__(self):
        self.sent = queue.Queue()
        self.aborted = threading.Event()
        self.broken = False
        self.address = "192.0.2.1"

    def send(self, text):
        if self.broken:
            raise GatewayClosed("the gateway connection broke")
        self.sent.put(text)

    def abort(self):
        self.aborted.set()

    def route(self):
        return self.address


class LeapingClock(Clock):
    """The machine's clock, whose wall clock jumps when a test says so.

    Heartbeats are far apart on it: what happens in between is the point.
    """

    def __init__(self):
        self.ahead = 0.0
        self.waits = []

    def time(self):
        return super().time() + self.ahead

    def wait(self, event, seconds):
        self.waits.append(seconds)
        return event.wait(min(seconds, 0.02))


class Scene:
    """A live session with heartbeats every 10 ms."""

    def __init__(self, clock=None):
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
            clock=clock or Clock(),
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


def test_two_silent_beats_end_the_connection(scene):
    """A peer that is gone without a word is noticed, and the reader is woken."""
    scene.heartbeat.start()
    assert scene.connection.aborted.wait(LIMIT)
    assert scene.heartbeat.found_dead
    assert scene.connection.sent.qsize() == 2


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


# ---------------------------------------------------------------------- jumps of time, networks


@pytest.fixture
def calm():
    """Return a scene whose next heartbeat is an hour away, on a clock that can jump."""
    scene = Scene(LeapingClock())
    scene.session.interval = 3600.0
    scene.heartbeat.start()
    eventually(lambda: scene.heartbeat._route)
    yield scene
    scene.heartbeat.stop()
    assert scene.deaths == []


def sleep(scene):
    """Let the machine sleep for an hour: only the wall clock goes on."""
    scene.heartbeat._clock.ahead += 3600.0


def change_network(scene):
    """Give the machine another address."""
    scene.connection.address = "198.51.100.7"


@pytest.mark.parametrize("happens", [sleep, change_network])
def test_a_doubtful_connection_is_checked_at_once(calm, happens, caplog):
    """Nobody waits for the next regular heartbeat; one that is answered changes nothing."""
    caplog.set_level("INFO")
    happens(calm)
    calm.next()
    calm.session.receive(ACK)
    eventually(lambda: calm.session.answered)
    assert not calm.heartbeat.found_dead
    (record,) = caplog.records
    assert "looking whether the gateway is still there" in record.getMessage()


@pytest.mark.parametrize("happens", [sleep, change_network])
def test_a_connection_that_did_not_survive_is_left_at_once(calm, happens):
    """After one silent heartbeat, not after two regular ones."""
    happens(calm)
    calm.next()
    assert calm.connection.aborted.wait(LIMIT)
    assert calm.heartbeat.found_dead
    assert calm.connection.sent.empty()


def test_a_reader_that_is_held_back_is_no_proof(calm):
    """After a sleep with a full queue, answers wait unread."""
    calm.paused = True
    sleep(calm)
    calm.next()
    eventually(lambda: calm.heartbeat._clock.waits[-1] == SLICE)
    sleep(calm)
    calm.next()
    assert not calm.connection.aborted.is_set()


def test_a_network_that_comes_and_goes_is_not_checked_all_the_time(calm):
    """The gateway closes connections that send too fast (4008)."""
    change_network(calm)
    calm.next()
    calm.session.receive(ACK)
    calm.connection.address = "203.0.113.9"
    with pytest.raises(queue.Empty):
        calm.connection.sent.get(timeout=0.2)


def test_a_clock_of_a_test_never_jumps():
    """What a test moves forward is no sleep of the machine."""
    clock = LeapingClock()
    clock.may_jump = False
    scene = Scene(clock)
    scene.heartbeat.start()
    try:
        clock.ahead += 3600.0
        for _ in range(3):
            scene.next()
            scene.session.receive(ACK)
        assert not scene.heartbeat.found_dead
    finally:
        scene.heartbeat.stop()
