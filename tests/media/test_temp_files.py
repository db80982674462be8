"""TempFiles: our files in a user's folder, gone with the process however it ends."""

from __future__ import annotations

import contextlib
import os
import re
import resource
import subprocess
import sys
import threading

import psutil
import pytest

from qqgroup_sync.errors import MediaError, StateError
from qqgroup_sync.media.temp_files import TempFiles

LEFT_BY_THE_DEAD = """
import os, signal, sys
from qqgroup_sync.media.temp_files import TempFiles
files = TempFiles(sys.argv[1])
files.create(b"left", ".png")
print("written", flush=True)
if len(sys.argv) > 2:
    sys.stdin.read()
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def folder(tmp_path):
    """Return a folder that is not there yet."""
    return tmp_path / "resource"


@pytest.fixture
def files(folder):
    """Return TempFiles that are closed at the end."""
    files = TempFiles(folder)
    yield files
    files.close()


def die(folder):
    """Let another process write a file there and be killed."""
    command = [sys.executable, "-c", LEFT_BY_THE_DEAD, str(folder)]
    ended = subprocess.run(command, capture_output=True, check=False, timeout=30)
    assert ended.stdout == b"written\n", ended.stderr


def everything_in(folder):
    """Return what lies in a folder, at any depth."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_nothing_is_made_before_something_is_written(folder, files):
    """Constructing, sweeping and closing leave the disk alone."""
    files.sweep()
    files.close()
    assert not folder.exists()


@pytest.mark.parametrize(
    "content", [b"abc", bytearray(b"abc"), memoryview(b"abc"), [b"a", b"", b"bc"], iter([b"abc"])]
)
def test_bytes_and_parts_are_written(files, content):
    """What was given stands in the file."""
    path = files.create(content, ".png")
    assert path.read_bytes() == b"abc"
    assert re.fullmatch(r"[0-9a-f]{32}\.png", path.name)
    assert files.owns(path)


def test_a_file_is_copied(files, tmp_path):
    """What the user does to his file later changes nothing."""
    his = tmp_path / "his.png"
    his.write_bytes(b"before")
    path = files.create(his, ".png")
    his.write_bytes(b"after")
    assert path.read_bytes() == b"before"
    files.remove(path)
    assert his.read_bytes() == b"after"


def test_a_large_file_is_copied_without_filling_the_memory(files, tmp_path):
    """200 MB pass through in pieces."""
    his = tmp_path / "his.mp4"
    with his.open("wb") as file:
        file.truncate(200 * 1024 * 1024)
    process = psutil.Process()
    before, most, done = process.memory_info().rss, 0, threading.Event()

    def watch():
        nonlocal most
        while not done.wait(0.005):
            most = max(most, process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    path = files.create(his)
    done.set()
    watcher.join()
    assert path.stat().st_size == 200 * 1024 * 1024
    assert most - before < 20 * 1024 * 1024


@pytest.mark.parametrize(
    ("suffix", "expected"),
    [("", ""), (".tar.gz", ".tar.gz"), ("/../x", ""), (".a/b", ""), (".\0", ""), (".x" * 9, "")],
)
def test_a_suffix_cannot_lead_elsewhere(files, suffix, expected):
    """A suffix that is no plain one is left out."""
    path = files.create(b"x", suffix)
    assert path.name[32:] == expected
    assert files.owns(path)


def test_nobody_else_may_look_into_our_folder(files):
    """Pictures of private chats are not for other users of the machine."""
    path = files.create(b"x")
    assert path.parent.stat().st_mode & 0o077 == 0


def test_only_own_files_are_removed(files, folder):
    """remove() of anything else does nothing; twice does nothing."""
    path = files.create(b"x")
    his = folder / "his.png"
    his.write_bytes(b"his")
    files.remove(his)
    files.remove(path)
    files.remove(path)
    assert his.exists()
    assert not path.exists()


def test_closing_deletes_ours_alone(files, folder):
    """The user's file stays, and the folder with it."""
    files.create(b"x")
    (folder / "his.png").write_bytes(b"his")
    files.close()
    assert everything_in(folder) == ["his.png"]


def test_closing_deletes_a_folder_that_we_made(files, folder):
    """Nothing is left of a folder that was not there before."""
    files.create(b"x")
    files.close()
    assert not folder.exists()


def test_closing_keeps_a_folder_that_was_there(files, folder):
    """An empty folder of the user's stays."""
    folder.mkdir()
    files.create(b"x")
    files.close()
    assert everything_in(folder) == []


def test_nothing_is_written_after_the_end(files):
    """A late thread gets an error, not a file that nobody deletes."""
    files.close()
    with pytest.raises(StateError):
        files.create(b"x")


@pytest.mark.parametrize("what", ["missing", "folder", "pipe"])
def test_what_cannot_be_copied_is_an_error(files, folder, tmp_path, what):
    """It names the file, and neither hangs nor leaves anything behind."""
    path = tmp_path / "his.png"
    if what == "folder":
        path.mkdir()
    elif what == "pipe":
        os.mkfifo(path)
    with pytest.raises(MediaError, match=r"his\.png cannot be read") as caught:
        files.create(path)
    assert caught.value.remedy
    assert not folder.exists()


def test_an_error_of_the_content_is_passed_on(files):
    """What the caller's generator raises comes out as it is; the part written is deleted."""

    def parts():
        yield b"a"
        raise ConnectionResetError("gone")

    kept = files.create(b"x")
    with pytest.raises(ConnectionResetError):
        files.create(parts())
    assert list(kept.parent.iterdir()) == [kept]


def test_a_full_disk_is_an_error_that_leaves_nothing(tmp_path):
    """A part of a file is worth nothing, and takes the last space away."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount")
    files = TempFiles(disk / "resource", language="en")
    try:
        kept = files.create(b"small")
        with pytest.raises(MediaError, match="No space left") as caught:
            files.create(b"x" * 100_000)
        assert "resource_path" in caught.value.remedy
        assert isinstance(caught.value.__cause__, OSError)
        assert list(kept.parent.iterdir()) == [kept]
        files.create(b"x" * 30_000)
    finally:
        files.close()
        left = list(disk.iterdir())
        subprocess.run(["umount", str(disk)], check=True)
    assert left == []


def test_a_limit_for_file_sizes_is_an_error_that_leaves_nothing(files):
    """The same where the system says "too large" instead of "full"."""
    kept = files.create(b"small")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
    try:
        with pytest.raises(MediaError, match="too large"):
            files.create([b"x" * 30_000, b"x" * 30_000])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(kept.parent.iterdir()) == [kept]


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path):
    """A file stands where the folder should be."""
    (tmp_path / "resource").write_bytes(b"a file")
    files = TempFiles(tmp_path / "resource", language="zh")
    with pytest.raises(MediaError, match="no temporary file") as caught:
        files.create(b"x")
    assert "目录" in caught.value.remedy
    files.close()
    assert (tmp_path / "resource").read_bytes() == b"a file"


def test_a_folder_that_somebody_cleared_away_is_made_again(files, folder):
    """A rm -rf, or a cleaner of old files, stops no bot."""
    first = files.create(b"x")
    subprocess.run(["rm", "-rf", str(folder)], check=True)
    second = files.create(b"y")
    assert not first.exists()
    assert second.read_bytes() == b"y"


def test_others_may_clear_the_empty_folder_away_all_the_time(folder):
    """As another process does at its end, when it was the one who made it."""
    done, failures = threading.Event(), []

    def clear():
        while not done.wait(0.005):
            with contextlib.suppress(OSError):
                folder.rmdir()

    thread = threading.Thread(target=clear)
    thread.start()
    for _ in range(100):
        files = TempFiles(folder)
        try:
            if files.create(b"x").read_bytes() != b"x":
                failures.append("lost")
        except MediaError as error:
            failures.append(error)
        files.close()
    done.set()
    thread.join()
    assert failures == []


def test_two_in_one_process_do_not_touch_each_other(folder):
    """Two clients may have the same resource_path."""
    one, other = TempFiles(folder), TempFiles(folder)
    its, others = one.create(b"1"), other.create(b"2")
    one.sweep()
    other.sweep()
    one.close()
    assert not its.exists()
    assert others.read_bytes() == b"2"
    other.close()


def test_a_sweep_takes_what_a_killed_process_left(files, folder):
    """Nothing of it survives; everything of the user's does, whatever its name."""
    die(folder)
    left = everything_in(folder)
    assert len(left) == 3  # a folder, its lock, a file
    his = ["qqgroup-temp-mine/a.png", "pictures/b.png", "c.lock", "qqgroup-temp-.lock"]
    for name in his:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"his")
    files.sweep()
    remaining = everything_in(folder)
    assert set(remaining) == {*his, "qqgroup-temp-mine", "pictures"}


def test_a_sweep_leaves_what_a_living_process_has(files, folder):
    """Another bot on the same folder keeps its files until it is dead."""
    command = [sys.executable, "-c", LEFT_BY_THE_DEAD, str(folder), "wait"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, **pipes) as other:
        assert other.stdout.readline() == b"written\n"
        before = everything_in(folder)
        files.sweep()
        assert everything_in(folder) == before
        other.kill()
        other.wait()
        files.sweep()
        assert everything_in(folder) == []


def test_links_are_not_followed(files, folder, tmp_path):
    """Neither a link named like ours nor one inside what is swept leads to the user's files."""
    his = tmp_path / "photos"
    his.mkdir()
    (his / "a.png").write_bytes(b"his")
    die(folder)
    dead = next(path for path in folder.iterdir() if path.is_dir())
    (dead / "link").symlink_to(his)
    (dead / "file-link").symlink_to(his / "a.png")
    named_like_ours = folder / f"qqgroup-temp-{'0' * 32}"
    named_like_ours.symlink_to(his)
    locked_like_ours = folder / f"qqgroup-temp-{'1' * 32}.lock"
    locked_like_ours.symlink_to(his / "a.png")
    files.sweep()
    assert everything_in(folder) == [named_like_ours.name, locked_like_ours.name]
    assert (his / "a.png").read_bytes() == b"his"


def test_a_file_named_like_our_folder_is_left_alone(files, folder):
    """We make folders by that name, never files."""
    folder.mkdir()
    his = folder / f"qqgroup-temp-{'0' * 32}"
    his.write_bytes(b"his")
    files.sweep()
    assert everything_in(folder) == [his.name]


def test_many_may_start_and_sweep_at_once(folder):
    """Nobody loses a file to another one's sweep, and nothing is left at the end."""
    lost, barrier = [], threading.Barrier(8)

    def live():
        barrier.wait()
        for _ in range(15):
            files = TempFiles(folder)
            path = files.create(b"x", ".png")
            files.sweep()
            if path.read_bytes() != b"x":
                lost.append(path)
            files.close()

    threads = [threading.Thread(target=live) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    TempFiles(folder).sweep()
    assert lost == []
    assert not folder.exists() or everything_in(folder) == []


def test_many_threads_share_one_sub_folder(files, folder):
    """The first writers race; one folder is left."""
    barrier = threading.Barrier(8)

    def write():
        barrier.wait()
        files.create(b"x")

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    homes = [path for path in folder.iterdir() if path.is_dir()]
    assert len(homes) == 1
    assert len(list(homes[0].iterdir())) == 8
    assert len(everything_in(folder)) == 10
