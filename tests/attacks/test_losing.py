"""Attempts to lose a message."""

from __future__ import annotations

import signal

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
    """The same for choose(), whose buttons of the first life are dead."""
    ming = group.member("Ming")
    bot = run(CHOICE)
    ming.say("begin")
    assert group.next_reply(10)
    ming.say("2")
    gone(bot)
    run(CHOICE)
    eventually(lambda: "you took blue" in said(group), 10)


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
