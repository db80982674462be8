"""Keyboards: what the platform gets, and what is refused before it would."""

from __future__ import annotations

import pytest

from qqgroup_sync import Button, Chain, ConfigError, Keyboard, Modal


@pytest.fixture(autouse=True)
def _english(monkeypatch):
    """Let remedies be English, whatever this machine speaks."""
    monkeypatch.setenv("QQ_LANGUAGE", "en")


def payload(*buttons):
    """What a keyboard of one row becomes: its buttons."""
    return Keyboard().row(*buttons).payload["content"]["rows"][0]["buttons"]


def test_the_three_kinds():
    """A callback carries data, a command a text, a link a URL; nothing is null."""
    callback, command, link = payload(
        Button.callback("签到", data="sign"),
        Button.command("/help"),
        Button.link("docs", "https://example.com"),
    )
    assert callback == {
        "id": "1-1",
        "render_data": {"label": "签到", "visited_label": "签到", "style": 0},
        "action": {
            "type": 1,
            "data": "sign",
            "permission": {"type": 2},
            "unsupport_tips": "请升级 QQ 后使用",
        },
    }
    assert (command["action"]["type"], command["action"]["data"]) == (2, "/help")
    assert (link["action"]["type"], link["action"]["data"]) == (0, "https://example.com")
    assert [one["id"] for one in (callback, command, link)] == ["1-1", "1-2", "1-3"]


def test_options():
    """Style, permission, modal, group, visited label and the switches of commands."""
    first, second, third = payload(
        Button.callback(
            "a",
            id="own",
            style="filled",
            visited_label="b",
            allow="admins",
            group="g",
            modal=Modal("sure?", "yes", "no"),
        ),
        Button.callback("c", allow=["M1", "M2"], style="blue"),
        Button.command("d", "/d", enter=True, reply=True, style="red"),
    )
    assert first["id"] == "own"
    assert first["group_id"] == "g"
    assert first["render_data"] == {"label": "a", "visited_label": "b", "style": 4}
    assert first["action"]["permission"] == {"type": 1}
    assert first["action"]["modal"] == {
        "content": "sure?",
        "confirm_text": "yes",
        "cancel_text": "no",
    }
    assert second["action"]["permission"] == {"type": 0, "specify_user_ids": ["M1", "M2"]}
    assert second["render_data"]["style"] == 1
    assert (third["action"]["enter"], third["action"]["reply"]) == (True, True)
    assert third["render_data"]["style"] == 3


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Button.callback(""), "1 to 10 characters"),
        (lambda: Button.callback("x" * 11), "1 to 10 characters"),
        (lambda: Button.callback("a", visited_label="x" * 11), "1 to 10 characters"),
        (lambda: Button.callback("a", style="pink"), "style='pink'"),
        (lambda: Button.callback("a", allow="nobody"), "allow='nobody'"),
        (lambda: Button.callback("a", allow=[]), "allow=[]"),
        (lambda: Button.callback("a", enter=True), "enter= means nothing"),
        (lambda: Button.callback("a", colour="red"), "colour= means nothing"),
        (lambda: Button.link("a", "https://x.cn", modal=Modal("m")), "modal= means nothing"),
        (lambda: Button.link("a", "x.cn"), "no address"),
        (lambda: Button.command("a", group="g"), "group= means nothing"),
        (lambda: Modal("x" * 41), "1 to 40"),
        (lambda: Modal("m", "xxxxx"), "1 to 4"),
        (lambda: Keyboard().row(), "a row of 0 buttons"),
        (lambda: Keyboard().row(*[Button.command("a")] * 6), "a row of 6 buttons"),
        (lambda: Keyboard([[Button.command("a")]] * 6), "at most 5 rows"),
        (lambda: Keyboard().row("a"), "str is no button"),
        (lambda: Keyboard().payload, "no buttons"),
        (
            lambda: (
                Keyboard().row(Button.command("a", id="x"), Button.command("b", id="x")).payload
            ),
            "two buttons have the id 'x'",
        ),
    ],
)
def test_what_the_platform_would_refuse(make, text):
    """The error stands at the user's line and has a remedy."""
    with pytest.raises(ConfigError, match=text.replace("[", r"\[").replace("]", r"\]")) as caught:
        make()
    assert caught.value.remedy


def test_limits_that_are_just_kept():
    """Five rows of five buttons with labels of ten characters."""
    rows = [[Button.command("x" * 10) for _ in range(5)] for _ in range(5)]
    content = Keyboard(rows).payload["content"]
    assert [len(row["buttons"]) for row in content["rows"]] == [5] * 5


def test_a_template():
    """A keyboard may be the bot's own template."""
    assert Keyboard(template_id="t").payload == {"id": "t"}


def test_reading():
    """Str and repr show the labels; keyboards compare by content."""
    one = Keyboard().row(Button.command("a"), Button.command("b"))
    assert str(one) == "[a] [b]"
    assert repr(one) == "Keyboard([a] [b])"
    assert one == Keyboard([[Button.command("a"), Button.command("b")]])
    assert one != Keyboard([[Button.command("a")]])


def test_an_empty_keyboard_is_noticed_before_anything_is_sent():
    """A chain with an empty keyboard cannot be built."""
    from qqgroup_sync.message.payloads import build

    with pytest.raises(ConfigError, match="no buttons"):
        build(Chain().text("a").keyboard(Keyboard()), scene="group")
