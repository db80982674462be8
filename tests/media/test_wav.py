"""WAV files of every shape, also with headers that lie."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qqgroup_sync.errors import UnsupportedMedia
from qqgroup_sync.media.wav import blocks, is_wav, read_layout, wav_file
from tests.media import sounds

SOUND = sounds.speech(0.3, 8000)
DATA = sounds.samples(SOUND, 2)
FORMAT = sounds.format_chunk(8000, 1, 2)


def read(file):
    """Return layout and samples of a WAV file."""
    opened = io.BytesIO(file)
    layout = read_layout(opened)
    assert layout is not None
    return layout, np.array([one for block in blocks(opened, layout) for one in block])


@pytest.mark.parametrize("extensible", [False, True])
@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize(
    ("width", "floating"),
    [(1, False), (2, False), (3, False), (4, False), (4, True), (8, True)],
)
def test_every_shape_sounds_the_same(width, floating, channels, extensible):
    """Depth, number type and channels change the file, not what is heard."""
    file = sounds.wav(
        SOUND, 8000, channels=channels, width=width, floating=floating, extensible=extensible
    )
    layout, heard = read(file)
    assert (layout.rate, layout.channels, layout.frames) == (8000, channels, len(SOUND))
    assert layout.seconds == pytest.approx(0.3)
    assert np.abs(heard / 32768 - SOUND).max() < (0.012 if width == 1 else 0.0002)


def test_channels_are_mixed():
    """What only one side plays is heard at half its level; what both play at its own."""
    left, right = SOUND, np.zeros(len(SOUND))
    data = sounds.samples(np.column_stack([left, right]).ravel(), 2)
    _, heard = read(sounds.riff(sounds.format_chunk(8000, 2, 2), sounds.chunk(b"data", data)))
    assert np.abs(heard / 32768 - SOUND / 2).max() < 0.0002


def test_full_scale_does_not_overflow():
    """The loudest stereo sound stays in range."""
    data = struct.pack("<4h", 32767, 32767, -32768, -32768)
    _, heard = read(sounds.riff(sounds.format_chunk(8000, 2, 2), sounds.chunk(b"data", data)))
    assert heard.tolist() == [32767, -32768]


def test_numbers_that_are_none():
    """Floats beyond the scale are clipped; what is no number is silence."""
    numbers = [2.0, -2.0, float("nan"), float("inf"), float("-inf"), 0.5]
    data = struct.pack("<6f", *numbers)
    _, heard = read(
        sounds.riff(sounds.format_chunk(8000, 1, 4, codec=3), sounds.chunk(b"data", data))
    )
    assert heard.tolist() == [32767, -32767, 0, 32767, -32767, 16383]


def test_twenty_four_bits_in_four_bytes():
    """The size of a frame counts, not the bits that are used of it."""
    head = sounds.format_chunk(8000, 1, 4, bits=24)
    _, heard = read(sounds.riff(head, sounds.chunk(b"data", sounds.samples(SOUND, 4))))
    assert np.abs(heard / 32768 - SOUND).max() < 0.0002


@pytest.mark.parametrize(
    ("stated", "cut", "frames"),
    [
        (0xFFFFFFFF, 0, len(SOUND)),
        (0x7FFFFFFF, 0, len(SOUND)),
        (0, 0, len(SOUND)),
        (len(DATA) + 1000, 0, len(SOUND)),
        (len(DATA), 101, len(SOUND) - 51),
        (len(DATA) - 1, 0, len(SOUND) - 1),
        (100, 0, 50),
    ],
    ids=["streamed", "large", "unknown", "too-large", "truncated", "odd", "smaller"],
)
def test_stated_sizes_are_not_trusted(stated, cut, frames):
    """What is there is read, up to what is stated."""
    file = sounds.riff(FORMAT) + b"data" + struct.pack("<I", stated) + DATA
    layout, heard = read(file[: len(file) - cut])
    assert layout.frames == len(heard) == frames


def test_other_chunks_are_skipped():
    """Chunks of odd size have a byte of padding."""
    other = sounds.chunk(b"LIST", b"odd"), sounds.chunk(b"fact", bytes(4))
    layout, heard = read(sounds.riff(FORMAT, *other, sounds.chunk(b"data", DATA), *other))
    assert layout.frames == len(heard) == len(SOUND)


@pytest.mark.parametrize(
    "file",
    [
        sounds.riff(),
        sounds.riff(FORMAT),
        sounds.riff(sounds.chunk(b"data", DATA)),
        sounds.riff(FORMAT[:12], sounds.chunk(b"data", DATA)),
        sounds.riff(FORMAT, sounds.chunk(b"data", b"")),
        sounds.riff(FORMAT, sounds.chunk(b"data", b"\x00")),
        sounds.riff(FORMAT, sounds.chunk(b"data", b""), sounds.chunk(b"LIST", bytes(30))),
        sounds.riff(sounds.format_chunk(8000, 0, 2), sounds.chunk(b"data", DATA)),
        sounds.riff(sounds.format_chunk(8000, 65, 2), sounds.chunk(b"data", DATA)),
        sounds.riff(sounds.format_chunk(0, 1, 2), sounds.chunk(b"data", DATA)),
        sounds.riff(sounds.format_chunk(10**9, 1, 2), sounds.chunk(b"data", DATA)),
        sounds.riff(sounds.format_chunk(8000, 1, 8), sounds.chunk(b"data", DATA)),
        sounds.riff(sounds.format_chunk(8000, 1, 2, codec=3), sounds.chunk(b"data", DATA)),
        sounds.riff(*[sounds.chunk(b"JUNK", b"")] * 1001, FORMAT, sounds.chunk(b"data", DATA)),
    ],
)
def test_files_without_sound(file):
    """A header that makes no sense, or no sound behind it, is refused."""
    with pytest.raises(UnsupportedMedia, match="WAV file") as caught:
        read_layout(io.BytesIO(file))
    assert "PCM" in caught.value.remedy


def test_compressed_sound_is_for_others():
    """A WAV file may hold mp3, ADPCM or mu-law."""
    file = sounds.riff(sounds.format_chunk(8000, 1, 1, codec=7), sounds.chunk(b"data", DATA))
    assert read_layout(io.BytesIO(file)) is None


def test_a_file_that_shrinks_while_it_is_read():
    """Its beginning is heard."""
    file = io.BytesIO(sounds.wav(SOUND, 8000))
    layout = read_layout(file)
    file.truncate(layout.start + 201)
    assert sum(len(block) for block in blocks(file, layout)) == 100


def test_what_is_a_wav_file():
    """The first bytes tell."""
    assert is_wav(sounds.wav(SOUND))
    assert not is_wav(b"RIFF\x00\x00\x00\x00WEBPVP8 ")
    assert not is_wav(b"")


def test_written_files_are_plain():
    """The standard library reads what we write."""
    sound = sounds.speech(0.1)
    heard = sounds.of_wav(wav_file(sounds.as_pcm(sound)))
    assert np.abs(heard - sound).max() < 0.0002


GOOD = sounds.wav(SOUND[:200], 8000, channels=2, extensible=True)


@settings(deadline=None)
@given(
    changes=st.lists(st.tuples(st.integers(12, 100), st.integers(0, 255)), max_size=12),
    cut=st.integers(0, len(GOOD)),
    more=st.binary(max_size=40),
)
def test_no_header_breaks_the_reader(changes, cut, more):
    """Whatever the bytes, there is sound in range, or a refusal."""
    file = bytearray(GOOD[: max(12, cut)] + more)
    for position, value in changes:
        if position < len(file):
            file[position] = value
    opened = io.BytesIO(bytes(file))
    try:
        layout = read_layout(opened)
    except UnsupportedMedia:
        return
    if layout is None:
        return
    heard = [one for block in blocks(opened, layout) for one in block]
    assert len(heard) == layout.frames
    assert all(-32768 <= one <= 32767 for one in heard)
