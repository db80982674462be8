"""What a browser can be asked to draw: a template, an address, markdown. Starts nothing itself."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from qqgroup_sync.errors import ConfigError, MediaError, Text, UnsupportedMedia

MAX_SIDE = 16_000  # pixels; Chromium's surfaces end at 16 384


@dataclass(frozen=True, slots=True)
class Page:
    """What is drawn: exactly one of ``html``, ``path`` and ``url``.

    Attributes:
        html: The source of a page. It has no folder, so relative addresses lead nowhere. Nothing
            but pictures is loaded, and those are brought by who draws it, not by the browser.
        path: A file, the usual template: pictures and styles beside it are found.
        url: An address, ``http(s)://``.
        data: What the page's ``window.init(data)`` is called with: anything JSON can hold. None
            calls nothing. It is kept as it is now; later changes do not matter.
        width: Of the window, in CSS pixels.
        height: Of the window; the picture is higher when the page is.
        render_time: Seconds that the page has after ``init`` to become ready.
        scale: Pixels of the picture per CSS pixel.

    Raises:
        ConfigError: Not exactly one source, a wrong size, or data that JSON cannot hold.
        MediaError: The file does not exist.
    """

    html: str = field(default="", repr=False)
    path: Path | None = None
    url: str = field(default="", repr=False)  # may be presigned
    data: Any = field(default=None, repr=False)
    width: int = 1280
    height: int = 720
    render_time: float = 0.2
    scale: float = 1.0
    data_json: str = field(default="null", init=False, repr=False)

    def __post_init__(self) -> None:
        if sum(1 for source in (self.html, self.path, self.url) if source) != 1:
            raise ConfigError("a page needs exactly one of html, path and url")
        if self.url and not self.url.lower().startswith(("http://", "https://")):
            raise ConfigError("the url of a page has to begin with http:// or https://")
        if not (0 < self.width <= MAX_SIDE and 0 < self.height <= MAX_SIDE):
            raise ConfigError(f"width and height have to be from 1 to {MAX_SIDE}")
        if not (0 < self.scale <= 8 and self.render_time >= 0):
            raise ConfigError("scale has to be above 0 and at most 8, render_time not negative")
        if self.path is not None:
            object.__setattr__(self, "path", _existing(Path(self.path)))
        try:
            as_json = json.dumps(self.data, allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise ConfigError(
                f"the data of a page has to fit into JSON: {error}",
                remedy=Text(
                    "Pass dicts, lists, strings, numbers, booleans and None only.",
                    "只能包含 dict、list、str、数字、布尔值和 None。",
                ),
            ) from error
        object.__setattr__(self, "data_json", as_json)

    @property
    def address(self) -> str:
        """Where the browser goes."""
        return self.path.as_uri() if self.path is not None else self.url


def _existing(path: Path) -> Path:
    full = path.expanduser().resolve()
    if not full.is_file():
        raise MediaError(
            f"there is no template {str(path)!r}",
            remedy=Text(
                f"Relative paths count from the current directory, {Path.cwd()}.",
                f"相对路径以当前工作目录为准：{Path.cwd()}。",
            ),
        )
    return full


def markdown_page(
    content: str, *, is_dark: bool = False, width: int = 600, render_time: float = 0.2
) -> Page:
    """Return a page that shows markdown, twice as sharp as its width; for ``Renderer.render``.

    HTML inside the markdown is shown as text and no script runs, because the content may be what
    somebody wrote in a chat. Its pictures are fetched by the client, under the rules for links.

    Args:
        content: Markdown with tables and strikethrough; line breaks stay.
        is_dark: Light writing on dark ground.
        width: In CSS pixels.
        render_time: Seconds for pictures to appear.

    Raises:
        UnsupportedMedia: markdown-it-py is missing.
    """
    try:
        from markdown_it import MarkdownIt  # noqa: PLC0415 - optional
    except ImportError as error:
        raise UnsupportedMedia(
            "drawing markdown needs markdown-it-py",
            remedy=Text(
                'Install it: pip install "qqgroup_sync[html]".',
                '请安装：pip install "qqgroup_sync[html]"。',
            ),
        ) from error
    markdown = MarkdownIt("commonmark", {"html": False, "breaks": True})
    body = markdown.enable(["table", "strikethrough"]).render(content)
    template = files("qqgroup_sync.message").joinpath("page/markdown.html").read_text("utf-8")
    html = template.replace("<!-- theme -->", "dark" if is_dark else "light")
    return Page(
        html=html.replace("<!-- body -->", body),
        width=width,
        height=40,  # at least; the picture is as high as the content
        render_time=render_time,
        scale=2.0,
    )
