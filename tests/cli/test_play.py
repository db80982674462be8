"""How a difference is shown, and which ways of writing an answer count."""

from __future__ import annotations

import pytest

from qqgroup_sync.cli import play
from qqgroup_sync.cli.scenario import Expect, ScenarioError
from qqgroup_sync.simulator.attachments import file, picture
from qqgroup_sync.simulator.clock import SimulatedClock
from qqgroup_sync.simulator.platform import Platform
from qqgroup_sync.simulator.records import ChatMessage

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)


@pytest.mark.parametrize(
    ("expected", "answered", "shown"),
    [
        ("hi, Lan", "hi, Ming", ["  expected: hi, Lan", "  answered: hi, Ming", " " * 16 + "^"]),
        ("你好 a", "你好 b", ["  expected: 你好 a", "  answered: 你好 b", " " * 17 + "^"]),
        ("hi", "hi!", ["  expected: hi", "  answered: hi!", " " * 14 + "^"]),
        ("h*", "what", ["  expected: h*", "  answered: what"]),
        ("/h/", "what", ["  expected: /h/", "  answered: what"]),
        ("a\nb", "a\nc", ["    a", "  - b", "  + c"]),
    ],
)
def test_a_difference_is_pointed_at(expected, answered, shown):
    """Below the first character that differs; Chinese takes two columns."""
    assert play.difference(Expect(1, expected), answered).splitlines() == shown


def answer(content, *files):
    """A message of a bot."""
    platform = Platform(SimulatedClock())
    bot = platform.register_bot("1")
    return ChatMessage(
        id="1",
        chat=platform.group("g"),
        sender=bot,
        content=content,
        timestamp=0.0,
        ref_idx="r",
        files=files,
    )


@pytest.mark.parametrize(
    ("expected", "message", "accepted"),
    [
        ("hi", answer(" hi "), True),
        ("look [picture]", answer("look", picture(PIXEL)), True),
        ("look", answer("look", picture(PIXEL)), True),
        ("[picture]", answer("", picture(PIXEL)), True),
        ("[file]", answer("", picture(PIXEL)), False),
        ("*[file notes.txt *", answer("", file(b"some notes", "notes.txt")), True),
    ],
)
def test_ways_of_writing_an_answer(expected, message, accepted):
    """The text alone, with the kinds of its media, or as the console shows it."""
    assert Expect(1, expected).accepts(play.readings(message)) is accepted


def test_files_are_looked_for_before_anything_is_played(tmp_path):
    """Beside the script file first; what is missing is told with its line."""
    chat = tmp_path / "chat.txt"
    (tmp_path / "cat.png").write_bytes(PIXEL)
    chat.write_text("Ming: hi\nattach cat.png\nvoice no.wav\n", encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        play.read_file(chat)
    (problem,) = caught.value.problems
    assert (problem.line, problem.text) == (3, "voice no.wav")
