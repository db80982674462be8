"""How the terminal shows what happens: as plain lines, or as JSON; with colours in ``colours``."""

from __future__ import annotations

import json
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TextIO

import click

from qqgroup_sync.cli.happenings import happening, is_complete
from qqgroup_sync.cli.refusals import Refusal
from qqgroup_sync.simulator import transcript
from qqgroup_sync.simulator.groups import Group

if TYPE_CHECKING:
    from qqgroup_sync.simulator.chats import Chat
    from qqgroup_sync.simulator.platform import Platform

_QUOTED = 80  # characters


class Display:
    """Plain lines: what is said on stdout, everything else on stderr.

    ``show`` is called by the platform, from any of its threads; the rest by whoever has something
    to say.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._chat: Chat | None = None

    def attach(self, platform: Platform) -> None:
        """Show what happens there from now on."""
        platform.subscribe(self.show)

    def show(self, kind: str, record: Any) -> None:
        """Show something that the platform reports."""
        if kind in ("message", "stream"):
            if kind == "stream" or is_complete(record):
                if not is_complete(record):
                    return  # the whole is shown at the end
                with self._lock:
                    self._head(record.chat)
                    if (quoted := record.quoted) is not None:
                        self._write(f"  | {quoted.sender.name}: {shortened(quoted.text)}")
                    self._write(f"{record.sender.name}: {transcript.body(record, quotes=False)}")
        elif kind == "recall":
            self._write(f"({record.sender.name} took back: {record.text})")
        elif kind == "click" and record.person is not None and record.message is not None:
            label = next((b for b in record.message.buttons if b.id == record.button_id), "?")
            self._write(f"{record.person.name} clicks [{label}]")
        elif (refusal := Refusal.of(kind, record)) is not None:
            self.problem(f"refused: {refusal}")

    def note(self, text: str) -> None:
        """Tell something about the trial."""
        self._write(text, err=True)

    def problem(self, text: str) -> None:
        """Tell what went wrong."""
        self._write(text, err=True)

    def result(self, fields: dict[str, Any], text: str) -> None:
        """Tell what an expectation or a fault came to: fields for machines, a text for people."""
        if text:
            self.problem(text) if fields.get("ok") is False else self.note(text)

    def output_of_bot(self, line: str) -> None:
        """Show a line that the script wrote, where its output comes through here."""
        self._write(line, err=True)

    def ask(self, prompt: str) -> str:
        """Read a line that somebody types; answers would stand behind a prompt: there is none.

        Raises:
            EOFError: Nobody writes any more.
            KeyboardInterrupt: Ctrl-C.
        """
        return input()

    def erase(self, prompt: str, line: str) -> None:
        """Take away a line that was just read, where that can be done."""

    def _head(self, chat: Chat) -> None:
        """Say where the following is said, when that changes."""
        if self._chat is not None and chat is not self._chat:
            self._write(f"-- {chat_name(chat)} --")
        self._chat = chat

    def _write(self, text: str, *, err: bool = False) -> None:
        with suppress(BrokenPipeError):  # who reads has gone; the trial ends by itself
            click.echo(text, err=err)


class JsonDisplay(Display):
    """One JSON object a line on stdout, and nothing else there."""

    def __init__(self, clock: Any) -> None:
        super().__init__()
        self._clock = clock

    def show(self, kind: str, record: Any) -> None:
        """Write it as an object, if somebody in a chat would notice it."""
        found = happening(kind, record, self._clock.now())
        if found is not None:
            self._emit(found)

    def result(self, fields: dict[str, Any], text: str) -> None:
        """Write the fields; failures for people as well."""
        self._emit(fields)
        if text and fields.get("ok") is False:
            self.problem(text)

    def _emit(self, fields: dict[str, Any]) -> None:
        with self._lock:
            self._write(json.dumps(fields, ensure_ascii=not _is_unicode(), default=str))


def shortened(text: str) -> str:
    """Return a quoted text on one line."""
    text = " ".join(text.split())
    return text if len(text) <= _QUOTED else f"{text[:_QUOTED]}…"


def chat_name(chat: Chat) -> str:
    """Return how a chat is called for people."""
    return chat.name if isinstance(chat, Group) else f"{chat.name} (private)"


def is_terminal(stream: TextIO | None) -> bool:
    """Tell whether somebody sits at a stream; it is None where the shell has closed it."""
    return stream is not None and stream.isatty()


def _is_unicode() -> bool:
    encoding = (getattr(sys.stdout, "encoding", "") or "").lower().replace("-", "")
    return encoding.startswith("utf")
