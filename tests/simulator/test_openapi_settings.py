"""Menus, panels and strategies over HTTP: pages, and what cannot be read."""

import pytest

from .test_openapi import error

STRATEGIES = "/v2/groups/join_approval_strategy"


@pytest.fixture
def strategy(bot):
    """The path of a strategy that is there already."""
    made = bot.post(STRATEGIES, {"group_openids": ["G"]}).json()
    return f"{STRATEGIES}/{made['strategy_id']}"


def test_strategies_come_in_pages(bot):
    """As many as asked for, with a cursor until the end."""
    made = [bot.post(STRATEGIES, {"group_ids": [number]}).json() for number in range(5)]
    found, cursor = [], ""
    for size in (2, 2, 1):
        page = bot.get(f"{STRATEGIES}?limit=2&cursor={cursor}").json()
        assert len(page["strategies"]) == size
        found += page["strategies"]
        cursor = page["next_cursor"]
    assert cursor == ""
    assert [one["strategy_id"] for one in found] == [one["strategy_id"] for one in made]
    assert len(bot.get(STRATEGIES).json()["strategies"]) == 5


def test_what_a_strategy_is_described_with(bot, strategy):
    """All that is known of it, and nothing else that was sent."""
    bot.call("PATCH", strategy, {"remark": "hello", "expire_at": None, "colour": "red"})
    users = {"op": "add", "whitelist_users": ["1", "2"]}
    bot.post(f"{strategy}/whitelist_users", users)
    (found,) = bot.get(STRATEGIES).json()["strategies"]
    assert found.pop("strategy_id") == strategy.rpartition("/")[2]
    assert found.pop("expire_at").endswith("+08:00")
    assert found == {
        "group_openids": ["G"],
        "is_enable": "on",
        "remark": "hello",
        "whitelist_user_count": 2,
    }


@pytest.mark.parametrize(
    "change",
    [
        {"group_action": 5},
        {"group_action": ["add"]},
        {"group_action": {"op": "add", "group_openids": 5}},
        {"group_action": {"op": "del", "group_openids": [{}]}},
        {"group_action": {"op": "set", "group_openids": ["H"]}},
        {"group_action": {"op": "add"}},
        {"remark": {}},
        {"expire_at": []},
    ],
)
def test_changes_of_a_strategy_that_cannot_be_read(bot, strategy, change):
    """Refused with 10003, and the strategy stays as it was."""
    before = bot.get(STRATEGIES).json()
    assert error(bot.call("PATCH", strategy, change)) == (400, 10003, 10003)
    assert bot.get(STRATEGIES).json() == before


@pytest.mark.parametrize("groups", [5, "G", [5], {"G": 1}])
def test_groups_that_cannot_be_read(bot, groups):
    """Refused with 10003."""
    assert error(bot.post(STRATEGIES, {"group_openids": groups}))[2] == 10003


def test_a_whitelist_goes_with_its_strategy(bot, strategy):
    """And what is deleted is unknown."""
    assert bot.call("DELETE", strategy).json() == {}
    users = {"op": "add", "whitelist_users": ["1"]}
    assert error(bot.post(f"{strategy}/whitelist_users", users))[2] == 10003
    assert bot.get(STRATEGIES).json() == {"strategies": [], "next_cursor": ""}


@pytest.mark.parametrize("path", ["/v2/panels", STRATEGIES])
@pytest.mark.parametrize("number", ["²", "-1", "x", "1" * 5000])
@pytest.mark.parametrize("field", ["cursor", "limit"])
def test_pages_that_are_no_numbers(bot, path, field, number):
    """Refused with 10003, also what only looks like a digit."""
    assert error(bot.get(f"{path}?{field}={number}")) == (400, 10003, 10003)


@pytest.mark.parametrize("openids", [5, [5], [["U"]], {"U": 1}])
def test_targets_of_panels_that_cannot_be_read(bot, openids):
    """Refused with 10003, whether the panel is for all or for some."""
    panel = {"items": [{"name": "x", "type": "command"}]}
    for kind in ("all", "specific"):
        body = {"scope": "c2c", "target_type": kind, "panel": panel, "user_openids": openids}
        assert error(bot.post("/v2/panels", body))[2] == 10003
    made = bot.post("/v2/panels", {"scope": "c2c", "panel": panel}).json()
    target = {"op": "add", "user_openids": openids}
    assert error(bot.call("PUT", f"/v2/panels/{made['panel_id']}/target", target))[2] == 10003
