"""The access token: one request for all who wait, renewed before it ends, never shown."""

from __future__ import annotations

import itertools
import json
import logging
import threading

import pytest

from qqgroup_sync.api import token as token_module
from qqgroup_sync.api.token import AccessToken
from qqgroup_sync.api.transport import Transport
from qqgroup_sync.errors import (
    ApiError,
    AuthError,
    BadResponse,
    QQGroupError,
    RateLimited,
    ServerError,
    StateError,
    TransportError,
    TransportTimeout,
)
from qqgroup_sync.masking import mask
from qqgroup_sync.runtime.clock import Clock
from tests.api.scripted_server import (
    ScriptedServer,
    answer,
    closed_after_reading,
    refusing_port,
    silence,
)
from tests.waiting import eventually

SECRET = "hunter2-hunter2"
PATH = "/app/getAppAccessToken"
numbers = itertools.count(1000)


@pytest.fixture
def appid():
    """Return a bot that no other test knows: tokens are shared in a process."""
    return str(next(numbers))


@pytest.fixture
def make(clock, appid):
    """Return a function that makes the token of the bot for some hosts."""
    transports = []

    def build(*bases, clock=clock, secret=SECRET, language="en", stop=None):
        transports.append(Transport(language=language))
        return AccessToken(
            appid,
            secret,
            urls=[base + PATH for base in bases],
            transport=transports[-1],
            clock=clock,
            stop=stop,
            language=language,
        )

    yield build
    for one in transports:
        one.close()


def token(value="abc", expires_in="7200"):
    """Return the platform's answer with a token."""
    return answer(200, {"access_token": value, "expires_in": expires_in})


def error(code, status=200):
    """Return the platform's answer without one."""
    return answer(status, {"code": code, "message": "no"})


class Platform:
    """Hands out tokens as the platform does: the same one until its last minute.

    Attributes:
        asked: When somebody asked.
        handed_out: Every token and when it ends.
        out_of_order: While set, only HTTP 500 comes back.
    """

    def __init__(self, clock, life=7200):
        self.clock = clock
        self.life = life
        self.asked = []
        self.handed_out = []
        self.out_of_order = False

    def __call__(self, _server, connection):
        now = self.clock.time()
        self.asked.append(now)
        if not self.handed_out or self.handed_out[-1][1] - now <= 60:
            self.handed_out.append((f"t{len(self.handed_out)}", now + self.life))
        value, ends = self.handed_out[-1]
        connection.sendall(answer(500) if self.out_of_order else token(value, str(int(ends - now))))
        return True

    def accepts(self, header):
        """Return whether a request with this header would be let in now."""
        return any(
            header == f"QQBot {value}" and self.clock.time() < ends
            for value, ends in self.handed_out
        )


# ---------------------------------------------------------------------- what comes back


def test_the_secret_is_exchanged_for_a_token(make, appid):
    """One request in the documented form; the header is what every call carries."""
    with ScriptedServer(token("abc")) as server:
        access = make(server.url)
        assert [access.header() for _ in range(3)] == ["QQBot abc"] * 3
    (request,) = server.requests
    assert (request.method, request.target) == ("POST", PATH)
    assert json.loads(request.body) == {"appId": appid, "clientSecret": SECRET}
    assert request.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("expires_in", "lasts"),
    [
        ("7200", 7170),
        (7200, 7170),
        (1222.5, 1192.5),
        ("90", 67.5),
        (None, 45),
        ("", 45),
        ("soon", 45),
        ([], 45),
        ({"a": 1}, 45),
        (0, 45),
        (-7200, 45),
        ("inf", 45),
        (float("nan"), 45),
        (1e300, 45),
        pytest.param(10**400, 45, id="endless"),
    ],
)
def test_a_token_is_used_until_shortly_before_its_end(make, clock, expires_in, lasts):
    """Number or string; an end that makes no sense means: ask again soon."""
    with ScriptedServer(token("a", expires_in), token("b")) as server:
        access = make(server.url)
        access.header()
        clock.advance(lasts - 0.5)
        assert access.header() == "QQBot a"
        clock.advance(1)
        assert access.header() == "QQBot b"
    assert len(server.requests) == 2


def test_a_token_without_an_end_is_used_for_a_while(make, clock):
    """A missing expires_in is no reason to ask for every call."""
    with ScriptedServer(answer(200, {"access_token": "a"})) as server:
        access = make(server.url)
        access.header()
        clock.advance(44)
        access.header()
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("sent", "kind"),
    [
        (error(100007), AuthError),
        (error(100016), AuthError),
        (error(10004), AuthError),
        (error(100001), RateLimited),
        (error(100017), RateLimited),
        (error(100002), ServerError),
        (error("100016"), AuthError),
        (error(987654), ApiError),
        (error(100016, 400), AuthError),
        (answer(200, {}), ApiError),
        (answer(200, {"access_token": ""}), ApiError),
        (answer(200, {"access_token": 5}), ApiError),
        (answer(200, {"access_token": None, "expires_in": "7200"}), ApiError),
        (answer(200), BadResponse),
        (answer(200, b"<html>login</html>"), BadResponse),
        (answer(200, ["abc"]), BadResponse),
        (answer(502, b"<html>bad gateway</html>"), ServerError),
        (answer(500), ServerError),
        (answer(429), RateLimited),
        (answer(302, Location="/elsewhere"), ApiError),
        (closed_after_reading, TransportError),
    ],
)
def test_no_token(make, sent, kind):
    """The platform refuses with HTTP 200; each refusal becomes the error that says what to do."""
    with ScriptedServer(sent) as server:
        access = make(server.url)
        with pytest.raises(QQGroupError) as caught:
            access.header()
        assert type(caught.value) is kind
        assert SECRET not in f"{caught.value} {caught.value!r}"
        assert access.age is None
        server.script[:] = [token("later")]
        assert access.header() == "QQBot later"  # no failure is remembered


@pytest.mark.parametrize(("language", "words"), [("en", "belong together"), ("zh", "对不上")])
def test_a_wrong_secret_is_explained(make, language, words):
    """The mistake of every beginner is told in his language."""
    with ScriptedServer(error(100016)) as server, pytest.raises(AuthError) as caught:
        make(server.url, language=language).header()
    assert words in caught.value.cause
    assert caught.value.remedy


# ---------------------------------------------------------------------- the second endpoint


@pytest.mark.parametrize(
    "step",
    [
        silence,
        closed_after_reading,
        answer(500),
        answer(503, b"<html>"),
        error(100002, 500),
        answer(404, b"<html>"),
        answer(200, b"<html>login</html>"),
        answer(200),
    ],
)
def test_the_second_endpoint_helps_when_the_first_does_not_answer(make, monkeypatch, step):
    """The old host goes on serving, or the new one does not exist in a region."""
    monkeypatch.setattr(token_module, "TIMEOUT", 0.1 if step is silence else 5.0)
    with ScriptedServer(step) as first, ScriptedServer(token("b")) as second:
        assert make(first.url, second.url).header() == "QQBot b"
    assert len(second.requests) == 1


def test_an_endpoint_that_cannot_be_reached_is_passed_over(make):
    """Nobody listens at the first one."""
    with ScriptedServer(token("b")) as second:
        assert make(f"http://127.0.0.1:{refusing_port()}", second.url).header() == "QQBot b"


@pytest.mark.parametrize("code", [100007, 100016, 100001, 100017, 987654])
@pytest.mark.parametrize("status", [200, 400])
def test_a_refusal_counts_whatever_another_host_might_say(make, code, status):
    """A wrong secret is not sent around, and a rate limit is not doubled."""
    servers = ScriptedServer(error(code, status)), ScriptedServer(token("b"))
    with servers[0] as first, servers[1] as second, pytest.raises(ApiError):
        make(first.url, second.url).header()
    assert (len(first.requests), second.requests) == (1, [])


def test_the_first_endpoint_is_preferred_each_time(make):
    """A fall-back is for one request."""
    with ScriptedServer(answer(500), token("a")) as first, ScriptedServer(token("b")) as second:
        access = make(first.url, second.url)
        assert access.header() == "QQBot b"
        access.refuse("QQBot b")
        assert access.header() == "QQBot a"


def test_when_none_answers_the_last_failure_is_told(make, monkeypatch):
    """After both were asked once."""
    monkeypatch.setattr(token_module, "TIMEOUT", 0.1)
    with ScriptedServer(answer(500)) as first, ScriptedServer(silence) as second:
        with pytest.raises(TransportTimeout):
            make(first.url, second.url).header()
        assert len(first.requests) == 1


# ---------------------------------------------------------------------- many threads


def ask_together(access, server, step):
    """Let eight threads ask while the platform hesitates; return what each got."""
    go = threading.Event()

    def hesitate(server, connection):
        go.wait(5)
        return step(server, connection) if callable(step) else connection.sendall(step) is None

    server.script[:] = [hesitate]
    found = []

    def ask():
        try:
            found.append(access.header())
        except QQGroupError as failure:
            found.append(failure)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    eventually(lambda: len(access._cell.changed._waiters) == 7)
    go.set()
    for thread in threads:
        thread.join(5)
    return found


def test_one_request_serves_all_who_wait(make):
    """At the start every worker wants the token at once; the platform limits asking."""
    with ScriptedServer() as server:
        assert ask_together(make(server.url), server, token("abc")) == ["QQBot abc"] * 8
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("step", "kind"), [(error(100016), AuthError), (closed_after_reading, TransportError)]
)
def test_one_failure_reaches_all_who_wait(make, step, kind):
    """Eight waiters are not eight more requests; who asks afterwards tries anew."""
    with ScriptedServer() as server:
        access = make(server.url)
        assert [type(one) for one in ask_together(access, server, step)] == [kind] * 8
        assert len(server.requests) == 1
        server.script[:] = [token("later")]
        assert access.header() == "QQBot later"


def test_stop_ends_the_wait_for_who_fetches(make):
    """The platform hesitates in the thread of another client of the bot, which goes on."""
    go, stop, ends = threading.Event(), threading.Event(), []

    def hesitate(_server, connection):
        go.wait(10)
        return connection.sendall(token("abc")) is None

    def ask(access):
        try:
            ends.append(access.header())
        except StateError as failure:
            ends.append(failure.summary)

    with ScriptedServer(hesitate) as server:
        asking, waiting = make(server.url), make(server.url, stop=stop)
        threads = [threading.Thread(target=ask, args=[asking])]
        threads[0].start()
        eventually(lambda: server.requests)
        threads.append(threading.Thread(target=ask, args=[waiting]))
        threads[1].start()
        eventually(lambda: asking._cell.changed._waiters)
        stop.set()
        threads[1].join(5)
        assert ends == ["the client was stopped: nothing is sent any more"]
        go.set()
        threads[0].join(5)
    assert ends[1:] == ["QQBot abc"]
    assert len(server.requests) == 1


def test_who_comes_a_moment_late_takes_what_was_fetched(make, clock):
    """Between seeing the end of a token and asking, another thread may have asked."""
    with ScriptedServer(token("a"), token("b"), token("c")) as server:
        early, late = make(server.url), make(server.url)
        early.header()
        clock.advance(7190)
        now = clock.monotonic

        def meanwhile():
            then, clock.monotonic = now(), now
            assert early.header() == "QQBot b"
            return then

        clock.monotonic = meanwhile
        assert late.header() == "QQBot b"
    assert len(server.requests) == 2


def test_an_interrupted_request_does_not_block_the_others(make, monkeypatch):
    """Ctrl-C, or a bug, in the thread that asks leaves nobody waiting for ever."""
    with ScriptedServer(token("a")) as server:
        access = make(server.url)
        with monkeypatch.context() as patch:
            patch.setattr(access, "_ask", lambda _url: (_ for _ in ()).throw(KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                access.header()
        assert access.header() == "QQBot a"


# ---------------------------------------------------------------------- refusing and sharing


def test_the_secret_stays_hidden_after_many_tokens(make):
    """A bot that runs for a week has had hundreds of them."""
    secret = "An0therAppSecretOfATest"
    with ScriptedServer(*(token(f"a-token-of-this-bot-{one:03}") for one in range(150))) as server:
        access = make(server.url, secret=secret)
        for _ in range(150):
            access.refuse(access.header())
    assert mask(f"the edge said: {secret}") == "the edge said: ***"
    assert mask("the edge said: a-token-of-this-bot-149") == "the edge said: ***"


def test_only_the_refused_token_is_dropped(make):
    """A late refusal of an old token does not cost the new one."""
    with ScriptedServer(token("a"), token("b"), token("c")) as server:
        access = make(server.url)
        old = access.header()
        access.refuse("QQBot something else")
        assert access.header() == old
        access.refuse(old)
        assert access.age is None
        assert access.header() == "QQBot b"
        access.refuse(old)
        assert access.header() == "QQBot b"
    assert len(server.requests) == 2


def test_clients_of_one_bot_share_the_token(make):
    """Two clients in a notebook, or a restart, do not ask twice; a refusal counts for both."""
    with ScriptedServer(token("a"), token("b"), token("c")) as server:
        one, other = make(server.url), make(server.url)
        assert one.header() == other.header() == "QQBot a"
        assert other.age == 0.0
        one.refuse("QQBot a")
        assert other.header() == "QQBot b"
        assert len(server.requests) == 2
        assert make(server.url, secret="another").header() == "QQBot c"


def test_a_wrong_secret_never_gets_the_token_of_the_right_one(make):
    """A client with a typo in its secret must fail, not live on the other's token."""
    with ScriptedServer(token("a"), error(100016)) as server:
        make(server.url).header()
        with pytest.raises(AuthError):
            make(server.url, secret="typo").header()


def test_hosts_do_not_share(make):
    """A token of the simulator is worth nothing on the platform."""
    with ScriptedServer(token("a")) as one, ScriptedServer(token("b")) as other:
        assert make(one.url).header() == "QQBot a"
        assert make(other.url).header() == "QQBot b"


def test_the_age_counts_from_the_token_not_from_the_asking(make, clock):
    """The status shows how long the same token is in use."""
    platform = Platform(clock)
    with ScriptedServer(platform) as server:
        access = make(server.url)
        assert access.age is None
        access.header()
        clock.advance(100)
        assert access.age == 100
        access._fetch_once(ahead=True)  # the same token again
        assert access.age == 100
        clock.advance(7060)
        access._fetch_once(ahead=True)
        assert access.age == 0.0


# ---------------------------------------------------------------------- ahead of the end


def keep_fresh_for(access, clock, seconds, check=lambda: None):
    """Run the body of the thread for so many seconds of the clock; call ``check`` at each wait."""
    stop = threading.Event()
    ends = clock.time() + seconds

    def on_wait(_seconds):
        check()
        if clock.time() >= ends:
            stop.set()

    clock.on_wait = on_wait
    access.keep_fresh(stop)
    clock.on_wait = lambda _seconds: None


@pytest.mark.parametrize("life", [7200, 1222, 200])
def test_the_token_is_renewed_ahead_for_hours(make, clock, life):
    """Nobody waits for a token, none that ended is used, and the platform is asked rarely.

    Asking 5 minutes ahead brings the same token; the new one comes in the last minute.
    """
    platform = Platform(clock, life)
    with ScriptedServer(platform) as server:
        access = make(server.url)
        access.header()

        def check():
            asked = len(platform.asked)
            assert platform.accepts(access.header())
            assert len(platform.asked) == asked

        keep_fresh_for(access, clock, 5 * life, check)
    lives = len(platform.handed_out)
    assert lives >= 5
    assert len(platform.asked) <= 1 + 2 * lives
    gaps = [later - earlier for earlier, later in itertools.pairwise(platform.asked)]
    assert min(gaps) > 10


def test_the_thread_asks_for_nothing_before_somebody_does(make, clock):
    """A client that only listens to start() with a wrong secret is not asked for in a loop."""
    with ScriptedServer(token()) as server:
        keep_fresh_for(make(server.url), clock, 600)
    assert server.requests == []


def test_a_token_that_came_meanwhile_is_not_asked_for_again(make, clock):
    """The thread begins without one, and the gateway needs one a moment later."""
    platform = Platform(clock)
    with ScriptedServer(platform) as server:
        access = make(server.url)
        keep_fresh_for(access, clock, 600, access.header)
    assert len(platform.asked) == 1


def test_failures_do_not_end_the_renewal(make, clock, caplog):
    """The platform is away for a minute: it is asked every 15 s, then all is as before."""
    platform = Platform(clock)
    with ScriptedServer(platform) as server:
        access = make(server.url)
        access.header()
        clock.advance(6900)
        platform.out_of_order = True

        def recover():
            platform.out_of_order = len(platform.asked) < 5

        with caplog.at_level(logging.WARNING):
            keep_fresh_for(access, clock, 300, recover)
        assert platform.accepts(access.header())
    tries = platform.asked[1:6]
    assert all(14 <= later - earlier <= 17 for earlier, later in itertools.pairwise(tries))
    assert "could not be refreshed" in caplog.text
    assert SECRET not in caplog.text


def test_stop_ends_the_thread_at_once(make):
    """Before there is a token and while the next renewal is hours away."""
    with ScriptedServer(token()) as server:
        access = make(server.url, clock=Clock())
        for _ in range(2):
            stop = threading.Event()
            thread = threading.Thread(target=access.keep_fresh, args=(stop,))
            thread.start()
            stop.set()
            thread.join(5)
            assert not thread.is_alive()
            access.header()
