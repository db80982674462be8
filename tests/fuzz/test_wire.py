"""What comes by the wire, from a platform or from whoever stands between: nothing ends the bot."""

from __future__ import annotations

import functools
import http.client
import io
import json
import logging
import threading
from pathlib import Path

import pytest

from qqgroup_sync.api import keepalive
from qqgroup_sync.api.http import Answer, Http
from qqgroup_sync.api.keepalive import KeepAlive
from qqgroup_sync.api.repeating import Repeat
from qqgroup_sync.api.token import AccessToken
from qqgroup_sync.api.transport import Exchange
from qqgroup_sync.errors import ApiError, GatewayClosed, QQGroupError
from qqgroup_sync.events.base import Event
from qqgroup_sync.events.interaction import Interaction
from qqgroup_sync.events.messages import Message
from qqgroup_sync.events.parse import dedupe_key, parse
from qqgroup_sync.events.text import clean, readable
from qqgroup_sync.gateway.connection import Connection, ReadAhead
from qqgroup_sync.gateway.frames import LARGEST, Frame, FrameError, decode
from qqgroup_sync.gateway.session import GatewaySession, Heard, Leave, Live, Send, Verdict
from tests.clocks import ManualClock
from tests.fuzz.dice import JSON_TOKENS, as_json
from tests.fuzz.fuzzed import check_told, fuzzed

SAMPLES = json.loads((Path(__file__).parents[1] / "events/samples.json").read_text("utf-8"))
FRAMES = [
    *SAMPLES.values(),
    {"op": 10, "d": {"heartbeat_interval": 41250}},
    {"op": 11},
    {"op": 7},
    {"op": 9, "d": False},
    {"op": 0, "s": 1, "t": "READY", "d": {"session_id": "S", "user": {"id": "1"}, "shard": [0, 1]}},
]
TEXTS = [as_json(one) for one in FRAMES]
TOKEN = "QQBot hG7-kQ2_xW9.zR4"


@fuzzed
def test_frames(dice):
    """A text of the gateway is a frame of the right types, or a FrameError."""
    data = dice.damaged(dice.one_of(TEXTS), JSON_TOKENS)
    try:
        frame = decode(data)
    except FrameError as error:
        check_told(error)
        return
    assert type(frame.op) is int
    assert frame.s is None or 0 <= frame.s < LARGEST
    assert isinstance(frame.t, str)
    assert isinstance(frame.id, str)
    json.dumps(frame, ensure_ascii=False).encode()


@fuzzed
def test_sessions(dice):
    """Any sequence of frames leaves the session in a state from which it comes back."""
    session = GatewaySession(session_id=dice.one_of(("", "S0")), received=dice.one_of((None, 5)))
    session.opened(TOKEN)
    for _ in range(1 + dice.below(9)):
        turn = dice.below(10)
        if turn == 0:
            code = dice.one_of((None, 1000, 1006, 4004, 4006, 4009, 4013, 4903, 4914, 4915, 9001))
            verdict = session.closed(code, dice.text())
            assert isinstance(verdict, Verdict)
            if verdict.error is not None:
                return
            assert verdict.resume == session.resumable
            session.opened(TOKEN)
        elif turn == 1:
            assert session.beat() is None or json.loads(session.beat() or '{"op":1}')["op"] == 1
        elif turn == 2:
            session.excuse()
        else:
            try:
                frame = decode(as_json(dice.changed(dice.one_of(FRAMES))))
            except FrameError:
                continue
            step = session.receive(frame)
            assert step is None or isinstance(step, Frame | Send | Live | Heard | Leave)
            if isinstance(step, Send):
                json.loads(step.text)
                assert TOKEN not in repr(step)
        assert session.received is None or 0 <= session.received < LARGEST
        assert 0 <= session.interval <= 3600


class Wire:
    """A socket that delivers bytes in pieces of some size, and then is closed."""

    def __init__(self, data, size):
        self._data = io.BytesIO(data)
        self._size = size

    def recv(self, size):
        return self._data.read(min(size, self._size))

    def send(self, data):
        return len(data)

    def gettimeout(self):
        return 1.0

    def settimeout(self, _seconds):
        pass

    def shutdown(self, _how):
        pass

    def close(self):
        pass


def websocket_frame(dice):
    """Return the bytes of a frame, which may lie about itself."""
    opcode = dice.one_of((0, 0, 1, 1, 2, 8, 9, 10, 3, 15))
    payload = dice.take(dice.below(20)) * dice.one_of((1, 1, 1, 1, 20, 100))
    length = dice.one_of((len(payload), len(payload), len(payload), 0, 5, 126, 2**16, 2**62, 2**63))
    first = (0x80 if dice.below(3) else 0) | (dice.below(8) << 4 if dice.odds(20) else 0) | opcode
    mask = 0x80 if dice.odds(12) else 0
    if length < 126:
        head = bytes([first, mask | length])
    elif length < 2**16:
        head = bytes([first, mask | 126]) + length.to_bytes(2, "big")
    else:
        head = bytes([first, mask | 127]) + length.to_bytes(8, "big")
    return head + (b"abcd" if mask else b"") + payload


@fuzzed
def test_websocket_bytes(dice):
    """A connection delivers messages until it is closed; it never raises anything else."""
    data = b"".join(websocket_frame(dice) for _ in range(1 + dice.below(7)))
    connection = Connection("ws://127.0.0.1/")
    connection._socket.sock = ReadAhead(Wire(data, dice.one_of((60, 65536))))
    connection._socket.connected = True
    with pytest.raises(GatewayClosed):
        read_all(connection, len(data) + 1)
    connection.close()


def read_all(connection, most):
    """Read what there is."""
    for _ in range(most):
        got = connection.receive(1.0)
        assert got is None or isinstance(got, bytes)


class Refuses(logging.Handler):
    """Fails the example when the package logs a problem of its own."""

    def emit(self, record):
        raise AssertionError(record.getMessage()) from (record.exc_info or (None, None))[1]


@pytest.fixture(scope="module")
def strict():
    """Let no event be passed on as one that could not be parsed."""
    logger = logging.getLogger("qqgroup_sync.events.parse")
    handler = Refuses(logging.WARNING)
    logger.addHandler(handler)
    yield
    logger.removeHandler(handler)


def looked_at(event):
    """Read all that an event tells, as handlers, logs and the state do."""
    repr(event)
    key = dedupe_key(event)
    assert key is None or all(isinstance(one, str) for one in key)
    assert event.conversation is None or len(event.conversation) == 2
    assert isinstance(event.sender, str)
    for name in told_by(type(event)):
        repr(getattr(event, name))


@functools.cache
def told_by(kind):
    """Return the properties of a kind of event that need neither a client nor a package."""
    properties = {name for name in dir(kind) if isinstance(getattr(kind, name, None), property)}
    return sorted(properties - {"replies_left", "expires_at", "session", "text_words"})


@fuzzed
def test_events(dice, strict):
    """Every payload of every name becomes an event, and what it tells can be read."""
    sample = dice.one_of(FRAMES)
    name = dice.text() if dice.odds(20) else sample.get("t", "X")
    data = dice.changed(sample.get("d"), chance=6)
    event = parse(name, data, event_id=dice.text(), now=1.0, appid="1", bot_id="B")
    assert isinstance(event, Event)
    if isinstance(event, Message):
        assert isinstance(event.text, str)
        assert isinstance(event.id, str)
    if isinstance(event, Interaction):
        assert isinstance(event.interaction_id, str)
    looked_at(event)


@fuzzed
def test_contents(dice):
    """The text of a message is taken apart whatever people type."""
    content = "".join(dice.text() for _ in range(1 + dice.below(4)))
    found = clean(content)
    assert isinstance(found.text, str)
    assert found.text == found.text.strip()
    assert all(isinstance(one, str) and one for one in found.users)
    assert isinstance(readable(content, {"A1": dice.text()}), str)
    kind = dice.one_of((0, 3, 101, 102, 103))
    data = {"id": "1", "content": content, "message_type": kind}
    event = parse("GROUP_MESSAGE_CREATE", data, now=1.0)
    looked_at(event)


class Answers:
    """A transport that gives one answer to everything."""

    def __init__(self, exchange):
        self._exchange = exchange

    def request(self, *_args, **_options):
        return self._exchange

    lean = request


STATUSES = (200, 200, 200, 201, 202, 204, 301, 400, 401, 403, 404, 413, 429, 500, 504, 599, 999)
BODIES = [
    as_json(one)
    for one in (
        {"access_token": "T" * 30, "expires_in": "7200"},
        {"code": 100016, "message": "invalid appid or secret", "trace_id": "t"},
        {"message": "x", "code": 40054005, "err_code": 40054005, "trace_id": "t"},
        {
            "id": "ROBOT1.0_x",
            "timestamp": "2026-07-21T10:00:00+08:00",
            "ext_info": {"ref_idx": "R"},
        },
        {"code": 304023, "message": "audit", "data": {"message_audit": {"audit_id": "a"}}},
        {"url": "wss://x", "shards": 1, "session_start_limit": {"total": 1, "remaining": 1}},
    )
]


def exchange(dice):
    """Return an answer, damaged or from another world."""
    how = dice.below(4)
    if how == 0:
        body = as_json(dice.value())
    elif how == 1:
        body = as_json(dice.changed(json.loads(dice.one_of(BODIES)), chance=4))
    else:
        body = dice.damaged(dice.one_of(BODIES), JSON_TOKENS)
    headers = {
        name: dice.text()
        for name in ("Retry-After", "X-Tps-trace-ID", "Date", "Content-Type")
        if dice.odds(2)
    }
    return Exchange(dice.one_of(STATUSES), headers, body)


@fuzzed
def test_token_answers(dice):
    """A token endpoint's answer is a token or an error of ours."""
    answer = exchange(dice)
    token = AccessToken(
        str(dice.below(65536)), "s", urls=["http://t/x"], transport=Answers(answer), clock=CLOCK
    )
    token._cell.value = ""
    try:
        header = token.header()
    except QQGroupError as error:
        check_told(error)
    else:
        assert header.startswith("QQBot ")
        assert 0 <= token.due_in() <= 1e6


CLOCK = ManualClock()


@fuzzed
def test_error_bodies(dice):
    """An answer of the platform is one, or an error of ours that can be told."""
    http_ = Http(
        Answers(exchange(dice)),
        bases=["http://a"],
        authorize=lambda: TOKEN,
        refused=lambda _header: None,
        appid="1",
        clock=CLOCK,
        stop=threading.Event(),
    )
    try:
        answer = http_.call("POST", "/v2/x", {}, repeat=dice.one_of(tuple(Repeat)))
    except QQGroupError as error:
        check_told(error)
        if isinstance(error, ApiError):
            check_fields(error)
    else:
        assert isinstance(answer, Answer)
        assert isinstance(answer.data, dict)
        assert isinstance(answer.audit_id, str)
        assert isinstance(answer.trace_id, str)


def check_fields(error):
    """Fail when a field of an ApiError is of another type than it says."""
    assert error.retry_after is None or error.retry_after >= 0
    assert all(isinstance(one, int) for one in error.codes)
    assert isinstance(error.message, str)
    assert isinstance(error.trace_id, str)


HTTP_ANSWERS = (
    b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{"id":"1"}',
    b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\n{"id":"1"}\r\n0\r\n\r\n',
    (
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 10\r\n\r\n"
        b"\x1f\x8b\x08\0\0\0\0\0\0\x03"
    ),
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
    b"HTTP/1.0 500 Oops\r\n\r\n<html>",
    b"HTTP/1.1 429 Too Many\r\nRetry-After: 5\r\nContent-Length: 2\r\n\r\n{}",
)
HTTP_TOKENS = (
    *(b"\r\n", b"\n", b"\r", b":", b" ", b"\0", b"\xff", b"HTTP/1.1 ", b"HTTP/9.9", b"-1", b"0"),
    *(b"99999999999999999999", b"ffffffffffffffff\r\n", b"Content-Length: 5\r\n"),
    *(b"a: b\r\n" * 120,),
    *(b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: x\r\n", b"x" * 70_000),
    *(b"Content-Length:",),
    *(b"Content-Encoding: gzip\r\n", b"Connection: close\r\n", b"0x1", b"+5", b"1_0"),
)  # fmt: skip


class HttpWire(Wire):
    """The same, as http.client uses it."""

    def sendall(self, data):
        pass

    def makefile(self, *_args):
        return io.BufferedReader(self._data)


@fuzzed
def test_http_bytes(dice):
    """What is no HTTP ends as the errors that the transport turns into ours."""
    data = dice.damaged(dice.one_of(HTTP_ANSWERS), HTTP_TOKENS)
    connections = KeepAlive("http://h", size=1, connect_timeout=1.0, certificates="")

    def connect(_timeout):
        made = keepalive._OnePacket("h", 80)
        made.sock = HttpWire(data, 65536)
        return made

    connections._take = connect
    try:
        status, headers, content = connections.exchange("POST", "/x", b"{}", {}, 1.0)
    except (OSError, http.client.HTTPException):
        return
    assert 100 <= status <= 999
    assert isinstance(content, bytes)
    headers.get("Date")
