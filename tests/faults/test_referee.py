"""The referee finds what was planted, and excuses only what the documentation excuses."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.faults import referee
from tests.faults.referee import (
    IN_HAND,
    READY_LOST,
    REPLY_WINDOW,
    RESUME_REFUSED,
    SESSION_ENDED,
    judge,
)


class Run:
    """A run as it would be recorded; every step takes a second."""

    def __init__(self):
        self.sent, self.shown = [], []
        self.now, self.s = 1000.0, 1

    def note(self, what, **fields):
        self.now += 1.0
        self.sent.append({"what": what, "at": self.now, **fields})
        return self

    def ready(self, session):
        return self.note("ready", session=session)

    def say(self, name, person="ming", chat="g", *, frame="A", answer=True):
        self.note("said", id=name, text=name, answer=f"re {name}" if answer else None,
                  person=person, chat=chat, until=self.now + 301.0)  # fmt: skip
        return self.send(name, frame) if frame else self

    def send(self, name, session):
        self.s += 1
        return self.note("frame", id=name, session=session, s=self.s)

    def show(self, *names, text=None):
        for name in names:
            self.now += 1.0
            self.shown.append(
                {"what": "shown", "id": name, "at": self.now, "chat": "g",
                 "text": text or f"re {name}"}
            )  # fmt: skip
        return self

    def judge(self, **options):
        return judge(self.sent, self.shown, **options)


@pytest.fixture
def run():
    """A run with one session."""
    return Run().ready("A")


def names(losses):
    """Return the ids of the messages that were lost."""
    return [loss.id for loss in losses]


def test_a_clean_run(run):
    """Nothing to complain of."""
    verdict = run.say("a").say("b").show("a", "b").judge()
    assert verdict.clean
    assert (verdict.said, verdict.answered) == (2, 2)


def test_lost_doubled_strange_and_late(run):
    """Each is found, and named."""
    run.say("a").say("b").say("c").say("d")
    run.show("a", "a", "c").show("d", text="something else").show("nobody")
    verdict = run.judge(late=5.0)
    assert names(verdict.lost) == ["b", "d"]
    assert [what.split()[0] for what in verdict.doubled] == ["a"]
    assert [what.split()[0] for what in verdict.strange] == ["d", "nobody"]
    assert verdict.late == ["a: 8.0 s", "c: 6.0 s"] or len(verdict.late) == 2
    assert not verdict.clean


@pytest.mark.parametrize(("person", "chat", "count"), [("ming", "g", 1), ("li", "g", 0),
                                                       ("ming", "h", 0)])  # fmt: skip
def test_order_counts_per_person_and_chat(run, person, chat, count):
    """Who talks elsewhere, or somebody else, may be answered earlier."""
    verdict = run.say("a").say("b", person, chat).show("b", "a").judge()
    assert len(verdict.disordered) == count
    assert verdict.clean is not count


def test_what_needs_no_answer_is_not_lost(run):
    """Some messages are said to be left alone."""
    assert run.say("a", answer=False).judge().clean


@pytest.mark.parametrize("code", [1000, 1006, 4008, 4009])
def test_a_session_that_could_be_resumed_excuses_nothing(run, code):
    """Also when the bot began a new one all the same."""
    run.note("closed", session="A", code=code).say("a", frame=None).ready("B")
    assert names(run.judge().lost) == ["a"]


@pytest.mark.parametrize("code", [4004, 4006, 4007, 4900, 4913])
def test_what_is_said_between_two_sessions_is_excused(run, code):
    """There was no session that could carry it."""
    run.note("closed", session="A", code=code).say("a", frame=None).ready("B").say("b", frame="B")
    verdict = run.judge()
    assert [(loss.id, loss.page) for loss in verdict.excused] == [("a", SESSION_ENDED)]
    assert names(verdict.lost) == ["b"]


def test_what_reached_the_bot_before_its_session_ended_is_not_excused(run):
    """It had them: they wait in its queue."""
    run.say("a").note("closed", session="A", code=4900).ready("B")
    assert names(run.judge().lost) == ["a"]


@pytest.mark.parametrize(("seq", "lost"), [(2, []), (3, ["b"]), (4, ["b"])])
def test_a_refused_resume_excuses_what_lies_behind_its_number(run, seq, lost):
    """The bot says with ``seq`` what it has; the platform does not send the rest."""
    run.say("a").say("b").show("a")
    run.note("resume", session="A", seq=seq).note("refused", session="A").ready("B")
    verdict = run.judge()
    assert names(verdict.lost) == lost
    assert [loss.page for loss in verdict.excused] == [RESUME_REFUSED] * (1 - len(lost))


def test_a_resume_that_was_answered_excuses_nothing(run):
    """What was replayed has to be answered, even if the session ends later."""
    run.say("a").note("resume", session="A", seq=1).send("a", "A").note("resumed", session="A")
    run.note("closed", session="A", code=4900).ready("B")
    assert names(run.judge().lost) == ["a"]


def test_a_kill_excuses_only_what_was_in_hand_when_the_session_was_over(run):
    """Neither what could be replayed, nor what had lain there for long."""
    run.say("a").note("killed")
    assert names(run.judge().lost) == ["a"]
    run.say("b").note("closed", session="A", code=4900).note("killed").ready("B")
    assert names(run.judge().excused) == ["b"]
    run.now += IN_HAND
    run.note("killed")
    assert names(run.judge().lost) == ["a"]


@pytest.mark.parametrize("known", [None, "beat", "resume", "answer"])
@pytest.mark.parametrize("broke", [True, False])
def test_a_ready_that_the_network_swallowed(run, known, broke):
    """A session that the bot never heard of cannot be resumed; one sign of it is enough."""
    run.note("closed", session="A", code=4900).ready("B").say("a", frame="B")
    if broke:
        run.note("broke")
    if known == "answer":
        run.say("b", frame="B").show("b")
    elif known is not None:
        run.note(known, session="B", seq=9)
    run.ready("C")
    verdict = run.judge()
    excused = broke and known is None
    assert names(verdict.lost) == ([] if excused else ["a"])
    assert [loss.page for loss in verdict.excused] == [READY_LOST] * excused


def test_the_reply_window(run):
    """Only a refusal, or a delivery, after the window's end excuses."""
    run.say("early").say("late").say("delivered late", frame=None)
    run.shown.append({"what": "refused", "id": "early", "code": 40034005, "at": run.now})
    run.now += 400.0
    run.shown.append({"what": "refused", "id": "late", "code": 40034005, "at": run.now})
    run.send("delivered late", "A")
    verdict = run.judge()
    assert names(verdict.lost) == ["early"]
    assert [loss.page for loss in verdict.excused] == [REPLY_WINDOW] * 2


def test_every_excuse_cites_a_page():
    """With the date of the documentation."""
    for page in (READY_LOST, SESSION_ENDED, RESUME_REFUSED, REPLY_WINDOW):
        assert "page, 2026-08" in page or "(2026-08)" in page


@pytest.mark.parametrize("clean", [True, False])
def test_as_a_script(run, tmp_path, clean):
    """It reads two files, leaves out half a line, and tells by its exit code."""
    run.say("a").say("b").show(*("a", "b") if clean else ("a",))
    for name, records in (("sent", run.sent), ("shown", run.shown)):
        lines = "".join(json.dumps(one) + "\n" for one in records)
        (tmp_path / name).write_text(lines + '{"what": "sa', encoding="utf-8")
    done = subprocess.run(
        [sys.executable, referee.__file__, tmp_path / "sent", tmp_path / "shown", "--json"],
        stdout=subprocess.PIPE,
        check=False,
    )
    assert done.returncode == (not clean)
    assert json.loads(done.stdout)["clean"] is clean


def test_it_knows_neither_client_nor_simulator():
    """Its judgement depends on nothing that it judges."""
    code = f"import runpy, sys; runpy.run_path({referee.__file__!r}); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-I", "-c", code], stdout=subprocess.PIPE, check=True)
    assert not any(name.startswith(b"qqgroup_sync") for name in done.stdout.split())
