"""Draws text as a picture: colours, wrapping, inserted pictures; needs Pillow (extra ``image``)."""

from __future__ import annotations

import io
import itertools
import logging
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qqgroup_sync.errors import (
    ConfigError,
    MediaError,
    MediaTooLarge,
    QQGroupError,
    Text,
    UnsupportedMedia,
)
from qqgroup_sync.message import text_layout
from qqgroup_sync.message.fonts import Fonts

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Sequence

    from qqgroup_sync.message.fonts import Face
    from qqgroup_sync.message.text_layout import Glyph

MAX_SIDE = 20_000  # pixels
MAX_PIXELS = 60_000_000  # 180 MB while it is drawn
MAX_CHARACTERS = 100_000
AUTOMATIC_WIDTH = 680  # at most, when none is given; about 45 Chinese characters in a line
LINE_HEIGHT = 1.5  # times the font size
TAB = 4.0  # times the font size

_MOST_BOXES = 100  # characters that the log tells of
_boxes: set[str] = set()  # it has told of these
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ImageElem:
    """A picture drawn over the text image.

    Args:
        path: Of the picture.
        size: ``(width, height)``; or one number: the height, the width following from the
            picture's shape, centred in a square of that size.
        pos: Of the upper left corner; negative numbers count from the right and the bottom.
    """

    path: str | os.PathLike[str]
    size: int | tuple[int, int]
    pos: tuple[int, int]


def text_image(
    text: str,
    images: Sequence[ImageElem] | None = None,
    *,
    width: int | None = None,
    height: int | None = None,
    bgcolor: str = "#F5F5F5",
    color: str = "#000000",
    font: str | None = None,
    font_size: int = 15,
    padding: int = 10,
    scale: float = 2.0,
    language: str | None = None,
) -> bytes:
    """Draw a text and return it as PNG. Does not block; call it from any thread.

    Other characters that no font has, such as rare scripts, or emoji without an emoji font, are
    drawn as boxes; a warning in the log names each of them once.

    All lengths are in points of which ``scale`` pixels make one, so that the picture is sharp on
    phones: a width of 400 gives 800 pixels. ``scale=1`` gives exactly the pixels named.

    Args:
        text: ``[cl text@#rrggbb cle]`` colours a part; markup that is not whole is shown as it is.
        images: Drawn above the text, in order.
        width: Of the picture; longer lines are wrapped. None: as wide as the text, up to 680.
        height: Of the picture; it grows when the text needs more. None: as high as the text.
        bgcolor: Of the background; a name or ``#rrggbb``.
        color: Of the text.
        font: A font file that comes before the system's CJK font.
        font_size: Height of a character.
        padding: Between text and edge.
        scale: Pixels per point.
        language: Of cause and remedy in errors.

    Raises:
        ConfigError: A colour, a length or the font is wrong.
        UnsupportedMedia: Pillow is missing, or the text has Chinese, Japanese or Korean characters
            and no font for them was found, or an inserted picture is none.
        MediaTooLarge: The picture would be larger than 20 000 pixels.
        MediaError: An inserted picture cannot be read.
    """
    try:
        return _Drawing(
            padding=padding, scale=scale, bgcolor=bgcolor, color=color, language=language
        ).png(text, images or (), width=width, height=height, font=font, font_size=font_size)
    except QQGroupError:
        raise
    except ImportError as error:
        raise UnsupportedMedia(
            "drawing text needs Pillow",
            remedy=Text(
                'Install it: pip install "qqgroup_sync[image]".',
                '请安装：pip install "qqgroup_sync[image]"。',
            ),
            language=language,
        ) from error


@dataclass(frozen=True, slots=True)
class _Piece:
    """What is drawn at once: one face, one colour."""

    text: str
    face: Face
    colour: str | None
    x: float
    width: float


class _Drawing:
    """One picture: what all its parts are drawn with. Lengths inside are pixels."""

    def __init__(
        self, *, padding: int, scale: float, bgcolor: str, color: str, language: str | None
    ) -> None:
        self._language = language
        if not (math.isfinite(scale) and 0 < scale <= 8):
            raise self._wrong(f"scale has to be above 0 and at most 8, not {scale!r}")
        self._scale = scale
        self._padding = self._pixels("padding", padding, least=0)
        self._background = self._rgb("bgcolor", bgcolor)
        self._ink = self._rgb("color", color)

    def png(
        self,
        text: str,
        images: Iterable[ImageElem],
        *,
        width: int | None,
        height: int | None,
        font: str | None,
        font_size: int,
    ) -> bytes:
        from PIL import Image, ImageDraw  # noqa: PLC0415 - heavy, optional

        if len(text) > MAX_CHARACTERS:
            raise self._too_large(f"the text has {len(text)} characters", MAX_CHARACTERS)
        size = self._pixels("font_size", font_size)
        fixed = self._pixels("width", width) if width is not None else None
        least = self._pixels("height", height) if height is not None else 0
        room = (fixed or round(AUTOMATIC_WIDTH * self._scale)) - 2 * self._padding
        if room < size:
            raise self._wrong("width leaves no room for a character between the padding")

        fonts = Fonts(size, font, language=self._language)
        pitch = round(size * LINE_HEIGHT)
        rows = self._rows(text.strip("\n"), fonts, room, pitch, TAB * size)
        pictures = [(image, self._opened(image)) for image in images]
        right = max((row[-1].x + row[-1].width for row in rows if row), default=self._padding)
        total = (
            fixed or math.ceil(right) + self._padding,
            max(least, len(rows) * pitch + 2 * self._padding),
        )
        if fixed is None or least == 0:
            total = self._grown(total, pictures, wide=fixed is None, high=least == 0)
        if max(total) > MAX_SIDE or total[0] * total[1] > MAX_PIXELS:
            raise self._too_large(f"the picture would be {total[0]} x {total[1]} pixels", MAX_SIDE)

        canvas = Image.new("RGB", total, self._background)
        draw = ImageDraw.Draw(canvas)
        ascent, descent = fonts.main.font.getmetrics()
        baseline = self._padding + (pitch - ascent - descent) / 2 + ascent
        for number, row in enumerate(rows):
            for piece in row:
                self._put(canvas, draw, piece, baseline + number * pitch)
        for image, picture in pictures:
            self._paste(canvas, image, picture)
        buffer = io.BytesIO()
        canvas.save(buffer, "PNG")
        return buffer.getvalue()

    def _rows(
        self, text: str, fonts: Fonts, room: float, pitch: int, tab: float
    ) -> list[list[_Piece]]:
        """Return the lines, ready to be drawn; stop early when they are too many."""
        rows: list[list[_Piece]] = []
        for line in text_layout.lines(text, fonts.width, width=room, tab=tab):
            glyphs = list(line)
            _warn_of_boxes(glyphs, fonts)
            rows.append(list(_pieces(glyphs, fonts, self._padding)))
            if len(rows) * pitch > MAX_SIDE:
                raise self._too_large(f"the text needs more than {MAX_SIDE} pixels", MAX_SIDE)
        return rows

    def _put(self, canvas: Any, draw: Any, piece: _Piece, baseline: float) -> None:
        from PIL import Image, ImageDraw  # noqa: PLC0415 - heavy, optional

        face = piece.face
        where = (piece.x, baseline)
        if not face.colour:
            ink = self._rgb("text", piece.colour) if piece.colour else self._ink
            draw.text(where, piece.text, font=face.font, fill=ink, anchor="ls")
        elif face.scale == 1.0:
            draw.text(where, piece.text, font=face.font, embedded_color=True, anchor="ls")
        else:  # a bitmap font has one size: draw it beside, then scale
            ascent, descent = face.font.getmetrics()
            size = (math.ceil(face.font.getlength(piece.text)), ascent + descent)
            tile = Image.new("RGBA", size)
            ImageDraw.Draw(tile).text(
                (0, ascent), piece.text, font=face.font, embedded_color=True, anchor="ls"
            )
            small = tile.resize(
                tuple(max(1, round(side * face.scale)) for side in size), Image.Resampling.LANCZOS
            )
            top = round(baseline - ascent * face.scale)
            canvas.paste(small, (round(piece.x), top), small)

    def _opened(self, image: ImageElem) -> Any:
        """Return the picture in the size in which it is pasted."""
        from PIL import Image, UnidentifiedImageError  # noqa: PLC0415 - heavy, optional

        try:
            with Image.open(image.path) as opened:
                size = self._size_of(image, opened.size)
                opened.draft("RGB", size)  # a large JPEG is decoded small
                return opened.convert("RGBA").resize(size, Image.Resampling.LANCZOS)
        except UnidentifiedImageError as error:
            raise UnsupportedMedia(
                f"{str(image.path)!r} is not a picture", language=self._language
            ) from error
        except Image.DecompressionBombError as error:
            raise MediaTooLarge(
                f"{str(image.path)!r} has too many pixels", language=self._language
            ) from error
        except (OSError, SyntaxError, ValueError) as error:  # Pillow's words for broken pictures
            raise MediaError(
                f"the picture {str(image.path)!r} cannot be read: {error}",
                remedy=Text(
                    "Check ImageElem.path; relative paths count from the current directory.",
                    "请检查 ImageElem.path；相对路径以当前工作目录为准。",
                ),
                language=self._language,
            ) from error

    def _size_of(self, image: ImageElem, natural: tuple[int, int]) -> tuple[int, int]:
        if isinstance(image.size, tuple):
            wanted_width, wanted_height = image.size
            size = self._pixels("size", wanted_width), self._pixels("size", wanted_height)
        else:
            height = self._pixels("size", image.size)
            size = max(1, round(height * natural[0] / natural[1])), height
        if max(size) > MAX_SIDE or size[0] * size[1] > MAX_PIXELS:
            raise self._too_large(
                f"{str(image.path)!r} would be {size[0]} x {size[1]} pixels", MAX_SIDE
            )
        return size

    def _grown(
        self,
        total: tuple[int, int],
        pictures: Iterable[tuple[ImageElem, Any]],
        *,
        wide: bool,
        high: bool,
    ) -> tuple[int, int]:
        """Return the size with room for the pictures whose place counts from the upper left."""
        right, bottom = total
        for image, picture in pictures:
            x, y = (round(place * self._scale) for place in image.pos)
            if wide and x >= 0:
                right = max(right, x + picture.width + self._padding)
            if high and y >= 0:
                bottom = max(bottom, y + picture.height + self._padding)
        return right, bottom

    def _paste(self, canvas: Any, image: ImageElem, picture: Any) -> None:
        x, y = (
            round(place * self._scale) + (side if place < 0 else 0)
            for place, side in zip(image.pos, canvas.size, strict=True)
        )
        if not isinstance(image.size, tuple):
            x += (picture.height - picture.width) // 2
        canvas.paste(picture, (x, y), picture)

    def _pixels(self, name: str, value: int, *, least: int = 1) -> int:
        if not least <= value <= MAX_SIDE:
            raise self._wrong(f"{name} has to be from {least} to {MAX_SIDE}, not {value!r}")
        return max(least, round(value * self._scale))

    def _rgb(self, name: str, value: str) -> tuple[int, ...]:
        from PIL import ImageColor  # noqa: PLC0415 - heavy, optional

        try:
            return ImageColor.getrgb(value)[:3]
        except ValueError as error:
            raise self._wrong(f"{name}={value!r} is no colour; write it as #rrggbb") from error

    def _wrong(self, summary: str) -> ConfigError:
        return ConfigError(f"text_image: {summary}", language=self._language)

    def _too_large(self, what: str, limit: int) -> MediaTooLarge:
        return MediaTooLarge(
            f"{what}; {limit} is the limit",
            remedy=Text(
                "Send it in several parts, or as a file; or pass a smaller scale= or font_size=.",
                "请分成几部分发送，或作为文件发送；也可以减小 scale= 或 font_size=。",
            ),
            language=self._language,
        )


def _warn_of_boxes(line: Iterable[Glyph], fonts: Fonts) -> None:
    """Log which characters no font has, each once in the life of the program."""
    if len(_boxes) >= _MOST_BOXES:
        return
    new: set[str] = set()
    for glyph in line:
        face, shown = fonts.drawn(glyph.text)
        # Invisible characters have no glyph in most fonts, and need none.
        if shown and shown[0].isprintable() and not face.has(shown):
            new.add(shown[0])
    new -= _boxes
    if new:
        _boxes.update(new)
        logger.warning(
            "text_image: no font here has %s: drawn as boxes; install a font for them"
            " (emoji: fonts-noto-color-emoji), or pass font=",
            " ".join(f"{one} (U+{ord(one):04X})" for one in sorted(new)),
        )


def _pieces(line: Iterable[Glyph], fonts: Fonts, left: float) -> Iterator[_Piece]:
    """Join neighbours that one call can draw: kerning and joined scripts then come out right."""
    x = left
    drawn = ((glyph, *fonts.drawn(glyph.text)) for glyph in line)
    for (face, colour, blank), group in itertools.groupby(
        drawn, key=lambda one: (one[1], one[0].colour, one[0].text in ("\t", "\u200b"))
    ):
        glyphs = list(group)
        text = "".join(shown for _, _, shown in glyphs)
        width = sum(glyph.width for glyph, _, _ in glyphs) if blank else face.width(text)
        if not blank:
            yield _Piece(text, face, colour, x, width)
        x += width
