"""Pictures that QQ does not take become ones that it does, and look the same."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from PIL import Image, ImageOps, ImageSequence

from qqgroup_sync.errors import MediaError, MediaTooLarge, UnsupportedMedia
from qqgroup_sync.media import formats, images
from qqgroup_sync.media.images import encoded, sendable
from qqgroup_sync.media.sources import Source, load

SIZE = (37, 23)
NOISE = np.random.default_rng(3).integers(0, 256, (SIZE[1], SIZE[0], 4), np.uint8)


def noisy(mode="RGB"):
    """Return a picture in which no pixel is like the next one."""
    return Image.fromarray(NOISE).convert(mode)


def saved(picture, form, **options):
    """Return a picture as a file."""
    target = io.BytesIO()
    picture.save(target, form, **options)
    return target.getvalue()


def opened(source):
    """Return the picture in a source."""
    return Image.open(io.BytesIO(source.read()))


def same(left, right):
    """Tell whether two pictures look the same, pixel by pixel."""
    left, right = (np.asarray(one.convert("RGBA")).astype(int) for one in (left, right))
    visible = left[..., 3:] + right[..., 3:] > 0
    return left.shape == right.shape and not ((left != right) & visible).any()


def deep(values, mode):
    """Return a picture of numbers that do not fit into a byte."""
    return Image.fromarray(np.array(values, {"I;16": "<u2", "I": "<i4", "F": "<f4"}[mode]))


# ---------------------------------------------------------------------- untouched


@pytest.mark.parametrize(("form", "suffix"), [("PNG", "png"), ("JPEG", "jpg"), ("GIF", "gif")])
def test_what_qq_takes_stays_as_it_is(form, suffix):
    """Byte for byte, metadata and all."""
    data = saved(noisy(), form, comment=b"kept")
    source = load(data, "image")
    assert sendable(source) is source
    assert source.read() == data
    assert source.name == f"image.{suffix}"


def test_a_turned_jpeg_stays_as_it_is():
    """QQ turns it by itself."""
    data = saved(noisy(), "JPEG", exif=turned(6))
    assert sendable(load(data, "image")).read() == data


# ---------------------------------------------------------------------- converted


def turned(orientation):
    """Return EXIF data that turn a picture."""
    data = Image.Exif()
    data[0x0112] = orientation
    return data


STILL = {
    "webp": (noisy(), "WEBP", {"lossless": True}),
    "webp lossy": (noisy(), "WEBP", {}),
    "webp alpha": (noisy("RGBA"), "WEBP", {"lossless": True, "exact": True}),
    "bmp": (noisy(), "BMP", {}),
    "bmp palette": (noisy("P"), "BMP", {}),
    "bmp grey": (noisy("L"), "BMP", {}),
    "bmp black and white": (noisy("1"), "BMP", {}),
    "bmp alpha": (noisy("RGBA"), "BMP", {}),
    "tiff": (noisy(), "TIFF", {}),
    "tiff compressed": (noisy(), "TIFF", {"compression": "tiff_lzw"}),
    "tiff palette": (noisy("P"), "TIFF", {}),
    "tiff grey and alpha": (noisy("LA"), "TIFF", {}),
    "tiff cmyk": (noisy("CMYK"), "TIFF", {}),
    "tiff ycbcr": (noisy("YCbCr"), "TIFF", {}),
    "ico": (noisy("RGBA").resize((32, 32)), "ICO", {"sizes": [(32, 32)]}),
    "avif": (noisy(), "AVIF", {}),
    "avif alpha": (noisy("RGBA"), "AVIF", {}),
}


@pytest.mark.parametrize("name", STILL)
def test_a_still_picture_becomes_a_png_that_looks_the_same(name):
    """Compared after decoding, with what is transparent."""
    picture, form, options = STILL[name]
    source = load(saved(picture, form, **options), "image", name="my cat.xyz")
    ready = sendable(source)
    assert (ready.format, ready.name, ready.kind) == (formats.PNG, "my cat.png", "image")
    assert ready.size == len(ready.read())
    assert same(opened(ready), opened(source))


@pytest.mark.parametrize("form", ["WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_picture_stays_turned(form, orientation):
    """A png has no EXIF that a client would heed: the pixels themselves are turned."""
    exact = {"lossless": True} if form == "WEBP" else {}
    source = load(saved(noisy(), form, exif=turned(orientation), **exact), "image")
    ready = opened(sendable(source))
    assert same(ready, ImageOps.exif_transpose(opened(source)))
    assert ready.size == (SIZE if orientation < 5 else SIZE[::-1])
    assert ready.getexif().get(0x0112, 1) == 1


def test_16_bit_stay_16_bit():
    """A png can hold them."""
    values = [[0, 255, 256], [4096, 40000, 65535]]
    ready = opened(sendable(load(saved(deep(values, "I;16"), "TIFF"), "image")))
    assert np.asarray(ready).tolist() == values


def test_32_bit_are_cut_to_16():
    """A png holds no more."""
    ready = opened(sendable(load(saved(deep([[0, 300, 70000]], "I"), "TIFF"), "image")))
    assert np.asarray(ready).tolist() == [[0, 300, 65535]]


def test_fractions_become_grey():
    """From 0 to 255, as Pillow sees them."""
    ready = opened(sendable(load(saved(deep([[0.0, 99.6, 300.0]], "F"), "TIFF"), "image")))
    assert ready.mode == "L"
    assert np.asarray(ready).tolist() == [[0, 99, 255]]


def test_of_a_tiff_with_pages_the_first_is_sent():
    """A png has one."""
    data = saved(noisy(), "TIFF", save_all=True, append_images=[Image.new("RGB", (5, 5))])
    ready = sendable(load(data, "image"))
    assert ready.format is formats.PNG
    assert same(opened(ready), noisy())


# ---------------------------------------------------------------------- moving


def ball(mode, background):
    """Return a ball that rolls to the right, in flat colours that a gif can hold."""
    frames = []
    for number in range(5):
        frame = Image.new(mode, (40, 30), background)
        frame.paste("red", (number * 7, 5, number * 7 + 10, 15))
        frames.append(frame)
    return frames


@pytest.mark.parametrize(
    ("form", "mode", "background"),
    [("WEBP", "RGB", "white"), ("WEBP", "RGBA", (0, 0, 0, 0)), ("AVIF", "RGB", "white")],
)
def test_a_moving_picture_becomes_a_gif_with_every_frame(form, mode, background):
    """With their durations, and without a trail behind what moves before nothing."""
    frames = ball(mode, background)
    durations = [50, 100, 150, 200, 250]
    exact = {"lossless": True} if form == "WEBP" else {"quality": 100, "subsampling": "4:4:4"}
    data = saved(
        frames[0], form, save_all=True, append_images=frames[1:], duration=durations, **exact
    )
    ready = sendable(load(data, "image", name="ball.x"))
    assert (ready.format, ready.name) == (formats.GIF, "ball.gif")
    shown = opened(ready)
    assert shown.n_frames == 5
    assert shown.info["loop"] == 0
    for frame, wanted, duration in zip(
        ImageSequence.Iterator(shown), frames, durations, strict=True
    ):
        got, want = (np.asarray(one.convert("RGBA")).astype(int) for one in (frame, wanted))
        assert frame.info["duration"] == duration
        assert ((got[..., 3] > 127) == (want[..., 3] > 127)).all()
        assert (abs(got - want)[want[..., 3] > 0] < 12).all()


def test_frames_that_stand_still_keep_their_time():
    """A gif joins them; the time is the same."""
    frames = ball("RGB", "white")
    frames = [frames[0], frames[0], frames[1]]
    data = saved(
        frames[0], "WEBP", save_all=True, append_images=frames[1:], duration=[100, 200, 300]
    )
    shown = opened(sendable(load(data, "image")))
    assert sum(frame.info["duration"] for frame in ImageSequence.Iterator(shown)) == 600


def test_a_picture_that_moves_twice_does_not_move_for_ever():
    """As often as it was made for."""
    frames = ball("RGB", "white")
    data = saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], loop=2)
    assert opened(sendable(load(data, "image"))).info["loop"] == 2


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG"])
def test_a_pil_image_that_moves_is_sent_moving(form):
    """With every frame and its duration, and the user's image stands where it stood."""
    frames = ball("RGB", "white")
    data = saved(
        frames[0], form, save_all=True, append_images=frames[1:], duration=[50, 100, 150, 200, 250]
    )
    with Image.open(io.BytesIO(data)) as picture:
        source = load(picture, "image")
        assert picture.tell() == 0
        assert source.format is formats.GIF
        shown = opened(source)
        assert shown.n_frames == 5
        assert sum(frame.info["duration"] for frame in ImageSequence.Iterator(shown)) == 750
        picture.seek(3)  # this one is meant
        assert load(picture, "image").format is formats.PNG


def test_of_other_pil_images_with_several_pictures_the_first_is_sent():
    """Pages of a TIFF are no animation."""
    data = saved(noisy(), "TIFF", save_all=True, append_images=[Image.new("RGB", (5, 5))])
    with Image.open(io.BytesIO(data)) as picture:
        source = load(picture, "image")
    assert source.format is formats.PNG
    assert same(opened(source), noisy())


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_pil_image_is_sent_as_it_is_shown(orientation):
    """Photos of phones lie on their side and say so in their EXIF data."""
    data = saved(noisy(), "JPEG", exif=turned(orientation))
    with Image.open(io.BytesIO(data)) as picture:
        sent = opened(load(picture, "image"))
        assert same(sent, ImageOps.exif_transpose(picture))


def test_a_pil_image_with_damaged_exif_is_sent_all_the_same():
    """What turns it is unknown then; the pixels are not."""
    picture = noisy()
    picture.info["exif"] = b"Exif\0\0II*\0\xff\xff\xff\xff"
    assert same(opened(load(picture, "image")), noisy())


@pytest.mark.parametrize("form", ["JPEG", "WEBP", "TIFF", "AVIF", "BMP", "ICO", "PNG"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_the_size_is_that_of_what_is_sent(form, orientation):
    """Markdown tells it, and a wrong one distorts the picture."""
    turn = {"exif": turned(orientation)} if form in ("WEBP", "TIFF", "AVIF") else {}
    source = load(saved(noisy(), form, **turn), "image")
    assert images.size_of(source) == opened(sendable(source)).size


# ---------------------------------------------------------------------- too much


def huge_tiff(width, height):
    """Return a TIFF of a few bytes that says it has so many pixels."""
    entries = [
        *((256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 1)),
        *((262, 3, 1, 1), (273, 4, 1, 200), (277, 3, 1, 1), (278, 4, 1, height), (279, 4, 1, 8)),
    ]
    table = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    head = b"II*\x00\x08\x00\x00\x00" + struct.pack("<H", len(entries)) + table + bytes(4)
    return head.ljust(200, b"\x00") + bytes(8)


def huge_bmp(width, height):
    """Return the head of a BMP that says it has so many pixels."""
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + 1024, 0, 0, 54 + 1024) + head + bytes(1024)


@pytest.mark.parametrize("make", [huge_tiff, huge_bmp])
@pytest.mark.parametrize(
    "size",
    [
        (9_000, 9_000),  # more than ours
        (10_000, 10_000),  # Pillow warns
        (60_000, 60_000),  # Pillow refuses
    ],
)
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_bomb_is_refused_before_it_costs_memory(make, size, monkeypatch):
    """Not one row is decoded: the head tells."""
    from PIL import ImageFile

    def decoded(_self):
        pytest.fail("it was decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", decoded)
    with pytest.raises(MediaTooLarge, match="the limit is 80 million") as caught:
        sendable(load(make(*size), "image", name="bomb.x"))
    assert "bomb.x has too many pixels" in str(caught.value)
    assert caught.value.remedy


def test_a_bomb_is_refused_where_warnings_are_errors():
    """With ``python -W error`` it is the same error of ours."""
    with pytest.raises(MediaTooLarge):
        sendable(load(huge_tiff(10_000, 10_000), "image"))


def test_all_frames_of_a_moving_picture_count(monkeypatch):
    """Many small frames are as large as a large one."""
    frames = ball("RGB", "white")
    data = saved(frames[0], "WEBP", save_all=True, append_images=frames[1:])
    monkeypatch.setattr(images, "MOST_PIXELS", 40 * 30 * 5 - 1)
    with pytest.raises(MediaTooLarge):
        sendable(load(data, "image"))
    monkeypatch.setattr(images, "MOST_PIXELS", 40 * 30 * 5)
    assert sendable(load(data, "image")).format is formats.GIF


@pytest.fixture
def limit(monkeypatch):
    """Make pictures of more than 2 000 bytes too large, so that nobody has to draw 20 MB."""
    monkeypatch.setitem(images.LIMITS, "image", 2000)


@pytest.mark.usefixtures("limit")
def test_a_photo_that_is_too_large_as_png_becomes_a_jpg():
    """Also one with an alpha channel in which nothing is transparent."""
    for mode in ("RGB", "L", "P", "RGBA"):
        picture = Image.radial_gradient("L").convert("RGB").convert(mode)
        data, found = encoded(picture)
        assert found is formats.JPEG
        got, want = (
            np.asarray(one.convert("RGB")).astype(int)
            for one in (Image.open(io.BytesIO(data)), picture)
        )
        assert abs(got - want).mean() < 4


@pytest.mark.usefixtures("limit")
def test_what_a_jpg_cannot_hold_stays_a_png():
    """Transparency and 16 bit; the check of the size refuses it then."""
    for picture in (noisy("RGBA"), deep(NOISE[..., 0] * 256.0, "I;16")):
        assert encoded(picture)[1] is formats.PNG


@pytest.mark.usefixtures("limit")
def test_a_picture_that_became_too_large_is_refused():
    """Rather than shown as a file by the platform."""
    source = Source("image", "a.webp", formats.WEBP, 9, saved(noisy("RGBA"), "WEBP"))
    with pytest.raises(MediaTooLarge, match=r"a\.webp is larger than .* as a png") as caught:
        sendable(source)
    assert caught.value.remedy


# ---------------------------------------------------------------------- damaged


@pytest.mark.parametrize("form", ["WEBP", "BMP", "TIFF", "ICO", "AVIF"])
@pytest.mark.parametrize("part", [0.2, 0.5, 0.9])
def test_a_truncated_picture_is_refused(form, part):
    """By us, with the remedy, never by an error of Pillow's."""
    data = saved(noisy().resize((64, 64)), form)
    source = Source("image", "a.x", formats.sniff(data), 9, data[: int(len(data) * part)])
    with pytest.raises(UnsupportedMedia, match=r"^a\.x cannot be read as \w+ picture") as caught:
        sendable(source)
    assert "png" in caught.value.remedy
    assert "0x" not in caught.value.summary  # an address says nothing


@pytest.mark.parametrize("form", ["WEBP", "BMP", "TIFF", "ICO", "AVIF"])
def test_damaged_pictures_are_shown_or_refused(form):
    """Whatever bytes are changed: a picture, or an error of ours."""
    random = np.random.default_rng(11)
    data = saved(noisy(), form)
    refused = 0
    for _ in range(60):
        damaged = bytearray(data)
        for place in random.integers(0, min(300, len(data)), 4):
            damaged[place] = random.integers(0, 256)
        try:
            assert sendable(Source("image", "a", formats.sniff(data), 9, bytes(damaged))).size
        except MediaError:
            refused += 1
    assert refused


def test_what_only_begins_like_a_picture_is_refused():
    """Its first bytes are right, nothing else is."""
    with pytest.raises(UnsupportedMedia, match="cannot be read as tiff picture"):
        sendable(load(b"II*\x00" + b"no tiff at all" * 9, "image"))


def test_a_file_that_vanished_is_told_as_such(tmp_path):
    """It is not called damaged."""
    path = tmp_path / "a.webp"
    path.write_bytes(saved(noisy(), "WEBP"))
    source = load(path, "image")
    path.unlink()
    with pytest.raises(MediaError, match="there was when the chain was made") as caught:
        sendable(source)
    assert not isinstance(caught.value, UnsupportedMedia)


# ---------------------------------------------------------------------- Pillow


@pytest.mark.parametrize("form", ["WEBP", "BMP"])
def test_without_pillow_webp_and_bmp_go_as_they_are(form, monkeypatch):
    """A page of the documentation lists them."""
    data = saved(noisy(), form)
    monkeypatch.setitem(sys.modules, "PIL", None)
    source = load(data, "image")
    assert sendable(source) is source


def test_importing_and_checking_load_no_pillow():
    """Only converting does."""
    png = zlib.compress(saved(noisy(), "PNG"))
    code = f"""
import sys, zlib
from qqgroup_sync.media import checks, formats, images, sources
source = images.sendable(sources.load(zlib.decompress({png!r}), "image"))
assert source.picture_size() == {SIZE}
sources.load(b"text", "file")
try:
    sources.load(object(), "image")
except ValueError:
    pass
heavy = {{"PIL", "matplotlib", "numpy", "av", "requests", "flask"}} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=30)
