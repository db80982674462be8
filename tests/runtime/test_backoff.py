"""Back-off: quick at first, patient later, never all bots at once."""

from __future__ import annotations

import pytest

from qqgroup_sync.runtime.backoff import STEPS, Backoff


def test_waits_grow_and_then_stay():
    """One dropped connection is back at once; a long outage is asked about once a minute."""
    backoff = Backoff(draw=lambda: 0.0)
    waits = [backoff.next() for _ in range(len(STEPS) + 3)]
    assert waits == [*STEPS, *[STEPS[-1]] * 3]
    assert waits[0] < 0.5
    assert waits == sorted(waits)


def test_reset_starts_over():
    """After a connection has proved stable the next loss is mended quickly again."""
    backoff = Backoff(draw=lambda: 0.0)
    for _ in range(5):
        backoff.next()
    backoff.reset()
    assert backoff.next() == STEPS[0]


@pytest.mark.parametrize(("drawn", "factor"), [(0.0, 1.0), (0.5, 1.125), (1.0, 1.25)])
def test_jitter_adds_up_to_a_quarter(drawn, factor):
    """Bots that lost the gateway together do not return together."""
    assert Backoff((8.0,), draw=lambda: drawn).next() == 8.0 * factor


def test_jitter_is_random_unless_told():
    """Two bots hardly ever wait for the same time."""
    assert len({Backoff().next() for _ in range(20)}) > 10
