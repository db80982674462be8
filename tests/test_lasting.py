"""What outlives a start: made once, when it is first needed."""

from __future__ import annotations

import threading

import pytest

from qqgroup_sync.lasting import Lasting
from qqgroup_sync.runtime.clock import Clock, Deadline
from qqgroup_sync.settings import Settings
from qqgroup_sync.state import sqlite


@pytest.mark.parametrize("kept", [True, False])
def test_who_asks_for_the_storage_at_the_same_time_gets_the_same(kept, monkeypatch, tmp_path):
    """Nobody writes into one that the others do not see."""
    real, asking, made_again = sqlite.store_at, [], threading.Event()
    lasting = Lasting(Settings("1", "secret", state=tmp_path if kept else None), Clock())

    def slow_store(*arguments, **options):
        if asking:
            made_again.set()
        else:
            thread = threading.Thread(target=lambda: lasting.storage.update(other=2))
            asking.append(thread)
            thread.start()
            made_again.wait(0.2)  # passes when the other thread has to wait, as it should
        return real(*arguments, **options)

    monkeypatch.setattr(sqlite, "store_at", slow_store)
    lasting.storage["mine"] = 1
    asking[0].join(5)
    assert not made_again.is_set()
    assert lasting.storage.copy() == {"mine": 1, "other": 2}
    assert lasting.close(Deadline(Clock(), 5)) == []
