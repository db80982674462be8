"""The counters."""

from qqgroup_sync.simulator.stats import Stats


def test_counters_start_at_nothing_and_add_up():
    """Counters start at 0 and add up."""
    stats = Stats()
    assert stats["events_sent"] == 0
    stats.add("events_sent")
    stats.add("events_sent", 2)
    assert stats["events_sent"] == 3
    assert stats.snapshot() == {"events_sent": 3}
    assert repr(stats) == "Stats({'events_sent': 3})"
