"""Menu, command panels and approval strategies (2.9): kept and given back, without effect."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, g, request

from qqgroup_sync.simulator import identifiers, settings_checks
from qqgroup_sync.simulator.openapi_messages import answer, body
from qqgroup_sync.simulator.refusals import RefusalError
from qqgroup_sync.simulator.rules import DAY

if TYPE_CHECKING:
    from qqgroup_sync.simulator.simulator import Simulator

_PANELS = 20
_STRATEGIES = 20
_PAGE = 100


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
        scope, cursor = request.args.get("scope"), request.args.get("cursor") or "0"
        limit = request.args.get("limit") or "20"
        if not cursor.isdigit() or not limit.isdigit() or not 0 < int(limit) <= _PAGE:
            raise RefusalError(10003, f"limit must be 1 to {_PAGE}, cursor one that was given")
        with shelves.lock:
            records = [
                panel for panel in shelves.mine().panels.values() if scope in (None, panel["scope"])
            ]
        begin = int(cursor)
        end = begin + int(limit)
        done = end >= len(records)
        following = "" if done else str(end)
        return answer({"records": records[begin:end], "next_cursor": following, "is_end": done})

    @blueprint.post("/v2/panels")
    def add_panel() -> Response:
        found = body()
        settings_checks.check_panel_scope(found)
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
                **{key: found[key] for key in ("user_openids", "group_openids") if found.get(key)},
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
        field, openids = settings_checks.targets_of(found)
        if found.get("op") not in ("add", "del"):
            raise RefusalError(10003, "op must be add or del")
        with shelves.lock:
            panel = _find(shelves.mine().panels, panel_id)
            kept = [one for one in panel.get(field, []) if one not in openids]
            panel[field] = [*kept, *openids] if found["op"] == "add" else kept
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
            strategies = list(shelves.mine().strategies.values())
            return answer({"list": strategies, "next_cursor": ""})

    @blueprint.post(path)
    def add_strategy() -> Response:
        found = body()
        settings_checks.check_strategy(found, new=True)
        with shelves.lock:
            strategies = shelves.mine().strategies
            if len(strategies) >= _STRATEGIES:
                raise RefusalError(10003, f"at most {_STRATEGIES} strategies")
            strategy_id = f"st_{identifiers.token(8)}"
            year = identifiers.rfc3339(simulator.clock.now() + 365 * DAY)
            strategies[strategy_id] = {
                **found,
                "strategy_id": strategy_id,
                "is_enable": found.get("is_enable", "on"),
                "expire_at": found.get("expire_at") or year,
            }
            return answer(_summary(strategies[strategy_id]))

    @blueprint.patch(f"{path}/<strategy_id>")
    def change_strategy(strategy_id: str) -> Response:
        found = body()
        action = found.get("group_action") or {}
        settings_checks.check_strategy({**found, **action}, new=False)
        with shelves.lock:
            strategy = _find(shelves.mine().strategies, strategy_id)
            for field in {"group_openids", "group_ids"} & set(action):
                kept = [one for one in strategy.get(field, []) if one not in action[field]]
                strategy[field] = [*kept, *(action[field] if action.get("op") != "del" else [])]
            for key in ("is_enable", "expire_at", "remark"):
                strategy[key] = found.get(key, strategy.get(key))
            return answer(_summary(strategy))

    @blueprint.delete(f"{path}/<strategy_id>")
    def delete_strategy(strategy_id: str) -> Response:
        with shelves.lock:
            shelf = shelves.mine()
            _find(shelf.strategies, strategy_id)
            del shelf.strategies[strategy_id]
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


def _summary(strategy: dict[str, Any]) -> dict[str, Any]:
    return {key: strategy[key] for key in ("strategy_id", "is_enable", "expire_at")}
