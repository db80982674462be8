"""Sends are answered alike by the short way and by Flask, which takes over while a fault waits."""

import pytest

from tests.waiting import eventually

from .bot import APPID

HEADERS = {"Content-Type", "Content-Length", "X-Tps-trace-ID", "Date"}


@pytest.fixture(params=["short way", "Flask"])
def way(sim, request):
    """Which way requests go; a fault for some other call makes them all go the long one."""
    if request.param == "Flask":
        sim.faults.fail("/no/such/path")
    return request.param


@pytest.fixture
def long_calls(sim):
    """Count the requests that Flask has seen."""
    seen = []
    sim.app.before_request_funcs.setdefault(None, []).append(lambda: seen.append(1) and None)
    return seen


def test_an_accepted_send(sim, bot, way, long_calls):
    """The same answer and headers; and Flask was asked, or not."""
    group, hong = sim.platform.group("g"), sim.platform.user("Hong")
    for chat in (group, hong):
        answer = bot.say(chat, "天气")
        assert answer.status_code == 200
        assert set(answer.headers) == HEADERS
        assert answer.headers["Content-Type"] == "application/json"
        assert set(answer.json()) == {"id", "timestamp", "ext_info"}
        assert chat.next_reply().text == "天气"
    assert len(long_calls) == (0 if way == "short way" else 2)
    assert sim.platform.stats["proactive_accepted"] == 2


def test_watched_sends(sim, bot, way):
    """Observers get the same record, whether it was accepted or refused."""
    calls = []
    sim.platform.subscribe(lambda kind, record: kind == "api" and calls.append(record))
    group = sim.platform.group("g")
    answers = [bot.say(group, "hello"), bot.say(group, "")]
    eventually(lambda: len(calls) == 2)
    for call, answer in zip(calls, answers, strict=True):
        assert (call.method, call.appid) == ("POST", APPID)
        assert call.path == f"/v2/groups/{group.openid}/messages"
        assert (call.status, call.response) == (answer.status_code, answer.json())
        assert call.trace_id == answer.headers["X-Tps-trace-ID"]
        assert 0 < call.seconds < 5
        assert call.faults == ()
    assert calls[0].request == {"msg_type": 0, "content": "hello"}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"msg_type":0,"content":""}', 304061),
        (b'{"msg_type":0,"content":"x","msg_id":"unknown"}', 40034024),
        (b"no JSON", 11255),
        (b"[]", 11255),
        (b"", 304061),
        (b"\xff", 11255),
        (b"[" * 100_000, 11255),
        (b'{"msg_type":0,"content":"x\\ud800"}', 11255),
        (b'{"msg_type":0,"content":NaN}', 11255),
    ],
)
def test_a_refused_send(sim, bot, way, body, code):
    """The same error body, and counted once."""
    path = f"/v2/groups/{sim.platform.group('g').openid}/messages"
    answer = bot.http.post(f"{sim.url}{path}", data=body, timeout=5)
    error = answer.json()
    assert (answer.status_code, error["code"], error["err_code"]) == (400, code, code)
    assert error["trace_id"] == answer.headers["X-Tps-trace-ID"]
    assert sim.platform.stats["sends_refused"] == (code != 11255)
    assert sim.platform.stats["api_calls"] == 2  # the token, and this


def test_a_mistake_of_ours(sim, bot, way, monkeypatch, expected_errors):
    """The same JSON with the trace id, seen by observers; the log says what went wrong."""

    def fail(*_arguments, **_options):
        raise ZeroDivisionError

    calls = []
    sim.platform.subscribe(lambda _kind, record: calls.append(record), ["api"])
    monkeypatch.setattr(sim.platform.messaging, "send", fail)
    answer = bot.say(sim.platform.group("g"))
    assert (answer.status_code, answer.json()["code"]) == (500, 500)
    assert answer.json()["trace_id"] == answer.headers["X-Tps-trace-ID"]
    eventually(lambda: [call.status for call in calls] == [500])
    (logged,) = expected_errors
    assert logged.exc_info[0] is ZeroDivisionError


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": "QQBot wrong"}, 401),
        ({"Authorization": ""}, 401),
        ({"Host": "evil.example"}, 421),
    ],
)
def test_who_may_send(sim, bot, way, headers, status):
    """The same checks."""
    path = f"/v2/groups/{sim.platform.group('g').openid}/messages"
    body = {"msg_type": 0, "content": "x"}
    assert bot.post(path, body, headers=headers).status_code == status
    sim.platform.register_bot(APPID, banned=True)
    assert bot.post(path, body).status_code == 403
    assert sim.platform.group("g").messages == []


def test_faults_and_limits_strike(sim, bot, way):
    """A fault that waits, a whitelist, a limit of the body and rates."""
    group = sim.platform.group("g")
    sim.faults.fail("/messages", status=503)
    assert bot.say(group).status_code == 503
    assert bot.say(group).status_code == 200
    for rule, status in (("ip_whitelist", 401), ("max_body", 413)):
        before = getattr(sim.platform.rules, rule)
        sim.platform.change_rules(**{rule: frozenset() if rule == "ip_whitelist" else 5})
        assert bot.say(group).status_code == status
        sim.platform.change_rules(**{rule: before})
    sim.platform.change_rules(rate_limits=True, quotas=False)
    sim.clock.speed = 0
    assert [bot.say(group).status_code for _ in range(101)] == [200] * 100 + [429]
