"""Payloads of messages to messages."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from qqgroup_sync.events.chat_records import CHAT_RECORD, MARK, QUOTE, read_record
from qqgroup_sync.events.lenient import flag, integer, link, mapping, mappings, pairs, string
from qqgroup_sync.events.messages import C2CMessage, GroupMessage
from qqgroup_sync.events.parts import NOBODY, Ark, Attachment, Member, Mention, QuotedMessage
from qqgroup_sync.events.text import EVERYONE, clean, unescape

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from qqgroup_sync.events.actions import Actions
    from qqgroup_sync.events.base import Delivery
    from qqgroup_sync.events.text import Cleaned

M = TypeVar("M", GroupMessage, C2CMessage)

PARALLEL = 101
# Elements nest; deeper than any chat record that QQ shows, so that a payload cannot exhaust Python.
_DEEPEST = 12


def read_group_message(delivery: Delivery) -> GroupMessage:
    """Read GROUP_AT_MESSAGE_CREATE and GROUP_MESSAGE_CREATE."""
    return _message(GroupMessage, delivery)


def read_c2c_message(delivery: Delivery) -> C2CMessage:
    """Read C2C_MESSAGE_CREATE."""
    return _message(C2CMessage, delivery)


def _message(cls: type[M], delivery: Delivery) -> M:
    """Read a message; everything rare stands behind a look whether it is there at all."""
    raw, actions, own, direct = delivery.raw, delivery.actions, delivery.own, cls.is_direct
    get = raw.get
    content = string(get("content"))
    author = _member(get("author"))
    scene = pairs(get("message_scene"))
    message_type = integer(get("message_type"))

    marked = clean(content) if "<" in content else None
    text = marked.text if marked else unescape(content).strip()
    mentioned = _NOT_MENTIONED
    if marked or get("mentions"):
        mentioned = _mentions(get("mentions"), marked, own)
    quoted = None
    forwarded: tuple[QuotedMessage, ...] = ()
    if message_type in (PARALLEL, CHAT_RECORD):
        text, forwarded = _forwarded(raw, text, content, actions)
    elif message_type == QUOTE or "ref_msg_idx" in scene:
        quoted = _quoted(raw, scene, actions)
    return cls(
        *delivery.head(get("timestamp")),
        id=string(get("id")),
        content=content,
        text=text,
        author=author,
        message_type=message_type,
        attachments=_attachments(get("attachments"), actions),
        mentions=mentioned.others,
        faces=marked.faces if marked else (),
        scene=scene,
        quoted=quoted,
        forwarded=forwarded,
        ark=_ark(get("ark_data")),
        group_openid="" if direct else string(get("group_openid")) or string(get("group_id")),
        is_at=not direct and (mentioned.is_at or delivery.name == "GROUP_AT_MESSAGE_CREATE"),
        is_own=bool(own) and _is_own(author, raw, own),
        bot_openid=mentioned.bot_openid,
    )


def _openid(user: dict[str, Any]) -> str:
    get = user.get
    return string(get("member_openid")) or string(get("user_openid")) or string(get("id"))


def _member(value: object) -> Member:
    if not isinstance(value, dict):
        return NOBODY
    get = value.get
    return Member(
        _openid(value),
        string(get("username")),
        string(get("member_role")),
        flag(get("bot")),
        string(get("union_openid")),
    )


def _is_own(author: Member, raw: dict[str, Any], own: Collection[str]) -> bool:
    ids = (author.openid, string(mapping(raw.get("author")).get("id")))
    return any(openid in own for openid in ids if openid)


class _Mentioned(NamedTuple):
    others: tuple[Mention, ...] = ()
    bot_openid: str = ""
    is_at: bool = False


_NOT_MENTIONED = _Mentioned()


def _mentions(value: object, marked: Cleaned | None, own: Collection[str]) -> _Mentioned:
    """Bring together whom ``mentions`` and the markup in the content name."""
    others: list[Mention] = []
    listed: set[str] = set()
    everyone = is_at = False
    bot_openid = ""
    for item in mappings(value):
        openid = _openid(item)
        username = string(item.get("username"))
        listed.update((openid, string(item.get("id"))))
        if item.get("scope") == "all":
            everyone = True
            others.append(Mention("", username or EVERYONE, scope="all"))
        elif flag(item.get("is_you")) or (openid and openid in own):
            is_at, bot_openid = True, openid or bot_openid
        elif openid or username:
            others.append(Mention(openid, username, flag(item.get("bot"))))
    if marked:
        if marked.everyone and not everyone:
            others.append(Mention("", EVERYONE, scope="all"))
        for openid in marked.users:
            if openid in own:
                is_at, bot_openid = True, bot_openid or openid
            elif openid not in listed:
                others.append(Mention(openid))
    return _Mentioned(tuple(others), bot_openid, is_at)


def _attachments(value: object, actions: Actions | None) -> tuple[Attachment, ...]:
    if not value:
        return ()
    return tuple(
        Attachment(
            content_type=string(item.get("content_type")),
            filename=string(item.get("filename")),
            url=link(item.get("url")),
            size=integer(item.get("size")),
            width=integer(item.get("width")),
            height=integer(item.get("height")),
            transcript=string(item.get("asr_refer_text")),
            wav_url=link(item.get("voice_wav_url")),
            actions=actions,
        )
        for item in mappings(value)
    )


def _ark(value: object) -> Ark | None:
    if not isinstance(value, dict) or not value:
        return None
    get = value.get
    return Ark(
        string(get("ark_type")),
        string(get("ark_name")),
        string(get("prompt")),
        mapping(get("fields")),
    )


def _element(item: dict[str, Any], actions: Actions | None, depth: int = 0) -> QuotedMessage:
    content = string(item.get("content"))
    message_type = integer(item.get("message_type"))
    inner: tuple[QuotedMessage, ...] = ()
    if depth < _DEEPEST:
        inner = tuple(
            _element(each, actions, depth + 1) for each in mappings(item.get("msg_elements"))
        )
    is_quote = message_type == QUOTE
    author = _member(item.get("author"))
    element = QuotedMessage(
        ref_idx=string(item.get("msg_idx")),
        text=clean(content).text,
        author=author if author != NOBODY else None,
        attachments=_attachments(item.get("attachments"), actions),
        content=content,
        message_type=message_type,
        ark=_ark(item.get("ark_data")),
        quoted=inner[0] if inner and is_quote else None,
        forwarded=() if is_quote else inner,
    )
    return _unflattened(element, actions) if MARK in content else element


def _unflattened(element: QuotedMessage, actions: Actions | None) -> QuotedMessage:
    """Unfold an element whose content is a flattened chat record, or a quote within a quote."""
    record = read_record(element.content, actions)
    if record is None:
        return element
    if record.title or len(record.messages) > 1:
        return replace(
            element, text=record.title, message_type=CHAT_RECORD, forwarded=record.messages
        )
    only = record.messages[0]
    return replace(
        element,
        text=only.text,
        author=element.author or only.author,
        attachments=element.attachments or only.attachments,
        quoted=only.quoted,
    )


def _quoted(
    raw: dict[str, Any], scene: Mapping[str, str], actions: Actions | None
) -> QuotedMessage:
    """Read what a message quotes.

    The element names it better than ``ref_msg_idx``, which may be a temporary index; the
    ``parallel_message`` says at least ``[图片]`` when there is no element.
    Source: live payloads, 2026-08 and 2026-09.
    """
    elements = mappings(raw.get("msg_elements"))
    quoted = _element(elements[0], actions) if elements else QuotedMessage()
    ref_idx = quoted.ref_idx if quoted.quotable else scene.get("ref_msg_idx") or quoted.ref_idx
    text = quoted.text
    if not (text or quoted.attachments or quoted.forwarded or quoted.ark):
        nodes = _nodes(raw)
        text = clean(string(nodes[0].get("content"))).text if nodes else ""
    return replace(quoted, ref_idx=ref_idx, text=text)


def _forwarded(
    raw: dict[str, Any], text: str, content: str, actions: Actions | None
) -> tuple[str, tuple[QuotedMessage, ...]]:
    """Return the text and the messages of a chat record, in whichever form it came."""
    record = read_record(content, actions)
    if record is not None:
        return record.title, record.messages
    found = mappings(raw.get("msg_elements")) or _nodes(raw)
    messages = tuple(_element(item, actions) for item in found)
    if len(messages) == 1 and messages[0].forwarded:
        return text or messages[0].text, messages[0].forwarded
    return text, messages


def _nodes(raw: dict[str, Any]) -> list[dict[str, Any]]:
    return mappings(mapping(raw.get("parallel_message")).get("msg_nodes"))
