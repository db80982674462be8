"""Where the browser is looked for. That it runs is tested with the renderer."""

import sys

import pytest

from qqgroup_sync.errors import UnsupportedMedia
from qqgroup_sync.message import chromium as module
from qqgroup_sync.message.chromium import Chromium, find_chromium

linux = pytest.mark.skipif(sys.platform != "linux", reason="the usual places of Linux")


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Return a function that puts a program of this name into the only folder of PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))

    def make(name):
        path = tmp_path / name
        path.write_text("#!/bin/sh\nexit 1\n")
        path.chmod(0o755)
        return str(path)

    return make


@linux
@pytest.mark.parametrize("name", ["chromium", "google-chrome", "microsoft-edge"])
def test_a_program_in_the_path_is_found(program, monkeypatch, name):
    """Each of the usual names."""
    monkeypatch.setattr(module, "_PROGRAMS", (name,))
    path = program(name)
    assert find_chromium() == path


@linux
def test_no_browser_at_all(program, monkeypatch):
    """Playwright's own is tried then."""
    monkeypatch.setattr(module, "_PROGRAMS", ("no-such-browser",))
    assert find_chromium() is None


@linux
def test_the_variable_beats_the_usual_places_and_the_argument_beats_it(program, monkeypatch):
    """As with every setting: arguments win over the environment."""
    usual, named, given = program("chromium"), program("named"), program("given")
    assert find_chromium() == usual
    monkeypatch.setenv("QQ_CHROMIUM", named)
    assert find_chromium() == named
    assert find_chromium(given) == given
    assert find_chromium("given") == given


def test_a_browser_that_does_not_exist_is_an_error_that_helps(monkeypatch):
    """A wrong path is not quietly replaced by another browser."""
    monkeypatch.setenv("QQ_CHROMIUM", "/nowhere/chromium")
    with pytest.raises(UnsupportedMedia, match="nowhere") as caught:
        find_chromium(language="en")
    assert "apt install chromium" in caught.value.remedy


def test_without_playwright_the_error_names_the_extra(monkeypatch):
    """It is an extra, and says so when it is needed."""
    monkeypatch.setitem(sys.modules, "playwright.sync_api", None)
    with pytest.raises(UnsupportedMedia) as caught:
        Chromium(sys.executable, language="en").context()
    assert 'pip install "qqgroup_sync[html]"' in caught.value.remedy


def test_closing_what_never_ran_does_nothing():
    """Nor does killing it."""
    browser = Chromium()
    browser.kill()
    browser.close()
    assert not browser.running
