"""Fetches what people sent, with limits on size and time."""

from __future__ import annotations

import contextlib
import itertools
import re
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests
import urllib3.exceptions

from qqgroup_sync.errors import (
    ConfigError,
    MediaError,
    MediaTooLarge,
    Text,
    TransportError,
    TransportTimeout,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from qqgroup_sync.runtime.clock import Clock

    Progress = Callable[[int, int | None], None]

CHUNK = 64 * 1024
CONNECT_TIMEOUT = 10.0
STALL = 20.0  # seconds without a byte


class Downloads:
    """Downloads public URLs; safe from any thread.

    Args:
        clock: Where time comes from.
        ca_bundle: Certificates to trust.
        direct: Never use a proxy.
        language: Language of cause and remedy in errors.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        ca_bundle: str | None = None,
        direct: bool = False,
        language: str | None = None,
    ) -> None:
        self._clock = clock
        self._ca_bundle = ca_bundle
        self._direct = direct
        self._language = language

    def read(self, url: str, *, limit: int, timeout: float, progress: Progress | None) -> bytes:
        """Return the content of a URL.

        Raises:
            MediaTooLarge: It has more than ``limit`` bytes.
            MediaError: The server refuses.
            TransportError: No answer, or not within ``timeout`` seconds.
        """
        return b"".join(self._chunks(url, limit, timeout, progress))

    def save(
        self,
        url: str,
        path: Path,
        *,
        name: str = "",
        limit: int,
        timeout: float,
        progress: Progress | None,
    ) -> Path:
        """Write the content of a URL to a file; a partial file never takes its place.

        Args:
            url: What to fetch.
            path: The file, or a folder.
            name: Of the file in a folder; it comes from the network, so it is made harmless and
                never takes the place of a file that is there: ``a.png`` becomes ``a (1).png``.
            limit: Bytes.
            timeout: Seconds for everything.
            progress: Called with the bytes so far, and all of them when that is known.

        Raises:
            OSError: The file cannot be written.
        """
        path = Path(path)
        reserved = _reserve(path / _harmless(name)) if path.is_dir() else None
        path = reserved or path
        partial = path.with_name(f".{secrets.token_hex(8)}.part")
        try:
            with partial.open("xb") as file:
                for chunk in self._chunks(url, limit, timeout, progress):
                    file.write(chunk)
            partial.replace(path)
        except BaseException:
            for left_over in filter(None, (partial, reserved)):
                with contextlib.suppress(OSError):
                    left_over.unlink()
            raise
        return path

    def _chunks(
        self, url: str, limit: int, timeout: float, progress: Progress | None
    ) -> Iterator[bytes]:
        if not url.startswith(("http://", "https://")):
            raise ConfigError("the attachment has no address to download from")
        ends = self._clock.monotonic() + timeout
        try:
            with requests.Session() as session:
                session.trust_env = not self._direct
                session.max_redirects = 5
                with session.get(
                    url,
                    stream=True,
                    headers={"Accept-Encoding": "identity"},  # half a gzip passes for a whole one
                    timeout=(min(CONNECT_TIMEOUT, timeout), min(STALL, timeout)),
                    verify=self._ca_bundle,
                ) as response:
                    yield from self._body(response, limit, ends, progress)
        except (requests.Timeout, urllib3.exceptions.ReadTimeoutError) as error:
            raise TransportTimeout(
                f"the attachment did not arrive in time: {type(error).__name__}",
                language=self._language,
            ) from None  # the cause's text holds the presigned link
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise TransportError(
                f"the attachment could not be downloaded: {type(error).__name__}",
                language=self._language,
            ) from None  # see above

    def _body(
        self, response: requests.Response, limit: int, ends: float, progress: Progress | None
    ) -> Iterator[bytes]:
        if response.status_code != requests.codes.ok:
            raise MediaError(
                f"the attachment's server answered HTTP {response.status_code}",
                remedy=Text(
                    "Links to attachments expire: download them when the message comes.",
                    "附件链接会过期：请在收到消息时立即下载。",
                ),
                language=self._language,
            )
        length = response.headers.get("Content-Length", "")
        packed = response.headers.get("Content-Encoding", "identity") != "identity"
        total = int(length) if length.isdecimal() and not packed else None  # of the content
        done = 0
        if total is not None and total > limit:
            raise self._too_large(total, limit)
        while chunk := _next_chunk(response.raw):
            done += len(chunk)
            if done > limit:
                raise self._too_large(done, limit)
            if self._clock.monotonic() > ends:
                raise TransportTimeout(
                    "the attachment did not arrive in time", language=self._language
                )
            if progress is not None:
                progress(done, total)
            yield chunk

    def _too_large(self, size: int, limit: int) -> MediaTooLarge:
        return MediaTooLarge(
            f"the attachment has {size} bytes or more, the limit is {limit}",
            remedy=Text("Pass a larger limit=.", "请传入更大的 limit=。"),
            language=self._language,
        )


def _next_chunk(body: Any) -> bytes:
    """Return what has arrived; unlike ``iter_content`` without waiting for a full chunk.

    A server that trickles would hold that for hours, with no look at the deadline.
    """
    if hasattr(body, "read1"):  # urllib3 from 2.2 on
        return body.read1(CHUNK, decode_content=True) or b""
    return body.read(1024, decode_content=True) or b""


def _reserve(path: Path) -> Path:
    """Create an empty file under this name, or under the first free one like it."""
    for number in itertools.count():
        free = path.with_name(f"{path.stem} ({number}){path.suffix}") if number else path
        with contextlib.suppress(FileExistsError):
            free.open("xb").close()
            return free
    raise AssertionError  # unreachable: there is always a next number


def _harmless(name: str) -> str:
    """Return a file name that stays in its folder, on every system."""
    kept = re.sub('[\x00-\x1f\ud800-\udfff<>:"/\\\\|?*]', "_", name).strip(" .")
    kept = re.sub(r"(?i)^(con|prn|aux|nul|com\d|lpt\d)(?=\.|$)", r"_\1", kept)  # Windows' devices
    stem, dot, suffix = kept.rpartition(".")
    return f"{stem[:40]}{dot}{suffix[:20]}" or "attachment"  # at most 255 bytes
