"""Every way to the platform refused in turn, and what becomes of the content then."""

from __future__ import annotations

import contextlib
import functools
import logging
import ssl
import struct
import threading

import pytest

from qqgroup_sync.api.downloads import Downloads
from qqgroup_sync.errors import (
    ApiError,
    ContentRejected,
    Forbidden,
    HostingError,
    MediaError,
    MediaRejected,
    RateLimited,
    StateError,
    TransportError,
    UnsupportedMedia,
)
from qqgroup_sync.media import audio, formats, voice
from qqgroup_sync.media.builder import ChainBuilder, Surroundings
from qqgroup_sync.media.file_infos import MediaMemory
from qqgroup_sync.media.serving import QQGroupChainBuilder
from qqgroup_sync.media.upload import Uploader
from qqgroup_sync.message.elements import File, Image, Video, Voice
from qqgroup_sync.runtime.clock import Clock, Deadline
from qqgroup_sync.settings import QQGroupChainBuilderOptions
from qqgroup_sync.simulator import Simulator
from tests.api.scripted_server import ScriptedServer, answer, refusing_port, silence
from tests.api.test_transport import certificate  # noqa: F401 - a fixture
from tests.media import samples, sounds
from tests.media.test_chunks import BLOCK, Rig, in_thread, png, rules
from tests.waiting import eventually

MIB = 1024 * 1024
ALL = frozenset({"url", "file_data", "chunked"})
WAYS = {"base64": "file_data", "chunked": "chunked", "url": "url"}
STEPS = ("file_data", "chunked", "url")  # of a small picture in auto


class UploadRig(Rig):
    """The same with uploaders on top.

    Attributes:
        memory: Shared by all uploaders.
        service: Serves by a real resource service.
        asides: How often something went aside.
    """

    def __init__(self, sim, clock, folder):
        super().__init__(sim, clock)
        self.memory = MediaMemory()
        self.downloads = Downloads(clock, direct=True, private=True, language="en")
        options = QQGroupChainBuilderOptions("127.0.0.1", 0, str(folder / "resource"))
        self.service = QQGroupChainBuilder(options)
        self.service.attach(self, Surroundings(Clock(), local=True, language="en"))
        self.asides = 0

    def close(self):
        super().close()
        assert self.service.detach(self, Deadline(Clock(), 5.0)) == []

    @contextlib.contextmanager
    def aside(self):
        self.asides += 1
        yield

    def fetch(self, url, limit):
        return self.downloads.read(url, limit=limit, timeout=10, progress=None, stop=self.stop)

    def uploader(self, mode="auto", **changed):
        options = {
            "builder": self.service if mode == "serve" else ChainBuilder(),
            "last_resort": self.service if mode == "auto" else None,
            "memory": self.memory,
            "stop": self.stop,
            "aside": self.aside,
            "fetch": self.fetch,
            "put": self.puts.put,
            "language": "en",
        }
        return Uploader(self.files, self.clock, mode=mode, **{**options, **changed})

    def info(self, medium, scene="group", mode="auto", **changed):
        """Upload; return what the platform holds then."""
        uploader = self.uploader(mode, **changed)
        return self.held(uploader.file_info(medium, scene=scene, openid=self.openids[scene]))

    def error(self, kind, medium, scene="group", mode="auto", **changed):
        """Return the error that uploading ends with."""
        with pytest.raises(kind) as caught:
            self.info(medium, scene, mode, **changed)
        return caught.value

    def close_ways(self, *ways, code=10000):
        """Let the platform refuse these ways."""
        rules(self, upload_ways=ALL - set(ways), refused_way=code)

    def counts(self):
        """Return how many uploads came each way, and how many were refused."""
        names = ("uploads_file_data", "uploads_chunked", "uploads_url", "uploads_refused")
        return tuple(self.stat(name) for name in names)


@pytest.fixture
def sim():
    """A running platform with small parts."""
    with Simulator() as simulator:
        simulator.platform.change_rules(upload_block=BLOCK)
        yield simulator


@pytest.fixture
def rig(sim, clock, tmp_path):
    """What uploaders need, on that platform."""
    rig = UploadRig(sim, clock, tmp_path)
    yield rig
    rig.close()


# ---------------------------------------------------------------------- every kind, every way


def media():
    """Return one medium of each kind, with what arrives of it."""
    return {
        "image": (Image(png(3000)), png(3000)),
        "voice": (Voice(samples.silk()), samples.silk()),
        "video": (Video(samples.video()), samples.video()),
        "file": (File(b"%PDF-1.7 x", "报告.pdf"), b"%PDF-1.7 x"),
    }


@pytest.mark.parametrize("scene", ["group", "c2c"])
@pytest.mark.parametrize("kind", ["image", "voice", "video", "file"])
@pytest.mark.parametrize("way", ["file_data", "chunked", "url"])
def test_each_kind_arrives_by_each_way(rig, scene, kind, way):
    """With the ways before it refused, the next one is taken and people see what was sent."""
    medium, data = media()[kind]
    rig.close_ways(*STEPS[: STEPS.index(way)])
    info = rig.uploader().file_info(medium, scene=scene, openid=rig.openids[scene])
    shown = rig.show(info, scene)
    assert (shown.way, shown.data) == (way, data)
    if kind == "file":
        assert shown.name == "报告.pdf"


@pytest.mark.parametrize(
    "code",
    [10000, 11253, 11254, 850012, 500, 413, {"file_data": 413, "chunked": 10000}],
    ids=str,
)
def test_whatever_refuses_the_way_leads_to_the_next(rig, code):
    """Not supported, no right, malformed, too large for the edge, broken: the message arrives."""
    rig.close_ways("file_data", "chunked", code=code)
    assert rig.info(Image(png())).way == "url"


@pytest.mark.parametrize("status", [404, 405])
def test_a_missing_endpoint_leads_to_the_next_way(rig, status):
    """An HTML page without a code."""
    rig.sim.faults.fail("/files$", status=status, body="<html>nothing here</html>")
    assert rig.info(Image(png())).way == "chunked"
    assert rig.memory.lessons.refusal("base64", "group", rig.clock.monotonic())


def test_a_broken_connection_leads_to_the_next_way(rig):
    """An edge that hangs up on large bodies is like a refusal, but is not remembered."""
    rig.sim.faults.drop("/files$", 4, abruptly=True)
    assert rig.info(Image(png())).way == "chunked"
    assert rig.info(Image(png(300))).way == "file_data"


def test_an_answer_without_a_file_info_leads_to_the_next_way(rig):
    """2xx, but nothing to send."""
    rig.sim.faults.fail("/files$", status=200, body={"file_uuid": "u"})
    assert rig.info(Image(png())).way == "chunked"


def test_a_storage_that_refuses_parts_leads_to_the_next_way(rig):
    """That is not remembered: the storage may just have a bad day."""
    rig.close_ways("file_data")
    rig.sim.faults.fail("/cos/", status=403, times=3, method="PUT")
    assert rig.info(Image(png())).way == "url"
    assert rig.info(Image(png(300))).way == "chunked"


@pytest.mark.parametrize(
    ("size", "first"),
    [(5 * MIB, "file_data"), (5 * MIB + 1, "chunked")],
)
def test_large_things_go_in_parts(rig, size, first):
    """Up to 5 MiB in one request, above in parts."""
    rules(rig, upload_block=10 * MIB)
    assert rig.info(Image(png(size))).way == first


def test_what_is_refused_in_parts_may_go_in_one_request(rig):
    """Up to 10 MiB."""
    rig.close_ways("chunked")
    assert rig.info(Image(png(5 * MIB + 1))).way == "file_data"


def test_more_is_never_tried_in_one_request(rig):
    """The edge would refuse it anyway."""
    rig.close_ways("chunked")
    assert rig.info(File(b"x" * (10 * MIB + 1), "big.bin")).way == "url"
    assert rig.counts() == (0, 0, 1, 1)


# ---------------------------------------------------------------------- refusals of the content


@pytest.mark.parametrize(
    ("how", "kind", "code"),
    [
        ({"image_formats": frozenset()}, MediaRejected, 850019),
        ({"image_formats": frozenset(), "statuses": {850019: 500}}, MediaRejected, 850019),
        ({"upload_quota": 10}, MediaRejected, 40093002),
        ({"hard_limit": 10}, MediaRejected, 850031),
    ],
    ids=str,
)
def test_a_refused_content_is_tried_no_other_way(rig, how, kind, code):
    """Format, quota, size: raised at once, and nothing is remembered."""
    rules(rig, **how)
    error = rig.error(kind, Image(png()))
    assert code in error.codes
    assert rig.counts() == (0, 0, 0, 1)
    rules(rig, image_formats=frozenset({"png"}), upload_quota=None, hard_limit=200 * MIB)
    assert rig.info(Image(png())).way == "file_data"


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, 40034006, ContentRejected),
        (400, 304025, ContentRejected),
        (400, 1100101, ContentRejected),
        (400, 850018, Forbidden),
        (429, 0, RateLimited),
        (400, 123, ApiError),
    ],
)
def test_review_and_limits_are_tried_no_other_way(rig, status, code, kind):
    """A picture that breaks the rules must not be offered three times; unknown codes may be."""
    rig.sim.faults.fail("/files$", status=status, body={"err_code": code, "message": "no"}, times=9)
    rig.sim.faults.fail("/upload_prepare", status=400, body={"err_code": code, "message": "no"})
    if code == 123:
        assert isinstance(rig.error(MediaError, Image(png())).__cause__, kind)
        return
    rig.error(kind, Image(png()))
    assert rig.sim.faults.waiting == 2  # the parts were never prepared
    assert not rig.memory.lessons.refusal("base64", "group", rig.clock.monotonic())


def test_a_group_that_is_gone_is_no_reason_to_try_on(rig):
    """The error is about the group."""
    rig.openids["group"] = "F" * 32
    rig.error(ApiError, Image(png()))
    assert rig.stat("uploads_refused") <= 1


def test_a_platform_that_cannot_be_reached_is_said_so(rig):
    """All ways lead there: the error is the plain one, not a list."""
    rig.http._hosts._bases = (f"http://127.0.0.1:{refusing_port()}",)
    error = rig.error(TransportError, Image(png()))
    assert error.never_sent


# ---------------------------------------------------------------------- what is remembered


@pytest.mark.parametrize("way", ["base64", "chunked"])
def test_a_refused_way_is_not_tried_again(rig, way, caplog):
    """The lesson holds for its scene, is told once, and outlives one start of the client."""
    rig.close_ways(WAYS[way])
    size = 200 if way == "base64" else 5 * MIB + 1
    other = "chunked" if way == "base64" else "file_data"
    rules(rig, upload_block=10 * MIB)
    assert rig.info(Image(png(size))).way == other
    assert rig.info(Image(png(size + 1))).way == other
    assert rig.counts()[-1] == 1
    rig.info(Image(png(size)), "c2c")
    assert rig.counts()[-1] == 2
    warnings = [one for one in caplog.records if one.levelno == logging.WARNING]
    assert len(warnings) == 2
    assert f"by {way} in groups" in caplog.text


def test_a_refused_way_is_the_last_hope(rig):
    """When all others fail it is tried once more, and if it works it is a way again."""
    rig.close_ways("file_data")
    rig.info(Image(png()))
    rig.close_ways("chunked", "url")
    assert rig.info(Image(png(300))).way == "file_data"
    assert not rig.memory.lessons.refusal("base64", "group", rig.clock.monotonic())


def test_too_large_is_remembered_as_a_size(rig, caplog):
    """413 forbids that much, not base64; chunks take over, smaller things still go at once."""
    caplog.set_level(logging.INFO)
    rules(rig, max_body=3 * MIB, upload_block=10 * MIB)
    assert rig.info(Image(png(3 * MIB))).way == "chunked"
    refused = len([one for one in caplog.messages if "HTTP 413" in one])
    assert rig.info(Image(png(3 * MIB + 1))).way == "chunked"
    assert len([one for one in caplog.messages if "HTTP 413" in one]) == refused
    assert rig.info(Image(png(1000))).way == "file_data"
    assert rig.memory.lessons.ceiling("group", rig.clock.monotonic()) == 3 * MIB - 1


def test_one_413_to_a_small_picture_closes_nothing(rig):
    """It takes the next way; those after it go as ever."""
    rig.sim.faults.fail("/files$", status=413, body="<html>too large</html>")
    assert rig.info(Image(png())).way == "chunked"
    assert rig.info(Image(png(300))).way == "file_data"
    assert rig.info(Image(png(MIB))).way == "file_data"


def test_a_closed_way_is_tried_again_after_an_hour(rig):
    """The platform may have opened it."""
    rig.close_ways("file_data")
    assert rig.info(Image(png())).way == "chunked"
    rig.close_ways()
    rig.clock.advance(3500)
    assert rig.info(Image(png(300))).way == "chunked"
    rig.clock.advance(200)
    assert rig.info(Image(png(400))).way == "file_data"


def test_a_large_body_that_is_refused_unread_is_still_understood(rig, caplog):
    """The edge answers 413 while the body is on its way."""
    caplog.set_level(logging.INFO)
    rules(rig, max_body=1000, upload_block=10 * MIB)
    assert rig.info(Image(png(5 * MIB))).way == "chunked"
    assert rig.memory.lessons.ceiling("group", rig.clock.monotonic()) == 5 * MIB - 1


# ---------------------------------------------------------------------- all refused


def test_when_all_is_refused_the_error_says_why(rig):
    """A line for each way that was tried, with the platform's reason; English and Chinese."""
    rig.close_ways("file_data", "chunked", "url", code={"file_data": 413, "url": 850026})
    error = rig.error(MediaError, Image(png(), "cat.png"))
    lines = str(error).splitlines()
    assert lines[0] == "cat.png could not be handed to QQ; tried base64, chunked, url"
    assert [line.split(":")[0].strip() for line in lines[2:5]] == ["base64", "chunked", "url"]
    for line, reason in zip(lines[2:5], ("HTTP 413", "code 10000", "code 850026"), strict=True):
        assert reason in line
    assert "remedy" in lines[5]
    assert isinstance(error.__cause__, MediaRejected)
    chinese = rig.error(MediaError, Image(png(), "cat.png"), language="zh")
    assert "所有方式都失败了" in str(chinese)


def test_a_service_that_cannot_listen_is_one_of_the_reasons(rig):
    """It is told like the others."""

    class Broken(QQGroupChainBuilder):
        def hand_over(self, source):
            raise HostingError("port 8086 is taken")

    rig.close_ways("file_data", "chunked")
    error = rig.error(MediaError, Image(png()), last_resort=Broken())
    assert "resource service: port 8086 is taken" in str(error)


def test_what_is_too_large_for_one_request_is_said_to_be(rig):
    """The way that was left out is in the list."""
    rules(rig, max_body=1000, upload_block=20 * MIB)
    rig.info(Image(png(2 * MIB)))
    rig.close_ways("chunked")
    error = rig.error(MediaError, Image(png(2 * MIB + 1)), mode="upload")
    assert "base64: not tried with 2097153 bytes: QQ refused 2097152 at once" in str(error)
    assert "chunked: " in str(error)
    error = rig.error(MediaError, File(b"x" * (10 * MIB + 1), "x.bin"), mode="upload")
    assert "base64: not tried: 10485761 bytes are too many at once" in str(error)


def test_upload_mode_never_serves(rig):
    """Even when it is all that is left."""
    rig.close_ways("file_data", "chunked")
    error = rig.error(MediaError, Image(png()), mode="upload", last_resort=rig.service)
    assert "url" not in error.summary
    assert rig.service.port == 0


def test_what_was_served_is_withdrawn(rig, tmp_path):
    """When the platform has it, or refused it, the file goes."""
    folder = tmp_path / "resource"
    rig.close_ways("file_data", "chunked")
    rig.info(Image(png()))
    rules(rig, image_formats=frozenset())
    rig.error(MediaRejected, Image(png(300)))
    assert list(folder.rglob("*.png")) == []


# ---------------------------------------------------------------------- serve


@pytest.mark.parametrize("scene", ["group", "c2c"])
def test_serve_mode_serves(rig, scene):
    """Everything goes by URL."""
    file = rig.info(Image(png()), scene, mode="serve")
    assert (file.way, file.data) == ("url", png())
    assert rig.counts() == (0, 0, 1, 0)


@pytest.mark.parametrize("code", [850026, 10000])
def test_serve_mode_tries_nothing_else(rig, code):
    """The refusal is raised as it is."""
    rig.close_ways("url", code=code)
    assert code in rig.error(MediaRejected, Image(png()), mode="serve").codes
    assert rig.counts() == (0, 0, 0, 1)


def test_serve_mode_needs_a_url(rig):
    """A builder that hosts nothing is a mistake."""
    error = rig.error(HostingError, Image(png()), mode="serve", builder=ChainBuilder())
    assert 'media="auto"' in str(error)


# ---------------------------------------------------------------------- builders


def test_a_builder_that_returns_bytes(rig):
    """They are what is uploaded."""

    class Marked(ChainBuilder):
        def get_image(self, image):
            return png(500, seed="marked")

    assert rig.info(Image(png()), builder=Marked()).data == png(500, seed="marked")
    assert rig.info(Image(png())).data == png()  # not taken from what the other one uploaded


def test_two_builders_of_one_class_share_nothing(rig):
    """Each may make something else of the same picture; the same one uploads once."""

    class Marked(ChainBuilder):
        def __init__(self, seed):
            self.seed = seed

        def __eq__(self, other):
            return isinstance(other, Marked)

        __hash__ = None

        def get_image(self, image):
            return png(500, seed=self.seed)

    red, blue, plain = Marked("red"), Marked("blue"), ChainBuilder()
    plain.get_image = lambda image: png(500, seed="green")
    for builder, seed in ((red, "red"), (blue, "blue"), (plain, "green"), (red, "red")):
        assert rig.info(Image(png()), builder=builder).data == png(500, seed=seed)
    assert rig.info(Image(png())).data == png()
    assert rig.counts() == (4, 0, 0, 0)
    assert rig.info(Image(png()), builder=ChainBuilder()).data == png()  # after a restart
    assert rig.counts() == (4, 0, 0, 0)


def test_a_builder_that_returns_a_path(rig, tmp_path):
    """It is uploaded directly."""
    path = tmp_path / "x.png"
    path.write_bytes(png(700))

    class Elsewhere(ChainBuilder):
        def get_image(self, image):
            return path

    assert rig.info(Image(png()), builder=Elsewhere()).data == png(700)


class Hosted(ChainBuilder):
    """Hands out the address of a server; notes what it is told."""

    def __init__(self, url):
        self.url = url
        self.told = []

    def get_image(self, image):
        return self.url

    def uploaded(self, url):
        self.told.append(url)


@pytest.mark.parametrize("mode", ["auto", "upload", "serve"])
def test_a_builder_that_returns_a_url(rig, mode):
    """The platform fetches it, and the builder is told so."""
    with ScriptedServer(answer(200, png(400))) as server:
        builder = Hosted(f"{server.url}/x.png")
        file = rig.info(Image(png()), mode=mode, builder=builder)
        assert (file.way, file.data) == ("url", png(400))
        assert builder.told == [builder.url]


@pytest.mark.parametrize("mode", ["auto", "upload"])
def test_a_builder_whose_url_cannot_be_fetched(rig, mode, caplog):
    """A warning with the reason; the content itself is uploaded."""
    builder = Hosted(f"http://127.0.0.1:{refusing_port()}/x.png?sign=hush")
    file = rig.info(Image(png()), mode=mode, builder=builder)
    assert (file.way, file.data) == ("file_data", png())
    (warning,) = [one for one in caplog.records if one.levelno == logging.WARNING]
    assert "850026" in warning.getMessage()
    assert "hush" not in caplog.text


def test_a_builder_that_cannot_host(rig, caplog):
    """In auto the content is uploaded; in serve the error is raised."""

    class Full(ChainBuilder):
        def get_image(self, image):
            raise HostingError("the bucket is full")

    assert rig.info(Image(png()), builder=Full()).way == "file_data"
    assert "the bucket is full" in caplog.text
    rig.error(HostingError, Image(png(300)), mode="serve", builder=Full())


def test_a_builder_that_fails_otherwise(rig):
    """Its own error is raised where the message was sent."""

    class Wrong(ChainBuilder):
        def get_image(self, image):
            raise KeyError("mine")

    rig.error(KeyError, Image(png()), builder=Wrong())


def test_a_service_that_was_refused_is_not_asked_again(rig):
    """The builder's URL was tried before: it is no last resort."""
    rig.close_ways("file_data", "chunked", "url")
    error = rig.error(MediaError, Image(png()), builder=rig.service)
    assert error.summary.endswith("tried url, base64, chunked")


# ---------------------------------------------------------------------- a user's URL


def test_a_url_is_fetched_by_the_platform(rig):
    """Nothing passes through this machine's hands."""
    with ScriptedServer(answer(200, png(400))) as server:
        file = rig.info(Image(f"{server.url}/a.png"))
        assert (file.way, file.data, len(server.requests)) == ("url", png(400), 1)


@pytest.mark.parametrize("code", [850026, 10000, 850012])
def test_a_url_that_the_platform_cannot_fetch(rig, code):
    """It is fetched here and uploaded."""
    rig.close_ways("url", code=code)
    with ScriptedServer(answer(200, png(400))) as server:
        file = rig.info(Image(f"{server.url}/a.png"), mode="upload")
        assert (file.way, file.data) == ("file_data", png(400))
        rig.info(Image(f"{server.url}/a.png"))
    # A way that is not open is not tried again; a URL that cannot be fetched says nothing.
    assert rig.counts()[-1] == (1 if code == 10000 else 2)


def test_a_url_that_nobody_can_fetch(rig):
    """Both reasons are told, without the query of the link."""
    with ScriptedServer(answer(404)) as server:
        error = rig.error(MediaError, Image(f"{server.url}/a.png?token=hush"))
    text = str(error)
    assert "code 850026" in text
    assert "fetching it here: " in text
    assert "HTTP 404" in text
    assert "hush" not in text


def test_a_url_that_leads_to_something_else(rig):
    """What came is checked like everything else."""
    rig.close_ways("url", code=850026)
    with ScriptedServer(answer(200, b"<html>log in</html>")) as server:
        error = rig.error(UnsupportedMedia, Image(f"{server.url}/a.png"))
    assert "HTML" in str(error)


def test_a_url_without_a_way_to_fetch_it(rig):
    """The platform's refusal is all there is to say."""
    rig.close_ways("url", code=850026)
    error = rig.error(MediaRejected, Image("http://127.0.0.1:9/a.png"), fetch=None)
    assert 850026 in error.codes


def test_a_url_of_a_refused_way_that_only_the_platform_can_fetch(rig):
    """A lesson is no prohibition."""
    rig.memory.lessons.refuse("url", "group", "seen before", rig.clock.monotonic())
    with ScriptedServer(answer(200, png(400))) as server:

        def fetch(url, limit):
            raise MediaError("no route")

        assert rig.info(Image(f"{server.url}/a.png"), fetch=fetch).way == "url"


def test_a_picture_at_a_url_whose_format_the_platform_refuses(rig):
    """It is fetched here and converted, as from a path."""
    rules(rig, image_formats=frozenset({"png"}))
    with ScriptedServer(answer(200, samples.picture(form="WEBP"))) as server:
        file = rig.info(Image(f"{server.url}/a.webp"))
    assert (file.way, file.content_type) == ("file_data", "image/png")
    assert rig.counts() == (1, 0, 0, 1)


def test_a_page_at_a_url_whose_format_the_platform_refuses(rig):
    """What stands there is said, and not only that it was refused."""
    rig.close_ways("url", code=850019)
    with ScriptedServer(answer(200, b"<html>log in</html>")) as server:
        error = rig.error(UnsupportedMedia, Image(f"{server.url}/a.png"))
    assert "HTML" in error.summary
    error = rig.error(MediaRejected, Image("http://127.0.0.1:9/a.png"), fetch=None)
    assert 850019 in error.codes


def test_what_is_wrong_with_a_url_has_its_own_remedy(rig):
    """A dead link, a private address and a refused connection are not a question of hosting."""
    with ScriptedServer(answer(404)) as server:
        error = rig.error(MediaError, Image(f"{server.url}/a.png"))
    assert error.remedy.startswith("Check the link")
    strict = Downloads(rig.clock, direct=True, language="en")

    def fetch(url, limit):
        return strict.read(url, limit=limit, timeout=10, progress=None)

    rig.close_ways("url", code=850026)
    error = rig.error(MediaError, Image("http://127.0.0.1:9/a.png"), fetch=fetch)
    assert "Client(private_urls=True)" in error.remedy
    error = rig.error(MediaError, Image(f"http://127.0.0.1:{refusing_port()}/a.png"))
    assert "the connection was refused" in str(error)
    assert "Check the link" in error.remedy


def test_a_server_without_a_trusted_certificate_is_said_to_be(rig, certificate):  # noqa: F811
    """And not just that there was no connection."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(*certificate)
    server = ScriptedServer(answer(200, png()), tls=tls)
    with server, pytest.raises(TransportError) as caught:
        rig.fetch(server.url, MIB)
    assert "certificate is not trusted (TLS)" in caught.value.summary


def test_a_url_that_cannot_be_fetched_is_fetched_once(rig):
    """Where QQ does not take URLs, this machine tries first, and not again afterwards."""
    rig.close_ways("url", code=10000)
    for content, kind in (((404,), MediaError), ((200, b"<html>no</html>"), UnsupportedMedia)):
        rig.memory.lessons.refuse("url", "group", "seen before", rig.clock.monotonic())
        with ScriptedServer(answer(*content)) as server:
            error = rig.error(kind, Image(f"{server.url}/a.png"))
            assert len(server.requests) == 1
        assert error.remedy


def test_stopping_while_a_url_is_fetched(rig):
    """It ends between two pieces, as everything ends."""
    rig.close_ways("url", code=850026)

    def fetch(url, limit):
        def stop(_done, _total):
            rig.stop.set()

        return rig.downloads.read(url, limit=limit, timeout=10, progress=stop, stop=rig.stop)

    with ScriptedServer(answer(200, png(400))) as server:
        error = rig.error(StateError, Image(f"{server.url}/a.png"), fetch=fetch)
    assert "stop" in error.summary


# ---------------------------------------------------------------------- pictures and voices


def test_a_picture_that_the_platform_does_not_take_is_converted(rig):
    """A tiff becomes a png."""
    file = rig.info(Image(samples.picture(form="TIFF")))
    assert (file.content_type, file.picture_size) == ("image/png", (40, 30))


CODECS = {
    "mp3": ("mp3", "libmp3lame"),
    "ogg": ("ogg", "libopus"),
    "flac": ("flac", "flac"),
    "m4a": ("ipod", "aac"),
}


@functools.cache
def encoded(form, seconds=1.0):
    """Return a voice in some format."""
    if form == "wav":
        return samples.wav(seconds)
    return sounds.encoded(sounds.speech(seconds), *CODECS[form], rate=48000)


def sound_of(rig, medium, **options):
    """Return the format in which a voice arrived."""
    return formats.sniff(rig.info(medium, **options).data).name


@pytest.mark.parametrize("form", ["wav", "mp3", "silk"])
def test_formats_that_the_platform_takes_go_as_they_are(rig, form):
    """Byte for byte."""
    data = samples.silk() if form == "silk" else encoded(form)
    assert rig.info(Voice(data)).data == data


@pytest.mark.parametrize("form", ["wav", "mp3"])
def test_a_refused_format_becomes_silk_and_is_remembered(rig, form):
    """Once the other one worked, the next goes as SILK at once."""
    rules(rig, voice_formats=frozenset({"silk"}))
    assert sound_of(rig, Voice(encoded(form))) == "silk"
    assert rig.counts()[-1] == 1
    assert sound_of(rig, Voice(encoded(form, seconds=1.5))) == "silk"
    assert rig.counts()[-1] == 1
    assert sound_of(rig, Voice(encoded(form)), scene="c2c") == "silk"
    assert rig.counts()[-1] == 2


def test_a_refused_format_is_tried_again_after_an_hour(rig):
    """One odd file must not change all others for ever."""
    rules(rig, voice_formats=frozenset({"silk"}))
    assert sound_of(rig, Voice(encoded("wav"))) == "silk"
    rules(rig, voice_formats=frozenset({"silk", "wav"}))
    assert sound_of(rig, Voice(encoded("wav", seconds=1.5))) == "silk"
    rig.clock.advance(3601)
    assert sound_of(rig, Voice(encoded("wav", seconds=1.5))) == "wav"


def rf64(wav):
    """Return a plain WAV as what programs write that may come to more than 4 GB."""
    at = wav.index(b"data")
    size = len(wav) - at - 8
    sizes = struct.pack("<QQQI", len(wav) + 28, size, size // 2, 0)
    head = b"RF64\xff\xff\xff\xffWAVEds64" + struct.pack("<I", len(sizes)) + sizes
    return head + wav[12:at] + b"data\xff\xff\xff\xff" + wav[at + 8 :]


def test_an_odd_wav_is_converted_and_teaches_nothing(rig):
    """RF64 is never sent as it is."""
    assert sound_of(rig, Voice(rf64(samples.wav()))) == "silk"
    assert sound_of(rig, Voice(samples.wav())) == "wav"
    assert rig.counts()[-1] == 0


def test_a_sound_that_is_refused_in_every_format_teaches_nothing(rig):
    """It was not the format."""
    rules(rig, voice_formats=frozenset())
    error = rig.error(MediaRejected, Voice(samples.wav()))
    assert 850019 in error.codes
    assert rig.memory.lessons.takes(formats.WAV, "group", rig.clock.monotonic())


def test_a_voice_that_must_not_be_converted(rig):
    """The refusal is raised."""
    rules(rig, voice_formats=frozenset({"silk"}))
    rig.error(MediaRejected, Voice(samples.wav(), convert=False))
    assert rig.counts() == (0, 0, 0, 1)


def test_a_voice_that_must_be_converted(rig):
    """Nothing else is tried; and it is another upload than the one that is not."""
    assert sound_of(rig, Voice(samples.wav(), convert=True)) == "silk"
    assert sound_of(rig, Voice(samples.wav())) == "wav"
    assert rig.counts()[-1] == 0


@pytest.mark.parametrize("form", ["ogg", "flac", "m4a"])
def test_other_formats_become_silk(rig, form):
    """Without an attempt as they are."""
    assert sound_of(rig, Voice(encoded(form))) == "silk"
    assert rig.counts() == (1, 0, 0, 0)


def test_flac_without_a_decoder_goes_as_it_is(rig, monkeypatch):
    """The platform may take it; if not, the error says what to install."""
    data = encoded("flac")

    def none(*_args, **_options):
        raise UnsupportedMedia("there is no decoder for this sound on this machine")

    monkeypatch.setattr(audio, "decode", none)
    rules(rig, voice_formats=frozenset({"silk", "flac"}))
    assert rig.info(Voice(data)).data == data
    rules(rig, voice_formats=frozenset({"silk"}))
    error = rig.error(UnsupportedMedia, Voice(data), scene="c2c")
    assert isinstance(error.__cause__, MediaRejected)
    rig.error(UnsupportedMedia, Voice(encoded("ogg")))


def test_a_voice_at_a_url_that_the_platform_does_not_take(rig):
    """It is fetched here and converted, without another attempt as it is."""
    rules(rig, voice_formats=frozenset({"silk"}))
    with ScriptedServer(answer(200, samples.wav())) as server:
        assert sound_of(rig, Voice(f"{server.url}/a.wav")) == "silk"
        assert rig.counts() == (1, 0, 0, 1)
        rig.error(MediaRejected, Voice(f"{server.url}/a.wav", convert=False))
        assert sound_of(rig, Voice(f"{server.url}/a.wav", convert=True)) == "silk"


# ---------------------------------------------------------------------- what is held


def test_the_same_content_is_uploaded_once(rig, tmp_path):
    """From whatever source; by scene and type; and not when it has expired."""
    path = tmp_path / "x.png"
    path.write_bytes(png())
    first = rig.info(Image(png()))
    assert rig.info(Image(path)) is first
    assert rig.info(Image(png()), "c2c") is not first
    assert rig.info(File(png(), "x.png")) is not first
    assert rig.info(File(png(), "y.png")).name == "y.png"
    rig.clock.advance(239)
    assert rig.info(Image(png())) is first
    rig.clock.advance(2)
    assert rig.info(Image(png())) is not first


class Rewriting(ChainBuilder):
    """Writes something else into the file, between the look at it and the upload."""

    def __init__(self, path, data):
        self.write = lambda: path.write_bytes(data)

    def get_image(self, image):
        self.write()
        return image

    get_voice = get_file = get_image


@pytest.mark.parametrize("way", ["file_data", "chunked", "url"])
def test_a_small_file_that_is_rewritten_meanwhile(rig, tmp_path, way):
    """What was there first is sent, or nothing is remembered: nobody gets the second for it."""
    path, first, second = tmp_path / "plot.png", png(900, seed=1), png(900, seed=2)
    path.write_bytes(first)
    builder = Rewriting(path, second)
    rig.close_ways(*STEPS[: STEPS.index(way)])
    sent = rig.info(Image(path), builder=builder)
    assert sent.data == (second if way == "url" else first)  # the service hands out the file
    builder.write = lambda: None
    assert rig.info(Image(first), builder=builder).data == first
    assert rig.info(Image(path), builder=builder).data == second


def test_a_voice_that_is_rewritten_meanwhile(rig, tmp_path, monkeypatch):
    """It is encoded later than it is looked at."""
    path, long = tmp_path / "x.wav", encoded("wav", seconds=3.0)
    path.write_bytes(encoded("wav"))
    real = voice.to_silk

    def late(content, **options):
        path.write_bytes(long)
        return real(content, **options)

    monkeypatch.setattr(voice, "to_silk", late)
    sent = rig.info(Voice(path, convert=True))
    assert len(sent.data) < len(real(long)) / 2
    assert rig.info(Voice(encoded("wav"), convert=True)).data == sent.data


def test_a_large_file_that_is_rewritten_meanwhile(rig, tmp_path):
    """It is an error, and nothing is remembered."""
    rules(rig, upload_block=20 * MIB)
    first, second = b"1" * (10 * MIB + 1), b"2" * (10 * MIB + 1)
    path = tmp_path / "x.bin"
    path.write_bytes(first)
    builder = Rewriting(path, second)
    error = rig.error(MediaError, File(path), builder=builder)
    assert error.summary == "x.bin changed after the chain was made"
    builder.write = lambda: None
    assert rig.info(File(first, "x.bin"), builder=builder).data == first
    assert rig.info(File(path), builder=builder).data == second


def test_a_large_log_that_grows_meanwhile(rig, tmp_path):
    """What was there is sent."""
    rules(rig, upload_block=20 * MIB)
    path, first = tmp_path / "x.log", b"1" * (10 * MIB + 1)
    path.write_bytes(first)
    builder = Rewriting(path, first + b"more")
    assert rig.info(File(path), builder=builder).data == first


def test_long_term_means_a_day(rig):
    """That is what a ttl of 0 is called."""
    rules(rig, file_ttl=0)
    first = rig.info(Image(png()))
    rig.clock.advance(86_000)
    assert rig.info(Image(png())) is first
    rig.clock.advance(500)
    assert rig.info(Image(png())) is not first


def test_what_the_platform_forgot_is_uploaded_again(rig):
    """After 304080."""
    first = rig.info(Image(png()))
    rig.uploader().forget(first.file_info)
    assert rig.info(Image(png())) is not first


def test_many_threads_upload_the_same_once(rig):
    """32 at the same time."""
    rules(rig, upload_ways=frozenset({"chunked"}))
    rig.memory.lessons.refuse("base64", "group", "as if", rig.clock.monotonic())
    together = threading.Barrier(32)
    uploader, data, infos = rig.uploader(), png(9 * BLOCK), []

    def send():
        together.wait(10)
        info = uploader.file_info(Image(data), scene="group", openid=rig.openids["group"])
        infos.append(info)

    threads = [threading.Thread(target=send) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert (len(infos), len(set(infos)), rig.stat("uploads_chunked")) == (32, 1, 1)


def test_progress_reaches_the_end_whatever_the_way(rig):
    """Directly, in parts, from memory, after a refusal: the last word is the whole."""
    told = []

    def note(done, total):
        told.append((done, total))

    rig.info(Image(png(900), progress=note))
    assert told == [(900, 900)]
    told.clear()
    rig.info(Image(png(900), progress=note))
    assert told == [(900, 900)]
    told.clear()
    rig.close_ways("file_data")
    rig.info(Image(png(5000), progress=note))
    assert told[-1] == (5000, 5000)
    assert len(told) == 5


@pytest.mark.expected_errors
def test_a_failing_progress_function_does_not_stop_an_upload(rig):
    """It is logged."""

    def broken(done, total):
        raise ValueError("mine")

    assert rig.info(Image(png(), progress=broken)).way == "file_data"


def test_what_takes_long_goes_aside(rig):
    """The handler's worker is given back for it, and only for it."""
    rules(rig, upload_block=10 * MIB)
    rig.info(Image(png()))
    rig.info(Voice(samples.silk()))
    assert rig.asides == 0
    rig.info(Image(png(MIB + 1)))
    assert rig.asides == 1
    rig.info(Voice(encoded("ogg")))
    assert rig.asides == 2
    with ScriptedServer(answer(200, png(400))) as server:
        rig.info(Image(f"{server.url}/a.png"))
    assert rig.asides == 3


# ---------------------------------------------------------------------- public URLs


def read(rig, url):
    """Return what stands at a public URL."""
    return rig.fetch(url, MIB)


def public(rig, image, scene="group", **options):
    """Return the public URL of a picture."""
    return rig.uploader(**options).public_url(image, scene=scene, openid=rig.openids[scene])


def test_a_url_is_public_already(rig):
    """It is returned as it is."""
    assert public(rig, Image("https://example.com/a.png")) == "https://example.com/a.png"
    assert rig.counts() == (0, 0, 0, 0)


@pytest.mark.parametrize("scene", ["group", "c2c"])
def test_the_platforms_own_storage_is_public(rig, scene):
    """A small picture goes in parts for it; the link is kept, and the upload is used again."""
    url = public(rig, Image(png(900)), scene)
    assert read(rig, url) == png(900)
    assert public(rig, Image(png(900)), scene) == url
    assert rig.info(Image(png(900)), scene).way == "chunked"
    assert rig.counts() == (0, 1, 0, 0)
    rig.clock.advance(250)
    assert public(rig, Image(png(900)), scene) != url


def test_an_upload_without_a_link_is_not_enough(rig):
    """What went as base64 has none."""
    rig.info(Image(png()))
    assert read(rig, public(rig, Image(png()))) == png()
    assert rig.counts() == (1, 1, 0, 0)


def test_a_builder_may_say_where_a_picture_is(rig):
    """Its URL counts."""
    assert public(rig, Image(png()), builder=Hosted("http://127.0.0.1/x.png")) == (
        "http://127.0.0.1/x.png"
    )


def test_the_resource_service_is_the_last_resort(rig):
    """When parts are refused, and when they bring no link; it stays there for the platform."""
    rig.close_ways("chunked")
    url = public(rig, Image(png()))
    assert f":{rig.service.port}/resource/" in url
    assert (read(rig, url), read(rig, url)) == (png(), png())
    refused = rig.counts()[-1]
    public(rig, Image(png(300)))
    assert rig.counts()[-1] == refused  # the lesson holds here, too
    rig.close_ways()
    rules(rig, instant_upload=True)
    rig.memory.lessons.allow("chunked", "group")
    rig.info(Image(png(400)))
    assert "/resource/" in public(rig, Image(png(400)))


def test_serve_mode_serves_pictures_in_markdown(rig):
    """As everything."""
    url = public(rig, Image(png()), mode="serve")
    assert f":{rig.service.port}/resource/" in url
    with pytest.raises(HostingError):
        public(rig, Image(png()), mode="serve", builder=ChainBuilder())


def test_a_picture_that_finds_no_public_place(rig):
    """The error says what was tried."""
    rig.close_ways("chunked")
    with pytest.raises(MediaRejected):
        public(rig, Image(png()), mode="upload")
    rules(rig, upload_ways=ALL, instant_upload=True)
    rig.memory.lessons.allow("chunked", "group")
    rig.info(Image(png(400)))
    with pytest.raises(MediaError, match="tried chunked") as caught:
        public(rig, Image(png(400)), mode="upload")
    assert "no public link" in str(caught.value)


# ---------------------------------------------------------------------- stopping


def test_nothing_begins_after_the_end(rig):
    """Not even from memory."""
    rig.info(Image(png()))
    rig.stop.set()
    rig.error(StateError, Image(png()))
    with pytest.raises(StateError):
        public(rig, Image(png()))


@pytest.mark.parametrize("pattern", ["/files$", "/upload_prepare"])
def test_stopping_between_two_ways(rig, pattern):
    """After a failure no other way is tried."""
    rig.sim.faults.fail(pattern, status=500, body="<html>", times=100)
    if pattern != "/files$":
        rig.close_ways("file_data")
    rig.clock.on_wait = lambda _seconds: rig.stop.set()
    rig.error(StateError, Image(png()))
    assert rig.counts()[:3] == (0, 0, 0)


def test_stopping_while_parts_are_sent(rig):
    """All of those who wait for the same end with it."""
    rig.memory.lessons.refuse("base64", "group", "as if", rig.clock.monotonic())
    with ScriptedServer(silence) as server:

        def put(_url, body, timeout):
            return rig.puts.put(f"{server.url}/cos", body, timeout)

        uploader = rig.uploader(put=put)

        def send():
            uploader.file_info(Image(png(5000)), scene="group", openid=rig.openids["group"])

        running = [in_thread(send) for _ in range(4)]
        eventually(lambda: server.requests)
        rig.stop.set()
        rig.puts.close()
        for thread, errors in running:
            thread.join(5)
            assert not thread.is_alive()
            assert [type(error) for error in errors] == [StateError]


def test_stopping_while_a_voice_is_encoded(rig):
    """It ends as everything ends."""
    rules(rig, voice_formats=frozenset({"silk"}))
    long = sounds.wav(sounds.speech(60.0))
    thread, errors = in_thread(lambda: rig.info(Voice(long, convert=True)))
    rig.stop.set()
    thread.join(10)
    assert [type(error) for error in errors] == [StateError]
