"""Pictures in a terminal: each character shows two pixels, one above the other. Needs Pillow."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from rich.segment import Segment, Segments
from rich.style import Style

if TYPE_CHECKING:
    from rich.color import Color

BLOCK = "▀"
COLUMNS, ROWS = 48, 20
"""The largest picture, in characters."""

_MOST_PIXELS = 50_000_000


def half_blocks(data: bytes, columns: int = COLUMNS, rows: int = ROWS) -> Segments | None:
    """Return a picture as coloured characters; None when it cannot be read, or Pillow is missing.

    Args:
        data: PNG, JPEG, GIF (its first frame) or whatever else Pillow reads.
        columns: At most so wide.
        rows: At most so high; two pixels each.
    """
    try:
        from PIL import Image  # noqa: PLC0415 - an extra
    except ModuleNotFoundError:
        return None
    try:
        with Image.open(io.BytesIO(data)) as opened:
            if opened.width * opened.height > _MOST_PIXELS:
                return None
            opened.draft("RGB", (columns * 4, rows * 8))  # JPEG: decode no more than is seen
            picture = opened.convert("RGBA")
    except Exception:  # Pillow raises many kinds for damaged pictures; then there is none
        return None
    picture.thumbnail((columns, rows * 2))
    ground = Image.new("RGBA", picture.size, (255, 255, 255, 255))
    flat = Image.alpha_composite(ground, picture).convert("RGB")
    segments = []
    for y in range(0, flat.height, 2):
        for x in range(flat.width):
            below = _colour(flat.getpixel((x, y + 1))) if y + 1 < flat.height else None
            style = Style(color=_colour(flat.getpixel((x, y))), bgcolor=below)
            segments.append(Segment(BLOCK, style))
        segments.append(Segment.line())
    return Segments(segments)


def _colour(pixel: object) -> Color:
    from rich.color import Color  # noqa: PLC0415 - for types above

    assert isinstance(pixel, tuple)
    return Color.from_rgb(*pixel)
