"""Waiting for a bot, which may end meanwhile."""

from __future__ import annotations

import threading

import pytest

from qqgroup_sync.cli.answers import Answers
from qqgroup_sync.simulator.clock import SimulatedClock
from qqgroup_sync.simulator.platform import Platform
from qqgroup_sync.simulator.records import ChatMessage

FOR_EVER = 1000.0  # seconds: nobody waits as long


@pytest.fixture
def platform():
    """A platform without sockets."""
    return Platform(SimulatedClock())


@pytest.fixture
def say(platform):
    """Return a function that lets a bot say something in a group."""
    bot = platform.register_bot("1")

    def speak(text):
        message = ChatMessage(
            id=text,
            chat=platform.group("g"),
            sender=bot,
            content=text,
            timestamp=0.0,
            ref_idx="r",
        )
        platform.report("message", message)

    return speak


def test_nobody_waits_for_a_bot_that_has_ended(platform):
    """Neither for any answer nor for the next one."""
    answers = Answers(platform, alive=lambda: False)
    assert answers.settle(FOR_EVER) is False
    assert answers.next(platform.group("g"), FOR_EVER) is None


def test_the_end_of_a_bot_is_noticed_while_one_waits(platform):
    """The first looks still find it alive."""
    looks = iter([True, True])
    answers = Answers(platform, alive=lambda: next(looks, False))
    assert answers.settle(FOR_EVER) is False
    assert next(looks, None) is None


def test_last_words_count(platform, say):
    """What was said before the end is an answer."""
    answers = Answers(platform, alive=lambda: False)
    say("good bye")
    assert answers.settle(FOR_EVER) is True
    assert answers.next(platform.group("g"), FOR_EVER).content == "good bye"


def test_an_answer_wakes_who_waits(platform, say):
    """Whoever waits needs no time-out."""
    waiting = threading.Event()

    def alive():
        waiting.set()
        return True

    answers = Answers(platform, alive=alive)
    speaker = threading.Thread(target=lambda: waiting.wait(FOR_EVER) and say("hi"))
    speaker.start()
    assert answers.next(platform.group("g"), FOR_EVER).content == "hi"
    speaker.join()
