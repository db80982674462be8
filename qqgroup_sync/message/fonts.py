"""Finds fonts that have the characters of a text, on every system; draws and measures with them.

CJK fonts come with Windows and macOS, on Linux as a package. Pillow brings a Latin one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qqgroup_sync.errors import ConfigError, Text, UnsupportedMedia
from qqgroup_sync.message.text_layout import is_wide

if TYPE_CHECKING:
    from collections.abc import Iterable

_NOTDEF = "\U0010fffe"  # no character, so that every font shows its box for a missing glyph
_EMOJI_STYLE = "\ufe0f"
_NO_STYLES = dict.fromkeys(range(0xFE00, 0xFE10))
_ASK_TIMEOUT = 5.0  # seconds
_BITMAP_SIZES = (109, 160, 96, 64)  # Noto Color Emoji has one, Apple Color Emoji the others
_SIMPLIFIED = ("SC", "GB", "CN")  # of the families in one file

_WINDOWS = Path(os.environ.get("WINDIR", r"C:\Windows")) / "Fonts"
_LINUX = Path("/usr/share/fonts")
CJK_FILES: dict[str, tuple[Path, ...]] = {
    "win32": tuple(
        _WINDOWS / name for name in ("msyh.ttc", "msyh.ttf", "Deng.ttf", "simhei.ttf", "simsun.ttc")
    ),
    "darwin": tuple(
        Path("/System/Library/Fonts") / name
        for name in ("PingFang.ttc", "Hiragino Sans GB.ttc", "STHeiti Light.ttc")
    ),
    "linux": (
        _LINUX / "opentype/noto/NotoSansCJK-Regular.ttc",
        _LINUX / "noto-cjk/NotoSansCJK-Regular.ttc",
        _LINUX / "google-noto-cjk/NotoSansCJK-Regular.ttc",
        _LINUX / "google-noto-sans-cjk-fonts/NotoSansCJK-Regular.ttc",
        _LINUX / "google-noto-sans-cjk-vf-fonts/NotoSansCJK-VF.ttc",
        _LINUX / "truetype/wqy/wqy-microhei.ttc",
        _LINUX / "truetype/wqy/wqy-zenhei.ttc",
        _LINUX / "wenquanyi/wqy-microhei/wqy-microhei.ttc",
        _LINUX / "truetype/droid/DroidSansFallbackFull.ttf",
    ),
}
EMOJI_FILES: dict[str, tuple[Path, ...]] = {
    "win32": (_WINDOWS / "seguiemj.ttf",),
    "darwin": (Path("/System/Library/Fonts/Apple Color Emoji.ttc"),),
    "linux": (
        _LINUX / "truetype/noto/NotoColorEmoji.ttf",
        _LINUX / "noto/NotoColorEmoji.ttf",
        _LINUX / "google-noto-emoji/NotoColorEmoji.ttf",
        _LINUX / "google-noto-color-emoji-fonts/NotoColorEmoji.ttf",
    ),
}


@dataclass(frozen=True, slots=True)
class FontFile:
    """Where a font lies; ``index`` counts the fonts in a collection (.ttc)."""

    path: str
    index: int = 0


@lru_cache(maxsize=1)
def cjk_font() -> FontFile:
    """Return a font of this system that has Chinese characters.

    Raises:
        LookupError: There is none. Asked again later, it is looked for again.
    """
    for path in _existing(CJK_FILES):
        return FontFile(str(path), _simplified_face(str(path)))
    found = _from_fontconfig("sans-serif:lang=zh-cn", wanted="zh")
    if found is None:
        raise LookupError("no CJK font on this system")
    return found


@lru_cache(maxsize=1)
def emoji_font() -> FontFile:
    """Return a font of this system that has emoji, or raise ``LookupError``."""
    for path in _existing(EMOJI_FILES):
        return FontFile(str(path))
    found = _from_fontconfig("emoji:color=true", wanted="und-zsye")
    if found is None:
        raise LookupError("no emoji font on this system")
    return found


def _existing(files: dict[str, tuple[Path, ...]]) -> Iterable[Path]:
    return (path for path in files.get(sys.platform, files["linux"]) if path.is_file())


def _from_fontconfig(pattern: str, *, wanted: str) -> FontFile | None:
    """Ask ``fc-match``; it always names some font, so look whether it knows the language."""
    program = shutil.which("fc-match")
    if program is None:
        return None
    command = [program, "--format", "%{file}\n%{index}\n%{lang}", pattern]
    try:
        answer = subprocess.run(  # noqa: S603 - no shell, nothing of a user's in it
            command, capture_output=True, text=True, timeout=_ASK_TIMEOUT, check=True
        ).stdout
    except (OSError, ValueError, subprocess.SubprocessError):
        return None  # the same as not having the program
    path, index, languages = (*answer.split("\n", 2), "", "")[:3]
    if not any(language.startswith(wanted) for language in languages.split("|")):
        return None
    # The upper half of the number names a variation, which FreeType counts apart.
    return FontFile(path, int(index or 0) & 0xFFFF) if Path(path).is_file() else None


@lru_cache(maxsize=16)
def _simplified_face(path: str) -> int:
    """Return which font of a collection has the Chinese forms of the shared characters."""
    from PIL import ImageFont  # noqa: PLC0415 - heavy, optional

    if not path.lower().endswith((".ttc", ".otc")):
        return 0
    for index in range(32):
        try:
            family = ImageFont.truetype(path, 16, index=index).getname()[0] or ""
        except OSError:
            break  # there are no more
        if family.split()[-1:] and family.split()[-1] in _SIMPLIFIED:
            return index
    return 0


class Face:
    """One font in one size.

    Args:
        font: Pillow's ``FreeTypeFont``.
        scale: How much its glyphs are scaled when drawn; only bitmap fonts need it.
        colour: Whether its glyphs bring their own colours.
    """

    def __init__(self, font: Any, *, scale: float = 1.0, colour: bool = False) -> None:
        self.font = font
        self.scale = scale
        self.colour = colour
        self._missing = bytes(font.getmask(_NOTDEF))
        self._known: dict[str, bool] = {}

    def has(self, cluster: str) -> bool:
        """Return whether the font has the character; its marks are not looked at."""
        base = cluster[0]
        if base.isspace() or base == "\u200b":
            return not self.colour
        if base not in self._known:
            drawn = bytes(self.font.getmask(base))
            self._known[base] = drawn not in (self._missing, b"")
        return self._known[base]

    def width(self, text: str) -> float:
        """Return how far the text reaches, in pixels."""
        return float(self.font.getlength(text)) * self.scale


class Fonts:
    """The faces of one picture: the first that has a character draws it.

    It is made for a picture and forgotten with it: FreeType's faces are not for several threads.

    Args:
        size: Pixels.
        font: A file, or the name of an installed font, that comes before those found.
        language: Of errors.

    Raises:
        ConfigError: ``font`` cannot be read.
    """

    def __init__(self, size: int, font: str | None = None, *, language: str | None = None) -> None:
        from PIL import ImageFont  # noqa: PLC0415 - heavy, optional

        self._language = language
        self._faces: list[Face] = []
        if font is not None:
            self._faces.append(self._chosen(font, size))
        try:
            file = cjk_font()
            self._faces.append(Face(ImageFont.truetype(file.path, size, index=file.index)))
            self._has_cjk = True
        except (LookupError, OSError):
            self._has_cjk = False
        self._faces.append(Face(ImageFont.load_default(size)))
        self._emoji = _emoji_face(size)
        self._drawn: dict[str, tuple[Face, str]] = {}
        self._widths: dict[str, float] = {}

    def _chosen(self, font: str, size: int) -> Face:
        from PIL import ImageFont  # noqa: PLC0415 - heavy, optional

        try:
            return Face(ImageFont.truetype(font, size, index=_simplified_face(font)))
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"the font {font!r} cannot be read",
                remedy=Text(
                    "Pass font= the path of a .ttf, .otf or .ttc file.",
                    "font= 请传入 .ttf、.otf 或 .ttc 字体文件的路径。",
                ),
                language=self._language,
            ) from error

    @property
    def main(self) -> Face:
        """The face that sets the height of lines."""
        return self._faces[0]

    def face_of(self, cluster: str) -> Face:
        """Return the face that draws this character; without any, the main one draws its box.

        Raises:
            UnsupportedMedia: It is a CJK character, and no font here has those.
        """
        emoji = self._emoji
        if emoji is not None and _EMOJI_STYLE in cluster and emoji.has(cluster):
            return emoji
        for face in self._faces:
            if face.has(cluster):
                return face
        if emoji is not None and emoji.has(cluster):
            return emoji
        if not self._has_cjk and is_wide(cluster) and not "\U0001f000" <= cluster[0] < "\U00020000":
            raise self._no_cjk_font(cluster)
        return self.main

    def _no_cjk_font(self, cluster: str) -> UnsupportedMedia:
        return UnsupportedMedia(
            f"no font on this system can draw {cluster!r}",
            remedy=Text(
                "Install one (Debian: apt install fonts-noto-cjk; Fedora: dnf install"
                " google-noto-sans-cjk-fonts; Alpine: apk add font-noto-cjk), or pass font= the"
                " path of a CJK font.",
                "请安装中文字体（Debian：apt install fonts-noto-cjk；Fedora：dnf install"
                " google-noto-sans-cjk-fonts；Alpine：apk add font-noto-cjk），"
                "或用 font= 指定一个中文字体文件。",
            ),
            language=self._language,
        )

    def drawn(self, cluster: str) -> tuple[Face, str]:
        """Return which face draws a character, and what it is given to draw."""
        if cluster not in self._drawn:
            face = self.face_of(cluster)
            self._drawn[cluster] = face, cluster if face.colour else _without_styles(cluster)
        return self._drawn[cluster]

    def width(self, cluster: str) -> float:
        """Return the width of one character, in pixels."""
        if cluster not in self._widths:
            face, text = self.drawn(cluster)
            self._widths[cluster] = face.width(text)
        return self._widths[cluster]


def _without_styles(cluster: str) -> str:
    """Return the character without what only an emoji font understands, else drawn as boxes."""
    if unicodedata.category(cluster[0]).startswith("L"):
        return cluster.translate(_NO_STYLES)
    marks = (char for char in cluster[1:] if unicodedata.category(char) == "Mn")
    return (cluster[0] + "".join(marks)).translate(_NO_STYLES)


def _emoji_face(size: int) -> Face | None:
    from PIL import ImageFont  # noqa: PLC0415 - heavy, optional

    try:
        file = emoji_font()
    except LookupError:
        return None
    for drawn in (size, *_BITMAP_SIZES):
        try:
            font = ImageFont.truetype(file.path, drawn, index=file.index)
            return Face(font, scale=size / drawn, colour=True)
        except OSError:
            continue  # a bitmap font has a few sizes only
    return None
