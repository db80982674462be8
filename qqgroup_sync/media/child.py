"""Runs another program in a private folder, for a bounded time, and leaves neither behind."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from qqgroup_sync.errors import Text, VoiceEncodeError
from qqgroup_sync.media.pcm import end_if_stopped
from qqgroup_sync.runtime.clock import Clock, Deadline

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator, Sequence

_LOOK = 0.05  # seconds between two looks at it
_COMPLAINTS = "complaints.txt"


@contextlib.contextmanager
def private_folder() -> Iterator[Path]:
    """Make a folder that only this user can read, and remove it with all that is in it.

    Raises:
        VoiceEncodeError: A file in it cannot be written or read.
    """
    try:
        with tempfile.TemporaryDirectory(
            prefix="qqgroup-voice-", ignore_cleanup_errors=True
        ) as name:
            yield Path(name)
    except OSError as error:
        raise VoiceEncodeError(
            f"a temporary file for the voice could not be used: {error}",
            remedy=Text(
                "Free some space on the disk of temporary files, or set TMPDIR to another one.",
                "请清理临时文件所在的磁盘，或用 TMPDIR 换一个目录。",
            ),
        ) from error


def run(
    command: Sequence[str],
    folder: Path,
    *,
    seconds: float,
    stop: threading.Event | None = None,
    watch: Callable[[], None] | None = None,
) -> str | None:
    """Run a program in a folder of its own; return what went wrong, None when nothing did.

    However this ends, the program has ended before.

    Args:
        command: The program and its arguments; no shell is involved.
        folder: Its working directory; what it complains of is written there, too.
        seconds: When it is killed.
        stop: Kills it when set.
        watch: Called again and again while it runs.

    Raises:
        VoiceEncodeError: ``stop`` was set.
    """
    deadline = Deadline(Clock(), seconds)
    complaints = folder / _COMPLAINTS
    try:
        with complaints.open("wb") as errors:
            # A session of its own: Ctrl-C lets handlers end, so it must not end their helper.
            process = subprocess.Popen(  # noqa: S603 - fixed programs, no shell
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
    except OSError as error:
        return f"it cannot be started ({error})"
    try:
        while True:
            end_if_stopped(stop)
            try:
                code = process.wait(_LOOK)
                break
            except subprocess.TimeoutExpired:
                if deadline.passed:
                    return f"it did not end within {seconds:.0f} s"
            if watch is not None:
                watch()
    finally:
        process.kill()
        process.wait()  # Windows deletes no file that a living process has open
    if code == 0:
        return None
    return _last_line(complaints) or (f"it crashed ({code})" if code < 0 else f"exit code {code}")


def _last_line(complaints: Path) -> str:
    with complaints.open("rb") as file:
        file.seek(max(0, complaints.stat().st_size - 2000))
        lines = file.read().decode("utf-8", "replace").strip().splitlines()
    return lines[-1].strip()[:300] if lines else ""
