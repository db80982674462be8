"""Where the files of a bot lie, and what it means when they cannot lie there.

It does not know what is written into them.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from qqgroup_sync.errors import ConfigError, StateError, Text

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT: Final = "default"
NOWHERE = "none"  # QQ_STATE=none; a folder of that name is ./none

_PLAIN = re.compile(r"(?a)[0-9a-z_-]{1,64}")
_DEVICES = re.compile(r"con|prn|aux|nul|com\d|lpt\d")  # Windows' names that are no files


@dataclass(frozen=True, slots=True)
class Place:
    """The folder of one bot.

    Attributes:
        root: Folder of all bots; None means that of this user on this system.
        appid: Whose it is.
    """

    root: Path | None
    appid: str

    @property
    def directory(self) -> Path:
        """The folder; it is made by :func:`make_file`, not before."""
        root = self.root
        if root is None:
            import platformdirs  # noqa: PLC0415 - only a bot that keeps something needs it

            root = platformdirs.user_data_path("qqgroup_sync", appauthor=False)
        return root / _folder_name(self.appid)

    @property
    def data(self) -> Path:
        """The file of what the user stores."""
        return self.directory / "data.sqlite"

    def session(self, shard: int, host: str) -> Path:
        """Return the file of where a shard stands on a host of the platform.

        Args:
            shard: Index of the shard.
            host: The host and port of the platform.
        """
        name = re.sub(r"[^a-z0-9.-]", "_", host.lower())[:100]
        return self.directory / f"session-{name}-{shard}.sqlite"


def locate(
    state: str | os.PathLike[str] | None,
    appid: str,
    *,
    simulated: bool = False,
    environment: Mapping[str, str] = os.environ,
    language: str | None = None,
) -> Place | None:
    """Return where a bot's files lie; None when it keeps none.

    ``QQ_STATE`` holds a folder, or ``none``. It counts where ``state`` is left at its default.

    Args:
        state: A folder, None for no files, or :data:`DEFAULT`.
        appid: The bot. Several bots may share a folder: each has its own in there.
        simulated: Whether the platform is one that ``QQ_SIMULATOR`` names. Then ``state`` does
            not count, and nothing is kept unless ``QQ_STATE`` says so: trying a bot must not
            mix with what the real one knows.
        environment: Where ``QQ_STATE`` is looked up.
        language: Language of cause and remedy in errors.

    Raises:
        ConfigError: ``state`` is no folder's name.
    """
    variable = environment.get("QQ_STATE", "").strip()
    chosen: str | os.PathLike[str] | None = state
    if simulated:
        chosen = variable or None
    elif isinstance(state, str) and state == DEFAULT:
        chosen = variable or DEFAULT
    if chosen is None or (chosen == variable and variable.lower() == NOWHERE):
        return None
    return Place(None if chosen == DEFAULT else _absolute(chosen, language), appid)


def _absolute(state: str | os.PathLike[str], language: str | None) -> Path:
    """Return the folder in full: the script may change its directory before the first write."""
    try:
        path = os.fspath(state)
        if not isinstance(path, str) or not path.strip() or "\0" in path:
            raise TypeError
        return Path(path).expanduser().absolute()
    except (TypeError, RuntimeError) as error:  # RuntimeError: ~ of an unknown user
        raise ConfigError(
            f"state={state!r} is no folder",
            remedy=Text(
                "Pass the path of a folder, or state=None to keep nothing on disk.",
                "请传入目录路径；传入 state=None 则不在磁盘上保存任何内容。",
            ),
            language=language,
        ) from error


def _folder_name(appid: str) -> str:
    """Return a name that is safe on every system; different bots never share one."""
    if _PLAIN.fullmatch(appid) and not _DEVICES.fullmatch(appid):
        return appid
    digest = hashlib.sha256(appid.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return re.sub("[^0-9a-z_-]", "_", appid.lower())[:32] + "-" + digest


def make_file(path: Path, language: str | None = None) -> None:
    """Make an empty file, and the folders above it, unless they are there; for this user's eyes.

    Raises:
        StateError: It cannot be made, or not be written to.
    """
    try:
        for folder in reversed(path.parents):
            if not folder.exists():
                folder.mkdir(mode=0o700, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        reason = error.strerror or str(error)
        if error.errno in _NO_SPACE:
            raise unusable(path, reason, "full", language) from error
        raise unusable(path, reason, "barred", language) from error


_NO_SPACE = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}

Trouble = Literal["full", "barred", "damaged", "foreign", "busy", "broken", "moved"]

_ELSEWHERE_EN = "Client(state='/other/folder') or QQ_STATE"
_NOTHING_DELETED = Text("Nothing was deleted or overwritten.", "没有删除或覆盖任何内容。")
_TROUBLES: dict[Trouble, tuple[str, Text, Text]] = {
    "full": (
        "cannot be written",
        Text("The disk is full, or a quota is used up.", "磁盘已满，或已超出配额。"),
        Text(
            f"Free some space, or choose another disk: {_ELSEWHERE_EN}. What was stored before "
            "is kept.",
            "请清理磁盘，或用 Client(state='/其他/目录') 或 QQ_STATE 换一个磁盘。"
            "之前保存的内容仍在。",
        ),
    ),
    "barred": (
        "cannot be used",
        Text(
            "The folder of the bot's state cannot be made or written to.",
            "无法创建或写入机器人的状态目录。",
        ),
        Text(
            f"Give this user the right to write there, or choose another folder: {_ELSEWHERE_EN}; "
            "state=None keeps everything in memory.",
            "请授予写入权限，或用 Client(state='/其他/目录') 或 QQ_STATE 换一个目录；"
            "state=None 只保存在内存中。",
        ),
    ),
    "damaged": (
        "is damaged",
        _NOTHING_DELETED,
        Text(
            "Put a backup in its place, or rescue what can be read: "
            "sqlite3 data.sqlite .recover | sqlite3 new.sqlite. To begin anew, move the file away, "
            "and with it those named the same with -wal and -shm.",
            "请用备份替换，或抢救可读的内容：sqlite3 data.sqlite .recover | sqlite3 new.sqlite。"
            "若要重新开始，请移走该文件以及同名的 -wal、-shm 文件。",
        ),
    ),
    "foreign": (
        "is a database of another program",
        _NOTHING_DELETED,
        Text(
            f"Move it away, or choose another folder: {_ELSEWHERE_EN}.",
            "请移走该文件，或用 Client(state='/其他/目录') 或 QQ_STATE 换一个目录。",
        ),
    ),
    "busy": (
        "is in use",
        Text(
            "Another program holds it: a second process of this bot, a database viewer, a backup.",
            "其他程序正在占用：本机器人的另一个进程、数据库查看工具或备份程序。",
        ),
        Text("Close the other program.", "请关闭其他程序。"),
    ),
    "broken": (
        "cannot be read or written",
        Text(
            "The disk or the database library reports a failure.",
            "磁盘或数据库报告了错误。",
        ),
        Text(
            "Look at the system's log: the disk may be failing, full or taken off.",
            "请查看系统日志：磁盘可能损坏、已满或已卸载。",
        ),
    ),
    "moved": (
        "was moved or deleted while in use",
        Text(
            "What is written now would be lost with the old file, so it is kept in memory.",
            "继续写入旧文件会丢失，因此内容暂存在内存中。",
        ),
        Text(
            "Stop the client before files are moved. It writes what it keeps into the file that "
            "is there when it starts again.",
            "移动文件前请先停止客户端；再次启动时会把内存中的内容写入当时的文件。",
        ),
    ),
}


def unusable(path: Path, reason: str, trouble: Trouble, language: str | None) -> StateError:
    """Return the error for a file that cannot be used, with what to do about it."""
    what, cause, remedy = _TROUBLES[trouble]
    error = StateError(f"{path} {what}: {reason}", cause=cause, remedy=remedy, language=language)
    error.trouble = trouble
    return error


class MovedError(Exception):
    """The file was moved or deleted."""


def trouble_of(error: Exception) -> Trouble:
    """Return what to tell the user; by class and text, for Python 3.10 gives no code."""
    import sqlite3  # noqa: PLC0415 - only when used

    text = str(error)
    if isinstance(error, MovedError):
        return "moved"
    if isinstance(error, sqlite3.OperationalError):
        signs: tuple[tuple[str, Trouble], ...] = (
            ("full", "full"),
            ("locked", "busy"),
            ("unable to open", "barred"),
            ("readonly", "barred"),
            ("decode", "damaged"),
            ("no such", "damaged"),
        )
        return next((trouble for sign, trouble in signs if sign in text), "broken")
    return "damaged" if type(error) is sqlite3.DatabaseError else "broken"


def too_new(path: Path, version: int, known: int, language: str | None) -> StateError:
    """Return the error for a file of a format that is not known yet."""
    error = StateError(
        f"{path} has format {version}, this version of qqgroup_sync knows up to {known}",
        cause=Text("A newer version has written it.", "该文件由更新的版本写入。"),
        remedy=Text(
            "Upgrade: pip install -U qqgroup_sync. Or move the file away to begin anew.",
            "请升级：pip install -U qqgroup_sync；或移走该文件重新开始。",
        ),
        language=language,
    )
    error.trouble = "newer"
    return error
