"""Markup of the platform's markdown: mentions, command links, pictures; and where it may be cut.

Source: text-chain and markdown pages, 2026-08.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from qqgroup_sync.media.images import size_of
from qqgroup_sync.message.urls import escape_markdown

if TYPE_CHECKING:
    from collections.abc import Callable

    from qqgroup_sync.message.elements import At, Image, Link

_VISIBLE = re.compile("[^\\s\u200b-\u200f\u2060\ufeff]")
# What a cut must not part in markdown: an escape, a mention, a link or picture, a mark.
_WHOLE = re.compile(
    r"\\.|\ue0f0\d+\ue0f1|<qqbot-[^<>]{0,700}>|!?\[(?:\\.|[^\\\]]){0,300}\]\([^()\s]{0,2000}\)",
    re.DOTALL,
)
# Where the address of a picture is still to come; private-use characters, see without_marks().
_MARK = re.compile("\ue0f0(\\d+)\ue0f1")
_NO_MARKS = dict.fromkeys(map(ord, "\ue0f0\ue0f1"))
_OPENID = re.compile(r"(?!(?:all|everyone)\Z)[0-9A-Za-z_-]+")
PICTURE_ROOM = 400  # characters that a picture's address, size and words take in the end


def at_markup(at: At) -> str:
    """Return what mentions a member; what is no openid mentions nobody, and is no markup."""
    return f'<qqbot-at-user id="{at.openid if _OPENID.fullmatch(at.openid) else ""}" />'


def link_markup(link: Link) -> str:
    """Return what a click turns into a command."""
    command = quote(link.command, safe="", errors="replace")  # half a character cannot be written
    if link.enter:
        return f'<qqbot-cmd-enter text="{command}" />'
    show = quote(link.show or link.command, safe="", errors="replace")
    reference = str(link.reference).lower()
    return f'<qqbot-cmd-input text="{command}" show="{show}" reference="{reference}" />'


def picture_mark(number: int) -> str:
    """Return what stands for a picture until its address is known."""
    return f"\ue0f0{number}\ue0f1"


def without_marks(text: str) -> str:
    """Return a text without what could pass for a mark: people may write anything."""
    return text.translate(_NO_MARKS)


def pictures_in(content: str) -> list[int]:
    """Return the numbers of the pictures that a piece of markdown shows."""
    return [int(number) for number in _MARK.findall(content)]


def fill_in(content: str, picture: Callable[[int], str]) -> str:
    """Return markdown with every mark replaced by what ``picture`` makes of its number."""
    return _MARK.sub(lambda mark: picture(int(mark[1])), content)


def picture_markup(image: Image, url: str) -> str:
    """Return what shows a picture; the size is needed for a correct layout.

    It is measured as the platform gets it when no builder changes it: turned, or converted.

    Raises:
        MediaError: The file cannot be read any more.
    """
    size = size_of(image.content)
    hint = f" #{size[0]}px #{size[1]}px" if size else ""
    target = url.replace("(", "%28").replace(")", "%29").replace(" ", "%20")
    return f"![{escape_markdown(image.alt or 'image')}{hint}]({target})"


def split(text: str, limit: int, *, markdown: bool) -> list[str]:
    """Cut a text into pieces of at most ``limit`` characters; [] when nothing is visible.

    A cut is made at the last blank line, line break or space in the later half of a piece; in
    markdown not inside a mention, a link or an escape that fits into a piece. No piece gets more
    pictures than it has room for when their marks have become addresses.
    """
    pieces: list[str] = []
    while (cut := _room(text, limit, markdown=markdown)) < len(text):
        head = text[:cut]
        half = cut // 2
        for mark in ("\n\n", "\n", "。", " "):
            place = head.rfind(mark)
            if place >= half:
                cut = place + len(mark)
                break
        if markdown:
            cut = _before_the_whole(text, cut)
        pieces.append(text[:cut].rstrip())
        text = text[cut:].lstrip("\n")
    pieces.append(text)
    return [piece for piece in pieces if _VISIBLE.search(piece)]


def _room(text: str, limit: int, *, markdown: bool) -> int:
    """Return how much of the text one piece takes at most.

    Who splits markdown with pictures keeps up to half of a message free for them: text and
    pictures together get twice the limit.
    """
    room = min(limit, len(text))
    if not markdown:
        return room
    for number, mark in enumerate(_MARK.finditer(text, 0, room), 1):
        left = 2 * limit - number * PICTURE_ROOM
        if number > 1 and mark.end() > left:
            return mark.start()
        room = min(room, max(mark.end(), left))
    return room


def _before_the_whole(text: str, cut: int) -> int:
    """Return where to cut so that nothing is parted that belongs together."""
    for whole in _WHOLE.finditer(text, 0, cut + 3000):
        if whole.start() < cut < whole.end():
            return whole.start() or cut
    return cut
