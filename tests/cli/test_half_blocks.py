"""Pictures as characters: their size, their colours, and what is no picture."""

from __future__ import annotations

import io

import pytest
from PIL import Image
from rich.console import Console

from qqgroup_sync.cli.half_blocks import half_blocks


def picture(size, colour=(255, 0, 0), form="PNG"):
    """The bytes of a picture of one colour."""
    held = io.BytesIO()
    Image.new("RGB", size, colour).save(held, form)
    return held.getvalue()


def drawn(data, **limits):
    """What the terminal gets."""
    console = Console(file=io.StringIO(), force_terminal=True, color_system="truecolor", width=100)
    console.print(half_blocks(data, **limits))
    return console.file.getvalue()


@pytest.mark.parametrize(
    ("size", "rows", "columns"),
    [((40, 40), 20, 40), ((400, 100), 6, 48), ((100, 400), 20, 10), ((2, 1), 1, 2)],
)
def test_a_picture_fits_its_place(size, rows, columns):
    """Bounded in both directions, in its own shape."""
    lines = [line for line in drawn(picture(size)).split("\n") if "▀" in line]
    assert (len(lines), lines[0].count("▀")) == (rows, columns)


def test_each_character_shows_two_pixels():
    """The upper one is its colour, the lower one its ground."""
    made = Image.new("RGB", (1, 2))
    made.putpixel((0, 0), (255, 0, 0))
    made.putpixel((0, 1), (0, 0, 255))
    held = io.BytesIO()
    made.save(held, "PNG")
    assert "38;2;255;0;0;48;2;0;0;255m▀" in drawn(held.getvalue())


def test_what_is_transparent_is_white():
    """As the chat page shows it."""
    held = io.BytesIO()
    Image.new("RGBA", (1, 2), (0, 0, 0, 0)).save(held, "PNG")
    assert "38;2;255;255;255" in drawn(held.getvalue())


@pytest.mark.parametrize("data", [b"", b"no picture", picture((9, 9))[:40]])
def test_what_cannot_be_read_is_not_drawn(data):
    """A damaged picture breaks no chat."""
    assert half_blocks(data) is None
