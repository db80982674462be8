"""Sounds for the tests: like speech, in any file format, and how alike two of them are."""

from __future__ import annotations

import contextlib
import io
import itertools
import struct
import tempfile
import wave

import av
import numpy as np
import psutil

RATE = 24000


def speech(seconds=2.0, rate=RATE, seed=1):
    """Return something like speech, from -1 to 1: harmonics that come and go, and noise."""
    noise = np.random.default_rng(seed)
    time = np.arange(int(rate * seconds)) / rate
    pitch = 120 + 25 * np.sin(2 * np.pi * 1.3 * time) + 10 * np.sin(2 * np.pi * 0.4 * time)
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    sound = np.zeros(len(time))
    for number in range(1, 30):
        if 145 * number < rate / 2:
            loudness = 1 + np.sin(2 * np.pi * (0.5 + 0.23 * number) * time + number)
            sound += loudness * np.sin(number * phase) / number**0.7
    syllables = 0.15 + 0.85 * np.clip(np.sin(2 * np.pi * 3.1 * time), 0, 1)
    sound = sound * syllables + 0.02 * noise.normal(size=len(time))
    return sound / np.abs(sound).max() * 0.6


def as_pcm(sound):
    """Return a sound as 16 bit, little-endian."""
    return (np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes()


def samples(sound, width, *, floating=False):
    """Return a sound as samples of so many bytes."""
    if floating:
        return sound.astype(f"<f{width}").tobytes()
    if width == 1:
        return (np.round(sound * 127) + 128).astype("u1").tobytes()
    numbers = np.round(sound * (2 ** (8 * width - 1) - 1)).astype("<i4")
    return numbers.view("u1").reshape(-1, 4)[:, :width].tobytes()


def chunk(name, content):
    """Return a chunk of a RIFF file."""
    return name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


def format_chunk(rate, channels, width, *, codec=1, bits=None, extensible=False):
    """Return the chunk that tells what samples look like."""
    frame = width * channels
    bits = 8 * width if bits is None else bits
    tag = 0xFFFE if extensible else codec
    content = struct.pack("<HHIIHH", tag, channels, rate, rate * frame, frame, bits)
    if extensible:
        guid = struct.pack("<H", codec) + bytes.fromhex("000000001000800000aa00389b71")
        content += struct.pack("<HHI", 22, bits, 0) + guid
    return chunk(b"fmt ", content)


def riff(*chunks):
    """Return a RIFF file of type WAVE."""
    content = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(content)) + content


def wav(sound, rate=RATE, *, channels=1, width=2, floating=False, extensible=False):
    """Return a sound as a WAV file, the same in every channel."""
    codec = 3 if floating else 1
    data = samples(np.repeat(sound, channels), width, floating=floating)
    head = format_chunk(rate, channels, width, codec=codec, extensible=extensible)
    return riff(head, chunk(b"data", data))


def encoded(sound, container, codec, *, rate=44100, layout="mono", title="", picture=False):
    """Return a sound of 24 kHz in another format, encoded by PyAV."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        if title:
            output.metadata["title"] = title
        stream = output.add_stream(codec, rate=rate, layout=layout)
        shown = output.add_stream("mpeg4", rate=5, width=32, height=32) if picture else None
        frame = av.AudioFrame(format="s16", layout="mono", samples=len(sound))
        frame.sample_rate = RATE
        frame.planes[0].update(as_pcm(sound))
        context = stream.codec_context
        context.open()
        resampler = av.AudioResampler(
            format=context.format, layout=layout, rate=rate, frame_size=context.frame_size or None
        )
        if shown is not None:
            for number in range(int(len(sound) / RATE * 5)):
                image = av.VideoFrame(32, 32, "yuv420p")
                image.pts = number
                output.mux(shown.encode(image))
            output.mux(shown.encode(None))
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            output.mux(stream.encode(part))
        output.mux(stream.encode(None))
    return file.getvalue()


def of_wav(file, rate=RATE):
    """Return the sound in a plain WAV file, read by the standard library."""
    with wave.open(io.BytesIO(file)) as reader:
        assert reader.getparams()[:3] == (1, 2, rate)
        frames = reader.readframes(reader.getnframes())
    return np.frombuffer(frames, "<i2") / 32768


def likeness(sound, other, below=8000):
    """Return the correlation of two sounds' logarithmic spectra, 1.0 when they are alike.

    Codecs delay: the best of the shifts up to 60 ms counts.
    """
    left, right = _spectra(sound, below), _spectra(other, below)
    best = -1.0
    for shift in range(-6, 7):
        first, second = left[max(0, shift) :], right[max(0, -shift) :]
        length = min(len(first), len(second))
        pair = first[:length].ravel(), second[:length].ravel()
        best = max(best, float(np.corrcoef(*pair)[0, 1]))
    return best


def _spectra(sound, below):
    """Return the level in 24 bands for every 10 ms."""
    size, hop = 720, 240
    starts = range(0, len(sound) - size, hop)
    windows = np.array([sound[start : start + size] for start in starts]) * np.hanning(size)
    power = np.abs(np.fft.rfft(windows)) ** 2
    edges = np.unique(np.geomspace(4, below * size // RATE, 25).astype(int))
    bands = [power[:, low:high].mean(axis=1) for low, high in itertools.pairwise(edges)]
    return np.log10(np.array(bands).T + 1e-3)


@contextlib.contextmanager
def nothing_left(folder, monkeypatch):
    """Fail when a temporary file or a process is left behind."""
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    before = set(psutil.Process().children(recursive=True))
    yield
    assert list(folder.iterdir()) == []
    assert set(psutil.Process().children(recursive=True)) - before == set()
