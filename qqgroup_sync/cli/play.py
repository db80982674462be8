"""Plays a script file: what people say, and whether the bot answers as it should."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qqgroup_sync.cli import scenario
from qqgroup_sync.cli.talk import GROUP, TalkError
from qqgroup_sync.simulator import transcript

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from qqgroup_sync.cli.answers import Answers
    from qqgroup_sync.cli.display import Display
    from qqgroup_sync.cli.talk import Talk
    from qqgroup_sync.simulator import Simulator
    from qqgroup_sync.simulator.records import ChatMessage

PATIENCE = 2.0  # seconds for an answer that no line asks for
_KINDS = {1: "picture", 2: "video", 3: "voice", 4: "file"}


def read_file(path: Path) -> list[scenario.Step]:
    """Read a script file and look whether the files that it names are there.

    Raises:
        ScenarioError: With every line that is wrong.
        OSError: It cannot be read.
    """
    text = scenario.decode(path.read_bytes())
    steps, lines = scenario.read(text), text.splitlines()
    missing = [
        scenario.Problem(
            step.line,
            lines[step.line - 1].strip(),
            f"There is no file {step.path}. It is looked for beside {path.name} and where the"
            " command runs.",
        )
        for step in steps
        if isinstance(step, scenario.Attach | scenario.Voice) and _find(path, step.path) is None
    ]
    if missing:
        raise scenario.ScenarioError(missing)
    return steps


def _find(script_file: Path, name: str) -> Path | None:
    for place in (script_file.parent / name, type(script_file)(name)):
        if place.is_file():
            return place
    return None


@dataclass(slots=True)
class Player:
    """Plays steps, one after the other, and counts what was not as expected.

    Attributes:
        path: The script file, for what it names and for messages.
        simulator: The platform; the bot is on line.
        talk: Who acts.
        answers: What the bot says.
        display: Where failures are shown; what is said is shown by itself.
        timeout: Seconds to wait for an answer that is expected.
    """

    path: Path
    simulator: Simulator
    talk: Talk
    answers: Answers
    display: Display
    timeout: float
    failures: int = 0
    checked: int = 0

    def play(self, steps: Sequence[scenario.Step]) -> int:
        """Play all of it; return how many lines failed."""
        acting = False  # whether the step before was an action whose answers nobody took yet
        for step, following in zip(steps, [*steps[1:], None], strict=True):
            checks = isinstance(step, scenario.Expect | scenario.NoAnswer)
            if not checks and not self.answers.alive():
                break  # nobody would answer
            if not checks and not acting:
                self.answers.forget()
            try:
                self._act(step)
            except TalkError as error:
                self._fail(step, str(error), {})
            acting = not checks
            if isinstance(step, _ANSWERED) and not isinstance(following, _CHECKS_AND_WAITS):
                self.answers.settle(min(PATIENCE, self.timeout))
        return self.failures

    def _act(self, step: scenario.Step) -> None:
        _ACTIONS[type(step)](self, step)

    # ------------------------------------------------------------------ actions

    def _as(self, step: scenario.As) -> None:
        self.talk.person, self.talk.group = step.person, step.group

    def _say(self, step: scenario.Say) -> None:
        self._as(step)
        self.talk.say(step.text)

    def _join(self, step: scenario.Join) -> None:
        assert step.group is not None
        self.talk.join(step.person, step.group)
        self.talk.group = step.group  # where a welcome is expected
        self._tell(step, "joined", f"{step.person} joins {step.group}", person=step.person)

    def _leave(self, step: scenario.Leave) -> None:
        assert step.group is not None
        self.talk.leave(step.person, step.group)
        self._tell(step, "left", f"{step.person} leaves {step.group}", person=step.person)

    def _click(self, step: scenario.Click) -> None:
        told = self.talk.press(self.talk.find_button(step.label))
        if told:
            self._tell(step, "opened", told, text=told)

    def _attach(self, step: scenario.Attach) -> None:
        self.talk.send_file(self._path(step.path), step.text)

    def _voice(self, step: scenario.Voice) -> None:
        self.talk.send_voice(self._path(step.path), step.transcript)

    def _quote(self, _step: scenario.Quote) -> None:
        self.talk.quote_next()

    def _wait(self, step: scenario.Wait) -> None:
        if step.seconds is None:
            self.answers.settle(min(PATIENCE, self.timeout))
        else:
            self.simulator.clock.wait(step.seconds)

    def _go_wrong(self, step: scenario.GoWrong) -> None:
        group = self.simulator.platform.group(self.talk.group or GROUP)
        step.fault.act(self.simulator, group)
        self._tell(step, "fault", f"! {step.fault.text}", text=step.fault.text)

    def _path(self, name: str) -> Path:
        found = _find(self.path, name)
        if found is None:
            raise TalkError(f"{name} has gone.")
        return found

    # ------------------------------------------------------------------ expectations

    def _expect(self, step: scenario.Expect) -> None:
        self.checked += 1
        answer = self.answers.next(self.talk.chat, self.timeout)
        if answer is None:
            alive = self.answers.alive()
            why = f"within {self.timeout:g} s" if alive else "before the script ended"
            self._fail(
                step,
                f"no answer {why}\n  expected: {step.text}",
                {"expected": step.text, "answered": None},
            )
        elif not step.accepts(readings(answer)):
            self._fail(
                step,
                f"not the expected answer\n{difference(step, _body(answer))}",
                {"expected": step.text, "answered": _body(answer)},
            )
        else:
            fields = {"expected": step.text, "answered": _body(answer)}
            self.display.result({"kind": "checked", "line": step.line, "ok": True, **fields}, "")

    def _no_answer(self, step: scenario.NoAnswer) -> None:
        self.checked += 1
        answer = self.answers.next(self.talk.chat, step.seconds)
        if answer is None:
            self.display.result({"kind": "checked", "line": step.line, "ok": True}, "")
            return
        body = _body(answer)
        self._fail(step, f"no answer was expected\n  answered: {body}", {"answered": body})

    def _fail(self, step: scenario.Step, text: str, fields: dict[str, Any]) -> None:
        self.failures += 1
        self.display.result(
            {"kind": "checked", "line": step.line, "ok": False, **fields},
            f"{self.path.name}:{step.line}: {text}",
        )

    def _tell(self, step: scenario.Step, kind: str, shown: str, **fields: str) -> None:
        self.display.result({"kind": kind, "line": step.line, **fields}, shown)


_ACTIONS: dict[type[scenario.Step], Callable[..., None]] = {
    scenario.As: Player._as,  # noqa: SLF001 - a table of its own methods
    scenario.Say: Player._say,  # noqa: SLF001
    scenario.Join: Player._join,  # noqa: SLF001
    scenario.Leave: Player._leave,  # noqa: SLF001
    scenario.Click: Player._click,  # noqa: SLF001
    scenario.Attach: Player._attach,  # noqa: SLF001
    scenario.Voice: Player._voice,  # noqa: SLF001
    scenario.Quote: Player._quote,  # noqa: SLF001
    scenario.Wait: Player._wait,  # noqa: SLF001
    scenario.GoWrong: Player._go_wrong,  # noqa: SLF001
    scenario.Expect: Player._expect,  # noqa: SLF001
    scenario.NoAnswer: Player._no_answer,  # noqa: SLF001
}
_ANSWERED = (scenario.Say, scenario.Click, scenario.Attach, scenario.Voice, scenario.Join)
_CHECKS_AND_WAITS = (scenario.Expect, scenario.NoAnswer, scenario.Wait)


def readings(answer: ChatMessage) -> list[str]:
    """Return the ways in which an expectation may write an answer, the text alone first."""
    text = answer.content.strip(transcript.EMPTY).strip()
    kinds = [f"[{_KINDS.get(file.file_type, 'file')}]" for file in answer.files]
    return [text, _body(answer), " ".join(filter(None, (text, *kinds)))]


def _body(answer: ChatMessage) -> str:
    return transcript.body(answer, quotes=False)


def difference(step: scenario.Expect, answered: str) -> str:
    """Show two texts below each other, and where they begin to differ."""
    if "\n" in step.text or "\n" in answered:
        lines = difflib.ndiff(step.text.splitlines(), answered.splitlines())
        return "\n".join(f"  {line}" for line in lines)
    shown = f"  expected: {step.text}\n  answered: {answered}"
    if not step.literal:
        return shown
    pairs = zip(step.text, answered, strict=False)
    same = next((place for place, (a, b) in enumerate(pairs) if a != b), None)
    if same is None:
        same = min(len(step.text), len(answered))
    return f"{shown}\n            {' ' * _width(answered[:same])}^"


def _width(text: str) -> int:
    """Return the columns of a text in a terminal, where Chinese takes two."""
    return sum(2 if ord(character) >= 0x2E80 else 1 for character in text)
