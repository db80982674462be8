"""Buttons with functions: what a click does, once, too late, and by the wrong person."""

from __future__ import annotations

import contextlib
import threading

import pytest

from qqgroup_sync import Button, Router
from qqgroup_sync.dispatch import buttons as buttons_module
from qqgroup_sync.dispatch.buttons import Buttons
from qqgroup_sync.dispatch.dispatcher import Dispatcher
from qqgroup_sync.dispatch.waiters import Waiters
from qqgroup_sync.errors import ConfigError
from qqgroup_sync.events.models import Interaction
from qqgroup_sync.message.chain import chain_of
from qqgroup_sync.runtime.clock import Clock

CLIENT = object()


class Replies:
    """The client behind a click; notes what is replied."""

    def __init__(self):
        self.sent = []

    def replies_left(self, event):
        return 5

    def reply(self, event, content, *, quote, timeout):
        chain_of(content)  # refuses what cannot be sent, as the real one does
        self.sent.append(content)


@pytest.fixture
def buttons():
    """The buttons of a client that has sent none."""
    return Buttons()


@pytest.fixture
def router():
    """A router without handlers."""
    return Router()


@pytest.fixture
def waiters():
    """Who waits for what."""
    return Waiters(Clock(), contextlib.nullcontext)


@pytest.fixture
def click(router, buttons, waiters):
    """Return a function that clicks on data, and returns what was replied."""
    dispatcher = Dispatcher(router, CLIENT, clock=Clock(), waiters=waiters, buttons=buttons)

    def run(data, *, group="G", by="M"):
        replies = Replies()
        dispatcher.handle(
            Interaction(
                "INTERACTION_CREATE",
                group_openid=group,
                member_openid=by,
                button_data=data,
                actions=replies,
            )
        )
        return replies.sent

    return run


def sent(buttons, function, **options):
    """Send a button with a function; return its data."""
    button = Button("go", on_click=function, **options)
    buttons.remember(button)
    return button.data


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda: "nothing", ["nothing"]),
        (lambda click: f"by {click.sender}", ["by M"]),
        (lambda click, client: str(client is CLIENT), ["True"]),
        (lambda click: None, []),
        (lambda click: click.reply("itself"), ["itself"]),
    ],
)
def test_a_click_calls_the_function(buttons, click, function, said):
    """With the click, then the client, as it likes; what it returns is the answer."""
    assert click(sent(buttons, function)) == said


def test_handlers_of_interactions_do_not_get_such_clicks(router, buttons, click):
    """Their data would mean nothing to them; observers see them."""
    seen = []
    router.on_interaction(lambda event: seen.append(f"handled {event.button_data}"))
    router.on_event(lambda event: seen.append("observed"))
    click(sent(buttons, lambda: None))
    click("click:of an earlier run")
    click("yes")
    assert seen == ["observed", "observed", "handled yes", "observed"]


def test_two_buttons_of_one_function_are_two(buttons, click):
    """Each has data of its own, that nobody can guess."""
    first, second = (sent(buttons, lambda: "x", once=True) for _ in range(2))
    assert first != second
    assert (click(first), click(second)) == (["x"], ["x"])


@pytest.mark.parametrize("data", ["click:0123", "pick:0123:1"])
def test_a_click_of_an_earlier_run_has_a_polite_answer(click, data):
    """Also on the question of a dialogue that has ended."""
    assert click(data) == ["This button does not work any more."]


def test_once_counts_in_each_conversation(buttons, click):
    """Whoever clicks first; a keyboard of a module may be sent to several groups."""
    data = sent(buttons, lambda click: f"by {click.sender}", once=True)
    assert click(data, by="A") == ["by A"]
    assert click(data, by="B") == ["This was done already."]
    assert click(data, group="H", by="B") == ["by B"]


@pytest.mark.expected_errors
def test_a_click_on_which_the_function_fails_does_not_count(buttons, click):
    """Only there: what was done elsewhere stays done."""
    fails = [False, True, False]

    def pay():
        if fails.pop(0):
            raise OSError("the shop is down")
        return "paid"

    data = sent(buttons, pay, once=True)
    assert click(data, group="H") == ["paid"]
    assert click(data) == []
    assert click(data) == ["paid"]
    assert click(data) == click(data, group="H") == ["This was done already."]


def test_once_is_once_however_fast_people_click(buttons, click):
    """From many threads."""
    done, begin = [], threading.Barrier(8)
    data = sent(buttons, lambda: done.append(1), once=True)

    def rush():
        begin.wait(5)
        click(data)

    threads = [threading.Thread(target=rush) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert done == [1]


def test_a_button_that_is_sent_again_is_still_used_up(buttons, click):
    """It is the same button."""
    button = Button("go", on_click=lambda: "x", once=True)
    buttons.remember(button)
    click(button.data)
    buttons.remember(button)
    assert click(button.data) == ["This was done already."]


def test_an_exception_of_the_function_is_reported_with_its_click(
    router, buttons, click, expected_errors
):
    """Like that of any handler."""
    told = []
    router.on_exception(lambda error, client, event: told.append((str(error), event.sender)))

    def fail():
        raise ValueError("oops")

    assert click(sent(buttons, fail)) == []
    assert told == [("oops", "M")]
    assert len(expected_errors) == 1


def async_function():
    """Return one."""

    async def run(click):
        pass

    return run


@pytest.mark.parametrize("function", [async_function(), lambda a, b, c: None])
def test_what_cannot_be_called_is_refused_when_it_is_sent(buttons, function):
    """Not when somebody clicks."""
    with pytest.raises(ConfigError):
        sent(buttons, function)


def test_the_number_of_buttons_remembered_is_bounded(buttons, click, monkeypatch):
    """The one that was sent longest ago is forgotten."""
    monkeypatch.setattr(buttons_module, "REMEMBERED", 2)
    one, two = (Button("go", on_click=lambda: "x") for _ in range(2))
    for button in (one, two, one, Button("go", on_click=lambda: "x")):
        buttons.remember(button)
    assert click(one.data) == ["x"]
    assert click(two.data) == ["This button does not work any more."]


def test_the_clicks_on_a_question_are_for_whom_it_asks(router, waiters, click):
    """Somebody else's click, and a second one, disturb neither the dialogue nor handlers."""
    seen = []
    router.on_interaction(lambda event: seen.append(event.button_data))
    with waiters.waiting("key", force=True) as waiter:
        waiter.waits = True
        waiters.also(waiter, ("click", "pick:1:0"), lambda event: event.sender == "M")
        assert click("pick:1:0", by="other") == []
        assert click("pick:1:0", by="M") == []
        assert click("pick:1:0", by="M") == []
        assert [event.sender for event in waiter.caught] == ["M"]
    assert seen == []


def test_a_function_that_fails_is_named(buttons, click, expected_errors):
    """With the place where it stands."""

    def sign(event):
        raise ValueError("oops")

    click(sent(buttons, sign))
    (record,) = expected_errors
    assert "sign (test_buttons.py:" in record.getMessage()
    assert "failed: ValueError('oops')" in record.getMessage()


def test_what_a_function_returns_that_cannot_be_sent_is_told(buttons, click, expected_errors):
    """Its value, when that is simple."""
    click(sent(buttons, lambda event: 5))
    (record,) = expected_errors
    assert "failed: it returned 5 (int): " in record.getMessage()
