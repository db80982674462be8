"""The image library: pictures for markdown that the platform has already (2.9; one source only)."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qqgroup_sync.simulator import arguments, formats, identifiers
from qqgroup_sync.simulator.blobs import Blob, BlobTooLargeError
from qqgroup_sync.simulator.refusals import RefusalError, StoreError
from qqgroup_sync.simulator.rules import DAY, MEGABYTE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from qqgroup_sync.simulator.platform import Platform
    from qqgroup_sync.simulator.records import Bot

KEY_PREFIX = "image-library/"
URL_PREFIX = "qqbot-media://image/v1/"
_IMAGES = 100
_MAX_SIZE = 10 * MEGABYTE
_FORMATS = {"image/png", "image/jpeg", "image/gif", "image/webp"}
_UPLOAD_LIFE = 4 * 3600.0
_LIFE = 90 * DAY
_PENDING = 1000


@dataclass(slots=True, eq=False)
class LibraryImage:
    """One picture of one bot, on its way or complete.

    Attributes:
        id: The ``upload_id``, then the ``image_id``.
        expires_at: When it is forgotten; put off each time it is used.
        url: What markdown names it by; "" while it is on its way.
    """

    id: str
    appid: str
    size: int
    content_type: str
    md5: str
    sha1: str
    expires_at: float
    url: str = ""
    blob: Blob | None = None


class ImageLibrary:
    """The pictures of all bots; every method is safe from any thread.

    Args:
        platform: Whose lock, clock and addresses are used.
    """

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._pending: OrderedDict[str, LibraryImage] = OrderedDict()
        self._images: dict[str, LibraryImage] = {}

    def prepare(self, bot: Bot, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Carry out POST /v2/media-images/prepare.

        Raises:
            RefusalError: 850012, 850019 (format), 850031 (too large), 40035007 (library full).
        """
        self._check_open()
        size, content_type = payload.get("file_size"), payload.get("content_type")
        if not isinstance(size, int) or isinstance(size, bool) or size <= 0:
            raise RefusalError(850012, f"file_size {size!r}")
        if size > _MAX_SIZE:
            raise RefusalError(850031)
        if not isinstance(content_type, str) or content_type not in _FORMATS:
            raise RefusalError(850019, f"content_type {content_type!r}")
        for name in ("file_name", "md5", "sha1"):
            if not isinstance(payload.get(name), str) or not payload[name]:
                raise RefusalError(850012, f"{name} {payload.get(name)!r}")
        platform = self._platform
        with platform.lock:
            now = platform.clock.now()
            if len(self._mine(bot, now)) >= _IMAGES:
                raise RefusalError(40035007)
            image = LibraryImage(
                id=identifiers.unique(),
                appid=bot.appid,
                size=size,
                content_type=content_type,
                md5=payload["md5"].lower(),
                sha1=payload["sha1"].lower(),
                expires_at=now + _UPLOAD_LIFE,
            )
            self._pending[image.id] = image
            if len(self._pending) > _PENDING:
                self._pending.popitem(last=False)
        key = f"{KEY_PREFIX}{image.id}"
        url = platform.links.presigned("PUT", key, now=now, life=_UPLOAD_LIFE)
        return {"upload_id": image.id, "presigned_url": url, "expires_in": int(_UPLOAD_LIFE)}

    def _check_open(self) -> None:
        if not self._platform.rules.image_library:
            raise RefusalError(10000, "no image library", status=404)

    def store(self, key: str, content_type: str, pieces: Iterable[bytes]) -> str:
        """Take the bytes that were put to the presigned address; return their MD5.

        Raises:
            StoreError: As stores put it; 403 for another Content-Type than announced.
        """
        with self._platform.lock:
            image = self._pending.get(key.removeprefix(KEY_PREFIX))
        if image is None:
            raise StoreError(404, "NoSuchUpload", "The specified upload does not exist.")
        if content_type != image.content_type:
            raise StoreError(403, "SignatureDoesNotMatch", "Content-Type differs.")
        try:
            blob = Blob.copy(pieces, limit=image.size)
        except BlobTooLargeError:
            raise StoreError(400, "EntityTooLarge", "More bytes than announced.") from None
        image.blob = blob
        return blob.hashes.md5

    def complete(self, bot: Bot, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Carry out POST /v2/media-images/complete.

        Raises:
            RefusalError: 40035008 (unknown upload), 40093001 (no bytes yet), 850012 (other
                bytes than announced), 850019 (no such picture), 40035007 (library full).
        """
        self._check_open()
        platform = self._platform
        with platform.lock:
            now = platform.clock.now()
            image = self._pending.get(str(payload.get("upload_id")))
            if image is None or image.appid != bot.appid or image.expires_at < now:
                raise RefusalError(40035008, "unknown upload_id")
            if image.blob is None:
                raise RefusalError(40093001)
            if len(self._mine(bot, now)) >= _IMAGES:
                raise RefusalError(40035007)
            found = image.blob.hashes
            if (found.md5, found.sha1) != (image.md5, image.sha1) or payload.get("md5") not in (
                None,
                image.md5,
            ):
                raise RefusalError(850012, "the hashes are not those of the content")
            if formats.sniff(image.blob.read(0, formats.HEAD)).content_type != image.content_type:
                raise RefusalError(850019, "the content is not what content_type says")
            del self._pending[image.id]
            image.url = f"{URL_PREFIX}{identifiers.token()}"
            image.expires_at = now + _LIFE
            self._images[image.id] = image
            return self._describe(image, now)

    def page(self, bot: Bot, cursor: str) -> dict[str, Any]:
        """Answer GET /v2/media-images."""
        self._check_open()
        with self._platform.lock:
            now = self._platform.clock.now()
            mine = self._mine(bot, now)
            shown, following = arguments.page(mine, cursor)
            return {
                "images": [self._describe(image, now) for image in shown],
                "next_cursor": following,
                "total": len(mine),
            }

    def delete(self, bot: Bot, image_id: str) -> None:
        """Carry out DELETE /v2/media-images/{id}/delete; 40035008 when it is unknown."""
        self._check_open()
        with self._platform.lock:
            image = self._images.get(image_id)
            if image is None or image.appid != bot.appid:
                raise RefusalError(40035008)
            del self._images[image_id]

    def find(self, key: str) -> LibraryImage | None:
        """Return the picture behind a preview address; the platform's lock must be held."""
        return self._images.get(key.removeprefix(KEY_PREFIX))

    def use(self, bot: Bot, url: str) -> LibraryImage | None:
        """Return the bot's picture of that address, whose life begins anew with every use."""
        with self._platform.lock:
            now = self._platform.clock.now()
            for image in self._mine(bot, now):
                if image.url == url:
                    image.expires_at = now + _LIFE
                    return image
        return None

    def _mine(self, bot: Bot, now: float) -> list[LibraryImage]:
        for old in [image for image in self._images.values() if image.expires_at < now]:
            del self._images[old.id]
        return [image for image in self._images.values() if image.appid == bot.appid]

    def _describe(self, image: LibraryImage, now: float) -> dict[str, Any]:
        key = f"{KEY_PREFIX}{image.id}"
        return {
            "image_id": image.id,
            "url": image.url,
            "ttl": int(image.expires_at - now),
            "preview_url": self._platform.links.presigned("GET", key, now=now, life=3600.0),
        }
