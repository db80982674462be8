"""File names as the platform and every system take them."""

from __future__ import annotations

import re

# Marks that turn the direction of text around make gpj.exe look like exe.jpg.
_TURNING = (*range(0x200E, 0x2010), *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_BAD_IN_NAMES = str.maketrans(
    dict.fromkeys('\\/:*?"<>|', "_") | dict.fromkeys((*range(32), *range(127, 160), *_TURNING), "_")
)
# Names that Windows keeps for itself, whatever ending they have.
_DEVICE = re.compile(r"(?i)(con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[\d¹²³])\s*(\.|$)")
_LOST_BY_WINDOWS = re.compile(r"[\s.]+\Z")
_LONGEST_NAME = 200  # bytes: most file systems take 255
_LONGEST_SUFFIX = 16  # characters; longer ones are no suffix


def harmless_name(name: str) -> str:
    """Return a file name as the platform and every file system take it.

    Source: file_name of the upload page, and what other SDKs replace (2026-08).
    """
    name = name.encode(errors="replace").decode().translate(_BAD_IN_NAMES).lstrip()
    name = _LOST_BY_WINDOWS.sub("", name)
    if _DEVICE.match(name):
        name = f"_{name}"
    stem, dot, suffix = name.rpartition(".")
    if not dot or len(suffix) > _LONGEST_SUFFIX:
        stem, dot, suffix = name, "", ""
    room = _LONGEST_NAME - len((dot + suffix).encode())
    stem = stem.encode()[:room].decode(errors="ignore")
    return f"{stem}.{suffix}" if suffix else _LOST_BY_WINDOWS.sub("", stem) or "file"
