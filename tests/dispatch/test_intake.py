"""Intake: nothing is handled twice, nothing is lost, and order is kept where it was promised."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qqgroup_sync.dispatch import intake as intake_module
from qqgroup_sync.dispatch.intake import GENERATION_LIFE, Intake, Position
from qqgroup_sync.events.models import (
    C2CMessage,
    Event,
    GroupAdded,
    GroupMessage,
    Interaction,
    Member,
    MemberJoined,
)
from qqgroup_sync.runtime.clock import Clock
from qqgroup_sync.runtime.lanes import LanePool
from tests.clocks import ManualClock
from tests.waiting import eventually


class Queue:
    """Stands for the pool: keeps the jobs until they are told to run."""

    def __init__(self):
        self.jobs = []
        self.lanes = []
        self.open = True

    def submit(self, lane, run):
        if self.open:
            self.lanes.append(lane)
            self.jobs.append(run)
        return self.open

    def run(self, index=0):
        self.jobs.pop(index)()

    def run_all(self):
        while self.jobs:
            self.run()


class Desk:
    """An intake with its queue, and what came out at the other end."""

    def __init__(self, clock=None, **options):
        self.queue = Queue()
        self.handled = []
        self.clock = clock or ManualClock()
        self.intake = Intake(self.queue, self.handled.append, self.clock, **options)
        self.intake.begin_session(0, "S", 0)

    def take(self, s, event, shard=0):
        self.intake.accept(shard, s, event)

    @property
    def mark(self):
        return self.intake.positions()[0].s

    @property
    def ids(self):
        return [event.id for event in self.handled]

    @property
    def counters(self):
        return self.intake.counters()


@pytest.fixture
def desk():
    """An intake with default settings, in session S at position 0."""
    return Desk()


def group_message(msg_id="m", *, group="G", member="M", full=False, **fields):
    """A message in a group, by either of its two names."""
    name = "GROUP_MESSAGE_CREATE" if full else "GROUP_AT_MESSAGE_CREATE"
    author = Member(member, is_bot=fields.pop("is_bot", False))
    return GroupMessage(
        name, f"{name}:{msg_id}", id=msg_id, author=author, group_openid=group, **fields
    )


def private_message(msg_id="m", user="U"):
    """A message in private."""
    return C2CMessage("C2C_MESSAGE_CREATE", f"X:{msg_id}", id=msg_id, author=Member(user))


# ---------------------------------------------------------------------- nothing twice


def test_at_and_full_mode_are_one_kind(desk):
    """A group that sends everything may bring a message under both names."""
    desk.take(1, group_message("m"))
    desk.take(2, group_message("m", full=True))
    desk.queue.run_all()
    desk.take(3, group_message("m", full=True))
    assert desk.ids == ["m"]
    assert desk.counters["repeated"] == 2


def test_a_group_message_and_a_private_one_may_share_an_id(desk):
    """Ids are told apart by kind."""
    desk.take(1, group_message("m"))
    desk.take(2, private_message("m"))
    desk.queue.run_all()
    assert len(desk.handled) == 2


@pytest.mark.parametrize(
    "make",
    [
        private_message,
        group_message,
        lambda: Interaction("INTERACTION_CREATE", "INTERACTION_CREATE:x", interaction_id="x"),
        lambda: GroupAdded("GROUP_ADD_ROBOT", "GROUP_ADD_ROBOT:x", group_openid="G"),
        lambda: Event("SOMETHING_NEW", "SOMETHING_NEW:x"),
    ],
)
def test_what_comes_again_is_dropped(desk, make):
    """While its handler waits, while it runs, and afterwards."""
    seen_inside = []
    desk.take(1, make())
    desk.take(2, make())
    desk.intake._handle = lambda event: (desk.take(3, make()), seen_inside.append(event))
    desk.queue.run()
    desk.take(4, make())
    assert desk.queue.jobs == []
    assert seen_inside == [make()]
    assert desk.counters == {"received": 4, "repeated": 3, "ignored": 0, "handled": 1}
    assert desk.mark == 4


def test_is_new_tells_without_remembering(desk):
    """A click is acknowledged before it is accepted, once."""
    event = Interaction("INTERACTION_CREATE", "INTERACTION_CREATE:x", interaction_id="x")
    assert desk.intake.is_new(event)
    assert desk.intake.is_new(event)
    desk.take(1, event)
    assert not desk.intake.is_new(event)


def test_an_event_without_an_id_is_never_dropped(desk):
    """Two of them may be two different things."""
    for s in (1, 2):
        assert desk.intake.is_new(Event("SOMETHING_NEW"))
        desk.take(s, Event("SOMETHING_NEW"))
    desk.queue.run_all()
    assert len(desk.handled) == 2
    assert desk.mark == 2


def test_shards_share_what_was_seen(desk):
    """A message that two shards bring is handled once."""
    desk.intake.begin_session(1, "S1", 0)
    desk.take(1, group_message("m"))
    desk.take(1, group_message("m"), shard=1)
    desk.queue.run_all()
    assert desk.ids == ["m"]
    assert desk.intake.positions() == {0: Position("S", 1), 1: Position("S1", 1)}


def test_a_handler_that_raises_has_handled(desk):
    """Else the message would come back again and again."""

    def fail(event):
        raise SystemExit

    desk.intake._handle = fail
    desk.take(1, group_message("m"))
    with pytest.raises(SystemExit):
        desk.queue.run()
    desk.take(2, group_message("m"))
    assert desk.queue.jobs == []
    assert desk.mark == 2


# ---------------------------------------------------------------------- across a restart


def test_what_was_handled_is_not_handled_by_the_next_start():
    """Whether below the mark or above it; what was under way is handled again."""
    first = Desk()
    for s, msg_id in enumerate("abc", start=1):
        first.take(s, group_message(msg_id))
    first.queue.run(0)  # a
    first.queue.run(1)  # c: above the mark, for b is still under way
    assert first.intake.positions() == {0: Position("S", 1)}

    second = Desk(handled=first.intake.handled())
    second.intake.begin_session(0, "S", 1)
    for s, msg_id in enumerate("abc", start=1):
        second.take(s, group_message(msg_id, full=True))
    second.queue.run_all()
    assert second.ids == ["b"]
    assert second.counters["repeated"] == 2
    assert second.mark == 3


def test_what_was_handled_is_known_after_many_starts():
    """Each start hands on what it got."""
    handled = set()
    for number in range(10):
        desk = Desk(handled=handled)
        desk.take(1, group_message(f"m{number}"))
        desk.queue.run_all()
        handled = desk.intake.handled()
    desk = Desk(handled=handled)
    for number in range(10):
        desk.take(number + 1, group_message(f"m{number}"))
    assert desk.queue.jobs == []


def test_fingerprints_are_the_same_in_every_process():
    """They are what lies on the disk; Python's own hash would differ."""
    assert intake_module.fingerprint(group_message("ROBOT1.0_x")) == 1238443789244959049
    assert intake_module.fingerprint(group_message("\ud800")) is not None  # a broken id, too


# ---------------------------------------------------------------------- the mark


def test_the_mark_waits_for_the_slowest(desk):
    """It stands below the first unfinished event."""
    for s in range(1, 5):
        desk.take(s, group_message(f"m{s}"))
    desk.queue.run(3)
    desk.queue.run(1)
    assert desk.mark == 0
    desk.queue.run(0)
    assert desk.mark == 2
    desk.queue.run(0)
    assert desk.mark == 4


def test_dropped_and_ignored_events_count_as_handled(desk):
    """Else the mark would stand still in a group of bots."""
    desk.take(1, group_message("a", is_bot=True))
    assert desk.mark == 1
    desk.take(2, group_message("b"))
    desk.take(3, group_message("b"))
    assert desk.mark == 1
    desk.queue.run()
    assert desk.mark == 3


def test_an_event_without_s_moves_no_mark(desk):
    """It is handled and remembered all the same."""
    desk.take(None, group_message("m"))
    desk.queue.run_all()
    desk.take(None, group_message("m"))
    assert desk.ids == ["m"]
    assert desk.mark == 0


def test_an_event_that_comes_late_takes_the_position_back(desk):
    """Order is not guaranteed: a crash now must not lose it."""
    desk.take(6, group_message("six"))
    desk.queue.run()
    desk.take(5, group_message("five"))
    assert desk.mark == 4
    desk.queue.run()
    assert desk.mark == 6


def test_an_event_before_any_session_is_handled():
    """There is nothing to resume then, but nothing is lost either."""
    desk = Desk()
    desk.take(1, group_message("m"), shard=7)
    desk.queue.run_all()
    assert desk.ids == ["m"]
    assert desk.intake.positions()[7].session_id == ""


def test_a_new_session_has_its_own_mark(desk):
    """What is left of the old one cannot move it."""
    desk.take(100, group_message("old"))
    desk.intake.begin_session(0, "S2", 1)
    desk.take(2, group_message("new"))
    assert desk.intake.positions() == {0: Position("S2", 1)}
    desk.queue.run()  # of the old session
    assert desk.intake.positions() == {0: Position("S2", 1)}
    desk.queue.run()
    assert desk.intake.positions() == {0: Position("S2", 2)}
    desk.take(3, group_message("old"))
    assert desk.ids == ["old", "new"]


def test_a_resumed_session_keeps_its_mark(desk):
    """What was received waits in our queue; it is not handled because the session goes on."""
    desk.take(1, group_message("m"))
    desk.intake.begin_session(0, "S", 1)
    assert desk.mark == 0


@st.composite
def streams(draw):
    """What a gateway brings: (s, id), with gaps, repeats and disorder; some without s."""
    numbers = draw(st.lists(st.integers(1, 40), unique=True, min_size=1, max_size=15))
    stream = [(s, f"m{s}") for s in numbers]
    again = draw(st.lists(st.sampled_from(stream), max_size=8))
    renumbered = draw(
        st.dictionaries(st.integers(41, 60), st.sampled_from([i for _, i in stream]), max_size=5)
    ).items()
    unnumbered = [(None, f"n{number}") for number in range(draw(st.integers(0, 3)))]
    return draw(st.permutations([*stream, *again, *renumbered, *unnumbered]))


@settings(max_examples=150, deadline=None)
@given(stream=streams(), data=st.data())
def test_the_mark_never_passes_what_is_unfinished_and_reaches_the_end(stream, data):
    """Whatever the order of coming and finishing; every id is handled once."""
    desk = Desk()
    running = []
    numbers = {}  # id -> lowest s under which it came and is unfinished

    def check():
        unfinished = [numbers[msg_id] for msg_id in running if numbers[msg_id] is not None]
        assert all(desk.mark < s for s in unfinished)

    def finish():
        index = data.draw(st.integers(0, len(running) - 1))
        running.pop(index)
        desk.queue.run(index)
        check()

    seen = set()
    for s, msg_id in stream:
        desk.take(s, group_message(msg_id))
        if msg_id not in seen:
            seen.add(msg_id)
            numbers[msg_id] = s
            running.append(msg_id)
        check()
        while running and data.draw(st.booleans()):
            finish()
    while running:
        finish()
    assert desk.mark == max((s for s, _ in stream if s is not None), default=0)
    assert sorted(desk.ids) == sorted(seen)
    counters = desk.counters
    assert counters["received"] == len(stream)
    assert counters["handled"] == len(seen)
    assert counters["repeated"] == len(stream) - len(seen)


@settings(max_examples=80, deadline=None)
@given(stream=streams(), data=st.data())
def test_a_crash_anywhere_loses_nothing_and_repeats_nothing(stream, data):
    """The next start resumes from the position, and gets what came after it again."""
    first = Desk()
    for s, msg_id in stream:
        first.take(s, group_message(msg_id))
        while first.queue.jobs and data.draw(st.booleans()):
            first.queue.run(data.draw(st.integers(0, len(first.queue.jobs) - 1)))
    position = first.intake.positions()[0]
    second = Desk(handled=first.intake.handled())
    second.intake.begin_session(0, position.session_id, position.s)
    for s, msg_id in sorted((s, i) for s, i in stream if s is not None and s > position.s):
        second.take(s, group_message(msg_id))
    second.queue.run_all()
    numbered = {msg_id for s, msg_id in stream if s is not None}
    assert sorted(numbered & {*first.ids, *second.ids}) == sorted(numbered)
    assert set(first.ids) & set(second.ids) == set()


# ---------------------------------------------------------------------- memory


def test_ids_are_remembered_for_15_to_20_minutes(desk):
    """Longer than the platform repeats anything, and not for ever."""
    desk.take(1, group_message("m"))
    desk.queue.run_all()
    minute = GENERATION_LIFE / 5
    for number in range(20):
        if number < 15:
            assert not desk.intake.is_new(group_message("m")), f"forgotten after {number} minutes"
        desk.clock.advance(minute)
        desk.take(number + 2, group_message(f"other {number}"))
        desk.queue.run_all()
    assert desk.intake.is_new(group_message("m"))


def test_what_is_above_the_mark_is_remembered_however_old(desk):
    """A replay after a crash begins at the mark."""
    desk.take(1, group_message("never ends"))
    desk.take(2, group_message("done"))
    desk.queue.run(1)
    for number in range(10):
        desk.clock.advance(GENERATION_LIFE)
        desk.take(3 + number, group_message(f"other {number}"))
        desk.queue.run(1)
    assert not desk.intake.is_new(group_message("done"))
    assert not desk.intake.is_new(group_message("never ends"))


def test_what_another_process_handled_above_the_mark_is_remembered_however_old(desk):
    """It comes again with every replay, until what lies before it is handled."""
    events = {s: group_message(f"m{s}") for s in range(1, 6)}
    desk.intake.remember({intake_module.fingerprint(events[s]) for s in range(2, 6)})
    for s, event in events.items():
        desk.take(s, event)
    assert len(desk.queue.jobs) == 1
    for number in range(10):
        desk.clock.advance(GENERATION_LIFE)
        desk.take(6 + number, group_message(f"other {number}"))
        desk.queue.run(1)
    assert not any(desk.intake.is_new(event) for event in events.values())
    assert desk.mark == 0
    desk.queue.run()
    assert desk.mark == 15
    assert desk.intake._seen._above == {}


def test_memory_stays_flat(monkeypatch):
    """However many messages come, only so many ids are kept, the youngest among them."""
    monkeypatch.setattr(intake_module, "REMEMBERED", 400)
    desk = Desk()
    for s in range(1, 2001):
        desk.take(s, group_message(f"m{s}"))
        desk.queue.run_all()
        assert len(desk.intake.handled()) <= 400
    assert not any(desk.intake.is_new(group_message(f"m{s}")) for s in range(1701, 2001))
    mark = desk.intake._marks[0]
    assert (mark._keys, mark._open, mark._done, desk.intake._seen._above) == ({}, [], set(), {})


# ---------------------------------------------------------------------- the end


def test_what_the_pool_takes_no_more_is_left_for_the_next_start():
    """It is neither handled nor remembered, and the mark stands before it."""
    pool = LanePool(ManualClock())
    pool.close()
    intake = Intake(pool, print, ManualClock())
    intake.begin_session(0, "S", 4)
    intake.accept(0, 5, group_message("m"))
    assert intake.is_new(group_message("m"))
    assert intake.handled() == set()
    assert intake.positions() == {0: Position("S", 4)}


def test_a_repeat_that_comes_during_the_end_moves_no_mark(desk):
    """The first one is still unhandled."""
    desk.queue.open = False
    desk.take(1, group_message("m"))
    desk.take(2, group_message("m"))
    assert desk.mark == 0
    assert desk.intake.handled() == set()


def test_what_still_waits_for_the_gateway_at_the_end_is_left():
    """It would be answered into the void."""
    noted = []
    desk = Desk(
        ready=lambda: desk.intake.halt(),
        admit=lambda *_: True,
        note=lambda *note: noted.append(note),
    )
    desk.take(1, group_message("m"))
    desk.queue.run_all()
    assert desk.handled == []
    assert desk.mark == 0
    assert desk.intake.is_new(group_message("m"))
    assert noted == []


def test_what_still_waits_for_its_turn_at_the_end_is_left():
    """A suspect that waits for its neighbours, which take as long as they like."""
    suspect = group_message("2", member="B")
    inside, go = threading.Event(), threading.Event()

    def admit(event, key):
        inside.set()
        return go.wait(5)

    wanted = {intake_module.fingerprint(suspect)}
    desk = Desk(Clock(), suspects=wanted.__contains__, admit=admit)
    desk.take(1, group_message("1", member="A"))
    desk.take(2, suspect)
    threads = [threading.Thread(target=job) for job in desk.queue.jobs]
    threads[0].start()
    assert inside.wait(5)
    threads[1].start()
    eventually(lambda: desk.intake._turns._wanting)
    desk.intake.halt()
    threads[1].join(5)
    go.set()
    threads[0].join(5)
    assert [event.id for event in desk.handled] == ["1"]
    assert desk.intake.is_new(suspect)
    assert desk.mark == 1


def test_what_ends_after_the_end_is_left():
    """Its answer was refused: the next start gives it."""
    noted = []
    desk = Desk(note=lambda *note: noted.append(note))
    desk.take(1, group_message("m"))
    desk.intake.close()
    desk.queue.run_all()
    assert desk.ids == ["m"]
    assert desk.mark == 0
    assert desk.intake.handled() == set()
    assert noted == []


# ---------------------------------------------------------------------- who is not heard


@pytest.mark.parametrize(
    ("ignore_bots", "message", "heard"),
    [
        (True, group_message(is_bot=True), False),
        (False, group_message(is_bot=True), True),
        (True, group_message(is_own=True), False),
        (False, group_message(is_own=True), False),
        (False, group_message(is_own=True, is_bot=True), False),
        (True, group_message(), True),
    ],
)
def test_bots_are_ignored_when_wanted_and_the_bot_itself_always(ignore_bots, message, heard):
    """Two bots must not talk to each other for ever; one not to itself."""
    desk = Desk(ignore_bots=ignore_bots)
    desk.take(1, message)
    desk.queue.run_all()
    assert bool(desk.handled) is heard
    assert desk.counters["ignored"] == (not heard)


def test_a_notice_about_a_bot_is_heard(desk):
    """Only messages are ignored."""
    event = MemberJoined("GROUP_MEMBER_ADD", "x", group_openid="G", member_openid="bot")
    desk.take(1, event)
    desk.queue.run_all()
    assert desk.handled == [event]


# ---------------------------------------------------------------------- lanes

EVENTS = {
    "ming": group_message("1", member="Ming"),
    "ming again": group_message("2", member="Ming"),
    "ming clicks": Interaction(
        "INTERACTION_CREATE", "c", interaction_id="c", group_openid="G", member_openid="Ming"
    ),
    "hong": group_message("3", member="Hong"),
    "ming elsewhere": group_message("4", group="G2", member="Ming"),
    "ming in private": private_message("5", "Ming"),
    "unknown": Event("SOMETHING_NEW", "n"),
}


@pytest.mark.parametrize(
    ("ordering", "together"),
    [
        ("sender", [{"ming", "ming again", "ming clicks"}]),
        ("group", [{"ming", "ming again", "ming clicks", "hong"}]),
        (None, []),
    ],
)
def test_who_shares_a_lane(ordering, together):
    """A person in his conversation, the conversation, or nobody."""
    desk = Desk(ordering=ordering)
    for s, event in enumerate(EVENTS.values(), start=1):
        desk.take(s, event)
    lanes = {}
    for name, lane in zip(EVENTS, desk.queue.lanes, strict=True):
        if lane is not None:
            lanes.setdefault(lane, set()).add(name)
    assert [names for names in lanes.values() if len(names) > 1] == together
    if ordering is None:
        assert lanes == {}
    else:
        assert "unknown" not in set().union(*lanes.values())


def test_a_group_and_a_user_of_the_same_id_are_two_conversations():
    """Openids are told apart by their kind."""
    desk = Desk(ordering="group")
    desk.take(1, group_message("1", group="X"))
    desk.take(2, private_message("2", "X"))
    assert len(set(desk.queue.lanes)) == 2


def test_a_suspect_is_handled_alone():
    """What is in hand ends before, and what comes after waits until it has ended, too."""
    suspect = group_message("2", member="B")
    inside, go, order = threading.Event(), threading.Event(), []

    def admit(event, key):
        order.append(event.id)
        if event.id == "1":
            inside.set()
            assert go.wait(5)
        return True

    wanted = {intake_module.fingerprint(suspect)}
    desk = Desk(Clock(), suspects=wanted.__contains__, admit=admit)
    for s, event in enumerate((group_message("1", member="A"), suspect), 1):
        desk.take(s, event)
    threads = [threading.Thread(target=job) for job in desk.queue.jobs]
    threads[0].start()
    assert inside.wait(5)
    threads[1].start()
    threads[1].join(0.05)
    assert order == ["1"]
    go.set()
    for thread in threads:
        thread.join(5)
    assert [event.id for event in desk.handled] == ["1", "2"]


def test_nothing_is_taken_in_hand_before_it_can_be_answered():
    """What waits for the gateway is not in hand when the process dies."""
    order = []
    desk = Desk(ready=lambda: order.append("ready"), admit=lambda *_: order.append("admit") or True)
    desk.take(1, group_message("1"))
    desk.queue.run_all()
    assert order == ["ready", "admit"]
