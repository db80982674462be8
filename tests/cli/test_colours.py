"""The coloured console on terminals that cannot do everything."""

from __future__ import annotations

import io
import sys

import pytest

from tests.media import samples

pytest.importorskip("rich")

from qqgroup_sync.cli.colours import ColourDisplay
from qqgroup_sync.simulator.attachments import file, picture
from qqgroup_sync.simulator.clock import SimulatedClock
from qqgroup_sync.simulator.platform import Platform
from qqgroup_sync.simulator.records import ChatMessage


class Screen(io.StringIO):
    """What a terminal is sent."""

    encoding = "utf-8"

    def isatty(self):
        return True


@pytest.fixture
def show(monkeypatch, tmp_path):
    """Return a function that makes a display on a terminal that can do everything but this."""
    can = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)

    def make_folder():
        (tmp_path / "media").mkdir()
        return tmp_path / "media"

    def make(**environment):
        for name, value in {**can, **environment}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "stdout", Screen())
        return ColourDisplay(make_folder), sys.stdout

    return make


def message(*files):
    """Something that a bot says."""
    platform = Platform(SimulatedClock())
    return ChatMessage(
        id="1",
        chat=platform.group("g"),
        sender=platform.register_bot("1"),
        content="look",
        timestamp=0.0,
        ref_idx="r",
        files=files,
    )


def chat(display, monkeypatch):
    """Let something happen while somebody types a line, which is taken away afterwards."""
    monkeypatch.setattr("builtins.input", lambda _prompt: display.note("heard") or "typed")
    display.erase("> ", display.ask("> "))


def test_a_terminal_is_written_over(show, monkeypatch):
    """The prompt comes again below what happened."""
    display, screen = show()
    chat(display, monkeypatch)
    assert "\r\x1b[J" in screen.getvalue()
    assert "\x1b[1A" in screen.getvalue()


def test_a_dumb_terminal_gets_no_escapes(show, monkeypatch):
    """Such as the shell of an editor: they would stand there as they are."""
    display, screen = show(TERM="dumb")
    chat(display, monkeypatch)
    assert "heard" in screen.getvalue()
    assert "\x1b" not in screen.getvalue()


def test_pictures_are_drawn_in_colours(show, tmp_path):
    """And files are saved, in a folder that did not exist before."""
    display, screen = show()
    display.show("message", message(picture(samples.picture())))
    assert "▀" in screen.getvalue()
    assert not (tmp_path / "media").exists()
    display.show("message", message(file(b"some notes", "notes.txt")))
    assert [one.read_bytes() for one in (tmp_path / "media").iterdir()] == [b"some notes"]


def test_without_colours_pictures_are_saved(show, tmp_path):
    """Half blocks of one colour show nothing."""
    display, screen = show(NO_COLOR="1")
    display.show("message", message(picture(samples.picture())))
    assert "▀" not in screen.getvalue()
    (saved,) = (tmp_path / "media").iterdir()
    assert saved.read_bytes() == samples.picture()
