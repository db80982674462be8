"""How far an upload or an encoding is: for the user's own function, and as a bar on a terminal."""

from __future__ import annotations

import importlib
import sys
import threading
import warnings
from typing import TYPE_CHECKING, Any

from qqgroup_sync.masking import masked_logger

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from typing_extensions import Self

logger = masked_logger(__name__)

DELAY = 2.0  # seconds that may pass without a bar


class Progress:
    """Counts what one or several threads have sent; tells it to those who asked.

    Args:
        callback: Told the amount so far and all of it, never less than before. What it raises is
            logged once, then it is not called again.
    """

    def __init__(self, callback: Callable[[int, int | None], None] | None = None) -> None:
        self._callback = callback
        self._bar: Bar | None = None
        self._lock = threading.Lock()
        self._total = 0
        self._done = 0
        self._told = -1

    def begin(self, total: int, bar: Bar | None = None) -> None:
        """Begin at zero, maybe again because another way is tried; nothing is told yet.

        Args:
            total: All that there is to send.
            bar: Shows the same on a terminal or in a notebook.
        """
        with self._lock:
            self._done = 0
        if total != self._total:
            self._total, self._told = total, -1
        self._bar = bar

    def add(self, count: int) -> None:
        """Count so much more, from any thread; less than zero when it has to be sent again."""
        with self._lock:
            self._done += count

    def tell(self) -> None:
        """Tell how far it is, unless that is no news; only from the thread that uploads."""
        done = min(self._done, self._total)
        if self._bar is not None:
            self._bar.show(done, self._total)
        if done <= self._told:
            return
        self._told = done
        if self._callback is None:
            return
        try:
            self._callback(done, self._total)
        except Exception:  # the user's: whatever it is, the upload goes on
            logger.exception("the progress function failed; it is not called again")
            self._callback = None

    def finish(self) -> None:
        """Tell that everything was sent, unless that was told or there was nothing."""
        self._done = self._total
        if self._total:
            self.tell()


class Bar:
    """A progress bar that appears when something takes longer than two seconds.

    It needs tqdm and a terminal or a notebook, and otherwise does nothing: the output of a script
    that runs in the background stays free of it. Nothing is imported before the first :meth:`show`.

    Args:
        label: What is under way.
        unit: Of the numbers: ``B`` for bytes, ``s`` for milliseconds, which are shown in seconds.
        delay: Seconds before it appears.
    """

    def __init__(self, label: str, *, unit: str = "B", delay: float = DELAY) -> None:
        self._label = label
        self._scale = 0.001 if unit == "s" else 1
        self._unit = unit
        self._delay = delay
        self._bar: Any = None
        self._broken = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._guarded(self._close)

    def show(self, done: int, total: int | None) -> None:
        """Show how far it is."""
        self._guarded(lambda: self._show(done, total))

    def _guarded(self, action: Callable[[], None]) -> None:
        """Do something with the bar; a terminal that went away must not end an upload."""
        if self._broken:
            return
        try:
            action()
        except Exception:
            logger.debug("no progress bar", exc_info=True)
            self._broken = True

    def _show(self, done: int, total: int | None) -> None:
        if self._bar is None:
            self._bar = self._open(total)
        if self._bar is None:
            return
        self._bar.update(done * self._scale - self._bar.n)

    def _open(self, total: int | None) -> Any:
        notebook = "ipykernel.zmqshell" in sys.modules
        if not notebook and not sys.stderr.isatty():
            self._broken = True  # and tqdm need not be imported
            return None
        return _bar_class(notebook=notebook)(
            desc=self._label,
            total=None if total is None else total * self._scale,
            unit=self._unit,
            unit_scale=self._unit == "B",
            unit_divisor=1024,
            delay=self._delay,
            leave=False,
            # None shows it on terminals only; the stream of a notebook says that it is none.
            disable=False if notebook else None,
            bar_format=None if self._unit == "B" else _SECONDS,
        )

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()


_SECONDS = "{l_bar}{bar}| {n:.0f}/{total:.0f} s [{elapsed}<{remaining}]"
_classes: dict[bool, Any] = {}


def _bar_class(*, notebook: bool) -> Any:
    """Return tqdm's bar without its two globals: a monitor thread, a lock between processes."""
    if notebook not in _classes:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it is experimental, or ipywidgets are missing
            tqdm = importlib.import_module(f"tqdm.{'autonotebook' if notebook else 'std'}").tqdm
        own: Any = type("OwnBar", (tqdm,), {"monitor_interval": 0})
        own.set_lock(threading.RLock())
        _classes[notebook] = own
    return _classes[notebook]
