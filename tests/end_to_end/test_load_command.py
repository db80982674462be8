"""``python -m qqgroup_sync load``: an unchanged script, figures, limits for CI."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from PIL import Image

from tests.waiting import eventually

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
SHORT = ("--rate", "40", "--seconds", "1", "--warm-up", "0.2", "--groups", "5", "--grace", "5")


def load(*arguments, program=("-m", "qqgroup_sync")):
    """Run the command and return what it did."""
    return subprocess.run(
        [sys.executable, *program, "load", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=50,
        env={**os.environ, "LANG": "C.UTF-8"},
        check=False,
    )


def bot(tmp_path, body):
    """Write a bot whose handler has this body."""
    script = tmp_path / "机器人.py"
    script.write_text(
        "import os\nfrom qqgroup_sync import Client\nclient = Client()\ncount = 0\n"
        "@client.on_message\ndef handle(message):\n    global count\n    count += 1\n"
        f"    {body}\nclient.run()\n",
        encoding="utf-8",
    )
    return script


def test_a_table_for_people_and_a_picture(tmp_path):
    """Without a text it finds one that the bot answers."""
    plot, figures = tmp_path / "load.png", tmp_path / "load.json"
    done = load(EXAMPLES / "hello.py", *SHORT, "--plot", plot, "--json", figures)
    assert done.returncode == 0, done.stderr
    assert "40 said in 1 s" in done.stdout
    assert "latency, ms" in done.stdout
    assert "p99" in done.stdout
    with Image.open(plot) as picture:
        assert picture.format == "PNG"
    found = json.loads(figures.read_text("utf-8"))
    assert found["probe"] == {"group": {"hello": 1}}
    assert (found["messages"]["lost"], found["messages"]["doubled"]) == (0, 0)
    assert found["bot"]["cpu_seconds"] > 0
    assert found["bot"]["rss_mb"]["max"] > 10


def test_json_is_all_that_stands_on_stdout(tmp_path):
    """What the script prints goes into a file of its own, when asked for."""
    script, kept = bot(tmp_path, "print('heard', message.text); return 'ok'"), tmp_path / "out.txt"
    done = load(
        script, *SHORT, "--say", "n {n}", "--private", "0.5", "--json", "-", "--output", kept
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["probe"] == {"group": {"n {n}": 1}, "private": {"n {n}": 1}}
    assert found["messages"]["answered"] == 40
    assert "heard n 7" in kept.read_text("utf-8")
    assert "heard" not in done.stderr


def test_limits_decide_the_exit_code(tmp_path):
    """For CI: too slow, and too many lost."""
    done = load(EXAMPLES / "hello.py", *SHORT, "--max-p99", "0.001", "--max-lost", "0")
    assert done.returncode == 1
    assert "--max-p99" in done.stderr
    assert "--max-lost" not in done.stderr
    script = bot(tmp_path, "return None if count % 10 == 5 else 'ok'")
    done = load(script, *SHORT[:-1], "1", "--say", "x", "--max-lost", "2", "--max-p99", "60000")
    assert done.returncode == 1, done.stdout
    assert "--max-lost" in done.stderr
    assert "--max-p99" not in done.stderr


def test_texts_without_an_answer_are_no_losses(tmp_path):
    """The probe tells them apart, and says so."""
    script = bot(tmp_path, "return 'ok' if message.text == 'yes' else None")
    done = load(script, *SHORT, "--say", "yes", "--say", "no", "--json", "-", "--timeout", "12")
    assert done.returncode == 0, done.stderr
    assert "'no' gets no answer" in done.stderr
    messages = json.loads(done.stdout)["messages"]
    assert (messages["answered"], messages["silent"], messages["lost"]) == (20, 20, 0)


def test_a_bot_that_answers_nothing_is_no_measurement(tmp_path):
    """It says what was tried, and what to do."""
    done = load(bot(tmp_path, "return None"), *SHORT, "--say", "hm", "--timeout", "12")
    assert done.returncode == 2
    assert "'hm'" in done.stderr
    assert "--say TEXT" in done.stderr


def test_a_script_that_ends_under_the_load_fails(tmp_path):
    """With its exit code and its last words."""
    words = "os.write(1, b'message %d\\n' % count)"  # in one piece: handlers run side by side
    script = bot(tmp_path, f"os._exit(3) if count > 10 else {words}; return 'ok'")
    done = load(script, *SHORT, "--seconds", "20")
    assert done.returncode == 3
    assert "ended under the load (exit code 3)" in done.stderr
    assert "message 10" in done.stderr


@pytest.mark.parametrize(
    ("module", "options", "remedy"),
    [("psutil", (), "psutil is missing"), ("matplotlib", ("--plot", "x.png"), "--plot needs")],
)
def test_a_missing_package_is_named_with_its_extra(module, options, remedy):
    """Before anything is started."""
    program = (
        f"import sys; sys.modules[{module!r}] = None; from qqgroup_sync.cli import main; main()"
    )
    done = load(EXAMPLES / "hello.py", *options, program=("-c", program))
    assert done.returncode == 1
    assert 'pip install "qqgroup_sync[load]"' in done.stderr
    assert remedy in done.stderr


def test_nonsense_is_refused():
    """As a usage error, with the name of the figure."""
    done = load(EXAMPLES / "hello.py", "--rate", "0")
    assert done.returncode == 2
    assert "rate must be more than 0" in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="Windows processes get no SIGINT")
def test_the_page_shows_the_figures_while_it_runs():
    """The address is printed; the page's own endpoint tells of each second."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "qqgroup_sync", "load", EXAMPLES / "hello.py", "--page"),
            *("--no-browser", "--rate", "20", "--seconds", "30", "--groups", "3"),
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        address = process.stderr.readline().split()[-1]
        points = []

        def has_points():
            with urllib.request.urlopen(f"{address}simulator/load", timeout=10) as answer:
                points[:] = json.load(answer)["points"]
            return points

        eventually(has_points, 30)
        assert {"t", "rate", "lost", "doubled", "cpu", "rss"} <= points[0].keys()
        process.send_signal(signal.SIGINT)  # judged as far as it went
        shown, _ = process.communicate(timeout=30)
        assert process.returncode == 130
        assert "It ended early: interrupted." in shown
        assert float(re.search(r"said in ([\d.]+) s", shown)[1]) < 30
    finally:
        process.kill()
        process.wait(10)
        process.stdout.close()
        process.stderr.close()


@pytest.mark.parametrize(
    ("options", "remedy"),
    [
        (("--plot", "nowhere/load.png"), "make it first"),
        (("--json", "nowhere/load.json"), "make it first"),
        (("--json", "tests"), "tests is a folder: name a file in it"),
        (("--plot", "load.xyz"), ".png"),
    ],
)
def test_what_cannot_be_written_is_told_before_the_load(options, remedy):
    """And not after it."""
    done = load(EXAMPLES / "hello.py", *options)
    assert done.returncode == 1
    assert remedy in done.stderr
    assert done.stdout == ""
