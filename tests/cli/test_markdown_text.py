"""QQ's markdown in a terminal: what is its own becomes plain words."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from qqgroup_sync.cli import markdown_text


def shown(text):
    """What a terminal without colours shows, without the spaces at the ends."""
    console = Console(file=io.StringIO(), width=60, color_system=None)
    console.print(markdown_text.render(text))
    return [line.rstrip() for line in console.file.getvalue().strip("\n").split("\n")]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("one\ntwo", ["one", "two"]),
        ("one\r\ntwo\rthree", ["one", "two", "three"]),
        ("# Title", ["Title"]),
        ("**bold** and ~~gone~~", ["bold and gone"]),
        ('<qqbot-cmd-input text="%2Fhelp" show="帮助" reference="false" />', ["帮助"]),
        ('<qqbot-cmd-enter text="/go" />', ["/go"]),
        ("<qqbot-at-everyone /> hi", ["@all hi"]),
        ("![a cat #320px #200px](https://x.y/cat.png) below", ["[a cat] below"]),
        ("![#1px #1px](https://x.y/cat.png)", ["[picture]"]),
        ("> quoted\nanswer", ["▌ quoted", "", "answer"]),
        ("- a\n- b", [" • a", " • b"]),
    ],
)
def test_how_markdown_is_shown(text, lines):
    """Line for line."""
    assert shown(text) == lines


def test_code_keeps_its_lines():
    """Nothing is added inside a fence."""
    assert [line.strip() for line in shown("```\na\n  b\n```") if line.strip()] == ["a", "b"]
    assert "a  \n" not in markdown_text.plain("```\na\nb\n```")
