"""ChainBuilder: what becomes of media on their way to QQ. Users override it.

What it hands back decides: a URL is passed on to QQ, which fetches it; bytes or a path are
uploaded directly. Source of the names: AmiyaBot's ``ChainBuilder`` and ``QQGroupChainBuilder``.
"""

from __future__ import annotations

import contextlib
import inspect
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qqgroup_sync.errors import ConfigError, Text
from qqgroup_sync.media.sources import Source, load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from os import PathLike

    from qqgroup_sync.runtime.clock import Clock, Deadline

    Handed = str | bytes | PathLike[str]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a client tells its builder.

    Attributes:
        clock: Where time comes from.
        local: The platform is a simulator on this machine.
        ca_bundle: Certificates to trust.
        required: Whether the client cannot do without the resource service.
        report: Told in one line how the resource service stands.
        on_death: Told when the service's thread died of a bug.
        language: Language of cause and remedy in errors.
    """

    clock: Clock
    local: bool = False
    ca_bundle: str | None = None
    required: bool = False
    report: Callable[[str], None] = lambda _line: None
    on_death: Callable[[BaseException], None] | None = None
    language: str | None = None


class ChainBuilder:
    """Hands media on as they are: they are uploaded directly.

    Override what you want to host yourself. The methods are plain functions, called from the
    thread that sends; whatever they raise is raised where the message was sent.
    """

    def get_image(self, image: str | bytes) -> Handed:
        """Return what QQ gets for a picture.

        Args:
            image: Path of a file, or bytes.

        Returns:
            A public URL, which QQ fetches; or bytes, or a path, which are uploaded.
        """
        return image

    def get_voice(self, voice_file: str) -> Handed:
        """Return what QQ gets for a voice.

        Args:
            voice_file: Path of a file in a format that QQ takes (silk, wav or mp3); a temporary
                one, when the voice was bytes. ``qqgroup_sync.voice.to_silk`` makes SILK of it.

        Returns:
            As :meth:`get_image`.
        """
        return voice_file

    def get_video(self, video_file: str) -> Handed:
        """Return what QQ gets for a video; as :meth:`get_voice`."""
        return video_file

    def get_file(self, file: str) -> Handed:
        """Return what QQ gets for a file; as :meth:`get_voice`."""
        return file

    def uploaded(self, url: str) -> None:
        """Note that QQ has taken what stood at a URL which this builder returned.

        Not called for pictures inside markdown: QQ fetches those when it likes.
        """

    def on_page_rendered(self, page: Any) -> None:
        """Act on a page of ``Chain.html`` before it is photographed; a playwright page."""

    def hand_over(self, source: Source) -> Source:
        """Return what the methods above make of a source; itself when none is overridden.

        Raises:
            ConfigError: A method returned what it must not.
        """
        method = getattr(self, f"get_{source.kind}")
        original = getattr(ChainBuilder, f"get_{source.kind}")
        if source.url or getattr(method, "__func__", method) is original:
            return source
        with _as_argument(source) as argument:
            handed = method(argument)
            if handed is argument:
                return source
            found = _accepted(handed, source, method)
            return found if source.path is not None else _outlasting(argument, found)

    # ------------------------------------------------------------------ its client's life

    def attach(self, user: object, surroundings: Surroundings) -> None:
        """Note that a client uses this builder; does nothing else."""

    def open(self, user: object) -> None:
        """Begin with what needs a beginning; called when a client starts."""

    def detach(self, user: object, deadline: Deadline) -> list[str]:
        """Note that a client is done; return the names of threads that did not end."""
        return []


@contextlib.contextmanager
def _as_argument(source: Source) -> Iterator[str | bytes]:
    """Yield a source as the methods expect it: a path, or for pictures also bytes."""
    if source.path is not None:
        yield str(source.path)
    elif source.kind == "image":
        yield source.read()
    else:
        with tempfile.TemporaryDirectory(prefix="qqgroup-") as folder:
            path = Path(folder) / source.name
            path.write_bytes(source.read())
            yield str(path)


def _outlasting(argument: str | bytes, found: Source) -> Source:
    """Return what lies beside a temporary file with its bytes in memory: the folder goes."""
    if found.path is None or isinstance(argument, bytes):
        return found
    if not found.path.resolve().is_relative_to(Path(argument).parent.resolve()):
        return found
    return replace(found.at_hand(found.size), path=None)


def _accepted(handed: Any, source: Source, method: Any) -> Source:
    name = getattr(method, "__qualname__", repr(method))
    if inspect.iscoroutine(handed):
        handed.close()
        raise ConfigError(
            f"{name} is a coroutine",
            remedy=Text(
                "Drop async and await: it is called as a plain function.",
                "请去掉 async 和 await：这里按普通函数调用。",
            ),
        )
    if not isinstance(handed, str | bytes | bytearray | Path) or not handed:
        raise ConfigError(
            f"{name} returned {'nothing' if handed is None else repr(type(handed).__name__)}",
            remedy=Text(
                "Return a public URL, bytes or a path.", "请返回公网 URL、bytes 或文件路径。"
            ),
        )
    kept = source.name if source.kind == "file" else None
    return load(handed, source.kind, name=kept)
