"""Judge a run of the fault bench from its two records: what was lost, doubled, out of order, late.

python tests/faults/referee.py SENT SHOWN [--late SECONDS] [--json]

It imports neither the client nor the simulator and knows nothing of how they work. Each record is
a file of JSON objects, one a line, in the order in which things happened on the platform:

SENT, what the platform sent to the bot
    {"what": "said", "id", "text", "answer", "person", "chat", "at", "until"}  somebody wrote
    {"what": "frame", "id", "session", "s", "at"}   the message went out on the bot's connection
    {"what": "ready", "session", "at"}              a new session began
    {"what": "resume", "session", "seq", "at"}      the bot asks for what came after ``seq``
    {"what": "resumed", "session", "at"}            and got it
    {"what": "refused", "session", "at"}            or did not: op 9 with d=false
    {"what": "closed", "session", "code", "at"}     the platform closes with this code
    {"what": "beat", "session", "at"}               a heartbeat of the bot came
    {"what": "killed", "at"}                        the bot's process was killed
    {"what": "broke", "at"}                         connections were broken on the way
SHOWN, what the chat shows
    {"what": "shown", "id", "text", "chat", "at"}   an answer to the message ``id``
    {"what": "refused", "id", "code", "at"}         an answer that the platform did not take

Times are the platform's seconds. ``answer`` is the text that is expected once; null means that no
answer is expected. A message that has none is lost, unless the record proves that the platform's
documentation gives no way to have it. Nothing else is excused.
"""

from __future__ import annotations

import argparse
import json
import sys
from bisect import bisect_right
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

Record = dict[str, Any]

# Close codes after which the documentation names only Identify, and those that it does not name.
# 1000 to 1015 (the network's), 4008 and 4009 keep the session: they excuse nothing.
ENDS_SESSION = frozenset({4000, 4003, 4004, 4005, 4006, 4007, *range(4900, 4914), 4999})
BREAKING = 10.0  # seconds between a broken network and a READY that it may have swallowed
IN_HAND = 5.0  # seconds for which a message may wait in a bot that is about to be killed
WINDOW_PASSED = frozenset({40034005, 40034026, 304027, 304103})

SESSION_ENDED = (
    "gateway page, close codes (2026-08): after 4006, 4007, 4900-4913, and whatever is neither "
    "4009 nor of the network, identify again; a new session replays nothing"
)
RESUME_REFUSED = (
    "gateway page, opcodes (2026-08): op 9 with d=false, the session cannot be resumed; a new "
    "session replays nothing"
)
READY_LOST = (
    "gateway page, Resume (2026-08): a session is resumed by the session_id of its READY, which "
    "never reached the bot"
)
REPLY_WINDOW = (
    "send-message page, 2026-08: a message can be answered for 5 minutes in groups and for 60 "
    "minutes in private chats"
)


class Loss(NamedTuple):
    """A message without its answer; ``page`` is the documentation's line that excuses it."""

    id: str
    text: str
    why: str
    page: str = ""


class Verdict(NamedTuple):
    """What the referee found."""

    said: int
    answered: int
    lost: list[Loss]
    excused: list[Loss]
    doubled: list[str]
    disordered: list[str]
    strange: list[str]
    late: list[str]
    slowest: float

    @property
    def clean(self) -> bool:
        """Whether nothing is lost without excuse, doubled, out of order or strange."""
        return not (self.lost or self.doubled or self.disordered or self.strange)

    def table(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        found = self._asdict()
        for name in ("lost", "excused"):
            found[name] = [loss._asdict() for loss in found[name]]
        return {**found, "clean": self.clean}

    def __str__(self) -> str:
        kinds = ("lost", "excused", "doubled", "disordered", "strange", "late")
        counts = ", ".join(f"{len(getattr(self, kind))} {kind}" for kind in kinds)
        total = f"{self.said} messages, {self.answered} answered"
        lines = [f"{total}: {counts}; slowest {self.slowest:.1f} s"]
        lines += [f"  LOST {loss.id} {loss.text!r}: {loss.why}" for loss in self.lost[:20]]
        for kind in ("doubled", "disordered", "strange"):
            lines += [f"  {kind.upper()} {what}" for what in getattr(self, kind)[:20]]
        pages: dict[str, int] = defaultdict(int)
        for loss in self.excused:
            pages[loss.page] += 1
        lines += [f"  excused {count}: {page}" for page, count in pages.items()]
        return "\n".join(lines)


class _Sessions:
    """What the record says about sessions, by position in the record."""

    def __init__(self, sent: list[Record], answered: set[str]) -> None:
        self.ready: list[int] = []
        self.names: list[str] = []
        self.ended: dict[str, list[tuple[int, Record]]] = defaultdict(list)
        self.resumes: dict[str, list[tuple[int, int]]] = defaultdict(list)
        self.frames: dict[str, list[tuple[int, Record]]] = defaultdict(list)
        self.killed: list[tuple[int, Record]] = []
        self.broke: list[float] = []
        self.known: set[str] = set()  # the bot has shown that it knows these
        for place, record in enumerate(sent):
            what = record["what"]
            if what == "ready":
                self.ready.append(place)
                self.names.append(record["session"])
            elif what == "frame":
                self.frames[record["id"]].append((place, record))
            elif what == "resume":
                self.resumes[record["session"]].append((place, int(record["seq"] or 0)))
                self.known.add(record["session"])
            elif what == "beat":
                self.known.add(record["session"])
            elif what == "broke":
                self.broke.append(record["at"])
            elif what == "killed":
                self.killed.append((place, record))
            elif what == "refused" or (what == "closed" and record["code"] in ENDS_SESSION):
                self.ended[record["session"]].append((place, record))
        for name in answered:
            self.known |= {frame["session"] for _, frame in self.frames[name]}
        self.began = {
            record["session"]: record["at"] for record in map(sent.__getitem__, self.ready)
        }
        self.end = len(sent)

    def around(self, place: int) -> tuple[str, int]:
        """Return the session that was current there, and where the next one begins."""
        number = bisect_right(self.ready, place)
        name = self.names[number - 1] if number else ""
        return name, self.ready[number] if number < len(self.ready) else self.end


def _session_is_over(place: int, said: Record, sessions: _Sessions) -> Loss | None:
    """Excuse what the platform could send in no session, or not again after the session ended."""
    name, until = sessions.around(place)
    ends = [(where, end) for where, end in sessions.ended[name] if where < until]
    if not name or not ends:
        return None
    where_ended, end = ends[-1]
    page = RESUME_REFUSED if end["what"] == "refused" else SESSION_ENDED
    how = f"code {end['code']}" if end["what"] == "closed" else "op 9"
    frames = sessions.frames[said["id"]]
    if not frames:
        return _loss(said, f"session {name} ended with {how} before it could be sent", page)
    last, frame = frames[-1]
    asked = [(where, seq) for where, seq in sessions.resumes[name] if last < where < until]
    if asked and asked[-1][1] < int(frame["s"]):
        why = f"s={frame['s']}, the bot had up to {asked[-1][1]}, and the session ended with {how}"
        return _loss(said, why, page)
    for killed, record in sessions.killed:
        if last < where_ended < killed and record["at"] - frame["at"] < IN_HAND:
            why = f"the session ended with {how}, then the process was killed with it in hand"
            return _loss(said, why, page)
    return None


def _never_known(place: int, said: Record, sessions: _Sessions) -> Loss | None:
    """Excuse what belongs to a session whose READY was lost with its connection."""
    name, until = sessions.around(place)
    if not name or name in sessions.known or until == sessions.end:
        return None
    if any(abs(at - sessions.began[name]) < BREAKING for at in sessions.broke):
        return _loss(said, f"the bot never heard of session {name}", READY_LOST)
    return None


def _window_is_over(said: Record, refused: list[Record], sessions: _Sessions) -> Loss | None:
    """Excuse what was answered, or reached the bot, only when it could be answered no more."""
    for record in refused:
        if record["code"] in WINDOW_PASSED and record["at"] > said["until"]:
            return _loss(said, f"answered too late: {record['code']}", REPLY_WINDOW)
    frames = sessions.frames[said["id"]]
    if frames and all(frame["at"] > said["until"] for _, frame in frames):
        return _loss(said, "it reached the bot after its reply window", REPLY_WINDOW)
    return None


def _loss(said: Record, why: str, page: str = "") -> Loss:
    return Loss(said["id"], said["text"], why, page)


def judge(sent: list[Record], shown: list[Record], *, late: float = 10.0) -> Verdict:
    """Compare what was sent to the bot with what the chat shows.

    Args:
        sent: The first record.
        shown: The second one.
        late: Seconds after which an answer counts as late; that is told, and no fault.
    """
    said = {one["id"]: (place, one) for place, one in enumerate(sent) if one["what"] == "said"}
    answers: dict[str, list[Record]] = defaultdict(list)
    refused: dict[str, list[Record]] = defaultdict(list)
    strange, late_ones = [], []
    for record in shown:
        if record["what"] == "refused":
            refused[record["id"]].append(record)
        elif record["id"] in said and said[record["id"]][1]["answer"] == record["text"]:
            answers[record["id"]].append(record)
        else:
            strange.append(f"{record['id']} {record['text']!r} in {record['chat']}")
    sessions = _Sessions(sent, set(answers))
    lost, excused, doubled = [], [], []
    slowest = 0.0
    for name, (place, one) in said.items():
        found = answers[name]
        if len(found) > 1:
            doubled.append(f"{name} {one['text']!r}: shown {len(found)} times")
        if found:
            took = found[0]["at"] - one["at"]
            slowest = max(slowest, took)
            if took > late:
                late_ones.append(f"{name}: {took:.1f} s")
        elif one["answer"] is not None:
            excuse = (
                _session_is_over(place, one, sessions)
                or _never_known(place, one, sessions)
                or _window_is_over(one, refused[name], sessions)
            )
            if excuse is not None:
                excused.append(excuse)
            else:
                lost.append(_loss(one, _history(one, place, refused[name], sessions)))
    return Verdict(
        said=len(said),
        answered=sum(bool(found) for found in answers.values()),
        lost=lost,
        excused=excused,
        doubled=doubled,
        disordered=_disordered(said, shown),
        strange=strange,
        late=late_ones,
        slowest=slowest,
    )


def _history(one: Record, place: int, refused: list[Record], sessions: _Sessions) -> str:
    """Return what the record knows of a lost message, for whoever looks for the reason."""
    frames = [(frame["session"][:8], frame["s"]) for _, frame in sessions.frames[one["id"]]]
    codes = [record["code"] for record in refused]
    name, _ = sessions.around(place)
    return f"said in session {name[:8]} at {one['at']:.3f}, sent as {frames}, refused {codes}"


def _disordered(said: dict[str, tuple[int, Record]], shown: list[Record]) -> list[str]:
    """Return the answers that came before that to an earlier message of the same person."""
    newest: dict[tuple[str, str], tuple[int, str]] = {}
    seen: set[str] = set()
    found = []
    for record in shown:
        name = record["id"]
        if record["what"] != "shown" or name not in said or name in seen:
            continue
        seen.add(name)
        place, one = said[name]
        lane = one["chat"], one["person"]
        before, which = newest.get(lane, (-1, ""))
        if place < before:
            found.append(f"{name} {one['text']!r} was answered after {which}, which is younger")
        else:
            newest[lane] = place, name
    return found


def read(path: Path) -> list[Record]:
    """Return the records of a file; a last line that is not whole is left out."""
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.endswith("\n")]


def main() -> None:
    """Judge two files; the exit code is 1 when something is lost, doubled or out of order."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("sent", type=Path)
    parser.add_argument("shown", type=Path)
    parser.add_argument("--late", type=float, default=10.0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    verdict = judge(read(options.sent), read(options.shown), late=options.late)
    print(json.dumps(verdict.table()) if options.json else verdict)  # noqa: T201 - its purpose
    sys.exit(not verdict.clean)


if __name__ == "__main__":
    main()
