"""What happened in a test, as text: who said what, what was refused and why, what failed."""

from __future__ import annotations

import logging
import re
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qqgroup_sync.error_codes import lookup
from qqgroup_sync.errors import Text, default_language
from qqgroup_sync.simulator.groups import Group
from qqgroup_sync.simulator.transcript import line

if TYPE_CHECKING:
    from collections.abc import Callable

    from qqgroup_sync.simulator.chats import Chat
    from qqgroup_sync.simulator.platform import Platform
    from qqgroup_sync.simulator.records import ApiCall, ChatMessage, Event, Interaction

LINES = 60  # of one text, the newest
_EXPIRED = 11244  # a token that the client renews at once: nothing is wrong with the secret
_CHAT_PATH = re.compile(r"/v2/(?:groups|users)/([^/]+)/")
_PACKAGE = Path(__file__).parents[1]
_SAID = frozenset(
    {"GROUP_AT_MESSAGE_CREATE", "GROUP_MESSAGE_CREATE", "C2C_MESSAGE_CREATE", "INTERACTION_CREATE"}
)


class Conversation(logging.Handler):
    """Remembers what happens on a platform and what its bots log, in order.

    Args:
        platform: The platform.
    """

    def __init__(self, platform: Platform) -> None:
        super().__init__(logging.WARNING)
        self._platform = platform
        # Which chat a line belongs to, None for all; what writes it, when it is read.
        self._lines: list[tuple[str | None, Callable[[], str]]] = []
        self._unsubscribe: Callable[[], None] | None = None
        self._logger = logging.getLogger("qqgroup_sync")
        self.errors: list[BaseException] = []

    def begin(self) -> None:
        """Listen from now on."""
        self._unsubscribe = self._platform.subscribe(self._hear)
        self._logger.addHandler(self)

    def end(self) -> None:
        """Listen no longer; what was heard can still be read."""
        self._logger.removeHandler(self)
        if self._unsubscribe is not None:
            self._unsubscribe()

    def of(self, chat: Chat | None = None) -> str:
        """Return the conversation of one chat, or of all."""
        lines = [
            (openid, write) for openid, write in self._lines if chat is None or openid in (
                None, chat.openid)
        ]  # fmt: skip
        several = len({openid for openid, _ in lines if openid is not None}) > 1
        told = [
            f"{self._chat_name(openid)} | {write()}" if several and openid else write()
            for openid, write in lines[-LINES:]
        ]
        return "\n".join(told) or "(nothing was said)"

    def _chat_name(self, openid: str) -> str:
        chats: list[Chat] = [*self._platform.groups, *self._platform.users]
        return next((chat.name for chat in chats if chat.openid == openid), openid)

    # ------------------------------------------------------------------ listening

    def _add(self, openid: str | None, write: Callable[[], str] | str) -> None:
        self._lines.append((openid, write if callable(write) else lambda: write))

    def _hear(self, kind: str, record: Any) -> None:
        if kind == "message":
            self._add(record.chat.openid, lambda: line(record) + _unheard(record))
        elif kind == "click" and record.message is not None:
            self._add(record.message.chat.openid, lambda: _click(record))
        elif kind == "event":
            self._hear_event(record)
        elif kind == "api" and record.status >= 400:
            found = _CHAT_PATH.search(record.path)
            self._add(found[1] if found else None, _refusal(record))

    def _hear_event(self, event: Event) -> None:
        data = event.data if isinstance(event.data, dict) else {}
        openid = data.get("group_openid") or data.get("openid") or data.get("user_openid")
        if event.name in _SAID:
            if not event.frames:
                openid = openid or (data.get("author") or {}).get("user_openid")
                self._add(openid, f"  ! bot {event.appid} was not on line: it never gets this")
            return
        who = data.get("member_openid") or data.get("op_member_openid")
        person = self._platform.find_person(str(who)) if who else None
        self._add(openid, f"* {event.name}" + (f" ({person.name})" if person else ""))

    def emit(self, record: logging.LogRecord) -> None:
        """Take a log record of the package."""
        error = record.exc_info[1] if record.exc_info else None
        told = record.getMessage().replace("\n", "\n    ")
        if error is not None:
            self.errors.append(error)
            frames = traceback.extract_tb(error.__traceback__)
            own = [one for one in frames if _PACKAGE not in Path(one.filename).parents]
            if own:
                told += f"\n    {own[-1].filename}:{own[-1].lineno}: {own[-1].line}"
        self._add(None, f"  ! {told}")


def _unheard(message: ChatMessage) -> str:
    """Return why no bot gets what a person said, when that is so."""
    chat = message.chat
    if message.from_bot or not isinstance(chat, Group) or message.at or chat.full_mode:
        return ""
    return "  (without @, so that no bot gets it; group.full_mode = True changes that)"


def _click(click: Interaction) -> str:
    shown = click.message.button(click.button_id) if click.message is not None else None
    label = ((shown or {}).get("render_data") or {}).get("label") or click.button_id
    who = click.person.name if click.person is not None else "somebody"
    if not click.acknowledged:
        return f"{who} clicks {label!r} (not acknowledged)"
    late = ", too late" if click.timed_out else ""
    return f"{who} clicks {label!r} (acknowledged: {click.ack_code}{late})"


def _refusal(call: ApiCall) -> str:
    body = call.response if isinstance(call.response, dict) else {}
    err_code, code = body.get("err_code") or 0, body.get("code") or 0
    told = f"  ! {call.method} {call.path.rpartition('/')[2]} was refused: HTTP {call.status}"
    if err_code or code:
        told += f", code {err_code or code}: {body.get('message', '')}"
    info = lookup(err_code, code)
    if info is not None and _EXPIRED not in (err_code, code):
        language = default_language()
        told += "".join(
            f"\n    {Text(*text).in_language(language)}" for text in (info.cause, info.remedy)
        )
    return told
