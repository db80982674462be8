"""Real scripts in real processes: Ctrl-C, exit codes, the try command."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
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


# ---------------------------------------------------------------------- script files, JSON


def played(tmp_path, lines, *options, script=EXAMPLES / "buttons.py"):
    """Play a script file."""
    chat = tmp_path / "chat.txt"
    chat.write_text(lines, encoding="utf-8")
    return command("try", script, "--script", chat, *options)


def test_the_script_file_of_the_examples_holds():
    """The documentation's demonstration, as written there."""
    done = command("try", EXAMPLES / "buttons.py", "--script", EXAMPLES / "demo.txt")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Ming clicks [签到]" in done.stdout
    assert "5 of 5 answers as expected" in done.stderr


def test_an_unexpected_answer_fails_with_the_difference(tmp_path):
    """The line, what was expected, what was answered, and where they begin to differ."""
    done = played(tmp_path, "# greets\nMing@g: hello\n> hi, Lan!\n", script=EXAMPLES / "hello.py")
    assert done.returncode == 1
    place = done.stderr.index("chat.txt:3: not the expected answer")
    assert done.stderr[place:].splitlines()[1:4] == [
        "  expected: hi, Lan!",
        "  answered: hi, Ming!",
        "                ^",
    ]
    assert "0 of 1 answers as expected" in done.stderr


def test_a_missing_and_an_unwanted_answer_fail(tmp_path):
    """A bot that is silent, and one that is not."""
    lines = "Ming@g: what?\n> anything\nMing@g: hello\nno answer\n"
    done = played(tmp_path, lines, "--timeout", "4", script=EXAMPLES / "hello.py")
    assert done.returncode == 1
    assert "chat.txt:2: no answer within 4 s" in done.stderr
    assert "chat.txt:4: no answer was expected" in done.stderr


def test_a_wrong_script_file_starts_nothing(tmp_path):
    """Every line that is wrong, and every file that is missing, before the bot runs."""
    done = played(tmp_path, "Ming@g: hi\nclik this\n")
    assert done.returncode == 1
    assert "line 2: clik this" in done.stderr
    assert "on line" not in done.stderr
    done = played(tmp_path, "Ming@g: hi\nattach nowhere.png\n")
    assert done.returncode == 1
    assert "line 2: attach nowhere.png" in done.stderr


def test_media_and_quotes_of_a_script_file_reach_the_bot(tmp_path):
    """Files lie beside the script file; voices bring their words; quotes bring what they quote."""
    script = tmp_path / "bot.py"
    script.write_text(
        "from qqgroup_sync import Client\n"
        "client = Client()\n"
        "@client.on_group_message\n"
        "def handle(message):\n"
        "    kinds = [one.content_type for one in message.attachments]\n"
        "    words = [one.transcript for one in message.attachments if one.transcript]\n"
        "    quoted = message.quoted.text if message.quoted else None\n"
        "    return f'{message.text} {kinds} {words} {quoted}'\n"
        "client.run()\n",
        encoding="utf-8",
    )
    for name in ("cat.png", "hello.wav"):
        (tmp_path / name).write_bytes((EXAMPLES / "assets" / name).read_bytes())
    lines = (
        "as Ming@g\nattach cat.png look\n> look ['image/png'] [] None\n"
        "voice hello.wav 早上好\n> /'voice'.*早上好/\n"
        "quote\nMing@g: this\n> this [] [] *早上好*\n"
    )
    done = played(tmp_path, lines, script=script)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 of 3" in done.stderr


def test_json_is_all_that_stands_on_stdout(tmp_path):
    """One object a line for what is said, clicked, answered, checked; logs go to stderr."""
    script = tmp_path / "bot.py"
    script.write_text(
        "print('started', flush=True)\n" + (EXAMPLES / "buttons.py").read_text("utf-8"), "utf-8"
    )
    done = played(tmp_path, "Ming@群: menu\n> *\nclick 签到\n> nothing\n", "--json", script=script)
    assert done.returncode == 1
    found = [json.loads(line) for line in done.stdout.splitlines()]
    kinds = [one["kind"] for one in found if one["kind"] != "acknowledged"]
    assert kinds == ["said", "answered", "checked", "clicked", "answered", "checked"]
    assert found[0]["chat"] == "群"
    assert found[1]["buttons"] == ["签到", "退出", "help", "docs"]
    assert found[1]["reply_to"] == found[0]["id"]
    assert (found[-1]["ok"], found[-1]["expected"]) == (False, "nothing")
    assert found[-1]["answered"] == "clicked: sign"
    assert "started" in done.stderr
    assert "on line" in done.stderr


def test_json_tells_of_refusals(tmp_path):
    """Code, cause and remedy, for programs."""
    script = tmp_path / "link.py"
    script.write_text(
        "from qqgroup_sync import Client\n"
        "client = Client()\n"
        "client.on_group_message(lambda message: 'see example.com')\n"
        "client.run()\n",
        encoding="utf-8",
    )
    done = command("try", script, "--say", "hello", "--json", "--timeout", "3")
    assert done.returncode == 1
    refused = json.loads(done.stdout.splitlines()[-1])
    assert (refused["kind"], refused["code"], refused["status"]) == ("refused", 40054010, 400)
    assert refused["cause"]
    assert 'urls="markdown"' in refused["remedy"]


def test_a_pipe_is_answered_to_its_end():
    """Lines from a pipe, JSON to a pipe; the end of the one does not cut the other short."""
    done = subprocess.run(
        [sys.executable, "-m", "qqgroup_sync", "try", EXAMPLES / "echo.py", "--console", "--json"],
        cwd=ROOT,
        input="one\n/as Lan\n//two\n",
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=40,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    said = [(one["kind"], one["name"], one["text"]) for one in found]
    assert said == [
        ("said", "Ming", "one"),
        ("answered", "bot-simulated", "one"),
        ("said", "Lan", "/two"),
        ("answered", "bot-simulated", "/two"),
    ]


# ---------------------------------------------------------------------- saved twice


@pytest.mark.skipif(os.name == "nt", reason="Windows ends processes without a word anyway")
def test_two_quick_saves_print_no_traceback(tmp_path):
    """A process that still imports is ended before Ctrl-C would mean anything to it."""
    source = (
        "import sys\nfrom qqgroup_sync import Client\nclient = Client()\n"
        "client.on_group_message(lambda message: 'version VERSION')\nclient.run()\n"
    )
    script = tmp_path / "bot.py"
    script.write_text(source, encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "qqgroup_sync", "try", script, "--console", "--reload"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        bufsize=1,
    )
    try:
        shown = _lines_until(process, "on line")
        for version in range(1, 4):
            script.write_text(source.replace("VERSION", str(version)), encoding="utf-8")
            shown += _lines_until(process, "starting bot.py again")
        shown += _lines_until(process, "session resumed")
        process.stdin.write("hello\n")
        shown += _lines_until(process, "version 3")
        process.stdin.close()
        shown += process.stdout.read()
        assert process.wait(20) == 0
        assert "Traceback" not in shown
    finally:
        process.kill()
        process.wait(10)
        process.stdout.close()


def _lines_until(process, text):
    shown = ""
    while text not in shown:
        piece = process.stdout.readline()
        assert piece, shown
        shown += piece
    return shown


# ---------------------------------------------------------------------- the console by hand


class Terminal:
    """A command in a terminal of 100 columns, as a person uses it."""

    def __init__(self, *arguments, program=("-m", "qqgroup_sync"), **environment):
        import fcntl
        import struct
        import termios

        self._bytes, self._seen = b"", 0
        self.controller, line = os.openpty()
        fcntl.ioctl(line, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, *program, *map(str, arguments)],
            cwd=ROOT,
            env={
                **os.environ,
                "LANG": "C.UTF-8",
                "TERM": "xterm-256color",
                "COLORTERM": "truecolor",
                **environment,
            },
            stdin=line,
            stdout=line,
            stderr=line,
            start_new_session=True,
            preexec_fn=lambda: _take_terminal(line),  # noqa: PLW1509 - how a terminal is taken
        )
        os.close(line)

    def type(self, text):
        """Type a line."""
        os.write(self.controller, f"{text}\r".encode())

    def until(self, text):
        """Read until a text stands there that was not asked for before.

        Returns what is new up to it, without colours and movements.
        """
        while text not in (plain := _ESCAPES.sub("", self.raw))[self._seen :]:
            try:
                piece = os.read(self.controller, 65536)
            except OSError:
                piece = b""
            assert piece, f"{text!r} was not shown, only {plain[self._seen :]}"
            self._bytes += piece
        began, self._seen = self._seen, plain.index(text, self._seen) + len(text)
        return plain[began : self._seen]

    @property
    def raw(self):
        """Everything so far, as the terminal got it."""
        return self._bytes.decode("utf-8", "ignore")

    def close(self):
        """Close the terminal, as a person closes the window; end what goes on nevertheless."""
        if self.controller is None:
            return
        os.close(self.controller)
        self.controller = None
        try:
            self.process.wait(20)
        finally:
            self.process.kill()
            self.process.wait(10)


_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.fixture
def by_hand():
    """Return a function that runs a command in a terminal."""
    pytest.importorskip("pty")
    running = []

    def run(*arguments, **environment):
        running.append(Terminal(*arguments, **environment))
        return running[-1]

    yield run
    for one in running:
        one.close()


SHOWS = """
import threading
from qqgroup_sync import Button, Chain, Client, Keyboard
client = Client()
@client.on_message(keywords="picture")
def picture(message):
    return Chain().image(CAT)
@client.on_message(keywords="menu")
def menu(message):
    return Chain().text("choose").keyboard(
        Keyboard().row(Button.callback("签到", data="sign"), Button.command("again", "menu")))
@client.on_interaction
def clicked(interaction):
    interaction.reply(f"clicked {interaction.button_data}")
@client.on_message(keywords="link")
def link(message):
    return "see example.com"
@client.on_message(keywords="file")
def file(message):
    return Chain().file(CAT)
@client.on_message(keywords="markdown")
def markdown(message):
    return Chain().markdown("# Title\\n**bold**")
@client.on_message(keywords="stream")
def stream(message):
    with message.stream() as stream:
        for word in ("one ", "two ", "three"):
            stream.write(word)
            threading.Event().wait(0.4)
client.run()
"""


@pytest.fixture
def chat(by_hand, tmp_path):
    """The console chat with a bot that shows everything, ready for a line."""
    script = tmp_path / "bot.py"
    script.write_text(f"CAT = {str(EXAMPLES / 'assets' / 'cat.png')!r}\n{SHOWS}", "utf-8")
    terminal = by_hand("try", script, "--console")
    terminal.until("Ming@Test group> ")
    return terminal


class TestConsole:
    """What a person sees and does."""

    def test_ctrl_c_ends_it_at_once(self, chat):
        """One press, no traceback, exit code 0."""
        chat.type("/who")
        chat.until("bot-simulated (bot)")
        chat.until("Ming@Test group> ")
        press_ctrl_c(chat.controller)
        shown = chat.until("stopping")
        assert chat.process.wait(20) == 0
        assert "Traceback" not in shown

    def test_a_closed_window_ends_the_bot_too(self, chat):
        """Nobody would know that it goes on."""
        (bot,) = psutil.Process(chat.process.pid).children()
        chat.close()
        bot.wait(10)

    def test_ctrl_d_ends_it(self, chat):
        """The end of the input is the end of the chat."""
        os.write(chat.controller, b"\x04")
        assert chat.process.wait(10) == 0

    def test_buttons_have_numbers(self, chat):
        """/1 presses the first one; a command button says its command."""
        chat.type("menu")
        shown = chat.until("again")
        assert re.search(r"1\s+签到\s+2\s+again", shown)
        chat.type("/1")
        chat.until("clicked sign")
        chat.type("/2")
        chat.until("choose")
        chat.type("/click 签到")
        chat.until("clicked sign")

    def test_pictures_are_drawn_and_files_saved(self, chat):
        """Half blocks in true colour; the path of a file leads to its bytes."""
        chat.type("picture")
        shown = chat.until("[picture image/png")
        assert shown.count("▀") > 100
        assert re.search(r"\x1b\[38;2;\d+;\d+;\d+;48;2;\d+;\d+;\d+m▀", chat.raw)
        chat.type("file")
        shown = chat.until("-cat.png")
        path = re.search(r"(/\S+-cat\.png)", shown)[1]
        assert Path(path).read_bytes() == (EXAMPLES / "assets" / "cat.png").read_bytes()

    def test_markdown_is_rendered(self, chat):
        """Without its marks."""
        chat.type("markdown")
        shown = chat.until("bold")
        assert "Title" in shown
        assert "**" not in shown
        assert "# Title" not in shown

    def test_a_refusal_is_red_and_explained(self, chat):
        """With the remedy of the client's own table."""
        chat.type("link")
        shown = chat.until("✗ refused")
        shown += chat.until('Client(urls="markdown"), which')
        assert "(HTTP 400, 40054010)" in shown

    def test_people_and_places_change(self, chat):
        """Another person, another group, in private."""
        chat.type("/as Lan@测试群")
        chat.until("Lan@测试群> ")
        chat.type("menu")
        assert "── 测试群 ──" not in chat.until("choose")  # nothing was said elsewhere before
        chat.type("/private")
        chat.until("Lan> ")
        chat.type("menu")
        chat.until("── Lan (private) ──")
        chat.until("choose")
        chat.type("/in Test group")
        chat.until("Lan@Test group> ")
        chat.type("/who")
        chat.until("bot-simulated (bot)")

    def test_a_stream_grows_in_its_place(self, chat):
        """The text stands there once at the end, and grew on the way."""
        chat.type("/private")
        chat.until("Ming> ")
        chat.type("stream")
        chat.until("one two three")
        over = re.findall(r"\x1b\[\d+A\r\x1b\[J", chat.raw)
        assert len(over) >= 2  # the line that was typed, and what stood there before

    def test_what_cannot_be_done_is_told(self, chat):
        """Mistakes end nothing."""
        chat.type("/file nowhere.png")
        chat.until("nowhere.png cannot be read")
        chat.type("/click nothing")
        chat.until("There is no button 'nothing'")
        chat.type("/fault nonsense")
        chat.until("There is no fault 'nonsense'")
        chat.type("/help")
        chat.until("//help")

    def test_a_fault_and_its_recovery(self, chat):
        """The connection breaks, and the next line is answered all the same."""
        chat.type("/fault drop")
        chat.until("session resumed")
        chat.type("menu")
        chat.until("choose")


def test_without_rich_it_is_plain_text(by_hand):
    """The extra makes it pretty, not possible."""
    source = "import sys; sys.modules['rich'] = None; from qqgroup_sync.cli import main; main()"
    terminal = by_hand("try", EXAMPLES / "buttons.py", "--console", program=("-c", source))
    terminal.until("on line as")
    terminal.type("menu")
    terminal.until("bot-simulated: What shall it be? [buttons: 签到 | 退出 | help | docs]")
    terminal.type("/1")
    terminal.until("bot-simulated: clicked: sign")
    press_ctrl_c(terminal.controller)
    assert terminal.process.wait(20) == 0


def test_the_console_speaks_chinese(by_hand):
    """The language of the environment."""
    terminal = by_hand("try", EXAMPLES / "hello.py", "--console", QQ_LANGUAGE="zh")
    terminal.until("输入要对机器人说的话")


def test_chinese_can_be_typed_in_any_locale(by_hand):
    """C, or one that is not installed: the line editor takes bytes as they are."""
    terminal = by_hand("try", EXAMPLES / "echo.py", "--console", LC_ALL="C")
    terminal.until("Ming@Test group> ")
    terminal.type("你好")
    terminal.until(" Ming 你好")


def test_a_terminal_that_knows_no_chinese_breaks_nothing(by_hand):
    """Windows consoles and LANG=C: other signs stand there, and it goes on."""
    terminal = by_hand(
        "try", EXAMPLES / "hello.py", "--console", PYTHONIOENCODING="ascii", PYTHONUTF8="0"
    )
    terminal.until("Ming@Test group> ")
    terminal.type("/as Lan@abc")
    terminal.until("Lan@abc> ")
    terminal.type("hello")
    terminal.until("hi, Lan!")
