"""Brings a picture, voice, video or file to QQ, once: fetched, converted and remembered as needed.

Which way it goes is the ladder's business. Knows nothing of messages.
"""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING

from qqgroup_sync.errors import (
    ApiError,
    MediaError,
    QQGroupError,
    TransportError,
    UnsupportedMedia,
    VoiceEncodeError,
)
from qqgroup_sync.media import formats, images
from qqgroup_sync.media.checks import LIMITS
from qqgroup_sync.media.file_infos import Held, Key, digest, named
from qqgroup_sync.media.ladder import LONG, Job, Ladder
from qqgroup_sync.media.progress import Bar, Progress
from qqgroup_sync.media.sources import load
from qqgroup_sync.media.ways import (
    BASE64_MOST,
    Attempts,
    is_format_refused,
)
from qqgroup_sync.message.elements import Voice

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from qqgroup_sync.api.file_records import Upload
    from qqgroup_sync.api.files import FileCalls
    from qqgroup_sync.media.builder import ChainBuilder
    from qqgroup_sync.media.file_infos import MediaMemory
    from qqgroup_sync.media.ladder import Mode
    from qqgroup_sync.media.puts import Put
    from qqgroup_sync.media.sources import Source, Stamp
    from qqgroup_sync.media.ways import Scene, Way
    from qqgroup_sync.message.elements import Image, Medium
    from qqgroup_sync.runtime.clock import Clock

logger = logging.getLogger(__name__)

NATIVE_VOICES = (formats.WAV, formats.MP3)  # beside SILK; field reports, 2026


class Uploader:
    """Uploads the media of one client by one builder; safe from any thread.

    Args:
        files: The platform's upload endpoints.
        clock: Where time comes from.
        mode: ``auto`` tries every way, ``serve`` only URLs, ``upload`` never the resource service.
        builder: Decides what becomes of a source.
        last_resort: Serves in ``auto`` what every other way was refused for.
        memory: What was uploaded, and what the platform does not take.
        stop: Ends every wait.
        aside: Entered around what takes long, so that a handler's worker is free meanwhile.
        fetch: Returns the content of a URL that the platform cannot fetch; given the most bytes.
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
        memory: MediaMemory,
        stop: threading.Event,
        aside: Callable[[], AbstractContextManager[object]] = contextlib.nullcontext,
        fetch: Callable[[str, int], bytes] | None = None,
        put: Put,
        language: str | None = None,
    ) -> None:
        self._clock = clock
        self._mode = mode
        self._builder = builder
        self._lessons = memory.lessons
        self._held = memory.file_infos
        self._flights = memory.flights(stop)
        self._stop = stop
        self._aside = aside
        self._fetch = fetch
        self._language = language
        self._ladder = Ladder(
            files,
            clock,
            mode=mode,
            builder=builder,
            last_resort=last_resort if mode == "auto" else None,
            lessons=memory.lessons,
            stop=stop,
            put=put,
            language=language,
        )

    def file_info(self, medium: Medium, *, scene: Scene, openid: str) -> str:
        """Return what a message names a medium by; uploads it unless the platform has it.

        Blocks; from any thread. Many threads that want the same content upload it once.

        Args:
            medium: What to send.
            scene: Where it will be sent; the two never share an upload.
            openid: group_openid or user_openid, as the scene asks.

        Raises:
            MediaRejected: The platform refuses this content; no other way was tried.
            ApiError: The bot may not send there, or not now.
            MediaError: Every way was refused (its cause says why each was), or the content cannot
                be read, converted or hosted.
            TransportError: The platform cannot be reached.
            StateError: The client stops.
        """
        job = self._job(medium, scene, openid)
        with self._aside() if _takes_long(medium) else contextlib.nullcontext():
            info = self._by_url(job) if job.source.url else self._held_info(job, job.source)
        job.progress.finish()
        return info

    def public_url(self, image: Image, *, scene: Scene, openid: str) -> str:
        """Return a public URL of a picture, for markdown.

        Blocks; from any thread. It is the picture's own, the builder's, that of a chunked upload
        (``raw_url``, kept until it expires), or the resource service's.

        Args:
            image: The picture.
            scene: Where it will be sent.
            openid: group_openid or user_openid, as the scene asks.

        Raises:
            As :meth:`file_info`.
        """
        if image.content.url:
            return image.content.url
        job = self._job(image, scene, openid)
        with self._aside() if _takes_long(image) else contextlib.nullcontext():
            url = self._find_public_url(job)
        job.progress.finish()
        return url

    def forget(self, file_info: str) -> None:
        """Upload anew next time: the platform does not know this any more (304080)."""
        self._held.forget(file_info)

    def _now(self) -> float:
        return self._clock.monotonic()

    def _job(self, medium: Medium, scene: Scene, openid: str) -> Job:
        self._ladder.end_if_stopped()
        tried = Attempts(str(medium.content), self._language)
        return Job(medium, scene, openid, tried, Progress(medium.progress))

    # ------------------------------------------------------------------ a user's URL

    def _by_url(self, job: Job) -> str:
        """Let the platform fetch a URL; when it cannot, fetch it here and upload that."""
        failure: QQGroupError | None = None
        if self._fetch is not None and self._lessons.refusal("url", job.scene, self._now()):
            try:
                local = self._fetched(job)
            except QQGroupError as error:
                self._ladder.end_if_stopped(error)
                logger.info("%s cannot be fetched here; letting QQ try", job.source)
                failure = error
            else:
                return self._held_info(job, local)
        medium, format_refused = job.medium, False
        if not (isinstance(medium, Voice) and medium.convert):
            try:
                upload = self._ladder.attempt(
                    job, "url", lambda: self._ladder.send_url(job, job.source.url)
                )
            except ApiError as error:
                if self._fetch is None or not is_format_refused(error) or not _converts(medium):
                    raise
                job.tried.failed("url", error)
                format_refused = True  # but it becomes a png, or SILK, when it is here
            else:
                if upload is not None:
                    return upload.file_info
        if failure is not None:  # what was fetched in vain is not fetched again
            raise failure if isinstance(failure, UnsupportedMedia) else job.tried.error()
        return self._held_info(job, self._fetched(job), format_refused=format_refused)

    def _fetched(self, job: Job) -> Source:
        """Return what stands at a user's URL, fetched by this machine."""
        kind = job.medium.kind
        limit = LIMITS["file"] if kind == "voice" else LIMITS[kind]
        if self._fetch is not None:
            logger.info("fetching %s here", job.source)
            try:
                data = self._fetch(job.source.url, limit)
            except (MediaError, TransportError) as error:
                self._ladder.end_if_stopped(error)
                job.tried.failed_here(error)
            else:
                self._ladder.end_if_stopped()
                return load(data, kind, name=job.source.name)
        raise job.tried.error()

    # ------------------------------------------------------------------ content at hand

    def _held_info(self, job: Job, source: Source, *, format_refused: bool = False) -> str:
        job.progress.begin(source.size)

        def upload(source: Source) -> Upload:
            if job.medium.kind == "voice":
                return self._upload_voice(job, source, format_refused=format_refused)
            ready = images.sendable(source) if job.medium.kind == "image" else source
            return self._ladder.climb(job, ready)

        return self._once(job, source, upload).file_info

    def _once(
        self, job: Job, source: Source, upload: Callable[[Source], Upload], *, public: bool = False
    ) -> Held:
        """Return what the platform holds of this content; upload it when that is nothing.

        Args:
            job: Whose content.
            source: As the user handed it over: what conversion makes of it is always the same.
            upload: Uploads it; given the very bytes whose digest it is kept under, when they are
                few enough to be held in memory.
            public: Whether a public URL is needed.

        Raises:
            MediaError: The file was rewritten while it was uploaded.
        """
        stamp = source.stamp()  # before anything is read
        source = source.at_hand(BASE64_MOST)
        name = source.name if job.shows_name else ""
        key = Key(digest(source), job.scene, job.file_type, name, self._variant(job.medium))

        def known() -> Held | None:
            held = self._held.get(key, self._now())
            return held if held is not None and (held.raw_url or not public) else None

        def held_now() -> Held:
            held = known()  # another thread may just have done it
            if held is None:
                held = Held.of(upload(source), self._now())
                if _is_as_it_was(source, stamp):
                    self._held.put(key, held)
            return held

        return known() or self._flights.run((key, public), held_now)

    def _variant(self, medium: Medium) -> str:
        """Return what else makes the same content another upload."""
        words = [named(self._builder)]
        if isinstance(medium, Voice):
            words += map(str, (medium.convert, medium.bitrate, medium.ios_adaptive))
        return " ".join(words)

    # ------------------------------------------------------------------ voices

    def _upload_voice(self, job: Job, source: Source, *, format_refused: bool) -> Upload:
        """Upload a voice as it is where the platform may take that, else as SILK."""
        voice, found = job.medium, source.format
        assert isinstance(voice, Voice)
        if found is formats.SILK or voice.convert is False:
            return self._ladder.climb(job, source)
        native = (
            found in NATIVE_VOICES
            and not (voice.convert or format_refused)
            and source.size <= LIMITS["voice"]
            and self._lessons.takes(found, job.scene, self._now())
        )
        if not native:
            return self._upload_converted(job, source)
        try:
            return self._ladder.climb(job, source)
        except ApiError as error:
            if not is_format_refused(error):
                raise
            logger.info("%s; trying it as SILK", error.summary)
            upload = self._ladder.climb(job, self._silk(job, source))
        # it was the format, not the sound
        self._lessons.refuse_format(found, job.scene, self._now())
        return upload

    def _upload_converted(self, job: Job, source: Source) -> Upload:
        try:
            silk = self._silk(job, source)
        except UnsupportedMedia as error:
            if source.format is not formats.FLAC:
                raise
            logger.info("%s; trying the flac as it is", error.summary)
            try:
                return self._ladder.climb(job, source)
            except ApiError as refusal:
                if is_format_refused(refusal):
                    raise error from refusal
                raise
        return self._ladder.climb(job, silk)

    def _silk(self, job: Job, source: Source) -> Source:
        from qqgroup_sync.media.voice import to_silk  # noqa: PLC0415 - only for voices

        voice = job.medium
        assert isinstance(voice, Voice)
        with Bar(f"{source.name} to SILK", unit="s") as bar:
            try:
                data = to_silk(
                    source.path if source.path and source.data is None else source.read(),
                    bitrate=voice.bitrate,
                    ios_adaptive=voice.ios_adaptive,
                    progress=bar.show,
                    stop=self._stop,
                )
            except VoiceEncodeError as error:
                self._ladder.end_if_stopped(error)
                raise
        return source.replaced(data, formats.SILK)

    # ------------------------------------------------------------------ public URLs

    def _find_public_url(self, job: Job) -> str:
        source = images.sendable(job.source)
        handed = self._ladder.handed_over(job, source)
        if handed.url:
            return handed.url
        if self._mode == "serve":
            raise self._ladder.not_served(source)
        steps: list[Way] = ["chunked", "url"] if self._ladder.has_last_resort else ["chunked"]
        for way in self._ladder.in_order(steps, job.scene):
            url = (
                self._raw_url(job, handed)
                if way == "chunked"
                else self._ladder.published(job, source)
            )
            if url:
                return url
        raise job.tried.error()

    def _raw_url(self, job: Job, source: Source) -> str:
        """Return the link that comes with a chunked upload; empty when none did."""

        def upload(source: Source) -> Upload:
            upload = self._ladder.take(job, "chunked", source)
            if upload is None:
                raise _NoWay
            return upload

        try:
            held = self._once(job, source, upload, public=True)
        except _NoWay:
            return ""
        if not held.raw_url:
            job.tried.skipped("chunked", "the platform gave no public link to the picture")
        return held.raw_url


class _NoWay(Exception):
    """The chunked way was refused; the job knows why."""


def _is_as_it_was(source: Source, stamp: Stamp | None) -> bool:
    """Tell whether the file of an uploaded source is still the one whose digest was taken.

    Raises:
        MediaError: It is not, and what was uploaded was read from it piece by piece.
    """
    now = source.stamp()
    if now == stamp:
        return True
    grew = stamp is not None and stamp.grew(now) and source.kind == "file"
    if source.data is None and now is not None and not grew:
        raise source.changed()
    return False  # a builder, too, may have read the file


def _converts(medium: Medium) -> bool:
    """Tell whether something can be made of it that the platform takes."""
    return medium.kind == "image" or (isinstance(medium, Voice) and medium.convert is not False)


def _takes_long(medium: Medium) -> bool:
    """Tell whether something of seconds may come: a fetch, an encoding, much to send."""
    source = medium.content
    encoded = source.kind == "voice" and source.format is not formats.SILK
    return bool(source.url) or encoded or source.size > LONG
