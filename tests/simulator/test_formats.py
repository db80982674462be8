"""What a file is by its first bytes, and how large a picture is; checked against Pillow's files."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qqgroup_sync.simulator import formats

from . import samples


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (samples.png(), "png"),
        (samples.JPG, "jpg"),
        (samples.GIF, "gif"),
        (samples.WEBP, "webp"),
        (samples.BMP, "bmp"),
        (samples.MP4, "mp4"),
        (samples.wav(), "wav"),
        (samples.MP3, "mp3"),
        (b"ID3\4\0", "mp3"),
        (samples.OGG, "ogg"),
        (samples.AMR, "amr"),
        (b"fLaC\0", "flac"),
        (b"#!SILK_V3x", "silk"),
        (b"\x02#!SILK_V3x", "silk"),
        (b"\0\0\0\x20ftypM4A ", "m4a"),
        (b"\0\0\0\x14ftypqt  ", "bin"),
        (b"%PDF-1.4", "pdf"),
        (b"PK\3\4", "zip"),
        (samples.HTML, "bin"),
        (b"<svg/>", "bin"),
        (b"BMW is a car and this is a text", "bin"),
        (b"\xff\xff\xff\xff", "bin"),
        (b"RIFF", "bin"),
        (b"", "bin"),
    ],
)
def test_sniff(data, name):
    """Each format by its first bytes."""
    assert formats.sniff(data[: formats.HEAD]).name == name


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("PNG", {}),
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("GIF", {}),
        ("BMP", {}),
        ("WEBP", {}),
        ("WEBP", {"lossless": True}),
        ("WEBP", {"lossless": True, "exif": b"Exif\0\0" + bytes(20)}),
    ],
)
def test_picture_size_of_real_pictures(kind, options):
    """Width and height as Pillow wrote them."""
    image = pytest.importorskip("PIL.Image")
    made = io.BytesIO()
    image.new("RGB", (321, 123), "red").save(made, kind, **options)
    assert formats.picture_size(made.getvalue()) == (321, 123)


@pytest.mark.parametrize(
    ("data", "size"),
    [
        (samples.JPG, (9, 7)),
        (samples.GIF, (5, 4)),
        (samples.WEBP, (10, 5)),
        (samples.BMP, (1, 2)),
        (samples.png()[:20], None),
        (samples.JPG[:-10], None),
        (b"\xff\xd8\xff\xff", None),
        (samples.MP4, None),
        (b"", None),
    ],
)
def test_picture_size(data, size):
    """Cut off pictures, and what is none, have no size."""
    assert formats.picture_size(data) == size


@given(st.sampled_from([samples.png(), samples.JPG, samples.WEBP, samples.BMP]), st.binary())
def test_any_bytes_have_a_size_or_none(start, rest):
    """Nothing that follows a good beginning breaks the reader, nor keeps it busy."""
    for cut in (4, 16, len(start)):
        formats.picture_size(start[:cut] + rest)
