"""Frames: what the platform takes, refuses and loses of a streamed message, step by step."""

from __future__ import annotations

import itertools
import threading

import pytest

from qqgroup_sync.api.records import SentMessage
from qqgroup_sync.api.repeating import OUTAGE_WAIT
from qqgroup_sync.errors import (
    ApiError,
    BadResponse,
    ContentRejected,
    DuplicateMessage,
    NotConnected,
    NotFound,
    RateLimited,
    ReplyLimitReached,
    ServerError,
    StateError,
    TransportError,
    TransportTimeout,
)
from qqgroup_sync.sending.frames import RETRIES, ROLLED_BACK_AFTER, Frames


class Platform:
    """Notes frames, and answers as scripted.

    Attributes:
        frames: Number, state, msg_seq and text of each.
        script: What the next frames meet: an error, or None; then all are taken.
    """

    def __init__(self):
        self.frames, self.patience, self.script = [], [], []

    def post(self, content, *, index, msg_seq, stream_msg_id, input_state, patience):
        self.frames.append((index, input_state, msg_seq, content))
        self.patience.append(patience)
        step = self.script.pop(0) if self.script else None
        if isinstance(step, Exception):
            raise step
        return SentMessage(stream_msg_id or f"S{msg_seq}", 0.0, "", "", None, {})


@pytest.fixture
def platform():
    """A platform that takes everything."""
    return Platform()


@pytest.fixture
def stop():
    """What ends every wait."""
    return threading.Event()


@pytest.fixture
def make(platform, clock, stop):
    """Return a function that makes frames with so many replies and so much patience."""

    def make(*, replies=4, patience=0.0):
        numbers, ends = itertools.count(1), clock.monotonic() + patience

        def draw():
            number = next(numbers)
            if number > replies:
                raise ReplyLimitReached("no reply is left")
            return number

        return Frames(
            platform.post,
            clock,
            stop,
            draw=draw,
            patience=lambda: ends - clock.monotonic(),
            interval=0.0,
        )

    return make


def states(platform):
    """Number, state and msg_seq of every frame."""
    return [frame[:3] for frame in platform.frames]


def waits(clock):
    """What was waited for between attempts."""
    return [seconds for seconds in clock.waits if seconds]


FAILURES = [
    TransportTimeout("no answer"),
    BadResponse("no JSON"),
    ServerError("boom", status=503),
    TransportError("closed"),
]
FINISHED = NotFound("the stream is finished", status=400, err_code=11255)
TAKEN = DuplicateMessage("seen before", status=400)


# ---------------------------------------------------------------------- the first frame


@pytest.mark.parametrize("failure", FAILURES)
def test_a_first_frame_that_failed_is_sent_again(make, platform, clock, failure):
    """With the same number, so that it cannot be shown twice."""
    platform.script = [failure, failure]
    frames = make()
    frames.show("a")
    assert frames.end("ab").id == "S1"
    assert states(platform) == [(0, 1, 1)] * 3 + [(1, 10, 1)]
    assert waits(clock) == list(RETRIES[:2])


def test_a_first_frame_that_had_arrived_is_left_and_begun_anew(make, platform):
    """Nothing tells how it was called; that costs one reply."""
    platform.script = [TransportTimeout("no answer"), TAKEN]
    frames = make()
    frames.show("a")
    frames.end("ab")
    assert states(platform) == [(0, 1, 1), (0, 1, 1), (0, 1, 2), (1, 10, 2)]


def test_that_needs_a_reply_that_is_left(make, platform):
    """Else the error says so."""
    platform.script = [TransportTimeout("no answer"), TAKEN]
    with pytest.raises(ReplyLimitReached):
        make(replies=1).show("a")


def test_a_whole_message_in_its_first_frame_that_had_arrived_is_not_shown_again(make, platform):
    """What is cut off a long text ends with the frame with which it begins."""
    platform.script = [TransportTimeout("no answer"), TAKEN]
    part = make().end("head")
    assert part.deduplicated
    assert states(platform) == [(0, 10, 1)] * 2


def test_what_a_process_that_died_has_begun_is_said_anew(make, platform):
    """Also when this one sends the whole in one frame: the other may have sent less."""
    platform.script = [TAKEN]
    assert make().end("head").id == "S2"


def test_a_first_frame_that_comes_too_fast_keeps_its_number(make, platform):
    """The platform refuses a message that begins with number 1."""
    platform.script = [RateLimited("slow", status=429)] * 2
    make().show("a")
    assert states(platform) == [(0, 1, 1)] * 3


def test_too_fast_and_begun_by_another(make, platform):
    """However often it had to wait before."""
    platform.script = [*[RateLimited("slow", status=429)] * 3, TAKEN]
    make().show("a")
    assert states(platform)[-1] == (0, 1, 2)


@pytest.mark.parametrize("failure", FAILURES)
def test_a_first_frame_that_fails_for_good_raises(make, platform, clock, failure):
    """After three repetitions; what comes next begins where it stopped."""
    platform.script = [failure] * 4
    frames = make()
    with pytest.raises(type(failure)) as caught:
        frames.show("a")
    assert caught.value is failure
    assert waits(clock) == list(RETRIES)
    frames.show("ab")
    assert states(platform) == [(0, 1, 1)] * 5


def test_a_refused_first_frame_is_not_repeated(make, platform):
    """Also after one that got lost: its number is no index to count on."""
    for script in ([], [TransportTimeout("no answer")]):
        platform.script = [*script, NotFound("unknown msg_id", status=400)]
        with pytest.raises(NotFound):
            make().show("a")
    assert states(platform) == [(0, 1, 1)] * 3


# ---------------------------------------------------------------------- outages


def test_an_outage_is_waited_for_while_there_is_patience(make, platform, clock):
    """As for a reply."""
    platform.script = [TransportError("nobody there")] * 6
    make(patience=60.0).show("a")
    assert waits(clock) == [*RETRIES, *[OUTAGE_WAIT] * 3]
    platform.script = [TransportError("nobody there")] * 20
    with pytest.raises(TransportError):
        make(patience=20.0).show("a")
    assert sum(waits(clock)[6:]) < 20.0


def test_who_waited_for_the_gateway_in_vain_waits_no_more(make, platform, clock):
    """All patience was spent there."""
    platform.script = [NotConnected("away")]
    with pytest.raises(NotConnected):
        make(patience=60.0).show("a")
    assert waits(clock) == []


def test_every_frame_tells_how_long_it_may_wait(make, platform, clock):
    """For the gateway, and for its turn."""
    frames = make(patience=60.0)
    frames.show("a")
    clock.advance(20.0)
    frames.end("ab")
    assert platform.patience == [60.0, 40.0]


def test_stop_ends_the_waits(make, platform, clock, stop):
    """The failure comes out."""
    platform.script = [TransportError("closed")] * 4
    clock.on_wait = lambda _seconds: stop.set()
    with pytest.raises(TransportError):
        make().show("a")
    assert len(platform.frames) == 1
    platform.script = [StateError("stopped")]
    with pytest.raises(StateError):
        make().show("a")


# ---------------------------------------------------------------------- between


@pytest.mark.parametrize("failure", FAILURES)
def test_a_frame_between_is_not_repeated(make, platform, clock, failure):
    """The next one brings what it said, under the next index if it had arrived."""
    frames = make()
    frames.show("a")
    platform.script = [failure, NotFound("index 1 after 1", status=400)]
    with pytest.raises(type(failure)):
        frames.show("ab")
    frames.show("abc")
    assert states(platform) == [(0, 1, 1), (1, 1, 1), (1, 1, 1), (2, 1, 1)]
    assert waits(clock) == []


def test_a_frame_that_comes_too_fast_is_repeated_under_a_new_index(make, platform):
    """As the official SDK does."""
    frames = make()
    frames.show("a")
    platform.script = [RateLimited("slow", status=400)] * 2
    frames.show("ab")
    assert [index for index, *_ in platform.frames] == [0, 1, 2, 3]


def test_a_refusal_is_raised(make, platform):
    """What was said before does not change that."""
    frames = make()
    frames.show("a")
    for error in (ContentRejected("no", status=400), NotFound("recalled", status=400)):
        platform.script = [error]
        with pytest.raises(type(error)):
            frames.show("ab")
    assert len(platform.frames) == 3


# ---------------------------------------------------------------------- the last frame

LATE = TransportTimeout("no answer")
SLOW = RateLimited("slow", status=429)
OVER = ApiError("the stream is finished", status=400, code=11255)


@pytest.mark.parametrize(
    "script",
    [
        [LATE, FINISHED, FINISHED],
        [LATE, LATE, LATE, FINISHED, FINISHED],
        [SLOW, SLOW, LATE, FINISHED, FINISHED],
        [LATE, OVER, OVER],
        [BadResponse("no JSON"), FINISHED, FINISHED],
        [ServerError("boom", status=502), ServerError("boom", status=502), FINISHED, FINISHED],
        [LATE, LATE],
        [LATE, NotFound("its index is taken", status=400)],
    ],
)
def test_a_last_frame_is_sent_until_it_is_there(make, platform, script):
    """A refusal after one that got lost means that it had arrived."""
    frames = make()
    frames.show("a")
    platform.script = list(script)
    assert frames.end("ab").id == "S1"
    assert platform.script == []


def test_a_refusal_of_the_content_does_not_mean_that_it_had_arrived(make, platform):
    """The last frame brings text of its own."""
    frames = make()
    frames.show("a")
    platform.script = [LATE, ContentRejected("no", status=400)]
    with pytest.raises(ContentRejected):
        frames.end("ab")


def test_a_refusal_of_what_nobody_sent_before_does_not_either(make, platform):
    """It is what it says."""
    frames = make()
    frames.show("a")
    platform.script = [FINISHED]
    with pytest.raises(NotFound):
        frames.end("ab")


def test_nor_does_one_after_a_minute(make, platform, clock):
    """The client has rolled the message back by then."""
    frames = make()
    frames.show("a")
    clock.on_wait = lambda _seconds: clock.advance(ROLLED_BACK_AFTER / 2)
    platform.script = [LATE, LATE, FINISHED, FINISHED]
    with pytest.raises(NotFound):
        frames.end("ab")


def test_a_last_frame_that_had_arrived_is_known_the_next_time(make, platform):
    """write() tries again when the end of a full message failed."""
    frames = make()
    frames.show("a")
    platform.script = [LATE] * 4
    with pytest.raises(TransportTimeout):
        frames.end("head")
    platform.script = [FINISHED, FINISHED]
    assert frames.end("head").id == "S1"
    platform.script = [FINISHED, FINISHED]
    with pytest.raises(NotFound):
        frames.end("head and more")


# ---------------------------------------------------------------------- one after the other


def test_the_next_message_takes_the_next_reply(make, platform):
    """And counts from 0."""
    frames = make()
    frames.show("a")
    frames.end("ab")
    frames.begin()
    assert not frames.began
    frames.show("c")
    assert frames.end("cd").id == "S2"
    assert states(platform) == [(0, 1, 1), (1, 10, 1), (0, 1, 2), (1, 10, 2)]
