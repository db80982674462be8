"""Where the gateway is, asked sparingly; when a session may start, paced for all clients."""

from __future__ import annotations

import itertools
import threading

import pytest

from qqgroup_sync.api.records import GatewayInfo
from qqgroup_sync.errors import (
    ApiError,
    AuthError,
    BadResponse,
    Forbidden,
    RateLimited,
    ServerError,
    TransportError,
)
from qqgroup_sync.gateway.discovery import FEW_PAUSE, FRESH, SPARING, START_WINDOW, Discovery
from tests.waiting import LIMIT, eventually

numbers = itertools.count()


class FakeEndpoints:
    """Answers ``GET /gateway/bot`` from a list, then the last one again."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.calls = 0

    def gateway_bot(self):
        self.calls += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def info(url="wss://one", *, total=1000, remaining=999, reset_after=100.0, concurrency=1):
    """Return what the platform answers."""
    return GatewayInfo(url, 1, total, remaining, reset_after, concurrency, {})


@pytest.fixture
def make(clock):
    """Return a function that makes discoveries of a bot of their own; the same key shares."""
    own = ("1", f"host-{next(numbers)}")

    def make(*answers, key=own, **options):
        endpoints = FakeEndpoints(*(answers or [info()]))
        return Discovery(endpoints, clock, key=key, **options), endpoints

    return make


def test_the_address_is_asked_for_once_in_ten_minutes(make, clock):
    """Two questions a minute is all that the platform allows."""
    discovery, endpoints = make(info("wss://one"), info("wss://two"))
    for _ in range(5):
        assert discovery.url() == "wss://one"
    assert endpoints.calls == 1
    clock.advance(FRESH)
    assert discovery.url() == "wss://two"


def test_clients_of_one_bot_share_the_answer(make):
    """Several shards or clients in a process do not use the limit up."""
    one, _ = make(info("wss://one"))
    other, asked = make(info("wss://two"))
    stranger, _ = make(info("wss://three"), key=("2", "elsewhere"))
    assert [one.url(), other.url(), stranger.url()] == ["wss://one", "wss://one", "wss://three"]
    assert asked.calls == 0


def test_a_doubt_leads_to_another_question_but_not_at_once(make, clock):
    """After a failed connection the address may be wrong; quick reconnects do not ask."""
    discovery, endpoints = make()
    discovery.url()
    clock.advance(SPARING)
    discovery.doubt()
    discovery.url()
    assert endpoints.calls == 1
    clock.advance(1)
    discovery.doubt()
    discovery.url()
    assert endpoints.calls == 2


def test_an_inherited_address_is_doubted_at_once(make):
    """A simulator that was started anew has another one; later doubts are sparing again."""
    old, _ = make(info("wss://old"))
    old.url()
    new, endpoints = make(info("wss://new"))
    assert new.url() == "wss://old"
    new.doubt()
    assert new.url() == "wss://new"
    new.doubt()
    new.url()
    assert endpoints.calls == 1


@pytest.mark.parametrize(
    "error",
    [
        TransportError("no answer"),
        ServerError(status=500),
        BadResponse("no JSON"),
        RateLimited(status=429, retry_after=60.0),
        ApiError(status=404),
    ],
)
def test_a_known_address_outlives_trouble(make, clock, error):
    """The gateway may be well although the REST side is not."""
    discovery, _ = make(info("wss://one"), error)
    discovery.url()
    clock.advance(FRESH)
    assert discovery.url() == "wss://one"


@pytest.mark.parametrize("error", [AuthError(status=401), Forbidden(status=403)])
def test_a_refusal_is_told_although_an_address_is_known(make, clock, error):
    """A bot that was banned meanwhile need not knock."""
    discovery, _ = make(info("wss://one"), error)
    discovery.url()
    clock.advance(FRESH)
    with pytest.raises(type(error)):
        discovery.url()


@pytest.mark.parametrize("error", [TransportError("no answer"), RateLimited(status=429)])
def test_without_any_answer_the_reason_is_told(make, error):
    """The runner waits and asks again."""
    discovery, _ = make(error, info("wss://one"))
    with pytest.raises(type(error)):
        discovery.url()
    assert discovery.url() == "wss://one"


def test_a_fixed_address_is_kept(make):
    """``gateway_url`` wins; the platform is asked for its limits only, and need not answer."""
    discovery, endpoints = make(info("wss://one"), url="wss://mine")
    assert discovery.url() == "wss://mine"
    assert endpoints.calls == 1
    silent, _ = make(TransportError("no answer"), url="wss://mine", key=("3", "silent"))
    assert silent.url() == "wss://mine"
    refused, _ = make(AuthError(status=401), url="wss://mine", key=("4", "refused"))
    with pytest.raises(AuthError):
        refused.url()


# ---------------------------------------------------------------------- session starts


def starts(discovery, clock, number):
    """Start so many sessions as early as allowed; return when, in seconds from now."""
    began, moments = clock.monotonic(), []
    while len(moments) < number:
        wait = discovery.reserve_start()
        if wait:
            clock.advance(wait)
        else:
            moments.append(clock.monotonic() - began)
    return moments


@pytest.mark.parametrize("concurrency", [1, 3])
def test_sessions_start_no_faster_than_allowed(make, clock, concurrency):
    """``max_concurrency`` within five seconds."""
    discovery, _ = make(info(concurrency=concurrency))
    discovery.url()
    moments = starts(discovery, clock, 9)
    assert moments[:concurrency] == [0.0] * concurrency
    for early, late in zip(moments, moments[concurrency:], strict=False):
        assert late - early >= START_WINDOW


def test_the_pace_is_that_of_all_clients_together(make, clock):
    """The platform counts per bot, not per object."""
    one, _ = make()
    other, _ = make()
    one.url()
    assert one.reserve_start() == 0.0
    assert other.reserve_start() == START_WINDOW


def test_before_anything_is_known_one_may_start(make):
    """With a fixed address and no answer the careful assumption holds."""
    discovery, _ = make()
    assert discovery.reserve_start() == 0.0
    assert discovery.reserve_start() == START_WINDOW


def test_a_daily_limit_that_is_used_up_is_waited_for(make, clock):
    """Until the platform counts anew."""
    discovery, _ = make(info(total=2, remaining=2, reset_after=3600.0, concurrency=10))
    discovery.url()
    assert [discovery.reserve_start() for _ in range(3)] == [0.0, 0.0, 3600.0]
    clock.advance(3599)
    assert discovery.reserve_start() == 1.0
    clock.advance(1)
    assert discovery.reserve_start() == 0.0


def test_a_question_that_fails_makes_the_wait_for_new_starts_no_longer(make, clock):
    """The hours count from when they were told; a doubt about the address changes nothing."""
    discovery, endpoints = make(info(remaining=0, reset_after=7200.0), TransportError("503"))
    discovery.url()
    assert discovery.reserve_start() == 7200.0
    clock.advance(3600)
    discovery.doubt()
    discovery.url()
    assert endpoints.calls == 2
    assert discovery.reserve_start() == 3600.0
    clock.advance(600)
    discovery.doubt()
    assert discovery.reserve_start() == 3000.0
    clock.advance(3000)
    assert discovery.reserve_start() == 0.0


@pytest.mark.parametrize(
    ("total", "remaining", "used_up"), [(9, 1, False), (9, 0, True), (0, 0, False)]
)
def test_it_knows_when_the_starts_are_used_up(make, total, remaining, used_up):
    """By those that were made since, too."""
    discovery, _ = make(info(total=total, remaining=remaining))
    assert not discovery.used_up
    discovery.url()
    assert discovery.used_up is used_up
    discovery.reserve_start()
    assert discovery.used_up is (total > 0)


def test_a_fresh_answer_counts_afresh(make, clock):
    """What remains is the platform's number, not ours."""
    answers = (
        info(total=9, remaining=1, concurrency=10),
        info(total=9, remaining=5, concurrency=10),
    )
    discovery, _ = make(*answers)
    discovery.url()
    assert discovery.reserve_start() == 0.0
    clock.advance(FRESH)
    discovery.url()
    assert [discovery.reserve_start() for _ in range(5)] == [0.0] * 5


def test_few_sessions_are_used_sparingly_and_told_of(make, clock, caplog):
    """A bot that is thrown out again and again does not use the day's sessions up in an hour."""
    discovery, _ = make(info(total=1000, remaining=101, reset_after=7200.0, concurrency=10))
    discovery.url()
    assert [discovery.reserve_start() for _ in range(2)] == [0.0, 0.0]
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert "only 99 of 1000 session starts are left for the next 2.0 h" in record.getMessage()
    moments = starts(discovery, clock, 4)
    assert moments == [FEW_PAUSE, 2 * FEW_PAUSE, 3 * FEW_PAUSE, 4 * FEW_PAUSE]
    assert len(caplog.records) == 1


def test_shards_that_ask_at_once_ask_once(make):
    """Of many shards that start together one asks, and all know."""
    go, asked = threading.Event(), threading.Event()

    class Slow(FakeEndpoints):
        def gateway_bot(self):
            asked.set()
            assert go.wait(LIMIT)
            return super().gateway_bot()

    discovery, _ = make(info("wss://one"))
    discovery._endpoints = endpoints = Slow(info("wss://one"))
    found = []
    threads = [threading.Thread(target=lambda: found.append(discovery.url())) for _ in range(8)]
    for thread in threads:
        thread.start()
    assert asked.wait(LIMIT)
    go.set()
    for thread in threads:
        thread.join(LIMIT)
    assert found == ["wss://one"] * 8
    assert endpoints.calls == 1


def test_who_waits_for_the_question_of_another_hears_its_failure(make):
    """And does not ask the same again, one after the other."""
    go, asked = threading.Event(), threading.Event()
    error = TransportError("no answer")

    class Failing(FakeEndpoints):
        def gateway_bot(self):
            self.calls += 1
            asked.set()
            assert go.wait(LIMIT)
            raise error

    discovery, _ = make()
    discovery._endpoints = endpoints = Failing()
    failures = []

    def ask():
        try:
            discovery.url()
        except TransportError as failure:
            failures.append(failure)

    first, second = threading.Thread(target=ask), threading.Thread(target=ask)
    first.start()
    assert asked.wait(LIMIT)
    second.start()
    eventually(lambda: len(discovery._cell.answered._waiters) == 1)
    go.set()
    first.join(LIMIT)
    second.join(LIMIT)
    assert failures == [error, error]
    assert endpoints.calls == 1


def test_waiting_for_the_question_of_another_ends_with_the_client(make):
    """Whose question it is may go on."""
    go, asked = threading.Event(), threading.Event()

    class Slow(FakeEndpoints):
        def gateway_bot(self):
            asked.set()
            assert go.wait(LIMIT)
            return super().gateway_bot()

    stop = threading.Event()
    asking, _ = make()
    asking._endpoints = Slow(info())
    waiting, _ = make(stop=stop)
    thread = threading.Thread(target=asking.url)
    thread.start()
    try:
        assert asked.wait(LIMIT)
        stop.set()
        with pytest.raises(TransportError, match="stops"):
            waiting.url()
    finally:
        go.set()
        thread.join(LIMIT)


def test_without_a_stated_limit_there_is_none(make):
    """Zero of zero is no limit."""
    discovery, _ = make(info(total=0, remaining=0, concurrency=50))
    discovery.url()
    assert [discovery.reserve_start() for _ in range(20)] == [0.0] * 20
