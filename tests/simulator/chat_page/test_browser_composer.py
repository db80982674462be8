"""Writing on the chat page in a real Chromium: mentions, files, commands, voices."""

import re

import pytest

from .. import samples
from ..bot import APPID
from .browsing import Held, chat_entry, quoted_last, say

pytestmark = pytest.mark.browser


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


def test_command_that_sends_leaves_alone_what_is_half_written(open_page, bot, group):
    """It goes to the bot, with nothing of the text, the files and the quote that wait."""
    page = open_page()
    text = '<qqbot-cmd-enter text="/go" />'
    bot.say(group, None, msg_type=2, markdown={"content": text})
    page.locator(".command").wait_for()
    quoted_last(page)
    page.locator("#files").set_input_files(
        {"name": "a.png", "mimeType": "image/png", "buffer": samples.png()}
    )
    page.locator(".pending img").wait_for()
    page.locator("#at").click()
    page.locator("#text").fill("half written")
    page.locator(".command").click()
    page.locator(".from-person", has_text="/go").wait_for()

    sent = group.messages[-1]
    assert (sent.content, sent.at, sent.files, sent.quote_ref) == ("/go", {APPID}, (), None)
    assert page.locator("#text").input_value() == "half written"
    assert page.locator("#at").get_attribute("aria-pressed") == "false"
    assert page.locator(".pending img").count() == page.locator(".quoting").count() == 1


@pytest.mark.parametrize("enter", [True, False])
def test_command_that_replies_quotes_its_message(open_page, bot, group, enter):
    """Whether it sends at once, or only fills the box."""
    page = open_page()
    action = {"type": 2, "data": "/help", "reply": True, "enter": enter}
    button = {"id": "1", "render_data": {"label": "Help", "style": 0}, "action": action}
    keyboard = {"content": {"rows": [{"buttons": [button]}]}}
    bot.say(group, None, msg_type=2, markdown={"content": "choose"}, keyboard=keyboard)
    page.locator(".key").click()
    if not enter:
        page.locator(".quoting").wait_for()
        page.wait_for_function("() => document.getElementById('text').value === '/help'")
        page.locator("#send").click()
    page.locator(".from-person .quote", has_text="choose").wait_for()
    assert page.locator(".quoting").count() == 0


def test_words_that_were_not_sent_come_back_to_their_chat(open_page, group):
    """And not into another one that is shown by then."""
    page = open_page()
    held = Held(page, "**/simulator/say")
    say(page, "for the group")
    held.wait()
    chat_entry(page, 1).click()
    page.locator("#title", has_text="Ming").wait_for()
    page.locator("#text").fill("for Ming")
    held.abort()
    page.locator(".toast.bad").wait_for()
    assert page.locator("#text").input_value() == "for Ming"

    chat_entry(page, 0).click()
    page.wait_for_function("() => document.getElementById('text').value === 'for the group'")
    chat_entry(page, 1).click()
    page.wait_for_function("() => document.getElementById('text').value === 'for Ming'")


def test_nothing_can_be_written_before_there_is_a_chat(open_page, group):
    """It would be lost; then the box has the focus."""
    page = open_page()
    held = Held(page, "**/simulator/state*")
    page.reload()
    held.wait()
    page.locator("#text:disabled").wait_for()
    held.release()
    page.locator("#text:enabled:focus").wait_for()
    page.keyboard.type("at once")
    page.keyboard.press("Enter")
    page.locator(".message", has_text="at once").wait_for()


_MICROPHONE = """
  const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  window.asked = []; // each gives the microphone
  window.given = [];
  navigator.mediaDevices.getUserMedia = (wanted) => new Promise((give) => {
    window.asked.push(() => real(wanted).then((stream) => {
      window.given.push(stream);
      give(stream);
    }));
  });
"""
_ASKED = "(count) => window.asked.length === count"
_RELEASED = "() => window.given.at(-1)?.getTracks().every((one) => one.readyState === 'ended')"


def test_microphone_that_comes_too_late_ends_no_other_recording(open_page, group):
    """It is let go at once, and the one that was begun since goes on."""
    page = open_page(prepare=lambda page: page.add_init_script(_MICROPHONE))
    page.locator("#record").click()
    page.wait_for_function(_ASKED, arg=1)
    page.locator(".recorder .quiet").click()
    page.locator(".recorder").wait_for(state="detached")
    page.locator("#record").click()
    page.wait_for_function(_ASKED, arg=2)
    page.evaluate("window.asked[1]()")
    page.locator(".recorder", has_text=re.compile("[1-9]″")).wait_for()
    page.evaluate("window.asked[0]()")
    page.wait_for_function(_RELEASED)
    page.locator(".recorder", has_text=re.compile("[2-9]″")).wait_for()
    page.locator(".recorder .main").click()
    page.locator(".pending li").wait_for()


def test_recording_that_was_discarded_counts_no_more(open_page, group):
    """A minute after it, another one is not ended."""

    def prepare(page):
        page.clock.install()
        page.add_init_script(_MICROPHONE)

    page = open_page(prepare=prepare)
    page.locator("#record").click()
    page.wait_for_function(_ASKED, arg=1)
    page.locator(".recorder .quiet").click()
    page.locator(".recorder").wait_for(state="detached")
    page.evaluate("window.asked[0]()")
    page.wait_for_function(_RELEASED)
    page.clock.run_for(50_000)
    page.locator("#record").click()
    page.wait_for_function(_ASKED, arg=2)
    page.evaluate("window.asked[1]()")
    page.locator(".recorder", has_text=re.compile("[1-9]″")).wait_for()
    page.clock.run_for(15_000)
    page.locator(".recorder", has_text=re.compile("(1[5-9]|[2-5][0-9])″")).wait_for()
