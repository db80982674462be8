"""The chat page as people use it in a browser, and as a slow network makes it."""

from contextlib import contextmanager

from qqgroup_sync.simulator import chat_feed
from tests.waiting import eventually

DESKTOP, PHONE = (1280, 800), (390, 844)
OPTIONS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
    *("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"),
)


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


def chat_entry(page, number):
    """One of the chats in the list: the group, then Ming."""
    return page.locator(".chats .entry").nth(number)


def quoted_last(page):
    """Begin to quote the newest message."""
    tool(page.locator(".message").last, "quote")
    page.locator(".quoting").wait_for()


def scroll(page, top, until):
    """Scroll the conversation until it stays there and a condition, in JavaScript, holds.

    A page that has not heard of it yet puts the view back, and so it does when rows come above.
    """
    script = f"""(top) => {{
      const box = document.querySelector('.messages');
      const there = Math.abs(box.scrollTop - top) < 1;
      box.scrollTop = top;
      return there && {until};
    }}"""
    page.wait_for_function(script, arg=top)


def store_has(page, expression):
    """Wait for something that the page knows but does not show."""
    module = "import('/simulator/page/store.js')"
    page.wait_for_function(f"() => {module}.then((store) => {expression})")


TOP_ROW = """() => {
  const edge = document.querySelector('.messages').getBoundingClientRect().top;
  const rows = [...document.querySelectorAll('.messages .rows > li')];
  const row = rows.find((one) => one.getBoundingClientRect().bottom > edge + 40);
  return [row.dataset.id, row.getBoundingClientRect().top];
}"""
PLACE_OF = """(id) => document.querySelector(`[data-id="${id}"]`)?.getBoundingClientRect().top"""

_WATCH = """(selector) => {
  window.seen = null;
  const look = () => { window.seen ??= document.querySelector(selector)?.innerText ?? null; };
  const options = { subtree: true, childList: true, attributes: true };
  new MutationObserver(look).observe(document.body, options);
}"""


@contextmanager
def glimpse(page, selector):
    """Wait at the end for what may stand for a moment only; gives a list for its text."""
    page.evaluate(_WATCH, selector)
    found = []
    yield found
    found.append(page.wait_for_function("() => window.seen").json_value())


@contextmanager
def missed(monkeypatch):
    """What happens within, the page is only told to have missed."""
    with monkeypatch.context() as patched:
        patched.setattr(chat_feed, "_WAITING", 0)
        yield


class Held:
    """Requests of the page that wait, or whose answers do, until they are let go."""

    def __init__(self, page, pattern, *, answered=False):
        self._page, self._answered = page, answered
        self._waiting = []
        self._released = False
        page.route(pattern, self._hold)

    def _hold(self, route):
        if self._released:
            route.continue_()
        else:
            self._waiting.append((route, route.fetch() if self._answered else None))

    def wait(self, count=1):
        """Wait until there are so many."""
        eventually(lambda: self._page.evaluate("1") and len(self._waiting) >= count)

    def release(self):
        """Let them go, and all that come later."""
        self._released = True
        for route, response in self._waiting:
            if response is None:
                route.continue_()
            else:
                route.fulfill(response=response)

    def abort(self):
        """Let them fail."""
        for route, _ in self._waiting:
            route.abort()
