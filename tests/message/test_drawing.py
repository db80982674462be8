"""Text pictures, looked at pixel by pixel."""

import io
import logging
import sys
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from qqgroup_sync.errors import ConfigError, MediaError, MediaTooLarge, UnsupportedMedia
from qqgroup_sync.message import drawing
from qqgroup_sync.message.drawing import ImageElem, text_image

from .test_fonts import needs_cjk, needs_emoji

GROUND = (0xF5, 0xF5, 0xF5)
RED, BLUE = (255, 0, 0), (0, 0, 255)
SCALE = 2
PITCH = 45  # pixels from line to line: 15 * 1.5 * 2


def draw(text, images=None, **options):
    """Return the decoded picture."""
    data = text_image(text, images, **options)
    picture = Image.open(io.BytesIO(data))
    assert picture.format == "PNG"
    picture.load()
    return picture


def box_of(picture, colour=None, ground=GROUND):
    """Return the box around what is drawn, or around what has exactly this colour."""
    pixels = picture.load()
    places = [
        (x, y)
        for y in range(picture.height)
        for x in range(picture.width)
        if (pixels[x, y] == colour if colour else pixels[x, y] != ground)
    ]
    if not places:
        return None
    columns, rows = zip(*places, strict=True)
    return min(columns), min(rows), max(columns) + 1, max(rows) + 1


def inked_lines(picture, padding=20):
    """Return for each line of text whether anything is drawn in it."""
    count = (picture.height - 2 * padding) // PITCH
    strips = [
        (0, padding + n * PITCH, picture.width, padding + (n + 1) * PITCH) for n in range(count)
    ]
    return [box_of(picture.crop(strip)) is not None for strip in strips]


@pytest.fixture
def red_png(tmp_path):
    """A picture of 20 x 10 red pixels."""
    path = tmp_path / "red.png"
    Image.new("RGB", (20, 10), RED).save(path)
    return path


def test_the_picture_is_as_large_as_its_text():
    """The text stands in the middle of its padding; all around is the background."""
    picture = draw("Hello")
    left, top, right, bottom = box_of(picture)
    assert picture.height == PITCH + 2 * 20
    assert 18 <= left <= 26
    assert 14 <= picture.width - right <= 26
    assert abs(top - (picture.height - bottom)) < 16
    assert picture.getpixel((0, 0)) == GROUND


def test_black_on_light_grey_by_default():
    """The seed's colours: #000000 on #F5F5F5."""
    assert box_of(draw("Hello"), (0, 0, 0)) is not None
    other = draw("Hello", bgcolor="#00f", color="white")
    assert other.getpixel((1, 1)) == BLUE
    assert box_of(other, (255, 255, 255)) is not None


def test_markup_colours_its_text_and_is_not_seen():
    """The picture has the size of the plain text, and the colour stands only where it should."""
    picture = draw("ab [cl cd@#ff0000 cle] ef")
    assert picture.size == draw("ab cd ef").size
    assert box_of(draw("ab cd ef"), RED) is None
    left, _, right, _ = box_of(picture, RED)
    assert picture.width * 0.25 < left < right < picture.width * 0.75
    assert box_of(draw("[cl ab@#f00 cle]"), RED) is not None


def test_markup_that_is_not_whole_is_shown():
    """Nothing that somebody wrote disappears."""
    assert draw("[cl ab@#ff0000").width > draw("ab").width + 100


@needs_cjk
def test_chinese_text_is_drawn_with_different_characters():
    """Not as the same box again and again."""
    picture = draw("签到")
    middle = picture.width // 2
    first = picture.crop((middle - 30, 0, middle, picture.height))
    second = picture.crop((middle, 0, middle + 30, picture.height))
    assert first.tobytes() != second.tobytes()


@needs_cjk
def test_a_given_width_is_kept_and_the_text_wrapped():
    """Ten characters of 15 points in 100 points less the padding: two lines of five."""
    picture = draw("今天天气很好我们出去", width=100)
    assert picture.width == 200
    left, _, right, _ = box_of(picture)
    assert left >= 20
    assert right <= 180
    assert inked_lines(picture) == [True, True]


def test_a_long_text_has_a_sensible_width():
    """Without a width, lines end at 680 points and the picture grows downward."""
    picture = draw("word " * 300)
    assert 1250 < picture.width <= 680 * SCALE
    assert picture.height > 5 * PITCH
    assert box_of(picture)[2] <= picture.width - 20


def test_line_breaks_and_empty_lines_stay():
    """The line breaks around the text go, as in the seed family."""
    assert inked_lines(draw("\na\n\nb\n")) == [True, False, True]


def test_tabs_line_up():
    """What follows a tab begins at the same place in each line."""
    picture = draw("a\t[cl II@#ff0000 cle]\nabc\t[cl II@#ff0000 cle]")
    halves = [picture.crop((0, y, picture.width, y + PITCH)) for y in (20, 20 + PITCH)]
    lefts = {box_of(half, RED)[0] for half in halves}
    assert len(lefts) == 1


def test_a_height_is_the_least():
    """The picture is that high, and higher when the text would be cut off."""
    assert draw("a", height=300).height == 600
    assert draw("a\n" * 30, height=300).height == 30 * PITCH + 40


def test_scale_one_gives_the_named_pixels():
    """A picture is twice as sharp by default; scale=1 is the seed's size."""
    assert draw("a", width=100, height=50, scale=1).size == (100, 50)
    assert draw("a", width=100, height=50).size == (200, 100)


def test_a_larger_font_and_padding():
    """Both count in points."""
    small, large = draw("abc", padding=0), draw("abc", font_size=30, padding=0)
    assert large.height == 2 * small.height
    assert draw("abc", padding=30).height == small.height + 2 * 60


@pytest.mark.parametrize("text", ["a\n" * 2000, "中" * 90_000, "x" * 100_001, "\n" * 5000 + "x"])
def test_a_text_for_which_no_picture_is_large_enough(text):
    """It is refused before memory is spent, with the limit and the remedy."""
    with pytest.raises(MediaTooLarge, match=r"20000|100000") as caught:
        text_image("." + text, language="en")
    assert "several parts" in caught.value.remedy


@pytest.mark.parametrize(
    "options",
    [
        {"bgcolor": "no colour"},
        {"color": "#12345"},
        {"width": 20},
        {"width": 0},
        {"height": -1},
        {"font_size": 0},
        {"padding": -1},
        {"scale": 0},
        {"scale": float("nan")},
        {"font": "/nowhere.ttf"},
    ],
)
def test_wrong_options_are_refused(options):
    """The error names the option's value."""
    with pytest.raises(ConfigError):
        text_image("abc", **options)


def test_an_inserted_picture_stands_where_it_should(red_png):
    """Size and place count in points from the upper left corner."""
    picture = draw("", [ImageElem(red_png, (30, 20), (50, 40))], width=200, height=100)
    assert box_of(picture, RED) == (100, 80, 160, 120)


def test_a_single_size_is_the_height(red_png):
    """The shape stays; the picture is centred in the square of that size, as in the seed."""
    picture = draw("", [ImageElem(str(red_png), 20, (50, 40))], width=200, height=100)
    left, top, right, bottom = box_of(picture, RED)
    assert (right - left, bottom - top) == (80, 40)
    assert (left + right) / 2 == (50 + 20 / 2) * SCALE


def test_negative_places_count_from_the_end(red_png):
    """From the right and from the bottom."""
    picture = draw("", [ImageElem(red_png, (30, 20), (-40, -30))], width=200, height=100)
    assert box_of(picture, RED) == (320, 140, 380, 180)


def test_the_picture_grows_around_what_is_inserted(red_png):
    """Unless its size was given."""
    image = ImageElem(red_png, (300, 200), (10, 40))
    grown = draw("a", [image])
    assert grown.size == ((10 + 300 + 10) * SCALE, (40 + 200 + 10) * SCALE)
    assert draw("a", [image], width=100, height=100).size == (200, 200)


def test_transparent_pictures_let_the_background_through(tmp_path):
    """Half red over blue is half of both."""
    Image.new("RGBA", (10, 10), (255, 0, 0, 128)).save(tmp_path / "half.png")
    picture = draw("", [ImageElem(tmp_path / "half.png", 20, (5, 5))], bgcolor="#00f", width=60)
    red, green, blue = picture.getpixel((30, 30))
    assert (red, green) == (128, 0)
    assert blue == 127


def test_a_missing_picture_is_named(tmp_path):
    """The seed left it out without a word."""
    with pytest.raises(MediaError, match=r"cat\.png"):
        text_image("a", [ImageElem(tmp_path / "cat.png", 10, (0, 0))])


def test_a_broken_picture_is_named(tmp_path, red_png):
    """A text file, an empty file, half a PNG."""
    text, empty, half = (tmp_path / name for name in ("text.png", "empty.png", "half.png"))
    text.write_text("hello")
    empty.write_bytes(b"")
    half.write_bytes(red_png.read_bytes()[:45])
    for path, kind in ((text, UnsupportedMedia), (empty, UnsupportedMedia), (half, MediaError)):
        with pytest.raises(kind, match=path.name):
            text_image("a", [ImageElem(path, 10, (0, 0))])


def test_an_inserted_picture_has_a_limit(red_png):
    """No memory is spent on a picture of gigabytes."""
    for size in (15_000, (15_000, 15_000)):
        with pytest.raises(MediaTooLarge):
            text_image("a", [ImageElem(red_png, size, (0, 0))])
    with pytest.raises(MediaTooLarge):
        text_image("a", [ImageElem(red_png, 10, (100_000, 0))])


def test_characters_that_no_font_has_are_named_once_in_the_log(caplog, monkeypatch):
    """They become boxes, which nobody would understand without a word."""
    monkeypatch.setattr(drawing, "_boxes", set())
    cuneiform = "\U00012000"
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            draw(f"plain {cuneiform}\n{cuneiform}\u200d\t")
    (record,) = caplog.records
    assert "U+12000" in record.getMessage()
    assert "U+200D" not in record.getMessage()
    assert "U+0070" not in record.getMessage()


@needs_emoji
def test_emoji_are_colourful():
    """An emoji font of the system is used."""
    picture = draw("🎉")
    assert len(picture.getcolors(100_000)) > 50
    assert any(max(pixel) - min(pixel) > 60 for _, pixel in picture.getcolors(100_000))


@pytest.mark.parametrize(
    "text", ["\ud83d", "\x00\x07", "\u202eabc", "e" + "\u0301" * 500, "\ufffe", ""]
)
def test_strange_text_does_no_harm(text):
    """Half characters, controls and heaps of marks are drawn somehow."""
    assert draw(text).height == PITCH + 40


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\u2029"])
def test_every_line_end_ends_a_line(end):
    """The paragraph separator cannot even be measured."""
    assert draw(f"a{end}b").height == 2 * PITCH + 40


@needs_cjk
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=60), st.integers(40, 300))
def test_any_text_can_be_drawn(text, width):
    """Whatever somebody sends gives a picture of the width that was asked for."""
    assert draw(text, width=width, scale=1).width == width


def test_pictures_are_drawn_in_several_threads_at_once():
    """Nothing is shared: each picture is the one that a single thread draws."""
    wanted = text_image("Hello [cl you@#f00 cle] " * 20)
    found = []

    def several():
        found.extend(text_image("Hello [cl you@#f00 cle] " * 20) for _ in range(3))

    threads = [threading.Thread(target=several) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(found) == 12
    assert set(found) == {wanted}


def test_without_pillow_the_error_names_the_extra(monkeypatch):
    """It is an extra, and says so when it is needed."""
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(UnsupportedMedia, match="Pillow") as caught:
        text_image("a", language="en")
    assert 'pip install "qqgroup_sync[image]"' in caught.value.remedy
