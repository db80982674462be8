"""A chat in a terminal with colours, pictures and texts that grow. Needs rich."""

from __future__ import annotations

import io
import itertools
import re
import sys
import zlib
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from qqgroup_sync.cli import markdown_text
from qqgroup_sync.cli.display import Display, chat_name, shortened
from qqgroup_sync.cli.half_blocks import BLOCK, COLUMNS, ROWS, half_blocks
from qqgroup_sync.cli.happenings import is_complete, time_of
from qqgroup_sync.cli.refusals import Refusal
from qqgroup_sync.errors import Text as Sentence
from qqgroup_sync.simulator import transcript

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from qqgroup_sync.simulator.records import ChatMessage
    from qqgroup_sync.simulator.shelf import MediaFile

_BOT = "bold green"
_PEOPLE = ("bold cyan", "bold magenta", "bold yellow", "bold blue", "bold bright_red")
_SIDE = 30  # columns that time and name take, about
_MENTION = r"@\S+"
_PICTURE, _VOICE = 1, 3
_ACKNOWLEDGED = {
    1: Sentence("failed", "操作失败"),
    2: Sentence("too often", "操作频繁"),
    3: Sentence("done already", "重复操作"),
    4: Sentence("not allowed", "没有权限"),
    5: Sentence("only for administrators", "仅管理员操作"),
}


class ColourDisplay(Display):
    """What happens, above the line where somebody types.

    Args:
        make_folder: Makes the folder in which voices and files are saved, when the first one is.
    """

    def __init__(self, make_folder: Callable[[], Path]) -> None:
        super().__init__()
        self._console = Console(highlight=False, markup=False, emoji=False, soft_wrap=False)
        self._make_folder = make_folder
        self._folder: Path | None = None
        self._numbers = itertools.count(1)
        self._saved: dict[str, str] = {}
        self._prompt: str | None = None
        self._growing: tuple[str, int] | None = None  # the last thing shown, and its lines

    # ------------------------------------------------------------------ what happens

    def show(self, kind: str, record: Any) -> None:
        """Show something that the platform reports."""
        if kind in ("message", "stream"):
            self._show_message(record)
        elif kind == "recall":
            took_back = Sentence("took back", "撤回了").in_language()
            self._print(
                Text.assemble(
                    (f"{record.sender.name} {took_back}: ", "dim"), (record.text, "dim strike")
                )
            )
        elif kind == "typing":
            typing = Sentence("is typing…", "正在输入…").in_language()
            self._print(Text(f"{record.bot.name} {typing}", "dim italic"))
        elif kind == "click" and record.person is not None and record.message is not None:
            label = next((b for b in record.message.buttons if b.id == record.button_id), "?")
            self._print(Text.assemble((record.person.name, "dim bold"), (f" → [{label}]", "dim")))
        elif kind == "ack" and record.ack_code in _ACKNOWLEDGED:
            self._print(Text(f"→ {_ACKNOWLEDGED[record.ack_code].in_language()}", "yellow"))
        elif (refusal := Refusal.of(kind, record)) is not None:
            self._print(_refused(refusal))

    def note(self, text: str) -> None:
        """Tell something about the trial."""
        self._print(Text(text, "dim"))

    def problem(self, text: str) -> None:
        """Tell what went wrong."""
        self._print(Text(text, "red"))

    def output_of_bot(self, line: str) -> None:
        """Show a line that the script wrote."""
        self._print(Text.assemble(("│ ", "dim"), Text.from_ansi(line, style="dim")))

    def _show_message(self, message: ChatMessage) -> None:
        shown = self._message(message)
        with self._lock:
            if self._chat is not None and message.chat is not self._chat:
                self._put(Text(f"── {chat_name(message.chat)} ──", "dim"))
            self._chat = message.chat
            growing, self._growing = self._growing, None
            if growing is not None and growing[0] == message.id:
                self._put(shown, instead_of=growing[1])
            elif message.stream is None or message.stream.frames == 1 or is_complete(message):
                self._put(shown)
            else:
                return  # something else was shown meanwhile: the whole comes at the end
            if not is_complete(message):
                self._growing = message.id, self._height(shown)

    # ------------------------------------------------------------------ one message

    def _message(self, message: ChatMessage) -> RenderableType:
        row = Table.grid(padding=(0, 1, 0, 0))
        row.add_column(no_wrap=True)
        row.add_column(no_wrap=True, max_width=24, overflow="ellipsis")
        row.add_column(overflow="fold")
        row.add_row(
            Text(time_of(message.timestamp).strftime("%H:%M:%S"), "dim"),
            Text(message.sender.name, _BOT if message.from_bot else _colour(message.sender.name)),
            Group(*self._body(message)),
        )
        return row

    def _body(self, message: ChatMessage) -> list[RenderableType]:
        found: list[RenderableType] = []
        if (quoted := message.quoted) is not None:
            found.append(Text(f"▎ {quoted.sender.name}: {shortened(quoted.text)}", "dim"))
        text = transcript.named(message).strip(f" {transcript.EMPTY}")
        if text and message.markdown is not None:
            found.append(markdown_text.render(text))
        elif text:
            said = Text(text)
            said.highlight_regex(_MENTION, "bold blue")
            found.append(said)
        for file in (*message.files, *message.pictures):
            found += self._file(file)
        if ark := message.raw.get("ark"):
            found.append(Text(f"[card {ark.get('template_id')}]", "dim"))
        found += self._keyboard(message)
        if not is_complete(message):
            found.append(Text("…", "dim blink"))
        if message.audit_id is not None:
            found.append(Text("(waits for audit)", "yellow"))
        return found or [Text("")]

    def _keyboard(self, message: ChatMessage) -> list[RenderableType]:
        rows = ((message.keyboard or {}).get("content") or {}).get("rows") or []
        if not rows:
            unknown = message.keyboard and f"[buttons of template {message.keyboard.get('id')}]"
            return [Text(unknown, "dim")] if unknown else []
        found: list[RenderableType] = []
        buttons = iter(enumerate(message.buttons, 1))
        for row in rows:
            line = Text()
            for number, button in itertools.islice(buttons, len(row["buttons"])):
                line.append(f" {number} ", "bold reverse")
                line.append(f" {button} ", "on blue" if button.style == 1 else "on grey23")
                if button.kind == "link":
                    line.append(f" {button.data}", "dim underline")
                line.append("  ")
            found.append(line)
        return [Padding(Group(*found), (0, 0))]

    # ------------------------------------------------------------------ media

    def _file(self, file: MediaFile) -> list[RenderableType]:
        line = Text(transcript.medium(file), "cyan")
        if file.file_type == _PICTURE and (drawn := self._picture(file)) is not None:
            return [drawn, line]
        if (path := self._save(file)) is not None:
            line.append(f" {path}", "dim")
        return [line]

    def _picture(self, file: MediaFile) -> RenderableType | None:
        few_colours = self._console.color_system in (None, "standard", "windows")
        if few_colours or self._console.no_color or file.blob is None:
            return None
        try:
            BLOCK.encode(self._console.encoding)
        except (UnicodeEncodeError, LookupError):
            return None
        columns = max(8, min(COLUMNS, self._console.width - _SIDE))
        return half_blocks(file.data, columns, max(4, min(ROWS, self._console.height - 6)))

    def _save(self, file: MediaFile) -> str | None:
        """Save a file, once, and return its path; a voice that can be decoded becomes a WAV."""
        if file.id in self._saved:
            return self._saved[file.id]
        try:
            data, name = file.data, re.sub(r"[^\w.\- ]", "_", file.name) or "file"
            if file.file_type == _VOICE:
                data, name = file.wav, "voice.wav"
        except ValueError:  # a voice in a format that only phones play: as it is
            pass
        except LookupError:  # its bytes were forgotten
            return None
        try:
            if self._folder is None:
                self._folder = self._make_folder()
            path = self._folder / f"{next(self._numbers)}-{name[-80:]}"
            path.write_bytes(data)
        except OSError:
            return None
        self._saved[file.id] = str(path)
        return str(path)

    # ------------------------------------------------------------------ the terminal

    def ask(self, prompt: str) -> str:
        """Read a line; what happens meanwhile is shown above it.

        Raises:
            EOFError: Nobody writes any more.
            KeyboardInterrupt: Ctrl-C.
        """
        with self._lock:
            self._prompt = prompt
        try:
            return input(prompt)
        finally:
            with self._lock:
                self._prompt = None

    def erase(self, prompt: str, line: str) -> None:
        """Take away a line that was just read: what it says will be shown as a message."""
        if not self._movable:
            return
        rows = max(1, -(-cell_len(prompt + line) // self._console.width))
        with self._lock:
            sys.stdout.write(f"\x1b[{rows}A\r\x1b[J")
            sys.stdout.flush()

    def _print(self, shown: RenderableType) -> None:
        with self._lock:
            self._growing = None
            self._put(shown)

    def _put(self, shown: RenderableType, *, instead_of: int = 0) -> None:
        """Write above the prompt, maybe in place of the last lines; the lock is held."""
        before = after = ""
        if self._movable and self._prompt is not None:
            before, after = "\r\x1b[J", self._prompt + _typed()
        if self._movable and instead_of:
            before += f"\x1b[{instead_of}A\r\x1b[J"
        with self._console.capture() as capture:
            self._console.print(shown)
        try:
            sys.stdout.write(before + capture.get() + after)
            sys.stdout.flush()
        except (BrokenPipeError, io.UnsupportedOperation):
            return  # the terminal has gone; the trial ends by itself

    @property
    def _movable(self) -> bool:
        """Whether what stands there can be written over."""
        console = self._console
        return console.is_terminal and not (console.is_dumb_terminal or console.legacy_windows)

    def _height(self, shown: RenderableType) -> int:
        return len(self._console.render_lines(shown, pad=False))


def _typed() -> str:
    """Return what stands in the input line so far."""
    readline = sys.modules.get("readline")
    return "" if readline is None else str(readline.get_line_buffer())


def _colour(name: str) -> str:
    return _PEOPLE[zlib.crc32(name.encode()) % len(_PEOPLE)]


def _refused(refusal: Refusal) -> Text:
    refused = Sentence("refused", "被拒绝").in_language()
    found = Text(f"✗ {refused}: {refusal.message}", "bold red")
    found.append(f" (HTTP {refusal.status}, {refusal.code})", "not bold red")
    for text in filter(None, (refusal.cause, refusal.remedy)):
        found.append(f"\n  {text}", "not bold red")
    return found
