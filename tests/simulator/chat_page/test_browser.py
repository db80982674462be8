"""The chat page in a real Chromium: whole conversations with a bot of this package."""

import shutil

import pytest

from qqgroup_sync.simulator.chat_page import ensure_demo
from tests.waiting import eventually

from .. import samples
from ..bot import APPID
from ..test_media import send, upload
from .paging import offer

pytestmark = pytest.mark.browser

DESKTOP, PHONE = (1280, 800), (390, 844)
OPTIONS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
    *("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"),
)


@pytest.fixture(scope="module")
def browser():
    """One Chromium with a microphone that hums."""
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        path = shutil.which("chromium")
        running = playwright.chromium.launch(executable_path=path, args=list(OPTIONS))
        yield running
        running.close()


@pytest.fixture
def open_page(browser, sim):
    """Opens the page: no mistake in its scripts, nothing against its policy."""
    opened, mistakes = [], []

    def open_one(locale="en-US", size=DESKTOP, **options):
        ensure_demo(sim.platform)
        viewport = {"width": size[0], "height": size[1]}
        context = browser.new_context(locale=locale, viewport=viewport, **options)
        context.set_default_timeout(10_000)
        opened.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: mistakes.append(str(error)))
        page.on("console", lambda said: note(said.text) if said.type == "error" else None)
        page.goto(f"{sim.url}/")
        page.locator("#text").wait_for()
        return page

    def note(text):
        if "Failed to load resource" not in text:  # requests that the simulator refused
            mistakes.append(text)

    yield open_one
    for context in opened:
        context.close()
    assert mistakes == []


@pytest.fixture
def client(sim):
    """A bot that answers everything the page can send."""
    from qqgroup_sync import Button, Chain, Client, Keyboard

    made = Client(APPID, "secret", api_base=sim.url)

    @made.on_message(keywords="picture")
    def picture(message):
        return Chain().image(message.attachments[0].read())

    @made.on_message(keywords="menu")
    def menu(message):
        button = Button.callback("Sign in", data="sign", visited_label="Signed in")
        return Chain().markdown("# Menu\n\n**Choose**").keyboard(Keyboard().row(button))

    @made.on_interaction
    def clicked(interaction):
        interaction.reply(f"clicked {interaction.button_data}")

    @made.on_message(keywords="regret")
    def regret(message):
        message.reply("soon gone").recall()

    @made.on_message(keywords="story")
    def story(message):
        with message.stream() as stream:
            for word in ("once ", "upon ", "a ", "time"):
                stream.write(word)

    @made.on_message(level=-1)
    def echo(message):
        if message.attachments:
            return Chain().voice(samples.wav(1.0))
        about = f" about {message.quoted.text}" if message.quoted else ""
        return f"echo {message.text}{about}"

    yield made
    made.stop()


def say(page, text):
    """Write something and send it with Enter."""
    page.locator("#text").fill(text)
    page.locator("#text").press("Enter")


def answer(page, text):
    """Wait for a bot's message with that text."""
    found = page.locator(".from-bot", has_text=text).last
    found.wait_for()
    return found


def tool(message, name):
    """Click a button that appears beside a message."""
    message.hover()
    message.locator(".tools button").nth({"quote": 0, "copy": 1, "recall": 2}[name]).click()


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
    eventually(lambda: pictures.evaluate_all("all => all.map(one => one.naturalWidth)") == [60, 60])
    page.locator(".from-bot .picture").click()
    page.locator(".lightbox img").wait_for()
    page.keyboard.press("Escape")
    page.locator(".lightbox").wait_for(state="detached")

    page.locator("#record").click()
    page.locator(".recorder", has_text="1″").wait_for()
    page.locator(".recorder .main").click()
    page.locator(".pending li").wait_for()
    page.locator("#send").click()
    page.locator(".from-bot .voice").wait_for()
    lengths = "all => all.map(one => one.duration > 0.5)"
    eventually(lambda: page.locator(".voice audio").evaluate_all(lengths) == [True, True])
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
    page.locator(".from-person .quote").click()
    page.locator("li.marked", has_text="echo hello").wait_for()

    say(page, "regret")
    page.locator(".note", has_text=f"bot-{APPID}").wait_for()
    own.scroll_into_view_if_needed()
    tool(own, "recall")
    page.locator(".note", has_text="Lan").wait_for()
    assert page.locator(".bubble", has_text="soon gone").count() == 0

    drop_the_link(page, sim, phone=phone)
    if phone:
        page.locator("#back").click()
    page.locator(".chats .entry").nth(1).click()
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
    resumed = sim.platform.stats["resumes"]
    page.locator("#open-faults").click()
    page.locator(".faults-panel .do").first.click()
    eventually(lambda: sim.platform.stats["resumes"] > resumed, within=20)
    page.locator("#tab-inspector").click()
    page.locator(".traffic-entry.connection.failed").wait_for()
    page.locator(".traffic-line", has_text="RESUMED").last.click()
    page.locator(".traffic .decision").first.wait_for()
    page.locator(".dock > .bar > .icon-button").click()
    say(page, "back again")
    answer(page, "echo back again")
    assert phone is (page.locator(".chats").is_hidden())


def test_text_is_never_taken_for_html(open_page, sim, bot, group):
    """Neither of people nor of bots, and links only lead where links may."""
    page = open_page()
    say(page, "<img src=x onerror=\"document.title='broken'\">")
    text = "<b>x</b> [bad](javascript:alert(1)) [good](https://qq.com/a_(b)) ![p](javascript:x)"
    offer(bot, group, text)
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
    page.wait_for_function("document.getElementById('text').value === '/help me'")


def test_at_is_completed(open_page, sim, group, events):
    """With arrows and Enter; members become markup, bots are addressed."""
    sim.platform.register_bot(APPID, username="Robot")
    page = open_page()
    page.locator(".bots li").wait_for()
    page.locator("#at").click()
    box = page.locator("#text")
    box.press_sequentially("hi @")
    page.locator(".completion li").nth(2).wait_for()
    box.press("ArrowDown")
    box.press("ArrowUp")
    box.press("Enter")
    box.press_sequentially("and @la")
    box.press("Tab")
    assert box.input_value() == "hi @Robot and @Lan "
    box.press("Enter")
    page.locator(".from-person .at", has_text="@Lan").wait_for()

    ((name, data),) = events
    assert name == "GROUP_AT_MESSAGE_CREATE"
    assert data["content"].strip() == f"hi and <@{group.member('Lan').openid}>"
    assert [one["username"] for one in data["mentions"]] == ["Robot", "Lan"]


def test_button_that_nobody_acknowledges(open_page, sim, bot, group):
    """It waits, then says that three seconds have passed; a late answer changes nothing."""
    page = open_page()
    offer(bot, group, "choose")
    key = page.locator(".key", has_text="OK")
    key.click()
    page.locator(".key.waiting").wait_for()
    assert key.is_disabled()
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


def test_files_are_dropped_and_pasted(open_page, sim, group):
    """Both put a picture under the text box, from where it can be removed."""
    page = open_page()
    for event, key, target in (
        ("drop", "dataTransfer", "main"),
        ("paste", "clipboardData", "#text"),
    ):
        page.evaluate(
            """([event, key, target, bytes]) => {
              const held = new DataTransfer();
              const type = "image/png";
              held.items.add(new File([new Uint8Array(bytes)], `${event}.png`, { type }));
              const made = new Event(event, { bubbles: true, cancelable: true });
              Object.defineProperty(made, key, { value: held });
              document.querySelector(target).dispatchEvent(made);
            }""",
            [event, key, target, list(samples.png())],
        )
        page.locator(".pending", has_text=f"{event}.png").wait_for()
    page.locator(".pending .icon-button").first.click()
    page.locator(".pending li").nth(1).wait_for(state="detached")
    page.locator("#send").click()
    page.locator(".from-person .picture").wait_for()
    assert [one.name for one in group.messages[-1].files] == ["paste.png"]


def test_members_are_added_muted_and_removed(open_page, sim, group):
    """From the member list, with what people and bots see of it."""
    page = open_page()
    panel = page.locator(".members")
    panel.locator("section").nth(1).locator("h2 button").click()
    page.locator("#name").fill("小红")
    page.locator("#role").select_option("admin")
    page.locator(".asking .main").click()
    panel.get_by_text("小红").wait_for()
    page.locator("#speaker", has_text="小红").wait_for()
    row = panel.locator(".person-row", has_text="Lan")
    row.locator(".menu > button").click()
    row.locator("[role=menuitem]").nth(1).click()
    row.locator(".muted").wait_for()
    with pytest.raises(PermissionError):
        group.member("Lan").say("hi")
    row.locator(".menu > button").click()
    row.locator("[role=menuitem]").nth(3).click()
    row.wait_for(state="detached")
    assert [one.name for one in group.members.values()] == ["Ming", "小红"]


def test_unread_messages_are_counted(open_page, sim, group):
    """Of chats that are not shown, until they are."""
    page = open_page()
    friend = sim.platform.user("Ming")
    page.locator(".chats .entry").nth(1).wait_for()
    for _ in range(3):
        friend.say("psst")
    entry = page.locator(".chats .entry").nth(1)
    entry.locator(".count", has_text="3").wait_for()
    assert "psst" in entry.inner_text()
    entry.click()
    entry.locator(".count").wait_for(state="detached")
    assert page.locator(".message").count() == 3


def test_page_comes_back_with_the_simulator(open_page, sim, group):
    """A lost connection is shown, and what happened meanwhile is there afterwards."""
    page = open_page()
    group.member("Lan").say("before")
    page.get_by_text("before").first.wait_for()
    sim.stop()
    page.locator("#lost").wait_for()
    group.member("Lan").say("meanwhile")
    sim.start()
    page.locator("#lost").wait_for(state="detached")
    page.locator(".message", has_text="meanwhile").wait_for()


def test_inspector_explains_and_filters(open_page, sim, bot, group):
    """A refused request with its cause, by language; filters, copies without secrets."""
    page = open_page("zh-CN", permissions=["clipboard-read", "clipboard-write"])
    page.locator("#open-inspector").click()
    bot.connect(identify=True)
    bot.say(group, "see example.com")
    line = page.locator(".traffic-entry.failed")
    line.locator(".badge", has_text="40054010").wait_for()
    line.locator(".traffic-line").click()
    assert "网址" in line.locator(".explained").inner_text()
    line.locator(".copying button").nth(1).click()
    page.locator(".toast").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(f"curl -X POST '{sim.url}/v2/groups/{group.openid}/messages'")
    assert '"Authorization: QQBot $QQ_TOKEN"' in copied
    assert bot.token not in page.content()

    page.locator(".filters input").fill("identify")
    eventually(lambda: page.locator(".traffic-entry").count() == 1)
    page.locator(".filters input").fill("")
    page.locator(".filters select").select_option("api")
    eventually(lambda: page.locator(".traffic-entry.frame").count() == 0)
    page.locator(".filter-chips .chip").first.click()
    eventually(lambda: page.locator(".traffic-entry").count() == 1)
    page.locator("#language").click()
    page.locator(".explained", has_text="Cause").wait_for()


def test_faults_are_armed_and_cleared(open_page, sim, bot, group):
    """The panel shows what is armed, also what a script armed."""
    page = open_page()
    page.locator("#open-faults").click()
    page.get_by_text("no fault is armed").wait_for()
    page.locator(".do", has_text="429").click()
    page.locator(".armed", has_text="The next 1 requests get 429").wait_for()
    assert bot.say(group, "hi").status_code == 429
    page.get_by_text("no fault is armed").wait_for()
    sim.gateway.duplicate_events(4)
    page.locator(".armed", has_text="The next 4 events come twice").wait_for()
    page.locator("#clear-faults").click()
    page.get_by_text("no fault is armed").wait_for()
    assert sim.platform.sessions.duplicates == 0


def test_load_is_drawn(open_page, sim):
    """Figures that come in become lines and numbers."""
    page = open_page()
    page.locator("#open-load").click()
    for second in range(5):
        point = {"t": second, "rate": 500, "p50": 2, "p95": 5, "p99": 9.25, "lost": 0}
        sim.platform.report("load", {**point, "doubled": 0, "cpu": 30, "rss": 9e7})
    page.locator(".chart path.line").first.wait_for(state="attached")
    assert page.locator(".chart path.line").count() == 6
    page.locator(".numbers dd", has_text="9.3").wait_for()


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
    top = "() => { document.querySelector('.messages').scrollTop = 0; }"
    for _ in range(3):
        before = page.locator(".messages .rows > li").first.get_attribute("data-id")
        page.evaluate(top)
        eventually(
            lambda old=before: (
                page.locator(".messages .rows > li").first.get_attribute("data-id") != old
            )
        )
    assert page.locator(".messages .rows > li").count() < 120
    page.locator(".to-end").click()
    page.get_by_text("number 9999").last.wait_for()
    record_property("tasks over 50 ms", page.evaluate("window.tasks.map(Math.round)"))


TOP_ROW = """() => {
  const edge = document.querySelector('.messages').getBoundingClientRect().top;
  const rows = [...document.querySelectorAll('.messages .rows > li')];
  const row = rows.find((one) => one.getBoundingClientRect().bottom > edge + 40);
  return [row.dataset.id, row.getBoundingClientRect().top];
}"""
PLACE_OF = """(id) => document.querySelector(`[data-id="${id}"]`)?.getBoundingClientRect().top"""


def test_what_one_reads_stays_where_it_is(open_page, sim, group):
    """Neither messages that arrive nor earlier ones that are loaded move the one at the top."""
    lan = group.member("Lan")
    for number in range(700):
        lan.say(f"number {number}\n" * (number % 4 + 1), at=False)
    page = open_page()
    page.get_by_text("number 699").first.wait_for()
    loaded = []
    page.on("requestfinished", lambda request: loaded.append("/history" in request.url))
    page.evaluate("() => { document.querySelector('.messages').scrollTop = 1500; }")
    page.locator(".to-end").wait_for()
    for _ in range(2):
        top, place = page.evaluate(TOP_ROW)
        for number in range(30):
            lan.say(f"more {number}", at=False)
        page.locator(".to-end", has_text="new messages").wait_for()
        assert page.evaluate(PLACE_OF, top) == pytest.approx(place, abs=1)

    page.evaluate("() => { document.querySelector('.messages').scrollTop = 300; }")
    eventually(lambda: page.evaluate("1") and any(loaded))
    top, place = page.evaluate(TOP_ROW)
    page.wait_for_function(
        "() => document.querySelector('.messages').scrollTop > 5000"
    )  # the new space above
    assert page.evaluate(PLACE_OF, top) == pytest.approx(place, abs=1)
    page.locator(".to-end").click()
    page.get_by_text("more 29").last.wait_for()


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


def test_panels_are_as_wide_as_one_likes(open_page, sim):
    """Dragged or moved by keys, remembered, and back with a double click."""
    page = open_page()
    page.locator("#open-inspector").click()
    width = page.locator(".dock").evaluate("one => one.offsetWidth")
    grip = page.locator(".grip")
    box = grip.bounding_box()
    page.mouse.move(box["x"] + 3, 400)
    page.mouse.down()
    page.mouse.move(box["x"] - 97, 400)
    page.mouse.up()
    grip.press("ArrowLeft")
    page.reload()
    wide = page.locator(".dock").evaluate("one => one.offsetWidth")
    assert width + 110 < wide < width + 140
    grip.dblclick()
    eventually(lambda: page.locator(".dock").evaluate("one => one.offsetWidth") == width)
