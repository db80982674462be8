"""Turns one page into a PNG inside a browser context: load, ``init(data)``, hook, screenshot."""

from __future__ import annotations

import contextlib
import logging
import re
from functools import partial
from typing import TYPE_CHECKING, Any

from qqgroup_sync.errors import MediaError, MediaTooLarge, QQGroupError, Text
from qqgroup_sync.masking import mask
from qqgroup_sync.media.formats import HEAD, SVG, sniff
from qqgroup_sync.message.pages import MAX_SIDE

if TYPE_CHECKING:
    from collections.abc import Callable

    from qqgroup_sync.message.pages import Page
    from qqgroup_sync.runtime.clock import Deadline

    Fetch = Callable[[str, int, float], bytes]  # address, most bytes, seconds

logger = logging.getLogger(__name__)

MAX_LINES = 5  # log lines for what goes wrong inside one page
MOST = 20 * 1024 * 1024  # bytes of a picture in a page
_RESOURCES = 5.0  # seconds for pictures and fonts that the template asks for late

# The data comes as an argument, never as source text.
_INIT = """async ([data, limit]) => {
  if (typeof window.init !== "function") return "missing";
  let timer;
  const late = new Promise((_, fail) => {
    timer = setTimeout(() => fail(new Error("it did not end in time")), limit);
  });
  try {
    await Promise.race([window.init(JSON.parse(data)), late]);
    return "";
  } catch (error) {
    return "failed: " + String((error && error.message) || error);
  } finally {
    clearTimeout(timer);
  }
}"""
_LATE_RESOURCES = """(limit) => {
  const settled = (image) => new Promise((done) => {
    image.addEventListener("load", done);
    image.addEventListener("error", done);
  });
  const late = Array.from(document.images)
    .filter((image) => !image.complete && image.loading !== "lazy").map(settled);
  const all = Promise.all([document.fonts.ready, ...late]);
  return Promise.race([all, new Promise((done) => setTimeout(done, limit))]).then(() => null);
}"""
_HEIGHT = """() => Math.max(document.documentElement.scrollHeight,
  document.body ? document.body.scrollHeight : 0)"""


def context_options(page: Page) -> dict[str, Any]:
    """Return what the browser context of this page needs."""
    return {
        "viewport": {"width": page.width, "height": page.height},
        "device_scale_factor": page.scale,
        "accept_downloads": False,
        "service_workers": "block",
    }


def take(
    page: Page,
    context: Any,
    *,
    on_page_rendered: Callable[[Any], object] | None,
    deadline: Deadline,
    fetch: Fetch | None,
    language: str | None,
) -> bytes:
    """Return the whole page as PNG. Blocks until the deadline at most, but for the hook.

    Args:
        page: What to draw.
        context: A fresh one of the browser's.
        on_page_rendered: Called with playwright's page before the picture is taken.
        deadline: For everything.
        fetch: Brings what a page of ``html`` asks for, which may be what a stranger wrote: the
            browser itself would fetch from any network. None lets it have nothing.
        language: Of errors.

    Raises:
        MediaTooLarge: The page is too high.
        MediaError: It does not load, its ``init`` fails, or it takes too long.
        Exception: Whatever the hook raises.
    """
    return _Shot(page, context, deadline, language, fetch).taken(on_page_rendered)


class _Shot:
    """One visit to one page."""

    def __init__(
        self,
        page: Page,
        context: Any,
        deadline: Deadline,
        language: str | None,
        fetch: Fetch | None = None,
    ) -> None:
        self._page = page
        self._deadline = deadline
        self._language = language
        self._lines_left = MAX_LINES
        self._context = context
        self._fetch = fetch
        self._refused: dict[str, str] = {}
        self._tab: Any = None

    def taken(self, on_page_rendered: Callable[[Any], object] | None) -> bytes:
        self._step("open", self._open)
        self._step("load", self._load)
        self._step("run its init(data)", self._init)
        self._step("become ready", self._settle)
        if on_page_rendered is not None:
            on_page_rendered(self._tab)
        picture: bytes = self._step("become a picture", self._drawn)
        return picture

    def _step(self, what: str, step: Callable[[], Any]) -> Any:
        """Run a step and say in plain words how it failed."""
        from playwright.sync_api import Error  # noqa: PLC0415 - heavy, optional
        from playwright.sync_api import TimeoutError as Late  # noqa: PLC0415

        try:
            return step()
        except Late as error:
            raise self._late(what) from error
        except Error as error:
            words = str(error)
            if "has been closed" in words or "crashed" in words:
                raise MediaError(
                    "the browser ended while it drew the page",
                    remedy=Text(
                        "Try again; if it stays so, the page may need more memory than there is.",
                        "请重试；如果一直如此，可能是页面需要的内存不足。",
                    ),
                    language=self._language,
                ) from error
            # Without the cause, whose text holds the whole address.
            raise self._failed(what, words) from None

    def _open(self) -> None:
        self._tab = self._context.new_page()
        self._tab.set_default_timeout(self._milliseconds())  # for the hook, too
        self._tab.on("pageerror", lambda error: self._log("script error", error))
        self._tab.on("requestfailed", self._log_failed)
        if self._page.html:
            self._context.route("**/*", self._answer)

    def _load(self) -> None:
        page, limit = self._page, self._milliseconds()
        if page.html:
            self._tab.set_content(page.html, timeout=limit)
            return
        response = self._tab.goto(page.address, timeout=limit)
        if response is not None and response.status >= 400:
            raise self._failed("load", f"the server answered HTTP {response.status}")

    def _answer(self, route: Any) -> None:
        """Bring what the page asks for: pictures only, and the browser asks nobody itself."""
        address = route.request.url
        try:
            if self._fetch is None:
                raise MediaError("nothing is fetched for this page")
            seconds = min(_RESOURCES, self._milliseconds() / 2000)  # of the time that is left
            content = self._fetch(address, MOST, seconds)
            found = sniff(content[:HEAD])
            if found.kind != "image" and found is not SVG:
                raise MediaError("it is no picture")
            answer = partial(route.fulfill, body=content, content_type=found.content_type)
        except QQGroupError as error:
            self._refused[address] = error.summary
            answer = route.abort
        with contextlib.suppress(Exception):  # the page may be gone
            answer()

    def _init(self) -> None:
        if self._page.data is None:
            return
        said = self._tab.evaluate(_INIT, [self._page.data_json, self._milliseconds()])
        if said == "missing":
            logger.warning("%s defines no window.init(data): its data was not used", self._name)
        elif said:
            raise MediaError(
                f"window.init(data) of {self._name} {said}",
                remedy=Text(
                    "Open the template in a browser and call init(...) in its console.",
                    "请在浏览器中打开该模板，并在控制台调用 init(...) 排查。",
                ),
                language=self._language,
            )

    def _settle(self) -> None:
        limit = min(self._milliseconds(), _RESOURCES * 1000)
        self._tab.evaluate(_LATE_RESOURCES, limit)
        if self._page.render_time:
            self._tab.wait_for_timeout(min(self._page.render_time * 1000, self._milliseconds()))

    def _drawn(self) -> Any:
        height = self._tab.evaluate(_HEIGHT) * self._page.scale
        if height > MAX_SIDE:
            raise MediaTooLarge(
                f"{self._name} is {round(height)} pixels high, the limit is {MAX_SIDE}",
                remedy=Text(
                    "Part it into several messages; a page of your own also gets lower when it is"
                    " wider: html(width=...).",
                    "请拆成多条消息；自己的页面也可用 html(width=...) 加宽，使其变矮。",
                ),
                language=self._language,
            )
        return self._tab.screenshot(full_page=True, type="png", timeout=self._milliseconds())

    @property
    def _name(self) -> str:
        if self._page.path is not None:
            return self._page.path.name
        return "the page" if self._page.html else mask(self._page.url)

    def _milliseconds(self) -> float:
        left = self._deadline.left()
        if left == 0.0:
            raise self._late("finish")
        return 30_000.0 if left is None else left * 1000  # 0 would mean no limit to playwright

    def _late(self, what: str) -> MediaError:
        return MediaError(
            f"{self._name} did not {what} in time",
            remedy=Text(
                "Make the page simpler, look for pictures or scripts that load slowly, and keep"
                " render_time= short.",
                "请简化页面，检查加载缓慢的图片或脚本，并缩短 render_time=。",
            ),
            language=self._language,
        )

    def _failed(self, what: str, words: str) -> QQGroupError:
        network = re.search(r"net::(ERR_\w+)", words)
        reason = network.group(1) if network else words.partition("\n")[0]
        return MediaError(
            f"{self._name} did not {what}: {reason}",
            remedy=Text(
                "Open it in a browser on this machine to see what is wrong.",
                "请在本机浏览器中打开它以查看问题。",
            ),
            language=self._language,
        )

    def _log_failed(self, request: Any) -> None:
        if not request.is_navigation_request():  # the error says that one
            why = self._refused.get(request.url, request.failure)
            self._log("not loaded", f"{request.url} {why}")

    def _log(self, what: str, words: object) -> None:
        if self._lines_left > 0:
            self._lines_left -= 1
            logger.warning("%s: %s: %s", self._name, what, mask(str(words).partition("\n")[0]))
