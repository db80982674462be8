"""The gateway, spoken to by another WebSocket implementation."""

import json
import socket
import struct
import threading

import pytest
from websockets.exceptions import InvalidStatus

from qqgroup_sync.simulator.simulator import Simulator

from .bot import APPID, INTENTS, Bot, open_websocket


def test_hello_then_ready(sim, bot):
    """HELLO comes first, READY has number 1."""
    wire = bot.connect()
    assert wire.hello == {"op": 10, "d": {"heartbeat_interval": 41250}}
    ready = wire.identify(bot.token)
    assert (ready["s"], ready["t"], ready["d"]["shard"]) == (1, "READY", [0, 1])
    sim.gateway.wait_live(timeout=0)


def test_events_and_replies(sim, bot):
    """A message arrives, its answer is in the group."""
    wire = bot.connect(identify=True)
    group = sim.platform.group("g")
    group.member("Ming").say("hello")
    event = wire.read()
    assert (event["s"], event["t"]) == (2, "GROUP_AT_MESSAGE_CREATE")
    bot.say(group, "hi", msg_id=event["d"]["id"])
    assert group.next_reply().text == "hi"


def test_heartbeat_is_acknowledged_only_after_ready(sim, bot):
    """Heartbeat is acknowledged only after ready."""
    wire = bot.connect()
    wire.write(1)
    assert wire.identify(bot.token)["t"] == "READY"
    wire.write(1, 1)
    assert wire.read() == {"op": 11}
    (session,) = sim.platform.sessions.live()
    assert session.heartbeat == 1


def test_first_frame_must_identify(bot):
    """Anything but Identify, Resume or a heartbeat first is 4001."""
    wire = bot.connect()
    wire.write(5)
    assert wire.close_code() == 4001


@pytest.mark.parametrize("text", ["nonsense", "[]", "{}", '"x"', '{"op":2,"d":[]}', "[" * 100_000])
def test_nonsense_is_closed(bot, text):
    """What is not a frame is closed with 4002."""
    wire = bot.connect()
    wire.websocket.send(text)
    assert wire.close_code() == 4002


@pytest.mark.parametrize(
    "text",
    [
        '{"op":"' + "x" * 200 + '"}',
        '{"op":[]}',
        '{"op":NaN}',
        '{"op":1,"d":"\\ud800"}',
        '{"op":1,"d":1e999}',
    ],
)
def test_frames_that_could_not_be_shown_are_closed(sim, bot, text):
    """Also on a live connection; nobody who watches sees them."""
    seen = []
    sim.platform.subscribe(lambda _kind, frame: seen.append(frame.text), ["frame"])
    wire = bot.connect(identify=True)
    wire.websocket.send(text)
    assert wire.close_code() == 4002
    assert text not in seen


def test_long_refusals_are_cut(bot):
    """What a client wrote is told back as far as there is room for it."""
    wire = bot.connect()
    wire.write(2, {"token": f"QQBot {bot.token}", "intents": 1, "shard": "好" * 60})
    assert wire.close_code() == 4010
    session_id = bot.connect(identify=True).ready["d"]["session_id"]
    wire = bot.connect()
    wire.resume(bot.token, session_id, 10**150)
    assert wire.close_code() == 4007


def test_half_a_character_in_an_event_becomes_a_question_mark(sim, bot):
    """The connection goes on."""
    wire = bot.connect(identify=True)
    sim.platform.emit(None, "SOMETHING_NEW", {"x": "a\ud800"})
    assert wire.read()["d"] == {"x": "a?"}
    sim.gateway.server_heartbeat()
    assert wire.read() == {"op": 1}


def test_a_banned_bot_resumes_nothing(sim, bot):
    """A token of before the ban does not help."""
    wire = bot.connect(identify=True)
    sim.gateway.close(4009)
    wire.close_code()
    sim.platform.register_bot(APPID, banned=True)
    again = bot.connect()
    again.resume(bot.token, wire.ready["d"]["session_id"], 1)
    assert again.close_code() == 4915


def test_second_identify_on_one_connection_is_closed(bot):
    """Second identify on one connection is closed."""
    wire = bot.connect(identify=True)
    wire.write(2, {"token": f"QQBot {bot.token}", "intents": INTENTS})
    assert wire.close_code() == 4001


def test_wrong_token(sim, bot):
    """A wrong token is op 9 and 4903, or plain 4004, as the rule says."""
    wire = bot.connect()
    assert wire.identify("wrong") == {"op": 9, "d": False}
    assert wire.close_code() == 4903
    sim.platform.change_rules(wrong_token=4004)
    wire = bot.connect()
    wire.write(2, {"token": f"Bot {APPID}.{bot.token}", "intents": INTENTS})
    assert wire.close_code() == 4004


def test_whitelist_holds_for_the_gateway(sim, bot):
    """Whitelist holds for the gateway."""
    sim.platform.change_rules(ip_whitelist=frozenset())
    wire = bot.connect()
    assert wire.identify(bot.token)["op"] == 9
    assert wire.close_code() == 4903


@pytest.mark.parametrize(
    ("intents", "shard", "code"),
    [(1 << 3, (0, 1), 4013), (1 << 9, (0, 1), 4014), (INTENTS, (2, 1), 4010)],
)
def test_identify_refusals(bot, intents, shard, code):
    """Invalid bits, forbidden bits and bad shards have their close codes."""
    wire = bot.connect()
    d = {"token": f"QQBot {bot.token}", "intents": intents, "shard": list(shard)}
    wire.write(2, d)
    assert wire.close_code() == code


def test_resume(sim, bot):
    """What was missed comes before RESUMED, and numbering goes on."""
    wire = bot.connect(identify=True)
    ming = sim.platform.group("g").member("Ming")
    ming.say("one")
    assert wire.read()["s"] == 2
    wire.websocket.close()
    sim.gateway.wait_gone()
    ming.say("two")
    ming.say("three")
    wire2 = bot.connect()
    wire2.resume(bot.token, wire.ready["d"]["session_id"], 2)
    frames = wire2.read_until("RESUMED")
    assert [frame["s"] for frame in frames] == [3, 4, 5]
    assert frames[-1]["d"] == ""
    ming.say("four")
    assert wire2.read()["s"] == 6
    wire2.write(1, 6)
    assert wire2.read() == {"op": 11}


def test_resume_with_the_bare_token(sim, bot):
    """A Resume may carry the token without its prefix (3.3)."""
    wire = bot.connect(identify=True)
    wire.websocket.close()
    sim.gateway.wait_gone()
    wire2 = bot.connect()
    d = {"token": bot.token, "session_id": wire.ready["d"]["session_id"], "seq": 1}
    wire2.write(6, d)
    assert wire2.read()["t"] == "RESUMED"


def test_unknown_session_leaves_the_connection_for_an_identify(bot):
    """Unknown session leaves the connection for an identify."""
    wire = bot.connect()
    wire.resume(bot.token, "unknown", 1)
    assert wire.read() == {"op": 9, "d": False}
    assert wire.identify(bot.token)["t"] == "READY"


def test_unknown_session_can_be_closed(sim, bot):
    """Unknown session can be closed."""
    sim.platform.change_rules(unknown_session=4006)
    wire = bot.connect()
    wire.resume(bot.token, "unknown", 1)
    assert wire.close_code() == 4006


def test_bad_seq(sim, bot):
    """A number the session never reached is 4007."""
    wire = bot.connect(identify=True)
    wire2 = bot.connect()
    wire2.resume(bot.token, wire.ready["d"]["session_id"], 99)
    assert wire2.close_code() == 4007


def test_second_session_kicks_the_first(sim, bot):
    """Second session kicks the first."""
    first = bot.connect(identify=True)
    second = bot.connect(identify=True)
    assert first.close_code() == 4902
    sim.platform.group("g").member("Ming").say("x")
    assert second.read()["t"] == "GROUP_AT_MESSAGE_CREATE"
    assert len(sim.platform.sessions.live()) == 1


def test_shards_share_the_groups(sim, bot):
    """Each group belongs to one of two shards."""
    wires = [bot.connect(identify=True, shard=(index, 2)) for index in (0, 1)]
    sim.gateway.wait_live(2)
    for number in range(8):
        sim.platform.group(f"g{number}").member("Ming").say("x")
    sim.platform.emit(None, "GROUP_ADD_ROBOT", {})  # about nothing: both shards hash it alike
    counts = [json.loads(wire.websocket.recv(timeout=5))["s"] for wire in wires]
    assert counts == [2, 2]


def test_missing_heartbeats_time_out():
    """Without heartbeats, or without Identify, comes 4009."""
    with Simulator(heartbeat_interval=0.05) as sim, Bot(sim) as bot:
        assert bot.connect(identify=True).close_code() == 4009
        assert bot.connect().close_code() == 4009
        sim.gateway.wait_gone()


def test_heartbeats_keep_alive():
    """A client that sends heartbeats stays connected."""
    with Simulator(heartbeat_interval=0.3) as sim, Bot(sim) as bot:
        wire = bot.connect(identify=True)
        for _ in range(7):
            with pytest.raises(TimeoutError):
                wire.read(timeout=0.1)
            wire.write(1, 1)
            assert wire.read() == {"op": 11}
        sim.gateway.wait_live(timeout=0)


def test_fragmented_and_binary_frames_are_understood(bot):
    """Fragmented and binary frames are understood."""
    wire = bot.connect()
    text = json.dumps({"op": 2, "d": {"token": f"QQBot {bot.token}", "intents": INTENTS}})
    wire.websocket.send([text[:10], text[10:30], text[30:]])
    assert wire.read()["t"] == "READY"
    wire.websocket.send(json.dumps({"op": 1, "d": 1}).encode())
    assert wire.read() == {"op": 11}


def test_transport_pings_are_answered(bot):
    """Transport pings are answered."""
    wire = bot.connect(identify=True)
    assert wire.websocket.ping().wait(5)


@pytest.mark.parametrize(("path", "status"), [("/elsewhere", 404), ("/websocket", None)])
def test_path(sim, path, status):
    """The gateway lives at /websocket, with or without a slash."""
    url = sim.gateway_url.replace("/websocket/", path)
    if status is None:
        with open_websocket(url) as websocket:
            assert json.loads(websocket.recv(timeout=5))["op"] == 10
    else:
        with pytest.raises(InvalidStatus) as caught, open_websocket(url):
            pass
        assert caught.value.response.status_code == status


def test_foreign_host_is_refused(sim):
    """Foreign host is refused."""
    headers = {"Host": "evil.example"}
    with pytest.raises(InvalidStatus) as caught:
        _raw_handshake(sim, headers)
    assert caught.value.response.status_code == 421


def _raw_handshake(sim, headers):
    """Connect under another name: websockets writes the Host header from the URL."""
    host, port = sim.gateway_url.split("/")[2].split(":")
    sock = socket.create_connection((host, int(port)))
    with open_websocket(f"ws://{headers['Host']}/websocket/", sock=sock):
        pass


def test_wait_live_tells_how_many(sim, bot):
    """wait_live and wait_gone tell how many sessions there are."""
    bot.connect(identify=True)
    sim.gateway.wait_live(appid=APPID)
    with pytest.raises(AssertionError, match="1 of 2"):
        sim.gateway.wait_live(2, timeout=0)
    with pytest.raises(AssertionError, match="0 of 1"):
        sim.gateway.wait_live(1, timeout=0, appid="other")
    with pytest.raises(AssertionError, match="still live"):
        sim.gateway.wait_gone(timeout=0)


def test_frames_are_reported(sim, bot):
    """Observers see every frame in both directions."""
    frames = []
    sim.platform.subscribe(lambda kind, record: frames.append(record) if kind == "frame" else None)
    wire = bot.connect(identify=True)
    wire.write(1, 1)
    wire.read()
    wire.websocket.close()
    sim.gateway.wait_gone()
    seen = [(frame.direction, json.loads(frame.text)["op"]) for frame in frames]
    assert sorted(seen) == [("in", 1), ("in", 2), ("out", 0), ("out", 10), ("out", 11)]
    assert frames[-1].appid == APPID


def test_client_that_does_not_read_is_cut_and_may_resume():
    """Client that does not read is cut and may resume."""
    with Simulator(outbox_limit=100, replay_limit=100_000) as sim, Bot(sim) as bot:
        wire = bot.connect(identify=True)
        ming = sim.platform.group("g").member("Ming")
        extra = {"padding": "x" * 20_000}
        count = 0
        while sim.platform.sessions.live():
            ming.say(str(count), extra=extra)
            count += 1
            assert count < 20_000
        assert sim.platform.stats["slow_connections"] >= 1
        wire2 = bot.connect()
        wire2.resume(bot.token, wire.ready["d"]["session_id"], count)
        # The replay itself is longer than the outbox only if more than 100 are missing.
        frames = wire2.read_until("RESUMED")
        assert [frame["s"] for frame in frames] == [count + 1, count + 2]


def test_thousands_of_events_arrive_in_order(sim, bot):
    """Thousands of events arrive in order."""
    wire = bot.connect(identify=True)
    ming = sim.platform.group("g").member("Ming")

    def talk():
        for number in range(3000):
            ming.say(str(number))

    thread = threading.Thread(target=talk)
    thread.start()
    for number in range(3000):
        frame = wire.read()
        assert frame["s"] == number + 2
        assert frame["d"]["content"] == f" {number}"
    thread.join()


def test_vanished_client_leaves_a_resumable_session(sim, bot):
    """Vanished client leaves a resumable session."""
    wire = bot.connect(identify=True)
    raw = wire.websocket.socket
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raw.shutdown(socket.SHUT_RD)
    wire.websocket.recv_events_thread.join(5)
    sim.gateway.wait_gone()
    wire2 = bot.connect()
    wire2.resume(bot.token, wire.ready["d"]["session_id"], 1)
    assert wire2.read()["t"] == "RESUMED"
