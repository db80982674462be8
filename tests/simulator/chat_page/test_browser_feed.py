"""What the chat page hears in a real Chromium: late, twice, out of order, or not at all."""

import pytest

from .browsing import PLACE_OF, TOP_ROW, Held, chat_entry, missed, quoted_last, say, scroll

pytestmark = pytest.mark.browser


def test_unread_messages_are_counted(open_page, sim, group):
    """Of chats that are not shown, until they are."""
    page = open_page()
    friend = sim.platform.user("Ming")
    for _ in range(3):
        friend.say("psst")
    entry = chat_entry(page, 1)
    entry.locator(".count", has_text="3").wait_for()
    assert "psst" in entry.inner_text()
    entry.click()
    entry.locator(".count").wait_for(state="detached")
    page.locator(".message").nth(2).wait_for()
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


_LATE_FEED = """
  window.late = null;
  window.EventSource = class extends window.EventSource {
    set onmessage(take) {
      super.onmessage = (told) => (window.late ? window.late.push(() => take(told)) : take(told));
    }
  };
"""


def test_messages_stand_in_the_order_of_the_simulator(open_page, group):
    """Also when the answer for what was sent is faster than the feed."""
    page = open_page(prepare=lambda page: page.add_init_script(_LATE_FEED))
    page.evaluate("window.late = []")
    group.member("Lan").say("first", at=False)
    with page.expect_response("**/simulator/say") as response:
        say(page, "second")
    response.value.finished()
    page.wait_for_function("() => window.late.length > 0")
    page.evaluate(
        "() => { const { late } = window; window.late = null; for (const one of late) one(); }"
    )
    page.locator(".message", has_text="second").wait_for()
    page.locator(".message", has_text="first").wait_for()

    texts = page.locator(".message .plain").all_inner_texts()
    assert [text.split()[-1] for text in texts] == ["first", "second"]
    assert "second" in chat_entry(page, 0).inner_text()


def test_chat_that_was_chosen_is_shown_also_when_notices_were_missed(open_page, group, monkeypatch):
    """The page asks for the state anew, but of the chat that is to be shown."""
    page = open_page()
    held = Held(page, "**/simulator/state*")
    chat_entry(page, 1).click()
    held.wait()
    with missed(monkeypatch):
        group.member("Lan").say("x")
    held.wait(2)
    held.release()
    page.locator("#title", has_text="Ming").wait_for()
    page.locator(".entry[aria-current=true]", has_text="Ming").wait_for()


def test_what_one_reads_and_quotes_stays_when_notices_were_missed(open_page, group, monkeypatch):
    """Earlier messages that were loaded, the place, and what is quoted."""
    lan = group.member("Lan")
    for number in range(300):
        lan.say(f"number {number}", at=False)
    page = open_page()
    page.get_by_text("number 299").first.wait_for()
    quoted_last(page)
    scroll(page, 0, until="box.innerText.includes('number 0\\n')")
    place = page.evaluate(PLACE_OF, group.messages[1].id)
    with missed(monkeypatch):
        lan.say("missed", at=False)
    page.locator(".to-end", has_text="1 new messages").wait_for()

    assert page.evaluate(PLACE_OF, group.messages[1].id) == pytest.approx(place, abs=1)
    assert page.locator(".quoting").count() == 1


def test_bots_and_chats_are_what_the_feed_told_last(open_page, sim, group):
    """An answer may be of a moment that has passed, of which the feed never tells again."""
    page = open_page()

    def spoil(route):
        response = route.fetch()
        found = response.json()
        for member in found["chats"][0]["members"]:
            member["muted"] = True
        route.fulfill(response=response, json=found)

    page.route("**/simulator/state*", spoil)
    for number, name in ((1, "Ming"), (0, group.name)):
        chat_entry(page, number).click()
        page.locator("#title", has_text=name).wait_for()
    assert page.locator(".members .person-row", has_text="Lan").count() == 1
    assert page.locator(".members .muted").count() == 0


def test_earlier_messages_are_asked_for_again(open_page, group):
    """When they did not come, one can scroll up once more."""
    for number in range(250):
        group.member("Lan").say(f"number {number}", at=False)
    page = open_page()
    page.get_by_text("number 249").first.wait_for()
    page.route("**/simulator/history*", lambda route: route.abort(), times=1)
    scroll(page, 0, until="document.querySelector('.toast')")
    page.wait_for_function("""() => {
      const box = document.querySelector('.messages');
      box.scrollTop = box.scrollTop > 0 ? 0 : 500;
      return box.innerText.includes('number 0\\n');
    }""")


def test_tab_in_the_background_hears_everything(open_page, group):
    """No frame is drawn of it, maybe from one moment to the next."""
    page = open_page()
    page.evaluate("window.requestAnimationFrame = () => 0")
    for number in range(3):
        group.member("Lan").say(f"number {number}")
        page.locator(".message", has_text=f"number {number}").wait_for()


def test_what_one_reads_stays_where_it_is(open_page, sim, group):
    """Neither messages that arrive nor earlier ones that are loaded move the one at the top."""
    lan = group.member("Lan")
    for number in range(700):
        lan.say(f"number {number}\n" * (number % 4 + 1), at=False)
    page = open_page()
    page.get_by_text("number 699").first.wait_for()
    scroll(page, 1500, until="document.querySelector('.to-end')")
    for count in (30, 60):
        top, place = page.evaluate(TOP_ROW)
        for number in range(30):
            lan.say(f"more {number}", at=False)
        page.locator(".to-end", has_text=f"{count} new messages").wait_for()
        assert page.evaluate(PLACE_OF, top) == pytest.approx(place, abs=1)

    with page.expect_response("**/simulator/history*"):
        page.evaluate("() => { document.querySelector('.messages').scrollTop = 300; }")
    top, place = page.evaluate(TOP_ROW)
    above = "() => document.querySelector('.messages').scrollTop > 5000"
    page.wait_for_function(above)  # the space of those that came
    assert page.evaluate(PLACE_OF, top) == pytest.approx(place, abs=1)
    assert page.locator(".to-end").inner_text() == "60 new messages"  # those above are not new
    page.locator(".to-end").click()
    page.get_by_text("more 29").last.wait_for()
