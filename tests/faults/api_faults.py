"""What the REST interface may answer, or not answer, at each endpoint that a bot needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.faults.bench import APPID
from tests.faults.registry import fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.faults.bench import Bench

SENDS = r"/messages$"
TOKEN = r"/app/getAppAccessToken$"
GATEWAY_URL = r"/gateway"
UPLOAD = r"/files$"
STALE = {"message": "token not exist or expire", "code": 11244, "err_code": 11244}
ANSWERS: dict[str, dict[str, Any]] = {
    "401": {"status": 401, "body": STALE},
    "429 with Retry-After": {"status": 429, "headers": {"Retry-After": "1"}},
    "429": {"status": 429, "body": {"code": 22009, "err_code": 22009, "message": "limit"}},
    "500": {"status": 500},
    "504": {"status": 504},
    "502 in HTML": {"status": 502, "body": "<html><h1>502 Bad Gateway</h1></html>"},
    "200 and nothing": {"status": 200, "body": ""},
    "200 in HTML": {"status": 200, "body": "<html>Log in to this network</html>"},
}
ENDPOINTS = {"send": SENDS, "token": TOKEN, "gateway": GATEWAY_URL, "upload": UPLOAD}


def need(bench: Bench, endpoint: str) -> None:
    """Make the bot call an endpoint soon."""
    if endpoint in ("token", "gateway"):
        bench.expire_tokens()
    if endpoint == "gateway":
        bench.simulator.gateway.close(4009, appid=APPID)
    for _ in range(2):
        bench.say("picture" if endpoint == "upload" else "say")


def _answering(endpoint: str, name: str, answer: dict[str, Any]) -> None:
    @fault(f"{endpoint} answers {name}")
    def answers(bench: Bench) -> Iterator[None]:
        # The answers of several faults add up; two 401 for one message mean what they say.
        times = 1 if endpoint == "token" or name == "401" else 2
        bench.simulator.faults.fail(ENDPOINTS[endpoint], times=times, **answer)
        need(bench, endpoint)
        yield


def _silent(endpoint: str, name: str, do: Callable[[Any, str], object]) -> None:
    @fault(f"{endpoint} {name}")
    def happens(bench: Bench) -> Iterator[None]:
        do(bench.simulator.faults, ENDPOINTS[endpoint])
        need(bench, endpoint)
        yield


SILENCES: dict[str, Callable[[Any, str], object]] = {
    "answers late": lambda faults, path: faults.delay(path, 0.4, times=2),
    "does not answer": lambda faults, path: faults.drop(path, 2),
    "resets": lambda faults, path: faults.drop(path, 2, abruptly=True),
}
AFTER_ACCEPTING: dict[str, Callable[[Any, str], object]] = {
    "accepts and times out": lambda faults, path: faults.delay(path, 5.0, after_accept=True),
    "accepts and does not answer": lambda faults, path: faults.drop(path, 2, after_accept=True),
    "accepts and resets": lambda faults, path: faults.drop(
        path, 2, after_accept=True, abruptly=True
    ),
}
for _endpoint in ENDPOINTS:
    for _name, _answer in ANSWERS.items():
        if (_endpoint, _name) != ("token", "401"):  # it says with HTTP 200 that it refuses
            _answering(_endpoint, _name, _answer)
    for _name, _do in {
        **SILENCES,
        **(AFTER_ACCEPTING if _endpoint in ("send", "upload") else {}),
    }.items():
        _silent(_endpoint, _name, _do)


@fault("send waits for an audit")
def audit(bench: Bench) -> Iterator[None]:
    """202: taken, to be looked at."""
    bench.simulator.faults.audit(3)
    need(bench, "send")
    yield


@fault("token expires")
def token_expires(bench: Bench) -> Iterator[None]:
    """Every token dies while answers are on their way."""
    bench.expire_tokens()
    yield
