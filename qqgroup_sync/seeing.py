"""What a client shows: its log, its messages, itself in a notebook, the platform made for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qqgroup_sync import console
from qqgroup_sync.errors import StateError, Text
from qqgroup_sync.runtime import cells
from qqgroup_sync.starts import Starts

if TYPE_CHECKING:
    from qqgroup_sync.notebook.inbox import Inbox
    from qqgroup_sync.notebook.live_log import LiveLog
    from qqgroup_sync.simulator import Simulator


class Seeing(Starts):
    """A client as far as it can be looked at."""

    _inbox: Inbox | None = None

    def _repr_html_(self) -> str:
        from qqgroup_sync.notebook.displays import client_html  # noqa: PLC0415 - only there

        return client_html(self.settings, self.status, self)

    def log(self, level: int | str = "INFO", *, lines: int = 200) -> LiveLog | None:
        """Show the bot's log: in a notebook under this cell, for as long as the kernel runs.

        Running the cell again begins anew. Outside of notebooks the log goes to the terminal.

        Args:
            level: The least important level that is shown.
            lines: How many records are kept.

        Returns:
            The view, whose ``close()`` ends it; None outside of notebooks.
        """
        if not cells.in_kernel():
            console.show_logs()
            return None
        from qqgroup_sync.notebook.live_log import show  # noqa: PLC0415 - only there

        return show(level, lines)

    @property
    def inbox(self) -> Inbox:
        """The last 200 messages as a table, the newest last.

        It fills from when it is first asked for, in a notebook from the start.
        """
        if self._inbox is None:
            from qqgroup_sync.notebook.inbox import Inbox  # noqa: PLC0415 - only when used

            self._inbox = inbox = Inbox()
            with cells.nowhere():  # it stays when the cell is run again
                self.message_created(inbox.take)
        return self._inbox

    @property
    def simulator(self) -> Simulator:
        """The platform of a client that :meth:`simulated` made.

        Raises:
            StateError: It is another client.
        """
        if self._platform is None:
            raise StateError(
                "this client has no simulator",
                remedy=Text("Make it by Client.simulated().", "请用 Client.simulated() 创建。"),
                language=self.settings.language,
            )
        self.settle_family()
        return self._platform.simulator
