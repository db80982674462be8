"""What people see of an upload: their own function, and a bar where there is a terminal."""

from __future__ import annotations

import io
import logging
import subprocess
import sys
import threading

import pytest

from qqgroup_sync.media import progress
from qqgroup_sync.media.progress import Bar, Progress


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


@pytest.fixture
def put_terminal(monkeypatch):
    """Return a function that puts a terminal in the place of stderr.

    In the test itself: pytest puts its own there after the fixtures.
    """

    def put():
        stream = Terminal()
        monkeypatch.setattr(sys, "stderr", stream)
        return stream

    return put


def told_by(use):
    """Return what a progress function is told."""
    told = []
    one = Progress(lambda done, total: told.append((done, total)))
    use(one)
    return told


def test_it_tells_what_was_counted():
    """From the first block to the end."""

    def use(one):
        one.begin(10)
        for _ in range(5):
            one.add(2)
            one.tell()
        one.finish()

    assert told_by(use) == [(2, 10), (4, 10), (6, 10), (8, 10), (10, 10)]


def test_it_never_goes_back():
    """A part that is sent again is no news until there is more than before."""

    def use(one):
        one.begin(10)
        for count in (6, -6, 3, 3, 3):
            one.add(count)
            one.tell()
        one.begin(10)  # the next way
        one.add(4)
        one.tell()
        one.finish()

    assert told_by(use) == [(6, 10), (9, 10), (10, 10)]


def test_the_end_is_told_once():
    """Also when nothing was counted; and nothing is told about nothing."""

    def use(one):
        one.finish()
        one.begin(7)
        one.finish()
        one.finish()

    assert told_by(use) == [(7, 7)]


def test_counting_is_exact_from_many_threads():
    """No block is lost."""
    one = Progress()
    one.begin(10**9)
    threads = [threading.Thread(target=lambda: [one.add(1) for _ in range(5000)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert one._done == 20000


@pytest.mark.expected_errors
def test_a_failing_function_is_logged_once_and_called_no_more(caplog):
    """The upload goes on."""
    calls = []

    def broken(done, total):
        calls.append(done)
        raise ValueError("mine")

    one = Progress(broken)
    one.begin(10)
    for _ in range(3):
        one.add(3)
        one.tell()
    assert calls == [3]
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert "mine" in caplog.text


# ---------------------------------------------------------------------- the bar


def test_a_bar_on_a_terminal(put_terminal):
    """It shows name, size and share, and is gone at the end."""
    terminal = put_terminal()
    with Bar("cat.png", delay=0) as bar:
        bar.show(0, 4 * 1024 * 1024)
        bar.show(1024 * 1024, 4 * 1024 * 1024)
        bar._bar.refresh()
    text = terminal.getvalue()
    assert "cat.png:  25%" in text
    assert "1.00M/4.00M" in text
    assert text.endswith("\r")
    assert "\n" not in text


def test_encoding_is_shown_in_seconds(put_terminal):
    """The encoder tells milliseconds of sound."""
    terminal = put_terminal()
    with Bar("voice", unit="s", delay=0) as bar:
        bar.show(0, 8000)
        bar.show(2000, 8000)
        bar._bar.refresh()
    assert "2/8 s" in terminal.getvalue()


def test_what_is_quick_shows_nothing(put_terminal):
    """Two seconds have to pass."""
    terminal = put_terminal()
    with Bar("cat.png") as bar:
        for done in range(0, 101, 10):
            bar.show(done, 100)
    assert terminal.getvalue() == ""


def test_a_script_in_the_background_shows_nothing(monkeypatch):
    """Its log stays free of bars."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    with Bar("cat.png", delay=0) as bar:
        bar.show(0, 100)
        bar.show(100, 100)
    assert stream.getvalue() == ""


@pytest.mark.parametrize("stream", [None, io.StringIO()], ids=["none", "closed"])
def test_a_missing_or_closed_stream_does_no_harm(monkeypatch, stream):
    """A program without a console has none."""
    if stream is not None:
        stream.isatty = lambda: True
        stream.close()
    monkeypatch.setattr(sys, "stderr", stream)
    with Bar("cat.png", delay=0) as bar:
        bar.show(0, 100)
        bar.show(100, 100)


def test_without_tqdm_there_is_no_bar(put_terminal, monkeypatch):
    """And nothing else happens."""
    terminal = put_terminal()
    monkeypatch.setitem(sys.modules, "tqdm.std", None)
    monkeypatch.setattr(progress, "_classes", {})
    with Bar("cat.png", delay=0) as bar:
        bar.show(0, 100)
        bar.show(100, 100)
    assert terminal.getvalue() == ""


def test_a_progress_shows_on_its_bar(put_terminal):
    """Function and bar tell the same."""
    terminal = put_terminal()
    with Bar("cat.png", delay=0) as bar:
        one = Progress()
        one.begin(100, bar)
        for count in (50, -50, 75):  # the second time because a part is sent again
            one.add(count)
            one.tell()
            bar._bar.refresh()
    shown = terminal.getvalue()
    assert shown.index(" 50%") < shown.rindex("  0%") < shown.index(" 75%")


CODE = """
import sys, threading
from qqgroup_sync.media.progress import Bar
class Terminal:
    def write(self, text): return len(text)
    def flush(self): pass
    def isatty(self): return True
assert not [name for name in sys.modules if name.startswith("tqdm")]
with Bar("quiet", delay=0) as bar:
    bar.show(0, 10)
assert not [name for name in sys.modules if name.startswith("tqdm")], "imported in vain"
sys.stderr = Terminal()
with Bar("cat.png", delay=0) as bar:
    bar.show(0, 10)
    bar.show(5, 10)
    assert bar._bar is not None and bar._bar.n == 5
    names = [one.name for one in threading.enumerate()]
    loaded = {name.partition(".")[0] for name in sys.modules}
print(names, sorted(loaded & {"tqdm", "multiprocessing", "asyncio"}))
"""


def test_a_bar_starts_no_thread_and_loads_little():
    """Without a terminal tqdm is not even imported."""
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "['MainThread'] ['tqdm']"
