"""The ladder: one way to QQ after the other, until the platform takes one.

What the chain builder hands back decides where it begins: a URL goes to the platform, bytes or a
path are uploaded as base64 or in chunks; a refused way leads to the next one.
"""

from __future__ import annotations

import base64
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from qqgroup_sync.errors import (
    ApiError,
    BadResponse,
    HostingError,
    MediaError,
    MediaTooLarge,
    QQGroupError,
    StateError,
    Text,
    TransportError,
    UnsupportedMedia,
)
from qqgroup_sync.media.chunks import ChunkedUpload
from qqgroup_sync.media.progress import Bar, Progress
from qqgroup_sync.media.sources import FILE_TYPES
from qqgroup_sync.media.ways import BASE64_MOST, MIB, Attempts, Verdict, direct_ways, judge

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from qqgroup_sync.api.file_records import Upload
    from qqgroup_sync.api.files import FileCalls
    from qqgroup_sync.media.builder import ChainBuilder
    from qqgroup_sync.media.puts import Put
    from qqgroup_sync.media.sources import Source
    from qqgroup_sync.media.ways import Lessons, Scene, Way
    from qqgroup_sync.message.elements import Medium
    from qqgroup_sync.runtime.clock import Clock

logger = logging.getLogger(__name__)

Mode = Literal["auto", "serve", "upload"]

LONG = MIB  # bytes from which on an upload is not worth holding a worker for


@dataclass(frozen=True, slots=True)
class Job:
    """One medium on its way to one chat.

    Attributes:
        tried: The ways that failed so far.
        progress: Told how far it is.
    """

    medium: Medium
    scene: Scene
    openid: str
    tried: Attempts
    progress: Progress

    @property
    def source(self) -> Source:
        """What the user handed over."""
        return self.medium.content

    @property
    def file_type(self) -> int:
        """How the upload endpoint counts it."""
        return FILE_TYPES[self.medium.kind]

    @property
    def shows_name(self) -> bool:
        """Whether people see its file name."""
        return self.medium.kind == "file"


class Ladder:
    """Tries one way after the other; safe from any thread.

    Args:
        files: The platform's upload endpoints.
        clock: Where time comes from.
        mode: See :class:`Uploader`.
        builder: Decides what becomes of a source.
        last_resort: Serves what every other way was refused for; None when nothing may.
        lessons: What the platform does not take.
        stop: Ends every wait.
        put: Sends the parts of a chunked upload.
        language: Language of cause and remedy in errors.
    """

    def __init__(
        self,
        files: FileCalls,
        clock: Clock,
        *,
        mode: Mode,
        builder: ChainBuilder,
        last_resort: ChainBuilder | None,
        lessons: Lessons,
        stop: threading.Event,
        put: Put,
        language: str | None,
    ) -> None:
        self._files = files
        self._clock = clock
        self._mode = mode
        self._builder = builder
        self._last_resort = last_resort
        self._lessons = lessons
        self._stop = stop
        self._put = put
        self._language = language

    def climb(self, job: Job, source: Source) -> Upload:
        """Try one way after the other, those first that were not refused before."""
        handed = self.handed_over(job, source)
        served_by = None
        if handed.url:
            served_by = self._builder
            upload = self.attempt(job, "url", lambda: self.send_url(job, handed.url, self._builder))
            if upload is not None:
                return upload
            if self._mode == "serve":
                raise job.tried.error()
            logger.warning(
                "QQ does not take %s from its URL, so it is uploaded: %s", source, job.tried.last
            )
            handed = source
        elif self._mode == "serve":
            raise self.not_served(source)
        ceiling = self._lessons.ceiling(job.scene, self._clock.monotonic())
        ways = direct_ways(handed.size, ceiling)
        if self._last_resort is not None and self._last_resort is not served_by:
            ways.append("url")
        for way in self.in_order(ways, job.scene):
            upload = self.take(job, way, handed)
            if upload is not None:
                return upload
        if "base64" not in ways:
            job.tried.skipped("base64", _not_tried(handed.size, ceiling))
        raise job.tried.error()

    @property
    def has_last_resort(self) -> bool:
        """Whether the resource service may help."""
        return self._last_resort is not None

    def in_order(self, ways: list[Way], scene: Scene) -> list[Way]:
        """Return the ways with those last that were refused before."""
        now = self._clock.monotonic()
        return sorted(ways, key=lambda way: bool(self._lessons.refusal(way, scene, now)))

    def take(self, job: Job, way: Way, source: Source) -> Upload | None:
        """Try one way; return None when it was refused."""
        if way == "base64":
            return self.attempt(job, way, lambda: self._send_base64(job, source), size=source.size)
        if way == "chunked":
            return self.attempt(job, way, lambda: self._send_chunked(job, source))
        url = self.published(job, source)
        if not url:
            return None
        return self.attempt(job, way, lambda: self.send_url(job, url, self._last_resort))

    def attempt(
        self, job: Job, way: Way, send: Callable[[], Upload], *, size: int = 0
    ) -> Upload | None:
        """Try one way; return None when another one should be tried, and learn why."""
        self.end_if_stopped()
        try:
            upload = send()
        except (ApiError, TransportError, BadResponse) as error:
            self.end_if_stopped(error)
            verdict = judge(error)
            if verdict is Verdict.FINAL:
                raise
            reason = job.tried.failed(way, error)
            logger.info("%s could not be handed over by %s: %s", job.source, way, reason)
            if verdict is Verdict.REFUSED:
                self._lessons.refuse(way, job.scene, reason, self._clock.monotonic())
            elif verdict is Verdict.TOO_LARGE and way == "base64":
                self._lessons.lower_ceiling(job.scene, size, self._clock.monotonic())
            return None
        self._lessons.allow(way, job.scene)
        return upload

    def send_url(self, job: Job, url: str, builder: ChainBuilder | None = None) -> Upload:
        """Let the platform fetch a URL; tell its builder when nobody needs it any more."""
        try:
            upload = self._send(job, job.source, url=url)
        except ApiError:
            if builder is not None:
                builder.uploaded(url)
            raise
        if builder is not None:
            builder.uploaded(url)
        return upload

    def _send_base64(self, job: Job, source: Source) -> Upload:
        return self._send(job, source, file_data=base64.b64encode(source.read()))

    def _send(
        self, job: Job, source: Source, *, url: str | None = None, file_data: bytes | None = None
    ) -> Upload:
        return self._files.upload_file(
            job.scene,
            job.openid,
            file_type=job.file_type,
            url=url,
            file_data=file_data,
            file_name=source.name if job.shows_name else None,
        )

    def _send_chunked(self, job: Job, source: Source) -> Upload:
        with Bar(source.name) as bar:
            job.progress.begin(source.size, bar if source.size > LONG else None)
            return ChunkedUpload(
                self._files,
                self._put,
                source,
                scene=job.scene,
                openid=job.openid,
                file_type=job.file_type,
                clock=self._clock,
                stop=self._stop,
                progress=job.progress,
            ).run()

    def handed_over(self, job: Job, source: Source) -> Source:
        """Return what the builder makes of a source; itself when that fails and need not be."""
        try:
            return self._builder.hand_over(source)
        except MediaError as error:
            if self._mode == "serve" or isinstance(error, UnsupportedMedia | MediaTooLarge):
                raise
            reason = job.tried.failed("chain builder", error)
            logger.warning("%s is uploaded directly: %s", source, reason)
            return source

    def published(self, job: Job, source: Source) -> str:
        """Return a URL of the resource service; empty when it cannot serve."""
        assert self._last_resort is not None
        try:
            return self._last_resort.hand_over(source).url
        except (MediaError, StateError) as error:
            self.end_if_stopped(error)
            job.tried.failed("resource service", error)
            return ""

    def not_served(self, source: Source) -> QQGroupError:
        """Return the error for a builder that serves nothing where it must."""
        return HostingError(
            f'media="serve", but {type(self._builder).__name__} returned no URL for {source}',
            remedy=Text(
                'Return a public URL, or use Client(media="auto").',
                '请返回公网 URL，或使用 Client(media="auto")。',
            ),
            language=self._language,
        )

    def end_if_stopped(self, cause: QQGroupError | None = None) -> None:
        """Raise StateError when the client stops."""
        if self._stop.is_set():
            raise StateError("the upload was given up: the client stops") from cause


def _not_tried(size: int, ceiling: int) -> str:
    """Return why something was not even tried as base64."""
    if ceiling < BASE64_MOST and size <= BASE64_MOST:
        return f"not tried with {size} bytes: QQ refused {ceiling + 1} at once within the last hour"
    return f"not tried: {size} bytes are too many at once"
