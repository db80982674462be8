r"""Script files: a conversation written down, one line for each thing that happens.

Pure: a text goes in, steps come out, or a list of what is wrong with which line and what to
write instead.

    # a comment
    Ming@测试群: hello            Ming says it in a group
    Lan: hi                       Lan says it in private
    > hi, *                       what the bot should answer; * stands for anything
    > /^hi, \w+!$/                 the same as a regular expression
    no answer                     nothing (more) is answered
    click 签到                     a button, by its label
    attach cat.png [text]         the last speaker sends a file or a picture
    voice hello.wav [words]       or a voice, and what is recognised in it
    quote                         the next line said quotes the last answer
    join Ming@测试群, leave ...    a member comes or goes
    as Lan@测试群                  who speaks and where, without a word
    wait 2s, wait                 simulated time; without a time: until the bot is quiet
    ! op 7                        something goes wrong, see ``faults``
"""

from __future__ import annotations

import codecs
import difflib
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from qqgroup_sync.cli.faults import Fault, FaultError, duration, read_fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_SAYING = re.compile(r"([^:：@＠]+?)(?:\s*[@＠]\s*([^:：]+?))?\s*[:：]\s*(.*)", re.DOTALL)
_PERSON = re.compile(r"([^@＠]+?)(?:\s*[@＠]\s*(.+?))?")
_REGEX = re.compile(r"/(.+)/(i?)", re.DOTALL)
_LONGEST = 60  # characters of a line that an error shows


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one line."""

    line: int
    text: str
    what: str

    def __str__(self) -> str:
        shown = self.text if len(self.text) <= _LONGEST else f"{self.text[:_LONGEST]}…"
        return f"line {self.line}: {shown}\n  {self.what}"


class ScenarioError(ValueError):
    """The file cannot be played; holds every problem."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happens; ``line`` is where it stands."""

    line: int


@dataclass(frozen=True, slots=True)
class As(Step):
    """From now on this person acts, in this group, or in private when it is None."""

    person: str
    group: str | None


@dataclass(frozen=True, slots=True)
class Say(As):
    """A person says something."""

    text: str


@dataclass(frozen=True, slots=True)
class Join(As):
    """A person joins a group."""


@dataclass(frozen=True, slots=True)
class Leave(As):
    """A person leaves a group."""


@dataclass(frozen=True, slots=True)
class Expect(Step):
    """The next answer should be this."""

    text: str

    ANYTHING: ClassVar[str] = "*"

    @property
    def pattern(self) -> re.Pattern[str]:
        """What an answer must match.

        Raises:
            re.error: It is no regular expression.
        """
        found = _REGEX.fullmatch(self.text)
        if found is not None:
            return re.compile(found[1], re.DOTALL | (re.IGNORECASE if found[2] else 0))
        parts = map(re.escape, self.text.split("*"))
        return re.compile(rf"\A{'.*'.join(parts)}\Z", re.DOTALL)

    def accepts(self, answers: Iterable[str]) -> bool:
        """Return whether one of the ways to write an answer is the expected one."""
        pattern = self.pattern
        return any(pattern.search(answer) for answer in answers)

    @property
    def literal(self) -> bool:
        """Whether it is a plain text, so that a difference can be pointed at."""
        return "*" not in self.text and _REGEX.fullmatch(self.text) is None


@dataclass(frozen=True, slots=True)
class NoAnswer(Step):
    """Nothing more is answered for some seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Click(Step):
    """A button is pressed."""

    label: str


@dataclass(frozen=True, slots=True)
class Attach(Step):
    """A file is sent."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Voice(Step):
    """A voice is sent."""

    path: str
    transcript: str


@dataclass(frozen=True, slots=True)
class Quote(Step):
    """The next line said quotes the last answer."""


@dataclass(frozen=True, slots=True)
class Wait(Step):
    """Simulated seconds pass; None: until the bot is quiet."""

    seconds: float | None


@dataclass(frozen=True, slots=True)
class GoWrong(Step):
    """Something goes wrong."""

    fault: Fault


class BadLineError(ValueError):
    """What is wrong with a line, and what to write instead."""


def read(text: str) -> list[Step]:
    """Read a script file.

    Raises:
        ScenarioError: With every line that cannot be understood.
    """
    steps: list[Step] = []
    problems: list[Problem] = []
    for number, raw in enumerate(text.lstrip("\ufeff").splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith(("#", "＃")):
            continue
        try:
            if raw[0] in " \t\u3000":
                _continue(steps, line)
            else:
                steps.append(_read_line(number, line))
            if isinstance(steps[-1], Expect):
                _ = steps[-1].pattern
        except re.error as error:
            problems.append(
                Problem(
                    number,
                    line,
                    f"The regular expression is wrong: {error}. Mend it, or"
                    " write the answer without the two /.",
                )
            )
        except (BadLineError, FaultError) as error:
            problems.append(Problem(number, line, str(error)))
    if not problems and not any(isinstance(step, As | Wait | GoWrong) for step in steps):
        problems.append(Problem(1, "", "Nothing is said. Write a line such as  Ming@group: hello"))
    if problems:
        raise ScenarioError(problems)
    return steps


def decode(data: bytes) -> str:
    """Return the text of a file: UTF-8, or what a Chinese Windows writes."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("gb18030", "replace")


def _continue(steps: list[Step], line: str) -> None:
    last = steps[-1] if steps else None
    if not isinstance(last, Say | Expect):
        raise BadLineError(
            "An indented line goes on with the text above it, but there is none. Take the spaces"
            " at its beginning away."
        )
    steps[-1] = replace(last, text=f"{last.text}\n{line}")


def _read_line(number: int, line: str) -> Step:
    if line[0] in ">＞":
        return Expect(number, line[1:].strip() or Expect.ANYTHING)
    if line[0] in "!！":
        return GoWrong(number, read_fault(line[1:].strip()))
    word, _, rest = line.partition(" ")
    command = _COMMANDS.get(_ALIASES.get(word, word).lower())
    if command is not None:
        return command(number, rest.strip())
    found = _SAYING.fullmatch(line)
    if found is None:
        raise BadLineError(_advice(word))
    person, group, text = found.groups()
    if not text:
        where = f"{person}@{group}" if group else person
        raise BadLineError(
            f"Nothing is said. Write something behind the colon, or  as {where}  to let"
            f" {person} act without a word."
        )
    return Say(number, person, group, text)


def _advice(word: str) -> str:
    near = difflib.get_close_matches(word.lower(), [*_COMMANDS, *_ALIASES], 1, 0.7)
    meant = f" Is {near[0]!r} meant?" if near else ""
    return (
        f"This is no line of a script.{meant} Write  Name@group: text  for what somebody says"
        " (without @group in private),  > text  for the answer, or begin with one of"
        f" {', '.join(sorted(_COMMANDS))}, !, #."
    )


def _nothing_else(command: str, rest: str) -> None:
    if rest:
        raise BadLineError(f"{command!r} stands alone on its line; take {rest!r} away.")


def read_person(command: str, rest: str, *, group_needed: bool) -> tuple[str, str | None]:
    """Read ``Ming`` or ``Ming@group``.

    Raises:
        BadLineError: It is neither, or a group is missing.
    """
    found = _PERSON.fullmatch(rest)
    if found is None or (group_needed and not found[2]):
        raise BadLineError(f"Who, and where? Write  {command} Ming@group")
    return found[1], found[2]


def read_path(command: str, rest: str) -> tuple[str, str]:
    """Return the file name, which may be quoted, and the rest of the line.

    Raises:
        BadLineError: There is none.
    """
    if rest[:1] in ('"', "'"):
        name, closed, after = rest[1:].partition(rest[0])
        if not closed:
            raise BadLineError(f"The file's name ends nowhere: a {rest[0]} is missing.")
    else:
        name, _, after = rest.partition(" ")
    if not name:
        raise BadLineError(f'Which file? Write  {command} cat.png  or  {command} "my cat.png"')
    return name, after.strip()


def _wait(line: int, rest: str) -> Step:
    return Wait(line, duration(rest) if rest else None)


def _no(line: int, rest: str) -> Step:
    word, _, time = rest.partition(" ")
    if word not in ("answer", "reply"):
        raise BadLineError("Write  no answer  or  no answer 3s")
    return NoAnswer(line, duration(time) if time else 1.0)


def _click(line: int, rest: str) -> Step:
    if not rest:
        raise BadLineError("Which button? Write its label:  click 签到")
    return Click(line, rest)


def _quote(line: int, rest: str) -> Step:
    _nothing_else("quote", rest)
    return Quote(line)


def _attach(line: int, rest: str) -> Step:
    return Attach(line, *read_path("attach", rest))


def _voice(line: int, rest: str) -> Step:
    return Voice(line, *read_path("voice", rest))


def _as(line: int, rest: str) -> Step:
    return As(line, *read_person("as", rest, group_needed=False))


def _join(line: int, rest: str) -> Step:
    return Join(line, *read_person("join", rest, group_needed=True))


def _leave(line: int, rest: str) -> Step:
    return Leave(line, *read_person("leave", rest, group_needed=True))


_COMMANDS: dict[str, Callable[[int, str], Step]] = {
    "as": _as,
    "attach": _attach,
    "click": _click,
    "join": _join,
    "leave": _leave,
    "no": _no,
    "quote": _quote,
    "voice": _voice,
    "wait": _wait,
}
_ALIASES = {
    "附件": "attach",
    "点击": "click",
    "加入": "join",
    "退出": "leave",
    "引用": "quote",
    "语音": "voice",
    "等待": "wait",
}
