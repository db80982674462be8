"""Voices: anything audible becomes the SILK that QQ plays, and SILK becomes WAV."""

from __future__ import annotations

import contextlib
import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from qqgroup_sync.errors import ConfigError, MediaError, Text, UnsupportedMedia
from qqgroup_sync.media import audio, wav
from qqgroup_sync.media import silk as silk_format
from qqgroup_sync.media.pcm import (
    BYTES_PER_SECOND,
    MAX_SECONDS,
    RATE,
    Pauses,
    Resampler,
    as_bytes,
    end_if_stopped,
    too_long,
)

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator

__all__ = ["MAX_SECONDS", "seconds", "to_silk", "to_wav"]

_BITRATES = range(5_000, 100_001)  # what the encoder can do
_IOS_BITRATE = 24_000  # QQ on iOS plays nothing above about 25 kbit/s
_MAX_BITRATE = 100_000
_TARGET = 980 * 1024 * 8 * 0.9  # bits; loud noise comes out up to 10 % above the wanted rate
_CHECK_PATH = Text("Check the path and its permissions.", "请检查路径和权限。")


def to_silk(
    source: str | os.PathLike[str] | bytes,
    *,
    bitrate: int | None = None,
    ios_adaptive: bool = True,
    progress: Callable[[int, int | None], None] | None = None,
    stop: threading.Event | None = None,
) -> bytes:
    """Turn anything audible into a voice for QQ.

    Blocks; may be called from any thread, and other threads run on meanwhile. WAV needs no extra;
    mp3, m4a, ogg, opus, flac, amr and sound tracks of videos need ``qqgroup_sync[audio]`` or an
    ``ffmpeg`` on the PATH. SILK comes back as it is, in the form that QQ takes.

    Args:
        source: A path, or the content of a file.
        bitrate: Bits per second, 5000 to 100000; decides alone when given.
        ios_adaptive: Stay below what QQ on iOS plays (24000 bit/s), else go up to 100000. Either
            way long voices get less, so that the result stays below 980 KiB.
        progress: Called with the milliseconds of sound encoded, and all of them.
        stop: Ends it early when set.

    Returns:
        SILK in Tencent's form, 24 kHz, mono.

    Raises:
        UnsupportedMedia: There is no sound in it, or no decoder for it.
        MediaTooLarge: It lasts longer than :data:`MAX_SECONDS`.
        VoiceEncodeError: There is no encoder, it failed, or ``stop`` was set.
        MediaError: The file cannot be read.
        ConfigError: ``bitrate`` is out of range.
    """
    if bitrate is not None and not (isinstance(bitrate, int) and bitrate in _BITRATES):
        raise ConfigError(f"bitrate must be from 5000 to 100000 bit/s, not {bitrate!r}")
    end_if_stopped(stop)
    with _opened(source) as (file, path):
        head = file.read(audio.HEAD)
        file.seek(0)
        if silk_format.is_silk(head):
            voice = silk_format.tencent_form(file.read(silk_format.MAX_BYTES + 1))
            if progress is not None:
                length = round(seconds(voice) * 1000)
                progress(length, length)
            return voice
        pcm = _decoded(file, path, head, stop)
    return silk_format.encode(
        pcm,
        bitrate=bitrate or _bitrate(len(pcm), ios_adaptive=ios_adaptive),
        progress=progress,
        stop=stop,
    )


def to_wav(source: str | os.PathLike[str] | bytes) -> bytes:
    """Turn a voice from QQ into a WAV file: 24 kHz, mono, 16 bit.

    Blocks; may be called from any thread.

    Args:
        source: SILK of either form: a path, or the content.

    Raises:
        UnsupportedMedia: It is no SILK, or damaged.
        MediaTooLarge: It lasts longer than :data:`MAX_SECONDS`.
        VoiceEncodeError: There is no decoder.
        MediaError: The file cannot be read.
    """
    with _opened(source) as (file, _):
        voice = file.read(silk_format.MAX_BYTES + 1)
    return wav.wav_file(silk_format.decode(voice))


def seconds(silk: bytes) -> float:
    """Return how long a SILK voice lasts, by its packets of 20 ms.

    Raises:
        UnsupportedMedia: It is no SILK, or damaged.
        MediaTooLarge: It lasts longer than :data:`MAX_SECONDS`.
    """
    return silk_format.packets(silk) / 50


@contextlib.contextmanager
def _opened(source: str | os.PathLike[str] | bytes) -> Iterator[tuple[BinaryIO, Path | None]]:
    """Open a source for reading; give its path, too, when it has one."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        if not source:
            raise _empty()
        yield io.BytesIO(source), None
        return
    path = Path(os.fspath(source))
    try:
        if not path.is_file():
            what = "is not a file" if path.exists() else "does not exist"
            raise MediaError(f"the voice {str(path)!r} {what}", remedy=_CHECK_PATH)
        file = path.open("rb")
    except (OSError, ValueError) as error:  # ValueError: a null character in it
        raise MediaError(
            f"the voice {str(path)!r} cannot be read: {error}", remedy=_CHECK_PATH
        ) from error
    with file:
        if not os.fstat(file.fileno()).st_size:
            raise _empty()
        yield file, path


def _empty() -> UnsupportedMedia:
    return UnsupportedMedia("the voice is empty: 0 bytes")


def _decoded(file: BinaryIO, path: Path | None, head: bytes, stop: threading.Event | None) -> bytes:
    """Return the sound as 24 kHz, mono, 16 bit, little-endian."""
    layout = wav.read_layout(file) if wav.is_wav(head) else None
    if layout is None:
        return audio.decode(file, path, stop=stop)
    if layout.seconds > MAX_SECONDS:
        raise too_long(layout.seconds)
    resampler, pauses = None, Pauses(stop)
    if layout.rate != RATE:
        resampler = audio.sample_resampler(layout.rate) or Resampler(layout.rate, pauses.pause)
    pcm = bytearray()
    for block in wav.blocks(file, layout):
        end_if_stopped(stop)
        pcm += resampler.feed(block) if resampler else as_bytes(block)
        pauses.pause()
    if resampler:
        pcm += resampler.flush()
    return bytes(pcm)


def _bitrate(size: int, *, ios_adaptive: bool) -> int:
    """Return the bits per second for so many bytes of sound."""
    limit = _IOS_BITRATE if ios_adaptive else _MAX_BITRATE
    return min(limit, int(_TARGET * BYTES_PER_SECOND / max(size, 1)))
