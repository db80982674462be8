"""Files of the user: opened, or refused with what is wrong."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING, BinaryIO

from qqgroup_sync.errors import MediaError, Text, UnsupportedMedia
from qqgroup_sync.masking import mask

if TYPE_CHECKING:
    from pathlib import Path


def opened(path: Path) -> BinaryIO:
    """Open an ordinary file; what may never end, or never begin, is not even opened."""
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError
    if not stat.S_ISREG(mode):
        raise UnsupportedMedia(
            f"{shown_path(path)} is no ordinary file",
            remedy=Text("Read it yourself and pass the bytes.", "请自行读取后传入 bytes。"),
        )
    return path.open("rb")


def unreadable(path: Path, error: Exception, *, gone: bool = False) -> MediaError:
    """Return what to raise for a file that cannot be read."""
    shown, full = shown_path(path), shown_path(absolute(path))
    where = Text(f"Looked for {full}.", f"查找的位置是 {full}。")
    if isinstance(error, FileNotFoundError):
        text = f"there is no file {shown}" + (", though there was when the chain was made" * gone)
        return MediaError(
            text,
            cause=where,
            remedy=Text(
                "Keep the file until the message is sent, or pass its bytes.",
                "发送完成之前请保留该文件，或直接传入 bytes。",
            )
            if gone
            else Text(
                "Check the name; a relative path counts from the folder in which the script was "
                "started.",
                "请检查文件名；相对路径以启动脚本时所在的目录为准。",
            ),
        )
    reason = getattr(error, "strerror", None) or (
        "it holds a character that no path can hold" if isinstance(error, ValueError) else error
    )
    why = "is a folder" if isinstance(error, IsADirectoryError) else f"cannot be read: {reason}"
    return MediaError(
        f"{shown} {why}",
        cause=where,
        remedy=Text("Pass the path of a readable file.", "请传入可读文件的路径。"),
    )


def absolute(path: Path) -> Path:
    """Return the path in full, where the working directory is known."""
    try:
        return path.absolute()
    except OSError:  # the working directory was deleted
        return path


def shown_path(path: Path) -> str:
    """Return a path as one line that any console can print; it may be base64 by mistake."""
    text = str(path)
    end = "..." if len(text) > _LONGEST_SHOWN else ""
    printable = (one if one.isprintable() else "\ufffd" for one in text[:_LONGEST_SHOWN])
    return mask("".join(printable)) + end


_LONGEST_SHOWN = 300  # characters
