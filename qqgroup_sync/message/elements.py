"""What a chain is made of: small values that know how they read, not how they are sent."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from qqgroup_sync.errors import ConfigError
from qqgroup_sync.errors import Text as Sentence
from qqgroup_sync.media.sources import load

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from qqgroup_sync.media.formats import Kind
    from qqgroup_sync.media.sources import Source
    from qqgroup_sync.message.browser import Page

    Progress = Callable[[int, int | None], None]


class Element:
    """Base of everything that a chain can hold."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Text(Element):
    """Plain text; shown exactly as it is."""

    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Markdown(Element):
    """Native markdown, open to every bot since 2026-04-23.

    Source: markdown page, 2026-08. Pictures need a public URL and a size hint:
    ``![alt #208px #320px](https://...)``; ``Image(..., inline=True)`` brings both by itself.
    The hint is the size of the picture as the SDK would upload it; what a builder makes of it
    instead is not measured.
    """

    content: str

    def __str__(self) -> str:
        return self.content


@dataclass(frozen=True, slots=True)
class MarkdownTemplate(Element):
    """A markdown template of the bot's, filled in; a message of its own.

    Source: markdown page, 2026-08: deprecated, and only for bots that were granted a template.

    Attributes:
        template_id: ``<appid>_<number>``.
        params: Key to value, or to a list of values; none may be empty, hold a line break or
            markdown.
    """

    template_id: str
    params: Mapping[str, str | Sequence[str]] = field(default_factory=dict, hash=False)

    def __str__(self) -> str:
        values = (one if isinstance(one, str) else " ".join(one) for one in self.params.values())
        return " ".join(values) or f"[template {self.template_id}]"


@dataclass(frozen=True, slots=True)
class At(Element):
    """Mention a member of the group; has no effect in private chats.

    The platform shows mentions only in markdown messages (field reports, 2026), so a chain with
    one is sent as markdown.
    """

    openid: str
    name: str = ""

    def __str__(self) -> str:
        return f"@{self.name or self.openid}"


@dataclass(frozen=True, slots=True)
class AtAll(Element):
    """The words "@全体成员". Groups do not let bots mention everyone: nobody is notified.

    Source: text-chain page, 2026-08: guild channels only.
    """

    def __str__(self) -> str:
        return "@全体成员"


@dataclass(frozen=True, slots=True)
class Face(Element):
    """A QQ face, as its name in brackets, or as the emoji that it is.

    Source: text-chain page, 2026-08: bots can show QQ's own faces in guild channels only.

    Attributes:
        id: Of the face; a Unicode code point above 8 000 is an emoji.
    """

    id: int

    def __str__(self) -> str:
        if 8000 < self.id <= sys.maxunicode:
            return chr(self.id)
        return f"[{_FACES.get(self.id, f'face {self.id}')}]"


@dataclass(frozen=True, slots=True)
class Link(Element):
    """A command as a link: a click puts it into the input box, or sends it at once.

    Shown in markdown messages, so a chain with one is sent as markdown. Source: text-chain page,
    2026-08.

    Attributes:
        command: What is typed, at most 100 characters.
        show: What stands in the message; by default the command.
        enter: Send it at once; private chats only, in groups it goes into the input box.
        reference: Quote this message with it.
    """

    command: str
    show: str = ""
    enter: bool = False
    reference: bool = False

    def __post_init__(self) -> None:
        for text in (self.command, self.show):
            if len(text) > 100:
                raise ConfigError(
                    f"a link of {len(text)} characters is too long",
                    remedy=Sentence("Use at most 100 characters.", "最多 100 个字符。"),
                )
        if not self.command:
            raise ConfigError(
                "a link needs a command",
                remedy=Sentence("Say what a click types.", "请填写点击后输入的内容。"),
            )

    def __str__(self) -> str:
        return self.show or self.command


@dataclass(frozen=True, slots=True)
class Quote(Element):
    """Quote a message by its ``REFIDX_...``; ordinary message ids do not resolve."""

    ref_idx: str

    def __str__(self) -> str:
        return "[quote]"


@dataclass(frozen=True, slots=True)
class Ark(Element):
    """A card; a message of its own. Needs a permission of the platform (code 304004 without).

    Source: ark pages: templates 23, 24 and 37 were open in 2025; links must be whitelisted.

    Attributes:
        template_id: Number of the template.
        kv: Key to a str, or to a list of dicts for a list; or the platform's own list of
            ``{"key": ..., "value": ...}``.
    """

    template_id: int
    kv: Mapping[str, Any] | Sequence[Mapping[str, Any]] = field(default_factory=dict, hash=False)

    @classmethod
    def link_list(
        cls,
        items: Sequence[str | tuple[str, str]],
        *,
        description: str = "",
        prompt: str = "",
    ) -> Ark:
        """Return a list of texts, each with a link or without (template 23).

        Args:
            items: A text, or a text with its link.
            description: What the card is about.
            prompt: What stands in notifications.
        """
        rows = [
            {"desc": item} if isinstance(item, str) else {"desc": item[0], "link": item[1]}
            for item in items
        ]
        return cls(23, {"#DESC#": description, "#PROMPT#": prompt, "#LIST#": rows})

    @classmethod
    def thumbnail(
        cls,
        title: str,
        *,
        text: str = "",
        image: str = "",
        link: str = "",
        subtitle: str = "",
        description: str = "",
        prompt: str = "",
    ) -> Ark:
        """Return a text with a small picture (template 24)."""
        return cls(
            24,
            {
                "#DESC#": description,
                "#PROMPT#": prompt,
                "#TITLE#": title,
                "#METADESC#": text,
                "#IMG#": image,
                "#LINK#": link,
                "#SUBTITLE#": subtitle,
            },
        )

    @classmethod
    def big_image(
        cls, title: str, *, image: str, subtitle: str = "", link: str = "", prompt: str = ""
    ) -> Ark:
        """Return a large picture, 975 x 540, with a title (template 37)."""
        return cls(
            37,
            {
                "#PROMPT#": prompt,
                "#METATITLE#": title,
                "#METASUBTITLE#": subtitle,
                "#METACOVER#": image,
                "#METAURL#": link,
            },
        )

    def __str__(self) -> str:
        return f"[card {self.template_id}]"


@dataclass(frozen=True, slots=True)
class Raw(Element):
    """A body of the send-message endpoint as it is; a message of its own."""

    payload: Mapping[str, Any] = field(hash=False)

    def __str__(self) -> str:
        return "[raw]"


@dataclass(frozen=True, slots=True)
class Html(Element):
    """A page that a browser draws when the message is sent; it goes out as a picture.

    Attributes:
        page: What to draw.
        inline: As with ``Image``.
    """

    page: Page
    inline: bool = False

    def __str__(self) -> str:
        return "[page]"


# ---------------------------------------------------------------------- media


@dataclass(frozen=True, slots=True)
class Medium(Element):
    """Base of pictures, voices, videos and files.

    Attributes:
        source: What to send; whatever :func:`qqgroup_sync.media.sources.load` takes.
        name: File name; by default that of the file.
        progress: Called with the bytes sent and all of them while it is uploaded.
    """

    source: Any
    name: str = ""
    progress: Progress | None = field(default=None, repr=False, compare=False, kw_only=True)

    kind: ClassVar[Kind] = "file"
    label: ClassVar[str] = "file"

    def __post_init__(self) -> None:
        source = load(self.source, self.kind, name=self.name or None)
        object.__setattr__(self, "source", source)

    @property
    def content(self) -> Source:
        """What is sent, checked."""
        return self.source  # type: ignore[no-any-return]

    def __str__(self) -> str:
        return f"[{self.label} {self.content}]"


@dataclass(frozen=True, slots=True)
class Image(Medium):
    """A picture.

    Attributes:
        inline: Show it inside the text around it, as markdown, instead of as a message of its own.
            Nine of them fit into one message, fewer beside a long text; what is more is sent in
            further messages. The platform fetches it from a public URL, which it
            gets from the builder, from the platform's own storage, or from the resource service.
        alt: What stands there while an inline picture loads.
    """

    inline: bool = field(default=False, kw_only=True)
    alt: str = field(default="", kw_only=True)

    kind: ClassVar[Kind] = "image"
    label: ClassVar[str] = "image"


@dataclass(frozen=True, slots=True)
class Voice(Medium):
    """A voice; converted to SILK when the platform does not take its format.

    Attributes:
        convert: True converts always, False never, None when it must.
        bitrate: Of the SILK, in bit/s; None chooses one that every QQ client plays.
        ios_adaptive: Stay below the bit rate up to which QQ on iOS plays.
    """

    convert: bool | None = field(default=None, kw_only=True)
    bitrate: int | None = field(default=None, kw_only=True)
    ios_adaptive: bool = field(default=True, kw_only=True)

    kind: ClassVar[Kind] = "voice"
    label: ClassVar[str] = "voice"


@dataclass(frozen=True, slots=True)
class Video(Medium):
    """A video, mp4."""

    kind: ClassVar[Kind] = "video"
    label: ClassVar[str] = "video"


@dataclass(frozen=True, slots=True)
class File(Medium):
    """A file of any kind, up to 200 MB; groups and private chats both take them since 2026."""


# Source: emoji page (type 1), 2026-08.
_FACES = {
    4: "得意", 5: "流泪", 8: "睡", 9: "大哭", 10: "尴尬", 12: "调皮", 14: "微笑", 16: "酷",
    21: "可爱", 23: "傲慢", 24: "饥饿", 25: "困", 26: "惊恐", 27: "流汗", 28: "憨笑", 29: "悠闲",
    30: "奋斗", 32: "疑问", 33: "嘘", 34: "晕", 38: "敲打", 39: "再见", 41: "发抖", 42: "爱情",
    43: "跳跳", 49: "拥抱", 53: "蛋糕", 60: "咖啡", 63: "玫瑰", 66: "爱心", 74: "太阳",
    75: "月亮", 76: "赞", 78: "握手", 79: "胜利", 85: "飞吻", 89: "西瓜", 96: "冷汗", 97: "擦汗",
    98: "抠鼻", 99: "鼓掌", 100: "糗大了", 101: "坏笑", 104: "哈欠", 106: "委屈", 111: "可怜",
    116: "示爱", 118: "抱拳", 120: "拳头", 122: "爱你", 123: "NO", 124: "OK", 125: "转圈",
    129: "挥手", 144: "喝彩", 147: "棒棒糖", 171: "茶", 173: "泪奔", 174: "无奈", 175: "卖萌",
    179: "doge", 180: "惊喜", 181: "骚扰", 182: "笑哭", 183: "我最美", 201: "点赞", 203: "托脸",
    212: "托腮", 222: "抱抱", 227: "拍手", 232: "佛系", 262: "脑阔疼", 264: "捂脸", 265: "辣眼睛",
    267: "头秃", 268: "问号脸", 269: "暗中观察", 270: "emm", 271: "吃瓜", 272: "呵呵哒",
    273: "我酸了", 277: "汪汪", 278: "汗", 281: "无眼笑", 282: "敬礼", 284: "面无表情",
    285: "摸鱼", 289: "睁眼", 290: "敲开心", 294: "期待", 297: "拜谢", 298: "元宝", 299: "牛啊",
    305: "右亲亲", 306: "牛气冲天", 307: "喵喵", 314: "仔细分析", 315: "加油", 318: "崇拜",
    319: "比心", 320: "庆祝", 322: "拒绝", 324: "吃糖", 326: "生气",
}  # fmt: skip
