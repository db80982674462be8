"""Commands: which text is one, what the function gets, and what a person is told who errs."""

# ruff: noqa: D417 - docstrings that are data

from __future__ import annotations

import enum
import functools
from datetime import timedelta
from typing import Literal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from qqgroup_sync.dispatch.binding import WrongArguments
from qqgroup_sync.dispatch.commands import Command
from qqgroup_sync.dispatch.help import help_text
from qqgroup_sync.dispatch.words import quote
from qqgroup_sync.errors import ConfigError
from qqgroup_sync.events.models import Attachment, C2CMessage, GroupMessage, Member, Mention

BOB, EVE = Mention("B2", "Bob"), Mention("E5", "Eve", is_bot=True)
PHOTO, SONG = Attachment("image/png", "photo.png"), Attachment("voice", "song.amr")


class Color(enum.Enum):
    RED = 1
    GREEN = 2


def weather(
    message, city: str, days: int = 3, *, verbose: bool = False, unit: Literal["C", "F"] = "C"
):
    """Tell the weather.

    More about it.

    Args:
        city: 城市名
        days: how many days
    """


def remind(message, when: timedelta, what: str, *, loud: bool = False, tags: list[str] = ()):
    """Remind somebody."""


def say(text: str):
    """Say it."""


def ban(message: GroupMessage, who: Member, minutes: int = 10, *, also: Member | None = None):
    """Mute somebody."""


def total(*numbers: float):
    """Add numbers."""


def words(message, *rest: str):
    """Take words."""


def tag(message, color: Color, names: list[str]):
    """Tag names."""


def maybe(message, count: int | None, thing: str, size: float):
    """Leave the first one out."""


def show(message, picture: Attachment, note: Attachment | None = None, title: str = ""):
    """Show a picture."""


def album(message, pictures: list[Attachment], *people: Member):
    """Take them all."""


def greet(message, whom: Member | str, greeting: str = "hi"):
    """Greet anybody."""


def switch(message, on: bool, *, quiet: bool = True, level: int):
    """Switch it."""


def either(message, value: int | bool | str, limit: float | None = None):
    """Take what comes."""


def nothing():
    """Take nothing."""


def flag(message, *, loud: bool = False, n: int = 1):
    """Take options only."""


def by_place_only(message, first: int, second: int = 2, /, third: int = 3):
    """Take numbers."""


COMMANDS = {
    one.__name__: Command(one, one.__name__)
    for one in (
        *(weather, remind, say, ban, total, words, tag, maybe, show, album, greet, switch),
        *(either, nothing, flag, by_place_only),
    )
}


def message_of(text="", mentions=(), attachments=(), content=""):
    """A message in a group."""
    return GroupMessage(
        "GROUP_AT_MESSAGE_CREATE",
        text=text,
        content=content or text,
        mentions=mentions,
        attachments=attachments,
        author=Member("A1", "Ann", "owner"),
    )


def bind(function, rest, message=None):
    """What the function gets, by the name of its parameter, without the message."""
    command = COMMANDS[function.__name__]
    message = message or message_of(f"{command.call} {rest}")
    bound = command.bind(rest, message)
    args = bound.args
    if args and args[0] is message:
        args = args[1:]
    return args, bound.kwargs


def answer(function, rest, language="en", message=None):
    """The first line of what the person is told."""
    with pytest.raises(WrongArguments) as caught:
        bind(function, rest, message)
    problem, usage = caught.value.answer(language).split("\n")
    assert usage.endswith(COMMANDS[function.__name__].usage_text(language))
    return problem


# ---------------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("/weather", ""),
        ("/weather 北京", "北京"),
        ("  /weather\u3000北京　", "北京"),
        ("／weather １", "１"),
        ("／ＷＥＡＴＨＥＲ Ab", "Ab"),
        ("/Weather\n  two\nlines", "two\nlines"),
        ("/天气 北京", "北京"),
        ("/w 北京", "北京"),
        ("/w weather", "weather"),
        ("/w/2 x", "x"),
        ("/Ｗ２　x", "x"),
        ("/weatherman", None),
        ("/weather=x", None),
        ("/天气预报", None),
        ("weather", None),
        ("x /weather", None),
        ("//weather", None),
        ("/", None),
        ("", None),
        ("/w.2", None),
    ],
)
def test_which_text_is_the_command(text, rest):
    """Width, case and space do not matter; a longer word is another command."""
    command = Command(weather, "weather", aliases=["天气", "w", "w/2", "w2"])
    assert command.match(text) == rest


def test_of_two_commands_the_longer_name_leaves_less():
    """So that whoever chooses can tell."""
    group, add = Command(nothing, "group"), Command(nothing, "group  add", aliases=["group"])
    assert group.match("/group add x") == "add x"
    assert add.match("/Group　ADD x") == "x"
    assert add.match("/group x") == "x"
    assert add.match("/groupadd x") is None
    assert add.name == "group add"


@pytest.mark.parametrize(
    ("prefix", "text", "rest"),
    [
        ("!", "！weather x", "x"),
        ("!", "/weather x", None),
        (["/", "#", "bot "], "#weather x", "x"),
        (["/", "#", "bot "], "Bot  weather x", "x"),
        (["/", "#", "bot "], "botweather x", None),
        ("", "weather x", "x"),
        ("", "Ｗeather x", "x"),
        ("", "Weather x", "x"),
        ("", "ｗeather x", "x"),
        ("", "/weather x", None),
        ("", "", None),
        (("", "/"), "/weather x", "x"),
        ("。", "。weather x", "x"),
        ("Émile ", "émile weather x", "x"),
        ("！", "!weather x", "x"),
    ],
)
def test_prefixes(prefix, text, rest):
    """One, several, or none."""
    assert Command(weather, "weather", prefix=prefix).match(text) == rest


# ---------------------------------------------------------------------- arguments

TEN = timedelta(minutes=10)
CALM = {"loud": False, "tags": ()}
PLAIN = {"verbose": False, "unit": "C"}
BOUND = [
    (weather, "北京", ("北京", 3), PLAIN),
    (weather, "北京　５", ("北京", 5), PLAIN),
    (weather, "'New York' 三", ("New York", 3), PLAIN),
    (weather, "「New York」", ("New York", 3), PLAIN),
    (weather, "NY days=5 --verbose", ("NY", 5), {"verbose": True, "unit": "C"}),
    (weather, "--days 5 --unit f NY", ("NY", 5), {"verbose": False, "unit": "F"}),
    (weather, "--DAYS＝５ UNIT=F NY", ("NY", 5), {"verbose": False, "unit": "F"}),
    (weather, "NY —verbose ——unit F", ("NY", 3), {"verbose": True, "unit": "F"}),
    (weather, "NY verbose=是", ("NY", 3), {"verbose": True, "unit": "C"}),
    (weather, "NY --verbose=no", ("NY", 3), PLAIN),
    (weather, "NY --no-verbose", ("NY", 3), PLAIN),
    (weather, "days=5 city='New York'", ("New York", 5), PLAIN),
    (weather, "city=NY 5", ("NY", 5), PLAIN),
    (weather, "'days=5'", ("days=5", 3), PLAIN),
    (weather, "x=5", ("x=5", 3), PLAIN),
    (weather, "-- --verbose", ("--verbose", 3), PLAIN),
    (weather, "--days -5 NY", ("NY", -5), PLAIN),
    (remind, "10m buy milk and bread", (TEN, "buy milk and bread"), CALM),
    (remind, "10分钟 买  牛奶，\n  面包", (TEN, "买  牛奶，\n  面包"), CALM),
    (remind, "10m 'buy milk'", (TEN, "buy milk"), CALM),
    (remind, "10m “buy milk” now", (TEN, "“buy milk” now"), CALM),
    (remind, "10m don't forget the 6\" nails", (TEN, "don't forget the 6\" nails"), CALM),
    (remind, "10m 'tis late", (TEN, "'tis late"), CALM),
    (remind, "10m buy milk --loud", (TEN, "buy milk"), {"loud": True, "tags": ()}),
    (remind, "--loud 10m buy milk", (TEN, "buy milk"), {"loud": True, "tags": ()}),
    (remind, "10m --loud buy milk", (TEN, "buy milk"), {"loud": True, "tags": ()}),
    (remind, "10m say --loud aloud", (TEN, "say --loud aloud"), CALM),
    (remind, "10m 'buy milk' --loud", (TEN, "buy milk"), {"loud": True, "tags": ()}),
    (remind, "10m 'buy milk --loud'", (TEN, "buy milk --loud"), CALM),
    (remind, "10m -- buy milk --loud", (TEN, "buy milk --loud"), CALM),
    (remind, "10m a -- b", (TEN, "a -- b"), CALM),
    (remind, "10m --lout x", (TEN, "--lout x"), CALM),
    (remind, "10m x --tags a,'b c' tags=d", (TEN, "x"), {"loud": False, "tags": ["a", "b c", "d"]}),
    (say, "hello  --there x=1", ("hello  --there x=1",), {}),
    (say, "-- hello", ("-- hello",), {}),
    (say, '"hello"', ("hello",), {}),
    (say, '""', ("",), {}),
    (say, '"a" and "b"', ('"a" and "b"',), {}),
    (say, r"C:\new\dir", (r"C:\new\dir",), {}),
    (total, "", (), {}),
    (total, "1 2.5 三", (1.0, 2.5, 3.0), {}),
    (total, "1,2，3、4", (1.0, 2.0, 3.0, 4.0), {}),
    (words, "a, b --c 'd e' x=1", ("a,", "b", "--c", "d e", "x=1"), {}),
    (tag, "red a", (Color.RED, ["a"]), {}),
    (tag, "GREEN a b,c，'d, e'", (Color.GREEN, ["a", "b", "c", "d, e"]), {}),
    (tag, "names=a,b red c", (Color.RED, ["a", "b", "c"]), {}),
    (maybe, "3 apples 1.5", (3, "apples", 1.5), {}),
    (maybe, "apples 1.5", (None, "apples", 1.5), {}),
    (maybe, "size=1.5 apples", (None, "apples", 1.5), {}),
    (greet, "everybody good morning", ("everybody", "good morning"), {}),
    (switch, "on level=2", (True,), {"quiet": True, "level": 2}),
    (switch, "--on --no-quiet --level=2", (True,), {"quiet": False, "level": 2}),
    (switch, "关 --level 2", (False,), {"quiet": True, "level": 2}),
    (either, "5", (5, None), {}),
    (either, "yes 1.5", (True, 1.5), {}),
    (either, "hello", ("hello", None), {}),
    (nothing, "", (), {}),
    (by_place_only, "1", (1, 2, 3), {}),
    (by_place_only, "third=9 1 5", (1, 5, 9), {}),
    (by_place_only, "third=9 second=5 1", (1, 5, 9), {}),
]


@pytest.mark.parametrize(("function", "rest", "args", "kwargs"), BOUND)
def test_what_the_function_gets(function, rest, args, kwargs):
    """And it can be called with it."""
    assert bind(function, rest) == (args, kwargs)
    command = COMMANDS[function.__name__]
    bound = command.bind(rest, message_of(rest))
    command.function(*bound.args, **bound.kwargs)


def test_members_come_in_the_order_of_the_text():
    """Whatever order the platform lists them in; the author comes with his role."""
    message = message_of("/ban 5", (BOB, EVE), content="/ban <@E5> <@B2> 5")
    args, kwargs = bind(ban, "5", message)
    assert args == (Member("E5", "Eve", is_bot=True), 5)
    assert kwargs == {"also": Member("B2", "Bob")}
    myself = message_of("/ban", (Mention("A1", "Ann"),), content="/ban <@A1>")
    assert bind(ban, "", myself)[0] == (Member("A1", "Ann", "owner"), 10)


def test_mentions_that_the_text_does_not_place_come_last():
    """In the order of the platform."""
    message = message_of("/album", (BOB, EVE, Mention("C3")), (PHOTO,), content="/album <@C3>")
    assert bind(album, "", message)[0] == (
        [PHOTO],
        Member("C3"),
        Member("B2", "Bob"),
        Member("E5", "Eve", is_bot=True),
    )


def test_everyone_is_nobody_in_particular():
    """@全体成员 fills no Member."""
    message = message_of("/ban", (Mention("", "全体成员", scope="all"),))
    assert "mention somebody" in answer(ban, "", message=message)


def test_a_member_or_a_word():
    """A mention is taken first, and then the words are for the next parameter."""
    message = message_of("/greet hello you", (BOB,), content="/greet <@B2> hello you")
    assert bind(greet, "hello you", message)[0] == (Member("B2", "Bob"), "hello you")


def test_attachments_come_in_order():
    """What is not there is None where that will do."""
    message = message_of("/show my cat", attachments=(PHOTO, SONG))
    assert bind(show, "my cat", message)[0] == (PHOTO, SONG, "my cat")
    assert bind(show, "", message_of("/show", attachments=(PHOTO,)))[0] == (PHOTO, None, "")
    assert bind(album, "", message)[0] == ([PHOTO, SONG],)


def test_the_message_goes_where_it_is_wanted():
    """By name, by annotation, anywhere in the signature."""

    def late(city: str, *, message: GroupMessage | C2CMessage): ...

    message = message_of("/late 北京")
    assert Command(late, "late").bind("北京", message) == (("北京",), {"message": message})


def test_a_partial_and_a_method_are_called_with_what_they_lack():
    """The arguments fit what was decorated, not what lies behind it."""

    class Plugin:
        def add(self, message, first: int, second: int):
            """Add two numbers."""
            return first + second

    command = Command(Plugin().add, "add")
    bound = command.bind("1 2", message_of())
    assert command.function(*bound.args, **bound.kwargs) == 3
    partial = Command(functools.partial(Plugin().add, second=5), "add")
    bound = partial.bind("1", message_of())
    assert partial.function(*bound.args, **bound.kwargs) == 6
    assert command.help == partial.help == "Add two numbers."


# ---------------------------------------------------------------------- what people are told

WRONG = [
    (
        weather,
        "",
        "Something is missing: city (城市名). Please write a text.",
        "还缺少“city”（城市名）：需要填写文字。",
    ),
    (
        weather,
        "北京 abc",
        "I do not understand “abc” as days (how many days): please write a whole number.",
        "看不懂“abc”：“days”（how many days）需要填写整数。",
    ),
    (
        weather,
        "北京 --unit K",
        "I do not understand “K” as unit: please write one of C, F.",
        "看不懂“K”：“unit”需要填写以下之一：C、F。",
    ),
    (
        weather,
        "北京 3 4 5",
        "There is more than I can use: “4 5”. Please put quotes around words that belong together.",
        "多出了“4 5”。如果几个词是一个整体，请用引号括起来。",
    ),
    (
        weather,
        "北京 --day 3",
        "There is no option --day. Did you mean --days?",
        "没有选项 --day。是不是想写 --days？",
    ),
    (weather, "北京 3 --xyz=1", "There is no option --xyz=1.", "没有选项 --xyz=1。"),
    (weather, "北京 --no-unit", "There is no option --no-unit. Did you mean --unit?", None),
    (
        weather,
        "北京 --days",
        "Please write a whole number after --days.",
        "--days 后面需要填写整数。",
    ),
    (weather, "北京 --unit --verbose", "Please write one of C, F after --unit.", None),
    (
        weather,
        "北京 days=1 --days 2",
        "days (how many days) is there twice.",
        "“days”（how many days）写了两次。",
    ),
    (
        weather,
        "“New York",
        "The quote “ is never closed. Please write ” at its end, or \\“ for the mark itself.",
        "引号 “ 没有配对。请在末尾补上 ”；如果只是普通字符，请写成 \\“。",
    ),
    (
        remind,
        "10 x",
        "I do not understand “10” as when: please write a time span such as 10m or 2h30m.",
        "看不懂“10”：“when”需要填写时长（例如 10m、2小时）。",
    ),
    (
        remind,
        "10m",
        "Something is missing: what. Please write a text.",
        "还缺少“what”：需要填写文字。",
    ),
    (remind, "10m buy --tags", "Please write a text after --tags.", "--tags 后面需要填写文字。"),
    (ban, "5", "Please mention somebody with @: who.", "请用 @ 指定一个人：“who”。"),
    (
        show,
        "x",
        "Please send a picture, voice, video or file together with the command: picture.",
        "请在发送指令的同时附上图片、语音、视频或文件：“picture”。",
    ),
    (
        greet,
        "",
        "Something is missing: whom. Please write somebody, mentioned with @ or a text.",
        None,
    ),
    (tag, "red", "Something is missing: names. Please write a text.", None),
    (tag, "red ,", "Something is missing: names. Please write a text.", None),
    (switch, "on", "Something is missing: level. Please write a whole number.", None),
    (total, "1 x", "I do not understand “x” as numbers: please write a number.", None),
    (maybe, "apples pears", "I do not understand “pears” as size: please write a number.", None),
    (
        nothing,
        "at all",
        "There is more than I can use: “at all”. This command takes nothing.",
        "多出了“at all”。这个指令后面不需要填写内容。",
    ),
    (
        flag,
        "-n 2",
        "There is more than I can use: “-n 2”. It takes only: --loud, n=....",
        "多出了“-n 2”。它只接受：--loud、n=...。",
    ),
    (flag, "--loud false", None, "多出了“false”。它只接受：--loud、n=...。"),
    (by_place_only, "1 2 3 4", None, "多出了“4”。它只接受：first、second、third。"),
    (nothing, "--all", "There is no option --all.", "没有选项 --all。"),
    (by_place_only, "1 2 3 third=4", "third is there twice.", None),
]


@pytest.mark.parametrize(("function", "rest", "en", "zh"), WRONG)
def test_what_a_person_is_told(function, rest, en, zh):
    """What was wrong with which word, in his language, and how it is written."""
    if en:
        assert answer(function, rest, "en") == en
    if zh:
        assert answer(function, rest, "zh") == zh


def test_an_answer_ends_with_the_usage():
    """In the language of the answer."""
    with pytest.raises(WrongArguments) as caught:
        COMMANDS["show"].bind("", message_of())
    assert caught.value.answer("en").endswith(
        "\nUsage: /show <picture: attachment> [note: attachment] [title...]"
    )
    assert caught.value.answer("zh").endswith(
        "\n用法：/show <picture：附件> [note：附件] [title...]"
    )


@pytest.mark.parametrize(
    ("rest", "echo"),
    [
        ("北京 <@E5>", "“‹@E5>”"),
        ("北京 '<qqbot-at-everyone />'", "“‹qqbot-at-everyone />”"),
        ("北京 <5", "“<5”"),
        ("北京 " + "x" * 5000, "“" + "x" * 30 + "…”"),
        ("北京 'a\n\nb'", "“a b”"),
    ],
)
def test_an_answer_repeats_nothing_dangerous(rest, echo):
    """Nobody makes the bot mention others, or fill the chat."""
    assert echo in answer(weather, rest, "en")
    assert echo in answer(weather, rest, "zh")


# ---------------------------------------------------------------------- usage and help


@pytest.mark.parametrize(
    ("function", "usage"),
    [
        (weather, "/weather <city> [days=3] [--verbose] [unit=C|F]"),
        (remind, "/remind <when> <what...> [--loud] [tags=<tags>...]"),
        (say, "/say <text...>"),
        (ban, "/ban @who [minutes=10] [@also]"),
        (total, "/total [numbers...]"),
        (tag, "/tag <RED|GREEN> <names...>"),
        (maybe, "/maybe [count] <thing> <size>"),
        (switch, "/switch <on> [--no-quiet] level=<level>"),
        (greet, "/greet <whom> [greeting...]"),
        (nothing, "/nothing"),
    ],
)
def test_usage(function, usage):
    """It is made from the signature, and never looks like a mention."""
    assert COMMANDS[function.__name__].usage_text("en") == usage
    assert "<@" not in usage


def test_own_usage_and_help():
    """What the author writes goes before what is made."""
    command = Command(weather, "weather", usage="<city>", help=" 查天气 ", prefix="!")
    assert command.usage_text("zh") == "!weather <city>"
    assert command.help == "查天气"
    assert Command(weather, "w", usage="/w x").usage_text("en") == "/w x"
    assert Command(weather, "weather").help == "Tell the weather."
    assert Command(lambda message: None, "x").help == ""


LISTED = [
    Command(weather, "weather", aliases=["天气"]),
    Command(ban, "group ban"),
    Command(nothing, "group leave", help=""),
    Command(say, "secret", hidden=True),
]


def test_help_lists_every_command_on_a_line():
    """But for hidden ones."""
    assert help_text(LISTED, "en").split("\n") == [
        "Commands:",
        "/weather <city> [days=3] [--verbose] [unit=C|F]  Tell the weather.",
        "/group ban @who [minutes=10] [@also]  Mute somebody.",
        "/group leave  Take nothing.",
    ]
    assert help_text(iter(LISTED), "zh").startswith("指令：\n/weather")
    assert help_text([], "zh") == "没有可用的指令。"
    assert help_text(LISTED[3:], "en") == "There are no commands."


@pytest.mark.parametrize("topic", ["weather", "/weather", "／ＷＥＡＴＨＥＲ ", "天气", "/天气"])
def test_help_about_one_command(topic):
    """Found by any of its names, in any width."""
    assert help_text(LISTED, "en", topic=topic).split("\n") == [
        "/weather <city> [days=3] [--verbose] [unit=C|F]",
        "Tell the weather.",
        "Also: 天气",
        "  city: 城市名 (a text)",
        "  days: how many days (a whole number, by default 3)",
        "  verbose: yes or no, by default no",
        "  unit: one of C, F, by default C",
    ]
    chinese = help_text(LISTED, "zh", topic=topic)
    assert "也可以写作：天气" in chinese
    assert "  city：城市名（文字）" in chinese
    assert "  verbose：是或否，默认 否" in chinese


def test_help_names_what_people_would_write():
    """A default as a choice or in quotes, and nothing for one that says nothing."""

    def paint(message, color: Color = Color.GREEN, name: str = "New York", note: str = ""): ...

    command = Command(paint, "paint")
    assert help_text([command], "en", topic="paint").split("\n") == [
        '/paint [color=RED|GREEN] [name="New York"] [note...]',
        "  color: one of RED, GREEN, by default GREEN",
        '  name: a text, by default "New York"',
        "  note: a text",
    ]
    assert repr(command) == f"Command({command.usage_text('en')!r})"


def test_help_about_the_first_word_of_several_commands():
    """It lists them."""
    lines = help_text(LISTED, "en", topic="/Group").split("\n")
    assert [line.split()[1] for line in lines[1:]] == ["ban", "leave"]


def test_help_about_what_there_is_not():
    """It names what is written alike, but nothing hidden."""
    text = help_text(LISTED, "zh", topic="wether")
    assert text.startswith("没有指令“wether”。\n相近的指令：\n/weather")
    assert help_text(LISTED, "en", topic="secrets") == "There is no command “secrets”."
    assert help_text(LISTED, "en", topic="<@all>") == "There is no command “‹@all>”."


# ---------------------------------------------------------------------- at decoration


@pytest.mark.parametrize(
    ("options", "remedy"),
    [
        ({"name": ""}, "on_command('weather')"),
        ({"name": None}, "on_command('weather')"),
        ({"name": "/weather"}, "Write 'weather'"),
        ({"name": "／weather"}, "Write 'weather'"),
        ({"aliases": "w"}, "aliases=['w']"),
        ({"aliases": [1]}, "aliases=['w']"),
        ({"aliases": ["/w"]}, "Write 'w'"),
        ({"aliases": [""]}, "non-empty"),
        ({"prefix": None}, "'/'"),
        ({"prefix": []}, "'/'"),
        ({"prefix": [1]}, "'/'"),
        ({"help": 5}, "str"),
        ({"usage": 5}, "str"),
        ({"function": 5}, "def"),
        ({"function": lambda message, x=b"": None}, "Annotate"),
    ],
)
def test_a_wrong_option_is_told_where_it_is_written(options, remedy):
    """With what to write instead."""
    with pytest.raises(ConfigError) as caught:
        Command(**{"function": weather, "name": "weather", **options})
    assert remedy in caught.value.remedy


# ---------------------------------------------------------------------- anything at all

scraps = st.lists(
    st.sampled_from(
        [
            *(
                "北京",
                "5",
                "red",
                "10m",
                "on",
                "--",
                "--days",
                "--days=",
                "days=3",
                "—verbose",
                "=",
                ",",
            ),
            *(
                "--no-quiet",
                "--loud",
                "tags=a,'b",
                "--tags",
                '"',
                "'",
                "“",
                "”",
                "「a b」",
                "\\",
                "don't",
            ),
            *(
                "\n",
                "　",
                "--x",
                "level=2",
                "--level",
                "names=",
                "size=1.5",
                "\x00",
                "<@B2>",
                "--on",
            ),
        ]
    ),
    max_size=8,
).map(" ".join)


@pytest.mark.parametrize("function", [globals()[name] for name in COMMANDS])
@given(rest=st.one_of(scraps, st.text(max_size=20)), people=st.booleans())
@settings(max_examples=60, deadline=None)
@example(rest="--tags", people=True)
@example(rest="--", people=True)
@example(rest=",", people=True)
def test_any_text_is_bound_or_answered(function, rest, people):
    """Nothing else comes out, and what is bound can be called."""
    command = COMMANDS[function.__name__]
    message = message_of(rest, (BOB,) * people, (PHOTO,) * people)
    try:
        bound = command.bind(rest, message)
    except WrongArguments as error:
        for language in ("en", "zh"):
            problem, usage = error.answer(language).split("\n")
            assert problem.endswith((".", "。", "?", "？"))
            assert command.call in usage
        return
    function(*bound.args, **bound.kwargs)


@given(st.text(max_size=30))
@settings(max_examples=200, deadline=None)
def test_any_text_is_matched_or_not(text):
    """And any topic has an answer."""
    assert COMMANDS["say"].match(text) is None
    assert COMMANDS["say"].match(f"/say {text}") == text.strip()
    assert help_text(LISTED, "en", topic=text)


@given(st.text(max_size=20), st.integers(-999, 999))
@settings(max_examples=200, deadline=None)
def test_a_quoted_word_arrives_as_it_is(city, days):
    """Whatever it holds; by place, by name, and as the rest of the line."""
    expected = ((city, days), PLAIN)
    assert bind(weather, f"{quote(city)} {days}") == expected
    assert bind(weather, f"--city {quote(city)} days={days}") == expected
    assert bind(weather, f"days={days} city={quote(city)}") == expected
    assert bind(say, quote(city)) == ((city,), {})


@given(st.text(min_size=1, max_size=30).filter(lambda text: text.strip() == text))
@settings(max_examples=200, deadline=None)
def test_the_rest_of_the_line_arrives_as_it_is(text):
    """Unless quotes are around all of it."""
    if text[0] not in "\"'＂＇“”‘「『":
        assert bind(say, text) == ((text,), {})
