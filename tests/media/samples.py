"""Small real files for tests: pictures, a video, a voice."""

from __future__ import annotations

import functools
import io

import av
import numpy as np
from PIL import Image

from qqgroup_sync.media import voice
from tests.media import sounds


def picture(colour="red", size=(40, 30), form="PNG"):
    """Return a picture of one colour."""
    target = io.BytesIO()
    Image.new("RGB", size, colour).save(target, form)
    return target.getvalue()


def noisy_picture(size, seed=1):
    """Return a PNG that does not compress: about 3 bytes a pixel."""
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)
    target = io.BytesIO()
    Image.fromarray(pixels).save(target, "PNG", compress_level=1)
    return target.getvalue()


@functools.cache
def video(frames=5):
    """Return a short mp4."""
    target = io.BytesIO()
    with av.open(target, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(frames):
            pixels = np.full((48, 64, 3), number * 20, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    return target.getvalue()


@functools.cache
def silk(seconds=1.0):
    """Return a voice as QQ keeps it."""
    return voice.to_silk(wav(seconds))


@functools.cache
def wav(seconds=1.0):
    """Return a voice as a 24 kHz wav."""
    return sounds.wav(sounds.speech(seconds))
