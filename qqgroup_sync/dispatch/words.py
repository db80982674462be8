"""Splits a line into words as people type them in chats; knows nothing of commands or types.

Space of any width parts words. Quotes hold words together: ``"..."``, ``'...'``, ``“...”``,
``‘...’``, ``「...」``, ``『...』``. A quote opens at the beginning of a word, after its ``=`` or a
comma, so that ``don't`` is a word like any other. A backslash takes the meaning from the quote
after it, and inside quotes from another backslash; any other backslash is itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

QUOTES = {
    '"': '"',
    "'": "'",
    "＂": "＂",
    "＇": "＇",
    "“": "”",
    "”": "”",  # typed where an input method took the beginning for an end
    "‘": "’",
    "「": "」",
    "『": "』",
}
COMMAS = ",，、"
HEAD = 16  # characters that :func:`folded_head` looks at, for width costs much to fold
_EQUALS = "=＝"
_APOSTROPHES = "'＇’"
_MARKS = frozenset(QUOTES) | frozenset(QUOTES.values())
_WIDE = {
    **{code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)},
    0x3000: " ",
    0x2212: "-",  # the mathematical minus
}
_FOLDED = {**_WIDE, ord("İ"): "i", ord("ı"): "i"}  # as re.IGNORECASE has it
_PLAIN = re.compile(r"\w[\w.:/+-]*")
_BLANK = re.compile(r"\s*")
_DASHED = re.compile(r"(?:--|[—–]{1,2})([^\W\d][\w-]*)")  # phones turn -- into a long dash


class UnclosedQuote(ValueError):
    """A quote was opened and never closed.

    Attributes:
        mark: The quote that opened.
        wanted: The quote that would close it.
    """

    def __init__(self, mark: str) -> None:
        super().__init__(mark)
        self.mark = mark
        self.wanted = QUOTES[mark]


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a line.

    Attributes:
        text: Without its quotes and their escapes.
        start: Where it begins in the line.
        end: Where it ends in the line, after a closing quote.
        quoted: Whether the whole word stood in quotes.
        parts: Its parts between commas that stood outside quotes, without empty ones.
        equals: Where in ``text`` its first ``=`` outside quotes is; -1 when there is none.
    """

    text: str
    start: int
    end: int
    quoted: bool = False
    parts: tuple[str, ...] = ()
    equals: int = -1


def half_width(text: str) -> str:
    """Return the text with full-width letters, digits, signs and spaces as ASCII, length kept."""
    return text if text.isascii() else text.translate(_WIDE)


def folded(text: str) -> str:
    """Return what is equal for texts that differ in width and case only."""
    return text.lower() if text.isascii() else text.translate(_FOLDED).casefold()


def folded_head(text: str) -> str:
    """Return how a text begins: some characters of its first word, folded.

    Whatever :func:`loosely` made a pattern of begins so if its match does.
    """
    return folded(text.lstrip()[:HEAD]).split(None, 1)[0][:HEAD] if text.strip() else ""


def loosely(text: str) -> str:
    """Return a pattern, for ``re.IGNORECASE``, of a text in whatever width and spacing."""
    pieces = []
    for run in re.findall(r"\s+|\S", half_width(text)):
        wide = chr(ord(run) + 0xFEE0) if "!" <= run <= "~" and len(run) == 1 else ""
        pieces.append(r"\s+" if run.isspace() else f"[{re.escape(run)}{wide}]")
    return "".join(pieces)


def next_word(line: str, start: int = 0, *, unclosed: set[str] | None = None) -> Word | None:
    """Return the first word at or after ``start``; None when only space is left.

    Args:
        line: The line.
        start: Where to look from.
        unclosed: Given, a quote that never closes is an ordinary character and is added here;
            pass the same set for the next word, so that a line full of quotes is read in one go.

    Raises:
        UnclosedQuote: A quote never closes, and ``unclosed`` was not given.
    """
    found = _BLANK.match(line, start)
    begin = found.end() if found else start
    if begin >= len(line):
        return None
    while True:
        try:
            return _read(line, begin, unclosed or ())
        except UnclosedQuote as error:
            if unclosed is None:
                raise
            unclosed.add(error.mark)


def split(line: str) -> list[Word]:
    """Return the words of a line.

    Raises:
        UnclosedQuote: A quote never closes.
    """
    words: list[Word] = []
    while word := next_word(line, words[-1].end if words else 0):
        words.append(word)
    return words


def quote(text: str) -> str:
    """Return how to write a text so that it is one word; as it is where that will do."""
    if _PLAIN.fullmatch(text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _read(line: str, begin: int, ordinary: Collection[str]) -> Word:
    """Read the word that begins at ``begin``, where there is no space."""
    shown: list[str] = []  # pieces of the text; joined at the end, for the word may be long
    parts: list[list[str]] = [[]]
    keep = [False]  # whether a part stays though it is empty: it stood in quotes
    length, equals, position, may_open, quoted = 0, -1, begin, True, False
    while position < len(line) and not line[position].isspace():
        char = line[position]
        piece, position = char, position + 1
        if may_open and char in QUOTES and char not in ordinary:
            piece, position = _quotation(line, position - 1)
            keep[-1] = True
            quoted = not length and len(parts) == 1
        elif char == "\\" and line[position : position + 1] in _MARKS:
            piece, position = line[position], position + 1
        elif char in COMMAS:
            parts.append([])
            keep.append(False)
            shown.append(char)
            length, may_open, quoted = length + 1, True, False
            continue
        elif char in _EQUALS and equals < 0:
            equals, may_open = length, True
            shown.append(char)
            parts[-1].append(char)
            length += 1
            continue
        shown.append(piece)
        parts[-1].append(piece)
        length, may_open = length + len(piece), False
        if keep[-1] and line[position : position + 1] not in tuple(COMMAS):
            break  # what stands right behind a closing quote is the next word
    joined = ("".join(part) for part in parts)
    kept = tuple(part for part, always in zip(joined, keep, strict=True) if part or always)
    return Word("".join(shown), begin, position, quoted, kept, equals)


def _quotation(line: str, begin: int) -> tuple[str, int]:
    """Return what stands in the quotes that open at ``begin``, and where they end."""
    mark = line[begin]
    closing = QUOTES[mark]
    pieces: list[str] = []
    position = begin + 1
    while position < len(line):
        char, following = line[position], line[position + 1 : position + 2]
        position += 1
        if char == "\\" and (following == "\\" or following in _MARKS):
            pieces.append(following)
            position += 1
        elif char == closing and not _is_apostrophe(char, following):
            return "".join(pieces), position
        else:
            pieces.append(char)
    raise UnclosedQuote(mark)


def _is_apostrophe(char: str, following: str) -> bool:
    """Tell whether a single quote is the one of ``don't``: a Latin letter follows."""
    return char in _APOSTROPHES and following.isascii() and following.isalpha()


def key_of(name: str) -> str:
    """Return the name of an option as names are compared: ``Max_days`` is ``max-days``."""
    return folded(name).replace("_", "-")


def option_name(word: Word) -> tuple[str, bool]:
    """Return the name that a word may give a value to, and whether dashes stand before it."""
    name = half_width(word.text[: word.equals] if word.equals >= 0 else word.text)
    dashed = _DASHED.fullmatch(name)
    return (dashed[1], True) if dashed else (name, False)
