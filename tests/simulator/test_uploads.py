"""Chunked uploads over real HTTP: prepare, PUT, confirm, finish, and every way to get it wrong."""

import hashlib
import http.client
import socket
import threading
from urllib.parse import urlsplit

import pytest
import requests

from . import samples
from .bot import Bot
from .test_media import code, files, send

BLOCK = 1000
DATA = samples.png(padding=3400)  # four parts, the last one short


@pytest.fixture
def sim(sim):
    """A simulator with small parts."""
    sim.platform.change_rules(upload_block=BLOCK)
    return sim


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


def prepare(bot, chat, data=DATA, file_type=1, **changed):
    """Begin an upload."""
    body = samples.announce(data, file_type, **changed)
    response = files(bot, chat, body, "upload_prepare")
    assert response.status_code == 200, response.text
    return response.json()


def confirm(bot, chat, told):
    """Confirm one part and return the response."""
    return files(bot, chat, told, "upload_part_finish")


def ready(bot, chat, data=DATA, file_type=1, **changed):
    """Do everything but the last step and return its body."""
    answer = prepare(bot, chat, data, file_type, **changed)
    for told in samples.put_parts(answer, data):
        assert confirm(bot, chat, told).json() == {}
    return {"upload_id": answer["upload_id"]}


def put(url, data, **options):
    """PUT without a session."""
    return requests.put(url, data=data, timeout=10, **options)


def refused(response, status, error):
    """Check an answer of the store: XML with its own codes."""
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"].startswith("application/xml")
    assert f"<Code>{error}</Code>" in response.text


# -- the whole way


def test_parts_arrive_byte_for_byte(sim, bot, chat):
    """Prepare, PUT, confirm, finish: the file is in the chat as it was on disk."""
    answer = prepare(bot, chat, name="large.png")
    assert [part["index"] for part in answer["parts"]] == [1, 2, 3, 4]
    sizes = [int(part["block_size"]) for part in answer["parts"]]
    assert sizes == [BLOCK, BLOCK, BLOCK, len(DATA) - 3 * BLOCK]
    assert answer["block_size"] == "1000"
    assert answer["upload_config"] == {"concurrency": 1, "retry_timeout": 300, "retry_delay": 1}
    assert answer["parts"][0]["presigned_url"].startswith(f"{sim.url}/cos/")
    for told in samples.put_parts(answer, DATA):
        assert confirm(bot, chat, told).json() == {}
    done = files(bot, chat, {"upload_id": answer["upload_id"]}).json()
    assert set(done) == {"file_uuid", "file_info", "ttl", "raw_url"}
    assert send(bot, chat, done["file_info"]).ok
    file = chat.next_reply().file
    assert (file.data, file.name, file.file_type, file.way) == (DATA, "large.png", 1, "chunked")
    assert requests.get(done["raw_url"], timeout=5).content == DATA
    stats = sim.platform.stats.snapshot()
    assert (stats["uploads_chunked"], stats["parts_stored"]) == (1, 4)
    assert stats["upload_bytes"] == len(DATA)


def test_parts_in_any_order_at_once_and_again(bot, group):
    """Parts may come out of order, together, and more than once."""
    answer = prepare(bot, group)
    first = answer["parts"][0]
    assert put(first["presigned_url"], b"x" * BLOCK).ok
    whole = [(part, DATA[n * BLOCK : (n + 1) * BLOCK]) for n, part in enumerate(answer["parts"])]
    tasks = [
        threading.Thread(target=put, args=(part["presigned_url"], piece))
        for part, piece in reversed(whole)
    ]
    for task in tasks:
        task.start()
    for task in tasks:
        task.join()
    for part, piece in whole:
        told = {
            "upload_id": answer["upload_id"],
            "part_index": part["index"],
            "block_size": str(len(piece)),
            "md5": hashlib.md5(piece).hexdigest().upper(),
        }
        assert confirm(bot, group, told).ok
        assert confirm(bot, group, told).ok
    assert files(bot, group, {"upload_id": answer["upload_id"]}).ok


def test_finish_with_all_fields(bot, chat):
    """The doc sample repeats ``file_type`` and ``file_name``, and a name given last counts."""
    body = ready(bot, chat, name="a.png")
    answer = files(bot, chat, {**body, "file_type": 1, "srv_send_msg": True, "file_name": "b.png"})
    message = chat.next_reply()
    assert message.id == answer.json()["id"]
    assert message.file.name == "b.png"


def test_finish_again_answers_the_same(sim, bot, chat):
    """A client whose answer was lost asks again and gets it."""
    body = ready(bot, chat)
    sim.faults.drop("/files", after_accept=True)
    with pytest.raises(requests.ConnectionError):
        files(bot, chat, body)
    answers = [files(bot, chat, body).json() for _ in range(2)]
    assert answers[0] == answers[1]
    assert sim.platform.stats["uploads_chunked"] == 1


def test_large_file_is_not_held_in_memory(sim, bot, group):
    """A file of many megabytes lies on disk, and its first 10 002 432 bytes have their hash."""
    sim.platform.change_rules(upload_block=10 * 1024 * 1024)
    data = samples.MP4 + bytes(23_000_000)
    answer = files(bot, group, ready(bot, group, data, 2)).json()
    assert send(bot, group, answer["file_info"]).ok
    file = group.next_reply().file
    assert file.contents.on_disk
    assert file.data == data


def test_type_4_and_downgraded_ones_have_no_raw_url(sim, bot, group):
    """``raw_url`` is for pictures, videos and voices."""
    assert "raw_url" not in files(bot, group, ready(bot, group, b"text" * 600, 4)).json()
    sim.platform.change_rules(soft_limits={1: 1000})
    assert "raw_url" not in files(bot, group, ready(bot, group)).json()


# -- what the docs and reality disagree about


@pytest.mark.parametrize("base", [0, 1])
@pytest.mark.parametrize("shown", ["string", "number"])
@pytest.mark.parametrize("config", ["nested", "top"])
def test_shapes_of_the_answer(sim, bot, group, *, base, shown, config):
    """Index base, type of ``block_size`` and place of the configuration can be switched."""
    sim.platform.change_rules(
        upload_index_base=base,
        block_size_type=shown,
        upload_config=config,
        upload_concurrency=3,
        upload_retry_timeout=120,
        upload_retry_delay=2,
    )
    answer = prepare(bot, group)
    assert [part["index"] for part in answer["parts"]] == list(range(base, base + 4))
    assert type(answer["block_size"]) is (str if shown == "string" else int)
    wanted = {"concurrency": 3, "retry_timeout": 120, "retry_delay": 2}
    found = answer["upload_config"] if config == "nested" else answer
    assert wanted.items() <= found.items()
    assert ("upload_config" in answer) == (config == "nested")
    for told in samples.put_parts(answer, DATA):
        assert confirm(bot, group, told).ok
    assert files(bot, group, {"upload_id": answer["upload_id"]}).ok


@pytest.mark.parametrize(
    ("rule", "size", "taken"),
    [
        ("any", "100", True),
        ("any", 100, True),
        ("string", "100", True),
        ("string", 100, False),
        ("number", "100", False),
        ("number", 100, True),
        ("any", 100.0, False),
        ("any", True, False),
        ("any", "x", False),
        ("any", "-5", False),
        ("any", 0, False),
        ("any", None, False),
    ],
)
def test_types_of_file_size(sim, bot, group, *, rule, size, taken):
    """String or number, or one of them by rule; the other gets 850012."""
    sim.platform.change_rules(file_size_type=rule)
    body = samples.announce(b"x" * 100, file_size=size)
    response = files(bot, group, body, "upload_prepare")
    assert response.ok if taken else code(response) == 850012


@pytest.mark.parametrize(
    "changed",
    [
        {"sha1": ""},
        {"sha1": None},
        {"md5": "x" * 32},
        {"md5_10m": None},
        {"file_name": ""},
        {"file_type": None},
        {"file_type": 9},
    ],
)
def test_every_field_of_prepare_is_needed(sim, bot, chat, changed):
    """An empty sha1 and the like get 850012."""
    body = samples.announce(DATA, 1) | changed
    body = {key: value for key, value in body.items() if value is not None}
    assert code(files(bot, chat, body, "upload_prepare")) == 850012
    assert sim.platform.stats["uploads_refused"] == 1


def test_finish_may_need_the_type(sim, bot, group):
    """Whether the last step needs ``file_type`` is not settled; a wrong one is refused."""
    body = ready(bot, group)
    sim.platform.change_rules(finish_needs_type=True)
    assert code(files(bot, group, body)) == 850012
    assert code(files(bot, group, {**body, "file_type": 2})) == 850012
    assert files(bot, group, {**body, "file_type": 1}).ok


def test_instant_upload(sim, bot, chat):
    """By rule, known content is answered with ``file_info`` at once, and can be sent."""
    files(bot, chat, ready(bot, chat))
    assert "parts" in prepare(bot, chat)
    sim.platform.change_rules(instant_upload=True)
    answer = prepare(bot, chat, name="again.png")
    assert set(answer) == {"file_uuid", "file_info", "ttl"}
    assert send(bot, chat, answer["file_info"]).ok
    assert (chat.next_reply().file.name, chat.messages[-1].file.data) == ("again.png", DATA)
    assert "parts" in prepare(bot, chat, DATA + b"x")
    with Bot(sim, "102000002") as other:
        assert "parts" in prepare(other, chat)


# -- confirming


def test_parts_that_are_not_ready(sim, bot, group):
    """The first calls get 40093001 by rule; so does a part that has not arrived."""
    sim.platform.change_rules(parts_not_ready=2)
    answer = prepare(bot, group)
    told = samples.put_parts(answer, DATA)
    assert [confirm(bot, group, told[0]).status_code for _ in range(3)] == [400, 400, 200]
    sim.platform.change_rules(parts_not_ready=0)
    late = {**told[0], "upload_id": prepare(bot, group)["upload_id"]}
    assert code(confirm(bot, group, late)) == 40093001


@pytest.mark.parametrize(
    "changed",
    [
        {"md5": "0" * 32},
        {"md5": None},
        {"block_size": 999},
        {"block_size": None},
        {"part_index": 0},
        {"part_index": 5},
        {"part_index": "1"},
        {"part_index": True},
        {"upload_id": "nothing"},
        {"upload_id": None},
    ],
)
def test_wrong_confirmations(bot, group, changed):
    """Hash, length, index and id of a part must be right: 850012."""
    told = samples.put_parts(prepare(bot, group), DATA)[0] | changed
    assert code(confirm(bot, group, told)) == 850012


@pytest.mark.parametrize("wanted", [40093001, 850012])
def test_finish_before_all_parts(sim, bot, group, wanted):
    """Not before every part is confirmed."""
    sim.platform.change_rules(incomplete_upload=wanted)
    answer = prepare(bot, group)
    told = samples.put_parts(answer, DATA)
    for one in told[:-1]:
        confirm(bot, group, one)
    body = {"upload_id": answer["upload_id"]}
    assert code(files(bot, group, body)) == wanted
    confirm(bot, group, told[-1])
    assert files(bot, group, body).ok


@pytest.mark.parametrize("key", ["md5", "sha1", "md5_10m"])
def test_hashes_of_the_whole_are_checked(bot, group, key):
    """Content that is not what was announced gets 850012."""
    wrong = "0" * (40 if key == "sha1" else 32)
    assert code(files(bot, group, ready(bot, group, **{key: wrong}))) == 850012


def test_content_is_judged_as_always(sim, bot, group):
    """Format, size and volume hold for chunked uploads, too."""
    assert code(files(bot, group, ready(bot, group, b"no picture" * 300))) == 850019
    sim.platform.change_rules(hard_limit=3000)
    body = samples.announce(DATA, 1)
    assert code(files(bot, group, body, "upload_prepare")) == 850031
    sim.platform.change_rules(hard_limit=10_000, upload_quota=3000)
    assert code(files(bot, group, body, "upload_prepare")) == 40093002


def test_uploads_are_of_one_bot_and_scene(sim, bot, group, user):
    """An ``upload_id`` is nothing to others."""
    body = ready(bot, group)
    assert code(files(bot, user, body)) == 850012
    with Bot(sim, "102000002") as other:
        assert code(files(other, group, body)) == 850012
    assert files(bot, group, body).ok


def test_uploads_expire(sim, bot, group):
    """After its life an upload is unknown, and its addresses are refused."""
    body = ready(bot, group)
    answer = prepare(bot, group)
    sim.clock.advance(3601)
    assert code(files(bot, group, body)) == 850012
    refused(put(answer["parts"][0]["presigned_url"], DATA[:BLOCK]), 403, "AccessDenied")


# -- the store


def raw_put(url, data, *headers):
    """PUT with exactly these headers and return the status and body."""
    parts = urlsplit(url)
    lines = [f"PUT {parts.path}?{parts.query} HTTP/1.1", f"Host: {parts.netloc}", *headers]
    with socket.create_connection((parts.hostname, parts.port), timeout=5) as sock:
        sock.sendall("\r\n".join([*lines, "", ""]).encode() + data)
        response = http.client.HTTPResponse(sock)
        response.begin()
        return response.status, response.read().decode()


@pytest.mark.parametrize(
    ("headers", "status", "error"),
    [
        (["Content-Length: 1000", "Content-Length: 1000"], 400, "InvalidRequest"),
        (["Transfer-Encoding: chunked"], 411, "MissingContentLength"),
        ([], 411, "MissingContentLength"),
        (["Content-Length: 1000", "Authorization: QQBot x"], 400, "InvalidArgument"),
        (["Content-Length: 1000"], 200, None),
    ],
)
def test_headers_of_a_part(bot, group, headers, status, error):
    """One Content-Length, no chunks, no token: as COS has it."""
    url = prepare(bot, group)["parts"][0]["presigned_url"]
    data = DATA[:BLOCK]
    if "chunked" in "".join(headers):
        data = b"3e8\r\n" + data + b"\r\n0\r\n\r\n"
    found = raw_put(url, data if headers else b"", *headers)
    assert found[0] == status
    assert error is None or f"<Code>{error}</Code>" in found[1]


def test_parts_of_a_wrong_length(bot, group):
    """Shorter and longer parts are refused and not kept."""
    answer = prepare(bot, group)
    url = answer["parts"][0]["presigned_url"]
    refused(put(url, DATA[: BLOCK - 1]), 400, "EntityTooSmall")
    refused(put(url, DATA[: BLOCK + 1]), 400, "EntityTooLarge")


def test_addresses_are_good_for_one_thing(bot, group):
    """No signature, another's signature, another method: 403."""
    answer = prepare(bot, group)
    first, second = (part["presigned_url"] for part in answer["parts"][:2])
    data = DATA[:BLOCK]
    refused(put(first.partition("?")[0], data), 403, "AccessDenied")
    mixed = f"{first.partition('?')[0]}?{second.partition('?')[2]}"
    refused(put(mixed, data), 403, "SignatureDoesNotMatch")
    refused(
        put(first.replace("q-sign-time=1", "q-sign-time=2"), data), 403, "SignatureDoesNotMatch"
    )
    refused(requests.get(first, timeout=5), 403, "SignatureDoesNotMatch")


def test_parts_of_a_complete_upload(bot, group):
    """A part that comes after the end is refused."""
    answer = prepare(bot, group)
    for told in samples.put_parts(answer, DATA):
        confirm(bot, group, told)
    files(bot, group, {"upload_id": answer["upload_id"]})
    refused(put(answer["parts"][0]["presigned_url"], DATA[:BLOCK]), 404, "NoSuchUpload")


def test_concurrency_can_be_enforced(sim, bot, group):
    """More parts on their way than allowed get 503, and then go through."""
    sim.platform.change_rules(enforce_upload_concurrency=True)
    answer = prepare(bot, group)
    uploads = sim.platform.media.uploads
    key = urlsplit(answer["parts"][0]["presigned_url"]).path.removeprefix("/cos/")
    upload, part = uploads.expect(key, BLOCK)
    url = answer["parts"][1]["presigned_url"]
    refused(put(url, DATA[BLOCK : 2 * BLOCK]), 503, "SlowDown")
    uploads.store(upload, part, [DATA[:BLOCK]])
    assert put(url, DATA[BLOCK : 2 * BLOCK]).ok


def test_faults_strike_the_store(sim, bot, group):
    """A part can be made to fail, to hang, and to be lost after it was taken."""
    answer = prepare(bot, group)
    url = answer["parts"][0]["presigned_url"]
    sim.faults.fail("/cos/", status=503, body="<Error/>", method="PUT")
    assert put(url, DATA[:BLOCK]).status_code == 503
    sim.faults.drop("/cos/", after_accept=True)
    with pytest.raises(requests.ConnectionError):
        put(url, DATA[:BLOCK])
    assert sim.platform.stats["parts_stored"] == 1


def test_raw_url_expires_with_the_file(sim, bot, group):
    """``raw_url`` is a presigned GET with ranges that ends with ``ttl``."""
    url = files(bot, group, ready(bot, group)).json()["raw_url"]
    response = requests.get(url, headers={"Range": "bytes=1-3"}, timeout=5)
    assert (response.status_code, response.content) == (206, b"PNG")
    assert response.headers["Content-Type"] == "image/png"
    assert requests.head(url, timeout=5).headers["Content-Length"] == str(len(DATA))
    sim.clock.advance(301)
    refused(requests.get(url, timeout=5), 403, "AccessDenied")


def test_store_hands_out_no_pages(bot, group):
    """Nothing a browser would run is shown inline."""
    url = files(bot, group, ready(bot, group)).json()["raw_url"]
    response = requests.get(url, timeout=5)
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in response.headers["Content-Security-Policy"]
    assert response.headers["Content-Disposition"].startswith("inline")
