"""What can be sent as what, told in the user's line with what he can do."""

from __future__ import annotations

import io
import struct
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qqgroup_sync.errors import MediaError, MediaTooLarge, UnsupportedMedia
from qqgroup_sync.media import checks, formats
from qqgroup_sync.media.checks import LIMITS, MIB, check, has_pillow
from qqgroup_sync.media.sources import load
from tests.media import samples, sounds
from tests.media.test_formats import film, real

HEIC = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + b"\x00\x00\x00\x08meta"
HTML = b"<!DOCTYPE html><html><title>502 Bad Gateway</title></html>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"/>'


def checked(data, kind, name="my.png"):
    """Check bytes."""
    return check(io.BytesIO(data), len(data), kind, name)


@pytest.fixture(params=["en", "zh"])
def language(request, monkeypatch):
    """Let errors speak one of the languages."""
    monkeypatch.setenv("QQ_LANGUAGE", request.param)
    return request.param


# ---------------------------------------------------------------------- what goes


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("image", ["png", "jpeg", "gif moving", "webp", "webp moving", "bmp", "tiff", "ico"]),
        ("image", ["avif", "png moving", "jpeg thumbnail"]),
        ("video", ["mp4", "mp4 h264"]),
        ("voice", ["silk", "wav", "mp3 bare", "mp3 with tag", "ogg opus", "flac", "amr", "aac"]),
        ("voice", ["m4a", "wma", "mp4", "webm", "mov", "avi", "mkv"]),  # its sound is taken
        ("file", ["png", "mp4", "mp3 bare", "webm", "wav"]),
    ],
)
def test_what_can_be_sent(kind, names):
    """Every format as what it is good for, whatever its name says."""
    for name in names:
        assert checked(real(name), kind, "wrong.txt") == formats.sniff(real(name))


def test_a_sound_of_unknown_format_may_be_a_voice():
    """The decoders know more formats than we do."""
    aiff = sounds.encoded(sounds.speech(0.2), "aiff", "pcm_s16be")
    assert checked(aiff, "voice") is formats.UNKNOWN


def test_anything_but_nothing_is_a_file():
    """Also a picture that is cut off."""
    for data in (b"\x00", b"text", HTML, real("png")[:50], HEIC):
        checked(data, "file")


# ---------------------------------------------------------------------- what does not


@pytest.mark.parametrize(
    ("data", "kind", "summary", "remedy"),
    [
        (b"just text", "image", "my.png is text, not a picture", ".file()"),
        (HTML, "image", "my.png is an HTML page, not a picture", ".html()"),
        (HTML, "voice", "my.png is an HTML page, not a voice", ".html()"),
        (SVG, "image", "my.png is an svg file, not a picture", ".html()"),
        (b"%PDF-1.7", "image", "my.png is a pdf file, not a picture", ".file()"),
        (b"PK\x03\x04", "video", "my.png is a zip file, not a video", ".file()"),
        (b"\x00\x01\x02", "image", "my.png is of an unknown format, not a picture", ".file()"),
        (b"\x00\x01\x02", "video", "my.png is of an unknown format, not a video", ".file()"),
        ("mp4", "image", "my.png is an mp4 video, not a picture", ".video()"),
        ("mp3 bare", "image", "my.png is an mp3 sound, not a picture", ".voice()"),
        ("png", "voice", "my.png is a png picture, not a voice", ".image()"),
        ("avif", "voice", "my.png is an avif picture, not a voice", ".image()"),
        ("png", "video", "my.png is a png picture, not a video", ".image()"),
        ("silk", "video", "my.png is a silk sound, not a video", ".voice()"),
        ("webm", "video", "my.png is a webm video; QQ plays mp4 only", "ffmpeg"),
        ("avi", "video", "my.png is an avi video; QQ plays mp4 only", "ffmpeg"),
        ("mkv", "video", "my.png is an mkv video; QQ plays mp4 only", "ffmpeg"),
        ("mov", "video", "my.png is a mov video; QQ plays mp4 only", "ffmpeg"),
        (HEIC, "image", "my.png is a heic picture; QQ shows png, jpg and gif", "iPhone"),
    ],
)
def test_what_cannot_be_sent(data, kind, summary, remedy, language):
    """The first line says what it is, the last one what to do."""
    with pytest.raises(UnsupportedMedia) as caught:
        checked(real(data) if isinstance(data, str) else data, kind)
    assert caught.value.summary == summary
    assert remedy in caught.value.remedy
    assert any("\u4e00" <= one <= "\u9fff" for one in str(caught.value)) == (language == "zh")


def test_nothing_is_refused(language):
    """As every kind."""
    for kind in LIMITS:
        with pytest.raises(UnsupportedMedia, match=r"my\.png is empty \(0 bytes\)") as caught:
            checked(b"", kind)
        assert "seek(0)" in caught.value.remedy


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *(("png", "image"), ("jpeg thumbnail", "image"), ("gif moving", "image")),
        *(("webp", "image"), ("avif", "image"), ("mp4", "video"), ("m4a", "voice")),
    ],
)
def test_what_is_cut_off_is_refused(name, kind, language):
    """Half a download is not sent."""
    data = real(name)
    with pytest.raises(UnsupportedMedia, match=r"my\.png is incomplete: the \w+ ends") as caught:
        checked(data[: len(data) * 3 // 4], kind)
    assert caught.value.remedy in (
        "Download or export the file again.",
        "请重新下载或导出该文件。",
    )


@pytest.mark.parametrize("name", ["tiff", "ico", "avif"])
def test_what_needs_pillow_is_refused_without_it(name, language, monkeypatch):
    """At once, with the command that installs it."""
    untouched = [real(other) for other in ("png", "jpeg", "gif", "webp", "bmp")]
    needy = real(name)
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert not has_pillow()
    with pytest.raises(UnsupportedMedia, match="QQ shows png, jpg and gif") as caught:
        checked(needy, "image")
    assert 'pip install "qqgroup_sync[image]"' in caught.value.remedy
    for data in untouched:
        checked(data, "image")


# ---------------------------------------------------------------------- how large


def an_mp4_of(size):
    """Return the head of an mp4 of so many bytes."""
    head = b"\x00\x00\x00\x10ftypisom\x00\x00\x00\x00\x00\x00\x00\x08moov"
    return head + struct.pack(">I", size - len(head)) + b"mdat"


@pytest.mark.parametrize(
    ("kind", "limit", "head"),
    [
        ("image", 20, samples.picture()),
        ("voice", 20, b"\x02#!SILK_V3"),
        ("voice", 200, b"RIFF\x00\x00\x00\x00WAVE"),  # it becomes a tenth of that
        ("voice", 200, b"fLaC"),
        ("file", 200, b"text"),
    ],
)
def test_limits(kind, limit, head, language):
    """To the byte; the text names size and limit, and what to do."""
    check(io.BytesIO(head), limit * MIB, kind, "a")
    with pytest.raises(MediaTooLarge) as caught:
        check(io.BytesIO(head), limit * MIB + 1, kind, "a")
    assert caught.value.summary == (
        f"a has {limit}.1 MB, the limit for {checks.A[kind]} is {limit} MB"
    )
    smaller = limit < 200
    assert (".file()" in caught.value.remedy) == smaller
    assert ("link" in caught.value.remedy or "链接" in caught.value.remedy) != smaller
    assert "200 MB" in caught.value.cause


def test_the_limit_of_a_video():
    """30 MB."""
    size = 30 * MIB
    assert check(io.BytesIO(an_mp4_of(size)), size, "video", "a") is formats.MP4
    with pytest.raises(MediaTooLarge, match=r"a has 31\.0 MB, the limit for a video is 30 MB"):
        check(io.BytesIO(an_mp4_of(31 * MIB)), 31 * MIB, "video", "a")


def test_a_picture_above_200_mb_cannot_be_a_file_either():
    """So nobody is told to send it as one."""
    with pytest.raises(MediaTooLarge) as caught:
        check(io.BytesIO(samples.picture()), 201 * MIB, "image", "a")
    assert ".file()" not in caught.value.remedy


def test_the_wrong_kind_counts_before_the_size():
    """Who sends a large video as a picture is told that it is a video."""
    with pytest.raises(UnsupportedMedia, match="not a picture"):
        check(io.BytesIO(film("mp4", "mpeg4")), 100 * MIB, "image", "a")


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200), st.sampled_from(sorted(LIMITS)))
def test_anything_is_taken_or_refused(data, kind):
    """With an error of ours, whatever it is."""
    try:
        assert load(data, kind).size == len(data)
    except MediaError as error:
        assert error.remedy  # noqa: PT017 - most are refused, some are not
