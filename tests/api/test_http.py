"""Requests to the platform: judged by status and code, repeated only where that is safe."""

from __future__ import annotations

import threading
import time
from email.utils import formatdate
from typing import NamedTuple

import pytest
import requests
import responses

from qqgroup_sync.api.http import Http
from qqgroup_sync.api.repeating import OUTAGE_WAIT, Repeat
from qqgroup_sync.api.transport import Transport
from qqgroup_sync.errors import (
    ApiError,
    AuthError,
    BadResponse,
    ContentRejected,
    Forbidden,
    IPNotAllowed,
    MediaRejected,
    NotConnected,
    NotFound,
    ProactiveNotAllowed,
    RateLimited,
    ServerError,
    TransportError,
    TransportTimeout,
    may_have_acted,
)
from qqgroup_sync.runtime.clock import Clock
from tests.api.scripted_server import (
    ScriptedServer,
    answer,
    closed_after_reading,
    closed_unread,
    cut_off,
    refusing_port,
    silence,
)
from tests.clocks import ManualClock
from tests.waiting import eventually

PATH = "/v2/groups/G/messages"
BODY = {"content": "你好", "msg_type": 0, "msg_seq": 3}
WIRE = '{"content":"你好","msg_type":0,"msg_seq":3}'.encode()
FIRST, SECOND = "https://api.bot.qq.com", "https://api.sgroup.qq.com"
USUAL = [0.3, 1.0, 2.0]  # the waits between four attempts
PATIENT = [1.0, 2.0, 4.0]  # those after a 429


class Authority:
    """Hands out tokens and counts how often one was asked for and refused."""

    def __init__(self):
        self.asked = 0
        self.refused = []

    def header(self):
        self.asked += 1
        return f"QQBot token-{len(self.refused)}"

    def refuse(self, header):
        self.refused.append(header)


@pytest.fixture
def authority():
    """Return where the token comes from."""
    return Authority()


@pytest.fixture
def stop():
    """Return the event that ends waits."""
    return threading.Event()


@pytest.fixture
def make(clock, stop, authority):
    """Return a function that makes the interface for some hosts."""
    transports = []

    def build(*bases, clock=clock, **options):
        transports.append(Transport(language="en"))
        return Http(
            transports[-1],
            bases=bases,
            authorize=authority.header,
            refused=authority.refuse,
            appid="102",
            clock=clock,
            stop=stop,
            language="en",
            **options,
        )

    yield build
    for one in transports:
        one.close()


@pytest.fixture(params=["requests", "lean"])
def post(request):
    """Return a function that posts the body, by each of the two ways."""

    def call(http, path=PATH, repeat=Repeat.SAFE, **options):
        return http.call("POST", path, BODY, repeat=repeat, lean=request.param == "lean", **options)

    return call


# ---------------------------------------------------------------------- the table


def refusal(status, code=0, err_code=0, **headers):
    """Return an answer as the platform refuses."""
    body = {"message": "no", "code": code, "err_code": err_code, "trace_id": "t"}
    return answer(status, {name: value for name, value in body.items() if value}, **headers)


class Case(NamedTuple):
    """What the platform does each time, and what the caller meets: waits when safe, unsafe."""

    step: object
    kind: type[Exception]
    safe: list
    unsent: list


NO = []
CASES = {
    "read time-out": Case(silence, TransportTimeout, USUAL, NO),
    "closed before reading": Case(closed_unread, TransportError, USUAL, NO),
    "closed after reading": Case(closed_after_reading, TransportError, USUAL, NO),
    "answer cut off": Case(cut_off, TransportError, USUAL, NO),
    "500 empty": Case(answer(500), ServerError, USUAL, NO),
    "504 HTML": Case(answer(504, b"<html>stgw</html>"), ServerError, USUAL, NO),
    "500 list": Case(answer(500, [1]), ServerError, USUAL, NO),
    "500 business code": Case(refusal(500, 850019), MediaRejected, NO, NO),
    "500 unknown code": Case(refusal(500, 500, 500), ServerError, USUAL, NO),
    "504 unknown code": Case(refusal(504, 987654), ServerError, USUAL, NO),
    "503 Retry-After": Case(answer(503, Retry_After=7), ServerError, [7.0] * 3, NO),
    "503 Retry-After 0": Case(answer(503, Retry_After=0), ServerError, USUAL, NO),
    "503 Retry-After too long": Case(answer(503, Retry_After=31), ServerError, NO, NO),
    "transient code": Case(refusal(400, 50055001), ServerError, USUAL, USUAL),
    "transient code with 500": Case(refusal(500, 304009), ServerError, USUAL, USUAL),
    "transient media code": Case(refusal(400, 40034004), MediaRejected, USUAL, USUAL),
    "only err_code transient": Case(refusal(400, 1, 50055002), ServerError, USUAL, USUAL),
    "429": Case(answer(429), RateLimited, PATIENT, PATIENT),
    "429 HTML": Case(answer(429, b"<html>"), RateLimited, PATIENT, PATIENT),
    "429 unknown code": Case(refusal(429, 987654), RateLimited, PATIENT, PATIENT),
    "429 Retry-After": Case(answer(429, Retry_After=5), RateLimited, [5.0] * 3, [5.0] * 3),
    "429 Retry-After 0": Case(answer(429, Retry_After=0), RateLimited, [0.0] * 3, [0.0] * 3),
    "429 Retry-After too long": Case(answer(429, Retry_After=31), RateLimited, NO, NO),
    "429 Retry-After endless": Case(answer(429, Retry_After="inf"), RateLimited, NO, NO),
    "429 Retry-After date": Case(
        answer(429, Retry_After="Wed, 21 Oct 2026 07:28:00 GMT"), RateLimited, PATIENT, PATIENT
    ),
    "transient rate limit": Case(refusal(400, 22009), RateLimited, PATIENT, PATIENT),
    "@everyone used up": Case(refusal(400, 304019), RateLimited, NO, NO),
    "@everyone used up, 429": Case(refusal(429, 304019), RateLimited, NO, NO),
    "slowed by safety": Case(refusal(400, 1100100), RateLimited, NO, NO),
    "frames too fast": Case(refusal(400, 50002), RateLimited, NO, NO),
    "401 whitelist": Case(refusal(401, 11298, 40023002), IPNotAllowed, NO, NO),
    "401 whitelist, one code": Case(refusal(401, 11298), IPNotAllowed, NO, NO),
    "401 banned": Case(refusal(401, 11265), AuthError, NO, NO),
    "403": Case(answer(403), Forbidden, NO, NO),
    "404": Case(answer(404, b"404 page not found"), NotFound, NO, NO),
    "413 HTML": Case(answer(413, b"<html>stgw</html>"), MediaRejected, NO, NO),
    "302": Case(answer(302, Location="/elsewhere"), ApiError, NO, NO),
    "400 unknown code": Case(refusal(400, 987654), ApiError, NO, NO),
    "400 known code": Case(refusal(400, 40054010), ContentRejected, NO, NO),
    "200 not JSON": Case(answer(200, b"<html>login</html>"), BadResponse, USUAL, NO),
    "200 broken UTF-8": Case(answer(200, b'{"a":"\xff"}'), BadResponse, USUAL, NO),
    "200 with err_code": Case(refusal(200, 0, 40034105), ProactiveNotAllowed, NO, NO),
    "200 with code in words": Case(answer(200, {"code": "11253"}), Forbidden, NO, NO),
    "200 with transient code": Case(refusal(200, 304029), ServerError, USUAL, USUAL),
}


REPEATING = (Repeat.SAFE, Repeat.UNSENT)


@pytest.mark.parametrize(
    "step", [refusal(429), refusal(500, 304029), silence, closed_after_reading]
)
def test_never_means_once(make, post, clock, step):
    """A frame of a stream is repeated by its stream, changed, or not at all."""
    with ScriptedServer(step) as server:
        with pytest.raises((ApiError, TransportError)):
            post(make(server.url), repeat=Repeat.NEVER, timeout=0.05 if step is silence else 5.0)
        assert len(server.requests) == 1
    assert clock.waits == []


@pytest.mark.parametrize("repeat", REPEATING)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_is_repeated_and_how_it_ends(make, post, clock, *, authority, case, repeat):
    """A proactive message never goes out twice; everything else is tried four times if it helps.

    Every attempt carries the same body and asks for the current token.
    """
    waits = case.safe if repeat is Repeat.SAFE else case.unsent
    with ScriptedServer(case.step) as server:
        with pytest.raises(case.kind) as caught:
            post(make(server.url), repeat=repeat, timeout=0.03 if case.step is silence else 5.0)
        eventually(lambda: len(server.requests) > len(waits))  # the last may be read late
    assert type(caught.value) is case.kind
    assert clock.waits == waits
    assert len(server.requests) == authority.asked == len(waits) + 1
    if case.step is not closed_unread:
        assert {one.body for one in server.requests} == {WIRE}
    assert authority.refused == []


@pytest.mark.parametrize("step", [closed_after_reading, answer(200, b"<html>log in</html>")])
def test_an_outage_is_waited_for_while_there_is_patience(make, post, clock, step):
    """A reply can be answered for minutes, and the same number cannot be shown twice."""
    with ScriptedServer(step) as server, pytest.raises((TransportError, BadResponse)):
        post(make(server.url), patience=18.0)
    assert clock.waits == [*USUAL, OUTAGE_WAIT, OUTAGE_WAIT]


def test_what_may_not_go_out_twice_is_not_waited_for(make, post, clock):
    """Patience is for the platform's rates then, and not for answers."""
    with ScriptedServer(closed_after_reading) as server, pytest.raises(TransportError):
        post(make(server.url), repeat=Repeat.UNSENT, patience=60.0)
    assert clock.waits == []


@pytest.mark.parametrize("repeat", REPEATING)
def test_what_nobody_heard_is_always_repeated(make, post, clock, authority, repeat):
    """A refused connection carried nothing, so even a proactive message may be tried again."""
    with pytest.raises(TransportError) as caught:
        post(make(f"http://127.0.0.1:{refusing_port()}"), repeat=repeat)
    assert caught.value.never_sent is True
    assert clock.waits == USUAL
    assert authority.asked == 4


def test_the_first_success_ends_the_repeating(make, post, clock):
    """The caller of a repeated request sees only the answer."""
    script = (answer(500), closed_after_reading, refusal(400, 50055001), answer(200, {"id": "1"}))
    with ScriptedServer(*script) as server:
        assert post(make(server.url)).data == {"id": "1"}
    assert clock.waits == USUAL


@pytest.mark.parametrize("repeat", REPEATING)
@pytest.mark.parametrize("refused", [refusal(401, 11244, 11244), refusal(401, 11243), answer(401)])
def test_a_stale_token_is_renewed_exactly_once(make, post, clock, *, authority, repeat, refused):
    """The request goes out again at once with the new one; a second refusal is the answer."""
    with ScriptedServer(refused, answer(200, {"id": "1"})) as server:
        assert post(make(server.url), repeat=repeat).data == {"id": "1"}
        headers = [one.headers["authorization"] for one in server.requests]
    assert headers == ["QQBot token-0", "QQBot token-1"]
    assert authority.refused == ["QQBot token-0"]
    with ScriptedServer(refused) as server, pytest.raises(AuthError):
        post(make(server.url), repeat=repeat)
    assert len(server.requests) == 2
    assert clock.waits == []


def test_a_failed_token_check_is_repeated_after_the_renewal(make, post, clock, authority):
    """11242 is the platform's own trouble: one new token, then the usual patience."""
    with ScriptedServer(refusal(401, 11242)) as server, pytest.raises(ServerError):
        post(make(server.url))
    assert len(authority.refused) == 1
    assert clock.waits == USUAL


def test_without_a_token_nothing_goes_out(make, post, authority):
    """Why there is none reaches the caller unchanged."""
    wrong = AuthError(status=200, code=100016)
    authority.header = lambda: (_ for _ in ()).throw(wrong)
    with ScriptedServer() as server, pytest.raises(AuthError) as caught:
        post(make(server.url))
    assert caught.value is wrong
    assert server.requests == []


@pytest.mark.parametrize("repeat", REPEATING)
def test_a_token_that_cannot_be_had_for_a_moment_costs_no_message(make, post, authority, repeat):
    """Nothing was sent yet, so also what must not be doubled is tried again."""
    given = authority.header
    failures = [TransportError("no token endpoint answered")] * 2

    def header():
        if failures:
            raise failures.pop()
        return given()

    authority.header = header
    with ScriptedServer() as server:
        post(make(server.url), repeat=repeat)
    assert len(server.requests) == 1


# ---------------------------------------------------------------------- out and back


def test_a_request_says_who_sends_it(make, post):
    """Token, content type and appid as the official SDKs send them; null headers nowhere."""
    with ScriptedServer() as server:
        post(make(server.url + "/"))
    headers = server.requests[0].headers
    assert server.requests[0].target == PATH
    assert headers["authorization"] == "QQBot token-0"
    assert headers["content-type"] == "application/json; charset=utf-8"
    assert headers["x-union-appid"] == "102"
    assert "qqgroup_sync" in headers["user-agent"]


def test_a_query_is_quoted_and_stays_out_of_errors(make):
    """Whatever a page token contains arrives whole, and no error shows it."""
    with ScriptedServer(answer(200, {}), answer(404), answer(200, b"?")) as server:
        http = make(server.url)
        http.call("GET", "/v2/panels", params={"start": "a b&c=你"})
        assert server.requests[0].target == "/v2/panels?start=a+b%26c%3D%E4%BD%A0"
        assert server.requests[0].body == b""
        for kind in (NotFound, BadResponse):
            with pytest.raises(kind) as caught:
                http.call("GET", "/v2/panels", params={"start": "hidden"})
            assert "/v2/panels" in str(caught.value)
            assert "hidden" not in str(caught.value)


@pytest.mark.parametrize(
    ("sent", "data"),
    [
        (answer(200, {"id": "1", "timestamp": 5}), {"id": "1", "timestamp": 5}),
        (answer(200, [{"a": 1}, 2]), {"data": [{"a": 1}, 2]}),
        (answer(200, {}), {}),
        (answer(200), {}),
        (b"HTTP/1.1 204 No Content\r\n\r\n", {}),
        (answer(200, {"code": 0, "err_code": 0, "x": 1}), {"code": 0, "err_code": 0, "x": 1}),
        (answer(200, {"code": "0", "message": "ok"}), {"code": "0", "message": "ok"}),
        (answer(200, {"code": "success"}), {"code": "success"}),
        (answer(200, {"id": "1", "code": 7}), {"id": "1", "code": 7}),
        (answer(200, b"null"), {"data": None}),
    ],
)
def test_answers(make, post, sent, data):
    """Objects as they are, lists under ``data``, nothing as an empty object."""
    with ScriptedServer(sent) as server:
        found = post(make(server.url))
    assert found.data == data
    assert found.audit_id == ""


@pytest.mark.parametrize("status", [201, 202])
@pytest.mark.parametrize(
    ("data", "audit_id"),
    [({"message_audit": {"audit_id": "a1"}}, "a1"), ({}, "pending"), (None, "pending")],
)
def test_a_message_in_review_is_no_failure(make, post, status, data, audit_id):
    """It looks like an error and is not: the audit id tells which result belongs to it."""
    body = {"code": 304023, "message": "push message is waiting for audit now", "data": data}
    with ScriptedServer(answer(status, body, X_Tps_trace_ID="t9")) as server:
        found = post(make(server.url))
    assert (found.status, found.audit_id, found.trace_id) == (status, audit_id, "t9")
    assert len(server.requests) == 1


def test_trace_ids_are_kept(make, post):
    """From the header of an answer; of a refusal rather from its body."""
    script = (
        answer(200, {"id": "1"}, X_Tps_trace_ID="from-header"),
        answer(400, {"code": 11255, "trace_id": "from-body"}, X_Tps_trace_ID="from-header"),
        answer(400, {"code": 11255}, x_tps_TRACE_id="from-header"),
    )
    with ScriptedServer(*script) as server:
        http = make(server.url)
        assert post(http).trace_id == "from-header"
        for expected in ("from-body", "from-header"):
            with pytest.raises(NotFound) as caught:
                post(http)
            assert caught.value.trace_id == expected
            assert f"[trace {expected}]" in str(caught.value)


def test_a_refusal_tells_everything(make, post):
    """What a ticket needs: both codes, the platform's words, method and path, not the token."""
    body = {"message": "消息包含 url: token=abc123secret", "code": 304003, "err_code": 40054010}
    with ScriptedServer(answer(400, body)) as server, pytest.raises(ContentRejected) as caught:
        post(make(server.url))
    error = caught.value
    assert (error.status, error.code, error.err_code) == (400, 304003, 40054010)
    assert (error.method, error.path, error.reason) == ("POST", PATH, "url")
    assert "abc123secret" not in f"{error} {error!r} {error.message}"
    assert "token-0" not in f"{error} {error!r}"
    assert "HTTP 400, code 40054010 (304003)" in str(error)
    assert error.remedy


# ---------------------------------------------------------------------- answers that say nothing


def test_an_answer_without_what_is_needed_is_none(make, post, clock):
    """An empty 200 of a captive portal is no accepted message: a reply is sent again."""
    with ScriptedServer(answer(200), answer(200, {}), answer(200, {"id": "1"})) as server:
        assert post(make(server.url), expects="id").data == {"id": "1"}
    assert clock.waits == USUAL[:2]


def test_a_message_for_review_needs_no_id(make, post):
    """It has none before somebody has looked at it."""
    body = {"code": 304024, "data": {"message_audit": {"audit_id": "a"}}}
    with ScriptedServer(answer(202, body)) as server:
        assert post(make(server.url), expects="id").audit_id == "a"


# ---------------------------------------------------------------------- tokens that cannot be had


@pytest.mark.parametrize(
    "error",
    [
        TransportError("no answer"),
        BadResponse("no JSON"),
        ServerError(status=500, code=500),
        ServerError(status=504),
        AuthError(status=401),
        RateLimited(status=429),
    ],
)
@pytest.mark.parametrize("repeat", REPEATING)
def test_a_token_that_comes_late_is_waited_for(make, post, authority, *, error, repeat):
    """Nothing was sent, so any message may wait for it, a proactive one, too."""
    failures, header = [error, error], authority.header

    def late():
        if failures:
            raise failures.pop()
        return header()

    authority.header = late
    with ScriptedServer(answer(200, {"id": "1"})) as server:
        assert post(make(server.url), repeat=repeat).data == {"id": "1"}
    assert authority.refused == []


def test_a_bot_without_a_token_for_good_does_not_wait(make, post, clock, authority):
    """A wrong secret stays wrong."""

    def refuse():
        raise AuthError(status=200, code=100016)

    authority.header = refuse
    with pytest.raises(AuthError):
        post(make("http://127.0.0.1:9"))
    assert clock.waits == []


# ---------------------------------------------------------------------- rates


class Pace:
    """Notes what it is asked and told."""

    def __init__(self):
        self.admitted, self.held = [], []

    def admit(self, method, path, *, unasked, patience):
        self.admitted.append((method, path, unasked, patience))

    def hold(self, method, path, seconds, *, unasked, all_):
        self.held.append((seconds, unasked, all_))


def test_every_attempt_waits_for_its_turn(make, post):
    """The platform counts them all; nobody waits longer than he said at the beginning."""
    pace = Pace()
    with ScriptedServer(answer(500), answer(500), answer(200, {})) as server:
        post(make(server.url, pacer=pace), unasked=True, patience=9.0)
    patience = [9.0, 9.0 - USUAL[0], 9.0 - USUAL[0] - USUAL[1]]
    assert pace.admitted == [("POST", PATH, True, pytest.approx(left)) for left in patience]
    assert pace.held == []


@pytest.mark.parametrize(
    ("step", "unasked", "held"),
    [
        (answer(429, Retry_After=5), False, (5.0, False, True)),
        (answer(429), False, (1.0, False, True)),
        (refusal(400, 40034100), True, (1.0, True, False)),
        (answer(429, Retry_After=3600), True, (3600.0, True, True)),
    ],
)
def test_a_refusal_for_the_rate_holds_the_others_back(make, post, *, step, unasked, held):
    """They would be refused, too."""
    pace = Pace()
    with ScriptedServer(step) as server, pytest.raises(RateLimited):
        post(make(server.url, pacer=pace), unasked=unasked)
    assert pace.held[0] == held


def test_a_stale_token_takes_no_second_turn(make, post):
    """The last message of a day would else be refused by its own first attempt."""
    pace = Pace()
    with ScriptedServer(refusal(401, 11244), answer(500), answer(200, {})) as server:
        post(make(server.url, pacer=pace))
    assert len(server.requests) == 3
    assert len(pace.admitted) == 2


def test_who_has_to_wait_too_long_is_told_and_nothing_is_sent(make, post, clock):
    """What the pacer raises reaches the caller as it is."""

    class Full(Pace):
        def admit(self, method, path, *, unasked, patience):
            raise RateLimited("too fast", retry_after=70.0)

    with ScriptedServer(answer(200, {})) as server:
        with pytest.raises(RateLimited, match="too fast"):
            post(make(server.url, pacer=Full()))
        assert server.requests == []
    assert clock.waits == []


# ---------------------------------------------------------------------- who must be on line


class Gate:
    """Says when a message would be shown.

    Attributes:
        asked: Until when each attempt would wait.
        script: What the next attempts meet: whether it is so at once, or an error.
    """

    def __init__(self, *script):
        self.asked, self.script = [], list(script)

    def __call__(self, until):
        self.asked.append(until)
        step = self.script.pop(0) if self.script else True
        if isinstance(step, Exception):
            raise step
        return step


STREAM = "/v2/users/U/stream_messages"


@pytest.mark.parametrize(("path", "attempts"), [(PATH, 3), (STREAM, 3), ("/v2/groups/G/files", 0)])
def test_every_attempt_to_send_a_message_asks_whether_it_is_shown(
    make, post, clock, *, path, attempts
):
    """The platform drops what is sent while the bot is away, and says that it was taken."""
    gate, began = Gate(), clock.monotonic()
    with ScriptedServer(answer(500), closed_after_reading, answer(200, {})) as server:
        post(make(server.url, ready=gate), path=path, patience=60.0)
    assert gate.asked == [began + 60.0] * attempts


def test_nothing_else_asks_whether_it_is_shown(make):
    """Recalls and settings need nobody on line."""
    gate = Gate()
    with ScriptedServer(answer(200, {})) as server:
        http = make(server.url, ready=gate)
        http.call("DELETE", PATH + "/M")
        http.call("GET", PATH)
        http.call("POST", PATH, BODY)
    assert gate.asked == [None]


def test_after_a_wait_for_that_comes_another_turn(make, post):
    """All who waited would else come at once, and be refused for it."""
    pace, gate = Pace(), Gate(False, False, True)
    with ScriptedServer(answer(200, {})) as server:
        post(make(server.url, pacer=pace, ready=gate), patience=60.0)
        assert len(server.requests) == 1
    assert len(pace.admitted) == 3


def test_what_would_not_be_shown_is_not_sent(make, post, clock):
    """The error of whom was asked reaches the caller."""
    gate = Gate(NotConnected("away"))
    with ScriptedServer(answer(200, {})) as server:
        with pytest.raises(NotConnected):
            post(make(server.url, ready=gate), patience=60.0)
        assert server.requests == []
    assert clock.waits == []


# ---------------------------------------------------------------------- what may have gone out

EXPIRED, USED_UP = refusal(400, 40034005), refusal(400, 40034128)
MAY_HAVE = {
    "a time-out": (silence, TransportTimeout),
    "a lost answer": (closed_after_reading, TransportError),
    "an answer of no use": (answer(200, b"<html>"), BadResponse),
    "a failure": (answer(502, b"<html>"), ServerError),
}


@pytest.mark.parametrize("second", [EXPIRED, USED_UP, refusal(429, 22009)])
@pytest.mark.parametrize("first", MAY_HAVE)
def test_a_refused_repetition_does_not_mean_that_nothing_was_sent(make, post, first, second):
    """The first attempt may have been shown, and its repetition came too late."""
    step, kind = MAY_HAVE[first]
    with ScriptedServer(step, second) as server, pytest.raises(kind) as caught:
        post(make(server.url), timeout=0.05 if step is silence else 5.0)
    assert type(caught.value) is kind
    assert isinstance(caught.value.__cause__, ApiError)
    assert may_have_acted(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {"ready": lambda: Gate(True, NotConnected("away"))},
        {"pacer": lambda: FullTheSecondTime()},
    ],
)
def test_a_repetition_that_cannot_go_out_does_not_mean_it_either(make, post, options):
    """Neither for the gateway's absence, nor for a turn that would come too late."""
    made = {name: new() for name, new in options.items()}
    with ScriptedServer(closed_after_reading) as server, pytest.raises(TransportError) as caught:
        post(make(server.url, **made), patience=60.0)
    assert may_have_acted(caught.value)
    assert len(server.requests) == 1


class FullTheSecondTime(Pace):
    """Refuses every turn but the first."""

    def admit(self, method, path, *, unasked, patience):
        if self.admitted:
            raise RateLimited("too fast")
        super().admit(method, path, unasked=unasked, patience=patience)


def test_a_host_that_is_gone_does_not_mean_it_either(make, post):
    """Only the last attempts were certainly not sent."""
    with ScriptedServer(closed_after_reading) as server:
        http = make(server.url, f"http://127.0.0.1:{refusing_port()}")
        http._hosts.current = iter([server.url, *[http._hosts._bases[1]] * 3]).__next__
        with pytest.raises(TransportError) as caught:
            post(http)
    assert not caught.value.never_sent


@pytest.mark.parametrize("first", MAY_HAVE)
def test_a_refusal_of_the_content_means_that_nothing_was_sent(make, post, first):
    """Had it been shown before, the platform would know its number."""
    step, _ = MAY_HAVE[first]
    with ScriptedServer(step, refusal(400, 40054010)) as server, pytest.raises(ContentRejected):
        post(make(server.url), timeout=0.05 if step is silence else 5.0)


# ---------------------------------------------------------------------- stopping


@pytest.mark.parametrize("step", [answer(500), answer(429, Retry_After=20), refusal(400, 50055001)])
def test_stop_ends_the_repeating(make, post, clock, stop, step):
    """The failure comes out of the wait in which stop() was called."""
    clock.on_wait = lambda _seconds: stop.set()
    with ScriptedServer(step) as server, pytest.raises(ApiError):
        post(make(server.url))
    assert len(server.requests) == 1


def test_stop_ends_a_wait_at_once(make, post, stop):
    """With the machine's clock: nobody sits out a Retry-After of half a minute."""
    failures = []

    def work(http):
        try:
            post(http)
        except RateLimited as error:
            failures.append(error)

    with ScriptedServer(answer(429, Retry_After=30)) as server:
        thread = threading.Thread(target=work, args=(make(server.url, clock=Clock()),))
        thread.start()
        eventually(lambda: server.requests)
        stop.set()
        thread.join(5)
        assert not thread.is_alive()
    assert failures[0].retry_after == 30.0


def test_a_stopped_client_still_tries_once(make, post, stop):
    """What a handler says while the client stops goes out, if the first attempt succeeds."""
    stop.set()
    with ScriptedServer(answer(200, {"id": "1"})) as server:
        assert post(make(server.url)).data == {"id": "1"}


# ---------------------------------------------------------------------- hosts


@pytest.fixture
def platform():
    """Return both official hosts, played by ``responses``."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def hosts_of(platform):
    """Return the hosts that were asked, in order."""
    return [call.request.url.split("/")[2] for call in platform.calls]


NEW, OLD = "api.bot.qq.com", "api.sgroup.qq.com"


@pytest.mark.parametrize("repeat", REPEATING)
@pytest.mark.parametrize(
    "failure", [requests.exceptions.ConnectTimeout("x"), requests.exceptions.InvalidSchema("x")]
)
def test_a_host_that_cannot_be_reached_is_left(make, platform, repeat, failure):
    """The other host takes the same request, and those that follow."""
    platform.post(FIRST + PATH, body=failure)
    platform.post(SECOND + PATH, json={"id": "1"})
    http = make(FIRST, SECOND)
    for _ in range(2):
        assert http.call("POST", PATH, BODY, repeat=repeat).data == {"id": "1"}
    assert hosts_of(platform) == [NEW, OLD, OLD]
    assert {call.request.body for call in platform.calls} == {WIRE}


@pytest.mark.parametrize("failure", [requests.exceptions.ReadTimeout("x"), ConnectionResetError()])
def test_a_host_that_was_reached_is_kept(make, platform, failure):
    """A lost answer is no reason to ask elsewhere."""
    platform.post(FIRST + PATH, body=failure)
    with pytest.raises(TransportError):
        make(FIRST, SECOND).call("POST", PATH, BODY)
    assert hosts_of(platform) == [NEW] * 4


def test_when_no_host_can_be_reached_they_take_turns(make, platform):
    """The last failure is told after four attempts."""
    for base in (FIRST, SECOND):
        platform.post(base + PATH, body=requests.exceptions.ConnectTimeout("x"))
    with pytest.raises(TransportTimeout):
        make(FIRST, SECOND).call("POST", PATH, BODY)
    assert hosts_of(platform) == [NEW, OLD, NEW, OLD]


def test_the_lean_way_falls_over_too(make):
    """Sends are the calls that matter most."""
    with ScriptedServer(answer(200, {"id": "1"})) as server:
        http = make(f"http://127.0.0.1:{refusing_port()}", server.url)
        assert http.call("POST", PATH, BODY, lean=True, repeat=Repeat.UNSENT).data == {"id": "1"}


@pytest.mark.parametrize("path", ["/gateway", "/gateway/bot"])
@pytest.mark.parametrize(
    "refused",
    [{}, {"code": 304009, "message": "busy"}, {"code": 987654}],
    ids=["empty", "transient", "unknown"],
)
def test_a_gateway_address_that_fails_is_asked_elsewhere(make, platform, path, refused):
    """GET /gateway of one host answered 500 for some bots for weeks, the other host worked."""
    platform.get(FIRST + path, status=500, json=refused)
    platform.get(SECOND + path, json={"url": "wss://x"})
    http = make(FIRST, SECOND)
    assert http.call("GET", path).data == {"url": "wss://x"}
    assert hosts_of(platform) == [NEW, OLD]


def test_other_failures_of_the_platform_keep_the_host(make, platform):
    """A 500 of a send says nothing about the host."""
    platform.post(FIRST + PATH, status=500)
    with pytest.raises(ServerError):
        make(FIRST, SECOND).call("POST", PATH, BODY)
    assert hosts_of(platform) == [NEW] * 4


def test_the_first_host_is_tried_again_after_ten_minutes(make, platform, clock):
    """A fall-back is for a while, not for the life of the process."""
    broken = platform.get(FIRST + "/x", body=requests.exceptions.ConnectTimeout("x"))
    platform.get(SECOND + "/x", json={})
    http = make(FIRST, SECOND)
    http.call("GET", "/x")
    clock.advance(599)
    http.call("GET", "/x")
    assert hosts_of(platform) == [NEW, OLD, OLD]
    platform.remove(broken)
    platform.get(FIRST + "/x", json={})
    clock.advance(2)
    http.call("GET", "/x")
    http.call("GET", "/x")
    assert hosts_of(platform)[3:] == [NEW, NEW]


def test_threads_that_fail_together_go_to_the_same_host(make, clock):
    """Eight threads lose the first host at once; nobody is sent back to it."""
    dead = f"http://127.0.0.1:{refusing_port()}"
    asked = []
    with ScriptedServer(answer(200, {})) as server:
        http = make(dead, server.url)
        gate = threading.Barrier(8, timeout=5)

        def work():
            gate.wait()
            http.call("POST", PATH, BODY, lean=True)
            asked.append(1)

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert len(asked) == len(server.requests) == 8
        assert len(clock.waits) <= 8  # each met the dead host once at most


def test_a_single_host_is_kept(make, clock):
    """With an api_base of one's own there is no other."""
    dead = f"http://127.0.0.1:{refusing_port()}"
    with pytest.raises(TransportError, match=r"127\.0\.0\.1"):
        make(dead).call("GET", "/gateway")
    assert clock.waits == USUAL


# ---------------------------------------------------------------------- the platform's clock


@pytest.fixture
def _in_china():
    """Put this machine into the time zone of most users, where it can be."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "Asia/Shanghai")
        getattr(time, "tzset", int)()
        yield
    getattr(time, "tzset", int)()


@pytest.mark.parametrize(
    ("date", "skew"),
    [
        (lambda now: formatdate(now + 30, usegmt=True), 30.5),
        (lambda now: formatdate(now - 3600, usegmt=True), -3599.5),
        (lambda now: formatdate(now + 3, usegmt=True), 3.5),
        (lambda now: formatdate(now + 1, usegmt=True), 0.0),
        (lambda now: formatdate(now - 1, usegmt=True), 0.0),
        (lambda now: formatdate(now + 30).replace("-0000", "+0000"), 30.5),
        (lambda now: formatdate(now + 30), 30.5),  # "-0000": UTC that says it knows no zone
        (lambda now: formatdate(now + 30).removesuffix(" -0000"), 30.5),
        (lambda _: "yesterday", None),
        (lambda _: "", None),
        (lambda _: "Tue, 99 Foo 2026 99:99:99 GMT", None),
        (lambda _: "Tue, 21 Jul 2026", None),
        (lambda _: "Tue, 21 Jul 99999999 10:00:00 GMT", None),
        (None, None),
    ],
)
@pytest.mark.usefixtures("_in_china")
def test_the_platforms_clock_is_read_from_its_answers(make, clock, date, skew):
    """Reply windows count in the platform's time, also on a machine whose clock is wrong."""
    headers = {"Date": date(clock.time())} if date else {}
    with ScriptedServer(answer(200, {}, **headers)) as server:
        http = make(server.url)
        assert http.platform_time() is None
        http.call("GET", "/users/@me")
    known = http.platform_time()
    assert known is None if skew is None else known - clock.time() == skew


class SetClock(ManualClock):
    """A clock that somebody sets: the wall clock jumps, the monotonic one does not."""

    ahead = 0.0

    def time(self):
        return super().time() + self.ahead


@pytest.mark.parametrize("seconds", [86_400.0, -86_400.0])
def test_a_clock_that_is_set_changes_nothing_of_the_platforms(make, seconds):
    """At once, and not with the next answer: without it no reply would go out to bring one."""
    clock = SetClock()
    began = clock.time()
    with ScriptedServer(answer(200, {}, Date=formatdate(began + 100, usegmt=True))) as server:
        http = make(server.url, clock=clock)
        http.call("GET", "/x")
    clock.ahead = seconds
    clock.advance(5.0)
    assert http.platform_time() == began + 105.5


def test_the_skew_is_read_anew_after_a_minute(make, clock):
    """A clock that is set right while the bot runs counts from then on; garbage changes nothing."""

    def at(offset):
        return answer(200, {}, Date=formatdate(clock.time() + offset, usegmt=True))

    with ScriptedServer(at(100), at(107)) as server:
        http = make(server.url)
        http.call("GET", "/x")
        assert http.platform_time() - clock.time() == 100.5
        clock.advance(59)
        http.call("GET", "/x")
        assert http.platform_time() - clock.time() == 100.5
        clock.advance(2)
        server.script[:] = [answer(404, Date="?")]
        with pytest.raises(NotFound):
            http.call("GET", "/x")
        assert http.platform_time() - clock.time() == 100.5
        clock.advance(61)
        server.script[:] = [at(0)]
        http.call("GET", "/x")
        assert http.platform_time() == clock.time()


def test_a_refusal_tells_the_time_as_well(make, clock):
    """The first answer of a day may be a refusal."""
    date = formatdate(clock.time() + 30, usegmt=True)
    with ScriptedServer(answer(404, Date=date)) as server:
        http = make(server.url)
        with pytest.raises(NotFound):
            http.call("GET", "/x")
    assert http.platform_time() - clock.time() == 30.5
