"""What goes wrong at the gateway when it is asked for."""

import pytest
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from .bot import INTENTS, Bot


@pytest.fixture
def wire(bot):
    """A connection that is READY."""
    return bot.connect(identify=True)


@pytest.fixture
def ming(sim):
    """A member of a group."""
    return sim.platform.group("g").member("Ming")


def resumed(bot, wire, seq=1):
    """Resume on a new connection and return the first answer."""
    again = bot.connect()
    again.resume(bot.token, wire.ready["d"]["session_id"], seq)
    return again.read()


@pytest.mark.parametrize("code", [1000, 4009, 4902, 4914])
def test_close(sim, wire, code):
    """Any code and reason can be sent."""
    assert sim.gateway.close(code, "because") == 1
    with pytest.raises(ConnectionClosed) as caught:
        wire.read()
    assert (caught.value.rcvd.code, caught.value.rcvd.reason) == (code, "because")


def test_a_long_reason_is_cut(sim, wire):
    """A close frame has room for 123 bytes, and half a character is none."""
    sim.gateway.close(4009, "好" * 60)
    with pytest.raises(ConnectionClosed) as caught:
        wire.read()
    assert (caught.value.rcvd.code, caught.value.rcvd.reason) == (4009, "好" * 41)


@pytest.mark.parametrize("code", [999, 1004, 1005, 1015, 2000, 5000])
def test_codes_that_no_frame_may_carry(sim, bot, wire, code):
    """They are refused, and the connection goes on."""
    for ask in (sim.gateway.close, lambda one: sim.gateway.refuse_identifies(1, one)):
        with pytest.raises(ValueError, match=str(code)):
            ask(code)
    with pytest.raises(ValueError, match=str(code)):
        sim.gateway.refuse_resumes(1, code)
    sim.gateway.server_heartbeat()
    assert wire.read() == {"op": 1}
    assert resumed(bot, wire)["t"] == "RESUMED"


def test_close_with_1006_is_no_close_frame(sim, wire):
    """1006 is what clients call a connection that ends without one."""
    assert sim.gateway.close(1006) == 1
    assert wire.close_code() is None


@pytest.mark.parametrize(("code", "survives"), [(4009, True), (4006, False), (4900, False)])
def test_close_code_decides_about_the_session(sim, bot, wire, code, survives):
    """Close code decides about the session."""
    sim.gateway.close(code)
    wire.close_code()
    sim.gateway.wait_gone()
    answer = resumed(bot, wire)
    assert answer.get("t") == "RESUMED" if survives else answer == {"op": 9, "d": False}


def test_what_was_sent_before_a_close_arrives(sim, wire, ming):
    """What was sent before a close arrives."""
    ming.say("last words")
    sim.gateway.close(4009)
    assert wire.read()["d"]["content"] == " last words"
    assert wire.close_code() == 4009


def test_reset(sim, bot, wire, ming):
    """The client sees a connection reset, and can resume."""
    assert sim.gateway.reset() == 1
    with pytest.raises(ConnectionClosed) as caught:
        wire.read()
    assert caught.value.rcvd is None
    assert isinstance(caught.value.__cause__, ConnectionResetError)
    sim.gateway.wait_gone()
    ming.say("meanwhile")
    assert resumed(bot, wire)["s"] == 2


def test_silence_and_back(sim, wire, ming):
    """Nothing is answered while silent; everything afterwards."""
    assert sim.gateway.silence() == 1
    ming.say("unheard")
    wire.write(1, 1)
    with pytest.raises(TimeoutError):
        wire.read(timeout=0.1)
    assert not wire.websocket.ping().wait(0.05)
    sim.gateway.wait_live(timeout=0)
    assert sim.gateway.unsilence() == 1
    frames = [wire.read(), wire.read()]
    assert {frame["op"] for frame in frames} == {0, 11}


def test_silent_connection_is_taken_over_by_a_resume(sim, bot, wire, ming):
    """Silent connection is taken over by a resume."""
    sim.gateway.silence()
    ming.say("unheard")
    again = bot.connect()
    again.resume(bot.token, wire.ready["d"]["session_id"], 1)
    assert [frame["s"] for frame in again.read_until("RESUMED")] == [2, 3]
    assert wire.close_code() is None


def test_stop_with_a_silent_connection(sim, wire):
    """Stop with a silent connection."""
    sim.gateway.silence()
    assert sim.stop(5)


def test_reconnect(sim, bot, wire):
    """There is op 7 alone, and op 7 with 4009 as every half hour (3.7)."""
    sim.gateway.send_reconnect()
    assert wire.read() == {"op": 7}
    sim.gateway.send_reconnect(close=True)
    assert wire.read() == {"op": 7}
    with pytest.raises(ConnectionClosed) as caught:
        wire.read()
    assert (caught.value.rcvd.code, caught.value.rcvd.reason) == (4009, "Session timed out")
    assert resumed(bot, wire)["t"] == "RESUMED"


def test_a_session_that_ends_for_good(sim, bot, wire):
    """After op 9 false nothing can be resumed; an Identify may come on the same connection."""
    sim.gateway.invalid_session(resumable=False)
    assert wire.read() == {"op": 9, "d": False}
    assert resumed(bot, wire) == {"op": 9, "d": False}
    assert wire.identify(bot.token)["t"] == "READY"


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_session_that_may_be_resumed(sim, bot, wire, ming, elsewhere):
    """After op 9 true a Resume may come on the same connection or on another; nothing is lost."""
    sim.gateway.invalid_session(resumable=True)
    assert wire.read() == {"op": 9, "d": True}
    ming.say("meanwhile")
    again = bot.connect() if elsewhere else wire
    again.resume(bot.token, wire.ready["d"]["session_id"], 1)
    assert [frame["s"] for frame in again.read_until("RESUMED")] == [2, 3]
    ming.say("afterwards")
    assert again.read()["d"]["content"] == " afterwards"


def test_instead_of_a_resume_an_identify_may_follow(sim, bot, wire):
    """After op 9 true on the same connection, too."""
    sim.gateway.invalid_session(resumable=True)
    assert wire.read() == {"op": 9, "d": True}
    assert wire.identify(bot.token)["t"] == "READY"


def test_server_heartbeat(sim, wire):
    """The server may send op 1."""
    sim.gateway.server_heartbeat()
    assert wire.read() == {"op": 1}


@pytest.mark.parametrize("data", ["no json", b"\x00\xff", '{"op":0,"s":7,"t":"X","d":null}'])
def test_raw(sim, wire, data):
    """Any message can be sent as it is."""
    sim.gateway.send_raw(data)
    assert wire.websocket.recv(timeout=5) == data


def test_refused_resumes(sim, bot, wire):
    """Resumes are refused as often and in the way asked for."""
    sim.gateway.refuse_resumes(1)
    sim.gateway.refuse_resumes(1, how=4902)
    assert resumed(bot, wire) == {"op": 9, "d": False}
    again = bot.connect()
    again.resume(bot.token, wire.ready["d"]["session_id"], 1)
    assert again.close_code() == 4902
    assert resumed(bot, wire)["t"] == "RESUMED"


def test_refused_identifies(sim, bot):
    """Identifies are refused as often as asked for."""
    sim.gateway.refuse_identifies(2, 4914)
    for _ in range(2):
        wire = bot.connect()
        wire.write(2, {"token": f"QQBot {bot.token}", "intents": INTENTS})
        assert wire.close_code() == 4914
    bot.connect(identify=True)


def test_forbidden_intents(sim, bot):
    """Intents that were forbidden are refused with 4014."""
    sim.gateway.forbid_intents(1 << 24)
    wire = bot.connect()
    wire.write(2, {"token": f"QQBot {bot.token}", "intents": INTENTS})
    assert wire.close_code() == 4014
    bot.connect(identify=True, intents=1 << 25)
    sim.gateway.forbid_intents(0)
    bot.connect(identify=True)


def test_refused_connections(sim, bot):
    """The next connections get an HTTP error or a reset."""
    sim.gateway.refuse_connections(1)
    sim.gateway.refuse_connections(1, status=None)
    with pytest.raises(InvalidStatus) as caught:
        bot.connect()
    assert caught.value.response.status_code == 503
    with pytest.raises((ConnectionClosed, InvalidHandshake, OSError)):
        bot.connect()
    bot.connect(identify=True)


def test_duplicate_events(sim, wire, ming):
    """The same event arrives under two numbers."""
    sim.gateway.duplicate_events(1)
    ming.say("x")
    ming.say("y")
    first, second, third = (wire.read() for _ in range(3))
    assert (first["s"], second["s"], third["s"]) == (2, 3, 4)
    assert first["id"] == second["id"]
    assert first["d"]["id"] == second["d"]["id"] != third["d"]["id"]


def test_filters_choose_connections(sim, bot):
    """Faults can be aimed at one bot or one shard."""
    with Bot(sim, "2") as other:
        mine = [bot.connect(identify=True, shard=(index, 2)) for index in (0, 1)]
        theirs = other.connect(identify=True)
        assert sim.gateway.server_heartbeat(appid="2") == 1
        assert theirs.read() == {"op": 1}
        assert sim.gateway.close(4009, appid=bot.appid, shard=1) == 1
        assert mine[1].close_code() == 4009
        assert sim.gateway.server_heartbeat(shard=0) == 2
        assert mine[0].read() == {"op": 1}
