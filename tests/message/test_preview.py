"""How chains look in a notebook."""

from __future__ import annotations

import base64
import re

from qqgroup_sync import Button, Chain, Keyboard
from tests.media.samples import picture, silk


def test_a_chain_shows_its_text_pictures_and_buttons():
    """Text is escaped, pictures stand inside, nothing is loaded from elsewhere."""
    data = picture()
    chain = (
        Chain()
        .text("<b> & hi")
        .at("M1")
        .image(data)
        .voice(silk())
        .keyboard(Keyboard([[Button.command("签到")]]))
    )
    shown = chain._repr_html_()
    assert "&lt;b&gt; &amp; hi" in shown
    assert "@M1" in shown
    assert "签到" in shown
    assert "[voice voice.silk]" in shown
    assert f"data:image/png;base64,{base64.b64encode(data).decode()}" in shown
    assert re.findall(r'(?:src|href)="(?!data:)', shown) == []


def test_what_is_far_away_or_gone_is_named(tmp_path):
    """A URL is not fetched, its query is not shown, and a lost file is no error."""
    path = tmp_path / "cat.png"
    path.write_bytes(picture())
    chain = Chain().image("https://x.cn/cat.png?rkey=secret").image(path)
    path.unlink()
    shown = chain._repr_html_()
    assert "https://x.cn/cat.png" in shown
    assert "secret" not in shown
    assert "there is no file" in shown


def test_an_empty_chain_says_so():
    """There is something to see."""
    assert "(empty)" in Chain()._repr_html_()
