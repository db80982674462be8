"""Read a forwarded chat record, or a quoted quote, which the platform flattens into plain text.

Source: live payloads, 2026-08 and 2026-09; the pages name message types 101 to 103 only::

    [title]                       missing when the record is quoted
    === 消息 1 ===
    [消息内容] text, which may
    go on for several lines
    [发送者] nickname
    [附件1] 类型:图片 文件名:a.png 尺寸:600x503 大小:30.8KB URL:https://...
    [消息类型] 合并转发消息         or 引用消息
    [关联消息]                     what it forwards or quotes, each level four spaces deeper
    --- 第1条 ---
        [消息内容] text
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from qqgroup_sync.events.lenient import integer, link
from qqgroup_sync.events.parts import Attachment, Member, QuotedMessage
from qqgroup_sync.events.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from qqgroup_sync.events.actions import Actions

MARK = "=== 消息 "
CHAT_RECORD, QUOTE = 102, 103

_INDENT = 4
_DEEPEST = 12
# Not compiled here: most bots never see a chat record, and compiling would slow every import.
_ENTRY = r"( *)(===|---) (?:消息 \d+|第\d+条) \2\s*"
_FIELD = r"\[(消息内容|发送者|消息类型|关联消息|附件\d+)\] ?(.*)"
_DETAIL = r"(类型|文件名|尺寸|大小|URL):(.*?)(?= (?:类型|文件名|尺寸|大小|URL):|$)"
_SIZE = r"(\d{1,12}(?:\.\d{1,9})?)\s*([KMG]?)B?"
_UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3}
_CONTENT_TYPES = {"图片": "image", "视频": "video", "语音": "voice", "音频": "voice"}


class Record(NamedTuple):
    """A chat record: its title, perhaps empty, and its messages."""

    title: str
    messages: tuple[QuotedMessage, ...]


class _Entry:
    __slots__ = ("attachments", "inner", "kind", "lines", "sender")

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.sender = ""
        self.kind = ""
        self.attachments: list[Attachment] = []
        self.inner: list[_Entry] = []


def read_record(content: str, actions: Actions | None) -> Record | None:
    """Return the chat record that a content holds; None when it holds none.

    What cannot be understood is kept as text of the message where it stands; deeper than twelve
    levels everything is.
    """
    if MARK not in content:
        return None
    top = _Entry()
    path = [top]
    for line in content.split("\n"):
        header = re.fullmatch(_ENTRY, line)
        level = len(path) - 1
        if header is not None:
            depth = 1 if header[2] == "===" else len(header[1]) // _INDENT + 2
            if depth <= min(level + 1, _DEEPEST):
                entry = _Entry()
                path[depth - 1].inner.append(entry)
                path[depth:] = [entry]
                continue
        _add(path[-1], line.removeprefix(" " * (_INDENT * (level - 1))), actions)
    if not top.inner:
        return None
    title = _without_brackets("\n".join(top.lines).strip())
    messages = tuple(map(_message, top.inner))
    if not title and len(messages) == 1 and messages[0].forwarded:
        return Record(messages[0].text, messages[0].forwarded)
    return Record(title, messages)


def _add(entry: _Entry, line: str, actions: Actions | None) -> None:
    found = re.fullmatch(_FIELD, line)
    if found is None:
        entry.lines.append(line)
        return
    name, value = found.groups()
    if name == "消息内容":
        entry.lines.append(value)
    elif name == "发送者":
        entry.sender = value.strip()
    elif name == "消息类型":
        entry.kind = value.strip()
    elif name != "关联消息":
        entry.attachments.append(_attachment(re.findall(_DETAIL, value), actions))


def _message(entry: _Entry) -> QuotedMessage:
    content = "\n".join(entry.lines).strip()
    text = clean(content).text
    inner = tuple(map(_message, entry.inner))
    # A quote brings along one message; the title tells a quoted record that has only one.
    is_record = entry.kind == "合并转发消息" or len(inner) > 1 or text.endswith("聊天记录]")
    kind = 0
    if inner or entry.kind:
        kind = CHAT_RECORD if is_record else QUOTE
    return QuotedMessage(
        text=_without_brackets(text) if is_record and inner else text,
        author=Member(username=entry.sender) if entry.sender else None,
        attachments=tuple(entry.attachments),
        content=content,
        message_type=kind,
        quoted=inner[0] if inner and not is_record else None,
        forwarded=inner if is_record else (),
    )


def _attachment(details: Iterable[tuple[str, str]], actions: Actions | None) -> Attachment:
    values = {name: value.strip() for name, value in details}
    width, _, height = values.get("尺寸", "").partition("x")
    size = re.fullmatch(_SIZE, values.get("大小", "").upper())
    return Attachment(
        content_type=_CONTENT_TYPES.get(values.get("类型", ""), "file"),
        filename=values.get("文件名", ""),
        url=link(values.get("URL")),
        size=int(float(size[1]) * _UNITS[size[2]]) if size else 0,
        width=integer(width),
        height=integer(height),
        actions=actions,
    )


def _without_brackets(title: str) -> str:
    return title.removeprefix("[").removesuffix("]")
