"""People send media: events carry addresses that lead to the bytes, for a while (4.1, 4.3)."""

import io
import wave
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from qqgroup_sync.simulator import attachments, voices

from . import samples

PNG = samples.png(40, 30)
TONE = samples.wav(0.3)


@pytest.fixture
def d(sim):
    """The ``d`` of the newest message event, as a function."""
    found = []
    sim.platform.subscribe(lambda kind, one: found.append(one.data) if kind == "event" else None)
    return lambda: found[-1]


@pytest.fixture(params=["group", "c2c"])
def person(request, sim, bot):
    """Somebody who speaks to the bot, in both scenes."""
    if request.param == "c2c":
        return sim.platform.user("Ming")
    return sim.platform.group("g").member("Ming")


def get(url):
    """Fetch an address with nothing but the address."""
    return requests.get(url, timeout=5)


def test_picture(sim, person, d):
    """A picture arrives with address, name, size and measures, and byte for byte."""
    message = person.send_picture(PNG, "cat.png", text="look")
    (found,) = d()["attachments"]
    assert d()["content"].strip() == "look"
    url = found.pop("url")
    assert found == {
        "content_type": "image/png",
        "filename": "cat.png",
        "size": len(PNG),
        "width": 40,
        "height": 30,
    }
    assert url.startswith(f"{sim.url}/download?")
    assert "rkey" in parse_qs(urlsplit(url).query)
    response = get(url)
    assert (response.content, response.headers["Content-Type"]) == (PNG, "image/png")
    assert message.file.data == PNG
    assert message.file.way == "person"


def test_voice(person, d):
    """A voice is Tencent SILK called .amr, with a WAV and a transcript beside it."""
    message = person.send_voice(TONE, "hello there")
    (found,) = d()["attachments"]
    assert found["content_type"] == "voice"
    assert found["filename"].endswith(".amr")
    assert found["asr_refer_text"] == "hello there"
    silk = get(found["url"]).content
    assert silk.startswith(b"\x02#!SILK_V3")
    assert len(silk) == found["size"]
    heard = get(found["voice_wav_url"])
    assert heard.headers["Content-Type"] == "audio/wav"
    with wave.open(io.BytesIO(heard.content)) as reader:
        assert reader.getframerate() == 24_000
        assert abs(reader.getnframes() / 24_000 - 0.3) < 0.03
    assert message.wav == heard.content


def test_video_and_file(person, d):
    """Videos and files, with their names."""
    person.send_video(samples.MP4)
    (found,) = d()["attachments"]
    assert found["content_type"] == "video/mp4"
    assert get(found["url"]).content == samples.MP4
    person.send_file(samples.HTML, "报告 1.html")
    (found,) = d()["attachments"]
    assert (found["content_type"], found["filename"]) == ("file", "报告 1.html")
    response = get(found["url"])
    assert response.content == samples.HTML
    assert response.headers["Content-Disposition"].startswith("attachment")


def test_bytes_in_say(person, d):
    """``say`` takes bytes, and tells by their content what they are; objects go as they are."""
    silk = voices.to_silk(TONE)
    given = {"content_type": "file", "filename": "x", "url": "https://e/x", "size": 1}
    things = [PNG, samples.MP4, TONE, silk, samples.MP3, b"text", given]
    message = person.say("see", attachments=things)
    found = d()["attachments"]
    kinds = [one["content_type"] for one in found]
    assert kinds == ["image/png", "video/mp4", "voice", "voice", "file", "file", "file"]
    assert found[-1] == given
    assert [file.data for file in message.files[:2]] == [PNG, samples.MP4]
    assert len(message.files) == 6


def test_from_a_path(person, d, tmp_path):
    """A path gives bytes and name."""
    path = tmp_path / "dog.png"
    path.write_bytes(PNG)
    person.send_picture(str(path))
    assert d()["attachments"][0]["filename"] == "dog.png"


@pytest.mark.parametrize(
    ("method", "data"),
    [
        ("send_picture", TONE),
        ("send_picture", b"text"),
        ("send_video", PNG),
        ("send_voice", PNG),
        ("send_voice", samples.MP3),
        ("send_voice", samples.wav(0.1, 44_100)),
    ],
)
def test_wrong_kinds_are_told_to_the_tester(person, method, data):
    """A test that sends the wrong thing fails at its own line, and says nothing."""
    with pytest.raises(ValueError, match=r"no |must be"):
        getattr(person, method)(data)
    assert getattr(person, "group", person).messages == []


def test_damaged_voice_is_a_file_when_recognised():
    """A WAV that no phone would record is a file."""
    assert attachments.recognise(samples.wav(0.1, 44_100), "a.wav").file_type == 4


@pytest.mark.parametrize(
    ("rule", "start"), [("full", "http://127"), ("bare", "127"), ("slashes", "//127")]
)
def test_addresses_may_lack_their_scheme(sim, person, d, rule, start):
    """Live addresses do."""
    sim.platform.change_rules(attachment_urls=rule)
    person.send_voice(TONE)
    (found,) = d()["attachments"]
    assert found["url"].startswith(start)
    assert found["voice_wav_url"].startswith(start)


def test_addresses_expire_and_cannot_be_made_up(sim, person, d):
    """The ``rkey`` is for one file, for a while."""
    person.send_picture(PNG)
    first = d()["attachments"][0]["url"]
    person.send_picture(PNG)
    second = d()["attachments"][0]["url"]
    assert get(first).ok
    a, b = (parse_qs(urlsplit(url).query) for url in (first, second))
    assert get(first.replace(a["fileid"][0], b["fileid"][0])).status_code == 403
    for rkey in ("", "x", a["rkey"][0][:-1] + "z", "é" * 50):
        url = first.replace(a["rkey"][0], rkey)
        assert get(url).status_code == 403
    sim.clock.advance(3599)
    assert get(first).ok
    sim.clock.advance(2)
    assert get(first).status_code == 403


def test_damaged_silk_has_no_wav(person, d):
    """A voice that cannot be decoded is there, but not to be heard."""
    person.say(attachments=[attachments.voice(b"\x02#!SILK_V3\xff\x7f")])
    (found,) = d()["attachments"]
    assert get(found["url"]).ok
    assert get(found["voice_wav_url"]).status_code == 404


def test_quote_of_a_bots_picture_carries_it(sim, bot, d):
    """Who quotes a bot's picture shows it again."""
    from .test_media import send, upload

    group = sim.platform.group("g")
    send(bot, group, upload(bot, group, PNG)["file_info"])
    picture = group.next_reply()
    group.member("Ming").say("what is this?", quote=picture)
    (element,) = d()["msg_elements"]
    assert element["attachments"][0]["width"] == 40
    assert get(element["attachments"][0]["url"]).content == PNG


def test_other_bots_see_a_bots_picture(sim, bot, d):
    """In full mode a bot's picture reaches the others as an attachment."""
    from .bot import Bot
    from .test_media import send, upload

    group = sim.platform.group("g")
    group.full_mode = True
    with Bot(sim, "102000002"):
        send(bot, group, upload(bot, group, PNG)["file_info"])
        assert d()["author"]["bot"] is True
        assert get(d()["attachments"][0]["url"]).content == PNG


def test_muted_member_sends_nothing(sim, bot):
    """A muted member's picture is not kept either."""
    group = sim.platform.group("g")
    ming = group.member("Ming")
    ming.muted_until = sim.clock.now() + 60
    with pytest.raises(PermissionError):
        ming.send_picture(PNG)
    assert list(sim.platform.media.shelf) == []
