"""A simulator with the chat page, its demo group, what its bots are sent, and a browser."""

import shutil

import pytest

from qqgroup_sync.cli.refusals import in_both_languages
from qqgroup_sync.simulator import Simulator
from qqgroup_sync.simulator.chat_page import chat_page, ensure_demo

from .. import samples
from ..bot import APPID
from .browsing import DESKTOP, OPTIONS


@pytest.fixture
def sim():
    """A running simulator with the chat page."""
    with Simulator(blueprints=[chat_page(in_both_languages)]) as running:
        yield running


@pytest.fixture
def group(sim):
    """The demo group: Ming and Lan."""
    ensure_demo(sim.platform)
    return sim.platform.groups[0]


@pytest.fixture
def events(sim):
    """(name, data) of every event that is sent to a bot."""
    found = []

    def observe(kind, record):
        if kind == "event":
            found.append((record.name, record.data))

    sim.platform.subscribe(observe)
    return found


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
def mistakes():
    """What the scripts of the page did wrong, or against its policy: nothing, or the test fails."""
    found = []
    yield found
    assert found == []


@pytest.fixture
def open_page(browser, sim, mistakes):
    """Opens the page, and waits until it hears what happens; ``prepare`` gets it empty."""
    opened = []

    def open_one(locale="en-US", size=DESKTOP, prepare=None, **options):
        ensure_demo(sim.platform)
        viewport = {"width": size[0], "height": size[1]}
        context = browser.new_context(locale=locale, viewport=viewport, **options)
        context.set_default_timeout(10_000)
        opened.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: mistakes.append(str(error)))
        page.on("console", lambda said: note(said.text) if said.type == "error" else None)
        if prepare:
            prepare(page)
        page.goto(f"{sim.url}/")
        page.locator("#text:enabled").wait_for()
        return page

    def note(text):
        if "Failed to load resource" not in text:  # requests that the simulator refused
            mistakes.append(text)

    yield open_one
    for context in opened:
        context.close()


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
