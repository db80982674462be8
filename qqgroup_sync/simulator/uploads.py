"""Chunked uploads (2.10): what was prepared, which parts have come, whether they fit.

Knows nothing about HTTP, nor what becomes of a file that is complete.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from qqgroup_sync.simulator import identifiers
from qqgroup_sync.simulator.blobs import Blob, new_md5
from qqgroup_sync.simulator.refusals import RefusalError, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from qqgroup_sync.simulator.platform import Platform
    from qqgroup_sync.simulator.records import Bot
    from qqgroup_sync.simulator.rules import Rules

_PENDING = 256
_PENDING_BYTES = 1024 * 1024 * 1024  # announced, of uploads that are not complete
_HEX = {"md5": 32, "sha1": 40, "md5_10m": 32}
_KEY = re.compile(r"upload/([0-9a-f-]+)/(\d+)")


class Wanted(NamedTuple):
    """What ``upload_prepare`` announces."""

    file_type: int
    size: int
    name: str
    md5: str
    sha1: str
    md5_10m: str


@dataclass(slots=True, eq=False)
class Part:
    """One part: its number on the wire, its length, and what has come of it."""

    index: int
    size: int
    blob: Blob | None = None
    md5: str = ""
    confirmed: bool = False


@dataclass(slots=True, eq=False)
class Upload:
    """One chunked upload, from ``upload_prepare`` until it expires.

    Attributes:
        answer: The answer of ``/files`` once it is complete.
    """

    id: str
    appid: str
    scene: str
    wanted: Wanted
    parts: list[Part]
    expires_at: float
    not_ready: int
    answer: dict[str, Any] | None = None
    claimed: bool = False
    receiving: int = 0
    _blob: Blob | None = field(default=None, repr=False)

    @property
    def weight(self) -> int:
        """Bytes it may hold: none once it is complete."""
        return 0 if self.answer is not None else self.wanted.size

    @property
    def file_type(self) -> int:
        """The ``file_type`` that was announced."""
        return self.wanted.file_type

    @property
    def name(self) -> str:
        """The ``file_name`` that was announced."""
        return self.wanted.name

    def assemble(self) -> Blob:
        """Return the whole content; the upload must be claimed.

        Raises:
            RefusalError: 850012: it is not what was announced.
        """
        if self._blob is None:
            first = self.parts[0].blob
            whole = first if len(self.parts) == 1 else Blob.copy(self._pieces())
            assert whole is not None, "confirmed parts have bytes"
            self._blob = whole
            for part in self.parts:
                part.blob = None
        wanted, found = self.wanted, self._blob.hashes
        if (wanted.md5, wanted.sha1, wanted.md5_10m) != found:
            raise RefusalError(850012, "the hashes are not those of the content")
        return self._blob

    def complete(self, answer: dict[str, Any]) -> None:
        """Remember the answer, for a client that asks again, and let go of the content."""
        self.answer = answer
        self._blob = None

    def _pieces(self) -> Iterator[bytes]:
        for part in self.parts:
            if part.blob is not None:
                yield from part.blob.pieces()


class Uploads:
    """Every chunked upload that is under way, the oldest given up beyond limits; thread-safe.

    Args:
        platform: Whose lock, clock and rules hold.
    """

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._pending: OrderedDict[str, Upload] = OrderedDict()

    @staticmethod
    def read(payload: Mapping[str, Any], rules: Rules) -> Wanted:
        """Read the body of ``upload_prepare``, all of whose fields are required.

        Raises:
            RefusalError: 850012, or 850031 for a file that is too large.
        """
        file_type, name = payload.get("file_type"), payload.get("file_name")
        if isinstance(file_type, bool) or file_type not in (1, 2, 3, 4):
            raise RefusalError(850012, f"file_type {file_type!r}")
        if not isinstance(name, str) or not name:
            raise RefusalError(850012, "file_name is missing")
        size = _number(payload.get("file_size"), "file_size", rules.file_size_type)
        hashes = {}
        for key, length in _HEX.items():
            value = payload.get(key)
            if not isinstance(value, str) or not re.fullmatch(f"[0-9a-fA-F]{{{length}}}", value):
                raise RefusalError(850012, f"{key} is missing or malformed")
            hashes[key] = value.lower()
        if size < 1:
            raise RefusalError(850012, "file_size must be positive")
        if size > rules.hard_limit:
            raise RefusalError(850031)
        return Wanted(int(file_type), size, name, **hashes)

    def prepare(self, bot: Bot, scene: str, wanted: Wanted) -> dict[str, Any]:
        """Begin an upload and return the answer with its presigned addresses."""
        platform, rules = self._platform, self._platform.rules
        block, base = rules.upload_block, rules.upload_index_base
        starts = range(0, wanted.size, block)
        parts = [
            Part(number, min(block, wanted.size - start))
            for number, start in enumerate(starts, base)
        ]
        now = platform.clock.now()
        upload = Upload(
            id=identifiers.unique(),
            appid=bot.appid,
            scene=scene,
            wanted=wanted,
            parts=parts,
            expires_at=now + rules.upload_life,
            not_ready=rules.parts_not_ready,
        )
        with platform.lock:
            for old in [one for one in self._pending.values() if one.expires_at < now]:
                del self._pending[old.id]
            self._pending[upload.id] = upload
            while len(self._pending) > _PENDING or self._weight() > _PENDING_BYTES:
                self._pending.popitem(last=False)
        return self._describe(upload, now, rules)

    def _weight(self) -> int:
        return sum(one.weight for one in self._pending.values())

    def _describe(self, upload: Upload, now: float, rules: Rules) -> dict[str, Any]:
        def shown(size: int) -> str | int:
            return str(size) if rules.block_size_type == "string" else size

        links, life = self._platform.links, rules.upload_life
        parts = [
            {
                "index": part.index,
                "presigned_url": links.presigned(
                    "PUT", f"upload/{upload.id}/{part.index}", now=now, life=life
                ),
                "block_size": shown(part.size),
            }
            for part in upload.parts
        ]
        config = {
            "concurrency": rules.upload_concurrency,
            "retry_timeout": rules.upload_retry_timeout,
            "retry_delay": rules.upload_retry_delay,
        }
        nested = rules.upload_config == "nested"
        return {
            "upload_id": upload.id,
            "block_size": shown(rules.upload_block),
            "parts": parts,
            **({"upload_config": config} if nested else config),
        }

    # -- the store's side

    def expect(self, key: str, size: int) -> tuple[Upload, Part]:
        """Return the part that a PUT is for; ``store`` must follow.

        Args:
            key: The key of the presigned address.
            size: How many bytes are announced.

        Raises:
            StoreError: There is no such part, it has another length, or too many are on their way.
        """
        rules = self._platform.rules
        match = _KEY.fullmatch(key)
        with self._platform.lock:
            upload = self._find(match[1]) if match else None
            if match is None or upload is None:
                raise StoreError(404, "NoSuchUpload", "The specified upload does not exist.")
            number = int(match[2])
            part = next((one for one in upload.parts if one.index == number), None)
            if part is None or upload.answer is not None or upload.claimed:
                raise StoreError(404, "NoSuchUpload", "The upload has been completed or aborted.")
            if size != part.size:
                code = "EntityTooLarge" if size > part.size else "EntityTooSmall"
                raise StoreError(400, code, f"The part has {part.size} bytes, not {size}.")
            if rules.enforce_upload_concurrency and upload.receiving >= rules.upload_concurrency:
                raise StoreError(503, "SlowDown", "Please reduce your request rate.")
            upload.receiving += 1
            return upload, part

    def store(self, upload: Upload, part: Part, pieces: Iterable[bytes]) -> str:
        """Keep the bytes of a part and return their MD5."""
        md5 = new_md5()
        try:
            blob = Blob.copy(pieces, limit=part.size, watch=md5.update)
        finally:
            with self._platform.lock:
                upload.receiving -= 1
        if blob.size != part.size:
            raise StoreError(400, "IncompleteBody", "The body is shorter than its length.")
        with self._platform.lock:
            if not upload.claimed and upload.answer is None:
                part.blob, part.md5 = blob, md5.hexdigest()
        self._platform.stats.add("parts_stored")
        return md5.hexdigest()

    # -- the platform's side

    def finish_part(self, bot: Bot, scene: str, payload: Mapping[str, Any]) -> None:
        """Confirm a part, as ``upload_part_finish`` asks.

        Raises:
            RefusalError: 850012, or 40093001 for a part that has not arrived yet.
        """
        index, md5 = payload.get("part_index"), payload.get("md5")
        size = _number(payload.get("block_size"), "block_size", "any")
        with self._platform.lock:
            upload = self._mine(bot, scene, payload.get("upload_id"))
            part = next((one for one in upload.parts if one.index == index), None)
            if part is None or isinstance(index, bool) or not isinstance(index, int):
                raise RefusalError(850012, f"part_index {index!r}")
            if upload.not_ready > 0:
                upload.not_ready -= 1
                raise RefusalError(40093001)
            if part.confirmed:
                return
            if part.blob is None:
                raise RefusalError(40093001, f"part {index} has not arrived")
            if size != part.size:
                raise RefusalError(850012, f"block_size {size} of part {index}")
            if not isinstance(md5, str) or md5.lower() != part.md5:
                raise RefusalError(850012, f"md5 of part {index}")
            part.confirmed = True

    def claim(self, bot: Bot, scene: str, payload: Mapping[str, Any]) -> Upload:
        """Return an upload that is to be completed; ``release`` must follow.

        Raises:
            RefusalError: 850012, or ``incomplete_upload``.
        """
        with self._platform.lock:
            upload = self._mine(bot, scene, payload.get("upload_id"))
            missing = [part.index for part in upload.parts if not part.confirmed]
            if missing:
                code = self._platform.rules.incomplete_upload
                raise RefusalError(code, f"parts {missing[:5]} are not confirmed")
            if upload.claimed:
                raise RefusalError(40093001, "it is being completed")
            upload.claimed = True
            return upload

    def release(self, upload: Upload) -> None:
        """End what ``claim`` began."""
        with self._platform.lock:
            upload.claimed = False

    def _find(self, upload_id: str) -> Upload | None:
        upload = self._pending.get(upload_id)
        expired = upload is not None and upload.expires_at < self._platform.clock.now()
        return None if expired else upload

    def _mine(self, bot: Bot, scene: str, upload_id: Any) -> Upload:
        upload = self._find(upload_id) if isinstance(upload_id, str) else None
        if upload is None or upload.appid != bot.appid or upload.scene != scene:
            raise RefusalError(850012, "unknown or expired upload_id")
        return upload


def _number(value: Any, name: str, wanted: str) -> int:
    """Read a number that may be written as a string, where ``wanted`` allows that."""
    if isinstance(value, str) and wanted != "number" and re.fullmatch(r"\d{1,18}", value):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and wanted != "string":
        return value
    raise RefusalError(850012, f"{name} {value!r}")
