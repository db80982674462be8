"""What is in hand: when it is done, and the tokens that are drawn for it."""

from __future__ import annotations

from qqgroup_sync.dispatch import in_hand
from qqgroup_sync.dispatch.in_hand import InHand


def drawn(number, *, key):
    """Return the tokens that one handling of an event draws."""
    with InHand(lambda: None, key):
        return [in_hand.token() for _ in range(number)]


def test_the_same_event_gets_the_same_tokens():
    """A second handling, in another process, asks with the buttons that are shown already."""
    assert drawn(3, key=7) == drawn(3, key=7)
    assert drawn(1, key=7) == ["6473ccc50b9b20ad"]


def test_no_two_questions_have_the_same_token():
    """Neither of one event nor of two."""
    tokens = [*drawn(50, key=7), *drawn(50, key=8), *drawn(50, key=-7)]
    assert len(set(tokens)) == 150


def test_what_cannot_be_handled_again_gets_a_new_token():
    """Outside of events, and for one that has no id."""
    outside = [in_hand.token(), in_hand.token()]
    assert len({*outside, *drawn(2, key=None), *drawn(2, key=None)}) == 6


def test_an_event_is_done_when_all_who_hold_it_have_ended():
    """An answer is in hand for as long as the handler that asked."""
    done = []
    answer = InHand(lambda: done.append("answer"))
    with InHand(lambda: done.append("question")) as question:
        with answer:
            question.take(answer)
        assert done == []
        assert in_hand.here() is question
    assert sorted(done) == ["answer", "question"]
    assert in_hand.here() is None
