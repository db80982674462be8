"""The chat page in a real Chromium: whole conversations, and what holds for all of the page."""

import re

import pytest

from tests.waiting import eventually

from .. import samples
from ..bot import APPID
from .browsing import DESKTOP, PHONE, answer, chat_entry, glimpse, say, tool
from .paging import offer

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
@pytest.mark.parametrize("locale", ["zh-CN", "en-US"])
@pytest.mark.timeout(120)
def test_whole_conversation(open_page, sim, client, locale, size, tmp_path):
    """Text, picture, voice, button, quote, recall, stream, a dropped link: seen on the page."""
    page = open_page(locale, size)
    phone = size is PHONE
    assert page.locator("html").get_attribute("lang") == ("zh-CN" if locale == "zh-CN" else "en")
    page.locator("#offline").wait_for()
    client.start()
    page.locator("#offline").wait_for(state="detached")

    page.locator(".who").nth(1).click()
    say(page, "hello")
    own = page.locator(".from-person", has_text="hello").first
    assert own.locator("b").first.inner_text() == "Lan"
    heard = answer(page, "echo hello")
    assert page.locator("#text").input_value() == ""

    (tmp_path / "mine.png").write_bytes(samples.png(60, 40))
    page.locator("#files").set_input_files(tmp_path / "mine.png")
    page.locator(".pending img").wait_for()
    say(page, "picture")
    pictures = page.locator(".messages .picture img")
    widths = "all => all.map(one => one.naturalWidth)"
    eventually(lambda: pictures.evaluate_all(widths) == [60, 60], within=20)
    page.locator(".from-bot .picture").click()
    page.locator(".lightbox img").wait_for()
    page.keyboard.press("Escape")
    page.locator(".lightbox").wait_for(state="detached")

    page.locator("#record").click()
    page.locator(".recorder", has_text=re.compile("[1-9]″")).wait_for()
    page.locator(".recorder .main").click()
    page.locator(".pending li").wait_for()
    page.locator("#send").click()
    page.locator(".from-bot .voice").wait_for()
    lengths = "all => all.map(one => one.duration > 0.5)"
    voices = page.locator(".voice audio")
    eventually(lambda: voices.evaluate_all(lengths) == [True, True], within=20)
    assert [file.content_type for file in sim.platform.groups[0].messages[-2].files] == [
        "audio/silk"
    ]

    say(page, "menu")
    page.locator(".key").click()
    page.locator(".key.done", has_text="Signed in").wait_for()
    answer(page, "clicked sign")

    heard.scroll_into_view_if_needed()
    tool(heard, "quote")
    page.locator(".quoting").wait_for()
    say(page, "why")
    answer(page, "echo why about echo hello")
    with glimpse(page, "li.marked") as marked:
        page.locator(".from-person .quote").click()
    assert "echo hello" in marked[0]

    say(page, "regret")
    page.locator(".note", has_text=f"bot-{APPID}").wait_for()
    own.scroll_into_view_if_needed()
    tool(own, "recall")
    page.locator(".note", has_text="Lan").wait_for()
    assert page.locator(".bubble", has_text="soon gone").count() == 0

    drop_the_link(page, sim, phone=phone)
    if phone:
        page.locator("#back").click()
    chat_entry(page, 1).click()
    page.locator("#title", has_text="Ming").wait_for()
    say(page, "story")
    answer(page, "once upon a time")
    page.locator(".streaming").wait_for(state="detached")

    if phone:
        page.locator("#back").click()
    page.locator("#language").click()
    other = "en" if locale == "zh-CN" else "zh-CN"
    page.locator(f"html[lang={other}]").wait_for()
    assert page.locator(".chats h1").inner_text() == {"en": "QQ simulator"}.get(other, "QQ 模拟器")


def drop_the_link(page, sim, *, phone):
    """Break the gateway connection on the fault panel, see it in the inspector, talk again."""
    before = sim.platform.stats["resumes"]
    page.locator("#open-faults").click()
    page.locator(".faults-panel .do").first.click()
    eventually(lambda: sim.platform.stats["resumes"] > before, within=20)
    page.locator("#tab-inspector").click()
    page.locator(".traffic-entry.connection.failed").wait_for()
    resumed = page.locator(".traffic-entry", has_text="RESUMED").last
    resumed.locator(".traffic-line").click()
    resumed.locator(".decision").first.wait_for()
    page.locator(".dock > .bar > .icon-button").click()
    say(page, "back again")
    answer(page, "echo back again")
    assert phone is (page.locator(".chats").is_hidden())


def test_colours_and_language_are_remembered(open_page, sim):
    """The switches hold after a reload."""
    page = open_page()
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.locator("#theme").click()
    page.locator("#theme").click()
    page.locator("html[data-theme=dark]").wait_for()
    assert page.evaluate(ground) != light
    page.locator("#language").click()
    page.reload()
    page.locator("html[data-theme=dark][lang=zh-CN]").wait_for()


def test_nothing_is_asked_from_elsewhere(open_page, sim, bot, group):
    """Every request of the page goes to the simulator."""
    page = open_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    sim.platform.change_rules(fetch_pictures=False)
    offer(bot, group, "![x](https://example.com/x.png)")
    page.locator(".from-bot").wait_for()

    assert len(asked) > 30
    assert [url for url in asked if not url.startswith(sim.url)] == []
