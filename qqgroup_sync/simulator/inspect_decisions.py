"""What the platform decided about a request or frame, and why: notes for the inspector.

A note is a word with its values; the page has a sentence for each word in both languages.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from qqgroup_sync.simulator import intents, quotas

if TYPE_CHECKING:
    from qqgroup_sync.simulator.platform import Platform
    from qqgroup_sync.simulator.records import ApiCall, Bot, Event
    from qqgroup_sync.simulator.rules import Rules

Note = list[Any]
"""``[word, {name: value}]``"""

_SEND = re.compile(r"/v2/(groups|users)/([^/]+)/(?:stream_)?messages\Z")
_DEDUPLICATED, _INVALID = 40054005, 9
_HELLO, _RECONNECT, _IDENTIFY, _RESUME = 10, 7, 2, 6


def about_call(call: ApiCall, platform: Platform) -> list[Note]:
    """Return what was decided about an API call; to be asked as soon as it has been answered."""
    notes: list[Note] = []
    if call.faults:
        notes.append(["fault", {"kinds": list(call.faults)}])
    request = call.request if isinstance(call.request, dict) else {}
    response = call.response if isinstance(call.response, dict) else {}
    if "expires_in" in response:
        notes.append(["token", {"seconds": response["expires_in"]}])
    if call.status == 202:
        notes.append(["audit", {}])
    code = response.get("err_code")
    if code == _DEDUPLICATED:
        notes.append(["dedupe", {"msg_seq": request.get("msg_seq", 1)}])
    found = _SEND.match(call.path)
    if found and call.method == "POST" and call.appid is not None:
        notes += _about_send(call.appid, found[1], found[2], request, platform)
        if call.status < 400 and platform.rules.swallow_offline:
            with platform.lock:
                swallowed = not platform.sessions.is_live(call.appid)
            notes += [["swallowed", {}]] if swallowed else []
    return notes


def _about_send(
    appid: str, scene: str, openid: str, request: dict[str, Any], platform: Platform
) -> list[Note]:
    """Tell the window and budget of an answer, or the quotas of what nobody asked for."""
    key = request.get("msg_id") or request.get("event_id")
    with platform.lock:
        now = platform.clock.now()
        if key:
            window = platform.windows.find((appid, str(key)))
            if window is None:
                return [["no_window", {}]]
            left = round(window.opened_at + window.seconds - now, 1)
            return [["window", {"used": window.used, "limit": window.limit, "left": left}]]
        bot = next((one for one in platform.bots_of(None) if one.appid == appid), None)
        if bot is None or request.get("is_wakeup"):
            return [["wakeup", {}]] if bot is not None else []
        if bot.sandbox or not platform.rules.quotas:
            return [["unlimited", {}]]
        return [["proactive", _fullest(bot, scene, openid, platform, now)]]


def _fullest(bot: Bot, scene: str, openid: str, platform: Platform, now: float) -> dict[str, Any]:
    limits = quotas.group_quotas if scene == "groups" else quotas.user_quotas
    used = [
        (platform.quotas.used(quota, now), quota)
        for quota in limits(bot.appid, openid, certified=bot.certified)
    ]
    count, quota = max(used, key=lambda one: one[0] / one[1].limit)
    return {"used": count, "limit": quota.limit, "seconds": quota.seconds}


def about_event(event: Event, platform: Platform) -> list[Note]:
    """Return why an event reached no session."""
    with platform.lock:
        sessions = [one for one in platform.sessions.all() if one.appid == event.appid]
    return [["filtered" if sessions else "no_session", {}]]


def about_frame(op: Any, name: Any, d: Any, rules: Rules) -> list[Note]:
    """Return what a frame means for the session, or for answers."""
    if op == 0:
        return _about_dispatch(str(name), rules)
    if op == _INVALID:
        return [["invalid", {"resumable": d is True}]]
    if op == _RECONNECT:
        return [["reconnect", {}]]
    if op == _HELLO and isinstance(d, dict):
        return [["hello", {"seconds": d.get("heartbeat_interval", 0) / 1000}]]
    if op == _IDENTIFY and isinstance(d, dict) and isinstance(d.get("intents"), int):
        bits = [bit for bit in range(31) if d["intents"] >> bit & 1]
        return [["identify", {"intents": intents.names(bits), "shard": d.get("shard", [0, 1])}]]
    if op == _RESUME and isinstance(d, dict):
        return [["resume", {"seq": d.get("seq")}]]
    return []


def _about_dispatch(name: str, rules: Rules) -> list[Note]:
    if name == "READY":
        return [["ready", {}]]
    if name == "RESUMED":
        return [["resumed", {}]]
    if name in ("GROUP_AT_MESSAGE_CREATE", "GROUP_MESSAGE_CREATE"):
        return [["opens", {"limit": rules.group_replies, "seconds": rules.group_window}]]
    if name == "C2C_MESSAGE_CREATE":
        return [["opens", {"limit": rules.c2c_replies, "seconds": rules.c2c_window}]]
    if name == "INTERACTION_CREATE":
        return [["click", {"seconds": rules.interaction_window}]]
    return []
