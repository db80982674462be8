"""Dialogues over real sockets: who is asked gets his answer through, and nobody waits for him."""

from __future__ import annotations

import base64
import threading
import time

import pytest

from qqgroup_sync import (
    Button,
    C2CMessage,
    Chain,
    Client,
    ConfigError,
    GroupMessage,
    Keyboard,
    ReplyLimitReached,
    StateError,
    WaitCancelled,
    WaitTimeout,
)
from qqgroup_sync.dispatch.filters import Equal
from tests.waiting import eventually

DOT = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJg"
    "gg=="
)


@pytest.fixture
def client(qq):
    """A client; not started."""
    return Client.simulated(language="en")


@pytest.fixture
def group(qq):
    """A group whose bot hears everything."""
    group = qq.group("g")
    group.full_mode = True
    return group


@pytest.fixture
def ming(group):
    """A member."""
    return group.member("Ming")


def started(client):
    """Start a client and wait for it."""
    client.start()
    assert client.wait_ready(10)
    return client._life


def open_dialogues(client, count):
    """Wait until so many handlers are parked."""
    eventually(lambda: client._life._pool._parked == count, 10)


def told(chat, count=1):
    """The next texts of the bot."""
    return [chat.next_reply(10).text for _ in range(count)]


def errors_of(client):
    """The list of what handlers raise from now on."""
    errors = []
    client.on_exception(lambda error, _client, event: errors.append((error, event)))
    return errors


# ---------------------------------------------------------------------- asking


def test_a_conversation(qq, client, group, ming):
    """ask, confirm and choose, one after the other, in a group and in private."""

    @client.on_message(keywords="sign up")
    def sign_up(message):
        name = message.ask("name?").text
        age = message.ask("age?", check=lambda one: one.text.isdigit() or "a number!").text
        sure = message.confirm("sure?")
        team = message.choose("team?", ["red", "blue"])
        return f"{name} {age} {sure} {team}"

    started(client)
    for chat, person in ((group, ming), (qq.user("Hong"), qq.user("Hong"))):
        person.say("sign up")
        assert told(chat) == ["name?"]
        person.say("Ming")
        assert told(chat) == ["age?"]
        person.say("ten")
        assert told(chat) == ["a number!"]
        person.say("10")
        assert told(chat) == ["sure?"]
        person.say("是")
        team = chat.next_reply()
        person.click(team, "1-2").wait_acknowledged()
        assert told(chat) == ["Ming 10 True blue"]


def test_nobody_answers(qq, client, group, ming):
    """WaitTimeout after the seconds that were given, and a handler can say so."""

    @client.on_group_message(keywords="quiz")
    def quiz(message):
        try:
            message.ask("well?", timeout=60)
        except WaitTimeout:
            return "too late"

    client.on_group_message(lambda message: f"heard {message.text}")
    started(client)
    ming.say("quiz")
    assert told(group) == ["well?"]
    qq.clock.step(58)
    group.no_reply()
    qq.clock.step(2)
    assert told(group) == ["too late"]
    ming.say("here I am")
    assert told(group) == ["heard here I am"]


def test_a_handler_that_does_not_mind_ends_without_noise(qq, client, group, ming, caplog):
    """People go away: one line says so, and no traceback."""
    caplog.set_level("INFO")
    errors = errors_of(client)

    @client.on_group_message(keywords="quiz")
    def quiz(message):
        message.ask("well?", timeout=60)

    started(client)
    ming.say("quiz")
    assert told(group) == ["well?"]
    qq.clock.step(60)
    group.no_reply()
    assert isinstance(errors[0][0], WaitTimeout)
    (line,) = [one for one in caplog.records if "a handler ended" in one.getMessage()]
    assert line.levelname == "INFO"
    assert line.exc_info is None


def test_an_answer_without_words(client, group, ming):
    """A picture, and nothing else."""

    @client.on_group_message(keywords="draw")
    def draw(message):
        answer = message.ask("show me!")
        return f"{answer.text!r} {len(answer.attachments)} {len(answer.images)}"

    started(client)
    ming.say("draw")
    told(group)
    ming.send_picture(DOT)
    assert told(group) == ["'' 1 1"]


def test_long_dialogues_do_not_run_out_of_replies(client, group, ming):
    """A message has five; every answer brings its own, and the first keeps its for the end."""

    @client.on_group_message(keywords="quiz")
    def quiz(message):
        numbers = [message.ask(f"{number}?").text for number in range(12)]
        for _ in range(3):
            message.reply("and")
        return "".join(numbers)

    started(client)
    ming.say("quiz")
    for number in range(12):
        assert told(group) == [f"{number}?"]
        ming.say(str(number))
    assert told(group, 4) == ["and", "and", "and", "01234567891011"]


def test_buttons_bring_replies_as_well(client, group, ming):
    """Clicks are answered by their event, also when the person never types."""

    @client.on_group_message(keywords="quiz")
    def quiz(message):
        picked = [message.choose(f"{number}?", ["a", "b"]) for number in range(8)]
        return "".join(picked)

    started(client)
    ming.say("quiz")
    for _ in range(8):
        ming.click(group.next_reply(), "1-2")
    assert told(group) == ["b" * 8]


def test_a_dialogue_outlives_the_window_of_its_first_message(qq, client, group, ming):
    """Five minutes later only the newest message can be answered."""

    @client.on_group_message(keywords="quiz")
    def quiz(message):
        message.ask("a?", timeout=900)
        message.ask("b?")
        return "done"

    started(client)
    ming.say("quiz")
    assert told(group) == ["a?"]
    qq.clock.step(400)
    ming.say("1")
    assert told(group) == ["b?"]
    ming.say("2")
    assert told(group) == ["done"]


@pytest.mark.expected_errors
def test_who_never_answers_uses_his_message_up(client, group, ming):
    """Five questions without an answer are all that a message allows."""
    errors = errors_of(client)

    @client.on_group_message(keywords="quiz")
    def quiz(message):
        while True:
            message.wait("well?", max_time=0)

    started(client)
    ming.say("quiz")
    assert told(group, 5) == ["well?"] * 5
    eventually(lambda: errors)
    assert isinstance(errors[0][0], ReplyLimitReached)
    assert len(client._life.waiters) == 0


# ---------------------------------------------------------------------- many at once


def test_everybody_talks_at_once(qq, client, group):
    """40 people in dialogue, in one group, on 16 workers; others are answered meanwhile."""

    @client.on_group_message(keywords="quiz")
    def quiz(message):
        name = message.ask(f"{message.nickname}?").text
        return f"{message.nickname} said {name}"

    client.on_group_message(keywords="ping")(lambda message: "pong")
    started(client)
    people = [group.member(f"P{number:02}") for number in range(40)]
    for person in people:
        person.say("quiz")
    assert sorted(told(group, 40)) == [f"{person.name}?" for person in people]
    open_dialogues(client, 40)
    group.member("other").say("ping")
    assert told(group) == ["pong"]
    for person in reversed(people):
        person.say(person.name.lower())
    assert sorted(told(group, 40)) == [f"{one.name} said {one.name.lower()}" for one in people]
    open_dialogues(client, 0)


def test_one_person_here_and_there(qq, client, group, ming):
    """The same person in a group and in private: two dialogues that do not meet."""

    @client.on_message(keywords="quiz")
    def quiz(message):
        return f"{message.is_direct} {message.ask('well?').text}"

    started(client)
    private = qq.user("Ming")
    for person in (ming, private):
        person.say("quiz")
    assert told(group) + told(private) == ["well?", "well?"]
    private.say("there")
    assert told(private) == ["True there"]
    ming.say("here")
    assert told(group) == ["False here"]


@pytest.mark.parametrize("ordering", ["sender", "group"])
def test_who_types_ahead_is_understood(group, ming, ordering):
    """All answers come before the first question is out: they wait in the lane, in order."""
    client = Client.simulated(ordering=ordering)
    go = threading.Event()

    @client.on_group_message(keywords="quiz")
    def quiz(message):
        assert go.wait(10)
        answers = [message.ask(f"{number}?").text for number in range(20)]
        return " ".join(answers)

    client.on_group_message(lambda message: f"left over: {message.text}")
    started(client)
    ming.say("quiz")
    for number in range(20):
        ming.say(f"a{number}")
    go.set()
    assert told(group, 21)[-1] == " ".join(f"a{number}" for number in range(20))


def test_a_group_in_order_goes_on_while_one_is_asked(group, ming):
    """ordering="group": a handler that waits holds nobody up."""
    client = Client.simulated(ordering="group")

    @client.on_group_message(keywords="quiz")
    def quiz(message):
        return message.ask("well?").text

    client.on_group_message(lambda message: f"heard {message.text}")
    started(client)
    ming.say("quiz")
    told(group)
    group.member("Hong").say("me?")
    assert told(group) == ["heard me?"]
    ming.say("me!")
    assert told(group) == ["me!"]


def test_without_any_order_an_answer_counts_once(group, ming):
    """ordering=None: of two messages at once one is the answer, the other goes to the handlers."""
    client = Client.simulated(ordering=None)

    @client.on_group_message(keywords="quiz")
    def quiz(message):
        return f"answer {message.ask('well?').text}"

    client.on_group_message(lambda message: f"heard {message.text}")
    started(client)
    for number in range(20):
        ming.say("quiz")
        assert told(group) == ["well?"]
        ming.say(f"{number}a")
        ming.say(f"{number}b")
        both = sorted(told(group, 2))
        assert [one.split()[0] for one in both] == ["answer", "heard"]
        assert sorted(one.split()[1] for one in both) == [f"{number}a", f"{number}b"]


# ---------------------------------------------------------------------- whose message it is


def test_a_new_question_ends_the_old_one_quietly(client, group, ming, expected_errors):
    """The same command again: one dialogue, and no handler hears of an error."""
    errors, cancelled = errors_of(client), []

    @client.on_group_message(keywords="quiz")
    def quiz(message):
        try:
            answer = message.ask("well?", force=False)
        except WaitCancelled:
            cancelled.append(message.id)
            raise
        return f"{len(cancelled)} {answer.text}"

    started(client)
    for _ in range(3):
        ming.say("quiz")
        told(group)
    eventually(lambda: len(cancelled) == 2)
    ming.say("done")
    assert told(group) == ["2 done"]
    assert errors == expected_errors == []
    eventually(lambda: len(client._life.waiters) == 0)


def test_without_force_another_handler_goes_first(client, group, ming):
    """And that ends the waiting; what no handler wants is the answer."""
    cancelled = threading.Event()

    @client.on_group_message(keywords="quiz")
    def quiz(message):
        try:
            return f"got {message.wait('well?').text}"
        except WaitCancelled:
            cancelled.set()
            raise

    client.on_group_message(keywords=Equal("help"))(lambda message: "no help")
    started(client)
    ming.say("quiz")
    told(group)
    ming.say("this")
    assert told(group) == ["got this"]
    ming.say("quiz")
    told(group)
    ming.say("help")
    assert told(group) == ["no help"]
    assert cancelled.wait(10)


def test_with_force_the_waiter_goes_first(client, group, ming):
    """Whatever handlers there are."""

    @client.on_group_message(keywords="quiz")
    def quiz(message):
        return f"got {message.wait('well?', force=True).text}"

    client.on_group_message(keywords="help", level=100)(lambda message: "no help")
    started(client)
    ming.say("quiz")
    told(group)
    ming.say("help")
    assert told(group) == ["got help"]


def test_a_level_above_handlers(client, group, ming):
    """A waiter goes before handlers of a lower level, and after the others."""

    @client.on_group_message(keywords="quiz")
    def quiz(message):
        return f"got {message.wait('well?', level=5).text}"

    client.on_group_message(keywords="low", level=4)(lambda message: "low")
    client.on_group_message(keywords="high", level=5)(lambda message: "high")
    started(client)
    for said, answer in (("low", "got low"), ("high", "high")):
        ming.say("quiz")
        told(group)
        ming.say(said)
        assert told(group) == [answer]


@pytest.mark.expected_errors
@pytest.mark.parametrize("how", ["ask", "wait"])
def test_a_filter_that_raises_is_reported(client, group, ming, how):
    """The message goes on to the handlers, and the question stays open."""
    errors = errors_of(client)

    def number(answer):
        return int(answer.text) > 0

    @client.on_group_message(keywords=Equal("quiz"))
    def quiz(message):
        if how == "ask":
            return message.ask("well?", check=number).text
        return message.wait("well?", data_filter=number, force=True).text

    client.on_group_message(level=-1)(lambda message: f"heard {message.text}")
    started(client)
    ming.say("quiz")
    told(group)
    ming.say("x")
    assert told(group) == ["heard x"]
    error, event = errors[0]
    assert isinstance(error, ValueError)
    assert event.text == "x"
    if how == "ask":
        ming.say("7")
        assert told(group) == ["7"]


def test_what_the_filter_does_not_want_goes_on(client, group, ming):
    """To the handlers, while the waiter goes on waiting."""

    @client.on_group_message(keywords=Equal("quiz"))
    def quiz(message):
        return message.wait("well?", data_filter=lambda one: one.text.isdigit(), force=True).text

    started(client)
    ming.say("quiz")
    told(group)
    ming.say("words")
    ming.say("7")
    assert told(group) == ["7"]


def test_questions_inside_of_questions(client, group, ming):
    """A function that asks, called by one that asks, in the check of one that asks."""

    def sure(answer):
        return answer.confirm(f"{answer.text}, sure?")

    @client.on_group_message(keywords="quiz")
    def quiz(message):
        first = message.ask("name?", check=sure, again="again?")
        second = first.ask("friend?")
        return f"{first.text} {second.text}"

    started(client)
    ming.say("quiz")
    for question, said in (
        ("name?", "Ning"),
        ("Ning, sure?", "no"),
        ("again?", "Ming"),
        ("Ming, sure?", "yes"),
        ("friend?", "Hong"),
    ):
        assert told(group) == [question]
        ming.say(said)
    assert told(group) == ["Ming Hong"]


# ---------------------------------------------------------------------- buttons


def test_only_the_person_s_own_click_counts(client, group, ming):
    """Others may click: the question goes on, and who observes everything sees it."""
    seen = []
    client.on_event("INTERACTION_CREATE")(lambda click: seen.append(click.sender))

    @client.on_group_message(keywords="quiz")
    def quiz(message):
        return message.choose("which?", ["red", "blue"])

    started(client)
    hong = group.member("Hong")
    ming.say("quiz")
    question = group.next_reply()
    hong.click(question, "1-1").wait_acknowledged()
    eventually(lambda: seen == [hong.openid])
    open_dialogues(client, 1)
    ming.click(question, "1-2").wait_acknowledged()
    assert told(group) == ["blue"]
    ming.click(question, "1-1").wait_acknowledged()
    assert told(group) == ["This button does not work any more."]
    eventually(lambda: seen == [hong.openid, ming.openid, ming.openid])


def test_two_people_choose_at_once(client, group, ming):
    """Each by his own buttons."""

    @client.on_group_message(keywords="quiz")
    def quiz(message):
        return f"{message.nickname}: {message.choose('which?', ['red', 'blue'])}"

    started(client)
    hong = group.member("Hong")
    ming.say("quiz")
    first = group.next_reply()
    hong.say("quiz")
    second = group.next_reply()
    hong.click(second, "1-1")
    assert told(group) == ["Hong: red"]
    ming.click(first, "1-2")
    assert told(group) == ["Ming: blue"]


def test_a_bot_without_buttons_numbers_the_choice(qq, client, group, ming):
    """The platform refuses, and the person sees a list instead."""

    @client.on_group_message(keywords="quiz")
    def quiz(message):
        return f"{message.choose('which?', ['red', 'blue'])} {message.confirm('sure?')}"

    started(client)
    no_right = {"code": 304036, "message": "no permission"}
    qq.faults.fail(r"/messages$", status=403, body=no_right)
    ming.say("quiz")
    assert told(group) == ["which?\n1. red\n2. blue"]
    qq.faults.fail(r"/messages$", status=403, body=no_right)
    ming.say("第二个")
    assert told(group) == ["sure?\n1. Yes\n2. No"]
    ming.say("2")
    assert told(group) == ["blue False"]


def test_what_has_no_room_on_buttons_is_numbered(client, group, ming):
    """Long labels, and more than 25 of them."""

    @client.on_group_message(keywords="quiz")
    def quiz(message):
        long = message.choose("which?", ["a very long label", "b"])
        return f"{long} {message.choose('which?', list(range(100, 130)))}"

    started(client)
    ming.say("quiz")
    question = group.next_reply()
    assert (question.text, question.keyboard) == ("which?\n1. a very long label\n2. b", None)
    ming.say("1")
    assert told(group)[0].splitlines()[30] == "30. 129"
    ming.say("30")
    assert told(group) == ["a very long label 129"]


def test_a_choice_traps_nobody(client, group, ming, expected_errors):
    """Answers go before a handler for everything; commands get through and end the question."""
    errors, ended = errors_of(client), []

    @client.on_group_message(keywords=Equal("quiz"), level=1)
    def quiz(message):
        try:
            return f"took {message.choose('which?', ['red', 'help me'])}"
        except WaitCancelled:
            ended.append(message.id)
            raise

    client.on_group_message(keywords="help")(lambda message: "no help")
    life = started(client)
    for said, answer in (("help", "no help"), ("help me", "took help me"), ("1", "took red")):
        ming.say("quiz")
        assert told(group) == ["which?"]
        ming.say(said)
        assert told(group) == [answer]
    eventually(lambda: len(ended) == 1)
    ming.say("quiz")
    assert told(group) == ["which?"]
    ming.say("blue")
    assert told(group)[0].startswith("Please answer with one of the numbers")
    ming.say("help")
    assert told(group) == ["no help"]
    eventually(lambda: len(ended) == 2)
    ming.say("quiz")
    assert told(group) == ["which?"]
    ming.say("算了")
    eventually(lambda: len(ended) == 3)
    client.on_group_message(lambda message: f"heard {message.text}")
    ming.say("quiz")
    assert told(group) == ["which?"]
    ming.say("1")
    assert told(group) == ["took red"]
    open_dialogues(client, 0)
    assert len(life.waiters) == 0
    assert errors == expected_errors == []


def test_a_choice_in_a_game_keeps_its_person(client, group, ming):
    """No handler hears of what is said there, so the question is offered it all."""

    @client.on_group_message(keywords="game")
    def game(message):
        item = message.wait_channel("who?", force=True)
        picked = item.message.choose("which?", ["red", "blue"])
        item.close_event()
        return picked

    started(client)
    ming.say("game")
    told(group)
    ming.say("me")
    assert told(group) == ["which?"]
    ming.say("green")
    assert told(group)[0].startswith("Please answer")
    ming.say("blue")
    assert told(group) == ["blue"]


def test_a_button_may_go_on_asking(qq, client, group, ming):
    """What it calls asks who clicked, and nobody else, in a group and in private."""

    def order(click):
        dish = click.choose("What would you like?", ["noodles", "rice"])
        count = click.ask("How many?").text
        return f"{count} x {dish} {click.confirm('sure?')}"

    menu = Chain().text("menu").keyboard(Keyboard().row(Button("order", on_click=order)))
    client.on_message(keywords="menu")(lambda message: menu)
    started(client)
    hong = group.member("Hong")
    private = qq.user("Ming")
    for chat, person in ((group, ming), (private, private)):
        person.say("menu")
        person.click(chat.next_reply(), "1-1").wait_acknowledged()
        question = chat.next_reply()
        if chat is group:
            hong.say("3")
            hong.click(question, "1-1")
        person.click(question, "1-2")
        assert told(chat) == ["How many?"]
        person.say("2")
        assert told(chat) == ["sure?"]
        person.say("yes")
        assert told(chat) == ["2 x rice True"]
    assert len(client._life.waiters) == 0


def test_a_hundred_clicks_that_wait_hold_nobody_up(client, group):
    """Whoever asks after a click gives back his worker and his lane, as other handlers do."""
    click_me = Button("go", on_click=lambda click: f"hello {click.ask('name?').text}")
    menu = Chain().text("menu").keyboard(Keyboard().row(click_me))
    client.on_group_message(keywords="menu")(lambda message: menu)
    client.on_group_message(keywords="ping")(lambda message: "pong")
    life = started(client)
    people = [group.member(f"P{number:03}") for number in range(100)]
    people[0].say("menu")
    shown = group.next_reply(10)
    for person in people:
        person.click(shown, "1-1")
    open_dialogues(client, 100)
    assert told(group, 100) == ["name?"] * 100
    group.member("other").say("ping")
    assert told(group) == ["pong"]
    for person in people:
        person.say(person.name)
    assert sorted(told(group, 100)) == [f"hello {person.name}" for person in people]
    open_dialogues(client, 0)
    assert len(life.waiters) == 0


# ---------------------------------------------------------------------- anybody in the group


def test_a_game_with_everybody(client, group, ming):
    """Who is first: anybody may answer until the channel is closed; then handlers hear again."""

    @client.on_group_message(keywords="game")
    def game(message):
        said = "2 + 2?"
        while item := message.wait_channel(said, force=True, max_time=10):
            if item.message.text == "4":
                item.close_event()
                return f"{item.message.nickname} wins"
            said = f"no, {item.message.nickname}"
        return None

    client.on_group_message(lambda message: f"heard {message.text}")
    started(client)
    ming.say("game")
    assert told(group) == ["2 + 2?"]
    group.member("A").say("3")
    assert told(group) == ["no, A"]
    group.member("B").say("4")
    assert told(group) == ["B wins"]
    group.member("C").say("4")
    assert told(group) == ["heard 4"]
    assert len(client._life.waiters) == 0


@pytest.mark.expected_errors
def test_a_game_that_fails_leaves_the_group_as_it_was(client, group, ming):
    """One error, and from then on everybody is answered again."""

    @client.on_group_message(keywords="game")
    def game(message):
        said = "2 + 2?"
        while item := message.wait_channel(said, force=True, max_time=None):
            if int(item.message.text) == 4:  # people write words
                break
            said = "no"

    client.on_command("ping")(lambda: "pong")
    errors = errors_of(client)
    started(client)
    ming.say("game")
    assert told(group) == ["2 + 2?"]
    group.member("Bo").say("hm?")
    eventually(lambda: errors)
    eventually(lambda: len(client._life.waiters) == 0)
    group.member("Cy").say("/ping")
    assert told(group) == ["pong"]


@pytest.mark.parametrize("clean", [True, False])
def test_what_came_between_two_waits(client, group, ming, clean):
    """A queue with clean=False; dropped otherwise. It is never a handler's."""
    asked, go = threading.Event(), threading.Event()

    @client.on_group_message(keywords="game")
    def game(message):
        first = message.wait_channel("go!", force=True)
        asked.set()
        assert go.wait(10)
        second = message.wait_channel("more!", force=True, clean=clean)
        second.event.close_event()
        return f"{first.message.text} {second.message.text}"

    client.on_group_message(lambda message: f"heard {message.text}")
    life = started(client)
    ming.say("game")
    told(group)
    people = [group.member(f"P{number}") for number in range(3)]
    people[0].say("0")
    assert asked.wait(10)
    people[1].say("1")
    (channel,) = life.waiters.of(("group", group.openid))
    eventually(lambda: len(channel.caught) == 1)
    go.set()
    assert told(group) == ["more!"]
    if clean:
        people[2].say("2")
    assert told(group) == ["0 2" if clean else "0 1"]


def test_a_group_game_asks_its_members(client, group, ming):
    """A person's own question goes before the game that hears everybody."""

    @client.on_group_message(keywords="game")
    def game(message):
        item = message.wait_channel("who?", force=True)
        name = item.message.ask("your name?").text
        item.close_event()
        return f"hello {name}"

    started(client)
    ming.say("game")
    told(group)
    hong = group.member("Hong")
    hong.say("me")
    assert told(group) == ["your name?"]
    hong.say("Hong")
    assert told(group) == ["hello Hong"]


@pytest.mark.expected_errors
def test_a_private_chat_has_no_channel(qq, client):
    """StateError says what to use instead."""
    errors = errors_of(client)
    client.on_c2c_message(lambda message: message.wait_channel())
    started(client)
    qq.user("Hong").say("game")
    eventually(lambda: errors)
    assert isinstance(errors[0][0], StateError)
    assert "wait()" in errors[0][0].remedy


# ---------------------------------------------------------------------- wait_for


def test_wait_for_takes_nothing_away(qq, client, group, ming):
    """From the main thread: by class, by name, with a check; handlers get the event, too."""
    client.on_message(lambda message: f"heard {message.text}")
    started(client)
    hong = qq.user("Hong")

    def soon(*sayings):
        eventually(lambda: client._life.waiters.watched)
        for person, text in sayings:
            person.say(text)

    for arguments, options, wanted in (
        ((C2CMessage,), {}, "private"),
        (("C2C_MESSAGE_CREATE",), {}, "private"),
        ((), {"check": lambda event: event.text == "two"}, "two"),
        ((GroupMessage,), {"check": lambda event: event.text.startswith("t")}, "two"),
    ):
        thread = threading.Thread(
            target=soon, args=((ming, "one"), (ming, "two"), (hong, "private"))
        )
        thread.start()
        assert client.wait_for(*arguments, timeout=10, **options).text == wanted
        thread.join()
        assert told(group, 2) == ["heard one", "heard two"]
        assert told(hong) == ["heard private"]


def test_wait_for_nothing(client):
    """None in time; StateError without a running client."""
    with pytest.raises(StateError):
        client.wait_for(GroupMessage)
    started(client)
    assert client.wait_for(GroupMessage, timeout=0.01) is None


def test_wait_for_in_a_handler(client, group, ming):
    """It waits like a question: its worker is free meanwhile."""

    @client.on_group_message(keywords="wake me")
    def wake(message):
        found = client.wait_for("GROUP_ADD_ROBOT", timeout=10)
        return f"{found.name}"

    life = started(client)
    ming.say("wake me")
    open_dialogues(client, 1)
    group.remove_bot()
    group.add_bot()
    eventually(lambda: life._pool._parked == 0)


def test_the_check_of_wait_for_raises_where_it_is(client, group, ming):
    """Not in a worker, and no other watcher misses the event."""
    client.on_message(lambda message: f"heard {message.text}")
    started(client)

    def soon():
        eventually(lambda: client._life.waiters.watched)
        ming.say("x")

    thread = threading.Thread(target=soon)
    thread.start()
    with pytest.raises(ValueError, match="invalid literal"):
        client.wait_for(GroupMessage, check=lambda event: int(event.text), timeout=10)
    thread.join()
    assert told(group) == ["heard x"]


def test_asking_from_the_main_thread(client, group, ming):
    """Without any handler: what a notebook does."""
    started(client)

    def talk():
        eventually(lambda: client._life.waiters.watched)
        ming.say("hello")
        assert told(group) == ["name?"]
        ming.say("Ming")

    thread = threading.Thread(target=talk)
    thread.start()
    message = client.wait_for(GroupMessage, timeout=10)
    answer = message.ask("name?")
    thread.join()
    assert answer.text == "Ming"


# ---------------------------------------------------------------------- the end


def test_stop_ends_every_dialogue(qq, client, group, ming, expected_errors):
    """At once and quietly; nothing stays, and the next start knows nothing of them."""
    errors, ended = errors_of(client), []

    @client.on_group_message(keywords="quiz")
    def quiz(message):
        kinds = {
            "ask": lambda: message.ask("well?", timeout=None),
            "choose": lambda: message.choose("well?", ["a"], timeout=None),
            "wait": lambda: message.wait("well?", max_time=None),
            "channel": lambda: message.wait_channel("well?", max_time=None),
            "event": lambda: client.wait_for("NEVER", timeout=None),
        }
        try:
            return kinds[message.text.split()[1]]().text
        except WaitCancelled:
            ended.append(message.text)
            raise

    for _ in range(2):
        life = started(client)
        for number in range(10):
            for kind in ("ask", "choose", "wait"):
                group.member(f"{kind}{number}").say(f"quiz {kind}")
        ming.say("quiz channel")
        group.member("Hong").say("quiz event")
        told(group, 31)
        open_dialogues(client, 32)
        begun = time.monotonic()
        assert client.stop()
        assert time.monotonic() - begun < 3
        assert len(ended) == 32
        assert (len(life.waiters), life._pool._parked, life._pool.size) == (0, 0, 0)
        ended.clear()
    assert errors == expected_errors == []
    client.start()
    assert client.wait_ready(10)
    ming.say("quiz ask")
    assert told(group) == ["well?"]
    ming.say("still here")
    assert told(group) == ["still here"]


def test_a_handler_between_two_questions_ends_as_quietly(client, group, ming, expected_errors):
    """The next question of a client that stops is cancelled, and no error."""
    errors, asked, stopping = errors_of(client), threading.Event(), threading.Event()
    outcome = []

    @client.on_group_message(keywords="quiz")
    def quiz(message):
        message.ask("a?")
        asked.set()
        assert stopping.wait(10)
        try:
            message.ask("b?")
        except WaitCancelled:
            outcome.append("cancelled")
            raise

    life = started(client)
    ming.say("quiz")
    told(group)
    ming.say("1")
    assert asked.wait(10)
    stopper = threading.Thread(target=client.stop)
    stopper.start()
    eventually(lambda: life.waiters._ended)
    stopping.set()
    stopper.join()
    assert outcome == ["cancelled"]
    assert errors == expected_errors == []


@pytest.mark.parametrize("wrong", [{"timeout": "soon"}, {"timeout": -1}, {"check": "hello"}])
def test_wait_for_with_a_wrong_argument(client, wrong):
    """It is refused in the line of whoever waits."""
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        client.wait_for("GROUP_ADD_ROBOT", **wrong)
