"""Decodes compressed sound of any format, with whichever decoder this machine has.

In this order: PyAV, an ``ffmpeg`` on the PATH, miniaudio. All are optional.
"""

from __future__ import annotations

import contextlib
import importlib
import shutil
from array import array
from typing import TYPE_CHECKING, Any, BinaryIO

from qqgroup_sync.errors import MediaError, Text, UnsupportedMedia
from qqgroup_sync.media import child
from qqgroup_sync.media.pcm import MAX_BYTES, MAX_SECONDS, RATE, Pauses, end_if_stopped, too_long

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator, Sequence
    from pathlib import Path

HEAD = 64  # bytes that are enough to say what a file is

# Only what holds sound itself: playlists and the like make a decoder open other files and URLs.
_CONTAINERS = (
    "aac,ac3,aiff,amr,amrnb,amrwb,ape,asf,au,avi,caf,eac3,flac,flv,gsm,loas,"
    "matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,mp3,mpeg,mpegts,ogg,tta,w64,wav,wv"
)
_ESTIMATED = {"aac", "ac3", "amr", "amrnb", "amrwb", "eac3", "loas", "mp3", "mpeg", "mpegts"}
_FFMPEG_SECONDS = 120.0

_NOT_SOUND = (
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"BM", "a BMP picture"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive"),
)
_INSTALL = Text(
    'Install a decoder: pip install "qqgroup_sync[audio]". WAV and SILK need none.',
    '请安装解码器：pip install "qqgroup_sync[audio]"。WAV 和 SILK 不需要。',
)
_WANTED = Text(
    "Give it a sound: wav, mp3, m4a, ogg, opus, flac, amr, silk, or a video with a sound track.",
    "请提供音频：wav、mp3、m4a、ogg、opus、flac、amr、silk，或带音轨的视频。",
)


def decode(
    file: BinaryIO, path: Path | None = None, *, stop: threading.Event | None = None
) -> bytes:
    """Return sound as 24 kHz, mono, 16 bit, little-endian.

    What can be heard of a damaged file is returned; at most ten minutes are ever decoded.

    Args:
        file: The content, which can be sought.
        path: Where it lies, when it is a file on disk.
        stop: Ends it early.

    Raises:
        UnsupportedMedia: There is no sound in it, or no decoder for it.
        MediaTooLarge: It lasts too long.
        VoiceEncodeError: ``stop`` was set.
    """
    file.seek(0)
    if what := _no_sound(file.read(HEAD)):
        raise UnsupportedMedia(f"this is {what}, not a sound", remedy=_WANTED)
    file.seek(0)
    if av := _module("av"):
        return _with_av(av, file, stop)
    if ffmpeg := shutil.which("ffmpeg"):
        return _with_ffmpeg(ffmpeg, file, path, stop)
    if miniaudio := _module("miniaudio"):
        return _with_miniaudio(miniaudio, file.read(), stop)
    raise UnsupportedMedia("there is no decoder for this sound on this machine", remedy=_INSTALL)


def _module(name: str) -> Any | None:
    try:
        return importlib.import_module(name)
    except (ImportError, OSError):  # OSError: a library of it does not fit this machine
        return None


def _no_sound(head: bytes) -> str:
    """Return what a file is that begins so, when it surely holds no sound."""
    for start, what in _NOT_SOUND:
        if head.startswith(start):
            return what
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "a WebP picture"
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith((b"<!doctype", b"<html")):
        return "an HTML page"
    if all(byte in b"\t\r\n" or 32 <= byte < 127 for byte in head):
        return "text"
    return ""


def _nothing(why: str) -> UnsupportedMedia:
    return UnsupportedMedia(f"no sound could be read from this: {why}", remedy=_WANTED)


def _with_av(av: Any, file: BinaryIO, stop: threading.Event | None) -> bytes:
    try:
        with av.open(
            file,
            metadata_errors="replace",  # titles in GBK are common
            container_options={"format_whitelist": _CONTAINERS, "protocol_whitelist": "data"},
        ) as container:
            return _read_container(av, container, stop)
    except MediaError:
        raise
    except Exception as error:  # whatever a decoder finds wrong: this cannot be heard
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise _nothing(why) from error


def _read_container(av: Any, container: Any, stop: threading.Event | None) -> bytes:
    if not container.streams.audio:
        raise _nothing("it has no sound track")
    stream = container.streams.audio[0]
    if stream.duration and stream.time_base and container.format.name not in _ESTIMATED:
        seconds = float(stream.duration * stream.time_base)
        if seconds > MAX_SECONDS + 1:
            raise too_long(seconds)
    pcm, pauses = bytearray(), Pauses(stop)
    resampler = AvResampler(av)
    for packet in _packets(av, container, stream):
        end_if_stopped(stop)
        try:
            frames = packet.decode()
        except av.FFmpegError:  # damaged: go on with the next one
            continue
        for frame in frames:
            pcm += resampler.feed(frame)
        pauses.pause()
        if len(pcm) > MAX_BYTES:
            raise too_long()
    pcm += resampler.flush()
    if not pcm:
        raise _nothing("its sound track is empty or damaged")
    return bytes(pcm)


def _packets(av: Any, container: Any, stream: Any) -> Iterator[Any]:
    """Yield the packets up to the end, or to where the file is cut off."""
    with contextlib.suppress(av.FFmpegError):
        yield from container.demux(stream)


class AvResampler:
    """Turns PyAV's frames into plain sound, also when their shape changes on the way."""

    def __init__(self, av: Any) -> None:
        self._av = av
        self._shape: tuple[Any, ...] = ()
        self._resampler: Any = None

    def feed(self, frame: Any) -> bytes:
        """Take a frame; return the output that it completes."""
        shape = frame.format.name, frame.layout.name, frame.sample_rate
        before = b""
        if shape != self._shape:
            before = self.flush()
            self._resampler = self._av.AudioResampler(format="s16", layout="mono", rate=RATE)
            self._shape = shape
        frame.pts = None  # gaps in time stay gaps in the file, not silence or an error
        return before + _bytes_of(self._resampler.resample(frame))

    def flush(self) -> bytes:
        """Return the rest."""
        if self._resampler is None:
            return b""
        rest = _bytes_of(self._resampler.resample(None))
        self._resampler = None
        return rest


class SampleResampler:
    """Turns mono samples of any rate into plain sound with PyAV: fast and sharp.

    Args:
        av: The module.
        rate: Samples per second of what comes in.
    """

    def __init__(self, av: Any, rate: int) -> None:
        self._av = av
        self._rate = rate
        self._resampler = AvResampler(av)

    def feed(self, samples: Sequence[int]) -> bytes:
        """Take samples; return the output that they complete."""
        frame = self._av.AudioFrame(format="s16", layout="mono", samples=len(samples))
        frame.sample_rate = self._rate
        frame.planes[0].update(array("h", samples).tobytes())
        return self._resampler.feed(frame)

    def flush(self) -> bytes:
        """Return the rest."""
        return self._resampler.flush()


def sample_resampler(rate: int) -> SampleResampler | None:
    """Return PyAV's resampler; None when PyAV is not there."""
    av = _module("av")
    return SampleResampler(av, rate) if av else None


def _bytes_of(frames: Sequence[Any]) -> bytes:
    return b"".join(bytes(frame.planes[0])[: 2 * frame.samples] for frame in frames)


def _with_ffmpeg(
    ffmpeg: str, file: BinaryIO, path: Path | None, stop: threading.Event | None
) -> bytes:
    with child.private_folder() as folder:
        if path is None:  # not through a pipe: the index of an m4a may lie at its end
            path = folder / "source"
            with path.open("wb") as copy:
                shutil.copyfileobj(file, copy)
        result = folder / "voice.pcm"
        options = [
            *("-nostdin", "-hide_banner", "-v", "error"),
            *("-protocol_whitelist", "file", "-format_whitelist", _CONTAINERS),
            *("-i", f"file:{path.absolute()}"),
            *("-map", "0:a:0", "-ac", "1", "-ar", str(RATE), "-t", str(MAX_SECONDS + 1)),
            *("-f", "s16le", f"file:{result.name}"),
        ]
        problem = child.run([ffmpeg, *options], folder, seconds=_FFMPEG_SECONDS, stop=stop)
        pcm = result.read_bytes() if result.exists() else b""
    if len(pcm) > MAX_BYTES:
        raise too_long()
    if not pcm:
        reason = (problem or "its sound track is empty").rpartition(": ")[2]  # without our path
        raise _nothing(reason)
    return pcm


def _with_miniaudio(miniaudio: Any, data: bytes, stop: threading.Event | None) -> bytes:
    pcm = bytearray()
    try:
        for block in miniaudio.stream_memory(
            data,
            output_format=miniaudio.SampleFormat.SIGNED16,
            nchannels=1,
            sample_rate=RATE,
            frames_to_read=RATE,
        ):
            end_if_stopped(stop)
            pcm += block.tobytes()
            if len(pcm) > MAX_BYTES:
                raise too_long()
    except (miniaudio.MiniaudioError, OSError, ValueError) as error:
        raise UnsupportedMedia(f"this sound could not be read: {error}", remedy=_INSTALL) from error
    if not pcm:
        raise _nothing("it is empty")
    return bytes(pcm)
