"""Which font draws which character, on this machine and on one without fonts."""

import os
import shutil
from pathlib import Path

import pytest
from PIL import ImageFont

from qqgroup_sync.errors import ConfigError, UnsupportedMedia
from qqgroup_sync.message import fonts as module
from qqgroup_sync.message.fonts import Fonts, cjk_font, emoji_font


def found(look_up):
    """Return what is found, or None."""
    try:
        return look_up()
    except LookupError:
        return None


def latin_font():
    """Return a font file of this machine without Chinese characters, or None."""
    path = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")
    return str(path) if path.exists() else None


needs_cjk = pytest.mark.skipif(found(cjk_font) is None, reason="needs a CJK font")
needs_emoji = pytest.mark.skipif(found(emoji_font) is None, reason="needs an emoji font")


@pytest.fixture
def forget():
    """Look for fonts again, in this test and after it."""

    def clear():
        module.cjk_font.cache_clear()
        module.emoji_font.cache_clear()

    clear()
    yield
    clear()


@pytest.fixture
def no_fonts(monkeypatch, forget):
    """Make this a machine without fonts and without fontconfig."""
    monkeypatch.setattr(module, "CJK_FILES", {"linux": ()})
    monkeypatch.setattr(module, "EMOJI_FILES", {"linux": ()})
    monkeypatch.setenv("PATH", "")


@pytest.fixture
def fontconfig(monkeypatch, forget, tmp_path):
    """Return a function that makes ``fc-match`` give this answer, and no file be known."""
    monkeypatch.setattr(module, "CJK_FILES", {"linux": ()})

    def answers(script):
        program = tmp_path / "fc-match"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/bin{os.pathsep}/usr/bin")

    return answers


@needs_cjk
def test_a_font_with_chinese_characters_is_found():
    """The system's CJK font has simplified characters, kana and full-width marks."""
    drawn = Fonts(20)
    assert all(drawn.main.has(char) for char in "中国签到，。！あア")


@needs_cjk
def test_a_collection_gives_its_chinese_forms():
    """Of a file for several languages the Chinese one is taken, not the first."""
    file = cjk_font()
    if "Noto" not in file.path or not file.path.endswith(".ttc"):
        pytest.skip("this machine's font is no collection")
    family = ImageFont.truetype(file.path, 20, index=file.index).getname()[0]
    assert family.split()[-1] == "SC"


@needs_cjk
@pytest.mark.skipif(shutil.which("fc-match") is None, reason="needs fontconfig")
def test_fontconfig_is_asked_when_no_usual_file_is_there(monkeypatch, forget):
    """A font in an unusual place is found, too."""
    monkeypatch.setattr(module, "CJK_FILES", {"linux": ()})
    assert Fonts(20).main.has("签")


@pytest.mark.skipif(os.name == "nt", reason="a shell script")
@pytest.mark.parametrize(
    "script",
    [
        "printf '%s\\n0\\naa|en|fr' /bin/sh",
        "printf '/nowhere.ttf\\n0\\nen|zh-cn'",
        "printf ''",
        "printf '\\377\\376'",
        "exit 1",
    ],
)
def test_a_useless_answer_of_fontconfig_is_no_font(fontconfig, script):
    """It always names some font; one without Chinese, or that is gone, does not count."""
    fontconfig(script)
    with pytest.raises(LookupError):
        cjk_font()


@needs_cjk
@pytest.mark.skipif(os.name == "nt", reason="a shell script")
def test_the_number_of_a_variation_is_no_index(fontconfig, forget):
    """Fontconfig puts the named instance of a variable font into the upper half."""
    file = cjk_font()
    cjk_font.cache_clear()
    fontconfig(f"printf '%s\\n%d\\nen|zh-cn' '{file.path}' {0x30000 + file.index}")
    assert cjk_font() == file


def test_without_any_font_latin_text_still_has_one(no_fonts):
    """Pillow brings a font of its own."""
    drawn = Fonts(20)
    assert drawn.main.has("A")
    assert drawn.width("A") > 5


def test_without_any_font_chinese_text_is_an_error_that_helps(no_fonts):
    """It names the character, the package to install and the argument."""
    with pytest.raises(UnsupportedMedia, match="签") as caught:
        Fonts(20, language="en").width("签")
    assert "apt install fonts-noto-cjk" in caught.value.remedy
    assert "font=" in caught.value.remedy


def test_without_any_font_an_emoji_is_a_box_but_no_error(no_fonts):
    """Text that people send has emoji in it; a missing one must not lose the answer."""
    assert Fonts(20).width("🎉") > 0


def test_a_font_installed_later_is_found(no_fonts, monkeypatch, tmp_path):
    """That there was none is not remembered."""
    assert found(cjk_font) is None
    later = tmp_path / "later.ttf"
    later.write_bytes(b"")
    monkeypatch.setattr(module, "CJK_FILES", {"linux": (later,)})
    assert cjk_font().path == str(later)


@pytest.mark.skipif(latin_font() is None, reason="needs a font without Chinese")
@needs_cjk
def test_what_the_chosen_font_lacks_comes_from_the_next():
    """A Latin font= draws its letters; the system's font draws the characters."""
    drawn = Fonts(20, latin_font())
    assert drawn.face_of("A") is drawn.main
    assert drawn.face_of("签") is not drawn.main
    assert drawn.face_of("签").has("签")


def test_a_font_that_is_none_is_refused(tmp_path):
    """A missing or broken file is named."""
    broken = tmp_path / "broken.ttf"
    broken.write_bytes(b"no font")
    for path in (str(broken), str(tmp_path / "missing.ttc")):
        with pytest.raises(ConfigError, match="cannot be read") as caught:
            Fonts(20, path)
        assert path in caught.value.summary


@needs_emoji
def test_emoji_come_in_colour():
    """Emoji, families and characters with the emoji style are drawn by the emoji font."""
    drawn = Fonts(20)
    for emoji in ("🎉", "👨‍👩‍👧", "❤\ufe0f"):
        face, text = drawn.drawn(emoji)
        assert face.colour
        assert text == emoji
        assert 15 < drawn.width(emoji) < 30


def test_a_plain_font_gets_no_emoji_styles(no_fonts):
    """Styles and joiners would each be drawn as a box of its own."""
    drawn = Fonts(20)
    assert drawn.drawn("👨‍👩‍👧")[1] == "👨"
    assert drawn.drawn("1\ufe0f\u20e3")[1] == "1"
    assert drawn.drawn("👍🏽")[1] == "👍"
    assert drawn.drawn("e\u0301")[1] == "e\u0301"
