"""What can go wrong, on demand: the endpoints behind the fault panel, for scripts as well.

``GET /simulator/control`` tells what is armed: ``{"armed": [{"what": ..., ...}], "clock": {"now",
"speed"}}``. ``POST /simulator/control`` with a JSON object does one thing and answers the same;
its ``action`` is one of the following, with its fields and their defaults. ``appid`` chooses one
bot everywhere on the first four lines; every bot is meant without it::

    drop  reset  silence  unsilence     end or freeze the live gateway connections
    reconnect(close=false)  invalid(resumable=false)  close(code=4009)  heartbeat
                                        close with 1006 is the same as drop
    expire                              let the access tokens die
    refuse_resumes(times=1)  refuse_identifies(times=1, code=4903)
    refuse_connections(times=1, status=503)   status 0 is a TCP reset
    duplicate(times=1)  reorder(times=1)      of events
    forge(times=1)                      webhook posts with a wrong signature
    fail(status=500, times=1, path="")        401, 429 (with retry_after=1) or any 4xx, 5xx
    slow(seconds=5, times=1, path="", after=false)  after: the request was carried out before
    cut(times=1, path="", after=false)        no answer but the end of the connection
    audit(times=1)                      202: the next sends wait for review
    whitelist(on=true)                  this machine is not in the list
    full_mode(chat, on=true)            the group's bots get every message
    advance(seconds=60)  speed(speed=1) time travel
    clear                               everything back to normal

``path`` is searched for in the API's paths, such as ``"/messages$"``; muting and switching unasked
messages off are actions of people: ``POST /simulator/mute`` and ``/simulator/bot``.
"""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING, Any

from qqgroup_sync.simulator.groups import Group
from qqgroup_sync.simulator.page_guard import (
    PageError,
    answer,
    appid_of,
    body,
    chats,
    group_of,
    number_of,
    platform,
    simulator,
    switch_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask import Blueprint, Response

    from qqgroup_sync.simulator.platform import Platform
    from qqgroup_sync.simulator.simulator import Simulator

    Fields = dict[str, Any]

_API = r"^/(?:app|gateway|users|v2|interactions)\b"
_NOT_LISTED = frozenset({"203.0.113.7"})  # an address of the documentation: nobody's
_MANY = 1_000_000
_YEAR = 366 * 86_400.0
_EXPIRED = 11244


def add_control(blueprint: Blueprint) -> None:
    """Add the endpoints to the page's blueprint."""
    blueprint.get("/simulator/control")(_show)
    blueprint.post("/simulator/control")(_act)


def _show() -> Response:
    return answer(control_state(simulator()))


def _act() -> Response:
    found = body()
    action = _ACTIONS.get(str(found.get("action")))
    if action is None:
        raise PageError(400, "unknown_action", f"action must be one of {', '.join(_ACTIONS)}")
    action(simulator(), found)
    return answer(control_state(simulator()))


# ------------------------------------------------------------------ what is armed


def control_state(where: Simulator) -> dict[str, Any]:
    """Describe everything that is not as usual."""
    clock = {"speed": where.clock.speed, "ahead": round(where.clock.ahead)}
    return {
        "armed": [*_faults(where), *_gateway(where), *_rules(where)],
        "clock": clock,
        "webhooks": bool(where.platform.callbacks),
    }


def _faults(where: Simulator) -> Iterator[dict[str, Any]]:
    for fault in where.faults.armed():
        what = {"fail": "fail", "delay": "slow", "drop": "cut", "audit": "audit"}[fault.kind]
        shown: dict[str, Any] = {"what": what, "left": min(fault.times, _MANY)}
        if fault.kind == "fail":
            shown["status"] = fault.status
        if fault.kind == "delay":
            shown["seconds"] = min(fault.seconds, _YEAR)
        yield shown


def _gateway(where: Simulator) -> Iterator[dict[str, Any]]:
    gateway, sessions = where.gateway, where.platform.sessions
    for name, waiting in gateway.armed().items():
        for how, same in groupby(waiting):
            yield {"what": f"refuse_{name}", "left": len(list(same)), "how": how}
    if silent := sum(link.silent for link in gateway.links()):
        yield {"what": "silence", "left": silent}
    if sessions.duplicates:
        yield {"what": "duplicate", "left": sessions.duplicates}
    if sessions.reorders:
        yield {"what": "reorder", "left": sessions.reorders}


def _rules(where: Simulator) -> Iterator[dict[str, Any]]:
    if where.platform.rules.ip_whitelist is not None:
        yield {"what": "whitelist"}
    if where.clock.speed != 1:
        yield {"what": "speed", "speed": where.clock.speed}
    for chat in chats(where.platform):
        with where.platform.lock:
            found = list(_of_chat(where.platform, chat) if isinstance(chat, Group) else ())
        yield from found


def _of_chat(where: Platform, group: Group) -> Iterator[dict[str, Any]]:
    now = where.clock.now()
    about = {"chat": group.openid, "name": group.name}
    if group.full_mode:
        yield {"what": "full_mode", **about}
    if any(not one.allow_push for one in group.bots.values()):
        yield {"what": "no_push", **about}
    if any(one.muted_until > now for one in group.bots.values()):
        yield {"what": "muted_bot", **about}
    for member in group.members.values():
        if member.muted_until > now:
            yield {"what": "muted", **about, "member": member.name}


# ------------------------------------------------------------------ actions


def _times(found: Fields) -> int:
    return int(number_of(found, "times", 1, least=1, most=_MANY))


def _path(found: Fields) -> str:
    text = found.get("path", "")
    path = f"{_API}.*(?:{text})" if text else _API
    try:
        re.compile(str(text))
        re.compile(path)  # fails for flags, which stand only at the beginning
    except re.error as error:
        raise PageError(400, "bad_path", f"path is no regular expression: {error}") from None
    return path


def _expire(where: Simulator, found: Fields) -> None:
    where.platform.expire_tokens(appid_of(found))


def _close(where: Simulator, found: Fields) -> None:
    code = int(number_of(found, "code", 4009, least=1000, most=4999))
    appid = appid_of(found)
    try:
        where.gateway.close(code, "on demand", appid=appid)
    except ValueError as error:
        raise PageError(400, "bad_code", str(error)) from None


def _invalid(where: Simulator, found: Fields) -> None:
    resumable = switch_of(found, "resumable", default=False)
    where.gateway.invalid_session(resumable, appid=appid_of(found))


def _reconnect(where: Simulator, found: Fields) -> None:
    close = switch_of(found, "close", default=False)
    where.gateway.send_reconnect(close=close, appid=appid_of(found))


def _duplicate(where: Simulator, found: Fields) -> None:
    times = _times(found)
    where.gateway.duplicate_events(times)
    if where.platform.callbacks:
        where.webhooks.duplicate_events(times)


def _refuse_identifies(where: Simulator, found: Fields) -> None:
    code = int(number_of(found, "code", 4903, least=4000, most=4999))
    where.gateway.refuse_identifies(_times(found), code)


def _refuse_connections(where: Simulator, found: Fields) -> None:
    status = int(number_of(found, "status", 503, least=0, most=599))
    where.gateway.refuse_connections(_times(found), status or None)


def _fail(where: Simulator, found: Fields) -> None:
    status = int(number_of(found, "status", 500, least=400, most=599))
    path, times, headers = _path(found), _times(found), {}
    if status == 401:
        where.faults.refuse(_EXPIRED, path, times=times)
        return
    if status == 429:
        seconds = number_of(found, "retry_after", 1, least=0, most=3600)
        headers = {"Retry-After": f"{seconds:g}"} if seconds else {}
    where.faults.fail(path, times=times, status=status, headers=headers)


def _slow(where: Simulator, found: Fields) -> None:
    seconds = number_of(found, "seconds", 5, least=0, most=3600)
    after = switch_of(found, "after", default=False)
    where.faults.delay(_path(found), seconds, times=_times(found), after_accept=after)


def _cut(where: Simulator, found: Fields) -> None:
    after = switch_of(found, "after", default=False)
    where.faults.drop(_path(found), _times(found), after_accept=after)


def _whitelist(where: Simulator, found: Fields) -> None:
    on = switch_of(found, "on", default=True)
    where.platform.change_rules(ip_whitelist=_NOT_LISTED if on else None)


def _full_mode(_where: Simulator, found: Fields) -> None:
    group_of(found).full_mode = switch_of(found, "on", default=True)


def _advance(where: Simulator, found: Fields) -> None:
    where.clock.advance(number_of(found, "seconds", 60, least=0, most=_YEAR))


def _speed(where: Simulator, found: Fields) -> None:
    where.clock.speed = number_of(found, "speed", 1, least=0, most=10_000)


def _clear(where: Simulator, _found: Fields) -> None:
    where.faults.clear()
    where.gateway.clear()
    where.platform.change_rules(ip_whitelist=None)
    where.clock.speed = 1
    for group in platform().groups:
        group.full_mode = False
        if any(not one.allow_push for one in group.bots.values()):
            group.allow_push(True)
        group.mute_bot(0)
        with platform().changing():
            for member in group.members.values():
                member.muted_until = 0.0


def _gateway_action(name: str) -> Callable[[Simulator, Fields], None]:
    def act(where: Simulator, found: Fields) -> None:
        getattr(where.gateway, name)(appid=appid_of(found))

    return act


_ACTIONS: dict[str, Callable[[Simulator, Fields], None]] = {
    **{name: _gateway_action(name) for name in ("drop", "reset", "silence", "unsilence")},
    "heartbeat": _gateway_action("server_heartbeat"),
    "reconnect": _reconnect,
    "invalid": _invalid,
    "close": _close,
    "expire": _expire,
    "refuse_resumes": lambda where, found: where.gateway.refuse_resumes(_times(found)),
    "refuse_identifies": _refuse_identifies,
    "refuse_connections": _refuse_connections,
    "duplicate": _duplicate,
    "forge": lambda where, found: where.webhooks.forge(_times(found)),
    "reorder": lambda where, found: where.gateway.reorder_events(_times(found)),
    "fail": _fail,
    "slow": _slow,
    "cut": _cut,
    "audit": lambda where, found: where.faults.audit(_times(found)),
    "whitelist": _whitelist,
    "full_mode": _full_mode,
    "advance": _advance,
    "speed": _speed,
    "clear": _clear,
}
