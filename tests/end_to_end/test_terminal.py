"""Real scripts in real processes: Ctrl-C, exit codes, the try command."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"

BOT = """
import threading
from qqgroup_sync import Client
client = Client()
@client.on_group_message
def handle(message):
    print("handling", flush=True)
    if message.text == "stuck":
        threading.Event().wait()
    return "ok"
client.run()
print("after run", flush=True)
"""


@pytest.fixture
def terminal(sim, tmp_path):
    """Return a function that runs a script in a pseudo-terminal of its own."""
    pty = pytest.importorskip("pty")
    processes = []

    def run(source):
        script = tmp_path / "bot.py"
        script.write_text(source, encoding="utf-8")
        controller, line = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, str(script)],
            env={**os.environ, "QQ_SIMULATOR": sim.url},
            stdin=line,
            stdout=line,
            stderr=line,
            start_new_session=True,
            preexec_fn=lambda: _take_terminal(line),  # noqa: PLW1509 - how a terminal is taken
        )
        os.close(line)
        processes.append((process, controller))
        return process, controller

    yield run
    for process, controller in processes:
        if process.poll() is None:
            process.kill()
        process.wait(10)
        os.close(controller)


def _take_terminal(line):
    import fcntl
    import termios

    fcntl.ioctl(line, termios.TIOCSCTTY, 0)


def read_until(controller, text):
    """Read what the terminal shows until a text stands there."""
    shown = b""
    while text.encode() not in shown:
        try:
            piece = os.read(controller, 4096)
        except OSError:
            piece = b""
        assert piece, f"{text!r} was not shown, only {shown.decode()!r}"
        shown += piece
    return shown.decode()


def press_ctrl_c(controller):
    """Press Ctrl-C in the terminal."""
    os.write(controller, b"\x03")


@pytest.mark.skipif(os.name == "nt", reason="pseudo-terminals are a POSIX thing")
class TestCtrlC:
    def test_the_first_one_stops_within_a_second(self, sim, terminal):
        """The script goes on behind run() and ends with exit code 0."""
        process, controller = terminal(BOT)
        sim.gateway.wait_live(timeout=15)
        read_until(controller, "on line")
        began = time.monotonic()
        press_ctrl_c(controller)
        read_until(controller, "after run")
        assert process.wait(10) == 0
        assert time.monotonic() - began < 1.0

    def test_the_second_one_leaves_a_stuck_handler_at_once(self, sim, terminal):
        """Nobody waits for a handler that never ends."""
        process, controller = terminal(BOT)
        sim.gateway.wait_live(timeout=15)
        sim.platform.group("g").member("Ming").say("stuck")
        read_until(controller, "handling")
        press_ctrl_c(controller)
        read_until(controller, "press Ctrl-C again")
        began = time.monotonic()
        press_ctrl_c(controller)
        assert process.wait(10) == 130
        assert time.monotonic() - began < 1.0

    def test_sigterm_is_as_graceful(self, sim, terminal):
        """Containers send nothing else."""
        process, controller = terminal(BOT)
        sim.gateway.wait_live(timeout=15)
        read_until(controller, "on line")
        process.send_signal(signal.SIGTERM)
        read_until(controller, "after run")
        assert process.wait(10) == 0


def command(*arguments, timeout=40):
    """Run the command line and return what it did."""
    return subprocess.run(
        [sys.executable, "-m", "qqgroup_sync", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=timeout,
        env={**os.environ, "LANG": "C.UTF-8"},
        check=False,
    )


@pytest.mark.parametrize(
    ("example", "said", "answer"),
    [
        ("hello.py", "hello", "hi, Ming!"),
        ("echo.py", "repeat this", "repeat this"),
        ("background.py", "12345", "5 characters"),
    ],
)
def test_try_prints_the_reply_of_an_example(example, said, answer):
    """The README's command: try BOT.py --say TEXT."""
    done = command("try", EXAMPLES / example, "--say", said)
    assert done.returncode == 0, done.stderr
    assert answer in done.stdout


def test_try_says_several_texts_in_order():
    """--say can be repeated."""
    done = command("try", EXAMPLES / "echo.py", "--say", "one", "--say", "two", "--direct")
    assert re.findall(r"bot-simulated: (one|two)", done.stdout) == ["one", "two"]


def test_try_fails_when_nobody_answers():
    """The exit code tells a script that there was no reply."""
    done = command("try", EXAMPLES / "hello.py", "--say", "something else", "--timeout", "4")
    assert done.returncode == 1
    assert "no reply" in done.stderr


def test_try_shows_a_syntax_error(tmp_path):
    """A broken script is shown as Python shows it, and nothing is started."""
    script = tmp_path / "broken.py"
    script.write_text("def broken(:\n    pass\n", encoding="utf-8")
    done = command("try", script, "--say", "hello")
    assert done.returncode == 1
    assert "broken.py" in done.stderr
    assert "SyntaxError" in done.stderr


def test_try_tells_that_a_script_ended(tmp_path):
    """A script that forgets run() is told so."""
    script = tmp_path / "short.py"
    script.write_text("print('nothing to do')\n", encoding="utf-8")
    done = command("try", script, "--say", "hello")
    assert done.returncode == 1
    assert "ended before it was on line" in done.stderr


def test_try_shows_why_a_reply_was_refused(tmp_path):
    """The platform's refusal and its remedy stand in the terminal."""
    script = tmp_path / "link.py"
    script.write_text(
        "from qqgroup_sync import Client\n"
        "client = Client()\n"
        "client.on_group_message(lambda message: 'see example.com')\n"
        "client.run()\n",
        encoding="utf-8",
    )
    done = command("try", script, "--say", "hello", "--timeout", "4")
    assert done.returncode == 1
    assert "40054010" in done.stderr
    assert 'urls="markdown"' in done.stderr


def test_try_shows_what_is_no_text(tmp_path):
    """Pictures, voices, files and buttons stand in brackets."""
    (tmp_path / "notes.txt").write_text("some notes", encoding="utf-8")
    script = tmp_path / "many.py"
    script.write_text(
        "import io, wave\n"
        "from PIL import Image\n"
        "from qqgroup_sync import Button, Chain, Client\n"
        "sound = io.BytesIO()\n"
        "with wave.open(sound, 'wb') as file:\n"
        "    file.setparams((1, 2, 24000, 0, 'NONE', ''))\n"
        "    file.writeframes(bytes(24000))\n"
        "picture = Image.new('RGB', (32, 20))\n"
        "client = Client()\n"
        "@client.on_group_message\n"
        "def handle(message):\n"
        "    message.reply(Chain().text('look').image(picture))\n"
        "    message.reply(Chain().voice(sound.getvalue()))\n"
        f"    message.reply(Chain().file({str(tmp_path / 'notes.txt')!r}))\n"
        "    message.reply(Chain().keyboard([[Button('yes'), Button('no')]]))\n"
        "client.run()\n",
        encoding="utf-8",
    )
    done = command("try", script, "--say", "hello")
    lines = [line.partition(": ")[2] for line in done.stdout.splitlines()]
    assert re.search(r"^look \[picture image/png 32x20, \d+ B\]$", "\n".join(lines), re.MULTILINE)
    assert any(re.fullmatch(r"\[voice \S+, [\d.]+ K?B\]", line) for line in lines), done.stdout
    assert any(re.fullmatch(r"\[file notes\.txt \S+, 10 B\]", line) for line in lines), done.stdout
    assert "[buttons: yes | no]" in lines


def test_try_chats_in_the_terminal():
    """--console reads lines and prints replies."""
    process = subprocess.Popen(
        [sys.executable, "-m", "qqgroup_sync", "try", str(EXAMPLES / "echo.py"), "--console"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
    )
    try:
        process.stdin.write("parrot\n")
        process.stdin.flush()
        shown = ""
        while "bot-simulated: parrot" not in shown:
            piece = process.stdout.readline()
            assert piece, shown
            shown += piece
        process.stdin.close()
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait(10)
        process.stdout.close()


def test_the_platform_alone_prints_how_to_reach_it():
    """The simulator command serves bots that the user starts himself."""
    process = subprocess.Popen(
        [sys.executable, "-m", "qqgroup_sync", "simulator", "--port", "0"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        shown = ""
        while "Ctrl-C ends it" not in shown:
            piece = process.stdout.readline()
            assert piece, shown
            shown += piece
        address = shown.split("QQ_SIMULATOR=")[1].split()[0]
        script = command_with(address)
        assert script.returncode == 0, script.stderr
        process.send_signal(signal.SIGINT)
        assert process.wait(15) == 0
    finally:
        process.kill()
        process.wait(10)
        process.stdout.close()


def command_with(address):
    """Let a script use the platform at an address."""
    source = (
        "from qqgroup_sync import Client\n"
        "client = Client()\n"
        "print(client.api.bot_profile().username)\n"
    )
    return subprocess.run(
        [sys.executable, "-c", source],
        env={**os.environ, "QQ_SIMULATOR": address},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.skipif(os.name == "nt", reason="Windows knows no SIGTERM")
def test_ending_the_command_ends_the_script(tmp_path):
    """A bot under trial does not outlive the command, also when that is terminated."""
    script = tmp_path / "bot.py"
    script.write_text(f"import os\nprint('pid', os.getpid(), flush=True)\n{BOT}", encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "qqgroup_sync", "try", str(script), "--no-browser"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        shown = ""
        while "on line" not in shown:
            piece = process.stdout.readline()
            assert piece, shown
            shown += piece
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) in (0, 1)
        with pytest.raises(ProcessLookupError):
            os.kill(int(shown.split("pid ")[1].split()[0]), 0)
    finally:
        process.kill()
        process.wait(10)
        process.stdout.close()
