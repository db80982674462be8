"""Endpoints about joining a group: requests, and strategies that approve them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from qqgroup_sync.api.calls import Calls, each, given, openids, required, rfc3339, segment
from qqgroup_sync.api.repeating import Repeat
from qqgroup_sync.errors import ConfigError, Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from qqgroup_sync.api.group_records import JoinRequest, Page

_STRATEGIES = "/v2/groups/join_approval_strategy"


class AdmissionCalls(Calls):
    """Requests to join, and strategies that approve them; the bot must be administrator."""

    def list_join_requests(
        self, group_openid: str, *, cursor: str = "", limit: int | None = None
    ) -> Page[JoinRequest]:
        """Fetch one page of the requests to join a group.

        Args:
            group_openid: The group; the bot must be one of its administrators.
            cursor: ``next_cursor`` of the page before.
            limit: Requests per page: 20 by default, at most 100.

        Returns:
            The requests.

        Raises:
            Forbidden: The bot is no administrator.

        Limit: 30 per minute. Source: join-request list page, 2026-08.
        """
        from qqgroup_sync.api.group_records import JoinRequest  # noqa: PLC0415 - rarely needed

        path = f"/v2/groups/{segment(group_openid, 'group_openid')}/join_request_list"
        return self._page(path, "list", JoinRequest.read, cursor=cursor, limit=limit)

    def iter_join_requests(self, group_openid: str) -> Iterator[JoinRequest]:
        """Yield all requests to join a group, page by page.

        Args:
            group_openid: The group; the bot must be one of its administrators.

        Returns:
            The requests.

        Raises:
            Forbidden: The bot is no administrator.

        Limit: 30 pages of 100 per minute. Source: join-request list page, 2026-08.
        """
        segment(group_openid, "group_openid")  # complain here, not when the first one is asked for
        return each(lambda cursor: self.list_join_requests(group_openid, cursor=cursor, limit=100))

    def approve_join_request(
        self, group_openid: str, member_openid: str, *, join_request_id: str | None = None
    ) -> None:
        """Let someone into a group; never repeated once it may have been done.

        Args:
            group_openid: The group; the bot must be one of its administrators.
            member_openid: Who asked.
            join_request_id: Which request, when the person asked more than once.

        Raises:
            Forbidden: The bot is no administrator.

        Limit: 60 per minute. Source: join-request approval page, 2026-08.
        """
        body = given(op="approve", join_request_id=join_request_id)
        self._decide(group_openid, member_openid, body)

    def decline_join_request(
        self,
        group_openid: str,
        member_openid: str,
        *,
        join_request_id: str | None = None,
        reject_reason: str | None = None,
        add_to_member_blacklist: bool | None = None,
    ) -> None:
        """Turn a request to join a group down; never repeated once it may have been done.

        Args:
            group_openid: The group; the bot must be one of its administrators.
            member_openid: Who asked.
            join_request_id: Which request, when the person asked more than once.
            reject_reason: What the person is told.
            add_to_member_blacklist: Also refuse the person in future.

        Raises:
            Forbidden: The bot is no administrator.

        Limit: 60 per minute. Source: join-request approval page, 2026-08.
        """
        body = given(
            op="decline",
            join_request_id=join_request_id,
            reject_reason=reject_reason,
            add_to_member_blacklist=add_to_member_blacklist,
        )
        self._decide(group_openid, member_openid, body)

    def _decide(self, group_openid: str, member_openid: str, body: Mapping[str, Any]) -> None:
        group = segment(group_openid, "group_openid")
        member = segment(member_openid, "member_openid")
        path = f"/v2/groups/{group}/approval_join_request/{member}"
        self._http.call("POST", path, body, repeat=Repeat.UNSENT)

    # ------------------------------------------------------------------ strategies

    def list_join_strategies(
        self, *, cursor: str = "", limit: int | None = None
    ) -> Page[dict[str, Any]]:
        """Fetch one page of the bot's strategies, the newest first.

        Args:
            cursor: ``next_cursor`` of the page before.
            limit: Strategies per page: 20 by default, at most 100.

        Returns:
            Entries with ``strategy_id``, ``group_openids``, ``group_ids``,
            ``whitelist_user_count``, ``is_enable`` (on, off), ``expire_at``, ``remark``.

        Limit: 60 per minute. Source: join-strategy list page, 2026-08.
        """
        return self._page(_STRATEGIES, "strategies", dict, cursor=cursor, limit=limit)

    def iter_join_strategies(self) -> Iterator[dict[str, Any]]:
        """Yield all strategies of the bot (at most 20)."""
        return each(lambda cursor: self.list_join_strategies(cursor=cursor))

    def create_join_strategy(
        self,
        *,
        group_openids: Sequence[str] | None = None,
        group_ids: Sequence[int] | None = None,
        is_enable: bool = True,
        expire_at: float | None = None,
        remark: str | None = None,
    ) -> dict[str, Any]:
        """Approve whoever is on a whitelist; never repeated once it may have been done.

        It works in groups where the bot is administrator.

        Args:
            group_openids: Up to 100 groups; these or ``group_ids``.
            group_ids: Up to 100 QQ group numbers.
            is_enable: Whether it works at once.
            expire_at: When it ends (Unix seconds); after one year by default.
            remark: Note for yourself, up to 255 characters.

        Returns:
            ``strategy_id``, ``is_enable``, ``expire_at``.

        Raises:
            ConfigError: Not exactly one of ``group_openids`` and ``group_ids`` is given.
            BadResponse: The answer has no ``strategy_id``.

        Limit: 60 per minute; 20 strategies per bot. Source: join-strategy page, 2026-08.
        """
        if (group_openids is None) == (group_ids is None):
            raise ConfigError(
                "give either group_openids or group_ids",
                remedy=Text(
                    "The platform takes exactly one of the two.",
                    "group_openids 和 group_ids 必须二选一。",
                ),
            )
        body = given(
            group_openids=None
            if group_openids is None
            else openids(group_openids, "group_openids"),
            group_ids=None if group_ids is None else list(group_ids),
            is_enable=_switch(is_enable),
            expire_at=None if expire_at is None else rfc3339(expire_at),
            remark=remark,
        )
        answer = self._http.call("POST", _STRATEGIES, body, repeat=Repeat.UNSENT)
        required(answer, "strategy_id", f"POST {_STRATEGIES}")
        return answer.data

    def update_join_strategy(
        self,
        strategy_id: str,
        *,
        is_enable: bool | None = None,
        expire_at: float | None = None,
        remark: str | None = None,
        group_action: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Change a strategy; what is None stays as it is.

        Args:
            strategy_id: The strategy.
            is_enable: Whether it works.
            expire_at: When it ends (Unix seconds).
            remark: Note for yourself, up to 255 characters.
            group_action: ``{"op": "add" or "del", "group_openids": [...]}``, or ``group_ids`` when
                it was created with them.

        Returns:
            ``is_enable`` and ``expire_at``.

        Limit: 60 per minute. Source: join-strategy page, 2026-08.
        """
        body = given(
            is_enable=None if is_enable is None else _switch(is_enable),
            expire_at=None if expire_at is None else rfc3339(expire_at),
            remark=remark,
            group_action=group_action,
        )
        return self._http.call("PATCH", _strategy(strategy_id), body).data

    def delete_join_strategy(self, strategy_id: str) -> None:
        """Remove a strategy.

        Args:
            strategy_id: The strategy.

        Limit: 60 per minute. Source: join-strategy page, 2026-08.
        """
        self._http.call("DELETE", _strategy(strategy_id))

    def execute_join_strategy(self, strategy_id: str) -> None:
        """Apply a strategy to the requests that are waiting; takes the platform ~10 minutes.

        Args:
            strategy_id: The strategy.

        Limit: 60 per minute. Source: join-strategy page, 2026-08.
        """
        self._http.call("POST", _strategy(strategy_id, "/execute"), {})

    def change_join_whitelist(
        self, strategy_id: str, op: Literal["add", "del"], whitelist_users: Sequence[str]
    ) -> dict[str, Any]:
        """Put people on a strategy's whitelist, or take them off.

        Args:
            strategy_id: The strategy.
            op: ``add`` or ``del``.
            whitelist_users: Up to 10 000 QQ numbers as strings; 100 000 in all.

        Returns:
            ``strategy_id``, ``whitelist_user_count`` (an estimate), ``updated_at``.

        Limit: 60 per minute. Source: join-whitelist page, 2026-08.
        """
        body = {"op": op, "whitelist_users": openids(whitelist_users, "whitelist_users")}
        return self._http.call("POST", _strategy(strategy_id, "/whitelist_users"), body).data


def _strategy(strategy_id: str, rest: str = "") -> str:
    return f"{_STRATEGIES}/{segment(strategy_id, 'strategy_id')}{rest}"


def _switch(on: bool) -> str:
    return "on" if on else "off"
