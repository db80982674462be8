"""Check what a bot wants to send (2.4, 2.6, 5): the parts that need no state. Pure.

Knows nothing about windows, quotas or who may speak.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeGuard

from qqgroup_sync.simulator.refusals import RefusalError
from qqgroup_sync.simulator.urls import find_url

if TYPE_CHECKING:
    from collections.abc import Mapping

    from qqgroup_sync.simulator.rules import Rules

TEXT, MARKDOWN, ARK, TYPING, MEDIA = 0, 2, 3, 6, 7
_KEYBOARD_LIMIT = 5
_BUTTON_ACTIONS = range(5)
_TYPING_LIMIT = 60
_MARKDOWN_SYNTAX = re.compile(r"\*\*|__|~~|^#|\]\(|```|^> ")


def check(payload: Mapping[str, Any], rules: Rules, *, c2c: bool, ark: bool = False) -> int:
    """Refuse a message body that can be refused by looking at it alone.

    Args:
        payload: The JSON body of the bot's POST.
        rules: The switches in force.
        c2c: Whether it goes to a user rather than to a group.
        ark: Whether the bot may send ark cards (5.5: by permission only).

    Returns:
        The message type.

    Raises:
        RefusalError: With the platform's code.
    """
    if rules.refuse_nulls and (nulls := [key for key, value in payload.items() if value is None]):
        raise RefusalError(11255, f"{nulls[0]} is null")
    kind = payload.get("msg_type")
    kind = TEXT if kind is None else kind
    known = (TEXT, MARKDOWN, ARK, TYPING, MEDIA) if c2c else (TEXT, MARKDOWN, ARK, MEDIA)
    if not _is_number(kind) or kind not in known:
        raise RefusalError(340069, repr(kind))
    content = payload.get("content")
    content = "" if content is None else content
    if not isinstance(content, str):
        raise RefusalError(304061, "content is not a string")
    _check_shape(payload, kind, content)
    if kind in (TEXT, MEDIA):
        _check_empty(kind, content, rules)
        check_text(content, rules, c2c=c2c)
    elif kind == MARKDOWN:
        check_markdown(payload["markdown"], rules)
        if payload.get("keyboard") is not None:
            check_keyboard(payload["keyboard"], rules)
    elif kind == TYPING:
        check_typing(payload.get("input_notify"))
    elif kind == ARK and not ark:
        raise RefusalError(304004)
    return int(kind)


def _check_shape(payload: Mapping[str, Any], kind: int, content: str) -> None:
    """Refuse parts that do not belong to the message type: 22006, 50037."""
    markdown, keyboard = payload.get("markdown"), payload.get("keyboard")
    if markdown is not None and content:
        raise RefusalError(50037, "content beside markdown")
    if (markdown is not None) != (kind == MARKDOWN):
        raise RefusalError(22006, f"msg_type {kind} and markdown")
    if keyboard is not None and kind != MARKDOWN:
        raise RefusalError(22006, f"msg_type {kind} and keyboard")
    if kind == MEDIA and not isinstance(payload.get("media"), dict):
        raise RefusalError(22006, "msg_type 7 without media")
    if kind == ARK and not isinstance(payload.get("ark"), dict):
        raise RefusalError(22006, "msg_type 3 without ark")


def _check_empty(kind: int, content: str, rules: Rules) -> None:
    if kind == TEXT and not content.strip():
        raise RefusalError(rules.empty_text, "content is empty")
    if kind == MEDIA and rules.media_needs_text and not content:
        raise RefusalError(rules.empty_text, "msg_type 7 needs a content")


def check_text(text: str, rules: Rules, *, c2c: bool) -> None:
    """Refuse text that is too long (40054007) or looks like a URL (40054010)."""
    if len(text) > rules.max_text and rules.long_text == "refuse":
        raise RefusalError(40054007, f"{len(text)} characters")
    check_words(text, rules)
    check_url(text, rules, c2c=c2c)


def check_words(text: str, rules: Rules) -> None:
    """Refuse text with a banned word (40034006)."""
    if any(word in text for word in rules.banned_words):
        raise RefusalError(40034006)


def check_url(text: str, rules: Rules, *, c2c: bool) -> None:
    """Refuse text that looks like a URL (40054010)."""
    if (rules.url_check_c2c if c2c else True) and rules.url_check:
        url = find_url(text, rules.url_whitelist)
        if url is not None:
            raise RefusalError(40054010, url)


def check_markdown(markdown: Any, rules: Rules) -> None:
    """Refuse markdown that is empty, too long or badly filled in (5.3)."""
    if not isinstance(markdown, dict):
        raise RefusalError(40034011, "markdown is not an object")
    content = markdown.get("content")
    template = markdown.get("custom_template_id") or markdown.get("template_id")
    if content and template:
        raise RefusalError(50057)
    if template:
        _check_parameters(markdown.get("params") or [])
        return
    if not isinstance(content, str) or not content:
        raise RefusalError(40034011, "markdown content is empty")
    if len(content) > rules.max_markdown:
        raise RefusalError(40054007, f"{len(content)} characters")
    check_words(content, rules)


def _check_parameters(parameters: Any) -> None:
    for parameter in parameters if isinstance(parameters, list) else [None]:
        values = parameter.get("values") or [""] if isinstance(parameter, dict) else None
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise RefusalError(40034124, 'not [{"key": ..., "values": ["..."]}]')
        for value in values:
            _check_parameter(value)


def _check_parameter(value: str) -> None:
    if not value:
        raise RefusalError(40034008)
    if "\n" in value:
        raise RefusalError(40034009)
    if _MARKDOWN_SYNTAX.search(value):
        raise RefusalError(40034010, value)


def check_keyboard(keyboard: Any, rules: Rules) -> None:
    """Refuse a keyboard that is malformed (305007) or larger than 5 x 5 (40034029), see 5.4."""
    if not isinstance(keyboard, dict):
        raise RefusalError(305007, "keyboard is not an object")
    template, content = keyboard.get("id"), keyboard.get("content")
    if not isinstance(template, str | None):
        raise RefusalError(305007, "the id of a keyboard is not a string")
    if template and content is None:
        return
    rows = content.get("rows") if isinstance(content, dict) else None
    if not isinstance(rows, list) or not rows:
        raise RefusalError(305007, "no rows")
    if len(rows) > _KEYBOARD_LIMIT:
        raise RefusalError(40034029, f"{len(rows)} rows")
    for row in rows:
        buttons = row.get("buttons") if isinstance(row, dict) else None
        if not isinstance(buttons, list) or not buttons:
            raise RefusalError(305007, "a row without buttons")
        if len(buttons) > _KEYBOARD_LIMIT:
            raise RefusalError(40034029, f"{len(buttons)} buttons in a row")
        for button in buttons:
            _check_button(button, rules)


def _check_button(button: Any, rules: Rules) -> None:
    if not isinstance(button, dict):
        raise RefusalError(305007, "a button is not an object")
    render, action = button.get("render_data"), button.get("action")
    if not isinstance(render, dict) or not isinstance(render.get("label"), str):
        raise RefusalError(305007, "a button without label")
    style = render.get("style", 0)
    if not _is_number(style) or style not in rules.button_styles:
        raise RefusalError(305007, f"a button of style {style!r}")
    if not isinstance(action, dict):
        raise RefusalError(305007, "a button without an action")
    kind = action.get("type")
    if not _is_number(kind) or kind not in _BUTTON_ACTIONS:
        raise RefusalError(305007, "a button without a known action")
    _check_permission(action.get("permission"))


def _check_permission(permission: Any) -> None:
    if permission is None:
        return
    listed = permission.get("specify_user_ids") if isinstance(permission, dict) else 0
    if not isinstance(listed, list | None):
        raise RefusalError(305007, "a button with a permission that cannot be read")


def _is_number(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def check_typing(notice: Any) -> None:
    """Refuse a typing notice of an unknown kind or length (2.11): 50059."""
    if not isinstance(notice, dict) or notice.get("input_type") != 1:
        raise RefusalError(50059)
    seconds = notice.get("input_second")
    if not _is_number(seconds) or not 0 < seconds <= _TYPING_LIMIT:
        raise RefusalError(50059, f"input_second {seconds!r}")
