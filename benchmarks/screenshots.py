"""Take the pictures of the chat page for the documentation: ``python benchmarks/screenshots.py``.

A real simulator, a bot of this package, and a headless Chromium that talks to it. The pictures go
to ``docs/images``, small enough for a repository. Needs playwright, chromium, Pillow.
"""

import contextlib
import io
import math
import shutil
import struct
import sys
import threading
import wave
from pathlib import Path

from PIL import Image, ImageChops, ImageDraw, ImageFilter
from playwright.sync_api import sync_playwright

from qqgroup_sync import Button, Chain, Client, ContentRejected, Keyboard
from qqgroup_sync.cli.refusals import in_both_languages
from qqgroup_sync.simulator import Simulator
from qqgroup_sync.simulator.chat_page import chat_page

FOLDER = Path(__file__).parents[1] / "docs" / "images"
LARGEST = 200 * 1024  # bytes
APPID = "102000001"
DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
WORDS = {
    "zh": {
        "group": "周末爬山群",
        "bot": "天气助手",
        "people": ("小明", "小兰", "阿杰"),
        "hello": "周六香山的天气怎么样？",
        "report": "# 周六 · 香山\n\n**晴转多云**，12–23°C，东北风 2 级\n\n"
        "- 上午适合登山\n- 下午紫外线 `强`\n\n> 记得带水和防晒霜",
        "go": "报名",
        "went": "已报名",
        "map": "路线图",
        "joined": "小兰报名成功，现在有 4 个人。",
        "see": "拍到的日落",
        "quoted": "这张太好看了！",
        "thanks": "谢谢夸奖，参数是 f/8、1/250 秒。",
        "link": "路线看这里 example.com",
    },
    "en": {
        "group": "Weekend hikers",
        "bot": "Weather bot",
        "people": ("Ming", "Lan", "Jay"),
        "hello": "How will Saturday be in the hills?",
        "report": "# Saturday · Fragrant Hills\n\n**Sunny, later cloudy**, 12–23 °C, light wind\n\n"
        "- good for a climb in the morning\n- strong sun `UV 7` after noon\n\n"
        "> Take water and sunscreen",
        "go": "Join",
        "went": "Joined",
        "map": "Route",
        "joined": "Lan has joined: four of you now.",
        "see": "sunset from the top",
        "quoted": "What a picture!",
        "thanks": "Thank you! f/8 and 1/250 s.",
        "link": "the route is on example.com",
    },
}


def sunset(width=720, height=400):
    """Paint hills under an evening sky."""
    picture = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(picture)
    for y in range(height):
        part = y / height
        draw.line(
            [(0, y), (width, y)],
            fill=(int(70 + 180 * part), int(60 + 90 * part), int(120 - 50 * part)),
        )
    glow = Image.new("RGB", (width, height))
    ImageDraw.Draw(glow).ellipse((430, 170, 560, 300), fill=(255, 214, 130))
    glow = glow.filter(ImageFilter.GaussianBlur(45)).point([value // 2 for value in range(256)] * 3)
    picture = ImageChops.add(picture, glow)
    draw = ImageDraw.Draw(picture)
    draw.ellipse((455, 195, 535, 275), fill=(255, 226, 160))
    for layer, (base, swing, colour) in enumerate(
        ((290, 46, (110, 74, 104)), (340, 34, (70, 52, 86)), (390, 24, (34, 28, 58)))
    ):
        line = [
            (x, base + swing * math.sin(x / (70 + 25 * layer) + layer * 2))
            for x in range(width + 1)
        ]
        draw.polygon([(0, height), *line, (width, height)], fill=colour)
    saved = io.BytesIO()
    picture.save(saved, "PNG")
    return saved.getvalue()


def melody(seconds=4.0, rate=24_000):
    """Play a few notes."""
    made = io.BytesIO()
    notes = (523, 587, 659, 784, 659, 587, 523, 392)
    with wave.open(made, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(rate)
        for n in range(int(rate * seconds)):
            pitch = notes[int(n / rate * 2) % len(notes)]
            fade = 1 - (n / rate * 2) % 1
            sample = int(9000 * fade * math.sin(2 * math.pi * pitch * n / rate))
            writer.writeframesraw(struct.pack("<h", sample))
    return made.getvalue()


def make_bot(simulator, words):
    """Make the bot that the pictures show."""
    client = Client(APPID, "secret", api_base=simulator.url, state=None)

    @client.on_message(keywords=words["hello"])
    def weather(_message):
        row = Keyboard().row(
            Button.callback(words["go"], data="go", visited_label=words["went"]),
            Button.command(words["map"], "/map"),
        )
        return Chain().markdown(words["report"]).keyboard(row)

    @client.on_interaction
    def joined(interaction):
        interaction.reply(words["joined"])

    @client.on_message(keywords=words["see"])
    def media(message):
        message.reply(Chain().image(sunset()))
        message.reply(Chain().voice(melody()))

    @client.on_message(keywords=words["quoted"])
    def thanks(_message):
        return words["thanks"]

    @client.on_message(keywords="/route")
    def refused(message):
        with contextlib.suppress(ContentRejected):  # which the inspector explains
            message.reply(words["link"])

    return client


def say(page, text):
    page.locator("#text").fill(text)
    page.locator("#text").press("Enter")


def quote(page, message, text):
    message.scroll_into_view_if_needed()
    message.hover()
    message.locator(".tools button").first.click()
    say(page, text)


def converse(page, words):
    """Hold the conversation of the pictures."""
    page.locator(".who").nth(1).click()
    say(page, words["hello"])
    page.locator(".key").first.click()
    page.locator(".key.done").wait_for()
    page.locator(".from-bot", has_text=words["joined"]).wait_for()
    page.locator(".who").first.click()
    say(page, words["see"])
    page.locator(".from-bot .voice").wait_for()
    page.locator(".from-bot .picture img").wait_for()
    quote(page, page.locator(".from-bot", has=page.locator(".picture")), words["quoted"])
    page.locator(".from-bot", has_text=words["thanks"]).wait_for()
    page.mouse.move(120, 500)


def shoot(page, name):
    """Save what is shown, in the 256 colours that come nearest."""
    page.evaluate("document.activeElement?.blur()")
    page.locator(".toast").wait_for(state="detached", timeout=9000)
    page.wait_for_timeout(400)
    shown = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    target = FOLDER / f"{name}.png"
    shown.quantize(256, kmeans=8, dither=Image.Dither.NONE).save(target, optimize=True)
    size = target.stat().st_size
    print(f"{target.name}: {size / 1024:.0f} kB")
    if size > LARGEST:
        sys.exit(f"{target} is larger than {LARGEST} bytes")


def take(browser, language):
    """Take all pictures in one language."""
    words = WORDS[language]
    with Simulator(blueprints=[chat_page(in_both_languages)]) as simulator:
        platform = simulator.platform
        platform.register_bot(APPID, username=words["bot"])
        group = platform.group(words["group"])
        for name, role in zip(words["people"], ("owner", "admin", "member"), strict=True):
            group.member(name, role=role)
        platform.user(words["people"][0])
        client = make_bot(simulator, words)
        client.start()
        client.wait_ready(10)
        context = browser.new_context(
            locale={"zh": "zh-CN", "en": "en-US"}[language], viewport=DESKTOP, color_scheme="light"
        )
        try:
            page = context.new_page()
            page.goto(f"{simulator.url}/")
            page.locator("#text").wait_for()
            pictures(page, simulator, words, language)
        finally:
            context.close()
            client.stop()


def pictures(page, simulator, words, language):
    converse(page, words)
    page.evaluate("document.querySelector('.messages').scrollTop = 0")
    shoot(page, f"chat.{language}")
    page.locator(".to-end").click()

    page.locator("#open-inspector").click()
    say(page, "/route")
    refused = page.locator(".traffic-entry.api.failed").last
    refused.locator(".traffic-line").click()
    refused.locator(".explained").wait_for()
    refused.evaluate("one => one.scrollIntoView({ block: 'start' })")
    page.mouse.move(120, 500)
    shoot(page, f"inspector.{language}")

    page.locator("#open-faults").click()
    for name in ("429", "500"):
        page.locator(".do", has_text=name).first.click()
    page.locator(".armed li").nth(1).wait_for()
    page.mouse.move(120, 500)
    shoot(page, f"faults.{language}")
    page.locator("#clear-faults").click()

    feed_load(simulator)
    page.emulate_media(color_scheme="dark")
    page.locator("#open-load").click()
    page.locator(".chart").first.wait_for()
    shoot(page, f"load.{language}")
    page.locator("#open-members").click()
    shoot(page, f"dark.{language}")

    page.emulate_media(color_scheme="light")
    page.set_viewport_size(PHONE)
    page.locator(".dock > .bar > .icon-button").click()
    page.locator(".to-end").or_(page.locator("#back")).first.wait_for()
    shoot(page, f"phone.{language}")


def feed_load(simulator):
    """Report the figures of a load that went well, with a hiccup in the middle."""
    for second in range(31):
        bump = 30 * math.exp(-(((second - 17) / 2) ** 2))
        wobble = 0.3 * math.sin(second * 1.7)
        simulator.platform.report(
            "load",
            {
                "t": float(second),
                "rate": min(500.0, 120.0 * second) + 4 * wobble,
                "p50": 2.4 + wobble + bump / 6,
                "p95": 6.1 + 2 * wobble + bump / 2,
                "p99": 11.0 + 4 * wobble + bump,
                "lost": 0,
                "doubled": 0,
                "cpu": min(62.0, 10 + 8 * second) + 5 * wobble,
                "rss": (58 + 9 * (1 - math.exp(-second / 9))) * 1024 * 1024,
            },
        )
    threading.Event().wait(0.5)


def main():
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        for language in WORDS:
            take(browser, language)
        browser.close()


if __name__ == "__main__":
    main()
