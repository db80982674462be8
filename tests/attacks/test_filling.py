"""Attempts to fill a bot's memory or disk from outside."""

from __future__ import annotations

import gc
import threading
import time
import tracemalloc

import pytest

from qqgroup_sync.gateway.frames import Frame
from tests.waiting import eventually

EACH = 2_000  # messages, each of another person in another group


def flood(client, count, first):
    """Let a running client hear that many people who were never heard of before."""
    now = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())
    for number in range(first, first + count):
        told = {
            "id": f"ROBOT1.0_{number:020d}",
            "content": "hi",
            "group_openid": f"G{number}",
            "author": {"member_openid": f"U{number}", "username": "x"},
            "timestamp": now,
        }
        frame = Frame(op=0, d=told, s=number, t="GROUP_MESSAGE_CREATE", id=f"event {number}")
        client._life._deliver(0, frame)


@pytest.mark.parametrize("kind", ["plain", "cooldown", "asks", "hangs"])
def test_people_without_number(make_client, sim, kind, monkeypatch):
    """What is remembered of people and messages is bounded, whatever handlers do with them."""
    from qqgroup_sync.dispatch import dialogue, intake, rate_limits

    monkeypatch.setattr(intake, "REMEMBERED", 400)
    monkeypatch.setattr(intake, "MOST_ABOVE", 400)
    monkeypatch.setattr(rate_limits, "REMEMBERED", 400)
    monkeypatch.setattr(dialogue, "HEARD", 400)
    client = make_client(state=None, send_limits=None)
    handled, hung = [0], threading.Event()

    @client.on_message(keywords="hang", level=1)
    def hang(message):
        hung.wait(60)

    options = {"cooldown": 5} if kind == "cooldown" else {}

    @client.on_message(**options)
    def answer(message):
        handled[0] += 1
        if kind == "asks":
            message.wait(max_time=0.001)

    client.start()
    assert client.wait_ready(10)
    try:
        if kind == "hangs":
            sim.platform.group("g").member("Ming").say("hang")
            eventually(lambda: client._life._intake.counters()["received"])

        def done(wanted):
            return lambda: client._life._intake.counters()["handled"] >= wanted

        tracemalloc.start()
        flood(client, EACH, 100)
        eventually(done(EACH), 60)
        gc.collect()
        grown = []
        for times in (1, 2, 3):  # a worker more or a line logged grows once; a leak each time
            before = tracemalloc.take_snapshot()
            flood(client, EACH, 100 + times * EACH)
            eventually(done((times + 1) * EACH), 60)
            gc.collect()
            after = tracemalloc.take_snapshot()
            grown.append(sum(one.size_diff for one in after.compare_to(before, "filename")))
        # Bytes: nothing is kept of each. The 400 of a cooldown take nearly a kilobyte each.
        assert min(grown) < EACH * (150 if kind == "cooldown" else 60), grown
    finally:
        tracemalloc.stop()
        hung.set()
