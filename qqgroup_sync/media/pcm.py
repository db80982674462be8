"""Plain sound as SILK takes it (24 kHz, mono, 16 bit), and how much of it is too much."""

from __future__ import annotations

import math
import sys
import threading
import time
from array import array
from operator import mul
from typing import TYPE_CHECKING

from qqgroup_sync.errors import MediaTooLarge, Text, VoiceEncodeError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

RATE = 24000  # samples per second
BYTES_PER_SECOND = 2 * RATE
MAX_SECONDS = 600
MAX_BYTES = MAX_SECONDS * BYTES_PER_SECOND

_CROSSINGS = 10  # of the filter on each side; more is sharper and slower
_LEAST_TAPS = 16  # on each side
_PASSED = 0.92  # of the band that both rates can carry
_KAISER = 7.0  # about 70 dB for what must vanish
_MAX_PHASES = 512  # rates that share no large factor use the nearest one: about -60 dB of noise


def too_long(seconds: float | None = None) -> MediaTooLarge:
    """Return the error for a voice that lasts longer than :data:`MAX_SECONDS`.

    Args:
        seconds: How long it lasts; None when only known to be too long.
    """
    lasts = f"{seconds:.0f} s" if seconds is not None else f"more than {MAX_SECONDS} s"
    return MediaTooLarge(
        f"the voice lasts {lasts}, the limit is {MAX_SECONDS} s",
        remedy=Text(
            "Cut it into parts, or send it as a file: Chain().file(...).",
            "请把它剪成几段，或作为文件发送：Chain().file(...)。",
        ),
    )


def end_if_stopped(stop: threading.Event | None) -> None:
    """Raise when the caller wants no result any more."""
    if stop is not None and stop.is_set():
        raise VoiceEncodeError("the voice was not encoded: it was stopped before its end")


_AT_A_STRETCH = 0.001  # seconds
_PAUSE = 0.0001  # seconds: long enough that another thread takes over


class Pauses:
    """Lets other threads run now and then while this one computes.

    Of itself the interpreter changes threads every 5 ms only, or after several times that when
    more than one wait.

    Args:
        stop: Ends a pause early.
    """

    def __init__(self, stop: threading.Event | None) -> None:
        self._stop = stop or threading.Event()
        self._since = time.perf_counter()

    def pause(self) -> None:
        """Give the interpreter away for a moment, unless that was done just now."""
        if time.perf_counter() - self._since >= _AT_A_STRETCH:
            self._stop.wait(_PAUSE)
            self._since = time.perf_counter()


def as_bytes(samples: Sequence[int]) -> bytes:
    """Return samples as little-endian bytes."""
    numbers = array("h", samples)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()


class Resampler:
    """Turns mono samples of any rate into 24 kHz, in pure Python.

    A windowed sinc in as many phases as the two rates need, low enough that nothing folds back.

    Args:
        rate: Samples per second of what comes in.
        pause: Called now and then while it computes.
    """

    def __init__(self, rate: int, pause: Callable[[], None] = lambda: None) -> None:
        common = math.gcd(rate, RATE)
        self._whole, self._rest = divmod(rate // common, RATE // common)
        self._steps = RATE // common
        self._phases = min(self._steps, _MAX_PHASES)
        self._half = max(_LEAST_TAPS, math.ceil(_CROSSINGS * rate / RATE))
        self._cutoff = _PASSED * min(1.0, RATE / rate)
        self._taps: dict[int, Sequence[float]] = {}
        # Half a window of silence before the first sample puts that in the middle of it.
        self._waiting = [0.0] * (self._half - 1)
        self._at = 0  # where the next output's window begins in what waits
        self._step = 0  # and how many steps later it lies, less than one sample
        self._rate = rate
        self._pause = pause
        self._seen = 0
        self._made = 0

    def feed(self, samples: Sequence[int]) -> bytes:
        """Take samples; return the output that they complete."""
        self._seen += len(samples)
        self._waiting.extend(map(float, samples))
        output = self._output()
        self._made += len(output)
        return as_bytes(output)

    def flush(self) -> bytes:
        """Return the rest."""
        self._waiting.extend([0.0] * (self._half + 1))
        wanted = math.ceil(self._seen * RATE / self._rate) - self._made
        return as_bytes(self._output()[: max(0, wanted)])

    def _output(self) -> list[int]:
        waiting, width, taps = self._waiting, 2 * self._half, self._taps
        at, step, steps, phases = self._at, self._step, self._steps, self._phases
        output: list[float] = []
        while at + width <= len(waiting):
            phase = step * phases // steps
            if phase not in taps:
                taps[phase] = self._filter(phase / phases)
                self._pause()
            output.append(_sum_of_products(taps[phase], waiting[at : at + width]))
            at += self._whole
            step += self._rest
            if step >= steps:
                step -= steps
                at += 1
        done = min(at, len(waiting))
        del waiting[:done]
        self._at, self._step = at - done, step
        return [
            int(one) if -32768.0 <= one <= 32767.0 else 32767 if one > 0 else -32768
            for one in output
        ]

    def _filter(self, fraction: float) -> Sequence[float]:
        """Return the weights of a window whose middle lies ``fraction`` after a sample."""
        half, scale = self._half, _bessel(_KAISER)
        taps = []
        for index in range(2 * half):
            distance = index - (half - 1) - fraction
            angle = math.pi * self._cutoff * distance
            edge = 1.0 - (distance / half) ** 2
            window = _bessel(_KAISER * math.sqrt(max(0.0, edge))) / scale
            taps.append(window * (math.sin(angle) / angle if angle else 1.0))
        total = math.fsum(taps)
        return [tap / total for tap in taps]


def _bessel(x: float) -> float:
    """Return the modified Bessel function of order zero, which shapes Kaiser's window."""
    total = term = 1.0
    for number in range(1, 40):
        term *= (x / (2 * number)) ** 2
        total += term
    return total


def _sum_by_hand(left: Sequence[float], right: Sequence[float]) -> float:
    total: float = sum(map(mul, left, right))
    return total


_sum_of_products: Callable[[Sequence[float], Sequence[float]], float]
_sum_of_products = getattr(math, "sumprod", _sum_by_hand)  # from Python 3.12 on, and much faster
