"""Build the ``d`` objects of events (section 4). Pure."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any

from qqgroup_sync.simulator import identifiers
from qqgroup_sync.simulator.records import Bot

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from qqgroup_sync.simulator.groups import Group, Member
    from qqgroup_sync.simulator.records import ChatMessage, Interaction, JoinRequest
    from qqgroup_sync.simulator.rules import Rules
    from qqgroup_sync.simulator.users import User

_AUTHORISATIONS = range(18, 21)  # types of interactions without chat_type and data.type
GROUP_AT, GROUP_FULL = "GROUP_AT_MESSAGE_CREATE", "GROUP_MESSAGE_CREATE"
QUOTE = 103
"""``message_type`` of a message that quotes another one."""


_MARKUP = re.compile(r"(<@!?\w+>|<qqbot-[^<>]*/>|<faceType=[^<>]*>)")


def mention(openid: str) -> str:
    """Return the markup of an @ inside ``content`` (4.3)."""
    return f"<@{openid}>"


def group_message(
    name: str, message: ChatMessage, group: Group, bot: Bot, rules: Rules
) -> dict[str, Any]:
    """Build a group message as ``bot`` sees it (4.1).

    Args:
        name: The event's name; in full mode the bot finds itself mentioned in any case (4.4).
        message: What was said, by a person or by a bot.
        group: Where.
        bot: The receiver; its own @ is removed from the content (4.3).
        rules: The switches in force.
    """
    sender, bots = message.sender, [membership.bot for membership in group.bots.values()]
    d: dict[str, Any] = {
        "id": message.id,
        "author": _group_author(sender, group),
        "content": _group_content(message, bot, bots, rules),
        "group_openid": group.openid,
        "timestamp": _timestamp(message.timestamp, rules),
    }
    if rules.minimal_events:
        d["author"] = {"member_openid": sender.openid}
        return d
    d["group_id"] = group.openid
    mention_self = rules.mention_self or name != GROUP_AT
    mentions = _mentions(message, bot, bots, mention_self=mention_self)
    if mentions:
        d["mentions"] = mentions
    _add_details(d, message, rules)
    return d


def c2c_message(message: ChatMessage, user: User, rules: Rules) -> dict[str, Any]:
    """Build a user's message to a bot (4.1); the nickname is empty in C2C."""
    d: dict[str, Any] = {
        "id": message.id,
        "author": {"user_openid": user.openid},
        "content": _escaped(message.content, rules),
        "timestamp": _timestamp(message.timestamp, rules),
    }
    if rules.minimal_events:
        return d
    d["author"] = {
        "id": user.openid,
        "user_openid": user.openid,
        "union_openid": "",
        "union_user_account": "",
        "username": "",
        "bot": False,
    }
    _add_details(d, message, rules)
    return d


def _timestamp(moment: float, rules: Rules) -> str | int:
    return int(moment) if rules.int_timestamps else identifiers.rfc3339(moment)


def _group_author(sender: Member | User | Bot, group: Group) -> dict[str, Any]:
    role = group.role_of(sender)
    return {
        "id": sender.openid,
        "member_openid": sender.openid,
        "member_role": role,
        "union_openid": "",
        "union_user_account": "",
        "username": sender.name,
        "bot": isinstance(sender, Bot),
    }


def _group_content(message: ChatMessage, bot: Bot, bots: Iterable[Bot], rules: Rules) -> str:
    """Write the content as the receiver gets it: " text" after a removed @ (4.3)."""
    said = _escaped(message.content, rules)
    if isinstance(message.sender, Bot):
        return said
    marks = [
        "" if other is bot and rules.strip_at else mention(other.openid)
        for other in bots
        if other.appid in message.at
    ]
    for person in message.mentions:
        mark = "<qqbot-at-everyone />" if person == "all" else mention(person.openid)
        if mark not in message.content:
            marks.append(mark)
    text = " ".join([*marks, said])
    return f"{text} " if rules.trailing_space and bot.appid in message.at else text


def _escaped(text: str, rules: Rules) -> str:
    """Write ``&``, ``<`` and ``>`` as guilds document it, markup of mentions excepted (4.3)."""
    if not rules.escape_events:
        return text
    pieces = _MARKUP.split(text)
    pieces[::2] = [html.escape(piece, quote=False) for piece in pieces[::2]]
    return "".join(pieces)


def _mentions(
    message: ChatMessage, bot: Bot, bots: Iterable[Bot], *, mention_self: bool
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        _single(other.openid, other.name, bot=True, is_you=other is bot)
        for other in bots
        if other.appid in message.at and (other is not bot or mention_self)
    ]
    for person in message.mentions:
        if person == "all":
            found.append({"scope": "all", "is_you": True, "username": "全体成员"})
        else:
            found.append(_single(person.openid, person.name, bot=False, is_you=False))
    return found


def _single(openid: str, name: str, *, bot: bool, is_you: bool) -> dict[str, Any]:
    return {
        "scope": "single",
        "bot": bot,
        "id": openid,
        "is_you": is_you,
        "member_openid": openid,
        "username": name,
    }


def _add_details(d: dict[str, Any], message: ChatMessage, rules: Rules) -> None:
    ext = [f"msg_idx={message.ref_idx}"]
    if message.quote_ref is not None:
        ext.insert(0, f"ref_msg_idx={message.quote_ref}")
    if not message.from_bot:
        ext.append(f"auth_token={identifiers.token()}")
    d["message_type"] = 0 if message.from_bot else message.msg_type
    d["message_scene"] = {"source": "default", "ext": ext}
    if message.attachments:
        d["attachments"] = [_attachment(one, rules) for one in message.attachments]


def _attachment(attachment: Mapping[str, Any], rules: Rules) -> dict[str, Any]:
    """Copy an attachment; live URLs may come without their scheme (4.3)."""
    copy = dict(attachment)
    for key in ("url", "voice_wav_url"):
        scheme, separator, rest = str(copy.get(key, "")).partition("://")
        if separator and scheme in ("http", "https") and rules.attachment_urls != "full":
            copy[key] = rest if rules.attachment_urls == "bare" else f"//{rest}"
    return copy


def quoted(message: ChatMessage, rules: Rules) -> dict[str, Any]:
    """Build the ``msg_elements`` entry of a quoted message (4.2)."""
    element: dict[str, Any] = {
        "msg_idx": message.ref_idx,
        "message_type": QUOTE,
        "content": message.content,
        "author": {"username": message.sender.name, "bot": message.from_bot},
    }
    if message.attachments:
        element["attachments"] = [_attachment(one, rules) for one in message.attachments]
    return element


def forwarded(messages: Sequence[ChatMessage]) -> dict[str, Any]:
    """Build the ``msg_elements`` entry of a quoted chat record: one flattened text (4.2)."""
    lines = [f"{message.sender.name}: {message.content}" for message in messages]
    return {"message_type": QUOTE, "content": "\n".join(lines)}


def interaction(
    click: Interaction,
    person: Member | User,
    button_data: str,
    *,
    kind: int = 11,
    resolved: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Build INTERACTION_CREATE of a callback button, or of something else (4.8)."""
    group = getattr(person, "group", None)
    where: dict[str, Any] = (
        {"chat_type": 2, "scene": "c2c", "user_openid": person.openid}
        if group is None
        else {
            "chat_type": 1,
            "scene": "group",
            "group_openid": group.openid,
            "group_member_openid": person.openid,
        }
    )
    if resolved is None:
        resolved = {"button_data": button_data, "button_id": click.button_id}
    data = {"type": kind, "resolved": dict(resolved)}
    if kind in _AUTHORISATIONS:
        del where["chat_type"], data["type"]
    return {
        "id": click.id,
        "type": kind,
        **where,
        "timestamp": identifiers.rfc3339(click.clicked_at),
        "application_id": click.appid,
        "version": 1,
        "data": data,
    }


def group_change(group: Group, operator: Member, now: float) -> dict[str, Any]:
    """Build GROUP_ADD_ROBOT, GROUP_DEL_ROBOT, GROUP_MSG_RECEIVE or GROUP_MSG_REJECT (4.5)."""
    return {
        "timestamp": int(now),
        "group_openid": group.openid,
        "op_member_openid": operator.openid,
    }


def member_change(group: Group, member: Member, now: float, rules: Rules) -> dict[str, Any]:
    """Build GROUP_MEMBER_ADD or GROUP_MEMBER_REMOVE (4.6)."""
    d = {
        "timestamp": int(now),
        "group_openid": group.openid,
        "member_openid": member.openid,
    }
    if rules.member_user_openid != "absent":
        d["user_openid"] = member.openid if rules.member_user_openid == "full" else ""
    return d


def friend_change(user: User, now: float) -> dict[str, Any]:
    """Build FRIEND_DEL, C2C_MSG_RECEIVE or C2C_MSG_REJECT, and the base of FRIEND_ADD (4.5)."""
    return {"timestamp": int(now), "openid": user.openid}


def join_request(group: Group, request: JoinRequest) -> dict[str, Any]:
    """Build GROUP_JOIN_REQUEST (4.7); entries of the request list look the same."""
    return {
        "group_openid": group.openid,
        "join_request_id": request.id,
        "member_openid": request.user.openid,
        **request.fields,
    }


def subscription(
    openid: Mapping[str, str], template_id: str, *, allowed: bool, now: float
) -> dict[str, Any]:
    """Build SUBSCRIBE_MESSAGE_STATUS (4.9)."""
    result = {
        "template_id": 10001,
        "custom_template_id": template_id,
        "op": 1 if allowed else 2,
        "subscribe_id": f"sub_{identifiers.token(8)}",
        "subscribe_ts": int(now),
        "update_ts": int(now),
    }
    return {**openid, "result": [result]}


def route_of(d: Any) -> str:
    """Return the group or user an event is about, for choosing a shard; "" when unknown."""
    if not isinstance(d, dict):
        return ""
    author = d.get("author")
    inner = author.get("user_openid") if isinstance(author, dict) else None
    return str(d.get("group_openid") or d.get("user_openid") or d.get("openid") or inner or "")
