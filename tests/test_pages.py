"""What SECURITY.md and docs/reliability.md promise is held by tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = {page: (ROOT / page).read_text("utf-8") for page in ("SECURITY.md", "docs/reliability.md")}
NAMED = [
    (page, *found)
    for page, text in PAGES.items()
    for found in re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", text)
]


@pytest.mark.parametrize(("page", "path", "test"), NAMED)
def test_a_named_test_exists(page, path, test):
    """Each row of the tables names one."""
    text = (ROOT / path).read_text("utf-8")
    assert not test or f"def {test}(" in text


@pytest.mark.parametrize(
    ("page", "begin", "end", "least"),
    [
        ("SECURITY.md", "## What is protected", "## What is not", 25),
        ("docs/reliability.md", "## Attacks", "**Not held.**", 40),
    ],
)
def test_every_row_names_what_holds_it(page, begin, end, least):
    """A promise without a test is none."""
    promised = PAGES[page].partition(begin)[2].partition(end)[0]
    rows = [line for line in promised.splitlines() if re.match(r"\| (?!What|---|#|\|)", line)]
    assert len(rows) > least
    assert [row for row in rows if not re.search(r"`(pytest |tests/|\.\.\.::)", row)] == []
