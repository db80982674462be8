"""What bytes are: real files of every format, as other programs write them, whole and cut off."""

from __future__ import annotations

import functools
import io
import struct

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from qqgroup_sync.media import formats
from qqgroup_sync.media.endings import is_cut_off
from qqgroup_sync.media.formats import HEAD, is_animated_webp, picture_size, sniff
from tests.media import samples, sounds

SIZE = (37, 23)
NOISE = np.random.default_rng(7).integers(0, 256, (SIZE[1], SIZE[0], 4), np.uint8)
BEHIND = (b"\x00", b"\r\n", b"trailing bytes behind the end", bytes(64), b"\xff\xd8\xff" * 20)


def still(form, mode="RGB", **options):
    """Return a noisy picture, as Pillow saves it."""
    target = io.BytesIO()
    Image.fromarray(NOISE).convert(mode).save(target, form, **options)
    return target.getvalue()


def moving(form, **options):
    """Return a picture of three frames."""
    frames = [Image.fromarray(np.roll(NOISE, turn, 1)).convert("RGB") for turn in range(3)]
    target = io.BytesIO()
    frames[0].save(target, form, save_all=True, append_images=frames[1:], **options)
    return target.getvalue()


def exif(orientation=1, thumbnail=b"", padding=0):
    """Return EXIF data; a thumbnail is a JPEG of its own."""
    data = Image.Exif()
    data[0x0112] = orientation
    data[0x010E] = "x" * padding
    return data.tobytes() + thumbnail


def film(container, codec, pixels="yuv420p"):
    """Return a short video."""
    target = io.BytesIO()
    with av.open(target, "w", format=container) as output:
        stream = output.add_stream(codec, rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, pixels
        for number in range(5):
            image = np.full((48, 64, 3), number * 40, np.uint8)
            output.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        output.mux(stream.encode(None))
    return target.getvalue()


def sound(container, codec, **options):
    """Return half a second of something like speech."""
    return sounds.encoded(sounds.speech(0.5), container, codec, **options)


def silence(container, codec):
    """Return a moment of silence, by an encoder that has to be told more."""
    target = io.BytesIO()
    with av.open(target, "w", format=container) as output:
        stream = output.add_stream(codec, rate=44100, options={"strict": "experimental"})
        stream.bit_rate, stream.layout = 64000, "stereo"
        frame = av.AudioFrame.from_ndarray(
            np.zeros((2, 4096), np.float32), format="fltp", layout="stereo"
        )
        frame.sample_rate = 44100
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return target.getvalue()


def large_exif_jpeg():
    """Return a JPEG whose size stands behind 300 KB of metadata."""
    plain = still("JPEG")
    filling = b"\xff\xe9" + struct.pack(">H", 60002) + b"x" * 60000
    return plain[:2] + filling * 5 + plain[2:]


def top_down_bmp():
    """Return a BMP whose rows come from the top: its height is negative."""
    data = bytearray(still("BMP"))
    struct.pack_into("<i", data, 22, -SIZE[1])
    return bytes(data)


def os2_bmp():
    """Return a BMP of the oldest kind."""
    row = SIZE[0] * 3 + -SIZE[0] * 3 % 4
    size = 26 + row * SIZE[1]
    head = b"BM" + struct.pack("<IHHI", size, 0, 0, 26)
    return head + struct.pack("<IHHHH", 12, *SIZE, 1, 24) + bytes(row * SIZE[1])


PICTURES = {
    "png": (formats.PNG, lambda: still("PNG")),
    "png palette": (formats.PNG, lambda: still("PNG", "P")),
    "png moving": (formats.PNG, lambda: moving("PNG")),
    "jpeg": (formats.JPEG, lambda: still("JPEG")),
    "jpeg grey": (formats.JPEG, lambda: still("JPEG", "L")),
    "jpeg progressive": (formats.JPEG, lambda: still("JPEG", progressive=True)),
    "jpeg thumbnail": (
        formats.JPEG,
        lambda: still("JPEG", exif=exif(6, thumbnail=still("JPEG", quality=5))),
    ),
    "jpeg large exif": (formats.JPEG, large_exif_jpeg),
    "gif": (formats.GIF, lambda: still("GIF", "P")),
    "gif moving": (formats.GIF, lambda: moving("GIF", duration=40, loop=0)),
    "webp": (formats.WEBP, lambda: still("WEBP")),
    "webp lossless": (formats.WEBP, lambda: still("WEBP", lossless=True)),
    "webp alpha": (formats.WEBP, lambda: still("WEBP", "RGBA")),
    "webp lossless alpha": (formats.WEBP, lambda: still("WEBP", "RGBA", lossless=True)),
    "webp exif": (formats.WEBP, lambda: still("WEBP", exif=exif(6))),
    "webp moving": (formats.WEBP, lambda: moving("WEBP", duration=40)),
    "bmp": (formats.BMP, lambda: still("BMP")),
    "bmp palette": (formats.BMP, lambda: still("BMP", "P")),
    "bmp alpha": (formats.BMP, lambda: still("BMP", "RGBA")),
    "bmp top-down": (formats.BMP, top_down_bmp),
    "bmp os/2": (formats.BMP, os2_bmp),
    "tiff": (formats.TIFF, lambda: still("TIFF")),
    "tiff big-endian": (formats.TIFF, lambda: still("TIFF", "I;16B")),
    "ico": (formats.ICO, lambda: still("ICO", "RGBA", sizes=[(16, 16)])),
    "avif": (formats.AVIF, lambda: still("AVIF")),
    "avif moving": (formats.AVIF, lambda: moving("AVIF")),
}
OTHERS = {
    "mp4": (formats.MP4, lambda: film("mp4", "mpeg4")),
    "mp4 h264": (formats.MP4, lambda: film("mp4", "libx264")),
    "mov": (formats.MOV, lambda: film("mov", "mpeg4")),
    "webm": (formats.WEBM, lambda: film("webm", "libvpx")),
    "mkv": (formats.MKV, lambda: film("matroska", "mpeg4")),
    "avi": (formats.AVI, lambda: film("avi", "mpeg4")),
    "flv": (formats.FLV, lambda: film("flv", "flv1")),
    "wmv": (formats.WMV, lambda: film("asf", "wmv2")),
    "wma": (formats.WMA, lambda: silence("asf", "wmav2")),
    "m4a": (formats.M4A, lambda: sound("ipod", "aac")),
    "mp3 with tag": (formats.MP3, lambda: sound("mp3", "libmp3lame", title="a title")),
    "mp3 bare": (formats.MP3, lambda: without_tag(sound("mp3", "libmp3lame"))),
    "mp3 16 kHz": (formats.MP3, lambda: without_tag(sound("mp3", "libmp3lame", rate=16000))),
    "ogg vorbis": (formats.OGG, lambda: silence("ogg", "vorbis")),
    "ogg opus": (formats.OGG, lambda: sound("ogg", "libopus", rate=48000)),
    "flac": (formats.FLAC, lambda: sound("flac", "flac")),
    "amr": (formats.AMR, lambda: sound("amr", "libopencore_amrnb", rate=8000)),
    "aac": (formats.AAC, lambda: sound("adts", "aac")),
    "aac behind a tag": (formats.AAC, lambda: id3(10) + sound("adts", "aac")),
    "flac behind a tag": (formats.FLAC, lambda: id3(10) + sound("flac", "flac")),
    "wav": (formats.WAV, lambda: sounds.wav(sounds.speech(0.5))),
    "silk": (formats.SILK, lambda: samples.silk(0.5)),
    "standard silk": (formats.SILK, lambda: samples.silk(0.5)[1:]),
}
REAL = PICTURES | OTHERS


def id3(size):
    """Return a tag as it stands before music."""
    return b"ID3\x04\x00\x00" + bytes((0, 0, size >> 7, size & 0x7F)) + bytes(size)


def without_tag(mp3):
    """Return an MP3 from its first frame on."""
    size = sum(byte << shift for byte, shift in zip(mp3[6:10], (21, 14, 7, 0), strict=True))
    return mp3[10 + size :] if mp3.startswith(b"ID3") else mp3


@functools.cache
def real(name):
    """Return a real file."""
    return REAL[name][1]()


def cut_off(data, found, size=None):
    """Tell whether data are found to be cut off."""
    return is_cut_off(io.BytesIO(data), len(data) if size is None else size, found)


# ---------------------------------------------------------------------- what it is


@pytest.mark.parametrize("name", REAL)
def test_real_files_are_known(name):
    """By content alone, with the head that the package reads."""
    assert sniff(real(name)[:HEAD]) == REAL[name][0]


@pytest.mark.parametrize(
    ("head", "found"),
    [
        (b"%PDF-1.7\n%\xe2\xe3", formats.PDF),
        (b"PK\x03\x04\x14\x00\x06\x00", formats.ZIP),
        (b"plain text, and nothing else\n", formats.TEXT),
        ("中文文本\n".encode(), formats.TEXT),
        (("文" * HEAD).encode()[:HEAD], formats.TEXT),
        (b"\xef\xbb\xbfwith a mark", formats.TEXT),
        (b"\x1b[31mred\x1b[0m\n", formats.TEXT),
        (b'{"code": 404, "message": "not found"}', formats.TEXT),
        (b"<p>how to use <svg> and <html> tags</p>", formats.TEXT),
        (b"see <html>", formats.TEXT),
        (b"<header>no page</header>", formats.TEXT),
        (b"the free lunch is not a film", formats.TEXT),
        (b"BMW is no bitmap, however long this text may be", formats.TEXT),
        (b"<!DOCTYPE html><html></html>", formats.HTML),
        (b"\n  <html lang=zh><svg></svg>", formats.HTML),
        (b"\xef\xbb\xbf<!-- saved --><!-- twice -->\n<HTML>\n", formats.HTML),
        ("<html><title>页面不存在</title>".encode("gbk"), formats.HTML),
        (b"<?xml version='1.0'?><!DOCTYPE html PUBLIC '-//W3C//DTD XHTML 1.0'>", formats.HTML),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', formats.SVG),
        (b'<?xml version="1.0"?>\n<!-- drawn by hand -->\n<svg width="1"/>', formats.SVG),
        (b"<?xml version='1.0'?><!DOCTYPE svg PUBLIC '-//W3C//DTD SVG 1.1//EN'>", formats.SVG),
        ("文本".encode("gbk"), formats.UNKNOWN),
        ("text".encode("utf-16"), formats.UNKNOWN),
        (b"", formats.UNKNOWN),
        (b"\x00" * HEAD, formats.UNKNOWN),
        (b"\x01\x02\x03\x04", formats.UNKNOWN),
        (b"\xff\xff\xff\xff", formats.UNKNOWN),
        (b"\xff\xeb\x90\x64", formats.UNKNOWN),
        (b"RIFF\x04\x00\x00\x00ACON", formats.UNKNOWN),
        (b"\x00\x00\x00\x08wide\x00\x00\x10\x00mdat", formats.MOV),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", formats.HEIC),
        (b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isom", formats.MP4),
        (b"#!AMR-WB\n", formats.AMR),
        (id3(127) + b"\xff\xfb\x90\x64", formats.MP3),
        (id3(5000)[:HEAD], formats.MP3),
    ],
)
def test_heads(head, found):
    """Texts, pages, and what only looks like something."""
    assert sniff(head) == found


def test_hostile_markup_takes_no_time():
    """Neither a comment that never ends nor thousands of them stall: the test would time out."""
    assert sniff(b"<!--" * 200_000) is formats.TEXT
    assert sniff(b"<!-- -->" * 100_000) is formats.TEXT
    assert sniff(b" " * 1_000_000) is formats.TEXT
    assert sniff(b"ID3\x04\x00\x00\x00\x00\x00\x00" * 100_000) is formats.MP3


def test_a_wav_for_more_than_4_gb_is_a_format_of_its_own():
    """Players that take WAV need not take it."""
    assert formats.sniff(b"RF64\xff\xff\xff\xffWAVEds64") is formats.RF64
    assert formats.sniff(b"RF64\xff\xff\xff\xffWEBPVP8 ") is not formats.WEBP
    assert formats.RF64.kind == "voice"


def test_each_format_has_one_name_and_one_suffix():
    """Two formats with the same name or suffix could not be told apart in texts."""
    every = [one for one in vars(formats).values() if isinstance(one, formats.Format)]
    assert len({one.name for one in every}) == len(every)
    assert len({one.suffix for one in every}) == len(every)


# ---------------------------------------------------------------------- pictures

MEASURED = (formats.PNG, formats.JPEG, formats.GIF, formats.WEBP, formats.BMP)


@pytest.mark.parametrize("name", PICTURES)
def test_the_size_is_the_one_that_pillow_finds(name):
    """Of the formats that markdown shows; None of those that are converted first."""
    with Image.open(io.BytesIO(real(name))) as picture:
        jpeg = picture.format == "JPEG"
        size = (ImageOps.exif_transpose(picture) if jpeg else picture).size
    assert picture_size(real(name)) == (size if PICTURES[name][0] in MEASURED else None)


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (16_383, 1), (255, 257)])
@pytest.mark.parametrize(
    ("form", "options"),
    [
        ("PNG", {}),
        ("JPEG", {}),
        ("GIF", {}),
        ("BMP", {}),
        ("WEBP", {}),
        ("WEBP", {"lossless": True}),
    ],
)
def test_odd_sizes(form, options, size):
    """From one pixel to the largest WebP."""
    target = io.BytesIO()
    Image.new("RGB", size, "red").save(target, form, **options)
    assert picture_size(target.getvalue()[:HEAD]) == size


@pytest.mark.parametrize("name", ["png", "gif", "bmp", "webp", "webp lossless", "jpeg"])
def test_no_size_in_a_head_that_is_too_short(name):
    """None, not a number that stands somewhere else."""
    assert all(picture_size(real(name)[:length]) in (None, SIZE) for length in range(64))
    assert picture_size(real(name)[:9]) is None


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", range(10))
def test_a_photo_has_the_size_in_which_it_is_shown(orientation, order):
    """A telephone held upright stores its photos lying, and says so in EXIF."""
    exif = Image.Exif()
    exif.endian = order
    exif[0x010F], exif[0x0112] = "Some Maker", orientation
    target = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(target, "JPEG", exif=exif)
    photo = target.getvalue()
    with Image.open(target) as picture:
        shown = ImageOps.exif_transpose(picture).size
    assert picture_size(photo) == shown
    place = photo.index(b"Exif\0\0") + 6
    damaged = photo[: place + 4] + b"\xff\xff\xff\xff" + photo[place + 8 :]
    assert picture_size(damaged) == (40, 30)


def test_impossible_sizes_are_none():
    """A picture has at least one pixel, and less than a million on a side."""
    png = real("png")
    for width, height in ((0, 5), (5, 0), (2**31, 5), (5, 1_000_000)):
        assert picture_size(png[:16] + struct.pack(">II", width, height) + png[24:]) is None


def test_moving_webp_is_known():
    """By its head alone."""
    assert is_animated_webp(real("webp moving")[:HEAD])
    for name in ("webp", "webp lossless", "webp alpha", "webp exif", "gif moving", "png"):
        assert not is_animated_webp(real(name)[:HEAD])


# ---------------------------------------------------------------------- the end

TOLD = [
    name
    for name, (found, _) in REAL.items()
    if found
    in (
        *(formats.PNG, formats.JPEG, formats.GIF, formats.WEBP, formats.AVIF),
        *(formats.MP4, formats.MOV, formats.M4A, formats.AVI),
    )
]


@pytest.mark.parametrize("name", REAL)
def test_whole_files_are_not_cut_off(name):
    """Nor when something stands behind the end, as phones and downloads leave it there."""
    data, found = real(name), REAL[name][0]
    assert not cut_off(data, found)
    for behind in BEHIND:
        assert not cut_off(data + behind, found), behind


@pytest.mark.parametrize("name", TOLD)
@pytest.mark.parametrize("part", [0.1, 0.3, 0.5, 0.7, 0.9, 0.99])
def test_cut_off_files_are_found(name, part):
    """Wherever they end, also behind a thumbnail that has an end of its own."""
    data, found = real(name), REAL[name][0]
    assert cut_off(data[: max(40, int(len(data) * part))], found)


@pytest.mark.parametrize("name", [name for name in TOLD if not name.startswith("gif")])
def test_the_last_byte_counts(name):
    """One byte less is less."""
    assert cut_off(real(name)[:-1], REAL[name][0])


def test_a_gif_may_lack_its_last_byte():
    """Many do, and every program shows them."""
    for name in ("gif", "gif moving"):
        assert real(name)[-1:] == b";"
        assert not cut_off(real(name)[:-1], formats.GIF)
        assert cut_off(real(name)[:-2], formats.GIF)


def test_a_gif_without_a_frame_is_cut_off():
    """Its head alone shows nothing."""
    assert cut_off(b"GIF89a\x01\x00\x01\x00\x00\x00\x00", formats.GIF)


def test_an_mp4_without_its_index_or_its_data_is_cut_off():
    """As a recording that was not ended, or a download that ended between two boxes."""
    mp4 = real("mp4")
    index = mp4.index(b"moov") - 4
    assert cut_off(mp4[:index], formats.MP4)
    assert cut_off(mp4[:32] + mp4[index:], formats.MP4)


@pytest.mark.parametrize("options", [{"movflags": "faststart"}, {"movflags": "frag_keyframe"}])
def test_an_mp4_of_another_order_is_whole(options, tmp_path):
    """The index first, or many of them."""
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w", options=options) as output:
        stream = output.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        image = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")
        output.mux(stream.encode(image))
        output.mux(stream.encode(None))
    data = path.read_bytes()
    assert not cut_off(data, formats.MP4)
    assert not cut_off(data + b"trailing bytes behind the end", formats.MP4)


def test_an_mp4_with_boxes_of_64_bit_and_a_vendors_own_is_whole():
    """As cameras write them."""
    ftyp = b"\x00\x00\x00\x10ftypisom\x00\x00\x00\x00"
    own = b"\x00\x00\x00\x0cSDat1234"
    moov = b"\x00\x00\x00\x08moov"
    mdat = b"\x00\x00\x00\x01mdat" + struct.pack(">Q", 20) + b"1234"
    endless = b"\x00\x00\x00\x00mdat1234"
    for data in (ftyp + own + moov + mdat, ftyp + mdat + moov, ftyp + moov + endless):
        assert not cut_off(data, formats.MP4)
    assert cut_off(ftyp + moov + mdat[:-1], formats.MP4)
    assert cut_off(ftyp + moov + mdat[:10], formats.MP4)


def test_an_avi_from_a_pipe_is_not_cut_off():
    """Its writer could not go back to say how long it became."""
    avi = real("avi")
    for length in (0, 0xFFFFFFFF):
        assert not cut_off(avi[:4] + struct.pack("<I", length) + avi[8:], formats.AVI)


def test_only_little_of_a_large_file_is_read():
    """200 MB of video cost a few reads."""

    class Watched(io.BytesIO):
        bytes_read = 0

        def read(self, size=-1):
            block = super().read(size)
            Watched.bytes_read += len(block)
            return block

    mdat = struct.pack(">I", 50_000_008) + b"mdat" + bytes(50_000_000)
    data = b"\x00\x00\x00\x10ftypisom\x00\x00\x00\x00\x00\x00\x00\x08moov" + mdat
    assert not is_cut_off(Watched(data), len(data), formats.MP4)
    assert Watched.bytes_read < 1000


@pytest.mark.parametrize(
    ("found", "start", "piece"),
    [
        (formats.PNG, b"\x89PNG\r\n\x1a\n", b"\x00\x00\x00\x00tEXt\x00\x00\x00\x00"),
        (formats.GIF, b"GIF89a\x01\x00\x01\x00\x00\x00\x00", b"!\xff\x00"),
        (formats.MP4, b"\x00\x00\x00\x10ftypisom\x00\x00\x00\x00", b"\x00\x00\x00\x08free"),
        (formats.JPEG, b"\xff\xd8", b"\xff\xe0\x00\x02"),
    ],
)
def test_a_file_of_the_tiniest_pieces_comes_to_an_end(found, start, piece):
    """20 MB of nothing do not cost a minute."""
    data = start + piece * (20_000_000 // len(piece))
    assert cut_off(data, found) in (True, False)


# ---------------------------------------------------------------------- anything

ALL = sorted({found for found, _ in REAL.values()} | {formats.HEIC, formats.UNKNOWN})
MAGIC = st.sampled_from([real_head[:length] for real_head in (
    b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"GIF89a", b"RIFF\x10\x00\x00\x00WEBPVP8X", b"BM",
    b"RIFF\x10\x00\x00\x00WEBPVP8L", b"RIFF\x10\x00\x00\x00WEBPVP8 ", b"\x00\x00\x00\x18ftypavif",
    b"ID3\x04\x00\x00", b"\xff\xfb", b"\x1aE\xdf\xa3", b"<svg ", b"<!--", b"\x00\x00\x00\x08moov",
) for length in (len(real_head), len(real_head) - 1)])  # fmt: skip


def nothing_is_raised(data):
    """Ask everything there is to ask."""
    found = sniff(data)
    assert isinstance(found, formats.Format)
    size = picture_size(data)
    assert size is None or all(0 < side < 1_000_000 for side in size)
    assert is_animated_webp(data) in (True, False)
    for one in {found, *ALL}:
        for length in (len(data), len(data) + 5, max(0, len(data) - 5)):  # it changed meanwhile
            assert cut_off(data, one, length) in (True, False)


@settings(max_examples=80, deadline=None)
@given(st.binary(max_size=300), st.one_of(st.just(b""), MAGIC))
def test_any_bytes_are_survived(data, magic):
    """Whatever stands in a file, nothing is raised."""
    nothing_is_raised(magic + data)


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from(sorted(REAL)),
    st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=8)), max_size=4),
    st.floats(0, 1),
)
def test_damaged_files_are_survived(name, changes, part):
    """Real files with some bytes changed, and an end somewhere."""
    data = bytearray(real(name))
    for place, new in changes:
        start = int(place**3 * len(data))  # rather near the beginning
        data[start : start + len(new)] = new
    nothing_is_raised(bytes(data[: int(len(data) * part)]))


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(REAL)), st.binary(max_size=40))
def test_nothing_behind_a_whole_file_makes_it_cut_off(name, behind):
    """Whatever it is."""
    assert not cut_off(real(name) + behind, REAL[name][0])
