"""Run it in this folder: pip install pytest "qqgroup_sync[simulator]", then pytest."""

import pytest


@pytest.fixture
def ming(qq):
    return qq.group("Friends").member("Ming")


def test_hello(ming):
    ming.say("hello")
    assert ming.group.next_reply().text == "hi, Ming!"


def test_order(ming):
    ming.say("order")
    assert ming.group.next_reply().text == "What would you like?"
    ming.say("soup")
    reply = ming.group.next_reply()
    assert reply.text == "One soup, coming up!"
    assert [image.content_type for image in reply.images] == ["image/png"]


def test_nobody_orders(qq, ming):
    ming.say("order")
    ming.group.next_reply()
    qq.clock.step(61)
    assert ming.group.next_reply().text == "The kitchen has closed."


def test_other_words(ming):
    ming.say("good night")
    ming.group.no_reply()
