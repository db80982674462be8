"""Every decorator: what it takes, what it refuses, and in which order handlers are asked."""

from __future__ import annotations

import functools
import threading

import pytest

from qqgroup_sync.dispatch.event_decorators import KNOWN_EVENTS
from qqgroup_sync.dispatch.filters import GroupConfig, wake
from qqgroup_sync.dispatch.router import Router
from qqgroup_sync.errors import ConfigError, QQGroupError, WaitTimeout
from qqgroup_sync.events import parse
from qqgroup_sync.events.models import C2CMessage, GroupMessage

GROUP, C2C = "group message", "c2c message"
MESSAGE_DECORATORS = {
    "on_group_message": (GROUP,),
    "on_c2c_message": (C2C,),
    "on_message": (GROUP, C2C),
}
EVENT_DECORATORS = {
    "on_group_added": ("GROUP_ADD_ROBOT",),
    "on_group_removed": ("GROUP_DEL_ROBOT",),
    "on_group_proactive_allowed": ("GROUP_MSG_RECEIVE",),
    "on_group_proactive_refused": ("GROUP_MSG_REJECT",),
    "on_member_joined": ("GROUP_MEMBER_ADD",),
    "on_member_left": ("GROUP_MEMBER_REMOVE",),
    "on_join_request": ("GROUP_JOIN_REQUEST",),
    "on_friend_added": ("FRIEND_ADD",),
    "on_friend_removed": ("FRIEND_DEL",),
    "on_c2c_proactive_allowed": ("C2C_MSG_RECEIVE",),
    "on_c2c_proactive_refused": ("C2C_MSG_REJECT",),
    "on_interaction": ("INTERACTION_CREATE",),
    "on_subscribe_status": ("SUBSCRIBE_MESSAGE_STATUS",),
    "on_audit_result": ("MESSAGE_AUDIT_PASS", "MESSAGE_AUDIT_REJECT"),
    "on_enter_aio": ("ENTER_AIO",),
}
OTHERS = ("on_event", "on_ready", "on_state_change", "on_exception")
HOOKS = (
    *("message_created", "message_before_waiter_set", "message_before_handle"),
    *("message_before_send", "message_after_send", "message_after_handle", "event_created"),
)
EVERY = (*MESSAGE_DECORATORS, *EVENT_DECORATORS, *OTHERS, *HOOKS)
NAMED = ("on_command",)  # not without a name: tested by itself


@pytest.fixture(autouse=True)
def _english(monkeypatch):
    """Let remedies be English, whatever this machine speaks."""
    monkeypatch.setenv("QQ_LANGUAGE", "en")


@pytest.fixture
def registry():
    """A registry without handlers."""
    return Router()


def asked(registry, kind, text="hi"):
    """Who is asked about a message, or about an event, the first one first."""
    if kind not in (GROUP, C2C):
        return list(registry.handlers_for(kind))
    message = (GroupMessage if kind is GROUP else C2CMessage)(text=text)
    words = wake(text, registry.prefixes)
    found = registry.routes(direct=message.is_direct).find(message, words, pytest.fail)
    return [one.handler for one in found]


def functions(handlers):
    """Whose handlers they are, in order."""
    return [handler.function for handler in handlers]


def test_no_decorator_is_left_out_here():
    """A new decorator has to be entered in these tables."""
    public = {name for name in dir(Router) if name.startswith(("on_", "message_", "event_"))}
    assert set(EVERY) | set(NAMED) == public


# ---------------------------------------------------------------------- bare, with arguments


@pytest.mark.parametrize("name", [*EVERY, "middleware"])
def test_used_bare_the_function_comes_back_unchanged(registry, name):
    """A decorated function can still be called and tested by itself."""

    def handler(event, call_next=None):
        return event

    assert getattr(registry, name)(handler) is handler
    assert handler("x") == "x"


@pytest.mark.parametrize("name", [*MESSAGE_DECORATORS, "on_event", "on_exception"])
def test_used_with_parentheses_the_function_comes_back_unchanged(registry, name):
    """Empty parentheses are the same as none."""

    def handler(event):
        return event

    assert getattr(registry, name)()(handler) is handler
    found = [
        *asked(registry, GROUP),
        *asked(registry, C2C),
        *registry.observers_of("ANYTHING"),
        *registry.guards_for(ValueError()),
    ]
    assert set(functions(found)) == {handler}


@pytest.mark.parametrize(("name", "kinds"), MESSAGE_DECORATORS.items())
def test_which_messages_a_decorator_is_for(registry, name, kinds):
    """Groups, private chats, or both; with and without options."""
    decorate = getattr(registry, name)
    decorate(print)
    decorate(keywords="hi", level=-1)(repr)
    for kind in (GROUP, C2C):
        expected = [print, repr] if kind in kinds else []
        assert functions(asked(registry, kind)) == expected


@pytest.mark.parametrize(("name", "events"), EVENT_DECORATORS.items())
def test_which_event_a_decorator_is_for(registry, name, events):
    """Each lifecycle decorator stands for the platform's name, and for no other."""
    getattr(registry, name)(print)
    taken = {event for names in EVENT_DECORATORS.values() for event in names}
    heard = {event for event in taken if registry.handlers_for(event)}
    assert heard == set(events)


def test_decorators_can_be_stacked(registry):
    """One function can be for several things."""

    @registry.on_group_message(keywords="hi")
    @registry.on_c2c_message
    @registry.on_group_added
    def handler(event):
        pass

    for kind in (GROUP, C2C, "GROUP_ADD_ROBOT"):
        assert functions(asked(registry, kind)) == [handler]


def test_higher_levels_first_then_in_order_of_registration(registry):
    """Also across on_message and on_group_message."""
    called = []
    for level, name in [(0, "a"), (5, "b"), (-1, "c"), (0, "d"), (5, "e"), (0.5, "f")]:
        decorate = registry.on_message if name in "ad" else registry.on_group_message
        decorate(level=level)(functools.partial(called.append, name))
    for handler in asked(registry, GROUP):
        handler.call(None)
    assert called == ["b", "e", "f", "a", "d", "c"]


def test_a_handler_registered_meanwhile_disturbs_no_event_under_way(registry):
    """What was looked up stays as it was."""
    registry.on_group_message(print)
    message = GroupMessage(text="hi")
    under_way = registry.routes(direct=False).find(message, wake("hi", ()), pytest.fail)
    registry.on_group_message(repr)
    assert [one.handler.function for one in under_way] == [print]
    assert functions(asked(registry, GROUP)) == [print, repr]


def test_many_threads_may_register_at_once(registry):
    """No handler is lost."""
    begin = threading.Barrier(8)

    def register():
        begin.wait(5)
        for _ in range(50):
            registry.on_message(lambda message: None)
            registry.on_event(lambda event: None)

    threads = [threading.Thread(target=register) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(asked(registry, GROUP)) == len(asked(registry, C2C)) == 400
    assert len(registry.observers_of("X")) == 400
    orders = [handler.order for handler in asked(registry, GROUP)]
    assert orders == sorted(set(orders))


# ---------------------------------------------------------------------- what can be a handler


class Greeter:
    """A callable object, with a method that is a handler, too."""

    def __init__(self):
        self.heard = []

    def __call__(self, message):
        self.heard.append(message)
        return "called"

    def greet(self, message):
        self.heard.append(message)
        return "greeted"

    @staticmethod
    def fixed(message):
        return f"fixed {message}"

    @classmethod
    def of_class(cls, message):
        return f"{cls.__name__} {message}"


def two(first, second):
    """Take two arguments."""
    return f"{first} {second}"


@pytest.mark.parametrize(
    ("function", "answer"),
    [
        (lambda message: f"one {message}", "one m"),
        (lambda: "none", "none"),
        (lambda message, other="default": f"{message} {other}", "m default"),
        (lambda *everything: everything, ("m",)),
        (lambda message, **options: options, {}),
        (lambda message, *, option=3: option, 3),
        (Greeter(), "called"),
        (Greeter().greet, "greeted"),
        (Greeter.fixed, "fixed m"),
        (Greeter.of_class, "Greeter m"),
        (functools.partial(two, "say"), "say m"),
        (functools.partial(two, second="last"), "m last"),
        (functools.lru_cache(lambda message: f"cached {message}"), "cached m"),
        (str.upper, "M"),
        (len, 1),
        ({"m": "looked up"}.get, "looked up"),
    ],
)
def test_what_can_be_a_handler(registry, function, answer):
    """Whatever can be called with a message, or with nothing."""
    registry.on_group_message(function)
    (handler,) = asked(registry, GROUP)
    assert handler.call("m") == answer


def test_a_builtin_without_a_signature_gets_everything(registry):
    """It cannot be asked how much it takes."""
    registry.on_event(max)
    (observer,) = registry.observers_of("X")
    assert observer.call(3, 7) == 7


@pytest.mark.parametrize("takes", range(3))
def test_event_handlers_get_event_and_client_as_many_as_they_take(registry, takes):
    """One, both, or none of them."""
    handler = [lambda: (), lambda event: (event,), lambda event, client: (event, client)][takes]
    registry.on_group_added(handler)
    registry.on_event(handler)
    for found in (*registry.handlers_for("GROUP_ADD_ROBOT"), *registry.observers_of("X")):
        assert found.call("event", "client") == ("event", "client")[:takes]


def async_functions():
    """Everything that would return a coroutine, or a generator of them."""

    async def plain(message):
        pass

    async def generator(message):
        yield

    class Callable:
        async def __call__(self, message):
            pass

        async def method(self, message):
            pass

    return [plain, generator, Callable(), Callable().method, functools.partial(plain)]


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("function", async_functions())
def test_async_is_refused_with_the_remedy(registry, name, function):
    """The one mistake that everybody makes who comes from another SDK."""
    with pytest.raises(ConfigError, match="async") as caught:
        getattr(registry, name)(function)
    assert "Drop async" in caught.value.remedy
    assert asked(registry, GROUP) == []


def generators():
    """Everything that would return a generator, and run nothing."""

    def plain(message):
        yield "hello"

    class Callable:
        def __call__(self, message):
            yield "hello"

    return [plain, Callable(), functools.partial(plain)]


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("function", generators())
def test_a_generator_is_refused_with_the_remedy(registry, name, function):
    """Nobody would ask it for its values."""
    with pytest.raises(ConfigError, match="generator") as caught:
        getattr(registry, name)(function)
    assert "return instead of yield" in caught.value.remedy


@pytest.mark.parametrize("name", [name for name in EVERY if name != "on_exception"])
def test_a_class_is_refused_with_the_remedy(registry, name):
    """A new object for each message is nothing to send."""
    with pytest.raises(ConfigError, match="Greeter is a class") as caught:
        getattr(registry, name)(Greeter)
    assert "Decorate a def" in caught.value.remedy


@pytest.mark.parametrize("function", [Greeter, *generators()])
def test_commands_and_tasks_refuse_classes_and_generators_too(registry, function):
    """In the line of the decorator."""
    for decorate in (registry.on_command("x"), registry.timed_task(each=60)):
        with pytest.raises(ConfigError, match=r"is a (class|generator)"):
            decorate(function)


@pytest.mark.parametrize("thing", ["hello", 5, ["hello"], object()])
def test_a_filter_without_its_name_is_refused_with_the_remedy(registry, thing):
    """@client.on_group_message("hello") would else swallow the handler."""
    with pytest.raises(ConfigError, match="no function") as caught:
        registry.on_group_message(thing)
    assert "keywords='hi'" in caught.value.remedy


@pytest.mark.parametrize("name", [*EVENT_DECORATORS, "on_ready"])
def test_what_is_no_function_is_refused_everywhere(registry, name):
    """Also by decorators without options."""
    with pytest.raises(ConfigError, match="no function"):
        getattr(registry, name)("hello")


@pytest.mark.parametrize(
    ("name", "function", "wanted"),
    [
        ("on_group_message", lambda message, client: None, "(message, client), but gets 1"),
        ("on_message", two, "(first, second), but gets 1"),
        ("on_c2c_message", lambda *, option: None, "(option=), but gets 1"),
        ("on_group_added", lambda a, b, c: None, "(a, b, c), but gets 2"),
        ("on_event", lambda a, b, c: None, "(a, b, c), but gets 2"),
        ("on_ready", two, "(first, second), but gets 1"),
        ("on_exception", lambda a, b, c, d: None, "(a, b, c, d), but gets 3"),
        ("message_created", lambda a, b, c: None, "(a, b, c), but gets 2"),
        ("message_before_send", lambda a, b, c, d: None, "(a, b, c, d), but gets 3"),
        ("middleware", lambda a, b, c: None, "(a, b, c), but gets 2"),
    ],
)
def test_who_wants_too_much_is_refused_when_decorated(registry, name, function, wanted):
    """Not with a TypeError at the first message, hours later."""
    with pytest.raises(ConfigError) as caught:
        getattr(registry, name)(function)
    assert wanted in caught.value.summary
    assert "default" in caught.value.remedy


def test_wrong_keywords_are_refused_in_the_decorators_line(registry):
    """Before the function is even seen."""
    with pytest.raises(ConfigError, match="keywords"):
        registry.on_message(keywords=5)


# ---------------------------------------------------------------------- on_event


@pytest.mark.parametrize("names", [(), (None,), ([],)])
def test_on_event_without_names_sees_everything(registry, names):
    """Also with an empty list or None, as from a setting."""
    registry.on_event(*names)(print)
    assert functions(registry.observers_of("WHATEVER")) == [print]


@pytest.mark.parametrize(
    "names", [("A", "B"), (["A", "B"],), (("A",), "B"), (["A", "A"], "B", "B")]
)
def test_on_event_with_names(registry, names):
    """Names, lists of names, or both; each event is observed once."""
    registry.on_event(*names)(print)
    assert functions(registry.observers_of("A")) == [print]
    assert functions(registry.observers_of("B")) == [print]
    assert registry.observers_of("C") == ()


@pytest.mark.parametrize("name", ["A", ["A", "B"], ("A",)])
def test_on_event_by_the_seed_familys_keyword(registry, name):
    """``name=``, one or a list; None sees everything."""
    registry.on_event(name=name)(print)
    registry.on_event(name=None)(repr)
    registry.on_event("A", name="C")(len)
    assert functions(registry.observers_of("A")) == [print, len, repr]
    assert functions(registry.observers_of("C")) == [len, repr]
    with pytest.raises(ConfigError, match="no name of an event"):
        registry.on_event(name=5)


def test_who_observes_one_event_comes_before_who_observes_all(registry):
    """Both are told."""
    registry.on_event(print)
    registry.on_event("A")(repr)
    assert functions(registry.observers_of("A")) == [repr, print]


@pytest.mark.parametrize("name", [5, "", ["A", 5], {"A": 1}, b"A"])
def test_what_is_no_name_is_refused_with_the_remedy(registry, name):
    """Else the handler would wait for ever for an event that nobody sends."""
    with pytest.raises(ConfigError, match="no name of an event") as caught:
        registry.on_event(name)
    assert "GROUP_ADD_ROBOT" in caught.value.remedy


# ---------------------------------------------------------------------- on_exception


@pytest.mark.parametrize(
    ("types", "error", "taken"),
    [
        ((), ValueError(), True),
        ((), SystemExit(), True),
        ((), KeyboardInterrupt(), False),
        ((ValueError,), ValueError(), True),
        ((ValueError,), ConfigError("also a ValueError"), True),
        ((ValueError,), KeyError(), False),
        ((ValueError,), SystemExit(), False),
        ((ValueError, KeyError), KeyError(), True),
        (([ValueError, KeyError],), KeyError(), True),
        (((ValueError,), KeyError), ValueError(), True),
        ((LookupError,), KeyError(), True),
        ((QQGroupError,), WaitTimeout("late"), True),
        ((TimeoutError,), WaitTimeout("late"), True),
        ((BaseException,), KeyboardInterrupt(), True),
    ],
)
def test_which_exceptions_a_guard_takes(registry, types, error, taken):
    """By isinstance; without classes all that a handler normally ends with."""
    registry.on_exception(*types)(print)
    assert bool(registry.guards_for(error)) is taken


@pytest.mark.parametrize("kinds", [ValueError, [ValueError, KeyError], (ValueError,)])
def test_on_exception_by_the_seed_familys_keyword(registry, kinds):
    """``type=``, one or a list; None takes everything."""
    registry.on_exception(type=kinds)(print)
    registry.on_exception(type=None)(repr)
    assert functions(registry.guards_for(ValueError())) == [print, repr]
    assert functions(registry.guards_for(OSError())) == [repr]
    with pytest.raises(ConfigError, match="no class of exceptions"):
        registry.on_exception(type="ValueError")


def test_every_guard_that_fits_is_told(registry):
    """In order of registration; the specific does not hide the general."""
    registry.on_exception(print)
    registry.on_exception(ValueError)(repr)
    registry.on_exception(KeyError)(len)
    assert functions(registry.guards_for(ValueError())) == [print, repr]


@pytest.mark.parametrize("types", ["ValueError", 5, int, [ValueError, "x"], ValueError("instance")])
def test_what_is_no_class_of_exceptions_is_refused_with_the_remedy(registry, types):
    """Else the next exception of any handler would meet a broken guard."""
    with pytest.raises(ConfigError, match="no class of exceptions") as caught:
        registry.on_exception(types)
    assert "ValueError" in caught.value.remedy


def test_ready_handlers_are_kept_in_order(registry):
    """They are told one after the other."""
    registry.on_ready(print)
    registry.on_ready(repr)
    assert functions(registry.ready_handlers) == [print, repr]


def test_a_handler_is_named_in_logs(registry):
    """By its function; an object without a name by its repr."""
    registry.on_exception(two)
    registry.on_exception(functools.partial(two, 1))
    named, partial = registry.guards_for(ValueError())
    assert named.name == "two"
    assert "partial" in partial.name


def test_registering_by_name_of_keyword_takes_the_message(registry):
    """The filter of the decorator is the one that is asked."""
    registry.on_group_message(keywords="hi")(print)
    assert functions(asked(registry, GROUP, "oh hi")) == [print]
    assert asked(registry, GROUP, "bye") == []


@pytest.mark.parametrize("name", [*EVENT_DECORATORS, "on_ready"])
def test_empty_parentheses_are_fine(registry, name):
    """@client.on_friend_added() is the same as @client.on_friend_added."""

    def handler():
        pass

    assert getattr(registry, name)()(handler) is handler
    names = EVENT_DECORATORS.get(name, ())
    assert all(functions(registry.handlers_for(event)) == [handler] for event in names)


# ---------------------------------------------------------------------- decorators without a name


def test_a_command_without_a_name_is_refused_in_its_line(registry):
    """@client.on_command alone would else swallow the function."""
    with pytest.raises(ConfigError, match="name of the command") as caught:
        registry.on_command(print)
    assert "on_command('weather')" in caught.value.remedy


def test_a_timed_task_without_a_time_is_refused_in_its_line(registry):
    """@client.timed_task alone would else swallow the function."""
    with pytest.raises(ConfigError, match="told when") as caught:
        registry.timed_task(lambda: None)
    assert "each=60" in caught.value.remedy


def test_a_middleware_that_cannot_call_next_is_refused(registry):
    """It would swallow every event."""
    with pytest.raises(ConfigError, match="cannot be a middleware") as caught:
        registry.middleware(lambda event: None)
    assert "call_next" in caught.value.remedy


# ---------------------------------------------------------------------- prefixes and group configs


def test_prefix_words_may_be_set_after_the_handlers_and_taken_away(registry):
    """What counts is what is set when a message comes."""
    registry.on_message(print)
    assert functions(asked(registry, GROUP, "hi")) == [print]
    registry.set_prefix("bot", "/")
    assert asked(registry, GROUP, "hi") == []
    assert functions(asked(registry, GROUP, "/hi")) == [print]
    registry.set_prefix()
    assert functions(asked(registry, GROUP, "hi")) == [print]


@pytest.mark.parametrize("words", ["bot", ["bot"], ["bot", "/"]])
def test_the_seed_familys_name_of_set_prefix(registry, words):
    """One word, or a list of them."""
    registry.set_prefix_keywords(words)
    assert registry.prefixes[0] == "bot"


@pytest.mark.parametrize("words", [[""], ["  "], [5], ["a", None, 5]])
def test_what_is_no_prefix_is_refused(registry, words):
    """An empty one would wake the bot always."""
    with pytest.raises(ConfigError, match="no prefix"):
        registry.set_prefix(*words)


def test_a_group_config_may_be_set_after_the_decorator(registry):
    """Files are imported in any order."""
    registry.on_group_message(group_id="games")(print)
    assert asked(registry, C2C) == []
    registry.set_group_config(GroupConfig("games", allow_direct=True))
    assert functions(asked(registry, C2C)) == [print]


def test_a_group_config_given_to_one_handler_counts_for_the_others(registry):
    """group_id= takes the config itself, as in the seed family."""
    registry.on_group_message(group_id=GroupConfig("games", direct_only=True))(print)
    registry.on_group_message(group_id="games")(repr)
    assert functions(asked(registry, C2C)) == [print, repr]
    assert asked(registry, GROUP) == []


def test_a_group_config_that_nobody_knows_is_told_once(registry, caplog):
    """With its handler, when the first message comes; until then it may still be set."""
    router = Router()
    registry.include(router)
    registry.on_message(group_id="known")(print)
    router.set_group_config(GroupConfig("known"))
    router.on_message(group_id="typo")(told_of)
    assert caplog.messages == []
    for kind in (GROUP, C2C, GROUP):
        asked(registry, kind)
        registry.on_message(print)
    (told,) = caplog.messages
    assert "told_of (test_registry.py:" in told
    assert "group_id='typo'" in told


def told_of(message):
    """Be named in a warning."""


@pytest.mark.parametrize("config", ["games", None, {"group_id": "games"}])
def test_what_is_no_group_config_is_refused(registry, config):
    """In the user's line."""
    with pytest.raises(ConfigError, match="no GroupConfig"):
        registry.set_group_config(config)


# ---------------------------------------------------------------------- names of events


def test_all_names_that_have_a_model_are_known():
    """Else a right name would be taken for a wrong one."""
    assert set(KNOWN_EVENTS) == set(parse._READERS)


@pytest.mark.parametrize(
    ("name", "meant"),
    [("GROUP_ADD_ROBOTS", "GROUP_ADD_ROBOT"), ("friend_add", "FRIEND_ADD")],
)
def test_a_name_that_is_nearly_one_is_taken_with_a_warning(registry, caplog, name, meant):
    """The platform may have it some day."""
    registry.on_event(name)(print)
    assert functions(registry.observers_of(name)) == [print]
    (record,) = caplog.records
    assert name in record.getMessage()
    assert f"did you mean '{meant}'" in record.getMessage()


@pytest.mark.parametrize("name", ["NO_SUCH_EVENT", "GROUP_ADD_ROBOT", "GUILD_CREATE"])
def test_other_names_are_taken_silently(registry, caplog, name):
    """Known ones, and those of events that nobody knows yet."""
    registry.on_event(name)(print)
    assert caplog.records == []
