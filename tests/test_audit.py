"""The look-up of known vulnerabilities: fails for one, and says when nothing was looked up."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

judge = runpy.run_path(str(Path(__file__).parents[1] / ".ci" / "audit"))["judge"]
FINE = {"name": "a", "version": "1", "vulns": []}
SKIPPED = {"name": "b", "skip_reason": "Dependency not found on PyPI"}
BAD = {
    "name": "c",
    "version": "2",
    "vulns": [{"id": "PYSEC-1", "fix_versions": ["3"], "aliases": [], "description": "bad"}],
}


@pytest.mark.parametrize(
    ("packages", "good", "said"),
    [
        ([FINE], True, "no known vulnerabilities in 1 packages"),
        ([FINE, SKIPPED], True, "no known vulnerabilities in 1 packages; 1 were not found there"),
        ([SKIPPED, SKIPPED], True, "SKIPPED"),
        ([], True, "SKIPPED"),
        ([FINE, BAD, SKIPPED], False, "c 2: PYSEC-1 (mended in 3)"),
    ],
)
def test_the_verdict(packages, good, said):
    """Nothing that was not looked up passes for clean."""
    verdict, told = judge({"dependencies": packages})
    assert verdict is good
    assert said in told
