"""Menu, command panels and approval strategies (2.9): kept and given back, without effect."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, g, request

from qqgroup_sync.simulator import arguments, identifiers, settings_checks
from qqgroup_sync.simulator.openapi_messages import answer, body
from qqgroup_sync.simulator.refusals import RefusalError
from qqgroup_sync.simulator.rules import DAY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qqgroup_sync.simulator.simulator import Simulator

_PANELS = 20
_STRATEGIES = 20


class _Shelf:
    """What one bot has stored."""

    def __init__(self) -> None:
        self.menu: dict[str, Any] = {"items": []}
        self.menu_version = 0
        self.panels: dict[str, dict[str, Any]] = {}
        self.strategies: dict[str, dict[str, Any]] = {}
        self.whitelists: dict[str, set[str]] = {}


class _Shelves:
    """The shelf of each bot, and the lock for all of them."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._by_appid: dict[str, _Shelf] = {}

    def mine(self) -> _Shelf:
        """Return the shelf of the bot that asks; the lock must be held."""
        return self._by_appid.setdefault(g.bot.appid, _Shelf())


def create(simulator: Simulator) -> Blueprint:
    """Build the blueprint."""
    blueprint = Blueprint("settings", __name__)
    shelves = _Shelves()
    _add_menu(blueprint, shelves)
    _add_panels(blueprint, shelves, simulator)
    _add_strategies(blueprint, shelves, simulator)
    return blueprint


def _now(simulator: Simulator) -> str:
    return identifiers.rfc3339(simulator.clock.now())


def _page(items: list[dict[str, Any]]) -> tuple[Sequence[dict[str, Any]], str]:
    asked = request.args
    return arguments.page(items, asked.get("cursor", ""), asked.get("limit", ""))


def _find(shelf: dict[str, dict[str, Any]], key: str) -> dict[str, Any]:
    if key not in shelf:
        raise RefusalError(10003, f"unknown id {key!r}")
    return shelf[key]


def _add_menu(blueprint: Blueprint, shelves: _Shelves) -> None:
    @blueprint.get("/v2/menu")
    def get_menu() -> Response:
        with shelves.lock:
            shelf = shelves.mine()
            return answer({"version": shelf.menu_version, "menu": shelf.menu})

    @blueprint.put("/v2/menu")
    def put_menu() -> Response:
        items = settings_checks.check_menu(body().get("menu"))
        with shelves.lock:
            shelf = shelves.mine()
            shelf.menu = {"items": items}
            shelf.menu_version += 1
            return answer({"version": shelf.menu_version})


def _add_panels(blueprint: Blueprint, shelves: _Shelves, simulator: Simulator) -> None:
    @blueprint.get("/v2/panels")
    def list_panels() -> Response:
        scope = request.args.get("scope")
        with shelves.lock:
            panels = shelves.mine().panels.values()
            records, following = _page([one for one in panels if scope in (None, one["scope"])])
            return answer({"records": records, "next_cursor": following, "is_end": not following})

    @blueprint.post("/v2/panels")
    def add_panel() -> Response:
        found = body()
        targets = settings_checks.check_panel_scope(found)
        panel = settings_checks.check_panel(found.get("panel"))
        with shelves.lock:
            panels = shelves.mine().panels
            if len(panels) >= _PANELS:
                raise RefusalError(40030021)
            panel_id = identifiers.unique()
            panels[panel_id] = {
                "panel_id": panel_id,
                "scope": found["scope"],
                "target_type": found.get("target_type", "all"),
                "panel": {**panel, "version": 1},
                **targets,
                "created_at": _now(simulator),
                "updated_at": _now(simulator),
                "version": 1,
            }
            return answer({"panel_id": panel_id})

    @blueprint.get("/v2/panels/<panel_id>")
    def get_panel(panel_id: str) -> Response:
        with shelves.lock:
            return answer(_find(shelves.mine().panels, panel_id))

    @blueprint.put("/v2/panels/<panel_id>")
    def put_panel(panel_id: str) -> Response:
        changed = settings_checks.check_panel(body().get("panel"))
        with shelves.lock:
            panel = _find(shelves.mine().panels, panel_id)
            panel["version"] += 1
            panel["panel"] = {**changed, "version": panel["version"]}
            panel["updated_at"] = _now(simulator)
            return answer({})

    @blueprint.put("/v2/panels/<panel_id>/target")
    def put_panel_target(panel_id: str) -> Response:
        found = body()
        targets, added = settings_checks.targets_of(found), settings_checks.adds(found)
        with shelves.lock:
            panel = _find(shelves.mine().panels, panel_id)
            for field, openids in targets.items():
                panel[field] = _changed(panel.get(field, []), openids, added=added)
            panel["updated_at"] = _now(simulator)
            return answer({})

    @blueprint.delete("/v2/panels/<panel_id>")
    def delete_panel(panel_id: str) -> Response:
        with shelves.lock:
            panels = shelves.mine().panels
            _find(panels, panel_id)
            del panels[panel_id]
            return answer({})


def _add_strategies(blueprint: Blueprint, shelves: _Shelves, simulator: Simulator) -> None:
    path = "/v2/groups/join_approval_strategy"

    @blueprint.get(path)
    def list_strategies() -> Response:
        with shelves.lock:
            shelf = shelves.mine()
            strategies, following = _page(list(shelf.strategies.values()))
            counted = [
                {**one, "whitelist_user_count": len(shelf.whitelists.get(one["strategy_id"], ()))}
                for one in strategies
            ]
            return answer({"strategies": counted, "next_cursor": following})

    @blueprint.post(path)
    def add_strategy() -> Response:
        found = body()
        settings_checks.check_strategy(found)
        field, groups = settings_checks.groups_of(found)
        with shelves.lock:
            strategies = shelves.mine().strategies
            if len(strategies) >= _STRATEGIES:
                raise RefusalError(10003, f"at most {_STRATEGIES} strategies")
            strategy_id = f"st_{identifiers.token(8)}"
            year = identifiers.rfc3339(simulator.clock.now() + 365 * DAY)
            strategies[strategy_id] = {
                "strategy_id": strategy_id,
                field: groups,
                "is_enable": found.get("is_enable") or "on",
                "expire_at": found.get("expire_at") or year,
                "remark": found.get("remark") or "",
            }
            return answer(_summary(strategies[strategy_id]))

    @blueprint.patch(f"{path}/<strategy_id>")
    def change_strategy(strategy_id: str) -> Response:
        found = body()
        settings_checks.check_strategy(found)
        changes = {key: found.get(key) for key in ("is_enable", "expire_at", "remark")}
        action = found.get("group_action")
        with shelves.lock:
            strategy = _find(shelves.mine().strategies, strategy_id)
            if action is not None:
                field, groups = settings_checks.groups_of(action)
                added = settings_checks.adds(action)
                strategy[field] = _changed(strategy.get(field, []), groups, added=added)
            strategy.update((key, new) for key, new in changes.items() if new is not None)
            return answer(_summary(strategy))

    @blueprint.delete(f"{path}/<strategy_id>")
    def delete_strategy(strategy_id: str) -> Response:
        with shelves.lock:
            shelf = shelves.mine()
            _find(shelf.strategies, strategy_id)
            del shelf.strategies[strategy_id]
            shelf.whitelists.pop(strategy_id, None)
            return answer({})

    @blueprint.post(f"{path}/<strategy_id>/execute")
    def execute_strategy(strategy_id: str) -> Response:
        with shelves.lock:
            _find(shelves.mine().strategies, strategy_id)
            return answer({})

    _add_whitelists(blueprint, shelves, simulator, path)


def _add_whitelists(
    blueprint: Blueprint, shelves: _Shelves, simulator: Simulator, path: str
) -> None:
    @blueprint.post(f"{path}/<strategy_id>/whitelist_users")
    def change_whitelist(strategy_id: str) -> Response:
        found = body()
        with shelves.lock:
            shelf = shelves.mine()
            _find(shelf.strategies, strategy_id)
            known = settings_checks.check_whitelist(found, shelf.whitelists.get(strategy_id, set()))
            shelf.whitelists[strategy_id] = known
            return answer(
                {
                    "strategy_id": strategy_id,
                    "whitelist_user_count": len(known),
                    "updated_at": _now(simulator),
                }
            )


def _changed(known: list[Any], entries: list[Any], *, added: bool) -> list[Any]:
    kept = [one for one in known if one not in entries]
    return [*kept, *entries] if added else kept


def _summary(strategy: dict[str, Any]) -> dict[str, Any]:
    return {key: strategy[key] for key in ("strategy_id", "is_enable", "expire_at")}
