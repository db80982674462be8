"""Whether content can be sent as what the user says it is, and if not, what he can do."""

from __future__ import annotations

import importlib.util
import math
from typing import BinaryIO

from qqgroup_sync.errors import MediaTooLarge, Text, UnsupportedMedia
from qqgroup_sync.media import formats
from qqgroup_sync.media.endings import is_cut_off
from qqgroup_sync.media.formats import HEAD, Format, Kind

MIB = 1024 * 1024
# Source: rich-media upload page, 2026-08. Above the first three the platform sends a file instead.
LIMITS: dict[Kind, int] = {
    "image": 20 * MIB,
    "video": 30 * MIB,
    "voice": 20 * MIB,
    "file": 200 * MIB,
}
NATIVE_IMAGES = (formats.PNG, formats.JPEG, formats.GIF)
LISTED_IMAGES = (formats.WEBP, formats.BMP)  # taken by one page of the documentation only
CONVERTED_IMAGES = (formats.TIFF, formats.ICO, formats.AVIF)  # by Pillow
A: dict[Kind, str] = {
    "image": "a picture",
    "voice": "a voice",
    "video": "a video",
    "file": "a file",
}


def check(file: BinaryIO, size: int, kind: Kind, name: str) -> Format:
    """Return the format of what stands in a file.

    Args:
        file: The content; seekable, at its beginning.
        size: Its bytes.
        kind: What it is to be sent as.
        name: What errors call it.

    Raises:
        UnsupportedMedia: It is empty, of another kind, cut off, or of a format that cannot be sent.
        MediaTooLarge: The platform takes no such thing of this size.
    """
    if size == 0:
        raise UnsupportedMedia(
            f"{name} is empty (0 bytes)",
            remedy=Text(
                "Was it written and closed before it was sent? A file object is read from where it "
                "stands: seek(0).",
                "发送前是否已写完并关闭？文件对象会从当前位置读取：请先 seek(0)。",
            ),
        )
    found = formats.sniff(file.read(HEAD))
    if kind != "file":
        _check_kind(found, kind, name)
    convertible = kind == "voice" and found is not formats.SILK  # a voice shrinks
    limit = LIMITS["file"] if convertible else LIMITS[kind]
    if size > limit:
        raise _too_large(size, limit, kind, name)
    if kind != "file" and is_cut_off(file, size, found):
        raise UnsupportedMedia(
            f"{name} is incomplete: the {found.name} ends in the middle",
            remedy=Text("Download or export the file again.", "请重新下载或导出该文件。"),
        )
    return found


def _check_kind(found: Format, kind: Kind, name: str) -> None:
    if kind == "voice" and found.kind == "video":
        return  # its sound is taken
    if found.kind != kind and not (found is formats.UNKNOWN and kind == "voice"):
        raise UnsupportedMedia(
            f"{name} is {_called(found)}, not {A[kind]}",
            cause=Text(
                "What counts is the content, not the file's name.", "以文件内容为准，而不是文件名。"
            ),
            remedy=_other_method(found),
        )
    if kind == "video" and found is not formats.MP4:
        raise UnsupportedMedia(
            f"{name} is {_called(found)}; QQ plays mp4 only",
            remedy=Text(
                "Convert it (ffmpeg -i in -c:v libx264 -c:a aac out.mp4), or send it with .file().",
                "请转换（ffmpeg -i in -c:v libx264 -c:a aac out.mp4），或用 .file() 作为文件发送。",
            ),
        )
    if kind == "image" and found not in NATIVE_IMAGES + LISTED_IMAGES:
        _check_convertible(found, name)


def _check_convertible(found: Format, name: str) -> None:
    if found in CONVERTED_IMAGES and has_pillow():
        return
    raise UnsupportedMedia(
        f"{name} is {_called(found)}; QQ shows png, jpg and gif",
        remedy=Text(
            'Install the converter: pip install "qqgroup_sync[image]", or save it as png.',
            '请安装转换所需的库：pip install "qqgroup_sync[image]"，或另存为 png。',
        )
        if found in CONVERTED_IMAGES
        else Text(
            "Save it as jpg or png (iPhone: Settings > Camera > Formats > Most Compatible).",
            "请另存为 jpg 或 png（iPhone：设置 > 相机 > 格式 > 兼容性最佳）。",
        ),
    )


def has_pillow() -> bool:
    """Tell whether Pillow can be imported, without importing it."""
    return importlib.util.find_spec("PIL") is not None


def _called(found: Format) -> str:
    if found is formats.UNKNOWN:
        return "of an unknown format"
    if found is formats.TEXT:
        return "text"
    if found is formats.HTML:
        return "an HTML page"
    what = {"image": " picture", "voice": " sound", "video": " video"}.get(found.kind, " file")
    article = "an" if found.name.startswith(_SPOKEN_WITH_A_VOWEL) else "a"
    return f"{article} {found.name}{what}"


_SPOKEN_WITH_A_VOWEL = ("a", "i", "o", "mp", "m4", "mkv", "flv", "svg")


def _other_method(found: Format) -> Text:
    if found is formats.HTML:
        return Text(
            "An HTML page often is the error page of a failed download; to draw one use .html(), "
            "to send it .file().",
            "HTML 往往是下载失败时的错误页面；要渲染成图片请用 .html()，要发送文件请用 .file()。",
        )
    if found is formats.SVG:
        return Text("Draw it with .html(), or save it as png.", "请用 .html() 渲染，或另存为 png。")
    method = found.kind
    return Text(f"Send it with .{method}().", f"请使用 .{method}() 发送。")


def _too_large(size: int, limit: int, kind: Kind, name: str) -> MediaTooLarge:
    smaller = limit < LIMITS["file"] and size <= LIMITS["file"]
    return MediaTooLarge(
        f"{name} has {_rounded_up(size)} MB, the limit for {A[kind]} is {limit // MIB} MB",
        cause=Text(
            "The platform shows larger ones as a file, and takes nothing above 200 MB.",
            "更大的内容平台会降级为文件展示；超过 200 MB 的一律不接受。",
        ),
        remedy=Text(
            "Make it smaller, or send it with .file().", "请压缩，或用 .file() 作为文件发送。"
        )
        if smaller
        else Text(
            "Make it smaller, or put it on a server and send the link.",
            "请压缩，或放到服务器上再发送链接。",
        ),
    )


def _rounded_up(size: int) -> str:
    """Return a size in MB that is never the limit which it exceeds."""
    return f"{math.ceil(size / MIB * 10) / 10:.1f}"
