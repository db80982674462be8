"""The documentation of the testing kit, and its example, run as they stand."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = ("testing.md", "testing.zh-CN.md")
LEAN = ("-W", "error", "-p", "no:cacheprovider", "-p", "no:hypothesispytest")
BLOCK = re.compile(r"```(?:python|ini)\n# (\S+)\n(.*?)```", re.DOTALL)


def files_of(page):
    """Return the files that the blocks of a page make up; those with one name are one file."""
    files = {}
    for name, text in BLOCK.findall((ROOT / "docs" / page).read_text("utf-8")):
        files[name] = files.get(name, "") + text + "\n\n"
    return files


def run_pytest(folder, *options):
    """Run the tests of a folder as a user does; return what it printed and the exit code."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-v", *LEAN, *options],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    return done.stdout + done.stderr, done.returncode


@pytest.mark.timeout(120)
@pytest.mark.parametrize("page", PAGES)
def test_the_pages(page, tmp_path):
    """Every test on a page passes, and none is left out."""
    files = files_of(page)
    for name, text in files.items():
        (tmp_path / name).write_text(text, "utf-8")
    told, code = run_pytest(tmp_path)
    tests = sum(len(re.findall(r"def test_\w+\(", text)) for text in files.values())
    assert tests > 10
    assert code == 0, told
    assert f"{tests} passed" in told
    assert set(files) >= {"bot.py", "pytest.ini", "test_bot.py", "test_with_unittest.py"}


def test_both_pages_show_the_same_code():
    """Comments and texts apart, there is one documentation."""
    english, chinese = (files_of(page) for page in PAGES)
    assert english == chinese


def test_unittest_alone(tmp_path):
    """The page's test case needs no pytest."""
    for name, text in files_of(PAGES[0]).items():
        (tmp_path / name).write_text(text, "utf-8")
    alone = "import sys, unittest; sys.modules['pytest'] = None; unittest.main(module=None)"
    done = subprocess.run(
        [sys.executable, "-c", alone, "test_with_unittest"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "Ran 1 test" in done.stderr
    assert "OK" in done.stderr, done.stderr


def test_the_example():
    """The folder of the examples."""
    told, code = run_pytest(ROOT / "examples" / "tested")
    assert code == 0, told
    assert "4 passed" in told
