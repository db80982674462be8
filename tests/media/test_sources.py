"""What a user hands over: every kind of source, and every kind of mistake, told in his line."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import pickle
import subprocess
import sys
import tempfile
import tracemalloc
import urllib.parse
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from PIL import Image

from qqgroup_sync import Chain
from qqgroup_sync.errors import ConfigError, MediaError, MediaTooLarge, UnsupportedMedia
from qqgroup_sync.media import formats
from qqgroup_sync.media import sources as module
from qqgroup_sync.media.names import harmless_name
from qqgroup_sync.media.sources import FIRST_10M, Source, load
from qqgroup_sync.message import elements
from tests.media import samples

mpl.use("Agg")

PNG = samples.picture()
MIB = 1024 * 1024
posix = pytest.mark.skipif(os.name == "nt", reason="Windows has none of these")


@pytest.fixture(params=["en", "zh"])
def language(request, monkeypatch):
    """Let errors speak one of the languages."""
    monkeypatch.setenv("QQ_LANGUAGE", request.param)
    return request.param


@pytest.fixture
def cat(tmp_path):
    """Return the path of a picture."""
    path = tmp_path / "猫 cat.png"
    path.write_bytes(PNG)
    return path


def refused(content, kind="image", error=UnsupportedMedia, **options):
    """Return the error with which something is refused; it has a remedy and is one line first."""
    with pytest.raises(error) as caught:
        load(content, kind, **options)
    assert type(caught.value) is error
    assert caught.value.remedy
    assert caught.value.summary.isprintable()  # one line, on any console
    str(caught.value).encode()
    return caught.value


def in_language(error, language):
    """Tell whether cause and remedy stand in this language."""
    chinese = any("\u4e00" <= one <= "\u9fff" for one in error.remedy)
    return chinese == (language == "zh")


# ---------------------------------------------------------------------- paths


class Pathlike:
    def __init__(self, path):
        self.path = path

    def __fspath__(self):
        return self.path


@pytest.mark.parametrize(
    "form",
    [str, Path, lambda path: Pathlike(str(path)), lambda path: Pathlike(os.fsencode(path))],
    ids=["str", "Path", "PathLike", "PathLike of bytes"],
)
def test_a_path(cat, form):
    """In each form; the file is not read, only looked at."""
    source = load(form(cat), "image")
    assert (source.name, source.format, source.size) == ("猫 cat.png", formats.PNG, len(PNG))
    assert (source.path, source.data, source.url) == (cat, None, "")
    assert source.read() == PNG
    with source.open() as file:
        assert file.read() == PNG


def test_a_relative_path_stays_right_when_the_folder_changes(cat, monkeypatch):
    """It counts from where the script was when the chain was made."""
    monkeypatch.chdir(cat.parent)
    source = load(cat.name, "image")
    monkeypatch.chdir("/")
    assert source.read() == PNG


def test_a_path_of_the_home_folder(cat, monkeypatch):
    """~ is what the shell makes of it."""
    monkeypatch.setenv("HOME", str(cat.parent))
    monkeypatch.setenv("USERPROFILE", str(cat.parent))
    for path in (f"~/{cat.name}", Path("~") / cat.name, f"file:{urllib.parse.quote(str(cat))}"):
        assert load(path, "image").read() == PNG


def test_a_file_whose_name_begins_with_a_tilde(tmp_path, monkeypatch):
    """As those that Word leaves; nobody's home."""
    (tmp_path / "~$report.docx").write_bytes(b"text")
    monkeypatch.chdir(tmp_path)
    assert load("~$report.docx", "file").read() == b"text"


def test_a_file_url(cat):
    """As ``Path.as_uri`` writes it, with a host or without."""
    assert load(cat.as_uri(), "image").path == cat
    assert load(cat.as_uri().replace("file:///", "FILE://localhost/"), "image").path == cat
    assert " " not in cat.as_uri()


@posix
def test_a_file_url_with_too_few_slashes(cat):
    """``file://home/...`` means /home/...: there are no hosts here."""
    assert load(cat.as_uri().replace("file:///", "file://"), "image").read() == PNG


def test_windows_paths_are_no_addresses(tmp_path, monkeypatch):
    """The letter of a drive is no scheme."""
    for path in (r"C:\pictures\cat.png", "C:/pictures/cat.png", "c://cat.png"):
        assert "there is no file" in refused(path, error=MediaError).summary
    assert "is no address" in refused("file://[bad/cat.png").summary


@posix
def test_a_name_that_is_no_text(tmp_path):
    """Old files have such names; it is sent under another."""
    path = os.fsencode(tmp_path) + b"/\xff\xfe.png"
    with open(path, "wb") as file:  # noqa: PTH123 - a path of bytes
        file.write(PNG)
    source = load(os.fsdecode(path), "image")
    assert source.name == "__.png"
    assert source.read() == PNG
    os.unlink(path)  # noqa: PTH108 - a path of bytes
    with pytest.raises(MediaError) as caught:
        source.read()
    assert caught.value.summary.isprintable()


def test_a_missing_file(tmp_path, language):
    """Where it was looked for, and from where a relative path counts."""
    error = refused(tmp_path / "no.png", error=MediaError)
    assert error.summary == f"there is no file {tmp_path / 'no.png'}"
    assert str(tmp_path) in error.cause
    assert in_language(error, language)
    assert isinstance(error.__cause__, FileNotFoundError)
    assert str(Path.cwd()) in refused("no.png", error=MediaError).cause


def test_an_empty_path():
    """Is not the folder of the script."""
    for path in ("", "  \n"):
        assert refused(path).summary == "the path is empty"


def test_a_folder(tmp_path, language):
    """Is no picture."""
    error = refused(tmp_path, error=MediaError)
    assert error.summary == f"{tmp_path} is a folder"
    assert in_language(error, language)


def test_an_empty_file(tmp_path, language):
    """Named, with what may be the reason."""
    path = tmp_path / "empty.png"
    path.touch()
    error = refused(path)
    assert error.summary == "empty.png is empty (0 bytes)"
    assert in_language(error, language)


@posix
def test_an_unreadable_file(cat, language):
    """The reason is the system's."""
    cat.chmod(0)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)  # root may read everything
    try:
        error = refused(cat, error=MediaError)
    finally:
        if root:
            os.seteuid(0)
    assert error.summary == f"{cat} cannot be read: Permission denied"
    assert in_language(error, language)


@posix
@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null", "/dev/urandom"])
def test_a_device_is_not_read(path, language):
    """It may never end."""
    error = refused(path, "file")
    assert error.summary == f"{path} is no ordinary file"
    assert in_language(error, language)


@posix
def test_a_pipe_is_not_waited_for(tmp_path):
    """Nobody may ever write to it: the test would time out."""
    os.mkfifo(tmp_path / "pipe")
    assert "is no ordinary file" in refused(tmp_path / "pipe", "file").summary


@posix
def test_a_file_that_became_a_pipe_is_not_waited_for(cat):
    """Nor later, when it is sent."""
    source = load(cat, "image")
    cat.unlink()
    os.mkfifo(cat)
    for use in (source.open, source.read, source.digests):
        with pytest.raises(UnsupportedMedia, match="is no ordinary file"):
            use()


@posix
def test_links(tmp_path, cat):
    """A link is what it leads to; one that leads nowhere, or in a circle, is an error."""
    link = tmp_path / "link.png"
    link.symlink_to(cat)
    assert load(link, "image").read() == PNG
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone")
    assert "there is no file" in refused(tmp_path / "nowhere", error=MediaError).summary
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    assert "cannot be read" in refused(tmp_path / "circle", error=MediaError).summary


@pytest.mark.parametrize(
    "path",
    ["a\x00b.png", "~\x00/a.png", "\ud800.png", "~\ud800/a", "two\nlines.png", "a.txt/\x1b[31m"],
)
def test_impossible_paths(path):
    """NUL, halves of characters, line breaks: an error that every console can print."""
    assert refused(path, error=MediaError).cause.isprintable()


def test_content_taken_for_a_path():
    """Base64 without its data: head; no megabytes in the text, and none of them shown."""
    content = base64.b64encode(os.urandom(3 * MIB)).decode()
    error = refused(content, error=MediaError)
    assert len(str(error)) < 2000
    assert content[:100] not in str(error)


@posix
def test_a_working_directory_that_is_gone(tmp_path, monkeypatch):
    """Relative paths lead nowhere then, absolute ones do."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert "there is no file" in refused("cat.png", error=MediaError).summary
    (tmp_path / "cat.png").write_bytes(PNG)
    assert load(tmp_path / "cat.png", "image").read() == PNG


@pytest.mark.parametrize(
    ("name", "data", "kind", "what"),
    [
        ("a.png", b"just text", "image", "a.png is text, not a picture"),
        ("a.png", b"<html>404</html>", "image", "a.png is an HTML page, not a picture"),
        ("a.png", b"<svg width='1'/>", "image", "a.png is an svg file, not a picture"),
        ("a.mp4", PNG, "voice", "a.mp4 is a png picture, not a voice"),
        ("a.png", samples.video(), "image", "a.png is an mp4 video, not a picture"),
        ("a.png", PNG[:-20], "image", "a.png is incomplete: the png ends in the middle"),
        ("a", samples.video()[:-200], "video", "a is incomplete: the mp4 ends in the middle"),
    ],
)
@pytest.mark.parametrize("form", [str, Path, Path.read_bytes, lambda path: path.open("rb")])
def test_the_wrong_content(name, data, kind, what, form, tmp_path, language):
    """Told in the user's line, by the name that he knows, from whatever kind of source."""
    path = tmp_path / name
    path.write_bytes(data)
    content = form(path)
    error = refused(content, kind)
    if isinstance(content, io.IOBase):
        content.close()
    assert error.summary == (
        what if form is not Path.read_bytes else what.replace(name, "the content", 1)
    )
    assert in_language(error, language)


# ---------------------------------------------------------------------- what changes later


def test_a_file_that_vanished(cat, language):
    """The error is not that of a wrong name."""
    source = load(cat, "image")
    cat.unlink()
    for use in (source.open, source.read, source.digests, source.picture_size):
        with pytest.raises(MediaError, match="there was when the chain was made") as caught:
            use()
        assert in_language(caught.value, language)
        assert "Keep" in caught.value.remedy or "保留" in caught.value.remedy


def test_a_file_that_changed(cat, language):
    """A small one is read as it is now; the digests, which speak of its size, refuse it."""
    source = load(cat, "image")
    for data in (PNG + b"more", PNG[:-5]):
        cat.write_bytes(data)
        assert source.read() == data
        with pytest.raises(MediaError, match=r"cat\.png changed after the chain") as caught:
            source.digests()
        assert in_language(caught.value, language)


def test_a_file_that_became_empty(cat):
    """Nothing cannot be sent."""
    source = load(cat, "image")
    cat.write_bytes(b"")
    for use in (source.read, source.digests):
        with pytest.raises(MediaError, match="changed after the chain was made"):
            use()


def test_a_file_that_became_huge_is_not_read(tmp_path):
    """Not more than the platform takes."""
    path = tmp_path / "a.txt"
    path.write_bytes(b"text")
    source = load(path, "file")
    os.truncate(path, 201 * MIB)
    with pytest.raises(MediaError, match="changed after the chain was made"):
        source.read()


def test_a_log_may_grow(tmp_path):
    """Of a file of any kind, what was there when the chain was made counts."""
    path = tmp_path / "bot.log"
    path.write_bytes(b"first line\n")
    source = load(path, "file")
    before = source.digests()
    with path.open("ab") as file:
        file.write(b"second line\n")
    assert source.digests() == before
    path.write_bytes(b"short")
    with pytest.raises(MediaError, match="changed"):
        source.digests()


# ---------------------------------------------------------------------- large files


def sparse(path, size, head=b""):
    """Return the path of a file that is large, and costs nothing."""
    path.write_bytes(head)
    os.truncate(path, size)
    return path


def test_too_large_files_cost_nothing(tmp_path, language):
    """201 MB are refused by their size alone; the error names the limit."""
    path = sparse(tmp_path / "big.bin", 201 * MIB)
    tracemalloc.start()
    try:
        error = refused(path, "file", error=MediaTooLarge)
        picture = sparse(tmp_path / "big.png", 21 * MIB, PNG)
        assert "has 21.0 MB" in refused(picture, error=MediaTooLarge).summary
        assert tracemalloc.get_traced_memory()[1] < 2 * MIB
    finally:
        tracemalloc.stop()
    assert error.summary == "big.bin has 201.0 MB, the limit for a file is 200 MB"
    assert in_language(error, language)
    assert load(sparse(path, 200 * MIB), "file").size == 200 * MIB


@pytest.mark.parametrize("size", [0, 1, FIRST_10M - 1, FIRST_10M, FIRST_10M + 1, 3 * 256 * 1024])
def test_digests(size, tmp_path):
    """Against those of the standard library; the first 10 002 432 bytes count."""
    data = np.random.default_rng(size).bytes(size)
    path = tmp_path / "a.bin"
    path.write_bytes(data)
    wanted = (
        hashlib.md5(data).hexdigest(),
        hashlib.sha1(data).hexdigest(),
        hashlib.md5(data[:10_002_432]).hexdigest(),
    )
    in_memory = Source("file", "a.bin", size=size, data=data)
    on_disk = Source("file", "a.bin", size=size, path=path)
    for source in (in_memory, on_disk):
        found = source.digests()
        assert (found.md5, found.sha1, found.md5_10m) == wanted


def test_a_small_file_is_taken_into_memory(cat):
    """What is read at once stays what it is, whatever becomes of the file."""
    source = load(cat, "image").at_hand(MIB)
    cat.write_bytes(b"something else")
    assert source.read() == source.open().read() == PNG
    assert load(PNG, "image").at_hand(1).data == PNG


def test_a_large_file_is_not_taken_into_memory(cat):
    """Nor is a URL."""
    assert load(cat, "image").at_hand(len(PNG) - 1).data is None
    assert load("https://h.cn/a.png", "image").at_hand(MIB).data is None


def test_the_stamp_of_a_file(cat):
    """It changes with the file, and tells growing from everything else."""
    source = load(cat, "image")
    before = source.stamp()
    assert before == source.stamp()
    with cat.open("ab") as file:
        file.write(b"more")
    assert before.grew(source.stamp())
    cat.write_bytes(b"x")
    assert source.stamp() != before
    assert not before.grew(source.stamp())
    cat.unlink()
    assert source.stamp() is None
    assert not before.grew(None)
    assert load(PNG, "image").stamp() is None


def test_digests_of_a_large_file_need_no_memory(tmp_path):
    """It is read in pieces."""
    source = load(sparse(tmp_path / "big.bin", 50 * MIB), "file")
    tracemalloc.start()
    try:
        source.digests()
        assert tracemalloc.get_traced_memory()[1] < 2 * MIB
    finally:
        tracemalloc.stop()


# ---------------------------------------------------------------------- bytes and file objects


@pytest.mark.parametrize("form", [bytes, bytearray, memoryview, lambda data: memoryview(data)[::1]])
def test_bytes(form):
    """In each form; what happens to them later does not matter."""
    source = load(form(PNG), "image")
    assert (source.name, source.size, source.data) == ("image.png", len(PNG), PNG)
    assert type(source.data) is bytes


def test_a_bytearray_is_copied():
    """The user may go on writing to it."""
    data = bytearray(PNG)
    source = load(data, "image")
    data[:] = b""
    assert source.read() == PNG


def test_bytes_are_not_copied():
    """200 MB are in memory once."""
    assert load(PNG, "image").data is PNG


def test_a_file_object(cat, tmp_path):
    """Named like its file; read from where it stands; not closed."""
    with cat.open("rb") as file:
        source = load(file, "image")
        assert not file.closed
    assert (source.name, source.data) == ("猫 cat.png", PNG)
    file = io.BytesIO(b"head" + PNG)
    file.seek(4)
    assert load(file, "image").data == PNG
    with tempfile.TemporaryFile() as file:  # its name is a number
        file.write(PNG)
        assert "seek(0)" in refused(file).remedy
        file.seek(0)
        assert load(file, "image").name == "image.png"


class Trickling(io.RawIOBase):
    """Returns one byte after the other, as a socket may."""

    def __init__(self, data, kind=bytes):
        self.rest = data
        self.kind = kind

    def read(self, size=-1):
        byte, self.rest = self.rest[:1], self.rest[1:]
        return self.kind(byte)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_a_file_object_that_reads_little(kind):
    """A short answer is not the end."""
    assert load(Trickling(PNG, kind), "image").data == PNG


def test_text_is_refused(cat, language):
    """Opened in text mode, in memory, or whatever returns text."""

    class Texts:
        def read(self, size=-1):
            return ""

    with cat.open(encoding="latin-1") as file:
        for content, what in (
            (file, "the file was opened in text mode"),
            (io.StringIO("text"), "the file was opened in text mode"),
            (Texts(), "read() of Texts returned str, not bytes"),
        ):
            error = refused(content, "file")
            assert error.summary == what
            assert "'rb'" in error.remedy
            assert in_language(error, language)


def test_a_file_object_that_cannot_be_read(cat, language):
    """Closed, or open for writing: not an error of Python's."""
    with cat.open("rb") as closed:
        pass
    error = refused(closed, error=MediaError)
    assert "closed file" in error.summary
    assert in_language(error, language)
    with cat.open("wb") as file:
        assert "cannot be read" in refused(file, error=MediaError).summary


@pytest.mark.parametrize("trouble", [EOFError(), TypeError("two\nlines"), MemoryError()])
def test_a_file_object_that_fails_in_its_own_way(trouble, language):
    """A cut off gzip raises EOFError, somebody's own class anything."""

    class Broken:
        def read(self, _size):
            raise trouble

    error = refused(Broken(), error=MediaError)
    assert error.summary.startswith("the Broken cannot be read: ")
    assert error.__cause__ is trouble
    assert in_language(error, language)


@pytest.mark.parametrize("name", [5, Path("x.png"), b"x.png"])
@pytest.mark.parametrize("content", [PNG, "https://h.cn/a.png"])
def test_a_name_that_cannot_be_one(content, name, language):
    """Said in the line where it is given."""
    with pytest.raises(ConfigError, match="name= is ") as caught:
        load(content, "image", name=name)
    assert in_language(caught.value, language)


def test_a_file_object_without_end_comes_to_one(monkeypatch):
    """No more is read than tells that it is too much."""

    class Zeros:
        handed_out = 0

        def read(self, size):
            self.handed_out += size
            return bytes(size)

    monkeypatch.setitem(module.LIMITS, "file", 5 * MIB)
    zeros = Zeros()
    error = refused(zeros, "file", error=MediaTooLarge)
    assert error.summary == "the Zeros holds more than 5 MB, the limit of the platform"
    assert zeros.handed_out == 5 * MIB + 1


@pytest.mark.parametrize(
    ("name", "kind", "data", "wanted"),
    [
        (None, "image", PNG, "image.png"),
        (None, "file", b"text", "file.txt"),
        (None, "file", b"\x00\x01", "file"),
        ("a/b:c.png", "image", PNG, "a_b_c.png"),
        ("noch eins.md", "file", b"text", "noch eins.md"),
    ],
)
def test_names(name, kind, data, wanted):
    """The user's, else one that fits the content."""
    assert load(data, kind, name=name).name == wanted
    assert load(io.BytesIO(data), kind, name=name).name == wanted


# ---------------------------------------------------------------------- addresses


@pytest.mark.parametrize(
    ("url", "kept", "name"),
    [
        ("https://h.cn/a/cat.png", "https://h.cn/a/cat.png", "cat.png"),
        ("HTTP://H.cn/a.png?x=1#y", "http://H.cn/a.png?x=1#y", "a.png"),
        ("  https://h.cn/a.png\n", "https://h.cn/a.png", "a.png"),
        ("https://h.cn", "https://h.cn", "image"),
        ("https://h.cn/", "https://h.cn/", "image"),
        ("https://h.cn?file=1", "https://h.cn?file=1", "image"),
        ("http://127.0.0.1:8086/%E7%8C%AB.png", "http://127.0.0.1:8086/%E7%8C%AB.png", "猫.png"),
        ("https://h.cn/猫 1.png", "https://h.cn/%E7%8C%AB%201.png", "猫 1.png"),
        ("https://例子.cn/a.png", "https://例子.cn/a.png", "a.png"),
        ("http://[::1]:80/a.png", "http://[::1]:80/a.png", "a.png"),
        ("https://h.cn/a%2Fb%0A.png?t=x%0Ay", "https://h.cn/a%2Fb%0A.png?t=x%0Ay", "a_b_.png"),
        ("https://u:p@h.cn/a.png", "https://u:p@h.cn/a.png", "a.png"),
    ],
)
def test_an_address(url, kept, name):
    """Only looked at: nothing is fetched (no test may), and nothing is known of its content."""
    source = load(url, "image")
    assert (source.url, source.name) == (kept, name)
    assert (source.format, source.size, source.data, source.path) == (
        formats.UNKNOWN,
        0,
        None,
        None,
    )
    assert source.picture_size() is None
    with pytest.raises(MediaError, match="not fetched yet"):
        source.open()


@pytest.mark.parametrize(
    "url",
    [
        *("http://", "https:///a.png", "http:/h.cn/a.png", "https:h.cn", "http://h.cn:0/a.png"),
        *("http://h.cn:99999/a", "http://h.cn:x/a", "http://[::1/a", "https://h cn/a.png"),
        *("https://h.cn/a\nb.png", "https://h.cn/\ud800.png", "https://h.cn/a\x00", "http://?q"),
        "https://:80/a.png",
    ],
)
def test_what_is_no_address(url, language):
    """An error at once, not when it is sent."""
    error = refused(url)
    assert "is no address" in error.summary
    assert "https://" in error.remedy
    assert in_language(error, language)


@pytest.mark.parametrize("url", ["ftp://h/a.png", "s3://bucket/a.png", "base64://aGk="])
def test_other_addresses(url, language):
    """Are not taken for files."""
    error = refused(url)
    assert error.summary == f"{url.partition(':')[0]}:// is not supported"
    assert in_language(error, language)


def test_no_query_is_shown():
    """It may be a signature; neither here nor in an error."""
    source = load("https://user:secretword@h.cn/a.png?Signature=sesame", "image")
    chain = Chain().image("https://h.cn/a.png?Signature=sesame")
    shown = f"{source} {source!r} {[source]} {chain} {chain!r}"
    shown += f"{refused('https://h cn/a.png?Signature=sesame')!r}"
    shown += f"{refused('https://h.cn:0/a.png?Signature=sesame')}"
    assert "sesame" not in shown
    assert "secretword" not in shown
    assert str(source) == "https://***@h.cn/a.png?***"


def test_no_content_is_shown():
    """Neither bytes nor base64."""
    source = load(PNG, "image")
    assert "IHDR" not in f"{source!r} {source}"
    assert "data" not in repr(source)
    secret = base64.b64encode(b"not a picture" * 100).decode()
    assert secret[:50] not in f"{refused(f'data:image/png;base64,{secret}')}"
    assert secret[:50] not in f"{refused(f'data:image/png;base64,{secret}%')}"


@pytest.mark.parametrize(
    "url",
    [
        "data:image/png;base64," + base64.b64encode(PNG).decode(),
        "DATA:;BASE64," + base64.b64encode(PNG).decode(),
        " data:;base64," + urllib.parse.quote(base64.b64encode(PNG).decode(), safe=""),
        "data:image/png;base64,\n" + base64.encodebytes(PNG).decode(),
        "data:application/octet-stream," + urllib.parse.quote_from_bytes(PNG),
    ],
    ids=["base64", "capitals", "percent in base64", "lines", "percent"],
)
def test_a_data_url(url):
    """Base64 or percent, with line breaks or without; what it says of its type does not count."""
    source = load(url, "image")
    assert (source.data, source.name) == (PNG, "image.png")


def test_a_data_url_of_text():
    """Chinese may stand in it as it is."""
    assert load("data:,你好%20", "file").data == "你好 ".encode()


@pytest.mark.parametrize(
    "url",
    [
        *("data:image/png;base64,@@@", "data:;base64,abc", "data:;base64,中文", "data:image/png"),
        *("data:,\ud800", "data:;base64,\ud800", "data:"),
    ],
)
def test_a_broken_data_url(url, language):
    """Says what one looks like."""
    error = refused(url)
    assert "data: URL" in error.summary
    assert "data:image/png;base64,iVBOR" in error.remedy
    assert in_language(error, language)


def test_an_empty_data_url():
    """Holds nothing."""
    assert "is empty" in refused("data:image/png;base64,").summary


# ---------------------------------------------------------------------- pictures of libraries

GREY = np.random.default_rng(5).integers(0, 256, (23, 37, 4), np.uint8)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "PA"])
def test_a_pil_image(mode):
    """Of every mode; as Pillow itself shows it."""
    picture = Image.fromarray(GREY).convert("P" if mode == "PA" else mode).convert(mode)
    source = load(picture, "image")
    assert (source.name, source.format) == ("image.png", formats.PNG)
    shown = Image.open(io.BytesIO(source.data)).convert("RGBA")
    wanted = picture if mode in ("LA", "PA", "P", "RGBA", "L", "1") else picture.convert("RGB")
    assert np.array_equal(np.asarray(shown), np.asarray(wanted.convert("RGBA")))


@pytest.mark.parametrize(
    ("mode", "values", "wanted"),
    [
        ("I;16", [[0, 256, 65535]], [[0, 256, 65535]]),
        ("I", [[0, 256, 70000]], [[0, 256, 65535]]),
        ("F", [[0.0, 99.6, 300.0]], [[0, 99, 255]]),
    ],
)
def test_a_deep_pil_image(mode, values, wanted):
    """What fits into a png; the rest as Pillow itself cuts it."""
    kind = {"I;16": "<u2", "I": "<i4", "F": "<f4"}[mode]
    picture = Image.fromarray(np.array(values, kind))
    assert picture.mode == mode
    shown = Image.open(io.BytesIO(load(picture, "image").data))
    assert np.asarray(shown).tolist() == wanted


def test_transparency_of_a_palette_is_kept():
    """As in a gif that was opened."""
    picture = Image.new("P", (2, 1))
    picture.putpalette([255, 0, 0, 0, 255, 0])
    picture.putpixel((1, 0), 1)
    picture.info["transparency"] = 1
    shown = Image.open(io.BytesIO(load(picture, "image").data)).convert("RGBA")
    assert np.asarray(shown)[0, :, 3].tolist() == [255, 0]


def test_a_pil_image_that_is_opened_from_a_file(tmp_path):
    """A class of its own; a damaged one is found out about only now."""
    path = tmp_path / "a.jpg"
    Image.fromarray(GREY).convert("RGB").resize((300, 300)).save(path)
    with Image.open(path) as picture:
        assert load(picture, "image").picture_size() == (300, 300)
    path.write_bytes(path.read_bytes()[:3000])
    with Image.open(path) as picture:
        error = refused(picture)
    assert "the PIL image (RGB, 300 x 300) cannot be saved as png" in error.summary
    with Image.open(path) as picture:
        pass
    assert "PIL image" in refused(picture).summary  # closed


def test_a_matplotlib_figure():
    """A figure, or its axes, also those in a part of it."""
    figure = Figure(figsize=(2, 1), dpi=100)
    part, _ = figure.subfigures(1, 2)
    axes = part.subplots()
    axes.plot([1, 2, 3])
    drawn = load(figure, "image")
    assert drawn.format is formats.PNG
    assert drawn.picture_size()[0] > 50
    for content in (axes, part, axes.lines[0]):
        assert load(content, "image").picture_size() == drawn.picture_size()


@pytest.mark.parametrize("wrong", ["formula", "size"])
def test_a_figure_that_cannot_be_drawn(wrong, language):
    """It is drawn only here, so what is wrong with it shows here."""
    figure = Figure(figsize=(2, 1), dpi=100 if wrong == "formula" else 10**6)
    figure.suptitle(r"$\frac{1}{$" if wrong == "formula" else "fine")
    error = refused(figure, error=MediaError)
    assert "figure cannot be drawn" in error.summary
    assert isinstance(error.__cause__, ValueError | MemoryError)
    assert in_language(error, language)


def test_arrays_are_refused(language):
    """With what makes a picture of them."""
    error = refused(GREY)
    assert error.summary == "ndarray cannot be sent as a picture"
    assert "Image.fromarray" in error.remedy
    assert in_language(error, language)


@pytest.mark.parametrize("content", [None, 5, 1.5, ["a.png"], {"a": 1}, object(), sys, Image])
def test_what_cannot_be_sent_at_all(content, language):
    """Names its type, and what can be sent."""
    error = refused(content)
    assert error.summary == f"{type(content).__name__} cannot be sent as a picture"
    assert "PIL" in error.remedy
    assert in_language(error, language)


# ---------------------------------------------------------------------- one as another


def test_a_source_stays_what_it_is(cat):
    """Unless it is to have another name."""
    source = load(cat, "image")
    assert load(source, "image") is source
    renamed = load(source, "image", name="a/b.png")
    assert (renamed.name, renamed.path, renamed.size) == ("a_b.png", cat, source.size)


def test_a_source_is_checked_again_for_another_kind(cat):
    """A picture may be a file, but no voice."""
    for content in (cat, PNG, "https://h.cn/a.png"):
        picture = load(content, "image")
        as_file = load(picture, "file")
        assert as_file.kind == "file"
        assert (as_file.name, as_file.data, as_file.url) == (
            *(picture.name, picture.data, picture.url),
        )
    assert "not a voice" in refused(load(cat, "image"), "voice").summary


def test_a_source_with_other_content(cat):
    """Keeps its name, but for the suffix."""
    replaced = load(cat, "image").replaced(b"gif", formats.GIF)
    assert (replaced.name, replaced.size, replaced.read()) == ("猫 cat.gif", 3, b"gif")
    assert (replaced.kind, replaced.path) == ("image", None)


def test_equality(cat):
    """By content; elements that hold sources can be compared and kept in sets."""
    assert load(PNG, "image") == load(bytearray(PNG), "image")
    assert load(PNG, "image") != load(PNG, "image", name="b.png")
    assert load(cat, "image") == load(str(cat), "image")
    first, second = elements.Image(PNG), elements.Image(io.BytesIO(PNG))
    assert first == second
    assert len({first, second, elements.Image(cat), elements.Image(PNG, inline=True)}) == 3
    assert elements.Image(PNG) != elements.File(PNG)


def test_a_source_can_be_sent_to_another_process(cat):
    """As whoever queues messages may want."""
    for content in (cat, PNG, "https://h.cn/a.png"):
        source = load(content, "image")
        assert pickle.loads(pickle.dumps(source)) == source


# ---------------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("name", "harmless"),
    [
        ("cat.png", "cat.png"),
        ("猫 和 狗.png", "猫 和 狗.png"),
        (r"C:\pictures\cat.png", "C__pictures_cat.png"),
        ("../../etc/passwd", ".._.._etc_passwd"),
        ('a*b?c"d<e>f|g.txt', "a_b_c_d_e_f_g.txt"),
        ("a\x00b\nc\x7fd\x85e.txt", "a_b_c_d_e.txt"),
        ("\ud800.png", "_.png"),
        (".", "file"),
        ("..", "file"),
        ("...", "file"),
        ("", "file"),
        (" \t", "_"),
        ("   ", "file"),
        (" a.png ", "a.png"),
        ("trailing. .", "trailing"),
        (".bashrc", ".bashrc"),
        ("NUL", "_NUL"),
        ("con.txt", "_con.txt"),
        ("Lpt1.tar.gz", "_Lpt1.tar.gz"),
        ("console.txt", "console.txt"),
        ("x" * 300 + ".tar.gz", "x" * 197 + ".gz"),
        ("猫" * 300 + ".png", "猫" * 65 + ".png"),
        ("x" * 300, "x" * 200),
        ("a." + "x" * 300, "a." + "x" * 198),
    ],
)
def test_harmless_names(name, harmless):
    """Nothing that the platform, Windows or a file system refuses."""
    assert harmless_name(name) == harmless


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.text(), st.text("./\\:* \ud800N猫\x00", max_size=12)))
def test_any_name_becomes_harmless(name):
    """It is short, has nothing forbidden, and stays as it is from then on."""
    harmless = harmless_name(name * 20)
    assert 0 < len(harmless.encode()) <= 200
    assert not set(harmless) & set('\\/:*?"<>|\x00\n\x7f')
    assert harmless.strip(". ")
    assert harmless_name(harmless) == harmless


def test_any_name_can_be_a_file(tmp_path):
    """The builder writes temporary files under these names."""
    for number, name in enumerate(("猫" * 300, "..", "NUL", "a/b", "\ud800" * 300, "é" * 300)):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / harmless_name(name)).write_bytes(b"")
        assert len(list(folder.iterdir())) == 1


# ---------------------------------------------------------------------- anything


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(["", "data:", "data:;base64,", "http://", "https://h.cn/", "file:", "~", "/"]),
    st.text(max_size=40),
    st.sampled_from(["image", "voice", "video", "file"]),
)
def test_any_text_is_taken_or_refused(start, rest, kind):
    """With an error of ours that can be printed, whatever was typed."""
    try:
        assert load(start + rest, kind).kind == kind
    except MediaError as error:
        f"{error}{error!r}".encode()


def test_libraries_are_known_without_being_imported():
    """Neither Pillow nor matplotlib is imported for a path, bytes, a file or nonsense."""
    code = f"""
import io, sys
from qqgroup_sync.media.sources import load
for content in ({PNG!r}, io.BytesIO({PNG!r}), "https://h.cn/a.png", "data:,x"):
    load(content, "file")
try:
    load(object(), "image")
except ValueError:
    pass
heavy = {{"PIL", "matplotlib", "numpy", "requests", "urllib.request"}} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=30)
