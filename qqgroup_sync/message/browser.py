"""Draws HTML pages as pictures, in one thread with one browser (extra ``html``: playwright)."""

from __future__ import annotations

import contextlib
import inspect
import threading
from collections import deque
from typing import TYPE_CHECKING, Any

from qqgroup_sync.errors import (
    ConfigError,
    MediaError,
    StateError,
    Text,
    WaitCancelled,
)
from qqgroup_sync.message import screenshot
from qqgroup_sync.message.chromium import Chromium
from qqgroup_sync.message.pages import Page, markdown_page
from qqgroup_sync.runtime.clock import Deadline
from qqgroup_sync.runtime.service import Service

if TYPE_CHECKING:
    from collections.abc import Callable

    from qqgroup_sync.message.screenshot import Fetch
    from qqgroup_sync.runtime.clock import Clock

    Hook = Callable[[Any], object]

__all__ = ["Page", "Renderer", "markdown_page"]

THREAD = "qqgroup-render"
IDLE = 60.0  # seconds after which a browser without work is closed: it takes 750 MB
GRACE = 1.0  # seconds the render thread has to say itself what took too long
PATIENCE = 10  # wakes, 0.2 s apart, that a browser has to start or to close by itself


class _Job:
    """One page that somebody waits for. The first result stays."""

    def __init__(self, page: Page, hook: Hook | None, deadline: Deadline) -> None:
        self.page = page
        self.hook = hook
        self.deadline = deadline
        self.done = threading.Event()
        self.picture: bytes | None = None
        self.error: BaseException | None = None
        self._lock = threading.Lock()

    def end(self, *, picture: bytes | None = None, error: BaseException | None = None) -> None:
        with self._lock:  # render thread, caller and close() may end it at the same time
            if not self.done.is_set():
                self.picture, self.error = picture, error
                self.done.set()


class Renderer:
    """Draws pages, one after the other, in the thread ``qqgroup-render``.

    The thread starts with the first page. Playwright's objects live and die in it.

    Args:
        clock: Where time comes from.
        fetch: Brings the pictures of pages that are given as ``html``; None: they have none.
        language: Of cause and remedy in errors.
        executable: The browser; else ``QQ_CHROMIUM``, else what is found.
        idle: Seconds without work after which the browser is closed.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        fetch: Fetch | None = None,
        language: str | None = None,
        executable: str | None = None,
        idle: float = IDLE,
    ) -> None:
        self._clock = clock
        self._fetch = fetch
        self._language = language
        self._idle = idle
        self._chromium = Chromium(executable, language=language)
        self._lock = threading.Lock()
        self._queue: deque[_Job] = deque()
        self._current: _Job | None = None
        self._service: Service | None = None
        self._work = threading.Event()
        self._closed = False
        self._wakes = 0
        self._ident = 0

    def render(
        self, page: Page, *, on_page_rendered: Hook | None = None, timeout: float = 30.0
    ) -> bytes:
        """Return the whole page as PNG. Blocks; call it from any thread but from the hook.

        Args:
            page: What to draw.
            on_page_rendered: Called with playwright's page before the picture is taken, in the
                render thread; it may click, wait and change the page.
            timeout: Seconds for everything, the wait for other pages included.

        Raises:
            UnsupportedMedia: Playwright or a browser is missing.
            MediaTooLarge: The page is higher than 16 000 pixels.
            MediaError: It does not load, fails, or is not ready in time.
            WaitCancelled: The renderer was closed meanwhile.
            StateError: It is closed, or this is the render thread.
            Exception: Whatever the hook raises.
        """
        if inspect.iscoroutinefunction(on_page_rendered):
            raise ConfigError(
                "on_page_rendered has to be a plain function",
                remedy=Text("Drop async and await.", "请去掉 async 和 await。"),
                language=self._language,
            )
        if threading.get_ident() == self._ident:
            raise StateError("on_page_rendered cannot draw another page", language=self._language)
        job = _Job(page, on_page_rendered, Deadline(self._clock, timeout))
        self._enqueue(job)
        if not self._clock.wait(job.done, timeout + GRACE):
            self._give_up(job, timeout)
        if job.error is not None:
            raise job.error
        assert job.picture is not None
        return job.picture

    def _enqueue(self, job: _Job) -> None:
        with self._lock:
            if self._closed:
                raise StateError("the renderer is closed", language=self._language)
            self._queue.append(job)
            self._work.set()
            if self._service is None:
                self._service = Service(THREAD, self._run, wake=self._wake, on_death=self._died)
                self._service.start()

    def _give_up(self, job: _Job, timeout: float) -> None:
        with self._lock:
            waiting = job in self._queue
            if waiting:
                self._queue.remove(job)
            if self._current is not None and self._current.deadline.passed:
                self._chromium.kill()  # a page that computes forever, or a hook that hangs
        what = "had no turn" if waiting else "was not drawn"
        job.end(
            error=MediaError(
                f"the page {what} within {timeout:g} s",
                remedy=Text(
                    "Look for an endless loop in the page or in on_page_rendered, and draw fewer"
                    " pages at once.",
                    "请检查页面或 on_page_rendered 中是否有死循环，并减少同时绘制的页面。",
                ),
                language=self._language,
            )
        )

    def close(self, deadline: Deadline) -> list[str]:
        """End thread and browser; waiting callers get ``WaitCancelled``. Idempotent.

        Returns:
            The names of threads that did not end in time.
        """
        with self._lock:
            self._closed = True
            jobs = [*self._queue, *([self._current] if self._current else [])]
            self._queue.clear()
            service = self._service
        for job in jobs:
            job.end(
                error=WaitCancelled(
                    "the client stopped before the page was drawn", language=self._language
                )
            )
        if service is None or service.stop(deadline):
            return []
        return [THREAD]

    def _wake(self) -> None:
        """Let the thread end: an idle one closes its browser, a busy one loses it."""
        self._chromium.retire()
        with self._lock:
            self._wakes += 1
            self._work.set()
            impatient = self._wakes > PATIENCE
            if self._current is not None or impatient:
                self._chromium.kill(even_starting=impatient)

    def _died(self, error: BaseException) -> None:
        with self._lock:
            jobs, self._service = list(self._queue), None
            self._queue.clear()
        for job in jobs:
            job.end(error=error)

    def _run(self) -> None:
        self._ident = threading.get_ident()
        try:
            while not self._closed:
                job = self._next()
                if job is not None:
                    self._draw(job)
                elif not self._clock.wait(
                    self._work, self._idle if self._chromium.running else None
                ):
                    self._chromium.close()
        finally:
            self._ident = 0  # the system may give it to another thread
            self._chromium.close()

    def _next(self) -> _Job | None:
        with self._lock:
            self._current = self._queue.popleft() if self._queue else None
            if self._current is None and not self._closed:
                self._work.clear()
            return self._current

    def _draw(self, job: _Job) -> None:
        try:
            context = self._chromium.context(**screenshot.context_options(job.page))
            try:
                picture = screenshot.take(
                    job.page,
                    context,
                    on_page_rendered=job.hook,
                    deadline=job.deadline,
                    fetch=self._fetch,
                    language=self._language,
                )
                job.end(picture=picture)
            finally:
                with contextlib.suppress(Exception):  # the browser may be gone
                    context.close()
        except BaseException as error:  # the hook is user code; the caller gets what it raised
            job.end(error=error)
        finally:
            with self._lock:
                self._current = None
