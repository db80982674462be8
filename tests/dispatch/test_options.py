"""The options of the decorators: what they take, and what they refuse in the user's line."""

from __future__ import annotations

import re

import pytest

from qqgroup_sync import Equal, GroupConfig, RateLimit, Router
from qqgroup_sync.errors import ConfigError
from qqgroup_sync.events.models import C2CMessage, GroupMessage, Message  # noqa: TC001 - read at run time

DECORATORS = ("on_group_message", "on_c2c_message", "on_message")


@pytest.fixture(autouse=True)
def _english(monkeypatch):
    """Let remedies be English, whatever this machine speaks."""
    monkeypatch.setenv("QQ_LANGUAGE", "en")


@pytest.fixture
def router():
    """A router without handlers."""
    return Router()


def refused(router, decorator="on_message", **options):
    """Return what a decorator says to options, before it has seen a function."""
    with pytest.raises(ConfigError) as caught:
        getattr(router, decorator)(**options)
    assert caught.value.remedy
    return caught.value


# ---------------------------------------------------------------------- names


@pytest.mark.parametrize("decorator", DECORATORS)
@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("keyword", "keywords"),
        ("kewords", "keywords"),
        ("check_prefx", "check_prefix"),
        ("allowdirect", "allow_direct"),
        ("role", "from_role"),
        ("user", "users"),
        ("ratelimit", "rate_limit"),
        ("cool_down", "cooldown"),
        ("groupid", "group_id"),
    ],
)
def test_a_misspelt_option_is_refused_with_the_one_that_was_meant(router, decorator, wrong, meant):
    """Else the handler would take every message."""
    error = refused(router, decorator, **{wrong: 1})
    assert f"{wrong}= is no option" in error.summary
    assert error.remedy == f"Did you mean {meant}=?"


def test_an_option_from_nowhere_is_refused_with_all_there_are(router):
    """When nothing is near."""
    remedy = refused(router, xyzzy=1).remedy
    assert "keywords" in remedy
    assert "cooldown" in remedy


@pytest.mark.parametrize(
    ("options", "meant"),
    [
        ({"alias": ["w"]}, "aliases="),
        ({"hide": True}, "hidden="),
        ({"keywords": "x"}, "Possible"),
        ({"verify": print}, "Possible"),
        ({"nonsense": 1}, "Possible"),
    ],
)
def test_a_command_has_options_of_its_own_and_no_keywords(router, options, meant):
    """Its name is what it is found by."""
    with pytest.raises(ConfigError, match="is no option") as caught:
        router.on_command("weather", **options)
    assert meant in caught.value.remedy
    assert "keywords" not in caught.value.remedy


def test_remedies_are_in_both_languages(router, monkeypatch):
    """In the one of the environment."""
    monkeypatch.setenv("QQ_LANGUAGE", "zh")
    assert refused(router, keyword=1).remedy == "是不是想写 keywords=？"


# ---------------------------------------------------------------------- values


@pytest.mark.parametrize(
    "options",
    [
        {"keywords": 5},
        {"keywords": "a", "verify": print},
        {"verify": "not a function"},
        {"verify": lambda: True},
        {"verify": lambda message, more: True},
        {"level": "5"},
        {"level": None},
        {"level": float("nan")},
        {"check_prefix": 5},
        {"check_prefix": ""},
        {"check_prefix": ["bot", ""]},
        {"group_id": 5},
        {"from_role": "boss"},
        {"from_role": []},
        {"from_role": 5},
        {"from_role": ["admin", ["owner"]]},
        {"users": []},
        {"users": 5},
        {"users": ["U", 5]},
        {"groups": ""},
        {"rate_limit": 5},
        {"rate_limit": (3,)},
        {"rate_limit": (0, 60)},
        {"rate_limit": (3, "60")},
        {"rate_limit": (1.5, 60)},
        {"rate_limit": (3, float("inf"))},
        {"cooldown": 0},
        {"cooldown": "30"},
        {"cooldown": -1},
        {"cooldown": 30, "rate_limit": (3, 60)},
    ],
)
def test_what_is_not_possible_is_refused_before_the_function_is_seen(router, options):
    """Not at the first message, hours later."""
    refused(router, **options)


def test_an_async_verify_is_refused(router):
    """What it returned would always be true: the handler would take every message."""

    async def verify(message):
        return False

    assert "async" in refused(router, verify=verify).summary


@pytest.mark.parametrize(
    "options", [{"groups": ["G"]}, {"from_role": "admin"}, {"allow_direct": False}]
)
def test_what_would_leave_a_handler_of_private_messages_deaf_is_refused(router, options):
    """Private chats have no groups and no roles."""
    error = refused(router, "on_c2c_message", **options)
    assert "no private message" in error.summary
    router.on_message(**options)(print)
    router.on_group_message(**options)(print)


@pytest.mark.parametrize("decorator", ["on_message", "on_group_message"])
@pytest.mark.parametrize("options", [{"groups": ["G"]}, {"from_role": "admin"}])
def test_private_messages_only_of_a_group_is_refused(router, decorator, options):
    """No message would be both."""
    error = refused(router, decorator, direct_only=True, **options)
    assert "no private message" in error.summary
    assert "direct_only" in error.remedy
    getattr(router, decorator)(direct_only=True, allow_direct=False)(print)
    assert len(router.routes(direct=True)) == 1


# ---------------------------------------------------------------------- scenes of commands


def of_groups(message: GroupMessage):
    """Need what only groups have."""


def of_private(word: str, *, message: C2CMessage):
    """Need what only private chats have."""


def of_both(message: GroupMessage | C2CMessage):
    """Take either."""


def of_any(message: Message):
    """Take any."""


def of_anything(message: object):
    """Take anything."""


@pytest.mark.parametrize(
    ("function", "in_group", "in_c2c"),
    [
        (of_groups, True, False),
        (of_private, False, True),
        (of_both, True, True),
        (of_any, True, True),
        (of_anything, True, True),
        (lambda message: None, True, True),
        (lambda: None, True, True),
    ],
)
@pytest.mark.parametrize("config", [{}, {"allow_direct": True}, {"direct_only": True}])
def test_a_command_is_for_the_messages_that_its_function_takes(
    router, function, in_group, in_c2c, config
):
    """Whatever a group config says."""
    router.set_group_config(GroupConfig("g", **config))
    both = in_group and in_c2c
    router.on_command("go", group_id="" if both else "g")(function)
    assert len(router.routes(direct=False)) == int(in_group)
    assert len(router.routes(direct=True)) == int(in_c2c)


def test_commands_of_one_name_may_part_the_scenes(router, caplog):
    """Neither hides the other."""
    router.on_command("go")(of_groups)
    router.on_command("go")(of_private)
    assert [len(router.routes(direct=direct)) for direct in (False, True)] == [1, 1]
    assert caplog.messages == []


@pytest.mark.parametrize(
    ("function", "options"),
    [
        (of_groups, {"allow_direct": True}),
        (of_groups, {"direct_only": True}),
        (of_private, {"allow_direct": False}),
        (of_private, {"from_role": "admin"}),
        (of_private, {"groups": ["G"]}),
    ],
)
def test_an_option_against_the_annotation_is_refused(router, function, options):
    """By the name of the function; nothing is registered."""
    with pytest.raises(ConfigError, match=function.__name__) as caught:
        router.on_command("go", **options)(function)
    assert "Message" in caught.value.remedy
    assert router.commands == ()


def test_a_command_that_no_message_fits_is_refused(router):
    """It wants both kinds at once."""

    def never(one: GroupMessage, two: C2CMessage):
        pass

    with pytest.raises(ConfigError, match="at once") as caught:
        router.on_command("go")(never)
    assert caught.value.remedy


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"keywords": None, "verify": None, "group_id": None, "users": None, "cooldown": None},
        {"keywords": [Equal("a"), "b", re.compile("c")]},
        {"level": -3, "block": False},
        {"level": 0.5},
        {"check_prefix": []},
        {"check_prefix": ["a", "b"]},
        {"check_prefix": "a"},
        {"group_id": "nobody knows it yet"},
        {"group_id": GroupConfig("g")},
        {"from_role": "admin"},
        {"from_role": ("member", "owner")},
        {"users": "U"},
        {"users": {"U", "V"}},
        {"groups": (name for name in ("G", "H"))},
        {"rate_limit": (3, 60)},
        {"rate_limit": [3, 60]},
        {"rate_limit": RateLimit(3, 0.5, per="group", answer="")},
        {"cooldown": 0.5},
    ],
)
def test_what_is_possible(router, options):
    """None is the same as nothing."""

    def handler(message):
        pass

    assert router.on_message(**options)(handler) is handler
    assert len(router.routes(direct=False)) == 1


def test_one_decorator_may_decorate_several_functions(router):
    """Each has a limit of its own, and a generator of openids is read once."""
    decorate = router.on_message(users=(one for one in "UV"), rate_limit=(1, 60))
    first, second = decorate(print), decorate(repr)
    assert (first, second) == (print, repr)
    limiters = {id(handler.limiter) for handler in router.own.handlers["message"]}
    assert len(limiters) == 2


@pytest.mark.parametrize("value", [-1, 0, True, "30", float("nan"), float("inf")])
def test_a_wrong_cooldown_is_named_as_it_was_written(router, value):
    """Not as the RateLimit that would be made of it."""
    assert refused(router, cooldown=value).summary == f"cooldown={value!r} is not possible"
