"""Selection: the highest level, then the heaviest, then the one registered first."""

from __future__ import annotations

import dataclasses
import functools
import re
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qqgroup_sync import Equal, GroupConfig, Router
from qqgroup_sync.dispatch.filters import wake
from qqgroup_sync.errors import ConfigError
from qqgroup_sync.events.models import C2CMessage, GroupMessage


@pytest.fixture
def router():
    """A router without handlers."""
    return Router()


def found(router, text="hi", *, private=False, complain=pytest.fail):
    """What is found for a message, the first one first."""
    message = (C2CMessage if private else GroupMessage)(text=text)
    words = wake(text, router.prefixes)
    return router.routes(direct=private).find(message, words, complain)


def names(router, text="hi", **options):
    """The names of the handlers that a message is for."""
    return [one.handler.function.__name__ for one in found(router, text, **options)]


def named(name):
    """A handler of that name."""

    def handler(message):
        return name

    handler.__name__ = handler.__qualname__ = name
    return handler


# ---------------------------------------------------------------------- the order


candidates = st.tuples(
    st.integers(-2, 2), st.integers(0, 3), st.booleans(), st.integers(0, 3)
)  # level, weight, whether it is for the message, which router


@given(st.lists(candidates, max_size=12))
def test_level_then_weight_then_registration_over_all_files(specs):
    """Whichever of several routers, also routers in routers, a handler stands in."""
    client = Router()
    routers = [client, Router(), Router(), Router()]
    routers[1].include(routers[3])
    client.include(routers[1], routers[2])
    for number, (level, weight, fits, where) in enumerate(specs):
        verify = functools.partial(lambda said, message: said, (fits, weight))
        routers[where].on_message(level=level, verify=verify)(named(f"{number}"))
    ranked = sorted(
        (-level, -weight, number) for number, (level, weight, fits, _) in enumerate(specs) if fits
    )
    assert names(client) == [f"{number}" for *_, number in ranked]


def test_a_heavy_verify_does_not_outweigh_a_level(router):
    """Weights count inside one level only."""
    router.on_message(verify=lambda message: (True, 1000))(named("heavy"))
    router.on_message(keywords="hi", level=1)(named("high"))
    router.on_message(verify=lambda message: (True, 0.5), level=1)(named("light"))
    assert names(router) == ["high", "light", "heavy"]


def test_nobody_is_asked_in_vain(router):
    """Below the first one that matches, and behind it where weights cannot differ."""
    asked = []

    def verify(answer):
        return lambda message: asked.append(answer) or answer

    router.on_message(keywords="hi", level=2)(named("first"))
    router.on_message(keywords="hi", level=2)(named("second"))
    router.on_message(verify=verify(True), level=1)(named("third"))
    first = next(found(router))
    assert (first.handler.name, asked) == ("first", [])


@pytest.mark.parametrize("error", [ValueError("broken"), SystemExit("exit")])
def test_a_verify_that_raises_is_told_once_and_the_others_are_asked(router, error):
    """Also when it calls exit()."""

    def broken(message):
        raise error

    told = []
    router.on_message(verify=broken)(named("broken"))
    router.on_message(verify=lambda message: (True, "no number"))(named("wrong"))
    router.on_message(verify=lambda message: (True, 3))(named("heavy"))
    router.on_message(keywords="hi")(named("light"))
    assert names(router, complain=lambda *one: told.append(one)) == ["heavy", "light"]
    (first, message, whose), (second, *_) = told
    assert whose.__name__ == "broken"
    assert first is error
    assert isinstance(second, ConfigError)
    assert message.text == "hi"


# ---------------------------------------------------------------------- what they are told


def test_each_finds_its_own_verify(router):
    """Why it was chosen, not why another one was."""
    router.on_message(keywords=re.compile("h(.)"))(named("pattern"))
    router.on_message(keywords="i")(named("word"))
    router.on_message(verify=lambda message: (True, 1, {"x": 1}))(named("function"))
    pattern, word, function = (one.verify for one in found(router))
    assert pattern.keypoint[1] == "i"
    assert (word.keypoint, function.keypoint) == ("i", {"x": 1})


@pytest.mark.parametrize(
    ("options", "text", "seen"),
    [
        ({}, "bot hi", ("hi", "bot")),
        ({}, "hi", None),
        ({"check_prefix": True}, "hi", None),
        ({"check_prefix": False}, "hi", ("hi", "")),
        ({"check_prefix": False}, "bot hi", ("hi", "bot")),
        ({"check_prefix": ["amiya"]}, "amiya hi", ("hi", "amiya")),
        ({"check_prefix": ["amiya"]}, "bot hi", None),
        ({"check_prefix": []}, "hi", ("hi", "")),
        ({"keywords": Equal("hi")}, "hi", ("hi", "")),
        ({"keywords": ["x", Equal("hi")]}, "hi", ("hi", "")),
        ({"keywords": Equal("hi")}, "bot hi", ("hi", "bot")),
        ({"verify": lambda message: message.text == "hi"}, "bot hi", ("hi", "bot")),
        ({"verify": lambda message: True}, "hi", None),
        ({"group_id": "own"}, "amiya hi", ("hi", "amiya")),
        ({"group_id": "own"}, "bot hi", None),
        ({"group_id": "none"}, "hi", ("hi", "")),
        ({"group_id": "own", "check_prefix": True}, "bot hi", ("hi", "bot")),
        ({"group_id": "nobody knows it"}, "hi", None),
    ],
)
def test_which_text_a_handler_sees(router, options, text, seen):
    """By its own option, else that of its group, else the bot's prefix words."""
    router.set_prefix("bot")
    router.set_group_config(GroupConfig("own", check_prefix=["amiya"]))
    router.set_group_config(GroupConfig("none", check_prefix=False))
    router.on_message(**options)(named("handler"))
    woken = [(one.wake.text, one.wake.prefix) for one in found(router, text)]
    assert woken == ([seen] if seen else [])


def test_handlers_with_other_prefixes_do_not_disturb_each_other(router):
    """Each text is looked at by the words that count for the handler."""
    router.set_prefix("bot")
    router.on_message(check_prefix=["bot hi"])(named("long"))
    router.on_message(check_prefix=False)(named("none"))
    router.on_message(named("default"))
    woken = {one.handler.name: one.wake.text for one in found(router, "bot hi there")}
    assert woken == {"long": "there", "none": "hi there", "default": "hi there"}


def test_a_router_may_have_prefix_words_of_its_own():
    """They are for its handlers and for those that it includes; others keep the client's."""
    client, outer, inner = Router(), Router(), Router()
    outer.include(inner)
    client.include(outer)
    client.set_prefix("bot")
    outer.set_prefix("game")
    for router, name in ((client, "client"), (outer, "outer"), (inner, "inner")):
        router.on_message(named(name))
    assert names(client, "bot hi") == ["client"]
    assert names(client, "game hi") == ["outer", "inner"]
    outer.set_prefix()
    assert names(client, "bot hi") == ["client", "outer", "inner"]


def test_a_routers_group_config_is_its_own():
    """Two plug-ins may have given theirs the same name; the client's is for who has none."""
    client, first, second = Router(), Router(), Router()
    client.include(first, second)
    client.set_group_config(GroupConfig("games", allow_direct=True))
    first.set_group_config(GroupConfig("games", direct_only=True))
    first.on_group_message(group_id="games")(named("first"))
    second.on_group_message(group_id="games")(named("second"))
    assert names(client) == ["second"]
    assert names(client, private=True) == ["first", "second"]


# ---------------------------------------------------------------------- commands and /help


def texts(router, text):
    """What the first one that is found would answer."""
    one = next(found(router, text))
    message = dataclasses.replace(GroupMessage(text=text), verify=one.verify)
    return one.handler.call(message)


def weather(city: str):
    """Tell the weather."""
    return f"weather in {city}"


def test_a_command_comes_before_who_takes_everything(router):
    """Also when that one was registered first."""
    router.on_message(named("chat"))
    router.on_command("weather")(weather)
    assert texts(router, "/weather Paris") == "weather in Paris"
    assert names(router, "hello") == ["chat"]


def test_of_several_commands_the_longest_name_that_was_written_wins(router):
    """Whatever else they could be called, and in whatever order they are registered."""

    @router.on_command("group", aliases=["a very long other name"])
    def group(rest: str):
        return f"group {rest}"

    @router.on_command("group add")
    def add(who: str):
        return f"add {who}"

    assert texts(router, "/group add Ming") == "add Ming"
    assert texts(router, "/group remove") == "group remove"


@pytest.mark.parametrize("text", ["/weather Paris", "／weather Paris", "bot /weather Paris"])
@pytest.mark.parametrize("prefixes", [("bot",), ("bot", "/"), ()])
def test_a_command_needs_no_prefix_of_the_bot_and_may_have_one(router, text, prefixes):
    """Also when the bot's prefix is the same sign."""
    router.set_prefix(*prefixes)
    router.on_command("weather")(weather)
    if prefixes or not text.startswith("bot"):
        assert texts(router, text) == "weather in Paris"


def test_a_command_may_ask_for_the_prefix_of_the_bot(router):
    """check_prefix=True counts for it as for others."""
    router.set_prefix("bot")
    router.on_command("weather", check_prefix=True)(weather)
    assert names(router, "/weather Paris") == []
    assert texts(router, "bot /weather Paris") == "weather in Paris"


@pytest.mark.parametrize("text", ["/help", "/帮助", "／ｈｅｌｐ", "/HELP"])
def test_help_comes_by_itself_with_the_first_command(router, text):
    """In every spelling, and although somebody takes every text."""
    router.on_message(named("chat"))
    assert names(router, text) == ["chat"]
    router.on_command("weather")(weather)
    assert "/weather <city" in texts(router, text)


def test_help_lists_the_commands_of_all_files_whoever_was_first():
    """A router's own list would hide the client's."""
    client, router = Router(), Router()
    router.on_command("dice", prefix="!")(lambda: None)
    client.include(router)
    client.on_command("weather")(weather)
    for text in ("/help", "!help"):
        shown = texts(client, text)
        assert "/weather" in shown
        assert "!dice" in shown


@pytest.mark.parametrize(
    "define",
    [
        lambda router: router.on_command("help")(lambda: "mine"),
        lambda router: router.on_command("assist", aliases=["help"])(lambda: "mine"),
        lambda router: router.on_message(keywords=Equal("/help"))(lambda message: "mine"),
        lambda router: router.on_message(keywords="help", level=-5)(lambda message: "mine"),
        lambda router: router.on_message(level=1)(lambda message: "mine"),
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_what_the_user_defines_for_help_wins(router, define, first):
    """A command, keywords, or a handler of a level above; before or after the first command."""
    if first:
        define(router)
    router.on_command("weather")(weather)
    if not first:
        define(router)
    assert texts(router, "/help") == "mine"


def test_help_needs_no_slash_where_no_command_needs_one(router):
    """It is called as they are."""
    router.on_command("weather", prefix="")(weather)
    assert "weather <city" in texts(router, "help")


# ---------------------------------------------------------------------- the plan


def test_the_plan_is_made_once_and_anew_after_changes():
    """Also after changes in a router that a router includes."""
    client, outer, inner = Router(), Router(), Router()
    client.include(outer)
    outer.include(inner)
    plans = [client.routes(direct=False)]
    assert client.routes(direct=False) is plans[0]
    for change in (
        lambda: inner.on_message(print),
        lambda: outer.set_prefix("x"),
        lambda: inner.set_group_config(GroupConfig("g")),
        lambda: inner.on_command("x")(lambda: None),
        lambda: client.include(Router()),
    ):
        change()
        plans.append(client.routes(direct=False))
    assert len({id(plan) for plan in plans}) == len(plans)


def test_handlers_registered_while_messages_come_are_found():
    """From any thread, none is lost, and no message sees half of it."""
    client = Router()
    routers = [Router() for _ in range(4)]
    client.include(*routers)
    stop, wrong = threading.Event(), []

    def ask():
        seen = 0
        while not stop.is_set():
            count = len(names(client))
            if count < seen:
                wrong.append((seen, count))
            seen = count

    def register(router):
        for number in range(50):
            router.on_message(named(f"{number}"))

    askers = [threading.Thread(target=ask) for _ in range(2)]
    registrars = [threading.Thread(target=register, args=(router,)) for router in routers]
    for thread in (*askers, *registrars):
        thread.start()
    for thread in registrars:
        thread.join(20)
    stop.set()
    for thread in askers:
        thread.join(20)
    assert wrong == []
    assert len(names(client)) == 200


# ---------------------------------------------------------------------- who is not even asked


def test_a_handler_is_found_once_however_many_of_its_keywords_are_there(router):
    """Also where others are asked after it."""
    router.on_message(keywords=["a", "b", Equal("ab")], block=False)(named("list"))
    router.on_message(keywords="b")(named("one"))
    assert names(router, "ab") == ["list", "one"]
    assert names(router, "b") == ["list", "one"]
    assert names(router, "c") == []


@pytest.mark.parametrize(
    "text", ["/Weather", "／ｗeather", "  /天气 x", "\u3000/tianqi", "bot /weather", "ｂot／天气"]
)
def test_a_command_is_found_however_it_is_written(router, text):
    """By each of its names, in every width and case, with and without the prefix of the bot."""
    router.set_prefix("bot")
    router.on_command("weather", aliases=["天气", "TIANQI"])(named("weather"))
    router.on_command("other")(named("other"))
    assert names(router, text) == ["command weather"]


def test_a_command_behind_prefix_words_of_its_own_is_found():
    """What they leave of the message is not what the bot's words leave."""
    router = Router()
    router.on_command("weather", check_prefix=["dear"])(named("weather"))
    assert names(router, "dear /weather") == ["command weather"]
    assert names(router, "/weather") == []
