"""What the bot's process takes for the world outside: its clock and its resolver.

A few bytes in a file that both processes map into memory: the bench writes, the bot reads. They
outlive the bot's process, as a clock that was set wrong does.
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

_LAYOUT = struct.Struct("<dB")  # seconds that the clock is wrong by, whether names are not found


class World:
    """The file; made when it is not there."""

    def __init__(self, path: str | Path) -> None:
        path = Path(path)
        if not path.exists():
            path.write_bytes(bytes(_LAYOUT.size))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _LAYOUT.size)

    @property
    def clock_offset(self) -> float:
        """Seconds that the clock of the bot's machine is wrong by."""
        return float(_LAYOUT.unpack_from(self._map)[0])

    @clock_offset.setter
    def clock_offset(self, seconds: float) -> None:
        _LAYOUT.pack_into(self._map, 0, seconds, self.dns_fails)

    @property
    def dns_fails(self) -> bool:
        """Whether no name can be resolved, not even that of this machine."""
        return bool(_LAYOUT.unpack_from(self._map)[1])

    @dns_fails.setter
    def dns_fails(self, fails: bool) -> None:
        _LAYOUT.pack_into(self._map, 0, self.clock_offset, fails)
