"""What clients share: one thing for each bot and host, until it is forgotten."""

from __future__ import annotations

import threading

from qqgroup_sync.runtime.shared import Shared, forget

PLACE = "127.0.0.1:1"


def test_the_same_key_gives_the_same_thing():
    """Also to threads that ask at once."""
    shared, found, together = Shared(object), [], threading.Barrier(8)

    def ask():
        together.wait(10)
        found.append(shared.of(("bot", PLACE)))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(found) == 8
    assert len({id(one) for one in found}) == 1
    assert shared.of(("other", PLACE)) is not found[0]


def test_what_was_shared_at_a_place_is_forgotten():
    """By every room, whatever the place is part of; other places stay."""
    tokens, rates = Shared(object), Shared(object)
    keys = ("bot", "secret", f"http://{PLACE}/token"), ("bot", PLACE)
    before = tokens.of(keys[0]), rates.of(keys[1])
    elsewhere = rates.of(("bot", "api.example"))
    forget(PLACE)
    assert tokens.of(keys[0]) is not before[0]
    assert rates.of(keys[1]) is not before[1]
    assert rates.of(("bot", "api.example")) is elsewhere
