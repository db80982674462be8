"""The figures of a load, as the page gets them."""

from .paging import Live, get


def points(sim):
    """What a page that is opened now is given."""
    return get(sim, "/simulator/load").json()["points"]


def test_figures_are_kept_and_told(sim):
    """A page that is open hears each, one that is opened later gets all; a new load begins anew."""
    first = {"t": 1, "rate": 100, "p50": 1.5, "lost": 0}
    with Live(sim) as live:
        live.next("hello")
        sim.platform.report("load", first)
        assert live.next("load")["point"] == first
    sim.platform.report("load", {"t": 2, "rate": 120})
    assert points(sim) == [first, {"t": 2, "rate": 120}]

    sim.platform.report("load", {"t": 0.5, "rate": 7})
    assert points(sim) == [{"t": 0.5, "rate": 7}]
