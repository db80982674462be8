"""How a client looks in a notebook."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from qqgroup_sync import rich

if TYPE_CHECKING:
    from qqgroup_sync.dispatch.registry import Registry
    from qqgroup_sync.settings import Settings
    from qqgroup_sync.status import Status

_COLOURS = {"online": "#2a9d4a", "degraded": "#b8860b", "connecting": "#b8860b"}


def client_html(settings: Settings, status: Status, registry: Registry) -> str:
    """Return a client's state, shards, counters, handlers and threads as HTML."""
    colour = _COLOURS.get(status.state, "#888")
    family = registry.family()
    handlers = {
        id(handler) for one in family for kept in one.own.handlers.values() for handler in kept
    }
    threads = sorted(one.name for one in threading.enumerate() if one.name.startswith("qqgroup-"))
    more = rich.facts(
        f"bot {settings.appid}",
        [
            ("handlers", len(handlers)),
            ("commands", ", ".join(one.name for one in registry.commands if not one.hidden)),
            ("timed tasks", len(registry.tasks)),
            ("threads of all clients", ", ".join(threads)),
        ],
    )
    return f'<div><span style="color:{colour}">●</span></div>{more}{status_html(status)}'


def status_html(status: Status) -> str:
    """Return a status as HTML."""
    return status._repr_html_()
