"""Attempts to lose a message."""

from __future__ import annotations

import signal

import pytest

from tests.attacks.conftest import said
from tests.waiting import eventually

DIALOGUE = """
client = Client()
@client.on_message(keywords="begin")
def begin(message):
    name = message.ask("Who are you?", timeout=60).text
    die_once("asked")
    town = message.ask("From where?", timeout=60).text
    die_once("asked again")
    return f"{name} from {town}"
client.run()
"""


def test_a_dialogue_goes_on_after_kills(sim, run, gone, group):
    """What was answered before a kill is given to the handler that runs again."""
    ming = group.member("Ming")
    bot = run(DIALOGUE)
    ming.say("begin")
    assert group.next_reply(10).content == "Who are you?"
    ming.say("Ming")
    gone(bot)
    bot = run(DIALOGUE)
    assert group.next_reply(10).content == "From where?"
    ming.say("Wuhan")
    gone(bot)
    run(DIALOGUE)
    assert group.next_reply(10).content == "Ming from Wuhan"
    ming.say("begin")
    assert group.next_reply(10).content == "Who are you?"
    assert said(group).count("Who are you?") == 2


CHOICE = """
client = Client()
@client.on_message(keywords="begin")
def begin(message):
    colour = message.choose("Which?", ["red", "blue"], timeout=60)
    die_once("chosen")
    return f"you took {colour}"
client.run()
"""


def test_a_choice_by_number_is_not_lost(run, gone, group):
    """The same for choose()."""
    ming = group.member("Ming")
    bot = run(CHOICE)
    ming.say("begin")
    assert group.next_reply(10)
    ming.say("2")
    gone(bot)
    run(CHOICE)
    eventually(lambda: "you took blue" in said(group), 10)


def test_a_choice_by_click_is_not_lost(run, gone, group):
    """The question is shown once, so the click carries what the first process put into it."""
    ming = group.member("Ming")
    bot = run(CHOICE)
    ming.say("begin")
    ming.click(group.next_reply(10), "blue")
    gone(bot)
    run(CHOICE)
    eventually(lambda: "you took blue" in said(group), 10)
    assert said(group) == ["Which?", "you took blue"]


def test_buttons_outlive_the_process_that_has_shown_them(run, gone, group, tmp_path):
    """A click on them answers the question that the next one has asked in its place."""
    ming = group.member("Ming")
    (tmp_path / "chosen").touch()  # nobody dies of the choice
    bot = run(CHOICE)
    ming.say("begin")
    asked = group.next_reply(10)
    bot.kill()
    gone(bot)
    run(CHOICE)
    ming.click(asked, "blue")
    eventually(lambda: "you took blue" in said(group), 10)
    assert said(group) == ["Which?", "you took blue"]


SLOW = """
client = Client(queue_size=20, workers=8, max_workers=8)
@client.on_message
def answer(message):
    pause(0.01)
    return f"re {message.text}"
client.run()
"""


def test_a_full_queue_survives_a_kill(sim, run, gone, group):
    """Most messages are still with the platform, or in the queue that dies."""
    people = [group.member(f"p{number}") for number in range(20)]
    bot = run(SLOW)
    for number in range(80):
        people[number % 20].say(f"{number}")
    eventually(lambda: len(said(group)) > 30, 20)
    bot.kill()
    gone(bot)
    run(SLOW)
    eventually(lambda: len(said(group)) >= 80, 20)
    assert sorted(said(group)) == sorted(f"re {number}" for number in range(80))


def test_a_stop_by_signal_loses_nothing(run, gone, group):
    """As systemd and docker end it, amid a flood."""
    people = [group.member(f"p{number}") for number in range(20)]
    bot = run(SLOW)
    for index in range(60):
        people[index % 20].say(f"{index}")
    eventually(lambda: said(group), 20)
    bot.send_signal(signal.SIGTERM)
    gone(bot)
    run(SLOW)
    eventually(lambda: len(said(group)) >= 60, 20)
    assert sorted(said(group)) == sorted(f"re {index}" for index in range(60))


STOPPING = """
client = Client(workers=1, max_workers=1)
@client.on_message
def answer(message):
    if message.text == "stop":
        client.stop()
        pause(0.2)
    return f"re {message.text}"
client.start()
while client.running:
    pause(0.01)
client.run()
"""


def test_what_waits_while_a_handler_stops_is_answered_by_the_next_start(run, group):
    """stop() in a handler, and a start() of the same client."""
    ming = group.member("Ming")
    run(STOPPING)
    ming.say("stop")
    for number in range(30):
        group.member(f"p{number % 5}").say(f"{number}")
    eventually(lambda: len(said(group)) >= 31, 20)
    assert sorted(said(group)) == sorted(["re stop", *(f"re {number}" for number in range(30))])


HELD_UP = """
import logging
from pathlib import Path
from qqgroup_sync.gateway.session import GatewaySession
client, begun = Client(), threading.Event()
@client.on_message
def answer(message):
    begun.set()
    return f"re {message.text}"
class Slow(logging.Handler):
    def emit(self, record):
        begun.wait(0.5)
came_alive = GatewaySession._came_alive
def come_alive_late(session, **told):
    Path("resuming").touch()
    while client.status.state != "stopping":
        pause(0.01)
        if Path("a defect").exists():
            raise ZeroDivisionError("a defect")
    return came_alive(session, **told)
if os.environ.get("HELD_UP"):
    logging.getLogger("qqgroup_sync.starts").addHandler(Slow(logging.ERROR))
    GatewaySession._came_alive = come_alive_late
client.run()
"""


@pytest.mark.parametrize("end", ["a stop", "a defect"])
def test_the_end_begins_nothing_that_waits_for_the_gateway(sim, run, gone, group, tmp_path, end):
    """A start after a crash waits for RESUMED; it ends when the connection is gone again."""
    bot = run(HELD_UP)
    group.member("Ming").say("one")
    assert group.next_reply(10).text == "re one"
    bot.kill()
    gone(bot)
    group.member("Bob").say("two")
    bot = run(HELD_UP, online=False, HELD_UP="1")
    eventually((tmp_path / "resuming").exists, 20)
    sim.platform.change_rules(swallow_offline=True)
    sim.gateway.refuse_connections(50)
    sim.gateway.drop()
    if end == "a stop":
        bot.send_signal(signal.SIGTERM)
    else:
        (tmp_path / end).touch()
    gone(bot)
    sim.gateway.clear()
    run(HELD_UP)
    eventually(lambda: said(group) == ["re one", "re two"], 20)


HANGING = """
from pathlib import Path
ended = threading.Event()
client = Client()
@client.on_message
def answer(message):
    Path(f"{os.environ['LIFE']} {message.text}").touch()
    if os.environ["LIFE"] != "last":
        ended.wait(60)
    return f"re {message.text}"
if os.environ["LIFE"] != "stopped":
    client.run()
client.start()
while not list(Path().glob("stopped *")):
    pause(0.01)
client.stop(0.5)
ended.set()
for thread in threading.enumerate():
    if thread.name.startswith("qqgroup-worker"):
        thread.join(20)
"""


def test_a_stop_leaves_who_outlasts_it_and_who_waits_for_his_turn(run, gone, group, tmp_path):
    """Two suspects: one hangs beyond the end, the other waits until it can be handled alone."""

    def begun(life):
        return len(list(tmp_path.glob(f"{life} *")))

    gone_badly = run(HANGING, LIFE="first")
    gone_badly.kill()
    gone(gone_badly)
    bot = run(HANGING, LIFE="killed")
    for name in ("a", "b"):
        group.member(name).say(name)
    eventually(lambda: begun("killed") == 2, 10)
    bot.kill()
    gone(bot)
    gone(run(HANGING, online=False, LIFE="stopped"))
    assert begun("stopped") == 1
    assert said(group) == []
    run(HANGING, LIFE="last")
    eventually(lambda: sorted(said(group)) == ["re a", "re b"], 20)
