"""Voices: anything audible becomes the SILK that QQ plays, and SILK becomes WAV."""

from __future__ import annotations

import contextlib
import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from qqgroup_sync.errors import ConfigError, MediaError, MediaTooLarge, Text, UnsupportedMedia
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
_IOS_LIMIT = 25_000  # bit/s; QQ on iOS plays nothing above about that
_MAX_BITRATE = 100_000
_MOST_BYTES = 980 * 1024
_MARGIN = 0.9  # loud noise comes out up to 10 % above the wanted rate
_ATTEMPTS = 4  # pure tones come out up to 60 % above it
_LEAST_JUDGED = 1.0  # seconds; in shorter voices the first packets weigh too much
_CHECK_PATH = Text(
    "Check the path and its permissions; a relative path counts from the current directory.",
    "请检查路径和权限；相对路径以当前工作目录为准。",
)
_FETCH_FIRST = Text(
    "Pass the bytes behind the address; Chain().voice(url) takes the address itself.",
    "请传入该地址的内容（bytes）；Chain().voice(url) 可直接使用地址。",
)
_ANOTHER = Text(
    "Record or save it again, and pass it when it was written to its end.",
    "请重新录制或另存，并在写入完成后再传入。",
)


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
        ios_adaptive: Stay below what QQ on iOS plays (about 25000 bit/s), else go up to 100000.
            Either way long voices get less, so that the result stays below 980 KiB; what comes out
            larger is encoded again at a lower rate.
        progress: Called with the milliseconds of sound encoded, and all of them; begins anew when
            the voice is encoded again.
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
        raise ConfigError(
            f"bitrate must be from 5000 to 100000 bit/s, not {bitrate!r}",
            remedy=Text(
                "Leave it out: then it is chosen so that every QQ plays the voice.",
                "不填即可：会自动选择所有 QQ 客户端都能播放的码率。",
            ),
        )
    end_if_stopped(stop)
    with _opened(source) as (file, path), _named(path):
        head = file.read(audio.HEAD)
        file.seek(0)
        if silk_format.is_silk(head):
            voice = silk_format.tencent_form(file.read(silk_format.MAX_BYTES + 1))
            if progress is not None:
                length = round(seconds(voice) * 1000)
                progress(length, length)
            return voice
        pcm = _decoded(file, path, head, stop)
    if bitrate is not None:
        return silk_format.encode(pcm, bitrate=bitrate, progress=progress, stop=stop)
    return _encoded(pcm, ios_adaptive=ios_adaptive, progress=progress, stop=stop)


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
    with _opened(source) as (file, path), _named(path):
        voice = file.read(silk_format.MAX_BYTES + 1)
        if not silk_format.is_silk(voice):
            raise UnsupportedMedia(
                "this is not a SILK voice",
                remedy=Text(
                    "Only voices from QQ need this; of other sounds to_silk() makes one.",
                    "只有 QQ 的语音需要这样转换；其他音频请用 to_silk() 转成语音。",
                ),
            )
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
            raise _empty("the voice")
        yield io.BytesIO(source), None
        return
    path = Path(os.fspath(source))
    scheme, colon, _ = str(path).partition(":")
    if colon and scheme.lower() in ("http", "https", "data"):  # the rest may be secret, or long
        raise MediaError(f"the voice {scheme}:... is an address, not a file", remedy=_FETCH_FIRST)
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
            raise _empty(f"the voice {path.name!r}")
        yield file, path


@contextlib.contextmanager
def _named(path: Path | None) -> Iterator[None]:
    """Let errors about the content name the file, and say what helps."""
    try:
        yield
    except (UnsupportedMedia, MediaTooLarge) as error:
        summary = f"{path.name}: {error.summary}" if path is not None else error.summary
        if not error.remedy:
            raise type(error)(summary, remedy=_ANOTHER) from error
        error.summary, error.args = summary, (summary,)
        raise


def _empty(what: str) -> UnsupportedMedia:
    return UnsupportedMedia(f"{what} is empty: 0 bytes", remedy=_ANOTHER)


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


def _encoded(
    pcm: bytes,
    *,
    ios_adaptive: bool,
    progress: Callable[[int, int | None], None] | None,
    stop: threading.Event | None,
) -> bytes:
    """Return sound as SILK that every QQ plays; encoded again while it comes out too large."""
    lasts = len(pcm) / BYTES_PER_SECOND
    most: float = _MOST_BYTES
    if ios_adaptive:
        most = min(most, _IOS_LIMIT / 8 * max(lasts, _LEAST_JUDGED))
    bitrate = min(_MAX_BITRATE, int(most * _MARGIN * 8 / max(lasts, _LEAST_JUDGED)))
    smallest = b""
    for _ in range(_ATTEMPTS):
        silk = silk_format.encode(pcm, bitrate=bitrate, progress=progress, stop=stop)
        if not smallest or len(silk) < len(smallest):
            smallest = silk
        if len(silk) <= most or bitrate == _BITRATES[0]:
            break
        # Not in proportion: the encoder changes its ways, and then a lower rate may give more.
        bitrate = max(_BITRATES[0], int(bitrate * min(0.85, most / len(silk))))
    return smallest
