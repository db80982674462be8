"""Messages on the chat page in a real Chromium: what they look like, and where they stand."""

import pytest

from tests.waiting import eventually

from .. import samples
from ..bot import APPID
from ..test_media import send, upload
from .browsing import Held, chat_entry, glimpse, say, scroll
from .paging import add_file, offer, post, say_files

pytestmark = pytest.mark.browser


def test_text_is_never_taken_for_html(open_page, sim, bot, group):
    """Neither of people nor of bots, and links only lead where links may."""
    page = open_page()
    say(page, "<img src=x onerror=\"document.title='broken'\">")
    text = "<b>x</b> [bad](javascript:alert(1)) [good](https://qq.com/a_(b)) ![p](javascript:x)"
    offer(bot, group, text)
    page.locator(".from-person", has_text="<img").wait_for()
    page.locator(".from-bot .markdown").wait_for()

    assert page.locator(".messages img").count() == 0
    links = page.locator(".messages a").evaluate_all("all => all.map((one) => one.href)")
    assert links == ["https://qq.com/a_(b)"]
    assert page.title() != "broken"
    assert "<b>x</b>" in page.locator(".markdown").inner_text()


def test_markdown_as_qq_draws_it(open_page, sim, bot, group):
    """Mentions, commands that fill the box, pictures with a size, underlined bold, code."""
    page = open_page()
    lan = group.member("Lan")
    with samples.Served() as web:
        web.answers["/a.png"] = samples.png(60, 40)
        text = (
            f"# Title\n\n<@{lan.openid}> __under__ ~~struck~~ `code`\n\n"
            f"1. one\n2. two\n\n> said\n\n"
            f'<qqbot-cmd-input text="%2Fhelp%20me" show="帮助" />\n\n***\n\n'
            f"![a #30px #20px]({web.url}/a.png) ![b]({web.url}/b.png)"
        )
        bot.say(group, None, msg_type=2, markdown={"content": text})
    drawn = page.locator(".from-bot .markdown")
    drawn.wait_for()

    assert drawn.locator("h1").inner_text() == "Title"
    assert drawn.locator(".at").inner_text() == "@Lan"
    assert drawn.locator("strong u").inner_text() == "under"
    assert drawn.locator("ol li").all_inner_texts() == ["one", "two"]
    assert drawn.locator("hr").count() == 1
    image = drawn.locator("img")
    eventually(lambda: image.evaluate("one => [one.naturalWidth, one.clientWidth]") == [60, 30])
    assert "could not be fetched" in drawn.inner_text()
    drawn.locator(".command").click()
    page.wait_for_function("() => document.getElementById('text').value === '/help me'")


def test_button_that_nobody_acknowledges(open_page, sim, bot, group):
    """It waits, then says that three seconds have passed; a late answer changes nothing."""
    page = open_page(prepare=lambda page: page.clock.install())
    offer(bot, group, "choose")
    key = page.locator(".key", has_text="OK")
    key.wait_for()
    page.clock.pause_at(page.evaluate("Date.now() + 1000"))
    key.click()
    page.locator(".key.waiting").wait_for()
    assert key.is_disabled()
    page.clock.run_for(3000)
    page.locator(".key.late").wait_for()
    assert key.get_attribute("title") == "the bot did not acknowledge within 3 s"


def test_text_grows_while_it_is_streamed(open_page, sim, bot):
    """A streamed message changes where it stands, and its mark goes at the end."""
    page = open_page()
    user = sim.platform.user("Ming")
    page.locator(".chats .entry").nth(1).click()
    page.locator("#title", has_text="Ming").wait_for()
    typing = {"msg_type": 6, "input_notify": {"input_type": 1, "input_second": 30}}
    asked = user.say("x").id
    bot.say(user, None, **typing, msg_id=asked, msg_seq=9)
    page.locator(".typing").wait_for()
    frame = {"input_state": 1, "msg_id": asked, "msg_seq": 1, "content_type": "markdown"}
    path = f"/v2/users/{user.openid}/stream_messages"
    sim.platform.change_rules(stream_interval=0)
    first = bot.post(path, {**frame, "index": 0, "content_raw": "**on"}).json()
    page.locator(".from-bot .streaming", has_text="**on").wait_for()
    page.locator(".typing").wait_for(state="detached")
    last = {"index": 1, "content_raw": "e**", "stream_msg_id": first["id"], "input_state": 10}
    bot.post(path, {**frame, **last})
    page.locator(".from-bot strong", has_text="one").wait_for()
    page.locator(".streaming").wait_for(state="detached")
    assert page.locator(".from-bot").count() == 1


def test_files_and_cards(open_page, sim, bot, group):
    """A file has name and size, a card its title, a broken picture its place."""
    sim.platform.register_bot(APPID, "secret", ark=True)
    page = open_page()
    send(bot, group, upload(bot, group, samples.HTML, 4, file_name="x.html")["file_info"])
    pairs = [("#DESC#", "News"), ("#PROMPT#", "p")]
    kv = [{"key": key, "value": value} for key, value in pairs]
    kv.append({"key": "#LIST#", "obj": [{"obj_kv": [{"key": "desc", "value": "first line"}]}]})
    bot.say(group, None, msg_type=3, ark={"template_id": 23, "kv": kv})

    link = page.locator("a.file")
    link.wait_for()
    assert link.get_attribute("download") == "x.html"
    assert f"{len(samples.HTML)} B" in link.inner_text()
    page.locator(".card", has_text="News").locator("li", has_text="first line").wait_for()


@pytest.mark.parametrize(
    "kv",
    [
        {"#DESC#": "News"},
        "News",
        [None, 1],
        [{"key": "#LIST#", "obj": [None]}],
        [{"key": "#DESC#", "value": ["News"]}],
    ],
)
def test_card_of_any_shape_is_shown(open_page, sim, bot, group, kv):
    """A bot may send anything: what is no card is shown as JSON."""
    sim.platform.register_bot(APPID, "secret", ark=True)
    page = open_page()
    bot.say(group, None, msg_type=3, ark={"template_id": 23, "kv": kv})
    page.locator(".card .json").first.wait_for()
    page.reload()
    page.locator(".card .json").first.wait_for()


def test_message_that_cannot_be_drawn_leaves_the_others_alone(open_page, group, mistakes):
    """Its text stands there as it is, and the console tells why."""
    for text in ("first", "broken <b>", "last"):
        group.member("Lan").say(text)

    def spoil(route):
        response = route.fetch()
        found = response.json()
        found["messages"][1]["files"] = None
        route.fulfill(response=response, json=found)

    page = open_page(prepare=lambda page: page.route("**/simulator/state*", spoil))

    page.locator(".note", has_text="Lan: broken <b>").wait_for()
    assert page.locator(".message .plain").all_inner_texts() == ["first", "last"]
    group.member("Lan").say("more")
    page.locator(".message", has_text="more").wait_for()
    assert mistakes
    mistakes.clear()


def test_voice_that_is_stopped_before_it_began_can_be_played(open_page, sim, group):
    """The browser breaks off what was to be played: the file is not missing for that."""
    page = open_page()
    held = Held(page, "**/simulator/media/*")
    say_files(sim, group, [add_file(sim, samples.wav(1.0), "a.wav").json()["file"]])
    voice = page.locator(".voice")
    voice.click()
    page.locator(".voice.playing").wait_for()
    voice.click()
    page.locator(".voice:not(.playing)").wait_for()
    held.release()
    with glimpse(page, ".voice.playing"):
        voice.click()


def test_list_tells_that_the_newest_message_was_recalled(open_page, sim, group):
    """What it tells does not change with older ones."""
    page = open_page()
    words = chat_entry(page, 0).locator("small")
    for text in ("old", "newest"):
        group.member("Lan").say(text)
        page.locator(".message", has_text=text).wait_for()
    for number, message in enumerate(list(group.messages)):
        assert words.inner_text() == "Lan: newest"
        post(sim, "recall", {"message": message.id, "sender": message.sender.openid})
        page.locator(".note").nth(number).wait_for()
    assert words.inner_text() == "Lan recalled a message"


def test_long_chats_are_drawn_in_part(open_page, sim, group, record_property):
    """Ten thousand messages: few are in the page, every one can be reached.

    How long tasks took is recorded, not asserted: ``benchmarks/page.py`` measures it.
    """
    for number in range(10_000):
        group.member("Lan").say(f"number {number}", at=False)
    page = open_page()
    page.evaluate("""() => {
      window.tasks = [];
      const note = (list) => window.tasks.push(...list.getEntries().map((one) => one.duration));
      new PerformanceObserver(note).observe({ type: "longtask" });
    }""")
    page.get_by_text("number 9999").first.wait_for()
    for _ in range(3):
        before = page.locator(".messages .rows > li").first.get_attribute("data-id")
        first = "document.querySelector('.messages .rows > li').dataset.id"
        scroll(page, 0, until=f"{first} !== {before!r}")
    assert page.locator(".messages .rows > li").count() < 120
    page.locator(".to-end").click()
    page.get_by_text("number 9999").last.wait_for()
    record_property("tasks over 50 ms", page.evaluate("window.tasks.map(Math.round)"))
