"""A QQ bot platform on this machine, for trying and testing bots without QQ.

It is written from the platform's description alone and shares no code with the client, so that a
mistake in one is caught by the other. Importing this package loads nothing; ``Simulator`` is
loaded when it is first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qqgroup_sync.simulator.rules import Rules
    from qqgroup_sync.simulator.simulator import Simulator

__all__ = ["Rules", "Simulator"]


def __getattr__(name: str) -> Any:
    if name == "Simulator":
        from qqgroup_sync.simulator.simulator import Simulator  # noqa: PLC0415 - lazy on purpose

        return Simulator
    if name == "Rules":
        from qqgroup_sync.simulator.rules import Rules  # noqa: PLC0415 - lazy on purpose

        return Rules
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
