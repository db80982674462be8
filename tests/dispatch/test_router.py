"""Handlers in other files: include, exclude, and plug-ins from a folder."""

from __future__ import annotations

import gc
import sys
import types
import weakref

import pytest

from qqgroup_sync import Accounts, Client, Router
from qqgroup_sync.dispatch.filters import copy_of, wake
from qqgroup_sync.errors import ConfigError
from qqgroup_sync.events.models import GroupMessage

PLUGIN = """
from qqgroup_sync import Router

router = Router()

@router.on_message(keywords={name!r})
def hear(message):
    return {name!r}
"""


@pytest.fixture(autouse=True)
def _no_plugin_stays():
    """Forget the modules that a test loaded."""
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.startswith("qqgroup_plugins"):
            del sys.modules[name]


@pytest.fixture
def client():
    """What includes; a client is a router as well."""
    return Router()


def answers(router, text="hi"):
    """What all handlers that a message is for would say."""
    message = GroupMessage(text=text)
    found = router.routes(direct=False).find(message, wake(text, router.prefixes), pytest.fail)
    return [one.handler.call(copy_of(message, verify=one.verify)) for one in found]


def saying(*words):
    """A router with a handler for each word."""
    router = Router()
    for word in words:
        router.on_message(lambda message, word=word: word)
    return router


def module_with(**values):
    """A module in which these stand."""
    module = types.ModuleType("games")
    vars(module).update(values)
    return module


# ---------------------------------------------------------------------- include


def test_everything_of_a_router_counts(client):
    """Handlers of all kinds, hooks, commands, tasks."""
    router = Router()
    router.on_message(lambda message: "message")
    router.on_group_added(print)
    router.on_event(repr)
    router.on_exception(len)
    router.on_ready(ascii)
    router.message_created(lambda message: None)
    router.on_command("x")(lambda: None)
    router.timed_task(each=60)(print)
    client.include(router)
    assert answers(client) == ["message"]
    assert [one.function for one in client.handlers_for("GROUP_ADD_ROBOT")] == [print]
    assert [one.function for one in client.observers_of("X")] == [repr]
    assert [one.function for one in client.guards_for(ValueError())] == [len]
    assert [one.function for one in client.ready_handlers] == [ascii]
    assert [one.name for one in client.commands] == ["x"]
    assert [one.function for one in client.tasks] == [print]
    assert len(client.all_hooks) == 1


def test_what_is_registered_later_counts_too(client):
    """In the router, or in one that it includes then."""
    router, inner = Router(), saying("inner")
    client.include(router)
    router.on_message(lambda message: "later")
    assert answers(client) == ["later"]
    router.include(inner)
    assert sorted(answers(client)) == ["inner", "later"]


def test_a_router_counts_once_however_often_it_is_included(client):
    """Directly, again, by a module, and through another router."""
    router, other = saying("once"), Router()
    other.include(router)
    client.include(router, router)
    client.include(module_with(a=router, b=router, c=other))
    assert answers(client) == ["once"]


def test_events_are_told_in_order_of_registration_over_all_files(client):
    """As messages are."""
    router, functions = Router(), [lambda event: None for _ in range(4)]
    client.include(router)
    for place, function in zip((client, router, client, router), functions, strict=True):
        place.on_group_added(function)
    told = [one.function for one in client.handlers_for("GROUP_ADD_ROBOT")]
    assert told == functions


def test_all_routers_of_a_module_are_included(client):
    """And nothing else that stands there."""
    client.include(module_with(first=saying("a"), second=saying("b"), Router=Router, x=5))
    assert answers(client) == ["a", "b"]


def test_a_router_of_one_s_own_class_is_one_and_a_client_is_none(client):
    """A module may hold both; the client in it has a life of its own."""

    class Games(Router):
        pass

    games, bot = Games(), Client("1", "secret")
    games.on_message(lambda message: "games")
    bot.on_message(lambda message: "bot")
    client.include(module_with(games=games, bot=bot, bots=Accounts(bot)))
    assert answers(client) == ["games"]


def test_one_router_may_serve_several_clients():
    """Several accounts, the same handlers."""
    router, clients = saying("shared"), [Router(), Router()]
    for client in clients:
        client.include(router)
    assert [answers(client) for client in clients] == [["shared"], ["shared"]]


@pytest.mark.parametrize("thing", [5, "games", None, Router, [Router()]])
def test_what_is_no_router_is_refused_with_the_remedy(client, thing):
    """In the user's line."""
    with pytest.raises(ConfigError, match="is no router") as caught:
        client.include(thing)
    assert caught.value.remedy


def test_a_module_without_a_router_is_refused_with_the_remedy(client):
    """It was forgotten there."""
    with pytest.raises(ConfigError, match="no router in games") as caught:
        client.include(module_with(x=5))
    assert "Router()" in caught.value.remedy


def test_when_one_is_refused_none_is_included(client):
    """Half of it would be hard to see."""
    with pytest.raises(ConfigError):
        client.include(saying("a"), 5)
    assert answers(client) == []


def test_a_circle_is_refused(client):
    """Directly, or by way of others."""
    outer, inner = Router(), Router()
    outer.include(inner)
    client.include(outer)
    for one, other in ((client, client), (inner, client), (inner, outer)):
        with pytest.raises(ConfigError, match="include itself") as caught:
            one.include(other)
        assert caught.value.remedy


def test_a_router_keeps_no_client_alive():
    """One that stands in a module outlives clients of a notebook."""
    router, client = Router(), Router()
    client.include(router)
    gone = weakref.ref(client)
    del client
    gc.collect()
    assert gone() is None


# ---------------------------------------------------------------------- exclude


def test_a_router_can_be_taken_away_again(client):
    """It may come back, too; twice is no error."""
    router = saying("x")
    client.include(router)
    client.exclude(router)
    client.exclude(router)
    assert answers(client) == []
    client.include(router)
    assert answers(client) == ["x"]


# ---------------------------------------------------------------------- tasks while running


class Running(Router):
    """Stands for a client that runs: it is told of tasks."""

    def __init__(self):
        super().__init__()
        self.running = []

    def _task_added(self, task):
        self.running.append(task.function)

    def _task_removed(self, tag):
        self.running.remove(tag.function)


def test_a_running_client_hears_of_the_tasks_of_its_routers():
    """Included while it runs, added later, in a router of a router, excluded, removed."""
    client, router, inner = Running(), Router(), Router()
    router.timed_task(each=1)(print)
    client.include(router)
    router.include(inner)
    inner.timed_task(each=1)(repr)
    router.timed_task(each=1, tag="x")(len)
    assert client.running == [print, repr, len]
    assert router.remove_timed_task("x") == 1
    assert client.running == [print, repr]
    client.exclude(router)
    assert client.running == []


def test_removing_a_tag_removes_what_was_registered_there():
    """Neither does a router remove what is the client's, nor the other way round."""
    client, router = Running(), Router()
    client.include(router)
    client.timed_task(each=1)(print)
    router.timed_task(each=1)(repr)
    assert router.remove_timed_task() == 1
    assert client.running == [print]
    router.timed_task(each=1)(repr)
    assert client.remove_timed_task() == 1
    assert client.running == [repr]
    assert [task.function for task in client.tasks] == [repr]


# ---------------------------------------------------------------------- load_plugins


def write(folder, **files):
    """Write plug-ins; a value that is no code is the word that it answers to."""
    folder.mkdir(exist_ok=True)
    for name, code in files.items():
        path = folder / f"{name.replace('__in__', '/')}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(code if "\n" in code else PLUGIN.format(name=code), "utf-8")
    return folder


def test_every_module_and_package_of_a_folder_is_a_plugin(client, tmp_path):
    """By name, but for those that begin with _ or a dot, and what is no Python."""
    folder = write(tmp_path / "plugins", b="b", a="a", _hidden="no", c__in____init__="c")
    (folder / "notes.txt").write_text("nothing")
    (folder / "empty").mkdir()
    (folder / ".git").mkdir()
    modules = client.load_plugins(folder)
    assert [module.__name__.rpartition(".")[2] for module in modules] == ["a", "b", "c"]
    assert answers(client, "a b c no") == ["a", "b", "c"]


def test_a_folder_may_be_named_by_a_str_from_the_working_directory(client, tmp_path, monkeypatch):
    """As in load_plugins("plugins/")."""
    write(tmp_path / "plugins", a="a")
    monkeypatch.chdir(tmp_path)
    client.load_plugins("plugins/")
    assert answers(client, "a") == ["a"]


def test_loading_again_imports_nothing_again_but_what_is_new(client, tmp_path):
    """Handlers are not doubled."""
    folder = write(tmp_path / "plugins", a="a")
    (first,) = client.load_plugins(folder)
    write(folder, b="b")
    again, new = client.load_plugins(folder)
    assert again is first
    assert answers(client, "a b") == ["a", "b"]
    assert new is not first


def test_two_folders_may_have_plugins_of_the_same_name(client, tmp_path):
    """Both are loaded."""
    client.load_plugins(write(tmp_path / "one", a="first"))
    client.load_plugins(write(tmp_path / "two", a="second"))
    assert answers(client, "first second") == ["first", "second"]


def test_plugins_of_two_folders_have_what_stands_beside_them(client, tmp_path):
    """Each folder its own, also under the same name; loading one again doubles nothing."""
    code = "from . import _config\n" + PLUGIN.replace("{name!r}", "_config.WORD")
    folders = [
        write(tmp_path / word, hello=code, _config=f"WORD = {word!r}\n")
        for word in ("first", "second")
    ]
    for folder in (*folders, *folders):
        client.load_plugins(folder)
    assert answers(client, "first second") == ["first", "second"]


def test_a_folder_may_be_reached_by_several_paths(client, tmp_path, monkeypatch):
    """Its modules are imported once."""
    folder = write(tmp_path / "plugins", a="a")
    monkeypatch.chdir(folder)
    for path in (folder, ".", "../plugins"):
        client.load_plugins(path)
    assert answers(client, "a") == ["a"]


def test_plugins_import_what_stands_beside_them_and_inside_of_them(client, tmp_path):
    """Relative imports, of files and in packages."""
    code = PLUGIN.format(name="x") + "\nfrom . import _shared\nfrom ._shared import WORD\n"
    package = PLUGIN.format(name="y") + "\nfrom .words import WORD\nfrom . import words\n"
    word = "WORD = 'word'\n"
    folder = write(
        tmp_path / "plugins",
        a=code,
        _shared=word,
        b__in____init__=package,
        b__in__words=word,
    )
    a, b = client.load_plugins(folder)
    assert (a.WORD, b.WORD) == ("word", "word")
    assert b.words.WORD == "word"


def test_a_missing_folder_is_refused_with_the_place(client, tmp_path, monkeypatch):
    """The usual reason is another working directory."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="no folder plugins") as caught:
        client.load_plugins("plugins")
    assert str(tmp_path / "plugins") in caught.value.remedy


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("def broken(:\n", "SyntaxError"),
        ("import no_such_module\n", "no_such_module"),
        ("raise RuntimeError(\n'oops')\n", "oops"),
        (PLUGIN.format(name="x").replace("keywords", "keyword"), "keyword="),
    ],
)
def test_a_broken_plugin_is_named_and_none_is_included(client, tmp_path, code, told):
    """It can be mended and loaded again in the same process."""
    folder = write(tmp_path / "plugins", a="a", broken=code)
    with pytest.raises(ConfigError) as caught:
        client.load_plugins(folder)
    assert "broken" in str(caught.value)
    assert told in str(caught.value)
    assert answers(client, "a") == []
    write(folder, broken="mended")
    client.load_plugins(folder)
    assert answers(client, "a mended") == ["a", "mended"]


def test_a_plugin_that_ends_the_program_ends_it(client, tmp_path):
    """It is not taken for an error of the plugin."""
    folder = write(tmp_path / "plugins", a="raise SystemExit(\n3)\n")
    with pytest.raises(SystemExit):
        client.load_plugins(folder)
    assert not [name for name in sys.modules if name.startswith("qqgroup_plugins_") and "." in name]


def test_a_module_without_a_router_is_no_plugin_but_may_be_imported(client, tmp_path, caplog):
    """What plugins share lies beside them; the log names it, by its path."""
    caplog.set_level("INFO")
    code = PLUGIN.format(name="a") + "\nfrom .utils import WORD\n"
    folder = write(tmp_path / "plugins", a=code, utils="WORD = 'word'\n")
    (a,) = client.load_plugins(folder)
    assert a.WORD == "word"
    assert answers(client, "a") == ["a"]
    (record,) = [one for one in caplog.records if "no router" in one.getMessage()]
    assert (record.levelname, str(folder / "utils.py") in record.getMessage()) == ("INFO", True)


def test_a_folder_in_which_nothing_has_a_router_is_refused(client, tmp_path):
    """By its path: it is the wrong folder, or the routers were forgotten."""
    folder = write(tmp_path / "plugins", utils="x = 5\n", more="y = 6\n")
    with pytest.raises(ConfigError, match="no router in") as caught:
        client.load_plugins(folder)
    assert str(folder) in caught.value.summary
    assert "qqgroup_plugins" not in str(caught.value)


def test_a_file_is_no_folder_of_plugins(client, tmp_path):
    """include() is for single files."""
    folder = write(tmp_path / "plugins", a="a")
    with pytest.raises(ConfigError, match=r"a\.py is a file") as caught:
        client.load_plugins(folder / "a.py")
    assert "include(" in caught.value.remedy


@pytest.mark.parametrize("thing", [5, None, ["plugins"]])
def test_what_is_no_path_is_refused(client, thing):
    """With what to write."""
    with pytest.raises(ConfigError, match="is no folder") as caught:
        client.load_plugins(thing)
    assert "load_plugins('plugins')" in caught.value.remedy


def test_a_module_with_a_file_is_named_by_its_path(client, tmp_path):
    """People know their files, not the names under which plugins are imported."""
    module = types.ModuleType("qqgroup_plugins.games")
    module.__file__ = str(tmp_path / "games.py")
    with pytest.raises(ConfigError) as caught:
        client.include(module)
    assert caught.value.summary == f"there is no router in {tmp_path / 'games.py'}"


# ---------------------------------------------------------------------- commands of one name


def hidden(caplog):
    """The warnings that a command never runs."""
    return [one.getMessage() for one in caplog.records if "two commands" in one.getMessage()]


@pytest.mark.parametrize("second", [{"name": "go"}, {"name": "run", "aliases": ["GO"]}])
def test_two_commands_of_one_name_are_told_once(client, caplog, second):
    """With both places, also when they stand in several files; an alias is a name, too."""
    other = Router()
    client.include(other)

    @client.on_command("go")
    def first():
        return "first"

    @other.on_command(**second)
    def never():
        return "second"

    answers(client, "/go")
    client.on_message(lambda message: None)
    answers(client, "/go")
    client.routes(direct=True)
    (told,) = hidden(caplog)
    assert "/go" in told
    assert told.index("first (test_router.py:") < told.index("never (test_router.py:")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"block": False}, {}),
        ({"from_role": "owner"}, {}),
        ({"from_role": "owner"}, {"from_role": "admin"}),
        ({"groups": ["G"]}, {"groups": ["H"]}),
        ({"users": ["U"]}, {}),
        ({"allow_direct": False}, {}),
        ({"direct_only": True}, {"allow_direct": False}),
        ({"at_only": True}, {}),
        ({}, {"level": 5}),
        ({"prefix": "!"}, {}),
    ],
)
def test_two_commands_of_one_name_that_both_run_are_fine(client, caplog, first, second):
    """Their options part the messages between them."""
    client.on_command("go", **first)(lambda: "first")
    client.on_command("go", **second)(lambda: "second")
    client.routes(direct=False)
    client.routes(direct=True)
    assert hidden(caplog) == []


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({}, {"from_role": "owner"}),
        ({"from_role": "admin"}, {"from_role": "owner"}),
        ({}, {"allow_direct": False}),
        ({"prefix": ["/", "!"]}, {}),
    ],
)
def test_a_command_of_which_the_first_takes_all_is_told(client, caplog, first, second):
    """Narrower options do not help the second one."""
    client.on_command("go", **first)(lambda: "first")
    client.on_command("go", **second)(lambda: "second")
    client.routes(direct=False)
    assert len(hidden(caplog)) == 1


def test_help_lists_a_name_once(client):
    """The first one's."""
    client.on_command("go", help="the first")(lambda: "first")
    client.on_command("go", help="the second")(lambda: "second")
    (text,) = answers(client, "/help")
    assert text.count("/go") == 1
    assert "the first" in text
