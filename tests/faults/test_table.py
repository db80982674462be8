"""Each fault of the table, while people talk: nothing is lost, doubled or out of order."""

from __future__ import annotations

import re

import pytest

from tests.faults.bench import Load
from tests.faults.table import FAULTS

RATE = 40  # messages a second
AT_ONCE = (
    6  # faults of a kind in one test: most of its time goes by in waiting for the last answers
)
KIND = re.compile(r"close |gateway answers ")


def groups():
    """Put faults of a kind together, so many to a test; every other one stands alone."""
    kinds = {}
    for name in FAULTS:
        kind = KIND.match(name)
        kinds.setdefault(kind.group() if kind else name, []).append(name)
    return [
        names[first : first + AT_ONCE]
        for names in kinds.values()
        for first in range(0, len(names), AT_ONCE)
    ]


@pytest.mark.parametrize("names", groups(), ids=", ".join)
def test_fault(hurried, names):
    """The referee finds an answer to everything, or the documentation's line that excuses it."""
    with Load(hurried, RATE):
        for name in names:
            before = hurried.records.connections
            with FAULTS[name](hurried):
                if name.startswith("close "):
                    hurried.wait_back(before)
    hurried.settle(20)
    hurried.check()
