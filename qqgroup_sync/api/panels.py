"""Endpoints for the menu of private chats and the command panels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from qqgroup_sync.api.calls import Calls, each, given, openids, required, segment
from qqgroup_sync.api.repeating import Repeat
from qqgroup_sync.errors import ConfigError, Text
from qqgroup_sync.events.lenient import integer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from qqgroup_sync.api.group_records import Page

PanelScope = Literal["c2c", "group", "channel", "dm"]


class PanelCalls(Calls):
    """The menu of private chats and the command panels.

    Names are counted in units: an ASCII character is 1, a Chinese one 2.
    """

    def get_menu(self) -> dict[str, Any]:
        """Return the menu that users see in private chats.

        Returns:
            ``version`` and ``menu`` (absent when none was ever set).

        Limit: 30 per minute. Source: menu page, 2026-08.
        """
        return self._http.call("GET", "/v2/menu").data

    def set_menu(self, items: Sequence[Mapping[str, Any]]) -> int:
        """Replace the menu of private chats, for all users.

        Args:
            items: Up to 10 of ``{"name", "type"}``: name up to 10 units; type ``send_message``
                (with ``send_message``), ``link`` (with ``link``, https), ``switch`` (with
                ``switch: {"switch_id", "default"}``) or ``menu`` (with up to 5
                ``sub_menu_items``, names up to 14 units).

        Returns:
            Version of the menu; 0 when the platform did not say.

        Raises:
            ApiError: The menu is not valid (40030008, 40030013, 40030014, 40030016).
            ContentRejected: It did not pass the content review.

        Limit: 5 per minute. Source: menu page, 2026-08.
        """
        body = {"menu": {"items": list(items)}}
        return integer(self._http.call("PUT", "/v2/menu", body).data.get("version"))

    def list_panels(
        self, scope: PanelScope, *, cursor: str = "", limit: int | None = None
    ) -> Page[dict[str, Any]]:
        """Fetch one page of the panels of a scope, the newest first.

        Args:
            scope: ``c2c``, ``group``, ``channel`` or ``dm``.
            cursor: ``next_cursor`` of the page before.
            limit: Panels per page: 20 by default, at most 50.

        Returns:
            Entries with ``panel_id``, ``scope``, ``target_type``, ``panel``, ``version``.

        Limit: 30 per minute. Source: panel list page, 2026-08.
        """
        return self._page("/v2/panels", "records", dict, cursor=cursor, limit=limit, scope=scope)

    def iter_panels(self, scope: PanelScope) -> Iterator[dict[str, Any]]:
        """Yield all panels of a scope (a bot has at most 20).

        Args:
            scope: ``c2c``, ``group``, ``channel`` or ``dm``.

        Returns:
            Entries as in ``list_panels``.
        """
        return each(lambda cursor: self.list_panels(scope, cursor=cursor))

    def create_panel(
        self,
        scope: PanelScope,
        items: Sequence[Mapping[str, Any]],
        *,
        remark: str | None = None,
        target_type: Literal["all", "specific"] = "all",
        user_openids: Sequence[str] | None = None,
        group_openids: Sequence[str] | None = None,
    ) -> str:
        """Create a panel; never repeated once it may have been done.

        Args:
            scope: ``c2c``, ``group``, ``channel`` or ``dm``.
            items: Up to 20 of ``{"name", "desc", "type", "only_admin", "link"}``: name up to 14
                units, desc up to 30; type ``command`` (puts the name into the input box) or
                ``link`` (with ``link``).
            remark: Note for yourself, up to 255 characters.
            target_type: ``specific`` shows it to the listed users or groups only.
            user_openids: Up to 20 users; scope ``c2c``.
            group_openids: Up to 20 groups; scope ``group``.

        Returns:
            The ``panel_id``.

        Raises:
            ApiError: The panel is not valid (40030011 to 40030018), or the bot has 20 panels
                already (40030021).
            ContentRejected: It did not pass the content review.
            BadResponse: The answer has no ``panel_id``.

        Limit: 10 per minute; 20 panels per bot. Source: panel page, 2026-08.
        """
        body = {
            "scope": scope,
            "target_type": target_type,
            "panel": given(items=list(items), remark=remark),
            **_targets(user_openids, group_openids),
        }
        answer = self._http.call("POST", "/v2/panels", body, repeat=Repeat.UNSENT)
        return required(answer, "panel_id", "POST /v2/panels")

    def get_panel(self, panel_id: str) -> dict[str, Any]:
        """Return a panel with its targets.

        Args:
            panel_id: The panel.

        Returns:
            As in ``list_panels``, with ``user_openids`` and ``group_openids`` (up to 1000).

        Raises:
            NotFound: There is no such panel (40030006).

        Limit: 30 per minute. Source: panel page, 2026-08.
        """
        return self._http.call("GET", _panel(panel_id)).data

    def update_panel(
        self, panel_id: str, items: Sequence[Mapping[str, Any]], *, remark: str | None = None
    ) -> int:
        """Replace what a panel shows; its targets stay.

        Args:
            panel_id: The panel.
            items: As in ``create_panel``.
            remark: Note for yourself; the old one goes also when this is None.

        Returns:
            Version of the panel; 0 when the platform did not say.

        Raises:
            NotFound: There is no such panel (40030006).

        Limit: 10 per minute. Source: panel page, 2026-08.
        """
        body = {"panel": given(items=list(items), remark=remark)}
        return integer(self._http.call("PUT", _panel(panel_id), body).data.get("version"))

    def delete_panel(self, panel_id: str) -> None:
        """Remove a panel.

        Args:
            panel_id: The panel.

        Raises:
            NotFound: There is no such panel (40030006).

        Limit: 10 per minute. Source: panel page, 2026-08.
        """
        self._http.call("DELETE", _panel(panel_id))

    def change_panel_targets(
        self,
        panel_id: str,
        op: Literal["add", "del"],
        *,
        user_openids: Sequence[str] | None = None,
        group_openids: Sequence[str] | None = None,
    ) -> None:
        """Show a panel to more users or groups, or to fewer.

        Args:
            panel_id: A panel created with ``target_type="specific"``.
            op: ``add`` or ``del``.
            user_openids: Up to 20 users; scope ``c2c``.
            group_openids: Up to 20 groups; scope ``group``.

        Raises:
            ConfigError: Neither list is given.
            ApiError: The panel is shown to all, or takes no such targets (40030011 to 40030018).

        Limit: 60 per minute. Source: panel target page, 2026-08.
        """
        targets = _targets(user_openids, group_openids)
        if not targets:
            raise ConfigError(
                "give user_openids or group_openids",
                remedy=Text("Say for whom to change it.", "请指定要增加或移除的用户或群。"),
            )
        self._http.call("PUT", f"{_panel(panel_id)}/target", {"op": op, **targets})


def _panel(panel_id: str) -> str:
    return f"/v2/panels/{segment(panel_id, 'panel_id')}"


def _targets(
    user_openids: Sequence[str] | None, group_openids: Sequence[str] | None
) -> dict[str, Any]:
    return given(
        user_openids=None if user_openids is None else openids(user_openids, "user_openids"),
        group_openids=None if group_openids is None else openids(group_openids, "group_openids"),
    )
