"""What menus, panels, strategies and whitelists may hold: tables."""

import pytest

from qqgroup_sync.simulator import settings_checks
from qqgroup_sync.simulator.refusals import RefusalError

LINK = {"name": "x", "type": "link", "link": "https://example.com"}


def refused(function, *arguments, **options):
    """Return the code that something is refused with."""
    with pytest.raises(RefusalError) as caught:
        function(*arguments, **options)
    return caught.value.err_code


def test_chinese_counts_twice():
    """ASCII is 1 unit, the rest 2."""
    assert (settings_checks.units("abc"), settings_checks.units("天a")) == (3, 3)


@pytest.mark.parametrize(
    "item",
    [
        {"name": "天气天气天", "type": "send_message"},
        LINK,
        {"name": "on", "type": "switch", "switch": {"switch_id": "s", "default": False}},
        {"name": "more", "type": "menu", "sub_menu_items": [{**LINK, "name": "a" * 14}] * 5},
    ],
)
def test_menus_that_are_taken(item):
    """Names of 10 units, 14 below; up to 5 below each."""
    assert settings_checks.check_menu({"items": [item] * 10}) == [item] * 10


@pytest.mark.parametrize(
    "item",
    [
        {"name": "天气天气天a", "type": "send_message"},
        {"name": "", "type": "send_message"},
        {"name": "x", "type": "popup"},
        {"name": "x", "type": "link", "link": "http://example.com"},
        {"name": "x", "type": "switch"},
        {"name": "x", "type": "menu", "sub_menu_items": [LINK] * 6},
        {"name": "x", "type": "menu", "sub_menu_items": [{"name": "x", "type": "switch"}]},
        {"name": "x", "type": "menu", "sub_menu_items": [{**LINK, "name": "a" * 15}]},
        "text",
    ],
)
def test_menus_that_are_not(item):
    """10003."""
    assert refused(settings_checks.check_menu, {"items": [item]}) == 10003


def test_a_menu_has_ten_items():
    """And has to be one."""
    assert refused(settings_checks.check_menu, {"items": [LINK] * 11}) == 10003
    assert refused(settings_checks.check_menu, None) == 10003


@pytest.mark.parametrize(
    ("items", "taken"),
    [
        ([{"name": "a" * 14, "desc": "天" * 15, "type": "command"}] * 20, True),
        ([{"name": "x", "type": "link", "link": "https://example.com"}], True),
        ([{"name": "x", "type": "command"}] * 21, False),
        ([{"name": "a" * 15, "type": "command"}], False),
        ([{"name": "x", "desc": "天" * 16, "type": "command"}], False),
        ([{"name": "x", "type": "switch"}], False),
    ],
)
def test_panels(items, taken):
    """20 items, names of 14 units, descriptions of 30."""
    if taken:
        assert settings_checks.check_panel({"items": items})["items"] == items
    else:
        assert refused(settings_checks.check_panel, {"items": items}) == 10003


@pytest.mark.parametrize(
    "payload",
    [
        {"scope": "guild"},
        {"scope": "c2c", "target_type": "some"},
        {"scope": "c2c", "target_type": "specific"},
        {"scope": "c2c", "target_type": "specific", "user_openids": ["U"] * 21},
        {"scope": "c2c", "target_type": "specific", "user_openids": 5},
        {"scope": "c2c", "target_type": "all", "group_openids": [["G"]]},
        {"scope": ["c2c"]},
    ],
)
def test_scopes_of_panels(payload):
    """Refused with 10003."""
    assert refused(settings_checks.check_panel_scope, payload) == 10003


def test_groups_of_a_strategy():
    """Openids, or numbers."""
    assert settings_checks.groups_of({"group_openids": ["G"] * 100})[0] == "group_openids"
    assert settings_checks.groups_of({"group_ids": [1, "2"]}) == ("group_ids", [1, "2"])


@pytest.mark.parametrize(
    "payload",
    [
        {"group_openids": ["G"] * 101},
        {"group_openids": ["G"], "group_ids": ["1"]},
        {},
        {"group_openids": 7},
        {"group_openids": [7]},
        {"group_openids": "G"},
        {"group_ids": [[1]]},
        5,
        "text",
    ],
)
def test_groups_that_a_strategy_cannot_have(payload):
    """Exactly one kind of groups, up to 100, whatever else is sent: 10003."""
    assert refused(settings_checks.groups_of, payload) == 10003


@pytest.mark.parametrize(
    ("payload", "taken"),
    [
        ({}, True),
        ({"is_enable": None, "remark": None, "expire_at": None}, True),
        ({"remark": "x" * 255, "expire_at": "2026-12-01T00:00:00+08:00"}, True),
        ({"is_enable": "yes"}, False),
        ({"is_enable": ["on"]}, False),
        ({"remark": "x" * 256}, False),
        ({"remark": 5}, False),
        ({"expire_at": "tomorrow"}, False),
        ({"expire_at": 1_800_000_000}, False),
        ({"expire_at": "2026-12-01T00:00:00"}, False),
    ],
)
def test_strategies(payload, taken):
    """Remarks up to 255; times in RFC3339."""
    if taken:
        settings_checks.check_strategy(payload)
    else:
        assert refused(settings_checks.check_strategy, payload) == 10003


def test_whitelists():
    """QQ numbers as strings, 10 000 at once, 100 000 altogether."""
    change = settings_checks.check_whitelist
    assert change({"op": "add", "whitelist_users": ["1", "2"]}, {"3"}) == {"1", "2", "3"}
    assert change({"op": "del", "whitelist_users": ["1"]}, {"1", "2"}) == {"2"}
    for wrong in ({"op": "add", "whitelist_users": [1]}, {"op": "add"}, {"whitelist_users": ["1"]}):
        assert refused(change, wrong, set()) == 10003
    for number in ("²", "", "x", "-1"):
        assert refused(change, {"op": "add", "whitelist_users": [number]}, set()) == 10003
    many = [str(number) for number in range(10_001)]
    assert refused(change, {"op": "add", "whitelist_users": many}, set()) == 10003
    full = {f"9{number:06}" for number in range(100_000)}
    assert refused(change, {"op": "add", "whitelist_users": ["1"]}, full) == 10003
