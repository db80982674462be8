"""The pytest plug-in as users meet it: a folder with a bot, a configuration, tests."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.timeout(180)  # each test starts a pytest of its own

BOT = """
from qqgroup_sync import Client

client = Client()
greeting = "hi"


@client.on_group_message(keywords="hello")
def hello(message):
    return greeting


@client.on_group_message(keywords="bad")
def bad(message):
    raise ValueError("no such thing")


client.run()
"""

HELLO = """
def test_hello(qq):
    group = qq.group("g")
    user = group.member("Ming")
    user.say("hello")
    assert group.next_reply().text == "hi"
"""


@pytest.fixture
def folder(pytester, monkeypatch):
    """A user's project: bot.py, pytest.ini, and nothing of this project's environment."""
    monkeypatch.delenv("QQ_STATE")
    pytester.path.joinpath("bot.py").write_text(BOT, "utf-8")
    pytester.makeini("[pytest]\nqq_bot = bot.py")
    return pytester


LEAN = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-p", "no:anyio")


def run(folder, *options):
    """Run the user's tests, in a process of their own: inside this one, modules would double."""
    return folder.runpytest_subprocess(*LEAN, *options)


def test_one_line_of_configuration(folder):
    """The bot of the first page, without a guard around its run()."""
    folder.makepyfile(HELLO)
    run(folder).assert_outcomes(passed=1)


def test_tests_import_the_bot(folder):
    """At the top of the file; what they patch is what runs."""
    folder.makepyfile(
        """
        import bot

        def test_patched(qq, monkeypatch):
            monkeypatch.setattr(bot, "greeting", "good day")
            assert qq.bot.module is bot
            qq.group("g").member("Ming").say("hello")
            assert qq.group("g").next_reply().text == "good day"

        def test_plain(qq):
            qq.group("g").member("Ming").say("hello")
            assert qq.group("g").next_reply().text == "hi"
        """
    )
    folder.syspathinsert()
    run(folder).assert_outcomes(passed=2)


def test_a_module_in_a_package(folder):
    """Named with dots; relative imports work."""
    folder.makeini("[pytest]\nqq_bot = mybot.main\npythonpath = .")
    package = folder.mkpydir("mybot")
    package.joinpath("main.py").write_text("from .core import client as bot", "utf-8")
    package.joinpath("core.py").write_text(BOT, "utf-8")
    folder.makepyfile(HELLO)
    run(folder).assert_outcomes(passed=1)


@pytest.mark.parametrize(
    "mark",
    ['"other.py"', '"other.py", subprocess=True', '"other.py", state="kept"'],
    ids=["here", "subprocess", "state"],
)
def test_a_mark_names_the_bot(folder, mark):
    """Beside the test file, or in the root folder; it wins over the configuration."""
    folder.makeini("[pytest]")
    folder.path.joinpath("other.py").write_text(BOT.replace('"hi"', '"other"'), "utf-8")
    folder.makepyfile(
        f"import pytest\npytestmark = pytest.mark.qq_bot({mark})\n"
        + HELLO.replace('"hi"', '"other"')
    )
    run(folder, "--strict-markers").assert_outcomes(passed=1)


def test_a_fixture_makes_the_client(folder):
    """For clients that are made in a function; no credentials are needed."""
    folder.makeini("[pytest]")
    folder.makepyfile(
        """
        import pytest
        from qqgroup_sync import Client

        @pytest.fixture
        def qq_client():
            client = Client()
            client.on_message(lambda message: "from the fixture")
            return client

        def test_it(qq):
            qq.user("Lan").say("x")
            assert qq.user("Lan").next_reply().text == "from the fixture"
        """
    )
    run(folder).assert_outcomes(passed=1)


def test_a_failure_shows_the_conversation(folder):
    """In a section of its own."""
    folder.makepyfile(HELLO.replace('== "hi"', '== "good morning"'))
    result = run(folder)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "E *AssertionError: assert 'hi' == 'good morning'",
            "*- QQ conversation -*",
            "Ming: hello",
            "bot-simulated: hi",
            "(the bot has nothing left to do)",
        ]
    )


def test_a_missing_reply_points_at_the_test(folder):
    """The error has the conversation, once; none of our own lines are shown."""
    folder.makepyfile(HELLO.replace('"hello"', '"bad"').replace("reply()", "reply(timeout=0.2)"))
    result = run(folder)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            ">   *group.next_reply(timeout=0.2)*",
            "E *ConversationError: no bot said anything new in 'g' within 0.2 s:",
            "E *Ming: bad",
            "E *! handler bad (bot.py:*) failed: ValueError('no such thing')",
            "E *bot.py:*: raise ValueError*",
        ]
    )
    result.stdout.no_fnmatch_line("*- QQ conversation -*")
    result.stdout.no_fnmatch_line("*def next_reply*")


@pytest.mark.parametrize(
    ("bot", "why"),
    [
        (None, "*BotError: there is no file *bot.py; looked in: *"),
        ("import nothing_of_this_name", "*ModuleNotFoundError: No module named 'nothing_of*"),
        ("1 +", "*SyntaxError: invalid syntax*"),
        ("import sys\nsys.exit(3)", "*bot.py raised SystemExit(3) while it was loaded*"),
        ("def main(): ...", "*bot.py has no Client at its top level.*qq_client*subprocess=True*"),
    ],
    ids=["missing", "import", "syntax", "exit", "no client"],
)
def test_a_bot_that_cannot_be_loaded(folder, bot, why):
    """An error of the set-up, with the traceback of the bot."""
    path = folder.path.joinpath("bot.py")
    path.unlink() if bot is None else path.write_text(bot, "utf-8")
    folder.makepyfile(HELLO)
    result = run(folder)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([why])


def test_without_any_bot(folder):
    """The test may run one itself; if it does not, it is told how."""
    folder.makeini("[pytest]")
    folder.makepyfile(
        HELLO.replace("reply()", "reply(timeout=0.1)"),
        test_run=HELLO.replace("(qq):", "(qq):\n    qq.run('bot.py')"),
    )
    result = run(folder)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*no bot runs: set qq_bot in pytest's configuration, or call*"])


def test_a_script_that_starts_when_it_is_imported(folder):
    """While tests are collected nothing starts; it says who starts it."""
    folder.path.joinpath("bot.py").write_text(BOT.replace("run()", "start()"), "utf-8")
    folder.makepyfile(test_here=HELLO, test_there="import bot")
    folder.syspathinsert()
    result = run(folder)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*was started outside of a test: that is what the qq fixture*"])


def test_the_configured_bot_is_kept_away(folder):
    """A test may run it in its own way."""
    folder.makepyfile(
        """
        import pytest

        @pytest.mark.qq_bot(None)
        def test_kept(qq, tmp_path):
            assert qq.bot is None
            qq.run("bot.py", state=tmp_path)
            qq.bot.client.storage["n"] = 1
            qq.bot.restart()
            assert qq.bot.client.storage["n"] == 1
            assert list(tmp_path.rglob("data.sqlite"))
        """
    )
    run(folder).assert_outcomes(passed=1)


def test_a_wrong_mark(folder):
    """It says what it takes."""
    folder.makepyfile("import pytest\npytestmark = pytest.mark.qq_bot('a', 'b')\n" + HELLO)
    run(folder).stdout.fnmatch_lines(["*takes one bot, subprocess= and state=*"])


def test_a_missing_extra(folder):
    """What to install, and no traceback."""
    folder.makeini("[pytest]")
    folder.makeconftest("import sys\nsys.modules['websockets'] = None")
    folder.makepyfile(HELLO)
    result = run(folder)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(['*pip install "qqgroup_sync?simulator?"*'])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_in_parallel(folder):
    """With xdist every process has a platform of its own."""
    folder.makepyfile(test_one=HELLO, test_two=HELLO, test_three=HELLO)
    run(folder, "-n", "2").assert_outcomes(passed=3)


def test_nothing_is_written(folder, monkeypatch):
    """Neither in the user's data directory nor beside the bot; the environment is put back."""
    monkeypatch.setenv("HOME", str(folder.path / "home"))
    monkeypatch.setenv("XDG_DATA_HOME", str(folder.path / "data"))
    folder.path.joinpath("bot.py").write_text(
        BOT.replace("greeting\n\n", "client.storage.setdefault('n', greeting)\n\n"), "utf-8"
    )
    folder.makepyfile(HELLO)
    result = run(folder)
    result.assert_outcomes(passed=1)
    assert not (folder.path / "home").exists()
    assert not (folder.path / "data").exists()
    assert not list(folder.path.rglob("*.sqlite"))


def test_who_does_not_use_it_pays_nothing(folder):
    """The plug-in alone loads no part of client or simulator."""
    folder.makeini("[pytest]")
    folder.makepyfile(
        """
        import sys

        def test_lean():
            ours = {name for name in sys.modules if name.startswith("qqgroup_sync")}
            assert ours == {
                "qqgroup_sync", "qqgroup_sync.simulator", "qqgroup_sync.simulator.fixtures"
            }
            assert not {"flask", "requests", "websockets", "websocket"} & set(sys.modules)
        """
    )
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:xdist", *LEAN],
        cwd=folder.path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert result.returncode == 0, result.stdout


def test_unittest(folder):
    """Without pytest: a context manager, and a fixture of the class."""
    folder.path.joinpath("test_with_unittest.py").write_text(
        """
import unittest
from qqgroup_sync.testing import SimulatedQQ

class BotTest(unittest.TestCase):
    def setUp(self):
        self.qq = SimulatedQQ("bot.py").start()
        self.addCleanup(self.qq.stop)

    def test_hello(self):
        group = self.qq.group("g")
        group.member("Ming").say("hello")
        self.assertEqual(group.next_reply().text, "hi")

class Block(unittest.TestCase):
    def test_fails(self):
        with SimulatedQQ("bot.py") as qq:
            qq.group("g").member("Ming").say("hello")
            self.assertEqual(qq.group("g").next_reply().text, "ho")
""",
        "utf-8",
    )
    result = subprocess.run(
        [sys.executable, "-m", "unittest", "-v", "test_with_unittest"],
        cwd=folder.path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "test_hello (test_with_unittest.BotTest.test_hello) ... ok" in result.stderr
    assert "FAILED (failures=1)" in result.stderr
    if sys.version_info >= (3, 11):
        assert "QQ conversation:\nMing: hello\nbot-simulated: hi" in result.stderr
