"""Chain: what a bot says, written from left to right."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from qqgroup_sync.errors import ConfigError
from qqgroup_sync.errors import Text as Sentence
from qqgroup_sync.message.elements import (
    Ark,
    At,
    AtAll,
    Element,
    Face,
    File,
    Html,
    Image,
    Link,
    Markdown,
    MarkdownTemplate,
    Quote,
    Raw,
    Text,
    Video,
    Voice,
)
from qqgroup_sync.message.keyboard import Keyboard

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from qqgroup_sync.events.models import Message
    from qqgroup_sync.message.drawing import ImageElem
    from qqgroup_sync.message.elements import Progress
    from qqgroup_sync.message.keyboard import Rows

LONG_TEXT = 500  # characters from which text(auto_convert=True) becomes a picture


class Chain:
    """A message under construction; every method returns the chain.

    Args:
        message: The message that will be answered; ``at()`` without a user mentions its author,
            ``quote()`` quotes it.
        at: Begin with a mention of its author. Groups show one by themselves above a plain text
            reply, so this is off by default.
        reference: Quote it.
        chain_builder: Builds the media of this chain instead of the client's builder.
        data: The seed family's name of ``message``.

    Example:
        ``Chain().text("hello ").at(openid).text("!").image("cat.png")``
    """

    __slots__ = ("_elements", "_message", "builder")

    def __init__(
        self,
        message: Message | None = None,
        at: bool = False,
        reference: bool = False,
        chain_builder: Any = None,
        *,
        data: Message | None = None,
    ) -> None:
        self._message = message = message if message is not None else data
        self._elements: list[Element] = []
        self.builder = chain_builder
        if reference:
            self.quote()
        if at and message is not None:
            self.at(enter=True)

    # ------------------------------------------------------------------ words

    def text(self, text: object, *, auto_convert: bool = False) -> Chain:
        """Append text.

        Args:
            text: Anything else than a str is turned into one.
            auto_convert: Draw it as a picture when it has more than 500 characters.
        """
        text = str(text)
        if auto_convert and len(text) > LONG_TEXT:
            return self.text_image(text)
        return self.append(Text(text))

    def at(self, user: Any = None, *, enter: bool = False) -> Chain:
        """Mention a member of the group.

        Args:
            user: ``member_openid``, or anything with ``openid`` (a message's author); by
                default the author of the message that this chain answers.
            enter: Start a new line after the mention.
        """
        target = user if user is not None else getattr(self._message, "author", None)
        openid = target if isinstance(target, str) else getattr(target, "openid", "")
        if isinstance(target, list | tuple | set):
            raise ConfigError(
                "at() mentions one member",
                remedy=Sentence(
                    "Call it once for each: .at(first).at(second).",
                    "请逐个调用：.at(甲).at(乙)。",
                ),
            )
        if not openid:
            raise ConfigError(
                "at() knows nobody to mention",
                remedy=Sentence(
                    "Pass a member_openid, or begin with Chain(message).",
                    "请传入 member_openid，或用 Chain(message) 开头。",
                ),
            )
        self.append(At(openid, getattr(target, "username", "") or ""))
        return self.text("\n") if enter else self

    def at_all(self) -> Chain:
        """Append the words "@全体成员"; groups let no bot notify everyone."""
        return self.append(AtAll())

    def face(self, face_id: int | str | Iterable[int | str]) -> Chain:
        """Append QQ faces, as their names: bots can show QQ's own in guild channels only.

        Args:
            face_id: One id, or several; a Unicode code point is shown as that emoji.
        """
        try:
            ids = [int(one) for one in ([face_id] if isinstance(face_id, int | str) else face_id)]
        except (TypeError, ValueError) as error:
            raise ConfigError(
                f"there is no face {face_id!r}",
                remedy=Sentence("Pass its number, or a list of these.", "请传入表情编号或其列表。"),
            ) from error
        for one in ids:
            self.append(Face(one))
        return self

    def quote(self, message: Any = None) -> Chain:
        """Quote a message.

        Args:
            message: A message or ``Sent`` with a ``ref_idx``, or a ``REFIDX_...`` itself; by
                default the message that this chain answers. Nothing is quoted when it has none.
        """
        target = message if message is not None else self._message
        ref_idx = target if isinstance(target, str) else getattr(target, "ref_idx", "")
        if ref_idx:
            self.append(Quote(ref_idx))
        return self

    # ------------------------------------------------------------------ markdown, buttons, cards

    def markdown(self, content: str) -> Chain:
        """Append native markdown."""
        return self.append(Markdown(content))

    def markdown_template(
        self,
        template_id: str,
        params: Mapping[str, str | Sequence[str]] | None = None,
        keyboard: Keyboard | None = None,
        keyboard_template_id: str = "",
    ) -> Chain:
        """Append a markdown template, filled in; the platform calls templates deprecated.

        Args:
            template_id: ``<appid>_<number>``.
            params: Key to value.
            keyboard: Hangs below.
            keyboard_template_id: A template of a keyboard instead.
        """
        self.append(MarkdownTemplate(template_id, dict(params or {})))
        if keyboard_template_id:
            keyboard = Keyboard(template_id=keyboard_template_id)
        return self.append(keyboard) if keyboard is not None else self

    def keyboard(self, keyboard: Keyboard | Rows) -> Chain:
        """Hang buttons below the text before; the message becomes markdown.

        Args:
            keyboard: A keyboard, its rows, or the buttons of a single row.
        """
        return self.append(keyboard if isinstance(keyboard, Keyboard) else Keyboard(keyboard))

    def link(
        self, command: str, show: str = "", *, enter: bool = False, reference: bool = False
    ) -> Chain:
        """Append a command as a link: a click puts it into the input box.

        Args:
            command: What is typed, at most 100 characters.
            show: What stands in the message.
            enter: Send it at once; private chats only.
            reference: Quote this message with it.
        """
        return self.append(Link(command, show, enter=enter, reference=reference))

    def ark(
        self,
        template: int | Ark,
        kv: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
    ) -> Chain:
        """Append a card.

        Args:
            template: ``Ark.link_list(...)``, ``Ark.thumbnail(...)``, ``Ark.big_image(...)``, or
                the number of a template.
            kv: What it is filled with.
        """
        return self.append(template if isinstance(template, Ark) else Ark(template, kv or {}))

    def raw(self, payload: Mapping[str, Any]) -> Chain:
        """Append a message body as the platform takes it; only ids are added."""
        return self.append(Raw(dict(payload)))

    # ------------------------------------------------------------------ media

    def image(
        self,
        target: Any = None,
        *,
        url: str | None = None,
        inline: bool = False,
        alt: str = "",
        name: str = "",
        progress: Progress | None = None,
    ) -> Chain:
        """Append pictures.

        Args:
            target: A path, bytes, a file opened with 'rb', a URL, a ``data:`` URL, a PIL image,
                a matplotlib figure, or a list of these.
            url: The same as a URL as ``target``.
            inline: Show it within the text around it.
            alt: What stands there while an inline picture loads.
            name: File name.
            progress: Called with the bytes sent and all of them while it is uploaded.

        Raises:
            MediaError: It cannot be sent; says why.
        """
        wanted = target if target is not None else url
        for one in wanted if isinstance(wanted, list | tuple) else [wanted]:
            self.append(Image(one, name, inline=inline, alt=alt, progress=progress))
        return self

    def voice(
        self,
        file: Any,
        title: str = "",
        *,
        convert: bool | None = None,
        bitrate: int | None = None,
        ios_adaptive: bool = True,
        progress: Progress | None = None,
    ) -> Chain:
        """Append a voice: wav and SILK need nothing, other formats the extra ``audio``.

        Args:
            file: One sound: a path, bytes, a file opened with 'rb', a URL or a ``data:`` URL. For
                several call it several times.
            title: File name.
            convert: True always makes SILK of it, False never does, None when QQ asks for it.
            bitrate: Of the SILK, in bit/s.
            ios_adaptive: Stay below the bit rate up to which QQ on iOS plays.
            progress: As with :meth:`image`.
        """
        return self.append(
            Voice(
                file,
                title,
                convert=convert,
                bitrate=bitrate,
                ios_adaptive=ios_adaptive,
                progress=progress,
            )
        )

    def video(self, file: Any, *, name: str = "", progress: Progress | None = None) -> Chain:
        """Append a video, mp4.

        Args:
            file: One video: a path, bytes, a file opened with 'rb', a URL or a ``data:`` URL.
            name: File name.
            progress: As with :meth:`image`.
        """
        return self.append(Video(file, name, progress=progress))

    def file(self, file: Any, name: str = "", *, progress: Progress | None = None) -> Chain:
        """Append a file of any kind, up to 200 MB.

        Args:
            file: One file: a path, bytes, a file opened with 'rb', a URL, a ``data:`` URL, or a
                PIL image or matplotlib figure, which becomes a png.
            name: File name; what it is called in the chat.
            progress: As with :meth:`image`.
        """
        return self.append(File(file, name, progress=progress))

    # ------------------------------------------------------------------ drawn pictures

    def text_image(
        self,
        text: str,
        images: Sequence[ImageElem] | None = None,
        width: int | None = None,
        height: int | None = None,
        bgcolor: str = "#F5F5F5",
        **options: Any,
    ) -> Chain:
        """Append text drawn as a picture; needs the extra ``image``.

        Args:
            text: ``[cl text@#rrggbb cle]`` colours a part of it.
            images: Pictures that are drawn into it.
            width: In points, of two pixels each; by default as much as is needed.
            height: In points, at least; by default as much as is needed.
            bgcolor: Background.
            **options: See :func:`qqgroup_sync.message.drawing.text_image`.
        """
        from qqgroup_sync.message.drawing import text_image  # noqa: PLC0415 - an extra

        return self.image(
            text_image(text, images, width=width, height=height, bgcolor=bgcolor, **options)
        )

    def html(
        self,
        path: str | Path,
        data: Any = None,
        width: int = 1280,
        height: int = 720,
        *,
        is_template: bool = True,
        render_time: int = 200,
        inline: bool = False,
    ) -> Chain:
        """Append a page that a browser draws when the message is sent; needs the extra ``html``.

        Args:
            path: A template file, or with ``is_template=False`` a URL.
            data: What the template's ``window.init(data)`` is called with.
            width: Of the browser's window, in pixels.
            height: The same.
            is_template: Whether ``path`` is a file.
            render_time: Milliseconds that the page gets to draw itself.
            inline: As with :meth:`image`.
        """
        from qqgroup_sync.message.browser import Page  # noqa: PLC0415 - an extra

        page = Page(
            path=Path(path) if is_template else None,
            url="" if is_template else str(path),
            data=data,
            width=width,
            height=height,
            render_time=render_time / 1000,
        )
        return self.append(Html(page, inline))

    def markdown_image(
        self, content: str, render_time: int = 200, *, is_dark: bool = False, inline: bool = False
    ) -> Chain:
        """Append markdown drawn as a picture; needs the extra ``html``.

        Args:
            content: Markdown, with tables and code.
            render_time: Milliseconds that the page gets to draw itself.
            is_dark: Light on dark.
            inline: As with :meth:`image`.
        """
        from qqgroup_sync.message.browser import markdown_page  # noqa: PLC0415 - an extra

        page = markdown_page(content, is_dark=is_dark, render_time=render_time / 1000)
        return self.append(Html(page, inline))

    # ------------------------------------------------------------------ putting together

    def append(self, element: Any) -> Chain:
        """Append an element; also what :func:`chain_of` takes."""
        if not isinstance(element, Element):
            return self.extend(element)
        self._elements.append(element)
        return self

    def extend(self, content: Any) -> Chain:
        """Append what :func:`chain_of` takes."""
        self._elements.extend(chain_of(content).elements)
        return self

    @property
    def elements(self) -> tuple[Element, ...]:
        """The elements in order."""
        return tuple(self._elements)

    def __iter__(self) -> Iterator[Element]:
        return iter(self._elements)

    def __len__(self) -> int:
        return len(self._elements)

    def __add__(self, other: Any) -> Chain:
        return self._joined(self, chain_of(other))

    def __radd__(self, other: Any) -> Chain:
        return self._joined(chain_of(other), self)

    def _joined(self, first: Chain, second: Chain) -> Chain:
        total = Chain(self._message, chain_builder=self.builder)
        total._elements = [*first, *second]
        return total

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Chain) and self._elements == other._elements

    __hash__ = None  # type: ignore[assignment]  # a chain can change

    def __str__(self) -> str:
        return "".join(str(element) for element in self._elements)

    def __repr__(self) -> str:
        return f"Chain({', '.join(repr(element) for element in self._elements)})"

    def _repr_html_(self) -> str:
        from qqgroup_sync.message.preview import as_html  # noqa: PLC0415 - for notebooks

        return as_html(self)


def chain_of(content: Any) -> Chain:
    """Return a chain of what a handler may return or ``reply`` may be given.

    Args:
        content: A str, an element, a chain, or a list or tuple of these.

    Raises:
        ConfigError: It is something else.
    """
    if isinstance(content, Chain):
        return content
    chain = Chain()
    if isinstance(content, str):
        return chain.text(content)
    if isinstance(content, Element):
        return chain.append(content)
    if isinstance(content, list | tuple):
        for part in content:
            inner = chain_of(part)
            chain.builder = chain.builder or inner.builder
            chain.extend(inner)
        return chain
    raise ConfigError(
        f"{type(content).__name__} cannot be sent",
        remedy=Sentence(
            "Send or return a str, a Chain, an element, a list of these, or None for no answer; "
            "pictures by Chain().image(...).",
            "请发送或返回 str、Chain、消息元素、它们的列表；不回复则返回 None；"
            "图片请用 Chain().image(...)。",
        ),
    )
