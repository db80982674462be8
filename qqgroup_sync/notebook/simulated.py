"""A simulated platform that belongs to one client, for trying things in one cell."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from qqgroup_sync.errors import ConfigError, Text
from qqgroup_sync.runtime import cells
from qqgroup_sync.runtime.shared import forget
from qqgroup_sync.settings import TOKEN_PATH

if TYPE_CHECKING:
    from qqgroup_sync.settings import Settings
    from qqgroup_sync.simulator import Simulator

ADDRESS = "http://127.0.0.1:9"  # stands in the settings until the simulator has a port
NAME = "simulated"  # appid and secret: every one is accepted


class PrivatePlatform:
    """The simulator of one client.

    Args:
        simulator: One that somebody else made and ends; by default one is made, which starts and
            ends with the client.

    Raises:
        ConfigError: The extra ``simulator`` is not installed.
    """

    def __init__(self, simulator: Simulator | None = None) -> None:
        self._owned = simulator is None
        self.simulator = _new() if simulator is None else simulator

    @property
    def name(self) -> str:
        """What tells platforms apart when a bot must not run twice on one.

        In a notebook they all count as one: the cell that makes a client with a platform is run
        again, and the earlier client has to go.
        """
        return NAME if cells.in_notebook() else f"{NAME} {id(self.simulator)}"

    def open(self, settings: Settings) -> Settings:
        """Start the simulator, when it does not run; return settings that lead to it."""
        url = self.simulator.start().url
        if self._owned:
            forget(url.partition("://")[2])  # of another simulator at the same port
        return replace(
            settings,
            api_bases=(url,),
            token_urls=(url + TOKEN_PATH,),
            gateway_url="",
            simulator=url,
        )

    def close(self) -> bool:
        """Stop the simulator, if it is this client's own; return whether it ended."""
        return self.simulator.stop() if self._owned else True


def defaults(options: dict[str, Any]) -> dict[str, Any]:
    """Return a client's options with what suits a platform on this machine."""
    ours = {"appid": NAME, "client_secret": NAME, "state": None, "media": "upload"}
    return {**ours, "api_base": ADDRESS, **options}


def _new() -> Simulator:
    try:
        from qqgroup_sync.simulator import Simulator  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigError(
            "Client.simulated() needs the simulator, which is not installed",
            cause=Text(f"Python says: {error}.", f"Python 报告：{error}。"),
            remedy=Text(
                'pip install "qqgroup_sync[simulator]"',
                '请执行 pip install "qqgroup_sync[simulator]"',
            ),
        ) from error
    return Simulator(max_concurrency=100)  # starting again and again is what notebooks do
