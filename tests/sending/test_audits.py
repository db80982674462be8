"""Audits: verdicts that come early, late, or never."""

from __future__ import annotations

import threading

import pytest

from qqgroup_sync.errors import StateError
from qqgroup_sync.events.models import AuditResult
from qqgroup_sync.runtime.clock import Clock
from qqgroup_sync.sending.audits import MOST, Audits
from tests.waiting import LIMIT


def verdict(audit_id):
    """Return a verdict."""
    return AuditResult("MESSAGE_AUDIT_PASS", "", {"audit_id": audit_id})


def test_a_verdict_may_come_before_the_answer(clock):
    """The gateway is sometimes quicker than HTTP."""
    audits = Audits(clock, threading.Event(), heard=True)
    audits.note(verdict("a"))
    assert audits.wait("a", 10.0).audit_id == "a"
    assert clock.waits == []


def test_a_verdict_is_waited_for():
    """By whoever wants to know."""
    audits = Audits(Clock(), threading.Event(), heard=True)
    threading.Timer(0.05, lambda: audits.note(verdict("a"))).start()
    assert audits.wait("a", LIMIT).passed


def test_waiting_has_its_limit(clock):
    """None is an answer, too."""
    audits = Audits(clock, threading.Event(), heard=True)
    audits.note(verdict("other"))
    assert audits.wait("a", 10.0) is None
    assert sum(clock.waits) == pytest.approx(10.0)


def test_waiting_ends_with_the_client(clock):
    """Also without a limit."""
    stop = threading.Event()
    clock.on_wait = lambda _: stop.set()
    assert Audits(clock, stop, heard=True).wait("a", None) is None
    assert len(clock.waits) == 1


def test_who_cannot_hear_it_is_told(clock):
    """Instead of waiting for nothing; a look costs nothing."""
    audits = Audits(clock, threading.Event(), heard=False, language="en")
    assert audits.wait("a", 0) is None
    with pytest.raises(StateError) as caught:
        audits.wait("a", 5.0)
    assert "MESSAGE_AUDIT" in caught.value.remedy


def test_old_verdicts_are_forgotten(clock):
    """They fill no memory."""
    audits = Audits(clock, threading.Event(), heard=True)
    for number in range(MOST + 1):
        audits.note(verdict(str(number)))
    assert audits.of("0") is None
    assert audits.of(str(MOST)) is not None
