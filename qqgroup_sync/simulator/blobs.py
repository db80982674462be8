"""Bytes that stay as they are: small ones in memory, large ones in an unnamed temporary file.

Knows nothing about QQ. The file has no name where the system allows that, so that nothing is left
behind by a process that is killed.
"""

from __future__ import annotations

import hashlib
import io
import tempfile
import threading
import weakref
from typing import IO, TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

IN_MEMORY = 4 * 1024 * 1024
"""Bytes up to which a blob stays in memory; a file each would use up the file descriptors."""

CHUNK = 256 * 1024
MD5_10M = 10_002_432
"""How many first bytes ``md5_10m`` is of (2.10)."""


class Hashes(NamedTuple):
    """What identifies content, in lowercase hex; ``md5_10m`` is of the first 10 002 432 bytes."""

    md5: str
    sha1: str
    md5_10m: str


class BlobTooLargeError(Exception):
    """There were more bytes than allowed."""


class Blob:
    """Some bytes. Safe from any thread.

    Args:
        file: Where they are; it belongs to the blob, which closes it when it is forgotten.
        size: How many there are.
    """

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file = file
        self.size = size
        self.on_disk = not isinstance(file, io.BytesIO)
        self._hashes: Hashes | None = None
        # Seek and read belong together; held for one local read of at most CHUNK bytes.
        self._lock = threading.Lock()
        weakref.finalize(self, file.close)

    @classmethod
    def of(cls, data: bytes) -> Blob:
        """Keep bytes that are at hand."""
        return cls.copy([data])

    @classmethod
    def copy(
        cls,
        pieces: Iterable[bytes],
        *,
        limit: int | None = None,
        watch: Callable[[bytes], object] | None = None,
    ) -> Blob:
        """Keep what comes in pieces, without ever holding much of it.

        Args:
            pieces: The bytes, in order.
            limit: How many are allowed.
            watch: Called with each piece, such as a hash's ``update``.

        Raises:
            BlobTooLargeError: There are more.
        """
        file: IO[bytes] = io.BytesIO()
        size = 0
        try:
            for piece in pieces:
                size += len(piece)
                if limit is not None and size > limit:
                    raise BlobTooLargeError(f"more than {limit} bytes")
                if size > IN_MEMORY and isinstance(file, io.BytesIO):
                    kept = file.getvalue()
                    file = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the blob
                    file.write(kept)
                file.write(piece)
                if watch is not None:
                    watch(piece)
            file.flush()
        except BaseException:
            file.close()
            raise
        return cls(file, size)

    def read(self, start: int = 0, size: int | None = None) -> bytes:
        """Return ``size`` bytes from ``start`` on, all when None."""
        end = self.size if size is None else min(self.size, start + size)
        return b"".join(self.pieces(start, end))

    def pieces(self, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Yield the bytes from ``start`` to ``end`` in order."""
        end = self.size if end is None else end
        while start < end:
            with self._lock:
                self._file.seek(start)
                piece = self._file.read(min(CHUNK, end - start))
            if not piece:
                return
            start += len(piece)
            yield piece

    @property
    def hashes(self) -> Hashes:
        """The hashes, which the first time takes a while for large content."""
        if self._hashes is None:
            md5, sha1 = new_md5(), new_sha1()
            first = new_md5()
            left = MD5_10M
            for piece in self.pieces():
                md5.update(piece)
                sha1.update(piece)
                first.update(piece[: max(0, left)])
                left -= len(piece)
            self._hashes = Hashes(md5.hexdigest(), sha1.hexdigest(), first.hexdigest())
        return self._hashes

    def __repr__(self) -> str:
        return f"<Blob of {self.size} bytes>"


def new_md5() -> hashlib._Hash:
    """Return an MD5 to be filled: the platform's choice, which protects nothing."""
    return hashlib.md5(usedforsecurity=False)


def new_sha1() -> hashlib._Hash:
    """Return a SHA-1 to be filled: the platform's choice, which protects nothing."""
    return hashlib.sha1(usedforsecurity=False)
