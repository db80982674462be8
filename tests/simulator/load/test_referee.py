"""What the referee says of answers: late, lost, doubled, out of order."""

from __future__ import annotations

import pytest

from qqgroup_sync.simulator.load.referee import Latency, Referee, percentile


@pytest.fixture
def referee():
    """A referee who has seen nothing."""
    return Referee()


def say(referee, *names, person="Ming", planned=0.0, expected=1, counted=True):
    """Say messages, numbered by their names: "m3" is number 3."""
    for name in names:
        referee.sent(
            name,
            number=int(name[1:]),
            person=person,
            planned=planned,
            expected=expected,
            counted=counted,
        )


@pytest.mark.parametrize(
    ("share", "value"), [(0.5, 50), (0.9, 90), (0.99, 99), (1.0, 100), (0.001, 1), (0.501, 51)]
)
def test_percentiles_are_values_that_were_measured(share, value):
    """The smallest one that at least the share does not exceed."""
    assert percentile(range(1, 101), share) == value


def test_one_value_is_every_percentile():
    """Small samples do not fail."""
    assert Latency.of([3.0]) == Latency(3.0, 3.0, 3.0, 3.0, 3.0)
    assert Latency.of([]) is None


def test_latency_counts_from_the_planned_time_to_the_first_answer(referee):
    """Not from when it was really said, and not to the last answer."""
    say(referee, "m0", planned=10.0, expected=2)
    referee.answered("m0", 10.5)
    referee.answered("m0", 12.0)
    verdict = referee.verdict()
    assert (verdict.answered, verdict.doubled) == (1, 0)
    assert verdict.latency.max == pytest.approx(0.5)


def test_an_answer_that_is_heard_before_its_message_counts(referee):
    """The bot can be quicker than the sender's book-keeping."""
    referee.answered("m0", 1.25)
    assert referee.verdict().sent == 0
    say(referee, "m0", planned=1.0)
    assert referee.verdict().latency.p50 == pytest.approx(0.25)
    assert referee.waiting == 0


def test_lost_and_silent_are_told_apart(referee):
    """A text that gets no answer in the probe can lose none."""
    say(referee, "m0", "m1")
    say(referee, "m2", expected=0)
    referee.answered("m0", 1.0)
    verdict = referee.verdict()
    assert (verdict.sent, verdict.answered, verdict.lost, verdict.silent) == (3, 1, 1, 1)
    assert referee.waiting == 1
    assert referee.overdue(before=0.5) == 1
    assert referee.overdue(before=-1.0) == 0


def test_messages_that_may_still_be_answered_can_be_left_out(referee):
    """After an interruption the last ones are neither answered nor lost."""
    say(referee, "m0", planned=0.0)
    say(referee, "m1", planned=9.0)
    verdict = referee.verdict(before=5.0)
    assert (verdict.sent, verdict.lost) == (1, 1)


@pytest.mark.parametrize(("expected", "answers", "doubled"), [(1, 2, 1), (2, 2, 0), (2, 4, 2)])
def test_answers_beyond_the_expected_ones_are_doubles(referee, expected, answers, doubled):
    """A handler that answers twice on purpose doubles nothing."""
    say(referee, "m0", expected=expected)
    for _ in range(answers):
        referee.answered("m0", 1.0)
    assert referee.verdict().doubled == referee.doubled == doubled


def test_disorder_is_counted_per_person(referee):
    """Two people may overtake each other; one may not overtake himself."""
    say(referee, "m0", "m2", "m4")
    say(referee, "m1", person="Lan")
    for name in ("m2", "m1", "m0", "m4"):
        referee.answered(name, 1.0)
    assert referee.verdict().disorder == 1


def test_the_warm_up_is_in_no_figure(referee):
    """Nor are its answers."""
    say(referee, "m0", "m1", counted=False)
    say(referee, "m2")
    referee.answered("m1", 5.0)
    referee.answered("m1", 5.0)
    referee.answered("m2", 0.1)
    verdict = referee.verdict()
    assert (verdict.sent, verdict.lost, verdict.doubled) == (1, 0, 0)
    assert verdict.latency.max == pytest.approx(0.1)


def test_what_was_said_unasked_is_counted_apart(referee):
    """It answers nothing."""
    referee.answered(None, 1.0)
    assert referee.verdict().unasked == 1


def test_recent_answers_are_taken_once(referee):
    """Each second has its own figures."""
    say(referee, "m0", "m1")
    referee.answered("m0", 0.2)
    assert referee.take_recent().p50 == pytest.approx(0.2)
    assert referee.take_recent() is None
    referee.answered("m1", 0.4)
    assert referee.take_recent().p50 == pytest.approx(0.4)


def test_seconds_are_those_in_which_messages_were_planned(referee):
    """A late answer belongs to the second that caused it."""
    say(referee, "m0", planned=100.2)
    say(referee, "m1", planned=101.9)
    referee.answered("m0", 105.2)
    referee.answered("m1", 102.0)
    seconds = referee.by_second(began=100.0)
    assert list(seconds) == [0, 1]
    assert seconds[0].max == pytest.approx(5.0)
