"""Limits: turns that come in order, waits that end, and what others share of them."""

from __future__ import annotations

import contextlib
import itertools
import threading

import pytest

from qqgroup_sync.errors import RateLimited, StateError
from qqgroup_sync.rates import rates_of
from qqgroup_sync.runtime.clock import Clock
from qqgroup_sync.sending.limits import LONGEST_HOLD, MOST_TARGETS, PATIENCE, Limits
from tests.clocks import ManualClock
from tests.waiting import LIMIT, eventually

GROUP = "/v2/groups/G/messages"
OTHER = "/v2/groups/H/messages"
USER = "/v2/users/U/messages"
numbers = itertools.count()


@pytest.fixture
def make(clock):
    """Return a function that makes limits of a bot of their own; the same key shares."""
    own = ("1", f"host-{next(numbers)}")

    def make(clock=clock, key=own, stop=None, aside=contextlib.nullcontext, **limits):
        rates = rates_of(limits or "default", local=False)
        stop = stop or threading.Event()
        return Limits(rates, clock, key=key, stop=stop, aside=aside, language="en")

    return make


def moments(limits, clock, calls, count):
    """Make calls in turn; return when each was admitted, from now."""
    began = clock.monotonic()
    found = []
    for method, path, unasked in itertools.islice(itertools.cycle(calls), count):
        limits.admit(method, path, unasked=unasked)
        found.append(clock.monotonic() - began)
    return found


# ---------------------------------------------------------------------- which rate


@pytest.mark.parametrize(
    ("method", "path", "most", "seconds"),
    [
        ("POST", GROUP, 100, 1.0),
        ("POST", USER, 100, 1.0),
        ("POST", "/v2/users/U/stream_messages", 50, 1.0),
        ("DELETE", "/v2/groups/G/messages/M", 10, 1.0),
        ("DELETE", "/v2/users/U/messages/M", 10, 1.0),
        ("POST", "/v2/groups/G/files", 50, 1.0),
        ("POST", "/v2/users/U/upload_prepare", 10, 1.0),
        ("POST", "/v2/users/U/upload_part_finish", 10, 1.0),
        ("PUT", "/interactions/I", 50, 1.0),
        ("GET", "/users/@me", 50, 1.0),
        ("POST", "/v2/generate_url_link", 50, 1.0),
        ("GET", "/v2/groups/G/info", 30, 60.0),
        ("GET", "/v2/groups/G/members?limit=100&cursor=x", 60, 60.0),
        ("GET", "/v2/groups/G/members/M", 30, 60.0),
        ("POST", "/v2/groups/G/approval_join_request/M", 60, 60.0),
        ("PATCH", "/v2/groups/join_approval_strategy/S", 60, 60.0),
        ("PUT", "/v2/menu", 5, 60.0),
        ("PUT", "/v2/panels/P/target", 60, 60.0),
    ],
)
def test_each_route_has_its_rate(make, clock, method, path, most, seconds):
    """Endpoint pages, 2026-08: so many at once, and the next one when the window is over."""
    found = moments(make(), clock, [(method, path, False)], most + 1)
    assert found[:most] == [0.0] * most
    assert seconds < found[-1] <= seconds + 1.0


@pytest.mark.parametrize("path", ["/gateway/bot", "/v2/unknown", "/v2/media-images"])
def test_what_has_no_known_rate_never_waits(make, clock, path):
    """Or is paced elsewhere."""
    assert moments(make(), clock, [("GET", path, False)], 500) == [0.0] * 500


def test_others_can_be_switched_off(make, clock):
    """With the documented ones of this page."""
    limits = make(others=None)
    assert moments(limits, clock, [("PUT", "/v2/menu", False)], 50) == [0.0] * 50


def test_routes_do_not_wait_for_each_other(make, clock):
    """Many messages keep nobody from a recall."""
    limits = make()
    moments(limits, clock, [("POST", GROUP, False)], 100)
    assert moments(limits, clock, [("DELETE", GROUP + "/M", False)], 1) == [0.0]


# ---------------------------------------------------------------------- proactive messages


@pytest.mark.parametrize(
    ("path", "others", "most"), [(GROUP, OTHER, 20), (USER, "/v2/users/V/messages", 5)]
)
def test_proactive_messages_have_quotas_of_target_and_bot(make, clock, path, others, most):
    """20 a minute to one, 30 a minute in all, 5 a second to users; answers do not count."""
    limits = make()
    own = moments(limits, clock, [("POST", path, True)], 21)
    assert own[:most] == [0.0] * most
    assert own[20] > 60.0
    clock.advance(200.0)
    both = moments(limits, clock, [("POST", path, True), ("POST", others, True)], 31)
    assert both[30] > 60.0
    assert moments(limits, clock, [("POST", path, False)], 50) == [0.0] * 50


def test_a_proactive_message_that_waits_keeps_no_reply_waiting(make):
    """Its turn lies a minute ahead; until then every moment is free for the others."""
    clock = ManualClock()
    limits, stop = make(clock), threading.Event()
    moments(limits, clock, [("POST", f"/v2/groups/{n}/messages", True) for n in range(30)], 30)
    gone = make(clock, stop=stop)
    replies = []

    def meanwhile(seconds):
        assert seconds > 60.0
        clock.on_wait = replies.append
        for _ in range(300):
            clock.advance(0.1)
            limits.admit("POST", GROUP)
        stop.set()

    clock.on_wait = meanwhile
    with pytest.raises(StateError):
        gone.admit("POST", OTHER, unasked=True)
    assert replies == []


def test_one_whose_quota_is_used_up_keeps_nobody_else_waiting(make):
    """He waits for his own minute; the bot's quota has room for others."""
    clock = ManualClock()
    limits, stop = make(clock), threading.Event()
    for _ in range(20):
        limits.admit("POST", USER, unasked=True)
        clock.advance(0.5)
    waiting, others = make(clock, stop=stop), []

    def meanwhile(seconds):
        assert seconds > 50.0
        clock.on_wait = others.append
        for number in range(6):
            clock.advance(1.0)
            limits.admit("POST", f"/v2/users/other{number}/messages", unasked=True)
        stop.set()

    clock.on_wait = meanwhile
    with pytest.raises(StateError):
        waiting.admit("POST", USER, unasked=True)
    assert others == []


def test_a_day_that_is_used_up_is_told_at_once(make, clock):
    """Nobody waits for hours; the error says how long, and what to do."""
    limits = make(group="2/day", groups=None)
    moments(limits, clock, [("POST", GROUP, True)], 2)
    with pytest.raises(RateLimited, match=r"group: 2/day") as caught:
        limits.admit("POST", GROUP, unasked=True)
    assert caught.value.retry_after > 86_000
    assert "send_limits" in caught.value.remedy
    limits.admit("POST", OTHER, unasked=True)
    assert clock.waits == []


def test_what_is_refused_takes_no_turn(make, clock):
    """Else those who do not wait would keep the others waiting."""
    limits = make(messages="1/s")
    limits.admit("POST", GROUP)
    for _ in range(50):
        with pytest.raises(RateLimited):
            limits.admit("POST", GROUP, patience=0.0)
    limits.admit("POST", GROUP)
    assert sum(clock.waits) < 1.2


@pytest.mark.parametrize(("patience", "waits"), [(30.0, False), (70.0, True), (None, True)])
def test_patience_has_its_limit(make, clock, patience, waits):
    """A reply gives up before its window ends; without a word it is a minute and a quarter."""
    limits = make(group="1/min", groups=None)
    limits.admit("POST", GROUP, unasked=True)
    if waits:
        limits.admit("POST", GROUP, unasked=True, patience=patience)
        assert 60.0 < sum(clock.waits) < PATIENCE
    else:
        with pytest.raises(RateLimited):
            limits.admit("POST", GROUP, unasked=True, patience=patience)


def test_old_targets_are_forgotten(make, clock):
    """A bot in very many groups keeps no memory of all for ever."""
    limits = make(groups=None, group="5/s", messages=None)
    for number in range(MOST_TARGETS):
        limits.admit("POST", f"/v2/groups/{number}/messages", unasked=True)
    clock.advance(10.0)
    limits.admit("POST", GROUP, unasked=True)
    assert len(limits._cell.targets) == 1


# ---------------------------------------------------------------------- refusals of the platform


def test_a_pause_that_the_platform_asks_for_holds_for_all(make, clock):
    """Of this kind; and not for longer than a minute."""
    limits = make()
    limits.hold("POST", GROUP, 5.0, unasked=False, all_=True)
    assert moments(limits, clock, [("POST", USER, False)], 2) == [5.0, 5.0]
    limits.hold("POST", GROUP, 3600.0, unasked=False, all_=True)
    assert moments(limits, clock, [("POST", USER, False)], 1) == [LONGEST_HOLD]


def test_a_quota_that_the_platform_counts_differently_holds_proactive_ones_only(make, clock):
    """Answers go on."""
    limits = make()
    limits.hold("POST", GROUP, 5.0, unasked=True, all_=False)
    assert moments(limits, clock, [("POST", GROUP, False)], 1) == [0.0]
    assert moments(limits, clock, [("POST", GROUP, True)], 1) == [5.0]


def test_a_pause_puts_off_who_waits_already(make):
    """Their turn would only be refused."""
    clock = ManualClock()
    limits = make(clock, messages="1/s")
    limits.admit("POST", GROUP)
    clock.on_wait = lambda _: (
        limits.hold("POST", GROUP, 9.0, unasked=False, all_=True) if len(clock.waits) == 1 else None
    )
    limits.admit("POST", GROUP)
    assert sum(clock.waits) >= 9.0


@pytest.mark.parametrize(("pauses", "waits"), [([60.0] * 3, False), ([4.0], True)])
def test_a_pause_ends_the_patience_of_who_waits_already(make, pauses, waits):
    """A reply that goes out after its window is none; who gives up takes no turn."""
    clock = ManualClock()
    limits = make(clock, messages="1/s")
    limits.admit("POST", GROUP)
    began = clock.monotonic()

    def refuse_others(_seconds):
        if pauses:
            limits.hold("POST", OTHER, pauses.pop(0), unasked=False, all_=True)

    clock.on_wait = refuse_others
    if waits:
        limits.admit("POST", GROUP, patience=6.0)
        assert 4.0 <= clock.monotonic() - began < 6.0
    else:
        with pytest.raises(RateLimited) as caught:
            limits.admit("POST", GROUP, patience=6.0)
        assert clock.monotonic() - began < 6.0
        assert 58.0 < caught.value.retry_after < 60.0
        clock.advance(60.0)
        assert moments(limits, clock, [("POST", GROUP, False)], 1) == [0.0]


def test_who_was_put_off_goes_out_at_the_rate(make):
    """When the pause is over, all who wait would else come at once, and be refused again."""
    clock = ManualClock()
    limits = make(clock, messages="1/s")
    began, admitted, put_off = clock.monotonic(), [], []

    def wait(_seconds):
        clock.on_wait = lambda _seconds: None
        limits.hold("POST", GROUP, 9.0, unasked=False, all_=True)
        for _ in range(3):  # others, who came later
            limits.admit("POST", GROUP)
            admitted.append(clock.monotonic() - began)
        put_off.append(clock.monotonic())

    limits.admit("POST", GROUP)
    clock.on_wait = wait
    limits.admit("POST", GROUP)
    admitted.append(clock.monotonic() - began)
    assert put_off
    assert admitted[0] >= 9.0
    assert all(late - early >= 1.0 for early, late in itertools.pairwise(admitted))


# ---------------------------------------------------------------------- sharing and ending


def test_clients_of_one_bot_share_their_turns(make, clock):
    """The platform counts per bot, not per object."""
    one, other, stranger = make(), make(), make(key=("2", "elsewhere"))
    moments(one, clock, [("POST", GROUP, False)], 100)
    assert moments(stranger, clock, [("POST", GROUP, False)], 1) == [0.0]
    assert moments(other, clock, [("POST", GROUP, False)], 1)[0] > 1.0


def test_a_wait_is_seen_told_once_and_ends_with_the_client(make, caplog):
    """Its handler's place is free meanwhile, and nothing was sent in the end."""
    stop, aside = threading.Event(), []

    @contextlib.contextmanager
    def park():
        aside.append(1)
        try:
            yield
        finally:
            aside.pop()

    limits = make(Clock(), stop=stop, aside=park, group="1/min", groups=None)
    limits.admit("POST", GROUP, unasked=True)
    errors = []

    def send():
        try:
            limits.admit("POST", GROUP, unasked=True)
        except StateError as error:
            errors.append(error)

    threads = [threading.Thread(target=send) for _ in range(1)]
    for thread in threads:
        thread.start()
    eventually(lambda: limits.waiting == 1 and aside)
    stop.set()
    for thread in threads:
        thread.join(LIMIT)
    assert "nothing is sent any more" in errors[0].summary
    assert (limits.waiting, aside) == (0, [])
    (record,) = caplog.records
    assert "the platform takes 1/min (group)" in record.getMessage()


def test_who_stops_while_he_waits_takes_no_turn(make):
    """The other clients of this bot go on with it."""
    clock, stop = ManualClock(), threading.Event()
    limits = make(clock, group="1/min", groups=None)
    stopping = make(clock, stop=stop, group="1/min", groups=None)
    limits.admit("POST", GROUP, unasked=True)
    clock.on_wait = lambda _seconds: stop.set()
    with pytest.raises(StateError):
        stopping.admit("POST", GROUP, unasked=True)
    clock.advance(61.0)
    assert moments(limits, clock, [("POST", GROUP, True)], 1) == [0.0]


def test_no_window_is_overrun_by_threads(make):
    """Thirty-two at once, on the machine's clock."""
    limits, admitted = make(Clock(), messages="50/s"), []

    def send():
        for _ in range(4):
            limits.admit("POST", GROUP)
            admitted.append(Clock().monotonic())

    threads = [threading.Thread(target=send) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    admitted.sort()
    assert len(admitted) == 128
    for early, late in zip(admitted, admitted[50:], strict=False):
        assert late - early > 0.9
