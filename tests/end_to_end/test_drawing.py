"""Pages and markdown drawn by a real browser, on their way to the platform."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from qqgroup_sync import Chain, ChainBuilder, MediaError
from qqgroup_sync.runtime.clock import Clock

pytestmark = pytest.mark.browser

TEMPLATE = """<!doctype html><meta charset="utf-8"><style>body { margin: 0; background: white }
div { width: 100px; height: 100px; }</style><div id="box"></div><script>
window.init = data => { document.getElementById("box").style.background = data.colour }
</script>"""


def arrived(chat):
    """The picture of the next reply."""
    return Image.open(io.BytesIO(chat.next_reply(30).file.data)).convert("RGB")


def test_a_template_with_data(sim, make_client, tmp_path):
    """It is drawn when it is sent, with the data of that message; the builder may act before."""
    path = tmp_path / "card.html"
    path.write_text(TEMPLATE, encoding="utf-8")
    seen = []

    class Hooked(ChainBuilder):
        def on_page_rendered(self, page):
            seen.append(page.title())

    client = make_client(default_chain_builder=Hooked(), clock=Clock())
    client.on_group_message(
        lambda message: Chain().text("card").html(path, {"colour": message.text}, 300, 200)
    )
    client.start()
    assert client.wait_ready(10)
    group = sim.platform.group("g")
    for colour, pixel in (("red", (255, 0, 0)), ("blue", (0, 0, 255))):
        group.member("Ming").say(colour)
        picture = arrived(group)
        assert picture.getpixel((50, 50)) == pixel
        assert picture.size[0] == 300
    assert len(seen) == 2


def test_markdown_as_a_picture(sim, make_client):
    """For what QQ's own markdown does not show, such as tables."""
    client = make_client(clock=Clock())
    group = sim.platform.group("g")
    client.send_group(group.openid, Chain().markdown_image("| a | b |\n|---|---|\n| 1 | 2 |"))
    assert arrived(group).size[0] >= 300


def test_a_template_that_is_not_there(make_client, sim):
    """The error stands at the line that says it."""
    with pytest.raises(MediaError):
        Chain().html("nowhere.html")
