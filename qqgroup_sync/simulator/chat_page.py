"""The chat page: talk to bots of the simulator in a browser. A Flask blueprint and its live feed.

It acts through the People API alone. Any web page of the same browser can reach a loopback port,
so requests of other origins are refused, and the page may load nothing but itself.
"""

from __future__ import annotations

import json
from collections import deque
from importlib.resources import files
from typing import TYPE_CHECKING, Any, cast

from flask import Blueprint, Response, abort, current_app, request

from qqgroup_sync.simulator import attachments, formats, object_store, voices
from qqgroup_sync.simulator.blobs import Blob
from qqgroup_sync.simulator.chat_feed import chats, feed, notice_of, overview, shown_message
from qqgroup_sync.simulator.groups import Group

if TYPE_CHECKING:
    from flask.sansio.blueprints import BlueprintSetupState

    from qqgroup_sync.simulator.platform import Platform
    from qqgroup_sync.simulator.shelf import MediaFile
    from qqgroup_sync.simulator.simulator import Simulator
    from qqgroup_sync.simulator.users import User

MAX_TEXT = 20_000
"""Characters of one text."""
MAX_NAME = 40
"""Characters of the name of a group or a person."""
MAX_FILE = 32 * 1024 * 1024
"""Bytes of one file that is sent from the page."""
MAX_FILES = 9
"""Files of one message."""

_HISTORY = 200
_REFUSALS = 100
_REFUSED = "qq_chat_page_refused"
_MAX_BODY = 256 * 1024
_MAX_FILE_NAME = 100
_PENDING = "page"  # the way of a file that waits for its message
_ROLES = ("member", "admin", "owner")
_PAGE = {
    "page.css": "text/css",
    "page.js": "text/javascript",
    "markdown.js": "text/javascript",
    "media.js": "text/javascript",
    "texts.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "media-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def chat_page() -> Blueprint:
    """Build the blueprint, for ``Simulator(blueprints=[chat_page()])``; the page is at ``/``."""
    blueprint = Blueprint("chat_page", __name__)
    blueprint.record(_remember)
    blueprint.before_request(_check_origin)
    blueprint.after_request(_harden)
    blueprint.register_error_handler(_PageError, _tell)
    blueprint.get("/")(_index)
    blueprint.get("/simulator/page/<name>")(_static)
    blueprint.get("/simulator/state")(_state)
    blueprint.get("/simulator/live")(_live)
    blueprint.get("/simulator/media/<file_id>")(_media)
    blueprint.post("/simulator/file")(_add_file)
    blueprint.post("/simulator/say")(_say)
    blueprint.post("/simulator/click")(_click)
    blueprint.post("/simulator/group")(_add_group)
    blueprint.post("/simulator/member")(_add_member)
    blueprint.post("/simulator/user")(_add_user)
    return blueprint


def ensure_demo(platform: Platform) -> None:
    """Make a group of two and a private chat, unless there is a group or a friend already."""
    if not chats(platform):
        _settle(platform.group("测试群 / Test group"))
        platform.user("Ming")


def _remember(setup: BlueprintSetupState) -> None:
    """Keep what was refused: chats remember their messages, but nobody remembers this."""
    platform: Platform = setup.app.extensions["qq_simulator"].platform
    refused: deque[dict[str, Any]] = deque(maxlen=_REFUSALS)

    def observe(kind: str, record: Any) -> None:
        if kind == "api" and (notice := notice_of(kind, record, platform.clock.now())) is not None:
            refused.append(notice)

    setup.app.extensions[_REFUSED] = refused
    platform.subscribe(observe)


def _settle(group: Group) -> None:
    group.member("Ming", role="owner")
    group.member("Lan")


# -- safety


class _PageError(Exception):
    """A request that is not carried out; the page may have its own words for ``error``."""

    def __init__(self, status: int, error: str, message: str) -> None:
        super().__init__(message)
        self.answer = {"error": error, "message": message}, status


def _tell(error: _PageError) -> Response:
    return _json(*error.answer)


def _check_origin() -> None:
    """Refuse what a page of another origin asks for; links to the page itself may be followed."""
    own = f"{request.scheme}://{request.host}"
    site = request.headers.get("Sec-Fetch-Site", "none")
    foreign = request.headers.get("Origin", own) != own or site not in ("same-origin", "none")
    if foreign and request.path != "/":
        raise _PageError(403, "foreign", "requests of other origins are refused")


def _harden(response: Response) -> Response:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)  # what people send has a stricter policy
    return response


def _body() -> dict[str, Any]:
    """Return the JSON object that was posted; forms of other sites cannot send this type."""
    if request.mimetype != "application/json":
        raise _PageError(415, "not_json", "the content type must be application/json")
    if (request.content_length or 0) > _MAX_BODY:
        raise _PageError(413, "too_long", f"the body is longer than {_MAX_BODY} bytes")
    try:
        found = json.loads(request.get_data())
        json.dumps(found, ensure_ascii=False).encode()  # fails for half a character (a surrogate)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise _PageError(400, "not_json", "the body is not a JSON object")
    return found


def _text_of(body: dict[str, Any], *, needed: bool = True) -> str:
    text = body.get("text")
    if not isinstance(text, str) or (needed and not text.strip()):
        raise _PageError(400, "empty", "text must not be empty")
    if len(text) > MAX_TEXT:
        raise _PageError(400, "too_long", f"text is longer than {MAX_TEXT} characters")
    return text


def _name_of(body: dict[str, Any]) -> str:
    name = str(body.get("name", "")).strip()
    if not 0 < len(name) <= MAX_NAME or not name.isprintable():
        raise _PageError(400, "bad_name", f"name must be 1 to {MAX_NAME} printable characters")
    return name


def _files_of(body: dict[str, Any]) -> list[MediaFile]:
    """Return the files that were uploaded for a message, each of which can be sent once."""
    ids, platform = body.get("files", []), _platform()
    if not isinstance(ids, list) or len(ids) > MAX_FILES:
        raise _PageError(400, "too_many_files", f"at most {MAX_FILES} files")
    with platform.lock:
        found = [platform.media.shelf.find(str(one)) for one in ids]
    files = [one for one in found if one is not None and one.way == _PENDING]
    if len(files) < len(ids):
        raise _PageError(404, "unknown_file", "no such file, or it has been sent")
    return files


def _chat_of(body: dict[str, Any]) -> Group | User:
    for chat in chats(_platform()):
        if chat.openid == body.get("chat"):
            return chat
    raise _PageError(404, "unknown_chat", "there is no such chat")


# -- routes


def _simulator() -> Simulator:
    return cast("Simulator", current_app.extensions["qq_simulator"])


def _platform() -> Platform:
    return _simulator().platform


def _json(found: Any, status: int = 200) -> Response:
    return Response(json.dumps(found), status, mimetype="application/json")


def _index() -> Response:
    return Response(_read("index.html"), mimetype="text/html")


def _static(name: str) -> Response:
    if name not in _PAGE:
        abort(404)
    return Response(_read(name), mimetype=_PAGE[name])


def _read(name: str) -> bytes:
    return (files("qqgroup_sync.simulator") / "page" / name).read_bytes()


def _state() -> Response:
    """Answer with everything the page shows; ``?chat=`` chooses whose messages."""
    platform = _platform()
    ensure_demo(platform)
    known = {chat.openid: chat for chat in chats(platform)}
    chat = known.get(request.args.get("chat", "")) or next(iter(known.values()))
    kept = current_app.extensions[_REFUSED].copy()
    refused = [one for one in kept if one["chat"] in (None, chat.openid)]
    messages = [shown_message(message) for message in chat.messages[-_HISTORY:]]
    found = {"chat": chat.openid, "messages": messages, "refused": refused}
    return _json({**overview(platform), **found})


def _live() -> Response:
    return Response(feed(_simulator()), mimetype="text/event-stream")


def _say() -> Response:
    body = _body()
    files = _files_of(body)
    chat, text, at = _chat_of(body), _text_of(body, needed=not files), body.get("at", True)
    if not isinstance(chat, Group):
        return _json(shown_message(chat.say(text, attachments=_taken(files))))
    member = chat.members.get(str(body.get("sender")))
    if member is None:
        raise _PageError(404, "unknown_sender", "the sender is not a member of this group")
    try:
        return _json(shown_message(member.say(text, at=at is True, attachments=_taken(files))))
    except PermissionError as error:
        raise _PageError(403, "muted", str(error)) from None


def _taken(files: list[MediaFile]) -> list[MediaFile]:
    for file in files:
        file.way = "person"
    return files


def _add_file() -> Response:
    """Keep a file that the next message will carry: what it is, its content tells."""
    if request.mimetype != "application/octet-stream":
        raise _PageError(415, "not_bytes", "the content type must be application/octet-stream")
    if (request.content_length or 0) > MAX_FILE:
        raise _PageError(413, "too_large", f"the file is larger than {MAX_FILE} bytes")
    name = request.args.get("name", "").rpartition("/")[2][:_MAX_FILE_NAME]
    data = request.get_data()
    if not data:
        raise _PageError(400, "empty_file", "the file is empty")
    file, platform = attachments.recognise(data, name), _platform()
    file.way = _PENDING
    with platform.lock:
        platform.media.shelf.keep(file)
    return _json({"file": file.id, "type": file.file_type, "name": file.name})


def _media(file_id: str) -> Response:
    """Show a file; ``?wav=1`` makes a voice that browsers cannot play one they can."""
    platform = _platform()
    with platform.lock:
        file = platform.media.shelf.find(file_id)
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


def _click() -> Response:
    body, platform = _body(), _platform()
    message_id, sender = str(body.get("message")), str(body.get("sender"))
    for chat in chats(platform):
        with platform.lock:
            message = chat.find(message_id)
        person = chat.members.get(sender) if isinstance(chat, Group) else chat
        if message is None or person is None:
            continue
        try:
            return _json({"interaction": person.click(message, str(body.get("button"))).id})
        except (LookupError, ValueError, PermissionError) as error:
            status = 403 if isinstance(error, PermissionError) else 400
            raise _PageError(status, "bad_click", str(error)) from None
    raise _PageError(404, "unknown_message", "no such message, or the sender is not in its chat")


def _add_group() -> Response:
    """Make a group, into which somebody invites the bots: GROUP_ADD_ROBOT."""
    name, platform = _name_of(_body()), _platform()
    known = any(group.name == name for group in platform.groups)
    group = platform.group(name)
    if not known:
        _settle(group)
        group.add_bot()
    return _json({"chat": group.openid})


def _add_member() -> Response:
    """Let somebody join a group, GROUP_MEMBER_ADD, or change the role of a member."""
    body = _body()
    group, name, role = _chat_of(body), _name_of(body), body.get("role", "member")
    if not isinstance(group, Group):
        raise _PageError(404, "unknown_chat", "there is no such group")
    if role not in _ROLES:
        raise _PageError(400, "bad_role", f"role must be one of {', '.join(_ROLES)}")
    known = len(group.members)
    member = group.member(name, role=role)
    if len(group.members) > known:
        group.join(name)
    return _json({"member": member.openid})


def _add_user() -> Response:
    """Let somebody befriend the bots: FRIEND_ADD."""
    name, platform = _name_of(_body()), _platform()
    known = any(user.known and user.name == name for user in platform.users)
    user = platform.user(name)
    if not known:
        user.add_friend()
    return _json({"chat": user.openid})
