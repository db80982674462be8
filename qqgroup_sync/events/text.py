"""The markup inside the content of a message: mentions, faces, escapes.

Source: content as seen in live payloads of groups and C2C, 2026-08; the pages only say that the
mention of the bot is taken out, which leaves spaces around the rest.
"""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, NamedTuple

from qqgroup_sync.events.lenient import integer, mapping, string
from qqgroup_sync.events.parts import Face

if TYPE_CHECKING:
    from collections.abc import Mapping

EVERYONE = "全体成员"

_MARKUP = re.compile(
    r"<@!?(?P<user>[0-9A-Za-z_-]{2,64})>"
    r'|<qqbot-at-user\s+id="(?P<tag>[^"<>]{1,64})"\s*/?>'
    r"|(?P<everyone><qqbot-at-everyone\s*/?>)"
    r"|(?P<face><faceType=[^<>]*>)"
    r"|\[<face,id=(?P<old>\d{1,9})\s*/?>\]"
)
_FACE_FIELD = r'(\w{1,16})=(?:"([^"]*)"|([^",\s/>]*))'  # compiled when the first face comes
_EVERYONE_IDS = ("all", "everyone")


class Cleaned(NamedTuple):
    """A content, taken apart.

    Attributes:
        text: Without mentions and faces, unescaped, without space at both ends.
        users: Openids of those mentioned, in order, each once.
        everyone: Whether everyone was mentioned.
        faces: In order.
    """

    text: str
    users: tuple[str, ...] = ()
    everyone: bool = False
    faces: tuple[Face, ...] = ()


def clean(content: str) -> Cleaned:
    """Take a content apart.

    The space after a removed mention or face goes with it where another space, or nothing, stands
    before: ``"a <@X> b"`` becomes ``"a b"``, and ``"a<@X> b"`` too.
    """
    if "<" not in content:
        return Cleaned(unescape(content).strip())
    rest: list[str] = []
    users: dict[str, None] = {}
    faces: list[Face] = []
    everyone = False
    end, before = 0, " "
    for found in _MARKUP.finditer(content):
        between = content[end : found.start()]
        if between:
            rest.append(between)
            before = between[-1]
        end = found.end()
        if before.isspace() and content[end : end + 1] == " ":
            end += 1
        kind = found.lastgroup
        value = found[kind] if kind else ""
        if kind == "face":
            faces.append(_face(value))
        elif kind == "old":
            faces.append(Face(value, type=1))
        elif kind == "everyone" or value in _EVERYONE_IDS:
            everyone = True
        else:
            users[value] = None
    rest.append(content[end:])
    return Cleaned(unescape("".join(rest)).strip(), tuple(users), everyone, tuple(faces))


def readable(content: str, names: Mapping[str, str]) -> str:
    """Return a content as people see it: ``@name`` for a mention, ``[name]`` for a face.

    Args:
        content: As it came.
        names: Openid to nickname; a mention of anybody else disappears.
    """

    def written(found: re.Match[str]) -> str:
        kind = found.lastgroup
        value = found[kind] if kind else ""
        if kind == "face":
            face = _face(value)
            return f"[{face.name or ('图片' if face.is_picture else '表情')}]"
        if kind == "old":
            return "[表情]"
        if kind == "everyone" or value in _EVERYONE_IDS:
            return f"@{EVERYONE}"
        return f"@{names[value]}" if value in names else ""

    return unescape(_MARKUP.sub(written, content) if "<" in content else content).strip()


def unescape(text: str) -> str:
    """Undo the three escapes of the platform.

    Source: documented for guilds (message format page, 2025-04), done by adapters for groups too.
    """
    if "&" not in text:
        return text
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _face(markup: str) -> Face:
    values = {name: quoted or bare for name, quoted, bare in re.findall(_FACE_FIELD, markup)}
    name = values.get("faceName", "") or _name_of_face(values.get("ext", ""))
    name = name.strip().lstrip("/").removeprefix("[").removesuffix("]")
    return Face(values.get("faceId", ""), name, integer(values.get("faceType")))


def _name_of_face(ext: str) -> str:
    """Read ``{"text": name}``, in base64."""
    try:
        told = json.loads(base64.b64decode(ext + "==")) if ext else None
    except (ValueError, RecursionError):
        return ""
    return string(mapping(told).get("text"))
