"""A bot in a process of its own, held by its test."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import pytest

from qqgroup_sync.testing.errors import BotError
from qqgroup_sync.testing.simulated_qq import SimulatedQQ

BOT = """\
import sys

from qqgroup_sync import Client, WaitTimeout

client = Client(state="real")


@client.on_message(keywords="count")
def count(message):
    message.session["n"] = message.session.get("n", 0) + 1
    return f"{message.session['n']} {' '.join(sys.argv[1:])}"


@client.on_message(keywords="ask")
def ask(message):
    try:
        return f"thanks, {message.ask('name?', timeout=60).text}"
    except WaitTimeout:
        return "too late"


@client.on_message(keywords="bad")
def bad(message):
    raise ValueError("no such thing")


@client.on_message(keywords="hang")
def hang(message):
    import threading

    print("hanging", flush=True)
    threading.Event().wait()


client.run()
"""


@pytest.fixture
def script(tmp_path, monkeypatch):
    """A bot without a guard around its run()."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "bot.py"
    path.write_text(BOT, "utf-8")
    return path


def test_it_answers_and_its_time_is_moved(qq, script):
    """What holds inside the process of a test holds here, too."""
    bot = qq.run("bot.py", subprocess=True, arguments=["a", "b"])
    group = qq.group("g")
    user = group.member("Ming")
    user.say("count")
    assert group.next_reply().text == "1 a b"
    user.say("ask")
    assert group.next_reply().text == "name?"
    group.no_reply()
    qq.clock.step(59)
    user.say("Ming")
    assert group.next_reply().text == "thanks, Ming"
    user.say("ask")
    assert group.next_reply().text == "name?"
    qq.clock.step(61)
    assert group.next_reply().text == "too late"
    assert "on line" in bot.output
    assert not Path("real").exists()


def test_its_output_is_part_of_the_conversation(qq, script):
    """Whose handler raised is seen, although it is another process."""
    qq.run(script, subprocess=True)
    group = qq.group("g")
    group.member("Ming").say("bad")
    group.no_reply()
    with pytest.raises(AssertionError, match=r"Ming: bad(.|\n)*ValueError: no such thing"):
        group.next_reply(timeout=0.01)


def test_a_crash_and_the_next_start(script, tmp_path):
    """With a folder for its state, what was said meanwhile comes afterwards; time goes on."""
    with SimulatedQQ(script, subprocess=True, state=tmp_path / "state") as qq:
        user = qq.user("Lan")
        user.say("count")
        assert user.next_reply().text == "1"
        qq.clock.step(100)
        qq.bot.kill()
        user.say("count")
        qq.bot.start()
        assert user.next_reply().text == "2"
        user.no_reply()
    assert list((tmp_path / "state").rglob("*.sqlite"))


def test_a_handler_that_does_not_end(script):
    """Its stack is shown, and the process is ended."""
    qq = SimulatedQQ(script, subprocess=True).start()
    qq.bot._stop_within = 0.5
    qq.user("Lan").say("hang")
    with pytest.raises(AssertionError, match=r"still running(.|\n)*bot\.py"):
        qq.user("Lan").no_reply(timeout=0.5)
    with pytest.raises(BotError, match=r"did not end within 0.5 s"):
        qq.stop()


def test_a_bot_ends_when_its_test_is_killed(script):
    """A time-out or SIGTERM ends pytest without a word."""
    source = (
        "import threading\n"
        "from qqgroup_sync.testing import SimulatedQQ\n"
        "with SimulatedQQ('bot.py', subprocess=True):\n"
        "    print('running', flush=True)\n"
        "    threading.Event().wait()\n"
    )
    test = subprocess.Popen(
        [sys.executable, "-c", source],
        stdout=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(script.parent)},
    )
    try:
        assert test.stdout.readline() == b"running\n"
        (bot,) = psutil.Process(test.pid).children()
    finally:
        test.kill()
        test.wait(10)
        test.stdout.close()
    try:
        bot.wait(10)
    except psutil.TimeoutExpired:
        bot.kill()
        raise


def test_a_process_that_cannot_be_started_leaves_no_file(qq, script, tmp_path, monkeypatch):
    """Neither does what could never write into it."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no python"))
    with pytest.raises(FileNotFoundError):
        qq.run(script, subprocess=True)
    assert list(tmp_path.glob("qqgroup-*")) == []


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("import nothing_of_this_name", "exit code 1.*ModuleNotFoundError: No module named"),
        ("print('done')", "exit code 0.*must call client.run.*done"),
        ("import sys; sys.exit('no way')", "exit code 1.*no way"),
    ],
)
def test_a_script_that_ends_at_once(qq, script, source, why):
    """What it wrote is shown."""
    script.write_text(source, "utf-8")
    with pytest.raises(BotError, match=f"(?s){why}"):
        qq.run(script, subprocess=True)


def test_a_script_that_never_comes(qq, script):
    """It is ended, and a likely reason told."""
    script.write_text("import threading\nprint('here')\nthreading.Event().wait()", "utf-8")
    with pytest.raises(BotError, match=r"(?s)not on line after 1.5 s.*client\.run.*here"):
        qq.run(script, subprocess=True, timeout=1.5)


def test_what_is_no_script(qq, tmp_path):
    """Neither a client nor a file that is not there."""
    with pytest.raises(BotError, match="only a script runs in a process of its own"):
        qq.run(object(), subprocess=True)
    with pytest.raises(BotError, match=re.escape("there is no file none.py; looked in: ")):
        qq.run("none.py", subprocess=True)
