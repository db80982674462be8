"""What the gateway may do: say goodbye in every way, send twice, out of order, or nonsense."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.faults.bench import APPID
from tests.faults.registry import fault

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from tests.faults.bench import Bench

RESUMES = (1000, 1001, 1011, 4008, 4009)
IDENTIFIES = (4004, 4006, 4007, *range(4900, 4914))
MEBIBYTE = 1024 * 1024

# ---------------------------------------------------------------------- goodbyes


def _closing(code: int) -> None:
    @fault(f"close {code}")
    def close(bench: Bench) -> Iterator[None]:
        bench.close_gateway(code)
        yield


for _code in (*RESUMES, *IDENTIFIES):
    _closing(_code)


@fault("op 7")
def op_7(bench: Bench) -> Iterator[None]:
    """The platform asks to reconnect."""
    bench.simulator.gateway.send_reconnect(appid=APPID)
    yield


@fault("op 7 and 4009")
def op_7_and_close(bench: Bench) -> Iterator[None]:
    """The same as it happens every half hour: the platform closes, too."""
    bench.simulator.gateway.send_reconnect(close=True, appid=APPID)
    yield


@fault("op 9, resumable")
def op_9_true(bench: Bench) -> Iterator[None]:
    """The session is doubted."""
    bench.simulator.gateway.invalid_session(resumable=True, appid=APPID)
    yield


@fault("op 9, not resumable")
def op_9_false(bench: Bench) -> Iterator[None]:
    """The session is over."""
    bench.simulator.gateway.invalid_session(resumable=False, appid=APPID)
    yield


@fault("op 1 of the server")
def op_1(bench: Bench) -> Iterator[None]:
    """The platform wants a heartbeat at once."""
    bench.simulator.gateway.server_heartbeat(appid=APPID)
    yield


@fault("resume refused")
def resume_refused(bench: Bench) -> Iterator[None]:
    """The platform has forgotten the session while the bot was away."""
    bench.simulator.gateway.refuse_resumes(1)
    bench.simulator.gateway.close(4009, appid=APPID)
    yield


@fault("resume answered by 4902")
def resume_closed(bench: Bench) -> Iterator[None]:
    """A refused resume ends with a close code."""
    bench.records.note("closed", code=4902)
    bench.simulator.gateway.refuse_resumes(1, 4902)
    bench.simulator.gateway.close(4009, appid=APPID)
    yield


@fault("connections refused by the gateway")
def gateway_503(bench: Bench) -> Iterator[None]:
    """The gateway is overloaded when the bot comes back: HTTP 503, then resets."""
    bench.simulator.gateway.refuse_connections(2, 503)
    bench.simulator.gateway.refuse_connections(1, None)
    bench.simulator.gateway.close(4009, appid=APPID)
    yield


# ---------------------------------------------------------------------- what it sends

GARBAGE: tuple[str | bytes, ...] = (
    "",
    "garbage",
    "null",
    "[]",
    "{}",
    '{"op":',
    '{"op":"0"}',
    '{"op":0}',
    '{"op":0,"s":"x","t":7,"d":null}',
    '{"op":0,"s":null,"t":"GROUP_AT_MESSAGE_CREATE","d":{}}',
    '{"op":0,"s":null,"t":"GROUP_AT_MESSAGE_CREATE","d":[1]}',
    '{"op":0,"s":null,"t":"C2C_MESSAGE_CREATE","d":{"id":5,"author":"x","content":{}}}',
    '{"op":0,"s":null,"t":"INTERACTION_CREATE","d":"x"}',
    '{"op":0,"s":null,"t":"A_NAME_OF_TOMORROW","id":"x","d":{"a":[1,{"b":null}]}}',
    '{"op":11,"d":{"x":1}}',
    '{"op":99}',
    '{"op":10,"d":{"heartbeat_interval":1}}',
    "[" * 100_000,
    '{"op":0,"s":null,"t":"X","d":' + '{"a":' * 20_000 + "1" + "}" * 20_001,
    b"\xff\xfe\x00",
    "\U0001f4a5" * 1000,
)


@fault("garbage")
def garbage(bench: Bench) -> Iterator[None]:
    """What is no frame, or one of nonsense."""
    for piece in GARBAGE:
        bench.simulator.gateway.send_raw(piece, appid=APPID)
    yield


@fault("frames of 5 MB")
def huge(bench: Bench) -> Iterator[None]:
    """One that is no JSON, and an event with a long text."""
    event = {"op": 0, "s": None, "t": "A_NAME", "id": "x", "d": {"text": "x" * (5 * MEBIBYTE)}}
    bench.simulator.gateway.send_raw("{" * (5 * MEBIBYTE), appid=APPID)
    bench.simulator.gateway.send_raw(json.dumps(event), appid=APPID)
    yield


@fault("events twice")
def twice(bench: Bench) -> Iterator[None]:
    """The next events come twice, with numbers of their own."""
    bench.simulator.gateway.duplicate_events(15)
    for _ in range(15):
        bench.say()
    yield


@fault("old events again")
def again(bench: Bench) -> Iterator[None]:
    """The last frames of the session come again, the youngest first."""
    platform = bench.simulator.platform
    with platform.lock:
        sessions = [one for one in platform.sessions.live() if one.appid == APPID]
        frames = [text for _, text in list(sessions[0].frames)[-50:]] if sessions else []
    for text in reversed(frames):
        bench.simulator.gateway.send_raw(text, appid=APPID)
    yield


@fault("events out of order")
def out_of_order(bench: Bench) -> Iterator[None]:
    """Frames of different people overtake each other on the way."""
    links: list[Any] = bench.simulator.gateway.links(APPID)
    held: list[str] = []
    for link in links:
        link.send = held.append
    for person in range(len(bench.people)):
        bench.say(person=person)
    for link in links:
        del link.send
        for text in _reordered(held, bench.draw):
            link.send(text)
    yield


def _reordered(frames: list[str], draw: random.Random) -> list[str]:
    """Return frames in another order, those of one person in their own."""
    queues: dict[str, list[str]] = {}
    for text in frames:
        d = json.loads(text).get("d")
        author = d.get("author", {}).get("id", "") if isinstance(d, dict) else ""
        queues.setdefault(author, []).append(text)
    order = [author for author, queue in queues.items() for _ in queue]
    draw.shuffle(order)
    return [queues[author].pop(0) for author in order]
