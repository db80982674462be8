"""The figures of a load while it runs, for the page: what is reported as ``load``, newest last.

Whoever runs a load calls ``platform.report("load", point)`` with ``t`` (seconds since the begin),
``rate`` (messages a second), ``p50``, ``p95``, ``p99`` (milliseconds), ``lost``, ``doubled``
(counts), ``cpu`` (percent) and ``rss`` (bytes); what is missing is not drawn. A point whose ``t``
is smaller than the one before begins a new load. ``GET /simulator/load`` answers with
``{"points": [...]}``; the live feed tells each new one.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from flask import current_app

from qqgroup_sync.simulator.page_guard import answer

if TYPE_CHECKING:
    from flask import Blueprint, Response
    from flask.sansio.blueprints import BlueprintSetupState

_EXTENSION = "qq_load_points"
_KEPT = 3600


def add_load_view(blueprint: Blueprint) -> None:
    """Let a blueprint remember the figures of a load, and answer with them."""
    blueprint.record(_begin)
    blueprint.get("/simulator/load")(_points)


def _begin(setup: BlueprintSetupState) -> None:
    points: deque[dict[str, Any]] = deque(maxlen=_KEPT)

    def observe(kind: str, record: Any) -> None:
        if kind != "load":
            return
        if points and record.get("t", 0) < points[-1].get("t", 0):
            points.clear()
        points.append(record)

    setup.app.extensions[_EXTENSION] = points
    setup.app.extensions["qq_simulator"].platform.subscribe(observe)


def _points() -> Response:
    return answer({"points": list(current_app.extensions[_EXTENSION].copy())})
