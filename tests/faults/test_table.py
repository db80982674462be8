"""Each fault of the table, while people talk: nothing is lost, doubled or out of order."""

from __future__ import annotations

import pytest

from tests.faults.bench import Load
from tests.faults.table import FAULTS

RATE = 40  # messages a second
CLOSES = [name for name in FAULTS if name.startswith("close ")]
AT_ONCE = 6  # close codes of one test: most of its time is spent in waiting for the last answers


@pytest.mark.parametrize("name", [name for name in FAULTS if name not in CLOSES])
def test_fault(hurried, name):
    """The referee finds an answer to everything, or the documentation's line that excuses it."""
    with Load(hurried, RATE), FAULTS[name](hurried):
        pass
    hurried.settle(20)
    hurried.check()


@pytest.mark.parametrize(
    "names", [CLOSES[first : first + AT_ONCE] for first in range(0, len(CLOSES), AT_ONCE)], ids=str
)
def test_close_codes(hurried, names):
    """One after the other, each when the bot is back from the one before."""
    with Load(hurried, RATE):
        for name in names:
            before = hurried.records.connections
            with FAULTS[name](hurried):
                hurried.wait_back(before)
    hurried.settle(20)
    hurried.check()
