"""What outlives one start of a client, and is shared by all of them."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from qqgroup_sync.dispatch.buttons import Buttons
from qqgroup_sync.errors import StateError
from qqgroup_sync.media.file_infos import MediaMemory
from qqgroup_sync.state.places import DEFAULT, locate
from qqgroup_sync.state.storage import BotStorage

if TYPE_CHECKING:
    from pathlib import Path

    from qqgroup_sync.events.models import Message
    from qqgroup_sync.runtime.clock import Clock, Deadline
    from qqgroup_sync.settings import Settings
    from qqgroup_sync.state.sessions import Sessions
    from qqgroup_sync.state.storage import Storage
    from qqgroup_sync.state.store import Store

logger = logging.getLogger(__name__)


class Lasting:
    """The memory of one client; nothing is opened before it is needed.

    Args:
        settings: The client's settings.
        clock: Where time comes from.

    Attributes:
        media: What was learned about uploads.
        buttons: What the buttons do that were sent.
    """

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._making = threading.Lock()  # handlers may ask for the first time all at once
        self._store: Store | None = None
        self._storage: BotStorage | None = None
        self._sessions: Sessions | None = None
        self._place = locate(
            settings.state,
            settings.appid,
            simulated=bool(settings.simulator),
            language=settings.language,
        )
        self.media = MediaMemory()
        self.buttons = Buttons()

    @property
    def storage(self) -> BotStorage:
        """What the user keeps."""
        if self._storage is None:
            from qqgroup_sync.state.sqlite import store_at  # noqa: PLC0415 - when first needed

            settings = self._settings
            with self._making:
                if self._storage is None:
                    self._store = store_at(self._place, self._clock, language=settings.language)
                    self._storage = BotStorage(self._store, settings.language)
        return self._storage

    def sessions(self, host: str) -> Sessions | None:
        """Return where the bot's sessions are kept; None when nothing is kept on disk.

        Args:
            host: Of the platform.
        """
        settings = self._settings
        if settings.simulator and self._place is None and settings.state not in (DEFAULT, None):
            logger.info("with a simulator state= does not count; QQ_STATE=<folder> keeps something")
        if self._sessions is None and self._place is not None:
            from qqgroup_sync.state.sessions import Sessions  # noqa: PLC0415 - when first needed
            from qqgroup_sync.state.sqlite import SqliteStore  # noqa: PLC0415 - as above

            def open_store(path: Path) -> Store:
                return SqliteStore(path, self._clock, language=settings.language)

            path = self._place.session(settings.shard_index, host)
            self._sessions = Sessions(path, open_store, self._clock, language=settings.language)
        return self._sessions

    def session(self, message: Message) -> Storage:
        """Return what is kept for the author of a message in its conversation."""
        scene, openid = message.conversation or ("c2c", message.sender)
        return self.storage.session("group" if scene == "group" else "c2c", openid, message.sender)

    def close(self, deadline: Deadline) -> list[str]:
        """Put on disk what was written; return the names of threads that did not end."""
        parts = [part for part in (self._store, self._sessions) if part is not None]
        closed = [_closed(part, deadline) for part in parts]
        return [] if all(closed) else ["qqgroup-state"]


def _closed(part: Store | Sessions, deadline: Deadline) -> bool:
    """Close a part; what it could not write is logged, for the others want to be closed, too."""
    try:
        return part.close(deadline)
    except StateError as error:
        logger.error("%s", error)
        return True
