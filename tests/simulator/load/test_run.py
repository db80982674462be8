"""A load against a bot in this process: what is said, what is counted, what is drawn."""

from __future__ import annotations

import json
import threading

import pytest
from PIL import Image

from qqgroup_sync import Client
from qqgroup_sync.simulator import Simulator
from qqgroup_sync.simulator.load.plan import Plan
from qqgroup_sync.simulator.load.plot import draw
from qqgroup_sync.simulator.load.probe import probe
from qqgroup_sync.simulator.load.run import INTERRUPTED, Load
from qqgroup_sync.simulator.load.usage import Meter

SHORT = {"rate": 50, "seconds": 1.0, "warm_up": 0.2, "groups": 5, "persons": 3, "grace": 3.0}


@pytest.fixture
def sim():
    """A running platform."""
    with Simulator(max_concurrency=100) as simulator:
        yield simulator


@pytest.fixture
def bot(sim):
    """A bot on line; its function answers."""
    client = Client("1", "secret-of-1", api_base=sim.url, language="en", state=None)
    replies = {"answer": lambda message: f"heard {message.text}"}
    client.on_message(lambda message: replies["answer"](message))
    client.start()
    sim.gateway.wait_live()
    yield replies
    client.stop()


def run(sim, plan, expected, on_tick=lambda _tick: None):
    """Run a load and return its report."""
    meter = Meter()
    return Load(sim, plan, expected, bot=meter, own=meter).run(on_tick)


def test_the_probe_counts_the_answers_of_each_text(sim, bot):
    """None, one, several; in groups and in private."""

    def answer(message):
        for number in range({"one": 1, "three": 3}.get(message.text, 0)):
            message.reply(f"answer {number}")

    bot["answer"] = answer
    for scene in ("group", "private"):
        found = probe(sim.platform, ["one", "none", "three"], scene, timeout=1.0)
        assert found == {"one": 1, "none": 0, "three": 3}


def test_everything_that_is_said_is_answered_and_counted(sim, bot):
    """The warm-up apart; latency from the planned time."""
    ticks, live = [], []
    sim.platform.subscribe(lambda kind, record: live.append(record) if kind == "load" else None)
    plan = Plan(private=0.3, **SHORT)
    report = run(sim, plan, {"group": {"{n}": 1}, "private": {"p{n}": 1}}, ticks.append)
    verdict = report.verdict
    assert (verdict.sent, verdict.answered, verdict.lost) == (50, 50, 0)
    assert (verdict.doubled, verdict.disorder, verdict.unasked) == (0, 0, 0)
    assert (report.said, report.planned, report.ended) == (60, 60, "")
    assert 0 < verdict.latency.p50 <= verdict.latency.p99 <= verdict.latency.max
    assert report.cpu > 0
    assert report.memory[1] > 1024 * 1024
    assert ticks
    assert [point["t"] for point in live] == [round(tick.t, 1) for tick in ticks]
    assert {"t", "rate", "lost", "doubled", "cpu", "rss"} <= live[0].keys()
    said = [one for group in sim.platform.groups for one in group.messages if not one.from_bot]
    assert {one.sender.name.split("-")[0] for one in said} <= {f"person {n}" for n in range(1, 6)}


def test_lost_doubled_and_silent_messages_are_found(sim, bot):
    """Every fifth text is swallowed, every seventh answered twice, one is never answered."""

    def answer(message):
        number = int(message.text.split()[-1])
        if message.text.startswith("mute") or number % 10 == 4:
            return
        message.reply(f"heard {number}")
        if number % 14 == 6:
            message.reply(f"again {number}")

    bot["answer"] = answer
    plan = Plan(**{**SHORT, "grace": 1.0, "warm_up": 0.0})
    report = run(sim, plan, {"group": {"say {n}": 1, "mute {n}": 0}})
    numbers = range(0, 50, 2)  # the texts take turns
    lost = [n for n in numbers if n % 10 == 4]
    doubled = [n for n in numbers if n % 14 == 6 and n not in lost]
    verdict = report.verdict
    assert (verdict.lost, verdict.doubled) == (len(lost), len(doubled))
    assert verdict.silent == 25
    assert verdict.answered == 25 - len(lost)


@pytest.mark.expected_errors
def test_what_the_platform_refuses_is_counted_by_code(sim, bot):
    """A text with an address gets 40054010."""
    bot["answer"] = lambda message: f"see example.com {message.text}"
    sim.platform.change_rules(url_check=True)
    plan = Plan(rate=5, seconds=1, warm_up=0, groups=1, grace=0.5)
    report = run(sim, plan, {"group": {"{n}": 1}})
    assert report.refused == {40054010: report.said}
    assert report.verdict.lost == report.verdict.sent == 5


def test_a_sender_that_is_late_says_so(sim, bot):
    """Nobody takes the sender's delay for the bot's."""
    say, held = sim.platform.group("group 1").member("person 1-1").say, threading.Event()
    member = sim.platform.group("group 1").member("person 1-1")

    def slow(text):
        held.wait(0.2)
        return say(text)

    member.say = slow
    plan = Plan(rate=10, seconds=1, warm_up=0, groups=1, persons=1)
    report = run(sim, plan, {"group": {"{n}": 1}})
    assert report.behind
    assert report.rate < 6
    assert report.late[1] > 0.5
    assert report.verdict.latency.max > 0.5  # the delay is part of it


def test_ctrl_c_judges_what_was_sent(sim, bot):
    """Messages on their way are not lost."""

    def interrupt(_tick):
        raise KeyboardInterrupt

    report = run(sim, Plan(**{**SHORT, "seconds": 30}), {"group": {"{n}": 1}}, interrupt)
    assert report.ended == INTERRUPTED
    assert 0 < report.said < 1500
    assert report.verdict.lost == 0


def test_the_figures_as_json_and_as_a_picture(sim, bot, tmp_path):
    """Readable by programs, and a PNG; Chinese in the title harms nothing."""
    report = run(sim, Plan(**SHORT), {"group": {"{n}": 1}})
    found = json.loads(json.dumps(report.to_json()))
    assert found["messages"]["sent"] == 50
    assert found["latency_ms"].keys() == {"p50", "p90", "p95", "p99", "max"}
    assert found["plan"]["rate"] == 50
    assert found["seconds"]["0"]["p50"] > 0
    draw(report, tmp_path / "load.png", "机器人.py")
    with Image.open(tmp_path / "load.png") as picture:
        assert picture.format == "PNG"
        assert picture.width > 1000
        assert len(picture.convert("RGB").getcolors(1 << 24)) > 20
