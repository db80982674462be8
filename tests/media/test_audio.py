"""Compressed sound: every format, by each decoder that may be there."""

from __future__ import annotations

import importlib.util
import io
import shutil
import sys
import threading

import av
import numpy as np
import pytest

from qqgroup_sync.errors import MediaTooLarge, UnsupportedMedia, VoiceEncodeError
from qqgroup_sync.media import audio
from tests.media import sounds

SOUND = sounds.speech(2.0)
FORMATS = {
    "mp3": ("mp3", "libmp3lame", 44100, "stereo"),
    "m4a": ("ipod", "aac", 44100, "stereo"),
    "aac": ("adts", "aac", 24000, "mono"),
    "opus": ("ogg", "libopus", 48000, "mono"),
    "flac": ("flac", "flac", 48000, "stereo"),
    "amr": ("amr", "libopencore_amrnb", 8000, "mono"),
    "mp4": ("mp4", "aac", 48000, "stereo"),
    "webm": ("webm", "libopus", 48000, "stereo"),
    "aiff": ("aiff", "pcm_s16be", 44100, "mono"),
    "mu-law": ("wav", "pcm_mulaw", 8000, "mono"),
    "adpcm": ("wav", "adpcm_ima_wav", 22050, "mono"),
}
MINIAUDIO_READS = {"mp3", "flac", "mu-law", "adpcm", "aiff"}


@pytest.fixture(scope="module")
def files():
    """Return the same sound in each format."""
    made = {}
    for name, (container, codec, rate, layout) in FORMATS.items():
        made[name] = sounds.encoded(
            SOUND, container, codec, rate=rate, layout=layout, picture=name == "mp4"
        )
    return made


@pytest.fixture(params=["av", "ffmpeg", "miniaudio"])
def decoder(request, monkeypatch):
    """Leave only one of the decoders."""
    only(request.param, monkeypatch)
    return request.param


def only(name, monkeypatch):
    """Make every decoder but one look as if it were not installed."""
    if name == "ffmpeg":
        if shutil.which("ffmpeg") is None:
            pytest.skip("there is no ffmpeg")
    elif name and importlib.util.find_spec(name) is None:
        pytest.skip(f"there is no {name}")
    for other in ("av", "miniaudio"):
        if other != name:
            monkeypatch.setitem(sys.modules, other, None)
    if name != "ffmpeg":
        monkeypatch.setattr(shutil, "which", lambda _name: None)


@pytest.fixture(autouse=True)
def _clean(tmp_path, monkeypatch):
    """Fail when a process or a temporary file is left."""
    with sounds.nothing_left(tmp_path / "temporary", monkeypatch):
        yield


def decoded(content, **options):
    """Return what is heard, from -1 to 1."""
    return np.frombuffer(audio.decode(io.BytesIO(content), **options), "<i2") / 32768


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_heard(name, files, decoder):
    """What comes out sounds like what went in, as far as its own rate allows."""
    if decoder == "miniaudio" and name not in MINIAUDIO_READS:
        with pytest.raises(UnsupportedMedia) as caught:
            decoded(files[name])
        assert "qqgroup_sync[audio]" in caught.value.remedy
        return
    heard = decoded(files[name])
    assert len(heard) / sounds.RATE == pytest.approx(2.0, abs=0.1)
    narrow = FORMATS[name][2] == 8000
    least = 0.9 if name == "amr" else 0.98
    assert sounds.likeness(SOUND, heard, below=3200 if narrow else 8000) > least


@pytest.mark.parametrize("decoder", ["av", "ffmpeg"], indirect=True)
def test_a_file_on_disk_is_read_where_it_lies(files, decoder, tmp_path):
    """Also under a name that looks like an option or like a URL."""
    path = tmp_path / "-i http:声音 1.m4a"
    path.write_bytes(files["m4a"])
    with path.open("rb") as file:
        pcm = audio.decode(file, path)
    assert len(pcm) / sounds.RATE / 2 == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize("name", ["mp3", "flac", "opus", "aac", "webm"])
@pytest.mark.parametrize("decoder", ["av", "ffmpeg"], indirect=True)
def test_the_beginning_of_a_file_is_heard(name, files, decoder):
    """A file that was cut off, or is damaged in its middle, is not lost as a whole."""
    content = files[name]
    heard = decoded(content[: len(content) * 3 // 4])
    assert 0.7 < len(heard) / sounds.RATE < 1.8
    middle = len(content) // 2
    heard = decoded(content[:middle] + b"\x55" * 50 + content[middle + 50 :])
    assert len(heard) / sounds.RATE > 0.7


def test_a_title_in_another_encoding(decoder):
    """Titles in GBK are common in China."""
    content = sounds.encoded(SOUND, "mp3", "libmp3lame", title="title")
    wrong = content.replace(b"title", "歌".encode("gbk") + b"\xff  ", 1)
    assert wrong != content
    assert len(decoded(wrong)) > sounds.RATE


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "a PNG picture"),
        (b"\xff\xd8\xff\xe0" + bytes(100), "a JPEG picture"),
        (b"GIF89a" + bytes(100), "a GIF picture"),
        (b"RIFF\x10\x00\x00\x00WEBPVP8 " + bytes(100), "a WebP picture"),
        (b"%PDF-1.7\n" + bytes(100), "a PDF document"),
        (b"PK\x03\x04" + bytes(100), "a ZIP archive"),
        (b"\n <!DOCTYPE html><html>\xe4\xbd\xa0", "an HTML page"),
        (b"just text, nothing else", "text"),
        (b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1/a.mp3\n", "text"),
    ],
)
def test_what_is_no_sound_is_named(content, what, decoder):
    """The error says what it is, and what would do."""
    with pytest.raises(UnsupportedMedia, match=f"this is {what}, not a sound") as caught:
        decoded(content)
    assert "mp3" in caught.value.remedy


@pytest.mark.parametrize(
    "content",
    [
        bytes(5000),
        b"ID3\x04\x00\x00\x00\x00\x00\x00",
        b"OggS" + bytes(200),
        b"fLaC" + bytes(200),
        b"#!AMR\n",
        np.random.default_rng(1).bytes(64),
    ],
    ids=["zeros", "id3", "ogg", "flac", "amr", "noise"],
)
def test_garbage_is_refused(content, decoder):
    """Whatever a decoder makes of it, it is an error of ours."""
    with pytest.raises(UnsupportedMedia):
        decoded(content)


@pytest.mark.parametrize("decoder", ["av", "ffmpeg"], indirect=True)
def test_a_video_without_sound(decoder):
    """It is refused: there is nothing to hear."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as output:
        stream = output.add_stream("mpeg4", rate=5, width=32, height=32)
        for number in range(5):
            frame = av.VideoFrame(32, 32, "yuv420p")
            frame.pts = number
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    if decoder == "ffmpeg":
        assert sys.modules["av"] is None
    with pytest.raises(UnsupportedMedia, match="no sound could be read"):
        decoded(file.getvalue())


@pytest.mark.parametrize("decoder", ["av", "ffmpeg"], indirect=True)
def test_a_playlist_opens_nothing_else(files, decoder, tmp_path):
    """A file from a stranger must not make us read other files of this machine."""
    secret = tmp_path / "secret.mp3"
    secret.write_bytes(files["mp3"])
    lists = [
        f"ffconcat version 1.0\nfile {secret.name}\n# \xe9\n",
        f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:2,\xe9\n{secret.name}\n#EXT-X-ENDLIST\n",
    ]
    for number, text in enumerate(lists):
        path = tmp_path / f"list-{number}.txt"
        path.write_bytes(text.encode("latin-1"))
        with path.open("rb") as file, pytest.raises(UnsupportedMedia):
            audio.decode(file, path)


def test_too_long_is_seen_in_the_header(monkeypatch):
    """Where a header tells the length, nothing is decoded first."""
    only("av", monkeypatch)
    head = sounds.format_chunk(8000, 1, 1, codec=7)
    content = sounds.riff(head, sounds.chunk(b"data", bytes(8000 * 660)))
    with pytest.raises(MediaTooLarge, match="lasts 660 s, the limit is 600 s"):
        decoded(content)


def test_too_long_without_a_header(decoder):
    """Where none does, or a wrong one, no more than the limit is decoded."""
    minute = sounds.encoded(np.zeros(sounds.RATE * 60), "mp3", "libmp3lame", rate=8000)
    content = minute * 11
    if decoder == "miniaudio":  # it believes the wrong one, and stops there
        head = sounds.format_chunk(8000, 1, 1, codec=7)
        content = sounds.riff(head, sounds.chunk(b"data", bytes(8000 * 660)))
    with pytest.raises(MediaTooLarge, match="more than 600 s"):
        decoded(content)


@pytest.mark.parametrize("decoder", ["av", "ffmpeg", "miniaudio"], indirect=True)
def test_stopped(decoder, files):
    """Decoding ends, too."""
    stop = threading.Event()
    stop.set()
    with pytest.raises(VoiceEncodeError, match="stopped"):
        decoded(files["mp3"], stop=stop)


def test_no_decoder(files, monkeypatch):
    """The error names the extra."""
    only("", monkeypatch)
    with pytest.raises(UnsupportedMedia) as caught:
        decoded(files["mp3"])
    assert 'pip install "qqgroup_sync[audio]"' in caught.value.remedy


def test_a_sound_that_changes_on_the_way(monkeypatch):
    """Files get joined end to end; the second half may have another shape."""
    only("av", monkeypatch)
    joined = sounds.encoded(SOUND, "mp3", "libmp3lame", rate=44100, layout="stereo")
    joined += sounds.encoded(SOUND, "mp3", "libmp3lame", rate=44100, layout="mono")
    assert len(decoded(joined)) / sounds.RATE == pytest.approx(4.0, abs=0.3)
