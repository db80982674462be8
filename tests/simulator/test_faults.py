"""What goes wrong on the REST side when it is asked for."""

import threading

import pytest
import requests

from qqgroup_sync.simulator.faults import Faults

from .bot import Bot


@pytest.fixture
def group(sim):
    """A group the bot is a member of."""
    return sim.platform.group("g")


def test_fail_happens_as_often_as_asked(sim, bot, group):
    """Fail happens as often as asked."""
    sim.faults.fail("/messages$", times=2, status=500)
    assert [bot.say(group).status_code for _ in range(3)] == [500, 500, 200]
    assert len(group.messages) == 1


def test_fail_with_the_platforms_body(sim, bot, group):
    """A failure without a body gets the platform's error body."""
    sim.faults.fail("/messages", status=504)
    response = bot.say(group)
    body = response.json()
    assert (response.status_code, body["err_code"]) == (504, 504)
    assert body["trace_id"] == response.headers["X-Tps-trace-ID"]


def test_fail_with_any_body(sim, bot, group):
    """A failure may carry any JSON or HTML."""
    sim.faults.fail("/messages", status=400, body={"code": 1, "err_code": 2, "message": "m"})
    sim.faults.fail("/messages", status=413, body="<html>stgw</html>")
    body = bot.say(group).json()
    assert (body["code"], body["err_code"]) == (1, 2)
    response = bot.say(group)
    assert response.headers["Content-Type"].startswith("text/html")
    assert response.text == "<html>stgw</html>"


def test_rate_limit_with_and_without_retry_after(sim, bot, group):
    """Rate limit with and without retry after."""
    sim.faults.fail("", status=429, headers={"Retry-After": "2"})
    sim.faults.fail("", status=429)
    assert bot.say(group).headers["Retry-After"] == "2"
    assert "Retry-After" not in bot.say(group).headers


def test_method_and_path_choose(sim, bot, group):
    """Method and path choose the requests that fail."""
    sim.faults.fail("/gateway$", method="POST")
    sim.faults.fail("/users/@me", times=float("inf"))
    assert bot.get("/gateway").status_code == 200
    assert [bot.get("/users/@me").status_code for _ in range(3)] == [500] * 3
    assert sim.faults.waiting == 2
    sim.faults.clear()
    assert bot.get("/users/@me").status_code == 200


def test_token_endpoint_can_fail_too(sim, bot):
    """The token endpoint can fail too."""
    sim.faults.fail("getAppAccessToken", status=200, body={"code": 100001, "message": "slow"})
    assert bot.ask_token()["code"] == 100001


def test_delay_before_acceptance(sim, bot, group):
    """A delayed request is not carried out meanwhile."""
    sim.faults.delay("/messages")
    with pytest.raises(requests.Timeout):
        bot.say(group, timeout=0.1)
    assert not group.messages


def test_delay_after_acceptance(sim, bot, group):
    """A request can be carried out and its answer withheld."""
    sim.faults.delay("/messages", after_accept=True)
    with pytest.raises(requests.Timeout):
        bot.say(group, timeout=0.1)
    assert group.next_reply().text == "hi"


def test_delay_ends_when_its_simulated_time_has_passed(sim, bot, group):
    """Delay ends when its simulated time has passed."""
    sim.faults.delay("/messages", 3600, after_accept=True)
    answers = []
    thread = threading.Thread(target=lambda: answers.append(bot.say(group)))
    thread.start()
    group.next_reply()
    assert not answers
    sim.clock.advance(3601)
    thread.join(5)
    assert answers[0].status_code == 200


@pytest.mark.parametrize("abruptly", [False, True])
def test_drop(sim, bot, group, abruptly):
    """The connection is closed without an answer, before or after acceptance."""
    sim.faults.drop("/messages", abruptly=abruptly)
    with pytest.raises(requests.ConnectionError):
        bot.say(group)
    assert not group.messages
    sim.faults.drop("/messages", after_accept=True, abruptly=abruptly)
    with pytest.raises(requests.ConnectionError):
        bot.say(group)
    assert len(group.messages) == 1
    assert bot.say(group).status_code == 200


def test_audit(sim, bot, group):
    """202 with 304024 for replies and 304023 otherwise (2.2)."""
    question = group.member("Ming").say("x")
    sim.faults.audit(2)
    for fields, code in (({"msg_id": question.id}, 304024), ({}, 304023)):
        response = bot.say(group, **fields)
        assert (response.status_code, response.json()["code"]) == (202, code)
        audit_id = response.json()["data"]["message_audit"]["audit_id"]
        assert group.next_reply().audit_id == audit_id
    assert bot.say(group).status_code == 200


def test_refused_send_is_not_audited(sim, bot, group):
    """Refused send is not audited."""
    sim.faults.audit()
    assert bot.say(group, "").status_code == 400
    assert (bot.say(group).status_code, bot.say(group).status_code) == (202, 200)


def test_typing_notices_are_not_audited(sim, bot):
    """They are no messages: the fault waits for one, and every audit can be decided."""
    ming = sim.platform.user("Ming")
    said = ming.say("x")
    calls = []
    sim.platform.subscribe(lambda _kind, call: calls.append(call.faults), {"api"})
    sim.faults.audit()
    notice = {"msg_type": 6, "input_notify": {"input_type": 1, "input_second": 60}}
    typing = bot.post(f"/v2/users/{ming.openid}/messages", {**notice, "msg_id": said.id})
    assert typing.status_code == 200
    answer = bot.say(ming, msg_id=said.id, msg_seq=2)
    assert (answer.status_code, answer.json()["code"]) == (202, 304024)
    assert calls == [(), ("audit",)]
    audit_id = answer.json()["data"]["message_audit"]["audit_id"]
    sim.platform.messaging.decide_audit(audit_id, passed=False)
    assert ming.next_reply().recalled


def test_an_audit_is_used_up_once():
    """However many requests met it at the same time."""
    faults = Faults()
    faults.audit()
    met = [faults.take("POST", "/messages")["audit"] for _ in range(2)]
    assert faults.waiting == 1
    assert [faults.strike(fault) for fault in met] == [True, False]
    assert faults.waiting == 0
    faults.audit()
    fault = faults.take("POST", "/messages")["audit"]
    faults.clear()
    assert not faults.strike(fault)


def test_one_of_each_kind_in_order():
    """A request meets one fault of each kind, in the order of asking."""
    faults = Faults()
    faults.fail("a", status=500)
    faults.fail("a", status=501)
    faults.delay("a", 1)
    first = faults.take("GET", "/a")
    assert (first["fail"].status, first["delay"].seconds) == (500, 1)
    assert faults.take("GET", "/a")["fail"].status == 501
    assert faults.take("GET", "/a") == {}


def test_stop_does_not_wait_for_delayed_answers(sim):
    """Stop does not wait_for delayed answers."""
    group = sim.platform.group("g")
    with Bot(sim) as bot:
        sim.faults.delay("/messages", after_accept=True)
        failed = threading.Event()

        def send():
            try:
                bot.say(group)
            except requests.ConnectionError:
                failed.set()

        thread = threading.Thread(target=send)
        thread.start()
        group.next_reply()
        assert sim.stop(5)
        thread.join(5)
        assert not thread.is_alive()
