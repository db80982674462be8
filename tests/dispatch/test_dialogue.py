"""Dialogue: what is said to whom by which message, and what an answer means."""

from __future__ import annotations

import contextlib
import re
import threading
from dataclasses import replace

import pytest

from qqgroup_sync.dispatch.choices import Choices
from qqgroup_sync.dispatch.dialogue import HEARD, Dialogues
from qqgroup_sync.dispatch.waiters import Waiters
from qqgroup_sync.errors import (
    ConfigError,
    ContentRejected,
    Forbidden,
    NotFound,
    PartialSendError,
    RateLimited,
    ReplyLimitReached,
    ServerError,
    StateError,
    WaitCancelled,
    WaitTimeout,
)
from qqgroup_sync.events.models import C2CMessage, GroupMessage, Interaction, Member
from qqgroup_sync.message.chain import Chain
from qqgroup_sync.message.elements import Text as Words
from qqgroup_sync.message.keyboard import LONGEST_LABEL
from qqgroup_sync.runtime.clock import Clock
from tests.waiting import LIMIT, eventually


class Bot:
    """The client behind the messages of a group; notes which of them was answered with what."""

    def __init__(self, language="en"):
        self.waiters = Waiters(Clock(), contextlib.nullcontext)
        self.dialogues = Dialogues(self.waiters, Clock(), language)
        self.said = []
        self.left = {}
        self.refuse = lambda _event, _content: None
        self.results = []
        self.threads = []
        self.count = 0

    # What events ask for.

    def dialogue(self, message):
        return self.dialogues.of(message)

    def replies_left(self, event):
        return self.left.get(name_of(event), 5)

    def reply(self, event, content, *, quote, timeout):
        error = self.refuse(event, content)
        if error is not None:
            raise error
        if self.replies_left(event) == 0:
            raise ReplyLimitReached("used up")
        self.left[name_of(event)] = self.replies_left(event) - 1
        self.said.append((name_of(event), content))

    # What tests do.

    def message(self, text="hi", who="M", kind=GroupMessage, **more):
        self.count += 1
        return kind(
            id=f"m{self.count}",
            text=text,
            author=Member(who),
            group_openid="" if kind is C2CMessage else "G",
            received_at=float(self.count),
            actions=self,
            **more,
        )

    def handle(self, function):
        """Run a handler in a thread; its outcome is appended to ``results``."""

        def run():
            try:
                self.results.append(function())
            except BaseException as error:
                self.results.append(error)

        thread = threading.Thread(target=run)
        self.threads.append(thread)
        thread.start()

    def waiter(self, *keys):
        """Wait until somebody waits for the person M."""
        keys = keys or ((("group", "G"), "M"),)
        eventually(lambda: any(one.waits and one.takes for one in self.waiters.of(*keys)))
        return self.waiters.of(*keys)[0]

    def hear(self, text="hi", **more):
        """Let M say something to who waits for it; return the message."""
        said = text if isinstance(text, GroupMessage) else self.message(text, **more)
        waiter = self.waiter()
        # Before the handlers, and when none of them wants it.
        assert waiter.accepts(said) or (not waiter.force and waiter.accepts(said))
        assert self.waiters.hand_over(waiter, said)
        return said

    def click(self, place, who="M"):
        """Let somebody click on a button of the last question; return whether it was taken."""
        self.waiter()
        keyboard = next(one for one in self.said[-1][1] if hasattr(one, "rows"))
        button = [button for row in keyboard.rows for button in row][place]
        self.count += 1
        click = Interaction(
            interaction_id=f"c{self.count}",
            button_data=button.data,
            scene="group",
            group_openid="G",
            member_openid=who,
            received_at=float(self.count),
            actions=self,
        )
        key = ("click", button.data)
        return any(
            one.accepts(click, key) and self.waiters.hand_over(one, click)
            for one in self.waiters.of(key)
        )

    @property
    def result(self):
        eventually(lambda: self.results)
        return self.results.pop()

    @property
    def texts(self):
        return [str(content) for _, content in self.said]


def name_of(event):
    """What a message or a click is called here."""
    return getattr(event, "id", "") or event.interaction_id


@pytest.fixture
def bot():
    """A bot without a platform."""
    bot = Bot()
    yield bot
    bot.waiters.close()
    for thread in bot.threads:
        thread.join(LIMIT)
        assert not thread.is_alive()
    assert len(bot.waiters) == 0


# ---------------------------------------------------------------------- ask


def test_ask_returns_the_answer(bot):
    """The message itself, with all that it carries."""
    first = bot.message()
    bot.handle(lambda: first.ask("name?"))
    answer = bot.hear("Ming")
    assert bot.result is answer
    assert bot.said == [("m1", "name?")]


def test_what_does_not_fit_may_be_said_again(bot):
    """False brings the usual words, words are said as they are, True fits."""
    verdicts = {"a": False, "b": "too short", "c": True}
    first = bot.message()
    bot.handle(lambda: first.ask("name?", check=lambda answer: verdicts[answer.text]))
    bot.hear("a")
    bot.hear("b")
    bot.hear("c")
    assert bot.result.text == "c"
    assert bot.said == [
        ("m1", "name?"),
        ("m2", "That does not fit, please try again."),
        ("m3", "too short"),
    ]


@pytest.mark.parametrize(
    ("wrong", "right", "check"),
    [
        ("abc", "12", lambda answer: re.match(r"\d+$", answer.text)),
        ("", "12", lambda answer: answer.text and answer.text.isdecimal()),
        ("abc", "12", lambda answer: re.findall(r"\d", answer.text)),
        ("abc", "12", lambda answer: Chain() if answer.text == "abc" else 1),
    ],
    ids=["match or None", "empty str or bool", "list", "empty chain or number"],
)
def test_a_check_counts_as_true_or_false(bot, wrong, right, check):
    """As in an ``if``: what it returns need not be a bool."""
    first = bot.message()
    bot.handle(lambda: first.ask("age?", check=check, again="a number!"))
    bot.hear(wrong)
    bot.hear(right)
    assert bot.result.text == right
    assert bot.texts == ["age?", "a number!"]


@pytest.mark.parametrize("complaint", ["no", Chain().text("no"), Words("no")])
def test_a_complaint_is_said(bot, complaint):
    """Whether it is a str, a chain or an element; ``again`` is for those without words."""
    first = bot.message()
    bot.handle(lambda: first.ask("age?", check=lambda one: one.text == "3" or complaint, again="?"))
    bot.hear("x")
    bot.hear("3")
    assert bot.result.text == "3"
    assert bot.said[1] == ("m2", complaint)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda message: message.ask("age?", check=r"\d+"), "check"),
        (lambda message: message.wait("age?", data_filter=3), "data_filter"),
        (lambda message: message.wait_channel("age?", data_filter=True), "data_filter"),
    ],
    ids=["ask", "wait", "wait_channel"],
)
def test_a_check_that_cannot_be_called_is_refused(bot, call, name):
    """At once, and not when the first answer comes."""
    with pytest.raises(ConfigError, match=f"{name}= is a") as error:
        call(bot.message())
    assert f"{name}=lambda" in error.value.remedy
    assert bot.said == []
    assert len(bot.waiters) == 0


@pytest.mark.parametrize("value", [-1, -0.1, "5", True, float("nan"), [3]])
@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda message, value: message.ask("?", timeout=value), "timeout"),
        (lambda message, value: message.choose("?", ["a"], timeout=value), "timeout"),
        (lambda message, value: message.confirm("?", timeout=value), "timeout"),
        (lambda message, value: message.wait("?", max_time=value), "max_time"),
        (lambda message, value: message.wait_channel("?", max_time=value), "max_time"),
    ],
    ids=["ask", "choose", "confirm", "wait", "wait_channel"],
)
def test_what_is_no_time_is_refused(bot, call, name, value):
    """Before anything is said."""
    with pytest.raises(ConfigError, match=f"^{name}=") as error:
        call(bot.message(), value)
    assert name in error.value.remedy
    assert bot.said == []


@pytest.mark.parametrize("value", [-1, "2", None, True, 1.5])
@pytest.mark.parametrize(
    "call",
    [
        lambda message, value: message.ask("?", timeout=0.01, retries=value),
        lambda message, value: message.choose("?", ["a"], timeout=0.01, retries=value),
        lambda message, value: message.confirm("?", timeout=0.01, retries=value),
    ],
    ids=["ask", "choose", "confirm"],
)
def test_what_is_no_number_of_tries_is_refused(bot, call, value):
    """Before anything is said."""
    with pytest.raises(ConfigError, match=r"^retries=") as error:
        call(bot.message(), value)
    assert error.value.remedy
    assert bot.said == []


def test_an_endless_time_is_no_limit(bot):
    """More than a lock can wait is as good as None."""
    first = bot.message()
    bot.handle(lambda: first.ask("?", timeout=float("inf")))
    bot.hear("here")
    assert bot.result.text == "here"


def test_tries_are_counted(bot):
    """Two retries, with words of one's own, and nothing is said to the last one."""
    first = bot.message()
    bot.handle(lambda: first.ask("age?", check=lambda one: one.text.isdigit(), again="a number!"))
    for text in "xyz":
        bot.hear(text)
    error = bot.result
    assert isinstance(error, WaitTimeout)
    assert "3 tries" in str(error)
    assert bot.texts == ["age?", "a number!", "a number!"]


def test_all_tries_share_the_time(bot):
    """The time-out counts from the question."""
    first = bot.message()
    bot.handle(lambda: first.ask("age?", timeout=0.2, retries=9, check=lambda _one: False))
    bot.hear("x")
    error = bot.result
    assert isinstance(error, WaitTimeout)
    assert isinstance(error, TimeoutError)
    assert "within 0.2 s" in str(error)


def test_a_check_that_raises_leaves_the_message_to_others(bot):
    """The dispatcher reports it; the question stays open."""
    first = bot.message()
    bot.handle(lambda: first.ask("age?", check=lambda one: int(one.text) > 0))
    with pytest.raises(ValueError, match="invalid literal"):
        bot.waiter().accepts(bot.message("x"))
    bot.hear("3")
    assert bot.result.text == "3"


def test_a_check_may_ask_itself(bot):
    """A question inside of a question, of the same person."""
    first = bot.message()

    def sure(answer):
        return answer.ask(f"{answer.text}, sure?").text == "yes"

    bot.handle(lambda: first.ask("name?", check=sure))
    outer = bot.waiter()
    for name, reply in (("Ning", "no"), ("Ming", "yes")):
        said = bot.message(name)
        offered = threading.Thread(
            target=lambda said=said: outer.accepts(said) and bot.waiters.hand_over(outer, said)
        )
        offered.start()
        eventually(lambda: bot.waiter() is not outer)
        bot.hear(reply)
        offered.join(LIMIT)
        if reply == "no":
            eventually(lambda: bot.waiter() is outer)
    assert bot.result.text == "Ming"


def test_a_question_that_cannot_be_sent_ends_the_waiting(bot):
    """The handler gets the error, and nobody waits."""
    first = bot.message()
    bot.refuse = lambda _event, _content: ContentRejected("bad words")
    with pytest.raises(ContentRejected):
        first.ask("name?")
    assert len(bot.waiters) == 0


def test_without_a_client_there_is_no_dialogue():
    """A message that was built by hand."""
    with pytest.raises(StateError):
        GroupMessage(id="m").ask("name?")


# ---------------------------------------------------------------------- through which message


def test_questions_go_through_the_newest_message(bot):
    """So the first message keeps its replies for the handler's own answer."""
    first = bot.message()

    def handler():
        for number in range(8):
            first.ask(f"{number}?")
        first.reply("done")

    bot.handle(handler)
    for number in range(8):
        bot.hear(f"{number}")
    assert bot.result is None
    assert [name for name, _ in bot.said] == [*(f"m{number}" for number in range(1, 9)), "m1"]


def test_an_answer_that_is_used_up_is_passed_over(bot):
    """The first message helps out, and the other way round."""
    first = bot.message()
    bot.handle(lambda: (first.ask("a?"), first.ask("b?"), first.ask("c?")))
    bot.left["m2"] = 0
    bot.hear("a")  # m2
    bot.waiter()
    bot.left["m1"] = 0
    bot.hear("b")  # m3
    bot.hear("c")
    assert len(bot.result) == 3
    assert bot.said == [("m1", "a?"), ("m1", "b?"), ("m3", "c?")]


def test_a_long_question_looks_for_a_message_with_room(bot):
    """The newest one has too few replies left for all parts."""
    first = bot.message()
    bot.handle(lambda: (first.ask("a?"), first.ask("long?")))
    bot.refuse = lambda event, _content: ReplyLimitReached("two") if event.id == "m2" else None
    bot.hear("a")
    bot.hear("b")
    assert len(bot.result) == 2
    assert bot.said == [("m1", "a?"), ("m1", "long?")]


def test_an_old_answer_does_not_carry_a_new_question(bot):
    """Of the dialogue before; the message that began this one is newer."""
    first = bot.message()
    bot.handle(lambda: first.ask("a?"))
    bot.hear("a")
    assert bot.result
    second = bot.message()
    bot.handle(lambda: second.ask("b?"))
    bot.hear("b")
    assert bot.result
    assert bot.said == [("m1", "a?"), ("m3", "b?")]


def test_people_do_not_lend_each_other_their_messages(bot):
    """And what one said in private does not answer the group."""
    ming, hong = bot.message(), bot.message(who="H")
    bot.handle(lambda: ming.ask("a?"))
    bot.hear("a")
    assert bot.result
    private = bot.message(kind=C2CMessage)
    bot.handle(lambda: hong.ask("b?"))
    bot.waiter((("group", "G"), "H"))
    bot.handle(lambda: private.ask("c?"))
    bot.waiter((("c2c", "M"), "M"))
    assert bot.said == [("m1", "a?"), ("m2", "b?"), ("m4", "c?")]


def test_a_click_that_cannot_be_answered_is_passed_over(bot):
    """The platform does not say which ones can."""
    first = bot.message()

    def handler():
        first.choose("which?", ["red"])
        first.ask("name?")

    bot.handle(handler)
    bot.refuse = lambda event, _content: (
        NotFound("no such event") if isinstance(event, Interaction) else None
    )
    assert bot.click(0)
    bot.hear("x")
    assert bot.result is None
    assert [name for name, _ in bot.said] == ["m1", "m1"]


def test_a_click_that_may_have_been_answered_is_not_answered_twice(bot):
    """After a server error nobody knows."""
    first = bot.message()
    bot.handle(lambda: (first.choose("which?", ["red"]), first.ask("name?")))
    bot.refuse = lambda event, _content: (
        ServerError("504") if isinstance(event, Interaction) else None
    )
    assert bot.click(0)
    assert isinstance(bot.result, ServerError)


def test_not_more_people_are_remembered_than_may_wait(bot):
    """Memory stays flat."""
    for number in range(HEARD + 10):
        bot.dialogues.note(number, bot.message())
    assert len(bot.dialogues._heard) == HEARD


# ---------------------------------------------------------------------- choosing


def test_a_click_chooses(bot):
    """The option itself comes back, not its label."""
    options = [3, None, ("a", "b")]
    first = bot.message()
    bot.handle(lambda: first.choose("which?", options))
    assert bot.click(2)
    assert bot.result is options[2]
    assert bot.texts == ["which?[3] [None] [('a', 'b')]"]


def test_options_that_look_the_same_are_different_buttons(bot):
    """Each click means its own option."""
    for place in range(2):
        options = [Same(), Same()]
        first = bot.message()
        bot.handle(lambda first=first, options=options: first.choose("which?", options))
        assert bot.click(place)
        assert bot.result is options[place]


class Same:
    """Looks like every other one."""

    def __str__(self):
        return "same"


def test_clicks_of_others_are_not_taken(bot):
    """Nor those on buttons of an earlier question, nor of a person in another one."""
    first = bot.message()
    bot.handle(lambda: first.choose("which?", ["red", "blue"]))
    assert not bot.click(0, who="H")
    assert bot.click(1)
    assert bot.result == "blue"
    bot.handle(lambda: first.ask("and?"))
    bot.waiter()
    bot.said.pop()
    assert not bot.click(0)


def test_words_are_understood_beside_buttons(bot):
    """And what means nothing gets the list, with numbers."""
    first = bot.message()
    bot.handle(lambda: first.choose("which?", ["red", "blue"]))
    bot.hear("green")
    bot.hear("２")
    assert bot.result == "blue"
    assert bot.texts[1].splitlines() == [
        'Please answer with one of the numbers, or with "cancel":',
        "1. red",
        "2. blue",
    ]


@pytest.mark.parametrize(
    "ask",
    [
        lambda message, **more: message.choose("which?", ["red", "blue"], **more),
        lambda message, **more: message.confirm("sure?", **more),
    ],
    ids=["choose", "confirm"],
)
@pytest.mark.parametrize(("more", "tries"), [({}, 3), ({"retries": 0}, 1)])
def test_who_never_chooses_is_let_go(bot, ask, more, tries):
    """After as many tries as ask allows; nothing is said to the last one."""
    first = bot.message()
    bot.handle(lambda: ask(first, **more))
    for _ in range(tries):
        bot.hear("hm")
    error = bot.result
    assert isinstance(error, WaitTimeout)
    assert f"{tries} tries" in str(error)
    assert len(bot.said) == tries


@pytest.mark.parametrize("word", ["取消", "算了", "Cancel!"])
def test_a_choice_can_be_called_off(bot, word):
    """Quietly, unless the word stands on a button."""
    first = bot.message()
    bot.handle(lambda: first.choose("which?", ["red", "blue"]))
    bot.hear(word)
    assert isinstance(bot.result, WaitCancelled)
    bot.handle(lambda: first.choose("which?", ["red", word]))
    bot.hear(word)
    assert bot.result == word
    assert bot.texts == ["which?[red] [blue]", f"which?[red] [{word}]"]


def test_only_answers_go_before_handlers(bot):
    """Other words wait until no handler wants them; with force, all come first."""
    first = bot.message()
    bot.handle(lambda: first.choose("which?", ["red", "blue"]))
    waiter = bot.waiter()
    assert not waiter.accepts(bot.message("help"))
    assert not waiter.force
    assert waiter.accepts(bot.message("help"))  # offered again
    assert waiter.force
    bot.hear("red")
    assert bot.result == "red"
    bot.handle(lambda: first.choose("which?", ["red", "blue"], force=True))
    assert bot.waiter().accepts(bot.message("help"))
    bot.hear("blue")
    assert bot.result == "blue"


@pytest.mark.parametrize(
    "options",
    [["x" * (LONGEST_LABEL + 1), "b"], ["", "b"], [str(number) * 2 for number in range(26)]],
    ids=["too long", "empty", "too many"],
)
def test_what_does_not_fit_on_buttons_is_numbered(bot, options):
    """From the beginning."""
    first = bot.message()
    bot.handle(lambda: first.choose("which?", options))
    bot.hear("2")
    assert bot.result == options[1]
    assert bot.texts[0].splitlines()[:2] == ["which?", f"1. {options[0]}"]


def test_refused_buttons_become_numbers(bot):
    """A bot without the right to them."""

    def refuse(_event, content):
        return Forbidden("no buttons") if "[red]" in str(content) else None

    bot.refuse = refuse
    first = bot.message()
    bot.handle(lambda: first.choose("which?", ["red", "blue"]))
    bot.hear("1")
    assert bot.result == "red"
    assert bot.texts == ["which?\n1. red\n2. blue"]


def test_buttons_refused_after_the_picture_was_sent(bot):
    """What is out is not said twice."""
    cause = ContentRejected("no buttons")

    def refuse(_event, content):
        if "[red]" not in str(content):
            return None
        error = PartialSendError("part 2 of 2 was not sent", sent=["m"])
        error.__cause__ = cause
        return error

    bot.refuse = refuse
    first = bot.message()
    bot.handle(lambda: first.choose("which?", ["red", "blue"]))
    bot.hear("1")
    assert bot.result == "red"
    assert bot.texts == ["1. red\n2. blue"]


@pytest.mark.parametrize("error", [RateLimited, ServerError, ReplyLimitReached])
def test_a_refusal_that_has_nothing_to_do_with_buttons_is_raised(bot, error):
    """A second question would not do better, or would be a second one."""
    bot.refuse = lambda _event, _content: error("no")
    with pytest.raises(error):
        bot.message().choose("which?", ["red"])
    assert len(bot.waiters) == 0


@pytest.mark.parametrize("options", ["abc", b"abc", 5, None])
def test_what_is_no_list_of_options_is_refused(bot, options):
    """A word would be a button for each letter."""
    with pytest.raises(ConfigError, match="not a list") as error:
        bot.message().choose("which?", options)
    assert "list" in error.value.remedy
    assert bot.said == []


def test_there_must_be_something_to_choose(bot):
    """Said in the line that is wrong."""
    with pytest.raises(ConfigError, match="options"):
        bot.message().choose("which?", [])
    assert bot.said == []


@pytest.mark.parametrize(
    ("text", "yes"),
    [
        ("确定", True),
        ("好的！", True),
        ("Yes", True),
        ("1", True),
        ("取消", False),
        ("算了", False),
        ("cancel", False),
        ("不要", False),
        ("NO.", False),
        ("2", False),
        ("0", False),
    ],
)
def test_confirm_understands_words(bot, text, yes):
    """In both languages, and numbers."""
    first = bot.message()
    bot.handle(lambda: first.confirm("sure?"))
    bot.hear("perhaps")
    bot.hear(text)
    assert bot.result is yes
    assert bot.texts == ["sure?[Yes] [No]", "Please answer Yes or No."]


def test_confirm_speaks_the_language_of_the_client():
    """Chinese labels for Chinese bots; one of one's own goes with the other's default."""
    bot = Bot("zh")
    first = bot.message()
    bot.handle(lambda: first.confirm("吃吗？"))
    bot.hear("确定")
    assert bot.result is True
    bot.handle(lambda: first.confirm("吃吗？", yes="吃"))
    bot.hear("取消")
    assert bot.result is False
    for thread in bot.threads:
        thread.join(LIMIT)
    assert bot.texts == ["吃吗？[确定] [取消]", "吃吗？[吃] [取消]"]


def test_confirm_with_words_of_one_s_own(bot):
    """They stand on the buttons, and are understood when typed."""
    for place, said in enumerate(["Aye", "nay"]):
        first = bot.message()
        bot.handle(lambda first=first: first.confirm("sure?", yes="aye", no="nay"))
        bot.hear(said)
        assert bot.result is (place == 0)


def test_what_to_confirm_with_may_be_a_number(bot):
    """As the options of choose() may."""
    first = bot.message()
    bot.handle(lambda: first.confirm("how many?", yes=5, no=7))
    bot.hear("7")
    assert bot.result is False
    assert bot.texts == ["how many?[5] [7]"]


def test_nobody_chooses(bot):
    """WaitTimeout, as for ask."""
    error = None
    try:
        bot.message().choose("which?", ["red"], timeout=0.01)
    except WaitTimeout as found:
        error = found
    assert "within 0.01 s" in str(error)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("2", 1),
        (" 2. ", 1),
        ("２", 1),
        ("二", 1),
        ("第二个", 1),
        ("2号", 1),
        ("two words", 2),
        ("TWO WORDS!", 2),
        ("0", None),
        ("4", None),
        ("-1", None),
        ("1 2", None),
        ("99999999999999999999", None),
        ("", None),
        ("blue", None),
    ],
)
def test_what_a_typed_answer_means(text, place):
    """Numbers in every script, and the words themselves."""
    assert Choices(["a", "b", "two words"]).read(text) == place


def test_a_label_counts_before_a_number():
    """Of 3, 2 and 1 the answer "3" is the 3."""
    assert Choices(["3", "2", "1"]).read("3") == 0


# ---------------------------------------------------------------------- after a click


def clicked(bot, **more):
    """A click on a button of a menu."""
    bot.count += 1
    where = more or {"group_openid": "G", "member_openid": "M"}
    name = f"c{bot.count}"
    received = float(bot.count)
    return Interaction(interaction_id=name, received_at=received, actions=bot, **where)


def test_who_clicked_is_asked(bot):
    """By the click; the answers come as messages, and carry what is said next."""
    click = clicked(bot)
    bot.handle(
        lambda: (
            click.ask("name?").text,
            click.choose("which?", ["red", "blue"]),
            click.confirm("sure?"),
        )
    )
    bot.hear("Ming")
    assert bot.click(1)
    bot.hear("yes")
    assert bot.result == ("Ming", "blue", True)
    assert bot.said[0] == ("c1", "name?")
    assert [name for name, _ in bot.said[1:]] == ["m2", "c3"]


def test_who_clicked_in_private_is_asked(bot):
    """There is one person only."""
    click = clicked(bot, user_openid="M")
    bot.handle(lambda: click.ask("name?").text)
    waiter = bot.waiter((("c2c", "M"), "M"))
    assert bot.waiters.hand_over(waiter, bot.message("Ming", kind=C2CMessage))
    assert bot.result == "Ming"


@pytest.mark.parametrize("where", [{"guild_id": "1"}, {"group_openid": "G"}])
def test_a_click_of_nobody_asks_nobody(bot, where):
    """In a guild, or when the platform did not say who it was."""
    with pytest.raises(StateError, match="names nobody") as error:
        clicked(bot, **where).ask("name?")
    assert error.value.remedy
    assert len(bot.waiters) == 0


# ---------------------------------------------------------------------- the seed family's


def test_wait_returns_none_when_nobody_answers(bot):
    """No exception, as in the family."""
    assert bot.message().wait("well?", max_time=0.01) is None
    assert bot.said == [("m1", "well?")]


def test_wait_takes_what_its_filter_wants(bot):
    """A filter that raises is the dispatcher's to report."""
    first = bot.message()
    bot.handle(lambda: first.wait(data_filter=lambda one: one.text.isdigit()))
    assert not bot.waiter().accepts(bot.message("x"))
    answer = bot.hear("3")
    assert bot.result is answer
    assert bot.said == []


def test_wait_channel_takes_anybody(bot):
    """One after the other, until it is closed."""
    first = bot.message()
    items = []

    def handler():
        while len(items) < 3:
            items.append(first.wait_channel("next!", clean=False))
        items[-1].close_event()

    bot.handle(handler)
    for who in "ABC":
        waiter = bot.waiter(("group", "G"))
        assert bot.waiters.hand_over(waiter, bot.message(who=who))
        if who == "A":
            eventually(lambda: len(bot.said) == 2)
    assert bot.result is None
    assert [item.message.sender for item in items] == ["A", "B", "C"]
    assert {name for name, _ in bot.said} >= {"m1", "m2"}


def test_wait_channel_ends(bot):
    """Nobody says anything."""
    assert bot.message().wait_channel(max_time=0.01) is None
    assert len(bot.waiters) == 0


def test_wait_channel_that_cannot_be_announced_is_closed(bot):
    """Nothing stays behind."""
    bot.refuse = lambda _event, _content: ContentRejected("no")
    with pytest.raises(ContentRejected):
        bot.message().wait_channel("hello?")
    assert len(bot.waiters) == 0


def test_wait_channel_is_not_for_private_chats(bot):
    """It says what to use instead."""
    with pytest.raises(StateError) as error:
        bot.message(kind=C2CMessage).wait_channel()
    assert "wait()" in error.value.remedy


def test_a_channel_of_another_handler_ends_the_first(bot):
    """Also when the first one is busy at the moment, and looks later."""
    first, second = bot.message(), bot.message(who="H")
    looked = threading.Event()

    def handler():
        item = first.wait_channel()
        assert looked.wait(LIMIT)
        assert item.message.text == "hi"
        first.wait_channel()

    bot.handle(handler)
    bot.waiters.hand_over(bot.waiter(("group", "G")), bot.message())
    eventually(lambda: not bot.waiters.of(("group", "G"))[0].caught)
    bot.handle(lambda: second.wait_channel())
    eventually(lambda: bot.waiters.of(("group", "G"))[0].owner[0] is second)
    looked.set()
    assert isinstance(bot.result, WaitCancelled)
    assert bot.waiter(("group", "G"))


def test_an_equal_message_is_no_owner(bot):
    """Two deliveries of the same message are equal; their channels are not."""
    first = bot.message()
    again = replace(first)
    assert first == again
    one = bot.waiters.channel("G", owner=first)
    assert bot.waiters.channel("G", owner=again) is not one
