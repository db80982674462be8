"""What an event can be asked to do, and what happens without a client."""

from __future__ import annotations

from pathlib import Path

import pytest

from qqgroup_sync.errors import StateError
from qqgroup_sync.events.models import Attachment, GroupMessage

REPLYABLE = (
    "group_at",
    "group_full",
    "c2c_plain",
    "friend_added",
    "c2c_proactive_allowed",
    "group_added",
    "group_proactive_allowed",
    "member_joined",
    "button_group",
)


@pytest.mark.parametrize("sample", REPLYABLE)
def test_reply_goes_through_the_client(receive, actions, sample):
    """With every option passed on."""
    event = receive(sample, actions=actions)
    assert event.reply("hi") == "sent"
    assert event.reply("hi", quote=True, timeout=3.0) == "sent"
    assert actions.calls == [
        ("reply", event, "hi", False, None),
        ("reply", event, "hi", True, 3.0),
    ]
    assert all(call[1] is event for call in actions.calls)
    assert event.replies_left == 3
    assert event.expires_at == 99.0


@pytest.mark.parametrize(
    "sample", ["group_removed", "member_left", "friend_removed", "audit_pass", "enter_aio"]
)
def test_what_cannot_be_answered_has_no_reply(receive, actions, sample):
    """So that an editor does not offer it."""
    assert not hasattr(receive(sample, actions=actions), "reply")


def test_recall_and_acknowledge(receive, actions):
    """The event itself tells the client what to act on."""
    message = receive("group_at", actions=actions)
    message.recall()
    click = receive("button_c2c", actions=actions)
    click.acknowledge()
    click.ack(code=4)
    assert actions.calls == [
        ("recall", message),
        ("acknowledge", click, 0),
        ("acknowledge", click, 4),
    ]


def test_downloads(receive, actions, tmp_path):
    """With limits that fit common files."""
    picture = receive("group_full", actions=actions).images[0]
    assert picture.read() == b"bytes"
    assert picture.read(limit=5, timeout=1.0, progress=print) == b"bytes"
    assert picture.save(str(tmp_path / "a.jpg"), limit=6, timeout=2.0) == tmp_path / "a.jpg"
    (first, second, third) = actions.calls
    assert first[:2] == ("read", picture)
    assert first[2] > 20 * 1024 * 1024
    assert second == ("read", picture, 5, 1.0, print)
    assert third == ("save", picture, tmp_path / "a.jpg", 6, 2.0, None)
    assert isinstance(third[2], Path)


def test_quoted_pictures_can_be_downloaded_too(receive, actions):
    """Bots are asked about the picture in the quoted message."""
    quoted = receive("group_quote", actions=actions).quoted
    assert quoted.images[0].read() == b"bytes"


@pytest.mark.parametrize(
    "call",
    [
        lambda: GroupMessage().reply("hi"),
        lambda: GroupMessage().replies_left,
        lambda: GroupMessage().expires_at,
        lambda: GroupMessage().recall(),
        lambda: Attachment().read(),
        lambda: Attachment().save("x"),
    ],
)
def test_without_a_client_the_error_names_the_remedy(call):
    """An event built by hand cannot act."""
    with pytest.raises(StateError, match="has no client behind it") as caught:
        call()
    assert caught.value.remedy


@pytest.mark.parametrize("sample", ["group_at", "c2c_plain", "button_group", "button_c2c"])
@pytest.mark.parametrize(
    "call",
    [
        lambda event: event.ask("name?"),
        lambda event: event.confirm("sure?"),
        lambda event: event.choose("which?", ["red"]),
    ],
)
def test_who_wrote_or_clicked_can_be_asked(receive, sample, call):
    """By messages and clicks alike; without a client the error says so."""
    with pytest.raises(StateError, match="has no client behind it"):
        call(receive(sample))


def test_acknowledge_without_a_client(receive):
    """Nor can an interaction parsed without one."""
    with pytest.raises(StateError, match="this Interaction has no client"):
        receive("button_c2c").ack()
