"""A test of a user's, from the first word to the end: people, media, buttons, faults."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from qqgroup_sync import Accounts, Button, Chain, Client, Keyboard
from qqgroup_sync.simulator.chats import ConversationError
from qqgroup_sync.testing.errors import BotError
from qqgroup_sync.testing.simulated_qq import SimulatedQQ
from tests.media import samples, sounds
from tests.waiting import LIMIT

PICTURE = samples.picture()


@pytest.fixture
def client():
    """A client whose handlers the test adds."""
    return Client.simulated(language="en")


@pytest.fixture
def echo(client):
    """A client that says back what it hears."""

    @client.on_message
    def say_back(message):
        return f"echo {message.text}"

    return client


def test_three_lines(qq, echo):
    """Say something, look at the reply."""
    qq.run(echo)
    group = qq.group("g")
    group.member("Ming").say("hello")
    assert group.next_reply().text == "echo hello"


def test_a_private_chat(qq, echo):
    """A user is talked to directly."""
    qq.run(echo)
    user = qq.user("Lan")
    user.say("hello")
    assert user.next_reply().text == "echo hello"


def test_a_client_made_for_qq_comes_here(qq):
    """Nothing of what it was made for is used: neither host nor state."""
    client = Client(
        "1", "secret", api_base="https://api.sgroup.qq.com", state="kept", media="upload"
    )
    client.on_message(lambda message: f"{message.session.get('n', 0)}")
    bot = qq.run(client)
    qq.user("Lan").say("n")
    assert qq.user("Lan").next_reply().text == "0"
    assert not Path("kept").exists()
    assert [one.appid for one in qq.platform.bots] == ["1"]
    assert bot.client is client


def test_each_test_begins_with_nothing(client):
    """What a client kept in one test is not there in the next."""

    @client.on_message
    def count(message):
        message.session["n"] = message.session.get("n", 0) + 1
        return str(message.session["n"])

    for _ in range(2):
        with SimulatedQQ(client) as qq:
            for expected in "12":
                qq.user("Lan").say("x")
                assert qq.user("Lan").next_reply().text == expected


def test_a_restart_keeps_what_is_kept(qq, client):
    """Within one test the client goes on; what was said meanwhile comes afterwards."""

    @client.on_message
    def count(message):
        message.session["n"] = message.session.get("n", 0) + 1
        return str(message.session["n"])

    bot = qq.run(client)
    user = qq.user("Lan")
    user.say("x")
    assert user.next_reply().text == "1"
    bot.stop()
    user.say("y")
    bot.start()
    assert user.next_reply().text == "2"


def test_state_lies_where_the_test_says(client, tmp_path):
    """A folder of the test outlives the platform."""
    client.on_message(lambda message: client.storage.setdefault("first", message.text))
    for said in ("one", "two"):
        with SimulatedQQ(client, state=tmp_path) as qq:
            qq.user("Lan").say(said)
            assert qq.user("Lan").next_reply().text == "one"
    assert list(tmp_path.rglob("data.sqlite"))


def test_several_bots(qq):
    """Accounts are one bot with two names."""
    accounts = Accounts(Client.simulated(appid="1"), Client.simulated(appid="2"))

    accounts.on_message(lambda message: f"you said {message.text}")

    bot = qq.run(accounts)
    group = qq.group("g")
    group.member("Ming").say("who")
    senders = {group.next_reply().sender.appid for _ in range(2)}
    assert senders == {"1", "2"}
    group.no_reply()
    assert len(bot.clients) == 2
    with pytest.raises(BotError, match="2 clients"):
        assert bot.client


# ---------------------------------------------------------------------- what a reply shows


def test_media(qq, client):
    """Pictures, voices, videos and files, there and back."""

    @client.on_message
    def answer(message):
        kinds = " ".join(one.kind for one in message.attachments)
        said = "".join(one.transcript or "" for one in message.attachments)
        return Chain().text(f"{kinds} {said}".strip()).image(PICTURE)

    qq.run(client)
    group = qq.group("g")
    user = group.member("Ming")
    user.send_picture(PICTURE)
    reply = group.next_reply()
    assert (reply.text, [one.data for one in reply.images]) == ("image", [PICTURE])
    assert (reply.voice, reply.video) == (None, None)
    user.send_voice(samples.wav(0.2), transcript="你好")
    assert group.next_reply().text == "voice 你好"
    user.send_file(b"12345", "a.txt")
    assert group.next_reply().text == "file"
    assert "[picture image/png" in repr(reply)
    assert "[voice audio/silk" in qq.conversation


def test_a_voice_is_heard_as_wav(qq, client):
    """What the bot says as SILK can be listened to."""
    spoken = samples.wav(0.4)
    client.on_message(lambda _: Chain().voice(spoken))
    qq.run(client)
    user = qq.user("Lan")
    user.say("speak")
    heard = sounds.of_wav(user.next_reply().voice.wav)
    assert abs(len(heard) / 24000 - 0.4) < 0.1


def test_buttons(qq, client):
    """Labels are compared as they are read, and clicked by label or id."""

    @client.on_message
    def menu(_message):
        keys = Keyboard().row(Button.callback("签到", data="sign"), Button.command("help", "/help"))
        return Chain().text("menu").keyboard(keys)

    @client.on_interaction
    def clicked(interaction):
        interaction.reply(f"clicked {interaction.button_data}")

    qq.run(client)
    group = qq.group("g")
    user = group.member("Ming")
    user.say("menu")
    reply = group.next_reply()
    assert reply.buttons == ["签到", "help"]
    first, second = reply.buttons
    assert (first.kind, first.data, second.kind) == ("callback", "sign", "command")
    for button in ("签到", first.id):
        click = user.click(reply, button).wait_acknowledged()
        assert click.ack_code == 0
        assert group.next_reply().text == "clicked sign"
    with pytest.raises(LookupError, match="there are: '签到'"):
        user.click(reply, "nothing")
    with pytest.raises(ValueError, match="say its data"):
        user.click(reply, "help")
    assert "Ming clicks '签到' (acknowledged: 0)" in qq.conversation


def test_quotes(qq, client):
    """Who quotes and what is quoted, both ways."""

    @client.on_message
    def answer(message):
        quoted = message.quoted.text if message.quoted else "nothing"
        return Chain(message).quote().text(f"you quote {quoted}")

    qq.run(client)
    group = qq.group("g")
    user = group.member("Ming")
    first = user.say("one")
    reply = group.next_reply()
    assert (reply.text, reply.quoted) == ("you quote nothing", first)
    user.say("two", quote=reply)
    assert group.next_reply().text == "you quote you quote nothing"


def test_streams_and_recalls(qq, client):
    """A stream can be waited for; a recall is seen."""

    @client.on_message
    def grow(message):
        if message.text == "oops":
            message.reply("wrong").recall()
            return
        with message.stream() as stream:
            for part in ("a ", "b ", "c "):
                stream.write(part)

    qq.run(client)
    user = qq.user("Lan")
    user.say("grow")
    assert user.next_reply().wait_finished().text.split() == ["a", "b", "c"]
    user.say("oops")
    wrong = user.next_reply()
    user.no_reply()
    assert wrong.recalled
    assert "wrong (recalled)" in qq.conversation


def test_joins(qq, client):
    """Members that come and groups that take the bot in."""

    @client.on_member_joined
    def welcome(event):
        client.send_group(event.group_openid, "welcome")

    qq.run(client)
    group = qq.group("g")
    group.join("Li")
    assert group.next_reply().text == "welcome"
    assert "* GROUP_MEMBER_ADD (Li)" in qq.conversation


# ---------------------------------------------------------------------- nothing was said


def test_no_reply_waits_for_the_last_handler(qq, client):
    """It ends when the handler has, which a test lets go on meanwhile."""
    began, go_on = threading.Event(), threading.Event()

    @client.on_message
    def slow(_message):
        began.set()
        go_on.wait(10)

    qq.run(client)
    qq.user("Lan").say("x")
    began.wait(5)
    with pytest.raises(ConversationError, match=r"a handler .* still running(.|\n)*go_on\.wait"):
        qq.user("Lan").no_reply(timeout=0.05)
    go_on.set()
    qq.user("Lan").no_reply()


def test_no_reply_shows_what_was_said(qq, echo):
    """The message that nobody asked for."""
    qq.run(echo)
    user = qq.user("Lan")
    user.say("x")
    with pytest.raises(AssertionError, match=r"that nobody asked for: <ChatMessage .*echo x>"):
        user.no_reply()


def test_no_reply_shows_where_a_handler_hangs(qq, client):
    """Its stack, and not that of the thread that watches the workers."""
    go_on = threading.Event()

    @client.on_message
    def hang(_message):
        go_on.wait(LIMIT * 10)

    qq.run(client)
    qq.user("Lan").say("x")
    with pytest.raises(ConversationError) as caught:
        qq.user("Lan").no_reply(timeout=0.2)
    go_on.set()
    assert "in hang" in str(caught.value)
    assert "_watch_over" not in str(caught.value)


def test_an_expired_token_is_no_wrong_secret(qq, echo):
    """It is renewed, and the answer comes; nobody is told to look at the secret."""
    qq.run(echo)
    qq.faults.expire_tokens()
    qq.user("Lan").say("x")
    assert qq.user("Lan").next_reply().text == "echo x"
    assert "was refused: HTTP 401, code 11244" in qq.conversation
    assert "client_secret" not in qq.conversation


def test_no_reply_of_a_plain_simulator():
    """Only the kit knows when a bot has nothing left to do."""
    from qqgroup_sync.simulator import Simulator

    with pytest.raises(RuntimeError, match="testing kit"):
        Simulator().platform.group("g").no_reply()


def test_who_waits_in_a_dialogue_has_nothing_to_do(qq, client):
    """The question was asked: what comes next is the person's turn."""

    @client.on_message
    def ask(message):
        return f"thanks, {message.ask('name?').text}"

    qq.run(client)
    user = qq.user("Lan")
    user.say("x")
    assert user.next_reply().text == "name?"
    user.no_reply()
    user.say("Lan")
    assert user.next_reply().text == "thanks, Lan"


def test_who_waits_for_an_event_has_nothing_to_do(qq, client):
    """A handler in wait_for() is as idle as one that asks."""

    @client.on_message(keywords="wait")
    def wait(message):
        found = client.wait_for("GROUP_ADD_ROBOT", timeout=60)
        return f"found {found}"

    qq.run(client)
    user = qq.user("Lan")
    user.say("wait")
    user.no_reply()
    qq.clock.step(61)
    assert user.next_reply().text == "found None"


# ---------------------------------------------------------------------- what went wrong


@pytest.mark.expected_errors
def test_a_missing_reply_shows_the_conversation(qq, client):
    """What was said, what the platform refused and why, and what the handler raised."""

    @client.on_message
    def answer(message):
        if message.text == "bad":
            raise ValueError("no such thing")
        return "see www.example.com"

    qq.run(client)
    group = qq.group("g")
    user = group.member("Ming")
    user.say("link")
    user.say("bad")
    user.say("unheard", at=False)
    qq.wait_idle()
    with pytest.raises(AssertionError) as caught:
        group.next_reply(timeout=0.01)
    told = str(caught.value)
    for part in (
        "Ming: link",
        "messages was refused: HTTP 400, code 40054010",
        "failed: ValueError('no such thing')",
        "Ming: unheard  (without @",
        "the bot has nothing left to do",
    ):
        assert part in told
    assert [type(error).__name__ for error in qq.errors] == ["ContentRejected", "ValueError"]


def test_of_several_chats_each_line_says_where(qq, echo):
    """A group by its name, a private chat by the person's."""
    qq.run(echo)
    qq.group("games").member("Ming").say("one")
    qq.user("Lan").say("two")
    qq.wait_idle()
    told = str(qq.conversation)
    assert "games | Ming: one" in told
    assert "Lan | Lan: two" in told


def test_without_a_bot_it_says_so(qq):
    """Nobody answers, and why."""
    qq.group("g").member("Ming").say("hello")
    with pytest.raises(AssertionError, match=r"no bot runs: set qq_bot .* or call qq\.run"):
        qq.group("g").next_reply(timeout=0.01)


def test_faults(qq, echo):
    """Requests, connections and tokens break, and the bot goes on."""
    qq.run(echo)
    user = qq.user("Lan")
    qq.faults.fail("/messages", status=429, headers={"Retry-After": "0"})
    user.say("one")
    assert user.next_reply().text == "echo one"
    qq.faults.close(4009)
    user.say("two")
    assert user.next_reply().text == "echo two"
    qq.faults.drop("/messages", after_accept=True)
    qq.faults.expire_tokens()
    user.say("three")
    assert user.next_reply().text == "echo three"
    user.no_reply()
    assert "was refused: HTTP 429" in qq.conversation


# ---------------------------------------------------------------------- beginning and end


def test_nothing_is_left_behind(echo):
    """Threads, environment and hooks are as before."""
    from qqgroup_sync import running

    before = dict(os.environ), set(threading.enumerate()), running.harness
    with SimulatedQQ(echo) as qq:
        assert os.environ["QQ_SIMULATOR"] == qq.simulator.url
        assert echo.running
    assert (dict(os.environ), set(threading.enumerate()), running.harness) == before
    assert not echo.running


def test_a_client_that_the_test_starts_is_stopped(qq, echo):
    """No client goes anywhere else, however it was started."""
    echo.start()
    qq.user("Lan").say("x")
    assert qq.user("Lan").next_reply().text == "echo x"


def test_a_function_that_ends_in_run(qq, echo):
    """The test goes on with the bot on line, instead of waiting for Ctrl-C."""

    def main():
        echo.run()
        return "never reached elsewhere"

    assert main() == "never reached elsewhere"
    qq.user("Lan").say("x")
    assert qq.user("Lan").next_reply().text == "echo x"


def test_one_at_a_time(qq):
    """Two platforms cannot both have the clients of a process."""
    with pytest.raises(BotError, match="another SimulatedQQ is open"):
        SimulatedQQ().start()
    assert os.environ["QQ_SIMULATOR"] == qq.simulator.url


def test_a_bot_that_does_not_stop(client):
    """The test says which threads are left."""
    began, go_on = threading.Event(), threading.Event()

    @client.on_message
    def stuck(_message):
        began.set()
        go_on.wait(20)

    qq = SimulatedQQ()
    qq.start()
    bot = qq.run(client)
    bot._stop_within = 0.3
    qq.user("Lan").say("x")
    began.wait(5)
    with pytest.raises(BotError, match=r"did not stop within 0.3 s.*qqgroup-worker"):
        qq.stop()
    go_on.set()


@pytest.mark.parametrize("bot", [1, object(), [Client]])
def test_what_is_no_bot(qq, bot):
    """It is refused in words."""
    with pytest.raises(BotError, match="is no bot: give the path"):
        qq.run(bot)


def test_a_client_that_runs_elsewhere(qq):
    """It cannot be moved any more."""
    qq.stop()
    client = Client.simulated()
    with client, SimulatedQQ() as other, pytest.raises(BotError, match="runs already, elsewhere"):
        other.run(client)


def test_a_closed_platform_runs_nothing(echo):
    """It must be opened first."""
    with pytest.raises(BotError, match="not open"):
        SimulatedQQ().run(echo)
