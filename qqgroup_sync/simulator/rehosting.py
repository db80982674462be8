"""The pictures of a markdown message, which the platform fetches and serves itself (5.3)."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

from qqgroup_sync.simulator import formats
from qqgroup_sync.simulator.blobs import Blob, BlobTooLargeError
from qqgroup_sync.simulator.fetching import FetchError
from qqgroup_sync.simulator.images import URL_PREFIX
from qqgroup_sync.simulator.posting import Pictures
from qqgroup_sync.simulator.refusals import RefusalError
from qqgroup_sync.simulator.shelf import MediaFile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from qqgroup_sync.simulator.platform import Platform
    from qqgroup_sync.simulator.records import Bot

_PICTURE = re.compile(r"!\[[^\]\n]*\]\(((?:[^()\s]|\([^()\s]*\))+)\)")
_IMAGE = 1
_ALTOGETHER = 2  # times what one picture may take


def addresses(text: str) -> list[str]:
    """Return the addresses of the pictures in markdown, each once, in order."""
    return list(dict.fromkeys(match[1] for match in _PICTURE.finditer(text)))


def fetch(platform: Platform, bot: Bot, markdown: Mapping[str, Any], *, c2c: bool) -> Pictures:
    """Fetch what a markdown message shows; the platform's lock must not be held.

    What is in the bot's image library (2.9) is there already.

    Raises:
        RefusalError: ``picture_refused``: one failed, and the bot wants all or nothing.
    """
    content, rules = markdown.get("content"), platform.rules
    wanted = addresses(content) if isinstance(content, str) else []
    fetched: list[MediaFile] = []
    dropped: list[str] = []
    ends = time.monotonic() + _ALTOGETHER * rules.picture_timeout
    for number, address in enumerate(wanted):
        left = min(rules.picture_timeout, ends - time.monotonic())
        file = None
        if address.startswith(URL_PREFIX):
            file = _from_library(platform, bot, address, c2c=c2c)
        elif number < rules.max_pictures and left > 0:
            file = _fetch_one(platform, address, left, c2c=c2c)
        if file is not None:
            fetched.append(file)
            continue
        if markdown.get("force_verify_image_resource") is True:
            raise RefusalError(rules.picture_refused, f"picture {number + 1} of {len(wanted)}")
        dropped.append(address)
    with platform.lock:
        for file in fetched:
            platform.media.shelf.keep(file)
    platform.stats.add("pictures_fetched", len(fetched))
    platform.stats.add("pictures_dropped", len(dropped))
    return Pictures(tuple(fetched), tuple(dropped))


def _from_library(platform: Platform, bot: Bot, address: str, *, c2c: bool) -> MediaFile | None:
    image = platform.images.use(bot, address)
    if image is None or image.blob is None:
        return None
    return MediaFile(
        file_info="",
        scene="c2c" if c2c else "group",
        file_type=_IMAGE,
        name=image.id,
        content_type=image.content_type,
        way="library",
        url=address,
        blob=Blob.copy(image.blob.pieces()),
    )


def _fetch_one(platform: Platform, address: str, timeout: float, *, c2c: bool) -> MediaFile | None:
    rules = platform.rules
    try:
        limit = rules.soft_limits.get(_IMAGE, rules.hard_limit)
        found = platform.fetch(address, limit=limit, timeout=timeout)
    except (FetchError, BlobTooLargeError):
        return None
    kind = formats.sniff(found.blob.read(0, formats.HEAD))
    if kind.name not in rules.image_formats:
        return None
    return MediaFile(
        file_info="",
        scene="c2c" if c2c else "group",
        file_type=_IMAGE,
        name=found.name,
        content_type=kind.content_type,
        way="markdown",
        url=address,
        blob=found.blob,
    )
