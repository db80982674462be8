"""Hooks and middleware: who sees what, who may stop it, and what exceptions do."""

from __future__ import annotations

import contextlib
import dataclasses

import pytest

from qqgroup_sync import Chain, Router
from qqgroup_sync.dispatch.buttons import Buttons
from qqgroup_sync.dispatch.dispatcher import Dispatcher
from qqgroup_sync.dispatch.waiters import Waiters
from qqgroup_sync.events.models import Event, GroupMessage, Interaction, Member
from qqgroup_sync.runtime.clock import Clock

CLIENT = object()
SEND = ("message_before_send", "message_after_send", "message_after_handle")


class Replies:
    """The client behind an event; notes what is replied."""

    def __init__(self):
        self.sent = []

    def replies_left(self, event):
        return 5

    def reply(self, event, content, *, quote, timeout):
        self.sent.append(str(content))


@pytest.fixture
def router():
    """A router without handlers."""
    return Router()


@pytest.fixture
def waiters():
    """Who waits for what."""
    return Waiters(Clock(), contextlib.nullcontext)


@pytest.fixture
def replies():
    """What was replied."""
    return Replies()


@pytest.fixture
def handle(router, waiters, replies):
    """Return a function that lets the dispatcher handle a message of that text, or an event."""
    dispatcher = Dispatcher(router, CLIENT, clock=Clock(), waiters=waiters, buttons=Buttons())

    def run(what):
        if isinstance(what, str):
            what = GroupMessage(
                *("GROUP_MESSAGE_CREATE", "x"),
                id="m",
                text=what,
                author=Member("M"),
                group_openid="G",
                actions=replies,
            )
        dispatcher.handle(what)

    return run


@pytest.fixture
def answer(router):
    """A handler that answers with what it heard."""

    @router.on_message
    def answer(message):
        return f"heard {message.text}"

    return answer


# ---------------------------------------------------------------------- the order of it all


def test_the_life_of_a_message(router, handle, replies, answer):
    """Every hook once, in order, with the arguments of the seed family."""
    told = []
    name = answer.__qualname__
    for hook in ("message_created", "message_before_handle", *SEND):
        getattr(router, hook)(lambda *arguments, hook=hook: told.append((hook, *arguments)))
    router.event_created(lambda *arguments: told.append("no event"))
    router.message_before_waiter_set(lambda *arguments: told.append("nobody waits"))
    handle("hi")
    created, before_handle, before_send, after_send, after_handle = told
    assert (created[0], created[1].text, created[2]) == ("message_created", "hi", CLIENT)
    assert before_handle[0] == "message_before_handle"
    assert (before_handle[1].text, *before_handle[2:]) == ("hi", name, CLIENT)
    for told_of, hook in zip((before_send, after_send, after_handle), SEND, strict=True):
        assert told_of == (hook, Chain().text("heard hi"), name, CLIENT)
    assert replies.sent == ["heard hi"]


@pytest.mark.parametrize("takes", range(4))
def test_a_hook_takes_as_many_arguments_as_it_likes(router, handle, answer, takes):
    """From the front."""
    told = []
    functions = [
        lambda: told.append(()),
        lambda message: told.append((message.text,)),
        lambda message, name: told.append((message.text, name)),
        lambda message, name, client: told.append((message.text, name, client)),
    ]
    router.message_before_handle(functions[takes])
    handle("hi")
    assert told == [("hi", answer.__qualname__, CLIENT)[:takes]]


def test_a_handler_that_returns_nothing_sends_nothing(router, handle):
    """after_handle is told all the same, with None."""
    told = []
    router.on_message(lambda message: None)
    for hook in SEND:
        getattr(router, hook)(lambda chain, *, hook=hook: told.append((hook, chain)))
    handle("hi")
    assert told == [("message_after_handle", None)]


def test_hooks_of_several_files_run_in_order_of_registration(router, handle, answer):
    """Not first those of one file, then those of the other."""
    told, other = [], Router()
    router.include(other)
    for number, place in enumerate([router, other, router, other]):
        place.message_created(lambda message, *, number=number: told.append(number))

        @place.middleware
        def wrap(event, call_next, *, number=number):
            told.append(f"{number} in")
            call_next(event)
            told.append(f"{number} out")

    handle("hi")
    assert told == [
        *(f"{number} in" for number in range(4)),
        *range(4),
        *(f"{number} out" for number in (3, 2, 1, 0)),
    ]


# ---------------------------------------------------------------------- what they return


def test_message_created_may_change_the_message(router, handle, replies, answer):
    """For all that follows, the other hooks included."""
    seen = []

    @router.message_created
    def change(message):
        return dataclasses.replace(message, text=message.text.upper())

    router.message_created(lambda message: seen.append(message.text))
    router.on_event(lambda event: seen.append(event.text))
    handle("hi")
    assert replies.sent == ["heard HI"]
    assert seen == ["HI", "HI"]


def test_message_created_may_end_it(router, handle, replies, answer):
    """False, and only False; later hooks do not see it either."""
    seen = []
    router.message_created(lambda message: message.text != "no" and None)
    router.message_created(lambda message: seen.append(message.text))
    router.on_event(lambda event: seen.append(f"observed {event.text}"))
    handle("no")
    handle("hi")
    assert replies.sent == ["heard hi"]
    assert seen == ["hi", "observed hi"]


@pytest.mark.parametrize("said", [None, 0, "", True, "text", Event("OTHER")])
def test_anything_else_that_message_created_returns_means_nothing(
    router, handle, replies, answer, said
):
    """A hook that happens to return something spoils nothing."""
    router.message_created(lambda message: said)
    handle("hi")
    assert replies.sent == ["heard hi"]


@pytest.mark.parametrize(("said", "runs"), [(False, False), (True, True), (None, True), (0, True)])
def test_before_handle_may_stop_the_handler(router, handle, replies, answer, said, runs):
    """Any False among all of them, and all of them are asked."""
    asked = []
    router.message_before_handle(lambda message: said)
    router.message_before_handle(lambda message: asked.append(1) or True)
    handle("hi")
    assert replies.sent == (["heard hi"] if runs else [])
    assert asked == [1]


def test_before_handle_is_asked_for_each_handler(router, handle, replies):
    """With block=False the next one has its own chance."""
    router.on_message(block=False)(lambda message: "first")
    router.on_message(lambda message: "second")
    verdicts = [True, False]
    router.message_before_handle(lambda message: verdicts.pop())
    handle("hi")
    assert replies.sent == ["second"]


@pytest.mark.parametrize(
    ("change", "sent"),
    [
        (lambda chain: None, "heard hi"),
        (lambda chain: chain.text("!"), "heard hi!"),
        (lambda chain: chain.text("!") and None, "heard hi!"),
        (lambda chain: Chain().text("censored"), "censored"),
        (lambda chain: "censored", "censored"),
    ],
)
def test_before_send_may_change_the_chain(router, handle, replies, answer, change, sent):
    """In place, or by returning another; after_send and after_handle see what was sent."""
    seen = []
    router.message_before_send(change)
    router.message_before_send(lambda chain: seen.append(str(chain)))
    router.message_after_send(lambda chain: seen.append(str(chain)))
    router.message_after_handle(lambda chain: seen.append(str(chain)))
    handle("hi")
    assert replies.sent == [sent]
    assert seen == [sent] * 3


def test_before_send_changes_no_chain_that_the_handler_keeps(router, handle, replies):
    """A constant answer would grow with each message."""
    constant = Chain().text("constant")
    router.on_message(lambda message: constant)
    router.message_before_send(lambda chain: chain.text("!"))
    handle("one")
    handle("two")
    assert replies.sent == ["constant!", "constant!"]


@pytest.mark.parametrize("said", [None, False, "ignored"])
def test_event_created_sees_what_is_no_message(router, handle, said):
    """And cannot stop it."""
    told = []
    router.event_created(lambda event, client: told.append((event.name, client)) or said)
    router.on_event("SOMETHING")(lambda event: told.append("observed"))
    router.message_created(lambda message: told.append("no message"))
    handle(Event("SOMETHING"))
    assert told == [("SOMETHING", CLIENT), "observed"]


def test_before_waiter_set_sees_what_goes_to_a_waiter(router, waiters, handle, answer, replies):
    """With the waiter; what it raises does not keep the message from him."""
    told = []
    router.message_before_waiter_set(lambda message, waiter, client: told.append((waiter, client)))
    with waiters.waiting((("group", "G"), "M"), force=True) as waiter:
        waiter.waits = True
        handle("hi")
        assert [event.text for event in waiter.caught] == ["hi"]
    assert told == [(waiter, CLIENT)]
    assert replies.sent == []


# ---------------------------------------------------------------------- exceptions


def fail(*arguments):
    """Raise."""
    raise ValueError("a hook failed")


@pytest.mark.parametrize("hook", ["message_created", "message_before_handle"])
def test_who_may_stop_a_message_stops_it_by_raising(
    router, handle, replies, answer, hook, expected_errors
):
    """A check that fails lets nobody through; it is reported once."""
    told = []
    router.on_exception(lambda error, client, event: told.append((str(error), event.text)))
    getattr(router, hook)(fail)
    handle("hi")
    assert replies.sent == []
    assert told == [("a hook failed", "hi")]
    assert len(expected_errors) == 1


@pytest.mark.expected_errors
def test_a_censor_that_fails_lets_nothing_out(router, handle, replies, answer):
    """message_before_send."""
    router.message_before_send(fail)
    handle("hi")
    assert replies.sent == []


@pytest.mark.parametrize("hook", ["message_after_send", "message_after_handle"])
def test_who_only_looks_on_cannot_stop_anything(
    router, handle, replies, answer, hook, expected_errors
):
    """The other hooks are told, too."""
    told = []
    getattr(router, hook)(fail)
    getattr(router, hook)(lambda chain: told.append(hook))
    router.message_after_handle(lambda chain: told.append("done"))
    handle("hi")
    assert replies.sent == ["heard hi"]
    assert told == [hook, "done"]
    assert len(expected_errors) == 1


@pytest.mark.expected_errors
def test_an_event_is_handled_although_a_hook_fails(router, handle):
    """event_created only looks on."""
    seen = []
    router.event_created(fail)
    router.event_created(lambda event: seen.append("other hook"))
    router.on_event(lambda event: seen.append("observer"))
    handle(Event("SOMETHING"))
    assert seen == ["other hook", "observer"]


@pytest.mark.expected_errors
def test_what_a_handler_raises_ends_its_life_there(router, handle):
    """Nothing was sent, so after_send and after_handle are not told."""
    told = []
    router.on_message(fail)
    for hook in SEND:
        getattr(router, hook)(lambda chain, *, hook=hook: told.append(hook))
    handle("hi")
    assert told == []


# ---------------------------------------------------------------------- middleware


def test_middleware_may_swallow_an_event(router, handle, replies, answer):
    """By not calling call_next; hooks and observers do not see it."""
    seen = []

    @router.middleware
    def only_hi(event, call_next):
        if event.text == "hi":
            call_next(event)

    router.message_created(lambda message: seen.append(message.text))
    router.on_event(lambda event: seen.append(event.text))
    handle("no")
    handle("hi")
    assert replies.sent == ["heard hi"]
    assert seen == ["hi", "hi"]


def test_middleware_may_change_an_event(router, handle, replies, answer):
    """For those inside of it."""

    @router.middleware
    def shout(event, call_next):
        return call_next(dataclasses.replace(event, text=event.text.upper()))

    handle("hi")
    assert replies.sent == ["heard HI"]


def test_middleware_sees_events_and_clicks_too(router, handle):
    """Everything that comes in."""
    seen = []

    @router.middleware
    def note(event, call_next):
        seen.append(event.name)
        call_next(event)

    handle(Event("SOMETHING"))
    handle(Interaction("INTERACTION_CREATE"))
    handle("hi")
    assert seen == ["SOMETHING", "INTERACTION_CREATE", "GROUP_MESSAGE_CREATE"]


def test_middleware_that_raises_is_reported_once_and_the_next_message_is_handled(
    router, handle, replies, answer, expected_errors
):
    """The event goes no further."""
    told = []
    router.on_exception(lambda error, client, event: told.append((str(error), event.text)))

    @router.middleware
    def guard(event, call_next):
        if event.text == "no":
            raise PermissionError("not you")
        call_next(event)

    handle("no")
    handle("hi")
    assert replies.sent == ["heard hi"]
    assert told == [("not you", "no")]
    assert len(expected_errors) == 1


def test_outer_middleware_may_catch_what_inner_middleware_raises(router, handle, replies):
    """It comes through call_next; then nothing is reported."""

    @router.middleware
    def catch(event, call_next):
        try:
            call_next(event)
        except PermissionError:
            event.reply("you may not")

    @router.middleware
    def guard(event, call_next):
        raise PermissionError

    handle("hi")
    assert replies.sent == ["you may not"]


def test_what_a_handler_raises_does_not_reach_middleware(router, handle, expected_errors):
    """It is reported where it happened, once."""
    after = []
    router.on_message(fail)

    @router.middleware
    def wrap(event, call_next):
        call_next(event)
        after.append(1)

    handle("hi")
    assert after == [1]
    assert len(expected_errors) == 1


def test_call_next_without_an_event_is_told_clearly(router, handle, answer, expected_errors):
    """A forgotten argument is no riddle."""

    @router.middleware
    def forget(event, call_next):
        call_next(None)

    handle("hi")
    (record,) = expected_errors
    assert "call_next wants the event" in record.getMessage()


def test_hooks_registered_while_running_count_from_the_next_message(
    router, handle, replies, answer
):
    """As handlers do."""
    handle("one")
    router.message_before_send(lambda chain: chain.text("!"))
    handle("two")
    assert replies.sent == ["heard one", "heard two!"]


# ---------------------------------------------------------------------- what is dropped


def dropped(caplog):
    """The warnings that something was dropped."""
    return [one.getMessage() for one in caplog.records if "dropped" in one.getMessage()]


def test_what_a_middleware_returns_is_dropped_with_one_warning(router, handle, replies, caplog):
    """It neither answers nor hands the event on."""

    @router.middleware
    def busy(event, call_next):
        return "busy"

    handle("one")
    handle("two")
    (told,) = dropped(caplog)
    assert "busy (test_hooks.py:" in told
    assert "call_next(event)" in told
    assert replies.sent == []


def test_a_text_by_message_created_is_dropped_with_one_warning(
    router, handle, replies, caplog, answer
):
    """The message goes on as it was."""

    @router.message_created
    def polite(message):
        return "hello"

    handle("one")
    handle("two")
    (told,) = dropped(caplog)
    assert "polite (test_hooks.py:" in told
    assert replies.sent == ["heard one", "heard two"]


def test_what_may_be_returned_is_no_reason_to_warn(router, handle, replies, caplog, answer):
    """What call_next returned, None, True, False, or a message."""
    router.middleware(lambda event, call_next: call_next(event))
    router.middleware(lambda event, call_next: call_next(event) or True)
    router.message_created(lambda message: True)
    router.message_created(lambda message: message)
    handle("one")
    router.message_created(lambda message: False)
    handle("two")
    assert dropped(caplog) == []
    assert replies.sent == ["heard one"]


def test_call_next_without_the_event_says_what_to_write(router, handle, expected_errors, answer):
    """And whose mistake it is."""

    @router.middleware
    def outer(event, call_next):
        return call_next(event)

    @router.middleware
    def forgetful(event, call_next):
        return call_next()

    handle("hi")
    (record,) = expected_errors
    assert "forgetful (test_hooks.py:" in record.getMessage()
    assert "write call_next(event)" in record.getMessage()
