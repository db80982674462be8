"""Chunked upload: prepare, PUT the parts to the platform's storage, confirm each, put together.

Lenient where the documentation and the platform contradict each other; streams from the disk.
Knows no other way of uploading.
"""

from __future__ import annotations

import itertools
import logging
import threading
from collections import deque
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from qqgroup_sync.errors import (
    ApiError,
    BadResponse,
    ServerError,
    StateError,
    TransportError,
)
from qqgroup_sync.media.puts import Part
from qqgroup_sync.runtime.clock import Deadline
from qqgroup_sync.runtime.service import Service

if TYPE_CHECKING:
    from collections.abc import Callable

    from qqgroup_sync.api.file_records import Upload, UploadPart, UploadPlan
    from qqgroup_sync.api.files import FileCalls, Scene
    from qqgroup_sync.media.progress import Progress
    from qqgroup_sync.media.puts import Put
    from qqgroup_sync.media.sources import Source
    from qqgroup_sync.runtime.clock import Clock

logger = logging.getLogger(__name__)

T = TypeVar("T")

MOST_AT_ONCE = 4  # parts, whatever the platform allows
PUT_TIMEOUT = 300.0  # seconds for one part; what the official Node SDK gives it, 2026
PUT_WAITS = (1.0, 2.0)  # seconds before the second and the third PUT of a part
CALL_WAITS = (1.0, 2.0)  # seconds before the platform is asked the same again
LONGEST_CONFIRMING = 600.0  # seconds, whatever the platform allows

_BAD_REQUEST = 850012
_NOT_READY = 40093001
_numbers = itertools.count(1)


class ChunkedUpload:
    """One chunked upload; used once.

    Args:
        files: The platform's upload endpoints.
        put: Sends a part.
        source: What to upload; bytes or a file.
        scene: Where it will be sent.
        openid: group_openid or user_openid, as the scene asks.
        file_type: 1 picture, 2 video, 3 voice, 4 file.
        clock: Where time comes from.
        stop: Ends it.
        progress: Told about every block.
    """

    def __init__(
        self,
        files: FileCalls,
        put: Put,
        source: Source,
        *,
        scene: Scene,
        openid: str,
        file_type: int,
        clock: Clock,
        stop: threading.Event,
        progress: Progress,
    ) -> None:
        self._files = files
        self._put = put
        self._source = source
        self._scene = scene
        self._openid = openid
        self._file_type = file_type
        self._clock = clock
        self._stop = stop
        self._progress = progress
        self._failed = threading.Event()
        self._failure: Exception | None = None
        self._waiting: deque[tuple[int, UploadPart]] = deque()  # popleft is atomic

    def run(self) -> Upload:
        """Upload; blocks, and tells the progress from this thread.

        Raises:
            ApiError: The platform refuses it.
            TransportError: The platform or its storage does not answer, or not well.
            BadResponse: The platform's plan does not fit the file.
            MediaError: The file changed or vanished meanwhile.
            StateError: ``stop`` was set.
        """
        plan = self._prepare()
        if plan.upload is not None:  # known already: hinted at by the documentation, never seen
            return plan.upload
        self._check(plan)
        self._waiting.extend(enumerate(plan.parts))
        self._send_parts(plan)
        return self._complete(plan)

    # ------------------------------------------------------------------ the plan

    def _prepare(self) -> UploadPlan:
        source = self._source
        digests = source.digests()
        self._end_if_stopped()

        def prepare(size: int | str) -> UploadPlan:
            return self._files.prepare_upload(
                self._scene,
                self._openid,
                file_type=self._file_type,
                file_size=size,
                file_name=source.name,
                md5=digests.md5,
                sha1=digests.sha1,
                md5_10m=digests.md5_10m,
            )

        # Documented as a string, taken as a number by the reports of 2026.
        return self._insist(lambda: _either(prepare, str(source.size), source.size))

    def _check(self, plan: UploadPlan) -> None:
        whole = (len(plan.parts) - 1) * plan.block_size
        if not whole < self._source.size <= whole + plan.block_size:
            raise BadResponse(
                f"upload_prepare: {len(plan.parts)} parts of {plan.block_size} bytes do not make"
                f" {self._source.size}"
            )

    # ------------------------------------------------------------------ the parts

    def _send_parts(self, plan: UploadPlan) -> None:
        """Send all parts, in this thread and as many others as the platform allows."""
        at_once = min(plan.concurrency, MOST_AT_ONCE, len(plan.parts))
        others = [
            Service(f"qqgroup-upload-{next(_numbers)}", lambda: self._work(plan))
            for _ in range(at_once - 1)
        ]
        try:
            for one in others:
                one.start()
            self._work(plan, self._progress.tell)
        finally:
            self._waiting.clear()
            for one in others:
                while not one.join(0.1):
                    self._progress.tell()
        if self._failure is not None:
            if not isinstance(self._failure, StateError):
                self._end_if_stopped(self._failure)
            raise self._failure
        self._end_if_stopped()
        self._progress.tell()

    def _work(self, plan: UploadPlan, tell: Callable[[], None] | None = None) -> None:
        """Send one part after the other until none is left, or one has failed."""
        while not self._failed.is_set():
            try:
                position, part = self._waiting.popleft()
            except IndexError:
                return
            try:
                self._send(plan, position, part, tell)
            except Exception as error:  # it may be another thread's: raised in the first one
                if not self._failed.is_set():
                    self._failure = error
                    self._failed.set()
                return
            except BaseException:
                self._failed.set()
                raise

    def _send(
        self, plan: UploadPlan, position: int, part: UploadPart, tell: Callable[[], None] | None
    ) -> None:
        start = position * plan.block_size  # never by the index, which begins at 0 or 1
        size = min(plan.block_size, self._source.size - start)
        where = f"part {position + 1} of {len(plan.parts)}"
        for wait in (*PUT_WAITS, None):
            with self._source.open() as file:
                body = Part(file, start, size, name=str(self._source))
                body.watch = lambda count: self._sent(count, tell)
                trouble = self._put_once(part.presigned_url, body, where)
            if trouble is None:
                break
            self._progress.add(-body.done)
            self._end_if_stopped(trouble)
            if wait is None:
                raise trouble
            logger.info("%s; trying again in %.0f s", trouble.summary, wait)
            self._clock.wait(self._stop, wait)
            self._end_if_stopped(trouble)
        self._confirm(plan, part, size, body.md5)

    def _put_once(self, url: str, body: Part, where: str) -> TransportError | None:
        """PUT a part; return what went wrong, None when nothing did."""
        try:
            status = self._put(url, body, PUT_TIMEOUT)
        except TransportError as error:
            error.never_sent = False  # that would speak of the platform, this is its storage
            return error
        if 200 <= status < 300:
            return None
        return TransportError(f"{where}: {urlsplit(url).hostname} answered HTTP {status}")

    def _sent(self, count: int, tell: Callable[[], None] | None) -> None:
        """Count a block; called while a part is sent."""
        self._end_if_stopped()
        if self._failed.is_set():
            raise _AbandonedError
        self._progress.add(count)
        if tell is not None:
            tell()

    def _confirm(self, plan: UploadPlan, part: UploadPart, size: int, md5: str) -> None:
        """Tell the platform that a part is there; it may need a while to see it, too."""

        def finish(block_size: int | str) -> None:
            self._files.finish_upload_part(
                self._scene,
                self._openid,
                upload_id=plan.upload_id,
                part_index=part.index,
                block_size=block_size,
                md5=md5,
            )

        deadline = Deadline(self._clock, min(plan.retry_timeout, LONGEST_CONFIRMING))
        while True:
            try:
                # documented as a string, too
                return self._insist(lambda: _either(finish, size, str(size)))
            except ApiError as error:
                self._end_if_stopped(error)
                if _NOT_READY not in error.codes or deadline.passed or self._failed.is_set():
                    raise
            self._clock.wait(self._stop, max(0.1, plan.retry_delay))
            self._end_if_stopped()

    # ------------------------------------------------------------------ the end

    def _complete(self, plan: UploadPlan) -> Upload:
        def complete(fields: dict[str, Any]) -> Upload:
            return self._files.upload_file(
                self._scene, self._openid, upload_id=plan.upload_id, **fields
            )

        described: dict[str, Any] = {
            "file_type": self._file_type,
            "file_name": self._source.name,
        }
        # other SDKs send the upload_id alone
        return self._insist(lambda: _either(complete, described, {}))

    def _insist(self, call: Callable[[], T]) -> T:
        """Make a call again after a hiccup of the platform: else the whole upload would be lost."""
        for wait in CALL_WAITS:
            try:
                return call()
            except (ServerError, TransportError, BadResponse) as error:
                self._end_if_stopped(error)
                not_ready = isinstance(error, ApiError) and _NOT_READY in error.codes
                if not_ready or self._failed.is_set():
                    raise  # the one has waits of its own, the other is lost already
                logger.info("%s; trying again in %.0f s", error.summary, wait)
                self._clock.wait(self._stop, wait)
                self._end_if_stopped(error)
        return call()

    def _end_if_stopped(self, cause: Exception | None = None) -> None:
        if self._stop.is_set():
            raise StateError(f"the upload of {self._source} was given up: stopping") from cause


def _either(call: Callable[[Any], T], usual: Any, other: Any) -> T:
    """Make a call in the usual form, and in the other one when that is refused as malformed."""
    try:
        return call(usual)
    except ApiError as error:
        if _BAD_REQUEST not in error.codes:
            raise
        logger.info("%s; trying the other form", error.summary)
        return call(other)


class _AbandonedError(Exception):
    """Another part failed, so there is no sense in sending this one."""
