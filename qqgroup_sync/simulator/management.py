"""Looking after groups by API: profile, members, mutes, blacklist, join requests (2.9). No I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qqgroup_sync.simulator import arguments, events, identifiers
from qqgroup_sync.simulator.groups import Member
from qqgroup_sync.simulator.refusals import RefusalError
from qqgroup_sync.simulator.rules import DAY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from qqgroup_sync.simulator.groups import Group
    from qqgroup_sync.simulator.platform import Platform
    from qqgroup_sync.simulator.records import Bot, Membership

MEMBERS_PER_PAGE = 30
_MUTE_DAYS = 30
_MUTES_PER_CALL = 10
_OPENIDS_PER_CALL = 20
_OLD_PAGE = 500


class Management:
    """The group endpoints' rules; every method is safe from any thread.

    Args:
        platform: Where the groups are.
    """

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def _changing(self) -> AbstractContextManager[None]:
        return self._platform.changing()

    def _enter(
        self, bot: Bot, group_openid: str, *, invited: bool = False, admin: bool = False
    ) -> tuple[Group, Membership]:
        """Find the group, or refuse: 11253 (invite-only), 40034101, 11282 (not admin)."""
        if invited and not bot.privileged:
            raise RefusalError(11253)
        group = self._platform.group_of(group_openid)
        membership = group.bots.get(bot.appid)
        if membership is None:
            raise RefusalError(40034101)
        if admin and membership.role == "member":
            raise RefusalError(11282)
        return group, membership

    def info(self, bot: Bot, group_openid: str) -> dict[str, Any]:
        """Answer GET /v2/groups/{g}/info."""
        with self._changing():
            group, _ = self._enter(bot, group_openid, invited=True)
            return {
                "group_openid": group.openid,
                "group_name": group.name,
                "group_finger_memo": "",
                "group_class_text": "",
                "group_tags": [],
                "group_member_num": len(group.members) + len(group.bots),
            }

    def bot_state(self, bot: Bot, group_openid: str) -> dict[str, Any]:
        """Answer GET /v2/groups/{g}/bot_state."""
        with self._changing():
            group, membership = self._enter(bot, group_openid, invited=True)
            return {
                "member_openid": bot.openid,
                "joined_at": identifiers.rfc3339(membership.joined_at),
                "allow_proactive_msg": membership.allow_push,
                "recv_msg_setting": "all" if group.full_mode else "only_mention",
                "member_role": membership.role,
            }

    def members(self, bot: Bot, group_openid: str, cursor: str) -> dict[str, Any]:
        """Answer GET /v2/groups/{g}/members: 30 per page, an empty cursor at the end."""
        with self._changing():
            group, _ = self._enter(bot, group_openid, invited=True)
            everybody = list(_describe(group))
        page, following = arguments.page(everybody, cursor, usual=MEMBERS_PER_PAGE)
        return {"members": page, "next_cursor": following}

    def old_members(self, bot: Bot, group_openid: str, body: dict[str, Any]) -> dict[str, Any]:
        """Answer POST /v2/groups/{g}/members: pages by ``limit`` and ``start_index``."""
        limit, start = body.get("limit", 100), body.get("start_index", 0)
        if not all(type(number) is int for number in (limit, start)):
            raise RefusalError(10003, "limit and start_index must be numbers")
        if not 0 < limit <= _OLD_PAGE or start < 0:
            raise RefusalError(10003, f"limit must be 1 to {_OLD_PAGE}, start_index 0 or more")
        with self._changing():
            group, _ = self._enter(bot, group_openid, invited=True)
            everybody = [
                {"member_openid": one.openid, "join_timestamp": int(one.joined_at)}
                for one in group.members.values()
            ]
        following = start + limit if start + limit < len(everybody) else 0
        return {"members": everybody[start : start + limit], "next_index": following}

    def member(self, bot: Bot, group_openid: str, member_openid: str) -> dict[str, Any]:
        """Answer GET /v2/groups/{g}/members/{m}."""
        with self._changing():
            group, _ = self._enter(bot, group_openid, invited=True)
            for description in _describe(group):
                if description["member_openid"] == member_openid:
                    return description
        raise RefusalError(10003, "unknown member_openid")

    def remove(self, bot: Bot, group_openid: str, body: dict[str, Any]) -> dict[str, Any]:
        """Carry out POST /v2/groups/{g}/batch_remove_members; only plain members can go."""
        openids = arguments.strings(body, "member_openids", _OPENIDS_PER_CALL)
        with self._changing():
            group, _ = self._enter(bot, group_openid, invited=True, admin=True)
            removed = []
            for openid in openids:
                member = group.members.get(openid)
                gone = member is not None and member.role == "member"
                removed.append({"member_openid": openid, "success": gone})
                if member is not None and gone:
                    group.dismiss(member)
                    if body.get("add_to_member_blacklist"):
                        group.blacklist[openid] = member.user
            failed = [one["member_openid"] for one in removed if not one["success"]]
            return {
                "remove_members_result": removed,
                "add_to_member_blacklist_fail_openids": (
                    failed if body.get("add_to_member_blacklist") else []
                ),
            }

    def blacklist(self, bot: Bot, group_openid: str, cursor: str, limit: str) -> dict[str, Any]:
        """Answer GET /v2/groups/{g}/member_blacklist."""
        with self._changing():
            group, _ = self._enter(bot, group_openid, invited=True)
            users = [
                {"member_openid": user.openid, "username": user.name}
                for user in group.blacklist.values()
            ]
        page, following = arguments.page(users, cursor, limit)
        return {"users": page, "next_cursor": following}

    def change_blacklist(self, bot: Bot, group_openid: str, body: dict[str, Any]) -> dict[str, Any]:
        """Carry out POST /v2/groups/{g}/member_blacklist; members cannot be added."""
        openids = arguments.strings(body, "member_openids", _OPENIDS_PER_CALL)
        with self._changing():
            group, _ = self._enter(bot, group_openid, invited=True, admin=True)
            failed = []
            for openid in openids:
                user = self._platform.find_person(openid)
                if body.get("op") == "add" and user is not None and openid not in group.members:
                    group.blacklist[openid] = user
                elif body.get("op") != "del" or group.blacklist.pop(openid, None) is None:
                    failed.append(openid)
            return {"fail_openids": failed}

    def join_requests(self, bot: Bot, group_openid: str, cursor: str, limit: str) -> dict[str, Any]:
        """Answer GET /v2/groups/{g}/join_request_list: those that still wait."""
        with self._changing():
            group, _ = self._enter(bot, group_openid, admin=True)
            waiting = [
                events.join_request(group, request)
                for request in group.requests.values()
                if request.state == "waiting"
            ]
        page, following = arguments.page(waiting, cursor, limit)
        return {"list": page, "next_cursor": following}

    def decide(
        self, bot: Bot, group_openid: str, member_openid: str, body: dict[str, Any]
    ) -> dict[str, Any]:
        """Carry out POST /v2/groups/{g}/approval_join_request/{member_openid}."""
        with self._changing():
            group, _ = self._enter(bot, group_openid, admin=True)
            request = group.requests.get(member_openid)
            wanted = body.get("join_request_id")
            if request is None or request.state != "waiting" or wanted not in (None, request.id):
                raise RefusalError(10003, "no such join request waits")
            if body.get("op") not in ("approve", "decline"):
                raise RefusalError(10003, f"op {body.get('op')!r}")
            if body["op"] == "approve":
                request.state = "approved"
                now = self._platform.clock.now()
                member = Member(group, request.user, "member", now)
                group.members[member_openid] = member
                group.announce("GROUP_MEMBER_ADD", member)
            else:
                request.state, request.reason = "declined", str(body.get("reject_reason", ""))
                if body.get("add_to_member_blacklist"):
                    group.blacklist[member_openid] = request.user
            return {}

    def mutes(self, bot: Bot, group_openid: str) -> dict[str, Any]:
        """Answer GET /v2/groups/{g}/restrict_chat_setting."""
        with self._changing():
            group, _ = self._enter(bot, group_openid, admin=True)
            now = self._platform.clock.now()
            muted = [
                {
                    "member_openid": member.openid,
                    "mute_expire_at": identifiers.rfc3339(member.muted_until),
                    "username": member.name,
                    "union_openid": "",
                }
                for member in group.members.values()
                if member.muted_until > now
            ]
            rule = {"mode": "none", "schedule_rules": [], "recurring_rules": []}
            return {"global_rule": rule, "members": muted}

    def change_mutes(self, bot: Bot, group_openid: str, body: dict[str, Any]) -> dict[str, Any]:
        """Carry out POST /v2/groups/{g}/restrict_chat_setting: all entries or none."""
        entries = body.get("members")
        if not isinstance(entries, list) or not 0 < len(entries) <= _MUTES_PER_CALL:
            raise RefusalError(10003, "members must have 1 to 10 entries")
        with self._changing():
            group, _ = self._enter(bot, group_openid, admin=True)
            changes = [self._mute(group, entry) for entry in entries]
            for member, until in changes:
                member.muted_until = until
            return {}

    def _mute(self, group: Group, entry: Any) -> tuple[Member, float]:
        if not isinstance(entry, dict):
            raise RefusalError(10003, "an entry is not an object")
        member = group.members.get(str(entry.get("member_openid")))
        if member is None or member.role != "member":
            raise RefusalError(10003, "only ordinary members can be muted")
        if entry.get("op") == "del":
            return member, 0.0
        if entry.get("op") not in ("add", "update"):
            raise RefusalError(10003, f"op {entry.get('op')!r}")
        until = arguments.moment(entry.get("mute_expire_at"), "mute_expire_at")
        if until > self._platform.clock.now() + _MUTE_DAYS * DAY:
            raise RefusalError(10003, f"longer than {_MUTE_DAYS} days")
        return member, until


def _describe(group: Group) -> Iterator[dict[str, Any]]:
    people = [
        (one.openid, one.name, one.role, False, one.joined_at) for one in group.members.values()
    ]
    bots = [
        (one.bot.openid, one.bot.name, one.role, True, one.joined_at) for one in group.bots.values()
    ]
    for openid, name, role, bot, joined_at in people + bots:
        yield {
            "member_openid": openid,
            "username": name,
            "member_role": role,
            "bot": bot,
            "joined_at": identifiers.rfc3339(joined_at),
            "union_openid": "",
        }
