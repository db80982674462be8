"""Dispatcher: one handler per message, observers always, and no exception is lost."""

from __future__ import annotations

import contextlib
import functools
import logging
import re

import pytest

from qqgroup_sync.dispatch.buttons import Buttons
from qqgroup_sync.dispatch.dispatcher import Dispatcher
from qqgroup_sync.dispatch.filters import Equal
from qqgroup_sync.dispatch.in_hand import InHand
from qqgroup_sync.dispatch.router import Router
from qqgroup_sync.dispatch.waiters import Waiters
from qqgroup_sync.errors import ConfigError, ContentRejected, WaitCancelled
from qqgroup_sync.events.models import (
    AuditResult,
    C2CMessage,
    Event,
    GroupAdded,
    GroupMessage,
    GroupRemoved,
    Interaction,
    Member,
)
from qqgroup_sync.message.chain import chain_of
from qqgroup_sync.runtime.clock import Clock

CLIENT = object()


class Replies:
    """The client behind an event; notes what is replied."""

    def __init__(self):
        self.sent = []
        self.refuse = None

    def replies_left(self, event):
        return 5

    def reply(self, event, content, *, quote, timeout):
        if self.refuse is not None:
            raise self.refuse
        chain_of(content)  # refuses what cannot be sent, as the real one does
        self.sent.append(content)


@pytest.fixture
def registry():
    """A registry without handlers."""
    return Router()


@pytest.fixture
def dispatcher(registry):
    """A dispatcher over it."""
    waiters = Waiters(Clock(), contextlib.nullcontext)
    return Dispatcher(registry, CLIENT, clock=Clock(), waiters=waiters, buttons=Buttons())


@pytest.fixture
def replies():
    """What was replied."""
    return Replies()


@pytest.fixture
def group(replies):
    """Return a function that makes a group message."""

    def make(text="hi"):
        return GroupMessage(
            "GROUP_AT_MESSAGE_CREATE",
            "GROUP_AT_MESSAGE_CREATE:x",
            id="m",
            text=text,
            author=Member("M"),
            group_openid="G",
            actions=replies,
        )

    return make


@pytest.fixture
def private(replies):
    """A private message."""
    return C2CMessage("C2C_MESSAGE_CREATE", id="m", author=Member("U"), actions=replies)


class Broken(str):
    """Cannot be compared, so that a filter with it raises."""

    __slots__ = ()

    def __eq__(self, other):
        raise RuntimeError("broken filter")

    __hash__ = None


# ---------------------------------------------------------------------- choosing


def test_the_first_that_matches_runs_alone(registry, dispatcher, group, replies):
    """Levels first, then order; what does not match is passed over."""
    registry.on_group_message(lambda message: "too late")
    registry.on_group_message(keywords="bye", level=9)(lambda message: "no match")
    registry.on_group_message(keywords="hi", level=5)(lambda message: "first")
    registry.on_group_message(keywords="hi", level=5)(lambda message: "second")
    dispatcher.handle(group())
    assert replies.sent == ["first"]


def test_the_first_runs_alone_also_when_it_says_nothing_or_fails(
    registry, dispatcher, group, replies, expected_errors
):
    """Who was asked has had the message."""

    def fail(message):
        raise ValueError("oops")

    registry.on_group_message(keywords="one")(lambda message: None)
    registry.on_group_message(keywords="two")(fail)
    registry.on_group_message(lambda message: "fallback")
    dispatcher.handle(group("one"))
    dispatcher.handle(group("two"))
    assert replies.sent == []
    assert len(expected_errors) == 1


def test_groups_and_private_chats_are_apart(registry, dispatcher, group, private, replies):
    """A handler hears only what it is for."""
    registry.on_group_message(lambda message: "group")
    registry.on_c2c_message(lambda message: "private")
    dispatcher.handle(group())
    dispatcher.handle(private)
    assert replies.sent == ["group", "private"]


def test_a_filter_that_raises_is_reported_and_the_next_handler_is_asked(
    registry, dispatcher, group, replies, expected_errors
):
    """One broken filter does not silence the bot."""
    told = []
    registry.on_exception(lambda error, client, event: told.append((str(error), event.text)))
    registry.on_group_message(keywords=Equal(Broken()))(lambda message: "never")
    registry.on_group_message(lambda message: "next")
    dispatcher.handle(group())
    assert replies.sent == ["next"]
    assert told == [("broken filter", "hi")]
    assert len(expected_errors) == 1


@pytest.mark.parametrize("answer", ["text", ["a", "b"], ""])
def test_everything_but_none_is_sent(registry, dispatcher, group, replies, answer):
    """Also nothing at all; what cannot be sent is told, see below."""
    registry.on_group_message(lambda message: answer)
    dispatcher.handle(group())
    assert replies.sent == [answer]


def test_none_is_not_sent(registry, dispatcher, group, replies):
    """A handler may have replied by itself."""
    registry.on_group_message(lambda message: None)
    dispatcher.handle(group())
    assert replies.sent == []


def test_nobody_may_be_there(dispatcher, group):
    """An event without handlers is no error."""
    dispatcher.handle(group())
    dispatcher.handle(Event("SOMETHING_NEW"))
    dispatcher.announce_ready()


# ---------------------------------------------------------------------- other events


def test_all_handlers_of_an_event_run_and_their_answers_are_sent(registry, dispatcher, replies):
    """Lifecycle handlers do not compete."""
    seen = []
    registry.on_group_added(lambda event: "welcome")
    registry.on_group_added(lambda event, client: seen.append(client))
    registry.on_group_added(lambda: "again")
    dispatcher.handle(GroupAdded("GROUP_ADD_ROBOT", group_openid="G", actions=replies))
    assert replies.sent == ["welcome", "again"]
    assert seen == [CLIENT]


def test_a_click_is_answered(registry, dispatcher, replies):
    """An interaction is replyable."""
    registry.on_interaction(lambda click: f"you chose {click.button_data}")
    dispatcher.handle(Interaction("INTERACTION_CREATE", button_data="yes", actions=replies))
    assert replies.sent == ["you chose yes"]


@pytest.mark.parametrize(
    ("decorator", "event"),
    [
        ("on_group_removed", GroupRemoved("GROUP_DEL_ROBOT", group_openid="G")),
        ("on_audit_result", AuditResult("MESSAGE_AUDIT_PASS")),
    ],
)
def test_what_cannot_be_answered_is_not_answered(registry, dispatcher, decorator, event):
    """The return value goes nowhere; that is no error."""
    seen = []
    getattr(registry, decorator)(lambda event: seen.append(event) or "into the void")
    dispatcher.handle(event)
    assert seen == [event]


# ---------------------------------------------------------------------- observers


def test_observers_see_every_event_and_never_answer(registry, dispatcher, group, replies):
    """With or without a handler; what they return is ignored."""
    seen = []
    registry.on_event(lambda event, client: seen.append((event.name, client)) or "ignored")
    registry.on_event("SOMETHING_NEW")(lambda event: seen.append(event.name))
    registry.on_group_message(lambda message: "answer")
    dispatcher.handle(group())
    dispatcher.handle(Event("SOMETHING_NEW"))
    assert seen == [
        ("GROUP_AT_MESSAGE_CREATE", CLIENT),
        "SOMETHING_NEW",
        ("SOMETHING_NEW", CLIENT),
    ]
    assert replies.sent == ["answer"]


@pytest.mark.expected_errors
def test_observers_are_told_although_others_fail(registry, dispatcher, group):
    """A failing handler, and a failing observer before, hide nothing."""

    def fail(event):
        raise ValueError("oops")

    seen = []
    registry.on_group_message(fail)
    registry.on_event(fail)
    registry.on_event(seen.append)
    message = group()
    dispatcher.handle(message)
    assert seen == [message]


def test_observers_come_when_the_handlers_are_done(registry, dispatcher, group):
    """So that no observer holds up an answer; hooks come before."""
    seen = []
    registry.on_event(lambda event: seen.append("observed"))
    registry.on_group_message(lambda message: seen.append("handled"))
    registry.on_group_added(lambda event: seen.append("handled"))
    registry.message_created(lambda message: seen.append("created"))
    registry.event_created(lambda event: seen.append("created"))
    dispatcher.handle(group())
    dispatcher.handle(GroupAdded("GROUP_ADD_ROBOT"))
    assert seen == ["created", "handled", "observed"] * 2


# ---------------------------------------------------------------------- what a handler leaves


@pytest.mark.expected_errors
@pytest.mark.parametrize("fails", [True, False])
def test_a_channel_ends_with_its_handler(registry, dispatcher, group, replies, fails):
    """Whether it failed or forgot to close it; else the whole group would be deaf."""
    waiters = dispatcher._waiters

    @registry.on_group_message(keywords="game")
    def game(message):
        waiters.channel(message.conversation, owner=message, force=True)
        if fails:
            raise ValueError("oops")

    registry.on_group_message(lambda message: "heard")
    for text in ("game", "hm?"):
        with InHand(lambda: None):
            dispatcher.handle(group(text))
    assert replies.sent == ["heard"]
    assert len(waiters) == 0


# ---------------------------------------------------------------------- exceptions


@pytest.mark.parametrize(
    "error", [ValueError("oops"), SystemExit("exit()"), KeyboardInterrupt(), GeneratorExit()]
)
def test_an_exception_is_logged_once_with_its_traceback(
    registry, dispatcher, group, error, expected_errors
):
    """And never reaches the worker, whatever it is."""

    def unlucky_handler(message):
        raise error

    registry.on_group_message(unlucky_handler)
    dispatcher.handle(group())
    (record,) = expected_errors
    assert record.levelno == logging.ERROR
    assert repr(error) in record.getMessage()
    assert "unlucky_handler" in logging.Formatter().format(record)


def test_our_own_errors_are_logged_with_their_remedy(registry, dispatcher, group, expected_errors):
    """The log says what to do."""

    def fail(message):
        raise ConfigError("nobody to mention", remedy=None)

    registry.on_group_message(lambda message: fail(message))
    dispatcher.handle(group())
    (record,) = expected_errors
    assert re.fullmatch(
        r"handler \S+<lambda> \(test_dispatcher\.py:\d+\) failed: nobody to mention",
        record.getMessage(),
    )


def test_a_reply_that_fails_goes_to_on_exception(
    registry, dispatcher, group, replies, expected_errors
):
    """What a handler returns is its own failure, too."""
    told = []
    replies.refuse = ContentRejected("the message is empty", reason="empty")
    registry.on_group_message(lambda message: "x")
    registry.on_exception(ContentRejected)(told.append)
    dispatcher.handle(group())
    assert told == [replies.refuse]
    assert len(expected_errors) == 1


@pytest.mark.expected_errors
@pytest.mark.parametrize("takes", range(4))
def test_guards_get_error_client_and_event_as_many_as_they_take(registry, dispatcher, group, takes):
    """(error), (error, client), (error, client, event), or nothing."""
    told = []
    guards = [
        lambda: told.append(()),
        lambda error: told.append((error,)),
        lambda error, client: told.append((error, client)),
        lambda error, client, event: told.append((error, client, event)),
    ]
    error = ValueError("oops")

    def fail(message):
        raise error

    registry.on_exception(guards[takes])
    registry.on_group_message(fail)
    message = group()
    dispatcher.handle(message)
    assert told == [(error, CLIENT, message)[:takes]]


@pytest.mark.expected_errors
@pytest.mark.parametrize("kind", [ValueError, SystemExit])
def test_a_handler_that_exits_is_told_like_any_other(registry, dispatcher, group, kind):
    """exit() in a handler ends the handler, and says so."""
    told = []

    def leave(message):
        raise kind

    registry.on_group_message(leave)
    registry.on_exception(told.append)
    dispatcher.handle(group())
    assert [type(error) for error in told] == [kind]


def test_a_failing_guard_is_logged_and_hides_no_other(registry, dispatcher, group, expected_errors):
    """The last net has none below it but the log."""
    told = []

    def fail(message):
        raise ValueError("first")

    def failing_guard(error):
        raise SystemExit("second")

    registry.on_group_message(fail)
    registry.on_exception(failing_guard)
    registry.on_exception(told.append)
    dispatcher.handle(group())
    assert [str(error) for error in told] == ["first"]
    first, second = expected_errors
    assert "first" in first.getMessage()
    assert "failing_guard" in second.getMessage()
    assert "second" in logging.Formatter().format(second)


def test_what_an_observer_raises_is_told_with_its_event(registry, dispatcher, expected_errors):
    """Observers are handlers, too."""
    told = []

    def fail(event):
        raise KeyError("x")

    registry.on_event(fail)
    registry.on_exception(KeyError)(lambda error, client, event: told.append(event))
    event = Event("SOMETHING_NEW")
    dispatcher.handle(event)
    assert told == [event]
    assert len(expected_errors) == 1


def test_wait_cancelled_ends_quietly(registry, dispatcher, group):
    """A newer question replaced this one: nothing failed, nothing is logged or told."""
    told = []

    def asked_otherwise(message):
        raise WaitCancelled("a newer question")

    registry.on_group_message(asked_otherwise)
    registry.on_exception(told.append)
    registry.on_exception(BaseException)(told.append)
    dispatcher.handle(group())
    assert told == []


# ---------------------------------------------------------------------- ready


def test_ready_is_announced_to_all(registry, dispatcher, expected_errors):
    """With the client, or with nothing; one that fails hides no other, and has no event."""
    told = []

    def fail():
        raise ValueError("not ready after all")

    registry.on_ready(fail)
    registry.on_ready(told.append)
    registry.on_ready(lambda: told.append("ready"))
    registry.on_exception(lambda error, client, event: told.append((client, event)))
    dispatcher.announce_ready()
    assert told == [(CLIENT, None), CLIENT, "ready"]
    assert len(expected_errors) == 1


# ---------------------------------------------------------------------- who failed


def place(function):
    """Where a function stands, as logs say it."""
    code = function.__code__
    return f"{function.__qualname__} (test_dispatcher.py:{code.co_firstlineno})"


SECRET = {"client_secret": "s3cret-s3cret"}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (5, "5 (int)"),
        (0, "0 (int)"),
        (False, "False (bool)"),
        (True, "True (bool)"),
        (2.5, "2.5 (float)"),
        (SECRET, "dict"),
        (b"\x89PNG" * 99, "bytes"),
        (10**999, "int"),
        (["a", 5], "list"),
    ],
)
def test_what_a_handler_returned_that_cannot_be_sent_is_told(
    registry, dispatcher, group, expected_errors, value, shown
):
    """With the handler's name and place; of what may hold secrets or files the type alone."""

    def ret(message):
        return value

    registry.on_message(ret)
    dispatcher.handle(group())
    (record,) = expected_errors
    begin = f"handler {place(ret)} failed: it returned {shown}: "
    assert record.getMessage().startswith(begin)
    assert "s3cret" not in record.getMessage()


def test_every_kind_of_function_is_named_when_it_fails(
    registry, dispatcher, group, expected_errors
):
    """Behind partials, as a command, as an observer, in on_ready, and in verify=."""

    def fail(*_ignored):
        raise ValueError("oops")

    def hear(message):
        pass

    registry.on_message(keywords="partial")(functools.partial(fail))
    registry.on_command("command")(fail)
    registry.on_event("X")(fail)
    registry.on_ready(fail)
    for text in ("partial", "/command"):
        dispatcher.handle(group(text))
    dispatcher.handle(Event("X"))
    dispatcher.announce_ready()
    registry.on_message(verify=fail)(hear)
    dispatcher.handle(group("verify"))
    told = [record.getMessage() for record in expected_errors]
    assert told == [f"handler {place(fail)} failed: ValueError('oops')"] * 4 + [
        f"handler {place(hear)} failed: ValueError('oops')"
    ]


def test_who_is_not_named_is_found_in_the_traceback(dispatcher, expected_errors):
    """The user's function, not what stands around it in this package; without any, nobody."""

    def tick():
        raise ValueError("oops")

    try:
        tick()
    except ValueError as error:
        error.__traceback__ = error.__traceback__.tb_next
        dispatcher.failed(error, None)
    dispatcher.failed(ValueError("from nowhere"), None)
    found, nobody = [record.getMessage() for record in expected_errors]
    assert re.fullmatch(r"\S*tick \(test_dispatcher\.py:\d+\) failed: ValueError.*", found)
    assert nobody.startswith("a handler failed: ")


@pytest.mark.parametrize("hook", ["message_created", "message_before_handle", "message_after_send"])
def test_a_hook_that_fails_is_named_as_one(registry, dispatcher, group, expected_errors, hook):
    """And not the handler that it stands around."""

    def fail(what):
        raise ValueError("oops")

    getattr(registry, hook)(fail)
    registry.on_message(lambda message: "answer")
    dispatcher.handle(group())
    (record,) = expected_errors
    assert record.getMessage() == f"hook {place(fail)} failed: ValueError('oops')"


def test_a_hook_that_makes_nothing_to_send_is_named(registry, dispatcher, group, expected_errors):
    """The handler behind it returned a text."""

    def to_number(chain):
        return 5

    registry.message_before_send(to_number)
    registry.on_message(lambda message: "answer")
    dispatcher.handle(group())
    (record,) = expected_errors
    assert record.getMessage().startswith(f"hook {place(to_number)} failed: int cannot be sent")


def test_a_handler_is_named_also_among_hooks(registry, dispatcher, group, expected_errors):
    """The hook did nothing wrong."""

    def ret(message):
        return 5

    registry.message_created(lambda message: None)
    registry.on_message(ret)
    dispatcher.handle(group())
    (record,) = expected_errors
    assert f"handler {place(ret)} failed: it returned 5 (int): " in record.getMessage()


# ---------------------------------------------------------------------- uses of commands


def test_a_slip_of_the_pen_is_no_use_of_a_command(registry, dispatcher, group, replies):
    """Who wrote it wrongly need not wait to write it right; then he has to."""

    @registry.on_command("cc", cooldown=60)
    def cc(count: int):
        return f"counted {count}"

    for text in ("/cc x", "/cc 1", "/cc 2"):
        dispatcher.handle(group(text))
    wrong, right, early = replies.sent
    assert "/cc" in wrong
    assert right == "counted 1"
    assert "60" in early
