"""Places: where a bot's files lie."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from qqgroup_sync.errors import ConfigError, StateError
from qqgroup_sync.state.places import DEFAULT, Place, locate, make_file


def folder_of(state, environment=None, *, simulated=False):
    """Return the folder for bot 102 as text; None when nothing is kept."""
    place = locate(state, "102", simulated=simulated, environment=environment or {})
    return None if place is None else str(place.directory)


def test_the_default_is_a_folder_of_this_user(monkeypatch, tmp_path):
    """It is the one where this system keeps data of applications."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    folder = Path(folder_of(DEFAULT))
    assert folder.is_relative_to(tmp_path) or sys.platform == "win32"
    assert folder.parts[-2:] == ("qqgroup_sync", "102")
    assert not folder.exists()


@pytest.mark.parametrize(
    ("state", "variable", "simulated", "expected"),
    [
        ("/srv/state", None, False, "/srv/state/102"),
        (Path("/srv/state"), None, False, "/srv/state/102"),
        ("/srv/state", "/elsewhere", False, "/srv/state/102"),
        (None, "/elsewhere", False, None),
        (None, None, False, None),
        (DEFAULT, "/elsewhere", False, "/elsewhere/102"),
        (DEFAULT, "none", False, None),
        (DEFAULT, " NONE ", False, None),
        ("/srv/state", "none", False, "/srv/state/102"),
        (DEFAULT, None, True, None),
        ("/srv/state", None, True, None),
        ("/srv/state", "/elsewhere", True, "/elsewhere/102"),
        (None, "/elsewhere", True, "/elsewhere/102"),
        ("/srv/state", "none", True, None),
        ("/srv/state", "  ", True, None),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="the paths are POSIX")
def test_argument_environment_and_simulator(state, variable, simulated, expected):
    """The argument beats QQ_STATE; with a simulator QQ_STATE alone counts."""
    environment = {} if variable is None else {"QQ_STATE": variable}
    assert folder_of(state, environment, simulated=simulated) == expected


def test_a_relative_folder_is_that_of_now(monkeypatch, tmp_path):
    """A script that changes its directory later finds its data; ~ is the user's home."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    place = locate("state", "102", environment={})
    monkeypatch.chdir("/")
    assert place.data == tmp_path / "state" / "102" / "data.sqlite"
    if sys.platform != "win32":
        assert folder_of("~/bots") == str(tmp_path / "home" / "bots" / "102")


@pytest.mark.parametrize("state", ["", "  ", b"/x", 5, True, "a\0b", "~nobody-of-that-name/x"])
def test_what_is_no_folder_is_refused(state):
    """In the caller's line, with the remedy."""
    with pytest.raises(ConfigError, match=r"state=.* is no folder") as caught:
        folder_of(state)
    assert "state=None" in str(caught.value)


@pytest.mark.parametrize(
    "appid", ["../../etc", "a/b", "A", "nul", "com1", "小明", "x" * 300, "", "."]
)
def test_an_odd_appid_stays_in_the_folder(tmp_path, appid):
    """It becomes a name that every system takes, and that no other bot has."""
    folder = Place(tmp_path, appid).directory
    assert folder.parent == tmp_path
    assert re.fullmatch(r"[0-9a-z_-]{10,64}", folder.name)
    assert folder != Place(tmp_path, appid + "x").directory
    assert Place(tmp_path, "a_b").directory != Place(tmp_path, "a/b").directory


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_files_and_folders_are_for_this_user_alone(tmp_path):
    """What people told the bot is not for other users; what was there keeps its mode."""
    there = tmp_path / "there"
    there.mkdir(mode=0o755)
    path = there / "a" / "b" / "data.sqlite"
    make_file(path)
    modes = [oct(one.stat().st_mode & 0o777) for one in (there, path.parent.parent, path.parent)]
    assert modes == ["0o755", "0o700", "0o700"]
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_bytes(b"kept")
    path.chmod(0o640)
    make_file(path)
    assert path.read_bytes() == b"kept"
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_file_in_the_way_is_an_error(tmp_path):
    """It is named, and so is the way out, in both languages."""
    (tmp_path / "state").write_text("a file")
    with pytest.raises(StateError, match=r"state.*cannot be used") as caught:
        make_file(tmp_path / "state" / "102" / "data.sqlite", "en")
    assert "Client(state=" in caught.value.remedy
    with pytest.raises(StateError) as caught:
        make_file(tmp_path / "state" / "102" / "data.sqlite", "zh")
    assert "请" in caught.value.remedy
    folder = tmp_path / "data.sqlite"
    folder.mkdir()
    with pytest.raises(StateError, match="cannot be used"):
        make_file(folder)


def test_nothing_is_loaded_before_it_is_needed():
    """A bot that keeps nothing pays for neither SQLite nor platformdirs."""
    script = (
        "import sys\n"
        "from qqgroup_sync.state import places, sqlite, storage, store\n"
        "place = places.locate(places.DEFAULT, '102')\n"
        "moved = places.locate('/nowhere/state', '102')\n"
        "kept = storage.BotStorage(sqlite.store_at(moved)).group('G')\n"
        "forgotten = storage.BotStorage(sqlite.store_at(None))\n"
        "forgotten['a'] = 1\n"
        "print(sorted({'sqlite3', 'platformdirs', 'filelock'} & set(sys.modules)))\n"
    )
    command = [sys.executable, "-c", script]
    ended = subprocess.run(command, capture_output=True, check=True, timeout=30)
    assert ended.stdout.strip() == b"[]"
