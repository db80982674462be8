"""How long tokens live and when they change."""

import pytest

from qqgroup_sync.simulator.refusals import TokenRefusalError
from qqgroup_sync.simulator.tokens import TokenBook


def test_same_token_until_the_last_minute():
    """Same token until the last minute."""
    book = TokenBook(7200)
    first, new = book.issue("a", 0.0)
    assert new
    assert book.issue("a", 7139.0) == (first, False)
    assert first.expires_at == 7200.0


def test_new_token_in_the_last_minute_while_the_old_lives_on():
    """New token in the last minute while the old lives on."""
    book = TokenBook(7200)
    first, _ = book.issue("a", 0.0)
    second, new = book.issue("a", 7140.0)
    assert new
    assert second.text != first.text
    assert book.owner(first.text, 7199.9) == "a"
    assert book.owner(first.text, 7200.0) is None
    assert book.owner(second.text, 7200.0) == "a"


def test_tokens_of_bots_differ():
    """Each bot has a token of its own."""
    book = TokenBook(7200)
    assert book.issue("a", 0.0)[0].text != book.issue("b", 0.0)[0].text


def test_expire_kills_all_or_those_of_one_bot():
    """Expire kills all or those of one bot."""
    book = TokenBook(7200)
    mine, _ = book.issue("a", 0.0)
    other, _ = book.issue("b", 0.0)
    assert book.expire("a") == 1
    assert book.owner(mine.text, 1.0) is None
    assert book.owner(other.text, 1.0) == "b"
    assert book.issue("a", 1.0)[1]
    assert book.expire() == 2


def test_dead_tokens_are_forgotten():
    """Dead tokens are forgotten."""
    book = TokenBook(10)
    for hour in range(100):
        book.issue("a", hour * 3600.0)
    assert len(book._by_text) == 1


def test_burst_limit_counts_a_minute():
    """The burst limit counts the requests of one appid in a minute."""
    book = TokenBook(7200)
    book.limit_burst("a", 2, 0.0)
    book.limit_burst("a", 2, 1.0)
    book.limit_burst("b", 2, 1.0)
    with pytest.raises(TokenRefusalError) as caught:
        book.limit_burst("a", 2, 59.0)
    assert caught.value.code == 100017
    book.limit_burst("a", 2, 61.0)
