"""Chunked uploads against the simulator and against servers that behave badly."""

from __future__ import annotations

import hashlib
import logging
import os
import ssl
import subprocess
import sys
import threading
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qqgroup_sync.api.files import FileCalls
from qqgroup_sync.api.http import Http
from qqgroup_sync.api.messages import MessageCalls
from qqgroup_sync.api.token import AccessToken
from qqgroup_sync.api.transport import Transport
from qqgroup_sync.errors import (
    ApiError,
    BadResponse,
    MediaError,
    MediaRejected,
    ServerError,
    StateError,
    TransportError,
)
from qqgroup_sync.media.chunks import MOST_AT_ONCE, ChunkedUpload
from qqgroup_sync.media.progress import Progress
from qqgroup_sync.media.puts import Part, Puts
from qqgroup_sync.media.sources import load
from qqgroup_sync.simulator import Simulator
from tests.api.scripted_server import ScriptedServer, answer, refusing_port, silence
from tests.api.test_transport import certificate  # noqa: F401 - a fixture
from tests.waiting import eventually

BLOCK = 1000
MIB = 1024 * 1024


def png(size=200, seed=0):
    """Return a picture of exactly so many bytes; another seed makes another one."""

    def chunk(name, body):
        checksum = zlib.crc32(name + body).to_bytes(4, "big")
        return len(body).to_bytes(4, "big") + name + body + checksum

    head = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", bytes([0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0]))
    pixels = chunk(b"IDAT", zlib.compress(b"\x00\x00"))
    end = chunk(b"IEND", b"")
    padding = size - len(head + pixels + end) - 12
    assert padding >= 0
    filler = hashlib.sha256(str(seed).encode()).digest() * (padding // 32 + 1)
    return head + pixels + chunk(b"teXt", filler[:padding]) + end


class Rig:
    """What an upload needs, connected to a platform, and a look at what arrived there.

    Attributes:
        puts: Sends the parts.
        stop: Ends everything.
        told: What the progress function was called with.
    """

    def __init__(self, sim, clock):
        self.sim = sim
        self.clock = clock
        self.stop = threading.Event()
        self.told = []
        self.puts = Puts(direct=True)
        self.transport = Transport(direct=True, language="en")
        token = AccessToken(
            "1",
            "secret",
            urls=[f"{sim.url}/app/getAppAccessToken"],
            transport=self.transport,
            clock=clock,
            language="en",
        )
        self.http = Http(
            self.transport,
            bases=[sim.url],
            authorize=token.header,
            refused=token.refuse,
            appid="1",
            clock=clock,
            stop=self.stop,
            language="en",
        )
        self.files = FileCalls(self.http)
        token.header()  # the bot is known from now on, and a member of the groups
        self.openids = {
            "group": sim.platform.group("g").openid,
            "c2c": sim.platform.user("Ming").openid,
        }

    def close(self):
        self.stop.set()
        self.puts.close()
        self.transport.close()

    def upload(self, content, kind="image", *, scene="group", put=None):
        """Upload in chunks."""
        source = load(content, kind, name="a.bin" if kind == "file" else None)
        progress = Progress(lambda done, total: self.told.append((done, total)))
        progress.begin(source.size)
        return ChunkedUpload(
            self.files,
            put or self.puts.put,
            source,
            scene=scene,
            openid=self.openids[scene],
            file_type={"image": 1, "video": 2, "voice": 3, "file": 4}[kind],
            clock=self.clock,
            stop=self.stop,
            progress=progress,
        ).run()

    def held(self, file_info):
        """Return the file that the platform holds."""
        with self.sim.platform.lock:
            file = self.sim.platform.media.shelf.find_info(file_info)
        assert file is not None
        return file

    def show(self, file_info, scene="group"):
        """Send a message with the medium; return the file that people see."""
        api = MessageCalls(self.http)
        body = {"msg_type": 7, "media": {"file_info": file_info}}
        if scene == "group":
            api.send_group_message(self.openids[scene], body)
            chat = self.sim.platform.group("g")
        else:
            api.send_c2c_message(self.openids[scene], body)
            chat = self.sim.platform.user("Ming")
        return chat.messages[-1].file

    def stat(self, name):
        return self.sim.platform.stats[name]


@pytest.fixture
def sim():
    """A running platform with small parts."""
    with Simulator() as simulator:
        simulator.platform.change_rules(upload_block=BLOCK)
        yield simulator


@pytest.fixture
def rig(sim, clock):
    """An uploader's surroundings on that platform; waits take no time."""
    rig = Rig(sim, clock)
    yield rig
    rig.close()


def rules(rig, **changed):
    """Change how the platform behaves."""
    rig.sim.platform.change_rules(**changed)


# ---------------------------------------------------------------------- the whole way


@pytest.mark.parametrize("scene", ["group", "c2c"])
@pytest.mark.parametrize("size", [200, BLOCK, BLOCK + 1, 4 * BLOCK, 4321])
def test_every_byte_arrives(rig, scene, size):
    """One part or several, the last one full or not: people see what was sent."""
    data = png(size)
    upload = rig.upload(data, scene=scene)
    shown = rig.show(upload.file_info, scene)
    assert (shown.data, shown.way) == (data, "chunked")
    assert upload.raw_url.startswith(rig.sim.url)


@pytest.mark.parametrize(
    "how",
    [
        {"upload_index_base": 0},
        {"upload_index_base": 1},
        {"file_size_type": "string"},
        {"file_size_type": "number"},
        {"block_size_type": "number"},
        {"block_size_type": "string"},
        {"upload_config": "top", "upload_concurrency": 3, "enforce_upload_concurrency": True},
        {"upload_config": "nested", "upload_concurrency": 3, "enforce_upload_concurrency": True},
        {"finish_needs_type": True},
        {"parts_not_ready": 9},
        {"parts_not_ready": 9, "upload_concurrency": 3},
    ],
    ids=str,
)
def test_contradictions_of_the_documentation_do_not_matter(rig, how):
    """Index base, strings or numbers, where the settings stand, parts that are seen late."""
    rules(rig, **how)
    data = png(4321)
    assert rig.held(rig.upload(data).file_info).data == data


def test_a_path_is_read_from_the_disk(rig, tmp_path):
    """A file arrives with its name."""
    data = os.urandom(5 * BLOCK + 7)
    path = tmp_path / "报告.bin"
    path.write_bytes(data)
    file = rig.held(rig.upload(path, "file").file_info)
    assert (file.data, file.name) == (data, "a.bin")


def test_content_that_the_platform_knows_is_not_sent_again(rig):
    """An answer to the preparation that holds the file_info is the end of it."""
    rules(rig, instant_upload=True)
    data = png(3 * BLOCK)
    rig.upload(data)
    stored = rig.stat("parts_stored")
    assert rig.held(rig.upload(data).file_info).way == "instant"
    assert rig.stat("parts_stored") == stored


@pytest.mark.parametrize("concurrency", [1, 4])
def test_progress_is_told_up_to_the_end_from_one_thread(rig, concurrency):
    """The function sees every block of every thread, never less than before."""
    rules(rig, upload_concurrency=concurrency)
    threads = set()
    rig.told = told = []
    source = load(png(9 * BLOCK), "image")
    progress = Progress(
        lambda done, total: (told.append((done, total)), threads.add(threading.get_ident()))
    )
    progress.begin(source.size)
    ChunkedUpload(
        rig.files,
        rig.puts.put,
        source,
        scene="group",
        openid=rig.openids["group"],
        file_type=1,
        clock=rig.clock,
        stop=rig.stop,
        progress=progress,
    ).run()
    assert told[-1] == (9 * BLOCK, 9 * BLOCK)
    assert told == sorted(set(told))
    assert threads == {threading.get_ident()}


def test_parts_go_side_by_side_as_far_as_the_platform_allows(rig):
    """Four at a time at most, in threads that have ended when the upload has."""
    rules(rig, upload_concurrency=50)
    together, most, names, lock = 0, 0, set(), threading.Lock()
    meet = threading.Barrier(MOST_AT_ONCE)

    def put(url, body, timeout):
        nonlocal together, most
        with lock:
            together += 1
            most = max(most, together)
            names.add(threading.current_thread().name)
        if not meet.broken:
            meet.wait(5)  # passes only when all of them are here
        try:
            return rig.puts.put(url, body, timeout)
        finally:
            with lock:
                together -= 1

    data = png(8 * BLOCK)
    assert rig.held(rig.upload(data, put=put).file_info).data == data
    assert most == MOST_AT_ONCE
    ours = {name for name in names if name.startswith("qqgroup-upload-")}
    assert len(ours) == MOST_AT_ONCE - 1
    assert not [one for one in threading.enumerate() if one.name in ours]


def test_one_part_at_a_time_needs_no_thread(rig):
    """Without concurrency everything happens where it was asked for."""
    names = set()

    def put(url, body, timeout):
        names.add(threading.current_thread())
        return rig.puts.put(url, body, timeout)

    rig.upload(png(3 * BLOCK), put=put)
    assert names == {threading.current_thread()}


# ---------------------------------------------------------------------- how a part travels


def test_a_part_is_put_plainly():
    """One Content-Length, no Authorization (not even from ~/.netrc), no chunked encoding."""
    with ScriptedServer(answer(200)) as server, open(__file__, "rb") as file:  # noqa: PTH123
        puts = Puts(direct=True)
        part = Part(file, 10, 500, name="x")
        assert puts.put(f"{server.url}/cos/1?sign=1", part, 10) == 200
        puts.close()
        (request,) = server.requests
        file.seek(10)
        assert request.body == file.read(500)
    assert request.method == "PUT"
    assert request.headers["content-length"] == "500"
    assert not {"authorization", "transfer-encoding", "expect"} & set(request.headers)


def test_netrc_is_not_sent_to_the_storage(tmp_path, monkeypatch):
    """A password for the storage's host would spoil the presigned request."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password hush\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with ScriptedServer(answer(200)) as server, open(__file__, "rb") as file:  # noqa: PTH123
        puts = Puts()
        puts.put(f"{server.url}/cos", Part(file, 0, 10, name="x"), 10)
        puts.close()
    assert "authorization" not in server.requests[0].headers


def test_a_redirect_is_not_followed():
    """The storage does not redirect; whoever does may not have the file."""
    with ScriptedServer(answer(302, Location="/elsewhere")) as server, open(__file__, "rb") as file:  # noqa: PTH123
        puts = Puts(direct=True)
        assert puts.put(f"{server.url}/cos", Part(file, 0, 10, name="x"), 10) == 302
        puts.close()
        assert len(server.requests) == 1


@given(st.binary(min_size=1, max_size=300), st.data())
def test_a_part_is_its_piece_of_the_file(tmp_path_factory, content, data):
    """Whatever the sizes of the reads, it gives its bytes, their number and their MD5."""
    start = data.draw(st.integers(0, len(content) - 1))
    size = data.draw(st.integers(1, len(content) - start))
    reads = data.draw(st.lists(st.integers(1, 40), max_size=400))
    part = Part(load(content, "file").open(), start, size, name="x")
    found = b"".join(part.read(amount) for amount in reads) + part.read()
    assert found == content[start : start + size]
    assert (len(part), part.done, part.read(5)) == (size, size, b"")
    assert part.md5 == hashlib.md5(found).hexdigest()


# ---------------------------------------------------------------------- what goes wrong


@pytest.mark.parametrize("status", [403, 500, 503])
@pytest.mark.parametrize("concurrency", [1, 3])
def test_a_part_that_fails_is_put_again(rig, status, concurrency, caplog):
    """Twice more, after a while; it arrives whole, and the presigned link stays secret."""
    caplog.set_level(logging.INFO)
    rules(rig, upload_concurrency=concurrency)
    rig.sim.faults.fail("/cos/", status=status, times=2, method="PUT")
    data = png(5 * BLOCK)
    assert rig.held(rig.upload(data).file_info).data == data
    assert rig.told[-1] == (5 * BLOCK, 5 * BLOCK)
    assert f"HTTP {status}" in caplog.text
    assert "q-sign" not in caplog.text


def test_a_part_whose_connection_breaks_is_put_again(rig):
    """Before or after the storage took it."""
    rig.sim.faults.drop("/cos/", abruptly=True)
    rig.sim.faults.drop("/cos/", after_accept=True)
    data = png(3 * BLOCK)
    assert rig.held(rig.upload(data).file_info).data == data


@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_part_that_keeps_failing_ends_the_upload(rig, concurrency):
    """The error names part, host and status, and nothing secret; no thread stays."""
    rules(rig, upload_concurrency=concurrency)
    rig.sim.faults.fail("/cos/", status=403, times=1000)
    with pytest.raises(TransportError) as caught:
        rig.upload(png(9 * BLOCK))
    assert "of 9: 127.0.0.1 answered HTTP 403" in str(caught.value)
    assert "sign" not in str(caught.value)
    assert not caught.value.never_sent


def test_a_storage_that_nobody_serves(rig):
    """The error is about the storage, not about the platform; and has no link in it."""
    dead = f"http://127.0.0.1:{refusing_port()}/cos/1?q-signature=hush"

    def put(_url, body, timeout):
        return rig.puts.put(dead, body, timeout)

    with pytest.raises(TransportError) as caught:
        rig.upload(png(), put=put)
    assert not caught.value.never_sent
    chain, error = "", caught.value
    while error is not None:
        chain += repr(error) + str(error)
        error = error.__cause__
    assert "hush" not in chain


def test_a_part_that_came_wrong_is_refused(rig):
    """The platform compares hashes: what was changed on the way is not sent to people."""

    def put(url, body, timeout):
        spoiled = b"x" * len(body.read())
        return rig.puts._session.put(url, data=spoiled, timeout=timeout).status_code

    with pytest.raises(MediaRejected):
        rig.upload(png(), put=put)
    assert rig.stat("uploads_chunked") == 0


def test_two_lengths_are_refused(rig):
    """The trap that is known: the storage of the simulator refuses it, as the real one does."""

    def put(url, body, timeout):
        connection = urlopen_twice(url, body.read())
        return connection.status

    with pytest.raises(TransportError, match="HTTP 400"):
        rig.upload(png(), put=put)


def urlopen_twice(url, data):
    """PUT with two Content-Length headers."""
    import http.client
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=5)
    connection.putrequest("PUT", f"{parts.path}?{parts.query}")
    for _ in range(2):
        connection.putheader("Content-Length", str(len(data)))
    connection.endheaders(data)
    response = connection.getresponse()
    response.read()
    connection.close()
    return response


def test_a_file_that_shrinks_meanwhile(rig, tmp_path):
    """It is an error at once, not a request that never ends."""
    path = tmp_path / "log.bin"
    path.write_bytes(os.urandom(3 * BLOCK))

    def put(url, body, timeout):
        path.write_bytes(b"short")
        return rig.puts.put(url, body, timeout)

    with pytest.raises(MediaError, match="became shorter"):
        rig.upload(path, "file", put=put)


def test_a_file_that_vanishes_meanwhile(rig, tmp_path):
    """The error says that it was there before."""
    path = tmp_path / "gone.bin"
    path.write_bytes(os.urandom(3 * BLOCK))

    def put(url, body, timeout):
        status = rig.puts.put(url, body, timeout)
        path.unlink(missing_ok=True)
        return status

    with pytest.raises(MediaError, match="though there was"):
        rig.upload(path, "file", put=put)


def test_a_part_that_never_gets_ready(rig):
    """It is tried as long as the platform said, then the refusal is raised."""
    rules(rig, parts_not_ready=10**6, upload_retry_timeout=20, upload_retry_delay=2)
    begun = rig.clock.monotonic()
    with pytest.raises(ServerError) as caught:
        rig.upload(png())
    assert 40093001 in caught.value.codes
    assert 20 <= rig.clock.monotonic() - begun < 40


def test_a_platform_that_would_wait_for_ever_is_not_obeyed(rig):
    """Ten minutes are enough."""
    rules(rig, parts_not_ready=10**6, upload_retry_timeout=10**9, upload_retry_delay=60)
    begun = rig.clock.monotonic()
    with pytest.raises(ServerError):
        rig.upload(png())
    assert rig.clock.monotonic() - begun < 700


def test_the_end_is_tried_again(rig):
    """A hiccup when the parts are put together costs no second upload."""
    rig.sim.faults.fail("/files$", status=500, times=2)
    data = png(2 * BLOCK)
    assert rig.held(rig.upload(data).file_info).data == data
    assert rig.stat("parts_stored") == 2


@pytest.mark.parametrize("step", ["/upload_prepare", "/upload_part_finish"])
@pytest.mark.parametrize("status", [500, 503])
def test_a_hiccup_costs_no_second_upload(rig, step, status):
    """A 5xx with a code that nobody knows is asked again."""
    body = {"code": 987654, "err_code": 987654, "message": "busy"}
    rig.sim.faults.fail(step, status=status, body=body, times=2)
    data = png(2 * BLOCK)
    assert rig.held(rig.upload(data).file_info).data == data
    assert rig.stat("parts_stored") == 2


def test_a_platform_that_stays_broken_is_left(rig):
    """After three times."""
    body = {"code": 987654, "err_code": 987654, "message": "busy"}
    rig.sim.faults.fail("/upload_prepare", status=500, body=body, times=50)
    with pytest.raises(ServerError):
        rig.upload(png())
    assert rig.clock.waits.count(1.0) >= 1


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ({"image_formats": frozenset()}, 850019),
        ({"upload_quota": 10}, 40093002),
        ({"hard_limit": 100}, 850031),
        ({"upload_ways": frozenset()}, 10000),
    ],
)
def test_refusals_are_raised_as_they_are(rig, how, code):
    """What they mean is decided elsewhere."""
    rules(rig, **how)
    with pytest.raises(ApiError) as caught:
        rig.upload(png())
    assert code in caught.value.codes


PLAN = {"upload_id": "u", "block_size": 100}


class Planned:
    """Endpoints that answer the preparation as told and note what else is called."""

    def __init__(self, plan):
        from qqgroup_sync.api.file_records import UploadPlan

        self.plan = UploadPlan.read(plan)

    def prepare_upload(self, *_args, **_fields):
        return self.plan


@pytest.mark.parametrize("parts", [1, 3])
def test_a_plan_that_does_not_fit_the_file_is_refused(clock, parts):
    """Nothing is sent to addresses that were not meant for it."""
    places = [{"index": n, "presigned_url": "http://127.0.0.1:1/"} for n in range(parts)]
    source = load(png(200), "image")
    upload = ChunkedUpload(
        Planned({**PLAN, "parts": places}),
        lambda *_: pytest.fail("nothing may be sent"),
        source,
        scene="group",
        openid="g",
        file_type=1,
        clock=clock,
        stop=threading.Event(),
        progress=Progress(),
    )
    with pytest.raises(BadResponse, match="do not make 200"):
        upload.run()


# ---------------------------------------------------------------------- stopping


def in_thread(action):
    """Start an action; return the thread and the list that its error will be in."""
    errors = []

    def run():
        try:
            action()
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread, errors


@pytest.mark.parametrize("concurrency", [1, 4])
def test_stopping_while_the_storage_is_silent(rig, concurrency):
    """The connection is broken off; nobody waits for five minutes, no thread stays."""
    rules(rig, upload_concurrency=concurrency)
    with ScriptedServer(silence) as server:

        def put(_url, body, timeout):
            return rig.puts.put(f"{server.url}/cos", body, timeout)

        thread, errors = in_thread(lambda: rig.upload(png(9 * BLOCK), put=put))
        eventually(lambda: len(server.requests) == concurrency)
        rig.stop.set()
        rig.puts.close()
        thread.join(5)
        assert not thread.is_alive()
    assert isinstance(errors[0], StateError)


def test_stopping_between_two_blocks(rig):
    """What is being sent is not sent to its end."""
    sent = []

    def put(_url, body, _timeout):
        for block in body:
            sent.append(len(block))
            rig.stop.set()
        return 200

    rules(rig, upload_block=10 * MIB)
    with pytest.raises(StateError):
        rig.upload(png(MIB), put=put)
    assert len(sent) == 1


def test_stopping_while_a_part_is_not_ready(rig):
    """The wait ends."""
    rules(rig, parts_not_ready=10**6, upload_retry_timeout=500)
    waits = []

    def on_wait(seconds):
        waits.append(seconds)
        if len(waits) == 10:
            rig.stop.set()

    rig.clock.on_wait = on_wait
    with pytest.raises(StateError):
        rig.upload(png())
    assert len(waits) == 10


def test_stopping_while_a_part_waits_for_its_next_attempt(rig):
    """The wait ends, and the error tells why it was waiting."""
    rig.sim.faults.fail("/cos/", status=503, times=1000)
    rig.clock.on_wait = lambda _seconds: rig.stop.set()
    with pytest.raises(StateError) as caught:
        rig.upload(png())
    assert "HTTP 503" in str(caught.value.__cause__)


def test_a_silent_storage_behind_tls_is_left(certificate):  # noqa: F811 - a fixture
    """Breaking off works under TLS, too."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    puts = Puts(ca_bundle=certificate[0], direct=True)
    part = Part(load(b"x" * 100, "file").open(), 0, 100, name="x")
    with ScriptedServer(silence, tls=context) as server:
        thread, errors = in_thread(lambda: puts.put(f"{server.url}/cos", part, 60))
        eventually(lambda: server.requests)
        puts.close()
        thread.join(5)
        assert not thread.is_alive()
    assert [type(error) for error in errors] == [TransportError]


def test_nothing_is_put_after_the_end():
    """A closed one refuses without connecting."""
    puts = Puts(direct=True)
    puts.close()
    with ScriptedServer() as server, open(__file__, "rb") as file:  # noqa: PTH123
        with pytest.raises(TransportError, match="stopping"):
            puts.put(server.url, Part(file, 0, 10, name="x"), 5)
        assert server.connections == 0


# ---------------------------------------------------------------------- memory


@pytest.mark.load
@pytest.mark.timeout(300)
@pytest.mark.parametrize("concurrency", [1, 4])
def test_200_mb_stay_on_the_disk(sim, tmp_path, concurrency):
    """The bot's memory rises by less than 20 MB while it uploads ten times as much."""
    sim.platform.change_rules(upload_block=10 * MIB, upload_concurrency=concurrency)
    path = tmp_path / "big.bin"
    with path.open("wb") as file:
        for _ in range(200):
            file.write(os.urandom(MIB))
    script = tmp_path / "measure.py"
    script.write_text(MEASURE, encoding="utf-8")
    sim.platform.group("g")
    command = [sys.executable, str(script), sim.url, str(path), sim.platform.group("g").openid]
    root = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))  # noqa: PTH120
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": root}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    info, grown = done.stdout.split()
    with sim.platform.lock:
        file = sim.platform.media.shelf.find_info(info)
    with path.open("rb") as original:
        assert all(original.read(len(piece)) == piece for piece in file.contents.pieces())
    assert file.size == 200 * MIB
    assert int(grown) < 20 * MIB, f"{int(grown) / MIB:.1f} MB"


MEASURE = """
import sys, threading, psutil
from qqgroup_sync.api.files import FileCalls
from qqgroup_sync.api.http import Http
from qqgroup_sync.api.token import AccessToken
from qqgroup_sync.api.transport import Transport
from qqgroup_sync.media.builder import ChainBuilder
from qqgroup_sync.media.puts import Puts
from qqgroup_sync.media.file_infos import MediaMemory
from qqgroup_sync.media.upload import Uploader
from qqgroup_sync.message.elements import File
from qqgroup_sync.runtime.clock import Clock

url, path, openid = sys.argv[1:]
clock, stop, transport = Clock(), threading.Event(), Transport(direct=True)
token = AccessToken("1", "s", urls=[url + "/app/getAppAccessToken"], transport=transport,
                    clock=clock)
http = Http(transport, bases=[url], authorize=token.header, refused=token.refuse, appid="1",
            clock=clock, stop=stop)
uploader = Uploader(FileCalls(http), clock, mode="upload", builder=ChainBuilder(),
                    last_resort=None, memory=MediaMemory(), stop=stop, put=Puts(direct=True).put)
process = psutil.Process()
uploader.file_info(File(b"warm up"), scene="group", openid=openid)
before = most = process.memory_info().rss

def look(done, total):
    global most
    most = max(most, process.memory_info().rss)

info = uploader.file_info(File(path, progress=look), scene="group", openid=openid)
look(0, 0)
print(info, most - before)
"""
