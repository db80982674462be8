"""Status: what a person reads and a program waits for."""

from __future__ import annotations

import itertools
import threading

import pytest

from qqgroup_sync.status import OVERLOADED, REMIND, Status, StatusBoard


@pytest.fixture
def board(clock):
    """Return the board of a client with two shards, at the beginning."""
    board = StatusBoard(clock)
    board.expect(range(2))
    return board


def look(board, **facts):
    """Return the board's status with nothing known from other rooms."""
    facts = {"last_events": {}, **facts}
    return board.look(**facts)


def test_a_client_that_never_started_is_off_line():
    """There is a status before the first start."""
    assert str(Status(why="not started")) == "offline (not started)"


def test_it_is_on_line_when_every_shard_is(board, clock):
    """One shard of two is not enough."""
    assert look(board).state == "connecting"
    assert board.shard_live(0, resumed=False) == (False, 0.0)
    assert (look(board).state, board.online) == ("connecting", False)
    clock.advance(5)
    assert board.shard_live(1, resumed=False) == (True, 0.0)
    status = look(board)
    assert (status.state, status.since, board.online) == ("online", clock.time(), True)
    assert [shard.live for shard in status.shards] == [True, True]


def test_how_long_shards_have_been_away(board, clock):
    """Since the latest of them went; one that never came counts from the beginning."""
    clock.advance(5)
    assert board.away_for == 5.0
    board.shard_live(0, resumed=False)
    board.shard_live(1, resumed=False)
    assert board.away_for == 0.0
    board.shard_away(1, "x")
    clock.advance(3)
    board.shard_away(0, "x")
    board.shard_away(1, "x, again")
    clock.advance(2)
    assert board.away_for == 2.0
    board.shard_live(0, resumed=True)
    assert board.away_for == 5.0


def test_a_lost_shard_degrades_and_says_why(board):
    """Once on line, a shard that is away makes the state degraded, not connecting."""
    board.shard_live(0, resumed=False)
    board.shard_live(1, resumed=False)
    board.shard_away(1, "the gateway closed the connection: 4009")
    status = look(board)
    assert (status.state, board.online) == ("degraded", False)
    assert status.shards[0].why == ""
    assert "shard 1: the gateway closed the connection: 4009" in str(status)
    board.shard_live(1, resumed=True)
    assert look(board).state == "online"


def test_before_the_first_success_the_reason_shows(board):
    """Somebody who looks while it cannot connect reads what is wrong."""
    board.shard_away(0, "gateway api.bot.qq.com: no answer within 10 s")
    assert "no answer within 10 s" in str(look(board))


def test_a_resumed_session_keeps_its_age(board, clock):
    """``session_since`` tells how long events are without a gap, ``live_since`` the connection."""
    began = clock.time()
    board.shard_live(0, resumed=False)
    clock.advance(100)
    board.shard_away(0, "x")
    clock.advance(1)
    board.shard_live(0, resumed=True)
    shard = look(board).shards[0]
    assert (shard.session_since, shard.live_since, shard.connections) == (began, began + 101, 2)
    clock.advance(1)
    board.shard_live(0, resumed=False)
    assert look(board).shards[0].session_since == began + 102


def test_heartbeats_and_events_are_dated(board, clock):
    """A watchdog outside can see how fresh the connection is."""
    board.shard_live(0, resumed=False)
    clock.advance(40)
    board.heard(0)
    status = look(board, last_events={0: 12.0})
    assert status.shards[0].last_ack == clock.time()
    assert [shard.last_event for shard in status.shards] == [12.0, None]


def test_overload_shows_as_degraded_while_on_line(board):
    """Messages that pile up are a state to notice; off line they are not the point."""
    board.note_overload(True)
    assert look(board).state == "connecting"
    board.shard_live(0, resumed=False)
    board.shard_live(1, resumed=False)
    status = look(board, queued=9000, counters={"received": 1})
    assert (status.state, board.online) == ("degraded", True)  # what is sent need not wait
    assert "reading pauses" in status.why
    assert (status.queued, status.counters) == (9000, {"received": 1})
    board.note_overload(False)
    assert look(board).state == "online"


def test_relief_is_no_reason_to_be_away(board):
    """Why a shard is away stays, whatever gets better elsewhere."""
    board.shard_live(0, resumed=False)
    board.shard_live(1, resumed=False)
    board.shard_away(1, "no answer", "Check the network.")
    board.note_overload(True)
    board.note_overload(False)
    board.shard_live(0, resumed=True)
    status = look(board)
    assert (status.state, status.why, status.remedy) == (
        *("degraded", "no answer", "Check the network."),
    )


def test_what_to_do_shows_until_it_is_done(board):
    """The remedy goes with its reason."""
    board.shard_away(0, "no answer", "Check the network.")
    status = look(board)
    assert (status.remedy, status.shards[0].remedy) == ("Check the network.",) * 2
    board.shard_live(0, resumed=False)
    board.shard_live(1, resumed=False)
    status = look(board)
    assert (status.remedy, status.shards[0].remedy) == ("", "")


def test_an_outage_is_news_once_and_every_ten_minutes(board, clock):
    """Nobody wants to read the same line sixty times an hour, nor none for a day."""
    assert board.shard_away(0, "no answer") is True
    clock.advance(REMIND - 1)
    assert board.shard_away(0, "no answer") is False
    assert board.shard_away(0, "HTTP 503") is True
    clock.advance(REMIND - 1)
    assert board.shard_away(0, "HTTP 503") is False
    clock.advance(1)
    assert board.shard_away(0, "HTTP 503") is True
    assert board.shard_live(0, resumed=True) == (False, 2 * REMIND - 1)
    assert board.shard_away(0, "HTTP 503") is True


# ---------------------------------------------------------------------- changes are told


def test_changes_of_the_state_are_told_in_order(clock):
    """From the first to the last, each with what was before; nothing is told twice."""
    told = []
    board = StatusBoard(clock, lambda old, new: told.append((old, new)))
    board.expect(range(1))
    board.shard_away(0, "no answer", "Check the network.")
    clock.advance(5)
    board.shard_live(0, resumed=False)
    board.shard_away(0, "closed: 4009")
    board.shard_away(0, "no answer")
    board.shard_live(0, resumed=True)
    board.note_overload(True)
    board.note_overload(False)
    board.end("stopping", "stop() was called")
    board.shard_away(0, "aborted")
    board.end("offline", "stopped")
    assert [(old.state, new.state, new.why) for old, new in told] == [
        ("offline", "connecting", "starting"),
        ("connecting", "online", "connected"),
        ("online", "degraded", "closed: 4009"),
        ("degraded", "online", "resumed"),
        ("online", "degraded", OVERLOADED),
        ("degraded", "online", "messages are handled as they come again"),
        ("online", "stopping", "stop() was called"),
        ("stopping", "offline", "stopped"),
    ]
    assert [new.shards[0].live for _, new in told[:3]] == [False, True, False]
    assert told[1][1].since == told[0][1].since + 5
    for (_, before), (old, _) in itertools.pairwise(told):
        assert old.state == before.state


def test_since_changes_only_with_the_state(board, clock):
    """A second reason for the same state does not restart its age."""
    board.shard_live(0, resumed=False)
    board.shard_live(1, resumed=False)
    clock.advance(10)
    board.shard_away(0, "first")
    away = clock.time()
    clock.advance(10)
    board.shard_away(0, "second")
    status = look(board)
    assert (status.since, status.why) == (away, "second")


def test_the_end_is_final(board):
    """A shard that comes on line during stop() does not make the client look alive."""
    board.end("stopping", "stop() was called")
    board.shard_live(0, resumed=False)
    board.shard_live(1, resumed=False)
    assert (look(board).state, board.online, board.ending) == ("stopping", False, True)
    board.end("offline", "stopped")
    status = look(board)
    assert str(status) == "offline (stopped)"
    assert [(shard.live, shard.why) for shard in status.shards] == [(False, "stopped")] * 2


@pytest.mark.parametrize(("ends", "answer"), [(False, True), (True, False)])
def test_who_waits_wakes_with_the_answer(board, ends, answer):
    """wait_ready() returns as soon as it is on line, and at once when it never will be."""
    answers = []
    waiter = threading.Thread(target=lambda: answers.append(board.wait_live(None)))
    waiter.start()
    if ends:
        board.end("stopping", "the bot is banned")
    else:
        board.shard_live(0, resumed=False)
        board.shard_live(1, resumed=False)
    waiter.join(5)
    assert answers == [answer]


def test_one_shard_can_be_enough(board):
    """A send does not wait for ever for a shard that it may not even need."""
    assert board.wait_live(0, any_shard=True) is False
    board.shard_live(1, resumed=False)
    assert board.wait_live(None, any_shard=True) is True
    assert board.wait_live(0) is False


def test_the_first_reason_for_the_end_counts(board):
    """Why the bot cannot go on is not overwritten by the stop that follows."""
    board.end("stopping", "the bot is banned")
    board.end("stopping", "stop() was called")
    assert look(board).why == "the bot is banned"


def test_waiting_has_its_limit(board):
    """A time-out is an answer, too."""
    assert board.wait_live(0.01) is False
