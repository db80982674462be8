"""What bots set up by API, from the client to the platform and back: strategies and panels."""

from __future__ import annotations

import pytest

from qqgroup_sync.errors import ApiError


@pytest.fixture
def api(make_client):
    """The endpoints of a client that was not started."""
    return make_client().api


def test_strategies_are_listed_as_they_were_made(api):
    """Made, changed, listed page by page, with their whitelist, and deleted."""
    made = [
        api.create_join_strategy(group_openids=["G"], remark="one", expire_at=1_800_000_000),
        *(api.create_join_strategy(group_ids=[number]) for number in (2, 3)),
    ]
    first = made[0]["strategy_id"]
    assert api.change_join_whitelist(first, "add", ["10001"])["whitelist_user_count"] == 1
    changed = api.update_join_strategy(
        first, is_enable=False, group_action={"op": "add", "group_openids": ["H"]}
    )
    assert changed["is_enable"] == "off"
    page = api.list_join_strategies(limit=2)
    assert len(page.items) == 2
    assert page.next_cursor
    listed = {one["strategy_id"]: one for one in api.iter_join_strategies()}
    assert set(listed) == {one["strategy_id"] for one in made}
    assert listed[first]["group_openids"] == ["G", "H"]
    assert listed[first]["remark"] == "one"
    assert listed[first]["whitelist_user_count"] == 1
    for strategy_id in listed:
        api.delete_join_strategy(strategy_id)
    assert list(api.iter_join_strategies()) == []


def test_a_bot_with_all_its_panels_is_told_so(api):
    """The 21st is refused, and the error says that one has to go."""
    items = [{"name": "menu", "desc": "", "type": "command"}]
    made = [api.create_panel("c2c", items) for _ in range(20)]
    with pytest.raises(ApiError, match="as many panels as it may have") as caught:
        api.create_panel("c2c", items)
    assert caught.value.err_code == 40030021
    assert "delete_panel" in str(caught.value)
    assert len(list(api.iter_panels("c2c"))) == 20
    api.delete_panel(made[0])
    assert api.create_panel("c2c", items)
