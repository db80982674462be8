"""Looking after groups by API."""

import pytest

from qqgroup_sync.simulator import identifiers
from qqgroup_sync.simulator.refusals import RefusalError
from qqgroup_sync.simulator.rules import DAY


@pytest.fixture
def management(platform):
    """The rules under test."""
    return platform.management


@pytest.fixture
def group(platform):
    """A group the bot is an administrator of."""
    group = platform.group("g")
    group.set_bot_role("admin")
    return group


def refusal(call, *args):
    """Return the code a call is refused with."""
    with pytest.raises(RefusalError) as caught:
        call(*args)
    return caught.value.err_code


def test_profile(management, record, group):
    """Group profile and bot state tell what is the case."""
    group.member("Ming")
    info = management.info(record, group.openid)
    assert (info["group_name"], info["group_member_num"]) == ("g", 2)
    state = management.bot_state(record, group.openid)
    assert state["recv_msg_setting"] == "only_mention"
    assert state["member_role"] == "admin"
    assert state["allow_proactive_msg"] is True
    group.full_mode = True
    group.allow_push(False)
    state = management.bot_state(record, group.openid)
    assert (state["recv_msg_setting"], state["allow_proactive_msg"]) == ("all", False)


def test_members_in_pages(management, record, group):
    """The member list comes in pages of 30 with a cursor."""
    for number in range(65):
        group.member(f"m{number}")
    names, cursor, pages = [], "", 0
    while pages == 0 or cursor:
        page = management.members(record, group.openid, cursor)
        names += [member["username"] for member in page["members"]]
        cursor, pages = page["next_cursor"], pages + 1
    assert pages == 3
    assert names == [*(f"m{number}" for number in range(65)), "Robot"]
    for cursor in ("x", "-1", "²", "9" * 5000):
        assert refusal(management.members, record, group.openid, cursor) == 10003


def test_one_member(management, record, group):
    """One member is described as in the list."""
    ming = group.member("Ming")
    found = management.member(record, group.openid, ming.openid)
    assert (found["username"], found["bot"], found["member_role"]) == ("Ming", False, "member")
    assert refusal(management.member, record, group.openid, "nope") == 10003


def test_who_may_ask(management, record, group):
    """11253 without invitation, 11282 without being administrator, 40034101 outside."""
    group.set_bot_role("member")
    assert refusal(management.mutes, record, group.openid) == 11282
    record.privileged = False
    assert refusal(management.info, record, group.openid) == 11253
    record.privileged = True
    group.remove_bot()
    assert refusal(management.info, record, group.openid) == 40034101
    assert refusal(management.info, record, "nope") == 11255


def test_removing_members(management, record, group):
    """Plain members are removed and blacklisted; administrators are not."""
    ming, boss = group.member("Ming"), group.member("Boss", role="admin")
    body = {"member_openids": [ming.openid, boss.openid], "add_to_member_blacklist": True}
    answer = management.remove(record, group.openid, body)
    assert [one["success"] for one in answer["remove_members_result"]] == [True, False]
    assert answer["add_to_member_blacklist_fail_openids"] == [boss.openid]
    assert set(group.members) == {boss.openid}
    listed = management.blacklist(record, group.openid, "", "")["users"]
    assert [one["username"] for one in listed] == ["Ming"]
    for openids in ([], 5, [5], [[]], "text", None):
        wrong = {"member_openids": openids}
        assert refusal(management.remove, record, group.openid, wrong) == 10003


def test_blacklist(management, platform, record, group):
    """Only people outside the group can be listed; the list has pages."""
    ming, hong = group.member("Ming"), platform.user("Hong")
    openids = [ming.openid, hong.openid, "nope"]
    change = management.change_blacklist
    add = change(record, group.openid, {"op": "add", "member_openids": openids})
    assert add["fail_openids"] == [ming.openid, "nope"]
    delete = change(record, group.openid, {"op": "del", "member_openids": openids})
    assert delete["fail_openids"] == [ming.openid, "nope"]
    assert management.blacklist(record, group.openid, "", "1") == {"users": [], "next_cursor": ""}
    for limit in ("101", "0", "²", "1" * 5000):
        assert refusal(management.blacklist, record, group.openid, "", limit) == 10003


def test_people_on_the_blacklist_stay_outside(management, platform, record, group):
    """They neither join nor ask to, and no bot hears of it; off the list they can."""
    hong = platform.user("Hong")
    change = {"op": "add", "member_openids": [hong.openid]}
    management.change_blacklist(record, group.openid, change)
    heard = []
    platform.subscribe(lambda _kind, event: heard.append(event.name), {"event"})
    with pytest.raises(PermissionError, match="Hong is on the blacklist of 'g'"):
        group.join("Hong")
    with pytest.raises(PermissionError, match="blacklist"):
        group.join_request("Hong", "please")
    assert (hong.openid in group.members, group.requests, heard) == (False, {}, [])
    management.change_blacklist(record, group.openid, {**change, "op": "del"})
    group.join_request("Hong", "please")
    assert group.join("Hong").openid in group.members
    assert heard == ["GROUP_JOIN_REQUEST", "GROUP_MEMBER_ADD"]


@pytest.mark.parametrize(
    "wrong",
    [{"start_index": -3}, {"start_index": "0"}, {"start_index": True}, {"limit": 0}, {"limit": []}],
)
def test_pages_of_the_obsolete_list(management, record, group, wrong):
    """Begin at 0 or later: 10003."""
    assert refusal(management.old_members, record, group.openid, wrong) == 10003


def test_join_requests(management, record, group):
    """Requests wait, are approved into membership, or declined into the blacklist."""
    requests = [group.join_request(name, "please") for name in ("Hong", "Lan")]
    listed = management.join_requests(record, group.openid, "", "1")
    assert [one["username"] for one in listed["list"]] == ["Hong"]
    assert listed["next_cursor"] == "1"
    hong, lan = (request.user.openid for request in requests)
    approve = {"op": "approve", "join_request_id": requests[0].id}
    assert management.decide(record, group.openid, hong, approve) == {}
    assert group.members[hong].name == "Hong"
    assert requests[0].state == "approved"
    decline = {"op": "decline", "reject_reason": "no", "add_to_member_blacklist": True}
    assert refusal(management.decide, record, group.openid, lan, {"op": "maybe"}) == 10003
    management.decide(record, group.openid, lan, decline)
    assert (requests[1].state, requests[1].reason) == ("declined", "no")
    assert lan in group.blacklist
    assert refusal(management.decide, record, group.openid, lan, decline) == 10003
    assert management.join_requests(record, group.openid, "", "")["list"] == []


def test_mutes(management, clock, record, group):
    """A mute is set, listed and lifted."""
    ming = group.member("Ming")
    until = clock.now() + 60
    entry = {"member_openid": ming.openid, "mute_expire_at": identifiers.rfc3339(until)}
    management.change_mutes(record, group.openid, {"members": [{"op": "add", **entry}]})
    assert ming.muted_until == until
    muted = management.mutes(record, group.openid)
    assert muted["global_rule"]["mode"] == "none"
    assert [one["username"] for one in muted["members"]] == ["Ming"]
    delete = {"op": "del", "member_openid": ming.openid, "mute_expire_at": ""}
    management.change_mutes(record, group.openid, {"members": [delete]})
    assert management.mutes(record, group.openid)["members"] == []


def test_mute_refusals_change_nothing(management, clock, record, group):
    """One bad entry refuses the whole request."""
    ming, boss = group.member("Ming"), group.member("Boss", role="owner")
    soon = identifiers.rfc3339(clock.now() + 60)
    late = identifiers.rfc3339(clock.now() + 31 * DAY)
    good = {"op": "add", "member_openid": ming.openid, "mute_expire_at": soon}
    bad = [
        {**good, "member_openid": boss.openid},
        {**good, "mute_expire_at": late},
        {**good, "mute_expire_at": "tomorrow"},
        {**good, "mute_expire_at": 5},
        {**good, "mute_expire_at": "0001-01-01T00:00:00"},
        {**good, "op": "?"},
        "entry",
    ]
    for entry in bad:
        change = {"members": [good, entry]}
        assert refusal(management.change_mutes, record, group.openid, change) == 10003
    for entries in ([], [good] * 11, None):
        change = {"members": entries}
        assert refusal(management.change_mutes, record, group.openid, change) == 10003
    assert ming.muted_until == 0
