"""The protocol of one shard: every frame, every close code, in every phase."""

from __future__ import annotations

import json
from functools import partial
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qqgroup_sync.gateway.frames import DEFAULT_INTENTS, Frame, Intents, Op
from qqgroup_sync.gateway.session import (
    ASK_AGAIN,
    BROKEN_RESUMES,
    CREATE_SESSION_ERROR,
    INTERVALS,
    RESUME_TRIES,
    USUAL_INTERVAL,
    GatewaySession,
    Heard,
    Leave,
    Live,
    Phase,
    Send,
    Verdict,
)

TOKEN = "QQBot token-1"
INTERNAL = tuple(range(4900, 4914))
PHASES = ("hello", "identifying", "resuming", "live", "live after resume")


def frame(op, d=None, *, s=None, t="", outer_id=""):
    """Return a frame as it comes."""
    return Frame(op, s, t, d, outer_id)


hello = partial(frame, Op.HELLO, {"heartbeat_interval": 45_000})
resumed = partial(frame, Op.DISPATCH, "", t="RESUMED")


def ready(session_id="S1", s=1, **user):
    """Return READY."""
    return frame(
        Op.DISPATCH, {"version": 1, "session_id": session_id, "user": user}, s=s, t="READY"
    )


def event(s, name="GROUP_AT_MESSAGE_CREATE"):
    """Return an event."""
    return frame(Op.DISPATCH, {"id": f"M{s}"}, s=s, t=name, outer_id=f"{name}:{s}")


def connect(session, *frames):
    """Open a connection and receive frames; return what the last one led to."""
    session.opened(TOKEN)
    last = None
    for one in (hello(), *frames):
        last = session.receive(one)
    return last


def session_in(phase):
    """Return a session in a phase; one that can resume when that phase is about resuming."""
    session = GatewaySession()
    if phase in ("resuming", "live after resume"):
        connect(session, ready(), event(2))
        session.closed(4009)
    session.opened(TOKEN)
    if phase != "hello":
        session.receive(hello())
    if phase.startswith("live"):
        session.receive(resumed(s=3) if "resume" in phase else ready())
    return session


def sent(step):
    """Return what a step sends, as JSON."""
    assert isinstance(step, Send)
    return json.loads(step.text)


# ---------------------------------------------------------------------- greeting


def test_a_new_session_identifies():
    """With the token, the wanted events and the shard; nothing else is needed."""
    session = GatewaySession((1, 4))
    session.opened(TOKEN)
    assert sent(session.receive(hello())) == {
        "op": 2,
        "d": {"token": TOKEN, "intents": 117440512, "shard": [1, 4]},
    }
    assert (session.phase, session.interval) == (Phase.IDENTIFYING, 45.0)


def test_a_known_session_resumes():
    """With the last number received, also when another process received it."""
    session = GatewaySession(session_id="S1", received=1337)
    assert session.resumable
    session.opened(TOKEN)
    resume = {"op": 6, "d": {"token": TOKEN, "session_id": "S1", "seq": 1337}}
    assert sent(session.receive(hello())) == resume
    assert session.phase is Phase.RESUMING


@pytest.mark.parametrize(
    "data",
    [
        *(None, "", "45000", [], {}, 7),
        *({"heartbeat_interval": value} for value in (None, "x", 0, -1, 1, True, [], {})),
        *({"heartbeat_interval": value} for value in (float("nan"), float("inf"), 1e300, 10**400)),
    ],
)
def test_a_greeting_without_a_possible_interval_gets_the_usual_one(data):
    """Neither a storm of heartbeats nor a wait that Python refuses."""
    session = GatewaySession()
    session.opened(TOKEN)
    assert isinstance(session.receive(frame(Op.HELLO, data)), Send)
    assert session.interval == USUAL_INTERVAL / 1000


@pytest.mark.parametrize("interval", [*INTERVALS, 41_250, 45_000.5])
def test_a_possible_interval_is_obeyed(interval):
    """The gateway decides how often it wants to hear from the bot."""
    session = GatewaySession()
    session.opened(TOKEN)
    session.receive(frame(Op.HELLO, {"heartbeat_interval": interval}))
    assert session.interval == interval / 1000


@pytest.mark.parametrize("phase", PHASES[1:])
def test_a_second_greeting_changes_nothing(phase):
    """Identify and Resume go out once per connection."""
    session = session_in(phase)
    before = (session.phase, session.interval)
    assert session.receive(frame(Op.HELLO, {"heartbeat_interval": 10})) is None
    assert (session.phase, session.interval) == before


# ---------------------------------------------------------------------- READY and RESUMED


def test_ready_begins_a_session():
    """From here on events flow, and the session can be resumed."""
    session = GatewaySession()
    live = connect(session, ready("S7", 1, id="42", username="Robot"))
    assert live == Live(resumed=False, user={"id": "42", "username": "Robot"})
    assert (session.phase, session.session_id, session.received) == (Phase.LIVE, "S7", 1)


@pytest.mark.parametrize("user", [None, "Robot", [], 5])
def test_ready_with_an_odd_user_is_still_ready(user):
    """The bot's name is nice to know, no more."""
    session = GatewaySession()
    data = {"session_id": "S1", "user": user, "shard": [0, 0]}
    assert connect(session, frame(Op.DISPATCH, data, s=1, t="READY")) == Live(False, {})


@pytest.mark.parametrize("data", [None, "", [], {}, {"session_id": ""}, {"session_id": 7}])
def test_ready_without_a_session_is_left(data):
    """Such a session could never be resumed: better begin again."""
    session = GatewaySession()
    assert isinstance(connect(session, frame(Op.DISPATCH, data, s=1, t="READY")), Leave)
    assert session.closed().resume is False


@pytest.mark.parametrize("data", ["", None, {}, {"session_id": "other"}])
def test_resumed_continues_whatever_it_carries(data):
    """``d`` is an empty string in the field."""
    session = session_in("resuming")
    live = session.receive(frame(Op.DISPATCH, data, s=2002, t="RESUMED"))
    assert live == Live(resumed=True, user={})
    assert (session.phase, session.session_id, session.received) == (Phase.LIVE, "S1", 2002)


def test_missed_events_come_before_resumed():
    """They are delivered in the phase of resuming already."""
    session = session_in("resuming")
    assert session.receive(event(3)) == event(3)
    assert session.phase is Phase.RESUMING
    assert session.received == 3


@pytest.mark.parametrize("phase", ["live", "live after resume"])
def test_resumed_a_second_time_is_no_news(phase):
    """Listeners are not told twice that the bot is back."""
    session = session_in(phase)
    assert session.receive(resumed(s=9)) is None
    assert session.phase is Phase.LIVE


@pytest.mark.parametrize("phase", ["resuming", "live"])
def test_a_new_session_in_place_of_the_old_is_taken(phase):
    """READY names the session that counts, whenever it comes."""
    session = session_in(phase)
    assert session.receive(ready("S9", 1)) == Live(False, {})
    assert (session.session_id, session.received) == ("S9", 1)


# ---------------------------------------------------------------------- other frames


@pytest.mark.parametrize("phase", PHASES)
def test_an_event_is_delivered_in_every_phase(phase):
    """What came is never dropped, and its number is remembered."""
    session = session_in(phase)
    assert session.receive(event(10)) == event(10)
    assert session.received == 10


def test_numbers_never_go_back():
    """A late or numberless event does not make the next resume ask for too much."""
    session = session_in("live")
    for number, received in ((5, 5), (3, 5), (None, 5), (6, 6)):
        session.receive(event(number))
        assert session.received == received


@pytest.mark.parametrize("phase", PHASES)
def test_a_heartbeat_that_the_gateway_asks_for_is_sent_at_once(phase):
    """Op 1 goes both ways."""
    session = session_in(phase)
    expected = {"op": 1, "d": session.received}
    assert sent(session.receive(frame(Op.HEARTBEAT, 5))) == expected


@pytest.mark.parametrize("phase", PHASES)
def test_an_answered_heartbeat_is_heard(phase):
    """Op 11."""
    assert session_in(phase).receive(frame(Op.HEARTBEAT_ACK)) == Heard()


@pytest.mark.parametrize("op", [2, 3, 6, 12, 13, 99, -1])
def test_an_opcode_of_tomorrow_is_ignored(op):
    """The protocol may grow."""
    session = session_in("live")
    assert session.receive(frame(op, {"x": 1})) is None
    assert session.phase is Phase.LIVE


@pytest.mark.parametrize("phase", PHASES)
def test_reconnect_means_come_back_and_resume(phase):
    """Op 7 comes every half hour: normal operation."""
    session = session_in(phase)
    resumable = session.resumable
    assert isinstance(session.receive(frame(Op.RECONNECT)), Leave)
    verdict = session.closed(None)
    assert (verdict.resume, verdict.delay, verdict.error) == (resumable, 0.0, None)


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("data", [True, False, None, "true", 1, {}, []])
def test_an_invalid_session_is_given_up_unless_it_may_be_resumed(phase, data):
    """Op 9: only ``d`` true means that the session lives."""
    session = session_in(phase)
    resumable = session.resumable
    assert isinstance(session.receive(frame(Op.INVALID_SESSION, data)), Leave)
    verdict = session.closed(None)
    assert verdict.resume is (resumable and data is True)
    assert verdict.error is None
    if not verdict.resume:
        assert (session.session_id, session.received) == ("", None)


@given(
    st.integers(-2, 14),
    st.none() | st.booleans() | st.integers() | st.text() | st.dictionaries(st.text(), st.text()),
    st.none() | st.integers(),
    st.sampled_from(["", "READY", "RESUMED", "GROUP_AT_MESSAGE_CREATE", "?"]),
    st.sampled_from(PHASES),
)
def test_no_frame_upsets_a_session(op, data, s, name, phase):
    """Whatever comes, the session says what to do and can be closed."""
    session = session_in(phase)
    step = session.receive(frame(op, data, s=s, t=name))
    assert step is None or isinstance(step, (Frame, Send, Live, Heard, Leave))
    assert session.closed(None).error is None


# ---------------------------------------------------------------------- heartbeats


def test_heartbeats_carry_the_last_number():
    """None before the first event."""
    session = GatewaySession()
    session.opened(TOKEN)
    assert session.beat() == '{"op":1,"d":null}'
    session = session_in("live")
    session.receive(event(251))
    assert session.beat() == '{"op":1,"d":251}'


def test_two_silent_heartbeats_are_death():
    """The third is not sent: nobody is there."""
    session = session_in("live")
    assert session.beat()
    assert session.beat()
    assert session.beat() is None


@pytest.mark.parametrize(
    "pardon", [lambda one: one.receive(frame(Op.HEARTBEAT_ACK)), GatewaySession.excuse]
)
def test_an_answer_or_an_excuse_starts_the_count_afresh(pardon):
    """An answer proves life; while nobody reads, its absence proves nothing."""
    session = session_in("live")
    session.beat()
    session.beat()
    pardon(session)
    assert session.beat()
    assert session.beat()
    assert session.beat() is None


def test_a_new_connection_owes_nothing():
    """Silence of the old one is not counted against it."""
    session = session_in("live")
    session.beat()
    session.beat()
    session.closed(None)
    connect(session, resumed(s=2))
    assert session.beat()


# ---------------------------------------------------------------------- closes


class Row(NamedTuple):
    """One row of the protocol's table of close codes, for a session that was live."""

    codes: tuple[Any, ...]
    resume: bool
    delay: float = 0.0
    refresh_token: bool = False
    fatal: bool = False


TABLE = (
    Row((None, 1000, 1001, 1006, 1011, 1012), resume=True),
    Row((4008,), resume=True, delay=60.0),
    Row((4009,), resume=True),
    Row((4004,), resume=False, refresh_token=True),
    Row((4006, 4007), resume=False),
    Row(INTERNAL, resume=False),
    Row((4000, 4003, 4005, 4500, 9001, 9005), resume=False),
    Row((4001, 4002, 4010, 4011, 4012, 4914, 4915), resume=False, fatal=True),
)
ROWS = [(code, row) for row in TABLE for code in row.codes]


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize(("code", "row"), ROWS)
def test_each_close_code_asks_for_its_reaction(code, row, phase):
    """Resume where the session lives, identify where it is lost, stop where nothing helps."""
    session = session_in(phase)
    resumable = session.resumable
    verdict = session.closed(code)
    assert session.phase is Phase.CLOSED
    assert verdict.resume is session.resumable is (row.resume and resumable)
    assert verdict.delay == row.delay
    assert (verdict.error is not None) is row.fatal
    if not row.fatal and not (phase == "identifying" and not row.resume):
        assert verdict.refresh_token is row.refresh_token
    if row.fatal:
        assert verdict.error.code == code
        assert str(code) in str(verdict.error)
        assert verdict.error.cause
        assert verdict.error.remedy
    assert verdict.why


def test_the_gateways_own_words_are_kept():
    """A log line says what the gateway said."""
    session = session_in("live")
    assert session.closed(4009, "Session timed out").why == "Session timed out"


def test_the_reason_of_a_fatal_close_is_told_in_the_users_language():
    """``language`` decides about cause and remedy."""
    session = GatewaySession(language="zh")
    session.opened(TOKEN)
    assert session.closed(4915).error.cause == "机器人已封禁"


def test_a_close_after_we_left_ourselves_adds_nothing():
    """Op 9 has decided; the network error that follows from our leaving does not."""
    session = session_in("live")
    session.receive(frame(Op.INVALID_SESSION, False))
    assert session.closed(None, "aborted").resume is False
    session = session_in("live")
    session.receive(frame(Op.RECONNECT))
    assert session.closed(4006).resume is False  # but a code of the gateway does


@pytest.mark.parametrize("code", INTERNAL)
def test_an_internal_error_during_a_resume_gives_the_session_up_at_once(code):
    """Otherwise 4902 loops for ever, as it did for other SDKs."""
    session = session_in("resuming")
    assert session.closed(code).resume is False


REFUSALS = {
    "4009": lambda session: session.closed(4009),
    "4008": lambda session: session.closed(4008),
    "op 7": lambda session: (session.receive(frame(Op.RECONNECT)), session.closed(None))[1],
    "op 9 true": lambda session: (
        session.receive(frame(Op.INVALID_SESSION, True)),
        session.closed(None),
    )[1],
}


@pytest.mark.parametrize("how", REFUSALS)
def test_resumes_that_are_refused_are_tried_three_times(how):
    """Then a new session is better than none."""
    session = session_in("live")
    session.closed(4009)
    for attempt in range(1, RESUME_TRIES + 1):
        connect(session)
        verdict = REFUSALS[how](session)
        assert verdict.resume is (attempt < RESUME_TRIES)
    session.opened(TOKEN)
    assert sent(session.receive(hello()))["op"] == Op.IDENTIFY


@pytest.mark.parametrize("code", [None, 1000, 1001, 1011])
def test_resumes_that_the_network_breaks_cost_no_session_so_soon(code):
    """A bad line, or a server that drains, says nothing of the session; ten times in a row does."""
    session = session_in("live")
    session.closed(4009)
    for attempt in range(1, BROKEN_RESUMES + 1):
        connect(session)
        assert session.closed(code).resume is (attempt < BROKEN_RESUMES)
    session.opened(TOKEN)
    assert sent(session.receive(hello()))["op"] == Op.IDENTIFY


def test_a_resume_that_works_forgives_those_that_broke():
    """Only failures in a row count."""
    session = session_in("live")
    session.closed(4009)
    for _ in range(BROKEN_RESUMES * 2):
        connect(session)
        assert session.closed(None).resume
        connect(session)
        assert session.closed(4009).resume
        connect(session, resumed(s=5))
        assert session.closed(None).resume


@pytest.mark.parametrize("code", [None, 4009])
def test_a_resume_that_brought_events_was_accepted(code):
    """A replay that breaks, however often, goes on where it broke."""
    session = session_in("live")
    session.closed(4009)
    for number in range(2, 2 + 2 * BROKEN_RESUMES):
        connect(session, event(number))
        assert session.closed(code).resume
        assert session.received == number


def test_a_connection_without_greeting_costs_no_session():
    """The network is away: the session waits for it."""
    session = session_in("live")
    session.closed(None)
    for _ in range(RESUME_TRIES * 3):
        session.opened(TOKEN)
        assert session.closed(None).resume


# ---------------------------------------------------------------------- intents


def refused_identify(session, how):
    """Let the gateway refuse an Identify; return the verdict."""
    connect(session)
    if how == "op 9":
        session.receive(frame(Op.INVALID_SESSION, False))
        return session.closed(None)
    return session.closed(how)


@pytest.mark.parametrize("code", [4013, 4014])
def test_an_intent_that_is_not_permitted_is_given_up(code):
    """A bot without the right to member events still hears messages, and says what it misses."""
    session = GatewaySession()
    verdict = refused_identify(session, code)
    assert "GROUP_MEMBER" in verdict.why
    assert (verdict.resume, verdict.error) == (False, None)
    assert session.intents == Intents.GROUP_AND_C2C | Intents.INTERACTION
    fatal = refused_identify(session, code)
    assert fatal.error.code == code
    assert "intents=" in fatal.error.remedy


def test_optional_intents_go_one_after_the_other():
    """The least important first."""
    wanted = DEFAULT_INTENTS | Intents.ENTER_AIO | Intents.MESSAGE_AUDIT
    session = GatewaySession(intents=wanted)
    given_up = [refused_identify(session, 4014).why.split()[-1] for _ in range(3)]
    assert given_up == ["ENTER_AIO", "MESSAGE_AUDIT", "GROUP_MEMBER"]
    assert refused_identify(session, 4014).error is not None


@pytest.mark.parametrize("wanted", [Intents.GROUP_MEMBER, Intents.ENTER_AIO, Intents.INTERACTION])
def test_the_last_intent_is_not_given_up(wanted):
    """A bot that asks for nothing would be connected and deaf."""
    session = GatewaySession(intents=wanted)
    assert refused_identify(session, 4014).error is not None
    assert session.intents == wanted


@pytest.mark.parametrize("how", ["op 9", CREATE_SESSION_ERROR, 4500])
def test_a_refused_identify_suspects_the_token_then_an_intent(how):
    """Missing rights show as op 9 and 4903, too."""
    session = GatewaySession()
    first, second = refused_identify(session, how), refused_identify(session, how)
    assert (first.refresh_token, session.intents) == (True, DEFAULT_INTENTS & ~Intents.GROUP_MEMBER)
    assert "GROUP_MEMBER" in second.why
    for _ in range(5):  # nothing more to give up: it goes on trying
        verdict = refused_identify(session, how)
        assert (verdict.error, verdict.resume) == (None, False)


def later(session, seconds):
    """Begin a new session so many seconds after the first connection; return its intents."""
    session.forget()
    session.opened(TOKEN, seconds)
    return sent(session.receive(hello()))["d"]["intents"]


@pytest.mark.parametrize("how", ["op 9", CREATE_SESSION_ERROR])
def test_what_was_given_up_in_doubt_is_asked_for_again_an_hour_later(how):
    """By a new session only; then it takes as many refusals as before."""
    session = GatewaySession()
    for _ in range(6):
        refused_identify(session, how)
    reduced = session.intents
    assert later(session, ASK_AGAIN) == reduced
    session.closed(4006)
    assert later(session, ASK_AGAIN + 1) == DEFAULT_INTENTS
    assert session.closed(CREATE_SESSION_ERROR).refresh_token
    assert later(session, ASK_AGAIN + 2) == DEFAULT_INTENTS
    assert "GROUP_MEMBER" in session.closed(CREATE_SESSION_ERROR).why
    assert later(session, 2 * ASK_AGAIN) == reduced
    session.receive(ready())
    session.closed(4009)
    session.opened(TOKEN, 9 * ASK_AGAIN)
    assert sent(session.receive(hello()))["op"] == Op.RESUME
    assert session.intents == reduced


@pytest.mark.parametrize("code", [4013, 4014])
def test_what_is_not_permitted_is_not_asked_for_again(code):
    """The gateway has said so itself."""
    session = GatewaySession()
    refused_identify(session, code)
    assert later(session, ASK_AGAIN + 1) == DEFAULT_INTENTS & ~Intents.GROUP_MEMBER


def test_refusals_when_the_starts_are_used_up_prove_nothing():
    """Neither about the token nor about the intents."""
    session = GatewaySession()
    for _ in range(5):
        connect(session)
        session.receive(frame(Op.INVALID_SESSION, False))
        verdict = session.closed(used_up=True)
        assert (verdict.resume, verdict.refresh_token, verdict.error) == (False, False, None)
    assert session.intents == DEFAULT_INTENTS


@pytest.mark.parametrize("code", [code for code in INTERNAL if code != CREATE_SESSION_ERROR])
def test_trouble_of_the_gateway_costs_no_intent(code):
    """Its internal errors say nothing about rights."""
    session = GatewaySession()
    for _ in range(5):
        assert refused_identify(session, code).refresh_token is False
    assert session.intents == DEFAULT_INTENTS


def test_a_session_that_began_forgives_refused_identifies():
    """One refusal a day is chance."""
    session = GatewaySession()
    for _ in range(4):
        refused_identify(session, "op 9")
        connect(session, ready())
        session.closed(4006)
    assert session.intents == DEFAULT_INTENTS


def test_verdicts_of_a_stop_ask_for_nothing_else():
    """A fatal close is neither resumed nor delayed."""
    verdict = session_in("live").closed(4914)
    assert verdict == Verdict(verdict.why, resume=False, error=verdict.error)
