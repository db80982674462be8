"""The renderer with a real Chromium: what it draws, how it fails, what it leaves behind."""

import contextlib
import inspect
import io
import os
import re
import signal
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest
from PIL import Image

from qqgroup_sync.errors import (
    ConfigError,
    MediaError,
    MediaTooLarge,
    StateError,
    UnsupportedMedia,
    WaitCancelled,
)
from qqgroup_sync.message import screenshot
from qqgroup_sync.message.browser import Page, Renderer, markdown_page
from qqgroup_sync.message.chain import Chain
from qqgroup_sync.runtime.clock import Clock, Deadline
from tests.waiting import eventually

browser = pytest.mark.browser

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 128, 0), (0, 0, 255), (255, 255, 255)
BLOCK = (
    "<style>body{margin:0}</style><div id=a style='width:40px;height:30px;background:red'></div>"
)
FOREVER = "<script>function init() { for (;;); }</script>"


def children():
    """Return the processes below this one that live, by id."""
    found = {}
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if process.status() != psutil.STATUS_ZOMBIE:
                found[process.pid] = process
    return found


def opened(data):
    """Return the decoded picture."""
    picture = Image.open(io.BytesIO(data)).convert("RGB")
    picture.load()
    return picture


@pytest.fixture(scope="module")
def shared():
    """A renderer whose browser runs already: starting one takes a second."""
    renderer = Renderer(Clock(), language="en")
    renderer.render(Page(html="<p>warm", render_time=0))
    yield renderer
    assert renderer.close(Deadline(Clock(), 10)) == []


@pytest.fixture
def renderer(monkeypatch):
    """A renderer of the test's own, for tests that kill or close; it leaves nothing behind."""
    before = children()
    with tempfile.TemporaryDirectory() as folder:  # a short path: a socket comes to lie in it
        monkeypatch.setenv("TMPDIR", folder)
        monkeypatch.setattr(tempfile, "tempdir", folder)
        made = Renderer(Clock(), language="en")
        yield made
        assert made.close(Deadline(Clock(), 10)) == []
        eventually(lambda: children().keys() <= before.keys())
        assert list(Path(folder).iterdir()) == []


@pytest.fixture
def processes(renderer):
    """Return a function that gives the ids of the test's own browser and its driver."""
    before = children()

    def look():
        parents = {}
        for pid, one in children().items():
            with contextlib.suppress(psutil.NoSuchProcess):  # a helper of the browser, gone by now
                parents[pid] = one.ppid()
        new = {pid: parent for pid, parent in parents.items() if pid not in before}
        (driver,) = (pid for pid, parent in new.items() if parent == os.getpid())
        (started,) = (pid for pid, parent in new.items() if parent == driver)
        return started, driver

    return look


@pytest.fixture(scope="module")
def site():
    """The address of a server with one page; everything else is a 404."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            found = self.path.startswith("/page")
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(BLOCK.encode())

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@browser
def test_a_page_is_drawn_in_its_size(shared):
    """Width and height are the window's; scale multiplies the pixels."""
    picture = opened(shared.render(Page(html=BLOCK, width=100, height=60, render_time=0)))
    assert picture.size == (100, 60)
    assert picture.getpixel((39, 29)) == RED
    assert picture.getpixel((41, 31)) == WHITE
    sharp = opened(shared.render(Page(html=BLOCK, width=100, height=60, scale=2, render_time=0)))
    assert sharp.size == (200, 120)
    assert sharp.getpixel((79, 59)) == RED


@browser
def test_the_whole_page_is_drawn(shared):
    """Also what lies below the window."""
    html = f"<style>body{{margin:0}}</style><div style='height:1500px'></div>{BLOCK}"
    picture = opened(shared.render(Page(html=html, width=100, height=60, render_time=0)))
    assert picture.size == (100, 1530)
    assert picture.getpixel((5, 1520)) == RED


@browser
def test_a_template_with_data_styles_and_pictures_beside_it(shared, tmp_path):
    """``init(data)`` gets the data; relative addresses lead to the template's folder."""
    Image.new("RGB", (10, 10), RED).save(tmp_path / "red.png")
    (tmp_path / "style.css").write_text(
        "body { margin: 0; background: blue } img { display: block }"
    )
    (tmp_path / "card.html").write_text(
        """<!doctype html><meta charset="utf-8"><link rel="stylesheet" href="style.css">
        <script>function init(data) {
            const image = new Image(data.width, 20);
            image.src = data.picture;  // asked for late: the renderer waits for it
            document.body.append(image);
            document.title = data.title;
        }</script>"""
    )
    titles = []
    data = {"width": 30, "picture": "red.png", "title": "</script>“签到”\u2028\"'"}
    page = Page(path=tmp_path / "card.html", data=data, width=60, height=40, render_time=0)
    drawn = shared.render(page, on_page_rendered=lambda tab: titles.append(tab.title()))
    picture = opened(drawn)
    assert picture.getpixel((29, 19)) == RED
    assert picture.getpixel((31, 21)) == BLUE
    assert titles == [data["title"]]


@browser
def test_an_init_that_promises_is_waited_for(shared):
    """As with ``async function init``."""
    html = BLOCK + (
        "<script>async function init(colour) { await new Promise(r => setTimeout(r, 50));"
        "document.getElementById('a').style.background = colour }</script>"
    )
    picture = opened(shared.render(Page(html=html, data="blue", render_time=0)))
    assert picture.getpixel((5, 5)) == BLUE


@browser
def test_render_time_lets_the_page_finish(shared):
    """What the page does by a timer after ``init`` is in the picture."""
    html = BLOCK + (
        "<script>setTimeout(() => document.getElementById('a').style.background = 'blue', 100)"
        "</script>"
    )
    assert opened(shared.render(Page(html=html, render_time=0.4))).getpixel((5, 5)) == BLUE


@browser
def test_the_hook_acts_before_the_picture_is_taken(shared):
    """It has playwright's page, in the render thread."""
    threads = []

    def turn_green(tab):
        threads.append(threading.current_thread().name)
        tab.evaluate("document.getElementById('a').style.background = 'green'")

    picture = opened(shared.render(Page(html=BLOCK), on_page_rendered=turn_green))
    assert picture.getpixel((5, 5)) == GREEN
    assert threads == ["qqgroup-render"]


@browser
def test_what_the_hook_raises_reaches_the_caller(shared):
    """As it was raised; the next page is drawn as ever."""

    def fails(_tab):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        shared.render(Page(html=BLOCK), on_page_rendered=fails)
    assert shared.render(Page(html=BLOCK, render_time=0))


@browser
def test_the_hook_cannot_draw_another_page(shared):
    """That would wait for itself forever."""
    with pytest.raises(StateError):
        shared.render(
            Page(html=BLOCK), on_page_rendered=lambda _tab: shared.render(Page(html=BLOCK))
        )


def test_an_async_hook_is_refused():
    """With the remedy, before any browser starts."""

    async def hook(_tab):
        pass

    with pytest.raises(ConfigError, match="plain function"):
        Renderer(Clock()).render(Page(html=BLOCK), on_page_rendered=hook)


@browser
def test_an_address_is_drawn(shared, site):
    """Over HTTP, with its query."""
    picture = opened(shared.render(Page(url=f"{site}/page?a=1", width=100, height=60)))
    assert picture.getpixel((5, 5)) == RED


@browser
def test_pages_know_nothing_of_each_other(shared, site):
    """A cookie of one page is not sent for the next."""
    seen = []

    def remember(tab):
        seen.append(tab.evaluate("document.cookie"))
        tab.evaluate("document.cookie = 'a=1'")

    for _ in range(2):
        shared.render(Page(url=f"{site}/page", render_time=0), on_page_rendered=remember)
    assert seen == ["", ""]


@browser
def test_an_address_that_answers_404(shared, site):
    """The status is named, the query, which may hold a secret, is not."""
    with pytest.raises(MediaError, match="HTTP 404") as caught:
        shared.render(Page(url=f"{site}/nothing?sign=topsecret"))
    assert "topsecret" not in repr(caught.value.__cause__) + str(caught.value)


@browser
def test_an_address_where_nobody_listens(shared, site):
    """The browser's own word for it is passed on."""
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        port = server.server_port
    with pytest.raises(MediaError, match="ERR_CONNECTION_REFUSED"):
        shared.render(Page(url=f"http://127.0.0.1:{port}/"))


@browser
def test_an_init_that_throws(shared, tmp_path):
    """The template and its own message are named."""
    (tmp_path / "card.html").write_text("<script>function init(d) { d.a.b }</script>")
    with pytest.raises(MediaError, match=r"card\.html failed: .*reading 'b'"):
        shared.render(Page(path=tmp_path / "card.html", data={}))


def assert_possible(error):
    """Fail when a remedy names an argument that nobody can pass: users write ``Chain().html``."""
    known = set(inspect.signature(Chain.html).parameters)
    for language in ("en", "zh"):
        error.language = language
        assert error.remedy
        assert set(re.findall(r"(\w+)=", error.remedy)) <= known


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_late_page_says_what_can_be_done(language):
    """Here without a browser: the time was over before it began."""
    clock = Clock()
    late = screenshot._Shot(Page(html="x"), None, Deadline(clock, 0.0), language)._late("load")
    assert_possible(late)


@browser
def test_an_init_that_never_ends_its_promise(shared):
    """The time-out is the caller's."""
    html = "<script>function init() { return new Promise(() => 0) }</script>"
    with pytest.raises(MediaError, match="did not end in time"):
        shared.render(Page(html=html, data=1), timeout=3)


@browser
def test_data_that_nobody_takes_is_a_warning(shared, caplog):
    """The page is drawn all the same."""
    assert shared.render(Page(html=BLOCK, data={"a": 1}, render_time=0))
    assert "defines no window.init" in caplog.text


@browser
def test_errors_inside_the_page_are_log_lines(shared, site, caplog):
    """A few of them, without what may be secret."""
    html = "<script>nothing()</script>" + "".join(
        f"<img src='http://127.0.0.1:9/{n}?sign=topsecret'>" for n in range(20)
    )
    shared.render(Page(html=html))
    assert "nothing is not defined" in caplog.text
    assert "not loaded: http://127.0.0.1:9/" in caplog.text
    assert "topsecret" not in caplog.text
    assert len(caplog.records) == 5


@browser
def test_a_page_that_is_too_high(shared):
    """Chromium would repeat its upper part."""
    with pytest.raises(MediaTooLarge, match="16000") as caught:
        shared.render(Page(html="<div style='height:20000px'>", render_time=0))
    assert_possible(caught.value)


@browser
def test_markdown_in_both_themes(shared):
    """As wide as asked, as high as the text; dark on light and light on dark."""
    content = "# 标题\n\n正文 **粗体**\n\n| a | b |\n|---|---|\n| 1 | 2 |"
    light = opened(shared.render(markdown_page(content, width=400)))
    dark = opened(shared.render(markdown_page(content, width=400, is_dark=True)))
    assert light.size == dark.size
    assert light.width == 800
    assert 200 < light.height < 700
    assert light.getpixel((2, 2)) == WHITE
    assert max(dark.getpixel((2, 2))) < 50
    assert min(min(pixel) for _, pixel in light.getcolors(100_000)) < 60
    assert max(min(pixel) for _, pixel in dark.getcolors(100_000)) > 200


@browser
def test_pictures_in_markdown_are_brought_by_who_draws_it(caplog):
    """The browser asks nobody, whatever stands in a chat; what is refused is left out and told."""
    red, svg = io.BytesIO(), b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>"
    Image.new("RGB", (50, 50), RED).save(red, "PNG")
    found = {
        "http://public.test/red.png": red.getvalue(),
        "https://public.test/badge": svg,
        "http://public.test/page?sign=topsecret": b"<!doctype html><p>an inner page",
    }
    asked = {}

    def fetch(address, most, seconds):
        asked[address] = seconds
        assert most < 100_000_000
        if address not in found:
            raise MediaError("it is on a private network")
        return found[address]

    def look(tab):
        widths.extend(tab.evaluate("Array.from(document.images, one => one.naturalWidth)"))

    widths = []
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as inner:
        secret = f"http://127.0.0.1:{inner.server_port}/camera.svg"
        inner.verify_request = lambda *_: pytest.fail("somebody asked")
        renderer = Renderer(Clock(), fetch=fetch, language="en")
        content = "\n\n".join(f"![x]({address})" for address in (*found, secret))
        try:
            drawn = opened(renderer.render(markdown_page(content), on_page_rendered=look))
        finally:
            assert renderer.close(Deadline(Clock(), 10)) == []
        inner.timeout = 0
        inner.handle_request()  # fails when a connection waits
    assert asked.keys() == {*found, secret}
    assert all(0 < seconds <= 15 for seconds in asked.values())  # the page itself needs some, too
    assert widths == [50, 9, 0, 0]
    assert RED in {colour for _, colour in drawn.getcolors(100_000)}
    assert "it is no picture" in caplog.text
    assert "camera.svg it is on a private network" in caplog.text
    assert "topsecret" not in caplog.text


@browser
def test_a_picture_that_outlasts_the_page_costs_its_caller_only(shared, monkeypatch):
    """It is given up with the page, and the next one is drawn."""
    never = threading.Event()

    def fetch(_address, _most, seconds):
        never.wait(seconds + 1)
        raise MediaError("late")

    monkeypatch.setattr(shared, "_fetch", fetch)
    page = Page(html="<img src='http://a.test/1'><img src='http://a.test/2'>", render_time=0)
    with pytest.raises(MediaError):
        shared.render(page, timeout=1.5)
    never.set()
    assert shared.render(Page(html=BLOCK, render_time=0))


@browser
def test_many_threads_share_the_renderer(shared):
    """Each gets its own page back."""
    colours = {"red": RED, "green": GREEN, "blue": BLUE}
    found = {}

    def draw(name):
        html = f"<body style='background:{name}'>"
        found[name] = opened(shared.render(Page(html=html, width=50, height=50, render_time=0)))

    threads = [threading.Thread(target=draw, args=(name,)) for name in colours]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert {name: picture.getpixel((9, 9)) for name, picture in found.items()} == colours


@browser
def test_a_browser_without_work_is_closed(renderer):
    """And started again for the next page."""
    renderer._idle = 0.2
    before = children()
    assert renderer.render(Page(html=BLOCK, render_time=0))
    assert len(children()) > len(before)
    eventually(lambda: children().keys() <= before.keys())
    assert renderer.render(Page(html=BLOCK, render_time=0))


@browser
def test_a_page_that_computes_forever_costs_its_caller_only(renderer):
    """The browser is ended, and the next page gets a new one."""
    renderer.render(Page(html=BLOCK, render_time=0))
    with pytest.raises(MediaError, match="not drawn within 3 s") as caught:
        renderer.render(Page(html=FOREVER, data=1), timeout=3)
    assert_possible(caught.value)
    assert renderer.render(Page(html=BLOCK, render_time=0))


@browser
def test_the_processes_to_kill_are_known(renderer, processes):
    """Playwright tells neither in public: when it changes, this has to be found anew."""
    assert renderer.render(Page(html=BLOCK, render_time=0))
    assert (renderer._chromium._pid, renderer._chromium._driver_pid) == processes()


@browser
@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_a_browser_that_died_is_replaced(renderer, processes):
    """Whoever asks next does not notice."""
    assert renderer.render(Page(html=BLOCK, render_time=0))
    started, _ = processes()
    os.kill(started, signal.SIGKILL)
    eventually(lambda: started not in children())
    assert renderer.render(Page(html=BLOCK, render_time=0))


@browser
@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_a_driver_that_died_is_replaced(renderer, processes):
    """Playwright's own process may be killed as well."""
    assert renderer.render(Page(html=BLOCK, render_time=0))
    _, driver = processes()
    os.kill(driver, signal.SIGKILL)
    eventually(lambda: driver not in children())
    assert renderer.render(Page(html=BLOCK, render_time=0))


@browser
@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_a_browser_that_dies_while_it_draws_is_an_error(renderer, processes):
    """The caller is told; the next page is drawn."""

    def kill(_tab):
        os.kill(processes()[0], signal.SIGKILL)

    with pytest.raises(MediaError, match="browser ended"):
        renderer.render(Page(html=BLOCK), on_page_rendered=kill)
    assert renderer.render(Page(html=BLOCK, render_time=0))


@browser
def test_close_ends_who_waits_and_who_is_drawn(renderer):
    """At once, and without a process or a folder left."""
    ended = []

    def draw(html, hook):
        try:
            renderer.render(Page(html=html, data=1, render_time=60), on_page_rendered=hook)
        except WaitCancelled as error:
            ended.append(error)

    def in_hook(tab):
        tab.evaluate("for (;;);")

    page = BLOCK + "<script>function init() {}</script>"
    threads = [
        threading.Thread(target=draw, args=(page.replace("red", colour), in_hook))
        for colour in ("red", "blue")
    ]
    renderer.render(Page(html=BLOCK, render_time=0))
    for thread in threads:
        thread.start()
    eventually(lambda: renderer._current is not None and len(renderer._queue) == 1)
    assert renderer.close(Deadline(Clock(), 10)) == []
    for thread in threads:
        thread.join(5)
    assert len(ended) == 2
    with pytest.raises(StateError):
        renderer.render(Page(html=BLOCK))


@browser
def test_close_ends_a_page_that_computes_forever(renderer):
    """No need to wait for its time-out."""
    ended = []

    def draw():
        try:
            renderer.render(Page(html=FOREVER, data=1))
        except WaitCancelled as error:
            ended.append(error)

    renderer.render(Page(html=BLOCK, render_time=0))
    thread = threading.Thread(target=draw)
    thread.start()
    eventually(lambda: renderer._current is not None)
    assert renderer.close(Deadline(Clock(), 10)) == []
    thread.join(5)
    assert len(ended) == 1


@browser
def test_a_hook_that_hangs_is_named_by_close(renderer):
    """Python code cannot be ended from outside; its caller is told in time all the same."""
    release = threading.Event()
    renderer.render(Page(html=BLOCK, render_time=0))
    try:
        with pytest.raises(MediaError, match="not drawn"):
            renderer.render(
                Page(html=BLOCK, render_time=0),
                on_page_rendered=lambda _tab: release.wait(20),
                timeout=3,
            )
        with pytest.raises(MediaError, match="had no turn"):
            renderer.render(Page(html=BLOCK), timeout=0.1)
        assert renderer.close(Deadline(Clock(), 0.3)) == ["qqgroup-render"]
    finally:
        release.set()


@browser
def test_a_browser_that_does_not_start(tmp_path):
    """What it said is passed on, with what to do."""
    broken = tmp_path / "chromium"
    broken.write_text("#!/bin/sh\necho 'cannot open display' >&2\nexit 1\n")
    broken.chmod(0o755)
    renderer = Renderer(Clock(), executable=str(broken), language="en")
    try:
        with pytest.raises(MediaError, match="cannot open display"):
            renderer.render(Page(html=BLOCK))
    finally:
        assert renderer.close(Deadline(Clock(), 10)) == []


def test_a_browser_that_does_not_exist():
    """The thread ends with the renderer although nothing was drawn."""
    renderer = Renderer(Clock(), executable=str(Path("/nowhere/chromium")), language="en")
    with pytest.raises(UnsupportedMedia, match="nowhere"):
        renderer.render(Page(html=BLOCK))
    assert renderer.close(Deadline(Clock(), 5)) == []


def test_closing_what_never_ran():
    """Nothing is there to end; afterwards nothing is drawn."""
    renderer = Renderer(Clock())
    assert renderer.close(Deadline(Clock(), 1)) == []
    assert renderer.close(Deadline(Clock(), 1)) == []
    with pytest.raises(StateError):
        renderer.render(Page(html=BLOCK))
