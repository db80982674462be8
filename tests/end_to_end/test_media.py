"""Every kind of content, from every kind of source, by every way, in both scenes."""

from __future__ import annotations

import base64
import io
import os
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image as Pictures

from qqgroup_sync import (
    ApiError,
    Chain,
    ChainBuilder,
    MediaError,
    MediaRejected,
    QQGroupChainBuilderOptions,
)
from tests.media import sounds
from tests.media.samples import noisy_picture, picture, silk, video, wav
from tests.waiting import eventually
from tests.web import free_port, serving

WAYS = {"base64": "file_data", "chunked": "chunked", "url": "url"}
TYPES = {"image": 1, "video": 2, "voice": 3, "file": 4}
REFUSED_BY_CONTENT = {850019: "format", 40034006: "review", 40093002: "quota"}


@pytest.fixture
def web():
    """A web server on this machine."""
    with serving() as server:
        yield server


@pytest.fixture
def free(sim):
    """A platform without quotas for proactive messages."""
    sim.platform.change_rules(quotas=False)
    return sim


@pytest.fixture
def chats(free):
    """The two scenes: how to send there, and where it arrives."""
    group, user = free.platform.group("g"), free.platform.user("Ming")

    def send(client, scene, content):
        if scene == "group":
            client.send_group(group.openid, content)
            return group.next_reply()
        client.send_user(user.openid, content)
        return user.next_reply()

    return send


def through(make_client, sim, way, **options):
    """Return a client for which one way is open."""
    if way == "url":
        port = QQGroupChainBuilderOptions("127.0.0.1", 0, options.pop("folder"))
        return make_client(
            media="serve", default_chain_builder_options=port, public_url=None, **options
        )
    sim.platform.change_rules(upload_ways=frozenset({WAYS[way]}))
    options.pop("folder", None)
    return make_client(media="upload", **options)


def pixels(data):
    """A picture, decoded."""
    return np.asarray(Pictures.open(io.BytesIO(data)).convert("RGB"))


def as_sources(data, name, folder, web):
    """The same content from every kind of source."""
    path = folder / name
    path.write_bytes(data)
    at_once = io.BytesIO(data)
    return {
        "str": str(path),
        "path": path,
        "file url": path.as_uri(),
        "bytes": data,
        "memoryview": memoryview(data),
        "file object": at_once,
        "url": web.put("/" + name, data),
        "data url": "data:;base64," + base64.b64encode(data).decode(),
    }


CONTENTS = {
    "image": ("cat.png", picture(size=(64, 48))),
    "voice": ("hello.wav", wav(1.0)),
    "video": ("clip.mp4", video()),
    "file": ("数据 1.bin", bytes(range(256)) * 40),
}


@pytest.mark.parametrize("scene", ["group", "c2c"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", CONTENTS)
def test_everything_arrives(free, make_client, chats, web, tmp_path, scene, way, kind):
    """Byte for byte, named and typed right, by the way that is open."""
    client = through(make_client, free, way, folder=str(tmp_path / "resource"))
    name, data = CONTENTS[kind]
    for source, content in as_sources(data, name, tmp_path, web).items():
        message = chats(client, scene, getattr(Chain(), kind)(content))
        found = message.file
        assert (found.file_type, source) == (TYPES[kind], source)
        assert found.data == data
        # The same content is not uploaded again; a file's name is part of what is shown.
        assert found.way == WAYS[way]
        if kind == "file" and source in ("str", "path", "file url"):
            assert found.name == name
    uploads = free.platform.stats[f"uploads_{WAYS[way]}"]
    assert uploads <= (4 if kind == "file" else 2)


@pytest.mark.parametrize("scene", ["group", "c2c"])
@pytest.mark.parametrize("way", ["base64", "chunked"])
def test_what_the_platform_cannot_fetch_is_fetched_here(
    free, make_client, chats, web, tmp_path, scene, way
):
    """A URL works even when only direct uploads are open."""
    client = through(make_client, free, way)
    data = picture("blue")
    message = chats(client, scene, Chain().image(web.put("/cat.png", data)))
    assert message.file.data == data
    assert message.file.way == WAYS[way]
    assert web.asked == ["/cat.png"]


def test_a_picture_at_a_url_that_qq_does_not_show_is_converted(free, make_client, chats, web):
    """As one from a path; and a page behind the link is called one."""
    free.platform.change_rules(image_formats=frozenset({"png", "jpeg", "gif"}))
    client, data = make_client(media="upload"), picture("green", form="BMP")
    message = chats(client, "group", Chain().image(web.put("/cat.bmp", data)))
    assert message.file.content_type == "image/png"
    assert (pixels(message.file.data) == pixels(data)).all()
    page = web.put("/login.png", b"<html>please log in</html>")
    with pytest.raises(MediaError, match="HTML page"):
        chats(client, "group", Chain().image(page))


def test_a_dead_link_is_said_to_be_one(make_client, chats, web):
    """The remedy is about the link, not about hosting."""
    with pytest.raises(MediaError, match="could not be handed to QQ") as caught:
        chats(make_client(), "group", Chain().image(web.url + "/gone.png"))
    assert "HTTP 404" in str(caught.value)
    assert "ChainBuilder" not in caught.value.remedy


@pytest.mark.parametrize("form", ["WEBP", "BMP", "TIFF"])
def test_pictures_that_qq_does_not_show_are_converted(make_client, chats, form):
    """What arrives decodes to the same pixels."""
    data = picture("green", form=form)
    message = chats(make_client(), "group", Chain().image(data))
    assert message.file.content_type == "image/png"
    assert (pixels(message.file.data) == pixels(data)).all() or form == "WEBP"
    assert abs(pixels(message.file.data).astype(int) - pixels(data).astype(int)).max() <= 2


def test_drawn_pictures_arrive(make_client, chats):
    """PIL images and figures need no file."""
    client = make_client()
    drawn = Pictures.new("RGB", (30, 20), "purple")
    message = chats(client, "group", Chain().image(drawn))
    assert (pixels(message.file.data) == np.asarray(drawn)).all()
    figure = Figure()
    figure.subplots().plot([1, 2, 3])
    assert chats(client, "group", Chain().image(figure)).file.picture_size[0] > 100


VOICES = {
    "wav": lambda sound: sounds.wav(sound),
    "wav 44.1 kHz stereo": lambda sound: sounds.wav(sound, 44100, channels=2),
    "wav 24 bit": lambda sound: sounds.wav(sound, width=3),
    "mp3": lambda sound: sounds.encoded(sound, "mp3", "mp3"),
    "m4a": lambda sound: sounds.encoded(sound, "mp4", "aac"),
    "ogg": lambda sound: sounds.encoded(sound, "ogg", "libopus", rate=48000),
    "flac": lambda sound: sounds.encoded(sound, "flac", "flac"),
}


@pytest.mark.parametrize("form", VOICES)
@pytest.mark.parametrize("native", [True, False])
def test_voices_can_be_heard(free, make_client, chats, form, native):
    """As they are where the platform takes them, else as SILK that sounds the same."""
    if not native:
        free.platform.change_rules(voice_formats=frozenset({"silk"}))
    rate = 44100 if "44.1" in form else sounds.RATE
    sound = sounds.speech(2.0, rate) if form.startswith("wav") else sounds.speech(2.0)
    client = make_client()
    data = VOICES[form](sound)
    message = chats(client, "c2c", Chain().voice(data))
    as_it_is = native and form.split()[0] in ("wav", "mp3")
    if as_it_is:
        assert message.file.data == data
        return
    assert message.file.data[:10] == b"\x02#!SILK_V3"
    heard = sounds.of_wav(message.wav)
    reference = sounds.speech(2.0)
    assert sounds.likeness(reference, heard) >= 0.9


def test_a_voice_format_that_was_refused_is_not_tried_again(free, make_client, chats):
    """After one refusal, wav is converted at once."""
    free.platform.change_rules(voice_formats=frozenset({"silk"}))
    client = make_client()
    for number in range(3):
        chats(client, "group", Chain().voice(sounds.wav(sounds.speech(0.5, seed=number))))
    assert free.platform.stats["uploads_refused"] == 1


def test_silk_goes_as_it_is(make_client, chats):
    """Nothing is encoded twice."""
    assert chats(make_client(), "group", Chain().voice(silk())).file.data == silk()


def test_pictures_inside_markdown(make_client, chats, free):
    """They are shown from a public URL that the platform itself hands out."""
    data = [picture("red"), picture("blue")]
    chain = Chain().markdown("# two").image(data, inline=True).text("end")
    message = chats(make_client(), "group", chain)
    assert [one.data for one in message.pictures] == data
    assert not message.dropped
    assert "#40px #30px" in message.content


# ---------------------------------------------------------------------- refused ways


@pytest.mark.parametrize(
    ("open_ways", "arrived_by"),
    [
        ({"file_data", "chunked", "url"}, "file_data"),
        ({"chunked", "url"}, "chunked"),
        ({"url"}, "url"),
    ],
)
@pytest.mark.parametrize("refusal", [10000, 404, {"file_data": 413, "chunked": 404}, 850012])
@pytest.mark.parametrize("scene", ["group", "c2c"])
def test_the_next_way_is_taken(
    free, make_client, chats, tmp_path, open_ways, arrived_by, refusal, scene
):
    """Whatever way the platform closes, the picture arrives."""
    free.platform.change_rules(upload_ways=frozenset(open_ways), refused_way=refusal)
    options = QQGroupChainBuilderOptions("127.0.0.1", 0, str(tmp_path / "resource"))
    client = make_client(default_chain_builder_options=options, public_url=None)
    client.start()
    for colour in ("red", "blue"):
        message = chats(client, scene, Chain().image(picture(colour)))
        assert message.file.way == arrived_by
        assert message.file.data == picture(colour)
    refused = free.platform.stats["uploads_refused"]
    closed = 3 - len(open_ways)
    lasting = refusal != 850012
    assert refused <= closed * (1 if lasting else 2) + 2


def test_when_all_ways_are_refused_the_error_says_what_was_tried(free, make_client, chats):
    """Each way with its reason, and a remedy."""
    free.platform.change_rules(upload_ways=frozenset(), refused_way=10000)
    with pytest.raises((MediaRejected, MediaError)) as caught:
        chats(make_client(media="upload"), "group", Chain().image(picture()))
    text = str(caught.value)
    assert "base64" in text
    assert "chunked" in text
    assert "10000" in text
    assert caught.value.remedy


@pytest.mark.parametrize("code", REFUSED_BY_CONTENT)
def test_a_refusal_of_the_content_tries_no_other_way(free, make_client, chats, code):
    """And is not remembered: the next picture goes the usual way."""
    client = make_client()
    body = {"code": code, "err_code": code, "message": "no"}
    free.faults.fail("/files", status=400, body=body)
    with pytest.raises(ApiError) as caught:
        chats(client, "group", Chain().image(picture()))
    assert caught.value.err_code == code
    assert free.platform.stats["api_calls"] == 2  # the token, and one upload
    assert chats(client, "group", Chain().image(picture())).file.way == "file_data"


# ---------------------------------------------------------------------- the rest of a life


def test_an_upload_that_the_platform_forgot_is_repeated(free, make_client, chats):
    """A file_info that ended early costs nothing but a second upload."""
    client = make_client()
    chats(client, "group", Chain().image(picture()))
    free.clock.advance(1000)
    again = chats(client, "group", Chain().image(picture()))
    assert again.file.data == picture()
    assert free.platform.stats["uploads_file_data"] == 2


def test_nothing_is_sent_when_a_later_medium_cannot_be(make_client, chats, free, tmp_path):
    """All media are uploaded before the first message goes out."""
    path = tmp_path / "cat.png"
    path.write_bytes(picture())
    chain = Chain().text("first").image(picture("blue")).image(path)
    path.unlink()
    with pytest.raises(MediaError, match="there is no file"):
        chats(make_client(), "group", chain)
    assert free.platform.group("g").messages == []


def test_a_plot_that_is_drawn_over_is_never_taken_for_the_first_one(
    free, make_client, chats, tmp_path
):
    """Whoever sends the first picture later gets that one, although the file was rewritten."""
    path, first, second = tmp_path / "plot.png", picture("red"), picture("blue")
    path.write_bytes(first)

    class Slow(ChainBuilder):
        def get_image(self, image):
            if image == str(path):
                path.write_bytes(second)  # by another thread of the bot, in real life
            return image

    client = make_client(default_chain_builder=Slow())
    assert chats(client, "group", Chain().image(path)).file.data == first
    assert chats(client, "group", Chain().image(first)).file.data == first
    assert chats(client, "group", Chain().image(path)).file.data == second


def test_large_files_go_in_parts(free, make_client, chats, tmp_path):
    """Over 5 MiB nothing is sent as base64."""
    free.platform.change_rules(upload_block=1024 * 1024)
    data = noisy_picture((1500, 1300))
    assert len(data) > 5 * 1024 * 1024
    message = chats(make_client(), "group", Chain().file(data, "noise.png"))
    assert message.file.data == data
    assert (message.file.way, message.file.name) == ("chunked", "noise.png")
    assert free.platform.stats["parts_stored"] == -(-len(data) // (1024 * 1024))


def test_the_client_leaves_no_file_behind(make_client, chats, free, tmp_path, monkeypatch):
    """Neither in the working directory nor in the resource folder."""
    monkeypatch.chdir(tmp_path)
    options = QQGroupChainBuilderOptions("127.0.0.1", 0)
    client = make_client(media="serve", default_chain_builder_options=options)
    client.start()
    chats(client, "group", Chain().image(picture()))
    client.stop()
    assert [path.name for path in tmp_path.rglob("*") if path.name != "resource"] == []


BOT = """
import sys
from qqgroup_sync import Chain, Client, QQGroupChainBuilderOptions
options = QQGroupChainBuilderOptions("127.0.0.1", int(sys.argv[1]), sys.argv[2])
client = Client(media="serve", default_chain_builder_options=options)
client.on_group_message(lambda message: Chain().file(b"content of the bot" * 1000, "x.bin"))
client.run()
"""


def test_a_bot_that_is_killed_in_the_middle_of_an_upload_leaves_nothing(free, tmp_path):
    """The next start clears up after it, and touches nothing else."""
    folder = tmp_path / "resource"
    (folder / "mine").mkdir(parents=True)
    (folder / "mine" / "notes.txt").write_text("keep me")
    (folder / "song.mp3").write_bytes(b"keep me, too")
    port, group = free_port(), free.platform.group("g")

    def start():
        process = subprocess.Popen(
            [sys.executable, "-c", BOT, str(port), str(folder)],
            env={**os.environ, "QQ_SIMULATOR": free.url},
        )
        eventually(lambda: free.platform.sessions.live(), 20)
        return process

    def ours():
        kept = {folder / "mine", folder / "mine" / "notes.txt", folder / "song.mp3"}
        return [path for path in folder.rglob("*") if path not in kept]

    first = start()
    try:
        free.faults.delay("/files", 30)
        group.member("Ming").say("go")
        eventually(lambda: any(path.stat().st_size == 18_000 for path in ours()), 20)
    finally:
        first.kill()
        first.wait(10)
    assert any(path.stat().st_size == 18_000 for path in ours())
    eventually(lambda: not free.platform.sessions.live(), 20)
    free.faults.clear()
    second = start()
    try:
        eventually(lambda: not ours(), 20)
        group.member("Lan").say("go")
        assert group.next_reply(20).file.data == b"content of the bot" * 1000
        eventually(lambda: not [path for path in ours() if path.suffix == ".bin"], 20)
    finally:
        second.terminate()
        assert second.wait(20) == 0
    assert ours() == []
    assert (folder / "mine" / "notes.txt").read_text() == "keep me"
    assert (folder / "song.mp3").read_bytes() == b"keep me, too"
