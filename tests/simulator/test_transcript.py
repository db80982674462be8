"""Messages as lines of text."""

from __future__ import annotations

import pytest

from qqgroup_sync.simulator.records import Button
from qqgroup_sync.simulator.transcript import line, weight
from tests.simulator.bot import APPID


@pytest.fixture
def group(platform):
    """A group with one bot."""
    return platform.group("g")


def reply(platform, group, **body):
    """Let the bot say something."""
    sent = platform.messaging.send(platform.bots[0], group.openid, body, c2c=False)
    return group.find(sent["id"])


def test_what_people_say(platform, group):
    """With whom they mention and what they quote."""
    ming, li = group.member("Ming"), group.member("Li")
    first = ming.say("a long first line of text", mentions=[li, "all"])
    assert line(first) == "Ming: @Li @all a long first line of text"
    assert line(li.say("yes", quote=first)) == "Li: (answers 'a long first line of…') yes"
    assert line(ming.say(f"two\n{li.mention}")) == "Ming: two\n    @Li"
    assert repr(first) == "<ChatMessage Ming: @Li @all a long first line of text>"


def test_buttons(platform, group):
    """Their labels, which know their ids."""
    button = {
        "id": "b1",
        "render_data": {"label": "OK", "visited_label": "OK", "style": 1},
        "action": {"type": 1, "data": "yes", "permission": {"type": 2}},
    }
    link = {**button, "id": "OK", "action": {**button["action"], "type": 0, "data": "https://q"}}
    keyboard = {"content": {"rows": [{"buttons": [button]}, {"buttons": [link]}]}}
    body = {"msg_type": 2, "markdown": {"content": "sure?"}, "keyboard": keyboard}
    message = reply(platform, group, **body)
    assert line(message) == f"{platform.bots[0].name}: sure? [buttons: OK | OK]"
    assert message.buttons == ["OK", "OK"]
    assert [(one.id, one.kind, one.style) for one in message.buttons] == [
        ("b1", "callback", 1),
        ("OK", "link", 1),
    ]
    assert message.button("OK")["id"] == "OK"  # an id comes before a label
    assert message.button("b1")["id"] == "b1"
    assert message.button("no") is None
    assert platform.bots[0].appid == APPID


def test_what_became_of_a_message(platform, group):
    """Recalled, or waiting for audit."""
    message = reply(platform, group, msg_type=0, content="hello")
    message.audit_id = "a"
    message.recalled = True
    assert line(message).endswith("hello (waits for audit) (recalled)")
    assert message.quoted is None


@pytest.mark.parametrize(
    ("size", "told"), [(5, "5 B"), (2048, "2.0 KB"), (3 * 1024 * 1024, "3.0 MB")]
)
def test_weights(size, told):
    """As people write them."""
    assert weight(size) == told


def test_a_button_without_a_kind():
    """What other SDKs post may lack anything."""
    button = Button.of({})
    assert (button, button.id, button.kind, button.data) == ("", "", "unknown", "")
