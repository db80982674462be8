"""ChainBuilder: what users' own methods get, and what may come back."""

from __future__ import annotations

from pathlib import Path

import pytest

from qqgroup_sync.errors import ConfigError, UnsupportedMedia
from qqgroup_sync.media.builder import ChainBuilder
from qqgroup_sync.media.sources import load
from tests.media.samples import picture, silk, video

CONTENTS = {"image": picture(), "voice": silk(0.2), "video": video(), "file": b"data"}


class Recording(ChainBuilder):
    """Notes what it was given, and returns what the test says."""

    def __init__(self, answer):
        self.answer = answer
        self.given = []

    def _note(self, given):
        self.given.append(given)
        read = given if isinstance(given, bytes) else Path(given).read_bytes()
        return self.answer(read)

    get_image = get_voice = get_video = get_file = _note


@pytest.mark.parametrize("kind", CONTENTS)
def test_without_overrides_nothing_happens(kind):
    """The source itself goes on."""
    source = load(CONTENTS[kind], kind)
    assert ChainBuilder().hand_over(source) is source


@pytest.mark.parametrize("kind", CONTENTS)
def test_a_url_goes_on_as_a_url(kind):
    """The method reads the content; the platform fetches what it returns."""
    builder = Recording(lambda read: f"https://x.cn/{len(read)}")
    handed = builder.hand_over(load(CONTENTS[kind], kind))
    assert handed.url == f"https://x.cn/{len(CONTENTS[kind])}"
    assert handed.kind == kind


@pytest.mark.parametrize("kind", CONTENTS)
def test_files_are_given_as_paths(kind, tmp_path):
    """As in the seed: a str."""
    path = tmp_path / "name.bin"
    path.write_bytes(CONTENTS[kind])
    builder = Recording(lambda read: "https://x.cn/a")
    builder.hand_over(load(path, kind))
    assert builder.given == [str(path)]


def test_only_pictures_are_given_as_bytes():
    """The other methods get a temporary file, which is gone afterwards."""
    builder = Recording(lambda read: "https://x.cn/a")
    for kind, content in CONTENTS.items():
        builder.hand_over(load(content, kind))
    image, *paths = builder.given
    assert image == CONTENTS["image"]
    assert all(isinstance(path, str) and not Path(path).exists() for path in paths)


def test_bytes_and_paths_come_back_checked(tmp_path):
    """What a method makes of a picture is looked at like anything else."""
    other = picture("blue")
    path = tmp_path / "other.png"
    path.write_bytes(other)
    source = load(picture(), "image")
    assert Recording(lambda read: other).hand_over(source).read() == other
    assert Recording(lambda read: path).hand_over(source).read() == other
    assert Recording(lambda read: str(path)).hand_over(source).path == path
    with pytest.raises(UnsupportedMedia, match="text, not a picture"):
        Recording(lambda read: b"hello").hand_over(source)


def test_a_path_that_is_returned_as_it_was_given_is_the_same_source():
    """Also when it was a temporary one."""

    class Nothing(ChainBuilder):
        def get_voice(self, voice_file):
            return voice_file

    source = load(CONTENTS["voice"], "voice")
    assert Nothing().hand_over(source) is source


@pytest.mark.parametrize("kind", [kind for kind in CONTENTS if kind != "image"])
def test_a_path_in_the_temporary_folder_outlasts_it(kind):
    """The file itself as a Path, or what was made of it beside it: the folder is gone by then."""

    class Same(ChainBuilder):
        def get_voice(self, voice_file):
            return Path(voice_file)

        get_video = get_file = get_voice

    class Beside(ChainBuilder):
        def get_voice(self, voice_file):
            made = Path(voice_file).with_name("made")
            made.write_bytes(Path(voice_file).read_bytes())
            return str(made)

        get_video = get_file = get_voice

    for builder in (Same(), Beside()):
        handed = builder.hand_over(load(CONTENTS[kind], kind))
        assert handed.read() == CONTENTS[kind]
        assert handed.path is None  # nobody looks for a file that is gone


def test_a_path_elsewhere_stays_one(tmp_path):
    """A large file of the user's is not read into memory for nothing."""
    made = tmp_path / "made.mp4"

    class Elsewhere(ChainBuilder):
        def get_video(self, video_file):
            made.write_bytes(Path(video_file).read_bytes())
            return made

    handed = Elsewhere().hand_over(load(CONTENTS["video"], "video"))
    assert (handed.path, handed.data) == (made, None)


@pytest.mark.parametrize("wrong", [None, "", b"", 3, ["https://x.cn"]])
def test_what_must_not_be_returned(wrong):
    """The error names the method."""
    with pytest.raises(ConfigError, match=r"Recording\._note returned") as caught:
        Recording(lambda read: wrong).hand_over(load(picture(), "image"))
    assert caught.value.remedy


def test_a_coroutine_is_refused():
    """With the remedy, and without a warning that it was never awaited."""

    class Late(ChainBuilder):
        async def get_image(self, image):
            return "https://x.cn"

    with pytest.raises(ConfigError, match="coroutine") as caught:
        Late().hand_over(load(picture(), "image"))
    assert "async" in caught.value.remedy


def test_class_methods_work_as_in_the_seed():
    """AmiyaBot's builders are written with @classmethod."""

    class Seed(ChainBuilder):
        @classmethod
        def get_image(cls, image):
            return "https://x.cn/seed"

    assert Seed().hand_over(load(picture(), "image")).url == "https://x.cn/seed"


def test_what_a_method_raises_is_the_user_s():
    """It is not dressed up."""

    class Broken(ChainBuilder):
        def get_image(self, image):
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        Broken().hand_over(load(picture(), "image"))


def test_a_url_needs_no_builder():
    """QQ can fetch it already."""
    builder = Recording(lambda read: "https://x.cn/other")
    source = load("https://x.cn/cat.png", "image")
    assert builder.hand_over(source) is source
