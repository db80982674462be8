"""What people do on the chat page: say, send, click, take back, come and go, mute.

Everything goes through the People API, so that a page can do nothing that a test cannot.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Response, abort, request

from qqgroup_sync.simulator import attachments, formats, object_store, voices
from qqgroup_sync.simulator.blobs import Blob
from qqgroup_sync.simulator.chat_view import shown_message
from qqgroup_sync.simulator.groups import Group
from qqgroup_sync.simulator.page_guard import (
    PageError,
    answer,
    appid_of,
    body,
    chat_of,
    chats,
    group_of,
    name_of,
    number_of,
    platform,
    switch_of,
)

if TYPE_CHECKING:
    from collections.abc import Collection

    from flask import Blueprint

    from qqgroup_sync.simulator.groups import Member
    from qqgroup_sync.simulator.records import ChatMessage
    from qqgroup_sync.simulator.shelf import MediaFile
    from qqgroup_sync.simulator.users import User

MAX_TEXT = 20_000
"""Characters of one text."""
MAX_FILE = 32 * 1024 * 1024
"""Bytes of one file that is sent from the page."""
MAX_FILES = 9
"""Files of one message."""

_MAX_FILE_NAME = 100
_MONTH = 30 * 86_400.0
_PENDING = "page"  # the way of a file that waits for its message
_ROLES = ("member", "admin", "owner")


def add_actions(blueprint: Blueprint) -> None:
    """Add the endpoints of the conversation to the page's blueprint."""
    blueprint.get("/simulator/media/<file_id>")(_media)
    blueprint.post("/simulator/file")(_add_file)
    blueprint.post("/simulator/say")(_say)
    blueprint.post("/simulator/click")(_click)
    blueprint.post("/simulator/recall")(_recall)
    blueprint.post("/simulator/group")(_add_group)
    blueprint.post("/simulator/member")(_add_member)
    blueprint.post("/simulator/user")(_add_user)
    blueprint.post("/simulator/remove")(_remove)
    blueprint.post("/simulator/mute")(_mute)
    blueprint.post("/simulator/bot")(_change_bot)


# ------------------------------------------------------------------ saying


def _text_of(found: dict[str, Any], *, needed: bool = True) -> str:
    text = found.get("text")
    if not isinstance(text, str) or (needed and not text.strip()):
        raise PageError(400, "empty", "text must not be empty")
    if len(text) > MAX_TEXT:
        raise PageError(400, "too_long", f"text is longer than {MAX_TEXT} characters")
    return text


def _files_of(found: dict[str, Any]) -> list[MediaFile]:
    """Return the files that were uploaded for a message, each of which can be sent once."""
    ids, where = found.get("files", []), platform()
    if not isinstance(ids, list) or len(ids) > MAX_FILES:
        raise PageError(400, "too_many_files", f"at most {MAX_FILES} files")
    with where.lock:
        kept = [where.media.shelf.find(str(one)) for one in ids]
    files = [one for one in kept if one is not None and one.way == _PENDING]
    if len(files) < len(ids):
        raise PageError(404, "unknown_file", "no such file, or it has been sent")
    return files


def _quote_of(found: dict[str, Any], chat: Group | User) -> ChatMessage | None:
    quote = found.get("quote")
    if quote is None:
        return None
    with platform().lock:
        message = chat.find(str(quote))
    if message is None or message.recalled:
        raise PageError(404, "unknown_message", "the quoted message is not there (any more)")
    return message


def _at_of(found: dict[str, Any], group: Group) -> bool | Collection[str]:
    """Return whether every bot is addressed, or the appids of those who are."""
    at = found.get("at", True)
    if isinstance(at, list):
        return [appid for appid in group.bots if appid in at]
    return at is True


def _mentioned(found: dict[str, Any], group: Group) -> list[Member]:
    wanted = found.get("mentions", [])
    ids = wanted if isinstance(wanted, list) else []
    return [member for member in group.members.values() if member.openid in ids]


def _say() -> Response:
    found = body()
    files = _files_of(found)
    only_at = isinstance(found.get("at"), list) and bool(found["at"])
    chat, text = chat_of(found), _text_of(found, needed=not files and not only_at)
    quote = _quote_of(found, chat)
    if not isinstance(chat, Group):
        return answer(shown_message(_sent(chat.say(text, quote=quote, attachments=files), files)))
    member = chat.members.get(str(found.get("sender")))
    if member is None:
        raise PageError(404, "unknown_sender", "the sender is not a member of this group")
    at, mentions = _at_of(found, chat), _mentioned(found, chat)
    try:
        said = member.say(text, at=at, quote=quote, mentions=mentions, attachments=files)
    except PermissionError as error:
        raise PageError(403, "muted", str(error)) from None
    return answer(shown_message(_sent(said, files)))


def _sent(message: ChatMessage, files: list[MediaFile]) -> ChatMessage:
    """Note that these files do not wait any more."""
    for file in files:
        file.way = "person"
    return message


def _add_file() -> Response:
    """Keep a file that the next message will carry: what it is, its content tells."""
    if request.mimetype != "application/octet-stream":
        raise PageError(415, "not_bytes", "the content type must be application/octet-stream")
    if (request.content_length or 0) > MAX_FILE:
        raise PageError(413, "too_large", f"the file is larger than {MAX_FILE} bytes")
    name = request.args.get("name", "").rpartition("/")[2][:_MAX_FILE_NAME]
    data = request.get_data()
    if not data:
        raise PageError(400, "empty_file", "the file is empty")
    file, where = attachments.recognise(data, name), platform()
    file.way = _PENDING
    with where.lock:
        where.media.shelf.keep(file)
    return answer({"file": file.id, "type": file.file_type, "name": file.name, "size": file.size})


def _media(file_id: str) -> Response:
    """Show a file; ``?wav=1`` makes a voice that browsers cannot play one they can."""
    where = platform()
    with where.lock:
        file = where.media.shelf.find(file_id)
        blob = file.blob if file is not None else None
    if file is None or blob is None:
        abort(404)
    if "wav" not in request.args:
        return object_store.send(blob, file.content_type, file.name)
    try:
        wav = voices.to_wav(blob.read())
    except ValueError:
        abort(404)
    return object_store.send(Blob.of(wav), formats.WAV.content_type, f"{file.name}.wav")


# ------------------------------------------------------------------ what was said


def _message_of(found: dict[str, Any]) -> tuple[ChatMessage, Member | User]:
    """Return the message that a body is about, and who does something with it."""
    message_id, sender, where = str(found.get("message")), str(found.get("sender")), platform()
    for chat in chats(where):
        with where.lock:
            message = chat.find(message_id)
        person = chat.members.get(sender) if isinstance(chat, Group) else chat
        if message is not None and person is not None:
            return message, person
    raise PageError(404, "unknown_message", "no such message, or the sender is not in its chat")


def _click() -> Response:
    found = body()
    message, person = _message_of(found)
    try:
        return answer({"interaction": person.click(message, str(found.get("button"))).id})
    except (LookupError, ValueError, PermissionError) as error:
        status = 403 if isinstance(error, PermissionError) else 400
        raise PageError(status, "bad_click", str(error)) from None


def _recall() -> Response:
    """Take a message back: one's own, or as somebody of rank a member's. No event tells bots."""
    message, person = _message_of(body())
    rank = _ROLES.index(getattr(person, "role", "member"))
    with platform().changing():
        other = _ROLES.index(getattr(message.sender, "role", "member"))
        if message.sender is not person and rank <= other:
            raise PageError(403, "no_recall", "only one's own messages, or those of lower rank")
        if not message.recalled:
            message.recalled = True
            platform().notice("recall", message)
    return answer({})


# ------------------------------------------------------------------ people and groups


def settle(group: Group) -> None:
    """Give a new group its first members."""
    group.member("Ming", role="owner")
    group.member("Lan")


def _add_group() -> Response:
    """Make a group, into which somebody invites the bots: GROUP_ADD_ROBOT."""
    name, where = name_of(body()), platform()
    known = any(group.name == name for group in where.groups)
    group = where.group(name)
    if not known:
        settle(group)
        group.add_bot()
    return answer({"chat": group.openid})


def _add_member() -> Response:
    """Let somebody join a group, GROUP_MEMBER_ADD, or change the role of a member."""
    found = body()
    group, name, role = group_of(found), name_of(found), found.get("role", "member")
    if role not in _ROLES:
        raise PageError(400, "bad_role", f"role must be one of {', '.join(_ROLES)}")
    with platform().lock:
        known = platform().person(name).openid in group.members
    try:
        if not known:
            group.join(name)
    except PermissionError as error:
        raise PageError(403, "blacklisted", str(error)) from None
    return answer({"member": group.member(name, role=role).openid})


def _add_user() -> Response:
    """Let somebody befriend the bots: FRIEND_ADD."""
    name, where = name_of(body()), platform()
    known = any(user.known and user.name == name for user in where.users)
    user = where.user(name)
    if not known:
        user.add_friend()
    return answer({"chat": user.openid})


def _member_of(found: dict[str, Any], group: Group) -> Member:
    member = group.members.get(str(found.get("member")))
    if member is None:
        raise PageError(404, "unknown_sender", "there is no such member")
    return member


def _remove() -> Response:
    """Let a member go (GROUP_MEMBER_REMOVE), or a friend drop the bots (FRIEND_DEL)."""
    found = body()
    chat = chat_of(found)
    if isinstance(chat, Group):
        chat.remove(_member_of(found, chat))
    else:
        chat.remove_friend()
    return answer({})


def _mute() -> Response:
    """Mute a member for ``seconds``; 0 ends it."""
    found = body()
    group = group_of(found)
    member = _member_of(found, group)
    seconds = number_of(found, "seconds", 600, least=0, most=_MONTH)
    with platform().changing():
        member.muted_until = platform().clock.now() + seconds if seconds else 0.0
    return answer({})


def _change_bot() -> Response:
    """Change what holds between a bot and a chat: ``push``, ``muted``, ``role``, ``inside``."""
    found = body()
    chat, appid = chat_of(found), appid_of(found)
    if "push" in found:
        chat.allow_push(switch_of(found, "push"), appid=appid)
    if not isinstance(chat, Group):
        return answer({})
    if "inside" in found:
        (chat.add_bot if switch_of(found, "inside") else chat.remove_bot)(appid)
    if "muted" in found:
        chat.mute_bot(_MONTH if switch_of(found, "muted") else 0.0, appid=appid)
    if "role" in found:
        if found["role"] not in _ROLES[:2]:
            raise PageError(400, "bad_role", "a bot is a member or an admin")
        chat.set_bot_role(found["role"], appid=appid)
    return answer({})
