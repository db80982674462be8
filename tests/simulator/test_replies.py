"""Reply windows: age, count, repetition, and that they are forgotten."""

import pytest

from qqgroup_sync.simulator import replies
from qqgroup_sync.simulator.refusals import RefusalError
from qqgroup_sync.simulator.replies import ReplyBook


@pytest.fixture
def book():
    """A small book with one window of 300 s and two answers."""
    book = ReplyBook(limit=3)
    book.open("m", chat="G", now=100.0, seconds=300.0, limit=2)
    return book


def code(window, now, sequence=1):
    """Return the code an answer is refused with."""
    with pytest.raises(RefusalError) as caught:
        replies.check(window, now=now, sequence=sequence, expired=40034005)
    return caught.value.err_code


def test_window_passes(book):
    """A window is good for its length to the second."""
    window = book.find("m")
    replies.check(window, now=400.0, sequence=1, expired=40034005)
    assert code(window, 400.1) == 40034005


def test_same_sequence_twice(book):
    """A msg_seq is good once."""
    window = book.find("m")
    replies.spend(window, sequence=1)
    assert code(window, 100.0) == 40054005
    replies.check(window, now=100.0, sequence=2, expired=40034005)


def test_count_is_limited_and_repetition_is_told_first(book):
    """Count is limited and repetition is told first."""
    window = book.find("m")
    replies.spend(window, sequence=1)
    replies.spend(window, sequence=2)
    assert code(window, 100.0, 3) == 40034128
    assert code(window, 100.0, 2) == 40054005


def test_an_answer_that_does_not_count_still_uses_its_sequence(book):
    """An answer that does not count still uses its sequence."""
    window = book.find("m")
    replies.spend(window, sequence=1, counts=False)
    assert window.used == 0
    assert code(window, 100.0, 1) == 40054005


def test_without_sequence_nothing_is_a_repetition(book):
    """Without sequence nothing is a repetition."""
    window = book.find("m")
    replies.spend(window, sequence=None)
    replies.check(window, now=100.0, sequence=None, expired=40034005)


def test_passed_windows_are_forgotten(book):
    """Passed windows are forgotten."""
    book.open("n", chat="G", now=1000.0, seconds=300.0, limit=2)
    assert book.find("m") is None
    assert book.find("n") is not None


def test_windows_of_other_lengths_have_their_own_time(book):
    """Windows of other lengths have their own time."""
    book.open("u", chat="U", now=1000.0, seconds=3600.0, limit=4)
    assert book.find("m") is not None


def test_book_is_bounded(book):
    """Book is bounded."""
    for number in range(10):
        book.open(number, chat="G", now=100.0, seconds=300.0, limit=2)
    assert len(book) == 3
    assert book.find(9) is not None
    assert book.find("m") is None
