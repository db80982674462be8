"""What SECURITY.md promises is held by tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "SECURITY.md").read_text("utf-8")
NAMED = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PAGE)


@pytest.mark.parametrize(("path", "test"), NAMED)
def test_a_named_test_exists(path, test):
    """Each row of the tables names one."""
    text = (ROOT / path).read_text("utf-8")
    assert not test or f"def {test}(" in text


def test_every_row_names_what_holds_it():
    """A promise without a test is none."""
    promised = PAGE.partition("## What is protected")[2].partition("## What is not")[0]
    rows = [line for line in promised.splitlines() if re.match(r"\| (?!What|---)", line)]
    assert len(rows) > 25
    assert [row for row in rows if not re.search(r"`(tests/|\.\.\.::)", row)] == []
