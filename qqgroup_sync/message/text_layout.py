"""Parts a text into coloured lines that fit a width; knows widths, but no font and no picture."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

# The seed family's markup: [cl text@#rrggbb cle]. What does not fit the pattern is shown as it is.
_COLOURED = re.compile(r"(?s)\[cl\s((?:(?!\[cl\s).)*?)@(#(?:[0-9a-fA-F]{3}){1,2})\scle\]")

_BREAK = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")  # beside the newline
_SPACES = frozenset(" \t\u3000\u200b")  # the last one has no width, but a line may end at it
_NO_START = frozenset(  # marks that belong to what stands before them
    "!%),.:;?]}¢°·†‡›»℃∶、。〃々〆〕〗〞﹚﹜！＂％＇），．：；？］｝～…—‥”’》〉」』】"
    "ーぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ"
)
_NO_END = frozenset("([{£¥$‹«“‘《〈「『【〔〖〝（［｛￡￥＄＃＠")
_KEPT_CONTROLS = frozenset("\t\u200b\u200c\u200d")
_JOINER = "\u200d"
_LONGEST_CLUSTER = 32  # characters; more marks on one letter are a joke, not writing


@dataclass(frozen=True, slots=True)
class Glyph:
    """What is never parted: a letter with its marks, or an emoji.

    Attributes:
        text: One character or more.
        colour: ``#rrggbb`` or ``#rgb``; None is the picture's own.
        width: In the unit of the measure.
    """

    text: str
    colour: str | None
    width: float


def coloured_runs(text: str) -> Iterator[tuple[str, str | None]]:
    """Yield the text in runs of one colour, without the markup."""
    end = 0
    for match in _COLOURED.finditer(text):
        if match.start() > end:
            yield text[end : match.start()], None
        if match.group(1):
            yield match.group(1), match.group(2)
        end = match.end()
    if end < len(text):
        yield text[end:], None


def plain(text: str) -> str:
    """Return the text without its colour markup."""
    return "".join(run for run, _ in coloured_runs(text))


def clusters(text: str) -> Iterator[str]:
    """Yield what a reader takes for one character each; invisible controls are left out."""
    current = ""
    for char in text:
        category = unicodedata.category(char)
        if category in ("Cc", "Cf") and char not in _KEPT_CONTROLS and not _is_tag(char):
            continue
        if category == "Cs":
            char = "\ufffd"  # noqa: PLW2901 - half a surrogate pair has no glyph in any font
        if current and _belongs(current, char, category) and len(current) < _LONGEST_CLUSTER:
            current += char
            continue
        if current:
            yield current
        current = char
    if current:
        yield current


def _belongs(current: str, char: str, category: str) -> bool:
    """Return whether ``char`` is part of the same visible character."""
    if current[-1] in _SPACES:
        return False
    if category in ("Mn", "Me", "Mc") or char in "\u200c\u200d" or _is_tag(char):
        return True
    if current[-1] == _JOINER or "\U0001f3fb" <= char <= "\U0001f3ff":  # a skin tone
        return True
    return len(current) == 1 and _is_half_flag(current) and _is_half_flag(char)


def _is_half_flag(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def _is_tag(char: str) -> bool:
    """Return whether this is one of the invisible letters that name a region's flag."""
    return "\U000e0020" <= char <= "\U000e007f"


def lines(
    text: str, measure: Callable[[str], float], *, width: float, tab: float
) -> Iterator[tuple[Glyph, ...]]:
    """Yield the lines of a text with markup; blanks at their ends are left out.

    A line ends between CJK characters, or at a space; a word longer than the width is broken.
    Marks like ``，`` never begin a line, nor do brackets like ``（`` end one.

    Args:
        text: May hold ``[cl text@#rrggbb cle]``.
        measure: Width of one cluster.
        width: What a line may take. At least one character stands in every line.
        tab: The distance between tab stops.
    """
    for paragraph in _paragraphs(text, measure):
        yield from _wrapped(paragraph, width, tab)


def _paragraphs(text: str, measure: Callable[[str], float]) -> Iterator[list[Glyph]]:
    current: list[Glyph] = []
    for run, colour in coloured_runs(_BREAK.sub("\n", text)):
        first, *others = run.split("\n")
        current += _glyphs(first, colour, measure)
        for other in others:
            yield current
            current = list(_glyphs(other, colour, measure))
    yield current


def _glyphs(text: str, colour: str | None, measure: Callable[[str], float]) -> Iterator[Glyph]:
    for cluster in clusters(text):
        invisible = cluster in ("\t", "\u200b")  # a tab's width depends on where it stands
        yield Glyph(cluster, colour, 0.0 if invisible else measure(cluster))


def _wrapped(paragraph: list[Glyph], width: float, tab: float) -> Iterator[tuple[Glyph, ...]]:
    line: list[Glyph] = []
    x = 0.0
    for unit in _units(paragraph):
        word = _without_blanks(unit)
        if line and word and x + _width(word) > width:
            yield _without_blanks(line)
            line, x = [], 0.0
        start, left = 0, _width(word)
        while not line and left > width and start < len(word) - 1:
            count = _fitting(word, start, width)
            part = word[start : start + count]
            yield part
            start, left = start + count, left - _width(part)
        for glyph in unit[start:]:
            placed = replace(glyph, width=tab - x % tab) if glyph.text == "\t" else glyph
            line.append(placed)
            x += placed.width
    yield _without_blanks(line)


def _units(paragraph: Iterable[Glyph]) -> Iterator[list[Glyph]]:
    """Yield what stays together: a word or a CJK character, its marks, the spaces after it."""
    unit: list[Glyph] = []
    indented = True  # the spaces before the first word stay with it
    for glyph in paragraph:
        if unit and not indented and _may_part(unit[-1].text, glyph.text):
            yield unit
            unit = []
        unit.append(glyph)
        indented = indented and glyph.text in _SPACES
    if unit:
        yield unit


def _may_part(before: str, after: str) -> bool:
    if before in _SPACES or after in _SPACES:
        return after not in _SPACES
    if after[0] in _NO_START or before[0] in _NO_END:
        return False
    return is_wide(before) or is_wide(after)


def is_wide(cluster: str) -> bool:
    """Return whether this is a CJK character, a full-width form or an emoji."""
    return unicodedata.east_asian_width(cluster[0]) in ("W", "F") or _is_half_flag(cluster[0])


def _fitting(word: Sequence[Glyph], start: int, width: float) -> int:
    """Return how many glyphs of a word that is too long stand in one line, at least one."""
    total, end = word[start].width, start + 1
    while end < len(word) - 1 and total + word[end].width <= width:
        total += word[end].width
        end += 1
    better = end
    while better > start + 1 and not _may_be_cut(word, better):
        better -= 1
    return (better if better > start + 1 else end) - start


def _may_be_cut(word: Sequence[Glyph], at: int) -> bool:
    return word[at].text[0] not in _NO_START and word[at - 1].text[0] not in _NO_END


def _width(glyphs: Iterable[Glyph]) -> float:
    return sum(glyph.width for glyph in glyphs)


def _without_blanks(glyphs: Iterable[Glyph]) -> tuple[Glyph, ...]:
    kept = list(glyphs)
    while kept and kept[-1].text in _SPACES:
        kept.pop()
    return tuple(kept)
