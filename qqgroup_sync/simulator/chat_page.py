"""The chat page: talk to bots of the simulator in a browser, see and break what goes between.

A Flask blueprint. What people do is in ``chat_actions``, what the page is told in ``chat_view``
and ``chat_feed``, the inspector in ``inspector``, the fault panel in ``control``.
"""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, current_app, request

from qqgroup_sync.simulator import page_files
from qqgroup_sync.simulator.chat_actions import (
    MAX_FILE,
    MAX_FILES,
    MAX_TEXT,
    add_actions,
    settle,
)
from qqgroup_sync.simulator.chat_feed import feed
from qqgroup_sync.simulator.chat_view import last_words, notice_of, overview, shown_message
from qqgroup_sync.simulator.control import add_control, control_state
from qqgroup_sync.simulator.inspector import add_inspector, current
from qqgroup_sync.simulator.load_view import add_load_view
from qqgroup_sync.simulator.page_guard import MAX_NAME, PageError, answer, chats, guard, platform
from qqgroup_sync.simulator.page_guard import simulator as running

if TYPE_CHECKING:
    from flask.sansio.blueprints import BlueprintSetupState

    from qqgroup_sync.simulator.groups import Group
    from qqgroup_sync.simulator.inspector import Explain
    from qqgroup_sync.simulator.platform import Platform
    from qqgroup_sync.simulator.records import ChatMessage
    from qqgroup_sync.simulator.users import User

__all__ = ["MAX_FILE", "MAX_FILES", "MAX_NAME", "MAX_TEXT", "chat_page", "ensure_demo"]

_HISTORY = 200
_REFUSALS = 100
_REFUSED = "qq_chat_page_refused"


def chat_page(explain: Explain | None = None) -> Blueprint:
    """Build the blueprint, for ``Simulator(blueprints=[chat_page()])``; the page is at ``/``.

    Args:
        explain: Tells what error codes mean: codes -> language -> "cause" and "remedy".
    """
    blueprint = Blueprint("chat_page", __name__)
    guard(blueprint)
    blueprint.record(_remember)
    blueprint.get("/")(page_files.index)
    blueprint.get("/simulator/page/<path:name>")(page_files.static)
    blueprint.get("/simulator/state")(_state)
    blueprint.get("/simulator/history")(_history)
    blueprint.get("/simulator/live")(_live)
    add_actions(blueprint)
    add_inspector(blueprint, explain)
    add_control(blueprint)
    add_load_view(blueprint)
    return blueprint


def ensure_demo(where: Platform) -> None:
    """Make a group of two and a private chat, unless there is a group or a friend already."""
    if not chats(where):
        settle(where.group("测试群 / Test group"))
        where.user("Ming")


def _remember(setup: BlueprintSetupState) -> None:
    """Keep what was refused: chats remember their messages, but nobody remembers this."""
    where: Platform = setup.app.extensions["qq_simulator"].platform
    refused: deque[dict[str, Any]] = deque(maxlen=_REFUSALS)

    def observe(kind: str, record: Any) -> None:
        if kind == "api" and (notice := notice_of(kind, record, where.clock.now())) is not None:
            refused.append(notice)

    setup.app.extensions[_REFUSED] = refused
    where.subscribe(observe)


def _state() -> Response:
    """Answer with everything the page shows; ``?chat=`` chooses whose messages."""
    where = platform()
    ensure_demo(where)
    known = {chat.openid: chat for chat in chats(where)}
    chat = known.get(request.args.get("chat", "")) or next(iter(known.values()))
    kept = current_app.extensions[_REFUSED].copy()
    messages, before = _newest(chat, None)
    found = {
        "chat": chat.openid,
        "messages": [shown_message(message) for message in messages],
        "earlier": before,
        "refused": [one for one in kept if one["chat"] in (None, chat.openid)],
        "last": last_words(where),
        "traffic": current().last,
    }
    return answer({**overview(where), **found})


def _history() -> Response:
    """Answer with the messages of ``?chat=`` that came before the message ``?before=``."""
    found = [chat for chat in chats(platform()) if chat.openid == request.args.get("chat")]
    if not found:
        raise PageError(404, "unknown_chat", "there is no such chat")
    messages, before = _newest(found[0], request.args.get("before", ""))
    shown = [shown_message(message) for message in messages]
    return answer({"messages": shown, "earlier": before})


def _newest(chat: Group | User, before: str | None) -> tuple[list[ChatMessage], bool]:
    """Return the newest messages (before one of them), and whether there are still older ones."""
    messages = reversed(chat.messages)
    if before is not None:
        for message in messages:
            if message.id == before:
                break
    page = list(islice(messages, _HISTORY))[::-1]
    return page, next(messages, None) is not None


def _live() -> Response:
    where, inspector = running(), current()

    def more() -> dict[str, dict[str, Any]]:
        return {"control": control_state(where), "traffic": {"last": inspector.last}}

    return Response(feed(where, more), mimetype="text/event-stream")
