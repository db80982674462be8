"""Each fault of the table, while people talk: nothing is lost, doubled or out of order."""

from __future__ import annotations

import pytest

from tests.faults.bench import Load
from tests.faults.table import FAULTS

RATE = 40  # messages a second


@pytest.mark.parametrize("name", FAULTS)
def test_fault(hurried, name):
    """The referee finds an answer to everything, or the documentation's line that excuses it."""
    with Load(hurried, RATE), FAULTS[name](hurried):
        pass
    hurried.settle(20)
    hurried.check()
