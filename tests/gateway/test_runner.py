"""The one loop that reconnects: it comes back after everything, and ends when told."""

from __future__ import annotations

import queue
import threading
import time
from urllib.parse import urlsplit

import pytest

from qqgroup_sync.errors import AuthError, Forbidden, GatewayRejected, RateLimited, TransportError
from qqgroup_sync.gateway import runner as runner_module
from qqgroup_sync.gateway.frames import DEFAULT_INTENTS, Intents
from qqgroup_sync.gateway.runner import (
    HANDSHAKE,
    HASTY,
    LONG_WAIT,
    LOOK_EVERY,
    STABLE,
    GatewayRunner,
)
from qqgroup_sync.gateway.session import ASK_AGAIN, GatewaySession
from qqgroup_sync.runtime.backoff import STEPS, Backoff
from qqgroup_sync.runtime.clock import Clock, Deadline
from tests.clocks import ScaledClock
from tests.gateway.scripted import LIMIT, ScriptedGateway
from tests.waiting import eventually

AT_ONCE = 1.0  # seconds in which a stop has to be done


class FakeToken:
    """Gives tokens with numbers; the number rises when one is refused."""

    def __init__(self):
        self.number = 1
        self.refused = []
        self.failures = []

    def header(self):
        if self.failures:
            raise self.failures.pop(0)
        return f"QQBot {self.number}"

    def refuse(self, header):
        self.refused.append(header)
        self.number += 1


class FakeDiscovery:
    """Knows one URL, and lets sessions start unless told to wait."""

    def __init__(self, url):
        self.address = url
        self.failures = []
        self.waits = []
        self.doubts = 0
        self.used_up = False

    def url(self):
        if self.failures:
            raise self.failures.pop(0)
        return self.address

    def doubt(self):
        self.doubts += 1

    def reserve_start(self):
        return self.waits.pop(0) if self.waits else 0.0


class Ear:
    """Hears what the runner tells."""

    def __init__(self):
        self.told = queue.Queue()
        self.troubles = []
        self.frames = queue.Queue()
        self.heard = threading.Semaphore(0)
        self.on_frame = lambda _frame: None

    def shard_away(self, session, why, retry_in, trouble=None):
        self.troubles.append(trouble)
        self.told.put(("away", why, retry_in))

    def shard_live(self, session, *, resumed, user):
        self.told.put(("resumed" if resumed else "ready", session.session_id, user))

    def shard_heard(self, session):
        self.heard.release()

    def deliver(self, session, frame):
        self.frames.put(frame.s)
        self.on_frame(frame)

    def failed(self, error):
        self.told.put(("failed", error))

    def next(self, kind):
        """Return what is told next, which has to be of that kind."""
        told = self.told.get(timeout=LIMIT)
        assert told[0] == kind, told
        return told[1:]


class Scene:
    """A runner and everything around it."""

    def __init__(self, url, clock):
        self.token, self.discovery, self.ear = FakeToken(), FakeDiscovery(url), Ear()
        self.clock = clock
        self.session = GatewaySession()
        self.stopping = threading.Event()
        self.paused = False
        self.prepare = None
        self.backoff = None
        self.runner = None

    def start(self):
        """Start the runner."""
        self.runner = GatewayRunner(
            self.session,
            token=self.token,
            discovery=self.discovery,
            listener=self.ear,
            paused=lambda: self.paused,
            clock=self.clock,
            stop=self.stopping,
            prepare=self.prepare,
        )
        self.runner._backoff = self.backoff or self.runner._backoff
        self.runner.service.start()
        return self

    def stop(self, within=LIMIT):
        """Stop it; return whether it ended in time."""
        self.stopping.set()
        return self.runner is None or self.runner.service.stop(Deadline(Clock(), within))


@pytest.fixture
def clock():
    """Return a clock twenty times as fast as the machine's: the first retry comes after 10 ms."""
    return ScaledClock(20)


@pytest.fixture
def scene(gateway, clock):
    """Return a scene on the scripted gateway; its runner is stopped at the end."""
    scene = Scene(gateway.url, clock)
    yield scene
    assert scene.stop()


@pytest.fixture
def live(scene, gateway):
    """Return the peer of a session that has just begun."""
    scene.start()
    peer = gateway.accept()
    peer.ready()
    scene.ear.next("ready")
    return peer


# ---------------------------------------------------------------------- the way in


def test_it_identifies_and_delivers(scene, gateway):
    """From the first connection to the events, in order."""
    peer = scene.start() and gateway.accept()
    identify = peer.ready("S1")
    assert identify == {"token": "QQBot 1", "intents": int(DEFAULT_INTENTS), "shard": [0, 1]}
    assert scene.ear.next("ready") == ("S1", {"id": "9", "username": "R"})
    for number in range(2, 30):
        peer.push(number)
    assert [scene.ear.frames.get(timeout=LIMIT) for _ in range(28)] == list(range(2, 30))


def test_heartbeats_begin_with_the_session(scene, gateway):
    """Before READY they are never answered; afterwards they carry what was received."""
    peer = scene.start() and gateway.accept()
    peer.send(10, {"heartbeat_interval": 200})  # 10 ms on this clock
    peer.expect(2)
    with pytest.raises(queue.Empty):
        peer.heartbeats.get(timeout=0.05)
    peer.push(1, "READY", {"session_id": "S1"})
    peer.push(7)
    scene.ear.frames.get(timeout=LIMIT)
    eventually(lambda: peer.heartbeats.get(timeout=LIMIT) == 7)
    assert scene.ear.heard.acquire(timeout=LIMIT)


def test_a_session_of_an_earlier_process_is_resumed(scene, gateway):
    """The events that came meanwhile are delivered before the shard counts as live."""
    scene.session = GatewaySession(session_id="S0", received=41)
    peer = scene.start() and gateway.accept()
    peer.send(10, {"heartbeat_interval": 45_000})
    assert peer.expect(6) == {"token": "QQBot 1", "session_id": "S0", "seq": 41}
    peer.push(42)
    assert scene.ear.frames.get(timeout=LIMIT) == 42
    assert scene.ear.told.empty()
    peer.send(0, "", s=43, t="RESUMED")
    assert scene.ear.next("resumed") == ("S0", {})


def test_shards_are_counted_once_before_the_first_identify(scene, gateway):
    """Automatic shards: the count is known when the first one identifies, and not asked again."""
    calls = []

    def prepare():
        calls.append(None)
        scene.session.shard = (0, 3)

    scene.prepare = prepare
    peer = scene.start() and gateway.accept()
    assert peer.ready()["shard"] == [0, 3]
    peer.close(4006)
    assert gateway.accept().ready()["shard"] == [0, 3]
    assert len(calls) == 1


def test_it_waits_for_its_turn_to_start_a_session(scene, gateway, clock):
    """Identifies are paced, and a daily limit that is used up is told."""
    clock.speed = 1000
    scene.discovery.waits = [5.0, LONG_WAIT + 1]
    scene.start()
    why, wait = scene.ear.next("away")
    assert "used up" in why
    assert wait == LONG_WAIT + 1
    gateway.accept().ready()


def test_a_long_wait_for_its_turn_asks_again_meanwhile(scene, gateway, monkeypatch):
    """The limit may be raised; and the token and the address of hours ago are worth nothing."""
    monkeypatch.setattr(runner_module, "FRESH", 2.0)
    scene.discovery.waits = [1e9]
    scene.start()
    scene.ear.next("away")
    scene.token.number = 2
    assert gateway.accept().ready()["token"] == "QQBot 2"


# ---------------------------------------------------------------------- the way back


WAYS = {
    "op 7": lambda peer: peer.send(7),
    "op 7, then 4009": lambda peer: (peer.send(7), peer.close(4009, "Session timed out")),
    "op 9 true": lambda peer: peer.send(9, True),
    "1000": lambda peer: peer.close(1000),
    "4009": lambda peer: peer.close(4009, "Session timed out"),
    "FIN": lambda peer: peer.drop(),
    "RST": lambda peer: peer.reset(),
}


@pytest.mark.parametrize("way", WAYS)
def test_it_comes_back_and_resumes(scene, gateway, live, way):
    """With the last number received, once, and without a stop in between."""
    live.push(5)
    scene.ear.frames.get(timeout=LIMIT)
    WAYS[way](live)
    _, retry_in = scene.ear.next("away")
    assert retry_in <= STEPS[0] * 1.25
    peer = gateway.accept()
    assert peer.resumed(s=6) == {"token": "QQBot 1", "session_id": "S1", "seq": 5}
    scene.ear.next("resumed")
    peer.push(7)
    assert scene.ear.frames.get(timeout=LIMIT) == 7
    assert gateway.idle
    assert scene.ear.told.empty()
    assert not peer.heartbeats.qsize()


LOST = {
    "op 9 false": lambda peer: peer.send(9, False),
    "4006": lambda peer: peer.close(4006),
    "4007": lambda peer: peer.close(4007),
    "4900": lambda peer: peer.close(4900),
}


@pytest.mark.parametrize("way", LOST)
def test_it_comes_back_with_a_new_session_when_the_old_is_lost(scene, gateway, live, way):
    """What cannot be resumed is not tried."""
    LOST[way](live)
    scene.ear.next("away")
    gateway.accept().ready("S2")
    assert scene.ear.next("ready")[0] == "S2"
    assert gateway.idle


def test_a_refused_token_is_replaced(scene, gateway, live):
    """4004: the same token again would be refused again."""
    live.close(4004)
    assert gateway.accept().ready()["token"] == "QQBot 2"
    assert scene.token.refused == ["QQBot 1"]


def test_the_current_token_is_taken_each_time(scene, gateway, live):
    """The one of the first connection has long expired."""
    scene.token.number = 5
    live.close(4009)
    assert gateway.accept().resumed()["token"] == "QQBot 5"


def test_a_forbidden_intent_is_given_up(scene, gateway):
    """And the reason says which."""
    peer = scene.start() and gateway.accept()
    peer.send(10, {"heartbeat_interval": 45_000})
    peer.expect(2)
    peer.close(4014)
    assert "GROUP_MEMBER" in scene.ear.next("away")[0]
    wanted = int(DEFAULT_INTENTS & ~Intents.GROUP_MEMBER)
    assert gateway.accept().ready()["intents"] == wanted


def test_an_intent_that_went_with_doubtful_refusals_comes_back(scene, gateway, clock):
    """A gateway in trouble refuses every Identify; hours later a new session asks for all."""
    scene.start()
    for _ in range(2):
        peer = gateway.accept()
        peer.send(10, {"heartbeat_interval": 45_000})
        peer.expect(2)
        peer.send(9, False)
    assert scene.discovery.doubts  # it might be that the session starts are used up
    peer = gateway.accept()
    assert peer.ready()["intents"] == int(DEFAULT_INTENTS & ~Intents.GROUP_MEMBER)
    peer.push(2)
    scene.ear.frames.get(timeout=LIMIT)
    clock.advance(ASK_AGAIN)
    peer.close(4006)
    assert gateway.accept().ready()["intents"] == int(DEFAULT_INTENTS)


def test_refusals_after_the_last_start_of_the_day_cost_no_intent(scene, gateway):
    """They tell nothing about rights."""
    scene.discovery.used_up = True
    scene.start()
    for _ in range(3):
        peer = gateway.accept()
        peer.send(10, {"heartbeat_interval": 45_000})
        assert peer.expect(2)["intents"] == int(DEFAULT_INTENTS)
        peer.send(9, False)


def test_without_a_thread_for_the_heartbeats_it_tries_again(scene, gateway, monkeypatch):
    """The system gives none for a while; the bot outlives that."""
    real = threading.Thread.start

    def start(thread):
        if thread.name.startswith("qqgroup-heartbeat"):
            raise RuntimeError("can't start new thread")
        real(thread)

    scene.start()
    peer = gateway.accept()
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", start)
        peer.ready()
        assert "no thread for the heartbeats" in scene.ear.next("away")[0]
    gateway.accept().resumed()
    scene.ear.next("resumed")


def test_a_replay_takes_as_long_as_the_handlers(scene, gateway, clock):
    """Behind a full queue each event may wait; the patience is for a gateway that says nothing."""
    scene.session = GatewaySession(session_id="S0", received=0)
    scene.ear.on_frame = lambda _frame: clock.advance(HANDSHAKE + 1)
    peer = scene.start() and gateway.accept()
    peer.send(10, {"heartbeat_interval": 45_000})
    peer.expect(6)
    for number in range(1, 4):
        peer.push(number)
        assert scene.ear.frames.get(timeout=LIMIT) == number
        with pytest.raises(queue.Empty):
            scene.ear.told.get(timeout=0.05)
    peer.send(0, "", s=4, t="RESUMED")
    scene.ear.next("resumed")
    assert gateway.idle


def test_silence_is_noticed(scene, gateway):
    """A gateway that answers no heartbeats is left although its connection looks open."""
    peer = scene.start() and gateway.accept()
    peer.answers = False
    peer.ready(interval=400)
    scene.ear.next("ready")
    assert "no heartbeats" in scene.ear.next("away")[0]
    gateway.accept().resumed()
    assert peer.heartbeats.qsize() == 2


def test_overload_excuses_silence(scene, gateway):
    """While the queue is full nobody reads the answers; the connection is kept."""
    scene.paused = True
    peer = scene.start() and gateway.accept()
    peer.answers = False
    peer.ready(interval=200)
    for _ in range(5):
        peer.heartbeats.get(timeout=LIMIT)
    assert gateway.idle
    scene.paused = False
    gateway.accept().resumed()


def test_heartbeats_go_on_while_a_delivery_blocks(scene, gateway):
    """A full queue holds the reader back, not the session."""
    go_on = threading.Event()
    scene.ear.on_frame = lambda _frame: go_on.wait(LIMIT)
    scene.paused = True
    peer = scene.start() and gateway.accept()
    peer.ready(interval=200)
    peer.push(2)
    peer.push(3)
    scene.ear.frames.get(timeout=LIMIT)
    while peer.heartbeats.qsize():
        peer.heartbeats.get()
    for _ in range(3):
        peer.heartbeats.get(timeout=LIMIT)
    assert scene.ear.frames.empty()
    go_on.set()
    assert scene.ear.frames.get(timeout=LIMIT) == 3


@pytest.mark.parametrize(
    "text", ["", "no JSON", "[]", '{"op": "x"}', b"\xff\xfe", '{"op": 10, "d": null}', "null"]
)
def test_nonsense_is_ignored(scene, live, text):
    """One bad frame costs no connection."""
    live.say(text)
    live.push(2)
    assert scene.ear.frames.get(timeout=LIMIT) == 2


@pytest.mark.parametrize("again", ["RESUMED", "READY"])
def test_a_second_beginning_is_no_defect(scene, live, again):
    """The bot does not end because the gateway repeats itself."""
    live.push(2, again, {"session_id": "S1"})
    live.push(3)
    assert scene.ear.frames.get(timeout=LIMIT) == 3
    assert scene.runner.service.alive


def test_a_ping_of_the_transport_changes_nothing(scene, live):
    """Some proxies send them."""
    live.ping()
    live.push(2)
    assert scene.ear.frames.get(timeout=LIMIT) == 2
    assert scene.ear.told.empty()


@pytest.mark.parametrize("pings", [False, True])
def test_a_gateway_that_never_gets_ready_is_left(scene, gateway, clock, monkeypatch, pings):
    """Also when it pings all the while."""
    clock.speed = 1
    monkeypatch.setattr(runner_module, "HANDSHAKE", 0.2)
    peer = scene.start() and gateway.accept()
    peer.send(10, {"heartbeat_interval": 45_000})
    over = threading.Event()

    def ping():
        while not over.wait(0.02):
            peer.ping()

    pinger = threading.Thread(target=ping if pings else over.wait)
    pinger.start()
    try:
        assert "no READY" in scene.ear.next("away")[0]
    finally:
        over.set()
        pinger.join(LIMIT)
    gateway.accept()


# ---------------------------------------------------------------------- patience


def test_an_outage_is_asked_about_ever_more_rarely(clock, dead_url):
    """And the address is doubted: the gateway may have moved."""
    scene = Scene(dead_url, clock).start()
    try:
        waits = [scene.ear.next("away")[1] for _ in range(4)]
    finally:
        assert scene.stop()
    for wait, step in zip(waits, STEPS, strict=False):
        assert step <= wait <= step * 1.25
    assert scene.discovery.doubts >= 4


class JumpingClock(Clock):
    """The machine's clock, on which a test can let the machine sleep."""

    def __init__(self):
        self.slept = 0.0

    def time(self):
        return super().time() + self.slept


def patient(url, clock):
    """Return a scene whose runner, once it has failed, would try again in a quarter of an hour."""
    scene = Scene(url, clock)
    scene.backoff = Backoff((1000.0,))
    return scene


def test_the_return_of_the_network_ends_a_wait(dead_url):
    """Within two seconds, however long the outage was and the next try would be away."""
    scene = patient(dead_url, Clock()).start()
    try:
        assert scene.ear.next("away")[1] >= 1000.0
        eventually(lambda: scene.runner._outage.missing)
        gateway = ScriptedGateway(port=urlsplit(dead_url).port)
        began = time.monotonic()
        try:
            peer = gateway.accept()
            assert time.monotonic() - began < 2 * LOOK_EVERY
            peer.ready()
            scene.ear.next("ready")
            assert not scene.runner._outage.missing
        finally:
            gateway.stop()
    finally:
        assert scene.stop()


def test_a_platform_that_answers_by_refusals_is_not_hammered_on(gateway):
    """It can be reached: then only the back-off says when to try again."""
    gateway.status = 503
    scene = patient(gateway.url, ScaledClock(20)).start()
    try:
        scene.ear.next("away")
        with pytest.raises(queue.Empty):
            scene.ear.told.get(timeout=0.5)  # ten seconds on this clock
    finally:
        assert scene.stop()


def test_a_sleep_of_the_machine_ends_a_wait(dead_url):
    """Whoever opens his laptop again does not wait for a minute."""
    clock = JumpingClock()
    scene = patient(dead_url, clock).start()
    try:
        scene.ear.next("away")
        clock.slept += 3600.0
        scene.ear.next("away")
    finally:
        assert scene.stop()


def test_no_network_is_told_with_a_remedy(dead_url, clock):
    """What is told says what happened and what to do."""
    scene = Scene(dead_url, clock).start()
    try:
        why, _ = scene.ear.next("away")
        assert "ConnectionRefusedError" in why
        assert "network" in scene.ear.troubles[0].remedy
    finally:
        assert scene.stop()


def test_a_refused_upgrade_is_tried_again(scene, gateway):
    """A gateway that is being restarted answers 503 for a while."""
    gateway.status = 503
    scene.start()
    assert "503" in scene.ear.next("away")[0]
    gateway.status = None
    gateway.accept().ready()


def test_a_stable_session_ends_the_back_off(scene, gateway, clock):
    """After hours on line the next loss is mended as quickly as the first."""
    gateway.status = 503
    scene.start()
    waits = [scene.ear.next("away")[1] for _ in range(3)]
    assert waits[-1] >= STEPS[2]
    gateway.status = None
    peer = gateway.accept()
    peer.ready()
    scene.ear.next("ready")
    clock.advance(STABLE)
    peer.drop()
    assert scene.ear.next("away")[1] <= STEPS[0] * 1.25


def test_sessions_that_break_at_once_are_not_tried_for_ever_in_haste(scene, gateway):
    """Tight loops of READY and close make the platform refuse tokens."""
    scene.start()
    waits = []
    for attempt in range(HASTY):
        peer = gateway.accept()
        peer.ready() if attempt == 0 else peer.resumed()
        peer.drop()
        scene.ear.told.get(timeout=LIMIT)
        waits.append(scene.ear.next("away")[1])
    assert waits[-1] == LONG_WAIT
    assert max(waits[:-1]) < LONG_WAIT


def test_waiting_for_its_turn_makes_no_session_stable(scene, gateway, clock):
    """Shards wait for each other: what counts is how long the session itself was live."""
    scene.discovery.reserve_start = lambda: clock.advance(STABLE) or 0.0
    scene.start()
    waits = []
    for _ in range(HASTY):
        peer = gateway.accept()
        peer.ready()
        scene.ear.next("ready")
        peer.close(4900)
        waits.append(scene.ear.next("away")[1])
    assert waits[-1] == LONG_WAIT
    assert waits == sorted(waits)


def test_sending_too_fast_is_answered_by_patience(scene, live):
    """4008: a minute."""
    live.close(4008)
    assert scene.ear.next("away")[1] == 60.0


@pytest.mark.parametrize(("retry_after", "wait"), [(17.0, 17.0), (None, LONG_WAIT)])
def test_a_rate_limit_on_the_way_is_respected(scene, gateway, retry_after, wait):
    """As long as the platform says; else a minute."""
    scene.discovery.failures = [RateLimited(status=429, retry_after=retry_after)]
    scene.start()
    assert scene.ear.next("away")[1] == wait


@pytest.mark.parametrize(
    "error",
    [
        TransportError("POST /app/getAppAccessToken: no answer"),
        AuthError(status=401, code=11244),
        AuthError(status=401),
        Forbidden(status=403),
    ],
)
def test_what_may_pass_is_waited_for(scene, gateway, error):
    """No answer, a token that has not arrived everywhere, a page of some proxy."""
    scene.token.failures = [error]
    scene.start()
    assert scene.ear.next("away")[0] == error.summary
    gateway.accept().ready()


# ---------------------------------------------------------------------- the end


@pytest.mark.parametrize(
    "error",
    [
        AuthError(status=200, code=100016),
        AuthError(status=401, code=11298, err_code=40023002),
        Forbidden(status=403, code=11254),
    ],
)
def test_a_refusal_for_good_ends_it(scene, error):
    """Trying again would change nothing; the reason is told."""
    scene.token.failures = [error]
    scene.start()
    assert scene.ear.next("failed") == (error,)
    assert scene.runner.service.join(LIMIT)


@pytest.mark.parametrize("code", [4001, 4010, 4914, 4915])
def test_a_fatal_close_ends_it(scene, gateway, live, code):
    """With the close code, and without another connection."""
    live.close(code)
    (error,) = scene.ear.next("failed")
    assert isinstance(error, GatewayRejected)
    assert error.code == code
    assert scene.runner.service.join(LIMIT)
    assert gateway.idle


def test_a_defect_ends_it_loudly(scene, live, expected_errors):
    """A listener that raises unexpectedly is told like a fatal refusal: nobody lives on deaf."""
    defect = ZeroDivisionError("a defect")

    def fail(_frame):
        raise defect

    scene.ear.on_frame = fail
    live.push(2)
    assert scene.ear.next("failed") == (defect,)
    assert scene.runner.service.join(LIMIT)
    assert expected_errors


def stops_at_once(scene):
    """Stop the runner; return whether it took no longer than allowed."""
    began = time.monotonic()
    return scene.stop(AT_ONCE) and time.monotonic() - began < AT_ONCE


def test_it_stops_at_once_when_live_and_silent(scene, live):
    """The reader is blocked, the peer says nothing."""
    assert stops_at_once(scene)
    assert scene.ear.told.empty()
    assert not [one for one in threading.enumerate() if one.name.startswith("qqgroup-heartbeat")]


def test_it_stops_at_once_before_ready(scene, gateway):
    """The gateway has greeted, but never answers the Identify."""
    peer = scene.start() and gateway.accept()
    peer.send(10, {"heartbeat_interval": 45_000})
    peer.expect(2)
    assert stops_at_once(scene)


def test_it_stops_at_once_during_the_upgrade(mute, clock):
    """The port answers TCP and nothing else."""
    scene = Scene(f"ws://127.0.0.1:{mute.getsockname()[1]}", clock).start()
    with mute.accept()[0] as sock:
        sock.recv(4096)
        assert stops_at_once(scene)


def test_it_stops_at_once_during_a_wait(clock, dead_url):
    """Back-off is no reason to hang."""
    clock.speed = 0.001  # a wait of a fifth of a second takes minutes
    scene = Scene(dead_url, clock).start()
    scene.ear.next("away")
    assert stops_at_once(scene)


def test_it_stops_at_once_while_it_waits_for_its_turn(scene):
    """The daily limit may be used up for hours."""
    scene.discovery.waits = [1e9]
    scene.start()
    scene.ear.next("away")
    assert stops_at_once(scene)


def test_it_does_not_begin_after_the_stop(scene, gateway):
    """A stop before the thread ran is a stop."""
    scene.stopping.set()
    scene.start()
    assert scene.runner.service.join(LIMIT)
    assert gateway.idle


def test_stopping_says_no_goodbye(scene, gateway, live):
    """After a close frame the platform would end the session that the next start resumes."""
    scene.stop()
    assert live.ended.wait(LIMIT)
    assert live.close_code == 1006
