"""Our temporary files in a folder of the user's: written, removed, swept up after a crash.

It does not know what a file is for, nor how long it is needed.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import re
import secrets
import shutil
import stat
import threading
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from qqgroup_sync.errors import MediaError, StateError, Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from filelock import BaseFileLock

    Content = bytes | bytearray | memoryview | Path | Iterable[bytes]

logger = logging.getLogger(__name__)

CHUNK = 1024 * 1024
_OURS = re.compile(r"qqgroup-temp-[0-9a-f]{32}")
_SUFFIX = re.compile(r"(?a)(?:\.\w{1,16}){0,2}")
_LOCK = ".lock"
_ATTEMPTS = 8


class TempFiles:
    """Files of this process, in a locked sub-folder of ``folder``; safe from any thread.

    The sub-folder is made when the first file is written. The lock beside it goes with the
    process, however that ends; by its absence :meth:`sweep` knows what the dead left behind.
    Several instances on one folder do not touch each other's files.

    Args:
        folder: The user's folder; made when it is not there.
        language: Language of cause and remedy in errors.
    """

    def __init__(self, folder: str | Path, *, language: str | None = None) -> None:
        self._folder = Path(folder).absolute()  # the script may change its directory later
        self._language = language
        self._lock = threading.Lock()
        self._home: _Home | None = None
        self._made_folder = False
        self._closed = False
        self._undeletable: set[Path] = set()  # on Windows: while somebody downloads them

    def create(self, content: Content, suffix: str = "") -> Path:
        """Write a new file with an unguessable name; blocks while it is written.

        Args:
            content: Bytes, parts of them, or a file to copy (piece by piece, not in memory).
            suffix: Of the name, with its dot; left out when it is not a plain one.

        Returns:
            Its path. Nothing stays behind when this raises.

        Raises:
            MediaError: It cannot be written, or the file to copy cannot be read.
            StateError: This was closed.
        """
        self._delete_the_undeletable()
        with contextlib.ExitStack() as cleaning:
            chunks = iter(self._chunks(content, cleaning))
            path, file = self._open(plain_suffix(suffix))
            try:
                for chunk in chunks:
                    with self._writing():
                        file.write(chunk)
                with self._writing():
                    file.close()
            except BaseException:
                with contextlib.suppress(OSError):
                    file.close()  # it tries to write the rest again
                self.remove(path)
                raise
        return path

    def owns(self, path: Path) -> bool:
        """Return whether a path is that of a file in the sub-folder."""
        home = self._home
        return home is not None and path.parent == home.path

    def remove(self, path: Path) -> None:
        """Delete a file of ours; one that is gone, or is not ours, is left alone."""
        if not self.owns(path):
            return
        try:
            path.unlink(missing_ok=True)
        except OSError:
            with self._lock:
                self._undeletable.add(path)

    def sweep(self) -> None:
        """Delete what dead processes left in the folder; nothing else there is touched."""
        try:
            entries = [entry.name for entry in self._folder.iterdir()]
        except OSError:
            return  # not there, so nothing was left there; if it is barred, writing will tell
        names = {entry.removesuffix(_LOCK) for entry in entries}
        home = self._home
        for name in sorted(filter(_OURS.fullmatch, names)):
            if home is None or home.path.name != name:
                _sweep(self._folder / name)

    def close(self) -> None:
        """Delete our sub-folder, and ``folder`` when we made it and nothing else is in it."""
        with self._lock:
            home, self._home, self._closed = self._home, None, True
        if home is not None:
            home.remove()
        if self._made_folder:
            with contextlib.suppress(OSError):  # it is not empty, so it is in use
                self._folder.rmdir()

    def _open(self, suffix: str) -> tuple[Path, BinaryIO]:
        for attempt in range(_ATTEMPTS):
            home = None
            with self._writing():
                try:
                    home = self._own_home()
                    path = home.path / f"{secrets.token_hex(16)}{suffix}"
                    return path, path.open("xb")
                except (FileNotFoundError, FileExistsError):
                    # Somebody cleared the folder away, perhaps while we made it: make another.
                    if attempt == _ATTEMPTS - 1:
                        raise
            if home is not None:
                self._abandon(home)
        raise AssertionError  # unreachable

    def _abandon(self, home: _Home) -> None:
        with self._lock:
            if self._home is home:
                self._home = None
        home.remove()

    def _own_home(self) -> _Home:
        """Return the sub-folder; of several threads that make one, the first wins."""
        if self._home is not None:
            return self._home
        if not self._closed and not self._folder.is_dir():
            self._folder.mkdir(parents=True, exist_ok=True)
            self._made_folder = True
        fresh = None if self._closed else _Home.make(self._folder)
        with self._lock:
            if self._home is None and not self._closed:
                self._home = fresh
            home = self._home
        if fresh is not None and home is not fresh:
            fresh.remove()
        if home is None:
            raise StateError("the temporary files were deleted: the client was stopped")
        return home

    def _chunks(self, content: Content, cleaning: contextlib.ExitStack) -> Iterable[bytes]:
        if isinstance(content, bytes | bytearray | memoryview):
            return [bytes(content)]
        if not isinstance(content, Path):
            return content
        with self._reading(content):
            source = cleaning.enter_context(
                open(content, "rb", buffering=0, opener=_open_at_once)  # noqa: SIM115 - create() closes it
            )
            if not stat.S_ISREG(os.fstat(source.fileno()).st_mode):
                raise OSError(errno.EINVAL, "it is not a file")
        return self._pieces(content, source)

    def _pieces(self, path: Path, source: BinaryIO) -> Iterator[bytes]:
        while True:
            with self._reading(path):
                piece = source.read(CHUNK)
            if not piece:
                return
            yield piece

    @contextlib.contextmanager
    def _reading(self, path: Path) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise MediaError(
                f"{path.name} cannot be read: {error.strerror or error}",
                remedy=Text("Check that the file is there.", "请检查文件是否存在且可读。"),
                language=self._language,
            ) from error

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            full = error.errno in _NO_SPACE
            raise MediaError(
                f"no temporary file can be written in {self._folder}: {error.strerror or error}",
                cause=_FULL if full else _BARRED,
                remedy=_MAKE_SPACE if full else _OTHER_FOLDER,
                language=self._language,
            ) from error

    def _delete_the_undeletable(self) -> None:
        with self._lock:
            paths, self._undeletable = self._undeletable, set()
        for path in paths:
            self.remove(path)


_NO_SPACE = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}
_FULL = Text("The disk is full, or a quota is used up.", "磁盘已满，或已超出配额。")
_MAKE_SPACE = Text(
    "Free some space, or choose another disk: "
    "QQGroupChainBuilderOptions(resource_path='/other/folder').",
    "请清理磁盘，或换一个目录：QQGroupChainBuilderOptions(resource_path='/other/folder')。",
)
_BARRED = Text("The folder of the resource service cannot be written to.", "资源服务的目录不可写。")
_OTHER_FOLDER = Text(
    "Give this user the right to write there, or choose another folder: "
    "QQGroupChainBuilderOptions(resource_path='/other/folder').",
    "请授予写入权限，或换一个目录：QQGroupChainBuilderOptions(resource_path='/other/folder')。",
)


def _open_at_once(path: str, flags: int) -> int:
    """Open without waiting; a named pipe would hold the thread until somebody writes to it."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def plain_suffix(suffix: str) -> str:
    """Return a suffix as it may stand in a name, "" for one that may not."""
    return suffix if _SUFFIX.fullmatch(suffix) else ""


class _Home:
    """One sub-folder and its lock."""

    def __init__(self, path: Path, lock: BaseFileLock) -> None:
        self.path = path
        self._lock = lock

    @classmethod
    def make(cls, folder: Path) -> _Home:
        """Make a sub-folder; the lock is there before it, so that no sweep takes it for left."""
        for _ in range(_ATTEMPTS):
            path = folder / f"qqgroup-temp-{secrets.token_hex(16)}"
            lock = _try_lock(path)
            if lock is None:
                continue  # another process' sweep was faster
            if not _lock_of(path).exists():  # that sweep unlinked it before we locked it
                lock.release()
                continue
            home = cls(path, lock)
            try:
                path.mkdir(mode=0o700)
            except OSError:
                home.remove()
                raise
            return home
        raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    def remove(self) -> None:
        """Delete the sub-folder and the lock; what resists is left to the next sweep."""
        shutil.rmtree(self.path, ignore_errors=True)
        lock = _lock_of(self.path)
        gone = not os.path.lexists(self.path)
        if gone:
            with contextlib.suppress(OSError):  # Windows deletes no open file
                lock.unlink()
        with contextlib.suppress(OSError):
            self._lock.release()
        if gone:
            with contextlib.suppress(OSError):
                lock.unlink()


def _lock_of(path: Path) -> Path:
    return path.with_name(path.name + _LOCK)


def _try_lock(path: Path) -> BaseFileLock | None:
    """Return the lock of a sub-folder, held; None when somebody else holds it."""
    from filelock import FileLock, Timeout  # noqa: PLC0415 - 60 ms that a text bot never needs

    lock = FileLock(str(_lock_of(path)), thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return None
    except NotImplementedError as error:  # a file system without locks: nobody's to sweep
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK)) from error
    return lock


def _sweep(path: Path) -> None:
    """Delete a sub-folder whose process is dead."""
    try:
        links = path.is_symlink() or _lock_of(path).is_symlink()
        if links or (path.exists() and not path.is_dir()):
            return  # named like ours, but not made by us
        lock = _try_lock(path)
    except OSError as error:
        logger.debug("%s was not looked at: %s", path.name, type(error).__name__)
        return
    if lock is not None:
        _Home(path, lock).remove()
        logger.debug("deleted %s, which a dead process had left", path.name)
