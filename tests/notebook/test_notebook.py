"""What a client offers in a notebook, as far as it works without one."""

from __future__ import annotations

import gc
import logging
import socket
import subprocess
import sys
import threading
from dataclasses import replace

import pytest

from qqgroup_sync import Client, ConfigError, GroupMessage, Sent, StateError
from qqgroup_sync.events.parts import Attachment, Member
from qqgroup_sync.notebook.inbox import Inbox
from qqgroup_sync.notebook.live_log import LiveLog, short_traceback
from qqgroup_sync.sending.sent import SentPart
from tests.waiting import eventually

SCRIPT = "<script>alert('hi')</script>"


@pytest.fixture
def client():
    """A client with its own platform; not started."""
    client = Client.simulated(language="en")
    yield client
    client.stop()


def message(text="hi", **details):
    """A message in a group."""
    return GroupMessage(
        id="m1",
        content=text,
        text=text,
        author=Member(openid="OPENID", username="Ming"),
        group_openid="GROUPOPENID",
        timestamp=1_700_000_000.0,
        **details,
    )


def said(client, text):
    """Say something in a group; return the answer."""
    group = client.simulator.platform.group("g")
    group.member("Ming").say(text)
    return group.next_reply().content


# ---------------------------------------------------------------------- a platform of its own


def test_a_simulated_client_can_be_talked_to_at_once(client):
    """start() brings the platform and the bot up, stop() ends both, and that again and again."""

    @client.on_group_message
    def echo(message):
        return message.text.upper()

    for word in ("one", "two"):
        client.start()
        assert said(client, word) == word.upper()
        assert client.stop()
    assert client.status.state == "offline"


def test_a_simulated_client_sends_without_a_start(client):
    """As any client does; stop() then ends the platform."""
    user = client.simulator.platform.user("Lan")
    client.send_user(user.openid, "good morning")
    assert user.next_reply().content == "good morning"


def test_two_bots_share_one_platform(client):
    """The simulator of one is handed to the other, and ends with the first."""
    other = Client.simulated(appid="2", simulator=client.simulator)
    client.on_group_message(keywords="first?")(lambda _: "I am")
    other.on_group_message(keywords="second?")(lambda _: "me")
    client.start()
    other.start()
    assert said(client, "second?") == "me"
    assert other.stop()
    assert said(client, "first?") == "I am"


def test_options_reach_a_simulated_client():
    """Also those of a subclass."""

    class Mine(Client):
        pass

    client = Mine.simulated(appid="7", ordering="group")
    assert isinstance(client, Mine)
    assert (client.settings.appid, client.settings.ordering) == ("7", "group")


def test_other_clients_have_no_simulator():
    """The error names the remedy."""
    with pytest.raises(StateError, match=r"Client\.simulated"):
        Client("1", "s", language="en").simulator  # noqa: B018


def run_script(code):
    """Run a script in a process of its own; return what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=40, check=False
    )
    return done.stdout + done.stderr


def test_without_the_extra_the_remedy_is_named():
    """Client.simulated() needs websockets."""
    told = run_script(
        "import sys; sys.modules['websockets'] = None\n"
        "from qqgroup_sync import Client\n"
        "client = Client('1', 's')\n"
        "Client.simulated(language='en')"
    )
    assert "ConfigError: Client.simulated() needs the simulator" in told
    assert 'pip install "qqgroup_sync[simulator]"' in told


# ---------------------------------------------------------------------- one client of a bot


def test_a_script_must_not_start_two_clients_of_one_bot(client):
    """Both would answer; the remedy is in the error, and the first one runs on."""
    client.start()
    second = Client.simulated(simulator=client.simulator, language="en")
    third = Client.simulated(simulator=client.simulator, language="en", shards="auto")
    client.on_group_message(lambda _: "here")
    for other in (second, third):
        with pytest.raises(StateError, match="another client of bot simulated runs"):
            other.start()
    assert said(client, "still there?") == "here"


def test_when_the_first_has_stopped_the_second_may_start(client):
    """Nothing of the first is left behind."""
    second = Client.simulated(simulator=client.simulator)
    client.start()
    client.stop()
    second.start()
    assert second.status.state == "online"
    second.stop()
    client.simulator.stop()


def test_shards_and_other_bots_run_side_by_side(client):
    """In one process."""
    others = [
        Client.simulated(simulator=client.simulator, appid="1", shards=2, shard_index=0),
        Client.simulated(simulator=client.simulator, appid="1", shards=2, shard_index=1),
        Client.simulated(simulator=client.simulator, appid="2"),
    ]
    client.start()
    for one in others:
        one.start()
    assert {one.status.state for one in (client, *others)} == {"online"}
    for one in others:
        one.stop()


def test_a_second_start_raises_in_a_script(client):
    """Only notebooks run the same line again."""
    client.start()
    with pytest.raises(StateError, match="started already"):
        client.start()


def test_a_failed_start_holds_no_place(client):
    """The next client of the bot is not refused because of it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        client.simulator._ports = (taken.getsockname()[1], 0)
        with pytest.raises(OSError, match="in use"):
            client.start()
    second = Client.simulated(simulator=client.simulator)
    second.start()
    second.stop()
    client.simulator.stop()


def test_scripts_never_replace(client):
    """A function of the same name, or the same function, is one more handler."""
    seen = []
    names = ("GROUP_AT_MESSAGE_CREATE", "GROUP_MESSAGE_CREATE")
    for number in (1, 2):
        client.on_event(*names)(lambda _, _client, number=number: seen.append(number))
    client.start()
    client.simulator.platform.group("g").member("Ming").say("x")
    eventually(lambda: len(seen) == 2)
    assert seen == [1, 2]


# ---------------------------------------------------------------------- the inbox


def test_the_inbox_is_a_bounded_table():
    """Newest last; an index, a slice, a loop; as text and as HTML."""
    inbox = Inbox(size=3)
    assert "no messages" in repr(inbox)
    for number in range(5):
        inbox.take(message(f"number {number}"))
    assert [one.text for one in inbox] == ["number 2", "number 3", "number 4"]
    assert (len(inbox), inbox[-1].text) == (3, "number 4")
    assert [one.text for one in inbox[-2:]] == ["number 3", "number 4"]
    lines = str(inbox).splitlines()
    assert lines[0].split() == ["time", "where", "who", "message"]
    assert lines[-1].endswith("group GROUPOPE  Ming  number 4")
    assert inbox._repr_html_().count("<tr>") == 4
    inbox.clear()
    assert not inbox


def test_the_inbox_fills_from_when_it_is_asked_for(client):
    """Until then it costs nothing."""
    client.on_group_message(lambda found: found.text)
    client.start()
    said(client, "before")
    assert not client.hooks
    assert len(client.inbox) == 0
    said(client, "after")
    assert [one.text for one in client.inbox] == ["after"]


def test_the_inbox_shows_a_message_before_its_handler_is_done(client):
    """A dialogue may last for minutes."""
    client.inbox  # noqa: B018
    client.on_group_message(keywords="ask")(lambda found: found.ask("what?").text)
    client.start()
    assert said(client, "ask") == "what?"
    assert client.inbox[-1].text == "ask"
    assert said(client, "that") == "that"


# ---------------------------------------------------------------------- displays


def pages(client):
    """Everything that shows itself, with hostile content."""
    picture = Attachment(
        content_type="image/png", filename=f"{SCRIPT}.png", url="https://q.cn/a?rkey=KEY", size=9
    )
    hostile = message(f"{SCRIPT} client_secret=abcdef123456", attachments=(picture,))
    inbox = Inbox()
    inbox.take(hostile)
    sent = Sent((SentPart(SCRIPT, 1.0, "REF"), SentPart("", audit_id="A1")))
    client.on_command("roll", help=SCRIPT)(lambda: "6")
    status = replace(client.status, why=SCRIPT, counters={"received": 3})
    shown = (hostile, inbox, sent, client, status)
    return [one._repr_html_() for one in shown]


def test_displays_escape_load_nothing_and_keep_secrets(client):
    """In every one of them."""
    client.start()
    for page in pages(client):
        assert "<script" not in page
        assert "src=" not in page
        assert "http" not in page
        for secret in ("abcdef123456", "rkey=KEY"):
            assert secret not in page
    told = "".join(pages(client))
    for word in ("Ming", "GROUPOPENID", "&lt;script&gt;", "waits for review A1", "online"):
        assert word in told
    assert "qqgroup-gateway-0" in client._repr_html_()


def test_the_secret_of_a_client_is_in_no_display():
    """Nor in its repr."""
    client = Client("1", "a-very-secret-secret")
    assert "a-very-secret-secret" not in client._repr_html_() + repr(client)


# ---------------------------------------------------------------------- the log


class Display:
    """Stands for a notebook's output area."""

    def __init__(self):
        self.pages = []

    def show(self, html, text):
        self.pages.append((html, text))
        return lambda html, text: self.pages.append((html, text))


@pytest.fixture
def log():
    """A live log of three lines, fed by hand, and its display."""
    display = Display()
    view = LiveLog("INFO", 3, display.show)
    view.display = display
    yield view
    view.close()


def record(text, level=logging.INFO, error=None):
    """A log record."""
    trace = (type(error), error, error.__traceback__) if error is not None else None
    return logging.LogRecord("qqgroup_sync.x", level, "x.py", 1, text, (), trace)


def test_a_burst_becomes_few_updates_and_ends_with_the_last_line(log):
    """10 000 records from one thread; only the last ones are kept."""
    for number in range(10_000):
        log.handle(record(f"line {number}"))
    eventually(lambda: "line 9999" in log.display.pages[-1][1])
    assert len(log.display.pages) < 200
    assert len(log.display.pages[-1][1].splitlines()) == 3
    assert repr(log) == log.display.pages[-1][1]


def test_an_update_that_is_slow_never_hides_what_a_refresh_has_shown(log):
    """Tools that execute notebooks keep the last update of a cell, and none that comes later."""
    update, begun, go = log._update, threading.Event(), threading.Event()

    def slow(html, text):
        if not begun.is_set():  # the first one
            begun.set()
            assert go.wait(10)
        update(html, text)

    log._update = slow
    log.handle(record("first"))
    assert begun.wait(10)
    log.handle(record("second"))
    refreshing = threading.Thread(target=log.refresh)
    refreshing.start()
    refreshing.join(0.1)  # as far as it comes
    go.set()
    refreshing.join(10)
    assert [len(text.splitlines()) for _, text in log.display.pages[1:3]] == [1, 2]


def test_the_log_escapes_and_masks(log):
    """HTML of others, and secrets."""
    log.handle(record(f"{SCRIPT} client_secret=abcdef123456"))
    eventually(lambda: "alert" in log.display.pages[-1][0])
    html, text = log.display.pages[-1]
    assert "<script" not in html
    assert "abcdef123456" not in html + text


def test_a_display_that_is_gone_ends_the_log(log, recwarn):
    """The bot does not notice."""
    log._update = None  # cannot be called
    log.handle(record("one"))
    eventually(log._done.is_set)
    log.handle(record("two"))


def test_a_log_may_be_closed_twice(log):
    """As logging does when the interpreter ends."""
    log.close()
    log.close()
    logging.getLogger("qqgroup_sync").warning("nobody shows this")


def test_a_traceback_shows_the_user_s_part_only(client):
    """Where in his code, and what was behind it."""

    def handler():
        try:
            {}["missing"]
        except KeyError as error:
            Client("", "", language="en")
            raise error from None

    with pytest.raises(ConfigError) as caught:
        handler()
    lines = short_traceback(caught.value)
    assert len(lines) == 2
    assert "in handler: Client(" in lines[1]


def test_outside_of_a_notebook_the_log_goes_to_the_terminal():
    """Client.log() in a script."""
    told = run_script(
        "from qqgroup_sync import Client\n"
        "client = Client.simulated()\n"
        "assert client.log() is None\n"
        "client.start(); client.stop()"
    )
    assert "INFO    on line as bot-simulated" in told


def test_a_forgotten_client_holds_no_place(client):
    """Without stop(), when nobody knows it any more."""
    second = Client.simulated(simulator=client.simulator)
    second._prepare()
    del second
    gc.collect()
    client.start()
