"""Handlers as people in a chat meet them: over the real simulator, from message to answer."""

from __future__ import annotations

import dataclasses
import re
import sys
import threading
import types

import pytest

from qqgroup_sync import Button, Chain, Client, Equal, GroupConfig, Keyboard, RateLimit, Router
from tests.waiting import eventually

END = "that is all"


@pytest.fixture
def client(qq):
    """A client that is started by ``chat``."""
    return Client.simulated(language="en")


@pytest.fixture
def group(qq):
    """A group in which the bot hears everything."""
    group = qq.group("g")
    group.full_mode = True
    return group


@pytest.fixture
def chat(client, group):
    """Return a function: somebody says something; it returns the answers.

    After each text he says the magic word, to which a handler answers that nobody else takes: so
    an answer that does not come needs no waiting.
    """
    client.on_message(keywords=Equal(END), level=10**6)(lambda message: END)
    client.start()
    assert client.wait_ready(10)

    def say(text, *, by="Ming", role=None, at=True, where=group):
        private = where is None
        speaker = group.platform.user(by) if private else where.member(by, role=role)
        place = speaker if private else where
        for words in (text, END):
            speaker.say(words, **({} if private else {"at": at}))
        said = []
        while (answer := place.next_reply(10).content) != END:
            said.append(answer)
        return said

    return say


# ---------------------------------------------------------------------- who gets it


def test_a_prefix_word_wakes_the_bot(client, chat):
    """It is taken off the text; Equal and check_prefix=False do without."""
    client.set_prefix("小助手", "/")
    client.on_message(keywords="天气")(lambda m: f"{m.text}|{m.text_prefix}|{m.content.strip()}")
    client.on_message(keywords=["菜单", Equal("帮助")])(lambda m: f"menu {m.text}")
    client.on_message(keywords="签到", check_prefix=False)(lambda m: f"sign {m.text}")
    client.on_message(keywords="game", check_prefix=["bot"])(lambda m: f"game {m.text_prefix}")
    assert chat("天气") == []
    assert chat("小助手 天气如何") == ["天气如何|小助手|小助手 天气如何"]
    assert chat("／天气") == ["天气|／|／天气"]
    assert chat("菜单") == []
    assert chat("帮助") == ["menu 帮助"]
    assert chat("小助手菜单") == ["menu 菜单"]
    assert chat("签到") == ["sign 签到"]
    assert chat("小助手 签到") == ["sign 签到"]
    assert chat("小助手 game") == []
    assert chat("bot game") == ["game bot"]


def test_group_configs_are_shared_by_handlers(client, chat):
    """A handler's own options win; private messages come where the config lets them."""
    client.set_prefix("bot")
    client.on_group_message(keywords="dice", group_id="games")(lambda m: f"dice {m.is_direct}")
    client.on_group_message(keywords="card", group_id="games", allow_direct=False)(lambda m: "card")
    client.set_group_config(GroupConfig("games", check_prefix=False, allow_direct=True))
    secret = GroupConfig("secret", check_prefix=["psst"], direct_only=True)
    client.on_group_message(keywords="code", group_id=secret)(lambda m: f"code {m.text_prefix}")
    assert chat("dice") == ["dice False"]
    assert chat("dice", where=None) == ["dice True"]
    assert chat("card") == ["card"]
    assert chat("card", where=None) == []
    assert chat("psst code") == []
    assert chat("psst code", where=None) == ["code psst"]
    assert chat("code", where=None) == []


def test_verify_chooses_by_weight_and_hands_its_finding_on(client, chat):
    """(bool, weight, keypoint) of each handler; the heaviest of a level runs."""

    def longest(*names):
        def verify(message):
            found = max((name for name in names if name in message.text), key=len, default="")
            return bool(found), len(found), {"name": found}

        return verify

    client.on_message(keywords="a")(lambda m: f"keyword {m.verify.weight}")
    for number, words in enumerate([("ab", "abcd"), ("abc",)]):
        client.on_message(verify=longest(*words))(
            lambda m, *, n=number: f"{n} {m.verify.result} {m.verify.weight} {m.verify.keypoint}"
        )
    assert chat("abc") == ["1 True 3 {'name': 'abc'}"]
    assert chat("abcd") == ["0 True 4 {'name': 'abcd'}"]
    assert chat("a") == ["keyword 1"]
    assert chat("x") == []


def test_the_groups_of_a_pattern_reach_the_handler(client, chat):
    """message.verify.keypoint is the match."""
    client.on_message(keywords=re.compile(r"^(\d+)d(?P<sides>\d+)$"))(
        lambda m: f"{m.verify.keypoint[1]} dice of {m.verify.keypoint['sides']}"
    )
    assert chat("2d6") == ["2 dice of 6"]
    assert chat("xd6") == []


def test_levels_and_order(client, chat):
    """The highest level, then the first registered, alone; 0 and negative ones are fine."""
    client.on_message(keywords="x", level=-1)(lambda m: "below")
    client.on_message(keywords="hi")(lambda m: "first")
    client.on_message(keywords="hi")(lambda m: "second")
    client.on_message(keywords="hi all", level=3)(lambda m: "above")
    assert chat("hi") == ["first"]
    assert chat("hi all") == ["above"]
    assert chat("hi x") == ["first"]
    assert chat("x") == ["below"]


def test_handlers_that_do_not_block_share_the_replies_of_a_message(client, chat, group):
    """Each has a message of its own, and all their answers arrive, numbered one after the other."""
    kept = []

    @client.on_message(keywords="hi", block=False, check_prefix=False)
    def first(message):
        kept.append(message)
        message.reply("first")
        return f"first again {message.verify.keypoint}"

    client.on_message(keywords=re.compile("h(i)"), block=False)(
        lambda m: kept.append(m) or f"second {m.verify.keypoint[1]} {m.replies_left}"
    )
    client.on_message(keywords=Equal("hi"))(lambda m: kept.append(m) or f"third {m.replies_left}")
    client.on_message(lambda m: "never for hi")
    client.on_event(lambda event: event.text == "hi" and event.reply(f"seen {event.verify}"))
    assert chat("hi") == ["first", "first again hi", "second i 3", "third 2", "seen None"]
    assert len({id(message) for message in kept}) == 3
    numbers = [one.msg_seq for one in group.messages if one.from_bot and one.content != END]
    assert numbers == [1, 2, 3, 4, 5]


def test_a_hook_that_answers_and_the_handler_share_the_replies_too(client, chat, group):
    """Also when the hook hands on a copy of the message."""

    @client.message_created
    def greet(message):
        if message.text == "hi":
            changed = dataclasses.replace(message, text="hi!")
            message.reply("hook")
            return changed
        return None

    client.on_message(lambda m: f"handler {m.text}")
    assert chat("hi") == ["hook", "handler hi!"]


def test_a_prefixed_message_answered_from_verify_shares_them_as_well(client, chat):
    """verify= sees a copy."""
    client.set_prefix("bot")
    client.on_message(verify=lambda m: m.text == "hi" and m.reply("verify") is not None)(
        lambda m: "handler"
    )
    assert chat("bot hi") == ["verify", "handler"]


def test_at_only(client, chat):
    """In groups that send everything, only what mentions the bot; private messages always."""
    client.on_message(keywords="hi", at_only=True)(lambda m: "for me")
    client.on_message(keywords="hi")(lambda m: "for anybody")
    assert chat("hi", at=True) == ["for me"]
    assert chat("hi", at=False) == ["for anybody"]
    assert chat("hi", where=None) == ["for me"]


def test_roles(client, chat):
    """An owner is an administrator, too; nobody has a role in private."""
    client.on_message(keywords="ban", from_role="admin")(lambda m: "banned")
    client.on_message(keywords="close", from_role=["owner"])(lambda m: "closed")
    client.on_message(lambda m: "you may not")
    asked = {by: chat("ban", by=by, role=by) + chat("close", by=by) for by in ("member", "admin")}
    assert asked == {"member": ["you may not"] * 2, "admin": ["banned", "you may not"]}
    assert chat("ban", by="boss", role="owner") == ["banned"]
    assert chat("close", by="boss") == ["closed"]
    assert chat("ban", by="boss", where=None) == ["you may not"]


def test_users_and_groups(client, chat, group):
    """By openid."""
    other = group.platform.group("other")
    other.full_mode = True
    ming = group.member("Ming").openid
    client.on_message(keywords="a", users=[ming])(lambda m: "user")
    client.on_message(keywords="b", groups=other.openid)(lambda m: "group")
    assert chat("a") == ["user"]
    assert chat("a", by="Hong") == []
    assert chat("a", where=None) == ["user"]
    assert chat("b") == []
    assert chat("b", where=other) == ["group"]
    assert chat("b", where=None) == []


@pytest.fixture
def stepped():
    """A client in time that is moved."""
    return Client.simulated(language="en")


def answers(qq, group, *speakers):
    """What the bot says to each, one after the other; "" where it is silent."""
    said = []
    for name in speakers:
        before = len(group.messages)
        group.member(name).say("draw")
        qq.wait_idle()
        said.append("".join(one.text for one in group.messages[before:] if one.from_bot))
    return said


def test_a_rate_limit_answers_politely_once_and_then_is_silent(qq, stepped, group):
    """Each person has his own; after the window all is as before."""
    stepped.on_message(keywords="draw", rate_limit=(2, 60))(lambda m: "drawn")
    qq.run(stepped)
    first = answers(qq, group, *["Ming"] * 5, "Hong")
    assert first[:2] == ["drawn", "drawn"]
    assert first[2].startswith("Not so fast: please wait")
    assert first[3:] == ["", "", "drawn"]
    qq.clock.step(61)
    assert answers(qq, group, "Ming") == ["drawn"]


def test_a_limit_for_the_group_and_an_answer_of_ones_own(qq, stepped, group):
    """RateLimit has the details."""
    limit = RateLimit(1, 60, per="group", answer="wait {seconds}")
    stepped.on_message(keywords="draw", rate_limit=limit)(lambda m: "drawn")
    qq.run(stepped)
    assert answers(qq, group, "Ming", "Hong", "Lei") == ["drawn", "wait 60", ""]
    qq.clock.step(60)
    assert answers(qq, group, "Hong") == ["drawn"]


def test_a_cooldown(qq, stepped, group):
    """Seconds between two uses by one person."""
    stepped.on_message(keywords="draw", cooldown=30)(lambda m: "drawn")
    qq.run(stepped)
    said = answers(qq, group, "Ming", "Ming", "Hong")
    assert (said[0], said[2]) == ("drawn", "drawn")
    assert "please wait 30 s" in said[1]


def test_a_slip_of_the_pen_is_no_use_of_a_command(client, chat):
    """A cooldown counts what was understood."""

    @client.on_command("cc", cooldown=30)
    def cc(count: int):
        return f"counted {count}"

    assert "/cc <count>" in chat("/cc x")[0]
    assert chat("/cc 1") == ["counted 1"]
    assert "please wait" in chat("/cc 2")[0]


def test_the_log_says_which_function_failed_and_what_it_returned(client, chat, expected_errors):
    """A handler that returns a number, and a timed task that raises."""

    @client.on_message(keywords="number")
    def ret(message):
        return 5

    @client.timed_task(each=3600, run_when_added=True)
    def tick():
        raise ValueError("oops")

    assert chat("number") == []
    eventually(lambda: len(expected_errors) == 2)
    told = sorted(record.getMessage().replace("\n", " ") for record in expected_errors)
    assert any(re.search(r"ret \(test_handlers\.py:\d+\) failed: it returned 5", x) for x in told)
    assert any(re.search(r"tick \(test_handlers\.py:\d+\) failed: .*oops", x) for x in told)


@pytest.mark.expected_errors
def test_a_verify_that_raises_silences_nobody_else(client, chat):
    """It is told to on_exception, once."""
    told = []

    def broken(message):
        raise ValueError(message.text)

    client.on_exception(told.append)
    client.on_message(verify=broken, level=1)(lambda m: "never")
    client.on_message(lambda m: "answered")
    assert chat("hi") == ["answered"]
    assert [str(error) for error in told] == ["hi"]


# ---------------------------------------------------------------------- commands


def add_commands(client):
    """Let a bot have a command."""

    @client.on_command("weather", aliases=["天气"])
    def weather(city: str, days: int = 3, *, fast: bool = False):
        """Tell the weather."""
        return f"{city} {days} {fast}"


def test_commands(client, chat):
    """Arguments, wrong input, full-width input, in groups and in private."""
    add_commands(client)
    client.on_message(lambda m: f"chat: {m.text}")
    assert chat("/weather Paris 5") == ["Paris 5 False"]
    assert chat("／天气　上海　５") == ["上海 5 False"]
    assert chat("/weather Paris --fast", where=None) == ["Paris 3 True"]
    (wrong,) = chat("/weather Paris many")
    assert "many" in wrong
    assert "Usage: /weather <city> [days=3] [--fast]" in wrong
    assert "Something is missing" in chat("/weather")[0]
    assert chat("/whether") == ["chat: /whether"]


@pytest.mark.parametrize(
    ("language", "title", "usage"), [("en", "Commands:", "Usage: "), ("zh", "指令：", "用法：")]
)
def test_help_in_both_languages(group, language, title, usage):
    """Generated, of the client's language; so is the answer to wrong input."""
    client = Client.simulated(language=language)
    add_commands(client)
    with client:
        assert client.wait_ready(10)
        ming = group.member("Ming")
        ming.say("/help")
        shown = group.next_reply().content
        assert shown.startswith(title)
        assert "/weather <city> [days=3] [--fast]  Tell the weather." in shown
        ming.say("/帮助 天气")
        assert "Tell the weather." in group.next_reply().content
        ming.say("/weather")
        assert usage in group.next_reply().content


def test_a_help_of_the_users_wins(client, chat):
    """The generated one is not asked then."""
    add_commands(client)
    client.on_command("help")(lambda: "my own help")
    assert chat("/help") == ["my own help"]


def test_a_command_can_be_limited_like_any_handler(client, chat):
    """The options of on_message, but keywords and verify."""

    @client.on_command("ban", from_role="admin", level=2)
    def ban(who: str):
        return f"banned {who}"

    assert chat("/ban Lei") == []
    assert chat("/ban Lei", by="boss", role="owner") == ["banned Lei"]


# ---------------------------------------------------------------------- hooks and middleware


def test_the_hooks_of_the_seed_family(client, chat):
    """In their order, with their arguments."""
    told = []

    @client.message_created
    def created(message, instance):
        if message.text == END:
            return None
        told.append(("created", message.text, instance is client))
        return False if message.text == "drop" else dataclasses.replace(message, text="changed")

    @client.message_before_handle
    def before_handle(message, name, instance):
        told.append(("before_handle", message.text, name))
        return name != "forbidden"

    @client.message_before_send
    def before_send(chain, name, instance):
        told.append(("before_send", str(chain), name))
        return Chain().text("[").text(str(chain)).text("]") if name == "answer" else None

    client.message_after_send(lambda chain, name: told.append(("after_send", str(chain), name)))
    client.message_after_handle(lambda chain, name: told.append(("after_handle", str(chain), name)))

    def answer(message):
        return message.text

    def forbidden(message):
        return "never"

    answer.__qualname__, forbidden.__qualname__ = "answer", "forbidden"
    client.on_message(keywords="changed")(answer)
    assert chat("hi") == ["[changed]"]
    assert [one for one in told if END not in one] == [
        ("created", "hi", True),
        ("before_handle", "changed", "answer"),
        ("before_send", "changed", "answer"),
        ("after_send", "[changed]", "answer"),
        ("after_handle", "[changed]", "answer"),
    ]
    assert chat("drop") == []
    client.on_message(level=1, keywords="changed")(forbidden)
    assert chat("hi") == []


@pytest.mark.expected_errors
def test_middleware_stands_around_everything(client, chat):
    """It swallows, changes, and raises; the next message is not touched by that."""
    told = []

    @client.middleware
    def guard(event, call_next):
        text = getattr(event, "text", "")
        if text == "swallow":
            return None
        if text == "raise":
            raise PermissionError("not you")
        if text == "change":
            event = dataclasses.replace(event, text="changed")
        return call_next(event)

    client.on_exception(PermissionError)(told.append)
    client.on_message(lambda m: f"heard {m.text}")
    assert chat("swallow") == []
    assert chat("raise") == []
    assert chat("change") == ["heard changed"]
    assert chat("hi") == ["heard hi"]
    assert [str(error) for error in told] == ["not you"]


# ---------------------------------------------------------------------- buttons


def menu(function, **options):
    """A message with a button that calls a function."""
    return Chain().text("menu").keyboard(Keyboard().row(Button("go", on_click=function, **options)))


@pytest.fixture
def shown(client, group):
    """Return a function that starts a client and lets it show a menu with that button."""

    def show(function, **options):
        client.on_message(keywords="menu")(lambda m: menu(function, **options))
        client.start()
        assert client.wait_ready(10)
        group.member("Ming").say("menu")
        return group.next_reply(10)

    return show


def test_a_button_calls_a_function_once(client, group, shown):
    """The click is acknowledged, and answered by event id."""
    message = shown(lambda click: f"signed by {click.member_openid}", once=True)
    ming, hong = group.member("Ming"), group.member("Hong")
    click = ming.click(message, "1-1").wait_acknowledged()
    assert click.ack_code == 0
    answer = group.next_reply()
    assert (answer.content, answer.proactive) == (f"signed by {ming.openid}", False)
    hong.click(message, "1-1")
    assert group.next_reply().content == "This was done already."


def test_a_function_may_reply_by_itself(client, group, shown):
    """interaction.reply, as often as the platform allows, and then a return value."""

    def clicked(click, instance):
        click.reply("one")
        click.reply(Chain().text("two"))
        return f"three {instance is client}"

    group.member("Ming").click(shown(clicked), "1-1")
    assert [group.next_reply().content for _ in range(3)] == ["one", "two", "three True"]


def test_clicks_are_acknowledged_while_all_workers_are_blocked(client, group, shown):
    """The spinner ends at once; what the button does comes when there is room."""
    message, gate = shown(lambda: "clicked"), threading.Event()
    begun = []

    @client.on_group_message(keywords="block")
    def block(message):
        begun.append(message)
        gate.wait(30)

    for number in range(100):
        group.member(f"person {number}").say("block")
    eventually(lambda: len(begun) == 64, 15)  # all there are; 36 messages wait
    click = group.member("Ming").click(message, "1-1")
    assert click.wait_acknowledged(3.0).acknowledged
    assert len(begun) == 64
    gate.set()
    assert group.next_reply(15).content == "clicked"
    eventually(lambda: len(begun) == 100, 15)


def test_a_click_after_a_restart_of_the_program_has_a_polite_answer(client, group, shown):
    """Another client object knows nothing of the function; a restart of the same one does."""
    message, ming = shown(lambda: "done"), group.member("Ming")
    client.stop()
    client.start()
    assert client.wait_ready(10)
    ming.click(message, "1-1")
    assert group.next_reply().content == "done"
    client.stop()
    Client.simulated(language="en").start()
    ming.click(message, "1-1").wait_acknowledged()
    assert group.next_reply().content == "This button does not work any more."


BOT = """
from qqgroup_sync import Button, Chain, Client, Keyboard
client = Client("1", "secret-of-1", language="en")

@client.on_message(keywords="menu")
def show(message):
    button = Button("go", on_click=lambda: "done")
    return Chain().text("menu").keyboard(Keyboard().row(button))

client.run()
"""


def test_a_click_on_a_button_of_another_process_has_a_polite_answer(qq, group, tmp_path):
    """The bot was restarted."""
    script = tmp_path / "bot.py"
    script.write_text(BOT, "utf-8")
    bot, ming = qq.run(script, subprocess=True), group.member("Ming")
    ming.say("menu")
    message = group.next_reply()
    ming.click(message, "go")
    assert group.next_reply().text == "done"
    bot.restart()
    ming.click(message, "go").wait_acknowledged()
    assert group.next_reply().text == "This button does not work any more."


# ---------------------------------------------------------------------- other files


def test_a_module_is_included(client, chat):
    """While the bot runs; handlers that come later count, too."""
    module = types.ModuleType("games")
    module.router = Router()
    module.router.on_message(keywords="dice")(lambda m: "six")
    assert chat("dice") == []
    client.include(module)
    assert chat("dice") == ["six"]
    module.router.on_message(keywords="card")(lambda m: "ace")
    assert chat("card") == ["ace"]


def test_plugins_are_loaded_from_a_folder(client, chat, tmp_path):
    """Each file with its router; their commands stand in one help."""
    for name in ("dice", "card"):
        (tmp_path / f"{name}.py").write_text(
            "from qqgroup_sync import Router\n"
            "router = Router()\n"
            f"@router.on_command({name!r})\n"
            "def run():\n"
            f"    'Draw a {name}.'\n"
            f"    return 'one {name}'\n",
            "utf-8",
        )
    add_commands(client)
    modules = client.load_plugins(tmp_path)
    try:
        assert chat("/dice") == ["one dice"]
        assert chat("/card") == ["one card"]
        (shown,) = chat("/help")
        assert "/dice  Draw a dice." in shown
        assert "/weather" in shown
    finally:
        for module in modules:
            del sys.modules[module.__name__]


def test_handlers_defined_while_the_bot_runs_count_from_the_next_message(client, chat):
    """As in a notebook, or from another thread."""
    client.on_message(lambda m: "old")
    assert chat("hi") == ["old"]
    thread = threading.Thread(target=lambda: client.on_message(level=1)(lambda m: "new"))
    thread.start()
    thread.join(10)
    assert chat("hi") == ["new"]
    client.set_prefix("bot")
    assert chat("hi") == []
    assert chat("bot hi") == ["new"]
