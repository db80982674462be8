"""Several bots in one process."""

from __future__ import annotations

import threading

import pytest

from qqgroup_sync import Accounts, AuthError, Client, ConfigError, StateError, foreground
from tests.waiting import eventually


@pytest.fixture
def accounts(make_client):
    """Two accounts; stopped at the end."""
    both = Accounts(make_client(appid="1"), make_client(appid="2", client_secret="s2"))
    yield both
    both.stop()


def talk(sim, text, **options):
    """Let Ming say something in a group with both bots; return the next two replies, sorted."""
    group = sim.platform.group("g")
    group.member("Ming").say(text, **options)
    return group


def answers(group, count):
    """What the bots say next, by whom."""
    return sorted(
        (one.sender.appid, one.content) for one in (group.next_reply() for _ in range(count))
    )


def test_handlers_are_shared_and_each_keeps_its_own(sim, accounts):
    """What is registered with the accounts holds for all; a client's own only for it."""
    accounts.on_message(keywords="who")(lambda message: f"I am {message.appid}")
    accounts["2"].on_message(keywords="own")(lambda message: "mine")
    accounts.start()
    assert accounts.wait_ready(10)
    group = talk(sim, "who")
    assert answers(group, 2) == [("1", "I am 1"), ("2", "I am 2")]
    talk(sim, "own")
    assert answers(group, 1) == [("2", "mine")]
    assert {appid: status.state for appid, status in accounts.status.items()} == {
        "1": "online",
        "2": "online",
    }


def test_levels_count_over_both(sim, accounts):
    """All handlers are asked in one order."""
    accounts.on_message(keywords="x")(lambda message: "shared")
    accounts["1"].on_message(keywords="x", level=1)(lambda message: "own and higher")
    accounts["2"].on_message(keywords="x")(lambda message: "own and later")
    accounts.start()
    assert accounts.wait_ready(10)
    assert answers(talk(sim, "x"), 2) == [("1", "own and higher"), ("2", "shared")]


def test_accounts_come_and_go_while_others_run(sim, accounts, make_client):
    """``append`` starts, ``del`` stops; the others notice nothing."""
    accounts.on_message(lambda message: message.appid)
    accounts.start()
    assert accounts.wait_ready(10)
    third = make_client(appid="3", client_secret="s3")
    accounts.append(third)
    assert third.wait_ready(10)
    group = talk(sim, "a")
    assert [who for who, _ in answers(group, 3)] == ["1", "2", "3"]
    del accounts["1"]
    assert "1" not in accounts
    assert len(accounts) == 2
    talk(sim, "b")
    assert [who for who, _ in answers(group, 2)] == ["2", "3"]
    fourth = make_client(appid="4", client_secret="s4")
    accounts.append(fourth, start_up=False)
    assert not fourth.running
    assert [client.settings.appid for client in accounts] == ["2", "3", "4"]


def test_a_client_that_was_taken_out_has_its_own_handlers_only(sim, accounts):
    """It can go on alone."""
    accounts.on_message(lambda message: "shared")
    client = accounts["1"]
    del accounts["1"]
    client.on_message(lambda message: "alone")
    client.start()
    assert client.wait_ready(10)
    assert answers(talk(sim, "x"), 1) == [("1", "alone")]


def test_an_account_is_there_once(accounts, make_client):
    """The second one is refused with the remedy."""
    with pytest.raises(ConfigError, match="account 1 already"):
        accounts.append(make_client(appid="1"))
    with pytest.raises(ConfigError, match="no client"):
        accounts.append("1")


@pytest.mark.expected_errors
def test_one_that_cannot_log_in_does_not_stop_the_others(sim, accounts, make_client):
    """Its reason is told by wait_ready; the others answer."""
    sim.platform.register_bot("3", "right")
    wrong = make_client(appid="3", client_secret="wrong")
    accounts.on_message(lambda message: message.appid)
    accounts.start()
    assert accounts.wait_ready(10)
    accounts.append(wrong)
    with pytest.raises(AuthError):
        wrong.wait_ready(10)
    eventually(lambda: not wrong.running)
    assert [who for who, _ in answers(talk(sim, "x"), 2)] == ["1", "2"]


@pytest.mark.expected_errors
def test_run_ends_when_none_is_left_and_says_why(sim, make_client):
    """As one client's run does."""
    sim.platform.register_bot("9", "right")
    accounts = Accounts(make_client(appid="9", client_secret="wrong"))
    with pytest.raises(AuthError):
        accounts.run()


def test_timed_tasks_run_for_each_account(accounts):
    """The task gets the client whose turn it is."""
    seen, done = set(), threading.Event()

    @accounts.timed_task(each=0.05)
    def tick(client):
        seen.add(client.settings.appid)
        if len(seen) == 2:
            done.set()

    accounts.start()
    assert done.wait(10)
    assert accounts.remove_timed_task() == 1


def test_none_at_first(make_client):
    """Accounts may start empty."""
    accounts = Accounts()
    accounts.start()
    client = make_client()
    accounts.append(client)
    assert client.wait_ready(10)
    assert isinstance(accounts["1"], Client)
    assert accounts.stop()


def test_run_after_start_goes_on(sim, accounts):
    """As with a notebook's habit: start first, then wait in run()."""
    accounts.on_message(lambda message: message.appid)
    accounts.start()
    assert accounts.wait_ready(10)
    accounts.start()
    assert accounts.wait_ready(10)
    assert answers(talk(sim, "x"), 2) == [("1", "1"), ("2", "2")]


def test_a_client_that_runs_already_may_join(sim, accounts, make_client):
    """It goes on, with the shared handlers from now on."""
    accounts.on_message(lambda message: message.appid)
    accounts.start()
    third = make_client(appid="3", client_secret="s3")
    third.start()
    assert third.wait_ready(10)
    accounts.append(third)
    assert accounts.wait_ready(10)
    assert [one for one, _ in answers(talk(sim, "x"), 3)] == ["1", "2", "3"]


def test_an_account_that_cannot_start_is_not_added(sim, accounts, make_client):
    """Another client of the same bot runs."""
    accounts.start()
    assert accounts.wait_ready(10)
    first, again = (make_client(appid="9", client_secret="s9") for _ in range(2))
    first.start()
    assert first.wait_ready(10)
    with pytest.raises(StateError):
        accounts.append(again)
    assert "9" not in accounts
    assert len(accounts) == 2
    assert accounts["1"].running


@pytest.fixture
def looked(monkeypatch):
    """Let ``run()`` look without pause whether it has ended; released for each time."""
    looks, real = threading.Semaphore(0), foreground.run

    def run(start, ended, stop):
        def look(_seconds):
            found = ended(0.001)
            looks.release()
            return found

        real(start, look, stop)

    monkeypatch.setattr(foreground, "run", run)
    return looks


@pytest.mark.parametrize("start_up", [True, False])
def test_run_waits_for_an_account_that_is_still_to_start(make_client, looked, start_up):
    """The first one is added from another thread; it starts in its own time, or by hand."""
    accounts, client, ready = Accounts(), make_client(), []
    start = client.start

    def start_late():
        for _ in range(3):  # run() has looked while the account was there and did not run
            assert looked.acquire(timeout=10)
        start()

    def add():
        assert looked.acquire(timeout=10)
        while looked.acquire(blocking=False):
            pass
        accounts.append(client, start_up=start_up)
        if not start_up:
            client.start()
        ready.append(client.wait_ready(10))
        client.stop()

    client.start = start_late
    thread = threading.Thread(target=add)
    thread.start()
    accounts.run()
    thread.join(10)
    assert ready == [True]


def test_prefix_words_are_shared_with_who_has_none_of_its_own(make_client):
    """Set before or after an account came; its own ones are kept."""
    first, own = make_client(), make_client(appid="2")
    own.set_prefix("mine")
    accounts = Accounts(first, own)
    accounts.set_prefix("bot")
    later, own_later = make_client(appid="3"), make_client(appid="4")
    own_later.set_prefix("mine")
    accounts.append(later)
    accounts.append(own_later)
    assert [one.prefixes for one in accounts] == [("bot",), ("mine",), ("bot",), ("mine",)]
    accounts.set_prefix("new")
    assert [one.prefixes for one in accounts] == [("new",), ("mine",), ("new",), ("mine",)]
