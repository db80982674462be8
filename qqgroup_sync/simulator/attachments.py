"""What people send besides text: real files, and how events describe them (4.1)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from qqgroup_sync.simulator import formats, identifiers, voices
from qqgroup_sync.simulator.blobs import Blob
from qqgroup_sync.simulator.shelf import MediaFile

if TYPE_CHECKING:
    from qqgroup_sync.simulator.platform import Platform
    from qqgroup_sync.simulator.records import ChatMessage

Source = bytes | str | Path
"""Bytes, or the path of a file."""
Attachable = Mapping[str, Any] | bytes | MediaFile
"""An attachment object as in 4.1, bytes whose content tells what they are, or a made file."""

IMAGE, VIDEO, VOICE, FILE = 1, 2, 3, 4
_KINDS = {"image": IMAGE, "video": VIDEO, "voice": VOICE, "file": FILE}
_VOICES = (formats.SILK, formats.WAV)
_EVENT_TYPES = {VOICE: "voice", FILE: "file"}


def picture(source: Source, name: str = "") -> MediaFile:
    """Make a picture to send.

    Raises:
        ValueError: It is none.
    """
    return _make(source, name, IMAGE)


def video(source: Source, name: str = "") -> MediaFile:
    """Make a video to send; raises like ``picture``."""
    return _make(source, name, VIDEO)


def file(source: Source, name: str = "") -> MediaFile:
    """Make a file to send, whatever it is."""
    return _make(source, name, FILE)


def voice(source: Source, transcript: str = "") -> MediaFile:
    """Make a voice to send, as a phone does: Tencent SILK in a file called ``.amr``.

    Args:
        source: SILK, or a 16 bit mono WAV of 8, 12, 16 or 24 kHz, which is encoded.
        transcript: What the platform recognises in it.

    Raises:
        ValueError: It is something else.
    """
    data, _ = _read(source)
    if formats.sniff(data[: formats.HEAD]) is formats.WAV:
        data = voices.to_silk(data)
    elif formats.sniff(data[: formats.HEAD]) is not formats.SILK:
        raise ValueError("this is no voice of a phone: it must be SILK or WAV")
    made = _make(data, f"{identifiers.token().upper()}.amr", VOICE)
    made.transcript = transcript
    return made


def recognise(data: bytes, name: str = "") -> MediaFile:
    """Make what the content is: a picture, a voice, a video, or just a file."""
    found = formats.sniff(data[: formats.HEAD])
    if found in _VOICES:
        try:
            return voice(data)
        except ValueError:  # damaged, or not as phones record it: then it is a file like others
            return file(data, name)
    kind = FILE if found.kind == "voice" else _KINDS[found.kind]
    return _make(data, name, kind)


def prepare(item: Attachable) -> Mapping[str, Any] | MediaFile:
    """Do what takes a while; no lock may be held."""
    return recognise(item) if isinstance(item, bytes) else item


def describe(platform: Platform, kept: MediaFile) -> dict[str, Any]:
    """Write the attachment object of an event (4.1); its addresses expire."""
    now, life = platform.clock.now(), platform.rules.attachment_life
    found: dict[str, Any] = {
        "content_type": _EVENT_TYPES.get(kept.file_type, kept.content_type),
        "filename": kept.name,
        "size": kept.size,
        "url": platform.links.attachment(kept.id, now=now, life=life),
    }
    if kept.file_type == IMAGE:
        size = kept.picture_size if kept.blob is not None else None
        found["width"], found["height"] = size or (0, 0)
    elif kept.file_type == VOICE:
        found["voice_wav_url"] = platform.links.attachment(kept.id, now=now, life=life, wav=True)
        found["asr_refer_text"] = kept.transcript
    return found


def fill(message: ChatMessage) -> None:
    """Describe the media of a bot's message, which is needed once somebody else sees it."""
    if message.files and not message.attachments:
        platform = message.chat.platform
        message.attachments = [describe(platform, one) for one in message.files]


def attach(
    platform: Platform, items: list[Mapping[str, Any] | MediaFile], scene: Literal["group", "c2c"]
) -> tuple[list[MediaFile], list[dict[str, Any]]]:
    """Keep the files and describe them all; the platform's lock must be held."""
    kept: list[MediaFile] = []
    described: list[dict[str, Any]] = []
    for item in items:
        if isinstance(item, MediaFile):
            item.scene = scene
            kept.append(platform.media.shelf.keep(item))
            described.append(describe(platform, item))
        else:
            described.append(dict(item))
    return kept, described


def _read(source: Source) -> tuple[bytes, str]:
    if isinstance(source, bytes):
        return source, ""
    path = Path(source)
    return path.read_bytes(), path.name


def _make(source: Source, name: str, kind: int) -> MediaFile:
    data, known_as = _read(source)
    found = formats.sniff(data[: formats.HEAD])
    if kind != FILE and _KINDS[found.kind] != kind:
        word = next(word for word, number in _KINDS.items() if number == kind)
        raise ValueError(f"this is no {word} but {found.content_type}")
    return MediaFile(
        file_info="",
        scene="c2c",
        file_type=kind,
        name=name or known_as or f"{identifiers.token().upper()}.{found.name}",
        content_type=found.content_type,
        way="person",
        blob=Blob.of(data),
    )
