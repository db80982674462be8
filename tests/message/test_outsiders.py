"""What outsiders write stays text, whatever it is built into: no markup, no mention, no picture."""

from __future__ import annotations

import json
import re

import pytest

from qqgroup_sync import Chain
from qqgroup_sync.api.transport import json_body
from qqgroup_sync.dispatch.help import echo, help_text
from qqgroup_sync.message.payloads import build
from tests.media.samples import picture

AT = "A1B2C3D4E5F6A1B2C3D4E5F6A1B2C3D4"
HOSTILE = (
    "<qqbot-at-everyone />",
    '<qqbot-at-user id="X1" />',
    "<@X1>",
    "<@!X1>",
    "@everyone",
    '<qqbot-cmd-enter text="transfer%20all" />',
    '<qqbot-cmd-input text="x" show="click me" reference="false" />',
    "![x #1px #1px](https://tracker.example/p.png)",
    "[harmless](https://phishing.example)",
    "# a heading",
    "> a quote\n\n---\n```\ncode\n```",
    '"/><qqbot-at-everyone/><x id="',
)


def markdown(chain):
    """Return the markdown of the only message that a chain makes."""
    (payload,) = build(chain, scene="group")
    return payload.body["markdown"]["content"]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_name_in_an_answer_is_no_markup(text):
    """A nickname may be anything, and answers are built with it: beside a mention, in a link."""
    content = markdown(Chain().at(AT).text(f" hello {text}"))
    live = re.sub(r"\\.", "", content)  # what is escaped does nothing
    assert live.count("<qqbot-") == 1
    for words, target in re.findall(r"\[([^\[\]]*)\]\(([^)]*)\)", live):
        assert words == target  # an address may be clicked, but says where it leads
    assert not re.search(r"!\[", live)
    assert "<@" not in live
    assert not re.search(r"(?m)^ {0,3}(#|>|---|```)", live)
    link = markdown(Chain().link(text[:100], show=text[:100]))
    assert re.fullmatch(
        r'<qqbot-cmd-input text="[\w.%~-]*" show="[\w.%~-]*" reference="false" />', link
    )


@pytest.mark.parametrize("text", [*HOSTILE, "all", "everyone"])
def test_what_is_mentioned_is_a_member_or_nobody(text):
    """A bot that mentions whom it is told to may be told anything."""
    content = markdown(Chain().at(text).text("x"))
    assert content == '<qqbot-at-user id="" />x'


@pytest.mark.parametrize("mark", ["\ue0f00\ue0f1", "\ue0f07\ue0f1", f"\ue0f0{'9' * 5000}\ue0f1"])
def test_a_text_does_not_pass_for_a_picture(mark):
    """Inside the package private characters stand for pictures; people may send them as well."""
    chain = Chain().text(f"a{mark}b").image(picture(), inline=True).markdown(f"c{mark}d")
    payloads = build(chain, scene="group", max_text=20_000)
    assert [sorted(one.pictures or ()) for one in payloads] == [[0]]
    content = payloads[0].body["markdown"]["content"]
    assert content.count("\ue0f0") == 1
    assert content.startswith("a")


@pytest.mark.parametrize("text", ["a\ud83db", "\udc00", "\ud800" * 200])
def test_half_a_character_can_be_sent(text):
    """It is replaced; an answer is not lost over it."""
    for chain in (
        Chain().text(f"x {text}"),
        Chain().at(AT).text(text),
        Chain().link(f"x{text}"[:100]),
        Chain().markdown(f"**{text}**"),
    ):
        for payload in build(chain, scene="group"):
            json.loads(json_body(payload.body).decode())


@pytest.mark.parametrize("face", [0x110000, 10**12, 0xD800])
def test_a_face_that_does_not_exist_is_shown_as_a_number_or_not_at_all(face):
    """Its number may come from an argument of a command."""
    (payload,) = build(Chain().text("x").face(face), scene="group")
    json_body(payload.body)


@pytest.mark.parametrize("text", HOSTILE)
def test_help_mentions_nobody(text):
    """What was asked for is said back."""
    for said in (echo(text), help_text([], "en", topic=text)):
        assert not re.search(r"<[@a-zA-Z]", said)
