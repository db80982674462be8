"""Uploads over real HTTP, as a bot makes them: url and file_data, limits, refusals, delivery."""

import base64
import contextlib
import socket
import threading

import pytest
import requests

from qqgroup_sync.simulator import Rules, Simulator
from qqgroup_sync.simulator.blobs import Blob
from qqgroup_sync.simulator.shelf import MediaFile, MediaShelf

from . import samples
from .bot import Bot

PNG = samples.png()
SMALL = {1: 1000, 2: 2000, 3: 1000, 4: 5000}


def encoded(data):
    """Return base64, as ``file_data`` wants it."""
    return base64.b64encode(data).decode()


@pytest.fixture
def group(sim):
    """A group the bot is a member of."""
    return sim.platform.group("g")


@pytest.fixture
def user(sim):
    """A friend of the bot."""
    return sim.platform.user("Ming")


@pytest.fixture(params=["groups", "users"])
def chat(request, group, user):
    """Both scenes in turn."""
    return group if request.param == "groups" else user


@pytest.fixture
def web():
    """A web server."""
    with samples.Served() as served:
        yield served


def files(bot, chat, body, what="files"):
    """Ask one of the upload endpoints of a chat."""
    scene = "users" if hasattr(chat, "befriend") else "groups"
    return bot.post(f"/v2/{scene}/{chat.openid}/{what}", body, timeout=30)


def upload(bot, chat, data=PNG, file_type=1, **fields):
    """Upload by base64 and return the answer."""
    body = {"file_type": file_type, "file_data": encoded(data), "srv_send_msg": False, **fields}
    response = files(bot, chat, body)
    assert response.status_code == 200, response.text
    return response.json()


def code(response, status=400):
    """Return the code of a refusal."""
    assert response.status_code == status, response.text
    assert response.json()["err_code"] == response.json()["code"]
    return response.json()["err_code"]


def send(bot, chat, file_info, **fields):
    """Send a message that carries a file."""
    return bot.say(chat, None, msg_type=7, media={"file_info": file_info}, **fields)


# -- the way of the bytes


def test_base64_arrives_byte_for_byte(bot, chat):
    """What was uploaded and sent is what the chat holds, with caption, size and type."""
    answer = upload(bot, chat, file_name="a.png")
    assert set(answer) == {"file_uuid", "file_info", "ttl"}
    assert answer["ttl"] == 300
    response = bot.say(chat, "look", msg_type=7, media={"file_info": answer["file_info"]})
    assert response.status_code == 200
    message = chat.next_reply()
    assert message.text == "look"
    assert message.file.data == PNG
    assert message.file.picture_size == (3, 2)
    assert (message.file.file_type, message.file.name) == (1, "a.png")
    assert message.file.content_type == "image/png"
    assert repr(message.file) == f"<MediaFile 'a.png' image/png {len(PNG)} bytes>"
    assert encoded(PNG)[:40] not in repr(message)


def test_url_is_really_fetched(sim, bot, chat, web):
    """The platform gets the URL itself, follows redirects, and takes the name from the path."""
    web.answers["/there/cat.png"] = PNG
    web.answers["/here"] = samples.redirect("/there/cat.png?x=1")
    answer = files(bot, chat, {"file_type": 1, "url": f"{web.url}/here"}).json()
    assert web.asked == ["/here", "/there/cat.png?x=1"]
    assert send(bot, chat, answer["file_info"]).ok
    file = chat.next_reply().file
    assert (file.data, file.name, file.way) == (PNG, "cat.png", "url")
    assert sim.platform.stats["uploads_url"] == 1
    assert sim.platform.stats["upload_bytes"] == len(PNG)


def test_empty_fields_count_as_absent(bot, group):
    """``url`` may be empty beside another way."""
    assert upload(bot, group, url="", upload_id="")["file_info"]


@pytest.mark.parametrize(
    "changed",
    [
        {"file_data": None},
        {"url": "http://127.0.0.1/x"},
        {"file_data": "%%%"},
        {"file_data": "data:image/png;base64,AAAA"},
        {"file_data": "AAA"},
        {"file_data": 5},
        {"file_type": None},
        {"file_type": 5},
        {"file_type": "1"},
        {"file_type": True},
        {"file_name": 5},
        {"srv_send_msg": "yes"},
        {"file_data": None, "url": "ftp://127.0.0.1/x"},
        {"file_data": None, "upload_id": "nothing"},
    ],
)
def test_bad_requests(sim, bot, chat, changed):
    """Exactly one way, well-formed fields; everything else gets 850012 and is counted."""
    body = {"file_type": 1, "file_data": encoded(PNG), **changed}
    body = {key: value for key, value in body.items() if value is not None}
    assert code(files(bot, chat, body)) == 850012
    assert sim.platform.stats["uploads_refused"] == 1


@pytest.mark.parametrize(
    ("file_type", "data", "taken"),
    [
        (1, PNG, True),
        (1, samples.JPG, True),
        (1, samples.GIF, True),
        (1, samples.WEBP, True),
        (1, samples.BMP, True),
        (1, samples.MP4, False),
        (1, samples.HTML, False),
        (1, PNG[:5], False),
        (2, samples.MP4, True),
        (2, PNG, False),
        (3, samples.wav(), True),
        (3, b"\x02#!SILK_V3", True),
        (3, samples.MP3, True),
        (3, samples.OGG, True),
        (3, samples.AMR, False),
        (3, PNG, False),
        (4, samples.HTML, True),
        (4, b"x", True),
    ],
)
def test_content_must_be_what_the_type_says(bot, group, file_type, data, taken):
    """The bytes decide, not the name: 850019."""
    body = {"file_type": file_type, "file_data": encoded(data), "file_name": "a.png"}
    response = files(bot, group, body)
    assert response.status_code == 200 if taken else code(response) == 850019


def test_formats_and_statuses_can_be_switched(sim, bot, group):
    """The API pages say silk only, and a refused voice once came with HTTP 500."""
    sim.platform.change_rules(voice_formats=frozenset({"silk"}), statuses={850019: 500})
    body = {"file_type": 3, "file_data": encoded(samples.wav())}
    assert code(files(bot, group, body), 500) == 850019


def test_nameless_file_looks_like_a_hash(bot, group):
    """Without a file name the card shows something like a hash."""
    send(bot, group, upload(bot, group, b"%PDF-1.7 x", 4)["file_info"])
    name = group.next_reply().file.name
    assert len(name) == 36
    assert name.endswith(".pdf")


# -- URLs that lead nowhere


def answer_with(status):
    """An empty answer."""

    def answer(handler):
        handler.send_response(status)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def never_ends(handler):
    """More and more bytes."""
    handler.send_response(200)
    handler.end_headers()
    while True:
        handler.wfile.write(bytes(65536))


def drips(handler):
    """A header, one byte now and then."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
    waiting = threading.Event()
    while not waiting.wait(0.05):
        handler.wfile.write(b"x")


def breaks_off(handler):
    """Fewer bytes than announced."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(PNG)


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        (None, 850026),
        (answer_with(500), 850026),
        (answer_with(204), 850026),
        (samples.redirect("/x"), 850026),
        (samples.redirect("file:///etc/passwd"), 850026),
        (drips, 850026),
        (breaks_off, 850026),
        (never_ends, 850031),
    ],
)
def test_url_that_cannot_be_fetched(sim, bot, group, web, *, answer, wanted):
    """404, failures, loops, slowness and endless answers are told apart from large ones."""
    sim.platform.change_rules(fetch_timeout=0.4, hard_limit=1_000_000)
    web.answers["/x"] = answer
    assert code(files(bot, group, {"file_type": 1, "url": f"{web.url}/x"})) == wanted


def test_url_where_nobody_listens(bot, group):
    """A closed port is 850026."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{sock.getsockname()[1]}/x.png"
        assert code(files(bot, group, {"file_type": 1, "url": url})) == 850026


def test_stop_ends_a_fetch(web):
    """A URL that answers slowly does not hold the simulator up."""
    asked = threading.Event()

    def hangs(handler):
        asked.set()
        handler.rfile.read(1)

    web.answers["/x"] = hangs
    sim = Simulator().start()
    with Bot(sim) as bot:
        group = sim.platform.group("g")

        def ask():
            with contextlib.suppress(requests.RequestException):
                files(bot, group, {"file_type": 1, "url": f"{web.url}/x"})

        thread = threading.Thread(target=ask)
        thread.start()
        assert asked.wait(5)
        assert sim.stop(3)
        thread.join(5)
        assert not thread.is_alive()


# -- sizes, volume, expiry


@pytest.mark.parametrize(
    ("size", "becomes"), [(900, 1), (1000, 1), (1001, 4), (6000, 4), (6001, None)]
)
def test_sizes(sim, bot, chat, size, becomes):
    """Beyond the soft limit it is sent as a file, beyond the hard one refused: 850031."""
    sim.platform.change_rules(soft_limits=SMALL, hard_limit=6000)
    data = PNG + bytes(size - len(PNG))
    response = files(bot, chat, {"file_type": 1, "file_data": encoded(data)})
    if becomes is None:
        assert code(response) == 850031
        return
    assert send(bot, chat, response.json()["file_info"]).ok
    assert chat.next_reply().file.file_type == becomes


def test_body_over_the_limit_gets_the_edges_html(sim, bot, chat):
    """A base64 body that is too large never reaches the platform: 413 with HTML."""
    body = {"file_type": 4, "file_data": "A" * (15 * 1024 * 1024)}
    response = files(bot, chat, body)
    assert response.status_code == 413
    assert "stgw" in response.text
    sim.platform.change_rules(max_body=1000)
    response = files(bot, chat, {"file_type": 4, "file_data": "A" * 1000})
    assert response.status_code == 413
    assert response.headers["Content-Type"].startswith("text/html")


def test_ten_megabytes_of_base64_pass(bot, group):
    """What works in practice works here: 10 MiB as base64."""
    data = PNG + bytes(10 * 1024 * 1024 - len(PNG))
    send(bot, group, upload(bot, group, data)["file_info"])
    assert group.next_reply().file.data == data


def test_volume_of_a_day(sim, bot, group):
    """40093002 when the day's bytes are used up, until they are a day old."""
    sim.platform.change_rules(upload_quota=2 * len(PNG))
    body = {"file_type": 1, "file_data": encoded(PNG)}
    upload(bot, group)
    upload(bot, group)
    assert code(files(bot, group, body)) == 40093002
    with Bot(sim, "102000002") as other:
        assert files(other, group, body).ok
    sim.clock.advance(86_401)
    bot.ask_token()
    upload(bot, group)


def test_file_info_expires(sim, bot, chat):
    """After ``ttl`` simulated seconds it gets 304080; ``ttl`` 0 lasts."""
    sim.clock.speed = 0
    kept = upload(bot, chat)["file_info"]
    sim.clock.advance(299)
    assert send(bot, chat, kept).ok
    sim.clock.advance(1)
    assert code(send(bot, chat, kept)) == 304080
    sim.platform.change_rules(file_ttl=0)
    answer = upload(bot, chat)
    assert answer["ttl"] == 0
    sim.clock.advance(7000)
    bot.ask_token()
    assert send(bot, chat, answer["file_info"]).ok


def test_file_info_is_for_one_bot_and_scene_but_any_chat(sim, bot, group, user):
    """Never across scenes or bots, but to any group."""
    file_info = upload(bot, group)["file_info"]
    assert send(bot, sim.platform.group("other"), file_info).ok
    assert code(send(bot, user, file_info)) == 304080
    with Bot(sim, "102000002") as other:
        assert code(send(other, group, file_info)) == 304080


# -- where a bot may upload


def test_standing(sim, bot, group, user):
    """Unknown chats, chats the bot is not in, and muted bots."""
    body = {"file_type": 1, "file_data": encoded(PNG)}
    assert code(bot.post(f"/v2/groups/{'F' * 32}/files", body)) == 11255
    group.mute_bot()
    assert code(files(bot, group, body)) == 850018
    group.remove_bot()
    assert code(files(bot, group, body)) == 40054003
    user.remove_friend()
    assert code(files(bot, user, body)) == 40054004
    assert requests.post(f"{sim.url}/v2/groups/x/files", json=body, timeout=5).status_code == 401


# -- srv_send_msg


def test_sent_at_once(sim, bot, chat):
    """``srv_send_msg`` delivers as a proactive message and answers its ``id``."""
    answer = upload(bot, chat, srv_send_msg=True)
    message = chat.next_reply()
    assert answer["id"] == message.id
    assert message.proactive
    assert message.file.data == PNG
    assert sim.platform.stats["proactive_accepted"] == 1


def test_sent_at_once_counts_as_proactive(sim, bot, chat):
    """The switch and the quotas for unasked messages hold."""
    body = {"file_type": 1, "file_data": encoded(PNG), "srv_send_msg": True}
    sim.clock.speed = 0
    done = [files(bot, chat, body).status_code for _ in range(21)]
    assert done.count(200) == (20 if chat.openid == sim.platform.group("g").openid else 5)
    assert code(files(bot, chat, body)) == 40034100
    chat.allow_push(False)
    assert code(files(bot, chat, body)) == 40034105


# -- ways that are closed


@pytest.mark.parametrize(
    ("way", "answer", "status", "wanted"),
    [
        ("url", 10000, 400, 10000),
        ("file_data", 10000, 400, 10000),
        ("chunked", 10000, 400, 10000),
        ("file_data", 413, 413, None),
        ("chunked", 404, 404, 404),
        ("url", {"url": 850012}, 400, 850012),
        ("url", {"chunked": 404}, 400, 10000),
        ("file_data", 500, 500, 500),
    ],
)
def test_closed_ways(sim, bot, chat, web, *, way, answer, status, wanted):
    """Each way can be closed, and answer what such a platform would."""
    web.answers["/a.png"] = PNG
    bodies = {
        "url": ("files", {"file_type": 1, "url": f"{web.url}/a.png"}),
        "file_data": ("files", {"file_type": 1, "file_data": encoded(PNG)}),
        "chunked": ("upload_prepare", samples.announce(PNG, 1)),
    }
    open_ways = frozenset(bodies) - {way}
    sim.platform.change_rules(upload_ways=open_ways, refused_way=answer)
    for name, (what, body) in bodies.items():
        response = files(bot, chat, body, what)
        if name != way:
            assert response.status_code == 200
        elif wanted is None:
            assert (response.status_code, "stgw" in response.text) == (status, True)
        else:
            assert code(response, status) == wanted


def test_faults_strike_uploads(sim, bot, group):
    """What is asked of ``faults`` happens to the new endpoints, too."""
    sim.faults.fail("/files", status=429, headers={"Retry-After": "1"})
    body = {"file_type": 1, "file_data": encoded(PNG)}
    response = files(bot, group, body)
    assert (response.status_code, response.headers["Retry-After"]) == (429, "1")
    sim.faults.drop("/files", after_accept=True)
    with pytest.raises(requests.ConnectionError):
        files(bot, group, body)
    assert sim.platform.stats["uploads_file_data"] == 1


def test_observers_are_not_given_the_base64(sim, bot, group):
    """A call is reported without the content, which may be megabytes."""
    calls = []
    sim.platform.subscribe(lambda kind, one: calls.append(one) if kind == "api" else None)
    upload(bot, group)
    assert calls[-1].request["file_data"] == f"({len(encoded(PNG))} characters)"


# -- memory


def test_oldest_bytes_are_forgotten():
    """The shelf holds so many bytes; a message whose file was forgotten says so."""
    shelf = MediaShelf(memory=10)
    kept = [shelf.keep(MediaFile(str(n), "group", 4, blob=Blob.of(b"1234"))) for n in range(3)]
    assert [shelf.find_info(str(n)) is not None for n in range(3)] == [False, True, True]
    assert kept[2].data == b"1234"
    with pytest.raises(LookupError, match="forgotten"):
        _ = kept[0].data
    large = shelf.keep(MediaFile("large", "group", 4, blob=Blob.of(b"x" * 99)))
    assert (large.size, list(shelf)) == (99, [large])


def test_rules_are_the_documented_ones():
    """The limits of the rich-media page, 2026-08."""
    rules = Rules()
    megabytes = {key: size // 1024**2 for key, size in rules.soft_limits.items()}
    assert megabytes == {1: 20, 2: 30, 3: 20, 4: 200}
    assert rules.hard_limit == 200 * 1024**2
