"""Sent: what the platform accepted, and how it is taken back."""

from __future__ import annotations

import pytest

from qqgroup_sync.errors import ApiError
from qqgroup_sync.events.models import AuditResult
from qqgroup_sync.sending.sent import Sent, SentPart


def test_the_first_part_speaks_for_all():
    """Its id and index are what one needs most often."""
    sent = Sent((SentPart("1", 5.0, "REFIDX_1"), SentPart("2", 6.0, "REFIDX_2")))
    assert (sent.id, sent.ref_idx, sent.pending, sent.proactive) == ("1", "REFIDX_1", False, False)


def test_nothing_sent_has_no_id():
    """Not an IndexError."""
    assert (Sent(()).id, Sent(()).ref_idx, Sent(()).pending) == ("", "", False)
    Sent(()).recall()


def test_one_part_under_review_makes_the_whole_wait():
    """The person may see nothing of it yet."""
    assert Sent((SentPart("1"), SentPart("", audit_id="a"))).pending


def test_every_part_is_taken_back():
    """But for those whose id the platform did not tell."""
    recalled = []
    parts = (SentPart("1"), SentPart(deduplicated=True), SentPart("3"))
    Sent(parts, _recall=recalled.append).recall()
    assert recalled == ["1", "3"]


def test_a_refused_recall_says_so():
    """The error of the platform reaches the caller."""

    def refuse(msg_id):
        raise ApiError(code=40064004)

    with pytest.raises(ApiError) as caught:
        Sent((SentPart("1"),), _recall=refuse).recall()
    assert caught.value.code == 40064004


def test_two_of_the_same_are_equal_and_readable():
    """How it is recalled is no part of what was sent."""
    sent = Sent((SentPart("1"),), _recall=print)
    assert sent == Sent((SentPart("1"),))
    assert "print" not in repr(sent)


def test_a_refused_recall_does_not_keep_the_other_parts():
    """Every part is tried; the first refusal is raised in the end."""
    from qqgroup_sync.errors import ApiError

    tried = []

    def recall(msg_id):
        tried.append(msg_id)
        if msg_id == "a":
            raise ApiError("too old")

    sent = Sent((SentPart("a"), SentPart("b")), _recall=recall)
    with pytest.raises(ApiError, match="too old"):
        sent.recall()
    assert tried == ["a", "b"]


# ---------------------------------------------------------------------- reviews


def verdict(audit_id, *, passed=True, message_id=""):
    """Return what the platform says in the end."""
    name = "MESSAGE_AUDIT_PASS" if passed else "MESSAGE_AUDIT_REJECT"
    return AuditResult(name, "", {"audit_id": audit_id, "message_id": message_id})


@pytest.mark.parametrize(
    ("verdicts", "answer"),
    [
        ({"a": True, "b": True}, True),
        ({"a": True, "b": False}, False),
        ({"a": False}, False),
        ({"a": True}, None),
        ({}, None),
    ],
)
def test_the_verdict_on_all_parts_is_waited_for(verdicts, answer):
    """One refusal is enough; without all of them nobody knows."""
    known = {name: verdict(name, passed=passed) for name, passed in verdicts.items()}
    parts = (SentPart(audit_id="a"), SentPart("2"), SentPart(audit_id="b"))
    sent = Sent(parts, _verdict=lambda audit_id, _seconds: known.get(audit_id))
    assert sent.wait_audit(1.0) is answer


def test_what_was_not_held_back_is_through():
    """Nobody is asked."""
    assert Sent((SentPart("1"),)).wait_audit() is True
    assert Sent((SentPart("", audit_id="a"),)).wait_audit() is None


def test_a_part_that_was_let_through_can_be_taken_back():
    """Its id came with the verdict; one that waits still has none."""
    known = {"a": verdict("a", message_id="M7")}
    recalled = []
    parts = (SentPart(audit_id="a"), SentPart(audit_id="b"))
    Sent(parts, _recall=recalled.append, _verdict=lambda one, _: known.get(one)).recall()
    assert recalled == ["M7"]
