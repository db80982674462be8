"""How smooth the chat page stays: the longest task of the browser, with much to show.

A real simulator and a real Chromium (headless). Three measurements, with the inspector open:

* a chat of 10 000 messages is read from its end to its beginning;
* 200 messages a second (people's and the bot's) arrive for 20 s, at the end of such a chat;
* the same, while the reader has scrolled up.

The longest task is told twice: as it passed (a PerformanceObserver's ``longtask``), and what of it
the page's main thread spent on the processor (a trace), which a busy machine does not lengthen.

Run: ``python benchmarks/page.py [--seconds 20] [--rate 200] [--json]``. Needs playwright and
chromium.
"""

import argparse
import json
import shutil
import threading
import time

from playwright.sync_api import sync_playwright

from qqgroup_sync.simulator import Simulator
from qqgroup_sync.simulator.chat_page import chat_page, ensure_demo

APPID = "102000001"
MESSAGES = 10_000
WATCH = """() => {
  window.tasks = [];
  const note = (list) => window.tasks.push(...list.getEntries().map((one) => one.duration));
  new PerformanceObserver(note).observe({ type: "longtask" });
  window.frames = [];
  let last = performance.now();
  const tick = (now) => {
    window.frames.push(now - last);
    last = now;
    requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
}"""
RESULT = """() => {
  const frames = window.frames.slice().sort((a, b) => a - b);
  const whole = frames.reduce((a, b) => a + b, 0);
  const found = {
    longest: Math.max(0, ...window.tasks),
    tasks: window.tasks.length,
    frame99: frames[Math.floor(frames.length * 0.99)] ?? 0,
    fps: 1000 * frames.length / whole,
  };
  window.tasks = [];
  window.frames = [];
  return found;
}"""
TEXTS = (
    "早上好！",
    "今天的天气不错，要不要出去走走？我们可以去公园，也可以去图书馆看书。",
    "ok",
    "The quick brown fox jumps over the lazy dog, again and again, until it is tired.",
    "第一行\n第二行\n第三行",
)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--rate", type=float, default=200.0)
    parser.add_argument("--messages", type=int, default=MESSAGES)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with Simulator(blueprints=[chat_page()], message_history=100_000) as simulator:
        found = measure(simulator, options)
    if options.json:
        print(json.dumps(found, indent=1))
        return
    for name, one in found.items():
        print(
            f"{name:22} longest task {one['longest']:4.0f} ms (processor {one['longest_cpu']:3.0f} "
            f"ms), over 50 ms {one['tasks']:3}, 99 % of frames within {one['frame99']:3.0f} ms, "
            f"{one['fps']:2.0f} frames/s, busy {one['busy']:3.0f} %"
        )


def measure(simulator, options):
    platform = simulator.platform
    platform.register_bot(APPID, username="Robot")
    ensure_demo(platform)
    group = platform.groups[0]
    members = [group.member(name) for name in ("Ming", "Lan", "小红", "小刚")]
    for number in range(options.messages):
        members[number % 4].say(f"{number} {TEXTS[number % 5]}", at=number % 10 == 0)
    found = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(locale="zh-CN", viewport={"width": 1280, "height": 800})
        page.goto(f"{simulator.url}/")
        page.locator(".message").first.wait_for()
        page.locator("#open-inspector").click()
        page.locator(".traffic").wait_for()
        page.evaluate(WATCH)

        with Watched(browser, page) as watched:
            read_back(page, options.messages)
        found[f"reading {options.messages} back"] = watched.result

        page.locator(".to-end").first.click()
        page.wait_for_timeout(500)
        with Watched(browser, page) as watched, Talk(platform, group, members, options.rate):
            page.wait_for_timeout(options.seconds * 1000)
        found[f"{options.rate:g}/s at the end"] = watched.result

        page.evaluate("() => { document.querySelector('.messages').scrollTop -= 5000; }")
        page.wait_for_timeout(500)
        with Watched(browser, page) as watched, Talk(platform, group, members, options.rate):
            page.wait_for_timeout(options.seconds * 1000)
        found[f"{options.rate:g}/s, scrolled up"] = watched.result
        browser.close()
    return found


class Watched:
    """What the page's main thread does meanwhile."""

    def __init__(self, browser, page):
        self._browser, self._page = browser, page
        self.result = {}

    def __enter__(self):
        self._page.evaluate(RESULT)
        self._browser.start_tracing(page=self._page, categories=["toplevel"])
        self._began = time.monotonic()
        return self

    def __exit__(self, *_):
        self.result = self._page.evaluate(RESULT)
        seconds = time.monotonic() - self._began
        events = json.loads(self._browser.stop_tracing())["traceEvents"]
        threads = {
            (one["pid"], one["tid"])
            for one in events
            if one.get("name") == "thread_name" and one["args"]["name"] == "CrRendererMain"
        }
        tasks = [
            one.get("tdur", 0) / 1000
            for one in events
            if one.get("name") == "ThreadControllerImpl::RunTask"
            and (one["pid"], one["tid"]) in threads
        ]
        self.result["longest_cpu"] = max(tasks, default=0.0)
        self.result["busy"] = sum(tasks) / seconds / 10


def read_back(page, messages):
    """Scroll up, as fast as the page gives, until the first message is there."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        page.evaluate("() => { document.querySelector('.messages').scrollTop -= 3000; }")
        page.wait_for_timeout(30)
        first = page.locator(".messages .rows > li .plain").first.inner_text(timeout=5000)
        if first.split(" ")[0] in ("0", "@Robot 0") or first.startswith("@Robot 0 "):
            return
    raise SystemExit(f"the first of {messages} messages did not come into view")


class Talk:
    """People and a bot who talk at a rate, from a thread."""

    def __init__(self, platform, group, members, rate):
        self._platform, self._group, self._members, self._rate = platform, group, members, rate
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._thread.join()

    def _run(self):
        started, said = time.monotonic(), 0
        bot = self._platform.bots[0]
        self._platform.change_rules(quotas=False)
        while not self._ended.wait(0.005):
            while said < (time.monotonic() - started) * self._rate:
                said += 1
                if said % 2:
                    self._members[said % 4].say(f"{said} {TEXTS[said % 5]}", at=said % 4 == 1)
                else:
                    body = {"msg_type": 2, "markdown": {"content": f"**{said}** {TEXTS[said % 5]}"}}
                    self._platform.messaging.send(bot, self._group.openid, body, c2c=False)


if __name__ == "__main__":
    main()
