"""What keeps the page's endpoints safe, and how they are asked and answered.

Any web page of the same browser can reach a loopback port, so requests of other origins are
refused, bodies must have a type that forms cannot send, and the page may load nothing but itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from flask import Response, current_app, request

from qqgroup_sync.simulator import json_bodies
from qqgroup_sync.simulator.groups import Group

if TYPE_CHECKING:
    from flask import Blueprint

    from qqgroup_sync.simulator.platform import Platform
    from qqgroup_sync.simulator.simulator import Simulator
    from qqgroup_sync.simulator.users import User

MAX_NAME = 40
"""Characters of the name of a group or a person."""

_MAX_BODY = 256 * 1024
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


class PageError(Exception):
    """A request that is not carried out; the page may have its own words for ``error``."""

    def __init__(self, status: int, error: str, message: str) -> None:
        super().__init__(message)
        self.answer = {"error": error, "message": message}, status


def guard(blueprint: Blueprint) -> None:
    """Check every request of a blueprint, and put the headers on every answer."""
    blueprint.before_request(_check_origin)
    blueprint.after_request(_harden)
    blueprint.register_error_handler(PageError, _tell)


def _tell(error: PageError) -> Response:
    return answer(*error.answer)


def _check_origin() -> None:
    """Refuse what a page of another origin asks for; links to the page itself may be followed."""
    own = f"{request.scheme}://{request.host}"
    site = request.headers.get("Sec-Fetch-Site", "none")
    foreign = request.headers.get("Origin", own) != own or site not in ("same-origin", "none")
    if foreign and request.path != "/":
        raise PageError(403, "foreign", "requests of other origins are refused")


def _harden(response: Response) -> Response:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)  # what people send has a stricter policy
    return response


def answer(found: Any, status: int = 200) -> Response:
    """Answer with JSON."""
    return Response(json_bodies.write(found), status, mimetype="application/json")


def simulator() -> Simulator:
    """Return the simulator that the request was sent to."""
    return cast("Simulator", current_app.extensions["qq_simulator"])


def platform() -> Platform:
    """Return its platform."""
    return simulator().platform


def body() -> dict[str, Any]:
    """Return the JSON object that was posted; forms of other sites cannot send this type."""
    if request.mimetype != "application/json":
        raise PageError(415, "not_json", "the content type must be application/json")
    if (request.content_length or 0) > _MAX_BODY:
        raise PageError(413, "too_long", f"the body is longer than {_MAX_BODY} bytes")
    try:
        found = json_bodies.read(request.get_data())
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise PageError(400, "not_json", "the body is not a JSON object")
    return found


def name_of(found: dict[str, Any]) -> str:
    """Return the name of a group or a person."""
    name = str(found.get("name", "")).strip()
    if not 0 < len(name) <= MAX_NAME or not name.isprintable():
        raise PageError(400, "bad_name", f"name must be 1 to {MAX_NAME} printable characters")
    return name


def number_of(
    found: dict[str, Any], key: str, default: float, *, least: float, most: float
) -> float:
    """Return a number of a body within its limits."""
    value = found.get(key, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most:
        raise PageError(400, "bad_number", f"{key} must be a number from {least:g} to {most:g}")
    return value


def switch_of(found: dict[str, Any], key: str, *, default: bool | None = None) -> bool:
    """Return a switch of a body."""
    value = found.get(key, default)
    if not isinstance(value, bool):
        raise PageError(400, "bad_switch", f"{key} must be true or false")
    return value


def chats(where: Platform) -> list[Group | User]:
    """Return the groups, and the users who know the bot."""
    return [*where.groups, *(user for user in where.users if user.known)]


def chat_of(found: dict[str, Any]) -> Group | User:
    """Return the chat that a body is about."""
    for chat in chats(platform()):
        if chat.openid == found.get("chat"):
            return chat
    raise PageError(404, "unknown_chat", "there is no such chat")


def group_of(found: dict[str, Any]) -> Group:
    """Return the group that a body is about."""
    chat = chat_of(found)
    if not isinstance(chat, Group):
        raise PageError(404, "unknown_chat", "there is no such group")
    return chat


def appid_of(found: dict[str, Any]) -> str | None:
    """Return the bot that a body is about, None for every one."""
    appid = found.get("appid")
    if appid is not None and appid not in [bot.appid for bot in platform().bots]:
        raise PageError(404, "unknown_bot", "there is no such bot")
    return appid
