"""Our own resampler: right in pitch, length and time, and nothing folds back."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qqgroup_sync.errors import MediaTooLarge, VoiceEncodeError
from qqgroup_sync.media.pcm import RATE, Resampler, end_if_stopped, too_long
from tests.media import sounds

RATES = [8000, 11025, 16000, 22050, 32000, 44100, 44099, 48000, 88200, 96000]


def resampled(numbers, rate):
    """Return samples at 24 kHz."""
    resampler = Resampler(rate)
    return np.frombuffer(resampler.feed(numbers) + resampler.flush(), "<i2") / 32768


def tone(frequency, rate, seconds=0.5):
    """Return a tone as 16 bit numbers."""
    time = np.arange(int(rate * seconds)) / rate
    return (20000 * np.sin(2 * np.pi * frequency * time)).astype(int).tolist()


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("frequency", [200, 3000])
def test_a_tone_stays_what_it_is(frequency, rate):
    """Same pitch, level and time: the difference is at least 50 dB below."""
    heard = resampled(tone(frequency, rate), rate)
    assert len(heard) == pytest.approx(RATE / 2, abs=1)
    time = np.arange(len(heard)) / RATE
    error = heard - 20000 / 32768 * np.sin(2 * np.pi * frequency * time)
    assert np.abs(error[500:-500]).max() < 0.002


@pytest.mark.parametrize("rate", [44100, 48000, 96000])
def test_what_does_not_fit_vanishes(rate):
    """A tone above 12 kHz would come back as a wrong one."""
    heard = resampled(tone(15000, rate), rate)
    assert np.abs(heard[500:-500]).max() < 0.0005


@settings(max_examples=12, deadline=None)
@given(rate=st.sampled_from(RATES), sizes=st.lists(st.integers(0, 700), max_size=8))
def test_pieces_make_no_difference(rate, sizes):
    """The sound is the same in whatever pieces it comes."""
    numbers = (sounds.speech(0.05, rate) * 32767).astype(int).tolist()
    resampler = Resampler(rate)
    parts, start = [], 0
    for size in [*sizes, len(numbers)]:
        parts.append(resampler.feed(numbers[start : start + size]))
        start += size
    parts.append(resampler.flush())
    heard = np.frombuffer(b"".join(parts), "<i2") / 32768
    assert np.array_equal(heard, resampled(numbers, rate))


@given(rate=st.integers(1000, 384_000), count=st.integers(0, 40))
@settings(max_examples=40, deadline=None)
def test_any_rate_and_length(rate, count):
    """The length in seconds stays, to the sample, and loud clicks stay in range."""
    heard = resampled([32767, -32768] * count, rate)
    assert len(heard) == -(-2 * count * RATE // rate)


def test_too_long_says_how_long():
    """The error names length, limit and remedy."""
    assert str(too_long(3601)).startswith("the voice lasts 3601 s, the limit is 600 s\n")
    assert "more than 600 s" in str(too_long())
    assert isinstance(too_long(), MediaTooLarge)
    assert "Chain().file" in too_long().remedy


def test_stopped():
    """Only a set event ends the work."""
    stop = threading.Event()
    end_if_stopped(None)
    end_if_stopped(stop)
    stop.set()
    with pytest.raises(VoiceEncodeError, match="stopped"):
        end_if_stopped(stop)
