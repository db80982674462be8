"""Tests of bots: runs one on a simulated platform, in this process or in one of its own.

It stands above client and simulator, which do not know each other, and brings them together.
Users meet it as the ``qq`` fixture of pytest (``simulator.fixtures``) and as ``SimulatedQQ``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qqgroup_sync.testing.simulated_qq import SimulatedQQ

__all__ = ["SimulatedQQ"]


def __getattr__(name: str) -> Any:
    if name == "SimulatedQQ":
        try:
            from qqgroup_sync.testing.simulated_qq import SimulatedQQ  # noqa: PLC0415 - an extra
        except ModuleNotFoundError as error:
            if (error.name or "").startswith("qqgroup_sync"):
                raise
            raise ImportError(
                f"testing a bot needs the simulator, and Python says: {error}. "
                'Do: pip install "qqgroup_sync[simulator]"'
            ) from error
        return SimulatedQQ
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
