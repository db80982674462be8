"""Pictures in markdown, which the platform fetches for real (5.3)."""

import threading

import pytest

from qqgroup_sync.simulator import rehosting

from . import samples
from .test_media import code

PNG = samples.png()


@pytest.fixture
def group(sim):
    """A group the bot is a member of."""
    return sim.platform.group("g")


@pytest.fixture
def web():
    """A web server with a picture and other things."""
    with samples.Served() as served:
        served.answers["/a.png"] = PNG
        served.answers["/b.gif"] = samples.GIF
        served.answers["/page"] = samples.HTML
        yield served


def post(bot, chat, text, **fields):
    """Send markdown."""
    return bot.say(chat, None, msg_type=2, markdown={"content": text, **fields})


@pytest.mark.parametrize("scene", ["group", "user"])
def test_pictures_are_fetched_and_kept(sim, bot, web, scene):
    """Each picture once, byte for byte; a link is not one."""
    chat = getattr(sim.platform, scene)("x")
    text = f"# hi\n![a #208px #320px]({web.url}/a.png) [no]({web.url}/c) ![b]({web.url}/b.gif)"
    assert post(bot, chat, f"{text} ![a again]({web.url}/a.png)").ok
    message = chat.next_reply()
    assert [one.data for one in message.pictures] == [PNG, samples.GIF]
    assert [one.url for one in message.pictures] == [f"{web.url}/a.png", f"{web.url}/b.gif"]
    assert message.pictures[0].picture_size == (3, 2)
    assert message.dropped == ()
    assert message.file is None
    assert web.asked == ["/a.png", "/b.gif"]
    assert sim.platform.stats["pictures_fetched"] == 2


@pytest.mark.parametrize("path", ["/nothing", "/page", "/loop"])
def test_failed_picture_is_dropped_silently(sim, bot, group, web, path):
    """404, what is no picture, and loops: the message is sent without it."""
    web.answers["/loop"] = samples.redirect("/loop")
    assert post(bot, group, f"![x]({web.url}{path}) ![y]({web.url}/a.png)").ok
    message = group.next_reply()
    assert message.dropped == (f"{web.url}{path}",)
    assert [one.data for one in message.pictures] == [PNG]
    assert sim.platform.stats["pictures_dropped"] == 1


def test_failed_picture_refuses_when_verified(sim, bot, group, web):
    """``force_verify_image_resource`` makes it all or nothing, and uses nothing up."""
    text = f"![y]({web.url}/a.png) ![x]({web.url}/nothing)"
    assert code(post(bot, group, text, force_verify_image_resource=True)) == 40034004
    assert group.messages == []
    sim.platform.change_rules(picture_refused=40034011)
    assert code(post(bot, group, text, force_verify_image_resource=True)) == 40034011
    assert post(bot, group, f"![y]({web.url}/a.png)", force_verify_image_resource=True).ok


def test_slow_picture_is_dropped_and_nobody_waits_for_it(sim, bot, group, web):
    """While a picture is slow, the rest of the platform goes on."""
    sim.platform.change_rules(picture_timeout=0.3)
    slow = threading.Event()

    def hangs(handler):
        slow.set()
        handler.rfile.read(1)

    web.answers["/slow"] = hangs
    thread = threading.Thread(target=post, args=(bot, group, f"![x]({web.url}/slow)"))
    thread.start()
    assert slow.wait(5)
    group.member("Ming").say("hello")
    assert [one.content for one in group.messages] == ["hello"]
    thread.join(5)
    assert group.next_reply().dropped == (f"{web.url}/slow",)


def test_only_so_many_and_only_http(sim, bot, group, web):
    """Their number is bounded; other schemes fail; the image library's are not fetched."""
    sim.platform.change_rules(max_pictures=1)
    text = f"![a]({web.url}/a.png)![b]({web.url}/b.gif)![c](file:///etc/passwd)![d](x.png)"
    assert post(bot, group, f"{text}![e](qqbot-media://image/v1/x)").ok
    message = group.next_reply()
    assert len(message.pictures) == 1
    assert message.dropped == (
        f"{web.url}/b.gif",
        "file:///etc/passwd",
        "x.png",
        "qqbot-media://image/v1/x",
    )


def test_can_be_switched_off_and_comes_after_other_checks(sim, bot, group, web):
    """Nothing is fetched by rule, nor for a message that is refused anyway."""
    assert code(post(bot, group, f"![a]({web.url}/a.png)" + "x" * 5000)) == 40054007
    sim.platform.change_rules(fetch_pictures=False)
    assert post(bot, group, f"![a]({web.url}/a.png)", force_verify_image_resource=True).ok
    assert web.asked == []
    assert group.next_reply().pictures == ()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("![a](http://x/(1).png)", ["http://x/(1).png"]),
        ("![](http://x)![](http://x)", ["http://x"]),
        ("![a\nb](http://x)", []),
        ("! [a](http://x)", []),
        ("[![a](http://p)](http://l)", ["http://p"]),
        ("![a](http://x y)", []),
        ("", []),
    ],
)
def test_addresses(text, found):
    """What counts as a picture."""
    assert rehosting.addresses(text) == found
