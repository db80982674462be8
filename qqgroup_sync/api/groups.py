"""Endpoints about a group and its members."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from qqgroup_sync.api.calls import Calls, each, openids, rfc3339, segment
from qqgroup_sync.api.repeating import Repeat

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from qqgroup_sync.api.group_records import (
        BotState,
        ChatRestrictions,
        GroupInfo,
        GroupMember,
        Page,
    )


class GroupCalls(Calls):
    """Groups and their members.

    Most of these endpoints are open to invited bots only (``Forbidden``, code 11253, otherwise),
    and what changes a group needs the bot to be one of its administrators.
    """

    def get_group_info(self, group_openid: str) -> GroupInfo:
        """Return what a group shows of itself.

        Args:
            group_openid: The group.

        Returns:
            Name, description, category, tags, number of members.

        Raises:
            Forbidden: The bot was not invited to this endpoint (11253).

        Limit: 30 per minute. Source: group information page, 2026-08.
        """
        from qqgroup_sync.api.group_records import GroupInfo  # noqa: PLC0415 - rarely needed

        return GroupInfo.read(self._http.call("GET", _group(group_openid, "info")).data)

    def get_bot_state(self, group_openid: str) -> BotState:
        """Return what the bot is and may do in a group.

        Args:
            group_openid: The group.

        Returns:
            Role, whether proactive messages are allowed, which messages the bot receives.

        Raises:
            Forbidden: The bot was not invited to this endpoint (11253).

        Limit: 30 per minute. Source: bot state page, 2026-08.
        """
        from qqgroup_sync.api.group_records import BotState  # noqa: PLC0415 - rarely needed

        return BotState.read(self._http.call("GET", _group(group_openid, "bot_state")).data)

    # ------------------------------------------------------------------ members

    def list_members(self, group_openid: str, *, cursor: str = "") -> Page[GroupMember]:
        """Fetch one page of a group's members.

        Args:
            group_openid: The group.
            cursor: ``next_cursor`` of the page before.

        Returns:
            Up to 30 members.

        Raises:
            Forbidden: The bot was not invited to this endpoint (11253).

        Limit: 60 per minute. Source: group member page, 2026-09.
        """
        from qqgroup_sync.api.group_records import GroupMember  # noqa: PLC0415 - rarely needed

        path = _group(group_openid, "members")
        return self._page(path, "members", GroupMember.read, cursor=cursor)

    def iter_members(self, group_openid: str) -> Iterator[GroupMember]:
        """Yield all members of a group, page by page.

        Args:
            group_openid: The group.

        Returns:
            The members; every 30 of them cost one request.

        Raises:
            Forbidden: The bot was not invited to this endpoint (11253).
            RateLimited: The group has more members than one minute's pages hold (1800).

        Limit: 60 pages per minute. Source: group member page, 2026-09.
        """
        segment(group_openid, "group_openid")  # complain here, not when the first one is asked for
        return each(lambda cursor: self.list_members(group_openid, cursor=cursor))

    def list_members_by_index(
        self, group_openid: str, *, limit: int, start_index: int = 0
    ) -> dict[str, Any]:
        """Fetch members through the endpoint of before 2026-09, which few bots may call.

        Args:
            group_openid: The group.
            limit: Members per answer.
            start_index: ``next_index`` of the answer before.

        Returns:
            ``members``, each with ``member_openid`` and ``join_timestamp``, and ``next_index``.

        Limit: unknown. Source: botgo, 2025; obsolete, use ``list_members``.
        """
        body = {"limit": limit, "start_index": start_index}
        return self._http.call("POST", _group(group_openid, "members"), body).data

    def get_member(self, group_openid: str, member_openid: str) -> GroupMember:
        """Return one member of a group.

        Args:
            group_openid: The group.
            member_openid: The member.

        Returns:
            Nickname, role, when the member came.

        Raises:
            Forbidden: The bot was not invited to this endpoint (11253).

        Limit: 30 per minute. Source: group member page, 2026-09.
        """
        from qqgroup_sync.api.group_records import GroupMember  # noqa: PLC0415 - rarely needed

        path = _group(group_openid, f"members/{segment(member_openid, 'member_openid')}")
        return GroupMember.read(self._http.call("GET", path).data)

    def remove_members(
        self,
        group_openid: str,
        member_openids: Sequence[str],
        *,
        add_to_member_blacklist: bool = False,
    ) -> dict[str, Any]:
        """Remove members from a group; never repeated once it may have been done.

        Args:
            group_openid: The group; the bot must be one of its administrators.
            member_openids: Up to 20 members.
            add_to_member_blacklist: Also keep them from coming back.

        Returns:
            ``remove_members_result`` ("success") and ``add_to_member_blacklist_fail_openids``.

        Raises:
            Forbidden: Not invited to this endpoint (11253), or no administrator.

        Limit: 30 per minute. Source: remove-members page, 2026-09.
        """
        body = {
            "member_openids": openids(member_openids, "member_openids"),
            "add_to_member_blacklist": add_to_member_blacklist,
        }
        path = _group(group_openid, "batch_remove_members")
        return self._http.call("POST", path, body, repeat=Repeat.UNSENT).data

    # ------------------------------------------------------------------ blacklist

    def list_blacklist(
        self, group_openid: str, *, cursor: str = "", limit: int | None = None
    ) -> Page[dict[str, Any]]:
        """Fetch one page of who may not join a group.

        Args:
            group_openid: The group.
            cursor: ``next_cursor`` of the page before.
            limit: Entries per page: 20 by default, at most 100.

        Returns:
            Entries with ``member_openid``, ``username``, ``banned_at`` (RFC3339), ``bot``,
            ``union_openid``.

        Raises:
            Forbidden: The bot was not invited to this endpoint (11253).

        Limit: 30 per minute. Source: group blacklist page, 2026-09.
        """
        path = _group(group_openid, "member_blacklist")
        return self._page(path, "users", dict, cursor=cursor, limit=limit)

    def iter_blacklist(self, group_openid: str) -> Iterator[dict[str, Any]]:
        """Yield everyone who may not join a group, page by page.

        Args:
            group_openid: The group.

        Returns:
            Entries as in ``list_blacklist``.

        Raises:
            Forbidden: The bot was not invited to this endpoint (11253).

        Limit: 30 pages of 100 per minute. Source: group blacklist page, 2026-09.
        """
        segment(group_openid, "group_openid")
        return each(lambda cursor: self.list_blacklist(group_openid, cursor=cursor, limit=100))

    def change_blacklist(
        self, group_openid: str, op: Literal["add", "del"], member_openids: Sequence[str]
    ) -> list[str]:
        """Put people on a group's blacklist, or take them off.

        Args:
            group_openid: The group.
            op: ``add`` or ``del``.
            member_openids: Up to 20 people; only those who are not in the group can be added.

        Returns:
            The openids for which it failed.

        Raises:
            Forbidden: The bot was not invited to this endpoint (11253).

        Limit: 60 per minute. Source: group blacklist page, 2026-09.
        """
        body = {"op": op, "member_openids": openids(member_openids, "member_openids")}
        data = self._http.call("POST", _group(group_openid, "member_blacklist"), body).data
        failed = data.get("fail_openids")
        return [str(one) for one in failed] if isinstance(failed, list) else []

    # ------------------------------------------------------------------ mutes

    def get_chat_restrictions(self, group_openid: str) -> ChatRestrictions:
        """Return who may not write in a group.

        Args:
            group_openid: The group; the bot must be one of its administrators.

        Returns:
            The mode of the group, its rules, and the muted members.

        Raises:
            Forbidden: The bot is no administrator.

        Limit: 30 per minute. Source: mute state page, 2026-08.
        """
        from qqgroup_sync.api.group_records import ChatRestrictions  # noqa: PLC0415 - rarely needed

        path = _group(group_openid, "restrict_chat_setting")
        return ChatRestrictions.read(self._http.call("GET", path).data)

    def mute_members(
        self,
        group_openid: str,
        member_openids: Sequence[str],
        until: float,
        *,
        op: Literal["add", "update"] = "add",
    ) -> None:
        """Keep members from writing.

        Args:
            group_openid: The group; the bot must be one of its administrators.
            member_openids: Up to 10 ordinary members: neither owner, administrators nor bots.
            until: Unix seconds, up to 30 days ahead.
            op: ``update`` moves the end of a mute that is already there.

        Raises:
            Forbidden: The bot is no administrator.

        Limit: 60 per minute. Source: set-mute page, 2026-08.
        """
        self._restrict(group_openid, member_openids, op, rfc3339(until))

    def unmute_members(self, group_openid: str, member_openids: Sequence[str]) -> None:
        """Let muted members write again.

        Args:
            group_openid: The group; the bot must be one of its administrators.
            member_openids: Up to 10 members.

        Raises:
            Forbidden: The bot is no administrator.

        Limit: 60 per minute. Source: set-mute page, 2026-08.
        """
        self._restrict(group_openid, member_openids, "del", "")

    def _restrict(
        self, group_openid: str, member_openids: Sequence[str], op: str, expire_at: str
    ) -> None:
        members = [
            {"op": op, "member_openid": one, "mute_expire_at": expire_at}
            for one in openids(member_openids, "member_openids")
        ]
        path = _group(group_openid, "restrict_chat_setting")
        self._http.call("POST", path, {"members": members})


def _group(group_openid: str, rest: str) -> str:
    return f"/v2/groups/{segment(group_openid, 'group_openid')}/{rest}"
