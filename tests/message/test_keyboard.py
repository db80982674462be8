"""Keyboards: what the platform gets, and what is refused before it would."""

from __future__ import annotations

import pytest

from qqgroup_sync import Button, Chain, ConfigError, Keyboard, Modal
from qqgroup_sync.events.models import Member


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
        (lambda: Keyboard([["a"]]), "str is no button"),
        (lambda: Keyboard(5), "int is no button"),
        (lambda: Keyboard([5]), "int is no button"),
        (lambda: Keyboard([Button("a")] * 6), "a row of 6 buttons"),
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


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Button(5), "a label is a text, not int"),
        (lambda: Button(None), "a label is a text, not NoneType"),
        (lambda: Button("a", data=5), "data= is a text, not int"),
        (lambda: Button("a", id=5), "id= is a text, not int"),
        (lambda: Button("a", visited_label=5), "a visited_label is a text, not int"),
        (lambda: Button("a", visited_label=0), "visited_label= is a text, not int"),
        (lambda: Button("a", group=5), "group= is a text, not int"),
        (lambda: Button.command("a", 5), "data= is a text, not int"),
        (lambda: Button.link("a", 5), "5 is no address"),
        (lambda: Button("a", modal="sure?"), "modal='sure\\?'"),
        (lambda: Modal(5), "the text of a modal is a text, not int"),
        (lambda: Button("a", style=["red"]), r"style=\['red'\]"),
        (lambda: Button("a", allow=5), "allow=5"),
        (lambda: Button("a", allow=[5]), r"allow=\[5\]"),
        (lambda: Button("a", allow=[Member()]), "allow="),
        (lambda: Button("a", allow=["admins", ""]), "allow="),
        (lambda: Button("a", once=True), "once= is for buttons with a function"),
    ],
)
def test_what_has_the_wrong_type_is_refused_where_it_is_written(make, text):
    """Not by a raw error, nor when it is sent, nor by the platform."""
    with pytest.raises(ConfigError, match=text) as caught:
        make()
    assert caught.value.remedy


def test_members_may_be_allowed_as_they_are():
    """Such as the author of a message; beside openids."""
    (button,) = payload(Button("a", allow=[Member("M1", "Ming"), "M2"]))
    assert button["action"]["permission"] == {"type": 0, "specify_user_ids": ["M1", "M2"]}
    (button,) = payload(Button("a", allow=(one for one in ("M1",))))
    assert button["action"]["permission"]["specify_user_ids"] == ["M1"]


def test_buttons_alone_are_one_row():
    """And one beside rows is a row of its own."""
    a, b = Button.command("a"), Button.command("b")
    assert Keyboard([a, b]) == Keyboard((a, b)) == Keyboard([[a, b]])
    assert Keyboard(a) == Keyboard([[a]])
    assert Keyboard([[a], b]) == Keyboard([[a], [b]])


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
