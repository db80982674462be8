"""The simulated clock."""

import math
import threading

import pytest

from qqgroup_sync.simulator.clock import SimulatedClock


def test_standing_clock_moves_only_when_advanced():
    """Standing clock moves only when advanced."""
    clock = SimulatedClock(speed=0, start=100.0)
    assert clock.now() == 100.0
    clock.advance(50)
    assert clock.now() == 150.0


def test_speed_scales_real_time():
    """A fast clock lets long simulated waits end at once."""
    clock = SimulatedClock(speed=1_000_000, start=0.0)
    assert clock.wait(1000.0)
    assert clock.now() >= 1000.0


def test_changing_the_speed_keeps_the_time():
    """Changing the speed keeps the time."""
    clock = SimulatedClock(speed=0, start=7.0)
    clock.speed = 1.0
    assert 7.0 <= clock.now() < 8.0
    clock.speed = 0
    assert clock.speed == 0


@pytest.mark.parametrize("call", [lambda: SimulatedClock(speed=-1), lambda: _clock().advance(-1)])
def test_time_never_goes_back(call):
    """Time never goes back."""
    with pytest.raises(ValueError, match=r"negative|back"):
        call()


def test_negative_speed_is_refused_later_too():
    """Negative speed is refused later too."""
    clock = _clock()
    with pytest.raises(ValueError, match="negative"):
        clock.speed = -0.5


def test_wait_ends_when_advanced():
    """Wait ends when advanced."""
    clock = _clock()
    assert _in_thread(lambda: clock.wait(60), lambda: clock.advance(61)) is True


def test_wait_is_not_over_before_its_time():
    """Wait is not over before its time."""
    clock = _clock()

    def advance():
        clock.advance(30)
        clock.advance(30)

    assert _in_thread(lambda: clock.wait(60), advance) is True
    assert clock.now() == 60.0


def test_close_ends_waits_and_open_allows_them_again():
    """Close ends waits and open allows them again."""
    clock = _clock()
    assert _in_thread(lambda: clock.wait(math.inf), clock.close) is False
    assert clock.wait(1.0) is False
    clock.open()
    assert clock.wait(0.0) is True


def _clock():
    return SimulatedClock(speed=0, start=0.0)


def _in_thread(wait, then):
    result = []
    started = threading.Event()

    def run():
        started.set()
        result.append(wait())

    thread = threading.Thread(target=run)
    thread.start()
    assert started.wait(5)
    then()
    thread.join(5)
    assert not thread.is_alive()
    return result[0]
