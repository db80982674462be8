"""The files that the platform keeps, whoever they came from, and where they stand."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from qqgroup_sync.simulator import formats, identifiers, voices

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qqgroup_sync.simulator.blobs import Blob


@dataclass(slots=True, eq=False)
class MediaFile:
    """One file that a message may carry: a bot's upload, or what a person sent (2.10, 4.1).

    Attributes:
        file_info: The opaque string messages refer to it by; "" when there is none.
        scene: ``group`` or ``c2c``; never across.
        file_type: 1 image, 2 video, 3 voice, 4 file.
        expires_at: When it stops being sendable; None for never.
        name: File name.
        content_type: MIME type, by its content.
        appid: The bot that may send it; None for any.
        id: The ``file_uuid``, also for files that no bot uploaded.
        way: How it came here: "url", "file_data", "chunked", "instant", "markdown", "person".
        url: Where it was fetched from, when it was.
        transcript: What is said in a person's voice, as the platform recognised it.
        blob: The bytes; None once they were forgotten.
    """

    file_info: str
    scene: Literal["group", "c2c"]
    file_type: int
    expires_at: float | None = None
    name: str = ""
    content_type: str = formats.UNKNOWN.content_type
    appid: str | None = None
    id: str = field(default_factory=identifiers.unique)
    way: str = ""
    url: str = field(default="", repr=False)
    transcript: str = ""
    blob: Blob | None = None

    @property
    def size(self) -> int:
        """Bytes."""
        return self.blob.size if self.blob is not None else 0

    @property
    def data(self) -> bytes:
        """All of its bytes.

        Raises:
            LookupError: They were forgotten, because newer files took their place.
        """
        return self.contents.read()

    @property
    def contents(self) -> Blob:
        """The bytes, for those who do not want them all at once; raises like ``data``."""
        blob = self.blob
        if blob is None:
            raise LookupError(f"the bytes of {self.name!r} were forgotten: newer files came")
        return blob

    @property
    def picture_size(self) -> tuple[int, int] | None:
        """Width and height of a picture in pixels, None when it is none."""
        return formats.picture_size(self.contents.read(0, formats.PICTURE_HEAD))

    @property
    def wav(self) -> bytes:
        """The voice as the bytes of a WAV file; SILK is decoded.

        Raises:
            ValueError: It is no voice, or cannot be decoded.
        """
        return voices.to_wav(self.data)

    def __repr__(self) -> str:
        return f"<MediaFile {self.name!r} {self.content_type} {self.size} bytes>"


class MediaShelf:
    """Files by id and by ``file_info``; the oldest bytes are forgotten when it is full.

    The platform's lock must be held.

    Args:
        memory: Bytes kept in memory.
        disk: Bytes kept in temporary files.
    """

    def __init__(self, memory: int = 256 * 1024 * 1024, disk: int = 1024 * 1024 * 1024) -> None:
        self._limits = {False: memory, True: disk}
        self._held = {False: 0, True: 0}
        self._files: OrderedDict[str, MediaFile] = OrderedDict()
        self._by_info: dict[str, MediaFile] = {}

    def keep(self, file: MediaFile) -> MediaFile:
        """Put a file on the shelf and return it."""
        self._files[file.id] = file
        if file.file_info:
            self._by_info[file.file_info] = file
        if file.blob is not None:
            self._held[file.blob.on_disk] += file.blob.size
        while any(self._held[disk] > limit for disk, limit in self._limits.items()):
            oldest = next(iter(self._files.values()))
            if oldest is file:
                break
            self.forget(oldest)
        return file

    def forget(self, file: MediaFile) -> None:
        """Take a file, and its bytes, away."""
        if self._files.pop(file.id, None) is None:
            return
        self._by_info.pop(file.file_info, None)
        if file.blob is not None:
            self._held[file.blob.on_disk] -= file.blob.size
            file.blob = None

    def find(self, file_id: str) -> MediaFile | None:
        """Return the file of an id, None when it is not known (any more)."""
        return self._files.get(file_id)

    def find_info(self, file_info: str) -> MediaFile | None:
        """Return the file of a ``file_info``, None when it is not known (any more)."""
        return self._by_info.get(file_info)

    def __iter__(self) -> Iterator[MediaFile]:
        return iter(list(self._files.values()))
