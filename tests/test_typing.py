"""mypy accepts what users write rightly, and rejects what they write wrongly."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
API = Path(__file__).parent / "typing" / "api.py"
EXPECTED = re.compile(r"#\s*E: (?P<code>[\w-]+)")
REPORTED = re.compile(r"api\.py:(?P<line>\d+): error: .*\[(?P<code>[\w-]+)\]$", re.MULTILINE)
CONSEQUENCE = "untyped-decorator"  # of a decorator that was called wrongly

pytest.importorskip("mypy")


def test_mypy_agrees_with_every_line():
    """The same errors, of the same kinds, in the same lines, and no others."""
    expected = Counter(
        (number, found["code"])
        for number, line in enumerate(API.read_text("utf-8").splitlines(), 1)
        for found in EXPECTED.finditer(line)
    )
    done = subprocess.run(  # with the options and the cache of the package
        [sys.executable, "-m", "mypy", "--no-error-summary", "--no-pretty", str(API)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    reported = Counter(
        (int(found["line"]), found["code"])
        for found in REPORTED.finditer(done.stdout)
        if found["code"] != CONSEQUENCE
    )
    assert len(expected) > 20
    assert reported == expected, done.stdout + done.stderr
