"""Other programs: bounded in time, gone at the end, their complaint told."""

from __future__ import annotations

import sys
import threading

import pytest

from qqgroup_sync.errors import VoiceEncodeError
from qqgroup_sync.media import child
from tests.media.sounds import nothing_left

FOREVER = "import threading; open('ready', 'w').close(); threading.Event().wait()"


@pytest.fixture(autouse=True)
def _clean(tmp_path, monkeypatch):
    """Fail when a process or a file is left."""
    with nothing_left(tmp_path / "temporary", monkeypatch):
        yield


def run(code, **options):
    """Run Python code in a folder of its own; return what went wrong."""
    options.setdefault("seconds", 30.0)
    with child.private_folder() as folder:
        return child.run([sys.executable, "-I", "-S", "-c", code], folder, **options)


def test_it_works_in_its_folder():
    """What it writes lies there; nothing went wrong."""
    with child.private_folder() as folder:
        code = "open('here', 'w').write('done')"
        command = [sys.executable, "-I", "-S", "-c", code]
        assert child.run(command, folder, seconds=30.0) is None
        assert (folder / "here").read_text() == "done"


@pytest.mark.parametrize(
    ("code", "complaint"),
    [
        ("raise ValueError('bad sound')", "ValueError: bad sound"),
        ("import sys; sys.exit(3)", "exit code 3"),
        ("import sys; sys.stderr.write('x' * 100_000 + '\\nlast\\n'); sys.exit(1)", "last"),
    ],
)
def test_what_went_wrong_is_told(code, complaint):
    """The last line of what it complained of, or its exit code."""
    assert run(code) == complaint


@pytest.mark.skipif(sys.platform == "win32", reason="a crash there is an exit code")
def test_a_crash_is_told():
    """A program that crashes does so alone."""
    assert run("import os; os.abort()") == "it crashed (-6)"


def test_a_program_that_is_not_there():
    """It is told, too."""
    with child.private_folder() as folder:
        problem = child.run([str(folder / "missing")], folder, seconds=1.0)
    assert problem is not None
    assert problem.startswith("it cannot be started")


def test_it_is_killed_when_its_time_is_over():
    """A hang costs no more than that."""
    assert run(FOREVER, seconds=0.0) == "it did not end within 0 s"


def test_it_is_killed_when_stopped():
    """The wait ends, and so does the program."""
    stop = threading.Event()
    with child.private_folder() as folder:

        def look():
            if (folder / "ready").exists():
                stop.set()

        command = [sys.executable, "-I", "-S", "-c", FOREVER]
        with pytest.raises(VoiceEncodeError, match="stopped"):
            child.run(command, folder, seconds=30.0, stop=stop, watch=look)


def test_it_is_killed_when_the_watcher_fails():
    """An exception of the caller leaves no program behind."""

    def fail():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(FOREVER, watch=fail)


def test_a_disk_without_space():
    """It is an error of ours, with a remedy."""
    with pytest.raises(VoiceEncodeError, match="No space left") as caught, child.private_folder():
        raise OSError(28, "No space left on device")
    assert "TMPDIR" in caught.value.remedy
