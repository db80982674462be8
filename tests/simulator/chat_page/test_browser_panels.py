"""The panels of the chat page in a real Chromium: members, inspector, faults, load."""

import pytest

from tests.waiting import eventually

from .browsing import Held, store_has
from .paging import get

pytestmark = pytest.mark.browser


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


def test_inspector_explains_and_filters(open_page, sim, bot, group):
    """A refused request with its cause, by language; filters, copies without secrets."""
    page = open_page("zh-CN", permissions=["clipboard-read", "clipboard-write"])
    page.locator("#open-inspector").click()
    bot.connect(identify=True)
    bot.say(group, "see example.com")
    line = page.locator(".traffic-entry.failed")
    line.locator(".badge", has_text="40054010").wait_for()
    line.locator(".traffic-line").click()
    line.locator(".explained", has_text="网址").wait_for()
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


def test_inspector_has_what_came_while_it_asked(open_page, sim, bot, group):
    """Nothing waits for the next request to be seen."""
    page = open_page()
    bot.say(group, "first")
    held = Held(page, "**/simulator/inspect*", answered=True)
    page.locator("#open-inspector").click()
    held.wait()
    bot.say(group, "second")
    last = get(sim, "/simulator/inspect").json()["last"]
    store_has(page, f"store.traffic.value === {last}")
    held.release()
    page.locator(f".traffic-entry[data-seq='{last}']").wait_for()


def test_inspector_is_opened_anew_while_it_asks(open_page, bot, group):
    """It shows the answer, though another one of its kind asked for it."""
    page = open_page()
    bot.say(group, "hello")
    held = Held(page, "**/simulator/inspect*", answered=True)
    page.locator("#open-inspector").click()
    held.wait()
    page.locator("#tab-members").click()
    page.locator("#tab-inspector").click()
    page.locator(".inspector-panel").wait_for()
    held.release()
    page.locator(".traffic-entry").first.wait_for()


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


def test_load_that_runs_already_is_drawn_from_its_begin(open_page, sim):
    """What the feed tells is kept when the answer about the time before comes late."""
    held = []

    def report(second):
        sim.platform.report("load", {"t": second, "rate": 500})

    for second in range(3):
        report(second)

    def prepare(page):
        held.append(Held(page, "**/simulator/load", answered=True))

    page = open_page(prepare=prepare)
    held[0].wait()
    for second in range(3, 5):
        report(second)
    store_has(page, "store.points.value.length === 2")
    held[0].release()
    page.locator("#open-load").click()
    line = page.locator(".chart").nth(1).locator("path.line")
    eventually(lambda: line.get_attribute("d").count("L") == 4)


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
