"""What the upload endpoints answer, as typed objects; presigned links stay out of ``repr``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from qqgroup_sync.events.lenient import integer, mapping, mappings, string


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that the platform holds.

    Attributes:
        file_info: Opaque text for ``media.file_info``; of one scene only, group or C2C.
        file_uuid: Id of the file.
        ttl: Seconds for which ``file_info`` can be sent; 0 means long term.
        id: Id of the message, when the upload was delivered at once.
        raw_url: Presigned link to the file; only after a chunked upload of types 1 to 3.
        raw: The answer as it came.
    """

    file_info: str
    file_uuid: str
    ttl: int
    id: str
    raw_url: str = field(repr=False)
    raw: dict[str, Any] = field(repr=False)

    @classmethod
    def read(cls, data: dict[str, Any]) -> Upload:
        """Return the upload that an answer tells of."""
        return cls(
            string(data.get("file_info")),
            string(data.get("file_uuid")),
            integer(data.get("ttl")),
            string(data.get("id")),
            string(data.get("raw_url")),
            data,
        )


@dataclass(frozen=True, slots=True)
class UploadPart:
    """One part of a chunked upload.

    Attributes:
        index: What ``finish_upload_part`` must echo. The documentation counts from 0, the
            platform from 1: never compute an offset from it.
        block_size: Bytes of this part at most.
        presigned_url: Where the bytes are PUT, without an Authorization header.
    """

    index: int
    block_size: int
    presigned_url: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class UploadPlan:
    """How a file is to be uploaded in parts.

    Attributes:
        upload_id: Names the upload in the calls that follow.
        block_size: Bytes of every part but the last.
        parts: In the order of the file: part k begins at ``k * block_size``, k from 0.
        concurrency: Parts that may be under way at once.
        retry_timeout: Seconds for which finishing a part is tried again.
        retry_delay: Seconds between two tries.
        upload: Set when the platform knows the file already, so that nothing need be sent
            (hinted at by the documentation, never seen).
        raw: The answer as it came.
    """

    upload_id: str
    block_size: int
    parts: tuple[UploadPart, ...]
    concurrency: int
    retry_timeout: float
    retry_delay: float
    upload: Upload | None
    raw: dict[str, Any] = field(repr=False)

    @classmethod
    def read(cls, data: dict[str, Any]) -> UploadPlan:
        """Return the plan that an answer holds."""
        # Documented inside upload_config, seen at the top level.
        config = {**data, **mapping(data.get("upload_config"))}
        block_size = integer(data.get("block_size"))
        parts = [
            UploadPart(
                integer(part.get("index")),
                integer(part.get("block_size")) or block_size,
                string(part.get("presigned_url")),
            )
            for part in mappings(data.get("parts"))
        ]
        parts.sort(key=lambda part: part.index)
        return cls(
            string(data.get("upload_id")),
            block_size or (parts[0].block_size if parts else 0),
            tuple(parts),
            max(1, integer(config.get("concurrency"))),
            float(integer(config.get("retry_timeout")) or 300),
            float(integer(config.get("retry_delay")) or 1),
            Upload.read(data) if data.get("file_info") else None,
            data,
        )
