"""Gateway sessions without a gateway: numbers, replay, intents, shards, refusals."""

import json

import pytest

from qqgroup_sync.simulator.intents import mask_of
from qqgroup_sync.simulator.records import Bot
from qqgroup_sync.simulator.rules import DAY, Rules
from qqgroup_sync.simulator.sessions import GatewayRefusalError, SessionTable
from qqgroup_sync.simulator.stats import Stats

GROUPS = 1 << 25


class FakeLink:
    """A connection that remembers what was queued."""

    def __init__(self):
        self.session = None
        self.texts = []
        self.ended = None

    def send(self, text):
        self.texts.append(text)

    def end(self, code, reason):
        self.ended = code

    @property
    def frames(self):
        return [json.loads(text) for text in self.texts]


class Table:
    """A table with one bot, and time that is given by hand."""

    def __init__(self, **options):
        defaults = {"replay_seconds": 300.0, "replay_limit": 100, "session_total": 1000}
        settings = {**defaults, "max_concurrency": 1, **options}
        self.stats = Stats()
        self.table = SessionTable(**settings, stats=self.stats)
        self.bot = Bot("a", None, "Robot", "B", "1")
        self.now = 0.0
        self.rules = Rules()

    def identify(self, intents=GROUPS, **d):
        link = FakeLink()
        d = {"intents": intents, "shard": [0, 1], **d}
        return self.table.identify(self.bot, d, link, self.now, self.rules), link

    def resume(self, session_id, seq):
        link = FakeLink()
        d = {"session_id": session_id, "seq": seq}
        return self.table.resume(self.bot, d, link, self.now, self.rules), link

    def deliver(self, name="GROUP_AT_MESSAGE_CREATE", route="G", data='{"x":1}'):
        return self.table.deliver(
            "a",
            name,
            outer_id=f"{name}:1",
            data=data,
            mask=mask_of(name),
            route=route,
            now=self.now,
        )

    def refusal(self, call, *args, **kwargs):
        with pytest.raises(GatewayRefusalError) as caught:
            call(*args, **kwargs)
        return caught.value.code, caught.value.op9


@pytest.fixture
def table():
    """A table with one bot."""
    return Table()


def test_ready_is_number_one_and_echoes_the_shard(table):
    """Ready is number one and echoes the shard."""
    session, link = table.identify(shard=[1, 2])
    (ready,) = link.frames
    assert (ready["op"], ready["s"], ready["t"]) == (0, 1, "READY")
    assert ready["d"]["shard"] == [1, 2]
    assert ready["d"]["session_id"] == session.id
    assert ready["d"]["user"] == {"id": "1", "username": "Robot", "bot": True}


def test_events_are_numbered_and_carry_the_outer_id(table):
    """Events are numbered and carry the outer id."""
    _, link = table.identify()
    assert table.deliver() == 1
    frame = link.frames[-1]
    assert frame == {
        "op": 0,
        "s": 2,
        "t": "GROUP_AT_MESSAGE_CREATE",
        "id": "GROUP_AT_MESSAGE_CREATE:1",
        "d": {"x": 1},
    }


def test_intents_filter(table):
    """Only what was subscribed arrives; unknown events always do."""
    _, link = table.identify(intents=1 << 26)
    assert table.deliver() == 0
    assert table.deliver("INTERACTION_CREATE") == 1
    assert table.deliver("SOMETHING_NEW") == 1
    assert len(link.texts) == 3


@pytest.mark.parametrize("bit", [24, 25])
def test_join_requests_pass_with_either_bit(table, bit):
    """Join requests pass with either bit."""
    table.identify(intents=1 << bit)
    assert table.deliver("GROUP_JOIN_REQUEST") == 1


@pytest.mark.parametrize(
    ("d", "code"),
    [
        ({"intents": "all"}, 4002),
        ({"intents": True}, 4002),
        ({"intents": 1 << 2}, 4013),
        ({"intents": -1}, 4013),
        ({"intents": 1 << 9}, 4014),
        ({"shard": [1, 1]}, 4010),
        ({"shard": [-1, 1]}, 4010),
        ({"shard": 0}, 4010),
        ({"shard": ["0", 1]}, 4010),
    ],
)
def test_identify_refused(table, d, code):
    """Each kind of bad Identify has its close code (3.6)."""
    assert table.refusal(table.identify, **d) == (code, False)


def test_banned_bot_is_refused(table):
    """Banned bot is refused."""
    table.bot.banned = True
    assert table.refusal(table.identify) == (4915, False)


@pytest.mark.parametrize(("standing", "code"), [("banned", 4915), ("delisted", 4914)])
def test_a_bot_that_may_not_connect_resumes_nothing(table, standing, code):
    """As for Identify: a ban also holds for sessions of before; the sandbox is open."""
    session, link = table.identify()
    table.table.leave(session, link, 1006, table.now)
    setattr(table.bot, standing, True)
    assert table.refusal(table.resume, session.id, 1) == (code, False)
    table.bot.banned, table.bot.sandbox = False, True
    assert table.resume(session.id, 1)[0] is session


def test_forbidden_intents(table):
    """Intents forbidden on demand are 4014."""
    table.table.forbidden = 1 << 24
    assert table.refusal(table.identify, intents=1 << 24 | 1 << 25) == (4014, False)
    table.identify()


def test_resume_replays_then_says_resumed(table):
    """Resume replays then says resumed."""
    session, first = table.identify()
    table.deliver()
    table.table.leave(session, first, 1006, table.now)
    table.deliver(data='{"x":2}')
    table.deliver(data='{"x":3}')
    again, link = table.resume(session.id, 2)
    assert again is session
    assert [(frame["s"], frame["t"]) for frame in link.frames] == [
        (3, "GROUP_AT_MESSAGE_CREATE"),
        (4, "GROUP_AT_MESSAGE_CREATE"),
        (5, "RESUMED"),
    ]
    assert link.frames[-1]["d"] == ""
    assert table.stats["events_replayed"] == 2
    table.deliver()
    assert link.frames[-1]["s"] == 6


def test_resume_from_an_earlier_number_repeats(table):
    """Resume from an earlier number repeats."""
    session, link = table.identify()
    table.deliver()
    table.table.leave(session, link, None, table.now)
    _, link = table.resume(session.id, 1)
    assert [frame["s"] for frame in link.frames] == [2, 3]


@pytest.mark.parametrize("seq", [3, -1])
def test_resume_with_a_number_never_reached(table, seq):
    """Resume with a number never reached."""
    session, _ = table.identify()
    table.deliver()
    assert table.refusal(table.resume, session.id, seq) == (4007, False)


def test_resume_without_a_number(table):
    """A Resume without seq is 4002."""
    session, _ = table.identify()
    assert table.refusal(table.resume, session.id, None) == (4002, False)


def test_resume_of_an_unknown_session(table):
    """An unknown session is op 9, or 4006 where the rule says so."""
    assert table.refusal(table.resume, "nope", 1) == (None, True)
    table.rules = Rules(unknown_session=4006)
    assert table.refusal(table.resume, "nope", 1) == (4006, False)
    assert table.stats["resumes_refused"] == 2


def test_another_bots_session_is_unknown(table):
    """Another bots session is unknown."""
    session, _ = table.identify()
    table.bot = Bot("b", None, "Other", "C", "2")
    assert table.refusal(table.resume, session.id, 1) == (None, True)


def test_session_left_too_long_is_gone(table):
    """Session left too long is gone."""
    session, link = table.identify()
    table.table.leave(session, link, 1006, 0.0)
    table.now = 300.0
    assert table.deliver() == 1
    table.now = 300.1
    assert table.deliver() == 0
    assert table.refusal(table.resume, session.id, 1) == (None, True)


def test_live_session_never_expires(table):
    """Live session never expires."""
    session, _ = table.identify()
    table.now = 10 * DAY
    assert table.deliver() == 1
    table.resume(session.id, 2)


def test_replay_is_bounded():
    """What can no longer be replayed makes a Resume fail."""
    table = Table(replay_limit=3)
    session, link = table.identify()
    for _ in range(5):
        table.deliver()
    table.table.leave(session, link, None, table.now)
    assert table.refusal(table.resume, session.id, 2) == (None, True)
    _, link = table.resume(session.id, 3)
    assert [frame["s"] for frame in link.frames] == [4, 5, 6, 7]


@pytest.mark.parametrize(
    ("code", "resumable"),
    [(1000, True), (1006, True), (None, True), (4008, True), (4009, True)]
    + [(code, False) for code in (4001, 4002, 4006, 4007, 4010, 4014, 4900, 4902, 4913, 4915)],
)
def test_close_codes_decide_whether_a_session_survives(table, code, resumable):
    """Close codes decide whether a session survives."""
    session, link = table.identify()
    table.table.leave(session, link, code, table.now)
    if resumable:
        table.resume(session.id, 1)
    else:
        assert table.refusal(table.resume, session.id, 1) == (None, True)


def test_second_identify_on_a_shard_kicks_the_first(table):
    """Second identify on a shard kicks the first."""
    old, first = table.identify()
    _, second = table.identify()
    assert first.ended == 4902
    assert second.ended is None
    table.deliver()
    assert len(first.texts) == 1
    assert len(second.texts) == 2
    assert table.refusal(table.resume, old.id, 1) == (None, True)


def test_other_shard_lives_beside(table):
    """Two shards live side by side and share the groups."""
    _, first = table.identify(shard=[0, 2])
    _, second = table.identify(shard=[1, 2])
    assert first.ended is second.ended is None
    for number in range(20):
        assert table.deliver(route=f"G{number}") == 1
    assert len(first.texts) > 1
    assert len(second.texts) > 1


def test_resume_takes_a_live_session_over(table):
    """Resume takes a live session over."""
    session, first = table.identify()
    _, second = table.resume(session.id, 1)
    assert first.ended == 4902
    table.table.leave(session, first, 4902, table.now)
    assert session.link is second
    assert table.deliver() == 1


def test_duplicates_have_the_same_ids_and_two_numbers(table):
    """Duplicates have the same ids and two numbers."""
    _, link = table.identify()
    table.table.duplicates = 1
    assert table.deliver() == 2
    assert table.deliver() == 1
    assert [frame["s"] for frame in link.frames] == [1, 2, 3, 4]
    assert link.frames[1]["id"] == link.frames[2]["id"]


def test_start_limit_counts_a_day():
    """Session starts are counted over 24 hours (3.1)."""
    table = Table(session_total=2)
    table.identify()
    table.now = 1000.0
    table.identify()
    limit = table.table.start_limit("a", table.now)
    assert limit == {
        "total": 2,
        "remaining": 0,
        "reset_after": int((DAY - 1000) * 1000),
        "max_concurrency": 1,
    }
    assert table.refusal(table.identify) == (4903, True)
    table.now = DAY + 1
    table.identify()
    assert table.table.start_limit("other", table.now)["remaining"] == 2


def test_pacing_is_counted_and_enforced_on_demand(table):
    """Pacing is counted and enforced on demand."""
    table.identify()
    table.identify(shard=[1, 2])
    assert table.stats["identifies_too_fast"] == 1
    table.rules = Rules(enforce_concurrency=True)
    assert table.refusal(table.identify) == (4903, True)
    table.now = 5.0
    table.identify()


def test_forgotten_session_may_identify_on_its_connection(table):
    """Forgotten session may identify on its connection."""
    session, link = table.identify()
    table.table.forget(session)
    assert link.session is None
    assert table.deliver() == 0
