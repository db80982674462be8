"""Check menus, command panels and approval strategies before they are kept (2.9). Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from qqgroup_sync.simulator import arguments
from qqgroup_sync.simulator.refusals import RefusalError

if TYPE_CHECKING:
    from collections.abc import Mapping

_MENU_ITEMS, _SUB_ITEMS = 10, 5
_MENU_NAME, _SUB_NAME = 10, 14
_PANEL_ITEMS, _PANEL_NAME, _PANEL_TEXT = 20, 14, 30
_TARGETS = 20
_GROUPS, _REMARK = 100, 255
_WHITELIST_CALL, _WHITELIST = 10_000, 100_000
_SCOPES = ("c2c", "group", "channel", "dm")
_QQ_NUMBER = re.compile(r"[0-9]{1,20}")


def units(text: str) -> int:
    """Count as the platform does: 1 for ASCII, 2 for the rest."""
    return sum(1 if character.isascii() else 2 for character in text)


def check_menu(menu: Any) -> list[Any]:
    """Return the items of a menu, or refuse it with 10003."""
    items = menu.get("items") if isinstance(menu, dict) else None
    if not isinstance(items, list) or len(items) > _MENU_ITEMS:
        raise RefusalError(10003, f"menu.items must have at most {_MENU_ITEMS} entries")
    for item in items:
        _check_menu_item(item, _MENU_NAME, ("switch", "send_message", "link", "menu"))
        subs = item.get("sub_menu_items") or []
        if not isinstance(subs, list) or len(subs) > _SUB_ITEMS:
            raise RefusalError(10003, f"sub_menu_items must have at most {_SUB_ITEMS} entries")
        for sub in subs:
            _check_menu_item(sub, _SUB_NAME, ("send_message", "link"))
    return items


def _check_menu_item(item: Any, longest: int, kinds: tuple[str, ...]) -> None:
    if not isinstance(item, dict) or item.get("type") not in kinds:
        raise RefusalError(10003, f"the type of a menu item must be one of {', '.join(kinds)}")
    _check_text(item, "name", longest)
    if item["type"] == "link" and not _is_https(item.get("link")):
        raise RefusalError(10003, "the link of a menu item must begin with https://")
    if item["type"] == "switch":
        switch = item.get("switch")
        if not isinstance(switch, dict) or not switch.get("switch_id"):
            raise RefusalError(10003, "a switch needs a switch_id")


def _is_https(link: Any) -> bool:
    address = link.get("url") if isinstance(link, dict) else link
    return isinstance(address, str) and address.startswith("https://")


def _check_text(item: Mapping[str, Any], field: str, longest: int, *, needed: bool = True) -> None:
    text = item.get(field, "")
    if not isinstance(text, str) or (needed and not text) or units(text) > longest:
        raise RefusalError(10003, f"{field} must have 1 to {longest} units, not {text!r}")


def check_panel(panel: Any) -> dict[str, Any]:
    """Return a command panel, or refuse it with 10003."""
    items = panel.get("items") if isinstance(panel, dict) else None
    if not isinstance(items, list) or len(items) > _PANEL_ITEMS:
        raise RefusalError(10003, f"panel.items must have at most {_PANEL_ITEMS} entries")
    for item in items:
        if not isinstance(item, dict) or item.get("type") not in ("command", "link"):
            raise RefusalError(10003, "the type of a panel item must be command or link")
        _check_text(item, "name", _PANEL_NAME)
        _check_text(item, "desc", _PANEL_TEXT, needed=False)
    return dict(panel)


def check_panel_scope(payload: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return whom a new panel is for; refuse an unknown scope, or nobody, with 10003."""
    if payload.get("scope") not in _SCOPES:
        raise RefusalError(10003, f"scope must be one of {', '.join(_SCOPES)}")
    if payload.get("target_type", "all") not in ("all", "specific"):
        raise RefusalError(10003, "target_type must be all or specific")
    return targets_of(payload, needed=payload.get("target_type") == "specific")


def targets_of(payload: Mapping[str, Any], *, needed: bool = True) -> dict[str, list[str]]:
    """Return which openids a panel is for, by field, or refuse with 10003."""
    found = {
        field: arguments.strings(payload, field, _TARGETS)
        for field in ("user_openids", "group_openids")
        if payload.get(field)
    }
    if needed and not found:
        raise RefusalError(10003, f"1 to {_TARGETS} user_openids or group_openids are needed")
    return found


def check_strategy(payload: Mapping[str, Any]) -> None:
    """Refuse what an approval strategy cannot be, new or changed, with 10003."""
    if payload.get("is_enable") not in (None, "on", "off"):
        raise RefusalError(10003, "is_enable must be on or off")
    remark = payload.get("remark")
    if not isinstance(remark, str | None) or len(remark or "") > _REMARK:
        raise RefusalError(10003, f"remark must have at most {_REMARK} characters")
    if payload.get("expire_at") is not None:
        arguments.moment(payload["expire_at"], "expire_at")


def groups_of(payload: Any) -> tuple[str, list[Any]]:
    """Return the field and the groups of a strategy, openids or numbers; or refuse with 10003."""
    if not isinstance(payload, dict):
        raise RefusalError(10003, "group_action must be an object")
    fields = [field for field in ("group_openids", "group_ids") if payload.get(field)]
    if len(fields) != 1:
        raise RefusalError(10003, "exactly one of group_openids and group_ids")
    (field,) = fields
    groups, kinds = payload[field], str if field == "group_openids" else (str, int)
    if not isinstance(groups, list) or len(groups) > _GROUPS:
        raise RefusalError(10003, f"{field} must be a list of at most {_GROUPS} groups")
    if not all(isinstance(one, kinds) for one in groups):
        raise RefusalError(10003, f"an entry of {field} is no group")
    return field, groups


def adds(payload: Mapping[str, Any]) -> bool:
    """Return whether ``op`` adds rather than removes, or refuse with 10003."""
    op = payload.get("op")
    if op not in ("add", "del"):
        raise RefusalError(10003, "op must be add or del")
    return bool(op == "add")


def check_whitelist(payload: Mapping[str, Any], known: set[str]) -> set[str]:
    """Return the whitelist after a change, or refuse with 10003: QQ numbers as strings."""
    users = arguments.strings(payload, "whitelist_users", _WHITELIST_CALL)
    if not all(_QQ_NUMBER.fullmatch(user) for user in users):
        raise RefusalError(10003, "whitelist_users must be QQ numbers as strings")
    changed = known | set(users) if adds(payload) else known - set(users)
    if len(changed) > _WHITELIST:
        raise RefusalError(10003, f"a whitelist has at most {_WHITELIST} entries")
    return changed
