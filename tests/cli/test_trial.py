"""``try`` with scripts that end, with folders of the user's, and with closed streams."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

BOT = """
import os, signal
from qqgroup_sync import Client
client = Client()
@client.on_message
def answer(message):
    if message.text == "die":
        os._exit(7)
    return f"state: {os.environ.get('QQ_STATE')}"
client.run()
"""
LONG = "200"  # seconds for an answer: whoever waits for it does not come to the end of the test


@pytest.fixture
def script(tmp_path):
    """A bot that dies at a word."""
    path = tmp_path / "bot.py"
    path.write_text(BOT, encoding="utf-8")
    return path


@pytest.fixture
def environment(tmp_path):
    """What a command gets: temporary files lie where the test sees them."""
    (tmp_path / "tmp").mkdir()
    return {**os.environ, "TMPDIR": str(tmp_path / "tmp")}


def run(environment, *arguments):
    """Run ``try`` and return what it did."""
    return subprocess.run(
        [sys.executable, "-m", "qqgroup_sync", "try", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=50,
        env=environment,
        check=False,
    )


def test_nobody_waits_for_a_script_that_has_ended(script, environment):
    """Its end is told with the exit code; the rest is not said."""
    said = ("--say", "hi", "--say", "die", "--say", "hello")
    done = run(environment, script, *said, "--timeout", LONG)
    assert done.returncode == 1
    assert "bot.py has ended (exit code 7)" in done.stderr
    assert "no reply" not in done.stderr
    assert "state:" in done.stdout
    assert "hello" not in done.stdout


def test_a_conversation_ends_with_its_script(script, environment, tmp_path):
    """The line that got no answer is named; what follows is not played."""
    chat = tmp_path / "chat.txt"
    chat.write_text("Ming@g: die\n> *\nMing@g: hello\n> *\n", encoding="utf-8")
    done = run(environment, script, "--script", chat, "--timeout", LONG)
    assert done.returncode == 1
    assert "chat.txt:2: no answer before the script ended" in done.stderr
    assert "chat.txt:4" not in done.stderr
    assert "bot.py has ended (exit code 7)" in done.stderr
    assert "hello" not in done.stdout


def test_a_folder_of_the_user_s_holds_with_reload(script, environment, tmp_path):
    """What the bot keeps lies where QQ_STATE says."""
    kept = tmp_path / "kept"
    done = run({**environment, "QQ_STATE": str(kept)}, script, "--reload", "--say", "hi")
    assert done.returncode == 0, done.stderr
    assert f"state: {kept}" in done.stdout
    assert list(kept.rglob("*.sqlite"))


@pytest.mark.parametrize(
    ("options", "state"), [((), "state: none"), (("--reload",), "qqgroup-try-")]
)
def test_temporary_folders(script, environment, tmp_path, options, state):
    """Only a restart needs one, and it goes in the end."""
    done = run(environment, script, *options, "--say", "hi")
    assert state in done.stdout, done.stderr
    assert list((tmp_path / "tmp").glob("qqgroup-*")) == []


@pytest.mark.skipif(os.name == "nt", reason="Windows knows no signals")
def test_a_killed_command_leaves_no_folder(script, environment, tmp_path):
    """There is none, so that none can stay."""
    process = subprocess.Popen(
        [sys.executable, "-m", "qqgroup_sync", "try", script, "--console"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
    )
    process.stdin.write(b"hello\n")
    process.stdin.flush()
    assert b"hello" in process.stdout.readline()
    process.kill()
    process.communicate(timeout=20)
    assert list((tmp_path / "tmp").glob("qqgroup-*")) == []


@pytest.mark.skipif(os.name == "nt", reason="Windows knows no signals")
def test_a_script_that_was_killed_is_a_failure(tmp_path, environment):
    """The exit code is what a shell makes of the signal."""
    script = tmp_path / "bot.py"
    script.write_text("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n", "utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "qqgroup_sync", "try", script, "--no-browser"],
        stdout=subprocess.PIPE,
        env=environment,
        start_new_session=True,
    )
    try:
        assert any(b"has ended (exit code -9)" in line for line in process.stdout)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 128 + signal.SIGKILL
    finally:
        process.kill()
        process.wait(10)
        process.stdout.close()


@pytest.mark.skipif(os.name == "nt", reason="a POSIX shell closes them")
@pytest.mark.parametrize(("options", "closed"), [(("--console",), "<&-"), (("--say", "hi"), ">&-")])
def test_closed_streams_end_nothing(script, environment, options, closed):
    """Nobody types then, or nobody reads."""
    command = 'exec "$@" ' + closed
    done = subprocess.run(
        ["sh", "-c", command, "sh", sys.executable, "-m", "qqgroup_sync", "try", script, *options],
        capture_output=True,
        timeout=50,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stderr
