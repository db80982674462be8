"""Keyboards: rows of buttons below a markdown message.

Source: send-message and button pages, 2026-08: at most 5 rows of 5 buttons; labels of up to 10
characters.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from qqgroup_sync.errors import ConfigError, Text
from qqgroup_sync.message.elements import Element

if TYPE_CHECKING:
    from collections.abc import Callable

    from qqgroup_sync.events.parts import Member

_FUNCTION = ("on_click", "once")
Style = Literal["grey", "blue", "red", "filled"]
Allowed = Literal["everyone", "admins"]

MOST = 5  # rows, and buttons in a row
LONGEST_LABEL = 10
# 0 and 1 look the same on every page of the documentation; for 3 and 4 the pages differ.
_STYLES: dict[str, int] = {"grey": 0, "blue": 1, "red": 3, "filled": 4}
_LINK, _CALLBACK, _COMMAND = 0, 1, 2
CLICK = "click:"  # how the data of buttons begin that carry a function
_USERS, _ADMINS, _EVERYONE = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Modal:
    """A question that is asked before a click counts.

    Attributes:
        content: What is asked, at most 40 characters, without URLs.
        confirm: The word for yes, at most 4 characters.
        cancel: The word for no, at most 4 characters.
    """

    content: str
    confirm: str = "确定"
    cancel: str = "取消"

    def __post_init__(self) -> None:
        _check_length("the text of a modal", self.content, 40)
        _check_length("the word for yes", self.confirm, 4)
        _check_length("the word for no", self.cancel, 4)

    @property
    def payload(self) -> dict[str, str]:
        """What stands in ``action.modal``."""
        return {
            "content": self.content,
            "confirm_text": self.confirm,
            "cancel_text": self.cancel,
        }


@dataclass(frozen=True, slots=True)
class Button:
    """One button: ``Button("签到", on_click=function)``, or made by the class methods.

    Attributes:
        label: What it says.
        action: 0 link, 1 callback, 2 command.
        data: URL, data of the callback, or command.
        id: Comes back with a click; by default its place in the keyboard.
        visited_label: What it says after a click.
        style: ``grey`` or ``blue`` outline, ``red`` text, or ``filled``.
        allow: Who may click: ``everyone``, ``admins``, or a list of members or their openids.
        enter: Commands: send at once; private chats only.
        reply: Commands: quote the message.
        modal: Ask before the click counts.
        on_click: Callbacks: a function that gets the ``Interaction``, and the client when it has a
            second parameter; what it returns is the answer. It lives as long as the program.
        once: Callbacks with ``on_click``: only the first click in each conversation counts, whoever
            clicks; make a new button for each time that it is asked.
        group: Callbacks: buttons of one group turn grey after one click.
        unsupported: What an old QQ says instead.
    """

    label: str
    action: int = _CALLBACK
    data: str = ""
    id: str = ""
    visited_label: str = ""
    style: Style = "grey"
    allow: Allowed | Sequence[str | Member] = "everyone"
    enter: bool = False
    reply: bool = False
    modal: Modal | None = None
    group: str = ""
    on_click: Callable[..., Any] | None = None
    once: bool = False
    unsupported: str = field(default="请升级 QQ 后使用", repr=False)

    def __post_init__(self) -> None:
        _check_length("a label", self.label, LONGEST_LABEL)
        if self.visited_label:
            _check_length("a visited_label", self.visited_label, LONGEST_LABEL)
        for name in ("data", "id", "visited_label", "group", "unsupported"):
            _check_text(f"{name}=", getattr(self, name))
        if self.on_click is not None:
            self._carry_function()
        elif not self.data:
            object.__setattr__(self, "data", self.label)
        if self.once and self.on_click is None:
            raise ConfigError(
                "once= is for buttons with a function",
                remedy=Text("Pass on_click= as well.", "请同时传入 on_click=。"),
            )
        if self.modal is not None and not isinstance(self.modal, Modal):
            raise ConfigError(
                f"modal={self.modal!r} is not possible",
                remedy=Text("Write modal=Modal('Sure?').", "请写 modal=Modal('确定吗？')。"),
            )
        if not isinstance(self.style, str) or self.style not in _STYLES:
            raise ConfigError(
                f"style={self.style!r} is not possible",
                remedy=Text(f"Possible: {', '.join(_STYLES)}.", f"可选：{'、'.join(_STYLES)}。"),
            )
        if self.allow not in ("everyone", "admins"):
            object.__setattr__(self, "allow", _openids(self.allow))

    def _carry_function(self) -> None:
        if self.action != _CALLBACK or self.data or not callable(self.on_click):
            raise ConfigError(
                f"on_click={self.on_click!r} is not possible here",
                remedy=Text(
                    "Pass a function, without data=, to Button(...) or Button.callback(...).",
                    "请在 Button(...) 或 Button.callback(...) 中传入函数，不要再传 data=。",
                ),
            )
        object.__setattr__(self, "data", CLICK + secrets.token_hex(16))

    @classmethod
    def callback(cls, label: str, *, data: str = "", **options: Any) -> Button:
        """Return a button whose click comes to the bot as an ``Interaction``.

        Args:
            label: What it says.
            data: Comes back with the click; by default the label.
            **options: Attributes of the button.
        """
        return cls(label, _CALLBACK, data, **_known(options, "enter", "reply"))

    @classmethod
    def command(
        cls, label: str, command: str = "", *, enter: bool = False, **options: Any
    ) -> Button:
        """Return a button that puts a command into the input box.

        Args:
            label: What it says.
            command: What it types; by default the label.
            enter: Send it at once; private chats only.
            **options: Attributes of the button.
        """
        options = _known(options, "group", "modal", *_FUNCTION)
        return cls(label, _COMMAND, command or label, enter=enter, **options)

    @classmethod
    def link(cls, label: str, url: str, **options: Any) -> Button:
        """Return a button that opens a page.

        Args:
            label: What it says.
            url: Of the page.
            **options: Attributes of the button.
        """
        if "://" not in str(url):
            raise ConfigError(
                f"{url!r} is no address",
                remedy=Text("Write it in full: https://host/path.", "请写完整地址：https://...。"),
            )
        options = _known(options, "enter", "reply", "group", "modal", *_FUNCTION)
        return cls(label, _LINK, url, **options)

    def payload(self, default_id: str) -> dict[str, Any]:
        """Return what the platform calls a button.

        Args:
            default_id: Its id when it has none of its own.
        """
        action: dict[str, Any] = {
            "type": self.action,
            "data": self.data,
            "permission": self._permission(),
            "unsupport_tips": self.unsupported,
        }
        for name in ("enter", "reply"):
            if getattr(self, name):
                action[name] = True
        if self.modal is not None:
            action["modal"] = self.modal.payload
        found: dict[str, Any] = {
            "id": self.id or default_id,
            "render_data": {
                "label": self.label,
                "visited_label": self.visited_label or self.label,
                "style": _STYLES[self.style],
            },
            "action": action,
        }
        if self.group:
            found["group_id"] = self.group
        return found

    def _permission(self) -> dict[str, Any]:
        if self.allow == "everyone":
            return {"type": _EVERYONE}
        if self.allow == "admins":
            return {"type": _ADMINS}
        return {"type": _USERS, "specify_user_ids": list(self.allow)}


Rows = Sequence[Sequence[Button]] | Sequence[Button] | Button


class Keyboard(Element):
    """Rows of buttons.

    Args:
        rows: Each a list of buttons; buttons alone are one row.
        template_id: Of a keyboard template of the bot's, instead of rows.

    Example:
        ``Keyboard().row(Button.callback("签到"), Button.command("/help"))``
    """

    __slots__ = ("_rows", "template_id")

    def __init__(self, rows: Rows = (), *, template_id: str = "") -> None:
        self._rows: list[tuple[Button, ...]] = []
        self.template_id = template_id
        several: list[Any] = list(rows) if isinstance(rows, Iterable) else [rows]
        if several and all(isinstance(one, Button) for one in several):
            several = [several]
        for row in several:
            self.row(*(row if isinstance(row, Iterable) else [row]))

    def row(self, *buttons: Button) -> Keyboard:
        """Append a row; return the keyboard.

        Raises:
            ConfigError: There are more than 5 rows, or not 1 to 5 buttons in a row.
        """
        wrong = [button for button in buttons if not isinstance(button, Button)]
        if wrong:
            raise ConfigError(
                f"{type(wrong[0]).__name__} is no button",
                remedy=Text(
                    "Use Button.callback, Button.command or Button.link.",
                    "请使用 Button.callback、Button.command 或 Button.link。",
                ),
            )
        if not 1 <= len(buttons) <= MOST:
            raise ConfigError(f"a row of {len(buttons)} buttons is not possible", remedy=_SIZE)
        if len(self._rows) == MOST:
            raise ConfigError(f"a keyboard has at most {MOST} rows", remedy=_SIZE)
        self._rows.append(buttons)
        return self

    @property
    def rows(self) -> tuple[tuple[Button, ...], ...]:
        """The rows, from the top."""
        return tuple(self._rows)

    @property
    def functions(self) -> list[Button]:
        """The buttons that carry a function."""
        return [button for row in self._rows for button in row if button.on_click is not None]

    @property
    def payload(self) -> dict[str, Any]:
        """What stands in ``keyboard`` of a message.

        Raises:
            ConfigError: There is no button, or two have the same id.
        """
        if self.template_id:
            return {"id": self.template_id}
        if not self._rows:
            raise ConfigError(
                "the keyboard has no buttons",
                remedy=Text("Add some with .row(...).", "请用 .row(...) 添加按钮。"),
            )
        rows = [
            {"buttons": [button.payload(f"{line}-{place}") for place, button in enumerate(row, 1)]}
            for line, row in enumerate(self._rows, 1)
        ]
        ids = [button["id"] for row in rows for button in row["buttons"]]
        if len(set(ids)) < len(ids):
            twice = next(one for one in ids if ids.count(one) > 1)
            raise ConfigError(
                f"two buttons have the id {twice!r}",
                remedy=Text("Give each its own id.", "每个按钮的 id 必须不同。"),
            )
        return {"content": {"rows": rows}}

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Keyboard)
            and self._rows == other._rows
            and self.template_id == other.template_id
        )

    __hash__ = None  # type: ignore[assignment]  # a keyboard can change

    def __str__(self) -> str:
        labels = (f"[{button.label}]" for row in self._rows for button in row)
        return " ".join(labels) or f"[keyboard {self.template_id}]"

    def __repr__(self) -> str:
        return f"Keyboard({self})"


_SIZE = Text("At most 5 rows of 1 to 5 buttons.", "最多 5 行，每行 1 到 5 个按钮。")


def _openids(allow: Any) -> list[str]:
    """Return who may click, of members the openids."""
    several = [] if isinstance(allow, str) or not isinstance(allow, Iterable) else list(allow)
    found = [getattr(one, "openid", one) for one in several]
    if not found or not all(isinstance(one, str) and one for one in found):
        raise ConfigError(
            f"allow={allow!r} is not possible",
            remedy=Text(
                "Possible: 'everyone', 'admins', or a list with at least one member or openid.",
                "可选：'everyone'、'admins'，或至少含一个成员或 openid 的列表。",
            ),
        )
    return found


def _check_text(what: str, text: object) -> None:
    if not isinstance(text, str):
        raise ConfigError(
            f"{what} is a text, not {type(text).__name__}",
            remedy=Text("Pass a str.", "请传入 str。"),
        )


def _check_length(what: str, text: str, limit: int) -> None:
    _check_text(what, text)
    if not 1 <= len(text) <= limit:
        raise ConfigError(
            f"{what} has 1 to {limit} characters, not {len(text)}: {text[:50]!r}",
            remedy=Text("Make it shorter.", "请缩短文字。")
            if text
            else Text("Say something.", "文字不能为空。"),
        )


def _known(options: dict[str, Any], *forbidden: str) -> dict[str, Any]:
    """Return the options of a button; complain about those that have no effect on its kind."""
    known = {"id", "visited_label", "style", "allow", "reply", "modal", "group", "unsupported"}
    known |= {"on_click", "once"}
    unknown = sorted(name for name in options if name not in known or name in forbidden)
    if unknown:
        raise ConfigError(
            f"{unknown[0]}= means nothing to this kind of button",
            remedy=Text(
                f"Possible: {', '.join(sorted(known - set(forbidden)))}.",
                f"可选：{'、'.join(sorted(known - set(forbidden)))}。",
            ),
        )
    return options
